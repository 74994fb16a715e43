"""Opens connections to one of our databases, and tells a store from everything that is none. Holds no SQL about content."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import apsw

from drift_mcp.errors import StoreUnusable

# A second process that scans holds the write lock for the length of one commit, at most some seconds on a slow disk.
BUSY_MS: Final = 10_000
# 64 MB of page cache: the working set of the largest stores measured (190 MB) gained nothing from more.
_CACHE_KB: Final = 65_536
# Reading through the page map saves a copy on look-ups; 256 MB holds a store of half a million functions.
_MMAP_BYTES: Final = 268_435_456
# Pages after which a commit checkpoints. The default of 1,000 costs a bulk load 1.1 to 1.6 times; 4,000 keep the WAL near 17 MB.
_CHECKPOINT_PAGES: Final = 4_000
# What a checkpoint leaves of a WAL that once grew large.
_WAL_BYTES_KEPT: Final = 33_554_432


def open_writer(path: Path, application_id: int, *, extensions: Iterable[Path] = ()) -> apsw.Connection:
    """The connection that may write. Creates an empty file when there is none. Raises StoreUnusable for a file that is no store of ours."""
    db = _connect(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    try:
        _check(db, path, application_id, empty_allowed=True)
        _load(db, extensions)
        if db.pragma("journal_mode", "wal") != "wal":
            raise StoreUnusable(f"{path.name} cannot use a write-ahead log here. Is its folder on a network file system?")
        # NORMAL: a power cut may cost the last commits, never the consistency; kill -9 costs nothing.
        db.pragma("synchronous", 1)
        db.pragma("foreign_keys", True)
        db.pragma("wal_autocheckpoint", _CHECKPOINT_PAGES)
        db.pragma("journal_size_limit", _WAL_BYTES_KEPT)
        _tune(db)
    except apsw.Error as problem:
        db.close()
        raise unusable(path, problem) from problem
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path, application_id: int, *, extensions: Iterable[Path] = ()) -> apsw.Connection:
    """A connection that can only read. Raises StoreUnusable when there is no store of ours at `path`."""
    if not path.exists():
        raise StoreUnusable(f"There is no {path.name} in {path.parent.name}/. Run `drift init` and `drift scan` first.")
    db = _connect(path, apsw.SQLITE_OPEN_READONLY)
    try:
        _check(db, path, application_id, empty_allowed=False)
        _load(db, extensions)
        db.pragma("query_only", True)
        _tune(db)
    except apsw.Error as problem:
        db.close()
        raise unusable(path, problem) from problem
    except BaseException:
        db.close()
        raise
    return db


def unusable(path: Path, problem: BaseException) -> StoreUnusable:
    """What SQLite says about a file, in words that say what to do."""
    name = path.name
    if isinstance(problem, apsw.NotADBError):
        return StoreUnusable(f"{name} is not a database. It was left untouched. Move it away and run `drift init` to begin a new store.")
    if isinstance(problem, apsw.CorruptError):
        return StoreUnusable(
            f"{name} is damaged. It was left untouched. Restore a backup with `drift backup restore latest`, "
            "or move it away and run `drift scan` to build it anew."
        )
    if isinstance(problem, apsw.BusyError):
        return StoreUnusable(f"{name} is locked: another process has been writing for {BUSY_MS // 1000} s. Try again when it is done.")
    if isinstance(problem, (apsw.CantOpenError, apsw.PermissionsError)):
        return StoreUnusable(f"{name} cannot be opened in {path.parent.name}/. Does the folder exist, and may you read and write it?")
    if isinstance(problem, apsw.ReadOnlyError):
        return StoreUnusable(f"{name} or its folder is read-only. Drift needs to write there.")
    if isinstance(problem, apsw.FullError):
        return StoreUnusable(f"The disk is full: {name} kept what was committed before. Free some room and try again.")
    return StoreUnusable(f"{name} cannot be used: {problem}.")


def _connect(path: Path, flags: int) -> apsw.Connection:
    try:
        # NOMUTEX: each of our connections is used by one thread at a time, which the pool and the writer see to.
        db = apsw.Connection(os.fspath(path), flags=flags | apsw.SQLITE_OPEN_NOMUTEX)
    except apsw.Error as problem:
        raise unusable(path, problem) from problem
    # Before any other pragma: connections that open at the same moment otherwise meet a lock on their first statement.
    db.set_busy_timeout(BUSY_MS)
    return db


def _check(db: apsw.Connection, path: Path, application_id: int, *, empty_allowed: bool) -> None:
    # In this order: a process that is making the store just now commits its tables and the id at once.
    objects = db.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
    found = db.pragma("application_id")
    if found == application_id:
        return
    if found == 0 and objects == 0 and empty_allowed:
        return
    if found == 0 and objects == 0:
        raise StoreUnusable(f"{path.name} is empty. Run `drift init` to make it a store.")
    raise StoreUnusable(
        f"{path.name} is a database of another program (application id {found:#x}). It was left untouched. "
        "Move it away, or run `drift upgrade` if it comes from an earlier Drift."
    )


def _load(db: apsw.Connection, extensions: Iterable[Path]) -> None:
    wanted = tuple(extensions)
    if not wanted:
        return
    db.enable_load_extension(True)
    for each in wanted:
        db.load_extension(os.fspath(each))
    db.enable_load_extension(False)


def _tune(db: apsw.Connection) -> None:
    db.pragma("cache_size", -_CACHE_KB)
    db.pragma("mmap_size", _MMAP_BYTES)
    db.pragma("temp_store", 2)  # sorting and temporary indexes in memory
