"""What was remembered about this project, and remembering more."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from drift_mcp.cortex.citations import CodeState
from drift_mcp.cortex.cortex import Cortex, Filters, NewMemory, Revision, Shown
from drift_mcp.cortex.memories import Memory, Written
from drift_mcp.cortex.recall import Hit, Recall
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tools import cited, meant
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
    memory: Annotated[str | None, Told("An id: content, versions, neighbours.")] = None
    intent: Annotated[str | None, Told("Such as fix_bug.")] = None
    types: Annotated[tuple[MemoryType, ...], Told(lists_choices=False)] = ()
    files: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    near: Annotated[tuple[str, ...], Told("Files, functions you work at.")] = ()
    unseen: Annotated[bool, Told("Not sent before.")] = False
    as_of: Annotated[str | None, Told("Believed then (ISO 8601).")] = None
    valid_at: Annotated[str | None, Told("True then.")] = None
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
    """What do we already know about this: decisions, warnings, procedures, findings? Searches memories by words and
    meaning, with why each ranks there and whether its code has changed. Ask before deciding or investigating again."""
    if asked.memory is not None:
        return _one(project.memory.get(asked.memory, asked.as_of, asked.valid_at))
    if asked.query is None and (asked.intent or asked.near):
        raise DriftError(
            "memory_search: `intent` and `near` rank the answers to a `query`, and there is none. Give one, or choose "
            "with `types`, `files` and `functions`."
        )
    filters = Filters(
        types=asked.types,
        tags=asked.tags,
        files=asked.files,
        functions=tuple(cited.ids(project, asked.functions)),
        as_of=asked.as_of,
        valid_at=asked.valid_at,
        include_archived=asked.include_archived,
    )
    found = project.memory.search(
        asked.query,
        filters,
        asked.intent,
        asked.limit or _MEMORIES,
        # What was sent has left the list, so that the next ones always stand at its top.
        0 if asked.unseen else first_row(asked.cursor),
        near=_places(project, asked.near),
        unseen=asked.unseen,
    )
    # Memories have no generation of their own; a changed number of them, or another way of finding, changes the order.
    state = (found.total + found.already_sent) * 2 + (found.found_by == "words and meaning")
    here = window("memory_search", dataclasses.asdict(asked), state, _MEMORIES)
    here = dataclasses.replace(here, offset=0) if asked.unseen else here
    rows = (_row(number, hit) for number, hit in enumerate(found.hits, start=here.offset + 1))
    return Answer(
        _found(found, asked),
        (Section("", tuple(rows), found.total, "memories", ranked=True),),
        tuple(_doubts(found)),
        data={
            "memories": [_described(hit) for hit in found.hits],
            "found_by": "words" if found.found_by == "filters" else found.found_by,
            "words_only_because": _words_only_because(found),
            "already_sent": found.already_sent,
        },
        items="memories",
        window=here,
        memories=tuple((hit.memory, hit.version) for hit in found.hits),
    )


def memory_write(project: Project, asked: MemoryWrite) -> Answer:
    """Keep what should outlive this conversation: a decision and its reason, a warning, a procedure. Cite files and
    functions, so that going stale is noticed. Every change adds a version; near-duplicates and contradictions are
    reported."""
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
    by = {"filters": "", "words": ", found by words only"}.get(found.found_by, f", found by {found.found_by}")
    if found.total == 0 and found.already_sent:
        return f"No other memory{about}."
    if found.total == 0:
        return f"No memory{about}. Nothing was remembered about this yet: memory_write keeps what you find out."
    order = ", best first" if asked.query else ", most important and newest first"
    return f"{count(found.total, 'memories')}{about}{by}{order}."


def _doubts(found: Recall) -> list[str]:
    said = []
    because = _words_only_because(found)
    if because is not None and (found.total or found.model != "cold"):
        said.append(f"By words only: {because}.")
    if found.pending:
        said.append(f"{count(found.pending, 'memories')} can be found by words only until their vectors are made.")
    if found.already_sent:
        said.append(f"{count(found.already_sent, 'memories')} already sent in this conversation, and left out.")
    return said


def _words_only_because(found: Recall) -> str | None:
    if found.found_by != "words":
        return None
    if found.model_reason:
        return found.model_reason
    if found.model == "cold":
        return "nothing is believed now, so that the embedding model was not called"
    if found.model == "ready":
        return "the model finds no meaning in this question, or has made no vector here yet"
    return "the embedding model is still loading; meaning joins in with the next questions"


def _row(number: int, hit: Hit) -> Row:
    full = f"{number}. {hit.memory}  {hit.importance}, {_confidence(hit)}: {hit.summary}"
    more = [_CODE[hit.code]] if _CODE[hit.code] else []
    if hit.archived:
        more.append("archived")
    if hit.why:
        # A factor that rounds to one moved nothing that shows.
        told = (
            f"{name} {_figure(value)}" for name, value in hit.why.items() if name == "match" or _figure(value) != "1.00"
        )
        more.append(f"why: {', '.join(told)}")
    return Row(
        full + (f"\n  {'; '.join(more)}" if more else ""), f"{number}. {hit.memory}  {hit.summary}", under=hit.type
    )


def _confidence(one: Hit | Memory) -> str:
    """What is left of it, and what was stated when that shows."""
    said = f"confidence {one.faded_confidence:.2f}"
    is_faded = one.confidence - one.faded_confidence > _SHOWN_FADING
    return f"{said} (stated {one.confidence:.2f})" if is_faded else said


# Less does not show in two digits.
_SHOWN_FADING = 0.005


def _figure(value: float | int | str) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _described(hit: Hit) -> dict[str, Any]:
    return {
        "memory": hit.memory,
        "type": hit.type,
        "summary": hit.summary,
        "confidence": round(hit.faded_confidence, 3),
        "stated_confidence": round(hit.confidence, 3),
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
        "uses": hit.uses,
        "last_used": hit.last_used,
    }


def _one(shown: Shown) -> Answer:
    found = shown.memory
    places = [place(one.file, one.line_start) for one in found.files] + [one.function for one in found.functions]
    lines = [
        f"{found.memory}  {found.type}, {found.importance}, {_confidence(found)}, version {found.version}",
        found.summary,
        json.dumps(found.content, ensure_ascii=False, indent=1),
    ]
    if places:
        lines.append(f"cites {', '.join(places)}; {_CODE[shown.code] or 'no file of it was found'}")
    if found.valid_until is not None:
        lines.append(f"true from {found.valid_from[:16]} until {found.valid_until[:16]}")
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
                    "confidence": round(found.faded_confidence, 3),
                    "stated_confidence": round(found.confidence, 3),
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
                    "uses": found.uses,
                    "last_used": found.last_used,
                    "code": shown.code,
                    "versions": [dataclasses.asdict(one) for one in shown.history],
                    "neighbours": [dataclasses.asdict(one) for one in shown.neighbours],
                }
            ],
        },
        memories=((found.memory, found.version),),
    )


def _places(project: Project, names: Sequence[str]) -> list[str]:
    """Where the asker works, as memories cite it: paths in the project, folders with '/' behind them, functions' ids.
    It ranks, and a name that fits several functions means all of them."""
    places: list[str] = []
    for name in names:
        file, line = meant.spot(name)
        path = _path_in(project, file)
        if "::" in name:
            places.append(name)
        elif line is None and path is None:
            with project.read() as db:
                places += [one.id for one in meant.function(db, name)]
        else:
            places.append(path or file)
            places += [] if line is None else _function_around(project, file, line)
    return places


def _path_in(project: Project, text: str) -> str | None:
    """A path in the project, if it is meant as one or there is such a file or folder."""
    path = PurePosixPath(text.strip().replace("\\", "/"))
    if path.is_absolute() and path.is_relative_to(project.root.as_posix()):
        path = path.relative_to(project.root.as_posix())
    try:
        if (project.root / path).is_dir():
            return f"{path}/"
        return str(path) if "/" in text or (project.root / path).is_file() else None
    except OSError:  # too long for a name of any file
        return None


def _function_around(project: Project, file: str, line: int) -> list[str]:
    """None when that is not known: a memory may cite what no scan has read."""
    if not project.is_initialised:
        return []
    try:
        with project.read() as db:
            found = meant.at(db, file, line)
    except DriftError:  # it ranks only: a place that is not known, or a store that is not to be read, costs nothing
        return []
    return [] if found.kind == "module" else [found.id]


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
