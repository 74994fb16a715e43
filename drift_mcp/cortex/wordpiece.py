"""Text into the token numbers that the default embedding model was trained on: BERT's uncased WordPiece.

Written here because the usual package brings sixteen distributions with it. The same text gives the same numbers as
that package (a test holds samples of its output). Never touches the model.

`vocab.txt` beside this file is the vocabulary of BERT-base-uncased by Google, Apache-2.0; see `vocab.LICENSE.txt`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

# What all-MiniLM-L6-v2 was trained to read, [CLS] and [SEP] included; what comes after is not seen.
MAX_TOKENS = 256
# BERT's own bound: a longer run of letters is one unknown piece.
_LONGEST_WORD = 100
# 254 pieces of prose are about 1,200 characters. This is far above that for any script, and keeps the cost of a
# question of 100 kB down to that of its beginning.
_MOST_CHARACTERS = 16_384


class WordPiece:
    """The vocabulary and the cutting of text into its pieces. Threads may share it: nothing changes after loading."""

    def __init__(self) -> None:
        # Not splitlines(): some pieces are themselves line separators of Unicode.
        text = Path(__file__).with_name("vocab.txt").read_text(encoding="utf-8")
        lines = text.rstrip("\n").split("\n")
        self._numbers = {piece: number for number, piece in enumerate(lines)}
        self._unknown = self._numbers["[UNK]"]
        self._first = self._numbers["[CLS]"]
        self._last = self._numbers["[SEP]"]

    def numbers(self, text: str) -> list[int]:
        """[CLS], at most 254 pieces of `text`, [SEP]."""
        result = [self._first]
        for word in _words(_normalised(text[:_MOST_CHARACTERS])):
            result.extend(self._pieces(word))
            if len(result) >= MAX_TOKENS - 1:
                break
        return [*result[: MAX_TOKENS - 1], self._last]

    def knows(self, numbers: list[int]) -> bool:
        """Whether there is anything in `numbers` that the model has a meaning for."""
        return any(number != self._unknown for number in numbers[1:-1])

    def _pieces(self, word: str) -> list[int]:
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        pieces: list[int] = []
        start = 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._numbers.get(prefix + word[start:end])
                if number is not None:
                    pieces.append(number)
                    start = end
                    break
            else:
                return [self._unknown]
        return pieces


def _normalised(text: str) -> str:
    cleaned = "".join(_cleaned(text))
    stripped = (c for c in unicodedata.normalize("NFD", cleaned) if unicodedata.category(c) != "Mn")
    # One character at a time: the model's vocabulary knows no final sigma, which lower() of a whole word would make.
    return "".join(c.lower() for c in stripped)


def _cleaned(text: str) -> Iterator[str]:
    for c in text:
        if c in "\t\n\r":
            yield " "
        elif c == "\ufffd" or unicodedata.category(c) in ("Cc", "Cf", "Co", "Cs"):
            continue
        elif c.isspace():
            yield " "
        elif _is_ideograph(ord(c)):
            yield f" {c} "
        else:
            yield c


def _words(text: str) -> Iterator[str]:
    for run in text.split():
        start = 0
        for position, c in enumerate(run):
            if _is_punctuation(c):
                if position > start:
                    yield run[start:position]
                yield c
                start = position + 1
        if start < len(run):
            yield run[start:]


def _is_punctuation(c: str) -> bool:
    # BERT counts every ASCII sign as punctuation, `$` and `+` too.
    return (c.isascii() and not c.isalnum() and c.isprintable()) or unicodedata.category(c).startswith("P")


def _is_ideograph(point: int) -> bool:
    return (
        0x4E00 <= point <= 0x9FFF
        or 0x3400 <= point <= 0x4DBF
        or 0x20000 <= point <= 0x2A6DF
        or 0x2A700 <= point <= 0x2B73F
        or 0x2B740 <= point <= 0x2B81F
        or 0x2B920 <= point <= 0x2CEAF
        or 0xF900 <= point <= 0xFAFF
        or 0x2F800 <= point <= 0x2FA1F
    )
