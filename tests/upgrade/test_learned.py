"""What detectors had learned, as the predecessor wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import learned
from tests.upgrade.told import Loaded, accounted, broken, document, put

LEARNED: dict[str, Any] = {
    "detectorId": "api/routes",
    "version": "1.0.0",
    "conventions": {
        "case": {
            "value": "plural",
            "occurrences": 9,
            "files": ["src/a.ts"],
            "firstSeenAt": {"file": "src/a.ts", "line": 3},
            "confidence": 0.9,
        },
        "depth": {"value": 2, "occurrences": 4, "files": [], "confidence": 0.5},
    },
    "metadata": {"filesAnalyzed": 12, "learnedAt": "2026-01-20T08:00:00.000Z"},
}


def test_each_answer_is_a_row_and_knows_where_it_was_seen_first(tmp_path: Path) -> None:
    put(tmp_path, "learned/api-routes.json", LEARNED)
    loaded = Loaded(tmp_path)
    columns = "detector_id, pattern_signature, occurrences, confidence, first_seen, last_seen"
    at = "2026-01-20T08:00:00.000Z"
    assert loaded.rows(f"SELECT {columns} FROM learned_patterns ORDER BY occurrences DESC") == [
        ("api/routes", "case=plural", 9, 0.9, at, at),
        ("api/routes", "depth=2", 4, 0.5, at, at),
    ]
    assert loaded.carried("learned_patterns")["api/routes:case=plural"] == {
        "files": ["src/a.ts"],
        "firstSeenAt": {"file": "src/a.ts", "line": 3},
    }
    assert loaded.carried("learned/api-routes.json")[""]["metadata"]["filesAnalyzed"] == 12


@given(told=broken(LEARNED))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_every_answer_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"conventions": told}
    accounted(store, learned.records(document("learned/api-routes.json", data)))
