"""Several processes on one repository at once: one scans, the others wait or answer, and none fails."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from drift_mcp.project import Project
from drift_mcp.store import lock

MODULE = """
def get_{n}(key: int) -> int:
    return key

def find_{n}(key: int) -> int:
    return get_{n}(key)
"""


class Repository:
    """A small repository, and commands that run in it, each a process of its own."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        self._environment = os.environ | {"DRIFT_HOME": str(home)}
        root.mkdir()
        for number in range(40):
            (root / f"module_{number}.py").write_text(MODULE.format(n=number))

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "drift_mcp", *words],
            cwd=self.root,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> str:
        return self.ended(self.start(*words))

    @staticmethod
    def ended(process: subprocess.Popen[str]) -> str:
        said, complained = process.communicate(timeout=120)
        assert (process.returncode, complained) == (0, ""), f"{process.args}: {said}{complained}"
        return said


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "shop", tmp_path / "home")


def test_scans_verdicts_and_questions_at_once(repository: Repository) -> None:
    repository.run("scan")
    patterns = json.loads(repository.run("patterns", "--json"))["patterns"]
    judged = [one["pattern"] for one in patterns[:3]]
    assert judged
    running = [repository.start("scan", "--full", "--jobs", "1") for _ in range(3)]
    running += [repository.start("approve", pattern, "--reason", "ours") for pattern in judged]
    running += [repository.start(*words.split()) for words in ("callers get_7", "status", "patterns --json", "scan")]
    for process in running:
        repository.ended(process)
    known = json.loads(repository.run("status", "--json"))
    assert known["patterns"]["approved"] == len(judged)
    assert known["functions"] == 80
    assert "find_7" in repository.run("callers", "get_7")


def test_a_second_scan_finds_the_work_of_the_first_done(repository: Repository) -> None:
    both = [repository.start("scan", "--json", "--jobs", "1") for _ in range(2)]
    read = sorted(json.loads(repository.ended(process))["changed_files"] for process in both)
    assert read == [0, 40]


@pytest.fixture
def project(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Project]:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    repository.run("scan")
    with Project(repository.root) as opened:
        yield opened


def test_questions_are_answered_from_what_is_committed_while_a_scan_writes(
    repository: Repository, project: Project
) -> None:
    with lock.exclusive(project.scan_lock), project.write() as tx:
        tx.execute("DELETE FROM functions")
        assert "find_7" in repository.run("callers", "get_7")
        assert json.loads(repository.run("status", "--json"))["functions"] == 80


def test_a_verdict_waits_for_a_scan_that_writes(repository: Repository, project: Project) -> None:
    pattern = json.loads(repository.run("patterns", "--json"))["patterns"][0]["pattern"]
    with project.write():
        waiting = repository.start("approve", pattern)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(timeout=2)
    assert "is now approved" in repository.ended(waiting)


def test_a_watcher_follows_edits(repository: Repository) -> None:
    watcher = repository.start("watch")
    said: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=lambda: [said.put(line) for line in watcher.stdout or ()], daemon=True)
    reader.start()
    try:
        assert said.get(timeout=60).startswith("Watching")
        assert said.get(timeout=60).startswith("40 files read")
        # The notice of changes begins a moment after the first scan: an edit is made again until one is seen.
        for number in range(60):
            (repository.root / "new.py").write_text(f"def brand_new_{number}() -> int:\n    return 1\n")
            with contextlib.suppress(queue.Empty):
                assert said.get(timeout=1).startswith("1 files read")
                return
        raise AssertionError("the watcher saw none of 60 edits")
    finally:
        watcher.kill()
        watcher.wait(timeout=60)
        reader.join(timeout=60)
        for stream in (watcher.stdout, watcher.stderr):
            assert stream is not None
            stream.close()
