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


_HAS_ROUTES = """
SELECT EXISTS (
    SELECT 1
    FROM entry_points e
    JOIN functions f ON f.id = e.function_id
    WHERE e.kind = 'route'
        AND f.file_id IN (SELECT value FROM carray(?))
)
"""


def has_routes(db: apsw.Connection, file_ids: Iterable[int]) -> bool:
    return bool(db.execute(_HAS_ROUTES, (integers(file_ids),)).get)


_PATHS_AROUND_ROUTES = """
WITH RECURSIVE reached (file_id) AS (
    SELECT f.file_id
    FROM entry_points e
    JOIN functions f ON f.id = e.function_id
    WHERE e.kind = 'route'
    UNION
    SELECT i.file_id
    FROM reached r
    CROSS JOIN imports i ON i.resolved_file_id = r.file_id
)
SELECT m.path
FROM reached r
JOIN file_metadata m ON m.id = r.file_id
WHERE m.is_test = 0
ORDER BY m.path
"""


def paths_around_routes(db: apsw.Connection) -> list[str]:
    """Files that have a route, and those that import them in any number of steps: routers are mounted above."""
    return [row[0] for row in db.execute(_PATHS_AROUND_ROUTES)]
