"""Exceptions that a person granted: here, something else than the pattern is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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
            "scope_value": None if scope == "global" else place(told.take("scopeValue"), root),
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


def place(said: Any, root: str | None) -> str:
    """The file or folder in which an exception holds. Raises Unfit when none inside the project is named."""
    if said is None:
        raise Unfit("it does not say in which file or folder it holds")
    if isinstance(said, str) and said.strip("./") == "":
        return "."
    return path(said, root)
