"""Sweeps reach what walks reach, as far away, along edges that are there."""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_mcp.graph.reachability import walk
from drift_mcp.graph.sweeps import Sweep, sweep

Edges = Sequence[tuple[int, int]]


def swept(edges: Edges, starts: Sequence[int], max_depth: int) -> Sweep:
    greatest = max((node for edge in edges for node in edge), default=0)
    leads_to: list[list[int]] = [[] for _ in range(greatest + 1)]
    for source, target in sorted(set(edges)):
        leads_to[source].append(target)
    offsets, targets = array("i", [0]), array("i")
    for each in leads_to:
        targets.extend(each)
        offsets.append(len(targets))
    return sweep(offsets.tobytes(), targets.tobytes(), starts, max_depth=max_depth)


def way(found: Sweep, node: int) -> list[int]:
    """From `node` back to a start."""
    steps = [node]
    while (following := found.before(steps[-1])) is not None:
        steps.append(following)
    return steps


nodes = st.integers(1, 12)


@given(
    edges=st.lists(st.tuples(nodes, nodes), max_size=40),
    starts=st.lists(st.integers(1, 15), max_size=4, unique=True),
    max_depth=st.integers(0, 6),
)
def test_a_sweep_is_a_walk(edges: Edges, starts: Sequence[int], max_depth: int) -> None:
    walked = walk(starts, lambda asked: [(s, t, 1) for s, t in edges if s in asked], max_depth=max_depth)
    found = swept(edges, starts, max_depth)
    depths = found.depths()
    assert depths == walked.depths
    assert list(depths.values()) == sorted(depths.values())
    assert found.is_cut == (walked.bound_hit == "depth")
    for node, depth in depths.items():
        steps = way(found, node)
        assert len(steps) - 1 == depth
        assert steps[-1] in starts
        assert all((before, after) in edges for after, before in itertools.pairwise(steps))


@pytest.mark.parametrize("length", [10, 100_000])
def test_a_long_chain_ends(length: int) -> None:
    found = swept([(number, number + 1) for number in range(length)], [0], max_depth=10**9)
    assert found.depths() == {number: number for number in range(length + 1)}
    assert way(found, length) == list(range(length, -1, -1))


def test_a_ring_ends() -> None:
    found = swept([(1, 2), (2, 3), (3, 1)], [1], max_depth=10**9)
    assert (found.depths(), found.is_cut) == ({1: 0, 2: 1, 3: 2}, False)
