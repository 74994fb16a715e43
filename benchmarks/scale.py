"""How the store grows with the project: loading, looking up, walking and the status from ten thousand functions to a
million, and the bytes that they take.
"""

from __future__ import annotations

import functools
import gc
import math
import random
import statistics
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from benchmarks import generated_store, table
from drift_mcp.graph.reachability import walk
from drift_mcp.graph.sweeps import sweep
from drift_mcp.project import DRIFT_ID, Project, init
from drift_mcp.store import connection, schema
from drift_mcp.tables import adjacency, bulk, reach, status

# Files, each with 20 functions and classes beside its module body, and three calls of each of those.
_FILES: Final = (500, 5_000, 50_000)
# The same project made anew so often; the largest takes a minute.
_ROUNDS: Final = (5, 3, 1)
_LOOK_UPS: Final = 2_000

# What belongs to functions and their calls; the arrays are made of them and count apart.
_PARTS: Final = """
SELECT name, sum(pgsize)
FROM dbstat
WHERE aggregate = TRUE
    AND name IN (
        SELECT name
        FROM sqlite_schema
        WHERE tbl_name IN ('functions', 'function_calls', 'call_adjacency')
    )
GROUP BY name
ORDER BY 2 DESC
"""

_MANIFEST: Final = "SELECT * FROM v_manifest"

_HUB: Final = """
SELECT callee_id
FROM function_calls
WHERE callee_id IS NOT NULL
GROUP BY callee_id
ORDER BY count(*) DESC
LIMIT 1
"""


class Size(NamedTuple):
    functions: int
    load: float  # CPU seconds
    refresh: float  # of the status
    arrays: float  # made and written
    callers: float  # one look-up
    read_status: float
    manifest: float
    walk: float  # arrays read and all callers of one function found
    reached: int
    bytes: dict[str, int]


def run(here: Path) -> None:
    sizes = [_size(here / str(number), number, rounds) for number, rounds in zip(_FILES, _ROUNDS, strict=True)]
    first, last = sizes[0], sizes[-1]
    rows = []
    for name, aim, value in _ROWS:
        values = [value(size) for size in sizes]
        rows.append(
            (
                name,
                *(table.median_ms([each]) for each in values),
                f"{math.log(values[-1] / values[0]) / math.log(last.functions / first.functions):.2f}",
                f"{values[-1] / values[0]:.2f}",
                aim,
            )
        )
    table.show(
        "scale",
        "python -m benchmarks scale",
        "",
        ("what, CPU ms", *(f"{size.functions:,} functions" for size in sizes), "exponent", "last / first", "aim"),
        rows,
        [
            f"With {generated_store.CALLS_A_FUNCTION} calls of each. Medians of {_ROUNDS} loads, {_LOOK_UPS:,} "
            f"look-ups. The walk reaches {', '.join(f'{size.reached:,}' for size in sizes)} functions.",
            "Bytes a function, with its calls: "
            + ", ".join(f"{_bytes_each(size):.0f}" for size in sizes)
            + "; aim 400.",
            "Of these, at the largest: "
            + ", ".join(f"{name} {size / last.functions:.0f}" for name, size in last.bytes.items()),
        ],
    )


_ROWS: Final[tuple[tuple[str, str, Callable[[Size], float]], ...]] = (
    ("load of functions and calls", "exponent 1.15", lambda size: size.load),
    ("direct callers of one", "1.5 times", lambda size: size.callers),
    ("status", "1 ms, exponent 0.05", lambda size: size.read_status),
    ("v_manifest", "1 ms, exponent 0.05", lambda size: size.manifest),
    ("all callers of one; from 20,000 calls on by the arrays", "150 ms", lambda size: size.walk),
    ("making the arrays", "", lambda size: size.arrays),
    ("making the status", "", lambda size: size.refresh),
)


def _bytes_each(size: Size) -> float:
    return sum(each for name, each in size.bytes.items() if name != "call_adjacency") / size.functions


def _size(root: Path, number: int, rounds: int) -> Size:
    loads = []
    for round_number in range(rounds):
        folder = root / str(round_number)
        folder.mkdir(parents=True)
        found = _made(folder, number)
        loads.append(found.load)
    return found._replace(load=statistics.median(loads))


def _made(root: Path, number: int) -> Size:
    with Project(root) as project:
        init(project)
        with project.write() as tx:
            begun = generated_store.begin(tx, root, number)
        made = generated_store.graph_rows(begun)
        gc.collect()
        gc.disable()
        with project.write() as tx:
            began = time.process_time()
            with bulk.without_indexes(tx):
                generated_store.load_graph(tx, made)
            load = time.process_time() - began
            arrays = _timed(lambda: adjacency.refresh(tx))
            refresh = _timed(lambda: status.refresh(tx))
        gc.enable()
        del made
        project.writer.optimize()
        project.writer.checkpoint()
        store = project.store
    keys = random.Random(3).sample(begun.keys, _LOOK_UPS)
    with closing(connection.open_reader(store, schema.read("drift", DRIFT_ID))) as db:
        db.execute("BEGIN")
        hub = int(db.execute(_HUB).get)
        for key in keys:
            reach.into(db, [key])  # what follows finds the pages in the cache
        # The median: a few of a large project are called from everywhere.
        callers = statistics.median(_timed(functools.partial(reach.into, db, [key])) for key in keys)
        read_status = _timed(lambda: [status.read(db) for _ in range(_LOOK_UPS)]) / _LOOK_UPS
        manifest = _timed(lambda: [db.execute(_MANIFEST).fetchall() for _ in range(_LOOK_UPS)]) / _LOOK_UPS
        reached = _walked(db, hub)
        walked = statistics.median(_timed(lambda: _walked(db, hub)) for _ in range(5))
        parts = dict(db.execute(_PARTS))
        db.execute("ROLLBACK")
    return Size(len(begun.keys), load, refresh, arrays, callers, read_status, manifest, walked, reached, parts)


def _walked(db: apsw.Connection, hub: int) -> int:
    stored = adjacency.read(db)
    if stored is None:  # a small graph has none
        return len(walk([hub], lambda found: reach.edges_into(db, found), max_depth=10**6).depths)
    return len(sweep(stored.offsets, stored.callers, [hub], max_depth=10**6).nodes)


def _timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
