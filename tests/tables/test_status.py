"""The status row: what it says, that it counts right, and that reading it does no counting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from drift_mcp.model import Concern, Package
from drift_mcp.store import migrate, schema
from drift_mcp.tables import (
    about,
    audit,
    conventions,
    data,
    entry_points,
    files,
    packages,
    patterns,
    problems,
    registry,
    scans,
    status,
)


def test_an_empty_store_says_that_nothing_was_scanned(tx: apsw.Connection) -> None:
    said = status.read(tx)
    assert said.refreshed_at is None
    assert said.last_scan is None
    assert (said.generation, said.files, said.functions, said.calls, said.health.score) == (0, 0, 0, 0, None)
    assert status.generation(tx) == 0
    assert status.last_scan(tx) is None


def test_it_says_what_the_tables_hold(tx: apsw.Connection, village: Any, new_file: Any) -> None:
    here = village.file("a.py", "a", "b", "C.m")
    files.put(tx, [new_file("x.min.js", language=None, status="skipped", skip_reason="minified", content_hash=None)])
    files.put(tx, [new_file("bad.py", status="failed", error="unreadable")])
    village.calls("a>b b?C.m a>>requests.get a!save")
    problems.replace(tx, [here], [problems.NewProblem(here, "syntax", 3, "x")])
    entry_points.replace(
        tx, [here], [entry_points.NewEntryPoint(village.ids["a"], "route", "GET /", "GET", "/", None, 2)]
    )
    data.replace_sensitive_fields(tx, [data.NewSensitiveField("users", "email", "pii", None, 1.0, here, 1)])
    touch = data.NewAccess(here, village.ids["a"], 2, 0, "users", "read", ("email",), 0, 1, 1.0, None, None)
    data.replace_accesses(tx, [here], [touch])
    found = [
        patterns.Finding(name, name, None, "security", None, name, "x", 0.9, 0.9, 1.0, 1, "ast", "warning", None, None)
        for name in ("held", "other")
    ]
    patterns.put(tx, found)
    locations = [patterns.NewLocation("held", here, line, 0, variant=answer) for line, answer in ((1, "x"), (2, "y"))]
    patterns.replace_locations(tx, [here], [*locations, patterns.NewLocation("other", here, 9, 0, variant="x")])
    patterns.settle(tx)
    conventions.judge(tx, "held", "approved", by=None)
    scans.start(tx, "s1", incremental=False, commit="3f2c1ab")
    scans.finish(tx, "s1", files_scanned=2, changed_files=3, errors=1)
    audit.record(tx)
    status.refresh(tx)

    said = status.read(tx)
    assert said.generation == 1
    assert (said.files, said.languages, said.skipped, said.failed) == (1, {"python": 1}, {"minified": 1}, 1)
    assert said.problems == {"syntax": 1}
    assert (said.functions, said.classes) == (3, 0)
    assert (said.calls, said.calls_resolved, said.calls_external, said.calls_unresolved) == (4, 2, 1, 1)
    assert said.entry_points == {"route": 1}
    assert (said.discovered, said.approved, said.ignored) == (1, 1, 0)
    assert said.concerns == (Concern("held", "held", "warning", 1),)
    assert (said.tables, said.access_points, said.sensitive_fields) == (1, 1, {"pii": 1})
    # (0.30 × 0.9 + 0.20 × 1/2 approved + 0.20 × 2/3 places + 0.15 for no duplicates) / 0.85
    assert said.health.score == 77
    assert said.last_scan is not None
    assert (said.last_scan.commit, said.last_scan.skipped_files) == ("3f2c1ab", 1)
    assert said.last_scan == status.last_scan(tx)

    stats = tx.execute(
        "SELECT stats ->> '$.security.riskLevel', stats ->> '$.callGraph.resolutionRate' FROM v_manifest"
    )
    assert stats.fetchall() == [
        ("critical", 0.6667)
    ]  # an outlier of an approved pattern where a sensitive table is read


def test_each_refresh_is_a_new_generation(tx: apsw.Connection) -> None:
    status.refresh(tx)
    status.refresh(tx)
    assert status.generation(tx) == 2


def test_reading_the_status_reads_one_row(tx: apsw.Connection) -> None:
    queries = (
        "SELECT generation, refreshed_at, body FROM status WHERE id = 1",
        "SELECT stats, last_scan FROM v_manifest",
    )
    plans = [[row[3] for row in tx.execute("EXPLAIN QUERY PLAN " + query)] for query in queries]
    assert plans == [["SEARCH status USING INTEGER PRIMARY KEY (rowid=?)"], ["SCAN s"]]


def test_scans_leave_a_trace_even_when_they_die(tx: apsw.Connection) -> None:
    scans.start(tx, "dies", incremental=True, commit=None)
    scans.fail(tx, "dies", "the disk is full")
    scans.start(tx, "hangs", incremental=True, commit=None)
    assert scans.last(tx) is None
    said = "SELECT scan_id, status, error_message FROM scan_history ORDER BY id"
    assert tx.execute(said).fetchall() == [("dies", "failed", "the disk is full"), ("hangs", "running", None)]


def test_the_last_audit_of_a_day_stands(tx: apsw.Connection) -> None:
    audit.record(tx)
    found = patterns.Finding("p", "p", None, "api", None, None, None, 0.6, None, None, None, None, "info", None, "same")
    patterns.put(tx, [found, found._replace(id="q")])
    audit.record(tx)
    snapshot = "SELECT health_score, total_patterns, flagged_for_review, duplicate_candidates FROM audit_snapshots"
    # (0.30 × 0.6 + 0 approved + 0.15 × 1/2 unique) / 0.65: nothing has a place yet, so compliance is not measured
    assert tx.execute(snapshot).fetchall() == [(39, 2, 2, 1)]
    assert tx.execute("SELECT health_score, duplicate_groups FROM health_trends").fetchall() == [(39, 1)]


def test_a_file_belongs_to_the_innermost_package(tx: apsw.Connection, village: Any) -> None:
    village.file("a.py", "a")
    village.file("libs/core/b.py", "b", "c")
    village.file("libs/corep/d.py", "d")
    files.recount(tx)
    plain = Package(".", "root", "npm", "1.0", {"left-pad": "^1"}, {}, "typescript", None)
    packages.replace_all(tx, [plain, plain._replace(path="libs/core", name="core"), plain._replace(path="gone")])
    packages.replace_all(tx, [plain, plain._replace(path="libs/core", name="core")])
    said = "SELECT path, name, function_count, dependencies ->> '$.left-pad' FROM packages ORDER BY path"
    assert tx.execute(said).fetchall() == [(".", "root", 2, "^1"), ("libs/core", "core", 2, "^1")]


def test_a_store_describes_one_project(tx: apsw.Connection) -> None:
    assert about.read(tx) is None
    first = about.About("id1", "shop", "/srv/shop", "0.1.0", 1, None, "uv")
    about.put(tx, first)
    about.put(tx, first._replace(id="id2", root_path="/srv/moved"))
    assert about.read(tx) == first._replace(root_path="/srv/moved")
    about.put_languages(tx, {"python": 3})
    assert tx.execute("SELECT language_stats FROM project").get == '{"python": 3}'
    with pytest.raises(apsw.ConstraintError):
        tx.execute("INSERT INTO project (id, name, root_path, drift_version) VALUES ('x', 'x', 'x', 'x')")


def test_projects_are_known_by_their_path(tmp_path: Path) -> None:
    db = migrate.opened(tmp_path / "registry.db", schema.read("registry", 0x74657374))
    known = {
        "schema_version": 1,
        "drift_version": "0.1.0",
        "health_score": None,
        "pattern_count": 0,
        "last_scan_at": None,
    }
    for id, path in (("a", "/srv/a"), ("b", "/srv/b")):
        registry.put(db, id, "shop", path, **known)
    registry.put(db, "a", "shop", "/srv/a", **known | {"pattern_count": 7})
    assert [(one.id, one.pattern_count) for one in registry.named(db, "shop")] == [("a", 7), ("b", 0)]
    assert [one.id for one in registry.named(db, "/srv/b")] == ["b"]
    registry.forget(db, "b")
    assert [one.id for one in registry.all_projects(db)] == ["a"]
    db.close()
