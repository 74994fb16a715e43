"""One call of one tool, from the words that came in to the text that goes out.

The same for agents and people. Checks the words, finds the project, lets the tool answer, and sees to it that the
answer is as fresh as the files that it rests on, or says that it is not.
"""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drift_mcp.errors import DriftError, NotInitialised, StoreUnusable
from drift_mcp.project import Project
from drift_mcp.tables import lookup, status
from drift_mcp.tools import FOR_PEOPLE, TOOLS, Tool, freshness
from drift_mcp.tools.answer import Answer, ago, budget, clean, clip, render
from drift_mcp.tools.arguments import Asked, read
from drift_mcp.tools.meant import NotFound
from drift_mcp.tools.projects import OpenProjects

Progress = Callable[[str, int, int], None]

# An edit is to be seen within a second; comparing all files costs 2 µs each.
_COMPARE_EVERY_SECONDS = 1.0
# Beyond this many files even that is felt; there just the files that an answer names are compared.
_MOST_COMPARED = 20_000


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    is_error: bool


def answered(
    projects: OpenProjects, name: str, given: Mapping[str, Any] | None, progress: Progress | None = None
) -> Reply:
    """What goes out to an agent. What the asker can fix is said in the answer."""
    try:
        return Reply(_answer(projects, named(name), given, progress), is_error=False)
    except DriftError as problem:
        return Reply(clean(str(problem)), is_error=True)


def answer(projects: OpenProjects, name: str, given: Mapping[str, Any] | None, progress: Progress | None = None) -> str:
    """The answer as text, to a person: also of what agents are not offered. Raises DriftError for what the asker can
    fix."""
    return _answer(projects, named(name, (*TOOLS, *FOR_PEOPLE)), given, progress)


def _answer(projects: OpenProjects, tool: Tool, given: Mapping[str, Any] | None, progress: Progress | None) -> str:
    asked = read(tool.name, tool.asked, given)
    limits = budget(getattr(asked, "budget_tokens", None), tool.default_tokens)
    root = projects.root(asked.project)
    project = projects.get(root, create=tool.creates)
    if project is None:
        return render(_without_store(tool, root), asked.format, limits)
    if tool.tells_progress:
        return render(tool.answer(project, asked, progress), asked.format, limits)
    found = _fresh(projects, project, tool, asked)
    text = render(found, asked.format, limits)
    if found.memories:
        # What the budget cut off was not sent.
        project.memory.note_sent(each for each in found.memories if each[0] in text)
    return text


def named(name: str, among: Sequence[Tool] = TOOLS) -> Tool:
    for tool in among:
        if tool.name == name:
            return tool
    near = difflib.get_close_matches(name, [tool.name for tool in TOOLS], n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise DriftError(f"No tool {clip(name, 60)!r}.{hint} There are: {', '.join(tool.name for tool in TOOLS)}.")


def _without_store(tool: Tool, root: Path) -> Answer:
    said = (
        f"{root.name} has no Drift store yet: nothing is known about it. Call scan_project, which makes and fills one."
    )
    if tool.name != "drift_status":
        raise NotInitialised(said)
    return Answer(said, data={"project": root.name, "files": 0, "functions": 0, "attention": [said]})


def _fresh(projects: OpenProjects, project: Project, tool: Tool, asked: Asked) -> Answer:
    if tool.needs_scan:
        _refuse_unscanned(project)
    if not tool.reads_only:
        return _told(project, tool.answer(project, asked))
    refreshed: list[str] = []
    if tool.needs_scan and projects.is_due(project.root, _COMPARE_EVERY_SECONDS):
        refreshed += _refreshed(project, None)
    try:
        found: Answer = tool.answer(project, asked)
    except NotFound:
        # What is asked for may have been written a moment ago, in a file that no scan has seen.
        if not _caught_up(project):
            raise
        found = tool.answer(project, asked)
    else:
        if tool.needs_scan and not found.rests_on() and _caught_up(project):  # the same, where nothing is an answer
            found = tool.answer(project, asked)
    again = _refreshed(project, found.rests_on())
    if again:
        found = tool.answer(project, asked)
    return _told(project, found, list(dict.fromkeys([*refreshed, *again])))


def _refuse_unscanned(project: Project) -> None:
    with project.read() as db:
        known = status.last_scan(db)
        begun = lookup.scan_begun(db)
    if known is None and begun is not None:
        raise NotInitialised(
            f"The first scan of {project.root.name} began {ago(begun, datetime.now(UTC))} and has not ended: "
            "until then nothing is known of its code. Ask again in a moment, or call scan_project, which waits for it."
        )
    if known is None:
        raise NotInitialised(
            f"{project.root.name} was not scanned yet: no answer would say anything about its code. Call scan_project."
        )


def _refreshed(project: Project, files: list[str] | None) -> list[str]:
    """Scans again, on the spot, those of the files that changed, when they are few. None: all files of the project."""
    with project.read() as db:
        if files is None:
            files = lookup.all_paths(db, _MOST_COMPARED + 1)
            if len(files) > _MOST_COMPARED:
                return []
        changed = freshness.changed(db, project.root, files)
        # What only another scanner reads, a scan does not bring up to date; what is gone it takes away.
        others = lookup.of_other_scanners(db, changed)
        changed = [path for path in changed if path not in others or not (project.root / path).exists()]
    if not 0 < len(changed) <= freshness.FEW_FILES:
        return []
    # The scanner and its grammars are imported where the first change needs them: answers alone never do.
    from drift_mcp import ingest

    try:
        done = ingest.refresh(project, changed)
    except StoreUnusable:
        done = None  # another process is writing; the files are named as changed instead
    return changed if done is not None else []


def _caught_up(project: Project) -> bool:
    """A scan of what changed, new files included. False when another process is at it, and for a store that knows the
    source only as the predecessor did: its first scan is a person's decision, or an agent's."""
    from drift_mcp import ingest  # as above

    with project.read() as db:
        if lookup.is_taken_over(db):
            return False
    try:
        return ingest.refresh(project, ["."]) is not None
    except StoreUnusable:
        return False


def _told(project: Project, found: Answer, refreshed: list[str] | None = None) -> Answer:
    with project.read() as db:
        files = found.rests_on()
        pending = freshness.changed(db, project.root, files)
        said = freshness.of(db, pending, refreshed or (), files)
    return dataclasses.replace(found, freshness=said)
