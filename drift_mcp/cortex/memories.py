"""Memories in cortex.db: adding, changing and reading them, with every version kept.

A change never overwrites: it closes what was believed and records what is believed from now on. What writes takes
`tx`, an open write transaction, and is told the time; what reads takes `db`. Never runs a model and never ranks.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import apsw

from drift_mcp.cortex import content, fading, given, moments, resemblance, wordings, words
from drift_mcp.cortex import links as links_of
from drift_mcp.cortex.citations import Citation, Cited, CitedFunction, FunctionAt
from drift_mcp.cortex.content import Content, MemoryType
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.fading import FADED
from drift_mcp.cortex.given import Importance
from drift_mcp.cortex.links import Links
from drift_mcp.cortex.resemblance import Resembling
from drift_mcp.cortex.wordings import Wording
from drift_mcp.errors import DriftError

Relationship = Literal["supersedes", "supports", "contradicts", "related", "derived_from"]
RELATIONSHIPS: tuple[Relationship, ...] = get_args(Relationship)

# What a verdict does to confidence. A rejection weighs three times a confirmation: a wrong memory costs more than a
# missing one. None falls below a tenth, so that it can still be found and put right.
_CONFIRMED = 0.1
_REJECTED = -0.3
_LEAST_CONFIDENCE = 0.1


@dataclass(frozen=True, slots=True)
class NewMemory:
    """What somebody wants remembered, as they gave it. `content`: an object of the type's fields, or plain text."""

    type: str
    content: Content | str
    summary: str | None = None
    importance: str = "normal"
    confidence: float = 1.0
    tags: Sequence[str] = ()
    files: Sequence[str | Citation] = ()  # 'src/a.py', 'src/a.py:10-20' or a Citation
    functions: Sequence[str | FunctionAt] = ()  # public ids (path::qualified_name), best with their lines
    patterns: Sequence[str] = ()
    constraints: Sequence[str] = ()
    supersedes: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class Revision:
    """What a revision changes; None leaves as it was. `files` and the like replace what was linked."""

    content: Content | str | None = None  # text replaces the main field, an object the whole content
    summary: str | None = None
    importance: str | None = None
    confidence: float | None = None
    tags: Sequence[str] | None = None
    files: Sequence[str | Citation] | None = None
    functions: Sequence[str | FunctionAt] | None = None
    patterns: Sequence[str] | None = None
    constraints: Sequence[str] | None = None
    valid_from: str | None = None
    valid_until: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The state after a change. `existed`: this very memory was there already, and nothing was added."""

    memory: str
    version: int
    near_duplicates: tuple[Resembling, ...] = ()
    contradictions: tuple[Resembling, ...] = ()
    existed: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """One memory as it was believed at the moment asked about. `confidence` as it was stated, `faded_confidence` what
    was left of it then; `last_used`: None = never."""

    memory: str
    type: MemoryType
    version: int
    summary: str
    content: Mapping[str, Any]
    confidence: float
    faded_confidence: float
    importance: Importance
    tags: tuple[str, ...]
    files: tuple[Cited, ...]
    functions: tuple[CitedFunction, ...]
    patterns: tuple[str, ...]
    constraints: tuple[str, ...]
    created_at: str
    created_by: str | None
    recorded_at: str
    recorded_to: str | None
    valid_from: str
    valid_until: str | None
    archived: bool
    archive_reason: str | None
    superseded_by: str | None
    last_validated: str | None
    uses: int
    last_used: str | None


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a memory's history."""

    version: int
    change: str
    reason: str | None
    changed_by: str | None
    recorded_at: str
    recorded_to: str | None
    valid_from: str
    valid_until: str | None
    summary: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A memory in a relationship to the one asked about; `outgoing`: it leads from the one asked about."""

    memory: str
    summary: str
    relationship: Relationship
    outgoing: bool
    strength: float


class _Current(NamedTuple):
    """The columns of the version believed now that the next one starts from."""

    memory_key: int
    type: MemoryType
    version_key: int
    version: int
    recorded_at: str
    valid_from: str
    valid_until: str | None
    content: str
    summary: str
    text_key: int
    confidence: float
    importance: str
    tags: str
    archived: int
    archive_reason: str | None
    superseded_by: int | None
    last_validated: str | None


# ---------------------------------------------------------------- what writes

# A memory that was forgotten last took its versions with it, but its instant was used.
_LAST_RECORDED = """
SELECT nullif(max(
    ifnull((SELECT max(recorded_at) FROM memory_versions), ''),
    ifnull((SELECT max(forgotten_at) FROM memories WHERE forgotten_at IS NOT NULL), '')
), '')
"""


def transaction_time(tx: apsw.Connection, clock: str) -> str:
    """The time that this transaction records: the clock's, but always later than every recorded one.

    So each transaction has an instant of its own, and "as of" never meets half a change, even when a clock is set back.
    """
    last = tx.execute(_LAST_RECORDED).get
    return clock if last is None or clock > last else moments.just_after(last)


_ADD_MEMORY = """
INSERT INTO memories (id, type, created_at, created_by)
VALUES (:id, :type, :at, :by)
"""


def add(tx: apsw.Connection, root: Path, new: NewMemory, model: ModelIdentity | None, at: str) -> Written:
    """Adds a memory with its index row and the mark that its vector is pending; reports what resembles it.

    The very same memory (type, content, summary, tags, links, importance, validity) is not added twice: its id comes
    back.
    """
    memory_type = content.type_named(new.type)
    what = content.checked(memory_type, new.content)
    summary = given.summary(new.summary) if new.summary is not None else content.summary(memory_type, what)
    tags = given.tags(new.tags)
    importance = given.importance(new.importance)
    given.refuse_secrets(memory_type, what, summary, tags)
    links = Links(
        given.cited(root, new.files),
        given.functions(root, new.functions),
        given.names(new.patterns, "patterns"),
        given.names(new.constraints, "constraints"),
    )
    valid_from = at if new.valid_from is None else moments.asked(new.valid_from, "valid_from")
    valid_until = None if new.valid_until is None else moments.asked(new.valid_until, "valid_until")
    given.refuse_no_time(valid_from, valid_until)
    confidence = given.confidence(new.confidence)
    superseded = None if new.supersedes is None else _current(tx, new.supersedes)

    wording = Wording.of(memory_type, what, summary, tags, links)
    if superseded is None and new.valid_from is None:
        columns = {
            "type": memory_type,
            "hash": wording.hash,
            "content": _json(what),
            "tags": _json(tags),
            "importance": importance,
            "valid_from": valid_from,
            "valid_until": valid_until,
        }
        existing = _the_very_same(tx, columns, links)
        if existing is not None:
            return existing
    near, opposed = resemblance.among_believed(
        tx, memory_type, wording, links, None if superseded is None else superseded.memory_key
    )

    memory_id = _new_id(at)
    memory_key = _add_first(
        tx,
        memory_id,
        memory_type,
        wording,
        links,
        model,
        at,
        {
            "valid_from": valid_from,
            "valid_until": valid_until,
            "content": _json(what),
            "summary": summary,
            "confidence": confidence,
            "importance": importance,
            "tags": _json(tags),
            "change": "added",
            "changed_by": new.created_by,
        },
    )
    if superseded is not None:
        _supersede(tx, superseded, memory_key, valid_from, at, new.created_by)
    return Written(memory_id, 1, near, opposed)


def revise(
    tx: apsw.Connection,
    root: Path,
    memory: str,
    revision: Revision,
    model: ModelIdentity | None,
    at: str,
    reason: str | None = None,
    by: str | None = None,
) -> Written:
    """Records that a memory should have said something else. Versions stay; a changed wording gets its own vector."""
    current = _current(tx, memory)
    before = json.loads(current.content)
    what = before
    if isinstance(revision.content, str):
        # A text changes the main field and leaves what else was said.
        what = content.checked(current.type, content.with_main_text(current.type, before, revision.content))
    elif revision.content is not None:
        what = content.checked(current.type, revision.content)
    if revision.summary is not None:
        summary = given.summary(revision.summary)
    elif current.summary == content.summary(current.type, before):
        summary = content.summary(current.type, what)
    else:
        summary = current.summary
    tags = given.tags(json.loads(current.tags) if revision.tags is None else revision.tags)
    given.refuse_secrets(current.type, what, summary, tags)
    given.refuse_secret_reason(reason)
    valid_from = current.valid_from if revision.valid_from is None else moments.asked(revision.valid_from, "valid_from")
    valid_until = (
        current.valid_until if revision.valid_until is None else moments.asked(revision.valid_until, "valid_until")
    )
    if (valid_from, valid_until) != (current.valid_from, current.valid_until):
        # One that was superseded from before it began has no time, and may still be worded better.
        given.refuse_no_time(valid_from, valid_until)
    linked = links_of.of(tx, current.memory_key, moments.END_OF_TIME)
    links = Links(
        linked.files if revision.files is None else given.cited(root, revision.files),
        linked.functions if revision.functions is None else given.functions(root, revision.functions),
        linked.patterns if revision.patterns is None else given.names(revision.patterns, "patterns"),
        linked.constraints if revision.constraints is None else given.names(revision.constraints, "constraints"),
    )
    wording = Wording.of(current.type, what, summary, tags, links)
    near, opposed = resemblance.among_believed(tx, current.type, wording, links, current.memory_key)
    version = _next_version(
        tx,
        current,
        at,
        {
            "valid_from": valid_from,
            "valid_until": valid_until,
            "content": _json(what),
            "summary": summary,
            "text_key": wordings.key_of(tx, current.memory_key, wording, model, at),
            "importance": current.importance if revision.importance is None else given.importance(revision.importance),
            "confidence": current.confidence if revision.confidence is None else given.confidence(revision.confidence),
            "tags": _json(tags),
            "change": "revised",
            "reason": reason,
            "changed_by": by,
        },
    )
    links_of.replace(tx, current.memory_key, linked, links, at)
    return Written(memory, version, near, opposed)


def learned(
    tx: apsw.Connection,
    what: Content,
    model: ModelIdentity | None,
    at: str,
    *,
    tags: Sequence[str],
    links: Links,
    importance: Importance,
    confidence: float,
    valid_from: str,
    reason: str,
    by: str,
) -> str:
    """Adds a semantic memory that other memories amount to; its id. It resembles them by nature: nothing is told."""
    summary = content.summary("semantic", what)
    memory = _new_id(at)
    _add_first(
        tx,
        memory,
        "semantic",
        Wording.of("semantic", what, summary, tags, links),
        links,
        model,
        at,
        {
            "valid_from": valid_from,
            "valid_until": None,
            "content": _json(what),
            "summary": summary,
            "confidence": confidence,
            "importance": importance,
            "tags": _json(list(tags)),
            "change": "consolidated",
            "reason": reason,
            "changed_by": by,
        },
    )
    return memory


def consolidated(
    tx: apsw.Connection,
    memory: str,
    changes: Content,
    model: ModelIdentity | None,
    at: str,
    *,
    links: Links | None = None,
    confidence: float | None = None,
    archive_reason: str | None = None,
    reason: str,
    by: str,
) -> None:
    """Records what a consolidation made of a memory: `changes` of its content; a reason to archive it archives it."""
    current = _current(tx, memory)
    what = {**json.loads(current.content), **changes}
    linked = links_of.of(tx, current.memory_key, moments.END_OF_TIME)
    after = linked if links is None else links
    wording = Wording.of(current.type, what, current.summary, json.loads(current.tags), after)
    columns: dict[str, Any] = {
        "content": _json(what),
        "text_key": wordings.key_of(tx, current.memory_key, wording, model, at),
        "confidence": current.confidence if confidence is None else confidence,
        "change": "consolidated",
        "reason": reason,
        "changed_by": by,
    }
    if archive_reason is not None:
        columns |= {"archived": 1, "archive_reason": archive_reason}
    _next_version(tx, current, at, columns)
    links_of.replace(tx, current.memory_key, linked, after, at)


_KEY_OF = "SELECT key FROM memories WHERE id = ?"


def stands_to(tx: apsw.Connection, memory: str, relationship: Relationship, targets: Iterable[str], at: str) -> None:
    """Relationships of a memory whose version of this transaction is recorded already."""
    source = int(tx.execute(_KEY_OF, (memory,)).get)
    for target in targets:
        _relate(tx, source, int(tx.execute(_KEY_OF, (target,)).get), relationship, 1.0, at)


_NOTE_VERDICT = """
INSERT INTO memory_validation_history
    (memory_key, version, action, previous_confidence, new_confidence, feedback, validated_at, validated_by)
VALUES (:memory_key, :version, :action, :before, :after, :feedback, :at, :by)
"""


def confirm(tx: apsw.Connection, memory: str, at: str, reason: str | None = None, by: str | None = None) -> Written:
    """Somebody found the memory to be right: confidence rises by 0.1, up to 1."""
    return _verdict(tx, memory, "confirmed", _CONFIRMED, at, reason, by)


def reject(tx: apsw.Connection, memory: str, at: str, reason: str | None = None, by: str | None = None) -> Written:
    """Somebody found the memory to be wrong: confidence falls by 0.3, down to 0.1. It stays findable."""
    return _verdict(tx, memory, "rejected", _REJECTED, at, reason, by)


def archive(tx: apsw.Connection, memory: str, at: str, reason: str | None = None, by: str | None = None) -> Written:
    """Takes the memory out of answers that do not ask for archived ones. `restore` brings it back."""
    current = _current(tx, memory)
    if current.archived:
        raise DriftError(f"The memory '{memory}' is archived already. 'restore' brings it back.")
    given.refuse_secret_reason(reason)
    changes = {"archived": 1, "archive_reason": reason, "change": "archived", "reason": reason, "changed_by": by}
    return Written(memory, _next_version(tx, current, at, changes))


def restore(tx: apsw.Connection, memory: str, at: str, reason: str | None = None, by: str | None = None) -> Written:
    """Brings an archived memory back into answers."""
    current = _current(tx, memory)
    if not current.archived:
        raise DriftError(f"The memory '{memory}' is not archived, so there is nothing to restore.")
    given.refuse_secret_reason(reason)
    changes = {"archived": 0, "archive_reason": None, "change": "restored", "reason": reason, "changed_by": by}
    return Written(memory, _next_version(tx, current, at, changes))


def validated(
    tx: apsw.Connection,
    memory: str,
    model: ModelIdentity | None,
    at: str,
    *,
    links: Links | None = None,
    confidence: float | None = None,
    is_renewed: bool = False,
    reason: str | None = None,
    by: str | None = None,
) -> Written:
    """Records what a comparison with the code found; None leaves as it was. `is_renewed`: it counts as looked at."""
    current = _current(tx, memory)
    linked = links_of.of(tx, current.memory_key, moments.END_OF_TIME)
    after = linked if links is None else links
    wording = Wording.of(current.type, json.loads(current.content), current.summary, json.loads(current.tags), after)
    changes = {
        "text_key": wordings.key_of(tx, current.memory_key, wording, model, at),
        "confidence": current.confidence if confidence is None else confidence,
        "last_validated": at if is_renewed else current.last_validated,
        "change": "validated",
        "reason": reason,
        "changed_by": by,
    }
    version = _next_version(tx, current, at, changes)
    links_of.replace(tx, current.memory_key, linked, after, at)
    return Written(memory, version)


_CLOSE_RELATIONSHIP = """
UPDATE memory_relationships
SET recorded_to = :at
WHERE source_key = :source
    AND target_key = :target
    AND relationship = :relationship
    AND recorded_to IS NULL
"""
_RELATE = """
INSERT INTO memory_relationships (source_key, target_key, relationship, strength, recorded_at)
VALUES (:source, :target, :relationship, :strength, :at)
"""

_IS_SUPERSEDED_BY = """
WITH RECURSIVE over (memory_key) AS (
    SELECT ?1
    UNION
    SELECT v.superseded_by
    FROM over
    JOIN memory_versions v ON v.memory_key = over.memory_key AND v.recorded_to IS NULL
    WHERE v.superseded_by IS NOT NULL
)
SELECT 1 FROM over WHERE memory_key = ?2
"""


def relate(
    tx: apsw.Connection,
    memory: str,
    relationship: str,
    target: str,
    at: str,
    strength: float = 1.0,
    reason: str | None = None,
    by: str | None = None,
) -> Written:
    """Records how one memory stands to another; `supersedes` also ends the valid time of the target."""
    if relationship not in RELATIONSHIPS:
        raise DriftError(f"No relationship '{relationship[:40]}'. There are: {', '.join(RELATIONSHIPS)}.")
    if not 0.0 <= strength <= 1.0:
        raise DriftError(f"The strength of a relationship lies from 0 to 1, not {strength}.")
    given.refuse_secret_reason(reason)
    source, other = _current(tx, memory), _current(tx, target)
    if source.memory_key == other.memory_key:
        raise DriftError(f"The memory '{memory}' cannot stand in a relationship to itself.")
    if relationship == "supersedes" and tx.execute(_IS_SUPERSEDED_BY, (source.memory_key, other.memory_key)).get:
        raise DriftError(
            f"The memory '{memory}' is itself superseded by '{target}': if each ended the other, neither would hold. "
            "Add what holds now as a new memory that supersedes it."
        )
    version = _next_version(tx, source, at, {"change": "linked", "reason": reason, "changed_by": by})
    if relationship == "supersedes":
        _supersede(tx, other, source.memory_key, max(source.valid_from, other.valid_from), at, by, strength)
    else:
        _relate(tx, source.memory_key, other.memory_key, relationship, strength, at)
    return Written(memory, version)


# ---------------------------------------------------------------- what reads


def present(db: apsw.Connection, clock: str) -> str:
    """Now, for a reader: the clock's time, but never before what was recorded last (see `transaction_time`).

    So that a memory is found at once by whoever added it, and never together with the one it supersedes."""
    last = db.execute(_LAST_RECORDED).get
    return clock if last is None or clock > last else str(last)


_MEMORY = (
    """
WITH chosen AS (
    SELECT v.key AS version_key
    FROM memories m
    JOIN memory_versions v ON v.memory_key = m.key
    WHERE m.id = :memory
        AND v.recorded_at <= :as_of
        AND (v.recorded_to IS NULL OR v.recorded_to > :as_of)
)
"""
    + FADED
    + """
SELECT m.key, m.id, m.type, v.version, v.summary, v.content, v.confidence, faded.confidence, v.importance, v.tags,
    m.created_at, m.created_by, v.recorded_at, v.recorded_to, v.valid_from, v.valid_until, v.archived, v.archive_reason,
    (SELECT s.id FROM memories s WHERE s.key = v.superseded_by), v.last_validated, faded.uses, faded.last_used
FROM faded
JOIN memory_versions v ON v.key = faded.version_key
JOIN memories m ON m.key = v.memory_key
"""
)


def get(
    db: apsw.Connection, memory: str, now: str, as_of: str = moments.END_OF_TIME, valid_at: str | None = None
) -> Memory:
    """The memory as it was believed at `as_of`, archived or not. A DriftError when there was none of that id, or when
    it was not true at `valid_at`."""
    asked = {"memory": words.printable(memory), "as_of": as_of, "until": fading.until(now, as_of)}
    row = db.execute(_MEMORY, asked).fetchone()
    if row is None:
        raise _unknown(db, memory, as_of)
    (
        key, public_id, memory_type, version, summary, what, confidence, faded, importance, tags, created_at,
        created_by, recorded_at, recorded_to, valid_from, valid_until, archived, archive_reason, superseded_by,
        last_validated, uses, last_used,
    ) = row  # fmt: skip
    if valid_at is not None:
        _refuse_untrue(public_id, valid_at, valid_from, valid_until)
    links = links_of.of(db, key, as_of)
    return Memory(
        memory=public_id,
        type=memory_type,
        version=version,
        summary=summary,
        content=json.loads(what),
        confidence=confidence,
        faded_confidence=faded,
        importance=importance,
        tags=tuple(json.loads(tags)),
        files=links.files,
        functions=links.functions,
        patterns=links.patterns,
        constraints=links.constraints,
        created_at=created_at,
        created_by=created_by,
        recorded_at=recorded_at,
        recorded_to=recorded_to,
        valid_from=valid_from,
        valid_until=valid_until,
        archived=bool(archived),
        archive_reason=archive_reason,
        superseded_by=superseded_by,
        last_validated=last_validated,
        uses=uses,
        last_used=last_used,
    )


def _refuse_untrue(memory: str, valid_at: str, valid_from: str, valid_until: str | None) -> None:
    if valid_from <= valid_at and (valid_until is None or valid_at < valid_until):
        return
    if valid_until is not None and valid_until <= valid_from:
        when = "it was superseded from before it began, so that it never was"
    elif valid_until is None:
        when = f"it is from {valid_from} on"
    else:
        when = f"it was from {valid_from} until {valid_until}"
    raise DriftError(f"The memory '{memory}' was not true at {valid_at}: {when}. Ask for it without 'valid_at'.")


_VERSION = """
SELECT v.version
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key
WHERE m.id = ?
    AND v.recorded_to IS NULL
"""


def version_of(db: apsw.Connection, memory: str) -> int | None:
    """The version believed now; None: there is no such memory, or none any more."""
    found = db.execute(_VERSION, (memory,)).get
    return None if found is None else int(found)


_HISTORY = """
SELECT v.version, v.change, v.reason, v.changed_by, v.recorded_at, v.recorded_to, v.valid_from, v.valid_until,
    v.summary, v.confidence
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key
WHERE m.id = :memory
    AND v.recorded_at <= :as_of
    AND (:valid_at IS NULL OR (
        v.valid_from <= :valid_at
        AND (v.valid_until IS NULL OR v.valid_until > :valid_at)
    ))
ORDER BY v.version
"""


def history(
    db: apsw.Connection, memory: str, as_of: str = moments.END_OF_TIME, valid_at: str | None = None
) -> list[Version]:
    """Every version recorded up to `as_of`, oldest first; with `valid_at`, those that speak of that moment."""
    rows = db.execute(_HISTORY, {"memory": words.printable(memory), "as_of": as_of, "valid_at": valid_at})
    return [Version(*columns) for columns in rows]


_NEIGHBOURS = """
SELECT o.id, v.summary, r.relationship, r.source_key = m.key, r.strength
FROM memories m
JOIN memory_relationships r ON m.key IN (r.source_key, r.target_key)
JOIN memories o ON o.key = CASE WHEN r.source_key = m.key THEN r.target_key ELSE r.source_key END
JOIN memory_versions v ON v.memory_key = o.key
WHERE m.id = :memory
    AND r.recorded_at <= :as_of
    AND (r.recorded_to IS NULL OR r.recorded_to > :as_of)
    AND v.recorded_at <= :as_of
    AND (v.recorded_to IS NULL OR v.recorded_to > :as_of)
    AND (:valid_at IS NULL OR (
        v.valid_from <= :valid_at
        AND (v.valid_until IS NULL OR v.valid_until > :valid_at)
    ))
ORDER BY r.relationship, o.id
"""


def neighbours(
    db: apsw.Connection, memory: str, as_of: str = moments.END_OF_TIME, valid_at: str | None = None
) -> list[Neighbour]:
    """The memories that stood in a relationship to this one at `as_of`, in either direction; with `valid_at`, those
    that were true then. Without, also those that are over: what a memory supersedes is one of them."""
    rows = db.execute(_NEIGHBOURS, {"memory": words.printable(memory), "as_of": as_of, "valid_at": valid_at})
    return [Neighbour(row[0], row[1], row[2], bool(row[3]), row[4]) for row in rows]


_CITED = """
SELECT f.file_path, f.line_start, f.line_end, f.content_hash, f.content_length, f.file_hash, f.copies, f.flagged, m.id
FROM memories m
JOIN memory_files f ON f.memory_key = m.key
WHERE m.id IN (SELECT value FROM json_each(:memories))
    AND f.recorded_at <= :as_of
    AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
"""


_CITED_FUNCTIONS = """
SELECT f.function_id, f.content_hash, f.content_length, f.file_hash, f.copies, f.owner, f.flagged, m.id
FROM memories m
JOIN memory_functions f ON f.memory_key = m.key
WHERE m.id IN (SELECT value FROM json_each(:memories))
    AND f.recorded_at <= :as_of
    AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
"""


def cited(
    db: apsw.Connection, memories: Iterable[str], as_of: str = moments.END_OF_TIME
) -> dict[str, tuple[list[Cited], list[CitedFunction]]]:
    """The cited files and functions of each of these memories."""
    result: dict[str, tuple[list[Cited], list[CitedFunction]]] = {memory: ([], []) for memory in memories}
    asked = {"memories": json.dumps(list(result)), "as_of": as_of}
    for *columns, memory in db.execute(_CITED, asked):
        result[memory][0].append(Cited(*columns))
    for *columns, memory in db.execute(_CITED_FUNCTIONS, asked):
        result[memory][1].append(CitedFunction(*columns))
    return result


_COUNT = """
SELECT count(*)
FROM memory_versions
WHERE recorded_at <= :as_of
    AND (recorded_to IS NULL OR recorded_to > :as_of)
    AND valid_from <= :valid_at
    AND (valid_until IS NULL OR valid_until > :valid_at)
    AND NOT archived
"""


def count(db: apsw.Connection, valid_at: str, as_of: str = moments.END_OF_TIME) -> int:
    """How many memories a search at that moment could have found."""
    return int(db.execute(_COUNT, {"valid_at": valid_at, "as_of": as_of}).get)


# ---------------------------------------------------------------- versions

_CURRENT = """
SELECT m.key, m.type, v.key, v.version, v.recorded_at, v.valid_from, v.valid_until, v.content, v.summary, v.text_key,
    v.confidence, v.importance, v.tags, v.archived, v.archive_reason, v.superseded_by, v.last_validated
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key AND v.recorded_to IS NULL
WHERE m.id = ?
"""


def _current(db: apsw.Connection, memory: str) -> _Current:
    row = db.execute(_CURRENT, (words.printable(memory),)).fetchone()
    if row is None:
        raise _unknown(db, memory, moments.END_OF_TIME)
    return _Current(*row)


_ADD_VERSION = """
INSERT INTO memory_versions
    (memory_key, version, recorded_at, valid_from, valid_until, content, summary, text_key, confidence, importance,
     tags, archived, archive_reason, superseded_by, last_validated, change, reason, changed_by)
VALUES
    (:memory_key, :version, :recorded_at, :valid_from, :valid_until, :content, :summary, :text_key, :confidence,
     :importance, :tags, :archived, :archive_reason, :superseded_by, :last_validated, :change, :reason, :changed_by)
"""
_OPTIONAL: Mapping[str, Any] = {
    "archived": 0,
    "archive_reason": None,
    "superseded_by": None,
    "last_validated": None,
    "reason": None,
    "changed_by": None,
}


def _add_version(tx: apsw.Connection, memory_key: int, version: int, at: str, columns: Mapping[str, Any]) -> None:
    tx.execute(
        _ADD_VERSION,
        {**_OPTIONAL, **columns, "memory_key": memory_key, "version": version, "recorded_at": at},
    )


def _add_first(
    tx: apsw.Connection,
    memory: str,
    memory_type: MemoryType,
    wording: Wording,
    links: Links,
    model: ModelIdentity | None,
    at: str,
    columns: Mapping[str, Any],
) -> int:
    """A memory that was not there, with its first version; its key."""
    tx.execute(_ADD_MEMORY, {"id": memory, "type": memory_type, "at": at, "by": columns["changed_by"]})
    memory_key = tx.last_insert_rowid()
    text_key = wordings.key_of(tx, memory_key, wording, model, at)
    _add_version(tx, memory_key, 1, at, {**columns, "text_key": text_key})
    links_of.add(tx, memory_key, links, at)
    return memory_key


_CLOSE_VERSION = "UPDATE memory_versions SET recorded_to = :at WHERE key = :key"
_CARRIED = (
    "valid_from",
    "valid_until",
    "content",
    "summary",
    "text_key",
    "confidence",
    "importance",
    "tags",
    "archived",
    "archive_reason",
    "superseded_by",
    "last_validated",
)


def _next_version(tx: apsw.Connection, current: _Current, at: str, changes: Mapping[str, Any]) -> int:
    """Closes the current version and records the next: `changes`, and everything else as it was."""
    tx.execute(_CLOSE_VERSION, {"at": at, "key": current.version_key})
    version = current.version + 1
    carried = {name: getattr(current, name) for name in _CARRIED}
    _add_version(tx, current.memory_key, version, at, {**carried, **changes})
    return version


def _verdict(
    tx: apsw.Connection,
    memory: str,
    action: Literal["confirmed", "rejected"],
    effect: float,
    at: str,
    reason: str | None,
    by: str | None,
) -> Written:
    given.refuse_secret_reason(reason)
    current = _current(tx, memory)
    # Rounded, so that ten confirmations and rejections later it is still 0.6 and not 0.6000000000000001.
    moved = round(min(1.0, max(_LEAST_CONFIDENCE, current.confidence + effect)), 6)
    # A confidence stated below the floor is not raised by a rejection.
    after = min(moved, current.confidence) if effect < 0 else moved
    version = _next_version(
        tx,
        current,
        at,
        {
            "confidence": after,
            "last_validated": at if action == "confirmed" else current.last_validated,
            "change": action,
            "reason": reason,
            "changed_by": by,
        },
    )
    tx.execute(
        _NOTE_VERDICT,
        {
            "memory_key": current.memory_key,
            "version": version,
            "action": action,
            "before": current.confidence,
            "after": after,
            "feedback": reason,
            "at": at,
            "by": by,
        },
    )
    return Written(memory, version)


def _supersede(
    tx: apsw.Connection, old: _Current, new_key: int, since: str, at: str, by: str | None, strength: float = 1.0
) -> None:
    """Ends the valid time of `old` where the new memory's begins; from before it began means that it never was true."""
    until = max(since, old.valid_from)
    if old.valid_until is not None:
        until = min(until, old.valid_until)
    changes = {"valid_until": until, "superseded_by": new_key, "change": "superseded", "changed_by": by}
    _next_version(tx, old, at, changes)
    _relate(tx, new_key, old.memory_key, "supersedes", strength, at)


def _relate(tx: apsw.Connection, source: int, target: int, relationship: str, strength: float, at: str) -> None:
    link = {"source": source, "target": target, "relationship": relationship, "strength": strength, "at": at}
    tx.execute(_CLOSE_RELATIONSHIP, {name: link[name] for name in ("source", "target", "relationship", "at")})
    tx.execute(_RELATE, link)


# A wording tells the summary, and leads to few memories; what it leaves out, a choice or an id, is in the content.
_SAME = """
SELECT m.id, v.version, m.key
FROM memory_texts t
CROSS JOIN memory_versions v ON v.text_key = t.key AND v.recorded_to IS NULL
CROSS JOIN memories m ON m.key = v.memory_key
WHERE t.text_hash = :hash
    AND m.type = :type
    AND v.content = :content
    AND v.tags = :tags
    AND v.importance = :importance
    AND v.valid_from <= :valid_from
    AND v.valid_until IS :valid_until
    AND v.superseded_by IS NULL
    AND NOT v.archived
ORDER BY m.key
"""


def _the_very_same(tx: apsw.Connection, columns: Mapping[str, Any], links: Links) -> Written | None:
    found: list[tuple[str, int, int]] = list(tx.execute(_SAME, columns))
    for memory, version, key in found:
        if links_of.of(tx, key, moments.END_OF_TIME).speak_of_the_same(links):
            return Written(memory, version, existed=True)
    return None


# ---------------------------------------------------------------- ids

_FORGOTTEN = "SELECT forgotten_at, forgotten_reason FROM memories WHERE id = ? AND forgotten_at IS NOT NULL"
_SOME_IDS = "SELECT id FROM memories WHERE forgotten_at IS NULL ORDER BY key DESC LIMIT 1000"


def _unknown(db: apsw.Connection, memory: str, as_of: str) -> DriftError:
    shown = words.printable(memory)[:60]
    forgotten = db.execute(_FORGOTTEN, (words.printable(memory),)).fetchone()
    if forgotten is not None:
        why = f" ({forgotten[1]})" if forgotten[1] else ""
        return DriftError(
            f"The memory '{shown}' was forgotten on {forgotten[0][:10]}{why}: what it said is erased, and "
            "nothing brings it back."
        )
    recorded = db.execute(_CURRENT, (words.printable(memory),)).fetchone()
    if recorded is not None:
        return DriftError(f"The memory '{shown}' was not yet recorded at {as_of}.")
    near = difflib.get_close_matches(shown, [row[0] for row in db.execute(_SOME_IDS)], n=2, cutoff=0.8)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return DriftError(f"No memory '{shown}'.{hint} 'memory_search' finds memories and gives their ids.")


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _new_id(at: str) -> str:
    """mem_ + the time in base 36 + twelve random hex digits: sorts by age, and no two processes meet."""
    milliseconds = round(moments.read(at).timestamp() * 1000)
    digits = ""
    while milliseconds > 0:
        milliseconds, digit = divmod(milliseconds, 36)
        digits = _DIGITS[digit] + digits
    return f"mem_{digits or '0'}_{os.urandom(6).hex()}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
