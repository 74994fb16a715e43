"""One answer, one snapshot: nothing changes inside it, nothing is held fast after it, and it ends in time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp.errors import NotInitialised, QueryTimeout, StoreUnusable
from drift_mcp.store import migrate
from drift_mcp.store.pool import Beside, ReaderPool
from drift_mcp.store.schema import Schema
from drift_mcp.store.writer import Writer

COUNT = "SELECT count(*) FROM shelves"
ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
def pool(path: Path, library: Schema, writer: Writer) -> Iterator[ReaderPool]:
    opened = ReaderPool(path, library, most=2)
    yield opened
    opened.close()


def add(writer: Writer, *names: str) -> None:
    with writer.transaction() as tx:
        tx.executemany("INSERT INTO shelves (name) VALUES (?)", [(name,) for name in names])


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(pool: ReaderPool, writer: Writer) -> None:
    with pool.snapshot() as db:
        add(writer, "novels")  # before anything was read
        assert db.execute(COUNT).get == 0
    with pool.snapshot() as db:
        assert db.execute(COUNT).get == 1


def test_a_snapshot_sees_nothing_of_a_change_under_way(pool: ReaderPool, writer: Writer) -> None:
    with writer.transaction() as tx:
        tx.execute("INSERT INTO shelves (name) VALUES ('novels')")
        with pool.snapshot() as db:
            assert db.execute(COUNT).get == 0


def test_a_snapshot_cannot_write(pool: ReaderPool) -> None:
    with pytest.raises(StoreUnusable, match="read-only"), pool.snapshot() as db:
        db.execute("DELETE FROM shelves")


def test_a_failure_inside_comes_out_as_it_is_and_the_reader_is_used_again(pool: ReaderPool) -> None:
    for _ in range(5):
        with pytest.raises(KeyError), pool.snapshot():
            raise KeyError
    with pool.snapshot() as first, pool.snapshot() as second:
        assert first is not second


def test_a_result_left_half_read_holds_nothing_fast(pool: ReaderPool, writer: Writer, path: Path) -> None:
    add(writer, "novels", "poems", "plays")
    with pool.snapshot() as db:
        cursor = db.execute("SELECT name FROM shelves")
        next(cursor)
    with pytest.raises((apsw.CursorClosedError, apsw.ConnectionClosedError)):
        next(cursor)
    add(writer, "essays")
    assert writer.checkpoint()
    with pool.snapshot() as db:
        assert db.execute(COUNT).get == 4


def test_a_query_that_takes_too_long_is_given_up(pool: ReaderPool, writer: Writer) -> None:
    told = pytest.raises(QueryTimeout, match=r"longer than 0\.01 s.*Ask for less")
    with told, pool.snapshot(timeout_seconds=0.01) as db:
        db.execute(ENDLESS).fetchall()
    with pool.snapshot() as db:
        assert db.execute(COUNT).get == 0
    add(writer, "novels")
    assert writer.checkpoint()


def test_a_running_query_can_be_stopped_from_another_thread(pool: ReaderPool) -> None:
    begun = threading.Event()
    told: list[str] = []

    def ask() -> None:
        try:
            with pool.snapshot() as db:
                begun.set()
                db.execute(ENDLESS).fetchall()
        except QueryTimeout as problem:
            told.append(str(problem))

    asker = threading.Thread(target=ask)
    asker.start()
    begun.wait()
    pool.interrupt()
    asker.join()
    assert told == ["The question was stopped before it was answered."]
    with pool.snapshot() as db:
        assert db.execute(COUNT).get == 0


def test_who_finds_no_reader_free_is_told(pool: ReaderPool) -> None:
    told = pytest.raises(QueryTimeout, match=r"All readers of library\.db were busy")
    with pool.snapshot(), pool.snapshot(), told, pool.snapshot(timeout_seconds=0.01):
        pass
    with pool.snapshot(timeout_seconds=0.01) as db:
        assert db.execute(COUNT).get == 0


def test_closing_stops_what_runs_and_lets_held_snapshots_end(path: Path, library: Schema, writer: Writer) -> None:
    pool = ReaderPool(path, library)
    with pool.snapshot() as db:
        pool.close()
    with pytest.raises(apsw.ConnectionClosedError):
        db.execute(COUNT)
    with pytest.raises(StoreUnusable, match="closed"), pool.snapshot():
        pass


def test_a_pool_over_nothing_says_what_to_do_each_time(path: Path, library: Schema) -> None:
    pool = ReaderPool(path, library)
    for _ in range(6):  # more often than there are readers
        with pytest.raises(NotInitialised, match="drift scan"), pool.snapshot():
            pass


def test_damage_that_a_query_meets_is_said(pool: ReaderPool, writer: Writer, path: Path) -> None:
    add(writer, *(f"shelf {n}" for n in range(5000)))
    assert writer.checkpoint()
    writer.close()
    content = bytearray(path.read_bytes())
    for page in range(8, len(content) // 4096):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match=r"library\.db is damaged"), pool.snapshot() as db:
        db.execute("SELECT sum(length(name)) FROM shelves NOT INDEXED").fetchall()


def test_a_store_that_a_newer_program_brought_up_meanwhile_is_not_read(
    pool: ReaderPool, writer: Writer, path: Path
) -> None:
    with pool.snapshot():
        pass
    with closing(apsw.Connection(str(path))) as newer:
        newer.pragma("user_version", 2)
    with pytest.raises(StoreUnusable, match="newer Drift"), pool.snapshot():
        pass


def test_readers_beside_a_busy_writer_each_see_one_state(pool: ReaderPool, writer: Writer) -> None:
    """Each change adds one shelf and one book to it, so that a torn state would be seen as a difference."""
    stop = threading.Event()
    seen: list[tuple[object, object]] = []

    def look() -> None:
        while not stop.is_set():
            with pool.snapshot() as db:
                shelves = db.execute(COUNT).get
                books = db.execute("SELECT count(*) FROM books").get
                seen.append((shelves, books))

    readers = [threading.Thread(target=look) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(200):
        with writer.transaction() as tx:
            tx.execute("INSERT INTO shelves VALUES (?, ?)", (number, f"shelf {number}"))
            tx.execute("INSERT INTO books (shelf_id, title) VALUES (?, 'Emma')", (number,))
    stop.set()
    for reader in readers:
        reader.join()
    assert seen and all(shelves == books for shelves, books in seen)


def test_a_snapshot_that_is_never_let_go_of_is_ended_and_the_wal_is_cut(
    path: Path, library: Schema, writer: Writer
) -> None:
    with closing(ReaderPool(path, library, look_seconds=0.01)) as pool:
        with (
            pytest.raises(QueryTimeout, match=r"longer than 0\.01 s"),
            pool.snapshot(timeout_seconds=0.01) as db,
        ):
            assert db.execute(COUNT).get == 0
            add(writer, "novels")
            assert writer.checkpoint()  # waits for readers, and this one has been ended
            db.execute(COUNT).fetchall()
        with pool.snapshot() as db:
            assert db.execute(COUNT).get == 1


def test_a_snapshot_that_was_ended_after_its_last_query_has_answered(
    path: Path, library: Schema, writer: Writer
) -> None:
    with closing(ReaderPool(path, library, look_seconds=0.01)) as pool:
        with pool.snapshot(timeout_seconds=0.01) as db:
            found = db.execute(COUNT).get
            add(writer, "novels")
            assert writer.checkpoint()
        assert found == 0


def test_two_databases_are_read_in_one_snapshot(tmp_path: Path, path: Path, library: Schema, writer: Writer) -> None:
    other = tmp_path / "other.db"
    beside = Writer(migrate.opened(other, library), other, library)
    add(writer, "novels")
    add(beside, "poems")
    with closing(ReaderPool(path, library, beside=Beside("other", other, library))) as pool:
        with pool.snapshot() as db:
            add(writer, "plays")
            add(beside, "essays")
            both = "SELECT name FROM main.shelves UNION ALL SELECT name FROM other.shelves"
            assert db.execute(both).fetchall() == [("novels",), ("poems",)]
        for table in ("main.shelves", "other.shelves"):
            with pytest.raises(StoreUnusable, match="read-only"), pool.snapshot() as db:
                db.execute(f"DELETE FROM {table}")
    beside.close()


def test_what_is_no_store_of_ours_is_not_read_beside_one(
    tmp_path: Path, path: Path, library: Schema, writer: Writer
) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"this is no database at all" * 400)
    with (
        closing(ReaderPool(path, library, beside=Beside("other", other, library))) as pool,
        pytest.raises(StoreUnusable, match=r"other\.db is not a database"),
        pool.snapshot(),
    ):
        pass
