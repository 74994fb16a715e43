"""Which of some words tell wordings apart: the rare ones. How often each occurs is estimated from a sample.

Never looks at a small memory, where every word may be followed. Ranks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

# So many stretches of so many wordings, evenly spread: 4,000 tell a share to half a point, and take a twentieth of a
# millisecond a word, where counting takes up to two.
_STRETCHES = 2
_STRETCH = 2_000

_LAST = "SELECT max(key) FROM memory_texts"
_OCCURRING = """
SELECT count(*)
FROM memory_fts
WHERE memory_fts MATCH :word
    AND rowid BETWEEN :first AND :last
"""


def rarest(db: apsw.Connection, words: Sequence[str], most: int) -> list[str]:
    """Those of `words` that together occur in about `most` wordings, the rarest first; all of them in a small memory.

    A more frequent one is among them only when the rarer ones occur in less than a tenth of that."""
    last = db.execute(_LAST).get or 0
    if last <= most:
        return list(words)
    counted = {word: _estimated(db, word, last) for word in words}
    chosen: list[str] = []
    occurring = 0.0
    for word in sorted(words, key=counted.__getitem__):
        if occurring >= most / 10 and occurring + counted[word] > most:
            break
        occurring += counted[word]
        chosen.append(word)
    return chosen


def _estimated(db: apsw.Connection, word: str, last: int) -> float:
    """In how many wordings the word occurs."""
    stretch = min(_STRETCH, -(-last // _STRETCHES))
    seen = 0
    for number in range(_STRETCHES):
        first = number * last // _STRETCHES + 1
        seen += db.execute(_OCCURRING, {"word": f'"{word}"', "first": first, "last": first + stretch - 1}).get
    return seen * last / (_STRETCHES * stretch)
