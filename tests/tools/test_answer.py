"""Layout: what an answer looks like at each grade, and that a budget is never broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_mcp.errors import DriftError
from drift_mcp.tools.answer import (
    LEAST_TOKENS,
    Answer,
    Form,
    Freshness,
    Row,
    Section,
    budget,
    clean,
    count,
    render,
    tokens,
    window,
)

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
FRESH = Freshness("2026-05-01T11:56:00.000Z", "3f2c1ab99d", ("src/a.py", "src/b.py"))


def answer(rows: list[Row], *, total: int | None = None, ranked: bool = False, offset: int = 0) -> Answer:
    total = len(rows) if total is None else total
    asked = {"function": "f", "limit": 50, "cursor": None}
    first = window("get_callers", asked, state=17, default_limit=50)
    here = window("get_callers", asked | {"cursor": first.cursor(offset)}, 17, 50) if offset else first
    return Answer(
        head="`charge` (src/pay.py:10) is called from here.",
        sections=(Section("Proven call sites", tuple(rows), total, "call sites", ranked),),
        notes=("12 call sites could not be resolved.",),
        data={"function": "charge", "callers": [{"function": row.full, "line": row.line} for row in rows]},
        items="callers",
        window=here,
        freshness=FRESH,
    )


ROWS = [
    Row("checkout  by import", file="src/shop.py", line=12),
    Row("checkout  by import", file="src/shop.py", line=31),
    Row("Api.pay  by type", file="src/api.py", line=7),
]


def test_rows_of_one_file_stand_under_its_name_and_a_single_one_is_a_place() -> None:
    assert render(answer(ROWS), "text", budget(None), NOW) == (
        "`charge` (src/pay.py:10) is called from here.\n"
        "Proven call sites:\n"
        "src/shop.py\n"
        "  12 checkout  by import\n"
        "  31 checkout  by import\n"
        "src/api.py:7  Api.pay  by type\n"
        "12 call sites could not be resolved.\n"
        "[scanned 4 min ago at 3f2c1ab, src/a.py, src/b.py changed since (scan_project brings it up to date)]"
    )


def test_too_many_rows_are_said_as_locations_then_as_counts_then_as_one_count() -> None:
    rows = [
        Row(f"some_function_{n} by a resolution told at length", file=f"src/f{n // 10}.py", line=n) for n in range(60)
    ]
    asked = answer(rows)
    texts = [render(asked, "text", budget(limit), NOW) for limit in (2_000, 500, 270, 160, 100)]
    assert "some_function_59 by a resolution told at length" in texts[0]
    assert "src/f1.py:10,11,12,13,14,15,16,17,18,19" in texts[1]
    assert "shortened to locations" in texts[1]
    assert "src/f1.py: 10" in texts[2]
    assert "Proven call sites: 60" in texts[3]
    assert texts[4] == "60 call sites. The answer is too long for budget_tokens=100: ask with more."


def test_a_ranked_list_loses_its_end_and_gives_the_cursor_to_it() -> None:
    rows = [Row(f"pattern number {n} and what it says", short=f"pattern {n}") for n in range(60)]
    text = render(answer(rows, ranked=True), "text", budget(400), NOW)
    shown = text.count("what it says")
    assert 5 < shown < 60
    assert f"pattern number {shown - 1} " in text
    assert f'{shown} of 60 shown; the next ones: cursor="{shown}-17-' in text


def test_a_page_says_which_part_it_is() -> None:
    text = render(answer(ROWS, total=53, offset=50), "text", budget(None), NOW)
    assert "51 to 53 of 53 shown; that is all" in text
    text = render(answer(ROWS, total=90, offset=50), "text", budget(None), NOW)
    assert '51 to 53 of 90 shown; the next ones: cursor="53-17-' in text


def test_the_json_form_is_compact_and_says_what_is_left() -> None:
    document = json.loads(render(answer(ROWS, total=90), "json", budget(None)))
    assert document == {
        "function": "charge",
        "callers": [{"function": row.full, "line": row.line} for row in ROWS],
        "total": 90,
        "truncated": True,
        "next_cursor": answer(ROWS).window.cursor(3) if answer(ROWS).window else None,
        "freshness": {
            "scanned_at": "2026-05-01T11:56:00.000Z",
            "commit": "3f2c1ab99d",
            "files_changed_since": 2,
            "changed_files": ["src/a.py", "src/b.py"],
            "rescanned_files": [],
        },
    }


def test_the_json_form_loses_rows_from_its_end_and_stays_json() -> None:
    rows = [Row("x" * 40, file="a.py", line=n) for n in range(60)]
    document = json.loads(render(answer(rows), "json", budget(500)))
    assert 0 < len(document["callers"]) < 60
    assert document["truncated"] is True
    assert document["next_cursor"].startswith(f"{len(document['callers'])}-17-")


def test_one_thing_with_long_lists_is_cut_to_what_fits() -> None:
    places = [{"file": "src/shop/checkout.py", "line": line} for line in range(300)]
    whole = Answer("One convention.", data={"patterns": [{"pattern": "p1", "places": places, "tags": ["a"]}]})
    text = render(whole, "json", budget(800))
    document = json.loads(text)
    (pattern,) = document["patterns"]
    assert (pattern["pattern"], pattern["tags"], document["truncated"]) == ("p1", ["a"], True)
    assert pattern["places"] == places[: len(pattern["places"])] and len(pattern["places"]) > 5
    assert budget(800).holds(text) and f"cut to {len(pattern['places'])} " in document["note"]
    assert json.loads(render(whole, "json", budget(20)))["note"] == "not one row fits budget_tokens: ask with more"


def test_where_not_one_row_fits_a_program_is_told_so_and_not_sent_round_for_ever() -> None:
    rows = [Row("x" * 4_000, file="a.py", line=n) for n in range(3)]
    document = json.loads(render(answer(rows, total=90), "json", budget(150)))
    assert (document["callers"], document["total"], document["truncated"]) == ([], 90, True)
    assert document["next_cursor"] is None
    assert "ask with more" in document["note"]


def test_the_default_answer_is_one_that_every_client_shows_whole() -> None:
    rows = [Row("x" * 60, file=f"f{n}.py", line=n) for n in range(1_000)]
    text = render(answer(rows), "text", budget(None), NOW)
    assert len(text.encode()) <= 10 * 1024
    assert text.count("\n") < 250


names = st.text(max_size=60)
anything = st.builds(Row, full=names, short=names, file=st.none() | names, line=st.none() | st.integers(0, 10**6))


@given(
    st.lists(anything, max_size=40), st.integers(LEAST_TOKENS, 1_500), st.booleans(), st.sampled_from(["text", "json"])
)
def test_no_answer_is_longer_than_its_budget_and_none_is_empty(
    rows: list[Row], limit: int, ranked: bool, form: Form
) -> None:
    text = render(answer(rows, ranked=ranked), form, budget(limit), NOW)
    assert tokens(text) <= limit
    assert text
    text.encode("utf-8")
    if form == "json":
        assert isinstance(json.loads(text), dict)


@given(st.text(alphabet=st.characters()))
def test_what_goes_out_can_be_sent_and_shown(text: str) -> None:
    out = clean(text)
    out.encode("utf-8")
    assert not any(ord(letter) < 32 and letter != "\n" for letter in out)


def test_a_name_from_the_source_cannot_break_a_line_or_turn_it_round() -> None:
    rows = [Row("f\ud800\u202eevil", file="a\nb.py", line=3)]
    text = render(answer(rows), "text", budget(None), NOW)
    assert "a\\nb.py:3  f?evil\n" in text


# Counts by a reconstruction of the newest Claude vocabulary, of our own kinds of text.
@pytest.mark.parametrize(
    ("text", "at_least"),
    [
        ("src/shop/checkout.py\n  12 Checkout.total  by import\n", 15),
        ('{"function":"charge","file":"src/pay.py","line":10}', 17),
        ("9f86d081884c7d659a2feaa0c55ad015", 19),
        ("The quick brown fox jumps over the lazy dog.", 10),
    ],
)
def test_the_estimate_does_not_come_out_low(text: str, at_least: int) -> None:
    assert tokens(text) >= at_least


ASKED = {"function": "f", "file": None, "limit": None, "cursor": None, "format": "text", "budget_tokens": None}


def test_a_cursor_continues_its_own_question_whatever_the_size_of_the_page() -> None:
    cursor = window("get_callers", ASKED, 17, 50).cursor(50)
    again = window("get_callers", ASKED | {"cursor": cursor, "limit": 10, "format": "json"}, 17, 50)
    assert (again.offset, again.limit) == (50, 10)


@pytest.mark.parametrize(
    ("tool", "change", "state", "words"),
    [
        ("get_callers", {"function": "g"}, 17, "another question"),
        ("find_functions", {}, 17, "another question"),
        ("get_callers", {}, 18, "store has changed"),
        ("get_callers", {"cursor": "50-17-zzzzzzzz"}, 17, "none that this tool gave"),
        ("get_callers", {"cursor": "' OR 1=1"}, 17, "none that this tool gave"),
        (
            "get_callers",
            {"cursor": window("get_callers", ASKED, 17, 50).cursor(50).replace("50-", "99-", 1)},
            17,
            "was altered",
        ),
        (
            "get_callers",
            {"cursor": "\uff15" + window("get_callers", ASKED, 17, 50).cursor(5)[1:]},
            17,
            "none that this",
        ),
    ],
)
def test_a_cursor_from_elsewhere_is_refused_with_the_reason(
    tool: str, change: dict[str, str], state: int, words: str
) -> None:
    cursor = window("get_callers", ASKED, 17, 50).cursor(50)
    with pytest.raises(DriftError, match=words):
        window(tool, ASKED | {"cursor": cursor} | change, state, 50)


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "call sites", "1 call site"), (2, "call sites", "2 call sites"), (1, "classes", "1 class"),
     (1, "entries", "1 entry"), (0, "files", "0 files"), (1204, "functions", "1,204 functions")],
)  # fmt: skip
def test_counts_agree_with_their_nouns(number: int, noun: str, said: str) -> None:
    assert count(number, noun) == said
