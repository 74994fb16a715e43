"""What was remembered about this project, and remembering more."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from drift_mcp.cortex.citations import CodeState
from drift_mcp.cortex.cortex import Cortex, Filters, NewMemory, Revision, Shown
from drift_mcp.cortex.memories import Written
from drift_mcp.cortex.recall import Hit, Recall
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tools import cited
from drift_mcp.tools.answer import Answer, Row, Section, clip, count, first_row, place, window
from drift_mcp.tools.arguments import PLAIN_TEXT, Asked, AskedAtLength, Content, Told

MemoryType = Literal[
    "core",
    "tribal",
    "procedural",
    "semantic",
    "episodic",
    "pattern_rationale",
    "constraint_override",
    "decision_context",
    "code_smell",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySearch(AskedAtLength):
    query: str | None = None
    memory: Annotated[str | None, Told("An id: its content, versions and neighbours.")] = None
    intent: Annotated[str | None, Told("What you are about to do, such as fix_bug.")] = None
    types: Annotated[tuple[MemoryType, ...], Told(lists_choices=False)] = ()
    files: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    as_of: Annotated[str | None, Told("What was believed then (ISO 8601).")] = None
    valid_at: Annotated[str | None, Told("What was true then.")] = None
    include_archived: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWrite(Asked):
    action: Literal["add", "revise", "confirm", "reject", "archive", "restore", "relate"]
    memory: Annotated[str | None, Told("An id; for all but add.")] = None
    type: MemoryType | None = None
    content: Annotated[Content | None, Told("Text, or the type's fields as JSON.")] = None
    summary: str | None = None
    importance: Literal["low", "normal", "high", "critical"] | None = None
    tags: tuple[str, ...] = ()
    files: Annotated[tuple[str, ...], Told("Cited: path or path:10-20.")] = ()
    functions: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    supersedes: str | None = None
    relationship: Literal["supersedes", "supports", "contradicts", "related", "derived_from"] | None = None
    target: str | None = None
    valid_from: str | None = None
    valid_until: str | None = None
    reason: str | None = None


# What an agent reads before it decides; ranking puts the useful ones there.
_MEMORIES = 10


def memory_search(project: Project, asked: MemorySearch) -> Answer:
    """What do we already know about this: decisions, warnings, procedures, earlier findings? Searches memories by
    words and meaning; says why each ranks where it does and whether the code it cites has changed since. Ask before
    deciding or investigating again."""
    if asked.memory is not None:
        return _one(project.memory.get(asked.memory, asked.as_of))
    filters = Filters(
        types=asked.types,
        tags=asked.tags,
        files=asked.files,
        functions=tuple(cited.ids(project, asked.functions)),
        as_of=asked.as_of,
        valid_at=asked.valid_at,
        include_archived=asked.include_archived,
    )
    limit = asked.limit or _MEMORIES
    found = project.memory.search(asked.query, filters, asked.intent, limit, first_row(asked.cursor))
    # Memories have no generation of their own; a changed number of them, or another way of finding, changes the order.
    state = found.total * 2 + (found.found_by == "words and meaning")
    here = window("memory_search", dataclasses.asdict(asked), state, _MEMORIES)
    found_by = "words" if found.found_by == "filters" else found.found_by
    return Answer(
        _found(found, asked),
        (Section("", tuple(_row(hit, asked.query is not None) for hit in found.hits), found.total, "memories", True),),
        tuple(_doubts(found)),
        data={"memories": [_described(hit) for hit in found.hits], "found_by": found_by},
        items="memories",
        window=here,
    )


def memory_write(project: Project, asked: MemoryWrite) -> Answer:
    """Keep what should outlive this conversation: a decision and its reason, a warning, a procedure. Cite files and
    functions, so that it is known when it goes stale. Also revises, confirms, rejects, archives, restores and relates.
    Nothing is overwritten: a version is added; near-duplicates and contradictions are reported."""
    written = _ACTIONS[asked.action](project, project.memory, asked)
    said = f"{written.memory} is now version {written.version}."
    if asked.action == "add":
        said = f"Remembered as {written.memory}."
        if written.existed:
            said = f"This very memory was there already: {written.memory}, version {written.version}."
    resembling = [(one, "says nearly the same") for one in written.near_duplicates]
    resembling += [(one, one.why) for one in written.contradictions]
    notes = [f"{one.memory} {clip(why, 200)}: {one.summary}" for one, why in resembling]
    if written.contradictions:
        notes.append("If one of two is wrong: memory_write action=reject, or add with `supersedes`.")
    return Answer(
        said,
        notes=tuple(notes),
        data={
            "memory": written.memory,
            "version": written.version,
            "existed": written.existed,
            "near_duplicates": [dataclasses.asdict(one) for one in written.near_duplicates],
            "contradictions": [dataclasses.asdict(one) for one in written.contradictions],
        },
    )


# ---------------------------------------------------------------------------------------------------------------------
# Searching

_CODE: Mapping[CodeState, str] = {
    "unlinked": "",
    "unchanged": "its code is unchanged",
    "moved": "its code has moved",
    "changed": "its code HAS CHANGED since: check before relying on it",
    "gone": "its code is GONE: check before relying on it",
}


def _found(found: Recall, asked: MemorySearch) -> str:
    about = f" for {clip(asked.query, 80)!r}" if asked.query else ""
    if found.total == 0:
        return f"No memory{about}. Nothing was remembered about this yet: memory_write keeps what you find out."
    by = "" if found.found_by == "filters" else f", found by {found.found_by}"
    return f"{count(found.total, 'memories')}{about}{by}, best first."


def _doubts(found: Recall) -> list[str]:
    said = []
    if found.found_by == "words" and found.model == "loading":
        said.append("The embedding model is still loading; meaning joins in with the next questions.")
    elif found.found_by == "words" and found.model_reason:
        said.append(f"Words only: {found.model_reason}")
    if found.pending:
        said.append(f"{count(found.pending, 'memories')} can be found by words only until their vectors are made.")
    return said


def _row(hit: Hit, ranked: bool) -> Row:
    full = f"{hit.memory}  {hit.type}, {hit.importance}, confidence {hit.confidence:.2f}: {hit.summary}"
    more = [_CODE[hit.code]] if _CODE[hit.code] else []
    if hit.archived:
        more.append("archived")
    if ranked:
        # A factor of exactly one moved nothing; ranks are whole numbers and stay.
        told = (f"{factor} {_figure(value)}" for factor, value in hit.why.items() if _figure(value) != "1.00")
        more.append(f"why: {', '.join(told)}")
    return Row(full + (f"\n  {'; '.join(more)}" if more else ""), f"{hit.memory}  {hit.summary}")


def _figure(value: float | int | str) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _described(hit: Hit) -> dict[str, Any]:
    return {
        "memory": hit.memory,
        "type": hit.type,
        "summary": hit.summary,
        "confidence": round(hit.confidence, 3),
        "importance": hit.importance,
        "tags": list(hit.tags),
        "score": round(hit.score, 4),
        "why": {key: round(value, 4) if isinstance(value, float) else value for key, value in hit.why.items()},
        "code": hit.code,
        "version": hit.version,
        "archived": hit.archived,
        "recorded_at": hit.recorded_at,
        "valid_from": hit.valid_from,
        "valid_until": hit.valid_until,
    }


def _one(shown: Shown) -> Answer:
    found = shown.memory
    places = [place(one.file, one.line_start) for one in found.files] + [one.function for one in found.functions]
    lines = [
        f"{found.memory}  {found.type}, {found.importance}, confidence {found.confidence:.2f}, version {found.version}",
        found.summary,
        json.dumps(found.content, ensure_ascii=False, indent=1),
    ]
    if places:
        lines.append(f"cites {', '.join(places)}; {_CODE[shown.code] or 'no file of it was found'}")
    if found.archived:
        lines.append(f"archived: {found.archive_reason or 'no reason given'}")
    if found.superseded_by:
        lines.append(f"superseded by {found.superseded_by}")
    history = tuple(
        Row(
            f"version {one.version} {one.change} {one.recorded_at[:16]}"
            + (f" by {one.changed_by}" if one.changed_by else "")
            + (f": {one.reason}" if one.reason else "")
        )
        for one in shown.history
    )
    neighbours = tuple(
        Row(f"{one.relationship} {'→' if one.outgoing else '←'} {one.memory}: {one.summary}")
        for one in shown.neighbours
    )
    return Answer(
        "\n".join(lines),
        (Section("Versions", history, len(history)), Section("Related", neighbours, len(neighbours))),
        data={
            "memories": [
                {
                    "memory": found.memory,
                    "type": found.type,
                    "summary": found.summary,
                    "content": dict(found.content),
                    "confidence": round(found.confidence, 3),
                    "importance": found.importance,
                    "version": found.version,
                    "tags": list(found.tags),
                    "files": [
                        {"file": one.file, "line_start": one.line_start, "line_end": one.line_end}
                        for one in found.files
                    ],
                    "functions": [one.function for one in found.functions],
                    "patterns": list(found.patterns),
                    "constraints": list(found.constraints),
                    "recorded_at": found.recorded_at,
                    "valid_from": found.valid_from,
                    "valid_until": found.valid_until,
                    "archived": found.archived,
                    "superseded_by": found.superseded_by,
                    "code": shown.code,
                    "versions": [dataclasses.asdict(one) for one in shown.history],
                    "neighbours": [dataclasses.asdict(one) for one in shown.neighbours],
                }
            ],
        },
    )


# ---------------------------------------------------------------------------------------------------------------------
# Writing


def _add(project: Project, cortex: Cortex, asked: MemoryWrite) -> Written:
    if asked.content is None:
        raise DriftError("memory_write action=add needs `content`: a text, or an object of the fields of its `type`.")
    return cortex.add(
        NewMemory(
            # Knowledge that only people have is what is most often told and most often lost.
            type=asked.type or "tribal",
            content=_content(asked.content),
            summary=asked.summary,
            importance=asked.importance or "normal",
            tags=asked.tags,
            files=asked.files,
            functions=cited.places(project, asked.functions),
            patterns=asked.patterns,
            constraints=asked.constraints,
            supersedes=asked.supersedes,
            valid_from=asked.valid_from,
            valid_until=asked.valid_until,
        )
    )


def _revise(project: Project, cortex: Cortex, asked: MemoryWrite) -> Written:
    return cortex.revise(
        _memory(asked),
        Revision(
            content=None if asked.content is None else _content(asked.content),
            summary=asked.summary,
            importance=asked.importance,
            tags=asked.tags or None,
            files=asked.files or None,
            functions=cited.places(project, asked.functions) or None,
            patterns=asked.patterns or None,
            constraints=asked.constraints or None,
            valid_from=asked.valid_from,
            valid_until=asked.valid_until,
        ),
        asked.reason,
    )


def _relate(project: Project, cortex: Cortex, asked: MemoryWrite) -> Written:
    if asked.relationship is None or asked.target is None:
        raise DriftError("memory_write action=relate needs `relationship` and `target`, the id of another memory.")
    return cortex.relate(_memory(asked), asked.relationship, asked.target, reason=asked.reason)


_ACTIONS: Mapping[str, Callable[[Project, Cortex, MemoryWrite], Written]] = {
    "add": _add,
    "revise": _revise,
    "confirm": lambda project, cortex, asked: cortex.confirm(_memory(asked), asked.reason),
    "reject": lambda project, cortex, asked: cortex.reject(_memory(asked), asked.reason),
    "archive": lambda project, cortex, asked: cortex.archive(_memory(asked), asked.reason),
    "restore": lambda project, cortex, asked: cortex.restore(_memory(asked), asked.reason),
    "relate": _relate,
}


def _memory(asked: MemoryWrite) -> str:
    if asked.memory is None:
        raise DriftError(f"memory_write action={asked.action} needs `memory`, an id such as memory_search gives.")
    return asked.memory


def _content(given: Content) -> Content | str:
    text = given.get(PLAIN_TEXT)
    return text if isinstance(text, str) else given
