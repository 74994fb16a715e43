"""What detectors have learned from this project: the signatures that they keep meeting.

First what writes, then what reads. `auto_approved` is a machine's doing and no person's verdict.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw


class NewLearned(NamedTuple):
    detector_id: str
    pattern_signature: str
    occurrences: int = 1
    confidence: float = 0.0
    auto_approved: int = 0
    first_seen: str | None = None  # None: now
    last_seen: str | None = None  # None: now


# `last_seen` is kept to the day, so that a detector that meets the same again writes nothing.
_PUT = """
INSERT INTO learned_patterns (
    detector_id, pattern_signature, occurrences, confidence, auto_approved, first_seen, last_seen
)
VALUES (
    ?, ?, ?, ?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)
ON CONFLICT (detector_id, pattern_signature) DO UPDATE SET
    occurrences = excluded.occurrences,
    confidence = excluded.confidence,
    auto_approved = excluded.auto_approved,
    last_seen = max(last_seen, excluded.last_seen)
WHERE last_seen < strftime('%Y-%m-%dT%H:%M:%fZ', excluded.last_seen, '-1 day')
    OR (occurrences, confidence, auto_approved)
        IS NOT (excluded.occurrences, excluded.confidence, excluded.auto_approved)
"""

_KNOWN = "SELECT id, detector_id, pattern_signature FROM learned_patterns"


def put(tx: apsw.Connection, learned: Iterable[NewLearned]) -> None:
    """Adds signatures, or says anew how often each was met in all."""
    tx.executemany(_PUT, learned)


def replace_all(tx: apsw.Connection, learned: Iterable[NewLearned]) -> None:
    """The signatures that are still met, in place of those that were."""
    found = list(learned)
    kept = {one[:2] for one in found}
    gone = [number for number, *signature in tx.execute(_KNOWN).fetchall() if tuple(signature) not in kept]
    tx.executemany("DELETE FROM learned_patterns WHERE id = ?", ((number,) for number in gone))
    put(tx, found)


# ---------------------------------------------------------------------------------------------------------------------


class Learned(NamedTuple):
    id: int
    detector_id: str
    pattern_signature: str
    occurrences: int
    confidence: float
    first_seen: str
    last_seen: str
    auto_approved: int


_COLUMNS = """
SELECT id, detector_id, pattern_signature, occurrences, confidence, first_seen, last_seen, auto_approved
FROM learned_patterns
"""

_ORDER = "ORDER BY detector_id, occurrences DESC, pattern_signature"


def by(db: apsw.Connection, detector: str) -> list[Learned]:
    """What this detector has learned, the most frequent first."""
    return [Learned(*row) for row in db.execute(_COLUMNS + "WHERE detector_id = ?" + _ORDER, (detector,))]


def every(db: apsw.Connection) -> list[Learned]:
    """By detector, the most frequent first."""
    return [Learned(*row) for row in db.execute(_COLUMNS + _ORDER)]
