"""Whether the files that an answer rests on are still what was scanned, and scanning them again when they are few.

Compares size and time of change, of just those files; reads no content.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import apsw

from drift_mcp.tables import lookup, status
from drift_mcp.tools.answer import Freshness

# Parsing so many takes less than the second within which an edit is to be seen.
FEW_FILES = 5


def generation(db: apsw.Connection) -> int:
    """The state of the store that this snapshot shows; cursors are bound to it."""
    return status.generation(db)


def changed(db: apsw.Connection, root: Path, files: Sequence[str]) -> list[str]:
    """Those of the files that are no longer as they were scanned, deleted ones among them."""
    above = f"{root}/"
    return [
        stamp.path
        for stamp in lookup.stamps(db, files)
        if _now(above + stamp.path) != (stamp.size, stamp.mtime_secs, stamp.mtime_nanos)
    ]


def _now(file: str) -> tuple[int, int, int] | None:
    try:
        # Making a Path of each of thousands of files would cost twice what asking for it does.
        found = os.stat(file)  # noqa: PTH116
    except (OSError, ValueError):
        return None  # gone, or out of reach: no longer as it was scanned
    return found.st_size, found.st_mtime_ns // 1_000_000_000, found.st_mtime_ns % 1_000_000_000


def of(
    db: apsw.Connection, pending: Sequence[str] = (), refreshed: Sequence[str] = (), files: Sequence[str] = ()
) -> Freshness:
    """`files`: all that the answer rests on, of which `pending` changed and `refreshed` were scanned again for it."""
    last = status.last_scan(db)
    if last is None:
        return Freshness()
    told = lookup.of_other_scanners(db, pending)
    again = tuple(path for path in refreshed if path not in pending)
    taken_over = sorted(lookup.taken_over(db, files))
    return Freshness(last.completed_at, last.commit, tuple(pending), again, tuple(sorted(told)), tuple(taken_over))
