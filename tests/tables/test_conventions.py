"""A person's or an agent's verdict on a pattern, and its history."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import get_args

import apsw
import pytest

from drift_mcp.errors import DriftError
from drift_mcp.store import migrate, schema
from drift_mcp.store.writer import Writer
from drift_mcp.tables import conventions
from drift_mcp.tables.conventions import Event, Judged
from drift_mcp.tools.patterns import Status

STATUSES = get_args(Status)
ACTIONS = {"approved": "approved", "ignored": "ignored", "discovered": "reopened"}


@pytest.fixture
def pattern(tx: apsw.Connection) -> str:
    tx.execute("INSERT INTO patterns (id, name, category) VALUES ('p', 'Handlers log', 'logging')")
    return "p"


def told(tx: apsw.Connection) -> tuple[object, ...]:
    columns = "SELECT status, approved_at IS NOT NULL, approved_by, status_reason FROM patterns WHERE id = 'p'"
    return tuple(tx.execute(columns).fetchall()[0])


def written(tx: apsw.Connection) -> list[tuple[object, ...]]:
    columns = "SELECT action, previous_status, new_status, changed_by, details FROM pattern_history ORDER BY id"
    return list(tx.execute(columns))


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(STATUSES, 2)))
def test_every_verdict_can_be_changed_and_taken_back_and_the_history_says_so(
    tx: apsw.Connection, pattern: str, before: str, after: str
) -> None:
    tx.execute("UPDATE patterns SET status = ?", (before,))
    assert conventions.judge(tx, pattern, after, by="ada", reason="we agreed") == Judged(before, True)
    by = "ada" if after == "approved" else None
    assert told(tx) == (after, int(after == "approved"), by, "we agreed")
    assert written(tx) == [(ACTIONS[after], before, after, "ada", "we agreed")]


@pytest.mark.parametrize("status", STATUSES)
def test_the_same_verdict_again_is_none(tx: apsw.Connection, pattern: str, status: str) -> None:
    tx.execute("UPDATE patterns SET status = ?, status_reason = 'before'", (status,))
    for reason in (None, "before"):
        assert conventions.judge(tx, pattern, status, by="bob", reason=reason) == Judged(status, False)
    assert told(tx)[3] == "before"
    assert written(tx) == []


def test_another_reason_for_the_same_verdict_is_kept_and_the_verdict_stays_whose_it_was(
    tx: apsw.Connection, pattern: str
) -> None:
    conventions.judge(tx, pattern, "approved", by="ada")
    tx.execute("UPDATE patterns SET approved_at = '2026-01-01T00:00:00.000Z'")
    assert conventions.judge(tx, pattern, "approved", by="bob", reason="clearer") == Judged("approved", True)
    assert told(tx) == ("approved", 1, "ada", "clearer")
    assert tx.execute("SELECT approved_at FROM patterns").get == "2026-01-01T00:00:00.000Z"
    assert written(tx)[-1] == ("updated", "approved", "approved", "bob", "clearer")


def test_who_approved_what_is_ignored_now_is_said_by_the_history_alone(tx: apsw.Connection, pattern: str) -> None:
    conventions.judge(tx, pattern, "approved", by="ada", reason="style guide")
    conventions.judge(tx, pattern, "ignored", by="bob")
    assert told(tx) == ("ignored", 0, None, None)
    assert [event[1:] for event in conventions.history(tx, pattern)] == [
        ("ignored", "bob", None),
        ("approved", "ada", "style guide"),
    ]


def test_nothing_but_the_three_words_is_a_verdict(tx: apsw.Connection, pattern: str) -> None:
    with pytest.raises(DriftError, match="is discovered, and from there it can become approved or ignored, not 'good'"):
        conventions.judge(tx, pattern, "good", by="ada")
    with pytest.raises(DriftError, match="No pattern 'q'"):
        conventions.judge(tx, "q", "approved", by="ada")
    assert written(tx) == []


def test_the_schema_knows_no_other_status(tx: apsw.Connection, pattern: str) -> None:
    assert set(conventions.TRANSITIONS) == set(STATUSES)
    for status in STATUSES:
        tx.execute("UPDATE patterns SET status = ?", (status,))
    with pytest.raises(apsw.ConstraintError):
        tx.execute("UPDATE patterns SET status = 'good'")


def test_the_latest_verdict_stands_first_though_the_clock_went_backwards(tx: apsw.Connection, pattern: str) -> None:
    conventions.judge(tx, pattern, "approved", by="ada")
    tx.execute("UPDATE pattern_history SET date = '2999-01-01T00:00:00.000Z'")
    conventions.judge(tx, pattern, "ignored", by="bob")
    found = conventions.history(tx, pattern)
    assert [event.by for event in found] == ["bob", "ada"]
    assert found[1] == Event("2999-01-01T00:00:00.000Z", "approved", "ada", None)


def test_the_history_outlives_its_pattern(tx: apsw.Connection, pattern: str) -> None:
    conventions.judge(tx, pattern, "ignored", by="ada", reason="no")
    tx.execute("DELETE FROM patterns")
    assert [event.by for event in conventions.history(tx, pattern)] == ["ada"]


def test_of_two_who_judge_at_once_each_sees_what_the_other_one_decided(tmp_path: Path) -> None:
    path, known = tmp_path / "drift.db", schema.read("drift", 0x74657374)
    first = Writer(migrate.opened(path, known), path, known)
    with first.transaction() as tx:
        tx.execute("INSERT INTO patterns (id, name, category) VALUES ('p', 'Handlers log', 'logging')")
    # A connection of its own, as another process has.
    second = Writer(migrate.opened(path, known), path, known)
    start = threading.Barrier(2)

    def judge(writer: Writer, by: str, statuses: list[str]) -> None:
        start.wait()
        for status in statuses:
            with writer.transaction() as tx:
                conventions.judge(tx, "p", status, by=by)

    threads = [
        threading.Thread(target=judge, args=(first, "ada", ["approved", "ignored"] * 20)),
        threading.Thread(target=judge, args=(second, "bob", ["ignored", "discovered", "approved"] * 14)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with first.transaction() as tx:
        chain = tx.execute("SELECT previous_status, new_status FROM pattern_history ORDER BY id").fetchall()
        assert chain[0][0] == "discovered"
        assert [after for _, after in chain[:-1]] == [before for before, _ in chain[1:]]
        assert told(tx)[0] == chain[-1][1]
    first.close()
    second.close()
