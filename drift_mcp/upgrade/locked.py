"""The predecessor's `drift.lock`: the patterns that were approved when it was written.

One that is found elsewhere, and that nobody judged, is approved by it, at the time at which it was locked; one that is
found nowhere is a pattern of which the lock is all that is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from drift_mcp.tables.patterns import confidence_level
from drift_mcp.upgrade import patterns
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, rows
from drift_mcp.upgrade.records import SOURCE, Record, Row, Unfit, Where


def records(document: Document) -> Iterator[Row]:
    """Every pattern of the lock."""
    generated_at = document.data.get("generatedAt")

    def locked(where: Where, told: Fields) -> Record:
        own = told.text("id")
        if own is None:
            raise Unfit("it has no id")
        locked_at, score, word = told.take("lockedAt"), told.take("confidenceScore"), told.take("category")
        at = generated_at if locked_at is None else locked_at
        about, is_known = patterns.category(word)
        values = {
            "id": own,
            "name": told.text("name") or own,
            "category": about,
            "status": "approved",
            "approved_at": at,
            "confidence_score": score,
            "confidence_level": confidence_level(score) if type(score) in (int, float) and 0 <= score <= 1 else None,
            "severity": told.take("severity"),
            "first_seen": at,
            "last_seen": at,
            "source": SOURCE,
        }
        carried = {f"lock.{name}": value for name, value in told.rest().items()}
        carried |= {} if is_known else {"category": word}
        return Record("patterns", values, where, carried, is_in_passing=True)

    for row in rows("patterns", document.root, listed(document, "patterns"), locked):
        yield row
        if isinstance(row, Record) and "category" in row.carried:
            yield patterns.unknown_category(row.carried["category"])
    yield from beside(document, "patterns")
