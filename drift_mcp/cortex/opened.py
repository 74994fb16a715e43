"""cortex.db, opened: its writer, and its pool of snapshots, both with the vector index loaded.

Knows which database it is and nothing of what stands in it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import apsw

from drift_mcp.cortex import forgetting, vectors
from drift_mcp.errors import StoreUnusable
from drift_mcp.store import migrate, schema
from drift_mcp.store.backup import Database
from drift_mcp.store.pool import TIMEOUT_SECONDS, ReaderPool
from drift_mcp.store.writer import Writer

# "cort" in ASCII, so that a tool can tell the file from another SQLite database.
APPLICATION_ID = 0x636F7274


def database(path: Path) -> Database:
    """cortex.db as a backup knows it."""
    extension = vectors.extension_path()
    extensions = () if extension is None else (extension,)
    return Database(path, schema.read("cortex", APPLICATION_ID), extensions, carry_on=forgetting.forget_again)


class Opened:
    """Threads may share it: transactions run one after the other, snapshots side by side."""

    def __init__(self, path: Path, writer: Writer, readers: ReaderPool) -> None:
        self.path: Final = path
        self._writer = writer
        self._readers = readers

    @classmethod
    def at(cls, path: Path, *, before_steps: Callable[[], object] | None = None) -> Opened:
        """Opens `path`, creating the database if there is none, and bringing an older one up after `before_steps`.
        Raises StoreUnusable for what is not ours to use."""
        extension = vectors.extension_path()
        if extension is None:
            raise StoreUnusable("The package sqlite-vec, which holds the vector index, is missing. Install it again.")
        ours = schema.read("cortex", APPLICATION_ID)
        db = migrate.opened(path, ours, extensions=(extension,), before_steps=before_steps)
        writer = Writer(db, path, ours)
        return cls(path, writer, ReaderPool(path, ours, extensions=(extension,)))

    def transaction(self, *, busy_ms: int | None = None) -> AbstractContextManager[apsw.Connection]:
        """All of what is done inside, or nothing of it. `busy_ms`: how long to wait for another process that writes."""
        return self._writer.transaction(busy_ms=busy_ms)

    def snapshot(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> AbstractContextManager[apsw.Connection]:
        """Everything read inside is of one moment. Raises QueryTimeout when that takes too long."""
        return self._readers.snapshot(timeout_seconds=timeout_seconds)

    def write_anew(self) -> bool:
        """The whole file, so that nothing deleted is left in it or its log; False: a reader holds on to the log."""
        return self._writer.write_anew()

    def close(self) -> None:
        self._readers.close()
        self._writer.close()
