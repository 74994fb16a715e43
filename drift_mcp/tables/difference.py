"""What has to be written so that a table says what was found, and no more than that.

A row that is there already is left alone: it keeps its id and what hangs on it. For tables whose rows have no name of
their own; the others say as much in one statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

import apsw

Row = TypeVar("Row", bound=tuple[Any, ...])


class Difference(NamedTuple, Generic[Row]):
    new: list[Row]
    changed: list[tuple[int, Row]]  # id of the row that is to say this
    gone: list[int]  # ids


def between(before: Iterable[tuple[int, Row]], after: Iterable[Row], key: Callable[[Row], Hashable]) -> Difference[Row]:
    """From the rows that are there, with their ids, to those that are to be there. Rows of the same `key` are the same
    thing said anew; where several have the same, equal rows find each other first, the others in their order."""
    there: defaultdict[Row, list[int]] = defaultdict(list)
    for number, row in before:
        there[row].append(number)
    unmatched = []
    for row in after:
        if there.get(row):
            there[row].pop(0)
        else:
            unmatched.append(row)

    left: defaultdict[Hashable, list[int]] = defaultdict(list)
    for row, numbers in there.items():
        left[key(row)] += numbers
    new, changed = [], []
    for row in unmatched:
        if left.get(key(row)):
            changed.append((left[key(row)].pop(0), row))
        else:
            new.append(row)
    return Difference(new, changed, [number for numbers in left.values() for number in numbers])


class Statements(NamedTuple):
    """How a table is written: a row's columns in the order of its type; for `update` and `delete` its id comes last."""

    insert: str
    update: str
    delete: str


def add(tx: apsw.Connection, statements: Statements, difference: Difference[Any]) -> None:
    """What is new and what is said anew; what is gone stays."""
    tx.executemany(statements.update, ((*row, number) for number, row in difference.changed))
    tx.executemany(statements.insert, difference.new)


def apply(tx: apsw.Connection, statements: Statements, difference: Difference[Any]) -> None:
    """All of it."""
    tx.executemany(statements.delete, ((number,) for number in difference.gone))
    add(tx, statements, difference)
