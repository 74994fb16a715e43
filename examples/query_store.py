"""Read a project's store with nothing but `sqlite3`: `python examples/query_store.py PROJECT`.

Prints the functions with the most callers and who touches which sensitive field, from the public views `v_calls` and
`v_data_access`. The database is opened read-only, so a running scan or server is not disturbed.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

MOST_CALLED = """
SELECT callee, callee_file, count(*) AS call_sites, count(DISTINCT caller_file) AS files
FROM v_calls
WHERE callee_file IS NOT NULL
GROUP BY callee, callee_file
ORDER BY call_sites DESC, callee, callee_file
LIMIT 10
"""

SENSITIVE = """
SELECT table_name, field_name, sensitivity, operation, function, file, line
FROM v_data_access
WHERE sensitivity IS NOT NULL
ORDER BY table_name, field_name, operation, file, line
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Query a project's store with plain SQL.")
    parser.add_argument("project", type=Path, help="the project's folder")
    store = parser.parse_args().project.resolve() / ".drift" / "drift.db"
    if not store.is_file():
        print(f"No store at {store}. Run `drift scan` in the project first.", file=sys.stderr)
        return 1
    with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as db:
        print("The most called functions")
        for callee, file, call_sites, files in db.execute(MOST_CALLED):
            print(f"  {call_sites:5} calls from {files:4} files  {callee}  ({file})")
        print("Who touches sensitive fields")
        for table, field, sensitivity, operation, function, file, line in db.execute(SENSITIVE):
            print(f"  {table}.{field or '*'} ({sensitivity}) {operation} in {function or 'the module'}  {file}:{line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
