"""The vectors in cortex.db: which wordings wait for one, storing them, and the cache of questions' vectors.

Never makes a vector. What a wording looks like to a model is `text_of`.
"""

from __future__ import annotations

import importlib.util
import math
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import apsw

from drift_mcp.cortex.embeddings import ModelIdentity

# Of the code a memory speaks of, the first names say where it belongs; more would drown its own words.
_CODE_NAMES = 5
# 1.6 kB a row: 16 MB at most, some months of an agent's questions.
_QUESTIONS_ON_DISK = 10_000


class Pending(NamedTuple):
    embedding_rowid: int
    text: str


class Standing(NamedTuple):
    """How many wordings have their vector, and how many wait for it."""

    ready: int
    pending: int


def extension_path() -> Path | None:
    """sqlite-vec's loadable library, without importing its package, which would import numpy; None if not installed."""
    spec = importlib.util.find_spec("sqlite_vec")
    if spec is None or spec.origin is None:
        return None
    for name in ("vec0.so", "vec0.dylib", "vec0.dll"):
        path = Path(spec.origin).with_name(name)
        if path.is_file():
            return path
    return None


_NAME_MODEL = """
INSERT INTO embedding_models (name, revision, dimensions, normalisation, pooling, max_tokens, fingerprint, first_used)
VALUES (:name, :revision, :dimensions, :normalisation, :pooling, :max_tokens, :fingerprint, :at)
ON CONFLICT (fingerprint) DO NOTHING
"""


def name_model(tx: apsw.Connection, model: ModelIdentity, at: str) -> int:
    """The key of `model` here, recorded at its first use."""
    known = model_key(tx, model)
    if known is not None:
        return known
    tx.execute(
        _NAME_MODEL,
        {
            "name": model.name,
            "revision": model.revision,
            "dimensions": model.dimensions,
            "normalisation": model.normalisation,
            "pooling": model.pooling,
            "max_tokens": model.max_tokens,
            "fingerprint": model.fingerprint,
            "at": at,
        },
    )
    return tx.last_insert_rowid()


_MARK = """
INSERT INTO memory_embedding_link (text_key, model_key, state)
VALUES (?, ?, 'pending')
"""


def mark_pending(tx: apsw.Connection, text_key: int, model: int) -> None:
    """Says that the vector of a new wording is to follow; belongs in the transaction that writes the wording."""
    tx.execute(_MARK, (text_key, model))


_MARK_MISSING = """
INSERT INTO memory_embedding_link (text_key, model_key, state)
SELECT t.key, :model, 'pending'
FROM memory_texts t
WHERE NOT EXISTS (SELECT 1 FROM memory_embedding_link l WHERE l.text_key = t.key AND l.model_key = :model)
"""


def mark_missing(tx: apsw.Connection, model: int) -> int:
    """Marks every wording that this model has never seen, as after a change of model; how many there were."""
    tx.execute(_MARK_MISSING, {"model": model})
    return tx.changes()


_PENDING = """
SELECT l.embedding_rowid, t.summary, t.body, t.code
FROM memory_embedding_link l
JOIN memory_texts t ON t.key = l.text_key
WHERE l.model_key = :model
    AND l.state = 'pending'
    AND l.embedding_rowid > :after
ORDER BY l.embedding_rowid
LIMIT :most
"""
_DONE = """
UPDATE memory_embedding_link
SET state = :state, embedded_at = :at
WHERE embedding_rowid = :rowid
    AND state = 'pending'
"""
_STORE = "INSERT INTO memory_vectors (embedding_rowid, vector) VALUES (?, ?)"
_INDEX = "INSERT INTO memory_embeddings (rowid, embedding) VALUES (?, ?)"
_INDEXED_DIMENSIONS = 384


def store(tx: apsw.Connection, made: Iterable[tuple[int, bytes | None]], at: str) -> None:
    """Stores vectors (embedding_rowid, vector) and takes their marks away; None: the model has no meaning for the text.

    A vector that another process has stored meanwhile is left as it is."""
    for rowid, vector in made:
        tx.execute(_DONE, {"rowid": rowid, "state": "none" if vector is None else "ready", "at": at})
        if vector is None or tx.changes() == 0:
            continue
        _check(vector)
        tx.execute(_STORE, (rowid, vector))
        if len(vector) == 4 * _INDEXED_DIMENSIONS:
            tx.execute(_INDEX, (rowid, vector))


_DROP_INDEX = "DROP TABLE memory_embeddings"
_MAKE_INDEX = "CREATE VIRTUAL TABLE memory_embeddings USING vec0 (embedding float[384] distance_metric = cosine)"
_FILL_INDEX = """
INSERT INTO memory_embeddings (rowid, embedding)
SELECT embedding_rowid, vector
FROM memory_vectors
WHERE length(vector) = 4 * 384
ORDER BY embedding_rowid
"""


def rebuild_index(tx: apsw.Connection) -> None:
    """Makes the index again from the stored vectors: vec0 never uses the room of deleted rows again."""
    tx.execute(_DROP_INDEX)
    tx.execute(_MAKE_INDEX)
    tx.execute(_FILL_INDEX)


_REMEMBER_QUESTION = """
INSERT INTO embedding_cache (hash, embedding, dimensions, created_at, last_access)
VALUES (:hash, :embedding, :dimensions, :at, :at)
ON CONFLICT (hash) DO UPDATE SET last_access = excluded.last_access, access_count = access_count + 1
"""
_EVICT = """
DELETE FROM embedding_cache
WHERE hash IN (
    SELECT hash
    FROM embedding_cache
    ORDER BY last_access DESC
    LIMIT -1 OFFSET :most
)
"""


def keep_questions(
    tx: apsw.Connection, questions: Iterable[tuple[bytes, bytes]], at: str, most: int = _QUESTIONS_ON_DISK
) -> None:
    """Keeps (cache key, vector) for the next process; beyond `most` the least recently used leave."""
    for key, vector in questions:
        tx.execute(_REMEMBER_QUESTION, {"hash": key, "embedding": vector, "dimensions": len(vector) // 4, "at": at})
    tx.execute(_EVICT, {"most": most})


_MODEL_KEY = "SELECT key FROM embedding_models WHERE fingerprint = ?"


def model_key(db: apsw.Connection, model: ModelIdentity) -> int | None:
    """The key of `model` in this database; None when nothing was ever marked for it."""
    found = db.execute(_MODEL_KEY, (model.fingerprint,)).get
    return None if found is None else int(found)


def pending(db: apsw.Connection, model: int, most: int, after: int = 0) -> list[Pending]:
    """Wordings that wait for a vector, oldest mark first, beginning after the mark `after`."""
    rows = db.execute(_PENDING, {"model": model, "most": most, "after": after})
    return [Pending(rowid, text_of(summary, body, code)) for rowid, summary, body, code in rows]


def still_pending(tx: apsw.Connection, model: int, seen: Sequence[Pending]) -> list[Pending]:
    """Those that wait under the same number for the same wording: a backup that was put back meanwhile may know
    another one by it."""
    if not seen:
        return []
    now = pending(tx, model, len(seen), seen[0].embedding_rowid - 1)
    return [each for each in seen if each in now]


_WAITING = "SELECT count(*) FROM memory_embedding_link WHERE model_key = ? AND state = 'pending'"


def waiting(db: apsw.Connection, model: int | None) -> int:
    """How many wordings are marked as waiting: an index as small as the answer."""
    return int(db.execute(_WAITING, (model,)).get)


_STANDING = """
SELECT count(*) FILTER (WHERE state = 'ready'), count(*) FILTER (WHERE state = 'pending')
FROM memory_embedding_link
WHERE model_key = ?
"""
_UNMARKED = """
SELECT count(*)
FROM memory_texts t
WHERE NOT EXISTS (SELECT 1 FROM memory_embedding_link l WHERE l.text_key = t.key AND l.model_key = ?)
"""


def standing(db: apsw.Connection, model: int | None) -> Standing:
    """Of all wordings; those that a change of model left unmarked count as waiting."""
    ready, waiting = db.execute(_STANDING, (model,)).fetchone() or (0, 0)
    unmarked = db.execute(_UNMARKED, (model,)).get
    return Standing(ready, waiting + unmarked)


_QUESTION = "SELECT embedding, last_access FROM embedding_cache WHERE hash = ?"


class KeptQuestion(NamedTuple):
    vector: bytes
    last_access: str


def kept_question(db: apsw.Connection, key: bytes) -> KeptQuestion | None:
    """The vector of a question that was asked before, and when it was last noted as used."""
    row = db.execute(_QUESTION, (key,)).fetchone()
    return None if row is None else KeptQuestion(*row)


def text_of(summary: str, body: str, code: str) -> str:
    """What a model is shown of a wording. `code` holds cited names in its first line."""
    # A summary that was made from the body says nothing twice.
    beginning = summary.rstrip("…")
    parts = [] if beginning in " ".join(body.split()) else [summary]
    names = code.split("\n", 1)[0].split()[:_CODE_NAMES]
    return "\n".join([*parts, body, *([" ".join(names)] if names else [])])


def _check(vector: bytes) -> None:
    numbers = struct.unpack(f"<{len(vector) // 4}f", vector)
    length = math.sqrt(sum(number * number for number in numbers))
    # vec0 takes NaN without a word and then never finds the row.
    assert math.isfinite(length) and abs(length - 1.0) < 1e-3, "a vector to store is not of unit length"
