"""Which memories resemble each other: those that seem to say the same, and those that seem to say the opposite.

Reports, never refuses: a write goes through whatever is found here. Duplicates are looked for within a type;
contradictions also across types, where both speak of the same code.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any, Final, NamedTuple

import apsw

from drift_mcp.cortex import likeness, rarity, words
from drift_mcp.cortex.content import MemoryType
from drift_mcp.cortex.likeness import Claim, Statement
from drift_mcp.cortex.links import Links
from drift_mcp.cortex.wordings import Wording

# Near-duplicates are looked for among the memories that share most words with the new one.
_COMPARED: Final = 10
# They are of one type; these are of all.
_LOOKED_AT: Final = 200
# The first words tell the subject, and each further one costs another index walk.
_TERMS: Final = 8
# Wordings that are scored to find those, at a microsecond each: what says the same has the rare words too.
_SCORED: Final = 500
# Of the places that the new memory cites, and of the memories that cite each of them: the first, and the newest.
_PLACES: Final = 5
_PER_PLACE: Final = 10
_REPORTED: Final = 3


@dataclass(frozen=True, slots=True)
class Resembling:
    """Another memory that seems to say the same (`likeness` 0 to 1) or the opposite (`why`)."""

    memory: str
    summary: str
    likeness: float
    why: str


_BY_WORDS = """
WITH best AS (
    SELECT rowid AS text_key, bm25(memory_fts) AS bm25
    FROM memory_fts
    WHERE memory_fts MATCH :match
    ORDER BY bm25
    LIMIT :looked_at
)
SELECT m.key, m.id, v.summary, t.body
FROM best
CROSS JOIN memory_versions v ON v.text_key = best.text_key
CROSS JOIN memories m ON m.key = v.memory_key
CROSS JOIN memory_texts t ON t.key = v.text_key
WHERE v.recorded_to IS NULL
    AND NOT v.archived
    AND m.type = :type
    AND m.key IS NOT :except
ORDER BY best.bm25
LIMIT :most
"""


def among_believed(
    db: apsw.Connection, memory_type: MemoryType, wording: Wording, links: Links, except_key: int | None
) -> tuple[tuple[Resembling, ...], tuple[Resembling, ...]]:
    """(near-duplicates, contradictions) among the memories believed now, the most alike first."""
    near: list[Resembling] = []
    opposed: list[Resembling] = []
    new = Statement(wording.body)
    of_this_code = _of_the_same_code(db, links, except_key)
    for key, memory, summary, body in (*of_this_code, *_by_words(db, memory_type, wording, except_key)):
        is_known = any(memory == each.memory for each in (*near, *opposed))
        known = Statement(body)
        if is_known or not likeness.may_be_about_the_same(new, known):
            continue
        speaks_of_this = any(key == each[0] for each in of_this_code)
        bar = likeness.SAME_SUBJECT_OF_CODE if speaks_of_this else likeness.SAME_SUBJECT
        why = likeness.opposition(new, known, bar)
        alike = round(likeness.likeness(new, known), 3)
        if why is not None:
            opposed.append(Resembling(memory, summary, alike, why))
        elif likeness.says_the_same(new, known):
            near.append(Resembling(memory, summary, alike, f"{alike:.0%} of its wording is the same"))
    near.sort(key=lambda each: (-each.likeness, each.memory))
    opposed.sort(key=lambda each: (-each.likeness, each.memory))
    return tuple(near[:_REPORTED]), tuple(opposed[:_REPORTED])


_Row = tuple[int, str, str, str]


def _by_words(db: apsw.Connection, memory_type: MemoryType, wording: Wording, except_key: int | None) -> Sequence[_Row]:
    terms = words.terms(wording.body, _TERMS)
    if not terms:
        return ()
    question = {
        "match": words.match_expression(rarity.rarest(db, terms, _SCORED)),
        "type": memory_type,
        "except": except_key,
        "most": _COMPARED,
        "looked_at": _LOOKED_AT,
    }
    return list(db.execute(_BY_WORDS, question))


_CITING_LINES = """
SELECT memory_key
FROM memory_files
WHERE file_path = :file
    AND recorded_to IS NULL
    AND (line_start IS NULL OR :first IS NULL OR (line_start <= :last AND line_end >= :first))
ORDER BY key DESC
LIMIT :most
"""
_CITING_FUNCTION = """
SELECT memory_key
FROM memory_functions
WHERE function_id = :function
    AND recorded_to IS NULL
ORDER BY key DESC
LIMIT :most
"""
_BELIEVED = """
SELECT m.key, m.id, v.summary, t.body
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key
JOIN memory_texts t ON t.key = v.text_key
WHERE m.key = :key
    AND m.key IS NOT :except
    AND v.recorded_to IS NULL
    AND NOT v.archived
"""


def _of_the_same_code(db: apsw.Connection, links: Links, except_key: int | None) -> list[_Row]:
    keys: dict[int, None] = {}
    for file in links.files[:_PLACES]:
        place = {"file": file.file, "first": file.line_start, "last": file.line_end, "most": _PER_PLACE}
        keys.update((key, None) for (key,) in db.execute(_CITING_LINES, place))
    for function in links.functions[:_PLACES]:
        place = {"function": function.function, "most": _PER_PLACE}
        keys.update((key, None) for (key,) in db.execute(_CITING_FUNCTION, place))
    found = (db.execute(_BELIEVED, {"key": key, "except": except_key}).fetchone() for key in keys)
    return [row for row in found if row is not None]


# ---------------------------------------------------------------------------------------------------------------------
# All against all

# Pairs that are compared at the most: some seconds.
_MOST_PAIRS: Final = 200_000
# Looks at whether two claims are about the same: some seconds, for ten thousand memories in many words each.
_MOST_LOOKS: Final = 2_000_000
# Memories of one place that are compared with each other: of more, the newest.
_OF_ONE_PLACE: Final = 40


class Pair(NamedTuple):
    """Two memories, the older first. `why` they seem to contradict each other; None: they seem to say the same."""

    older: int
    newer: int
    likeness: float
    why: str | None


class Pairs(NamedTuple):
    found: tuple[Pair, ...]
    is_cut: bool  # there were more than are compared


_TEXTS = """
SELECT m.key, m.type, t.body
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key
JOIN memory_texts t ON t.key = v.text_key
WHERE v.recorded_to IS NULL
    AND NOT v.archived
    AND v.superseded_by IS NULL
    AND (v.valid_until IS NULL OR v.valid_until > :now)
ORDER BY m.key
"""
_RELATED = "SELECT source_key, target_key, relationship FROM memory_relationships WHERE recorded_to IS NULL"
_LINES_CITED = """
SELECT file_path, ifnull(line_start, 0), ifnull(line_end, 9223372036854775807), memory_key
FROM memory_files
WHERE recorded_to IS NULL
"""
_FUNCTIONS_CITED = "SELECT function_id, 0, 0, memory_key FROM memory_functions WHERE recorded_to IS NULL"


def pairs(db: apsw.Connection, now: str) -> Pairs:
    """All pairs of memories true now that seem to say the same, or the opposite, and of which nobody has said yet how
    they stand to each other."""
    texts: dict[int, tuple[str, Statement]] = {key: (kind, Statement(body)) for key, kind, body in _rows(db, now)}
    related: dict[frozenset[int], str] = {frozenset(pair): how for *pair, how in db.execute(_RELATED)}
    of_code = {pair for pair in _citing_the_same(db) if texts.keys() >= set(pair)}
    found: list[Pair] = []
    is_cut = False
    compared: set[tuple[int, int]] = set()
    for pair in chain(sorted(of_code), _about_the_same({key: each.claims for key, (_, each) in texts.items()})):
        if pair is None or len(compared) >= _MOST_PAIRS:
            is_cut = True
            break
        if pair in compared or frozenset(pair) in related:
            continue
        compared.add(pair)
        (kind, one), (other_kind, other) = texts[pair[0]], texts[pair[1]]
        bar = likeness.SAME_SUBJECT_OF_CODE if pair in of_code else likeness.SAME_SUBJECT
        why = likeness.opposition(one, other, bar) if kind == other_kind or pair in of_code else None
        if why is not None or (kind == other_kind and likeness.says_the_same(one, other)):
            found.append(Pair(*pair, round(likeness.likeness(one, other), 3), why))
    return Pairs(tuple(_few_for_each(found, related)), is_cut)


def _few_for_each(found: Iterable[Pair], related: Mapping[frozenset[int], str]) -> Iterator[Pair]:
    """The most alike. Of a list of rules with a number each, every two seem to contradict each other: what more there
    is of one memory, its contradictions on record counted, says nothing new."""
    told = Counter(key for pair, how in related.items() if how == "contradicts" for key in pair)
    for pair in sorted(found, key=lambda pair: (-pair.likeness, pair.older, pair.newer)):
        if max(told[pair.older], told[pair.newer]) < _REPORTED:
            told.update((pair.older, pair.newer))
            yield pair


def _rows(db: apsw.Connection, now: str) -> Iterator[tuple[int, str, str]]:
    yield from db.execute(_TEXTS, {"now": now})


def _citing_the_same(db: apsw.Connection) -> Iterator[tuple[int, int]]:
    citing: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    for statement in (_LINES_CITED, _FUNCTIONS_CITED):
        rows: Any = db.execute(statement)
        for place, first, last, key in rows:
            citing[place].append((key, first, last))
    for cited in citing.values():
        for one, other in combinations(sorted(cited)[-_OF_ONE_PLACE:], 2):
            if one[0] != other[0] and one[1] <= other[2] and other[1] <= one[2]:
                yield one[0], other[0]


def _about_the_same(claims: Mapping[int, tuple[Claim, ...]]) -> Iterator[tuple[int, int] | None]:
    """Pairs of which a claim shares enough of its words with one of the other's; None in the end when there was too
    much to look through.

    Two sets that share so much have one of their rarest words in common, however few of those are looked at, and do
    not differ much in size: so all pairs are found without comparing all.
    """
    often = Counter(word for made in claims.values() for claim in made for word in claim.subject)
    holders: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
    left = _MOST_LOOKS
    for key, made in sorted(claims.items(), reverse=True):  # what was learned last matters most
        for claim in made:
            size = len(claim.subject)
            least, most = likeness.SAME_SUBJECT * size, size / likeness.SAME_SUBJECT
            rarest = sorted(claim.subject, key=lambda word: (often[word], word))
            for word in rarest[: size - math.ceil(least) + 1]:
                left -= len(holders[word])
                if left < 0:
                    yield None
                    return
                for other, subject in holders[word]:
                    can_be = least <= len(subject) <= most and other != key
                    if can_be and likeness.share(subject, claim.subject) >= likeness.SAME_SUBJECT:
                        yield key, other
                holders[word].append((key, claim.subject))
