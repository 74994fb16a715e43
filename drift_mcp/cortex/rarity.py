"""Which of some words tell wordings apart: the rare ones.

Counts no further than it takes to know that a word is not rare. Ranks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

_LAST = "SELECT max(key) FROM memory_texts"
_OCCURRING = """
SELECT count(*)
FROM (
    SELECT 1
    FROM memory_fts
    WHERE memory_fts MATCH :word
    LIMIT :most
)
"""


def rarest(db: apsw.Connection, words: Sequence[str], most: int) -> list[str]:
    """Those of `words` that together occur in about `most` wordings, the rarest first; all of them in a small memory.

    A more frequent one is among them only when the rarer ones occur in less than a tenth of that."""
    if (db.execute(_LAST).get or 0) <= most:
        return list(words)
    # Twice as many: two words that occur too often can still be told apart.
    counted = {word: int(db.execute(_OCCURRING, {"word": f'"{word}"', "most": 2 * most}).get) for word in words}
    chosen: list[str] = []
    occurring = 0
    for word in sorted(words, key=counted.__getitem__):
        if occurring >= most / 10 and occurring + counted[word] > most:
            break
        occurring += counted[word]
        chosen.append(word)
    return chosen
