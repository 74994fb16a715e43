"""What the source says where an index names something: it is called there, defined, read, or merely named.

Looks at the text around one name, never at a tree: it serves files whose language has no front end here, or that were
never scanned. What cannot be told from the text is no call.
"""

from __future__ import annotations

import re
from typing import Final

from drift_mcp.ingest import scip_index

PYTHON: Final = "python"
JAVASCRIPT: Final = "javascript"  # the family: with TypeScript

# A list of arguments longer than this many lines is data; where it ends says nothing that is needed here.
_MOST_LINES: Final = 200


class Text:
    """One source file, asked by line and column as an index counts them: from 0, columns in its own units."""

    def __init__(self, source: str, language: str, family: str, encoding: int) -> None:
        """`family`: PYTHON, JAVASCRIPT or the name of any other language."""
        self.lines: Final = source.split("\n")
        self._family = family
        self._has_tags = language in ("tsx", "javascript")  # in TypeScript alone, `<Shop>value` is a type
        self._encoding = encoding

    def position(self, line: int, column: int) -> int | None:
        """The place within the line as Python counts it; None when there is no such place."""
        if not (0 <= line < len(self.lines) and column >= 0):
            return None
        text = self.lines[line]
        if text.isascii() or self._encoding == scip_index.UTF32:
            return column if column <= len(text) else None
        unit = "utf-8" if self._encoding == scip_index.UTF8 else "utf-16-le"
        width = 1 if self._encoding == scip_index.UTF8 else 2
        units = text.encode(unit)
        if column * width > len(units):
            return None
        try:
            return len(units[: column * width].decode(unit))
        except UnicodeDecodeError:  # in the middle of a character
            return None

    def word(self, line: int, start: int, end: int) -> str | None:
        """What stands there; None when it begins or ends in the middle of a word."""
        text = self.lines[line]
        found = text[start:end]
        cut = (start and _LETTER.match(found) and _LETTER.match(text, start - 1)) or (
            end < len(text) and _LETTER.match(found, len(found) - 1) and _LETTER.match(text, end)
        )
        return None if cut else found

    def byte_column(self, line: int, position: int) -> int:
        """A place that Python counts, in bytes of UTF-8."""
        text = self.lines[line]
        return position if text.isascii() else len(text[:position].encode("utf-8"))

    def indent(self, line: int) -> int | None:
        """None: the line is blank."""
        text = self.lines[line]
        bare = text.lstrip()
        return len(text) - len(bare) if bare else None

    def imports_as(self, name: str, alias: str) -> bool:
        """Whether an import of this file gives `name` that other name."""
        return self._renames(re.escape(name), alias)

    def imports_below_as(self, module: str, alias: str) -> bool:
        """Whether an import of this file gives that name to `module`, or to a module below it."""
        return self._renames(rf"{re.escape(module)}(?:\.\w+)*", alias)

    def _renames(self, named: str, alias: str) -> bool:
        said = re.compile(rf"(?<![\w$]){named}\s+as\s+{re.escape(alias)}(?![\w$])")
        return any(said.search(line) for line in self.lines if " as " in line)

    def imports_default(self, alias: str) -> bool:
        """Whether a JavaScript import gives that name to what another module exports by default, or all of it."""
        said = re.compile(rf"\s*(?:import\s+(?:type\s+)?|(?:const|let|var)\s+){re.escape(alias)}\s*(?:,|=|from\b)")
        return any(said.match(line) and _LEADS.search(line) for line in self.lines)

    # -- what happens to the name

    def defines(self, line: int, start: int) -> bool:
        """Whether the word before the name introduces a definition."""
        return _INTRODUCES.search(self.lines[line][:start]) is not None

    def is_type_alias(self, line: int, start: int) -> bool:
        return self._family == JAVASCRIPT and _ALIAS.search(self.lines[line][:start]) is not None

    def calls(self, line: int, start: int, end: int, is_class: bool) -> bool:
        """Whether what is named there is called there: with arguments, as a decorator, by `new`, `raise` or `throw`,
        as a tag. A definition is no call."""
        text = self.lines[line]
        before, after = text[:start], text[end:].lstrip()
        if self.defines(line, start):
            return False
        if self._family == PYTHON:
            if text[start:end] in _MARKS and _PYTHON_DECORATOR.fullmatch(before):
                return False
            return self._calls_python(before, after, is_class)
        if self._family == JAVASCRIPT:
            return self._calls_javascript(line, before, after, is_class)
        return after.startswith("(") and not before.endswith("@")

    @staticmethod
    def _calls_python(before: str, after: str, is_class: bool) -> bool:
        if after.startswith("("):
            # `case Point(x=0)` asks for a type, it makes nothing.
            return not (_CASE.match(before) and " if " not in before)
        ended = not after or after.startswith("#")
        if ended and _PYTHON_DECORATOR.fullmatch(before):
            return True
        raised = ended or after.startswith((";", "from "))
        return is_class and raised and _RAISED.search(before) is not None

    def _calls_javascript(self, line: int, before: str, after: str, is_class: bool) -> bool:
        if _NEW.search(before):
            return True
        if after.startswith(("(", "?.(", "!(")):
            return not (_METHOD_START.search(before) and self._opens_body(line, len(self.lines[line]) - len(after)))
        if after.startswith("`") or (after.startswith("<") and _TYPED_CALL.match(after)):
            return True
        if _SCRIPT_DECORATOR.search(before) and not after.startswith("."):
            return True
        if is_class and _THROWN.search(before) and (not after or after.startswith(";")):
            return True
        return self._has_tags and _TAG.search(before) is not None

    def reads(self, line: int, start: int, end: int) -> bool:
        """Whether the name is an attribute of something, and is read: neither assigned nor deleted."""
        text = self.lines[line]
        before, after = text[:start].rstrip(), text[end:].lstrip()
        if not before.endswith(".") or before.lstrip().startswith(("@", "del ", "delete ")):
            return False
        return not after.startswith("(") and _ASSIGNED.match(after) is None

    def _opens_body(self, line: int, position: int) -> bool:
        """Whether a body or a return type follows the arguments that begin there: it is a method that is written."""
        closed = self.closing(line, position)
        if closed is None:
            return False
        text = self.lines[closed[0]][closed[1] :].lstrip()
        return text.startswith(("{", ":"))

    def closing(self, line: int, position: int) -> tuple[int, int] | None:
        """The place behind the bracket that closes the first one from there on; None when none does nearby."""
        depth = 0
        quote = ""
        comment = "#" if self._family == PYTHON else "//"
        for number in range(line, min(line + _MOST_LINES, len(self.lines))):
            text = self.lines[number]
            place = position if number == line else 0
            while place < len(text):
                here = text[place]
                if quote:
                    if here == "\\":
                        place += 1
                    elif text.startswith(quote, place):
                        place += len(quote) - 1
                        quote = ""
                elif here in "\"'`":
                    quote = here * 3 if self._family == PYTHON and text.startswith(here * 3, place) else here
                    place += len(quote) - 1
                elif text.startswith(comment, place):
                    break
                elif here in "([{":
                    depth += 1
                elif here in ")]}":
                    depth -= 1
                    if depth == 0:
                        return number, place + 1
                place += 1
            if len(quote) == 1 and quote != "`":
                quote = ""  # a string that is left open ends with its line
        return None

    def decorated_from(self, line: int) -> int:
        """The line of the first of the decorators above a definition, or its own."""
        indent = self.indent(line)
        while line and self.lines[line - 1].lstrip().startswith("@") and self.indent(line - 1) == indent:
            line -= 1
        return line

    def decorators(self, first: int, line: int) -> tuple[str, ...]:
        """The decorators of a definition on that line, as they begin: each on a line of its own from the first on."""
        indent = self.indent(line)
        return tuple(
            self.lines[number].strip()[1:201].split(" #")[0].strip()
            for number in range(first, line)
            if self.lines[number].lstrip().startswith("@") and self.indent(number) == indent
        )

    def has_body(self, line: int, position: int, last: int) -> bool:
        """Whether a block or an arrow follows the arguments of a function, whose name ends there."""
        if not self.lines[line][position:].lstrip().startswith(("(", "<")):
            return True  # a class, or a variable that holds a function
        closed = (
            self.closing(line, self.lines[line].find("(", position)) if "(" in self.lines[line][position:] else None
        )
        if closed is None:
            return "}" in self.lines[last]
        rest = [self.lines[closed[0]][closed[1] :], *self.lines[closed[0] + 1 : last + 1]]
        return any("{" in each for each in rest)

    def decorates(self, line: int, start: int) -> bool:
        """Whether the name is that of a decorator."""
        before = self.lines[line][:start]
        if self._family == PYTHON:
            return _PYTHON_DECORATOR.fullmatch(before) is not None
        return self._family == JAVASCRIPT and _SCRIPT_DECORATOR.search(before) is not None

    def block_end(self, line: int) -> int:
        """The last line of what begins on this one, by its indentation."""
        own = self.indent(line) or 0
        start = line
        opened = self.lines[line].find("(")
        if opened >= 0:
            closed = self.closing(line, opened)
            start = closed[0] if closed is not None else line
        last = start
        for number in range(start + 1, len(self.lines)):
            indent = self.indent(number)
            if indent is None:
                continue
            if indent <= own:
                closes = indent == own and self.lines[number].lstrip().startswith(("}", ")", "end"))
                return number if closes and self._family != PYTHON else last
            last = number
        return last


_LETTER: Final = re.compile(r"[\w$]")
_LEADS: Final = re.compile(r"\bfrom\b|\brequire\(")
_INTRODUCES: Final = re.compile(r"(?:^|[^\w.$])(?:def|class|function\s*\*?|interface|enum|func|fn|struct|trait)\s*$")
_ALIAS: Final = re.compile(r"(?:^|[^\w.$])type\s+$")
_CASE: Final = re.compile(r"\s*case\s")
_PYTHON_DECORATOR: Final = re.compile(r"\s*@\s*(?:[\w.]+\.)?")
# Decorators of the language that say what a method is: a scan does not take them for calls either.
_MARKS: Final = frozenset({"property", "classmethod", "staticmethod"})
_RAISED: Final = re.compile(r"(?:^|[^\w.])raise\s+(?:[\w.]+\.)?$")
_NEW: Final = re.compile(r"(?:^|[^\w.$])new\s+(?:[\w$.]+\.)?$")
_THROWN: Final = re.compile(r"(?:^|[^\w.$])throw\s+(?:[\w$.]+\.)?$")
_SCRIPT_DECORATOR: Final = re.compile(r"(?:^|[\s(,])@(?:[\w$.]+\.)?$")
# `f<T>(`: type arguments on one line, three deep, then the call.
_TYPED_CALL: Final = re.compile(r"<(?:[^<>()=]|=>|\(\)|<(?:[^<>()=]|<[^<>()=]*>)*>)*>\s*\(")
_TAG: Final = re.compile(r"(?:^|[^\w$)\].])<(?:[\w$.]+\.)?$")
# Where a method of an object literal or a class can begin.
_METHOD_START: Final = re.compile(
    r"(?:^\s*|[{,]\s*)(?:(?:async|get|set|static|public|private|protected|readonly)\s+|\*\s*)*$"
)
_ASSIGNED: Final = re.compile(r"=(?![=>])|:\s*[^=]*=(?!=)")
