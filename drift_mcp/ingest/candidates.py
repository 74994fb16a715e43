"""Call sites as they were told × as the store has them → the candidates that each site is to have. Pure.

A site is a place in a file: in whose body it lies, two scanners may see differently. What is told of a site stands
instead of all that was said of it before; only that it cannot be decided is no answer to one that a scan has found.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, cast

from drift_mcp.ingest.given import ABSENT, Given, Spooled, Where, refused, said
from drift_mcp.ingest.references import References
from drift_mcp.tables.calls import NewCall
from drift_mcp.tables.foreign import Stored
from drift_mcp.tables.public import UNSAID_COLUMN, Plan, Value

Place: TypeAlias = tuple[Given, Given]  # line, column


class Candidates(NamedTuple):
    gone: set[tuple[int, int, int]]  # sites (caller, line, column) that lose all their candidates
    put: list[NewCall]
    added: int
    changed: int
    removed: int


def merged(
    plan: Plan,
    rows: list[Spooled],
    stored: Iterable[Stored],
    known: References,
    symbols: Mapping[str, int],
    ways: Mapping[str, int],
    replaces: Callable[[Stored], bool] | None,
) -> Candidates:
    """`rows` is emptied: calls are the most of what an input keeps in memory. `replaces`: the input is the whole truth,
    and these candidates go unless their site is told of."""
    assert tuple(column.name for column in plan.columns) == NewCall._fields, "calls are told as they are stored"
    before: dict[int, list[Stored]] = defaultdict(list)
    for each in stored:
        before[each.file or 0].append(each)
    # File by file: what is made of the rows of one is small beside the rows of all.
    by_path: dict[str, list[Spooled]] = defaultdict(list)
    for row in rows:
        by_path[cast(str, row.values[0]).partition("::")[0]].append(row)
    rows.clear()
    sites = _Sites(known, symbols, ways, replaces)
    for path in sorted(by_path):
        sites.merge(by_path.pop(path), before.pop(known.files.get(path, 0), ()))
    if replaces is not None:
        for there in before.values():
            sites.merge((), there)
    return Candidates(sites.gone, sites.put, sites.added, sites.changed, sites.removed)


class _Sites:
    """Merges the sites of one file after another."""

    def __init__(
        self,
        known: References,
        symbols: Mapping[str, int],
        ways: Mapping[str, int],
        replaces: Callable[[Stored], bool] | None,
    ) -> None:
        self._known = known
        self._symbols = symbols
        self._ways = ways
        self._replaces = replaces
        # What a scanner's doubt may take the place of.
        self._open = {ways[name] for name in ("unresolved", "scanner", "scip")}
        self.gone: set[tuple[int, int, int]] = set()
        self.put: list[NewCall] = []
        self.added = self.changed = self.removed = 0

    def merge(self, rows: Iterable[Spooled], stored: Iterable[Stored]) -> None:
        before: dict[Place, list[Stored]] = defaultdict(list)
        for each in stored:
            before[each.values[1], each.values[2]].append(each)
        told: dict[Place, list[_Told]] = defaultdict(list)
        columns = _Columns(before)
        for row in rows:
            one = self._told(row)
            if one.call.column_num == UNSAID_COLUMN:
                one = one._replace(call=one.call._replace(column_num=columns.of(one.call)))
            told[one.call[1:3]].append(one)
        for place, listed in told.items():
            there = before.pop(place, ())
            if not there and len(listed) == 1:
                self.added += 1
                self.put.append(listed[0].call)
            else:
                self._site(listed, there)
        if self._replaces is not None:
            for there in before.values():
                lost = [each.values for each in there if self._replaces(each)]
                self.gone.update(cast(tuple[int, int, int], row[:3]) for row in lost)
                self.removed += len(lost)

    def _told(self, row: Spooled) -> _Told:
        where, values = row
        caller, line, column, candidate, callee, symbol, way, count, reason = cast(tuple[Any, ...], values)
        functions = self._known.functions
        caller_id = functions.get(caller) or self._known.function(caller, where, "function_calls.caller_id")
        callee_id = None
        if callee.__class__ is str:
            callee_id = functions.get(callee) or self._known.function(callee, where, "function_calls.callee_id")
        call = NewCall(
            caller_id,
            line,
            column,
            0,
            callee_id,
            self._symbols[symbol],
            self._ways[way],
            0 if count is ABSENT else count,
            reason if reason.__class__ is str else None,
        )
        # Candidates that are not counted follow those that are, in the order given.
        rank = candidate if candidate.__class__ is int else 2**31
        return _Told(where, rank, call, count is not ABSENT)

    def _site(self, listed: list[_Told], there: Sequence[Stored]) -> None:
        old = [each.values for each in there]
        is_whole = self._replaces is not None and all(map(self._replaces, there))
        is_doubt = all(each.call.resolution == self._ways["unresolved"] for each in listed)
        if is_doubt and not is_whole and not all(row[6] in self._open for row in old):
            return
        told = _counted(listed, cast(int, old[0][7]) if old else 0)
        if sorted(old, key=lambda row: (row[0], row[3])) == sorted(told.values()):
            return
        self.gone.update(cast(tuple[int, int, int], row[:3]) for row in old)
        self.put.extend(told.values())
        were = {(row[0], row[4], row[5]): row for row in old}
        self.added += len(told.keys() - were.keys())
        self.removed += len(were.keys() - told.keys())
        self.changed += sum(were[key] != call for key, call in told.items() if key in were)


class _Told(NamedTuple):
    where: Where
    rank: int
    call: NewCall
    counts: bool  # whether it says with how many arguments


class _Columns:
    """Finds the site of a call of which only the line is told."""

    def __init__(self, stored: Mapping[Place, Sequence[Stored]]) -> None:
        self._stored = stored
        self._by_line: dict[Given, dict[Given, set[int]]] | None = None  # line → name that is called → columns

    def of(self, call: NewCall) -> int:
        """The column of the first site in its line that calls by the same name; else one that no other site has."""
        if self._by_line is None:
            self._by_line = defaultdict(lambda: defaultdict(set))
            for (line, column), there in self._stored.items():
                for each in there:
                    self._by_line[line][each.values[5]].add(cast(int, column))
        names = self._by_line[call.line]
        if not names[call.callee_symbol]:
            taken = {column for columns in names.values() for column in columns}
            names[call.callee_symbol].add(next(number for number in itertools.count() if number not in taken))
        return min(names[call.callee_symbol])


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
