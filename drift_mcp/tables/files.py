"""Files as they were scanned: stamps and hashes, facts, the names that their linking asked for, imports.

Never touches the file system. Deleting a file here takes everything that was found in it along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apsw

from drift_mcp.tables import bulk
from drift_mcp.tables.arrays import integers, texts


class NewFile(NamedTuple):
    path: str
    language: str | None
    size: int
    lines: int
    content_hash: bytes | None  # 16 bytes
    mtime_secs: int
    mtime_nanos: int
    status: str = "scanned"
    skip_reason: str | None = None
    is_test: int = 0
    scan_duration_us: int | None = None
    error: str | None = None
    source: str = "scan"  # or the name of another scanner


_PUT = """
INSERT INTO file_metadata (
    path, language, size, lines, content_hash, mtime_secs, mtime_nanos, status, skip_reason, is_test,
    scan_duration_us, error, source
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (path) DO UPDATE SET
    language = excluded.language,
    size = excluded.size,
    lines = excluded.lines,
    content_hash = excluded.content_hash,
    mtime_secs = excluded.mtime_secs,
    mtime_nanos = excluded.mtime_nanos,
    status = excluded.status,
    skip_reason = excluded.skip_reason,
    is_test = excluded.is_test,
    scan_duration_us = excluded.scan_duration_us,
    error = excluded.error,
    source = excluded.source,
    last_scanned = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
RETURNING path, id
"""


def put(tx: apsw.Connection, files: Iterable[NewFile]) -> dict[str, int]:
    """Adds files, or says anew what is known of them; an id stays as long as its path. Gives path → id."""
    return dict(tx.executemany(_PUT, files))


_STAMP = "UPDATE file_metadata SET size = ?, mtime_secs = ?, mtime_nanos = ? WHERE id = ?"


def stamp(tx: apsw.Connection, stamps: Iterable[tuple[int, int, int, int]]) -> None:
    """(size, mtime_secs, mtime_nanos, id) of files that were touched without being changed."""
    tx.executemany(_STAMP, stamps)


_REMOVE = "DELETE FROM file_metadata WHERE id = ?"


def remove(tx: apsw.Connection, ids: Iterable[int]) -> None:
    """Files that are gone, with all that was found in them. Calls into them from elsewhere lose their target: ask
    `transitive_importers` first which files are to be linked again."""
    tx.executemany(_REMOVE, ((file_id,) for file_id in ids))


_SAVE_FACTS = """
INSERT INTO file_facts (file_id, extractor, facts)
VALUES (?, ?, ?)
ON CONFLICT (file_id) DO UPDATE SET extractor = excluded.extractor, facts = excluded.facts
"""


def save_facts(tx: apsw.Connection, rows: Iterable[tuple[int, str, bytes]]) -> None:
    """(file id, extractor version, packed facts)."""
    tx.executemany(_SAVE_FACTS, rows)


def drop_facts(tx: apsw.Connection, ids: Iterable[int]) -> None:
    """Of files that are no longer read."""
    tx.execute("DELETE FROM file_facts WHERE file_id IN (SELECT value FROM carray(?))", (integers(ids),))


def replace_names(tx: apsw.Connection, ids: Iterable[int], names: Iterable[tuple[str, int]]) -> None:
    """(name, file): what linking these files asked the whole project for."""
    tx.execute("DELETE FROM name_dependencies WHERE file_id IN (SELECT value FROM carray(?))", (integers(ids),))
    bulk.insert(tx, "INSERT OR IGNORE INTO name_dependencies (name, file_id) VALUES (?, ?)", sorted(names))


class NewImport(NamedTuple):
    file_id: int
    position: int
    line: int
    module: str
    name: str | None
    alias: str | None
    resolved_file_id: int | None


_IMPORT = (
    "INSERT INTO imports (file_id, position, line, module, name, alias, resolved_file_id) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def replace_imports(tx: apsw.Connection, ids: Iterable[int], imports: Iterable[NewImport]) -> None:
    tx.execute("DELETE FROM imports WHERE file_id IN (SELECT value FROM carray(?))", (integers(ids),))
    bulk.insert(tx, _IMPORT, imports)


_RECOUNT = """
UPDATE file_metadata AS f
SET function_count = c.functions, pattern_count = c.patterns, error_count = c.errors
FROM (
    SELECT
        id,
        (SELECT count(*) FROM functions WHERE file_id = m.id AND kind <> 'module') AS functions,
        (SELECT count(DISTINCT pattern_key) FROM pattern_locations WHERE file_id = m.id) AS patterns,
        (SELECT count(*) FROM file_problems WHERE file_id = m.id) AS errors
    FROM file_metadata m
) c
WHERE f.id = c.id
    AND (f.function_count, f.pattern_count, f.error_count) IS NOT (c.functions, c.patterns, c.errors)
"""


def recount(tx: apsw.Connection) -> None:
    """Brings the counters of all files up to date; writes only those that differ."""
    tx.execute(_RECOUNT)


# ---------------------------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """What tells whether a file has to be read again."""

    id: int
    size: int
    mtime_secs: int
    mtime_nanos: int
    content_hash: bytes | None
    status: str
    source: str
    extractor: str | None  # version that made its facts; None: it has none


_KNOWN = """
SELECT f.path, f.id, f.size, f.mtime_secs, f.mtime_nanos, f.content_hash, f.status, f.source,
    x.extractor
FROM file_metadata f
LEFT JOIN file_facts x ON x.file_id = f.id
"""


def known(db: apsw.Connection) -> dict[str, Known]:
    """All files by path: a scan compares them with what it finds."""
    return {row[0]: Known(*row[1:]) for row in db.execute(_KNOWN)}


_PATHS = "SELECT id, path FROM file_metadata WHERE id IN (SELECT value FROM carray(?))"


def paths(db: apsw.Connection, ids: Iterable[int]) -> dict[int, str]:
    return dict(db.execute(_PATHS, (integers(ids),)))


_FACTS = """
SELECT x.file_id, f.path, x.facts
FROM file_facts x
JOIN file_metadata f ON f.id = x.file_id
WHERE x.extractor = ?
"""


def all_facts(db: apsw.Connection, extractor: str) -> Iterator[tuple[int, str, bytes]]:
    """(file id, path, packed facts) of all files whose facts this version made. Read it to the end: it holds its
    snapshot."""
    return iter(db.execute(_FACTS, (extractor,)))


_FACTS_OF = _FACTS + "AND x.file_id IN (SELECT value FROM carray(?))"


def facts(db: apsw.Connection, extractor: str, ids: Iterable[int]) -> list[tuple[int, str, bytes]]:
    return list(db.execute(_FACTS_OF, (extractor, integers(ids))))


_ASKERS = "SELECT DISTINCT file_id FROM name_dependencies WHERE name IN (SELECT value FROM carray(?))"


def askers(db: apsw.Connection, names: Iterable[str]) -> set[int]:
    """Files whose linking asked the whole project for one of these names."""
    return {row[0] for row in db.execute(_ASKERS, (texts(names),))}


_IMPORTERS = """
SELECT DISTINCT f.path
FROM imports i
JOIN file_metadata f ON f.id = i.file_id
WHERE i.resolved_file_id = ?
ORDER BY f.path
"""


def importers(db: apsw.Connection, file_id: int) -> list[str]:
    """Files that import this one."""
    return [row[0] for row in db.execute(_IMPORTERS, (file_id,))]


_IMPORTED = """
SELECT i.module, i.name, i.alias, i.line, f.path
FROM imports i
LEFT JOIN file_metadata f ON f.id = i.resolved_file_id
WHERE i.file_id = ?
ORDER BY i.position
"""


class Imported(NamedTuple):
    module: str
    name: str | None
    alias: str | None
    line: int
    file: str | None  # None: outside the project, or not found


def imported(db: apsw.Connection, file_id: int) -> list[Imported]:
    """What this file imports, in source order."""
    return [Imported(*row) for row in db.execute(_IMPORTED, (file_id,))]


_RESOLVED = """
SELECT i.file_id, f.path, i.module, i.name, r.path
FROM imports i
JOIN file_metadata f ON f.id = i.file_id
LEFT JOIN file_metadata r ON r.id = i.resolved_file_id
"""


def resolved(db: apsw.Connection) -> Iterator[tuple[int, str, str, str | None, str | None]]:
    """(file id, path, module, name, file it leads to) of every import."""
    return iter(db.execute(_RESOLVED))


_TRANSITIVE_IMPORTERS = """
WITH RECURSIVE reached (file_id) AS (
    SELECT value FROM carray(?)
    UNION
    SELECT i.file_id
    FROM reached r
    CROSS JOIN imports i ON i.resolved_file_id = r.file_id
)
SELECT file_id FROM reached
"""


def transitive_importers(db: apsw.Connection, ids: Iterable[int]) -> set[int]:
    """Files from which imports lead to one of these, in any number of steps; these included."""
    found = set(ids)
    return {row[0] for row in db.execute(_TRANSITIVE_IMPORTERS, (integers(found),))} if found else found
