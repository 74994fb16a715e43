"""`drift doctor`, `drift lock` and `drift projects`: looking after what is stored."""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift_mcp.cli.words import DONE, NO, UNUSABLE, progress_bar, project

if TYPE_CHECKING:
    from drift_mcp.doctor import Finding, Report
    from drift_mcp.lock import Difference, Stated
    from drift_mcp.project import Known, Project


def add_to(commands: Any) -> None:
    doctor = commands.add_parser("doctor", help="what is wrong with the store, and mending it")
    doctor.add_argument("--fix", action="store_true", help="mend what needs no guessing; a backup is made before")
    _answering(doctor)
    doctor.set_defaults(run=_doctor)

    lock = commands.add_parser("lock", help="approved patterns in a file for code review")
    what = lock.add_subparsers(metavar="generate|validate", required=True)
    generate = what.add_parser("generate", help="write .drift/drift.lock from the store")
    validate = what.add_parser("validate", help="compare it with the store; status 1 and a diff when they differ")
    for parser, does in ((generate, _generate), (validate, _validate)):
        _answering(parser)
        parser.set_defaults(run=does)

    projects = commands.add_parser("projects", help="the projects that this user has")
    _json(projects)
    projects.set_defaults(run=_list)
    what = projects.add_subparsers(metavar="list|forget")
    listing = what.add_parser("list", help="where they are, when they were scanned, and which are gone")
    listing.set_defaults(run=_list)
    forget = what.add_parser("forget", help="take one out of the list; its folder and store stay as they are")
    forget.add_argument("name", metavar="NAME|PATH")
    forget.set_defaults(run=_forget)
    for parser in (listing, forget):
        # Not to overwrite what `drift projects --json list` has set already.
        _json(parser, default=argparse.SUPPRESS)


def _answering(parser: argparse.ArgumentParser) -> None:
    project(parser)
    _json(parser)


def _json(parser: argparse.ArgumentParser, default: Any = False) -> None:
    parser.add_argument(
        "--json", action="store_true", default=default, help="one JSON document on stdout, and nothing else"
    )


def _print(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def _opened(asked: argparse.Namespace) -> Project:
    # Behind the parse, as below: `drift --help` needs no store.
    from drift_mcp.project import Project
    from drift_mcp.tools.projects import OpenProjects

    return Project(OpenProjects(None).root(asked.project))


# ---------------------------------------------------------------------------------------------------------------------
# drift doctor


def _doctor(asked: argparse.Namespace) -> int:
    from drift_mcp import doctor

    with _opened(asked) as opened:
        report = doctor.mend(opened, progress_bar()) if asked.fix else doctor.examine(opened)
        report = doctor.Report((*report.findings, *_clients(opened.root)), report.facts)
        name = opened.root.name
    if asked.json:
        _print(_report(report, name))
    else:
        _show_report(report, name)
    if not report.is_usable:
        return UNUSABLE
    return DONE if report.is_well else NO


def _clients(root: Path) -> list[Finding]:
    """Clients whose configuration names a program or a folder that is not there. Our entry is not written anew: it
    may be the person's own."""
    from drift_mcp.cli.clients import CLIENTS, config_file, installed
    from drift_mcp.doctor import Finding

    found = []
    for client, about in CLIENTS.items():
        entry = installed(client, root)
        if entry is None:
            continue
        command, lost = str(entry.get("command", "")), []
        if shutil.which(command) is None:
            lost.append(f"the program {command!r}, which is not found here")
        arguments = [str(each) for each in entry.get("args", []) or []]
        lost += [
            f"the folder {folder!r}, which is gone"
            for option, folder in itertools.pairwise(arguments)
            if option == "--project" and not Path(folder).is_dir()
        ]
        what = f"{about.title} is told of {' and '.join(lost)}"
        todo = f"`drift install {client}` writes the entry anew."
        if lost:
            found.append(Finding("client", "warning", str(config_file(client, root)), what, todo))
    return found


def _show_report(report: Report, name: str) -> None:
    from drift_mcp.tools.answer import cell

    for database, facts in report.facts.items():
        if facts:
            print(f"{database}: {', '.join(_facts(facts))}.")
    for each in report.findings:
        print(f"{'mended' if each.done is not None else each.severity:7}  {each.where}: {cell(each.what)}")
        if each.done is not None:
            print(f"         {cell(each.done)}")
        elif each.todo:
            print(f"         {'--fix: ' if each.is_fixable else ''}{cell(each.todo)}")
        if each.refused is not None:
            print(f"         not mended: {cell(each.refused)}")
    print(f"{cell(name)}: {'; '.join(_summed_up(report))}.")


def _summed_up(report: Report) -> list[str]:
    from drift_mcp.tools.answer import count

    wrong = sum(each.is_wrong for each in report.findings)
    mended = sum(each.done is not None for each in report.findings)
    fixable = sum(each.is_fixable and each.done is None and each.refused is None for each in report.findings)
    said = [f"{count(mended, 'findings')} mended"] if mended else []
    said.append(f"{count(wrong, 'findings')} to look at" if wrong else "nothing is wrong")
    if fixable:
        said.append(f"`drift doctor --fix` mends {fixable}")
    return said


def _facts(facts: Mapping[str, Any]) -> list[str]:
    said = [f"{facts['bytes'] / 1024 / 1024:,.1f} MB"]
    if facts["free_bytes"]:
        said.append(f"{facts['free_bytes'] / 1024 / 1024:,.1f} MB of it free")
    if facts["wal_bytes"]:
        said.append(f"write-ahead log {facts['wal_bytes'] / 1024 / 1024:,.1f} MB")
    said.append(f"schema {facts['schema']}")
    said.append("pages with checksums" if facts["has_checksums"] else "pages without checksums")
    if "vectors" in facts:
        said.append(f"model {facts['model']} {facts['model_state']}")
        said.append(f"{facts['vectors']:,} vectors, {facts['vectors_pending']:,} pending")
        said.append(f"questions kept: {facts['questions_in_database']:,}, shipped: {facts['questions_shipped']:,}")
        said.append(
            f"found in memory {facts['questions_from_memory']:,} times, in the database "
            f"{facts['questions_from_database']:,}, among the shipped {facts['questions_from_shipped']:,}, "
            f"made by the model {facts['questions_from_model']:,}"
        )
    return said


def _report(report: Report, name: str) -> dict[str, Any]:
    return {
        "project": name,
        "well": report.is_well,
        "usable": report.is_usable,
        "findings": [
            {
                "check": each.check,
                "severity": each.severity,
                "where": each.where,
                "what": each.what,
                "do": each.todo,
                "fixable": each.is_fixable,
                "done": each.done,
                "refused": each.refused,
            }
            for each in report.findings
        ],
        "databases": report.facts,
    }


# ---------------------------------------------------------------------------------------------------------------------
# drift lock


def _generate(asked: argparse.Namespace) -> int:
    from drift_mcp.lock import NAME, generate
    from drift_mcp.project import FOLDER

    with _opened(asked) as opened:
        made = generate(opened)
    if asked.json:
        _print({"lock": str(made.path), "patterns": made.patterns, "changed": made.is_changed})
        return DONE
    many = "1 approved pattern" if made.patterns == 1 else f"{made.patterns or 'no'} approved patterns"
    print(f"{FOLDER}/{NAME}: {many}; {'written' if made.is_changed else 'it said so already'}.")
    if not made.patterns:
        print("`drift approve PATTERN` puts one there; `drift patterns` lists what was found.")
    return DONE


def _validate(asked: argparse.Namespace) -> int:
    from drift_mcp.lock import NAME, validate
    from drift_mcp.project import FOLDER

    with _opened(asked) as opened:
        found = validate(opened)
    if asked.json:
        _print(_difference(found))
    elif found.is_none:
        many = "the 1 approved pattern" if found.patterns == 1 else f"the {found.patterns} approved patterns"
        print(f"{FOLDER}/{NAME} says what the store says: {many if found.patterns else 'no pattern is approved'}.")
    else:
        _show(found)
    return DONE if found.is_none else NO


def _show(found: Difference) -> None:
    from drift_mcp.lock import NAME
    from drift_mcp.tools.answer import cell, clean

    print(clean(found.diff))
    for each in found.added:
        print(f"added    {cell(_named(each))}: approved, and not in {NAME}")
    for removed in found.removed:
        because = f" ({cell(removed.reason)})" if removed.reason else ""
        print(f"removed  {cell(_named(removed.pattern))}: {_WHY[removed.why]}{because}")
    for changed in found.changed:
        names = ", ".join(change.attribute for change in changed.changes)
        print(f"changed  {cell(_named(changed.pattern))}: {names}")
    print(
        f"{NAME} is not what the store says: {len(found.added)} added, {len(found.removed)} removed, "
        f"{len(found.changed)} changed. `drift lock generate` writes it anew, for a review."
    )


_WHY = {
    "ignored": "now ignored",
    "discovered": "no longer approved",
    "gone": "not in the store any more",
}


def _named(stated: Stated) -> str:
    return f"[{stated.id}] {stated.category}: {stated.name}"


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "equal": found.is_none,
        "patterns": found.patterns,
        "added": [_told(each) for each in found.added],
        "removed": [_told(each.pattern) | {"why": each.why, "reason": each.reason} for each in found.removed],
        "changed": [
            _told(each.pattern) | {"changes": [change._asdict() for change in each.changes]} for each in found.changed
        ],
        "diff": found.diff,
    }


def _told(stated: Stated) -> dict[str, Any]:
    return {"pattern": stated.id, "name": stated.name, "category": stated.category}


# ---------------------------------------------------------------------------------------------------------------------
# drift projects


def _list(asked: argparse.Namespace) -> int:
    from drift_mcp.project import known

    found = known()
    if asked.json:
        _print({"projects": [_registered(each) for each in found], "total": len(found)})
    elif not found:
        print("No project is registered yet: `drift init` or `drift scan` in its folder does that.")
    else:
        _table(found)
    return DONE


def _table(found: list[Known]) -> None:
    from datetime import UTC, datetime

    from drift_mcp.tools.answer import ago, cell, count

    now = datetime.now(UTC)
    wide = max(len(cell(each.told.name)) for each in found)
    for told, lost in found:
        scanned = "never scanned" if told.last_scan_at is None else f"scanned {ago(told.last_scan_at, now)}"
        health = "" if told.health_score is None else f", health {told.health_score} of 100"
        gone = "" if lost is None else f"  [its {lost} is gone or out of reach]"
        print(
            f"{cell(told.name):{wide}}  {cell(told.path)}  {scanned}, {count(told.pattern_count, 'patterns')}"
            f"{health}{gone}"
        )
    stale = sum(each.lost is not None for each in found)
    if stale:
        print(f"{stale} of {len(found)} cannot be found. `drift projects forget NAME` takes one out of this list.")


def _registered(known: Known) -> dict[str, Any]:
    told = known.told
    return {
        "name": told.name,
        "path": told.path,
        "last_scan": told.last_scan_at,
        "last_used": told.last_accessed,
        "health": told.health_score,
        "patterns": told.pattern_count,
        "stale": known.lost is not None,
        "lost": known.lost,
    }


def _forget(asked: argparse.Namespace) -> int:
    from drift_mcp.project import forget
    from drift_mcp.tools.answer import cell

    gone = forget(asked.name)
    if asked.json:
        _print({"forgotten": gone.name, "path": gone.path})
    else:
        print(f"{cell(gone.name)} ({cell(gone.path)}) is no longer in the list. Its folder and store are as they were.")
    return DONE
