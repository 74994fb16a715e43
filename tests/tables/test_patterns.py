"""Patterns by evidence, and what a person decided about them."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from drift_mcp.model import Tally
from drift_mcp.tables import conventions, patterns


def finding(pattern: str, dominant: str | None = "snake", **changed: Any) -> patterns.Finding:
    plain = patterns.Finding(
        id=pattern,
        name=f"Names are {dominant}",
        description=None,
        category="structural",
        subcategory=None,
        convention="names",
        dominant_variant=dominant,
        confidence_score=0.9,
        confidence_frequency=0.9,
        confidence_consistency=0.8,
        confidence_spread=2,
        detector_type="ast",
        severity="warning",
        tags='["naming"]',
        hash=None,
    )
    return plain._replace(**changed)


def place(pattern: str, file_id: int, line: int, variant: str | None) -> patterns.NewLocation:
    return patterns.NewLocation(pattern, file_id, line, 0, variant=variant)


OUTLIERS = "SELECT file, line FROM v_pattern_locations WHERE is_outlier = 1 ORDER BY file, line"
COUNTERS = "SELECT id, location_count, outlier_count FROM patterns ORDER BY id"


def test_the_other_answers_are_the_outliers(tx: apsw.Connection, village: Any) -> None:
    a = village.file("a.py")
    patterns.put(tx, [finding("p")])
    patterns.replace_locations(
        tx, [a], [place("p", a, 1, "snake"), place("p", a, 2, "camel"), place("p", a, 3, "snake")]
    )
    patterns.settle(tx)
    assert tx.execute(OUTLIERS).fetchall() == [("a.py", 2)]
    assert tx.execute(COUNTERS).fetchall() == [("p", 2, 1)]


def test_when_most_places_change_their_answer_the_outliers_turn(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("a.py"), village.file("b.py")
    patterns.put(tx, [finding("p")])
    patterns.replace_locations(
        tx, [a, b], [place("p", a, 1, "snake"), place("p", b, 1, "snake"), place("p", b, 2, "camel")]
    )
    patterns.settle(tx)
    patterns.replace_locations(tx, [b], [place("p", b, line, "camel") for line in (1, 2, 3)])
    patterns.put(tx, [finding("p", "camel")])
    patterns.settle(tx)
    assert tx.execute(OUTLIERS).fetchall() == [("a.py", 1)]
    assert tx.execute("SELECT name FROM patterns").get == "Names are camel"


def test_an_approved_pattern_states_what_was_approved_whatever_most_places_do(
    tx: apsw.Connection, village: Any
) -> None:
    a = village.file("a.py")
    patterns.put(tx, [finding("p")])
    patterns.replace_locations(tx, [a], [place("p", a, 1, "snake")])
    patterns.settle(tx)
    conventions.judge(tx, "p", "approved", by="ada", reason="our style guide")

    patterns.put(tx, [finding("p", "camel", severity="hint", confidence_score=0.4)])
    patterns.replace_locations(tx, [a], [place("p", a, line, "camel") for line in (1, 2)])
    patterns.settle(tx)

    kept = "SELECT status, approved_by, status_reason, name, dominant_variant, severity, confidence_level FROM patterns"
    assert tx.execute(kept).fetchall() == [
        ("approved", "ada", "our style guide", "Names are snake", "snake", "warning", "uncertain")
    ]
    assert tx.execute(OUTLIERS).fetchall() == [("a.py", 1), ("a.py", 2)]
    assert patterns.verdicts(tx) == {"p": patterns.Verdict("approved", "snake")}


@pytest.mark.parametrize(("status", "left"), [("discovered", []), ("ignored", ["p"]), ("approved", ["p"])])
def test_a_pattern_that_holds_nowhere_is_forgotten_unless_a_person_spoke_about_it(
    tx: apsw.Connection, village: Any, status: str, left: list[str]
) -> None:
    a = village.file("a.py")
    patterns.put(tx, [finding("p")])
    patterns.replace_locations(tx, [a], [place("p", a, 1, "snake")])
    tx.execute("UPDATE patterns SET status = ?", (status,))
    patterns.replace_locations(tx, [a], [])
    patterns.settle(tx)
    assert [row[0] for row in tx.execute("SELECT id FROM patterns")] == left
    actions = [row[0] for row in tx.execute("SELECT action FROM pattern_history ORDER BY id")]
    assert actions == (["created"] if left else ["created", "deleted"])


def test_a_scan_leaves_the_patterns_of_other_scanners_alone(tx: apsw.Connection, village: Any) -> None:
    a = village.file("a.py")
    patterns.put(tx, [finding("theirs", None)], source="other 1.0")
    patterns.replace_locations(tx, [a], [place("theirs", a, 1, None)], source="other 1.0")
    patterns.put(tx, [finding("ours")])
    patterns.replace_locations(tx, [a], [])
    patterns.settle(tx)
    assert tx.execute(COUNTERS).fetchall() == [("theirs", 1, 0)]


def test_a_place_that_is_both_stays_an_outlier_with_its_reason(tx: apsw.Connection, village: Any) -> None:
    a = village.file("a.py")
    patterns.put(tx, [finding("p", None)])
    keeps = place("p", a, 1, None)
    departs = keeps._replace(is_outlier=1, outlier_reason="no prefix", deviation_score=0.4)
    for both in ([keeps, departs], [departs, keeps]):
        patterns.replace_locations(tx, [a], both)
        patterns.settle(tx)
        seen = "SELECT is_outlier, outlier_reason, deviation_score FROM pattern_locations"
        assert tx.execute(seen).fetchall() == [(1, "no prefix", 0.4)]
    assert tx.execute(COUNTERS).fetchall() == [("p", 0, 1)]


def test_tallies_count_places_files_and_files_of_one_mind(tx: apsw.Connection, village: Any) -> None:
    a, b, c = (village.file(f"{name}.py") for name in "abc")
    patterns.put(tx, [finding("p")])
    rows = [place("p", a, 1, "snake"), place("p", a, 2, "camel"), place("p", b, 1, "snake"), place("p", b, 2, "snake")]
    patterns.replace_locations(tx, [a, b, c], [*rows, place("p", c, 1, None)])
    assert patterns.tallies(tx) == [Tally("p", "names", "snake", 3, 2, 1), Tally("p", "names", "camel", 1, 1, 0)]


@pytest.mark.parametrize(
    ("score", "level"),
    [(1.0, "high"), (0.85, "high"), (0.84, "medium"), (0.7, "medium"), (0.5, "low"), (0.49, "uncertain")],
)
def test_levels_are_the_predecessors(score: float, level: str) -> None:
    assert patterns.confidence_level(score) == level


def test_the_words_of_a_pattern_are_found_as_they_are_now(tx: apsw.Connection) -> None:
    def matching(text: str) -> list[str]:
        return [row[0] for row in tx.execute("SELECT rowid FROM patterns_fts WHERE patterns_fts MATCH ?", (text,))]

    patterns.put(tx, [finding("p", name="Errors are wrapped")])
    assert len(matching("wrapped")) == 1
    patterns.put(tx, [finding("p", name="Errors are returned")])
    assert matching("wrapped") == []
    assert len(matching("returned")) == 1
    tx.execute("DELETE FROM patterns")
    assert matching("returned") == []
    tx.execute("INSERT INTO patterns_fts (patterns_fts) VALUES ('integrity-check')")


def test_what_a_scan_finds_is_no_change_to_push_and_a_verdict_is_one(tx: apsw.Connection, village: Any) -> None:
    a = village.file("a.py")
    patterns.put(tx, [finding("p")])
    patterns.replace_locations(tx, [a], [place("p", a, line, "snake") for line in range(1, 50)])
    patterns.settle(tx)
    patterns.put(tx, [finding("p", confidence_score=0.8)])
    conventions.judge(tx, "p", "ignored", by=None)
    logged = tx.execute("SELECT row_id, operation, synced FROM sync_log").fetchall()
    assert logged == [("p", "UPDATE", 0)]
