"""Text as full-text search sees it: the words that carry meaning, and the words inside identifiers.

Never hands a person's text to MATCH as it came: every term is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Of a very long question the first words say what it is about; each further term costs one more index walk.
MOST_TERMS = 48
# What a term can be long; a longer run of letters is data, which no memory repeats.
_LONGEST_TERM = 80

_WORD = re.compile(r"\w+")
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
_HUMPS = re.compile(r"_+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z])(?=[0-9])")

# Measured: keeping them costs three to four points of recall.
_ENGLISH = """
    a about after again all also am an and any are as at be because been before being between both but by can could
    did do does doing done down during each few for from further had has have having he her here hers him his how i
    if in into is it its just may me might more most must my no nor not now of off on once only or other our ours out
    over own same shall she should so some such than that the their them then there these they this those through to
    too under until up us very was we were what when where which while who whom whose why will with would yes you your
"""
STOP_WORDS = frozenset(_ENGLISH.split())


def terms(text: str, most: int = MOST_TERMS) -> list[str]:
    """The distinct words of `text` that carry meaning, identifiers whole and split; stop words for want of others."""
    every: dict[str, None] = {}
    meant: dict[str, None] = {}
    for match in _WORD.finditer(text):
        word = match[0]
        if len(word) > _LONGEST_TERM or not word.strip("_"):
            continue
        for part in (word, *_parts(word)):
            lowered = part.lower()
            every.setdefault(lowered)
            # One letter says nothing; one digit or one ideograph may.
            if lowered not in STOP_WORDS and (len(lowered) > 1 or not lowered.isascii() or lowered.isdigit()):
                meant.setdefault(lowered)
        if len(meant) >= most:
            break
    return list(meant or every)[:most]


def match_expression(words: Iterable[str]) -> str:
    """FTS5's query for "any of these": each word a quoted string, so that none is an operator."""
    return " OR ".join(f'"{word}"' for word in words)


def split_identifiers(text: str) -> str:
    """The words that the identifiers of `text` are made of: `getUserId` gives `get User Id`."""
    parts: dict[str, None] = {}
    for match in _IDENTIFIER.finditer(text):
        for part in _parts(match[0]):
            parts.setdefault(part)
    return " ".join(parts)


def printable(text: str) -> str:
    """`text` without what UTF-8 cannot carry (lone surrogates) and without NUL: a question may hold anything."""
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def _parts(word: str) -> list[str]:
    if word.isalpha() and word[1:].islower():
        return []  # as most are
    parts = [part for part in _HUMPS.split(word) if part]
    return parts if len(parts) > 1 else []
