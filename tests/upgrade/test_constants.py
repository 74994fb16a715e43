"""Constants, enumerations and their uses, as the predecessor wrote them for each source file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import constants
from tests.upgrade.told import Loaded, accounted, broken, document, put


def constant(name: str, line: int, value: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": f"src/limits.ts:{name}:{line}",
        "name": name,
        "qualifiedName": name,
        "file": "src/limits.ts",
        "line": line,
        "column": 0,
        "endLine": line,
        "language": "typescript",
        "kind": "primitive",
        "category": "limit",
        "value": value,
        "isExported": True,
        "decorators": [],
        "modifiers": [],
        **more,
    }


def usage(constant_id: str, line: int, file: str = "src/use.ts") -> dict[str, Any]:
    return {"constantId": constant_id, "constantName": "x", "file": file, "line": line, "context": "n > MOST"}


SHARD: dict[str, Any] = {
    "version": "1.0",
    "file": "src/limits.ts",
    "contentHash": "abc",
    "extractedAt": "2026-01-31T20:35:00.000Z",
    "constants": [
        constant("MOST", 3, 100),
        constant("LEAST", 4, "1", qualifiedName="Limits.LEAST", column=6, rawValue="'1'", docComment="at least"),
        constant("API_KEY", 5, "correct-horse", rawValue="'correct-horse'", category="security"),
    ],
    "enums": [
        {
            "id": "src/limits.ts:Size:9",
            "name": "Size",
            "qualifiedName": "Size",
            "file": "src/limits.ts",
            "line": 9,
            "endLine": 12,
            "language": "typescript",
            "isExported": True,
            "isFlags": False,
            "members": [{"name": "SMALL", "value": 1, "line": 10}, {"name": "LARGE", "line": 11, "isAutoValue": True}],
        }
    ],
    "references": [
        usage("src/limits.ts:MOST:3", 20),
        usage("src/limits.ts:3:MOST", 21),  # as the native scanner named it
        usage("src/limits.ts:Limits.LEAST:4", 22),
        usage("src/limits.ts:GONE:99", 23),
        usage("MOST", 24),
    ],
    "quality": {"method": "regex"},
}
FILE = "lake/constants/files/0123456789abcdef.json"


def test_constants_and_members_of_enumerations_are_rows_and_secrets_are_not_seen(tmp_path: Path) -> None:
    put(tmp_path, FILE, SHARD)
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT name, line, value, type, category, language, exported, is_secret, usage_count
        FROM constants ORDER BY line
    """) == [
        ("MOST", 3, "100", "primitive", "limit", "typescript", 1, 0, 2),
        ("LEAST", 4, "1", "primitive", "limit", "typescript", 1, 0, 1),
        ("API_KEY", 5, "[redacted]", "primitive", "security", "typescript", 1, 1, 0),
        ("Size", 9, None, "enum", None, "typescript", 1, 0, 0),
        ("Size.SMALL", 10, "1", "enum_member", None, "typescript", 1, 0, 0),
        ("Size.LARGE", 11, None, "enum_member", None, "typescript", 1, 0, 0),
    ]
    assert loaded.counts()["constants"] == (6, 6, 0, 0)
    assert loaded.carried("constants") == {
        "src/limits.ts:LEAST:4": {
            "qualifiedName": "Limits.LEAST", "column": 6, "rawValue": "'1'", "docComment": "at least",
        },
        "src/limits.ts:Size:9": {"endLine": 12, "isFlags": False},
        "src/limits.ts:Size.LARGE:11": {"isAutoValue": True},
    }  # fmt: skip
    assert not loaded.holds("correct-horse")


def test_uses_find_their_constant_by_either_of_the_old_ids(tmp_path: Path) -> None:
    put(tmp_path, FILE, SHARD)
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT c.name, p.path, u.line, u.context
        FROM constant_usages u JOIN constants c ON c.id = u.constant_id JOIN file_metadata p ON p.id = u.file_id
        ORDER BY u.line
    """) == [
        ("MOST", "src/use.ts", 20, "n > MOST"),
        ("MOST", "src/use.ts", 21, "n > MOST"),
        ("LEAST", "src/use.ts", 22, "n > MOST"),
    ]
    assert loaded.counts()["constant_usages"] == (5, 3, 0, 2)


@pytest.mark.parametrize("name", ["lake/constants/index.json", "constants/index.json"])
def test_the_index_is_made_of_the_rest_and_says_nothing(tmp_path: Path, name: str) -> None:
    index = {"version": "1.0", "byFile": {"src/limits.ts": ["x"]}, "byName": {}, "stats": {"totalConstants": 6}}
    put(tmp_path, name, index)
    assert Loaded(tmp_path).counts() == {}


@given(told=broken(SHARD))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_file_of_constants_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, constants.records(document(FILE, told)))
