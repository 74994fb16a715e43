"""The commands that keep copies and put them back: `drift backup`."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from drift_mcp.cli.words import DONE, NO, answering, progress_bar

if TYPE_CHECKING:
    from drift_mcp.project import Project
    from drift_mcp.store.backup import Backup


def add_to(commands: Any) -> None:
    backup = commands.add_parser("backup", help="copies of both databases, made while others work, and put back")
    actions = backup.add_subparsers(metavar="ACTION", required=True)

    create = actions.add_parser("create", help="copy both databases as they are at this moment")
    create.add_argument("--reason", default="requested", metavar="WORDS", help="stands in the file names")
    create.add_argument(
        "--keep",
        type=int,
        metavar="N",
        help="how many backups stay, this one included (default: as in config.toml, or 5)",
    )
    answering(create, pages=False)
    create.set_defaults(run=_create)

    listed = actions.add_parser("list", help="all backups, the newest first")
    listed.add_argument("--verify", action="store_true", help="read each whole; exit status 1 when one is damaged")
    answering(listed, pages=False)
    listed.set_defaults(run=_list)

    restore = actions.add_parser("restore", help="bring both databases to the state of a backup; can be undone")
    restore.add_argument(
        "backup",
        metavar="STAMP|latest",
        help="a stamp that `drift backup list` shows, or how it begins; latest: the newest that no restore made",
    )
    answering(restore, pages=False)
    restore.set_defaults(run=_restore)


def _project(asked: argparse.Namespace) -> Project:
    # Behind the parse: `drift --help` needs none of the rooms below.
    from drift_mcp.project import Project
    from drift_mcp.tools.projects import OpenProjects

    with OpenProjects(None) as projects:  # it knows which one is meant, and would make a store where there is none
        return Project(projects.root(asked.project))


def _create(asked: argparse.Namespace) -> int:
    with _project(asked) as project:
        made = project.back_up(asked.reason, keep=asked.keep, on_progress=progress_bar())
    if asked.json:
        _print(_fields(made))
        return DONE
    print(f"{made.stamp} ({made.reason}): {_copies(made)}, checked. In .drift/backups/.")
    loose = sum(copy.loose for copy in made.copies)
    if loose:
        print(f"{loose} rows point nowhere, as they do in the store: `drift doctor --fix` mends that.")
    print(f"Put back with: drift backup restore {made.stamp}")
    return DONE


def _list(asked: argparse.Namespace) -> int:
    from drift_mcp.store import backup  # see `_project`
    from drift_mcp.tools.answer import ago, count

    with _project(asked) as project:
        place = project.backups
    found = backup.listed(place)
    damaged = 0
    if asked.verify:
        seen = [backup.verified(place, each) for each in found]
        damaged = sum(each.problem is not None and bool(each.copies) for each in seen)
        found = seen
    status = NO if damaged else DONE
    if asked.json:
        _print({"backups": [_fields(each) for each in found], "total": len(found)})
        return status
    if not found:
        print("No backups yet. `drift backup create` makes one.")
        return status
    now = datetime.now(UTC)
    width = max(len(each.reason) for each in found)
    for each in found:
        age = ago(each.taken_at, now) if each.taken_at else "?"
        schema = "/".join(str(copy.schema) for copy in each.copies) or "?"
        standing = f"not whole: {each.problem}" if each.problem else "sound" if asked.verify else "whole"
        print(
            f"{each.stamp}  {each.reason:<{width}}  {age:>10}  {_size(each.bytes):>9}  schema {schema:<5}  {standing}"
        )
    if asked.verify:
        print(f"{count(damaged, 'backups')} damaged." if damaged else "No backup is damaged.")
    return status


def _restore(asked: argparse.Namespace) -> int:
    with _project(asked) as project:
        done = project.put_back(asked.backup, on_progress=progress_bar())
    undo = f"drift backup restore {done.undo.stamp}" if done.undo else None
    aside = f".drift/backups/{done.aside.name}/" if done.aside else None
    if asked.json:
        told = {
            "restored": _fields(done.backup),
            "undo": undo,
            "undo_stamp": done.undo.stamp if done.undo else None,
            "damaged_files": aside,
            "untouched": done.untouched,
        }
        _print(told)
        return DONE
    print(f"Restored {done.backup.stamp} ({done.backup.reason}): {_copies(done.backup)}.")
    if done.untouched:
        print(f"Left as it was, because the backup has no copy of it: {', '.join(done.untouched)}.")
    if aside:
        print(f"What was damaged was moved to {aside}")
    print(f"Undo with: {undo}" if undo else "There is no way back: nothing readable was there before.")
    return DONE


def _print(document: dict[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _copies(made: Backup) -> str:
    return " and ".join(f"{copy.database} {_size(copy.bytes)}" for copy in made.copies)


def _size(number: int) -> str:
    """'48.2 MB'."""
    if number < 1_000_000:
        return f"{number / 1_000:.0f} kB"
    return f"{number / 1_000_000:,.1f} MB"


def _fields(each: Backup) -> dict[str, Any]:
    return {
        "stamp": each.stamp,
        "reason": each.reason,
        "taken_at": each.taken_at,
        "bytes": each.bytes,
        "whole": each.problem is None,
        "problem": each.problem,
        "drift_version": each.program,
        "files": [
            {
                "database": copy.database,
                "file": each.file(copy.database),
                "bytes": copy.bytes,
                "blake3": copy.blake3,
                "schema": copy.schema,
                "loose_references": copy.loose,
            }
            for copy in each.copies
        ],
    }
