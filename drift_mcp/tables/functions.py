"""Functions, methods, classes and module bodies, and who they are: file, qualified name and ordinal, never a line.

What writes, and what a scan reads back. How an asker finds them stands in `lookup`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw

from drift_mcp.tables import bulk, calls
from drift_mcp.tables.arrays import integers, texts


class NewFunction(NamedTuple):
    qualified_name: str
    ordinal: int
    name: str
    kind: str
    parent: int | None  # position of the enclosing definition in the same list; a parent stands before its children
    start_line: int
    end_line: int
    column_num: int
    language: str
    signature: str | None
    parameters: str | None  # JSON
    decorators: str | None  # JSON
    return_type: str | None
    visibility: str
    complexity: int
    is_exported: int
    is_constructor: int
    is_async: int
    is_test: int
    is_property: int


_INSERT = """
INSERT INTO functions (
    id, file_id, parent_id, qualified_name, ordinal, name, kind, start_line, end_line, column_num, language,
    signature, parameters, decorators, return_type, visibility, complexity, is_exported, is_constructor, is_async,
    is_test, is_property
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def load(tx: apsw.Connection, files: Iterable[tuple[int, Sequence[NewFunction]]]) -> dict[int, range]:
    """All functions of files that have none yet. Gives file id → the ids, in the order of the list."""
    start = next_id(tx)
    ids: dict[int, range] = {}
    rows: list[tuple[object, ...]] = []
    for file_id, functions in files:
        ids[file_id] = range(start, start + len(functions))
        for number, one in enumerate(functions, start):
            parent = None if one[4] is None else start + one[4]
            rows.append((number, file_id, parent, *one[:4], *one[5:]))
        start += len(functions)
    bulk.insert(tx, _INSERT, rows)
    return ids


def next_id(db: apsw.Connection) -> int:
    return int(db.execute("SELECT ifnull(max(id), 0) + 1 FROM functions").get)


_OF_FILE = "SELECT qualified_name, ordinal, id FROM functions WHERE file_id = ?"

_UPDATE = """
UPDATE functions
SET parent_id = ?3, name = ?6, kind = ?7, start_line = ?8, end_line = ?9, column_num = ?10, language = ?11,
    signature = ?12, parameters = ?13, decorators = ?14, return_type = ?15, visibility = ?16, complexity = ?17,
    is_exported = ?18, is_constructor = ?19, is_async = ?20, is_test = ?21, is_property = ?22
WHERE id = ?1
    AND file_id = ?2
    AND qualified_name = ?4
    AND ordinal = ?5
"""


def replace(tx: apsw.Connection, file_id: int, functions: Sequence[NewFunction]) -> list[int]:
    """The functions of one file as they are now. Those that were there before keep their id, and with it the calls
    into them from other files; those that vanished are deleted with all that hangs on them. Gives the ids, in the
    order of the list."""
    before = {(name, ordinal): number for name, ordinal, number in tx.execute(_OF_FILE, (file_id,))}
    fresh = next_id(tx)
    ids: list[int] = []
    for one in functions:
        parent = None if one.parent is None else ids[one.parent]
        number = before.pop((one.qualified_name, one.ordinal), None)
        if number is None:
            number = fresh
            fresh += 1
            tx.execute(_INSERT, (number, file_id, parent, *one[:4], *one[5:]))
        else:
            tx.execute(_UPDATE, (number, file_id, parent, *one[:4], *one[5:]))
        ids.append(number)
    calls.undecide(tx, before.values())
    # Last: a survivor may have hung on one that vanished, and would have gone with it.
    tx.execute("DELETE FROM functions WHERE id IN (SELECT value FROM carray(?))", (integers(before.values()),))
    return ids


def replace_bases(tx: apsw.Connection, ids: Iterable[int], bases: Iterable[tuple[int, int, str, int | None]]) -> None:
    """(class, position, name of the base, its id or None), in place of all bases of classes in these files."""
    tx.execute(
        """
        DELETE FROM class_bases
        WHERE class_id IN (SELECT id FROM functions WHERE file_id IN (SELECT value FROM carray(?)))
        """,
        (integers(ids),),
    )
    bulk.insert(tx, "INSERT INTO class_bases (class_id, position, base_name, base_id) VALUES (?, ?, ?, ?)", bases)


_MARK_ENTRY_POINTS = """
UPDATE functions AS f
SET is_entry_point = NOT is_entry_point
WHERE is_entry_point <> (id IN (SELECT function_id FROM entry_points))
"""

_MARK_ACCESSORS = """
UPDATE functions AS f
SET is_data_accessor = NOT is_data_accessor
WHERE is_data_accessor <> (id IN (SELECT function_id FROM function_data_access))
"""


def mark_roles(tx: apsw.Connection) -> None:
    """Brings is_entry_point and is_data_accessor up to date; writes only those that differ."""
    tx.execute(_MARK_ENTRY_POINTS)
    tx.execute(_MARK_ACCESSORS)


# ---------------------------------------------------------------------------------------------------------------------


def ids_in(db: apsw.Connection, file_id: int) -> dict[tuple[str, int], int]:
    """(qualified name, ordinal) → id of all functions of a file."""
    return {(name, ordinal): number for name, ordinal, number in db.execute(_OF_FILE, (file_id,))}


_IN_FILES = "SELECT id FROM functions WHERE file_id IN (SELECT value FROM carray(?))"


def in_files(db: apsw.Connection, file_ids: Iterable[int]) -> list[int]:
    """All functions of these files."""
    return [row[0] for row in db.execute(_IN_FILES, (integers(file_ids),))]


_IDS_IN_FILES = """
SELECT m.path, f.qualified_name, f.ordinal, f.id
FROM functions f
JOIN file_metadata m ON m.id = f.file_id
WHERE m.path IN (SELECT value FROM carray(?))
"""


def ids_by_path(db: apsw.Connection, paths: Iterable[str]) -> dict[str, dict[tuple[str, int], int]]:
    """Path → (qualified name, ordinal) → id."""
    found: dict[str, dict[tuple[str, int], int]] = {}
    for path, name, ordinal, number in db.execute(_IDS_IN_FILES, (texts(paths),)):
        found.setdefault(path, {})[name, ordinal] = number
    return found


_PUBLIC_IDS = """
SELECT f.id, m.path || '::' || f.qualified_name || iif(f.ordinal > 0, '#' || f.ordinal, '')
FROM functions f
JOIN file_metadata m ON m.id = f.file_id
WHERE f.id IN (SELECT value FROM carray(?))
"""


def public_ids(db: apsw.Connection, ids: Iterable[int]) -> dict[int, str]:
    return dict(db.execute(_PUBLIC_IDS, (integers(ids),)))


def public_id(path: str, qualified_name: str, ordinal: int) -> str:
    """The stable id that people and other stores keep: an edit above the function does not move it."""
    return f"{path}::{qualified_name}#{ordinal}" if ordinal else f"{path}::{qualified_name}"


def parse_public_id(text: str) -> tuple[str, str, int] | None:
    """(path, qualified name, ordinal); None when it is no such id."""
    path, apart, name = text.partition("::")
    if not (path and apart and name):
        return None
    front, hash_, ordinal = name.rpartition("#")
    return (
        (path, front, int(ordinal)) if hash_ and front and ordinal.isascii() and ordinal.isdigit() else (path, name, 0)
    )


_METHODS_NAMED = """
SELECT f.name, m.path, f.qualified_name, f.ordinal
FROM functions f
JOIN file_metadata m ON m.id = f.file_id
WHERE f.name IN (SELECT value FROM carray(?))
    AND f.kind = 'method'
    AND f.is_test = 0
    AND m.is_test = 0
ORDER BY f.name, m.path, f.start_line
"""


def methods_named(db: apsw.Connection, names: Iterable[str]) -> list[tuple[str, str, str, int]]:
    """(name, path, qualified name, ordinal) of all methods of production code with these names."""
    return list(db.execute(_METHODS_NAMED, (texts(names),)))


_BASES = """
SELECT b.class_id, b.base_name, b.base_id
FROM class_bases b
WHERE b.class_id IN (SELECT value FROM carray(?))
ORDER BY b.class_id, b.position
"""


def bases(db: apsw.Connection, ids: Iterable[int]) -> list[tuple[int, str, int | None]]:
    """(class, name of a base, its id) in the order written."""
    return list(db.execute(_BASES, (integers(ids),)))


_SUBCLASSES = "SELECT class_id FROM class_bases WHERE base_id IN (SELECT value FROM carray(?)) ORDER BY class_id"


def subclasses(db: apsw.Connection, ids: Iterable[int]) -> list[int]:
    """Classes that name one of these as a base."""
    return [row[0] for row in db.execute(_SUBCLASSES, (integers(ids),))]


_PROPERTY_NAMES = "SELECT DISTINCT name FROM functions WHERE is_property = 1"


def property_names(db: apsw.Connection) -> set[str]:
    """Names that some class defines as a property."""
    return {row[0] for row in db.execute(_PROPERTY_NAMES)}


_CLASSES_NAMED = """
SELECT m.path, f.qualified_name, f.ordinal
FROM functions f
JOIN file_metadata m ON m.id = f.file_id
WHERE f.name = ?
    AND f.kind = 'class'
ORDER BY m.path, f.start_line
"""


def classes_named(db: apsw.Connection, name: str) -> list[tuple[str, str, int]]:
    """(path, qualified name, ordinal) of all classes of that name."""
    return list(db.execute(_CLASSES_NAMED, (name,)))


_HEIRS = """
WITH RECURSIVE heirs (id) AS (
    SELECT f.id
    FROM functions f
    JOIN file_metadata m ON m.id = f.file_id
    WHERE m.path = ?1
        AND f.qualified_name = ?2
        AND f.ordinal = ?3
    UNION
    SELECT b.class_id
    FROM heirs h
    CROSS JOIN class_bases b ON b.base_id = h.id
)
SELECT m.path, f.qualified_name, f.ordinal
FROM heirs h
JOIN functions f ON f.id = h.id
JOIN file_metadata m ON m.id = f.file_id
WHERE (m.path, f.qualified_name, f.ordinal) <> (?1, ?2, ?3)
ORDER BY m.path, f.start_line
"""


def heirs(db: apsw.Connection, path: str, qualified_name: str, ordinal: int) -> list[tuple[str, str, int]]:
    """(path, qualified name, ordinal) of all classes that inherit from this one, directly or not."""
    return list(db.execute(_HEIRS, (path, qualified_name, ordinal)))


_HEIRS_OUTSIDE = """
SELECT m.path, f.qualified_name, f.ordinal
FROM class_bases b
JOIN functions f ON f.id = b.class_id
JOIN file_metadata m ON m.id = f.file_id
WHERE b.base_id IS NULL
    AND (b.base_name = ?1 OR b.base_name LIKE '%.' || ?1)
ORDER BY m.path, f.start_line
"""


def heirs_outside(db: apsw.Connection, name: str) -> list[tuple[str, str, int]]:
    """(path, qualified name, ordinal) of all classes that inherit directly from what a library calls so."""
    return list(db.execute(_HEIRS_OUTSIDE, (name,)))
