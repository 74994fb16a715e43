"""Patterns as answers show them, and a person's verdict on one.

First what writes, then what reads. A scan never comes here: it writes patterns by their own room.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import apsw

_JUDGE = """
UPDATE patterns
SET status = :status,
    approved_at = CASE :status WHEN 'approved' THEN strftime('%Y-%m-%dT%H:%M:%fZ', 'now') END,
    approved_by = CASE :status WHEN 'approved' THEN :by END,
    status_reason = :reason
WHERE id = :id
"""

_REMEMBER = """
INSERT INTO pattern_history (pattern_id, action, previous_status, new_status, changed_by, details)
VALUES (:id, :action, :before, :status, :by, :reason)
"""

_ACTIONS = {"approved": "approved", "ignored": "ignored", "discovered": "reopened"}


def judge(tx: apsw.Connection, pattern: str, before: str, status: str, by: str | None, reason: str | None) -> None:
    """Record a verdict, and in the pattern's history that it was given."""
    given = {"id": pattern, "before": before, "status": status, "by": by, "reason": reason, "action": _ACTIONS[status]}
    tx.execute(_JUDGE, {name: given[name] for name in ("id", "status", "by", "reason")})
    tx.execute(_REMEMBER, given)


class Convention(NamedTuple):
    key: int
    id: str
    name: str
    description: str | None
    category: str
    subcategory: str | None
    status: str
    severity: str
    confidence: float
    level: str
    locations: int
    outliers: int
    variant: str | None
    first_seen: str
    approved_by: str | None
    reason: str | None


_COLUMNS = """
SELECT p.key, p.id, p.name, p.description, p.category, p.subcategory, p.status, p.severity, p.confidence_score,
    p.confidence_level, p.location_count, p.outlier_count, p.dominant_variant, p.first_seen, p.approved_by,
    p.status_reason
FROM patterns p
"""

_FOUND = (
    _COLUMNS
    + """
WHERE (:category IS NULL OR p.category = :category)
    AND (:status IS NULL OR p.status = :status)
    AND (:severity IS NULL OR p.severity = :severity)
    AND (:least IS NULL OR p.confidence_score >= :least)
    AND (:text IS NULL OR p.key IN (SELECT rowid FROM patterns_fts WHERE patterns_fts MATCH :text))
    AND (:files IS NULL OR EXISTS (
        SELECT 1
        FROM pattern_locations l
        JOIN file_metadata m ON m.id = l.file_id
        WHERE l.pattern_key = p.key AND m.path IN (SELECT value FROM json_each(:files))
    ))
ORDER BY p.confidence_score DESC, p.location_count DESC, p.id
"""
)


def found(
    db: apsw.Connection,
    *,
    category: str | None = None,
    status: str | None = None,
    severity: str | None = None,
    least_confidence: float | None = None,
    text: str | None = None,
    files: list[str] | None = None,
) -> list[Convention]:
    """The patterns that pass all filters, the surest first."""
    rows = db.execute(
        _FOUND,
        {
            "category": category,
            "status": status,
            "severity": severity,
            "least": least_confidence,
            "text": None if text is None else _quoted(text),
            "files": None if files is None else json.dumps(files),
        },
    )
    return list(map(Convention._make, rows))


def _quoted(text: str) -> str:
    """Any words as a full-text question: each quoted, the last one also as a beginning."""
    words = ['"' + word.replace('"', '""') + '"' for word in text.split()]
    return " ".join(words) + " *" if words else '""'


def one(db: apsw.Connection, pattern: str) -> Convention | None:
    row = db.execute(_COLUMNS + "WHERE p.id = ?", (pattern,)).fetchone()
    return None if row is None else Convention(*row)


class Place(NamedTuple):
    file: str
    line: int
    outlier: bool
    reason: str | None
    variant: str | None
    snippet: str | None


_PLACES = """
SELECT m.path, l.line, l.is_outlier, l.outlier_reason, l.variant, l.snippet
FROM pattern_locations l
JOIN file_metadata m ON m.id = l.file_id
WHERE l.pattern_key = :key
    AND (:files IS NULL OR m.path IN (SELECT value FROM json_each(:files)))
    AND (:outlier IS NULL OR l.is_outlier = :outlier)
ORDER BY l.is_outlier DESC, m.is_test, m.path, l.line
LIMIT :most
"""


def places(
    db: apsw.Connection, key: int, *, files: list[str] | None = None, outlier: bool | None = None, most: int = -1
) -> list[Place]:
    """Where a pattern holds and where not, the outliers first."""
    rows = db.execute(
        _PLACES,
        {"key": key, "files": None if files is None else json.dumps(files), "outlier": outlier, "most": most},
    )
    return [Place(file, line, bool(is_outlier), *rest) for file, line, is_outlier, *rest in rows]


class Event(NamedTuple):
    date: str
    action: str
    by: str | None
    details: str | None


_HISTORY = (
    "SELECT date, action, changed_by, details FROM pattern_history WHERE pattern_id = ? ORDER BY date DESC, id DESC"
)


def history(db: apsw.Connection, pattern: str) -> list[Event]:
    return [Event(*row) for row in db.execute(_HISTORY, (pattern,))]


_CATEGORIES = "SELECT category, count(*) FROM patterns GROUP BY category ORDER BY 2 DESC, 1"


def categories(db: apsw.Connection) -> list[tuple[str, int]]:
    """The categories that have patterns, the fullest first."""
    return [(category, number) for category, number in db.execute(_CATEGORIES)]


_LIKE = (
    "SELECT id FROM patterns WHERE id LIKE ? || '%' OR name LIKE '%' || ? || '%' ORDER BY confidence_score DESC LIMIT 5"
)


def nearest(db: apsw.Connection, text: str) -> list[str]:
    return [row[0] for row in db.execute(_LIKE, (text[:16], text[:80]))]
