"""The one connection that writes, and a thread that writes batches for those who do not want to wait.

Every change is one transaction: BEGIN IMMEDIATE, so that a conflict shows at the start, and COMMIT or ROLLBACK by name, because apsw's
`with connection` hides what went wrong when the disk is full.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import apsw

from drift_mcp.errors import StoreUnusable
from drift_mcp.store import connection

Batch: TypeAlias = Callable[[apsw.Connection], None]

# Batches waiting at the most. A scan makes batches of some thousand rows; more of them waiting would only be memory.
_MOST_WAITING: Final = 64
# Batches in one transaction: what waits is committed together, so that a busy producer does not pay a commit each.
_MOST_TOGETHER: Final = 16


class Writer:
    """The only writer of one database in this process. Threads may share it: transactions run one after another."""

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._lock = threading.RLock()
        self._closed = False

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with self._lock:
            if self._closed:
                raise StoreUnusable(f"{self._path.name} was closed; nothing more can be written.")
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except apsw.Error as problem:
                raise connection.unusable(self._path, problem) from problem
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as problem:
                # A full disk has rolled back already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(problem, (apsw.FullError, apsw.BusyError, apsw.CorruptError, apsw.IOError, apsw.ReadOnlyError)):
                    raise connection.unusable(self._path, problem) from problem
                raise

    @contextmanager
    def without_foreign_keys(self) -> Iterator[apsw.Connection]:
        """A transaction that checks references once at its end: emptying tables is 30 times cheaper so."""
        with self._lock:
            self._db.pragma("foreign_keys", False)
            try:
                with self.transaction() as tx:
                    yield tx
                    broken = tx.execute("PRAGMA foreign_key_check").fetchall()
                    assert not broken, f"references left broken: {broken[:3]}"
            finally:
                self._db.pragma("foreign_keys", True)

    def checkpoint(self) -> bool:
        """Move the WAL into the database and cut it. False when a reader holds on to it: the next call tries again."""
        with self._lock:
            if self._closed:
                return False
            try:
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.BusyError:
                return False
            return True

    def optimize(self) -> None:
        """Let SQLite look at how the data lies; bounded, some milliseconds."""
        with self._lock:
            self._db.pragma("analysis_limit", 400)
            self._db.execute("PRAGMA optimize").fetchall()

    def close(self) -> None:
        """Wait for a running transaction, then close. Safe to repeat."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._db.close()


class BatchWriter:
    """Writes queued batches in the background, in the order queued. Threads may share it.

    A producer waits while the queue is full. A batch that fails is rolled back alone; its error reaches whoever queued it, through the
    future that `put` returned and through `flush`; the thread lives on.
    """

    def __init__(self, writer: Writer, *, most_waiting: int = _MOST_WAITING) -> None:
        self._writer = writer
        self._queue: queue.Queue[tuple[Batch | None, Future[None]]] = queue.Queue(most_waiting)
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="drift-writer", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> Future[None]:
        """Queue one batch; the future is done when it is committed. Blocks while the queue is full."""
        done: Future[None] = Future()
        with self._closing:
            if self._closed:
                raise StoreUnusable("The writer was closed; nothing more can be queued.")
            self._queue.put((batch, done))
        return done

    def flush(self, futures: list[Future[None]] | None = None) -> None:
        """Wait until everything queued so far is committed; raises the first failure among `futures`."""
        marker: Future[None] = Future()
        self._queue.put((None, marker))
        marker.result()
        for each in futures or ():
            each.result()

    def close(self) -> None:
        """Commit what is queued and stop. Safe to repeat."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
        self.flush()
        self._queue.put((None, _STOP))
        self._thread.join()

    def _run(self) -> None:
        while True:
            taken = [self._queue.get()]
            while len(taken) < _MOST_TOGETHER:
                try:
                    taken.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            stop = False
            group: list[tuple[Batch, Future[None]]] = []
            for batch, done in taken:
                if batch is not None:
                    group.append((batch, done))
                    continue
                self._commit(group)
                group = []
                if done is _STOP:
                    stop = True
                else:
                    done.set_result(None)
            self._commit(group)
            if stop:
                return

    def _commit(self, group: list[tuple[Batch, Future[None]]]) -> None:
        if not group:
            return
        written: list[Future[None]] = []
        try:
            with self._writer.transaction() as tx:
                for batch, done in group:
                    tx.execute("SAVEPOINT batch")
                    try:
                        batch(tx)
                    except Exception as problem:  # it belongs to whoever queued the batch, whatever it is
                        if tx.in_transaction:
                            tx.execute("ROLLBACK TO batch")
                            tx.execute("RELEASE batch")
                        done.set_exception(problem)
                        if not tx.in_transaction:
                            raise
                        continue
                    tx.execute("RELEASE batch")
                    written.append(done)
        except Exception as problem:  # the commit itself failed: all of the group are told
            for _, done in group:
                if not done.done():
                    done.set_exception(problem)
            return
        for done in written:
            done.set_result(None)


_STOP: Final[Future[None]] = Future()
