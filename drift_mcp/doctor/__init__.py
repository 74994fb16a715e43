"""What is wrong with a store, and mending what can be mended.

`examine` writes nothing. `mend` mends what needs no guessing, after a backup when it rewrites rows, and looks again
afterwards: what it says was mended is no longer found.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from functools import partial
from typing import Final

from drift_mcp import settings
from drift_mcp.cortex import models
from drift_mcp.cortex.opened import Opened
from drift_mcp.doctor import beliefs, databases, memory, rows, surroundings
from drift_mcp.doctor.findings import Finding, Report
from drift_mcp.errors import DriftError, NotInitialised
from drift_mcp.ingest import scans
from drift_mcp.project import Project, register
from drift_mcp.store import lock, restore
from drift_mcp.store.backup import Database
from drift_mcp.tables import definitions, status

__all__ = ["Finding", "Report", "examine", "mend"]

# How long a scan is waited for: as long as a second scan waits.
_WAIT_SECONDS: Final = 120.0


def examine(project: Project) -> Report:
    """How the store stands, from its bytes to what its rows mean. Raises NotInitialised when there is none."""
    home = project.store.parent
    if restore.is_unfinished(home):
        return Report((surroundings.half_restored(home),), {})
    if not project.is_initialised:
        raise NotInitialised(f"{project.root.name} has no store yet. `drift scan` makes one.")
    drift, cortex = databases.of(project)
    seen = databases.look(drift)
    findings, facts = seen.findings, {drift.path.name: seen.facts}
    try:
        chosen = settings.read(home).memory_model
    except DriftError as problem:
        chosen = None
        todo = "Until then nothing is backed up, and memories cannot be asked for."
        findings.append(Finding("settings", "error", settings.FILE, str(problem), todo))
    if seen.copy is not None:
        with closing(seen.copy):
            findings += rows.look_at_files(seen.copy, project.root)
            approved = len(definitions.approved(seen.copy))
            findings += rows.look(seen.copy, is_scanning=lock.is_held(project.scan_lock))
        findings += surroundings.look_at_lock(project, approved)
    if not cortex.extensions:
        what = "sqlite-vec, which its vector index needs, is not installed"
        todo = "Install it again in this environment; memories cannot be asked for without it."
        findings.append(Finding("extension", "error", cortex.path.name, what, todo, is_unusable=True))
    elif cortex.path.exists():
        seen = databases.look(cortex)
        findings += seen.findings
        if seen.copy is not None:
            with closing(seen.copy):
                found, told = memory.look(seen.copy, models.source(chosen, project.root))
            findings += found
            seen.facts.update(told)
        facts[cortex.path.name] = seen.facts
        if not any(each.severity == "error" or each.check == "version" for each in findings):
            findings += beliefs.look(drift, cortex)
    findings += surroundings.look(project)
    return Report(tuple(sorted(findings, key=_weight)), facts)


def _weight(finding: Finding) -> int:
    return ("error", "warning", "info").index(finding.severity)


# ---------------------------------------------------------------------------------------------------------------------

# Checks whose mending deletes rows or writes the whole file anew: worth a way back.
_REWRITES: Final = frozenset({"references", "schema", "checksums", "free"})
# Checks of what a database holds, mended in one transaction each.
_CONTENTS: Final = frozenset({"references", "schema", "search"})


def mend(project: Project, on_progress: Callable[[str, int, int], None] | None = None) -> Report:
    """Mends what can be mended and says of each finding what was done. Waits for a running scan. `on_progress`: told
    what is made (vectors), how many are, and of how many."""
    report = examine(project)
    mended: tuple[Finding, ...] = ()
    for _ in range(_ROUNDS):
        work = _Mending(project, report.findings, on_progress)
        if not work.wanted:
            break
        work.mend()
        report = work.told(examine(project))
        done = tuple(each for each in report.findings if each.done is not None)
        if not done:
            break
        mended += done
        report = Report(tuple(each for each in report.findings if each.done is None), report.facts)
    return Report((*mended, *report.findings), report.facts)


# Where the pages were damaged, or the schema was an older one, the rows are looked at only after that was mended.
_ROUNDS: Final = 4


def _scanned(project: Project, *, full: bool) -> str:
    run = scans.scan(project, full=full)
    return f"scanned: {run.changed} files read, {run.deleted} taken out"


class _Mending:
    """What is to be mended, what was, and what was not. Used once, by one thread."""

    def __init__(
        self,
        project: Project,
        findings: Iterable[Finding],
        on_progress: Callable[[str, int, int], None] | None,
    ) -> None:
        self._project = project
        self._on_progress = on_progress
        self.wanted = [each for each in findings if each.is_fixable]
        self._done: dict[tuple[str, str], str] = {}
        self._refused: dict[tuple[str, str], str] = {}

    def mend(self) -> None:
        self.one("restore", surroundings.WHERE, self._finish_restore)
        try:
            with lock.exclusive(self._project.scan_lock, wait_seconds=_WAIT_SECONDS):
                self._mend_alone()
        except DriftError as problem:  # a scan is running, or nothing can be written here
            self._refuse({each.check for each in self.wanted}, str(problem))
        # A scan takes the lock itself.
        name = self._project.store.name
        if any(check == "references" and where == name for check, where in self._done):
            # What went may be in the source still, and what pointed to it is to be linked again.
            self._scan_all()
        self.one("stale", name, partial(_scanned, self._project, full=False))
        self._many(memory.MADE, "cortex.db", self._make_vectors)

    def _scan_all(self) -> None:
        key = ("references", self._project.store.name)
        try:
            self._done[key] += f"; {_scanned(self._project, full=True)}"
        except DriftError as problem:
            self._done[key] += f"; the source could not be scanned again, so run `drift scan --full`: {problem}"

    def _mend_alone(self) -> None:
        stores = databases.of(self._project)
        for each in stores:
            for check in ("structure", "pages"):
                self.one(check, each.path.name, partial(databases.mend_pages, each, self._project.backups))
            self.one("version", each.path.name, partial(self._bring_up, each))
        if self._is_backed_up():
            for each in stores:
                self._mend_database(each)
        self.one("left behind", surroundings.WHERE, self._clear)
        self.one("registered", "registry.db", self._register)

    def _is_backed_up(self) -> bool:
        if not any(each.check in _REWRITES for each in self.wanted):
            return True
        try:
            self._project.back_up("doctor")
        except DriftError as problem:
            checks = _REWRITES | _CONTENTS | rows.CHECKS | memory.CHECKS
            self._refuse(checks, f"no backup can be made before it: {problem}")
            return False
        return True

    def _mend_database(self, store: Database) -> None:
        name = store.path.name
        is_drift = store.path == self._project.store
        if is_drift:
            self._many(_CONTENTS | rows.CHECKS, name, partial(self._mend_drift, store))
        else:
            self._many(_CONTENTS | memory.CHECKS, name, partial(self._mend_cortex, store))
        self._many({"checksums", "free"}, name, partial(databases.mend_room, store))
        self.one("wal", name, partial(databases.mend_wal, store))

    def _mend_drift(self, store: Database) -> str:
        with self._project.write() as tx:
            if self._wants(_CONTENTS, store.path.name):
                databases.mend_contents(tx, store)
            rows.mend(tx)
        return "made anew"

    def _mend_cortex(self, store: Database) -> str:
        opened = Opened.at(store.path)
        try:
            with opened.transaction() as tx:
                if self._wants(_CONTENTS, store.path.name):
                    databases.mend_contents(tx, store)
                if self._wants(memory.CHECKS, store.path.name):
                    memory.mend(tx)
        finally:
            opened.close()
        return "made anew"

    def _make_vectors(self) -> str:
        moved = self._on_progress
        standing = self._project.memory.make_vectors(None if moved is None else partial(moved, "vectors"))
        if standing.model_reason:
            raise DriftError(standing.model_reason)
        return f"made: {standing.vectors_ready:,} texts of memories have their vector"

    def _finish_restore(self) -> str:
        _ = self._project.readers  # whoever opens it does that
        return "put back to the end"

    def _bring_up(self, store: Database) -> str:
        if store.path == self._project.store:
            _ = self._project.writer
        else:
            _ = self._project.memory
        return f"brought up to schema {store.schema.version}"

    def _clear(self) -> str:
        for path in surroundings.left_behind(self._project):
            path.unlink(missing_ok=True)
        return "taken away"

    def _register(self) -> str:
        with self._project.read() as db:
            known = status.read(db)
        patterns = known.discovered + known.approved + known.ignored
        register(
            self._project.root,
            health_score=known.health.score,
            pattern_count=patterns,
            last_scan_at=known.refreshed_at,
        )
        return "registered"

    # -- keeping the books

    def _wants(self, checks: Iterable[str], where: str) -> bool:
        return any(each.check in checks and each.where == where for each in self.wanted)

    def one(self, check: str, where: str, act: Callable[[], str]) -> None:
        self._many({check}, where, act)

    def _many(self, checks: Iterable[str], where: str, act: Callable[[], str]) -> None:
        keys = {(each.check, where) for each in self.wanted if each.check in checks and each.where == where}
        if not keys:
            return
        try:
            said = act()
        except DriftError as problem:
            self._refused.update(dict.fromkeys(keys, str(problem)))
        else:
            self._done.update(dict.fromkeys(keys, said))

    def _refuse(self, checks: Collection[str], reason: str) -> None:
        for each in self.wanted:
            if each.check in checks:
                self._refused.setdefault((each.check, each.where), reason)

    def told(self, after: Report) -> Report:
        """What was mended, and what is still found, with the reason."""
        left = {_key(each) for each in after.findings}
        mended = [
            dataclasses.replace(each, done=self._done.get((each.check, each.where), "mended along with the rest"))
            for each in self.wanted
            if _key(each) not in left
        ]
        still = [
            dataclasses.replace(each, refused=self._refused.get((each.check, each.where))) for each in after.findings
        ]
        return Report(tuple(sorted([*mended, *still], key=_weight)), after.facts)


def _key(finding: Finding) -> tuple[str, str, str]:
    # Of most checks there is one finding, whose numbers may be others after it was mended by half.
    return finding.check, finding.where, finding.what if finding.check in ("schema", "search") else ""
