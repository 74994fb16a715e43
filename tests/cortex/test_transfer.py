"""Memories out of one store and into another: nothing is lost, nothing comes twice, and all of a file comes or none."""

from __future__ import annotations

import io
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.cortex import content, credentials
from drift_mcp.cortex.content import MEMORY_TYPES, Field
from drift_mcp.cortex.cortex import Cortex, Filters, NewMemory, Revision
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.cortex.transfer import histories, reading
from drift_mcp.cortex.transfer.merge import Counts
from drift_mcp.errors import DriftError

from .conftest import PAY, Clock

SCHEMA = Path(__file__).parents[2] / "schema" / "cortex"
Line = dict[str, Any]


@contextmanager
def opened(folder: Path, clock: Callable[[], str]) -> Iterator[Cortex]:
    (folder / "app").mkdir(parents=True, exist_ok=True)
    (folder / "app" / "pay.py").write_text(PAY)
    with Cortex.open(folder / "cortex.db", folder, clock=clock, embedder=Embedder(MiniLM(None))) as cortex:
        yield cortex


@pytest.fixture
def other(tmp_path: Path, clock: Clock) -> Iterator[Cortex]:
    """The store of another machine."""
    with opened(tmp_path / "other", clock) as cortex:
        yield cortex


def exported(cortex: Cortex) -> bytes:
    written = io.BytesIO()
    cortex.export(written.write)
    return written.getvalue()


def lines(cortex: Cortex) -> list[Line]:
    return [json.loads(line) for line in exported(cortex).splitlines()]


def stream(lines: list[Line]) -> io.BytesIO:
    return io.BytesIO(b"".join(json.dumps(line).encode() + b"\n" for line in lines))


def rows(cortex: Cortex, query: str) -> list[tuple[Any, ...]]:
    with cortex._opened.snapshot() as db:
        return db.execute(query).fetchall()


# ---------------------------------------------------------------- nothing is lost

_TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
    .map(str.strip)
    .filter(lambda text: bool(text) and not credentials.is_in(text))
)
_KINDS: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXTS,
    "texts": st.lists(_TEXTS, max_size=2),
    "count": st.integers(0, 1 << 40),
    "share": st.floats(0, 1),
    "flag": st.booleans(),
    "time": st.sampled_from(["2026-01-05T10:00:00.000Z", "2025-12-31T23:59:59.999Z"]),
    "open": _TEXTS | st.dictionaries(_TEXTS, _TEXTS | st.lists(_TEXTS, max_size=2), max_size=2),
}


def _of(wanted: Field) -> st.SearchStrategy[Any]:
    match wanted.kind:
        case "choice":
            return st.sampled_from(wanted.choices)
        case "object":
            return _objects(wanted.fields)
        case "objects":
            return st.lists(_objects(wanted.fields), max_size=2)
        case kind:
            return _KINDS[kind]


def _objects(fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    needed = {name: _of(wanted) for name, wanted in fields.items() if wanted.required}
    others = {name: _of(wanted) for name, wanted in fields.items() if not wanted.required}
    return st.fixed_dictionaries(needed, optional=others)


_MEMORIES = st.sampled_from(MEMORY_TYPES).flatmap(
    lambda memory_type: st.builds(
        NewMemory,
        type=st.just(memory_type),
        content=_objects(content.shape(memory_type).fields),
        importance=st.sampled_from(["low", "normal", "high", "critical"]),
        confidence=st.floats(0, 1),
        tags=st.lists(_TEXTS, max_size=2),
        files=st.lists(st.sampled_from(["app/pay.py", "app/pay.py:1-4", "app/pay.py:7-8"]), max_size=2),
        functions=st.lists(st.sampled_from(["app/pay.py::refund", "lib.ts::Cart.total"]), max_size=2),
        patterns=st.lists(_TEXTS, max_size=1),
        constraints=st.lists(_TEXTS, max_size=1),
        valid_until=st.none() | st.just("2031-01-01"),
        created_by=st.none() | _TEXTS,
    )
)
_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["confirm", "reject", "archive", "restore", "revise", "supersede", "relate", "use", "forget", "tick", "run"]
        ),
        st.integers(0, 7),
        st.integers(0, 7),
        _TEXTS,
    ),
    max_size=8,
)


def change(cortex: Cortex, clock: Clock, known: list[str], what: str, one: int, other: int, text: str) -> None:
    memory, target = known[one % len(known)], known[other % len(known)]
    match what:
        case "confirm" | "reject" | "archive" | "restore":
            getattr(cortex, what)(memory, reason=text, by=text)
        case "revise":
            cortex.revise(memory, Revision(content=text, tags=[text], files=["app/pay.py:2"]), reason=text)
        case "supersede":
            known.append(cortex.add(NewMemory("tribal", text, supersedes=memory)).memory)
        case "relate":
            cortex.relate(memory, "supports", target, strength=0.3)
        case "tick":
            clock.set("2026-02-01")
        case "use":
            with cortex._opened.transaction() as tx:
                tx.execute(
                    "UPDATE memories SET access_count = 3, last_accessed = created_at"
                    " WHERE id = ? AND forgotten_at IS NULL",
                    (memory,),
                )
                tx.execute(
                    "INSERT OR IGNORE INTO memory_uses SELECT key, '2025-12-31T00:00:00.000Z' FROM memories"
                    " WHERE id = ? AND forgotten_at IS NULL",
                    (memory,),
                )
        case "forget":
            cortex.forget(memory, "asked to")
        case "run":
            with cortex._opened.transaction() as tx:
                run = f"{one}{other}"
                tx.execute(
                    "INSERT OR IGNORE INTO consolidation_runs (id, started_at, completed_at, status, error)"
                    " VALUES (?, ?, ?, 'failed', ?)",
                    (f"cons_{run}", clock.stamp, clock.stamp, text),
                )
                tx.execute(
                    "INSERT OR IGNORE INTO validation_runs (id, started_at, total_validated) VALUES (?, ?, 7)",
                    (f"val_{run}", clock.stamp),
                )


_WORDS = "SELECT m.id, v.version, t.text_hash FROM memory_versions v JOIN memories m ON m.key = v.memory_key JOIN "
_WORDS += "memory_texts t ON t.key = v.text_key ORDER BY 1, 2"


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(memories=st.lists(_MEMORIES, min_size=1, max_size=4), changes=_CHANGES)
def test_exported_imported_and_exported_again_it_is_the_same_to_the_byte(
    memories: list[NewMemory], changes: list[tuple[str, int, int, str]]
) -> None:
    clock = Clock("2026-01-01T00:00:00.000Z")
    with tempfile.TemporaryDirectory() as folder, opened(Path(folder) / "one", clock) as one:
        known = [one.add(memory).memory for memory in memories]
        for each in changes:
            try:
                change(one, clock, known, *each)
            except DriftError:
                continue  # archived already, related to itself, forgotten
        before = exported(one)
        with opened(Path(folder) / "two", clock) as two:
            taken = two.take(io.BytesIO(before))
            assert taken.problems == ()
            assert exported(two) == before
            assert rows(two, _WORDS) == rows(one, _WORDS)
            again = two.take(io.BytesIO(before))
            assert all(counts.found == counts.already_there for counts in again.counts.values())
            assert exported(two) == before
        assert all(counts.found == counts.already_there for counts in one.take(io.BytesIO(before)).counts.values())
        assert exported(one) == before


def test_the_greatest_content_and_odd_characters_come_through(cortex: Cortex, other: Cortex) -> None:
    texts = ["🔥" * 65_000, "line one\nline two\r\n\ttab", "a\u2028b\u2029c\u0085d", '"quoted" \\ back', "e\u0301 é"]
    for text in texts:
        cortex.add(NewMemory("tribal", text))
    before = exported(cortex)
    other.take(io.BytesIO(before))
    assert exported(other) == before
    assert {json.loads(content)["knowledge"] for (content,) in rows(other, "SELECT content FROM memory_versions")} == {
        text.strip() for text in texts
    }


def test_every_column_that_is_not_made_from_others_is_part_of_a_line(cortex: Cortex) -> None:
    of: dict[str, type[Any]] = {
        "memories": histories.History,
        "memory_versions": histories.Version,
        "memory_files": histories.File,
        "memory_functions": histories.Function,
        "memory_patterns": histories.Pattern,
        "memory_constraints": histories.Constraint,
        "memory_validation_history": histories.Verdict,
        "memory_relationships": histories.Relationship,
        "consolidation_runs": histories.ConsolidationRun,
        "validation_runs": histories.ValidationRun,
    }
    elsewhere = {
        "memory_uses",  # a list of times
        # Made from the others, or from the code as it is.
        *("memory_types", "memory_texts", "memory_embedding_link", "memory_vectors", "memory_bits", "embedding_models"),
        *("embedding_cache", "embedding_cache_hits", "migration_history"),
    }
    tables = rows(cortex, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    known = {name for (name,) in tables if not name.startswith(("sqlite_", "memory_embeddings_"))}
    assert known - of.keys() - elsewhere == set(), "a table that an export would leave out"
    for table, line in of.items():
        columns = {name for (name,) in rows(cortex, f"SELECT name FROM pragma_table_info('{table}')")}
        told = columns - {"key", "memory_key", "text_key", "has_traces"}
        told = {name.removesuffix("_key") for name in told}
        assert told == set(line._fields) - {
            *("uses", "versions", "files", "functions", "patterns", "constraints", "verdicts")
        }


def test_every_change_that_the_schema_knows_can_be_read() -> None:
    schema = (SCHEMA / "memories.sql").read_text(encoding="utf-8")
    found = re.search(r"CHECK \(change IN \((.*?)\)\)", schema, re.DOTALL)
    assert found is not None
    for change in re.findall(r"'(\w+)'", found[1]):
        assert reading._VERSION["change"](change, "change") == change


# ---------------------------------------------------------------- what is here already


def test_more_of_a_history_is_added_and_less_of_it_changes_nothing(cortex: Cortex, other: Cortex, clock: Clock) -> None:
    memory = cortex.add(NewMemory("tribal", "Charge a card once", files=["app/pay.py:1-4"])).memory
    young = exported(cortex)
    other.take(io.BytesIO(young))
    clock.set("2026-02-01")
    cortex.revise(memory, Revision(content="Charge a card twice", files=["app/pay.py:7-8"]))
    cortex.confirm(memory)
    grown = exported(cortex)
    assert other.take(io.BytesIO(grown)).counts["memories"] == Counts(1, 0, 1, 0, 0)
    assert exported(other) == grown
    assert other.take(io.BytesIO(young)).counts["memories"] == Counts(1, 0, 0, 1, 0)
    assert exported(other) == grown
    assert [hit.memory for hit in other.search("twice").hits] == [memory]
    assert other.search("once").hits == ()
    assert [hit.version for hit in other.search("once", Filters(as_of="2026-01-02")).hits] == [1]


def test_a_wording_that_both_know_keeps_its_row_and_so_its_vector(cortex: Cortex, other: Cortex, clock: Clock) -> None:
    memory = cortex.add(NewMemory("tribal", "Charge a card once")).memory
    other.take(io.BytesIO(exported(cortex)))
    before = rows(other, "SELECT text_key, embedding_rowid FROM memory_embedding_link")
    cortex.confirm(memory)
    other.take(io.BytesIO(exported(cortex)))
    assert rows(other, "SELECT text_key, embedding_rowid FROM memory_embedding_link") == before


def test_two_histories_of_one_memory_are_a_conflict(cortex: Cortex, other: Cortex, clock: Clock) -> None:
    memory = cortex.add(NewMemory("tribal", "Charge a card once")).memory
    cortex.add(NewMemory("tribal", "Ship on Fridays"))
    other.take(stream([HEADER, line_of(cortex, memory)]))
    cortex.relate(memory, "related", cortex.add(NewMemory("tribal", "Boats are slow")).memory)
    other.reject(memory, reason="never")
    before = exported(other)
    refused = other.take(io.BytesIO(exported(cortex)))
    assert [problem.what for problem in refused.problems] == [
        f"'{memory}' has another history here, after version 1. With --on-conflict keep, what is here stays and the "
        "rest is imported."
    ]
    assert refused.counts["memories"] == Counts(3, 0, 0, 0, 3)
    assert exported(other) == before
    kept = other.take(io.BytesIO(exported(cortex)), on_conflict="keep")
    assert (kept.kept, kept.counts["memories"]) == ((memory,), Counts(3, 2, 0, 1, 0))
    # How it stands to others is part of the history that was not taken.
    assert kept.counts["relationships"] == Counts(1, 0, 0, 1, 0)
    assert other.get(memory).memory.confidence == 0.7


def test_what_was_forgotten_does_not_come_back(cortex: Cortex, other: Cortex) -> None:
    memory = cortex.add(NewMemory("tribal", "Charge a card once")).memory
    remembered = exported(cortex)
    other.take(io.BytesIO(remembered))
    cortex.forget(memory)
    assert cortex.take(io.BytesIO(remembered)).counts["memories"] == Counts(1, 0, 0, 1, 0)
    assert b"Charge" not in exported(cortex)
    # Nor is anything erased by a file.
    (problem,) = other.take(io.BytesIO(exported(cortex))).problems
    assert "was forgotten there" in problem.what
    assert other.get(memory).memory.summary == "Charge a card once"


def test_uses_on_two_machines_are_uses_of_both(cortex: Cortex, other: Cortex, clock: Clock) -> None:
    clock.set("2026-01-04")
    memory = cortex.add(NewMemory("tribal", "Charge a card once")).memory
    told = line_of(cortex, memory)
    first, second, third = (f"2026-01-0{day}T00:00:00.000Z" for day in (1, 2, 3))
    for used in (
        {"last_accessed": second, "access_count": 2, "uses": [first]},
        {"last_accessed": third, "access_count": 1},
        {"last_accessed": second, "access_count": 2, "uses": [first]},
    ):
        other.take(stream([HEADER, told | used]))
    now = line_of(other, memory)
    assert (now["last_accessed"], now["access_count"], now["uses"]) == (third, 3, [first, second])


def test_relationships_are_recorded_once_and_end_once(cortex: Cortex, other: Cortex, clock: Clock) -> None:
    one, two = (cortex.add(NewMemory("tribal", text)).memory for text in ("Charge once", "Ship on Fridays"))
    cortex.relate(one, "supports", two, strength=0.2)
    other.take(io.BytesIO(exported(cortex)))
    clock.set("2026-02-01")
    cortex.relate(one, "supports", two, strength=0.9)
    counts = other.take(io.BytesIO(exported(cortex))).counts["relationships"]
    assert counts == Counts(2, 1, 1, 0, 0)
    assert exported(other) == exported(cortex)
    assert [each.strength for each in other.get(one).neighbours] == [0.9]


def test_after_an_import_the_clock_goes_on_behind_it(cortex: Cortex, other: Cortex, clock: Clock) -> None:
    clock.set("2026-03-01T00:00:30")
    memory = cortex.add(NewMemory("tribal", "Charge a card once")).memory
    clock.set("2026-03-01T00:00:00")  # the other machine's is half a minute behind
    assert other.take(io.BytesIO(exported(cortex))).problems == ()
    other.confirm(memory)
    first, second = other.get(memory).history
    assert first.recorded_at < second.recorded_at
    assert [hit.memory for hit in other.search("charge").hits] == [memory]


def test_a_dry_run_tells_and_writes_nothing(cortex: Cortex, other: Cortex) -> None:
    cortex.add(NewMemory("tribal", "Charge a card once"))
    empty = exported(other)
    taken = other.take(io.BytesIO(exported(cortex)), dry_run=True)
    assert (taken.is_written, taken.counts["memories"]) == (False, Counts(1, 1, 0, 0, 0))
    assert exported(other) == empty


# ---------------------------------------------------------------- what is refused

HEADER: Line = {"drift_memories": 1}
AT = "2026-01-01T00:00:00.000Z"
LATER = "2026-01-02T00:00:00.000Z"
VERSION: Line = {
    "version": 1,
    "recorded_at": AT,
    "valid_from": AT,
    "content": {"knowledge": "Charge a card once"},
    "summary": "Charge a card once",
    "confidence": 1.0,
    "importance": "normal",
    "tags": [],
    "archived": False,
    "change": "added",
}
MEMORY: Line = {"kind": "memory", "id": "mem_1", "type": "tribal", "created_at": AT, "versions": [VERSION]}
TOMBSTONE: Line = {"kind": "memory", "id": "mem_2", "type": "tribal", "created_at": AT, "forgotten_at": AT}
RELATED: Line = {
    "kind": "relationship",
    "source": "mem_1",
    "target": "mem_2",
    "relationship": "related",
    "strength": 0.5,
    "recorded_at": AT,
}
LINK: Line = {"recorded_at": AT}


def line_of(cortex: Cortex, memory: str) -> Line:
    return next(line for line in lines(cortex) if line.get("id") == memory)


def without(line: Line, name: str) -> Line:
    return {each: value for each, value in line.items() if each != name}


def version(**fields: Any) -> Line:
    return MEMORY | {"versions": [VERSION | fields]}


SECOND = VERSION | {"version": 2, "recorded_at": LATER}
KEY = "AKIA" + "Q7W2E9R4T6Y1U3I5"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ({"kind": "note"}, "'kind' is \"note\"; it is one of memory, relationship"),
        (without(MEMORY, "kind"), "'kind' is null"),
        (MEMORY | {"colour": "red"}, "No field 'colour'"),
        (MEMORY | {"create_at": AT}, "No field 'create_at'. Nearest: 'created_at'."),
        (without(MEMORY, "id"), "'id' is missing"),
        (MEMORY | {"id": "note_1"}, "it is an id that begins with mem_"),
        (MEMORY | {"type": "belief"}, "'type' is \"belief\"; it is one of core, tribal"),
        (MEMORY | {"created_at": "yesterday"}, "'created_at' is 'yesterday', which is no time"),
        (MEMORY | {"access_count": -1}, "'access_count' is -1; it is a whole number, 0 or more"),
        (MEMORY | {"access_count": 1 << 63}, "a whole number"),
        (MEMORY | {"created_by": "a\0b"}, "holds a character that is no text"),
        (MEMORY | {"created_by": "\ud800"}, "holds a character that is no text"),
        (MEMORY | {"versions": []}, "'mem_1' has no versions"),
        (MEMORY | {"versions": {}}, "'versions' is {}; it is a list"),
        (MEMORY | {"versions": [7]}, "'versions[0]' is 7; it is an object"),
        (version(version=2), "'versions[0].version' is 2; versions count from 1: 1"),
        (version(recorded_to=LATER), "but this version is believed now"),
        (MEMORY | {"versions": [VERSION, SECOND]}, "'versions[0].recorded_to' is missing, but the next begins"),
        (
            MEMORY | {"versions": [VERSION | {"recorded_to": "2026-01-03"}, SECOND]},
            "'versions[0].recorded_to' is 2026-01-03T00:00:00.000Z, but the next begins 2026-01-02T00:00:00.000Z",
        ),
        (
            MEMORY | {"versions": [SECOND | {"version": 1, "recorded_to": AT}, VERSION | {"version": 2}]},
            "is not after 'recorded_at'",
        ),
        (version(valid_until="2025-01-01"), "before it began"),
        (version(content="text"), "'versions[0].content' is \"text\"; it is the object of the memory's type"),
        (version(content={"advice": "no"}), "'versions[0]': No field 'advice' in a tribal memory"),
        (version(content={"topic": "cards"}), "'knowledge' of a tribal memory is missing"),
        (version(content={"knowledge": f"the key is {KEY}"}), "The field 'knowledge' of this tribal memory seems to"),
        (version(summary=f"the key is {KEY}"), "The field 'summary' of this tribal memory seems to hold"),
        (version(tags=[KEY]), "The field 'tags' of this tribal memory seems to hold"),
        (version(reason=f"the key is {KEY}"), "The field 'reason' of this change seems to hold"),
        (version(summary=" "), "'versions[0].summary' is empty"),
        (version(confidence=1.5), "'versions[0].confidence' is 1.5; it is a number from 0 to 1"),
        (version(confidence=True), "it is a number from 0 to 1"),
        (version(archived=1), "'versions[0].archived' is 1; it is true or false"),
        (version(tags="billing"), "'versions[0].tags' is \"billing\"; it is a list of texts"),
        (version(change="thought"), "'versions[0].change' is \"thought\"; it is one of added"),
        (version(recorded_at="2030-01-01"), "lies in the future"),
        (version(superseded_by="mem_9"), "'superseded_by' names 'mem_9', which is neither in the input nor here"),
        (TOMBSTONE | {"versions": [VERSION]}, "'mem_2' was forgotten, and yet it says something"),
        (MEMORY | {"files": [LINK | {"file_path": "../secret.txt"}]}, "a path relative to the project's root"),
        (MEMORY | {"files": [LINK | {"file_path": "/etc/passwd"}]}, "a path relative to the project's root"),
        (MEMORY | {"files": [LINK | {"file_path": "a.py", "line_start": 3, "line_end": 2}]}, "are no range"),
        (MEMORY | {"files": [LINK | {"file_path": "a.py", "line_start": 3}]}, "are no range"),
        (MEMORY | {"files": [LINK | {"file_path": "a.py", "content_hash": "00"}]}, "32 hexadecimal digits"),
        (MEMORY | {"files": [LINK | {"file_path": "a.py", "content_hash": "0" * 32}]}, "it takes both or neither"),
        (MEMORY | {"patterns": [LINK | {"pattern_id": "p"}] * 2}, "The link to 'p' is recorded twice"),
        (MEMORY | {"patterns": [{"pattern_id": "p", "recorded_at": LATER}]}, "later than the last version"),
        (
            MEMORY | {"verdicts": [{"version": 2, "action": "confirmed", "previous_confidence": 1.0}]},
            "'verdicts[0].new_confidence' is missing",
        ),
        (RELATED | {"target": "mem_1"}, "stands in a relationship to itself"),
        (RELATED, "'source' names 'mem_1', which is neither in the input nor here"),
        (RELATED | {"relationship": "likes"}, "'relationship' is \"likes\"; it is one of supersedes"),
        ({"kind": "validation_run", "id": "val_1", "started_at": AT, "status": "odd"}, "'total_validated' is missing"),
    ],
)
def test_a_line_at_fault_is_named_and_nothing_is_taken(cortex: Cortex, line: Line, problem: str) -> None:
    fine = MEMORY | {"id": "mem_fine"}
    taken = cortex.take(stream([HEADER, fine, line]))
    assert [(each.line, problem in each.what) for each in taken.problems] == [(3, True)], taken.problems
    assert cortex.standing().memories == 0
    for counts in taken.counts.values():
        assert counts.found == counts.imported + counts.merged + counts.already_there + counts.refused
    assert sum(counts.refused for counts in taken.counts.values()) == 2


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        (b"{", 2, "No JSON at column 2 (cut off?)"),
        (b"\n", 2, "It is empty."),
        (b'{"kind": "memory", "kind": "memory"}\n', 2, '"kind" stands in it twice'),
        (b'{"kind": NaN}\n', 2, "NaN is no number of JSON"),
        (b"[]\n", 2, "It is no JSON object"),
        (b"\xff\n", 2, "byte 1 is no UTF-8"),
        (b"[" * 100_000 + b"\n", 2, "nested too deeply"),
        (json.dumps(version(content={"knowledge": "x", "a": 1})).encode()[:-9], 2, "No JSON at column"),
        (b"".join(json.dumps(MEMORY).encode() + b"\n" for _ in range(2)), 3, "Line 2 tells of the same one"),
    ],
)
def test_what_is_no_line_is_told_by_its_number(cortex: Cortex, text: bytes, line: int, problem: str) -> None:
    taken = cortex.take(io.BytesIO(b'{"drift_memories": 1}\n' + text))
    assert [(each.line, problem.lower() in each.what.lower()) for each in taken.problems] == [(line, True)], taken
    assert cortex.standing().memories == 0


def test_all_that_is_wrong_is_told_at_once(cortex: Cortex) -> None:
    bad = [version(confidence=2) | {"id": f"mem_{number}"} for number in range(50)]
    assert len(cortex.take(stream([HEADER, *bad])).problems) == 50


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"", "the input is empty"),
        (b"{}\n", "no header of memories"),
        (b'{"drift_facts": 1}\n', "no header of memories"),
        (b'{"drift_memories": 2}\n', "of version 2, and this program reads 1"),
        (b'{"drift_memories": 1, "colour": 3}\n', 'the header has "colour"'),
        (b"not json\n", "no JSON at column 1"),
    ],
)
def test_what_does_not_begin_as_memories_do_is_refused(cortex: Cortex, header: bytes, problem: str) -> None:
    with pytest.raises(DriftError, match=re.escape(problem)):
        cortex.take(io.BytesIO(header))


def test_a_file_that_was_cut_off_between_two_lines_is_noticed(cortex: Cortex, other: Cortex) -> None:
    for text in ("Charge once", "Ship on Fridays"):
        cortex.add(NewMemory("tribal", text))
    cut = b"".join(exported(cortex).splitlines(keepends=True)[:-1])
    (problem,) = other.take(io.BytesIO(cut)).problems
    assert problem.what.startswith("The header counts 2 memories, and 1 follow")
    assert other.standing().memories == 0


@given(noise=st.binary(max_size=200), at=st.integers(0, 600))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_refused_or_understood(cortex: Cortex, noise: bytes, at: int) -> None:
    good = b"".join(json.dumps(line).encode() + b"\n" for line in (HEADER, MEMORY, TOMBSTONE))
    try:
        taken = cortex.take(io.BytesIO(good[:at] + noise + good[at:]), dry_run=True)
    except DriftError:
        return
    assert taken.problems or noise.strip() == b"" or sum(each.found for each in taken.counts.values()) == 2
