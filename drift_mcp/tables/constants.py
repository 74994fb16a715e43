"""Constants and where they are used. The value of a secret comes here redacted, and only so.

First what writes, then what reads. A constant is its file and name; where a file has several of one name, they are told
apart by their lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables import difference
from drift_mcp.tables.arrays import integers


class NewConstant(NamedTuple):
    name: str
    file_id: int
    line: int
    value: str | None = None  # redacted when is_secret
    type: str | None = None
    category: str | None = None
    language: str | None = None
    exported: int = 0
    is_magic: int = 0
    is_secret: int = 0
    usage_count: int | None = None  # None: as `recount` counts


_CONSTANTS = difference.Statements(
    insert="""
    INSERT INTO constants (
        name, file_id, line, value, type, category, language, exported, is_magic, is_secret, usage_count
    )
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, 0))
    """,
    update="""
    UPDATE constants
    SET name = ?, file_id = ?, line = ?, value = ?, type = ?, category = ?, language = ?, exported = ?, is_magic = ?,
        is_secret = ?, usage_count = ifnull(?, usage_count)
    WHERE id = ?
    """,
    delete="DELETE FROM constants WHERE id = ?",
)


def put(tx: apsw.Connection, constants: Iterable[NewConstant]) -> None:
    """Adds constants, or says anew those of the same file, name and line."""
    found = list(constants)
    before = _there(tx, {one.file_id for one in found})
    change = difference.between(before, _counted(before, found), lambda one: (one.file_id, one.name, one.line))
    difference.add(tx, _CONSTANTS, change)


def replace(tx: apsw.Connection, file_ids: Iterable[int], constants: Iterable[NewConstant]) -> None:
    """All constants of these files, in place of those that were. One that has moved or changed keeps its id, and the
    places in other files that use it."""
    ids, found = set(file_ids), sorted(constants, key=lambda one: one.line)
    assert ids.issuperset(one.file_id for one in found), "a constant of a file that is not among the replaced ones"
    before = _there(tx, ids)
    change = difference.between(before, _counted(before, found), lambda one: (one.file_id, one.name))
    difference.apply(tx, _CONSTANTS, change)


_OF_FILES = """
SELECT id, name, file_id, line, value, type, category, language, exported, is_magic, is_secret, usage_count
FROM constants
WHERE file_id IN (SELECT value FROM carray(?))
ORDER BY file_id, line, id
"""


def _there(tx: apsw.Connection, file_ids: Iterable[int]) -> list[tuple[int, NewConstant]]:
    return [(number, NewConstant(*row)) for number, *row in tx.execute(_OF_FILES, (integers(file_ids),))]


def _counted(before: Iterable[tuple[int, NewConstant]], found: Iterable[NewConstant]) -> list[NewConstant]:
    # So that one of which nothing new is said is known as such.
    counts = {(one.file_id, one.name, one.line): one.usage_count for _, one in before}
    return [
        one._replace(usage_count=counts.get((one.file_id, one.name, one.line))) if one.usage_count is None else one
        for one in found
    ]


class NewUsage(NamedTuple):
    constant_id: int
    file_id: int
    line: int
    context: str | None = None


_USAGES = difference.Statements(
    insert="INSERT INTO constant_usages (constant_id, file_id, line, context) VALUES (?, ?, ?, ?)",
    update="UPDATE constant_usages SET constant_id = ?, file_id = ?, line = ?, context = ? WHERE id = ?",
    delete="DELETE FROM constant_usages WHERE id = ?",
)


def put_usages(tx: apsw.Connection, usages: Iterable[NewUsage]) -> None:
    """Adds places that use a constant, or says them anew. The constants are there already; then `recount`."""
    found = list(usages)
    difference.add(tx, _USAGES, _usages_changed(tx, {one.file_id for one in found}, found))


def replace_usages(tx: apsw.Connection, file_ids: Iterable[int], usages: Iterable[NewUsage]) -> None:
    """All places in these files that use a constant, in place of those that were. Then `recount`."""
    ids, found = set(file_ids), list(usages)
    assert ids.issuperset(one.file_id for one in found), "a usage in a file that is not among the replaced ones"
    difference.apply(tx, _USAGES, _usages_changed(tx, ids, found))


_USAGES_OF_FILES = """
SELECT id, constant_id, file_id, line, context
FROM constant_usages
WHERE file_id IN (SELECT value FROM carray(?))
ORDER BY id
"""


def _usages_changed(
    tx: apsw.Connection, file_ids: Iterable[int], found: Iterable[NewUsage]
) -> difference.Difference[NewUsage]:
    there = tx.execute(_USAGES_OF_FILES, (integers(file_ids),))
    before = [(number, NewUsage(*row)) for number, *row in there]
    return difference.between(before, found, lambda one: one[:3])


_RECOUNT = """
UPDATE constants AS c
SET usage_count = u.number
FROM (
    SELECT k.id, (SELECT count(*) FROM constant_usages WHERE constant_id = k.id) AS number
    FROM constants k
) u
WHERE u.id = c.id
    AND c.usage_count <> u.number
"""


def recount(tx: apsw.Connection) -> None:
    """How often each constant is used, counted from the usages; for who knows them all. Writes only what differs."""
    tx.execute(_RECOUNT)


# ---------------------------------------------------------------------------------------------------------------------


class Constant(NamedTuple):
    id: int
    name: str
    value: str | None
    type: str | None
    category: str | None
    file: str
    line: int
    language: str | None
    exported: int
    is_magic: int
    is_secret: int
    usage_count: int


_COLUMNS = """
SELECT c.id, c.name, c.value, c.type, c.category, m.path, c.line, c.language, c.exported, c.is_magic, c.is_secret,
    c.usage_count
FROM constants c
JOIN file_metadata m ON m.id = c.file_id
"""

_ORDER = "ORDER BY m.path, c.line, c.id"


def one(db: apsw.Connection, constant: int) -> Constant | None:
    row = db.execute(_COLUMNS + "WHERE c.id = ?", (constant,)).fetchone()
    return None if row is None else Constant(*row)


def in_file(db: apsw.Connection, file_id: int) -> list[Constant]:
    """In the order of their lines."""
    return [Constant(*row) for row in db.execute(_COLUMNS + "WHERE c.file_id = ?" + _ORDER, (file_id,))]


def every(db: apsw.Connection) -> list[Constant]:
    return [Constant(*row) for row in db.execute(_COLUMNS + _ORDER)]


_IDS = """
SELECT m.path || ':' || c.name || ':' || c.line, c.id
FROM constants c
JOIN file_metadata m ON m.id = c.file_id
ORDER BY c.id DESC
"""


def ids(db: apsw.Connection) -> dict[str, int]:
    """Public text id, `path:name:line`, → id. Of several in one line the first one stands for all."""
    return dict(db.execute(_IDS))


class Usage(NamedTuple):
    id: int
    constant_id: int
    file: str
    line: int
    context: str | None


_USAGE_COLUMNS = """
SELECT u.id, u.constant_id, m.path, u.line, u.context
FROM constant_usages u
JOIN file_metadata m ON m.id = u.file_id
"""

_USAGE_ORDER = "ORDER BY m.path, u.line, u.id"


def usages(db: apsw.Connection, constant: int) -> list[Usage]:
    """Where this constant is used."""
    return [Usage(*row) for row in db.execute(_USAGE_COLUMNS + "WHERE u.constant_id = ?" + _USAGE_ORDER, (constant,))]


def usages_in_file(db: apsw.Connection, file_id: int) -> list[Usage]:
    """Constants that this file uses."""
    return [Usage(*row) for row in db.execute(_USAGE_COLUMNS + "WHERE u.file_id = ?" + _USAGE_ORDER, (file_id,))]


def every_usage(db: apsw.Connection) -> list[Usage]:
    return [Usage(*row) for row in db.execute(_USAGE_COLUMNS + _USAGE_ORDER)]
