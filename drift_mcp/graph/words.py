"""Sets of names, written as one text: a list of ninety method names reads as words and not as ninety lines."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())
