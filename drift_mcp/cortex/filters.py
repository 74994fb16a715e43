"""Which memories a question is about: a moment of both times, and what a memory must be or speak of.

Is part of every statement that finds memories, so that it holds before any cut. Finds nothing by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drift_mcp.cortex import content, given, moments, words


@dataclass(frozen=True, slots=True)
class Filters:
    """Which memories may be in the answer. Within a field any of the values will do; all fields must agree."""

    types: Sequence[str] = ()
    tags: Sequence[str] = ()
    files: Sequence[str] = ()  # paths, folders ending in '/', or functions' ids; a function counts for its file
    functions: Sequence[str] = ()  # public ids
    patterns: Sequence[str] = ()
    importance: Sequence[str] = ()
    as_of: str | None = None  # what was believed then; with it, `valid_at` is that moment too unless given
    valid_at: str | None = None  # what was true then; now unless given
    include_archived: bool = False


# One memory has at most one version at an instant of transaction time, so this gives each memory once.
VISIBLE = """
WITH visible AS (
    SELECT m.key AS memory_key, v.key AS version_key, v.text_key
    FROM memory_versions v
    JOIN memories m ON m.key = v.memory_key
    WHERE v.recorded_at <= :as_of
        AND (v.recorded_to IS NULL OR v.recorded_to > :as_of)
        AND v.valid_from <= :valid_at
        AND (v.valid_until IS NULL OR v.valid_until > :valid_at)
        AND (:archived OR NOT v.archived)
        AND (:types IS NULL OR m.type IN (SELECT value FROM json_each(:types)))
        AND (:importance IS NULL OR v.importance IN (SELECT value FROM json_each(:importance)))
        AND (:tags IS NULL OR EXISTS (
            SELECT 1
            FROM json_each(v.tags) t
            JOIN json_each(:tags) wanted ON wanted.value = lower(t.value)
        ))
        AND (:files IS NULL OR EXISTS (
            SELECT 1
            FROM memory_files f
            JOIN json_each(:files) wanted ON f.file_path = wanted.value
                OR (substr(wanted.value, -1) = '/' AND substr(f.file_path, 1, length(wanted.value)) = wanted.value)
            WHERE f.memory_key = m.key
                AND f.recorded_at <= :as_of
                AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
        ) OR EXISTS (
            SELECT 1
            FROM memory_functions f
            JOIN json_each(:files) wanted ON f.function_id = wanted.value
                OR substr(f.function_id, 1, length(wanted.value) + 2) = wanted.value || '::'
                OR (substr(wanted.value, -1) = '/' AND substr(f.function_id, 1, length(wanted.value)) = wanted.value)
            WHERE f.memory_key = m.key
                AND f.recorded_at <= :as_of
                AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
        ))
        AND (:functions IS NULL OR EXISTS (
            SELECT 1
            FROM memory_functions f
            WHERE f.memory_key = m.key
                AND f.recorded_at <= :as_of
                AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
                AND f.function_id IN (SELECT value FROM json_each(:functions))
        ))
        AND (:patterns IS NULL OR EXISTS (
            SELECT 1
            FROM memory_patterns p
            WHERE p.memory_key = m.key
                AND p.recorded_at <= :as_of
                AND (p.recorded_to IS NULL OR p.recorded_to > :as_of)
                AND p.pattern_id IN (SELECT value FROM json_each(:patterns))
        ))
)
"""


def bindings(filters: Filters, now: str) -> dict[str, Any]:
    for wanted in filters.types:
        content.type_named(wanted)
    for level in filters.importance:
        given.importance(level)
    as_of = moments.END_OF_TIME if filters.as_of is None else moments.asked(filters.as_of, "as_of")
    if filters.valid_at is not None:
        valid_at = moments.asked(filters.valid_at, "valid_at")
    else:
        # The answer that the same question would have got then.
        valid_at = now if filters.as_of is None else as_of
    return {
        "as_of": as_of,
        "valid_at": valid_at,
        "archived": filters.include_archived,
        "types": _any_of(filters.types),
        "tags": _any_of([tag.lower() for tag in filters.tags]),
        "files": _any_of([file.removeprefix("./") for file in filters.files]),
        "functions": _any_of(filters.functions),
        "patterns": _any_of(filters.patterns),
        "importance": _any_of(filters.importance),
    }


def _any_of(values: Sequence[str]) -> str | None:
    return json.dumps([words.printable(value) for value in values]) if values else None
