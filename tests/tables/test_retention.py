"""What is forgotten of the past, what never is, and that a wrong clock costs nothing that matters."""

from __future__ import annotations

import apsw
import pytest

from drift_mcp.tables import cache, retention, scans

DAY = "date('now', ?)"
MOMENT = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)"


def event(tx: apsw.Connection, when: str, pattern: str, action: str = "created") -> None:
    tx.execute(
        f"INSERT INTO pattern_history (date, pattern_id, action) VALUES ({MOMENT}, ?, ?)", (when, pattern, action)
    )


def trend(tx: apsw.Connection, when: str) -> None:
    tx.execute(f"INSERT INTO health_trends (date) VALUES ({DAY}) ON CONFLICT DO NOTHING", (when,))


def count(tx: apsw.Connection, table: str) -> int:
    return int(tx.execute(f"SELECT count(*) FROM {table}").get)


def test_a_hundred_scans_are_kept_and_the_last_completed_one(tx: apsw.Connection) -> None:
    for number in range(103):
        scans.start(tx, f"s{number}", incremental=False, commit=None)
        scans.finish(tx, f"s{number}", files_scanned=0, changed_files=0, errors=0)
    assert retention.apply(tx)["scan_history"] == 3
    for number in range(120):
        scans.start(tx, f"f{number}", incremental=False, commit=None)
        scans.fail(tx, f"f{number}", "no room")
    retention.apply(tx)
    assert count(tx, "scan_history") == 101
    last = scans.last(tx)
    assert last is not None and last.scan_id == "s102"


def test_the_last_scan_is_the_last_one_whatever_the_clock_said(tx: apsw.Connection) -> None:
    for name in ("in the year of a wrong clock", "today"):
        scans.start(tx, name, incremental=False, commit=None)
        scans.finish(tx, name, files_scanned=0, changed_files=0, errors=0)
    tx.execute("UPDATE scan_history SET started_at = '2099-01-01T00:00:00.000Z' WHERE id = 1")
    last = scans.last(tx)
    assert last is not None and last.scan_id == "today"


def test_what_happened_to_patterns_is_kept_for_a_year_and_the_last_verdict_for_ever(tx: apsw.Connection) -> None:
    event(tx, "-800 days", "a")
    event(tx, "-700 days", "a", "approved")
    event(tx, "-600 days", "a", "ignored")
    event(tx, "-500 days", "a", "deleted")
    event(tx, "-366 days", "b")
    event(tx, "-364 days", "b")
    trend(tx, "0 days")
    assert retention.apply(tx)["pattern_history"] == 4
    kept = tx.execute("SELECT pattern_id, action FROM pattern_history ORDER BY id").fetchall()
    assert kept == [("a", "ignored"), ("b", "created")]


def test_trends_are_kept_for_half_a_year_and_fifty_snapshots(tx: apsw.Connection) -> None:
    for days in range(250, -1, -1):
        trend(tx, f"-{days} days")
        tx.execute(f"INSERT INTO audit_snapshots (date) VALUES ({DAY})", (f"-{days} days",))
    retention.apply(tx)
    # The present is the earliest of the last seven days of scans.
    assert count(tx, "health_trends") == 187
    assert count(tx, "audit_snapshots") == 50
    assert tx.execute("SELECT max(date) = date('now') FROM audit_snapshots").get == 1


def test_what_was_synced_leaves_after_a_month_and_what_was_not_stays(tx: apsw.Connection) -> None:
    tx.execute("DELETE FROM sync_log")
    row = f"""
    INSERT INTO sync_log (table_name, row_id, operation, timestamp, synced)
    VALUES ('patterns', ?, 'UPDATE', {MOMENT}, ?)
    """
    for name, when, synced in (("a", "-31 days", 1), ("b", "-29 days", 1), ("c", "-900 days", 0)):
        tx.execute(row, (name, when, synced))
    trend(tx, "0 days")
    assert retention.apply(tx)["sync_log"] == 1
    assert tx.execute("SELECT row_id FROM sync_log ORDER BY 1").fetchall() == [("b",), ("c",)]


def test_a_number_of_the_change_log_is_never_given_twice(tx: apsw.Connection) -> None:
    tx.execute("DELETE FROM sync_log")
    change = f"""
    INSERT INTO sync_log (table_name, row_id, operation, timestamp, synced)
    VALUES ('patterns', 'a', 'UPDATE', {MOMENT}, 1)
    RETURNING id
    """
    first = tx.execute(change, ("-90 days",)).fetchone()[0]
    trend(tx, "0 days")
    retention.apply(tx)
    assert tx.execute(change, ("0 days",)).fetchone()[0] > first


def test_answers_whose_time_is_over_leave(tx: apsw.Connection) -> None:
    cache.put(tx, "a", "1", ttl_seconds=60)
    cache.put(tx, "b", "1", ttl_seconds=60)
    tx.execute(f"UPDATE cache_entries SET created_at = {MOMENT} WHERE key = 'a'", ("-2 minutes",))
    assert retention.apply(tx)["cache_entries"] == 1


def lived(tx: apsw.Connection) -> None:
    """A project scanned on each of the last 100 days, with as many events."""
    for days in range(100, 0, -1):
        trend(tx, f"-{days} days")
        event(tx, f"-{days} days", f"p{days}")


@pytest.mark.parametrize("years", [30, -30])
def test_a_clock_that_is_wrong_for_some_days_wipes_nothing(tx: apsw.Connection, years: int) -> None:
    """Here it is the rows that lie in another time than the clock, which is the same."""
    lived(tx)
    moved = f"{-years} years"
    tx.execute("UPDATE health_trends SET date = date(date, ?)", (moved,))
    tx.execute("UPDATE pattern_history SET date = strftime('%Y-%m-%dT%H:%M:%fZ', date, ?)", (moved,))
    for _ in range(3):
        trend(tx, "0 days")
        event(tx, "0 days", "new")
        retention.apply(tx)
    assert count(tx, "pattern_history") == 103
    assert count(tx, "health_trends") == 101


def test_a_clock_that_ran_ahead_for_some_days_and_was_put_right_has_cost_nothing(tx: apsw.Connection) -> None:
    lived(tx)
    for day in range(6):
        trend(tx, f"+{10_000 + day} days")
        event(tx, f"+{10_000 + day} days", "ahead")
        retention.apply(tx)
    trend(tx, "0 days")
    retention.apply(tx)
    assert count(tx, "pattern_history") == 106


def test_after_a_long_rest_nothing_is_in_a_hurry(tx: apsw.Connection) -> None:
    for days in range(900, 800, -1):
        trend(tx, f"-{days} days")
    for day in range(1, 8):
        trend(tx, f"-{7 - day} days")
        retention.apply(tx)
        assert count(tx, "health_trends") == (100 + day if day < 7 else 7)
