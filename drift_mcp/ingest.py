"""Brings the store up to date with the source: changed files become facts, facts become rows, deleted files are gone.

The only room that knows both sides. One scan is one transaction for readers: they see the old state or the new one.
Source text never comes here, and no answer is made here.
"""

from __future__ import annotations

import contextlib
import gc
import json
import subprocess
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.graph.data import Access, DataReader
from drift_mcp.graph.entry_points import EntryPointFinder
from drift_mcp.graph.evaluate import Evaluator
from drift_mcp.graph.models import Field, Model, Models
from drift_mcp.graph.modules import ModuleTable, PathAlias, WorkspacePackage
from drift_mcp.graph.resolve import Edge, Resolver
from drift_mcp.model import Package
from drift_mcp.project import Project, init, register
from drift_mcp.scan import conventions, extract, languages, packages, sensitivity, walk
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import FileFacts
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

# How long a second scan waits for a running one: a scan of a large repository, with room.
_WAIT_SECONDS: Final = 120.0


# Stands among the names that files asked the project for: who inherits from an abstract model. No identifier has a
# blank.
_HEIRS: Final = "heirs of models"


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
            return _Scan(project, False, paths, 1, _silent).run()
    except DriftError:
        return None


def _silent(stage: str, done: int, total: int) -> None:
    return


class _Scan:
    """One scan of one project. Used once, by one thread."""

    def __init__(
        self, project: Project, full: bool, paths: Sequence[str] | None, jobs: int | None, tell: Progress
    ) -> None:
        self._project = project
        self._full = full
        self._only = None if paths is None else tuple(_inside(project, path) for path in paths)
        self._jobs = jobs
        self._tell = tell
        self._blobs: dict[str, bytes] = {}  # facts read in this scan, packed
        self._ids: dict[str, int] = {}  # path → file id
        self._heirs_asked: set[str] = set()  # paths whose accesses depend on who inherits from an abstract model
        self._function_ids: dict[str, Sequence[int]] = {}  # path → function id by definition number

    def run(self) -> ScanRun:
        began = time.monotonic()
        with _no_collection():
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
        if not changed and not deleted and not self._full and self._only is not None:
            return self._nothing(listing, began)
        if not changed and not deleted and not self._full and not self._skips_changed(fresh_skips, known):
            return self._nothing(listing, began)
        extracted = self._extract(changed, known)
        self._tell("link", 0, 0)
        return self._write(listing, known, extracted, deleted, fresh_skips, began)

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

    def _extract(self, entries: list[walk.Entry], known: dict[str, files.Known]) -> list[extract.Extracted]:
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
        known: dict[str, files.Known],
        extracted: list[extract.Extracted],
        deleted: list[str],
        skips: list[walk.Skipped],
        began: float,
    ) -> ScanRun:
        manifest = packages.read(self._project.root, listing)
        run_id = uuid.uuid4().hex
        with self._project.write() as tx:
            first = bulk.is_empty(tx)
            scans.start(tx, run_id, incremental=not (first or self._full), commit=_commit(self._project))
            touched, changed = self._sort_out(extracted, known)
            files.stamp(tx, touched)
            old_facts = {} if first else self._facts_before(tx, changed, known)
            gone_ids = [known[path].id for path in deleted]
            again = (
                set() if first or self._full else self._to_link_again(tx, known, changed, deleted, old_facts, manifest)
            )
            files.remove(tx, gone_ids)
            self._put_files(tx, changed, skips)
            if first or self._full or self._needs_everything(manifest, tx):
                linked = self._link_all(tx, first, changed, manifest, listing)
            else:
                linked = self._link(
                    tx, {one.path for one in changed if one.facts is not None} | again, changed, manifest
                )
            calls.forget_unused_symbols(tx)
            self._conventions(tx, changed)
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
        files.drop_facts(tx, [self._ids[one.path] for one in changed if one.facts is None])
        told = [(self._ids[one.path], each) for one in changed for each in one.problems]
        told += [(self._ids[each.path], each.problem) for each in skips]
        problems.replace(
            tx,
            [self._ids[row.path] for row in rows],
            (problems.NewProblem(file_id, each.kind, each.line or None, each.message) for file_id, each in told),
        )

    # -- which files an edit reaches

    def _facts_before(
        self, tx: apsw.Connection, changed: list[extract.Extracted], known: dict[str, files.Known]
    ) -> dict[str, FileFacts]:
        ids = [known[one.path].id for one in changed if one.path in known]
        return {path: F.unpack(blob) for _, path, blob in files.facts(tx, F.EXTRACTOR, ids)}

    def _to_link_again(
        self,
        tx: apsw.Connection,
        known: dict[str, files.Known],
        changed: list[extract.Extracted],
        deleted: list[str],
        before: dict[str, FileFacts],
        manifest: packages.Project,
    ) -> set[str]:
        """Unchanged files whose links may be different now: those whose imports lead to a file that offers something
        else, and those that asked for a name or a module that appeared or vanished."""
        different: set[int] = {known[path].id for path in deleted}
        names: set[str] = set()
        for path in deleted:
            names.update(_module_names(path))
            names.add(_HEIRS)
        for one in changed:
            old = before.get(one.path)
            new = None if one.facts is None else F.unpack(one.facts)
            if one.path not in known:
                names.update(_module_names(one.path))
            if old is not None and new is not None and _offer(old) == _offer(new):
                continue
            if one.path in known:
                different.add(known[one.path].id)
            names.update(_names(old) ^ _names(new))
            if _classes(old) != _classes(new):
                names.add(_HEIRS)
            if one.path.rsplit("/", 1)[-1] == "conftest.py":  # fixtures are found by folder, not by import
                folder = one.path.rpartition("/")[0]
                names.update(path for path in known if path.startswith(folder))
        reached = files.transitive_importers(tx, different)
        reached |= files.askers(tx, names)
        paths = set(files.paths(tx, reached).values()) | {
            name for name in names if name in known and known[name].status == "scanned"
        }
        if any(one.language in ("prisma", "sql") for one in changed) or any(
            path.endswith((".prisma", ".sql")) for path in deleted
        ):
            # A schema file gives tables to code that does not import it.
            paths |= {path for path, one in known.items() if one.status == "scanned"}
        return paths - {one.path for one in changed} - set(deleted)

    def _needs_everything(self, manifest: packages.Project, tx: apsw.Connection) -> bool:
        """A changed module configuration may lead every import elsewhere."""
        return package_rows.modules(tx) != _configuration(manifest)

    # -- linking

    def _link_all(
        self,
        tx: apsw.Connection,
        first: bool,
        changed: list[extract.Extracted],
        manifest: packages.Project,
        listing: walk.Listing,
    ) -> list[str]:
        paths = [one.path for one in changed if one.facts is not None]
        if not first:
            for file_id, path, blob in files.all_facts(tx, F.EXTRACTOR):
                self._ids.setdefault(path, file_id)
                if path not in self._blobs:
                    self._blobs[path] = blob
                    paths.append(path)
        package_rows.remember_modules(tx, _configuration(manifest))
        modules = _modules(self._ids, manifest)
        with bulk.without_indexes(tx) if first else contextlib.nullcontext():
            self._link_files(tx, sorted(paths), modules, fresh=first, everything=True)
        return paths

    def _link(
        self, tx: apsw.Connection, paths: set[str], changed: list[extract.Extracted], manifest: packages.Project
    ) -> list[str]:
        known = files.known(tx)
        self._ids.update({path: each.id for path, each in known.items()})
        linked = sorted(path for path in paths if path in known and known[path].status == "scanned")
        unread = [one.path for one in changed if one.facts is None and one.path in known]
        self._forget(tx, [self._ids[path] for path in unread])
        modules = _modules((path for path, each in known.items() if each.status == "scanned"), manifest)
        self._link_files(tx, linked, modules, fresh=False, everything=False)
        return linked

    def _forget(self, tx: apsw.Connection, ids: list[int]) -> None:
        """What was known of files that can no longer be read."""
        for file_id in ids:
            functions.replace(tx, file_id, ())
        files.replace_imports(tx, ids, ())
        data.replace_models(tx, ids, ())
        data.replace_accesses(tx, ids, ())
        environment.replace(tx, ids, ())

    def _link_files(
        self, tx: apsw.Connection, paths: list[str], modules: ModuleTable, *, fresh: bool, everything: bool
    ) -> None:
        facts_of = _FactsSource(tx, self._blobs, self._ids)
        offered = _Offered(tx, facts_of, paths if everything else None)
        evaluator = Evaluator(modules, facts_of.get, class_named=offered.classes_named)
        self._put_functions(tx, paths, facts_of, fresh)
        ids = [self._ids[path] for path in paths]
        models_reader = Models(evaluator)
        declared = {path: models_reader.declared_in(path) for path in paths}
        all_models = [model for path in paths for model in declared[path]]
        models_changed = everything or bool(all_models) or data.have_models(tx, ids)
        if not everything:
            all_models += [_model(each) for each in data.declared(tx) if each.path not in declared]
        resolver = Resolver(evaluator, named=offered.methods_named, properties=offered.properties)
        reader = DataReader(
            evaluator, models_reader, all_models, heirs=lambda path, number: offered.heirs(evaluator, path, number)
        )
        edges: dict[str, list[Edge]] = {}
        accesses: dict[str, list[Access]] = {}
        for done, path in enumerate(paths, 1):
            edges[path] = resolver.edges(path)
            reader.asked_for_heirs = False
            accesses[path] = reader.accesses(path)
            if reader.asked_for_heirs:
                self._heirs_asked.add(path)
            self._tell("link", done, len(paths))
        self._tell("write", 0, 1)
        self._put_calls(tx, ids, edges, facts_of, fresh)
        self._put_imports(tx, paths, facts_of, modules, edges)
        self._put_bases(tx, paths, facts_of, evaluator)
        self._put_models(tx, ids, declared)
        if models_changed:
            self._put_sensitive_fields(tx, all_models)
        self._put_accesses(tx, ids, accesses)
        self._put_environment(tx, paths, facts_of)
        self._put_entry_points(tx, paths, evaluator, everything, facts_of)

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

    def _put_imports(
        self,
        tx: apsw.Connection,
        paths: list[str],
        facts_of: _FactsSource,
        modules: ModuleTable,
        edges: dict[str, list[Edge]],
    ) -> None:
        rows: list[files.NewImport] = []
        names: set[tuple[str, int]] = set()
        for path in paths:
            file_id = self._ids[path]
            for position, entry in enumerate(facts_of.need(path).imports):
                target = modules.resolve(path, entry.module)
                if target is not None and entry.name is not None:
                    # `from package import module` depends on the module, not only on the package.
                    target = modules.submodule(target, entry.name) or target
                resolved = None if target is None else self._ids.get(target)
                rows.append(
                    files.NewImport(
                        file_id, position, entry.line, _shown(entry.module), entry.name, entry.alias or None, resolved
                    )
                )
                for part in (entry.module.rsplit("/", 1)[-1].rsplit(".", 1)[-1], entry.name or ""):
                    if part:
                        names.add(("module:" + _shown(part), file_id))
            if path in self._heirs_asked:
                names.add((_HEIRS, file_id))
            for edge in edges[path]:
                if edge.symbol and edge.resolution in ("unresolved", "unique"):
                    names.add((_shown(edge.symbol), file_id))
        ids = [self._ids[path] for path in paths]
        files.replace_imports(tx, ids, rows)
        files.replace_names(tx, ids, names)

    def _put_bases(self, tx: apsw.Connection, paths: list[str], facts_of: _FactsSource, evaluator: Evaluator) -> None:
        rows: list[tuple[int, int, str, int | None]] = []
        for path in paths:
            module = evaluator.module(path)
            assert module is not None
            own = self._ids_of(tx, path, facts_of)
            for number, definition in enumerate(module.facts.definitions):
                for position, base in enumerate(definition.bases):
                    name, target = evaluator.base_of(module, base)
                    if name:
                        base_id = None if target is None else self._ids_of(tx, target[0], facts_of)[target[1]]
                        rows.append((own[number], position, _shown(name), base_id))
        functions.replace_bases(tx, [self._ids[path] for path in paths], rows)

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
        for model in all_models:
            for field in model.fields:
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
    ) -> None:
        finder = EntryPointFinder(evaluator)
        wanted = set(paths)
        # A prefix in one file is part of routes in others: whoever has a route, or mounts one, is looked at again with
        # them.
        if not everything and (
            finder.routes_in(paths) or entry_points.has_routes(tx, [self._ids[path] for path in paths])
        ):
            wanted |= set(entry_points.paths_around_routes(tx))
        rows: dict[int, list[entry_points.NewEntryPoint]] = defaultdict(list)
        for each in finder.find(sorted(path for path in wanted if path in self._ids)):
            if each.path in wanted:
                function_id = self._ids_of(tx, each.path, facts_of)[each.definition]
                rows[self._ids[each.path]].append(
                    entry_points.NewEntryPoint(
                        function_id,
                        each.kind,
                        _shown(each.label),
                        each.method,
                        each.route,
                        each.framework or None,
                        max(each.line, 1),
                    )
                )
        entry_points.replace(
            tx,
            [self._ids[path] for path in wanted if path in self._ids],
            (row for found in rows.values() for row in found),
        )

    def _describe(self, tx: apsw.Connection, manifest: packages.Project) -> None:
        before = about.read(tx)
        assert before is not None, "a project is described when it is initialised"
        about.put(tx, before._replace(monorepo_root=manifest.monorepo_root, package_manager=manifest.package_manager))
        about.put_languages(tx, manifest.language_stats)

    # -- conventions

    def _conventions(self, tx: apsw.Connection, changed: list[extract.Extracted]) -> None:
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
        file_ids = [self._ids[one.path] for one in changed]
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
            return self._numbered(functions.heirs(self._tx, path, *_identity(definition)))
        if self._heirs is None:
            self._heirs = defaultdict(list)
            for classes in self._classes.values():
                for each in classes:
                    for module, at, _ in evaluator.bases(*each)[1:]:
                        self._heirs[module.path, at].append(each)
        return tuple(sorted(self._heirs.get((path, number), ())))

    def methods_named(self, name: str) -> tuple[tuple[str, int], ...]:
        if self._methods is not None:
            return tuple(self._methods.get(name, ())[:2])
        return self._numbered(
            (path, qualified, ordinal) for _, path, qualified, ordinal in functions.methods_named(self._tx, (name,))[:2]
        )

    def classes_named(self, importer: str, name: str) -> tuple[tuple[str, int], ...]:
        # Eight namesakes say nothing about which one is meant; the evaluator keeps no more values anyway.
        if self._methods is not None:
            return tuple(self._classes.get(name, ())[:8])
        return self._numbered(functions.classes_named(self._tx, name)[:8])

    def _numbered(self, rows: Iterable[tuple[str, str, int]]) -> tuple[tuple[str, int], ...]:
        found: list[tuple[str, int]] = []
        for path, qualified, ordinal in rows:
            facts = self._facts_of.get(path)
            for number, definition in enumerate(facts.definitions if facts is not None else ()):
                if _identity(definition) == (qualified, ordinal):
                    found.append((path, number))
        return tuple(found)


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
    return (
        () if facts is None else [(one.qualified_name, one.bases) for one in facts.definitions if one.kind == "class"]
    )


def _names(facts: FileFacts | None) -> set[str]:
    return set() if facts is None else {definition.name for definition in facts.definitions}


def _module_names(path: str) -> set[str]:
    """The names under which an import may ask for this file."""
    parts = path.rsplit(".", 1)[0].split("/")
    found = {parts[-1]}
    if parts[-1] in ("__init__", "index") and len(parts) > 1:
        found.add(parts[-2])
    return {"module:" + _shown(name) for name in found}


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


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A link makes millions of small tuples and no cycles: looking for garbage would cost a tenth of it."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
