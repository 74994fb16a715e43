"""Patterns by whatever is known of them: every filter, every order, page by page. What reads only.

A statement is put together here from the clauses written out below, one for each filter that is set; an asker's words
are never among them, they are only bound. One statement for all, with `(:x IS NULL OR …)` a filter, would need no
putting together, but SQLite plans it without knowing which filters are set, and then no index serves any of them.

Words mean the same whatever else is asked: always whole words and a beginning of the last one, by the full-text index.
LIKE would be faster beside filters that leave little to read, but finds other patterns.

**What a walk along the pages promises.** A cursor holds the place of a row in the order, its sort values and then its
id, not a number of rows. So, whatever is written between two pages:

- A pattern that is there all the while, fits all the while and keeps its sort values is met exactly once, however many
  others share them.
- No pattern is met twice that keeps its sort values; one that was deleted and found again in between keeps its id, and
  with it its place.
- A pattern that comes or goes meanwhile is met, or not, by where the walk was then. One whose sort values change may be
  met twice or missed: whoever cannot have that reads within one snapshot, or binds the cursor to the store's state, as
  `tools.patterns` does.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.tables import arrays
from drift_mcp.tables.conventions import COLUMNS, Convention, convention


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a pattern is to be like. None asks for nothing; of several values it is to have one, and of no values it
    can have none. Ranges hold their lower end; of moments they do not hold the upper one, so that what follows on one
    another neither overlaps nor leaves a gap."""

    ids: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    subcategories: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    severities: Sequence[str] | None = None
    levels: Sequence[str] | None = None  # of confidence: 'high', 'medium', 'low', 'uncertain'
    min_confidence: float | None = None
    max_confidence: float | None = None  # held, too: 1 is a confidence
    auto_fixable: bool | None = None
    has_outliers: bool | None = None
    min_outliers: int | None = None
    text: str | None = None  # all of these words, in name, description, category, subcategory or tags
    first_seen_from: datetime | None = None  # aware of their time zone
    first_seen_before: datetime | None = None
    last_seen_from: datetime | None = None
    last_seen_before: datetime | None = None
    files: Sequence[str] | None = None  # whole paths, as the store keeps them
    tags: Sequence[str] | None = None
    sources: Sequence[str] | None = None


By = Literal["name", "confidence", "severity", "first_seen", "last_seen", "outliers", "locations"]


@dataclass(frozen=True, slots=True)
class Sort:
    by: By = "confidence"
    descending: bool | None = None  # None: as one reads it, names from A, and else what matters most first

    @property
    def goes_down(self) -> bool:
        return _ORDERS[self.by].goes_down if self.descending is None else self.descending


@dataclass(frozen=True, slots=True)
class Page:
    """Some patterns of a walk, in its order. `cursor_behind` continues it behind any of them, not only the last."""

    rows: tuple[Convention, ...]
    is_last: bool
    _wanted: Filter
    _sort: Sort
    _places: tuple[tuple[Any, ...], ...]

    @property
    def next_cursor(self) -> str | None:
        return None if self.is_last else self.cursor_behind(len(self.rows) - 1)

    def cursor_behind(self, number: int) -> str:
        return _cursor(self._wanted, self._sort, self._places[number])


def page(db: apsw.Connection, wanted: Filter, sort: Sort, *, limit: int, cursor: str | None = None) -> Page:
    """The next `limit` patterns behind the cursor. Raises DriftError for a cursor of another question."""
    assert limit > 0, "to SQLite, a negative limit is none, and a page of nothing leads nowhere"
    filters, given = _asked(wanted)
    if cursor is not None:
        given |= {f"place{number}": value for number, value in enumerate(_place(wanted, sort, cursor))}
    # One more says whether there are more.
    given["limit"] = limit + 1
    found = db.execute(_page_statement(filters, sort, cursor is not None), given).fetchall()
    width = len(Convention._fields)
    return Page(
        tuple([convention(row[:width]) for row in found[:limit]]),
        len(found) <= limit,
        wanted,
        sort,
        tuple([row[width:] for row in found[:limit]]),
    )


def every(db: apsw.Connection, wanted: Filter, sort: Sort) -> list[Convention]:
    """All patterns that fit."""
    filters, given = _asked(wanted)
    return list(map(convention, db.execute(_statement_for_every(filters, sort), given)))


def count(db: apsw.Connection, wanted: Filter) -> int:
    """How many patterns fit."""
    filters, given = _asked(wanted)
    return int(db.execute(_count_statement(filters), given).get)


# ---------------------------------------------------------------------------------------------------------------------
# The clauses


class _Several(NamedTuple):
    """A filter by several values. One value is asked for by itself: an index then also gives the order."""

    one: str
    any: str


_BY_VALUES: Final[Mapping[str, _Several]] = {
    "ids": _Several("p.id = :ids", "p.id IN carray(:ids)"),
    "categories": _Several("p.category = :categories", "p.category IN carray(:categories)"),
    "subcategories": _Several("p.subcategory = :subcategories", "p.subcategory IN carray(:subcategories)"),
    # Two of the three statuses are most patterns: to look them up (which the plus forbids) costs more than to pass by
    # the others.
    "statuses": _Several("p.status = :statuses", "+p.status IN carray(:statuses)"),
    "severities": _Several("p.severity = :severities", "p.severity IN carray(:severities)"),
    "levels": _Several("p.confidence_level = :levels", "p.confidence_level IN carray(:levels)"),
    "sources": _Several("p.source = :sources", "p.source IN carray(:sources)"),
    "tags": _Several(
        "EXISTS (SELECT 1 FROM json_each(p.tags) t WHERE t.value = :tags)",
        "EXISTS (SELECT 1 FROM json_each(p.tags) t WHERE t.value IN carray(:tags))",
    ),
    "files": _Several(
        """p.key IN (
        SELECT l.pattern_key
        FROM file_metadata m
        JOIN pattern_locations l ON l.file_id = m.id
        WHERE m.path = :files
    )""",
        """p.key IN (
        SELECT l.pattern_key
        FROM file_metadata m
        JOIN pattern_locations l ON l.file_id = m.id
        WHERE m.path IN carray(:files)
    )""",
    ),
    # Of a text that is too long for one question, all parts are to be found.
    "text": _Several(
        "p.key IN (SELECT rowid FROM patterns_fts WHERE patterns_fts MATCH :text)",
        """p.key IN (
        SELECT f.rowid
        FROM carray(:text) part
        CROSS JOIN patterns_fts f
        WHERE f.patterns_fts MATCH part.value
        GROUP BY f.rowid
        HAVING count(*) = (SELECT count(*) FROM carray(:text))
    )""",
    ),
}

_NOTHING_FITS: Final = "0"

_BY_ONE_VALUE: Final[Mapping[str, str]] = {
    "min_confidence": "p.confidence_score >= :min_confidence",
    "max_confidence": "p.confidence_score <= :max_confidence",
    "auto_fixable": "p.auto_fixable = :auto_fixable",
    "has_outliers": "(p.outlier_count > 0) = :has_outliers",
    "min_outliers": "p.outlier_count >= :min_outliers",
    "first_seen_from": "p.first_seen >= :first_seen_from",
    "first_seen_before": "p.first_seen < :first_seen_before",
    "last_seen_from": "p.last_seen >= :last_seen_from",
    "last_seen_before": "p.last_seen < :last_seen_before",
}


class _Order(NamedTuple):
    """Sort values, the id last: no two patterns share them all. All go the same way, so that one comparison of rows
    says what stands behind a place."""

    values: tuple[str, ...]
    goes_down: bool


_MEANING = "CASE p.severity WHEN 'error' THEN 4 WHEN 'warning' THEN 3 WHEN 'info' THEN 2 ELSE 1 END"

_ORDERS: Final[Mapping[By, _Order]] = {
    # Letters of ASCII in any case. A cursor holds what is compared: of a name that never ends not all of it.
    "name": _Order(("substr(p.name, 1, 100) COLLATE NOCASE", "p.id"), False),
    # Of those that are as sure, the one with more places says more.
    "confidence": _Order(("p.confidence_score", "p.location_count", "p.id"), True),
    "severity": _Order((_MEANING, "p.confidence_score", "p.id"), True),
    "first_seen": _Order(("p.first_seen", "p.id"), True),
    "last_seen": _Order(("p.last_seen", "p.id"), True),
    "outliers": _Order(("p.outlier_count", "p.id"), True),
    "locations": _Order(("p.location_count", "p.id"), True),
}

# Filters that leave most patterns, beside a limit: then the first ones are read along the index of the order. The
# planner does not know how few are wanted and would read and sort them all.
_LEAVE_MOST: Final = {("statuses", "any"), ("min_confidence", ""), ("max_confidence", "")}


# A filter that is set, and how it is asked: 'one', 'any' or 'none' of its values, or '' when it has just one.
_Set = tuple[tuple[str, str], ...]


def _clauses(filters: _Set) -> list[str]:
    return [_clause(name, way) for name, way in filters]


def _clause(name: str, way: str) -> str:
    if way == "":
        return _BY_ONE_VALUE[name]
    if way == "none":
        return _NOTHING_FITS
    return _BY_VALUES[name].one if way == "one" else _BY_VALUES[name].any


@functools.cache
def _page_statement(filters: _Set, sort: Sort, behind: bool) -> str:
    """The columns of a pattern, and after them its place in the order."""
    order = _ORDERS[sort.by]
    clauses = _clauses(filters)
    if behind:
        place = ", ".join(f":place{number}" for number in range(len(order.values)))
        clauses.append(f"({', '.join(order.values)}) {'<' if sort.goes_down else '>'} ({place})")
    source, where, order_by = _source(filters, sort), _where(clauses), _order_by(sort)
    if sort.by != "confidence":
        # No index has this order: keys are sorted, and only what is told is read whole.
        where = f"WHERE p.key IN (\nSELECT p.key\n{source}\n{where}\n{order_by}\nLIMIT :limit\n)"
    return f"SELECT {COLUMNS}, {', '.join(order.values)}\n{source}\n{where}\n{order_by}\nLIMIT :limit"


@functools.cache
def _statement_for_every(filters: _Set, sort: Sort) -> str:
    return f"SELECT {COLUMNS}\n{_source(filters, sort)}\n{_where(_clauses(filters))}\n{_order_by(sort)}"


@functools.cache
def _count_statement(filters: _Set) -> str:
    return f"SELECT count(*)\nFROM patterns p\n{_where(_clauses(filters))}"


def _source(filters: _Set, sort: Sort) -> str:
    by_index = sort.by == "confidence" and _LEAVE_MOST.issuperset(filters)
    return "FROM patterns p INDEXED BY idx_patterns_confidence" if by_index else "FROM patterns p"


def _where(clauses: Sequence[str]) -> str:
    return "WHERE " + "\n    AND ".join(clauses) if clauses else ""


def _order_by(sort: Sort) -> str:
    way = "DESC" if sort.goes_down else "ASC"
    return "ORDER BY " + ", ".join(f"{value} {way}" for value in _ORDERS[sort.by].values)


# ---------------------------------------------------------------------------------------------------------------------
# What is bound


def _asked(wanted: Filter) -> tuple[_Set, dict[str, Any]]:
    """Which filters are set, and what is bound for them."""
    filters: list[tuple[str, str]] = []
    given: dict[str, Any] = {}
    for name in _BY_VALUES:
        if (value := getattr(wanted, name)) is None:
            continue
        values = _questions(value) if name == "text" else _distinct(value)
        if len(values) > 1:
            filters.append((name, "any"))
            given[name] = arrays.texts(values)
        elif values:
            filters.append((name, "one"))
            given[name] = values[0]
        else:
            filters.append((name, "none"))
    for name in _BY_ONE_VALUE:
        if (value := getattr(wanted, name)) is not None:
            filters.append((name, ""))
            given[name] = _stored(value) if isinstance(value, datetime) else value
    return tuple(filters), given


def _distinct(values: Sequence[str]) -> Sequence[str]:
    # SQLite ends a text at a NUL when it compares a list, and no column of these holds one.
    return list(dict.fromkeys([value for value in values if "\0" not in value]))


def _stored(moment: datetime) -> str:
    """A moment as the store writes them. Those of the store have no parts of milliseconds: whether one is at or behind
    a moment is what it is for the next full millisecond."""
    assert moment.tzinfo is not None, "a moment without a time zone is none"
    part = timedelta(microseconds=-moment.microsecond % 1_000)
    return (moment.astimezone(UTC) + part).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


# Words in one question: with their number, its cost grows more than in proportion. 200 take 0.3 ms.
_WORDS_AT_ONCE: Final = 200
# What no text of SQLite's can hold, or ends it.
_NO_TEXT: Final = re.compile("[\0\ud800-\udfff]")


def _questions(text: str) -> Sequence[str]:
    """Any words as full-text questions that all must be answered: each word quoted, so that nothing in it is an
    operator, and the last one also as a beginning. None when there is no word: nothing can be found by it."""
    words = [word for word in _NO_TEXT.sub(" ", text).split() if any(map(str.isalnum, word))]
    if not words:
        return ()
    quoted = list(dict.fromkeys('"' + word.replace('"', '""') + '"' for word in words[:-1]))
    quoted.append('"' + words[-1].replace('"', '""') + '" *')
    return [" ".join(quoted[first : first + _WORDS_AT_ONCE]) for first in range(0, len(quoted), _WORDS_AT_ONCE)]


# ---------------------------------------------------------------------------------------------------------------------
# Cursors


def _cursor(wanted: Filter, sort: Sort, place: Sequence[Any]) -> str:
    written = json.dumps([_mark(wanted, sort, place), *place], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(written.encode()).decode().rstrip("=")


def _place(wanted: Filter, sort: Sort, cursor: str) -> list[Any]:
    """The sort values of the row that the cursor stands behind."""
    try:
        mark, *place = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, TypeError, RecursionError) as problem:
        raise DriftError(
            f"cursor {cursor[:40]!r} is none that this search gave. Ask again without a cursor."
        ) from problem
    if mark != _mark(wanted, sort, place):
        raise DriftError(
            "This cursor belongs to another search, or was altered: a cursor continues the filters and the order that "
            "gave it. Repeat them, or ask again without a cursor."
        )
    return list(place)


def _mark(wanted: Filter, sort: Sort, place: Sequence[Any]) -> str:
    """Of the question and the place: no cursor fits another question, nor a place that was never offered."""
    question = {
        name: sorted(value) if isinstance(value, list | tuple) else value
        for name, value in dataclasses.asdict(wanted).items()
    }
    written = json.dumps([question, sort.by, sort.goes_down, *place], default=str)
    return hashlib.blake2s(written.encode(), digest_size=4).hexdigest()
