"""Memories of the predecessor's, in all the odd states in which they were found, and what becomes of each."""

from __future__ import annotations

import json
import math
import sqlite3
import struct
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.cortex.content import MEMORY_TYPES
from drift_mcp.cortex.cortex import Cortex, Filters, NewMemory
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.errors import DriftError
from drift_mcp.project import Project, init
from drift_mcp.upgrade import archive, run

PLACES = (".drift/memory/cortex.db", ".drift/cortex.db", ".drift/cortex/memory.db", ".cortex/cortex.db")
FIRST = "2026-01-10T08:00:00.000Z"

_TABLES = """
CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, applied_at TEXT, description TEXT);
CREATE TABLE memories (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, content TEXT NOT NULL, summary TEXT NOT NULL, recorded_at TEXT NOT NULL,
    valid_from TEXT NOT NULL, valid_until TEXT, confidence REAL NOT NULL DEFAULT 1.0, importance TEXT DEFAULT 'normal',
    last_accessed TEXT, access_count INTEGER DEFAULT 0, created_at TEXT, updated_at TEXT, created_by TEXT, tags TEXT,
    archived INTEGER DEFAULT 0, archive_reason TEXT, superseded_by TEXT, supersedes TEXT, last_validated TEXT
);
CREATE TABLE memory_relationships (
    source_id TEXT, target_id TEXT, relationship TEXT, strength REAL DEFAULT 1.0, created_at TEXT
);
CREATE TABLE memory_patterns (memory_id TEXT, pattern_id TEXT, created_at TEXT);
CREATE TABLE memory_constraints (memory_id TEXT, constraint_id TEXT, created_at TEXT);
CREATE TABLE memory_files (
    memory_id TEXT, file_path TEXT, line_start INTEGER, line_end INTEGER, content_hash TEXT, created_at TEXT
);
CREATE TABLE memory_functions (memory_id TEXT, function_id TEXT, created_at TEXT);
CREATE TABLE consolidation_runs (
    id TEXT, started_at TEXT, completed_at TEXT, episodes_processed INTEGER, memories_created INTEGER,
    memories_updated INTEGER, memories_pruned INTEGER, status TEXT, error TEXT
);
CREATE TABLE validation_runs (
    id TEXT, started_at TEXT, completed_at TEXT, total_validated INTEGER, valid_count INTEGER, stale_count INTEGER,
    healed_count INTEGER, flagged_count INTEGER, status TEXT
);
CREATE TABLE memory_embedding_link (memory_id TEXT PRIMARY KEY, embedding_rowid INTEGER NOT NULL);
CREATE TABLE memory_embeddings_rowids (rowid INTEGER PRIMARY KEY, id, chunk_id INTEGER, chunk_offset INTEGER);
CREATE TABLE memory_embeddings_vector_chunks00 (rowid INTEGER PRIMARY KEY, vectors BLOB);
"""
# What the second to the eighth schema added.
_LATER = """
CREATE TABLE causal_edges (
    id TEXT, source_id TEXT, target_id TEXT, relation TEXT, strength REAL, evidence TEXT, created_at TEXT
);
CREATE TABLE session_contexts (id TEXT, started_at TEXT, tokens_sent INTEGER);
CREATE TABLE memory_validation_history (
    id TEXT, memory_id TEXT, action TEXT, previous_confidence REAL, new_confidence REAL, feedback TEXT,
    validated_at TEXT, validated_by TEXT, session_id TEXT
);
CREATE TABLE memory_usage_history (id TEXT, memory_id TEXT, outcome TEXT, context TEXT, used_at TEXT);
CREATE TABLE memory_contradictions (id TEXT, memory_a_id TEXT, memory_b_id TEXT, confidence REAL);
CREATE TABLE memory_clusters (id TEXT, name TEXT);
CREATE TABLE memory_cluster_members (cluster_id TEXT, memory_id TEXT);
CREATE TABLE somebodys_own (what TEXT);
"""


class Old:
    """A database of memories as the predecessor left it."""

    def __init__(self, path: Path, version: int = 8) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.executescript(_TABLES + (_LATER if version > 1 else ""))
        self.put("schema_migrations", version=version)

    def put(self, table: str, **row: Any) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))

    def memory(self, name: str, told: Any, type: str = "tribal", **columns: Any) -> str:
        memory = f"mem_{name}"
        content = told if isinstance(told, str) else json.dumps({"type": type, **told}, ensure_ascii=False)
        row = {"id": memory, "type": type, "content": content, "summary": f"about {name}", "recorded_at": FIRST}
        self.put("memories", **{**row, "valid_from": FIRST, "created_at": FIRST, "updated_at": FIRST, **columns})
        return memory

    def vector(self, memory: str, row: int, vector: bytes, offset: int = 0) -> None:
        self.put("memory_embedding_link", memory_id=memory, embedding_rowid=row)
        self.put("memory_embeddings_rowids", rowid=row, chunk_id=row, chunk_offset=offset)
        self.put("memory_embeddings_vector_chunks00", rowid=row, vectors=b"\0" * 1536 * offset + vector)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    (tmp_path / "shop" / ".drift").mkdir(parents=True)
    return tmp_path / "shop"


@pytest.fixture
def old(root: Path) -> Old:
    return Old(root / PLACES[0])


def _upgraded(root: Path) -> dict[str, tuple[int, int, int, int]]:
    """Domain → found, moved, merged, refused."""
    with Project(root) as project:
        report = run.upgrade(project)
    return {each.domain: (each.found, each.moved, sum(each.merged.values()), each.refused) for each in report.lines}


def _opened(root: Path) -> Cortex:
    return Cortex.open(root / ".drift" / "cortex.db", root, embedder=Embedder(MiniLM(None)))


ODD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no id and an old count": ({"topic": "a", "knowledge": "b", "accessCount": 0}, {"access_count": 7}),
    "a confidence in JSON": ({"topic": "a", "knowledge": "b", "confidence": 0.9}, {"confidence": 0.6000000000000001}),
    "nothing but times": ({"createdAt": FIRST}, {"summary": "⚠️ undefined: undefined..."}),
    "no knowledge": ({"topic": "Test", "knowledge": ""}, {"summary": "⚠️ Test: ..."}),
    "markup": ({"topic": "t", "knowledge": "<script>alert('x')</script> & \"quotes\" 🚀 é"}, {}),
    "archived in JSON alone": ({"topic": "a", "knowledge": "b", "archived": True}, {"archived": 0}),
    "archived": ({"topic": "a", "knowledge": "b"}, {"archived": 1, "archive_reason": "deleted"}),
    "fields of nobody's": ({"knowledge": "b", "mood": ["odd", {"deep": 1}]}, {}),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_memory_arrives_as_it_was(root: Path, old: Old, name: str) -> None:
    told, columns = ODD[name]
    memory = old.memory("odd", told, **columns)
    assert _upgraded(root)["memories"] == (1, 1, 0, 0)
    with _opened(root) as cortex:
        found = cortex.get(memory).memory
    common = {"accessCount", "confidence", "createdAt", "archived"}
    assert found.content == {key: value for key, value in told.items() if key not in common}
    assert (found.confidence, found.archived) == (columns.get("confidence", 1.0), bool(columns.get("archived", 0)))
    assert found.summary == columns.get("summary", "about odd")
    assert (found.created_at, found.recorded_at, found.valid_from) == (FIRST, FIRST, FIRST)
    assert found.archive_reason == columns.get("archive_reason")


def test_the_summary_in_json_is_the_one_that_somebody_wrote(root: Path, old: Old) -> None:
    memory = old.memory("s", {"knowledge": "k", "summary": "as written"}, summary="as made")
    _upgraded(root)
    with _opened(root) as cortex:
        assert cortex.get(memory).memory.summary == "as written"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("version", [1, 5, 8])
def test_every_place_and_schema_is_read(root: Path, place: str, version: int) -> None:
    memory = Old(root / place, version).memory("here", {"knowledge": "the tills close at six"})
    assert _upgraded(root)["memories"] == (1, 1, 0, 0)
    with _opened(root) as cortex:
        assert [hit.memory for hit in cortex.search("when do tills close").hits] == [memory]
    assert not (root / place).exists() or place == ".drift/cortex.db"
    with Project(root) as project:
        archive.undo(project)
    assert (root / place).exists()


def test_one_memory_in_two_places_is_one_memory(root: Path) -> None:
    for place in PLACES[:2]:
        Old(root / place).memory("twin", {"knowledge": "same"})
    assert _upgraded(root)["memories"] == (2, 1, 1, 0)


def test_what_was_superseded_ends_where_the_newer_was_said(root: Path, old: Old) -> None:
    before = old.memory("before", {"knowledge": "MD5"})
    now = old.memory(
        "now", {"knowledge": "bcrypt"}, recorded_at="2026-02-01 09:00:00", valid_from="2026-02-01 09:00:00"
    )
    old.put(
        "memory_relationships",
        source_id=now,
        target_id=before,
        relationship="supersedes",
        created_at="2026-02-01 09:00:00",
    )
    old.put(
        "memory_relationships",
        source_id=now,
        target_id=before,
        relationship="supersedes",
        created_at="2026-02-01 09:00:00",
    )
    old.put("memory_relationships", source_id=now, target_id="mem_gone", relationship="related", created_at=FIRST)
    assert _upgraded(root)["memory_relationships"] == (3, 1, 1, 1)
    with _opened(root) as cortex:
        older = cortex.get(before, valid_at="2026-01-20").memory
        assert (older.superseded_by, older.valid_until, older.version) == (now, "2026-02-01T09:00:00.000Z", 2)
        assert cortex.get(before, as_of="2026-01-20").memory.superseded_by is None
        assert [hit.memory for hit in cortex.search("MD5 bcrypt").hits] == [now]
        with pytest.raises(DriftError, match="2026-02-01"):
            cortex.get(before, valid_at="2026-03-01")


def test_a_relationship_of_a_later_day_is_a_version_of_that_day(root: Path, old: Old) -> None:
    one, other = old.memory("one", {"knowledge": "k"}), old.memory("other", {"knowledge": "l"})
    for word, at in (("supports", "2026-05-01 10:00:00"), ("related", "2026-05-02 10:00:00")):
        old.put("memory_relationships", source_id=one, target_id=other, relationship=word, created_at=at)
    assert _upgraded(root)["memory_relationships"] == (2, 2, 0, 0)
    with _opened(root) as cortex:
        assert [each.change for each in cortex.get(one).history] == ["imported", "linked", "linked"]
        assert cortex.get(one, as_of="2026-04-01").neighbours == ()
        assert [each.relationship for each in cortex.get(other, as_of="2026-05-02").neighbours] == ["supports"]


def test_what_ends_by_a_memory_that_is_refused_does_not_end(root: Path, old: Old) -> None:
    kept = old.memory("kept", {"knowledge": "k"}, superseded_by="mem_bad")
    old.memory("bad", "{")
    old.put("memory_relationships", source_id="mem_bad", target_id=kept, relationship="supersedes", created_at=FIRST)
    told = _upgraded(root)
    assert (told["memories"], told["memory_relationships"]) == ((2, 1, 0, 1), (1, 0, 0, 1))
    with _opened(root) as cortex:
        assert cortex.get(kept).memory.superseded_by is None


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(), st.text(max_size=12))
JSONS = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=6), each, max_size=3)
)
COLUMNS = st.dictionaries(
    st.sampled_from(
        (
            *("confidence", "importance", "access_count", "last_accessed", "created_at", "valid_from", "valid_until"),
            *("tags", "archived", "summary", "superseded_by", "last_validated", "updated_at", "created_by"),
        )
    ),
    st.one_of(st.integers(-(2**40), 2**40), st.floats(allow_nan=False), st.text(st.characters(codec="utf-8"))),
    max_size=4,
)
FIELDS = "project knowledge topic description steps interaction context extractedFacts citations scope tags linkedFiles"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.sampled_from(MEMORY_TYPES), st.dictionaries(st.sampled_from(FIELDS.split()), JSONS, max_size=4), COLUMNS
        ),
        max_size=4,
    )
)
def test_anything_in_a_memory_is_moved_or_refused(made: list[tuple[str, dict[str, Any], dict[str, Any]]]) -> None:
    with TemporaryDirectory() as folder:
        root = Path(folder)
        old = Old(root / PLACES[0])
        for number, (kind, told, columns) in enumerate(made):
            memory = old.memory(str(number), told, type=kind, **columns)
            old.put("memory_patterns", memory_id=memory, pattern_id="p")
            old.put("memory_files", memory_id=memory, file_path="a.ts", line_start=number - 1, line_end="x")
        old.db.close()
        found, moved, merged, refused = _upgraded(root).get("memories", (0, 0, 0, 0))
        assert (found, merged) == (len(made), 0) and found == moved + refused


def test_links_verdicts_and_runs_come_along(root: Path, old: Old) -> None:
    also = {"linkedFiles": ["src/b.ts", "/etc/passwd"], "linkedPatterns": ["p1", "p2"]}
    memory = old.memory("m", {"knowledge": "k", **also}, tags='["x","y"]')
    for pattern in ("p1", "p1", "p3"):
        old.put("memory_patterns", memory_id=memory, pattern_id=pattern)
    old.put("memory_patterns", memory_id="mem_gone", pattern_id="p9")
    old.put("memory_constraints", memory_id=memory, constraint_id="c1")
    old.put(
        "memory_files",
        memory_id=memory,
        file_path="src/a.ts",
        line_start=3,
        line_end=9,
        content_hash="0123456789abcdef",
    )
    old.put("memory_files", memory_id=memory, file_path="../../outside", line_start=1, line_end=1)
    old.put("memory_functions", memory_id=memory, function_id="src/a.ts:pay:3")
    verdict = {"memory_id": memory, "previous_confidence": 0.5, "new_confidence": 0.6, "validated_at": FIRST}
    old.put("memory_validation_history", id="v1", action="confirmed", feedback="yes", **verdict)
    old.put("memory_validation_history", id="v2", action="shrugged", **verdict)
    old.put("consolidation_runs", id="cons_1", started_at=FIRST, status="completed", episodes_processed=4)
    old.put("validation_runs", id="7", started_at=FIRST, status="running", total_validated=3)
    told = _upgraded(root)
    assert told["memory_patterns"] == (4, 2, 1, 1)
    assert (told["memory_constraints"], told["memory_functions"]) == ((1, 1, 0, 0), (1, 1, 0, 0))
    assert told["memory_files"] == (2, 1, 0, 1)
    assert told["memory_validation_history"] == (2, 1, 0, 1)
    assert (told["consolidation_runs"], told["validation_runs"]) == ((1, 1, 0, 0), (1, 1, 0, 0))
    with _opened(root) as cortex:
        shown = cortex.get(memory)
        assert (shown.memory.patterns, shown.memory.constraints) == (("p1", "p2", "p3"), ("c1",))
        assert [(file.file, file.line_start, file.line_end) for file in shown.memory.files] == [
            ("src/a.ts", 3, 9),
            ("src/b.ts", None, None),
        ]
        assert (shown.memory.tags, shown.code) == (("x", "y"), "gone")
        assert [hit.memory for hit in cortex.search(None, Filters(patterns=["p3"])).hits] == [memory]


def test_what_has_no_table_today_is_carried_and_what_nobody_knows_is_told(root: Path, old: Old) -> None:
    memory = old.memory("m", {"knowledge": "k"})
    old.put("causal_edges", id="edge_1", source_id=memory, target_id=memory, relation="caused", strength=0.5)
    old.put("session_contexts", id="sess_1", started_at=FIRST, tokens_sent=12)
    old.put("somebodys_own", what="?")
    with Project(root) as project:
        report = run.upgrade(project)
        with project.read() as db:
            rows = db.execute("SELECT table_name, row_id, fields FROM carried_fields ORDER BY 1").fetchall()
    assert [(table, row, json.loads(fields)) for table, row, fields in rows] == [
        (
            "causal_edges",
            "edge_1",
            {"id": "edge_1", "source_id": memory, "target_id": memory, "relation": "caused", "strength": 0.5},
        ),
        ("session_contexts", "sess_1", {"id": "sess_1", "started_at": FIRST, "tokens_sent": 12}),
    ]
    assert (
        "memory/cortex.db: somebodys_own, a table that is not known, has 1 rows. They stay in the archive."
        in report.notes
    )


UNIT = struct.pack("<384f", *([1 / math.sqrt(384)] * 384))


def test_vectors_of_an_unknown_model_are_kept_and_answer_nothing(root: Path, old: Old) -> None:
    memory = old.memory("v", {"knowledge": "the tills close at six"})
    old.vector(memory, 1, UNIT, offset=3)
    old.vector(old.memory("long", {"knowledge": "k"}), 2, struct.pack("<384f", *([1.0] * 384)))
    old.vector(old.memory("short", {"knowledge": "k"}), 3, b"\0" * 12)
    assert _upgraded(root)["memory_embedding_link"] == (3, 1, 0, 2)
    with _opened(root) as cortex:
        found = cortex.search("tills")
        assert (found.found_by, [hit.memory for hit in found.hits]) == ("words", [memory])
    db = sqlite3.connect(root / ".drift" / "cortex.db")
    kept = db.execute(
        """
        SELECT e.name, v.vector
        FROM memory_vectors v
        JOIN memory_embedding_link l ON l.embedding_rowid = v.embedding_rowid
        JOIN embedding_models e ON e.key = l.model_key
        """
    ).fetchall()
    db.close()
    assert kept == [("unrecorded", UNIT)]


BROKEN: dict[str, tuple[Any, dict[str, Any], str]] = {
    "an id of another kind": ({"knowledge": "k"}, {"id": "note-1"}, "ids begin with mem_"),
    "a type that there is not": ({"knowledge": "k"}, {"type": "goal"}, "No memory type 'goal'"),
    "content that is no JSON": ("{", {}, "its content is no JSON"),
    "content that is no object": ("[1]", {}, "not an object"),
    "a confidence beyond all": ({"knowledge": "k"}, {"confidence": 7}, "does not lie from 0 to 1"),
    "a time that is none": ({"knowledge": "k"}, {"recorded_at": "lately"}, "is no time"),
    "an end before its beginning": ({"knowledge": "k"}, {"valid_until": "2020-01-01"}, "valid until 2020-01-01"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_memory_that_cannot_be_one_is_refused_alone_with_what_hangs_on_it(root: Path, old: Old, name: str) -> None:
    told, columns, why = BROKEN[name]
    old.memory("bad", told, **columns)
    good = old.memory("good", {"knowledge": "k"})
    bad = columns.get("id", "mem_bad")
    old.put("memory_patterns", memory_id=bad, pattern_id="p")
    old.put("memory_relationships", source_id=good, target_id=bad, relationship="related", created_at=FIRST)
    with Project(root) as project:
        report = run.upgrade(project)
    lines = {each.domain: each for each in report.lines}
    assert (lines["memories"].moved, lines["memories"].refused) == (1, 1)
    assert (lines["memory_patterns"].refused, lines["memory_relationships"].refused) == (1, 1)
    (refusal,) = (each for each in report.refusals if each.domain == "memories")
    assert refusal.where == "memory/cortex.db, row 1 of memories" and why in refusal.reason


def test_a_secret_in_a_memory_is_told_and_nothing_is_lost(root: Path, old: Old) -> None:
    memory = old.memory("s", {"knowledge": "the token is ghp_" + "a1B2c3D4e5" * 4})
    with Project(root) as project:
        report = run.upgrade(project)
    assert any(f"`drift memory forget {memory}`" in note for note in report.notes)


def test_a_file_that_is_no_database_is_refused_and_kept(root: Path) -> None:
    (root / ".drift" / "memory").mkdir()
    (root / PLACES[0]).write_bytes(b"not a database" * 100)
    assert _upgraded(root) == {"files": (1, 0, 0, 1)}
    assert (root / ".drift" / archive.FOLDER_NAME / "memory" / "cortex.db").exists()


def test_memories_join_those_that_are_there(root: Path) -> None:
    with Project(root) as project:
        init(project)
    with _opened(root) as cortex:
        mine = cortex.add(NewMemory("tribal", "the tills open at eight")).memory
    old = Old(root / PLACES[0]).memory("theirs", {"knowledge": "the tills close at six"})
    with Project(root) as project:
        report = run.upgrade(project)
    assert report.backup is not None
    with _opened(root) as cortex:
        assert {hit.memory for hit in cortex.search("tills").hits} == {mine, old}
    # The same file once more changes nothing.
    (root / ".drift" / "memory").mkdir(exist_ok=True)
    (root / ".drift" / archive.FOLDER_NAME / "memory" / "cortex.db").rename(root / PLACES[0])
    assert _upgraded(root)["memories"] == (1, 0, 1, 0)


def test_an_old_store_beside_memories_of_today_takes_neither_away(root: Path) -> None:
    with Project(root) as project:
        init(project)
    (root / ".drift" / "drift.db").unlink()
    with _opened(root) as cortex:
        mine = cortex.add(NewMemory("tribal", "the tills open at eight")).memory
    # As a process leaves it that is killed: the log still holds what was written.
    busy = sqlite3.connect(root / ".drift" / "cortex.db")
    busy.execute("SELECT count(*) FROM memories").fetchone()
    with sqlite3.connect(root / ".drift" / "drift.db") as store:
        store.execute("CREATE TABLE project (id TEXT PRIMARY KEY, name TEXT)")
    store.close()
    theirs = Old(root / PLACES[0]).memory("theirs", {"knowledge": "the tills close at six"})
    _upgraded(root)
    busy.close()
    with _opened(root) as cortex:
        assert {hit.memory for hit in cortex.search("tills").hits} == {mine, theirs}
    kept = root / ".drift" / archive.FOLDER_NAME
    logs = {path.name for path in kept.iterdir()} & {"cortex.db-wal", "cortex.db-shm"}
    assert (kept / "cortex.db").exists() and logs
