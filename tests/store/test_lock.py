"""One scan at a time: a second one waits or is told who scans, and the dead hold nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from drift_mcp.errors import AlreadyRunning, StoreUnusable
from drift_mcp.store import lock

ROOT = Path(__file__).parents[2]

HOLD = """
import sys
from pathlib import Path
from drift_mcp.store import lock
with lock.exclusive(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_told_who_scans_and_since_when(tmp_path: Path) -> None:
    path = tmp_path / "scan.lock"
    with holder(path) as process:
        told = rf"\(process {process.pid}, since \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ\)"
        with pytest.raises(AlreadyRunning, match=told), lock.exclusive(path, wait_seconds=0.01):
            pass
        process.communicate("\n")
    with lock.exclusive(path):
        pass


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "scan.lock"
    with holder(path) as process:
        process.kill()
        process.wait()
        with lock.exclusive(path):
            assert f"process {os.getpid()}," in path.read_text()


def test_a_program_that_the_holder_started_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "scan.lock"
    with lock.exclusive(path):
        orphan = subprocess.Popen(
            [sys.executable, "-c", "input(print('up', flush=True) or '')"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            close_fds=False,
        )
        assert orphan.stdout is not None and orphan.stdout.readline() == "up\n"
    with lock.exclusive(path):
        pass
    orphan.communicate("\n")


def test_threads_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    path = tmp_path / "scan.lock"
    with (
        lock.exclusive(path),
        pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"),
        lock.exclusive(path),
    ):
        pass


def test_who_waits_comes_in_when_the_holder_is_done(tmp_path: Path) -> None:
    path = tmp_path / "scan.lock"
    order: list[str] = []

    def second() -> None:
        with lock.exclusive(path, wait_seconds=30):
            order.append("second")

    with lock.exclusive(path):
        waiting = threading.Thread(target=second)
        waiting.start()
        waiting.join(timeout=0.05)
        order.append("first")
    waiting.join()
    assert order == ["first", "second"]


def test_a_failure_inside_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "scan.lock"
    with pytest.raises(KeyError), lock.exclusive(path):
        raise KeyError
    with lock.exclusive(path):
        pass


def test_a_lock_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable, match="Is the folder there"), lock.exclusive(tmp_path / "nowhere" / "scan.lock"):
        pass


def test_whether_it_is_held_is_told_without_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "scan.lock"
    assert not lock.is_held(path) and not path.exists()
    with lock.exclusive(path):
        assert lock.is_held(path)
        said = path.read_text()
    assert not lock.is_held(path)
    with lock.exclusive(path):  # it was let go of again
        assert path.read_text().split(",")[0] == said.split(",")[0]


def test_a_disk_that_takes_nothing_more_takes_no_lock_away(tmp_path: Path) -> None:
    """Where even cutting the file fails, what went wrong inside comes out as it is."""
    path = tmp_path / "scan.lock"
    if Path("/dev/full").exists():
        path.symlink_to("/dev/full")
    with pytest.raises(StoreUnusable, match="inside"), lock.exclusive(path):
        raise StoreUnusable("inside")
