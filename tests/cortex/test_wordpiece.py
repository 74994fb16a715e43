"""The token numbers are those of the reference tokenizer, whose output the samples hold."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from drift_mcp.cortex import wordpiece
from drift_mcp.cortex.minilm import DEFAULT_MODEL
from drift_mcp.cortex.wordpiece import WordPiece

SAMPLES = json.loads(Path(__file__).with_name("wordpiece_samples.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pieces() -> WordPiece:
    return WordPiece()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: ascii(sample["text"])[:20])
def test_a_text_is_cut_as_the_reference_cuts_it(pieces: WordPiece, sample: dict[str, object]) -> None:
    assert pieces.numbers(str(sample["text"])) == sample["numbers"]


def test_a_long_text_ends_where_the_model_stops_reading(pieces: WordPiece) -> None:
    numbers = pieces.numbers("word " * 100_000)
    assert len(numbers) == wordpiece.MAX_TOKENS
    assert numbers[-1] == 102


def test_the_model_has_no_meaning_for_signs_it_never_saw(pieces: WordPiece) -> None:
    assert not pieces.knows(pieces.numbers("🔥🔥"))
    assert pieces.knows(pieces.numbers("fire 🔥"))


def test_the_vocabulary_is_the_one_that_the_model_names() -> None:
    shipped = Path(wordpiece.__file__).with_name("vocab.txt").read_bytes()
    assert hashlib.sha256(shipped).hexdigest() == DEFAULT_MODEL.vocabulary
