"""Call sites and data accesses as answers need them: by caller, by callee, level by level for walks.

What reads only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import apsw

from drift_mcp.tables import arrays
from drift_mcp.tables.named import maker


class Site(NamedTuple):
    """One call site and one candidate of it."""

    caller: int
    callee: int | None  # None = outside of the project, or not decided
    symbol: str
    line: int
    column: int
    resolution: str
    confidence: float
    proven: int
    reason: str | None


_site = maker(Site)

_SITES = """
SELECT c.caller_id, c.callee_id, s.name, c.line, c.column_num, r.name, r.confidence, r.proven, c.reason
FROM function_calls c
JOIN symbols s ON s.id = c.callee_symbol
JOIN resolutions r ON r.id = c.resolution
"""

_INTO = _SITES + "WHERE c.callee_id IN carray(?)"
# The most frequent question, at two thirds of the cost of asking for a set of one.
_INTO_ONE = _SITES + "WHERE c.callee_id = ?"


def into(db: apsw.Connection, keys: Sequence[int]) -> list[Site]:
    """All call sites that may call any of these."""
    if len(keys) == 1:
        return list(map(_site, db.execute(_INTO_ONE, keys)))
    return list(map(_site, db.execute(_INTO, (arrays.integers(keys),)))) if keys else []


_OUT_OF = _SITES + "WHERE c.caller_id IN carray(?) ORDER BY c.caller_id, c.line, c.column_num, c.candidate"


def out_of(db: apsw.Connection, keys: Sequence[int]) -> list[Site]:
    """All call sites in any of these, the unresolved ones too."""
    return list(map(_site, db.execute(_OUT_OF, (arrays.integers(keys),)))) if keys else []


_UNRESOLVED_NAMED = (
    _SITES
    + """
WHERE c.callee_id IS NULL
    AND c.resolution = 0
    AND c.callee_symbol = (SELECT id FROM symbols WHERE name = :name)
    AND (
        SELECT caller.language = 'python' FROM functions caller WHERE caller.id = c.caller_id
    ) = (
        SELECT target.language = 'python' FROM functions target WHERE target.id = :target
    )
ORDER BY c.caller_id, c.line, c.column_num
"""
)


def unproven(db: apsw.Connection, keys: Sequence[int], name: str) -> list[Site]:
    """Sites that may call one of these and could not be proven to: decided by the name alone, or not at all.

    Only where the language could: Python calls no JavaScript by name, nor the other way round.
    """
    guessed = [site for site in into(db, keys) if not site.proven]
    found = db.execute(_UNRESOLVED_NAMED, {"name": name, "target": keys[0]}) if keys else ()
    return guessed + list(map(_site, found))


_COUNT_NAMESAKES = """
SELECT count(*)
FROM function_calls
WHERE callee_id IS NULL
    AND resolution = 0
    AND candidate = 0
    AND callee_symbol IN (SELECT s.id FROM functions f JOIN symbols s ON s.name = f.name WHERE f.id IN carray(?))
"""


def unresolved_namesakes(db: apsw.Connection, keys: Sequence[int]) -> int:
    """How many unresolved call sites bear the name of one of these: each could be a caller that is not known."""
    return int(db.execute(_COUNT_NAMESAKES, (arrays.integers(keys),)).get) if keys else 0


_EDGES_OUT = """
SELECT c.caller_id, c.callee_id, c.line
FROM carray(?) key
CROSS JOIN function_calls c ON c.caller_id = key.value
JOIN resolutions r ON r.id = c.resolution
WHERE c.callee_id IS NOT NULL
    AND r.proven
"""


def edges_out_of(db: apsw.Connection, keys: Sequence[int]) -> Iterable[Any]:
    """(caller, callee, line) of the proven calls in these; each key is given once."""
    return db.execute(_EDGES_OUT, (arrays.integers(keys),)).fetchall() if keys else []


# Written so that the keys come first and the resolutions last: asked for by key and resolution, the index would be
# looked into once for each of them.
_EDGES_INTO = """
SELECT c.callee_id, c.caller_id, c.line
FROM carray(?) key
CROSS JOIN function_calls c ON c.callee_id = key.value
CROSS JOIN resolutions r ON r.id = c.resolution
WHERE r.proven
"""


def edges_into(db: apsw.Connection, keys: Sequence[int]) -> Iterable[Any]:
    """(callee, caller, line): the same edges against the calls."""
    return db.execute(_EDGES_INTO, (arrays.integers(keys),)).fetchall() if keys else []


_FIRST_LINE = """
SELECT min(c.line)
FROM function_calls c
JOIN resolutions r ON r.id = c.resolution
WHERE c.callee_id = ? AND c.caller_id = ? AND r.proven
"""


def first_line(db: apsw.Connection, callee: int, caller: int) -> int:
    """Where one function first calls another; it does."""
    return int(db.execute(_FIRST_LINE, (callee, caller)).get)


_UNRESOLVED_IN = """
SELECT count(*)
FROM function_calls
WHERE caller_id IN carray(?) AND resolution = 0 AND candidate = 0
"""


def unresolved_in(db: apsw.Connection, keys: Sequence[int]) -> int:
    return int(db.execute(_UNRESOLVED_IN, (arrays.integers(keys),)).get) if keys else 0


# ---------------------------------------------------------------------------------------------------------------------
# Data


class Access(NamedTuple):
    """One function touching one field of one table, or its rows as a whole (field None)."""

    function: int
    table: str
    field: str | None
    operation: str
    line: int
    confidence: float
    whole_row: int


_access = maker(Access)

_ACCESS = (
    "SELECT function_id, table_name, field_name, operation, line, confidence, whole_row FROM function_data_access\n"
)

_ACCESSES_BY = _ACCESS + "WHERE function_id IN carray(?) ORDER BY function_id, line, id"


def accesses_by(db: apsw.Connection, keys: Sequence[int]) -> list[Access]:
    return list(map(_access, db.execute(_ACCESSES_BY, (arrays.integers(keys),)))) if keys else []


_ACCESSES_TO = _ACCESS + "WHERE table_name = ? ORDER BY function_id, line, id"


def accesses_to(db: apsw.Connection, tables: Collection[str]) -> list[Access]:
    return [_access(row) for table in sorted(tables) for row in db.execute(_ACCESSES_TO, (table,))]


_TABLES = "SELECT table_name FROM data_models UNION SELECT table_name FROM function_data_access ORDER BY 1"


class Spot(NamedTuple):
    """A place that touches a table, in a function that nobody told of."""

    file: str
    line: int
    table: str
    operation: str
    fields: tuple[str, ...]  # columns that it names; none: the table as a whole


_SPOTS = """
SELECT m.path, d.line, d.table_name, d.operation, d.fields
FROM data_access_points d
JOIN file_metadata m ON m.id = d.file_id
WHERE d.function_id IS NULL
    AND d.table_name IN carray(?)
ORDER BY m.path, d.line, d.column_num, d.table_name
"""


def spots(db: apsw.Connection, tables: Collection[str]) -> list[Spot]:
    """Places that touch these tables outside of any function that is known: those that another scanner, or the
    predecessor, told of without it."""
    rows = db.execute(_SPOTS, (arrays.texts(tables),))
    return [Spot(file, line, table, done, tuple(json.loads(fields))) for file, line, table, done, fields in rows]


def tables(db: apsw.Connection) -> list[str]:
    """Every table that a model declares or a function touches."""
    return [row[0] for row in db.execute(_TABLES)]


_FIELDS = """
SELECT f.column_name FROM data_fields f JOIN data_models m ON m.id = f.model_id WHERE m.table_name = :table
UNION
SELECT field_name FROM function_data_access WHERE table_name = :table AND field_name IS NOT NULL
UNION
SELECT field_name FROM sensitive_fields WHERE table_name = :table
ORDER BY 1
"""


def fields_of(db: apsw.Connection, table: str) -> list[str]:
    return [row[0] for row in db.execute(_FIELDS, {"table": table})]


_TABLES_OF_MODEL = """
SELECT m.table_name, min(f.is_test)
FROM data_models m
JOIN file_metadata f ON f.id = m.file_id
WHERE m.name = ? COLLATE NOCASE
GROUP BY m.table_name
ORDER BY 2, 1
"""


def tables_of_model(db: apsw.Connection, model: str) -> list[str]:
    """The tables that models of that name stand for; those that only tests declare, when no other is there."""
    found = db.execute(_TABLES_OF_MODEL, (model,)).fetchall()
    outside_tests = [str(table) for table, is_test in found if not is_test]
    return outside_tests or [str(table) for table, _ in found]


_SENSITIVE = "SELECT table_name, field_name, sensitivity FROM sensitive_fields WHERE table_name IS NOT NULL"


def sensitive_fields(db: apsw.Connection) -> dict[tuple[str, str], str]:
    return {(table, field): held for table, field, held in db.execute(_SENSITIVE)}


class Entry(NamedTuple):
    function: int
    kind: str
    label: str
    line: int


_ENTRIES = """
SELECT e.function_id, e.kind, e.label, e.line
FROM carray(?) key
CROSS JOIN entry_points e ON e.function_id = key.value
ORDER BY e.function_id, e.id
"""


def entries(db: apsw.Connection, keys: Sequence[int]) -> list[Entry]:
    """The ways in from outside that lead to these functions, tests included; each key is given once."""
    return [Entry(*row) for row in db.execute(_ENTRIES, (arrays.integers(keys),))] if keys else []
