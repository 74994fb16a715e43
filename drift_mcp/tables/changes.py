"""What people decided, change by change, and what of it has been pushed elsewhere.

First what writes, then what reads. The changes themselves are written by the store, where what they change is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables.arrays import integers

_MARK = "UPDATE sync_log SET synced = 1 WHERE synced = 0 AND id IN (SELECT value FROM carray(?))"


def mark_synced(tx: apsw.Connection, ids: Iterable[int]) -> int:
    """These have been pushed. How many of them had not been before."""
    tx.execute(_MARK, (integers(ids),))
    return tx.changes()


# ---------------------------------------------------------------------------------------------------------------------


class Change(NamedTuple):
    id: int  # grows with each change
    table_name: str
    row_id: str  # the public id
    operation: str  # 'INSERT', 'UPDATE', 'DELETE'
    timestamp: str
    synced: int


_CHANGES = "SELECT id, table_name, row_id, operation, timestamp, synced FROM sync_log"


def unsynced(db: apsw.Connection, *, after: int = 0, most: int = -1) -> list[Change]:
    """What has not been pushed, in the order in which it happened, later than the change `after`; `most`: no more than
    so many, -1 for all."""
    query = _CHANGES + " WHERE synced = 0 AND id > ? ORDER BY id LIMIT ?"
    return [Change(*row) for row in db.execute(query, (after, most))]


def of(db: apsw.Connection, table: str, row: str) -> list[Change]:
    """What happened to one row, also what has been pushed."""
    query = _CHANGES + " WHERE table_name = ? AND row_id = ? ORDER BY id"
    return [Change(*change) for change in db.execute(query, (table, row))]


def every(db: apsw.Connection) -> list[Change]:
    """In the order in which it happened."""
    return [Change(*row) for row in db.execute(_CHANGES + " ORDER BY id")]
