"""The steps lead from the first version to what the files make: object by object, and row by row where they fill."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import apsw

from drift_mcp.cortex import vectors
from drift_mcp.store import connection, migrate, schema

APPLICATION_ID = 0x74657374
FIRST = schema.Schema(
    "drift", APPLICATION_ID, Path(__file__).with_name("drift_version_1.sql").read_text(encoding="utf-8"), "", ()
)
TODAY = schema.read("drift", APPLICATION_ID)
FIRST_CORTEX = schema.Schema(
    "cortex", APPLICATION_ID, Path(__file__).with_name("cortex_version_1.sql").read_text(encoding="utf-8"), "", ()
)
TODAYS_CORTEX = schema.read("cortex", APPLICATION_ID)
VEC0 = vectors.extension_path()


def _objects(db: apsw.Connection) -> dict[str, str]:
    """Name → statement, without what has no meaning: comments, line ends, blanks."""
    found = {}
    for name, text in db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall():
        words = re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", text))
        found[name] = re.sub(r"\s*([(),])\s*", r"\1", words).strip()
    return found


def _made(path: Path, of: schema.Schema) -> apsw.Connection:
    assert VEC0 is not None
    return migrate.opened(path, of, extensions=(VEC0,))


def test_the_steps_lead_to_what_the_files_make(tmp_path: Path) -> None:
    _made(tmp_path / "old.db", FIRST).close()
    old, new = _made(tmp_path / "old.db", TODAY), _made(tmp_path / "new.db", TODAY)
    try:
        assert _objects(old) == _objects(new)
        for table in ("resolutions", "status"):
            assert old.execute(f"SELECT * FROM {table}").fetchall() == new.execute(f"SELECT * FROM {table}").fetchall()
        assert old.execute("PRAGMA user_version").get == TODAY.version
    finally:
        old.close()
        new.close()


def test_a_first_version_is_told_from_todays(tmp_path: Path) -> None:
    """The comparison above could fail: the two versions do differ."""
    old, new = _made(tmp_path / "old.db", FIRST), _made(tmp_path / "new.db", TODAY)
    try:
        assert _objects(old) != _objects(new)
    finally:
        old.close()
        new.close()


def test_what_a_person_decided_survives_the_steps(tmp_path: Path) -> None:
    path = tmp_path / "drift.db"
    with _made(path, FIRST) as db:
        db.execute(
            "INSERT INTO patterns (id, name, category, status, status_reason) "
            "VALUES ('p', 'n', 'api', 'approved', 'ours')"
        )
        db.execute("INSERT INTO file_metadata (id, path, size, mtime_secs) VALUES (7, 'a.py', 1, 1)")
        db.execute(
            "INSERT INTO pattern_suppressions (scope, file_id, line, reason) "
            "VALUES ('global', NULL, NULL, 'noise'), ('file', 7, NULL, 'old'), ('line', 7, 3, 'so')"
        )
    assert connection.schema_version(path, TODAY) == 1
    with _made(path, TODAY) as db:
        assert db.execute("SELECT status, status_reason FROM patterns").fetchall() == [("approved", "ours")]
        assert db.execute(
            "SELECT path, line, end_line, reason, origin FROM pattern_suppressions ORDER BY id"
        ).fetchall() == [
            (None, None, None, "noise", "person"),
            ("a.py", None, None, "old", "person"),
            ("a.py", 3, 3, "so", "person"),
        ]


def test_the_steps_of_memories_lead_to_what_the_files_make(tmp_path: Path) -> None:
    _made(tmp_path / "old.db", FIRST_CORTEX).close()
    old, new = _made(tmp_path / "old.db", TODAYS_CORTEX), _made(tmp_path / "new.db", TODAYS_CORTEX)
    try:
        assert _objects(old) == _objects(new)
        assert (
            old.execute("SELECT * FROM memory_types").fetchall() == new.execute("SELECT * FROM memory_types").fetchall()
        )
    finally:
        old.close()
        new.close()


def test_a_vector_of_the_first_version_gets_its_bits(tmp_path: Path) -> None:
    path = tmp_path / "cortex.db"
    vector = struct.pack("<384f", *(1.0 if n % 3 == 0 else -1.0 for n in range(384)))
    with _made(path, FIRST_CORTEX) as db:
        db.execute(
            "INSERT INTO embedding_models "
            "(name, revision, dimensions, normalisation, pooling, max_tokens, fingerprint, first_used) "
            "VALUES ('m', 'r', 384, 'l2', 'mean', 256, zeroblob(16), '2026-01-01T00:00:00.000Z')"
        )
        db.execute("INSERT INTO memories (id, type, created_at) VALUES ('mem_1', 'tribal', '2026-01-01T00:00:00.000Z')")
        db.execute(
            "INSERT INTO memory_texts (memory_key, summary, body, tags, code, text_hash) "
            "VALUES (1, 's', 'b', '', '', zeroblob(16))"
        )
        db.execute(
            "INSERT INTO memory_embedding_link (embedding_rowid, text_key, model_key, state, embedded_at) "
            "VALUES (5, 1, 1, 'ready', '2026-01-01T00:00:00.000Z')"
        )
        db.execute("INSERT INTO memory_vectors (embedding_rowid, vector) VALUES (5, ?)", (vector,))
    with _made(path, TODAYS_CORTEX) as db:
        (row,) = db.execute("SELECT embedding_rowid, model_key, bits FROM memory_bits").fetchall()
    signs = [row[2][n // 8] >> (n % 8) & 1 for n in range(384)]
    assert (row[0], row[1], signs) == (5, 1, [int(n % 3 == 0) for n in range(384)])
