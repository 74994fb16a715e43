"""`drift upgrade`: from the old tool's data to today's store, with an account of every row."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from drift_mcp.cli.words import DONE

if TYPE_CHECKING:
    from drift_mcp.upgrade.account import Line
    from drift_mcp.upgrade.run import Report
    from drift_mcp.upgrade.sources import Source

# Refused rows that are shown; --json has them all.
_SHOWN = 20


def add_to(commands: Any) -> None:
    upgrade = commands.add_parser("upgrade", help="take over what the old tool left, without losing a row")
    upgrade.add_argument("path", metavar="PATH", nargs="?", help="the project (default: the one around this folder)")
    upgrade.add_argument("--dry-run", action="store_true", help="say what would come of it, and change nothing")
    upgrade.add_argument(
        "--approvals-from",
        choices=["history"],
        help="also take approvals that only the old tool's daily snapshots remember",
    )
    upgrade.add_argument("--undo", action="store_true", help="bring the old files back, as before the last upgrade")
    upgrade.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    upgrade.set_defaults(run=_upgrade)


def _upgrade(asked: argparse.Namespace) -> int:
    # Behind the parse, as everywhere: `drift --help` needs no store.
    from drift_mcp.errors import DriftError
    from drift_mcp.project import open_project
    from drift_mcp.upgrade import archive, run

    if asked.undo and (asked.dry_run or asked.approvals_from):
        raise DriftError("--undo goes alone: it takes the last upgrade back.")
    with open_project(asked.path) as project:
        if asked.undo:
            undone = archive.undo(project)
            if asked.json:
                print(json.dumps({"files": undone.files, "backup": undone.backup}))
            else:
                print(
                    f"{undone.files} old files are back where they were. What was in the databases until now is in the "
                    f"backup {undone.backup}: `drift backup restore {undone.backup}` brings it back."
                )
            return DONE
        report = run.upgrade(project, is_dry=asked.dry_run, approvals_from_history=asked.approvals_from == "history")
    if asked.json:
        print(json.dumps(_described(report), ensure_ascii=False, separators=(",", ":")))
    else:
        _show(report)
    return DONE


def _described(report: Report) -> dict[str, Any]:
    return {
        "dry_run": report.is_dry,
        "schemas": [{"database": each.database, "from": each.before, "to": each.after} for each in report.older],
        "files": [{"file": each.name, "kind": each.kind, "bytes": each.size} for each in report.sources],
        "domains": [
            {
                "domain": each.domain,
                "found": each.found,
                "moved": each.moved,
                "merged": sum(each.merged.values()),
                "merged_because": dict(each.merged),
                "refused": each.refused,
            }
            for each in report.lines
        ],
        "refused": [{"domain": each.domain, "where": each.where, "reason": each.reason} for each in report.refusals],
        "notes": list(report.notes),
        "backup": report.backup,
        "archive": report.archive,
        "files_archived": report.files_archived,
        "duration_ms": report.duration_ms,
    }


def _show(report: Report) -> None:
    for older in report.older:
        what = "would be brought up" if report.is_dry else "was brought up, after a backup,"
        print(f"{older.database} {what} from schema {older.before} to {older.after}.")
    if not report.sources:
        print("Nothing of the old tool is left here to upgrade.")
        return
    print("Found:")
    for line in _kinds(report.sources):
        print(f"  {line}")
    print()
    _table(report.lines)
    for each in report.lines:
        for reason, rows in each.merged.items():
            print(f"  {each.domain}: {rows:,} merged, {reason}")
    if report.refusals:
        print(f"\nRefused ({len(report.refusals):,}):")
        for refusal in report.refusals[:_SHOWN]:
            print(f"  {refusal.domain}: {refusal.where}: {refusal.reason}")
        if len(report.refusals) > _SHOWN:
            print(f"  and {len(report.refusals) - _SHOWN:,} more; --json lists them all")
    for note in report.notes:
        print(f"Note: {note}")
    print()
    if report.is_dry:
        print("Nothing was changed. Without --dry-run this becomes the store, and the old files move to an archive.")
        return
    saved = f" The databases that were there before are in the backup {report.backup}." if report.backup else ""
    print(
        f"Every row is accounted for and was read again from the store. {report.files_archived:,} old files moved to "
        f"{report.archive}/; `drift upgrade --undo` brings them back.{saved} Took {report.duration_ms / 1000:.1f} s."
    )


def _kinds(sources: tuple[Source, ...]) -> list[str]:
    files: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for each in sources:
        files[each.kind] += 1
        sizes[each.kind] += each.size
    said = {
        "derived": "made anew from the rest, so not taken over",
        "copy": "older copies, archived as they are",
        "of the tool": "the old tool's own, archived as they are",
        "unknown": "not known, archived as they are: "
        + ", ".join([each.name for each in sources if each.kind == "unknown"][:5]),
    }
    return [
        f"{kind}: {files[kind]:,} {'file' if files[kind] == 1 else 'files'}, {sizes[kind]:,} bytes"
        + (f" ({said[kind]})" if kind in said else "")
        for kind in sorted(files, key=lambda kind: (kind in said, kind))
    ]


def _table(lines: tuple[Line, ...]) -> None:
    rows = [("", "found", "moved", "merged", "refused")]
    rows += [
        (each.domain, f"{each.found:,}", f"{each.moved:,}", f"{sum(each.merged.values()):,}", f"{each.refused:,}")
        for each in lines
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0]), *(row[place].rjust(widths[place]) for place in range(1, 5))]))
