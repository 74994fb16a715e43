"""Databases of other programs, read whole and from a copy: the file itself is never opened by SQLite, so that not even
its write-ahead log is touched. Knows no schema, and changes nothing."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import apsw

from drift_mcp.errors import DriftError

# What SQLite keeps beside a database and has not yet put into it. Its -shm is made anew.
_UNFINISHED: Final = ("-wal", "-journal")


@contextlib.contextmanager
def copied(path: Path, folder: Path) -> Iterator[apsw.Connection]:
    """A connection to a copy of the database in `folder`, its log included; the copy is gone afterwards.

    Raises DriftError, also from within, when the file is no database or damaged."""
    copy = folder / path.name
    try:
        for suffix in ("", *_UNFINISHED):
            beside = path.with_name(path.name + suffix)
            if suffix == "" or beside.is_file():
                shutil.copyfile(beside, copy.with_name(copy.name + suffix))
        db = apsw.Connection(str(copy))
        try:
            # Nothing that stands in its schema runs, and nothing in it is trusted.
            db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
            db.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
            db.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
            yield db
        finally:
            db.close()
    except apsw.Error as problem:
        raise DriftError(f"{path.name} cannot be read as a database: {problem}.") from problem
    except UnicodeDecodeError as problem:
        raise DriftError(f"{path.name} holds a text that is not UTF-8.") from problem
    finally:
        for suffix in ("", "-shm", *_UNFINISHED):
            copy.with_name(copy.name + suffix).unlink(missing_ok=True)


def tables(db: apsw.Connection) -> list[str]:
    """The names of its ordinary tables; views and virtual tables are none."""
    listed = db.execute("SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main'")
    return [str(name) for (name,) in listed if not str(name).startswith("sqlite_")]


def rows(db: apsw.Connection, table: str) -> Iterator[dict[str, Any]]:
    """Every row of a table, column → value, in the order in which it holds them."""
    cursor = db.execute(f'SELECT * FROM "{table.replace(chr(34), chr(34) * 2)}"')
    names = None
    for row in cursor:
        names = names or [column[0] for column in cursor.get_description()]
        yield dict(zip(names, row, strict=True))
