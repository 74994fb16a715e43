"""The other side of `worker`: tells it what to do, waits for it, and ends a task by force when told to.

Also builds the library that sets clocks wrong and fills disks, where there is a compiler.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple

HERE: Final = Path(__file__).parent
# Other processes of a task end when they find that it is gone: they wait for its next word, which takes no time.
_GONE_SECONDS: Final = 10.0


class Done(NamedTuple):
    status: int  # of a task that was ended by force: minus the signal
    said: str
    seconds: float
    changes: int  # calls that changed something below .drift/; 0 where that was not counted
    orphans: bool  # processes that it had started live on

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Workshop:
    """One worker and a folder for what it says. Used by one thread."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self.shim: Final = _built(folder)
        self._says = folder / "said"
        environment = os.environ | {
            "DRIFT_HOME": str(folder / "home"),
            "PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")]),
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        for name in ("CLAUDE_PROJECT_DIR", "DRIFT_TRACEBACK"):
            environment.pop(name, None)
        if self.shim is not None:
            environment["LD_PRELOAD"] = str(self.shim)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            cwd=folder,
        )

    def __enter__(self) -> Workshop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(
        self,
        root: Path,
        *words: str,
        task: str = "command",
        kill_after: float | None = None,
        die_at: int = 0,
        full_at: int = 0,
        counted: bool = False,
        ahead_seconds: int = 0,
        powerless: bool = False,
    ) -> Done:
        """Does the task to its end, or to that which is asked for: after so many seconds, or at that change."""
        told = {
            "root": str(root),
            "words": words,
            "task": task,
            "die_at": die_at,
            "full_at": full_at,
            "counted": self.shim is not None and bool(counted or die_at or full_at),
            "ahead_seconds": ahead_seconds,
            "powerless": powerless and os.geteuid() == 0,
            "says": str(self._says),
        }
        self._says.unlink(missing_ok=True)
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(told).encode() + b"\n")
        self._process.stdin.flush()
        child = int(self._process.stdout.readline())
        began = time.perf_counter()
        if kill_after is not None and not select.select([self._process.stdout], [], [], kill_after)[0]:
            os.kill(child, signal.SIGKILL)
        status = int(self._process.stdout.readline())
        seconds = time.perf_counter() - began
        said = self._says.read_text(encoding="utf-8") if self._says.exists() else ""
        changes = 0
        if counted and self.shim is not None and status == 0:
            said, _, number = said.rpartition("\n")
            changes = int(number)
        return Done(status, said, seconds, changes, _lives_on(child))


def _built(folder: Path) -> Path | None:
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None or sys.platform != "linux":
        return None
    library = folder / "shim.so"
    done = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(HERE / "shim.c"), "-ldl"], check=False
    )
    return library if done.returncode == 0 else None


def _lives_on(group: int) -> bool:
    end = time.monotonic() + _GONE_SECONDS
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.002)
    return True
