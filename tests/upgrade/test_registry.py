"""The predecessor's registry of projects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.upgrade import registry
from drift_mcp.upgrade.registry import Registered
from tests.upgrade.told import broken

SHOP: dict[str, Any] = {
    "id": "p1",
    "name": "The shop",
    "path": "/home/ada/shop",
    "language": "typescript",
    "registeredAt": "2026-01-01T10:00:00.000Z",
    "lastAccessedAt": "2026-01-30T10:00:00.000Z",
    "lastScanAt": "2026-01-29T10:00:00Z",
    "patternCounts": {"discovered": 3, "approved": 2, "ignored": 1},
    "healthScore": 76.4,
    "tags": ["web"],
}


def put(home: Path, told: Any) -> Path:
    (home / registry.NAME).write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return home


def test_each_project_is_known_with_what_is_shown_of_it(tmp_path: Path) -> None:
    bare = {"path": "/home/ada/tools"}
    put(tmp_path, {"version": "1.0.0", "projects": [SHOP, bare, {**SHOP, "name": "again"}]})
    assert registry.projects(tmp_path) == (
        [
            Registered(Path("/home/ada/shop"), "The shop", 76, 6, "2026-01-29T10:00:00.000Z"),
            Registered(Path("/home/ada/tools"), "tools", None, 0, None),
        ],
        [],
    )


def test_without_a_registry_there_are_none(tmp_path: Path) -> None:
    assert registry.projects(tmp_path) == ([], [])


@pytest.mark.parametrize(
    ("told", "where", "reason"),
    [
        ("{", "registry.json", "it cannot be read: "),
        ([], "registry.json", "it holds '[]', and no list of projects."),
        ({"projects": ["shop"]}, "registry.json, projects[0]", "'shop' is no project."),
        ({"projects": [{"path": "shop"}]}, "registry.json, projects[0]", "'shop' is no place where a project"),
        ({"projects": [{**SHOP, "lastScanAt": "soon"}]}, "registry.json, projects[0]", "'soon' is no time."),
    ],
)
def test_what_names_no_project_is_refused(told: Any, where: str, reason: str, tmp_path: Path) -> None:
    found, refusals = registry.projects(put(tmp_path, told))
    assert found == []
    assert [(each.where, each.reason.startswith(reason)) for each in refusals] == [(where, True)]


@given(told=broken({"version": "1.0.0", "projects": [SHOP]}))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_registry_holds_nothing_is_raised(told: Any, tmp_path: Path) -> None:
    found, refusals = registry.projects(put(tmp_path, told))
    assert all(each.root.is_absolute() for each in found)
    listed = told.get("projects") if isinstance(told, dict) else None
    assert len(found) + len(refusals) >= (1 if not isinstance(listed, list) else min(len(listed), 1))
