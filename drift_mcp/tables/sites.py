"""Call sites and the definitions around them as they stand, for whoever knows better what is called there.

Gives whole files at once, and changes single sites. What a scan writes stands in `calls`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables import calls
from drift_mcp.tables.arrays import integers


class Definition(NamedTuple):
    id: int
    file_id: int
    qualified_name: str
    ordinal: int
    name: str
    kind: str
    parent_id: int | None
    start_line: int
    end_line: int
    column_num: int  # of the name
    is_property: int
    decorators: str | None  # JSON


class Site(NamedTuple):
    """One candidate of one call site."""

    caller_id: int
    line: int
    column_num: int
    callee_id: int | None
    symbol: str
    resolution: str
    argument_count: int
    reason: str | None


_REPLACE = """
DELETE FROM function_calls
WHERE caller_id = ?
    AND line = ?
    AND column_num = ?
"""


def replace(tx: apsw.Connection, sites: Iterable[tuple[int, int, int]], rows: Iterable[calls.NewCall]) -> None:
    """All candidates of these sites, (caller, line, column), in place of those that were."""
    tx.executemany(_REPLACE, sites)
    calls.load(tx, rows)


# ---------------------------------------------------------------------------------------------------------------------

_DEFINITIONS = """
SELECT id, file_id, qualified_name, ordinal, name, kind, parent_id, start_line, end_line, column_num, is_property,
    decorators
FROM functions
WHERE file_id IN (SELECT value FROM carray(?))
ORDER BY file_id, start_line, id
"""


def definitions(db: apsw.Connection, file_ids: Iterable[int]) -> list[Definition]:
    """What these files define, in source order."""
    return [Definition(*row) for row in db.execute(_DEFINITIONS, (integers(file_ids),))]


_SITES = """
SELECT c.caller_id, c.line, c.column_num, c.callee_id, s.name, r.name, c.argument_count, c.reason
FROM functions f
CROSS JOIN function_calls c ON c.caller_id = f.id
JOIN symbols s ON s.id = c.callee_symbol
JOIN resolutions r ON r.id = c.resolution
WHERE f.file_id = ?
ORDER BY c.line, c.column_num, c.caller_id, c.candidate
"""


def of_file(db: apsw.Connection, file_id: int) -> list[Site]:
    """All call sites of a file with their candidates, in source order."""
    return [Site(*row) for row in db.execute(_SITES, (file_id,))]
