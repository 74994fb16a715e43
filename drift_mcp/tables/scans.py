"""The scans that were made."""

from __future__ import annotations

import apsw

from drift_mcp.model import Scan

_START = """
INSERT INTO scan_history (scan_id, started_at, incremental, commit_hash)
VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), ?, ?)
"""


def start(tx: apsw.Connection, scan_id: str, *, incremental: bool, commit: str | None) -> None:
    """A scan has begun. Commit this before the work, so that one that dies leaves its trace."""
    tx.execute(_START, (scan_id, incremental, commit))


# The duration is taken from the times themselves, so that the three columns agree.
_FINISH = """
UPDATE scan_history
SET completed_at = n.now,
    duration_ms = max(0, CAST(round((julianday(n.now) - julianday(started_at)) * 86400000) AS INTEGER)),
    files_scanned = ?2,
    changed_files = ?3,
    skipped_files = (SELECT count(*) FROM file_metadata WHERE status = 'skipped'),
    errors = ?4,
    patterns_found = (SELECT count(*) FROM patterns),
    patterns_approved = (SELECT count(*) FROM patterns WHERE status = 'approved'),
    status = 'completed'
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS now) n
WHERE scan_id = ?1
"""


def finish(tx: apsw.Connection, scan_id: str, *, files_scanned: int, changed_files: int, errors: int) -> None:
    tx.execute(_FINISH, (scan_id, files_scanned, changed_files, errors))


_FAIL = """
UPDATE scan_history
SET completed_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), status = 'failed', error_message = ?
WHERE scan_id = ?
"""


def fail(tx: apsw.Connection, scan_id: str, message: str) -> None:
    tx.execute(_FAIL, (message, scan_id))


# ---------------------------------------------------------------------------------------------------------------------

# By number and not by time: a scan under a clock that ran ahead would be the last one for years.
_LAST = """
SELECT
    scan_id, started_at, completed_at, duration_ms, files_scanned, changed_files, skipped_files, errors, incremental,
    commit_hash
FROM scan_history
WHERE status = 'completed'
ORDER BY id DESC
LIMIT 1
"""


def last(db: apsw.Connection) -> Scan | None:
    """The last scan that was completed; None when there was none."""
    row = db.execute(_LAST).fetchone()
    return None if row is None else Scan(*row)
