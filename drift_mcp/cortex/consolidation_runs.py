"""Doing what a consolidation found: in short transactions, each of which leaves the counts of its run as they are.

One run at a time. One that was killed has done what its row says, and the next one closes that row as failed and goes
on from there: an episode is archived only when all that it told is in place. Nothing is decided here.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, TypeVar

import apsw

from drift_mcp.cortex import memories
from drift_mcp.cortex.citations import Cited
from drift_mcp.cortex.consolidation import Faded, Learned, Plan, Settled
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.given import IMPORTANCES
from drift_mcp.cortex.links import Links
from drift_mcp.cortex.memories import Memory
from drift_mcp.cortex.opened import Opened
from drift_mcp.store import lock

# Who adds a memory meanwhile waits no longer than this, and what one memory takes: a millisecond.
_SLICE_SECONDS: Final = 0.025
# How long a run waits for another one to end.
_WAIT_SECONDS: Final = 30.0
# Of each kind of link, those that most of the episodes have: a memory that speaks of everything speaks of nothing.
_MOST_LINKS: Final = 20
# Episodes that are named in the content itself; relationships name them all. An id has 26 letters, and a content at
# most 64,000.
_MOST_NAMED: Final = 1_000

Clock = Callable[[], str]
_Link = TypeVar("_Link")


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did. `created` and `updated` are semantic memories; `archived`: episodes that went in whole;
    `pruned`: episodes that had faded; `overtaken`: what somebody changed after it was looked at, and was left."""

    id: str
    episodes: int
    created: int = 0
    updated: int = 0
    archived: int = 0
    pruned: int = 0
    overtaken: int = 0


def apply(opened: Opened, look: Callable[[], Plan], model: ModelIdentity | None, clock: Clock) -> tuple[Plan, Run]:
    """Everything that `look` finds when it is this run's turn. Raises AlreadyRunning while another one is at it for
    long."""
    lock_file = opened.path.with_name("consolidation.lock")
    with lock.exclusive(lock_file, wait_seconds=_WAIT_SECONDS, work="consolidation of memories"):
        return _Doing(opened, model, clock).done(look)


_BEGIN = "INSERT INTO consolidation_runs (id, started_at) VALUES (:id, :at)"
# The lock is ours: whoever began these is dead.
_ABANDONED = """
UPDATE consolidation_runs
SET status = 'failed', completed_at = :at, error = 'it was ended before it was done'
WHERE status = 'running'
"""
_COUNT = """
UPDATE consolidation_runs
SET episodes_processed = :episodes, memories_created = :created, memories_updated = :updated, memories_pruned = :pruned
WHERE id = :id
"""
_END = "UPDATE consolidation_runs SET status = :status, completed_at = :at, error = :error WHERE id = :id"


class _Doing:
    """One run. Used once."""

    def __init__(self, opened: Opened, model: ModelIdentity | None, clock: Clock) -> None:
        self._opened = opened
        self._model = model
        self._clock = clock
        self._run = Run("", 0)
        self._made: list[str | None] = []  # of each entry of the plan, the semantic memory; None: it was left

    def done(self, look: Callable[[], Plan]) -> tuple[Plan, Run]:
        self._begin()
        try:
            plan = look()
            self._run = replace(self._run, episodes=plan.episodes)
            for learned in plan.learned:
                self._learn(learned)
            self._settle(plan.settled)
            self._prune(plan.faded)
        except BaseException as problem:
            self._end("failed", f"{type(problem).__name__}: {problem}")
            raise
        self._end("completed", None)
        return plan, self._run

    def _begin(self) -> None:
        with self._opened.transaction() as tx:
            at = memories.transaction_time(tx, self._clock())
            tx.execute(_ABANDONED, {"at": at})
            self._run = replace(self._run, id=f"cons_{at[:10]}_{os.urandom(6).hex()}")
            tx.execute(_BEGIN, {"id": self._run.id, "at": at})

    def _end(self, status: str, error: str | None) -> None:
        with self._opened.transaction() as tx:
            at = memories.transaction_time(tx, self._clock())
            _count(tx, self._run)
            tx.execute(_END, {"id": self._run.id, "status": status, "at": at, "error": error})

    # -- semantic memories

    def _learn(self, learned: Learned) -> None:
        # Read before the transaction, which is to be short; versions tell whether somebody wrote meanwhile.
        with self._opened.snapshot() as db:
            now = memories.present(db, self._clock())
            as_planned = _is_as_planned(db, learned)
            told = [memories.get(db, each.episode, now) for each in learned.supporting] if as_planned else []
            known = memories.get(db, learned.memory, now) if as_planned and learned.memory is not None else None
        run, made = replace(self._run, overtaken=self._run.overtaken + 1), None
        with self._opened.transaction() as tx:
            if as_planned and _is_as_planned(tx, learned):
                at = memories.transaction_time(tx, self._clock())
                if known is None:
                    made = self._add(tx, learned, told, at)
                    run = replace(self._run, created=self._run.created + 1)
                else:
                    made = known.memory
                    self._reinforce(tx, learned, known, told, at)
                    run = replace(self._run, updated=self._run.updated + 1)
                opposed_here = [self._made[place] for place in learned.opposed_here]
                opposed = [*learned.opposed, *(each for each in opposed_here if each is not None)]
                memories.stands_to(tx, made, "derived_from", [each.episode for each in learned.supporting], at)
                memories.stands_to(tx, made, "contradicts", [each.episode for each in learned.contradicting], at)
                memories.stands_to(tx, made, "contradicts", opposed, at)
            _count(tx, run)
        self._run = run
        self._made.append(made)

    def _add(self, tx: apsw.Connection, learned: Learned, told: Sequence[Memory], at: str) -> str:
        what: dict[str, Any] = {} if learned.topic is None else {"topic": learned.topic}
        what |= {
            "knowledge": learned.knowledge,
            "consolidatedFrom": {
                "episodicMemoryIds": [each.episode for each in learned.supporting[:_MOST_NAMED]],
                "consolidationDate": at,
                "consolidationMethod": "automatic",
            },
            "supportingEvidence": len(learned.supporting),
            "contradictingEvidence": len(learned.contradicting),
            "lastReinforced": at,
        }
        return memories.learned(
            tx,
            what,
            self._model,
            at,
            tags=_chosen((), [memory.tags for memory in told], lambda tag: (tag, 0, 0)),
            links=_links(told, Links((), (), (), ())),
            importance=max((memory.importance for memory in told), key=IMPORTANCES.index),
            confidence=learned.confidence,
            valid_from=min(memory.valid_from for memory in told),  # what was seen then was true then
            reason=_reason(learned),
            by=self._run.id,
        )

    def _reinforce(self, tx: apsw.Connection, learned: Learned, known: Memory, told: Sequence[Memory], at: str) -> None:
        changes: dict[str, Any] = {
            "supportingEvidence": known.content.get("supportingEvidence", 0) + len(learned.supporting),
            "contradictingEvidence": known.content.get("contradictingEvidence", 0) + len(learned.contradicting),
        }
        if told:
            changes["lastReinforced"] = at
        memories.consolidated(
            tx,
            known.memory,
            changes,
            self._model,
            at,
            links=_links(told, Links(known.files, known.functions, known.patterns, known.constraints)),
            confidence=learned.confidence,
            reason=_reason(learned),
            by=self._run.id,
        )

    # -- episodes

    def _settle(self, settled: Sequence[Settled]) -> None:
        left: list[_Leaving] = []
        for each in settled:
            into = [*each.memories, *(self._made[place] for place in each.learned)]
            names = [memory for memory in into if memory is not None]
            if len(names) < len(into):
                self._run = replace(self._run, overtaken=self._run.overtaken + 1)
                continue
            changes = {"consolidationStatus": "consolidated", "consolidatedInto": " ".join(names)}
            left.append(_Leaving(each.episode, each.version, changes, f"consolidated into {', '.join(names)}"))
        self._archive(left, lambda run, done: replace(run, archived=run.archived + done))

    def _prune(self, faded: Sequence[Faded]) -> None:
        left = [
            _Leaving(
                each.episode,
                each.version,
                {"consolidationStatus": "pruned"},
                f"faded to {each.confidence:.2f}, and never repeated",
            )
            for each in faded
        ]
        self._archive(left, lambda run, done: replace(run, pruned=run.pruned + done))

    def _archive(self, left: Sequence[_Leaving], counted: Callable[[Run, int], Run]) -> None:
        """As many at a time as a transaction may last."""
        waiting = list(reversed(left))
        while waiting:
            with self._opened.transaction() as tx:
                at = memories.transaction_time(tx, self._clock())
                until = time.monotonic() + _SLICE_SECONDS
                done = overtaken = 0
                while waiting and (not done + overtaken or time.monotonic() < until):
                    is_done = self._archive_one(tx, waiting.pop(), at)
                    done, overtaken = done + is_done, overtaken + (not is_done)
                run = replace(counted(self._run, done), overtaken=self._run.overtaken + overtaken)
                _count(tx, run)
            self._run = run

    def _archive_one(self, tx: apsw.Connection, leaving: _Leaving, at: str) -> bool:
        if memories.version_of(tx, leaving.episode) != leaving.version:
            return False
        memories.consolidated(
            tx,
            leaving.episode,
            leaving.changes,
            self._model,
            at,
            archive_reason=leaving.reason,
            reason=leaving.reason,
            by=self._run.id,
        )
        return True


class _Leaving(NamedTuple):
    """An episode on its way into the archive."""

    episode: str
    version: int
    changes: Mapping[str, str]
    reason: str


def _count(tx: apsw.Connection, run: Run) -> None:
    tx.execute(_COUNT, {name: getattr(run, name) for name in ("id", "episodes", "created", "updated", "pruned")})


def _is_as_planned(db: apsw.Connection, learned: Learned) -> bool:
    """Whether nobody has changed since what this was made of."""
    if learned.memory is not None and memories.version_of(db, learned.memory) != learned.version:
        return False
    beside = [*(each.episode for each in learned.contradicting), *learned.opposed]
    return all(memories.version_of(db, each.episode) == each.version for each in learned.supporting) and all(
        memories.version_of(db, memory) is not None for memory in beside
    )


def _reason(learned: Learned) -> str:
    parts = []
    if learned.supporting:
        more = "" if learned.memory is None else "more "
        parts.append(f"told by {_episodes(len(learned.supporting), more)}")
    if learned.contradicting:
        parts.append(f"opposed by {_episodes(len(learned.contradicting))}: {learned.why_contradicting}")
    return "; ".join(parts)


def _episodes(number: int, more: str = "") -> str:
    return f"{number} {more}episode{'' if number == 1 else 's'}"


def _links(told: Sequence[Memory], kept: Links) -> Links:
    """Those that are kept, and of those of the episodes the ones that most of them have."""
    files = _chosen(kept.files, [each.files for each in told], lambda file: (file.file, *_lines(file)))
    functions = _chosen(kept.functions, [each.functions for each in told], lambda each: (each.function, 0, 0))
    patterns = _chosen(kept.patterns, [each.patterns for each in told], lambda name: (name, 0, 0))
    constraints = _chosen(kept.constraints, [each.constraints for each in told], lambda name: (name, 0, 0))
    return Links(files, functions, patterns, constraints)


def _lines(file: Cited) -> tuple[int, int]:
    return file.line_start or 0, file.line_end or 0


def _chosen(
    kept: Sequence[_Link], offered: Sequence[Sequence[_Link]], named: Callable[[_Link], tuple[str, int, int]]
) -> tuple[_Link, ...]:
    times = Counter(named(link) for links in offered for link in links)
    found = {named(link): link for links in offered for link in links}  # as the newest episode cites it
    found |= {named(link): link for link in kept}
    there = {named(link) for link in kept}
    most = sorted(times.keys() - there, key=lambda name: (-times[name], name))[: max(0, _MOST_LINKS - len(there))]
    return tuple(found[name] for name in sorted([*there, *most]))
