"""What a server offers and what its clients expect: contracts with their frontends and mismatches.

A file holds the contracts of one status, which is the name of its folder; an old one may be a single contract. The
normalised path of a contract is that of its backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, one_each, rows, within
from drift_mcp.upgrade.records import Record, Refused, Row, Unfit, Where, shown

_STATUSES: Final = ("discovered", "verified", "mismatch", "ignored")
_LISTS: Final = ("contracts", "items")  # the second: of a file that is a list
SAME_LINE: Final = "another call of the same endpoint in the same line: one row, what differs is carried along"


def records(document: Document) -> Iterator[Row]:
    """Every contract of a file, each followed by its frontends."""
    is_one = "contracts" not in document.data and "method" in document.data
    told = [(document.where(), document.data)] if is_one else listed(document, *_LISTS)
    for where, each in told:
        if not isinstance(each, Mapping):
            yield Refused("contracts", where, f"{shown(each)} is no contract.")
            continue
        yield from rows("contracts", document.root, [(where, each)], _in(document))
        yield from one_each(_frontends(document, where, each), ("contract_id", "file_id", "line"), SAME_LINE)
    if not is_one:
        yield from beside(document, "status", *_LISTS)


def _in(document: Document) -> Callable[[Where, Fields], Record]:
    folder = PurePosixPath(document.source.name).parent.name
    by_file = folder if folder in _STATUSES else document.data.get("status")

    def contract(where: Where, told: Fields) -> Record:
        return _contract(where, told, by_file)

    return contract


def _contract(where: Where, told: Fields, by_file: Any) -> Record:
    backend, confidence, metadata = told.within("backend"), told.within("confidence"), told.within("metadata")
    method, own = told.text("method"), told.take("status")
    file, path, normalized = backend.path_if_any("file"), backend.text("path"), backend.text("normalizedPath")
    endpoint = told.text("endpoint") or path
    told.items("frontend")
    values = {
        "id": told.text("id"),
        "method": None if method is None else _METHODS.get(method.upper(), method.upper()),
        "endpoint": endpoint,
        "normalized_endpoint": normalized or endpoint,
        "status": by_file or own,
        "backend_method": backend.take("method"),
        "backend_path": path,
        "backend_normalized_path": normalized,
        "backend_file_id": file,
        "backend_line": backend.take("line"),
        "backend_framework": backend.take("framework"),
        "backend_response_fields": backend.items("responseFields"),
        "confidence_score": confidence.take("score"),
        "confidence_level": confidence.take("level"),
        "match_confidence": confidence.take("matchConfidence"),
        "field_extraction_confidence": confidence.take("fieldExtractionConfidence"),
        "mismatches": told.items("mismatches"),
        "first_seen": metadata.take("firstSeen"),
        "last_seen": metadata.take("lastSeen"),
        "verified_at": metadata.take("verifiedAt"),
        "verified_by": metadata.take("verifiedBy"),
    }
    carried = told.rest()
    if own not in (None, values["status"]):
        carried["status"] = own
    if method is not None and values["method"] != method.upper():
        carried["method"] = method
    return Record("contracts", values, where, carried)


# What some frameworks call every method.
_METHODS: Final = {"ANY": "ALL", "*": "ALL"}


def _frontends(document: Document, where: Where, contract: Mapping[str, Any]) -> Iterator[Row]:
    place = Where(where.file, f"{where.position}.frontend".lstrip("."))

    def frontend(where: Where, told: Fields) -> Record:
        path = told.text("path")
        if path is None:
            raise Unfit("it calls no path")
        values = {
            "contract_id": contract.get("id"),
            "method": told.text("method") or contract.get("method"),
            "path": path,
            "normalized_path": told.text("normalizedPath") or path,
            "file_id": told.path("file"),
            "line": told.take("line"),
            "library": told.take("library"),
            "response_fields": told.items("responseFields"),
        }
        return Record("contract_frontends", values, where, told.rest())

    yield from rows("contract_frontends", document.root, within(place, contract.get("frontend")), frontend)
