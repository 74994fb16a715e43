"""What an index defines in one file, in the form that a scan would give it.

A definition is found by where its name stands; its qualified name comes from what stands around it, for indexers
leave functions around functions out of their symbols.
"""

from __future__ import annotations

import bisect
import functools
import json
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from drift_mcp.ingest import scip_index
from drift_mcp.ingest.mentions import JAVASCRIPT, PYTHON, Text
from drift_mcp.ingest.rows import shown
from drift_mcp.tables.functions import NewFunction

Place: TypeAlias = tuple[int, int]  # line and position within it, both from 0


class Defined(NamedTuple):
    """One class or function. Lines and positions within them count from 0."""

    symbol: str
    name: str
    is_class: bool
    line: int  # of the name
    position: int
    column: int  # the same in bytes
    first: Place  # where all of it begins, decorators included
    last: Place
    signature: str
    decorators: tuple[str, ...]  # the first line of each, without its @
    has_body: bool  # False for the signature of an overload or of an interface


# Kinds of a symbol that are no class although their descriptor says "type": associated types, aliases, parameters.
_NO_CLASS: Final = frozenset({3, 55, 58})

symbol_of = functools.lru_cache(maxsize=200_000)(scip_index.symbol)


def defined(document: scip_index.Document, text: Text, family: str) -> list[Defined] | None:
    """What the document defines, in source order. None when the source is another by now: where the index has a name
    stands some other word, or a piece of one."""
    found: list[Defined] = []
    said: dict[str, str] = {}  # the word that each local name stands as
    for one in document.occurrences:
        start, end = text.position(one.line, one.start), text.position(one.line, one.end)
        if start is None or end is None:
            return None
        if start == end:
            continue  # a module has no name in its own source
        word = text.word(one.line, start, end)
        symbol = symbol_of(one.symbol)
        if word is None or not _is_said(one.symbol, symbol, word, said, text, family):
            return None
        if symbol is None or not _may_be_called(symbol, one, family):
            continue
        if not one.is_definition and not text.defines(one.line, start):
            continue
        name = spoken(symbol.name)
        if word.strip("\"'`[]") != name.strip("\"'`[]"):
            if one.is_definition:
                return None
            continue
        if symbol.suffix == scip_index.TYPE and (
            document.kinds.get(one.symbol) in _NO_CLASS or text.is_type_alias(one.line, start)
        ):
            continue
        whole = one.around
        if whole is not None and not 0 <= whole[0] <= one.line <= whole[2] < len(text.lines):
            whole = None
        first = (one.line, start)
        if whole is not None and symbol.suffix != scip_index.TERM:
            first = min(first, (whole[0], text.position(whole[0], whole[1]) or 0))
        elif family == PYTHON:
            first = (text.decorated_from(one.line), 0)
        if whole is not None:
            last = (whole[2], text.position(whole[2], whole[3]) or 0)
        else:
            line = text.block_end(one.line)
            last = (line, len(text.lines[line]))
        told = document.signatures.get(one.symbol, "")
        found.append(
            Defined(
                one.symbol,
                name,
                symbol.suffix == scip_index.TYPE,
                one.line,
                start,
                text.byte_column(one.line, start),
                first,
                last,
                _signature(told),
                ("get",) if symbol.name.startswith("<get>") else text.decorators(first[0], one.line),
                family != JAVASCRIPT or text.has_body(one.line, end, last[0]),
            )
        )
    return found


def _is_said(
    name: str, symbol: scip_index.Symbol | None, word: str, said: dict[str, str], text: Text, family: str
) -> bool:
    """Whether the word can stand for that symbol, where that is certain: a parameter has one name, and so has what is
    local to a Python file, save that an import may give it another (`a as b`, `a.b`)."""
    if symbol is not None:
        return symbol.suffix != scip_index.PARAMETER or symbol.name == word
    # scip-python takes `x.__module__` for the x.
    if family != PYTHON or not name.startswith(scip_index.LOCAL) or word.startswith("__"):
        return True
    bare = word.rpartition(" as ")[2].partition(".")[0].strip(" ()")
    before = said.setdefault(name, bare)
    return before == bare or text.imports_below_as(before, bare)


def _may_be_called(symbol: scip_index.Symbol, one: scip_index.Occurrence, family: str) -> bool:
    if symbol.suffix == scip_index.TERM:
        # scip-typescript gives a variable a range of its own only where a function is its value.
        return one.is_definition and one.around is not None and family == JAVASCRIPT
    return symbol.suffix in (scip_index.METHOD, scip_index.TYPE)


def spoken(name: str) -> str:
    """The word in the source that a symbol's name stands for."""
    return _MARKED.sub("", "constructor" if name == "<constructor>" else name)


_MARKED: Final = re.compile(r"^<(?:get|set)>")
_PROPERTY: Final = re.compile(r"(?:get|(?:\w+\.)*(?:cached_)?property)(?:\(|$)")
_FENCE: Final = re.compile(r"^```\w*\n(.*?)\n?```", re.DOTALL)
_DECORATORS: Final = re.compile(r"^(?:@[^\n]*\n)+")


def _signature(documentation: str) -> str:
    """The code that a symbol's documentation opens with, on one line."""
    code = _FENCE.match(documentation)
    if code is None:
        return ""
    folded = " ".join(_DECORATORS.sub("", code.group(1)).split())
    # As long as a scan's own signatures may be.
    return shown(folded.replace("( ", "(").replace(" )", ")"))[:300]


class Outline(NamedTuple):
    """The functions of one file as rows; number 0 is the module body."""

    rows: list[NewFunction]
    symbols: list[str]  # of each row; '' for the module body
    firsts: list[Place]
    lasts: list[Place]
    bodies: list[Place]  # where what the definition runs itself begins

    def around(self, line: int, position: int, *, decorates: bool) -> int:
        """The number of the definition that runs what stands at a place: the innermost one, or the one that is
        decorated there. What a decorator or a default is given is run by the definition outside."""
        here = (line, position)
        # The last that begins before it, or one around that: each begins behind the one that it is in.
        number = bisect.bisect_right(self.firsts, here) - 1
        while number and here > self.lasts[number]:
            number = self.rows[number].parent or 0
        while number and not decorates and here < self.bodies[number]:
            number = self.rows[number].parent or 0
        return number


def outline(found: Sequence[Defined], text: Text, path: str, language: str, family: str, is_test: bool) -> Outline:
    """Definitions as a scan would store them: nested by where they stand, equal names counted in source order."""
    unique = {(one.line, one.position): one for one in found}
    # As the front ends count: Python's module ends behind its last line.
    end = max(len(text.lines) - (family != PYTHON and not text.lines[-1]), 1)
    last_of = {one.symbol: one for one in sorted(unique.values(), key=lambda one: one.first)}
    ordered = sorted(
        # The signatures of overloads stand before the function that is written, and are no functions of their own.
        (one for one in unique.values() if one.has_body or not last_of[one.symbol].has_body),
        key=lambda one: (one.first, (-one.last[0], -one.last[1])),
    )
    rows = [_row("<module>", 0, _module(path, family), "module", None, 1, end, 0, language, is_test)]
    told = Outline(rows, [""], [(0, 0)], [(len(text.lines), 0)], [(0, 0)])
    counted: dict[str, int] = defaultdict(int)
    open_now: list[int] = []
    for one in ordered:
        while open_now and told.lasts[open_now[-1]] < one.first:
            open_now.pop()
        parent = open_now[-1] if open_now else 0
        owner = rows[parent]
        name = shown(one.name)
        qualified = name if not parent else f"{owner.qualified_name}.{name}"
        kind = "class" if one.is_class else "method" if owner.kind == "class" else "function"
        row = _row(
            qualified,
            counted[qualified],
            name,
            kind,
            parent,
            one.line + 1,
            one.last[0] + 1,
            one.column,
            language,
            is_test,
        )
        counted[qualified] += 1
        rows.append(
            row._replace(
                signature=one.signature or None,
                visibility=_visibility(name, family),
                is_constructor=int(kind == "method" and name in CONSTRUCTORS),
                is_property=int(any(_PROPERTY.match(each) for each in one.decorators)),
                decorators=json.dumps([shown(each) for each in one.decorators]) if one.decorators else None,
            )
        )
        told.symbols.append(one.symbol)
        told.firsts.append(one.first)
        told.lasts.append(one.last)
        # Python runs defaults where the definition stands, JavaScript within the call.
        closed = text.closing(one.line, one.position) if family == PYTHON and not one.is_class else None
        told.bodies.append(closed or (one.line, one.position))
        open_now.append(len(rows) - 1)
    return told


# What making an instance runs, by language.
CONSTRUCTORS: Final = ("__init__", "constructor")


def _row(
    qualified: str,
    ordinal: int,
    name: str,
    kind: str,
    parent: int | None,
    start_line: int,
    end_line: int,
    column: int,
    language: str,
    is_test: bool,
) -> NewFunction:
    return NewFunction(
        qualified, ordinal, name, kind, parent, start_line, max(end_line, start_line), column, language,
        None, None, None, None, "public", 1, 0, 0, 0, int(is_test), 0,
    )  # fmt: skip


def _module(path: str, family: str) -> str:
    stem = path.rpartition(".")[0] or path
    return stem.removesuffix("/__init__").replace("/", ".") if family == PYTHON else stem.removesuffix("/index")


def _visibility(name: str, family: str) -> str:
    if family == PYTHON and name.startswith("_") and not name.endswith("__"):
        return "private" if name.startswith("__") else "protected"
    return "private" if family == JAVASCRIPT and name.startswith("#") else "public"
