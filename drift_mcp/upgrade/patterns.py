"""Patterns and their places, in the three forms that the predecessor wrote.

- 1.0.0: the folder is the status; `confidence`, `detector` and `metadata` are objects.
- 2.0.0, written by the repository class: the status is a field; confidence is a number, and what was in the objects
  stands at the top.
- 2.0.0, moved from 1.0.0 by the predecessor's migration: objects as before, and at the top a detection method and a
  level that the migration got wrong for every row. The objects are right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from drift_mcp.tables.patterns import confidence_level
from drift_mcp.upgrade.documents import Document, members
from drift_mcp.upgrade.records import SOURCE, Record, Refused, Unfit, Where, path, shown

_STATUSES: Final = ("discovered", "approved", "ignored")
_DETECTORS: Final = ("ast", "regex", "semantic", "structural", "custom")
# What the columns hold; every other field of a pattern is carried along.
_HELD: Final = frozenset(
    (
        "id", "category", "subcategory", "name", "description", "status", "confidence", "confidenceLevel", "detector",
        "detectorId", "detectorName", "detectionMethod", "severity", "autoFixable", "firstSeen", "lastSeen",
        "approvedAt", "approvedBy", "tags", "metadata", "locations", "outliers",
    )
)  # fmt: skip
_HELD_METADATA: Final = frozenset(("firstSeen", "lastSeen", "approvedAt", "approvedBy", "tags"))


def records(document: Document) -> Iterator[Record | Refused]:
    """Every pattern of one file, each followed by its places."""
    folder = PurePosixPath(document.source.name).parent.name
    by_folder = folder if folder in _STATUSES else None
    for where, told in document.list("patterns"):
        if not isinstance(told, Mapping):
            yield Refused("patterns", where, f"{shown(told)} is no pattern")
            continue
        yield _pattern(document, where, told, by_folder)
        yield from _places(document, where, told)


def _pattern(document: Document, where: Where, told: Mapping[str, Any], by_folder: str | None) -> Record | Refused:
    if not isinstance(told.get("id"), str) or not told["id"]:
        return Refused("patterns", where, "it has no id")
    metadata = _object(told, "metadata")
    detector = _object(told, "detector")
    confidence = told.get("confidence")
    measured = confidence if isinstance(confidence, Mapping) else {"score": confidence}
    score = measured.get("score")
    level = measured.get("level")
    if level is None and isinstance(score, int | float):
        level = confidence_level(score)
    config = detector.get("config")
    if config is None and told.get("detectorId"):
        config = {"detectorId": told["detectorId"], "detectorName": told.get("detectorName")}
    kind = detector.get("type") or told.get("detectionMethod")
    carried = {name: value for name, value in told.items() if name not in _HELD}
    carried |= {f"metadata.{name}": value for name, value in metadata.items() if name not in _HELD_METADATA}
    if kind is not None and kind not in _DETECTORS:
        carried["detector.type"], kind = kind, "custom"

    def said(name: str) -> Any:
        return metadata.get(name) if metadata.get(name) is not None else told.get(name)

    values = {
        "id": told["id"],
        "name": told.get("name") or told["id"],
        "description": told.get("description"),
        "category": told.get("category") or document.data.get("category") or PurePosixPath(document.source.name).stem,
        "subcategory": told.get("subcategory"),
        # A folder is where a person's word was kept; a field in the newer form.
        "status": by_folder or told.get("status"),
        "approved_at": said("approvedAt"),
        "approved_by": said("approvedBy"),
        "confidence_score": score,
        "confidence_level": level,
        "confidence_frequency": measured.get("frequency"),
        "confidence_consistency": measured.get("consistency"),
        "confidence_age": measured.get("age"),
        "confidence_spread": measured.get("spread"),
        "detector_type": kind,
        "detector_config": config,
        "severity": told.get("severity"),
        "auto_fixable": told.get("autoFixable"),
        "first_seen": said("firstSeen"),
        "last_seen": said("lastSeen"),
        "tags": said("tags"),
        "source": SOURCE,
    }
    return Record("patterns", values, where, carried)


def _places(document: Document, where: Where, told: Mapping[str, Any]) -> Iterator[Record | Refused]:
    """Outliers stand in two places: among the locations, marked, and in a list of their own."""
    for name, is_outlier in (("locations", False), ("outliers", True)):
        for place, each in members(Where(where.file, f"{where.position}.{name}"), told.get(name)):
            if not isinstance(each, Mapping):
                yield Refused("pattern_locations", place, f"{shown(each)} is no place")
                continue
            try:
                file = path(each.get("file"), document.root)
            except Unfit as problem:
                yield Refused("pattern_locations", place, str(problem))
                continue
            values = {
                "pattern_key": told.get("id"),
                "file_id": file,
                "line": each.get("line"),
                "column_num": each.get("column"),
                "end_line": each.get("endLine"),
                "end_column": each.get("endColumn"),
                "is_outlier": is_outlier or bool(each.get("isOutlier")),
                "outlier_reason": each.get("outlierReason") or each.get("reason"),
                "deviation_score": each.get("deviationScore"),
                "confidence": each.get("confidence"),
                "snippet": each.get("snippet"),
            }
            yield Record("pattern_locations", values, place)


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = told.get(name)
    return value if isinstance(value, Mapping) else {}
