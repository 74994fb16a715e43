from __future__ import annotations

from collections.abc import Iterator

import pytest

from drift_mcp.project import DRIFT_ID
from drift_mcp.store import migrate, schema
from drift_mcp.store.writer import Writer


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Writer]:
    """An empty store of today's, for trials that are undone."""
    ours = schema.read("drift", DRIFT_ID)
    path = tmp_path_factory.mktemp("store") / "drift.db"
    writer = Writer(migrate.opened(path, ours), path, ours)
    yield writer
    writer.close()
