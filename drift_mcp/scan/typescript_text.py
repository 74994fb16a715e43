"""String constants of the JavaScript family: what they say and which are worth keeping. Never keeps a secret."""

from __future__ import annotations

import re
from typing import Final

from drift_mcp.scan.constants import STRING
from drift_mcp.scan.facts import TEXT, Expr
from drift_mcp.scan.secrets import REDACTED, looks_secret, redact_default

# No statement of a program is longer; longer texts are data loads.
_LONGEST_SQL: Final = 20_000
# Names, paths, routes and URLs are shorter; what is longer is prose or data.
_LONGEST_NAME: Final = 200

_SQL: Final = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*|\(\s*)*"
    r"(?:select\b.*\bfrom\b|insert\s+(?:ignore\s+)?into\b|update\b.*\bset\b|delete\s+from\b|with\b.*\bas\s*\(|merge\s+into\b|replace\s+into\b"
    r"|truncate\s+table\b|create\s+(?:temp\w*\s+)?(?:table|view|index|unique)\b|alter\s+table\b|drop\s+table\b)",
    re.IGNORECASE | re.DOTALL,
)
# Identifiers, dotted names, file paths, routes, URLs, media types, globs, selectors: everything that has no blank in
# it.
_NAME: Final = re.compile(r"[\w.\-/:@$*{}\[\]()?=&%+~#!,^|\\<>]*", re.ASCII)
# A piece of a statement, as query builders take it: `user.id = :id`, `name LIKE ?`, `posts.createdAt DESC`.
_CONDITION: Final = re.compile(r"[\w.\"`'\[\]:$%?*,()\s=<>!+\-|/@]*", re.ASCII)
_SQL_WORD: Final = re.compile(
    r"\b(?:ASC|DESC|I?LIKE|IN|AS|ON|AND|OR|WHERE|FROM|JOIN|SET|NULL|VALUES|asc|desc)\b|[=<>]|\w\.\w"
)

_ESCAPE: Final = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_SINGLE: Final = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "0": "\0",
    "\n": "",
    "\r\n": "",
    "\r": "",
}


def unescaped(text: str) -> str:
    """The text that a literal's inside stands for."""
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is None:
        return _SINGLE.get(found[4], found[4])
    code = int(digits, 16)
    # Half of a surrogate pair is no character, and UTF-8 cannot hold it.
    return chr(code) if code < 0xD800 or 0xDFFF < code <= 0x10FFFF else "\ufffd"


def looks_like_sql(text: str) -> bool:
    """Whether the text begins as an SQL statement does."""
    return len(text) <= _LONGEST_SQL and _SQL.match(text) is not None


def text_value(text: str) -> Expr:
    """The constant as an expression: TEXT when a later step may read it, else only that it is a string."""
    if len(text) <= _LONGEST_NAME:
        if _NAME.fullmatch(text) is None and not (
            _SQL_WORD.search(text) is not None and _CONDITION.fullmatch(text) is not None
        ):
            return STRING
    elif not looks_like_sql(text):
        return STRING
    return STRING if looks_secret(text) else (TEXT, text)


def title_value(text: str) -> Expr:
    """A test's title: prose, and yet its only name."""
    return (TEXT, text) if len(text) <= _LONGEST_NAME and not looks_secret(text) else STRING


def pieces(texts: list[str | None]) -> list[Expr | None]:
    """A string put together from constants and holes (None): each constant as an expression, holes as None.

    The whole decides: a fragment of a statement does not look like one.
    """
    whole = "".join(" " if text is None else text for text in texts)
    if len(whole) > 12 and looks_like_sql(" __hole__ ".join(text or "" for text in texts)):
        return [None if text is None else STRING if looks_secret(text) else (TEXT, text) for text in texts]
    return [None if text is None else text_value(text) for text in texts]


_GIVEN: Final = re.compile(r"""([\w$]+)(\s*[:=]\s*)('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`)""")
_QUOTED: Final = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`""")


def without_secrets(text: str) -> str:
    """A line of source with its secret constants blotted out."""
    if "'" not in text and '"' not in text and "`" not in text:
        return text
    text = _GIVEN.sub(_blotted_default, text)
    return _QUOTED.sub(lambda found: f"'{REDACTED}'" if looks_secret(found[0][1:-1]) else found[0], text)


def _blotted_default(found: re.Match[str]) -> str:
    kept = redact_default(found[1], found[3])
    return found[0] if kept == found[3] else f"{found[1]}{found[2]}'{REDACTED}'"
