"""What is found in a store that somebody harmed, what mending does, and that looking changes nothing."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from drift_mcp import doctor
from drift_mcp.cortex.memories import NewMemory
from drift_mcp.doctor import Report, databases
from drift_mcp.errors import NotInitialised
from drift_mcp.ingest import scans
from drift_mcp.project import DRIFT_ID, Project, register, registry_path
from drift_mcp.store import backup, connection, lock, restore, schema
from drift_mcp.tables import lookup

LONG_AGO_SECONDS = 2 * 3_600
# As any other program opens a database: without the layer that keeps checksums.
PLAIN = "win32" if sys.platform == "win32" else "unix"


def checks(report: Report) -> set[str]:
    """What was found and not mended, the usual remarks aside."""
    return {each.check for each in report.findings if each.done is None} - {"backups"}


def mended(report: Report) -> set[str]:
    return {each.check for each in report.findings if each.done is not None}


def ask(project: Project, query: str) -> Any:
    with project.read() as db:
        return db.execute(query).fetchall()


def test_a_store_that_was_just_scanned_is_well(project: Project) -> None:
    report = doctor.examine(project)
    assert report.is_well and report.is_usable
    assert [(each.check, each.severity) for each in report.findings] == [("backups", "info")]
    assert report.facts["drift.db"]["has_checksums"] is True
    assert report.facts["cortex.db"]["vectors"] == 0


def test_without_a_store_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    with Project(tmp_path) as nothing, pytest.raises(NotInitialised, match="drift scan"):
        doctor.examine(nothing)
    assert list(tmp_path.iterdir()) == []


# -- rows that do not follow from other rows

A_MEMORY = """
INSERT INTO memories (key, id, type, created_at) VALUES (1, 'mem_1', 'tribal', '2026-01-01T00:00:00.000Z');
INSERT INTO memory_texts VALUES (1, 1, 'x', 'x', '', '', zeroblob(16));
INSERT INTO embedding_models
VALUES (1, 'm', 'r', 384, 'l2', 'mean', 256, zeroblob(16), '2026-01-01T00:00:00.000Z', 1);
INSERT INTO memory_embedding_link VALUES (1, 1, 1, 'ready', '2026-01-01T00:00:00.000Z');
"""

HARM = {
    "roles": "UPDATE functions SET is_entry_point = 1 - is_entry_point",
    "patterns": "UPDATE patterns SET outlier_count = 99",
    "files": "UPDATE file_metadata SET function_count = 99",
    "environment": "INSERT INTO env_variables (name) VALUES ('NOBODY_READS_IT')",
    "symbols": "INSERT INTO symbols (name) VALUES ('nobody.calls.it')",
    "answers": "INSERT INTO convention_answers (convention, family, choice) VALUES ('q', 'python', 'a')",
    "retention": """
        INSERT INTO pattern_history (date, pattern_id, action) VALUES ('2001-01-01T00:00:00.000Z', 'p', 'updated')
    """,
    "status": """UPDATE status SET body = json_set(body, '$.functions.function', 99)""",
    "adjacency": "INSERT INTO call_adjacency VALUES (1, 0, 0, zeroblob(8), x'')",
    "scans": "INSERT INTO scan_history (scan_id, started_at) VALUES ('died', '2026-01-01T00:00:00.000Z')",
    "search": "INSERT INTO patterns_fts (patterns_fts) VALUES ('delete-all')",
    "vectors": A_MEMORY,
    "vector index": A_MEMORY + "INSERT INTO memory_vectors VALUES (1, zeroblob(1536));",
}


@pytest.mark.parametrize("check", HARM)
def test_what_does_not_follow_is_found_and_mended(project: Project, harm: Any, check: str) -> None:
    harm(HARM[check])
    found = doctor.examine(project)
    assert check in checks(found)
    after = doctor.mend(project)
    assert after.is_well and check in mended(after)
    assert checks(doctor.examine(project)) <= {"models", "pending"}


def test_remarks_alone_do_not_make_a_store_unwell(project: Project, harm: Any) -> None:
    harm(HARM["symbols"])
    report = doctor.examine(project)
    assert checks(report) == {"symbols"} and report.is_well


def test_rows_that_point_nowhere_go_and_their_source_is_read_again(project: Project, harm: Any) -> None:
    harm("DELETE FROM file_metadata WHERE path = 'shop/prices.py'")
    report = doctor.examine(project)
    assert {"references"} <= checks(report) and not report.is_well
    after = doctor.mend(project)
    assert after.is_well and "references" in mended(after)
    assert ask(project, "SELECT caller, callee FROM v_calls WHERE callee = 'tax'") == [("total", "tax")]
    assert checks(doctor.examine(project)) == set()
    assert [each.reason for each in _backups(project)] == ["doctor"]


def test_what_people_decided_goes_only_with_what_it_is_about(project: Project, harm: Any) -> None:
    harm(
        "INSERT INTO pattern_variants (id, pattern_id, name, scope, reason) VALUES "
        "('v1', 'p1', 'n', 'global', 'ours'), ('v2', 'gone', 'n', 'global', 'ours')"
    )
    doctor.mend(project)
    assert ask(project, "SELECT id FROM pattern_variants") == [("v1",)]


def _backups(project: Project) -> list[Any]:
    return backup.listed(project.backups)


# -- the schema


@pytest.mark.parametrize(
    "statement",
    [
        "DROP INDEX idx_functions_name",
        "DROP INDEX idx_functions_name; CREATE INDEX idx_functions_name ON functions (name)",
        "DROP VIEW v_calls",
        "DROP TRIGGER log_pattern_update",
        "DROP TRIGGER patterns_fts_insert",
    ],
)
def test_what_holds_nothing_of_its_own_is_made_anew(project: Project, harm: Any, statement: str) -> None:
    harm(statement)
    assert checks(doctor.examine(project)) >= {"schema"}
    after = doctor.mend(project)
    assert after.is_well and "schema" in mended(after)
    assert checks(doctor.examine(project)) == set()


@pytest.mark.parametrize("statement", ["DROP TABLE quality_gate_runs", "ALTER TABLE functions ADD COLUMN more TEXT"])
def test_a_table_that_differs_is_told_and_left(project: Project, harm: Any, statement: str) -> None:
    harm(statement)
    for report in (doctor.examine(project), doctor.mend(project)):
        found = [each for each in report.findings if each.check == "schema"]
        assert {(each.severity, each.is_fixable) for each in found} == {("error", False)}
        assert not report.is_usable


def test_what_a_person_added_is_told_and_kept(project: Project, harm: Any) -> None:
    harm("CREATE TABLE notes (text TEXT); CREATE INDEX mine ON functions (end_line); CREATE VIEW v_mine AS SELECT 1")
    report = doctor.mend(project)
    assert report.is_well and checks(report) == {"schema"}
    assert all("none of the schema's" in each.what for each in report.findings if each.check == "schema")
    assert ask(project, "SELECT count(*) FROM sqlite_schema WHERE name IN ('notes', 'mine', 'v_mine')") == [(3,)]


def test_a_record_of_its_steps_that_is_wrong_is_told(project: Project, harm: Any) -> None:
    harm("UPDATE migration_history SET checksum = 'other' WHERE version = 2")
    harm("DELETE FROM migration_history WHERE version = 1")
    report = doctor.examine(project)
    assert sorted(each.what for each in report.findings if each.check == "steps") == [
        "nothing is recorded of how it came to schema 1",
        "the step to schema 2 was edited after it had been applied here, so nothing can be written",
    ]


# -- files


def test_files_that_changed_or_went_are_scanned_again(project: Project) -> None:
    (project.root / "shop" / "till.py").write_text("def total():\n    return 0\n")
    (project.root / "shop" / "prices.py").unlink()
    report = doctor.examine(project)
    (found,) = (each for each in report.findings if each.check == "stale")
    assert found.what == "files changed since the last scan: 1; gone: 1"
    after = doctor.mend(project)
    assert after.is_well and "stale" in mended(after)
    assert ask(project, "SELECT path FROM file_metadata WHERE status = 'scanned' ORDER BY 1") == [
        ("shop/__init__.py",),
        ("shop/till.py",),
    ]


def test_what_was_left_behind_is_taken_away_and_what_is_being_made_is_not(project: Project) -> None:
    folder = project.store.parent
    old = [
        folder / f"drift.db-new-{'a' * 32}",
        folder / f"drift.db-new-{'a' * 32}-journal",
        folder / f"drift.lock-new-{'b' * 32}",
    ]
    young, other = folder / f"cortex.db-new-{'c' * 32}", folder / "notes-new-for-me.txt"
    for each in (*old, young, other):
        each.write_bytes(b"half")
    for each in (*old, other):
        os.utime(each, (time.time() - LONG_AGO_SECONDS,) * 2)
    report = doctor.mend(project)
    assert report.is_well and mended(report) == {"left behind"}
    assert [each.exists() for each in (*old, young, other)] == [False, False, False, True, True]


def test_a_project_that_is_not_registered_becomes_so(project: Project) -> None:
    registry_path().unlink()
    report = doctor.mend(project)
    assert mended(report) == {"registered"} and registry_path().exists()


def test_a_registry_that_cannot_be_read_is_told(project: Project) -> None:
    registry_path().write_bytes(b"only text " * 500)
    report = doctor.mend(project)
    assert "registry" in checks(report) and not report.is_well and report.is_usable
    assert registry_path().read_bytes() == b"only text " * 500


def test_backups_that_are_old_or_broken_are_told(project: Project) -> None:
    made = project.back_up("requested")
    assert checks(doctor.examine(project)) == set()
    assert not any(each.check == "backups" for each in doctor.examine(project).findings)
    (project.backups / made.file("drift.db")).unlink()
    said = [each.what for each in doctor.examine(project).findings if each.check == "backups"]
    assert len(said) == 2 and "not whole" in said[0] and said[1] == "there is no backup"


def test_a_restore_that_was_killed_is_finished_and_one_that_runs_is_left_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project.back_up("requested")
    with project.write() as tx:
        tx.execute("DELETE FROM patterns")

    def killed(home: Path, journal: object, locked: list[Any], moved: object) -> None:
        while not locked[0].copying.done:
            locked[0].copying.step(1)
        raise KeyboardInterrupt  # after the first of the two databases

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(restore, "_change_over", killed)
        project.put_back(made.stamp)
    (found,) = doctor.examine(project).findings
    assert (found.check, found.is_fixable) == ("restore", True)
    with backup.alone(project.store.parent):
        (found,) = doctor.examine(project).findings
        assert (found.check, found.is_fixable) == ("restore", False)
    after = doctor.mend(project)
    assert after.is_well and "restore" in mended(after)
    assert ask(project, "SELECT count(*) FROM patterns") == [(3,)]


def test_a_lock_that_differs_is_told(project: Project) -> None:
    with project.write() as tx:
        tx.execute("UPDATE patterns SET status = 'approved' WHERE id = 'p1'")
    report = doctor.examine(project)
    assert any(each.check == "lock" and "no drift.lock" in each.what for each in report.findings)


# -- the file itself


def flip(path: Path, what: bytes) -> None:
    """Turn one bit of a closed database over."""
    raw = bytearray(path.read_bytes())
    raw[raw.index(what)] ^= 1
    path.write_bytes(raw)


def test_a_flipped_bit_is_found_and_taken_as_it_is_only_when_told(project: Project) -> None:
    flip(project.store, b"Functions are documented")
    before = project.store.read_bytes()
    report = doctor.examine(project)
    (found,) = (each for each in report.findings if each.check == "pages")
    assert "1 page" in found.what and "drift backup restore latest" in found.todo and "--fix" in found.todo
    assert not report.is_usable
    assert project.store.read_bytes() == before
    after = doctor.mend(project)
    assert after.is_usable and "pages" in mended(after)
    (done,) = (each.done for each in after.findings if each.check == "pages")
    assert done is not None and "may be another one than was written" in done
    (kept,) = project.backups.glob("damaged-drift-*.db")
    assert _checksum_error(kept)
    assert checks(doctor.examine(project)) == set()


def test_pages_of_an_index_are_made_anew_and_no_value_is_lost(project: Project) -> None:
    with closing(connection.open_any(project.store, apsw.SQLITE_OPEN_READONLY)) as db:
        query = "SELECT pageno, pgoffset FROM dbstat WHERE name = 'idx_functions_name' AND pagetype = 'leaf' LIMIT 1"
        _, offset = db.execute(query).fetchall()[0]
        before = db.execute("SELECT * FROM functions ORDER BY id").fetchall()
    raw = bytearray(project.store.read_bytes())
    raw[offset + 2_000] ^= 4
    project.store.write_bytes(raw)
    report = doctor.mend(project)
    (found,) = (each for each in report.findings if each.check == "pages")
    assert found.done is not None and found.done.startswith("made anew from the tables")
    assert ask(project, "SELECT * FROM functions ORDER BY id") == before
    assert checks(doctor.examine(project)) == set()


def test_another_program_that_wrote_without_checksums_is_found(project: Project) -> None:
    with closing(apsw.Connection(str(project.store), vfs=PLAIN)) as db:
        db.execute("UPDATE file_metadata SET language = 'cobol'")
    report = doctor.examine(project)
    assert "pages" in checks(report)
    assert "another SQLite program wrote here" in next(each.what for each in report.findings if each.check == "pages")
    assert doctor.mend(project).is_usable
    assert "pages" not in checks(doctor.examine(project))


def test_what_cannot_be_mended_without_guessing_is_left_to_the_byte(project: Project) -> None:
    raw = bytearray(project.store.read_bytes())
    for page in range(3, len(raw) // 4_096, 2):
        raw[page * 4_096 : page * 4_096 + 2_000] = b"\x55" * 2_000
    project.store.write_bytes(raw)
    for report in (doctor.examine(project), doctor.mend(project)):
        assert not report.is_usable
        (found,) = (each for each in report.findings if each.check == "pages")
        assert not found.is_fixable and "drift backup restore latest" in found.todo
    assert project.store.read_bytes() == bytes(raw)


@pytest.mark.parametrize("content", [b"", b"only text " * 500, None])
def test_what_is_no_store_is_told_and_left(project: Project, content: bytes | None) -> None:
    was = project.store.read_bytes() if content is None else content
    if content is None:
        was = was[:60] + (99).to_bytes(4, "big") + was[64:]  # of a newer Drift, as its header says
    project.store.write_bytes(was)
    for report in (doctor.examine(project), doctor.mend(project)):
        assert not report.is_usable and checks(report) >= {"opens"}
    assert project.store.read_bytes() == was


def test_a_file_that_was_cut_short_is_told(project: Project) -> None:
    raw = project.store.read_bytes()
    project.store.write_bytes(raw[: len(raw) // 2])
    report = doctor.examine(project)
    assert not report.is_usable
    assert project.store.read_bytes() == raw[: len(raw) // 2]


def test_a_memory_that_is_damaged_leaves_the_store_usable_to_look_at(project: Project) -> None:
    project.store.with_name("cortex.db").write_bytes(b"only text " * 500)
    report = doctor.examine(project)
    assert [(each.check, each.where) for each in report.findings if each.is_wrong] == [("opens", "cortex.db")]


def test_a_store_from_before_there_were_checksums_gets_them(project: Project) -> None:
    project.store.unlink()
    ours = schema.read("drift", DRIFT_ID)
    with closing(apsw.Connection(str(project.store), vfs=PLAIN)) as db:
        for _ in db.execute(ours.tables + ours.views):
            pass
        history = "INSERT INTO migration_history (version, checksum, duration_ms) VALUES (?, ?, 0)"
        db.executemany(history, [(1, ""), *((step.version, step.checksum) for step in ours.steps)])
        db.execute("INSERT INTO patterns (id, name, category) VALUES ('p', 'Functions are documented', 'api')")
        db.pragma("application_id", DRIFT_ID)
        db.pragma("user_version", ours.version)
    scans.scan(project)
    project.close()
    report = doctor.examine(project)
    assert report.is_well and checks(report) == {"checksums"}
    after = doctor.mend(project)
    assert mended(after) == {"checksums"}
    project.close()
    assert checks(doctor.examine(project)) == set()
    flip(project.store, b"prices.py")
    assert checks(doctor.examine(project)) == {"pages"}


def test_free_room_is_given_back(project: Project, harm: Any) -> None:
    harm("CREATE TABLE notes (text BLOB); INSERT INTO notes VALUES (zeroblob(20000000)); DROP TABLE notes")
    assert checks(doctor.examine(project)) == {"free"}
    assert mended(doctor.mend(project)) == {"free"}
    assert project.store.stat().st_size < 2_000_000


def test_a_long_log_is_folded_in(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "_LONG_WAL_BYTES", 100_000)
    with closing(connection.open_any(project.store, apsw.SQLITE_OPEN_READWRITE)) as db:
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        db.execute("CREATE TABLE notes (text BLOB)")
        db.execute("INSERT INTO notes VALUES (zeroblob(200000))")
    assert "wal" in checks(doctor.examine(project))
    assert "wal" in mended(doctor.mend(project))
    assert project.store.with_name("drift.db-wal").stat().st_size < 100_000


def _checksum_error(path: Path) -> bool:
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
        try:
            db.execute("PRAGMA integrity_check").fetchall()
        except apsw.IOError as problem:
            return bool(problem.extendedresult == apsw.SQLITE_IOERR_DATA)
    return False


# -- looking changes nothing, and harms nobody


def fingerprint(folder: Path) -> dict[str, str]:
    """Of what a look may not change: the files themselves. The -shm is SQLite's own scratch."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


@pytest.mark.parametrize("check", [*HARM, None])
def test_looking_changes_not_one_byte(project: Project, harm: Any, check: str | None) -> None:
    if check is not None:
        harm(HARM[check])
    before = fingerprint(project.store.parent)
    doctor.examine(project)
    project.close()
    assert fingerprint(project.store.parent) == before


def test_beside_a_writer_it_looks_at_what_was_committed(project: Project) -> None:
    with project.write() as tx:
        tx.execute("UPDATE file_metadata SET function_count = 99")
        with Project(project.root) as other:
            assert "files" not in checks(doctor.examine(other))
        tx.execute("UPDATE file_metadata SET function_count = 0 WHERE path = 'shop/__init__.py'")
    assert checks(doctor.examine(project)) == {"files"} or "files" in checks(doctor.examine(project))


def test_a_scan_that_is_running_is_waited_for_and_then_told(
    project: Project, harm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_WAIT_SECONDS", 0.0)
    harm(HARM["scans"] + ";" + HARM["symbols"])
    with lock.exclusive(project.scan_lock):
        assert checks(doctor.examine(project)) == {"symbols"}  # the scan may be the one that holds the lock
        report = doctor.mend(project)
    refused = [each.refused for each in report.findings if each.check == "symbols"]
    assert len(refused) == 1 and refused[0] is not None and "Another scan" in refused[0]
    assert mended(doctor.mend(project)) == {"scans", "symbols"}


def test_mending_twice_finds_nothing_the_second_time(project: Project, harm: Any) -> None:
    for statement in HARM.values():
        if "memor" not in statement:
            harm(statement)
    assert doctor.mend(project).is_well
    again = doctor.mend(project)
    assert again.is_well and mended(again) == set()


def test_answers_are_the_same_before_and_after_mending_a_healthy_store(project: Project) -> None:
    query = "SELECT * FROM v_functions ORDER BY 1"
    before = ask(project, query), ask(project, "SELECT body FROM status")
    doctor.mend(project)
    assert (ask(project, query), ask(project, "SELECT body FROM status")) == before
    with project.read() as db:
        assert lookup.scan_begun(db) is None
    register(project.root)


# -- what is remembered about what is no more


def test_memories_of_what_is_no_more_are_told_and_nothing_is_wrong(project: Project) -> None:
    new = NewMemory(
        "tribal", "why", summary="why", patterns=["nobody's"], constraints=["none"], functions=["gone.py::pay"]
    )
    memory = project.memory.add(new).memory
    report = doctor.examine(project)
    assert report.is_well
    assert [each.what for each in report.findings if each.check == "beliefs"] == [
        f"memories speak of patterns that are ignored or gone: {memory} of nobody's",
        f"memories speak of rules that are ignored or gone: {memory} of none",
        f"memories speak of functions whose file has changed since, or that are gone: {memory} of gone.py::pay",
    ]
