"""Which tests exercise what."""

from __future__ import annotations

from typing import Any

import apsw

from drift_mcp.tables import test_topology as topology


def test_what_is_known_of_the_last_run_outlives_a_scan(tx: apsw.Connection, village: Any) -> None:
    a = village.file("test_a.py")
    ran = "2026-01-02T03:04:05.678Z"
    topology.put(tx, [topology.NewTestFile(a, "pytest", 3, ran, "passed")])
    topology.replace(tx, [a], [topology.NewTestFile(a, "pytest", 4)])
    found = topology.one(tx, a)
    assert found is not None and found[1:] == ("test_a.py", "pytest", 4, ran, "passed")
    topology.replace(tx, [a], [])
    assert topology.one(tx, a) is None


def test_coverage_is_found_from_both_ends_and_said_once(tx: apsw.Connection, village: Any) -> None:
    test, source = village.file("test_a.py", "test_f"), village.file("a.py", "f")
    whole, of_f = topology.NewCoverage(test, source), topology.NewCoverage(test, source, village.ids["f"], "unit")
    topology.put_coverage(tx, [whole, of_f, whole._replace(confidence=0.5), of_f])
    found = [("test_a.py", "a.py", None, None, 0.5), ("test_a.py", "a.py", village.ids["f"], "unit", 1.0)]
    assert [one[1:] for one in topology.covering(tx, source)] == found
    assert [one[1:] for one in topology.covered(tx, test)] == found
    assert topology.covering(tx, test) == []
    tx.execute("DELETE FROM functions WHERE id = ?", (village.ids["f"],))
    assert [one[1:] for one in topology.covering(tx, source)] == found[:1]
