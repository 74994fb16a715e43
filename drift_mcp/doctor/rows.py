"""What the rows of drift.db say that follows from other rows, and what is left over in them.

Each rule is the very function that a scan ends with. Looking applies it to a copy in memory and counts what it would
change; mending applies it to the store.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.doctor.findings import Finding, Severity
from drift_mcp.tables import (
    adjacency,
    calls,
    environment,
    files,
    functions,
    patterns,
    retention,
    status,
    upkeep,
)

_WHERE: Final = "drift.db"


class _Rule(NamedTuple):
    check: str
    severity: Severity
    apply: Callable[[apsw.Connection], object]
    what: str
    todo: str


_ANEW: Final = "It is counted anew."
_AWAY: Final = "They are taken away; no answer rests on them."

_RULES: Final = (
    _Rule(
        "roles", "warning", functions.mark_roles, "functions wrongly marked as entry points or data accessors", _ANEW
    ),
    _Rule(
        "patterns", "warning", patterns.settle, "patterns and places that are not counted or judged as they are", _ANEW
    ),
    _Rule("files", "warning", files.recount, "files whose counters are wrong", _ANEW),
    _Rule(
        "environment",
        "warning",
        lambda tx: environment.replace(tx, (), ()),
        "environment variables that nothing reads, or that are summed up wrongly",
        _ANEW,
    ),
    _Rule("symbols", "info", calls.forget_unused_symbols, "names of callees that no call uses", _AWAY),
    _Rule(
        "answers", "info", upkeep.forget_unused_answers, "answers to conventions that no place gives any more", _AWAY
    ),
    _Rule("retention", "info", retention.apply, "rows of the past that are kept no longer", _AWAY),
)


def look(copy: apsw.Connection, *, is_scanning: bool) -> list[Finding]:
    """`copy`: drift.db in memory; it is changed."""
    found = _reads(copy, is_scanning)
    for rule in _RULES:
        before = copy.total_changes()
        rule.apply(copy)
        number = copy.total_changes() - before
        if number:
            found.append(
                Finding(rule.check, rule.severity, _WHERE, f"{rule.what}: {number:,}", rule.todo, is_fixable=True)
            )
    return found


def _reads(copy: apsw.Connection, is_scanning: bool) -> list[Finding]:
    found = []
    if not status.is_true(copy):
        what = "the status row does not say what is in the store: drift_status tells other numbers than there are"
        found.append(Finding("status", "warning", _WHERE, what, _ANEW, is_fixable=True))
    if not adjacency.is_true(copy):
        what = "the calls kept as arrays are not the calls in the store: long walks give other answers than short ones"
        found.append(Finding("adjacency", "error", _WHERE, what, "They are made anew.", is_fixable=True))
    running = upkeep.running_scans(copy)
    if running and not is_scanning:
        what = f"scans that began and never ended: {len(running):,} (the last one at {running[-1]})"
        found.append(Finding("scans", "warning", _WHERE, what, "They are marked as failed.", is_fixable=True))
    ahead = upkeep.dated_ahead(copy)
    if ahead:
        what = f"rows of its history that are dated in the future, so that a clock was wrong then or is now: {ahead:,}"
        todo = "Check this machine's clock. No answer rests on these dates, and nothing is forgotten because of them."
        found.append(Finding("clock", "info", _WHERE, what, todo))
    return found


def mend(tx: apsw.Connection) -> None:
    """All of the above. For whoever holds the scan lock."""
    for rule in _RULES:
        rule.apply(tx)
    upkeep.end_scans(tx, "It did not end: the process was stopped, or the machine.")
    adjacency.refresh(tx)
    status.refresh(tx)


CHECKS: Final = frozenset({*(rule.check for rule in _RULES), "status", "adjacency", "scans"})


def look_at_files(copy: apsw.Connection, root: Path) -> list[Finding]:
    """Files that are no longer as they were scanned, by size and time of change: no content is read."""
    gone = changed = 0
    above = f"{root}/"
    for path, known in files.known(copy).items():
        # What was taken over from the predecessor says nothing of how a file was, or whether it was there.
        if known.status != "scanned" or known.source == "upgrade":
            continue
        try:
            # Making a Path of each of thousands of files would cost twice what asking for it does.
            now = os.stat(above + path)  # noqa: PTH116
        except (FileNotFoundError, NotADirectoryError):
            gone += 1
        except OSError:
            changed += 1  # out of reach: the next scan says why
        else:
            stamp = (now.st_size, *divmod(now.st_mtime_ns, 1_000_000_000))
            # Another scanner tells of a file what it likes; that it is there is all that can be checked.
            changed += known.source == "scan" and stamp != (known.size, known.mtime_secs, known.mtime_nanos)
    if not gone and not changed:
        return []
    what = f"files changed since the last scan: {changed:,}; gone: {gone:,}"
    todo = "They are scanned again. Until then, answers that rest on them say so."
    return [Finding("stale", "warning", _WHERE, what, todo, is_fixable=True)]
