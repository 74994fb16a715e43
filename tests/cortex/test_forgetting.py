"""Forgetting: of what is erased nothing is left, not a byte; of that it was there, a tombstone."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex import forgetting
from drift_mcp.cortex.cortex import Cortex, Filters, NewMemory, Revision
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.cortex.opened import database
from drift_mcp.errors import DriftError
from drift_mcp.project import Project, init

from .conftest import Clock

# Every place that text can come into has one of its own; nonsense, which stems leave as it is.
PRIVATE = ("zorbak", "quimpf", "vuxxol", "brenkt", "dwajil", "fnorpt", "grilzd", "hjalmq", "klontz", "mwerdt")
NEW = NewMemory(
    "tribal",
    {"topic": PRIVATE[0], "knowledge": f"{PRIVATE[1]} " * 2_000},  # longer than a page
    tags=[PRIVATE[2]],
    files=["app/pay.py:1-4"],
    functions=[f"app/pay.py::{PRIVATE[3]}"],
    patterns=[PRIVATE[4]],
    constraints=[PRIVATE[5]],
    created_by=PRIVATE[6],
)


def raw(project: Path) -> bytes:
    """What anybody can read who has the files."""
    return b"".join(path.read_bytes() for path in sorted(project.glob("cortex.db*")) if path.suffix != ".db-shm")


def remembered(cortex: Cortex, clock: Clock) -> str:
    """A memory with everything that one can have, among others."""
    other = cortex.add(NewMemory("semantic", "Ship on Tuesday")).memory
    memory = cortex.add(NEW).memory
    cortex.revise(memory, Revision(content=f"{PRIVATE[7]} said so"), reason=PRIVATE[8], by=PRIVATE[9])
    cortex.confirm(memory, reason=PRIVATE[8])
    cortex.archive(memory, reason=PRIVATE[9])
    cortex.relate(memory, "supports", other, reason=PRIVATE[8])
    cortex.relate(other, "related", memory)
    clock.set("2026-02-01")
    cortex.get(memory)
    return memory


def test_not_a_byte_of_what_was_forgotten_is_left(thinking: Cortex, project: Path, clock: Clock) -> None:
    memory = remembered(thinking, clock)
    assert thinking.wait_for_vectors(60)
    thinking.search(f"what about {PRIVATE[0]}")
    assert thinking.wait_for_vectors(60)
    with thinking._opened.snapshot() as db:
        made = [row[0] for row in db.execute("SELECT vector FROM memory_vectors JOIN memory_embedding_link"
            " USING (embedding_rowid) JOIN memory_texts t ON t.key = text_key JOIN memories m ON m.key = memory_key"
            " WHERE m.id = ?", (memory,))]  # fmt: skip
        made += [row[0] for row in db.execute("SELECT embedding FROM embedding_cache")]
    before = raw(project)
    assert len(made) == 3 and all(vector in before for vector in made)
    assert all(word.encode() in before for word in PRIVATE)
    done = thinking.forget(memory, "asked to")
    assert not done.has_traces
    after = raw(project)
    assert [word for word in PRIVATE if word.encode() in after] == []
    # Neither the vectors nor pieces of them, nor their signs.
    assert not any(vector[at : at + 64] in after for vector in made for at in range(0, len(vector), 64))
    with thinking._opened.snapshot() as db:
        assert (
            db.execute("SELECT count(*) FROM memory_bits").get == db.execute("SELECT count(*) FROM memory_vectors").get
        )
    assert [hit.summary for hit in thinking.search("when to ship", Filters(include_archived=True)).hits] == [
        "Ship on Tuesday"
    ]


def test_a_tombstone_is_all_that_a_table_has_of_it(cortex: Cortex, clock: Clock) -> None:
    memory = remembered(cortex, clock)
    cortex.forget(memory, "asked to")
    with cortex._opened.snapshot() as db:
        key = db.execute("SELECT key FROM memories WHERE id = ?", (memory,)).get
        tables = [row[0] for row in db.execute("SELECT name FROM pragma_table_list WHERE schema = 'main'"
            " AND type = 'table' AND name NOT GLOB 'sqlite_*'")]  # fmt: skip
        for table in tables:
            columns = {row[0] for row in db.execute("SELECT name FROM pragma_table_info(?)", (table,))}
            for column in columns & {"memory_key", "source_key", "target_key"}:
                assert db.execute(f"SELECT count(*) FROM {table} WHERE {column} = ?", (key,)).get == 0, table
        tombstone = db.execute("SELECT * FROM memories WHERE id = ?", (memory,)).fetchone()
    assert tombstone is not None
    assert [value for value in tombstone if value not in (key, memory, "tribal")] == [
        *("2026-01-01T00:00:00.001Z", None, None, 0, "2026-02-01T00:00:00.000Z", "asked to", 0)
    ]


def test_what_was_forgotten_is_said_to_be_and_cannot_be_changed(cortex: Cortex) -> None:
    memory = cortex.add(NEW).memory
    other = cortex.add(NewMemory("tribal", "Charge once", supersedes=memory)).memory
    cortex.forget(memory, "asked to")
    for change in (
        lambda: cortex.get(memory),
        lambda: cortex.get(memory, as_of="2026-01-01"),
        lambda: cortex.revise(memory, Revision(content="again")),
        lambda: cortex.restore(memory),
        lambda: cortex.relate(other, "related", memory),
        lambda: cortex.add(NewMemory("tribal", "again", supersedes=memory)),
        lambda: cortex.to_forget(memory),
        lambda: cortex.forget(memory),
    ):
        with pytest.raises(DriftError, match=r"was forgotten on 2026-01-01 \(asked to\)"):
            change()
    assert cortex.get(other).neighbours == ()
    with pytest.raises(DriftError, match="No memory"):
        cortex.forget("mem_none")
    with pytest.raises(DriftError, match="'reason' of this change"):
        cortex.forget(other, "its key AKIAIOSFODNN7EXAMPLZ")


def test_what_it_ended_stays_ended(cortex: Cortex, clock: Clock) -> None:
    old = cortex.add(NewMemory("semantic", "A session lasts thirty minutes")).memory
    clock.set("2026-02-01")
    new = cortex.add(NewMemory("semantic", "A session lasts an hour", supersedes=old)).memory
    found, _ = cortex.to_forget(new)
    assert found.superseded == (old,)
    cortex.forget(new)
    left = cortex.get(old).memory
    assert (left.valid_until, left.superseded_by) == ("2026-02-01T00:00:00.000Z", new)
    assert cortex.search("session").hits == ()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (NewMemory("semantic", "The customer Ada Byron pays late, says the bank"), "of its wording is the same"),
        (NewMemory("semantic", "In short: customer Ada Byron pays late."), "of its wording is the same"),
        (NewMemory("semantic", "Invoices are due after thirty days"), None),
    ],
)
def test_memories_that_repeat_it_are_named(cortex: Cortex, other: NewMemory, why: str | None) -> None:
    memory = cortex.add(NewMemory("tribal", "The customer Ada Byron pays late")).memory
    cortex.revise(memory, Revision(content="One customer pays late"))  # what it said before counts as well
    there = cortex.add(other).memory
    repeating = cortex.to_forget(memory)[0].repeating
    assert [(each.memory, why is not None and why in each.why) for each in repeating] == (
        [(there, True)] if why else []
    )


def test_what_was_derived_from_it_is_named(cortex: Cortex) -> None:
    memory = cortex.add(NewMemory("episodic", "Ada Byron called")).memory
    derived = cortex.add(NewMemory("semantic", "Calls come on Mondays")).memory
    cortex.relate(derived, "derived_from", memory)
    (one,) = cortex.to_forget(memory)[0].repeating
    assert (one.memory, one.why) == (derived, "was derived from it")


def test_while_somebody_reads_an_older_state_the_log_waits_and_is_emptied_afterwards(
    cortex: Cortex, project: Path, clock: Clock
) -> None:
    memory = remembered(cortex, clock)
    with closing(apsw.Connection(str(project / "cortex.db"), flags=apsw.SQLITE_OPEN_READONLY)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM memory_versions").get > 1
        assert cortex.forget(memory).has_traces
        with pytest.raises(DriftError, match="was forgotten"):
            cortex.get(memory)
        assert reader.execute("SELECT count(*) FROM memory_texts").get > 1  # what it read, it keeps
        reader.execute("ROLLBACK")
    cortex.close()
    assert [word for word in PRIVATE if word.encode() in raw(project)] == []
    again = Cortex.open(project / "cortex.db", project, clock=clock, embedder=Embedder(MiniLM(None)))
    with again, again._opened.snapshot() as db:
        assert forgetting.with_traces(db) == []


def test_killed_at_any_statement_it_is_there_or_forgotten(
    cortex: Cortex, project: Path, clock: Clock, tmp_path: Path
) -> None:
    memory = remembered(cortex, clock)
    left: list[Path] = []

    def keep(cursor: object, statement: str, bindings: object) -> bool:
        """What a process would leave that is killed before this statement."""
        left.append(tmp_path / f"killed-{len(left)}")
        shutil.copytree(project, left[-1])
        return True

    with cortex._opened.transaction() as tx:
        tx.exec_trace = keep
    cortex.forget(memory)
    was_whole = []
    for folder in left:
        with Cortex.open(folder / "cortex.db", folder, clock=clock, embedder=Embedder(MiniLM(None))) as found:
            try:
                shown = found.get(memory)
                was_whole.append(True)
                assert (len(shown.history), len(shown.memory.functions), len(shown.neighbours)) == (5, 1, 2)
            except DriftError:
                was_whole.append(False)
        assert was_whole[-1] or [word for word in PRIVATE if word.encode() in raw(folder)] == []
    assert was_whole == sorted(was_whole, reverse=True)
    assert was_whole.count(True) > 20 and was_whole.count(False) > 3


def test_backups_that_hold_it_are_named_and_do_not_bring_it_back(tmp_path: Path) -> None:
    with Project(tmp_path) as project:
        init(project)
        kept = project.memory.add(NewMemory("tribal", "Ship on Tuesday")).memory
        memory = project.memory.add(NewMemory("tribal", f"Charge {PRIVATE[0]} once")).memory
        made = project.back_up("requested")
        late = project.memory.add(NewMemory("tribal", f"{PRIVATE[1]} knows")).memory
        (project.backups / "cortex-of-somebody.db").write_bytes(b"no database")
        copies = project.memory.forget(memory, "asked to").copies
        assert [path.name for path in copies.holding] == [made.file("cortex.db")]
        assert [path.name for path in copies.unreadable] == ["cortex-of-somebody.db"]
        project.memory.forget(late)
        project.put_back("latest")
        assert [hit.memory for hit in project.memory.search(None).hits] == [kept]
        for each in (memory, late):
            with pytest.raises(DriftError, match="was forgotten on"):
                project.memory.get(each)
    assert PRIVATE[0].encode() not in raw(tmp_path / ".drift")


def test_a_restore_over_a_store_that_cannot_be_read_brings_back_what_the_backup_has(tmp_path: Path) -> None:
    source, live = tmp_path / "restored.db", tmp_path / "live.db"
    for path in (source, live):
        Cortex.open(path, tmp_path, embedder=Embedder(MiniLM(None))).close()
    with closing(apsw.Connection(str(source))) as restored:
        carry_on = database(source).carry_on
        assert carry_on is not None
        carry_on(restored, None)
        assert restored.execute("SELECT count(*) FROM memories").get == 0


def test_the_others_are_found_by_meaning_as_before(thinking: Cortex) -> None:
    memories = [thinking.add(NewMemory("tribal", text)).memory for text in ("Charge once", "Ship it", "Guests pay")]
    assert thinking.wait_for_vectors(60)
    before = [hit.memory for hit in thinking.search("billing a customer").hits if hit.memory != memories[1]]
    thinking.forget(memories[1])
    found = thinking.search("billing a customer")
    assert (found.found_by, [hit.memory for hit in found.hits]) == ("words and meaning", before)
    assert (thinking.standing().vectors_ready, thinking.standing().vectors_pending) == (2, 0)
