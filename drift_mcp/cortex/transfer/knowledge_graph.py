"""The file of the Model Context Protocol's reference memory server (npm: @modelcontextprotocol/server-memory).

JSON Lines without a header, in the order written: {"type": "entity", "name", "entityType", "observations": [texts]}
and {"type": "relation", "from", "to", "relationType"}. An entity becomes a semantic memory: its name the topic, its
observations the knowledge, one a line, its type a tag. A relation becomes a line of the knowledge where it starts, in
words ("Ana works_at Acme"), and a relationship between the two memories.

The name gives the memory its id, so that the same file says nothing new the second time, and a longer one adds what is
new. What somebody has taken out of such a memory since is not put in again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, NamedTuple

import apsw
from blake3 import blake3

from drift_mcp import jsonl
from drift_mcp.cortex import content, given
from drift_mcp.cortex.embeddings import ModelIdentity
from drift_mcp.cortex.transfer import export, merge
from drift_mcp.cortex.transfer.histories import History, Relationship, Version, as_json
from drift_mcp.cortex.transfer.merge import Outcome, Taken
from drift_mcp.cortex.transfer.reading import UNREADABLE, Problem, Told, lines
from drift_mcp.errors import DriftError

_BY: Final = "knowledge graph"


@dataclass(slots=True)
class Entity:
    """Everything that the file says of one name."""

    line: int  # the first of `lines`
    lines: int = 0
    types: list[str] = field(default_factory=list)
    observations: list[str] = field(default_factory=list)


class Relation(NamedTuple):
    line: int
    source: str
    target: str
    words: str


class Graph(NamedTuple):
    """One file, read to its end."""

    entities: dict[str, Entity]
    relations: list[Relation]
    problems: list[Problem]
    found: Counter[str]  # lines by what they are about, those at fault included


def is_one(first: Mapping[str, Any]) -> bool:
    """Whether a file that begins with this line is a knowledge graph."""
    return first.get("type") in ("entity", "relation")


def read(stream: BinaryIO) -> Graph:
    """What is wrong with a line is among the problems; blank lines are none, as for the server itself."""
    graph = Graph({}, [], [], Counter())
    for number, found in lines(stream):
        if isinstance(found, jsonl.Malformed) and found.is_blank:
            continue
        about = UNREADABLE
        try:
            if isinstance(found, jsonl.Malformed):
                raise DriftError(str(found))
            kind = found.pop("type", None)
            about = {"entity": "entities", "relation": "relations"}.get(str(kind), UNREADABLE)
            match about:
                case "entities":
                    _read_entity(graph, number, found)
                case "relations":
                    _read_relation(graph, number, found)
                case _:
                    raise DriftError(f"'type' is {json.dumps(kind)[:60]}; it is entity or relation.")
        except DriftError as problem:
            graph.problems.append(Problem(number, str(problem)))
        graph.found[about] += 1
    return graph


def _read_entity(graph: Graph, line: int, found: dict[str, Any]) -> None:
    name, kind = _text(found, "name"), _text(found, "entityType", is_needed=False)
    observations = found.pop("observations", None)
    if not isinstance(observations, list) or not all(isinstance(each, str) for each in observations):
        raise DriftError(f"'observations' is {json.dumps(observations)[:60]}; it is a list of texts.")
    said = [content.text_given(each, "observations") for each in observations if each.strip()]
    said += _besides(found)
    content.refuse_secrets(f"the entity '{name[:60]}'", iter(("observations", each) for each in said))
    entity = graph.entities.setdefault(name, Entity(line))
    entity.lines += 1
    entity.types += [kind] if kind else []
    entity.observations += said


def _read_relation(graph: Graph, line: int, found: dict[str, Any]) -> None:
    source, target = _text(found, "from"), _text(found, "to")
    words = f"{source} {_text(found, 'relationType')} {target}"
    besides = _besides(found)
    if besides:
        words += f" ({'; '.join(besides)})"
    content.refuse_secrets("this relation", iter([("relationType", words)]))
    graph.relations.append(Relation(line, source, target, words))


def _text(found: dict[str, Any], name: str, *, is_needed: bool = True) -> str:
    value = found.pop(name, None)
    if not isinstance(value, str):
        raise DriftError(f"'{name}' is {'missing' if value is None else json.dumps(value)[:60]}; it is a text.")
    return content.text_given(value, name) if is_needed or value.strip() else ""


def _besides(found: Mapping[str, Any]) -> list[str]:
    """What programs that took the format over have added to it: dates, versions and the like."""
    told = {name: value if isinstance(value, str) else as_json(value) for name, value in found.items()}
    return [content.text_given(f"{name}: {value}", name) for name, value in told.items()]


def take(tx: apsw.Connection, graph: Graph, model: ModelIdentity | None, at: str, *, dry_run: bool) -> Taken:
    """Takes all of the graph, or nothing of it, or finds out what would become of it (`dry_run`)."""
    weaving = _Weaving(tx, graph, at)
    taken = merge.take(tx, weaving.told, model, at, on_conflict="refuse", dry_run=dry_run)
    is_refused = bool(taken.problems)
    counts = {
        about: merge.counted(about, found, weaving.tally, is_refused) for about, found in sorted(graph.found.items())
    }
    return taken._replace(counts=counts)


class _Weaving:
    """A graph as histories of memories, compared with those that are here already."""

    def __init__(self, tx: apsw.Connection, graph: Graph, at: str) -> None:
        self.told: Final = Told([], [], [], list(graph.problems), Counter())
        self.tally: Counter[tuple[str, Outcome]] = Counter()
        self._tx = tx
        self._at = at
        self._stored: dict[str, History | None] = {}
        self._words: dict[str, list[str]] = {}  # of the relations that start at a name
        self._related: set[tuple[str, str]] = set()
        self._linked: set[str] = set()  # memories from which a new relationship leads: that is a change of theirs
        self._entities = dict(graph.entities)
        for relation in graph.relations:
            self._relate(relation)
        for name, entity in self._entities.items():
            outcome = self._remember(name, entity)
            if entity.lines:
                self.tally["entities", outcome] += 1
                # What says more of a name that stands further up goes with that.
                again: Outcome = "already there" if outcome == "already there" else "merged"
                self.tally["entities", again] += entity.lines - 1

    def _relate(self, relation: Relation) -> None:
        for name in (relation.source, relation.target):
            # One that an earlier file has told of can be related to without being told of again.
            if name not in self._entities and self._history(name) is not None:
                self._entities[name] = Entity(relation.line)
        ends = (relation.source, relation.target)
        if any((stored := self._history(name)) is not None and stored.forgotten_at is not None for name in ends):
            self.tally["relations", "already there"] += 1  # nothing is to be said of it any more
            return
        known = [name for name in ends if name in self._entities]
        if not known:
            what = f"neither '{relation.source[:60]}' nor '{relation.target[:60]}' is an entity, in the file or here."
            self.told.problems.append(Problem(relation.line, f"The relation leads nowhere: {what}"))
            return
        said = self._words.setdefault(known[0], [])
        is_new = relation.words not in said and not _has_said(self._history(known[0]), relation.words)
        if is_new:
            said.append(relation.words)
        if len(set(known)) == 2 and ends not in self._related and not self._is_related(*ends):
            self._related.add(ends)
            link = Relationship(_id(relation.source), _id(relation.target), "related", 1.0, self._at, None)
            self.told.relationships.append((relation.line, link))
            self._linked.add(link.source)
            self.tally["relations", "imported"] += 1
        else:
            self.tally["relations", "merged" if is_new else "already there"] += 1

    def _remember(self, name: str, entity: Entity) -> Outcome:
        stored = self._history(name)
        if stored is not None and stored.forgotten_at is not None:
            return "already there"
        said = dict.fromkeys(each for each in entity.observations if not _has_said(stored, each))
        said |= dict.fromkeys(self._words.get(name, []))
        try:
            told = self._new(name, entity, list(said)) if stored is None else self._more(stored, entity, list(said))
        except DriftError as problem:
            self.told.problems.append(Problem(entity.line, str(problem)))
            return "imported"  # would have been: with a problem, nothing is
        if told is None:
            return "already there"
        self.told.histories.append((entity.line, told))
        return "imported" if stored is None else "merged"

    def _new(self, name: str, entity: Entity, said: list[str]) -> History:
        what = content.checked("semantic", {"topic": name, "knowledge": "\n".join(said or entity.types or [name])})
        summary, tags = content.summary("semantic", what), given.tags(entity.types)
        given.refuse_secrets("semantic", what, summary, tags)
        first = Version(
            version=1,
            recorded_at=self._at,
            recorded_to=None,
            valid_from=self._at,
            valid_until=None,
            content=as_json(what),
            summary=summary,
            confidence=1.0,
            importance="normal",
            tags=as_json(tags),
            archived=0,
            archive_reason=None,
            superseded_by=None,
            last_validated=None,
            change="imported",
            reason=None,
            changed_by=_BY,
        )
        return History(_id(name), "semantic", self._at, _BY, None, 0, None, versions=(first,))

    def _more(self, stored: History, entity: Entity, said: list[str]) -> History | None:
        """The memory as it is here, with what is new in a version of its own; None: nothing is."""
        *before, last = stored.versions
        tags_before: list[str] = json.loads(last.tags)
        tags = given.tags([*tags_before, *entity.types])
        if not said and tags == tags_before and stored.id not in self._linked:
            return None
        content_before: dict[str, Any] = json.loads(last.content)
        knowledge = "\n".join([str(content_before["knowledge"]), *said])
        what = content.checked("semantic", content_before | {"knowledge": knowledge})
        is_made = last.summary == content.summary("semantic", content_before)
        summary = content.summary("semantic", what) if is_made else last.summary
        given.refuse_secrets("semantic", what, summary, tags)
        following = last._replace(
            version=last.version + 1,
            recorded_at=self._at,
            content=as_json(what),
            summary=summary,
            tags=as_json(tags),
            change="imported",
            reason=None,
            changed_by=_BY,
        )
        return stored._replace(versions=(*before, last._replace(recorded_to=self._at), following))

    def _history(self, name: str) -> History | None:
        if name not in self._stored:
            self._stored[name] = export.history(self._tx, _id(name))
        return self._stored[name]

    def _is_related(self, source: str, target: str) -> bool:
        return bool(self._tx.execute(_RELATED, (_id(source), _id(target))).get)


_RELATED = """
SELECT EXISTS (
    SELECT 1
    FROM memory_relationships r
    JOIN memories s ON s.key = r.source_key
    JOIN memories t ON t.key = r.target_key
    WHERE s.id = ?
        AND t.id = ?
        AND r.relationship = 'related'
        AND r.recorded_to IS NULL
)
"""


def _id(name: str) -> str:
    """Two names meet by chance once in a billion graphs of a hundred thousand."""
    return f"mem_graph_{blake3(name.encode()).hexdigest(length=9)}"


def _has_said(history: History | None, text: str) -> bool:
    """Whether any version says it: what was taken out since is known, too."""
    if history is None:
        return False
    return any(f"\n{text}\n" in f"\n{json.loads(version.content)['knowledge']}\n" for version in history.versions)
