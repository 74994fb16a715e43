"""`drift backup` as a person runs it: what is said, and with which status it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from drift_mcp.cli import main

STAMP = re.compile(r"\d{8}T\d{6}Z")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    root = tmp_path / "till"
    root.mkdir()
    (root / "till.py").write_text("def tax(amount):\n    return amount * 0.2\n")
    monkeypatch.chdir(root)
    assert main(["scan"]) == 0
    capsys.readouterr()
    return root


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(["backup", *words])
    out, err = capsys.readouterr()
    return status, out, err


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    status, out, err = run(capsys, *words, "--json")
    assert (status, err, out.count("\n")) == (0, "", 1)
    return json.loads(out)


def functions(capsys: pytest.CaptureFixture[str], name: str) -> int:
    assert main(["functions", name, "--json"]) == 0
    return int(json.loads(capsys.readouterr().out)["total"])


def stamp_in(text: str) -> str:
    found = STAMP.search(text)
    assert found is not None, text
    return found[0]


def test_what_was_backed_up_comes_back_and_goes_again(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "create")
    assert (status, err) == (0, "")
    assert re.match(
        r"\d{8}T\d{6}Z \(requested\): drift\.db [\d,.]+ [kM]B and cortex\.db [\d,.]+ [kM]B, checked\. "
        r"In \.drift/backups/\.\n"
        r"Put back with: drift backup restore \d{8}T\d{6}Z\n$",
        out,
    )
    (project / "till.py").write_text("def levy(amount):\n    return amount * 0.2\n")
    assert main(["scan"]) == 0
    capsys.readouterr()
    status, out, err = run(capsys, "restore", stamp_in(out))
    assert (status, err) == (0, "")
    assert re.search(r"^Restored \d{8}T\d{6}Z \(requested\): drift\.db ", out)
    undo = re.search(r"^Undo with: drift backup restore (\S+)$", out, re.MULTILINE)
    assert undo is not None
    (project / "till.py").write_text("def tax(amount):\n    return amount * 0.2\n")
    assert functions(capsys, "tax") == 1
    status, out, _ = run(capsys, "restore", undo[1])
    assert status == 0 and "(restore)" in out


def test_the_list_is_one_line_each_the_newest_first(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "list") == (0, "No backups yet. `drift backup create` makes one.\n", "")
    run(capsys, "create")
    run(capsys, "create", "--reason", "Before the move")
    status, out, _ = run(capsys, "list")
    first, second = out.splitlines()
    assert status == 0
    assert re.fullmatch(r"\S+Z  before-the-move +\d+ s ago +[\d.]+ MB  schema \d+/\d+ +whole", first)
    assert re.fullmatch(r"\S+Z  requested +\d+ s ago +[\d.]+ MB  schema \d+/\d+ +whole", second)
    assert stamp_in(first) > stamp_in(second)
    status, out, _ = run(capsys, "list", "--verify")
    assert (status, out.count("  sound\n")) == (0, 2)
    assert out.endswith("No backup is damaged.\n")


def test_a_damaged_one_is_found_and_the_answer_is_no(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = told(capsys, "create")
    file = project / ".drift" / "backups" / made["files"][0]["file"]
    content = bytearray(file.read_bytes())
    content[9000] ^= 1
    file.write_bytes(content)
    assert run(capsys, "list")[0] == 0
    status, out, _ = run(capsys, "list", "--verify")
    assert status == 1
    assert f"not whole: {file.name} is not what was written: its checksum differs" in out
    assert out.endswith("1 backup damaged.\n")
    status, out, err = run(capsys, "restore", "latest")
    assert (status, out) == (3, "")
    assert "is damaged" in err and "Nothing was changed" in err


def test_scripts_read_the_same_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "list") == {"backups": [], "total": 0}
    made = told(capsys, "create", "--reason", "nightly")
    assert (made["reason"], made["whole"], made["problem"]) == ("nightly", True, None)
    assert [file["database"] for file in made["files"]] == ["drift.db", "cortex.db"]
    assert told(capsys, "list") == {"backups": [made], "total": 1}
    assert told(capsys, "list", "--verify") == {"backups": [made], "total": 1}
    done = told(capsys, "restore", "latest")
    assert done["restored"] == made
    assert done["undo"] == f"drift backup restore {done['undo_stamp']}"
    assert (done["damaged_files"], done["untouched"]) == (None, [])
    assert told(capsys, "list")["total"] == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["restore", "latest"], "There is no backup yet. `drift backup create` makes one."),
        (["restore", "2026"], "No backup '2026': there are none yet."),
        (["create", "--keep", "0"], "Keep 1 or more"),
        (["create", "--reason", "!!!"], "leaves nothing for a file name"),
        (["create", "--project", "/nowhere/at/all"], "/nowhere/at/all"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(
    project: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    status, out, err = run(capsys, *words)
    assert (status, out) == (2, "")
    assert message in err and err.count("\n") == 1


def test_an_unknown_stamp_names_the_nearest(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stamps = [told(capsys, "create")["stamp"] for _ in range(2)]
    status, _, err = run(capsys, "restore", "19990101T000000Z")
    assert status == 2 and f"nearest: {stamps[1]} (requested), {stamps[0]} (requested)" in err
    status, _, err = run(capsys, "restore", stamps[0][:4])
    assert status == 2 and "2 backups begin with" in err and stamps[0] in err and stamps[1] in err


def test_outside_of_a_project_there_is_nothing_to_back_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    bare = tmp_path / "bare"
    bare.mkdir()
    monkeypatch.chdir(bare)
    for words in (["create"], ["restore", "latest"]):
        status, out, err = run(capsys, *words)
        assert (status, out) == (2, "") and "drift init" in err
    assert run(capsys, "list")[:2] == (0, "No backups yet. `drift backup create` makes one.\n")
    assert list(bare.iterdir()) == []


def test_a_damaged_store_is_put_back_and_its_files_are_kept(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "create")
    store = project / ".drift" / "drift.db"
    store.write_bytes(b"no database at all\n" * 300)
    assert main(["status"]) == 3
    assert "`drift backup restore latest` puts the last backup in its place" in capsys.readouterr().err
    assert run(capsys, "create")[0] == 3
    status, out, _ = run(capsys, "restore", "latest")
    assert status == 0
    aside = re.search(r"^What was damaged was moved to (\.drift/backups/damaged-\S+/)$", out, re.MULTILINE)
    assert aside is not None and (project / aside[1] / "drift.db").read_bytes().startswith(b"no database")
    assert functions(capsys, "tax") == 1


def test_nothing_readable_before_means_no_way_back(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "create")
    for file in (project / ".drift").glob("*.db*"):
        file.unlink()
    status, out, _ = run(capsys, "restore", "latest")
    assert status == 0 and "There is no way back: nothing readable was there before." in out
    assert functions(capsys, "tax") == 1
