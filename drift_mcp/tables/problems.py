"""Why files, or parts of them, were not read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables.arrays import integers


class NewProblem(NamedTuple):
    file_id: int
    kind: str
    line: int | None  # None: the whole file
    message: str


def replace(tx: apsw.Connection, ids: Iterable[int], problems: Iterable[NewProblem]) -> None:
    """What is wrong with these files, in place of what was."""
    tx.execute("DELETE FROM file_problems WHERE file_id IN (SELECT value FROM carray(?))", (integers(ids),))
    tx.executemany("INSERT INTO file_problems (file_id, kind, line, message) VALUES (?, ?, ?, ?)", problems)


def replace_crashes(tx: apsw.Connection, ids: Iterable[int], problems: Iterable[NewProblem]) -> None:
    """Which of these files, well read, could not be linked, in place of those that could not be before."""
    tx.execute(
        "DELETE FROM file_problems WHERE kind = 'crash' AND file_id IN (SELECT value FROM carray(?))", (integers(ids),)
    )
    tx.executemany("INSERT INTO file_problems (file_id, kind, line, message) VALUES (?, ?, ?, ?)", problems)
