"""What is left over when something ended in the middle."""

from __future__ import annotations

import apsw

from drift_mcp.tables import scans, status, upkeep


def test_scans_that_never_ended_have_failed_and_the_others_are_as_they_were(tx: apsw.Connection) -> None:
    scans.start(tx, "ended", incremental=False, commit=None)
    scans.finish(tx, "ended", files_scanned=1, changed_files=1, errors=0)
    for name in ("died", "died too"):
        scans.start(tx, name, incremental=True, commit=None)
    assert len(upkeep.running_scans(tx)) == 2
    assert upkeep.end_scans(tx, "stopped") == 2
    assert upkeep.running_scans(tx) == []
    said = "SELECT scan_id, status, error_message, completed_at IS NULL FROM scan_history ORDER BY id"
    assert tx.execute(said).fetchall() == [
        ("ended", "completed", None, 0),
        ("died", "failed", "stopped", 1),
        ("died too", "failed", "stopped", 1),
    ]


def test_answers_that_no_place_gives_are_forgotten(tx: apsw.Connection) -> None:
    for choice in ("given", "not given"):
        tx.execute("INSERT INTO convention_answers (convention, family, choice) VALUES ('q', 'python', ?)", (choice,))
    tx.execute("INSERT INTO file_metadata (id, path, size, mtime_secs) VALUES (1, 'a.py', 1, 1)")
    tx.execute("INSERT INTO convention_evidence (answer_id, file_id, line) VALUES (1, 1, 1)")
    upkeep.forget_unused_answers(tx)
    assert tx.execute("SELECT choice FROM convention_answers").fetchall() == [("given",)]


def test_rows_of_the_past_that_lie_in_the_future_are_counted(tx: apsw.Connection) -> None:
    assert upkeep.dated_ahead(tx) == 0
    tx.execute("INSERT INTO health_trends (date) VALUES (date('now')), (date('now', '+3 days'))")
    tx.execute("INSERT INTO scan_history (scan_id, started_at) VALUES ('s', '2099-01-01T00:00:00.000Z')")
    assert upkeep.dated_ahead(tx) == 2


def test_the_status_is_true_until_something_changes_beside_it(tx: apsw.Connection) -> None:
    assert status.is_true(tx)
    status.refresh(tx)
    assert status.is_true(tx)
    tx.execute("INSERT INTO file_metadata (id, path, size, mtime_secs) VALUES (1, 'a.py', 1, 1)")
    assert not status.is_true(tx)
    status.refresh(tx)
    assert status.is_true(tx)
