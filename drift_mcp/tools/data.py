"""Which data code can reach, and which code can reach data, each with one way as proof."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, get_args

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.graph.reachability import Step, Walk, walk
from drift_mcp.project import Project
from drift_mcp.tables import lookup, reach
from drift_mcp.tables.lookup import Function
from drift_mcp.tables.reach import Access, Spot
from drift_mcp.tools import meant
from drift_mcp.tools.above import Above
from drift_mcp.tools.answer import Answer, Row, Section, Window, clip, count, place, window
from drift_mcp.tools.arguments import AskedAtLength, Told
from drift_mcp.tools.freshness import generation

Sensitivity = Literal["pii", "financial", "auth", "health", "custom"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachableData(AskedAtLength):
    location: Annotated[str | None, Told("From code: path:line or a function.")] = None
    data: Annotated[str | None, Told("From data: table, table.field, or a class: pii, auth, financial, health.")] = None
    sensitivity: Sensitivity | None = None
    entry_points_only: bool = False
    max_depth: Annotated[int, Told(least=0, most=50)] = 10


# A page of facts with their ways; the cursor has the rest.
_ROWS = 50
# Beside the answer proper: enough to go on from, the count is whole.
_BESIDE = 10
# Of a class of data, named in the first line: enough to see what it is about.
_FIELDS = 5
# Ways longer than this are shown by their ends; the JSON form has them whole.
_STOPS = 5


def reachable_data(project: Project, asked: ReachableData) -> Answer:
    """Security and data flow. With `location`: which tables and fields can this code read or write, directly or through
    calls? With `data`: which functions touch this table, field or class of sensitive data, and which routes, commands
    and jobs reach them? One proof path each. Give exactly one of the two."""
    if (asked.location is None) == (asked.data is None):
        raise DriftError(
            "reachable_data needs exactly one of `location` (from code) and `data` (from data). "
            'For instance: reachable_data(location="src/app.py:42") or reachable_data(data="users.password").'
        )
    with project.read() as db:
        here = window("reachable_data", dataclasses.asdict(asked), generation(db), _ROWS)
        if asked.location is not None:
            return _from_code(db, asked.location, asked, here)
        return _from_data(db, asked.data or "", asked, here)


# ---------------------------------------------------------------------------------------------------------------------
# From code


class _Touch(NamedTuple):
    """One thing that can be done to data, by the nearest function that does it."""

    access: Access
    sensitivity: str | None
    way: Sequence[Step]


def _from_code(db: apsw.Connection, location: str, asked: ReachableData, here: Window) -> Answer:
    origin = meant.code(db, location)
    if origin.ambiguous:
        return _which(origin.functions, location)
    # What a function or class defines within itself is its own code; what a module defines is not run by importing it.
    own = [one.key for one in origin.functions]
    starts = [*own, *lookup.inside(db, [one.key for one in origin.functions if one.kind != "module"])]
    reached = walk(starts, lambda keys: reach.edges_out_of(db, keys), max_depth=asked.max_depth)
    touches = _touches(db, reached, asked)
    page = touches[here.offset : here.offset + here.limit]
    known = lookup.by_keys(db, {step.node for touch in page for step in touch.way} | set(own))
    unresolved = reach.unresolved_in(db, list(reached.depths))
    name = origin.said
    tables = {touch.access.table for touch in touches}
    if touches:
        head = f"{name} can reach {_some(sorted(tables))}, {count(len(touches), 'uses')} in all:"
    elif not reach.tables(db):
        head = f"{name} reaches no data that is known: the scan found no tables and no data access in this project."
    else:
        head = f"{name} reaches no data that is known, through {count(len(reached.depths), 'functions')}."
    return Answer(
        head,
        (Section("", tuple(_touch_row(touch, known) for touch in page), len(touches), "uses"),),
        _doubts(reached, asked, unresolved),
        data={
            "origin": meant.described(origin.functions[0]) if len(own) == 1 else {"file": origin.said},
            "data": [
                {
                    "table": touch.access.table,
                    "field": touch.access.field,
                    "operation": touch.access.operation,
                    "sensitivity": touch.sensitivity,
                    "whole_row": bool(touch.access.whole_row),
                    "path": _path(touch.way, known, touch.access.line),
                }
                for touch in page
            ],
            "bound_hit": reached.bound_hit is not None,
            "functions_reached": len(reached.depths),
            "unresolved_calls": unresolved,
        },
        items="data",
        window=here,
        files=_files(known),
    )


def _touches(db: apsw.Connection, reached: Walk, asked: ReachableData) -> list[_Touch]:
    classes = reach.sensitive_fields(db)
    nearest: dict[tuple[str, str | None, str], Access] = {}
    accesses = reach.accesses_by(db, list(reached.depths))
    accesses.sort(key=lambda access: (reached.depths[access.function], access.line))
    for access in accesses:
        nearest.setdefault((access.table, access.field, access.operation), access)
    touches = []
    for access in nearest.values():
        held = _class_of(access, classes)
        if asked.sensitivity is None or asked.sensitivity in held:
            said = asked.sensitivity or (held[0] if held and access.field is not None else None)
            touches.append(_Touch(access, said, reached.way_to(access.function)))
    # Sensitive things first: they are what such a question is about.
    touches.sort(key=lambda touch: (touch.sensitivity is None, touch.access.table, touch.access.field or "",
                                    touch.access.operation))  # fmt: skip
    return touches


def _class_of(access: Access, classes: Mapping[tuple[str, str], str]) -> list[str]:
    """The class of a field; of a whole row, every class that one of its fields has."""
    if access.field is not None:
        found = classes.get((access.table, access.field))
        return [found] if found else []
    return sorted({found for (table, _), found in classes.items() if table == access.table})


def _touch_row(touch: _Touch, known: Mapping[int, Function]) -> Row:
    access = touch.access
    what = access.table if access.field is None else f"{access.table}.{access.field}"
    if access.field is None:
        what += " (whole row)"
    held = f"  {touch.sensitivity}" if touch.sensitivity else ""
    last = known[touch.way[-1].node]
    way = _way(touch.way, known, access.line)
    return Row(
        f"{what}  {access.operation}{held}  {way}", f"{what}  {access.operation}  {place(last.file, access.line)}"
    )


# ---------------------------------------------------------------------------------------------------------------------
# From data


class _Target(NamedTuple):
    """The data that was asked for: whole tables (field None), or some fields."""

    said: str
    fields: frozenset[tuple[str, str | None]]


class _Reacher(NamedTuple):
    function: Function
    entry: str | None
    operations: tuple[str, ...]
    steps: int  # to the data
    line: int  # where it touches the data, or where it is entered


class _Proof(NamedTuple):
    """How one of them comes to the data."""

    way: Sequence[Step]
    fields: tuple[str, ...]
    touched_at: int  # the line of the access at the end of the way


# What changes data is the stronger thing to know, so its way is the one shown.
_OPERATIONS = ("write", "delete", "read")


def _from_data(db: apsw.Connection, text: str, asked: ReachableData, here: Window) -> Answer:
    target = _target(db, text, asked.sensitivity)
    by_name: list[Access] = []
    by_row: list[Access] = []
    for access in reach.accesses_to(db, {table for table, _ in target.fields}):
        if (access.table, None) in target.fields or (access.table, access.field) in target.fields:
            by_name.append(access)
        elif access.field is None:
            by_row.append(access)
    direct = _grouped(by_name)
    above = Above(db)
    walks = {
        operation: above.walk(
            [key for key, accesses in direct.items() if any(a.operation == operation for a in accesses)],
            max_depth=asked.max_depth,
        )
        for operation in _OPERATIONS
    }
    reached = list(dict.fromkeys(key for one in walks.values() for key in one.depths))
    entries = entry_labels(db, reached)
    told = [key for key in reached if key in direct or key in entries]
    known = lookup.by_keys(db, told)
    reachers = [_reacher(key, known, entries.get(key), direct, walks) for key in told if not known[key].is_test]
    places = lookup.by_file(db, reached)
    tests = sum(each.tests for each in places)
    between = len(reached) - len(reachers) - tests
    if asked.entry_points_only:
        reachers = [one for one in reachers if one.entry is not None]
    # Who touches it, then who is entered from outside, nearest first.
    reachers.sort(key=lambda one: (one.function.key not in direct, one.steps, one.function.file, one.line))
    others = _first_of_code(db, [key for key in reached if key not in known])
    rows = _whole_rows(db, by_row, set(direct))
    spots = [] if asked.entry_points_only else _spots(db, target)
    page = reachers[here.offset : here.offset + here.limit]
    proofs = [_proof(one, direct, walks) for one in page]
    known |= lookup.by_keys(db, {step.node for proof in proofs for step in proof.way} - known.keys())
    bound = any(one.bound_hit for one in walks.values())
    return Answer(
        _data_head(target, reachers, direct, rows, spots),
        (
            Section(
                "",
                tuple(_reacher_row(one, proof, known) for one, proof in zip(page, proofs, strict=True)),
                len(reachers),
                "functions",
            ),
            Section(
                "Load whole rows, this data included",
                tuple(Row(f"{f.qualified_name}  {a.operation}", "", f.file, a.line) for f, a in rows[:_BESIDE]),
                len(rows),
                "functions",
            ),
            Section(
                "Touched at places in functions that are not known",
                tuple(Row(each.operation, "", each.file, each.line) for each in spots[: here.limit]),
                len(spots),
            ),
        ),
        (
            *([f"Between them: {_names(others, between)}."] if others and not asked.entry_points_only else []),
            *([f"Tests that reach it, too: {tests} (impact_of_change lists them)."] if tests else []),
            *_data_doubts(db, reached, bound, asked),
        ),
        data={
            "data": target.said,
            "functions": [
                _reacher_described(one, proof, known, direct) for one, proof in zip(page, proofs, strict=True)
            ],
            "whole_row": {
                "total": len(rows),
                "functions": [
                    {"function": f.qualified_name, "file": f.file, "line": a.line, "operation": a.operation}
                    for f, a in rows[:_BESIDE]
                ],
            },
            "places": {
                "total": len(spots),
                "places": [
                    {"file": each.file, "line": each.line, "operation": each.operation, "fields": list(each.fields)}
                    for each in spots[: here.limit]
                ],
            },
            "on_the_way": {"total": between, "functions": [one.qualified_name for one in others]},
            "tests": tests,
            "bound_hit": bound,
        },
        items="functions",
        window=here,
        files=tuple(each.file for each in places),
    )


def _spots(db: apsw.Connection, target: _Target) -> list[Spot]:
    """Places outside of known functions that touch what was asked for, or name no field of its table."""
    return [
        each
        for each in reach.spots(db, {table for table, _ in target.fields})
        if (each.table, None) in target.fields
        or not each.fields
        or any((each.table, field) in target.fields for field in each.fields)
    ]


def _first_of_code(db: apsw.Connection, keys: Sequence[int]) -> list[Function]:
    """The first few that are no tests."""
    found: list[Function] = []
    for first in range(0, len(keys), _ROWS):
        some = keys[first : first + _ROWS]
        functions = lookup.by_keys(db, some)
        found += [functions[key] for key in some if not functions[key].is_test]
        if len(found) >= _BESIDE:
            break
    return found[:_BESIDE]


def entry_labels(db: apsw.Connection, keys: Sequence[int]) -> dict[int, str]:
    """How each of these functions is entered from outside; tests are no way in."""
    labels: dict[int, list[str]] = {}
    for entry in reach.entries(db, keys):
        if entry.kind != "test":
            labels.setdefault(entry.function, []).append(entry.label)
    return {key: ", ".join(dict.fromkeys(found)) for key, found in labels.items()}


def _target(db: apsw.Connection, text: str, sensitivity: str | None) -> _Target:
    """Raises DriftError, with the nearest names, when there is no such data."""
    asked = text.strip()
    tables = reach.tables(db)
    classes = reach.sensitive_fields(db)
    table = _table_named(db, asked, tables)
    if table is not None:
        if sensitivity is None:
            return _Target(table, frozenset({(table, None)}))
        fields = {(t, f) for (t, f), held in classes.items() if t == table and held == sensitivity}
        if not fields:
            raise meant.NotFound(f"No field of {table} is known as {sensitivity}. {_sensitive_hint(classes)}")
        return _Target(f"{sensitivity} fields of {table}", frozenset(fields))
    owner, dot, name = asked.rpartition(".")
    table = _table_named(db, owner, tables) if dot else None
    if table is not None:
        columns = reach.fields_of(db, table)
        same = [column for column in columns if column.lower() == name.lower()]
        if not same:
            near = difflib.get_close_matches(name, columns, n=5, cutoff=0.4) or columns[:10]
            hint = f" Nearest: {', '.join(near)}." if near else " None of its fields is known."
            raise meant.NotFound(f"Table {table} has no known field {clip(name, 80)!r}.{hint}")
        return _Target(f"{table}.{same[0]}", frozenset({(table, same[0])}))
    if asked.lower() in get_args(Sensitivity):
        fields = {(t, f) for (t, f), held in classes.items() if held == asked.lower()}
        if not fields:
            raise meant.NotFound(f"No field is known as {asked.lower()}. {_sensitive_hint(classes)}")
        return _Target(f"{asked.lower()} ({_some(sorted(f'{t}.{f}' for t, f in fields), _FIELDS)})", frozenset(fields))
    if not tables:
        raise meant.NotFound("The scan found no tables and no data access in this project.")
    near = difflib.get_close_matches((owner or asked).lower(), tables, n=5, cutoff=0.4) or sorted(tables)[:10]
    raise meant.NotFound(
        f"No table, field or class of sensitive data {clip(asked, 80)!r}. Nearest tables: {', '.join(near)}. "
        f"Classes: {', '.join(get_args(Sensitivity))}."
    )


def _table_named(db: apsw.Connection, text: str, tables: Iterable[str]) -> str | None:
    same = [table for table in tables if table.lower() == text.lower()]
    if same:
        return text if text in same else same[0]
    named = reach.tables_of_model(db, text)
    if len(named) > 1:
        raise DriftError(f"Model {clip(text, 80)!r} stands for several tables: {_some(named)}. Name one of them.")
    return named[0] if named else None


def _sensitive_hint(classes: Mapping[tuple[str, str], str]) -> str:
    if not classes:
        return "No sensitive field is known here at all."
    return f"Known classes: {', '.join(sorted(set(classes.values())))}."


def _grouped(accesses: Iterable[Access]) -> dict[int, list[Access]]:
    found: dict[int, list[Access]] = {}
    for access in accesses:
        found.setdefault(access.function, []).append(access)
    return found


def _reacher(
    key: int,
    known: Mapping[int, Function],
    entry: str | None,
    direct: Mapping[int, Sequence[Access]],
    walks: Mapping[str, Walk],
) -> _Reacher:
    operations = tuple(operation for operation in _OPERATIONS if key in walks[operation].depths)
    if key in direct:
        # What it touches itself is its own affair; what it reaches besides is listed under who touches that.
        if entry is None:
            operations = tuple(_done(direct[key]))
        return _Reacher(known[key], entry, operations, 0, _own(direct[key])[0].line)
    return _Reacher(known[key], entry, operations, walks[operations[0]].depths[key], known[key].start_line)


def _own(accesses: Iterable[Access]) -> list[Access]:
    """What a function does to the data itself, the strongest first."""
    return sorted(accesses, key=lambda access: (_OPERATIONS.index(access.operation), access.line))


def _proof(one: _Reacher, direct: Mapping[int, Sequence[Access]], walks: Mapping[str, Walk]) -> _Proof:
    key = one.function.key
    if key in direct:
        own = _own(direct[key])
        return _Proof([Step(key, None)], _said(own), own[0].line)
    way = walks[one.operations[0]].way_from(key)
    ends = [access for access in direct[way[-1].node] if access.operation == one.operations[0]]
    return _Proof(way, _said(ends), min(access.line for access in ends))


def _said(accesses: Iterable[Access]) -> tuple[str, ...]:
    return tuple(sorted({one.table if one.field is None else f"{one.table}.{one.field}" for one in accesses}))


def _whole_rows(db: apsw.Connection, accesses: Sequence[Access], direct: set[int]) -> list[tuple[Function, Access]]:
    """Each function once, at its first access, with all that it does to whole rows."""
    by_function: dict[int, list[Access]] = {}
    for access in accesses:
        if access.function not in direct:
            by_function.setdefault(access.function, []).append(access)
    known = lookup.by_keys(db, set(by_function))
    found = (
        (known[key], several[0]._replace(operation=", ".join(_done(several))))
        for key, several in by_function.items()
        if not known[key].is_test
    )
    return sorted(found, key=lambda pair: (pair[0].file, pair[1].line))


def _done(accesses: Sequence[Access]) -> list[str]:
    return [each for each in _OPERATIONS if any(one.operation == each for one in accesses)]


def _data_head(
    target: _Target,
    reachers: Sequence[_Reacher],
    direct: Mapping[int, Sequence[Access]],
    rows: Sequence[tuple[Function, Access]],
    spots: Sequence[Spot],
) -> str:
    entries = sum(one.entry is not None for one in reachers)
    touching = sum(one.function.key in direct for one in reachers)
    if reachers:
        return (
            f"{target.said}: touched directly by {count(touching, 'functions')}, "
            f"reached from {count(entries, 'entry points')}."
        )
    if rows:
        return (
            f"{target.said}: no function names it; whole rows that hold it are used by {count(len(rows), 'functions')}."
        )
    if spots:
        return f"{target.said}: touched at {count(len(spots), 'places')}; in which functions they lie is not known."
    return f"{target.said}: no access to it was found in the code. It is known from a model or a schema only."


def _reacher_row(one: _Reacher, proof: _Proof, known: Mapping[int, Function]) -> Row:
    said = ", ".join(one.operations)
    # A way begins with the function's name.
    said = (
        f"{said}  {_way(proof.way, known, proof.touched_at)}"
        if len(proof.way) > 1
        else f"{one.function.qualified_name}  {said}"
    )
    if one.entry:
        said = f"{one.entry}  {said}"
    return Row(said, one.entry or "", one.function.file, one.line)


def _reacher_described(
    one: _Reacher, proof: _Proof, known: Mapping[int, Function], direct: Mapping[int, Sequence[Access]]
) -> dict[str, Any]:
    return {
        "function": one.function.qualified_name,
        "id": one.function.id,
        "file": one.function.file,
        "line": one.line,
        "entry_point": one.entry,
        "operation": ", ".join(one.operations),
        "fields": list(proof.fields),
        "direct": one.function.key in direct,
        "path": _path(proof.way, known, proof.touched_at),
    }


# ---------------------------------------------------------------------------------------------------------------------
# Ways, and doubts about them


def _way(way: Sequence[Step], known: Mapping[int, Function], touched_at: int) -> str:
    """`login (app.py:12) → find_user (crud.py:40)`; the lines are those of the calls, the last that of the access."""
    stops = [
        f"{known[step.node].qualified_name} ({place(known[step.node].file, step.line or touched_at)})" for step in way
    ]
    if len(stops) > _STOPS:
        left_out = len(stops) - _STOPS + 1
        stops = [*stops[: _STOPS - 2], f"{left_out} more", stops[-1]]
    return " → ".join(stops)


def _path(way: Sequence[Step], known: Mapping[int, Function], touched_at: int) -> list[dict[str, Any]]:
    return [
        {
            "function": known[step.node].qualified_name,
            "file": known[step.node].file,
            "line": touched_at if step.line is None else step.line,
        }
        for step in way
    ]


def _doubts(reached: Walk, asked: ReachableData, unresolved: int) -> tuple[str, ...]:
    said = []
    if reached.bound_hit == "depth":
        said.append(f"Only {asked.max_depth} calls deep: max_depth goes further.")
    elif reached.bound_hit == "nodes":
        said.append(f"Ended at {len(reached.depths):,} functions: there is more behind them.")
    if unresolved:
        said.append(f"{count(unresolved, 'calls')} on the way could not be resolved; what lies behind is not here.")
    return tuple(said)


def _data_doubts(db: apsw.Connection, reached: Sequence[int], bound: bool, asked: ReachableData) -> list[str]:
    said = []
    if bound:
        said.append(f"Only {asked.max_depth} calls up: max_depth goes further.")
    unresolved = reach.unresolved_namesakes(db, reached)
    if unresolved:
        said.append(
            f"Unresolved calls of these names, each perhaps a further way in: {unresolved} (get_callers lists them)."
        )
    return said


def _names(found: Sequence[Function], total: int) -> str:
    shown = ", ".join(f"{one.qualified_name} ({place(one.file, one.start_line)})" for one in found)
    return shown + _left_out(total - len(found))


def _some(names: Sequence[str], most: int = _BESIDE) -> str:
    return ", ".join(names[:most]) + _left_out(len(names) - most)


def _left_out(number: int) -> str:
    return f" and {number} more" if number > 0 else ""


def _files(known: Mapping[int, Function]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.file for one in known.values()))


def _which(found: Sequence[Function], location: str) -> Answer:
    return Answer(
        f"{clip(location, 80)!r} is {count(len(found), 'functions')}. Ask again with an id such as {found[0].id}, "
        "or with path:line.",
        (Section("", meant.candidates(found).rows, len(found), "functions", ranked=True),),
        data={"origin": None, "data": [], "candidates": meant.candidates(found).data, "bound_hit": False},
        items="data",
    )
