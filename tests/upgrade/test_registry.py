"""The predecessor's registry of projects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.project import Project, known
from drift_mcp.upgrade import registry, run
from drift_mcp.upgrade.account import Line
from drift_mcp.upgrade.registry import Registered
from tests.upgrade import told
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


def put(home: Path, content: Any) -> Path:
    (home / registry.NAME).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return home


def test_each_project_is_known_with_what_is_shown_of_it(tmp_path: Path) -> None:
    bare = {"path": "/home/ada/tools"}
    put(tmp_path, {"version": "1.0.0", "projects": [SHOP, bare, {**SHOP, "name": "again"}]})
    assert registry.projects(tmp_path) == (
        [
            Registered(Path("/home/ada/shop"), 76, 6, "2026-01-29T10:00:00.000Z"),
            Registered(Path("/home/ada/tools"), None, 0, None),
        ],
        [],
    )


def test_without_a_registry_there_are_none(tmp_path: Path) -> None:
    assert registry.projects(tmp_path) == ([], [])


@pytest.mark.parametrize(
    ("content", "where", "reason"),
    [
        ("{", "registry.json", "it cannot be read: "),
        ([], "registry.json", "it holds '[]', and no list of projects."),
        ({"projects": ["shop"]}, "registry.json, projects[0]", "'shop' is no project."),
        ({"projects": [{"path": "shop"}]}, "registry.json, projects[0]", "'shop' is no place where a project"),
        ({"projects": [{**SHOP, "lastScanAt": "soon"}]}, "registry.json, projects[0]", "'soon' is no time."),
    ],
)
def test_what_names_no_project_is_refused(content: Any, where: str, reason: str, tmp_path: Path) -> None:
    found, refusals = registry.projects(put(tmp_path, content))
    assert found == []
    assert [(each.where, each.reason.startswith(reason)) for each in refusals] == [(where, True)]


def test_an_upgrade_registers_the_projects_that_are_still_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, shop, cart = tmp_path / "home", tmp_path / "shop", tmp_path / "cart"
    monkeypatch.setenv("DRIFT_HOME", str(home))
    for each in (home, shop, cart):
        each.mkdir()
    listed = [{**SHOP, "path": str(each)} for each in (shop, cart, tmp_path / "gone")]
    old = put(home, {"version": "1.0.0", "projects": [*listed, "nothing"]}) / registry.NAME
    before = old.read_bytes()
    told.put(shop, "config.json", {"ci": {"failOn": "error"}})
    with Project(shop) as project:
        dry = run.upgrade(project, is_dry=True)
        assert known() == []
        report = run.upgrade(project)
    (line,) = [each for each in report.lines if each.domain == registry.DOMAIN]
    assert line == Line(registry.DOMAIN, 4, 1, {registry.KNOWN: 1}, 2)
    assert {each.domain for each in dry.lines} == {each.domain for each in report.lines}
    found = {each.told.path: (each.told.health_score, each.told.pattern_count) for each in known()}
    assert found == {str(shop): (None, 0), str(cart): (76, 6)}
    assert old.read_bytes() == before


@given(content=broken({"version": "1.0.0", "projects": [SHOP]}))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_registry_holds_nothing_is_raised(content: Any, tmp_path: Path) -> None:
    found, refusals = registry.projects(put(tmp_path, content))
    assert all(each.root.is_absolute() for each in found)
    listed = content.get("projects") if isinstance(content, dict) else None
    assert found or refusals or listed == []
