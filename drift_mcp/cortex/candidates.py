"""The two lists of memories that may answer a question: by the words they share with it, and by nearness in meaning.

Filters are part of every statement, so that they apply before the cut. The question is text of any kind and never
reaches MATCH unquoted. Ranks nothing: `ranking` makes one order of both.
"""

from __future__ import annotations

from typing import Any

import apsw

from drift_mcp.cortex import words
from drift_mcp.cortex.filters import VISIBLE

# From each list: measured, 20 and 50 find as much, and a hundred leaves room for filters that spread the hits.
_POOL = 100
# bm25 weights of summary, body, tags, code: the summary says what a memory is about.
_SUMMARY, _BODY, _TAGS, _CODE = 4.0, 1.0, 2.0, 2.0

_BY_WORDS = (
    VISIBLE
    + """
SELECT visible.version_key, -bm25(memory_fts, :summary, :body, :tag, :code) AS bm25
FROM memory_fts
JOIN visible ON visible.text_key = memory_fts.rowid
WHERE memory_fts MATCH :match
ORDER BY bm25 DESC, visible.memory_key
LIMIT :pool
"""
)


def by_words(db: apsw.Connection, question: str, wanted: dict[str, Any]) -> list[tuple[int, float]]:
    terms = words.terms(words.printable(question))
    if not terms:
        return []
    how = {
        "match": words.match_expression(terms),
        "summary": _SUMMARY,
        "body": _BODY,
        "tag": _TAGS,
        "code": _CODE,
        "pool": _POOL,
    }
    return [(key, bm25) for key, bm25 in db.execute(_BY_WORDS, {**wanted, **how})]


# `rowid IN` goes into the index: the filters choose among all vectors, not among the nearest.
_BY_MEANING = (
    VISIBLE
    + """
, nearest AS (
    SELECT rowid AS embedding_rowid, distance
    FROM memory_embeddings
    WHERE embedding MATCH :vector
        AND k = :pool
        AND rowid IN (
            SELECT l.embedding_rowid
            FROM visible
            JOIN memory_embedding_link l ON l.text_key = visible.text_key
            WHERE l.model_key = :model
                AND l.state = 'ready'
        )
)
SELECT visible.version_key, 1.0 - nearest.distance AS cosine
FROM nearest
JOIN memory_embedding_link l ON l.embedding_rowid = nearest.embedding_rowid
JOIN visible ON visible.text_key = l.text_key
ORDER BY cosine DESC, visible.memory_key
"""
)


def by_meaning(db: apsw.Connection, vector: bytes, model_key: int, wanted: dict[str, Any]) -> list[tuple[int, float]]:
    how = {"vector": vector, "model": model_key, "pool": _POOL}
    return [(key, cosine) for key, cosine in db.execute(_BY_MEANING, {**wanted, **how})]
