"""`drift ingest` as a person runs it: from a file and from stdin, and with which status it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drift_mcp.cli import main

ROWS = [
    {"drift_facts": 1, "scanner": "ruby-facts 1.0"},
    {"table": "functions", "id": "till.rb::tax", "name": "tax", "kind": "function", "start_line": 1, "end_line": 2},
    {"table": "functions", "id": "till.rb::sum", "name": "sum", "kind": "function", "start_line": 3, "end_line": 4},
    {"table": "calls", "caller_id": "till.rb::sum", "line": 4, "column_num": 2, "callee_id": "till.rb::tax"},
    {"table": "files", "path": "till.rb", "language": "ruby"},
]
TEXT = "".join(json.dumps(row) + "\n" for row in ROWS)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)
    root = tmp_path / "till"
    root.mkdir()
    (root / "till.rb").write_text("def tax\nend\ndef sum\n  tax\n")
    monkeypatch.chdir(root)
    return root


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main(words)
    out, err = capsys.readouterr()
    return status, out, err


def test_facts_from_a_file_answer_at_once(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "facts.jsonl").write_text(TEXT)
    status, out, err = run(capsys, "ingest", "facts.jsonl")
    assert (status, err) == (0, "")
    assert out.startswith("till: ruby-facts 1.0 told of 4 rows in 1 file.")
    assert " ".join(out.splitlines()[2].split()) == "functions 2 given 2 added 0 changed 0 removed"
    assert "till.rb:4  sum  by scanner" in run(capsys, "callers", "tax")[1]


def test_the_answer_as_json_is_one_document(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "facts.jsonl").write_text(TEXT)
    status, out, _ = run(capsys, "ingest", "facts.jsonl", "--json")
    assert status == 0
    told = json.loads(out)
    assert told["tables"]["function_calls"] == {"given": 1, "added": 1, "changed": 0, "removed": 0}
    assert (told["scanner"], told["files"], told["left_as_decided"]) == ("ruby-facts 1.0", 1, 0)
    assert told["freshness"]["files_changed_since"] == 0


def test_facts_come_from_stdin(project: Path) -> None:
    words = [sys.executable, "-m", "drift_mcp", "ingest", "-", "--json"]
    done = subprocess.run(words, cwd=project, input=TEXT.encode(), capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["tables"]["functions"]["added"] == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            TEXT.replace('"line": 4', '"line": 0'),
            "drift: Line 4: function_calls.line is 0; a whole number from 1 is wanted",
        ),
        ("", "drift: Line 1: the input is empty"),
        (TEXT[:-30], "drift: Line 5: no JSON at column"),
    ],
)
def test_what_is_malformed_ends_with_two_and_one_line(
    project: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    (project / "facts.jsonl").write_text(text)
    status, out, err = run(capsys, "ingest", "facts.jsonl")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(words)
    assert not (project / ".drift").exists()


def test_a_file_that_is_not_there_ends_with_two(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "ingest", "nothing.jsonl")
    assert status == 2
    assert "nothing.jsonl" in err


def test_a_store_that_cannot_be_used_ends_with_three(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / ".drift").mkdir()
    (project / ".drift" / "drift.db").write_bytes(b"no database at all, and longer than that")
    (project / "facts.jsonl").write_text(TEXT)
    assert run(capsys, "ingest", "facts.jsonl")[0] == 3


def test_a_file_that_changed_since_it_was_told_of_is_named_with_who_can_tell_anew(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "facts.jsonl").write_text(TEXT)
    run(capsys, "ingest", "facts.jsonl")
    assert "changed" not in run(capsys, "callers", "tax")[1]
    (project / "till.rb").write_text("def tax\n  2\nend\ndef sum\n  tax\n")
    said = run(capsys, "callers", "tax")[1].splitlines()[-1]
    assert "till.rb changed since another scanner told of it (`drift ingest` takes it anew)" in said
    assert "scanned again" not in said and "scan_project" not in said
    assert json.loads(run(capsys, "callers", "tax", "--json")[1])["freshness"]["files_changed_since"] == 1
    (project / "till.rb").unlink()
    status, _, err = run(capsys, "callers", "tax")
    assert status == 2 and "No function" in err
