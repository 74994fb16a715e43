"""Answers kept for a time: when they are given, when no more, and which leave first."""

from __future__ import annotations

import apsw
import pytest

from drift_mcp.tables import cache

MOMENT = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', ?)"


def made(tx: apsw.Connection, key: str, when: str) -> None:
    """As if the answer had been put at that moment."""
    tx.execute(f"UPDATE cache_entries SET created_at = {MOMENT} WHERE key = ?", (when, key))


def used(tx: apsw.Connection, key: str, when: str) -> None:
    tx.execute(f"UPDATE cache_entries SET accessed_at = {MOMENT} WHERE key = ?", (when, key))


def keys(tx: apsw.Connection) -> set[str]:
    return {row[0] for row in tx.execute("SELECT key FROM cache_entries")}


def test_what_was_put_is_there_until_it_is_dropped(tx: apsw.Connection) -> None:
    assert cache.get(tx, "a") is None
    cache.put(tx, "a", '{"n":1}')
    cache.put(tx, "b", "null")
    assert cache.get(tx, "a") == ('{"n":1}', False)
    assert cache.get(tx, "b") == ("null", False)
    cache.put(tx, "a", "2")
    assert cache.get(tx, "a") == ("2", False)
    cache.drop(tx, ["a", "never there"])
    assert cache.get(tx, "a") is None
    cache.drop(tx, [])
    assert keys(tx) == {"b"}


def test_what_is_no_json_is_refused(tx: apsw.Connection) -> None:
    with pytest.raises(apsw.ConstraintError):
        cache.put(tx, "a", "not json")


@pytest.mark.parametrize(
    ("when", "is_given"),
    [
        ("0 seconds", True),
        ("-59 seconds", True),
        ("-60 seconds", False),
        ("-10 years", False),
        ("+50 seconds", True),  # the clock was put back by that much
        ("+70 seconds", False),  # and here by more than the answer may be old
        ("+70 years", False),
    ],
)
def test_an_answer_is_given_within_its_time_and_never_after(tx: apsw.Connection, when: str, is_given: bool) -> None:
    cache.put(tx, "a", "1", ttl_seconds=60)
    made(tx, "a", when)
    assert (cache.get(tx, "a") is not None) is is_given
    assert cache.forget_expired(tx) == (0 if is_given else 1)
    assert keys(tx) == ({"a"} if is_given else set())


def test_an_answer_without_an_end_is_never_too_old(tx: apsw.Connection) -> None:
    cache.put(tx, "a", "1")
    for when in ("-10 years", "+10 years"):
        made(tx, "a", when)
        assert cache.get(tx, "a") is not None
        assert cache.forget_expired(tx) == 0


def test_putting_anew_begins_anew(tx: apsw.Connection) -> None:
    cache.put(tx, "a", "1", ttl_seconds=60)
    made(tx, "a", "-1 day")
    cache.put(tx, "a", "2", ttl_seconds=60)
    assert cache.get(tx, "a") == ("2", False)


def test_the_least_recently_used_leave(tx: apsw.Connection) -> None:
    for number, key in enumerate("abc"):
        cache.put(tx, key, "1", most=3)
        used(tx, key, f"-{9 - number} hours")
    cache.touch(tx, ["a"])
    cache.put(tx, "d", "1", most=3)
    assert keys(tx) == {"a", "c", "d"}


def test_entries_of_a_wrong_clock_leave_first_and_keep_nothing_out(tx: apsw.Connection) -> None:
    for key in "abc":
        cache.put(tx, key, "1", most=3)
        used(tx, key, "+30 years")
    cache.put(tx, "d", "1", most=3)
    cache.put(tx, "e", "1", most=3)
    assert {"d", "e"} <= keys(tx) and len(keys(tx)) == 3


def test_a_read_is_noted_once_an_hour_at_the_most(tx: apsw.Connection) -> None:
    cache.put(tx, "a", "1")
    noted = tx.execute("SELECT accessed_at FROM cache_entries").get
    cache.touch(tx, ["a"])
    assert tx.execute("SELECT accessed_at FROM cache_entries").get == noted
    for when in ("-61 minutes", "+2 days"):
        used(tx, "a", when)
        kept = cache.get(tx, "a")
        assert kept is not None and kept.is_due
        cache.touch(tx, ["a"])
        kept = cache.get(tx, "a")
        assert kept is not None and not kept.is_due


def test_there_are_never_more_than_the_bound(tx: apsw.Connection) -> None:
    for number in range(1_100):
        cache.put(tx, f"answer {number}", "1")
    assert len(keys(tx)) == 1_000
    assert cache.get(tx, "answer 1099") is not None and cache.get(tx, "answer 99") is None
