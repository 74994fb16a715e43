"""All projects of a user, in the user-level database. The only module here whose connection is not one to drift.db."""

from __future__ import annotations

from typing import NamedTuple

import apsw


class Registered(NamedTuple):
    id: str
    name: str
    path: str  # absolute
    last_accessed: str
    schema_version: int
    drift_version: str
    health_score: int | None
    pattern_count: int
    last_scan_at: str | None


_PUT = """
INSERT INTO project_registry (id, name, path, schema_version, drift_version, health_score, pattern_count, last_scan_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    name = excluded.name,
    schema_version = excluded.schema_version,
    drift_version = excluded.drift_version,
    health_score = excluded.health_score,
    pattern_count = excluded.pattern_count,
    last_scan_at = excluded.last_scan_at,
    last_accessed = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
"""


def put(
    tx: apsw.Connection,
    id: str,
    name: str,
    path: str,
    *,
    schema_version: int,
    drift_version: str,
    health_score: int | None,
    pattern_count: int,
    last_scan_at: str | None,
) -> None:
    tx.execute(_PUT, (id, name, path, schema_version, drift_version, health_score, pattern_count, last_scan_at))


def forget(tx: apsw.Connection, id: str) -> None:
    """The entry; the project's store is not touched."""
    tx.execute("DELETE FROM project_registry WHERE id = ?", (id,))


# ---------------------------------------------------------------------------------------------------------------------

_COLUMNS = """
SELECT id, name, path, last_accessed, schema_version, drift_version, health_score, pattern_count, last_scan_at
FROM project_registry
"""

_ALL = _COLUMNS + "ORDER BY last_accessed DESC, path"


def all_projects(db: apsw.Connection) -> list[Registered]:
    """The one used last first."""
    return [Registered(*row) for row in db.execute(_ALL)]


_NAMED = _COLUMNS + "WHERE name = ? OR path = ? ORDER BY path"


def named(db: apsw.Connection, text: str) -> list[Registered]:
    """Projects of this name, or the one at this path."""
    return [Registered(*row) for row in db.execute(_NAMED, (text, text))]
