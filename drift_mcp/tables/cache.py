"""Answers that were dear to compute, kept for a time. Dropping any of them costs time and nothing else.

Never gives an answer that has expired, whatever the clock did meanwhile: one that seems to come from the future by more
than its own lifetime was written under a wrong clock, and nobody knows how old it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import apsw

from drift_mcp.tables.arrays import texts

# The predecessor's bound. Answers are some kB each, so that this is some MB at the most.
_MOST: Final = 1_000

_PUT = """
INSERT INTO cache_entries (key, value, ttl)
VALUES (:key, :value, :ttl)
ON CONFLICT (key) DO UPDATE SET
    value = excluded.value,
    ttl = excluded.ttl,
    created_at = excluded.created_at,
    accessed_at = excluded.accessed_at
"""

# A use that lies in the future says nothing about when it was: such an entry leaves first, or it would never leave.
_EVICT = """
DELETE FROM cache_entries
WHERE key IN (
    SELECT key
    FROM cache_entries
    WHERE key <> :key
    ORDER BY iif(accessed_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), '', accessed_at) DESC, rowid DESC
    LIMIT -1 OFFSET :most - 1
)
"""


def put(tx: apsw.Connection, key: str, value: str, *, ttl_seconds: int | None = None, most: int = _MOST) -> None:
    """Keeps `value`, a JSON text, in place of what was kept under that key. None: until it is dropped or evicted.

    Beyond `most` entries the least recently used leave; the one just put stays."""
    assert ttl_seconds is None or ttl_seconds > 0, "an answer that is never good is not kept"
    tx.execute(_PUT, {"key": key, "value": value, "ttl": ttl_seconds})
    tx.execute(_EVICT, {"key": key, "most": most})


# A read is thus a write once an hour at the most; which of a thousand was used least needs to be known no better.
_TOUCH = """
UPDATE cache_entries
SET accessed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE key IN (SELECT value FROM carray(?))
    AND abs(unixepoch('now') - unixepoch(accessed_at)) >= 3600
"""


def touch(tx: apsw.Connection, keys: Iterable[str]) -> None:
    """Notes that these were used, where that was not noted within the hour."""
    tx.execute(_TOUCH, (texts(keys),))


def drop(tx: apsw.Connection, keys: Iterable[str]) -> None:
    tx.execute("DELETE FROM cache_entries WHERE key IN (SELECT value FROM carray(?))", (texts(keys),))


_FORGET_EXPIRED = """
DELETE FROM cache_entries
WHERE ttl IS NOT NULL
    AND abs(unixepoch('now', 'subsec') - unixepoch(created_at, 'subsec')) >= ttl
"""


def forget_expired(tx: apsw.Connection) -> int:
    """Drops what `get` gives no more. Gives how many there were."""
    tx.execute(_FORGET_EXPIRED)
    return tx.changes()


# ---------------------------------------------------------------------------------------------------------------------


class Kept(NamedTuple):
    value: str  # JSON
    is_due: bool  # `touch` it with the next change that is written anyway


# The age of what was made in the future is nothing, until the difference is more than a clock that was put right.
_GET = """
SELECT value, abs(unixepoch('now') - unixepoch(accessed_at)) >= 3600
FROM cache_entries
WHERE key = ?
    AND (ttl IS NULL OR abs(unixepoch('now', 'subsec') - unixepoch(created_at, 'subsec')) < ttl)
"""


def get(db: apsw.Connection, key: str) -> Kept | None:
    """None when it was never put, was dropped, or has expired."""
    row = db.execute(_GET, (key,)).fetchone()
    return None if row is None else Kept(row[0], bool(row[1]))
