"""Every change is whole or not there, one at a time, and the WAL stays bounded."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp.errors import StoreUnusable
from drift_mcp.store import migrate
from drift_mcp.store import writer as writers
from drift_mcp.store.pool import ReaderPool
from drift_mcp.store.schema import Schema
from drift_mcp.store.writer import Writer


def names(path: Path, library: Schema) -> list[str]:
    pool = ReaderPool(path, library)
    try:
        with pool.snapshot() as db:
            return [str(name) for (name,) in db.execute("SELECT name FROM shelves ORDER BY id").fetchall()]
    finally:
        pool.close()


def add(tx: apsw.Connection, *shelves: str) -> None:
    tx.executemany("INSERT INTO shelves (name) VALUES (?)", [(name,) for name in shelves])


def wal_bytes(path: Path) -> int:
    wal = path.with_name(f"{path.name}-wal")
    return wal.stat().st_size if wal.exists() else 0


def test_what_was_written_is_there_for_others(writer: Writer, path: Path, library: Schema) -> None:
    with writer.transaction() as tx:
        add(tx, "novels", "poems")
    assert names(path, library) == ["novels", "poems"]


@pytest.mark.parametrize("failure", [KeyError("ours"), KeyboardInterrupt()])
def test_a_change_that_fails_leaves_nothing(
    writer: Writer, path: Path, library: Schema, failure: BaseException
) -> None:
    with pytest.raises(type(failure)), writer.transaction() as tx:
        add(tx, "novels")
        raise failure
    with writer.transaction() as tx:
        add(tx, "poems")
    assert names(path, library) == ["poems"]


def test_a_failed_statement_comes_out_as_it_is(writer: Writer) -> None:
    with pytest.raises(apsw.ConstraintError), writer.transaction() as tx:
        add(tx, "novels", "novels")


def test_transactions_do_not_nest(writer: Writer, path: Path, library: Schema) -> None:
    with writer.transaction() as tx:
        add(tx, "novels")
        with pytest.raises(AssertionError, match="pass its tx down"), writer.transaction():
            pass
    assert names(path, library) == ["novels"]


def test_a_result_left_half_read_is_our_own_mistake(writer: Writer) -> None:
    with pytest.raises(AssertionError, match="half read"), writer.transaction() as tx:
        add(tx, "novels", "poems")
        cursor = tx.execute("SELECT name FROM shelves")
        next(cursor)
    cursor.close()


def test_threads_write_one_after_another(writer: Writer, path: Path, library: Schema) -> None:
    def count_up() -> None:
        for _ in range(50):
            with writer.transaction() as tx:
                [(known,)] = tx.execute("SELECT count(*) FROM shelves").fetchall()
                add(tx, f"shelf {known}")

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(path, library) == [f"shelf {n}" for n in range(200)]


def test_a_full_disk_loses_the_change_and_nothing_else(writer: Writer, path: Path, library: Schema) -> None:
    with writer.transaction() as tx:
        add(tx, "novels")
        pages = tx.execute("PRAGMA page_count").get
        tx.execute(
            f"PRAGMA max_page_count = {pages}"
        ).fetchall()  # what SQLite then says is what a full disk makes it say
    with pytest.raises(StoreUnusable, match="disk is full"), writer.transaction() as tx:
        add(tx, *(f"shelf {n} {'x' * 500}" for n in range(1000)))
    assert names(path, library) == ["novels"]
    with writer.transaction() as tx:
        add(tx, "poems")
    assert names(path, library) == ["novels", "poems"]


def test_another_process_that_writes_is_waited_for_and_then_named(path: Path, library: Schema) -> None:
    with closing(migrate.opened(path, library)) as other:
        other.execute("BEGIN IMMEDIATE")
        writer = Writer(migrate.opened(path, library, busy_ms=20), path, library, busy_ms=20)
        named = pytest.raises(StoreUnusable, match=r"another process is writing \(a scan in progress\?\)")
        with named, writer.transaction() as tx:
            add(tx, "novels")
        other.execute("ROLLBACK")
        with writer.transaction() as tx:
            add(tx, "poems")
        writer.close()
    assert names(path, library) == ["poems"]


def test_a_store_that_a_newer_program_brought_up_meanwhile_is_left_alone(
    writer: Writer, path: Path, library: Schema
) -> None:
    with closing(apsw.Connection(str(path))) as newer:
        newer.pragma("user_version", 2)
    with pytest.raises(StoreUnusable, match="newer Drift"), writer.transaction() as tx:
        add(tx, "novels")


def test_a_closed_writer_says_so(writer: Writer) -> None:
    writer.close()
    writer.close()
    with pytest.raises(StoreUnusable, match="closed"), writer.transaction():
        pass


def test_references_may_be_broken_on_the_way_but_not_at_the_end(writer: Writer, path: Path, library: Schema) -> None:
    with writer.without_foreign_keys() as tx:
        tx.execute("INSERT INTO books (shelf_id, title) VALUES (1, 'Emma')")
        tx.execute("INSERT INTO shelves VALUES (1, 'novels')")
    with pytest.raises(AssertionError, match="broken"), writer.without_foreign_keys() as tx:
        tx.execute("DELETE FROM shelves")
    assert names(path, library) == ["novels"]
    with pytest.raises(apsw.ConstraintError), writer.transaction() as tx:
        tx.execute("INSERT INTO books (shelf_id, title) VALUES (77, 'on no shelf')")


def test_the_wal_is_cut_at_the_end_of_a_scan(writer: Writer, path: Path, library: Schema) -> None:
    with writer.transaction() as tx:
        add(tx, *(f"shelf {n}" for n in range(5000)))
    assert wal_bytes(path) > 0
    writer.optimize()
    assert writer.checkpoint()
    assert wal_bytes(path) == 0
    assert len(names(path, library)) == 5000


def test_a_checkpoint_that_a_reader_holds_up_is_made_when_it_lets_go(
    writer: Writer, path: Path, library: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "_LONG_MS", 10)
    pool = ReaderPool(path, library)
    with writer.transaction() as tx:
        add(tx, "novels")
    with pool.snapshot() as db:
        with writer.transaction() as tx:
            add(tx, "poems")
        assert not writer.checkpoint()
        assert db.execute("SELECT count(*) FROM shelves").get == 1
    assert writer.checkpoint()
    assert wal_bytes(path) == 0
    pool.close()


def noted_cuts(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each try to begin the WAL anew, whether it succeeded."""
    cuts: list[bool] = []
    cut = Writer._cut

    def noted(writer: Writer, wait_ms: int) -> bool:
        cuts.append(cut(writer, wait_ms))
        return cuts[-1]

    monkeypatch.setattr(Writer, "_cut", noted)
    return cuts


def write_much(writer: Writer, times: int) -> None:
    """Each time about 20 pages of 4 KiB: half of them the index's."""
    for _ in range(times):
        with writer.transaction() as tx:
            tx.execute("INSERT INTO shelves (name) VALUES (hex(randomblob(20000)))")


def test_the_wal_stays_bounded_while_readers_take_turns(
    writer: Writer, path: Path, library: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "_COPY_PAGES", 100)
    monkeypatch.setattr(writers, "_CUT_PAGES", 300)
    monkeypatch.setattr(writers, "_SHORT_MS", 10_000)  # a busy machine may let the reader wait for its turn
    cuts = noted_cuts(monkeypatch)
    pool = ReaderPool(path, library)
    stop = threading.Event()
    looked = threading.Barrier(2)

    def look_and_hand_over() -> None:
        # There is no instant without a reader: each begins its snapshot before the one before has ended its own.
        held = pool.snapshot()
        held.__enter__()
        looked.wait()
        while not stop.is_set():
            following = pool.snapshot()
            following.__enter__().execute("SELECT count(*) FROM shelves").fetchall()
            held.__exit__(None, None, None)
            held = following
        held.__exit__(None, None, None)

    reader = threading.Thread(target=look_and_hand_over)
    reader.start()
    looked.wait()
    write_much(writer, 150)  # 3,000 pages, 12 MB, were all of it to stay
    grown = wal_bytes(path)
    stop.set()
    reader.join()
    pool.close()
    assert grown < 6_000_000
    assert len(cuts) > 5 and all(cuts)


def test_a_reader_that_stays_is_not_waited_for_at_every_commit(
    writer: Writer, path: Path, library: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writers, "_COPY_PAGES", 100)
    monkeypatch.setattr(writers, "_CUT_PAGES", 100)
    monkeypatch.setattr(writers, "_SHORT_MS", 1)
    tries = noted_cuts(monkeypatch)
    pool = ReaderPool(path, library)
    with pool.snapshot():
        write_much(writer, 30)  # 600 pages
    assert 2 <= len(tries) <= 7 and not any(tries)
    grown = wal_bytes(path)
    write_much(writer, 60)  # twice as much again
    assert wal_bytes(path) <= grown + 100 * 4096
    pool.close()
