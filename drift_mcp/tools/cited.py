"""The functions that a memory is to cite: by their ids, and with the lines where they stand at this moment.

Lines come from a scan, and a file may be younger than that: it is scanned again on the spot. Where that cannot be
done a function is cited by its id alone, never by lines that may be another's.
"""

from __future__ import annotations

from collections.abc import Sequence

from drift_mcp.cortex.citations import FunctionAt
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tables import lookup
from drift_mcp.tables.lookup import Function
from drift_mcp.tools import freshness, meant
from drift_mcp.tools.answer import clip, count


def ids(project: Project, names: Sequence[str]) -> list[str]:
    """Functions by their public ids. A name is looked up; an id that was not scanned is taken as it is, so that one can
    be remembered before its code is."""
    return [one if isinstance(one, str) else one.id for one in _meant(project, names)]


def places(project: Project, names: Sequence[str]) -> list[str | FunctionAt]:
    """The same, with where each one stands now, if that is known."""
    found = _meant(project, names)
    stale = _stale(project, found)
    if stale:
        # The scanner and its grammars are imported where the first change needs them.
        from drift_mcp import ingest

        ingest.refresh(project, sorted(stale))
        found = _meant(project, names)
        stale = _stale(project, found)
    return [one if isinstance(one, str) else _placed(project, one, one.file in stale) for one in found]


def _meant(project: Project, names: Sequence[str]) -> list[str | Function]:
    if not names or (not project.is_initialised and all("::" in name for name in names)):
        return list(names)
    with project.read() as db:
        return [_one(lookup.named(db, name) if "::" in name else meant.function(db, name), name) for name in names]


def _one(found: Sequence[Function], name: str) -> str | Function:
    if len(found) > 1:
        raise DriftError(
            f"{clip(name, 80)!r} is {count(len(found), 'functions')}. Give an id: "
            f"{', '.join(one.id for one in found[:5])}."
        )
    return found[0] if found else name


def _stale(project: Project, found: Sequence[str | Function]) -> set[str]:
    """The files that are not as they were scanned."""
    files = sorted({one.file for one in found if not isinstance(one, str)})
    if not files:
        return set()
    with project.read() as db:
        return set(freshness.changed(db, project.root, files))


def _placed(project: Project, one: Function, is_stale: bool) -> str | FunctionAt:
    if is_stale:
        return one.id
    with project.read() as db:
        return FunctionAt(one.id, one.start_line, one.end_line, lookup.decorators(db, one.key))
