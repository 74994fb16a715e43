"""Which memories a new wording resembles: those that seem to say the same, and those that seem to say the opposite.

Reports, never refuses: a write goes through whatever is found here.
"""

from __future__ import annotations

from dataclasses import dataclass

import apsw

from drift_mcp.cortex import likeness, words
from drift_mcp.cortex.content import MemoryType
from drift_mcp.cortex.wordings import Wording

# Near-duplicates are looked for among the memories that share most words with the new one.
_COMPARED = 20
# The first words tell the subject, and each further one costs another index walk.
_TERMS = 16
_REPORTED = 3


@dataclass(frozen=True, slots=True)
class Resembling:
    """Another memory that seems to say the same (`likeness` 0 to 1) or the opposite (`why`)."""

    memory: str
    summary: str
    likeness: float
    why: str


_RESEMBLING = """
SELECT m.id, v.summary, t.body
FROM memory_fts f
JOIN memory_versions v ON v.text_key = f.rowid
JOIN memory_texts t ON t.key = f.rowid
JOIN memories m ON m.key = v.memory_key
WHERE memory_fts MATCH :match
    AND v.recorded_to IS NULL
    AND NOT v.archived
    AND m.type = :type
    AND m.key IS NOT :except
ORDER BY f.rank
LIMIT :most
"""


def among_believed(
    db: apsw.Connection, memory_type: MemoryType, wording: Wording, except_key: int | None
) -> tuple[tuple[Resembling, ...], tuple[Resembling, ...]]:
    """(near-duplicates, contradictions) among the memories of one type believed now, the most alike first."""
    terms = words.terms(wording.body, _TERMS)
    if not terms:
        return (), ()
    near: list[Resembling] = []
    opposed: list[Resembling] = []
    question = {
        "match": words.match_expression(terms),
        "type": memory_type,
        "except": except_key,
        "most": _COMPARED,
    }
    new = likeness.Statement(wording.body)
    for memory, summary, body in db.execute(_RESEMBLING, question):
        known = likeness.Statement(body)
        alike = round(likeness.likeness(new, known), 3)
        why = likeness.opposition(new, known)
        if why is not None:
            opposed.append(Resembling(memory, summary, alike, why))
        elif likeness.says_the_same(new, known):
            near.append(Resembling(memory, summary, alike, f"{alike:.0%} of its wording is the same"))
    near.sort(key=lambda each: (-each.likeness, each.memory))
    opposed.sort(key=lambda each: (-each.likeness, each.memory))
    return tuple(near[:_REPORTED]), tuple(opposed[:_REPORTED])
