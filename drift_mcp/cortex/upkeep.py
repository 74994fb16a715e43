"""What follows from other rows in cortex.db, and whether it does: vectors, their index, and their marks."""

from __future__ import annotations

from typing import NamedTuple

import apsw

from drift_mcp.cortex import vectors

_LOST = """
SELECT
    (
        SELECT count(*)
        FROM memory_embedding_link l
        WHERE l.state = 'ready'
            AND NOT EXISTS (SELECT 1 FROM memory_vectors v WHERE v.embedding_rowid = l.embedding_rowid)
    ) + (
        SELECT count(*)
        FROM memory_vectors v
        JOIN memory_embedding_link l ON l.embedding_rowid = v.embedding_rowid
        WHERE l.state <> 'ready'
    )
"""
_MARK_PENDING = """
UPDATE memory_embedding_link
SET state = 'pending', embedded_at = NULL
WHERE state = 'ready'
    AND NOT EXISTS (
        SELECT 1 FROM memory_vectors v WHERE v.embedding_rowid = memory_embedding_link.embedding_rowid
    )
"""
_DROP_UNMARKED = """
DELETE FROM memory_vectors
WHERE embedding_rowid IN (SELECT embedding_rowid FROM memory_embedding_link WHERE state <> 'ready')
"""


def mend(tx: apsw.Connection) -> None:
    """Wordings whose vector is lost wait for it again; the index is made anew from the vectors."""
    tx.execute(_MARK_PENDING)
    tx.execute(_DROP_UNMARKED)
    vectors.rebuild_index(tx)


# ---------------------------------------------------------------------------------------------------------------------


def lost_vectors(db: apsw.Connection) -> int:
    """How many wordings are marked otherwise than their vector stands."""
    return int(db.execute(_LOST).get)


_UNINDEXED = """
SELECT
    (
        SELECT count(*)
        FROM memory_vectors v
        LEFT JOIN memory_embeddings e ON e.rowid = v.embedding_rowid
        WHERE length(v.vector) = 4 * 384
            AND e.embedding IS NOT v.vector
    ) + (
        SELECT count(*)
        FROM memory_embeddings e
        WHERE e.rowid NOT IN (SELECT embedding_rowid FROM memory_vectors WHERE length(vector) = 4 * 384)
    )
"""


def unindexed(db: apsw.Connection) -> int:
    """How many vectors the index lacks, has otherwise, or has too much."""
    return int(db.execute(_UNINDEXED).get)


class Made(NamedTuple):
    key: int
    model: str
    revision: str
    ready: int
    pending: int


_MODELS = """
SELECT
    e.key, e.name, e.revision,
    count(*) FILTER (WHERE l.state = 'ready'), count(*) FILTER (WHERE l.state = 'pending')
FROM embedding_models e
LEFT JOIN memory_embedding_link l ON l.model_key = e.key
GROUP BY e.key
ORDER BY e.key
"""


def models(db: apsw.Connection) -> list[Made]:
    """The models that made vectors here, or are to."""
    return [Made(*row) for row in db.execute(_MODELS)]
