"""Mined decisions as the predecessor wrote them: a file each, an index, or a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import decisions
from tests.upgrade.told import Loaded, accounted, broken, document, put

COMMITS = [
    {"sha": "3f2c1ab", "subject": "Move to SQLite", "authorName": "Ada", "date": "2026-01-03T08:00:00.000Z"},
    {"sha": "0c0ffee", "subject": "Try SQLite", "authorName": "Bob", "date": "2026-01-02T08:00:00.000Z"},
]
DECISION: dict[str, Any] = {
    "id": "DEC-1",
    "title": "Use SQLite",
    "status": "confirmed",
    "category": "technology-adoption",
    "confidence": "high",
    "confidenceScore": 0.9,
    "dateRange": {"start": "2026-01-02T08:00:00.000Z", "end": "2026-01-03T08:00:00.000Z"},
    "duration": "1 day",
    "cluster": {"id": "c1", "commits": COMMITS, "commitShas": {}, "filesAffected": ["src/a.ts"], "authors": ["Bob"]},
    "patternsChanged": [{"patternId": "a" * 16, "changeType": "introduced"}],
    "adr": {"context": "JSON was slow", "decision": "We use SQLite", "consequences": ["one file"]},
    "tags": ["storage"],
    "minedAt": "2026-01-20T08:00:00.000Z",
    "lastUpdated": "2026-01-21T08:00:00.000Z",
    "confirmedBy": "ada",
}
COLUMNS = """
    id, title, description, category, status, confidence, commit_hash, commit_date, author, files_affected,
    patterns_affected, discovered_at, confirmed_at, confirmed_by
"""
STANDS = (
    "DEC-1", "Use SQLite", "We use SQLite", "technology-adoption", "confirmed", 0.9, "3f2c1ab",
    "2026-01-03T08:00:00.000Z", "Ada", '["src/a.ts"]', '["aaaaaaaaaaaaaaaa"]', "2026-01-20T08:00:00.000Z",
    "2026-01-21T08:00:00.000Z", "ada",
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("decisions/DEC-1.json", DECISION),
        ("lake/decisions/all.json", {"decisions": [DECISION]}),
        ("decisions/all.json", [DECISION]),
    ],
)
def test_a_decision_stands_with_its_last_commit_and_who_confirmed_it(name: str, told: Any, tmp_path: Path) -> None:
    put(tmp_path, name, told)
    put(tmp_path, "decisions/index.json", {"version": "1.0.0", "decisionIds": ["DEC-1"], "byStatus": {}})
    loaded = Loaded(tmp_path)
    assert loaded.rows(f"SELECT {COLUMNS} FROM decisions") == [STANDS]
    carried = loaded.carried("decisions")["DEC-1"]
    assert carried["cluster.commits"] == COMMITS
    assert carried["adr.context"] == "JSON was slow"
    assert carried["tags"] == ["storage"]
    assert loaded.counts() == {"decisions": (1, 1, 0, 0)}


@pytest.mark.parametrize(
    ("status", "stands", "confirmed_at"),
    [("draft", "discovered", None), ("rejected", "rejected", None), ("superseded", "discovered", None)],
)
def test_a_status_is_no_more_than_was_said(status: str, stands: str, confirmed_at: Any, tmp_path: Path) -> None:
    put(tmp_path, "decisions/DEC-1.json", {**DECISION, "status": status})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT status, confirmed_at FROM decisions") == [(stands, confirmed_at)]
    assert loaded.carried("decisions")["DEC-1"].get("status") == (status if status == "superseded" else None)


@given(told=broken(DECISION))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_every_decision_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"decisions": told}
    accounted(store, decisions.records(document("decisions/DEC-1.json", data)))
