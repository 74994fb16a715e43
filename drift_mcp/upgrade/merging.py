"""What was told more than once becomes one row: the richer telling wins, and what it leaves open the others fill in.

A person's word beats what was merely found, whoever tells it. A place that is an outlier anywhere is one. Knows what
tells rows apart (`tables.public`), and no database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from drift_mcp.tables.public import Plan, Value
from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.records import (
    Fit,
    Note,
    Record,
    Refused,
    Repeated,
    Row,
    Unfit,
    Where,
    compact,
    fitter,
    shown,
    without_secrets,
)

Key: TypeAlias = tuple[Value, ...]  # by the columns of `Plan.table.key`, references by their public names

SAME_FILE: Final = "told twice in one file"
OTHER_FILE: Final = "told in several files"


class Told(NamedTuple):
    """One row as it will be written, references still by name. None = not said: the column's default."""

    values: tuple[Value, ...]  # one per column of the plan
    where: Where
    carried: Mapping[str, str]  # field → JSON
    is_in_passing: bool


class Rows:
    """The rows of all tables, merged as they come. One thread."""

    def __init__(self, plans: Mapping[str, Plan], account: Account) -> None:
        self._account = account
        self._forms = {name: _Form(plan) for name, plan in plans.items()}
        self.of: dict[str, dict[Key, Told]] = {name: {} for name in plans}

    def take(self, row: Row) -> None:
        """Counts it, and keeps it unless it cannot be kept."""
        if isinstance(row, Note):
            self._account.note(row.text)
            return
        self._account.found(row.table)
        if isinstance(row, Refused):
            self._account.refused(row.table, str(row.where), row.reason)
            return
        if isinstance(row, Repeated):
            self._account.merged(row.table, row.reason)
            return
        form = self._forms[row.table]
        try:
            told = self._fitted(form, row)
        except Unfit as problem:
            self._account.refused(row.table, str(row.where), f"{problem}.")
            return
        key = form.key(told.values)
        rows = self.of[row.table]
        before = rows.get(key)
        if before is None:
            rows[key] = told
            return
        if disagree(form.plan, before.values, told.values):
            self._account.note(
                f"{row.table} {shown(key[0])}: {before.where} and {told.where} tell of different verdicts. The later "
                "one, as far as they say when, was taken."
            )
        rows[key] = merged(form.plan, before, told)
        self._account.merged(row.table, SAME_FILE if before.where.file == told.where.file else OTHER_FILE)

    def undecided(self, table: str) -> set[Value]:
        """The ids of the rows about which no person has spoken."""
        plan = self._forms[table].plan
        return {key[0] for key, told in self.of[table].items() if not is_decided(plan, told.values)}

    def _fitted(self, form: _Form, row: Record) -> Told:
        """Raises Unfit when a value is wrong without which there is no row. Any other such value is carried along."""
        fitted: list[Value] = [None] * form.width
        carried = row.carried
        for name, value in row.values.items():
            if value is None:
                continue
            place, fit, is_vital = form.columns[name]
            try:
                fitted[place] = fit(value)
            except Unfit as problem:
                if is_vital:
                    raise
                carried = {name: value, **carried}
                self._account.unfit(row.table, name, f"{row.where}: {problem}")
        for name, place in form.needed:
            if fitted[place] is None:
                raise Unfit(f"{name} is missing")
        texts = {name: without_secrets(compact(value)) for name, value in carried.items()} if carried else _NOTHING
        return Told(tuple(fitted), row.where, texts, row.is_in_passing)


_NOTHING: Final[Mapping[str, str]] = {}


class _Form:
    """How the rows of one table are read: worked out once, asked for every row. Never changes."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.width = len(plan.columns)
        # Column → (its place, how its values are read, whether there is no row when one cannot be).
        self.columns: dict[str, tuple[int, Fit, bool]] = {
            column.name: (place, fitter(column), column.is_required or column.name in plan.table.key)
            for place, column in enumerate(plan.columns)
        }
        self.needed = [(column.name, place) for place, column in enumerate(plan.columns) if column.is_required]
        self._key = [(plan.at(name), _default(plan, name)) for name in plan.table.key]

    def key(self, values: Sequence[Value]) -> Key:
        return tuple([default if values[place] is None else values[place] for place, default in self._key])


def _default(plan: Plan, name: str) -> Value:
    column = plan.columns[plan.at(name)]
    return column.default if column.has_default else None


def merged(plan: Plan, one: Told, other: Told) -> Told:
    """One row of two tellings of it."""
    base, rest = (one, other) if _weight(plan, one) >= _weight(plan, other) else (other, one)
    values = [own if own is not None else more for own, more in zip(base.values, rest.values, strict=True)]
    said = _verdict(plan, base, rest)
    if said is not None:
        for name in plan.table.frozen:
            place = plan.at(name)
            # A verdict is not put together of two.
            if said.values[place] is not None or name in _VERDICT:
                values[place] = said.values[place]
    if plan.table.name == "pattern_locations":
        _keep_outlier(plan, values, (one, other))
    is_in_passing = one.is_in_passing and other.is_in_passing
    return Told(tuple(values), base.where, {**rest.carried, **base.carried}, is_in_passing)


def _weight(plan: Plan, told: Told) -> tuple[bool, int, str]:
    """Whether it is told for its own sake; how much is said; and where both say as much, how late."""
    said = sum(value is not None for value in told.values) + len(told.carried)
    return not told.is_in_passing, said, _seen(plan, told)


def _seen(plan: Plan, told: Told) -> str:
    return "" if plan.table.seen is None else str(told.values[plan.at(plan.table.seen)] or "")


# What a person decided, when and why.
_VERDICT: Final = frozenset(
    (
        "status", "approved_at", "approved_by", "status_reason", "verified_at", "verified_by", "ignored_at",
        "ignore_reason", "confirmed_at", "confirmed_by",
    )
)  # fmt: skip


def _verdict(plan: Plan, base: Told, rest: Told) -> Told | None:
    """Who tells of the verdict that stands: the only one who knows of one, and where they disagree the later one. None:
    nobody does, or both say the same."""
    decided = [each for each in (base, rest) if is_decided(plan, each.values)]
    if len(decided) == 1:
        return decided[0]
    return max(decided, key=lambda each: _seen(plan, each)) if disagree(plan, base.values, rest.values) else None


def disagree(plan: Plan, one: Sequence[Value], other: Sequence[Value]) -> bool:
    """Whether a person is said to have decided one thing, and another."""
    if plan.table.undecided is None:
        return False
    place = plan.at(plan.table.undecided[0])
    return one[place] != other[place] and is_decided(plan, one) and is_decided(plan, other)


def is_decided(plan: Plan, values: Sequence[Value]) -> bool:
    """Whether a person has spoken about the row."""
    if plan.table.undecided is None:
        return False
    column, words = plan.table.undecided
    value = values[plan.at(column)]
    if value is not None and value not in words:
        return True
    return any(values[plan.at(name)] is not None for name in plan.table.spoken)


def _keep_outlier(plan: Plan, values: list[Value], both: tuple[Told, Told]) -> None:
    flag, reason, score = (plan.at(name) for name in ("is_outlier", "outlier_reason", "deviation_score"))
    marked = [each for each in both if each.values[flag]]
    if marked:
        values[flag] = 1
        for place in (reason, score):
            said = [each.values[place] for each in marked if each.values[place] is not None]
            values[place] = said[0] if said else values[place]
