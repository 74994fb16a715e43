"""One scan of one project at a time, across processes and threads. Never waits for a dead holder."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from drift_mcp.errors import AlreadyRunning, StoreUnusable

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# Nothing tells when another process lets go, so that one has to look; a person does not feel a twentieth of a second.
_LOOK_SECONDS: Final = 0.05
# Windows locks bytes, and a locked byte cannot be read: this one lies behind what the holder wrote about itself.
_LOCKED_BYTE: Final = 1_024


@contextlib.contextmanager
def exclusive(path: Path, *, wait_seconds: float = 0.0, work: str = "scan") -> Iterator[None]:
    """Hold the lock file while the block runs; the operating system lets go of it when its holder dies.

    Raises AlreadyRunning, naming the holder and its `work`, when another one holds it for longer than
    `wait_seconds`."""
    try:
        # Not inherited by programs that are started meanwhile, so that an orphan cannot keep it.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as problem:
        raise StoreUnusable(
            f"{path.name} cannot be written in {path.parent.name}/: {problem.strerror}. Is the folder there, and yours?"
        ) from problem
    try:
        _wait_for(descriptor, time.monotonic() + wait_seconds, work)
        since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        _say(descriptor, f"process {os.getpid()}, since {since}\n")
        try:
            yield
        finally:
            # The file stays: taking it away would let two hold a lock of the same name.
            _say(descriptor, "")
    finally:
        os.close(descriptor)


def _say(descriptor: int, holder: str) -> None:
    # A full disk: others are then not told by whom, or by one who has let go, which costs nothing else.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, holder.encode("ascii"))


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock at this moment. Writes nothing; it takes the lock for an instant when it can."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        return not _taken(descriptor)
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, deadline: float, work: str) -> None:
    while not _taken(descriptor):
        if time.monotonic() >= deadline:
            os.lseek(descriptor, 0, os.SEEK_SET)
            holder = os.read(descriptor, _LOCKED_BYTE).decode("ascii", "replace").strip()
            raise AlreadyRunning(
                f"Another {work} of this project is running{f' ({holder})' if holder else ''}. "
                "Wait until it is done; what it finds or makes is then there for all."
            )
        time.sleep(_LOOK_SECONDS)


def _taken(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            os.lseek(descriptor, 0, os.SEEK_SET)
        else:
            # flock and not lockf: the latter is let go of when any other descriptor of the file closes in this process.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
