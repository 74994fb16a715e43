"""Where errors are caught, and where they would be lost.

First what writes, then what reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables import difference
from drift_mcp.tables.arrays import integers


class NewBoundary(NamedTuple):
    file_id: int
    line: int
    type: str  # 'try-catch', 'error-boundary', 'middleware', 'global'
    catches: str = "[]"  # JSON list of types as written; [] = everything
    rethrows: int = 0
    logs: int = 0
    swallows: int = 0
    function_id: int | None = None


_BOUNDARIES = difference.Statements(
    insert="""
    INSERT INTO error_boundaries (file_id, line, type, catches, rethrows, logs, swallows, function_id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    """,
    update="""
    UPDATE error_boundaries
    SET file_id = ?, line = ?, type = ?, catches = ?, rethrows = ?, logs = ?, swallows = ?, function_id = ?
    WHERE id = ?
    """,
    delete="DELETE FROM error_boundaries WHERE id = ?",
)


def put_boundaries(tx: apsw.Connection, boundaries: Iterable[NewBoundary]) -> None:
    """Adds places that catch errors, or says anew those of the same file, line and type."""
    found = list(boundaries)
    difference.add(tx, _BOUNDARIES, _boundaries_changed(tx, {one.file_id for one in found}, found))


def replace_boundaries(tx: apsw.Connection, file_ids: Iterable[int], boundaries: Iterable[NewBoundary]) -> None:
    """All places in these files that catch errors, in place of those that were."""
    ids, found = set(file_ids), list(boundaries)
    assert ids.issuperset(one.file_id for one in found), "a boundary in a file that is not among the replaced ones"
    difference.apply(tx, _BOUNDARIES, _boundaries_changed(tx, ids, found))


_BOUNDARIES_OF_FILES = """
SELECT id, file_id, line, type, catches, rethrows, logs, swallows, function_id
FROM error_boundaries
WHERE file_id IN (SELECT value FROM carray(?))
ORDER BY id
"""


def _boundaries_changed(
    tx: apsw.Connection, file_ids: Iterable[int], found: Iterable[NewBoundary]
) -> difference.Difference[NewBoundary]:
    there = tx.execute(_BOUNDARIES_OF_FILES, (integers(file_ids),))
    before = [(number, NewBoundary(*row)) for number, *row in there]
    return difference.between(before, found, lambda one: one[:3])


class NewGap(NamedTuple):
    file_id: int
    line: int
    gap_type: str  # 'unhandled', 'swallowed', 'generic-catch', 'missing-finally'
    severity: str  # 'low', 'medium', 'high', 'critical'
    function_id: int | None = None
    description: str | None = None


_PUT_GAP = """
INSERT INTO error_handling_gaps (file_id, line, gap_type, severity, function_id, description)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (file_id, line, gap_type) DO UPDATE SET
    severity = excluded.severity,
    function_id = excluded.function_id,
    description = excluded.description
WHERE (severity, function_id, description) IS NOT (excluded.severity, excluded.function_id, excluded.description)
"""

_GAPS_OF_FILES = """
SELECT id, file_id, line, gap_type
FROM error_handling_gaps
WHERE file_id IN (SELECT value FROM carray(?))
"""


def put_gaps(tx: apsw.Connection, gaps: Iterable[NewGap]) -> None:
    """Adds places where an error would be lost, or says them anew."""
    tx.executemany(_PUT_GAP, gaps)


def replace_gaps(tx: apsw.Connection, file_ids: Iterable[int], gaps: Iterable[NewGap]) -> None:
    """All places in these files where an error would be lost, in place of those that were."""
    ids, found = set(file_ids), list(gaps)
    assert ids.issuperset(one.file_id for one in found), "a gap in a file that is not among the replaced ones"
    kept = {one[:3] for one in found}
    there = tx.execute(_GAPS_OF_FILES, (integers(ids),)).fetchall()
    gone = [number for number, *place in there if tuple(place) not in kept]
    tx.executemany("DELETE FROM error_handling_gaps WHERE id = ?", ((number,) for number in gone))
    put_gaps(tx, found)


# ---------------------------------------------------------------------------------------------------------------------


class Boundary(NamedTuple):
    id: int
    file: str
    line: int
    type: str
    catches: str
    rethrows: int
    logs: int
    swallows: int
    function_id: int | None


_BOUNDARY_COLUMNS = """
SELECT b.id, m.path, b.line, b.type, b.catches, b.rethrows, b.logs, b.swallows, b.function_id
FROM error_boundaries b
JOIN file_metadata m ON m.id = b.file_id
"""

_BOUNDARY_ORDER = "ORDER BY m.path, b.line, b.id"


def boundaries_in_file(db: apsw.Connection, file_id: int) -> list[Boundary]:
    """In the order of their lines."""
    return [
        Boundary(*row) for row in db.execute(_BOUNDARY_COLUMNS + "WHERE b.file_id = ?" + _BOUNDARY_ORDER, (file_id,))
    ]


def every_boundary(db: apsw.Connection) -> list[Boundary]:
    return [Boundary(*row) for row in db.execute(_BOUNDARY_COLUMNS + _BOUNDARY_ORDER)]


class Gap(NamedTuple):
    id: int
    file: str
    line: int
    gap_type: str
    severity: str
    function_id: int | None
    description: str | None


_GAP_COLUMNS = """
SELECT g.id, m.path, g.line, g.gap_type, g.severity, g.function_id, g.description
FROM error_handling_gaps g
JOIN file_metadata m ON m.id = g.file_id
"""

_GAP_ORDER = "ORDER BY m.path, g.line, g.gap_type"


def gaps_in_file(db: apsw.Connection, file_id: int) -> list[Gap]:
    """In the order of their lines."""
    return [Gap(*row) for row in db.execute(_GAP_COLUMNS + "WHERE g.file_id = ?" + _GAP_ORDER, (file_id,))]


def every_gap(db: apsw.Connection) -> list[Gap]:
    return [Gap(*row) for row in db.execute(_GAP_COLUMNS + _GAP_ORDER)]
