"""Any other model by its name: found where it was fetched to, told apart by what it is, and never fetched from here.

The library itself is a gigabyte that the suite does without: a package of its name stands in for it, with what is used
of it.
"""

from __future__ import annotations

import json
import math
import struct
import sys
from pathlib import Path

import pytest

from drift_mcp.cortex import models
from drift_mcp.cortex.cortex import Cortex, NewMemory
from drift_mcp.cortex.embeddings import Embedder, NoModel
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.cortex.sentence_models import SentenceModel

LIBRARY = """
import json
from pathlib import Path
import numpy

class Pooling:
    pooling_mode = "cls"

class SentenceTransformer:
    def __init__(self, path, device, local_files_only, trust_remote_code):
        assert device == "cpu" and local_files_only and not trust_remote_code
        told = json.loads((Path(path) / "config.json").read_text())
        if "broken" in told:
            raise RuntimeError(f"{path}/config.json: {told['broken']}")
        self.dimensions, self.max_seq_length = told["hidden_size"], told.get("longest")

    def children(self):
        return [object(), Pooling()]

    def encode_document(self, text, show_progress_bar):
        assert not show_progress_bar
        made = numpy.zeros(self.dimensions, dtype=numpy.float32)
        for word in text.lower().split():
            made += numpy.random.default_rng(list(word.encode())).standard_normal(self.dimensions, dtype=numpy.float32)
        return made

    def encode_query(self, text, show_progress_bar):
        return self.encode_document(text, show_progress_bar) + 0.001
"""
NAME = "owner/fine-model"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The stand-in, installed as version 6, and a cache of the hub with nothing in it."""
    place = tmp_path / "site"
    (place / "sentence_transformers").mkdir(parents=True)
    (place / "sentence_transformers" / "__init__.py").write_text(LIBRARY)
    installed(place, "6.0.1")
    monkeypatch.syspath_prepend(place)
    for name in (
        "HF_HUB_OFFLINE",
        "HF_HUB_DISABLE_TELEMETRY",
        "HF_HUB_DISABLE_PROGRESS_BARS",
        "TRANSFORMERS_VERBOSITY",
    ):
        monkeypatch.setenv(name, "as it was")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "as it was")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("SENTENCE_TRANSFORMERS_HOME", raising=False)
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    monkeypatch.delitem(sys.modules, "sentence_transformers")
    return place


def installed(place: Path, version: str) -> None:
    about = place / "sentence_transformers-0.dist-info"
    about.mkdir(exist_ok=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: sentence-transformers\nVersion: {version}\n")


def folder(path: Path, **config: object) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "config.json").write_text(json.dumps({"hidden_size": 384} | config))
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def fetched(tmp_path: Path, name: str, commit: str = "c0ffee", **config: object) -> Path:
    """As the hub's client leaves a model in its cache."""
    place = tmp_path / "hub" / f"models--{name.replace('/', '--')}"
    (place / "refs").mkdir(parents=True, exist_ok=True)
    (place / "refs" / "main").write_text(commit)
    return folder(place / "snapshots" / commit, **config)


# ---------------------------------------------------------------- where it is


def test_without_a_name_it_is_the_model_that_ships(tmp_path: Path) -> None:
    assert isinstance(models.source(None, tmp_path), MiniLM)
    assert isinstance(models.source(NAME, tmp_path), SentenceModel)


def test_without_the_library_the_model_is_absent_and_says_what_to_install(tmp_path: Path) -> None:
    embedder = Embedder(SentenceModel(NAME, tmp_path))
    assert (embedder.state, embedder.load()) == ("absent", "absent")
    assert "from version 6 on, and none is installed: `python -m pip install" in embedder.reason


def test_an_older_library_is_refused(library: Path, tmp_path: Path) -> None:
    fetched(tmp_path, NAME)
    installed(library, "5.9.0")
    assert "from version 6 on, and 5.9.0 is installed" in Embedder(SentenceModel(NAME, tmp_path)).reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (NAME, f"'{NAME}' is not in the local cache of the Hugging Face hub"),
        ("it's/odd", "neither a folder nor a name as the Hugging Face hub has them"),
        ("owner/name/more", "neither a folder nor a name"),
        ("owner/..", "neither a folder nor a name"),
        ("./models/ours", "there is no folder './models/ours' with a model in it"),
        ("~nobody/at/all", "there is no folder '~nobody/at/all'"),
        ("~/nowhere/at/all", "there is no folder '~/nowhere/at/all'"),
    ],
)
def test_a_model_that_is_not_there_is_not_fetched(library: Path, tmp_path: Path, given: str, reason: str) -> None:
    embedder = Embedder(SentenceModel(given, tmp_path))
    assert embedder.load() == "absent"
    assert reason in embedder.reason
    assert str(tmp_path) not in embedder.reason
    assert "sentence_transformers" not in sys.modules


def test_the_reason_holds_the_one_command_that_fetches_the_model(library: Path, tmp_path: Path) -> None:
    fetch = "from sentence_transformers import SentenceTransformer; SentenceTransformer('owner/fine-model')"
    assert f'`python -c "{fetch}"` in this environment' in Embedder(SentenceModel(NAME, tmp_path)).reason


@pytest.mark.parametrize("given", [NAME, "fine-model"])
def test_a_fetched_model_is_found_and_named_by_its_commit(library: Path, tmp_path: Path, given: str) -> None:
    fetched(tmp_path, NAME if given == NAME else f"sentence-transformers/{given}", longest=512)
    embedder = Embedder(SentenceModel(given, tmp_path))
    assert (embedder.state, embedder.identity) == ("cold", None)
    assert embedder.load() == "ready", embedder.reason
    assert embedder.identity is not None
    assert embedder.identity.name == f"sentence-transformers/{given}"
    assert embedder.identity.revision == "c0ffee"
    assert (embedder.identity.dimensions, embedder.identity.pooling) == (384, "cls")
    assert (embedder.identity.normalisation, embedder.identity.max_tokens) == ("l2", 512)


def test_half_a_fetch_is_none(library: Path, tmp_path: Path) -> None:
    (fetched(tmp_path, NAME) / "config.json").unlink()
    assert "is not in the local cache" in Embedder(SentenceModel(NAME, tmp_path)).reason


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        ({"model.safetensors": b"others"}, False),
        ({"1_Pooling/config.json": b"{}"}, False),
        ({"vocab.txt": b"a\nb\n"}, False),
        ({"README.md": b"read me"}, True),
        ({".cache/notes.json": b"{}"}, True),
    ],
)
def test_a_model_in_a_folder_is_another_when_its_files_are(
    library: Path, tmp_path: Path, change: dict[str, bytes], is_same: bool
) -> None:
    place = folder(tmp_path / "models" / "ours")
    before = SentenceModel("models/ours", tmp_path).load().identity
    for name, content in change.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(content)
    after = SentenceModel(str(place), tmp_path / "elsewhere").load().identity
    assert (before.fingerprint == after.fingerprint) is is_same
    assert before.name == after.name == "sentence-transformers/ours"


def test_a_model_that_cannot_be_loaded_has_failed_and_the_reason_names_no_place(library: Path, tmp_path: Path) -> None:
    place = folder(tmp_path / "models" / "ours", broken="no such\n  layer")
    embedder = Embedder(SentenceModel(str(place), tmp_path))
    assert embedder.load() == "failed"
    assert "cannot be loaded: RuntimeError:" in embedder.reason
    assert "no such layer" in embedder.reason
    with pytest.raises(NoModel):
        SentenceModel("./models/ours", tmp_path).load()


# ---------------------------------------------------------------- what it makes


@pytest.mark.parametrize("dimensions", [384, 768, 100])
@pytest.mark.parametrize(
    "text",
    ["charge", "Charge the card once", "🔥", "x" * 100_000, "word " * 50_000, "two\r\n\tlines", "é"],
)
def test_vectors_are_of_unit_length_whatever_the_text(
    library: Path, tmp_path: Path, dimensions: int, text: str
) -> None:
    model = SentenceModel("./ours", folder(tmp_path / "ours", hidden_size=dimensions).parent).load()
    for vector in (model.vector(text), model.question_vector(text)):
        assert vector is not None
        assert math.hypot(*struct.unpack(f"<{dimensions}f", vector)) == pytest.approx(1.0, abs=1e-5)


def test_a_text_without_meaning_to_the_model_has_no_vector(library: Path, tmp_path: Path) -> None:
    assert SentenceModel("./ours", folder(tmp_path / "ours").parent).load().vector("   ") is None


def test_a_question_is_put_to_the_model_as_a_question(library: Path, tmp_path: Path) -> None:
    model = SentenceModel("./ours", folder(tmp_path / "ours").parent).load()
    assert model.vector("charge") != model.question_vector("charge")


@pytest.mark.parametrize("dimensions", [384, 768, 100])
def test_memories_are_found_by_the_meaning_that_the_named_model_gives_them(
    library: Path, project: Path, dimensions: int
) -> None:
    folder(project / "ours", hidden_size=dimensions)
    with Cortex.open(project / "cortex.db", project, embedder=Embedder(SentenceModel("ours", project))) as cortex:
        for text in ("Charge the card once", "Ship on Tuesday", "Guests have no id"):
            cortex.add(NewMemory("tribal", text))
        assert cortex.wait_for_vectors(60)
        found = cortex.search("the card")
        assert found.found_by == "words and meaning"
        assert found.hits[0].summary == "Charge the card once"
        assert {"cosine", "meaning_rank"} <= set(found.hits[0].why)
