"""What counts as use of a memory, and that noting it costs nobody anything."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex import uses
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.filters import Filters
from drift_mcp.cortex.memories import NewMemory
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.cortex.opened import Opened

from .conftest import Clock


class Conversations:
    """Opens the memory, reads, and closes it, as a command does."""

    def __init__(self, project: Path, clock: Clock) -> None:
        self._project = project
        self._clock = clock

    def add(self, *texts: str) -> list[str]:
        with self._open() as cortex:
            return [cortex.add(NewMemory("semantic", text)).memory for text in texts]

    def read(self, read: Callable[[Cortex], object]) -> None:
        with self._open() as cortex:
            read(cortex)

    def used(self) -> dict[str, tuple[int, str | None]]:
        with apsw.Connection(str(self._project / "cortex.db"), flags=apsw.SQLITE_OPEN_READONLY) as db:
            return {
                memory: (count, last)
                for memory, count, last in db.execute("SELECT id, access_count, last_accessed FROM memories")
            }

    def _open(self) -> Cortex:
        return Cortex.open(
            self._project / "cortex.db", self._project, clock=self._clock, embedder=Embedder(MiniLM(None))
        )


@pytest.fixture
def conversations(project: Path, clock: Clock) -> Conversations:
    return Conversations(project, clock)


def test_to_open_a_memory_is_a_use_of_it_and_adds_no_version(conversations: Conversations, clock: Clock) -> None:
    one, other = conversations.add("Cards are charged once", "Ship on Tuesdays")
    clock.set("2026-02-01T10:00")
    conversations.read(lambda cortex: cortex.get(one))
    assert conversations.used() == {one: (1, "2026-02-01T10:00:00.000Z"), other: (0, None)}
    with_history = []
    conversations.read(lambda cortex: with_history.append(cortex.get(one)))
    assert [each.version for each in with_history[0].history] == [1]


def test_the_first_three_answers_to_a_question_are_used(conversations: Conversations) -> None:
    ids = conversations.add(*(f"A session lasts {n} minutes" for n in range(5)))
    shown: list[str] = []
    conversations.read(lambda cortex: shown.extend(hit.memory for hit in cortex.search("session").hits))
    assert len(shown) == 5
    assert {memory for memory in ids if conversations.used()[memory][0]} == set(shown[: uses.FIRST_HITS])


@pytest.mark.parametrize(
    "read",
    [
        lambda cortex: cortex.search(None),
        lambda cortex: cortex.search("session", offset=1),
        lambda cortex: cortex.search("session", Filters(as_of="2026-01-02")),
        lambda cortex: cortex.search("zebra"),
        lambda cortex: cortex.about(["app/pay.py"]),
        lambda cortex: cortex.get(cortex.search(None).hits[0].memory, as_of="2026-01-02"),
    ],
    ids=["list", "next page", "past", "nothing found", "about a file", "opened as of the past"],
)
def test_what_is_no_use(conversations: Conversations, read: Callable[[Cortex], object]) -> None:
    conversations.add("A session lasts 30 minutes", "A session has a cart")
    conversations.read(read)
    assert {count for count, _ in conversations.used().values()} == {0}


def test_a_day_counts_once(conversations: Conversations, clock: Clock) -> None:
    (memory,) = conversations.add("Cards are charged once")
    for moment in ("2026-02-01T08:00", "2026-02-01T09:00", "2026-02-01T23:59", "2026-02-02T00:00", "2026-02-05"):
        clock.set(moment)
        conversations.read(lambda cortex: [cortex.get(memory), cortex.search("cards"), cortex.get(memory)])
    assert conversations.used() == {memory: (3, "2026-02-05T00:00:00.000Z")}


def test_a_clock_set_back_counts_nothing(conversations: Conversations, clock: Clock) -> None:
    (memory,) = conversations.add("Cards are charged once")
    for day in ("2026-02-05", "2026-02-01"):
        clock.set(day)
        conversations.read(lambda cortex: cortex.get(memory))
    assert conversations.used() == {memory: (1, "2026-02-05T00:00:00.000Z")}


def test_a_read_is_answered_while_nothing_can_be_noted(conversations: Conversations, project: Path) -> None:
    (memory,) = conversations.add("Cards are charged once")
    answers = []
    with contextlib.closing(apsw.Connection(str(project / "cortex.db"))) as another:

        def read(cortex: Cortex) -> None:
            another.execute("BEGIN IMMEDIATE")
            answers.append(cortex.get(memory).memory.memory)
            answers.append(cortex.search("cards").hits[0].memory)

        conversations.read(read)
        another.execute("ROLLBACK")
    assert answers == [memory, memory]
    assert conversations.used() == {memory: (0, None)}


def test_nothing_to_note_writes_nothing(conversations: Conversations, project: Path, clock: Clock) -> None:
    (memory,) = conversations.add("Cards are charged once")
    conversations.read(lambda cortex: cortex.get(memory))
    before = (project / "cortex.db").read_bytes()
    conversations.read(lambda cortex: [cortex.get(memory), cortex.search("cards"), cortex.search(None)])
    assert (project / "cortex.db").read_bytes() == before


def test_a_forgotten_memory_is_not_used(project: Path, conversations: Conversations) -> None:
    (memory,) = conversations.add("Cards are charged once")
    opened = Opened.at(project / "cortex.db")
    with opened.transaction() as tx:
        tx.execute("UPDATE memories SET forgotten_at = '2026-01-02T00:00:00.000Z'")
        uses.note(tx, [memory], "2026-02-01T00:00:00.000Z")
    opened.close()
    assert conversations.used() == {memory: (0, None)}
