"""From two lists of hits to one order, with the reason for every place in it.

Pure arithmetic: knows no database and no model, and reads no file. Every number that enters a score comes back in
`why`; what is not named there moved nothing.
"""

from __future__ import annotations

import difflib
import heapq
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from drift_mcp.cortex import likeness
from drift_mcp.cortex.content import MemoryType
from drift_mcp.errors import DriftError

Why = dict[str, float | int | str]
Scores = dict[int, tuple[float, Why]]

# Reciprocal rank with 3, not the usual 60: measured 8 to 9 points of recall better over two opposite data sets.
_RANK_OFFSET = 3
# The share of a hit's score that its neighbours get, and how many hits give: measured with links between neighbouring
# turns of conversations, 6 points of recall at five and 7 at ten.
_SPREAD = 0.4
_SPREADING = 30
# The share of the best scores among memories that cite the same code, and how many of them count: measured, +2 points.
_GROUP = 0.3
_BEST_OF_GROUP = 3
# What a superseded memory keeps of its score where it is said to hold beside the newer one.
_SUPERSEDED = 0.9
# Code that more memories cite than this ties none of them together.
CROWD = 50

# Together the factors move a score by no more than this: they settle what is nearly equal and never outvote the match.
_LEAST_FACTOR, _MOST_FACTOR = 0.85, 1.15
# The table of intents to the power 0.25: measured harmless when types say nothing, helpful when they do. As it is, it
# costs recall.
_INTENT_POWER = 0.25
_IMPORTANCE = {"low": 0.97, "normal": 1.0, "high": 1.025, "critical": 1.05}
# For a hundred uses or more. Little: what is shown gets used, and what is used would be shown for that alone.
_MOST_USED = 1.02
# The asker says where they work, which is worth more than what follows from a memory itself.
_NEAR = {"function": 1.1, "file": 1.07, "folder": 1.03}
# Of code that has changed or is gone: what is said of it may be over.
_STALE = 0.9
# For each memory of the same type above it, and at the least; for one that says nearly what another says. A gentle
# hand: measured, a tenth for each costs nothing, and two of one kind are often both right.
_SAME_TYPE, _LEAST_SAME_TYPE, _REPEATED = 0.99, 0.96, 0.93
# Diversity is about what a reader sees at once.
_SEEN_AT_ONCE = 10
# Shared words from which two wordings are compared in earnest.
_WORTH_COMPARING = 0.6

_INTENTS = (
    "create",
    "investigate",
    "decide",
    "recall",
    "learn",
    "add_feature",
    "fix_bug",
    "refactor",
    "security_audit",
    "understand_code",
    "add_test",
    "spawn_agent",
    "execute_workflow",
    "track_progress",
    "diagnose_issue",
)
# How much a type matters to an intent, in the order of _INTENTS: the predecessor's table.
_WEIGHTS: Mapping[MemoryType, tuple[float, ...]] = {
    "core": (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    "tribal": (1.2, 1.2, 1.5, 1.2, 1, 1, 1.5, 1.2, 2, 1.2, 1.2, 0.8, 1.2, 0.8, 1.5),
    "procedural": (1.5, 0.8, 0.8, 1, 1.2, 1.5, 0.8, 1, 1, 0.8, 1.5, 1, 1.5, 0.5, 1),
    "semantic": (1.2, 1.5, 1.2, 1.5, 1, 1.2, 1.2, 1.3, 1.5, 1.5, 1, 0.8, 1, 1, 1.2),
    "episodic": (0.5, 0.8, 0.5, 1, 0.5, 0.5, 1, 0.5, 0.3, 0.5, 0.5, 0.5, 0.5, 0.8, 1),
    "pattern_rationale": (1, 1.3, 1, 1, 1, 1.3, 1, 1.5, 1.2, 1.5, 1, 0.5, 0.8, 0.5, 1),
    "constraint_override": (0.8, 0.8, 1, 0.8, 0.5, 1, 0.8, 1.2, 1.5, 0.8, 0.8, 0.5, 0.8, 0.5, 0.8),
    "decision_context": (0.8, 1.3, 1.5, 1, 0.8, 0.8, 1, 1.5, 1, 1.5, 0.8, 0.5, 0.8, 1, 1),
    "code_smell": (1, 0.8, 0.5, 0.8, 1, 1.2, 1.5, 1.3, 1.8, 1, 1.3, 0.3, 0.5, 0.3, 1.5),
}


Nearness = Literal["function", "file", "folder"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a memory apart from the match. `confidence`: as faded by now. `age_days`: since it was last
    stated or used. `nearness`: how what it cites stands to where the asker works."""

    memory: str
    type: MemoryType
    importance: str
    confidence: float
    age_days: float
    half_life_days: int | None
    uses: int
    nearness: Nearness | None


@dataclass(slots=True)
class _Score:
    value: float = 0.0
    why: Why = field(default_factory=dict)


def intent_named(name: str) -> str:
    if name in _INTENTS:
        return name
    near = difflib.get_close_matches(name, _INTENTS, n=1)
    hint = f" Nearest: '{near[0]}'." if near else ""
    raise DriftError(f"No intent '{name[:40]}'.{hint} Intents: {', '.join(_INTENTS)}.")


def fused(
    by_words: Sequence[tuple[int, float]], by_meaning: Sequence[tuple[int, float]]
) -> dict[int, tuple[float, Why]]:
    """Score 0 to 1 and its reasons for every key in either list. Lists are best first, with bm25 (more is better) and
    cosine. Half is by rank, half by the measure: bm25 from none to the best, cosine from the list's last to its first
    (few texts have nothing in common with any other). A list that is empty has no say."""
    scores: dict[int, _Score] = {}
    lists = [named for named in (("words", by_words), ("meaning", by_meaning)) if named[1]]
    most_by_rank = len(lists) / (_RANK_OFFSET + 1)
    for name, hits in lists:
        # Without a shared word bm25 is 0, so that is what counts for nothing, and not the last of the list.
        least = 0.0 if name == "words" else hits[-1][1]
        span = hits[0][1] - least
        for rank, (key, value) in enumerate(hits, start=1):
            score = scores.setdefault(key, _Score())
            by_rank = 1 / (_RANK_OFFSET + rank) / most_by_rank
            by_measure = ((value - least) / span if span else 1.0) / len(lists)
            score.value += 0.5 * by_rank + 0.5 * by_measure
            score.why[f"{name}_rank"] = rank
            score.why["bm25" if name == "words" else "cosine"] = round(value, 4)
    for score in scores.values():
        score.why["match"] = round(score.value, 4)
    return {key: (score.value, score.why) for key, score in scores.items()}


class Link(NamedTuple):
    """From a hit to a memory that stands in a relationship to it. `ends`: that one supersedes the hit."""

    giver: int
    taker: int
    strength: float
    ends: bool


def linked(scores: Scores, links: Iterable[Link]) -> Scores:
    """Scores after the best hits have given a share of theirs to the memories linked to them.

    Each memory takes from one giver only, the one that gives most: many links are no evidence. What was superseded has
    left already, because its time is over; where both are said to hold at once, the newer takes the older's place."""
    givers = set(_best(scores))
    given: dict[int, float] = {}
    inherited: dict[int, float] = {}
    superseded: set[int] = set()
    for giver, taker, strength, ends in links:
        if ends:
            superseded.add(giver)
            inherited[taker] = max(inherited.get(taker, 0.0), scores[giver][0])
        elif giver in givers:
            given[taker] = max(given.get(taker, 0.0), _SPREAD * strength * scores[giver][0])
    result = dict(scores)
    for taker, share in given.items():
        value, why = result.get(taker, (0.0, {}))
        result[taker] = (value + share, {**why, "linked": round(share, 4)})
    for taker, place in inherited.items():
        value, why = result.get(taker, (0.0, {}))
        if place > value:
            result[taker] = (place, {**why, "supersedes": round(place - value, 4)})
    for older in superseded:
        value, why = result[older]
        result[older] = (value * _SUPERSEDED, {**why, "superseded": _SUPERSEDED})
    return result


def grouped(scores: Scores, before: Scores, groups: Iterable[Collection[int]]) -> Scores:
    """Scores after the memories that cite the same code have lifted each other: by a share of the best three others.

    Counted by the scores `before` links were followed. Each takes from one group only, and a group adds nobody to the
    hits: what was not found otherwise only lies in the same file."""
    best = set(_best(before))
    lifts: dict[int, float] = {}
    for group in groups:
        top = sorted((key for key in group if key in best), key=lambda key: (-before[key][0], key))
        for key in group:
            others = [before[other][0] for other in top[: _BEST_OF_GROUP + 1] if other != key][:_BEST_OF_GROUP]
            lift = _GROUP * sum(others) / _BEST_OF_GROUP
            if lift > lifts.get(key, 0.0):
                lifts[key] = lift
    result = dict(scores)
    for key, lift in lifts.items():
        value, why = scores[key]
        result[key] = (value + lift, {**why, "same_code": round(lift, 4)})
    return result


def _best(scores: Scores) -> list[int]:
    return sorted(scores, key=lambda key: (-scores[key][0], key))[:_SPREADING]


class Ranked(NamedTuple):
    key: int
    score: float
    why: Why


def best(
    scores: Scores,
    standings: Mapping[int, Standing],
    intent: str | None,
    most: int,
    is_stale: Callable[[int], bool],
    wording: Callable[[int], str],
) -> list[Ranked]:
    """The `most` best in order, with the documented factors on their scores.

    What is dear to know, whether cited code has changed and what the ones above say, can only lower a place. So it is
    asked for just those that would be next."""
    waiting = [_Candidate(key, *scores[key], standing, intent) for key, standing in standings.items()]
    queue = [(-each.score, each.standing.memory, number) for number, each in enumerate(waiting)]
    heapq.heapify(queue)
    chosen: list[_Candidate] = []
    while queue and len(chosen) < most:
        _, memory, number = heapq.heappop(queue)
        candidate = waiting[number]
        candidate.look_closer(chosen[:_SEEN_AT_ONCE], is_stale, wording)
        place = (-candidate.score, memory, number)
        if queue and place > queue[0]:
            heapq.heappush(queue, place)
        else:
            chosen.append(candidate)
    return [Ranked(each.key, each.score, each.reasons()) for each in chosen]


class _Candidate:
    """A memory on its way into the order; its score only ever falls."""

    __slots__ = ("_compared", "_factors", "_match", "_said", "_terms", "_why", "key", "score", "standing")

    def __init__(self, key: int, match: float, why: Why, standing: Standing, intent: str | None) -> None:
        self.key = key
        self.standing = standing
        self._match = match
        self._why = why
        self._factors = _factors(standing, intent)
        self._said: str | None = None
        self._terms: frozenset[str] = frozenset()
        self._compared = 0  # with so many of those above
        self.score = match * _together(self._factors)

    def look_closer(
        self, above: Sequence[_Candidate], is_stale: Callable[[int], bool], wording: Callable[[int], str]
    ) -> None:
        if self._said is None:
            self._said = wording(self.key)
            self._terms = frozenset(self._said.lower().split())
            if is_stale(self.key):
                self._factors["code"] = _STALE
        same_type = sum(each.standing.type == self.standing.type for each in above)
        if same_type:
            self._factors["same_type"] = max(_LEAST_SAME_TYPE, _SAME_TYPE**same_type)
        if any(self._repeats(each) for each in above[self._compared :]):
            self._factors["repeats"] = _REPEATED
        self._compared = len(above)
        self.score = self._match * _together(self._factors)

    def reasons(self) -> Why:
        told = {name: round(value, 4) for name, value in self._factors.items() if round(value, 4) != 1.0}
        return {**self._why, **told, "factors": round(_together(self._factors), 4)}

    def _repeats(self, other: _Candidate) -> bool:
        shared = len(self._terms & other._terms)
        if shared < _WORTH_COMPARING * max(len(self._terms), len(other._terms), 1):
            return False
        # Two that contradict each other do not: both are to be seen.
        return likeness.says_the_same(likeness.Statement(self._said or ""), likeness.Statement(other._said or ""))


def _factors(standing: Standing, intent: str | None) -> dict[str, float]:
    half_lives = 0.0 if standing.half_life_days is None else standing.age_days / standing.half_life_days
    return {
        "intent": 1.0 if intent is None else _WEIGHTS[standing.type][_INTENTS.index(intent)] ** _INTENT_POWER,
        "importance": _IMPORTANCE[standing.importance],
        # 0.95 for none left, 1.05 for full.
        "confidence": 0.95 + 0.1 * standing.confidence,
        "recency": 0.97 + 0.06 * 0.5**half_lives,
        "use": min(_MOST_USED, 1.0 + (_MOST_USED - 1.0) * math.log10(1 + standing.uses) / 2),
        "near": 1.0 if standing.nearness is None else _NEAR[standing.nearness],
    }


def _together(factors: Mapping[str, float]) -> float:
    """Their product, drawn into its bounds rather than cut off at them, so that every factor still tells."""
    product = math.log(math.prod(factors.values()))
    bound = math.log(_MOST_FACTOR if product > 0 else _LEAST_FACTOR)
    return math.exp(bound * math.tanh(product / bound))
