"""Status, patterns, impact, files, other facts and memories: answers about the small shop."""

from __future__ import annotations

import json
import typing
from typing import Any

import pytest

from drift_mcp.cortex.memories import NewMemory
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tables import files, listed, scans, status
from drift_mcp.tools import calls
from drift_mcp.tools.answer import Answer, budget, render, tokens
from drift_mcp.tools.arguments import PLAIN_TEXT
from drift_mcp.tools.data import ReachableData, reachable_data
from drift_mcp.tools.facts import Domain, ListFacts, list_facts
from drift_mcp.tools.files import FileContext, file_context
from drift_mcp.tools.impact import ImpactOfChange, impact_of_change
from drift_mcp.tools.memory import MemorySearch, MemoryWrite, memory_search, memory_write
from drift_mcp.tools.patterns import QueryPatterns, ReviewPattern, query_patterns, review_pattern
from drift_mcp.tools.projects import OpenProjects
from drift_mcp.tools.scan import ScanProject, scan_project
from drift_mcp.tools.status import DriftStatus, drift_status


def text(answer: Answer) -> str:
    return render(answer, "text", budget(None)).removesuffix("\n[never scanned: call scan_project]")


def document(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(answer, "json", budget(None)))
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Status


def test_the_status_of_a_project(shop: Project) -> None:
    assert text(drift_status(shop, DriftStatus())) == (
        "shop: 5 files (python 5), 12 functions, 3 classes.\n"
        "14 call sites, 77% of those inside the project resolved; route 4, test 1.\n"
        "Conventions: 0 discovered, 0 approved, 0 ignored.\n"
        "Data: 1 table, 0 access points, sensitive fields: auth 1, pii 1.\n"
        "Memories: 0."
    )


def test_the_json_form_of_the_status(shop: Project) -> None:
    found = document(drift_status(shop, DriftStatus()))
    assert found["project"] == "shop"
    assert found["languages"] == {"python": 5}
    assert (found["files"], found["functions"], found["memories"], found["attention"]) == (5, 12, 0, [])
    assert (found["calls"]["total"], found["calls"]["resolved"]) == (14, 10)
    assert found["patterns"] == {"discovered": 0, "approved": 0, "ignored": 0}
    assert (found["data"]["tables"], found["data"]["sensitive_fields"]) == (1, 2)


def test_a_project_that_was_never_scanned_offers_to_be(empty: Project) -> None:
    assert text(drift_status(empty, DriftStatus())) == (
        "shop: not scanned yet. Call scan_project; everything else waits for it.\nMemories: 0."
    )


def test_a_scan_that_has_not_ended_is_said(shop: Project) -> None:
    with shop.write() as tx:
        scans.start(tx, "scan-2", incremental=True, commit=None)
    assert "Attention: a scan began 0 s ago and has not ended" in text(drift_status(shop, DriftStatus()))


def test_before_the_first_scan_has_ended_questions_say_so(empty: Project) -> None:
    with empty.write() as tx:
        scans.start(tx, "scan-1", incremental=False, commit=None)
    with OpenProjects(empty.root) as projects:
        reply = calls.answered(projects, "find_functions", {"query": "x"})
    assert reply.is_error and "has not ended" in reply.text


def test_a_memory_that_is_no_database_costs_memories_alone(empty: Project) -> None:
    root = empty.root
    (root / "a.py").write_text("def here():\n    pass\n")
    calls.answer(OpenProjects(root), "scan_project", {})
    (root / ".drift" / "cortex.db").write_bytes(b"no database")
    for name in ("cortex.db-wal", "cortex.db-shm"):
        (root / ".drift" / name).unlink(missing_ok=True)
    with Project(root) as project:
        found = document(drift_status(project, DriftStatus()))
        assert (found["functions"], found["memories"]) == (1, None)
        assert found["attention"][0].startswith("cortex.db is not a database. It was left untouched.")
        said = text(file_context(project, FileContext(file="a.py")))
        assert "def here()" in said and "cortex.db is not a database" in said
    assert (root / ".drift" / "cortex.db").read_bytes() == b"no database"


def test_a_scan_says_what_it_did_and_not_what_the_one_before_did(empty: Project) -> None:
    (empty.root / "a.py").write_text("def here():\n    pass\n")

    def scanned(*paths: str) -> str:
        return text(scan_project(empty, ScanProject(paths=paths))).splitlines()[0]

    assert scanned().startswith("shop: 1 file read; 1 file known, 1 function, 0 call sites")
    assert scanned().startswith("shop: nothing has changed; 1 file known")
    (empty.root / "a.py").unlink()
    assert scanned("a.py").startswith("shop: nothing read, 1 file gone; 0 files known")


def test_a_path_where_nothing_lies_is_named(empty: Project) -> None:
    (empty.root / "a.py").write_text("x = 1\n")
    assert "Nothing lies at nowhere/b.py: " in text(scan_project(empty, ScanProject(paths=("a.py", "nowhere/b.py"))))


def test_the_status_fits_its_budget(shop: Project) -> None:
    assert tokens(text(drift_status(shop, DriftStatus()))) <= 600
    shorter = render(drift_status(shop, DriftStatus()), "text", budget(110))
    assert tokens(shorter) <= 110
    assert shorter.startswith("shop: 5 files (python 5), 12 functions, 3 classes.\n")
    assert "lines more with a greater budget_tokens]" in shorter


# ---------------------------------------------------------------------------------------------------------------------
# Patterns

PATTERN = "0123456789abcdef"


@pytest.fixture
def conventions(shop: Project) -> Project:
    with shop.write() as tx:
        tx.execute(
            "INSERT INTO patterns (id, name, description, category, confidence_score, location_count, outlier_count) "
            "VALUES (?, 'Handlers log', 'Handlers log what they do.', 'logging', 0.9, 2, 1)",
            (PATTERN,),
        )
        for file, line, outlier, reason in (
            ("app/routes.py", 4, 0, None),
            ("app/routes.py", 8, 0, None),
            ("app/crud.py", 7, 1, "logs nothing"),
        ):
            tx.execute(
                "INSERT INTO pattern_locations (pattern_key, file_id, line, is_outlier, outlier_reason) "
                "SELECT p.key, m.id, ?, ?, ? FROM patterns p, file_metadata m WHERE m.path = ?",
                (line, outlier, reason, file),
            )
        status.refresh(tx)
    return shop


def test_a_convention_with_its_outliers_first(conventions: Project) -> None:
    assert text(query_patterns(conventions, QueryPatterns())) == (
        "1 convention, by confidence.\n"
        "Handlers log  logging, discovered, info, confidence 0.90, 2 places, 1 outlier  [0123456789abcdef]\n"
        "  Handlers log what they do.\n"
        "  outlier app/crud.py:7  logs nothing\n"
        "  e.g. app/routes.py:4"
    )


def test_the_json_form_of_a_convention(conventions: Project) -> None:
    (found,) = document(query_patterns(conventions, QueryPatterns()))["patterns"]
    assert found["pattern"] == PATTERN
    assert (found["name"], found["category"], found["status"]) == ("Handlers log", "logging", "discovered")
    assert (found["confidence"], found["locations"], found["outliers"]) == (0.9, 2, 1)
    assert found["places"][0] == {
        "file": "app/crud.py",
        "line": 7,
        "outlier": True,
        "reason": "logs nothing",
        "variant": None,
        "suppressed": None,
    }


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"category": "logging"}, True),
        ({"category": "auth"}, False),
        ({"text": "handlers"}, True),
        ({"text": 'hand" OR *'}, False),
        ({"text": "nothing"}, False),
        ({"min_confidence": 0.95}, False),
        ({"file": "app/crud.py"}, True),
        ({"file": "app/util.py"}, False),
        ({"status": "approved"}, False),
        ({"pattern": PATTERN}, True),
    ],
)
def test_conventions_are_filtered(conventions: Project, asked: dict[str, Any], fits: bool) -> None:
    said = text(query_patterns(conventions, QueryPatterns(**asked)))
    assert ("Handlers log" in said) is fits
    assert fits or said.startswith("No convention fits. Known categories: logging (1).")


def test_a_verdict_is_kept_with_its_history_and_can_be_taken_back(conventions: Project) -> None:
    said = review_pattern(conventions, ReviewPattern(pattern=PATTERN, decision="approve", reason="we agreed"))
    assert text(said) == f"Handlers log ({PATTERN}) is now approved. 1 outlier to look at."
    assert "Handlers log: 1 outlier of an approved convention" in text(drift_status(conventions, DriftStatus()))
    again = review_pattern(conventions, ReviewPattern(pattern=PATTERN, decision="approve"))
    assert "was already approved" in text(again)
    review_pattern(conventions, ReviewPattern(pattern=PATTERN, decision="ignore", reason="no"))
    assert "No convention fits" in text(query_patterns(conventions, QueryPatterns()))
    review_pattern(conventions, ReviewPattern(pattern=PATTERN, decision="reopen"))
    history = document(query_patterns(conventions, QueryPatterns(pattern=PATTERN)))["history"]
    assert [event.split(" ", 1)[1] for event in history] == [
        "reopened by agent",
        "ignored by agent: no",
        "approved by agent: we agreed",
    ]


def test_who_ignores_a_convention_is_told_what_is_remembered_about_it(conventions: Project) -> None:
    new = NewMemory("tribal", "Handlers log because we were paged", summary="why we log", patterns=[PATTERN])
    memory = conventions.memory.add(new).memory
    said = text(review_pattern(conventions, ReviewPattern(pattern=PATTERN, decision="ignore")))
    assert said == f"Handlers log ({PATTERN}) is now ignored.\n{memory} speaks of it: why we log"
    assert "speaks of it" not in text(review_pattern(conventions, ReviewPattern(pattern=PATTERN, decision="reopen")))


def test_a_verdict_is_kept_when_the_memory_cannot_be_asked(conventions: Project) -> None:
    (conventions.store.parent / "cortex.db").write_bytes(b"no database at all" * 400)
    said = text(review_pattern(conventions, ReviewPattern(pattern=PATTERN, decision="ignore")))
    assert "is now ignored" in said
    assert "The verdict is kept. Whether memories speak of it could not be asked: cortex.db is not a database" in said


def test_an_unknown_pattern_is_refused_with_the_nearest(conventions: Project) -> None:
    with pytest.raises(DriftError, match=f"Nearest: {PATTERN}"):
        review_pattern(conventions, ReviewPattern(pattern="0123", decision="approve"))


def test_no_conventions_are_said_to_be_none_found(shop: Project) -> None:
    assert text(query_patterns(shop, QueryPatterns())).startswith("No convention is known here")


# ---------------------------------------------------------------------------------------------------------------------
# Impact and files


def test_what_a_change_touches(shop: Project) -> None:
    assert text(impact_of_change(shop, ImpactOfChange(target="create_user"))) == (
        "create_user (app/crud.py:3): called by 1 function, 1 of them directly; "
        "above it lie 1 entry point and 1 test.\n"
        "Callers, nearest first:\n"
        "app/routes.py:4  register\n"
        "Entry points:\n"
        "app/routes.py:4  POST /register  register\n"
        "Tests to run:\n"
        "tests/test_users.py:1  test_register\n"
        "Data it touches:\n"
        "users.email  write  pii\n"
        "users.password_hash  write  auth"
    )


def test_what_a_change_of_a_file_touches(shop: Project) -> None:
    found = document(impact_of_change(shop, ImpactOfChange(target="app/util.py")))
    assert {one["function"] for one in found["callers"]} == {
        "create_user",
        "set_password",
        "register",
        "helper",
        "reset",
    }
    assert [one["entry_point"] for one in found["entry_points"]] == ["POST /register", "POST /reset"]


def test_what_nothing_is_known_to_call(shop: Project) -> None:
    assert text(impact_of_change(shop, ImpactOfChange(target="health"))).startswith(
        "health (app/routes.py:22): no known caller."
    )


def test_what_to_know_before_an_edit(conventions: Project) -> None:
    memory_write(
        conventions, MemoryWrite(action="add", content={PLAIN_TEXT: "never log passwords"}, files=("app/crud.py",))
    )
    said = text(file_context(conventions, FileContext(file="crud.py")))
    assert "  10 def set_password(db, user, password)  1 caller" in said
    assert "app/crud.py:7  Handlers log: logs nothing" in said
    assert "never log passwords" in said
    assert "users.password_hash  write  auth" in said


def test_a_file_is_meant_by_its_whole_path_and_by_a_place_in_it(shop: Project) -> None:
    by_name = text(file_context(shop, FileContext(file="app/routes.py")))
    assert text(file_context(shop, FileContext(file=str(shop.root / "app" / "routes.py")))) == by_name
    assert text(file_context(shop, FileContext(file="./tests/../app/routes.py"))) == by_name
    in_it = text(file_context(shop, FileContext(file="app/routes.py", line=9)))
    assert text(file_context(shop, FileContext(file=f"{shop.root}/app/routes.py:9"))) == in_it


def test_a_file_of_another_folder_is_no_file_of_this_project(shop: Project) -> None:
    with pytest.raises(DriftError, match=r"No file '/elsewhere/app/routes\.py' among those that were scanned"):
        file_context(shop, FileContext(file="/elsewhere/app/routes.py"))


def test_a_file_that_was_not_read_reaches_nothing_and_touches_nothing_for_a_reason(shop: Project) -> None:
    with shop.write() as tx:
        files.put(
            tx, [files.NewFile("big.py", None, 50_000_000, 0, None, 1, 0, status="skipped", skip_reason="too_large")]
        )
    for ask in (
        lambda: impact_of_change(shop, ImpactOfChange(target="big.py")),
        lambda: reachable_data(shop, ReachableData(location="big.py")),
    ):
        with pytest.raises(DriftError, match=r"big\.py holds no code that was scanned"):
            ask()


def test_the_function_around_a_line(shop: Project) -> None:
    said = text(file_context(shop, FileContext(file="app/routes.py", line=9)))
    assert said.startswith("app/routes.py:9 is in login;")
    assert "POST /login" in said and "register" not in said


# ---------------------------------------------------------------------------------------------------------------------
# Other facts


@pytest.mark.parametrize("domain", typing.get_args(Domain))
def test_every_domain_has_an_answer(shop: Project, domain: Domain) -> None:
    found = document(list_facts(shop, ListFacts(domain=domain)))
    assert found["domain"] == domain
    assert found["total"] == len(found["facts"])


def test_the_domains_are_those_that_have_a_list() -> None:
    assert set(typing.get_args(Domain)) == set(listed.LISTS)


def test_sensitive_fields_with_why_they_are(shop: Project) -> None:
    assert text(list_facts(shop, ListFacts(domain="security", text="password"))) == (
        "security: 1 fact.\nusers.password_hash  auth  its name"
    )


def test_a_domain_that_no_scan_fills_says_so(shop: Project) -> None:
    said = text(list_facts(shop, ListFacts(domain="decisions")))
    assert said == "decisions: nothing is known, because this version's scan does not look for it."


# ---------------------------------------------------------------------------------------------------------------------
# Memories


def test_a_memory_is_found_by_its_words_and_knows_when_its_code_has_changed(shop: Project) -> None:
    asked = MemoryWrite(
        action="add",
        content={PLAIN_TEXT: "hashes are salted"},
        files=("app/util.py:1-2",),
        functions=("hash_password",),
    )
    written = document(memory_write(shop, asked))
    assert (written["version"], written["near_duplicates"], written["contradictions"]) == (1, [], [])
    (found,) = document(memory_search(shop, MemorySearch(query="salted")))["memories"]
    assert (found["memory"], found["code"], found["type"]) == (written["memory"], "unchanged", "tribal")
    assert {"confidence", "score", "why", "summary"} <= set(found)
    (shop.root / "app/util.py").write_text("def hash_password(text):\n    return text\n")
    (found,) = document(memory_search(shop, MemorySearch(query="salted")))["memories"]
    assert found["code"] == "changed"


def test_a_memory_by_its_id_with_its_versions(shop: Project) -> None:
    memory = document(memory_write(shop, MemoryWrite(action="add", content={PLAIN_TEXT: "hashes are salted"})))[
        "memory"
    ]
    memory_write(
        shop,
        MemoryWrite(action="revise", memory=memory, content={PLAIN_TEXT: "hashes are peppered"}, reason="they are"),
    )
    memory_write(shop, MemoryWrite(action="confirm", memory=memory))
    said = text(memory_search(shop, MemorySearch(memory=memory)))
    assert "hashes are peppered" in said
    assert "version 2 revised" in said and ": they are" in said


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"action": "add"}, "needs `content`"),
        ({"action": "confirm"}, "needs `memory`"),
        ({"action": "relate", "memory": "mem_1"}, "needs `relationship` and `target`"),
        ({"action": "add", "content": {PLAIN_TEXT: "x"}, "functions": ("save",)}, "Give an id: app/crud.py::Repo.save"),
        ({"action": "add", "content": {PLAIN_TEXT: "x"}, "functions": ("nosuch",)}, "'nosuch' was found"),
        ({"action": "confirm", "memory": "mem_none"}, "mem_none"),
    ],
)
def test_a_memory_that_cannot_be_written_says_why(shop: Project, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(DriftError) as refused:
        memory_write(shop, MemoryWrite(**asked))
    assert words in str(refused.value)


def test_nothing_remembered_is_said_as_that(shop: Project) -> None:
    assert text(memory_search(shop, MemorySearch(query="zebra"))).startswith("No memory for 'zebra'.")
