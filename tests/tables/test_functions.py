"""Who a function is, and what happens to it and its callers when its file changes."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from drift_mcp.tables import bulk, calls, entry_points, files, functions
from drift_mcp.tables.data import NewAccess, replace_accesses


def test_an_edit_above_a_function_keeps_its_id_and_the_calls_into_it(
    tx: apsw.Connection, village: Any, new_function: Any
) -> None:
    here = village.file("shop.py", "price", "tax")
    village.file("cart.py", "total")
    village.calls("total>price total>tax")
    before = village.ids["price"]

    moved = [new_function("shop", 1, 99, kind="module"), new_function("price", 52, 60, parent=0)]
    ids = functions.replace(tx, here, moved)

    assert ids[1] == before
    assert tx.execute("SELECT start_line FROM functions WHERE id = ?", (before,)).get == 52
    assert village.called("price") == ["total"]
    assert village.called("tax") == []  # it vanished: its callers have lost their target, and are still there
    assert tx.execute("SELECT count(*) FROM function_calls").get == 2


def test_a_survivor_does_not_go_with_the_parent_that_vanished(
    tx: apsw.Connection, village: Any, new_function: Any
) -> None:
    here = village.file("a.py", "Old", "Old.m")
    listed = [
        new_function("a", kind="module"),
        new_function("Old", kind="class", parent=0),
        new_function("Old.m", parent=1),
    ]
    _, _, method = functions.replace(tx, here, listed)
    without = [new_function("a", kind="module"), new_function("Old.m", parent=0)]
    assert functions.replace(tx, here, without)[1] == method
    assert tx.execute("SELECT group_concat(name) FROM functions WHERE kind <> 'module'").get == "m"


def test_equal_names_in_one_file_are_told_apart_by_their_ordinal(
    tx: apsw.Connection, village: Any, new_function: Any
) -> None:
    here = village.file("a.py")
    twice = [new_function("a", kind="module"), new_function("f", 2, 3), new_function("f", 5, 6, ordinal=1)]
    _, first, second = functions.replace(tx, here, twice)
    assert functions.public_ids(tx, [first, second]) == {first: "a.py::f", second: "a.py::f#1"}
    assert dict(tx.execute("SELECT id, key FROM v_functions WHERE name = 'f'")) == {
        "a.py::f": first,
        "a.py::f#1": second,
    }


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a.py::f", ("a.py", "f", 0)),
        ("pkg/a.py::C.m#2", ("pkg/a.py", "C.m", 2)),
        ("a.ts::#hidden", ("a.ts", "#hidden", 0)),  # a private method of JavaScript
        ("a.ts::C.#hidden#1", ("a.ts", "C.#hidden", 1)),
        ("a.py:12", None),
        ("f", None),
        ("::f", None),
        ("a.py::", None),
    ],
)
def test_public_ids_are_read_as_they_are_written(text: str, meant: tuple[str, str, int] | None) -> None:
    assert functions.parse_public_id(text) == meant
    if meant is not None:
        assert functions.public_id(*meant) == text


def test_loading_in_bulk_gives_what_loading_file_by_file_gives(
    tx: apsw.Connection, new_file: Any, new_function: Any
) -> None:
    ids = files.put(tx, [new_file("a.py"), new_file("b.py")])
    listed = {
        file_id: [new_function(path, kind="module"), new_function("f", parent=0), new_function("f.g", parent=1)]
        for path, file_id in ids.items()
    }
    indexes = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name"
    before = tx.execute(indexes).fetchall()
    assert bulk.is_empty(tx)
    with bulk.without_indexes(tx):
        assert len(tx.execute(indexes).fetchall()) < len(before)
        loaded = functions.load(tx, listed.items())
    assert tx.execute(indexes).fetchall() == before
    assert not bulk.is_empty(tx)

    rows = "SELECT * FROM functions ORDER BY id"
    at_once = tx.execute(rows).fetchall()
    tx.execute("DELETE FROM functions")
    one_by_one = {file_id: functions.replace(tx, file_id, those) for file_id, those in listed.items()}
    assert {file_id: list(those) for file_id, those in loaded.items()} == one_by_one
    assert tx.execute(rows).fetchall() == at_once


def test_roles_follow_from_what_is_known_of_a_function(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py", "route", "reads", "plain")
    marked = "SELECT name, is_entry_point, is_data_accessor FROM functions WHERE kind <> 'module' ORDER BY id"
    point = entry_points.NewEntryPoint(village.ids["route"], "route", "GET /", "GET", "/", "flask", 2)
    entry_points.replace(tx, [here], [point, point])
    access = NewAccess(here, village.ids["reads"], 3, 0, "users", "read", ("email",), 0, 0, 1.0, None, None)
    replace_accesses(tx, [here], [access])
    functions.mark_roles(tx)
    assert tx.execute(marked).fetchall() == [("route", 1, 0), ("reads", 0, 1), ("plain", 0, 0)]
    assert tx.execute("SELECT label, function_id FROM v_entry_points").fetchall() == [("GET /", "a.py::route")]

    entry_points.replace(tx, [here], [])
    replace_accesses(tx, [here], [])
    functions.mark_roles(tx)
    assert tx.execute(marked).fetchall() == [("route", 0, 0), ("reads", 0, 0), ("plain", 0, 0)]


def test_bases_and_subclasses(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py", "Model", "User", "Admin")
    model, user, admin = (village.ids[name] for name in ("Model", "User", "Admin"))
    rows = [(user, 0, "Model", model), (admin, 0, "User", user), (admin, 1, "abc.ABC", None)]
    functions.replace_bases(tx, [here], rows)
    assert functions.bases(tx, [admin]) == [(admin, "User", user), (admin, "abc.ABC", None)]
    assert functions.subclasses(tx, [model, user]) == [user, admin]
    functions.replace_bases(tx, [here], [])
    assert functions.bases(tx, [admin]) == []


def test_calls_of_a_file_are_replaced_and_those_of_others_stay(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py", "a", "b")
    village.file("c.py", "c")
    village.calls("a>b c>b a>>requests.get a!save b?c")
    assert calls.counts(tx) == calls.Counts(total=5, resolved=3, external=1, unresolved=1)
    calls.replace(tx, [here], [])
    assert village.called("b") == ["c"]
    assert calls.counts(tx) == calls.Counts(total=1, resolved=1, external=0, unresolved=0)
    assert calls.forget_unused_symbols(tx) == 3
    assert tx.execute("SELECT name FROM symbols").fetchall() == [("b",)]


def test_a_site_with_two_candidates_is_one_site(tx: apsw.Connection, village: Any) -> None:
    village.file("a.py", "a", "b", "c")
    (symbol,) = calls.symbols(tx, ["run"]).values()
    way = calls.resolutions(tx)["interface"]
    both = [
        calls.NewCall(village.ids["a"], 3, 1, n, village.ids[name], symbol, way, 2, None) for n, name in enumerate("bc")
    ]
    calls.load(tx, reversed(both))
    assert calls.counts(tx).total == 1
    assert tx.execute("SELECT callee, resolution, confidence FROM v_calls ORDER BY callee").fetchall() == [
        ("b", "interface", 0.7),
        ("c", "interface", 0.7),
    ]


def test_methods_by_name_leave_tests_out(tx: apsw.Connection, village: Any, new_file: Any, new_function: Any) -> None:
    village.file("a.py", "Cart.save", "save")
    (tested,) = files.put(tx, [new_file("test_a.py", is_test=1)]).values()
    functions.replace(tx, tested, [new_function("Fake.save")])
    assert functions.methods_named(tx, ["save", "load"]) == [("save", "a.py", "Cart.save", 0)]
    assert functions.methods_named(tx, []) == []
