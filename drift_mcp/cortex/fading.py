"""How confidence fades: by half for every half-life since a memory was last stated or used.

The half-life is that of the memory's type (the table `memory_types`; core knowledge never fades), stretched by what
anchors the memory: its importance, how often it was of use, and whether it is tied to code or supported by another
memory. Nothing is stored and no job runs, so a faded confidence is never out of date; what was stated stays as it was.

The view v_memories says the same for now. Ranks nothing and changes nothing.
"""

from __future__ import annotations

# What stretches a half-life here multiplied the confidence itself in the predecessor, which could lift a faded memory
# above what was ever said of it. Its numbers are kept; they only slow the fading down.
#
#   importance   low 0.8, normal 1, high 1.5, critical 2
#   use          1 + 0.2 for every ten-fold of uses, at most 1.5
#   links        1.3 when a file, function, pattern or constraint is linked, or another memory supports it
#
# Counted from the last version that stated the memory: one that was only archived, linked, superseded or found to be
# still in place says nothing new. Nor does a rejection, which would otherwise make a memory fresher than it was.
#
# Stands behind a CTE `chosen (version_key)`. `:until` is the moment that age counts to; links are those of that moment,
# and uses after it do not count.
FADED = """
, stated AS MATERIALIZED (
    SELECT
        v.key AS version_key,
        v.memory_key,
        m.id,
        m.type,
        v.version,
        v.confidence,
        v.importance,
        t.half_life_days,
        CASE
            WHEN v.change IN ('added', 'revised', 'confirmed', 'consolidated', 'imported') THEN v.recorded_at
            ELSE ifnull(
                (
                    SELECT max(s.recorded_at)
                    FROM memory_versions s
                    WHERE s.memory_key = v.memory_key
                        AND s.version <= v.version
                        AND s.change IN ('added', 'revised', 'confirmed', 'consolidated', 'imported')
                ),
                v.recorded_at
            )
        END AS stated_at,
        CASE
            WHEN m.last_accessed > :until
                THEN (SELECT max(u.used_at) FROM memory_uses u WHERE u.memory_key = m.key AND u.used_at <= :until)
            ELSE m.last_accessed
        END AS last_used,
        CASE
            WHEN m.last_accessed > :until
                THEN max(0, m.access_count - 1 - (
                    SELECT count(*) FROM memory_uses u WHERE u.memory_key = m.key AND u.used_at > :until
                ))
            ELSE m.access_count
        END AS uses
    FROM chosen
    JOIN memory_versions v ON v.key = chosen.version_key
    JOIN memories m ON m.key = v.memory_key
    JOIN memory_types t ON t.type = m.type
)
, anchored AS MATERIALIZED (
    SELECT
        s.version_key,
        s.id,
        s.type,
        s.version,
        s.confidence,
        s.importance,
        s.half_life_days,
        s.last_used,
        s.uses,
        max(0.0, julianday(:until) - julianday(max(s.stated_at, ifnull(s.last_used, '')))) AS age_days,
        CASE s.importance WHEN 'critical' THEN 2.0 WHEN 'high' THEN 1.5 WHEN 'normal' THEN 1.0 ELSE 0.8 END
            * min(1.5, 1.0 + 0.2 * log10(1.0 + s.uses))
            * CASE
                WHEN EXISTS (
                    SELECT 1
                    FROM memory_files l
                    WHERE l.memory_key = s.memory_key
                        AND l.recorded_at <= :until
                        AND (l.recorded_to IS NULL OR l.recorded_to > :until)
                ) OR EXISTS (
                    SELECT 1
                    FROM memory_functions l
                    WHERE l.memory_key = s.memory_key
                        AND l.recorded_at <= :until
                        AND (l.recorded_to IS NULL OR l.recorded_to > :until)
                ) OR EXISTS (
                    SELECT 1
                    FROM memory_patterns l
                    WHERE l.memory_key = s.memory_key
                        AND l.recorded_at <= :until
                        AND (l.recorded_to IS NULL OR l.recorded_to > :until)
                ) OR EXISTS (
                    SELECT 1
                    FROM memory_constraints l
                    WHERE l.memory_key = s.memory_key
                        AND l.recorded_at <= :until
                        AND (l.recorded_to IS NULL OR l.recorded_to > :until)
                ) OR EXISTS (
                    SELECT 1
                    FROM memory_relationships r
                    WHERE r.target_key = s.memory_key
                        AND r.relationship = 'supports'
                        AND r.recorded_at <= :until
                        AND (r.recorded_to IS NULL OR r.recorded_to > :until)
                ) THEN 1.3
                ELSE 1.0
            END AS stretch
    FROM stated s
)
, faded AS (
    SELECT
        version_key,
        id,
        type,
        version,
        importance,
        last_used,
        uses,
        age_days,
        half_life_days,
        CASE
            WHEN half_life_days IS NULL THEN confidence
            ELSE confidence * pow(0.5, age_days / (half_life_days * stretch))
        END AS confidence
    FROM anchored
)
"""


def until(now: str, as_of: str) -> str:
    """The moment that age counts to: now, or that of the question; of the future nothing is known."""
    return min(now, as_of)
