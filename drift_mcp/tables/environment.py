"""Environment variables and where they are read. Defaults of secrets come here redacted, and only so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables.arrays import integers


class NewEnvAccess(NamedTuple):
    file_id: int
    function_id: int | None
    var_name: str
    sensitivity: str  # of the variable: 'secret', 'credential', 'config', 'unknown'
    method: str
    line: int
    column_num: int
    language: str | None
    has_default: int
    default_value: str | None  # redacted when is_redacted
    is_redacted: int
    is_required: int
    confidence: float = 1.0
    context: str | None = None


_VARIABLE = """
INSERT INTO env_variables (name, sensitivity)
VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET
    sensitivity = iif(sensitivity = 'unknown', excluded.sensitivity, sensitivity),
    source = iif(source = 'upgrade', 'scan', source)
WHERE (sensitivity = 'unknown' AND excluded.sensitivity <> 'unknown')
    OR source = 'upgrade'
"""

_ACCESS = """
INSERT INTO env_access_points (
    file_id, function_id, var_name, method, line, column_num, language, has_default, default_value, is_redacted,
    is_required, confidence, context
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

_SUM_UP = """
UPDATE env_variables AS v
SET has_default = a.has_default,
    is_required = a.is_required,
    default_value = a.default_value,
    is_redacted = a.is_redacted
FROM (
    SELECT
        var_name,
        max(has_default) AS has_default,
        max(is_required) AS is_required,
        min(default_value) AS default_value,
        max(is_redacted) AS is_redacted
    FROM env_access_points
    GROUP BY var_name
) a
WHERE a.var_name = v.name
    AND v.source = 'scan'
    AND (v.has_default, v.is_required, v.default_value, v.is_redacted)
        IS NOT (a.has_default, a.is_required, a.default_value, a.is_redacted)
"""


_FORGET = """
DELETE FROM env_variables
WHERE source = 'scan'
    AND name NOT IN (SELECT var_name FROM env_access_points)
"""


def replace(tx: apsw.Connection, file_ids: Iterable[int], accesses: Iterable[NewEnvAccess]) -> None:
    """All places in these files that read the environment, in place of those that were. Variables follow from them,
    save those of which another scanner told; what the predecessor told holds until a scan finds them too."""
    found = list(accesses)
    tx.execute("DELETE FROM env_access_points WHERE file_id IN (SELECT value FROM carray(?))", (integers(file_ids),))
    tx.executemany(_VARIABLE, ((access.var_name, access.sensitivity) for access in found))
    tx.executemany(_ACCESS, ((*access[:3], *access[4:]) for access in found))
    tx.execute(_FORGET)
    tx.execute(_SUM_UP)
