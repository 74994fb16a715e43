"""Whole trees of the predecessor's, against a count that is made by other means: plain JSON and the standard library.

One small tree is made here. The predecessor's own are no part of this project; where a folder with their archives lies
beside the checkout (`../shared/data/v1`, or what DRIFT_V1_DATA names), they are put to the same test.
"""

from __future__ import annotations

import json
import os
import sqlite3
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drift_mcp import lock
from drift_mcp.project import Project
from drift_mcp.tools import calls
from drift_mcp.tools.projects import OpenProjects
from drift_mcp.upgrade import run

_BESIDE = Path(__file__).parents[3] / "shared" / "data" / "v1"
ARCHIVES = sorted(Path(os.environ.get("DRIFT_V1_DATA", _BESIDE)).glob("*.tar.xz"))
SENSITIVITY = {"credentials": "auth", "unknown": "custom"}  # the predecessor's word → today's


def _pattern(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{hash_of(name):016x}",
        "name": name,
        "detector": {"type": "regex", "config": {}},
        "confidence": {"frequency": 1, "consistency": 1, "age": 0, "spread": 1, "score": 0.9, "level": "high"},
        "locations": [],
        "outliers": [],
        "metadata": {"firstSeen": "2026-01-01T00:00:00.000Z", "lastSeen": "2026-01-02T00:00:00.000Z"},
        "severity": "info",
        "autoFixable": False,
        **more,
    }


def hash_of(name: str) -> int:
    return int.from_bytes(name.encode()[:8].ljust(8, b"\1"), "big")


def _access(table: str, file: str, line: int, operation: str) -> dict[str, Any]:
    return {
        "id": f"{file}:{line}:0:{table}",
        "table": table,
        "fields": [],
        "operation": operation,
        "file": file,
        "line": line,
        "column": 0,
        "context": "db",
        "isRawSql": False,
        "confidence": 0.8,
    }


def _small(root: Path) -> None:
    places = [{"file": f"src/{n % 5}.ts", "line": n + 1, "column": 2} for n in range(40)]
    accesses = [_access(f"t{n % 7}", f"src/{n % 5}.ts", n + 1, ("read", "write", "delete")[n % 3]) for n in range(30)]
    told: dict[str, Any] = {
        "patterns/discovered/api.json": {
            "version": "1.0.0",
            "category": "api",
            "patterns": [
                _pattern("plural", locations=places, outliers=[{**places[0], "reason": "singular"}]),
                _pattern("nouns", locations=[{**places[1], "isOutlier": True, "outlierReason": "verb"}]),
            ],
        },
        "patterns/approved/errors.json": {
            "version": "1.0.0",
            "category": "errors",
            "patterns": [
                _pattern(
                    "wrapped",
                    metadata={
                        "firstSeen": "2026-01-01T00:00:00.000Z",
                        "lastSeen": "2026-01-02T00:00:00.000Z",
                        "approvedAt": "2026-01-05T06:07:08.009Z",
                        "approvedBy": "ada",
                    },
                )
            ],
        },
        "patterns/ignored/styling.json": {"version": "1.0.0", "category": "styling", "patterns": [_pattern("colours")]},
        "boundaries/access-map.json": {
            "version": "1.0",
            "models": [],
            "tables": {
                "t0": {"name": "t0", "model": None, "fields": [], "sensitiveFields": [], "accessedBy": accesses[:1]}
            },
            "accessPoints": {each["id"]: each for each in accesses},
            "sensitiveFields": [
                {
                    "field": "email",
                    "table": None,
                    "sensitivityType": "pii",
                    "file": "src/0.ts",
                    "line": 1,
                    "confidence": 1,
                },
                {
                    "field": "pin",
                    "table": "t1",
                    "sensitivityType": "credentials",
                    "file": "src/1.ts",
                    "line": 2,
                    "confidence": 1,
                },
            ],
        },
    }
    for name, what in told.items():
        path = root / ".drift" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(what))


@pytest.fixture(params=["small", *ARCHIVES], ids=lambda each: str(getattr(each, "name", each)).partition(".")[0])
def tree(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a project of the predecessor's."""
    monkeypatch.setenv("DRIFT_HOME", str(tmp_path / "home"))
    if request.param == "small":
        _small(tmp_path / "small")
        return tmp_path / "small"
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = (each for each in tmp_path.iterdir() if (each / ".drift").is_dir())
    return root


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _patterns(home: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(home.glob("patterns/*/*.json")):
        for each in _read(path)["patterns"]:
            yield path.parent.name, each


def test_the_store_holds_what_the_files_held(tree: Path) -> None:
    home = tree / ".drift"
    judged = {each["id"]: status for status, each in _patterns(home)}
    seen = {
        each["id"]: tuple(each["metadata"].get(name) for name in ("firstSeen", "lastSeen", "approvedAt", "approvedBy"))
        for _, each in _patterns(home)
    }
    scores = {each["id"]: (each["confidence"]["score"], each["confidence"]["level"]) for _, each in _patterns(home)}
    places: dict[tuple[str, str, int, int], bool] = {}
    for _, each in _patterns(home):
        for is_outlier, name in ((False, "locations"), (True, "outliers")):
            for one in each[name]:
                key = (each["id"], one["file"], one["line"], one["column"])
                places[key] = places.get(key, False) or is_outlier or bool(one.get("isOutlier"))
    boundaries = _read(home / "boundaries/access-map.json")
    accesses = boundaries.get("accessPoints", {}).values()
    fields = {(each["table"], each["field"]) for each in boundaries.get("sensitiveFields", ())}
    environment = _read(home / "environment/access-map.json")
    contracts = [
        (path.parent.name, each)
        for path in home.glob("contracts/*/contracts.json")
        for each in _read(path)["contracts"]
    ]
    remembered = _memories(home)

    with Project(tree) as project:
        report = run.upgrade(project)
        for line in report.lines:
            assert line.found == line.moved + sum(line.merged.values()) + line.refused, line
        assert report.refusals == ()
        with project.read() as db:
            rows = db.execute
            assert dict(rows("SELECT id, status FROM patterns")) == judged
            when = "SELECT id, first_seen, last_seen, approved_at, approved_by FROM patterns"
            assert {each: tuple(said) for each, *said in rows(when)} == seen
            sure = "SELECT id, confidence_score, confidence_level FROM patterns"
            assert {each: (score, level) for each, score, level in rows(sure)} == scores
            assert {
                (pattern, file, line, column): bool(is_outlier)
                for pattern, file, line, column, is_outlier in rows(
                    """
                    SELECT p.id, f.path, l.line, l.column_num, l.is_outlier
                    FROM pattern_locations l
                    JOIN patterns p ON p.key = l.pattern_key
                    JOIN file_metadata f ON f.id = l.file_id
                    """
                )
            } == places
            assert sorted(
                rows(
                    """
                    SELECT f.path, d.line, d.table_name, d.operation, d.is_raw_sql
                    FROM data_access_points d
                    JOIN file_metadata f ON f.id = d.file_id
                    """
                )
            ) == sorted((e["file"], e["line"], e["table"], e["operation"], int(e["isRawSql"])) for e in accesses)
            assert set(rows("SELECT table_name, field_name FROM sensitive_fields")) == fields
            words = {(e["table"], e["field"]): e["sensitivityType"] for e in boundaries.get("sensitiveFields", ())}
            kinds = rows("SELECT sensitivity, count(*) FROM sensitive_fields GROUP BY sensitivity")
            assert dict(kinds) == Counter(SENSITIVITY.get(word, word) for word in words.values())
            assert dict(rows("SELECT name, is_required FROM env_variables")) == {
                name: int(each["isRequired"]) for name, each in environment.get("variables", {}).items()
            }
            assert rows("SELECT count(*) FROM env_access_points").get == len(environment.get("accessPoints", {}))
            assert sorted(rows("SELECT id, status FROM contracts")) == sorted(
                (e["id"], status) for status, e in contracts
            )
            assert rows("SELECT count(*) FROM contract_frontends").get == sum(len(e["frontend"]) for _, e in contracts)
        _tools_agree(project, judged, places, boundaries, environment, remembered)
        approved = lock.generate(project).patterns
        assert approved == sum(status == "approved" for status in judged.values())
        again = run.upgrade(project)
        assert (again.sources, again.lines) == ((), ())


def _tools_agree(
    project: Project,
    judged: dict[str, str],
    places: dict[tuple[str, str, int, int], bool],
    boundaries: dict[str, Any],
    environment: dict[str, Any],
    remembered: dict[str, tuple[int, str]],
) -> None:
    projects = OpenProjects(project.root)

    def ask(tool: str, **given: Any) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(calls.answer(projects, tool, {**given, "format": "json"}))
        return told

    statuses = Counter(judged.values())
    said = ask("drift_status")
    assert said["patterns"] == {name: statuses[name] for name in ("discovered", "approved", "ignored")}
    assert said["data"]["tables"] == len(
        {each["table"] for each in boundaries.get("accessPoints", {}).values()}
        | {each["tableName"] for each in boundaries.get("models", ())}
    )
    fields = {(each["table"], each["field"]) for each in boundaries.get("sensitiveFields", ())}
    assert said["data"]["sensitive_fields"] == ask("list_facts", domain="security", limit=1)["total"] == len(fields)
    assert said["memories"] == sum(not archived for archived, _ in remembered.values())
    for status, number in statuses.items():
        assert ask("query_patterns", status=status, limit=1)["total"] == number
    if judged:
        pattern = max(judged, key=lambda each: (sum(key[0] == each for key in places), each))
        (found,) = ask("query_patterns", pattern=pattern)["patterns"]
        mine = [is_outlier for key, is_outlier in places.items() if key[0] == pattern]
        assert (found["locations"], found["outliers"]) == (mine.count(False), mine.count(True))
    assert ask("list_facts", domain="environment", limit=1)["total"] == len(environment.get("accessPoints", {}))
    if remembered:
        assert ask("memory_search", include_archived=True, limit=1)["total"] == len(remembered)
        for memory, (archived, summary) in remembered.items():
            (shown,) = ask("memory_search", memory=memory)["memories"]
            assert (shown["archived"], shown["summary"]) == (bool(archived), summary)


def _memories(home: Path) -> dict[str, tuple[int, str]]:
    """Of each old memory: whether it is archived, and its summary: the JSON's, or the column's where that is empty."""
    path = home / "memory" / "cortex.db"
    if not path.exists():
        return {}
    with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as db:
        rows = db.execute("SELECT id, archived, summary, content FROM memories").fetchall()
    db.close()
    return {
        memory: (archived, " ".join((json.loads(content).get("summary") or summary).split()))
        for memory, archived, summary, content in rows
    }
