"""Call sites with their candidates.

What writes, and how many there are of which kind. How an asker follows them stands in `reach`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Final, NamedTuple

import apsw

from drift_mcp.tables import bulk
from drift_mcp.tables.arrays import integers, texts


class NewCall(NamedTuple):
    """One call site and candidate; its first four places tell it apart and sort it."""

    caller_id: int
    line: int
    column_num: int
    candidate: int  # 0, 1, … among the candidates of one site
    callee_id: int | None
    callee_symbol: int
    resolution: int
    argument_count: int
    reason: str | None


_INSERT = """
INSERT INTO function_calls (
    caller_id, line, column_num, candidate, callee_id, callee_symbol, resolution, argument_count, reason
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def load(tx: apsw.Connection, calls: Iterable[NewCall]) -> None:
    """Calls of functions that have none yet. Brought together by caller first: in random order their tree costs almost
    three times the work."""
    rows = list(calls)
    rows.sort(key=itemgetter(0))
    bulk.insert(tx, _INSERT, rows)


_DELETE = """
DELETE FROM function_calls
WHERE caller_id IN (SELECT id FROM functions WHERE file_id IN (SELECT value FROM carray(?)))
"""


def replace(
    tx: apsw.Connection, file_ids: Iterable[int], calls: Iterable[NewCall], *, unchanged: Iterable[int] = ()
) -> None:
    """All calls out of these files, in place of those that were. What another scanner said of a site stands instead of
    what is said now, in files that are `unchanged` since it said so."""
    told = _told(tx, unchanged)
    tx.execute(_DELETE, (integers(file_ids),))
    if told:
        calls = _united(told, calls, dict(tx.execute(_HOMES, (integers(file_ids),))), _Ways.read(tx))
    load(tx, calls)


class _Ways(NamedTuple):
    """Ids of the resolutions that matter where an index and a scan speak of one site."""

    scip: int
    protocol: int
    interface: int
    beside: frozenset[int]
    unproven: frozenset[int]
    nameless: int | None  # the symbol of a call that has no name

    @classmethod
    def read(cls, tx: apsw.Connection) -> _Ways:
        ways = resolutions(tx)
        return cls(
            ways["scip"],
            ways["protocol"],
            ways["interface"],
            frozenset(ways[name] for name in BESIDE),
            frozenset(ways[name] for name in UNPROVEN),
            tx.execute("SELECT id FROM symbols WHERE name = ''").get,
        )


# What happens beside the call itself, of which an index says nothing: functions handed over, implementations.
BESIDE: Final = frozenset({"callback", "di", "interface"})
# Ways in which nothing was proven.
UNPROVEN: Final = frozenset({"unresolved", "unique"})


def _united(
    told: Iterable[NewCall], calls: Iterable[NewCall], homes: Mapping[int, int], ways: _Ways
) -> Iterator[NewCall]:
    """What was told before and what is found now, site by site; a site is a place in a file."""
    now: dict[tuple[int, int, int], list[NewCall]] = defaultdict(list)
    for call in calls:
        now[homes[call.caller_id], call.line, call.column_num].append(call)
    before: dict[tuple[int, int, int], list[NewCall]] = defaultdict(list)
    for call in told:
        before[homes[call.caller_id], call.line, call.column_num].append(call)
    for place, rows in before.items():
        found = now.pop(place, ())
        if found and any(row.resolution == ways.scip for row in rows):
            rows = _indexed(rows, found, ways)
        numbers: Counter[int] = Counter()
        for row in rows:
            yield row._replace(candidate=numbers[row.caller_id])
            numbers[row.caller_id] += 1
    for rows in now.values():
        yield from rows


def _indexed(told: Iterable[NewCall], found: Sequence[NewCall], ways: _Ways) -> list[NewCall]:
    """An index says what is called; a scan, in whose body, with how many arguments, and what happens beside it."""
    said = [row for row in told if row.resolution == ways.scip]
    words, callees = {row.callee_symbol for row in said}, {row.callee_id for row in said} - {None}
    beside = [
        row
        for row in found
        if row.resolution in ways.beside
        or row.callee_symbol == ways.nameless
        or (row.resolution == ways.protocol and row.callee_symbol not in words)
    ]
    main = [row for row in found if row not in beside]
    if not callees and any(row.resolution not in ways.unproven for row in main):
        return list(found)  # what lies outside is told by a scan in the words that libraries are known by
    agreed = any(row.callee_id in callees for row in main)
    at = (main or found)[0]
    return [
        *(row._replace(caller_id=at.caller_id, argument_count=at.argument_count) for row in said),
        *(row for row in beside if row.resolution != ways.interface or agreed),
        *(
            row
            for row in main
            if agreed and row.callee_id not in {None, *callees} and row.resolution not in ways.unproven
        ),
    ]


_HOMES = "SELECT id, file_id FROM functions WHERE file_id IN (SELECT value FROM carray(?))"

_TOLD = """
SELECT c.caller_id, c.line, c.column_num, c.candidate, c.callee_id, c.callee_symbol, c.resolution, c.argument_count,
    c.reason
FROM functions f
CROSS JOIN function_calls c ON c.caller_id = f.id
WHERE f.file_id IN (SELECT value FROM carray(?))
    AND EXISTS (
        SELECT 1
        FROM function_calls t
        WHERE t.caller_id = c.caller_id
            AND t.line = c.line
            AND t.column_num = c.column_num
            AND t.resolution IN (SELECT id FROM resolutions WHERE name IN ('scip', 'scanner'))
    )
ORDER BY c.caller_id, c.line, c.column_num, c.candidate
"""


def _told(db: apsw.Connection, file_ids: Iterable[int]) -> list[NewCall]:
    """The sites in these files of which another scanner said what is called there, with all their candidates, also what
    they left standing beside it; counted anew, for one may have lost its function."""
    found: list[NewCall] = []
    for call in map(NewCall._make, db.execute(_TOLD, (integers(file_ids),))):
        beside = bool(found) and found[-1][:3] == call[:3]
        found.append(call._replace(candidate=found[-1].candidate + 1 if beside else 0))
    return found


_UNDECIDE = """
UPDATE function_calls
SET callee_id = NULL, resolution = 0, reason = 'not_found'
WHERE callee_id IN (SELECT value FROM carray(?))
"""


def undecide(tx: apsw.Connection, functions: Iterable[int]) -> None:
    """Calls of functions that are about to go: nothing says any more what is called there. Without its callee alone, a
    call would look like one that leaves the project."""
    tx.execute(_UNDECIDE, (integers(functions),))


def symbols(tx: apsw.Connection, names: Iterable[str]) -> dict[str, int]:
    """The id of each name; new names are added."""
    wanted = sorted(set(names))
    bulk.insert(tx, "INSERT INTO symbols (name) VALUES (?) ON CONFLICT (name) DO NOTHING", ((name,) for name in wanted))
    return dict(
        tx.execute("SELECT name, id FROM symbols WHERE name IN (SELECT value FROM carray(?))", (texts(wanted),))
    )


_FORGET_SYMBOLS = "DELETE FROM symbols WHERE id NOT IN (SELECT callee_symbol FROM function_calls)"


def forget_unused_symbols(tx: apsw.Connection) -> int:
    """Names that no call site uses any more. Gives how many there were."""
    before = tx.total_changes()
    tx.execute(_FORGET_SYMBOLS)
    return tx.total_changes() - before


# ---------------------------------------------------------------------------------------------------------------------


def resolutions(db: apsw.Connection) -> dict[str, int]:
    """The id of each way in which a call site can be decided."""
    return dict(db.execute("SELECT name, id FROM resolutions"))


class Counts(NamedTuple):
    """Call sites, each counted once however many candidates it has."""

    total: int
    resolved: int  # has a target in the project, proven or not
    external: int  # leaves the project, or belongs to the language
    unresolved: int


_COUNTS = """
SELECT
    count(*),
    ifnull(sum(callee_id IS NOT NULL), 0),
    ifnull(sum(callee_id IS NULL AND resolution <> 0), 0),
    ifnull(sum(callee_id IS NULL AND resolution = 0), 0)
FROM function_calls
WHERE candidate = 0
"""


def counts(db: apsw.Connection) -> Counts:
    return Counts(*next(db.execute(_COUNTS)))
