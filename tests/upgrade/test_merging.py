"""Rows that were told of more than once, and what a row holds that stands for all of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.loading import plans
from drift_mcp.upgrade.merging import Rows, Told
from drift_mcp.upgrade.records import Note, Record, Refused, Repeated, Where

ID = "a" * 16
A, B = Where("a.json", "patterns[0]"), Where("b.json", "patterns[0]")


def pattern(where: Where = A, carried: dict[str, Any] | None = None, **values: Any) -> Record:
    return Record("patterns", {"id": ID, "name": "Routes", "category": "api", **values}, where, carried or {})


def merged(*rows: Record) -> tuple[dict[str, Any], Told, Account]:
    """Column → value of the one row that comes of them, where something is said."""
    account = Account()
    taken = Rows(plans(), account)
    for each in rows:
        taken.take(each)
    plan = plans()[rows[0].table]
    (told,) = taken.of[rows[0].table].values()
    names = [column.name for column in plan.columns]
    return {name: value for name, value in zip(names, told.values, strict=True) if value is not None}, told, account


def test_the_richer_telling_wins_and_the_other_fills_in() -> None:
    poor = pattern(A, {"old": 1, "both": "poor"}, description="poor", subcategory="routes")
    rich = pattern(B, {"both": "rich"}, description="rich", severity="error", confidence_score=0.9, detector_type="ast")
    for rows in ((poor, rich), (rich, poor)):
        values, told, account = merged(*rows)
        assert (values["description"], values["subcategory"], values["severity"]) == ("rich", "routes", "error")
        assert told.carried == {"old": "1", "both": '"rich"'}
        assert told.where == B
        account.moved("patterns")
        assert [tuple(line) for line in account.lines()] == [("patterns", 2, 1, {"told in several files": 1}, 0)]


def test_where_both_say_as_much_the_later_one_wins() -> None:
    early = pattern(A, description="early", last_seen="2026-01-01T00:00:00Z")
    late = pattern(B, description="late", last_seen="2026-01-02T00:00:00Z")
    assert merged(early, late)[0]["description"] == merged(late, early)[0]["description"] == "late"


def test_what_is_told_in_passing_never_wins_over_what_is_told_for_its_own_sake() -> None:
    passing = pattern(B, {"more": 1}, severity="error", confidence_score=0.9, subcategory="routes")
    values = merged(pattern(confidence_score=0.2), passing._replace(is_in_passing=True))[0]
    assert (values["confidence_score"], values["severity"]) == (0.2, "error")


APPROVED = {"status": "approved", "approved_at": "2026-01-15T00:00:00Z", "approved_by": "ada"}


@pytest.mark.parametrize(
    ("one", "other", "stands"),
    [
        # A person's word beats what was only found, however much was found.
        (
            {**APPROVED},
            {"status": "discovered", "severity": "error", "confidence_score": 0.9, "description": "x", "tags": []},
            ("approved", "2026-01-15T00:00:00.000Z", "ada"),
        ),
        # The later one of two, and nothing of the other.
        (
            {**APPROVED, "last_seen": "2026-01-15T00:00:00Z"},
            {"status": "ignored", "last_seen": "2026-01-16T00:00:00Z"},
            ("ignored", None, None),
        ),
        # Where both say the same, each adds what it knows.
        ({"status": "approved"}, {**APPROVED}, ("approved", "2026-01-15T00:00:00.000Z", "ada")),
    ],
)
def test_a_verdict_is_that_of_one_telling(one: dict[str, Any], other: dict[str, Any], stands: Any) -> None:
    for rows in (
        (pattern(A, None, **one), pattern(B, None, **other)),
        (pattern(B, None, **other), pattern(A, None, **one)),
    ):
        values = merged(*rows)[0]
        assert tuple(values.get(name) for name in ("status", "approved_at", "approved_by")) == stands


def test_an_odd_value_costs_its_field_unless_there_is_no_row_without_it() -> None:
    values, told, account = merged(pattern(severity="critical", tags={1: float("nan")}))
    assert "severity" not in values
    assert told.carried == {"severity": '"critical"'}
    assert account.notes == [
        "patterns: a.json, patterns[0]: severity is 'critical', not one of error, warning, info, hint. Kept in "
        "carried_fields, like each severity that does not fit."
    ]
    account = Account()
    Rows(plans(), account).take(pattern(category="plc"))
    assert [each.reason.split(",")[0] for each in account.refusals] == ["category is 'plc'"]


def test_what_a_converter_says_is_counted() -> None:
    account = Account()
    rows = Rows(plans(), account)
    for each in (
        Refused("patterns", A, "no id."),
        Repeated("patterns", A, "again"),
        Note("one thing"),
        Note("one thing"),
        pattern(),
    ):
        rows.take(each)
    account.moved("patterns")
    assert account.missing() == []
    assert account.notes == ["one thing"]
    assert rows.undecided("patterns") == {ID}


@given(
    st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "status": st.sampled_from(["discovered", "approved", "ignored"]),
                "severity": st.sampled_from(["error", "critical"]),
                "confidence_score": st.floats(),
                "last_seen": st.sampled_from(["2026-01-01", "2026-01-02", "soon"]),
            },
        ),
        min_size=1,
        max_size=4,
    )
)
def test_no_telling_is_lost_whatever_their_order(told: list[dict[str, Any]]) -> None:
    values, _, account = merged(*(pattern(A, None, **each) for each in told))
    account.moved("patterns")
    assert account.missing() == []
    statuses = {each["status"] for each in told if "status" in each} - {"discovered"}
    assert values.get("status", "discovered") in (statuses or {"discovered"})
