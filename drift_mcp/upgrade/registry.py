"""The predecessor's registry of all projects of a user, `registry.json` in the folder `.drift` of the home.

It is read and never changed: what it says of each project beside the rest, such as tags, stays there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from drift_mcp.upgrade.account import Refusal
from drift_mcp.upgrade.records import Unfit, moment, shown

NAME: Final = "registry.json"


class Registered(NamedTuple):
    """A project as it was registered, whether or not it is still there."""

    root: Path  # absolute
    name: str
    health_score: int | None
    pattern_count: int  # those that anybody knew, whatever was decided about them
    last_scan_at: str | None


def projects(home: Path) -> tuple[list[Registered], list[Refusal]]:
    """Those of the registry in this folder, and what could not be read of it. None of either when there is none."""
    try:
        told: Any = json.loads((home / NAME).read_bytes())
    except FileNotFoundError:
        return [], []
    except (OSError, ValueError, RecursionError) as problem:
        return [], [Refusal("registry", NAME, f"it cannot be read: {problem}.")]
    listed = told.get("projects") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        return [], [Refusal("registry", NAME, f"it holds {shown(told)}, and no list of projects.")]
    found: dict[Path, Registered] = {}
    refusals = []
    for place, each in enumerate(listed):
        try:
            project = _project(each)
        except Unfit as problem:
            refusals.append(Refusal("registry", f"{NAME}, projects[{place}]", f"{problem}."))
            continue
        found.setdefault(project.root, project)
    return list(found.values()), refusals


def _project(told: Any) -> Registered:
    if not isinstance(told, Mapping):
        raise Unfit(f"{shown(told)} is no project")
    path, name, health = told.get("path"), told.get("name"), told.get("healthScore")
    if not isinstance(path, str) or "\0" in path or not Path(path).is_absolute():
        raise Unfit(f"{shown(path)} is no place where a project could be")
    counts = told.get("patternCounts")
    counted = [each for each in counts.values() if type(each) is int] if isinstance(counts, Mapping) else []
    scanned = told.get("lastScanAt")
    return Registered(
        Path(path),
        name if isinstance(name, str) and name else Path(path).name,
        round(health) if isinstance(health, int | float) and 0 <= health <= 100 else None,
        max(0, sum(counted)),
        None if scanned is None else moment(scanned),
    )
