"""Rows of any public table, as another scanner tells of them: one table at a time, whole rows by column.

The statements are made from `public.plans()`, whose words are the schema's own: forty tables written out would say the
same forty times, and a column that is new there is taken here without a line. No word of the input stands in one.

First what writes, then what reads. What a row means, and whether it may be written, whoever calls has decided.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, TypeAlias

import apsw

from drift_mcp.tables.arrays import integers
from drift_mcp.tables.public import Plan, Value

Values: TypeAlias = tuple[Value, ...]  # one per column of the plan


def insert(tx: apsw.Connection, plan: Plan, rows: Iterable[tuple[int, Values]]) -> None:
    """New rows, each with its number; where the table has none it is not written."""
    tx.executemany(_insertion(plan), _bound(plan, rows, None))


def update(tx: apsw.Connection, plan: Plan, rows: Iterable[tuple[int, Values]]) -> None:
    """Rows that are there, by their number, or by their primary key where the table has none."""
    primary = None if plan.number is not None else [plan.at(name) for name in plan.primary]
    tx.executemany(_change(plan), _bound(plan, rows, primary))


def delete(tx: apsw.Connection, plan: Plan, rows: Iterable[tuple[int, Values]]) -> None:
    """Rows that are there; what hangs on them goes along."""
    if plan.number is not None:
        tx.executemany(_removal(plan), ((number,) for number, _ in rows))
        return
    places = [plan.at(name) for name in plan.primary]
    tx.executemany(_removal(plan), (tuple(values[place] for place in places) for _, values in rows))


def _bound(plan: Plan, rows: Iterable[tuple[int, Values]], primary: list[int] | None) -> Iterator[Values]:
    if primary is not None:
        for _, values in rows:
            yield (*values, *(values[place] for place in primary))
    elif plan.number is None:
        for _, values in rows:
            yield values
    else:
        for number, values in rows:
            yield (*values, number)


@functools.cache
def _insertion(plan: Plan) -> str:
    names = [column.name for column in plan.columns] + ([plan.number] if plan.number is not None else [])
    columns = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {plan.table.name} ({columns}) VALUES ({', '.join('?' * len(names))})"


@functools.cache
def _change(plan: Plan) -> str:
    columns = ", ".join(f'"{column.name}" = ?' for column in plan.columns)
    return f"UPDATE {plan.table.name} SET {columns} WHERE {_by_primary(plan)}"


@functools.cache
def _removal(plan: Plan) -> str:
    return f"DELETE FROM {plan.table.name} WHERE {_by_primary(plan)}"


def _by_primary(plan: Plan) -> str:
    names = plan.primary if plan.number is None else (plan.number,)
    return " AND ".join(f'"{name}" = ?' for name in names)


_FIELDS_OF_MODELS: Final = """
UPDATE data_models AS m
SET fields = (
    SELECT json_group_array(d.column_name ORDER BY d.position)
    FROM data_fields d
    WHERE d.model_id = m.id
)
WHERE id IN (SELECT value FROM carray(?))
"""


def sum_up_fields(tx: apsw.Connection, models: Iterable[int]) -> None:
    """The list of columns that a model has, by its rows of data_fields."""
    tx.execute(_FIELDS_OF_MODELS, (integers(models),))


_HAPPENED: Final = """
INSERT INTO pattern_history (pattern_id, action, previous_status, new_status, changed_by)
VALUES (?, ?, ?, ?, ?)
"""


def remember(tx: apsw.Connection, events: Iterable[tuple[str, str, str | None, str | None, str]]) -> None:
    """(pattern, what happened, status before, status after, whose word) of patterns that another scanner told of."""
    tx.executemany(_HAPPENED, events)


_LEAVE: Final = "DELETE FROM function_calls WHERE caller_id = ? AND line = ? AND column_num = ?"


def leave_sites(tx: apsw.Connection, sites: Iterable[tuple[int, int, int]]) -> None:
    """Call sites (caller, line, column) with all their candidates."""
    tx.executemany(_LEAVE, sites)


# ---------------------------------------------------------------------------------------------------------------------


class Stored(NamedTuple):
    number: int  # 0 where rows have none
    file: int | None  # the file that the row belongs to
    values: Values


def stored(db: apsw.Connection, plan: Plan, files: Iterable[int] | None) -> list[Stored]:
    """The rows that belong to these files; None: all rows, also those that belong to no file."""
    if files is None:
        found = db.execute(_selection(plan, True))
    else:
        found = db.execute(_selection(plan, False), (integers(files),))
    return [Stored(row[0], row[1], row[2:]) for row in found]


# How the column that leads to a row's file does so.
_WAYS: Final = {
    "file_metadata": "t.{home}",
    "functions": "(SELECT h.file_id FROM functions h WHERE h.id = t.{home})",
    "data_models": "(SELECT h.file_id FROM data_models h WHERE h.id = t.{home})",
}
_WITHIN: Final = {
    "file_metadata": "t.{home} IN (SELECT value FROM carray(?))",
    "functions": "t.{home} IN (SELECT h.id FROM functions h WHERE h.file_id IN (SELECT value FROM carray(?)))",
    "data_models": "t.{home} IN (SELECT h.id FROM data_models h WHERE h.file_id IN (SELECT value FROM carray(?)))",
}


@functools.cache
def _selection(plan: Plan, everything: bool) -> str:
    columns = ", ".join(f't."{column.name}"' for column in plan.columns)
    home = plan.table.home
    way = "NULL" if home is None else _WAYS[plan.columns[plan.at(home)].refers or ""].format(home=home)
    text = f"SELECT {'0' if plan.number is None else 't.' + plan.number}, {way}, {columns} FROM {plan.table.name} t"
    if everything:
        return text
    assert home is not None, "rows that belong to no file are read all at once"
    return f"{text} WHERE " + _WITHIN[plan.columns[plan.at(home)].refers or ""].format(home=home)


def next_number(db: apsw.Connection, plan: Plan) -> int:
    """The number of the next row; 1 where rows have none."""
    if plan.number is None:
        return 1
    return int(db.execute(f"SELECT ifnull(max({plan.number}), 0) + 1 FROM {plan.table.name}").get)


_PLACES: Final = {
    "data_models": """
        SELECT f.path || ':' || t.name || ':' || t.line, min(t.id)
        FROM data_models t
        JOIN file_metadata f ON f.id = t.file_id
        GROUP BY 1
    """,
    "constants": """
        SELECT f.path || ':' || t.name || ':' || t.line, min(t.id)
        FROM constants t
        JOIN file_metadata f ON f.id = t.file_id
        GROUP BY 1
    """,
}


def places(db: apsw.Connection, table: str) -> dict[str, int]:
    """`path:name:line` → number, of all models or constants."""
    return dict(db.execute(_PLACES[table]))


_NAMED: Final = {
    "patterns": "SELECT id, key FROM patterns",
    "contracts": "SELECT id, 0 FROM contracts",
    "dna_genes": "SELECT id, 0 FROM dna_genes",
    "env_variables": "SELECT name, 0 FROM env_variables",
}


def named(db: apsw.Connection, table: str) -> dict[str, int]:
    """Public id → number, of all rows; 0 where rows have none."""
    return dict(db.execute(_NAMED[table]))


def sources(db: apsw.Connection) -> dict[Value, str | None]:
    """Pattern, by its public id and by its number → who told of it."""
    found: dict[Value, str | None] = {}
    for public_id, number, source in db.execute("SELECT id, key, source FROM patterns"):
        found[public_id] = found[number] = source
    return found
