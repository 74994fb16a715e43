"""Exceptions that were granted, and what becomes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import variants
from tests.upgrade.told import ROOT, Loaded, accounted, broken, document, put

ID = "a" * 16
PATTERNS = {"version": "1.0.0", "category": "api", "patterns": [{"id": ID, "name": "Routes", "locations": []}]}
VARIANT: dict[str, Any] = {
    "id": "v1",
    "patternId": ID,
    "name": "old routes",
    "reason": "as they were",
    "scope": "file",
    "scopeValue": f"{ROOT}/src/a.ts",
    "locations": [{"file": f"{ROOT}/src/a.ts", "line": 3, "column": 0}],
    "createdAt": "2026-01-20T08:00:00.000Z",
    "createdBy": "ada",
    "active": False,
}


def index(*told: Any) -> dict[str, Any]:
    return {"version": "1.0.0", "variants": list(told), "lastUpdated": "2026-01-20T08:00:00.000Z", "projectRoot": ROOT}


def loaded(root: Path, *told: Any) -> Loaded:
    put(root, "patterns/discovered/api.json", PATTERNS)
    put(root, "patterns/variants/index.json", index(*told))
    return Loaded(root)


def test_an_exception_stands_as_it_was_granted(tmp_path: Path) -> None:
    found = loaded(tmp_path, {**VARIANT, "ticket": "SHOP-7"})
    assert found.rows("SELECT * FROM pattern_variants") == [
        (
            "v1", ID, "old routes", "file", "src/a.ts", "as they were",
            '[{"file":"src/a.ts","line":3,"column":0}]', 0, "2026-01-20T08:00:00.000Z", "ada", None,
        )
    ]  # fmt: skip
    assert found.carried("pattern_variants") == {"v1": {"ticket": "SHOP-7"}}
    assert not found.holds(ROOT)


@pytest.mark.parametrize(
    ("scope", "value", "stands"),
    [("global", None, None), ("global", "src", None), ("directory", "./src/", "src"), ("directory", ".", ".")],
)
def test_it_holds_where_it_held(scope: str, value: Any, stands: Any, tmp_path: Path) -> None:
    found = loaded(tmp_path, {**VARIANT, "scope": scope, "scopeValue": value})
    assert found.rows("SELECT scope, scope_value FROM pattern_variants") == [(scope, stands)]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"scopeValue": None}, "it does not say in which file or folder it holds."),
        ({"scopeValue": "/etc"}, "'/etc' lies outside the project."),
        ({"scope": "sometimes"}, "scope is 'sometimes', not one of global, directory, file."),
        ({"patternId": "gone"}, "pattern_id is 'gone', and there is no such row of patterns."),
    ],
)
def test_one_that_would_hold_nowhere_is_refused(more: dict[str, Any], reason: str, tmp_path: Path) -> None:
    assert loaded(tmp_path, {**VARIANT, **more}).reasons() == [f"patterns/variants/index.json, variants[0]: {reason}"]


@given(told=broken(index(VARIANT, {**VARIANT, "scope": "global"})))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_index_holds_every_row_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"variants": told}
    accounted(store, variants.records(document("patterns/variants/index.json", data)))
