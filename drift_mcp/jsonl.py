"""One line of JSON Lines: an object, as UTF-8. Knows the writing, and nothing of what is written."""

from __future__ import annotations

import json
from typing import Any, Final

# A row with a piece of code in it has some kilobytes; the longest line is the header of a large project, with the
# paths of 100,000 files. What is longer is no such line, and is not read to its end.
MOST_BYTES: Final = 16 * 1024 * 1024


class Malformed(Exception):
    """A line that holds no object; the message says why, as a sentence that begins after a colon. `is_blank`: because
    it holds nothing at all."""

    def __init__(self, message: str, *, is_blank: bool = False) -> None:
        super().__init__(message)
        self.is_blank = is_blank


def parsed(line: bytes, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """The object that a line holds; `line` was read up to one byte more than `most_bytes`. Raises Malformed."""
    if len(line) > most_bytes:
        raise Malformed(f"it is longer than {most_bytes >> 20} MB, and no row is.")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Malformed(f"byte {problem.start + 1} is no UTF-8. JSON Lines are UTF-8 text.") from problem
    if text.startswith("\ufeff"):
        raise Malformed("it begins with a byte order mark. Write UTF-8 without one.")
    if not text.strip():
        raise Malformed("it is empty. Each line is one JSON object.", is_blank=True)
    try:
        found = _DECODER.decode(text)
    except json.JSONDecodeError as problem:
        cut = " (cut off?)" if not line.endswith(b"\n") else ""
        raise Malformed(f"no JSON at column {problem.colno}{cut}: {problem.msg}.") from problem
    except RecursionError as problem:
        raise Malformed("it is nested too deeply.") from problem
    except ValueError as problem:
        raise Malformed(f"no JSON: {problem}.") from problem
    if type(found) is not dict:
        raise Malformed("it is no JSON object.")
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{json.dumps(twice)} stands in it twice")
    return found


def _constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
