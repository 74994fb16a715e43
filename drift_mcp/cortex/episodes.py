"""Episodes, by the facts that they tell: which of them say the same.

An episode tells the facts that were extracted from it, or else the one statement of its interaction. Facts that say the
same are one group, if they speak of the same code or of none; statements that oppose each other never are. The groups
depend on nothing but the episodes, in the order in which they were added.
"""

from __future__ import annotations

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import apsw

from drift_mcp.cortex import likeness, memories
from drift_mcp.cortex.fading import FADED
from drift_mcp.cortex.likeness import Statement

# What is said of so many places, no two of them cited together, is said of the project.
EVERYWHERE: Final = 3

# How much a telling counts: as sure as the fact was extracted (or these, when nobody said), times what became of the
# interaction, times the confidence in the episode.
_EXTRACTED: Final = 0.8
_UNEXTRACTED: Final = 0.6
_OUTCOMES: Final[Mapping[str, float]] = {"accepted": 1.0, "modified": 0.7, "unknown": 0.7, "rejected": 0.7}
# What was learned from being wrong holds; what was said and was wrong does not.
_LEARNED_FROM_REJECTION: Final = frozenset({"correction", "warning"})
# What is doubted so much is no evidence of anything.
_LEAST_WEIGHT: Final = 0.25
# What is longer is an account, not a statement; and so much of a statement is compared.
_LONGEST_STATEMENT: Final = 600

# Groups that a fact is compared with, those with which it shares most words; and wordings of each.
_COMPARED: Final = 20
_WORDINGS: Final = 5
# Groups that are looked at to find those: the rarest words of a fact lead to them first.
_SCORED: Final = 400


class Evidence(NamedTuple):
    """An episode that tells a fact, or one that opposes it."""

    episode: str
    version: int
    weight: float


@dataclass(frozen=True, slots=True)
class Episode:
    id: str
    version: int
    summary: str
    content: Mapping[str, Any]
    confidence: float
    faded: float
    archive_below: float
    places: frozenset[str]

    @property
    def outcome(self) -> str:
        return str(self.content["interaction"].get("outcome", "unknown"))

    @property
    def focus(self) -> str | None:
        focus = self.content.get("context", {}).get("focus")
        return None if focus is None else str(focus)


_BELIEVED = (
    """
WITH chosen AS (
    SELECT v.key AS version_key
    FROM memories m
    JOIN memory_versions v ON v.memory_key = m.key AND v.recorded_to IS NULL
    WHERE m.type = 'episodic'
        AND NOT v.archived
        AND v.superseded_by IS NULL
        AND v.valid_from <= :until
        AND (v.valid_until IS NULL OR v.valid_until > :until)
        AND ifnull(v.content ->> 'consolidationStatus', 'pending') = 'pending'
)
"""
    + FADED
    + """
SELECT m.id, v.version, v.summary, v.content, v.confidence, faded.confidence, t.archive_below
FROM faded
JOIN memory_versions v ON v.key = faded.version_key
JOIN memories m ON m.key = v.memory_key
JOIN memory_types t ON t.type = m.type
ORDER BY m.created_at, m.id
"""
)


def believed(db: apsw.Connection, now: str) -> list[Episode]:
    """Those that are believed and valid, and not consolidated yet, oldest first."""
    rows: list[tuple[str, int, str, str, float, float, float]] = list(db.execute(_BELIEVED, {"until": now}))
    cited = memories.cited(db, [row[0] for row in rows])
    return [
        Episode(memory, version, summary, json.loads(what), confidence, faded, below, places_of(*cited[memory]))
        for memory, version, summary, what, confidence, faded, below in rows
    ]


def places_of(files: Iterable[Any], functions: Iterable[Any]) -> frozenset[str]:
    return frozenset([*(each.file for each in files), *(each.function.partition("::")[0] for each in functions)])


@dataclass(frozen=True, slots=True)
class Fact:
    """What an episode tells, and how much the telling counts."""

    episode: Episode
    text: str
    statement: Statement
    weight: float


def _facts(episodes: Sequence[Episode]) -> list[Fact]:
    """Of all episodes, oldest first. One that has no facts stays as it is until it fades."""
    return [
        Fact(episode, text, Statement(text), weight * _OUTCOMES[episode.outcome] * episode.confidence)
        for episode in episodes
        for text, weight in told(episode)
    ]


def told(episode: Episode) -> list[tuple[str, float]]:
    """The facts of an episode, and how sure each is; 0 = it is none to go by."""
    is_rejected = episode.outcome == "rejected"
    extracted = episode.content.get("extractedFacts")
    if extracted:
        return [
            (
                str(fact["fact"]),
                0.0
                if len(fact["fact"]) > _LONGEST_STATEMENT
                or (is_rejected and fact.get("type") not in _LEARNED_FROM_REJECTION)
                else float(fact.get("confidence", _EXTRACTED)),
            )
            for fact in extracted
        ]
    interaction = episode.content["interaction"]
    statement = str(interaction.get("agentResponse") or interaction["userQuery"])
    if is_rejected or statement.rstrip().endswith("?") or len(statement) > _LONGEST_STATEMENT:
        return [(statement, 0.0)]
    return [(statement, _UNEXTRACTED)]


@dataclass(slots=True)
class Group:
    """Facts that say the same."""

    facts: list[Fact] = field(default_factory=list)
    wordings: list[Fact] = field(default_factory=list)  # facts that each say it in another way

    def add(self, fact: Fact) -> None:
        self.facts.append(fact)
        if all(fact.text != known.text for known in self.wordings):
            self.wordings.append(fact)

    def takes(self, fact: Fact) -> bool:
        says_so = False
        for known in self.wordings[:_WORDINGS]:
            if likeness.opposition(known.statement, fact.statement) is not None:
                return False
            of_code = bool(known.episode.places & fact.episode.places)
            says_so = says_so or likeness.is_one_fact(known.statement, fact.statement, of_code=of_code)
        return says_so

    def parts(self) -> list[Group]:
        """The same words about other code are another fact, unless they are said of code everywhere."""
        places: list[set[str]] = []
        for fact in self.facts:
            here = set(fact.episode.places)
            if not here:
                continue
            for known in [known for known in places if known & here]:
                places.remove(known)
                here |= known
            places.append(here)
        if len(places) <= 1 or len(places) >= EVERYWHERE:
            return [self]
        found: dict[int, Group] = defaultdict(Group)
        for fact in self.facts:
            cites = (number for number, known in enumerate(places) if known & fact.episode.places)
            found[next(cites, -1)].add(fact)
        return list(found.values())

    @property
    def places(self) -> frozenset[str]:
        return frozenset[str]().union(*(fact.episode.places for fact in self.facts))

    @property
    def evidence(self) -> dict[str, Evidence]:
        """What each episode gives: an episode that says it twice says it once."""
        found: dict[str, Evidence] = {}
        for fact in self.facts:
            known = found.get(fact.episode.id)
            if known is None or known.weight < fact.weight:
                found[fact.episode.id] = Evidence(fact.episode.id, fact.episode.version, round(fact.weight, 4))
        return found

    def spokesman(self) -> Fact:
        """The wording that is most like the others; of several, the one that is surest and was first."""
        compared = self.wordings[: 2 * _WORDINGS]

        def standing(fact: Fact) -> tuple[float, float]:
            alike = sum(likeness.likeness(fact.statement, other.statement) for other in compared)
            return round(alike, 6), fact.weight

        return max(compared, key=standing)

    def topic(self) -> str | None:
        """What most of the episodes were about, if most were about one thing."""
        about = Counter(fact.episode.focus for fact in self.facts)
        focus, times = about.most_common(1)[0]
        return focus if 2 * times > len(self.facts) else None


class Index:
    """Which of many statements share words with one."""

    def __init__(self) -> None:
        self._holders: dict[str, list[int]] = defaultdict(list)

    def add(self, statement: Statement, number: int) -> None:
        for word in statement.subject:
            self._holders[word].append(number)

    def nearest(self, statement: Statement) -> list[int]:
        shared: Counter[int] = Counter()
        for word in sorted(statement.subject, key=lambda word: (len(self._holders.get(word, ())), word)):
            if len(shared) >= _SCORED:
                break
            shared.update(self._holders.get(word, ())[:_SCORED])
        return heapq.nsmallest(_COMPARED, shared, key=lambda number: (-shared[number], number))


def grouped(episodes: Sequence[Episode]) -> list[Group]:
    """The facts of these episodes, by what they say and of which code. Facts that are too doubtful are in none."""
    groups: list[Group] = []
    index = Index()
    for fact in _facts(episodes):
        if fact.weight < _LEAST_WEIGHT:
            continue
        taking = (groups[number] for number in index.nearest(fact.statement) if groups[number].takes(fact))
        group = next(taking, None)
        if group is None:
            group = Group()
            index.add(fact.statement, len(groups))
            groups.append(group)
        group.add(fact)
    return [part for group in groups for part in group.parts()]
