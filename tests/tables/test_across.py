"""What is remembered about code and conventions that are not what they were, asked over both databases at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drift_mcp.cortex.memories import NewMemory
from drift_mcp.project import Project, init
from drift_mcp.tables import across, conventions, files, functions

YESTERDAY = 1_700_000_000  # in 2023
TOMORROW = 4_000_000_000  # in 2096


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_file: Any, new_function: Any) -> Iterator[Project]:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    root = tmp_path / "shop"
    root.mkdir()
    with Project(root) as opened:
        init(opened)
        with opened.write() as tx:
            for path, changed_at in (("old.py", YESTERDAY), ("new.py", TOMORROW)):
                (file_id,) = files.put(tx, [new_file(path, mtime_secs=changed_at)]).values()
                functions.replace(tx, file_id, [new_function("pay"), new_function("Cart.total", 3, 9)])
            for name in ("p", "q"):
                tx.execute("INSERT INTO patterns (id, name, category) VALUES (?, ?, 'api')", (name, f"the {name} way"))
        yield opened


def remember(project: Project, summary: str, **links: Any) -> str:
    return project.memory.add(NewMemory("tribal", f"{summary}, at length", summary=summary, **links)).memory


def test_memories_about_a_pattern_that_is_now_ignored(project: Project) -> None:
    remember(project, "why p", patterns=["p"])
    about_q = remember(project, "why q", patterns=["q"])
    with project.read_both() as db:
        assert across.about_dropped_patterns(db) == []
        assert [(one.memory, one.status) for one in across.about_pattern(db, "q")] == [(about_q, "discovered")]
    with project.write() as tx:
        conventions.judge(tx, "q", "ignored", by="ann", reason="noise")
    with project.read_both() as db:
        assert across.about_dropped_patterns(db) == [
            across.PatternMemory(about_q, "why q", "q", "the q way", "ignored", "noise")
        ]


def test_memories_about_a_pattern_that_is_gone(project: Project) -> None:
    gone = remember(project, "why x", patterns=["x"])
    with project.read_both() as db:
        assert [(one.memory, one.pattern, one.status) for one in across.about_dropped_patterns(db)] == [
            (gone, "x", None)
        ]


def test_functions_with_memories_whose_code_changed(project: Project) -> None:
    remember(project, "old", functions=["old.py::pay"])
    changed = remember(project, "new", functions=["new.py::Cart.total"])
    gone = remember(project, "gone", functions=["old.py::refund", "nowhere.py::pay"])
    with project.read_both() as db:
        found = {(one.memory, one.function): (one.code, one.line) for one in across.about_changed_functions(db)}
    assert found == {
        (changed, "new.py::Cart.total"): ("changed", 3),
        (gone, "old.py::refund"): ("gone", None),
        (gone, "nowhere.py::pay"): ("gone", None),
    }


def test_an_archived_memory_speaks_of_nothing(project: Project) -> None:
    memory = remember(project, "why x", patterns=["x"], functions=["new.py::pay"], constraints=["c"])
    with project.read_both() as db:
        assert across.about_dropped_constraints(db) == [across.ConstraintMemory(memory, "why x", "c", None, None)]
    project.memory.archive(memory)
    with project.read_both() as db:
        assert across.about_dropped_patterns(db) == []
        assert across.about_changed_functions(db) == []
        assert across.about_dropped_constraints(db) == []


def test_a_function_is_found_without_reading_all_of_them(project: Project) -> None:
    with project.read_both() as db:
        plan = [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + across._ABOUT_FUNCTIONS).fetchall()]
    assert not [step for step in plan if step.startswith(("SCAN g", "SCAN d"))], plan


def test_neither_database_can_be_written_through_it(project: Project) -> None:
    for table in ("main.patterns", "cortex.memories"):
        with pytest.raises(Exception, match="read-only"), project.read_both() as db:
            db.execute(f"DELETE FROM {table}")
