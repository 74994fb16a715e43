"""`drift lock`, `drift projects` and `drift doctor` as a person runs them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from drift_mcp.cli import main
from drift_mcp.project import Project, registry_path

SOURCE = """\
def tax(amount):
    return amount * 0.2


def total(amount):
    return amount + tax(amount)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    root = tmp_path / "till"
    root.mkdir()
    (root / "till.py").write_text(SOURCE)
    monkeypatch.chdir(root)
    return root


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    out, err = capsys.readouterr()
    return status, out, err


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(capsys, *words, "--json")[1])
    return found


def approve(root: Path, id: str = "a1", name: str = "Taxes are functions") -> None:
    with Project(root) as opened, opened.write() as tx:
        tx.execute("INSERT INTO patterns (id, name, category, status) VALUES (?, ?, 'api', 'approved')", (id, name))


# -- drift lock


def test_a_lock_is_written_checked_and_told_apart(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init")
    status, _, err = run(capsys, "lock", "validate")
    assert status == 2 and "drift lock generate" in err
    status, out, err = run(capsys, "lock", "generate")
    assert (status, err) == (0, "") and "no approved patterns; written" in out
    assert run(capsys, "lock", "validate")[:2] == (
        0,
        ".drift/drift.lock says what the store says: no pattern is approved.\n",
    )
    approve(project)
    status, out, err = run(capsys, "lock", "validate")
    assert (status, err) == (1, "")
    assert '+name = "Taxes are functions"\n' in out
    assert "added    [a1] api: Taxes are functions: approved, and not in drift.lock\n" in out
    assert "1 added, 0 removed, 0 changed" in out
    assert "1 approved pattern; written" in run(capsys, "lock", "generate")[1]
    assert "1 approved pattern; it said so already" in run(capsys, "lock", "generate")[1]
    assert run(capsys, "lock", "validate")[0] == 0


def test_a_lock_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "init")
    approve(project)
    assert document(capsys, "lock", "generate") == {
        "lock": str(project / ".drift" / "drift.lock"),
        "patterns": 1,
        "changed": True,
    }
    assert document(capsys, "lock", "validate") == {
        "equal": True,
        "patterns": 1,
        "added": [],
        "removed": [],
        "changed": [],
        "diff": "",
    }
    with Project(project) as opened, opened.write() as tx:
        tx.execute("UPDATE patterns SET severity = 'error'")
    found = document(capsys, "lock", "validate")
    assert found["changed"] == [
        {
            "pattern": "a1",
            "name": "Taxes are functions",
            "category": "api",
            "changes": [{"attribute": "severity", "before": "info", "after": "error"}],
        }
    ]
    with Project(project) as opened, opened.write() as tx:
        tx.execute("UPDATE patterns SET status = 'ignored', status_reason = 'noise'")
    found = document(capsys, "lock", "validate")
    assert [(each["pattern"], each["why"], each["reason"]) for each in found["removed"]] == [("a1", "ignored", "noise")]
    assert "removed  [a1] api: Taxes are functions: now ignored (noise)" in run(capsys, "lock", "validate")[1]


@pytest.mark.parametrize("name", ["two\nlines \x1b[31mred", "\u202egnp.exe"])
def test_a_name_from_elsewhere_breaks_no_line_and_no_terminal(
    project: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run(capsys, "init")
    run(capsys, "lock", "generate")
    approve(project, name=name)
    _, out, _ = run(capsys, "lock", "validate")
    assert not set(out) & {"\x1b", "\u202e"}
    assert sum(line.startswith("added ") for line in out.splitlines()) == 1


# -- drift projects


def test_projects_are_listed_with_what_is_gone(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(capsys, "projects") == (
        0,
        "No project is registered yet: `drift init` or `drift scan` in its folder does that.\n",
        "",
    )
    run(capsys, "scan")
    for name in ("lost", "emptied"):
        (tmp_path / name).mkdir()
        run(capsys, "init", str(tmp_path / name))
    shutil.rmtree(tmp_path / "lost")
    (tmp_path / "emptied" / ".drift" / "drift.db").unlink()
    status, out, _ = run(capsys, "projects")
    assert status == 0
    assert f"till     {project}  scanned 0 s ago, 0 patterns\n" in out
    assert f"lost     {tmp_path / 'lost'}  never scanned, 0 patterns  [its folder is gone" in out
    assert f"emptied  {tmp_path / 'emptied'}  never scanned, 0 patterns  [its store is gone" in out
    assert "2 of 3 cannot be found" in out
    for words in (["projects", "list"], ["projects"]):
        found = document(capsys, *words)
        assert found["total"] == 3
        assert {each["name"]: (each["stale"], each["lost"]) for each in found["projects"]} == {
            "till": (False, None),
            "lost": (True, "folder"),
            "emptied": (True, "store"),
        }
    assert json.loads(run(capsys, "projects", "--json", "list")[1])["total"] == 3


def test_a_project_is_forgotten_by_its_name_or_path(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run(capsys, "init")
    other = tmp_path / "other" / "till"
    other.mkdir(parents=True)
    run(capsys, "init", str(other))
    status, _, err = run(capsys, "projects", "forget", "till")
    assert status == 2 and str(project) in err and str(other) in err
    status, _, err = run(capsys, "projects", "forget", "tull")
    assert status == 2 and "Nearest: 'till'" in err
    shutil.rmtree(other)
    status, out, _ = run(capsys, "projects", "forget", "../other/till")
    assert status == 0 and str(other) in out
    assert document(capsys, "projects", "forget", "till") == {"forgotten": "till", "path": str(project)}
    assert document(capsys, "projects")["total"] == 0
    assert (project / ".drift" / "drift.db").exists()


@pytest.mark.parametrize("odd", ["\0", "~nobody-of-that-name/x", "", "/"])
def test_odd_names_are_not_registered(project: Path, capsys: pytest.CaptureFixture[str], odd: str) -> None:
    run(capsys, "init")
    status, _, err = run(capsys, "projects", "forget", odd)
    assert status == 2 and "is registered" in err


def damaged(path: Path) -> None:
    path.write_bytes(b"only text " * 500)


def newer(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


@pytest.mark.parametrize("harm", [damaged, newer])
def test_a_registry_that_cannot_be_used_is_told_and_stops_nothing_else(
    project: Path, capsys: pytest.CaptureFixture[str], harm: Any
) -> None:
    run(capsys, "scan")
    harm(registry_path())
    before = registry_path().read_bytes()
    for words in (["projects"], ["projects", "forget", "till"]):
        status, _, err = run(capsys, *words)
        assert status == 3 and err.startswith("drift: registry.db ")
    (project.parent / "here").mkdir()
    for words in (["scan"], ["status"], ["callers", "tax"], ["init", "../here"], ["lock", "generate"]):
        assert run(capsys, *words)[0] == 0
    assert run(capsys, "status", "--project", ".")[0] == 0
    assert run(capsys, "status", "--project", str(project))[0] == 0
    status, _, err = run(capsys, "status", "--project", "till")
    assert status == 3 and "registry.db" in err
    assert registry_path().read_bytes() == before


def test_a_folder_is_found_by_its_name_also_without_a_registry(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "scan")
    damaged(registry_path())
    monkeypatch.chdir(project.parent)
    assert run(capsys, "status", "--project", "till")[0] == 0


# -- drift doctor


def test_a_doctor_who_finds_nothing_says_how_things_stand(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "scan")
    status, out, err = run(capsys, "doctor")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("drift.db: ") and "schema 3, pages with checksums" in lines[0]
    assert lines[1].startswith("cortex.db: ") and "0 vectors, 0 pending" in lines[1]
    assert "model all-MiniLM-L6-v2-onnx-int8 installed" in lines[1]
    assert lines[1].endswith("among the shipped 0, made by the model 0.")
    assert lines[-1] == "till: nothing is wrong."


def test_what_is_wrong_ends_with_one_and_what_was_mended_with_none(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "scan")
    with Project(project) as opened, opened.write() as tx:
        tx.execute("UPDATE file_metadata SET function_count = 99")
    status, out, _ = run(capsys, "doctor")
    assert status == 1
    assert "warning  drift.db: files whose counters are wrong: 1\n         --fix: It is counted anew.\n" in out
    assert out.endswith("till: 1 finding to look at; `drift doctor --fix` mends 1.\n")
    status, out, _ = run(capsys, "doctor", "--fix")
    assert status == 0
    assert "mended   drift.db: files whose counters are wrong: 1\n         made anew\n" in out
    assert out.endswith("till: 1 finding mended; nothing is wrong.\n")
    assert run(capsys, "doctor")[0] == 0


def test_a_doctor_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "scan")
    with Project(project) as opened, opened.write() as tx:
        tx.execute("UPDATE file_metadata SET function_count = 99")
    found = document(capsys, "doctor")
    assert (found["project"], found["well"], found["usable"]) == ("till", False, True)
    assert found["databases"]["drift.db"]["schema"] == 3
    levels = [f"questions_from_{level}" for level in ("memory", "database", "shipped", "model")]
    assert [found["databases"]["cortex.db"][level] for level in levels] == [0, 0, 0, 0]
    (wrong,) = (each for each in found["findings"] if each["check"] == "files")
    assert wrong["fixable"] and wrong["done"] is None and wrong["where"] == "drift.db"
    found = document(capsys, "doctor", "--fix")
    assert found["well"] and [each["done"] for each in found["findings"] if each["check"] == "files"] == ["made anew"]


def test_a_store_that_cannot_be_used_ends_with_three(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "doctor")
    assert status == 2 and "drift scan" in err
    run(capsys, "init")
    (project / ".drift" / "drift.db").write_bytes(b"only text " * 500)
    for words in (["doctor"], ["doctor", "--fix"]):
        status, out, err = run(capsys, *words)
        assert (status, err) == (3, "")
        assert "error    drift.db: drift.db is not a database." in out


def test_a_client_that_would_start_what_is_not_there_is_told(
    project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    run(capsys, "scan")
    (project / ".mcp.json").write_text('{"mcpServers": {"drift": {"command": "no-such-program", "args": []}}}')
    (project / ".cursor").mkdir()
    (project / ".cursor" / "mcp.json").write_text("no json")
    (tmp_path / ".codex").mkdir()
    gone = str(tmp_path / "gone")
    (tmp_path / ".codex" / "config.toml").write_text(
        f'[mcp_servers.drift]\ncommand = "/bin/sh"\nargs = ["--project", "{gone}"]\n'
    )
    status, out, _ = run(capsys, "doctor")
    assert status == 1
    assert "Claude Code is told of the program 'no-such-program', which is not found here" in out
    assert f"Codex is told of the folder '{gone}', which is gone" in out
    assert out.count("warning") == 2
