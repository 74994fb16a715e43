"""The predecessor's registry of all projects of a user, `registry.json` in the folder `.drift` of the home.

It is read and never changed: what it says of a project beside the rest, such as a name of its own, stays there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from drift_mcp.upgrade.account import Account, Refusal
from drift_mcp.upgrade.records import Unfit, moment, shown

NAME: Final = "registry.json"
DOMAIN: Final = "projects"
KNOWN: Final = "registered already"


class Registered(NamedTuple):
    """A project as it was registered, whether or not it is still there."""

    root: Path  # absolute
    health_score: int | None
    pattern_count: int  # those that anybody knew, whatever was decided about them
    last_scan_at: str | None


def take_over(home: Path, account: Account, known: Collection[str], register: Callable[[Registered], None]) -> None:
    """Registers those that are still there, and that nobody knows yet. `known`: the roots of those that are."""
    found, refusals = projects(home)
    if not found and not refusals:
        return
    account.found(DOMAIN, len(found) + len(refusals))
    account.refusals += refusals
    for each in found:
        if str(each.root) in known:
            account.merged(DOMAIN, KNOWN)
        elif not each.root.is_dir():
            account.refused(DOMAIN, NAME, f"{each.root.name} is no longer where it was.")
        else:
            register(each)
            account.moved(DOMAIN)


def projects(home: Path) -> tuple[list[Registered], list[Refusal]]:
    """Those of the registry in this folder, and what could not be read of it. None of either when there is none."""
    try:
        told: Any = json.loads((home / NAME).read_bytes())
    except FileNotFoundError:
        return [], []
    except (OSError, ValueError, RecursionError) as problem:
        return [], [Refusal(DOMAIN, NAME, f"it cannot be read: {problem}.")]
    listed = told.get("projects") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        return [], [Refusal(DOMAIN, NAME, f"it holds {shown(told)}, and no list of projects.")]
    found: dict[Path, Registered] = {}
    refusals = []
    for place, each in enumerate(listed):
        try:
            project = _project(each)
        except Unfit as problem:
            refusals.append(Refusal(DOMAIN, f"{NAME}, projects[{place}]", f"{problem}."))
            continue
        found.setdefault(project.root, project)
    return list(found.values()), refusals


def _project(told: Any) -> Registered:
    if not isinstance(told, Mapping):
        raise Unfit(f"{shown(told)} is no project")
    path, health = told.get("path"), told.get("healthScore")
    if not isinstance(path, str) or "\0" in path or not Path(path).is_absolute():
        raise Unfit(f"{shown(path)} is no place where a project could be")
    counts = told.get("patternCounts")
    counted = [each for each in counts.values() if type(each) is int] if isinstance(counts, Mapping) else []
    scanned = told.get("lastScanAt")
    return Registered(
        Path(path),
        round(health) if isinstance(health, int | float) and 0 <= health <= 100 else None,
        max(0, sum(counted)),
        None if scanned is None else moment(scanned),
    )
