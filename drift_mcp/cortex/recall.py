"""Finding memories: by words and by meaning together, or by what they speak of.

Filters are part of every statement, so that they apply before the cut. The question is text of any kind and never
reaches MATCH unquoted. Never falls back in silence: the answer says what it was found by. Writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import apsw

from drift_mcp.cortex import citations, content, given, memories, moments, ranking, words
from drift_mcp.cortex.citations import CodeState
from drift_mcp.cortex.content import MemoryType
from drift_mcp.cortex.embeddings import ModelState

FoundBy = Literal["words", "words and meaning", "filters"]

# From each list: measured, 20 and 50 find as much, and a hundred leaves room for filters that spread the hits.
_POOL = 100
# bm25 weights of summary, body, tags, code: the summary says what a memory is about.
_SUMMARY, _BODY, _TAGS, _CODE = 4.0, 1.0, 2.0, 2.0


@dataclass(frozen=True, slots=True)
class Filters:
    """Which memories may be in the answer. Within a field any of the values will do; all fields must agree."""

    types: Sequence[str] = ()
    tags: Sequence[str] = ()
    files: Sequence[str] = ()  # paths, folders ending in '/', or functions' ids; a function counts for its file
    functions: Sequence[str] = ()  # public ids
    patterns: Sequence[str] = ()
    importance: Sequence[str] = ()
    as_of: str | None = None  # what was believed then; with it, `valid_at` is that moment too unless given
    valid_at: str | None = None  # what was true then; now unless given
    include_archived: bool = False


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


# One memory has at most one version at an instant of transaction time, so this gives each memory once.
_VISIBLE = """
WITH visible AS (
    SELECT m.key AS memory_key, v.key AS version_key, v.text_key
    FROM memory_versions v
    JOIN memories m ON m.key = v.memory_key
    WHERE v.recorded_at <= :as_of
        AND (v.recorded_to IS NULL OR v.recorded_to > :as_of)
        AND v.valid_from <= :valid_at
        AND (v.valid_until IS NULL OR v.valid_until > :valid_at)
        AND (:archived OR NOT v.archived)
        AND (:types IS NULL OR m.type IN (SELECT value FROM json_each(:types)))
        AND (:importance IS NULL OR v.importance IN (SELECT value FROM json_each(:importance)))
        AND (:tags IS NULL OR EXISTS (
            SELECT 1
            FROM json_each(v.tags) t
            JOIN json_each(:tags) wanted ON wanted.value = lower(t.value)
        ))
        AND (:files IS NULL OR EXISTS (
            SELECT 1
            FROM memory_files f
            JOIN json_each(:files) wanted ON f.file_path = wanted.value
                OR (substr(wanted.value, -1) = '/' AND substr(f.file_path, 1, length(wanted.value)) = wanted.value)
            WHERE f.memory_key = m.key
                AND f.recorded_at <= :as_of
                AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
        ) OR EXISTS (
            SELECT 1
            FROM memory_functions f
            JOIN json_each(:files) wanted ON f.function_id = wanted.value
                OR substr(f.function_id, 1, length(wanted.value) + 2) = wanted.value || '::'
                OR (substr(wanted.value, -1) = '/' AND substr(f.function_id, 1, length(wanted.value)) = wanted.value)
            WHERE f.memory_key = m.key
                AND f.recorded_at <= :as_of
                AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
        ))
        AND (:functions IS NULL OR EXISTS (
            SELECT 1
            FROM memory_functions f
            WHERE f.memory_key = m.key
                AND f.recorded_at <= :as_of
                AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
                AND f.function_id IN (SELECT value FROM json_each(:functions))
        ))
        AND (:patterns IS NULL OR EXISTS (
            SELECT 1
            FROM memory_patterns p
            WHERE p.memory_key = m.key
                AND p.recorded_at <= :as_of
                AND (p.recorded_to IS NULL OR p.recorded_to > :as_of)
                AND p.pattern_id IN (SELECT value FROM json_each(:patterns))
        ))
)
"""


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
    wanted = _bindings(filters, now)
    by_words = _by_words(db, question, wanted)
    by_meaning: list[tuple[int, float]] = []
    if vector is not None and model_key is not None:
        by_meaning = _by_meaning(db, vector, model_key, wanted)
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
    _VISIBLE
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
    wanted = _bindings(filters, now)
    rows: list[tuple[int, int]] = list(db.execute(_LISTED, {**wanted, "limit": limit, "offset": offset}))
    page: list[tuple[int, float, ranking.Why]] = [(version, 0.0, {}) for version, _ in rows]
    total = rows[0][1] if rows else 0
    return Recall(_hits(db, root, page, wanted["as_of"]), total, "filters", model, "", 0)


_BY_WORDS = (
    _VISIBLE
    + """
SELECT visible.version_key, -bm25(memory_fts, :summary, :body, :tag, :code) AS bm25
FROM memory_fts
JOIN visible ON visible.text_key = memory_fts.rowid
WHERE memory_fts MATCH :match
ORDER BY bm25 DESC, visible.memory_key
LIMIT :pool
"""
)


def _by_words(db: apsw.Connection, question: str, wanted: dict[str, Any]) -> list[tuple[int, float]]:
    terms = words.terms(words.printable(question))
    if not terms:
        return []
    how = {
        "match": words.match_expression(terms),
        "summary": _SUMMARY,
        "body": _BODY,
        "tag": _TAGS,
        "code": _CODE,
        "pool": _POOL,
    }
    return [(key, bm25) for key, bm25 in db.execute(_BY_WORDS, {**wanted, **how})]


# `rowid IN` goes into the index: the filters choose among all vectors, not among the nearest.
_BY_MEANING = (
    _VISIBLE
    + """
, nearest AS (
    SELECT rowid AS embedding_rowid, distance
    FROM memory_embeddings
    WHERE embedding MATCH :vector
        AND k = :pool
        AND rowid IN (
            SELECT l.embedding_rowid
            FROM visible
            JOIN memory_embedding_link l ON l.text_key = visible.text_key
            WHERE l.model_key = :model
                AND l.state = 'ready'
        )
)
SELECT visible.version_key, 1.0 - nearest.distance AS cosine
FROM nearest
JOIN memory_embedding_link l ON l.embedding_rowid = nearest.embedding_rowid
JOIN visible ON visible.text_key = l.text_key
ORDER BY cosine DESC, visible.memory_key
"""
)


def _by_meaning(db: apsw.Connection, vector: bytes, model_key: int, wanted: dict[str, Any]) -> list[tuple[int, float]]:
    how = {"vector": vector, "model": model_key, "pool": _POOL}
    return [(key, cosine) for key, cosine in db.execute(_BY_MEANING, {**wanted, **how})]


# A supersession or a contradiction is no reason to think that the other one answers too.
_LINKED = (
    _VISIBLE
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
                code=citations.state(root, cited.get(memory, ())),
            )
        )
    return tuple(result)


def _bindings(filters: Filters, now: str) -> dict[str, Any]:
    for wanted in filters.types:
        content.type_named(wanted)
    for level in filters.importance:
        given.importance(level)
    as_of = moments.END_OF_TIME if filters.as_of is None else moments.asked(filters.as_of, "as_of")
    if filters.valid_at is not None:
        valid_at = moments.asked(filters.valid_at, "valid_at")
    else:
        # The answer that the same question would have got then.
        valid_at = now if filters.as_of is None else as_of
    return {
        "as_of": as_of,
        "valid_at": valid_at,
        "archived": filters.include_archived,
        "types": _any_of(filters.types),
        "tags": _any_of([tag.lower() for tag in filters.tags]),
        "files": _any_of([file.removeprefix("./") for file in filters.files]),
        "functions": _any_of(filters.functions),
        "patterns": _any_of(filters.patterns),
        "importance": _any_of(filters.importance),
    }


def _any_of(values: Sequence[str]) -> str | None:
    return json.dumps([words.printable(value) for value in values]) if values else None
