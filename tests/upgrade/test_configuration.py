"""Settings, the source of truth and both manifests, and what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import configuration
from tests.upgrade.told import ROOT, Loaded, accounted, broken, document, put

CONFIG: dict[str, Any] = {
    "version": "2.0.0",
    "project": {"id": "84cc21f2", "name": "shop", "rootPath": ROOT, "initializedAt": "2026-01-22T19:54:47.770Z"},
    "severity": {},
    "ignore": ["dist/**", f"{ROOT}/tmp/**"],
    "ci": {"failOn": "error"},
    "learning": {"autoApproveThreshold": 0.95, "semanticLearning": True},
    "features": {"callGraph": True, "dna": False},
    "telemetry": {"apiKey": "correct horse battery", "enabled": False},
    "modules": ["not", "ours"],
}
TRUTH: dict[str, Any] = {
    "version": "0.9.40",
    "schemaVersion": "2.0.0",
    "project": {"id": "99704036", "name": "shop", "rootPath": ROOT},
    "baseline": {
        "scanId": "a552a347",
        "scannedAt": "2026-01-31T20:35:25.618Z",
        "fileCount": 20327,
        "patternCount": 4,
        "approvedCount": 1,
        "categories": {"api": 4},
        "checksum": "539f944cdcb700a0",
    },
    "features": {
        "callGraph": {"enabled": True, "builtAt": "2026-01-31T20:35:25.618Z", "stats": {"functions": 7}},
        "memory": {"enabled": False},
    },
    "settings": {"autoApproveThreshold": 0.85, "autoApproveEnabled": False},
    "history": [{"action": "setup_complete", "timestamp": "2026-01-31T20:35:25.618Z", "details": "0 approved"}],
}
LAKE: dict[str, Any] = {
    "version": "1.0.0",
    "generatedAt": "2026-01-29T19:41:21.856Z",
    "projectRoot": ROOT,
    "stats": {"patterns": {"total": 218}},
    "fileHashes": {"src/a.ts": "0c0ffee"},
    "lastScan": {
        "timestamp": "2026-01-29T19:41:21.851Z",
        "duration": 1184,
        "filesScanned": 16,
        "patternsFound": 218,
        "errors": 2,
    },
    "views": {"status": {"stale": True}},
}


def test_a_setting_has_the_name_of_its_place(tmp_path: Path) -> None:
    put(tmp_path, "config.json", CONFIG)
    put(tmp_path, "source-of-truth.json", TRUTH)
    loaded = Loaded(tmp_path)
    assert {key: json.loads(value) for key, value in loaded.rows("SELECT key, value FROM config")} == {
        "project.id": "84cc21f2",
        "project.name": "shop",
        "project.initializedAt": "2026-01-22T19:54:47.770Z",
        "ignore": ["dist/**", "tmp/**"],
        "ci.failOn": "error",
        "learning.autoApproveThreshold": 0.95,
        "learning.semanticLearning": True,
        "telemetry.apiKey": "[redacted]",
        "telemetry.enabled": False,
        "settings.autoApproveThreshold": 0.85,
        "settings.autoApproveEnabled": False,
    }
    assert not loaded.holds(ROOT) and not loaded.holds("correct horse")


def test_a_name_that_a_scan_uses_is_no_setting(tmp_path: Path) -> None:
    put(tmp_path, "config.json", CONFIG)
    assert Loaded(tmp_path).carried("config.json") == {"modules": {"modules": ["not", "ours"]}}


def test_parts_that_are_on_or_off_become_flags_that_know_when_they_were_built(tmp_path: Path) -> None:
    put(tmp_path, "config.json", CONFIG)
    put(tmp_path, "source-of-truth.json", TRUTH)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT feature, enabled, built_at, config FROM feature_flags ORDER BY feature") == [
        ("callGraph", 1, "2026-01-31T20:35:25.618Z", '{"stats":{"functions":7}}'),
        ("dna", 0, None, None),
        ("memory", 0, None, None),
    ]
    assert loaded.counts()["feature_flags"] == (4, 3, 1, 0)


def test_the_baseline_is_a_scan_of_the_past_and_the_rest_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "source-of-truth.json", TRUTH)
    loaded = Loaded(tmp_path)
    columns = "scan_id, started_at, files_scanned, patterns_found, patterns_approved, status, checksum"
    assert loaded.rows(f"SELECT {columns} FROM scan_history") == [
        ("a552a347", "2026-01-31T20:35:25.618Z", 20327, 4, 1, "completed", "539f944cdcb700a0")
    ]
    assert loaded.carried("scan_history") == {"a552a347": {"categories": {"api": 4}}}
    assert loaded.carried("source-of-truth.json") == {
        "": {"schemaVersion": "2.0.0"},
        "history[0]": {"history": TRUTH["history"][0]},
        "project": {"id": "99704036", "name": "shop"},
    }


def test_each_manifest_is_told_from_the_other(tmp_path: Path) -> None:
    tiny = {"version": "2.0.0", "driftVersion": "0.9.40", "lastUpdatedAt": "2026-01-31T20:35:25.618Z"}
    assert list(configuration.manifest(document("manifest.json", {"version": "2.0.0"}))) == []
    put(tmp_path / "tiny", "manifest.json", tiny)
    put(tmp_path / "lake", "manifest.json", LAKE)
    assert Loaded(tmp_path / "tiny").carried("manifest.json") == {
        "": {"driftVersion": "0.9.40", "lastUpdatedAt": "2026-01-31T20:35:25.618Z"}
    }
    lake = Loaded(tmp_path / "lake")
    assert lake.rows("SELECT duration_ms, files_scanned, patterns_found, errors, status FROM scan_history") == [
        (1184, 16, 218, 2, "completed")
    ]
    assert lake.carried("manifest.json") == {}


@given(told=broken(CONFIG))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_settings_are_each_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"features": told}
    accounted(store, configuration.settings(document("config.json", data)))


@given(told=broken(TRUTH))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_truth_is_it_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"history": told}
    accounted(store, configuration.truth(document("source-of-truth.json", data)))
    accounted(store, configuration.manifest(document("manifest.json", data)))
