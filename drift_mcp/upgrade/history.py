"""What stood where on other days: a file for each day, with every pattern as it was.

A day becomes a row of `health_trends`, with its patterns among the carried fields. Where a pattern has another status
than on the last day that knew it, somebody decided something in between: that becomes an event of `pattern_history`,
which says that it was inferred. Such a file may be the only one that remembers an approval; `approvals` gives those,
for whoever asks for them.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final, NamedTuple

from drift_mcp.tables.public import Value
from drift_mcp.upgrade import patterns
from drift_mcp.upgrade.audits import day
from drift_mcp.upgrade.documents import Document, members
from drift_mcp.upgrade.fields import Fields, rows
from drift_mcp.upgrade.records import SOURCE, Record, Row, Unfit, Where, moment

# Status → what a person did to give it to a pattern that had another.
_ACTIONS: Final = {"approved": "approved", "ignored": "ignored", "discovered": "reopened"}


class _Stood(NamedTuple):
    """How a pattern stood on a day."""

    at: str  # the moment at which the day's file was written
    status: str
    name: Any
    category: Any
    where: Where


_AT: Final = attrgetter("at")


def records(documents: Iterable[Document]) -> Iterator[Row]:
    """All days, and what happened between them. Holds one file at a time."""
    courses: dict[str, list[_Stood]] = {}
    for document in documents:
        yield from _day(document)
        _remember(courses, document)
    for own, course in courses.items():
        course.sort(key=_AT)
        for before, now in itertools.pairwise(course):
            if before.status != now.status:
                values = {
                    "date": now.at,
                    "pattern_id": own,
                    "action": _ACTIONS[now.status],
                    "previous_status": before.status,
                    "new_status": now.status,
                    "details": f"inferred: {before.status} on {before.at[:10]}, {now.status} on {now.at[:10]}",
                }
                yield Record("pattern_history", values, now.where)


def approvals(documents: Iterable[Document], undecided: Collection[Value]) -> Iterator[Record]:
    """Of these patterns, those that were approved or ignored on the last day that knew them, as they stood then. When
    that was decided is taken to be the first of those days in a row."""
    courses: dict[str, list[_Stood]] = {}
    for document in documents:
        _remember(courses, document)
    for own, course in courses.items():
        course.sort(key=_AT)
        last = course[-1]
        if last.status == "discovered" or own not in undecided:
            continue
        since = last
        for each in reversed(course):
            if each.status != last.status:
                break
            since = each
        days = f"from {since.at[:10]} to" if since.at[:10] != last.at[:10] else "on"
        values = {
            "id": own,
            "name": last.name if isinstance(last.name, str) and last.name else own,
            "category": patterns.category(last.category)[0],
            "status": last.status,
            "approved_at": since.at if last.status == "approved" else None,
            "status_reason": (
                f"inferred: {last.status} {days} {last.at[:10]}, the last day that knew it, by {last.where.file}; who "
                "decided it was not written down"
            ),
            "source": SOURCE,
        }
        yield Record("patterns", values, last.where, is_in_passing=True)


def _remember(courses: dict[str, list[_Stood]], document: Document) -> None:
    """Adds how the patterns of one day stood. What names no pattern, or no status, says nothing of this."""
    try:
        at = _moment(document)
    except Unfit:
        return
    for where, told in members(document.where("patterns"), document.data.get("patterns")):
        own, status = (told.get("patternId"), told.get("status")) if isinstance(told, Mapping) else (None, None)
        if isinstance(own, str) and own and isinstance(status, str) and status in _ACTIONS:
            stood = _Stood(at, status, told.get("patternName"), told.get("category"), where)
            courses.setdefault(own, []).append(stood)


def _moment(document: Document) -> str:
    try:
        return moment(document.data.get("timestamp"))
    except Unfit:
        return f"{day(document, document.data.get('date'))}T00:00:00.000Z"


def _day(document: Document) -> Iterator[Row]:
    def made(where: Where, told: Fields) -> Record:
        summary = told.within("summary")
        known = [each for _, each in members(where, document.data.get("patterns")) if isinstance(each, Mapping)]
        values = {
            "date": day(document, told.take("date")),
            "avg_confidence": summary.take("avgConfidence"),
            "total_patterns": summary.take("totalPatterns"),
            "approved_count": sum(each.get("status") == "approved" for each in known) if known else None,
        }
        return Record("health_trends", values, where, told.rest())

    return rows("health_trends", document.root, [(document.where(), document.data)], made)
