"""Decisions that the history tells of, and what a person says of them."""

from __future__ import annotations

import apsw
import pytest

from drift_mcp.errors import DriftError
from drift_mcp.tables import decisions

SQLITE = decisions.NewDecision("d-1", "Use SQLite", files_affected='["a.py","b.py"]')
LOGGED = "SELECT row_id, operation FROM sync_log ORDER BY id"


def the(tx: apsw.Connection) -> decisions.Decision:
    found = decisions.one(tx, "d-1")
    assert found is not None
    return found


@pytest.mark.parametrize(("verdict", "by"), [("confirmed", "ada"), ("rejected", None)])
def test_a_decision_that_a_person_spoke_of_stays_as_it_was(tx: apsw.Connection, verdict: str, by: str | None) -> None:
    decisions.put(tx, [SQLITE])
    decisions.judge(tx, "d-1", verdict, by="ada")
    before = the(tx)
    assert (before.status, before.confirmed_by) == (verdict, by)
    decisions.put(tx, [SQLITE._replace(title="Use files", confidence=0.9)])
    decisions.replace_all(tx, [])
    assert the(tx) == before
    assert tx.execute(LOGGED).fetchall() == [("d-1", "UPDATE")]


@pytest.mark.parametrize("before", decisions.TRANSITIONS)
@pytest.mark.parametrize("after", decisions.TRANSITIONS)
def test_every_word_can_be_taken_back(tx: apsw.Connection, before: str, after: str) -> None:
    decisions.put(tx, [SQLITE])
    decisions.judge(tx, "d-1", before, by="ada")
    assert decisions.judge(tx, "d-1", after, by="bob", at="2026-01-02T03:04:05.678Z") == before
    assert the(tx).status == after


def test_what_can_be_said_is_said(tx: apsw.Connection) -> None:
    decisions.put(tx, [SQLITE])
    with pytest.raises(
        DriftError, match="is 'discovered', and from there it can become 'confirmed' or 'rejected', not"
    ):
        decisions.judge(tx, "d-1", "approved", by="ada")


def test_decisions_are_found_by_the_files_that_they_touched(tx: apsw.Connection) -> None:
    decisions.put(tx, [SQLITE, decisions.NewDecision("d-2", "Another"), SQLITE._replace(id="d-3", files_affected="[]")])
    assert [one.id for one in decisions.in_file(tx, "b.py")] == ["d-1"]
    assert decisions.in_file(tx, "c.py") == []
