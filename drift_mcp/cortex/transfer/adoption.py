"""Memories of a store that kept no history and checked no content, taken over as they are: with vectors of which
nobody knows the model.

Such vectors are kept as those of a model without a name. They answer no question, for another model's vectors never
mix, and they leave when today's model has made its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import apsw

from drift_mcp.cortex import vectors
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.transfer import export, merge
from drift_mcp.cortex.transfer.histories import History, Relationship, Run
from drift_mcp.cortex.transfer.reading import Problem, Told


class Foundling(NamedTuple):
    """One memory, and the vector that was with it."""

    history: History
    vector: bytes | None  # little-endian float32, of unit length


class Adopted(NamedTuple):
    """What became of each: 'imported', 'merged', 'already there', or 'kept': another history is here, and stays."""

    memories: Mapping[str, merge.Outcome]
    relationships: tuple[merge.Outcome, ...]
    runs: tuple[merge.Outcome, ...]
    vectors: int  # that were stored
    problems: tuple[Problem, ...]  # with any of these, nothing may be committed; `line` counts what was handed in


_TEXT = """
SELECT v.text_key
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key AND v.recorded_to IS NULL
WHERE m.id = ?
"""


def adopt(
    tx: apsw.Connection,
    memories: list[Foundling],
    relationships: list[Relationship],
    runs: list[Run],
    model: ModelIdentity | None,
    at: str,
) -> Adopted:
    """Takes all of them, in the caller's transaction. What is here already stays."""
    told = Told(
        list(enumerate((each.history for each in memories), 1)),
        list(enumerate(relationships, 1)),
        list(enumerate(runs, 1)),
        [],
        Counter(),
    )
    merging = merge.Merging(tx, told, model, at, "keep")
    stored = 0
    for each in memories:
        if each.vector is not None and merging.memories.get(each.history.id) == "imported":
            owner = vectors.name_model(tx, _unrecorded(len(each.vector) // 4), at)
            vectors.keep(tx, int(tx.execute(_TEXT, (each.history.id,)).get), owner, each.vector, at)
            stored += 1
    return Adopted(
        dict(merging.memories), tuple(merging.relationships), tuple(merging.runs), stored, tuple(merging.problems)
    )


def stands(db: apsw.Connection, history: History) -> bool:
    """Whether a memory that was imported stands here as it was told."""
    return export.history(db, history.id) == history


def _unrecorded(dimensions: int) -> ModelIdentity:
    return ModelIdentity("unrecorded", "", dimensions, "l2", "unknown", 1, "")
