"""What a memory speaks of: files, functions, patterns and constraints, each linked for the time that was believed.

Never deletes a link; what is replaced is closed at that moment.
"""

from __future__ import annotations

from typing import NamedTuple

import apsw

from drift_mcp.cortex.citations import Cited, CitedFunction


class Links(NamedTuple):
    files: tuple[Cited, ...]
    functions: tuple[CitedFunction, ...]
    patterns: tuple[str, ...]
    constraints: tuple[str, ...]

    def speak_of_the_same(self, other: Links) -> bool:
        """Whether both cite the same text in the same places, whatever else stood around it."""
        return self._told() == other._told()

    def _told(self) -> object:
        return [each[:5] for each in self.files], [each[:3] for each in self.functions], self.patterns, self.constraints


_FILES = """
SELECT file_path, line_start, line_end, content_hash, content_length, file_hash, copies, flagged
FROM memory_files
WHERE memory_key = :memory
    AND recorded_at <= :as_of
    AND (recorded_to IS NULL OR recorded_to > :as_of)
ORDER BY file_path, line_start
"""
_FUNCTIONS = """
SELECT function_id, content_hash, content_length, file_hash, copies, owner, flagged
FROM memory_functions
WHERE memory_key = :memory
    AND recorded_at <= :as_of
    AND (recorded_to IS NULL OR recorded_to > :as_of)
ORDER BY function_id
"""
_PATTERNS = """
SELECT pattern_id
FROM memory_patterns
WHERE memory_key = :memory
    AND recorded_at <= :as_of
    AND (recorded_to IS NULL OR recorded_to > :as_of)
ORDER BY pattern_id
"""
_CONSTRAINTS = """
SELECT constraint_id
FROM memory_constraints
WHERE memory_key = :memory
    AND recorded_at <= :as_of
    AND (recorded_to IS NULL OR recorded_to > :as_of)
ORDER BY constraint_id
"""


def of(db: apsw.Connection, memory_key: int, as_of: str) -> Links:
    when = {"memory": memory_key, "as_of": as_of}
    return Links(
        tuple(Cited(*row) for row in db.execute(_FILES, when)),
        tuple(CitedFunction(*row) for row in db.execute(_FUNCTIONS, when)),
        tuple(row[0] for row in db.execute(_PATTERNS, when)),
        tuple(row[0] for row in db.execute(_CONSTRAINTS, when)),
    )


_ADD_FILE = """
INSERT INTO memory_files
    (memory_key, file_path, line_start, line_end, content_hash, content_length, file_hash, copies, flagged, recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_FUNCTION = """
INSERT INTO memory_functions
    (memory_key, function_id, content_hash, content_length, file_hash, copies, owner, flagged, recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_ADD_PATTERN = "INSERT INTO memory_patterns (memory_key, pattern_id, recorded_at) VALUES (?, ?, ?)"
_ADD_CONSTRAINT = "INSERT INTO memory_constraints (memory_key, constraint_id, recorded_at) VALUES (?, ?, ?)"


def add(tx: apsw.Connection, memory_key: int, links: Links, at: str) -> None:
    for file in links.files:
        tx.execute(_ADD_FILE, (memory_key, *file, at))
    for function in links.functions:
        tx.execute(_ADD_FUNCTION, (memory_key, *function, at))
    for pattern in links.patterns:
        tx.execute(_ADD_PATTERN, (memory_key, pattern, at))
    for constraint in links.constraints:
        tx.execute(_ADD_CONSTRAINT, (memory_key, constraint, at))


_CLOSE_FILES = "UPDATE memory_files SET recorded_to = ? WHERE memory_key = ? AND recorded_to IS NULL"
_CLOSE_FUNCTIONS = "UPDATE memory_functions SET recorded_to = ? WHERE memory_key = ? AND recorded_to IS NULL"
_CLOSE_PATTERNS = "UPDATE memory_patterns SET recorded_to = ? WHERE memory_key = ? AND recorded_to IS NULL"
_CLOSE_CONSTRAINTS = "UPDATE memory_constraints SET recorded_to = ? WHERE memory_key = ? AND recorded_to IS NULL"


def replace(tx: apsw.Connection, memory_key: int, before: Links, after: Links, at: str) -> None:
    """Closes the links of each kind that changed and records the new ones; other kinds keep their rows."""
    nothing = Links((), (), (), ())
    if after.files != before.files:
        tx.execute(_CLOSE_FILES, (at, memory_key))
        add(tx, memory_key, nothing._replace(files=after.files), at)
    if after.functions != before.functions:
        tx.execute(_CLOSE_FUNCTIONS, (at, memory_key))
        add(tx, memory_key, nothing._replace(functions=after.functions), at)
    if after.patterns != before.patterns:
        tx.execute(_CLOSE_PATTERNS, (at, memory_key))
        add(tx, memory_key, nothing._replace(patterns=after.patterns), at)
    if after.constraints != before.constraints:
        tx.execute(_CLOSE_CONSTRAINTS, (at, memory_key))
        add(tx, memory_key, nothing._replace(constraints=after.constraints), at)
