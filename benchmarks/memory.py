"""What remembering costs at a thousand, ten thousand and a hundred thousand memories, in CPU time of the asking thread.

Adding one, finding by words, by words and meaning, and through filters; and what the search among vectors misses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

import apsw
import numpy as np
from numpy.typing import NDArray

from benchmarks import generated_memories, table
from drift_mcp.cortex import vectors
from drift_mcp.cortex.cortex import Cortex, Filters
from drift_mcp.cortex.embeddings import Embedder, Model
from drift_mcp.cortex.minilm import MiniLM, installed_weights
from drift_mcp.cortex.nearest import Nearest
from drift_mcp.cortex.opened import Opened

_Given = TypeVar("_Given")

_SIZES = (1_000, 10_000, 100_000)
_ADDED = 200
_QUESTIONS = 60
_PATIENCE_SECONDS = 600.0

_INSERT = "INSERT INTO remembered (summary, content) VALUES (?, ?)"
_BY_WORDS = "SELECT rowid, bm25(memory_fts) FROM memory_fts WHERE memory_fts MATCH ? ORDER BY 2 LIMIT 50"
_BY_MEANING = """
SELECT l.text_key
FROM (SELECT rowid, distance FROM memory_embeddings WHERE embedding MATCH ? AND k = 10) nearest
JOIN memory_embedding_link l ON l.embedding_rowid = nearest.rowid
"""


class _Aims(NamedTuple):
    """Milliseconds."""

    add: float
    words: float
    whole: float
    vectors: float


_AIMS = {1_000: _Aims(4, 3, 12, 10), 10_000: _Aims(4, 5, 15, 10), 100_000: _Aims(4, 20, 35, 10)}


class _Row(NamedTuple):
    what: str
    took: list[float]  # seconds
    aim: float | None
    floor: Sequence[float]


def run(here: Path, most: int) -> None:
    """Measures at each size up to `most` memories."""
    generated_memories.make_files(here)
    weights = installed_weights()
    model = None if weights is None else MiniLM(weights).load()
    real = None if model is None else generated_memories.real_vectors(model)
    for size in _SIZES:
        if size <= most:
            _measure(here, size, model, real)


def _measure(here: Path, size: int, model: Model | None, real: NDArray[np.float32] | None) -> None:
    path = here / f"{size}.db"
    opened = Opened.at(path)
    with opened.transaction() as tx:
        generated_memories.write(tx, size)
        if model is not None and real is not None:
            generated_memories.write_vectors(tx, model, real)
        pragmas = table.pragmas(tx)
    opened.close()
    aims = _AIMS[size]
    questions = [generated_memories.question(number) for number in range(_QUESTIONS)]
    others = [generated_memories.question(number) for number in range(_QUESTIONS, 2 * _QUESTIONS)]
    bare_words = _bare_words(path, questions)
    notes: list[str] = []
    with Cortex.open(path, here, embedder=Embedder(MiniLM(None))) as cortex:
        _timed(cortex.search, questions)  # what the first ones read from the file, the next ones have
        rows = [_Row("search by words", _timed(cortex.search, questions), aims.words, bare_words)]
    if model is None:
        notes.append("No model is installed: finding by meaning was not measured.")
    else:
        asked = [vector for question in others if (vector := model.question_vector(question)) is not None]
        exact, bare_meaning = _bare_meaning(path, asked)
        found, of_vectors, first = _by_vectors(path, model, asked)
        shared = [len({*ours} & {*right}) for ours, right in zip(found, exact, strict=True)]
        embed = _timed(model.question_vector, [f"{question}?" for question in others])
        floor = _added(bare_words, bare_meaning)
        with Cortex.open(path, here) as cortex:
            assert cortex.wait_for_model(_PATIENCE_SECONDS) == "ready"
            assert cortex.wait_for_vectors(_PATIENCE_SECONDS)
            cortex.search(questions[0])
            rows += [
                _Row(
                    "words and meaning, new question", _timed(cortex.search, others), aims.whole, _added(floor, embed)
                ),
                _Row("... asked before", _timed(cortex.search, others), aims.whole, floor),
                *(
                    _Row(f"... {name}", _timed(partial(cortex.search, filters=filters), others), None, floor)
                    for name, filters in _FILTERS.items()
                ),
                _Row("search among the vectors alone", of_vectors, aims.vectors, bare_meaning),
            ]
            assert cortex.search(others[0]).found_by == "words and meaning"
        notes += [
            f"Of the ten nearest, {sum(shared) / (10 * len(shared)):.3f} are found (recall@10).",
            f"A process's first search among the vectors takes {first * 1e3:.1f} ms.",
            f"Making the vector of a question takes {table.median_ms(embed)} ms.",
        ]
    with Cortex.open(path, here, embedder=Embedder(MiniLM(None))) as cortex:
        new = [generated_memories.memory(size + number) for number in range(_ADDED)]
        rows.insert(0, _Row("add", _timed(cortex.add, new), aims.add, _bare_adding(here / f"{size}-bare.db")))
    table.show(
        f"memory: {size:,} memories",
        f"python -m benchmarks memory --most {size}",
        pragmas,
        ("what", "CPU ms", "p95", "aim", "floor ms", "ratio"),
        [
            (
                row.what,
                table.median_ms(row.took),
                table.p95_ms(row.took),
                "" if row.aim is None else f"{row.aim:g}",
                table.median_ms(row.floor),
                table.ratio(row.took, row.floor),
            )
            for row in rows
        ],
        notes,
    )


_FILTERS = {
    "of a type that one in a thousand has": Filters(types=[generated_memories.RARE_TYPE]),
    "of one file in five hundred": Filters(files=[generated_memories.file(3)]),
    "of an importance that one in two hundred has": Filters(importance=["critical"]),
    "with a tag that every tenth has": Filters(tags=["billing"]),
    "of a type that every fourth has": Filters(types=["tribal"]),
}


def _timed(of: Callable[[_Given], object], each: Iterable[_Given]) -> list[float]:
    """CPU time of this thread: what others do on the machine, and what follows in the background, is not in it."""
    took = []
    for given in each:
        began = time.thread_time()
        of(given)
        took.append(time.thread_time() - began)
    return took


def _by_vectors(path: Path, model: Model, asked: Sequence[bytes]) -> tuple[list[list[int]], list[float], float]:
    """The ten nearest wordings of each, what that took, and what the first took, which reads the signs."""
    nearest, opened = Nearest(), Opened.at(path)
    try:
        with opened.snapshot() as db:
            key = vectors.model_key(db, model.identity)
            assert key is not None
            (first,) = _timed(lambda vector: nearest.of_all(db, key, vector), asked[:1])
            found = [[text for text, _ in nearest.of_all(db, key, vector).ranked[:10]] for vector in asked]
            return found, _timed(lambda vector: nearest.of_all(db, key, vector), asked), first
    finally:
        opened.close()


def _bare_adding(path: Path) -> list[float]:
    db = apsw.Connection(str(path))
    try:
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", 1)
        db.execute("CREATE TABLE remembered (id INTEGER PRIMARY KEY, summary TEXT, content TEXT)")
        new = [generated_memories.memory(number) for number in range(_ADDED)]
        return _timed(lambda each: db.execute(_INSERT, (each.tags[0], each.content)).fetchall(), new)
    finally:
        db.close()


def _bare_words(path: Path, questions: Sequence[str]) -> list[float]:
    db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    try:
        matches = [" OR ".join(f'"{word}"' for word in question.split()) for question in questions]
        return _timed(lambda match: db.execute(_BY_WORDS, (match,)).fetchall(), matches)
    finally:
        db.close()


def _bare_meaning(path: Path, asked: Sequence[bytes]) -> tuple[list[list[int]], list[float]]:
    """The ten nearest wordings of each, by the exact index, and what that took."""
    extension = vectors.extension_path()
    assert extension is not None, "the model is here, and so is what searches its vectors"
    db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    try:
        db.enable_load_extension(True)
        db.load_extension(str(extension))
        exact = [[text for (text,) in db.execute(_BY_MEANING, (vector,))] for vector in asked]
        return exact, _timed(lambda vector: db.execute(_BY_MEANING, (vector,)).fetchall(), asked)
    finally:
        db.close()


def _added(*floors: Sequence[float]) -> list[float]:
    return [sum(together) for together in zip(*floors, strict=False)]
