"""How a database is, as SQLite and its schema see it. Knows no table, and never writes a byte to the file that it looks
at: what can only be told by trying is tried on a copy in memory.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import apsw

from drift_mcp.store import connection
from drift_mcp.store.schema import Schema

# As much of SQLite's findings as a person reads; the first ones say what kind of damage it is.
_SAID: Final = 20
# A page may be written by a checkpoint at the very moment when it is read beside SQLite's own cache. That it is torn
# each time is out of the question.
_TRIES: Final = 3

# Where a bad page lies, and so what it takes to mend it: `derived` can be made again from the tables.
Lies = Literal["free", "derived", "table"]


class BadPage(NamedTuple):
    number: int  # from 1; 0 = not in the file itself, but in its WAL
    object: str | None  # table or index; None = it holds nothing, or it is not known what
    lies: Lies


class Integrity(NamedTuple):
    bad: tuple[BadPage, ...]  # pages that are not what was written, by their checksums
    said: tuple[str, ...]  # by SQLite about what the pages say; nothing = all is well

    @property
    def is_sound(self) -> bool:
        return not self.bad and not self.said

    @property
    def is_derived(self) -> bool:
        """Only what can be made again from the tables is damaged: mending it loses nothing and changes no value."""
        if self.bad:
            return all(page.lies != "table" for page in self.bad)
        return all(_OF_INDEXES.search(each) for each in self.said)


_OF_INDEXES: Final = re.compile(
    r"^(?:row \d+ missing from index |wrong # of entries in index |non-unique entry in index "
    r"|rowid not at end-of-record for row \d+ of index |malformed inverted index for FTS5 table )"
)


class Room(NamedTuple):
    bytes: int
    free_bytes: int  # of deleted rows, to be used again
    wal_bytes: int
    has_checksums: bool


def integrity(path: Path, extensions: Iterable[Path] = ()) -> Integrity:
    """Reads every page in use. Raises apsw.NotADBError for a file that is no database at all."""
    libraries = tuple(extensions)
    with closing(_opened(path, libraries)) as db:
        said, is_bad = _said(db)
        bad = _bad_pages(db, path) if is_bad else []
    if said and bad == [_NOWHERE]:
        return Integrity((), said)
    if not is_bad:
        return Integrity((), said)
    with closing(unchecked(path, apsw.SQLITE_OPEN_READONLY, libraries)) as db:
        said, _ = _said(db)
        return Integrity(_placed(db, bad), said)


def unchecked(path: Path, flags: int, extensions: Iterable[Path] = ()) -> apsw.Connection:
    """A connection that takes pages as they are, whatever their checksums say."""
    db = connection.open_any(path, flags, extensions=extensions)
    try:
        db.execute("PRAGMA checksum_verification = OFF").fetchall()
    except BaseException:
        db.close()
        raise
    return db


def _opened(path: Path, extensions: Iterable[Path]) -> apsw.Connection:
    return connection.open_any(path, apsw.SQLITE_OPEN_READONLY, extensions=extensions)


def _said(db: apsw.Connection) -> tuple[tuple[str, ...], bool]:
    """What SQLite finds, and whether a page is not what was written."""
    try:
        rows = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({_SAID})").fetchall()]
    except apsw.IOError as problem:
        if not _is_of_checksum(problem):
            raise
        return (), True
    except apsw.CorruptError as problem:
        # Not even its schema can be read. Whether a checksum says why is worth a look.
        return (str(problem),), True
    said = tuple(line for row in rows if row != "ok" for line in row.splitlines())
    return said, any(_UNREAD in line for line in said)


def _is_of_checksum(problem: apsw.Error) -> bool:
    return bool(getattr(problem, "extendedresult", 0) == apsw.SQLITE_IOERR_DATA)


# The extended code of a page that is not what was written, in the words of integrity_check.
_UNREAD: Final = f"unable to get the page. error code={apsw.SQLITE_IOERR_DATA}"


def _bad_pages(db: apsw.Connection, path: Path) -> list[int]:
    # Straight from the file, through the layer that compares a page with its checksum: a query stops at the first one.
    size = int.from_bytes(db.read("main", 0, 16, 2)[1], "big")
    size = 65_536 if size == 1 else size  # as the file format has it
    pages = path.stat().st_size // size
    found = [number for number in range(1, pages + 1) if not _is_good(db, number, size)]
    return found or [_NOWHERE]


# Of a page that SQLite could not read and the file has in order: it lies in the WAL.
_NOWHERE: Final = 0


def _is_good(db: apsw.Connection, number: int, size: int) -> bool:
    for _ in range(_TRIES):
        try:
            db.read("main", 0, (number - 1) * size, size)
        except apsw.IOError as problem:
            if not _is_of_checksum(problem):
                raise
        else:
            return True
    return False


_OWNERS: Final = """
SELECT d.pageno, d.name, s.type
FROM dbstat d
LEFT JOIN sqlite_schema s ON s.name = d.name
WHERE d.pageno IN (SELECT value FROM carray(?))
"""


def _placed(db: apsw.Connection, numbers: list[int]) -> tuple[BadPage, ...]:
    integers = apsw.carray(array("q", numbers))
    try:
        rows: list[Any] = db.execute(_OWNERS, (integers,)).fetchall()
        owners = {number: (name, kind) for number, name, kind in rows}
        derived = {name + tail for name in searched(db) for tail in _SHADOWS}
    except (apsw.CorruptError, apsw.SQLError):
        return tuple(BadPage(number, None, "table") for number in numbers)  # the worst that it can be
    found = []
    for number in numbers:
        name, kind = owners.get(number, (None, None))
        lies: Lies = "table"
        if kind == "index" or name in derived:
            lies = "derived"
        elif name is None and number:
            lies = "free"
        found.append(BadPage(number, name, lies))
    return tuple(found)


# The tables behind an FTS5 table, all of which a rebuild makes anew from the content; not `_config`, which says how.
_SHADOWS: Final = ("_data", "_idx", "_docsize")

_SEARCHED: Final = """
SELECT name
FROM sqlite_schema
WHERE type = 'table'
    AND sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%content%=%'
ORDER BY name
"""


def searched(db: apsw.Connection) -> list[str]:
    """The full-text tables whose text stands in another table, so that they can be made anew from it."""
    return [str(row[0]) for row in db.execute(_SEARCHED).fetchall()]


def room(path: Path) -> Room:
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
        size, pages, free = (int(db.pragma(name)) for name in ("page_size", "page_count", "freelist_count"))
        has_checksums = connection.has_checksums(db)
    wal = path.with_name(path.name + "-wal")
    try:
        wal_bytes = wal.stat().st_size
    except FileNotFoundError:
        wal_bytes = 0
    return Room(size * pages, size * free, wal_bytes, has_checksums)


def copied(path: Path, extensions: Iterable[Path] = ()) -> apsw.Connection:
    """The database at one moment, in memory: to try there what must not be tried on the file."""
    libraries = tuple(extensions)
    copy = connection.open_memory(libraries)
    try:
        with closing(_opened(path, libraries)) as db:
            db.execute("BEGIN")
            # BEGIN alone takes no snapshot, a read does; without one a commit of another would begin the copy anew.
            db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            with copy.backup("main", db, "main") as copying:
                copying.step(-1)
            db.execute("ROLLBACK")
    except BaseException:
        copy.close()
        raise
    return copy


class Loose(NamedTuple):
    """Rows that point nowhere."""

    table: str
    rows: int
    missing: str  # the table that they point into


_LOOSE: Final = """
SELECT "table", count(*), parent
FROM pragma_foreign_key_check
GROUP BY "table", parent
ORDER BY "table", parent
"""


def loose(db: apsw.Connection) -> list[Loose]:
    rows: list[Any] = db.execute(_LOOSE).fetchall()
    return [Loose(*row) for row in rows]


def unfaithful(copy: apsw.Connection) -> list[str]:
    """Full-text tables that do not say what their content says. Takes a copy: SQLite has this check as a write."""
    found = []
    for name in searched(copy):
        try:
            copy.execute(f'INSERT INTO "{name}" ("{name}", rank) VALUES (\'integrity-check\', 1)')
        except apsw.CorruptError:
            found.append(name)
    return found


# ---------------------------------------------------------------------------------------------------------------------
# The schema


class Differing(NamedTuple):
    """An object of the schema that is not as the schema files make it."""

    type: str  # 'table', 'index', 'view', 'trigger'
    name: str
    how: Literal["missing", "different", "added"]

    @property
    def is_mendable(self) -> bool:
        """It holds nothing of its own, so that making it anew loses nothing."""
        return self.type != "table" and self.how != "added"


def differences(db: apsw.Connection, schema: Schema, extensions: Iterable[Path] = ()) -> list[Differing]:
    """Object by object, comments and blanks aside. For a database of the schema's own version."""
    ours, there = _objects_of(schema, extensions), _objects(db)
    found = [Differing(*key, "missing") for key in ours.keys() - there.keys()]
    found += [Differing(*key, "added") for key in there.keys() - ours.keys()]
    found += [Differing(*key, "different") for key in ours.keys() & there.keys() if ours[key][0] != there[key][0]]
    return sorted(found)


def statements(schema: Schema, extensions: Iterable[Path] = ()) -> dict[tuple[str, str], str]:
    """(type, name) → what makes it."""
    return {key: sql for key, (_, sql) in _objects_of(schema, extensions).items()}


def _objects_of(schema: Schema, extensions: Iterable[Path]) -> Mapping[tuple[str, str], tuple[str, str]]:
    with closing(connection.open_memory(extensions)) as db:
        for text in (schema.tables, schema.views):
            # `execute` stops at the first statement that returns a row; going through the cursor runs them all.
            for _ in db.execute(text):
                pass
        return _objects(db)


_OBJECTS: Final = (
    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite^_%' ESCAPE '^'"
)


def _objects(db: apsw.Connection) -> dict[tuple[str, str], tuple[str, str]]:
    rows = (map(str, row) for row in db.execute(_OBJECTS).fetchall())
    return {(kind, name): (_squeezed(sql), sql) for kind, name, sql in rows}


def _squeezed(sql: str) -> str:
    """A statement without what has no meaning. An ALTER TABLE leaves quotes around names, and blanks of its own."""
    words = re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", sql))
    return re.sub(r"\s*([(),])\s*", r"\1", words).strip()


class Step(NamedTuple):
    version: int
    problem: Literal["missing", "edited"]


def steps(db: apsw.Connection, schema: Schema) -> list[Step]:
    """What is wrong with the record of how this database came to its schema."""
    applied = {row[0]: row[1] for row in db.execute("SELECT version, checksum FROM migration_history").fetchall()}
    found = [
        Step(version, "missing") for version in range(1, int(db.pragma("user_version")) + 1) if version not in applied
    ]
    found += [
        Step(step.version, "edited")
        for step in schema.steps
        if applied.get(step.version, step.checksum) != step.checksum
    ]
    return sorted(found)
