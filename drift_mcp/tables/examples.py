"""Pieces of code that show a pattern well.

First what writes, then what reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw


class NewExample(NamedTuple):
    pattern_id: str
    file_id: int
    line: int
    end_line: int
    code: str
    context: str | None = None
    quality: float = 1.0
    is_outlier: int = 0
    extracted_at: str | None = None  # None: now


_PUT = """
INSERT INTO pattern_examples (
    pattern_id, file_id, line, end_line, code, context, quality, is_outlier, extracted_at
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
ON CONFLICT (pattern_id, file_id, line) DO UPDATE SET
    end_line = excluded.end_line,
    code = excluded.code,
    context = excluded.context,
    quality = excluded.quality,
    is_outlier = excluded.is_outlier,
    extracted_at = excluded.extracted_at
WHERE (end_line, code, context, quality, is_outlier)
    IS NOT (excluded.end_line, excluded.code, excluded.context, excluded.quality, excluded.is_outlier)
"""


def put(tx: apsw.Connection, examples: Iterable[NewExample]) -> None:
    """Adds examples, or says them anew. The patterns are there already."""
    tx.executemany(_PUT, examples)


_OF_SOURCE = """
SELECT e.id, e.pattern_id, e.file_id, e.line
FROM pattern_examples e
JOIN patterns p ON p.id = e.pattern_id
WHERE p.source IS ?
"""


def replace_all(tx: apsw.Connection, examples: Iterable[NewExample], source: str = "scan") -> None:
    """The examples of all patterns of this source, in place of those that were."""
    found = list(examples)
    kept = {one[:3] for one in found}
    gone = [number for number, *place in tx.execute(_OF_SOURCE, (source,)).fetchall() if tuple(place) not in kept]
    tx.executemany("DELETE FROM pattern_examples WHERE id = ?", ((number,) for number in gone))
    put(tx, found)


# ---------------------------------------------------------------------------------------------------------------------


class Example(NamedTuple):
    id: int
    pattern_id: str
    file: str
    line: int
    end_line: int
    code: str
    context: str | None
    quality: float
    is_outlier: int
    extracted_at: str


_COLUMNS = """
SELECT e.id, e.pattern_id, m.path, e.line, e.end_line, e.code, e.context, e.quality, e.is_outlier, e.extracted_at
FROM pattern_examples e
JOIN file_metadata m ON m.id = e.file_id
"""

_ORDER = "ORDER BY e.quality DESC, m.path, e.line, e.pattern_id"


def of(db: apsw.Connection, pattern: str) -> list[Example]:
    """The best ones first."""
    return [Example(*row) for row in db.execute(_COLUMNS + "WHERE e.pattern_id = ?" + _ORDER, (pattern,))]


def in_file(db: apsw.Connection, file_id: int) -> list[Example]:
    """The best ones first."""
    return [Example(*row) for row in db.execute(_COLUMNS + "WHERE e.file_id = ?" + _ORDER, (file_id,))]


def every(db: apsw.Connection) -> list[Example]:
    """The best ones first."""
    return [Example(*row) for row in db.execute(_COLUMNS + _ORDER)]
