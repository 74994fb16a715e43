"""What other scanners may write is the schema, column by column."""

from __future__ import annotations

import apsw
import pytest

from drift_mcp.store import schema
from drift_mcp.tables import foreign, public

SCHEMA = schema.read("drift", 0)


@pytest.fixture(scope="module")
def made() -> apsw.Connection:
    db = apsw.Connection(":memory:")
    for _ in db.execute(SCHEMA.tables):
        pass
    return db


def test_every_table_is_for_all_scanners_or_our_own(made: apsw.Connection) -> None:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'patterns_fts%'"
    tables = [row[0] for row in made.execute(query)]
    assert sorted(tables) == sorted([*(table.name for table in public.TABLES), *public.OWN])


def test_every_column_of_a_public_table_is_given_or_follows(made: apsw.Connection) -> None:
    for name, plan in public.plans().items():
        columns = {row[0] for row in made.execute("SELECT name FROM pragma_table_info(?)", (name,))}
        told = {column.name for column in plan.columns}
        assert columns == told | plan.table.follows.keys() | ({plan.number} if plan.number else set()), name
        assert {*plan.table.key, *plan.table.names.values(), *plan.table.frozen} <= told, name
        assert plan.table.home is None or plan.table.home in told, name


def test_what_is_pointed_to_comes_first(made: apsw.Connection) -> None:
    order = list(public.plans())
    for name, plan in public.plans().items():
        for column in plan.columns:
            if column.refers in order:
                assert order.index(column.refers) <= order.index(name), (name, column.name)


# (column, what the schema says of it)
READ = {
    "functions.start_line": ("integer", 1, 2**31 - 1),
    "functions.complexity": ("integer", 1, 2**31 - 1),
    "file_metadata.size": ("integer", 0, 2**63 - 1),
    "file_metadata.mtime_nanos": ("integer", 0, 999_999_999),
    "file_metadata.content_hash": ("hash", None, None),
    "data_models.confidence": ("real", 0.0, 1.0),
    "patterns.first_seen": ("time", None, None),
    "functions.parameters": ("json", None, None),
    "functions.is_async": ("flag", None, None),
    "functions.parent_id": ("function", None, None),
    "imports.resolved_file_id": ("file", None, None),
    "function_calls.callee_symbol": ("symbol", None, None),
    "data_fields.model_id": ("place", None, None),
    "dna_mutations.gene_id": ("reference", None, None),
    "packages.path": ("folder", None, None),
    "dna_profile.health_score": ("integer", 0, 100),
}


@pytest.mark.parametrize("name", READ)
def test_a_column_takes_what_the_schema_says(name: str) -> None:
    table, _, column = name.partition(".")
    plan = public.plans()[table]
    found = plan.columns[plan.at(column)]
    assert (found.form, found.least, found.most) == READ[name]


def test_the_words_of_a_column_are_the_schemas() -> None:
    plans = public.plans()
    kinds = plans["functions"].columns[plans["functions"].at("kind")]
    assert kinds.choices == ("module", "class", "function", "method", "lambda")
    ways = plans["function_calls"].columns[plans["function_calls"].at("resolution")]
    assert {"scanner", "scip", "unresolved", "external"} <= set(ways.choices)


def test_every_statement_fits_the_schema(made: apsw.Connection) -> None:
    for plan in public.plans().values():
        assert foreign.stored(made, plan, None) == []
        if plan.table.home is not None:
            assert foreign.stored(made, plan, [1]) == []
        assert foreign.next_number(made, plan) == 1
        foreign.insert(made, plan, ())
        foreign.update(made, plan, ())
        foreign.delete(made, plan, ())


def test_words_for_tables() -> None:
    assert [public.named(word) for word in ("calls", "function_calls", "files", "symbols", "x")] == [
        "function_calls",
        "function_calls",
        "file_metadata",
        None,
        None,
    ]
