"""Files that take the place of others: all of them, or none. Knows nothing of what stands in them.

Several renames are no single step for a file system. So they are written down first, in `.drift/switch.json`, and from
that moment on they count as done: whoever opens the project next finds the journal of a process that was killed and
`finish`es it. A move that was made already is known by its source being gone, or by what stands there having come by
a later one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from drift_mcp.errors import StoreUnusable
from drift_mcp.store import durable

_JOURNAL: Final = "switch.json"
_FORMAT: Final = 1


class Move(NamedTuple):
    """Paths below `root`, the folder that holds `.drift`."""

    old: str
    new: str


def carry_out(home: Path, moves: Sequence[Move]) -> None:
    """Make all moves, or, when this process dies before they are written down, none. Hold `backup.alone`.

    Raises StoreUnusable when one cannot be made: the others are, and it is tried again when the project is opened."""
    part = home / f"{_JOURNAL}.part"
    durable.text(part, json.dumps({"format": _FORMAT, "moves": moves}))
    durable.renamed(part, home / _JOURNAL)
    finish(home)


def is_unfinished(home: Path) -> bool:
    """Whether a switch is under way, or was killed half way."""
    return (home / _JOURNAL).exists()


def finish(home: Path) -> None:
    """Carry a switch that was killed half way to its end. Nothing to do, or done already, is fine. Hold
    `backup.alone`."""
    journal = home / _JOURNAL
    try:
        told = json.loads(journal.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    if told.get("format") != _FORMAT:
        raise StoreUnusable(
            f"{home.name}/{_JOURNAL} was written by a newer Drift, which was interrupted while it moved files. "
            "Update this program, and run the command again."
        )
    folders: set[Path] = set()
    moves = [Move(*each) for each in told["moves"]]
    arrived = {move.new for move in moves if not (home.parent / move.old).exists()}
    for old, new in moves:
        if old not in arrived:
            folders |= _moved(home.parent / old, home.parent / new)
    for folder in folders:
        if folder.is_dir():
            durable.folder(folder)
    journal.unlink()
    durable.folder(home)


def _moved(old: Path, new: Path) -> set[Path]:
    """The folders whose names changed."""
    if not old.exists():
        return set()
    try:
        new.parent.mkdir(parents=True, exist_ok=True)
        old.replace(new)
    except OSError as problem:
        raise StoreUnusable(
            f"{old.name} could not be moved to {new.parent.name}/: {problem.strerror}. Nothing is lost: mend that, and "
            "run the command again; it goes on from there."
        ) from problem
    return {old.parent, new.parent}
