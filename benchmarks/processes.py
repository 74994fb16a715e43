"""What a command costs with all the processes that it starts: CPU, wall clock, summed memory. Needs Linux's /proc."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

# A scan's processes live for seconds; looking this often costs the sampler a few hundredths of one core.
_EVERY_SECONDS = 0.02
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# The kernel walks all pages of a process to tell which are shared: looked at less often than the sum.
_SHARES_EVERY = 10


class Cost(NamedTuple):
    cpu: float  # seconds, user and system, of all processes
    wall: float  # seconds
    peak_bytes: int  # the largest sum of resident memory at one moment, shared pages counted in each process
    peak_own_bytes: int  # the same with a shared page split among those that share it; sampled less often
    processes: int  # the most at one moment


def measured(command: Sequence[str], folder: Path | None = None) -> Cost:
    """Runs the command to its end. Raises CalledProcessError, with what it said, when it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    watcher = _Watcher(process.pid)
    watcher.start()
    assert process.stderr is not None
    said = process.stderr.read()
    # wait4 gives the times of the process and of all its descendants that were waited for.
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    watcher.ended.set()
    watcher.join()
    process.stderr.close()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=said.decode("utf-8", "replace"))
    cpu = max(used.ru_utime + used.ru_stime, watcher.cpu_seen)
    return Cost(cpu, wall, watcher.peak_bytes, watcher.peak_own_bytes, watcher.most)


class _Watcher(threading.Thread):
    """Samples one process and its descendants until they have ended. Read it after `join`."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.peak_bytes = 0
        self.peak_own_bytes = 0
        self.most = 0
        self._pid = pid
        self._ticks: dict[int, int] = {}  # by process, as last seen: a floor for those that nobody waited for

    @property
    def cpu_seen(self) -> float:
        return sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")

    def run(self) -> None:
        looked = 0
        while not self.ended.wait(_EVERY_SECONDS):
            pids = list(tree(self._pid))
            self.most = max(self.most, len(pids))
            self.peak_bytes = max(self.peak_bytes, sum(resident_bytes(pid) for pid in pids))
            for pid in pids:
                self._ticks[pid] = max(self._ticks.get(pid, 0), _cpu_ticks(pid))
            if looked % _SHARES_EVERY == 0:
                self.peak_own_bytes = max(self.peak_own_bytes, sum(_own_bytes(pid) for pid in pids))
            looked += 1


def tree(pid: int) -> Iterator[int]:
    """The process and its descendants, as far as they are still there."""
    yield pid
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return
    for thread in threads:
        for child in _read(thread / "children").split():
            yield from tree(int(child))


def resident_bytes(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/statm")).split()
    return int(fields[1]) * _PAGE_BYTES if fields else 0


def cpu_seconds(pid: int) -> float:
    """Of all threads of one process, by the scheduler: finer than the clock ticks of `stat`."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        fields = _read(thread / "schedstat").split()
        total += int(fields[0]) if fields else 0
    return total / 1e9


def _cpu_ticks(pid: int) -> int:
    # The name of the command stands in brackets and may hold anything; user and system time are 12th and 13th after it.
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12]) if fields else 0


def _own_bytes(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
