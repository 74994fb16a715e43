"""What a scan costs: from nothing to answers, with nothing changed, and with one leaf file changed.

Works on a copy, in a temporary folder; the repository that was given stays as it is.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from benchmarks import processes, table
from benchmarks.processes import Cost
from drift_mcp.project import open_project

# A whole scan takes tens of seconds of CPU, and its spread is small; the short ones are a matter of start-up.
_WHOLE = 3
_SHORT = 7

# A file that nothing imports and that defines as many functions as is usual: the median of those.
_LEAF = """
SELECT f.path
FROM file_metadata f
WHERE f.status = 'scanned'
    AND f.language IN ('python', 'typescript', 'javascript')
    AND f.is_test = 0
    AND f.function_count > 0
    AND NOT EXISTS (SELECT 1 FROM imports i WHERE i.resolved_file_id = f.id)
ORDER BY f.function_count, f.path
LIMIT 1
OFFSET (
    SELECT count(*) / 2
    FROM file_metadata f
    WHERE f.status = 'scanned'
        AND f.language IN ('python', 'typescript', 'javascript')
        AND f.is_test = 0
        AND f.function_count > 0
        AND NOT EXISTS (SELECT 1 FROM imports i WHERE i.resolved_file_id = f.id)
)
"""

_COUNTS = """
SELECT
    (SELECT count(*) FROM file_metadata WHERE status = 'scanned'),
    (SELECT count(*) FROM functions WHERE kind <> 'module'),
    (SELECT count(*) FROM function_calls WHERE candidate = 0)
"""


def run(repository: Path, here: Path) -> None:
    root = here / repository.name
    shutil.copytree(repository, root, symlinks=True, ignore=shutil.ignore_patterns(".drift"))
    scan = [sys.executable, "-m", "drift_mcp", "scan", str(root)]
    store = root / ".drift" / "drift.db"

    def afresh() -> None:
        shutil.rmtree(root / ".drift", ignore_errors=True)

    parsing = [sys.executable, "-m", "benchmarks.parse_only", str(root)]
    listing = [sys.executable, "-m", "benchmarks.list_only", str(root)]
    checkout = Path(__file__).parent.parent
    whole: list[Cost] = []
    parse: list[Cost] = []
    for _ in range(_WHOLE):
        afresh()
        whole.append(processes.measured(scan))
        parse.append(processes.measured(parsing, checkout))
    megabytes = sum(path.stat().st_size for path in store.parent.glob("drift.db*")) / 1e6
    unchanged: list[Cost] = []
    listed: list[Cost] = []
    for _ in range(_SHORT):
        unchanged.append(processes.measured(scan))
        listed.append(processes.measured(listing, checkout))
    with closing(sqlite3.connect(store)) as db:
        files, functions, calls = db.execute(_COUNTS).fetchone()
        found = db.execute(_LEAF).fetchone()
    leaf: list[Cost] = []
    one: list[Cost] = []
    for number in range(_SHORT if found else 0):
        _edit(root / found[0], number)
        leaf.append(processes.measured(scan))
        one.append(processes.measured([*parsing, found[0]], checkout))
    rows = [
        _row("from nothing to answers", whole, parse, "parse all, one process"),
        _row("nothing changed", unchanged, listed, "list all with stamps"),
    ]
    if leaf:
        rows.append(_row("one leaf file changed", leaf, one, "list all, parse that one"))
    with open_project(root) as project, project.write() as tx:
        pragmas = table.pragmas(tx)
    table.show(
        f"scan: {repository.name}",
        f"python -m benchmarks scan --repo {repository.name}",
        pragmas,
        ("scan", "CPU s", "wall s", "peak MB", "own MB", "processes", "floor", "floor CPU s", "ratio of CPU"),
        rows,
        [
            f"{files:,} files, {functions:,} functions and classes, {calls:,} call sites; "
            f"drift.db after the first scan: {megabytes:.1f} MB."
            + (f" The leaf: {found[0]}, to which a function is added." if found else ""),
            f"Medians of {_WHOLE} and {_SHORT}, alternating with the floor. CPU over all processes. Peak: resident "
            "memory summed over all processes, shared pages counted in each; own: shared pages counted once.",
        ],
    )


def _edit(file: Path, number: int) -> None:
    """A new function at the end, of another name each time."""
    added = (
        f"\n\ndef added_{number}():\n    return {number}\n"
        if file.suffix == ".py"
        else f"\nexport function added_{number}() {{ return {number}; }}\n"
    )
    with file.open("a", encoding="utf-8") as text:
        text.write(added)


def _row(name: str, costs: list[Cost], floor: list[Cost], floor_name: str) -> tuple[str, ...]:
    def median(of: Callable[[Cost], float]) -> float:
        return statistics.median(of(cost) for cost in costs)

    cpu = [cost.cpu for cost in costs]
    floor_cpu = [cost.cpu for cost in floor]
    return (
        name,
        f"{median(lambda cost: cost.cpu):.2f}",
        f"{median(lambda cost: cost.wall):.2f}",
        f"{median(lambda cost: cost.peak_bytes) / 1e6:.0f}",
        f"{median(lambda cost: cost.peak_own_bytes) / 1e6:.0f}",
        f"{median(lambda cost: cost.processes):.0f}",
        floor_name,
        f"{statistics.median(floor_cpu):.2f}",
        table.ratio(cpu, floor_cpu),
    )
