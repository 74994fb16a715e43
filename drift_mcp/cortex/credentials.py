"""Finds credentials in prose that somebody wants remembered.

What a credential looks like by itself, `scan.secrets` knows; here is how one stands in a sentence. Says that there is
one, never which. Never changes a text: whoever asked takes the secret out.
"""

from __future__ import annotations

import math
import re
from collections import Counter

from drift_mcp.scan import secrets

_ASSIGNED = re.compile(
    r"\b[\w.-]{0,40}(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|credential)s?"
    r"[\"']?\s{0,3}(?:=|:|:=|=>|\bis\b)\s{0,3}[\"'`]?([^\s\"'`,;]{8,200})",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(r"[<>{}$%()\[\]]|\*|x{4}|\.{3}|example|changeme|placeholder|redacted|your[_-]", re.IGNORECASE)
# What stands for a secret is often made of these words; so is a bad password, which has more to it.
_NAMING = re.compile(r"[_-]?(?:passwords?|secrets?|passwd|token)[_-]?", re.IGNORECASE)
# A dotted or slashed name is a place where a secret is kept, not the secret.
_PLACE = re.compile(r"[A-Za-z_]\w*(?:[./:-][A-Za-z_]\w*)+")
# The id of a memory is as random as a token, and opens nothing.
_MEMORY_ID = re.compile(r"\bmem_(?:[0-9a-z]{1,10}_[0-9a-f]{12}|graph_[0-9a-f]{18})\b")
# Nothing shorter looks secret; most words are.
_SHORTEST = 10
# Bits a character: words and identifiers lie below 3, random letters and digits of eight and more above.
_RANDOM_BITS = 2.7
# What is left of a name for a secret, `2-rotate` or `v2`, lies below this.
_RANDOM_BITS_BESIDE_A_NAME = 3.0


def is_in(text: str) -> bool:
    """Whether `text` holds a credential: a known kind of token, a password in a URL, or one that is named as such."""
    text = _MEMORY_ID.sub("", text)
    words = (word.strip("\"'`.,;()") for word in text.split() if len(word) >= _SHORTEST)
    if secrets.looks_secret(text) or any(map(secrets.looks_secret, words)):
        return True
    values = (match[1].rstrip(".)") for match in _ASSIGNED.finditer(text))
    return any(not _PLACEHOLDER.search(value) and _looks_random(value) for value in values)


def _looks_random(whole: str) -> bool:
    value = _NAMING.sub("", whole)
    mixed = any(c.isalpha() for c in value) and any(c.isdigit() for c in value)
    counts = Counter(value).values()
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
    least = _RANDOM_BITS if value == whole else _RANDOM_BITS_BESIDE_A_NAME
    return mixed and not _PLACE.fullmatch(whole) and bits >= least
