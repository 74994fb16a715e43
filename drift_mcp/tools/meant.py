"""What an asker means: the function, place or file behind the words of a question.

Never guesses: several that fit are several candidates, and none is an error with the nearest names.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.tables import about, lookup
from drift_mcp.tables.lookup import Function
from drift_mcp.tools.answer import Row, Section, clip, count, place


class NotFound(DriftError):
    """There is no such function, file or table in what was scanned. A scan may have been too early to see it."""


def function(db: apsw.Connection, text: str, file: str | None = None, line: int | None = None) -> list[Function]:
    """The functions that the words fit best: one when it is clear, several when it is not. Raises DriftError for
    none."""
    spot = _PLACE.fullmatch(text.strip())
    if spot is not None and "::" not in text:
        return [at(db, spot["file"], int(spot["line"]))]
    if file is None and line is not None:
        raise DriftError("`line` says which one in a file: give `file`, too.")
    found = lookup.named(db, text.strip())
    if not found:
        raise NotFound(_no_function(db, text))
    if file is None:
        return found
    path = files_meant(db, file)
    inside = [one for one in found if one.file in path]
    if not inside:
        raise NotFound(
            f"No {clip(text, 80)!r} in {clip(file, 80)}. "
            f"It is in: {', '.join(place(one.file, one.start_line) for one in found[:_NEAREST])}."
        )
    if line is not None:
        around = [one for one in inside if one.start_line <= line <= one.end_line]
        return around or inside
    return inside


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of code: one function, or all that a file defines. Ambiguous ones are candidates instead."""

    said: str
    functions: list[Function]
    ambiguous: bool = False


def code(db: apsw.Connection, target: str) -> Code:
    """The function, the function at a place, or all of a file. Raises DriftError for none."""
    path, _, line = target.strip().rpartition(":")
    if "::" not in target and not (path and line.isdigit()) and _looks_like_a_file(target):
        (file,) = one_file(db, target)
        inside = lookup.in_file(db, file)
        if not inside:
            raise _no_code(file)
        return Code(file, inside)
    found = function(db, target)
    one = found[0]
    return Code(f"{one.qualified_name} ({place(one.file, one.start_line)})", found, len(found) > 1)


def _looks_like_a_file(target: str) -> bool:
    return "/" in target or target.rpartition(".")[2] in _SUFFIXES


# `cart.py` is a file; a method named `py` is not to be expected.
_SUFFIXES = {"py", "pyi", "ts", "tsx", "js", "jsx", "mjs", "cjs", "mts", "cts", "prisma", "sql"}


def at(db: apsw.Connection, file: str, line: int) -> Function:
    """The innermost function around a line; outside of every function, the module itself."""
    (path,) = one_file(db, file)
    found = lookup.around(db, path, line)
    if found is None:
        raise _no_code(path)
    return found


def _no_code(path: str) -> DriftError:
    return DriftError(f"{path} holds no code that was scanned (list_facts domain=problems says why).")


def spot(text: str) -> tuple[str, int | None]:
    """A path, and the line if one stands behind it."""
    found = _PLACE.fullmatch(text.strip())
    return (text, None) if found is None else (found["file"], int(found["line"]))


def one_file(db: apsw.Connection, text: str) -> tuple[str]:
    """The one file that is meant. Raises DriftError for none or several."""
    found = files_meant(db, text)
    if len(found) > 1:
        raise DriftError(
            f"{clip(text, 80)!r} fits {count(len(found), 'files')}: {', '.join(found[:_NEAREST])}. Name one."
        )
    return (found[0],)


def files_meant(db: apsw.Connection, text: str) -> Sequence[str]:
    """Files by their path in the project, or by the end of it. Raises DriftError for none."""
    asked = _normal(db, text)
    found = lookup.paths_ending(db, asked)
    if asked in found:
        return [asked]
    if not found:
        near = lookup.nearest_paths(db, asked, _NEAREST)
        hint = f" Nearest: {', '.join(near)}." if near else ""
        raise NotFound(f"No file {clip(text, 120)!r} among those that were scanned.{hint}")
    return found


def _normal(db: apsw.Connection, text: str) -> str:
    """A path as the store keeps it. Agents hold whole paths in hand; one of another folder fits no file."""
    path = posixpath.normpath(text.strip().replace("\\", "/"))
    project = about.read(db)
    if project is not None and PurePosixPath(path).is_relative_to(project.root_path):
        return str(PurePosixPath(path).relative_to(project.root_path))
    return path.lstrip("/")


# As many as a reader compares at a glance.
_NEAREST = 5
_PLACE = re.compile(r"(?P<file>.+?):(?P<line>\d{1,7})(?:[-:]\d+)*")


def _no_function(db: apsw.Connection, text: str) -> str:
    near = lookup.nearest_names(db, text.strip(), _NEAREST)
    hint = f" Nearest: {', '.join(near)}." if near else ""
    return (
        f"No function, method or class {clip(text, 120)!r} was found.{hint} "
        f"find_functions looks up parts of names; grep finds what is no function."
    )


@dataclass(frozen=True, slots=True)
class Candidates:
    """An ambiguous name as part of an answer."""

    rows: tuple[Row, ...]
    data: list[dict[str, Any]]


def candidates(found: Sequence[Function]) -> Candidates:
    rows = tuple(
        Row(f"{one.qualified_name}  {one.kind}", one.qualified_name, one.file, one.start_line) for one in found
    )
    return Candidates(rows, [described(one) for one in found])


def described(one: Function) -> dict[str, Any]:
    """A function as the JSON form of every tool gives it."""
    return {
        "function": one.qualified_name,
        "id": one.id,
        "kind": one.kind,
        "file": one.file,
        "line": one.start_line,
        "end_line": one.end_line,
        "signature": one.signature,
    }


def ambiguous_section(found: Sequence[Function]) -> Section:
    return Section("Which one", candidates(found).rows, len(found), "functions")
