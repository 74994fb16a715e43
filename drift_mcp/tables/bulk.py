"""Loading many rows into empty tables.

Never used on a store that readers already ask: without its indexes every question reads whole tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import apsw

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
