"""Adding and changing memories: every change is a version, and what was believed stays readable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex import vectors
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.filters import Filters
from drift_mcp.cortex.memories import NewMemory, Revision
from drift_mcp.errors import DriftError

from .conftest import Clock

CHARGE = NewMemory(
    "tribal",
    {"topic": "cards", "knowledge": "Charge a card once, the bank books every attempt"},
    importance="high",
    tags=["billing", "billing"],
    files=["app/pay.py:1-4", "app/pay.py:7-8"],
    functions=["app/pay.py::charge_card"],
    patterns=["0123456789abcdef"],
    constraints=["no-double-booking"],
    created_by="ana",
)


def test_a_memory_comes_back_as_it_was_given(cortex: Cortex, clock: Clock) -> None:
    written = cortex.add(CHARGE)
    shown = cortex.get(written.memory)
    memory = shown.memory
    assert written.version == memory.version == 1
    assert memory.memory.startswith("mem_")
    assert (memory.type, memory.content) == ("tribal", CHARGE.content)
    assert memory.summary == "cards: Charge a card once, the bank books every attempt"
    assert (memory.importance, memory.tags, memory.created_by) == ("high", ("billing",), "ana")
    assert [(file.file, file.line_start, file.line_end) for file in memory.files] == [
        ("app/pay.py", 1, 4),
        ("app/pay.py", 7, 8),
    ]
    assert ([each.function for each in memory.functions], memory.patterns) == (
        ["app/pay.py::charge_card"],
        ("0123456789abcdef",),
    )
    assert memory.constraints == ("no-double-booking",)
    assert memory.recorded_at == memory.valid_from == clock.stamp
    assert (memory.recorded_to, memory.valid_until, memory.archived) == (None, None, False)
    assert shown.code == "unchanged"


def test_a_cited_function_that_changes_makes_the_memory_stale(cortex: Cortex, project: Path) -> None:
    memory = cortex.add(CHARGE).memory
    file = project / "app" / "pay.py"
    file.write_text(file.read_text().replace("<= 0", "< 0"))
    assert cortex.get(memory).code == "changed"
    assert cortex.search("charge a card").hits[0].code == "changed"


def test_the_very_same_memory_is_not_added_twice(cortex: Cortex) -> None:
    first = cortex.add(CHARGE)
    again = cortex.add(CHARGE)
    assert (again.memory, again.existed) == (first.memory, True)
    assert cortex.add(replace(CHARGE, importance="low")).memory != first.memory
    assert cortex.standing().memories == 2


@pytest.mark.parametrize(
    ("first", "second", "near", "opposed"),
    [
        ("Retry the payment three times on a timeout", "Retry the payment three times on a time-out", 1, 0),
        ("Always retry a failed payment", "Never retry a failed payment", 0, 1),
        ("A session expires after 30 minutes", "A session expires after 60 minutes", 0, 1),
        ("A session expires after 30 minutes", "Orders are shipped from Rotterdam", 0, 0),
        ("Use snake_case for tables", "Deploys happen on Tuesday", 0, 0),
        ("Don't quote names like '''", "Quote names like '''", 0, 1),
        ("🔥", "🔥🔥", 0, 0),
    ],
)
def test_what_resembles_a_new_memory_is_reported_and_never_refused(
    cortex: Cortex, first: str, second: str, near: int, opposed: int
) -> None:
    there = cortex.add(NewMemory("semantic", first)).memory
    written = cortex.add(NewMemory("semantic", second))
    assert (len(written.near_duplicates), len(written.contradictions)) == (near, opposed)
    assert all(each.memory == there for each in (*written.near_duplicates, *written.contradictions))
    assert cortex.standing().memories == 2


def test_a_revision_changes_what_it_names_and_keeps_the_rest(cortex: Cortex, clock: Clock) -> None:
    memory = cortex.add(CHARGE).memory
    clock.set("2026-02-01")
    written = cortex.revise(memory, Revision(content="Charge a card at most twice"), reason="new bank", by="bo")
    now, before = cortex.get(memory).memory, cortex.get(memory, as_of="2026-01-15").memory
    assert written.version == now.version == 2
    assert now.content == {"topic": "cards", "knowledge": "Charge a card at most twice"}
    assert now.summary == "cards: Charge a card at most twice"
    assert (now.tags, now.files, now.importance) == (before.tags, before.files, before.importance)
    assert (before.version, before.content) == (1, CHARGE.content)
    assert before.recorded_to == now.recorded_at
    assert [(each.change, each.reason, each.changed_by) for each in cortex.get(memory).history] == [
        ("added", None, "ana"),
        ("revised", "new bank", "bo"),
    ]


def test_links_are_replaced_for_now_and_kept_for_then(cortex: Cortex, clock: Clock) -> None:
    memory = cortex.add(CHARGE).memory
    clock.set("2026-02-01")
    cortex.revise(memory, Revision(files=["app/pay.py"], functions=[]))
    now, before = cortex.get(memory).memory, cortex.get(memory, as_of="2026-01-15").memory
    assert ([file.line_start for file in now.files], now.functions) == ([None], ())
    assert ([file.line_start for file in before.files], [each.function for each in before.functions]) == (
        [1, 7],
        list(CHARGE.functions),
    )
    assert now.patterns == before.patterns == tuple(CHARGE.patterns)


@pytest.mark.parametrize(
    ("start", "verdicts", "confidence"),
    [
        (0.5, "c", 0.6),
        (1.0, "c", 1.0),
        (1.0, "r", 0.7),
        (0.3, "r", 0.1),
        (0.05, "r", 0.05),
        (0.9, "rccc", 0.9),
    ],
)
def test_verdicts_move_confidence_and_are_kept(cortex: Cortex, start: float, verdicts: str, confidence: float) -> None:
    memory = cortex.add(NewMemory("tribal", "Charge once", confidence=start)).memory
    for verdict in verdicts:
        (cortex.confirm if verdict == "c" else cortex.reject)(memory, reason="seen in the logs")
    assert cortex.get(memory).memory.confidence == confidence
    assert len(cortex.get(memory).history) == 1 + len(verdicts)


def test_an_archived_memory_is_found_when_asked_for_and_restored(cortex: Cortex) -> None:
    memory = cortex.add(NewMemory("tribal", "Charge once")).memory
    cortex.archive(memory, reason="the bank closed")
    assert cortex.search("charge").hits == ()
    archived = cortex.search("charge", Filters(include_archived=True)).hits
    assert [(hit.memory, hit.archived) for hit in archived] == [(memory, True)]
    assert cortex.get(memory).memory.archive_reason == "the bank closed"
    with pytest.raises(DriftError, match="archived already"):
        cortex.archive(memory)
    cortex.restore(memory)
    assert [hit.memory for hit in cortex.search("charge").hits] == [memory]
    with pytest.raises(DriftError, match="not archived"):
        cortex.restore(memory)


def test_relationships_lead_both_ways_and_only_from_when_they_were_recorded(cortex: Cortex, clock: Clock) -> None:
    one = cortex.add(NewMemory("tribal", "Charge once")).memory
    other = cortex.add(NewMemory("semantic", "The bank has no idempotency keys")).memory
    clock.set("2026-02-01")
    assert cortex.relate(other, "supports", one, strength=0.8).version == 2
    assert [(each.memory, each.relationship, each.outgoing) for each in cortex.get(one).neighbours] == [
        (other, "supports", False)
    ]
    assert [(each.memory, each.strength, each.outgoing) for each in cortex.get(other).neighbours] == [(one, 0.8, True)]
    assert cortex.get(one, as_of="2026-01-15").neighbours == ()


def test_related_again_the_newer_strength_holds(cortex: Cortex) -> None:
    one = cortex.add(NewMemory("tribal", "Charge once")).memory
    other = cortex.add(NewMemory("tribal", "Ship on Fridays")).memory
    cortex.relate(one, "related", other, strength=0.2)
    cortex.relate(one, "related", other, strength=0.9)
    assert [each.strength for each in cortex.get(one).neighbours] == [0.9]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda cortex, memory: cortex.get("mem_none"), "No memory 'mem_none'"),
        (lambda cortex, memory: cortex.get("\ud800'; DROP"), "No memory"),
        (lambda cortex, memory: cortex.get(memory[:-1] + "x"), "Nearest: mem_"),
        (lambda cortex, memory: cortex.get(memory, as_of="2020-01-01"), "not yet recorded"),
        (lambda cortex, memory: cortex.get(memory, as_of="soon"), "'as_of' is 'soon'"),
        (lambda cortex, memory: cortex.relate(memory, "related", memory), "to itself"),
        (lambda cortex, memory: cortex.relate(memory, "likes", memory), "No relationship 'likes'"),
        (lambda cortex, memory: cortex.revise(memory, Revision(importance="huge")), "No importance 'huge'"),
        (lambda cortex, memory: cortex.revise(memory, Revision(content={"a": 1})), "No field 'a'"),
        (lambda cortex, memory: cortex.revise(memory, Revision(valid_until="2025-01-01")), "not after 'valid_from'"),
        (lambda cortex, memory: cortex.add(NewMemory("tribal", "x", confidence=1.5)), "from 0 to 1"),
        (lambda cortex, memory: cortex.add(NewMemory("tribal", "x", supersedes="mem_none")), "No memory 'mem_none'"),
        (lambda cortex, memory: cortex.add(NewMemory("tribal", "x", tags="billing")), "'tags' is a list"),
        (lambda cortex, memory: cortex.add(NewMemory("tribal", "x", files=["app/none.py"])), "no file"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    cortex: Cortex, change: Callable[[Cortex, str], object], message: str
) -> None:
    memory = cortex.add(NewMemory("tribal", "Charge once")).memory
    with pytest.raises(DriftError, match=message):
        change(cortex, memory)
    assert cortex.standing().memories == 1
    assert len(cortex.get(memory).history) == 1


def test_memory_index_row_and_pending_mark_are_one_transaction(cortex: Cortex, project: Path) -> None:
    cortex.add(CHARGE)
    reader = _reader(project)
    counts = reader.execute(
        "SELECT (SELECT count(*) FROM memory_versions), (SELECT count(*) FROM memory_texts),"
        " (SELECT count(*) FROM memory_fts WHERE memory_fts MATCH 'charge'),"
        " (SELECT count(*) FROM memory_embedding_link WHERE state = 'pending')"
    ).fetchone()
    assert counts == (1, 1, 1, 1)
    # The revision fails after its wording was written: nothing of it may stay.
    with pytest.raises(apsw.ConstraintError), cortex._opened.transaction() as tx:
        tx.execute("INSERT INTO memory_texts VALUES (9, 1, 's', 'b', 't', 'c', zeroblob(16))")
        tx.execute("INSERT INTO memory_versions (memory_key) VALUES (1)")
    assert reader.execute("SELECT count(*) FROM memory_fts WHERE memory_fts MATCH 's'").get == 0


def test_a_wording_is_never_changed_in_place(cortex: Cortex) -> None:
    cortex.add(CHARGE)
    with pytest.raises(apsw.ConstraintError, match="never updated"), cortex._opened.transaction() as tx:
        tx.execute("UPDATE memory_texts SET body = 'other'")


def test_the_views_give_the_shape_that_people_know(cortex: Cortex, project: Path) -> None:
    old = cortex.add(CHARGE).memory
    new = cortex.add(NewMemory("tribal", "Charge twice", supersedes=old)).memory
    reader = _reader(project)
    rows = reader.execute("SELECT id, type, supersedes, superseded_by FROM v_memories ORDER BY created_at").fetchall()
    assert rows == [(old, "tribal", None, new), (new, "tribal", old, None)]
    assert reader.execute("SELECT source_id, target_id, relationship FROM v_memory_relationships").fetchall() == [
        (new, old, "supersedes")
    ]
    kinds = reader.execute("SELECT kind, count(*) FROM v_memory_links GROUP BY kind ORDER BY kind").fetchall()
    assert kinds == [("constraint", 1), ("file", 2), ("function", 1), ("pattern", 1)]


def _reader(project: Path) -> apsw.Connection:
    reader = apsw.Connection(str(project / "cortex.db"), flags=apsw.SQLITE_OPEN_READONLY)
    reader.enable_load_extension(True)
    reader.load_extension(str(vectors.extension_path()))
    return reader
