"""Loading many rows.

`insert` serves every table at any time. `without_indexes` is for empty tables, and never for a store that readers
already ask: without its indexes every question reads whole tables.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple

import apsw

# Values that one execution binds. Twice as many gain a twentieth more, and cost a statement of twice the length.
_VALUES_AT_ONCE: Final = 1_000

# A row in its brackets; a value of it may be an expression with brackets of its own, two deep.
_ONE_ROW: Final = re.compile(
    r"(?P<head>\s*INSERT\b.*?\bVALUES )(?P<row>\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))(?P<tail>(?!\s*,).*)", re.DOTALL
)


def insert(tx: apsw.Connection, statement: str, rows: Iterable[Sequence[object]]) -> None:
    """All rows, in their order, by a statement that inserts one: `INSERT … VALUES (?, …)` with a bare question mark for
    each value that is bound, and what may follow, but no RETURNING.

    Each execution inserts many: what SQLite sets up for one (cursors of the table, its indexes and all that it refers
    to, the lists that its constraints name, a savepoint, a flush of the full text) costs more than the row itself."""
    together = _together(statement)
    left = iter(rows)
    rest: list[Sequence[object]] = []

    def full() -> Iterator[tuple[object, ...]]:
        while len(chunk := list(itertools.islice(left, together.rows))) == together.rows:
            yield tuple(itertools.chain.from_iterable(chunk))
        rest.extend(chunk)

    tx.executemany(together.statement, full())
    tx.executemany(statement, rest)


class _Together(NamedTuple):
    statement: str
    rows: int


@functools.cache
def _together(statement: str) -> _Together:
    parts = _ONE_ROW.fullmatch(statement)
    assert parts is not None and "RETURNING" not in parts["tail"], f"not one row of values: {statement}"
    rows = max(1, _VALUES_AT_ONCE // parts["row"].count("?"))
    return _Together(parts["head"] + ", ".join([parts["row"]] * rows) + parts["tail"], rows)


# The tables that a first scan fills with tens of thousands of rows.
LARGE: Final = (
    "functions",
    "function_calls",
    "function_data_access",
    "data_access_points",
    "pattern_locations",
    "imports",
)

_INDEXES = """
SELECT name, sql
FROM sqlite_schema
WHERE type = 'index'
    AND sql IS NOT NULL
    AND tbl_name IN (SELECT value FROM carray(?))
ORDER BY name
"""


def is_empty(tx: apsw.Connection) -> bool:
    """Whether nothing was ever loaded, so that `without_indexes` pays."""
    return tx.execute("SELECT 1 FROM functions LIMIT 1").fetchone() is None


@contextmanager
def without_indexes(tx: apsw.Connection) -> Iterator[None]:
    """The secondary indexes of the large tables are made after the load instead of row by row: a quarter less work.

    Inside the caller's transaction: when the load fails, its rollback brings them back.
    """
    indexes = tx.execute(_INDEXES, (apsw.carray(LARGE),)).fetchall()
    for name, _ in indexes:
        tx.execute(f'DROP INDEX "{name}"')
    yield
    for _, sql in indexes:
        tx.execute(str(sql))
