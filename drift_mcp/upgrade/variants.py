"""Exceptions that a person granted: here, something else than the pattern is right."""

from __future__ import annotations

from collections.abc import Iterator

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, rows, without_root
from drift_mcp.upgrade.records import Record, Row, Unfit, Where, path


def records(document: Document) -> Iterator[Row]:
    """Every exception of the index."""
    root = document.root

    def variant(where: Where, told: Fields) -> Record:
        own = told.text("id")
        scope = told.take("scope")
        values = {
            "id": own,
            "pattern_id": told.take("patternId"),
            "name": told.text("name") or own,
            "scope": scope,
            # One that holds everywhere names no place; if it does, the name is carried along.
            "scope_value": None if scope == "global" else _place(told, root),
            "reason": told.text("reason") or told.text("description") or "",
            "locations": without_root(told.take("locations"), root),
            "active": told.take("active"),
            "created_at": told.take("createdAt"),
            "created_by": told.take("createdBy"),
            "expires_at": told.take("expiresAt"),
        }
        return Record("pattern_variants", values, where, told.rest())

    yield from rows("pattern_variants", root, listed(document, "variants"), variant)
    yield from beside(document, "variants")


def _place(told: Fields, root: str | None) -> str:
    """Raises Unfit when it names none inside the project."""
    value = told.take("scopeValue")
    if value is None:
        raise Unfit("it does not say in which file or folder it holds")
    if isinstance(value, str) and value.strip("./") == "":
        return "."
    return path(value, root)
