"""One scan of one project at a time, across processes. The operating system lets go of the lock when its holder dies."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from drift_mcp.errors import AlreadyRunning

if os.name == "nt":
    import msvcrt
else:
    import fcntl

_LOOK_SECONDS: Final = 0.05


@contextlib.contextmanager
def exclusive(path: Path, *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the lock file while the block runs. Raises AlreadyRunning when another process holds it for longer than `wait_seconds`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + wait_seconds
        while not _try(descriptor):
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 64, 0).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
                raise AlreadyRunning(f"Another scan of this project is running{f' (process {holder})' if holder else ''}. Wait for it, or ask again later.")
            time.sleep(_LOOK_SECONDS)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        if os.name == "nt":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
