"""The steps lead from the first version to what the files make: object by object, and row by row where they fill."""

from __future__ import annotations

import re
from pathlib import Path

import apsw

from drift_mcp.store import connection, migrate, schema

APPLICATION_ID = 0x74657374
FIRST = schema.Schema(
    "drift", APPLICATION_ID, Path(__file__).with_name("drift_version_1.sql").read_text(encoding="utf-8"), "", ()
)
TODAY = schema.read("drift", APPLICATION_ID)


def _objects(db: apsw.Connection) -> dict[str, str]:
    """Name → statement, without what has no meaning: comments, line ends, blanks."""
    found = {}
    for name, text in db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall():
        words = re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", text))
        found[name] = re.sub(r"\s*([(),])\s*", r"\1", words).strip()
    return found


def _made(path: Path, of: schema.Schema) -> apsw.Connection:
    return migrate.opened(path, of)


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
