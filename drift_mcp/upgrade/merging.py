"""What was told more than once becomes one row: the richer telling wins, and what it leaves open the others fill in.

A person's word beats what was merely found, whoever tells it. A place that is an outlier anywhere is one. Knows what
tells rows apart (`tables.public`), and no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from drift_mcp.tables.public import Plan, Value
from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.records import Record, Refused, Repeated, Unfit, Where, fitted

Key: TypeAlias = tuple[Value, ...]  # by the columns of `Plan.table.key`, references by their public names

SAME_FILE: Final = "told twice in one file"
OTHER_FILE: Final = "told in several files"


class Told(NamedTuple):
    """One row as it will be written, references still by name. None = not said: the column's default."""

    values: tuple[Value, ...]  # one per column of the plan
    where: Where
    carried: Mapping[str, Any]


class Rows:
    """The rows of all tables, merged as they come. One thread."""

    def __init__(self, plans: Mapping[str, Plan], account: Account) -> None:
        self._plans = plans
        self._account = account
        self.of: dict[str, dict[Key, Told]] = {name: {} for name in plans}
        self._key_places = {name: tuple(plan.at(each) for each in plan.table.key) for name, plan in plans.items()}

    def take(self, row: Record | Refused | Repeated) -> None:
        """Counts it, and keeps it unless it cannot be kept."""
        self._account.found(row.table)
        if isinstance(row, Refused):
            self._account.refused(row.table, str(row.where), row.reason)
            return
        if isinstance(row, Repeated):
            self._account.merged(row.table, row.reason)
            return
        plan = self._plans[row.table]
        try:
            told = Told(_fitted(plan, row.values), row.where, row.carried)
        except Unfit as problem:
            self._account.refused(row.table, str(row.where), f"{problem}.")
            return
        key = self._key(plan, told.values)
        rows = self.of[row.table]
        before = rows.get(key)
        if before is None:
            rows[key] = told
            return
        rows[key] = merged(plan, before, told)
        self._account.merged(row.table, SAME_FILE if before.where.file == told.where.file else OTHER_FILE)

    def _key(self, plan: Plan, values: tuple[Value, ...]) -> Key:
        return tuple(
            value if (value := values[place]) is not None else _default(plan, place)
            for place in self._key_places[plan.table.name]
        )


def _default(plan: Plan, place: int) -> Value:
    column = plan.columns[place]
    return column.default if column.has_default else None


def _fitted(plan: Plan, values: Mapping[str, Any]) -> tuple[Value, ...]:
    unknown = values.keys() - plan.places.keys()
    assert not unknown, f"{plan.table.name} has no columns {unknown}"
    return tuple(
        None if value is None and not column.is_required else fitted(column, value)
        for column in plan.columns
        for value in (values.get(column.name),)
    )


def merged(plan: Plan, one: Told, other: Told) -> Told:
    """One row of two tellings of it."""
    base, rest = (one, other) if _richness(one) >= _richness(other) else (other, one)
    values = [own if own is not None else more for own, more in zip(base.values, rest.values, strict=True)]
    if plan.table.undecided is not None:
        decided = [each for each in (base, rest) if is_decided(plan, each.values)]
        if len(decided) == 1:
            for name in plan.table.frozen:
                place = plan.at(name)
                if decided[0].values[place] is not None:
                    values[place] = decided[0].values[place]
    if plan.table.name == "pattern_locations":
        _keep_outlier(plan, values, (one, other))
    carried = {**rest.carried, **base.carried}
    return Told(tuple(values), base.where, carried)


def is_decided(plan: Plan, values: Sequence[Value]) -> bool:
    """Whether a person has spoken about the row."""
    if plan.table.undecided is None:
        return False
    column, words = plan.table.undecided
    value = values[plan.at(column)]
    if value is not None and value not in words:
        return True
    return any(values[plan.at(name)] is not None for name in plan.table.spoken)


def _richness(told: Told) -> int:
    return sum(value is not None for value in told.values) + len(told.carried)


def _keep_outlier(plan: Plan, values: list[Value], both: tuple[Told, Told]) -> None:
    flag, reason, score = (plan.at(name) for name in ("is_outlier", "outlier_reason", "deviation_score"))
    marked = [each for each in both if each.values[flag]]
    if marked:
        values[flag] = 1
        for place in (reason, score):
            said = [each.values[place] for each in marked if each.values[place] is not None]
            values[place] = said[0] if said else values[place]
