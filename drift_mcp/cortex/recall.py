"""Finding memories: by words and by meaning together, or by what they speak of.

Never falls back in silence: the answer says what it was found by. Writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import apsw

from drift_mcp.cortex import candidates, citations, fading, memories, ranking
from drift_mcp.cortex import filters as filters_of
from drift_mcp.cortex.candidates import Asked
from drift_mcp.cortex.citations import AnyCited, Cited, CitedFunction, CodeState
from drift_mcp.cortex.content import MemoryType
from drift_mcp.cortex.embeddings import ModelState
from drift_mcp.cortex.fading import FADED
from drift_mcp.cortex.filters import Bindings, Filters, visible
from drift_mcp.cortex.nearest import Nearest
from drift_mcp.cortex.ranking import Link, Nearness, Ranked, Standing, Why

FoundBy = Literal["words", "words and meaning", "filters"]
Sent = Collection[tuple[str, int]]
"""Memories, each with its version, that the asker has in hand already."""


@dataclass(frozen=True, slots=True)
class Hit:
    """`confidence` as it was stated, `faded_confidence` what is left of it; `last_used`: None = never."""

    memory: str
    type: MemoryType
    version: int
    summary: str
    confidence: float
    faded_confidence: float
    importance: str
    tags: tuple[str, ...]
    recorded_at: str
    valid_from: str
    valid_until: str | None
    archived: bool
    uses: int
    last_used: str | None
    score: float
    why: Why
    code: CodeState


@dataclass(frozen=True, slots=True)
class Recall:
    """`total`: how many memories were ranked (or, without a question, how many pass the filters), those left out as
    `already_sent` not counted. `model`: what the embedding model was doing when asked. `pending`: memories whose vector
    is still to come, so found by words only."""

    hits: tuple[Hit, ...]
    total: int
    found_by: FoundBy
    model: ModelState
    model_reason: str
    pending: int
    already_sent: int = 0


@dataclass(frozen=True, slots=True)
class Preference:
    """What the asker is about to do, and where: it ranks, and leaves nobody out. `near`: paths, folders ending in '/',
    and functions' ids. `sent`: what they have in hand already, which is left out."""

    intent: str | None = None
    near: Sequence[str] = ()
    sent: Sent = ()


def search(
    db: apsw.Connection,
    root: Path,
    question: str,
    filters: Filters,
    now: str,
    nearest: Nearest,
    vector: bytes | None,
    model_key: int | None,
    model: ModelState,
    model_reason: str = "",
    pending: int = 0,
    preference: Preference | None = None,
    limit: int = 10,
    offset: int = 0,
) -> Recall:
    """The memories that answer `question`, best first. Without `vector` (of the question, by the model `model_key`)
    they are found by words alone, and the answer says so."""
    preferred = Preference() if preference is None else preference
    asked_intent = None if preferred.intent is None else ranking.intent_named(preferred.intent)
    wanted = filters_of.bindings(filters, now)
    by_words, by_meaning = candidates.found(db, nearest, Asked(question, vector, model_key), wanted)
    matched = ranking.fused(by_words, by_meaning)
    scores = ranking.linked(matched, _links_from(db, matched, wanted))
    found = _looked_up(db, scores, fading.until(now, wanted["as_of"]))
    unsent = {key: each for key, each in found.items() if (each.memory, each.version) not in preferred.sent}
    cited = memories.cited(db, [each.memory for each in found.values()], wanted["as_of"])
    groups = _groups(db, {key: cited[found[key].memory] for key in matched}, wanted["as_of"])
    scores = ranking.grouped(scores, matched, groups)
    near = _Near(preferred.near)
    sources = citations.Sources(root)
    code: dict[int, CodeState] = {}

    def is_stale(key: int) -> bool:
        code[key] = _code(sources, cited[found[key].memory])
        # How the code was at a moment of the past is not known.
        return wanted["as_of"] >= now and code[key] in ("changed", "gone")

    ranked = ranking.best(
        scores,
        {key: each.standing(near.to(*cited[each.memory]) if near else None) for key, each in unsent.items()},
        asked_intent,
        offset + limit,
        is_stale,
        lambda key: _wording(db, key),
    )
    return Recall(
        hits=_hits(db, ranked[offset:], found, code),
        total=len(unsent),
        # Where no vector is there to compare with, a question that has one is answered by words as well.
        found_by="words" if vector is None or (by_words and not by_meaning) else "words and meaning",
        model=model,
        model_reason=model_reason,
        pending=pending,
        already_sent=len(found) - len(unsent),
    )


_LISTED = """
SELECT visible.version_key, count(*) OVER ()
FROM visible
JOIN memory_versions v ON v.key = visible.version_key
JOIN memories m ON m.key = v.memory_key
WHERE (m.id, v.version) NOT IN (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:sent)
)
ORDER BY
    CASE v.importance WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END,
    v.recorded_at DESC,
    v.key DESC
LIMIT :limit OFFSET :offset
"""
_ALREADY_SENT = """
SELECT count(*)
FROM json_each(:sent) sent
JOIN memories m ON m.id = json_extract(sent.value, '$[0]')
JOIN memory_versions v ON v.memory_key = m.key AND v.version = json_extract(sent.value, '$[1]')
JOIN visible ON visible.version_key = v.key
"""


def listed(
    db: apsw.Connection,
    root: Path,
    filters: Filters,
    now: str,
    model: ModelState,
    sent: Sent = (),
    limit: int = 10,
    offset: int = 0,
) -> Recall:
    """The memories that pass the filters, the most important and newest first: for when there is no question."""
    wanted = filters_of.bindings(filters, now)
    asked = {**wanted, "sent": json.dumps(list(sent))}
    cut = {"limit": limit, "offset": offset}
    rows: list[tuple[int, int]] = list(db.execute(visible(wanted) + _LISTED, {**asked, **cut}))
    found = _looked_up(db, [version for version, _ in rows], fading.until(now, wanted["as_of"]))
    cited = memories.cited(db, [each.memory for each in found.values()], wanted["as_of"])
    sources = citations.Sources(root)
    code = {key: _code(sources, cited[each.memory]) for key, each in found.items()}
    return Recall(
        hits=_hits(db, [Ranked(key, 0.0, {}) for key, _ in rows], found, code),
        total=rows[0][1] if rows else 0,
        found_by="filters",
        model=model,
        model_reason="",
        pending=0,
        already_sent=int(db.execute(visible(wanted) + _ALREADY_SENT, asked).get) if sent else 0,
    )


# A contradiction is no reason to think that the other one answers too.
_LINKED = """
, hits AS (
    SELECT v.key AS version_key, v.memory_key
    FROM json_each(:hits) h
    JOIN memory_versions v ON v.key = h.value
)
SELECT hits.version_key, visible.version_key, r.strength, r.relationship = 'supersedes'
FROM hits
JOIN memory_relationships r ON hits.memory_key IN (r.source_key, r.target_key)
JOIN visible ON visible.memory_key = CASE hits.memory_key WHEN r.source_key THEN r.target_key ELSE r.source_key END
WHERE r.relationship IN ('supports', 'related', 'derived_from', 'supersedes')
    AND (r.relationship <> 'supersedes' OR r.target_key = hits.memory_key)
    AND r.recorded_at <= :as_of
    AND (r.recorded_to IS NULL OR r.recorded_to > :as_of)
"""


def _links_from(db: apsw.Connection, keys: Iterable[int], wanted: Bindings) -> list[Link]:
    rows = db.execute(visible(wanted) + _LINKED, {**wanted, "hits": json.dumps(list(keys))})
    return [Link(giver, taker, strength, bool(ends)) for giver, taker, strength, ends in rows]


# Each counts no further than it takes to know a crowd.
_CROWDED = """
SELECT names.value
FROM json_each(:names) names
WHERE (
    SELECT count(*)
    FROM (
        SELECT 1
        FROM memory_files f
        WHERE f.file_path = names.value
            AND f.recorded_at <= :as_of
            AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
        LIMIT :crowd + 1
    )
) > :crowd
OR (
    SELECT count(*)
    FROM (
        SELECT 1
        FROM memory_functions f
        WHERE f.function_id = names.value
            AND f.recorded_at <= :as_of
            AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
        LIMIT :crowd + 1
    )
) > :crowd
"""

_Citations = tuple[list[Cited], list[CitedFunction]]


def _code(sources: citations.Sources, cited: _Citations) -> CodeState:
    return citations.worst(sources.standing(one).state for one in chain[AnyCited](*cited))


def _groups(db: apsw.Connection, cited: Mapping[int, _Citations], as_of: str) -> list[list[int]]:
    """The hits that cite the same file, or the same function, unless so many memories do that it says nothing."""
    citing: dict[str, dict[int, None]] = {}
    for key, (files, functions) in cited.items():
        for name in [*(each.file for each in files), *(each.function for each in functions)]:
            citing.setdefault(name, {})[key] = None
    several = {name: list(keys) for name, keys in citing.items() if len(keys) > 1}
    if not several:
        return []
    asked = {"names": json.dumps(list(several)), "as_of": as_of, "crowd": ranking.CROWD}
    crowded = {row[0] for row in db.execute(_CROWDED, asked)}
    return [keys for name, keys in several.items() if name not in crowded]


class _Near:
    """Where the asker works."""

    def __init__(self, names: Sequence[str]) -> None:
        plain = [name.removeprefix("./") for name in names]
        self._functions = {name for name in plain if "::" in name}
        files = {name.partition("::")[0] for name in plain}
        self._files = {name for name in files if not name.endswith("/")}
        # What lies at the top of a project has only the project in common.
        self._folders = {name.rpartition("/")[0] for name in files} - {""}

    def __bool__(self) -> bool:
        return bool(self._functions or self._files or self._folders)

    def to(self, files: Iterable[Cited], functions: Iterable[CitedFunction]) -> Nearness | None:
        """How near what a memory cites is to there."""
        names = [each.function for each in functions]
        if not self._functions.isdisjoint(names):
            return "function"
        paths = {*(each.file for each in files), *(name.partition("::")[0] for name in names)}
        if not self._files.isdisjoint(paths):
            return "file"
        if any(path.startswith(f"{folder}/") for folder in self._folders for path in paths):
            return "folder"
        return None


_STANDING = (
    """
WITH chosen AS (SELECT value AS version_key FROM json_each(:hits))
"""
    + FADED
    + """
SELECT version_key, id, type, version, importance, confidence, age_days, half_life_days, uses, last_used
FROM faded
"""
)


class _Found(NamedTuple):
    """What a memory's place depends on. `confidence`: what is left of it."""

    memory: str
    type: MemoryType
    version: int
    importance: str
    confidence: float
    age_days: float
    half_life_days: int | None
    uses: int
    last_used: str | None

    def standing(self, nearness: Nearness | None) -> Standing:
        return Standing(
            memory=self.memory,
            type=self.type,
            importance=self.importance,
            confidence=self.confidence,
            age_days=self.age_days,
            half_life_days=self.half_life_days,
            uses=self.uses,
            nearness=nearness,
        )


def _looked_up(db: apsw.Connection, keys: Iterable[int], until: str) -> dict[int, _Found]:
    rows = db.execute(_STANDING, {"hits": json.dumps(list(keys)), "until": until})
    return {key: _Found(*columns) for key, *columns in rows}


# Whether two say the same shows at their beginning.
_COMPARED_CHARACTERS = 600
_WORDING = """
SELECT t.summary || ' ' || substr(t.body, 1, :characters)
FROM memory_versions v
JOIN memory_texts t ON t.key = v.text_key
WHERE v.key = :key
"""


def _wording(db: apsw.Connection, key: int) -> str:
    return str(db.execute(_WORDING, {"key": key, "characters": _COMPARED_CHARACTERS}).get)


_HITS = """
SELECT v.key, v.summary, v.confidence, v.tags, v.recorded_at, v.valid_from, v.valid_until, v.archived
FROM json_each(:hits) h
JOIN memory_versions v ON v.key = h.value
"""


def _hits(
    db: apsw.Connection, page: Sequence[Ranked], found: Mapping[int, _Found], code: Mapping[int, CodeState]
) -> tuple[Hit, ...]:
    rows = {row[0]: row[1:] for row in db.execute(_HITS, {"hits": json.dumps([each.key for each in page])})}
    hits: list[Hit] = []
    for key, score, why in page:
        summary, stated, tags, recorded_at, valid_from, valid_until, archived = rows[key]
        each = found[key]
        hits.append(
            Hit(
                memory=each.memory,
                type=each.type,
                version=each.version,
                summary=summary,
                confidence=stated,
                faded_confidence=each.confidence,
                importance=each.importance,
                tags=tuple(json.loads(tags)),
                recorded_at=recorded_at,
                valid_from=valid_from,
                valid_until=valid_until,
                archived=bool(archived),
                uses=each.uses,
                last_used=each.last_used,
                score=round(score, 6),
                why=why,
                code=code[key],
            )
        )
    return tuple(hits)
