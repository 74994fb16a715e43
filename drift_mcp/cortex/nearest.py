"""Which wordings are nearest in meaning to a question: exactly where there are few, by the signs of vectors among many.

Two vectors that point the same way agree in the signs of most of their numbers. A sign is one bit, so those of a whole
memory are held here, 48 bytes a wording. Three sieves, each finer and dearer than the one before: in how many signs a
wording differs from the question, over all; how much the numbers of the question weigh where the signs agree, over some
thousands; and the vectors as they are stored, over some hundreds. Only what falls through the first two is missed.

Never answers from what it holds: signs say which stored vectors to compare, in the snapshot that the question is asked
in, so that what was forgotten is not found and what was added is not missed. Never writes, and imports numpy only when
there are signs to compare.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import apsw

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Ranked = list[tuple[int, float]]  # (wording, cosine), the nearest first

# Up to so many vectors the exact index answers within some milliseconds.
_SIGNS_FROM = 5_000
# What passes the first sieve and the second: so many, or of very many this share. Measured at 100,000 with vectors that
# lie closer than those of texts: recall@10 of 0.99, and 0.95 without the second.
_LEAST_WEIGHED = 2_000
_SHARE_WEIGHED = 0.04
_LEAST_COMPARED = 400
_SHARE_COMPARED = 0.006
# Of so few, each is compared in full.
_FEW = 2_000
# What is listed at the most, so that filters find enough of it that passes.
_MOST_LISTED = 500
# Of the index; each further one makes it slower.
_INDEXED = 100
_INDEXED_DIMENSIONS = 384  # of memory_embeddings


class Listed(NamedTuple):
    """`whole`: every wording that has a vector is in it; nothing comes after its end."""

    ranked: Ranked
    whole: bool


class Nearest:
    """Threads may share it: what it holds only grows, and each question looks at what was there when it came."""

    def __init__(self, signs_from: int = _SIGNS_FROM) -> None:
        """`signs_from`: more vectors than this are many."""
        self._signs_from = signs_from
        self._lock = threading.Lock()
        self._signs: _Signs | None = None

    def of_all(self, db: apsw.Connection, model: int, vector: bytes) -> Listed:
        """The wordings nearest to `vector`, a question's vector by `model`, whoever may see them."""
        if self._are_many(db, model):
            held = self._held(db, model, vector)
            chosen = _alike(held, vector)
            ranked = _compared(db, model, vector, chosen)
            return Listed(ranked, len(chosen) == len(held.texts) and len(ranked) < _MOST_LISTED)
        if len(vector) == 4 * _INDEXED_DIMENSIONS:
            return _indexed(db, model, vector)
        return _all_compared(db, model, vector)

    def among(self, db: apsw.Connection, model: int, vector: bytes, texts: Collection[int]) -> Ranked:
        """Of these wordings the nearest to `vector`."""
        if len(texts) > _FEW and self._are_many(db, model):
            texts = _alike(_only(self._held(db, model, vector), texts), vector)
        return _compared(db, model, vector, texts)

    def _are_many(self, db: apsw.Connection, model: int) -> bool:
        # Of dimensions that are no multiple of 8 there are no signs: all are compared, always.
        return db.execute(_MORE_THAN, (model, self._signs_from)).get is not None

    def _held(self, db: apsw.Connection, model: int, vector: bytes) -> _Held:
        with self._lock:
            if self._signs is None or self._signs.model != model:
                self._signs = _Signs(model, dimensions=len(vector) // 4)
            self._signs.follow(db)
            return self._signs.held()


_MORE_THAN = "SELECT 1 FROM memory_bits WHERE model_key = ? LIMIT 1 OFFSET ?"


# ---------------------------------------------------------------- in full

_BY_INDEX = """
SELECT l.text_key, 1.0 - nearest.distance, l.model_key
FROM (
    SELECT rowid, distance
    FROM memory_embeddings
    WHERE embedding MATCH :vector
        AND k = :most
) nearest
JOIN memory_embedding_link l ON l.embedding_rowid = nearest.rowid
ORDER BY nearest.distance, l.text_key
"""


def _indexed(db: apsw.Connection, model: int, vector: bytes) -> Listed:
    # The index holds the vectors of every model of these dimensions.
    rows: list[tuple[int, float, int]] = list(db.execute(_BY_INDEX, {"vector": vector, "most": _INDEXED}))
    ranked = [(text, cosine) for text, cosine, made_by in rows if made_by == model]
    return Listed(ranked, len(rows) < _INDEXED)


_ALL_COMPARED = """
SELECT l.text_key, 1.0 - vec_distance_cosine(e.vector, :vector) AS cosine
FROM memory_embedding_link l
JOIN memory_vectors e ON e.embedding_rowid = l.embedding_rowid
WHERE l.model_key = :model
ORDER BY cosine DESC, l.text_key
LIMIT :most
"""


def _all_compared(db: apsw.Connection, model: int, vector: bytes) -> Listed:
    rows = db.execute(_ALL_COMPARED, {"vector": vector, "model": model, "most": _MOST_LISTED})
    ranked = [(text, cosine) for text, cosine in rows]
    return Listed(ranked, len(ranked) < _MOST_LISTED)


# A wording may be among the signs twice, when its number was another's before it; IN takes it once.
_COMPARED = """
SELECT l.text_key, 1.0 - vec_distance_cosine(e.vector, :vector) AS cosine
FROM memory_embedding_link l
JOIN memory_vectors e ON e.embedding_rowid = l.embedding_rowid
WHERE l.text_key IN (SELECT value FROM json_each(:texts))
    AND l.model_key = :model
ORDER BY cosine DESC, l.text_key
LIMIT :most
"""


def _compared(db: apsw.Connection, model: int, vector: bytes, texts: Collection[int]) -> Ranked:
    asked = {"vector": vector, "model": model, "texts": json.dumps(list(texts)), "most": _MOST_LISTED}
    return [(text, cosine) for text, cosine in db.execute(_COMPARED, asked)]


# ---------------------------------------------------------------- by signs


class _Held(NamedTuple):
    """What there was to compare when a question came."""

    texts: NDArray[np.int64]
    words: NDArray[np.uint64]  # a row for every 64 signs, a column for every wording


_ADDED = """
SELECT b.key, l.text_key, b.bits
FROM memory_bits b
JOIN memory_embedding_link l ON l.embedding_rowid = b.embedding_rowid
WHERE b.model_key = :model
    AND b.key > :after
ORDER BY b.key
"""
_ROWS_AT_ONCE = 8_192


class _Signs:
    """The signs of one model's vectors. One thread at a time adds to it; what `held` gave out stays as it was."""

    def __init__(self, model: int, dimensions: int) -> None:
        import numpy as np

        self.model = model
        self._bytes = dimensions // 8
        self._after = 0
        self._count = 0
        self._texts = np.empty(0, dtype=np.int64)
        self._words = np.empty((-(-dimensions // 64), 0), dtype=np.uint64)

    def held(self) -> _Held:
        return _Held(self._texts[: self._count], self._words[:, : self._count])

    def follow(self, db: apsw.Connection) -> None:
        """Takes over what this snapshot has and an earlier one had not."""
        rows = db.execute(_ADDED, {"model": self.model, "after": self._after})
        while added := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            self._add([text for _, text, _ in added], b"".join([bits for _, _, bits in added]))
            self._after = added[-1][0]

    def _add(self, texts: list[int], bits: bytes) -> None:
        count = self._count + len(texts)
        if count > len(self._texts):
            self._grow(count + count // 4)
        self._texts[self._count : count] = texts
        self._words[:, self._count : count] = _as_words(bits, self._bytes)
        self._count = count

    def _grow(self, room: int) -> None:
        import numpy as np

        texts, words = np.empty(room, dtype=np.int64), np.empty((len(self._words), room), dtype=np.uint64)
        texts[: self._count], words[:, : self._count] = self.held()
        self._texts, self._words = texts, words


def _as_words(bits: bytes, each: int) -> NDArray[np.uint64]:
    """Packed signs, `each` bytes a vector, as rows of 64 signs; what is missing to the last 64 is the same in all."""
    import numpy as np

    signs = np.frombuffer(bits, dtype=np.uint8).reshape(-1, each)
    return np.ascontiguousarray(np.pad(signs, ((0, 0), (0, -each % 8)))).view(np.uint64).T


def _only(held: _Held, texts: Collection[int]) -> _Held:
    import numpy as np

    (places,) = np.isin(held.texts, np.fromiter(texts, dtype=np.int64, count=len(texts))).nonzero()
    return _Held(held.texts[places], held.words[:, places])


def _alike(held: _Held, vector: bytes) -> list[int]:
    """The wordings that are worth comparing in full; among equals the oldest."""
    import numpy as np

    question = np.frombuffer(vector, dtype="<f4")
    many = len(held.texts)
    places = _in_fewest_places(held, question, max(_LEAST_WEIGHED, int(_SHARE_WEIGHED * many)))
    weights = _weights(held.words[:, places], question)
    best = np.argsort(-weights, kind="stable")[: max(_LEAST_COMPARED, int(_SHARE_COMPARED * many))]
    return [int(text) for text in held.texts[places[best]]]


def _weights(words: NDArray[np.uint64], question: NDArray[np.float32]) -> NDArray[np.float32]:
    """For each wording, the sum of the question's numbers where its own are above 0."""
    import numpy as np

    # Looked up in what every byte would weigh at each place. (A product of matrices would do as well, but its library
    # starts threads for it.)
    every = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(np.float32)
    weight_at = np.einsum("vi,pi->pv", every, question.reshape(-1, 8))
    bytes_at = np.ascontiguousarray(words.T).view(np.uint8).T
    weights = np.zeros(words.shape[1], dtype=np.float32)
    for place, weight_of in enumerate(weight_at):
        weights += weight_of[bytes_at[place]]
    return weights


def _in_fewest_places(held: _Held, question: NDArray[np.float32], most: int) -> NDArray[np.int64]:
    """Where those are held whose signs differ in the fewest places: `most` of them, in the order in which they came."""
    import numpy as np

    asked = np.packbits(question > 0, bitorder="little").tobytes()
    differing = np.zeros(len(held.texts), dtype=np.uint16)
    for words, sign in zip(held.words, _as_words(asked, len(asked)), strict=True):
        differing += np.bitwise_count(words ^ sign)
    if most >= len(differing):
        return np.arange(len(differing))
    # Counted how many differ in no more than so many places, which is cheaper than ordering all.
    limit = int(np.bincount(differing).cumsum().searchsorted(most))
    (within,) = (differing <= limit).nonzero()
    surplus = len(within) - most
    if surplus:
        (last,) = (differing[within] == limit).nonzero()
        within = np.delete(within, last[len(last) - surplus :])
    return within
