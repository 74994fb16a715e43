"""What is left of a confidence: by half for every half-life, from the last use, slower for what is anchored."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import apsw
import pytest

from drift_mcp.cortex import content, moments, uses
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.filters import Filters
from drift_mcp.cortex.memories import NewMemory, Revision
from drift_mcp.cortex.opened import Opened

from .conftest import Clock

HALF_LIFE_DAYS = {
    "tribal": 365,
    "procedural": 180,
    "semantic": 90,
    "episodic": 7,
    "pattern_rationale": 180,
    "constraint_override": 90,
    "decision_context": 180,
    "code_smell": 90,
}


def wait(clock: Clock, days: float) -> None:
    clock.stamp = moments.written(moments.read(clock.stamp) + timedelta(days=days))


def used(project: Path, memory: str, at: str) -> None:
    opened = Opened.at(project / "cortex.db")
    with opened.transaction() as tx:
        uses.note(tx, [memory], at)
    opened.close()


def left(cortex: Cortex, memory: str, as_of: str | None = None) -> float:
    """What a search says is left, which is what opening it by its id says."""
    (hit,) = cortex.search(None, Filters(as_of=as_of, valid_at=as_of)).hits
    assert hit.memory == memory
    return hit.faded_confidence


@pytest.mark.parametrize(("memory_type", "days"), HALF_LIFE_DAYS.items())
def test_after_one_half_life_exactly_half_is_left(cortex: Cortex, clock: Clock, memory_type: str, days: int) -> None:
    memory = cortex.add(NewMemory(memory_type, "Sessions last thirty minutes", confidence=0.8)).memory
    assert left(cortex, memory) == 0.8
    wait(clock, days)
    assert left(cortex, memory) == pytest.approx(0.4, rel=1e-9)
    wait(clock, days)
    assert left(cortex, memory) == pytest.approx(0.2, rel=1e-9)
    (hit,) = cortex.search("sessions").hits
    assert (hit.confidence, hit.faded_confidence) == (0.8, pytest.approx(0.2, rel=1e-9))


def test_every_type_that_fades_is_in_the_table_above() -> None:
    assert {*HALF_LIFE_DAYS, "core"} == set(content.MEMORY_TYPES)


def test_core_knowledge_never_fades(cortex: Cortex, clock: Clock) -> None:
    memory = cortex.add(
        NewMemory("core", {"project": {"name": "shop", "description": "A shop"}}, confidence=0.9)
    ).memory
    wait(clock, 10_000)
    assert left(cortex, memory) == 0.9


@pytest.mark.parametrize(
    ("anchors", "stretch"),
    [
        ({}, 1.0),
        ({"importance": "low"}, 0.8),
        ({"importance": "high"}, 1.5),
        ({"importance": "critical"}, 2.0),
        ({"files": ["app/pay.py"]}, 1.3),
        ({"functions": ["app/pay.py::refund"]}, 1.3),
        ({"patterns": ["00ff00ff00ff00ff"]}, 1.3),
        ({"constraints": ["one-entry-point"]}, 1.3),
        ({"files": ["app/pay.py"], "patterns": ["00ff00ff00ff00ff"]}, 1.3),
        ({"importance": "critical", "files": ["app/pay.py"]}, 2.6),
    ],
)
def test_what_anchors_a_memory_stretches_its_half_life(
    cortex: Cortex, clock: Clock, anchors: dict[str, Any], stretch: float
) -> None:
    memory = cortex.add(NewMemory("semantic", "Sessions last thirty minutes", **anchors)).memory
    wait(clock, 90 * stretch)
    assert left(cortex, memory) == pytest.approx(0.5, rel=1e-9)


def test_support_of_another_memory_is_an_anchor_and_supporting_is_none(cortex: Cortex, clock: Clock) -> None:
    supported = cortex.add(NewMemory("semantic", "Sessions last thirty minutes")).memory
    supporting = cortex.add(NewMemory("semantic", "The session table has a column for minutes")).memory
    cortex.relate(supporting, "supports", supported)
    wait(clock, 90)
    found = {hit.memory: hit.faded_confidence for hit in cortex.search(None).hits}
    assert found[supported] == pytest.approx(0.5 ** (1 / 1.3))
    assert found[supporting] == pytest.approx(0.5)


@pytest.mark.parametrize(("days_used", "stretch"), [(1, 1.0602), (9, 1.2), (99, 1.4), (2_000, 1.5)])
def test_use_stretches_it_by_a_fifth_for_every_tenfold(
    cortex: Cortex, clock: Clock, project: Path, days_used: int, stretch: float
) -> None:
    memory = cortex.add(NewMemory("semantic", "Sessions last thirty minutes")).memory
    with apsw.Connection(str(project / "cortex.db")) as db:
        db.execute("UPDATE memories SET access_count = ?, last_accessed = ?", (days_used, clock.stamp))
    wait(clock, 90 * stretch)
    assert left(cortex, memory) == pytest.approx(0.5, rel=1e-4)


def test_it_is_counted_from_the_last_use(cortex: Cortex, clock: Clock, project: Path) -> None:
    memory = cortex.add(NewMemory("episodic", "We looked at sessions")).memory
    wait(clock, 70)
    assert left(cortex, memory) < 0.001
    used(project, memory, clock.stamp)
    assert left(cortex, memory) == 1.0


@pytest.mark.parametrize(
    ("action", "is_fresh"),
    [
        (lambda cortex, memory: cortex.revise(memory, Revision(confidence=1.0)), True),
        (lambda cortex, memory: cortex.confirm(memory), True),
        (lambda cortex, memory: (cortex.archive(memory), cortex.restore(memory)), False),
        (lambda cortex, memory: cortex.relate(memory, "related", cortex.add(NewMemory("core", "Shop")).memory), False),
    ],
    ids=["revise", "confirm", "archive and restore", "relate"],
)
def test_it_is_counted_anew_from_what_states_it_anew(cortex: Cortex, clock: Clock, action: Any, is_fresh: bool) -> None:
    memory = cortex.add(NewMemory("semantic", "Sessions last thirty minutes")).memory
    wait(clock, 90)
    action(cortex, memory)
    assert cortex.get(memory).memory.faded_confidence == pytest.approx(1.0 if is_fresh else 0.5)


def test_a_rejection_makes_nothing_fresher(cortex: Cortex, clock: Clock) -> None:
    memory = cortex.add(NewMemory("semantic", "Sessions last thirty minutes")).memory
    wait(clock, 180)
    assert left(cortex, memory) == pytest.approx(0.25)
    cortex.reject(memory)
    assert left(cortex, memory) == pytest.approx(0.7 * 0.25)


def test_of_a_moment_in_the_past_age_counts_to_that_moment(cortex: Cortex, clock: Clock, project: Path) -> None:
    memory = cortex.add(NewMemory("semantic", "Sessions last thirty minutes")).memory
    after: dict[str, float] = {}
    for day in range(0, 360, 30):
        if day in (120, 240):
            used(project, memory, clock.stamp)
        if day == 180:
            cortex.revise(memory, Revision(importance="high", files=["app/pay.py"]))
        after[clock.stamp] = left(cortex, memory)
        wait(clock, 30)
    # Every moment is answered from here as it was answered then.
    assert {when: left(cortex, memory, when) for when in after} == pytest.approx(after)
    assert len({round(value, 6) for value in after.values()}) > 6
    shown = cortex.get(memory, "2026-06-20").memory
    assert (shown.uses, shown.last_used) == (1, "2026-05-01T00:00:00.000Z")


def test_of_a_moment_to_come_nothing_is_known(cortex: Cortex, clock: Clock) -> None:
    memory = cortex.add(NewMemory("semantic", "Sessions last thirty minutes")).memory
    wait(clock, 90)
    assert left(cortex, memory, "2030-01-01") == pytest.approx(0.5)


def test_the_view_says_the_same(cortex: Cortex, clock: Clock, project: Path) -> None:
    clock.set("2024-01-01")
    plain = cortex.add(NewMemory("tribal", "Cards are charged once")).memory
    for n, importance in enumerate(("low", "normal", "high", "critical")):
        for links in ({}, {"files": ["app/pay.py"]}, {"patterns": ["00ff00ff00ff00ff"]}):
            wait(clock, 10)
            memory = cortex.add(
                NewMemory("procedural", f"Ship {n} {sorted(links)}", importance=importance, **links)
            ).memory
            cortex.relate(memory, "supports" if n % 2 else "related", plain)
            if n == 2:
                used(project, memory, clock.stamp)
            if n == 3:
                cortex.reject(memory)
    clock.stamp = moments.now()
    with apsw.Connection(str(project / "cortex.db"), flags=apsw.SQLITE_OPEN_READONLY) as db:
        rows = dict(db.execute("SELECT id, faded_confidence FROM v_memories").fetchall())
    found = {hit.memory: hit.faded_confidence for hit in cortex.search(None, limit=50).hits}
    assert len(found) == 13
    assert rows == pytest.approx(found, rel=1e-6)
    assert len({round(value, 6) for value in found.values()}) > 8
