"""Which tests there are and what they exercise: `index.json` and `coverage.json`. What `summary.json` measured is kept
as it is; the stub that setup wrote in its place says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, rows
from drift_mcp.upgrade.records import Record, Row, Unfit, Where

_TYPES: Final = ("unit", "integration", "e2e")


def records(document: Document) -> Iterator[Row]:
    """Of any file in `test-topology`."""
    yield from rows("test_files", document.root, listed(document, "testFiles"), _test_file)
    yield from rows("test_coverage", document.root, listed(document, "mappings"), _coverage)
    is_stub = document.data.keys() <= {"builtAt", "status"}
    if not is_stub:
        yield from beside(document, "testFiles", "mappings")


def _test_file(where: Where, told: Fields) -> Record:
    file, framework = told.path("file", "path"), told.text("framework")
    if file == f"{framework} tests":
        raise Unfit(f"{file!r} stands for all tests of a framework, and names no file")
    values = {
        "file_id": file,
        "test_framework": framework,
        "test_count": told.take("testCount"),
        "last_run": told.take("lastRun"),
        "status": told.text("status"),
    }
    return Record("test_files", values, where, told.rest())


def _coverage(where: Where, told: Fields) -> Record:
    kind = told.text("coverageType")
    values = {
        "test_file_id": told.path("testFile"),
        "source_file_id": told.path("sourceFile"),
        "coverage_type": kind if kind in _TYPES else None,
        "confidence": told.take("confidence"),
    }
    carried = told.rest()
    if kind != values["coverage_type"]:
        carried["coverageType"] = kind  # how the test reaches it, such as 'transitive'
    return Record("test_coverage", values, where, carried)
