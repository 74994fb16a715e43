"""What happened to patterns, runs of gates, and what detectors learned."""

from __future__ import annotations

import apsw

from drift_mcp.tables import gates, history, learning, past, scans


def test_history_is_told_from_the_end_and_since_a_day(tx: apsw.Connection) -> None:
    days = ["2026-01-02T03:04:05.678Z", "2026-01-03T03:04:05.678Z"]
    history.put(tx, [history.NewEvent("p", "approved", days[1]), history.NewEvent("p", "created", days[0])])
    history.put(tx, [history.NewEvent("q", "created", days[1])])
    assert [one.action for one in history.of(tx, "p")] == ["approved", "created"]
    assert [(one.pattern_id, one.date) for one in history.since(tx, "2026-01-03")] == [("q", days[1]), ("p", days[1])]


def test_the_last_state_of_a_branch_is_what_a_gate_compares_with(tx: apsw.Connection) -> None:
    days = ["2026-01-02T03:04:05.678Z", "2026-01-03T03:04:05.678Z"]
    gates.put_snapshots(tx, [gates.NewSnapshot("main", day, number) for number, day in enumerate(days)])
    last = gates.last_snapshot(tx, "main")
    assert last is not None and (last.snapshot_at, last.health_score) == (days[1], 1)
    assert gates.last_snapshot(tx, "other") is None
    gates.put(
        tx, [gates.NewRun("r-1", days[0], "main"), gates.NewRun("r-2", days[1], "main"), gates.NewRun("r-3", days[0])]
    )
    assert [one.id for one in gates.of_branch(tx, "main")] == ["r-2", "r-1"]
    run = gates.one(tx, "r-3")
    assert run is not None and run.status == "running"


def test_what_a_detector_meets_again_is_written_when_it_says_something(tx: apsw.Connection) -> None:
    met = learning.NewLearned("naming", "snake", 3, last_seen="2026-01-02T03:04:05.678Z")
    learning.put(tx, [met, met._replace(pattern_signature="camel", occurrences=7)])
    learning.put(tx, [met._replace(last_seen="2026-01-02T23:04:05.678Z")])
    assert [(one.pattern_signature, one.last_seen[:13]) for one in learning.by(tx, "naming")] == [
        ("camel", "2026-01-02T03"),
        ("snake", "2026-01-02T03"),
    ]
    learning.put(tx, [met._replace(last_seen="2026-01-05T23:04:05.678Z")])
    assert [one.last_seen[:13] for one in learning.by(tx, "naming")] == ["2026-01-02T03", "2026-01-05T23"]
    assert learning.by(tx, "other") == []


def test_the_past_is_put_in_its_order_and_changes_nothing_that_is_known(tx: apsw.Connection) -> None:
    days = ["2026-01-02", "2026-01-03"]
    began = [past.NewScan(f"scan-{day}", f"{day}T03:04:05.678Z") for day in days]
    past.put_scans(tx, reversed(began))
    past.put_scans(tx, [began[0]._replace(status="failed")])
    last = scans.last(tx)
    assert last is not None and last.scan_id == "scan-2026-01-03"
    past.put_trends(tx, [past.NewTrend(day, 80) for day in reversed(days)])
    past.put_trends(tx, [past.NewTrend(days[0], 10)])
    assert [(one.date, one.health_score) for one in past.trends(tx)] == [(days[1], 80), (days[0], 80)]
    past.put_audits(tx, [past.NewAudit(day, health_score=80) for day in reversed(days)])
    assert [one.id for one in past.audits(tx)] == [2, 1]
