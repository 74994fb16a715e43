"""cortex.db, opened: one connection that writes, and read-only ones that each see one snapshot.

Knows nothing of memories. Never leaves a transaction half done.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from drift_mcp.cortex import vectors
from drift_mcp.errors import DriftError

# "cort" in ASCII, so that a tool can tell the file from another SQLite database.
_APPLICATION_ID = 0x636F7274
_SCHEMA_VERSION = 1
# Another process writes for some milliseconds at a time; ten seconds means that it is stuck.
_BUSY_MILLISECONDS = 10_000


class Opened:
    """Threads may share it: transactions run one after the other, snapshots side by side."""

    def __init__(self, path: Path, extension: Path, writer: apsw.Connection) -> None:
        self._path = path
        self._extension = extension
        self._writer = writer
        self._writing = threading.RLock()
        self._idle_readers: list[apsw.Connection] = []
        self._guard = threading.Lock()

    @classmethod
    def at(cls, path: Path) -> Opened:
        extension = vectors.extension_path()
        if extension is None:
            raise DriftError(
                "The package sqlite-vec, which holds the vector index, is not installed. Install it again."
            )
        try:
            writer = _connected(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, extension)
            opened = cls(path, extension, writer)
            opened._prepare()
        except (apsw.NotADBError, apsw.CorruptError) as problem:
            raise DriftError(
                f"{path.name} is damaged, or no database of ours. It was left untouched. Restore a backup, or move it "
                "away and a new one is made."
            ) from problem
        except apsw.CantOpenError as problem:
            raise DriftError(f"{path.name} cannot be opened: its folder is missing or not writable.") from problem
        except apsw.BusyError as problem:
            raise DriftError(
                f"{path.name} is locked by another process. Try again when that has finished."
            ) from problem
        return opened

    @contextmanager
    def transaction(self) -> Iterator[apsw.Connection]:
        """All of what is done inside, or nothing of it."""
        with self._writing:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")

    @contextmanager
    def snapshot(self) -> Iterator[apsw.Connection]:
        """Everything read inside is of one moment."""
        with self._guard:
            reader = self._idle_readers.pop() if self._idle_readers else None
        if reader is None:
            reader = _connected(self._path, apsw.SQLITE_OPEN_READONLY, self._extension)
        reader.execute("BEGIN")
        try:
            yield reader
        finally:
            reader.execute("ROLLBACK")
            with self._guard:
                self._idle_readers.append(reader)

    def close(self) -> None:
        with self._writing, self._guard:
            for reader in self._idle_readers:
                reader.close()
            self._idle_readers.clear()
            self._writer.close()

    def _prepare(self) -> None:
        # Looked at before anything is changed: even the switch to WAL writes into the file.
        self._refuse_what_is_not_ours()
        self._writer.pragma("journal_mode", "wal")
        with self.transaction() as tx:
            if tx.pragma("user_version") == 0:
                for name in (_schema() / "ORDER").read_text(encoding="utf-8").split():
                    for _ in tx.execute((_schema() / name).read_text(encoding="utf-8")):
                        pass
                tx.pragma("application_id", _APPLICATION_ID)
                tx.pragma("user_version", _SCHEMA_VERSION)

    def _refuse_what_is_not_ours(self) -> None:
        db = self._writer
        # In this order: a process that is making the store just now commits both at once.
        if db.execute("SELECT 1 FROM sqlite_schema").get and db.pragma("application_id") != _APPLICATION_ID:
            raise DriftError(f"{self._path.name} is a database of another program. It was left untouched.")
        version = db.pragma("user_version")
        if version > _SCHEMA_VERSION:
            raise DriftError(
                f"{self._path.name} was written by a newer version (schema {version}, this one knows "
                f"{_SCHEMA_VERSION}). It was left untouched. Upgrade drift-mcp."
            )


def _connected(path: Path, flags: int, extension: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), flags=flags)
    # Before anything else: the pragmas below may meet a lock too.
    connection.set_busy_timeout(_BUSY_MILLISECONDS)
    connection.enable_load_extension(True)
    connection.load_extension(str(extension))
    connection.enable_load_extension(False)
    connection.pragma("synchronous", "normal")
    connection.pragma("foreign_keys", True)
    return connection


def _schema() -> Path:
    here = Path(__file__).resolve().parents[1]
    packaged = here / "schema" / "cortex"
    return packaged if packaged.is_dir() else here.parent / "schema" / "cortex"
