"""A question that was asked before takes no model, and how often that was so can be told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex import caches, precomputed
from drift_mcp.cortex.caches import QuestionCache, cache_key
from drift_mcp.cortex.cortex import Cortex, NewMemory
from drift_mcp.cortex.embeddings import Embedder, ModelIdentity
from drift_mcp.cortex.minilm import DEFAULT_MODEL, MiniLM, installed_weights
from drift_mcp.cortex.opened import Opened

from .bag import Bag
from .conftest import Clock

NOW = "2026-01-01T12:00:00.000Z"
OTHER = ModelIdentity("other", "1", 384, "l2", "mean", 256, "")
VECTOR = b"\0\0\x80\x3f" + b"\0" * 1532


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[apsw.Connection]:
    opened = Opened.at(tmp_path / "cortex.db")
    with opened.transaction() as tx:
        yield tx
    opened.close()


def counted(tx: apsw.Connection, **hits: int) -> bool:
    return caches.hits(tx) == {"memory": 0, "database": 0, "shipped": 0, "model": 0} | hits


def test_a_question_is_looked_for_in_memory_then_in_the_database_then_among_the_shipped(tx: apsw.Connection) -> None:
    first, second = QuestionCache(), QuestionCache()
    assert first.find(tx, DEFAULT_MODEL, "who keeps the keys", NOW) is None
    first.keep(DEFAULT_MODEL, "who keeps the keys", VECTOR)
    assert first.find(tx, DEFAULT_MODEL, "who keeps the keys ", NOW) == VECTOR
    first.write(tx, NOW)
    assert counted(tx, model=1, memory=1)
    for _ in range(2):
        assert second.find(tx, DEFAULT_MODEL, "who keeps the keys", NOW) == VECTOR
        shipped = second.find(tx, DEFAULT_MODEL, "error handling", NOW)
        assert shipped == precomputed.read(DEFAULT_MODEL.fingerprint).get(cache_key(DEFAULT_MODEL, "error handling"))
    second.write(tx, NOW)
    assert counted(tx, model=1, memory=3, database=1, shipped=1)
    assert caches.kept(tx) == 1  # what is shipped is not kept twice


def test_no_level_gives_the_vector_of_another_model(tx: apsw.Connection) -> None:
    cache = QuestionCache()
    cache.keep(DEFAULT_MODEL, "error handling", VECTOR)
    cache.write(tx, NOW)
    assert cache.find(tx, OTHER, "error handling", NOW) is None
    assert QuestionCache().find(tx, OTHER, "error handling", NOW) is None
    assert cache.find(tx, DEFAULT_MODEL, "error handling", NOW) == VECTOR


def test_a_question_that_is_used_again_another_day_is_written_again_and_the_same_day_not(tx: apsw.Connection) -> None:
    cache = QuestionCache()
    cache.keep(DEFAULT_MODEL, "who keeps the keys", VECTOR)
    cache.write(tx, NOW)
    for now, is_news in (("2026-01-01T23:59:59.999Z", False), ("2026-01-02T00:00:00.000Z", True)):
        again = QuestionCache()
        again.find(tx, DEFAULT_MODEL, "who keeps the keys", now)
        assert again.has_questions is is_news
        assert again.has_news  # a hit
        again.write(tx, now)
        assert not again.has_news
    (days,) = tx.execute("SELECT access_count FROM embedding_cache").fetchone() or ()
    assert days == 2


def test_a_common_question_is_answered_by_meaning_before_any_model_is_loaded(
    project: Path, clock: Clock, model: Embedder
) -> None:
    path = project / "cortex.db"
    with Cortex.open(path, project, clock=clock, embedder=model) as first:
        first.add(NewMemory("tribal", "Exceptions are translated at the door"))
        assert first.wait_for_vectors(60)
    cold = Embedder(MiniLM(installed_weights()))
    with Cortex.open(path, project, clock=clock, embedder=cold) as second:
        found = second.search("error handling")
        assert (found.found_by, found.model, cold.state) == ("words and meaning", "cold", "cold")
        assert "cosine" in found.hits[0].why


def test_hits_are_written_when_the_memory_is_closed_also_without_a_model(project: Path, clock: Clock) -> None:
    path = project / "cortex.db"
    with Cortex.open(path, project, clock=clock, embedder=Embedder(Bag())) as cortex:
        cortex.add(NewMemory("tribal", "Charge the card once"))
        assert cortex.wait_for_vectors(60)
        for question in ("the card", "the card", "a card"):
            assert cortex.search(question).found_by == "words and meaning"
    with Cortex.open(path, project, clock=clock, embedder=Embedder(Bag())) as cortex:
        assert cortex.search("the card").found_by == "words and meaning"
        with cortex._opened.snapshot() as db:
            assert caches.hits(db) == {"memory": 1, "database": 0, "shipped": 0, "model": 2}
    with Cortex.open(path, project, clock=clock, embedder=Embedder(Bag())) as cortex, cortex._opened.snapshot() as db:
        assert caches.hits(db) == {"memory": 1, "database": 1, "shipped": 0, "model": 2}


def test_in_memory_the_least_recently_used_leave(tx: apsw.Connection) -> None:
    cache = QuestionCache()
    for number in range(1_024):
        cache.keep(OTHER, f"question {number}", VECTOR)
    assert cache.find(tx, OTHER, "question 0", NOW) == VECTOR
    cache.keep(OTHER, "one more", VECTOR)
    assert cache.find(tx, OTHER, "question 0", NOW) == VECTOR
    assert cache.find(tx, OTHER, "question 1", NOW) is None
