"""Declared tables, their fields, which of them are sensitive, and every place that touches them.

What writes. Which function reaches which data stands in `reach`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

import apsw

from drift_mcp.tables import bulk
from drift_mcp.tables.arrays import integers


class NewField(NamedTuple):
    field_name: str
    column_name: str
    type: str | None
    line: int


class NewModel(NamedTuple):
    name: str
    table_name: str
    file_id: int
    line: int
    framework: str | None
    confidence: float
    class_id: int | None
    fields: Sequence[NewField]


_MODEL = """
INSERT INTO data_models (name, table_name, file_id, line, framework, confidence, class_id, fields)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (file_id, name, line) DO NOTHING
RETURNING id
"""

_FIELD = "INSERT INTO data_fields (model_id, position, field_name, column_name, type, line) VALUES (?, ?, ?, ?, ?, ?)"


def replace_models(tx: apsw.Connection, file_ids: Iterable[int], models: Iterable[NewModel]) -> None:
    """All models that these files declare, with their fields, in place of those that were."""
    tx.execute("DELETE FROM data_models WHERE file_id IN (SELECT value FROM carray(?))", (integers(file_ids),))
    for model in models:
        columns = json.dumps([field.column_name for field in model.fields])
        added = tx.execute(_MODEL, (*model[:7], columns)).fetchone()
        if added is not None:
            tx.executemany(_FIELD, ((added[0], position, *field) for position, field in enumerate(model.fields)))


class NewSensitiveField(NamedTuple):
    table_name: str | None
    field_name: str
    sensitivity: str
    reason: str | None
    confidence: float
    file_id: int
    line: int | None


_SENSITIVE = """
INSERT INTO sensitive_fields (table_name, field_name, sensitivity, reason, confidence, file_id, line)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (ifnull(table_name, ''), field_name) DO UPDATE SET
    sensitivity = excluded.sensitivity,
    reason = excluded.reason,
    confidence = excluded.confidence,
    file_id = excluded.file_id,
    line = excluded.line
WHERE sensitive_fields.file_id IS NOT NULL
    AND excluded.confidence > sensitive_fields.confidence
"""


def replace_sensitive_fields(tx: apsw.Connection, fields: Iterable[NewSensitiveField]) -> None:
    """All sensitive fields that the code declares. Those without a place in the code, or in a file that no scan of ours
    reads, were named by a person or another scanner, and stay; of two that the code gives, the surer one stands."""
    tx.execute("DELETE FROM sensitive_fields WHERE file_id IN (SELECT id FROM file_metadata WHERE source = 'scan')")
    tx.executemany(_SENSITIVE, fields)


class NewAccess(NamedTuple):
    file_id: int
    function_id: int
    line: int
    column_num: int
    table_name: str
    operation: str
    fields: tuple[str, ...]  # columns that the code names
    whole_row: int
    is_raw_sql: int
    confidence: float
    context: str | None
    framework: str | None


_POINT = """
INSERT INTO data_access_points (
    file_id, function_id, line, column_num, table_name, operation, fields, whole_row, is_raw_sql, confidence, context,
    framework
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_ACCESS = """
INSERT INTO function_data_access (function_id, table_name, field_name, operation, line, whole_row, confidence)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""


def replace_accesses(tx: apsw.Connection, file_ids: Iterable[int], accesses: Iterable[NewAccess]) -> None:
    """All places in these files that touch data, in place of those that were: `data_access_points`, and by function
    and field `function_data_access`."""
    gone = list(file_ids)
    tx.execute("DELETE FROM data_access_points WHERE file_id IN (SELECT value FROM carray(?))", (integers(gone),))
    tx.execute(
        """
        DELETE FROM function_data_access
        WHERE function_id IN (SELECT id FROM functions WHERE file_id IN (SELECT value FROM carray(?)))
        """,
        (integers(gone),),
    )
    points = sorted(accesses, key=itemgetter(1, 2, 3, 4))  # by function, line, column and table
    # The same few fields again and again.
    as_json = {fields: json.dumps(fields) for fields in {point.fields for point in points}}
    bulk.insert(tx, _POINT, ((*point[:6], as_json[point.fields], *point[7:]) for point in points))
    bulk.insert(tx, _ACCESS, _by_field(points))


def _by_field(points: Iterable[NewAccess]) -> Iterator[tuple[int, str, str | None, str, int, int, float]]:
    # Several places on one line may touch the same field: one row, as sure as the surest of them.
    surest: dict[tuple[int, str, str | None, str, int, int], float] = {}
    for _, function, line, _, table, operation, fields, whole_row, _, confidence, _, _ in points:
        touched: list[tuple[int, str, str | None, str, int, int]] = [
            (function, table, field, operation, line, 0) for field in fields
        ]
        if whole_row or not fields:
            touched.append((function, table, None, operation, line, whole_row))
        for key in touched:
            if confidence > surest.get(key, -1.0):
                surest[key] = confidence
    return ((*key, confidence) for key, confidence in surest.items())


class Declared(NamedTuple):
    """A model with its fields, as a link needs it."""

    name: str
    table_name: str
    path: str
    line: int
    framework: str | None
    confidence: float
    fields: tuple[NewField, ...]


_DECLARED = """
SELECT
    m.id, m.name, m.table_name, f.path, m.line, m.framework, m.confidence,
    d.field_name, d.column_name, d.type, d.line
FROM data_models m
JOIN file_metadata f ON f.id = m.file_id
LEFT JOIN data_fields d ON d.model_id = m.id
ORDER BY m.id, d.position
"""


def declared(db: apsw.Connection) -> list[Declared]:
    """Every model of the project."""
    found: list[Declared] = []
    for _, rows in itertools.groupby(db.execute(_DECLARED), key=itemgetter(0)):
        listed = list(rows)
        fields = tuple(NewField(*row[7:]) for row in listed if row[7] is not None)
        _, name, table, path, line, framework, confidence, *_ = listed[0]
        found.append(Declared(name, table, path, line, framework, confidence, fields))
    return found


_HAVE_MODELS = "SELECT EXISTS (SELECT 1 FROM data_models WHERE file_id IN (SELECT value FROM carray(?)))"


def have_models(db: apsw.Connection, file_ids: Iterable[int]) -> bool:
    """Whether any of these files declares a table."""
    return bool(db.execute(_HAVE_MODELS, (integers(file_ids),)).get)
