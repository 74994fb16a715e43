"""What stands around the databases: files that somebody left behind, backups, the lock, the registry of projects."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from drift_mcp import lock
from drift_mcp.doctor.findings import Finding
from drift_mcp.errors import DriftError, StoreUnusable
from drift_mcp.project import FOLDER, Project, known
from drift_mcp.store import backup
from drift_mcp.store import lock as processes

WHERE: Final = f"{FOLDER}/"

# Made under such a name, and renamed when whole.
_UNFINISHED: Final = re.compile(r"(?:drift\.db|cortex\.db|drift\.lock)-new-[0-9a-f]{32}(?:-journal|-wal|-shm)?")
# Making one takes a moment. Whoever has not ended after an hour is not alive.
_LEFT_BEHIND_SECONDS: Final = 3_600.0


def look(project: Project) -> list[Finding]:
    found = []
    left = left_behind(project)
    if left:
        what = f"unfinished files that were left behind: {len(left)} ({', '.join(each.name for each in left[:3])})"
        todo = "They are taken away; nothing reads them."
        found.append(Finding("left behind", "info", WHERE, what, todo, is_fixable=True))
    return found + _backups(project) + _registry(project)


def half_restored(home: Path) -> Finding:
    """A restore that has begun and not ended: what is there is half of the one state and half of the other."""
    if processes.is_held(home / "backup.lock"):
        what, todo = "a backup is being put back at this moment", "Try again when that is done."
        return Finding("restore", "error", WHERE, what, todo, is_unusable=True)
    what = "a backup was being put back when the process that did it was killed"
    todo = "It is put back to the end, as whoever opens the project next would do."
    return Finding("restore", "error", WHERE, what, todo, is_fixable=True, is_unusable=True)


def left_behind(project: Project) -> list[Path]:
    now = time.time()
    found = []
    for each in sorted(project.store.parent.iterdir()):
        if _UNFINISHED.fullmatch(each.name):
            try:
                age = now - each.stat().st_mtime
            except FileNotFoundError:
                continue  # it was finished just now
            if age > _LEFT_BEHIND_SECONDS:
                found.append(each)
    return found


# A month of verdicts and memories is what somebody would miss.
_OLD_DAYS: Final = 30


def _backups(project: Project) -> list[Finding]:
    there = backup.listed(project.backups)
    found = [
        Finding("backups", "info", WHERE, f"the backup {each.stamp} ({each.reason}) is not whole: {each.problem}", "")
        for each in there
        if each.problem is not None
    ]
    whole = [each for each in there if each.problem is None]
    if not whole:
        found.append(Finding("backups", "info", WHERE, "there is no backup", "`drift backup create` makes one."))
    elif whole[0].taken_at is not None:
        days = (datetime.now(UTC) - datetime.fromisoformat(whole[0].taken_at)).days
        if days > _OLD_DAYS:
            what = f"the newest backup is {days} days old"
            found.append(Finding("backups", "info", WHERE, what, "`drift backup create` makes one."))
    return found


def _registry(project: Project) -> list[Finding]:
    try:
        paths = {each.told.path for each in known()}
    except StoreUnusable as problem:
        todo = "Nothing but finding projects by name needs it."
        return [Finding("registry", "warning", "registry.db", str(problem), todo)]
    if str(project.root) in paths:
        return []
    what = "this project is not among the registered ones: it is not found by its name"
    return [Finding("registered", "info", "registry.db", what, "It is registered.", is_fixable=True)]


def look_at_lock(project: Project, approved: int) -> list[Finding]:
    """Only for a store of today's schema: it is read."""
    if not lock.lock_path(project).exists() and not approved:
        return []
    try:
        difference = lock.validate(project)
    except DriftError as problem:
        return [Finding("lock", "info", lock.NAME, str(problem), "")]
    if difference.is_none:
        return []
    what = (
        f"it differs from the store, in patterns added: {len(difference.added)}, removed: {len(difference.removed)}, "
        f"changed: {len(difference.changed)}"
    )
    todo = "`drift lock validate` shows how, `drift lock generate` writes it anew for a review."
    return [Finding("lock", "info", lock.NAME, what, todo)]
