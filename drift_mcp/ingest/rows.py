"""Facts as rows: what the tables are given for what the front ends and the graph found. Pure."""

from __future__ import annotations

import json

from drift_mcp.graph.models import Field, Model
from drift_mcp.model import Package
from drift_mcp.scan import conventions, packages
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import FileFacts
from drift_mcp.tables import (
    data,
    functions,
    patterns,
    suppressions,
)


def function_rows(facts: FileFacts) -> list[functions.NewFunction]:
    rows: list[functions.NewFunction] = []
    for definition in facts.definitions:
        parameters = [
            {
                "name": each.name,
                "kind": each.kind,
                **({"type": shown(each.annotation_text)} if each.annotation_text else {}),
                **({"default": True} if each.default is not None else {}),
            }
            for each in definition.parameters
        ]
        rows.append(
            functions.NewFunction(
                *identity(definition),
                shown(definition.name),
                definition.kind,
                definition.parent if definition.parent >= 0 else None,
                definition.line,
                definition.end_line,
                definition.column,
                facts.language,
                shown(definition.signature) or None,
                json.dumps(parameters, separators=(",", ":")) if parameters else None,
                json.dumps([shown(each.text) for each in definition.decorators]) if definition.decorators else None,
                shown(definition.returns_text) or None,
                definition.visibility,
                max(definition.complexity, 1),
                int(bool(definition.flags & F.EXPORTED)),
                int(bool(definition.flags & F.CONSTRUCTOR)),
                int(bool(definition.flags & F.ASYNC)),
                facts.is_test,
                int(bool(definition.flags & F.PROPERTY)),
            )
        )
    return rows


def identity(definition: F.Definition) -> tuple[str, int]:
    """Qualified name and ordinal. A module body has a name that no definition can have: copy.py may define `copy`."""
    if definition.kind == "module":
        return ("<module>", 0)
    return (shown(definition.qualified_name), definition.ordinal)


def finding(pattern: conventions.Pattern) -> patterns.Finding:
    return patterns.Finding(
        pattern.id,
        pattern.name,
        pattern.description,
        pattern.category,
        pattern.family,
        pattern.convention,
        pattern.choice,
        pattern.confidence,
        pattern.frequency,
        pattern.consistency,
        pattern.spread,
        "ast",
        pattern.severity,
        json.dumps([pattern.family]),
        pattern.id,
    )


def suppression(path: str, asked: F.Ignored) -> suppressions.Comment:
    return suppressions.Comment(
        path,
        asked.line or None,
        asked.end_line or None,
        asked.target if asked.kind == "category" else None,
        asked.target if asked.kind == "pattern" else None,
        asked.target if asked.kind == "convention" else None,
        shown(asked.reason) or "a drift-ignore comment that gives no reason",
        suppressions.end_of(asked.until) if asked.until else None,
    )


def package(found: packages.Package) -> Package:
    return Package(
        found.path,
        found.name,
        found.package_manager,
        found.version,
        found.dependencies,
        found.dev_dependencies,
        found.language,
        found.framework,
    )


def model_of(stored: data.Declared) -> Model:
    fields = tuple(Field(each.field_name, each.column_name, each.type or "", each.line) for each in stored.fields)
    return Model(
        stored.name, stored.table_name, stored.path, stored.line, -1, stored.framework or "", stored.confidence, fields
    )


def shown(text: str) -> str:
    """Text that SQLite and a terminal can hold: no lone surrogates, no NUL."""
    return (
        text.encode("utf-8", "replace").decode("utf-8").replace("\0", "")
        if not text.isascii() or "\0" in text
        else text
    )
