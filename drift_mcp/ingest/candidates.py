"""Call sites as they were told × as the store has them → the candidates that each site is to have. Pure.

A site is a place in a file: in whose body it lies, two scanners may see differently. What is told of a site stands
instead of all that was said of it before; only that it cannot be decided is no answer to one that a scan has found.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias, cast

from drift_mcp.ingest.given import ABSENT, Given, Spooled, Where, refused, said
from drift_mcp.ingest.references import References
from drift_mcp.tables.calls import NewCall
from drift_mcp.tables.foreign import Stored
from drift_mcp.tables.public import Plan, Value

Place: TypeAlias = tuple[int, Given, Given]  # file, line, column


class Candidates(NamedTuple):
    gone: set[tuple[int, int, int]]  # sites (caller, line, column) that lose all their candidates
    put: list[NewCall]
    added: int
    changed: int
    removed: int


def merged(
    plan: Plan,
    rows: Iterable[Spooled],
    stored: Iterable[Stored],
    known: References,
    symbols: Mapping[str, int],
    ways: Mapping[str, int],
    replaces: Callable[[Stored], bool] | None,
) -> Candidates:
    """`replaces`: the input is the whole truth, and these candidates go unless their site is told of."""
    before: dict[Place, list[Stored]] = defaultdict(list)
    for each in stored:
        before[each.file or 0, each.values[1], each.values[2]].append(each)
    open_ways = {ways[name] for name in ("unresolved", "scanner", "scip")}
    result = Candidates(set(), [], 0, 0, 0)
    added = changed = removed = 0
    for place, listed in _sites(plan, rows, known, symbols, ways).items():
        there = before.pop(place, ())
        old = [each.values for each in there]
        if not old and len(listed) == 1:
            added += 1
            result.put.append(listed[0].call)
            continue
        is_open = (replaces is not None and all(map(replaces, there))) or all(row[6] in open_ways for row in old)
        if not is_open and all(each.call.resolution == 0 for each in listed):
            continue
        told = _counted(listed, cast(int, old[0][7]) if old else 0)
        if sorted(old, key=lambda row: (row[0], row[3])) == sorted(told.values()):
            continue
        result.gone.update(cast(tuple[int, int, int], row[:3]) for row in old)
        result.put.extend(told.values())
        were = {(row[0], row[4], row[5]): row for row in old}
        added += len(told.keys() - were.keys())
        removed += len(were.keys() - told.keys())
        changed += sum(were[key] != call for key, call in told.items() if key in were)
    if replaces is not None:
        for untold in before.values():
            lost = [each.values for each in untold if replaces(each)]
            result.gone.update(cast(tuple[int, int, int], row[:3]) for row in lost)
            removed += len(lost)
    return result._replace(added=added, changed=changed, removed=removed)


class _Told(NamedTuple):
    where: Where
    rank: int
    call: NewCall
    counts: bool  # whether it says with how many arguments


def _sites(
    plan: Plan, rows: Iterable[Spooled], known: References, symbols: Mapping[str, int], ways: Mapping[str, int]
) -> dict[Place, list[_Told]]:
    assert tuple(column.name for column in plan.columns) == NewCall._fields, "calls are told as they are stored"
    functions, homes = known.functions, dict[str, int]()
    sites: dict[Place, list[_Told]] = {}
    for where, values in rows:
        caller, line, column, candidate, callee, symbol, way, count, reason = cast(tuple[Any, ...], values)
        caller_id = functions.get(caller) or known.function(caller, where, "function_calls.caller_id")
        callee_id = None
        if callee.__class__ is str:
            callee_id = functions.get(callee) or known.function(callee, where, "function_calls.callee_id")
        home = homes.get(caller)
        if home is None:
            home = homes[caller] = known.files[caller.partition("::")[0]]
        counts = count is not ABSENT
        call = NewCall(
            caller_id,
            line,
            column,
            0,
            callee_id,
            symbols[symbol],
            ways[way],
            count if counts else 0,
            reason if reason.__class__ is str else None,
        )
        # Candidates that are not counted follow those that are, in the order given.
        rank = candidate if candidate.__class__ is int else 2**31
        told = _Told(where, rank, call, counts)
        there = sites.get((home, line, column))
        if there is None:
            sites[home, line, column] = [told]
        else:
            there.append(told)
    return sites


def _counted(listed: list[_Told], arguments: int) -> dict[tuple[Value, Value, Value], NewCall]:
    """The candidates of one site, each once and counted per caller. One that does not say with how many arguments it
    is called keeps the number that was known."""
    told: dict[tuple[Value, Value, Value], tuple[Where, NewCall]] = {}
    numbers: dict[int, int] = {}
    for where, _, call, counts in sorted(listed, key=lambda each: each.rank):
        key = (call.caller_id, call.callee_id, call.callee_symbol)
        call = call._replace(
            candidate=numbers.get(call.caller_id, 0), argument_count=call.argument_count if counts else arguments
        )
        first = told.get(key)
        if first is None:
            told[key] = (where, call)
            numbers[call.caller_id] = call.candidate + 1
        elif first[1]._replace(candidate=call.candidate) != call:
            raise refused(where, f"{said(first[0])} says something else of the same call.")
    return {key: call for key, (_, call) in told.items()}
