"""Filters apply before the cut, whichever way the candidates are found: beside a comparison of all with all."""

from __future__ import annotations

import json
import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.cortex import candidates, filters, moments, nearest, rarity, vectors, words
from drift_mcp.cortex.candidates import Asked
from drift_mcp.cortex.cortex import Cortex, Filters, NewMemory, Revision
from drift_mcp.cortex.embeddings import Embedder, ModelIdentity
from drift_mcp.cortex.minilm import DEFAULT_MODEL, MiniLM
from drift_mcp.cortex.nearest import Nearest
from drift_mcp.cortex.opened import Opened

from .conftest import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 12
SMALL = replace(DEFAULT_MODEL, name="small", dimensions=16)
WORDS = ["zorbak", "quimpf", "vuxxol", "brenkt"]
TYPES = ["semantic", "tribal", "core"]
TAGS = ["Billing", "api", "Öl", "c++", "🔥"]
FILES = ["app/pay.py", "app/payments.py", "app/sub/cart.py", "lib/a.py"]
FUNCTIONS = ["app/pay.py::charge", "app/pay.py::Card.charge", "lib/a.py::b", "lib/a.py.bak::b"]
PATTERNS = ["00ff", "11ee"]
IMPORTANCE = ["low", "normal", "critical"]


def some(values: list[str], most: int = 2) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), unique=True, max_size=most)


def day(number: int) -> str:
    return moments.written(START + timedelta(days=number))


DAY = st.integers(0, DAYS).map(day)
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "add", "add", "revise", "archive", "supersede"]),
        st.integers(0, 50),  # which memory
        st.fixed_dictionaries(
            {
                "said": some(WORDS, 4),
                "type": st.sampled_from(TYPES),
                "tags": some(TAGS),
                "files": some(FILES),
                "functions": some(FUNCTIONS),
                "patterns": some(PATTERNS),
                "importance": st.sampled_from(IMPORTANCE),
            }
        ),
        st.none() | DAY,  # valid until
    ),
    min_size=1,
    max_size=25,
)
FILTERS = st.builds(
    Filters,
    types=some(TYPES),
    tags=some([*TAGS, "API", "öl", "none"]),
    files=some([*FILES, "app/", "app/sub/", "app", "app/pa", "./lib/a.py", "app/pay.py::charge", "app/pay.py::"]),
    functions=some([*FUNCTIONS, "app/pay.py::"]),
    patterns=some([*PATTERNS, "none"]),
    importance=some(IMPORTANCE),
    as_of=st.none() | DAY,
    valid_at=st.none() | DAY,
    include_archived=st.booleans(),
)


@contextmanager
def filled(changes: list[Any]) -> Iterator[Opened]:
    """A memory in which these changes were made, one a day or so, and every wording but each seventh has a vector."""
    with tempfile.TemporaryDirectory(prefix="drift-candidates-") as folder:
        root, clock = Path(folder), Clock(day(0))
        for file in FILES:
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            (root / file).write_text("x = 1\n")
        with Cortex.open(root / "cortex.db", root, clock=clock, embedder=Embedder(MiniLM(None))) as cortex:
            known: list[str] = []
            for number, (change, which, spec, until) in enumerate(changes):
                clock.set(day(number * DAYS // len(changes)))
                content = f"{' '.join(spec['said'])} case{number}"
                given = {name: spec[name] for name in ("tags", "files", "functions", "patterns", "importance")}
                memory = known[which % len(known)] if known else None
                if change == "add" or memory is None:
                    valid = until if until is not None and until > clock() else None
                    known.append(cortex.add(NewMemory(spec["type"], content, **given, valid_until=valid)).memory)
                elif change == "revise":
                    cortex.revise(memory, Revision(content=content, **given))
                elif change == "archive" and not cortex.get(memory).memory.archived:
                    cortex.archive(memory)
                elif change == "supersede" and cortex.get(memory).memory.superseded_by is None:
                    known.append(cortex.add(NewMemory(spec["type"], content, **given, supersedes=memory)).memory)
        opened = Opened.at(root / "cortex.db")
        try:
            with opened.transaction() as tx:
                embed_all(tx, SMALL)
            yield opened
        finally:
            opened.close()


def embed_all(tx: apsw.Connection, identity: ModelIdentity) -> None:
    model = vectors.name_model(tx, identity, day(0))
    vectors.mark_missing(tx, model)
    waiting = [each for each in vectors.pending(tx, model, 10_000) if each.embedding_rowid % 7]
    vectors.store(tx, [(each.embedding_rowid, vector(each.text)) for each in waiting], day(0))


def vector(text: str) -> bytes:
    numbers = np.random.default_rng(sum(text.encode())).standard_normal(SMALL.dimensions)
    return bytes((numbers / np.linalg.norm(numbers)).astype("<f4").tobytes())


@dataclass(frozen=True)
class Belief:
    """A version, and what its memory was linked to: each link with the time that it was believed."""

    version: int
    text: int
    type: str
    recorded: tuple[str, str | None]
    valid: tuple[str, str | None]
    archived: bool
    importance: str
    tags: list[str]
    files: list[tuple[str, str, str | None]]
    functions: list[tuple[str, str, str | None]]
    patterns: list[tuple[str, str, str | None]]


def beliefs(db: apsw.Connection) -> list[Belief]:
    links: dict[str, dict[int, list[tuple[str, str, str | None]]]] = {}
    for table, column in (("files", "file_path"), ("functions", "function_id"), ("patterns", "pattern_id")):
        links[table] = {}
        for key, *link in db.execute(f"SELECT memory_key, {column}, recorded_at, recorded_to FROM memory_{table}"):
            links[table].setdefault(key, []).append(tuple(link))
    rows = db.execute(
        "SELECT v.key, v.text_key, m.type, v.recorded_at, v.recorded_to, v.valid_from, v.valid_until, v.archived,"
        " v.importance, v.tags, m.key FROM memory_versions v JOIN memories m ON m.key = v.memory_key"
    )
    return [
        Belief(
            row[0], row[1], row[2], (row[3], row[4]), (row[5], row[6]), bool(row[7]), row[8], json.loads(row[9]),
            *(links[table].get(row[10], []) for table in ("files", "functions", "patterns")),
        )
        for row in rows
    ]  # fmt: skip


def passes(belief: Belief, asked: Filters, now: str) -> bool:
    """As the documentation of the filters says it, of one version."""
    as_of = moments.END_OF_TIME if asked.as_of is None else asked.as_of
    valid_at = asked.valid_at or asked.as_of or now

    def held(span: tuple[str, str | None], moment: str) -> bool:
        return span[0] <= moment and (span[1] is None or moment < span[1])

    def linked(links: list[tuple[str, str, str | None]]) -> list[str]:
        return [name for name, since, until in links if held((since, until), as_of)]

    def is_of(name: str, wanted: str) -> bool:
        return name == wanted or (wanted.endswith("/") and name.startswith(wanted))

    files = [file.removeprefix("./") for file in asked.files]
    functions = linked(belief.functions)
    speaks_of = any(is_of(file, wanted) for file in linked(belief.files) for wanted in files) or any(
        is_of(function, wanted) or function.startswith(f"{wanted}::") for function in functions for wanted in files
    )
    folded = {lowered(tag) for tag in belief.tags}
    return (
        held(belief.recorded, as_of)
        and held(belief.valid, valid_at)
        and (asked.include_archived or not belief.archived)
        and (not asked.types or belief.type in asked.types)
        and (not asked.importance or belief.importance in asked.importance)
        and (not asked.tags or any(tag.lower() in folded or lowered(tag) in folded for tag in asked.tags))
        and (not asked.files or speaks_of)
        and (not asked.functions or any(function in asked.functions for function in functions))
        and (not asked.patterns or any(pattern in asked.patterns for pattern in linked(belief.patterns)))
    )


def lowered(tag: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in tag)


def expected(
    db: apsw.Connection, asked: Filters, question: str, meant: bytes, model: int, now: str, most: int
) -> tuple[list[int], list[int]]:
    version = {belief.text: belief.version for belief in beliefs(db) if passes(belief, asked, now)}
    match = words.match_expression(words.terms(question))
    by_words = db.execute(
        "SELECT rowid FROM memory_fts WHERE memory_fts MATCH :match"
        " ORDER BY bm25(memory_fts, :summary, :body, :tag, :code), rowid",
        {**candidates._WEIGHTS, "match": match},
    )
    by_meaning = db.execute(
        "SELECT l.text_key FROM memory_vectors JOIN memory_embedding_link l USING (embedding_rowid)"
        " WHERE l.model_key = ? ORDER BY 1.0 - vec_distance_cosine(vector, ?) DESC, l.text_key",
        (model, meant),
    )
    return (
        [version[text] for (text,) in by_words if text in version][:most],
        [version[text] for (text,) in by_meaning if text in version][:most],
    )


# How many are few, how many a list holds, and how many are wanted of it: so small that each way is gone.
@pytest.mark.parametrize("few", [0, 3, 1_000])
@pytest.mark.parametrize(("pool", "listed"), [(3, 6), (100, 1_000)])
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, asked=st.lists(FILTERS, min_size=6, max_size=6), question=some(WORDS, 3), seed=st.integers())
def test_every_candidate_passes_and_the_best_that_pass_are_candidates(
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    pool: int,
    listed: int,
    changes: list[Any],
    asked: list[Filters],
    question: list[str],
    seed: int,
) -> None:
    monkeypatch.setattr(filters, "_FEW", few)
    monkeypatch.setattr(filters, "_FEW_SHARE", 0)
    monkeypatch.setattr(candidates, "_POOL", pool)
    monkeypatch.setattr(candidates, "_BEGINNING", listed // 2)
    monkeypatch.setattr(candidates, "_MOST_LISTED", listed)
    monkeypatch.setattr(nearest, "_MOST_LISTED", listed)
    said, meant = " ".join(question) or "zorbak", vector(str(seed))
    with filled(changes) as opened, opened.snapshot() as db:
        model = vectors.model_key(db, SMALL)
        assert model is not None
        for each in (*asked, Filters()):
            wanted = filters.bindings(each, day(DAYS))
            right = expected(db, each, said, meant, model, day(DAYS), pool)
            for near in (Nearest(0), Nearest()):
                found = candidates.found(db, near, Asked(said, meant, model), wanted)
                assert ([key for key, _ in found.by_words], [key for key, _ in found.by_meaning]) == right, each


# ---------------------------------------------------------------- plans


READS_ALL = re.compile(r"SCAN [vm]\b")  # versions, memories


@pytest.mark.parametrize(
    "asked",
    [
        Filters(types=["core"]),
        Filters(tags=["billing"]),
        Filters(files=["app/pay.py", "app/"]),
        Filters(functions=["app/pay.py::charge"]),
        Filters(patterns=["00ff"]),
        Filters(importance=["critical"]),
        Filters(as_of=day(1)),
        Filters(as_of=day(1), files=["app/pay.py"], include_archived=True),
        Filters(types=["core"], files=["app/pay.py"], importance=["high"], valid_at=day(2)),
    ],
    ids=str,
)
def test_a_filter_is_looked_up_and_not_compared_with_every_memory(tmp_path: Path, asked: Filters) -> None:
    opened = Opened.at(tmp_path / "cortex.db")
    with opened.snapshot() as db:
        wanted = filters.bindings(asked, day(3))
        plans = [
            plan(db, filters.visible(wanted) + filters._PASSING, {**wanted, "most": 1}),
            plan(db, filters._visible(wanted, {}) + filters._PASSING_AMONG, {**wanted, "texts": "[1]"}),
        ]
    opened.close()
    for steps in plans:
        assert not [step for step in steps if READS_ALL.match(step)], steps


def plan(db: apsw.Connection, statement: str, values: dict[str, Any]) -> list[str]:
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values)]


# ---------------------------------------------------------------- words


def crowded(opened: Opened, many: int) -> None:
    """Wordings that all say one thing, every tenth another, and one a third."""
    with opened.transaction() as tx:
        tx.execute("INSERT INTO memories (key, id, type, created_at) VALUES (1, 'mem_1', 'core', ?)", (day(0),))
        for number in range(1, many + 1):
            said = ["common", *(["tenth"] if number % 10 == 0 else []), *(["single"] if number == 1 else [])]
            tx.execute(
                "INSERT INTO memory_texts (memory_key, summary, body, tags, code, text_hash)"
                " VALUES (1, 'summary', ?, '', '', ?)",
                (" ".join(said), number.to_bytes(16, "big")),
            )


@pytest.mark.parametrize(
    ("most", "kept"),
    [
        (10_000, ["common", "tenth", "single", "nowhere"]),
        (1_500, ["nowhere", "single", "tenth"]),
        (500, ["nowhere", "single", "tenth"]),  # what is rarer would find too little
        (5, ["nowhere", "single"]),
    ],
)
def test_of_the_words_those_are_kept_that_are_rare_enough_together(tmp_path: Path, most: int, kept: list[str]) -> None:
    opened = Opened.at(tmp_path / "cortex.db")
    crowded(opened, 5_000)
    with opened.snapshot() as db:
        assert rarity.rarest(db, ["common", "tenth", "single", "nowhere"], most) == kept
    opened.close()


def test_of_a_large_memory_a_rare_word_chooses_and_all_words_rank(
    cortex: Cortex, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(60):
        cortex.add(
            NewMemory("tribal", f"the order of case{number} is kept" if number % 20 else f"the zorbak of case{number}")
        )
    both = cortex.add(NewMemory("tribal", "the zorbak keeps the order")).memory
    monkeypatch.setattr(candidates, "_MOST_SCORED", 10)
    found = cortex.search("order zorbak")
    assert found.hits[0].memory == both
    assert found.total == 4


@pytest.mark.parametrize("tag", ['say "hi"', "tags:", "a OR b", "(", "日本", "x" * 200, "*", "NEAR(a b)"])
def test_a_tag_is_found_whatever_it_is_made_of(cortex: Cortex, tag: str) -> None:
    tagged = cortex.add(NewMemory("tribal", "Charge once", tags=[tag])).memory
    cortex.add(NewMemory("tribal", "Charge twice", tags=["hi", "a", "x"]))
    assert [hit.memory for hit in cortex.search(None, Filters(tags=[tag])).hits] == [tagged]
    assert [hit.memory for hit in cortex.search("charge", Filters(tags=[tag, *["none"] * 60])).hits] == [tagged]


def test_a_question_of_any_kind_is_answered_by_a_large_memory_too(
    cortex: Cortex, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        cortex.add(NewMemory("tribal", f"charge the card of case{number} and keep the order"))
    monkeypatch.setattr(candidates, "_MOST_SCORED", 5)
    chance = random.Random(1)
    pieces = [
        '"',
        "charge",
        " OR ",
        "-",
        "AND",
        "(",
        ")",
        "*",
        "^",
        ":",
        "\0",
        "\ud800",
        "🔥",
        "カード",
        "{",
        "NOT",
        "order",
    ]
    for _ in range(60):
        cortex.search("".join(chance.choice(pieces) for _ in range(chance.randrange(1, 30))))
    assert cortex.search("charge order " + "x y z " * 17_000).hits
