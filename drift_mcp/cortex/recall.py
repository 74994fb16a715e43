"""Finding memories: by words and by meaning together, or by what they speak of.

Never falls back in silence: the answer says what it was found by. Writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import apsw

from drift_mcp.cortex import candidates, citations, memories, moments, ranking
from drift_mcp.cortex import filters as filters_of
from drift_mcp.cortex.citations import CodeState
from drift_mcp.cortex.content import MemoryType
from drift_mcp.cortex.embeddings import ModelState
from drift_mcp.cortex.filters import VISIBLE, Filters

FoundBy = Literal["words", "words and meaning", "filters"]


@dataclass(frozen=True, slots=True)
class Hit:
    memory: str
    type: MemoryType
    version: int
    summary: str
    confidence: float
    importance: str
    tags: tuple[str, ...]
    recorded_at: str
    valid_from: str
    valid_until: str | None
    archived: bool
    score: float
    why: ranking.Why
    code: CodeState


@dataclass(frozen=True, slots=True)
class Recall:
    """`total`: how many memories were ranked (or, without a question, how many pass the filters). `model`: what the
    embedding model was doing when asked. `pending`: memories whose vector is still to come, so found by words only."""

    hits: tuple[Hit, ...]
    total: int
    found_by: FoundBy
    model: ModelState
    model_reason: str
    pending: int


def search(
    db: apsw.Connection,
    root: Path,
    question: str,
    filters: Filters,
    now: str,
    vector: bytes | None,
    model_key: int | None,
    model: ModelState,
    model_reason: str = "",
    pending: int = 0,
    intent: str | None = None,
    limit: int = 10,
    offset: int = 0,
) -> Recall:
    """The memories that answer `question`, best first. Without `vector` (of the question, by the model `model_key`)
    they are found by words alone, and the answer says so."""
    asked_intent = None if intent is None else ranking.intent_named(intent)
    wanted = filters_of.bindings(filters, now)
    by_words = candidates.by_words(db, question, wanted)
    by_meaning: list[tuple[int, float]] = []
    if vector is not None and model_key is not None:
        by_meaning = candidates.by_meaning(db, vector, model_key, wanted)
    scores = ranking.fused(by_words, by_meaning)
    scores = ranking.spread(scores, _links_between(db, scores, wanted))
    ranked = _weighed(db, scores, asked_intent, now, wanted)
    page = ranked[offset : offset + limit]
    return Recall(
        hits=_hits(db, root, page, wanted["as_of"]),
        total=len(ranked),
        found_by="words" if vector is None else "words and meaning",
        model=model,
        model_reason=model_reason,
        pending=pending,
    )


_LISTED = (
    VISIBLE
    + """
SELECT visible.version_key, count(*) OVER ()
FROM visible
JOIN memory_versions v ON v.key = visible.version_key
ORDER BY
    CASE v.importance WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END,
    v.recorded_at DESC,
    v.key DESC
LIMIT :limit OFFSET :offset
"""
)


def listed(
    db: apsw.Connection, root: Path, filters: Filters, now: str, model: ModelState, limit: int = 10, offset: int = 0
) -> Recall:
    """The memories that pass the filters, the most important and newest first: for when there is no question."""
    wanted = filters_of.bindings(filters, now)
    rows: list[tuple[int, int]] = list(db.execute(_LISTED, {**wanted, "limit": limit, "offset": offset}))
    page: list[tuple[int, float, ranking.Why]] = [(version, 0.0, {}) for version, _ in rows]
    total = rows[0][1] if rows else 0
    return Recall(_hits(db, root, page, wanted["as_of"]), total, "filters", model, "", 0)


# A supersession or a contradiction is no reason to think that the other one answers too.
_LINKED = (
    VISIBLE
    + """
, hits AS (
    SELECT v.key AS version_key, v.memory_key
    FROM json_each(:hits) h
    JOIN memory_versions v ON v.key = h.value
)
SELECT hits.version_key, visible.version_key, r.strength
FROM hits
JOIN memory_relationships r ON hits.memory_key IN (r.source_key, r.target_key)
JOIN visible ON visible.memory_key = CASE hits.memory_key WHEN r.source_key THEN r.target_key ELSE r.source_key END
WHERE r.relationship IN ('supports', 'related', 'derived_from')
    AND r.recorded_at <= :as_of
    AND (r.recorded_to IS NULL OR r.recorded_to > :as_of)
"""
)


def _links_between(db: apsw.Connection, keys: Iterable[int], wanted: dict[str, Any]) -> list[tuple[int, int, float]]:
    rows = db.execute(_LINKED, {**wanted, "hits": json.dumps(list(keys))})
    return [(giver, taker, strength) for giver, taker, strength in rows]


_STANDING = """
SELECT v.key, m.id, m.type, v.importance, v.confidence, t.half_life_days,
    max(v.recorded_at, ifnull(m.last_accessed, v.recorded_at))
FROM json_each(:hits) h
JOIN memory_versions v ON v.key = h.value
JOIN memories m ON m.key = v.memory_key
JOIN memory_types t ON t.type = m.type
"""


def _weighed(
    db: apsw.Connection,
    scores: dict[int, tuple[float, ranking.Why]],
    intent: str | None,
    now: str,
    wanted: dict[str, Any],
) -> list[tuple[int, float, ranking.Why]]:
    # "As of" a moment, age counts to that moment.
    until = min(now, wanted["as_of"])
    ranked: list[tuple[float, str, int, ranking.Why]] = []
    for key, memory, memory_type, importance, confidence, half_life, last in db.execute(
        _STANDING, {"hits": json.dumps(list(scores))}
    ):
        standing = ranking.Standing(memory_type, importance, confidence, moments.days_between(last, until), half_life)
        score, why = ranking.weighed(*scores[key], standing, intent)
        ranked.append((-score, memory, key, why))
    ranked.sort(key=lambda each: each[:2])
    return [(key, -negated, why) for negated, _, key, why in ranked]


_HITS = """
SELECT v.key, m.id, m.type, v.version, v.summary, v.confidence, v.importance, v.tags, v.recorded_at, v.valid_from,
    v.valid_until, v.archived
FROM json_each(:hits) h
JOIN memory_versions v ON v.key = h.value
JOIN memories m ON m.key = v.memory_key
"""


def _hits(
    db: apsw.Connection, root: Path, page: Sequence[tuple[int, float, ranking.Why]], as_of: str
) -> tuple[Hit, ...]:
    rows = {row[0]: row for row in db.execute(_HITS, {"hits": json.dumps([key for key, _, _ in page])})}
    cited = memories.cited(db, [row[1] for row in rows.values()], as_of)
    result: list[Hit] = []
    for key, score, why in page:
        _, memory, memory_type, version, summary, confidence, importance, tags, *times, archived = rows[key]
        result.append(
            Hit(
                memory=memory,
                type=memory_type,
                version=version,
                summary=summary,
                confidence=confidence,
                importance=importance,
                tags=tuple(json.loads(tags)),
                recorded_at=times[0],
                valid_from=times[1],
                valid_until=times[2],
                archived=bool(archived),
                score=round(score, 6),
                why=why,
                code=citations.state(root, *cited[memory]),
            )
        )
    return tuple(result)
