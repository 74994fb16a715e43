"""What is shipped for common questions is what the default model says of them, or it is not used."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

import pytest

from drift_mcp.cortex import precomputed, ranking
from drift_mcp.cortex.caches import cache_key
from drift_mcp.cortex.content import MEMORY_TYPES
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import DEFAULT_MODEL
from drift_mcp.scan.conventions import CATEGORIES, CONVENTIONS

SHIPPED = precomputed.read(DEFAULT_MODEL.fingerprint)
# The names of patterns that agents of the predecessor knew.
NAMES = [
    *("async-await", "error-handling", "middleware", "factory", "singleton", "observer", "repository", "service"),
    *("controller", "validator", "transformer", "hook", "component", "test", "config"),
]


def test_every_text_of_the_list_is_shipped_and_nothing_else() -> None:
    texts = precomputed.texts()
    assert len(set(texts)) == len(texts)
    assert set(SHIPPED.places) == {cache_key(DEFAULT_MODEL, text) for text in texts}
    assert SHIPPED.reason == ""
    assert precomputed.VECTORS.stat().st_size < 700_000


def test_the_list_names_types_intents_categories_patterns_and_the_questions_of_conventions() -> None:
    questions = [convention.question for convention in CONVENTIONS]
    missing = {*MEMORY_TYPES, *ranking._INTENTS, *CATEGORIES, *NAMES, *questions} - set(precomputed.texts())
    assert missing == set()


@pytest.mark.parametrize("text", random.Random(7).sample(precomputed.texts(), 12))
def test_a_shipped_vector_is_the_models_own(model: Embedder, text: str) -> None:
    shipped, made = SHIPPED.get(cache_key(DEFAULT_MODEL, text)), model.vector(text)
    assert shipped is not None and made is not None
    ours, theirs = (struct.unpack("<384f", each) for each in (shipped, made))
    assert sum(a * b for a, b in zip(ours, theirs, strict=True)) >= 0.9999
    assert math.hypot(*ours) == pytest.approx(1.0, abs=1e-5)


def test_what_is_not_in_the_list_is_not_shipped() -> None:
    assert SHIPPED.get(cache_key(DEFAULT_MODEL, "what the owl said on Thursday")) is None


def test_vectors_of_another_model_are_refused_as_a_whole() -> None:
    other = precomputed.read(bytes(16))
    assert (dict(other.places), other.reason) == ({}, "the vectors in common_questions.vectors are another model's")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda content: b"", "missing"),
        (lambda content: content[:20], "missing"),
        (lambda content: b"x" + content[1:], "missing"),
        (lambda content: content[:-1], "checksum"),
        (lambda content: content + b"\0", "checksum"),
        (lambda content: content[:-1] + bytes([content[-1] ^ 1]), "checksum"),
        (lambda content: content[:40] + bytes([content[40] ^ 1]) + content[41:], "checksum"),
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_refused_as_a_whole(tmp_path: Path, harm: object, reason: str) -> None:
    assert callable(harm)
    path = tmp_path / "some.vectors"
    precomputed.write(bytes(16), 2, {bytes([n] * 16): struct.pack("<2f", 0.6, 0.8) for n in range(3)}, path)
    whole = precomputed.read(bytes(16), path)
    assert whole.get(bytes([2] * 16)) == struct.pack("<2f", 0.6, 0.8)
    path.write_bytes(harm(path.read_bytes()))
    refused = precomputed.read(bytes(16), path)
    assert reason in refused.reason
    assert refused.get(bytes([2] * 16)) is None


def test_without_the_file_nothing_is_shipped_and_the_reason_is_said(tmp_path: Path) -> None:
    assert "is missing from the package" in precomputed.read(bytes(16), tmp_path / "none").reason
