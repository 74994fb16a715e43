"""Environment variables as the predecessor wrote them, and that no secret among their defaults gets through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import environment
from tests.upgrade.told import Loaded, accounted, broken, document, put


def access(name: str, line: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"src/env.ts:{line}:4:{name}",
        "varName": name,
        "method": "process.env",
        "file": "src/env.ts",
        "line": line,
        "column": 4,
        "context": f"const x = process.env.{name}",
        "language": "typescript",
        "sensitivity": "config",
        "confidence": 0.9,
        "hasDefault": "defaultValue" in more,
        "isRequired": "defaultValue" not in more,
        **more,
    }


def environment_of(*accesses: dict[str, Any], **sensitivity: str) -> dict[str, Any]:
    """An access map, each place told twice, as the predecessor wrote it."""
    variables: dict[str, Any] = {}
    for each in accesses:
        name = each["varName"]
        variable = variables.setdefault(
            name,
            {
                "name": name,
                "sensitivity": sensitivity.get(name, "config"),
                "accessedBy": [],
                "files": ["src/env.ts"],
                "hasDefault": False,
                "isRequired": False,
            },
        )
        variable["accessedBy"].append(each)
        variable["hasDefault"] |= each["hasDefault"]
        variable["isRequired"] |= each["isRequired"]
    points = {each["id"]: each for each in accesses}
    return {"version": "1.0", "projectRoot": "/home/ada/shop", "variables": variables, "accessPoints": points}


PLAIN = environment_of(
    access("PORT", 3, defaultValue="3001"),
    access("PORT", 9),
    access("Jwt:Key", 5, method="IConfiguration", language="csharp", containingFunction="configure"),
    access("app.key", 6, sensitivity="secret"),
)


def test_variables_and_the_places_that_read_them_are_taken_once(tmp_path: Path) -> None:
    put(tmp_path, "environment/access-map.json", PLAIN)
    loaded = Loaded(tmp_path)
    assert loaded.rows(
        "SELECT name, sensitivity, has_default, is_required, default_value, source FROM env_variables ORDER BY name"
    ) == [
        ("Jwt:Key", "config", 0, 1, None, "upgrade"),
        ("PORT", "config", 1, 1, "3001", "upgrade"),
        ("app.key", "config", 0, 1, None, "upgrade"),
    ]
    assert loaded.rows(
        "SELECT var_name, method, line, column_num, language, default_value FROM env_access_points ORDER BY line"
    ) == [
        ("PORT", "process.env", 3, 4, "typescript", "3001"),
        ("Jwt:Key", "IConfiguration", 5, 4, "csharp", None),
        ("app.key", "process.env", 6, 4, "typescript", None),
        ("PORT", "process.env", 9, 4, "typescript", None),
    ]
    assert loaded.counts() == {"env_variables": (3, 3, 0, 0), "env_access_points": (8, 4, 4, 0)}
    assert loaded.carried("env_access_points") == {
        "src/env.ts:5:4:Jwt:Key": {"containingFunction": "configure"},
        "src/env.ts:6:4:app.key": {"sensitivity": "secret"},
    }


@pytest.mark.parametrize(
    ("name", "sensitivity", "default", "kept"),
    [
        ("JWT_SECRET", "secret", "correct-horse", "[redacted]"),
        ("SIGNING", "secret", "correct-horse", "[redacted]"),  # by the predecessor's word alone
        ("HOST", "unknown", "ghp_0123456789012345678901234567890123456789", "[redacted]"),  # by its form
        ("DATABASE_URL", "credential", "postgres://ada:lovelace@db/shop", "postgres://[redacted]@db/shop"),
        ("PASSWORD_LENGTH", "secret", "12", "12"),  # the predecessor took it for a password
        ("SECRET", "secret", "", ""),
        ("PORT", "config", 3001, "3001"),
        ("DEBUG", "config", False, "false"),
    ],
)
def test_a_default_that_may_be_a_secret_is_redacted(
    tmp_path: Path, name: str, sensitivity: str, default: Any, kept: str
) -> None:
    told = environment_of(access(name, 3, defaultValue=default), **{name: sensitivity})
    put(tmp_path, "environment/access-map.json", told)
    loaded = Loaded(tmp_path)
    redacted = int("[redacted]" in kept)
    for table in ("env_variables", "env_access_points"):
        assert loaded.rows(f"SELECT default_value, is_redacted FROM {table}") == [(kept, redacted)]


@pytest.mark.parametrize(
    ("context", "kept"),
    [
        ("os.getenv('JWT_SECRET', 'correct-horse')", "os.getenv('JWT_SECRET', '[redacted]')"),
        ("c = process.env.JWT_SECRET || 'correct-ho", "c = process.env.JWT_SECRET || '[redacted]"),
        ("ect-horse'; const port = process.env.PORT", "[redacted]'; const port = process.env.PORT"),
        ("process.env.PORT || 3001", "process.env.PORT || 3001"),
    ],
)
def test_a_secret_default_is_not_seen_in_the_source_around_any_place(tmp_path: Path, context: str, kept: str) -> None:
    told = environment_of(
        access("JWT_SECRET", 3, defaultValue="correct-horse", context=""),
        access("SALT", 4, defaultValue="correct", context=""),  # with which the other begins
        access("PORT", 5, context=context),
    )
    put(tmp_path, "environment/access-map.json", told)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT context FROM env_access_points WHERE var_name = 'PORT'") == [(kept,)]
    assert not loaded.holds("horse")


def test_a_secret_is_not_seen_either_where_two_tellings_differ(tmp_path: Path) -> None:
    told = environment_of(access("JWT_SECRET", 3, defaultValue="correct-horse"))
    [point] = told["accessPoints"].values()
    older = {**point, "defaultValue": "battery-staple", "context": "JWT_SECRET || 'battery-staple'"}
    told["variables"]["JWT_SECRET"]["accessedBy"] = [older, {**older, "line": "three"}]
    put(tmp_path, "environment/access-map.json", told)
    loaded = Loaded(tmp_path)
    assert loaded.carried("env_access_points") == {
        "src/env.ts:3:4:JWT_SECRET": {
            "accessedBy": [
                {"context": "JWT_SECRET || '[redacted]'"},
                {"line": "three", "context": "JWT_SECRET || '[redacted]'"},
            ]
        }
    }
    assert not loaded.holds("horse")
    assert not loaded.holds("battery")


def test_a_variable_of_which_only_a_place_is_known_is_known(tmp_path: Path) -> None:
    put(tmp_path, "environment/access-map.json", {"accessPoints": [access("LONELY", 3)]})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT name, sensitivity FROM env_variables") == [("LONELY", "config")]
    assert loaded.counts() == {"env_variables": (1, 1, 0, 0), "env_access_points": (1, 1, 0, 0)}


@given(told=broken(PLAIN))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_environment_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, environment.records(document("environment/access-map.json", told)))
