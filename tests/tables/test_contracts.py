"""Contracts: what machines say of them, and what people do."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from drift_mcp.errors import DriftError
from drift_mcp.tables import contracts

USERS = contracts.NewContract("c-1", "GET", "/users/:id", "/users/{}")
MISMATCHING = USERS._replace(status="mismatch", mismatches='[{"fieldPath":"ok"}]')
LOGGED = "SELECT row_id, operation FROM sync_log ORDER BY id"


def state(tx: apsw.Connection, contract: str = "c-1") -> tuple[str, str | None, str | None]:
    found = contracts.one(tx, contract)
    assert found is not None
    return found.status, found.verified_by, found.mismatches


def test_a_machine_moves_a_contract_between_discovered_and_mismatch(tx: apsw.Connection) -> None:
    contracts.put(tx, [USERS])
    contracts.put(tx, [MISMATCHING])
    assert state(tx) == ("mismatch", None, '[{"fieldPath":"ok"}]')
    contracts.put(tx, [USERS])
    assert state(tx) == ("discovered", None, None)
    assert tx.execute(LOGGED).fetchall() == []


@pytest.mark.parametrize("verdict", ["verified", "ignored", "mismatch"])
def test_a_persons_word_stands_whatever_a_machine_finds_later(tx: apsw.Connection, verdict: str) -> None:
    contracts.put(tx, [USERS])
    contracts.judge(tx, "c-1", verdict, by="ada")
    said = state(tx)[:2]
    assert said == (verdict, None if verdict == "ignored" else "ada")
    for found in (MISMATCHING, USERS, MISMATCHING):
        contracts.put(tx, [found])
        assert state(tx) == (*said, found.mismatches)
    contracts.replace_all(tx, [])
    assert state(tx) == (*said, '[{"fieldPath":"ok"}]')
    assert tx.execute(LOGGED).fetchall() == [("c-1", "UPDATE")]


def test_a_mismatch_that_a_machine_found_becomes_a_persons_when_they_say_it_too(tx: apsw.Connection) -> None:
    contracts.put(tx, [MISMATCHING])
    assert contracts.judge(tx, "c-1", "mismatch", by="ada") == "mismatch"
    contracts.put(tx, [USERS])
    assert state(tx) == ("mismatch", "ada", None)
    assert tx.execute(LOGGED).fetchall() == [("c-1", "UPDATE")]


def test_the_same_word_twice_is_one(tx: apsw.Connection) -> None:
    contracts.put(tx, [USERS])
    for before in ("discovered", "verified"):
        assert contracts.judge(tx, "c-1", "verified", by="ada", at="2026-01-02T03:04:05.678Z") == before
    found = contracts.one(tx, "c-1")
    assert found is not None and found.verified_at == "2026-01-02T03:04:05.678Z"
    assert tx.execute(LOGGED).fetchall() == [("c-1", "UPDATE")]


@pytest.mark.parametrize("before", contracts.TRANSITIONS)
@pytest.mark.parametrize("after", contracts.TRANSITIONS)
def test_only_the_ways_of_the_table_are_gone(tx: apsw.Connection, before: str, after: str) -> None:
    contracts.put(tx, [USERS])
    if before != "discovered":
        contracts.judge(tx, "c-1", before, by="ada")
    if after == before or after in contracts.TRANSITIONS[before]:
        contracts.judge(tx, "c-1", after, by="bob")
        assert state(tx)[0] == after
    else:
        with pytest.raises(DriftError, match=f"is '{before}', and from there it can become .*, not '{after}'"):
            contracts.judge(tx, "c-1", after, by="bob")
        assert state(tx)[0] == before


def test_a_word_about_nothing_is_answered_with_where_to_look(tx: apsw.Connection) -> None:
    with pytest.raises(DriftError, match=r"No contract 'c-9'\. `drift facts contracts --json` lists those"):
        contracts.judge(tx, "c-9", "verified", by="ada")


def test_no_machine_says_what_is_for_a_person_to_say(tx: apsw.Connection) -> None:
    with pytest.raises(DriftError, match="comes as 'verified', which is for a person to say"):
        contracts.put(tx, [USERS._replace(status="verified")])


def test_an_endpoint_keeps_the_id_that_it_has_and_its_verdict_when_another_scanner_names_it(
    tx: apsw.Connection, village: Any
) -> None:
    a = village.file("a.py")
    contracts.put(tx, [USERS])
    contracts.put_frontends(tx, [contracts.NewFrontend("c-1", "GET", "/users/1", "/users/{}", a, 3)])
    contracts.judge(tx, "c-1", "verified", by="ada")
    theirs = USERS._replace(id="theirs", endpoint="/users/{user}")
    assert contracts.replace_all(tx, [theirs]) == {"theirs": "c-1"}
    (found,) = contracts.every(tx)
    assert (found.id, found.endpoint, found.status) == ("c-1", "/users/{user}", "verified")
    assert [one.line for one in contracts.frontends(tx, "c-1")] == [3]


def test_ids_may_change_their_endpoints_with_each_other(tx: apsw.Connection) -> None:
    orders = contracts.NewContract("c-2", "GET", "/orders", "/orders")
    contracts.put(tx, [USERS, orders])
    swapped = [USERS._replace(id="c-2"), orders._replace(id="c-1")]
    assert contracts.put(tx, swapped) == {"c-2": "c-1", "c-1": "c-2"}
    moved = USERS._replace(endpoint="/people/:id", normalized_endpoint="/people/{}")
    assert contracts.put(tx, [moved, USERS._replace(id="c-3")]) == {"c-1": "c-1", "c-3": "c-3"}
    assert {(one.id, one.normalized_endpoint) for one in contracts.every(tx)} == {
        ("c-1", "/people/{}"),
        ("c-2", "/orders"),
        ("c-3", "/users/{}"),
    }


def test_when_a_contract_was_last_seen_is_kept_to_the_day(tx: apsw.Connection) -> None:
    def seen(last: str) -> str:
        contracts.put(tx, [USERS._replace(last_seen=last)])
        found = contracts.one(tx, "c-1")
        assert found is not None
        return found.last_seen

    assert seen("2026-01-02T03:04:05.678Z") == "2026-01-02T03:04:05.678Z"
    assert seen("2026-01-02T23:04:05.678Z") == "2026-01-02T03:04:05.678Z"
    assert seen("2026-01-03T03:04:05.679Z") == "2026-01-03T03:04:05.679Z"
    # A clock that went backwards.
    assert seen("2025-12-24T00:00:00.000Z") == "2026-01-03T03:04:05.679Z"


def test_the_places_of_a_contract_outlive_what_is_said_anew_of_it(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("server.py"), village.file("client.ts")
    contracts.put(tx, [USERS._replace(backend_file_id=a, backend_line=1)])
    contracts.put_frontends(tx, [contracts.NewFrontend("c-1", "GET", "/users/1", "/users/{}", b, 3)])
    contracts.put(tx, [MISMATCHING])
    assert [(one.file, one.line) for one in contracts.frontends(tx, "c-1")] == [("client.ts", 3)]
    assert [one.id for one in contracts.in_file(tx, b)] == ["c-1"]
    assert contracts.in_file(tx, a) == []
    assert [one.path for one in contracts.frontends_in_file(tx, b)] == ["/users/1"]
    contracts.replace_all(tx, [])
    assert contracts.every_frontend(tx) == []


@pytest.mark.parametrize(("score", "level"), [(0.9, "high"), (0.6, "low"), (0.0, "uncertain")])
def test_a_score_amounts_to_a_level(tx: apsw.Connection, score: float, level: str) -> None:
    contracts.put(tx, [USERS._replace(confidence_score=score)])
    assert [one.confidence_level for one in contracts.every(tx)] == [level]
