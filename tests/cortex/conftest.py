"""A project folder with some code to cite, a clock that only tests move, and the real model, loaded once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drift_mcp.cortex import moments
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM, installed_weights

PAY = """\
def charge_card(card, amount):
    if amount <= 0:
        raise ValueError(amount)
    return bank.book(card, amount)


def refund(card, amount):
    return bank.book(card, -amount)
"""


class Clock:
    """Says the time that a test set."""

    def __init__(self, stamp: str) -> None:
        self.stamp = stamp

    def __call__(self) -> str:
        return self.stamp

    def set(self, day: str) -> None:
        self.stamp = moments.asked(day, "day")


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-01-01T00:00:00.000Z")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "app").mkdir(parents=True)
    (root / "app" / "pay.py").write_text(PAY)
    return root


@pytest.fixture
def cortex(project: Path, clock: Clock) -> Iterator[Cortex]:
    """Without a model, as on a machine where it is not installed: what is found is found by words."""
    with Cortex.open(project / "cortex.db", project, clock=clock, embedder=Embedder(MiniLM(None))) as opened:
        yield opened


@pytest.fixture(scope="session")
def model() -> Embedder:
    embedder = Embedder(MiniLM(installed_weights()))
    assert embedder.load() == "ready", embedder.reason
    return embedder


@pytest.fixture
def thinking(project: Path, clock: Clock, model: Embedder) -> Iterator[Cortex]:
    """With the real model, ready."""
    with Cortex.open(project / "cortex.db", project, clock=clock, embedder=model) as opened:
        yield opened
