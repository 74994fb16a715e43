"""What a change touches: callers in depth, entry points, tests and data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from drift_mcp.graph.reachability import Walk
from drift_mcp.project import Project
from drift_mcp.tables import lookup, reach
from drift_mcp.tables.lookup import Function
from drift_mcp.tools import meant
from drift_mcp.tools.above import Above
from drift_mcp.tools.answer import Answer, Row, Section, clip, count, window
from drift_mcp.tools.arguments import AskedAtLength, Told
from drift_mcp.tools.data import entry_labels
from drift_mcp.tools.freshness import generation


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactOfChange(AskedAtLength):
    target: Annotated[str, Told("A file, path:line, or a function.")]


# As far as reachable_data walks unless told otherwise.
_DEPTH = 10
_CALLERS = 50
# Beside the callers: what is run, entered and touched, each enough to act on; the counts are whole.
_BESIDE = 15


def impact_of_change(project: Project, asked: ImpactOfChange) -> Answer:
    """What is affected if this function or file changes: callers in depth, the routes and commands above them, the
    tests to run, the data below. Ask before changing a signature or behaviour. For direct callers alone,
    get_callers."""
    with project.read() as db:
        here = window("impact_of_change", dataclasses.asdict(asked), generation(db), _CALLERS)
        changed = meant.code(db, asked.target)
        if changed.ambiguous:
            found = changed.functions
            return Answer(
                f"{clip(asked.target, 80)!r} is {count(len(found), 'functions')}. Ask again with an id such as "
                f"{found[0].id}, or with path:line.",
                (meant.ambiguous_section(found),),
                data={"target": asked.target, "callers": [], "candidates": meant.candidates(found).data},
                items="callers",
            )
        starts = lookup.with_constructors(db, [one.key for one in changed.functions])
        above = Above(db).walk(starts, max_depth=_DEPTH)
        known = lookup.by_keys(db, set(above.depths))
        # A module body that calls something is a caller like any other; the changed file's own one is not affected
        # news.
        affected = [known[key] for key, depth in above.depths.items() if depth]
        affected.sort(key=lambda one: (above.depths[one.key], one.file, one.start_line))
        callers = [one for one in affected if not one.is_test]
        tests = [one for one in affected if one.is_test]
        entries = entry_labels(db, list(above.depths))
        entered = [
            {
                "entry_point": label,
                "function": known[key].qualified_name,
                "file": known[key].file,
                "line": known[key].start_line,
                "path": _path(above, key, known),
            }
            for key, label in list(entries.items())[:_BESIDE]
        ]
        accesses = reach.accesses_by(db, starts)
        held = reach.sensitive_fields(db)
        unproven = sum(
            len(reach.unproven(db, [one.key], one.name)) for one in changed.functions if one.kind != "module"
        )
    page = callers[here.offset : here.offset + here.limit]
    touched = sorted({_data(access, held) for access in accesses})
    direct = sum(above.depths[one.key] == 1 for one in callers)
    head = (
        f"{changed.said}: called by {count(len(callers), 'functions')}, {direct} of them directly; "
        f"above it lie {count(len(entries), 'entry points')} and {count(len(tests), 'tests')}."
        if callers or tests
        else f"{changed.said}: no known caller."
    )
    notes = []
    if unproven:
        notes.append(f"{count(unproven, 'call sites')} of the same name could not be proven: get_callers lists them.")
    if above.bound_hit:
        notes.append(f"Only {_DEPTH} calls up; there are more callers above.")
    return Answer(
        head,
        (
            Section(
                "Callers, nearest first", tuple(_caller_row(one, above) for one in page), len(callers), "functions"
            ),
            Section(
                "Entry points",
                tuple(
                    Row(f"{label}  {known[key].qualified_name}", label, known[key].file, known[key].start_line)
                    for key, label in list(entries.items())[:_BESIDE]
                ),
                len(entries),
                "entry points",
            ),
            Section(
                "Tests to run",
                tuple(Row(one.qualified_name, "", one.file, one.start_line) for one in tests[:_BESIDE]),
                len(tests),
                "tests",
            ),
            Section("Data it touches", tuple(Row(said) for said in touched[:_BESIDE]), len(touched), "uses"),
        ),
        tuple(notes),
        data={
            "target": [meant.described(one) for one in changed.functions[:_BESIDE]],
            "callers": [meant.described(one) | {"depth": above.depths[one.key]} for one in page],
            "entry_points": entered,
            "entry_points_total": len(entries),
            "tests": [{"function": one.qualified_name, "file": one.file, "line": one.start_line} for one in tests][
                :_BESIDE
            ],
            "tests_total": len(tests),
            "data": touched,
            "unproven": unproven,
            "bound_hit": above.bound_hit is not None,
        },
        items="callers",
        window=here,
        files=tuple(dict.fromkeys(one.file for one in known.values())),
    )


def _caller_row(one: Function, above: Walk) -> Row:
    depth = above.depths[one.key]
    return Row(f"{one.qualified_name}" + (f"  {depth} steps" if depth > 1 else ""), "", one.file, one.start_line)


def _data(access: reach.Access, held: Mapping[tuple[str, str], str]) -> str:
    if access.field is None:
        return f"{access.table}  {access.operation}, whole row"
    known = held.get((access.table, access.field))
    return f"{access.table}.{access.field}  {access.operation}" + (f"  {known}" if known else "")


def _path(above: Walk, key: int, known: Mapping[int, Function]) -> list[dict[str, Any]]:
    return [
        {"function": known[step.node].qualified_name, "file": known[step.node].file, "line": step.line}
        for step in above.way_from(key)
    ]
