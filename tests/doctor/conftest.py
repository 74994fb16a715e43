"""A scanned project with a memory, and ways to harm it behind Drift's back."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from drift_mcp.ingest import scans
from drift_mcp.project import Project, init
from drift_mcp.store import connection

SOURCE = {
    "shop/prices.py": "import os\n\nRATE = os.environ['RATE']\n\n\ndef tax(amount):\n    return amount * 0.2\n",
    "shop/till.py": "from shop.prices import tax\n\n\ndef total(amount):\n    return amount + tax(amount)\n",
    "shop/__init__.py": "",
}

Harm = Callable[[str], None]


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once and copied for each test."""
    root = tmp_path_factory.mktemp("scanned") / "shop"
    for path, text in SOURCE.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    with pytest.MonkeyPatch.context() as patch, Project(root) as project:
        patch.setenv("DRIFT_HOME", str(root.parent / "home"))
        init(project)
        with project.write() as tx:
            for number in range(3):
                tx.execute(
                    "INSERT INTO patterns (id, name, category, source) VALUES (?, ?, 'api', 'x')",
                    (f"p{number}", "Functions are documented"),
                )
        scans.scan(project)
    return root


@pytest.fixture
def project(scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    root = tmp_path / "shop"
    shutil.copytree(scanned, root, copy_function=shutil.copy2)
    with Project(root) as opened:
        scans.scan(opened)
        init(opened)
        opened.close()  # so that a test may write to the file as to any other
        yield opened


@pytest.fixture
def harm(project: Project) -> Harm:
    """Runs statements on drift.db, or cortex.db when they speak of memories, without references being held."""

    def run(statements: str) -> None:
        path = project.store.with_name("cortex.db") if "memor" in statements else project.store
        from drift_mcp.cortex.vectors import extension_path

        extension = extension_path()
        assert extension is not None
        db = connection.open_any(path, apsw.SQLITE_OPEN_READWRITE, extensions=(extension,))
        for _ in db.execute(statements):
            pass
        db.close()

    return run
