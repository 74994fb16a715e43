"""The predecessor's drift.lock, and what it says beside the patterns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import locked
from tests.upgrade.told import Loaded, accounted, broken, document, put

A, B = "a" * 16, "b" * 16
LOCKED: dict[str, Any] = {
    "id": A,
    "category": "api",
    "name": "Routes are plural",
    "confidenceScore": 0.91,
    "severity": "warning",
    "definitionHash": "0123456789abcdef",
    "lockedAt": "2026-01-20T08:00:00.000Z",
}
LOCK: dict[str, Any] = {
    "version": "1.0.0",
    "generatedAt": "2026-01-21T08:00:00.000Z",
    "checksum": "0" * 64,
    "patterns": [LOCKED],
}
COLUMNS = "id, name, category, status, approved_at, approved_by, confidence_score, confidence_level, severity"


def found(status: str = "discovered", **more: Any) -> dict[str, Any]:
    metadata = {"firstSeen": "2026-01-01T10:00:00.000Z", "lastSeen": "2026-01-30T10:00:00.000Z", **more}
    pattern = {"id": A, "name": "Routes are plural", "status": status, "confidence": {"score": 0.7, "level": "medium"}}
    return {"version": "2.0.0", "category": "api", "patterns": [{**pattern, "metadata": metadata}]}


def test_a_pattern_that_only_the_lock_knows_is_approved_with_what_it_knows(tmp_path: Path) -> None:
    put(tmp_path, "drift.lock", LOCK)
    loaded = Loaded(tmp_path)
    at = "2026-01-20T08:00:00.000Z"
    assert loaded.rows(f"SELECT {COLUMNS}, first_seen, source FROM patterns") == [
        (A, "Routes are plural", "api", "approved", at, None, 0.91, "high", "warning", at, "upgrade")
    ]
    assert loaded.carried("patterns") == {A: {"lock.definitionHash": "0123456789abcdef"}}
    assert any("drift.lock: its checksum is" in note for note in loaded.account.notes)


def test_a_pattern_that_nobody_judged_is_approved_by_the_lock(tmp_path: Path) -> None:
    put(tmp_path, "patterns/api.json", found())
    put(tmp_path, "drift.lock", LOCK)
    loaded = Loaded(tmp_path)
    assert loaded.rows(f"SELECT {COLUMNS} FROM patterns") == [
        (
            A, "Routes are plural", "api", "approved", "2026-01-20T08:00:00.000Z", None, 0.7, "medium", "warning",
        )
    ]  # fmt: skip
    assert loaded.rows("SELECT first_seen FROM patterns") == [("2026-01-01T10:00:00.000Z",)]


@pytest.mark.parametrize(
    ("told", "stands"),
    [
        (
            found("approved", approvedAt="2026-01-15T12:30:00.000Z", approvedBy="ada"),
            ("approved", "2026-01-15T12:30:00.000Z", "ada"),
        ),
        (found("ignored"), ("ignored", None, None)),  # after it was locked
    ],
)
def test_what_a_person_said_stands_over_the_lock(told: Any, stands: tuple[Any, ...], tmp_path: Path) -> None:
    put(tmp_path, "patterns/api.json", told)
    put(tmp_path, "drift.lock", LOCK)
    assert Loaded(tmp_path).rows("SELECT status, approved_at, approved_by FROM patterns") == [stands]


def test_a_lock_without_times_is_as_old_as_it_is(tmp_path: Path) -> None:
    put(tmp_path, "drift.lock", {**LOCK, "patterns": [{"id": B, "category": "plc"}, {"name": "unnamed"}]})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT id, name, category, approved_at FROM patterns") == [
        (B, B, "structural", "2026-01-21T08:00:00.000Z")
    ]
    assert loaded.carried("patterns") == {B: {"category": "plc"}}
    assert loaded.reasons() == ["drift.lock, patterns[1]: it has no id."]


@given(told=broken(LOCK))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_lock_holds_every_row_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"patterns": told}
    accounted(store, locked.records(document("drift.lock", data)))
