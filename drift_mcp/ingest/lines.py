"""JSON Lines, one object a line: a header, then a row each. Knows the writing, and nothing of what is written.

Reads as it goes. A line that is not what it should be is told by its number, and ends the reading.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

from drift_mcp import jsonl
from drift_mcp.ingest.given import Header, Row, refused

VERSION: Final = 1
_HEADER: Final = '{"drift_facts": 1, "scanner": "name version", "root": ".", "complete": ["functions"], "files": […]}'


def read(stream: BinaryIO, *, on_read: Callable[[int], None] | None = None) -> tuple[Header, Iterator[Row]]:
    """The header, and the rows as they are read. `on_read` is told how many bytes were read so far.

    Raises DriftError, at once or while rows are read, with the number of the line that is malformed."""
    first = stream.readline(jsonl.MOST_BYTES + 1)
    if not first.strip():
        raise refused(
            1, f"the input {'is empty' if not first else 'begins with an empty line'}. It begins with {_HEADER}"
        )
    header = _header(_parsed(1, first))
    return header, _rows(stream, len(first), on_read)


def _rows(stream: BinaryIO, read_bytes: int, on_read: Callable[[int], None] | None) -> Iterator[Row]:
    number = 1
    while line := stream.readline(jsonl.MOST_BYTES + 1):
        number += 1
        columns = _parsed(number, line)
        table = columns.pop("table", None)
        if type(table) is not str:
            raise refused(number, 'a row names its table: {"table": "functions", …}.')
        read_bytes += len(line)
        if on_read is not None and not number % 1_000:
            on_read(read_bytes)
        yield Row(number, table, columns)


def _parsed(number: int, line: bytes) -> dict[str, Any]:
    try:
        return jsonl.parsed(line)
    except jsonl.Malformed as problem:
        raise refused(number, str(problem)) from problem


def _header(told: dict[str, Any]) -> Header:
    version = told.pop("drift_facts", None)
    if type(version) is not int or version != VERSION:
        given = "names no version" if version is None else f"is of version {json.dumps(version)}"
        raise refused(1, f"the header {given}; this program reads {VERSION}: {_HEADER}")
    header = Header(
        _text(told, "scanner", None),
        _text(told, "root", "."),
        _texts(told, "complete") or (),
        _texts(told, "files"),
    )
    if told:
        known = "drift_facts, scanner, root, complete, files"
        raise refused(1, f"the header has {', '.join(map(json.dumps, told))}; it knows {known}.")
    return header


def _text(told: dict[str, Any], name: str, default: str | None) -> str:
    value = told.pop(name, default)
    if type(value) is not str:
        raise refused(1, f"the header's `{name}` is {json.dumps(value)}; a text is wanted: {_HEADER}")
    return value


def _texts(told: dict[str, Any], name: str) -> tuple[str, ...] | None:
    value = told.pop(name, None)
    if value is None:
        return None
    if type(value) is not list or not all(type(each) is str for each in value):
        raise refused(1, f"the header's `{name}` is a list of texts: {_HEADER}")
    return tuple(value)
