from __future__ import annotations

import contextlib
import inspect
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.scan.extract import Extracted, as_utf8, extract
from drift_mcp.scan.facts import unpack
from drift_mcp.scan.walk import Entry, walk

# Enough files for processes to be worth their start.
MANY = 320


def grow(root: Path, number: int) -> None:
    for i in range(number):
        folder = root / f"package_{i % 7}"
        folder.mkdir(exist_ok=True)
        (folder / f"module_{i}.py").write_text(f"def function_{i}(x):\n    return other_{i}(x)\n", encoding="utf-8")


def answers(root: Path, jobs: int) -> dict[str, Extracted]:
    found = list(extract(root, walk(root).files, jobs))
    by_path = {answer.path: answer for answer in found}
    assert len(by_path) == len(found), "a file was answered twice"
    return by_path


def test_processes_answer_for_every_file_what_one_process_answers(tmp_path: Path) -> None:
    grow(tmp_path, MANY)
    alone, together = answers(tmp_path, 1), answers(tmp_path, 2)
    assert alone.keys() == together.keys()
    assert len(alone) == MANY
    for path, answer in alone.items():
        other = together[path]
        assert answer._replace(facts=None, microseconds=0) == other._replace(facts=None, microseconds=0)
        assert answer.facts is not None
        assert other.facts is not None
        assert unpack(answer.facts) == unpack(other.facts)


def test_an_answer_says_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f():\n    pass\n", encoding="utf-8")
    (answer,) = extract(tmp_path, walk(tmp_path).files)
    assert (answer.path, answer.language, answer.status, answer.size) == ("a.py", "python", "scanned", 18)
    assert len(answer.content_hash) == 16
    assert answer.definitions == 2  # the function, and the module's body
    assert answer.mtime_ns == (tmp_path / "a.py").stat().st_mtime_ns
    assert answer.facts is not None
    assert unpack(answer.facts).path == "a.py"


def test_the_hash_follows_the_content_and_nothing_else(tmp_path: Path) -> None:
    for name, text in [("a.py", "x = 1\n"), ("b.py", "x = 1\n"), ("c.py", "x = 2\n")]:
        (tmp_path / name).write_text(text, encoding="utf-8")
    a, b, c = (answer.content_hash for answer in extract(tmp_path, walk(tmp_path).files))
    assert a == b != c


def test_a_file_that_kills_its_process_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The processes find this in place of the real hash function; ours has been imported long ago.
    library = tmp_path / "library"
    library.mkdir()
    (library / "blake3.py").write_text(
        "import hashlib, os, signal\n"
        "def blake3(data):\n"
        "    if b'kill' in data:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    if b'leave' in data:\n"
        "        os._exit(7)\n"
        "    class Digest:\n"
        "        def digest(self, size):\n"
        "            return hashlib.blake2b(data, digest_size=size).digest()\n"
        "    return Digest()\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(library))
    root = tmp_path / "root"
    root.mkdir()
    grow(root, MANY)
    (root / "killer.py").write_text("kill = 1\n", encoding="utf-8")
    (root / "leaver.py").write_text("leave = 1\n", encoding="utf-8")
    found = answers(root, 2)
    assert len(found) == MANY + 2
    failed = {path: answer for path, answer in found.items() if answer.status != "scanned"}
    assert failed.keys() == {"killer.py", "leaver.py"}
    assert {answer.status for answer in failed.values()} == {"failed"}
    assert "ended by signal 9" in failed["killer.py"].problems[0].message
    assert "ended with status 7" in failed["leaver.py"].problems[0].message
    assert {answer.problems[0].kind for answer in failed.values()} == {"crash"}


def test_a_fault_of_ours_is_that_files_problem(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = " + "(" * 50 + "1" + ")" * 50 + "\n", encoding="utf-8")
    entries = walk(tmp_path).files
    limit = sys.getrecursionlimit()
    # So little room that the front end cannot walk a tree.
    sys.setrecursionlimit(len(inspect.stack()) + 22)
    try:
        (answer,) = extract(tmp_path, entries)
    finally:
        sys.setrecursionlimit(limit)
    assert (answer.status, answer.facts) == ("failed", None)
    (problem,) = answer.problems
    assert problem.kind == "crash"
    assert problem.message.startswith("RecursionError at ")
    assert str(tmp_path) not in problem.message


def test_what_changes_between_listing_and_reading_is_noticed(tmp_path: Path) -> None:
    for name in ("gone.py", "grown.py", "link.py", "changed.py"):
        (tmp_path / name).write_text("x = 1\n", encoding="utf-8")
    entries = walk(tmp_path).files
    (tmp_path / "gone.py").unlink()
    (tmp_path / "grown.py").write_text("x = 1\n" * 400_000, encoding="utf-8")
    (tmp_path / "changed.py").write_text("x = 12345\n", encoding="utf-8")
    (tmp_path / "link.py").unlink()
    (tmp_path / "link.py").symlink_to("changed.py")
    found = {answer.path: answer for answer in extract(tmp_path, entries)}
    kinds = {path: answer.problems[0].kind for path, answer in found.items() if answer.problems}
    assert kinds == {"gone.py": "unreadable", "grown.py": "too_large", "link.py": "unreadable"}
    assert (found["changed.py"].status, found["changed.py"].size) == ("scanned", 10)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"x = '\0'\n", "binary"), (b"# @generated\nx = 1\n", "generated"), (b"x" * 9000, "minified")],
)
def test_a_refused_file_has_a_hash_a_reason_and_no_facts(tmp_path: Path, data: bytes, kind: str) -> None:
    (tmp_path / "a.py").write_bytes(data)
    (answer,) = extract(tmp_path, walk(tmp_path).files)
    assert (answer.status, answer.problems[0].kind, answer.facts) == ("skipped", kind, None)
    assert len(answer.content_hash) == 16


def test_progress_counts_every_file_once(tmp_path: Path) -> None:
    grow(tmp_path, MANY)
    heard: list[int] = []
    entries = walk(tmp_path).files
    for jobs in (1, 2):
        heard.clear()
        assert len(list(extract(tmp_path, entries, jobs, heard.append))) == MANY
        assert sum(heard) == MANY


def test_stopping_early_ends_the_processes(tmp_path: Path) -> None:
    grow(tmp_path, MANY)
    with contextlib.closing(extract(tmp_path, walk(tmp_path).files, 2)) as found:
        next(found)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("extract-")]


def test_nothing_to_read_is_no_answer(tmp_path: Path) -> None:
    assert list(extract(tmp_path, [], 2)) == []


@pytest.mark.parametrize(
    ("data", "text", "problem"),
    [
        ("größe = 1\n".encode(), "größe = 1\n", None),
        ("größe = 1\n".encode("utf-8-sig"), "größe = 1\n", None),
        (b"\xff\xfe" + "größe = 1\n".encode("utf-16-le"), "größe = 1\n", None),
        (b"\xfe\xff" + "größe = 1\n".encode("utf-16-be"), "größe = 1\n", None),
        (b"\xff\xfe" + b"x\0 \0\x00\xd8", "x \ufffd", "encoding"),
        ("# coding: latin-1\ngröße = 1\n".encode("latin-1"), "# coding: latin-1\ngröße = 1\n", None),
        ("#!x\n# -*- coding: cp1251 -*-\nя = 1\n".encode("cp1251"), "#!x\n# -*- coding: cp1251 -*-\nя = 1\n", None),
        (b"# coding: nonsense\nx = '\xe9'\n", "# coding: nonsense\nx = 'é'\n", "encoding"),
        (b"x = '\xe9'\n", "x = 'é'\n", "encoding"),
        (b"", "", None),
    ],
)
def test_text_comes_out_as_utf8_with_what_was_guessed(data: bytes, text: str, problem: str | None) -> None:
    source, problems = as_utf8(data, is_python=True)
    assert source.decode("utf-8") == text
    assert [each.kind for each in problems] == ([problem] if problem else [])


def test_a_coding_line_means_nothing_outside_python() -> None:
    source, problems = as_utf8("# coding: cp1251\nя".encode("cp1251"), is_python=False)
    assert "ÿ" in source.decode("utf-8")
    assert [problem.kind for problem in problems] == ["encoding"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_get_an_answer(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "any.py").write_bytes(data)
    (answer,) = extract(tmp_path, [Entry("any.py", "python", len(data), 0)])
    assert answer.status in ("scanned", "skipped")
    assert "crash" not in {problem.kind for problem in answer.problems}
