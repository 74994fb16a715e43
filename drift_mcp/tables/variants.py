"""Exceptions that a person granted: here, something else than the pattern is right.

First what writes, then what reads. No scan comes here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.errors import DriftError


class NewVariant(NamedTuple):
    id: str
    pattern_id: str
    name: str
    scope: str  # 'global', 'directory', 'file'
    reason: str
    scope_value: str | None = None  # the folder or file; None for 'global'
    locations: str | None = None  # JSON
    active: int = 1
    created_at: str | None = None  # None: now
    created_by: str | None = None
    expires_at: str | None = None  # None: never


_PUT = """
INSERT INTO pattern_variants (
    id, pattern_id, name, scope, reason, scope_value, locations, active, created_at, created_by, expires_at
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), ?, ?)
ON CONFLICT (id) DO UPDATE SET
    pattern_id = excluded.pattern_id,
    name = excluded.name,
    scope = excluded.scope,
    reason = excluded.reason,
    scope_value = excluded.scope_value,
    locations = excluded.locations,
    active = excluded.active,
    expires_at = excluded.expires_at
WHERE (pattern_id, name, scope, reason, scope_value, locations, active, expires_at)
    IS NOT (
        excluded.pattern_id, excluded.name, excluded.scope, excluded.reason, excluded.scope_value, excluded.locations,
        excluded.active, excluded.expires_at
    )
"""


def put(tx: apsw.Connection, variants: Iterable[NewVariant]) -> None:
    """Grants exceptions, or says anew what they are; who granted one, and when, stays. The patterns are there already.

    Raises DriftError when one does not say where it holds."""
    tx.executemany(_PUT, map(_placed, variants))


def _placed(variant: NewVariant) -> NewVariant:
    if (variant.scope == "global") == (variant.scope_value is None):
        return variant
    if variant.scope_value is None:
        raise DriftError(f"The variant {variant.id!r} holds in a {variant.scope}, and does not say in which one.")
    raise DriftError(f"The variant {variant.id!r} holds everywhere, and names {variant.scope_value!r} all the same.")


_END = "UPDATE pattern_variants SET active = 0 WHERE id = ? AND active = 1"


def end(tx: apsw.Connection, variant: str) -> bool:
    """Takes an exception back; it stays on record. Whether it was there and held."""
    tx.execute(_END, (variant,))
    return bool(tx.changes())


# ---------------------------------------------------------------------------------------------------------------------


class Variant(NamedTuple):
    id: str
    pattern_id: str
    name: str
    scope: str
    scope_value: str | None
    reason: str
    locations: str | None
    active: int
    created_at: str
    created_by: str | None
    expires_at: str | None


_COLUMNS = """
SELECT id, pattern_id, name, scope, scope_value, reason, locations, active, created_at, created_by, expires_at
FROM pattern_variants
"""

_ORDER = "ORDER BY pattern_id, created_at, id"

_HOLDING = """
WHERE active = 1
    AND (expires_at IS NULL OR expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    AND CASE scope
        WHEN 'global' THEN true
        WHEN 'file' THEN scope_value = :path
        ELSE scope_value IN ('', '.')
            OR substr(:path, 1, length(rtrim(scope_value, '/')) + 1) = rtrim(scope_value, '/') || '/'
    END
"""


def one(db: apsw.Connection, variant: str) -> Variant | None:
    row = db.execute(_COLUMNS + "WHERE id = ?", (variant,)).fetchone()
    return None if row is None else Variant(*row)


def of(db: apsw.Connection, pattern: str) -> list[Variant]:
    """All exceptions from this pattern, also those that hold no longer."""
    return [Variant(*row) for row in db.execute(_COLUMNS + "WHERE pattern_id = ?" + _ORDER, (pattern,))]


def holding(db: apsw.Connection, path: str) -> list[Variant]:
    """Exceptions that hold in this file now."""
    return [Variant(*row) for row in db.execute(_COLUMNS + _HOLDING + _ORDER, {"path": path})]


def every(db: apsw.Connection) -> list[Variant]:
    """Also those that hold no longer."""
    return [Variant(*row) for row in db.execute(_COLUMNS + _ORDER)]
