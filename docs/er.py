"""Draws the databases: one entity-relationship picture per database, as Mermaid text that forges render.

    python docs/er.py           writes docs/drift-er.md, docs/cortex-er.md and docs/registry-er.md
    python docs/er.py --check   says which of them are not what the schema gives, and fails

The schema files are the source: a database is made from them and asked what it consists of. Nothing is drawn by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import apsw

HERE = Path(__file__).resolve().parent
SCHEMA = HERE.parent / "schema"
DATABASES = ("drift", "cortex", "registry")


class Column(NamedTuple):
    name: str
    type: str
    key: str  # 'PK', 'FK', 'PK,FK', 'UK' or ''


class Table(NamedTuple):
    name: str
    says: str  # what one row of it is
    columns: tuple[Column, ...]


class Link(NamedTuple):
    child: str
    column: str
    parent: str
    optional: bool  # the column may be NULL
    single: bool  # a parent has one child at most


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--check", action="store_true")
    check = asked.parse_args().check
    stale = []
    for name in DATABASES:
        path = HERE / f"{name}-er.md"
        text = drawn(name)
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(path.name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        print(f"Not what the schema gives: {', '.join(stale)}. Run `python docs/er.py`.")
    return 1 if stale else 0


def drawn(name: str) -> str:
    """The picture of one database, a section per schema file."""
    folder = SCHEMA / name
    files = [file for file in (folder / "ORDER").read_text(encoding="utf-8").split() if file != "views.sql"]
    db = apsw.Connection(":memory:")
    lines = [f"# {name}.db", "", f"Drawn from `schema/{name}/` by `docs/er.py`.", ""]
    links: list[Link] = []
    sections: list[str] = []
    for file in files:
        text = _without_modules((folder / file).read_text(encoding="utf-8"))
        before = set(_names(db))
        for _ in db.execute(text):
            pass
        tables = [_table(db, table, text) for table in _names(db) if table not in before]
        if not tables:
            continue
        here = [link for table in tables for link in _links(db, table.name)]
        links += here
        sections += [f"## {file.removesuffix('.sql')}", "", _about(text), "", *_picture(tables, here), ""]
        sections += [f"- `{table.name}`: {table.says}" for table in tables] + [""]
    lines += ["## All tables", "", *_picture([], links), ""] if links else []
    return "\n".join(lines + sections).rstrip() + "\n"


# sqlite-vec may be missing where the picture is drawn, and a virtual table has neither keys nor references to draw.
_MODULE = re.compile(r"CREATE VIRTUAL TABLE.*?;", re.DOTALL)
_TRIGGER = re.compile(r"CREATE TRIGGER.*?\bEND;", re.DOTALL)


def _without_modules(text: str) -> str:
    return _MODULE.sub("", _TRIGGER.sub("", text))


def _names(db: apsw.Connection) -> list[str]:
    names = db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
    )
    return [row[0] for row in names]


def _table(db: apsw.Connection, name: str, text: str) -> Table:
    linked = {row[3] for row in db.execute("SELECT * FROM pragma_foreign_key_list(?)", (name,))}
    unique = set(_unique_columns(db, name))
    columns = []
    for row in db.execute("SELECT name, type, pk FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", (name,)):
        column, kind, place = row
        keys = [key for key, holds in (("PK", place), ("FK", column in linked), ("UK", column in unique)) if holds]
        columns.append(Column(column, kind.lower(), ",".join(keys)))
    found = re.search(rf"-- ([^\n]+(?:\n-- [^\n]+)*)\nCREATE TABLE {name} ", text)
    assert found is not None, f"table {name} does not say what one row of it is"
    return Table(name, found[1].replace("\n-- ", " "), tuple(columns))


def _unique_columns(db: apsw.Connection, table: str) -> Iterator[str]:
    """Columns that no two rows share, each by itself."""
    query = "SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND origin <> 'pk' AND partial = 0"
    for (index,) in db.execute(query, (table,)).fetchall():
        columns = [row[0] for row in db.execute("SELECT name FROM pragma_index_info(?)", (index,))]
        if len(columns) == 1 and columns[0] is not None:
            yield columns[0]


def _links(db: apsw.Connection, table: str) -> list[Link]:
    required = {row[0] for row in db.execute('SELECT name FROM pragma_table_info(?) WHERE "notnull" OR pk', (table,))}
    keys = [row[0] for row in db.execute("SELECT name FROM pragma_table_info(?) WHERE pk", (table,))]
    single = set(_unique_columns(db, table)) | (set(keys) if len(keys) == 1 else set())
    rows = db.execute('SELECT "from", "table" FROM pragma_foreign_key_list(?) ORDER BY id DESC', (table,))
    return [Link(table, column, parent, column not in required, column in single) for column, parent in rows]


def _about(text: str) -> str:
    """The first paragraph of the file's head."""
    head = re.match(r"(?:-- [^\n]*\n)+", text)
    assert head is not None, "a schema file opens by saying what it is about"
    return " ".join(line.removeprefix("-- ") for line in head[0].splitlines())


def _picture(tables: list[Table], links: list[Link]) -> list[str]:
    lines = ["```mermaid", "erDiagram"]
    for link in links:
        left = "|o" if link.optional else "||"
        right = "o|" if link.single else "o{"
        lines.append(f'    {link.parent} {left}--{right} {link.child} : "{link.column}"')
    for table in tables:
        lines.append(f"    {table.name} {{")
        lines += [f"        {column.type} {column.name} {column.key}".rstrip() for column in table.columns]
        lines.append("    }")
    return [*lines, "```"]


if __name__ == "__main__":
    sys.exit(main())
