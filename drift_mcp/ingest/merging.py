"""Rows as they were told × rows as the store has them → what has to be written. Pure.

A column that a row says nothing of keeps its value; where the input is the whole truth for a table, it takes its
default. What a person decided stays either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple, TypeAlias, cast

from drift_mcp.ingest.given import ABSENT, Given, Spooled, Where, names_of, refused, said, wanted
from drift_mcp.tables.foreign import Stored, Values
from drift_mcp.tables.public import NOW, Plan, Value

# Completes a row that the store does not have yet by what is known otherwise.
Fill: TypeAlias = Callable[[list[Given]], None]


class Merged(NamedTuple):
    """What has to be written so that a table says what was told."""

    new: list[tuple[Where, Values]]
    changed: list[tuple[Where, Stored, Values]]  # the row as it is, and as it is to be
    met: list[tuple[Where, Stored, Values]]  # rows that say nothing new, but when they were last told of
    gone: list[Stored]
    left: int  # rows that were to say something else, had a person not decided about them


class _Missing:
    """Stands for a column that must be given and was not."""


_MISSING: Final = _Missing()


def merged(
    plan: Plan,
    rows: Iterable[Spooled],
    stored: Sequence[Stored],
    *,
    now: str,
    replaces: Callable[[Stored], bool] | None = None,
    fill: Fill | None = None,
) -> Merged:
    """What `rows` make of `stored`. `replaces`: the input is the whole truth, and these rows go unless they are told
    of.

    Raises DriftError for two rows that say different things of one, and for a new row that lacks what it must say."""
    keys = [plan.at(name) for name in plan.table.key]
    defaults = [
        _MISSING if column.is_required else now if column.default == NOW else column.default for column in plan.columns
    ]
    rules = _Rules(plan, now)
    at_hand: dict[tuple[Given, ...], Stored] = {}
    for each in stored:
        at_hand.setdefault(tuple([each.values[place] for place in keys]), each)
    result = Merged([], [], [], [], 0)
    taken: dict[tuple[Given, ...], Spooled] = {}
    left = 0
    for row in rows:
        key = tuple([row.values[place] for place in keys])
        first = taken.get(key)
        if first is not None:
            if first.values != row.values:
                raise refused(
                    row.where, f"{said(first.where)} says something else of the same row of {plan.table.name}."
                )
            continue
        taken[key] = row
        old = at_hand.get(key)
        if old is None:
            given = row.values
            if fill is not None:
                completed = list(given)
                fill(completed)
                given = tuple(completed)
            values = tuple(
                [default if value is ABSENT else value for value, default in zip(given, defaults, strict=True)]
            )
            if _MISSING in values:
                raise _lacking(plan, row.where, values.index(_MISSING))
            result.new.append((row.where, cast(Values, values)))
            continue
        to_be, is_left = rules.changed(old.values, row.values, replaces is not None and replaces(old))
        left += is_left
        if to_be != old.values:
            target = result.changed if rules.is_news(old.values, to_be) else result.met
            target.append((row.where, old, to_be))
    if replaces is not None:
        for each in stored:
            key = tuple([each.values[place] for place in keys])
            if (key not in taken or at_hand[key] is not each) and replaces(each) and not rules.is_decided(each.values):
                result.gone.append(each)
    return result._replace(left=left)


class _Rules:
    """How a row that is there becomes what is told of it."""

    def __init__(self, plan: Plan, now: str) -> None:
        table, places = plan.table, plan.places
        self._seen = None if table.seen is None else places[table.seen]
        self._now = now
        self._undecided = None if table.undecided is None else (places[table.undecided[0]], table.undecided[1])
        self._spoken = [places[name] for name in table.spoken]
        self._frozen = [places[name] for name in table.frozen]
        # Since when something is known, and what no scanner tells, outlasts what it tells.
        kept = (*table.follows, table.seen)
        self._defaults: list[Given] = [
            ABSENT if column.is_required or column.default == NOW or column.name in kept else column.default
            for column in plan.columns
        ]

    def is_decided(self, values: Values) -> bool:
        if self._undecided is None:
            return False
        place, open_words = self._undecided
        return values[place] not in open_words or any(values[each] is not None for each in self._spoken)

    def changed(self, old: Values, given: tuple[Given, ...], is_whole: bool) -> tuple[Values, bool]:
        """The row as it is to be, and whether a person's decision kept something of it. `is_whole`: what is not given
        takes its default."""
        to_be: list[Value] = []
        for value, default, was in zip(given, self._defaults, old, strict=True):
            told = default if value is ABSENT and is_whole else value
            to_be.append(was if told is ABSENT else cast(Value, told))
        is_left = False
        if self.is_decided(old):
            for place in self._frozen:
                is_left = is_left or (given[place] is not ABSENT and given[place] != old[place])
                to_be[place] = old[place]
        if self._seen is not None and given[self._seen] is ABSENT:
            to_be[self._seen] = self._now
        return tuple(to_be), is_left

    def is_news(self, old: Values, to_be: Values) -> bool:
        if self._seen is None:
            return True
        return any(a != b for place, (a, b) in enumerate(zip(old, to_be, strict=True)) if place != self._seen)


def _lacking(plan: Plan, where: Where, place: int) -> Exception:
    column = plan.columns[place]
    return refused(
        where,
        f"{plan.table.name} wants {names_of(plan, column)}: {wanted(column)}. "
        "Only a row that is there already can do without.",
    )
