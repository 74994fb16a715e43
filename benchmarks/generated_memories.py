"""The memory of a large project that does not exist: as many memories as asked for, the same each time.

What they say are sentences from the documentation of Python's standard library, two a memory: real words, as often as
English has them. The model makes the vectors of the first; each of the others is a mixture of two of those, with noise.
Mixtures lie closer together than the vectors of texts do, so that what looks for the nearest has it harder.
"""

from __future__ import annotations

import ast
import json
import random
import re
import sysconfig
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import apsw
import numpy as np
from numpy.typing import NDArray

from drift_mcp.cortex import content, vectors
from drift_mcp.cortex.cortex import NewMemory
from drift_mcp.cortex.embeddings import Model
from drift_mcp.cortex.links import Links
from drift_mcp.cortex.wordings import Wording

REAL_VECTORS = 1_000  # the model takes some milliseconds for each
RARE_TYPE: content.MemoryType = "core"
_ONE_IN = 1_000  # is of the rare type
_TYPES: tuple[content.MemoryType, ...] = ("tribal", "semantic", "decision_context", "procedural")
_AREAS = ("billing", "login", "search", "export", "reports", "mail", "orders", "stock", "api", "jobs")
_FILES = 500
_SENTENCES = 8_000
# A noise of this length before it is made a unit vector: as between two ways to say the same.
_NOISE = 0.35
_WRITTEN = "2026-01-01T00:00:00.000Z"
_REVISED = "2026-02-01T00:00:00.000Z"


def memory(number: int) -> NewMemory:
    chance = random.Random(number)
    return NewMemory(
        RARE_TYPE if number % _ONE_IN == _ONE_IN // 2 else _TYPES[number % len(_TYPES)],
        f"{chance.choice(_sentences())} {chance.choice(_sentences())} (case {number})",
        tags=(_AREAS[chance.randrange(len(_AREAS))],),
        files=(file(chance.randrange(_FILES)),),
        importance="critical" if number % 200 == 0 else "normal",
    )


def question(number: int) -> str:
    """The first words of two sentences: some memory holds the one, some other the other."""
    chance = random.Random(f"question {number}")
    return " ".join(" ".join(chance.choice(_sentences()).split()[:6]) for _ in range(2))


def file(number: int) -> str:
    return f"src/part{number % 25}/module{number}.py"


def make_files(root: Path) -> None:
    """The files that the memories cite."""
    for number in range(_FILES):
        path = root / file(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"NUMBER = {number}\n", encoding="utf-8")


@cache
def _sentences() -> list[str]:
    found: dict[str, None] = {}
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        found.update((sentence, None) for sentence in _said_in(path))
    chosen = list(found)[:_SENTENCES]
    random.Random(1).shuffle(chosen)
    return chosen


def _said_in(path: Path) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old escapes in strings
        tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and (text := ast.get_docstring(node)):
            for part in re.split(r"(?<=[.!?])\s+|\n\s*\n", text):
                sentence = " ".join(part.split())
                if 30 <= len(sentence) <= 300:
                    yield sentence


# As `memories`, `wordings` and `links` write them, without looking at each for what resembles it.
_MEMORY = "INSERT INTO memories (key, id, type, created_at) VALUES (?, ?, ?, ?)"
_TEXT = """
INSERT INTO memory_texts (key, memory_key, summary, body, tags, code, text_hash)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_VERSION = """
INSERT INTO memory_versions
    (memory_key, version, recorded_at, recorded_to, valid_from, content, summary, text_key, importance, tags, change)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_FILE = "INSERT INTO memory_files (memory_key, file_path, recorded_at) VALUES (?, ?, ?)"


def write(tx: apsw.Connection, many: int) -> None:
    """Adds so many memories to none. Every tenth was revised once, so that its first wording is no longer seen."""
    for number in range(many):
        new, key = memory(number), number + 1
        assert isinstance(new.content, str)
        memory_type = content.type_named(new.type)
        tx.execute(_MEMORY, (key, f"mem_{number:09d}", memory_type, _WRITTEN))
        tx.execute(_FILE, (key, new.files[0], _WRITTEN))
        if number % 10 == 3:
            _write_version(tx, new, key, 1, f"At first: {new.content}", _WRITTEN, _REVISED)
            _write_version(tx, new, key, 2, new.content, _REVISED, None)
        else:
            _write_version(tx, new, key, 1, new.content, _WRITTEN, None)


def _write_version(
    tx: apsw.Connection, new: NewMemory, key: int, version: int, said: str, since: str, until: str | None
) -> None:
    memory_type = content.type_named(new.type)
    what = content.checked(memory_type, said)
    summary = content.summary(memory_type, what)
    wording = Wording.of(memory_type, what, summary, new.tags, Links((), (), (), ()))
    wording = wording._replace(code=f"{new.files[0]}{wording.code}")
    text = 2 * key + version
    tx.execute(_TEXT, (text, key, *wording, wording.hash))
    change = "added" if version == 1 else "revised"
    described = (json.dumps(what), summary, text, new.importance, json.dumps(new.tags), change)
    tx.execute(_VERSION, (key, version, since, until, _WRITTEN, *described))


def real_vectors(model: Model) -> NDArray[np.float32]:
    made = [model.vector(str(memory(number).content)) for number in range(REAL_VECTORS)]
    return np.array([np.frombuffer(vector, dtype="<f4") for vector in made if vector is not None])


def write_vectors(tx: apsw.Connection, model: Model, real: NDArray[np.float32]) -> None:
    """Stores a vector for every wording."""
    key = vectors.name_model(tx, model.identity, _WRITTEN)
    vectors.mark_missing(tx, key)
    waiting = vectors.pending(tx, key, -1)
    made = _mixed(real, len(waiting))
    vectors.store(
        tx, ((each.embedding_rowid, one.tobytes()) for each, one in zip(waiting, made, strict=True)), _WRITTEN
    )


def _mixed(real: NDArray[np.float32], many: int) -> NDArray[np.float32]:
    chance = np.random.default_rng(1)
    one, other = chance.integers(len(real), size=(2, max(0, many - len(real))))
    share = chance.uniform(0.2, 0.8, size=(len(one), 1))
    noise = chance.standard_normal((len(one), real.shape[1])) * (_NOISE / real.shape[1] ** 0.5)
    made = np.vstack([real[:many], share * real[one] + (1 - share) * real[other] + noise])
    unit: NDArray[np.float32] = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype("<f4")
    return unit
