"""The work that memories take: what may be found of it when it ended in the middle.

Whatever ended when: every memory has its one version of now and a wording for each version, every wording its row in
the index and its vector or the mark that one is to follow, and what was acknowledged is there.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import apsw

from drift_mcp.cortex import opened as cortex
from drift_mcp.cortex import upkeep
from drift_mcp.project import FOLDER
from drift_mcp.store import connection
from faults import ground, trials
from faults.states import State
from faults.trials import Ground, Trial
from faults.workshop import Workshop

_MEMORIES: Final = tuple(f"what was learned on day {number}" for number in range(40))
_FILE: Final = "memories.jsonl"
_FACTS: Final = (
    "Money amounts are stored as integer cents",
    "Sessions are kept in the cache for a day",
    "Mails leave through the queue of the worker",
    "Every table carries the tenant that owns its rows",
    "Uploads are scanned before anybody may open them",
    "The search index is rebuilt at night",
    "Passwords are hashed with argon2 and a pepper",
    "Webhooks are signed, and repeated until they are answered",
)

# -- whole or not

_ODD: Final = {
    "memories without their one version of now": """
        SELECT count(*)
        FROM memories m
        WHERE m.forgotten_at IS NULL
            AND (SELECT count(*) FROM memory_versions v WHERE v.memory_key = m.key AND v.recorded_to IS NULL) <> 1
    """,
    "versions that do not begin where the one before ends": """
        SELECT count(*)
        FROM memory_versions v
        WHERE v.version > 1
            AND NOT EXISTS (
                SELECT 1
                FROM memory_versions b
                WHERE b.memory_key = v.memory_key
                    AND b.version = v.version - 1
                    AND b.recorded_to = v.recorded_at
            )
    """,
    "versions with the wording of another memory": """
        SELECT count(*)
        FROM memory_versions v
        JOIN memory_texts t ON t.key = v.text_key
        WHERE t.memory_key <> v.memory_key
    """,
    "wordings without a row in the index": """
        SELECT count(*)
        FROM memory_texts t
        WHERE NOT EXISTS (SELECT 1 FROM memory_fts_docsize d WHERE d.id = t.key)
    """,
    "wordings with neither a vector nor a mark": """
        SELECT count(*)
        FROM memory_texts t
        WHERE NOT EXISTS (SELECT 1 FROM memory_embedding_link l WHERE l.text_key = t.key)
    """,
    "vectors without their signs": """
        SELECT count(*)
        FROM memory_vectors v
        WHERE NOT EXISTS (SELECT 1 FROM memory_bits b WHERE b.embedding_rowid = v.embedding_rowid)
    """,
}


def unwhole(path: Path) -> str | None:
    """What is odd about the memories in a cortex.db that no process has open; None: nothing is."""
    with closing(_opened(path)) as db:
        found = Counter({what: int(db.execute(query).get) for what, query in _ODD.items()})
        found["vectors that are marked otherwise than they stand"] = upkeep.lost_vectors(db)
        found["vectors that the index has otherwise"] = upkeep.unindexed(db)
    return ", ".join(f"{number} {what}" for what, number in found.items() if number) or None


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(_opened(path)) as db:
        return db.execute(query).fetchall()


def _opened(path: Path) -> apsw.Connection:
    return connection.open_any(path, apsw.SQLITE_OPEN_READONLY, extensions=cortex.database(path).extensions)


Judge = Callable[[Ground, State, str], str | None]


def _whole_and(judge: Judge) -> Judge:
    def judged(there: Ground, state: State, said: str) -> str | None:
        return unwhole(there.copy("cortex.db")) or judge(there, state, said)

    return judged


# -- which states may be found

_SUMMARIES: Final = "SELECT v.summary FROM memories m JOIN memory_versions v ON v.memory_key = m.key ORDER BY m.key"
_VERSIONS: Final = "SELECT m.id || ' ' || v.version FROM memories m JOIN memory_versions v ON v.memory_key = m.key"
_LEARNED: Final = """
SELECT v.content ->> '$.knowledge'
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key AND v.recorded_to IS NULL
WHERE m.type = 'semantic'
"""
_DERIVED: Final = "SELECT count(*) FROM memory_relationships WHERE relationship = 'derived_from'"
_FLAGGED: Final = """
SELECT flags, count(*)
FROM (
    SELECT count(*) AS flags
    FROM memory_versions
    WHERE change = 'validated'
    GROUP BY memory_key
)
GROUP BY flags
"""
_WAITING: Final = "SELECT count(*) FROM memory_embedding_link WHERE state = 'pending'"
_FORGOTTEN: Final = """
SELECT m.id
FROM memories m
WHERE m.forgotten_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM memory_versions v WHERE v.memory_key = m.key)
    AND NOT EXISTS (SELECT 1 FROM memory_texts t WHERE t.memory_key = m.key)
"""
_MODELS: Final = """
SELECT e.name, count(*)
FROM memory_vectors v
JOIN memory_embedding_link l ON l.embedding_rowid = v.embedding_rowid
JOIN embedding_models e ON e.key = l.model_key
GROUP BY e.key
"""


def _all_added(there: Ground, state: State, said: str) -> str | None:
    told = [line for line in said.splitlines() if line in _MEMORIES]
    return trials.is_kept(told, [str(summary) for (summary,) in rows(there.copy("cortex.db"), _SUMMARIES)])


def _all_revised(there: Ground, state: State, said: str) -> str | None:
    told = [line for line in said.splitlines() if line.startswith("mem_")]
    kept = [str(version) for (version,) in rows(there.copy("cortex.db"), _VERSIONS)]
    return trials.is_kept(told, [each for each in kept if not each.endswith(" 1")])


def _all_forgotten(there: Ground, state: State, said: str) -> str | None:
    told = [line for line in said.splitlines() if line.startswith("mem_")]
    return trials.is_kept(told, [str(memory) for (memory,) in rows(there.copy("cortex.db"), _FORGOTTEN)])


def _exported(there: Ground, state: State, said: str) -> str | None:
    """The file is whole, or none is there."""
    if state.pair != there.old.pair:
        return "an export changed the store"
    path = there.root / _FILE
    if path.exists():
        header, *lines = path.read_bytes().splitlines()
        if len(lines) != json.loads(header)["memories"]:
            return f"{len(lines)} lines of {header.decode()}"
    return None


def _any(there: Ground, state: State, said: str) -> str | None:
    return None


def _is_fine(there: Ground, state: State) -> str | None:
    return unwhole(there.copy("cortex.db"))


def _has_vectors(there: Ground, state: State) -> str | None:
    """In the end every memory has a vector, and of one model."""
    path = there.copy("cortex.db")
    waiting, models = rows(path, _WAITING), rows(path, _MODELS)
    if waiting != [(0,)] or [number for _, number in models] != [len(_MEMORIES)]:
        return f"{waiting} wait, and there are vectors of {models}"
    return unwhole(path)


def _is_validated(there: Ground, state: State) -> str | None:
    """What is no longer true is said once, however often it was looked over."""
    path = there.copy("cortex.db")
    flagged = rows(path, _FLAGGED)
    return unwhole(path) or (None if flagged == [(1, 5)] else f"flagged are {flagged}, a version and memories each")


def _none_twice(there: Ground, state: State, said: str) -> str | None:
    found = rows(there.copy("cortex.db"), _LEARNED)
    return f"learned twice: {found}" if len(found) != len(set(found)) else None


def _is_learned(there: Ground, state: State) -> str | None:
    """In the end each fact is known once, by every episode that told it."""
    path = there.copy("cortex.db")
    learned, told = rows(path, _LEARNED), rows(path, _DERIVED)
    if sorted(learned) != sorted((fact,) for fact in _FACTS) or told != [(3 * len(_FACTS),)]:
        return f"learned was {learned}, from {told} episodes"
    return unwhole(path)


def _is_imported(there: Ground, state: State) -> str | None:
    return unwhole(there.copy("cortex.db")) or trials.is_new(there, state)


# -- the work


def _empty(workshop: Workshop, root: Path) -> None:
    trials.refuse_failed(workshop.run(root, "init"))


def _remembered(workshop: Workshop, root: Path) -> None:
    _empty(workshop, root)
    trials.refuse_failed(workshop.run(root, *_MEMORIES, task="remember"))


def _elsewhere(workshop: Workshop, root: Path) -> None:
    """What another machine remembers is a file here."""
    _remembered(workshop, root)
    ids = [str(memory) for (memory,) in rows(root / FOLDER / "cortex.db", "SELECT id FROM memories ORDER BY id")]
    trials.refuse_failed(workshop.run(root, *ids[:20], task="revise"))
    trials.refuse_failed(workshop.run(root, "memory", "export", _FILE))
    for name in ("cortex.db", "cortex.db-wal", "cortex.db-shm"):
        (root / FOLDER / name).unlink(missing_ok=True)
    trials.refuse_failed(workshop.run(root, "init"))


def _embedded(workshop: Workshop, root: Path) -> None:
    """Every memory has a vector, of a model that is not today's."""
    _remembered(workshop, root)
    trials.refuse_failed(workshop.run(root, "another", task="embed"))


def _lived(workshop: Workshop, root: Path) -> None:
    """Three episodes of each fact."""
    _empty(workshop, root)
    trials.refuse_failed(workshop.run(root, *_FACTS, task="live"))


def _cited(workshop: Workshop, root: Path) -> None:
    """Memories of code that has changed since, or is gone."""
    trials.scanned(workshop, root)
    for number in range(1, trials.MODULES, 2):
        cited = f"module_{number}.py:20-24"
        what = f"what the part that is called {chr(ord('a') + number)} is for"
        trials.refuse_failed(workshop.run(root, "memory", "add", what, "--file", cited))
    ground.edited(root, trials.MODULES)
    trials.refuse_failed(workshop.run(root, "scan", "--jobs", "1"))


def named() -> dict[str, Trial]:
    doctor = (("doctor",),)
    fixed = (("doctor", "--fix"),)
    export = ("memory", "export", _FILE)
    take = ("memory", "import", _FILE)
    consolidate = ("memory", "consolidate", "--apply")
    validate = ("memory", "validate", "--apply")
    return {
        "memory add": Trial(_empty, _MEMORIES, _whole_and(_all_added), doctor, _is_fine, "remember"),
        "memory revise": Trial(_remembered, (), _whole_and(_all_revised), doctor, _is_fine, "revise"),
        "memory forget": Trial(_remembered, (), _whole_and(_all_forgotten), doctor, _is_fine, "forget"),
        "memory import": Trial(_elsewhere, take, _whole_and(trials.old_or_new), (take, *doctor), _is_imported),
        "memory export": Trial(_remembered, export, _exported, ((*export, "--force"),), _is_fine),
        "memory consolidate": Trial(_lived, consolidate, _whole_and(_none_twice), (consolidate, *doctor), _is_learned),
        "memory validate": Trial(_cited, validate, _whole_and(_any), (validate, *doctor), _is_validated),
        "vectors, the first": Trial(_remembered, ("shipped",), _whole_and(_any), fixed, _has_vectors, "embed"),
        "vectors of another model": Trial(_embedded, ("shipped",), _whole_and(_any), fixed, _has_vectors, "embed"),
    }
