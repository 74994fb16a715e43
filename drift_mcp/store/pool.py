"""Read-only connections, and one snapshot per answer. Never writes, and never makes a store."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import apsw

from drift_mcp.errors import QueryTimeout, StoreUnusable
from drift_mcp.store import connection
from drift_mcp.store.schema import Schema

# Readers beside each other: more than this on two cores only wait for one another.
_MOST: Final = 4
# Every query of ours ends in milliseconds; this guards against one that does not. Shorter than the 20 seconds after
# which the server stops waiting, so that the asker learns why.
TIMEOUT_SECONDS: Final = 15.0
# Steps of SQLite's virtual machine between two looks at the clock: some 0.2 ms, at 2 % of the time.
_STEPS: Final = 20_000


class ReaderPool:
    """Hands out snapshots of one database. Threads may share it: each snapshot has a connection of its own while it
    lasts.

    A forked child must not use it: SQLite's locks are not inherited."""

    def __init__(self, path: Path, schema: Schema, *, most: int = _MOST, extensions: tuple[Path, ...] = ()) -> None:
        self._path = path
        self._schema = schema
        self._extensions = extensions
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._free: list[_Reader] = []
        self._busy: set[_Reader] = set()
        self._closed = False

    @contextmanager
    def snapshot(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[apsw.Connection]:
        """One read transaction: every query inside sees the same state, that of this moment. Read results whole inside
        it.

        Raises QueryTimeout when the queries take too long, or when none of the connections comes free for so long."""
        if not self._places.acquire(timeout=timeout_seconds):
            raise QueryTimeout(
                f"All readers of {self._path.name} were busy for {timeout_seconds:g} s. Ask again, fewer at once."
            )
        try:
            reader = self._taken(time.monotonic() + timeout_seconds)
            try:
                with connection.explained(self._path):
                    reader.db.execute("BEGIN")
                    # BEGIN alone takes no snapshot, a read does. And a newer Drift may have brought the store up
                    # meanwhile.
                    connection.refuse_other_schema(reader.db, self._path, self._schema)
                    yield reader.db
            except apsw.InterruptError as problem:
                if reader.stopped:
                    raise QueryTimeout("The question was stopped before it was answered.") from problem
                raise QueryTimeout(
                    f"The answer took longer than {timeout_seconds:g} s and was given up. "
                    "Ask for less: a smaller depth, a file, a limit."
                ) from problem
            finally:
                self._give_back(reader)
        finally:
            self._places.release()

    def interrupt(self) -> None:
        """Stop the queries that are running now; each ends in a QueryTimeout for whoever asked. The pool lives on."""
        with self._lock:
            for reader in self._busy:
                reader.stop()

    def close(self) -> None:
        """Stop what is running, and close. Snapshots that are still held close when they end. Safe to repeat."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
            for reader in self._busy:
                reader.stop()
        for reader in free:
            reader.db.close()

    def _taken(self, deadline: float) -> _Reader:
        with self._lock:
            if self._closed:
                raise StoreUnusable(f"{self._path.name} was closed. Open the project again.")
            if self._free:
                reader = self._free.pop()
                reader.begin(deadline)
                self._busy.add(reader)
                return reader
        reader = _Reader(connection.open_reader(self._path, self._schema, extensions=self._extensions))
        reader.begin(deadline)
        with self._lock:
            self._busy.add(reader)
        return reader

    def _give_back(self, reader: _Reader) -> None:
        usable = reader.end()
        with self._lock:
            self._busy.discard(reader)
            if usable and not self._closed:
                self._free.append(reader)
                return
        reader.db.close()


class _Reader:
    """One connection and when it must be done. One thread at a time uses it; any may stop it."""

    __slots__ = ("_deadline", "db", "stopped")

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db
        self.stopped = False
        self._deadline = 0.0
        db.set_progress_handler(self._is_over, _STEPS)

    def begin(self, deadline: float) -> None:
        self.stopped = False
        self._deadline = deadline

    def stop(self) -> None:
        # The flag is for a query that begins between two looks; the interrupt for one that waits for a lock or the
        # disk.
        self.stopped = True
        self.db.interrupt()

    def end(self) -> bool:
        """Ends the transaction. False: a result was left half read, which keeps the snapshot, and with it the WAL,
        alive; only closing the connection lets go of it."""
        self.stopped = False
        self._deadline = float("inf")
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
        except apsw.Error:
            return False
        return self.db.txn_state() == apsw.SQLITE_TXN_NONE

    def _is_over(self) -> bool:
        return self.stopped or time.monotonic() > self._deadline
