"""Whether two statements say the same, or the opposite.

Pure text against text; proposes, never decides. What it reports is for the writer to look at.
"""

from __future__ import annotations

import re

from drift_mcp.cortex import words

# Trigrams shared by two wordings of one statement; different statements about one subject stay below it.
_SAME = 0.5
# Words shared, negations aside, by two statements about one subject.
_SAME_SUBJECT = 0.5
# Only when nearly every word agrees does another number mean another claim and not another subject.
_SAME_BUT_FOR_NUMBERS = 0.7

# What a statement says, it says at its beginning; comparing whole pages would cost more than adding them.
_COMPARED_CHARACTERS = 600

_TOKEN = re.compile(r"\w+(?:'\w+)*")
_DENYING = """
    not no never none nobody nothing without avoid avoids cannot can't cant don't dont doesn't doesnt isn't isnt aren't
    arent won't wont shouldn't shouldnt mustn't mustnt forbid forbids forbidden stop stopped disable disabled disables
    remove removed deprecated unsafe wrong false
"""
_NEGATIONS = frozenset(_DENYING.split())
# The positive partner of a negation says nothing more about the subject.
_AFFIRMING = "always must use uses should do does enable enabled allow allowed safe right true can"
_AFFIRMATIONS = frozenset(_AFFIRMING.split())


class Statement:
    """A text as it is compared: its wording, what it is about, whether it denies, and the numbers it gives."""

    __slots__ = ("negated", "numbers", "subject", "trigrams")

    def __init__(self, text: str) -> None:
        beginning = text[:_COMPARED_CHARACTERS].lower()
        tokens = _TOKEN.findall(beginning)
        self.trigrams = _trigrams(beginning)
        self.negated = sum(token in _NEGATIONS for token in tokens) % 2 == 1
        self.numbers = frozenset(token for token in tokens if token[0].isdigit())
        self.subject = frozenset(
            _stem(term)
            for term in words.terms(beginning)
            if term not in _NEGATIONS and term not in _AFFIRMATIONS and not term[0].isdigit()
        )


def likeness(one: Statement, other: Statement) -> float:
    """0 to 1: the share of trigrams that two texts have in common, case and spacing aside."""
    return _jaccard(one.trigrams, other.trigrams)


def says_the_same(one: Statement, other: Statement) -> bool:
    """Whether two texts are near-duplicates."""
    return likeness(one, other) >= _SAME and opposition(one, other) is None


def opposition(one: Statement, other: Statement) -> str | None:
    """Why two texts seem to say opposite things about one subject; None when they do not seem to."""
    shared = _jaccard(one.subject, other.subject)
    if shared >= _SAME_SUBJECT and one.negated != other.negated:
        return "one affirms what the other denies"
    if shared >= _SAME_BUT_FOR_NUMBERS and one.numbers and other.numbers and one.numbers != other.numbers:
        return f"one says {', '.join(sorted(one.numbers))}, the other {', '.join(sorted(other.numbers))}"
    return None


def _stem(term: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if term.endswith(ending) and len(term) - len(ending) >= 4:
            return term[: -len(ending)]
    return term


def _trigrams(text: str) -> frozenset[str]:
    squeezed = " ".join(text.lower().split())
    return frozenset(squeezed[i : i + 3] for i in range(max(1, len(squeezed) - 2)))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 0.0
