"""Vectors follow the wordings, never lead them, and never mix between models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex import caches, vectors
from drift_mcp.cortex.caches import cache_key
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.memories import NewMemory, Revision
from drift_mcp.cortex.minilm import DEFAULT_MODEL, MiniLM

from .conftest import Clock


def test_a_vector_that_this_process_did_not_make_is_made_by_the_next(
    project: Path, clock: Clock, model: Embedder
) -> None:
    path = project / "cortex.db"
    with Cortex.open(path, project, clock=clock, embedder=Embedder(MiniLM(None))) as first:
        first.add(NewMemory("tribal", "Charge once"))
        assert first.standing().vectors_pending == 1
    with Cortex.open(path, project, clock=clock, embedder=model) as second:
        assert second.wait_for_vectors(60)
        standing = second.standing()
        assert (standing.vectors_ready, standing.vectors_pending) == (1, 0)
        assert second.search("billing a customer").found_by == "words and meaning"


def test_a_revised_text_waits_for_a_vector_of_its_own(cortex: Cortex, project: Path, model: Embedder) -> None:
    memory = cortex.add(NewMemory("tribal", "Charge once")).memory
    with Cortex.open(project / "cortex.db", project, embedder=model) as thinking:
        assert thinking.wait_for_vectors(60)
    cortex.revise(memory, Revision(content="Ship on Tuesday"))
    cortex.confirm(memory)
    with cortex._opened.snapshot() as db:
        linked = db.execute(
            "SELECT v.version, l.state FROM memory_versions v JOIN memory_embedding_link l USING (text_key)"
            " ORDER BY v.version"
        ).fetchall()
    assert linked == [(1, "ready"), (2, "pending"), (3, "pending")]


def test_a_text_without_meaning_to_the_model_does_not_wait_for_ever(thinking: Cortex) -> None:
    thinking.add(NewMemory("tribal", "🔥🔥🔥"))
    thinking.add(NewMemory("tribal", "Charge once"))
    assert thinking.wait_for_vectors(60)
    assert (thinking.standing().vectors_ready, thinking.standing().vectors_pending) == (1, 0)


def test_another_model_marks_everything_again_and_keeps_the_old_vectors(thinking: Cortex) -> None:
    thinking.add(NewMemory("tribal", "Charge once"))
    assert thinking.wait_for_vectors(60)
    other = replace(DEFAULT_MODEL, name="another", revision="0" * 64)
    with thinking._opened.transaction() as tx:
        assert vectors.standing(tx, vectors.model_key(tx, other)) == (0, 1)
        assert vectors.mark_missing(tx, vectors.name_model(tx, other, "2026-01-01T00:00:00.000Z")) == 1
        assert vectors.mark_missing(tx, vectors.name_model(tx, other, "2026-01-01T00:00:00.000Z")) == 0
    assert thinking.standing().vectors_ready == 1
    assert thinking.search("billing").found_by == "words and meaning"


def test_the_index_is_made_again_from_the_stored_vectors(thinking: Cortex) -> None:
    for text in ("Charge once", "Ship on Tuesday", "Guests have no id"):
        thinking.add(NewMemory("tribal", text))
    assert thinking.wait_for_vectors(60)
    before = [(hit.memory, hit.why["cosine"]) for hit in thinking.search("billing a customer").hits]
    with thinking._opened.transaction() as tx:
        vectors.rebuild_index(tx)
    assert [(hit.memory, hit.why["cosine"]) for hit in thinking.search("billing a customer").hits] == before


def test_a_vector_that_is_none_is_never_stored(thinking: Cortex) -> None:
    with pytest.raises(AssertionError, match="unit length"), thinking._opened.transaction() as tx:
        model = vectors.name_model(tx, DEFAULT_MODEL, "2026-01-01T00:00:00.000Z")
        tx.execute("INSERT INTO memories (id, type, created_at) VALUES ('mem_x', 'core', '2026-01-01T00:00:00.000Z')")
        tx.execute("INSERT INTO memory_texts VALUES (1, 1, 's', 'b', 't', 'c', zeroblob(16))")
        vectors.mark_pending(tx, 1, model)
        rowid = tx.execute("SELECT embedding_rowid FROM memory_embedding_link").get
        vectors.store(tx, [(rowid, b"\0\0\xc0\x7f" * 384)], "2026-01-01T00:00:00.000Z")


def test_the_vector_of_a_question_outlives_the_process(project: Path, clock: Clock, model: Embedder) -> None:
    path = project / "cortex.db"
    with Cortex.open(path, project, clock=clock, embedder=model) as first:
        first.add(NewMemory("tribal", "Charge once"))
        assert first.wait_for_vectors(60)
        assert first.search("billing a customer").found_by == "words and meaning"
        assert first.wait_for_vectors(60)
    # No model any more: the answer by meaning comes from the cache.
    with Cortex.open(path, project, clock=clock, embedder=Embedder(MiniLM(None))) as second:
        found = second.search("billing a customer")
        assert (found.found_by, found.model) == ("words and meaning", "absent")
        assert second.search("another question").found_by == "words"


def test_the_cache_of_questions_keeps_the_ones_used_last(cortex: Cortex) -> None:
    keys = [cache_key(DEFAULT_MODEL, f"question {n}") for n in range(4)]
    vector = b"\0\0\x80\x3f" + b"\0" * 1532
    with cortex._opened.transaction() as tx:
        for day, key in enumerate(keys, start=1):
            caches.keep_questions(tx, [(key, vector)], f"2026-01-0{day}T00:00:00.000Z")
        caches.keep_questions(tx, [(keys[0], vector)], "2026-01-05T00:00:00.000Z", most=3)
        assert [caches.kept_question(tx, key) is not None for key in keys] == [True, False, True, True]
        kept = caches.kept_question(tx, keys[0])
        assert kept is not None and kept.last_access.startswith("2026-01-05")


def test_two_processes_that_make_the_same_vector_store_it_once(thinking: Cortex, model: Embedder) -> None:
    thinking.add(NewMemory("tribal", "Charge once"))
    vector = model.vector("Charge once")
    with thinking._opened.transaction() as tx:
        waiting = vectors.pending(tx, vectors.name_model(tx, DEFAULT_MODEL, "2026-01-01T00:00:00.000Z"), 10)
        for _ in range(2):
            vectors.store(tx, [(each.embedding_rowid, vector) for each in waiting], "2026-01-01T00:00:00.000Z")
        assert tx.execute("SELECT count(*) FROM memory_embeddings").get == 1


def test_a_vector_is_never_stored_for_another_wording_of_the_same_number(cortex: Cortex) -> None:
    """As after a restore, between the reading of a wording and the storing of its vector."""
    with cortex._opened.transaction() as tx:
        model = vectors.name_model(tx, DEFAULT_MODEL, "2026-01-01T00:00:00.000Z")
        tx.execute("INSERT INTO memories (id, type, created_at) VALUES ('mem_x', 'core', '2026-01-01T00:00:00.000Z')")
        for key in (1, 2, 3):
            tx.execute(
                "INSERT INTO memory_texts VALUES (?, 1, ?, 'b', 't', 'c', ?)", (key, f"s{key}", bytes([key] * 16))
            )
            vectors.mark_pending(tx, key, model)
        seen = vectors.pending(tx, model, 3)
        vectors.store(tx, [(seen[2].embedding_rowid, None)], "2026-01-01T00:00:00.000Z")
        before = [seen[0], seen[1]._replace(text="what it was before"), seen[2]]
        assert vectors.still_pending(tx, model, before) == [seen[0]]
        assert vectors.still_pending(tx, model, ()) == []


def test_the_extension_is_found_without_its_package() -> None:
    path = vectors.extension_path()
    assert path is not None
    db = apsw.Connection(":memory:")
    db.enable_load_extension(True)
    db.load_extension(str(path))
    assert str(db.execute("SELECT vec_version()").get).startswith("v0.1")
