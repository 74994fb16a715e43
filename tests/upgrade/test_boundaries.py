"""Models, sensitive fields, access points and rules as the predecessor wrote them, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import boundaries
from tests.upgrade.told import ROOT, Loaded, accounted, broken, document, put


def point(line: int, table: str = "users", operation: str = "read", **more: Any) -> dict[str, Any]:
    file = "src/users.ts"
    return {
        "id": f"{file}:{line}:0:{table}",
        "table": table,
        "fields": ["email"],
        "operation": operation,
        "file": file,
        "line": line,
        "column": 0,
        "context": "await db.users.find()",
        "isRawSql": False,
        "confidence": 0.85,
        **more,
    }


def sensitive(field: str, table: str | None, line: int, kind: str = "pii", confidence: float = 0.5) -> dict[str, Any]:
    return {
        "field": field,
        "table": table,
        "sensitivityType": kind,
        "file": "src/model.ts",
        "line": line,
        "confidence": confidence,
    }


ORM = {"explanation": "by its framework", "factors": {"tableName": 0.3}}
FIRST = point(4, framework="prisma", confidenceBreakdown=ORM)
AGAIN = point(9, operation="write", confidence=0.3, isRawSql=True)
ACCESS_MAP: dict[str, Any] = {
    "version": "1.0",
    "generatedAt": "2026-01-31T20:35:00.000Z",
    "projectRoot": ROOT,
    "models": [
        {
            "name": "User",
            "tableName": "users",
            "fields": ["id", "email"],
            "file": "src/model.ts",
            "line": 3,
            "framework": "prisma",
            "confidence": 0.9,
        },
        {"name": "Order", "tableName": None, "fields": [], "file": f"{ROOT}/src/model.ts", "line": 8},
    ],
    "tables": {
        "users": {
            "name": "users",
            "model": "User",
            "fields": ["email", "ssn"],
            "sensitiveFields": [sensitive("email", "users", 5)],
            "accessedBy": [FIRST, {**AGAIN, "operation": "read", "confidence": 0.85}, point(20)],
        },
        "this": {"name": "this", "model": None, "fields": ["email"], "sensitiveFields": [], "accessedBy": []},
    },
    "accessPoints": {each["id"]: each for each in (FIRST, AGAIN, point(12, table="unknown", operation="delete"))},
    "sensitiveFields": [
        sensitive("email", "users", 5),
        sensitive("password", None, 6, "credentials", 0.75),
        sensitive("password", None, 7, "credentials", 0.9),
        sensitive("nickname", None, 8, "unknown"),
        sensitive("shoe_size", None, 10, "whimsical"),
        sensitive("email", None, 9),
    ],
    "stats": {"totalTables": 2},
}
RULES: dict[str, Any] = {
    "version": "1.0",
    "sensitivity": {"critical": ["users.password"], "sensitive": ["users.email"], "general": []},
    "boundaries": [
        {
            "id": "users-by-service",
            "description": "Users are read in their service",
            "tables": ["users"],
            "fields": ["users.email"],
            "operations": ["write", "delete"],
            "allowedPaths": ["src/services/**"],
            "excludePaths": ["**/*.test.ts"],
            "severity": "error",
        },
        {"id": "off", "description": "Once", "allowedPaths": [], "severity": "info", "enabled": False},
    ],
    "globalExcludes": ["migrations/**"],
}


def test_every_access_point_is_taken_once_and_its_copies_are_counted(tmp_path: Path) -> None:
    put(tmp_path, "boundaries/access-map.json", ACCESS_MAP)
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT p.path, a.line, a.column_num, a.table_name, a.operation, a.fields, a.is_raw_sql, a.confidence,
            a.framework
        FROM data_access_points a JOIN file_metadata p ON p.id = a.file_id ORDER BY a.line
    """) == [
        ("src/users.ts", 4, 0, "users", "read", '["email"]', 0, 0.85, "prisma"),
        ("src/users.ts", 9, 0, "users", "write", '["email"]', 1, 0.3, None),
        ("src/users.ts", 12, 0, "unknown", "delete", '["email"]', 0, 0.85, None),
        ("src/users.ts", 20, 0, "users", "read", '["email"]', 0, 0.85, None),  # told of under its table alone
    ]
    assert loaded.counts()["data_access_points"] == (6, 4, 2, 0)


def test_what_an_earlier_telling_of_an_access_point_says_otherwise_is_carried_along(tmp_path: Path) -> None:
    put(tmp_path, "boundaries/access-map.json", ACCESS_MAP)
    carried = Loaded(tmp_path).carried("data_access_points")
    assert carried == {
        "src/users.ts:4:0:users:read": {"confidenceBreakdown": ORM},
        "src/users.ts:9:0:users:write": {"accessedBy": [{"operation": "read", "confidence": 0.85}]},
    }


def test_an_access_of_unknown_operation_is_refused_with_the_reason(tmp_path: Path) -> None:
    put(tmp_path, "boundaries/access-map.json", {"accessPoints": {"x": point(4, operation="unknown")}})
    loaded = Loaded(tmp_path)
    assert loaded.counts() == {"data_access_points": (1, 0, 0, 1)}
    assert loaded.reasons() == [
        "boundaries/access-map.json, accessPoints['x']: what it does to the table is not known: a store holds what "
        "reads, writes and deletes."
    ]


def test_of_two_tellings_the_one_that_can_be_read_is_taken(tmp_path: Path) -> None:
    told = {
        "accessPoints": {"x": point(4, operation="unknown")},
        "tables": {"users": {"name": "users", "accessedBy": [point(4), point(4, confidence=0.3)]}},
    }
    put(tmp_path, "boundaries/access-map.json", told)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT operation, confidence FROM data_access_points") == [("read", 0.85)]
    assert loaded.counts()["data_access_points"] == (3, 1, 1, 1)


def test_models_keep_their_fields_and_one_without_a_table_has_its_own_name(tmp_path: Path) -> None:
    put(tmp_path, "boundaries/access-map.json", ACCESS_MAP)
    assert Loaded(tmp_path).rows("""
        SELECT m.name, m.table_name, p.path, m.line, m.framework, m.confidence, m.fields
        FROM data_models m JOIN file_metadata p ON p.id = m.file_id ORDER BY m.line
    """) == [
        ("User", "users", "src/model.ts", 3, "prisma", 0.9, '["id","email"]'),
        ("Order", "Order", "src/model.ts", 8, None, 1.0, "[]"),
    ]


def test_sensitive_fields_of_no_table_stay_so_and_meet_by_their_names_with_all_their_places(tmp_path: Path) -> None:
    put(tmp_path, "boundaries/access-map.json", ACCESS_MAP)
    loaded = Loaded(tmp_path)
    assert loaded.rows(
        "SELECT table_name, field_name, sensitivity, confidence, line FROM sensitive_fields ORDER BY line"
    ) == [
        ("users", "email", "pii", 0.5, 5),
        (None, "password", "auth", 0.9, 7),  # the surest of the two
        (None, "nickname", "custom", 0.5, 8),
        (None, "email", "pii", 0.5, 9),
        (None, "shoe_size", "custom", 0.5, 10),
    ]
    assert loaded.carried("sensitive_fields") == {
        "password": {
            "sensitivityType": "credentials",
            "others": [{"line": 6, "confidence": 0.75}],
        },
        "nickname": {"sensitivityType": "unknown"},
        "shoe_size": {"sensitivityType": "whimsical"},
    }
    # One is listed under its table again, one met another of its name.
    assert loaded.counts()["sensitive_fields"] == (7, 5, 2, 0)


def test_of_a_table_only_what_is_said_nowhere_else_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "boundaries/access-map.json", ACCESS_MAP)
    assert Loaded(tmp_path).carried("boundaries/access-map.json") == {
        "tables['users']": {"fields": ["ssn"]},
        "tables['this']": {"fields": ["email"]},
    }


def test_where_the_project_lay_is_stored_nowhere(tmp_path: Path) -> None:
    told = {
        **ACCESS_MAP,
        "tables": {f"{ROOT}/x": {"fields": ["a"]}},
        "remark": f"scanned in {ROOT}/src, not in {ROOT}2 by {ROOT}",
    }
    put(tmp_path, "boundaries/access-map.json", told)
    loaded = Loaded(tmp_path)
    assert loaded.carried("boundaries/access-map.json") == {
        "tables['x']": {"fields": ["a"]},
        "": {"remark": f"scanned in src, not in {ROOT}2 by ."},
    }
    assert not loaded.holds(f"{ROOT}/")


def test_a_rule_that_a_person_wrote_is_a_constraint_of_theirs(tmp_path: Path) -> None:
    put(tmp_path, "boundaries/rules.json", RULES)
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT id, category, status, enforcement_level, ignore_reason, invariant ->> 'predicate', scope
        FROM constraints ORDER BY id DESC
    """) == [
        (
            "boundary-users-by-service",
            "data",
            "custom",
            "error",
            None,
            '{"dataAccess":{"tables":["users"],"fields":["users.email"],"operations":["write","delete"],'
            '"allowedPaths":["src/services/**"]}}',
            '{"exclude":{"files":["**/*.test.ts","migrations/**"]}}',
        ),
        (
            "boundary-off", "data", "ignored", "info", "it was not enabled", '{"dataAccess":{}}',
            '{"exclude":{"files":["migrations/**"]}}',
        ),
    ]  # fmt: skip
    assert loaded.carried("boundaries/rules.json")[""] == {
        "sensitivity": {"critical": ["users.password"], "sensitive": ["users.email"], "general": []},
        "globalExcludes": ["migrations/**"],
    }


@given(told=st.dictionaries(st.text(), st.none()) | broken(ACCESS_MAP))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_access_map_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, boundaries.records(document("boundaries/access-map.json", told)))


@given(told=broken(RULES))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_file_of_rules_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, boundaries.rules(document("boundaries/rules.json", told)))
