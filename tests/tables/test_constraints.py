"""Rules: derived ones, a person's own ones, and what a person says of them."""

from __future__ import annotations

import json
from typing import Any

import apsw
import pytest

from drift_mcp.errors import DriftError
from drift_mcp.tables import constraints

RULE = constraints.NewConstraint("r-1", "Routes ask who is there", "auth", '{"type":"must_precede"}')
LOGGED = "SELECT row_id, operation FROM sync_log ORDER BY id"


def the(tx: apsw.Connection, constraint: str = "r-1") -> constraints.Constraint:
    found = constraints.one(tx, constraint)
    assert found is not None
    return found


@pytest.mark.parametrize("verdict", ["approved", "ignored"])
def test_a_rule_that_a_person_spoke_of_keeps_what_it_states(tx: apsw.Connection, verdict: str) -> None:
    constraints.put(tx, [RULE])
    constraints.judge(tx, "r-1", verdict, by="ada", reason="too many of them")
    before = the(tx)
    later = RULE._replace(name="Other words", invariant="[]", scope='{"files":["x"]}', tags="[]", language="python")
    constraints.put(tx, [later._replace(confidence_score=0.5, confidence_violations=2)])
    after = the(tx)
    assert (after.confidence_score, after.confidence_violations) == (0.5, 2)
    assert after == before._replace(confidence_score=0.5, confidence_violations=2, updated_at=after.updated_at)
    constraints.replace_all(tx, [])
    assert the(tx) == after
    assert tx.execute(LOGGED).fetchall() == [("r-1", "UPDATE")]


def test_a_verdict_says_who_when_and_why(tx: apsw.Connection) -> None:
    constraints.put(tx, [RULE])
    at = "2026-01-02T03:04:05.678Z"
    assert constraints.judge(tx, "r-1", "approved", by="ada", at=at) == "discovered"
    assert the(tx)[16:20] == (at, "ada", None, None)
    assert constraints.judge(tx, "r-1", "ignored", by="bob", reason="no longer", at=at) == "approved"
    assert the(tx)[16:20] == (None, None, at, "no longer")
    assert constraints.judge(tx, "r-1", "discovered", by="ada") == "ignored"
    assert the(tx)[16:20] == (None, None, None, None)
    assert constraints.judge(tx, "r-1", "discovered", by="ada") == "discovered"
    assert tx.execute(LOGGED).fetchall() == [("r-1", "UPDATE")] * 3
    constraints.replace_all(tx, [])
    assert constraints.every(tx) == []


@pytest.mark.parametrize("before", ["discovered", "approved", "ignored"])
@pytest.mark.parametrize("after", ["discovered", "approved", "ignored", "custom", "nonsense"])
def test_only_the_ways_of_the_table_are_gone(tx: apsw.Connection, before: str, after: str) -> None:
    constraints.put(tx, [RULE])
    constraints.judge(tx, "r-1", before, by="ada")
    if after == before or after in constraints.TRANSITIONS[before]:
        constraints.judge(tx, "r-1", after, by="bob")
        assert the(tx).status == after
    else:
        with pytest.raises(DriftError, match=f"is '{before}', and from there it can become .*, not '{after}'"):
            constraints.judge(tx, "r-1", after, by="bob")
        assert the(tx).status == before


def test_a_persons_own_rule_is_theirs_to_change_and_nobody_elses(tx: apsw.Connection) -> None:
    constraints.state(tx, RULE, by="ada")
    constraints.put(tx, [RULE._replace(name="Derived", confidence_evidence=7)])
    constraints.replace_all(tx, [])
    assert (the(tx).status, the(tx).name, the(tx).approved_by, the(tx).confidence_evidence) == (
        "custom", RULE.name, "ada", 7,
    )  # fmt: skip
    constraints.state(tx, RULE._replace(name="Put better"), by="bob")
    constraints.state(tx, RULE._replace(name="Put better"), by="bob")
    assert (the(tx).name, the(tx).approved_by, the(tx).confidence_evidence) == ("Put better", "bob", 7)
    assert tx.execute(LOGGED).fetchall() == [("r-1", "INSERT"), ("r-1", "UPDATE")]
    for word in ("ignored", "custom"):
        constraints.judge(tx, "r-1", word, by="bob")
        assert the(tx).status == word


def test_a_derived_rule_is_judged_and_not_stated(tx: apsw.Connection) -> None:
    constraints.put(tx, [RULE])
    with pytest.raises(DriftError, match="is there already and 'discovered': judge that one, or choose another id"):
        constraints.state(tx, RULE, by="ada")


def test_a_note_outlives_every_scan(tx: apsw.Connection) -> None:
    constraints.put(tx, [RULE])
    constraints.note(tx, "r-1", "ask Bob first")
    constraints.put(tx, [RULE._replace(name="Other words")])
    constraints.replace_all(tx, [])
    assert (the(tx).name, the(tx).notes) == ("Other words", "ask Bob first")
    constraints.note(tx, "r-1", None)
    constraints.replace_all(tx, [])
    assert constraints.every(tx) == []
    with pytest.raises(DriftError, match="No constraint 'r-1'"):
        constraints.note(tx, "r-1", "gone")


@pytest.mark.parametrize(
    ("scope", "inside", "outside"),
    [
        (None, ["a.py", "src/deep/b.ts"], []),
        ({}, ["a.py"], []),
        ({"functions": ["login"]}, ["a.py"], []),
        ({"files": ["src/**/*.ts"]}, ["src/a.ts", "src/deep/er/a.ts"], ["a.ts", "src/a.py", "lib/src/a.ts"]),
        ({"files": ["*.{ts,tsx}"]}, ["a.ts", "src/b.tsx"], ["a.js", "tsx"]),
        ({"files": ["{a,b{1,2}}.py"]}, ["a.py", "b1.py", "b2.py"], ["b.py", "b3.py"]),
        ({"files": ["./src/a.py"]}, ["src/a.py"], ["a.py"]),
        ({"files": ["src/*", "!src/made"]}, ["src/a.py"], ["src/made"]),
        ({"directories": ["src/api/"]}, ["src/api/a.py", "src/api/v1/b.py"], ["src/apis/a.py", "a.py"]),
        ({"directories": ["."]}, ["a.py", "src/b.py"], []),
        ({"files": ["*.py"], "directories": ["lib"]}, ["a.py", "lib/x.js"], ["x.js"]),
        ({"exclude": ["tests/"]}, ["src/a.py"], ["tests/a.py", "src/tests/b.py"]),
        ({"files": ["*.py"], "exclude": ["*_pb2.py"]}, ["a.py"], ["a_pb2.py", "a.js"]),
    ],
)
def test_a_rule_holds_where_its_scope_says(
    tx: apsw.Connection, scope: dict[str, Any] | None, inside: list[str], outside: list[str]
) -> None:
    constraints.put(tx, [RULE._replace(scope=None if scope is None else json.dumps(scope))])
    holds = {path: constraints.in_file(tx, path, "python") != [] for path in (*inside, *outside)}
    assert holds == {path: path in inside for path in (*inside, *outside)}


@pytest.mark.parametrize(
    "scope",
    ['{"files":"src/**"}', '{"files":["!"]}', '{"exclude":[1]}', "[]", "no JSON", '{"files":["' + "{a,b}" * 12 + '"]}'],
)
def test_a_scope_that_cannot_be_read_is_refused(tx: apsw.Connection, scope: str) -> None:
    with pytest.raises(DriftError, match="The scope of the constraint 'r-1' cannot be read"):
        constraints.put(tx, [RULE._replace(scope=scope)])
    with pytest.raises(DriftError, match="The scope of the constraint 'r-1' cannot be read"):
        constraints.state(tx, RULE._replace(scope=scope), by="ada")


def test_a_file_is_held_to_rules_of_its_language_that_nobody_set_aside(tx: apsw.Connection) -> None:
    constraints.put(tx, [RULE, RULE._replace(id="r-2", language="python"), RULE._replace(id="r-3", language="java")])
    constraints.judge(tx, "r-1", "ignored", by="ada")
    assert [one.id for one in constraints.in_file(tx, "a.py", "python")] == ["r-2"]
    assert constraints.in_file(tx, "a.txt", None) == []
