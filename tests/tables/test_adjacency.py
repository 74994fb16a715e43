"""The calls as arrays say what the table of calls says."""

from __future__ import annotations

from array import array
from typing import Any

import apsw
import pytest

from drift_mcp.tables import adjacency, calls


@pytest.fixture
def no_graph_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adjacency, "LEAST_SITES", 1)


def callers(db: apsw.Connection) -> dict[int, list[int]]:
    found = adjacency.read(db)
    assert found is not None
    offsets, targets = array("i", found.offsets), array("i", found.callers)
    listed = {f: list(targets[offsets[f] : offsets[f + 1]]) for f in range(found.functions + 1)}
    return {callee: each for callee, each in listed.items() if each}


@pytest.mark.usefixtures("no_graph_is_small")
def test_callers_by_callee_each_once_and_the_proven_alone(tx: apsw.Connection, village: Any) -> None:
    village.file("a.py", "a", "b", "c", "d")
    village.calls("a>b a>b c>b b>c a?d a!d d>>lib.f d>d")
    adjacency.refresh(tx)
    a, b, c, d = (village.ids[name] for name in "abcd")
    assert callers(tx) == {b: [a, c], c: [b], d: [d]}
    assert adjacency.is_true(tx)


@pytest.mark.usefixtures("no_graph_is_small")
def test_a_change_of_the_calls_is_told_from_the_arrays_until_they_are_made_anew(
    tx: apsw.Connection, village: Any
) -> None:
    here = village.file("a.py", "a", "b")
    village.calls("a>b")
    adjacency.refresh(tx)
    calls.replace(tx, [here], ())
    assert not adjacency.is_true(tx)
    village.calls("b>a")
    adjacency.refresh(tx)
    assert adjacency.is_true(tx)
    assert callers(tx) == {village.ids["a"]: [village.ids["b"]]}


@pytest.mark.usefixtures("no_graph_is_small")
def test_a_graph_of_unproven_calls_alone_has_empty_arrays(tx: apsw.Connection, village: Any) -> None:
    village.file("a.py", "a", "b")
    village.calls("a?b")
    adjacency.refresh(tx)
    assert callers(tx) == {}
    assert adjacency.is_true(tx)


def test_a_small_graph_has_none(tx: apsw.Connection, village: Any) -> None:
    village.file("a.py", "a", "b")
    village.calls("a>b")
    adjacency.refresh(tx)
    assert adjacency.read(tx) is None
    assert adjacency.is_true(tx)
