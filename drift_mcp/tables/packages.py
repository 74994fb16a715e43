"""The packages of the repository."""

from __future__ import annotations

import json
from collections.abc import Iterable

import apsw

from drift_mcp.model import Package

_PUT = """
INSERT INTO packages (
    path, name, package_manager, version, dependencies, dev_dependencies, language, framework, last_scanned
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT (path) DO UPDATE SET
    name = excluded.name,
    package_manager = excluded.package_manager,
    version = excluded.version,
    dependencies = excluded.dependencies,
    dev_dependencies = excluded.dev_dependencies,
    language = excluded.language,
    framework = excluded.framework,
    last_scanned = excluded.last_scanned,
    source = excluded.source
"""

# A file belongs to the innermost package around it.
_RECOUNT = """
WITH owned (path, file_id, functions) AS (
    SELECT
        (
            SELECT p.path
            FROM packages p
            WHERE p.path = '.' OR substr(f.path, 1, length(p.path) + 1) = p.path || '/'
            ORDER BY length(p.path) * (p.path <> '.') DESC
            LIMIT 1
        ),
        f.id,
        f.function_count
    FROM file_metadata f
)
UPDATE packages
SET
    function_count = ifnull((SELECT sum(o.functions) FROM owned o WHERE o.path = packages.path), 0),
    pattern_count = (
        SELECT count(DISTINCT l.pattern_key)
        FROM owned o
        JOIN pattern_locations l ON l.file_id = o.file_id
        WHERE o.path = packages.path
    )
"""


def replace_all(tx: apsw.Connection, packages: Iterable[Package]) -> None:
    """The packages that a scan finds, counted: after `files.recount`. What another scanner alone told of, stands."""
    found = list(packages)
    before = {row[0] for row in tx.execute("SELECT path FROM packages WHERE source = 'scan'")}
    gone = before - {package.path for package in found}
    tx.executemany("DELETE FROM packages WHERE path = ?", ((path,) for path in gone))
    tx.executemany(
        _PUT,
        (
            (
                *package[:4],
                json.dumps(dict(package.dependencies)),
                json.dumps(dict(package.dev_dependencies)),
                *package[6:],
            )
            for package in found
        ),
    )
    recount(tx)


def recount(tx: apsw.Connection) -> None:
    """Brings the counters of all packages up to date: after `files.recount`."""
    tx.execute(_RECOUNT)


_MODULES = "SELECT value FROM config WHERE key = 'modules'"

_REMEMBER_MODULES = """
INSERT INTO config (key, value)
VALUES ('modules', ?)
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
"""


def remember_modules(tx: apsw.Connection, configuration: str) -> None:
    """What decides where imports lead, as JSON: when it changes, every import is looked at again."""
    tx.execute(_REMEMBER_MODULES, (configuration,))


def modules(db: apsw.Connection) -> str | None:
    """What `remember_modules` kept last; None before the first scan."""
    row = db.execute(_MODULES).fetchone()
    return None if row is None else str(row[0])
