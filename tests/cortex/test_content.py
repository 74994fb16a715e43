"""What each type of memory takes, and how it refuses what does not fit."""

from __future__ import annotations

from typing import Any

import pytest

from drift_mcp.cortex import content
from drift_mcp.errors import DriftError

WHOLE: dict[str, dict[str, Any]] = {
    "core": {
        "project": {"name": "shop", "description": "Sells books", "techStack": ["fastapi"]},
        "conventions": {"naming": "snake_case"},
        "criticalConstraints": ["No network in tests"],
    },
    "tribal": {
        "topic": "cards",
        "knowledge": "Charge once",
        "severity": "critical",
        "source": {"type": "incident", "reference": "INC-4"},
        "warnings": ["The bank books both"],
    },
    "procedural": {
        "name": "release",
        "description": "How to release",
        "steps": [{"order": 1, "action": "Tag"}, {"order": 2, "action": "Push"}],
        "successRate": 0.5,
        "lastUsed": "2026-01-02",
    },
    "semantic": {"topic": "users", "knowledge": "Guests have no id", "supportingEvidence": 3},
    "episodic": {
        "interaction": {"userQuery": "Why is it slow?", "agentResponse": "N+1", "outcome": "accepted"},
        "context": {"focus": "performance"},
        "extractedFacts": [{"fact": "Orders load lazily", "confidence": 1}],
    },
    "pattern_rationale": {
        "patternName": "repository",
        "rationale": "So that tests need no database",
        "alternativesRejected": ["active record"],
    },
    "constraint_override": {
        "constraintName": "no-raw-sql",
        "reason": "The report is too slow otherwise",
        "scope": {"type": "file", "target": "app/report.py"},
        "permanent": False,
    },
    "decision_context": {"decisionSummary": "Postgres over MySQL", "stakeholders": ["data"], "stillValid": True},
    "code_smell": {"name": "god class", "description": "Order does all", "severity": "warning"},
}


def test_every_type_has_an_example_here() -> None:
    assert tuple(WHOLE) == content.MEMORY_TYPES


@pytest.mark.parametrize("memory_type", content.MEMORY_TYPES)
def test_content_that_fits_is_kept_whole(memory_type: content.MemoryType) -> None:
    kept = content.checked(memory_type, WHOLE[memory_type])
    expected = {**WHOLE[memory_type]}
    if memory_type == "procedural":
        expected["lastUsed"] = "2026-01-02T00:00:00.000Z"
    assert kept == expected


@pytest.mark.parametrize("memory_type", content.MEMORY_TYPES)
def test_plain_text_becomes_the_main_field_and_is_found_again(memory_type: content.MemoryType) -> None:
    kept = content.checked(memory_type, "Charge the card once")
    assert content.body(memory_type, kept) == "Charge the card once"
    assert content.summary(memory_type, kept) == "Charge the card once"
    assert content.with_main_text(memory_type, kept, "Twice") == content.checked(memory_type, "Twice")


@pytest.mark.parametrize("memory_type", content.MEMORY_TYPES)
def test_an_object_without_its_main_field_is_refused_by_name(memory_type: content.MemoryType) -> None:
    with pytest.raises(DriftError, match=content.shape(memory_type).main[0]):
        content.checked(memory_type, {})


@pytest.mark.parametrize(
    ("memory_type", "given", "named"),
    [
        ("tribal", {"knowledge": "x", "severty": "info"}, "No field 'severty'.*Nearest: 'severity'"),
        ("tribal", {"knowledge": "x", "severity": "bad"}, "'severity'.*one of info, warning, critical.*\"bad\""),
        ("tribal", {"knowledge": 3}, "'knowledge'.*a text, not 3"),
        ("tribal", {"knowledge": "  "}, "'knowledge' is empty"),
        ("tribal", {"knowledge": "a\ud800b"}, "'knowledge'.*no text"),
        ("tribal", {"knowledge": "x", "warnings": "one"}, "'warnings'.*a list of texts"),
        ("tribal", {"knowledge": "x", "source": {"reference": "y"}}, "'source.type'.*missing"),
        ("procedural", {"description": "x", "steps": [{"action": "a"}, {"order": 1}]}, r"'steps\[1\]\.action'"),
        ("procedural", {"description": "x", "successRate": 2}, "'successRate'.*from 0 to 1"),
        ("procedural", {"description": "x", "usageCount": True}, "'usageCount'.*whole number"),
        ("procedural", {"description": "x", "lastUsed": "yesterday"}, "'lastUsed'.*yesterday.*no time"),
        ("semantic", {"knowledge": "x" * 70_000}, "at most 65536 characters"),
        ("core", {"project": "shop"}, "'project'.*an object"),
        ("core", [1], "an object or a text"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_field_named(
    memory_type: content.MemoryType, given: Any, named: str
) -> None:
    with pytest.raises(DriftError, match=named):
        content.checked(memory_type, given)


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    with pytest.raises(DriftError, match="Nearest: 'procedural'"):
        content.type_named("procedure")


def test_a_long_text_gives_a_summary_that_ends_at_a_word() -> None:
    line = content.summary("tribal", {"topic": "cards", "knowledge": "charge once " * 40})
    assert line.startswith("cards: charge once")
    assert line.endswith(("charge…", "once…"))
    assert len(line) <= 120
