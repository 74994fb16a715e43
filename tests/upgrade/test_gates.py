"""Quality gates as the predecessor wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import gates
from tests.upgrade.told import Loaded, accounted, broken, document, put

RUN: dict[str, Any] = {
    "id": "run-1769000000000",
    "timestamp": "2026-01-20T08:00:00.000Z",
    "branch": "main",
    "commitSha": "3f2c1ab",
    "policyId": "strict",
    "passed": False,
    "score": 61,
    "gates": {"regression-detection": {"passed": False, "score": 61}},
    "violationCount": 4,
    "executionTimeMs": 812,
    "ci": True,
}
SNAPSHOT: dict[str, Any] = {
    "id": "snapshot-1",
    "branch": "feature/cart",
    "commitSha": "3f2c1ab",
    "timestamp": "2026-01-20T08:00:00.000Z",
    "healthScore": 76,
    "patterns": [{"patternId": "a" * 16, "confidence": 0.9}],
    "constraints": [],
    "security": {"violations": ["one", "two"]},
    "metadata": {"filesAnalyzed": 9},
}
POLICY = {"id": "ours", "name": "Ours", "gates": {"regression-detection": {"enabled": True}}}
RUN_FILE = "quality-gates/history/runs/run-1769000000000.json"
SNAPSHOT_FILE = "quality-gates/snapshots/feature-cart/snapshot-1.json"


def test_a_run_says_which_gates_ran_and_how(tmp_path: Path) -> None:
    put(tmp_path, RUN_FILE, RUN)
    loaded = Loaded(tmp_path)
    columns = "id, branch, started_at, status, gates_run, results ->> '$.regression-detection.score', policy"
    assert loaded.rows(f"SELECT {columns} FROM quality_gate_runs") == [
        ("run-1769000000000", "main", "2026-01-20T08:00:00.000Z", "failed", '["regression-detection"]', 61, "strict")
    ]
    assert loaded.carried("quality_gate_runs")["run-1769000000000"] == {
        "commitSha": "3f2c1ab",
        "score": 61,
        "violationCount": 4,
        "executionTimeMs": 812,
        "ci": True,
    }


def test_a_state_of_a_branch_has_the_branchs_own_name(tmp_path: Path) -> None:
    put(tmp_path, SNAPSHOT_FILE, SNAPSHOT)
    loaded = Loaded(tmp_path)
    columns = "branch, snapshot_at, health_score, pattern_count, violation_count, data ->> '$.metadata.filesAnalyzed'"
    assert loaded.rows(f"SELECT {columns} FROM quality_gate_snapshots") == [
        ("feature/cart", "2026-01-20T08:00:00.000Z", 76, 1, 2, 9)
    ]


def test_a_policy_is_a_setting(tmp_path: Path) -> None:
    put(tmp_path, "quality-gates/policies/custom/ours.json", POLICY)
    ((key, value),) = Loaded(tmp_path).rows("SELECT key, value FROM config")
    assert key == "quality-gates.policies.ours"
    assert json.loads(value) == POLICY


@pytest.mark.parametrize(
    ("name", "told", "reason"),
    [
        (RUN_FILE, {**RUN, "timestamp": None}, "started_at is missing."),
        (SNAPSHOT_FILE, {**SNAPSHOT, "timestamp": "soon"}, "'soon' is no time."),
    ],
)
def test_what_has_no_time_is_refused(name: str, told: Any, reason: str, tmp_path: Path) -> None:
    put(tmp_path, name, told)
    assert Loaded(tmp_path).reasons() == [f"{name}: {reason}"]


@given(
    told=broken(RUN) | broken(SNAPSHOT),
    name=st.sampled_from([RUN_FILE, SNAPSHOT_FILE, "quality-gates/policies/ours.json", "quality-gates/else.json"]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_it_is_accounted_for(told: Any, name: str, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"items": told}
    accounted(store, gates.records(document(name, data)))
