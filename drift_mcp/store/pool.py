"""Read-only connections, and one snapshot per answer. Never writes, and never makes a store."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.errors import QueryTimeout, StoreUnusable
from drift_mcp.store import connection
from drift_mcp.store.schema import Schema

# Readers beside each other: more than this on two cores only wait for one another.
_MOST: Final = 4
# Every query of ours ends in milliseconds; this guards against one that does not. Shorter than the 20 seconds after
# which the server stops waiting, so that the asker learns why.
TIMEOUT_SECONDS: Final = 15.0
# What a snapshot that runs no query is given beyond its time, and how often that is looked at: it holds on to the WAL,
# which grows by some ten megabytes in so many seconds of a bulk load.
_LOOK_SECONDS: Final = 5.0
# Steps of SQLite's virtual machine between two looks at the clock: some 0.2 ms, at 2 % of the time.
_STEPS: Final = 20_000


class Beside(NamedTuple):
    """A second database, read through the same connection: its tables are found as `name.table`."""

    name: str
    path: Path
    schema: Schema


class ReaderPool:
    """Hands out snapshots of one database, or of one and another beside it. Threads may share it: each snapshot has a
    connection of its own while it lasts.

    A snapshot that is held beyond its time is ended, also when it runs no query: what it holds on to would let the WAL
    grow without bound. A forked child must not use a pool: SQLite's locks are not inherited."""

    def __init__(
        self,
        path: Path,
        schema: Schema,
        *,
        most: int = _MOST,
        extensions: tuple[Path, ...] = (),
        beside: Beside | None = None,
        look_seconds: float = _LOOK_SECONDS,
    ) -> None:
        self._path = path
        self._schema = schema
        self._extensions = extensions
        self._beside = beside
        self._look_seconds = look_seconds
        self._watch: threading.Thread | None = None
        self._over = threading.Event()
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
                    if self._beside is not None:
                        connection.refuse_other_schema(
                            reader.db, self._beside.path, self._beside.schema, self._beside.name
                        )
                    yield reader.db
            except (apsw.InterruptError, apsw.ConnectionClosedError, apsw.CursorClosedError) as problem:
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
        self._over.set()
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
        reader = _Reader(self._opened())
        reader.begin(deadline)
        with self._lock:
            self._busy.add(reader)
            if self._watch is None:
                self._watch = threading.Thread(target=self._end_overdue, name="drift-readers", daemon=True)
                self._watch.start()
        return reader

    def _opened(self) -> apsw.Connection:
        db = connection.open_reader(self._path, self._schema, extensions=self._extensions)
        if self._beside is not None:
            try:
                connection.attach(db, self._beside.name, self._beside.path, self._beside.schema)
            except BaseException:
                db.close()
                raise
        return db

    def _end_overdue(self) -> None:
        while not self._over.wait(self._look_seconds):
            now = time.monotonic()
            with self._lock:
                for reader in self._busy:
                    if now > reader.deadline + self._look_seconds:
                        reader.let_go()

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

    __slots__ = ("db", "deadline", "stopped")

    def __init__(self, db: apsw.Connection) -> None:
        self.db = db
        self.stopped = False
        self.deadline = 0.0
        db.set_progress_handler(self._is_over, _STEPS)

    def begin(self, deadline: float) -> None:
        self.stopped = False
        self.deadline = deadline

    def stop(self) -> None:
        # The flag is for a query that begins between two looks; the interrupt for one that waits for a lock or the
        # disk.
        self.stopped = True
        self.db.interrupt()

    def let_go(self) -> None:
        """Ends the snapshot of a holder that does not: its next query finds the connection closed."""
        try:
            self.db.close()
        except apsw.ThreadingViolationError:
            self.db.interrupt()  # a query is running; the next look finds it ended

    def end(self) -> bool:
        """Ends the transaction. False: a result was left half read, which keeps the snapshot, and with it the WAL,
        alive; only closing the connection lets go of it."""
        self.stopped = False
        self.deadline = float("inf")
        try:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
        except apsw.Error:
            return False
        return self.db.txn_state() == apsw.SQLITE_TXN_NONE

    def _is_over(self) -> bool:
        return self.stopped or time.monotonic() > self.deadline
