"""Doing what validation found: in short transactions, each of which leaves the counts of its run as they are.

One run at a time. One that was killed has done what its row says; the next one closes that row as failed. Nothing is
decided here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import apsw

from drift_mcp.cortex import memories
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.opened import Opened
from drift_mcp.cortex.validation import Change, Opposed, Report
from drift_mcp.store import lock

# Who adds a memory meanwhile waits no longer than this, and what one memory takes: a millisecond.
_SLICE_SECONDS: Final = 0.025
# How long a run waits for another one to end.
_WAIT_SECONDS: Final = 30.0
# What follows a scan waits no longer for another process that writes: somebody may be waiting for an answer.
_GLANCE_MS: Final = 250
# As the author of the versions that a run makes.
_BY: Final = "validation"

Clock = Callable[[], str]
Begin = Callable[[], AbstractContextManager[apsw.Connection]]
"""Begins a transaction."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run did. `healed`: memories whose citations went along; `overtaken`: somebody changed them after they
    were looked at, and the next run sees them."""

    id: str
    looked_at: int
    valid: int
    stale: int
    healed: int = 0
    flagged: int = 0
    renewed: int = 0
    archived: int = 0
    related: int = 0
    overtaken: int = 0


def apply(opened: Opened, report: Report, model: ModelIdentity | None, clock: Clock) -> Run:
    """Everything that the report says it would do. Raises AlreadyRunning while another one is at it for long."""
    stale = {finding.memory for finding in report.findings if finding.is_stale or finding.is_settled}
    run = Run("", report.looked_at, report.looked_at - len(stale), len(stale))
    with _alone(opened, _WAIT_SECONDS):
        return _run(opened.transaction, run, report.changes, report.opposed, model, clock)


def follow(opened: Opened, moved: Sequence[Change], model: ModelIdentity | None, clock: Clock) -> int:
    """The same for code that only moved; how many memories went along. Hardly waits for anybody."""
    run = Run("", len(moved), 0, len(moved))
    with _alone(opened, 0.0):
        return _run(partial(opened.transaction, busy_ms=_GLANCE_MS), run, moved, (), model, clock).healed


def _alone(opened: Opened, wait_seconds: float) -> AbstractContextManager[None]:
    lock_file = opened.path.with_name("validation.lock")
    return lock.exclusive(lock_file, wait_seconds=wait_seconds, work="validation of memories")


def _run(
    begin: Begin,
    run: Run,
    changes: Sequence[Change],
    opposed: Sequence[Opposed],
    model: ModelIdentity | None,
    clock: Clock,
) -> Run:
    run = _begun(begin, run, clock)
    is_done = False
    try:
        left = list(reversed(changes))
        while left:
            run = _slice_done(begin, run, left, model, clock)
        for one in opposed:
            run = _related(begin, run, one, clock)
        is_done = True
    finally:
        with begin() as tx:
            at = memories.transaction_time(tx, clock())
            tx.execute(_END, {"id": run.id, "at": at, "status": "completed" if is_done else "failed"})
    return run


_BEGIN = """
INSERT INTO validation_runs (id, started_at, total_validated, valid_count, stale_count)
VALUES (:id, :at, :total, :valid, :stale)
"""
# The lock is ours: whoever began these is dead.
_ABANDONED = "UPDATE validation_runs SET status = 'failed', completed_at = :at WHERE status = 'running'"
_COUNT = "UPDATE validation_runs SET healed_count = :healed, flagged_count = :flagged WHERE id = :id"
_END = "UPDATE validation_runs SET status = :status, completed_at = :at WHERE id = :id"


def _begun(begin: Begin, run: Run, clock: Clock) -> Run:
    with begin() as tx:
        at = memories.transaction_time(tx, clock())
        tx.execute(_ABANDONED, {"at": at})
        run = replace(run, id=f"val_{at[:10]}_{os.urandom(6).hex()}")
        tx.execute(_BEGIN, {"id": run.id, "at": at, "total": run.looked_at, "valid": run.valid, "stale": run.stale})
    return run


def _slice_done(begin: Begin, run: Run, left: list[Change], model: ModelIdentity | None, clock: Clock) -> Run:
    """Takes changes from the end of `left` for as long as a transaction may last. The run as it is when that is
    committed, and before."""
    with begin() as tx:
        at = memories.transaction_time(tx, clock())
        until = time.monotonic() + _SLICE_SECONDS
        after = _changed(tx, run, left.pop(), model, at)
        while left and time.monotonic() < until:
            after = _changed(tx, after, left.pop(), model, at)
        _count(tx, after)
    return after


def _changed(tx: apsw.Connection, run: Run, change: Change, model: ModelIdentity | None, at: str) -> Run:
    if memories.version_of(tx, change.memory) != change.version:
        return replace(run, overtaken=run.overtaken + 1)
    if change.is_archived:
        memories.archive(tx, change.memory, at, change.reason, _BY)
        return replace(run, archived=run.archived + 1)
    memories.validated(
        tx,
        change.memory,
        model,
        at,
        links=change.links,
        confidence=change.confidence,
        is_renewed=change.is_renewed,
        reason=change.reason,
        by=_BY,
    )
    return replace(
        run,
        healed=run.healed + change.is_moved,
        flagged=run.flagged + change.is_flagged,
        renewed=run.renewed + (change.is_renewed and not change.is_moved),
    )


def _related(begin: Begin, run: Run, one: Opposed, clock: Clock) -> Run:
    # A transaction each: a memory can oppose several, and has one version at an instant.
    with begin() as tx:
        if None in (memories.version_of(tx, one.newer), memories.version_of(tx, one.older)):
            return replace(run, overtaken=run.overtaken + 1)
        at = memories.transaction_time(tx, clock())
        memories.relate(tx, one.newer, "contradicts", one.older, at, one.strength, one.reason, _BY)
        after = replace(run, related=run.related + 1)
        _count(tx, after)
    return after


def _count(tx: apsw.Connection, run: Run) -> None:
    tx.execute(_COUNT, {"id": run.id, "healed": run.healed, "flagged": run.flagged})
