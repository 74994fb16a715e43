"""Forgetting a memory, for privacy: what it said, who said it and what it stood beside goes, and a tombstone stays.

The one thing in this room that erases, and never on its own. Rows are erased in one transaction. What older pages of
the file and its log still hold goes when the file is written anew, which may have to wait for readers: until then the
tombstone says that there are traces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import apsw

from drift_mcp.cortex import caches, likeness, memories, vectors, words
from drift_mcp.cortex.content import MemoryType
from drift_mcp.errors import DriftError
from drift_mcp.store import connection

# Of the wordings that share most words with a forgotten one, so many are compared with it.
_COMPARED = 20
_TERMS = 16
# Wordings of one memory that are looked for elsewhere; a memory reworded more often said most of it in these.
_WORDINGS = 20
# Of the shorter text's trigrams. To name one memory too many costs a look at it, one too few keeps what was to go.
_REPEATED = 0.7


@dataclass(frozen=True, slots=True)
class Repeating:
    """Another memory that may repeat what is to be forgotten, and why."""

    memory: str
    summary: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of a memory, counted in rows; `superseded`: memories that it ended, which stay so."""

    memory: str
    type: MemoryType
    summary: str
    created_at: str
    versions: int
    wordings: int
    vectors: int
    links: int
    relationships: int
    verdicts: int
    repeating: tuple[Repeating, ...]
    superseded: tuple[str, ...]


class Copies(NamedTuple):
    """Files beside the store: those that hold a memory, and those that cannot be read, so that nobody knows."""

    holding: tuple[Path, ...]
    unreadable: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased, and when. `has_traces`: the file or its log may still hold some of it, because somebody reads
    an older state; they are written anew at the next chance."""

    found: Found
    copies: Copies
    forgotten_at: str
    has_traces: bool


_COUNTS = """
SELECT
    (SELECT count(*) FROM memory_versions WHERE memory_key = :key),
    (SELECT count(*) FROM memory_texts WHERE memory_key = :key),
    (
        SELECT count(*)
        FROM memory_texts t
        JOIN memory_embedding_link l ON l.text_key = t.key AND l.state = 'ready'
        WHERE t.memory_key = :key
    ),
    (SELECT count(*) FROM memory_files WHERE memory_key = :key)
        + (SELECT count(*) FROM memory_functions WHERE memory_key = :key)
        + (SELECT count(*) FROM memory_patterns WHERE memory_key = :key)
        + (SELECT count(*) FROM memory_constraints WHERE memory_key = :key),
    (SELECT count(*) FROM memory_relationships WHERE :key IN (source_key, target_key)),
    (SELECT count(*) FROM memory_validation_history WHERE memory_key = :key)
"""
_SUPERSEDED = """
SELECT DISTINCT m.id
FROM memory_versions v
JOIN memories m ON m.key = v.memory_key
WHERE v.superseded_by = ?
    AND v.recorded_to IS NULL
ORDER BY m.id
"""


def look(db: apsw.Connection, memory: str, now: str) -> Found:
    """What would be erased, and what would still repeat it. A DriftError when there is no such memory any more."""
    shown = memories.get(db, memory, now)
    key = _key(db, memory)
    versions, wordings, made, links, relationships, verdicts = next(db.execute(_COUNTS, {"key": key}))
    return Found(
        memory=shown.memory,
        type=shown.type,
        summary=shown.summary,
        created_at=shown.created_at,
        versions=versions,
        wordings=wordings,
        vectors=made,
        links=links,
        relationships=relationships,
        verdicts=verdicts,
        repeating=tuple(_repeating(db, key)),
        superseded=tuple(row[0] for row in db.execute(_SUPERSEDED, (key,))),
    )


_ERASED_ROWS = (
    "DELETE FROM memory_relationships WHERE :key IN (source_key, target_key)",
    "DELETE FROM memory_files WHERE memory_key = :key",
    "DELETE FROM memory_functions WHERE memory_key = :key",
    "DELETE FROM memory_patterns WHERE memory_key = :key",
    "DELETE FROM memory_constraints WHERE memory_key = :key",
    "DELETE FROM memory_uses WHERE memory_key = :key",
    "DELETE FROM memory_validation_history WHERE memory_key = :key",
    "DELETE FROM memory_versions WHERE memory_key = :key",
    # With these go their rows of the full-text index, their marks, vectors and bits.
    "DELETE FROM memory_texts WHERE memory_key = :key",
)
_BURY = """
UPDATE memories
SET created_by = NULL, last_accessed = NULL, access_count = 0,
    forgotten_at = :at, forgotten_reason = :reason, has_traces = 1
WHERE key = :key
"""
# A full-text index only marks what is deleted, and names it again to do so.
_INDEX_ANEW = "INSERT INTO memory_fts (memory_fts) VALUES ('rebuild')"


def erase(tx: apsw.Connection, memory: str, at: str, reason: str | None = None) -> None:
    """Leaves of the memory its id, type, and when it was made and forgotten. A DriftError when there is none."""
    memories.get(tx, memory, at)
    with _overwriting(tx):
        _erase_rows(tx, _key(tx, memory), at, reason)
        _make_indexes_anew(tx)


def _erase_rows(tx: apsw.Connection, key: int, at: str, reason: str | None) -> None:
    for statement in _ERASED_ROWS:
        tx.execute(statement, {"key": key})
    tx.execute(_BURY, {"key": key, "at": at, "reason": reason})


def _make_indexes_anew(tx: apsw.Connection) -> None:
    tx.execute(_INDEX_ANEW)
    vectors.rebuild_index(tx)
    # Which of the questions asked for it cannot be told: they are kept by hashes. They are a cache.
    caches.forget_questions(tx)


@contextmanager
def _overwriting(tx: apsw.Connection) -> Iterator[None]:
    """What is deleted inside is overwritten with zeros."""
    before = tx.pragma("secure_delete")
    tx.pragma("secure_delete", True)
    try:
        yield
    finally:
        tx.pragma("secure_delete", before)


_WITH_TRACES = "SELECT key FROM memories WHERE forgotten_at IS NOT NULL AND has_traces"
_NO_TRACES = "UPDATE memories SET has_traces = 0 WHERE key = ?"


def with_traces(db: apsw.Connection) -> list[int]:
    """Tombstones of which the file or its log may still hold something: their keys."""
    return [row[0] for row in db.execute(_WITH_TRACES)]


def without_traces(tx: apsw.Connection, keys: Sequence[int]) -> None:
    """Notes that the file was written anew since these were seen by `with_traces`."""
    tx.executemany(_NO_TRACES, [(key,) for key in keys])


# ---------------------------------------------------------------- what repeats it

_KEY = "SELECT key FROM memories WHERE id = ?"


def _key(db: apsw.Connection, memory: str) -> int:
    return int(db.execute(_KEY, (words.printable(memory),)).get)


_BESIDE = """
SELECT o.id, v.summary, r.relationship, r.source_key = :key
FROM memory_relationships r
JOIN memories o ON o.key = CASE r.source_key WHEN :key THEN r.target_key ELSE r.source_key END
JOIN memory_versions v ON v.memory_key = o.key AND v.recorded_to IS NULL
WHERE :key IN (r.source_key, r.target_key)
    AND r.relationship IN ('derived_from', 'supersedes')
ORDER BY o.id
"""
_WHY = {
    ("derived_from", False): "was derived from it",
    ("derived_from", True): "it was derived from this one",
    ("supersedes", False): "superseded it",
    ("supersedes", True): "was superseded by it",
}
_OWN_TEXTS = "SELECT summary, body FROM memory_texts WHERE memory_key = ? ORDER BY key DESC LIMIT ?"
_LIKE_IT = """
SELECT m.id, v.summary, t.summary, t.body
FROM memory_fts f
JOIN memory_texts t ON t.key = f.rowid
JOIN memories m ON m.key = t.memory_key
JOIN memory_versions v ON v.memory_key = m.key AND v.recorded_to IS NULL
WHERE memory_fts MATCH :match
    AND m.key <> :key
ORDER BY f.rank
LIMIT :most
"""


def _repeating(db: apsw.Connection, key: int) -> list[Repeating]:
    found: dict[str, Repeating] = {}
    for memory, summary, relationship, is_outgoing in db.execute(_BESIDE, {"key": key}):
        found.setdefault(memory, Repeating(memory, summary, _WHY[relationship, bool(is_outgoing)]))
    wordings: list[tuple[str, str]] = list(db.execute(_OWN_TEXTS, (key, _WORDINGS)))
    for own_summary, own_body in wordings:
        own = [likeness.Statement(text) for text in (own_summary, own_body)]
        terms = words.terms(own_body, _TERMS)
        question = {"match": words.match_expression(terms), "key": key, "most": _COMPARED}
        for memory, now, summary, body in db.execute(_LIKE_IT, question) if terms else ():
            others = [likeness.Statement(text) for text in (summary, body)]
            alike = max(likeness.containment(one, other) for one in own for other in others)
            if alike >= _REPEATED:
                found.setdefault(memory, Repeating(memory, now, f"{alike:.0%} of its wording is the same"))
    return list(found.values())


# ---------------------------------------------------------------- what holds it elsewhere


def copies(home: Path, memory: str) -> Copies:
    """The copies of memories in `home`, its backups above all, that still hold this one."""
    holding: list[Path] = []
    unreadable: list[Path] = []
    for path in sorted(home.rglob("*cortex*.db")):
        if path == home / "cortex.db":
            continue
        try:
            with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
                is_held = _is_held(db, memory)
        except (apsw.Error, DriftError):  # damaged, of another program, or closed to us
            unreadable.append(path)
            continue
        if is_held:
            holding.append(path)
    return Copies(tuple(holding), tuple(unreadable))


_HAS_VERSIONS = "SELECT count(*) FROM sqlite_schema WHERE name = 'memory_versions'"
_HELD = "SELECT count(*) FROM memories WHERE id = ?"
# A tombstone is there as well, and holds nothing.
_HELD_IN_VERSIONS = """
SELECT count(*)
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key
WHERE m.id = ?
"""


def _is_held(db: apsw.Connection, memory: str) -> bool:
    # The predecessor, whose store an upgrade keeps, had no versions.
    query = _HELD_IN_VERSIONS if db.execute(_HAS_VERSIONS).get else _HELD
    return bool(db.execute(query, (words.printable(memory),)).get)


_TOMBSTONES = "SELECT id, type, created_at, forgotten_at, forgotten_reason FROM memories WHERE forgotten_at IS NOT NULL"
_STANDING = "SELECT key, forgotten_at FROM memories WHERE id = ?"
_ADD_TOMBSTONE = """
INSERT INTO memories (id, type, created_at, forgotten_at, forgotten_reason)
VALUES (?, ?, ?, ?, ?)
"""


def forget_again(restored: apsw.Connection, live: apsw.Connection | None) -> None:
    """What was forgotten since a backup was made does not come back with it. `live` None: nobody knows what was."""
    try:
        tombstones: list[tuple[str, str, str, str, str | None]] = (
            [] if live is None else list(live.execute(_TOMBSTONES))
        )
    except apsw.SQLError:  # of a schema that could not forget
        return
    restored.pragma("foreign_keys", True)  # what hangs on a wording goes with it
    restored.execute("BEGIN IMMEDIATE")
    with _overwriting(restored):
        erased = False
        for memory, kind, created_at, at, reason in tombstones:
            standing = restored.execute(_STANDING, (memory,)).fetchone()
            if standing is None:
                restored.execute(_ADD_TOMBSTONE, (memory, kind, created_at, at, reason))
            elif standing[1] is None:
                _erase_rows(restored, standing[0], at, reason)
                erased = True
        if erased:
            _make_indexes_anew(restored)
    restored.execute("COMMIT")
