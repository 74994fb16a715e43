"""Functions and files as an asker names them."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from drift_mcp.tables import files, functions, lookup, reach


@pytest.fixture
def town(tx: apsw.Connection, village: Any) -> apsw.Connection:
    village.file("shop/cart.py", "Cart", "Cart.total", "total", "_add_tax")
    village.file("shop/orders.py", "Order", "Order.total", "charge_card")
    return tx


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("Cart.total", ["Cart.total"]),
        ("total", ["total"]),  # the whole qualified name comes before the end of another
        ("Cart.total()", ["Cart.total"]),
        ("shop/orders.py::Order.total", ["Order.total"]),
        ("shop/orders.py::Cart.total", []),
        ("shop.orders.Order.total", ["Order.total"]),
        ("charge_card", ["charge_card"]),
        ("charge", []),
        ("charge%", []),
        ("", []),
    ],
)
def test_a_name_means_what_it_fits_best(town: apsw.Connection, asked: str, meant: list[str]) -> None:
    assert [one.qualified_name for one in lookup.named(town, asked)] == meant


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("lib/a.rb::A#go", ["A#go"]),
        ("A#go", ["A#go", "A#go"]),
        ("go", ["A#go", "A#go"]),
        ("lib/a.rb::A#go#1", ["A#go"]),
        ("lib/a.rb::A#1", []),
    ],
)
def test_a_name_with_a_hash_is_a_name(
    tx: apsw.Connection, new_file: Any, new_function: Any, asked: str, meant: list[str]
) -> None:
    (file_id,) = files.put(tx, [new_file("lib/a.rb", language="ruby")]).values()
    functions.replace(tx, file_id, [new_function("A#go")._replace(name="go", ordinal=number) for number in (0, 1)])
    assert [one.qualified_name for one in lookup.named(tx, asked)] == meant


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("total", ["total", "Cart.total", "Order.total"]),
        ("TOTAL", ["total", "Cart.total", "Order.total"]),
        ("cart", ["Cart", "Cart.total"]),
        ("add tax", ["_add_tax"]),
        ("charge_card", ["charge_card"]),
        ("chargeXcard", []),  # an underscore is an underscore, no wildcard
        ("%", []),
    ],
)
def test_a_search_finds_parts_of_names_whole_ones_first(town: apsw.Connection, asked: str, found: list[str]) -> None:
    names = [one.qualified_name for one in lookup.search(town, asked)]
    assert sorted(names) == sorted(found)
    assert names[:1] == found[:1]


def test_a_slip_is_answered_with_the_nearest_names(town: apsw.Connection) -> None:
    assert lookup.nearest_names(town, "chargecard", 3)[0] == "charge_card"
    assert lookup.nearest_names(town, "Cart.totl", 3)[0] == "total"
    assert lookup.nearest_names(town, "zzzzzz", 3) == []


def test_a_line_belongs_to_the_innermost_definition(tx: apsw.Connection, new_file: Any, new_function: Any) -> None:
    (file_id,) = files.put(tx, [new_file("a.py")]).values()
    listed = [
        new_function("a", 1, 30, kind="module"),
        new_function("C", 3, 20, kind="class", parent=0),
        new_function("C.m", 5, 9, parent=1),
    ]
    functions.replace(tx, file_id, listed)
    around = {line: one.qualified_name for line in (1, 3, 5, 9, 10, 25) if (one := lookup.around(tx, "a.py", line))}
    assert around == {1: "a", 3: "C", 5: "C.m", 9: "C.m", 10: "C", 25: "a"}
    assert lookup.around(tx, "b.py", 1) is None


def test_edges_are_proven_ones_and_unproven_sites_stand_apart(tx: apsw.Connection, village: Any) -> None:
    village.file("a.py", "a", "b", "c", "d")
    village.calls("a>b c?b d!b a>>lib.b")
    ids = village.ids
    assert list(reach.edges_into(tx, [ids["b"]])) == [(ids["b"], ids["a"], 1)]
    assert list(reach.edges_out_of(tx, [ids["a"], ids["c"], ids["d"]])) == [(ids["a"], ids["b"], 1)]
    apart = [(site.caller, site.resolution, site.proven) for site in reach.unproven(tx, [ids["b"]], "b")]
    assert apart == [(ids["c"], "unique", 0), (ids["d"], "unresolved", 0)]
    assert reach.unresolved_in(tx, [ids["a"], ids["d"]]) == 1
    assert reach.edges_into(tx, []) == []
