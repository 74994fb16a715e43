"""The file of the reference memory server becomes memories: nothing of it is lost, and nothing comes twice."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from drift_mcp.cortex.cortex import Cortex, Revision
from drift_mcp.cortex.filters import Filters
from drift_mcp.cortex.transfer.merge import Counts

from .conftest import Clock

Line = dict[str, Any]
KEY = "AKIA" + "Q7W2E9R4T6Y1U3I5"


def entity(name: str, kind: str, *observations: str, **more: Any) -> Line:
    return {"type": "entity", "name": name, "entityType": kind, "observations": list(observations), **more}


def relation(source: str, kind: str, target: str) -> Line:
    return {"type": "relation", "from": source, "to": target, "relationType": kind}


def file(*lines: Line) -> io.BytesIO:
    # As the server writes it.
    return io.BytesIO("\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode() + b"\n")


GRAPH = (
    entity("Ana", "person", "Speaks Spanish", "Prefers mornings"),
    entity("Acme", "organization"),
    relation("Ana", "works_at", "Acme"),
)


def known(cortex: Cortex) -> dict[str, str]:
    """Topic → knowledge."""
    with cortex._opened.snapshot() as db:
        rows = db.execute("SELECT content FROM memory_versions WHERE recorded_to IS NULL").fetchall()
    return {what["topic"]: what["knowledge"] for what in (json.loads(content) for (content,) in rows)}


def test_entities_become_memories_and_relations_relationships(cortex: Cortex) -> None:
    taken = cortex.take_graph(file(*GRAPH))
    assert taken.counts == {"entities": Counts(2, 2, 0, 0, 0), "relations": Counts(1, 1, 0, 0, 0)}
    assert known(cortex) == {"Ana": "Speaks Spanish\nPrefers mornings\nAna works_at Acme", "Acme": "organization"}
    hit = cortex.search("spanish").hits[0]
    shown = cortex.get(hit.memory)
    assert (shown.memory.type, shown.memory.tags) == ("semantic", ("person",))
    assert [(each.relationship, each.outgoing, each.summary) for each in shown.neighbours] == [
        ("related", True, "Acme: organization")
    ]
    assert [each.change for each in shown.history] == ["imported"]
    assert cortex.standing().vectors_pending == 2


def test_the_same_file_says_nothing_new(cortex: Cortex) -> None:
    cortex.take_graph(file(*GRAPH))
    written = io.BytesIO()
    cortex.export(written.write)
    taken = cortex.take_graph(file(*GRAPH))
    assert taken.counts == {"entities": Counts(2, 0, 0, 2, 0), "relations": Counts(1, 0, 0, 1, 0)}
    again = io.BytesIO()
    cortex.export(again.write)
    assert again.getvalue() == written.getvalue()


@pytest.mark.parametrize(
    ("more", "entities", "relations", "knowledge"),
    [
        # A new observation, a second type.
        (
            [entity("Ana", "engineer", "Speaks Spanish", "Likes tea")],
            Counts(1, 0, 1, 0, 0),
            None,
            "Speaks Spanish\nPrefers mornings\nAna works_at Acme\nLikes tea",
        ),
        # Named again without anything new.
        ([entity("Ana", "person")], Counts(1, 0, 0, 1, 0), None, "Speaks Spanish\nPrefers mornings\nAna works_at Acme"),
        # Another relation of the same two: the relationship is there, the words are not.
        (
            [relation("Ana", "founded", "Acme")],
            None,
            Counts(1, 0, 1, 0, 0),
            "Speaks Spanish\nPrefers mornings\nAna works_at Acme\nAna founded Acme",
        ),
        # Of itself, and to what is no entity: words alone.
        (
            [relation("Ana", "admires", "Ana"), relation("Ana", "lives_in", "Rome")],
            None,
            Counts(2, 0, 2, 0, 0),
            "Speaks Spanish\nPrefers mornings\nAna works_at Acme\nAna admires Ana\nAna lives_in Rome",
        ),
        # From what is no entity: the words stand where it ends.
        (
            [relation("Rome", "is_home_of", "Ana")],
            None,
            Counts(1, 0, 1, 0, 0),
            "Speaks Spanish\nPrefers mornings\nAna works_at Acme\nRome is_home_of Ana",
        ),
    ],
)
def test_a_longer_file_adds_what_is_new(
    cortex: Cortex, more: list[Line], entities: Counts | None, relations: Counts | None, knowledge: str
) -> None:
    cortex.take_graph(file(*GRAPH))
    counts = cortex.take_graph(file(*more)).counts
    assert (counts.get("entities"), counts.get("relations")) == (entities, relations)
    assert known(cortex)["Ana"] == knowledge
    again = cortex.take_graph(file(*more)).counts
    assert all(each.found == each.already_there for each in again.values())


def test_what_stands_twice_in_one_file_is_merged(cortex: Cortex) -> None:
    twice = (*GRAPH, entity("Ana", "person", "Speaks Spanish"), relation("Ana", "works_at", "Acme"))
    counts = cortex.take_graph(file(*twice)).counts
    assert counts == {"entities": Counts(3, 2, 1, 0, 0), "relations": Counts(2, 1, 0, 1, 0)}
    assert known(cortex)["Ana"] == "Speaks Spanish\nPrefers mornings\nAna works_at Acme"


def test_what_somebody_took_out_since_is_not_put_in_again(cortex: Cortex, clock: Clock) -> None:
    cortex.take_graph(file(*GRAPH))
    memory = cortex.search(None, Filters(tags=["person"])).hits[0].memory
    cortex.revise(memory, Revision(content="Speaks Spanish and Dutch"))
    cortex.archive(memory)
    counts = cortex.take_graph(file(*GRAPH)).counts
    assert counts["entities"] == Counts(2, 0, 0, 2, 0)
    assert known(cortex)["Ana"] == "Speaks Spanish and Dutch"
    assert cortex.get(memory).memory.archived


def test_a_summary_of_ones_own_is_kept(cortex: Cortex) -> None:
    cortex.take_graph(file(*GRAPH))
    memory = cortex.search(None, Filters(tags=["person"])).hits[0].memory
    cortex.revise(memory, Revision(summary="our Ana"))
    cortex.take_graph(file(entity("Ana", "person", "Likes tea")))
    assert cortex.get(memory).memory.summary == "our Ana"
    assert [each.change for each in cortex.get(memory).history] == ["imported", "revised", "imported"]


def test_fields_that_other_programs_added_are_kept_in_words(cortex: Cortex) -> None:
    related = relation("Ana", "works_at", "Acme") | {"since": 2020}
    cortex.take_graph(file(entity("Ana", "person", createdAt="2024-05-01", links=["a", "b"]), GRAPH[1], related))
    assert known(cortex)["Ana"] == 'createdAt: 2024-05-01\nlinks: ["a","b"]\nAna works_at Acme (since: 2020)'


def test_odd_names_blank_lines_and_an_empty_graph_are_understood(cortex: Cortex) -> None:
    assert cortex.take_graph(io.BytesIO(b"\n")).counts == {}
    odd = [entity("Müller & Söhne 🔥", "", 'said: "no\'"\nand left', " "), entity("x" * 500, "long")]
    taken = cortex.take_graph(io.BytesIO(file(*odd).getvalue().replace(b"\n", b"\n\n")))
    assert taken.counts == {"entities": Counts(2, 2, 0, 0, 0)}
    assert known(cortex)["Müller & Söhne 🔥"] == 'said: "no\'"\nand left'
    assert all(each.found == each.already_there for each in cortex.take_graph(file(*odd)).counts.values())


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (entity("", "person"), "'name' is empty"),
        (entity("Bo", "person") | {"name": 7}, "'name' is 7; it is a text"),
        (entity("Bo", "person") | {"observations": "tall"}, "'observations' is \"tall\"; it is a list of texts"),
        (entity("Bo", "person") | {"observations": [1]}, "it is a list of texts"),
        ({"type": "entity", "name": "Bo", "observations": []}, "'entityType' is missing"),
        (entity("Bo", "person", f"his key is {KEY}"), "The field 'observations' of the entity 'Bo' seems to hold"),
        (entity("Bo", "person", "a\0b"), "'observations' holds a character that is no text"),
        (entity("Bo", "person", "🔥" * 70_000), "holds at most 65536 characters"),
        (relation("Bo", "knows", "Cy"), "neither 'Bo' nor 'Cy' is an entity"),
        (relation("Ana", "has", KEY), "The field 'relationType' of this relation seems to hold"),
        ({"type": "note"}, "'type' is \"note\"; it is entity or relation"),
    ],
)
def test_a_line_at_fault_is_named_and_nothing_is_taken(cortex: Cortex, line: Line, problem: str) -> None:
    taken = cortex.take_graph(file(*GRAPH, line))
    assert [(each.line, problem in each.what) for each in taken.problems] == [(4, True)], taken.problems
    assert (taken.is_written, cortex.standing().memories) == (False, 0)
    assert sum(each.found for each in taken.counts.values()) == 4 == sum(each.refused for each in taken.counts.values())


def test_all_that_is_wrong_is_told_at_once(cortex: Cortex) -> None:
    broken = io.BytesIO(file(entity("Bo", "person", KEY), relation("Bo", "knows", KEY)).getvalue() + b"{oops\n")
    taken = cortex.take_graph(broken)
    assert [each.line for each in taken.problems] == [1, 2, 3]
    assert KEY not in str(taken)


def test_a_dry_run_tells_and_writes_nothing(cortex: Cortex) -> None:
    taken = cortex.take_graph(file(*GRAPH), dry_run=True)
    assert (taken.is_written, taken.counts["entities"]) == (False, Counts(2, 2, 0, 0, 0))
    assert cortex.standing().memories == 0
