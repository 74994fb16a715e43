"""Audits of the patterns, one a day, and the course of health over the days.

What an audit says stands under its `summary`. `latest.json` repeats the audit of its day: the two become one row. In
the course of health, `approvedCount` is how many patterns the audit would have approved by itself, and no approval: it
is carried along under its own name, and no column takes it for one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, rows
from drift_mcp.upgrade.records import Record, Row, Unfit, Where, moment


def records(document: Document) -> Iterator[Row]:
    """The audit that a file tells of. Its parts that no column holds, such as what it recommends for each pattern, are
    carried along."""

    def audit(where: Where, told: Fields) -> Record:
        told.take("version")
        at = told.take("generatedAt")
        said = told.within("summary")

        def figure(name: str) -> Any:
            # Under `summary`; an older writer had them at the top.
            inner, outer = said.take(name), told.take(name)
            return inner if inner is not None else outer

        date, health, by_category = day(document, at), figure("healthScore"), figure("byCategory")
        values = {
            "date": date,
            "scan_hash": told.take("scanHash"),
            "health_score": whole(health),
            "total_patterns": figure("totalPatterns"),
            "auto_approve_eligible": figure("autoApproveEligible"),
            "flagged_for_review": figure("flaggedForReview"),
            "likely_false_positives": figure("likelyFalsePositives"),
            "duplicate_candidates": figure("duplicateCandidates"),
            "avg_confidence": figure("avgConfidence"),
            "cross_validation_score": figure("crossValidationScore"),
            "summary": None if by_category is None else {"byCategory": by_category},
        }
        carried = {**told.rest(), "generatedAt": at}
        if whole(health) != health:
            carried["healthScore"] = health
        return Record("audit_snapshots", values, where, carried)

    yield from rows("audit_snapshots", document.root, [(document.where(), document.data)], audit)


def day(document: Document, at: Any) -> str:
    """The day that a file speaks of: by the time in it, or else by its own name. Raises Unfit."""
    try:
        return moment(at)[:10]
    except Unfit:
        return moment(PurePosixPath(document.source.name).stem)[:10]


def whole(score: Any) -> Any:
    """A score as the whole number that a column takes."""
    return round(score) if isinstance(score, float) and abs(score) < 1e6 else score


def course(document: Document) -> Iterator[Row]:
    """Health, day by day."""
    yield from rows("health_trends", document.root, listed(document, "history"), _day_of_course)
    yield from beside(document, "history")


def _day_of_course(where: Where, told: Fields) -> Record:
    health = told.take("healthScore")
    values = {
        "date": told.take("date"),
        "health_score": whole(health),
        "avg_confidence": told.take("avgConfidence"),
        "total_patterns": told.take("totalPatterns"),
        "duplicate_groups": told.take("duplicateGroups"),
        "cross_validation_score": told.take("crossValidationScore"),
    }
    carried = told.rest()
    if whole(health) != health:
        carried["healthScore"] = health
    return Record("health_trends", values, where, carried)
