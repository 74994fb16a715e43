"""Mends a database where that can be done without guessing. Each function is told what `health` found.

Whoever calls has made a copy before, and holds off who else would write for long. A process killed in the middle leaves
the database as it was before or as it is after.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import apsw

from drift_mcp.store import connection, health
from drift_mcp.store.health import Differing
from drift_mcp.store.schema import Schema

# As long as a person waits for others to end what they write.
_BUSY_MS: Final = 30_000


def keep_as_it_is(path: Path, folder: Path) -> Path:
    """A copy of a damaged database, page by page as it is: a backup refuses to be made of such. Any SQLite program can
    read it as far as it can be read; ours finds its first page, which counts writes, without a checksum."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder.mkdir(exist_ok=True)
    place = folder / f"damaged-{path.stem}-{moment}-{uuid.uuid4().hex[:6]}.db"
    with connection.explained(path):
        try:
            with (
                closing(health.unchecked(path, apsw.SQLITE_OPEN_READONLY)) as source,
                # Below the layer of checksums, the default once it is there, which would give each page a new one.
                closing(apsw.Connection(str(place), vfs=_PLAIN)) as copy,
                copy.backup("main", source, "main") as copying,
            ):
                copying.step(-1)
        except BaseException:
            place.unlink(missing_ok=True)
            raise
    return place


_PLAIN: Final = "win32" if sys.platform == "win32" else "unix"


def write_anew(path: Path, extensions: Iterable[Path] = ()) -> None:
    """Every page is written anew, as it reads now, with a checksum of its own: also one whose checksum said otherwise.
    What can be made again from the tables, indexes and full-text tables, is."""
    with (
        connection.explained(path),
        closing(health.unchecked(path, apsw.SQLITE_OPEN_READWRITE, extensions)) as db,
    ):
        db.set_busy_timeout(_BUSY_MS)
        db.pragma("temp_store", 2)  # nothing is written outside of .drift/
        _as_a_wal(db)
        connection.ask_for_checksums(db)
        db.execute("REINDEX")
        for name in health.searched(db):
            search_anew(db, name)
        db.execute("VACUUM")
        fold(db)


def vacuum(path: Path, extensions: Iterable[Path] = ()) -> None:
    """Gives the room of deleted rows back to the disk, and each page its checksum."""
    with (
        connection.explained(path),
        closing(connection.open_any(path, apsw.SQLITE_OPEN_READWRITE, extensions=extensions, busy_ms=_BUSY_MS)) as db,
    ):
        db.pragma("temp_store", 2)
        _as_a_wal(db)
        connection.ask_for_checksums(db)
        db.execute("VACUUM")
        fold(db)


def _as_a_wal(db: apsw.Connection) -> None:
    # Without one, pages that VACUUM writes before the first page says that it has checksums would have none. Stores
    # have one; another program may have taken it away.
    db.pragma("journal_mode", "wal")


def fold(db: apsw.Connection) -> None:
    """Moves the WAL into the database and cuts it, as far as nobody reads from it."""
    # A reader that stays keeps the old pages a while longer: the next checkpoint of a writer does it.
    db.set_busy_timeout(1_000)
    try:
        db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return


def search_anew(tx: apsw.Connection, name: str) -> None:
    """A full-text table from its content."""
    tx.execute(f'INSERT INTO "{name}" ("{name}") VALUES (\'rebuild\')')


def make_anew(tx: apsw.Connection, schema: Schema, wrong: Iterable[Differing], extensions: Iterable[Path] = ()) -> None:
    """Indexes, views and triggers as the schema files have them."""
    statements = health.statements(schema, extensions)
    for each in wrong:
        assert each.is_mendable, f"{each.type} {each.name} may hold what would be lost"
        if each.how == "different":
            tx.execute(f'DROP {each.type} "{each.name}"')
        tx.execute(statements[each.type, each.name])


_LINKS: Final = """
SELECT
    t.name, k.id, k."table", k.on_delete,
    group_concat(k."from", char(10)), group_concat(ifnull(k."to", ''), char(10))
FROM sqlite_schema t
JOIN pragma_foreign_key_list(t.name) k
WHERE t.type = 'table'
GROUP BY t.name, k.id
ORDER BY t.name, k.id
"""

# A row that goes takes those along that point to it, and these others: a chain as long as there are tables at most.
_ROUNDS: Final = 20


def let_go(tx: apsw.Connection) -> int:
    """What points nowhere does what it would have done had its target been deleted properly: the link is emptied where
    the schema says SET NULL, and elsewhere the row goes. Gives how many rows that took."""
    links = [tuple(map(str, row)) for row in tx.execute(_LINKS).fetchall()]
    before = tx.total_changes()
    # A row that is still pointed to may go before the one that points to it.
    tx.execute("PRAGMA defer_foreign_keys = ON")
    for _ in range(_ROUNDS):
        broken = {each.table for each in health.loose(tx)}
        if not broken:
            break
        for table, _id, parent, on_delete, froms, tos in links:
            if table in broken:
                tx.execute(_mended(table, parent, on_delete, froms.split("\n"), tos.split("\n")))
    return tx.total_changes() - before


def _mended(table: str, parent: str, on_delete: str, froms: list[str], tos: list[str]) -> str:
    pairs = list(zip(froms, tos, strict=True))
    assert all(to for _, to in pairs), f"a link of {table} does not say to which column"
    points = " AND ".join(f'"{table}"."{each}" IS NOT NULL' for each, _ in pairs)
    found = " AND ".join(f'"{parent}_"."{to}" = "{table}"."{each}"' for each, to in pairs)
    nowhere = f'{points} AND NOT EXISTS (SELECT 1 FROM "{parent}" AS "{parent}_" WHERE {found})'
    if on_delete == "SET NULL":
        empty = ", ".join(f'"{each}" = NULL' for each in froms)
        return f'UPDATE "{table}" SET {empty} WHERE {nowhere}'
    return f'DELETE FROM "{table}" WHERE {nowhere}'
