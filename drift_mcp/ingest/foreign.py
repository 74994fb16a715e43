"""Facts of another scanner → rows in the store: all of an input, or nothing of it.

The input is read and checked whole before the store is looked at; then one transaction takes it over, and readers see
the old facts or the new ones. What hangs on a row stays when it is told of again: functions keep their ids by path,
qualified name and ordinal. What a person decided is never undone.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

import apsw

from drift_mcp.ingest import candidates, given
from drift_mcp.ingest.given import ABSENT, Given, Header, Row, Spooled, Told, Where, refused
from drift_mcp.ingest.linking import Progress
from drift_mcp.ingest.merging import Fill, Merged, merged
from drift_mcp.ingest.references import References
from drift_mcp.ingest.scans import WAIT_SECONDS, commit_of
from drift_mcp.ingest.sights import Sight, Sights
from drift_mcp.project import Project, init
from drift_mcp.scan import languages
from drift_mcp.scan.secrets import env_sensitivity
from drift_mcp.store import lock
from drift_mcp.tables import (
    adjacency,
    audit,
    bulk,
    calls,
    files,
    foreign,
    functions,
    packages,
    patterns,
    public,
    retention,
    scans,
    status,
)
from drift_mcp.tables.foreign import Stored, Values
from drift_mcp.tables.public import Plan, Value

__all__ = ["Change", "Header", "Ingested", "Row", "ingest"]


class Change(NamedTuple):
    """What an input did to one table, in rows."""

    table: str
    given: int
    added: int
    changed: int
    removed: int


class Ingested(NamedTuple):
    scanner: str
    tables: tuple[Change, ...]
    files: int  # that rows stand in
    left: int  # rows that were to say something else, had a person not decided about them
    duration_ms: int


def ingest(project: Project, header: Header, rows: Iterable[Row], *, on_progress: Progress | None = None) -> Ingested:
    """Take over what another scanner tells; makes the store when there is none. Waits for a scan that is running.

    Raises DriftError for the first row that cannot be taken, saying where it stands; the store then is as it was."""
    began = time.monotonic()
    tell = on_progress or _silent
    with _no_garbage():
        told = given.checked(header, rows)
        init(project)
        with lock.exclusive(project.scan_lock, wait_seconds=WAIT_SECONDS):
            sights = Sights(project.root)
            with project.write() as tx:
                load = _Load(tx, told, sights, tell)
                load.run(commit_of(project))
            project.writer.checkpoint()
    tell("done", 1, 1)
    duration_ms = int((time.monotonic() - began) * 1000)
    return Ingested(header.scanner, load.changes(), len(load.touched), load.left, duration_ms)


def _silent(stage: str, done: int, total: int) -> None:
    return


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """A load makes millions of small tuples and no cycles: looking for garbage among them would cost a fifth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


class _Counts:
    def __init__(self) -> None:
        self.added = self.changed = self.removed = 0

    @property
    def any(self) -> bool:
        return bool(self.added or self.changed or self.removed)


_OF_PATTERNS: Final = ("patterns", "pattern_locations", "pattern_variants", "pattern_suppressions")
_OF_CALLS: Final = ("function_calls", "functions", "file_metadata")
_VERBS: Final = {"approved": "approved", "ignored": "ignored", "discovered": "reopened"}


class _Load:
    """Takes one checked input over, within one transaction. Used once."""

    def __init__(self, tx: apsw.Connection, told: Told, sights: Sights, tell: Progress) -> None:
        self._tx = tx
        self._told = told
        self._sights = sights
        self._tell = tell
        self._now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._counts: dict[str, _Counts] = defaultdict(_Counts)
        self._references = References(tx)
        self._kinds: dict[int, tuple[str | None, int]] = {}  # file id → its language, whether it holds tests
        self._listed_models: set[str] = set()  # whose fields are given by name alone
        self._done = 0
        self.touched: set[str] = set()  # paths of the files that rows stand in
        self.left = 0

    def changes(self) -> tuple[Change, ...]:
        """Per table that was spoken of, in the order of the schema."""
        return tuple(
            Change(name, self._told.given[name], counts.added, counts.changed, counts.removed)
            for name in public.plans()
            for counts in (self._counts[name],)
            if self._told.given[name] or counts.any
        )

    def run(self, commit: str | None) -> None:
        tx, told = self._tx, self._told
        run_id = uuid.uuid4().hex
        scans.start(tx, run_id, incremental=True, commit=commit)
        # Every reference is looked up before it is written; the order in which rows point to each other is free.
        tx.execute("PRAGMA defer_foreign_keys = ON")
        self._imply_variables()
        self._imply_fields()
        self._imply_accesses()
        self._put_files()
        with bulk.without_indexes(tx) if bulk.is_empty(tx) else contextlib.nullcontext():
            self._put_functions()
            for name, plan in public.plans().items():
                if name in ("file_metadata", "functions") or not (name in told.rows or name in told.complete):
                    continue
                if name == "function_calls":
                    self._put_calls(plan)
                elif plan.table.numbered:
                    self._put_lists(plan)
                else:
                    self._put(plan)
        self._settle()
        changed = self._counts["file_metadata"]
        scans.finish(
            tx,
            run_id,
            files_scanned=len(self.touched),
            changed_files=changed.added + changed.changed + changed.removed,
            errors=0,
        )
        audit.record(tx)
        retention.apply(tx)
        status.refresh(tx)

    def _settle(self) -> None:
        """Brings up to date what follows from the rows."""
        tx = self._tx
        if any(self._counts[name].any for name in _OF_CALLS):
            calls.forget_unused_symbols(tx)
            adjacency.refresh(tx)
        if any(self._counts[name].any for name in (*_OF_PATTERNS, "file_metadata")):
            patterns.weigh(tx)
        functions.mark_roles(tx)
        files.recount(tx)
        packages.recount(tx)

    # -- what rows say without saying it

    def _imply_variables(self) -> None:
        """A variable that is read somewhere is one, also where no row says what it holds."""
        plan, reads = public.plans()["env_variables"], public.plans()["env_access_points"]
        listed = self._told.rows.get("env_variables", [])
        name = reads.at("var_name")
        known = {row.values[plan.at("name")] for row in listed}
        implied = []
        for row in self._told.rows.get("env_access_points", ()):
            if row.values[name] not in known:
                known.add(row.values[name])
                implied.append(_spooled(plan, row.where, {"name": row.values[name], "source": "scan"}))
        if implied:
            self._told.rows["env_variables"] = [*listed, *implied]

    def _imply_fields(self) -> None:
        """A model that lists its `fields` has them as rows, too, where no row of data_fields says more."""
        models, fields = public.plans()["data_models"], public.plans()["data_fields"]
        listed = self._told.rows.get("data_fields", [])
        detailed = {row.values[fields.at("model_id")] for row in listed}
        implied = []
        for row in self._told.rows.get("data_models", ()):
            told = dict(zip(models.places, row.values, strict=True))
            model = ":".join(str(told[name]) for name in models.table.public_id)
            if isinstance(told["fields"], str) and model not in detailed:
                self._listed_models.add(model)
                for name in given.texts_in(told["fields"]):
                    about = {"model_id": model, "field_name": name, "column_name": name, "line": told["line"]}
                    implied.append(_spooled(fields, row.where, about))
        if listed or self._listed_models:
            self._told.rows["data_fields"] = [*listed, *implied]

    def _imply_accesses(self) -> None:
        """A place that touches data, and says in which function it lies, is an access of that function, where no row of
        function_data_access says more of it."""
        points, accesses = public.plans()["data_access_points"], public.plans()["function_data_access"]
        listed = self._told.rows.get("function_data_access", [])
        detailed = {row.values[accesses.at("function_id")] for row in listed}
        surest: dict[tuple[Given, ...], tuple[float, Spooled]] = {}
        for row in self._told.rows.get("data_access_points", ()):
            told = dict(zip(points.places, row.values, strict=True))
            if not isinstance(told["function_id"], str) or told["function_id"] in detailed:
                continue
            sure = told["confidence"] if isinstance(told["confidence"], float) else 1.0
            is_whole = told["whole_row"] == 1
            fields: list[str | None] = list(given.texts_in(told["fields"])) if isinstance(told["fields"], str) else []
            for field in [*fields, None] if is_whole or not fields else fields:
                about: dict[str, Given] = {name: told[name] for name in ("function_id", "table_name", "operation")}
                about |= {"line": told["line"], "field_name": field, "whole_row": int(is_whole and field is None)}
                key = tuple(about.values())
                if key not in surest or surest[key][0] < sure:
                    surest[key] = sure, _spooled(accesses, row.where, about | {"confidence": sure})
        if surest:
            self._told.rows["function_data_access"] = [*listed, *(row for _, row in surest.values())]

    # -- files

    def _put_files(self) -> None:
        """The files that rows stand in or point to. One that a scan of ours has read is known better than by its
        name."""
        told, plan = self._told, public.plans()["file_metadata"]
        known = files.known(self._tx)
        path_at = plan.at("path")
        rows = list(told.rows.get("file_metadata", ()))
        listed = {row.values[path_at] for row in rows}
        for path, where in self._paths_named().items():
            if path not in listed and _is_foreign(known.get(path)):
                rows.append(_spooled(plan, where, {"path": path}))
        spoken = self._spoken_languages()
        seen = []
        for row in rows:
            before = known.get(str(row.values[path_at]))
            seen.append(self._as_seen(plan, row, before, spoken) if _is_foreign(before) else row)
        stored = foreign.stored(self._tx, plan, None)
        named = self._told_paths()

        def replaces(each: Stored) -> bool:
            path = str(each.values[path_at])
            return path not in named and (told.files is None or path in told.files)

        complete = "file_metadata" in told.complete
        result = merged(plan, seen, stored, now=self._now, replaces=replaces if complete else None)
        if result.gone:
            calls.undecide(self._tx, functions.in_files(self._tx, (each.number for each in result.gone)))
        self._write(plan, result)
        for each in foreign.stored(self._tx, plan, None):
            language, is_test = each.values[plan.at("language")], each.values[plan.at("is_test")]
            self._references.files[str(each.values[path_at])] = each.number
            self._kinds[each.number] = (None if language is None else str(language), int(bool(is_test)))

    def _paths_named(self) -> dict[str, Where]:
        """Every file that rows name, save by a function in it, and where it is first named."""
        named: dict[str, Where] = {}
        for name, rows in self._told.rows.items():
            plan = public.plans()[name]
            places = [place for place, column in enumerate(plan.columns) if column.form == "file"]
            if name == "file_metadata":
                continue
            for row in rows:
                for place in places:
                    path = row.values[place]
                    if isinstance(path, str):
                        named.setdefault(path, row.where)
        return named

    def _told_paths(self) -> set[str]:
        """The files that rows stand in."""
        for name, rows in self._told.rows.items():
            plan = public.plans()[name]
            home = "path" if name == "file_metadata" else plan.table.home
            if home is not None:
                place = plan.at(home)
                form = plan.columns[place].form
                self.touched.update(_path_of(form, text) for row in rows if isinstance(text := row.values[place], str))
        return self.touched

    def _spoken_languages(self) -> dict[str, str]:
        """What functions say of their file's language."""
        plan = public.plans()["functions"]
        path, language = plan.at("file_id"), plan.at("language")
        spoken: dict[str, str] = {}
        for row in self._told.rows.get("functions", ()):
            if isinstance(said := row.values[language], str):
                spoken.setdefault(str(row.values[path]), said)
        return spoken

    def _as_seen(self, plan: Plan, row: Spooled, before: files.Known | None, spoken: dict[str, str]) -> Spooled:
        """What is said of a file, completed by what can be seen of it now: freshness compares with that."""
        path = str(row.values[plan.at("path")])
        sight = self._sights.of(path, row.where)
        language = languages.of_path(path)
        known: dict[str, Given] = {
            "status": "scanned",
            "source": self._told.header.source,
            "skip_reason": None,
            "error": None,
            "last_scanned": self._now,
        }
        if path in spoken:
            known["language"] = spoken[path]
        elif language is not None:
            known["language"] = language.name
        if sight is None and before is None:
            sight = Sight(0, 0, 0, None, 0)
        if sight is not None:
            known |= sight._asdict()
        if before is None:
            known["is_test"] = int(languages.is_test(path))
        return _spooled(plan, row.where, known | {
            name: value for name, value in zip(plan.places, row.values, strict=True) if value is not ABSENT
        })  # fmt: skip

    # -- functions

    def _put_functions(self) -> None:
        told, tx, plan = self._told, self._tx, public.plans()["functions"]
        known = self._references
        file_at, parent_at = plan.at("file_id"), plan.at("parent_id")
        name_at, ordinal_at = plan.at("qualified_name"), plan.at("ordinal")
        paths = {number: path for path, number in known.files.items()}

        def public_id(values: Sequence[Given]) -> str:
            file = values[file_at]
            path = file if isinstance(file, str) else paths[_number(file)]
            return functions.public_id(path, str(values[name_at]), _number(values[ordinal_at]))

        listed = {public_id(row.values): row for row in told.rows.get("functions", ())}
        spoken = {each.partition("::")[0] for each in (*told.functions, *listed)}
        stored = foreign.stored(
            tx, plan, self._scope(plan, (known.files[path] for path in spoken if path in known.files))
        )
        replaces = self._replacing(plan)
        for each in stored:
            said = public_id(each.values)
            if replaces is None or said in listed or not replaces(each):
                known.functions[said] = each.number
        # In the order of the source, file by file: so lie the rows that are read together.
        places = [file_at, plan.at("start_line"), plan.at("column_num")]
        fresh = [said for said in listed if said not in known.functions]
        fresh.sort(
            key=lambda said: [
                _rank(value) if index else value
                for index, value in enumerate(listed[said].values[place] for place in places)
            ]
        )
        known.functions.update({said: number for number, said in enumerate(fresh, foreign.next_number(tx, plan))})
        rows = []
        for row in told.rows.get("functions", ()):
            values = list(row.values)
            path, parent = str(values[file_at]), values[parent_at]
            values[file_at] = known.files[path]
            if isinstance(parent, str):
                if parent.partition("::")[0] != path:
                    raise refused(
                        row.where,
                        f"functions.parent_id is {given.shown(parent)}, in another file; a parent stands around it.",
                    )
                values[parent_at] = known.function(parent, row.where, "functions.parent_id")
            rows.append(Spooled(row.where, tuple(values)))
        result = merged(plan, rows, stored, now=self._now, replaces=replaces, fill=self._fill_function(plan))
        numbered = sorted((known.functions[public_id(values)], where, values) for where, values in result.new)
        result = result._replace(new=[(where, values) for _, where, values in numbered])
        numbers = [number for number, _, _ in numbered]
        self._refuse_rings(plan, result, numbers, stored)
        if result.gone:
            calls.undecide(tx, (each.number for each in result.gone))
            # Facts that tell of functions which are no more cannot be linked: the next scan reads those files again.
            files.drop_facts(tx, {each.file for each in result.gone if each.file is not None})
        self._write(plan, result, numbers)
        self._progress(len(rows))

    def _fill_function(self, plan: Plan) -> Fill:
        file_at, language_at, test_at = plan.at("file_id"), plan.at("language"), plan.at("is_test")

        def fill(values: list[Given]) -> None:
            language, is_test = self._kinds[_number(values[file_at])]
            if values[language_at] is ABSENT and language is not None:
                values[language_at] = language
            if values[test_at] is ABSENT:
                values[test_at] = is_test

        return fill

    def _refuse_rings(self, plan: Plan, result: Merged, numbers: Sequence[int], stored: Sequence[Stored]) -> None:
        """No function stands around itself, whatever was said before."""
        parent_at = plan.at("parent_id")
        parents: dict[int, Value] = {each.number: each.values[parent_at] for each in stored}
        said: list[tuple[int, Where]] = []
        for number, (where, values) in zip(numbers, result.new, strict=True):
            parents[number] = values[parent_at]
            said.append((number, where))
        for where, old, values in result.changed:
            parents[old.number] = values[parent_at]
            said.append((old.number, where))
        sound: set[Value] = {None}
        for number, where in said:
            way: set[Value] = set()
            above: Value = number
            while above not in sound:
                if above in way:
                    raise refused(where, "functions.parent_id leads round in a ring; nothing stands around itself.")
                way.add(above)
                above = parents.get(_number(above))
            sound |= way

    # -- calls

    def _put_calls(self, plan: Plan) -> None:
        tx, symbol_at = self._tx, plan.at("callee_symbol")
        near = set(self._homes(plan).values())
        rows = self._told.rows.pop("function_calls", [])
        self._progress(len(rows))
        symbols = calls.symbols(tx, {str(row.values[symbol_at]) for row in rows})
        stored = foreign.stored(tx, plan, self._scope(plan, near))
        result = candidates.merged(
            plan, rows, stored, self._references, symbols, calls.resolutions(tx), self._replacing(plan)
        )
        foreign.leave_sites(tx, result.gone)
        calls.load(tx, result.put)
        counts = self._counts["function_calls"]
        counts.added, counts.changed, counts.removed = result.added, result.changed, result.removed

    # -- lists: bases, imports, fields

    def _put_lists(self, plan: Plan) -> None:
        """Rows whose `position` counts them within one class, file or model: a list is written anew where anything of
        it changed."""
        name = plan.table.name
        group_at, position_at = plan.at(plan.primary[0]), plan.at(plan.primary[1])
        keys = [plan.at(each) for each in plan.table.key]
        groups: dict[Given, list[Spooled]] = defaultdict(list)
        for row in self._resolved(plan):
            groups[row.values[group_at]].append(row)
        before: dict[Given, list[Stored]] = defaultdict(list)
        for each in foreign.stored(self._tx, plan, self._scope(plan, self._homes(plan).values())):
            before[each.values[group_at]].append(each)
        # Lists that are given whole: all of them where the input is complete for the table.
        whole: set[Given] = set()
        if name == "data_fields":
            whole |= {self._references.place("data_models", each, 1, "data_models") for each in self._listed_models}
        replaces = self._replacing(plan)
        if replaces is not None:
            whole |= {group for group, there in before.items() if replaces(there[0])} | (groups.keys() - before.keys())
        counts = self._counts[name]
        gone: list[Stored] = []
        put: list[tuple[Where, Values]] = []
        for group in {**groups, **dict.fromkeys(whole)}:
            old = sorted(before[group], key=lambda each: _number(each.values[position_at]))
            after = self._list(plan, groups[group], old, group in whole)
            were = {tuple(each.values[key] for key in keys): each.values for each in old}
            now = {tuple(values[key] for key in keys): values for _, values in after}
            counts.added += len(now.keys() - were.keys())
            counts.removed += len(were.keys() - now.keys())
            counts.changed += sum(were[key] != values for key, values in now.items() if key in were)
            if [each.values for each in old] != [values for _, values in after]:
                gone += old
                put += after
        foreign.delete(self._tx, plan, ((each.number, each.values) for each in gone))
        self._insert(plan, put)
        if name == "data_fields":
            foreign.sum_up_fields(self._tx, map(_number, groups))
        self._progress(sum(map(len, groups.values())))

    def _list(
        self, plan: Plan, rows: Sequence[Spooled], old: Sequence[Stored], is_whole: bool
    ) -> list[tuple[Where, Values]]:
        """One list as it is to be, counted anew. A row without a position keeps the one it had; a new one stands behind
        all that are there. Where the list is given whole, rows stand as they are given."""
        position_at = plan.at(plan.primary[1])
        keys = [plan.at(each) for each in plan.table.key]
        had = {tuple[Given, ...](each.values[key] for key in keys): each.values[position_at] for each in old}
        placed = []
        for order, row in enumerate(rows):
            values = list(row.values)
            if values[position_at] is ABSENT:
                values[position_at] = order if is_whole else had.get(tuple(values[key] for key in keys), _LAST + order)
            placed.append(Spooled(row.where, tuple(values)))
        result = merged(plan, placed, old, now=self._now, replaces=(lambda _: True) if is_whole else None)
        changed = {id(was) for _, was, _ in result.changed} | {id(was) for was in result.gone}
        after: list[tuple[Where, Values]] = [(1, each.values) for each in old if id(each) not in changed]
        after += [(where, values) for where, _, values in result.changed] + result.new
        after.sort(key=lambda each: _number(each[1][position_at]))
        return [
            (where, (*values[:position_at], number, *values[position_at + 1 :]))
            for number, (where, values) in enumerate(after)
        ]

    # -- all other tables

    def _put(self, plan: Plan) -> None:
        name = plan.table.name
        rows = list(self._resolved(plan))
        stored = foreign.stored(self._tx, plan, self._scope(plan, self._homes(plan).values()))
        fill: Fill | None = None
        if name == "patterns":
            fill = self._fill_pattern(plan)
        elif name == "env_variables":
            fill = _fill_variable(plan, self._told.header.source)
        elif name == "packages":
            fill = _fill_source(plan, self._told.header.source)
        result = merged(plan, rows, stored, now=self._now, replaces=self._replacing(plan), fill=fill)
        if name == "patterns":
            result = self._judged(plan, result)
        self._write(plan, result)
        self._progress(len(rows))

    def _fill_pattern(self, plan: Plan) -> Fill:
        at, header, now = plan.places, self._told.header, self._now

        def fill(values: list[Given]) -> None:
            values[at["source"]] = header.source
            if values[at["status"]] == "approved":
                for name, word in (("approved_at", now), ("approved_by", header.scanner)):
                    if values[at[name]] is ABSENT:
                        values[at[name]] = word

        return fill

    def _judged(self, plan: Plan, result: Merged) -> Merged:
        """What became of patterns is remembered, with the scanner as who says so."""
        header, at = self._told.header, plan.places
        events: list[tuple[str, str, str | None, str | None, str]] = [
            (str(values[at["id"]]), "created", None, str(values[at["status"]]), header.scanner)
            for _, values in result.new
        ]
        changed = []
        for where, old, values in result.changed:
            before, after = str(old.values[at["status"]]), str(values[at["status"]])
            if before != after:
                events.append((str(values[at["id"]]), _VERBS[after], before, after, header.scanner))
                if after == "approved":
                    spoken = list(values)
                    spoken[at["approved_at"]] = spoken[at["approved_at"]] or self._now
                    spoken[at["approved_by"]] = spoken[at["approved_by"]] or header.scanner
                    values = tuple(spoken)
            changed.append((where, old, values))
        events += [
            (str(each.values[at["id"]]), "deleted", str(each.values[at["status"]]), None, header.scanner)
            for each in result.gone
        ]
        foreign.remember(self._tx, events)
        return result._replace(changed=changed)

    # -- references, and which rows an input replaces

    def _resolved(self, plan: Plan) -> Iterator[Spooled]:
        """The rows of a table with the store's own numbers in place of paths and public ids."""
        name = plan.table.name
        rows = self._told.rows.get(name, ())
        links = [
            (place, column.form, column.refers or "", f"{name}.{column.name}")
            for place, column in enumerate(plan.columns)
            if column.form in ("file", "function", "place", "reference")
        ]
        # A pattern may name one that stands further down as its parent.
        own = {row.values[plan.at("id")] for row in rows} if name == "patterns" else set()
        for row in rows:
            values = list(row.values)
            for place, form, table, said in links:
                text = values[place]
                if not isinstance(text, str):
                    continue
                if form == "file":
                    values[place] = self._references.files[text]
                elif form == "function":
                    values[place] = self._references.function(text, row.where, said)
                elif form == "place":
                    values[place] = self._references.place(table, text, row.where, said)
                elif text not in own:
                    number = self._references.row(table, text, row.where, said)
                    # Of two ways to name a pattern, the many locations take the short one.
                    values[place] = number if said == "pattern_locations.pattern_key" else text
            yield Spooled(row.where, tuple(values))

    def _homes(self, plan: Plan) -> dict[str, int]:
        """What rows name as their home → its file's number."""
        if plan.table.home is None:
            return {}
        place = plan.at(plan.table.home)
        form = plan.columns[place].form
        texts = {text for row in self._told.rows.get(plan.table.name, ()) if isinstance(text := row.values[place], str)}
        return {text: self._references.files.get(_path_of(form, text), 0) for text in texts}

    def _scope(self, plan: Plan, near: Iterable[int]) -> set[int] | None:
        """The files whose rows have to be looked at; None: all rows."""
        if plan.table.home is None or plan.table.home not in plan.table.key:
            return None
        if plan.table.name not in self._told.complete:
            return set(near)
        if self._told.files is None:
            return None
        return {*near, *self._concerned}

    @functools.cached_property
    def _concerned(self) -> frozenset[int]:
        files = self._references.files
        return frozenset(files[path] for path in self._told.files or () if path in files)

    def _replacing(self, plan: Plan) -> Callable[[Stored], bool] | None:
        """The rows that go unless they are told of; None: none do, because the input is not complete for the table.

        Rows that belong to no file are gone only by an input for the whole project, and where others of their table
        have files, not even by that."""
        told, table = self._told, plan.table
        if table.name not in told.complete:
            return None
        if table.home is None and told.files is not None:
            return lambda _: False
        if table.by_source:
            # A scanner's patterns, their places and examples: others have patterns of their own.
            source_of = foreign.sources(self._tx)
            place = plan.at("id" if table.name == "patterns" else table.key[0])
            return lambda each: source_of.get(each.values[place]) == told.header.source and self._is_within(each.file)
        if table.name == "env_variables":
            at = public.plans()["env_access_points"].at("var_name")
            read = {row.values[at] for row in told.rows.get("env_access_points", ())}
            return lambda each: each.values[plan.at("name")] not in read
        if table.home is None:
            return lambda _: True
        return lambda each: each.file is not None and self._is_within(each.file)

    def _is_within(self, file_id: int | None) -> bool:
        """Whether a row of this file is one that the input replaces."""
        return self._told.files is None or file_id in self._concerned

    # -- writing

    def _write(self, plan: Plan, result: Merged, numbers: Sequence[int] | None = None) -> None:
        counts = self._counts[plan.table.name]
        counts.added += len(result.new)
        counts.changed += len(result.changed)
        counts.removed += len(result.gone)
        self.left += result.left
        # What stays may have hung on what goes, and would go with it; elsewhere it may take its place.
        hangs = any(column.refers == plan.table.name for column in plan.columns)
        gone = [(each.number, each.values) for each in result.gone]
        if not hangs:
            foreign.delete(self._tx, plan, gone)
        marked = _Marked()
        with marked.explained(plan):
            foreign.update(
                self._tx,
                plan,
                marked.each((where, old.number, values) for where, old, values in (*result.changed, *result.met)),
            )
        if hangs:
            foreign.delete(self._tx, plan, gone)
        self._insert(plan, result.new, numbers)

    def _insert(self, plan: Plan, new: Sequence[tuple[Where, Values]], numbers: Sequence[int] | None = None) -> None:
        if plan.number is None:
            # A table without numbers lies in the order of its key: row after row is several times cheaper so.
            places = [plan.at(name) for name in plan.primary]
            new = sorted(new, key=lambda each: [_sortable(each[1][place]) for place in places])
        first = foreign.next_number(self._tx, plan)
        numbered = zip(numbers or range(first, first + len(new)), new, strict=True)
        marked = _Marked()
        with marked.explained(plan):
            foreign.insert(self._tx, plan, marked.each((where, number, values) for number, (where, values) in numbered))

    def _progress(self, rows: int) -> None:
        self._done += rows
        self._tell("write", min(self._done, self._told.count), self._told.count)


class _Marked:
    """Remembers which row was written last, so that one that the store refuses is told by its line."""

    def __init__(self) -> None:
        self._where: Where = 1

    def each(self, rows: Iterable[tuple[Where, int, Values]]) -> Iterator[tuple[int, Values]]:
        for self._where, number, values in rows:
            yield number, values

    @contextlib.contextmanager
    def explained(self, plan: Plan) -> Iterator[None]:
        try:
            yield
        except apsw.ConstraintError as problem:
            kind, _, rule = str(problem).partition(": ")
            if kind.startswith("UNIQUE"):
                told = f"another row of {plan.table.name} has the same {rule.replace(plan.table.name + '.', '')}."
            else:
                told = f"{plan.table.name} holds no row that breaks the rule {rule or kind}."
            raise refused(self._where, told) from problem


def _is_foreign(known: files.Known | None) -> bool:
    """Whether no scan of ours has read the file."""
    return known is None or known.extractor is None


def _spooled(plan: Plan, where: Where, told: Mapping[str, Given]) -> Spooled:
    return Spooled(where, tuple(told.get(column.name, ABSENT) for column in plan.columns))


def _path_of(form: str, text: str) -> str:
    """The file of a path, a function's public id or a place."""
    if form == "function":
        return text.partition("::")[0]
    return text.rsplit(":", 2)[0] if form == "place" else text


def _fill_source(plan: Plan, source: str) -> Fill:
    source_at = plan.at("source")

    def fill(values: list[Given]) -> None:
        if values[source_at] is ABSENT:
            values[source_at] = source

    return fill


def _fill_variable(plan: Plan, source: str) -> Fill:
    name_at, sensitivity_at, fill_source = plan.at("name"), plan.at("sensitivity"), _fill_source(plan, source)

    def fill(values: list[Given]) -> None:
        fill_source(values)
        if values[sensitivity_at] is ABSENT:
            values[sensitivity_at] = env_sensitivity(str(values[name_at]))

    return fill


def _number(value: Given) -> int:
    assert isinstance(value, int), f"{value!r} is to be a number"
    return value


def _rank(value: Given) -> int:
    """What is counted stands in its order; what is not, in the order given, behind."""
    return value if isinstance(value, int) else _LAST


_LAST: Final = 2**31


def _sortable(value: Value) -> tuple[int, Value]:
    """NULL first, as in SQLite; a column holds values of one kind."""
    return (value is not None, value or 0)
