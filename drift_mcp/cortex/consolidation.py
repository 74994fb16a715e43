"""What episodes amount to: facts that enough of them tell to be worth a semantic memory of their own.

What a group of them says becomes a semantic memory, or is further evidence for one that says it already; what others
say against it counts against it. An episode all of whose facts went in is archived, and so is one that faded without
ever being repeated.

Decides and changes nothing: `consolidation_runs` does what is found here. The same memories give the same plan.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import apsw

from drift_mcp.cortex import likeness, memories, rarity, words
from drift_mcp.cortex.episodes import (
    EVERYWHERE,
    Episode,
    Evidence,
    Group,
    Index,
    believed,
    grouped,
    places_of,
    told,
)
from drift_mcp.cortex.likeness import Statement

# Twice may be chance; what comes up a third time will come up again.
_REPEATED: Final = 3
# Of answers that somebody accepted: each was found right by more than the one who gave it.
_REPEATED_AND_ACCEPTED: Final = 2

# Semantic memories that a fact is compared with: those that share most words with it, of so many that share some.
_COMPARED: Final = 20
_SCORED: Final = 1_000
_TERMS: Final = 16


@dataclass(frozen=True, slots=True)
class Learned:
    """What a group says. `memory`: the semantic memory, with its version, that says so already, and gains evidence;
    None: it is to be made. `opposed`: semantic memories that say the opposite; `opposed_here`: the same of earlier
    entries of the plan, by their place in it."""

    memory: str | None
    version: int
    knowledge: str
    topic: str | None
    confidence: float
    confidence_before: float | None
    supporting: tuple[Evidence, ...]
    contradicting: tuple[Evidence, ...]
    why_contradicting: str | None
    opposed: tuple[str, ...]
    opposed_here: tuple[int, ...]


class Settled(NamedTuple):
    """An episode all of whose facts went in: into `memories`, and into these entries of the plan."""

    episode: str
    version: int
    summary: str
    memories: tuple[str, ...]
    learned: tuple[int, ...]


class Faded(NamedTuple):
    """An episode that went in nowhere, with what is left of its confidence."""

    episode: str
    version: int
    summary: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Plan:
    episodes: int  # looked at
    learned: tuple[Learned, ...]
    settled: tuple[Settled, ...]
    faded: tuple[Faded, ...]


def look(db: apsw.Connection, now: str) -> Plan:
    """What the episodes believed and valid now amount to."""
    episodes = believed(db, now)
    return _Planning(db, now, grouped(episodes)).plan(episodes)


@dataclass(frozen=True, slots=True)
class _Known:
    """A semantic memory. `holds`: it is believed and valid now, and not archived."""

    id: str
    version: int
    confidence: float
    content: Mapping[str, Any]
    holds: bool
    statement: Statement
    places: frozenset[str]
    derived_from: frozenset[str]
    contradicts: frozenset[str]

    @property
    def weighed(self) -> float:
        """What its evidence so far weighs, with the doubt that all knowledge begins with."""
        return 1.0 + sum(float(self.content.get(name, 0)) for name in ("supportingEvidence", "contradictingEvidence"))

    def may_be_of(self, places: frozenset[str]) -> bool:
        return len(self.places) >= EVERYWHERE or _may_be_one(self.places, places)

    def says(self, statement: Statement, places: frozenset[str]) -> bool:
        of_code = bool(self.places & places)
        return self.may_be_of(places) and likeness.is_one_fact(self.statement, statement, of_code=of_code)


def _may_be_one(places: frozenset[str], others: frozenset[str]) -> bool:
    return not places or not others or bool(places & others)


def _opposition(one: Statement, places: frozenset[str], other: Statement, others: frozenset[str]) -> str | None:
    bar = likeness.SAME_SUBJECT_OF_CODE if places & others else likeness.SAME_SUBJECT
    return likeness.opposition(one, other, bar)


# A semantic memory by its id, or the one that is to be made of the group with this number.
_Target = str | int


@dataclass(slots=True)
class _Entry:
    """What is gathered for one semantic memory, that is there or is to be made."""

    group: Group
    known: _Known | None
    supporting: dict[str, Evidence] = field(default_factory=dict)
    contradicting: dict[str, Evidence] = field(default_factory=dict)
    why: str | None = None
    opposed: dict[_Target, None] = field(default_factory=dict)

    def oppose(self, evidence: Mapping[str, Evidence], why: str) -> None:
        counted = frozenset[str]() if self.known is None else self.known.contradicts
        fresh = {episode: each for episode, each in evidence.items() if episode not in counted}
        if fresh:
            self.contradicting.update(fresh)
            self.why = self.why or why

    def confidence(self) -> float:
        """The share of the evidence that speaks for it, as if one more telling, which nobody saw, spoke against it:
        three that are sure give 0.75, ten 0.91, three against three 0.43."""
        supporting = sum(each.weight for each in self.supporting.values())
        contradicting = sum(each.weight for each in self.contradicting.values())
        before, weighed = (0.0, 1.0) if self.known is None else (self.known.confidence, self.known.weighed)
        return round((before * weighed + supporting) / (weighed + supporting + contradicting), 4)

    def learned(self, places: Mapping[_Target, int]) -> Learned:
        """`places`: where in the plan each entry stands."""
        known = self.known
        return Learned(
            memory=None if known is None else known.id,
            version=0 if known is None else known.version,
            knowledge=self.group.spokesman().text if known is None else str(known.content["knowledge"]),
            topic=self.group.topic() if known is None else known.content.get("topic"),
            confidence=self.confidence(),
            confidence_before=None if known is None else known.confidence,
            supporting=tuple(self.supporting.values()),
            contradicting=tuple(self.contradicting.values()),
            why_contradicting=self.why,
            opposed=tuple(each for each in self.opposed if isinstance(each, str)),
            opposed_here=tuple(places[each] for each in self.opposed if isinstance(each, int)),
        )


_ANY_SEMANTIC = "SELECT 1 FROM memories WHERE type = 'semantic' AND forgotten_at IS NULL"
_LIKE_IT = """
SELECT m.id, v.version, v.confidence, v.content,
    NOT v.archived
        AND v.superseded_by IS NULL
        AND v.valid_from <= :now
        AND (v.valid_until IS NULL OR v.valid_until > :now)
FROM memory_fts f
CROSS JOIN memory_versions v ON v.text_key = f.rowid AND v.recorded_to IS NULL
CROSS JOIN memories m ON m.key = v.memory_key
WHERE memory_fts MATCH :match
    AND m.type = 'semantic'
ORDER BY f.rank
LIMIT :most
"""
_STANDS_TO = """
SELECT r.relationship, o.id
FROM memories m
JOIN memory_relationships r ON r.source_key = m.key AND r.recorded_to IS NULL
JOIN memories o ON o.key = r.target_key
WHERE m.id = ?
    AND r.relationship IN ('derived_from', 'contradicts')
"""


class _Planning:
    """Groups on their way to a plan. Used once."""

    def __init__(self, db: apsw.Connection, now: str, groups: Sequence[Group]) -> None:
        self._db = db
        self._now = now
        self._groups = groups
        self._spoken = [group.spokesman() for group in groups]
        self._seen: dict[str, _Known] = {}
        self._like = [self._known_like(spokesman.text) for spokesman in self._spoken] if self._has_semantic() else []
        self._entries: dict[_Target, _Entry] = {}
        self._went: dict[str, list[_Target]] = defaultdict(list)  # episode → where each of its facts went in

    def plan(self, episodes: Sequence[Episode]) -> Plan:
        numbers = range(len(self._groups))
        targets = [self._target(number) for number in numbers]
        index = Index()
        for number in numbers:
            index.add(self._spoken[number].statement, number)
        for number in numbers:
            self._oppose_known(number, targets[number])
            for other in index.nearest(self._spoken[number].statement):
                self._oppose(number, other, targets)
        return self._made(episodes)

    def _target(self, number: int) -> _Target | None:
        """What says, or is to say, what the group says; None: too few tell it. Its episodes are counted for that."""
        group, statement = self._groups[number], self._spoken[number].statement
        same = [known for known in self._near(number) if known.says(statement, group.places)]
        same.sort(key=lambda known: (not known.holds, -likeness.likeness(known.statement, statement), known.id))
        counted = {episode: known.id for known in reversed(same) for episode in known.derived_from}
        fresh = {episode: each for episode, each in group.evidence.items() if episode not in counted}
        target: _Target | None = None
        if same and same[0].holds:
            target = same[0].id
        elif _is_enough(fact.episode for fact in group.facts if fact.episode.id in fresh):
            target = number
        if target is not None and fresh:
            self._entry(target, group).supporting.update(fresh)
        for fact in group.facts:
            where = counted.get(fact.episode.id, target)
            if where is not None:
                self._went[fact.episode.id].append(where)
        return target

    def _oppose_known(self, number: int, target: _Target | None) -> None:
        """Tells semantic memories that hold of the group, if it says the opposite."""
        group, statement = self._groups[number], self._spoken[number].statement
        for known in self._near(number):
            if not known.holds or not known.may_be_of(group.places):
                continue
            why = _opposition(statement, group.places, known.statement, known.places)
            if why is not None:
                self._entry(known.id, group).oppose(group.evidence, why)
                if isinstance(target, int):
                    self._entry(target, group).opposed[known.id] = None

    def _oppose(self, number: int, other: int, targets: Sequence[_Target | None]) -> None:
        """Tells what is to be made of a group of another one, if that says the opposite."""
        target, group, opposing = targets[number], self._groups[number], self._groups[other]
        if target is None or not _may_be_one(group.places, opposing.places):
            return
        one, two = self._spoken[number].statement, self._spoken[other].statement
        why = _opposition(one, group.places, two, opposing.places)
        if why is None:
            return
        entry = self._entry(target, group)
        entry.oppose(opposing.evidence, why)
        # Of two that are both made, the later one says how they stand to each other.
        if isinstance(target, int) and isinstance(targets[other], int) and other < number:
            entry.opposed[other] = None

    def _entry(self, target: _Target, group: Group) -> _Entry:
        known = self._seen[target] if isinstance(target, str) else None
        return self._entries.setdefault(target, _Entry(group, known))

    def _has_semantic(self) -> bool:
        return self._db.execute(_ANY_SEMANTIC).get is not None

    def _near(self, number: int) -> Sequence[_Known]:
        return self._like[number] if self._like else ()

    def _known_like(self, text: str) -> list[_Known]:
        terms = words.terms(text, _TERMS)
        if not terms:
            return []
        match = words.match_expression(rarity.rarest(self._db, terms, _SCORED))
        question = {"match": match, "now": self._now, "most": _COMPARED}
        rows: list[tuple[str, int, float, str, int]] = list(self._db.execute(_LIKE_IT, question))
        for memory, version, confidence, what, holds in rows:
            if memory not in self._seen:
                self._seen[memory] = self._read(memory, version, confidence, json.loads(what), bool(holds))
        return [self._seen[row[0]] for row in rows]

    def _read(self, memory: str, version: int, confidence: float, what: Mapping[str, Any], holds: bool) -> _Known:
        beside: dict[str, set[str]] = {"derived_from": set(), "contradicts": set()}
        rows: list[tuple[str, str]] = list(self._db.execute(_STANDS_TO, (memory,)))
        for relationship, other in rows:
            beside[relationship].add(other)
        return _Known(
            memory,
            version,
            confidence,
            what,
            holds,
            Statement(str(what["knowledge"])),
            places_of(*memories.cited(self._db, [memory])[memory]),
            frozenset(beside["derived_from"]),
            frozenset(beside["contradicts"]),
        )

    def _made(self, episodes: Sequence[Episode]) -> Plan:
        entries = {target: entry for target, entry in self._entries.items() if entry.supporting or entry.contradicting}
        places = {target: place for place, target in enumerate(entries)}
        settled: list[Settled] = []
        faded: list[Faded] = []
        for episode in episodes:
            went = self._went[episode.id]
            if went and len(went) == len(told(episode)):
                into = dict.fromkeys(went)
                there = tuple(each for each in into if isinstance(each, str))
                made = tuple(places[each] for each in into if isinstance(each, int))
                settled.append(Settled(episode.id, episode.version, episode.summary, there, made))
            elif episode.faded < episode.archive_below:
                faded.append(Faded(episode.id, episode.version, episode.summary, round(episode.faded, 4)))
        learned = tuple(entry.learned(places) for entry in entries.values())
        return Plan(len(episodes), learned, tuple(settled), tuple(faded))


def _is_enough(episodes: Iterable[Episode]) -> bool:
    outcomes = {episode.id: episode.outcome for episode in episodes}
    accepted = sum(outcome == "accepted" for outcome in outcomes.values())
    return len(outcomes) >= _REPEATED or accepted >= _REPEATED_AND_ACCEPTED
