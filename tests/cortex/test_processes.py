"""Several processes that remember at once: each memory that was acknowledged is there, once."""

from __future__ import annotations

from pathlib import Path

from faults import adding


def test_eight_processes_add_at_once_and_none_is_lost_or_doubled(tmp_path: Path) -> None:
    assert adding.at_once(tmp_path, 8, 40) is None


def test_what_others_had_acknowledged_outlives_two_that_are_killed(tmp_path: Path) -> None:
    assert adding.at_once(tmp_path, 4, 40, seed="1", kills=2) is None
