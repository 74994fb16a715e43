"""What another scanner tells: a header, and rows of the public tables, each checked where it comes in.

Knows what a row may say, and nothing of what the store holds. Whatever is refused says where it stands, what was given
and what is taken instead.
"""

from __future__ import annotations

import difflib
import json
import math
import posixpath
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple, TypeAlias

from drift_mcp.errors import DriftError
from drift_mcp.scan.secrets import REDACTED, redact_code, redact_default
from drift_mcp.tables import public
from drift_mcp.tables.functions import parse_public_id, public_id
from drift_mcp.tables.patterns import confidence_level
from drift_mcp.tables.public import Column, Plan, Value

Where: TypeAlias = int | str  # a line of the input, or words that say as much


class Header(NamedTuple):
    """What an input is: who tells, from which folder, and of what it tells all there is."""

    scanner: str  # 'name version'
    root: str = "."  # the folder that all paths start from, itself from the project's root
    complete: tuple[str, ...] = ()  # tables, or plain words for them, that this input is the whole truth for
    files: tuple[str, ...] | None = None  # limits what is replaced to these; None = every file

    @property
    def source(self) -> str:
        """The scanner's name without its version: the next version tells of the same things."""
        return self.scanner.split()[0]


class Row(NamedTuple):
    where: Where
    table: str
    columns: Mapping[str, object]


class Absent:
    """Stands for a column that a row says nothing of."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()

Given: TypeAlias = Value | Absent


class Spooled(NamedTuple):
    """A checked row: a value per column of its plan. Files are paths, functions public ids; the load knows numbers."""

    where: Where
    values: tuple[Given, ...]


def refused(where: Where, problem: str) -> DriftError:
    place = f"Line {where}" if isinstance(where, int) else where[:1].upper() + where[1:]
    return DriftError(f"{place}: {problem} Nothing was taken over; the store is as it was.")


def said(where: Where) -> str:
    """A place of the input, in the middle of a sentence."""
    return f"line {where}" if isinstance(where, int) else where


class Told:
    """The checked rows of one input. Used once, by one thread.

    All of them are kept in memory, because a row may name a function that a later row defines; `most_rows` bounds
    that."""

    # 200,000 functions with 1,200,000 calls took 870 MB, with all that the load makes of them: 600 bytes a row.
    MOST_ROWS: Final = 1_000_000

    def __init__(self, header: Header, *, most_rows: int = MOST_ROWS) -> None:
        self.header = header
        self._most_rows = most_rows
        self._paths = _Paths(_root(header.root))
        self.complete = frozenset(map(_table_named, header.complete))
        self.files = None if header.files is None else frozenset(map(self._own_path, header.files))
        if not header.scanner.split():
            raise refused(1, 'the header names no scanner. Give its name and version: "scanner": "name 1.0".')
        if header.source == "scan":
            raise refused(1, "a scanner named 'scan' would be taken for Drift's own. Give it another name.")
        self.rows: dict[str, list[Spooled]] = {}
        self.given: Counter[str] = Counter()  # table → rows, as they were given
        self.count = 0
        self._takers: dict[str, _Taker] = {}

    def take(self, row: Row) -> None:
        """Check a row and keep it. Raises DriftError for one that says what cannot be."""
        taker = self._takers.get(row.table)
        if taker is None:
            name = public.named(row.table)
            if name is None:
                raise refused(row.where, _no_table(row.table))
            taker = self._takers[row.table] = _Taker(public.plans()[name], self._paths)
            self.rows.setdefault(name, [])
        name = taker.plan.table.name
        self.rows[name] += taker.take(row.where, row.columns)
        self.given[name] += 1
        self.count += 1
        if self.count > self._most_rows:
            raise refused(
                row.where,
                f"one input holds {self._most_rows:,} rows at the most. Give it in parts, each naming its `files`.",
            )

    @property
    def functions(self) -> Collection[str]:
        """The public ids of all functions that rows point to."""
        return self._paths.functions.values()

    def _own_path(self, text: str) -> str:
        try:
            return self._paths.path(text)
        except ValueError as problem:
            raise refused(1, f"`files` names {shown(text)}; {problem}.") from problem


def _root(text: str) -> str:
    if text in (".", "./"):
        return ""
    try:
        return _Paths("").path(text.removesuffix("/"))
    except ValueError as problem:
        raise refused(1, f"`root` is {shown(text)}; {problem}.") from problem


def _table_named(word: str) -> str:
    name = public.named(word)
    if name is None:
        raise refused(1, f"`complete`: {_no_table(word)}")
    return name


def _no_table(word: str) -> str:
    if word in public.OWN:
        return f"the table {word!r} is Drift's own, and no other scanner writes it."
    return f"there is no table {shown(word)} that takes rows. {_nearest(word, public.words(), 'Tables')}"


def _nearest(word: str, known: Collection[str], noun: str) -> str:
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    return f"Nearest: {', '.join(near)}." if near else f"{noun}: {', '.join(sorted(known))}."


def shown(value: object) -> str:
    """A given value, short enough for one line of a message."""
    text = json.dumps(value, ensure_ascii=True, default=repr)
    return text if len(text) <= 80 else text[:76] + " …" + text[-1]


# Not `:` alone: a Windows drive and a public id would be read as another path.
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\\]|::|^[A-Za-z]:")


class _Paths:
    """Paths and public ids as they are given → as the store has them: from the project's root, each checked once."""

    def __init__(self, root: str) -> None:
        self._above = root + "/" if root else ""
        self._paths: dict[str, str] = {}
        self.functions: dict[str, str] = {}  # as given → public id
        self.names: dict[str, str] = {}  # public id → the bare name

    def path(self, text: object) -> str:
        found = self._paths.get(text) if type(text) is str else None
        if found is None:
            found = self._paths[str(text)] = self._checked(text)
        return found

    def folder(self, text: object) -> str:
        """The path of a folder; '.' is the root."""
        if text in (".", "./"):
            return self._above.removesuffix("/") or "."
        return self.path(text.removesuffix("/") if isinstance(text, str) else text)

    def _checked(self, text: object) -> str:
        given = _text(text)
        if not given:
            raise ValueError("a path is not empty")
        if _UNFIT.search(given):
            raise ValueError("a path has '/' between its parts, and no backslash, control character, '::' or drive")
        if given.startswith(("/", "~")):
            raise ValueError("a path starts from the header's `root`, not from '/'")
        path = posixpath.normpath(self._above + given)
        if given.endswith("/") or path == "." or path.startswith("../") or path == "..":
            raise ValueError("a path names a file inside the project")
        if any(part.lower() == ".drift" for part in path.split("/")):
            raise ValueError("what lies in .drift is Drift's own, no source")
        return path

    def function(self, text: object) -> str:
        found = self.functions.get(text) if type(text) is str else None
        if found is None:
            if type(text) is int:
                raise ValueError(_NO_NUMBERS)
            parts = parse_public_id(_text(text))
            if parts is None:
                raise ValueError("a function is named `path::Qualified.name`, with `#1`, … where several are named so")
            found = public_id(self.path(parts[0]), parts[1], parts[2])
            self.functions[str(text)] = found
            self.names[found] = re.split(r"[.:#]+", parts[1])[-1] or parts[1]
        return found

    def place(self, text: object) -> str:
        """`path:name:line` of a model or a constant, as v_constants says it."""
        if type(text) is int:
            raise ValueError(_NO_NUMBERS)
        parts = _text(text).rsplit(":", 2)
        if len(parts) != 3 or not parts[1] or not (parts[2].isascii() and parts[2].isdigit()):
            raise ValueError("it is named `path:name:line`")
        return f"{self.path(parts[0])}:{parts[1]}:{int(parts[2])}"


_NO_NUMBERS: Final = "numbers are Drift's own and mean nothing outside of one store: name it by its path or public id"


def _text(value: object) -> str:
    if type(value) is not str:
        raise ValueError("text is wanted")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as problem:
            raise ValueError("text holds whole characters, not half of a surrogate pair") from problem
    if "\0" in value:
        raise ValueError("text holds no NUL")
    return value


Check: TypeAlias = Callable[[object], Value]


class _Taker:
    """Checks rows of one table."""

    def __init__(self, plan: Plan, paths: _Paths) -> None:
        self.plan = plan
        self._paths = paths
        table = plan.table
        own = [column for column in plan.columns if column.name not in table.follows]
        self._slots: dict[str, tuple[int, Check | None, Check]] = {}
        for column in own:
            check = _check(column, paths)
            self._slots[column.name] = (plan.at(column.name), None if column.nullable else check, check)
        for word, name in table.names.items():
            self._slots[word] = self._slots[name]
        # What stands in for a key column that is left out; ABSENT where it must be given.
        self._key = [
            (plan.at(name), ABSENT if column.is_required else column.default)
            for name in table.key
            for column in (plan.columns[plan.at(name)],)
        ]
        self._blank: list[Given] = [ABSENT] * len(plan.columns)
        self._end = _span(plan)
        self._extra = _EXTRA.get(table.name)
        if table.name == "function_calls":
            self._of_calls = tuple(map(plan.at, ("callee_id", "callee_symbol", "resolution", "reason")))

    def take(self, where: Where, columns: Mapping[str, object]) -> list[Spooled]:
        values = self._blank.copy()
        slots = self._slots
        beside: dict[str, object] | None = None
        for name, value in columns.items():
            slot = slots.get(name)
            if slot is None:
                beside = beside or {}
                beside[name] = value
                continue
            place, required, check = slot
            if value is None:
                if required is not None:
                    raise self._wrong(where, name, value, "it is never null: leave it out for its default")
                found: Given = None
            else:
                try:
                    found = check(value)
                except ValueError as problem:
                    raise self._wrong(where, name, value, str(problem)) from problem
            if values[place] is not ABSENT and values[place] != found:
                raise refused(
                    where, f"{self.plan.table.name}.{self.plan.columns[place].name} is said twice, and differently."
                )
            values[place] = found
        listed: list[str] | None = None
        if beside is not None:
            listed = self._beside(where, beside, values)
        if self._extra is not None:
            self._extra(self, where, values)
        for place, default in self._key:
            if values[place] is ABSENT:
                if default is ABSENT:
                    raise self._missing(where, place)
                values[place] = default
        if self._end is not None:
            self._check_span(where, values, *self._end)
        if listed is None:
            return [Spooled(where, tuple(values))]
        return self._by_field(where, values, listed)

    # -- what is no column, but says the same in another way

    def _beside(self, where: Where, given: dict[str, object], values: list[Given]) -> list[str] | None:
        table, plan = self.plan.table, self.plan
        listed: list[str] | None = None
        for name, value in given.items():
            if name in table.follows:
                raise refused(where, f"{table.name}.{name} is not given: it follows from {table.follows[name]}.")
            if name == "id" and table.name == "functions":
                self._put_identity(where, value, values)
            elif name == "id" and table.public_id:
                self._check_id(where, value, values)
            elif name == plan.number or name == "key":
                raise self._wrong(where, name, value, _NO_NUMBERS)
            elif table.name == "function_calls" and name == "resolved":
                self._put_resolved(where, value, values)
            elif table.name == "function_data_access" and name == "fields":
                listed = self._listed(where, value)
            else:
                known = [word for word in self._slots if word not in table.names.values()] + list(table.names.values())
                if plan.table.name == "functions" or table.public_id:
                    known.append("id")
                raise refused(
                    where, f"{table.name} has no column {shown(name)}. {_nearest(name, sorted(set(known)), 'Columns')}"
                )
        return listed

    def _put_identity(self, where: Where, value: object, values: list[Given]) -> None:
        try:
            path, name, ordinal = parse_public_id(self._paths.function(value)) or ("", "", 0)
        except ValueError as problem:
            raise self._wrong(where, "id", value, str(problem)) from problem
        for column, part in (("file_id", path), ("qualified_name", name), ("ordinal", ordinal)):
            place = self.plan.at(column)
            if values[place] is not ABSENT and values[place] != part:
                raise self._wrong(where, "id", value, f"but its {column} is said to be {shown(values[place])}")
            values[place] = part

    def _check_id(self, where: Where, value: object, values: list[Given]) -> None:
        parts = [values[self.plan.at(name)] for name in self.plan.table.public_id]
        parts = [
            0 if part is ABSENT and name == "column_num" else part
            for part, name in zip(parts, self.plan.table.public_id, strict=True)
        ]
        if type(value) is int:
            raise self._wrong(where, "id", value, _NO_NUMBERS)
        if ABSENT in parts:
            return  # what is missing is told in a moment
        path, *rest = map(str, parts)
        said, colon, behind = str(value).partition(":")
        try:
            same = colon and self._paths.path(said) == path and behind == ":".join(rest)
        except ValueError:
            same = False
        if not same:
            raise self._wrong(where, "id", value, f"by its columns it is {shown(':'.join([path, *rest]))}")

    def _put_resolved(self, where: Where, value: object, values: list[Given]) -> None:
        """Whether a function of the project is called there, which `callee_id` says too."""
        try:
            resolved = _flag(value)
        except ValueError as problem:
            raise self._wrong(where, "resolved", value, str(problem)) from problem
        callee, resolution = self.plan.at("callee_id"), self.plan.at("resolution")
        if bool(resolved) != (values[callee] is not ABSENT and values[callee] is not None):
            raise self._wrong(where, "resolved", value, "it says whether there is a callee_id")
        if not resolved and values[resolution] is ABSENT:
            values[resolution] = "unresolved"

    def _listed(self, where: Where, value: object) -> list[str]:
        try:
            found = json.loads(value) if isinstance(value, str) else value
            if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
                raise ValueError("a list of texts is wanted")
            return list(dict.fromkeys(map(_text, found)))
        except ValueError as problem:
            raise self._wrong(where, "fields", value, "a list of texts is wanted") from problem

    def _by_field(self, where: Where, values: list[Given], fields: list[str]) -> list[Spooled]:
        """v_function_data_access gives one row with a list; the table has one per field, and one for whole rows."""
        field, whole = self.plan.at("field_name"), self.plan.at("whole_row")
        if values[field] is not None:
            raise refused(where, "function_data_access is given `fields` and field_name: one of them says it all.")
        rows = []
        for each in fields:
            values[field], taken = each, values[whole]
            rows.append(Spooled(where, tuple(0 if place == whole else value for place, value in enumerate(values))))
            values[field], values[whole] = None, taken
        return rows if fields and not values[whole] else [*rows, Spooled(where, tuple(values))]

    # -- what is wrong

    def _wrong(self, where: Where, name: str, value: object, wanted: str) -> DriftError:
        return refused(where, f"{self.plan.table.name}.{name} is {shown(value)}; {wanted}.")

    def _missing(self, where: Where, place: int) -> DriftError:
        column = self.plan.columns[place]
        return refused(where, f"{self.plan.table.name} wants {names_of(self.plan, column)}: {wanted(column)}.")

    def _check_span(self, where: Where, values: list[Given], first_at: int, last_at: int) -> None:
        first, last = values[first_at], values[last_at]
        if isinstance(first, int) and isinstance(last, int) and last < first:
            name = self.plan.columns[last_at].name
            raise self._wrong(where, name, last, f"it ends before it begins, at {first}")

    def functions_row(self, where: Where, values: list[Given]) -> None:
        name = values[self._key[1][0]]
        if isinstance(name, str) and "#" in name and re.search(r"#\d+$", name):
            raise self._wrong(where, "qualified_name", name, "which of several it is, `ordinal` says")

    def calls_row(self, where: Where, values: list[Given]) -> None:
        """What is called, by whose word: the callee's own name and the scanner's word where nothing else is said."""
        callee_at, symbol_at, way_at, reason_at = self._of_calls
        callee, way = values[callee_at], values[way_at]
        if callee.__class__ is str:
            if way in ("unresolved", "external", "builtin"):
                raise self._wrong(where, "resolution", way, f"but callee_id says that it is {shown(callee)}")
            if values[symbol_at] is ABSENT:
                values[symbol_at] = self._paths.names[str(callee)]
        elif values[symbol_at] is ABSENT:
            raise refused(
                where, "function_calls wants callee_id, a function's id, or callee_name, what the code calls."
            )
        if values[reason_at].__class__ is str and way != "unresolved":
            raise self._wrong(where, "reason", values[reason_at], "only a call with resolution 'unresolved' has one")
        if way is ABSENT:
            values[way_at] = "scanner"

    def defaults_row(self, where: Where, values: list[Given]) -> None:
        """A secret does not reach the store, also when another scanner did not see that it is one."""
        at = self.plan.places
        name = values[at["var_name" if "var_name" in at else "name"]]
        default = values[at["default_value"]]
        if isinstance(name, str) and isinstance(default, str):
            kept = redact_default(name, default)
            if kept != default:
                values[at["default_value"]], values[at["is_redacted"]] = kept, 1

    def constants_row(self, where: Where, values: list[Given]) -> None:
        at = self.plan.places
        name, value = values[at["name"]], values[at["value"]]
        if isinstance(name, str) and isinstance(value, str):
            if values[at["is_secret"]] == 1:
                values[at["value"]] = REDACTED
            elif redact_default(name, value) != value:
                values[at["value"]], values[at["is_secret"]] = REDACTED, 1

    def patterns_row(self, where: Where, values: list[Given]) -> None:
        """How sure is said twice, as a number and as a word; the number alone says it too."""
        at = self.plan.places
        score = values[at["confidence_score"]]
        if isinstance(score, float) and values[at["confidence_level"]] is ABSENT:
            values[at["confidence_level"]] = confidence_level(score)


_EXTRA: Final[Mapping[str, Callable[[_Taker, Where, list[Given]], None]]] = {
    "functions": _Taker.functions_row,
    "function_calls": _Taker.calls_row,
    "env_variables": _Taker.defaults_row,
    "env_access_points": _Taker.defaults_row,
    "constants": _Taker.constants_row,
    "patterns": _Taker.patterns_row,
}


def _span(plan: Plan) -> tuple[int, int] | None:
    """The columns of a first and a last line."""
    places = plan.places
    if "end_line" not in places:
        return None
    return places["start_line" if "start_line" in places else "line"], places["end_line"]


def names_of(plan: Plan, column: Column) -> str:
    """A column by all its names."""
    return " or ".join([*(word for word, name in plan.table.names.items() if name == column.name), column.name])


def wanted(column: Column) -> str:
    """What a column takes, in words."""
    return {
        "text": "a text",
        "integer": _range(column, "a whole number"),
        "real": _range(column, "a number"),
        "flag": "true or false",
        "json": {"texts": "a JSON list of texts", "list": "a JSON list", "object": "a JSON object", "any": "JSON"}[
            column.shape
        ],
        "time": "a time as ISO 8601 has it, with its zone: 2026-01-31T12:00:00.000Z",
        "day": "a day: 2026-01-31",
        "hash": "32 hexadecimal digits",
        "choice": "one of " + ", ".join(column.choices),
        "path": "the path of a file, from the header's `root`",
        "folder": "the path of a folder, from the header's `root`",
        "file": "the path of a file, from the header's `root`",
        "function": "a function's id, `path::Qualified.name`",
        "reference": f"the {_PARENTS.get(column.refers or '', 'id')} of a row of {column.refers}",
        "place": f"`path:name:line` of a row of {column.refers}",
        "symbol": "the name of what is called, dotted when it lies outside",
    }[column.form]


_PARENTS: Final = {"env_variables": "name"}


def _range(column: Column, noun: str) -> str:
    least, most = column.least, column.most
    if least is None or most is None or least < -(2**31):
        return noun
    if column.form == "real":
        return f"{noun} from {least:g} to {most:g}"
    # Of the bounds that only keep numbers sound, a message speaks when one is passed.
    return f"{noun} from {least:,}" + (f" to {most:,}" if most < 2**31 - 1 else "")


def _check(column: Column, paths: _Paths) -> Check:
    """What makes a given value one that the store takes, or raises ValueError saying what it takes."""
    said = wanted(column)
    if column.form in ("path", "file"):
        return paths.path if column.form == "path" else _numberless(paths.path)
    if column.form == "folder":
        return paths.folder
    if column.form == "function":
        return paths.function
    if column.form == "place":
        return paths.place
    if column.form == "integer":
        return _integers(said, column.least, column.most)
    if column.form == "real":
        return _reals(said, column.least, column.most)
    if column.form == "choice":
        return _choices(said, frozenset(column.choices))
    if column.form == "json":
        return _jsons(said, column.shape, column.name in _CODE)
    if column.form == "flag":
        return _flag
    if column.form in ("reference", "symbol"):
        return _names
    if column.form in _PARSED:
        return _parsed(said, _PARSED[column.form])
    if column.name in _CODE:
        return _code
    return _names if column.is_required else _text


def _numberless(check: Check) -> Check:
    def checked(value: object) -> Value:
        if type(value) is int:
            raise ValueError(_NO_NUMBERS)
        return check(value)

    return checked


def _names(value: object) -> str:
    if type(value) is int:
        raise ValueError("text is wanted, no number")
    text = _text(value)
    if not text:
        raise ValueError("it is not empty")
    return text


def _integers(said: str, least: float | None, most: float | None) -> Check:
    assert least is not None and most is not None, "every whole number has its bounds"

    def checked(value: object) -> int:
        if type(value) is int and least <= value <= most:
            return value
        raise ValueError(
            f"{said} is wanted" + (f", {most:,} at the most" if type(value) is int and value > most else "")
        )

    return checked


def _reals(said: str, least: float | None, most: float | None) -> Check:
    bottom, top = (-math.inf if least is None else least), (math.inf if most is None else most)

    def checked(value: object) -> float:
        if type(value) in (int, float) and bottom <= value <= top:  # type: ignore[operator]  # a number by its type
            try:
                number = float(value)  # type: ignore[arg-type]  # the same
            except OverflowError:
                number = math.inf
            if math.isfinite(number):
                return number
        raise ValueError(f"{said} is wanted")

    return checked


def _choices(said: str, words: frozenset[str]) -> Check:
    def checked(value: object) -> str:
        if type(value) is str and value in words:
            return value
        raise ValueError(f"{said} is wanted")

    return checked


def _flag(value: object) -> int:
    if value is True or value is False or (type(value) is int and value in (0, 1)):
        return int(value)
    raise ValueError("true or false is wanted")


# Columns that hold pieces of source text, where secrets stand in literals.
_CODE: Final = ("signature", "decorators", "snippet", "code", "context", "expected", "actual")


def _code(value: object) -> str:
    return redact_code(_text(value))


def _jsons(said: str, shape: str, is_code: bool) -> Check:
    def checked(value: object) -> str:
        found: Any = value
        if type(value) is str:
            try:
                found = json.loads(_text(value), parse_constant=_no_constant)
            except (ValueError, RecursionError) as problem:
                raise ValueError(f"{said} is wanted, as JSON or as its text") from problem
        if (shape in ("list", "texts") and type(found) is not list) or (shape == "object" and type(found) is not dict):
            raise ValueError(f"{said} is wanted")
        if shape == "texts" and not all(type(each) is str for each in found):
            raise ValueError(f"{said} is wanted")
        if is_code and type(found) is list:
            found = [_code(each) if type(each) is str else each for each in found]
        elif type(value) is str:
            return value
        try:
            return _text(json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":")))
        except (TypeError, RecursionError) as problem:
            raise ValueError(f"{said} is wanted") from problem

    return checked


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _time(text: str) -> str:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or len(text) < len("2026-01-31T12:00Z"):
        raise ValueError("no zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _day(text: str) -> str:
    if len(text) != len("2026-01-31"):
        raise ValueError("another form of a day")
    return date.fromisoformat(text).isoformat()


def _hash(text: str) -> bytes:
    if not re.fullmatch("[0-9a-fA-F]{32}", text):
        raise ValueError("no such digits")
    return bytes.fromhex(text)


_PARSED: Final[Mapping[str, Callable[[str], Value]]] = {"time": _time, "day": _day, "hash": _hash}


def _parsed(said: str, parse: Callable[[str], Value]) -> Check:
    def checked(value: object) -> Value:
        try:
            return parse(_text(value))
        except (ValueError, OverflowError) as problem:
            raise ValueError(f"{said} is wanted") from problem

    return checked


def texts_in(text: str) -> list[str]:
    """The texts of a checked JSON list, each once."""
    return list(dict.fromkeys(map(str, json.loads(text))))


def checked(header: Header, rows: Iterable[Row]) -> Told:
    """All rows of an input, checked. Raises DriftError at the first that cannot be, and for an input that says
    nothing."""
    told = Told(header)
    for row in rows:
        told.take(row)
    if not told.count and (told.files is None or not told.complete):
        # A header alone that is complete for every file would empty the store: more likely its scanner died.
        raise refused(
            1,
            "no row follows the header. To say that there is nothing, name the `files` that were read and what is "
            "`complete` for them.",
        )
    return told
