"""What patterns state, apart from how often the code keeps to it: the part of them that people agree on.

Only reads. A scan never changes what an approved pattern states; `patterns` holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables.arrays import texts


class Definition(NamedTuple):
    id: str
    category: str
    subcategory: str | None
    name: str
    description: str | None
    convention: str | None
    dominant_variant: str | None
    severity: str
    detector_type: str | None
    detector_config: str | None  # JSON
    tags: str | None  # JSON


_APPROVED = """
SELECT
    id, category, subcategory, name, description, convention, dominant_variant, severity, detector_type,
    detector_config, tags
FROM patterns
WHERE status = 'approved'
ORDER BY category, id
"""


def approved(db: apsw.Connection) -> list[Definition]:
    """By category, then id, both by their bytes."""
    return [Definition(*row) for row in db.execute(_APPROVED)]


class Standing(NamedTuple):
    status: str
    reason: str | None


_STANDING = "SELECT id, status, status_reason FROM patterns WHERE id IN (SELECT value FROM carray(?))"


def standing(db: apsw.Connection, ids: Iterable[str]) -> dict[str, Standing]:
    """How these patterns are judged; those that are gone are not among them."""
    return {row[0]: Standing(*row[1:]) for row in db.execute(_STANDING, (texts(ids),))}
