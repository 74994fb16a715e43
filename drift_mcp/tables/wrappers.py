"""Functions that mainly wrap others, and groups of those that wrap the same.

First what writes, then what reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables import difference
from drift_mcp.tables.arrays import integers


class NewWrapper(NamedTuple):
    id: str
    name: str
    file_id: int
    line: int
    category: str | None = None
    wraps: str | None = None
    confidence: float = 0.0
    usage_count: int = 0


_PUT = """
INSERT INTO wrappers (id, name, file_id, line, category, wraps, confidence, usage_count)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    file_id = excluded.file_id,
    line = excluded.line,
    category = excluded.category,
    wraps = excluded.wraps,
    confidence = excluded.confidence,
    usage_count = excluded.usage_count
WHERE (name, file_id, line, category, wraps, confidence, usage_count)
    IS NOT (
        excluded.name, excluded.file_id, excluded.line, excluded.category, excluded.wraps, excluded.confidence,
        excluded.usage_count
    )
"""

_OF_FILES = "SELECT id FROM wrappers WHERE file_id IN (SELECT value FROM carray(?))"


def put(tx: apsw.Connection, wrappers: Iterable[NewWrapper]) -> None:
    """Adds wrappers, or says them anew."""
    tx.executemany(_PUT, wrappers)


def replace(tx: apsw.Connection, file_ids: Iterable[int], wrappers: Iterable[NewWrapper]) -> None:
    """All wrappers in these files, in place of those that were."""
    ids, found = set(file_ids), list(wrappers)
    assert ids.issuperset(one.file_id for one in found), "a wrapper of a file that is not among the replaced ones"
    kept = {one.id for one in found}
    there = tx.execute(_OF_FILES, (integers(ids),)).fetchall()
    tx.executemany("DELETE FROM wrappers WHERE id = ?", (row for row in there if row[0] not in kept))
    put(tx, found)


class NewCluster(NamedTuple):
    cluster_name: str
    wrapper_ids: str  # JSON
    category: str | None = None
    confidence: float = 0.0
    pattern_description: str | None = None


_CLUSTERS = difference.Statements(
    insert="""
    INSERT INTO wrapper_clusters (cluster_name, wrapper_ids, category, confidence, pattern_description)
    VALUES (?, ?, ?, ?, ?)
    """,
    update="""
    UPDATE wrapper_clusters
    SET cluster_name = ?, wrapper_ids = ?, category = ?, confidence = ?, pattern_description = ?
    WHERE id = ?
    """,
    delete="DELETE FROM wrapper_clusters WHERE id = ?",
)


def put_clusters(tx: apsw.Connection, clusters: Iterable[NewCluster]) -> None:
    """Adds groups, or says anew those of the same name."""
    difference.add(tx, _CLUSTERS, _clusters_changed(tx, clusters))


def replace_clusters(tx: apsw.Connection, clusters: Iterable[NewCluster]) -> None:
    """The groups that there are, in place of those that were."""
    difference.apply(tx, _CLUSTERS, _clusters_changed(tx, clusters))


def _clusters_changed(tx: apsw.Connection, clusters: Iterable[NewCluster]) -> difference.Difference[NewCluster]:
    before = [
        (one.id, NewCluster(one.cluster_name, one.wrapper_ids, one.category, one.confidence, one.pattern_description))
        for one in every_cluster(tx)
    ]
    return difference.between(before, clusters, lambda one: one.cluster_name)


# ---------------------------------------------------------------------------------------------------------------------


class Wrapper(NamedTuple):
    id: str
    name: str
    file: str
    line: int
    category: str | None
    wraps: str | None
    confidence: float
    usage_count: int


_COLUMNS = """
SELECT w.id, w.name, m.path, w.line, w.category, w.wraps, w.confidence, w.usage_count
FROM wrappers w
JOIN file_metadata m ON m.id = w.file_id
"""

_ORDER = "ORDER BY w.usage_count DESC, m.path, w.line, w.id"


def one(db: apsw.Connection, wrapper: str) -> Wrapper | None:
    row = db.execute(_COLUMNS + "WHERE w.id = ?", (wrapper,)).fetchone()
    return None if row is None else Wrapper(*row)


def in_file(db: apsw.Connection, file_id: int) -> list[Wrapper]:
    """The most used first."""
    return [Wrapper(*row) for row in db.execute(_COLUMNS + "WHERE w.file_id = ?" + _ORDER, (file_id,))]


def every(db: apsw.Connection) -> list[Wrapper]:
    """The most used first."""
    return [Wrapper(*row) for row in db.execute(_COLUMNS + _ORDER)]


class Cluster(NamedTuple):
    id: int
    cluster_name: str
    category: str | None
    wrapper_ids: str
    confidence: float
    pattern_description: str | None


_EVERY_CLUSTER = """
SELECT id, cluster_name, category, wrapper_ids, confidence, pattern_description
FROM wrapper_clusters
ORDER BY cluster_name, category, id
"""


def every_cluster(db: apsw.Connection) -> list[Cluster]:
    return [Cluster(*row) for row in db.execute(_EVERY_CLUSTER)]
