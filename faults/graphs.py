"""Calls that go a hundred thousand deep, in circles, or from everywhere to everywhere.

What is answered is held against a plain walk over the same edges, level by level.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from faults import ground
from faults.outcome import Outcome, counted
from faults.workshop import Workshop

Edges: TypeAlias = list[tuple[int, int]]

DEEP: Final = 100_000
_A_FILE: Final = 500
# As far as each question goes at the most, or by itself.
_CALLS_DEEP: Final = 20
_DATA_DEEP: Final = 50
_IMPACT_DEEP: Final = 10
_SHOWN: Final = 200


def run(folder: Path, rounds: int, seed: int, names: tuple[str, ...] = (), size: int = DEEP) -> Iterator[Outcome]:
    """`rounds`: from so many places each graph is asked about, its ends among them."""
    with Workshop(folder) as workshop:
        for name, edges in shapes(size, seed).items():
            if not names or name in names:
                yield one(workshop, name, edges, rounds, seed)


def shapes(size: int, seed: int) -> dict[str, Edges]:
    dice = random.Random(seed)
    few = max(10, round(size**0.5))  # all of these with all come to so many edges
    return {
        f"a chain of {size:,}": [(n, n + 1) for n in range(size - 1)],
        f"a circle of {size:,}": [(n, (n + 1) % size) for n in range(size)],
        f"a chain of {size // 2:,} both ways": [
            edge for n in range(size // 2 - 1) for edge in ((n, n + 1), (n + 1, n))
        ],
        f"{size // 2:,} that call themselves and the next": [
            edge for n in range(size // 2 - 1) for edge in ((n, n), (n, n + 1))
        ],
        f"all of {few:,} with all": [(a, b) for a in range(few) for b in range(few)],
        f"a tree of {size:,} that leads to one": [(n, (n - 1) // 2) for n in range(1, size)],
        f"{size // 3:,} with three calls at random": [
            (n, to) for n in range(size // 3) for to in sorted({dice.randrange(size // 3) for _ in range(3)})
        ],
    }


def one(workshop: Workshop, name: str, edges: Edges, rounds: int, seed: int) -> Outcome:
    root = workshop.folder / "graph"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    functions = 1 + max(max(edge) for edge in edges)
    dice = random.Random(f"{seed} {name}")
    places = dice.sample(range(functions), 9)
    touched = {table: places[number::3] for number, table in enumerate(("orders", "users", "logs"))}
    _write(root, functions, edges, touched)
    done = workshop.run(root, "ingest", "facts.jsonl")
    assert done.status == 0, done.said
    asked = [functions - 1, 0, *(dice.randrange(functions) for _ in range(rounds))][:rounds]
    model = _Model(edges, touched)
    wanted = [words for place in asked for words in model.questions(place)]
    done = workshop.run(root, *(json.dumps(words) for words, _ in wanted), task="answers")
    answers = done.said.split("\n==\n")
    found = [
        None if (wrong := _compared(words, answer, expected)) is None else f"{wrong} (seed {seed})"
        for (words, expected), answer in zip(wanted, answers, strict=False)
    ]
    if len(found) < len(wanted):
        found.append(f"only {len(found)} of {len(wanted)} were answered: {done.said[-500:]}")
    return counted(name, found, f"{functions:,} functions, {len(edges):,} calls")


def _write(root: Path, functions: int, edges: Edges, touched: Mapping[str, list[int]]) -> None:
    out = defaultdict(list)
    for caller, callee in edges:
        out[caller].append(callee)
    tables = {number: table for table, numbers in touched.items() for number in numbers}
    with (root / "facts.jsonl").open("w", encoding="utf-8") as file:

        def say(**row: object) -> None:
            file.write(json.dumps(row) + "\n")

        say(drift_facts=1, scanner="a graph")
        for start in range(0, functions, _A_FILE):
            ground.write(root / _path(start), "")
            say(table="files", path=_path(start), language="ruby")
        for number in range(functions):
            line = _line(number)
            kind: dict[str, object] = {"kind": "function", "start_line": line, "end_line": line + 1}
            say(table="functions", id=_id(number), name=f"f{number}", **kind)
            for place, callee in enumerate(out[number]):
                say(table="calls", caller_id=_id(number), callee_id=_id(callee), line=line + 1, column_num=place)
        for number, table in tables.items():
            access: dict[str, object] = {"operation": "read", "line": _line(number) + 1, "field_name": "name"}
            say(table="data_access", function_id=_id(number), table_name=table, **access)


def _path(number: int) -> str:
    return f"part_{number // _A_FILE}.rb"


def _line(number: int) -> int:
    return 2 * (number % _A_FILE) + 1


def _id(number: int) -> str:
    return f"{_path(number)}::f{number}"


class _Model:
    """The same graph as lists, and what is to be answered by it."""

    def __init__(self, edges: Edges, touched: Mapping[str, list[int]]) -> None:
        self._out: dict[int, list[int]] = defaultdict(list)
        self._into: dict[int, list[int]] = defaultdict(list)
        for caller, callee in edges:
            self._out[caller].append(callee)
            self._into[callee].append(caller)
        self._tables = {number: table for table, numbers in touched.items() for number in numbers}
        self._touched = touched

    def questions(self, place: int) -> Iterator[tuple[list[str], dict[str, Any]]]:
        """What is asked about a function, and the parts of its answer that are compared."""
        name = _id(place)
        deep, many = ["--depth", str(_CALLS_DEEP)], ["--limit", str(_SHOWN), "--json"]
        for word, ways in (("callers", self._into), ("callees", self._out)):
            depths = _depths([place], ways, _CALLS_DEEP)
            sites = sorted(
                (depth + 1, f"f{other}")
                for node, depth in depths.items()
                if depth < _CALLS_DEEP
                for other in ways[node]
            )
            yield [word, name, *deep, *many], {"total": len(sites), word: sites}
        depths = _depths([place], self._out, _DATA_DEEP)
        nearest: dict[str, int] = {}
        for number, depth in depths.items():
            if number in self._tables:
                nearest.setdefault(self._tables[number], depth)
        yield (
            ["reach", name, "--max-depth", str(_DATA_DEEP), "--json"],
            {"data": sorted((table, depth) for table, depth in nearest.items())},
        )
        for table, numbers in self._touched.items():
            depths = _depths(numbers, self._into, _DATA_DEEP)
            yield ["who-reaches", table, "--max-depth", str(_DATA_DEEP), *many], {"functions": len(depths)}
        depths = _depths([place], self._into, _IMPACT_DEEP)
        callers = sorted((depth, f"f{number}") for number, depth in depths.items() if depth)
        yield ["impact", name, *many], {"total": len(callers), "callers": callers}


def _depths(starts: list[int], ways: Mapping[int, list[int]], most: int) -> dict[int, int]:
    depths = dict.fromkeys(starts, 0)
    level = list(depths)
    for depth in range(1, most + 1):
        level = [other for other in dict.fromkeys(each for node in level for each in ways[node]) if other not in depths]
        depths.update(dict.fromkeys(level, depth))
    return depths


def _compared(words: list[str], answer: str, expected: Mapping[str, Any]) -> str | None:
    status, _, said = answer.partition(" ")
    if status != "0":
        return f"`drift {' '.join(words)}` ended with {status} and said {said[-500:]!r}"
    told = json.loads(said)
    for part, wanted in expected.items():
        if part == "total":
            # A walk ends at some ten thousands of functions, and says so.
            if told["total"] != wanted and not (told["total"] < wanted and told.get("bound_hit")):
                return f"`drift {' '.join(words)}` tells of {told['total']:,}, and there are {wanted:,}"
        elif part == "functions":
            if (reached := told["total"] + told["on_the_way"]["total"]) != wanted:
                return f"`drift {' '.join(words)}` tells of {reached:,}, and there are {wanted:,}"
        elif part == "data":
            found = sorted((each["table"], len(each["path"]) - 1) for each in told["data"])
            if found != wanted:
                return f"`drift {' '.join(words)}` reaches {found}, and there are {wanted}"
        else:
            found = [(each["depth"], each["function"]) for each in told[part]]
            # What is told is nearest first, and of what is equally near as much as there is room for.
            short = wanted[: len(found)]
            if [depth for depth, _ in found] != [depth for depth, _ in short] or not set(found) <= set(wanted):
                return f"`drift {' '.join(words)}` tells {found[:20]}, and there are {short[:20]}"
            if len(found) < min(len(wanted), _SHOWN):
                return f"`drift {' '.join(words)}` tells {len(found)} of {len(wanted)}"
    return None
