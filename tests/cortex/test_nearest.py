"""The nearest are the same, found by the index, by signs or by comparing all; what is held follows the database."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import apsw
import numpy as np
import pytest
from numpy.typing import NDArray

from drift_mcp.cortex import vectors
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.minilm import DEFAULT_MODEL
from drift_mcp.cortex.nearest import Nearest
from drift_mcp.cortex.opened import Opened

DAY = "2026-01-01T00:00:00.000Z"
# Of the index; of signs that fill no 64; of no signs at all.
DIMENSIONS = [384, 72, 12]
ADD_TEXT = "INSERT INTO memory_texts (memory_key, summary, body, tags, code, text_hash) VALUES (1, 's', 'b', '', '', ?)"


class Store:
    """Wordings of one memory, each with a vector by one model."""

    def __init__(self, opened: Opened, dimensions: int) -> None:
        self.opened = opened
        self.identity = replace(DEFAULT_MODEL, dimensions=dimensions)
        with opened.transaction() as tx:
            tx.execute(
                "INSERT OR IGNORE INTO memories (key, id, type, created_at) VALUES (1, 'mem_1', 'core', ?)", (DAY,)
            )
            self.model = vectors.name_model(tx, self.identity, DAY)

    def add(self, made: NDArray[np.float32]) -> list[int]:
        with self.opened.transaction() as tx:
            return [added(tx, self.identity, vector.tobytes()) for vector in made]

    def forget(self, text: int) -> None:
        with self.opened.transaction() as tx:
            tx.execute("DELETE FROM memory_texts WHERE key = ?", (text,))

    def nearest(self, nearest: Nearest, vector: bytes, most: int = 10) -> list[int]:
        with self.opened.snapshot() as db:
            return [text for text, _ in nearest.of_all(db, self.model, vector).ranked[:most]]


def added(tx: apsw.Connection, model: ModelIdentity, vector: bytes) -> int:
    key = vectors.name_model(tx, model, DAY)
    number = tx.execute("SELECT ifnull(max(key), 0) + 1 FROM memory_texts").get
    tx.execute(ADD_TEXT, (number.to_bytes(16, "big"),))
    text = int(tx.execute("SELECT max(key) FROM memory_texts").get)
    vectors.mark_pending(tx, text, key)
    waiting = vectors.pending(tx, key, 1)
    vectors.store(tx, [(waiting[0].embedding_rowid, vector)], DAY)
    return text


def directions(many: int, dimensions: int, seed: int = 1) -> NDArray[np.float32]:
    """Unit vectors about a few centres, as texts about a few subjects are."""
    centres = np.random.default_rng(0).standard_normal((10, dimensions))
    chance = np.random.default_rng(seed)
    made = centres[chance.integers(10, size=many)] + 0.8 * chance.standard_normal((many, dimensions))
    unit: NDArray[np.float32] = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype("<f4")
    return unit


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    store = Opened.at(tmp_path / "cortex.db")
    yield store
    store.close()


@pytest.mark.parametrize("dimensions", DIMENSIONS)
@pytest.mark.parametrize("signs_from", [0, 1_000_000], ids=["many", "few"])
def test_the_nearest_come_in_order_with_their_cosines(opened: Opened, dimensions: int, signs_from: int) -> None:
    store = Store(opened, dimensions)
    made = directions(60, dimensions)
    texts = store.add(made)
    nearest = Nearest(signs_from)
    for question in directions(5, dimensions, seed=2):
        cosines = made @ question
        right = [texts[place] for place in np.argsort(-cosines)]
        with opened.snapshot() as db:
            listed = nearest.of_all(db, store.model, question.tobytes())
            among = nearest.among(db, store.model, question.tobytes(), texts[::3])
        assert listed.whole
        assert [text for text, _ in listed.ranked] == right
        assert [cosine for _, cosine in listed.ranked] == pytest.approx(sorted(cosines, reverse=True), abs=1e-5)
        assert [text for text, _ in among] == [text for text in right if text in texts[::3]]


@pytest.mark.parametrize("dimensions", [128, 72])
def test_among_many_the_signs_miss_next_to_nothing(opened: Opened, dimensions: int) -> None:
    store = Store(opened, dimensions)
    made = directions(2_400, dimensions)
    texts = np.array(store.add(made))
    nearest = Nearest(0)
    some = texts[texts % 9 != 0]  # more than are all compared
    found = found_among = 0
    for question in directions(20, dimensions, seed=2):
        cosines = made @ question
        right = texts[np.argsort(-cosines)]
        found += len({*store.nearest(nearest, question.tobytes())} & {*right[:10]})
        with opened.snapshot() as db:
            listed = nearest.of_all(db, store.model, question.tobytes())
            among = nearest.among(db, store.model, question.tobytes(), [int(text) for text in some])
        assert not listed.whole and len(listed.ranked) == 400
        found_among += len({text for text, _ in among[:10]} & {*right[np.isin(right, some)][:10]})
    # Of 200 each: recall@10 of 0.99.
    assert found >= 198
    assert found_among >= 198


def test_what_another_process_adds_is_found_and_what_is_forgotten_is_not(opened: Opened, tmp_path: Path) -> None:
    store, nearest = Store(opened, 384), Nearest(0)
    made = directions(30, 384)
    first = store.add(made[:10])
    assert store.nearest(nearest, made[3].tobytes(), 1) == [first[3]]
    other = Opened.at(tmp_path / "cortex.db")
    second = Store(other, 384).add(made[10:])
    other.close()
    assert store.nearest(nearest, made[20].tobytes(), 1) == [second[10]]
    store.forget(first[3])
    assert first[3] not in store.nearest(nearest, made[3].tobytes(), 30)


def test_a_number_that_is_given_again_stands_for_the_new_wording_alone(opened: Opened) -> None:
    store, nearest = Store(opened, 384), Nearest(0)
    made = directions(12, 384)
    texts = store.add(made[:10])
    store.nearest(nearest, made[0].tobytes())
    store.forget(texts[-1])
    (again,) = store.add(made[11:])
    assert again == texts[-1]
    found = store.nearest(nearest, made[11].tobytes(), 30)
    assert found[0] == again
    assert len(found) == len(set(found)) == 10


def test_a_snapshot_finds_nothing_that_came_after_it(opened: Opened) -> None:
    store, nearest = Store(opened, 384), Nearest(0)
    made = directions(12, 384)
    store.add(made[:5])
    with opened.snapshot() as before:
        before.execute("SELECT 1 FROM memories").fetchall()
        (late,) = store.add(made[11:])
        assert store.nearest(nearest, made[11].tobytes())[0] == late
        assert late not in [text for text, _ in nearest.of_all(before, store.model, made[11].tobytes()).ranked]


@pytest.mark.parametrize("signs_from", [0, 1_000_000])
def test_vectors_of_another_model_are_no_neighbours(opened: Opened, signs_from: int) -> None:
    store, nearest = Store(opened, 384), Nearest(signs_from)
    made = directions(8, 384)
    ours = store.add(made[:4])
    other = replace(DEFAULT_MODEL, name="another", revision="0" * 64)
    with opened.transaction() as tx:
        theirs = [added(tx, other, vector.tobytes()) for vector in made[4:]]
        other_key = vectors.model_key(tx, other)
    assert other_key is not None
    assert sorted(store.nearest(nearest, made[5].tobytes())) == ours
    with opened.snapshot() as db:
        listed = nearest.of_all(db, other_key, made[5].tobytes())
        assert sorted(text for text, _ in listed.ranked) == theirs
        assert nearest.among(db, other_key, made[5].tobytes(), ours) == []
    assert sorted(store.nearest(nearest, made[5].tobytes())) == ours


def test_where_there_are_no_vectors_there_is_nothing_near(opened: Opened) -> None:
    store = Store(opened, 384)
    for nearest in (Nearest(0), Nearest()):
        assert store.nearest(nearest, directions(1, 384).tobytes()) == []


def test_equal_vectors_come_in_the_order_of_their_wordings(opened: Opened) -> None:
    store = Store(opened, 384)
    texts = store.add(np.repeat(directions(1, 384), 700, axis=0))
    found = store.nearest(Nearest(0), directions(1, 384).tobytes(), 1_000)
    assert found == texts[:400]


def test_threads_share_what_is_held_while_it_grows(opened: Opened) -> None:
    store, nearest = Store(opened, 72), Nearest(0)
    made = directions(600, 72)
    texts = store.add(made[:1])
    wrong: list[list[int]] = []

    def ask() -> None:
        answers = [store.nearest(nearest, made[0].tobytes(), 1) for _ in range(100)]
        wrong.extend(answer for answer in answers if answer != texts[:1])

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for asker in askers:
        asker.start()
    for start in range(1, 600, 40):
        texts += store.add(made[start : start + 40])
    for asker in askers:
        asker.join()
    assert wrong == []
    assert all(store.nearest(nearest, made[place].tobytes(), 1) == [texts[place]] for place in range(0, 600, 50))


def test_numpy_waits_until_there_are_signs_to_compare() -> None:
    asked = "import sys; from drift_mcp.cortex import cortex, nearest; nearest.Nearest(); print('numpy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
