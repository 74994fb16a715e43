"""The call graph of the predecessor's native scanner: `lake/callgraph/callgraph.db`.

- A function is named there by its file, name and line. Which of equal names in a file is the first, the lines tell.
- How sure a call is says how it was decided: 0.95 in the same file, 0.8 as the only one of its name, 0.4 as the first
  of several. The last decided nothing: it becomes an unresolved call, and the guess is carried along.
- Only the lines of calls are known. Calls of one function in one line stay as many, in the order in which they stand.
- A place that touches data is one place, and one access of its function for each field.
"""

from __future__ import annotations

import contextlib
import json
import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from drift_mcp.scan import languages
from drift_mcp.store import elsewhere
from drift_mcp.tables.functions import public_id
from drift_mcp.upgrade.fields import Fields, kept, rows
from drift_mcp.upgrade.records import Record, Refused, Row, Unfit, Where, path, shown
from drift_mcp.upgrade.sources import Source

_TABLES: Final = ("functions", "calls", "data_access", "metadata")
# Languages that the predecessor read and today's scan does not, by their suffixes.
_LANGUAGES: Final = {
    ".java": "java", ".cs": "csharp", ".php": "php", ".go": "go", ".rs": "rust", ".c": "c", ".h": "cpp", ".cc": "cpp",
    ".cpp": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".rb": "ruby", ".kt": "kotlin", ".swift": "swift",
}  # fmt: skip
# What the newer store called every language.
_ALWAYS: Final = "typescript"
_SAME_FILE: Final = 0.9
_ONLY_ONE: Final = 0.5
_CONSTRUCTORS: Final = frozenset(("constructor", "__init__", "__construct"))


def records(source: Source, scratch: Path, root: str | None) -> Iterator[Row]:
    """Every function, call and access. `scratch`: a folder for the copy that is read. Raises DriftError, before any
    row, when the file is no database or damaged."""
    with elsewhere.copied(source.path, scratch) as db:
        there = elsewhere.tables(db)
        told = {name: _read(source, db, name) for name in _TABLES if name in there}
        others = {name: [dict(row) for _, row in _read(source, db, name)] for name in there if name not in _TABLES}
    functions = Functions(told.get("functions", ()), root)
    yield from rows("functions", root, functions.told, functions.record)
    yield from rows("function_calls", root, told.get("calls", ()), Calls(functions).record)
    for where, row in told.get("data_access", ()):
        yield from _access(where, row, functions, root)
    for where, row in told.get("metadata", ()):
        if any(value not in (None, "") for name, value in row.items() if name != "key"):
            yield kept(where, row)
    for name, more in others.items():
        if more:
            yield kept(Where(source.name, name), {"rows": more})


def _read(source: Source, db: apsw.Connection, table: str) -> list[tuple[Where, dict[str, Any]]]:
    return [
        (Where(source.name, f"row {number} of {table}"), row) for number, row in enumerate(elsewhere.rows(db, table), 1)
    ]


class Functions:
    """The functions by the predecessor's ids. Never changes. Its newer store knew more of each: what that is, a row of
    this one does not have."""

    def __init__(self, told: Sequence[tuple[Where, dict[str, Any]]], root: str | None) -> None:
        self.told = told
        self.ids: dict[Any, str] = {}  # the predecessor's id → today's
        self._ordinals: dict[Where, int] = {}
        named: defaultdict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        for position, (_, row) in enumerate(told):
            name, line = row.get("name"), row.get("start_line")
            if isinstance(name, str) and isinstance(line, int):
                with contextlib.suppress(Unfit):
                    named[path(row.get("file"), root), name].append((line, position))
        for (file, name), places in named.items():
            for ordinal, (_, position) in enumerate(sorted(places)):
                where, row = told[position]
                self._ordinals[where] = ordinal
                self.ids[row.get("id")] = public_id(file, name, ordinal)

    def of(self, said: Any) -> str:
        """Raises Unfit when there is no such function."""
        found = self.ids.get(said)
        if found is None:
            raise Unfit(f"{shown(said)} is none of its functions")
        return found

    def record(self, where: Where, told: Fields) -> Record:
        told.take("id")
        file, name = told.path("file"), told.text("name")
        first, last = told.take("start_line"), told.take("end_line")
        roles = {role: 1 for role in ("is_entry_point", "is_data_accessor") if told.take(role)}
        language = _language(file)
        if (said := told.take("language")) not in (None, language, _ALWAYS):
            told.leave("language", said)
        is_over = isinstance(first, int) and isinstance(last, int) and last >= first
        bare = re.split(r"[.:\\]+", name or "")[-1] or name
        values = {
            "file_id": file,
            "qualified_name": name,
            "ordinal": self._ordinals.get(where, 0),
            "name": bare,
            "kind": "function",
            "start_line": first,
            "end_line": last if is_over else first,
            "language": language,
            "signature": told.take("signature"),
            "parameters": told.take("parameters"),
            "decorators": told.take("decorators"),
            "is_exported": told.take("is_exported"),
            "is_async": told.take("is_async"),
            "is_constructor": told.take("is_constructor") or bare in _CONSTRUCTORS,
        }
        carried = told.rest() | roles
        if not is_over and last is not None:
            carried["end_line"] = last
        return Record("functions", values, where, carried)


def _language(file: str) -> str:
    known, suffix = languages.of_path(file), posixpath.splitext(file)[1].lower()
    return known.name if known is not None else _LANGUAGES.get(suffix, suffix.removeprefix(".") or "unknown")


class Calls:
    """Counts the calls of one function in one line as it goes. Used once."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._counts: Counter[tuple[str, Any]] = Counter()

    def record(self, where: Where, told: Fields) -> Record:
        told.take("id")
        caller = self._functions.of(told.take("caller_id"))
        line, guess, confidence = told.take("line"), told.take("resolved_id"), told.take("confidence")
        callee, target = self._functions.ids.get(guess), told.text("target")
        way = _way(caller, callee, confidence if isinstance(confidence, int | float) else 0.0)
        column, arguments = told.take("column_num"), told.take("argument_count")
        carried = told.rest()
        if way == "unresolved" and guess is not None:
            carried |= {"resolved_id": callee or guess, "confidence": confidence}
        values = {
            "caller_id": caller,
            "line": line,
            "column_num": column or self._counts[caller, line],
            "argument_count": arguments,
            "callee_id": None if way == "unresolved" else callee,
            "callee_symbol": target,
            "resolution": way,
            "reason": None if way != "unresolved" else "not_found" if callee is None else "too_many",
        }
        self._counts[caller, line] += 1
        return Record("function_calls", values, where, carried)


def _way(caller: str, callee: str | None, confidence: float) -> str:
    if callee is None or confidence <= _ONLY_ONE:
        return "unresolved"
    is_near = caller.partition("::")[0] == callee.partition("::")[0]
    return "same_file" if is_near and confidence >= _SAME_FILE else "unique"


def _access(where: Where, row: Mapping[str, Any], functions: Functions, root: str | None) -> Iterator[Row]:
    """As a place that touches data, and as what its function does there."""
    told = list(accesses(where, row, functions, root))
    if isinstance(told[0], Record):
        said = told[0].values
        place = {name: said[name] for name in ("function_id", "table_name", "operation", "line")}
        fields = [each.values["field_name"] for each in told if isinstance(each, Record) and each.values["field_name"]]
        file = str(said["function_id"]).partition("::")[0]
        yield Record("data_access_points", {**place, "file_id": file, "fields": fields}, where)
    yield from told


def accesses(
    where: Where, row: Mapping[str, Any], functions: Functions, root: str | None
) -> Iterator[Record | Refused]:
    """What a function does with a table, once for each field that is named."""
    told = Fields(row, root)
    told.take("id")
    try:
        function = functions.of(told.take("function_id"))
    except Unfit as problem:
        yield Refused("function_data_access", where, f"{problem}.")
        return
    fields, operation = _fields(told), told.text("operation")
    values = {
        "function_id": function,
        "table_name": told.text("table_name"),
        "operation": None if operation is None else operation.lower(),
        "line": told.take("line"),
        "confidence": told.take("confidence"),
    }
    carried = told.rest()
    for field in fields or (None,):
        yield Record("function_data_access", {**values, "field_name": field}, where, carried)


def _fields(told: Fields) -> list[str]:
    """The names of columns, which stand there as JSON. What is none is left to the rest."""
    text = told.text("fields") or "[]"
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return list(dict.fromkeys(found))
    told.leave("fields", text)
    return []
