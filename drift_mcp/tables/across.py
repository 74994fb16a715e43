"""Questions that need both databases: what is remembered about code and conventions that are not what they were.

What reads only; `db` is a snapshot of drift.db with cortex.db attached as `cortex`.
"""

from __future__ import annotations

from typing import NamedTuple

import apsw

_BELIEVED = """
JOIN cortex.memories m ON m.key = link.memory_key
JOIN cortex.memory_versions v ON v.memory_key = m.key
    AND v.recorded_to IS NULL
    AND NOT v.archived
    AND (v.valid_until IS NULL OR v.valid_until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
"""


class PatternMemory(NamedTuple):
    """A memory, and a pattern that it speaks of."""

    memory: str
    summary: str
    pattern: str
    name: str | None  # None: there is no such pattern any more
    status: str | None
    status_reason: str | None


_ABOUT_PATTERNS = (
    """
SELECT m.id, v.summary, link.pattern_id, p.name, p.status, p.status_reason
FROM cortex.memory_patterns link
"""
    + _BELIEVED
    + """
LEFT JOIN main.patterns p ON p.id = link.pattern_id
WHERE link.recorded_to IS NULL
    AND (:pattern IS NULL OR link.pattern_id = :pattern)
ORDER BY link.pattern_id, m.id
"""
)


def about_pattern(db: apsw.Connection, pattern: str) -> list[PatternMemory]:
    """The memories that speak of a pattern."""
    return [PatternMemory(*row) for row in db.execute(_ABOUT_PATTERNS, {"pattern": pattern})]


def about_dropped_patterns(db: apsw.Connection) -> list[PatternMemory]:
    """The memories that speak of a pattern which is ignored now, or gone."""
    found = (PatternMemory(*row) for row in db.execute(_ABOUT_PATTERNS, {"pattern": None}))
    return [one for one in found if one.status in (None, "ignored")]


class FunctionMemory(NamedTuple):
    """A memory, and a function that it speaks of."""

    memory: str
    summary: str
    function: str  # public id
    file: str | None  # None: the function is gone
    line: int | None
    code: str  # 'unchanged', 'changed': its file is younger than the memory's link to it; 'gone'


# A public id is the path, '::' and the name; the name, with its ordinal, is looked for among those of the file.
_ABOUT_FUNCTIONS = (
    """
SELECT m.id, v.summary, link.function_id, iif(g.id IS NULL, NULL, d.path), g.start_line,
    CASE
        WHEN g.id IS NULL THEN 'gone'
        WHEN d.mtime_secs + d.mtime_nanos / 1e9 > unixepoch(link.recorded_at, 'subsec') THEN 'changed'
        ELSE 'unchanged'
    END AS code
FROM cortex.memory_functions link
"""
    + _BELIEVED
    + """
LEFT JOIN main.file_metadata d ON d.path = substr(link.function_id, 1, instr(link.function_id, '::') - 1)
LEFT JOIN main.functions g ON g.file_id = d.id
    AND g.qualified_name || iif(g.ordinal > 0, '#' || g.ordinal, '')
        = substr(link.function_id, instr(link.function_id, '::') + 2)
WHERE link.recorded_to IS NULL
ORDER BY m.id, link.function_id
"""
)


def about_functions(db: apsw.Connection) -> list[FunctionMemory]:
    """Every function that a memory speaks of, with whether its code changed since the memory was linked to it."""
    return [FunctionMemory(*row) for row in db.execute(_ABOUT_FUNCTIONS)]


def about_changed_functions(db: apsw.Connection) -> list[FunctionMemory]:
    """The memories that speak of a function whose file changed since, or that is gone."""
    return [one for one in about_functions(db) if one.code != "unchanged"]


class ConstraintMemory(NamedTuple):
    memory: str
    summary: str
    constraint: str
    name: str | None  # None: there is no such constraint any more
    status: str | None


_ABOUT_CONSTRAINTS = (
    """
SELECT m.id, v.summary, link.constraint_id, c.name, c.status
FROM cortex.memory_constraints link
"""
    + _BELIEVED
    + """
LEFT JOIN main.constraints c ON c.id = link.constraint_id
WHERE link.recorded_to IS NULL
    AND (c.id IS NULL OR c.status = 'ignored')
ORDER BY link.constraint_id, m.id
"""
)


def about_dropped_constraints(db: apsw.Connection) -> list[ConstraintMemory]:
    """The memories that speak of a constraint which is ignored now, or gone."""
    return [ConstraintMemory(*row) for row in db.execute(_ABOUT_CONSTRAINTS)]
