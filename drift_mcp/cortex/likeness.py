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


def likeness(one: str, other: str) -> float:
    """0 to 1: the share of trigrams that two texts have in common, case and spacing aside."""
    return _jaccard(_trigrams(one), _trigrams(other))


def says_the_same(one: str, other: str) -> float | None:
    """How alike two texts are when they are near-duplicates, else None."""
    alike = likeness(one, other)
    return alike if alike >= _SAME and opposition(one, other) is None else None


def opposition(one: str, other: str) -> str | None:
    """Why two texts seem to say opposite things about one subject; None when they do not seem to."""
    first, second = _Statement(one), _Statement(other)
    shared = _jaccard(first.subject, second.subject)
    if shared >= _SAME_SUBJECT and first.negated != second.negated:
        return "one affirms what the other denies"
    if shared >= _SAME_BUT_FOR_NUMBERS and first.numbers and second.numbers and first.numbers != second.numbers:
        return f"one says {', '.join(sorted(first.numbers))}, the other {', '.join(sorted(second.numbers))}"
    return None


class _Statement:
    __slots__ = ("negated", "numbers", "subject")

    def __init__(self, text: str) -> None:
        tokens = [token.lower() for token in _TOKEN.findall(text)]
        self.negated = sum(token in _NEGATIONS for token in tokens) % 2 == 1
        self.numbers = frozenset(token for token in tokens if token[0].isdigit())
        self.subject = frozenset(
            _stem(term)
            for term in words.terms(text, most=400)
            if term not in _NEGATIONS and term not in _AFFIRMATIONS and not term[0].isdigit()
        )


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
