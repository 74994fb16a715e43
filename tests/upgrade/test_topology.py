"""Tests and what they exercise, as the predecessor wrote them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import topology
from tests.upgrade.told import ROOT, Loaded, accounted, broken, document, put

INDEX: dict[str, Any] = {
    "testFiles": [
        {"file": "test/a.test.ts", "framework": "vitest", "testCount": 4, "status": None, "mockCount": 2},
        {"file": "test/b.test.ts", "framework": "jest", "testCount": 1, "status": "passed"},
        {"file": "vitest tests", "framework": "vitest", "testCount": 5},
    ],
    "generatedAt": "2026-01-31T20:35:00.000Z",
}
COVERAGE: dict[str, Any] = {
    "mappings": [
        {"testFile": "test/a.test.ts", "sourceFile": "src/a.ts", "coverageType": "unit", "confidence": 0.9},
        {"testFile": "test/a.test.ts", "sourceFile": "src/b.ts", "coverageType": "transitive", "confidence": 0.4},
        {"testFile": "test/a.test.ts", "sourceFile": "src/a.ts", "coverageType": "unit", "confidence": 0.9},
    ],
    "generatedAt": "2026-01-31T20:35:00.000Z",
}
SUMMARY: dict[str, Any] = {
    "summary": {"testFiles": 2, "testCases": 5, "avgMockRatio": 0.2, "byFramework": {"vitest": 4, "jest": 1}},
    "mockAnalysis": {"totalMocks": 2, "topMockedModules": ["axios"]},
    "generatedAt": "2026-01-31T20:35:00.000Z",
}


def test_test_files_and_what_they_exercise_are_rows(tmp_path: Path) -> None:
    put(tmp_path, "test-topology/index.json", INDEX)
    put(tmp_path, "test-topology/coverage.json", COVERAGE)
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT p.path, t.test_framework, t.test_count, t.status
        FROM test_files t JOIN file_metadata p ON p.id = t.file_id ORDER BY p.path
    """) == [("test/a.test.ts", "vitest", 4, "unknown"), ("test/b.test.ts", "jest", 1, "passed")]
    assert loaded.rows("""
        SELECT t.path, s.path, c.coverage_type, c.confidence
        FROM test_coverage c
        JOIN file_metadata t ON t.id = c.test_file_id
        JOIN file_metadata s ON s.id = c.source_file_id
        ORDER BY s.path
    """) == [("test/a.test.ts", "src/a.ts", "unit", 0.9), ("test/a.test.ts", "src/b.ts", None, 0.4)]
    assert loaded.counts() == {"test_files": (3, 2, 0, 1), "test_coverage": (3, 2, 1, 0)}
    assert loaded.reasons() == [
        "test-topology/index.json, testFiles[2]: 'vitest tests' stands for all tests of a framework, and names no file."
    ]
    assert loaded.carried("test_files") == {"test/a.test.ts": {"mockCount": 2}}
    assert loaded.carried("test_coverage") == {"test/a.test.ts:src/b.ts": {"coverageType": "transitive"}}


def test_what_the_summary_measured_is_kept_and_the_stub_says_nothing(tmp_path: Path) -> None:
    put(tmp_path, "test-topology/summary.json", SUMMARY)
    kept = Loaded(tmp_path).carried("test-topology/summary.json")
    assert kept == {"": {"summary": SUMMARY["summary"], "mockAnalysis": SUMMARY["mockAnalysis"]}}
    other = tmp_path / "other"
    put(other, "test-topology/summary.json", {"builtAt": "2026-01-31T20:35:25.617Z", "status": "initialized"})
    assert Loaded(other).counts() == {}


def test_absolute_paths_become_paths_of_the_project_by_what_another_file_says_of_it(tmp_path: Path) -> None:
    put(tmp_path, "test-topology/index.json", {"testFiles": [{"file": f"{ROOT}/test/a.test.ts"}]})
    put(tmp_path, "source-of-truth.json", {"project": {"name": "shop", "rootPath": ROOT}})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT path FROM file_metadata") == [("test/a.test.ts",)]
    other = tmp_path / "other"
    put(other, "test-topology/index.json", {"testFiles": [{"file": f"{other}/test/a.test.ts"}]})  # or by where it lies
    assert Loaded(other).rows("SELECT path FROM file_metadata") == [("test/a.test.ts",)]


@given(told=broken(INDEX | COVERAGE | SUMMARY))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_topology_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, topology.records(document("test-topology/index.json", told)))
