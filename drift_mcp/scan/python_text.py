"""String constants of Python: what they say, which are kept, and strings put together. Never keeps a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from drift_mcp.scan.constants import STRING
from drift_mcp.scan.facts import JOINED, LITERAL, RECORD, SEQUENCE, SPREAD, TEXT, UNION, Expr
from drift_mcp.scan.secrets import REDACTED, looks_secret, redact_default

BYTES: Final[Expr] = (LITERAL, "bytes")
_UNKNOWN: Final[Expr] = (UNION, ())

# No statement of a program is longer; longer texts are data loads.
_LONGEST_SQL: Final = 20_000
# Names, paths, routes and URLs are shorter; what is longer is prose or data.
_LONGEST_NAME: Final = 200
# A label, a title, a column's caption; what is longer is a sentence, which no later step reads.
_LONGEST_PHRASE: Final = 60
# More pieces than this are a text built from data, not a statement or an address.
_MOST_PARTS: Final = 100

_SQL: Final = re.compile(
    r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*|\(\s*)*"
    r"(?:select\b(?:.*\bfrom\b|\s+(?:\d|[\w.]+\s*\())|insert\s+(?:or\s+\w+\s+|ignore\s+)?into\b|update\b.*\bset\b|delete\s+from\b"
    r"|with\b.*\bas\s*\(|merge\s+into\b|replace\s+into\b|truncate\s+(?:table\b|\w+\s*;?\s*$)"
    r"|create\s+(?:\w+\s+){0,3}(?:table|view|index|function|trigger|sequence|schema|type)\b"
    r"|alter\s+(?:table|index|sequence)\b|drop\s+(?:table|index|view|sequence)\b|copy\s+\S+\s+(?:from|to)\b|call\s+\w+\s*\()",
    re.IGNORECASE | re.DOTALL,
)
# Identifiers, dotted names, file paths, routes, URLs, media types, globs, regular expressions of routes: no blank in
# it.
_NAME: Final = re.compile(r"[!-~]*")
_PHRASE: Final = re.compile(r" ?[\w.,:;()'/%{}-]+(?: [\w.,:;()'/%{}-]+){0,5} ?")
# A piece of a statement: `user.id = :id`, `name LIKE %s`, `posts.created_at DESC`.
_CONDITION: Final = re.compile(r"[\w.\"`'\[\]:$%?*,()\s=<>!+\-|/@{}]*")
_SQL_WORD: Final = re.compile(r"\b(?:ASC|DESC|I?LIKE|IN|AS|ON|AND|OR|WHERE|FROM|JOIN|SET|NULL|VALUES)\b|[=<>] ?[:%?$]")

_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|N\{[^}]*\}|(\r\n|[\s\S]))"
)
_SINGLE: Final = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "a": "\a",
    "\\": "\\", "'": "'", '"': '"', "\n": "", "\r\n": "",
}  # fmt: skip


def inside(raw: bytes) -> tuple[str, int, int]:
    """A literal's prefix in lower case, and where what stands between its quotes begins and ends."""
    start = 0
    while start < len(raw) and raw[start] not in b"\"'":
        start += 1
    quote = raw[start : start + 1]
    width = 3 if raw[start : start + 3] == quote * 3 and len(raw) >= start + 6 else 1
    first = start + width
    last = len(raw) - width if raw.endswith(quote * width) and len(raw) >= first + width else len(raw)
    return raw[:start].decode("ascii", "replace").lower(), first, last


def decoded(raw: bytes, verbatim: bool) -> str:
    """The text that the bytes between the quotes stand for."""
    text = raw.decode("utf-8", "replace")
    return text if verbatim or "\\" not in text else _ESCAPE.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is not None:
        code = int(digits, 16)
    elif found[4] is not None:
        code = int(found[4], 8)
    elif found[5] is not None:
        return _SINGLE.get(found[5], found[0])
    else:
        return "\ufffd"
    # Half of a surrogate pair is no character, and UTF-8 cannot hold it.
    return chr(code) if code < 0xD800 or 0xDFFF < code <= 0x10FFFF else "\ufffd"


def looks_like_sql(text: str) -> bool:
    """Whether the text begins as an SQL statement does."""
    return 8 < len(text) <= _LONGEST_SQL and _SQL.match(text) is not None


def _is_secret(text: str) -> bool:
    # The shortest token that `looks_secret` knows without a colon, semicolon or dollar sign has 15 characters; most
    # names are shorter.
    if len(text) < 15 and ":" not in text and ";" not in text and "$" not in text:
        return False
    return looks_secret(text)


def text_value(text: str) -> Expr:
    """The constant as an expression: TEXT when a later step may read it, else only that it is a string."""
    size = len(text)
    if size <= _LONGEST_NAME and (
        _NAME.fullmatch(text) is not None
        or (size <= _LONGEST_PHRASE and _PHRASE.fullmatch(text) is not None)
        or (_SQL_WORD.search(text) is not None and _CONDITION.fullmatch(text) is not None)
    ):
        return STRING if _is_secret(text) else (TEXT, text)
    return (TEXT, text) if looks_like_sql(text) and not looks_secret(text) else STRING


def joined(parts: Sequence[str | Expr]) -> Expr:
    """A string put together from constants and holes. The whole decides: a piece of a statement is none."""
    merged: list[str | Expr] = []
    for part in parts[:_MOST_PARTS]:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    if not merged:
        return (TEXT, "")
    if len(merged) == 1 and isinstance(merged[0], str):
        return text_value(merged[0])
    statement = looks_like_sql(" __hole__ ".join(part for part in merged if isinstance(part, str)))
    found: list[Expr] = []
    for part in merged:
        if not isinstance(part, str):
            found.append(part)
        elif statement:
            found.append(STRING if looks_secret(part) else (TEXT, part))
        else:
            found.append(_piece(part))
    return (JOINED, tuple(found))


def _piece(text: str) -> Expr:
    # The blanks at its ends belong to a piece: `f"{first} and {second}"`.
    value = text_value(text.strip(" "))
    return value if value[0] != TEXT else (TEXT, text)


_PERCENT: Final = re.compile(r"%(?:(%)|(?:\((\w*)\))?[#0\- +]*[\d*]*(?:\.[\d*]+)?[diouxXeEfFgGcrsa])")
_BRACES: Final = re.compile(r"(\{\{)|(\}\})|\{([^{}!:]*)(?:![^{}:]*)?(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")


def percent(template: Sequence[str | Expr], right: Expr) -> list[str | Expr]:
    """`template % right` as constants and holes."""
    values = list(right[2]) if right[0] == SEQUENCE and right[1] == "tuple" else [right]
    named = _named(right[2]) if right[0] == RECORD else {}
    parts: list[str | Expr] = []
    used = 0
    for piece in template:
        if not isinstance(piece, str):
            parts.append(piece)
            continue
        end = 0
        for found in _PERCENT.finditer(piece):
            parts.append(piece[end : found.start()])
            end = found.end()
            if found[1] is not None:
                parts.append("%")
            elif found[2] is not None:
                parts.append(named.get(found[2], _UNKNOWN))
            else:
                parts.append(values[used] if used < len(values) else _UNKNOWN)
                used += 1
        parts.append(piece[end:])
    return parts


def _named(pairs: Sequence[tuple[Expr | None, Expr]]) -> Mapping[str, Expr]:
    return {key[1]: value for key, value in pairs if key is not None and key[0] == TEXT}


def formatted(
    template: Sequence[str | Expr], arguments: Sequence[Expr], keywords: Sequence[tuple[str, Expr]]
) -> list[str | Expr]:
    """`template.format(…)` as constants and holes."""
    named = dict(keywords)
    spread = any(argument[0] == SPREAD for argument in arguments)
    parts: list[str | Expr] = []
    used = 0
    for piece in template:
        if not isinstance(piece, str):
            parts.append(piece)
            continue
        end = 0
        for found in _BRACES.finditer(piece):
            parts.append(piece[end : found.start()])
            end = found.end()
            if found[1] is not None:
                parts.append("{")
            elif found[2] is not None:
                parts.append("}")
            else:
                name = re.split(r"[.\[]", found[3], maxsplit=1)[0]
                if name == "":
                    position, used = used, used + 1
                else:
                    # A field number of more than four digits is not one.
                    position = int(name) if name.isdecimal() and len(name) < 5 else -1
                if position >= 0:
                    known = not spread and position < len(arguments)
                    parts.append(arguments[position] if known else _UNKNOWN)
                else:
                    parts.append(named.get(name, _UNKNOWN))
        parts.append(piece[end:])
    return parts


_ASSIGNED: Final = re.compile(r"""(\w+)(\s*(?::[^=,"']*)?=\s*)([rbuRBU]{0,2}(?:"[^"]*"?|'[^']*'?))""")
_QUOTED: Final = re.compile(r"""("[^"]*"?|'[^']*'?)""")


def shown(raw: bytes, longest: int) -> str:
    """Source as one line to show: white space folded, secrets out, cut at `longest` characters."""
    # Folding only shortens, and four bytes are the longest character.
    text = " ".join(raw[: 8 * longest].decode("utf-8", "replace").split())
    if '"' in text or "'" in text:
        text = _ASSIGNED.sub(_assigned, text)
        text = _QUOTED.sub(_quoted, text)
    return text[:longest]


def _assigned(found: re.Match[str]) -> str:
    kept = redact_default(found[1], found[3])
    return found[0] if kept == found[3] else f"{found[1]}{found[2]}'{REDACTED}'"


def _quoted(found: re.Match[str]) -> str:
    return f"'{REDACTED}'" if looks_secret(found[1].strip("\"'")) else found[0]
