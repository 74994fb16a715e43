"""A store comes to today's schema from nothing and from every older one, and never half."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex import vectors
from drift_mcp.errors import StoreUnusable
from drift_mcp.store import connection, migrate
from drift_mcp.store import schema as schemas
from drift_mcp.store.schema import Schema

MakeSchema = Callable[..., Schema]

SHELVES_AND_HISTORY = """
CREATE TABLE migration_history (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    checksum TEXT NOT NULL,
    duration_ms INTEGER NOT NULL
) STRICT;
"""

# Version 3 of the small library: a column more, and `title` is no longer optional to find.
BOOKS_3 = (
    """
CREATE TABLE books (
    id INTEGER PRIMARY KEY,
    shelf_id INTEGER NOT NULL REFERENCES shelves (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    pages INTEGER CHECK (pages > 0)
) STRICT;
CREATE INDEX idx_books_title ON books (title);
"""
    + SHELVES_AND_HISTORY
)
VIEWS_3 = "CREATE VIEW v_books AS SELECT b.title, b.pages, s.name FROM books b JOIN shelves s ON s.id = b.shelf_id;"

# The way SQLite makes a table anew: it needs references unchecked, and views out of the way.
STEP_2 = """
CREATE TABLE books_new (
    id INTEGER PRIMARY KEY,
    shelf_id INTEGER NOT NULL REFERENCES shelves (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    pages INTEGER CHECK (pages > 0)
) STRICT;
INSERT INTO books_new (id, shelf_id, title) SELECT id, shelf_id, title FROM books;
DROP TABLE books;
ALTER TABLE books_new RENAME TO books;
SELECT count(*) FROM books;
"""
STEP_3 = "CREATE INDEX idx_books_title ON books (title);"
STEPS = {"0002_pages.sql": STEP_2, "0003_find_by_title.sql": STEP_3}


def fill(db: apsw.Connection) -> None:
    db.execute("INSERT INTO shelves VALUES (1, 'novels')").fetchall()
    db.execute("INSERT INTO books (shelf_id, title) VALUES (1, 'Emma'), (1, 'Persuasion')").fetchall()


def objects(db: apsw.Connection) -> dict[tuple[str, str], object]:
    """What a database consists of, whatever the words were that made it."""
    found: dict[tuple[str, str], object] = {}
    for kind, name, table, text in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall():
        if kind == "table":
            checks = sorted(re.findall(r"CHECK \([^)]*\)", str(text)))
            found[kind, str(name)] = (
                db.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall(),
                db.execute("SELECT * FROM pragma_foreign_key_list(?)", (name,)).fetchall(),
                db.execute("SELECT type, ncol, wr, strict FROM pragma_table_list WHERE name = ?", (name,)).fetchall(),
                checks,
            )
        else:
            columns = db.execute("SELECT * FROM pragma_index_xinfo(?)", (name,)).fetchall() if kind == "index" else []
            found[kind, str(name)] = (table, columns, " ".join(str(text).split()))
    return found


def history(db: apsw.Connection) -> list[tuple[object, ...]]:
    return db.execute("SELECT version, checksum FROM migration_history ORDER BY version").fetchall()


def test_a_new_store_says_whose_it_is_and_how_it_came_about(path: Path, library: Schema) -> None:
    with closing(migrate.opened(path, library)) as db:
        assert db.pragma("application_id") == library.application_id
        assert db.pragma("user_version") == 1
        assert db.pragma("journal_mode") == "wal"
        [(version, checksum, applied_at, duration_ms)] = db.execute(
            "SELECT version, checksum, applied_at, duration_ms FROM migration_history"
        ).fetchall()
    assert (version, checksum) == (1, library.checksum)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(applied_at))
    assert isinstance(duration_ms, int) and duration_ms >= 0


def test_making_a_store_leaves_nothing_else_in_the_folder(tmp_path: Path, path: Path, library: Schema) -> None:
    migrate.opened(path, library).close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["library.db", "schema"]


def test_a_schema_that_fails_leaves_no_store(tmp_path: Path, path: Path, make_schema: MakeSchema) -> None:
    with pytest.raises(apsw.SQLError):
        migrate.opened(path, make_schema(books="CREATE TABEL books (id)"))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["schema"]


def test_a_store_is_made_on_a_file_system_without_hard_links(
    tmp_path: Path, path: Path, library: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with closing(migrate.opened(path, library)) as db:
        fill(db)
    with closing(migrate.opened(path, library)) as db:
        assert db.execute("SELECT count(*) FROM books").get == 2
    assert sorted(each.name for each in tmp_path.iterdir()) == ["library.db", "schema"]


def test_a_store_that_another_process_made_first_is_the_one_that_counts(
    path: Path, library: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def too_late(source: Path, target: Path) -> None:
        monkeypatch.setattr(os, "link", link)
        with closing(migrate.opened(path, library)) as other:
            fill(other)
        link(source, target)

    monkeypatch.setattr(os, "link", too_late)
    with closing(migrate.opened(path, library)) as db:
        assert db.execute("SELECT count(*) FROM books").get == 2


def test_steps_give_the_same_database_as_the_files(tmp_path: Path, make_schema: MakeSchema) -> None:
    stepped, fresh = tmp_path / "stepped.db", tmp_path / "fresh.db"
    with closing(migrate.opened(stepped, make_schema())) as db:
        fill(db)
    today = make_schema(BOOKS_3, VIEWS_3, STEPS)
    with closing(migrate.opened(stepped, today)) as old, closing(migrate.opened(fresh, today)) as new:
        assert objects(old) == objects(new)
        assert old.pragma("user_version") == new.pragma("user_version") == 3
        assert history(old)[1:] == history(new)[1:] == [(step.version, step.checksum) for step in today.steps]
        assert old.execute("SELECT * FROM v_books ORDER BY title").fetchall() == [
            ("Emma", None, "novels"),
            ("Persuasion", None, "novels"),
        ]
        assert old.pragma("foreign_keys") == 1


def test_a_difference_between_steps_and_files_would_be_seen(tmp_path: Path, make_schema: MakeSchema) -> None:
    stepped, fresh = tmp_path / "stepped.db", tmp_path / "fresh.db"
    migrate.opened(stepped, make_schema()).close()
    forgot = make_schema(BOOKS_3, VIEWS_3, STEPS | {"0003_find_by_title.sql": "SELECT 1;"})
    with closing(migrate.opened(stepped, forgot)) as old, closing(migrate.opened(fresh, forgot)) as new:
        assert objects(old).keys() ^ objects(new).keys() == {("index", "idx_books_title")}


def test_a_store_of_today_is_not_written_when_it_is_opened(path: Path, make_schema: MakeSchema) -> None:
    today = make_schema(BOOKS_3, VIEWS_3, STEPS)
    migrate.opened(path, today).close()
    before = path.read_bytes()
    migrate.opened(path, today).close()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("INSERT INTO shelves VALUES (2, 'poems'); CREATE TABLE books (id);", "already exists"),
        ("INSERT INTO shelves VALUES (1, 'twice');", "UNIQUE constraint"),
        ("INSERT INTO books (shelf_id, title) VALUES (77, 'on no shelf');", "point nowhere"),
    ],
)
def test_a_step_that_fails_leaves_the_store_as_it_was(
    path: Path, make_schema: MakeSchema, step: str, message: str
) -> None:
    first = make_schema()
    with closing(migrate.opened(path, first)) as db:
        fill(db)
        before = objects(db), db.execute("SELECT * FROM books").fetchall()
    with pytest.raises(StoreUnusable, match=message):
        migrate.opened(path, make_schema(steps={"0002_wrong.sql": step}))
    with closing(migrate.opened(path, make_schema())) as db:
        assert (objects(db), db.execute("SELECT * FROM books").fetchall()) == before
        assert history(db) == [(1, first.checksum)]


def test_the_steps_before_the_one_that_fails_are_kept(path: Path, make_schema: MakeSchema) -> None:
    migrate.opened(path, make_schema()).close()
    with pytest.raises(StoreUnusable, match="stays as it was, at schema 2"):
        migrate.opened(path, make_schema(BOOKS_3, VIEWS_3, STEPS | {"0003_find_by_title.sql": "no SQL;"}))
    with closing(migrate.opened(path, make_schema(BOOKS_3, VIEWS_3, STEPS))) as db:
        assert [version for version, _ in history(db)] == [1, 2, 3]


@pytest.mark.parametrize("made_at", [1, 3], ids=["stepped", "fresh"])
def test_a_step_edited_after_it_was_applied_is_refused(path: Path, make_schema: MakeSchema, made_at: int) -> None:
    if made_at == 1:
        migrate.opened(path, make_schema()).close()
    migrate.opened(path, make_schema(BOOKS_3, VIEWS_3, STEPS)).close()
    before = path.read_bytes()
    edited = make_schema(BOOKS_3, VIEWS_3, STEPS | {"0003_find_by_title.sql": STEP_3 + " -- better so"})
    with pytest.raises(StoreUnusable, match=r"Step 0003 of schema/library/migrations was edited"):
        migrate.opened(path, edited)
    assert path.read_bytes() == before
    migrate.opened(path, make_schema(BOOKS_3, VIEWS_3, STEPS)).close()


def test_other_line_ends_are_no_edit(path: Path, make_schema: MakeSchema, tmp_path: Path) -> None:
    migrate.opened(path, make_schema(BOOKS_3, VIEWS_3, STEPS)).close()
    step = tmp_path / "schema" / "library" / "migrations" / "0002_pages.sql"
    step.write_bytes(step.read_bytes().replace(b"\n", b"\r\n"))
    migrate.opened(path, schemas.read("library", 0x54455354, root=tmp_path / "schema")).close()


def test_steps_without_one_between_them_are_our_own_mistake(make_schema: MakeSchema) -> None:
    with pytest.raises(AssertionError, match="without a gap"):
        make_schema(steps={"0003_find_by_title.sql": STEP_3})


@pytest.mark.parametrize("name", ["drift", "cortex", "registry"])
def test_the_schemas_of_this_program_make_stores(tmp_path: Path, name: str) -> None:
    vec = vectors.extension_path()
    assert vec is not None
    ours = schemas.read(name, 0x54455354)
    path = tmp_path / f"{name}.db"
    with closing(migrate.opened(path, ours, extensions=[vec])) as db:
        assert db.pragma("user_version") == ours.version
        assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        assert [row[0] for row in history(db)] == list(range(1, ours.version + 1))
        for (view,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
            db.execute(f'SELECT * FROM "{view}" LIMIT 1').fetchall()
        loose = db.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT strict"
            " AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'memory_embeddings_%'"  # the vector index keeps its own
        ).fetchall()
        assert loose == []
    with closing(connection.open_reader(path, ours, extensions=[vec])) as db:
        assert db.pragma("application_id") == ours.application_id
