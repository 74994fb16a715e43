"""Rules as the predecessor wrote them, and what a person had decided about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import constraints
from tests.upgrade.told import Loaded, accounted, broken, document, put

RULE: dict[str, Any] = {
    "id": "constraint-auth-abc",
    "name": "Routes ask who is there",
    "description": "Every route has the guard",
    "category": "auth",
    "derivedFrom": {"patterns": ["aaaaaaaaaaaaaaaa"], "callGraphPaths": [], "boundaries": ["users"]},
    "invariant": {
        "type": "must_have",
        "condition": "route",
        "predicate": {"entryPointMustHave": {"decorator": ["auth"]}},
    },
    "scope": {"files": ["src/routes/**"], "exclude": {"files": ["**/*.test.ts"]}},
    "confidence": {
        "score": 0.93,
        "evidence": 14,
        "violations": 1,
        "violationDetails": [{"file": "src/routes/a.ts", "line": 4, "reason": "no guard"}],
        "lastVerified": "2026-01-25T03:28:08.330Z",
        "trend": "stable",
    },
    "enforcement": {
        "level": "error",
        "guidance": "Put the guard before the handler",
        "autoFix": {"type": "add_decorator", "template": "@auth", "confidence": 0.8},
        "docs": "docs/auth.md",
        "example": {"file": "src/routes/b.ts", "line": 2, "code": "@auth"},
    },
    "status": "discovered",
    "language": "typescript",
    "metadata": {
        "createdAt": "2026-01-20T10:00:00.000Z",
        "updatedAt": "2026-01-25T10:00:00.000Z",
        "approvedAt": "2026-01-25T10:00:00.000Z",
        "approvedBy": "ada",
        "tags": ["security"],
        "notes": "agreed in the review",
        "relatedConstraints": ["constraint-api-def"],
        "schemaVersion": "1.0.0",
    },
}


def wrapped(*told: Any, **more: Any) -> dict[str, Any]:
    about = {"version": "1.0.0", "generatedAt": "2026-01-25T03:28:08.330Z", "category": "auth", "status": "approved"}
    return {**about, "constraints": list(told), **more}


def test_a_rule_comes_with_what_was_said_of_it(tmp_path: Path) -> None:
    put(tmp_path, "constraints/approved/auth.json", wrapped(RULE))
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT id, name, description, category, status, language, enforcement_level, enforcement_message,
            confidence_score, confidence_evidence, confidence_violations, created_at, updated_at, approved_at,
            approved_by, ignored_at, ignore_reason, tags, notes
        FROM constraints
    """) == [
        (
            "constraint-auth-abc", "Routes ask who is there", "Every route has the guard", "auth", "approved",
            "typescript", "error", "Put the guard before the handler", 0.93, 14, 1, "2026-01-20T10:00:00.000Z",
            "2026-01-25T10:00:00.000Z", "2026-01-25T10:00:00.000Z", "ada", None, None, '["security"]',
            "agreed in the review",
        )
    ]  # fmt: skip
    [told] = loaded.rows("SELECT invariant, scope, enforcement_autofix FROM constraints")
    assert list(map(json.loads, told)) == [RULE["invariant"], RULE["scope"], RULE["enforcement"]["autoFix"]]
    assert loaded.carried("constraints") == {
        "constraint-auth-abc": {
            "derivedFrom": RULE["derivedFrom"],
            "confidence.violationDetails": RULE["confidence"]["violationDetails"],
            "confidence.lastVerified": "2026-01-25T03:28:08.330Z",
            "confidence.trend": "stable",
            "enforcement.docs": "docs/auth.md",
            "enforcement.example": RULE["enforcement"]["example"],
            "metadata.relatedConstraints": ["constraint-api-def"],
            "metadata.schemaVersion": "1.0.0",
            "status": "discovered",  # the field had not followed the folder
        }
    }


@pytest.mark.parametrize("status", ["discovered", "approved", "ignored", "custom"])
def test_the_folder_is_the_status_in_a_list_and_in_a_file_of_one(tmp_path: Path, status: str) -> None:
    put(tmp_path, f"constraints/{status}/auth.json", wrapped(RULE))
    put(tmp_path, f"constraints/{status}/one.json", {**RULE, "id": "one"})
    loaded = Loaded(tmp_path)
    assert (
        loaded.rows("SELECT status, ignore_reason FROM constraints")
        == [
            # The predecessor wrote the reason for ignoring one where notes stand.
            (status, "agreed in the review" if status == "ignored" else None)
        ]
        * 2
    )


@pytest.mark.parametrize(
    ("word", "kept"),
    [("errors", "error"), ("testing", "test"), ("data-access", "data"), ("styling", "structural"), ("?", "structural")],
)
def test_a_category_that_today_does_not_have_is_told_and_carried_along(tmp_path: Path, word: str, kept: str) -> None:
    put(tmp_path, "constraints/approved/x.json", wrapped({**RULE, "category": word}))
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT category FROM constraints") == [(kept,)]
    assert loaded.carried("constraints")["constraint-auth-abc"]["category"] == word
    assert any(repr(word) in note and kept in note for note in loaded.account.notes)


def test_a_rule_without_a_category_has_that_of_its_file(tmp_path: Path) -> None:
    bare = {"id": "bare", "description": "Be kind"}
    put(tmp_path, "constraints/custom/logging.json", wrapped(bare, category=None))
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT id, name, category, status, invariant FROM constraints") == [
        ("bare", "bare", "logging", "custom", "{}")
    ]


def test_a_file_that_is_a_mere_list_holds_rules_too(tmp_path: Path) -> None:
    put(tmp_path, "constraints/custom/auth.json", [RULE])
    assert Loaded(tmp_path).rows("SELECT id, status FROM constraints") == [("constraint-auth-abc", "custom")]


def test_a_rule_without_an_id_is_refused_with_its_place(tmp_path: Path) -> None:
    put(tmp_path, "constraints/approved/auth.json", wrapped({**RULE, "id": None}, RULE))
    loaded = Loaded(tmp_path)
    assert loaded.counts() == {"constraints": (2, 1, 0, 1)}
    assert loaded.reasons() == ["constraints/approved/auth.json, constraints[0]: id is missing."]


@given(told=broken(wrapped(RULE)))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_file_of_rules_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, constraints.records(document("constraints/approved/auth.json", told)))
