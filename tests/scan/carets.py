"""Reads what annotated sources say about themselves: carets under a token, and behind them what must be found there.

    def total(self):
    #   ^^^^^ defines method Cart.total
        return price(self.items) + tax(self)
        #      ^^^^^ calls shop.price
        #                          ^^^ calls nothing known

A caret line speaks of the nearest line above it that is not a caret line itself. The carets must lie exactly under one
token, so that a source that is edited cannot leave its expectations behind. A token that begins where the comment does
is meant by an arrow:

    register(total)
    # <- calls shop.register

Knows no language but the sign that begins a comment, and not what the words of an expectation mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Expectation(NamedTuple):
    """What must be found at one token."""

    line: int  # of the token, 1-based
    column: int  # of the token, in bytes, 0-based
    token: str
    text: str  # what stands behind the carets: 'defines method Cart.total'
    at: int  # line of the caret comment, 1-based


def expectations(source: str, comment: str = "#") -> Iterator[Expectation]:
    """All expectations of a source, in its order. A caret that points at no token is an error of the source."""
    carets = re.compile(rf"(?P<before>\s*{re.escape(comment)}\s*)(?:(?P<carets>\^+)|<-) (?P<text>\S.*)")
    line, target = 0, ""
    for number, text in enumerate(source.split("\n"), 1):
        found = carets.fullmatch(text.rstrip())
        if found is None:
            line, target = number, text
            continue
        if found["carets"] is None:
            start = text.index(comment)
            token = re.match(r"\w*", target[start:])
            width = len(token[0]) if token is not None else 0
        else:
            start, width = len(found["before"]), len(found["carets"])
        name = target[start : start + width]
        if not _is_token(target, start, width):
            raise ValueError(f"line {number}: {name!r} is no token of line {line}: {target.strip()!r}")
        yield Expectation(line, len(target[:start].encode()), name, found["text"], number)


def _is_token(line: str, start: int, width: int) -> bool:
    name = line[start : start + width]
    if not name or len(name) < width:
        return False
    if not re.fullmatch(r"\w+", name):
        return re.search(r"[\w\s]", name) is None  # an operator, a bracket: any sign will do
    before, after = line[:start][-1:], line[start + width :][:1]
    return not re.match(r"\w", before) and not re.match(r"\w", after)
