"""Brings the store up to date with the source: changed files become facts, facts become rows, deleted files are gone.

The only room that knows both sides. One scan is one transaction for readers: they see the old state or the new one.
Source text never comes here, and no answer is made here.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import posixpath
import subprocess
import sys
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.graph import libraries
from drift_mcp.graph.data import HEIRS, TABLES, Access, DataReader
from drift_mcp.graph.entry_points import EntryPointFinder
from drift_mcp.graph.evaluate import Evaluator, pytest_plugins
from drift_mcp.graph.models import Field, Model, Models
from drift_mcp.graph.modules import ModuleTable, PathAlias, WorkspacePackage
from drift_mcp.graph.resolve import Edge, Resolver
from drift_mcp.model import Package
from drift_mcp.project import Project, init, register
from drift_mcp.scan import conventions, extract, languages, packages, sensitivity, walk
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import FileFacts, Import
from drift_mcp.scan.secrets import env_sensitivity
from drift_mcp.store import lock
from drift_mcp.tables import (
    about,
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
    scans,
    status,
)
from drift_mcp.tables import packages as package_rows

Progress: TypeAlias = Callable[[str, int, int], None]  # stage, done, of how many

# What a file with a say in routes is remembered to ask for, like a name: each of them is part of the others' routes.
_ROUTES: Final = "routes"

# Whoever waits for an answer gets it as it is rather than wait for another process to end its writing.
_GLANCE_MS: Final = 50
# How long a second scan waits for a running one: a scan of a large repository, with room.
_WAIT_SECONDS: Final = 120.0


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
    with lock.exclusive(project.scan_lock, wait_seconds=_WAIT_SECONDS):
        run = _Scan(project, full, paths, jobs, on_progress or _silent).run()
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
            return _Scan(project, False, paths, 1, _silent, busy_ms=_GLANCE_MS).run()
    except DriftError:
        return None


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
        self._models_before: list[Model] = []
        # Paths that had to do with routes before: that had a say in them, or a function that one leads to.
        self._routing_before: set[str] = set()
        self._function_ids: dict[str, Sequence[int]] = {}  # path → function id by definition number

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
        deleted = [path for path in known if path not in here and self._wanted(path)]
        fresh_skips = [s for s in listing.skipped if self._wanted(s.path)]
        manifest = packages.read(self._project.root, listing)
        if not (changed or deleted or self._full or self._skips_changed(fresh_skips, known)):
            with self._project.read() as db:
                same = package_rows.modules(db) == _configuration(manifest)
            if same or self._only is not None:
                return self._nothing(listing, began)
        extracted = self._extract(changed)
        self._tell("link", 0, 0)
        return self._write(listing, manifest, known, extracted, deleted, fresh_skips, began)

    # -- what has to be read

    def _wanted(self, path: str) -> bool:
        if self._only is None:
            return True
        return any(each in ("", path) or path.startswith(each + "/") for each in self._only)

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
            scans.start(tx, run_id, incremental=not (first or self._full), commit=_commit(self._project))
            touched, changed = self._sort_out(extracted, known)
            files.stamp(tx, touched)
            unread = [one.path for one in changed if one.facts is None] + [each.path for each in skips]
            gone = [path for path in (*deleted, *unread) if path in known and known[path].status == "scanned"]
            everything = first or self._full or package_rows.modules(tx) != _configuration(manifest)
            self._models_before = [_model(each) for each in data.declared(tx)]
            self._routing_before = {*files.paths(tx, files.askers(tx, (_ROUTES,))).values(), *entry_points.routed(tx)}
            again = set() if everything else self._to_link_again(tx, known, changed, gone, manifest)
            files.remove(tx, [known[path].id for path in deleted])
            self._put_files(tx, changed, skips)
            self._forget(tx, [self._ids[path] for path in unread])
            if everything:
                linked = self._link_all(tx, first, changed, manifest)
            else:
                linked = self._link(tx, {one.path for one in changed if one.facts is not None} | again, manifest)
            calls.forget_unused_symbols(tx)
            self._conventions(tx, changed, unread)
            package_rows.replace_all(tx, (_package(each) for each in manifest.packages))
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
            if old is not None and new is not None and _offer(old) == _offer(new):
                continue
            if path in known:
                different.add(known[path].id)
            asked.update(name for name, *_ in _methods(old) ^ _methods(new))
            related.update(_class_names(old) | _class_names(new))
            if _classes(old) != _classes(new):
                asked.add(HEIRS)
            if posixpath.basename(path) == "conftest.py":
                different.update(_tests_below(path, known))
        different |= files.askers(tx, related)
        moved = self._led_elsewhere(tx, known, changed, gone, manifest)
        if moved:
            different |= moved
            asked.add(HEIRS)
        reached = files.transitive_importers(tx, different)
        for path in files.paths(tx, reached).values():
            if posixpath.basename(path) == "conftest.py":
                reached |= files.transitive_importers(tx, _tests_below(path, known))
        again = set(files.paths(tx, reached | files.askers(tx, asked)).values())
        if any(path.endswith((".prisma", ".sql")) for path in (*(one.path for one in changed), *gone)):
            again.update(known)  # a schema file gives tables to code that does not import it
        return {path for path in again if known[path].status == "scanned"} - {one.path for one in changed} - set(gone)

    def _led_elsewhere(
        self,
        tx: apsw.Connection,
        known: dict[str, files.Known],
        changed: list[extract.Extracted],
        gone: list[str],
        manifest: packages.Project,
    ) -> set[int]:
        """Files with an import that leads to another file than before, because a file came or went."""
        before = {path for path, one in known.items() if one.status == "scanned"}
        now = (before - set(gone)) | {one.path for one in changed if one.facts is not None}
        if now == before:
            return set()
        modules = _modules(now, manifest)
        found = {
            file_id
            for file_id, path, module, name, led in files.resolved(tx)
            if path in now and _leads_to(modules, path, module, name) != led
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

    def _link_all(
        self,
        tx: apsw.Connection,
        first: bool,
        changed: list[extract.Extracted],
        manifest: packages.Project,
    ) -> list[str]:
        paths = [one.path for one in changed if one.facts is not None]
        if not first:
            for file_id, path, blob in files.all_facts(tx, F.EXTRACTOR):
                self._ids.setdefault(path, file_id)
                if path not in self._blobs:
                    self._blobs[path] = blob
                    paths.append(path)
        package_rows.remember_modules(tx, _configuration(manifest))
        modules = _modules(paths, manifest)
        with bulk.without_indexes(tx) if first else contextlib.nullcontext():
            return self._link_files(tx, sorted(paths), modules, fresh=first, everything=True)

    def _link(self, tx: apsw.Connection, paths: set[str], manifest: packages.Project) -> list[str]:
        known = files.known(tx)
        self._ids.update({path: each.id for path, each in known.items()})
        modules = _modules((path for path, each in known.items() if each.status == "scanned"), manifest)
        return self._link_files(tx, sorted(paths), modules, fresh=False, everything=False)

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

    def _link_files(
        self, tx: apsw.Connection, paths: list[str], modules: ModuleTable, *, fresh: bool, everything: bool
    ) -> list[str]:
        """Link these files and write what was found. Answers with all that were linked: SQL text may ask for more."""
        facts_of = _FactsSource(tx, self._blobs, self._ids)
        self._put_functions(tx, paths, facts_of, fresh)
        offered = _Offered(tx, facts_of, paths if everything else None)
        evaluator = Evaluator(modules, facts_of.get, class_named=offered.classes_named)
        models = Models(evaluator)
        declared = {path: models.declared_in(path) for path in paths}
        others = [] if everything else [_model(each) for each in data.declared(tx) if each.path not in declared]
        all_models = _sorted([*(model for found in declared.values() for model in found), *others])
        if not everything and _columns(all_models) != _columns(self._models_before):
            # What SQL text touches depends on the tables that are known.
            self._link_also(tx, TABLES, declared, models)
        if self._put_bases(tx, paths, facts_of, evaluator) and not everything:
            # A re-export that leads elsewhere gives a class another base; neither its file nor its caller has changed.
            self._link_also(tx, HEIRS, declared, models)
        paths = sorted(declared)
        ids = [self._ids[path] for path in paths]
        resolver = Resolver(
            evaluator,
            named=offered.methods_named,
            properties=offered.properties,
            heirs=lambda path, number: offered.heirs(evaluator, path, number),
            heirs_outside=offered.heirs_outside,
        )
        reader = DataReader(
            evaluator, models, all_models, heirs=lambda path, number: offered.heirs(evaluator, path, number)
        )
        edges: dict[str, list[Edge]] = {}
        accesses: dict[str, list[Access]] = {}
        asked: dict[str, set[str]] = {}
        for done, path in enumerate(paths, 1):
            resolver.asked = reader.asked = asked[path] = set()
            edges[path] = resolver.edges(path)
            accesses[path] = reader.accesses(path)
            self._tell("link", done, len(paths))
        self._tell("write", 0, 1)
        self._put_calls(tx, ids, edges, facts_of, fresh)
        self._put_imports(tx, paths, facts_of, modules)
        self._put_models(tx, ids, declared)
        if everything or all_models != _sorted(self._models_before):
            self._put_sensitive_fields(tx, all_models)
        self._put_accesses(tx, ids, accesses)
        self._put_environment(tx, paths, facts_of)
        for path in self._put_entry_points(tx, paths, evaluator, everything, facts_of):
            asked[path].add(_ROUTES)
        self._put_asked(tx, paths, facts_of, edges, asked)
        return paths

    def _link_also(self, tx: apsw.Connection, name: str, declared: dict[str, list[Model]], models: Models) -> None:
        """Add the files that asked the project for this to those that are linked, with the models that they declare."""
        for path in files.paths(tx, files.askers(tx, (name,))).values():
            if path not in declared:
                declared[path] = models.declared_in(path)

    def _put_functions(self, tx: apsw.Connection, paths: list[str], facts_of: _FactsSource, fresh: bool) -> None:
        if fresh:
            rows = ((self._ids[path], _function_rows(facts_of.need(path))) for path in paths)
            by_id = functions.load(tx, rows)
            self._function_ids.update({path: by_id[self._ids[path]] for path in paths})
            return
        for path in paths:
            if path in self._blobs:
                self._function_ids[path] = functions.replace(tx, self._ids[path], _function_rows(facts_of.need(path)))

    def _ids_of(self, tx: apsw.Connection, path: str, facts_of: _FactsSource) -> Sequence[int]:
        """Function ids of a file by definition number; read from the store for files that did not change."""
        found = self._function_ids.get(path)
        if found is None:
            stored = functions.ids_in(tx, self._ids[path])
            found = [stored[_identity(definition)] for definition in facts_of.need(path).definitions]
            self._function_ids[path] = found
        return found

    def _put_calls(
        self, tx: apsw.Connection, ids: list[int], edges: dict[str, list[Edge]], facts_of: _FactsSource, fresh: bool
    ) -> None:
        symbol_ids = calls.symbols(tx, {_shown(edge.symbol) for each in edges.values() for edge in each})
        resolution_ids = calls.resolutions(tx)
        rows: list[calls.NewCall] = []
        for path, found in edges.items():
            own = self._ids_of(tx, path, facts_of)
            candidates: dict[tuple[int, int, int], int] = defaultdict(int)
            for edge in found:
                caller = own[edge.caller]
                site = (caller, edge.line, edge.column)
                callee = None if edge.target is None else self._ids_of(tx, edge.target[0], facts_of)[edge.target[1]]
                rows.append(
                    calls.NewCall(
                        caller,
                        edge.line,
                        edge.column,
                        candidates[site],
                        callee,
                        symbol_ids[_shown(edge.symbol)],
                        resolution_ids[edge.resolution],
                        edge.arguments,
                        edge.reason,
                    )
                )
                candidates[site] += 1
        if fresh:
            calls.load(tx, rows)
        else:
            calls.replace(tx, ids, rows)

    def _put_imports(self, tx: apsw.Connection, paths: list[str], facts_of: _FactsSource, modules: ModuleTable) -> None:
        rows: list[files.NewImport] = []
        for path in paths:
            file_id = self._ids[path]
            facts = facts_of.need(path)
            entries = [*facts.imports, *(Import(name, None, "", 1, 0) for name in pytest_plugins(facts))]
            for position, entry in enumerate(entries):
                target = _leads_to(modules, path, entry.module, entry.name)
                resolved = None if target is None else self._ids[target]
                rows.append(
                    files.NewImport(
                        file_id, position, entry.line, _shown(entry.module), entry.name, entry.alias or None, resolved
                    )
                )
        files.replace_imports(tx, [self._ids[path] for path in paths], rows)

    def _put_asked(
        self,
        tx: apsw.Connection,
        paths: list[str],
        facts_of: _FactsSource,
        edges: dict[str, list[Edge]],
        asked: dict[str, set[str]],
    ) -> None:
        """What each file asked the whole project for: an edit that gives another answer links it again."""
        names: set[tuple[str, int]] = set()
        for path in paths:
            wanted = {edge.symbol for edge in edges[path] if edge.resolution in ("unresolved", "unique")} | asked[path]
            wanted |= {_class(name) for name in libraries.classes_named_in(facts_of.need(path))}
            names.update((_shown(name), self._ids[path]) for name in wanted if name)
        files.replace_names(tx, [self._ids[path] for path in paths], names)

    def _put_bases(self, tx: apsw.Connection, paths: list[str], facts_of: _FactsSource, evaluator: Evaluator) -> bool:
        """Answers whether any class has other bases than before."""
        rows: list[tuple[int, int, str, int | None]] = []
        classes: list[int] = []
        for path in paths:
            module = evaluator.module(path)
            assert module is not None
            own = self._ids_of(tx, path, facts_of)
            for number, definition in enumerate(module.facts.definitions):
                if definition.kind == "class":
                    classes.append(own[number])
                for position, base in enumerate(definition.bases):
                    name, target = evaluator.base_of(module, base)
                    if name:
                        base_id = None if target is None else self._ids_of(tx, target[0], facts_of)[target[1]]
                        rows.append((own[number], position, _shown(name), base_id))
        before = functions.bases(tx, classes)
        functions.replace_bases(tx, [self._ids[path] for path in paths], rows)
        return before != functions.bases(tx, classes)

    def _put_models(self, tx: apsw.Connection, ids: list[int], declared: dict[str, list[Model]]) -> None:
        rows: list[data.NewModel] = []
        for path, models in declared.items():
            own = self._function_ids.get(path, ())
            rows += [
                data.NewModel(
                    model.name,
                    model.table,
                    self._ids[path],
                    max(model.line, 1),
                    model.framework,
                    model.confidence,
                    own[model.definition] if 0 <= model.definition < len(own) else None,
                    [
                        data.NewField(each.name, each.column, each.type or None, max(each.line, 1))
                        for each in model.fields
                    ],
                )
                for model in models
            ]
        data.replace_models(tx, ids, rows)

    def _put_sensitive_fields(self, tx: apsw.Connection, all_models: Iterable[Model]) -> None:
        sensitive: list[data.NewSensitiveField] = []
        # A schema says what a table is now; migrations, how it came to be so, with columns that are gone.
        kept = list(all_models)
        by_schema = {model.table for model in kept if model.framework == "prisma"}
        models = [model for model in kept if model.framework != "sql" or model.table not in by_schema]
        names = {model.name for model in models}
        for model in models:
            for field in model.fields:
                if field.type.rstrip("?[]") in names:
                    continue  # another table's rows, not a column
                found = sensitivity.classify(field.name, model_name=model.name, type_text=field.type)
                if found is not None:
                    sensitive.append(
                        data.NewSensitiveField(
                            model.table,
                            field.column,
                            found.kind,
                            found.reason,
                            found.confidence,
                            self._ids[model.path],
                            max(field.line, 1),
                        )
                    )
        data.replace_sensitive_fields(tx, sensitive)

    def _put_accesses(self, tx: apsw.Connection, ids: list[int], accesses: dict[str, list[Access]]) -> None:
        rows = [
            data.NewAccess(
                self._ids[path],
                self._function_ids[path][one.definition],
                one.line,
                one.column,
                _shown(one.table),
                one.operation,
                tuple(map(_shown, one.fields)),
                int(one.whole_row),
                int(one.raw_sql),
                one.confidence,
                _shown(one.context),
                one.framework,
            )
            for path, found in accesses.items()
            for one in found
        ]
        data.replace_accesses(tx, ids, rows)

    def _put_environment(self, tx: apsw.Connection, paths: list[str], facts_of: _FactsSource) -> None:
        rows: list[environment.NewEnvAccess] = []
        for path in paths:
            facts = facts_of.need(path)
            own = self._function_ids.get(path, ())
            rows += [
                environment.NewEnvAccess(
                    self._ids[path],
                    own[read.definition] if read.definition < len(own) else None,
                    _shown(read.name),
                    env_sensitivity(read.name),
                    read.method,
                    read.line,
                    read.column,
                    facts.language,
                    int(read.default is not None),
                    None if read.default is None else _shown(read.default),
                    int(read.default is not None and "[redacted]" in read.default),
                    read.required,
                )
                for read in facts.env_reads
            ]
        environment.replace(tx, [self._ids[path] for path in paths], rows)

    def _put_entry_points(
        self, tx: apsw.Connection, paths: list[str], evaluator: Evaluator, everything: bool, facts_of: _FactsSource
    ) -> set[str]:
        """Answers with the files that have a say in routes."""
        finder = EntryPointFinder(evaluator)
        routing = {path for path in paths if finder.routes(path)}
        wanted = set(paths)
        still = {path for path in self._routing_before if evaluator.module(path) is not None}
        if not everything and (routing or still.intersection(paths) or still != self._routing_before):
            # A prefix in one file is part of routes in others, and a route in one file leads to a function in another:
            # whoever has to do with routes is looked at together.
            wanted |= still
        found = finder.find(sorted(wanted))
        beyond = {each.path for each in found} - wanted
        if beyond:  # their other entry points are to stay
            wanted |= beyond
            found = finder.find(sorted(wanted))
        entry_points.replace(
            tx,
            [self._ids[path] for path in wanted],
            (
                entry_points.NewEntryPoint(
                    self._ids_of(tx, each.path, facts_of)[each.definition],
                    each.kind,
                    _shown(each.label),
                    each.method,
                    each.route,
                    each.framework or None,
                    max(each.line, 1),
                )
                for each in found
            ),
        )
        return routing

    def _describe(self, tx: apsw.Connection, manifest: packages.Project) -> None:
        before = about.read(tx)
        assert before is not None, "a project is described when it is initialised"
        about.put(tx, before._replace(monorepo_root=manifest.monorepo_root, package_manager=manifest.package_manager))
        about.put_languages(tx, manifest.language_stats)

    # -- conventions

    def _conventions(self, tx: apsw.Connection, changed: list[extract.Extracted], unread: list[str]) -> None:
        """Evidence of the files read anew, in place of what was; then every convention is decided by all there is."""
        evidence: list[patterns.NewEvidence] = []
        for one in changed:
            if one.facts is None:
                continue
            family = languages.named(one.language).family
            evidence += [
                patterns.NewEvidence(
                    self._ids[one.path], each.convention, family, _shown(each.choice), each.line, each.column
                )
                for each in F.unpack(one.facts).evidence
            ]
        file_ids = [self._ids[path] for path in {*(one.path for one in changed), *unread}]
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
        patterns.put(tx, (_finding(pattern) for *_, pattern in stated.values()))
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


def _finding(pattern: conventions.Pattern) -> patterns.Finding:
    return patterns.Finding(
        pattern.id,
        pattern.name,
        pattern.description,
        pattern.category,
        pattern.family,
        pattern.convention,
        pattern.choice,
        pattern.confidence,
        pattern.frequency,
        pattern.consistency,
        pattern.spread,
        "ast",
        pattern.severity,
        json.dumps([pattern.family]),
        pattern.id,
    )


class _FactsSource:
    """Facts by path: those of this scan, else those in the store."""

    def __init__(self, tx: apsw.Connection, blobs: dict[str, bytes], ids: dict[str, int]) -> None:
        self._tx = tx
        self._blobs = blobs
        self._ids = ids
        self._unpacked: dict[str, FileFacts] = {}

    def get(self, path: str) -> FileFacts | None:
        """None when the project has no such file, or it could not be read."""
        found = self._unpacked.get(path)
        if found is not None:
            return found
        blob = self._blobs.get(path)
        if blob is None:
            file_id = self._ids.get(path)
            if file_id is None:
                return None
            stored = files.facts(self._tx, F.EXTRACTOR, (file_id,))
            if not stored:
                return None
            blob = stored[0][2]
        found = F.unpack(blob)
        self._unpacked[path] = found
        return found

    def need(self, path: str) -> FileFacts:
        found = self.get(path)
        assert found is not None, f"no facts of {path}"
        return found


class _Offered:
    """What the whole project offers by name: methods, classes, properties. From the facts at hand in a full link, else
    from the store."""

    def __init__(self, tx: apsw.Connection, facts_of: _FactsSource, paths: list[str] | None) -> None:
        self._tx = tx
        self._facts_of = facts_of
        self._methods: dict[str, list[tuple[str, int]]] | None = None
        self._classes: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._heirs: dict[tuple[str, int], list[tuple[str, int]]] | None = None
        self._outside: dict[str, tuple[tuple[str, int], ...]] = {}
        names: set[str] = set()
        if paths is None:
            names.update(functions.property_names(tx))
        else:
            self._methods = defaultdict(list)
            for path in paths:
                facts = facts_of.need(path)
                for number, definition in enumerate(facts.definitions):
                    if definition.kind == "method" and not facts.is_test and not definition.flags & F.DECLARATION:
                        self._methods[definition.name].append((path, number))
                    if definition.flags & F.PROPERTY:
                        names.add(definition.name)
                    if definition.kind == "class":
                        self._classes[definition.name].append((path, number))
        self.properties = frozenset(names)

    def heirs(self, evaluator: Evaluator, path: str, number: int) -> tuple[tuple[str, int], ...]:
        """The classes that inherit from this one, directly or not."""
        if self._methods is None:
            definition = self._facts_of.need(path).definitions[number]
            return tuple(self._numbered(functions.heirs(self._tx, path, *_identity(definition))))
        if self._heirs is None:
            self._heirs = defaultdict(list)
            for classes in self._classes.values():
                for each in classes:
                    for module, at, _ in evaluator.bases(*each)[1:]:
                        self._heirs[module.path, at].append(each)
        return tuple(sorted(self._heirs.get((path, number), ())))

    def heirs_outside(self, name: str) -> tuple[tuple[str, int], ...]:
        """The classes that inherit from what a library calls so."""
        if name not in self._outside:
            self._outside[name] = tuple(self._numbered(functions.heirs_outside(self._tx, name)))
        return self._outside[name]

    def methods_named(self, name: str) -> tuple[tuple[str, int], ...]:
        if self._methods is not None:
            return tuple(self._methods.get(name, ())[:2])
        rows = (row[1:] for row in functions.methods_named(self._tx, (name,)))
        return tuple(itertools.islice(self._numbered(rows, F.DECLARATION), 2))

    def classes_named(self, importer: str, name: str) -> tuple[tuple[str, int], ...]:
        # Eight namesakes say nothing about which one is meant; the evaluator keeps no more values anyway.
        if self._methods is not None:
            return tuple(self._classes.get(name, ())[:8])
        return tuple(self._numbered(functions.classes_named(self._tx, name)[:8]))

    def _numbered(self, rows: Iterable[tuple[str, str, int]], without: int = 0) -> Iterator[tuple[str, int]]:
        """Definitions by file and number, as facts know them; without those that have such a flag."""
        for path, qualified, ordinal in rows:
            facts = self._facts_of.get(path)
            for number, definition in enumerate(facts.definitions if facts is not None else ()):
                if _identity(definition) == (qualified, ordinal) and not definition.flags & without:
                    yield (path, number)


def _function_rows(facts: FileFacts) -> list[functions.NewFunction]:
    rows: list[functions.NewFunction] = []
    for definition in facts.definitions:
        parameters = [
            {
                "name": each.name,
                "kind": each.kind,
                **({"type": _shown(each.annotation_text)} if each.annotation_text else {}),
                **({"default": True} if each.default is not None else {}),
            }
            for each in definition.parameters
        ]
        rows.append(
            functions.NewFunction(
                *_identity(definition),
                _shown(definition.name),
                definition.kind,
                definition.parent if definition.parent >= 0 else None,
                definition.line,
                definition.end_line,
                definition.column,
                facts.language,
                _shown(definition.signature) or None,
                json.dumps(parameters, separators=(",", ":")) if parameters else None,
                json.dumps([_shown(each.text) for each in definition.decorators]) if definition.decorators else None,
                _shown(definition.returns_text) or None,
                definition.visibility,
                max(definition.complexity, 1),
                int(bool(definition.flags & F.EXPORTED)),
                int(bool(definition.flags & F.CONSTRUCTOR)),
                int(bool(definition.flags & F.ASYNC)),
                facts.is_test,
                int(bool(definition.flags & F.PROPERTY)),
            )
        )
    return rows


def _identity(definition: F.Definition) -> tuple[str, int]:
    """Qualified name and ordinal. A module body has a name that no definition can have: copy.py may define `copy`."""
    if definition.kind == "module":
        return ("<module>", 0)
    return (_shown(definition.qualified_name), definition.ordinal)


def _offer(facts: FileFacts) -> object:
    """What other files can notice of a file: everything but lines, columns and measures of bodies."""
    return (
        tuple(
            (*one[:6], one.flags, tuple(each[:4] for each in one.parameters), *one[15:19], *one[20:])
            for one in facts.definitions
        ),
        tuple((scope.kind, scope.parent, scope.bindings) for scope in facts.scopes),
        tuple((each.module, each.name, each.alias) for each in facts.imports),
        facts.exports,
        facts.reexports,
        tuple((call.callee, call.arguments, call.keywords) for call in facts.calls),
        tuple((each.target, each.name, each.value) for each in facts.accesses if each.kind == F.STORE),
        facts.schema_models,
        facts.is_test,
    )


def _classes(facts: FileFacts | None) -> object:
    """Classes with what they inherit from, and with the imports that decide what their bases mean."""
    if facts is None:
        return ()
    classes = [(one.qualified_name, one.bases) for one in facts.definitions if one.kind == "class"]
    return (classes, [each[:3] for each in facts.imports if any(bases for _, bases in classes)])


def _tests_below(conftest: str, known: dict[str, files.Known]) -> set[int]:
    """The tests that find their fixtures there: by folder, not by import."""
    folder = conftest.removesuffix("conftest.py")
    return {one.id for path, one in known.items() if path.startswith(folder) and languages.is_test(path)}


def _methods(facts: FileFacts | None) -> set[tuple[str, str, int, int]]:
    """What a call on an unknown receiver can find here."""
    if facts is None or facts.is_test:
        return set()
    return {
        (one.name, one.qualified_name, one.ordinal, one.flags & F.DECLARATION)
        for one in facts.definitions
        if one.kind == "method"
    }


def _class_names(facts: FileFacts | None) -> set[str]:
    return set() if facts is None else {_class(one.name) for one in facts.definitions if one.kind == "class"}


def _class(name: str) -> str:
    """A class as something that a file asks for: not to be mistaken for a method of that name."""
    return "class:" + name


def _leads_to(modules: ModuleTable, path: str, module: str, name: str | None) -> str | None:
    """The file that an import depends on; None: none of the project."""
    target = modules.resolve(path, module)
    if target is not None and name is not None:
        # `from package import module` depends on the module, not only on the package.
        target = modules.submodule(target, name) or target
    return None if target is None or target.endswith("/") else target


def _sorted(models: Iterable[Model]) -> list[Model]:
    """Models in one order and shape, whether just read or stored: where two say different things of a table, the same
    one is heard in every scan."""
    return sorted((model._replace(definition=-1) for model in models), key=lambda model: model.path)


def _columns(models: Iterable[Model]) -> set[tuple[str, frozenset[str]]]:
    return {(model.table, frozenset(field.column for field in model.fields)) for model in models}


def _model(stored: data.Declared) -> Model:
    fields = tuple(Field(each.field_name, each.column_name, each.type or "", each.line) for each in stored.fields)
    return Model(
        stored.name, stored.table_name, stored.path, stored.line, -1, stored.framework or "", stored.confidence, fields
    )


def _package(found: packages.Package) -> Package:
    return Package(
        found.path,
        found.name,
        found.package_manager,
        found.version,
        found.dependencies,
        found.dev_dependencies,
        found.language,
        found.framework,
    )


def _modules(paths: Iterable[str], manifest: packages.Project) -> ModuleTable:
    return ModuleTable(
        paths,
        [PathAlias(each.directory, each.base, each.paths) for each in manifest.modules.aliases],
        [WorkspacePackage(each.name, each.directory, each.entries) for each in manifest.modules.packages],
    )


def _configuration(manifest: packages.Project) -> str:
    """What decides where imports lead, apart from the files themselves."""
    return json.dumps(
        {
            "aliases": sorted(
                [each.directory, each.base, sorted((k, list(v)) for k, v in each.paths.items())]
                for each in manifest.modules.aliases
            ),
            "workspaces": sorted([each.name, each.directory, list(each.entries)] for each in manifest.modules.packages),
        }
    )


def _inside(project: Project, path: str) -> str:
    """A path relative to the root, as the store keeps it. Raises DriftError for one that leads outside."""
    full = (project.root / path).resolve()
    if not full.is_relative_to(project.root):
        raise DriftError(f"{path} is outside the project {project.root.name}. Give a path inside it.")
    relative = full.relative_to(project.root).as_posix()
    return "" if relative == "." else relative


def _shown(text: str) -> str:
    """Text that SQLite and a terminal can hold: no lone surrogates, no NUL."""
    return (
        text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
        if not text.isascii() or "\0" in text
        else text
    )


def _commit(project: Project) -> str | None:
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
