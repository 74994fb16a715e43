"""Whether what stands in the store is what was meant to: every row is read again and compared, value by value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.tables import foreign
from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.loading import Meant, plans
from drift_mcp.upgrade.records import shown


class NotProven(DriftError):
    """The upgrade did not do what it was to do. Nothing was changed; it is a mistake of ours."""


def compare(db: apsw.Connection, meant: Mapping[str, Sequence[Meant]]) -> None:
    """Raises NotProven for the first row that is not there, or says something else."""
    for name, rows in meant.items():
        if not rows:
            continue
        plan = plans()[name]
        stored = foreign.stored(db, plan, None)
        if plan.number is None:
            there = {each.values for each in stored}
            lost = [each.values for each in rows if each.values not in there]
        else:
            by_number = {each.number: each.values for each in stored}
            lost = [each.values for each in rows if by_number.get(each.number) != each.values]
        if lost:
            raise NotProven(
                f"{len(lost)} of {len(rows)} rows of {name} do not stand in the store as they were to, such as "
                f"{shown(', '.join(map(str, lost[0])))}. Nothing was changed, and the old files are as they were. "
                "Please report this."
            )


def balance(account: Account) -> None:
    """Raises NotProven when a row was found and nothing is said of what became of it."""
    wrong = account.missing()
    if wrong:
        told = "; ".join(
            f"{each.domain}: {each.found} found, {each.moved} moved, {sum(each.merged.values())} merged, "
            f"{each.refused} refused"
            for each in wrong
        )
        raise NotProven(
            f"The account of the upgrade does not come out even: {told}. Nothing was changed, and the old files are as "
            "they were. Please report this."
        )
