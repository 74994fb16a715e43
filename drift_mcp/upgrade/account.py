"""What became of every row that was found: moved, merged with another, or refused. Nothing is dropped without a word.

`Account.check` is the promise of the upgrade: found = moved + merged + refused, for each domain.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Refusal(NamedTuple):
    """A row that could not be taken: where it stands, and why."""

    domain: str
    where: str  # file and position, such as `patterns/discovered/api.json, patterns[3].locations[7]`
    reason: str


class Line(NamedTuple):
    """One domain: a table of today's, or a kind of what the predecessor kept that is one."""

    domain: str
    found: int
    moved: int
    merged: Mapping[str, int]  # reason → rows
    refused: int


@dataclass
class Account:
    """Counts as the upgrade goes. One thread."""

    _found: Counter[str] = field(default_factory=Counter)
    _moved: Counter[str] = field(default_factory=Counter)
    _merged: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    refusals: list[Refusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # what a person should know, and that cost no row
    _unfit: Counter[tuple[str, str]] = field(default_factory=Counter)

    def found(self, domain: str, rows: int = 1) -> None:
        self._found[domain] += rows

    def moved(self, domain: str, rows: int = 1) -> None:
        self._moved[domain] += rows

    def merged(self, domain: str, reason: str, rows: int = 1) -> None:
        if rows:
            self._merged[domain][reason] += rows

    def refused(self, domain: str, where: str, reason: str) -> None:
        self.refusals.append(Refusal(domain, where, reason))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def unfit(self, domain: str, column: str, what: str) -> None:
        """A value that its column does not take, in a row that stands without it: the value is carried along."""
        self._unfit[domain, column] += 1
        if self._unfit[domain, column] == 1:
            self.note(f"{domain}: {what}. Kept in carried_fields, like each {column} that does not fit.")

    def lines(self) -> list[Line]:
        refused = Counter(each.domain for each in self.refusals)
        return [
            Line(domain, found, self._moved[domain], dict(self._merged[domain]), refused[domain])
            for domain, found in self._found.items()
        ]

    def missing(self) -> list[Line]:
        """The domains whose sum is wrong: none, or the upgrade must not stand."""
        spoken = {*self._moved, *self._merged, *(each.domain for each in self.refusals)}
        assert spoken <= set(self._found), f"rows came of nothing: {spoken - set(self._found)}"
        return [each for each in self.lines() if each.found != each.moved + sum(each.merged.values()) + each.refused]
