"""Histories from elsewhere, brought into this store: all of them, or nothing.

A memory that is here already is compared with what the input tells of it. The same history, or less of it, changes
nothing; more of it is added; another one is a conflict, for neither of the two may be overwritten. Recorded times are
kept as they are. What follows from a memory (its wordings, their index rows, the marks that vectors are pending) is
made here, in the same transaction.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeVar

import apsw

from drift_mcp.cortex import content, wordings
from drift_mcp.cortex.citations import Cited, CitedFunction
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.links import Links
from drift_mcp.cortex.transfer import export
from drift_mcp.cortex.transfer.histories import (
    ConsolidationRun,
    History,
    Link,
    Relationship,
    Run,
    Version,
)
from drift_mcp.cortex.transfer.reading import Problem, Told
from drift_mcp.cortex.wordings import Wording

OnConflict = Literal["refuse", "keep"]

# What became of a line. `merged`: what was here is longer by it; `kept`: another history is here, and stays.
Outcome = Literal["imported", "merged", "already there", "kept"]


class Counts(NamedTuple):
    """Lines of one kind; the first is the sum of the others."""

    found: int
    imported: int
    merged: int
    already_there: int
    refused: int


class Taken(NamedTuple):
    """What became of an input. With `problems`, nothing was taken and the store is as it was."""

    counts: Mapping[str, Counts]  # by what the lines are about
    kept: tuple[str, ...]  # memories of which another history is here, and stays
    problems: tuple[Problem, ...]
    is_written: bool


def take(
    tx: apsw.Connection, told: Told, model: ModelIdentity | None, at: str, *, on_conflict: OnConflict, dry_run: bool
) -> Taken:
    """Takes all that was told of, or finds out what would become of it (`dry_run`)."""
    tx.execute("SAVEPOINT taking")
    merging = Merging(tx, told, model, at, on_conflict)
    problems = (*told.problems, *merging.problems)
    is_written = not problems and not dry_run
    if not is_written:
        tx.execute("ROLLBACK TO taking")
    tx.execute("RELEASE taking")
    tally: Counter[tuple[str, Outcome]] = Counter()
    tally.update(("memories", outcome) for outcome in merging.memories.values())
    tally.update(("relationships", outcome) for outcome in merging.relationships)
    tally.update(("runs", outcome) for outcome in merging.runs)
    return Taken(
        counts={about: counted(about, found, tally, bool(problems)) for about, found in told.found.items()},
        kept=tuple(memory for memory, outcome in merging.memories.items() if outcome == "kept"),
        problems=tuple(sorted(problems)),
        is_written=is_written,
    )


def counted(about: str, found: int, tally: Mapping[tuple[str, Outcome], int], is_refused: bool) -> Counts:
    """All or nothing: with one line at fault, none is imported."""
    there = tally.get((about, "already there"), 0) + tally.get((about, "kept"), 0)
    imported, merged = (0 if is_refused else tally.get((about, each), 0) for each in ("imported", "merged"))
    return Counts(found, imported, merged, there, found - imported - merged - there)


class Merging:
    """One input on its way into the store. Made within a transaction, by one thread; what it finds is read off it."""

    def __init__(
        self, tx: apsw.Connection, told: Told, model: ModelIdentity | None, at: str, on_conflict: OnConflict
    ) -> None:
        self.problems: list[Problem] = []
        self.memories: dict[str, Outcome] = {}
        self.relationships: list[Outcome] = []
        self.runs: list[Outcome] = []
        self._tx = tx
        self._model = model
        self._at = at
        self._on_conflict = on_conflict
        self._superseded: list[tuple[int, int, str]] = []  # line, key of the version, memory that superseded it
        for line, history in told.histories:
            self._memory(line, history)
        # With a memory at fault, what names it seems to be so, too; that is not told.
        self._all_are_here = not (told.problems or self.problems)
        for line, version_key, by in self._superseded:
            self._supersede(line, version_key, by)
        for line, relationship in told.relationships:
            self._relationship(line, relationship)
        for line, run in told.runs:
            self._run(line, run)

    # ------------------------------------------------------------ memories

    def _memory(self, line: int, told: History) -> None:
        stored = export.history(self._tx, told.id)
        outcome = "imported" if stored is None else self._standing(line, stored, told)
        if outcome is None:
            return
        self.memories[told.id] = outcome
        if outcome == "imported":
            self._write(line, self._added(told), told)
        elif outcome != "kept":
            key = self._key(told.id)
            assert key is not None, "it was read a moment ago"
            if outcome == "merged":
                # What both tell of is written again as it was.
                for statement in _ERASE:
                    self._tx.execute(statement, (key,))
                self._write(line, key, told)
            self._use(key, told)

    def _standing(self, line: int, stored: History, told: History) -> Outcome | None:
        """How what is here stands to what is told of it; None: it is a conflict that is refused."""
        if stored.forgotten_at is not None:
            return "already there"  # forgotten means that it does not come back
        here, there = (each.known_at(each.last_instant) for each in (stored, told))
        if here == there or stored.known_at(told.last_instant) == there:
            return "already there"
        if told.known_at(stored.last_instant) == here and told.forgotten_at is None:
            return "merged"
        if self._on_conflict == "keep":
            return "kept"
        self._refuse(line, _conflict(stored, told))
        return None

    def _added(self, memory: History) -> int:
        self._tx.execute(_ADD_MEMORY, memory[:8])
        key = self._tx.last_insert_rowid()
        for used_at in memory.uses:
            self._tx.execute(_ADD_USE, (key, used_at))
        return key

    def _use(self, key: int, told: History) -> None:
        """It was of use here and there: the last time is the later of the two, and the other a former one."""
        if told.last_accessed is not None:
            self._tx.execute(_KEEP_LAST_USE, (key,))
            for used_at in (*told.uses, told.last_accessed):
                self._tx.execute(_ADD_USE, (key, used_at))
            self._tx.execute(_USED, {"key": key, "count": told.access_count})
            self._tx.execute(_LAST_IS_NOT_FORMER, (key,))

    def _write(self, line: int, key: int, memory: History) -> None:
        for file in memory.files:
            self._tx.execute(_ADD_FILE, (key, *file))
        for function in memory.functions:
            self._tx.execute(_ADD_FUNCTION, (key, *function))
        for pattern in memory.patterns:
            self._tx.execute(_ADD_PATTERN, (key, *pattern))
        for constraint in memory.constraints:
            self._tx.execute(_ADD_CONSTRAINT, (key, *constraint))
        wordings_of: dict[object, int] = {}  # most changes leave what is said as it was
        for version in memory.versions:
            links = _links(memory, version.recorded_at)
            said = (version.content, version.summary, version.tags, links)
            if said not in wordings_of:
                wordings_of[said] = self._wording(key, memory, version, links)
            row = version._asdict() | {"memory_key": key, "text_key": wordings_of[said]}
            superseded_by = row.pop("superseded_by")
            self._tx.execute(_ADD_VERSION, row)
            if superseded_by is not None:
                self._superseded.append((line, self._tx.last_insert_rowid(), superseded_by))
        for verdict in memory.verdicts:
            self._tx.execute(_ADD_VERDICT, (key, *verdict))

    def _wording(self, key: int, memory: History, version: Version, links: Links) -> int:
        """The row of what search and the model saw of that version."""
        what, tags = json.loads(version.content), json.loads(version.tags)
        wording = Wording.of(content.type_named(memory.type), what, version.summary, tags, links)
        return wordings.key_of(self._tx, key, wording, self._model, self._at)

    def _supersede(self, line: int, version_key: int, by: str) -> None:
        key = self._key(by)
        if key is None:
            self._refuse_by_others(line, f"'superseded_by' names '{by}', {_UNKNOWN}")
        else:
            self._tx.execute(_SUPERSEDED, (key, version_key))

    # ------------------------------------------------------------ relationships

    def _relationship(self, line: int, told: Relationship) -> None:
        source, target = self._key(told.source), self._key(told.target)
        if source is None or target is None:
            field, memory = ("source", told.source) if source is None else ("target", told.target)
            self._refuse_by_others(line, f"'{field}' names '{memory}', {_UNKNOWN}")
            return
        if "kept" in (self.memories.get(told.source), self.memories.get(told.target)):
            self.relationships.append("kept")
            return
        triple = {"source": source, "target": target, "relationship": told.relationship}
        outcome: Outcome = "imported"
        stored: list[tuple[int, float, str, str | None]] = list(self._tx.execute(_RELATIONSHIPS, triple))
        for key, strength, since, until in stored:
            if (since, strength) == (told.recorded_at, told.strength) and (until == told.recorded_to or until is None):
                outcome = "already there" if until == told.recorded_to else "merged"
                self._tx.execute(_END_RELATIONSHIP, (told.recorded_to, key))
                break
            if (since, strength) == (told.recorded_at, told.strength) and told.recorded_to is None:
                outcome = "already there"  # its end is known here, and not there
                break
            if (until is None or until > told.recorded_at) and (told.recorded_to is None or told.recorded_to > since):
                if self._on_conflict == "refuse":
                    what = f"'{told.source}' {told.relationship} '{told.target}' is recorded here for that time"
                    self._refuse(line, f"{what} otherwise, since {since}. {_HOW_TO_KEEP}")
                    return
                outcome = "kept"
                break
        if outcome == "imported":
            if told.recorded_at > str(self._tx.execute(_LAST_RECORDED).get):
                # A change is recorded at a time of its own, later than all before.
                what = f"'recorded_at' ({told.recorded_at}) is later than every version of a memory."
                self._refuse_by_others(line, what)
                return
            row = triple | {"strength": told.strength, "at": told.recorded_at, "to": told.recorded_to}
            self._tx.execute(_ADD_RELATIONSHIP, row)
        self.relationships.append(outcome)

    # ------------------------------------------------------------ runs

    def _run(self, line: int, told: Run) -> None:
        if isinstance(told, ConsolidationRun):
            found, add = _CONSOLIDATION_RUN, _ADD_CONSOLIDATION_RUN
        else:
            found, add = _VALIDATION_RUN, _ADD_VALIDATION_RUN
        stored = self._tx.execute(found, (told.id,)).fetchone()
        if stored is None:
            self._tx.execute(add, told)
            self.runs.append("imported")
        elif stored == tuple(told):
            self.runs.append("already there")
        elif self._on_conflict == "keep":
            self.runs.append("kept")
        else:
            self._refuse(line, f"The run '{told.id}' is recorded here otherwise. {_HOW_TO_KEEP}")

    # ------------------------------------------------------------ all of them

    def _key(self, memory: str) -> int | None:
        found = self._tx.execute(_KEY, (memory,)).get
        return None if found is None else int(found)

    def _refuse(self, line: int, what: str) -> None:
        self.problems.append(Problem(line, what))

    def _refuse_by_others(self, line: int, what: str) -> None:
        """For what is wrong because of what other lines say, or do not."""
        if self._all_are_here:
            self._refuse(line, what)


_UNKNOWN: Final = "which is neither in the input nor here."
_HOW_TO_KEEP: Final = "With --on-conflict keep, what is here stays and the rest is imported."


def _conflict(stored: History, told: History) -> str:
    if told.forgotten_at is not None:
        return (
            f"'{told.id}' was forgotten there ({told.forgotten_at}), and is remembered here. "
            f"`drift memory forget {told.id}` erases it here too. {_HOW_TO_KEEP}"
        )
    if (stored.type, stored.created_at, stored.created_by) != (told.type, told.created_at, told.created_by):
        return f"'{told.id}' is here a memory of another kind or beginning. {_HOW_TO_KEEP}"
    pairs = zip(stored.versions, told.versions, strict=False)
    same = sum(1 for here, there in pairs if here._replace(recorded_to=None) == there._replace(recorded_to=None))
    since = f"after version {same}" if same else "from its first version on"
    return f"'{told.id}' has another history here, {since}. {_HOW_TO_KEEP}"


def _links(memory: History, at: str) -> Links:
    """What the memory was believed to speak of at that instant."""
    return Links(
        tuple(Cited(*each[:5]) for each in _believed(memory.files, at)),
        tuple(CitedFunction(*each[:3]) for each in _believed(memory.functions, at)),
        tuple(each.pattern_id for each in _believed(memory.patterns, at)),
        tuple(each.constraint_id for each in _believed(memory.constraints, at)),
    )


_L = TypeVar("_L", bound=Link)


def _believed(rows: Iterable[_L], at: str) -> list[_L]:
    return [row for row in rows if row.recorded_at <= at and (row.recorded_to is None or row.recorded_to > at)]


# ---------------------------------------------------------------- rows

_KEY = "SELECT key FROM memories WHERE id = ?"
_LAST_RECORDED = "SELECT max(recorded_at) FROM memory_versions"
_ADD_MEMORY = """
INSERT INTO memories (id, type, created_at, created_by, last_accessed, access_count, forgotten_at, forgotten_reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_USE = "INSERT OR IGNORE INTO memory_uses (memory_key, used_at) VALUES (?, ?)"
_KEEP_LAST_USE = """
INSERT OR IGNORE INTO memory_uses (memory_key, used_at)
SELECT key, last_accessed
FROM memories
WHERE key = ?
    AND last_accessed IS NOT NULL
"""
_USED = """
UPDATE memories
SET last_accessed = (SELECT max(used_at) FROM memory_uses WHERE memory_key = :key),
    access_count = max(access_count, :count, (SELECT count(*) FROM memory_uses WHERE memory_key = :key))
WHERE key = :key
"""
_LAST_IS_NOT_FORMER = """
DELETE FROM memory_uses
WHERE memory_key = ?1
    AND used_at = (SELECT last_accessed FROM memories WHERE key = ?1)
"""
_ADD_VERSION = """
INSERT INTO memory_versions
    (memory_key, version, recorded_at, recorded_to, valid_from, valid_until, content, summary, text_key, confidence,
     importance, tags, archived, archive_reason, last_validated, change, reason, changed_by)
VALUES
    (:memory_key, :version, :recorded_at, :recorded_to, :valid_from, :valid_until, :content, :summary, :text_key,
     :confidence, :importance, :tags, :archived, :archive_reason, :last_validated, :change, :reason, :changed_by)
"""
_SUPERSEDED = "UPDATE memory_versions SET superseded_by = ? WHERE key = ?"
_ADD_FILE = """
INSERT INTO memory_files
    (memory_key, file_path, line_start, line_end, content_hash, content_length, file_hash, copies, flagged, recorded_at,
     recorded_to)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_FUNCTION = """
INSERT INTO memory_functions
    (memory_key, function_id, content_hash, content_length, file_hash, copies, owner, flagged, recorded_at, recorded_to)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_PATTERN = "INSERT INTO memory_patterns (memory_key, pattern_id, recorded_at, recorded_to) VALUES (?, ?, ?, ?)"
_ADD_CONSTRAINT = """
INSERT INTO memory_constraints (memory_key, constraint_id, recorded_at, recorded_to)
VALUES (?, ?, ?, ?)
"""
_ADD_VERDICT = """
INSERT INTO memory_validation_history
    (memory_key, version, action, previous_confidence, new_confidence, feedback, validated_at, validated_by, session_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ERASE: Final = (
    "DELETE FROM memory_validation_history WHERE memory_key = ?",
    "DELETE FROM memory_versions WHERE memory_key = ?",
    "DELETE FROM memory_files WHERE memory_key = ?",
    "DELETE FROM memory_functions WHERE memory_key = ?",
    "DELETE FROM memory_patterns WHERE memory_key = ?",
    "DELETE FROM memory_constraints WHERE memory_key = ?",
)
_RELATIONSHIPS = """
SELECT key, strength, recorded_at, recorded_to
FROM memory_relationships
WHERE source_key = :source
    AND target_key = :target
    AND relationship = :relationship
"""
_END_RELATIONSHIP = "UPDATE memory_relationships SET recorded_to = ? WHERE key = ?"
_ADD_RELATIONSHIP = """
INSERT INTO memory_relationships (source_key, target_key, relationship, strength, recorded_at, recorded_to)
VALUES (:source, :target, :relationship, :strength, :at, :to)
"""
_CONSOLIDATION_RUN = """
SELECT id, started_at, completed_at, episodes_processed, memories_created, memories_updated, memories_pruned, status,
    error
FROM consolidation_runs
WHERE id = ?
"""
_ADD_CONSOLIDATION_RUN = """
INSERT INTO consolidation_runs
    (id, started_at, completed_at, episodes_processed, memories_created, memories_updated, memories_pruned, status,
     error)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_VALIDATION_RUN = """
SELECT id, started_at, completed_at, total_validated, valid_count, stale_count, healed_count, flagged_count, status
FROM validation_runs
WHERE id = ?
"""
_ADD_VALIDATION_RUN = """
INSERT INTO validation_runs
    (id, started_at, completed_at, total_validated, valid_count, stale_count, healed_count, flagged_count, status)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
