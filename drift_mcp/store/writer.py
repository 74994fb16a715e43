"""The one connection that writes, and a thread that writes batches for those who do not want to wait. Never reads for
an answer.

Every change is one transaction: BEGIN IMMEDIATE, so that a conflict shows at the start, and COMMIT or ROLLBACK by name,
because apsw's `with connection` hides what went wrong when the disk is full.

SQLite's own checkpoints copy the WAL into the database, but begin it anew only when no reader looks into it; with
readers that take turns that never comes, and the WAL grows without bound. So a commit that finds it long takes a turn
itself: new readers then wait for none of it, old ones are waited for shortly, and what did not succeed is owed by the
next commit.
"""

from __future__ import annotations

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import apsw

from drift_mcp.errors import StoreUnusable
from drift_mcp.store import connection
from drift_mcp.store.schema import Schema

Batch: TypeAlias = Callable[[apsw.Connection], None]

# Between two looks at whether another process has ended its transaction: a look costs some 20 µs.
_LOOK_SECONDS: Final = (0.0005, 0.004)

# Pages of 4 KiB in the WAL after which a commit copies them. The default of 1,000 costs a bulk load 1.1 to 1.6 times;
# 4,000 are 16 MB.
_COPY_PAGES: Final = 4_000
# Pages after which a commit also waits for readers, to begin the WAL anew: 48 MB, less than the database of a large
# project.
_CUT_PAGES: Final = 12_000
# What a writer waits for readers in the middle of its work: an answer takes some milliseconds.
_SHORT_MS: Final = 250
# What it waits at the end of a scan, when nobody waits for it.
_LONG_MS: Final = 2_000

# One try at it. SQLite waits for a reader's place, not for the reader: when the next reader takes the same place, and
# so on, one long wait never ends although each reader is short. A new try looks anew at which places still matter.
_TRY_MS: Final = 20

# Batches waiting at the most. A scan makes batches of some thousand rows; more of them waiting would only be memory.
_MOST_WAITING: Final = 64
# Batches in one transaction: what waits is committed together, so that a busy producer does not pay a commit each.
_MOST_TOGETHER: Final = 16


class Writer:
    """The only writer of one database in this process. Threads may share it: transactions run one after another."""

    def __init__(self, db: apsw.Connection, path: Path, schema: Schema, *, busy_ms: int = connection.BUSY_MS) -> None:
        self._db = db
        self._path = path
        self._schema = schema
        self._busy_ms = busy_ms
        self._lock = threading.RLock()
        self._closed = False
        self._wal_pages = 0
        self._next_cut_pages = _CUT_PAGES
        # Instead of SQLite's automatic checkpoint, which this hook replaces.
        db.set_wal_hook(self._grown)

    @contextmanager
    def transaction(self, *, busy_ms: int | None = None) -> Iterator[apsw.Connection]:
        """One transaction: committed when the block ends, rolled back when it raises. Transactions do not nest: pass
        `tx` down.

        Raises StoreUnusable when another process writes for longer than the busy time-out (`busy_ms`: than this), or
        the disk is full."""
        with self._lock:
            self._refuse_closed()
            assert not self._db.in_transaction, "a transaction is open in this thread: pass its tx down"
            with connection.explained(self._path):
                self._begin(self._busy_ms if busy_ms is None else busy_ms)
                try:
                    connection.refuse_other_schema(self._db, self._path, self._schema)
                    yield self._db
                    self._db.execute("COMMIT")
                finally:
                    self._roll_back_unless_over()
            # It would hold this moment fast: the next transaction could not begin, and the WAL would only grow.
            assert self._db.txn_state() == apsw.SQLITE_TXN_NONE, "a result of the transaction was left half read"
            self._keep_wal_short()

    @contextmanager
    def without_foreign_keys(self) -> Iterator[apsw.Connection]:
        """A transaction that checks references once at its end: emptying tables is 30 times cheaper so. Deletes do not
        cascade in it."""
        with self._lock:
            self._refuse_closed()
            assert not self._db.in_transaction, "foreign keys cannot be switched inside a transaction"
            self._db.pragma("foreign_keys", False)
            try:
                with self.transaction() as tx:
                    yield tx
                    broken = tx.execute("PRAGMA foreign_key_check").fetchall()
                    assert not broken, f"references left broken: {broken[:3]}"
            finally:
                self._db.pragma("foreign_keys", True)

    def checkpoint(self) -> bool:
        """Move the WAL into the database and cut it to nothing, waiting for readers up to two seconds.

        False when one still holds on to it: nothing is lost, and the next commits and calls try again."""
        with self._lock:
            self._refuse_closed()
            with connection.explained(self._path):
                return self._cut(_LONG_MS)

    def write_anew(self) -> bool:
        """Write the whole file anew and cut the WAL to nothing, so that neither holds anything that was deleted.

        False when a reader holds on to the WAL. Raises StoreUnusable as `transaction` does."""
        with self._lock:
            self._refuse_closed()
            with connection.explained(self._path):
                # Not while a reader stays: the WAL would grow by the size of the file with every try.
                if not self._cut(_LONG_MS):
                    return False
                self._db.execute("VACUUM")
                return self._cut(_LONG_MS)

    def optimize(self) -> None:
        """Let SQLite look at how the data lies; bounded, some milliseconds."""
        with self._lock:
            self._refuse_closed()
            with connection.explained(self._path):
                # 400 rows of each index say as much to the planner as all of them.
                self._db.pragma("analysis_limit", 400)
                self._db.execute("PRAGMA optimize").fetchall()

    def close(self) -> None:
        """Wait for a running transaction, then close. Safe to repeat."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._db.set_wal_hook(None)
                self._db.close()

    def _begin(self, busy_ms: int) -> None:
        """Waits for other processes by looking at odd moments, all equally often. Left to SQLite, whoever has waited
        longest looks most seldom: of eight that write without a pause, some then wait for ever."""
        deadline = time.monotonic() + busy_ms / 1000
        self._db.set_busy_timeout(0)
        try:
            while True:
                try:
                    self._db.execute("BEGIN IMMEDIATE")
                    return
                except apsw.BusyError:
                    if time.monotonic() >= deadline:
                        raise
                time.sleep(random.uniform(*_LOOK_SECONDS))
        finally:
            self._db.set_busy_timeout(self._busy_ms)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreUnusable(f"{self._path.name} was closed; nothing more can be written. Open the project again.")

    def _roll_back_unless_over(self) -> None:
        # It is over after a COMMIT, and a full disk has rolled back already.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")

    def _grown(self, db: apsw.Connection, name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _keep_wal_short(self) -> None:
        if self._wal_pages < _COPY_PAGES:
            self._next_cut_pages = _CUT_PAGES  # it has begun anew
            return
        # The change is committed: what goes wrong here, a full disk or a busy one, is owed and loses nothing.
        try:
            if self._wal_pages < self._next_cut_pages:
                self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            elif not self._cut(_SHORT_MS):
                # A reader stays long. Not every commit is to wait for it: the next try is after as much again.
                self._next_cut_pages = self._wal_pages + _COPY_PAGES
        except (apsw.BusyError, apsw.FullError, apsw.IOError):
            return

    def _cut(self, wait_ms: int) -> bool:
        deadline = time.monotonic() + wait_ms / 1000
        self._db.set_busy_timeout(_TRY_MS)
        try:
            while not self._is_cut():
                if time.monotonic() >= deadline:
                    return False
        finally:
            self._db.set_busy_timeout(self._busy_ms)
        self._wal_pages = 0
        self._next_cut_pages = _CUT_PAGES
        return True

    def _is_cut(self) -> bool:
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return False
        return True


class BatchWriter:
    """Writes queued batches in the background, in the order queued. Threads may share it; a producer is a thread.

    A producer waits while the queue is full. A batch that fails is rolled back alone; its error reaches whoever queued
    it, through the future that `put` returned and through that thread's `flush`; the writing thread lives on.
    """

    def __init__(self, writer: Writer, *, most_waiting: int = _MOST_WAITING) -> None:
        self._writer = writer
        self._queue: queue.Queue[tuple[Batch, Future[None]] | None] = queue.Queue(most_waiting)
        self._own = threading.local()
        # Held while queueing: so that nothing comes in behind the mark that ends the thread.
        self._entrance = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="drift-writer", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> Future[None]:
        """Queue one batch; the future is done when it is committed. Blocks while the queue is full."""
        assert threading.current_thread() is not self._thread, "a batch that queues batches would wait for itself"
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # so that nobody can take back what may be written already
        with self._entrance:
            if self._closed:
                raise StoreUnusable("The writer was closed; nothing more can be queued.")
            self._queue.put((batch, done))
        # What is committed needs no more looking after; what failed stays, for `flush`.
        self._own.queued = [each for each in self._queued() if not each.done() or each.exception()]
        self._own.queued.append(done)
        return done

    def flush(self) -> None:
        """Wait until everything that this thread queued is committed or has failed; raises the first failure since its
        last flush."""
        queued, self._own.queued = self._queued(), []
        failures = [failure for each in queued if (failure := each.exception()) is not None]
        if failures:
            raise failures[0]

    def close(self) -> None:
        """Commit all that is queued, by whomever, and stop. Raises the first failure that this thread has not flushed.
        Safe to repeat."""
        with self._entrance:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()
        self.flush()

    def _queued(self) -> list[Future[None]]:
        queued: list[Future[None]] = getattr(self._own, "queued", [])
        return queued

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            ends = False
            while len(group) < _MOST_TOGETHER and not self._queue.empty():
                # Only this thread takes from the queue, so that what is there stays there.
                following = self._queue.get()
                if following is None:
                    ends = True
                    break
                group.append(following)
            self._commit(group)
            if ends:
                return

    def _commit(self, group: list[tuple[Batch, Future[None]]]) -> None:
        written: list[Future[None]] = []
        try:
            with self._writer.transaction() as tx:
                for batch, done in group:
                    if self._is_written(tx, batch, done):
                        written.append(done)
        except (
            BaseException
        ) as problem:  # the transaction as a whole is lost: all that were in it are told, and nobody else
            for _, done in group:
                if not done.done():
                    done.set_exception(problem)
            return
        for done in written:
            done.set_result(None)

    def _is_written(self, tx: apsw.Connection, batch: Batch, done: Future[None]) -> bool:
        tx.execute("SAVEPOINT batch")
        try:
            batch(tx)
        except BaseException as problem:  # whatever it is, it belongs to whoever queued the batch
            if not tx.in_transaction:
                raise  # a full disk has rolled back everything
            tx.execute("ROLLBACK TO batch")
            tx.execute("RELEASE batch")
            done.set_exception(problem)
            return False
        tx.execute("RELEASE batch")
        return True
