"""The conventions of this code: what holds, where, what does not keep to it, and what was decided about it.

An agent asks with few words; a person, on the command line, by everything that is known of a convention. Both get the
same answer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import apsw

from drift_mcp.cortex.cortex import Filters
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tables import across, conventions, pattern_search, suppressions
from drift_mcp.tables import status as status_row
from drift_mcp.tables.conventions import Convention, Place
from drift_mcp.tables.pattern_search import By, Filter, Page, Sort
from drift_mcp.tables.suppressions import Effect
from drift_mcp.tools import meant
from drift_mcp.tools.answer import Answer, Row, Section, Window, clip, count, place, window
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


Status = Literal["discovered", "approved", "ignored"]
Severity = Literal["error", "warning", "info", "hint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryPatterns(AskedAtLength):
    category: Category | None = None
    status: Status | None = None
    severity: Severity | None = None
    min_confidence: Annotated[float | None, Told(least=0, most=1)] = None
    file: str | None = None
    text: str | None = None
    pattern: Annotated[str | None, Told("An id: everything about that one.")] = None
    sort: Literal["confidence", "locations", "outliers", "name"] = "confidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPatterns(AskedAtLength):
    """As a person asks. Of several values of one kind, a convention is to have one."""

    ids: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    subcategories: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    severities: tuple[Severity, ...] = ()
    levels: tuple[Literal["high", "medium", "low", "uncertain"], ...] = ()
    min_confidence: Annotated[float | None, Told(least=0, most=1)] = None
    max_confidence: Annotated[float | None, Told(least=0, most=1)] = None
    auto_fixable: bool | None = None
    has_outliers: bool | None = None
    min_outliers: Annotated[int | None, Told(least=0)] = None
    text: str | None = None
    first_seen_after: str | None = None
    first_seen_before: str | None = None
    last_seen_after: str | None = None
    last_seen_before: str | None = None
    files: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    sort: By = "confidence"
    direction: Literal["ascending", "descending"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPattern(Asked):
    pattern: str
    decision: Literal["approve", "ignore", "reopen"]
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgePattern(ReviewPattern):
    by: str | None = None  # who; None: nobody knows


# As many as a reader keeps in mind before writing code; the cursor has the rest.
_PATTERNS = 15
# Beside each: one place to copy from and the outliers to beware of.
_PLACES = 4
# Among so many places a handful of different files is found.
_LOOKED_AT = 60
# Of the one that was asked about.
_ALL_PLACES = 50


def query_patterns(project: Project, asked: QueryPatterns) -> Answer:
    """How are things done in this code: errors, logging, auth, data access, tests, naming? Conventions found by
    counting, with confidence, example places and the outliers that do otherwise. Ask before writing new code; with
    `file`, what holds there. To judge one, review_pattern."""
    with project.read() as db:
        if asked.pattern is not None:
            return _with_memories(project, _one(db, asked.pattern, asked))
        wanted = Filter(
            categories=_any(asked.category),
            statuses=_any(asked.status) or _NOT_IGNORED,
            severities=_any(asked.severity),
            min_confidence=asked.min_confidence,
            text=asked.text,
            files=None if asked.file is None else meant.files_meant(db, asked.file),
        )
        return _listed(db, "query_patterns", asked, wanted, Sort(asked.sort))


def search_patterns(project: Project, asked: SearchPatterns) -> Answer:
    """The conventions that fit everything that is asked."""
    with project.read() as db:
        files = [path for file in asked.files for path in meant.files_meant(db, file)]
        wanted = Filter(
            ids=asked.ids or None,
            categories=asked.categories or None,
            subcategories=asked.subcategories or None,
            # Who names an id means that one, whatever was decided about it.
            statuses=asked.statuses or (None if asked.ids else _NOT_IGNORED),
            severities=asked.severities or None,
            levels=asked.levels or None,
            min_confidence=asked.min_confidence,
            max_confidence=asked.max_confidence,
            auto_fixable=asked.auto_fixable,
            has_outliers=asked.has_outliers,
            min_outliers=asked.min_outliers,
            text=asked.text,
            first_seen_from=_moment(asked.first_seen_after, "first seen after"),
            first_seen_before=_moment(asked.first_seen_before, "first seen before"),
            last_seen_from=_moment(asked.last_seen_after, "last seen after"),
            last_seen_before=_moment(asked.last_seen_before, "last seen before"),
            files=files or None,
            tags=asked.tags or None,
            sources=asked.sources or None,
        )
        _refuse_empty_ranges(wanted)
        descending = None if asked.direction is None else asked.direction == "descending"
        return _listed(db, "patterns", asked, wanted, Sort(asked.sort, descending))


# A person has said of the ignored ones that they are no conventions: they are told of to those who ask for them.
_NOT_IGNORED = ("discovered", "approved")


def _any(value: str | None) -> Sequence[str] | None:
    return None if value is None else (value,)


def _moment(text: str | None, said: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        # As the store counts days, and shows them.
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as problem:
        raise DriftError(
            f"{said} {clip(text, 40)!r} is no date. Write one as 2026-03-31 or 2026-03-31T18:30, in UTC, "
            "or with its time zone as 2026-03-31T18:30+02:00."
        ) from problem
    # Of the last second of all there is no next millisecond.
    return min(found, datetime.max.replace(microsecond=0, tzinfo=UTC))


def _refuse_empty_ranges(wanted: Filter) -> None:
    """Nothing is in a range that ends before it begins, and who asks for it has mixed up the two."""
    least, most = wanted.min_confidence, wanted.max_confidence
    if least is not None and most is not None and least > most:
        raise DriftError(f"No confidence is at least {least} and at most {most}. Are they the wrong way round?")
    for said, since, before in (
        ("first seen", wanted.first_seen_from, wanted.first_seen_before),
        ("last seen", wanted.last_seen_from, wanted.last_seen_before),
    ):
        if since is not None and before is not None and since >= before:
            raise DriftError(
                f"Nothing was {said} from {since:%Y-%m-%d %H:%M} on and before {before:%Y-%m-%d %H:%M}. "
                "Are they the wrong way round?"
            )


def _listed(
    db: apsw.Connection, tool: str, asked: QueryPatterns | SearchPatterns, wanted: Filter, sort: Sort
) -> Answer:
    cursor, _, behind = ("" if asked.cursor is None else asked.cursor).partition(".")
    question = dataclasses.asdict(asked) | {"cursor": None if asked.cursor is None else cursor}
    here = window(tool, question | {"behind": behind}, generation(db), _PATTERNS)
    page = pattern_search.page(db, wanted, sort, limit=here.limit, cursor=behind or None)
    total = pattern_search.count(db, wanted)
    files = wanted.files
    effects = suppressions.effects(db, (one.key for one in page.rows))
    rows = [_as_now(one, effects) for one in page.rows]
    places = {one.key: _shown_places(db, one, one.key in effects, files) for one in rows}
    order = sort.by.replace("_", " ") + _direction(sort)
    return Answer(
        f"{count(total, 'conventions')}, by {order}." if total else _none(db),
        (Section("", tuple(_row(one, places[one.key], effects) for one in rows), total, "conventions", ranked=True),),
        data={"patterns": [_described(one, places[one.key], effects) for one in rows]},
        items="patterns",
        window=_Walk(here.offset, here.limit, here.query, here.state, tool, question, page, behind),
        files=tuple(dict.fromkeys(at.file for one in rows for at in places[one.key])),
    )


@dataclass(frozen=True, slots=True)
class _Walk(Window):
    """A window whose cursors also hold a place in the order: the pages before are not read again for the next one. The
    place is part of the question that a cursor is bound to."""

    tool: str
    question: Mapping[str, Any]
    page: Page
    behind: str  # where the page begins; nothing: at the top

    def cursor(self, offset: int) -> str:
        shown = offset - self.offset
        behind = self.page.cursor_behind(shown - 1) if shown else self.behind
        following = window(self.tool, {**self.question, "cursor": None, "behind": behind}, self.state, self.limit)
        bound = following.cursor(offset)
        return f"{bound}.{behind}" if behind else bound


def review_pattern(project: Project, asked: ReviewPattern) -> Answer:
    """Approve a convention (from then on its outliers need attention), ignore it, or take a verdict back. Only on a
    person's word. The verdict and its reason are kept in the pattern's history and survive every scan."""
    return _judged(project, asked, "agent")


def judge_pattern(project: Project, asked: JudgePattern) -> Answer:
    """A person's own verdict on a convention."""
    return _judged(project, asked, asked.by)


def _judged(project: Project, asked: ReviewPattern, by: str | None) -> Answer:
    status = {"approve": "approved", "ignore": "ignored", "reopen": "discovered"}[asked.decision]
    with project.write() as tx:
        known = _known(tx, asked.pattern)
        before, is_news = conventions.judge(tx, known.id, status, by=by, reason=asked.reason)
        if is_news:
            status_row.refresh(tx)
        after = _as_now(_known(tx, known.id), suppressions.effects(tx, (known.key,)))
    said = f"is now {status}"
    if before == status:
        said = f"was already {status}" + ("; the new reason is kept" if is_news else "")
    return Answer(
        f"{after.name} ({after.id}) {said}."
        + (f" {count(after.outliers, 'outliers')} to look at." if status == "approved" and after.outliers else ""),
        notes=_speaking_of(project, after.id) if status == "ignored" and before != status else (),
        data={
            "pattern": after.id,
            "name": after.name,
            "status": after.status,
            "before": before,
            "reason": after.reason,
        },
    )


# Of the memories that speak of a pattern: what a reader takes in beside it. The count is whole.
_MEMORIES = 8


def _with_memories(project: Project, found: Answer) -> Answer:
    """What was remembered about the pattern, beside what is known of it."""
    if not project.has_memory:
        return found
    (described,) = found.data["patterns"]
    try:
        told = project.memory.search(None, Filters(patterns=[described["pattern"]]), limit=_MEMORIES)
    except DriftError as problem:  # the code is known without them
        return dataclasses.replace(found, notes=(*found.notes, f"What is remembered about it is not known: {problem}"))
    rows = tuple(Row(f"{hit.memory}  {hit.type}: {hit.summary}  (code {hit.code})") for hit in told.hits)
    memories = [{"memory": hit.memory, "type": hit.type, "summary": hit.summary, "code": hit.code} for hit in told.hits]
    return dataclasses.replace(
        found,
        sections=(*found.sections, Section("Memories", rows, told.total, "memories")),
        data={**found.data, "memories": memories, "memories_total": told.total},
        memories=tuple((hit.memory, hit.version) for hit in told.hits),
    )


def _speaking_of(project: Project, pattern: str) -> tuple[str, ...]:
    """What is remembered about a pattern that holds no more: somebody may act by it."""
    if not project.has_memory:
        return ()
    try:
        with project.read_both() as db:
            memories = across.about_pattern(db, pattern)
    except DriftError as problem:
        return (f"The verdict is kept. Whether memories speak of it could not be asked: {problem}",)
    return tuple(f"{one.memory} speaks of it: {clip(one.summary, 120)}" for one in memories)


def _as_now(one: Convention, effects: Mapping[int, Effect]) -> Convention:
    """With the outliers that count again since a suppression ran out; the store counts them at the next scan."""
    return one._replace(outliers=one.outliers + effects[one.key].lapsed) if one.key in effects else one


def _shown_places(
    db: apsw.Connection, one: Convention, has_suppressed: bool, asked: Sequence[str] | None
) -> list[Place]:
    files = None if asked is None else list(asked)
    outliers, kept = list[Place](), list[Place]()
    if one.outliers or has_suppressed:
        outliers = conventions.places(db, one.key, files=files, outlier=True, most=_PLACES)
    if one.locations:
        kept = conventions.places(db, one.key, files=files, outlier=False, most=_LOOKED_AT)
    # One of each file: three lines of the same file show no more than one does.
    spread = list({at.file: at for at in reversed(kept)}.values())[::-1]
    return outliers + spread[: max(1, _PLACES - len(outliers))]


def _direction(sort: Sort) -> str:
    if sort.descending is None:
        return ""
    return ", descending" if sort.descending else ", ascending"


def _none(db: apsw.Connection) -> str:
    known = conventions.categories(db)
    if not known:
        return "No convention is known here: the scan found nothing that enough places do the same way."
    listed = ", ".join(f"{category} ({number})" for category, number in known)
    return f"No convention fits. Known categories: {listed}."


def _row(one: Convention, places: Sequence[Place], effects: Mapping[int, Effect]) -> Row:
    suppressed = _suppressed(one, effects)
    line = (
        f"{one.name}  {one.category}, {one.status}, {one.severity}, confidence {one.confidence:.2f}, "
        f"{count(one.locations, 'places')}, {count(one.outliers, 'outliers')}"
        f"{f' and {suppressed} suppressed' if suppressed else ''}  [{one.id}]"
    )
    shown = [f"  outlier {_spot(at)}" for at in places if at.outlier and at.suppressed is None]
    shown += [f"  suppressed {_spot(at)} ({clip(at.suppressed, 120)})" for at in places if at.suppressed is not None]
    examples = ", ".join(place(at.file, at.line) for at in places if not at.outlier)
    shown += [f"  e.g. {examples}"] if examples else []
    description = [f"  {one.description}"] if one.description and one.description != one.name else []
    return Row("\n".join([line, *description, *shown]), f"{one.name}  {one.outliers} outliers  [{one.id}]")


def _suppressed(one: Convention, effects: Mapping[int, Effect]) -> int:
    return effects[one.key].suppressed if one.key in effects else 0


def _spot(at: Place) -> str:
    said = at.reason if at.outlier else at.variant
    return place(at.file, at.line) + (f"  {clip(said, 120)}" if said else "")


def _described(one: Convention, places: Sequence[Place], effects: Mapping[int, Effect]) -> dict[str, Any]:
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
        "suppressed": _suppressed(one, effects),
        "places": [
            {
                "file": at.file,
                "line": at.line,
                "outlier": at.outlier,
                "reason": at.reason,
                "variant": at.variant,
                "suppressed": at.suppressed,
            }
            for at in places
        ],
    }


def _one(db: apsw.Connection, pattern: str, asked: QueryPatterns) -> Answer:
    known = _known(db, pattern)
    effects = suppressions.effects(db, (known.key,))
    one = _as_now(known, effects)
    here = window("query_patterns", dataclasses.asdict(asked), generation(db), _ALL_PLACES)
    files = None if asked.file is None else list(meant.files_meant(db, asked.file))
    places = conventions.places(db, one.key, files=files)
    page = places[here.offset : here.offset + here.limit]
    events = conventions.history(db, one.id)
    history = [
        f"{event.date[:16]} {event.action}" + (f" by {event.by}" if event.by else "")
        + (f": {event.details}" if event.details else "")
        for event in events[:_PLACES]
    ]  # fmt: skip
    earlier = [f"and {count(len(events) - _PLACES, 'events')} before"] if len(events) > _PLACES else []
    lines = [_row(one, (), effects).full, f"first seen {one.first_seen[:10]}"]
    if one.variant:
        lines.append(f"what most places do: {one.variant}")
    return Answer(
        "\n".join(lines),
        (
            Section(
                "Places, outliers first",
                tuple(
                    Row(
                        _mark(at) + (at.reason or at.variant or at.snippet or "") + _why(at),
                        "suppressed" if at.suppressed is not None else "outlier" if at.outlier else "",
                        at.file,
                        at.line,
                    )
                    for at in page
                ),
                len(places),
                "places",
            ),
        ),
        (*history, *earlier),
        data={
            "patterns": [_described(one, page, effects)],
            "places_total": len(places),
            "history": history,
            "history_total": len(events),
            "memories": [],
            "memories_total": 0,
        },
        items=None,
        window=here,
    )


def _mark(at: Place) -> str:
    if at.suppressed is not None:
        return "SUPPRESSED  "
    return "OUTLIER  " if at.outlier else ""


def _why(at: Place) -> str:
    return "" if at.suppressed is None else f"  (suppressed: {clip(at.suppressed, 120)})"


def _known(db: apsw.Connection, pattern: str) -> Convention:
    one = conventions.one(db, pattern.strip())
    if one is None:
        near = conventions.nearest(db, pattern.strip())
        hint = f" Nearest: {', '.join(near)}." if near else ""
        raise DriftError(f"No pattern {clip(pattern, 80)!r}.{hint} query_patterns lists the ids.")
    return one
