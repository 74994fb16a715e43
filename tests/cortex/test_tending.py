"""What goes on behind an open memory: models change and come back, and nothing is lost when that is broken off."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from drift_mcp.cortex.cortex import Cortex, NewMemory, Standing
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM, installed_weights

from .bag import Bag

WAIT = 60.0


def opened(project: Path, source: Bag, idle_seconds: float = 600.0) -> Cortex:
    return Cortex.open(project / "cortex.db", project, embedder=Embedder(source), idle_seconds=idle_seconds)


def told(project: Path, source: Bag, number: int) -> None:
    """So many memories, each with its vector."""
    with opened(project, source) as cortex:
        for each in range(number):
            cortex.add(NewMemory("tribal", f"Case {each} of the card that was charged"))
        assert cortex.wait_for_vectors(WAIT)


def rows(cortex: Cortex) -> dict[str, int]:
    """What there is of vectors, whosever they are."""
    tables = ("embedding_models", "memory_embedding_link", "memory_vectors", "memory_bits", "memory_embeddings")
    with cortex._opened.snapshot() as db:
        return {table: db.execute(f"SELECT count(*) FROM {table}").get for table in tables}


def models(cortex: Cortex) -> dict[str, tuple[int, int]]:
    """Name → vectors made and marks that wait."""
    with cortex._opened.snapshot() as db:
        found = db.execute(
            "SELECT m.name, count(*) FILTER (WHERE l.state = 'ready'), count(*) FILTER (WHERE l.state = 'pending') "
            "FROM embedding_models m LEFT JOIN memory_embedding_link l ON l.model_key = m.key GROUP BY m.key"
        ).fetchall()
    return {name: (ready, pending) for name, ready, pending in found}


# ---------------------------------------------------------------- another model


@pytest.mark.parametrize(("dimensions", "bits", "indexed"), [(384, 20, 20), (768, 20, 0), (100, 0, 0)])
def test_vectors_of_the_model_before_leave_when_all_new_ones_are_made(
    project: Path, dimensions: int, bits: int, indexed: int
) -> None:
    told(project, Bag("first"), 20)
    with opened(project, Bag("second", dimensions)) as cortex:
        assert cortex.standing().vectors_pending == 20
        assert cortex.wait_for_vectors(WAIT)
        assert models(cortex) == {"second": (20, 0)}
        assert rows(cortex) == {
            "embedding_models": 1,
            "memory_embedding_link": 20,
            "memory_vectors": 20,
            "memory_bits": bits,
            "memory_embeddings": indexed,
        }


def test_re_embedding_that_is_broken_off_goes_on_where_it_was(project: Path) -> None:
    told(project, Bag("first"), 40)
    seen: list[tuple[int, int]] = []
    for attempt in range(1, 4):
        source = Bag("second", most=20)
        cortex = opened(project, source)
        try:
            cortex.make_vectors(lambda done, total: seen.append((done, total)))
        except KeyboardInterrupt:
            # Of twenty that were made, one batch of sixteen was stored; nothing of the first model went.
            assert models(cortex) == {"first": (40, 0), "second": (16 * attempt, 40 - 16 * attempt)}
            standing = cortex.standing()
            assert (standing.vectors_ready, standing.vectors_pending) == (16 * attempt, 40 - 16 * attempt)
        finally:
            cortex.close()
    assert seen == [(0, 40), (16, 40), (0, 24), (16, 24), (0, 8), (8, 8)]
    with opened(project, Bag("second")) as cortex:
        assert models(cortex) == {"second": (40, 0)}


def test_a_model_that_came_back_finds_its_vectors_as_they_were(project: Path) -> None:
    told(project, Bag("first"), 20)
    cortex = opened(project, Bag("second", most=3))
    with pytest.raises(KeyboardInterrupt):
        cortex.make_vectors()
    cortex.close()
    again = Bag("first")
    with opened(project, again) as cortex:
        assert cortex.wait_for_vectors(WAIT)
        assert models(cortex) == {"first": (20, 0)}
    assert again.made == []


def test_of_two_processes_with_two_models_the_later_has_its_way(project: Path) -> None:
    told(project, Bag("first"), 5)
    with opened(project, Bag("first")) as old, opened(project, Bag("second")) as new:
        assert old.wait_for_vectors(WAIT) and new.wait_for_vectors(WAIT)
        assert models(new) == {"second": (5, 0)}
        old.add(NewMemory("tribal", "Refunds take a week"))
        assert old.wait_for_vectors(WAIT)
        assert old.search("refunds").hits  # by words, if not by meaning
        assert models(new)["second"] == (5, 0)
        assert new.wait_for_vectors(WAIT)
        assert models(new) == {"second": (6, 0)}


def test_a_model_that_is_known_only_once_it_is_loaded_marks_what_was_written_before(project: Path) -> None:
    told(project, Bag("first"), 3)
    with opened(project, Bag("second", 100, is_known=False)) as cortex:
        cortex.add(NewMemory("tribal", "Refunds take a week"))
        assert models(cortex) == {"first": (3, 0)}
        assert cortex.standing() == Standing(4, "cold", "", 0, 4)
        found = cortex.search("refunds")
        assert (found.found_by, found.pending) == ("words", 4)
        assert cortex.wait_for_vectors(WAIT)
        assert models(cortex) == {"second": (4, 0)}
    # Its name is known now: another process can tell how it stands before it has loaded it.
    with opened(project, Bag("second", 100, is_known=False)) as cortex:
        assert cortex.standing() == Standing(4, "cold", "", 4, 0)


# ---------------------------------------------------------------- letting go


def test_a_model_that_nobody_asks_is_let_go_and_comes_back_with_the_next_question(project: Path) -> None:
    source, gone = Bag(), threading.Event()
    with opened(project, source, idle_seconds=0.01) as cortex:
        cortex.add(NewMemory("tribal", "Charge the card once"))
        drop = cortex._embedder.drop

        def dropped() -> None:
            drop()
            gone.set()

        cortex._embedder.drop = dropped  # type: ignore[method-assign]
        assert cortex.wait_for_vectors(WAIT)
        assert gone.wait(WAIT)
        assert cortex.search("the card").found_by == "words and meaning"
        assert source.loads >= 2


def test_a_question_that_was_asked_before_needs_no_model_to_come_back(project: Path) -> None:
    source = Bag()
    told(project, source, 1)
    with opened(project, source) as cortex:
        assert cortex.wait_for_vectors(WAIT)
        assert cortex.search("the card").found_by == "words and meaning"
        cortex._embedder.drop()
        found = cortex.search("the card")
        assert (found.found_by, found.model) == ("words and meaning", "cold")


def test_the_default_model_comes_back_as_it_was() -> None:
    embedder = Embedder(MiniLM(installed_weights()))
    assert embedder.load() == "ready"
    before = embedder.vector("charge the card")
    kept = embedder.model
    embedder.drop()
    embedder.drop()
    assert (embedder.state, embedder.model) == ("cold", None)
    assert kept is not None and kept.vector("charge the card") == before  # whoever was at it goes on
    assert embedder.load() == "ready"
    assert embedder.vector("charge the card") == before
