"""Batches queued from anywhere are committed in their order; each failure finds its way back to whoever queued it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from drift_mcp.errors import StoreUnusable
from drift_mcp.store.pool import ReaderPool
from drift_mcp.store.schema import Schema
from drift_mcp.store.writer import Batch, BatchWriter, Writer


def shelf(name: str) -> Batch:
    def write(tx: apsw.Connection) -> None:
        tx.execute("INSERT INTO shelves (name) VALUES (?)", (name,))

    return write


def then_fail(name: str) -> Batch:
    def write(tx: apsw.Connection) -> None:
        shelf(name)(tx)
        raise KeyError(name)

    return write


class Held:
    """A batch that holds the writing thread until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def __call__(self, tx: apsw.Connection) -> None:
        self.begun.set()
        self.go.wait()


@pytest.fixture
def batches(writer: Writer) -> Iterator[BatchWriter]:
    opened = BatchWriter(writer, most_waiting=4)
    yield opened
    opened.close()


@pytest.fixture
def pool(path: Path, library: Schema, writer: Writer) -> Iterator[ReaderPool]:
    opened = ReaderPool(path, library)
    yield opened
    opened.close()


def names(pool: ReaderPool) -> list[str]:
    with pool.snapshot() as db:
        return [str(name) for (name,) in db.execute("SELECT name FROM shelves ORDER BY id").fetchall()]


def test_what_was_flushed_is_committed_in_the_order_queued(batches: BatchWriter, pool: ReaderPool) -> None:
    for number in range(100):
        batches.put(shelf(f"shelf {number}"))
    batches.flush()
    assert names(pool) == [f"shelf {number}" for number in range(100)]


def test_a_future_tells_when_its_batch_is_committed(batches: BatchWriter, pool: ReaderPool) -> None:
    batches.put(shelf("novels")).result()
    assert names(pool) == ["novels"]


def test_a_failed_batch_takes_nothing_else_with_it(batches: BatchWriter, pool: ReaderPool) -> None:
    held = Held()
    batches.put(held)
    held.begun.wait()  # so that the next three are of one transaction
    good, bad, better = batches.put(shelf("novels")), batches.put(then_fail("poems")), batches.put(shelf("plays"))
    held.go.set()
    with pytest.raises(KeyError, match="poems"):
        bad.result()
    assert (good.exception(), better.exception()) == (None, None)
    assert names(pool) == ["novels", "plays"]
    with pytest.raises(KeyError, match="poems"):
        batches.flush()


def test_a_flush_raises_the_first_failure_once_and_the_thread_lives_on(batches: BatchWriter, pool: ReaderPool) -> None:
    batches.put(then_fail("first"))
    batches.put(shelf("novels"))
    batches.put(then_fail("second"))
    with pytest.raises(KeyError, match="first"):
        batches.flush()
    batches.put(shelf("poems"))
    batches.flush()
    assert names(pool) == ["novels", "poems"]


def test_a_producer_hears_of_its_own_failures_only(batches: BatchWriter) -> None:
    heard: dict[str, str | None] = {}

    def produce(name: str, batch: Batch) -> None:
        batches.put(batch)
        try:
            batches.flush()
        except KeyError as problem:
            heard[name] = str(problem)
        else:
            heard[name] = None

    threads = [
        threading.Thread(target=produce, args=("careful", shelf("novels"))),
        threading.Thread(target=produce, args=("careless", then_fail("poems"))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {"careful": None, "careless": "'poems'"}


def test_a_producer_waits_while_the_queue_is_full(writer: Writer, pool: ReaderPool) -> None:
    batches = BatchWriter(writer, most_waiting=2)
    held = Held()
    batches.put(held)
    held.begun.wait()
    batches.put(shelf("a"))
    batches.put(shelf("b"))  # now two wait
    queued: list[str] = []

    def produce() -> None:
        batches.put(shelf("c"))
        queued.append("c")

    producer = threading.Thread(target=produce)
    producer.start()
    # The third cannot be in before one of those has gone, which cannot be before the first batch ends.
    producer.join(timeout=0.05)
    assert producer.is_alive() and queued == []
    held.go.set()
    producer.join()
    batches.close()
    assert names(pool) == ["a", "b", "c"]


def test_closing_loses_nothing(writer: Writer, pool: ReaderPool) -> None:
    batches = BatchWriter(writer, most_waiting=50)
    held = Held()
    batches.put(held)
    held.begun.wait()
    for number in range(40):
        batches.put(shelf(f"shelf {number}"))
    closer = threading.Thread(target=batches.close)
    closer.start()
    held.go.set()
    closer.join()
    assert len(names(pool)) == 40
    with pytest.raises(StoreUnusable, match="closed"):
        batches.put(shelf("late"))
    batches.close()


def test_closing_tells_of_a_failure_that_nobody_flushed(writer: Writer) -> None:
    batches = BatchWriter(writer)
    batches.put(then_fail("poems"))
    with pytest.raises(KeyError, match="poems"):
        batches.close()


def test_a_lost_transaction_is_told_to_all_that_were_in_it(
    batches: BatchWriter, writer: Writer, pool: ReaderPool
) -> None:
    def fills_the_disk(tx: apsw.Connection) -> None:
        tx.execute(f"PRAGMA max_page_count = {tx.execute('PRAGMA page_count').get}").fetchall()
        tx.executemany("INSERT INTO shelves (name) VALUES (?)", [(f"{n} {'x' * 500}",) for n in range(1000)])

    held = Held()
    batches.put(held)
    held.begun.wait()
    before, full, after = batches.put(shelf("novels")), batches.put(fills_the_disk), batches.put(shelf("plays"))
    held.go.set()
    for each in (before, full, after):
        with pytest.raises(StoreUnusable, match="disk is full"):
            each.result()
    with pytest.raises(StoreUnusable, match="disk is full"):
        batches.flush()
    batches.put(shelf("poems"))
    batches.flush()
    assert names(pool) == ["poems"]


def test_nobody_can_take_back_what_is_queued(batches: BatchWriter, pool: ReaderPool) -> None:
    done = batches.put(shelf("novels"))
    assert not done.cancel()
    batches.flush()
    assert names(pool) == ["novels"]


def test_a_batch_that_queues_batches_is_our_own_mistake(batches: BatchWriter) -> None:
    batches.put(lambda tx: batches.put(shelf("novels")) and None)
    with pytest.raises(AssertionError, match="wait for itself"):
        batches.flush()
