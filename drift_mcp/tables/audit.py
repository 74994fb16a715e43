"""How well the code keeps to its own conventions, today and over time.

Reads patterns only. It judges nothing that was not found, and never approves.
"""

from __future__ import annotations

import json

import apsw

from drift_mcp.model import Health

_SNAPSHOT = """
INSERT INTO audit_snapshots (
    date, health_score, total_patterns, auto_approve_eligible, flagged_for_review, likely_false_positives,
    duplicate_candidates, avg_confidence, summary
)
SELECT
    date('now'),
    :score,
    count(*),
    ifnull(sum(status = 'discovered' AND confidence_level = 'high' AND outlier_count * 10 <= location_count), 0),
    ifnull(sum(status = 'discovered' AND confidence_level <> 'uncertain'
        AND NOT (confidence_level = 'high' AND outlier_count * 10 <= location_count)), 0),
    ifnull(sum(status = 'discovered' AND confidence_level = 'uncertain'), 0),
    count(hash) - count(DISTINCT hash),
    avg(confidence_score),
    json_object(
        'byCategory', json((SELECT json_group_object(category, json_object(
            'patterns', count, 'approved', approved, 'avgConfidence', avg_confidence
        )) FROM v_category_counts)),
        'factors', json(:factors)
    )
FROM patterns
WHERE true
ON CONFLICT (date) DO UPDATE SET
    health_score = excluded.health_score,
    total_patterns = excluded.total_patterns,
    auto_approve_eligible = excluded.auto_approve_eligible,
    flagged_for_review = excluded.flagged_for_review,
    likely_false_positives = excluded.likely_false_positives,
    duplicate_candidates = excluded.duplicate_candidates,
    avg_confidence = excluded.avg_confidence,
    summary = excluded.summary
"""

_TREND = """
INSERT INTO health_trends (date, health_score, avg_confidence, total_patterns, approved_count, duplicate_groups)
SELECT
    date('now'),
    :score,
    avg(confidence_score),
    count(*),
    ifnull(sum(status = 'approved'), 0),
    (SELECT count(*) FROM (SELECT 1 FROM patterns WHERE hash IS NOT NULL GROUP BY hash HAVING count(*) > 1))
FROM patterns
WHERE true
ON CONFLICT (date) DO UPDATE SET
    health_score = excluded.health_score,
    avg_confidence = excluded.avg_confidence,
    total_patterns = excluded.total_patterns,
    approved_count = excluded.approved_count,
    duplicate_groups = excluded.duplicate_groups
"""


def record(tx: apsw.Connection) -> None:
    """Today's snapshot and trend; the last of a day stands."""
    found = health(tx)
    measured = {"score": found.score, "factors": json.dumps(dict(found.factors))}
    tx.execute(_SNAPSHOT, measured)
    tx.execute(_TREND, {"score": found.score})


# ---------------------------------------------------------------------------------------------------------------------

_FACTORS = """
SELECT
    avg(confidence_score),
    avg(status = 'approved'),
    1.0 * sum(location_count) / nullif(sum(location_count + outlier_count), 0),
    1.0 - 1.0 * (count(hash) - count(DISTINCT hash)) / nullif(count(*), 0)
FROM patterns
WHERE status <> 'ignored'
"""

# The predecessor's weights. Its fifth factor, agreement between detectors (0.15), is not measured; the others share
# its part.
_WEIGHTS = {"confidence": 0.30, "approval": 0.20, "compliance": 0.20, "duplicate_free": 0.15}


def health(db: apsw.Connection) -> Health:
    """Of the patterns that nobody has set aside."""
    measured = dict(zip(_WEIGHTS, next(db.execute(_FACTORS)), strict=True))
    factors = {name: round(value, 4) for name, value in measured.items() if value is not None}
    if not factors:
        return Health(None, {})
    weight = sum(_WEIGHTS[name] for name in factors)
    return Health(round(100 * sum(_WEIGHTS[name] * value for name, value in factors.items()) / weight), factors)
