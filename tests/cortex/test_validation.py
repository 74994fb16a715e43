"""Memories held against the code as scanned, the calendar and each other: what is found, and what applying does."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from drift_mcp import ingest
from drift_mcp.cortex.citations import CodeState, FunctionAt
from drift_mcp.cortex.cortex import Cortex, NewMemory, Revision
from drift_mcp.cortex.validation import Report
from drift_mcp.cortex.validation_runs import Run
from drift_mcp.errors import AlreadyRunning
from drift_mcp.project import Project
from drift_mcp.store import lock
from drift_mcp.tables import cited as scanned

# Every mtime that the tests write is a later one: two writes may fall into one tick of the file system's clock.
_TICKS = itertools.count(1_700_000_000_000_000_000, 1_000_000)

PAY = """\
import bank


class Cart:
    @property
    def total(self):
        return sum(line.price * line.amount for line in self.lines)

    def close(self):
        self.lines.clear()
        self.is_open = False


class Order:
    def close(self):
        self.lines.clear()
        self.is_open = False


def charge_card(card, amount):
    if amount <= 0:
        raise ValueError(amount)
    return bank.book(card, amount, retries=3)
"""
CHARGE = PAY[PAY.index("def charge_card") :]


class House:
    """A scanned project, its memories in a database that a scan does not know of, and what a test does to both."""

    def __init__(self, project: Project, cortex: Cortex) -> None:
        self._project = project
        self._cortex = cortex

    def write(self, file: str, text: str) -> None:
        path = self._project.root / file
        path.write_text(text)
        tick = next(_TICKS)
        os.utime(path, ns=(tick, tick))

    def scan(self) -> None:
        ingest.scan(self._project, jobs=1)

    def add(self, text: str, **given: Any) -> str:
        kind = given.pop("type", "tribal")
        return self._cortex.add(NewMemory(kind, text, **given)).memory

    def function(self, function: str) -> FunctionAt:
        with self._project.read() as db:
            (inside,) = scanned.functions(db, [function.partition("::")[0]]).values()
        found = next(one for one in inside if one.id == function)
        return FunctionAt(found.id, found.start_line, found.end_line, found.decorators)

    def look(self) -> Report:
        with self._project.read_both() as drift:
            return self._cortex.look_over(drift)

    def found(self) -> list[tuple[str, str]]:
        return [(one.kind, one.found) for one in self.look().findings]

    def apply(self) -> Run:
        return self._cortex.apply(self.look())

    def code(self, memory: str) -> CodeState:
        return self._cortex.get(memory).code

    def confidence(self, memory: str) -> float:
        return self._cortex.get(memory).memory.confidence

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        with apsw.Connection(str(self._project.root / "cortex.db")) as db:
            return list(db.execute(f"SELECT * FROM {table} ORDER BY 1"))


@pytest.fixture
def house(project: Path, cortex: Cortex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    with Project(project) as opened:
        house = House(opened, cortex)
        house.write("app/pay.py", PAY)
        house.write("app/other.py", "x = 1\n")
        house.scan()
        yield house


LINES = ["app/pay.py:20-23"]


@pytest.mark.parametrize(
    ("what", "edits", "kind", "found"),
    [
        ("lines above", {"app/pay.py": "import x\n" + PAY}, "moved", "app/pay.py:20-23 is now app/pay.py:21-24"),
        (
            "re-wrapped",
            {"app/pay.py": PAY.replace("(card, amount):", "(\n    card,\n    amount\n):")},
            "moved",
            "app/pay.py:20-23 is now app/pay.py:20-26",
        ),
        (
            "another file",
            {"app/pay.py": PAY.replace(CHARGE, ""), "app/cards.py": "import bank\n\n\n" + CHARGE},
            "moved",
            "app/pay.py:20-23 is now app/cards.py:4-7",
        ),
        (
            "a renamed file",
            {"app/pay.py": None, "app/paying.py": PAY},
            "moved",
            "app/pay.py:20-23 is now app/paying.py:20-23",
        ),
        (
            "two other files",
            {"app/pay.py": PAY.replace(CHARGE, ""), "app/a.py": CHARGE, "app/b.py": CHARGE},
            "moved",
            "app/pay.py:20-23 stands at 2 places now: app/a.py:1-4, app/b.py:1-4",
        ),
        (
            "twice in its file",
            {"app/pay.py": "import x\n" + PAY + "\n\n" + CHARGE},
            "moved",
            "app/pay.py:20-23 stands at 2 places now: app/pay.py:21-24, app/pay.py:27-30",
        ),
        ("edited", {"app/pay.py": PAY.replace("<= 0", "< 0")}, "changed", "app/pay.py:20-23 has changed"),
        ("taken out", {"app/pay.py": PAY.replace(CHARGE, "")}, "changed", "app/pay.py:20-23 has changed"),
        ("its file deleted", {"app/pay.py": None}, "gone", "app/pay.py:20-23 is gone"),
        ("laid out anew", {"app/pay.py": PAY.replace("    ", "\t").replace("\n", "\r\n")}, None, None),
        ("edited elsewhere", {"app/pay.py": PAY.replace("bank\n\n", "bank  # ours\n\n")}, None, None),
    ],
)
def test_cited_lines_after_an_edit(
    house: House, project: Path, what: str, edits: dict[str, str | None], kind: str | None, found: str | None
) -> None:
    memory = house.add("Cards are charged once.", files=LINES)
    _edit(house, project, edits)
    assert house.found() == ([] if kind is None else [(kind, found)]), what
    house.apply()
    is_moved_along = kind == "moved" and "places" not in (found or "")
    states = {"moved": ("moved", "changed", "gone"), "changed": ("changed",), "gone": ("gone",), None: ("unchanged",)}
    assert house.code(memory) in (("unchanged",) if is_moved_along else states[kind]), what


@pytest.mark.parametrize(
    ("function", "edits", "kind", "found"),
    [
        ("charge_card", {"app/pay.py": "import x\n" + PAY}, None, None),
        ("Cart.total", {"app/pay.py": PAY.replace("@property", "@cached")}, "changed", "Cart.total has changed"),
        ("charge_card", {"app/pay.py": PAY.replace("charge_card", "charge")}, "moved", "app/pay.py::charge"),
        ("Cart.total", {"app/pay.py": PAY.replace("Cart", "Basket")}, "moved", "app/pay.py::Basket.total"),
        (
            "charge_card",
            {"app/pay.py": PAY.replace(CHARGE, ""), "app/cards.py": CHARGE},
            "moved",
            "app/cards.py::charge_card",
        ),
        ("charge_card", {"app/pay.py": None, "app/paying.py": PAY}, "moved", "app/paying.py::charge_card"),
        ("charge_card", {"app/pay.py": PAY.replace(CHARGE, "")}, "gone", "charge_card is gone"),
        ("charge_card", {"app/pay.py": PAY.replace("retries=3", "retries=4")}, "changed", "charge_card has changed"),
        # Order.close says the very same, and is another function.
        (
            "Cart.close",
            {"app/pay.py": PAY.replace(PAY[PAY.index("    def close") : PAY.index("class Order")], "\n")},
            "gone",
            "Cart.close is gone",
        ),
    ],
)
def test_a_cited_function_after_an_edit(
    house: House, project: Path, function: str, edits: dict[str, str | None], kind: str | None, found: str | None
) -> None:
    memory = house.add("This is how it is done.", functions=[house.function(f"app/pay.py::{function}")])
    assert house.code(memory) == "unchanged"
    _edit(house, project, edits)
    told = house.found()
    assert [one[0] for one in told] == ([] if kind is None else [kind])
    assert found is None or told[0][1].endswith(found)
    house.apply()
    assert house.code(memory) in (("unchanged",) if kind in ("moved", None) else ("changed", "gone"))
    if kind == "moved":
        assert [one.function for one in _cortex_memory(house, memory).functions] == [found]


def test_a_function_known_by_its_id_alone_is_known_by_its_text_from_then_on(house: House) -> None:
    memory = house.add("Charged once.", functions=["app/pay.py::charge_card"])
    gone = house.add("Refunds are by hand.", functions=["app/pay.py::refund"])
    elsewhere = house.add("The rest is in Go.", functions=["cmd/main.go::main"])
    assert [house.code(one) for one in (memory, gone, elsewhere)] == ["unlinked"] * 3
    assert house.found() == [
        ("moved", "the text of app/pay.py::charge_card is known now"),
        ("gone", "app/pay.py::refund is gone"),
    ]
    house.apply()
    assert house.code(memory) == "unchanged"


def test_code_that_stood_elsewhere_before_it_was_cited_is_a_copy(house: House, project: Path, clock: Any) -> None:
    house.write("app/copy.py", CHARGE)
    house.scan()
    clock.set("2099-01-01")
    house.add("Cards are charged once.", files=LINES)
    _edit(house, project, {"app/pay.py": PAY.replace("<= 0", "< 0")})
    assert house.found() == [("changed", "app/pay.py:20-23 has changed")]


def test_a_short_line_is_not_looked_for_in_other_files(house: House, project: Path) -> None:
    house.add("The bank is ours.", files=["app/pay.py:1"])
    _edit(house, project, {"app/pay.py": PAY.replace("import bank", "import banks"), "app/new.py": "import bank\n"})
    assert house.found() == [("changed", "app/pay.py:1 has changed")]


def test_confidence_is_lowered_once_for_a_state_and_comes_back_with_the_code(house: House, project: Path) -> None:
    memory = house.add("Cards are charged once.", files=LINES, confidence=0.9)
    for text, state, confidence in (
        (PAY.replace("<= 0", "< 0"), "changed", 0.63),
        (PAY.replace("<= 0", "== 0"), "changed", 0.63),
        (None, "gone", 0.3),
        (PAY.replace("<= 0", "== 0"), "changed", 0.3),
        (PAY, "unchanged", 0.9),
        (PAY.replace("<= 0", "< 0"), "changed", 0.63),
    ):
        _edit(house, project, {"app/pay.py": text})
        house.apply()
        assert (house.code(memory), house.confidence(memory)) == (state, confidence)
        before = house.rows("memory_versions")
        again = house.apply()
        assert house.rows("memory_versions") == before
        assert (again.flagged, again.healed, again.renewed) == (0, 0, 0)


def test_what_is_settled_is_told_and_no_reason_to_say_no(house: House, project: Path) -> None:
    house.add("Cards are charged once.", files=LINES)
    _edit(house, project, {"app/pay.py": PAY.replace("<= 0", "< 0")})
    (before,) = house.look().findings
    assert before.is_stale and before.is_applicable and "1.00 → 0.70" in before.effect
    house.apply()
    (after,) = house.look().findings
    assert not after.is_stale and not after.is_applicable and "--file 'app/pay.py:20-23'" in after.effect


def test_who_says_that_it_still_holds_takes_the_flag_off(house: House, cortex: Cortex, project: Path) -> None:
    memory = house.add("Cards are charged once.", files=LINES)
    _edit(house, project, {"app/pay.py": PAY.replace("<= 0", "< 0")})
    house.apply()
    cortex.revise(memory, Revision(files=LINES), "it still does")
    assert (house.code(memory), house.found()) == ("unchanged", [])


def test_two_citations_that_come_to_stand_in_one_place_are_one(house: House, project: Path) -> None:
    memory = house.add("Cards are charged once.", files=LINES)
    house.write("app/old.py", CHARGE)
    house.scan()
    other = house.add("Charged once, too.", files=["app/pay.py:20-23", "app/old.py"])
    _edit(house, project, {"app/old.py": None, "app/pay.py": "import x\n" + PAY})
    house.apply()
    assert [one[:3] for one in _cortex_memory(house, memory).files] == [("app/pay.py", 21, 24)]
    assert len(_cortex_memory(house, other).files) == 2


@pytest.mark.parametrize(
    ("given", "day", "found"),
    [
        ({"files": LINES}, "2026-03-01", []),
        ({"files": LINES}, "2026-05-01", [("due", True)]),
        ({}, "2026-05-01", [("due", False)]),
        ({"valid_until": "2026-02-01"}, "2026-01-31", []),
        ({"valid_until": "2026-02-01"}, "2026-02-02", [("expired", False)]),
        ({"type": "episodic"}, "2026-02-01", [("faded", True)]),
        ({"type": "core"}, "2026-12-01", []),
        (
            {"type": "constraint_override", "content": {"expiresAt": "2026-01-10"}},
            "2026-01-11",
            [("expired", False)],
        ),
        ({"type": "constraint_override", "content": {"reviewAt": "2026-01-10"}}, "2026-01-11", [("review", False)]),
        (
            {"type": "decision_context", "content": {"revisitWhen": ["when we are rich", "2026-01-10"]}},
            "2026-01-11",
            [("review", False)],
        ),
        (
            {"type": "decision_context", "content": {"revisitWhen": ["when we are rich", "2026-02-10"]}},
            "2026-01-11",
            [],
        ),
    ],
)
def test_what_the_calendar_says(
    house: House, clock: Any, given: dict[str, Any], day: str, found: list[tuple[str, bool]]
) -> None:
    more = given.pop("content", None)
    kind = given.get("type", "tribal")
    if more is not None:
        main = {"constraint_override": "reason", "decision_context": "decisionSummary"}[kind]
        house.add({main: "Orders are exempt.", **more}, **given)  # type: ignore[arg-type]
    else:
        house.add("Orders are exempt.", **given)
    clock.set(day)
    assert [(one.kind, one.is_applicable) for one in house.look().findings] == found


def test_what_is_due_and_in_order_counts_as_looked_at(house: House, cortex: Cortex, clock: Any) -> None:
    memory = house.add("Cards are charged once.", files=LINES)
    clock.set("2026-05-01")
    assert house.apply().renewed == 1
    assert cortex.get(memory).memory.last_validated == "2026-05-01T00:00:00.000Z"
    assert house.found() == []


def test_what_has_faded_is_archived_and_can_be_brought_back(house: House, cortex: Cortex, clock: Any) -> None:
    memory = house.add("We talked about orders.", type="episodic")
    clock.set("2026-03-01")
    assert house.apply().archived == 1
    archived = cortex.get(memory).memory
    assert archived.archived and archived.archive_reason == "confidence has faded to 0.00, below 0.1"
    assert house.found() == []
    cortex.restore(memory)
    assert not cortex.get(memory).memory.archived


def test_a_contradiction_is_recorded_once_and_across_types_where_the_code_is_the_same(
    house: House, cortex: Cortex
) -> None:
    old = house.add("Always retry a charge after a timeout.", functions=["cmd/a.go::Charge"])
    new = house.add("Never retry a charge after a timeout.", type="procedural", functions=["cmd/a.go::Charge"])
    house.add("Never retry a charge after a timeout.", type="code_smell", functions=["cmd/b.go::Other"])
    assert house.found() == [("opposed", f"{new} seems to contradict {old}: one affirms what the other denies")]
    assert house.apply().related == 1
    (neighbour,) = cortex.get(new).neighbours
    assert (neighbour.relationship, neighbour.memory, neighbour.outgoing) == ("contradicts", old, True)
    assert 0.5 < neighbour.strength < 1
    assert house.found() == []


def test_duplicates_are_told_until_somebody_says_how_they_stand(house: House, cortex: Cortex) -> None:
    old = house.add("The queue keeps messages for a week.")
    new = house.add("The queue keeps its messages for a week.")
    ((kind, told),) = house.found()
    assert kind == "same" and old in told
    assert f"drift memory relate {new} supersedes {old}" in house.look().findings[0].effect
    before = house.rows("memory_versions")
    house.apply()
    assert house.rows("memory_versions") == before
    cortex.relate(new, "related", old)
    assert house.found() == []


def test_only_what_is_believed_and_true_now_is_looked_at(house: House, cortex: Cortex, project: Path) -> None:
    archived = house.add("Cards are charged twice.", files=LINES)
    cortex.archive(archived)
    old = house.add("Cards are charged at night.", files=LINES)
    house.add("Cards are charged in the morning.", files=LINES, supersedes=old)
    _edit(house, project, {"app/pay.py": PAY.replace("<= 0", "< 0")})
    report = house.look()
    assert (report.looked_at, [one.kind for one in report.findings]) == (1, ["changed"])


def test_a_run_is_a_row_with_what_it_did(house: House, project: Path) -> None:
    house.add("Cards are charged once.", files=LINES)
    house.add("Carts have a total.", files=["app/pay.py:4-7"])
    house.add("Totals are sums.", functions=[house.function("app/pay.py::Cart.total")])
    house.add("The team meets on Tuesdays.")
    _edit(house, project, {"app/pay.py": "import x\n" + PAY.replace("<= 0", "< 0")})
    run = house.apply()
    assert (run.looked_at, run.valid, run.stale, run.healed, run.flagged) == (4, 2, 2, 1, 1)
    assert [row[4:] for row in house.rows("validation_runs")] == [(4, 2, 2, 1, 1, "completed")]


def test_a_run_that_fails_says_what_it_had_done(house: House, project: Path) -> None:
    for number in range(3):
        house.add(f"Number {number} is charged once.", files=LINES, importance="low" if number == 1 else "high")
    _edit(house, project, {"app/pay.py": "import x\n" + PAY})
    with apsw.Connection(str(project / "cortex.db")) as db:
        db.execute(
            "CREATE TRIGGER stop BEFORE INSERT ON memory_versions WHEN new.importance = 'low' "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    with pytest.raises(apsw.ConstraintError):
        house.apply()
    ((*_, total, valid, stale, healed, flagged, status),) = house.rows("validation_runs")
    moved = [row for row in house.rows("memory_versions") if "validated" in row]
    assert (total, valid, stale, healed, flagged, status) == (3, 0, 3, len(moved), 0, "failed")


def test_a_run_that_was_killed_is_closed_by_the_next(house: House, project: Path) -> None:
    with apsw.Connection(str(project / "cortex.db")) as db:
        db.execute("INSERT INTO validation_runs (id, started_at) VALUES ('val_1', '2025-01-01T00:00:00.000Z')")
    house.apply()
    assert [row[-1] for row in house.rows("validation_runs")] == ["failed", "completed"]


def test_only_one_run_at_a_time(house: House, cortex: Cortex, project: Path) -> None:
    house.add("Cards are charged once.", files=LINES)
    _edit(house, project, {"app/pay.py": "import x\n" + PAY})
    with (
        lock.exclusive(project / "validation.lock"),
        Project(project) as opened,
        opened.read() as drift,
        pytest.raises(AlreadyRunning, match="validation of memories"),
    ):
        cortex.follow(drift, ["app/pay.py"])


def test_a_memory_that_was_changed_after_the_look_is_left_to_the_next(
    house: House, cortex: Cortex, project: Path
) -> None:
    memory = house.add("Cards are charged once.", files=LINES)
    _edit(house, project, {"app/pay.py": "import x\n" + PAY})
    report = house.look()
    cortex.confirm(memory)
    run = cortex.apply(report)
    assert (run.overtaken, run.healed) == (1, 0)
    assert house.apply().healed == 1


def test_many_changes_are_many_short_transactions_and_none_is_lost(house: House, project: Path) -> None:
    for number in range(50):
        house.add(f"Rule {number} of charging cards.", files=LINES)
    _edit(house, project, {"app/pay.py": "import x\n" + PAY})
    assert house.apply().healed == 50
    assert house.apply().healed == 0


# ---------------------------------------------------------------------------------------------------------------------
# By itself, after a scan


@pytest.fixture
def followed(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """A scanned project, and a memory of its own that cites its code."""
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    (project / "app" / "pay.py").write_text(PAY)
    with Project(project) as opened:
        ingest.scan(opened, jobs=1)
        opened.memory.add(NewMemory("tribal", "Cards are charged once.", files=LINES))
        yield opened


def _runs(project: Project) -> list[tuple[Any, ...]]:
    with apsw.Connection(str(project.store.parent / "cortex.db")) as db:
        return list(db.execute("SELECT healed_count, status FROM validation_runs"))


@pytest.mark.parametrize(
    ("edits", "moved"),
    [
        ({"app/pay.py": "import x\n" + PAY}, 1),
        ({"app/pay.py": None, "app/paying.py": PAY}, 1),
        ({"app/pay.py": PAY.replace(CHARGE, ""), "app/cards.py": CHARGE}, 1),
        ({"app/pay.py": PAY.replace("<= 0", "< 0")}, 0),
        ({"app/pay.py": None}, 0),
        ({"app/new.py": "x = 1\n"}, 0),
        ({}, 0),
    ],
)
def test_after_a_scan_code_that_only_moved_is_followed(
    followed: Project, edits: dict[str, str | None], moved: int
) -> None:
    _put(followed.root, edits)
    run = ingest.scan(followed, jobs=1)
    assert run.followed == (moved, None)
    assert _runs(followed) == [(1, "completed")] * moved
    assert ingest.scan(followed, jobs=1).followed == (0, None)
    (hit,) = followed.memory.about(["app/"]).hits
    assert (hit.code == "unchanged") == (moved == 1 or not edits or "app/new.py" in edits)
    assert hit.confidence == 1.0


def test_a_file_that_is_read_anew_for_an_answer_is_followed_too(followed: Project) -> None:
    _put(followed.root, {"app/pay.py": "import x\n" + PAY})
    run = ingest.refresh(followed, ["app/pay.py"])
    assert run is not None and run.followed.memories == 1


def test_a_scan_succeeds_also_when_no_memory_can_follow(followed: Project) -> None:
    followed.close()
    (followed.store.parent / "cortex.db").write_bytes(b"no database" * 1000)
    _put(followed.root, {"app/pay.py": "import x\n" + PAY})
    run = ingest.scan(followed, jobs=1)
    assert run.changed == 1 and run.followed.memories == 0
    assert run.followed.note is not None and "Memories could not follow" in run.followed.note


def test_memories_of_patterns_that_are_ignored_or_gone_are_told(followed: Project) -> None:
    with followed.write() as tx:
        tx.execute("INSERT INTO patterns (id, name, category) SELECT 'p1', 'early return', 'structural'")
    memory = followed.memory.add(NewMemory("tribal", "Why we return early.", patterns=["p1", "p2"])).memory
    with followed.read_both() as drift:
        found = [one for one in followed.memory.look_over(drift).findings if one.kind == "dropped"]
    assert [(one.memory, one.found, one.is_stale) for one in found] == [(memory, "its pattern p2 is gone", False)]


def _edit(house: House, root: Path, edits: dict[str, str | None]) -> None:
    for file, text in edits.items():
        if text is None:
            (root / file).unlink(missing_ok=True)
        else:
            house.write(file, text)
    house.scan()


def _put(root: Path, edits: dict[str, str | None]) -> None:
    for file, text in edits.items():
        if text is None:
            (root / file).unlink()
        else:
            (root / file).write_text(text)
            tick = next(_TICKS)
            os.utime(root / file, ns=(tick, tick))


def _cortex_memory(house: House, memory: str) -> Any:
    return house._cortex.get(memory).memory
