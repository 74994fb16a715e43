"""Writes the tables of docs/ingest.md: what `drift ingest` takes, column by column.

    python docs/ingest.py           writes them below the page's own words
    python docs/ingest.py --check   says whether they are not what the program takes, and fails

They are what the program itself checks rows by.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from drift_mcp.ingest import given
from drift_mcp.tables import public
from drift_mcp.tables.public import NOW, UNSAID_COLUMN, Column, Plan

PAGE = Path(__file__).resolve().parent / "ingest.md"

MARK = "<!-- From here on written by docs/ingest.py -->\n"


def page() -> str:
    """The page as it is to be: the words that stand there, and the tables below them."""
    words, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    assert mark, f"{PAGE.name} has lost the line below which its tables stand"
    plans = public.plans()
    lines = [f"- [`{name}`](#{name}): {plan.says}" for name, plan in plans.items()]
    return "\n".join([words + MARK, *lines, "", *(line for plan in plans.values() for line in _section(plan))])


def _section(plan: Plan) -> Iterator[str]:
    table = plan.table
    yield f"### {table.name}"
    yield ""
    yield plan.says[:1].upper() + plan.says[1:] + "." + (f" Also `{table.alias}`." if table.alias else "")
    who = ", ".join(f"`{_name(plan, plan.columns[plan.at(name)])}`" for name in table.key)
    yield f"Who it is: {who}." if who else "There is one row, or none."
    if table.numbered:
        yield "`position` may be left out: rows then stand in the order in which they are given."
    for name, source in table.follows.items():
        yield f"`{name}` is not given: it follows from {source}."
    yield ""
    yield "| column | takes | |"
    yield "|---|---|---|"
    for column in plan.columns:
        if column.name not in table.follows:
            yield f"| {_bold(plan, column)} | {given.wanted(column).replace('|', '/')} | {_notes(plan, column)} |"
    yield ""


def _name(plan: Plan, column: Column) -> str:
    return next((word for word, name in plan.table.names.items() if name == column.name), column.name)


def _bold(plan: Plan, column: Column) -> str:
    names = [f"`{word}`" for word, name in plan.table.names.items() if name == column.name]
    own = f"`{column.name}`"
    said = f"{', '.join([*names, own])}"
    return f"**{said}**" if _must(plan, column) else said


def _must(plan: Plan, column: Column) -> bool:
    if f"{plan.table.name}.{column.name}" in _SAID and column.name != "qualified_name":
        return False
    return column.is_required and not (plan.table.numbered and column.name == "position")


# What the load fills in where the schema has no default.
_SAID = {
    "file_metadata.size": "default: the file's own",
    "file_metadata.mtime_secs": "default: the file's own",
    "file_metadata.content_hash": "default: the file's own",
    "file_metadata.language": "default: by its functions, else by its suffix",
    "functions.qualified_name": "or, with file and ordinal, `id`",
    "functions.language": "default: the file's",
    "function_calls.callee_id": "or callee_name",
    "function_calls.callee_symbol": "default: the callee's own name",
    "function_calls.resolution": "default: scanner",
    "function_calls.column_num": "default: where the line calls by that name",
    "function_data_access.field_name": "or `fields`, a list: a row for each",
    "data_access_points.function_id": "its accesses become rows of function_data_access, unless such rows tell of it",
    "data_models.fields": "become rows of data_fields",
}


def _notes(plan: Plan, column: Column) -> str:
    notes = [column.says.replace("|", "/")] if column.says else []
    if column.default == NOW:
        notes.append("default: the time of the load")
    elif column.has_default and column.default not in (None, UNSAID_COLUMN):
        shown = {"flag": "false" if not column.default else "true"}.get(column.form, str(column.default))
        notes.append(f"default: {shown}")
    said = _SAID.get(f"{plan.table.name}.{column.name}")
    if said is not None:
        notes.append(said)
    return "; ".join(notes)


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--check", action="store_true")
    if not asked.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") != page():
        print(f"{PAGE.name} is not what the program takes. Run `python docs/ingest.py`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
