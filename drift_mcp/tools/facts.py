"""The other domains of the store, all in one shape."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from drift_mcp.project import Project
from drift_mcp.tables import listed
from drift_mcp.tools import meant
from drift_mcp.tools.answer import Answer, Row, Section, clip, count, window
from drift_mcp.tools.arguments import AskedAtLength
from drift_mcp.tools.freshness import generation

Domain = Literal[
    "security",
    "contracts",
    "environment",
    "constraints",
    "constants",
    "decisions",
    "coupling",
    "errors",
    "wrappers",
    "dna",
    "tests",
    "gates",
    "audit",
    "packages",
    "suppressions",
    "scans",
    "problems",
]
# Domains that a scan fills today; the others hold what was taken over from elsewhere, or nothing.
_SCANNED = {"security", "environment", "packages", "problems", "scans", "tests", "suppressions"}

_FACTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFacts(AskedAtLength):
    domain: Domain
    file: str | None = None
    text: str | None = None


def list_facts(project: Project, asked: ListFacts) -> Answer:
    """Other facts, by domain: security (sensitive fields), environment (variables), packages, problems (files that
    could not be read or parsed), scans, tests and more. Filter by file or text."""
    with project.read() as db:
        here = window("list_facts", dataclasses.asdict(asked), generation(db), _FACTS)
        paths = None if asked.file is None else set(meant.files_meant(db, asked.file))
        known = listed.domain(db, asked.domain)
    meant_here = known if paths is None else listed.about(asked.domain, known, paths)
    found = [fact for fact in meant_here if asked.text is None or asked.text.lower() in fact.said.lower()]
    page = found[here.offset : here.offset + here.limit]
    return Answer(
        _head(asked, len(found), len(known)),
        (Section("", tuple(Row(fact.said, "", fact.file, fact.line) for fact in page), len(found), "facts"),),
        data={
            "domain": asked.domain,
            "facts": [{"file": fact.file, "line": fact.line, **fact.columns} for fact in page],
        },
        items="facts",
        window=here,
    )


def _head(asked: ListFacts, found: int, known: int) -> str:
    if found:
        return f"{asked.domain}: {count(found, 'facts')}."
    if known:
        by = " and ".join(
            clip(f"{name} {value!r}", 80) for name, value in (("file", asked.file), ("text", asked.text)) if value
        )
        return f"{asked.domain}: none of {count(known, 'facts')} is there for {by}."
    if asked.domain in _SCANNED:
        return f"{asked.domain}: the scan found none."
    return f"{asked.domain}: nothing is known, because this version's scan does not look for it."
