"""What search and the model see of a memory: its wording, indexed and marked for a vector when it is first used.

Versions that say the same share one. Never changes a wording: another text is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import apsw
from blake3 import blake3

from drift_mcp.cortex import content, vectors, words
from drift_mcp.cortex.content import Content, MemoryType
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.links import Links


class Wording(NamedTuple):
    """What search and the model see of a memory."""

    summary: str
    body: str
    tags: str
    code: str

    @classmethod
    def of(cls, memory_type: MemoryType, what: Content, summary: str, tags: Sequence[str], links: Links) -> Wording:
        body = content.body(memory_type, what)
        functions = [each.function.rpartition("::") for each in links.functions]
        files = dict.fromkeys([*(file.file for file in links.files), *(path for path, _, _ in functions if path)])
        names = " ".join([*(name for _, _, name in functions), *files])
        inside = words.split_identifiers(" ".join([names, summary, body]))
        return cls(summary, body, " ".join(tags), f"{names}\n{inside}")

    @property
    def hash(self) -> bytes:
        return blake3("\0".join(self).encode()).digest(length=16)


_TEXT_KEY = "SELECT key FROM memory_texts WHERE memory_key = ? AND text_hash = ?"
_ADD_TEXT = """
INSERT INTO memory_texts (memory_key, summary, body, tags, code, text_hash)
VALUES (?, ?, ?, ?, ?, ?)
"""


def key_of(tx: apsw.Connection, memory_key: int, wording: Wording, model: ModelIdentity | None, at: str) -> int:
    """The row of this wording of the memory; a new one is indexed by a trigger and marked as waiting for its vector."""
    known = tx.execute(_TEXT_KEY, (memory_key, wording.hash)).get
    if known is not None:
        return int(known)
    tx.execute(_ADD_TEXT, (memory_key, *wording, wording.hash))
    # Not last_insert_rowid(): the trigger's insert into the index has come after.
    text_key = int(tx.execute(_TEXT_KEY, (memory_key, wording.hash)).get)
    if model is not None:  # one that is known only once it is loaded then marks whatever has no mark
        vectors.mark_pending(tx, text_key, vectors.name_model(tx, model, at))
    return text_key
