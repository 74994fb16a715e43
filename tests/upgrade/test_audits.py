"""Audits and the course of health, and what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import audits
from tests.upgrade.told import Loaded, accounted, broken, document, put

BY_CATEGORY = {"api": {"total": 3, "avgConfidence": 0.9}}
RECOMMENDED = {"id": "a" * 16, "recommendation": "auto-approve", "reasons": ["often seen"]}
AUDIT: dict[str, Any] = {
    "version": "1.0.0",
    "generatedAt": "2026-01-31T19:49:57.098Z",
    "scanHash": "da2b3569067dc465",
    "summary": {
        "totalPatterns": 986,
        "autoApproveEligible": 558,
        "flaggedForReview": 408,
        "likelyFalsePositives": 20,
        "duplicateCandidates": 35,
        "healthScore": 76,
        "byCategory": BY_CATEGORY,
    },
    "patterns": [RECOMMENDED],
    "duplicates": [],
    "crossValidation": {"constraintAlignment": 0.99},
}
COURSE: dict[str, Any] = {
    "history": [
        {
            "date": "2026-01-31",
            "healthScore": 76,
            "avgConfidence": 0.9,
            "totalPatterns": 986,
            "approvedCount": 558,
            "duplicateGroups": 35,
            "crossValidationScore": 0.99,
        }
    ],
    "trends": {"healthTrend": "stable"},
    "alerts": [],
}


def test_the_latest_audit_and_that_of_its_day_are_one(tmp_path: Path) -> None:
    put(tmp_path, "audit/latest.json", AUDIT)
    put(tmp_path, "audit/snapshots/2026-01-31.json", AUDIT)
    put(tmp_path, "audit/snapshots/2026-01-30.json", {**AUDIT, "generatedAt": "2026-01-30T19:00:00.000Z"})
    loaded = Loaded(tmp_path)
    columns = "date, scan_hash, health_score, total_patterns, auto_approve_eligible, flagged_for_review"
    assert loaded.rows(f"SELECT {columns} FROM audit_snapshots ORDER BY date") == [
        ("2026-01-30", "da2b3569067dc465", 76, 986, 558, 408),
        ("2026-01-31", "da2b3569067dc465", 76, 986, 558, 408),
    ]
    (summary,) = loaded.rows("SELECT summary FROM audit_snapshots WHERE date = '2026-01-31'")
    assert json.loads(summary[0]) == {"byCategory": BY_CATEGORY}
    assert loaded.counts() == {"audit_snapshots": (3, 2, 1, 0)}


def test_what_an_audit_recommended_is_carried_along(tmp_path: Path) -> None:
    put(tmp_path, "audit/latest.json", AUDIT)
    assert Loaded(tmp_path).carried("audit_snapshots") == {
        "2026-01-31": {
            "patterns": [RECOMMENDED],
            "crossValidation": {"constraintAlignment": 0.99},
            "generatedAt": AUDIT["generatedAt"],
        }
    }


def test_a_score_between_two_numbers_is_rounded_and_kept(tmp_path: Path) -> None:
    put(tmp_path, "audit/snapshots/2026-01-31.json", {"summary": {"healthScore": 76.4}})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT date, health_score FROM audit_snapshots") == [("2026-01-31", 76)]
    assert loaded.carried("audit_snapshots")["2026-01-31"]["healthScore"] == 76.4


def test_an_audit_of_no_day_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "audit/latest.json", {**AUDIT, "generatedAt": None})
    assert Loaded(tmp_path).reasons() == ["audit/latest.json: 'latest' is no time."]


def test_a_recommendation_is_no_approval(tmp_path: Path) -> None:
    put(tmp_path, "audit/degradation.json", COURSE)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT * FROM health_trends") == [(1, "2026-01-31", 76, 0.9, 986, None, 35, 0.99)]
    assert loaded.carried("health_trends") == {"2026-01-31": {"approvedCount": 558}}
    assert loaded.carried("audit/degradation.json") == {"": {"trends": {"healthTrend": "stable"}}}


@given(told=broken(AUDIT))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_an_audit_holds_it_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"items": told}
    accounted(store, audits.records(document("audit/snapshots/2026-01-31.json", data)))


@given(told=broken(COURSE))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_course_holds_every_day_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"history": told}
    accounted(store, audits.course(document("audit/degradation.json", data)))
