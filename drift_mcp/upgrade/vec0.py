"""Vectors out of an index of sqlite-vec, read from the tables behind it: that takes no extension.

A chunk holds the vectors of many rows, one after the other; another table says which row lies where. Searches nothing.
"""

from __future__ import annotations

import math
import struct
from typing import Any, Final

import apsw

from drift_mcp.store import elsewhere

# The old tool's index took no other.
_DIMENSIONS: Final = 384
_BYTES: Final = 4 * _DIMENSIONS

_OWNERS: Final = "memory_embedding_link"
_PLACES: Final = "memory_embeddings_rowids"
_CHUNKS: Final = "memory_embeddings_vector_chunks00"


class Vectors:
    """The vectors of memories, as little-endian float32; `problems` says of which there is none, and why."""

    def __init__(self, db: apsw.Connection, tables: list[str]) -> None:
        self.problems: dict[str, str] = {}
        self._found: dict[str, bytes] = {}
        if _OWNERS not in tables:
            return
        places: dict[Any, tuple[Any, Any]] = {}
        chunks: dict[Any, Any] = {}
        if {_PLACES, _CHUNKS} <= set(tables):
            places = {row["rowid"]: (row["chunk_id"], row["chunk_offset"]) for row in elsewhere.rows(db, _PLACES)}
            chunks = {row["rowid"]: row["vectors"] for row in elsewhere.rows(db, _CHUNKS)}
        for owner in elsewhere.rows(db, _OWNERS):
            memory = owner["memory_id"]
            chunk, offset = places.get(owner["embedding_rowid"], (None, 0))
            vector = bytes(chunks.get(chunk, b""))[offset * _BYTES : (offset + 1) * _BYTES]
            if len(vector) != _BYTES:
                self.problems[str(memory)] = "its vector is not in the index; a new one is made."
            elif not _is_unit(vector):
                self.problems[str(memory)] = "its vector is not of unit length; a new one is made."
            else:
                self._found[str(memory)] = vector

    def of(self, memory: str) -> bytes | None:
        return self._found.get(memory)


def _is_unit(vector: bytes) -> bool:
    length = math.sqrt(sum(number * number for number in struct.unpack(f"<{_DIMENSIONS}f", vector)))
    return math.isfinite(length) and abs(length - 1.0) < 1e-3  # as today's store asks for
