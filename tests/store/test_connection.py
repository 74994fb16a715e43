"""A store is told from everything that is none, and what is refused stays as it was, to the byte."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp.errors import DriftError, NotInitialised, StoreDamaged, StoreUnusable
from drift_mcp.store import connection, migrate
from drift_mcp.store.schema import Schema


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_bytes(b"this is no database at all\n" * 400)


def short_text(path: Path) -> None:
    path.write_bytes(b"SQLite")


def foreign(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as db:
        db.execute("CREATE TABLE notes (text)")


def foreign_with_an_id(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("application_id", 42)


def folder(path: Path) -> None:
    path.mkdir()


REFUSED = [
    (empty, "is empty, so it is not a database"),
    (text, "is not a database"),
    (short_text, "is not a database"),
    (foreign, "database of another program"),
    (foreign_with_an_id, r"application id 0x2a, not 0x54455354"),
    (folder, "cannot be opened"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
@pytest.mark.parametrize("door", [migrate.opened, connection.open_reader])
def test_what_is_no_store_of_ours_is_refused_untouched(
    path: Path,
    library: Schema,
    door: Callable[[Path, Schema], apsw.Connection],
    make: Callable[[Path], None],
    message: str,
) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreUnusable, match=message):
        door(path, library)
    assert before == (path.read_bytes() if path.is_file() else None)
    assert sorted(each.name for each in path.parent.iterdir()) == ["library.db", "schema"]


@pytest.mark.parametrize("door", [migrate.opened, connection.open_reader])
def test_a_store_of_a_newer_version_is_refused_untouched(
    path: Path, library: Schema, door: Callable[[Path, Schema], apsw.Connection]
) -> None:
    migrate.opened(path, library).close()
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("user_version", 9)
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=r"made by a newer Drift \(schema 9; this one knows 1\)"):
        door(path, library)
    assert path.read_bytes() == before


def test_a_newer_version_that_stands_in_the_wal_alone_is_refused_untouched(path: Path, library: Schema) -> None:
    migrate.opened(path, library).close()
    newer = apsw.Connection(str(path))
    newer.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    newer.pragma("user_version", 9)
    newer.close()  # as a killed process leaves it
    wal = path.with_name("library.db-wal")
    before = path.read_bytes(), wal.read_bytes()
    for door in (migrate.opened, connection.open_reader):
        with pytest.raises(StoreUnusable, match="made by a newer Drift"):
            door(path, library)
    assert (path.read_bytes(), wal.read_bytes()) == before


def test_a_store_cut_short_is_refused_untouched(path: Path, library: Schema) -> None:
    migrate.opened(path, library).close()
    path.write_bytes(path.read_bytes()[:9000])
    before = path.read_bytes()
    for door in (migrate.opened, connection.open_reader):
        with pytest.raises(StoreUnusable, match=r"library\.db is damaged.*backup"):
            door(path, library)
    assert path.read_bytes() == before


def test_a_missing_store_is_no_damage(path: Path, library: Schema) -> None:
    with pytest.raises(NotInitialised, match="drift scan"):
        connection.open_reader(path, library)
    assert not path.exists()


def test_a_missing_folder_is_said(tmp_path: Path, library: Schema) -> None:
    with pytest.raises(StoreUnusable, match="Is the folder there"):
        migrate.opened(tmp_path / "nowhere" / "library.db", library)


def test_a_name_that_sqlite_cannot_open_is_said(tmp_path: Path, library: Schema) -> None:
    strange = tmp_path / "caf\udce9" / "library.db"
    strange.parent.mkdir()
    with pytest.raises(DriftError, match="not valid UTF-8"):
        migrate.opened(strange, library)


def test_a_reader_cannot_write(path: Path, library: Schema) -> None:
    migrate.opened(path, library).close()
    with closing(connection.open_reader(path, library)) as db:
        db.pragma("query_only", False)  # even when somebody undoes the milder of the two locks
        with pytest.raises(apsw.ReadOnlyError):
            db.execute("INSERT INTO shelves (name) VALUES ('novels')")


def test_a_misspelt_column_in_quotes_is_an_error(path: Path, library: Schema) -> None:
    with closing(migrate.opened(path, library)) as db, pytest.raises(apsw.SQLError, match="no such column"):
        db.execute('SELECT * FROM shelves WHERE "nmae" = 1')


def test_a_store_older_than_this_program_is_not_read_as_it_is(path: Path, library: Schema) -> None:
    migrate.opened(path, library).close()
    with closing(apsw.Connection(str(path))) as db:
        db.pragma("user_version", 0)
    with pytest.raises(StoreUnusable, match="has schema 0, and this Drift reads 1"):
        connection.open_reader(path, library)


@pytest.mark.parametrize("bit", range(8))
@pytest.mark.parametrize("door", [migrate.opened, connection.open_reader])
def test_a_flipped_bit_in_the_byte_that_tells_of_checksums_is_damage(
    path: Path, library: Schema, door: Callable[[Path, Schema], apsw.Connection], bit: int
) -> None:
    """With another number there, SQLite looks at no checksum, and takes long values for others."""
    migrate.opened(path, library).close()
    before = bytearray(path.read_bytes())
    before[20] ^= 1 << bit
    path.write_bytes(before)
    with pytest.raises(StoreDamaged, match=r"library\.db is damaged: its first page says falsely"):
        door(path, library)
    assert path.read_bytes() == before


def test_a_flipped_bit_in_a_value_is_an_error_and_no_answer(path: Path, library: Schema) -> None:
    """integrity_check does not see it: only the page's checksum does."""
    with closing(migrate.opened(path, library)) as db:
        db.execute("INSERT INTO shelves (name) VALUES ('philosophy')")
    path.write_bytes(path.read_bytes().replace(b"philosophy", b"qhilosophy"))  # in the table and in its index
    with closing(connection.open_reader(path, library)) as db, pytest.raises(apsw.IOError):
        db.execute("SELECT name FROM shelves").fetchall()
    with (
        closing(connection.open_reader(path, library)) as db,
        pytest.raises(StoreUnusable, match=r"library\.db is damaged: a page is not what was written.*drift doctor"),
        connection.explained(path),
    ):
        db.execute("SELECT name FROM shelves").fetchall()


def test_any_sqlite_tool_reads_a_store_with_checksums(path: Path, library: Schema) -> None:
    with closing(migrate.opened(path, library)) as db:
        db.execute("INSERT INTO shelves (name) VALUES ('philosophy')")
    with closing(sqlite3.connect(path)) as tool:
        assert tool.execute("SELECT name FROM shelves").fetchall() == [("philosophy",)]
        assert tool.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
