"""The statements that the floors of `store` run: what a programmer would write down who knows this schema."""

from __future__ import annotations

from typing import Final

import apsw

from drift_mcp.tables import conventions

# Table and columns as a program inserts them, in the order of the key; the others have their defaults.
SETS: Final = {
    "patterns": (
        "patterns",
        "id, name, description, category, subcategory, convention, dominant_variant, confidence_score, "
        "confidence_frequency, confidence_consistency, confidence_spread, detector_type, severity, tags, hash, "
        "confidence_level, source",
        "key",
    ),
    # Whoever has all the places in memory counts them before they are written.
    "counted_patterns": (
        "patterns",
        "id, name, description, category, subcategory, convention, dominant_variant, confidence_score, "
        "confidence_frequency, confidence_consistency, confidence_spread, detector_type, severity, tags, hash, "
        "confidence_level, source, location_count, outlier_count",
        "key",
    ),
    "pattern_history": ("pattern_history", "pattern_id, action, new_status", "id"),
    "pattern_locations": (
        "pattern_locations",
        "pattern_key, file_id, line, column_num, end_line, end_column, variant, is_outlier, outlier_reason, "
        "deviation_score, confidence, snippet",
        "pattern_key, file_id, line, column_num",
    ),
    "functions": (
        "functions",
        "id, file_id, parent_id, qualified_name, ordinal, name, kind, start_line, end_line, column_num, language, "
        "signature, parameters, decorators, return_type, visibility, complexity, is_exported, is_constructor, "
        "is_async, is_test, is_property",
        "id",
    ),
    "function_calls": (
        "function_calls",
        "caller_id, line, column_num, candidate, callee_id, callee_symbol, resolution, argument_count, reason",
        "caller_id, line, column_num, candidate",
    ),
    "data_access_points": (
        "data_access_points",
        "file_id, function_id, line, column_num, table_name, operation, fields, whole_row, is_raw_sql, confidence, "
        "context, framework",
        "id",
    ),
    "function_data_access": (
        "function_data_access",
        "function_id, table_name, field_name, operation, line, confidence, whole_row",
        "id",
    ),
}

ORDER: Final = "ORDER BY p.confidence_score DESC, p.location_count DESC, p.id DESC"
ALL: Final = f"SELECT {conventions.COLUMNS} FROM patterns p {ORDER}"
ONE: Final = f"SELECT {conventions.COLUMNS} FROM patterns p WHERE p.id = ?"
IN_FILE: Final = f"""
SELECT {conventions.COLUMNS}
FROM patterns p
WHERE p.key IN (
    SELECT l.pattern_key FROM file_metadata m JOIN pattern_locations l ON l.file_id = m.id WHERE m.path = ?
)
{ORDER}
"""
FUNCTIONS: Final = """
SELECT f.id, m.path || '::' || f.qualified_name || CASE f.ordinal WHEN 0 THEN '' ELSE '#' || f.ordinal END,
    f.qualified_name, f.name, f.kind, m.path, f.start_line, f.end_line, f.signature, f.parent_id, f.is_test
FROM functions f
JOIN file_metadata m ON m.id = f.file_id
WHERE m.path = ?
ORDER BY f.start_line, f.column_num
"""
CALLERS: Final = """
SELECT c.caller_id, c.callee_id, s.name, c.line, c.column_num, r.name, r.confidence, r.proven, c.reason
FROM function_calls c
JOIN symbols s ON s.id = c.callee_symbol
JOIN resolutions r ON r.id = c.resolution
WHERE c.callee_id = ?
"""
SEARCH: Final = f"""
SELECT {conventions.COLUMNS}
FROM patterns p
WHERE p.category = ?
    AND p.status = 'discovered'
    AND p.severity = ?
    AND p.confidence_score >= ?
    AND p.key IN (SELECT rowid FROM patterns_fts WHERE patterns_fts MATCH ?)
{ORDER}
LIMIT 51
"""
STATUS: Final = "SELECT generation, refreshed_at, body FROM status WHERE id = 1"

CALLED_MOST: Final = """
SELECT c.callee_id
FROM function_calls c
WHERE c.callee_id IS NOT NULL
GROUP BY c.callee_id
ORDER BY count(*) DESC
LIMIT 1000
"""
CALLERS_OF_ONE: Final = """
SELECT c.caller_id
FROM function_calls c
JOIN resolutions r ON r.id = c.resolution
WHERE c.callee_id = ? AND r.proven
"""
LEVEL: Final = """
SELECT DISTINCT c.caller_id
FROM carray(?) f
CROSS JOIN function_calls c ON c.callee_id = f.value
JOIN resolutions r ON r.id = c.resolution
WHERE r.proven
"""

LOG: Final = "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'log\\_%' ESCAPE '\\'"

# Every page of the tables that hold most, without an index in between.
WHOLE_TABLES: Final = (
    "SELECT sum(line), count(reason) FROM function_calls",
    "SELECT sum(length(signature)), sum(complexity) FROM functions NOT INDEXED",
    "SELECT sum(line), count(variant) FROM pattern_locations",
    "SELECT sum(length(description)) FROM patterns NOT INDEXED",
    "SELECT sum(length(context)) FROM data_access_points NOT INDEXED",
)

_FILL: Final = """
INSERT INTO file_facts (file_id, extractor, facts)
SELECT id, 'benchmark', randomblob(:size)
FROM file_metadata
"""


def fill(tx: apsw.Connection, size: int) -> None:
    """Facts of all files, as many bytes together."""
    number = tx.execute("SELECT count(*) FROM file_metadata").get
    tx.execute(_FILL, {"size": max(1, size // number)})
