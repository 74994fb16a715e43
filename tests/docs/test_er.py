"""The pictures in docs/ are what the schema gives."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _er() -> ModuleType:
    spec = importlib.util.spec_from_file_location("er", DOCS / "er.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("database", ["drift", "cortex", "registry"])
def test_the_picture_is_what_the_schema_gives(database: str) -> None:
    checked_in = (DOCS / f"{database}-er.md").read_text(encoding="utf-8")
    assert checked_in == _er().drawn(database), "run `python docs/er.py`"


def test_the_picture_shows_how_tables_hang_together() -> None:
    lines = _er().drawn("drift").splitlines()
    assert '    functions ||--o{ function_calls : "caller_id"' in lines
    assert '    functions |o--o{ function_calls : "callee_id"' in lines
    assert '    file_metadata ||--o| file_facts : "file_id"' in lines
    assert "- `file_problems`: one row per reason why a file, or a part of it, was not read" in lines
