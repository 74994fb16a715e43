"""One call from the words in to the text out: which project, how fresh, what is refused."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from drift_mcp.project import Project
from drift_mcp.tools import calls
from drift_mcp.tools.answer import tokens
from drift_mcp.tools.projects import OpenProjects

SOURCE = "def tax(amount):\n    return amount * 0.2\n\n\ndef total(amount):\n    return amount + tax(amount)\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "till"
    folder.mkdir()
    (folder / "till.py").write_text(SOURCE)
    return folder


@pytest.fixture
def projects(root: Path) -> Iterator[OpenProjects]:
    with OpenProjects(root) as opened:
        calls.answer(opened, "scan_project", {})
        yield opened


def freshness(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)["freshness"]
    return found


def test_a_file_that_changed_is_scanned_again_for_the_answer_that_names_it(projects: OpenProjects, root: Path) -> None:
    (root / "till.py").write_text(SOURCE.replace("def total", "def sum_up"))
    said = calls.answer(projects, "get_callers", {"function": "tax", "format": "json"})
    assert [one["function"] for one in json.loads(said)["callers"]] == ["sum_up"]
    assert freshness(said)["files_changed_since"] == 0
    assert freshness(said)["rescanned_files"] == ["till.py"]


def test_a_file_that_is_gone_takes_its_functions_with_it(projects: OpenProjects, root: Path) -> None:
    (root / "till.py").unlink()
    reply = calls.answered(projects, "get_callers", {"function": "tax"})
    assert reply.is_error and "'tax' was found" in reply.text


def test_a_function_in_a_file_that_no_scan_has_seen_is_found(projects: OpenProjects, root: Path) -> None:
    (root / "new.py").write_text("def tip():\n    pass\n")
    assert "new.py:1  function tip" in calls.answer(projects, "find_functions", {"query": "tip"})


def test_while_another_process_writes_answers_do_not_wait_and_say_what_changed(
    projects: OpenProjects, root: Path
) -> None:
    (root / "till.py").write_text(SOURCE + "# edited\n")
    with contextlib.closing(apsw.Connection(str(root / ".drift" / "drift.db"))) as other:
        other.execute("BEGIN IMMEDIATE")
        for tool, given in (("get_callers", {"function": "total"}), ("find_functions", {"query": "tax"})):
            said = freshness(calls.answer(projects, tool, {**given, "format": "json"}))
            assert (said["changed_files"], said["rescanned_files"]) == (["till.py"], [])
        other.execute("ROLLBACK")
    said = freshness(calls.answer(projects, "get_callers", {"function": "total", "format": "json"}))
    assert (said["changed_files"], said["rescanned_files"]) == ([], ["till.py"])


def test_what_many_changed_files_said_is_named_as_changed(projects: OpenProjects, root: Path) -> None:
    for number in range(8):
        (root / f"caller{number}.py").write_text("from till import tax\n\n\ndef pay():\n    return tax(1)\n")
    calls.answer(projects, "scan_project", {})
    for number in range(8):
        (root / f"caller{number}.py").write_text("# nothing is left here\n")
    said = calls.answer(projects, "get_callers", {"function": "tax", "format": "json"})
    assert freshness(said)["files_changed_since"] == 8
    assert "8 files (caller0.py, caller1.py, caller2.py, …) changed since" in calls.answer(
        projects, "get_callers", {"function": "tax"}
    )


def test_a_cursor_does_not_outlive_the_state_that_it_was_given_for(projects: OpenProjects, root: Path) -> None:
    page = json.loads(calls.answer(projects, "find_functions", {"query": "t", "limit": 1, "format": "json"}))
    (root / "other.py").write_text("def tip():\n    pass\n")
    calls.answer(projects, "scan_project", {})
    reply = calls.answered(projects, "find_functions", {"query": "t", "cursor": page["next_cursor"]})
    assert reply.is_error and "The store has changed" in reply.text


def test_another_project_is_asked_by_its_name_or_path(projects: OpenProjects, shop: Project) -> None:
    for name in ("shop", str(shop.root)):
        assert "app/crud.py" in calls.answer(projects, "find_functions", {"query": "set_password", "project": name})
    assert "till.py" in calls.answer(projects, "find_functions", {"query": "tax"})


def test_a_store_that_was_replaced_under_a_running_server_is_opened_anew(projects: OpenProjects, root: Path) -> None:
    before = root / ".drift" / "drift.db"
    with Project(root) as other:
        other.writer.checkpoint()
    copy = before.with_name("copy.db")
    copy.write_bytes(before.read_bytes())
    for file in before.parent.glob("drift.db*"):
        file.unlink()
    copy.rename(before)
    assert "till.py" in calls.answer(projects, "find_functions", {"query": "tax"})


def test_asking_creates_no_store(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    with OpenProjects(bare) as opened:
        assert "no Drift store yet" in calls.answer(opened, "drift_status", {})
        assert calls.answered(opened, "find_functions", {"query": "x"}).is_error
    assert list(bare.iterdir()) == []


def test_a_home_folder_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with OpenProjects(tmp_path) as opened:
        reply = calls.answered(opened, "scan_project", {})
    assert reply.is_error and "no project but everything" in reply.text
    assert not (tmp_path / ".drift").exists()


@pytest.mark.parametrize("limit", [100, 150, 300])
@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("drift_status", {}),
        ("find_functions", {"query": "e"}),
        ("get_callers", {"function": "set_password"}),
        ("reachable_data", {"data": "users"}),
        ("impact_of_change", {"target": "app/crud.py"}),
        ("file_context", {"file": "app/crud.py"}),
        ("list_facts", {"domain": "security"}),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_every_tool_keeps_within_the_budget_it_is_given(
    shop: Project, tool: str, given: dict[str, Any], limit: int, form: str
) -> None:
    with OpenProjects(shop.root) as opened:
        said = calls.answer(opened, tool, {**given, "budget_tokens": limit, "format": form})
    assert 0 < tokens(said) <= limit
    assert form == "text" or isinstance(json.loads(said), dict)
