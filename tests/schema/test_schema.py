"""What the schema files promise about themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from drift_mcp.store import schema

ROOT = schema.folder()


def _read_predecessor() -> dict[str, dict[str, set[str]]]:
    sections: dict[str, dict[str, set[str]]] = {}
    rows: dict[str, set[str]] = {}
    for line in Path(__file__).with_name("predecessor.txt").read_text(encoding="utf-8").splitlines()[2:]:
        if line.startswith("["):
            rows = sections[line.strip("[]")] = {}
        elif line:
            name, columns = line.split(": ")
            rows[name] = set(columns.split())
    return sections


PREDECESSOR = _read_predecessor()

# What has no counterpart on purpose: a place is told apart by where it is.
WITHOUT_ID = {"pattern_locations"}


def _made(name: str) -> apsw.Connection:
    db = apsw.Connection(":memory:")
    db.pragma("foreign_keys", True)
    found = schema.read(name, 1)
    for text in (found.tables, found.views):
        for _ in db.execute(text):
            pass
    return db


@pytest.fixture(scope="module")
def drift() -> Iterator[apsw.Connection]:
    with _made("drift") as db:
        yield db


def _columns(db: apsw.Connection, table: str) -> set[str]:
    return {row[0] for row in db.execute("SELECT name FROM pragma_table_xinfo(?)", (table,))}


def _tables(db: apsw.Connection) -> list[str]:
    return [
        row[0]
        for row in db.execute("SELECT name FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    ]


@pytest.mark.parametrize("database", ["drift", "registry"])
def test_the_order_names_every_file(database: str) -> None:
    named = (ROOT / database / "ORDER").read_text(encoding="utf-8").split()
    assert sorted(named) == sorted(path.name for path in (ROOT / database).glob("*.sql"))


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("drift/*.sql"), *ROOT.glob("registry/*.sql")]), ids=lambda path: path.name
)
def test_every_table_and_view_says_what_one_row_of_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("-- ")
    for found in re.finditer(r"^CREATE (?:TABLE|VIEW) (\w+)", text, re.MULTILINE):
        above = text[: found.start()].rstrip("\n").splitlines()
        comment = []
        while above and above[-1].startswith("--"):
            comment.insert(0, above.pop())
        assert comment, found[1]
        assert comment[0].startswith("-- one row"), f"{found[1]} opens with {comment[0]!r}"


@pytest.mark.parametrize("database", ["drift", "registry"])
def test_every_table_is_strict(database: str) -> None:
    with _made(database) as db:
        loose = [
            row[0]
            for row in db.execute("SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict")
            if not row[0].startswith("sqlite_")
        ]
    assert loose == []


@pytest.mark.parametrize("table", PREDECESSOR["tables"])
def test_the_predecessors_columns_are_there_in_the_table_or_in_its_view(drift: apsw.Connection, table: str) -> None:
    wanted = set(PREDECESSOR["tables"][table])
    if table in WITHOUT_ID:
        wanted.discard("id")
    assert table in _tables(drift)
    assert wanted <= _columns(drift, table) or wanted <= _columns(drift, f"v_{table}")


@pytest.mark.parametrize("table", PREDECESSOR["additions"])
def test_the_additions_are_there(drift: apsw.Connection, table: str) -> None:
    assert PREDECESSOR["additions"][table] <= _columns(drift, table)


@pytest.mark.parametrize("view", PREDECESSOR["views"])
def test_the_predecessors_views_have_its_columns(drift: apsw.Connection, view: str) -> None:
    assert _columns(drift, view) == PREDECESSOR["views"][view]


def test_the_registry_is_there() -> None:
    wanted = "name path last_accessed schema_version drift_version health_score pattern_count last_scan_at created_at"
    with _made("registry") as db:
        assert _columns(db, "project_registry") == {"id", *wanted.split()}


def test_the_predecessor_had_forty_tables_and_five_views() -> None:
    assert (len(PREDECESSOR["tables"]), len(PREDECESSOR["views"])) == (40, 5)


def test_every_view_answers(drift: apsw.Connection) -> None:
    for (view,) in drift.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
        drift.execute(f'SELECT * FROM "{view}"').fetchall()


def test_deleting_a_parent_never_reads_a_whole_table(drift: apsw.Connection) -> None:
    """Every column that refers to a table whose rows are deleted can be looked up by an index."""
    # Rows of these are never deleted while something refers to them.
    lasting = {"resolutions", "symbols"}
    slow = []
    for table in _tables(drift):
        for parent, column in drift.execute(
            'SELECT "table", "from" FROM pragma_foreign_key_list(?)', (table,)
        ).fetchall():
            if parent not in lasting:
                plan = drift.execute(f'EXPLAIN QUERY PLAN SELECT 1 FROM "{table}" WHERE "{column}" = 1').fetchall()
                slow += [f"{table}.{column}" for row in plan if row[3].startswith("SCAN")]
    assert slow == []


@pytest.mark.parametrize("database", ["drift", "registry"])
def test_a_time_is_of_one_form(database: str) -> None:
    """A column for a time refuses every other form, and the defaults are of it."""
    with _made(database) as db:
        for table in _tables(db):
            (text,) = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchall()[0]
            for line in text.splitlines():
                column = line.strip().partition(" ")[0]
                if column.endswith("_at") or column in (
                    "first_seen",
                    "last_seen",
                    "last_scanned",
                    "last_run",
                    "timestamp",
                ):
                    assert f"CHECK ({column} GLOB '????-??-??T??:??:??.???Z')" in line, f"{table}.{column}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", _now())


def _now() -> str:
    with _made("drift") as db:
        db.execute("INSERT INTO config (key, value) VALUES ('a', '1')")
        return str(db.execute("SELECT updated_at FROM config").get)


REFUSED = [
    "INSERT INTO config (key, value) VALUES ('a', 'not json')",
    "INSERT INTO config (key, value, updated_at) VALUES ('a', '1', '2026-01-01 00:00:00')",
    "INSERT INTO patterns (id, name, category) VALUES ('p', 'p', 'gardening')",
    "INSERT INTO patterns (id, name, category, confidence_score) VALUES ('p', 'p', 'api', 'high')",
    "INSERT INTO patterns (id, name, category, confidence_score) VALUES ('p', 'p', 'api', 1.5)",
    "INSERT INTO patterns (id, name, category) VALUES (NULL, 'p', 'api')",
    "INSERT INTO contracts (id, method, endpoint, normalized_endpoint) VALUES ('c', 'FETCH', '/', '/')",
    "INSERT INTO module_coupling (source_module, target_module, coupling_type) VALUES ('a', '', 'import')",
    "INSERT INTO imports (file_id, position, line, module) VALUES (7, 0, 1, 'no such file')",
    "INSERT INTO file_metadata (path, size, mtime_secs, content_hash) VALUES ('a', 1, 1, x'00')",
    "INSERT INTO sensitive_fields (table_name, field_name, sensitivity) VALUES ('users', 'email', 'credentials')",
    "INSERT INTO pattern_suppressions (scope, reason) VALUES ('line', 'no place')",
    "INSERT INTO sync_log (table_name, row_id, operation) VALUES ('patterns', 'p', 'UPSERT')",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_what_no_reader_could_make_sense_of_is_refused(drift: apsw.Connection, statement: str) -> None:
    with pytest.raises((apsw.ConstraintError, apsw.SQLError)) as refused:
        drift.execute(statement)
    assert "no such" not in str(refused.value)
    assert "has no column" not in str(refused.value)


def test_unresolved_is_the_zero_that_the_index_names(drift: apsw.Connection) -> None:
    assert drift.execute("SELECT id, proven FROM resolutions WHERE name = 'unresolved'").fetchall() == [(0, 0)]
    unproven = drift.execute("SELECT group_concat(name, ' ' ORDER BY id) FROM resolutions WHERE NOT proven").get
    assert unproven == "unresolved unique"


HOT = {
    "callers of a function": "SELECT caller_id FROM function_calls WHERE callee_id = ?",
    "callers of many": "SELECT caller_id FROM function_calls WHERE callee_id IN (SELECT value FROM carray(?))",
    "callees of a function": "SELECT callee_id FROM function_calls WHERE caller_id = ?",
    "unresolved sites of a name": "SELECT caller_id FROM function_calls WHERE callee_id IS NULL AND callee_symbol = ?",
    "functions of a name": "SELECT * FROM functions WHERE name = ?",
    "functions of a file": "SELECT * FROM functions WHERE file_id = ?",
    "one function": "SELECT * FROM functions WHERE file_id = ? AND qualified_name = ? AND ordinal = 0",
    "methods of a class": "SELECT * FROM functions WHERE parent_id = ?",
    "accesses of a function": "SELECT * FROM function_data_access WHERE function_id = ?",
    "accesses to a field": "SELECT * FROM function_data_access WHERE table_name = ? AND field_name = ?",
    "entry points of a function": "SELECT * FROM entry_points WHERE function_id = ?",
    "a file by its path": "SELECT * FROM file_metadata WHERE path = ?",
    "places of a pattern": "SELECT * FROM pattern_locations WHERE pattern_key = ?",
    "patterns of a file": "SELECT * FROM pattern_locations WHERE file_id = ?",
    "askers of a name": "SELECT file_id FROM name_dependencies WHERE name = ?",
    "last scan": "SELECT * FROM scan_history ORDER BY started_at DESC LIMIT 1",
}


@pytest.mark.parametrize("question", HOT)
def test_hot_questions_use_an_index(drift: apsw.Connection, question: str) -> None:
    explained = drift.execute("EXPLAIN QUERY PLAN " + HOT[question], (None,) * HOT[question].count("?"))
    plan = [row[3] for row in explained if "carray" not in row[3]]
    assert not [step for step in plan if step.startswith("SCAN") and "USING INDEX" not in step], plan
    assert not [step for step in plan if "TEMP B-TREE" in step], plan
