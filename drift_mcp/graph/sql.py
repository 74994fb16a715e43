"""SQL text → the tables and columns it reads, writes and deletes. Parsing is sqlglot's; nothing here runs SQL.

Text that does not parse answers with nothing: a table named by a guess would be a wrong answer.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from sqlglot import exp

# What stands in a statement for an expression that only the running program knows.
HOLE: Final = "__hole__"
# No statement of a program is longer; longer texts are data loads, and parsing time grows with length.
_LONGEST: Final = 20_000

_FIRST_WORD: Final = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*|\(\s*)*(select|insert|update|delete|with|merge|replace|upsert|truncate)\b",
    re.IGNORECASE | re.DOTALL,
)
_SHAPE: Final = {
    "select": re.compile(r"\bfrom\b", re.IGNORECASE),
    "insert": re.compile(r"\binto\b|\boverwrite\b|\bvalues\b", re.IGNORECASE),
    "update": re.compile(r"\bset\b", re.IGNORECASE),
    "delete": re.compile(r"\bfrom\b|\bwhere\b", re.IGNORECASE),
    "with": re.compile(r"\bas\s*(?:not\s+materialized\s*|materialized\s*)?\(", re.IGNORECASE),
    "merge": re.compile(r"\busing\b", re.IGNORECASE),
    "replace": re.compile(r"\binto\b", re.IGNORECASE),
    "upsert": re.compile(r"\binto\b", re.IGNORECASE),
    "truncate": re.compile(r"\btruncate\s+table\b", re.IGNORECASE),
}
# Placeholders of the database drivers that SQL itself does not know: %s, %(name)s, :name after a space, $1 stays.
_PLACEHOLDERS: Final = re.compile(r"%\(\w+\)s|%s|(?<![:\w]):[A-Za-z_]\w*")
_DIALECTS: Final = ("postgres", "mysql", "sqlite")


class Touch(NamedTuple):
    """One table as a statement touches it."""

    table: str
    operation: str  # 'read', 'write', 'delete'
    columns: tuple[str, ...]  # named in the statement, as far as they belong to this table
    whole_row: bool  # `*`, or an INSERT without a column list


def looks_like_sql(text: str) -> bool:
    """Whether the text has the shape of a statement: its first word and the word that must follow somewhere."""
    found = _FIRST_WORD.match(text)
    return found is not None and len(text) <= _LONGEST and _SHAPE[found.group(1).lower()].search(text) is not None


def touches(text: str, columns_of: Mapping[str, frozenset[str]] | None = None) -> tuple[Touch, ...]:
    """What the statements in `text` touch; () for text that is not SQL or does not parse.

    `columns_of`: known columns of known tables, to give an unqualified column of a join to its table.
    """
    found = _parsed(text)
    if not found:
        return ()
    known = columns_of or {}
    return tuple(_settled(each, known) for each in found)


class _Raw(NamedTuple):
    table: str
    operation: str
    columns: tuple[str, ...]
    loose: tuple[str, ...]  # unqualified columns of a statement over several tables
    alone: bool
    whole_row: bool


def _settled(raw: _Raw, known: Mapping[str, frozenset[str]]) -> Touch:
    columns = dict.fromkeys(raw.columns)
    if raw.alone:
        columns.update(dict.fromkeys(raw.loose))
    elif raw.table in known:
        columns.update(dict.fromkeys(name for name in raw.loose if name in known[raw.table]))
    return Touch(raw.table, raw.operation, tuple(columns), raw.whole_row)


@functools.lru_cache(
    maxsize=4096
)  # the same statement stands in many places; a few thousand distinct ones is a large application
def _parsed(text: str) -> tuple[_Raw, ...]:
    if not looks_like_sql(text):
        return ()
    import sqlglot  # 0.2 s of import, paid only where a program holds SQL
    from sqlglot.errors import SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # its warnings are about dialects, ours are answers
    cleaned = _PLACEHOLDERS.sub("?", text)
    for dialect in _DIALECTS:
        try:
            statements = sqlglot.parse(cleaned, read=dialect)
        except (SqlglotError, RecursionError):
            continue
        found: list[_Raw] = []
        for statement in statements:
            if statement is not None:
                found.extend(_statement(statement))
        return tuple(found)
    return ()


def _statement(statement: exp.Expr) -> list[_Raw]:
    from sqlglot import exp

    views = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
    aliases: dict[str, str] = {}
    tables: list[str] = []
    for table in statement.find_all(exp.Table):
        name = table.name
        if not name or name.lower() in views or HOLE in name:
            continue
        aliases[table.alias_or_name.lower()] = name
        aliases.setdefault(name.lower(), name)
        if name not in tables:
            tables.append(name)
    target, operation = _target(statement)
    columns: dict[str, dict[str, None]] = {name: {} for name in tables}
    written: dict[str, None] = {}
    loose: dict[str, None] = {}
    starred: set[str] = set()
    for name in _written(statement):
        written[name] = None
    for column in statement.find_all(exp.Column):
        name = column.name
        if not name or HOLE in name or name == "?":
            continue
        owner = aliases.get(column.table.lower()) if column.table else None
        if isinstance(column.this, exp.Star):
            if owner is not None:
                starred.add(owner)
            continue
        if owner is not None:
            columns[owner][name] = None
        elif not column.table:
            loose[name] = None
    for select in statement.find_all(exp.Select):
        if any(isinstance(each, exp.Star) for each in select.expressions):
            sources = [table.name for table in select.find_all(exp.Table) if table.parent_select is select]
            starred.update(source for source in sources if source in columns)
    found: list[_Raw] = []
    alone = len(tables) == 1
    for name in tables:
        if name == target:
            own = written or (columns[name] if operation == "delete" else {})
            # A row is deleted with all its fields, whichever of them chose it.
            whole = operation == "delete" or not written
            found.append(_Raw(name, operation, tuple(own), tuple(loose) if operation == "delete" else (), alone, whole))
            reads = {key: None for key in columns[name] if key not in written}
            rest = [key for key in loose if key not in written]
            if operation == "write" and alone and (reads or rest) and not isinstance(statement, exp.Insert):
                found.append(_Raw(name, "read", tuple(reads), tuple(rest), True, False))
            continue
        found.append(_Raw(name, "read", tuple(columns[name]), tuple(loose), alone, name in starred))
    return found


def _target(statement: exp.Expr) -> tuple[str | None, str]:
    from sqlglot import exp

    if isinstance(statement, (exp.Insert, exp.Merge)):
        table = statement.this.find(exp.Table) if not isinstance(statement.this, exp.Table) else statement.this
        return (table.name if table is not None else None, "write")
    if isinstance(statement, exp.Update):
        return (statement.this.name if isinstance(statement.this, exp.Table) else None, "write")
    if isinstance(statement, exp.Delete):
        return (statement.this.name if isinstance(statement.this, exp.Table) else None, "delete")
    if isinstance(statement, exp.TruncateTable):
        table = statement.find(exp.Table)
        return (table.name if table is not None else None, "delete")
    return (None, "read")


def _written(statement: exp.Expr) -> list[str]:
    from sqlglot import exp

    if isinstance(statement, exp.Insert) and isinstance(statement.this, exp.Schema):
        return [each.name for each in statement.this.expressions if each.name and HOLE not in each.name]
    if isinstance(statement, exp.Update):
        return [
            each.this.name
            for each in statement.args.get("expressions") or ()
            if isinstance(each, exp.EQ) and isinstance(each.this, exp.Column) and HOLE not in each.this.name
        ]
    return []
