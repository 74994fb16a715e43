"""The page on `drift ingest` is what the program takes, and its example does what it says."""

from __future__ import annotations

import importlib.util
import io
import re
from pathlib import Path
from types import ModuleType

import pytest

from drift_mcp import jsonl
from drift_mcp.ingest import foreign, given, lines
from drift_mcp.project import Project

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ingest_page", DOCS / "ingest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_program_takes() -> None:
    assert (DOCS / "ingest.md").read_text(encoding="utf-8") == _page().page(), "run `python docs/ingest.py`"


def test_the_bounds_that_the_page_names_are_the_programs() -> None:
    page = (DOCS / "ingest.md").read_text(encoding="utf-8")
    assert f"no line above {jsonl.MOST_BYTES >> 20} MB" in page
    assert f"{given.Told.MOST_ROWS:,} rows" in page


def test_the_example_of_the_page_is_taken_and_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    root = tmp_path / "shop"
    (root / "lib").mkdir(parents=True)
    page = (DOCS / "ingest.md").read_text(encoding="utf-8")
    [source] = re.findall(r"```ruby\n(.*?)```", page, re.DOTALL)
    [example] = re.findall(r"```jsonl\n(.*?)```", page, re.DOTALL)
    (root / "lib" / "cart.rb").write_text(source)
    with Project(root) as project:
        header, rows = lines.read(io.BytesIO(example.encode()))
        done = foreign.ingest(project, header, rows)
        assert {each.table: each.added for each in done.tables} == {
            "file_metadata": 1,
            "functions": 3,
            "function_calls": 2,
            "function_data_access": 1,
            "entry_points": 1,
        }
        with project.read() as db:
            assert list(db.execute("SELECT caller, line, callee, resolution FROM v_calls ORDER BY 3")) == [
                ("Cart.total", 3, "Array#sum", "scanner"),
                ("Cart.total", 3, "Cart.tax", "scanner"),
            ]
