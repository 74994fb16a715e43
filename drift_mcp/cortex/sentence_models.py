"""Any other embedding model, by its name on the Hugging Face hub or as a local directory, run by sentence-transformers.

Never fetches anything: the model is in the hub's local cache, or in the directory, or it is absent and the reason says
which command gets it. Never runs code that a model brings along. Imports nothing heavy before `load` is called.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from blake3 import blake3

from drift_mcp.cortex.embeddings import ModelIdentity, NoModel

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BACKEND: Final = "sentence-transformers"
# Before this one, a model in a folder could bring classes of its own, and they were run.
_LEAST_VERSION: Final = 6
# A name without an owner is one of the models that its makers publish themselves.
_OWNER: Final = "sentence-transformers"
_ON_THE_HUB: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?", re.ASCII)
# What a model reads of a text is some hundred to some thousand tokens. This is above all of them, and keeps the cost of
# a text of 100 kB down to that of its beginning; for a model that knows no bound it is the bound.
_MOST_CHARACTERS: Final = 16_384
# Of what is in a model's folder, what decides the vectors: weights, settings, vocabulary.
_DECISIVE: Final = frozenset({".safetensors", ".bin", ".json", ".txt", ".model", ".jinja"})


class SentenceModel:
    """One model as a source of `embeddings.Embedder`. Threads may share it."""

    identity = None  # its dimensions and its revision are told by the loaded model

    def __init__(self, given: str, root: Path) -> None:
        """`given`: the name on the hub, or a directory, relative to `root` unless it says otherwise."""
        self._given = given
        folder = Path.home() / given[2:] if given.startswith("~/") else root / given
        is_path = given.startswith((".", "~", "/", "\\")) or Path(given).is_absolute() or folder.is_dir()
        self._folder = folder.resolve() if is_path else None
        self.name = f"{BACKEND}/{given if self._folder is None else self._folder.name}"

    def lacking(self) -> str | None:
        import importlib.metadata  # 20 ms that the default model need not spend

        try:
            version = importlib.metadata.version(BACKEND)
        except importlib.metadata.PackageNotFoundError:
            version = ""
        if not version or int(version.split(".")[0]) < _LEAST_VERSION:
            return (
                f"the model {self._given!r} needs the package {BACKEND} from version {_LEAST_VERSION} on, and "
                f"{version or 'none'} is installed: `python -m pip install '{BACKEND}>={_LEAST_VERSION}'`"
            )
        if self._folder is not None:
            return None if self._folder.is_dir() else f"there is no folder {self._given!r} with a model in it"
        if not _ON_THE_HUB.fullmatch(self._given):
            return f"the model {self._given!r} is neither a folder nor a name as the Hugging Face hub has them"
        if self._snapshot() is None:
            fetch = f"from sentence_transformers import SentenceTransformer; SentenceTransformer('{self._given}')"
            return (
                f"the model {self._given!r} is not in the local cache of the Hugging Face hub, and is not fetched from "
                f'here: `python -c "{fetch}"` in this environment'
            )
        return None

    def load(self) -> LoadedSentenceModel:
        path = self._folder or self._snapshot()
        if path is None or not path.is_dir():
            raise NoModel("absent", self.lacking() or f"the model {self._given!r} is gone")
        # Read while they are imported. The first two: whatever is missing in the folder is not looked for elsewhere.
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        # stdout is the protocol's, and stderr is the client's log.
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
        os.environ["TRANSFORMERS_VERBOSITY"] = "error"
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        try:
            from sentence_transformers import SentenceTransformer  # seconds, and hundreds of MB

            model = SentenceTransformer(str(path), device="cpu", local_files_only=True, trust_remote_code=False)
            revision = path.name if self._folder is None else _hash_of(path)
            return LoadedSentenceModel(self.name, revision, model)
        except Exception as problem:
            # Somebody else's library on somebody else's files: anything may come of it, and it is told to who named it.
            told = " ".join(str(problem).replace(str(path), self._given).split())
            reason = f"the model {self._given!r} cannot be loaded: {type(problem).__name__}: {told[:300]}"
            raise NoModel("failed", reason) from problem

    def _snapshot(self) -> Path | None:
        """The folder in the hub's cache that holds the model as its main branch was when it was fetched."""
        owned = self._given if "/" in self._given else f"{_OWNER}/{self._given}"
        for cache in _caches():
            folder = cache / f"models--{owned.replace('/', '--')}"
            try:
                commit = (folder / "refs" / "main").read_text(encoding="ascii").strip()
            except (OSError, UnicodeDecodeError):
                continue
            if (folder / "snapshots" / commit / "config.json").is_file():
                return folder / "snapshots" / commit
        return None


class LoadedSentenceModel:
    """Threads may share it."""

    def __init__(self, name: str, revision: str, model: SentenceTransformer) -> None:
        self._model = model
        pooling = [str(each.pooling_mode) for each in model.children() if hasattr(each, "pooling_mode")]
        length = model.max_seq_length
        self.identity = ModelIdentity(
            name=name,
            revision=revision,
            dimensions=len(model.encode_document("drift", show_progress_bar=False)),
            normalisation="l2",
            pooling="+".join(pooling) or "its own",
            max_tokens=length if isinstance(length, int) and 0 < length < _MOST_CHARACTERS else _MOST_CHARACTERS,
            vocabulary="",
        )

    def vector(self, text: str) -> bytes | None:
        return _unit(self._model.encode_document(text[:_MOST_CHARACTERS], show_progress_bar=False))

    def question_vector(self, question: str) -> bytes | None:
        return _unit(self._model.encode_query(question[:_MOST_CHARACTERS], show_progress_bar=False))


def _unit(vector: Any) -> bytes | None:
    import numpy as np  # loaded with the model, not with this module

    exact = np.asarray(vector, dtype=np.float64)
    length = np.linalg.norm(exact)
    # A model without attention has no vector for words that it never saw.
    return bytes((exact / length).astype("<f4").tobytes()) if 0.0 < length < np.inf else None


def _caches() -> list[Path]:
    """Where the library itself looks for models that were fetched before, the first first."""
    told = os.environ
    home = Path(told.get("HF_HOME") or Path(told.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    places = [told.get("SENTENCE_TRANSFORMERS_HOME"), told.get("HF_HUB_CACHE") or home / "hub"]
    return [Path(place).expanduser() for place in places if place]


def _hash_of(folder: Path) -> str:
    """What names this very model: of all that decides its vectors, by name and content."""
    whole = blake3()
    for path in sorted(each for each in folder.rglob("*") if each.suffix in _DECISIVE and each.is_file()):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts):
            whole.update(f"{name.as_posix()}\0{path.stat().st_size}\0".encode())
            whole.update_mmap(path)
    return whole.hexdigest()
