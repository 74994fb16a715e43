"""Patterns by what is asked of them: which ones, in which order, and page by page."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.errors import DriftError
from drift_mcp.store import migrate, schema
from drift_mcp.tables import pattern_search
from drift_mcp.tables.pattern_search import By, Filter, Sort

INSERT = """
INSERT INTO patterns (
    id, name, description, category, subcategory, status, severity, confidence_score, confidence_level, auto_fixable,
    first_seen, last_seen, tags, source, location_count, outlier_count
)
VALUES (
    :id, :name, :description, :category, :subcategory, :status, :severity, :confidence, :level, :auto_fixable,
    :first_seen, :last_seen, :tags, :source, :locations, :outliers
)
"""

PLAIN: dict[str, Any] = {
    "name": "Names are short",
    "description": None,
    "category": "structural",
    "subcategory": None,
    "status": "discovered",
    "severity": "info",
    "confidence": 0.5,
    "level": "low",
    "auto_fixable": 0,
    "first_seen": "2026-01-01T00:00:00.000Z",
    "last_seen": "2026-01-01T00:00:00.000Z",
    "tags": None,
    "source": "scan",
    "locations": 1,
    "outliers": 0,
}


def put(tx: apsw.Connection, id: str, **told: Any) -> None:
    tx.execute(INSERT, {"id": id, **PLAIN, **told})


def ids(tx: apsw.Connection, wanted: Filter, sort: Sort | None = None) -> list[str]:
    return [one.id for one in pattern_search.every(tx, wanted, sort or Sort())]


@pytest.fixture
def six(tx: apsw.Connection, village: Any) -> apsw.Connection:
    """Six patterns, each of which differs from the others in what one may ask for."""
    put(
        tx, "a", name="Errors are wrapped", category="errors", subcategory="wrapping", status="approved",
        severity="error", confidence=0.95, level="high", tags='["python", "errors"]', outliers=3, locations=40,
        first_seen="2026-01-01T00:00:00.000Z", last_seen="2026-03-01T12:00:00.000Z",
    )  # fmt: skip
    put(
        tx, "b", name="errors carry a code", category="errors", severity="hint", confidence=0.7, level="medium",
        auto_fixable=1, source="eslint", tags='["python"]', locations=7, first_seen="2026-01-02T00:00:00.000Z",
        last_seen="2026-03-02T12:00:00.000Z",
    )  # fmt: skip
    put(
        tx, "c", name="Routes are async", description="data-access by session", category="api", status="ignored",
        severity="warning", confidence=0.95, level="high", outliers=1, locations=3,
        first_seen="2026-01-03T00:00:00.000Z", last_seen="2026-03-01T12:00:00.000Z",
    )  # fmt: skip
    put(
        tx, "d", name="Éclairs are naïve", category="api", subcategory="food", severity="info", confidence=0.2,
        level="uncertain", source=None, tags='["caf\\u00e9"]', first_seen="2026-01-04T00:00:00.000Z",
        last_seen="2026-03-04T12:00:00.000Z",
    )  # fmt: skip
    put(tx, "e", name="access of data", tags="[]", first_seen="2026-01-05T00:00:00.000Z", outliers=2, locations=3)
    put(
        tx,
        "f",
        name="zebra_crossing 日本語",
        tags='{"a": "python"}',
        first_seen="2026-01-06T00:00:00.000Z",
        locations=3,
    )
    here, there = village.file("src/here.py"), village.file("src/there.py")
    for pattern, file_id in (("a", here), ("b", here), ("b", there), ("d", there)):
        tx.execute(
            "INSERT INTO pattern_locations (pattern_key, file_id, line) SELECT key, ?, 3 FROM patterns WHERE id = ?",
            (file_id, pattern),
        )
    return tx


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Filter(), "abcdef"),
        (Filter(ids=["b"]), "b"),
        (Filter(ids=["b", "d", "b", "nobody"]), "bd"),
        (Filter(ids=["b", "d\0", "\0"]), "b"),
        (Filter(ids=["nobody"]), ""),
        (Filter(ids=[]), ""),
        (Filter(categories=["errors"]), "ab"),
        (Filter(categories=["errors", "api"]), "abcd"),
        (Filter(categories=["errors"], statuses=["discovered"]), "b"),
        (Filter(subcategories=["food"]), "d"),
        (Filter(subcategories=["food", "wrapping", ""]), "ad"),
        (Filter(statuses=["ignored"]), "c"),
        (Filter(statuses=["ignored", "approved"]), "ac"),
        (Filter(statuses=["ignored", "approved", "discovered"]), "abcdef"),
        (Filter(severities=["error"]), "a"),
        (Filter(severities=["hint", "warning"]), "bc"),
        (Filter(min_confidence=0.7), "abc"),
        (Filter(max_confidence=0.5), "def"),
        (Filter(min_confidence=0.5, max_confidence=0.7), "bef"),
        (Filter(min_confidence=0.95, max_confidence=0.95), "ac"),
        (Filter(min_confidence=0.7, statuses=["approved", "ignored"]), "ac"),
        (Filter(levels=["high"]), "ac"),
        (Filter(levels=["medium", "uncertain"]), "bd"),
        (Filter(auto_fixable=True), "b"),
        (Filter(auto_fixable=False), "acdef"),
        (Filter(has_outliers=True), "ace"),
        (Filter(has_outliers=False), "bdf"),
        (Filter(min_outliers=2), "ae"),
        (Filter(min_outliers=0), "abcdef"),
        (Filter(has_outliers=False, min_outliers=1), ""),
        (Filter(sources=["eslint"]), "b"),
        (Filter(sources=["eslint", "scan"]), "abcef"),
        (Filter(tags=["python"]), "abf"),
        (Filter(tags=["errors", "café"]), "ad"),
        (Filter(tags=["pyth"]), ""),
        (Filter(tags=['"]']), ""),
        (Filter(files=["src/here.py"]), "ab"),
        (Filter(files=["src/here.py", "src/there.py"]), "abd"),
        (Filter(files=["here.py"]), ""),
        (Filter(files=[]), ""),
        (Filter(first_seen_from=at("2026-01-04T00:00Z")), "def"),
        (Filter(first_seen_before=at("2026-01-04T00:00Z")), "abc"),
        (Filter(first_seen_from=at("2026-01-02T00:00Z"), first_seen_before=at("2026-01-04T00:00Z")), "bc"),
        (Filter(first_seen_from=at("2026-01-04T02:00+02:00")), "def"),
        (Filter(first_seen_from=at("2026-01-04T00:00:00.000001+00:00")), "ef"),
        (Filter(first_seen_before=at("2026-01-04T00:00:00.000001+00:00")), "abcd"),
        (Filter(last_seen_from=at("2026-03-01T12:00Z"), last_seen_before=at("2026-03-02T12:00Z")), "ac"),
        (Filter(first_seen_before=datetime.max.replace(microsecond=0, tzinfo=UTC)), "abcdef"),
        (Filter(first_seen_from=datetime.min.replace(tzinfo=UTC)), "abcdef"),
        (
            Filter(
                categories=["errors"], statuses=["approved"], min_confidence=0.9, severities=["error", "hint"],
                tags=["python"], files=["src/here.py"], text="wrap", min_outliers=3, ids=["a", "b"],
            ),
            "a",
        ),
    ],
)  # fmt: skip
def test_patterns_are_found_by_what_is_known_of_them(six: apsw.Connection, wanted: Filter, fits: str) -> None:
    assert sorted(ids(six, wanted)) == list(fits)
    assert pattern_search.count(six, wanted) == len(fits)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("errors", "ab"),
        ("ERRORS", "ab"),
        ("err", "ab"),
        ("err are", ""),  # a beginning is meant of the last word only
        ("are err", "a"),
        ("are  \n\twrapped", "a"),
        ("wrapped are", "a"),
        ("naive", "d"),
        ("eclairs NAÏ", "d"),
        ("日本", "f"),
        ("python", "abf"),
        ("data-access", "c"),
        ("data access", "ce"),
        ("zebra_cr", "f"),
        ("access:", "ce"),
        ("errors 🚀", "ab"),
        ("🚀", ""),
        ("errors (", "ab"),
        ("errors AND code", ""),
        ("errors OR async", ""),
        ("NOT errors", ""),
        ("NEAR(errors code)", ""),
        ("name:errors", ""),
        ("name : errors", ""),
        ("^errors", "ab"),
        ("errors*", "ab"),
        ("err* are", ""),
        ('"errors carry"', "b"),
        ('"err" OR *', ""),
        ('"', ""),
        ('""""', ""),
        ("()", ""),
        ("-x", ""),
        ("-errors", "ab"),
        ("+ - * / : ^ { } ( )", ""),
        ("", ""),
        ("   ", ""),
        ("'; DROP TABLE patterns; --", ""),
        ("er\0rors", ""),
        ("are\0wrap", "a"),
        ("\0", ""),
        ("wrap\0", "a"),
        ("\ud800", ""),
        ("wrap\udfff", "a"),
        ("errors\x01", "ab"),
        ("\u202ewrapped", "a"),
        ("e" * 100_000, ""),
        ("errors " * 14_000, "ab"),
        ("are " * 25_000 + "wrap", "a"),
        (" ".join(f"word{number}" for number in range(12_000)), ""),
        ("errors " + " ".join(f"word{number}" for number in range(1_000)), ""),
        (" ".join("!" * number for number in range(1, 440)) + " errors", "ab"),
        ("errors" + "." * 100_000, "ab"),
        ("%", ""),
        ("_", ""),
        ("erro_", "ab"),
    ],
)
def test_any_words_can_be_searched_for_and_none_is_an_operator(six: apsw.Connection, text: str, fits: str) -> None:
    wanted = Filter(text=text)
    assert sorted(ids(six, wanted)) == list(fits)
    assert pattern_search.count(six, wanted) == len(fits)
    # The same words mean the same beside other filters.
    assert sorted(ids(six, Filter(text=text, categories=["errors"]))) == sorted(set(fits) & set("ab"))


def test_all_words_are_to_be_there_however_many_they_are(tx: apsw.Connection) -> None:
    words = [f"word{number}" for number in range(450)]
    put(tx, "whole", description=" ".join(words))
    put(tx, "nearly", description=" ".join(words[:-1]))
    assert ids(tx, Filter(text=" ".join(words))) == ["whole"]
    assert sorted(ids(tx, Filter(text=" ".join(words[:-1])))) == ["nearly", "whole"]
    assert ids(tx, Filter(text=" ".join([*words, "more"]))) == []


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (Sort(), "acbfed"),
        (Sort("confidence", descending=False), "defbca"),
        (Sort("name"), "eabcfd"),
        (Sort("name", descending=True), "dfcbae"),
        (Sort("severity"), "acfedb"),
        (Sort("severity", descending=False), "bdefca"),
        (Sort("first_seen"), "fedcba"),
        (Sort("first_seen", descending=False), "abcdef"),
        (Sort("last_seen"), "dbcafe"),
        (Sort("outliers"), "aecfdb"),
        (Sort("locations"), "abfecd"),
        (Sort("locations", descending=False), "dcefba"),
    ],
)
def test_patterns_are_sorted_by_what_the_word_means(six: apsw.Connection, sort: Sort, order: str) -> None:
    assert "".join(ids(six, Filter(), sort)) == order


# ---------------------------------------------------------------------------------------------------------------------
# Page by page


def walk(
    db: apsw.Connection, wanted: Filter, sort: Sort, limits: Sequence[int] = (1,), between: Any = lambda: None
) -> Iterator[str]:
    cursor = None
    for limit in itertools.cycle(limits):
        page = pattern_search.page(db, wanted, sort, limit=limit, cursor=cursor)
        assert len(page.rows) <= limit
        yield from (one.id for one in page.rows)
        cursor = page.next_cursor
        if cursor is None:
            return
        between()


@pytest.mark.parametrize("by", get_args(By))
@pytest.mark.parametrize("descending", [None, True, False])
def test_a_walk_meets_each_pattern_once_though_all_are_tied(
    tx: apsw.Connection, by: By, descending: bool | None
) -> None:
    for number in range(23):
        put(tx, f"{number:02}")
    sort = Sort(by, descending)
    whole = ids(tx, Filter(), sort)
    assert sorted(whole) == [f"{number:02}" for number in range(23)]
    assert list(walk(tx, Filter(), sort, (1, 4, 2))) == whole
    assert list(walk(tx, Filter(), sort, (23,))) == whole


def test_a_walk_can_go_on_behind_any_row_of_a_page(six: apsw.Connection) -> None:
    page = pattern_search.page(six, Filter(), Sort(), limit=4)
    following = [pattern_search.page(six, Filter(), Sort(), limit=9, cursor=page.cursor_behind(n)) for n in range(4)]
    assert ["".join(one.id for one in each.rows) for each in following] == ["cbfed", "bfed", "fed", "ed"]


def test_the_row_that_a_cursor_stands_behind_may_be_gone(six: apsw.Connection) -> None:
    cursor = pattern_search.page(six, Filter(), Sort(), limit=2).next_cursor
    six.execute("DELETE FROM patterns WHERE id IN ('a', 'c')")
    assert [one.id for one in pattern_search.page(six, Filter(), Sort(), limit=1, cursor=cursor).rows] == ["b"]


def test_a_pattern_that_is_found_again_in_between_is_not_met_again(six: apsw.Connection) -> None:
    def found_again() -> None:
        six.execute("DELETE FROM patterns WHERE id = 'f'")
        put(six, "f", locations=3)

    assert list(walk(six, Filter(), Sort(), between=found_again)) == list("acbfed")


def test_long_names_of_any_letters_are_walked_along(tx: apsw.Connection) -> None:
    long = "日本語 'é\"\\🚀" * 400
    for number, name in enumerate((long, long + "b", long + "a", "", " ", "\x01", "Z", "z", "ä", "Ä", "a\0b", "a\0c")):
        put(tx, f"{number:02}", name=name)
    assert list(walk(tx, Filter(), Sort("name"))) == ids(tx, Filter(), Sort("name"))
    page = pattern_search.page(tx, Filter(ids=["00", "01"]), Sort("name"), limit=1)
    # What a door takes as one word.
    assert len(page.next_cursor or "") < 1_000


WANTED = Filter(categories=["errors", "api"], min_confidence=0.1)


@pytest.mark.parametrize(
    ("wanted", "sort"),
    [
        (Filter(categories=["errors", "api"], min_confidence=0.2), Sort()),
        (Filter(categories=["errors"], min_confidence=0.1), Sort()),
        (Filter(min_confidence=0.1), Sort()),
        (Filter(), Sort()),
        (WANTED, Sort("outliers")),
        (WANTED, Sort("confidence", descending=False)),
    ],
)
def test_a_cursor_of_another_search_is_refused_with_the_reason(
    six: apsw.Connection, wanted: Filter, sort: Sort
) -> None:
    cursor = pattern_search.page(six, WANTED, Sort(), limit=1).next_cursor
    with pytest.raises(DriftError, match="belongs to another search"):
        pattern_search.page(six, wanted, sort, limit=1, cursor=cursor)


def test_a_cursor_fits_the_same_search_put_in_other_words(six: apsw.Connection) -> None:
    cursor = pattern_search.page(six, WANTED, Sort(), limit=1).next_cursor
    same = Filter(categories=("api", "errors"), min_confidence=0.1)
    assert [
        one.id for one in pattern_search.page(six, same, Sort("confidence", True), limit=1, cursor=cursor).rows
    ] == ["c"]


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "====", "\ud800", "é", "\0", encoded("nothing"), encoded("5"), encoded("[]"), encoded("[" * 100_000),
     encoded('{"a": 1}'), encoded('["00000000", 0.95, 40, "a"]'), encoded("[NaN, NaN]"), "a" * 100_001],
)  # fmt: skip
def test_a_cursor_that_was_never_given_is_refused(six: apsw.Connection, cursor: str) -> None:
    with pytest.raises(DriftError, match=r"[Aa]sk again without a cursor"):
        pattern_search.page(six, Filter(), Sort(), limit=1, cursor=cursor)


def test_an_altered_place_is_refused(six: apsw.Connection) -> None:
    cursor = pattern_search.page(six, Filter(), Sort(), limit=1).next_cursor
    assert cursor is not None
    mark, confidence, places, id = json.loads(base64.urlsafe_b64decode(cursor + "=="))
    for altered in ([0.3, places, id], [confidence, places, "b"], [confidence, places], [confidence, places, id, 1]):
        with pytest.raises(DriftError, match="was altered"):
            pattern_search.page(six, Filter(), Sort(), limit=1, cursor=encoded(json.dumps([mark, *altered])))


def test_nothing_is_a_page_of_nothing_and_the_last(tx: apsw.Connection) -> None:
    page = pattern_search.page(tx, Filter(), Sort("name"), limit=5)
    assert (page.rows, page.is_last, page.next_cursor) == ((), True, None)


# ---------------------------------------------------------------------------------------------------------------------
# Beside a model in memory

WORDS = ["add", "address", "bad", "add-on", "Ad"]
MOMENTS = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]


def stored(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


patterns = st.fixed_dictionaries(
    {
        "name": st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
        "description": st.sampled_from([None, "bad", "add"]),
        "category": st.sampled_from(["api", "errors"]),
        "subcategory": st.sampled_from([None, "x", "y"]),
        "status": st.sampled_from(["discovered", "approved", "ignored"]),
        "severity": st.sampled_from(["error", "warning", "info", "hint"]),
        "confidence": st.sampled_from([0.0, 0.1, 0.1 + 0.2, 0.3, 1.0]),
        "level": st.sampled_from(["high", "low"]),
        "auto_fixable": st.sampled_from([0, 1]),
        "first_seen": st.sampled_from(MOMENTS).map(stored),
        "last_seen": st.sampled_from(MOMENTS).map(stored),
        "tags": st.sampled_from([None, "[]", '["t"]', '["t", "u"]', '["u", 1, null]']),
        "source": st.sampled_from([None, "scan", "eslint"]),
        "locations": st.sampled_from([0, 1, 2]),
        "outliers": st.sampled_from([0, 1, 2]),
        "files": st.sets(st.sampled_from(["a.py", "b.py"])),
    }
)


def some(*values: str) -> st.SearchStrategy[Any]:
    return st.lists(st.sampled_from(values), max_size=3)


ASKED: dict[str, st.SearchStrategy[Any]] = {
    "ids": some("01", "02", "03", "nobody"),
    "categories": some("api", "errors"),
    "subcategories": some("x", "y"),
    "statuses": some("discovered", "approved", "ignored"),
    "severities": some("error", "warning", "info", "hint"),
    "levels": some("high", "low"),
    "min_confidence": st.sampled_from([0.0, 0.1, 0.3]),
    "max_confidence": st.sampled_from([0.3, 1.0]),
    "auto_fixable": st.booleans(),
    "has_outliers": st.booleans(),
    "min_outliers": st.integers(0, 2),
    "text": st.lists(st.sampled_from([*WORDS, "b", "!"]), min_size=1, max_size=2).map(" ".join),
    "first_seen_from": st.sampled_from(MOMENTS),
    "first_seen_before": st.sampled_from(MOMENTS),
    "last_seen_from": st.sampled_from(MOMENTS),
    "last_seen_before": st.sampled_from(MOMENTS),
    "files": some("a.py", "b.py"),
    "tags": some("t", "u"),
    "sources": some("scan", "eslint"),
}


@st.composite
def some_filter(draw: st.DrawFn) -> Filter:
    """Up to three filters at once: more would find nothing."""
    names = draw(st.lists(st.sampled_from(sorted(ASKED)), max_size=3, unique=True))
    return Filter(**{name: draw(ASKED[name]) for name in names})


sorts = st.builds(Sort, st.sampled_from(get_args(By)), st.sampled_from([None, True, False]))

Row = dict[str, Any]


def fits(row: Row, wanted: Filter) -> bool:
    first, last = at(row["first_seen"]), at(row["last_seen"])
    return (
        (wanted.ids is None or row["id"] in wanted.ids)
        and (wanted.categories is None or row["category"] in wanted.categories)
        and (wanted.subcategories is None or row["subcategory"] in wanted.subcategories)
        and (wanted.statuses is None or row["status"] in wanted.statuses)
        and (wanted.severities is None or row["severity"] in wanted.severities)
        and (wanted.levels is None or row["level"] in wanted.levels)
        and (wanted.min_confidence is None or row["confidence"] >= wanted.min_confidence)
        and (wanted.max_confidence is None or row["confidence"] <= wanted.max_confidence)
        and (wanted.auto_fixable is None or bool(row["auto_fixable"]) is wanted.auto_fixable)
        and (wanted.has_outliers is None or (row["outliers"] > 0) is wanted.has_outliers)
        and (wanted.min_outliers is None or row["outliers"] >= wanted.min_outliers)
        and (wanted.text is None or speaks_of(row, wanted.text))
        and (wanted.first_seen_from is None or first >= wanted.first_seen_from)
        and (wanted.first_seen_before is None or first < wanted.first_seen_before)
        and (wanted.last_seen_from is None or last >= wanted.last_seen_from)
        and (wanted.last_seen_before is None or last < wanted.last_seen_before)
        and (wanted.files is None or bool(row["files"] & set(wanted.files)))
        and (wanted.tags is None or bool(set(json.loads(row["tags"] or "[]")) & set(wanted.tags)))
        and (wanted.sources is None or row["source"] in wanted.sources)
    )


def speaks_of(row: Row, text: str) -> bool:
    columns = [(row[name] or "").lower() for name in ("name", "description", "category", "subcategory", "tags")]
    words = [word for word in text.lower().split() if word.strip("!")]
    tokens = [column.replace("-", " ").replace('"', " ").replace("[", " ").split() for column in columns]

    def has(word: str, as_beginning: bool) -> bool:
        parts = word.split("-")
        for column in tokens:
            for start in range(len(column) - len(parts) + 1):
                here = column[start : start + len(parts)]
                if here == parts or (as_beginning and here[:-1] == parts[:-1] and here[-1].startswith(parts[-1])):
                    return True
        return False

    return bool(words) and all(has(word, number == len(words) - 1) for number, word in enumerate(words))


RANK = {"error": 4, "warning": 3, "info": 2, "hint": 1}


def place(row: Row, by: By) -> tuple[Any, ...]:
    values: dict[By, tuple[Any, ...]] = {
        "name": (row["name"].lower(),),
        "confidence": (row["confidence"], row["locations"]),
        "severity": (RANK[row["severity"]], row["confidence"]),
        "first_seen": (row["first_seen"],),
        "last_seen": (row["last_seen"],),
        "outliers": (row["outliers"],),
        "locations": (row["locations"],),
    }
    return (*values[by], row["id"])


class Model:
    """The patterns in memory, beside the same ones in the store."""

    def __init__(self, tx: apsw.Connection) -> None:
        self.tx = tx
        self.rows: dict[str, Row] = {}

    def put(self, id: str, row: Row) -> None:
        self.rows[id] = {"id": id, **row}
        put(self.tx, id, **{name: value for name, value in row.items() if name != "files"})
        for path in row["files"]:
            self.tx.execute(
                "INSERT INTO pattern_locations (pattern_key, file_id, line) "
                "SELECT p.key, m.id, 1 FROM patterns p, file_metadata m WHERE p.id = ? AND m.path = ?",
                (id, path),
            )

    def delete(self, id: str) -> None:
        if self.rows.pop(id, None) is not None:
            self.tx.execute("DELETE FROM patterns WHERE id = ?", (id,))

    def found(self, wanted: Filter, sort: Sort) -> list[str]:
        rows = [row for row in self.rows.values() if fits(row, wanted)]
        rows.sort(key=lambda row: place(row, sort.by), reverse=sort.goes_down)
        return [row["id"] for row in rows]


@pytest.fixture
def files_there(tx: apsw.Connection, village: Any) -> apsw.Connection:
    village.file("a.py")
    village.file("b.py")
    return tx


ids_of = st.integers(0, 25).map(lambda number: f"{number:02}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    first=st.dictionaries(ids_of, patterns, min_size=4, max_size=12),
    wanted=some_filter(),
    sort=sorts,
    limits=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    changes=st.lists(st.tuples(ids_of, st.none() | patterns), max_size=12),
)
def test_the_store_finds_what_a_model_in_memory_does(
    files_there: apsw.Connection,
    first: dict[str, Row],
    wanted: Filter,
    sort: Sort,
    limits: list[int],
    changes: list[tuple[str, Row | None]],
) -> None:
    tx = files_there
    tx.execute("SAVEPOINT example")
    try:
        model = Model(tx)
        for id, row in first.items():
            model.put(id, row)
        expected = model.found(wanted, sort)
        assert ids(tx, wanted, sort) == expected
        assert pattern_search.count(tx, wanted) == len(expected)
        assert list(walk(tx, wanted, sort, limits)) == expected

        # Between two pages one pattern is deleted, or one comes: never one that was there changed.
        waiting, touched = list(changes), set[str]()

        def between() -> None:
            if waiting:
                id, row = waiting.pop()
                if row is None:
                    model.delete(id)
                elif id not in model.rows:
                    model.put(id, row)
                touched.add(id)

        met = list(walk(tx, wanted, sort, limits, between))
        assert {id for id in met if met.count(id) > 1} <= touched
        assert [id for id in met if id not in touched] == [id for id in expected if id not in touched]
    finally:
        tx.execute("ROLLBACK TO example")
        tx.execute("RELEASE example")


# ---------------------------------------------------------------------------------------------------------------------
# By which index

CATEGORY = "SEARCH p USING INDEX idx_patterns_category (category=? AND status=? AND confidence_score"
FILE = "idx_pattern_locations_file (file_id=?)"


@pytest.fixture(params=["empty", "many", "many and looked at"])
def any_size(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[apsw.Connection]:
    """A store of three kinds: the planner is to choose the same way in each."""
    db = migrate.opened(tmp_path / "planned.db", schema.read("drift", 0x74657374))
    db.execute("BEGIN IMMEDIATE")
    if request.param != "empty":
        for number in range(2_000):
            put(
                db,
                f"{number:04}",
                category=("api", "errors", "auth", "types")[number % 4],
                status=("discovered", "discovered", "approved", "ignored")[number // 4 % 4],
                confidence=number % 100 / 100,
                severity=("error", "warning", "info", "hint")[number % 3],
            )
    if request.param == "many and looked at":
        db.execute("ANALYZE")
    yield db
    db.execute("ROLLBACK")
    db.close()


def plan(db: apsw.Connection, wanted: Filter, sort: Sort, cursor: str | None = None) -> list[str]:
    """How SQLite goes about the statement of a page."""
    asked: list[tuple[str, Any]] = []

    def note(_: apsw.Cursor, statement: str, bindings: Any) -> bool:
        asked.append((statement, bindings))
        return True

    db.exec_trace = note
    try:
        pattern_search.page(db, wanted, sort, limit=15, cursor=cursor)
    finally:
        db.exec_trace = None
    ((statement, bindings),) = asked
    return [row[3] for row in db.execute("EXPLAIN QUERY PLAN " + statement, bindings)]


@pytest.mark.parametrize(
    ("wanted", "sort", "way"),
    [
        (Filter(), Sort(), "SCAN p USING INDEX idx_patterns_confidence"),
        (Filter(statuses=["discovered", "approved"]), Sort(), "SCAN p USING INDEX idx_patterns_confidence"),
        (Filter(min_confidence=0.9), Sort(), "idx_patterns_confidence (confidence_score>?)"),
        (Filter(categories=["api"], statuses=["approved"], min_confidence=0.7), Sort(), CATEGORY),
        (Filter(categories=["api"], statuses=["approved"], min_confidence=0.7), Sort("severity"), CATEGORY),
        (Filter(categories=["api"], statuses=["approved"]), Sort(), "idx_patterns_category (category=? AND status=?)"),
        (Filter(categories=["api"]), Sort(), "idx_patterns_category (category=?)"),
        (Filter(ids=["0001"]), Sort(), "sqlite_autoindex_patterns_1 (id=?)"),
        (Filter(ids=["0001", "0002"]), Sort("name"), "sqlite_autoindex_patterns_1 (id=?)"),
        (Filter(files=["a.py"]), Sort(), FILE),
        (Filter(files=["a.py", "b.py"], statuses=["discovered", "approved"]), Sort(), FILE),
        (Filter(files=["a.py"], categories=["api"], statuses=["approved"]), Sort("outliers"), FILE),
        (Filter(text="names"), Sort(), "SCAN patterns_fts VIRTUAL TABLE INDEX 0:M"),
        (Filter(text="names"), Sort("name"), "SCAN patterns_fts VIRTUAL TABLE INDEX 0:M"),
    ],
)
def test_what_is_asked_for_most_is_looked_up(any_size: apsw.Connection, wanted: Filter, sort: Sort, way: str) -> None:
    steps = plan(any_size, wanted, sort)
    assert any(way in step for step in steps), steps


def test_the_next_page_by_confidence_begins_where_the_last_one_ended(any_size: apsw.Connection) -> None:
    put(any_size, "x")
    put(any_size, "y")
    cursor = pattern_search.page(any_size, Filter(), Sort(), limit=1).next_cursor
    steps = plan(any_size, Filter(), Sort(), cursor)
    assert any("idx_patterns_confidence (confidence_score<?)" in step for step in steps), steps


def test_a_moment_without_a_time_zone_is_a_mistake_of_the_caller(tx: apsw.Connection) -> None:
    with pytest.raises(AssertionError, match="time zone"):
        pattern_search.count(tx, Filter(first_seen_from=datetime(2026, 1, 1)))
    plus_two = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert pattern_search.count(tx, Filter(first_seen_from=plus_two)) == 0
