"""How modules hang on each other, and the rings that come of it.

First what writes, then what reads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.errors import DriftError


class NewTie(NamedTuple):
    source_module: str
    target_module: str
    coupling_type: str  # 'import', 'call', 'type', 'inheritance'
    strength: int = 1


_PUT = """
INSERT INTO module_coupling (source_module, target_module, coupling_type, strength)
VALUES (?, ?, ?, ?)
ON CONFLICT (source_module, target_module, coupling_type) DO UPDATE SET strength = excluded.strength
WHERE strength <> excluded.strength
"""

_TIED = "SELECT id, source_module, target_module, coupling_type FROM module_coupling"


def put(tx: apsw.Connection, ties: Iterable[NewTie]) -> None:
    """Adds ties, or says anew how strong they are."""
    tx.executemany(_PUT, ties)


def replace_all(tx: apsw.Connection, ties: Iterable[NewTie]) -> None:
    """The ties that there are, in place of those that were."""
    found = list(ties)
    kept = {one[:3] for one in found}
    gone = [number for number, *tie in tx.execute(_TIED).fetchall() if tuple(tie) not in kept]
    tx.executemany("DELETE FROM module_coupling WHERE id = ?", ((number,) for number in gone))
    put(tx, found)


class NewCycle(NamedTuple):
    modules: str  # JSON
    severity: str | None = None
    cycle_hash: str | None = None  # None: as `ring` names it
    length: int | None = None  # None: as many as `modules` names
    detected_at: str | None = None  # None: now


_PUT_CYCLE = """
INSERT INTO coupling_cycles (modules, severity, cycle_hash, length, detected_at)
VALUES (?, ?, ?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
ON CONFLICT (cycle_hash) DO UPDATE SET
    modules = excluded.modules,
    length = excluded.length,
    severity = excluded.severity
WHERE (modules, length, severity) IS NOT (excluded.modules, excluded.length, excluded.severity)
"""


def put_cycles(tx: apsw.Connection, cycles: Iterable[NewCycle]) -> None:
    """Adds rings, or says them anew; when one was first seen stays."""
    tx.executemany(_PUT_CYCLE, map(_whole, cycles))


def replace_cycles(tx: apsw.Connection, cycles: Iterable[NewCycle]) -> None:
    """The rings that there are, in place of those that were."""
    found = list(map(_whole, cycles))
    kept = {one.cycle_hash for one in found}
    known = tx.execute("SELECT cycle_hash FROM coupling_cycles").fetchall()
    tx.executemany("DELETE FROM coupling_cycles WHERE cycle_hash = ?", (row for row in known if row[0] not in kept))
    put_cycles(tx, found)


def _whole(cycle: NewCycle) -> NewCycle:
    modules = json.loads(cycle.modules)
    if not isinstance(modules, list) or not all(isinstance(each, str) for each in modules):
        raise DriftError(f"A ring is a list of the modules in it, not {cycle.modules!r}.")
    length = len(modules) if cycle.length is None else cycle.length
    return cycle._replace(cycle_hash=cycle.cycle_hash or ring(modules), length=length)


def ring(modules: Iterable[str]) -> str:
    """The name of a ring: the same wherever one begins to follow it."""
    return hashlib.sha256(json.dumps(sorted(modules)).encode()).hexdigest()[:16]


# ---------------------------------------------------------------------------------------------------------------------


class Tie(NamedTuple):
    id: int
    source_module: str
    target_module: str
    coupling_type: str
    strength: int


_TIES = "SELECT id, source_module, target_module, coupling_type, strength FROM module_coupling"

_TIE_ORDER = " ORDER BY strength DESC, source_module, target_module, coupling_type"


def of(db: apsw.Connection, module: str) -> list[Tie]:
    """Ties from and to this module, the strongest first."""
    return [
        Tie(*row) for row in db.execute(_TIES + " WHERE ?1 IN (source_module, target_module)" + _TIE_ORDER, (module,))
    ]


def every(db: apsw.Connection) -> list[Tie]:
    """The strongest first."""
    return [Tie(*row) for row in db.execute(_TIES + _TIE_ORDER)]


class Cycle(NamedTuple):
    id: int
    cycle_hash: str
    modules: str
    length: int
    severity: str | None
    detected_at: str


_CYCLES = "SELECT id, cycle_hash, modules, length, severity, detected_at FROM coupling_cycles"

_CYCLE_ORDER = " ORDER BY length, modules"


def cycles_through(db: apsw.Connection, module: str) -> list[Cycle]:
    """Rings that this module is part of, the shortest first."""
    through = " WHERE ? IN (SELECT value FROM json_each(modules))"
    return [Cycle(*row) for row in db.execute(_CYCLES + through + _CYCLE_ORDER, (module,))]


def every_cycle(db: apsw.Connection) -> list[Cycle]:
    """The shortest first."""
    return [Cycle(*row) for row in db.execute(_CYCLES + _CYCLE_ORDER)]
