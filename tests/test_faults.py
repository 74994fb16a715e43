"""A few rounds of each kind of harm; `python -m faults` does hundreds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import clock, damage, disk, graphs, kill, memory_trials, processes, trials
from faults.outcome import Outcome
from faults.workshop import Workshop


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path.resolve()


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with Workshop(tmp_path_factory.mktemp("workshop").resolve()) as opened:
        yield opened


def assert_survived(outcome: Outcome) -> None:
    assert outcome.failures == ()
    assert outcome.survived == outcome.rounds


@pytest.mark.parametrize("name", ["scan after edits", "migration", "backup restore", "approve"])
def test_a_kill_at_a_random_moment_loses_nothing(workshop: Workshop, name: str) -> None:
    assert_survived(kill.one(workshop, name, trials.named(workshop)[name], 2, 1))


@pytest.mark.parametrize(
    ("name", "rounds"),
    [
        ("memory add", 5),
        ("memory revise", 5),
        ("memory import", 2),
        ("memory consolidate", 3),
        ("vectors of another model", 2),
    ],
)
def test_a_kill_at_a_random_moment_leaves_every_memory_whole(workshop: Workshop, name: str, rounds: int) -> None:
    assert_survived(kill.one(workshop, name, memory_trials.named()[name], rounds, 1))


def test_a_full_disk_is_told_and_loses_nothing(here: Path) -> None:
    for outcome in disk.run(here, 2, 1, ("scan after edits", "backup create")):
        assert_survived(outcome)


def test_a_bit_flipped_anywhere_is_no_wrong_answer(here: Path) -> None:
    with Workshop(here) as workshop:
        sound = damage.made(workshop)
        for name in ("drift.db", "cortex.db"):
            assert_survived(damage.one(sound, name, "a bit flipped", 1, 1))


def test_no_command_opens_a_live_database_by_a_plain_file_call(here: Path) -> None:
    with Workshop(here) as workshop:
        assert_survived(processes.plain_file_calls(workshop))


def test_a_clock_that_is_set_back_and_forth_wipes_nothing(here: Path) -> None:
    for outcome in clock.run(here, 1, 1):
        assert_survived(outcome)


def test_chains_and_circles_are_walked_as_far_as_they_are_asked_for(here: Path) -> None:
    for outcome in graphs.run(here, 1, 1, ("a chain of 300", "a circle of 300", "all of 17 with all"), size=300):
        assert_survived(outcome)
