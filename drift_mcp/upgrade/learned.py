"""What the detectors learned from a project: a file for each, with the answers that it kept meeting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, named, rows
from drift_mcp.upgrade.records import Record, Row, Where, compact


def records(document: Document) -> Iterator[Row]:
    """Every convention of one detector."""
    detector = document.data.get("detectorId") or PurePosixPath(document.source.name).stem
    metadata = document.data.get("metadata")
    learned_at = metadata.get("learnedAt") if isinstance(metadata, dict) else None

    def learned(where: Where, told: Fields) -> Record:
        question, answer = told.text("convention"), told.take("value")
        said = answer if isinstance(answer, str) else compact(answer)
        values = {
            "detector_id": detector,
            "pattern_signature": f"{question}={said}" if question else said,
            "occurrences": told.take("occurrences"),
            "confidence": told.take("confidence"),
            "first_seen": learned_at,
            "last_seen": learned_at,
        }
        return Record("learned_patterns", values, where, told.rest())

    yield from rows("learned_patterns", document.root, named(document, "conventions", "convention"), learned)
    yield from beside(document, "conventions", "detectorId")
