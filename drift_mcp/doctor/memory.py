"""What the rows of cortex.db say of vectors, the model that makes them, and the caches that spare it work."""

from __future__ import annotations

from typing import Final

import apsw

from drift_mcp.cortex import caches, precomputed, upkeep, vectors
from drift_mcp.cortex.embeddings import Source
from drift_mcp.doctor.findings import Finding

_WHERE: Final = "cortex.db"

CHECKS: Final = frozenset({"vectors", "vector index"})
# Mended by the model, not in the database alone.
MADE: Final = frozenset({"pending", "models"})


def look(copy: apsw.Connection, model: Source) -> tuple[list[Finding], dict[str, int | str | bool | None]]:
    """`copy`: cortex.db in memory; `model`: what is to make its vectors. Gives what was found, and how it stands."""
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
    identity = model.identity
    key = vectors.last_named(copy, model.name) if identity is None else vectors.model_key(copy, identity)
    standing = vectors.standing(copy, key)
    lacking = model.lacking()
    if lacking is not None:
        what = f"memories are found by their words only: {lacking}"
        found.append(Finding("model", "info", _WHERE, what, "Their vectors are made as soon as the model is there."))
    if standing.pending:
        whole = standing.ready + standing.pending
        what = f"texts of memories that have their vector: {standing.ready:,} of {whole:,} (the others: found by words)"
        todo = "The others get theirs now; a server makes them in the background, and so does `drift memory search`."
        found.append(Finding("pending", "info", _WHERE, what, todo, is_fixable=lacking is None))
    others = [each for each in upkeep.models(copy) if each.key != key and each.ready]
    if others:
        names = ", ".join(f"{each.model} ({each.ready:,})" for each in others)
        what = f"vectors of other models are kept beside those of today's: {names}"
        todo = "They go when today's model has made all of its own."
        found.append(Finding("models", "info", _WHERE, what, todo, is_fixable=lacking is None))
    shipped = None if identity is None else precomputed.read(identity.fingerprint)
    if shipped is not None and shipped.reason:
        what = f"no vectors of common questions are at hand: {shipped.reason}"
        found.append(Finding("shipped", "warning", _WHERE, what, "Install drift-mcp again in this environment."))
    return found, {
        "model": model.name,
        "model_state": "installed" if lacking is None else "absent",
        "model_reason": lacking,
        "vectors": standing.ready,
        "vectors_pending": standing.pending,
        "questions_in_database": caches.kept(copy),
        "questions_shipped": 0 if shipped is None else len(shipped.places),
        **{f"questions_from_{level}": number for level, number in caches.hits(copy).items()},
    }


def mend(tx: apsw.Connection) -> None:
    upkeep.mend(tx)
