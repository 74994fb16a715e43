"""What taking over the predecessor's files costs, beside reading them as plain JSON.

The tree is made here, as large as the largest real one seen: 986 patterns with 42,866 places, 7,952 accesses that are
told twice. `DRIFT_V1_TREE` names a project of the predecessor's to measure instead; it is copied and left as it is.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import table

_ROUNDS = 3
_PATTERNS = 986
_PLACES = 43  # of each pattern
_ACCESSES = 7_952
_CATEGORIES = (
    "api",
    "auth",
    "components",
    "config",
    "data-access",
    "errors",
    "logging",
    "security",
    "styling",
    "types",
)

_UPGRADE = """
import resource, sys
from pathlib import Path
from drift_mcp.project import Project
from drift_mcp.upgrade import run
with Project(Path(sys.argv[1])) as project:
    report = run.upgrade(project)
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss // 1024, sum(line.found for line in report.lines))
"""


def run(here: Path) -> None:
    given = os.environ.get("DRIFT_V1_TREE")
    tree = here / "tree"
    if given is None:
        _make(tree)
    else:
        shutil.copytree(Path(given).expanduser() / ".drift", tree / ".drift")
    floor, cpu, wall = [], [], []
    peak = rows = 0
    for number in range(_ROUNDS):
        floor.append(_read_plainly(tree))
        copy = here / f"copy{number}"
        shutil.copytree(tree, copy)
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _UPGRADE, str(copy)], capture_output=True, text=True, check=True
        ).stdout.split()
        wall.append(time.perf_counter() - began)
        cpu.append(float(done[0]))
        peak, rows = max(peak, int(done[1])), int(done[2])
    table.show(
        f"upgrade: {rows:,} rows of the predecessor's",
        "python -m benchmarks upgrade",
        "",
        ("what", "median ms", "floor ms", "ratio"),
        [
            ("CPU, with the start of Python", table.median_ms(cpu), table.median_ms(floor), table.ratio(cpu, floor)),
            ("from call to return", table.median_ms(wall), table.median_ms(floor), table.ratio(wall, floor)),
        ],
        [
            f"Medians of {_ROUNDS}. Floor: each of its JSON files read with the standard library, and nothing made of "
            f"it. At most {peak} MB were in use."
        ],
    )


def _read_plainly(tree: Path) -> float:
    began = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    for path in tree.rglob("*.json"):
        json.loads(path.read_bytes())
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime - began


def _make(tree: Path) -> None:
    for category in _CATEGORIES:
        mine = range(_CATEGORIES.index(category), _PATTERNS, len(_CATEGORIES))
        file = {"version": "1.0.0", "category": category, "patterns": [_pattern(number) for number in mine]}
        _write(tree / ".drift" / "patterns" / "discovered" / f"{category}.json", file)
    accesses = [_access(number) for number in range(_ACCESSES)]
    tables: dict[str, list[object]] = {}
    for each in accesses:
        tables.setdefault(str(each["table"]), []).append(each)
    told: dict[str, object] = {
        "version": "1.0",
        "models": [],
        "tables": {name: {"name": name, "model": None, "accessedBy": mine} for name, mine in tables.items()},
        "accessPoints": {each["id"]: each for each in accesses},
        "sensitiveFields": [],
    }
    _write(tree / ".drift" / "boundaries" / "access-map.json", told)


def _pattern(number: int) -> dict[str, object]:
    return {
        "id": f"{number:016x}",
        "subcategory": "kind",
        "name": f"Detector {number}",
        "description": "Learns patterns from your codebase",
        "detector": {"type": "regex", "config": {"detectorId": f"api/{number}"}},
        "confidence": {"frequency": 0.4, "consistency": 0.9, "age": 0, "spread": 9, "score": 0.9, "level": "high"},
        "locations": [
            {
                "file": f"packages/core/src/part{(number + place) % 687}.ts",
                "line": place * 7 + 1,
                "column": place,
                "isOutlier": place == 0 and number % 3 == 0,
                "confidence": 1,
            }
            for place in range(_PLACES)
        ],
        "outliers": [{"file": "packages/core/src/odd.ts", "line": 1, "column": 0, "reason": "odd"}],
        "metadata": {"firstSeen": "2026-01-30T14:40:45.836Z", "lastSeen": "2026-01-30T14:40:45.836Z", "tags": ["api"]},
        "severity": "info",
        "autoFixable": False,
    }


def _access(number: int) -> dict[str, object]:
    file, line, name = f"packages/core/src/part{number % 687}.ts", number // 687 + 1, f"table{number % 270}"
    return {
        "id": f"{file}:{line}:0:{name}",
        "table": name,
        "fields": ["id"],
        "operation": ("read", "write", "delete")[number % 3],
        "file": file,
        "line": line,
        "column": 0,
        "context": "return await this.context.rows.findAll(id);",
        "isRawSql": False,
        "confidence": 0.7,
    }


def _write(path: Path, told: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told), encoding="utf-8")
