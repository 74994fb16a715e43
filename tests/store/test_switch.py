"""Several files change their names as one, wherever the process that does it dies."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from drift_mcp.errors import StoreUnusable
from drift_mcp.store import durable, switch
from drift_mcp.store.switch import Move

MOVES = [
    Move(".drift/old.db", ".drift/kept/old.db"),
    Move(".drift/deep/down/a.json", ".drift/kept/deep/down/a.json"),
    Move(".drift/new/old.db", ".drift/old.db"),
]
BEFORE = {"old.db": "old", "deep/down/a.json": "a", "new/old.db": "new"}
AFTER = {"kept/old.db": "old", "kept/deep/down/a.json": "a", "old.db": "new"}


class Killed(BaseException):
    """The process died here."""


def _written(home: Path) -> Path:
    for name, text in BEFORE.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    return home


def _there(home: Path) -> dict[str, str]:
    return {
        path.relative_to(home).as_posix(): path.read_text()
        for path in home.rglob("*")
        if path.is_file() and not path.name.startswith("switch.json")
    }


def test_all_files_are_moved_and_the_journal_is_gone(tmp_path: Path) -> None:
    home = _written(tmp_path / ".drift")
    switch.carry_out(home, MOVES)
    assert (_there(home), switch.is_unfinished(home)) == (AFTER, False)


@pytest.mark.parametrize("steps", range(6))
def test_a_process_that_dies_at_any_step_leaves_the_old_names_or_a_journal_that_leads_to_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    home = _written(tmp_path / ".drift")
    left = [steps]
    replace, unlink = os.replace, Path.unlink

    def step() -> None:
        if left[0] == 0:
            raise Killed
        left[0] -= 1

    def dying_replace(self: Path, target: Path) -> Path:
        step()
        replace(self, target)
        return Path(target)

    def dying_unlink(self: Path, missing_ok: bool = False) -> None:
        step()
        unlink(self, missing_ok)

    with monkeypatch.context() as dying:
        dying.setattr(Path, "replace", dying_replace)
        dying.setattr(Path, "unlink", dying_unlink)
        try:
            switch.carry_out(home, MOVES)
        except Killed:
            pass
        else:
            assert steps == 5  # the journal, three moves, the end of the journal: there is no sixth step
    if switch.is_unfinished(home):
        switch.finish(home)
    assert _there(home) in (BEFORE, AFTER)
    assert (_there(home) == BEFORE) == (steps == 0)
    assert not switch.is_unfinished(home)


def test_to_finish_what_was_never_begun_changes_nothing(tmp_path: Path) -> None:
    home = _written(tmp_path / ".drift")
    switch.finish(home)
    assert _there(home) == BEFORE


def test_a_move_that_cannot_be_made_says_so_and_is_made_later(tmp_path: Path) -> None:
    home = _written(tmp_path / ".drift")
    (home / "kept").write_text("a file where a folder is to be")
    with pytest.raises(StoreUnusable, match=r"old\.db could not be moved to kept/"):
        switch.carry_out(home, MOVES)
    (home / "kept").unlink()
    switch.finish(home)
    assert _there(home) == AFTER


def test_a_journal_of_a_newer_program_is_refused_and_left(tmp_path: Path) -> None:
    home = _written(tmp_path / ".drift")
    durable.text(home / "switch.json", '{"format": 2, "moves": []}')
    with pytest.raises(StoreUnusable, match="newer Drift"):
        switch.finish(home)
    assert switch.is_unfinished(home) and _there(home) == BEFORE
