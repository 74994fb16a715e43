"""What is known about this project, how fresh that is, and what needs attention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drift_mcp.cortex.cortex import Standing
from drift_mcp.errors import DriftError
from drift_mcp.model import Status
from drift_mcp.project import Project
from drift_mcp.tables import lookup, status
from drift_mcp.tools.answer import Answer, ago, count
from drift_mcp.tools.arguments import Asked, BudgetTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftStatus(Asked):
    budget_tokens: BudgetTokens = None


# What needs attention is read from the top; the rest has tools of its own.
_ATTENTION = 6


def drift_status(project: Project, asked: DriftStatus) -> Answer:
    """Is this project scanned, how fresh and how complete is what is known, and what needs attention? Counts of files,
    functions, resolved calls, conventions, tables, sensitive fields and memories. Ask it once, first."""
    with project.read() as db:
        known = status.read(db)
        begun = lookup.scan_begun(db)
    memory, doubts = _memory(project)
    internal = known.calls_resolved + known.calls_unresolved
    share = f", {known.calls_resolved / internal:.0%} of those inside the project resolved" if internal else ""
    attention = [*doubts, *_attention(known, begun)][:_ATTENTION]
    lines = [
        f"{project.root.name}: {count(known.files, 'files')} ({_some(known.languages)}), "
        f"{count(known.functions, 'functions')}, {count(known.classes, 'classes')}.",
        f"{count(known.calls, 'call sites')}{share}; {_some(known.entry_points) or 'no entry points'}.",
        f"Conventions: {known.discovered} discovered, {known.approved} approved, {known.ignored} ignored"
        + (f"; health {known.health.score} of 100." if known.health.score is not None else "."),
        f"Data: {count(known.tables, 'tables')}, {count(known.access_points, 'access points')}, "
        f"sensitive fields: {_some(known.sensitive_fields) or 'none'}.",
        f"Memories: {'unknown' if memory is None else memory.memories}.",
        *(f"Attention: {said}" for said in attention),
    ]
    if known.refreshed_at is None:
        lines = [f"{project.root.name}: not scanned yet. Call scan_project; everything else waits for it.", *lines[4:]]
    return Answer(
        "\n".join(lines),
        data={
            "project": project.root.name,
            "languages": dict(known.languages),
            "files": known.files,
            "functions": known.functions,
            "classes": known.classes,
            "calls": {
                "total": known.calls,
                "resolved": known.calls_resolved,
                "external": known.calls_external,
                "unresolved": known.calls_unresolved,
            },
            "entry_points": dict(known.entry_points),
            "patterns": {"discovered": known.discovered, "approved": known.approved, "ignored": known.ignored},
            "health": known.health.score,
            "data": {
                "tables": known.tables,
                "access_points": known.access_points,
                "sensitive_fields": sum(known.sensitive_fields.values()),
                "by_class": dict(known.sensitive_fields),
            },
            "memories": None if memory is None else memory.memories,
            "model": None if memory is None else memory.model,
            "vectors": None if memory is None else {"ready": memory.vectors_ready, "pending": memory.vectors_pending},
            "attention": attention,
        },
    )


def _memory(project: Project) -> tuple[Standing | None, list[str]]:
    """How the memories stand, and what is wrong with them: the code is known without."""
    try:
        standing = project.memory.standing()
    except DriftError as problem:
        return None, [str(problem)]
    said: list[str] = []
    if not standing.memories:
        return standing, said
    if standing.model_reason:
        said.append(f"memories are found by their words only: {standing.model_reason}")
    elif standing.vectors_pending:
        whole = standing.vectors_ready + standing.vectors_pending
        said.append(
            f"{standing.vectors_ready:,} of {whole:,} texts of memories have their vector; the rest: found by words"
        )
    return standing, said


def _attention(known: Status, begun: str | None) -> list[str]:
    said = []
    if begun is not None:
        said.append(
            f"a scan began {ago(begun, datetime.now(UTC))} and has not ended; until then this is what was before"
        )
    said += [
        f"{one.name}: {count(one.outliers, 'outliers')} of an approved convention [{one.pattern}]"
        for one in known.concerns
    ]
    if known.failed:
        said.append(f"{count(known.failed, 'files')} could not be read (list_facts domain=problems)")
    if known.problems.get("syntax"):
        said.append(f"{count(known.problems['syntax'], 'syntax problems')}: those parts are missing (domain=problems)")
    if known.problems.get("comment"):
        said.append(f"{count(known.problems['comment'], 'drift-ignore comments')} not understood (domain=problems)")
    if known.refreshed_at is not None and known.files and not known.functions:
        said.append("files were read and not one function was found: is the language Python, TypeScript or JavaScript?")
    return said


def _some(counts: Mapping[str, Any]) -> str:
    """'python 40, typescript 12': the most first."""
    ordered = sorted(counts.items(), key=lambda item: (-int(item[1]), item[0]))
    return ", ".join(f"{name} {number:,}" for name, number in ordered[:6])
