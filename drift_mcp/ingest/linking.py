"""Files that were read become functions, calls, models, accesses and entry points in the store.

Knows which files to link, never why: that is the scan's.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

import apsw

from drift_mcp.graph import libraries
from drift_mcp.graph.data import HEIRS, TABLES, Access, DataReader
from drift_mcp.graph.entry_points import EntryPointFinder
from drift_mcp.graph.evaluate import Evaluator, pytest_plugins
from drift_mcp.graph.models import Model, Models
from drift_mcp.graph.modules import ModuleTable
from drift_mcp.graph.resolve import Edge, Resolver
from drift_mcp.ingest.offers import class_word, configuration, leads_to, modules_of
from drift_mcp.ingest.rows import function_rows, identity, model_of, shown
from drift_mcp.ingest.sources import FactsSource, Offered
from drift_mcp.scan import extract, packages, sensitivity
from drift_mcp.scan import facts as F
from drift_mcp.scan.extract import FAULTS, told_fault
from drift_mcp.scan.facts import Import
from drift_mcp.scan.secrets import env_sensitivity
from drift_mcp.tables import (
    bulk,
    calls,
    data,
    entry_points,
    environment,
    files,
    functions,
    problems,
)
from drift_mcp.tables import packages as package_rows

Progress: TypeAlias = Callable[[str, int, int], None]  # stage, done, of how many


def sorted_models(models: Iterable[Model]) -> list[Model]:
    """Models in one order and shape, whether just read or stored: where two say different things of a table, the same
    one is heard in every scan."""
    return sorted((model._replace(definition=-1) for model in models), key=lambda model: model.path)


def columns(models: Iterable[Model]) -> set[tuple[str, frozenset[str]]]:
    return {(model.table, frozenset(field.column for field in model.fields)) for model in models}


# What a file with a say in routes is remembered to ask for, like a name: each of them is part of the others' routes.
ROUTES: Final = "routes"


class Linking:
    """Links the files of one scan. Used once, by one thread."""

    def __init__(self, ids: dict[str, int], blobs: dict[str, bytes], tell: Progress) -> None:
        """`ids`: path → file id, filled by the scan; `blobs`: the facts that it read, packed."""
        self._ids = ids
        self._blobs = blobs
        self._tell = tell
        self.models_before: list[Model] = []
        self.edited: set[str] = set()  # paths of files whose content is another one than before
        # Paths that had to do with routes before: that had a say in them, or a function that one leads to.
        self.routing_before: set[str] = set()
        self._function_ids: dict[str, Sequence[int]] = {}  # path → function id by definition number
        self._read: set[str] = set()  # paths of all files that have facts: others, another scanner has told of

    def everything(
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
        self._read.update(paths)
        package_rows.remember_modules(tx, configuration(manifest))
        modules = modules_of(paths, manifest)
        with bulk.without_indexes(tx) if first else contextlib.nullcontext():
            return self._link_files(tx, sorted(paths), modules, fresh=first, everything=True)

    def some(self, tx: apsw.Connection, paths: set[str], manifest: packages.Project) -> list[str]:
        known = files.known(tx)
        self._ids.update({path: each.id for path, each in known.items()})
        self._read.update(path for path, each in known.items() if each.extractor is not None)
        modules = modules_of(self._read, manifest)
        return self._link_files(tx, sorted(paths), modules, fresh=False, everything=False)

    def _link_files(
        self, tx: apsw.Connection, paths: list[str], modules: ModuleTable, *, fresh: bool, everything: bool
    ) -> list[str]:
        """Link these files and write what was found. Answers with all that were linked: SQL text may ask for more."""
        facts_of = FactsSource(tx, self._blobs, self._ids)
        self._put_functions(tx, paths, facts_of, fresh)
        offered = Offered(tx, facts_of, paths if everything else None)
        evaluator = Evaluator(modules, facts_of.get, class_named=offered.classes_named)
        models = Models(evaluator)
        declared = {path: models.declared_in(path) for path in paths}
        others = [model_of(each) for each in data.declared(tx) if each.path not in declared]
        all_models = sorted_models([*(model for found in declared.values() for model in found), *others])
        if not everything and columns(all_models) != columns(self.models_before):
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
        faults: list[problems.NewProblem] = []
        for done, path in enumerate(paths, 1):
            resolver.asked = reader.asked = asked[path] = set()
            try:
                edges[path], accesses[path] = resolver.edges(path), reader.accesses(path)
            except FAULTS as fault:
                # One odd file among thousands is that file's problem: it is told, and the others have their answers.
                edges[path], accesses[path] = [], []
                faults.append(problems.NewProblem(self._ids[path], "crash", None, told_fault(fault)))
            self._tell("link", done, len(paths))
        problems.replace_crashes(tx, ids, faults)
        self._tell("write", 0, 1)
        self._put_calls(tx, ids, edges, facts_of, fresh)
        self._put_imports(tx, paths, facts_of, modules)
        self._put_models(tx, ids, declared)
        if everything or all_models != sorted_models(self.models_before):
            self._put_sensitive_fields(tx, all_models)
        self._put_accesses(tx, ids, accesses)
        self._put_environment(tx, paths, facts_of)
        for path in self._put_entry_points(tx, paths, evaluator, everything, facts_of):
            asked[path].add(ROUTES)
        self._put_asked(tx, paths, facts_of, edges, asked)
        return paths

    def _link_also(self, tx: apsw.Connection, name: str, declared: dict[str, list[Model]], models: Models) -> None:
        """Add the files that asked the project for this to those that are linked, with the models that they declare."""
        for path in files.paths(tx, files.askers(tx, (name,))).values():
            if path not in declared:
                declared[path] = models.declared_in(path)

    def _put_functions(self, tx: apsw.Connection, paths: list[str], facts_of: FactsSource, fresh: bool) -> None:
        if fresh:
            rows = ((self._ids[path], function_rows(facts_of.need(path))) for path in paths)
            by_id = functions.load(tx, rows)
            self._function_ids.update({path: by_id[self._ids[path]] for path in paths})
            return
        for path in paths:
            if path in self._blobs:
                self._function_ids[path] = functions.replace(tx, self._ids[path], function_rows(facts_of.need(path)))

    def _ids_of(self, tx: apsw.Connection, path: str, facts_of: FactsSource) -> Sequence[int]:
        """Function ids of a file by definition number; read from the store for files that did not change."""
        found = self._function_ids.get(path)
        if found is None:
            stored = functions.ids_in(tx, self._ids[path])
            found = [stored[identity(definition)] for definition in facts_of.need(path).definitions]
            self._function_ids[path] = found
        return found

    def _put_calls(
        self, tx: apsw.Connection, ids: list[int], edges: dict[str, list[Edge]], facts_of: FactsSource, fresh: bool
    ) -> None:
        symbol_ids = calls.symbols(tx, {shown(edge.symbol) for each in edges.values() for edge in each})
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
                        symbol_ids[shown(edge.symbol)],
                        resolution_ids[edge.resolution],
                        edge.arguments,
                        edge.reason,
                    )
                )
                candidates[site] += 1
        if fresh:
            calls.load(tx, rows)
        else:
            # What another scanner said of calls holds for the text that it read.
            calls.replace(tx, ids, rows, unchanged=[self._ids[path] for path in edges if path not in self.edited])

    def _put_imports(self, tx: apsw.Connection, paths: list[str], facts_of: FactsSource, modules: ModuleTable) -> None:
        rows: list[files.NewImport] = []
        for path in paths:
            file_id = self._ids[path]
            facts = facts_of.need(path)
            entries = [*facts.imports, *(Import(name, None, "", 1, 0) for name in pytest_plugins(facts))]
            for position, entry in enumerate(entries):
                target = leads_to(modules, path, entry.module, entry.name)
                resolved = None if target is None else self._ids[target]
                rows.append(
                    files.NewImport(
                        file_id, position, entry.line, shown(entry.module), entry.name, entry.alias or None, resolved
                    )
                )
        files.replace_imports(tx, [self._ids[path] for path in paths], rows)

    def _put_asked(
        self,
        tx: apsw.Connection,
        paths: list[str],
        facts_of: FactsSource,
        edges: dict[str, list[Edge]],
        asked: dict[str, set[str]],
    ) -> None:
        """What each file asked the whole project for: an edit that gives another answer links it again."""
        names: set[tuple[str, int]] = set()
        for path in paths:
            wanted = {edge.symbol for edge in edges[path] if edge.resolution in ("unresolved", "unique")}
            wanted |= asked[path]
            wanted |= {class_word(name) for name in libraries.classes_named_in(facts_of.need(path))}
            names.update((shown(name), self._ids[path]) for name in wanted if name)
        files.replace_names(tx, [self._ids[path] for path in paths], names)

    def _put_bases(self, tx: apsw.Connection, paths: list[str], facts_of: FactsSource, evaluator: Evaluator) -> bool:
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
                        rows.append((own[number], position, shown(name), base_id))
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
        kept = [model for model in all_models if model.path in self._read]
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
                shown(one.table),
                one.operation,
                tuple(map(shown, one.fields)),
                int(one.whole_row),
                int(one.raw_sql),
                one.confidence,
                shown(one.context),
                one.framework,
            )
            for path, found in accesses.items()
            for one in found
        ]
        data.replace_accesses(tx, ids, rows)

    def _put_environment(self, tx: apsw.Connection, paths: list[str], facts_of: FactsSource) -> None:
        rows: list[environment.NewEnvAccess] = []
        for path in paths:
            facts = facts_of.need(path)
            own = self._function_ids.get(path, ())
            rows += [
                environment.NewEnvAccess(
                    self._ids[path],
                    own[read.definition] if read.definition < len(own) else None,
                    shown(read.name),
                    env_sensitivity(read.name),
                    read.method,
                    read.line,
                    read.column,
                    facts.language,
                    int(read.default is not None),
                    None if read.default is None else shown(read.default),
                    int(read.default is not None and "[redacted]" in read.default),
                    read.required,
                )
                for read in facts.env_reads
            ]
        environment.replace(tx, [self._ids[path] for path in paths], rows)

    def _put_entry_points(
        self, tx: apsw.Connection, paths: list[str], evaluator: Evaluator, everything: bool, facts_of: FactsSource
    ) -> set[str]:
        """Answers with the files that have a say in routes."""
        finder = EntryPointFinder(evaluator)
        routing = {path for path in paths if finder.routes(path)}
        wanted = set(paths)
        still = {path for path in self.routing_before if evaluator.module(path) is not None}
        if not everything and (routing or still.intersection(paths) or still != self.routing_before):
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
                    shown(each.label),
                    each.method,
                    each.route,
                    each.framework or None,
                    max(each.line, 1),
                )
                for each in found
            ),
        )
        return routing
