"""All proven calls as two arrays, callers by callee: what a walk through a large part of the graph reads at once.

Follows from `function_calls` and holds nothing else. A store without it answers the same, level by level.
"""

from __future__ import annotations

from typing import NamedTuple

import apsw

# Below this many call sites a walk by levels takes some milliseconds, and arrays would only cost the load of numpy.
LEAST_SITES = 20_000


class Adjacency(NamedTuple):
    """Compressed sparse rows: the callers of function f are callers[offsets[f] : offsets[f + 1]]."""

    functions: int  # the greatest id that takes part
    edges: int
    offsets: bytes  # int32, little-endian, functions + 2 of them
    callers: bytes  # int32, little-endian, ascending for each callee


_SITES = "SELECT count(*) FROM function_calls WHERE callee_id IS NOT NULL"

# As text: one row of 16 million digits comes in half the time of three million pairs.
_PAIRS = """
SELECT group_concat(c.callee_id || ' ' || c.caller_id, ' ')
FROM function_calls c
WHERE c.callee_id IS NOT NULL
    AND c.resolution IN (SELECT id FROM resolutions WHERE proven)
"""

_WRITE = """
INSERT INTO call_adjacency (id, functions, edges, offsets, callers)
VALUES (1, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    functions = excluded.functions,
    edges = excluded.edges,
    offsets = excluded.offsets,
    callers = excluded.callers
"""


def refresh(tx: apsw.Connection) -> None:
    """Makes the arrays anew; every change of `function_calls` ends with it. A small graph has none."""
    found = _counted(tx)
    if found is None:
        tx.execute("DELETE FROM call_adjacency")
    else:
        tx.execute(_WRITE, found)


def _counted(db: apsw.Connection) -> Adjacency | None:
    if db.execute(_SITES).get < LEAST_SITES:
        return None
    import numpy as np  # 60 ms and 20 MB, which a small project never pays

    text = db.execute(_PAIRS).get
    pairs = np.fromstring(text or "", dtype=np.int64, sep=" ").reshape(-1, 2)
    functions = int(pairs.max(initial=0))
    # One number for each edge sorts and tells repeated ones in one go: both ids are below 2^31, for int32 holds them.
    edges = np.unique((pairs[:, 0] << 32) | pairs[:, 1])
    offsets = np.zeros(functions + 2, dtype="<i4")
    np.cumsum(np.bincount(edges >> 32, minlength=functions + 1), out=offsets[1:])
    callers = (edges & 0xFFFFFFFF).astype("<i4")
    return Adjacency(functions, len(edges), offsets.tobytes(), callers.tobytes())


# ---------------------------------------------------------------------------------------------------------------------

_READ = "SELECT functions, edges, offsets, callers FROM call_adjacency"


def read(db: apsw.Connection) -> Adjacency | None:
    """None: the graph is small."""
    row = db.execute(_READ).fetchone()
    return None if row is None else Adjacency(*row)


def is_true(db: apsw.Connection) -> bool:
    """Whether the arrays say what `function_calls` says. Costs as much as making them."""
    return read(db) == _counted(db)
