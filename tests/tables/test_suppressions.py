"""Suppressions: what comments say, what persons say, until when, and what of it counts."""

from __future__ import annotations

import datetime
from typing import Any

import apsw
import pytest

from drift_mcp.errors import DriftError
from drift_mcp.tables import conventions, patterns, status, suppressions
from drift_mcp.tables.suppressions import Comment, Effect
from tests.tables.test_patterns import finding, place

TODAY = datetime.datetime.now(datetime.UTC).date()
YESTERDAY, TOMORROW = TODAY - datetime.timedelta(days=1), TODAY + datetime.timedelta(days=2)

PATTERN = "0123456789abcdef"


def comment(path: str, line: int | None = None, **changed: Any) -> Comment:
    plain = Comment(path, line, line, None, None, None, "as it is", None)
    return plain._replace(**changed)


@pytest.fixture
def camels(tx: apsw.Connection, village: Any) -> apsw.Connection:
    """Two patterns of one category; lines 1 to 4 of a.py and 1 of b.py do not keep to the first, line 2 of a.py not to
    the second."""
    a, b = village.file("a.py", "f"), village.file("b.py")
    patterns.put(
        tx,
        [
            finding(PATTERN, convention="structural.function-naming"),
            finding("q", convention="structural.file-naming", severity="error"),
        ],
    )
    rows = [place(PATTERN, a, line, "camel") for line in (1, 2, 3, 4)]
    rows += [place(PATTERN, b, 1, "camel"), place("q", a, 2, "camel")]
    rows += [place(PATTERN, b, line, "snake") for line in range(10, 30)]
    patterns.replace_locations(tx, [a, b], rows)
    patterns.settle(tx)
    return tx


def outliers(tx: apsw.Connection) -> dict[str, int]:
    return dict(tx.execute("SELECT id, outlier_count FROM patterns"))


def say(tx: apsw.Connection, *comments: Comment, paths: tuple[str, ...] = ("a.py", "b.py")) -> None:
    suppressions.replace_comments(tx, paths, comments)
    patterns.settle(tx)


def rows(tx: apsw.Connection, columns: str) -> list[tuple[Any, ...]]:
    return tx.execute(f"SELECT {columns} FROM pattern_suppressions ORDER BY id").fetchall()


# -- what is covered

COVERED: list[tuple[list[Comment], int, int]] = [
    ([], 5, 1),
    ([comment("a.py", 2)], 4, 0),
    ([comment("a.py", 2, end_line=4)], 2, 0),
    ([comment("a.py")], 1, 0),
    ([comment("a.py", 2, category="structural")], 4, 0),
    ([comment("a.py", 2, category="errors")], 5, 1),
    ([comment("a.py", 2, detector_id="structural.function-naming")], 4, 1),
    ([comment("a.py", 2, pattern_id=PATTERN)], 4, 1),
    ([comment("a.py", 2, pattern_id="fedcba9876543210")], 5, 1),
    ([comment("a.py", 9)], 5, 1),
    ([comment("b.py", 10, end_line=29)], 5, 1),
    ([comment("gone.py", 2)], 5, 1),
    # What two comments cover is suppressed once.
    ([comment("a.py"), comment("a.py", 2), comment("a.py", 2, pattern_id=PATTERN)], 1, 0),
    ([comment("a.py", 2, expires_at=suppressions.end_of(TOMORROW.isoformat()))], 4, 0),
    ([comment("a.py", 2, expires_at=suppressions.end_of(YESTERDAY.isoformat()))], 5, 1),
]


@pytest.mark.parametrize(("comments", "first", "second"), COVERED)
def test_a_suppressed_outlier_is_not_counted(
    camels: apsw.Connection, comments: list[Comment], first: int, second: int
) -> None:
    say(camels, *comments, paths=("a.py", "b.py", "gone.py"))
    assert outliers(camels) == {PATTERN: first, "q": second}
    assert camels.execute("SELECT location_count FROM patterns ORDER BY id").fetchall() == [(20,), (0,)]


def test_a_suppression_changes_neither_the_answers_nor_the_places(camels: apsw.Connection) -> None:
    def seen() -> tuple[Any, ...]:
        places = camels.execute("SELECT * FROM v_pattern_locations ORDER BY 1, 2, 3").fetchall()
        return patterns.tallies(camels), places, patterns.answered(camels)

    before = seen()
    say(camels, comment("a.py"), comment("b.py"))
    assert seen() == before


# -- comments

COMMENTS = "id, path, line, end_line, reason"


def test_a_comment_that_says_the_same_keeps_its_row_wherever_it_moves(camels: apsw.Connection) -> None:
    say(camels, comment("a.py", 2, reason="x"), comment("a.py", 5), comment("a.py", 7), comment("b.py", 1))
    (x, first, second, other) = (row[0] for row in rows(camels, "id"))
    say(camels, comment("a.py", 5), comment("a.py", 6), comment("a.py", 9, end_line=11, reason="x"), paths=("a.py",))
    assert rows(camels, COMMENTS) == [
        (x, "a.py", 9, 11, "x"),
        (first, "a.py", 5, 5, "as it is"),
        (second, "a.py", 6, 6, "as it is"),
        (other, "b.py", 1, 1, "as it is"),
    ]


def test_the_same_comments_again_write_nothing(camels: apsw.Connection) -> None:
    said = [comment("a.py", 2), comment("a.py", 2), comment("a.py"), comment("b.py", 1, category="errors")]
    say(camels, *said)
    before = camels.total_changes()
    suppressions.replace_comments(camels, ("a.py", "b.py"), said)
    assert camels.total_changes() == before


@pytest.mark.parametrize(
    "changed",
    [{"reason": "other"}, {"category": "errors"}, {"expires_at": "2999-01-01T23:59:59.999Z"}, {"line": None}],
)
def test_a_comment_that_says_something_else_is_another_one(camels: apsw.Connection, changed: dict[str, Any]) -> None:
    say(camels, comment("a.py", 2, expires_at="2998-01-01T23:59:59.999Z"))
    ((number,),) = rows(camels, "id")
    camels.execute("UPDATE pattern_suppressions SET created_at = '2001-01-01T00:00:00.000Z'")
    now = comment("a.py", 2, expires_at="2998-01-01T23:59:59.999Z")._replace(**changed)
    say(camels, now if now.line else now._replace(end_line=None))
    ((created_at, *_),) = rows(camels, "created_at")
    assert created_at > "2001-01-02"
    assert number


def test_of_a_comment_that_is_gone_nothing_is_kept(camels: apsw.Connection) -> None:
    say(camels, comment("a.py", 2), comment("b.py", 1))
    say(camels, paths=("a.py",))
    assert rows(camels, "path") == [("b.py",)]
    assert outliers(camels) == {PATTERN: 4, "q": 1}
    camels.execute("DELETE FROM file_metadata WHERE path = 'b.py'")
    suppressions.forget_comments(camels)
    assert rows(camels, "path") == []


def test_a_pattern_that_comes_back_is_suppressed_where_it_was(camels: apsw.Connection) -> None:
    say(camels, comment("a.py", pattern_id=PATTERN))
    camels.execute("DELETE FROM pattern_locations")
    patterns.settle(camels)
    assert outliers(camels) == {}
    (a,) = camels.execute("SELECT id FROM file_metadata WHERE path = 'a.py'").fetchone()
    patterns.put(camels, [finding(PATTERN)])
    patterns.replace_locations(camels, [a], [place(PATTERN, a, 1, "camel"), place(PATTERN, a, 2, "snake")])
    patterns.settle(camels)
    assert camels.execute("SELECT count(*) FROM v_suppressed_outliers").get == 1
    assert outliers(camels) == {PATTERN: 0}


# -- time

STATE = "is_active, deactivation_reason"


def run_out(tx: apsw.Connection) -> None:
    """As if the day had passed since the last count."""
    tx.execute("UPDATE pattern_suppressions SET expires_at = ?", (suppressions.end_of(YESTERDAY.isoformat()),))


def test_a_date_in_the_past_is_over_at_once(camels: apsw.Connection) -> None:
    say(camels, comment("a.py", 2, expires_at=suppressions.end_of(YESTERDAY.isoformat())))
    assert rows(camels, STATE) == [(0, "expired")]


def test_the_day_itself_still_counts(camels: apsw.Connection) -> None:
    say(camels, comment("a.py", 2, expires_at=suppressions.end_of(TODAY.isoformat())))
    assert rows(camels, STATE) == [(1, None)]


def test_what_has_expired_counts_from_that_moment_without_any_job(camels: apsw.Connection) -> None:
    keys = dict(camels.execute("SELECT id, key FROM patterns"))
    conventions.judge(camels, "q", "approved", by=None)
    say(camels, comment("a.py", 2, expires_at=suppressions.end_of(TOMORROW.isoformat())))
    status.refresh(camels)
    assert not suppressions.due(camels)
    assert suppressions.effects(camels, keys.values()) == {keys[PATTERN]: Effect(1, 0), keys["q"]: Effect(1, 0)}
    assert status.read(camels).concerns == ()
    before = camels.total_changes()

    run_out(camels)
    assert suppressions.due(camels)
    assert suppressions.effects(camels, keys.values()) == {keys[PATTERN]: Effect(0, 1), keys["q"]: Effect(0, 1)}
    assert [(one.pattern, one.outliers) for one in status.read(camels).concerns] == [("q", 1)]
    assert [at.suppressed for at in conventions.places(camels, keys["q"])] == [None]
    assert camels.total_changes() == before + 1, "reading writes nothing"

    patterns.recount(camels)
    assert rows(camels, STATE) == [(0, "expired")]
    assert outliers(camels) == {PATTERN: 5, "q": 1}
    assert suppressions.effects(camels, keys.values()) == {}
    assert [(one.pattern, one.outliers) for one in status.read(camels).concerns] == []
    status.refresh(camels)
    assert [(one.pattern, one.outliers) for one in status.read(camels).concerns] == [("q", 1)]


def test_an_outlier_that_another_suppression_covers_is_not_free_when_one_runs_out(camels: apsw.Connection) -> None:
    keys = dict(camels.execute("SELECT id, key FROM patterns"))
    say(camels, comment("a.py", 2, expires_at=suppressions.end_of(TOMORROW.isoformat())))
    run_out(camels)
    suppressions.add(camels, file="a.py", pattern=PATTERN, reason="old code")
    patterns.recount(camels)
    assert suppressions.effects(camels, keys.values()) == {keys[PATTERN]: Effect(4, 0)}
    assert outliers(camels) == {PATTERN: 1, "q": 1}


def test_what_has_expired_stays_so_when_the_clock_goes_backwards(camels: apsw.Connection) -> None:
    said = comment("a.py", 2, expires_at=suppressions.end_of(TOMORROW.isoformat()))
    say(camels, said)
    # As a scan left it whose clock was ahead.
    camels.execute(
        "UPDATE pattern_suppressions SET is_active = 0, deactivation_reason = 'expired', deactivated_at = expires_at"
    )
    for _ in range(2):
        say(camels, said)
        assert rows(camels, STATE) == [(0, "expired")]
        assert outliers(camels) == {PATTERN: 5, "q": 1}
    later = said._replace(expires_at="2999-01-01T23:59:59.999Z")
    say(camels, later)
    assert rows(camels, STATE) == [(1, None)]


# -- persons


def test_a_person_suppresses_and_takes_it_back(camels: apsw.Connection) -> None:
    number = suppressions.add(camels, file="a.py", line=2, reason=" legacy ", by="ada", until=TOMORROW)
    patterns.recount(camels)
    assert outliers(camels) == {PATTERN: 4, "q": 0}
    assert rows(camels, "id, scope, path, line, end_line, reason, created_by, expires_at, origin") == [
        (number, "line", "a.py", 2, 2, "legacy", "ada", f"{TOMORROW}T23:59:59.999Z", "person")
    ]
    assert suppressions.remove(camels, number)
    patterns.recount(camels)
    assert outliers(camels) == {PATTERN: 5, "q": 1}
    assert rows(camels, STATE) == [(0, "manual")]
    assert not suppressions.remove(camels, number)


@pytest.mark.parametrize(
    ("target", "scope", "left"),
    [
        ({"file": "a.py"}, "file", {PATTERN: 1, "q": 0}),
        ({"category": "structural"}, "category", {PATTERN: 0, "q": 0}),
        ({"category": "errors"}, "category", {PATTERN: 5, "q": 1}),
        ({"pattern": PATTERN}, "global", {PATTERN: 0, "q": 1}),
        ({"convention": "structural.file-naming"}, "global", {PATTERN: 5, "q": 0}),
        ({"file": "b.py", "category": "structural"}, "file", {PATTERN: 4, "q": 1}),
    ],
)
def test_a_person_suppresses_here_or_everywhere(
    camels: apsw.Connection, target: dict[str, Any], scope: str, left: dict[str, int]
) -> None:
    suppressions.add(camels, reason="so", **target)
    patterns.recount(camels)
    assert rows(camels, "scope") == [(scope,)]
    assert outliers(camels) == left


def test_the_same_word_again_changes_what_stands_beside_it(camels: apsw.Connection) -> None:
    first = suppressions.add(camels, file="a.py", line=2, reason="so")
    assert suppressions.add(camels, file="a.py", line=2, reason="so it is", by="bob", until=TOMORROW) == first
    assert suppressions.add(camels, file="a.py", line=3, reason="so") != first
    suppressions.remove(camels, first)
    assert suppressions.add(camels, file="a.py", line=2, reason="again") != first
    assert rows(camels, "reason, created_by") == [("so it is", "bob"), ("so", None), ("again", None)]


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"file": "a.py", "reason": " "}, "without a reason"),
    ({"line": 2}, "Line 2 of which file"),
    ({}, "all patterns everywhere"),
    ({"file": "c.py"}, "No file 'c.py' is known here"),
    ({"file": "a.py", "line": 11}, "a.py has 10 lines; there is no line 11"),
    ({"file": "a.py", "line": 0}, "there is no line 0"),
    ({"category": "erors"}, "No category 'erors'. There are: structural, "),
    ({"convention": "naming"}, "No convention 'naming'"),
    ({"pattern": "p"}, "No pattern 'p'"),
    ({"file": "a.py", "until": YESTERDAY}, "is over. Give a day that is still to come"),
]


@pytest.mark.parametrize(("asked", "message"), REFUSED)
def test_what_is_not_there_is_refused(camels: apsw.Connection, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(DriftError, match=message):
        suppressions.add(camels, **({"reason": "so"} | asked))
    assert rows(camels, "id") == []


def test_only_a_persons_word_is_taken_back(camels: apsw.Connection) -> None:
    say(camels, comment("a.py", 2))
    ((number,),) = rows(camels, "id")
    with pytest.raises(DriftError, match=r"is a comment in a\.py"):
        suppressions.remove(camels, number)
    with pytest.raises(DriftError, match="No suppression 999"):
        suppressions.remove(camels, 999)


def test_no_scan_touches_a_persons_word(camels: apsw.Connection) -> None:
    suppressions.add(camels, file="a.py", line=2, reason="so")
    suppressions.add(camels, file="a.py", pattern=PATTERN, reason="so")
    suppressions.add(camels, category="errors", reason="so")
    patterns.recount(camels)
    before = rows(camels, "*")
    logged = camels.execute("SELECT count(*) FROM sync_log WHERE table_name = 'pattern_suppressions'").get
    say(camels, comment("a.py", 2), comment("a.py"))
    say(camels)
    camels.execute("DELETE FROM file_metadata")
    camels.execute("DELETE FROM patterns")
    suppressions.forget_comments(camels)
    patterns.settle(camels)
    assert rows(camels, "*") == before
    assert camels.execute("SELECT count(*) FROM sync_log WHERE table_name = 'pattern_suppressions'").get == logged == 3
