"""Many rows at once: all of them, in their order, as one by one."""

from __future__ import annotations

import apsw
import pytest

from drift_mcp.tables import bulk

_ROW = "INSERT INTO things (name, number) VALUES (?, ?)"
_KEEP = _ROW + " ON CONFLICT (name) DO UPDATE SET number = number + excluded.number"


@pytest.fixture
def tx() -> apsw.Connection:
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT UNIQUE, number INTEGER CHECK (number >= 0))")
    db.execute("BEGIN")
    return db


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1_000, 1_234])
def test_every_row_is_inserted_once_and_in_order(tx: apsw.Connection, count: int) -> None:
    bulk.insert(tx, _ROW, ((f"n{number}", number) for number in range(count)))
    found = tx.execute("SELECT name, number FROM things ORDER BY id").fetchall()
    assert found == [(f"n{number}", number) for number in range(count)]


def test_what_follows_the_values_holds_for_each_row(tx: apsw.Connection) -> None:
    bulk.insert(tx, _KEEP, ((f"n{number % 7}", 1) for number in range(1_500)))
    found = dict(tx.execute("SELECT name, number FROM things"))
    assert found == {f"n{number}": len(range(number, 1_500, 7)) for number in range(7)}


def test_a_value_may_be_an_expression(tx: apsw.Connection) -> None:
    statement = "INSERT INTO things (name, number)\nVALUES (\n    ?, ifnull(?, length('four'))\n)\n"
    bulk.insert(tx, statement, ((f"n{number}", number if number % 2 else None) for number in range(1_001)))
    found = tx.execute("SELECT name, number FROM things ORDER BY id").fetchall()
    assert found == [(f"n{number}", number if number % 2 else 4) for number in range(1_001)]


def test_a_row_that_breaks_a_rule_is_refused(tx: apsw.Connection) -> None:
    with pytest.raises(apsw.ConstraintError):
        bulk.insert(tx, _ROW, ((f"n{number}", -1 if number == 700 else number) for number in range(1_000)))


def test_only_a_statement_for_one_row_of_values_will_do(tx: apsw.Connection) -> None:
    with pytest.raises(AssertionError):
        bulk.insert(tx, "INSERT INTO things (name, number) VALUES (?, ?) RETURNING id", [("a", 1)])
    with pytest.raises(AssertionError):
        bulk.insert(tx, "INSERT INTO things (name, number) SELECT ?, ?", [("a", 1)])
    with pytest.raises(AssertionError):
        bulk.insert(tx, "INSERT INTO things (name, number) VALUES (?, ?), (?, ?)", [("a", 1, "b", 2)])
