"""`drift-ignore` comments: where a file asks not to be held to a pattern, until when, and why.

    total = f()  # drift-ignore                       this line, all patterns
    # drift-ignore errors, types.optional: no choice   the statement below, without the blocks in it
    # drift-ignore-next-line until 2027-01-31          the same, wherever the comment stands
    # drift-ignore-file 0123456789abcdef -- generated  the whole file

A target is a category, the key of a convention or the id of a pattern; none means all patterns. Only comments are read,
as the parser found them, and only those that begin with the word, at their start or behind another sign for a comment
(`# noqa # drift-ignore`). One that asks for what does not exist becomes a Problem: it would otherwise do nothing and
look as if it did. Never knows which patterns there are.
"""

from __future__ import annotations

import bisect
import datetime
import difflib
import re
from typing import Final

from tree_sitter import Node, Query, QueryCursor, Tree

from drift_mcp.scan.conventions import CATEGORIES, CONVENTIONS
from drift_mcp.scan.facts import Ignored, Problem
from drift_mcp.scan.secrets import REDACTED, looks_secret

_WORD: Final = b"drift-ignore"
# The sign that opens the comment or a line of it, the word, what narrows it, and the rest of that line. A letter, a
# quotation mark or a full stop behind the word make it one of a sentence.
_ASKS: Final = re.compile(
    r"(?:^(?:\#+|//+|/\*+|\*+)?|\s(?:\#+|//+))\s*drift-ignore(?P<where>(?:-\w+)*)(?=[\s:,(\[=]|--|$)(?P<rest>.*)"
)
_HERE, _NEXT, _FILE = "", "-next-line", "-file"
_REASON: Final = re.compile(r":|--")
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_PATTERN: Final = re.compile(r"[0-9a-f]{16}")
_KEYS: Final = frozenset(each.key for each in CONVENTIONS)
# What an answer shows beside a place; who has more to say has room above the comment.
_LONGEST_REASON: Final = 300


class Unreadable(Exception):
    """What a comment asks for and there is not; the message is for whoever wrote it."""


def read(tree: Tree, source: bytes) -> tuple[tuple[Ignored, ...], tuple[Problem, ...]]:
    """What the comments of one parsed source ask for, and which of them were not understood."""
    if _WORD not in source:
        return (), ()
    page = _Page(tree, source)
    found: dict[Ignored, None] = {}
    problems: list[Problem] = []
    for comment in page.comments:
        if _WORD not in source[comment.start_byte : comment.end_byte]:
            continue
        text = source[comment.start_byte : comment.end_byte].decode("utf-8", "replace")
        lines = (text.removesuffix("*/") if text.startswith("/*") else text).split("\n")
        for line, said in enumerate(lines, comment.start_point.row + 1):
            asked = _ASKS.search(said.strip())
            if asked is None:
                continue
            try:
                ignored, unknown = _understood(asked["where"], asked["rest"])
                first, last = page.lines(comment, asked["where"])
            except Unreadable as problem:
                problems.append(Problem("comment", line, f"This drift-ignore comment does nothing: {problem}"))
                continue
            found.update((each._replace(line=first, end_line=last), None) for each in ignored)
            if unknown:
                problems.append(Problem("comment", line, f"Not all of this drift-ignore comment was read: {unknown}"))
    return tuple(found), tuple(problems)


# --- what a comment says ----------------------------------------------------------------------------------------------


def _understood(where: str, rest: str) -> tuple[list[Ignored], str]:
    """What is asked for, without its lines, and what of it was not understood; '' when all was.

    Raises Unreadable when nothing can be made of it: an unknown word must not turn into 'all patterns', and a date that
    is none must not turn into 'for ever'."""
    if where not in (_HERE, _NEXT, _FILE):
        raise Unreadable(f"there is no drift-ignore{where}. Write drift-ignore, drift-ignore-next-line or -file.")
    sign = _REASON.search(rest)
    reason = "" if sign is None else rest[sign.end() :]
    words = (rest if sign is None else rest[: sign.start()]).replace(",", " ").split()
    until = ""
    if "until" in words:
        at = words.index("until")
        until = _day(words[at + 1] if at + 1 < len(words) else "")
        del words[at : at + 2]
    plain = Ignored(0, 0, "all", "", until, _redacted(reason)[:_LONGEST_REASON])
    ignored = [plain._replace(kind=kind, target=word) for word in words if (kind := _kind(word))]
    unknown = [word for word in words if not _kind(word)]
    if unknown and not ignored:
        raise Unreadable(_unknown(unknown))
    return ignored or [plain], _unknown(unknown) if unknown else ""


def _kind(word: str) -> str:
    """Which kind of target a word is; '' when it is none."""
    if word in CATEGORIES:
        return "category"
    if word in _KEYS:
        return "convention"
    return "pattern" if _PATTERN.fullmatch(word) else ""


def _day(word: str) -> str:
    if not _DAY.fullmatch(word):
        raise Unreadable(f"'until' wants a day as YYYY-MM-DD, not {_redacted(word)[:40]!r}.")
    try:
        datetime.date.fromisoformat(word)
    except ValueError:
        raise Unreadable(f"there is no day {word}.") from None
    return word


def _unknown(words: list[str]) -> str:
    shown = ", ".join(repr(_redacted(word)[:40]) for word in words[:5])
    near = difflib.get_close_matches(words[0], [*CATEGORIES, *sorted(_KEYS)], 1)
    hint = f" Nearest: {near[0]}." if near else ""
    return f"{shown}: no category, convention or pattern id.{hint} A reason stands after ':' or '--'."


def _redacted(text: str) -> str:
    return " ".join(REDACTED if looks_secret(word) else word for word in text.split())


# --- which lines it means ---------------------------------------------------------------------------------------------

# Where the head of a statement ends: what stands inside is other code, which the comment above does not mean.
_BLOCKS: Final = frozenset(("block", "statement_block", "class_body", "interface_body", "enum_body", "switch_body"))


class _Page:
    """One parsed source, asked for its comments and the code around them. Used once, by one thread."""

    def __init__(self, tree: Tree, source: bytes) -> None:
        self._root = tree.root_node
        self._source = source
        self._starts = [0]  # of each line
        at = source.find(b"\n")
        while at >= 0:
            self._starts.append(at + 1)
            at = source.find(b"\n", at + 1)
        found = QueryCursor(Query(tree.language, "(comment) @comment")).captures(self._root).get("comment", [])
        self.comments = sorted(found, key=lambda node: node.start_byte)
        self._begins = [node.start_byte for node in self.comments]
        self._below: dict[int, int | None] = {}  # row → where code begins on it, or on the next one that has any
        self._heads: dict[int, tuple[int, int]] = {}  # by where they begin: many comments may stand above one statement

    def lines(self, comment: Node, where: str) -> tuple[int, int]:
        """First and last line that a comment speaks of; 0 and 0: all of them."""
        if where == _FILE:
            return 0, 0
        rows = range(comment.start_point.row, comment.end_point.row + 1)
        if where == _HERE and any(self._code(row) is not None for row in rows):
            return rows[0] + 1, rows[-1] + 1
        begins = self._code_below(rows[-1] + 1)
        if begins is None:
            raise Unreadable("there is no code below it.")
        if begins not in self._heads:
            self._heads[begins] = self._head(begins)
        return self._heads[begins]

    def _code(self, row: int) -> int | None:
        """Where on this row something begins, or goes on, that is no comment."""
        end = self._starts[row + 1] if row + 1 < len(self._starts) else len(self._source)
        at = self._starts[row]
        while at < end:
            if self._source[at] in b" \t\r\n\f":
                at += 1
                continue
            behind = self._behind_comment(at)
            if behind is None:
                return at
            at = behind
        return None

    def _behind_comment(self, at: int) -> int | None:
        """Where the comment ends that stands here; None when none does."""
        number = bisect.bisect_right(self._begins, at) - 1
        if number >= 0 and at < self.comments[number].end_byte:
            return self.comments[number].end_byte
        if self._source[at] == ord("{") and number + 1 < len(self.comments):
            around = self.comments[number + 1].parent
            if around is not None and around.start_byte == at and _holds_only_comments(around):
                return around.end_byte
        return None

    def _code_below(self, row: int) -> int | None:
        passed = []
        begins = None
        for each in range(row, len(self._starts)):
            if each in self._below:
                begins = self._below[each]
                break
            passed.append(each)
            begins = self._code(each)
            if begins is not None:
                break
        self._below.update(dict.fromkeys(passed, begins))
        return begins

    def _head(self, begins: int) -> tuple[int, int]:
        """The lines of the statement, or the part of one, that begins there: up to its first block."""
        node = self._root.descendant_for_byte_range(begins, begins + 1)
        assert node is not None, "code begins in a node"
        line = node.start_point.row + 1 if node.start_byte == begins else self._source.count(b"\n", 0, begins) + 1
        while (above := node.parent) is not None and above.parent is not None and above.start_byte == begins:
            if above.type in _BLOCKS or above.is_error:
                break
            node = above
        while node.type == "decorator" and node.next_named_sibling is not None:
            node = node.next_named_sibling
        # Where the parser was lost, a node may be far larger than what was written.
        return line, line if node.has_error else max(line, _last_row(node) + 1)


def _holds_only_comments(node: Node) -> bool:
    """Whether this is how JSX writes a comment: `{/* … */}`."""
    return node.type == "jsx_expression" and all(child.type == "comment" for child in node.named_children)


def _last_row(node: Node) -> int:
    pending = list(reversed(node.children))
    while pending:
        each = pending.pop()
        if each.type in _BLOCKS:
            before = each.prev_sibling
            while before is not None and before.type == "comment":
                before = before.prev_sibling
            return before.end_point.row if before is not None else each.start_point.row
        if each.type == "jsx_opening_element":  # what stands between the tags is other code, too
            return _last_row(each)
        if each.type != "decorator":
            pending.extend(reversed(each.children))
    return node.end_point.row
