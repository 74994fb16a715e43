"""Patterns in every form that the predecessor wrote, and what a tree of several forms comes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import patterns
from tests.upgrade.told import ROOT, Loaded, accounted, broken, document, put

ID = "a" * 16
SEEN = {"firstSeen": "2026-01-01T10:00:00.000Z", "lastSeen": "2026-01-30T10:00:00.000Z"}
PLACE = {"file": "src/a.ts", "line": 3, "column": 5}
LEGACY: dict[str, Any] = {
    "id": ID,
    "subcategory": "routes",
    "name": "Routes are plural",
    "description": "as they say",
    "detector": {"type": "regex", "config": {"detectorId": "api/routes"}},
    "confidence": {"frequency": 0.5, "consistency": 0.9, "age": 3, "spread": 2, "score": 0.91, "level": "high"},
    "locations": [PLACE],
    "outliers": [],
    "metadata": {**SEEN, "tags": ["api"], "source": "auto-detected", "relatedPatterns": ["b" * 16]},
    "severity": "warning",
    "autoFixable": True,
}
NATIVE: dict[str, Any] = {
    "id": ID,
    "category": "api",
    "subcategory": "routes",
    "name": "Routes are plural",
    "description": "as they say",
    "status": "approved",
    "confidence": 0.91,
    "confidenceLevel": "high",
    "detectorId": "api/routes",
    "detectorName": "Routes",
    "detectionMethod": "regex",
    "severity": "warning",
    "autoFixable": True,
    **SEEN,
    "approvedAt": "2026-01-15T12:30:00.000Z",
    "approvedBy": "ada",
    "tags": ["api"],
    "locations": [PLACE],
    "outliers": [],
}
# What the old migration made of a legacy one: method and level are its own invention.
MIGRATED: dict[str, Any] = {
    **LEGACY,
    "category": "api",
    "status": "discovered",
    "detectionMethod": "ast",
    "confidenceLevel": "uncertain",
}
COLUMNS = """
    name, category, subcategory, status, confidence_score, confidence_level, detector_type, severity, auto_fixable,
    first_seen, last_seen, approved_at, approved_by, tags
"""


def one(pattern: Any, version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    return {"version": version, "category": "api", "patterns": [pattern], "lastUpdated": SEEN["lastSeen"], **more}


@pytest.mark.parametrize(
    ("name", "told", "verdict"),
    [
        ("patterns/discovered/api.json", one(LEGACY), ("discovered", None, None)),
        ("patterns/ignored/api.json", one(LEGACY), ("ignored", None, None)),
        ("patterns/api.json", one(MIGRATED, "2.0.0"), ("discovered", None, None)),
        ("patterns/api.json", one(NATIVE, "2.0.0"), ("approved", "2026-01-15T12:30:00.000Z", "ada")),
        ("patterns/approved/api.json", [NATIVE], ("approved", "2026-01-15T12:30:00.000Z", "ada")),
    ],
    ids=["legacy", "a folder is the status", "migrated", "native", "a bare list"],
)
def test_each_form_says_the_same(name: str, told: Any, verdict: tuple[Any, ...], tmp_path: Path) -> None:
    put(tmp_path, name, told)
    loaded = Loaded(tmp_path)
    status, approved_at, approved_by = verdict
    assert loaded.rows(f"SELECT {COLUMNS} FROM patterns") == [
        (
            "Routes are plural", "api", "routes", status, 0.91, "high", "regex", "warning", 1,
            SEEN["firstSeen"], SEEN["lastSeen"], approved_at, approved_by, '["api"]',
        )
    ]  # fmt: skip
    assert loaded.rows("SELECT location_count, outlier_count FROM patterns") == [(1, 0)]
    assert loaded.rows("SELECT detector_config ->> 'detectorId' FROM patterns") == [("api/routes",)]
    assert loaded.account.notes == []


def test_a_decision_is_no_event_until_the_history_tells_of_one(tmp_path: Path) -> None:
    put(tmp_path, "patterns/api.json", one(NATIVE, "2.0.0"))
    assert Loaded(tmp_path).rows("SELECT * FROM pattern_history") == []


def test_what_no_column_holds_is_carried_along(tmp_path: Path) -> None:
    put(tmp_path, "patterns/discovered/api.json", one({**LEGACY, "custom": {"owner": "ada"}}))
    put(tmp_path, "patterns/api.json", one(NATIVE, "2.0.0", patternCount=1, statusCounts={"approved": 1}, by="tool"))
    loaded = Loaded(tmp_path)
    assert loaded.carried("patterns") == {
        ID: {"metadata.source": "auto-detected", "metadata.relatedPatterns": ["b" * 16], "custom": {"owner": "ada"}}
    }
    assert loaded.carried("patterns/api.json") == {"": {"by": "tool"}}


@pytest.mark.parametrize("legacy", ["discovered", "approved"])
def test_a_tree_of_two_forms_has_each_pattern_once_and_its_verdict(legacy: str, tmp_path: Path) -> None:
    """The old tool looked at one form alone, and lost the other."""
    put(tmp_path, f"patterns/{legacy}/api.json", one({**LEGACY, "locations": [{**PLACE, "line": 9}]}))
    put(tmp_path, "patterns/api.json", one({**NATIVE, "locations": [PLACE]}, "2.0.0"))
    put(tmp_path, "patterns/discovered/auth.json", {"category": "auth", "patterns": [{**LEGACY, "id": "c" * 16}]})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT id, category, status, approved_by FROM patterns ORDER BY id") == [
        (ID, "api", "approved", "ada"),
        ("c" * 16, "auth", "discovered", None),
    ]
    assert loaded.rows("SELECT location_count FROM patterns ORDER BY id") == [(2,), (1,)]
    assert loaded.counts()["patterns"] == (3, 2, 1, 0)


def test_of_two_verdicts_the_later_one_stands_and_a_person_is_told(tmp_path: Path) -> None:
    later = {**SEEN, "lastSeen": "2026-02-01T10:00:00.000Z"}
    put(tmp_path, "patterns/approved/api.json", one({**LEGACY, "metadata": {**SEEN, "approvedBy": "ada"}}))
    put(tmp_path, "patterns/ignored/api.json", one({**LEGACY, "metadata": later}))
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT status FROM patterns") == [("ignored",)]
    (note,) = loaded.account.notes
    assert ID in note and "patterns/approved/api.json" in note and "patterns/ignored/api.json" in note


def test_a_place_that_is_an_outlier_anywhere_is_one(tmp_path: Path) -> None:
    marked = {**PLACE, "line": 4, "isOutlier": True, "outlierReason": "singular", "confidence": 0.4}
    pattern = {
        **LEGACY,
        "locations": [PLACE, PLACE, marked, {**PLACE, "line": 4}],
        "outliers": [{**PLACE, "reason": "odd", "deviationScore": 0.7}, {**PLACE, "line": 8, "reason": "far"}],
    }
    put(tmp_path, "patterns/discovered/api.json", one(pattern))
    loaded = Loaded(tmp_path)
    columns = "line, is_outlier, outlier_reason, deviation_score, confidence"
    assert loaded.rows(f"SELECT {columns} FROM pattern_locations ORDER BY line") == [
        (3, 1, "odd", 0.7, 1.0),
        (4, 1, "singular", None, 0.4),
        (8, 1, "far", None, 1.0),
    ]
    assert loaded.rows("SELECT location_count, outlier_count FROM patterns") == [(0, 3)]
    assert loaded.counts()["pattern_locations"] == (6, 3, 3, 0)


@pytest.mark.parametrize(
    ("place", "stands"),
    [
        ({"file": "src/a.ts", "line": 3}, ("src/a.ts", 3, 0, None, None)),
        ({"file": "./src\\a.ts", "line": 3, "column": 1, "endLine": 4, "endColumn": 2}, ("src/a.ts", 3, 1, 4, 2)),
        ({"file": f"{ROOT}/src/a.ts", "line": 3.0}, ("src/a.ts", 3, 0, None, None)),
        (
            {"file": "src/a.ts", "range": {"start": {"line": 3, "column": 1}, "end": {"line": 4, "column": 2}}},
            ("src/a.ts", 3, 1, 4, 2),
        ),
        (
            {"file": "src/a.ts", "start": {"line": 3, "character": 1}, "end": {"line": 4}},
            ("src/a.ts", 3, 1, 4, None),
        ),
        ({"file": "src/a.ts", "line": 3, "endLine": "four", "confidence": 7}, ("src/a.ts", 3, 0, None, None)),
    ],
)
def test_a_place_is_read_however_it_is_said(place: Any, stands: tuple[Any, ...], tmp_path: Path) -> None:
    put(tmp_path, "patterns/discovered/api.json", one({**LEGACY, "locations": [place]}, projectRoot=ROOT))
    columns = "f.path, l.line, l.column_num, l.end_line, l.end_column"
    found = Loaded(tmp_path).rows(f"SELECT {columns} FROM pattern_locations l JOIN file_metadata f ON f.id = l.file_id")
    assert found == [stands]


@pytest.mark.parametrize(
    ("pattern", "domain", "reason"),
    [
        ("nothing", "patterns", "patterns/discovered/api.json, patterns[0]: 'nothing' is no pattern."),
        ({"name": "unnamed"}, "patterns", "patterns/discovered/api.json, patterns[0]: it has no id."),
        (
            {**LEGACY, "locations": [{**PLACE, "file": "/etc/passwd"}]},
            "pattern_locations",
            "patterns/discovered/api.json, patterns[0].locations[0]: '/etc/passwd' lies outside the project.",
        ),
        (
            {**LEGACY, "locations": [{**PLACE, "line": -1}]},
            "pattern_locations",
            "patterns/discovered/api.json, patterns[0].locations[0]: line is '-1', not between 0 and 2147483647.",
        ),
        (
            {**LEGACY, "locations": 7},
            "pattern_locations",
            "patterns/discovered/api.json, patterns[0].locations: '7' is no place.",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(pattern: Any, domain: str, reason: str, tmp_path: Path) -> None:
    put(tmp_path, "patterns/discovered/api.json", one(pattern))
    loaded = Loaded(tmp_path)
    assert loaded.reasons() == [reason]
    assert loaded.counts()[domain][3] == 1


def test_an_odd_word_costs_its_field_and_is_told(tmp_path: Path) -> None:
    odd = {
        **LEGACY,
        "category": "plc",
        "severity": "critical",
        "detector": {"type": "learning", "config": {}},
        "confidence": {"score": 91, "level": "sure"},
        "metadata": {"firstSeen": "long ago", "lastSeen": SEEN["lastSeen"]},
    }
    put(tmp_path, "patterns/approved/api.json", one(odd))
    loaded = Loaded(tmp_path)
    columns = "category, status, severity, detector_type, confidence_score, confidence_level, last_seen"
    assert loaded.rows(f"SELECT {columns} FROM patterns") == [
        ("structural", "approved", "info", "custom", 0.0, "uncertain", SEEN["lastSeen"])
    ]
    assert loaded.carried("patterns")[ID] == {
        "category": "plc",
        "severity": "critical",
        "detector.type": "learning",
        "confidence_score": 91,
        "first_seen": "long ago",
    }
    assert loaded.rows("SELECT count(*) FROM pattern_locations") == [(1,)]
    assert any("'plc' is no category" in note for note in loaded.account.notes)
    assert any("severity is 'critical'" in note for note in loaded.account.notes)


def test_no_secret_comes_along_in_a_piece_of_code(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    place = {**PLACE, "snippet": 'const password = "hunter22"', "context": f"// {token}", "note": f"see {token}"}
    put(tmp_path, "patterns/discovered/api.json", one({**LEGACY, "description": token, "locations": [place]}))
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT snippet FROM pattern_locations") == [("const password = '[redacted]'",)]
    assert loaded.rows("SELECT description FROM patterns") == [("[redacted]",)]
    assert not loaded.holds(token) and not loaded.holds("hunter22")


@given(told=broken(one(LEGACY)) | broken(one(NATIVE, "2.0.0")), folder=st.sampled_from(["", "approved/", "ignored/"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_every_row_is_accounted_for(told: Any, folder: str, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"items": told}
    accounted(store, patterns.records(document(f"patterns/{folder}api.json", data)))
