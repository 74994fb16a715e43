"""What makes vectors: a model's identity, and the guard that loads it when it is wanted and lets it go when it is not.

Which models there are is said by `minilm`, the one that ships, and `sentence_models`, any other by its name. Imports
none of the libraries that run them, and knows no database.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass
from typing import Literal, Protocol

from blake3 import blake3

ModelState = Literal["cold", "loading", "ready", "absent", "failed"]


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What has to be the same for two vectors to be comparable."""

    name: str
    revision: str  # sha256 of the weights, or what else names them and the tokenizer for good
    dimensions: int
    normalisation: str
    pooling: str
    max_tokens: int
    vocabulary: str  # sha256 of vocab.txt; empty where the revision speaks for it

    @property
    def fingerprint(self) -> bytes:
        parts = (
            self.name,
            self.revision,
            str(self.dimensions),
            self.normalisation,
            self.pooling,
            str(self.max_tokens),
            self.vocabulary,
        )
        return blake3("\0".join(parts).encode()).digest(length=16)


class NoModel(Exception):
    """A model cannot be had: why, and what to do. `state`: whether it is not there, or is not what it should be."""

    def __init__(self, state: Literal["absent", "failed"], reason: str) -> None:
        super().__init__(reason)
        self.state = state


class Model(Protocol):
    """A model in memory. Threads may share it: vectors are made beside each other without a lock."""

    @property
    def identity(self) -> ModelIdentity: ...

    def vector(self, text: str) -> bytes | None:
        """The unit vector of a text that is to be found, as little-endian float32; None when it holds nothing the model
        knows."""

    def question_vector(self, question: str) -> bytes | None:
        """The same of a text that asks: some models were trained to see it in another way."""


class Source(Protocol):
    """Where a model comes from."""

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> ModelIdentity | None:
        """None: it is known only once the model is loaded."""

    def lacking(self) -> str | None:
        """What the model needs and is not here, and how to get it. Imports nothing; None when nothing is missing."""

    def load(self) -> Model:
        """The model, brought into memory. Raises NoModel."""


class Embedder:
    """Makes vectors once `load` has run, until `drop`. Threads may share it."""

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.identity = source.identity
        self._source = source
        self._loading = threading.Lock()
        self._model: Model | None = None
        lacking = source.lacking()
        self._state: ModelState = "cold" if lacking is None else "absent"
        self.reason = lacking or ""  # why the state is `absent` or `failed`, for whoever asks

    @property
    def state(self) -> ModelState:
        return self._state

    @property
    def model(self) -> Model | None:
        """The loaded model; it stays whole for whoever holds it, also when it is dropped meanwhile."""
        return self._model

    def load(self) -> ModelState:
        """Loads the model: `ready`, or the state that says why not. Takes some 0.3 s, so not for the asking thread."""
        with self._loading:
            if self._state != "cold":
                return self._state
            self._state = "loading"
            outcome: ModelState = "failed"
            reason = "the model could not be loaded"
            try:
                self._model = self._source.load()
                self.identity = self._model.identity
                outcome, reason = "ready", ""
            except NoModel as why:
                outcome, reason = why.state, str(why)
            finally:
                # Whatever else is raised goes on to the thread's own report; nobody is left waiting for "loading".
                self._state, self.reason = outcome, reason
            give_back_memory()
            return outcome

    def drop(self) -> None:
        """Lets go of a loaded model and its memory; `load` brings it back."""
        with self._loading:
            if self._state == "ready":
                self._state, self._model = "cold", None
                give_back_memory()

    def vector(self, text: str) -> bytes | None:
        """As the loaded model says: for whoever loaded it, and sees to it that nobody drops it meanwhile."""
        assert self._model is not None, "asked for a vector before the model was ready"
        return self._model.vector(text)


def give_back_memory() -> None:
    """Unpacking the weights leaves 60 MB of freed heap that glibc keeps unless told, and a long text 50 MB; other C
    libraries give it back."""
    if sys.platform.startswith("linux"):
        import ctypes  # wanted now and then, behind the answers

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
