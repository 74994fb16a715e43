"""Read-only connections, and one snapshot per answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from drift_mcp.errors import QueryTimeout
from drift_mcp.store import connection

# Readers beside each other: more than this on two cores only wait for one another.
_MOST: Final = 4
# Seconds after which a query is given up. Every query of ours ends in milliseconds; this guards against one that does not.
TIMEOUT_SECONDS: Final = 20.0
# Steps of the virtual machine between two looks at the clock: some 0.2 ms.
_STEPS: Final = 20_000


class ReaderPool:
    """Hands out snapshots of one database. Threads may share it: each snapshot has a connection of its own while it lasts."""

    def __init__(
        self, path: Path, application_id: int, *, most: int = _MOST, extensions: tuple[Path, ...] = ()
    ) -> None:
        self._path = path
        self._application_id = application_id
        self._extensions = extensions
        self._free: list[apsw.Connection] = []
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def snapshot(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[apsw.Connection]:
        """One read transaction: every query inside sees the same state. Raises QueryTimeout when the block queries for too long."""
        with self._places:
            db = self._take()
            deadline = time.monotonic() + timeout_seconds
            db.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            try:
                db.execute("BEGIN")
                yield db
            except apsw.InterruptError as problem:
                raise QueryTimeout(
                    f"The answer took longer than {timeout_seconds:g} s and was given up. Ask for less: a smaller depth, a file, a limit."
                ) from problem
            except (apsw.CorruptError, apsw.NotADBError, apsw.IOError, apsw.BusyError) as problem:
                raise connection.unusable(self._path, problem) from problem
            finally:
                db.set_progress_handler(None)
                if db.in_transaction:
                    db.execute("ROLLBACK")
                self._give_back(db)

    def _take(self) -> apsw.Connection:
        with self._lock:
            if self._free:
                return self._free.pop()
        return connection.open_reader(self._path, self._application_id, extensions=self._extensions)

    def _give_back(self, db: apsw.Connection) -> None:
        with self._lock:
            if not self._closed:
                self._free.append(db)
                return
        db.close()

    def close(self) -> None:
        """Close the connections that are not in use; the others close when they are given back."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for db in free:
            db.close()
