"""A project on disk whose store is filled by hand."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from drift_mcp.project import Project, init
from drift_mcp.tables import scans, status


def _shop() -> ModuleType:
    # The tests are imported without a package around them, so that what they share is loaded by its place.
    spec = importlib.util.spec_from_file_location("shop", Path(__file__).with_name("shop.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry of projects lies in the test's own folder."""
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "drift-home"))
    monkeypatch.delenv("CLAUDE_PROJECT_DIR", raising=False)


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Project]:
    """A project with a store that no scan has filled."""
    root = tmp_path / "shop"
    root.mkdir()
    with Project(root) as project:
        init(project)
        yield project


@pytest.fixture
def shop(empty: Project) -> Project:
    """The small web shop of shop.py, scanned."""
    rows = _shop()
    rows.write_sources(empty.root)
    with empty.write() as tx:
        scans.start(tx, "scan-1", incremental=False, commit="3f2c1ab99d")
        rows.fill(tx, empty.root)
        scans.finish(tx, "scan-1", files_scanned=5, changed_files=5, errors=0)
        status.refresh(tx)
    return empty
