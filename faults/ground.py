"""Small projects to do harm to: the same source each time, so that the same work leads to the same store."""

from __future__ import annotations

import itertools
import json
import os
from contextlib import closing
from pathlib import Path
from typing import Final

from drift_mcp.project import DRIFT_ID, FOLDER
from drift_mcp.store import migrate, schema

# A file's time says whether it changed: each writing gets one of its own, whatever the clock of the machine.
_TICKS = itertools.count(1_700_000_000_000_000_000, 1_000_000)

_MODULE: Final = '''
from dataclasses import dataclass
from flask import Flask
import os

{imports}
app = Flask(__name__)


@dataclass(frozen=True)
class Order{n}:
    """One row of the orders, table {n}."""

    __tablename__ = "orders_{n}"
    total: int
    email: str


def get_{n}(key: int) -> int:
    try:
        return key + {value} + int(os.environ["LIMIT_{n}"])
    except ValueError:
        raise


def find_{n}(key: int) -> int:
    return get_{n}(key){call}


@app.route("/orders/{n}")
def show_{n}() -> int:
    try:
        return find_{n}(7)
    except KeyError as problem:
        raise RuntimeError("no such order") from problem
'''


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    tick = next(_TICKS)
    os.utime(path, ns=(tick, tick))


def module(number: int, value: int = 0) -> str:
    before = number - 1
    imports = f"from module_{before} import find_{before}" if number else ""
    call = f" + find_{before}(key)" if number else ""
    return _MODULE.format(n=number, value=value, imports=imports, call=call)


def planted(root: Path, modules: int) -> Path:
    """A project of so many modules, each of which calls the one before."""
    root.mkdir(parents=True)
    for number in range(modules):
        write(root / f"module_{number}.py", module(number))
    return root


def edited(root: Path, modules: int) -> None:
    """A third of the files say something else, one is gone and one is new."""
    for number in range(1, modules, 3):
        write(
            root / f"module_{number}.py",
            module(number, 1) + f"\n\ndef added_{number}() -> None:\n    get_{number}(1)\n",
        )
    (root / f"module_{modules - 1}.py").unlink()
    write(root / "module_new.py", "from module_0 import find_0\n\n\ndef newest() -> int:\n    return find_0(1)\n")


def facts(root: Path, files: int, functions: int = 20) -> Path:
    """What another scanner tells of files in a language of its own, which are there."""
    (root / "lib").mkdir()
    lines: list[dict[str, object]] = [{"drift_facts": 1, "scanner": "ruby-facts 1.0"}]
    for file in range(files):
        name = f"lib/part_{file}.rb"
        write(root / name, "# a part\n")
        lines.append({"table": "files", "path": name, "language": "ruby"})
        for number in range(functions):
            start = 3 * number + 1
            row = {"id": f"{name}::f{number}", "name": f"f{number}", "kind": "function"}
            lines.append({"table": "functions", **row, "start_line": start, "end_line": start + 1})
        for number in range(1, functions):
            call = {"caller_id": f"{name}::f{number}", "callee_id": f"{name}::f{number - 1}"}
            lines.append({"table": "calls", **call, "line": 3 * number + 2, "column_num": 4})
    path = root / "facts.jsonl"
    write(path, "".join(json.dumps(line) + "\n" for line in lines))
    return path


FIRST: Final = Path(__file__).parents[1] / "tests" / "schema" / "drift_version_1.sql"

_OLD_PATTERNS: Final = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO patterns (id, name, category, status, status_reason, first_seen, last_seen)
SELECT
    printf('%016x', n), 'pattern ' || n, 'api', iif(n % 7, 'discovered', 'approved'), iif(n % 7, NULL, 'ours'),
    '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'
FROM numbers
"""

_OLD_FILES: Final = """
WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
INSERT INTO file_metadata (id, path, language, size, mtime_secs, last_scanned)
SELECT n, 'src/file_' || n || '.py', 'python', n, n, '2026-01-01T00:00:00.000Z'
FROM numbers
"""

_OLD_SUPPRESSIONS: Final = """
INSERT INTO pattern_suppressions (scope, file_id, line, reason)
SELECT 'line', id, 1 + id % 90, 'because ' || id
FROM file_metadata
"""


def older(root: Path, rows: int) -> None:
    """A store of the first schema, with so many patterns, files and suppressions."""
    (root / FOLDER).mkdir()
    first = schema.Schema("drift", DRIFT_ID, FIRST.read_text(encoding="utf-8"), "", ())
    with closing(migrate.opened(root / FOLDER / "drift.db", first)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(_OLD_PATTERNS, (rows,))
        db.execute(_OLD_FILES, (rows,))
        db.execute(_OLD_SUPPRESSIONS)
        db.execute("COMMIT")


def stepped(path: Path, steps: int) -> None:
    """Brings a store of the first schema up by so many steps."""
    ours = schema.read("drift", DRIFT_ID)
    migrate.opened(path, ours._replace(steps=ours.steps[:steps])).close()
