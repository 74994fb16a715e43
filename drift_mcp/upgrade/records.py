"""One row of the predecessor on its way into today's table.

A record names columns as today's public tables do and refers to others as an ingest does: files by path, patterns and
contracts by id, functions by `path::qualified_name`. `fitted` brings its values into the form that each column takes.
Knows no database.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Final, NamedTuple

from drift_mcp.errors import DriftError
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


class Unfit(DriftError):
    """A value that its column cannot hold."""


_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d+))?(Z|[+-]\d\d:?\d\d)?")


def moment(value: Any) -> str:
    """A time of the predecessor's as we write it. Its two forms are ISO 8601, and `YYYY-MM-DD HH:MM:SS`, which is UTC;
    some fields hold milliseconds since 1970."""
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        seconds = value / 1000 if value > 1e11 else value  # 1e11 seconds are the year 5138
        return _stamp(datetime.fromtimestamp(seconds, UTC))
    if isinstance(value, str):
        text = value.strip()
        if _TIME.fullmatch(text):
            read = datetime.fromisoformat(text.replace(" ", "T", 1).replace(",", "."))
            return _stamp(read if read.tzinfo is not None else read.replace(tzinfo=UTC))
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return f"{text}T00:00:00.000Z"
    raise Unfit(f"{shown(value)} is no time")


def _stamp(read: datetime) -> str:
    utc = read.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def path(value: Any, root: str | None) -> str:
    """A path as the store names files: from the project's root, with '/'. `root`: where the project lay when the
    predecessor wrote absolute paths."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise Unfit(f"{shown(value)} is no path")
    text = value.replace("\\", "/")
    if root:
        prefix = root.replace("\\", "/").rstrip("/") + "/"
        text = text.removeprefix(prefix)
    while text.startswith("./"):
        text = text[2:]
    plain = PurePosixPath(text)
    if plain.is_absolute() or ".." in plain.parts or re.match(r"[A-Za-z]:/", text) or not text:
        raise Unfit(f"{shown(value)} lies outside the project")
    return str(plain)


def fitted(column: Column, value: Any) -> Value:
    """`value` as the column holds it. Raises Unfit, saying what it is and what it should be."""
    if value is None:
        if column.nullable:
            return None
        if column.has_default:
            return column.default
        raise Unfit(f"{column.name} is missing")
    match column.form:
        case "time":
            return moment(value)
        case "day":
            return moment(value)[:10]
        case "flag":
            if value in (0, 1, True, False):
                return int(value)
        case "integer":
            if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
                raise Unfit(f"{column.name} is {shown(value)}, not a whole number")
            return int(_within(column, int(value)))
        case "real":
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise Unfit(f"{column.name} is {shown(value)}, not a number")
            return float(_within(column, value))
        case "choice":
            if value in column.choices:
                return str(value)
            raise Unfit(f"{column.name} is {shown(value)}, not one of {', '.join(column.choices)}")
        case "json":
            return value if isinstance(value, str) and _is_json(value) else compact(value)
        case "hash":
            if isinstance(value, bytes):
                return value
        case "text" | "path" | "folder" | "file" | "function" | "reference" | "place" | "symbol":
            if isinstance(value, str):
                return printable(value)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return str(value)
    raise Unfit(f"{column.name} is {shown(value)}, which it cannot hold")


def _within(column: Column, value: float) -> float:
    if (column.least is not None and value < column.least) or (column.most is not None and value > column.most):
        raise Unfit(f"{column.name} is {value}, not between {column.least} and {column.most}")
    return value


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def compact(value: Any) -> str:
    return printable(json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False))


def printable(text: str) -> str:
    """`text` as SQLite and JSON can carry it: lone surrogates and NUL are no text."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def shown(value: Any) -> str:
    """A value in a message: short, and on one line."""
    text = printable(value if isinstance(value, str) else compact(value))
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:59] + "…")
