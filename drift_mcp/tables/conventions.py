"""Patterns as answers show them, and a person's verdict on one.

First what writes, then what reads. A scan never comes here: it writes patterns by their own room. Which patterns fit a
question says `pattern_search`.
"""

from __future__ import annotations

import json
from typing import Final, NamedTuple

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.tables.named import maker

# A verdict can be changed and taken back, as often as one likes.
TRANSITIONS: Final = {
    "discovered": ("approved", "ignored"),
    "approved": ("ignored", "discovered"),
    "ignored": ("approved", "discovered"),
}

_ACTIONS: Final = {"approved": "approved", "ignored": "ignored", "discovered": "reopened"}

_VERDICT = "SELECT status, status_reason FROM patterns WHERE id = ?"

# Who approved it, and when, is said of what is approved now; of what was, the history says it.
_JUDGE = """
UPDATE patterns
SET status = :status,
    approved_at = CASE
        WHEN :status = 'approved' THEN iif(status = :status, approved_at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    END,
    approved_by = CASE WHEN :status = 'approved' THEN iif(status = :status, approved_by, :by) END,
    status_reason = :reason
WHERE id = :id
"""

_REMEMBER = """
INSERT INTO pattern_history (pattern_id, action, previous_status, new_status, changed_by, details)
VALUES (:id, :action, :before, :status, :by, :reason)
"""


class Judged(NamedTuple):
    before: str  # the status
    is_news: bool  # whether something was written


def judge(tx: apsw.Connection, pattern: str, status: str, *, by: str | None, reason: str | None = None) -> Judged:
    """Record a verdict, and in the pattern's history that it was given. The same verdict again is none, but another
    reason for it is kept. Raises DriftError when there is no such pattern, or no such way from what it is.

    What is changed is read here, in the transaction that changes it: of two that judge at once, the second one sees
    the first."""
    known = tx.execute(_VERDICT, (pattern,)).fetchone()
    if known is None:
        raise DriftError(f"No pattern {pattern[:80]!r}. `drift patterns` lists the ids.")
    before, said = known
    if before != status and status not in TRANSITIONS[before]:
        ways = " or ".join(TRANSITIONS[before])
        raise DriftError(f"The pattern {pattern!r} is {before}, and from there it can become {ways}, not {status!r}.")
    if before == status and reason in (None, said):
        return Judged(before, False)
    action = "updated" if before == status else _ACTIONS[status]
    tx.execute(_JUDGE, {"id": pattern, "status": status, "by": by, "reason": reason})
    tx.execute(
        _REMEMBER,
        {"id": pattern, "action": action, "before": before, "status": status, "by": by, "reason": reason},
    )
    return Judged(before, True)


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


COLUMNS: Final = """
    p.key, p.id, p.name, p.description, p.category, p.subcategory, p.status, p.severity, p.confidence_score,
    p.confidence_level, p.location_count, p.outlier_count, p.dominant_variant, p.first_seen, p.approved_by,
    p.status_reason
"""

convention = maker(Convention)

_ONE = f"SELECT {COLUMNS} FROM patterns p WHERE p.id = ?"


def one(db: apsw.Connection, pattern: str) -> Convention | None:
    row = db.execute(_ONE, (pattern,)).fetchone()
    return None if row is None else convention(row)


class Place(NamedTuple):
    file: str
    line: int
    outlier: bool
    reason: str | None
    variant: str | None
    snippet: str | None
    suppressed: str | None  # why this outlier does not count; None: it does, or is none


# Of several suppressions of a place, the reason of the first.
_PLACES = """
WITH
    suppressed AS MATERIALIZED (
        SELECT file_id, line, column_num, min(suppression_id), reason
        FROM v_suppressed_outliers
        WHERE pattern_key = :key
            AND in_force
        GROUP BY file_id, line, column_num
    )
SELECT m.path, l.line, l.is_outlier, l.outlier_reason, l.variant, l.snippet, s.reason
FROM pattern_locations l
JOIN file_metadata m ON m.id = l.file_id
LEFT JOIN suppressed s ON s.file_id = l.file_id AND s.line = l.line AND s.column_num = l.column_num
WHERE l.pattern_key = :key
    AND (:files IS NULL OR m.path IN (SELECT value FROM json_each(:files)))
    AND (:outlier IS NULL OR l.is_outlier = :outlier)
ORDER BY l.is_outlier DESC, s.reason IS NOT NULL, m.is_test, m.path, l.line
LIMIT :most
"""


def places(
    db: apsw.Connection, key: int, *, files: list[str] | None = None, outlier: bool | None = None, most: int = -1
) -> list[Place]:
    """Where a pattern holds and where not: the outliers first, behind them those that are suppressed."""
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


# In the order of writing: a clock may have gone backwards between two of them.
_HISTORY = "SELECT date, action, changed_by, details FROM pattern_history WHERE pattern_id = ? ORDER BY id DESC"


def history(db: apsw.Connection, pattern: str) -> list[Event]:
    """What happened to a pattern, the latest first."""
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
