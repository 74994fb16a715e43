"""What is left over in drift.db when something ended in the middle. Finds it and takes it away; what follows from other
rows is made anew by the modules of those rows."""

from __future__ import annotations

import apsw

_FORGET_ANSWERS = "DELETE FROM convention_answers WHERE id NOT IN (SELECT answer_id FROM convention_evidence)"


def forget_unused_answers(tx: apsw.Connection) -> None:
    """Answers to conventions that no place gives any more: a few bytes each, and no pattern rests on them."""
    tx.execute(_FORGET_ANSWERS)


_END_SCANS = """
UPDATE scan_history
SET status = 'failed',
    error_message = :said
WHERE status = 'running'
"""


def end_scans(tx: apsw.Connection, said: str) -> int:
    """Scans that began and never ended have failed. Gives how many. When it ended is not known, so that stays empty.

    Only for whoever holds the scan lock: then none is running."""
    tx.execute(_END_SCANS, {"said": said})
    return tx.changes()


# ---------------------------------------------------------------------------------------------------------------------

_RUNNING = "SELECT started_at FROM scan_history WHERE status = 'running' ORDER BY id"


def running_scans(db: apsw.Connection) -> list[str]:
    """When each scan began that has not ended."""
    return [row[0] for row in db.execute(_RUNNING)]


# A day of grace: clocks of machines that share a disk differ, and time zones are told wrong by whole hours.
_AHEAD = """
SELECT sum(number)
FROM (
    SELECT count(*) AS number FROM scan_history WHERE started_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 day')
    UNION ALL
    SELECT count(*) FROM health_trends WHERE date > date('now', '+1 day')
    UNION ALL
    SELECT count(*) FROM audit_snapshots WHERE date > date('now', '+1 day')
    UNION ALL
    SELECT count(*) FROM pattern_history WHERE date > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '+1 day')
)
"""


def dated_ahead(db: apsw.Connection) -> int:
    """How many rows of the past say that they were written in the future: a clock was wrong then, or is now."""
    return int(db.execute(_AHEAD).get)
