"""What came of it: one table a name, and for each failure how to see it again."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import apsw

# Of one kind; the others are mostly the same.
_SHOWN = 3


class Outcome(NamedTuple):
    what: str
    rounds: int
    survived: int
    remark: str  # what was tried, in numbers; or why it was not
    failures: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        return not self.failures


def counted(what: str, found: Sequence[str | None], remark: str = "") -> Outcome:
    """Of rounds: what went wrong in each, or None."""
    failures = tuple(each for each in found if each is not None)
    return Outcome(what, len(found), len(found) - len(failures), remark, failures)


def not_done(what: str, why: str) -> Outcome:
    return Outcome(what, 0, 0, f"not done: {why}", ())


def show(title: str, command: str, outcomes: Iterable[Outcome]) -> bool:
    """Prints the table as Markdown; says whether nothing failed."""
    listed = list(outcomes)
    rows = [(each.what, str(each.rounds), str(each.survived), each.remark) for each in listed]
    columns = ("what", "rounds", "survived", "")
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    print(f"\n## {title}\n\n    {command}\n")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, SQLite {_sqlite()}\n")
    for row in (columns, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    for each in listed:
        for failure in each.failures[:_SHOWN]:
            print(f"\nFAILED {each.what}: {failure}")
        if len(each.failures) > _SHOWN:
            print(f"\n... and {len(each.failures) - _SHOWN} more of {each.what}")
    print(flush=True)
    return all(each.is_well for each in listed)


def _sqlite() -> str:
    return str(apsw.sqlite_lib_version())
