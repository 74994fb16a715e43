"""The native call graph, as an SQLite database with a log beside it, and what becomes of its rows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.errors import DriftError
from drift_mcp.store import elsewhere
from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import callgraph
from drift_mcp.upgrade.sources import Source
from tests.upgrade.told import ROOT, Loaded, accounted, put

SCHEMA = """
CREATE TABLE functions (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, file TEXT NOT NULL, start_line INTEGER NOT NULL, end_line INTEGER NOT NULL,
    is_entry_point INTEGER DEFAULT 0, is_data_accessor INTEGER DEFAULT 0
);
CREATE TABLE calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, caller_id TEXT NOT NULL, target TEXT NOT NULL, resolved_id TEXT,
    confidence REAL DEFAULT 0.0, line INTEGER NOT NULL, FOREIGN KEY (caller_id) REFERENCES functions(id)
);
CREATE TABLE data_access (
    id INTEGER PRIMARY KEY AUTOINCREMENT, function_id TEXT NOT NULL, table_name TEXT NOT NULL, operation TEXT NOT NULL,
    fields TEXT, line INTEGER NOT NULL
);
CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT);
"""
FUNCTIONS = [
    ("a.ts:second:30", "again", "a.ts", 30, 35, 0, 0),  # told of before the first of its name
    ("a.ts:first:10", "again", "a.ts", 10, 20, 1, 0),
    ("a.ts:constructor:40", "constructor", "a.ts", 40, 41, 0, 0),
    ("b.java:save:5", "save", "b.java", 5, 9, 0, 1),
]
CALLS = [
    ("a.ts:first:10", "again", "a.ts:second:30", 0.95, 12),
    ("a.ts:first:10", "save", "b.java:save:5", 0.8, 13),
    ("a.ts:first:10", "again", "a.ts:second:30", 0.4, 14),
    ("a.ts:first:10", "push", None, 0.0, 15),
    ("a.ts:first:10", "push", None, 0.0, 15),
    ("a.ts:first:10", "json", None, 0.0, 15),
    ("a.ts:gone:1", "json", None, 0.0, 2),
    ("a.ts:first:10", "gone", "a.ts:gone:1", 0.95, 16),
]
ACCESSES = [
    ("b.java:save:5", "users", "WRITE", "[]", 6),
    ("b.java:save:5", "users", "read", '["id","email"]', 7),
    ("b.java:save:5", "users", "guess", "[]", 8),
]


def graph(
    path: Path, functions: Any = FUNCTIONS, calls: Any = CALLS, accesses: Any = ACCESSES, *, keep_log: bool = False
) -> Path:
    """The database; with `keep_log` its rows stand in the log alone, as a killed process leaves them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    live = path.with_name("live.db")
    db = apsw.Connection(str(live))
    db.execute("PRAGMA journal_mode = wal")
    db.execute(SCHEMA)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with db:
        db.executemany("INSERT INTO functions VALUES (?, ?, ?, ?, ?, ?, ?)", functions)
        db.executemany(
            "INSERT INTO calls (caller_id, target, resolved_id, confidence, line) VALUES (?, ?, ?, ?, ?)", calls
        )
        db.executemany(
            "INSERT INTO data_access (function_id, table_name, operation, fields, line) VALUES (?, ?, ?, ?, ?)",
            accesses,
        )
    if keep_log:
        for suffix in ("", "-wal", "-shm"):
            shutil.copyfile(f"{live}{suffix}", f"{path}{suffix}")
    db.close()
    if not keep_log:
        shutil.copyfile(live, path)
    for left in path.parent.glob("live.db*"):
        left.unlink()
    return path


DB = ".drift/lake/callgraph/callgraph.db"


def test_functions_are_named_by_file_and_name_and_equal_names_counted_by_their_lines(tmp_path: Path) -> None:
    graph(tmp_path / DB)
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT p.path, f.qualified_name, f.ordinal, f.start_line, f.end_line, f.language, f.is_constructor
        FROM functions f JOIN file_metadata p ON p.id = f.file_id ORDER BY p.path, f.start_line
    """) == [
        ("a.ts", "again", 0, 10, 20, "typescript", 0),
        ("a.ts", "again", 1, 30, 35, "typescript", 0),
        ("a.ts", "constructor", 0, 40, 41, "typescript", 1),
        ("b.java", "save", 0, 5, 9, "java", 0),
    ]
    assert loaded.carried("functions") == {
        "a.ts:again:0": {"is_entry_point": 1},
        "b.java:save:0": {"is_data_accessor": 1},
    }


def test_how_a_call_was_decided_follows_from_how_sure_it_was(tmp_path: Path) -> None:
    graph(tmp_path / DB)
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT c.line, c.column_num, s.name, f.qualified_name, f.ordinal, r.name, r.proven, c.reason
        FROM function_calls c
        JOIN symbols s ON s.id = c.callee_symbol
        JOIN resolutions r ON r.id = c.resolution
        LEFT JOIN functions f ON f.id = c.callee_id
        ORDER BY c.line, c.column_num
    """) == [
        (12, 0, "again", "again", 1, "same_file", 1, None),
        (13, 0, "save", "save", 0, "unique", 0, None),
        (14, 0, "again", None, None, "unresolved", 0, "too_many"),  # the first of several: no answer
        (15, 0, "push", None, None, "unresolved", 0, "not_found"),
        (15, 1, "push", None, None, "unresolved", 0, "not_found"),
        (15, 2, "json", None, None, "unresolved", 0, "not_found"),
        (16, 0, "gone", None, None, "unresolved", 0, "not_found"),
    ]
    assert loaded.carried("function_calls") == {
        "a.ts::again:14:0": {"resolved_id": "a.ts::again#1", "confidence": 0.4},
        "a.ts::again:16:0": {"resolved_id": "a.ts:gone:1", "confidence": 0.95},
    }
    assert loaded.counts()["function_calls"] == (8, 7, 0, 1)
    assert "lake/callgraph/callgraph.db, row 7 of calls: 'a.ts:gone:1' is none of its functions." in loaded.reasons()


def test_an_access_is_a_place_and_one_row_of_its_function_for_each_field(tmp_path: Path) -> None:
    graph(tmp_path / DB)
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT a.line, a.table_name, a.operation, a.fields, f.qualified_name
        FROM data_access_points a JOIN functions f ON f.id = a.function_id ORDER BY a.line
    """) == [
        (6, "users", "write", "[]", "save"),
        (7, "users", "read", '["id","email"]', "save"),
    ]
    assert loaded.rows(
        "SELECT line, table_name, operation, field_name FROM function_data_access ORDER BY line, field_name"
    ) == [
        (6, "users", "write", None),
        (7, "users", "read", "email"),
        (7, "users", "read", "id"),
    ]
    assert loaded.counts()["function_data_access"] == (4, 3, 0, 1)


def test_a_place_that_boundaries_know_too_gains_its_function(tmp_path: Path) -> None:
    graph(tmp_path / DB, accesses=ACCESSES[:1])
    known = {"table": "users", "operation": "write", "file": "b.java", "line": 6, "column": 0, "confidence": 0.85}
    put(tmp_path, "boundaries/access-map.json", {"accessPoints": [known]})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT confidence, function_id IS NOT NULL FROM data_access_points") == [(0.85, 1)]
    assert loaded.counts()["data_access_points"] == (2, 1, 1, 0)


def test_what_only_the_log_holds_is_read_and_the_files_stay_as_they_are(tmp_path: Path) -> None:
    path = graph(tmp_path / DB, keep_log=True)
    files = sorted(path.parent.iterdir())
    before = [each.read_bytes() for each in files]
    assert Loaded(tmp_path).counts()["functions"] == (4, 4, 0, 0)
    assert sorted(path.parent.iterdir()) == files
    assert [each.read_bytes() for each in files] == before


@pytest.mark.parametrize("content", [b"", b"no database at all, by far" * 100, None])
def test_a_file_that_is_no_whole_database_is_refused_as_one(tmp_path: Path, content: bytes | None) -> None:
    path = graph(tmp_path / DB)
    path.write_bytes(path.read_bytes()[:5000] + b"\xff" * 4000 if content is None else content)
    loaded = Loaded(tmp_path)
    if content == b"":  # SQLite takes it for a database in which nothing is
        assert loaded.counts() == {}
    else:
        assert loaded.counts() == {"files": (1, 0, 0, 1)}
        assert loaded.reasons()[0].startswith("lake/callgraph/callgraph.db: ")


def test_an_empty_graph_and_tables_that_nobody_knows(tmp_path: Path) -> None:
    path = graph(tmp_path / DB, [], [], [])
    db = apsw.Connection(str(path))
    db.execute(
        "CREATE TABLE extra (a, b); INSERT INTO extra VALUES (1, x'ff'); INSERT INTO metadata VALUES ('at', 'noon')"
    )
    db.execute("CREATE VIEW endless AS WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT * FROM n")
    db.close()
    loaded = Loaded(tmp_path)
    assert loaded.carried("lake/callgraph/callgraph.db") == {
        "extra": {"rows": [{"a": 1, "b": "ff"}]},
        "row 1 of metadata": {"key": "at", "value": "noon"},
    }


def test_a_copy_is_gone_also_when_reading_it_failed(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    path.write_bytes(b"x" * 2000)
    folder = tmp_path / "copies"
    folder.mkdir()
    with pytest.raises(DriftError, match=r"other\.db"), elsewhere.copied(path, folder) as db:
        elsewhere.tables(db)
    assert list(folder.iterdir()) == []


VALUES = st.one_of(
    st.sampled_from(["a.ts:first:10", "a.ts", "b.java", "again", "read", "[]", '["x"]', "[1]", "[" * 3000]),
    st.integers(-(2**63), 2**63 - 1), st.floats(), st.binary(max_size=3), st.text(max_size=3),
)  # fmt: skip


@given(
    functions=st.lists(st.tuples(*[VALUES] * 7), max_size=4, unique_by=lambda row: str(row[0])),
    calls=st.lists(st.tuples(*[VALUES] * 5), max_size=4),
    accesses=st.lists(st.tuples(*[VALUES] * 5), max_size=4),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_graph_is_too_odd_to_be_accounted_for(
    functions: Any, calls: Any, accesses: Any, store: Writer, tmp_path: Path
) -> None:
    path = tmp_path / "odd.db"
    path.unlink(missing_ok=True)
    db = apsw.Connection(str(path))
    db.execute("CREATE TABLE functions (id, name, file, start_line, end_line, is_entry_point, is_data_accessor)")
    db.execute("CREATE TABLE calls (caller_id, target, resolved_id, confidence, line)")
    db.execute("CREATE TABLE data_access (function_id, table_name, operation, fields, line)")
    for table, rows in (("functions", [*FUNCTIONS, *functions]), ("calls", calls), ("data_access", accesses)):
        if rows:
            db.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
    db.close()
    scratch = tmp_path / "scratch"
    scratch.mkdir(exist_ok=True)
    accounted(store, callgraph.records(Source(path, "lake/callgraph/callgraph.db", "call graph", 0), scratch, ROOT))
