"""Vectors of what agents commonly ask, made by the default model when the package was built and shipped with it.

`common_questions.txt` beside this file lists the texts, one a line; `common_questions.vectors` is made of them by
`scripts/precompute_vectors.py` (`make vectors`):

    16 bytes   what the file is, `drift vectors 1` and a line feed
    16 bytes   blake3 of all that follows
    16 bytes   fingerprint of the model
     4 bytes   dimensions, little-endian
     4 bytes   number of texts
    16 bytes each   the cache keys of the texts (`caches.cache_key`), ascending
     4 bytes each   the vectors in the same order, little-endian float32, of unit length

All of it is used or nothing: a file that another model made, or that is not as it was written, is as good as none.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from blake3 import blake3

TEXTS = Path(__file__).with_name("common_questions.txt")
VECTORS = Path(__file__).with_name("common_questions.vectors")

_MAGIC = b"drift vectors 1\n"
_HASH_BYTES = 16
_HEAD = struct.Struct("<16sII")  # fingerprint, dimensions, number of texts


@dataclass(frozen=True, slots=True)
class Shipped:
    """What was shipped for the model of this fingerprint. `reason`: why there is nothing. Threads may share it."""

    fingerprint: bytes
    dimensions: int
    places: Mapping[bytes, int]  # cache key → where its vector begins
    content: bytes
    reason: str = ""

    def get(self, key: bytes) -> bytes | None:
        place = self.places.get(key)
        return None if place is None else self.content[place : place + 4 * self.dimensions]


def texts() -> list[str]:
    """The texts of the list; blank lines and those that begin with # only order it."""
    lines = (line.strip() for line in TEXTS.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def read(fingerprint: bytes, path: Path = VECTORS) -> Shipped:
    """The shipped vectors, if the model of this fingerprint made them."""
    content = path.read_bytes() if path.is_file() else b""
    start = len(_MAGIC) + _HASH_BYTES
    if not content.startswith(_MAGIC) or len(content) < start + _HEAD.size:
        return _nothing(fingerprint, f"{path.name} is missing from the package")
    if blake3(memoryview(content)[start:]).digest(length=_HASH_BYTES) != content[len(_MAGIC) : start]:
        return _nothing(fingerprint, f"{path.name} is not as it was written: its checksum differs")
    made_by, dimensions, number = _HEAD.unpack_from(content, start)
    if made_by != fingerprint:
        return _nothing(fingerprint, f"the vectors in {path.name} are another model's")
    keys = start + _HEAD.size
    vectors = keys + _HASH_BYTES * number
    places = {
        content[keys + _HASH_BYTES * each : keys + _HASH_BYTES * (each + 1)]: vectors + 4 * dimensions * each
        for each in range(number)
    }
    return Shipped(fingerprint, dimensions, places, content)


def _nothing(fingerprint: bytes, reason: str) -> Shipped:
    return Shipped(fingerprint, 0, {}, b"", reason)


def write(fingerprint: bytes, dimensions: int, vectors: Mapping[bytes, bytes], path: Path = VECTORS) -> None:
    """Writes (cache key → vector) as the file that `read` takes: the same vectors give the same bytes."""
    keys = sorted(vectors)
    said = _HEAD.pack(fingerprint, dimensions, len(keys)) + b"".join(keys) + b"".join(vectors[key] for key in keys)
    path.write_bytes(_MAGIC + blake3(said).digest(length=_HASH_BYTES) + said)
