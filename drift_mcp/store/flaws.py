"""What is wrong with a database file, of whatever schema. Mends nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

import apsw

from drift_mcp.store import connection

# How much of SQLite's findings is shown: the first tells what kind of damage it is.
_LETTERS: Final = 200


def at_rest(path: Path) -> str | None:
    """What is wrong with a database that nobody has open, pages that hold nothing at the moment included; None when it
    is sound."""
    return _found(path, _by_page) or _found(path, _by_structure)


def _found(path: Path, look: Callable[[apsw.Connection], str | None]) -> str | None:
    try:
        with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
            return look(db)
    except (apsw.CorruptError, apsw.IOError, apsw.NotADBError) as problem:
        if not is_one(problem):
            raise
        return "a page is not what was written" if isinstance(problem, apsw.IOError) else str(problem)


# What each index says is looked up in its table: with room for most pages that takes four fifths of the time.
_CACHE_KB: Final = 65_536


def _by_structure(db: apsw.Connection) -> str | None:
    db.pragma("cache_size", -_CACHE_KB)
    found = " ".join(str(db.execute("PRAGMA integrity_check(1)").get).split())
    return None if found == "ok" else found[:_LETTERS]


def _by_page(db: apsw.Connection) -> str | None:
    # Each read goes through the layer that compares the page with its checksum.
    size, pages = int(db.pragma("page_size")), int(db.pragma("page_count"))
    for page in range(pages):
        db.read("main", 0, page * size, size)
    return None


_UNREADABLE: Final = (
    apsw.SQLITE_IOERR_DATA,
    apsw.SQLITE_IOERR_CORRUPTFS,
    apsw.SQLITE_IOERR_READ,
    apsw.SQLITE_IOERR_SHORT_READ,
)


def is_one(problem: apsw.Error) -> bool:
    """Whether what SQLite says is the file's fault, and not the disk's room or a permission."""
    damaged = isinstance(problem, (apsw.CorruptError, apsw.NotADBError))
    return damaged or getattr(problem, "extendedresult", 0) in _UNREADABLE


def loose(path: Path) -> int:
    """How many rows point nowhere."""
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
        return int(db.execute("SELECT count(*) FROM pragma_foreign_key_check").get)
