"""One row of the predecessor on its way into today's table.

A record names columns as today's public tables do and refers to others as an ingest does: files by path, patterns and
contracts by id, functions by `path::qualified_name`. `fitter` brings its values into the form that each column takes,
without the secrets in them. Knows no database.
"""

from __future__ import annotations

import functools
import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple, TypeAlias

from drift_mcp.errors import DriftError
from drift_mcp.scan.secrets import names_secret, redact_code, redact_default, redact_prose
from drift_mcp.tables.public import Column, Value

# Who told of a row: so that no scan takes it for its own.
SOURCE: Final = "upgrade"


class Where(NamedTuple):
    """A place in what the predecessor left."""

    file: str  # relative to .drift, with '/'
    position: str  # such as `patterns[3].locations[7]`, or `row 12 of contracts`

    def __str__(self) -> str:
        return f"{self.file}, {self.position}" if self.position else self.file


class Record(NamedTuple):
    """`values`: column → value; what is not said is the column's default. `carried`: fields that no column holds."""

    table: str
    values: Mapping[str, Any]
    where: Where
    carried: Mapping[str, Any] = {}
    is_in_passing: bool = False  # told by what speaks of something else: any other telling of the row knows better


class Refused(NamedTuple):
    """A row that its converter could not read."""

    table: str
    where: Where
    reason: str


class Repeated(NamedTuple):
    """A row that the predecessor wrote a second time; `reason` says where and why."""

    table: str
    where: Where
    reason: str


class Note(NamedTuple):
    """What a person should know, and that cost no row."""

    text: str


Row: TypeAlias = Record | Refused | Repeated | Note


class Unfit(DriftError):
    """A value that its column cannot hold."""


_TIME: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]{1,9}))?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def moment(value: Any) -> str:
    """A time of the predecessor's as we write it. Its two forms are ISO 8601, and `YYYY-MM-DD HH:MM:SS`, which is UTC;
    some fields hold milliseconds since 1970."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            seconds = value / 1000 if abs(value) > 1e11 else value  # 1e11 seconds are the year 5138
            return _stamp(datetime.fromtimestamp(seconds, UTC))
        if isinstance(value, str):
            text = value.strip()
            if _TIME.fullmatch(text) or _DAY.fullmatch(text):
                read = datetime.fromisoformat(text.replace(" ", "T", 1).replace(",", "."))
                return _stamp(read if read.tzinfo is not None else read.replace(tzinfo=UTC))
    except (ValueError, OverflowError, OSError):
        pass  # the 31st of February, or a year that nobody reckons with
    raise Unfit(f"{shown(value)} is no time")


def _stamp(read: datetime) -> str:
    return read.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def path(value: Any, root: str | None) -> str:
    """A path as the store names files: from the project's root, with '/'. `root`: where the project lay when the
    predecessor wrote absolute paths."""
    if isinstance(value, str):
        return _path(value, root)
    raise Unfit(f"{shown(value)} is no path")


# Each file is named by many rows.
@functools.lru_cache(maxsize=65536)
def _path(value: str, root: str | None) -> str:
    if not value.strip() or "\0" in value:
        raise Unfit(f"{shown(value)} is no path")
    text = printable(value).replace("\\", "/")
    if root:
        prefix = root.replace("\\", "/").rstrip("/") + "/"
        text = text.removeprefix(prefix)
    while text.startswith("./"):
        text = text[2:]
    plain = PurePosixPath(text)
    if plain.is_absolute() or ".." in plain.parts or re.match(r"[A-Za-z]:/", text) or not plain.parts:
        raise Unfit(f"{shown(value)} lies outside the project")
    return str(plain)


# Brings a value that was told, and is not None, into the form of one column. Raises Unfit, saying what is wrong.
Fit: TypeAlias = Callable[[Any], Value]

# Columns that hold pieces of source text.
_CODE: Final = frozenset(("signature", "decorators", "snippet", "code", "context", "expected", "actual"))


def fitter(column: Column) -> Fit:
    """Made once for a column, and asked for every row."""
    match column.form:
        case "time":
            return moment
        case "day":
            return lambda value: moment(value)[:10]
        case "flag":
            return functools.partial(_flag, column)
        case "integer":
            return _integers(column)
        case "real":
            return _reals(column)
        case "choice":
            return functools.partial(_choice, column, frozenset(column.choices))
        case "json":
            return functools.partial(_json, column.name in _CODE)
        case "hash":
            return functools.partial(_hash, column)
        case "text":
            return functools.partial(_prose, column, column.name in _CODE)
        case _:  # a name, or a reference
            return functools.partial(_name, column)


def _flag(column: Column, value: Any) -> Value:
    if value in (0, 1):
        return int(value)
    raise Unfit(f"{column.name} is {shown(value)}, neither true nor false")


def _integers(column: Column) -> Fit:
    least = -math.inf if column.least is None else column.least
    most = math.inf if column.most is None else column.most

    def fit(value: Any) -> Value:
        whole = value
        if type(value) is float and value.is_integer():
            whole = int(value)
        if type(whole) is not int:
            raise Unfit(f"{column.name} is {shown(value)}, not a whole number")
        if not least <= whole <= most:
            raise Unfit(f"{column.name} is {shown(value)}, not between {column.least} and {column.most}")
        return whole

    return fit


def _reals(column: Column) -> Fit:
    least = -sys.float_info.max if column.least is None else column.least
    most = sys.float_info.max if column.most is None else column.most

    def fit(value: Any) -> Value:
        if type(value) not in (float, int):
            raise Unfit(f"{column.name} is {shown(value)}, not a number")
        if not least <= value <= most:  # also what is no number at all
            raise Unfit(f"{column.name} is {shown(value)}, not between {column.least} and {column.most}")
        return float(value)

    return fit


def _choice(column: Column, words: frozenset[str], value: Any) -> Value:
    if type(value) is str and value in words:
        return value
    raise Unfit(f"{column.name} is {shown(value)}, not one of {', '.join(column.choices)}")


def _json(is_code: bool, value: Any) -> Value:
    text = printable(value) if isinstance(value, str) and _is_json(value) else compact(value)
    return _LITERAL.sub(_code_literal, text) if is_code else without_secrets(text)


def _hash(column: Column, value: Any) -> Value:
    if isinstance(value, bytes):
        return value
    raise Unfit(f"{column.name} is {shown(value)}, not bytes")


def _prose(column: Column, is_code: bool, value: Any) -> Value:
    text = str(_name(column, value))
    return redact_prose(redact_code(text) if is_code else text)


def _name(column: Column, value: Any) -> Value:
    if type(value) is str:
        return printable(value)
    if type(value) in (int, float):
        return str(value)
    raise Unfit(f"{column.name} is {shown(value)}, which is no text")


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return False
    return True


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def compact(value: Any) -> str:
    """As JSON on one line. What JSON cannot say, such as infinity, is said as text."""
    try:
        return printable(_COMPACT.encode(value))
    except ValueError:
        return compact(json.loads(json.dumps(value, default=_said), parse_constant=str))
    except RecursionError as problem:
        raise Unfit("it is nested too deeply") from problem


def _said(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


_COMPACT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_said)


_LITERAL: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_PAIR: Final = re.compile(r'("(\w+)":)("(?:[^"\\]|\\.)*")')


def without_secrets(text: str) -> str:
    """JSON text without the tokens in its texts, without what stands under a name that says it is one, and without what
    looks like one in a piece of code."""
    text = _PAIR.sub(_named_literal, text)
    return text if redact_prose(text) == text else _LITERAL.sub(_plain_literal, text)


def _named_literal(found: re.Match[str]) -> str:
    if found[2] in _CODE:
        return found[1] + compact(redact_prose(redact_code(json.loads(found[3], strict=False))))
    # `key` names what tells things apart, far more often than a secret.
    if found[2] in ("key", "keys") or not names_secret(found[2]):
        return found[0]
    return found[1] + compact(redact_default(found[2], json.loads(found[3], strict=False)))


def _plain_literal(found: re.Match[str]) -> str:
    return compact(redact_prose(json.loads(found[0], strict=False)))


def _code_literal(found: re.Match[str]) -> str:
    return compact(redact_prose(redact_code(json.loads(found[0], strict=False))))


def printable(text: str) -> str:
    """`text` as SQLite and JSON can carry it: lone surrogates and NUL are no text."""
    if text.isascii():
        return text.replace("\0", "\ufffd") if "\0" in text else text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def shown(value: Any) -> str:
    """A value in a message: short, on one line, and without the secrets in it."""
    text = redact_prose(printable(value) if isinstance(value, str) else compact(value))
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:59] + "…")
