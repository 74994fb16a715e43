"""A small schema of two tables, its next versions, and stores made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drift_mcp.store import migrate
from drift_mcp.store import schema as schemas
from drift_mcp.store.schema import Schema
from drift_mcp.store.writer import Writer

APPLICATION_ID = 0x54455354

SHELVES = "CREATE TABLE shelves (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
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
VIEWS = "CREATE VIEW v_books AS SELECT b.title, s.name FROM books b JOIN shelves s ON s.id = b.shelf_id;"

MakeSchema = Callable[..., Schema]


@pytest.fixture
def make_schema(tmp_path: Path) -> MakeSchema:
    """Writes a schema folder with these files and steps, and reads it."""

    def make(books: str = BOOKS, views: str = VIEWS, steps: dict[str, str] | None = None) -> Schema:
        folder = tmp_path / "schema" / "library"
        (folder / "migrations").mkdir(parents=True, exist_ok=True)
        (folder / "ORDER").write_text("shelves.sql\nbooks.sql\nviews.sql\n")
        (folder / "shelves.sql").write_text(SHELVES)
        (folder / "books.sql").write_text(books)
        (folder / "views.sql").write_text(views)
        for old in (folder / "migrations").iterdir():
            old.unlink()
        (folder / "migrations" / "README.md").write_text("Steps stand here.")
        for name, text in (steps or {}).items():
            (folder / "migrations" / name).write_text(text)
        return schemas.read("library", APPLICATION_ID, root=tmp_path / "schema")

    return make


@pytest.fixture
def library(make_schema: MakeSchema) -> Schema:
    return make_schema()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "library.db"


@pytest.fixture
def writer(path: Path, library: Schema) -> Iterator[Writer]:
    opened = Writer(migrate.opened(path, library), path, library)
    yield opened
    opened.close()
