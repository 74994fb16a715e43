"""Where errors are caught, and where they would be lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables.arrays import integers


class NewBoundary(NamedTuple):
    file_id: int
    function_id: int | None
    line: int
    type: str  # 'try-catch', 'error-boundary', 'middleware', 'global'
    catches: str  # JSON list of types as written; [] = everything
    rethrows: int
    logs: int
    swallows: int


class NewGap(NamedTuple):
    file_id: int
    function_id: int | None
    line: int
    gap_type: str  # 'unhandled', 'swallowed', 'generic-catch', 'missing-finally'
    severity: str  # 'low', 'medium', 'high', 'critical'
    description: str | None


_BOUNDARY = """
INSERT INTO error_boundaries (file_id, function_id, line, type, catches, rethrows, logs, swallows)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

_GAP = """
INSERT INTO error_handling_gaps (file_id, function_id, line, gap_type, severity, description)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (file_id, line, gap_type) DO NOTHING
"""


def replace(
    tx: apsw.Connection, file_ids: Iterable[int], boundaries: Iterable[NewBoundary], gaps: Iterable[NewGap]
) -> None:
    """How these files handle errors, in place of what was."""
    gone = list(file_ids)
    tx.execute("DELETE FROM error_boundaries WHERE file_id IN (SELECT value FROM carray(?))", (integers(gone),))
    tx.execute("DELETE FROM error_handling_gaps WHERE file_id IN (SELECT value FROM carray(?))", (integers(gone),))
    tx.executemany(_BOUNDARY, boundaries)
    tx.executemany(_GAP, gaps)
