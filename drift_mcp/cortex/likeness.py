"""Whether two statements say the same, or the opposite.

Pure text against text; proposes, never decides. What it reports is for the writer to look at.

A text is compared claim by claim, a claim being about a sentence: what it is about, whether it denies, the numbers it
gives, on which side of a pair such as before and after it stands, and what it names as the wrong choice (`Decimal, not
float`). Two texts oppose each other when a claim of one and a claim of the other are about the same and differ in one
of these. Knows English words only, and no meaning: a contradiction in quite other words is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import cached_property, lru_cache
from itertools import product
from typing import Any, Final, NamedTuple

from drift_mcp.cortex import words

# Trigrams shared by two wordings of one statement; different statements about one subject stay below it.
_SAME: Final = 0.5
# Words shared, negations aside, by two claims about one subject: more than every second one.
SAME_SUBJECT: Final = 0.55
# As many are enough when both speak of the very same code.
SAME_SUBJECT_OF_CODE: Final = 0.4
# Of the shorter claim nearly every word must be in the other: `never returns null dates` says nothing of ISO dates.
_OF_THE_SHORTER: Final = 0.8
# Only when nearly every word agrees does another number mean another claim and not another subject.
_SAME_BUT_FOR_NUMBERS: Final = 0.7

# Of all words of two wordings of one fact, so many are in both: when each has words of its own; when one only says
# more; and when that is said of the very same code.
_REWORDED: Final = 0.8
_EXTENDED: Final = 0.6
_EXTENDED_OF_CODE: Final = 0.5
# Of them, so many are in both to the letter; others may differ in their endings.
_LEAST_IN_COMMON: Final = 0.3
# Shorter beginnings are common to words that have nothing to do with each other.
_STEM_LETTERS: Final = 4

# What a statement says, it says at its beginning; comparing whole pages would cost more than adding them.
_COMPARED_CHARACTERS: Final = 600
_COMPARED_CLAIMS: Final = 6

_TOKEN: Final = re.compile(r"\w+(?:['.]\w+)*")
_CLAIM_ENDS: Final = re.compile(r"[.:;!?](?=\s|$)|\n|, but ")
_WRONG_CHOICE: Final = re.compile(r"(?:, (?:and )?(?:not|never)|\binstead of|\brather than)\b([^,;]*)")
_DENYING = """
    not no never none nobody nothing without avoid avoids cannot can't cant don't dont doesn't doesnt isn't isnt aren't
    arent won't wont shouldn't shouldnt mustn't mustnt forbid forbids forbidden prohibited stop stopped disable disabled
    disables remove removed deprecated unsafe wrong false unsupported unused untrusted ignore ignores ignored
"""
_NEGATIONS: Final = frozenset(_DENYING.split())
# The positive partner of a negation says nothing more about the subject.
_AFFIRMING = """
    always must use uses used should do does enable enabled enables allow allowed allows safe right true can need needs
    only prefer supported trusted keep required
"""
_AFFIRMATIONS: Final = frozenset(_AFFIRMING.split())
_PAIRS = """
    before/after first/last include/exclude includes/excludes included/excluded public/private optional/required
    minimum/maximum min/max increase/decrease sync/async synchronous/asynchronous synchronously/asynchronously
    mutable/immutable lower/upper lowercase/uppercase eager/lazy eagerly/lazily ascending/descending more/less
    faster/slower allow/deny stateless/stateful internal/external local/remote above/below
"""
_SIDES: Final = {
    side: other for pair in _PAIRS.split() for one, two in [pair.split("/")] for side, other in ((one, two), (two, one))
}
_NOT_THE_SUBJECT: Final = _NEGATIONS | _AFFIRMATIONS | _SIDES.keys() | words.STOP_WORDS


class Claim(NamedTuple):
    """One sentence as it is compared."""

    subject: frozenset[str]  # stems of the words that say what it is about
    head: str  # the first of them
    is_denied: bool
    numbers: frozenset[str]
    sides: frozenset[str]  # words that have an opposite
    wrong: frozenset[str]  # what it names as the wrong choice


class Statement:
    """A text as it is compared: its wording, and what it claims."""

    def __init__(self, text: str) -> None:
        self._beginning = text[:_COMPARED_CHARACTERS].lower()

    @cached_property
    def trigrams(self) -> frozenset[tuple[str, ...]]:
        squeezed = " ".join(self._beginning.split())
        # A text of fewer letters is the only trigram that it has.
        return frozenset(zip(squeezed, squeezed[1:], squeezed[2:], strict=False)) or frozenset([tuple(squeezed)])

    @cached_property
    def subject(self) -> frozenset[str]:
        """Stems of all words that say what it is about."""
        return frozenset[str]().union(*(claim.subject for claim in self.claims))

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        made = (_claim(sentence) for sentence in _CLAIM_ENDS.split(self._beginning))
        return tuple(claim for claim in made if claim.subject)[:_COMPARED_CLAIMS]


def may_be_about_the_same(one: Statement, other: Statement) -> bool:
    """False for most pairs, and found out fast: too few words in common for either to be said."""
    return any(ours.subject & theirs.subject for ours, theirs in product(one.claims, other.claims))


def likeness(one: Statement, other: Statement) -> float:
    """0 to 1: the share of trigrams that two texts have in common, case and spacing aside."""
    return share(one.trigrams, other.trigrams)


def containment(one: Statement, other: Statement) -> float:
    """0 to 1: the share of the shorter text's trigrams that the other has as well."""
    shorter = min(len(one.trigrams), len(other.trigrams))
    return len(one.trigrams & other.trigrams) / shorter if shorter else 0.0


def says_the_same(one: Statement, other: Statement) -> bool:
    """Whether two texts are near-duplicates."""
    return likeness(one, other) >= _SAME and opposition(one, other) is None


def is_one_fact(one: Statement, other: Statement, *, of_code: bool) -> bool:
    """Whether two statements claim the same, be it in other words. `of_code`: both speak of the very same code.

    One may say more than the other; but where each has a word that the other lacks, one of them stands for another
    thing: tests that need Postgres are not tests that need Redis."""
    ours, theirs = one.subject, other.subject
    # Most pairs are told apart here; comparing the forms of all their words would cost a hundred times as much.
    if _LEAST_IN_COMMON * len(ours | theirs) > len(ours & theirs):
        return False
    if opposition(one, other, SAME_SUBJECT_OF_CODE) is not None or _figures(one) != _figures(other):
        return False
    if ours == theirs and ours:
        return True
    ours_alone = {word for word in ours - theirs if not _is_form_of_any(word, theirs)}
    theirs_alone = {word for word in theirs - ours if not _is_form_of_any(word, ours)}
    common = len(ours | theirs) - len(ours_alone | theirs_alone)
    if common < 2:
        return False
    bar = _REWORDED if ours_alone and theirs_alone else _EXTENDED_OF_CODE if of_code else _EXTENDED
    return common >= bar * len(ours | theirs)


def _figures(statement: Statement) -> tuple[bool, frozenset[str]]:
    """What must be the same, however it is said: whether it denies, and its numbers."""
    return (
        sum(claim.is_denied for claim in statement.claims) % 2 == 1,
        frozenset[str]().union(*(claim.numbers for claim in statement.claims)),
    )


def _is_form_of_any(word: str, others: frozenset[str]) -> bool:
    """`deploy` and `deployment`, `time` and `timeout`."""
    return any(
        min(len(word), len(other)) >= _STEM_LETTERS and (word.startswith(other) or other.startswith(word))
        for other in others
    )


def opposition(one: Statement, other: Statement, same_subject: float = SAME_SUBJECT) -> str | None:
    """Why two texts seem to say opposite things about one subject; None when they do not seem to. `same_subject`: the
    share of words from which two claims are about the same."""
    for ours, theirs in product(one.claims, other.claims):
        why = _opposed(ours, theirs, same_subject)
        if why is not None:
            return why
    return None


def share(one: Set[Any], other: Set[Any]) -> float:
    """Of all that is in either, how much is in both."""
    common = len(one & other)
    return common / (len(one) + len(other) - common) if common else 0.0


def _opposed(one: Claim, other: Claim, same_subject: float) -> str | None:
    common = one.subject & other.subject
    if not common:
        return None
    for ours, theirs in ((one, other), (other, one)):
        if ours.wrong and ours.wrong <= theirs.subject and not theirs.is_denied and not ours.subject <= theirs.subject:
            return f"one says not {' '.join(sorted(ours.wrong))}, the other just that"
    if one.head not in other.subject and other.head not in one.subject:
        return None
    shared = len(common) / len(one.subject | other.subject)
    if shared < same_subject or (len(common) == 1 and shared < 1):
        return None
    if len(common) < _OF_THE_SHORTER * min(len(one.subject), len(other.subject)):
        return None
    if one.is_denied != other.is_denied:
        return "one affirms what the other denies"
    apart = sorted(side for side in one.sides - other.sides if _SIDES[side] in other.sides - one.sides)
    if apart:
        return f"one says {apart[0]}, the other {_SIDES[apart[0]]}"
    if shared >= _SAME_BUT_FOR_NUMBERS and one.numbers - other.numbers and other.numbers - one.numbers:
        return f"one says {', '.join(sorted(one.numbers))}, the other {', '.join(sorted(other.numbers))}"
    return None


def _claim(sentence: str) -> Claim:
    wrong = _WRONG_CHOICE.search(sentence)
    said = sentence if wrong is None else sentence[: wrong.start()] + sentence[wrong.end() :]
    tokens = _TOKEN.findall(said)
    subject = _subject(tokens)
    return Claim(
        subject=frozenset(subject),
        head=subject[0] if subject else "",
        is_denied=sum(token in _NEGATIONS for token in tokens) % 2 == 1,
        numbers=frozenset(token for token in tokens if token[0].isdigit()),
        sides=frozenset(_SIDES.keys() & tokens),
        wrong=frozenset() if wrong is None else frozenset(_subject(_TOKEN.findall(wrong[1]))),
    )


def _subject(tokens: list[str]) -> list[str]:
    return [_stem(token) for token in tokens if token not in _NOT_THE_SUBJECT and not token[0].isdigit()]


@lru_cache(maxsize=4_096)  # the words of one memory are those of the next
def _stem(term: str) -> str:
    for ending, instead in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if term.endswith(ending) and len(term) - len(ending) >= 3:
            return (term[: -len(ending)] + instead).removesuffix("e")
    return term.removesuffix("e") if len(term) > 4 else term
