"""Bringing the store up to date with the source, when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from drift_mcp.errors import DriftError
from drift_mcp.model import Status
from drift_mcp.project import Project
from drift_mcp.tables import status
from drift_mcp.tools import freshness
from drift_mcp.tools.answer import Answer, clip, count
from drift_mcp.tools.arguments import Asked, Told

if TYPE_CHECKING:  # the scanner and its grammars: answers never need them
    from drift_mcp.ingest import ScanRun


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanProject(Asked):
    paths: Annotated[tuple[str, ...], Told("Only these files or folders.")] = ()
    full: Annotated[bool, Told("Also what did not change.")] = False


Progress = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""


def scan_project(project: Project, asked: ScanProject, on_progress: Progress | None = None) -> Answer:
    """Read the source and bring the store up to date; makes the store when there is none. Only what changed is parsed
    again: seconds at first, less than one afterwards. Call it when an answer says that nothing was scanned or that
    files changed."""
    return scanned(project, paths=asked.paths, full=asked.full, jobs=None, on_progress=on_progress)


def scanned(
    project: Project, *, paths: Sequence[str], full: bool, jobs: int | None, on_progress: Progress | None
) -> Answer:
    """The same for a person, who may also say how many processes parse."""
    # The scanner and its grammars are imported where a scan begins: answers alone never need them.
    from drift_mcp import ingest

    within = [_inside(project.root, path) for path in paths]
    run = ingest.scan(
        project,
        full=full,
        paths=within or None,
        jobs=jobs,
        on_progress=on_progress,
    )
    with project.read() as db:
        known = status.read(db)
        fresh = freshness.of(db)
    missing = [path for path in within if not (project.root / path).exists()] if not run.deleted else []
    return Answer(
        "\n".join(_said(project.root, known, run, missing)),
        data={
            "project": project.root.name,
            "files_scanned": run.changed,
            "changed_files": run.changed + run.deleted,
            "skipped_files": sum(known.skipped.values()),
            "problems": known.failed,
            "duration_ms": run.duration_ms,
            "incremental": run.incremental,
            "missing": missing,
            "memories_followed": run.followed.memories,
            "files": known.files,
            "functions": known.functions,
            "calls": {"total": known.calls, "resolved": known.calls_resolved},
            "patterns": known.discovered + known.approved + known.ignored,
            "tables": known.tables,
        },
        freshness=fresh,
    )


def _said(root: Path, known: Status, run: ScanRun, missing: Sequence[str]) -> list[str]:
    done = f"{count(run.changed, 'files')} read" if run.changed else "nothing has changed"
    if run.deleted:
        done = f"{done if run.changed else 'nothing read'}, {count(run.deleted, 'files')} gone"
    lines = [
        f"{root.name}: {done}; {count(known.files, 'files')} known, "
        f"{count(known.functions, 'functions')}, {count(known.calls, 'call sites')}, {count(known.tables, 'tables')}. "
        f"{run.duration_ms / 1000:.1f} s."
    ]
    if run.followed.memories:
        lines.append(f"{count(run.followed.memories, 'memories')} cited code that only moved, and went along.")
    if run.followed.note is not None:
        lines.append(clip(run.followed.note, 300))
    if missing:
        lines.append(f"Nothing lies at {clip(', '.join(missing), 200)}: `paths` are paths from the project's root.")
    if known.skipped:
        reasons = ", ".join(f"{reason} {number}" for reason, number in sorted(known.skipped.items()))
        lines.append(f"Skipped: {reasons} (list_facts domain=problems names them).")
    if known.failed:
        lines.append(f"{count(known.failed, 'files')} could not be read (list_facts domain=problems).")
    if known.files and not known.functions:
        lines.append("Not one function was found: is the language one of Python, TypeScript and JavaScript?")
    if not known.files:
        lines.append("No file of a known language was found here.")
    return lines


def _inside(root: Path, path: str) -> str:
    """The path as the store names it. What lies outside of the project is refused, links followed."""
    found = (root / path).resolve()
    if not found.is_relative_to(root):
        raise DriftError(f"{clip(path, 120)!r} lies outside of the project.")
    return found.relative_to(root).as_posix()
