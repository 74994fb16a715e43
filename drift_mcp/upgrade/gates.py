"""Quality gates: the runs, the states of branches that they compare with, and the policies that a person wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from drift_mcp.upgrade.audits import whole
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, kept, rows, without_root
from drift_mcp.upgrade.records import Record, Row, Where, compact


def records(document: Document) -> Iterator[Row]:
    """The one thing that a file tells of: its folder says which."""
    path, root = PurePosixPath(document.source.name), document.root
    told = [(document.where(), document.data)]

    def run(where: Where, told: Fields) -> Record:
        return _run(where, told, path.stem)

    def snapshot(where: Where, told: Fields) -> Record:
        return _snapshot(where, told, path.parent.name, root)

    if "policies" in path.parts:
        own = document.data.get("id")
        key = f"quality-gates.policies.{own if isinstance(own, str) and own else path.stem}"
        yield Record("config", {"key": key, "value": compact(without_root(document.data, root))}, document.where())
    elif "snapshots" in path.parts:
        yield from rows("quality_gate_snapshots", root, told, snapshot)
    elif "runs" in path.parts:
        yield from rows("quality_gate_runs", root, told, run)
    else:
        yield kept(document.where(), without_root(document.data, root))


def _run(where: Where, told: Fields, file: str) -> Record:
    at, gates, passed = told.take("timestamp"), told.take("gates"), told.take("passed")
    values = {
        "id": told.text("id") or file,
        "branch": told.take("branch"),
        "base_branch": told.take("baseBranch"),
        # It was written down when it was done; how long it took is carried along.
        "started_at": at,
        "completed_at": at,
        "status": {True: "passed", False: "failed"}.get(passed) if isinstance(passed, bool) else None,
        "gates_run": list(gates) if isinstance(gates, dict) else None,
        "results": gates,
        "policy": told.take("policyId"),
    }
    return Record("quality_gate_runs", values, where, told.rest())


def _snapshot(where: Where, told: Fields, folder: str, root: str | None) -> Record:
    parts = {name: told.take(name) for name in ("patterns", "constraints", "security", "metadata")}
    patterns, security = parts["patterns"], parts["security"]
    violations = security.get("violations") if isinstance(security, dict) else None
    health = told.take("healthScore")
    values = {
        "branch": told.text("branch") or folder,
        "snapshot_at": told.take("timestamp"),
        "health_score": whole(health),
        "pattern_count": len(patterns) if isinstance(patterns, list) else None,
        "violation_count": len(violations) if isinstance(violations, list) else violations,
        "data": without_root({name: value for name, value in parts.items() if value is not None}, root),
    }
    carried = told.rest()
    if whole(health) != health:
        carried["healthScore"] = health
    return Record("quality_gate_snapshots", values, where, carried)
