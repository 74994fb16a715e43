"""What remembering costs at a thousand memories: adding one, finding by words, finding by words and meaning."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import apsw

from benchmarks import table
from drift_mcp.cortex import vectors
from drift_mcp.cortex.cortex import Cortex, NewMemory
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM, installed_weights
from drift_mcp.cortex.opened import Opened

_Given = TypeVar("_Given")

_MEMORIES = 1_000
_SEARCHES = 200
# Making a thousand vectors takes about ten seconds on a slow machine.
_PATIENCE_SECONDS = 600.0

_SUBJECTS = (
    "the retry of payments",
    "the cache of prices",
    "the queue of outgoing mail",
    "the migration of accounts",
    "the login by token",
    "the export of invoices",
    "the import of orders",
    "the search in products",
    "the rate limit of the API",
    "the background job for reports",
)
_CAUSES = (
    "it failed twice when the database was busy",
    "two requests wrote the same row",
    "the clock of one machine was late",
    "the response was larger than the buffer",
    "a currency without cents was rounded",
    "the connection was closed by the proxy",
    "names with umlauts were cut",
    "a test depended on the order of rows",
    "the lock was held during a network call",
    "the index did not fit the query",
)
_RULES = (
    "always give a time limit",
    "keep the transaction short",
    "write the row before the message",
    "compare hashes, not names",
    "log the identifier and never the content",
    "ask the owner before changing it",
    "run it in one process",
    "take the version from the database",
    "count the attempts in the table",
    "leave the old column until spring",
)

_INSERT = "INSERT INTO remembered (summary, content) VALUES (?, ?)"
_BY_WORDS = "SELECT rowid, bm25(memory_fts) FROM memory_fts WHERE memory_fts MATCH ? ORDER BY 2 LIMIT 50"
_BY_MEANING = "SELECT rowid, distance FROM memory_embeddings WHERE embedding MATCH ? AND k = 50"


def run(here: Path) -> None:
    questions = [f"{_CAUSES[n % 10].split()[-1]} {_SUBJECTS[n // 10 % 10]} case {n}" for n in range(_SEARCHES)]
    path = here / "cortex.db"
    weights = installed_weights()
    with Cortex.open(path, here, embedder=Embedder(MiniLM(None))) as cortex:
        adding = _timed(cortex.add, map(_memory, range(_MEMORIES)))
        words = _timed(cortex.search, questions)
    rows = [("add", adding, _bare_adding(here)), ("search by words", words, _bare_words(path, questions))]
    notes = []
    if weights is None:
        notes.append("No model is installed: finding by meaning was not measured.")
    else:
        model = Embedder(MiniLM(weights))
        with Cortex.open(path, here, embedder=model) as cortex:
            began = time.perf_counter()
            assert cortex.wait_for_model(_PATIENCE_SECONDS) == "ready", model.reason
            loaded = time.perf_counter() - began
            assert cortex.wait_for_vectors(_PATIENCE_SECONDS)
            made = time.perf_counter() - began - loaded
            fresh = _timed(cortex.search, questions)
            again = _timed(cortex.search, questions)
            assert cortex.search(questions[0]).found_by == "words and meaning"
        embed = _timed(model.vector, [f"{question} again" for question in questions])
        nearest = _bare_meaning(path, [vector for q in questions if (vector := model.vector(q)) is not None])
        rows.append(("search by words and meaning, new question", fresh, _added(embed, nearest)))
        rows.append(("search by words and meaning, asked before", again, nearest))
        notes.append(
            f"The model was ready after {loaded:.2f} s, and all vectors {made:.1f} s later, behind the answers; "
            f"making the vector of a question takes {table.median_ms(embed)} ms."
        )
    store = Opened.at(path)
    with store.transaction() as tx:
        pragmas = table.pragmas(tx)
    store.close()
    table.show(
        f"memory: {_MEMORIES:,} memories",
        "python -m benchmarks memory",
        pragmas,
        ("what", "median ms", "p95", "floor ms", "ratio"),
        [
            (name, table.median_ms(took), table.p95_ms(took), table.median_ms(floor), table.ratio(took, floor))
            for name, took, floor in rows
        ],
        [
            f"Medians of {_MEMORIES:,} and {_SEARCHES}. Floors: a commit of one row; one bare full-text question; one "
            "bare nearest-vector question, with the making of the vector where the question is new.",
            *notes,
        ],
    )


def _memory(number: int) -> NewMemory:
    subject, cause, rule = (kind[number // 10**place % 10] for place, kind in enumerate((_SUBJECTS, _CAUSES, _RULES)))
    return NewMemory(
        "tribal",
        f"Case {number}: {subject} went wrong because {cause}. Since then we {rule}, and case {number} did not return.",
        tags=(subject.split()[1],),
    )


def _timed(of: Callable[[_Given], object], each: Iterable[_Given]) -> list[float]:
    took = []
    for given in each:
        began = time.perf_counter()
        of(given)
        took.append(time.perf_counter() - began)
    return took


def _bare_adding(here: Path) -> list[float]:
    db = apsw.Connection(str(here / "bare.db"))
    try:
        db.pragma("journal_mode", "wal")
        db.pragma("synchronous", 1)
        db.execute("CREATE TABLE remembered (id INTEGER PRIMARY KEY, summary TEXT, content TEXT)")
        rows = [(memory.tags[0], memory.content) for memory in map(_memory, range(_MEMORIES))]
        return _timed(lambda row: db.execute(_INSERT, row).fetchall(), rows)
    finally:
        db.close()


def _bare_words(path: Path, questions: Sequence[str]) -> list[float]:
    db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    try:
        matches = [" OR ".join(f'"{word}"' for word in question.split()) for question in questions]
        return _timed(lambda match: db.execute(_BY_WORDS, (match,)).fetchall(), matches)
    finally:
        db.close()


def _bare_meaning(path: Path, asked: Sequence[bytes]) -> list[float]:
    extension = vectors.extension_path()
    assert extension is not None, "the model is here, and so is what searches its vectors"
    db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
    try:
        db.enable_load_extension(True)
        db.load_extension(str(extension))
        return _timed(lambda vector: db.execute(_BY_MEANING, (vector,)).fetchall(), asked)
    finally:
        db.close()


def _added(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [one + other for one, other in zip(first, second, strict=False)]
