"""What happened to patterns, and by whom. It outlives them.

First what writes, then what reads. A verdict writes its own line, where it is given; here come lines that were written
elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

import apsw


class NewEvent(NamedTuple):
    pattern_id: str
    action: str  # 'created', 'approved', 'ignored', 'reopened', 'updated', 'deleted'
    date: str
    previous_status: str | None = None
    new_status: str | None = None
    changed_by: str | None = None
    details: str | None = None


_PUT = """
INSERT INTO pattern_history (pattern_id, action, date, previous_status, new_status, changed_by, details)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
WHERE NOT EXISTS (
    SELECT 1
    FROM pattern_history
    WHERE pattern_id = ?1
        AND (action, date, previous_status, new_status, changed_by, details) IS (?2, ?3, ?4, ?5, ?6, ?7)
)
"""


def put(tx: apsw.Connection, events: Iterable[NewEvent]) -> None:
    """Adds what happened, in its order; what is known already stays one."""
    tx.executemany(_PUT, sorted(events, key=attrgetter("date")))


# ---------------------------------------------------------------------------------------------------------------------


class Event(NamedTuple):
    id: int
    date: str
    pattern_id: str
    action: str
    previous_status: str | None
    new_status: str | None
    changed_by: str | None
    details: str | None


_COLUMNS = """
SELECT id, date, pattern_id, action, previous_status, new_status, changed_by, details
FROM pattern_history
"""

_ORDER = "ORDER BY date DESC, id DESC"


def of(db: apsw.Connection, pattern: str) -> list[Event]:
    """What happened to this pattern, the latest first."""
    return [Event(*row) for row in db.execute(_COLUMNS + "WHERE pattern_id = ?" + _ORDER, (pattern,))]


def since(db: apsw.Connection, date: str) -> list[Event]:
    """What happened from then on, a day or a time, the latest first."""
    return [Event(*row) for row in db.execute(_COLUMNS + "WHERE date >= ?" + _ORDER, (date,))]


def every(db: apsw.Connection) -> list[Event]:
    """The latest first."""
    return [Event(*row) for row in db.execute(_COLUMNS + _ORDER)]
