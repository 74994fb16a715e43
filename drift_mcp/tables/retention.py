"""What is kept of the past, and for how long: each rule once.

Ages are not taken from today's clock alone, because a clock that was wrong for an hour must not cost a year. What was
written is numbered in the order in which it was written, whatever the clock said; so a rule either counts rows by their
numbers, or takes as the present the earliest of the days on which this project was last scanned. A clock that runs
ahead is believed once it said so on seven days; one that runs behind makes nothing older.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import apsw

from drift_mcp.tables import cache

# As many as anybody looks back on; the course of months is in health_trends. The last completed one is what answers
# call the last scan.
_SCANS: Final = """
DELETE FROM scan_history
WHERE id NOT IN (SELECT id FROM scan_history ORDER BY id DESC LIMIT 100)
    AND id IS NOT (SELECT max(id) FROM scan_history WHERE status = 'completed')
"""

# A year: who asks why a convention came to be asks within a release or two. The last verdict on a pattern is never
# forgotten: it may be all that says why the pattern is as it is, and it outlives the pattern.
_PATTERN_HISTORY: Final = """
DELETE FROM pattern_history AS h
WHERE h.date < strftime('%Y-%m-%dT%H:%M:%fZ', :present, '-365 days')
    AND NOT (
        h.action IN ('approved', 'ignored', 'reopened')
        AND NOT EXISTS (
            SELECT 1
            FROM pattern_history later
            WHERE later.pattern_id = h.pattern_id
                AND later.action IN ('approved', 'ignored', 'reopened')
                AND later.id > h.id
        )
    )
"""

# Half a year of days, what the predecessor kept: enough to see a course, and the dashboard shows thirty of them.
_TRENDS: Final = "DELETE FROM health_trends WHERE date < date(:present, '-180 days')"

# Each some kB, and only the last two are compared.
_SNAPSHOTS: Final = (
    "DELETE FROM audit_snapshots WHERE id NOT IN (SELECT id FROM audit_snapshots ORDER BY id DESC LIMIT 50)"
)

# What another store has taken over is kept for as long as somebody may ask what went over; what has not, for ever. The
# last one stays: its number would be given again, and who asks for what came after it would miss a change.
_SYNCED: Final = """
DELETE FROM sync_log
WHERE synced = 1
    AND id < (SELECT max(id) FROM sync_log)
    AND timestamp < strftime('%Y-%m-%dT%H:%M:%fZ', :present, '-30 days')
"""

# Seven scanned days: a working week and the Monday on which somebody puts the clock right.
_PRESENT: Final = """
SELECT min(date('now'), ifnull(min(date), date('now')))
FROM (SELECT date FROM health_trends ORDER BY id DESC LIMIT 7)
"""


def apply(tx: apsw.Connection) -> Mapping[str, int]:
    """Forgets what is past its time, as the last thing but the status that a scan writes. Gives table → rows that
    left."""
    given = {"present": tx.execute(_PRESENT).get}
    return {
        "scan_history": _forgotten(tx, _SCANS, {}),
        "pattern_history": _forgotten(tx, _PATTERN_HISTORY, given),
        "health_trends": _forgotten(tx, _TRENDS, given),
        "audit_snapshots": _forgotten(tx, _SNAPSHOTS, {}),
        "sync_log": _forgotten(tx, _SYNCED, given),
        "cache_entries": cache.forget_expired(tx),
    }


def _forgotten(tx: apsw.Connection, rule: str, given: Mapping[str, str]) -> int:
    tx.execute(rule, given)
    return tx.changes()
