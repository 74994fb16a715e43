"""Conventions as a person searches for them, page by page, and who judged them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tables import status
from drift_mcp.tools import FOR_PEOPLE, TOOLS, calls
from drift_mcp.tools.answer import Form, budget, render
from drift_mcp.tools.patterns import (
    JudgePattern,
    QueryPatterns,
    ReviewPattern,
    SearchPatterns,
    judge_pattern,
    query_patterns,
    review_pattern,
    search_patterns,
)
from drift_mcp.tools.projects import OpenProjects

SEVERITIES = ("error", "warning", "info", "hint")


@pytest.fixture
def many(shop: Project) -> Project:
    """Forty conventions, many of which are alike in whatever they are sorted by; every tenth is ignored."""
    with shop.write() as tx:
        for number in range(40):
            tx.execute(
                "INSERT INTO patterns (id, name, category, confidence_score, location_count, outlier_count, severity, "
                "status, tags, first_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    f"{number:016x}",
                    f"Convention {'abc'[number % 3]}",
                    ("logging", "errors")[number % 2],
                    0.5 + number % 3 / 10,
                    number % 2,
                    number % 4,
                    SEVERITIES[number % 4],
                    "ignored" if number % 10 == 0 else "discovered",
                    json.dumps(["python"] if number % 5 else []),
                    f"2026-03-{1 + number % 28:02}T10:00:00.000Z",
                ),
            )
        status.refresh(tx)
    return shop


def answered(project: Project, asked: QueryPatterns | SearchPatterns, form: Form = "json", tokens: int = 20_000) -> str:
    answer = query_patterns if isinstance(asked, QueryPatterns) else search_patterns
    return render(answer(project, asked), form, budget(tokens))  # type: ignore[arg-type]  # each takes its own


def walked(project: Project, asked: dict[str, Any], kind: Any = QueryPatterns, tokens: int = 20_000) -> Iterator[str]:
    cursor = None
    while True:
        document = json.loads(answered(project, kind(**asked, cursor=cursor), tokens=tokens))
        assert document["total"] == 36
        yield from (one["pattern"] for one in document["patterns"])
        cursor = document["next_cursor"]
        assert document["truncated"] is (cursor is not None)
        if cursor is None:
            return


@pytest.mark.parametrize("sort", ["confidence", "locations", "outliers", "name"])
@pytest.mark.parametrize("limit", [1, 7, 100])
def test_the_pages_of_an_answer_are_the_whole_list(many: Project, sort: str, limit: int) -> None:
    whole = list(walked(many, {"sort": sort, "limit": 1_000}))
    assert len(whole) == len(set(whole)) == 36
    assert list(walked(many, {"sort": sort, "limit": limit})) == whole


def test_an_answer_that_is_cut_by_its_budget_goes_on_where_it_was_cut(many: Project) -> None:
    whole = list(walked(many, {"limit": 1_000}))
    assert list(walked(many, {"limit": 20}, tokens=900)) == whole


def test_the_text_form_counts_along_the_pages(many: Project) -> None:
    first = answered(many, QueryPatterns(limit=15), "text")
    assert first.startswith("36 conventions, by confidence.\n")
    assert "15 of 36 shown; the next ones: cursor=" in first
    cursor = re.search(r'cursor="([^"]+)"', first)
    assert cursor is not None
    second = answered(many, QueryPatterns(limit=30, cursor=cursor[1]), "text")
    assert "16 to 36 of 36 shown; that is all" in second


def test_a_cursor_holds_for_its_question_and_state_only(many: Project) -> None:
    cursors = [json.loads(answered(many, QueryPatterns(limit=n)))["next_cursor"] for n in (3, 6)]
    for asked in (QueryPatterns(sort="name", cursor=cursors[0]), QueryPatterns(category="errors", cursor=cursors[0])):
        with pytest.raises(DriftError, match="belongs to another question"):
            query_patterns(many, asked)
    with pytest.raises(DriftError, match="belongs to another question"):
        search_patterns(many, SearchPatterns(cursor=cursors[0]))
    (bound, _, place), (_, _, other) = (cursor.partition(".") for cursor in cursors)
    for altered in (bound, f"{bound}.", f"{bound}.{other}", f"{bound}.{place}x", f"4{bound[1:]}.{place}"):
        with pytest.raises(DriftError, match="another question, or was altered"):
            query_patterns(many, QueryPatterns(cursor=altered))
    for none in ("", ".", f".{place}", "abc"):
        with pytest.raises(DriftError, match="none that this tool gave"):
            query_patterns(many, QueryPatterns(cursor=none))
    review_pattern(many, ReviewPattern(pattern=f"{7:016x}", decision="approve"))
    with pytest.raises(DriftError, match="The store has changed"):
        query_patterns(many, QueryPatterns(cursor=cursors[0]))


@pytest.mark.parametrize(
    ("asked", "total"),
    [
        ({}, 36),
        ({"statuses": ("ignored",)}, 4),
        ({"statuses": ("ignored", "discovered")}, 40),
        ({"ids": (f"{10:016x}", f"{11:016x}")}, 2),
        ({"ids": (f"{10:016x}",), "statuses": ("discovered",)}, 0),
        ({"categories": ("logging", "errors"), "severities": ("error", "hint")}, 18),
        ({"min_confidence": 0.6, "max_confidence": 0.65}, 12),
        ({"levels": ("uncertain",)}, 36),
        ({"has_outliers": False}, 8),
        ({"min_outliers": 3}, 10),
        ({"tags": ("python", "go")}, 32),
        ({"sources": ("scan",)}, 0),
        ({"auto_fixable": True}, 0),
        ({"text": "convention b"}, 12),
        ({"text": "::"}, 0),
        ({"first_seen_after": "2026-03-28"}, 1),
        ({"first_seen_after": "2026-03-28T12:00+03:00"}, 1),
        ({"first_seen_after": "2026-03-28T14:00+03:00"}, 0),
        ({"first_seen_before": "2026-03-02"}, 1),
        ({"first_seen_after": "20260302", "first_seen_before": "2026-03-03"}, 2),
        ({"last_seen_before": "9999-12-31T23:59:59.999999"}, 36),
        ({"last_seen_before": "0001-01-01"}, 0),
        ({"files": ("app/crud.py",)}, 0),
    ],
)
def test_a_person_searches_by_all_that_is_known(many: Project, asked: dict[str, Any], total: int) -> None:
    document = json.loads(answered(many, SearchPatterns(**asked, limit=1_000)))
    assert (document["total"], len(document["patterns"])) == (total, total)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "36 conventions, by confidence."),
        ({"sort": "severity"}, "36 conventions, by severity."),
        ({"sort": "first_seen", "direction": "ascending"}, "36 conventions, by first seen, ascending."),
        ({"sort": "name", "direction": "descending"}, "36 conventions, by name, descending."),
        ({"text": "::"}, "No convention fits. Known categories: errors (20), logging (20)."),
    ],
)
def test_the_answer_says_how_it_is_sorted(many: Project, asked: dict[str, Any], said: str) -> None:
    assert answered(many, SearchPatterns(**asked), "text").startswith(said)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"first_seen_after": "yesterday"}, "first seen after 'yesterday' is no date. Write one as 2026-03-31"),
        ({"last_seen_before": "2026-02-30"}, "last seen before '2026-02-30' is no date"),
        ({"last_seen_before": "0001-01-01T00:00+05:00"}, "is no date"),
        ({"min_confidence": 0.9, "max_confidence": 0.1}, "No confidence is at least 0.9 and at most 0.1"),
        (
            {"first_seen_after": "2026-03-02", "first_seen_before": "2026-03-02"},
            "Nothing was first seen from 2026-03-02 00:00 on and before 2026-03-02 00:00",
        ),
        ({"files": ("nowhere.py",)}, "No file 'nowhere.py'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(many: Project, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(DriftError, match=re.escape(said)):
        search_patterns(many, SearchPatterns(**asked))


def test_agents_are_not_offered_what_people_ask(many: Project, tmp_path: Path) -> None:
    assert not {tool.name for tool in TOOLS} & {tool.name for tool in FOR_PEOPLE}
    with OpenProjects(many.root) as projects:
        for tool in FOR_PEOPLE:
            reply = calls.answered(projects, tool.name, {"pattern": f"{1:016x}", "decision": "approve", "by": "ada"})
            assert reply.is_error and reply.text.startswith(f"No tool {tool.name!r}.")
        assert "36 conventions" in calls.answer(projects, "patterns", {})


def test_a_verdict_says_who_gave_it(many: Project) -> None:
    one = f"{1:016x}"
    judge_pattern(many, JudgePattern(pattern=one, decision="approve", reason="we agreed", by="Ada"))
    said = render(judge_pattern(many, JudgePattern(pattern=one, decision="approve", by="Bob")), "text", budget(None))
    assert "was already approved." in said
    said = render(
        judge_pattern(many, JudgePattern(pattern=one, decision="approve", reason="clearer", by="Bob")),
        "text",
        budget(None),
    )
    assert "was already approved; the new reason is kept." in said
    review_pattern(many, ReviewPattern(pattern=one, decision="ignore"))
    judge_pattern(many, JudgePattern(pattern=one, decision="reopen"))
    history = json.loads(answered(many, QueryPatterns(pattern=one)))["history"]
    assert [event.split(" ", 1)[1] for event in history] == [
        "reopened",
        "ignored by agent",
        "updated by Bob: clearer",
        "approved by Ada: we agreed",
    ]


def test_a_long_history_says_that_it_goes_on(many: Project) -> None:
    one = f"{1:016x}"
    for decision in ("approve", "ignore", "reopen") * 2:
        judge_pattern(many, JudgePattern(pattern=one, decision=decision, by="Ada"))
    document = json.loads(answered(many, QueryPatterns(pattern=one)))
    assert (len(document["history"]), document["history_total"]) == (4, 6)
    assert "reopened by Ada\nand 2 events before" in answered(many, QueryPatterns(pattern=one), "text")
