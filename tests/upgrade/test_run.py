"""An upgrade as a whole: all of it or nothing, told row by row, twice the same, and taken back."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest

from drift_mcp import ingest
from drift_mcp.cortex import vectors
from drift_mcp.cortex.opened import APPLICATION_ID as CORTEX_ID
from drift_mcp.errors import DriftError
from drift_mcp.project import DRIFT_ID, Project, init
from drift_mcp.store import backup, migrate, schema, switch
from drift_mcp.tables import status
from drift_mcp.upgrade import archive, run

API = {
    "id": "aaaaaaaaaaaaaaaa",
    "subcategory": "routes",
    "name": "Routes are plural",
    "description": "as they say",
    "detector": {"type": "regex", "config": {"detectorId": "api/routes"}},
    "confidence": {"frequency": 0.5, "consistency": 0.9, "age": 3, "spread": 2, "score": 0.91, "level": "high"},
    "locations": [
        {"file": "src/a.ts", "line": 3, "column": 5},
        {"file": "src/a.ts", "line": 3, "column": 5, "isOutlier": True, "outlierReason": "singular"},
        {"file": "src/b.ts", "line": 9, "column": 0},
    ],
    "outliers": [{"file": "src/c.ts", "line": 1, "column": 0, "reason": "odd", "deviationScore": 0.4}],
    "metadata": {
        "firstSeen": "2026-01-01T10:00:00.000Z",
        "lastSeen": "2026-01-30T10:00:00.000Z",
        "approvedAt": "2026-01-15T12:30:00.000Z",
        "approvedBy": "ada",
        "source": "auto-detected",
    },
    "severity": "warning",
    "autoFixable": False,
}
HOPELESS = {"name": "without an id", "confidence": {"score": 0.7}, "locations": []}


def _file(root: Path, name: str, told: Any) -> Path:
    path = root / ".drift" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return path


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of the old tool's, with one approved pattern and one that nobody can name."""
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    root = tmp_path / "shop"
    told = [API, HOPELESS]
    _file(
        root,
        "patterns/approved/api.json",
        {
            "version": "1.0.0",
            "category": "api",
            "patterns": told,
            "checksum": hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()[:16],
        },
    )
    _file(root, "views/status.json", {"patterns": {"total": 99}})
    _file(root, "notes.txt", "what nobody knows")
    return root


def _upgraded(root: Path, **how: bool) -> run.Report:
    with Project(root) as project:
        return run.upgrade(project, **how)


def _old_files(root: Path) -> dict[str, bytes]:
    home = root / ".drift"
    ours = ("scan.lock", "backup.lock", "drift.db", "cortex.db", "switch.json.part")  # SQLite's companions included
    folders = ("backups", ".v1-archive", "upgrading")
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in sorted(home.rglob("*"))
        if path.is_file() and not path.name.startswith(ours) and path.relative_to(home).parts[0] not in folders
    }


def _rows(root: Path, query: str) -> list[Any]:
    with Project(root) as project, project.read() as db:
        return db.execute(query).fetchall()


def test_every_row_is_moved_merged_or_refused_with_its_reason(shop: Path) -> None:
    report = _upgraded(shop)
    lines = {each.domain: each for each in report.lines}
    assert (lines["patterns"].found, lines["patterns"].moved, lines["patterns"].refused) == (2, 1, 1)
    places = lines["pattern_locations"]
    assert (places.found, places.moved, dict(places.merged)) == (4, 3, {"told twice in one file": 1})
    (refusal,) = report.refusals
    assert (refusal.domain, refusal.where) == ("patterns", "patterns/approved/api.json, patterns[1]")
    assert "has no id" in refusal.reason
    assert report.notes == ()


def test_a_persons_word_survives_to_the_letter(shop: Path) -> None:
    _upgraded(shop)
    assert _rows(shop, "SELECT status, approved_at, approved_by, source FROM patterns") == [
        ("approved", "2026-01-15T12:30:00.000Z", "ada", "upgrade")
    ]
    assert _rows(shop, "SELECT first_seen, last_seen FROM patterns") == [
        ("2026-01-01T10:00:00.000Z", "2026-01-30T10:00:00.000Z")
    ]
    assert _rows(
        shop,
        """
        SELECT f.path, l.line, l.is_outlier, l.outlier_reason
        FROM pattern_locations l
        JOIN file_metadata f ON f.id = l.file_id
        ORDER BY f.path
        """,
    ) == [("src/a.ts", 3, 1, "singular"), ("src/b.ts", 9, 0, None), ("src/c.ts", 1, 1, "odd")]
    assert _rows(shop, "SELECT fields FROM carried_fields WHERE table_name = 'patterns'") == [
        ('{"metadata.source":"auto-detected"}',)
    ]


def test_old_files_are_archived_whole_and_come_back_by_one_command(shop: Path) -> None:
    before = _old_files(shop)
    report = _upgraded(shop)
    assert report.files_archived == len(before) == 3
    assert _old_files(shop) == {}
    kept = shop / ".drift" / archive.FOLDER_NAME
    assert {name: (kept / name).read_bytes() for name in before} == before
    with Project(shop) as project:
        undone = archive.undo(project)
    assert (undone.files, _old_files(shop)) == (3, before)
    assert not (shop / ".drift" / "drift.db").exists()
    # And forward again, with the same rows.
    again = _upgraded(shop)
    assert again.lines == report.lines


def test_to_undo_what_was_not_done_is_refused(shop: Path) -> None:
    with Project(shop) as project, pytest.raises(DriftError, match="nothing to take back"):
        archive.undo(project)


def test_an_old_name_that_is_in_use_again_is_not_overwritten(shop: Path) -> None:
    _upgraded(shop)
    _file(shop, "notes.txt", "new notes")
    with Project(shop) as project, pytest.raises(DriftError, match=r"in use again, such as \.drift/notes\.txt"):
        archive.undo(project)
    assert _old_files(shop) == {"notes.txt": b"new notes"}


def test_a_second_run_finds_nothing_and_changes_nothing(shop: Path) -> None:
    _upgraded(shop)
    before = _rows(shop, "SELECT * FROM patterns")
    report = _upgraded(shop)
    assert (report.sources, report.lines, report.files_archived) == ((), (), 0)
    assert _rows(shop, "SELECT * FROM patterns") == before


def test_old_files_beside_a_store_that_has_them_already_are_merged_into_what_is_there(shop: Path) -> None:
    told = (shop / ".drift" / "patterns/approved/api.json").read_text()
    _upgraded(shop)
    before = _rows(shop, "SELECT * FROM patterns"), _rows(shop, "SELECT * FROM pattern_locations")
    _file(shop, "patterns/approved/api.json", told)
    report = _upgraded(shop)
    lines = {each.domain: each for each in report.lines}
    assert dict(lines["patterns"].merged) == {"already there": 1}
    assert dict(lines["pattern_locations"].merged) == {"told twice in one file": 1, "already there": 3}
    assert report.backup is not None
    assert (_rows(shop, "SELECT * FROM patterns"), _rows(shop, "SELECT * FROM pattern_locations")) == before


def test_a_word_of_then_joins_what_was_found_since(shop: Path) -> None:
    with Project(shop) as project:
        init(project)
        with project.write() as tx:
            tx.execute("INSERT INTO patterns (id, name, category) VALUES ('aaaaaaaaaaaaaaaa', 'Found again', 'api')")
    report = _upgraded(shop)
    assert [each.merged for each in report.lines if each.domain == "patterns"] == [
        {"joined what a scan of today's had found, with the person's word": 1}
    ]
    assert _rows(shop, "SELECT status, approved_by, approved_at FROM patterns") == [
        ("approved", "ada", "2026-01-15T12:30:00.000Z")
    ]


def test_an_old_scan_that_comes_in_later_is_not_the_last_one(shop: Path) -> None:
    (shop / "a.py").write_text("x = 1\n")
    with Project(shop) as project:
        ingest.scan(project)
    _file(
        shop,
        "source-of-truth.json",
        {"version": "0.9.40", "baseline": {"scanId": "s1", "scannedAt": "2026-01-01T00:00:00Z"}},
    )
    report = _upgraded(shop)
    assert [each.moved for each in report.lines if each.domain == "scan_history"] == [1]
    with Project(shop) as project, project.read() as db:
        last = status.last_scan(db)
        assert last is not None and last.scan_id != "s1" and last.started_at > "2026-06-01"


def test_a_dry_run_tells_the_same_and_changes_nothing(shop: Path) -> None:
    before = _old_files(shop)
    dry = _upgraded(shop, is_dry=True)
    assert (_old_files(shop), sorted(path.name for path in (shop / ".drift").iterdir())) == (
        before,
        ["notes.txt", "patterns", "views"],
    )
    assert dry.is_dry and dry.lines == _upgraded(shop).lines


def test_a_checksum_that_does_not_fit_is_told_and_the_data_are_taken(shop: Path) -> None:
    _file(shop, "patterns/approved/api.json", {"version": "1.0.0", "patterns": [API], "checksum": "0123456789abcdef"})
    report = _upgraded(shop)
    assert [each.moved for each in report.lines if each.domain == "patterns"] == [1]
    assert "its checksum is 0123456789abcdef" in report.notes[0]


@pytest.mark.parametrize("broken", ["{", '"text"', "\udcff", "[" * 100_000])
def test_a_file_that_is_no_such_json_is_one_refused_row_and_kept(shop: Path, broken: str) -> None:
    path = shop / ".drift" / "patterns/discovered/auth.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(broken.encode("utf-8", "surrogateescape"))
    report = _upgraded(shop)
    assert [each.where for each in report.refusals if each.domain == "files"] == ["patterns/discovered/auth.json"]
    assert (shop / ".drift" / archive.FOLDER_NAME / "patterns/discovered/auth.json").exists()


def test_a_folder_without_anything_of_the_old_tool_says_so(tmp_path: Path) -> None:
    with Project(tmp_path) as project, pytest.raises(DriftError, match=r"has no \.drift folder"):
        run.upgrade(project)


# Kills the process at the n-th step that leaves a trace on the disk.
_DYING = """
import os, signal, sys
from pathlib import Path
from drift_mcp.project import Project
from drift_mcp.store import durable, switch
from drift_mcp.upgrade import archive, proof, run

left = int(sys.argv[2])

def step():
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1

def dying(owner, name):
    real = getattr(owner, name)
    def before(*given, **named):
        step()
        return real(*given, **named)
    setattr(owner, name, before)

for owner, name in (
    (proof, "compare"), (proof, "balance"), (archive, "noted"), (durable, "text"), (durable, "renamed"),
    (Path, "replace"), (Path, "unlink"), (run, "init"),
):
    dying(owner, name)
with Project(Path(sys.argv[1])) as project:
    run.upgrade(project)
print("done")
"""


def test_a_process_that_is_killed_at_any_step_leaves_the_old_state_or_the_new(shop: Path) -> None:
    before = _old_files(shop)
    seen = set()
    for steps in range(40):
        died = subprocess.run(
            [sys.executable, "-c", _DYING, str(shop), str(steps)], capture_output=True, text=True, check=False
        )
        is_done = died.stdout == "done\n"
        assert is_done or died.returncode == -signal.SIGKILL, died.stderr
        if (shop / ".drift" / "drift.db").exists() or switch.is_unfinished(shop / ".drift"):
            assert _rows(shop, "SELECT status, approved_by FROM patterns") == [("approved", "ada")]
            assert not switch.is_unfinished(shop / ".drift")
            assert _old_files(shop) == {}
            with Project(shop) as project:
                archive.undo(project)
            seen.add("new")
        else:
            seen.add("old")
        assert _old_files(shop) == before
        if is_done:
            break
    assert is_done and seen == {"old", "new"}


def test_a_store_of_the_upgrade_is_sound(shop: Path) -> None:
    _upgraded(shop)
    for name in ("drift.db", "cortex.db"):
        path = shop / ".drift" / name
        assert not path.with_name(f"{name}-wal").exists()
        db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        db.close()


def test_a_store_of_an_older_schema_is_brought_up_and_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    root = tmp_path / "shop"
    (root / ".drift").mkdir(parents=True)
    made = Path(__file__).parents[1] / "schema"
    for name, number in (("drift", DRIFT_ID), ("cortex", CORTEX_ID)):
        first = schema.Schema(name, number, (made / f"{name}_version_1.sql").read_text(encoding="utf-8"), "", ())
        extension = vectors.extension_path()
        assert extension is not None
        migrate.opened(root / ".drift" / f"{name}.db", first, extensions=(extension,)).close()
    dry = _upgraded(root, is_dry=True)
    assert [(each.database, each.before) for each in dry.older] == [("cortex.db", 1), ("drift.db", 1)]
    assert _upgraded(root).older == dry.older
    assert _upgraded(root).older == ()
    with Project(root) as project:
        assert {each.reason for each in backup.listed(project.backups)} == {"migration"}
