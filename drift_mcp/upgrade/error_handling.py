"""Where errors are caught and where they are lost: `error-handling/analysis.json`, and the older `topology.json`.

Two scanners wrote them, each with words of its own; today's are fewer, and a word that had to be changed is carried
along. The older scanner told of the clauses that catch errors function by function, and of the paths by which an error
leaves the program unhandled: those are boundaries and gaps too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from drift_mcp.upgrade import fields
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, kept, one_each, rows, within, without_root
from drift_mcp.upgrade.records import Record, Refused, Row, Unfit, Where, path, shown

SAME_BOUNDARY: Final = "another boundary of its kind in the same line: one row, what differs is carried along"
SAME_GAP: Final = "another gap of its kind in the same line: one row, what differs is carried along"

_TYPES: Final = {
    "error-boundary": "error-boundary",
    "react-error-boundary": "error-boundary",
    "middleware": "middleware",
    "express-middleware": "middleware",
    "nestjs-filter": "middleware",
    "error-handler": "middleware",
    "global": "global",
    "spring-handler": "global",
    "laravel-handler": "global",
    "panic-handler": "global",
}  # any other is a 'try-catch' in one of the languages
_GAPS: Final = {
    "swallowed": "swallowed",
    "swallowed-error": "swallowed",
    "generic-catch": "generic-catch",
    "bare-catch": "generic-catch",
    "missing-finally": "missing-finally",
}  # any other lets an error go 'unhandled'
_SEVERITIES: Final = {"info": "low", "warning": "medium", "error": "high"}


def records(document: Document) -> Iterator[Row]:
    """Every boundary and every gap of a file."""
    root, inner = document.root, document.data.get("topology")
    at, told = ("topology.", inner) if isinstance(inner, Mapping) else ("", document.data)

    def each(name: str) -> Iterator[tuple[Where, Any]]:
        return within(document.where(at + name), told.get(name))

    functions = list(each("functions"))
    boundaries = [
        *rows("error_boundaries", root, each("boundaries"), _boundary),
        *(row for where, function in functions for row in _clauses(where, function, root)),
    ]
    yield from one_each(boundaries, ("file_id", "line", "type"), SAME_BOUNDARY)
    gaps = [
        *rows("error_handling_gaps", root, each("gaps"), _gap),
        *rows("error_handling_gaps", root, each("unhandledPaths"), lambda where, path: _unhandled(where, path, root)),
    ]
    yield from one_each(gaps, ("file_id", "line", "gap_type"), SAME_GAP)
    for where, function in functions:
        yield from _measured(where, function, root)
    yield from beside(document, "topology", *_CONVERTED)
    if told is inner and (
        left := {name: said for name, said in inner.items() if name not in (*_CONVERTED, *fields.ABOUT_THE_FILE)}
    ):
        yield kept(document.where("topology"), left, root)


_CONVERTED: Final = ("boundaries", "functions", "gaps", "unhandledPaths")


def _boundary(where: Where, told: Fields) -> Record:
    said = told.text("boundaryType", "frameworkType")
    word = (said or "try-catch").lower().replace("_", "-")
    values = {
        "file_id": told.path("file"),
        "line": told.first("line", "startLine"),
        "type": _TYPES.get(word, "try-catch"),
        "catches": told.texts("caughtTypes", "handledTypes"),
        "rethrows": told.take("rethrows"),
        "logs": told.take("logsError"),
        "swallows": told.take("isSwallowed"),
    }
    carried = told.rest()
    if word != values["type"]:
        carried["boundaryType"] = said
    return Record("error_boundaries", values, where, carried)


def _clauses(where: Where, function: Any, root: str | None) -> Iterator[Row]:
    """The clauses of one function that catch errors."""
    if not isinstance(function, Mapping):
        return  # told of with what is measured

    def clause(where: Where, told: Fields) -> Record:
        action, caught = told.text("action"), told.text("errorType")
        values = {
            "file_id": path(function.get("file"), root),
            "line": told.take("line"),
            "type": "try-catch",
            "catches": [] if caught is None else [caught],
            "rethrows": action == "rethrow",
            "logs": action == "log",
            "swallows": action == "swallow",
        }
        carried = told.rest() | {"function": function.get("name")}
        if action not in (None, "rethrow", "log", "swallow"):
            carried["action"] = action
        return Record("error_boundaries", values, where, carried)

    place = Where(where.file, f"{where.position}.catchClauses")
    yield from rows("error_boundaries", root, within(place, function.get("catchClauses")), clause)


def _measured(where: Where, function: Any, root: str | None) -> Iterator[Row]:
    if not isinstance(function, Mapping):
        yield Refused("carried_fields", where, f"{shown(function)} is no function.")
        return
    left = Fields(function, root)
    left.take("catchClauses")
    if said := left.rest():
        yield kept(where, said, root)


def _gap(where: Where, told: Fields) -> Record:
    kind, severity = told.text("gapType"), told.text("severity")
    word = (kind or "").lower().replace("_", "-")
    values = {
        "file_id": told.path("file"),
        "line": told.take("line"),
        "gap_type": _GAPS.get(word, "unhandled"),
        "severity": _severity(severity),
        "description": told.take("description"),
    }
    carried = told.rest()
    for field, said, column in (("gapType", kind, "gap_type"), ("severity", severity, "severity")):
        if said is not None and said != values[column]:
            carried[field] = said
    return Record("error_handling_gaps", values, where, carried)


def _severity(word: str | None) -> str:
    said = (word or "medium").lower()
    return said if said in ("low", "medium", "high", "critical") else _SEVERITIES.get(said, "medium")


def _unhandled(where: Where, told: Fields, root: str | None) -> Record:
    """A path from an entry point by which an error leaves the program: told of at that entry point."""
    start, severity = told.text("entryPoint") or "", told.text("severity")
    file, *name = start.rsplit(":", 2)  # the predecessor's id of a function: `file:name:line`
    line = name[-1] if name else ""
    if not (len(name) == 2 and line.isascii() and line.isdigit() and len(line) < 10):
        raise Unfit(f"it begins at {shown(start)}, which is no function")
    values = {
        "file_id": path(file, root),
        "line": int(line),
        "gap_type": "unhandled",
        "severity": _severity(severity),
        "description": told.take("reason"),
    }
    return Record("error_handling_gaps", values, where, told.rest() | {"entryPoint": without_root(start, root)})
