"""Patterns as a scan finds them: conventions with the places that keep to them and those that do not.

What writes, and the tallies that decide which answer is the dominant one. Never touches what a person decided: a
verdict, and what an approved pattern states, stay as they are. How an asker sees patterns stands in `conventions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

import apsw

from drift_mcp.model import Tally
from drift_mcp.tables import bulk, suppressions
from drift_mcp.tables.arrays import integers, texts


class Finding(NamedTuple):
    """A pattern as one scan sees it."""

    id: str  # 16 hex digits, the same for the same convention in every scan
    name: str
    description: str | None
    category: str
    subcategory: str | None
    convention: str | None
    dominant_variant: str | None
    confidence_score: float
    confidence_frequency: float | None
    confidence_consistency: float | None
    confidence_spread: int | None  # files
    detector_type: str | None
    severity: str
    tags: str | None  # JSON
    hash: str | None


_UPSERT = """
INSERT INTO patterns (
    id, name, description, category, subcategory, convention, dominant_variant, confidence_score, confidence_frequency,
    confidence_consistency, confidence_spread, detector_type, severity, tags, hash, confidence_level, source
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    name = iif(status = 'approved', name, excluded.name),
    description = iif(status = 'approved', description, excluded.description),
    dominant_variant = iif(status = 'approved', dominant_variant, excluded.dominant_variant),
    hash = iif(status = 'approved', hash, excluded.hash),
    severity = iif(status = 'approved', severity, excluded.severity),
    category = excluded.category,
    subcategory = excluded.subcategory,
    convention = excluded.convention,
    confidence_score = excluded.confidence_score,
    confidence_level = excluded.confidence_level,
    confidence_frequency = excluded.confidence_frequency,
    confidence_consistency = excluded.confidence_consistency,
    confidence_spread = excluded.confidence_spread,
    confidence_age = julianday('now') - julianday(first_seen),
    detector_type = excluded.detector_type,
    tags = excluded.tags,
    last_seen = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
"""

_CREATED = """
INSERT INTO pattern_history (pattern_id, action, new_status)
SELECT p.id, 'created', p.status
FROM patterns p
WHERE p.key > ?
"""


def put(tx: apsw.Connection, findings: Iterable[Finding], source: str = "scan") -> None:
    """Adds patterns, or says anew what was found; an approved one keeps what it states."""
    newest = tx.execute("SELECT ifnull(max(key), 0) FROM patterns").get
    bulk.insert(tx, _UPSERT, ((*found, confidence_level(found.confidence_score), source) for found in findings))
    tx.execute(_CREATED, (newest,))


def confidence_level(score: float) -> str:
    """The predecessor's thresholds, so that its approvals and ours mean the same."""
    if score >= 0.85:
        return "high"
    if score >= 0.70:
        return "medium"
    return "low" if score >= 0.50 else "uncertain"


class NewLocation(NamedTuple):
    pattern_id: str
    file_id: int
    line: int
    column_num: int
    end_line: int | None = None
    end_column: int | None = None
    variant: str | None = None
    is_outlier: int = 0
    outlier_reason: str | None = None
    deviation_score: float | None = None
    confidence: float = 1.0
    snippet: str | None = None


_LOCATION = """
INSERT INTO pattern_locations (
    pattern_key, file_id, line, column_num, end_line, end_column, variant, is_outlier, outlier_reason,
    deviation_score, confidence, snippet
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pattern_key, file_id, line, column_num) DO UPDATE SET
    variant = iif(excluded.is_outlier, excluded.variant, variant),
    is_outlier = max(is_outlier, excluded.is_outlier),
    outlier_reason = ifnull(outlier_reason, excluded.outlier_reason),
    deviation_score = ifnull(deviation_score, excluded.deviation_score)
"""

_DELETE_LOCATIONS = """
DELETE FROM pattern_locations
WHERE file_id IN (SELECT value FROM carray(?))
    AND pattern_key IN (SELECT key FROM patterns WHERE source = ?)
"""


def replace_locations(
    tx: apsw.Connection, file_ids: Iterable[int], locations: Iterable[NewLocation], source: str = "scan"
) -> None:
    """Where these files keep to patterns of this source and where not, in place of what was. The patterns are there
    already: `put` them first. Then `settle`."""
    tx.execute(_DELETE_LOCATIONS, (integers(file_ids), source))
    keys = dict(tx.execute("SELECT id, key FROM patterns"))
    rows = [(keys[location[0]], *location[1:]) for location in locations]
    rows.sort(key=itemgetter(0, 1, 2, 3))
    bulk.insert(tx, _LOCATION, rows)


_TURN = """
UPDATE pattern_locations AS l
SET is_outlier = NOT l.is_outlier
FROM patterns p
WHERE p.key = l.pattern_key
    AND p.dominant_variant IS NOT NULL
    AND l.variant IS NOT NULL
    AND l.is_outlier <> (l.variant <> p.dominant_variant)
"""

_FORGET = """
DELETE FROM patterns
WHERE source = ?
    AND status = 'discovered'
    AND NOT EXISTS (SELECT 1 FROM pattern_locations l WHERE l.pattern_key = patterns.key)
    AND NOT EXISTS (SELECT 1 FROM pattern_variants v WHERE v.pattern_id = patterns.id)
"""

_FORGOTTEN = """
INSERT INTO pattern_history (pattern_id, action, previous_status)
SELECT p.id, 'deleted', p.status
FROM patterns p
WHERE p.source = ?
    AND p.status = 'discovered'
    AND NOT EXISTS (SELECT 1 FROM pattern_locations l WHERE l.pattern_key = p.key)
    AND NOT EXISTS (SELECT 1 FROM pattern_variants v WHERE v.pattern_id = p.id)
"""

_RECOUNT = """
WITH
    suppressed (pattern_key, outliers) AS MATERIALIZED (
        SELECT pattern_key, count(*)
        FROM (SELECT DISTINCT pattern_key, file_id, line, column_num FROM v_suppressed_outliers WHERE in_force)
        GROUP BY pattern_key
    )
UPDATE patterns AS p
SET location_count = c.locations, outlier_count = c.outliers
FROM (
    SELECT
        q.key,
        ifnull(sum(l.is_outlier = 0), 0) AS locations,
        ifnull(sum(l.is_outlier = 1), 0) - ifnull(s.outliers, 0) AS outliers
    FROM patterns q
    LEFT JOIN pattern_locations l ON l.pattern_key = q.key
    LEFT JOIN suppressed s ON s.pattern_key = q.key
    GROUP BY q.key
) c
WHERE c.key = p.key
    AND (p.location_count, p.outlier_count) IS NOT (c.locations, c.outliers)
"""


def settle(tx: apsw.Connection, source: str = "scan") -> None:
    """After patterns or their places changed: a place is an outlier when its answer is not the one that its pattern
    states; patterns that hold nowhere any more are forgotten, unless a person spoke about them; the counters are
    brought up to date."""
    tx.execute(_FORGOTTEN, (source,))
    tx.execute(_FORGET, (source,))
    weigh(tx)


def weigh(tx: apsw.Connection) -> None:
    """After places changed: which of them are outliers by their answer, and how many there are of each kind."""
    tx.execute(_TURN)
    recount(tx)


def recount(tx: apsw.Connection) -> None:
    """After places or suppressions changed, or the time of one ran out: how many places keep to each pattern, and how
    many do not and are not suppressed."""
    suppressions.expire(tx)
    tx.execute(_RECOUNT)


class NewEvidence(NamedTuple):
    """A place that answers a convention's question."""

    file_id: int
    convention: str
    family: str
    choice: str
    line: int
    column_num: int


_ANSWER = "INSERT INTO convention_answers (convention, family, choice) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"

_ANSWERS = "SELECT convention, family, choice, id FROM convention_answers"

_EVIDENCE = """
INSERT INTO convention_evidence (answer_id, file_id, line, column_num)
VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING
"""


def replace_evidence(tx: apsw.Connection, file_ids: Iterable[int], evidence: Iterable[NewEvidence]) -> None:
    """What these files answer, in place of what they answered."""
    found = list(evidence)
    tx.execute("DELETE FROM convention_evidence WHERE file_id IN (SELECT value FROM carray(?))", (integers(file_ids),))
    tx.executemany(_ANSWER, {(each.convention, each.family, each.choice) for each in found})
    ids = {tuple(row[:3]): row[3] for row in tx.execute(_ANSWERS)}
    rows = [(ids[one.convention, one.family, one.choice], one.file_id, one.line, one.column_num) for one in found]
    rows.sort()
    bulk.insert(tx, _EVIDENCE, rows)


class Answered(NamedTuple):
    """How often one answer was given."""

    answer_id: int
    convention: str
    family: str
    choice: str
    places: int
    files: int
    pure_files: int  # of these, files that give no other answer


_ANSWERED = """
WITH
    by_file (answer_id, convention, family, file_id, places) AS MATERIALIZED (
        SELECT e.answer_id, a.convention, a.family, e.file_id, count(*)
        FROM convention_evidence e
        JOIN convention_answers a ON a.id = e.answer_id
        GROUP BY e.answer_id, e.file_id
    ),
    answers (convention, family, file_id, number) AS MATERIALIZED (
        SELECT convention, family, file_id, count(*)
        FROM by_file
        GROUP BY convention, family, file_id
    )
SELECT b.answer_id, b.convention, b.family, a.choice, sum(b.places), count(*), sum(n.number = 1)
FROM by_file b
JOIN convention_answers a ON a.id = b.answer_id
JOIN answers n ON n.convention = b.convention AND n.family = b.family AND n.file_id = b.file_id
GROUP BY b.answer_id
ORDER BY b.convention, b.family, a.choice
"""


def answered(db: apsw.Connection) -> list[Answered]:
    """Every answer with how often it was given."""
    return [Answered(*row) for row in db.execute(_ANSWERED)]


def last_seen(db: apsw.Connection, source: str) -> str | None:
    """When a pattern of this source was last found; None when it has none."""
    found = db.execute("SELECT max(last_seen) FROM patterns WHERE source = ?", (source,)).get
    return None if found is None else str(found)


_PLACED = """
SELECT p.id
FROM patterns p
WHERE p.source = ?
    AND EXISTS (SELECT 1 FROM pattern_locations l WHERE l.pattern_key = p.key)
"""


def placed(db: apsw.Connection, source: str = "scan") -> set[str]:
    """Patterns of this source that have places."""
    return {row[0] for row in db.execute(_PLACED, (source,))}


_JUDGED = """
SELECT id, convention, json_extract(tags, '$[0]'), dominant_variant
FROM patterns
WHERE source = ?
    AND status <> 'discovered'
    AND convention IS NOT NULL
"""


def judged(db: apsw.Connection, source: str = "scan") -> list[tuple[str, str, str, str]]:
    """(id, convention, family, choice) of patterns that a person has spoken about."""
    return list(db.execute(_JUDGED, (source,)))


_PLACE = """
INSERT INTO pattern_locations (pattern_key, file_id, line, column_num, variant, is_outlier, outlier_reason)
SELECT p.key, e.file_id, e.line, e.column_num, a.choice, :outlier, :reason
FROM patterns p, convention_answers a
CROSS JOIN convention_evidence e ON e.answer_id = a.id
WHERE p.id = :pattern
    AND a.id = :answer
    AND (:files IS NULL OR e.file_id IN (SELECT value FROM json_each(:files)))
ON CONFLICT DO NOTHING
"""


def place(
    tx: apsw.Connection, pattern: str, answer_id: int, reason: str | None, file_ids: Iterable[int] | None = None
) -> None:
    """The places of one answer become places of a pattern; `reason`: why they are outliers, None where they keep to
    it."""
    given = {
        "pattern": pattern,
        "answer": answer_id,
        "outlier": int(reason is not None),
        "reason": reason,
        "files": None if file_ids is None else json.dumps(list(file_ids)),
    }
    tx.execute(_PLACE, given)


_UNPLACE = """
DELETE FROM pattern_locations
WHERE pattern_key IN (SELECT key FROM patterns WHERE id IN (SELECT value FROM carray(?)))
"""


def unplace(
    tx: apsw.Connection, *, patterns: Iterable[str] = (), file_ids: Iterable[int] = (), source: str = "scan"
) -> None:
    """Takes away all places of these patterns, and all in these files."""
    tx.execute(_UNPLACE, (texts(patterns),))
    tx.execute(_DELETE_LOCATIONS, (integers(file_ids), source))


# ---------------------------------------------------------------------------------------------------------------------

_TALLIES = """
WITH
    by_file (pattern_key, file_id, variant, places) AS (
        SELECT pattern_key, file_id, variant, count(*)
        FROM pattern_locations
        WHERE variant IS NOT NULL
        GROUP BY pattern_key, file_id, variant
    ),
    answers (pattern_key, file_id, number) AS (
        SELECT pattern_key, file_id, count(*)
        FROM by_file
        GROUP BY pattern_key, file_id
    )
SELECT p.id, p.convention, b.variant, sum(b.places), count(*), sum(a.number = 1)
FROM by_file b
JOIN answers a ON a.pattern_key = b.pattern_key AND a.file_id = b.file_id
JOIN patterns p ON p.key = b.pattern_key
GROUP BY b.pattern_key, b.variant
ORDER BY p.id, sum(b.places) DESC, b.variant
"""


def tallies(db: apsw.Connection) -> list[Tally]:
    """How often each answer was given, per pattern, the most frequent first."""
    return [Tally(*row) for row in db.execute(_TALLIES)]


class Verdict(NamedTuple):
    status: str
    dominant_variant: str | None


def verdicts(db: apsw.Connection) -> dict[str, Verdict]:
    """What was decided about each pattern that somebody spoke about, by its id."""
    rows = db.execute("SELECT id, status, dominant_variant FROM patterns WHERE status <> 'discovered'")
    return {row[0]: Verdict(*row[1:]) for row in rows}
