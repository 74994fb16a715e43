"""Whether a search finds what answers the question: by words alone, by vectors alone, by both together, and in
conversations with links between neighbouring turns, on public labelled sets; beside it what others published.

Counts what is found, never whether somebody who reads it would answer rightly. Fetches nothing: see `labelled`.
"""

from __future__ import annotations

import itertools
import math
import os
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import labelled, table
from benchmarks.labelled import Collection, Question, Split
from drift_mcp.cortex import vectors
from drift_mcp.cortex.cortex import Cortex, NewMemory
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import DEFAULT_MODEL, MiniLM, installed_weights
from drift_mcp.cortex.nearest import Nearest
from drift_mcp.cortex.opened import Opened
from drift_mcp.errors import DriftError

_COMMAND: Final = "RETRIEVAL_DATA=DIR python -m benchmarks retrieval"
_WORDS, _VECTORS, _TOGETHER, _LINKED = "words alone", "vectors alone", "together", "together, with links"
# The sessions that turns belong to are counted down to here: as far as words alone, or vectors alone, are listed.
_DEPTH: Final = 50
# The vectors of some thousand functions, on a slow machine that has other work.
_PATIENCE_SECONDS: Final = 3_600.0

_MEMORY_OF: Final = """
SELECT v.text_key, m.id
FROM memory_versions v
JOIN memories m ON m.key = v.memory_key
"""


class Score(NamedTuple):
    """Of one question. `at_5`: the share of what answers it that is among the first five; `sessions_at_5`: the share of
    the sessions that hold it, among the first five in the order in which their turns were found."""

    split: Split
    at_5: float
    at_10: float
    reciprocal_rank: float
    sessions_at_5: float
    sessions_at_10: float


class Measured(NamedTuple):
    """`scores`: by the way in which it was found, each in the order of the questions. `refused`: how many of the texts
    the memory did not take."""

    scores: dict[str, list[Score]]
    texts: int
    refused: int


_Told = dict[str, list[str]]  # memory → the names of its texts: two that say the very same are one memory


def run(here: Path) -> None:
    folder = Path(os.environ.get("RETRIEVAL_DATA", ""))
    measured: dict[str, Measured] = {}
    sources: list[str] = []
    for each in labelled.SETS:
        if missing := each.missing(folder):
            print(
                f"{each.name} is left out: no {', '.join(missing)} in the folder RETRIEVAL_DATA. It is {each.source}.",
                flush=True,
            )
        else:
            measured[each.name] = _measured(each.read(folder), here / each.name, is_talk=each.is_talk)
            sources.append(each.told(folder))
    if measured:
        _show(measured, sources)


def _measured(collections: Sequence[Collection], here: Path, *, is_talk: bool) -> Measured:
    scores: dict[str, list[Score]] = {}
    kept = 0
    for number, collection in enumerate(collections):
        place = here / str(number)
        place.mkdir(parents=True)
        told = _remembered(collection, place)
        kept += sum(map(len, told.values()))
        part_of = {text.name: text.part for text in collection.texts}
        for way, answers in _asked(collection, told, place, is_talk=is_talk):
            for question, found in zip(collection.questions, answers, strict=True):
                scores.setdefault(way, []).append(_score(question, found, part_of))
    texts = sum(len(each.texts) for each in collections)
    return Measured(scores, texts, refused=texts - kept)


def _remembered(collection: Collection, place: Path) -> _Told:
    told: _Told = {}
    with _opened(place, with_model=False) as cortex:
        for text in collection.texts:
            try:
                written = cortex.add(NewMemory("semantic", text.said))
            except DriftError:  # a function with a password in it, say: not kept, so not found, and counted as that
                continue
            told.setdefault(written.memory, []).append(text.name)
    return told


def _asked(collection: Collection, told: _Told, place: Path, *, is_talk: bool) -> Iterator[tuple[str, list[list[str]]]]:
    """(way, for each question the names of what was found, the best first)."""
    questions = [question.asked for question in collection.questions]
    with _opened(place, with_model=False) as cortex:
        yield _WORDS, [_names(_searched(cortex, question), told) for question in questions]
    if installed_weights() is None:
        return
    with _opened(place, with_model=True) as cortex:
        assert cortex.wait_for_vectors(_PATIENCE_SECONDS), cortex.standing().model_reason
        yield _VECTORS, [_names(found, told) for found in _nearest(place, questions)]
        yield _TOGETHER, [_names(_searched(cortex, question), told) for question in questions]
        if is_talk:
            _link(cortex, collection, told)
            yield _LINKED, [_names(_searched(cortex, question), told) for question in questions]


def _opened(place: Path, *, with_model: bool) -> Cortex:
    weights = installed_weights() if with_model else None
    return Cortex.open(place / "cortex.db", place, embedder=Embedder(MiniLM(weights)))


def _searched(cortex: Cortex, question: str) -> list[str]:
    return [hit.memory for hit in cortex.search(question, limit=_DEPTH).hits]


def _nearest(place: Path, questions: Iterable[str]) -> Iterator[list[str]]:
    """For each question the memories nearest to it, as a search has them before it looks at anything else."""
    model = Embedder(MiniLM(installed_weights()))
    assert model.load() == "ready", model.reason
    with closing(Opened.at(place / "cortex.db")) as opened, opened.snapshot(timeout_seconds=_PATIENCE_SECONDS) as db:
        nearest, key = Nearest(), vectors.model_key(db, DEFAULT_MODEL)
        memory_of: dict[int, str] = dict(db.execute(_MEMORY_OF))
        for question in questions:
            vector = model.vector(question)
            assert key is not None and vector is not None, "the vectors are made, and every question has words"
            yield [memory_of[text] for text, _ in nearest.of_all(db, key, vector).ranked[:_DEPTH]]


def _names(memories: Iterable[str], told: _Told) -> list[str]:
    return [name for memory in memories for name in told[memory]]


def _link(cortex: Cortex, collection: Collection, told: _Told) -> None:
    """Relates each turn to the next one of its session."""
    holding = {name: memory for memory, names in told.items() for name in names}
    for turn, following in itertools.pairwise(collection.texts):
        one, other = holding.get(turn.name), holding.get(following.name)
        if turn.part == following.part and one and other and one != other:
            cortex.relate(one, "related", other)


def _score(question: Question, found: Sequence[str], part_of: Mapping[str, str]) -> Score:
    right = question.right
    sessions = {part_of[name] for name in right}
    walked = list(dict.fromkeys(part_of[name] for name in found))
    first = next((rank for rank, name in enumerate(found, start=1) if name in right), math.inf)
    return Score(
        question.split,
        at_5=len(right.intersection(found[:5])) / len(right),
        at_10=len(right.intersection(found[:10])) / len(right),
        reciprocal_rank=1 / first,
        sessions_at_5=len(sessions.intersection(walked[:5])) / len(sessions),
        sessions_at_10=len(sessions.intersection(walked[:10])) / len(sessions),
    )


# ---------------------------------------------------------------- telling

# (heading, whose questions, which field of a score)
_FIGURES: Final[tuple[tuple[str, tuple[Split, ...], str], ...]] = (
    ("test R@5", ("test",), "at_5"),
    ("R@10", ("test",), "at_10"),
    ("MRR", ("test",), "reciprocal_rank"),
    ("all R@5", ("dev", "test"), "at_5"),
    ("R@10", ("dev", "test"), "at_10"),
    ("MRR", ("dev", "test"), "reciprocal_rank"),
    ("dev R@5", ("dev",), "at_5"),
    ("R@10", ("dev",), "at_10"),
)

# (whose, on what, what is counted, figure)
_PUBLISHED: Final = (
    ("MemPalace, raw (MiniLM)", "LoCoMo", "R@10 of sessions, their text cut at 256 tokens", ".603"),
    ("MemPalace, raw (MiniLM)", "LoCoMo", "R@10 of turns", ".480"),
    ("MemPalace, hybrid v5", "LoCoMo", "R@5, R@10 of sessions", ".837, .889"),
    ("MemPalace, hybrid v5 with bge-large", "LoCoMo", "R@10 of sessions", ".924"),
    ("basic-memory, after #994", "LoCoMo", "R@5 of sessions, MRR", ".823, .718"),
    ("deja-vu, by words", "LoCoMo", "R@5 of sessions", ".780"),
    ("graph-memory, by words in two stages", "LoCoMo", "all right sessions within 5, within 10", ".829, .902"),
    ("Memori, as MemPalace quotes it", "LoCoMo", "not said", ".820"),
)


def _show(measured: Mapping[str, Measured], sources: Sequence[str]) -> None:
    rows = [_row(name, way, [scores]) for name, each in measured.items() for way, scores in each.scores.items()]
    means = _means(measured)
    rows += [_row("mean", way, sets) for way, sets in means.items()]
    columns = ("set", "found by", *(heading for heading, _, _ in _FIGURES), "± of test R@10")
    table.show("retrieval", _COMMAND, "", columns, rows, [*_notes(measured, means), *sources])
    ours = [
        ("this", name, f"R@5, R@10 of sessions, {way}", ", ".join(map(_three, _of_sessions(scores))))
        for name, each in measured.items()
        if _LINKED in each.scores
        for way, scores in each.scores.items()
    ]
    table.show(
        "retrieval: beside what others published",
        _COMMAND,
        "",
        ("whose", "on", "what is counted", "figure"),
        [*ours, *_PUBLISHED],
        [
            "Theirs as they published it; none was repeated here, and the measures differ: R@k here is the share of "
            "the right sessions that is found, where some take any of them for all, and some search sessions whole. No "
            "language model is asked, there or here."
        ],
    )


def _row(name: str, way: str, sets: Sequence[Sequence[Score]]) -> tuple[str, ...]:
    """Of several sets, the mean of theirs."""
    figures = [
        statistics.fmean(statistics.fmean(_values(each, whose, what)) for each in sets) for _, whose, what in _FIGURES
    ]
    return name, way, *map(_three, figures), _three(_uncertainty([_values(each, ("test",), "at_10") for each in sets]))


def _values(scores: Iterable[Score], whose: Sequence[Split], what: str) -> list[float]:
    return list(map(attrgetter(what), (each for each in scores if each.split in whose)))


def _means(measured: Mapping[str, Measured]) -> dict[str, list[list[Score]]]:
    """The sets' scores by the way in which it was found, where there are several sets and each was asked so."""
    ways = [way for way in (_WORDS, _VECTORS, _TOGETHER) if all(way in each.scores for each in measured.values())]
    return {way: [each.scores[way] for each in measured.values()] for way in ways} if len(measured) > 1 else {}


def _of_sessions(scores: Sequence[Score]) -> tuple[float, float]:
    at_5, at_10 = ([each.sessions_at_5 for each in scores], [each.sessions_at_10 for each in scores])
    return statistics.fmean(at_5), statistics.fmean(at_10)


def _notes(measured: Mapping[str, Measured], means: Mapping[str, Sequence[Sequence[Score]]]) -> Iterator[str]:
    yield (
        "R@k: the share of what answers a question that is among the first k. MRR: 1 / the place of the first of it, "
        f"down to {_DEPTH}. Settings were chosen by the questions of dev; ±: half of a 95 % interval."
    )
    if installed_weights() is None:
        yield "No model is installed: finding by meaning was not measured."
    if _TOGETHER in means:
        ahead = [f"{_lead(means[_TOGETHER], means[way])} of {way}" for way in (_WORDS, _VECTORS)]
        yield f"R@10 of test, question by question, on the mean of the sets: together is {' and '.join(ahead)} ahead."
    counted = [
        f"{name} {each.texts:,} texts ({each.refused} refused) and {len(each.scores[_WORDS]):,} questions"
        for name, each in measured.items()
    ]
    yield f"{'; '.join(counted)}. A text is refused when it seems to hold a secret, and not found then."


def _lead(sets: Sequence[Sequence[Score]], behind: Sequence[Sequence[Score]]) -> str:
    """By how much, question by question."""
    leads = [
        [one.at_10 - other.at_10 for one, other in zip(each, less, strict=True) if one.split == "test"]
        for each, less in zip(sets, behind, strict=True)
    ]
    return f"{statistics.fmean(map(statistics.fmean, leads)):.3f} ± {_uncertainty(leads):.3f}"


def _uncertainty(sets: Sequence[Sequence[float]]) -> float:
    """Half the width of the interval that holds the mean of their means in 95 of 100 samples of such questions."""
    return 1.96 * math.sqrt(sum(statistics.variance(each) / len(each) for each in sets)) / len(sets)


def _three(figure: float) -> str:
    return f"{figure:.3f}".removeprefix("0")
