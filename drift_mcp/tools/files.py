"""What is worth knowing before a file is edited."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import apsw

from drift_mcp.cortex.recall import Hit
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tables import conventions, lookup, pattern_search, reach
from drift_mcp.tables.lookup import Function
from drift_mcp.tables.pattern_search import Filter, Sort
from drift_mcp.tools import meant
from drift_mcp.tools.answer import Answer, Row, Section, count, window
from drift_mcp.tools.arguments import AskedAtLength, Told
from drift_mcp.tools.data import entry_labels
from drift_mcp.tools.freshness import generation


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContext(AskedAtLength):
    file: str
    line: Annotated[int | None, Told(least=1)] = None


_FUNCTIONS = 40
# Of each of the other kinds: what a reader takes in before an edit. The counts are whole.
_BESIDE = 8


def file_context(project: Project, asked: FileContext) -> Answer:
    """Everything worth knowing before editing this file: its functions with their callers, routes, the data it touches,
    conventions and outliers there, problems, and memories about it. With `line`, about the function there."""
    if asked.line is None:
        # Every answer names places as path:line; whoever hands one back means it.
        file, line = meant.spot(asked.file)
        asked = dataclasses.replace(asked, file=file, line=line)
    with project.read() as db:
        here = window("file_context", dataclasses.asdict(asked), generation(db), _FUNCTIONS)
        (path,) = meant.one_file(db, asked.file)
        defined = [one for one in lookup.in_file(db, path) if one.kind != "lambda"]
        if asked.line is not None:
            around = meant.at(db, path, asked.line)
            inside = {around.key, *lookup.inside(db, [around.key])} if around.kind != "module" else {around.key}
            defined = [one for one in defined if one.key in inside]
        keys = [one.key for one in defined]
        callers = _callers(db, keys)
        entries = entry_labels(db, keys)
        accesses = reach.accesses_by(db, keys)
        held = reach.sensitive_fields(db)
        holding = pattern_search.every(db, Filter(files=[path]), Sort())
        places = {one.key: conventions.places(db, one.key, files=[path]) for one in holding}
        problems = lookup.problems_in(db, path)
        used_by = lookup.used_by(db, path)
    notes: tuple[str, ...] = ()
    memories: Sequence[Hit] = ()
    try:
        memories = project.memory.about([path], [one.id for one in defined if asked.line is not None]).hits
    except DriftError as problem:  # the code is known without them
        notes = (f"What is remembered about it is not known: {problem}",)
    shown = [one for one in defined if one.kind != "module"]
    page = shown[here.offset : here.offset + here.limit]
    touched = sorted(
        {
            f"{a.table}.{a.field or '*'}  {a.operation}  {held.get((a.table, a.field or ''), '')}".rstrip()
            for a in accesses
        }
    )
    outliers = [(one, at) for one in holding for at in places[one.key] if at.outlier and at.suppressed is None]
    suppressed = [(one, at) for one in holding for at in places[one.key] if at.suppressed is not None]
    head = f"{path}: {count(len(shown), 'functions and classes')}, used by {count(len(used_by), 'files')}."
    if asked.line is not None and shown:
        head = (
            f"{path}:{asked.line} is in {shown[0].qualified_name}; the file is used by {count(len(used_by), 'files')}."
        )
    return Answer(
        head,
        (
            Section(
                "Defines",
                tuple(Row(_said(one, callers, entries), one.name, path, one.start_line) for one in page),
                len(shown),
                "functions and classes",
            ),
            Section("Data", tuple(Row(said) for said in touched[:_BESIDE]), len(touched), "uses"),
            Section(
                "Outliers here",
                tuple(Row(f"{one.name}: {at.reason or at.variant or ''}  [{one.id}]", "", path, at.line)
                      for one, at in outliers[:_BESIDE]),
                len(outliers),
                "outliers",
            ),
            Section(
                "Suppressed outliers here",
                tuple(Row(f"{one.name}: {at.reason or at.variant or ''}  (suppressed: {at.suppressed})  [{one.id}]", "",
                          path, at.line)
                      for one, at in suppressed[:_BESIDE]),
                len(suppressed),
                "suppressed outliers",
            ),
            Section(
                "Conventions that hold here",
                tuple(
                    Row(f"{one.name}  {one.status}, confidence {one.confidence:.2f}  [{one.id}]")
                    for one in holding[:_BESIDE]
                ),
                len(holding),
                "conventions",
            ),
            Section(
                "Problems",
                tuple(Row(f"{kind}: {message}", "", path, line) for kind, line, message in problems[:_BESIDE]),
                len(problems),
                "problems",
            ),
            Section(
                "Memories",
                tuple(Row(f"{hit.memory}  {hit.type}: {hit.summary}  (code {hit.code})") for hit in memories[:_BESIDE]),
                len(memories),
                "memories",
            ),
            Section("Used by", tuple(Row("", "", file) for file in used_by[:_BESIDE]), len(used_by), "files"),
        ),
        notes,
        data={
            "file": path,
            "functions": [
                meant.described(one) | {"callers": callers.get(one.key, 0), "entry_point": entries.get(one.key)}
                for one in page
            ],
            "data": touched,
            "outliers": [
                {"pattern": one.id, "name": one.name, "line": at.line, "reason": at.reason} for one, at in outliers
            ],
            "suppressed": [
                {"pattern": one.id, "name": one.name, "line": at.line, "reason": at.reason, "why": at.suppressed}
                for one, at in suppressed
            ],
            "patterns": [
                {"pattern": one.id, "name": one.name, "status": one.status, "confidence": round(one.confidence, 4)}
                for one in holding
            ],
            "problems": [{"kind": kind, "line": line, "message": message} for kind, line, message in problems],
            "memories": [
                {"memory": hit.memory, "type": hit.type, "summary": hit.summary, "code": hit.code} for hit in memories
            ],
            "used_by": list(used_by),
        },
        items="functions",
        window=here,
        files=(path,),
        memories=tuple((hit.memory, hit.version) for hit in memories),
    )  # fmt: skip


def _callers(db: apsw.Connection, keys: Sequence[int]) -> dict[int, int]:
    counts: dict[int, set[int]] = {}
    for site in reach.into(db, keys):
        if site.proven and site.callee is not None:
            counts.setdefault(site.callee, set()).add(site.caller)
    return {key: len(found) for key, found in counts.items()}


def _said(one: Function, callers: dict[int, int], entries: dict[int, str]) -> str:
    said = one.qualified_name if one.kind == "class" else one.signature or one.qualified_name
    if one.kind == "method" and one.signature:
        said = f"{one.qualified_name}  {one.signature}"
    number = callers.get(one.key, 0)
    said += f"  {count(number, 'callers')}" if number else "  no known caller"
    return said + (f"  {entries[one.key]}" if one.key in entries else "")
