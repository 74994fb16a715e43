"""A person's verdict bears the person's name."""

from __future__ import annotations

import getpass
import json
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from drift_mcp.cli import main
from drift_mcp.project import Project, init
from drift_mcp.tables import scans, status


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    # Whoever runs the tests has a name, too.
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "till"
    root.mkdir()
    monkeypatch.chdir(root)
    with Project(root) as project:
        init(project)
        with project.write() as tx:
            scans.start(tx, "scan", incremental=False, commit=None)
            tx.execute("INSERT INTO patterns (id, name, category) VALUES ('a', 'Errors are wrapped', 'errors')")
            scans.finish(tx, "scan", files_scanned=0, changed_files=0, errors=0)
            status.refresh(tx)
    return root


def judged_by(root: Path) -> list[tuple[str, str | None]]:
    with Project(root) as project, project.read() as db:
        return list(db.execute("SELECT action, changed_by FROM pattern_history ORDER BY id"))


def test_the_name_is_that_of_the_persons_commits(root: Path, tmp_path: Path) -> None:
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Ada Lovelace é\n", encoding="utf-8")
    assert main(["approve", "a", "--reason", "we agreed"]) == 0
    assert main(["ignore", "a"]) == 0
    assert main(["reopen", "a"]) == 0
    assert judged_by(root) == [
        ("approved", "Ada Lovelace é"),
        ("ignored", "Ada Lovelace é"),
        ("reopened", "Ada Lovelace é"),
    ]


def test_the_repositorys_own_name_goes_first(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gitconfig").write_text("[user]\n\tname = Ada\n")
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    subprocess.run(["git", "config", "user.name", "Ada at work"], cwd=root, check=True)
    monkeypatch.chdir(tmp_path)
    assert main(["approve", "a", "--project", str(root)]) == 0
    assert main(["ignore", "a", "--project", "till"]) == 0
    assert judged_by(root) == [("approved", "Ada at work"), ("ignored", "Ada at work")]


@pytest.mark.parametrize("has_git", [True, False])
def test_else_it_is_the_name_of_the_login(root: Path, monkeypatch: pytest.MonkeyPatch, has_git: bool) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")
    if not has_git:
        monkeypatch.setenv("PATH", str(root))
        assert shutil.which("git") is None
    assert main(["approve", "a"]) == 0
    assert judged_by(root) == [("approved", "ada")]


def test_who_has_no_name_judges_all_the_same(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> NoReturn:
        raise KeyError("getpwuid(): uid not found: 1000")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert main(["approve", "a"]) == 0
    assert judged_by(root) == [("approved", None)]


def test_a_name_that_no_text_can_hold_is_written_as_far_as_it_can_be(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ad\udcffa" + "x" * 5_000)
    assert main(["approve", "a"]) == 0
    ((_, by),) = judged_by(root)
    assert by is not None and by.startswith("ad?a") and len(by) == 256


def test_the_same_verdict_again_is_said_to_be_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["approve", "a"])
    capsys.readouterr()
    assert main(["approve", "a", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["status"], said["before"]) == ("approved", "approved")
    assert len(judged_by(root)) == 1
