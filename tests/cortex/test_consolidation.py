"""Consolidation: what episodes repeat becomes knowledge, once, with everything that it came from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import apsw
import pytest

from drift_mcp.cortex.consolidation import Plan
from drift_mcp.cortex.cortex import Cortex, Filters, NewMemory, Revision
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM

from .conftest import PAY, Clock


class Told:
    """Adds episodes, each an interaction of its own."""

    def __init__(self, cortex: Cortex) -> None:
        self._cortex = cortex
        self._number = 0

    def __call__(self, said: str, outcome: str = "unknown", **more: Any) -> str:
        what = {"interaction": {"agentResponse": said, "outcome": outcome}}
        return self.tells([], what, **more)

    def tells(self, facts: list[Any], what: dict[str, Any] | None = None, **more: Any) -> str:
        """An episode from which `facts` were extracted."""
        self._number += 1
        what = {"interaction": {}} if what is None else what
        what["interaction"]["userQuery"] = f"question {self._number}"
        if facts:
            what["extractedFacts"] = [{"fact": fact} if isinstance(fact, str) else fact for fact in facts]
        return self._cortex.add(NewMemory("episodic", what, **more)).memory


@pytest.fixture
def told(cortex: Cortex, project: Path) -> Told:
    (project / "app" / "cart.py").write_text(PAY)
    (project / "app" / "mail.py").write_text(PAY)
    return Told(cortex)


def knowledge(cortex: Cortex) -> dict[str, str]:
    """What is known, and the memory that says it."""
    hits = cortex.search(None, Filters(types=["semantic"], include_archived=True), limit=100).hits
    return {str(cortex.get(hit.memory).memory.content["knowledge"]): hit.memory for hit in hits}


CENTS = "Money amounts are stored as integer cents"


def test_a_fact_that_three_episodes_tell_becomes_a_memory_of_its_own(cortex: Cortex, told: Told, clock: Clock) -> None:
    cited = {"files": ["app/pay.py:1-4"], "functions": ["app/pay.py::charge_card"]}
    about = {"interaction": {"agentResponse": CENTS, "outcome": "accepted"}, "context": {"focus": "payments"}}
    first = told.tells([], about, tags=["billing"], importance="high", **cited)
    clock.set("2026-01-02")
    second = told.tells([], {**about, "interaction": {"agentResponse": f"{CENTS}, never as floats."}}, tags=["api"])
    third = told("Amounts of money are stored as integer cents.")
    clock.set("2026-01-03")
    plan = cortex.to_consolidate()
    (learned,) = plan.learned
    assert (learned.memory, learned.knowledge, [each.episode for each in learned.supporting]) == (
        *(None, CENTS),
        [first, second, third],
    )
    assert knowledge(cortex) == {}  # nothing was done yet
    done, run = cortex.consolidate()
    assert done == plan
    assert (run.episodes, run.created, run.updated, run.archived, run.pruned, run.overtaken) == (3, 1, 0, 3, 0, 0)
    shown = cortex.get(knowledge(cortex)[CENTS])
    memory = shown.memory
    assert memory.content == {
        "topic": "payments",
        "knowledge": CENTS,
        "consolidatedFrom": {
            "episodicMemoryIds": [first, second, third],
            "consolidationDate": memory.recorded_at,
            "consolidationMethod": "automatic",
        },
        "supportingEvidence": 3,
        "contradictingEvidence": 0,
        "lastReinforced": memory.recorded_at,
    }
    assert (memory.tags, memory.importance) == (("api", "billing"), "high")
    assert memory.valid_from == "2026-01-01T00:00:00.000Z"  # what was seen then was true then
    assert [(file.file, file.line_start) for file in memory.files] == [("app/pay.py", 1)]
    assert [each.function for each in memory.functions] == ["app/pay.py::charge_card"]
    # Weights 0.6, 0.42 and 0.42, and a doubt of 1.
    assert memory.confidence == pytest.approx(1.44 / 2.44, abs=0.0001)
    assert [(each.change, each.changed_by, each.reason) for each in shown.history] == [
        ("consolidated", run.id, "told by 3 episodes")
    ]
    assert {(each.memory, each.relationship, each.outgoing) for each in shown.neighbours} == {
        (episode, "derived_from", True) for episode in (first, second, third)
    }
    assert [hit.memory for hit in cortex.search("integer cents").hits] == [memory.memory]
    episode = cortex.get(first)
    assert (episode.memory.content["consolidationStatus"], episode.memory.content["consolidatedInto"]) == (
        *("consolidated", memory.memory),
    )
    assert episode.memory.archive_reason == f"consolidated into {memory.memory}"
    assert [(each.change, each.changed_by) for each in episode.history] == [("added", None), ("consolidated", run.id)]
    # What was changed can be changed again.
    assert cortex.restore(first).version == 3
    assert cortex.revise(memory.memory, Revision(content="Money is stored in cents")).version == 2


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ([("Run migrations before deploying", "unknown")] * 2, 0),
        ([("Run migrations before deploying", "unknown")] * 3, 1),
        ([("Run migrations before deploying", "accepted")] * 2, 1),
        ([("Run migrations before deploying", "accepted"), ("Run migrations before deploying", "modified")], 0),
        # In other words.
        ([(f"Run migrations before {word}", "unknown") for word in ("the deploy", "deploying", "deployments")], 1),
        ([("Before deploying, run migrations", "accepted"), ("Run migrations before deploying", "accepted")], 1),
        # Alike, and about something else.
        (
            [(f"Integration tests need {name} running locally", "accepted") for name in ("Postgres", "Redis", "Kafka")],
            0,
        ),
        ([(f"The function parse_{name} returns a list", "accepted") for name in ("user", "order", "cart")], 0),
        ([(f"A session expires after {number} minutes", "accepted") for number in (30, 60, 90)], 0),
        # What is no statement, or was wrong.
        ([("How are tests run?", "accepted")] * 4, 0),
        ([("Use the old client", "rejected")] * 4, 0),
        ([("An account. " * 60, "accepted")] * 4, 0),
        ([("🔥", "accepted")] * 4, 0),
        ([("迁移脚本 在部署之前 运行", "accepted")] * 2, 1),
    ],
)
def test_what_counts_as_repeated(cortex: Cortex, told: Told, said: list[tuple[str, str]], known: int) -> None:
    for text, outcome in said:
        told(text, outcome)
    assert len(cortex.to_consolidate().learned) == known
    assert cortex.consolidate()[1].created == known


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        (
            [
                ["Staging is reset every night"],
                ["Ask Maria", "Staging is reset each night"],
                ["Staging is reset nightly"],
            ],
            1,
        ),
        # Doubted by who told it.
        ([[{"fact": "The scheduler runs twice", "confidence": 0.3}]] * 3, 0),
        # Said twice by one episode it is said once.
        ([["Staging is reset every night"] * 3], 0),
    ],
)
def test_extracted_facts_stand_for_the_episode(cortex: Cortex, told: Told, facts: list[list[Any]], known: int) -> None:
    for each in facts:
        told.tells(each)
    assert len(cortex.to_consolidate().learned) == known


def test_what_was_learned_from_a_rejection_counts(cortex: Cortex, told: Told) -> None:
    correction = {"fact": "The old client must not be used", "type": "correction"}
    for _ in range(3):
        told.tells(
            [correction, "Invoices go through the old client"],
            {"interaction": {"agentResponse": "Use the old client", "outcome": "rejected"}},
        )
    _, run = cortex.consolidate()
    assert list(knowledge(cortex)) == ["The old client must not be used"]
    assert run.archived == 0  # the other thing that they tell did not go in


@pytest.mark.parametrize(
    ("files", "known"),
    [
        ([["app/pay.py"], ["app/pay.py"], ["app/cart.py"], ["app/cart.py"]], [[]]),
        ([["app/pay.py"]] * 3 + [["app/cart.py"]] * 2, [["app/pay.py"]]),
        ([["app/pay.py"]] * 3 + [["app/cart.py"]] * 3, [["app/cart.py"], ["app/pay.py"]]),
        ([["app/pay.py"], ["app/pay.py", "app/cart.py"], ["app/cart.py"]], [["app/cart.py", "app/pay.py"]]),
        ([["app/pay.py"], ["app/pay.py"], []], [["app/pay.py"]]),
        # Of three places: of the project.
        ([["app/pay.py"], ["app/mail.py"], ["app/cart.py"]], [["app/cart.py", "app/mail.py", "app/pay.py"]]),
    ],
)
def test_the_same_words_about_other_code_are_another_fact(
    cortex: Cortex, told: Told, files: list[list[str]], known: list[list[str]]
) -> None:
    for cited in files:
        told("The handler returns null on an invalid token", files=cited)
    cortex.consolidate()
    hits = cortex.search(None, Filters(types=["semantic"])).hits
    cited = [sorted({file.file for file in cortex.get(hit.memory).memory.files}) for hit in hits]
    assert sorted(cited) == [each for each in known if each]


def test_opposing_statements_are_kept_apart_and_counted_against_each_other(cortex: Cortex, told: Told) -> None:
    always = [told("Failed payments are retried automatically", "accepted") for _ in range(3)]
    never = [told("Failed payments are never retried automatically", "accepted") for _ in range(2)]
    cortex.consolidate()
    found = knowledge(cortex)
    one = cortex.get(found["Failed payments are retried automatically"])
    other = cortex.get(found["Failed payments are never retried automatically"])
    counts = [
        (each.memory.content["supportingEvidence"], each.memory.content["contradictingEvidence"])
        for each in (one, other)
    ]
    assert counts == [(3, 2), (2, 3)]
    assert one.memory.confidence == pytest.approx(1.8 / 4) and other.memory.confidence == pytest.approx(1.2 / 4)
    opposed = {(each.memory, each.outgoing) for each in one.neighbours if each.relationship == "contradicts"}
    assert opposed == {*((episode, True) for episode in never), (other.memory.memory, False)}
    derived = {each.memory for each in one.neighbours if each.relationship == "derived_from"}
    assert derived == set(always)


def test_what_is_known_already_gains_evidence_and_is_not_said_again(cortex: Cortex, told: Told, clock: Clock) -> None:
    known = cortex.add(NewMemory("semantic", CENTS, confidence=0.6, files=["app/cart.py"])).memory
    clock.set("2026-02-01")
    episode = told(f"{CENTS}.", "accepted", files=["app/cart.py", "app/pay.py"])
    plan, run = cortex.consolidate()
    assert [(each.memory, each.confidence_before) for each in plan.learned] == [(known, 0.6)]
    assert (run.created, run.updated, run.archived) == (0, 1, 1)
    memory = cortex.get(known).memory
    assert memory.content == {
        "knowledge": CENTS,
        "supportingEvidence": 1,
        "contradictingEvidence": 0,
        "lastReinforced": "2026-02-01T00:00:00.001Z",
    }
    assert memory.confidence == pytest.approx((0.6 + 0.6) / 1.6, abs=0.0001)
    assert [file.file for file in memory.files] == ["app/cart.py", "app/pay.py"]
    assert [(each.memory, each.relationship) for each in cortex.get(known).neighbours] == [(episode, "derived_from")]
    assert cortex.get(known).history[-1].reason == "told by 1 more episode"
    # And what speaks against it, counts against it, once.
    against = told("Money amounts are never stored as integer cents", "accepted")
    for _ in range(2):
        cortex.consolidate()
    shown = cortex.get(known)
    assert (shown.memory.content["contradictingEvidence"], shown.memory.version) == (1, 3)
    assert shown.memory.confidence < memory.confidence
    assert ("contradicts", against) in [(each.relationship, each.memory) for each in shown.neighbours]
    assert not cortex.get(against).memory.archived


def test_run_twice_nothing_is_new(cortex: Cortex, told: Told) -> None:
    for outcome in ("accepted", "modified", "unknown"):
        told.tells([CENTS, f"Only here: {outcome}"], {"interaction": {"outcome": outcome}})
        told("Failed payments are retried automatically", outcome)
        told("Failed payments are never retried automatically", outcome)
    cortex.consolidate()
    plan, run = cortex.consolidate()
    assert plan == Plan(3, (), (), ())
    assert (run.episodes, run.created, run.updated, run.archived) == (3, 0, 0, 0)


def test_knowledge_that_was_archived_does_not_come_back_from_the_same_episodes(cortex: Cortex, told: Told) -> None:
    for number in range(3):
        told.tells([CENTS, f"Something else {number}"])
    cortex.consolidate()
    cortex.archive(knowledge(cortex)[CENTS], reason="it was wrong")
    assert cortex.to_consolidate().learned == ()
    for _ in range(3):
        told(CENTS)
    (learned,) = cortex.to_consolidate().learned  # from three others it does
    assert (learned.memory, len(learned.supporting)) == (None, 3)


def test_an_episode_that_faded_and_was_never_repeated_is_pruned_when_told(
    cortex: Cortex, told: Told, clock: Clock
) -> None:
    episode = told("Mail is sent in batches", "accepted")
    clock.set("2026-01-20")
    assert cortex.to_consolidate().faded == ()
    clock.set("2026-02-20")
    (faded,) = cortex.to_consolidate().faded
    assert faded.episode == episode and faded.confidence < 0.1
    assert [hit.memory for hit in cortex.search(None).hits] == [episode]
    _, run = cortex.consolidate()
    memory = cortex.get(episode).memory
    assert (run.pruned, memory.archived, memory.content["consolidationStatus"]) == (1, True, "pruned")
    assert memory.archive_reason is not None and "never repeated" in memory.archive_reason
    assert cortex.consolidate()[1].episodes == 0


def test_every_run_is_recorded_also_one_that_failed_and_one_that_was_killed(cortex: Cortex, told: Told) -> None:
    with cortex._opened.transaction() as tx:
        tx.execute("INSERT INTO consolidation_runs (id, started_at) VALUES ('cons_killed', '2025-12-31T00:00:00.000Z')")
    for _ in range(3):
        told(CENTS)
    told("Mail is sent in batches")
    with cortex._opened.transaction() as tx:
        tx.execute("CREATE TRIGGER full BEFORE INSERT ON memory_relationships BEGIN SELECT RAISE (ABORT, 'full'); END")
    with pytest.raises(apsw.ConstraintError):
        cortex.consolidate()
    assert knowledge(cortex) == {}
    with cortex._opened.transaction() as tx:
        tx.execute("DROP TRIGGER full")
    cortex.consolidate()
    with cortex._opened.snapshot() as db:
        rows = db.execute(
            "SELECT status, episodes_processed, memories_created, memories_updated, memories_pruned, error,"
            " completed_at >= started_at FROM consolidation_runs ORDER BY key"
        ).fetchall()
    assert rows == [
        ("failed", 0, 0, 0, 0, "it was ended before it was done", 1),
        ("failed", 4, 0, 0, 0, "ConstraintError: full", 1),
        ("completed", 4, 1, 0, 0, None, 1),
    ]


def test_killed_at_any_statement_the_next_run_brings_it_to_the_same_end(
    cortex: Cortex, told: Told, project: Path, clock: Clock, tmp_path: Path
) -> None:
    for number in range(3):
        told(CENTS)
        told("Failed payments are retried automatically", "accepted")
        told.tells(["Staging is reset every night", f"Only here {number}"])
    left: list[Path] = []
    statements = 0

    def keep(cursor: object, statement: str, bindings: object) -> bool:
        """What a process would leave that is killed before this statement."""
        nonlocal statements
        statements += 1
        if statements % 6 == 0:
            left.append(tmp_path / f"killed-{len(left)}")
            shutil.copytree(project, left[-1])
        return True

    with cortex._opened.transaction() as tx:
        tx.exec_trace = keep
    cortex.consolidate()
    wanted = _end(cortex)
    assert len(wanted[0]) == 3 and len(left) > 20
    for folder in left:
        with Cortex.open(folder / "cortex.db", folder, clock=clock, embedder=Embedder(MiniLM(None))) as again:
            again.consolidate()
            assert _end(again) == wanted
            assert again.consolidate()[1].created == 0


def _end(cortex: Cortex) -> tuple[dict[str, tuple[int, float]], list[str]]:
    """What is known, by how many episodes and how surely; and what the episodes left say."""
    known = {
        text: (memory.content["supportingEvidence"], memory.confidence)
        for text, id_ in knowledge(cortex).items()
        for memory in [cortex.get(id_).memory]
    }
    hits = cortex.search(None, Filters(types=["episodic"]), limit=100).hits
    return known, sorted(str(cortex.get(hit.memory).memory.content.get("extractedFacts")) for hit in hits)


def test_among_many_that_are_alike_each_fact_is_found(cortex: Cortex, told: Told) -> None:
    for number in range(30):
        for _ in range(3):
            told(f"The worker {_name(number)} drains the queue {_name(number + 1)} of {_name(number + 2)}")
    plan, run = cortex.consolidate()
    assert (len(plan.learned), run.archived) == (30, 90)


def _name(number: int) -> str:
    return "".join("bdfgklmnpr"[int(digit)] + "ao"[int(digit) % 2] for digit in f"{number:03}")
