"""One scan of one project: what has to be read, what has to be linked again, and one transaction around it all.

Readers see the old state or the new one. Source text never comes here, and no answer is made here.
"""

from __future__ import annotations

import contextlib
import gc
import posixpath
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.graph.data import HEIRS
from drift_mcp.ingest.following import Followed, follow
from drift_mcp.ingest.linking import ROUTES, Linking, Progress
from drift_mcp.ingest.offers import (
    class_names,
    classes,
    configuration,
    leads_to,
    methods,
    modules_of,
    offer,
    tests_below,
)
from drift_mcp.ingest.rows import finding, model_of, package, shown, suppression
from drift_mcp.project import Project, init, register
from drift_mcp.scan import conventions, extract, languages, packages, walk
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import FileFacts
from drift_mcp.store import lock
from drift_mcp.tables import (
    about,
    adjacency,
    audit,
    bulk,
    calls,
    data,
    entry_points,
    environment,
    files,
    functions,
    patterns,
    problems,
    retention,
    scans,
    status,
    suppressions,
)
from drift_mcp.tables import packages as package_rows

# Whoever waits for an answer gets it as it is rather than wait for another process to end its writing.
_GLANCE_MS: Final = 50
# How long a second scan waits for a running one: a scan of a large repository, with room.
WAIT_SECONDS: Final = 120.0


# Stands among the names that files asked the project for: who inherits from an abstract model. No identifier has a
# blank.


class ScanRun(NamedTuple):
    """What one scan did."""

    files: int  # source files there are
    changed: int  # of these, read and parsed anew
    deleted: int
    linked: int  # files whose calls were resolved anew
    skipped: int
    problems: int
    functions: int
    duration_ms: int
    incremental: bool
    touched: frozenset[str] = frozenset()  # paths of files that came, changed or went
    followed: Followed = Followed()  # memories whose code only moved


def scan(
    project: Project,
    *,
    full: bool = False,
    paths: Sequence[str] | None = None,
    jobs: int | None = None,
    on_progress: Progress | None = None,
) -> ScanRun:
    """Bring the store up to date; creates it when there is none. `paths` limits the look to these files and folders;
    `full` reads also what did not change. A second scan of the same project waits for the first and then finds its work
    done."""
    init(project)
    with lock.exclusive(project.scan_lock, wait_seconds=WAIT_SECONDS):
        run = _Scan(project, full, paths, jobs, on_progress or _silent).run()
    run = run._replace(followed=follow(project, run.touched))
    with project.read() as db:
        known = status.read(db)
    register(
        project.root,
        health_score=known.health.score,
        pattern_count=known.discovered + known.approved + known.ignored,
        last_scan_at=known.refreshed_at,
    )
    return run


def refresh(project: Project, paths: Sequence[str]) -> ScanRun | None:
    """Re-read just these files, for an answer that names them. None when another scan is at it: the answer says what is
    pending."""
    try:
        with lock.exclusive(project.scan_lock):
            run = _Scan(project, False, paths, 1, _silent, busy_ms=_GLANCE_MS).run()
    except DriftError:
        return None
    return run._replace(followed=follow(project, run.touched))


def _silent(stage: str, done: int, total: int) -> None:
    return


class _Scan:
    """One scan of one project. Used once, by one thread."""

    def __init__(
        self,
        project: Project,
        full: bool,
        paths: Sequence[str] | None,
        jobs: int | None,
        tell: Progress,
        *,
        busy_ms: int | None = None,
    ) -> None:
        self._project = project
        self._full = full
        self._only = None if paths is None else tuple(_inside(project, path) for path in paths)
        self._jobs = jobs
        self._tell = tell
        self._busy_ms = busy_ms
        self._blobs: dict[str, bytes] = {}  # facts read in this scan, packed
        self._ids: dict[str, int] = {}  # path → file id
        self._linking = Linking(self._ids, self._blobs, tell)

    def run(self) -> ScanRun:
        began = time.monotonic()
        with _room_to_think():
            return self._run(began)

    def _run(self, began: float) -> ScanRun:
        self._tell("list", 0, 0)
        listing = walk.walk(self._project.root)
        with self._project.read() as db:
            known = files.known(db)
        found = {entry.path: entry for entry in listing.files}
        changed = [
            entry
            for entry in listing.files
            if self._wanted(entry.path) and self._is_stale(entry, known.get(entry.path))
        ]
        here = found.keys() | {skipped.path for skipped in listing.skipped}
        deleted = [
            path
            for path, each in known.items()
            if path not in here and self._wanted(path) and self._is_gone(path, each)
        ]
        fresh_skips = [s for s in listing.skipped if self._wanted(s.path) and not _is_anothers(known.get(s.path))]
        manifest = packages.read(self._project.root, listing)
        # Read before it is known whether there is anything to write: what another scanner reads and this one cannot is
        # left to it, and no change.
        extracted = [
            one for one in self._extract(changed) if one.facts is not None or not _is_anothers(known.get(one.path))
        ]
        if not (extracted or deleted or self._full or self._skips_changed(fresh_skips, known)):
            with self._project.read() as db:
                same = package_rows.modules(db) == configuration(manifest)
            if same or self._only is not None:
                return self._nothing(listing, began)
        self._tell("link", 0, 0)
        return self._write(listing, manifest, known, extracted, deleted, fresh_skips, began)

    # -- what has to be read

    def _wanted(self, path: str) -> bool:
        if self._only is None:
            return True
        return any(each in ("", path) or path.startswith(each + "/") for each in self._only)

    def _is_gone(self, path: str, known: files.Known) -> bool:
        # Another scanner may read what this one does not: its files are gone only when they are.
        return known.source == "scan" or not (self._project.root / path).exists()

    def _is_stale(self, entry: walk.Entry, known: files.Known | None) -> bool:
        if self._full or known is None:
            return True
        stamp = divmod(entry.mtime_ns, 1_000_000_000)
        if (known.size, known.mtime_secs, known.mtime_nanos) != (entry.size, *stamp):
            return True
        return known.status == "scanned" and known.extractor != F.EXTRACTOR

    @staticmethod
    def _skips_changed(skips: list[walk.Skipped], known: dict[str, files.Known]) -> bool:
        for each in skips:
            before = known.get(each.path)
            if before is None or before.status != "skipped":
                return True
        return False

    def _extract(self, entries: list[walk.Entry]) -> list[extract.Extracted]:
        found: list[extract.Extracted] = []
        for done, answer in enumerate(extract.extract(self._project.root, entries, self._jobs), 1):
            self._tell("read", done, len(entries))
            found.append(answer)
        return found

    def _nothing(self, listing: walk.Listing, began: float) -> ScanRun:
        with self._project.read() as db:
            due = suppressions.due(db)
        if due:
            with self._project.write(busy_ms=self._busy_ms) as tx:
                patterns.recount(tx)
                status.refresh(tx)
        duration_ms = int((time.monotonic() - began) * 1000)
        return ScanRun(len(listing.files), 0, 0, 0, len(listing.skipped), 0, 0, duration_ms, True)

    # -- one transaction

    def _write(
        self,
        listing: walk.Listing,
        manifest: packages.Project,
        known: dict[str, files.Known],
        extracted: list[extract.Extracted],
        deleted: list[str],
        skips: list[walk.Skipped],
        began: float,
    ) -> ScanRun:
        run_id = uuid.uuid4().hex
        with self._project.write(busy_ms=self._busy_ms) as tx:
            first = bulk.is_empty(tx)
            scans.start(tx, run_id, incremental=not (first or self._full), commit=commit_of(self._project))
            touched, changed = self._sort_out(extracted, known)
            files.stamp(tx, touched)
            unread = [one.path for one in changed if one.facts is None] + [each.path for each in skips]
            gone = [path for path in (*deleted, *unread) if path in known and known[path].status == "scanned"]
            everything = first or self._full or package_rows.modules(tx) != configuration(manifest)
            self._linking.edited = {
                one.path
                for one in changed
                if (before := known.get(one.path)) is None or before.content_hash != one.content_hash
            }
            self._linking.models_before = [model_of(each) for each in data.declared(tx)]
            self._linking.routing_before = {
                *files.paths(tx, files.askers(tx, (ROUTES,))).values(),
                *entry_points.routed(tx),
            }
            again = set() if everything else self._to_link_again(tx, known, changed, gone, manifest)
            calls.undecide(tx, functions.in_files(tx, [known[path].id for path in deleted]))
            files.remove(tx, [known[path].id for path in deleted])
            self._put_files(tx, changed, skips)
            self._forget(tx, [self._ids[path] for path in unread])
            if everything:
                linked = self._linking.everything(tx, first, changed, manifest)
            else:
                linked = self._linking.some(
                    tx, {one.path for one in changed if one.facts is not None} | again, manifest
                )
            calls.forget_unused_symbols(tx)
            adjacency.refresh(tx)
            self._conventions(tx, changed, unread)
            package_rows.replace_all(tx, (package(each) for each in manifest.packages))
            functions.mark_roles(tx)
            files.recount(tx)
            self._describe(tx, manifest)
            count = sum(one.definitions for one in changed)
            found_problems = sum(len(one.problems) for one in changed) + len(skips)
            failed = sum(one.status == "failed" for one in changed)
            scans.finish(
                tx, run_id, files_scanned=len(listing.files), changed_files=len(changed) + len(deleted), errors=failed
            )
            audit.record(tx)
            retention.apply(tx)
            status.refresh(tx)
        if first:
            self._project.writer.optimize()
        self._project.writer.checkpoint()
        self._tell("done", 1, 1)
        return ScanRun(
            len(listing.files),
            len(changed),
            len(deleted),
            len(linked),
            len(listing.skipped),
            found_problems,
            count,
            int((time.monotonic() - began) * 1000),
            not (first or self._full),
            frozenset({*(one.path for one in changed), *deleted, *gone}),
        )

    def _sort_out(
        self, extracted: list[extract.Extracted], known: dict[str, files.Known]
    ) -> tuple[list[tuple[int, int, int, int]], list[extract.Extracted]]:
        """Files that were only touched keep what is known of them; the others are new or different."""
        touched: list[tuple[int, int, int, int]] = []
        changed: list[extract.Extracted] = []
        for one in extracted:
            before = known.get(one.path)
            same = (
                before is not None
                and not self._full
                and one.status == before.status == "scanned"
                and before.content_hash == one.content_hash
                and before.extractor == F.EXTRACTOR
            )
            if same and before is not None:
                touched.append((one.size, *divmod(one.mtime_ns, 1_000_000_000), before.id))
            else:
                changed.append(one)
                if one.facts is not None:
                    self._blobs[one.path] = one.facts
        return touched, changed

    def _put_files(self, tx: apsw.Connection, changed: list[extract.Extracted], skips: list[walk.Skipped]) -> None:
        rows = [
            files.NewFile(
                one.path,
                one.language or None,
                one.size,
                one.lines,
                one.content_hash or None,
                *divmod(one.mtime_ns, 1_000_000_000),
                status=one.status,
                skip_reason=one.problems[0].kind if one.status == "skipped" and one.problems else None,
                is_test=one.is_test,
                scan_duration_us=one.microseconds,
                error=one.problems[0].message if one.status == "failed" and one.problems else None,
            )
            for one in changed
        ]
        rows += [
            files.NewFile(
                each.path,
                None,
                each.size,
                0,
                None,
                *divmod(each.mtime_ns, 1_000_000_000),
                status="skipped",
                skip_reason=each.problem.kind,
            )
            for each in skips
        ]
        self._ids.update(files.put(tx, rows))
        files.save_facts(
            tx, ((self._ids[one.path], F.EXTRACTOR, one.facts) for one in changed if one.facts is not None)
        )
        told = [(self._ids[one.path], each) for one in changed for each in one.problems]
        told += [(self._ids[each.path], each.problem) for each in skips]
        problems.replace(
            tx,
            [self._ids[row.path] for row in rows],
            (problems.NewProblem(file_id, each.kind, each.line or None, each.message) for file_id, each in told),
        )

    # -- which files an edit reaches

    def _facts_before(
        self, tx: apsw.Connection, paths: Iterable[str], known: dict[str, files.Known]
    ) -> dict[str, FileFacts]:
        ids = [known[path].id for path in paths if path in known]
        return {path: F.unpack(blob) for _, path, blob in files.facts(tx, F.EXTRACTOR, ids)}

    def _to_link_again(
        self,
        tx: apsw.Connection,
        known: dict[str, files.Known],
        changed: list[extract.Extracted],
        gone: list[str],
        manifest: packages.Project,
    ) -> set[str]:
        """Unchanged files whose links may be different now: those whose imports lead to a file that offers something
        else, those whose imports lead elsewhere, and those that asked the whole project for what came or went."""
        before = self._facts_before(tx, [*(one.path for one in changed), *gone], known)
        different: set[int] = set()
        asked: set[str] = set()  # names that files ask the project for, whose answer may be another now
        related: set[str] = set()  # classes that relations name by a string
        for path in (*(one.path for one in changed), *gone):
            old, new = before.get(path), self._read(path)
            if old is not None and new is not None and offer(old) == offer(new):
                continue
            if path in known:
                different.add(known[path].id)
            asked.update(name for name, *_ in methods(old) ^ methods(new))
            related.update(class_names(old) | class_names(new))
            if classes(old) != classes(new):
                asked.add(HEIRS)
            if posixpath.basename(path) == "conftest.py":
                different.update(tests_below(path, known))
        different |= files.askers(tx, related)
        moved = self._led_elsewhere(tx, known, changed, gone, manifest)
        if moved:
            different |= moved
            asked.add(HEIRS)
        reached = files.transitive_importers(tx, different)
        for path in files.paths(tx, reached).values():
            if posixpath.basename(path) == "conftest.py":
                reached |= files.transitive_importers(tx, tests_below(path, known))
        again = set(files.paths(tx, reached | files.askers(tx, asked)).values())
        if any(path.endswith((".prisma", ".sql")) for path in (*(one.path for one in changed), *gone)):
            again.update(known)  # a schema file gives tables to code that does not import it
        # Without facts there is nothing to link: another scanner has read the file.
        linked = {path for path in again if known[path].extractor == F.EXTRACTOR}
        return linked - {one.path for one in changed} - set(gone)

    def _led_elsewhere(
        self,
        tx: apsw.Connection,
        known: dict[str, files.Known],
        changed: list[extract.Extracted],
        gone: list[str],
        manifest: packages.Project,
    ) -> set[int]:
        """Files with an import that leads to another file than before, because a file came or went."""
        before = {path for path, one in known.items() if one.extractor is not None}
        now = (before - set(gone)) | {one.path for one in changed if one.facts is not None}
        if now == before:
            return set()
        modules = modules_of(now, manifest)
        found = {
            file_id
            for file_id, path, module, name, led in files.resolved(tx)
            if path in now and leads_to(modules, path, module, name) != led
        }
        for path in now ^ before:  # an attribute of a package can be a module in its folder
            folder = path.rpartition("/")[0]
            found.update(
                known[each].id for each in (f"{folder}/__init__.py", f"{folder}/__init__.pyi") if each in known
            )
        return found

    def _read(self, path: str) -> FileFacts | None:
        """The facts that this scan read in a file."""
        blob = self._blobs.get(path)
        return None if blob is None else F.unpack(blob)

    # -- linking

    def _forget(self, tx: apsw.Connection, ids: list[int]) -> None:
        """What was known of files that can no longer be read."""
        for file_id in ids:
            functions.replace(tx, file_id, ())
        files.replace_imports(tx, ids, ())
        data.replace_models(tx, ids, ())
        data.replace_accesses(tx, ids, ())
        environment.replace(tx, ids, ())
        files.replace_names(tx, ids, ())
        files.drop_facts(tx, ids)

    def _describe(self, tx: apsw.Connection, manifest: packages.Project) -> None:
        before = about.read(tx)
        assert before is not None, "a project is described when it is initialised"
        about.put(tx, before._replace(monorepo_root=manifest.monorepo_root, package_manager=manifest.package_manager))
        about.put_languages(tx, manifest.language_stats)

    # -- conventions

    def _conventions(self, tx: apsw.Connection, changed: list[extract.Extracted], unread: list[str]) -> None:
        """Evidence of the files read anew, in place of what was; then every convention is decided by all there is."""
        evidence: list[patterns.NewEvidence] = []
        comments: list[suppressions.Comment] = []
        for one in changed:
            if one.facts is None:
                continue
            facts = F.unpack(one.facts)
            comments += [suppression(one.path, each) for each in facts.ignored]
            family = languages.named(one.language).family
            evidence += [
                patterns.NewEvidence(
                    self._ids[one.path], each.convention, family, shown(each.choice), each.line, each.column
                )
                for each in facts.evidence
            ]
        paths = {*(one.path for one in changed), *unread}
        suppressions.replace_comments(tx, paths, comments)
        suppressions.forget_comments(tx)
        file_ids = [self._ids[path] for path in paths]
        patterns.replace_evidence(tx, file_ids, evidence)
        answers: dict[tuple[str, str], list[patterns.Answered]] = defaultdict(list)
        for answer in patterns.answered(tx):
            answers[answer.convention, answer.family].append(answer)
        stated = {}
        for (key, family), given in answers.items():
            counts = {each.choice: conventions.Count(each.places, each.files, each.pure_files) for each in given}
            pattern = conventions.decide(key, family, counts)
            if pattern is not None:
                stated[pattern.id] = (key, family, pattern.choice, pattern)
        patterns.put(tx, (finding(pattern) for *_, pattern in stated.values()))
        # A pattern that a person approved is held against the code also when it is the habit no more.
        kept = {number: (key, family, choice) for number, key, family, choice in patterns.judged(tx)}
        kept.update({number: (key, family, choice) for number, (key, family, choice, _) in stated.items()})
        before = patterns.placed(tx)
        patterns.unplace(tx, patterns=before - kept.keys(), file_ids=file_ids)
        for number, (key, family, choice) in kept.items():
            for answer in answers.get((key, family), ()):
                reason = None if answer.choice == choice else conventions.outlier_reason(key, answer.choice, choice)
                patterns.place(tx, number, answer.answer_id, reason, file_ids if number in before else None)
        patterns.settle(tx)


def _is_anothers(known: files.Known | None) -> bool:
    """Whether another scanner has told of the file, and this one has not read it."""
    return known is not None and known.source != "scan" and known.extractor is None


def _inside(project: Project, path: str) -> str:
    """A path relative to the root, as the store keeps it. Raises DriftError for one that leads outside."""
    full = (project.root / path).resolve()
    if not full.is_relative_to(project.root):
        raise DriftError(f"{path} is outside the project {project.root.name}. Give a path inside it.")
    relative = full.relative_to(project.root).as_posix()
    return "" if relative == "." else relative


def commit_of(project: Project) -> str | None:
    """The commit that the work tree is at; None without git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=project.root,
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


# Frames of Python for a question inside a question inside …: the evaluator's own bound of 90 open questions, each some
# forty calls deep at the most. Python 3.11 keeps such frames off the C stack.
_FRAMES: Final = 20_000


@contextlib.contextmanager
def _room_to_think() -> Iterator[None]:
    """A link makes millions of small tuples and no cycles: looking for garbage would cost a tenth of it. And it asks
    deeper than Python's default for a program that went astray."""
    collects, limit = gc.isenabled(), sys.getrecursionlimit()
    gc.disable()
    sys.setrecursionlimit(max(limit, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
        if collects:
            gc.enable()
