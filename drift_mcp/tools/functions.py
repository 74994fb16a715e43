"""Functions, methods and classes by name, and who calls whom."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import apsw

from drift_mcp.graph.reachability import Walk, walk
from drift_mcp.project import Project
from drift_mcp.tables import lookup, reach
from drift_mcp.tables.lookup import Function
from drift_mcp.tables.reach import Site
from drift_mcp.tools import meant
from drift_mcp.tools.answer import Answer, Row, Section, Window, clip, count, place, window
from drift_mcp.tools.arguments import AskedAtLength, Told
from drift_mcp.tools.data import entry_labels
from drift_mcp.tools.freshness import generation


@dataclass(frozen=True, slots=True, kw_only=True)
class FindFunctions(AskedAtLength):
    query: str
    file: str | None = None
    kind: Literal["function", "method", "class"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetCallers(AskedAtLength):
    function: Annotated[str, Told("name, Class.name or path::Class.name")]
    file: Annotated[str | None, Told("Which one, when several have the name.")] = None
    line: Annotated[int | None, Told(least=1)] = None
    direction: Literal["callers", "callees"] = "callers"
    depth: Annotated[int, Told(least=1, most=20)] = 1


# A screen of names; the cursor has the rest.
_FUNCTIONS = 30
# Call sites at 18 tokens a row stay below the default budget.
_SITES = 100
# Enough to see what kind of place could not be proven; the count is whole.
_UNPROVEN = 10


def find_functions(project: Project, asked: FindFunctions) -> Answer:
    """Where is this function, method or class defined? Looks up names, parts of names and `Class.method`; gives
    path:line, kind and signature. For code by meaning or free text, use grep."""
    with project.read() as db:
        here = window("find_functions", dataclasses.asdict(asked), generation(db), _FUNCTIONS)
        paths = None if asked.file is None else meant.files_meant(db, asked.file)
        found = lookup.search(db, asked.query, kind=asked.kind, paths=paths)
        page = found[here.offset : here.offset + here.limit]
        near = [] if found else lookup.nearest_names(db, asked.query, 5)
    if found:
        head = f"{count(len(found), 'functions')} for {clip(asked.query, 80)!r}, best first."
    else:
        head = f"No function, method or class for {clip(asked.query, 80)!r}."
        head += f" Nearest names: {', '.join(near)}." if near else " Free text is for grep."
    rows = tuple(Row(_told(one), one.qualified_name, one.file, one.start_line) for one in page)
    return Answer(
        head,
        (Section("", rows, len(found), "functions", ranked=True),),
        data={"functions": [meant.described(one) for one in page]},
        items="functions",
        window=here,
    )


def _told(one: Function) -> str:
    signature = one.signature or one.qualified_name
    return (
        f"{one.kind} {one.qualified_name}" if one.kind == "class" else f"{one.kind} {one.qualified_name}  {signature}"
    )


def get_callers(project: Project, asked: GetCallers) -> Answer:
    """Who calls this function (or, with direction=callees, what does it call)? Call sites proven by imports, types,
    inheritance, decorators and dependency injection, with path:line and how each was resolved; apart from them,
    same-name sites that could not be proven. More exact than grep. For everything a change touches,
    impact_of_change."""
    with project.read() as db:
        here = window("get_callers", dataclasses.asdict(asked), generation(db), _SITES)
        found = meant.function(db, asked.function, asked.file, asked.line)
        if len(found) > 1:
            return _ambiguous(found, asked)
        (one,) = found
        if asked.direction == "callees":
            return _callees(db, one, asked, here)
        return _callers(db, one, asked, here)


def _ambiguous(found: Sequence[Function], asked: GetCallers) -> Answer:
    name = clip(asked.function, 80)
    first = found[0]
    return Answer(
        f"{name!r} is {count(len(found), 'functions')}. Ask again with `file` (and `line`), or with an id such as "
        f"{first.id}.",
        (Section("", meant.candidates(found).rows, len(found), "functions", ranked=True),),
        data={"function": asked.function, asked.direction: [], "candidates": [meant.described(one) for one in found]},
        items=asked.direction,
    )


class _Call(NamedTuple):
    """A call site with its other end: the caller when asked who calls, the callee when asked what is called."""

    site: Site
    other: Function | None  # None = outside of this project
    file: str
    depth: int


def _callers(db: apsw.Connection, one: Function, asked: GetCallers, here: Window) -> Answer:
    targets = lookup.with_constructors(db, [one.key])
    reached = walk(targets, lambda keys: reach.edges_into(db, keys), max_depth=asked.depth)
    inner = [key for key, depth in reached.depths.items() if depth < asked.depth]
    sites = [site for site in reach.into(db, inner) if site.proven]
    known = lookup.by_keys(db, {site.caller for site in sites})
    # A call of a class is a call of its constructor, too: one site.
    once = {(site.caller, site.line, site.column, reached.depths[site.callee or 0]): site for site in sites}
    found = sorted(
        (
            _Call(site, known[site.caller], known[site.caller].file, reached.depths[site.callee] + 1)
            for site in once.values()
            if site.callee is not None
        ),
        key=lambda call: (call.depth, call.file, call.site.line, call.site.column),
    )
    unproven = reach.unproven(db, targets, one.name)
    return _answer(db, one, asked, here, found, unproven, reached)


def _callees(db: apsw.Connection, one: Function, asked: GetCallers, here: Window) -> Answer:
    reached = walk([one.key], lambda keys: reach.edges_out_of(db, keys), max_depth=asked.depth)
    inner = [key for key, depth in reached.depths.items() if depth < asked.depth]
    sites = reach.out_of(db, inner)
    known = lookup.by_keys(db, {key for site in sites for key in (site.caller, site.callee) if key is not None})
    found = sorted(
        (
            _Call(site, known.get(site.callee or 0), known[site.caller].file, reached.depths[site.caller] + 1)
            for site in sites
            if site.proven
        ),
        key=lambda call: (call.depth, call.file, call.site.line, call.site.column),
    )
    unproven = [site for site in sites if not site.proven and reached.depths[site.caller] == 0]
    return _answer(db, one, asked, here, found, unproven, reached)


_WHY = {
    "unknown_receiver": "the receiver's type is unknown",
    "dynamic": "the name is made at run time",
    "not_found": "no definition was found",
    "too_many": "too many functions fit",
    None: "only the name fits",
}


def _answer(
    db: apsw.Connection,
    one: Function,
    asked: GetCallers,
    here: Window,
    found: Sequence[_Call],
    unproven: Sequence[Site],
    reached: Walk,
) -> Answer:
    is_cut = reached.bound_hit == "nodes"
    page = found[here.offset : here.offset + here.limit]
    callers = lookup.by_keys(db, {site.caller for site in unproven[:_UNPROVEN]})
    places = [(callers[site.caller], site) for site in unproven[:_UNPROVEN]]
    name = f"{one.qualified_name} ({place(one.file, one.start_line)})"
    main = Section("", tuple(_row(call, asked) for call in page), len(found), "proven call sites")
    doubts = Section(
        "Same name, not proven" if asked.direction == "callers" else "Calls whose target is not known",
        tuple(Row(f"{_unproven_name(caller, site, asked)}  {_WHY[site.reason]}", "", caller.file, site.line)
              for caller, site in places),
        len(unproven),
        "call sites",
    )  # fmt: skip
    head = _head(name, asked, found, unproven)
    entry = entry_labels(db, [one.key]).get(one.key)
    if entry and asked.direction == "callers":
        head += f" It is entered from outside: {entry}."
    return Answer(
        head,
        (main, doubts),
        (f"Ended at {len(reached.depths):,} functions: there is more behind them.",) if is_cut else (),
        data={
            "function": one.qualified_name,
            "id": one.id,
            "file": one.file,
            "line": one.start_line,
            asked.direction: [_described(call) for call in page],
            "unproven": {
                "total": len(unproven),
                "places": [
                    {
                        "function": caller.qualified_name,
                        "file": caller.file,
                        "line": site.line,
                        "calls": site.symbol,
                        "why": _WHY[site.reason],
                    }
                    for caller, site in places
                ],
            },
            "bound_hit": is_cut,
        },
        items=asked.direction,
        window=here,
        files=(one.file,),
    )


def _head(name: str, asked: GetCallers, found: Sequence[_Call], unproven: Sequence[Site]) -> str:
    if asked.direction == "callees":
        return f"{name} calls:" if found else f"No call is known in {name}."
    if found:
        places = {(call.site.caller, call.depth) for call in found}
        return f"{name}: {count(len(found), 'proven call sites')} in {count(len(places), 'functions')}."
    if unproven:
        return f"No proven caller of {name}; {count(len(unproven), 'call sites')} of the same name could be one."
    return f"No known caller of {name}. A call that only happens at run time would not be seen."


def _row(call: _Call, asked: GetCallers) -> Row:
    said = call.other.qualified_name if call.other else call.site.symbol
    if asked.depth > 1:
        said += f"  step {call.depth}"
    if asked.direction == "callees" and call.other is not None:
        said += f"  {place(call.other.file, call.other.start_line)}"
    return Row(f"{said}  by {call.site.resolution.replace('_', ' ')}", "", call.file, call.site.line)


def _unproven_name(caller: Function, site: Site, asked: GetCallers) -> str:
    return caller.qualified_name if asked.direction == "callers" else site.symbol


def _described(call: _Call) -> dict[str, Any]:
    return {
        "function": call.other.qualified_name if call.other else call.site.symbol,
        "id": call.other.id if call.other else None,
        "file": call.file,
        "line": call.site.line,
        "resolution": call.site.resolution,
        "confidence": call.site.confidence,
        "depth": call.depth,
    }
