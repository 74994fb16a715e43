"""Which memories a question is about: a moment of both times, and what a memory must be or speak of.

Is part of every statement that finds memories, so that it holds before any cut. Orders nothing.
"""

from __future__ import annotations

import json
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import apsw

from drift_mcp.cortex import content, given, moments, words

Bindings: TypeAlias = dict[str, Any]


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


# One memory has at most one version at an instant of transaction time, so this gives each memory once. A statement has
# only the conditions that are asked for: SQLite plans it without looking at the values.
_VISIBLE = """
WITH visible AS (
    SELECT m.key AS memory_key, v.key AS version_key, v.text_key
    FROM memory_versions v
    JOIN memories m ON m.key = v.memory_key
    WHERE v.valid_from <= :valid_at
        AND (v.valid_until IS NULL OR v.valid_until > :valid_at)
"""
_BELIEVED_NOW = """
        AND v.recorded_to IS NULL
"""
_BELIEVED_THEN = """
        AND v.recorded_at <= :as_of
        AND (v.recorded_to IS NULL OR v.recorded_to > :as_of)
"""
_NOT_ARCHIVED = """
        AND NOT v.archived
"""
_CHECKS = {
    "types": """
        AND m.type IN (SELECT value FROM json_each(:types))
""",
    "importance": """
        AND v.importance IN (SELECT value FROM json_each(:importance))
""",
    "tags": """
        AND EXISTS (
            SELECT 1
            FROM json_each(v.tags) t
            JOIN json_each(:tags) wanted ON wanted.value = lower(t.value)
        )
""",
    "files": """
        AND (EXISTS (
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
""",
    "functions": """
        AND EXISTS (
            SELECT 1
            FROM memory_functions f
            WHERE f.memory_key = m.key
                AND f.recorded_at <= :as_of
                AND (f.recorded_to IS NULL OR f.recorded_to > :as_of)
                AND f.function_id IN (SELECT value FROM json_each(:functions))
        )
""",
    "patterns": """
        AND EXISTS (
            SELECT 1
            FROM memory_patterns p
            WHERE p.memory_key = m.key
                AND p.recorded_at <= :as_of
                AND (p.recorded_to IS NULL OR p.recorded_to > :as_of)
                AND p.pattern_id IN (SELECT value FROM json_each(:patterns))
        )
""",
}
# What an index says about the same: true of each memory that passes the check, and of not many others. A statement that
# would otherwise look at every memory begins with it.
_LOOKED_UP = {
    "tag_words": """
        AND v.text_key IN (SELECT rowid FROM memory_fts WHERE memory_fts MATCH :tag_words)
""",
    "file_ranges": """
        AND m.key IN (
            SELECT f.memory_key
            FROM json_each(:file_ranges) r
            CROSS JOIN memory_files f ON f.file_path >= r.value ->> 0 AND f.file_path < r.value ->> 1
            UNION ALL
            SELECT f.memory_key
            FROM json_each(:file_ranges) r
            CROSS JOIN memory_functions f ON f.function_id >= r.value ->> 0 AND f.function_id < r.value ->> 1
        )
""",
    "functions": """
        AND m.key IN (
            SELECT f.memory_key
            FROM memory_functions f
            WHERE f.function_id IN (SELECT value FROM json_each(:functions))
        )
""",
    "patterns": """
        AND m.key IN (
            SELECT p.memory_key
            FROM memory_patterns p
            WHERE p.pattern_id IN (SELECT value FROM json_each(:patterns))
        )
""",
}


def visible(wanted: Bindings) -> str:
    """How a statement begins that finds memories: `WITH visible AS` (memory_key, version_key, text_key) of each memory
    that passes, in the version that was believed. To be run with `wanted`."""
    return _visible(wanted, _LOOKED_UP)


def _visible(wanted: Bindings, looked_up: Mapping[str, str]) -> str:
    return "".join(
        [
            _VISIBLE,
            _BELIEVED_NOW if wanted["as_of"] == moments.END_OF_TIME else _BELIEVED_THEN,
            "" if wanted["archived"] else _NOT_ARCHIVED,
            *(condition for name, condition in looked_up.items() if wanted[name] is not None),
            *(condition for name, condition in _CHECKS.items() if wanted[name] is not None),
            ")",
        ]
    )


def bindings(filters: Filters, now: str) -> Bindings:
    """What the statements are run with. A DriftError names the filter that is none."""
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
    files = [file.removeprefix("./") for file in filters.files]
    return {
        "as_of": as_of,
        "valid_at": valid_at,
        "archived": filters.include_archived,
        "types": _any_of(filters.types),
        "tags": _any_of([lowered for tag in filters.tags for lowered in (tag.translate(_ASCII_LOWER), tag.lower())]),
        "tag_words": _tag_words([words.printable(tag) for tag in filters.tags]),
        "files": _any_of(files),
        "file_ranges": _ranges([words.printable(file) for file in files]),
        "functions": _any_of(filters.functions),
        "patterns": _any_of(filters.patterns),
        "importance": _any_of(filters.importance),
    }


# Of more than this many, and more than this share of the memory, a ranked list holds enough that pass.
_FEW = 2_000
_FEW_SHARE = 0.1
_LAST_TEXT = "SELECT max(key) FROM memory_texts"
_PASSING = """
SELECT visible.text_key, visible.version_key
FROM visible
LIMIT :most
"""


def few(db: apsw.Connection, wanted: Bindings) -> dict[int, int] | None:
    """Wording → version of all memories that pass, when a filter lets only few of them; None when they are many."""
    if wanted["as_of"] == moments.END_OF_TIME and all(wanted[name] is None for name in _CHECKS):
        return None
    most = max(_FEW, int(_FEW_SHARE * (db.execute(_LAST_TEXT).get or 0)))
    passing = _versions(db, visible(wanted) + _PASSING, {**wanted, "most": most + 1})
    return passing if len(passing) <= most else None


def passing(db: apsw.Connection, wanted: Bindings) -> dict[int, int]:
    """Wording → version of every memory that passes, however many."""
    return _versions(db, visible(wanted) + _PASSING, {**wanted, "most": -1})


_PASSING_AMONG = """
SELECT visible.text_key, visible.version_key
FROM json_each(:texts) t
CROSS JOIN visible ON visible.text_key = t.value
"""


def passing_among(db: apsw.Connection, wanted: Bindings, texts: Iterable[int]) -> dict[int, int]:
    """Wording → version of those memories that have one of these wordings, and pass."""
    return _versions(db, _visible(wanted, {}) + _PASSING_AMONG, {**wanted, "texts": json.dumps(list(texts))})


def _versions(db: apsw.Connection, statement: str, values: Bindings) -> dict[int, int]:
    rows: Iterable[tuple[int, int]] = db.execute(statement, values)
    return dict(rows)


def _any_of(values: Sequence[str]) -> str | None:
    return json.dumps([words.printable(value) for value in values]) if values else None


# As SQL's lower() does it.
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
# A tag longer or a list longer than these is not looked up in the index.
_LONGEST_TAG = 80
_MOST_TAGS = 48


def _tag_words(tags: Sequence[str]) -> str | None:
    """MATCH's expression for wordings that may have one of these tags; None where the index cannot tell.

    A tag without a letter or digit that every tokenizer knows as such may be no word at all to the index."""
    known = [len(tag) <= _LONGEST_TAG and any(c.isascii() and c.isalnum() for c in tag) for tag in tags]
    if not tags or len(tags) > _MOST_TAGS or not all(known):
        return None
    quoted = words.match_expression(tag.replace('"', '""') for tag in tags)
    return f"tags : ({quoted})"


def _ranges(files: Sequence[str]) -> str | None:
    """From where to before where the names lie that begin as these files' do: JSON, two texts each."""
    ranges: list[tuple[str, str]] = []
    for file in files:
        if file.endswith("/"):
            ranges.append((file, f"{file[:-1]}0"))  # '0' follows '/'
        else:
            ranges += [(file, f"{file}\1"), (f"{file}::", f"{file}:;")]  # ';' follows ':'
    return json.dumps(ranges) if ranges else None
