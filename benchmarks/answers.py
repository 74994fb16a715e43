"""What answers cost on a large store: in the server's process, over stdio, and beside the bare SQL of each question.

The store is generated (`generated_store`), so that the figures of two days can be compared.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import apsw
from mcp import Client, StdioServerParameters

from benchmarks import generated_store, table
from benchmarks.generated_store import Made
from drift_mcp.project import open_project
from drift_mcp.tables import arrays
from drift_mcp.tools import calls
from drift_mcp.tools.projects import OpenProjects

# Every question is asked so often, each time about something else; the median of these is told.
_TIMES = 200
_DEPTH = 10


class Question(NamedTuple):
    name: str
    tool: str
    arguments: Sequence[Mapping[str, Any]]
    bare: Callable[[apsw.Connection, int], object]  # the SQL that its n-th asking cannot do without


def run(here: Path) -> None:
    root = here / "monolith"
    root.mkdir()
    made = generated_store.make(root)
    questions = _questions(made)
    inside, bare = _in_process(root, questions)
    spoken = asyncio.run(_over_stdio(root, questions))
    rows = []
    for question in questions:
        own, floor, wire = inside[question.name], bare[question.name], spoken[question.name]
        rows.append(
            (
                question.name,
                table.median_ms(own),
                table.p95_ms(own),
                table.median_ms(floor),
                table.ratio(own, floor),
                table.median_ms(wire),
                table.p95_ms(wire),
                table.ratio(wire, spoken[""]),
            )
        )
    nothing = spoken[""]
    rows.append(("a tool that does nothing", "", "", "", "", table.median_ms(nothing), table.p95_ms(nothing), "1.00"))
    with open_project(root) as project, project.write() as tx:
        pragmas = table.pragmas(tx)
    table.show(
        "answers",
        "python -m benchmarks answers",
        pragmas,
        ("question", "in server ms", "p95", "bare SQL ms", "ratio", "over stdio ms", "p95", "ratio to nothing"),
        rows,
        [
            f"A generated store: {generated_store.PATTERNS:,} patterns, {len(made.functions):,} functions, "
            f"{len(made.functions) * generated_store.CALLS_A_FUNCTION:,} calls, "
            f"{generated_store.ACCESSES:,} data accesses. Medians of {_TIMES} askings of each, interleaved, each about "
            "something else. In server: from the checked words to the text, comparing files with the source included. "
            "Over stdio: with both sides of the SDK, its client in this process.",
            "Bare SQL: what an answer cannot do without, and no more; of a walk the levels, without proof and text.",
        ],
    )


def _questions(made: Made) -> list[Question]:
    dice = random.Random(5)
    number_of = dict(zip(made.functions, made.keys, strict=True))
    functions = dice.sample(made.functions, _TIMES)
    keys = [number_of[function] for function in functions]
    tables = _repeated(made.tables)
    shared = _repeated(made.shared_tables)
    nouns = _repeated(made.nouns)
    return [
        Question("drift_status", "drift_status", [{}] * _TIMES, lambda db, n: db.execute(_STATUS).fetchall()),
        Question(
            "get_callers, direct",
            "get_callers",
            [{"function": function} for function in functions],
            lambda db, n: db.execute(_CALLERS, (keys[n],)).fetchall(),
        ),
        Question(
            f"reachable_data from code, depth {_DEPTH}",
            "reachable_data",
            [{"location": function, "max_depth": _DEPTH} for function in functions],
            lambda db, n: _reached_data(db, keys[n]),
        ),
        Question(
            f"reachable_data from a table, depth {_DEPTH}",
            "reachable_data",
            [{"data": name, "max_depth": _DEPTH} for name in tables],
            lambda db, n: _reaching(db, tables[n]),
        ),
        Question(
            f"... from one that all touch, depth {_DEPTH}",
            "reachable_data",
            [{"data": name, "max_depth": _DEPTH} for name in shared],
            lambda db, n: _reaching(db, shared[n]),
        ),
        Question(
            "query_patterns, all",
            "query_patterns",
            [{}] * _TIMES,
            lambda db, n: db.execute(_PATTERNS, (None,)).fetchall(),
        ),
        Question(
            "query_patterns, a category",
            "query_patterns",
            [{"category": "errors"}] * _TIMES,
            lambda db, n: db.execute(_PATTERNS, ("errors",)).fetchall(),
        ),
        Question(
            "find_functions, part of a name",
            "find_functions",
            [{"query": noun} for noun in nouns],
            lambda db, n: db.execute(_FIND, (f"%{nouns[n]}%",)).fetchall(),
        ),
    ]


def _repeated(names: Iterable[str]) -> list[str]:
    return list(itertools.islice(itertools.cycle(names), _TIMES))


def _in_process(root: Path, questions: list[Question]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Seconds by question, of the answers and of the bare SQL."""
    inside: dict[str, list[float]] = {question.name: [] for question in questions}
    bare: dict[str, list[float]] = {question.name: [] for question in questions}
    # As the server does after its imports: what is here already is no garbage, and is not looked through again.
    gc.freeze()
    with OpenProjects(root) as projects, open_project(root) as floor:
        for number, question in itertools.product(range(_TIMES), questions):
            began = time.perf_counter()
            reply = calls.answered(projects, question.tool, question.arguments[number])
            inside[question.name].append(time.perf_counter() - began)
            assert not reply.is_error, reply.text
            with floor.read() as db:
                began = time.perf_counter()
                question.bare(db, number)
                bare[question.name].append(time.perf_counter() - began)
    return inside, bare


async def _over_stdio(root: Path, questions: list[Question]) -> dict[str, list[float]]:
    """Seconds by question, as a client sees them; under '' those of a tool that does nothing."""
    spoken: dict[str, list[float]] = {question.name: [] for question in questions}
    spoken[""] = []
    ours = StdioServerParameters(command=sys.executable, args=["-m", "drift_mcp", "serve", "--project", str(root)])
    bare = StdioServerParameters(
        command=sys.executable, args=["-m", "benchmarks.bare_server"], cwd=Path(__file__).parent.parent
    )
    async with Client(ours) as client, Client(bare) as nothing:
        for number in range(_TIMES):
            for question in questions:
                spoken[question.name].append(await _asked(client, question.tool, question.arguments[number]))
            spoken[""].append(await _asked(nothing, "nothing", {}))
    return spoken


async def _asked(client: Client, tool: str, arguments: Mapping[str, Any]) -> float:
    began = time.perf_counter()
    answer = await client.call_tool(tool, dict(arguments))
    took = time.perf_counter() - began
    assert not answer.is_error, answer.content
    return took


# ---------------------------------------------------------------------------------------------------------------------
# The bare SQL

_STATUS = "SELECT generation, refreshed_at, body FROM status WHERE id = 1"

_CALLERS = """
SELECT f.qualified_name, m.path, c.line, r.name
FROM function_calls c
JOIN functions f ON f.id = c.caller_id
JOIN file_metadata m ON m.id = f.file_id
JOIN resolutions r ON r.id = c.resolution
WHERE c.callee_id = ?
"""

_LEVEL_DOWN = """
SELECT DISTINCT c.callee_id
FROM function_calls c
JOIN resolutions r ON r.id = c.resolution
WHERE c.caller_id IN carray(?) AND c.callee_id IS NOT NULL AND r.proven
"""

_LEVEL_UP = """
SELECT DISTINCT c.caller_id
FROM function_calls c
JOIN resolutions r ON r.id = c.resolution
WHERE c.callee_id IN carray(?) AND r.proven
"""

_ACCESSES = "SELECT table_name, field_name, operation, line FROM function_data_access WHERE function_id IN carray(?)"

_TOUCHING = "SELECT DISTINCT function_id FROM function_data_access WHERE table_name = ?"

_ENTRIES = "SELECT function_id, label FROM entry_points WHERE function_id IN carray(?)"

_PATTERNS = """
SELECT p.name, p.category, p.confidence_score, p.location_count, p.outlier_count
FROM patterns p
WHERE ifnull(p.category = ?, 1) AND p.status <> 'ignored'
ORDER BY p.confidence_score DESC, p.location_count DESC, p.id
LIMIT 15
"""

_FIND = """
SELECT f.qualified_name, m.path, f.start_line, f.signature
FROM functions f
JOIN file_metadata m ON m.id = f.file_id
WHERE f.kind IN ('function', 'method', 'class') AND f.qualified_name LIKE ?
"""


def _reached_data(db: apsw.Connection, key: int) -> object:
    reached = _walked(db, _LEVEL_DOWN, [key])
    return db.execute(_ACCESSES, (arrays.integers(reached),)).fetchall()


def _reaching(db: apsw.Connection, name: str) -> object:
    starts = [row[0] for row in db.execute(_TOUCHING, (name,))]
    return db.execute(_ENTRIES, (arrays.integers(_walked(db, _LEVEL_UP, starts)),)).fetchall()


def _walked(db: apsw.Connection, level: str, starts: list[int]) -> set[int]:
    reached = set(starts)
    frontier = reached
    for _ in range(_DEPTH):
        frontier = {row[0] for row in db.execute(level, (arrays.integers(frontier),))} - reached if frontier else set()
        reached = reached | frontier
    return reached
