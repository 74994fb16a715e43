"""The vectors in cortex.db: which wordings wait for one, storing them, and which model's they are.

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


_CHOOSE = """
UPDATE embedding_models
SET chosen = 1 + (SELECT max(chosen) FROM embedding_models)
WHERE key = :model
    AND (chosen = 0 OR chosen < (SELECT max(chosen) FROM embedding_models))
"""


def choose(tx: apsw.Connection, model: int) -> None:
    """Says that this is the model of today: vectors of others may go when its own are complete."""
    tx.execute(_CHOOSE, {"model": model})


_MARK_MISSING = """
INSERT INTO memory_embedding_link (text_key, model_key, state)
SELECT t.key, :model, 'pending'
FROM memory_texts t
WHERE t.key > :after
    AND NOT EXISTS (SELECT 1 FROM memory_embedding_link l WHERE l.text_key = t.key AND l.model_key = :model)
"""


def mark_missing(tx: apsw.Connection, model: int, after: int = 0) -> int:
    """Marks every wording, of those after the key `after`, that this model has never seen, as after a change of model;
    how many there were."""
    tx.execute(_MARK_MISSING, {"model": model, "after": after})
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


_KEEP = """
INSERT INTO memory_embedding_link (text_key, model_key, state, embedded_at)
VALUES (:text, :model, 'ready', :at)
RETURNING embedding_rowid
"""


def keep(tx: apsw.Connection, text_key: int, model: int, vector: bytes, at: str) -> None:
    """A vector that was made elsewhere, of a model that never saw this wording."""
    _check(vector)
    rowid = tx.execute(_KEEP, {"text": text_key, "model": model, "at": at}).get
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


_DROP_MADE = "DELETE FROM memory_embedding_link WHERE model_key <> ?"
_DROP_MODELS = "DELETE FROM embedding_models WHERE key <> ?"


def drop_outdated(tx: apsw.Connection, model: int) -> bool:
    """Takes away what other models made, if `model` is today's and has seen every wording; whether it did."""
    if not has_outdated(tx, model):
        return False
    # The rows of the index first, all at once: one at a time takes vec0 a hundred times as long.
    tx.execute(_DROP_INDEX)
    tx.execute(_MAKE_INDEX)
    tx.execute(_DROP_MADE, (model,))
    tx.execute(_DROP_MODELS, (model,))
    tx.execute(_FILL_INDEX)
    return True


_MODEL_KEY = "SELECT key FROM embedding_models WHERE fingerprint = ?"


def model_key(db: apsw.Connection, model: ModelIdentity) -> int | None:
    """The key of `model` in this database; None when nothing was ever marked for it."""
    found = db.execute(_MODEL_KEY, (model.fingerprint,)).get
    return None if found is None else int(found)


_LAST_NAMED = "SELECT key FROM embedding_models WHERE name = ? ORDER BY chosen DESC, key DESC LIMIT 1"


def last_named(db: apsw.Connection, name: str) -> int | None:
    """The key of the model that last went by this name here: what can be told of one that is not loaded yet."""
    found = db.execute(_LAST_NAMED, (name,)).get
    return None if found is None else int(found)


_NEWEST_TEXT = "SELECT ifnull(max(key), 0) FROM memory_texts"


def newest_text(db: apsw.Connection) -> int:
    """The highest key of a wording; 0 when there is none."""
    return int(db.execute(_NEWEST_TEXT).get)


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


_HAS_ANY = "SELECT EXISTS (SELECT 1 FROM memory_embedding_link WHERE model_key = ? AND state = 'ready')"


def has_any(db: apsw.Connection, model: int | None) -> bool:
    """Whether there is a vector that a question's could be compared with."""
    return bool(db.execute(_HAS_ANY, (model,)).get)


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
    if model is None:
        return Standing(0, int(db.execute("SELECT count(*) FROM memory_texts").get))
    ready, waiting = db.execute(_STANDING, (model,)).fetchone() or (0, 0)
    unmarked = db.execute(_UNMARKED, (model,)).get
    return Standing(ready, waiting + unmarked)


_OUTDATED = """
SELECT count(*) > 1 AND max(chosen) = max(chosen) FILTER (WHERE key = :model)
FROM embedding_models
"""


def has_outdated(db: apsw.Connection, model: int) -> bool:
    """Whether what other models made is of no use any more: `model` is today's, and nothing waits for it."""
    return bool(db.execute(_OUTDATED, {"model": model}).get) and standing(db, model).pending == 0


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
