"""Each public table takes a row with all its columns, takes it once, and gives it up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.project import Project
from drift_mcp.tables import adjacency, public
from drift_mcp.tables.public import Column
from tests.ingest.conftest import Shop, call, function

FILE = "src/a.rb"
# What the rows below point to.
PARENTS: list[dict[str, Any]] = [
    function(f"{FILE}::f", 1, 2),
    {"table": "data_models", "file": FILE, "name": "M", "table_name": "m", "line": 1},
    {"table": "constants", "file": FILE, "name": "C", "line": 1},
    {"table": "patterns", "id": "parent", "name": "P", "category": "api"},
    {"table": "contracts", "id": "parent", "method": "GET", "endpoint": "/p", "normalized_endpoint": "/p"},
    {"table": "dna_genes", "id": "parent", "name": "G"},
    {"table": "env_variables", "name": "parent"},
]
NAMED = {"data_models": f"{FILE}:M:1", "constants": f"{FILE}:C:1"}


def sample(column: Column) -> object:
    match column.form:
        case "integer":
            return max(3, int(column.least or 0))
        case "real":
            return 0.5
        case "choice":
            return column.choices[0]
        case "flag":
            return True
        case "json":
            return {"list": [{"a": 1}], "texts": ["a"], "object": {"a": "b"}, "any": ["x"]}[column.shape]
        case "time":
            return "2026-01-31T12:00:00.000Z"
        case "day":
            return "2026-01-31"
        case "hash":
            return "0123456789abcdef" * 2
        case "function":
            return f"{FILE}::f"
        case "file" | "path":
            return FILE
        case "folder":
            return "src"
        case "place":
            return NAMED[column.refers or ""]
        case "reference":
            return "parent"
    return f"some {column.name}"


def whole_row(name: str) -> dict[str, Any]:
    plan = public.plans()[name]
    row = {column.name: sample(column) for column in plan.columns if column.name not in plan.table.follows}
    if name == "functions":
        row |= {"qualified_name": "g", "ordinal": 0}
    if name == "function_calls":
        row["resolution"] = "scanner"
        del row["reason"]
    if name == "pattern_suppressions":
        row |= {"scope": "line", "is_active": False}  # its time is over, which a recount would see
    return {"table": name} | {column: value for column, value in row.items() if column not in plan.table.spoken}


@pytest.mark.parametrize("name", public.plans())
def test_a_row_with_all_columns_is_taken_once(shop: Shop, name: str) -> None:
    shop.write({FILE: "x\n"})
    shop.take(*PARENTS)
    row = whole_row(name)
    done = shop.take(row)
    [change] = [each for each in done.tables if each.table == name]
    assert (change.given, change.removed) == (1, 0)
    assert change.added + change.changed == 1
    before = shop.asked(f"SELECT * FROM {name}")
    again = shop.take(row)
    assert [each[1:] for each in again.tables if each.table == name] == [(1, 0, 0, 0)]
    assert len(shop.asked(f"SELECT * FROM {name}")) == len(before)
    with Project(shop.root) as project, project.read() as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    # An input that is complete for the table, and does not tell of the row. A person's own rows stay.
    gone = shop.take(*PARENTS, complete=[name], files=None)
    stays = name in ("pattern_variants", "file_metadata")
    assert sum(each.removed for each in gone.tables if each.table == name) == (0 if stays else 1)


# -- any inputs, one after another, beside a model of what they say

FILES = ("a.rb", "b.rb")
NAMES = ("f", "g", "f#1")
IDS = [f"{path}::{name}" for path in FILES for name in NAMES]

Told = tuple[dict[str, int], dict[tuple[str, int], tuple[str, ...]], bool, tuple[str, ...] | None]


@st.composite
def inputs(draw: st.DrawFn) -> list[Told]:
    """One to five inputs: functions with their first lines, calls by caller and line with their callees, whether the
    input is complete, and for which files. Whatever calls name is there, and each place in a file is told of once."""
    there: set[str] = set()
    told: list[Told] = []
    for _ in range(draw(st.integers(1, 5))):
        functions = draw(st.dictionaries(st.sampled_from(IDS), st.integers(1, 3), max_size=4))
        files = draw(st.none() | st.lists(st.sampled_from(FILES), min_size=1, unique=True).map(tuple))
        complete = draw(st.booleans())
        if complete:
            there -= {each for each in there if each.partition("::")[0] in (files or FILES)}
        there |= functions.keys()
        calls: dict[tuple[str, int], tuple[str, ...]] = {}
        if there:
            callers = st.tuples(st.sampled_from(sorted(there)), st.integers(1, 2))
            places = st.lists(callers, max_size=4, unique_by=lambda site: (site[0].partition("::")[0], site[1]))
            callees = st.lists(st.sampled_from([*sorted(there), "puts"]), min_size=1, max_size=2, unique=True)
            calls = {site: tuple(draw(callees)) for site in draw(places)}
        if functions or calls:
            told.append((functions, calls, complete, files))
    return told


class Model:
    def __init__(self) -> None:
        self.functions: dict[str, int] = {}
        self.sites: dict[tuple[str, int], tuple[str, ...]] = {}  # caller, line → callees

    def take(self, told: Told) -> None:
        functions, calls, complete, files = told
        concerned = files or FILES
        if complete:
            gone = {each for each in self.functions if each.partition("::")[0] in concerned} - functions.keys()
            self.functions = {each: line for each, line in self.functions.items() if each not in gone}
            self.sites = {
                site: tuple("?" if callee in gone else callee for callee in callees)
                for site, callees in self.sites.items()
                if site[0] not in gone and site[0].partition("::")[0] not in concerned
            }
        self.functions |= functions
        # A site is a place in a file.
        places = {(caller.partition("::")[0], line) for caller, line in calls}
        self.sites = {
            (caller, line): callees
            for (caller, line), callees in self.sites.items()
            if (caller.partition("::")[0], line) not in places
        } | calls


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=inputs())
def test_any_inputs_one_after_another_say_what_a_model_says(
    told: list[Told], tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop = Shop(tmp_path_factory.mktemp("any") / "shop")
    model = Model()
    for each in told:
        functions, calls, complete, files = each
        shop.take(
            *(call(caller, callee, line, 0) for (caller, line), callees in calls.items() for callee in callees),
            *(function(public_id, line, 9) for public_id, line in functions.items()),
            complete=["functions", "calls"] if complete else [],
            files=None if files is None else list(files),
        )
        model.take(each)
        assert dict(shop.asked("SELECT id, start_line FROM v_functions")) == model.functions
        query = "SELECT caller_id, line, candidate, ifnull(callee_id, iif(resolution = 'unresolved', '?', callee_name))"
        found: dict[tuple[str, int], list[str]] = {}
        for caller, line, _, callee in sorted(shop.asked(f"{query} FROM v_function_calls")):
            found.setdefault((caller, line), []).append(callee)
        assert {site: tuple(callees) for site, callees in found.items()} == model.sites
        with Project(shop.root) as project, project.read() as db:
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
            assert adjacency.is_true(db)
