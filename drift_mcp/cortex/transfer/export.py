"""What cortex.db holds of memories, as lines: a header, then one line per memory, relationship and run.

Reads one snapshot and keeps nothing but the memory it is at. The order depends on public ids and times alone, so that
the same memories give the same bytes whichever store they come from.
"""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from drift_mcp.cortex.transfer import histories
from drift_mcp.cortex.transfer.histories import (
    ConsolidationRun,
    Constraint,
    File,
    Function,
    History,
    Pattern,
    Relationship,
    ValidationRun,
    Verdict,
    Version,
)

FORMAT = 1
# What the header counts, so that a file that was cut off is noticed.
COUNTED = ("memories", "relationships", "consolidation_runs", "validation_runs")

_COUNTS = """
SELECT
    (SELECT count(*) FROM memories),
    (SELECT count(*) FROM memory_relationships),
    (SELECT count(*) FROM consolidation_runs),
    (SELECT count(*) FROM validation_runs)
"""
_MEMORIES = """
SELECT key, id, type, created_at, created_by, last_accessed, access_count, forgotten_at, forgotten_reason
FROM memories
ORDER BY id
"""
_MEMORY = """
SELECT key, id, type, created_at, created_by, last_accessed, access_count, forgotten_at, forgotten_reason
FROM memories
WHERE id = ?
"""
_USES = "SELECT used_at FROM memory_uses WHERE memory_key = ? ORDER BY used_at"
_VERSIONS = """
SELECT v.version, v.recorded_at, v.recorded_to, v.valid_from, v.valid_until, v.content, v.summary, v.confidence,
    v.importance, v.tags, v.archived, v.archive_reason, s.id, v.last_validated, v.change, v.reason, v.changed_by
FROM memory_versions v
LEFT JOIN memories s ON s.key = v.superseded_by
WHERE v.memory_key = ?
ORDER BY v.version
"""
_FILES = """
SELECT file_path, line_start, line_end, content_hash, content_length, file_hash, copies, flagged, recorded_at,
    recorded_to
FROM memory_files
WHERE memory_key = ?
ORDER BY file_path, line_start, line_end, recorded_at
"""
_FUNCTIONS = """
SELECT function_id, content_hash, content_length, file_hash, copies, owner, flagged, recorded_at, recorded_to
FROM memory_functions
WHERE memory_key = ?
ORDER BY function_id, recorded_at
"""
_PATTERNS = """
SELECT pattern_id, recorded_at, recorded_to
FROM memory_patterns
WHERE memory_key = ?
ORDER BY pattern_id, recorded_at
"""
_CONSTRAINTS = """
SELECT constraint_id, recorded_at, recorded_to
FROM memory_constraints
WHERE memory_key = ?
ORDER BY constraint_id, recorded_at
"""
_VERDICTS = """
SELECT version, action, previous_confidence, new_confidence, feedback, validated_at, validated_by, session_id
FROM memory_validation_history
WHERE memory_key = ?
ORDER BY version, validated_at, action, previous_confidence, new_confidence, feedback, validated_by, session_id
"""
_RELATIONSHIPS = """
SELECT s.id, t.id, r.relationship, r.strength, r.recorded_at, r.recorded_to
FROM memory_relationships r
JOIN memories s ON s.key = r.source_key
JOIN memories t ON t.key = r.target_key
ORDER BY s.id, t.id, r.relationship, r.recorded_at
"""
_CONSOLIDATION_RUNS = """
SELECT id, started_at, completed_at, episodes_processed, memories_created, memories_updated, memories_pruned, status,
    error
FROM consolidation_runs
ORDER BY id
"""
_VALIDATION_RUNS = """
SELECT id, started_at, completed_at, total_validated, valid_count, stale_count, healed_count, flagged_count, status
FROM validation_runs
ORDER BY id
"""


def lines(db: apsw.Connection) -> Iterator[bytes]:
    """All of it. Read it whole within one snapshot."""
    counts = dict(zip(COUNTED, db.execute(_COUNTS).fetchall()[0], strict=True))
    yield histories.as_json({"drift_memories": FORMAT, **counts}).encode() + b"\n"
    for key, *columns in db.execute(_MEMORIES):
        yield histories.line(_whole(db, key, History(*columns)))
    for row in db.execute(_RELATIONSHIPS):
        yield histories.line(Relationship(*row))
    for row in db.execute(_CONSOLIDATION_RUNS):
        yield histories.line(ConsolidationRun(*row))
    for row in db.execute(_VALIDATION_RUNS):
        yield histories.line(ValidationRun(*row))


def history(db: apsw.Connection, memory: str) -> History | None:
    """All that is recorded of one memory; None when there never was one of that id."""
    found = db.execute(_MEMORY, (memory,)).fetchone()
    return None if found is None else _whole(db, found[0], History(*found[1:]))


def _whole(db: apsw.Connection, key: int, memory: History) -> History:
    return memory._replace(
        uses=tuple(used_at for (used_at,) in db.execute(_USES, (key,))),
        versions=tuple(Version(*row) for row in db.execute(_VERSIONS, (key,))),
        files=tuple(File(*row) for row in db.execute(_FILES, (key,))),
        functions=tuple(Function(*row) for row in db.execute(_FUNCTIONS, (key,))),
        patterns=tuple(Pattern(*row) for row in db.execute(_PATTERNS, (key,))),
        constraints=tuple(Constraint(*row) for row in db.execute(_CONSTRAINTS, (key,))),
        verdicts=tuple(Verdict(*row) for row in db.execute(_VERDICTS, (key,))),
    )
