"""After a scan: memories whose cited code only moved go along with it.

What else a memory needs when its code changed is for `drift memory validate`. Never fails a scan: what goes wrong here
is told.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from drift_mcp.errors import DriftError
from drift_mcp.project import Project


class Followed(NamedTuple):
    """How many memories went along; `note`: why none could."""

    memories: int = 0
    note: str | None = None


def follow(project: Project, files: Collection[str]) -> Followed:
    """Has memories that cite these files, which came, changed or went, cite their code where it is now."""
    if not files or not project.has_memory:
        return Followed()
    try:
        with project.read() as db:
            return Followed(project.memory.follow(db, files))
    except DriftError as problem:
        return Followed(
            note=f"Memories could not follow code that moved: {problem} `drift memory validate --apply` does it later."
        )
