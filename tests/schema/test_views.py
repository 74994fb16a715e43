"""What the views say about a small project, checked by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import apsw
import pytest

from drift_mcp.store import schema

SHOP = """
INSERT INTO project (id, name, root_path, drift_version) VALUES ('p', 'shop', '/srv/shop', '0.1.0');
INSERT INTO file_metadata (id, path, language, size, mtime_secs, content_hash, last_scanned) VALUES
    (1, 'app/routes.py', 'python', 1, 1, x'000102030405060708090a0b0c0d0e0f', '2026-01-02T03:04:05.678Z'),
    (2, 'app/crud.py', 'python', 1, 1, NULL, '2026-01-02T03:04:05.678Z'),
    (3, 'README.md', NULL, 1, 1, NULL, '2026-01-02T03:04:05.678Z');
INSERT INTO functions (id, file_id, qualified_name, ordinal, name, kind, parent_id, start_line, end_line, language,
    is_entry_point, is_data_accessor) VALUES
    (1, 1, 'app.routes', 0, 'app.routes', 'module', NULL, 1, 30, 'python', 0, 0),
    (2, 1, 'login', 0, 'login', 'function', 1, 3, 9, 'python', 1, 0),
    (3, 2, 'Users.find', 0, 'find', 'method', NULL, 3, 9, 'python', 0, 1),
    (4, 2, 'Users.find', 1, 'find', 'method', NULL, 10, 12, 'python', 0, 0);
INSERT INTO symbols (id, name) VALUES (1, 'find'), (2, 'hashlib.sha256'), (3, 'save');
INSERT INTO function_calls (caller_id, line, column_num, candidate, callee_id, callee_symbol, resolution, reason) VALUES
    (2, 4, 0, 0, 3, 1, 4, NULL),
    (2, 5, 0, 0, NULL, 2, 15, NULL),
    (2, 6, 0, 0, NULL, 3, 0, 'unknown_receiver'),
    (3, 4, 0, 0, 3, 1, 1, NULL);
INSERT INTO entry_points (function_id, kind, label, line) VALUES (2, 'route', 'POST /login', 3);
INSERT INTO data_models (id, name, table_name, file_id, line, fields) VALUES
    (1, 'User', 'users', 2, 1, '["id", "password"]');
INSERT INTO data_fields (model_id, position, field_name, column_name, line) VALUES
    (1, 0, 'id', 'id', 1), (1, 1, 'password', 'password', 2);
INSERT INTO sensitive_fields (table_name, field_name, sensitivity, reason) VALUES
    ('users', 'password', 'auth', 'its name');
INSERT INTO data_access_points (file_id, line, table_name, operation, fields, function_id, confidence) VALUES
    (2, 4, 'users', 'read', '["password"]', 3, 0.9), (2, 8, 'logs', 'write', '[]', 3, 0.9);
INSERT INTO function_data_access (function_id, table_name, operation, field_name, line) VALUES
    (3, 'users', 'read', 'password', 4), (3, 'users', 'read', 'id', 4), (3, 'logs', 'write', NULL, 8);
INSERT INTO patterns (key, id, name, category, status, confidence_score, confidence_level, severity, location_count,
    outlier_count, first_seen, last_seen, tags) VALUES
    (1, 'aa', 'Queries in crud', 'data-access', 'approved', 0.9, 'high', 'error', 1, 1, '2026-01-01T00:00:00.000Z',
        '2026-01-02T00:00:00.000Z', '["sql"]'),
    (2, 'bb', 'Snake case', 'structural', 'discovered', 0.7, 'medium', 'info', 1, 0, '2026-01-01T00:00:00.000Z',
        '2026-01-02T00:00:00.000Z', NULL);
INSERT INTO pattern_locations (pattern_key, file_id, line, is_outlier, outlier_reason) VALUES
    (1, 1, 7, 0, NULL), (1, 2, 4, 1, 'raw'), (2, 2, 3, 0, NULL);
INSERT INTO pattern_examples (pattern_id, file_id, line, end_line, code, quality, extracted_at) VALUES
    ('aa', 1, 7, 8, 'x', 0.5, '2026-01-01T00:00:00.000Z'), ('aa', 2, 1, 2, 'y', 0.75, '2026-01-02T00:00:00.000Z');
INSERT INTO audit_snapshots (date, health_score, summary) VALUES
    ('2026-01-01', 70, '{}'), ('2026-01-02', 75, '{"factors": {"a": 1}}');
INSERT INTO health_trends (date, health_score) VALUES ('2026-01-01', 70), ('2026-01-02', 75);
INSERT INTO scan_history (
    scan_id, started_at, completed_at, duration_ms, files_scanned, status, incremental, commit_hash
) VALUES
    ('s', '2026-01-02T03:04:05.000Z', '2026-01-02T03:04:06.000Z', 1000, 3, 'completed', 1, '3f2c1ab');
"""


@pytest.fixture(scope="module")
def shop() -> Iterator[apsw.Connection]:
    with apsw.Connection(":memory:") as db:
        db.pragma("foreign_keys", True)
        found = schema.read("drift", 1)
        for text in (found.tables, found.views, SHOP):
            for _ in db.execute(text):
                pass
        yield db


def rows(db: apsw.Connection, query: str) -> list[tuple[Any, ...]]:
    return db.execute(query).fetchall()


def record(db: apsw.Connection, query: str) -> dict[str, Any]:
    """The only row, JSON read."""
    cursor = db.execute(query)
    names = [name for name, _ in cursor.get_description()]
    ((*values,),) = cursor.fetchall()
    return {
        name: json.loads(value) if isinstance(value, str) and value[:1] in "[{" else value
        for name, value in zip(names, values, strict=True)
    }


def test_calls_by_name_one_row_per_site_and_candidate(shop: apsw.Connection) -> None:
    assert rows(shop, "SELECT * FROM v_calls ORDER BY caller, line") == [
        ("Users.find", "app/crud.py", 4, "Users.find", "app/crud.py", "self", 0.95),
        ("login", "app/routes.py", 4, "Users.find", "app/crud.py", "import", 0.95),
        ("login", "app/routes.py", 5, "hashlib.sha256", None, "external", 0.95),
        ("login", "app/routes.py", 6, "save", None, "unresolved", 0.0),
    ]


def test_the_old_shape_of_a_call(shop: apsw.Connection) -> None:
    columns = "caller_id, callee_id, callee_name, resolved, confidence, reason"
    assert rows(
        shop, f"SELECT {columns} FROM v_function_calls WHERE line > 4 OR callee_id LIKE '%crud%' ORDER BY line, 1"
    ) == [
        ("app/crud.py::Users.find", "app/crud.py::Users.find", "find", 1, 0.95, None),
        ("app/routes.py::login", "app/crud.py::Users.find", "find", 1, 0.95, None),
        ("app/routes.py::login", None, "hashlib.sha256", 0, 0.95, None),
        ("app/routes.py::login", None, "save", 0, 0.0, "unknown_receiver"),
    ]


def test_public_ids_hold_no_line(shop: apsw.Connection) -> None:
    assert rows(shop, "SELECT id, file FROM v_functions WHERE name = 'find' ORDER BY key") == [
        ("app/crud.py::Users.find", "app/crud.py"),
        ("app/crud.py::Users.find#1", "app/crud.py"),
    ]


def test_data_access_with_its_sensitivity(shop: apsw.Connection) -> None:
    assert rows(shop, "SELECT * FROM v_data_access ORDER BY line, field_name") == [
        ("Users.find", "app/crud.py", 4, "users", "id", "read", None),
        ("Users.find", "app/crud.py", 4, "users", "password", "read", "auth"),
        ("Users.find", "app/crud.py", 8, "logs", None, "write", None),
    ]
    assert rows(shop, "SELECT function_id, table_name, fields FROM v_function_data_access ORDER BY line") == [
        ("app/crud.py::Users.find", "users", '["password","id"]'),
        ("app/crud.py::Users.find", "logs", "[]"),
    ]
    assert rows(shop, "SELECT id, function_id FROM v_data_access_points ORDER BY line") == [
        ("app/crud.py:4:0:users", "app/crud.py::Users.find"),
        ("app/crud.py:8:0:logs", "app/crud.py::Users.find"),
    ]


def test_the_predecessors_five(shop: apsw.Connection) -> None:
    assert rows(shop, "SELECT * FROM v_status") == [(2, 1, 1, 0, 75, 0.8)]
    assert [row[0] for row in rows(shop, "SELECT id FROM v_pattern_index")] == ["aa", "bb"]
    assert rows(shop, "SELECT * FROM v_category_counts ORDER BY category") == [
        ("data-access", 1, 1, 0, 0.9),
        ("structural", 1, 0, 1, 0.7),
    ]
    assert rows(shop, "SELECT file, pattern_count FROM v_file_patterns ORDER BY file") == [
        ("app/crud.py", 2),
        ("app/routes.py", 1),
    ]
    assert rows(shop, "SELECT * FROM v_security_summary") == [(1, 1, 2, 1)]


def test_the_manifest(shop: apsw.Connection) -> None:
    body = {"stats": {"patterns": {"total": 2}}, "lastScan": {"errors": 0}}
    shop.execute("UPDATE status SET generation = 3, body = ?", (json.dumps(body),))
    assert record(shop, "SELECT * FROM v_manifest") == {
        "version": "0.1.0",
        "generated_at": None,
        "project_root": "/srv/shop",
        "generation": 3,
        "stats": {"patterns": {"total": 2}},
        "last_scan": {"errors": 0},
    }
    assert record(shop, "SELECT * FROM v_file_hashes") == {
        "file": "app/routes.py",
        "hash": "000102030405060708090a0b0c0d0e0f",
    }


def test_the_manifest_is_read_from_one_row_whatever_the_size_of_the_store(shop: apsw.Connection) -> None:
    plan = [row[3] for row in shop.execute("EXPLAIN QUERY PLAN SELECT * FROM v_manifest").fetchall()]
    assert {step.split()[1] for step in plan if step.startswith(("SCAN", "SEARCH"))} <= {"s", "project"}


def test_a_pattern_shard(shop: apsw.Connection) -> None:
    assert record(shop, "SELECT * FROM v_pattern_shards WHERE category = 'data-access'") == {
        "category": "data-access",
        "pattern_count": 1,
        "patterns": [
            {
                "id": "aa",
                "name": "Queries in crud",
                "description": None,
                "category": "data-access",
                "subcategory": None,
                "status": "approved",
                "confidence": {"score": 0.9, "level": "high"},
                "severity": "error",
                "locations": [{"file": "app/routes.py", "line": 7, "column": 0}],
                "outliers": [{"file": "app/crud.py", "line": 4, "column": 0, "reason": "raw", "deviationScore": None}],
                "metadata": {
                    "firstSeen": "2026-01-01T00:00:00.000Z",
                    "lastSeen": "2026-01-02T00:00:00.000Z",
                    "approvedAt": None,
                    "approvedBy": None,
                    "tags": ["sql"],
                },
            }
        ],
    }


def test_the_security_index_names_every_table_that_is_known_somehow(shop: apsw.Connection) -> None:
    assert record(shop, "SELECT * FROM v_security_index WHERE \"table\" = 'users'") == {
        "table": "users",
        "model": "User",
        "field_count": 2,
        "sensitive_field_count": 1,
        "access_point_count": 1,
        "has_violations": 1,
        "risk_score": 6.77,  # 4 × (1 + ln 2)
        "fields": ["id", "password"],
        "sensitive_fields": [{"field": "password", "sensitivity": "auth", "reason": "its name"}],
        "access_points": [
            {
                "id": "app/crud.py:4:0:users",
                "file": "app/crud.py",
                "line": 4,
                "column": 0,
                "operation": "read",
                "fields": ["password"],
                "functionId": "app/crud.py::Users.find",
                "confidence": 0.9,
            }
        ],
    }
    logs = record(
        shop, "SELECT model, has_violations, risk_score, fields FROM v_security_index WHERE \"table\" = 'logs'"
    )
    assert logs == {"model": None, "has_violations": 0, "risk_score": 0.0, "fields": []}


def test_the_callgraph_index_says_what_an_entry_point_reaches(shop: apsw.Connection) -> None:
    assert [row[0] for row in rows(shop, "SELECT file FROM v_callgraph_index ORDER BY file")] == [
        "app/crud.py",
        "app/routes.py",
    ]
    assert record(shop, "SELECT * FROM v_callgraph_index WHERE file = 'app/routes.py'") == {
        "file": "app/routes.py",
        "file_hash": "000102030405060708090a0b0c0d0e0f",
        "function_count": 1,
        "entry_point_count": 1,
        "data_accessor_count": 0,
        "call_count": 3,
        "resolved_calls": 1,
        "unresolved_calls": 1,
        "last_updated": "2026-01-02T03:04:05.678Z",
        "entry_points": [
            {
                "id": "app/routes.py::login",
                "name": "login",
                "file": "app/routes.py",
                "line": 3,
                "label": "POST /login",
                "reachableFunctions": 1,
                "reachableTables": ["users", "logs"],
            }
        ],
        "data_accessors": [],
    }
    crud = record(shop, "SELECT data_accessors FROM v_callgraph_index WHERE file = 'app/crud.py'")
    assert crud["data_accessors"] == [
        {
            "id": "app/crud.py::Users.find",
            "name": "Users.find",
            "file": "app/crud.py",
            "line": 3,
            "tables": ["users", "logs"],
            "operations": ["read", "write"],
        }
    ]


def test_the_examples_index(shop: apsw.Connection) -> None:
    assert rows(shop, "SELECT * FROM v_examples_index") == [
        ("aa", "Queries in crud", "data-access", 2, 0.75, "2026-01-02T00:00:00.000Z")
    ]


def test_the_health_dashboard(shop: apsw.Connection) -> None:
    said = record(shop, "SELECT * FROM v_health_dashboard")
    assert (said["date"], said["health_score"], said["health_delta"], said["health_trend"]) == (
        "2026-01-02",
        75,
        5,
        "improving",
    )
    assert said["factors"] == {"a": 1}
    assert (said["critical_issues"], said["warnings"]) == (1, 0)
    assert said["top_issues"] == [
        {
            "id": "aa",
            "type": "outlier",
            "severity": "error",
            "message": "Queries in crud",
            "outliers": 1,
            "patternId": "aa",
        }
    ]
    assert said["security"] == {"violations": 1, "sensitiveExposures": 1}
    assert [(day["date"], day["healthScore"]) for day in said["trends"]] == [("2026-01-01", 70), ("2026-01-02", 75)]
    assert said["last_scan"] == {
        "timestamp": "2026-01-02T03:04:06.000Z",
        "duration": 1000,
        "filesScanned": 3,
        "patternsFound": None,
        "errors": 0,
        "incremental": True,
        "changedFiles": None,
        "commit": "3f2c1ab",
    }


@pytest.mark.parametrize(
    ("before", "today", "trend"),
    [(70, 73, "improving"), (70, 72, "stable"), (70, 68, "stable"), (70, 67, "declining"), (None, 70, None)],
)
def test_a_trend_is_more_than_noise(shop: apsw.Connection, before: int | None, today: int, trend: str | None) -> None:
    shop.execute("SAVEPOINT days")
    shop.execute("UPDATE audit_snapshots SET health_score = iif(date = '2026-01-01', ?, ?)", (before, today))
    assert shop.execute("SELECT health_trend FROM v_health_dashboard").get == trend
    shop.execute("ROLLBACK TO days")
    shop.execute("RELEASE days")
