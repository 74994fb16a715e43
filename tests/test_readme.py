"""The README shows what really happens: its conversation is the demo's, its configurations what `install` writes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def numberless(line: str) -> str:
    """Counts of the repository itself change with every commit; what is said about them does not."""
    return re.sub(r"\d[\d,.]*", "N", re.sub(r"^(\s*│ )\S+: ", r"\1project: ", line)).strip()


@pytest.fixture(scope="module")
def conversation(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("demo")
    project = folder / "main"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "node_modules", "*.egg-info")
    shutil.copytree(ROOT, project, ignore=ignored)
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo", str(project)],
        cwd=ROOT,
        env=os.environ | {"DRIFT_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_conversation_in_the_readme_is_the_demos(conversation: str) -> None:
    shown = [line for line in blocks("")[1].splitlines() if line.strip()]
    assert len(shown) > 20
    said = {numberless(line) for line in conversation.splitlines()}
    assert [line for line in shown if numberless(line) not in said] == []


def test_all_five_questions_have_answers(conversation: str) -> None:
    for tool in ("drift_status", "query_patterns", "get_callers", "reachable_data", "memory_search"):
        assert f"\n  {tool}" in conversation
    assert "found by words and meaning" in conversation


def test_the_commands_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {line.split()[1] for line in blocks("")[0].splitlines()} <= targets


@pytest.mark.parametrize("client", ["claude-code", "cursor", "vscode"])
def test_the_configuration_in_the_readme_is_what_install_writes(client: str, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "drift_mcp", "install", client, "--yes", "--project", str(tmp_path)],
        env=os.environ | {"DRIFT_HOME": str(tmp_path / "home")},
        capture_output=True,
        timeout=60,
        check=True,
    )
    written = [json.loads(path.read_text(encoding="utf-8")) for path in tmp_path.rglob("*.json")]
    key = "servers" if client == "vscode" else "mcpServers"
    shown = next(block for block in map(json.loads, blocks("json")) if key in block)
    assert [each[key]["drift"]["type"] for each in written] == [shown[key]["drift"]["type"]]
    assert [sorted(each[key]["drift"]) for each in written] == [sorted(shown[key]["drift"])]
