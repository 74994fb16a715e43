"""Wrappers and their groups, in the forms in which the predecessor wrote out its analysis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import wrappers
from tests.upgrade.told import Loaded, accounted, broken, document, put

EXPORT: dict[str, Any] = {
    "version": "1.0.0",
    "exportedAt": "2026-01-31T20:35:00.000Z",
    "wrappers": [
        {
            "name": "useUser",
            "qualifiedName": "hooks.useUser",
            "file": "src/hooks.ts",
            "line": 4,
            "depth": 1,
            "primitives": ["useState", "useEffect"],
            "calledBy": ["App"],
            "flags": {"isAsync": False, "isFactory": True},
        }
    ],
    "clusters": [
        {
            "id": "c1",
            "name": "State hooks",
            "description": "around useState",
            "category": "state-management",
            "confidence": 0.8,
            "primitiveSignature": ["useState"],
            "wrapperCount": 1,
            "wrappers": ["hooks.useUser"],
        }
    ],
    "summary": {"totalWrappers": 1},
}
FETCH = {
    "name": "getJson",
    "file": "src/http.ts",
    "line": 9,
    "wraps": ["fetch"],
    "category": "data-fetching",
    "isExported": True,
    "usageCount": 12,
    "confidence": 0.9,
}
NATIVE: dict[str, Any] = {
    "analysis": {
        "wrappers": [FETCH],
        "clusters": [
            {
                "id": "c2",
                "category": "data-fetching",
                "wrappedPrimitive": "fetch",
                "wrappers": [FETCH, {"name": "post", "file": "src/http.ts", "line": 20, "wraps": ["fetch"]}],
                "confidence": 0.7,
                "totalUsage": 14,
            }
        ],
        "summary": {"totalWrappers": 2},
    }
}
_WRAPPERS = "SELECT id, name, line, category, wraps, confidence, usage_count FROM wrappers ORDER BY id"
_GROUPS = "SELECT cluster_name, category, wrapper_ids, confidence, pattern_description FROM wrapper_clusters"


def test_an_export_names_its_wrappers_by_their_qualified_names(tmp_path: Path) -> None:
    put(tmp_path, "wrappers/export.json", EXPORT)
    loaded = Loaded(tmp_path)
    name = "src/hooks.ts:hooks.useUser:4"
    assert loaded.rows(_WRAPPERS) == [(name, "useUser", 4, "state-management", "useState, useEffect", 0.0, 0)]
    assert loaded.rows(_GROUPS) == [
        ("State hooks", "state-management", json.dumps([name]), 0.8, "around useState"),
    ]
    assert loaded.carried("wrappers")[name] == {
        "qualifiedName": "hooks.useUser",
        "depth": 1,
        "calledBy": ["App"],
        "flags": {"isAsync": False, "isFactory": True},
    }
    assert loaded.counts() == {
        "wrappers": (1, 1, 0, 0),
        "wrapper_clusters": (1, 1, 0, 0),
        "carried_fields": (1, 1, 0, 0),
    }


def test_a_wrapper_that_stands_in_its_group_again_is_one_and_one_that_only_stands_there_is_one_too(
    tmp_path: Path,
) -> None:
    put(tmp_path, "lake/wrappers/analysis.json", NATIVE)
    loaded = Loaded(tmp_path)
    assert loaded.rows(_WRAPPERS) == [
        ("src/http.ts:getJson:9", "getJson", 9, "data-fetching", "fetch", 0.9, 12),
        ("src/http.ts:post:20", "post", 20, "data-fetching", "fetch", 0.0, 0),
    ]
    [(name, _, members, *_)] = loaded.rows(_GROUPS)
    assert (name, json.loads(members)) == ("fetch", ["src/http.ts:getJson:9", "src/http.ts:post:20"])
    assert loaded.counts()["wrappers"] == (3, 2, 1, 0)


@given(told=broken(EXPORT | NATIVE) | broken(NATIVE["analysis"]))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_analysis_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, wrappers.records(document("wrappers/export.json", told)))
