"""The days of the history: what happened between them, and what only they remember."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import history
from tests.upgrade.told import Loaded, accounted, broken, document, put

A, B, C = "a" * 16, "b" * 16, "c" * 16


def day(date: str, **statuses: str) -> dict[str, Any]:
    """A file of one day: pattern → status."""
    return {
        "timestamp": f"{date}T20:00:00.000Z",
        "date": date,
        "patterns": [
            {
                "patternId": letter * 16,
                "patternName": f"Pattern {letter}",
                "category": "api",
                "confidence": 0.9,
                "locationCount": 4,
                "outlierCount": 0,
                "complianceRate": 1,
                "status": status,
            }
            for letter, status in statuses.items()
        ],
        "summary": {
            "totalPatterns": len(statuses),
            "avgConfidence": 0.9,
            "totalLocations": 4 * len(statuses),
            "byCategory": {},
        },
    }


def put_days(root: Path, *days: dict[str, Any]) -> None:
    for each in days:
        put(root, f"history/snapshots/{each['date']}.json", each)


def put_today(root: Path, *ids: str) -> None:
    told = [{"id": each, "name": "As it is today", "confidence": {"score": 0.8}, "locations": []} for each in ids]
    put(root, "patterns/discovered/api.json", {"version": "1.0.0", "category": "api", "patterns": told})


def test_a_day_keeps_its_figures_and_its_patterns(tmp_path: Path) -> None:
    put_days(tmp_path, day("2026-01-20", a="approved", b="discovered"))
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT date, avg_confidence, total_patterns, approved_count FROM health_trends") == [
        ("2026-01-20", 0.9, 2, 1)
    ]
    carried = loaded.carried("health_trends")["2026-01-20"]
    assert carried["summary.totalLocations"] == 8
    assert [each["patternId"] for each in carried["patterns"]] == [A, B]


def test_a_day_that_the_course_of_health_knows_too_is_one_row(tmp_path: Path) -> None:
    put_days(tmp_path, day("2026-01-20", a="approved"))
    put(tmp_path, "audit/degradation.json", {"history": [{"date": "2026-01-20", "healthScore": 76}]})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT date, health_score, approved_count FROM health_trends") == [("2026-01-20", 76, 1)]


def test_another_status_on_the_next_day_that_knows_it_is_an_event(tmp_path: Path) -> None:
    put_days(
        tmp_path,
        day("2026-01-20", a="discovered", b="approved", c="discovered"),
        day("2026-01-21", a="approved", b="approved"),
        day("2026-01-23", a="approved", b="discovered", c="ignored"),
    )
    assert Loaded(tmp_path).rows(
        "SELECT date, pattern_id, action, previous_status, new_status, changed_by, details "
        "FROM pattern_history ORDER BY date, pattern_id"
    ) == [
        (
            "2026-01-21T20:00:00.000Z", A, "approved", "discovered", "approved", None,
            "inferred: discovered on 2026-01-20, approved on 2026-01-21",
        ),
        (
            "2026-01-23T20:00:00.000Z", B, "reopened", "approved", "discovered", None,
            "inferred: approved on 2026-01-21, discovered on 2026-01-23",
        ),
        (
            "2026-01-23T20:00:00.000Z", C, "ignored", "discovered", "ignored", None,
            "inferred: discovered on 2026-01-20, ignored on 2026-01-23",
        ),
    ]  # fmt: skip


def test_the_history_approves_nothing_unless_asked(tmp_path: Path) -> None:
    put_days(tmp_path, day("2026-01-20", a="approved"))
    put_today(tmp_path, A)
    assert Loaded(tmp_path).rows("SELECT status FROM patterns") == [("discovered",)]


def test_what_the_last_day_knew_as_decided_is_decided_when_asked(tmp_path: Path) -> None:
    put_days(
        tmp_path,
        day("2026-01-19", a="discovered", b="approved", c="approved"),
        day("2026-01-20", a="approved", b="approved", c="ignored"),
        day("2026-01-21", a="approved", b="discovered"),
    )
    put_today(tmp_path, A, B, C)
    loaded = Loaded(tmp_path, approvals_from_history=True)
    columns = "id, name, status, approved_at, approved_by, status_reason, confidence_score"
    assert loaded.rows(f"SELECT {columns} FROM patterns ORDER BY id") == [
        (
            A, "Pattern a", "approved", "2026-01-20T20:00:00.000Z", None,
            "inferred: approved from 2026-01-20 to 2026-01-21, the last day that knew it, by "
            "history/snapshots/2026-01-21.json; who decided it was not written down", 0.8,
        ),
        (B, "As it is today", "discovered", None, None, None, 0.8),
        (
            C, "Pattern c", "ignored", None, None,
            "inferred: ignored on 2026-01-20, the last day that knew it, by "
            "history/snapshots/2026-01-20.json; who decided it was not written down", 0.8,
        ),
    ]  # fmt: skip
    assert loaded.counts()["patterns"] == (5, 3, 2, 0)


def test_a_pattern_that_is_gone_or_decided_today_is_left_as_it_is(tmp_path: Path) -> None:
    put_days(tmp_path, day("2026-01-20", a="approved", b="approved"))
    told = {"id": A, "name": "As it is today", "status": "ignored", "locations": []}
    put(tmp_path, "patterns/api.json", {"version": "2.0.0", "category": "api", "patterns": [told]})
    loaded = Loaded(tmp_path, approvals_from_history=True)
    assert loaded.rows("SELECT id, status, status_reason FROM patterns") == [(A, "ignored", None)]


def test_the_order_of_the_files_does_not_matter() -> None:
    days = [day("2026-01-20", a="discovered"), day("2026-01-21", a="approved"), day("2026-01-22", a="ignored")]
    told = [document(f"history/snapshots/{each['date']}.json", each) for each in days]
    assert set(map(str, history.records(told))) == set(map(str, history.records(reversed(told))))
    assert list(history.approvals(told, [A])) == list(history.approvals(reversed(told), [A]))


@given(told=st.lists(broken(day("2026-01-20", a="discovered", b="approved")), max_size=3))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_days_hold_every_row_is_accounted_for(told: list[Any], store: Writer) -> None:
    documents = [
        document(f"history/snapshots/2026-01-2{place}.json", each if isinstance(each, dict) else {"items": each})
        for place, each in enumerate(told)
    ]
    accounted(store, history.records(documents))
    accounted(store, history.approvals(documents, [A, B]))
