"""The vectors of questions that were asked before, so that asking again takes no model: in memory, in the database, and
shipped with the package.

All three are asked by the same key, of the model's identity and the question, so that no vector outlives its model.
Never makes a vector.
"""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, get_args

import apsw
import cachetools
from blake3 import blake3

from drift_mcp.cortex import precomputed
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.precomputed import Shipped

# Where a question's vector came from; `model`: nothing had it, and it was made.
Level = Literal["memory", "database", "shipped", "model"]
LEVELS: tuple[Level, ...] = get_args(Level)

# A question and its vector are about 2 kB; an agent's conversation asks some hundred questions.
_IN_MEMORY = 1_024
# 1.6 kB a row: 16 MB at most, some months of an agent's questions.
_IN_DATABASE = 10_000


def cache_key(model: ModelIdentity, text: str) -> bytes:
    """What a vector is cached under: the model's identity and the text as the model would see no difference in it."""
    normalised = unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip()
    return blake3(model.fingerprint + normalised.encode()).digest(length=16)


class QuestionCache:
    """The three levels, and how often each had what was asked for. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vectors: cachetools.LRUCache[bytes, bytes] = cachetools.LRUCache(_IN_MEMORY)
        self._shipped: Shipped | None = None
        self._to_keep: dict[bytes, bytes] = {}  # on their way to the database
        self._hits: Counter[Level] = Counter()  # since they were last written

    def find(self, db: apsw.Connection, model: ModelIdentity, question: str, now: str) -> bytes | None:
        """The vector of `question`, from the first level that has it."""
        key = cache_key(model, question)
        with self._lock:
            vector = self._vectors.get(key)
            if vector is not None:
                self._hits["memory"] += 1
                return vector
        kept = kept_question(db, key)
        if kept is not None:
            self._found("database", key, kept.vector, is_to_keep=kept.last_access < _day(now))
            return kept.vector
        vector = self._shipped_for(model).get(key)
        if vector is not None:
            self._found("shipped", key, vector, is_to_keep=False)
        return vector

    def keep(self, model: ModelIdentity, question: str, vector: bytes) -> None:
        """Keeps what `model` has just made, in memory at once and in the database with the next `write`."""
        self._found("model", cache_key(model, question), vector, is_to_keep=True)

    @property
    def has_questions(self) -> bool:
        """Whether any are on their way to the database."""
        with self._lock:
            return bool(self._to_keep)

    @property
    def has_news(self) -> bool:
        """Whether `write` would write anything, be it only the hits."""
        with self._lock:
            return bool(self._to_keep or self._hits)

    def forget(self) -> None:
        """Lets go of the questions in memory, as `forget_questions` does of those in the database."""
        with self._lock:
            self._vectors.clear()
            self._to_keep = {}

    def write(self, tx: apsw.Connection, now: str) -> None:
        """Writes what is new since the last time. What a transaction that fails takes with it is made again."""
        with self._lock:
            questions, hits = self._to_keep, self._hits
            self._to_keep, self._hits = {}, Counter()
        keep_questions(tx, questions.items(), now)
        add_hits(tx, hits, now)

    def _found(self, level: Level, key: bytes, vector: bytes, *, is_to_keep: bool) -> None:
        with self._lock:
            self._hits[level] += 1
            self._vectors[key] = vector
            if is_to_keep:
                self._to_keep[key] = vector

    def _shipped_for(self, model: ModelIdentity) -> Shipped:
        with self._lock:
            if self._shipped is None or self._shipped.fingerprint != model.fingerprint:
                self._shipped = precomputed.read(model.fingerprint)
            return self._shipped


# ---------------------------------------------------------------- what writes

_REMEMBER = """
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
    tx: apsw.Connection, questions: Iterable[tuple[bytes, bytes]], now: str, most: int = _IN_DATABASE
) -> None:
    """Keeps (cache key, vector) for the next process; beyond `most` the least recently used leave."""
    for key, vector in questions:
        tx.execute(_REMEMBER, {"hash": key, "embedding": vector, "dimensions": len(vector) // 4, "at": _day(now)})
    tx.execute(_EVICT, {"most": most})


def forget_questions(tx: apsw.Connection) -> None:
    """Empties the database's level: a question may repeat what was to be forgotten, and hashes do not tell which."""
    tx.execute("DELETE FROM embedding_cache")


def _day(moment: str) -> str:
    # To the day: a question asked a hundred times today is written once.
    return f"{moment[:10]}T00:00:00.000Z"


_ADD_HITS = """
INSERT INTO embedding_cache_hits (level, hits, last_hit)
VALUES (:level, :hits, :at)
ON CONFLICT (level) DO UPDATE SET hits = hits + excluded.hits, last_hit = max(last_hit, excluded.last_hit)
"""


def add_hits(tx: apsw.Connection, hits: Mapping[Level, int], now: str) -> None:
    for level, number in hits.items():
        tx.execute(_ADD_HITS, {"level": level, "hits": number, "at": now})


# ---------------------------------------------------------------- what reads

_KEPT = "SELECT embedding, last_access FROM embedding_cache WHERE hash = ?"


class KeptQuestion(NamedTuple):
    vector: bytes
    last_access: str


def kept_question(db: apsw.Connection, key: bytes) -> KeptQuestion | None:
    """The vector of a question that was asked before, and when it was last noted as used."""
    row = db.execute(_KEPT, (key,)).fetchone()
    return None if row is None else KeptQuestion(*row)


def kept(db: apsw.Connection) -> int:
    """How many questions' vectors the database keeps, of whichever models."""
    return int(db.execute("SELECT count(*) FROM embedding_cache").get)


def hits(db: apsw.Connection) -> dict[Level, int]:
    """How often each level had a question's vector, and how often the model made it, since this database was made."""
    found = dict.fromkeys(LEVELS, 0)
    found.update((level, number) for level, number in db.execute("SELECT level, hits FROM embedding_cache_hits"))
    return found
