"""Which model makes a project's vectors: the one that its settings name, or the one that ships with Drift."""

from __future__ import annotations

from pathlib import Path

from drift_mcp.cortex.embeddings import Source
from drift_mcp.cortex.minilm import MiniLM, installed_weights
from drift_mcp.cortex.sentence_models import SentenceModel


def source(named: str | None, root: Path) -> Source:
    """`named`: what `[memory] model` of .drift/config.toml says; `root`: what a folder is relative to."""
    return MiniLM(installed_weights()) if named is None else SentenceModel(named, root)
