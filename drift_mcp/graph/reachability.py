"""Bounded walks over a directed graph, with the way to each thing that was reached.

Knows nodes as numbers and edges as what it is handed: which functions stand behind them, and in which direction the
calls run, is the caller's affair. It never says that something cannot be reached without saying whether a bound was
hit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol, TypeAlias


class Edge(NamedTuple):
    source: int
    target: int
    line: int  # of the call that makes this edge


Neighbours: TypeAlias = Callable[[Sequence[int]], Iterable[tuple[int, int, int]]]
"""All edges (source, target, line) out of some nodes at once: one question to the store per level of the walk, not one
per node."""


class Step(NamedTuple):
    """One stop on a way. `line` is where the call to the next stop stands; None at the end of the way."""

    node: int
    line: int | None


class Discoveries(Protocol):
    """Node → the edge that discovered it; starts have none. A dict is one."""

    def get(self, node: int, /) -> Edge | None: ...


@dataclass(frozen=True, slots=True)
class Walk:
    """What was reached, nearest first, with one shortest way to each."""

    depths: dict[int, int]  # node → how many edges away; in the order of discovery
    before: Discoveries
    bound_hit: Literal["depth", "nodes"] | None  # why the walk ended before the graph did

    def way_to(self, node: int) -> list[Step]:
        """From the start to `node`, along edges. In a walk against the calls, see `way_from`."""
        steps = [Step(node, None)]
        while (edge := self.before.get(steps[-1].node)) is not None:
            steps.append(Step(edge.source, edge.line))
        return steps[::-1]

    def way_from(self, node: int) -> list[Step]:
        """For a walk against the calls: from `node` down to the start, as the program would run it."""
        steps = []
        while (edge := self.before.get(node)) is not None:
            steps.append(Step(node, edge.line))
            node = edge.source
        return [*steps, Step(node, None)]


# On a store of 50,000 functions a whole walk by levels takes about 100 ms; what is beyond this many nodes is no answer
# that anybody reads.
MOST_NODES = 50_000


def walk(starts: Iterable[int], neighbours: Neighbours, *, max_depth: int, max_nodes: int = MOST_NODES) -> Walk:
    """Breadth first from all starts at once, so that each way found is a shortest one.

    Equal graphs give equal walks: edges are taken in the order of their source's discovery, then of their line.
    """
    depths = dict.fromkeys(starts, 0)
    before: dict[int, Edge] = {}
    frontier = list(depths)
    depth = 0
    while frontier:
        rank = {node: number for number, node in enumerate(frontier)}
        edges = [edge for edge in neighbours(frontier) if edge[1] not in depths]
        if not edges:
            break
        if depth == max_depth:
            return Walk(depths, before, "depth")
        edges.sort(key=lambda edge: (rank[edge[0]], edge[2], edge[1]))
        depth += 1
        frontier = []
        for edge in edges:
            target = edge[1]
            if target in depths:
                continue
            if len(depths) >= max_nodes:
                return Walk(depths, before, "nodes")
            depths[target] = depth
            before[target] = Edge(*edge)
            frontier.append(target)
    return Walk(depths, before, None)
