"""Architectural decisions, mined from the history of the repository.

First what writes, then what reads. One that a person confirmed or rejected keeps what it states, whatever is mined
later.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import apsw

from drift_mcp.tables import verdicts


class NewDecision(NamedTuple):
    id: str
    title: str
    description: str | None = None
    category: str | None = None
    confidence: float = 0.0
    commit_hash: str | None = None
    commit_date: str | None = None
    author: str | None = None
    files_affected: str | None = None  # JSON
    patterns_affected: str | None = None  # JSON
    discovered_at: str | None = None  # None: now


_PUT = """
INSERT INTO decisions (
    id, title, description, category, confidence, commit_hash, commit_date, author, files_affected, patterns_affected,
    discovered_at
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
ON CONFLICT (id) DO UPDATE SET
    title = excluded.title,
    description = excluded.description,
    category = excluded.category,
    confidence = excluded.confidence,
    commit_hash = excluded.commit_hash,
    commit_date = excluded.commit_date,
    author = excluded.author,
    files_affected = excluded.files_affected,
    patterns_affected = excluded.patterns_affected
WHERE status = 'discovered'
    AND (
        title, description, category, confidence, commit_hash, commit_date, author, files_affected, patterns_affected
    )
    IS NOT (
        excluded.title, excluded.description, excluded.category, excluded.confidence, excluded.commit_hash,
        excluded.commit_date, excluded.author, excluded.files_affected, excluded.patterns_affected
    )
"""


def put(tx: apsw.Connection, decisions: Iterable[NewDecision]) -> None:
    """Adds decisions, or says anew those that nobody spoke of."""
    tx.executemany(_PUT, decisions)


def replace_all(tx: apsw.Connection, decisions: Iterable[NewDecision]) -> None:
    """The decisions that the history tells of; the others are forgotten, unless a person spoke of them."""
    found = list(decisions)
    kept = {one.id for one in found}
    unsaid = tx.execute("SELECT id FROM decisions WHERE status = 'discovered'").fetchall()
    tx.executemany("DELETE FROM decisions WHERE id = ?", ((name,) for (name,) in unsaid if name not in kept))
    put(tx, found)


TRANSITIONS: Final = {
    "discovered": ("confirmed", "rejected"),
    "confirmed": ("rejected", "discovered"),
    "rejected": ("confirmed", "discovered"),
}

_JUDGE = """
UPDATE decisions
SET status = :status,
    confirmed_by = CASE :status WHEN 'confirmed' THEN :by END,
    confirmed_at = CASE :status WHEN 'confirmed' THEN ifnull(:at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) END
WHERE id = :id
    AND status <> :status
"""


def judge(tx: apsw.Connection, decision: str, status: str, *, by: str, at: str | None = None) -> str:
    """A person's word, 'confirmed' or 'rejected', or 'discovered' to take it back; `at`: when it was given, None for
    now. Gives what it was before; the same again changes nothing. Raises DriftError when there is no such decision, or
    no such way."""
    before = tx.execute("SELECT status FROM decisions WHERE id = ?", (decision,)).get
    verdicts.check("decision", decision, before, status, TRANSITIONS)
    tx.execute(_JUDGE, {"id": decision, "status": status, "by": by, "at": at})
    return str(before)


# ---------------------------------------------------------------------------------------------------------------------


class Decision(NamedTuple):
    id: str
    title: str
    description: str | None
    category: str | None
    status: str
    confidence: float
    commit_hash: str | None
    commit_date: str | None
    author: str | None
    files_affected: str | None
    patterns_affected: str | None
    discovered_at: str
    confirmed_at: str | None
    confirmed_by: str | None


_COLUMNS = """
SELECT
    id, title, description, category, status, confidence, commit_hash, commit_date, author, files_affected,
    patterns_affected, discovered_at, confirmed_at, confirmed_by
FROM decisions
"""

_ORDER = "ORDER BY commit_date DESC, id"

_IN_FILE = "WHERE ? IN (SELECT value FROM json_each(files_affected))"


def one(db: apsw.Connection, decision: str) -> Decision | None:
    row = db.execute(_COLUMNS + "WHERE id = ?", (decision,)).fetchone()
    return None if row is None else Decision(*row)


def in_file(db: apsw.Connection, path: str) -> list[Decision]:
    """Decisions that touched this file, the latest first."""
    return [Decision(*row) for row in db.execute(_COLUMNS + _IN_FILE + _ORDER, (path,))]


def every(db: apsw.Connection) -> list[Decision]:
    """The latest first."""
    return [Decision(*row) for row in db.execute(_COLUMNS + _ORDER)]
