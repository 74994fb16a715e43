"""Vectors, their marks and their index: what is lost is found, and is made or waited for again."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex import upkeep, vectors
from drift_mcp.cortex.minilm import DEFAULT_MODEL
from drift_mcp.cortex.opened import Opened

AT = "2026-01-01T00:00:00.000Z"
VECTOR = struct.pack("<384f", 1.0, *([0.0] * 383))
OTHER = struct.pack("<384f", 0.0, 1.0, *([0.0] * 382))


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[apsw.Connection]:
    """Three wordings with vectors, one without."""
    opened = Opened.at(tmp_path / "cortex.db")
    with opened.transaction() as db:
        db.execute("INSERT INTO memories (key, id, type, created_at) VALUES (1, 'mem_1', 'tribal', ?)", (AT,))
        model = vectors.name_model(db, DEFAULT_MODEL, AT)
        for key in range(1, 5):
            text = "INSERT INTO memory_texts VALUES (?, 1, 'x', 'x', '', '', randomblob(16))"
            db.execute(text, (key,))
            vectors.mark_pending(db, key, model)
        vectors.store(db, [(key, VECTOR) for key in range(1, 4)], AT)
        yield db
    opened.close()


def standing(db: apsw.Connection) -> vectors.Standing:
    return vectors.standing(db, vectors.model_key(db, DEFAULT_MODEL))


def test_vectors_as_they_were_written_are_in_order(tx: apsw.Connection) -> None:
    assert (upkeep.lost_vectors(tx), upkeep.unindexed(tx)) == (0, 0)
    key = vectors.model_key(tx, DEFAULT_MODEL)
    assert upkeep.models(tx) == [(key, DEFAULT_MODEL.name, DEFAULT_MODEL.revision, 3, 1)]


@pytest.mark.parametrize(
    ("harm", "lost", "unindexed"),
    [
        ("DELETE FROM memory_embeddings WHERE rowid = 2", 0, 1),
        ("UPDATE memory_vectors SET vector = :other WHERE embedding_rowid = 3", 0, 1),
        ("INSERT INTO memory_embeddings (rowid, embedding) VALUES (99, :other)", 0, 1),
        ("DELETE FROM memory_vectors WHERE embedding_rowid = 1", 1, 0),
        ("UPDATE memory_embedding_link SET state = 'none' WHERE embedding_rowid = 1", 1, 0),
        ("UPDATE memory_embedding_link SET state = 'ready', embedded_at = :at WHERE embedding_rowid = 4", 1, 0),
    ],
)
def test_what_parted_is_found_and_brought_together(tx: apsw.Connection, harm: str, lost: int, unindexed: int) -> None:
    given = {name: value for name, value in (("other", OTHER), ("at", AT)) if f":{name}" in harm}
    tx.execute(harm, given)
    assert (upkeep.lost_vectors(tx), upkeep.unindexed(tx)) == (lost, unindexed)
    upkeep.mend(tx)
    assert (upkeep.lost_vectors(tx), upkeep.unindexed(tx)) == (0, 0)


def test_a_lost_vector_is_waited_for_again(tx: apsw.Connection) -> None:
    assert standing(tx) == (3, 1)
    tx.execute("DELETE FROM memory_vectors WHERE embedding_rowid = 1")
    upkeep.mend(tx)
    assert standing(tx) == (2, 2)
    vectors.store(tx, [(1, VECTOR)], AT)
    assert standing(tx) == (3, 1) and upkeep.unindexed(tx) == 0
