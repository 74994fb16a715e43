"""How a database is: every flipped bit is found, and looking writes nothing."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp.store import connection, health, mending, migrate
from drift_mcp.store.schema import Schema
from drift_mcp.store.writer import Writer

BOOKS = """
CREATE TABLE books (
    id INTEGER PRIMARY KEY,
    shelf_id INTEGER NOT NULL REFERENCES shelves (id) ON DELETE CASCADE,
    title TEXT NOT NULL
) STRICT;
CREATE TABLE migration_history (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    checksum TEXT NOT NULL,
    duration_ms INTEGER NOT NULL
) STRICT;
"""
SEARCH = """
CREATE VIRTUAL TABLE books_fts USING fts5 (title, content = 'books', content_rowid = 'id');
CREATE INDEX idx_books_title ON books (title);
CREATE TRIGGER books_are_found AFTER INSERT ON books BEGIN
    INSERT INTO books_fts (rowid, title) VALUES (new.id, new.title);
END;
"""


@pytest.fixture
def filled(make_schema: Callable[..., Schema], path: Path) -> Schema:
    """Shelves with books, an index and a full-text index of them: some dozen pages, closed."""
    schema = make_schema(books=BOOKS + SEARCH)
    with closing(migrate.opened(path, schema)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO shelves VALUES (?, ?)", ((n, f"shelf {n}") for n in range(1, 6)))
        rows = ((n, n % 5 + 1, f"The {n}th book of words number{n * 7919 % 1000}") for n in range(1, 1_500))
        db.executemany("INSERT INTO books VALUES (?, ?, ?)", rows)
        db.execute("COMMIT")
    return schema


def books(path: Path) -> list[tuple[object, ...]]:
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
        return list(db.execute("SELECT * FROM books ORDER BY id").fetchall())


def test_a_sound_database_is_sound(path: Path, filled: Schema) -> None:
    assert health.integrity(path) == ((), ())
    room = health.room(path)
    assert room.bytes == path.stat().st_size and room.has_checksums and room.wal_bytes == 0
    with closing(health.copied(path)) as copy:
        assert health.loose(copy) == health.unfaithful(copy) == health.differences(copy, filled) == []
        assert health.steps(copy, filled) == []


def test_a_flipped_bit_on_any_page_is_found_and_what_is_derived_is_made_anew(path: Path, filled: Schema) -> None:
    whole, before = path.read_bytes(), books(path)
    size = 4_096
    drawn = random.Random(20_261_128)
    derived = 0
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
        in_use = sorted(row[0] - 1 for row in db.execute("SELECT pageno FROM dbstat").fetchall())
    assert len(in_use) > 40
    for page in in_use:
        harmed = bytearray(whole)
        # The first page's own header would make it another program's file, which is refused before anything else.
        harmed[page * size + drawn.randrange(100, size)] ^= 1 << drawn.randrange(8)
        path.write_bytes(harmed)
        found = health.integrity(path)
        assert [each.number for each in found.bad] == [page + 1]
        if found.is_derived:
            derived += 1
            mending.write_anew(path)
            assert health.integrity(path).is_sound
            assert books(path) == before
        for name in ("-wal", "-shm"):
            path.with_name(path.name + name).unlink(missing_ok=True)
    assert 0 < derived < len(in_use)


def test_a_bit_that_was_flipped_before_the_checksum_was_made_is_found_by_the_structure(
    path: Path, filled: Schema
) -> None:
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READWRITE)) as db:
        db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        db.pragma("writable_schema", True)
        other = "CREATE INDEX idx_books_title ON books (shelf_id)"
        db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'idx_books_title'", (other,))
    found = health.integrity(path)
    assert not found.bad and found.said and found.is_derived
    mending.write_anew(path)
    assert health.integrity(path).is_sound


def test_a_page_that_another_program_wrote_has_no_checksum(path: Path, filled: Schema) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE books SET title = 'Mine' WHERE id = 700")
        db.commit()
    found = health.integrity(path)
    assert {each.object for each in found.bad} >= {"books"} and found.said == ()
    mending.write_anew(path)
    assert health.integrity(path).is_sound
    assert (700, 1, "Mine") in books(path)


def test_a_word_index_that_is_not_its_table_is_told(path: Path, filled: Schema) -> None:
    with closing(connection.open_writer(path, filled)) as db:
        assert health.searched(db) == ["books_fts"]
        db.execute("DROP TRIGGER books_are_found")
        db.execute("INSERT INTO books VALUES (9000, 1, 'Unheard of')")
        with closing(health.copied(path)) as copy:
            assert health.unfaithful(copy) == ["books_fts"]
        mending.search_anew(db, "books_fts")
        with closing(health.copied(path)) as copy:
            assert health.unfaithful(copy) == []
        assert db.execute("SELECT rowid FROM books_fts WHERE books_fts MATCH 'unheard'").get == 9000


def test_a_copy_is_of_one_moment_beside_a_writer_and_leaves_the_file_alone(path: Path, filled: Schema) -> None:
    writer = Writer(connection.open_writer(path, filled), path, filled)
    with writer.transaction() as tx:
        tx.execute("DELETE FROM books")
        with closing(health.copied(path)) as copy:
            assert copy.execute("SELECT count(*) FROM books").get == 1_499
            copy.execute("DELETE FROM shelves")
    with writer.transaction() as tx:
        assert tx.execute("SELECT count(*) FROM shelves").get == 5
    writer.close()


def test_objects_are_compared_without_what_has_no_meaning(path: Path, filled: Schema) -> None:
    with closing(connection.open_writer(path, filled)) as db:
        db.execute("DROP VIEW v_books")
        same = "SELECT b.title,   s.name -- as before\nFROM books b\nJOIN shelves s ON s.id = b.shelf_id"
        db.execute(f"CREATE VIEW v_books AS {same}")
        assert health.differences(db, filled) == []
        db.execute("DROP INDEX idx_books_title")
        db.execute("CREATE TABLE mine (x)")
        db.execute("DROP TRIGGER books_are_found")
        db.execute("CREATE TRIGGER books_are_found AFTER DELETE ON books BEGIN SELECT 1; END")
        wrong = health.differences(db, filled)
        assert wrong == [
            ("index", "idx_books_title", "missing"),
            ("table", "mine", "added"),
            ("trigger", "books_are_found", "different"),
        ]
        db.execute("BEGIN IMMEDIATE")
        mending.make_anew(db, filled, [each for each in wrong if each.is_mendable])
        db.execute("COMMIT")
        assert health.differences(db, filled) == [("table", "mine", "added")]


LINKED = """
CREATE TABLE authors (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE works (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES authors (id) ON DELETE CASCADE,
    sequel_of INTEGER REFERENCES works (id) ON DELETE SET NULL) STRICT;
CREATE TABLE prints (work_id INTEGER NOT NULL REFERENCES works (id) ON DELETE CASCADE, year INTEGER NOT NULL,
    PRIMARY KEY (work_id, year)) STRICT, WITHOUT ROWID;
CREATE TABLE loans (work_id INTEGER, year INTEGER, who TEXT,
    FOREIGN KEY (work_id, year) REFERENCES prints (work_id, year)) STRICT;
INSERT INTO authors VALUES (1);
INSERT INTO works VALUES (1, 1, NULL), (2, 9, 1), (3, 1, 8), (4, NULL, 2), (5, 1, 5);
INSERT INTO prints VALUES (1, 1990), (2, 1991), (7, 1992);
INSERT INTO loans VALUES (1, 1990, 'ann'), (2, 1991, 'bob'), (7, 1992, 'cid'), (1, 2000, 'dan'), (NULL, 1990, 'eve');
"""


@pytest.mark.parametrize("enforced", [True, False])
def test_what_points_nowhere_does_what_it_would_have_done(enforced: bool) -> None:
    with closing(connection.open_memory()) as db:
        for _ in db.execute(LINKED):
            pass
        db.pragma("foreign_keys", enforced)
        db.execute("BEGIN")
        assert mending.let_go(db) > 0
        db.execute("COMMIT")
        assert health.loose(db) == []
        assert db.execute("SELECT * FROM works").fetchall() == [(1, 1, None), (3, 1, None), (4, None, None), (5, 1, 5)]
        assert db.execute("SELECT * FROM prints").fetchall() == [(1, 1990)]
        assert db.execute("SELECT who FROM loans").fetchall() == [("ann",), ("eve",)]
        assert mending.let_go(db) == 0


def test_a_damaged_file_is_kept_as_it_is(path: Path, filled: Schema) -> None:
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"The 700th")] ^= 1
    path.write_bytes(raw)
    kept = mending.keep_as_it_is(path, path.parent / "backups")
    assert kept.read_bytes()[4_096:] == raw[4_096:]
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("SELECT count(*) FROM books").fetchone() == (1_499,)
    again = mending.keep_as_it_is(path, path.parent / "backups")
    assert again != kept and kept.exists()
