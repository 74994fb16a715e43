"""schema.prisma → the models it declares. Never a guess at what a generator would make of them."""

from __future__ import annotations

import re
from typing import Final

from drift_mcp.scan.facts import Definition, FileFacts, Problem, SchemaField, SchemaModel, Scope

_BLOCK: Final = re.compile(r"^\s*(model|view|type|enum|datasource|generator)\s+(\w+)\s*\{", re.ASCII)
_FIELD: Final = re.compile(r"^\s*(\w+)\s+(\w+(?:\([^)]*\))?)\s*(\[\])?\s*[?!]?(?=\s|@|$)(.*)$", re.ASCII)
_MAPPED: Final = re.compile(r"(?<!@)@map\(\s*(?:name\s*:\s*)?\"((?:[^\"\\]|\\.)*)\"", re.ASCII)
_TABLE: Final = re.compile(r"@@map\(\s*(?:name\s*:\s*)?\"((?:[^\"\\]|\\.)*)\"", re.ASCII)
_STRING: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"")


def facts_of(path: str, source: bytes) -> FileFacts:
    """The models and views with their tables and columns; a relation is a field whose type is another model."""
    lines = source.decode("utf-8-sig", "replace").splitlines()
    models: list[SchemaModel] = []
    problems: list[Problem] = []
    kind, name, opened, depth = "", "", 0, 0
    table = ""
    fields: list[SchemaField] = []
    for number, raw in enumerate(lines, 1):
        line = _without_comment(raw)
        if depth == 0:
            block = _BLOCK.match(line)
            if block is None:
                if line.strip():
                    problems.append(
                        Problem("syntax", number, f"No block of a Prisma schema begins here: {line.strip()[:60]}")
                    )
                continue
            kind, name, opened, depth = block[1], block[2], number, 1
            table, fields = name, []
            line = line[block.end() :]
        bare = _STRING.sub('""', line)
        depth += bare.count("{") - bare.count("}")
        if kind in ("model", "view") and depth > 0:
            mapped = _TABLE.search(line)
            if mapped is not None:
                table = mapped[1]
            elif not line.lstrip().startswith("@@"):
                field = _field(line, number)
                if field is not None:
                    fields.append(field)
        if depth <= 0:
            depth = 0
            if kind in ("model", "view"):
                models.append(SchemaModel(name, table, opened, "prisma", tuple(fields)))
    if depth:
        problems.append(Problem("syntax", opened, f"The block of {name!r} is not closed."))
        if kind in ("model", "view"):
            models.append(SchemaModel(name, table, opened, "prisma", tuple(fields)))
    return schema_facts(path, "prisma", len(lines), models, problems)


def _without_comment(line: str) -> str:
    if "//" not in line:
        return line
    blanked = _STRING.sub(lambda found: "_" * len(found[0]), line)
    at = blanked.find("//")
    return line if at < 0 else line[:at]


def _field(line: str, number: int) -> SchemaField | None:
    found = _FIELD.match(line)
    if found is None:
        return None
    mapped = _MAPPED.search(found[4])
    return SchemaField(found[1], mapped[1] if mapped is not None else found[1], found[2], number)


def schema_facts(path: str, language: str, lines: int, models: list[SchemaModel], problems: list[Problem]) -> FileFacts:
    """Facts of a file that declares tables and has no code."""
    name = path.rsplit("/", 1)[-1]
    module = Definition(
        name, name, 0, "module", -1, 0, 1, max(lines, 1), 0, 1, 0, "public", 1, "", (), None, "", (), (), (), (), (), ()
    )
    scope = Scope("module", -1, 0, {})
    return FileFacts(
        path, language, lines, 0, (module,), (scope,), (), {}, (), (), (), (), (), tuple(models), (), tuple(problems)
    )
