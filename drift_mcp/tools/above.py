"""Who leads to some functions, and by which way: against the calls, level by level or, where that gets wide, over the
stored arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import apsw

from drift_mcp.graph.reachability import MOST_NODES, Edge, Neighbours, Walk, walk
from drift_mcp.tables import adjacency, reach

if TYPE_CHECKING:
    from drift_mcp.graph.sweeps import Sweep

# Functions that levels reach in some 5 ms. Beyond, a sweep over arrays takes less, however many there are.
_WIDE = 2_000
# From so many starts a walk gets wide as a rule, and is not tried by levels first.
_MANY = 50


class Above:
    """The callers of one snapshot, for several walks over the same ground: what one has read, the next one has."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self._edges_into = _read_once(db)
        self._arrays: adjacency.Adjacency | None = None

    def walk(self, starts: Collection[int], *, max_depth: int) -> Walk:
        """Every function from which proven calls lead to a start, nearest first; these included. Ask for ways within
        the snapshot."""
        if len(starts) < _MANY:
            narrow = walk(starts, self._edges_into, max_depth=max_depth, max_nodes=_WIDE)
            if narrow.bound_hit != "nodes":
                return narrow
        self._arrays = self._arrays or adjacency.read(self._db)
        if self._arrays is None:
            return walk(starts, self._edges_into, max_depth=max_depth, max_nodes=MOST_NODES)
        from drift_mcp.graph.sweeps import sweep  # numpy, which only wide walks need

        swept = sweep(self._arrays.offsets, self._arrays.callers, starts, max_depth=max_depth)
        return Walk(swept.depths(), _Discovered(self._db, swept), "depth" if swept.is_cut else None)


class _Discovered:
    """Looks up the line of an edge when a way along it is shown."""

    def __init__(self, db: apsw.Connection, swept: Sweep) -> None:
        self._db = db
        self._swept = swept

    def get(self, node: int, /) -> Edge | None:
        source = self._swept.before(node)
        return None if source is None else Edge(source, node, reach.first_line(self._db, source, node))


def _read_once(db: apsw.Connection) -> Neighbours:
    known: dict[int, list[tuple[int, int, int]]] = {}

    def edges_into(keys: Sequence[int]) -> Iterable[tuple[int, int, int]]:
        new = [key for key in keys if key not in known]
        known.update((key, []) for key in new)
        for edge in reach.edges_into(db, new):
            known[edge[0]].append(edge)
        return [edge for key in keys for edge in known[key]]

    return edges_into
