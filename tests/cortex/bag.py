"""A model that is there at once: a text is the sum of its words, each a direction of its own. Of any name and size."""

from __future__ import annotations

import hashlib
import math
import struct
from dataclasses import dataclass, field

from drift_mcp.cortex.embeddings import ModelIdentity


@dataclass
class Bag:
    """Source and model in one, for `Embedder`. `is_known`: whether it says what it is before it is loaded; `most`: how
    many vectors it makes before the process is as good as killed."""

    name: str = "bag"
    dimensions: int = 384
    is_known: bool = True
    most: int | None = None
    made: list[str] = field(default_factory=list)
    loads: int = 0

    @property
    def identity(self) -> ModelIdentity | None:
        if not self.is_known:
            return None
        return ModelIdentity(self.name, "1", self.dimensions, "l2", "sum", 1_000, "")

    def lacking(self) -> str | None:
        return None

    def load(self) -> Bag:
        self.loads += 1
        self.is_known = True
        return self

    def vector(self, text: str) -> bytes | None:
        if self.most is not None and len(self.made) >= self.most:
            raise KeyboardInterrupt
        self.made.append(text)
        return self.question_vector(text)

    def question_vector(self, question: str) -> bytes | None:
        words = question.lower().split()
        if not words:
            return None
        sums = [sum(numbers) for numbers in zip(*(self._direction(word) for word in words), strict=True)]
        length = math.hypot(*sums)
        return struct.pack(f"<{self.dimensions}f", *(number / length for number in sums))

    def _direction(self, word: str) -> list[float]:
        drawn = hashlib.shake_256(word.encode()).digest(self.dimensions)
        return [byte - 127.5 for byte in drawn]
