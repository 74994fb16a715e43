"""A memory with everything that was ever recorded of it, as it stands in no store but in a line of its own.

Fields are the columns of the tables in schema/cortex; memories are named by their public ids. Vectors are no part of
it: they follow from the words. Reads and writes no database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeVar


class Version(NamedTuple):
    """A row of memory_versions, without what follows from others (`text_key`)."""

    version: int
    recorded_at: str
    recorded_to: str | None
    valid_from: str
    valid_until: str | None
    content: str  # as it is stored: JSON, checked by the memory's type
    summary: str
    confidence: float
    importance: str
    tags: str  # as it is stored: a JSON list
    archived: int
    archive_reason: str | None
    superseded_by: str | None
    last_validated: str | None
    change: str
    reason: str | None
    changed_by: str | None


class File(NamedTuple):
    """A row of memory_files."""

    file_path: str
    line_start: int | None
    line_end: int | None
    content_hash: bytes | None
    content_length: int | None
    file_hash: bytes | None
    copies: int | None
    flagged: str | None
    recorded_at: str
    recorded_to: str | None


class Function(NamedTuple):
    """A row of memory_functions."""

    function_id: str
    content_hash: bytes | None
    content_length: int | None
    file_hash: bytes | None
    copies: int | None
    owner: str | None
    flagged: str | None
    recorded_at: str
    recorded_to: str | None


class Pattern(NamedTuple):
    """A row of memory_patterns."""

    pattern_id: str
    recorded_at: str
    recorded_to: str | None


class Constraint(NamedTuple):
    """A row of memory_constraints."""

    constraint_id: str
    recorded_at: str
    recorded_to: str | None


Link = File | Function | Pattern | Constraint


class Verdict(NamedTuple):
    """A row of memory_validation_history."""

    version: int
    action: str
    previous_confidence: float
    new_confidence: float
    feedback: str | None
    validated_at: str
    validated_by: str | None
    session_id: str | None


class History(NamedTuple):
    """A row of memories, and all that belongs to it."""

    id: str
    type: str
    created_at: str
    created_by: str | None
    last_accessed: str | None
    access_count: int
    forgotten_at: str | None
    forgotten_reason: str | None = None
    uses: tuple[str, ...] = ()  # rows of memory_uses
    versions: tuple[Version, ...] = ()
    files: tuple[File, ...] = ()
    functions: tuple[Function, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    verdicts: tuple[Verdict, ...] = ()

    @property
    def links(self) -> tuple[Link, ...]:
        return (*self.files, *self.functions, *self.patterns, *self.constraints)

    @property
    def last_instant(self) -> str:
        """When something was recorded of it for the last time."""
        beginnings = (each.recorded_at for each in (*self.versions, *self.links))
        ends = (each.recorded_to for each in self.links if each.recorded_to is not None)
        return max((self.created_at, *beginnings, *ends))

    def known_at(self, instant: str) -> History:
        """What was recorded of it up to that instant. How often it was used is no part of that."""
        return self._replace(
            last_accessed=None,
            access_count=0,
            uses=(),
            versions=_known_at(self.versions, instant),
            files=_known_at(self.files, instant),
            functions=_known_at(self.functions, instant),
            patterns=_known_at(self.patterns, instant),
            constraints=_known_at(self.constraints, instant),
            verdicts=tuple(each for each in self.verdicts if each.validated_at <= instant),
        )


class Relationship(NamedTuple):
    """A row of memory_relationships."""

    source: str
    target: str
    relationship: str
    strength: float
    recorded_at: str
    recorded_to: str | None


class ConsolidationRun(NamedTuple):
    """A row of consolidation_runs."""

    id: str
    started_at: str
    completed_at: str | None
    episodes_processed: int
    memories_created: int
    memories_updated: int
    memories_pruned: int
    status: str
    error: str | None


class ValidationRun(NamedTuple):
    """A row of validation_runs."""

    id: str
    started_at: str
    completed_at: str | None
    total_validated: int
    valid_count: int
    stale_count: int
    healed_count: int
    flagged_count: int
    status: str


Run = ConsolidationRun | ValidationRun
Entry = History | Relationship | Run

# What a line is, by its field `kind`.
KINDS: Mapping[str, type[Entry]] = {
    "memory": History,
    "relationship": Relationship,
    "consolidation_run": ConsolidationRun,
    "validation_run": ValidationRun,
}
_KIND_OF = {entry: kind for kind, entry in KINDS.items()}

Recorded = TypeVar("Recorded", Version, File, Function, Pattern, Constraint)


def _known_at(rows: Iterable[Recorded], instant: str) -> tuple[Recorded, ...]:
    known = [row for row in rows if row.recorded_at <= instant]
    return tuple(
        row._replace(recorded_to=None) if row.recorded_to is not None and row.recorded_to > instant else row
        for row in known
    )


def line(entry: Entry) -> bytes:
    """One line of JSON Lines: the same entry gives the same bytes."""
    return as_json({"kind": _KIND_OF[type(entry)], **_object(entry)}).encode() + b"\n"


def as_json(value: Any) -> str:
    """JSON as cortex.db stores it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_Row = Entry | Version | Link | Verdict


def _object(row: _Row) -> dict[str, Any]:
    """What there is to say: fields without a value, and empty lists, are left out."""
    said: dict[str, Any] = {}
    for name, value in zip(row._fields, row, strict=True):
        match value:
            case None | ():
                continue
            case bytes():
                said[name] = value.hex()
            case tuple():
                said[name] = [each if isinstance(each, str) else _object(each) for each in value]
            case _:
                said[name] = value
    if isinstance(row, Version):
        said |= {
            "content": json.loads(row.content),
            "tags": json.loads(row.tags),
            "archived": bool(row.archived),
        }
    return said
