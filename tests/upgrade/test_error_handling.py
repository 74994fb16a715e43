"""Where errors are caught and lost, in the words of the predecessor's two scanners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import error_handling
from tests.upgrade.told import ROOT, Loaded, accounted, broken, document, put

NATIVE: dict[str, Any] = {
    "boundaries": [
        {
            "file": "src/a.py",
            "startLine": 10,
            "endLine": 14,
            "boundaryType": "try_except",
            "caughtTypes": ["ValueError", "KeyError"],
            "rethrows": True,
            "logsError": True,
            "isSwallowed": False,
        },
        {"file": "src/a.py", "startLine": 10, "boundaryType": "try_catch", "caughtTypes": []},
    ],
    "gaps": [
        {
            "file": "src/a.py",
            "line": 20,
            "function": "load",
            "gapType": "swallowed_error",
            "severity": "high",
            "description": "nobody hears of it",
        }
    ],
    "errorTypes": [{"name": "Odd", "file": "src/a.py", "line": 1, "isExported": True}],
    "filesAnalyzed": 3,
    "durationMs": 12,
    "generatedAt": "2026-01-31T20:35:00.000Z",
}
TOPOLOGY: dict[str, Any] = {
    "topology": {
        "functions": {
            "src/b.ts:save:3": {
                "functionId": "src/b.ts:save:3",
                "file": "src/b.ts",
                "name": "save",
                "line": 3,
                "qualityScore": 70,
                "catchClauses": [
                    {"errorType": "Error", "action": "swallow", "line": 5, "preservesError": True},
                    {"errorType": "any", "action": "recover", "line": 9},
                ],
            }
        },
        "boundaries": [
            {
                "functionId": "src/b.ts:guard:30",
                "file": f"{ROOT}/src/b.ts",
                "name": "guard",
                "handledTypes": ["HttpError"],
                "catchesFrom": [f"{ROOT}/src/b.ts:save:3"],
                "isFrameworkBoundary": True,
                "frameworkType": "express-middleware",
                "line": 30,
            }
        ],
        "unhandledPaths": [
            {
                "entryPoint": "src/c.ts:main:7",
                "path": ["src/c.ts:main:7", "src/b.ts:save:3"],
                "errorType": "Error",
                "severity": "critical",
                "reason": "nothing catches it",
            },
            {"entryPoint": "main", "severity": "low"},
        ],
        "propagationChains": [{"depth": 2}],
        "generatedAt": "2026-01-31T20:35:00.000Z",
        "projectRoot": ROOT,
    },
    "summary": {"avgQuality": 70},
    "projectRoot": ROOT,
}
_BOUNDARIES = """
    SELECT p.path, b.line, b.type, b.catches, b.rethrows, b.logs, b.swallows
    FROM error_boundaries b JOIN file_metadata p ON p.id = b.file_id ORDER BY p.path, b.line
"""


def test_what_the_native_scanner_wrote(tmp_path: Path) -> None:
    put(tmp_path, "error-handling/analysis.json", NATIVE)
    loaded = Loaded(tmp_path)
    assert loaded.rows(_BOUNDARIES) == [("src/a.py", 10, "try-catch", '["ValueError","KeyError"]', 1, 1, 0)]
    assert loaded.rows("SELECT line, gap_type, severity, description FROM error_handling_gaps") == [
        (20, "swallowed", "high", "nobody hears of it")
    ]
    assert loaded.carried("error_boundaries") == {
        "src/a.py:10:try-catch": {"boundaryType": "try_except", "endLine": 14, "others": [{"catches": []}]}
    }
    assert loaded.carried("error_handling_gaps") == {
        "src/a.py:20:swallowed": {"function": "load", "gapType": "swallowed_error"}
    }
    assert loaded.carried("error-handling/analysis.json") == {
        "": {"errorTypes": NATIVE["errorTypes"], "filesAnalyzed": 3, "durationMs": 12}
    }
    assert loaded.counts()["error_boundaries"] == (2, 1, 1, 0)


def test_what_the_older_scanner_wrote_function_by_function(tmp_path: Path) -> None:
    put(tmp_path, "error-handling/topology.json", TOPOLOGY)
    loaded = Loaded(tmp_path)
    assert loaded.rows(_BOUNDARIES) == [
        ("src/b.ts", 5, "try-catch", '["Error"]', 0, 0, 1),
        ("src/b.ts", 9, "try-catch", '["any"]', 0, 0, 0),
        ("src/b.ts", 30, "middleware", '["HttpError"]', 0, 0, 0),
    ]
    assert loaded.rows("SELECT line, gap_type, severity, description FROM error_handling_gaps") == [
        (7, "unhandled", "critical", "nothing catches it")
    ]
    assert loaded.carried("error_boundaries")["src/b.ts:30:middleware"] == {
        "functionId": "src/b.ts:guard:30",
        "name": "guard",
        "catchesFrom": ["src/b.ts:save:3"],
        "isFrameworkBoundary": True,
        "boundaryType": "express-middleware",
    }
    assert set(loaded.carried("error-handling/topology.json")) == {
        "topology.functions['src/b.ts:save:3']",
        "topology",
        "",
    }
    assert loaded.counts()["error_handling_gaps"] == (2, 1, 0, 1)
    assert not loaded.holds(ROOT)


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("no-try-catch", "unhandled"),
        ("unhandled_promise", "unhandled"),
        ("swallowed-error", "swallowed"),
        ("swallowed", "swallowed"),
        ("bare-catch", "generic-catch"),
        ("missing-finally", "missing-finally"),
        ("missing-boundary", "unhandled"),
        ("something new", "unhandled"),
    ],
)
def test_the_words_of_gaps_are_those_of_today_and_the_old_ones_are_carried(
    tmp_path: Path, word: str, kept: str
) -> None:
    put(tmp_path, "error-handling/analysis.json", {"gaps": [{"file": "a.ts", "line": 1, "gapType": word}]})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT gap_type, severity FROM error_handling_gaps") == [(kept, "medium")]
    assert loaded.carried("error_handling_gaps") == ({} if word == kept else {f"a.ts:1:{kept}": {"gapType": word}})


@given(told=broken(NATIVE | TOPOLOGY) | broken(TOPOLOGY["topology"]))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_analysis_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, error_handling.records(document("error-handling/analysis.json", told)))
