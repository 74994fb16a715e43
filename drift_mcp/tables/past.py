"""What was measured on other days: audits, the course of health, scans. Rows that come from an older store.

First what writes, then what reads. Today's are written by `audit` and `scans`; where both speak of a day or a scan,
what is there stays. What is old stands before what is new in these tables: put them into a store that was not scanned
yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

import apsw


class NewAudit(NamedTuple):
    date: str
    scan_hash: str | None = None
    health_score: int | None = None
    total_patterns: int | None = None
    auto_approve_eligible: int | None = None
    flagged_for_review: int | None = None
    likely_false_positives: int | None = None
    duplicate_candidates: int | None = None
    avg_confidence: float | None = None
    cross_validation_score: float | None = None
    summary: str | None = None  # JSON


_PUT_AUDIT = """
INSERT INTO audit_snapshots (
    date, scan_hash, health_score, total_patterns, auto_approve_eligible, flagged_for_review, likely_false_positives,
    duplicate_candidates, avg_confidence, cross_validation_score, summary
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (date) DO NOTHING
"""


def put_audits(tx: apsw.Connection, audits: Iterable[NewAudit]) -> None:
    """In the order of their days."""
    tx.executemany(_PUT_AUDIT, sorted(audits, key=attrgetter("date")))


class NewTrend(NamedTuple):
    date: str
    health_score: int | None = None
    avg_confidence: float | None = None
    total_patterns: int | None = None
    approved_count: int | None = None
    duplicate_groups: int | None = None
    cross_validation_score: float | None = None


_PUT_TREND = """
INSERT INTO health_trends (
    date, health_score, avg_confidence, total_patterns, approved_count, duplicate_groups, cross_validation_score
)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (date) DO NOTHING
"""


def put_trends(tx: apsw.Connection, trends: Iterable[NewTrend]) -> None:
    """In the order of their days."""
    tx.executemany(_PUT_TREND, sorted(trends, key=attrgetter("date")))


class NewScan(NamedTuple):
    scan_id: str
    started_at: str
    completed_at: str | None = None
    duration_ms: int | None = None
    files_scanned: int | None = None
    patterns_found: int | None = None
    patterns_approved: int | None = None
    errors: int = 0
    status: str = "completed"  # or 'failed'; none of the past still runs
    error_message: str | None = None
    checksum: str | None = None
    incremental: int = 0
    changed_files: int | None = None
    skipped_files: int | None = None
    commit_hash: str | None = None


_PUT_SCAN = """
INSERT INTO scan_history (
    scan_id, started_at, completed_at, duration_ms, files_scanned, patterns_found, patterns_approved, errors, status,
    error_message, checksum, incremental, changed_files, skipped_files, commit_hash
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (scan_id) DO NOTHING
"""


def put_scans(tx: apsw.Connection, scans: Iterable[NewScan]) -> None:
    """In the order in which they began."""
    tx.executemany(_PUT_SCAN, sorted(scans, key=attrgetter("started_at")))


# ---------------------------------------------------------------------------------------------------------------------


class Audit(NamedTuple):
    id: int
    date: str
    scan_hash: str | None
    health_score: int | None
    total_patterns: int | None
    auto_approve_eligible: int | None
    flagged_for_review: int | None
    likely_false_positives: int | None
    duplicate_candidates: int | None
    avg_confidence: float | None
    cross_validation_score: float | None
    summary: str | None


_AUDITS = """
SELECT
    id, date, scan_hash, health_score, total_patterns, auto_approve_eligible, flagged_for_review,
    likely_false_positives, duplicate_candidates, avg_confidence, cross_validation_score, summary
FROM audit_snapshots
ORDER BY date DESC
"""


def audits(db: apsw.Connection) -> list[Audit]:
    """The latest first."""
    return [Audit(*row) for row in db.execute(_AUDITS)]


class Trend(NamedTuple):
    id: int
    date: str
    health_score: int | None
    avg_confidence: float | None
    total_patterns: int | None
    approved_count: int | None
    duplicate_groups: int | None
    cross_validation_score: float | None


_TRENDS = """
SELECT
    id, date, health_score, avg_confidence, total_patterns, approved_count, duplicate_groups, cross_validation_score
FROM health_trends
ORDER BY date DESC
"""


def trends(db: apsw.Connection) -> list[Trend]:
    """The latest first."""
    return [Trend(*row) for row in db.execute(_TRENDS)]


class PastScan(NamedTuple):
    id: int
    scan_id: str
    started_at: str
    completed_at: str | None
    duration_ms: int | None
    files_scanned: int | None
    patterns_found: int | None
    patterns_approved: int | None
    errors: int
    status: str
    error_message: str | None
    checksum: str | None
    incremental: int
    changed_files: int | None
    skipped_files: int | None
    commit_hash: str | None


_SCANS = """
SELECT
    id, scan_id, started_at, completed_at, duration_ms, files_scanned, patterns_found, patterns_approved, errors,
    status, error_message, checksum, incremental, changed_files, skipped_files, commit_hash
FROM scan_history
ORDER BY id DESC
"""


def scans(db: apsw.Connection) -> list[PastScan]:
    """The latest first, by the order in which they were written, whatever the clock said."""
    return [PastScan(*row) for row in db.execute(_SCANS)]
