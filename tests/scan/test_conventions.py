from __future__ import annotations

import re

import pytest

from drift_mcp.scan.conventions import CONVENTIONS, Count, decide, dominant, outlier_reason, pattern_id

CATEGORIES = {
    "structural", "components", "styling", "api", "auth", "errors", "data-access", "testing", "logging", "security",
    "config", "types", "performance", "accessibility", "documentation",
}  # fmt: skip


def test_the_catalogue_covers_every_category_and_says_each_thing_once() -> None:
    keys = [convention.key for convention in CONVENTIONS]
    assert len(keys) == len(set(keys)) >= 40
    assert {convention.category for convention in CONVENTIONS} == CATEGORIES
    assert {convention.severity for convention in CONVENTIONS} <= {"error", "warning", "info", "hint"}


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda convention: convention.key)
def test_every_habit_that_can_be_stated_has_words(convention: object) -> None:
    assert isinstance(convention, tuple)
    _, _, question, _, choices, habits, *_ = convention
    assert question.endswith("?")
    for name, choice in choices.items():
        assert choice.title
        assert choice.says
        assert choice.advice or (habits and name not in habits)
    assert habits <= choices.keys() or "*" in choices


@pytest.mark.parametrize(
    ("counts", "choice"),
    [
        ({}, None),
        ({"a": Count(4, 4, 4)}, None),  # too few places
        ({"a": Count(40, 2, 2)}, None),  # in too few files
        ({"a": Count(5, 3, 3)}, "a"),
        ({"a": Count(59, 20, 15), "b": Count(41, 20, 15)}, None),  # no habit
        ({"a": Count(60, 20, 15), "b": Count(40, 20, 15)}, "a"),
        ({"a": Count(40, 9, 9), "b": Count(30, 9, 9), "c": Count(30, 9, 9)}, None),
        ({"b": Count(1, 1, 0), "a": Count(99, 30, 29)}, "a"),
    ],
)
def test_a_habit_needs_enough_places_in_enough_files_and_a_clear_majority(
    counts: dict[str, Count], choice: str | None
) -> None:
    found = dominant(counts)
    assert (found.choice if found else None) == choice


def confidence(places: int, of: int, files: int, pure: int) -> float:
    found = dominant(
        {"a": Count(places, files, pure), "b": Count(of - places, files - pure, 0)}, least_places=1, least_files=1
    )
    assert found is not None
    assert 0 <= found.confidence <= 1
    return found.confidence


def test_confidence_grows_with_share_number_consistency_and_spread() -> None:
    assert confidence(90, 100, 20, 15) > confidence(70, 100, 20, 15)
    assert confidence(90, 100, 20, 15) > confidence(9, 10, 20, 15)
    assert confidence(90, 100, 20, 18) > confidence(90, 100, 20, 10)
    assert confidence(90, 100, 8, 6) > confidence(90, 100, 4, 3)


@pytest.mark.parametrize(
    ("places", "of", "files", "pure", "least", "most"),
    [
        (200, 200, 50, 50, 0.85, 1.0),  # always and everywhere: high
        (85, 100, 30, 22, 0.70, 0.85),  # nearly always: medium
        (65, 100, 30, 15, 0.50, 0.70),  # more often than not: low
        (5, 5, 3, 3, 0.70, 0.85),  # always, but seldom seen: not high
    ],
)
def test_the_levels_mean_what_they_say(places: int, of: int, files: int, pure: int, least: float, most: float) -> None:
    assert least <= confidence(places, of, files, pure) < most + 0.001


def test_a_pattern_is_named_described_and_numbered() -> None:
    counts = {"specific": Count(90, 30, 25), "broad": Count(10, 5, 1)}
    found = decide("errors.except-breadth", "python", counts)
    assert found is not None
    assert (found.name, found.category, found.severity) == ("Exceptions are caught by name", "errors", "warning")
    assert (found.choice, found.frequency, found.spread) == ("specific", 0.9, 30)
    assert found.consistency == round(25 / 31, 4)
    assert re.fullmatch("[0-9a-f]{16}", found.id)
    assert found.id == pattern_id("errors.except-breadth", "specific", "python")


def test_an_open_answer_stands_in_the_words() -> None:
    found = decide("logging.logger-variable", "python", {"log": Count(50, 50, 50), "logger": Count(2, 2, 2)})
    assert found is not None
    assert found.name == "A module's logger is called log"
    assert found.description == "Call the module's logger log."


def test_what_nobody_should_copy_is_never_stated_as_a_habit() -> None:
    assert decide("documentation.public", "python", {"undocumented": Count(900, 90, 90)}) is None
    assert decide("security.sql-parameters", "python", {"built": Count(900, 90, 90)}) is None
    assert decide("security.sql-parameters", "python", {"parameters": Count(3, 2, 2)}) is not None


def test_the_same_habit_of_another_family_is_another_pattern() -> None:
    ids = {pattern_id(key, choice, family) for key in "ab" for choice in "xy" for family in ("python", "javascript")}
    assert len(ids) == 8


def test_an_outlier_is_told_what_it_does_and_what_the_others_do() -> None:
    assert outlier_reason("errors.except-breadth", "broad", "specific") == (
        "catches everything; elsewhere: exceptions are caught by name"
    )
    assert outlier_reason("security.sql-parameters", "built", "parameters") == (
        "puts values into the text of its SQL; elsewhere: SQL takes its values as parameters"
    )
    assert outlier_reason("config.access", "os.getenv", "os.environ") == (
        "uses os.getenv; elsewhere: the environment is read with os.environ"
    )
