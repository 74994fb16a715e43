"""The conventions of this code: what holds, where, what does not keep to it, and what was decided about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tables import conventions
from drift_mcp.tables import status as status_row
from drift_mcp.tables.conventions import Convention, Place
from drift_mcp.tools import meant
from drift_mcp.tools.answer import Answer, Row, Section, clip, count, place, window
from drift_mcp.tools.arguments import Asked, AskedAtLength, Told
from drift_mcp.tools.freshness import generation

Category = Literal[
    "structural",
    "components",
    "styling",
    "api",
    "auth",
    "errors",
    "data-access",
    "testing",
    "logging",
    "security",
    "config",
    "types",
    "performance",
    "accessibility",
    "documentation",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPatterns(AskedAtLength):
    category: Category | None = None
    status: Literal["discovered", "approved", "ignored"] | None = None
    severity: Literal["error", "warning", "info", "hint"] | None = None
    min_confidence: Annotated[float | None, Told(least=0, most=1)] = None
    file: str | None = None
    text: str | None = None
    pattern: Annotated[str | None, Told("An id: everything about that one.")] = None
    sort: Literal["confidence", "locations", "outliers", "name"] = "confidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPattern(Asked):
    pattern: str
    decision: Literal["approve", "ignore", "reopen"]
    reason: str | None = None


# As many as a reader keeps in mind before writing code; the cursor has the rest.
_PATTERNS = 15
# Beside each: one place to copy from and the outliers to beware of.
_PLACES = 4
# Among so many places a handful of different files is found.
_LOOKED_AT = 60
# Of the one that was asked about.
_ALL_PLACES = 50

_ORDERS: Mapping[str, Callable[[Convention], Any]] = {
    "confidence": lambda one: (-one.confidence, -one.locations, one.id),
    "locations": lambda one: (-one.locations, one.id),
    "outliers": lambda one: (-one.outliers, one.id),
    "name": lambda one: (one.name.lower(), one.id),
}


def query_patterns(project: Project, asked: QueryPatterns) -> Answer:
    """How are things done in this code: errors, logging, auth, data access, tests, naming? Conventions found by
    counting, with confidence, example places and the outliers that do otherwise. Ask before writing new code; with
    `file`, what holds there. To judge one, review_pattern."""
    with project.read() as db:
        if asked.pattern is not None:
            return _one(db, asked.pattern, asked)
        here = window("query_patterns", dataclasses.asdict(asked), generation(db), _PATTERNS)
        files = None if asked.file is None else list(meant.files_meant(db, asked.file))
        found = conventions.found(
            db,
            category=asked.category,
            status=asked.status,
            severity=asked.severity,
            least_confidence=asked.min_confidence,
            text=asked.text,
            files=files,
        )
        if asked.status is None:
            # A person has said that these are no conventions.
            found = [one for one in found if one.status != "ignored"]
        found.sort(key=_ORDERS[asked.sort])
        page = found[here.offset : here.offset + here.limit]
        places = {one.key: _shown_places(db, one, files) for one in page}
        known = conventions.categories(db)
    return Answer(
        _head(asked, found, known),
        (Section("", tuple(_row(one, places[one.key]) for one in page), len(found), "conventions", ranked=True),),
        data={"patterns": [_described(one, places[one.key]) for one in page]},
        items="patterns",
        window=here,
        files=tuple(dict.fromkeys(at.file for one in page for at in places[one.key])),
    )


def review_pattern(project: Project, asked: ReviewPattern) -> Answer:
    """Approve a convention (from then on its outliers need attention), ignore it, or take a verdict back. Only on a
    person's word. The verdict and its reason are kept in the pattern's history and survive every scan."""
    status = {"approve": "approved", "ignore": "ignored", "reopen": "discovered"}[asked.decision]
    with project.write() as tx:
        before = _known(tx, asked.pattern)
        if before.status != status:
            conventions.judge(tx, before.id, before.status, status, None, asked.reason)
            status_row.refresh(tx)
        after = _known(tx, asked.pattern)
    same = before.status == status
    return Answer(
        f"{after.name} ({after.id}) {'was already' if same else 'is now'} {status}"
        + "."
        + (f" {count(after.outliers, 'outliers')} to look at." if status == "approved" and after.outliers else ""),
        data={
            "pattern": after.id,
            "name": after.name,
            "status": after.status,
            "before": before.status,
            "reason": after.reason,
        },
    )


def _shown_places(db: apsw.Connection, one: Convention, files: list[str] | None) -> list[Place]:
    outliers = conventions.places(db, one.key, files=files, outlier=True, most=_PLACES)
    kept = conventions.places(db, one.key, files=files, outlier=False, most=_LOOKED_AT)
    # One of each file: three lines of the same file show no more than one does.
    spread = list({at.file: at for at in reversed(kept)}.values())[::-1]
    return outliers + spread[: max(1, _PLACES - len(outliers))]


def _head(asked: QueryPatterns, found: Sequence[Convention], known: Sequence[tuple[str, int]]) -> str:
    if found:
        return f"{count(len(found), 'conventions')}, by {asked.sort}."
    if not known:
        return "No convention is known here: the scan found nothing that enough places do the same way."
    listed = ", ".join(f"{category} ({number})" for category, number in known)
    return f"No convention fits. Known categories: {listed}."


def _row(one: Convention, places: Sequence[Place]) -> Row:
    line = (
        f"{one.name}  {one.category}, {one.status}, {one.severity}, confidence {one.confidence:.2f}, "
        f"{count(one.locations, 'places')}, {count(one.outliers, 'outliers')}  [{one.id}]"
    )
    shown = [f"  outlier {_spot(at)}" for at in places if at.outlier]
    examples = ", ".join(place(at.file, at.line) for at in places if not at.outlier)
    shown += [f"  e.g. {examples}"] if examples else []
    description = [f"  {one.description}"] if one.description and one.description != one.name else []
    return Row("\n".join([line, *description, *shown]), f"{one.name}  {one.outliers} outliers  [{one.id}]")


def _spot(at: Place) -> str:
    said = at.reason if at.outlier else at.variant
    return place(at.file, at.line) + (f"  {clip(said, 120)}" if said else "")


def _described(one: Convention, places: Sequence[Place]) -> dict[str, Any]:
    return {
        "pattern": one.id,
        "name": one.name,
        "description": one.description,
        "category": one.category,
        "status": one.status,
        "severity": one.severity,
        "confidence": round(one.confidence, 4),
        "locations": one.locations,
        "outliers": one.outliers,
        "places": [
            {"file": at.file, "line": at.line, "outlier": at.outlier, "reason": at.reason, "variant": at.variant}
            for at in places
        ],
    }


def _one(db: apsw.Connection, pattern: str, asked: QueryPatterns) -> Answer:
    one = _known(db, pattern)
    here = window("query_patterns", dataclasses.asdict(asked), generation(db), _ALL_PLACES)
    files = None if asked.file is None else list(meant.files_meant(db, asked.file))
    places = conventions.places(db, one.key, files=files)
    page = places[here.offset : here.offset + here.limit]
    history = [
        f"{event.date[:16]} {event.action}" + (f" by {event.by}" if event.by else "")
        + (f": {event.details}" if event.details else "")
        for event in conventions.history(db, one.id)[:_PLACES]
    ]  # fmt: skip
    lines = [_row(one, ()).full, f"first seen {one.first_seen[:10]}"]
    if one.variant:
        lines.append(f"what most places do: {one.variant}")
    return Answer(
        "\n".join(lines),
        (
            Section(
                "Places, outliers first",
                tuple(
                    Row(
                        ("OUTLIER  " if at.outlier else "") + (at.reason or at.variant or at.snippet or ""),
                        "outlier" if at.outlier else "",
                        at.file,
                        at.line,
                    )
                    for at in page
                ),
                len(places),
                "places",
            ),
        ),
        tuple(history),
        data={"patterns": [_described(one, page)], "places_total": len(places), "history": history},
        items=None,
        window=here,
    )


def _known(db: apsw.Connection, pattern: str) -> Convention:
    one = conventions.one(db, pattern.strip())
    if one is None:
        near = conventions.nearest(db, pattern.strip())
        hint = f" Nearest: {', '.join(near)}." if near else ""
        raise DriftError(f"No pattern {clip(pattern, 80)!r}.{hint} query_patterns lists the ids.")
    return one
