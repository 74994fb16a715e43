"""Call sites with their candidates.

What writes, and how many there are of which kind. How an asker follows them stands in `reach`.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

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
    """Calls of functions that have none yet. Sorted first: in random order their tree costs almost three times the
    work."""
    rows = list(calls)
    rows.sort(key=itemgetter(0, 1, 2, 3))
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
        homes = dict(tx.execute(_HOMES, (integers(file_ids),)))
        places = {(homes[call.caller_id], call.line, call.column_num) for call in told}
        calls = [call for call in calls if (homes[call.caller_id], call.line, call.column_num) not in places]
    load(tx, (*told, *calls) if told else calls)


_HOMES = "SELECT id, file_id FROM functions WHERE file_id IN (SELECT value FROM carray(?))"

_TOLD = """
SELECT c.caller_id, c.line, c.column_num, c.candidate, c.callee_id, c.callee_symbol, c.resolution, c.argument_count,
    c.reason
FROM functions f
CROSS JOIN function_calls c ON c.caller_id = f.id
WHERE f.file_id IN (SELECT value FROM carray(?))
    AND c.resolution IN (SELECT id FROM resolutions WHERE name IN ('scip', 'scanner'))
ORDER BY c.caller_id, c.line, c.column_num, c.candidate
"""


def _told(db: apsw.Connection, file_ids: Iterable[int]) -> list[NewCall]:
    """What other scanners said of calls out of these files; the candidates of a site counted anew, for one may have
    lost its function."""
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
    tx.executemany("INSERT INTO symbols (name) VALUES (?) ON CONFLICT (name) DO NOTHING", ((name,) for name in wanted))
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
