"""Patterns and their places, in the three forms that the predecessor wrote.

- 1.0.0: the folder is the status; `confidence`, `detector` and `metadata` are objects.
- 2.0.0, written by the repository class: the status is a field; confidence is a number, and what was in the objects
  stands at the top.
- 2.0.0, moved from 1.0.0 by the predecessor's migration: objects as before, and at the top a detection method and a
  level that the migration got wrong for every row. The objects are right.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from drift_mcp.tables import public
from drift_mcp.tables.patterns import confidence_level
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, within
from drift_mcp.upgrade.records import SOURCE, Note, Record, Refused, Row, Unfit, Where, path, shown

_STATUSES: Final = ("discovered", "approved", "ignored")
_DETECTORS: Final = ("ast", "regex", "semantic", "structural", "custom")
_LEVELS: Final = ("high", "medium", "low", "uncertain")
# Where nothing else says what a pattern is about.
_ELSE: Final = "structural"


def records(document: Document) -> Iterator[Row]:
    """Every pattern of one file, each followed by its places."""
    folder = PurePosixPath(document.source.name).parent.name
    by_folder = folder if folder in _STATUSES else None
    name = "patterns" if "patterns" in document.data else "items"
    for where, told in listed(document, name):
        if not isinstance(told, Mapping):
            yield Refused("patterns", where, f"{shown(told)} is no pattern.")
            continue
        yield from _pattern(document, where, told, by_folder)
        yield from _places(document, where, told)
    yield from beside(document, name, "category", "patternCount", "statusCounts")


def category(word: Any) -> tuple[str, bool]:
    """(the category of today's, whether the word is one of them)."""
    plain = word.strip().lower().replace("_", "-") if isinstance(word, str) else ""
    return (plain, True) if plain in _categories() else (_ELSE, False)


def unknown_category(word: Any) -> Note:
    return Note(
        f"patterns: {shown(word)} is no category of today's. Such patterns are {_ELSE!r} now, and keep the word in "
        "carried_fields."
    )


@functools.cache
def _categories() -> frozenset[str]:
    plan = public.plans()["patterns"]
    return frozenset(plan.columns[plan.at("category")].choices)


def _pattern(document: Document, where: Where, told: Mapping[str, Any], by_folder: str | None) -> Iterator[Row]:
    fields = Fields(told, document.root)
    own = fields.text("id")
    if own is None:
        yield Refused("patterns", where, "it has no id.")
        return
    for name in ("locations", "outliers", "locationCount", "outlierCount"):  # rows of their own, and how many
        fields.take(name)
    metadata = fields.within("metadata")
    score, level, measured = _confidence(fields)
    kind, config = _detector(fields)
    carried = {}
    if kind is not None and kind not in _DETECTORS:
        carried["detector.type"], kind = kind, "custom"
    word = fields.take("category")
    if word is None:
        word = document.data.get("category") or PurePosixPath(document.source.name).stem
    about, is_known = category(word)
    if not is_known:
        carried["category"] = word
        yield unknown_category(word)

    def said(name: str) -> Any:
        inner, outer = metadata.take(name), fields.take(name)
        return inner if inner is not None else outer

    last_seen = said("lastSeen")
    first_seen = said("firstSeen")
    last_told = last_seen if last_seen is not None else document.data.get("lastUpdated")
    status = fields.take("status")
    values = {
        "id": own,
        "name": fields.text("name") or own,
        "description": fields.take("description"),
        "category": about,
        "subcategory": fields.take("subcategory"),
        # A folder is where a person's word was kept; a field in the newer form.
        "status": by_folder or status,
        "approved_at": said("approvedAt"),
        "approved_by": said("approvedBy"),
        "confidence_score": score,
        "confidence_level": level,
        **measured,
        "detector_type": kind,
        "detector_config": config,
        "severity": fields.take("severity"),
        "auto_fixable": fields.take("autoFixable"),
        "first_seen": first_seen if first_seen is not None else last_told,
        "last_seen": last_told,
        "tags": said("tags"),
        "source": SOURCE,
    }
    yield Record("patterns", values, where, {**fields.rest(), **carried})


def _confidence(fields: Fields) -> tuple[Any, str | None, dict[str, Any]]:
    """(score, level, what it was made of). Beside an object, the level at the top is one that the migration made up."""
    at_top = fields.take("confidenceLevel")
    measured = fields.within("confidence")
    score, level = measured.take("score"), measured.take("level")
    parts = {f"confidence_{name}": measured.take(name) for name in ("frequency", "consistency", "age", "spread")}
    if score is None and level is None:
        score, level = fields.take("confidence"), at_top
    if level not in _LEVELS:
        is_score = type(score) in (int, float) and 0 <= score <= 1
        level = confidence_level(score) if is_score else None
    return score, level, parts


def _detector(fields: Fields) -> tuple[Any, Any]:
    """(kind, what it is set to). Beside an object, the method at the top is the one that the migration always wrote."""
    method = fields.take("detectionMethod")
    detector = fields.within("detector")
    kind, config = detector.take("type"), detector.take("config")
    if config is None:
        named = {name: value for name in ("detectorId", "detectorName") if (value := fields.take(name)) is not None}
        config = named or None
    return kind if kind is not None else method, config


def _places(document: Document, where: Where, told: Mapping[str, Any]) -> Iterator[Record | Refused]:
    """Outliers stand in two places: among the locations, marked, and in a list of their own."""
    own = told.get("id")
    root = document.root
    for name, is_outlier in (("locations", False), ("outliers", True)):
        for place, each in within(Where(where.file, f"{where.position}.{name}"), told.get(name)):
            if not isinstance(each, dict):
                yield Refused("pattern_locations", place, f"{shown(each)} is no place.")
                continue
            try:
                file = path(each.get("file"), root)
            except Unfit as problem:
                yield Refused("pattern_locations", place, f"{problem}.")
                continue
            values = {"pattern_key": own, "is_outlier": is_outlier or None}
            rest = {}
            for field, value in (_flat(each) if "range" in each or "start" in each else each).items():
                column = _PLACES.get(field)
                if column is None:
                    rest[field] = value
                elif not values.get(column):  # an outlier's reason has two names, and its mark two places
                    values[column] = value
            values["file_id"] = file
            yield Record("pattern_locations", values, place, rest)


# Field → column.
_PLACES: Final = {
    "file": "file_id",
    "line": "line",
    "column": "column_num",
    "endLine": "end_line",
    "endColumn": "end_column",
    "isOutlier": "is_outlier",
    "outlierReason": "outlier_reason",
    "reason": "outlier_reason",
    "deviationScore": "deviation_score",
    "confidence": "confidence",
    "snippet": "snippet",
}


def _flat(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """A place whose lines and columns stand in objects, `range` or `start` and `end`, as one where they do not."""
    plain = dict(told)
    span = plain.pop("range") if isinstance(plain.get("range"), Mapping) else {}
    for end, line, column in (("start", "line", "column"), ("end", "endLine", "endColumn")):
        point = span.get(end)
        if point is None and isinstance(plain.get(end), Mapping):
            point = plain.pop(end)
        if isinstance(point, Mapping):
            plain.setdefault(line, point.get("line"))
            plain.setdefault(column, point.get("column", point.get("character")))
    return plain
