"""Where the outside world comes in: routes, commands, jobs, handlers, tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables.arrays import integers


class NewEntryPoint(NamedTuple):
    function_id: int
    kind: str
    label: str
    method: str | None
    path: str | None
    framework: str | None
    line: int


_INSERT = (
    "INSERT INTO entry_points (function_id, kind, label, method, path, framework, line) VALUES (?, ?, ?, ?, ?, ?, ?)"
)

_DELETE = """
DELETE FROM entry_points
WHERE function_id IN (SELECT id FROM functions WHERE file_id IN (SELECT value FROM carray(?)))
"""


def replace(tx: apsw.Connection, file_ids: Iterable[int], entry_points: Iterable[NewEntryPoint]) -> None:
    """All entry points in these files, in place of those that were."""
    tx.execute(_DELETE, (integers(file_ids),))
    tx.executemany(_INSERT, dict.fromkeys(entry_points))


def replace_all(tx: apsw.Connection, entry_points: Iterable[NewEntryPoint]) -> None:
    """All entry points there are: a prefix in one file is part of routes in others."""
    tx.execute("DELETE FROM entry_points")
    tx.executemany(_INSERT, dict.fromkeys(entry_points))


_ROUTED = """
SELECT DISTINCT m.path
FROM entry_points e
JOIN functions f ON f.id = e.function_id
JOIN file_metadata m ON m.id = f.file_id
WHERE e.kind = 'route'
"""


def routed(db: apsw.Connection) -> set[str]:
    """Files with a function that a route leads to; the route itself may stand elsewhere."""
    return {row[0] for row in db.execute(_ROUTED)}
