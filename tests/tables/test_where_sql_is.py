"""A column of drift.db is known in two places: its schema file and one table module."""

from __future__ import annotations

import re
from pathlib import Path

import drift_mcp

ROOT = Path(drift_mcp.__file__).parent
# SQL opens with a capital word and goes on with another; prose and the words of a parser do not.
STATEMENT = re.compile(r"\b(SELECT\s[^;]*?\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\s", re.DOTALL)


def test_statements_stand_in_tables_store_and_cortex_only() -> None:
    rooms = {"tables", "store", "cortex"}
    found = [
        str(path.relative_to(ROOT))
        for path in sorted(ROOT.rglob("*.py"))
        if path.relative_to(ROOT).parts[0] not in rooms and STATEMENT.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_search_would_find_one() -> None:
    assert STATEMENT.search('db.execute("SELECT id\\n    FROM functions WHERE id = ?")')
    assert STATEMENT.search("UPDATE status SET body = ?")
    assert not STATEMENT.search('re.match("(SELECT|INSERT|UPDATE|DELETE)")')
