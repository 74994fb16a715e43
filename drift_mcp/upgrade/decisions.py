"""Decisions about the architecture, mined from the history of the repository; one file each, or a list of them.

What the predecessor called a draft is one that was discovered, and that nobody has judged. Who confirmed one was not
always written down; when, it says by the time of the last change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, rows, without_root
from drift_mcp.upgrade.records import Record, Row, Where


def records(document: Document) -> Iterator[Row]:
    """Every decision of a file. The index of them says nothing that they do not say."""
    root = document.root

    def decision(where: Where, told: Fields) -> Record:
        return _decision(where, told, root)

    if "decisions" in document.data or "items" in document.data:
        name = "decisions" if "decisions" in document.data else "items"
        yield from rows("decisions", root, listed(document, name), decision)
        yield from beside(document, name, *_OF_THE_INDEX)
    elif "decisionIds" in document.data:
        yield from beside(document, *_OF_THE_INDEX)
    else:
        yield from rows("decisions", root, [(document.where(), document.data)], decision)


_OF_THE_INDEX: Final = ("decisionIds", "byStatus", "byCategory")


def _decision(where: Where, told: Fields, root: str | None) -> Record:
    cluster, span, record = told.within("cluster"), told.within("dateRange"), told.within("adr")
    commits, authors, changed = cluster.take("commits"), cluster.take("authors"), told.take("patternsChanged")
    last = _last(commits)
    status, changed_at = told.take("status"), told.take("lastUpdated")
    confirmed_at = told.take("confirmedAt")
    own = told.text("id")
    values = {
        "id": own,
        "title": told.text("title") or own,
        "description": record.text("decision") or told.text("description"),
        "category": told.take("category"),
        "status": "discovered" if status == "draft" else status,
        "confidence": told.take("confidenceScore"),
        "commit_hash": last.get("sha") or told.take("commitHash"),
        "commit_date": last.get("date") or span.take("end"),
        "author": last.get("authorName") or (authors[0] if isinstance(authors, list) and authors else None),
        "files_affected": without_root(cluster.take("filesAffected"), root),
        "patterns_affected": _ids(changed),
        "discovered_at": told.take("minedAt"),
        "confirmed_at": confirmed_at or (changed_at if status == "confirmed" else None),
        "confirmed_by": told.take("confirmedBy"),
    }
    more = {"cluster.commits": commits, "cluster.authors": authors, "patternsChanged": changed}
    carried = {name: without_root(value, root) for name, value in more.items() if value}
    return Record("decisions", values, where, {**told.rest(), **carried, "lastUpdated": changed_at})


def _last(commits: Any) -> Mapping[str, Any]:
    """The latest commit that a decision was seen in; nothing when it names none."""
    told = [each for each in commits if isinstance(each, Mapping)] if isinstance(commits, list) else []
    return max(told, key=lambda each: str(each.get("date")), default={})


def _ids(changed: Any) -> list[str] | None:
    if not isinstance(changed, list):
        return None
    found = (each.get("patternId") for each in changed if isinstance(each, Mapping))
    return [each for each in found if isinstance(each, str)]
