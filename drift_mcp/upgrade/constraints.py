"""Rules that the code has to keep, with what a person decided about them.

A file holds the rules of one category and status; the status is the name of its folder. An old file may be a single
rule. Today's categories are the predecessor's ten; a rule of another is structural, with its own word carried along.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any, Final

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, rows
from drift_mcp.upgrade.records import Note, Record, Row, Where, compact, shown

_LISTS: Final = ("constraints", "items")  # the second: of a file that is a list
_STATUSES: Final = ("discovered", "approved", "ignored", "custom")
_CATEGORIES: Final = frozenset(
    ("api", "auth", "data", "error", "test", "security", "structural", "performance", "logging", "validation")
)
# Those of patterns that mean one of them. Styling, components and the like are matters of structure.
_MEANT: Final = {"errors": "error", "testing": "test", "data-access": "data"}


def records(document: Document) -> Iterator[Row]:
    """Every rule of a file."""
    is_one = "constraints" not in document.data and "invariant" in document.data
    folder = PurePosixPath(document.source.name)
    status = folder.parent.name if folder.parent.name in _STATUSES else document.data.get("status")
    category = document.data.get("category") or folder.stem

    def constraint(where: Where, told: Fields) -> Record:
        return _constraint(where, told, status, category)

    told = [(document.where(), document.data)] if is_one else listed(document, *_LISTS)
    for row in rows("constraints", document.root, told, constraint):
        yield row
        if isinstance(row, Record) and "category" in row.carried:
            yield Note(
                f"constraints: {row.where} is of the category {shown(row.carried['category'])}, which today's do not "
                f"have; it was filed under {row.values['category']}. Its own word is in carried_fields."
            )
    if not is_one:
        yield from beside(document, "status", "category", *_LISTS)


def _constraint(where: Where, told: Fields, by_file: Any, category_by_file: Any) -> Record:
    confidence, enforcement = told.within("confidence"), told.within("enforcement")
    metadata, invariant = told.within("metadata"), told.take("invariant")
    name, own, category = told.text("id"), told.take("status"), told.text("category") or category_by_file
    fix, notes, status = enforcement.take("autoFix"), metadata.text("notes"), by_file or own
    values = {
        "id": name,
        "name": told.text("name") or name,
        "description": told.take("description"),
        "category": category if str(category) in _CATEGORIES else _MEANT.get(str(category), "structural"),
        "status": status,
        "language": told.text("language"),
        # What says nothing checks nothing: the rule is kept for its words and for what was decided about it.
        "invariant": {} if invariant is None else invariant,
        "scope": told.take("scope"),
        "enforcement_level": enforcement.take("level"),
        "enforcement_message": enforcement.take("guidance"),
        "enforcement_autofix": fix if fix is None or isinstance(fix, str) else compact(fix),
        "confidence_score": confidence.take("score"),
        "confidence_evidence": confidence.take("evidence"),
        "confidence_violations": confidence.take("violations"),
        "created_at": metadata.take("createdAt"),
        "updated_at": metadata.take("updatedAt"),
        "approved_at": metadata.take("approvedAt"),
        "approved_by": metadata.take("approvedBy"),
        "ignored_at": metadata.take("ignoredAt"),
        # The predecessor wrote the reason for ignoring one in place of its notes.
        "ignore_reason": metadata.text("ignoreReason") or (notes if status == "ignored" else None),
        "tags": metadata.texts("tags"),
        "notes": notes,
    }
    carried = told.rest()
    if own not in (None, status):
        carried["status"] = own
    if category != values["category"]:
        carried["category"] = category
    return Record("constraints", values, where, carried)
