"""Walks over letter graphs: "a>b b>c" in, what is reached and by which way out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_mcp.graph.reachability import Edge, Step, walk


class Letters:
    """A graph written as "a>b b>c". The line of an edge is its place in the text, counted from 1."""

    def __init__(self, text: str) -> None:
        self.edges = [Edge(ord(pair[0]), ord(pair[2]), number) for number, pair in enumerate(text.split(), start=1)]
        self.questions = 0

    def out_of(self, nodes: Sequence[int]) -> Iterable[Edge]:
        self.questions += 1
        return [edge for edge in self.edges if edge.source in nodes]


def reached(text: str, start: str = "a", depth: int = 10) -> str:
    return "".join(map(chr, walk(map(ord, start), Letters(text).out_of, max_depth=depth).depths))


def way(text: str, to: str, start: str = "a") -> str:
    steps = walk(map(ord, start), Letters(text).out_of, max_depth=10).way_to(ord(to))
    return "".join(chr(step.node) + (str(step.line) if step.line else "") for step in steps)


@pytest.mark.parametrize(
    ("graph", "start", "expected"),
    [
        ("", "a", "a"),
        ("a>b b>c", "a", "abc"),
        ("a>b b>c", "b", "bc"),
        ("a>b b>c c>a", "a", "abc"),
        ("a>a", "a", "a"),
        ("b>a", "a", "a"),
        ("a>b a>c b>d c>d", "a", "abcd"),
        ("a>c a>b", "a", "acb"),
        ("a>b c>d", "ac", "acbd"),
        ("a>b b>a", "ab", "ab"),
    ],
)
def test_what_a_walk_reaches_nearest_first(graph: str, start: str, expected: str) -> None:
    assert reached(graph, start) == expected


@pytest.mark.parametrize(
    ("graph", "to", "expected"),
    [
        ("a>b b>c", "c", "a1b2c"),
        ("a>b b>c a>c", "c", "a3c"),
        ("a>b b>d a>c c>d", "d", "a1b2d"),
        ("a>b b>a b>c", "c", "a1b3c"),
        ("a>b", "a", "a"),
    ],
)
def test_the_way_is_a_shortest_one_with_the_line_of_each_call(graph: str, to: str, expected: str) -> None:
    assert way(graph, to) == expected


def test_a_way_against_the_calls_reads_as_the_program_runs() -> None:
    # Against the calls, the edge a>b stands for "b calls a".
    found = walk([ord("a")], Letters("a>b b>c").out_of, max_depth=10)
    assert found.way_from(ord("c")) == [Step(ord("c"), 2), Step(ord("b"), 1), Step(ord("a"), None)]


@pytest.mark.parametrize(
    ("depth", "nodes", "hit"), [(0, "a", "depth"), (1, "ab", "depth"), (2, "abc", None), (3, "abc", None)]
)
def test_the_depth_bound_is_said_only_when_more_lies_beyond_it(depth: int, nodes: str, hit: str | None) -> None:
    found = walk([ord("a")], Letters("a>b b>c c>a").out_of, max_depth=depth)
    assert ("".join(map(chr, found.depths)), found.bound_hit) == (nodes, hit)


def test_the_bound_on_nodes_is_said() -> None:
    found = walk([ord("a")], Letters("a>b a>c a>d").out_of, max_depth=9, max_nodes=3)
    assert ("".join(map(chr, found.depths)), found.bound_hit) == ("abc", "nodes")


def test_the_store_is_asked_once_per_level() -> None:
    letters = Letters("a>b a>c a>d b>e c>e d>e")
    walk([ord("a")], letters.out_of, max_depth=9)
    assert letters.questions == 3


pairs = st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg"))


@given(st.lists(pairs, max_size=30))
def test_every_way_follows_edges_of_the_graph_and_has_the_length_of_its_depth(edges: list[tuple[str, str]]) -> None:
    letters = Letters(" ".join(f"{source}>{target}" for source, target in edges))
    known = {(edge.source, edge.target, edge.line) for edge in letters.edges}
    found = walk([ord("a")], letters.out_of, max_depth=20)
    for node, depth in found.depths.items():
        steps = found.way_to(node)
        assert len(steps) == depth + 1
        for step, after in itertools.pairwise(steps):
            assert (step.node, after.node, step.line) in known


@given(st.lists(pairs, max_size=30))
def test_a_walk_reaches_what_following_edges_to_exhaustion_reaches(edges: list[tuple[str, str]]) -> None:
    closed = {"a"}
    while more := {target for source, target in edges if source in closed} - closed:
        closed |= more
    assert set(reached(" ".join(f"{source}>{target}" for source, target in edges), depth=20)) == closed
