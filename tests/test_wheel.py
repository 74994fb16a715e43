"""The wheel is whole: a store opens from what it installs, without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

OPEN_A_STORE = """
import sys
from pathlib import Path
import drift_mcp
from drift_mcp.cortex import precomputed
from drift_mcp.cortex.minilm import DEFAULT_MODEL
from drift_mcp.project import Project, init
from drift_mcp.store import schema
installed, root = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
assert Path(drift_mcp.__file__).is_relative_to(installed), drift_mcp.__file__
assert schema.folder() == installed / "drift_mcp" / "schema", schema.folder()
assert len(precomputed.read(DEFAULT_MODEL.fingerprint).places) == len(precomputed.texts()) > 300
with Project(root) as project:
    init(project)
    with project.read() as db:
        print(db.execute("SELECT total_patterns FROM v_status").get)
"""


def test_a_store_opens_from_the_wheel(tmp_path: Path) -> None:
    wheels, installed, root = tmp_path / "wheels", tmp_path / "installed", tmp_path / "shop"
    root.mkdir()
    python = [sys.executable, "-m"]
    run([*python, "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT)])
    [wheel] = wheels.iterdir()
    run([*python, "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(installed), str(wheel)])
    environment = os.environ | {"PYTHONPATH": str(installed), "DRIFT_HOME": str(tmp_path / "home")}
    printed = run([sys.executable, "-c", OPEN_A_STORE, str(installed), str(root)], tmp_path, environment)
    assert printed == "0\n"


def run(command: list[str], folder: Path | None = None, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
