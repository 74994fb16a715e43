"""Which files hold tests, and what they exercise.

First what writes, then what reads. The tests themselves are functions with an entry point of the kind 'test'.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables.arrays import integers


class NewTestFile(NamedTuple):
    file_id: int
    test_framework: str | None = None
    test_count: int = 0
    last_run: str | None = None  # None: nothing is said of a run
    status: str = "unknown"  # of the last run


# Who reads tests knows nothing of runs, and does not take away what is known of the last one.
_PUT = """
INSERT INTO test_files (file_id, test_framework, test_count, last_run, status)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (file_id) DO UPDATE SET
    test_framework = excluded.test_framework,
    test_count = excluded.test_count,
    last_run = ifnull(excluded.last_run, last_run),
    status = iif(excluded.last_run IS NULL, status, excluded.status)
WHERE (test_framework, test_count) IS NOT (excluded.test_framework, excluded.test_count)
    OR (excluded.last_run IS NOT NULL AND (last_run, status) IS NOT (excluded.last_run, excluded.status))
"""

_OF_FILES = "SELECT file_id FROM test_files WHERE file_id IN (SELECT value FROM carray(?))"


def put(tx: apsw.Connection, test_files: Iterable[NewTestFile]) -> None:
    """Adds files that hold tests, or says them anew."""
    tx.executemany(_PUT, test_files)


def replace(tx: apsw.Connection, file_ids: Iterable[int], test_files: Iterable[NewTestFile]) -> None:
    """Which of these files hold tests, in place of what was."""
    ids, found = set(file_ids), list(test_files)
    assert ids.issuperset(one.file_id for one in found), "a test file that is not among the replaced ones"
    kept = {one.file_id for one in found}
    there = tx.execute(_OF_FILES, (integers(ids),)).fetchall()
    tx.executemany("DELETE FROM test_files WHERE file_id = ?", (row for row in there if row[0] not in kept))
    put(tx, found)


class NewCoverage(NamedTuple):
    test_file_id: int
    source_file_id: int
    function_id: int | None = None  # None: the file as a whole
    coverage_type: str | None = None  # 'unit', 'integration', 'e2e'
    confidence: float = 1.0


_PUT_COVERAGE = """
INSERT INTO test_coverage (test_file_id, source_file_id, function_id, coverage_type, confidence)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (test_file_id, source_file_id, ifnull(function_id, 0)) DO UPDATE SET
    coverage_type = excluded.coverage_type,
    confidence = excluded.confidence
WHERE (coverage_type, confidence) IS NOT (excluded.coverage_type, excluded.confidence)
"""

_COVERAGE_OF_FILES = """
SELECT id, test_file_id, source_file_id, function_id
FROM test_coverage
WHERE test_file_id IN (SELECT value FROM carray(?))
"""


def put_coverage(tx: apsw.Connection, coverage: Iterable[NewCoverage]) -> None:
    """Adds what test files exercise, or says it anew."""
    tx.executemany(_PUT_COVERAGE, coverage)


def replace_coverage(tx: apsw.Connection, test_file_ids: Iterable[int], coverage: Iterable[NewCoverage]) -> None:
    """All that these test files exercise, in place of what they did."""
    ids, found = set(test_file_ids), list(coverage)
    assert ids.issuperset(one.test_file_id for one in found), "coverage by a file that is not among the replaced ones"
    kept = {one[:3] for one in found}
    there = tx.execute(_COVERAGE_OF_FILES, (integers(ids),)).fetchall()
    gone = [number for number, *covered in there if tuple(covered) not in kept]
    tx.executemany("DELETE FROM test_coverage WHERE id = ?", ((number,) for number in gone))
    put_coverage(tx, found)


# ---------------------------------------------------------------------------------------------------------------------


class TestFile(NamedTuple):
    id: int
    file: str
    test_framework: str | None
    test_count: int
    last_run: str | None
    status: str


_COLUMNS = """
SELECT t.id, m.path, t.test_framework, t.test_count, t.last_run, t.status
FROM test_files t
JOIN file_metadata m ON m.id = t.file_id
"""


def one(db: apsw.Connection, file_id: int) -> TestFile | None:
    """What is known of the tests in this file; None when it holds none."""
    row = db.execute(_COLUMNS + "WHERE t.file_id = ?", (file_id,)).fetchone()
    return None if row is None else TestFile(*row)


def every(db: apsw.Connection) -> list[TestFile]:
    return [TestFile(*row) for row in db.execute(_COLUMNS + "ORDER BY m.path")]


class Coverage(NamedTuple):
    id: int
    test_file: str
    source_file: str
    function_id: int | None
    coverage_type: str | None
    confidence: float


_COVERAGE = """
SELECT c.id, t.path, s.path, c.function_id, c.coverage_type, c.confidence
FROM test_coverage c
JOIN file_metadata t ON t.id = c.test_file_id
JOIN file_metadata s ON s.id = c.source_file_id
"""

_COVERAGE_ORDER = "ORDER BY t.path, s.path, c.function_id"


def covering(db: apsw.Connection, source_file_id: int) -> list[Coverage]:
    """Which tests exercise this file."""
    rows = db.execute(_COVERAGE + "WHERE c.source_file_id = ?" + _COVERAGE_ORDER, (source_file_id,))
    return [Coverage(*row) for row in rows]


def covered(db: apsw.Connection, test_file_id: int) -> list[Coverage]:
    """What this test file exercises."""
    rows = db.execute(_COVERAGE + "WHERE c.test_file_id = ?" + _COVERAGE_ORDER, (test_file_id,))
    return [Coverage(*row) for row in rows]


def every_coverage(db: apsw.Connection) -> list[Coverage]:
    return [Coverage(*row) for row in db.execute(_COVERAGE + _COVERAGE_ORDER)]
