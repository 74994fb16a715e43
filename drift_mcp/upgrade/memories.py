"""The predecessor's memories, from any of its eight schemas, as histories that today's `cortex.db` takes over.

- Columns are right about who, when, how sure and whether archived; the JSON in `content` is right about what the type
  holds. It also repeats the columns, as they were when it was last written.
- No version but the last was ever kept. What supersedes another one ends that one's time, as it should have.
- Content is taken as it is, also where its type would ask for more: a memory that was saved half is still one.
- Vectors are read from the tables behind the index, which need no extension, and nothing says which model made them.
- What today's store has no table for (causes, conversations, snapshots of tokens, clusters) is carried, row by row.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import apsw

from drift_mcp.cortex import content, credentials, moments
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.memories import RELATIONSHIPS
from drift_mcp.cortex.transfer import adoption, histories
from drift_mcp.cortex.transfer.adoption import Adopted, Foundling
from drift_mcp.errors import DriftError
from drift_mcp.store import elsewhere
from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.proof import NotProven
from drift_mcp.upgrade.records import Record, Unfit, Where, moment, path, printable, shown
from drift_mcp.upgrade.sources import Source
from drift_mcp.upgrade.vec0 import Vectors

NO_VERSIONS: Final = "taken over from the old tool, which kept no versions"
THERE: Final = "already there"
LONGER: Final = "what was here is longer by it"
KEPT: Final = "the store has another history of it, which stays"
IN_SEVERAL: Final = "told in several files"
NEWER: Final = "told in several files: the later telling was taken, the other stays in the archive"
WITH_MEMORY: Final = "its memory was there already"

# What every memory repeats in its JSON, and a column says.
_COMMON: Final = frozenset(
    (
        "id", "type", "transactionTime", "validTime", "confidence", "importance", "lastAccessed", "accessCount",
        "summary", "linkedPatterns", "linkedConstraints", "linkedFiles", "linkedFunctions", "createdAt", "updatedAt",
        "createdBy", "tags", "archived", "archiveReason", "supersededBy", "supersedes", "lastValidated",
    )
)  # fmt: skip
# Tables that have no place of their own today.
_CARRIED: Final = (
    "causal_edges", "session_contexts", "consolidation_triggers", "token_usage_snapshots", "memory_clusters",
    "memory_cluster_members", "memory_contradictions", "memory_usage_history",
)  # fmt: skip
# Tables whose rows become a part of their memory.
_BELONGING: Final = (
    "memory_patterns", "memory_constraints", "memory_files", "memory_functions", "memory_validation_history",
)  # fmt: skip
_READ: Final = (
    "memories", "memory_relationships", "consolidation_runs", "validation_runs", "memory_embedding_link", *_BELONGING,
)  # fmt: skip
# Kept for the index, or by SQLite; and the old schema's own version.
_MACHINERY: Final = ("schema_migrations", "memory_embeddings")


_Placed: TypeAlias = tuple[Where, dict[str, Any]]


class _Event(NamedTuple):
    """`other` came into a relationship to a memory; with `is_its_end` it superseded it."""

    at: str
    other: str
    is_its_end: bool


@dataclass(slots=True)
class Old:
    """One database, read."""

    source: Source
    memories: list[Foundling] = field(default_factory=list)
    relationships: list[histories.Relationship] = field(default_factory=list)
    runs: list[histories.Run] = field(default_factory=list)
    carried: list[Record] = field(default_factory=list)
    belonging: Counter[tuple[str, str]] = field(default_factory=Counter)  # (table, memory) → rows that went into it


def read(source: Source, scratch: Path, root: str | None, account: Account) -> Old:
    """What stands in one database. Rows that cannot be taken are refused in the account. Raises DriftError when the
    file is no database."""
    old = Old(source)
    with elsewhere.copied(source.path, scratch) as db:
        there = elsewhere.tables(db)
        rows = {name: list(elsewhere.rows(db, name)) for name in there if name in (*_READ, *_CARRIED)}
        _Reader(old, rows, root, account, Vectors(db, there)).run()
        for table in there:
            if table in rows or table.startswith(_MACHINERY):
                continue
            if count := sum(1 for _ in elsewhere.rows(db, table)):
                what = f"{table}, a table that is not known, has {count:,} rows. They stay in the archive."
                account.note(f"{source.name}: {what}")
    return old


def take_over(olds: list[Old], cortex: Cortex, account: Account) -> None:
    """Writes what was read into today's `cortex.db`, in one transaction, and proves it before that counts."""
    memories = _once(olds, account)
    relationships = [each for old in olds for each in old.relationships]
    runs = [each for old in olds for each in old.runs]
    if not (memories or relationships or runs):
        return
    belonging = sum((old.belonging for old in olds), Counter[tuple[str, str]]())

    def look(tx: apsw.Connection, adopted: Adopted) -> None:
        if adopted.problems:
            raise NotProven(
                f"The old memories cannot be taken over: {adopted.problems[0].what} Nothing was changed. Please report "
                "this."
            )
        for each in memories:
            if adopted.memories[each.history.id] == "imported" and not adoption.stands(tx, each.history):
                raise NotProven(
                    f"The memory {each.history.id} does not stand in the store as it was to. Nothing was changed, and "
                    "the old files are as they were. Please report this."
                )
        _book(account, adopted, runs, belonging, vectors=sum(each.vector is not None for each in memories))

    cortex.adopt(memories, relationships, runs, look)


def _once(olds: list[Old], account: Account) -> list[Foundling]:
    """Of a memory that stands in several databases the one that was changed last; of equals the first."""
    chosen: dict[str, tuple[Old, Foundling]] = {}
    for old in olds:
        for each in old.memories:
            memory = each.history.id
            if memory not in chosen:
                chosen[memory] = old, each
                continue
            left = old, each
            if each.history.last_instant > chosen[memory][1].history.last_instant:
                left, chosen[memory] = chosen[memory], left
            account.merged("memories", IN_SEVERAL if chosen[memory][1].history == left[1].history else NEWER)
            if left[1].vector is not None:
                account.merged("memory_embedding_link", IN_SEVERAL)
            for table in _BELONGING:
                account.merged(table, IN_SEVERAL, left[0].belonging.pop((table, memory), 0))
    return [each for _, each in chosen.values()]


def _book(
    account: Account,
    adopted: Adopted,
    runs: list[histories.Run],
    belonging: Counter[tuple[str, str]],
    vectors: int,
) -> None:
    reasons = {"already there": THERE, "merged": LONGER, "kept": KEPT}
    for outcome in adopted.memories.values():
        _count(account, "memories", outcome, reasons)
    for outcome in adopted.relationships:
        _count(account, "memory_relationships", outcome, reasons)
    for run, outcome in zip(runs, adopted.runs, strict=True):
        table = "consolidation_runs" if isinstance(run, histories.ConsolidationRun) else "validation_runs"
        _count(account, table, outcome, reasons)
    for (table, memory), rows in belonging.items():
        if adopted.memories.get(memory) in ("imported", "merged"):
            account.moved(table, rows)
        else:
            account.merged(table, WITH_MEMORY, rows)
    if vectors:
        account.moved("memory_embedding_link", adopted.vectors)
        account.merged("memory_embedding_link", WITH_MEMORY, vectors - adopted.vectors)


def _count(account: Account, domain: str, outcome: str, reasons: Mapping[str, str]) -> None:
    if outcome == "imported":
        account.moved(domain)
    else:
        account.merged(domain, reasons[outcome])


class _Reader:
    """Reads the rows of one database into `old`. Used once."""

    def __init__(
        self, old: Old, rows: Mapping[str, list[dict[str, Any]]], root: str | None, account: Account, vectors: Vectors
    ) -> None:
        self._old = old
        self._rows = rows
        self._root = root
        self._account = account
        self._vectors = vectors
        self._now = moments.now()
        self._of: dict[tuple[str, str], list[_Placed]] = defaultdict(list)  # (table, memory) → its rows
        self._ids: set[str] = set()
        self._events: dict[str, list[_Event]] = defaultdict(list)  # memory → what happened to it after it was recorded

    def run(self) -> None:
        known = {str(row.get("id")) for row in self._rows.get("memories", ())}
        for table in _BELONGING:
            for where, row in self._each(table):
                owner = str(row.get("memory_id"))
                if owner in known:
                    self._of[table, owner].append((where, row))
                else:
                    self._refuse(table, where, f"it belongs to the memory {shown(owner)}, which is not there.")
        self._relate(known)
        for where, row in self._each("memories"):
            try:
                self._old.memories.append(self._memory(where, row))
            except DriftError as problem:
                self._refuse("memories", where, f"{str(problem).rstrip('.')}.")
                for table in _BELONGING:
                    for place, _ in self._of[table, str(row.get("id"))]:
                        self._refuse(table, place, "its memory was refused.")
        taken = {each.history.id for each in self._old.memories}
        self._old.memories = [self._with_events(each, taken) for each in self._old.memories]
        self._leave_unrelated(taken)
        self._look_at_vectors(taken)
        self._runs()
        self._carry()

    def _each(self, table: str) -> Iterator[tuple[Where, dict[str, Any]]]:
        """Rows with their places; each is counted as found."""
        for number, row in enumerate(self._rows.get(table, ()), 1):
            self._account.found(table)
            yield Where(self._old.source.name, f"row {number} of {table}"), row

    def _refuse(self, table: str, where: Where, reason: str) -> None:
        self._account.refused(table, str(where), reason)

    # -- one memory

    def _memory(self, where: Where, row: Mapping[str, Any]) -> Foundling:
        memory = row.get("id")
        if not isinstance(memory, str) or not memory.startswith("mem_") or memory == "mem_":
            raise Unfit(f"its id is {shown(memory)}, and ids begin with mem_")
        if memory in self._ids:
            raise Unfit(f"its id {memory} stands here twice")
        self._ids.add(memory)
        kind = content.type_named(str(row.get("type")))
        told = self._json(row.get("content"))
        what = {name: value for name, value in told.items() if name not in _COMMON}
        summary = _first_text(told.get("summary"), row.get("summary"), content.summary(kind, what), memory)
        if any(credentials.is_in(text) for _, text in content.texts_in({**what, "summary": summary})):
            self._account.note(
                f"The memory {memory} seems to hold a password, key or token. It was taken over as it is; "
                f"`drift memory forget {memory}` erases it."
            )
        recorded = min(moment(row.get("recorded_at") or row.get("created_at")), self._now)
        valid_from = moment(row.get("valid_from") or recorded)
        valid_until = _time(row.get("valid_until"))
        if valid_until is not None and valid_until < valid_from:
            raise Unfit(f"it is valid until {valid_until}, and only from {valid_from}")
        first = histories.Version(
            version=1,
            recorded_at=recorded,
            recorded_to=None,
            valid_from=valid_from,
            valid_until=valid_until,
            content=printable(histories.as_json(what)),
            summary=summary,
            confidence=_share(row.get("confidence")),
            importance=_word(row.get("importance"), ("low", "normal", "high", "critical"), "normal"),
            tags=histories.as_json(_texts(row.get("tags"), told.get("tags"))),
            archived=int(row.get("archived") in (1, True, "1")),
            archive_reason=_text(row.get("archive_reason")),
            superseded_by=None,
            last_validated=_time(row.get("last_validated")),
            change="imported",
            reason=NO_VERSIONS,
            changed_by=_text(row.get("created_by")),
        )
        # All that may refuse the memory stands above what counts the rows that belong to it.
        created, used, uses = moment(row.get("created_at") or recorded), _time(row.get("last_accessed")), _uses(row)
        patterns = self._names(memory, "memory_patterns", "pattern_id", told.get("linkedPatterns"))
        constraints = self._names(memory, "memory_constraints", "constraint_id", told.get("linkedConstraints"))
        history = histories.History(
            id=memory,
            type=kind,
            created_at=created,
            created_by=_text(row.get("created_by")),
            last_accessed=used,
            access_count=uses,
            forgotten_at=None,
            versions=(first,),
            files=self._files(memory, told, recorded),
            functions=self._functions(memory, told, recorded),
            patterns=tuple(histories.Pattern(each, recorded, None) for each in patterns),
            constraints=tuple(histories.Constraint(each, recorded, None) for each in constraints),
            verdicts=self._verdicts(memory),
        )
        return Foundling(history, self._vectors.of(memory))

    def _json(self, text: Any) -> dict[str, Any]:
        try:
            told = json.loads(text)
        except (TypeError, ValueError) as problem:
            raise Unfit(f"its content is no JSON: {shown(text)}") from problem
        if not isinstance(told, dict):
            raise Unfit(f"its content is {shown(text)}, not an object")
        return told

    def _with_events(self, foundling: Foundling, taken: set[str]) -> Foundling:
        """With a version for each relationship that it entered into, as today's changes have them."""
        versions = list(foundling.history.versions)
        for event in sorted(self._events[foundling.history.id]):
            if event.other not in taken:
                continue
            last = versions[-1]
            at = max(event.at, moments.just_after(last.recorded_at))
            changed = last._replace(version=last.version + 1, recorded_at=at, change="linked", reason=None)
            if event.is_its_end:
                until = max(last.valid_from, event.at)
                until = until if last.valid_until is None else min(until, last.valid_until)
                changed = changed._replace(valid_until=until, superseded_by=event.other, change="superseded")
            versions[-1:] = [last._replace(recorded_to=at), changed]
        return foundling._replace(history=foundling.history._replace(versions=tuple(versions)))

    def _names(self, memory: str, table: str, column: str, also: Any) -> list[str]:
        """What the link table names, and what only the JSON does."""
        named: dict[str, None] = {}
        for where, row in self._of[table, memory]:
            text = _text(row.get(column))
            if text is None:
                self._refuse(table, where, f"its {column} is {shown(row.get(column))}.")
            elif text in named:
                self._account.merged(table, "told twice in one file")
            else:
                named[text] = None
                self._old.belonging[table, memory] += 1
        for each in also if isinstance(also, list) else ():
            if (text := _text(each)) is not None:
                named[text] = None
        return sorted(named)

    def _files(self, memory: str, told: Mapping[str, Any], recorded: str) -> tuple[histories.File, ...]:
        """Cited with no hash of ours: the old tool's covered other lines. So they count as changed until looked at."""
        cited: dict[tuple[str, int | None, int | None], None] = {}
        for where, row in self._of["memory_files", memory]:
            try:
                file = path(row.get("file_path"), self._root)
                first, last = row.get("line_start"), row.get("line_end")
                lines = (first, max(first, last or first)) if isinstance(first, int) and first >= 1 else (None, None)
            except (Unfit, TypeError) as problem:
                self._refuse("memory_files", where, f"{problem}.")
                continue
            cited[file, *lines] = None
            self._old.belonging["memory_files", memory] += 1
        known = {file for file, _, _ in cited}
        also = told.get("linkedFiles")
        for each in also if isinstance(also, list) else ():
            try:
                file = path(each, self._root)
            except Unfit:
                continue  # it stays in nothing but the old JSON, which the archive keeps
            if file not in known:
                cited[file, None, None] = None
        return tuple(
            histories.File(file, first, last, None, None, None, None, None, recorded, None)
            for file, first, last in sorted(cited, key=lambda each: (each[0], each[1] or 0, each[2] or 0))
        )

    def _functions(self, memory: str, told: Mapping[str, Any], recorded: str) -> tuple[histories.Function, ...]:
        named = self._names(memory, "memory_functions", "function_id", told.get("linkedFunctions"))
        return tuple(histories.Function(each, None, None, None, None, None, None, recorded, None) for each in named)

    def _verdicts(self, memory: str) -> tuple[histories.Verdict, ...]:
        verdicts = []
        for where, row in self._of["memory_validation_history", memory]:
            try:
                verdicts.append(
                    histories.Verdict(
                        version=1,
                        action=_word(row.get("action"), ("confirmed", "rejected", "modified"), None),
                        previous_confidence=_share(row.get("previous_confidence")),
                        new_confidence=_share(row.get("new_confidence")),
                        feedback=_text(row.get("feedback")),
                        validated_at=moment(row.get("validated_at")),
                        validated_by=_text(row.get("validated_by")),
                        session_id=_text(row.get("session_id")),
                    )
                )
                self._old.belonging["memory_validation_history", memory] += 1
            except Unfit as problem:
                self._refuse("memory_validation_history", where, f"{problem}.")
        return tuple(verdicts)

    # -- all memories

    def _relate(self, known: set[str]) -> None:
        seen: set[tuple[str, str, str]] = set()
        for where, row in self._each("memory_relationships"):
            source, target, word = (str(row.get(name)) for name in ("source_id", "target_id", "relationship"))
            try:
                if word not in RELATIONSHIPS:
                    raise Unfit(f"its relationship is {shown(word)}, not one of {', '.join(RELATIONSHIPS)}")
                if source == target or not {source, target} <= known:
                    raise Unfit(f"it leads from {shown(source)} to {shown(target)}, which are no two memories here")
                at = min(moment(row.get("created_at")), self._now)
                strength = _share(row.get("strength", 1.0))
            except Unfit as problem:
                self._refuse("memory_relationships", where, f"{problem}.")
                continue
            if (source, target, word) in seen:
                self._account.merged("memory_relationships", "told twice in one file")
                continue
            seen.add((source, target, word))
            self._old.relationships.append(histories.Relationship(source, target, word, strength, at, None))
            self._events[source].append(_Event(at, target, False))
            if word == "supersedes":
                self._events[target].append(_Event(at, source, True))
        for row in self._rows.get("memories", ()):
            by = row.get("superseded_by")
            events = self._events[str(row.get("id"))]
            if isinstance(by, str) and by != row.get("id") and not any(each.is_its_end for each in events):
                events.append(_Event(self._when(row.get("updated_at")), by, True))

    def _when(self, told: Any) -> str:
        try:
            return min(moment(told), self._now)
        except Unfit:
            return self._now

    def _leave_unrelated(self, taken: set[str]) -> None:
        """Relationships of memories that were refused."""
        related = self._old.relationships
        self._old.relationships = [each for each in related if {each.source, each.target} <= taken]
        for each in related:
            if not {each.source, each.target} <= taken:
                where = Where(self._old.source.name, f"{each.source} {each.relationship} {each.target}")
                self._refuse("memory_relationships", where, "one of its memories was refused.")

    def _look_at_vectors(self, taken: set[str]) -> None:
        for where, row in self._each("memory_embedding_link"):
            memory = str(row.get("memory_id"))
            if memory not in taken:
                self._refuse("memory_embedding_link", where, "its memory is not there, or was refused.")
            elif memory in self._vectors.problems:
                self._refuse("memory_embedding_link", where, self._vectors.problems[memory])

    def _runs(self) -> None:
        for where, row in self._each("consolidation_runs"):
            self._take_run("consolidation_runs", where, row)
        for where, row in self._each("validation_runs"):
            self._take_run("validation_runs", where, row)

    def _take_run(self, table: str, where: Where, row: Mapping[str, Any]) -> None:
        made = histories.ConsolidationRun if table == "consolidation_runs" else histories.ValidationRun
        prefix = "cons_" if table == "consolidation_runs" else "val_"
        try:
            name = str(row.get("id"))
            values: dict[str, Any] = {"id": name if name.startswith(prefix) else prefix + name}
            for column in made._fields[1:]:
                value = row.get(column)
                if column in ("started_at", "completed_at"):
                    values[column] = _time(value)
                elif column == "status":
                    values[column] = _word(value, ("running", "completed", "failed"), None)
                elif column == "error":
                    values[column] = _text(value)
                else:
                    values[column] = _whole(value)
            if values["started_at"] is None:
                raise Unfit("it does not say when it began")
            if values["status"] == "running":
                values["status"] = "failed"  # none of the past still runs
            self._old.runs.append(made(**values))
        except Unfit as problem:
            self._refuse(table, where, f"{problem}.")

    def _carry(self) -> None:
        for table in _CARRIED:
            for number, row in enumerate(self._rows.get(table, ()), 1):
                said = {name: value for name, value in row.items() if isinstance(value, str | int | float)}
                name = str(row.get("id") or ":".join(map(str, said.values())))
                values = {"table_name": table, "row_id": name, "fields": said}
                where = Where(self._old.source.name, f"row {number} of {table}")
                self._old.carried.append(Record("carried_fields", values, where))


def _time(value: Any) -> str | None:
    return None if value is None or value == "" else moment(value)


def _whole(value: Any) -> int:
    if value is None or (isinstance(value, int) and value >= 0):
        return value or 0
    raise Unfit(f"{shown(value)} is no count")


def _uses(row: Mapping[str, Any]) -> int:
    """A count that is none says nothing of the memory."""
    count = row.get("access_count")
    return max(0, int(count)) if isinstance(count, int | float) and math.isfinite(count) else 0


def _text(value: Any) -> str | None:
    return printable(value).strip() or None if isinstance(value, str) else None


def _first_text(*values: Any) -> str:
    return next(text for value in values if (text := _text(value)) is not None)


def _texts(*lists: Any) -> list[str]:
    """The first of these that is a list of texts, as JSON or as it is."""
    for given in lists:
        told = given
        if isinstance(given, str):
            try:
                told = json.loads(given)
            except ValueError:
                told = [given]
        if isinstance(told, list) and told:
            return [text for each in told if (text := _text(each)) is not None]
    return []


def _share(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    raise Unfit(f"a confidence or strength is {shown(value)}, which does not lie from 0 to 1")


def _word(value: Any, words: tuple[str, ...], default: str | None) -> str:
    if value in words:
        return str(value)
    if value is None and default is not None:
        return default
    raise Unfit(f"{shown(value)} is not one of {', '.join(words)}")
