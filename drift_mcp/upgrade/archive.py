"""Where the old files go when their content has moved, and the way back. Moves files; never changes or deletes one.

`.drift/.v1-archive/` holds them under the names that they had. `contents.json` there says which upgrade moved what, and
what it put in place, so that `undo` knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from drift_mcp.errors import DriftError
from drift_mcp.project import FOLDER, Project
from drift_mcp.store import backup, durable, lock, switch
from drift_mcp.store.switch import Move
from drift_mcp.upgrade.sources import COMPANIONS, Source

FOLDER_NAME: Final = ".v1-archive"
_CONTENTS: Final = "contents.json"
_OUTSIDE: Final = "outside"  # for what lay beside .drift


def moves(home: Path, sources: Sequence[Source]) -> list[Move]:
    """Each of these files into the archive. A name that an earlier upgrade has taken there gets a folder of this
    moment."""
    again = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    made = []
    for each in sources:
        is_inside = each.path.is_relative_to(home)
        name = each.name if is_inside else f"{_OUTSIDE}/{each.name}"
        new = f"{FOLDER_NAME}/{name}"
        if (home / new).exists():
            new = f"{FOLDER_NAME}/{again}/{name}"
        made.append(Move(f"{FOLDER}/{each.name}" if is_inside else each.name, f"{FOLDER}/{new}"))
    return made


def noted(home: Path, made: Sequence[Move], placed: Sequence[str], saved: str | None) -> Move:
    """Write down what an upgrade is about to move; the move that makes it so belongs to the same switch. `placed`:
    databases that it puts in place; `saved`: the backup of those that were there."""
    place = home / FOLDER_NAME
    place.mkdir(exist_ok=True)
    entry = {"at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "moves": made, "placed": placed, "backup": saved}
    return _written(home, [*_entries(home), entry])


class Undone(NamedTuple):
    files: int  # that are back under their names
    backup: str  # of the databases as they were just before, by its stamp


def undo(project: Project) -> Undone:
    """Bring the old files back, and the databases to what they were before the last upgrade; what is in them now is
    backed up. Raises DriftError when nothing was upgraded, or an old name is in use again."""
    home = project.store.parent
    entries = _entries(home)
    if not entries:
        raise DriftError(f"No upgrade of {project.root.name} is on record, so there is nothing to take back.")
    last = entries[-1]
    placed = [f"{FOLDER}/{name}" for name in last["placed"]]
    back = [Move(new, old) for old, new in last["moves"]]
    taken = [old for _, old in back if (project.root / old).exists() and old not in placed]
    if taken:
        raise DriftError(
            f"{len(taken)} of the old names are in use again, such as {taken[0]}. Move those away, and undo again."
        )
    saved = project.back_up("before-undo")
    project.close()
    if last["backup"] is not None:
        project.put_back(last["backup"])
        project.close()
    aside = f"{FOLDER}/{FOLDER_NAME}/undone-{saved.stamp}"
    away = [
        Move(name + end, f"{aside}/{Path(name).name}{end}")
        for name in placed
        for end in ("", *COMPANIONS)
        if (project.root / (name + end)).exists()
    ]
    with lock.exclusive(project.scan_lock), backup.alone(home):
        switch.carry_out(home, [*away, *back, _written(home, entries[:-1])])
    _tidy(home / FOLDER_NAME)
    return Undone(len(back), saved.stamp)


def _entries(home: Path) -> list[dict[str, Any]]:
    try:
        told: list[dict[str, Any]] = json.loads((home / FOLDER_NAME / _CONTENTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return told


def _written(home: Path, entries: Sequence[Mapping[str, Any]]) -> Move:
    """The record of all upgrades, under a name of its own until the move that comes back is made."""
    durable.text(home / FOLDER_NAME / f"{_CONTENTS}.new", json.dumps(entries, indent=1))
    contents = f"{FOLDER}/{FOLDER_NAME}/{_CONTENTS}"
    return Move(f"{contents}.new", contents)


def _tidy(folder: Path) -> None:
    """Takes away the folders that nothing is left in."""
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            _tidy(each)
            if not any(each.iterdir()):
                each.rmdir()
