"""The predecessor's drift.db: alone, beside the JSON files, and in the states in which it was found."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.store import elsewhere
from drift_mcp.store.writer import Writer
from drift_mcp.tables.coupling import ring
from drift_mcp.upgrade import old_store
from drift_mcp.upgrade.sources import Source
from tests.upgrade.told import Loaded, accounted, put

SCHEMA = (Path(__file__).parent / "data" / "old_store.sql").read_text(encoding="utf-8")
ID = "aaaaaaaaaaaaaaaa"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "drift.db"
    _made(path, SCHEMA)
    return path


def _made(path: Path, sql: str) -> None:
    db = apsw.Connection(str(path))
    db.execute(sql)
    db.close()


@pytest.fixture(scope="module")
def loaded(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    root = tmp_path_factory.mktemp("shop")
    put(root, "manifest.json", {"projectRoot": "/home/ada/shop"})
    shutil.copy(made, root / ".drift" / "drift.db")
    return Loaded(root)


def test_every_row_of_every_table_is_told_of(loaded: Loaded, made: Path, tmp_path: Path) -> None:
    counts = loaded.counts()
    with elsewhere.copied(made, tmp_path) as db:
        told = {name: sum(1 for _ in elsewhere.rows(db, name)) for name in elsewhere.tables(db)}
    unknown = {"st_blocks": told.pop("st_blocks"), "sync_log": told.pop("sync_log")}
    assert {name for name, rows in told.items() if rows == 0} == set()
    told["function_data_access"] += 1  # it names two fields
    told["project"] -= 1  # the real one is carried
    assert {name: counts[name][0] for name in told} == told
    assert unknown == {"st_blocks": 3, "sync_log": 2}
    assert [note for note in loaded.account.notes if "rows" in note] == [
        "drift.db: sync_log, what was to be sent elsewhere, has 2 rows. They stay in the archive.",
        "drift.db: st_blocks, a table that is not known, has 3 rows. They stay in the archive.",
    ]


def test_what_was_decided_stands_with_who_and_when(loaded: Loaded) -> None:
    columns = "status, approved_at, approved_by, first_seen, last_seen, severity, source"
    assert loaded.rows(f"SELECT {columns} FROM patterns WHERE id = '{ID}'") == [
        (
            "approved",
            "2026-01-15T12:30:00.000Z",
            "ada",
            "2026-01-01T10:00:00.000Z",
            "2026-01-30T10:00:00.000Z",
            "warning",
            "upgrade",
        )
    ]
    assert loaded.rows("SELECT status, verified_at, verified_by FROM contracts") == [
        ("verified", "2026-01-16T09:00:00.000Z", "ada")
    ]
    assert loaded.rows("SELECT status, approved_by, notes, enforcement_level FROM constraints") == [
        ("approved", "ada", "by the lawyers", "error")
    ]
    assert loaded.rows("SELECT status, confirmed_at, commit_date FROM decisions") == [
        ("confirmed", "2026-01-21T08:00:00.000Z", "2026-01-02T07:00:00.000Z")
    ]
    assert loaded.rows("SELECT date, action, changed_by FROM pattern_history") == [
        ("2026-01-15T12:30:00.000Z", "approved", "ada")
    ]


def test_a_level_that_the_old_migration_lost_follows_from_the_score(loaded: Loaded) -> None:
    found = loaded.rows("SELECT id, confidence_score, confidence_level FROM patterns ORDER BY id")
    assert found == [(ID, 0.91, "high"), ("b" * 16, 0.0, "uncertain"), ("c" * 16, 0.0, "low")]


def test_what_no_column_takes_costs_its_field_and_not_its_row(loaded: Loaded) -> None:
    assert loaded.rows(f"SELECT category, status, detector_type FROM patterns WHERE id = '{'c' * 16}'") == [
        ("structural", "ignored", None)
    ]
    assert loaded.carried("patterns") == {
        ID: {"metadata.source": "auto-detected"},
        "c" * 16: {
            "category": "plc",
            "confidence_score": "high",
            "detector_type": "ladder",
            "first_seen": "long ago",
        },
    }


def test_places_are_named_from_the_root_and_those_outside_are_refused(loaded: Loaded) -> None:
    columns = "f.path, l.line, l.column_num, l.is_outlier, l.outlier_reason"
    join = "pattern_locations l JOIN file_metadata f ON f.id = l.file_id"
    assert loaded.rows(f"SELECT {columns} FROM {join} ORDER BY l.line") == [
        ("src/a.ts", 3, 5, 0, None),
        ("src/a.ts", 9, 0, 1, "singular"),
    ]
    assert loaded.reasons() == [
        "drift.db, row 3 of pattern_locations: '/etc/passwd' lies outside the project.",
        "drift.db, row 3 of function_calls: 'nobody' is none of its functions.",
        "drift.db, row 4 of pattern_locations: pattern_key is 'gone', and there is no such row of patterns.",
    ]
    assert loaded.rows("SELECT scope_value, locations FROM pattern_variants") == [
        ("src/old", '[{"file":"src/old/a.ts","line":3}]')
    ]
    assert not loaded.holds("/home/ada")


def test_the_call_graph_has_todays_ids(loaded: Loaded) -> None:
    assert loaded.rows("SELECT id, name, is_exported, is_async, signature FROM v_functions ORDER BY id") == [
        ("src/a.ts::Cart.total", "total", 0, 0, None),
        ("src/a.ts::list", "list", 1, 1, "list()"),
    ]
    assert loaded.rows("SELECT caller, callee, line, resolution FROM v_calls ORDER BY resolution") == [
        ("list", "Cart.total", 5, "same_file"),
        ("list", "fetch", 5, "unresolved"),
    ]
    assert loaded.rows("SELECT table_name, field_name, line FROM function_data_access ORDER BY field_name") == [
        ("users", "email", 4),
        ("users", "name", 4),
    ]
    in_function = "SELECT f.name FROM {} t JOIN functions f ON f.id = t.function_id"
    assert loaded.rows(in_function.format("data_access_points")) == [("list",)]
    assert loaded.rows(in_function.format("error_handling_gaps")) == [("list",)]


def test_secrets_stay_behind(loaded: Loaded) -> None:
    assert loaded.rows("SELECT name, value, is_secret FROM constants ORDER BY line") == [
        ("LIMIT", "10", 0),
        ("ADMIN_PASSWORD", "[redacted]", 1),
    ]
    assert loaded.rows("SELECT name, default_value, is_redacted FROM env_variables ORDER BY name") == [
        ("API_SECRET", "[redacted]", 1),
        ("PORT", "3000", 0),
    ]
    assert not loaded.holds("correct horse battery")


def test_what_the_old_synchronisation_made_up_is_told_as_such(loaded: Loaded) -> None:
    merged = {line.domain: dict(line.merged) for line in loaded.account.lines() if line.merged}
    assert merged == {
        "audit_snapshots": {old_store.NO_FIGURE: 1},
        "module_coupling": {old_store.NOWHERE: 1},
        "project": {old_store.SCHEMA_RECORD: 1},
        "test_coverage": {"told twice in one file": 1},
    }
    assert loaded.rows("SELECT date, health_score FROM audit_snapshots") == [("2026-01-30", 76)]
    # What the old tool counted there is no approval.
    assert loaded.rows("SELECT approved_count FROM health_trends") == [(None,)]
    assert loaded.carried("health_trends") == {"2026-01-30": {"approvedCount": 558}}
    assert loaded.rows("SELECT scan_id, status FROM scan_history ORDER BY scan_id") == [
        ("s1", "completed"),
        ("s2", "failed"),
    ]


def test_names_that_have_changed_their_meaning_are_given_todays(loaded: Loaded) -> None:
    assert loaded.rows("SELECT table_name, field_name FROM sensitive_fields ORDER BY field_name") == [
        ("users", "email"),
        (None, "password"),
    ]
    assert loaded.rows("SELECT cycle_hash FROM coupling_cycles") == [(ring(["src/b.ts", "src/a.ts"]),)]
    assert loaded.rows("SELECT c.name FROM constant_usages u JOIN constants c ON c.id = u.constant_id") == [("LIMIT",)]


JSON = {
    "id": "b" * 16,
    "name": "Errors are thrown",
    "detector": {"type": "ast", "config": {}},
    "confidence": {"score": 0.7, "level": "medium"},
    "locations": [{"file": "src/e.ts", "line": 1, "column": 2, "isOutlier": True, "outlierReason": "it returns them"}],
    "metadata": {"firstSeen": "2026-01-01T10:00:00.000Z", "lastSeen": "2026-01-02T10:00:00.000Z"},
    "severity": "error",
}


def test_beside_json_the_richer_telling_wins_row_by_row(made: Path, tmp_path: Path) -> None:
    put(tmp_path, "patterns/discovered/errors.json", {"version": "1.0.0", "category": "errors", "patterns": [JSON]})
    put(
        tmp_path,
        "patterns/discovered/api.json",
        {
            "version": "1.0.0",
            "category": "api",
            "patterns": [{"id": ID, "name": "Routes", "confidence": {"score": 0.2}}],
        },
    )
    shutil.copy(made, tmp_path / ".drift" / "drift.db")
    db = apsw.Connection(str(tmp_path / ".drift" / "drift.db"))
    db.execute(
        f"INSERT INTO pattern_locations (pattern_id, file, line, column_num) VALUES ('{'b' * 16}', 'src/e.ts', 1, 2)"
    )
    db.close()
    loaded = Loaded(tmp_path)
    columns = "name, status, approved_by, confidence_score, confidence_level, severity, first_seen"
    assert loaded.rows(f"SELECT {columns} FROM patterns WHERE id <> '{'c' * 16}' ORDER BY id") == [
        # The database knows more of the first, the file of the second.
        ("Routes are plural", "approved", "ada", 0.91, "high", "warning", "2026-01-01T10:00:00.000Z"),
        ("Errors are thrown", "discovered", None, 0.7, "medium", "error", "2026-01-01T10:00:00.000Z"),
    ]
    # The old migration dropped the mark of an outlier.
    where = f"pattern_key = (SELECT key FROM patterns WHERE id = '{'b' * 16}')"
    assert loaded.rows(f"SELECT is_outlier, outlier_reason FROM pattern_locations WHERE {where}") == [
        (1, "it returns them")
    ]
    assert loaded.counts()["patterns"] == (5, 3, 2, 0)


def test_a_person_who_spoke_to_the_database_is_heard_over_the_richer_file(tmp_path: Path) -> None:
    put(tmp_path, "patterns/discovered/errors.json", {"version": "1.0.0", "category": "errors", "patterns": [JSON]})
    sql = f"INSERT INTO patterns (id, name, category, status) VALUES ('{'b' * 16}', 'Errors', 'errors', 'ignored')"
    _made(tmp_path / ".drift" / "drift.db", SCHEMA.split("-- One row,")[0] + sql)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT status, confidence_score FROM patterns") == [("ignored", 0.7)]


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "PRAGMA user_version = 0; CREATE TABLE t (a); DROP TABLE t;",  # one empty page
        "CREATE TABLE project (id TEXT PRIMARY KEY, name TEXT)",  # what it made when its schema was missing
        SCHEMA.split("-- One row,")[0],
    ],
)
def test_a_database_without_rows_says_nothing_and_hides_nothing(sql: str, tmp_path: Path) -> None:
    put(tmp_path, "patterns/approved/errors.json", {"version": "1.0.0", "category": "errors", "patterns": [JSON]})
    _made(tmp_path / ".drift" / "drift.db", sql)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT status FROM patterns") == [("approved",)]
    assert loaded.reasons() == []


@pytest.mark.parametrize("content", [b"\0" * 4096, b"not a database", b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_file_that_is_no_database_is_refused_as_one_and_hides_nothing(content: bytes, tmp_path: Path) -> None:
    put(tmp_path, "patterns/approved/errors.json", {"version": "1.0.0", "category": "errors", "patterns": [JSON]})
    (tmp_path / ".drift" / "drift.db").write_bytes(content)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT status FROM patterns") == [("approved",)]
    assert loaded.counts()["files"] == (1, 0, 0, 1)


def test_what_only_the_log_of_the_database_has_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / ".drift" / "drift.db"
    path.parent.mkdir()
    db = apsw.Connection(str(path))
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(SCHEMA)
    try:
        assert path.with_name("drift.db-wal").stat().st_size > 0
        assert Loaded(tmp_path).counts()["patterns"][:2] == (3, 3)
    finally:
        db.close()


CELL = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=8), st.binary(max_size=4),
    st.sampled_from(["src/a.ts", "/etc/passwd", ID, "approved", "[", "{}", "2026-13-45 99:00:00", "1"]),
)  # fmt: skip


def _columns() -> dict[str, list[str]]:
    db = apsw.Connection(":memory:")
    db.execute(SCHEMA)
    return {name: [str(row[1]) for row in db.execute(f"PRAGMA table_info({name})")] for name in elsewhere.tables(db)}


COLUMNS = _columns()


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_its_cells_each_row_is_accounted_for(
    data: st.DataObject, store: Writer, tmp_path: Path
) -> None:
    path, scratch = tmp_path / "drift.db", tmp_path / "scratch"
    path.unlink(missing_ok=True)
    scratch.mkdir(exist_ok=True)
    db = apsw.Connection(str(path))
    with db:
        for name in data.draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=3, max_size=8, unique=True)):
            db.execute(f"CREATE TABLE {name} ({', '.join(COLUMNS[name])})")
            for _ in range(2):
                row: list[Any] = [data.draw(CELL) for _ in COLUMNS[name]]
                db.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)
    db.close()
    accounted(store, old_store.records(Source(path, "drift.db", "old store", 0), scratch, "/home/ada/shop"))
