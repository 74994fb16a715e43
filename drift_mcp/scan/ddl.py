"""CREATE TABLE and ALTER TABLE in .sql files → the tables they declare. Parsing is sqlglot's; nothing here runs SQL."""

from __future__ import annotations

import bisect
import logging
import re
from typing import TYPE_CHECKING, Final

from drift_mcp.scan.facts import FileFacts, Problem, SchemaField, SchemaModel
from drift_mcp.scan.prisma import schema_facts

if TYPE_CHECKING:
    from sqlglot import exp

# The dialects in which schemas are written, in the order of how often; the first that parses a statement is taken.
_DIALECTS: Final = ("postgres", "mysql", "sqlite", "tsql", "oracle")
# No table of a program takes more text to declare.
_LONGEST: Final = 60_000

_START: Final = re.compile(
    r"\b(?:CREATE\s+(?:OR\s+REPLACE\s+)?(?:GLOBAL\s+|LOCAL\s+)?(?:TEMP(?:ORARY)?\s+|UNLOGGED\s+|EXTERNAL\s+)?TABLE|ALTER\s+TABLE)\b",
    re.IGNORECASE,
)
# What a semicolon inside does not end a statement: strings, quoted names, comments, dollar quotes.
_SPAN: Final = re.compile(
    r"'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$|;|^\s*GO\s*$",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
# Table options that only one product knows and that stand after the columns.
_OPTIONS: Final = re.compile(r"\)\s*(?:ENGINE|WITHOUT\s+ROWID|STRICT|TABLESPACE|INHERITS|WITH)\b[^;]*$", re.IGNORECASE)


def facts_of(path: str, source: bytes) -> FileFacts:
    """The tables that the file declares, each with its columns; what does not parse is a problem, not a failure."""
    text = source.decode("utf-8-sig", "replace")
    lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    models: dict[str, SchemaModel] = {}
    problems: list[Problem] = []
    if _START.search(text) is not None:
        newlines = [found.start() for found in re.finditer("\n", text)]
        for start, statement in _statements(text):
            _read(statement, start, newlines, models, problems)
    return schema_facts(path, "sql", lines, list(models.values()), problems)


def _statements(text: str) -> list[tuple[int, str]]:
    """The statements about tables, each with the place where it begins."""
    found: list[tuple[int, str]] = []
    begin = 0
    blanked: list[tuple[int, int]] = []
    for span in _SPAN.finditer(text):
        if span[0] == ";" or span[0].strip().upper() == "GO":
            _take(text, begin, span.start(), blanked, found)
            begin = span.end()
            blanked = []
        elif span[0].startswith(("--", "/*")):
            blanked.append(span.span())
    _take(text, begin, len(text), blanked, found)
    return found


def _take(text: str, begin: int, end: int, comments: list[tuple[int, int]], found: list[tuple[int, str]]) -> None:
    statement = text[begin:end]
    for start, stop in comments:
        # A comment keeps its length, so that places stay what they are.
        statement = statement[: start - begin] + re.sub(r"[^\n]", " ", text[start:stop]) + statement[stop - begin :]
    start_of = _START.match(statement.lstrip())
    if start_of is not None and len(statement) <= _LONGEST:
        found.append((begin + len(statement) - len(statement.lstrip()), statement.strip()))


def _read(
    statement: str, start: int, newlines: list[int], models: dict[str, SchemaModel], problems: list[Problem]
) -> None:
    line = bisect.bisect_left(newlines, start) + 1
    from sqlglot import exp  # 0.1 s to import, and most projects have no such file

    creates = statement[:1] in "cC"
    if not creates and re.search(r"\bADD\b", statement, re.IGNORECASE) is None:
        return
    tree = _parsed(statement)
    table = tree.find(exp.Table) if tree is not None else None
    if tree is None or table is None or not table.name:
        problems.append(
            Problem("syntax", line, f"This statement was not understood: {' '.join(statement.split())[:80]}")
        )
        return
    name = table.name
    columns = tree.this.expressions if isinstance(tree, exp.Create) and isinstance(tree.this, exp.Schema) else []
    if isinstance(tree, exp.Alter):
        columns = [each for action in tree.args.get("actions") or () for each in action.find_all(exp.ColumnDef)]
    known = models.get(name)
    fields = {field.name: field for field in known.fields} if known is not None else {}
    at = 0
    for column in columns:
        if not isinstance(column, exp.ColumnDef):
            continue
        place = re.compile(r"(?<!\w)" + re.escape(column.name) + r"(?!\w)").search(statement, at)
        at = place.start() if place is not None else at
        fields.setdefault(
            column.name,
            SchemaField(column.name, column.name, _type(column), bisect.bisect_left(newlines, start + at) + 1),
        )
    if creates or fields:
        models[name] = SchemaModel(name, name, line if known is None else known.line, "sql", tuple(fields.values()))


def _type(column: exp.ColumnDef) -> str:
    kind = column.args.get("kind")
    return "" if kind is None else str(kind.sql()).lower()


def _parsed(statement: str) -> exp.Expression | None:
    import sqlglot
    from sqlglot import errors, exp

    # sqlglot warns of what it takes as an opaque command; that answer is looked at here.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    shorter = _OPTIONS.sub(")", statement)
    for text in dict.fromkeys((statement, shorter)):
        for dialect in _DIALECTS:
            try:
                tree = sqlglot.parse_one(text, dialect=dialect)
            except (errors.SqlglotError, RecursionError):
                continue
            if isinstance(tree, exp.Create | exp.Alter):
                return tree
    return None
