"""Readers beside a writer at full speed: how long they wait, how much it loses, and how long its log gets; also when
one of them never lets go.

Wall clock, because waiting is what is measured: a machine that does other things as well shows in the p99.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import generated_store, table
from drift_mcp.errors import DriftError
from drift_mcp.project import DRIFT_ID, open_project
from drift_mcp.store import schema
from drift_mcp.store.pool import ReaderPool
from drift_mcp.store.writer import Writer
from drift_mcp.tables import patterns, reach

_READERS: Final = 4
# As long as an agent takes at least until it asks again.
_THINK_SECONDS: Final = 0.001
_SECONDS: Final = 3.0
_ROUNDS: Final = 5
# Rows of one commit.
_BATCH: Final = 1_000

# A snapshot in this benchmark may take so long; the pool looks for overdue ones so often.
_PATIENCE_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.25


class Round(NamedTuple):
    rows: float  # a second
    waits: list[float]  # seconds, of all readers
    wal_bytes: int  # at its longest


def run(here: Path) -> None:
    root = here / "monolith"
    root.mkdir()
    made = generated_store.make(root)
    with open_project(root) as project:
        writer, store = project.writer, project.store
        places = _places(made.keys)
        rounds: dict[str, list[Round]] = {"alone": [], "readers": [], "held": []}
        for _ in range(_ROUNDS):
            for name, each in rounds.items():
                each.append(_round(writer, store, places, made.keys, name))
            writer.checkpoint()
    alone = statistics.median(each.rows for each in rounds["alone"])
    rows = []
    for name, told in (
        ("alone", "the writer alone"),
        ("readers", f"with {_READERS} readers"),
        ("held", "... and one that never lets go"),
    ):
        waits = [wait for each in rounds[name] for wait in each.waits]
        speed = statistics.median(each.rows for each in rounds[name])
        rows.append(
            (
                told,
                f"{speed:,.0f}",
                f"{speed / alone:.2f}",
                f"{len(waits) / _ROUNDS / _SECONDS:,.0f}" if waits else "",
                table.median_ms(waits) if waits else "",
                f"{table.percentile(waits, 0.99) * 1e3:.2f}" if waits else "",
                f"{max(each.wal_bytes for each in rounds[name]) / 1e6:.0f}",
            )
        )
    table.show(
        "busy",
        "python -m benchmarks busy",
        "",
        ("what", "rows a second", "of alone", "answers a second", "median ms", "p99", "WAL at most MB"),
        rows,
        [
            f"Wall clock; {_ROUNDS} rounds of {_SECONDS:g} s each that take turns. The writer replaces places of "
            f"patterns, {_BATCH:,} rows a commit; a reader asks for the callers of a function, "
            f"{_THINK_SECONDS * 1e3:g} ms after its last answer. The one that never lets go holds a snapshot and asks "
            f"nothing; the pool ends it {_PATIENCE_SECONDS:g} s after it began, looking each {_LOOK_SECONDS:g} s.",
            "Aims: p99 10 ms, 0.80 of its speed alone, a WAL that stays bounded.",
        ],
    )


def _places(keys: tuple[int, ...]) -> Iterator[tuple[int, list[patterns.NewLocation]]]:
    """A file, and as many places in it as a commit writes."""
    dice = random.Random(11)
    while True:
        file_id = dice.randint(1, generated_store.FILES)
        line = dice.randrange(10_000)
        yield (
            file_id,
            [
                patterns.NewLocation(f"{dice.randrange(generated_store.PATTERNS):016x}", file_id, line + number, 4)
                for number in range(_BATCH)
            ],
        )


def _round(
    writer: Writer,
    store: Path,
    places: Iterator[tuple[int, list[patterns.NewLocation]]],
    keys: tuple[int, ...],
    name: str,
) -> Round:
    pool = ReaderPool(store, schema.read("drift", DRIFT_ID), most=_READERS + 1, look_seconds=_LOOK_SECONDS)
    over = threading.Event()
    waits: list[list[float]] = [[] for _ in range(_READERS)]
    threads = []
    if name != "alone":
        threads += [threading.Thread(target=_ask, args=(pool, keys, over, waits[n], n)) for n in range(_READERS)]
    if name == "held":
        threads.append(threading.Thread(target=_hold, args=(pool, over)))
    wal = store.with_name(store.name + "-wal")
    written = wal_bytes = 0
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < _SECONDS:
        file_id, rows = next(places)
        with writer.transaction() as tx:
            patterns.replace_locations(tx, [file_id], rows)
        written += len(rows)
        wal_bytes = max(wal_bytes, wal.stat().st_size)
    over.set()
    for thread in threads:
        thread.join()
    pool.close()
    return Round(written / spent, [wait for each in waits for wait in each], wal_bytes)


def _ask(pool: ReaderPool, keys: tuple[int, ...], over: threading.Event, waits: list[float], seed: int) -> None:
    dice = random.Random(seed)
    while not over.is_set():
        time.sleep(_THINK_SECONDS)
        key = dice.choice(keys)
        began = time.perf_counter()
        with pool.snapshot() as db:
            reach.into(db, [key])
        waits.append(time.perf_counter() - began)


def _hold(pool: ReaderPool, over: threading.Event) -> None:
    with suppress(DriftError), pool.snapshot(timeout_seconds=_PATIENCE_SECONDS):
        over.wait()
