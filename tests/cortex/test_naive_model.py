"""Memories beside a naive model of them, through any order of changes: the model copies everything after every
transaction, and both are asked about the same pairs of times, the very instants of changes among them.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from drift_mcp.cortex import memories, moments
from drift_mcp.cortex.cortex import Cortex, Filters, NewMemory, Revision
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.errors import DriftError

from .conftest import PAY, Clock

Record = dict[str, Any]
Link = tuple[str, str, str]  # source, relationship, target

START = datetime(2026, 1, 1, tzinfo=UTC)
# Time stands still, moves on by what can just be told apart, and is set back.
MOVES = st.sampled_from([timedelta(), timedelta(milliseconds=1), timedelta(days=1), timedelta(days=-1)])
# Nonsense, so that no stem of one is a stem of another.
WORDS = st.sampled_from(["zorbak", "quimpf", "vuxxol", "brenkt", "dwajil"])
TAGS = st.lists(st.sampled_from(["billing", "api"]), unique=True, max_size=2)
FILES = st.lists(st.sampled_from(["app/pay.py", "app/pay.py:1-4", "app/cart.py"]), unique=True, max_size=2)
IMPORTANCE = st.sampled_from(["low", "normal", "high", "critical"])
CONFIDENCE = st.sampled_from([0.05, 0.3, 0.95, 1.0])
RELATIONSHIP = st.sampled_from(memories.RELATIONSHIPS)
STRENGTH = st.sampled_from([0.0, 0.5, 1.0])
TYPES = st.sampled_from(["semantic", "tribal"])


@dataclass
class State:
    records: dict[str, Record] = field(default_factory=dict)
    links: dict[Link, float] = field(default_factory=dict)


@dataclass
class Naive:
    """Every state there ever was, with the instant from which it was believed."""

    snapshots: list[tuple[str, State]] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    @property
    def now(self) -> State:
        return self.snapshots[-1][1] if self.snapshots else State()

    def instant(self, clock: str) -> str:
        """When a transaction at this moment is recorded: each has an instant of its own."""
        if not self.snapshots or clock > self.snapshots[-1][0]:
            return clock
        return _shifted(self.snapshots[-1][0], 1)

    def as_of(self, when: str) -> State:
        return next((state for instant, state in reversed(self.snapshots) if instant <= when), State())

    def versions(self, memory: str, when: str) -> list[tuple[Record, str | None]]:
        """Each record of the memory that was believed up to then, and the instant that ended it."""
        seen = [(instant, state.records[memory]) for instant, state in self.snapshots if memory in state.records]
        first = {record["version"]: record for _, record in reversed(seen)}
        began = {record["version"]: instant for instant, record in reversed(seen)}
        return [(record, began.get(version + 1)) for version, record in sorted(first.items()) if began[version] <= when]

    def boundaries(self) -> set[str]:
        """Every instant at which an answer can change."""
        met = {instant for instant, _ in self.snapshots}
        for _, state in self.snapshots:
            for record in state.records.values():
                met.add(record["valid_from"])
                met.add(record["valid_until"] or record["valid_from"])
        return met


def is_valid(record: Record, when: str) -> bool:
    return record["valid_from"] <= when and (record["valid_until"] is None or when < record["valid_until"])


class Memories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="drift-memories-"))
        (self.root / "app").mkdir()
        for name in ("pay.py", "cart.py"):
            (self.root / "app" / name).write_text(PAY)
        self.clock = Clock(moments.written(START))
        self.naive = Naive()
        self.open()

    def open(self) -> None:
        self.cortex = Cortex.open(self.root / "cortex.db", self.root, clock=self.clock, embedder=Embedder(MiniLM(None)))

    def teardown(self) -> None:
        for when in sorted(self.naive.boundaries()):
            self.compare(when, None)
            self.compare(None, when)
        self.compare(None, None)
        self.cortex.close()
        shutil.rmtree(self.root)

    # -- what changes memories

    @rule(
        data=st.data(),
        kind=TYPES,
        word=WORDS,
        severity=st.sampled_from(["info", "critical"]),
        importance=IMPORTANCE,
        confidence=CONFIDENCE,
        tags=TAGS,
        files=FILES,
    )
    def add(
        self,
        data: st.DataObject,
        kind: str,
        word: str,
        severity: str,
        importance: str,
        confidence: float,
        tags: list[str],
        files: list[str],
    ) -> None:
        supersedes = data.draw(st.none() | self.known()) if self.naive.now.records else None
        valid_from, valid_until = data.draw(st.none() | self.times()), data.draw(st.none() | self.times())
        what = {"knowledge": f"about {word}"} | ({"severity": severity} if kind == "tribal" else {})
        new = NewMemory(
            kind,
            what,
            importance=importance,
            confidence=confidence,
            tags=tags,
            files=files,
            supersedes=supersedes,
            valid_from=valid_from,
            valid_until=valid_until,
        )
        at = self.naive.instant(self.clock())
        since = valid_from or at
        if valid_until is not None and valid_until <= since:
            self.refused("not after 'valid_from'", lambda: self.cortex.add(new))
            return
        record = {
            "type": kind,
            "version": 1,
            "change": "added",
            "content": what,
            "word": word,
            "importance": importance,
            "confidence": confidence,
            "tags": tags,
            "files": sorted(files),
            "created_at": at,
            "recorded_at": at,
            "valid_from": since,
            "valid_until": valid_until,
            "archived": False,
            "archive_reason": None,
            "superseded_by": None,
            "last_validated": None,
            "reason": None,
        }
        written = self.cortex.add(new)
        same = None if supersedes or valid_from else self.very_same(record)
        if same is not None:
            assert (written.memory, written.existed) == (same, True)
            assert written.version == self.naive.now.records[same]["version"]
            return
        assert (written.version, written.existed) == (1, False)
        state = copy.deepcopy(self.naive.now)
        state.records[written.memory] = record
        if supersedes:
            self.end(state, supersedes, written.memory, since, at)
        self.naive.snapshots.append((at, state))

    def very_same(self, new: Record) -> str | None:
        alike = ("type", "content", "importance", "tags", "files", "valid_until")
        for memory, known in self.naive.now.records.items():
            stands = not known["archived"] and known["superseded_by"] is None
            if stands and known["valid_from"] <= new["recorded_at"] and all(known[name] == new[name] for name in alike):
                return memory
        return None

    @precondition(lambda self: self.naive.now.records)
    @rule(
        data=st.data(),
        word=st.none() | WORDS,
        importance=st.none() | IMPORTANCE,
        confidence=st.none() | CONFIDENCE,
        tags=st.none() | TAGS,
        files=st.none() | FILES,
    )
    def revise(
        self,
        data: st.DataObject,
        word: str | None,
        importance: str | None,
        confidence: float | None,
        tags: list[str] | None,
        files: list[str] | None,
    ) -> None:
        memory = data.draw(self.known())
        valid_from, valid_until = data.draw(st.none() | self.times()), data.draw(st.none() | self.times())
        revision = Revision(
            content=None if word is None else f"about {word}",
            importance=importance,
            confidence=confidence,
            tags=tags,
            files=files,
            valid_from=valid_from,
            valid_until=valid_until,
        )
        record = self.naive.now.records[memory]
        since, until = valid_from or record["valid_from"], valid_until or record["valid_until"]
        if (since, until) != (record["valid_from"], record["valid_until"]) and until is not None and until <= since:
            self.refused("not after 'valid_from'", lambda: self.cortex.revise(memory, revision))
            return
        changes: Record = {"valid_from": since, "valid_until": until}
        if word is not None:
            changes |= {"word": word, "content": record["content"] | {"knowledge": f"about {word}"}}
        changes |= {} if importance is None else {"importance": importance}
        changes |= {} if confidence is None else {"confidence": confidence}
        changes |= {} if tags is None else {"tags": tags}
        changes |= {} if files is None else {"files": sorted(files)}
        self.changed(memory, "revised", changes, lambda: self.cortex.revise(memory, revision, "seen"))

    @precondition(lambda self: self.naive.now.records)
    @rule(data=st.data())
    def confirm(self, data: st.DataObject) -> None:
        memory = data.draw(self.known())
        after = min(1.0, max(0.1, round(self.naive.now.records[memory]["confidence"] + 0.1, 6)))
        at = self.naive.instant(self.clock())
        changes = {"confidence": after, "last_validated": at}
        self.changed(memory, "confirmed", changes, lambda: self.cortex.confirm(memory, "seen"))

    @precondition(lambda self: self.naive.now.records)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        memory = data.draw(self.known())
        before = self.naive.now.records[memory]["confidence"]
        after = min(before, max(0.1, round(before - 0.3, 6)))
        self.changed(memory, "rejected", {"confidence": after}, lambda: self.cortex.reject(memory, "seen"))

    @precondition(lambda self: self.naive.now.records)
    @rule(data=st.data())
    def archive_or_restore(self, data: st.DataObject) -> None:
        memory = data.draw(self.known())
        if self.naive.now.records[memory]["archived"]:
            self.refused("archived already", lambda: self.cortex.archive(memory))
            back = {"archived": False, "archive_reason": None}
            self.changed(memory, "restored", back, lambda: self.cortex.restore(memory, "seen"))
        else:
            self.refused("not archived", lambda: self.cortex.restore(memory))
            away = {"archived": True, "archive_reason": "seen"}
            self.changed(memory, "archived", away, lambda: self.cortex.archive(memory, "seen"))

    @precondition(lambda self: self.naive.now.records)
    @rule(
        data=st.data(), relationship=st.sampled_from(memories.RELATIONSHIPS), strength=st.sampled_from([0.0, 0.5, 1.0])
    )
    def relate(self, data: st.DataObject, relationship: str, strength: float) -> None:
        source, target = data.draw(self.known()), data.draw(self.known())
        if source == target:
            self.refused("to itself", lambda: self.cortex.relate(source, relationship, target))
            return
        if relationship == "supersedes" and target in self.superseding(source):
            self.refused("itself superseded", lambda: self.cortex.relate(source, relationship, target))
            return
        self.changed(source, "linked", {}, lambda: self.cortex.relate(source, relationship, target, strength, "seen"))
        at, state = self.naive.snapshots[-1]
        state.links[source, relationship, target] = strength
        if relationship == "supersedes":
            since = max(state.records[source]["valid_from"], state.records[target]["valid_from"])
            self.end(state, target, source, since, at, strength)

    @precondition(lambda self: self.naive.now.records)
    @rule(data=st.data())
    def forget(self, data: st.DataObject) -> None:
        memory = data.draw(self.known())
        at = self.naive.instant(self.clock())
        assert self.cortex.forget(memory, "asked to").forgotten_at == at
        self.naive.snapshots.append((at, copy.deepcopy(self.naive.now)))
        for _, state in self.naive.snapshots:
            state.records.pop(memory, None)
            state.links = {link: strength for link, strength in state.links.items() if memory not in link}
        self.naive.forgotten.append(memory)

    @rule(by=MOVES)
    def move_the_clock(self, by: timedelta) -> None:
        self.clock.stamp = moments.written(moments.read(self.clock.stamp) + by)

    @rule()
    def reopen(self) -> None:
        self.cortex.close()
        self.open()

    def changed(self, memory: str, change: str, changes: Record, act: Callable[[], memories.Written]) -> None:
        """Does `act` to both: the next version of the memory has `changes`, and everything else as it was."""
        at = self.naive.instant(self.clock())
        written = act()
        state = copy.deepcopy(self.naive.now)
        record = state.records[memory]
        _follow(record, at, change, "seen")
        record.update(changes)
        assert (written.memory, written.version) == (memory, record["version"])
        self.naive.snapshots.append((at, state))

    def refused(self, why: str, act: Callable[[], object]) -> None:
        with pytest.raises(DriftError, match=why):
            act()

    def end(self, state: State, old: str, new: str, since: str, at: str, strength: float = 1.0) -> None:
        record = state.records[old]
        until = max(since, record["valid_from"])
        _follow(record, at, "superseded", None)
        record["valid_until"] = until if record["valid_until"] is None else min(until, record["valid_until"])
        record["superseded_by"] = new
        state.links[new, "supersedes", old] = strength

    def superseding(self, memory: str) -> list[str]:
        """What superseded the memory, what superseded that, and so on."""
        found: list[str] = []
        over = self.naive.now.records[memory]["superseded_by"]
        while over in self.naive.now.records and over not in found:
            found.append(over)
            over = self.naive.now.records[over]["superseded_by"]
        return found

    # -- what holds

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        for _ in range(3):
            self.compare(data.draw(st.none() | self.times()), data.draw(st.none() | self.times()))

    def compare(self, as_of: str | None, valid_at: str | None) -> None:
        present = max([self.clock(), *(instant for instant, _ in self.naive.snapshots[-1:])])
        believed = moments.END_OF_TIME if as_of is None else as_of
        true_at = valid_at or as_of or present
        state = self.naive.as_of(believed)
        for memory in self.naive.now.records:
            self.compare_one(memory, as_of, valid_at, state)
        for memory in self.naive.forgotten:
            for ask in (partial(self.cortex.get, memory, as_of, valid_at), partial(self.cortex.confirm, memory)):
                self.refused("was forgotten on", ask)
        for archived in (False, True):
            wanted = {
                memory: record
                for memory, record in state.records.items()
                if is_valid(record, true_at) and (archived or not record["archived"])
            }
            filters = Filters(as_of=as_of, valid_at=valid_at, include_archived=archived)
            found = self.cortex.search(None, filters, limit=100)
            assert [(hit.memory, hit.version) for hit in found.hits] == _in_order(wanted)
            assert found.total == len(wanted)
            if not archived and as_of is None and valid_at is None:
                assert self.cortex.standing().memories == len(wanted)
            for word in {record["word"] for record in wanted.values()} | {"zorbak"}:
                said = {memory for memory, record in wanted.items() if record["word"] == word}
                hits = {hit.memory for hit in self.cortex.search(word, filters, limit=100).hits}
                # What stands beside a memory that says it may be found as well, if it was believed and true then.
                beside = {end for link in state.links if said & {link[0], link[2]} for end in (link[0], link[2])}
                assert said <= hits <= said | beside & wanted.keys()

    def compare_one(self, memory: str, as_of: str | None, valid_at: str | None, state: State) -> None:
        def is_meant(record: Record) -> bool:
            return valid_at is None or is_valid(record, valid_at)

        if memory not in state.records:
            self.refused("not yet recorded", lambda: self.cortex.get(memory, as_of, valid_at))
            return
        record = state.records[memory]
        if not is_meant(record):
            self.refused("was not true at", lambda: self.cortex.get(memory, as_of, valid_at))
            return
        shown = self.cortex.get(memory, as_of, valid_at)
        found = shown.memory
        assert {
            "type": found.type,
            "version": found.version,
            "content": found.content,
            "importance": found.importance,
            "confidence": found.confidence,
            "tags": list(found.tags),
            "files": sorted(_citation(file) for file in found.files),
            "created_at": found.created_at,
            "recorded_at": found.recorded_at,
            "valid_from": found.valid_from,
            "valid_until": found.valid_until,
            "archived": found.archived,
            "archive_reason": found.archive_reason,
            "superseded_by": found.superseded_by,
            "last_validated": found.last_validated,
        } == {name: value for name, value in record.items() if name not in ("word", "change", "reason")}
        kept = ("version", "change", "reason", "recorded_at", "valid_from", "valid_until", "confidence")
        versions = self.naive.versions(memory, moments.END_OF_TIME if as_of is None else as_of)
        assert [(*(getattr(each, name) for name in kept), each.recorded_to) for each in shown.history] == [
            (*(each[name] for name in kept), ended) for each, ended in versions if is_meant(each)
        ]
        assert {(each.memory, each.relationship, each.outgoing, each.strength) for each in shown.neighbours} == {
            (target if source == memory else source, relationship, source == memory, strength)
            for (source, relationship, target), strength in state.links.items()
            if memory in (source, target) and is_meant(state.records[target if source == memory else source])
        }

    # -- what to choose from

    def known(self) -> st.SearchStrategy[str]:
        return st.sampled_from(list(self.naive.now.records))

    def times(self) -> st.SearchStrategy[str]:
        """Instants at which something changed, and those beside them; the clock's time; times before and after all."""
        known = sorted(self.naive.boundaries() | {self.clock()})
        near = [_shifted(each, by) for each in known for by in (-1, 0, 1)]
        return st.sampled_from(["2025-06-01T00:00:00.000Z", *near, "2027-06-01T00:00:00.000Z"])


def _follow(record: Record, at: str, change: str, reason: str | None) -> None:
    record.update(version=record["version"] + 1, recorded_at=at, change=change, reason=reason)


def _shifted(stamp: str, milliseconds: int) -> str:
    return moments.written(moments.read(stamp) + timedelta(milliseconds=milliseconds))


def _citation(file: Any) -> str:
    return file.file if file.line_start is None else f"{file.file}:{file.line_start}-{file.line_end}"


def _in_order(records: dict[str, Record]) -> list[tuple[str, int]]:
    """The most important and newest first."""
    ranks = ["critical", "high", "normal", "low"]
    newest: Iterable[tuple[str, Record]] = sorted(
        records.items(), key=lambda each: each[1]["recorded_at"], reverse=True
    )
    ordered = sorted(newest, key=lambda each: ranks.index(each[1]["importance"]))
    return [(memory, record["version"]) for memory, record in ordered]


TestMemories = Memories.TestCase
TestMemories.settings = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
