"""Runs of the quality gates, and the states of branches that they compare with.

First what writes, then what reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables import difference


class NewRun(NamedTuple):
    id: str
    started_at: str
    branch: str | None = None
    base_branch: str | None = None
    completed_at: str | None = None  # None: not yet
    status: str = "running"  # then 'passed' or 'failed'
    gates_run: str | None = None  # JSON
    results: str | None = None  # JSON
    policy: str | None = None


_PUT = """
INSERT INTO quality_gate_runs (
    id, started_at, branch, base_branch, completed_at, status, gates_run, results, policy
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    started_at = excluded.started_at,
    branch = excluded.branch,
    base_branch = excluded.base_branch,
    completed_at = excluded.completed_at,
    status = excluded.status,
    gates_run = excluded.gates_run,
    results = excluded.results,
    policy = excluded.policy
WHERE (started_at, branch, base_branch, completed_at, status, gates_run, results, policy)
    IS NOT (
        excluded.started_at, excluded.branch, excluded.base_branch, excluded.completed_at, excluded.status,
        excluded.gates_run, excluded.results, excluded.policy
    )
"""


def put(tx: apsw.Connection, runs: Iterable[NewRun]) -> None:
    """Adds runs, or says anew how they stand."""
    tx.executemany(_PUT, runs)


def replace_all(tx: apsw.Connection, runs: Iterable[NewRun]) -> None:
    """The runs that there were, in place of those that are known."""
    found = list(runs)
    kept = {one.id for one in found}
    known = tx.execute("SELECT id FROM quality_gate_runs").fetchall()
    tx.executemany("DELETE FROM quality_gate_runs WHERE id = ?", (row for row in known if row[0] not in kept))
    put(tx, found)


class NewSnapshot(NamedTuple):
    branch: str
    snapshot_at: str
    health_score: int | None = None
    pattern_count: int | None = None
    violation_count: int | None = None
    data: str | None = None  # JSON


_SNAPSHOTS = difference.Statements(
    insert="""
    INSERT INTO quality_gate_snapshots (branch, snapshot_at, health_score, pattern_count, violation_count, data)
    VALUES (?, ?, ?, ?, ?, ?)
    """,
    update="""
    UPDATE quality_gate_snapshots
    SET branch = ?, snapshot_at = ?, health_score = ?, pattern_count = ?, violation_count = ?, data = ?
    WHERE id = ?
    """,
    delete="DELETE FROM quality_gate_snapshots WHERE id = ?",
)


def put_snapshots(tx: apsw.Connection, snapshots: Iterable[NewSnapshot]) -> None:
    """Adds states of branches, or says anew those of the same moment."""
    difference.add(tx, _SNAPSHOTS, _snapshots_changed(tx, snapshots))


def replace_snapshots(tx: apsw.Connection, snapshots: Iterable[NewSnapshot]) -> None:
    """The states that gates compare with, in place of those that were."""
    difference.apply(tx, _SNAPSHOTS, _snapshots_changed(tx, snapshots))


def _snapshots_changed(tx: apsw.Connection, found: Iterable[NewSnapshot]) -> difference.Difference[NewSnapshot]:
    before = [(one.id, NewSnapshot(*one[1:])) for one in every_snapshot(tx)]
    return difference.between(before, found, lambda one: one[:2])


# ---------------------------------------------------------------------------------------------------------------------


class Run(NamedTuple):
    id: str
    branch: str | None
    base_branch: str | None
    started_at: str
    completed_at: str | None
    status: str
    gates_run: str | None
    results: str | None
    policy: str | None


_RUNS = """
SELECT id, branch, base_branch, started_at, completed_at, status, gates_run, results, policy
FROM quality_gate_runs
"""

_RUN_ORDER = "ORDER BY started_at DESC, id"


def one(db: apsw.Connection, run: str) -> Run | None:
    row = db.execute(_RUNS + "WHERE id = ?", (run,)).fetchone()
    return None if row is None else Run(*row)


def of_branch(db: apsw.Connection, branch: str) -> list[Run]:
    """The latest first."""
    return [Run(*row) for row in db.execute(_RUNS + "WHERE branch = ?" + _RUN_ORDER, (branch,))]


def every(db: apsw.Connection) -> list[Run]:
    """The latest first."""
    return [Run(*row) for row in db.execute(_RUNS + _RUN_ORDER)]


class Snapshot(NamedTuple):
    id: int
    branch: str
    snapshot_at: str
    health_score: int | None
    pattern_count: int | None
    violation_count: int | None
    data: str | None


_SNAPSHOT_COLUMNS = """
SELECT id, branch, snapshot_at, health_score, pattern_count, violation_count, data
FROM quality_gate_snapshots
"""

_SNAPSHOT_ORDER = "ORDER BY snapshot_at DESC, id DESC"


def last_snapshot(db: apsw.Connection, branch: str) -> Snapshot | None:
    """The state that a branch was in last."""
    row = db.execute(_SNAPSHOT_COLUMNS + "WHERE branch = ?" + _SNAPSHOT_ORDER + " LIMIT 1", (branch,)).fetchone()
    return None if row is None else Snapshot(*row)


def every_snapshot(db: apsw.Connection) -> list[Snapshot]:
    """The latest first."""
    return [Snapshot(*row) for row in db.execute(_SNAPSHOT_COLUMNS + _SNAPSHOT_ORDER)]
