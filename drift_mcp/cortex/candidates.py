"""The two lists of memories that may answer a question: by the words they share with it, and by nearness in meaning.

Filters apply before the cut. Where they let few memories pass, those are looked at, all of them; where they let most
pass, as a question without filters does, the ranked lists are looked down until enough of what they hold has passed.
The question is text of any kind and never reaches MATCH unquoted. Ranks nothing: `ranking` makes one order of both.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import NamedTuple

import apsw

from drift_mcp.cortex import filters, rarity, words
from drift_mcp.cortex.filters import Bindings
from drift_mcp.cortex.nearest import Listed, Nearest, Ranked

# From each list: measured, a hundred find no more (CoSQA, R@10 of 0.801 and 0.802), and cost twice as much to rank.
_POOL = 50
# How far a ranked list is looked down; most often its beginning will do. Of more than `filters` calls few, a tenth
# passes at the least, and so do about as many of this list as are wanted.
_BEGINNING = 100
_MOST_LISTED = 500
# bm25 weights of summary, body, tags, code. A summary that is the beginning of the body counts that twice already, and
# so do identifiers and the words in them: more for either was measured, and costs recall by words and meaning.
_WEIGHTS = {"summary": 1.0, "body": 1.0, "tag": 2.0, "code": 1.0}
# Wordings that are scored for one question, at a microsecond each.
_MOST_SCORED = 5_000


class Asked(NamedTuple):
    """`vector`: of the question, by the model `model_key`; None when there is none."""

    question: str
    vector: bytes | None
    model_key: int | None


class Candidates(NamedTuple):
    """(version, bm25) and (version, cosine), the best first."""

    by_words: list[tuple[int, float]]
    by_meaning: list[tuple[int, float]]


def found(db: apsw.Connection, nearest: Nearest, asked: Asked, wanted: Bindings) -> Candidates:
    passing = _Passing(db, wanted)
    by_words: list[tuple[int, float]] = []
    terms = words.terms(words.printable(asked.question))
    if terms:
        by_words = passing.best(
            lambda: _by_words(db, terms),
            lambda texts: _by_words_among(db, terms, texts),
        )
    by_meaning: list[tuple[int, float]] = []
    vector, model = asked.vector, asked.model_key
    if vector is not None and model is not None:
        by_meaning = passing.best(
            lambda: nearest.of_all(db, model, vector),
            lambda texts: nearest.among(db, model, vector, texts),
        )
    return Candidates(by_words, by_meaning)


class _Passing:
    """The memories that pass the filters of one question. One thread's, for as long as the question takes."""

    def __init__(self, db: apsw.Connection, wanted: Bindings) -> None:
        self._db = db
        self._wanted = wanted
        self._known = filters.few(db, wanted)  # wording → version of each of them; None while they seem to be many

    def best(self, of_all: Callable[[], Listed], among: Callable[[Collection[int]], Ranked]) -> list[tuple[int, float]]:
        """The best of those that pass, as versions: down the list of all, or among those that are known to pass."""
        if self._known is None:
            listed = of_all()
            hits = self._down(listed.ranked)
            if len(hits) == _POOL or listed.whole:
                return hits
            self._known = filters.passing(self._db, self._wanted)
        known = self._known
        return [(known[text], value) for text, value in among(known)[:_POOL]]

    def _down(self, ranked: Ranked) -> list[tuple[int, float]]:
        hits: list[tuple[int, float]] = []
        for part in (ranked[:_BEGINNING], ranked[_BEGINNING:]):
            passing = filters.passing_among(self._db, self._wanted, [text for text, _ in part])
            hits += [(passing[text], value) for text, value in part if text in passing]
            if len(hits) >= _POOL:
                break
        return hits[:_POOL]


_BY_WORDS = """
SELECT rowid, -bm25(memory_fts, :summary, :body, :tag, :code) AS bm25
FROM memory_fts
WHERE memory_fts MATCH :match
ORDER BY bm25 DESC, rowid
LIMIT :most
"""


def _by_words(db: apsw.Connection, terms: list[str]) -> Listed:
    how = {**_WEIGHTS, "match": _expression(db, terms), "most": _MOST_LISTED}
    ranked = [(text, bm25) for text, bm25 in db.execute(_BY_WORDS, how)]
    return Listed(ranked, len(ranked) < _MOST_LISTED)


def _expression(db: apsw.Connection, terms: list[str]) -> str:
    """Of a large memory, only wordings with one of the rarer words are scored, by all of the words. It says the rarer
    ones twice, so they count twice. (Leaving the common ones out altogether was measured, and costs five points of
    recall at ten.)"""
    telling = rarity.rarest(db, terms, _MOST_SCORED)
    any_of_all = words.match_expression(terms)
    return any_of_all if len(telling) == len(terms) else f"({words.match_expression(telling)}) AND ({any_of_all})"


# The plus keeps FTS5 from asking the whole question anew for each wording.
_BY_WORDS_AMONG = """
SELECT rowid, -bm25(memory_fts, :summary, :body, :tag, :code) AS bm25
FROM memory_fts
WHERE memory_fts MATCH :match
    AND +rowid IN (SELECT value FROM json_each(:texts))
ORDER BY bm25 DESC, rowid
LIMIT :most
"""


def _by_words_among(db: apsw.Connection, terms: list[str], texts: Collection[int]) -> Ranked:
    match = words.match_expression(terms)
    how = {**_WEIGHTS, "match": match, "texts": json.dumps(list(texts)), "most": _POOL}
    return [(text, bm25) for text, bm25 in db.execute(_BY_WORDS_AMONG, how)]
