"""The answer to a question about what is remembered, as it goes out: grouped, numbered, dated, and without repeating
itself."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from drift_mcp.cortex.memories import NewMemory
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tools import calls
from drift_mcp.tools.answer import Answer, budget, render
from drift_mcp.tools.memory import MemorySearch, memory_search
from drift_mcp.tools.patterns import QueryPatterns, query_patterns
from drift_mcp.tools.projects import OpenProjects

NOTES = {
    "once": NewMemory("tribal", "Passwords are hashed only once", importance="critical", files=["app/util.py:1-2"]),
    "salt": NewMemory("semantic", "Passwords are hashed with a salt", functions=["app/util.py::hash_password"]),
    "reset": NewMemory("tribal", "Passwords are reset by the helper", functions=["app/routes.py::helper"]),
    "login": NewMemory("semantic", "Passwords are never logged", importance="low", files=["app/routes.py"]),
}


def text(answer: Answer) -> str:
    return render(answer, "text", budget(None)).removesuffix("\n[never scanned: call scan_project]")


def document(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(answer, "json", budget(None)))
    return found


@pytest.fixture
def ids(shop: Project) -> dict[str, str]:
    return {name: shop.memory.add(new).memory for name, new in NOTES.items()}


@pytest.fixture
def thinking(shop: Project, ids: dict[str, str]) -> Project:
    """With the model and its vectors, so that what finds a note does not depend on when they are ready."""
    assert shop.memory.wait_for_vectors(60)
    return shop


def named(said: str, ids: dict[str, str]) -> str:
    """The answer with the names of the notes in the place of their ids."""
    for name, memory in ids.items():
        said = said.replace(memory, name)
    return said


def test_hits_stand_under_their_type_in_the_order_of_the_best_and_keep_their_numbers(
    shop: Project, ids: dict[str, str]
) -> None:
    said = named(text(memory_search(shop, MemorySearch())), ids)
    assert said == (
        "4 memories, most important and newest first.\n"
        "tribal:\n"
        "1. once  critical, confidence 1.00: Passwords are hashed only once\n"
        "  its code is unchanged\n"
        "2. reset  normal, confidence 1.00: Passwords are reset by the helper\n"
        "semantic:\n"
        "3. salt  normal, confidence 1.00: Passwords are hashed with a salt\n"
        "4. login  low, confidence 1.00: Passwords are never logged\n"
        "  its code is unchanged"
    )


def test_hits_say_why_they_stand_there_and_json_keeps_the_order_of_the_ranking(
    thinking: Project, ids: dict[str, str]
) -> None:
    asked = MemorySearch(query="hashed with a salt", near=("hash_password",))
    said = named(text(memory_search(thinking, asked)), ids)
    assert said.startswith("4 memories for 'hashed with a salt', found by words and meaning, best first.\nsemantic:\n")
    assert re.search(
        r"^1\. salt  normal, confidence 1\.00: Passwords are hashed with a salt\n"
        r"  why: words_rank 1, .*match 1\.00.*near 1\.10",
        said,
        re.MULTILINE,
    )
    found = document(memory_search(thinking, asked))
    scores = [one["score"] for one in found["memories"]]
    assert scores == sorted(scores, reverse=True)
    assert (found["found_by"], found["words_only_because"], found["already_sent"]) == ("words and meaning", None, 0)
    numbers = {memory: int(number) for number, memory in re.findall(r"^(\d+)\. (\w+)", said, re.MULTILINE)}
    names = {memory: name for name, memory in ids.items()}
    assert [numbers[names[one["memory"]]] for one in found["memories"]] == [1, 2, 3, 4]
    # What the budget cuts off is the end of the ranking, and not the end of the page.
    answer = memory_search(thinking, asked)
    left = set()
    for tokens in range(150, 700, 25):
        cut = render(answer, "text", budget(tokens))
        shown = sorted(int(number) for number in re.findall(r"^(\d+)\. ", cut, re.MULTILINE))
        assert shown == list(range(1, len(shown) + 1))
        assert not 0 < len(shown) < 4 or f'{len(shown)} of 4 shown; the next ones: cursor="' in cut
        left.add(len(shown))
    assert left > {0, 4}


def test_words_alone_are_said_with_the_reason(shop: Project, ids: dict[str, str]) -> None:
    shop.close()
    (shop.root / ".drift" / "config.toml").write_text('[memory]\nmodel = "no/such-model"\n')
    with Project(shop.root) as project:
        project.memory.wait_for_model(60)
        found = memory_search(project, MemorySearch(query="passwords"))
    assert document(found)["found_by"] == "words"
    because = document(found)["words_only_because"]
    assert "no/such-model" in because
    assert text(found).startswith("4 memories for 'passwords', found by words only, best first.\n")
    assert f"\nBy words only: {because}." in text(found)


def test_a_faded_confidence_is_told_with_the_one_that_was_stated(shop: Project, ids: dict[str, str]) -> None:
    with contextlib.closing(apsw.Connection(str(shop.root / ".drift" / "cortex.db"))) as db:
        db.execute("UPDATE memory_versions SET recorded_at = '2020-01-01T00:00:00.000Z'")
    (found, *_) = document(memory_search(shop, MemorySearch(types=("semantic",))))["memories"]
    assert found["stated_confidence"] == 1.0
    assert found["confidence"] < 0.1
    said = text(memory_search(shop, MemorySearch(memory=found["memory"])))
    assert re.search(r"semantic, normal, confidence 0\.0\d \(stated 1\.00\), version 1", said)
    shown = document(memory_search(shop, MemorySearch(memory=found["memory"], as_of="2020-01-01")))["memories"][0]
    assert (shown["confidence"], shown["stated_confidence"]) == (1.0, 1.0)


# ---------------------------------------------------------------------------------------------------------------------
# Near


def test_where_the_asker_works_is_a_file_a_place_a_folder_or_a_function(shop: Project, ids: dict[str, str]) -> None:
    names = {memory: name for name, memory in ids.items()}

    def lifted(near: str) -> dict[str, float]:
        found = document(memory_search(shop, MemorySearch(query="passwords", near=(near,))))["memories"]
        assert len(found) == 4
        return {names[one["memory"]]: one["why"]["near"] for one in found if "near" in one["why"]}

    folder = dict.fromkeys(ids, 1.03)
    for near, expected in (
        ("app/util.py", folder | {"once": 1.07, "salt": 1.07}),
        ("app/util.py:2", folder | {"once": 1.07, "salt": 1.1}),
        (f"{shop.root}/app/util.py:2", folder | {"once": 1.07, "salt": 1.1}),
        ("app", folder),
        ("helper", folder | {"reset": 1.1, "login": 1.07}),
        ("app/routes.py::helper", folder | {"reset": 1.1, "login": 1.07}),
        ("not/yet/there.py:12", {}),
        ("x/" + "y" * 4_000, {}),
    ):
        assert lifted(near) == expected, near


def test_a_function_that_is_none_is_said(shop: Project, ids: dict[str, str]) -> None:
    with pytest.raises(DriftError, match=r"'hash_passwd' was found\. Nearest: hash_password"):
        memory_search(shop, MemorySearch(query="passwords", near=("hash_passwd",)))


@pytest.mark.parametrize("asked", [{"near": ("app/util.py",)}, {"intent": "fix_bug"}])
def test_what_ranks_wants_a_question(shop: Project, asked: dict[str, Any]) -> None:
    with pytest.raises(DriftError, match="rank the answers to a `query`, and there is none"):
        memory_search(shop, MemorySearch(**asked))


# ---------------------------------------------------------------------------------------------------------------------
# Both times


def test_one_memory_at_a_time_when_it_was_not_true(shop: Project) -> None:
    memory = shop.memory.add(NewMemory("semantic", "Sessions last", valid_from="2020-01-01", valid_until="2021-01-01"))
    said = text(memory_search(shop, MemorySearch(memory=memory.memory, valid_at="2020-06-01")))
    assert "Sessions last" in said and "true from 2020-01-01T00:00 until 2021-01-01T00:00" in said
    with pytest.raises(DriftError, match=r"was not true at 2022-01-01T00:00:00\.000Z: it was from 2020-01-01"):
        memory_search(shop, MemorySearch(memory=memory.memory, valid_at="2022-01-01"))


# ---------------------------------------------------------------------------------------------------------------------
# What was sent

Ask = Callable[..., str]


@pytest.fixture
def ask(shop: Project, ids: dict[str, str]) -> Iterator[Ask]:
    """Calls as they come in, all of one conversation."""
    with OpenProjects(shop.root) as projects:
        yield lambda tool, **given: calls.answer(projects, tool, given)


def test_what_is_unseen_comes_page_by_page_without_a_repetition(ask: Ask, ids: dict[str, str]) -> None:
    seen: list[str] = []
    for already in (0, 3, 4):
        found = json.loads(ask("memory_search", tags=[], unseen=True, limit=3, format="json"))
        assert (found["already_sent"], found["total"]) == (already, 4 - already)
        seen += [one["memory"] for one in found["memories"]]
    assert sorted(seen) == sorted(ids.values())
    said = ask("memory_search", unseen=True)
    assert said.startswith("No other memory.\n4 memories already sent in this conversation, and left out.")
    assert ask("memory_search").startswith("4 memories, most important")


def test_its_cursor_goes_on_with_what_is_left(ask: Ask, ids: dict[str, str]) -> None:
    first = json.loads(ask("memory_search", unseen=True, limit=3, format="json"))
    rest = json.loads(ask("memory_search", unseen=True, limit=3, format="json", cursor=first["next_cursor"]))
    assert len({one["memory"] for one in first["memories"] + rest["memories"]}) == 4
    assert rest["next_cursor"] is None


def test_what_the_budget_cut_off_was_not_sent(ask: Ask, ids: dict[str, str]) -> None:
    said = ask("memory_search", budget_tokens=150)
    shown = [memory for memory in ids.values() if memory in said]
    assert 0 < len(shown) < 4
    assert f"{len(shown)} memor" in ask("memory_search", unseen=True)


def test_what_stood_in_the_context_of_a_file_was_sent(ask: Ask, ids: dict[str, str]) -> None:
    ask("scan_project")
    said = ask("file_context", file="app/routes.py")
    assert ids["login"] in said and ids["reset"] in said
    found = json.loads(ask("memory_search", unseen=True, format="json"))
    assert {one["memory"] for one in found["memories"]} == {ids["once"], ids["salt"]}


# ---------------------------------------------------------------------------------------------------------------------
# Patterns

PATTERN = "0123456789abcdef"


@pytest.fixture
def pattern(shop: Project) -> str:
    with shop.write() as tx:
        tx.execute("INSERT INTO patterns (id, name, category) VALUES (?, 'Handlers log', 'logging')", (PATTERN,))
    return PATTERN


def test_a_pattern_is_told_with_the_memories_that_speak_of_it(shop: Project, pattern: str) -> None:
    memory = shop.memory.add(NewMemory("pattern_rationale", "Whoever is on call reads it", patterns=[pattern])).memory
    shop.memory.add(NewMemory("pattern_rationale", "Another one", patterns=["ffffffffffffffff"]))
    answer = query_patterns(shop, QueryPatterns(pattern=pattern))
    assert f"Memories:\n{memory}  pattern_rationale: Whoever is on call reads it  (code unlinked)" in text(answer)
    found = document(answer)
    assert found["memories"] == [
        {"memory": memory, "type": "pattern_rationale", "summary": "Whoever is on call reads it", "code": "unlinked"}
    ]
    assert found["memories_total"] == 1


@pytest.mark.parametrize(
    ("left", "said"), [(None, "info"), (b"no database", "What is remembered about it is not known: cortex.db")]
)
def test_a_pattern_is_told_where_no_memory_is_to_be_read(
    shop: Project, pattern: str, left: bytes | None, said: str
) -> None:
    shop.close()
    for path in (shop.root / ".drift").glob("cortex.db*"):
        path.unlink()
    if left is not None:
        Path(shop.root / ".drift" / "cortex.db").write_bytes(left)
    with Project(shop.root) as project:
        answer = query_patterns(project, QueryPatterns(pattern=pattern))
    assert said in text(answer)
    assert document(answer)["memories"] == []
    assert (shop.root / ".drift" / "cortex.db").exists() == (left is not None)
