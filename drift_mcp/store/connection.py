"""Opens connections to one of our databases, and tells a store from everything that is none. Holds no SQL about
content.

What is refused stays as it was, to the byte: whose file it is stands in its first 100 bytes, and those are read before
anything that could write. They are read through SQLite, because closing a plain file descriptor of a live database
would drop this process's locks.
"""

from __future__ import annotations

import functools
import os
import stat
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import apsw
import apsw.sqlite_extra

from drift_mcp.errors import DriftError, NotInitialised, StoreDamaged, StoreUnusable
from drift_mcp.store.schema import Schema

# Another process holds the write lock for one commit, at most some seconds on a slow disk.
BUSY_MS: Final = 10_000
# 64 MB of page cache: the working set of the largest stores measured (190 MB) gained nothing from more.
_CACHE_KB: Final = 65_536
# Reading through the page map saves a copy on look-ups; 256 MB holds a store of half a million functions.
_MMAP_BYTES: Final = 268_435_456
# What a checkpoint leaves of a WAL that once grew large.
_WAL_BYTES_KEPT: Final = 33_554_432

# What SQLite's checksum layer keeps at the end of each page: a flipped bit is then an error, not an answer.
_CHECKSUM_BYTES: Final = 8

_MAGIC: Final = b"SQLite format 3\0"
_HEADER_BYTES: Final = 100  # by SQLite's file format; big-endian numbers at fixed places


class Header(NamedTuple):
    is_database: bool
    application_id: int
    user_version: int
    is_marked: bool  # what it says of its pages' checksums is true


def open_writer(
    path: Path, schema: Schema, *, extensions: Iterable[Path] = (), busy_ms: int = BUSY_MS
) -> apsw.Connection:
    """A connection that may write to an existing store of any schema up to ours; `migrate.opened` also makes one and
    brings it up.

    Raises StoreUnusable for what is no store of ours, or of a newer Drift: it is left untouched."""
    refuse_foreign(path, schema)
    with explained(path):
        db = _connected(path, apsw.SQLITE_OPEN_READWRITE, extensions, busy_ms)
        try:
            # The last one to close would fold the WAL into the database: not before it is known to be for us.
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            refuse_newer(db, path, schema)
            if db.pragma("journal_mode", "wal") != "wal":
                raise StoreUnusable(
                    f"{path.name} cannot have a write-ahead log where it lies. Is it on a network file system? "
                    "Keep the project on a local disk."
                )
            # NORMAL: a power cut may cost the last commits, never the consistency; kill -9 costs nothing.
            db.pragma("synchronous", 1)
            db.pragma("foreign_keys", True)
            db.pragma("journal_size_limit", _WAL_BYTES_KEPT)
            _tune(db)
            db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        except BaseException:
            db.close()
            raise
    return db


def open_reader(path: Path, schema: Schema, *, extensions: Iterable[Path] = ()) -> apsw.Connection:
    """A connection that can only read, to a store of exactly our schema. Raises NotInitialised when there is none."""
    refuse_foreign(path, schema)
    with explained(path):
        db = _connected(path, apsw.SQLITE_OPEN_READONLY, extensions, BUSY_MS)
        try:
            refuse_other_schema(db, path, schema)
            db.pragma("query_only", True)
            _tune(db)
        except BaseException:
            db.close()
            raise
    return db


def schema_version(path: Path, schema: Schema) -> int:
    """Of the store at `path`, up to ours. Raises as `open_reader` does for what is no store of ours, or newer."""
    refuse_foreign(path, schema)
    with explained(path):
        db = _connected(path, apsw.SQLITE_OPEN_READONLY, (), BUSY_MS)
        try:
            return refuse_newer(db, path, schema)
        finally:
            db.close()


def open_blank(path: Path, *, extensions: Iterable[Path] = ()) -> apsw.Connection:
    """A connection to a file that is not there yet, for `migrate` to fill."""
    with explained(path):
        db = _connected(path, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, extensions, BUSY_MS)
        ask_for_checksums(db)
        return db


def open_any(path: Path, flags: int, *, extensions: Iterable[Path] = (), busy_ms: int = BUSY_MS) -> apsw.Connection:
    """A connection to a database of any schema, as it is: for copying and examining, which need not understand it."""
    return _connected(path, flags, extensions, busy_ms)


def open_memory(extensions: Iterable[Path] = ()) -> apsw.Connection:
    """A database that is nowhere but here, and gone when it is closed."""
    return _set_up(apsw.Connection(":memory:"), extensions, 0)


def has_checksums(db: apsw.Connection) -> bool:
    """Whether its pages have room for the checksum that the layer keeps; True also where there is no such layer."""
    return _checksum_layer() is None or db.reserve_bytes("main") == _CHECKSUM_BYTES


def ask_for_checksums(db: apsw.Connection) -> None:
    """The next VACUUM gives each page room for its checksum."""
    if _checksum_layer() is not None:
        db.reserve_bytes("main", _CHECKSUM_BYTES)


def refuse_foreign(path: Path, schema: Schema) -> None:
    """Raises unless the file at `path` says that it is a store of `schema`'s kind, and not of a newer version."""
    header = refuse_other_program(path, schema)
    if header.user_version > schema.version:
        raise _newer(path, header.user_version, schema)


def refuse_other_program(path: Path, schema: Schema) -> Header:
    """Raises unless the file at `path` says that it is a store of `schema`'s kind, of whatever version."""
    header = _header(path)
    if not header.is_database:
        raise StoreDamaged(f"{path.name} is not a database. It was left untouched. {_CURE}", path.name)
    if header.application_id != schema.application_id:
        raise StoreUnusable(
            f"{path.name} is a database of another program, or of another time (application id "
            f"{header.application_id:#x}, not {schema.application_id:#x}). It was left untouched. "
            "`drift upgrade` takes over what the old tool left; if this is none of its databases, move it away and run "
            "`drift init` to make a new store."
        )
    if not header.is_marked:
        raise StoreDamaged(
            f"{path.name} is damaged: its first page says falsely that its pages have no checksums. It was left "
            f"untouched. {_CURE}",
            path.name,
        )
    return header


def refuse_newer(db: apsw.Connection, path: Path, schema: Schema) -> int:
    """Raises when the store is of a newer schema than ours, also when that stands in the WAL alone; returns its
    version."""
    # Reading a table's name as well finds a file that was cut short.
    db.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    version = int(db.execute("PRAGMA user_version").get)
    if version > schema.version:
        raise _newer(path, version, schema)
    return version


def attach(db: apsw.Connection, name: str, path: Path, schema: Schema) -> None:
    """Make the tables of another store readable as `name.table`, as read-only as `db` is."""
    refuse_foreign(path, schema)
    with explained(path):
        db.execute("ATTACH ? AS " + name, (os.fspath(path),))
        refuse_other_schema(db, path, schema, name)


def refuse_other_schema(db: apsw.Connection, path: Path, schema: Schema, name: str = "main") -> None:
    """Raises when the store is not of our schema: then none of our statements fits it."""
    version = int(db.execute(f"PRAGMA {name}.user_version").get)
    if version > schema.version:
        raise _newer(path, version, schema)
    if version < schema.version:
        raise StoreUnusable(
            f"{path.name} has schema {version}, and this Drift reads {schema.version}. "
            "Open the project once for writing, as `drift scan` does; that brings it up."
        )


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """What the world did to the store inside comes out as StoreUnusable, saying what to do."""
    try:
        yield
    except _UNUSABLE as problem:
        raise unusable(path, problem) from problem


_UNUSABLE: Final = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ReadOnlyError,
)


def unusable(path: Path, problem: apsw.Error) -> StoreUnusable:
    """What SQLite says about a file, in words that say what to do."""
    name = path.name
    if isinstance(problem, apsw.NotADBError):
        return StoreDamaged(f"{name} is not a database. It was left untouched. {_CURE}", name)
    if isinstance(problem, apsw.CorruptError):
        return StoreDamaged(f"{name} is damaged. It was left untouched. {_CURE}", name)
    if getattr(problem, "extendedresult", 0) == apsw.SQLITE_IOERR_DATA:
        return StoreDamaged(
            f"{name} is damaged: a page is not what was written (a flipped bit on the disk, or another program wrote "
            f"here). It was left untouched. {_CURE}",
            name,
        )
    if isinstance(problem, apsw.BusyError):
        return StoreUnusable(
            f"{name} is busy: another process is writing (a scan in progress?). Nothing was changed. Try again when it "
            "is done; questions are answered meanwhile."
        )
    if isinstance(problem, (apsw.CantOpenError, apsw.PermissionsError)):
        return StoreUnusable(
            f"{name} cannot be opened in {path.parent.name}/. Is the folder there, and may you read and write it?"
        )
    if isinstance(problem, apsw.ReadOnlyError):
        return StoreUnusable(
            f"{name} or its folder is read-only, and Drift needs to write there. Change its permissions."
        )
    if isinstance(problem, apsw.FullError):
        return StoreUnusable(f"The disk is full: {name} kept what was committed before. Free some room and try again.")
    return StoreUnusable(f"{name} cannot be read or written: the disk reports an error ({problem}). Is it full?")


_CURE: Final = (
    "`drift doctor` tells what is wrong. `drift backup restore latest` puts the last backup in its place; or move the "
    "file away, and `drift scan` makes it anew."
)


def _header(path: Path) -> Header:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as problem:
        raise NotInitialised(
            f"There is no {path.name} in {path.parent.name}/. Run `drift scan`, or call scan_project: it makes one."
        ) from problem
    except OSError as problem:
        raise StoreUnusable(f"{path.name} is out of reach: {problem.strerror}. Check the permissions.") from problem
    if not stat.S_ISREG(found.st_mode):
        raise StoreUnusable(f"{path.name} cannot be opened: it is no file. Move it away and run `drift init`.")
    if found.st_size == 0:
        raise StoreDamaged(f"{path.name} is empty, so it is not a database. It was left untouched. {_CURE}", path.name)
    with explained(path):
        db = _opened(path, apsw.SQLITE_OPEN_READONLY)
        try:
            # Straight from the file: no transaction, no lock, and no -wal or -shm made beside it.
            _, first = db.read("main", 0, 0, _HEADER_BYTES)
            is_marked = _is_marked(db, first)
        finally:
            db.close()
    return Header(
        first.startswith(_MAGIC),
        int.from_bytes(first[68:72], "big"),
        int.from_bytes(first[60:64], "big"),
        is_marked,
    )


def _is_marked(db: apsw.Connection, first: bytes) -> bool:
    """One byte of the header says how much each page keeps at its end. With another number than it was made with, no
    checksum is looked at, and long values would be read wrongly."""
    reserved = first[20]
    if reserved == _CHECKSUM_BYTES or not first.startswith(_MAGIC):
        return True
    if reserved != 0:
        return False
    size = int.from_bytes(first[16:18], "big")
    if size not in _PAGE_SIZES:
        return True  # SQLite itself refuses it, or it is the largest, which no store of ours has
    _, page = db.read("main", 0, 0, size)
    content = page[:20] + bytes([_CHECKSUM_BYTES]) + page[21:-_CHECKSUM_BYTES]
    return page[-_CHECKSUM_BYTES:] != _checksum(content)


_PAGE_SIZES: Final = tuple(1 << power for power in range(9, 16))


def _checksum(content: bytes) -> bytes:
    """As SQLite's layer makes it. Takes a tenth of a millisecond; only a store from before there were any needs it."""
    one = other = 0
    for first, second in struct.iter_unpack("<II", content):
        one = (one + first + other) & 0xFFFFFFFF
        other = (other + second + one) & 0xFFFFFFFF
    return struct.pack("<II", one, other)


def _newer(path: Path, version: int, schema: Schema) -> StoreUnusable:
    return StoreUnusable(
        f"{path.name} was made by a newer Drift (schema {version}; this one knows {schema.version}). "
        "It was left untouched. Update this program, or use the newer one."
    )


@functools.cache
def _checksum_layer() -> str | None:
    """The name of SQLite's checksum layer, registered in this process; None where apsw comes without it."""
    try:
        library = apsw.sqlite_extra.path("cksumvfs")
    except (LookupError, apsw.sqlite_extra.NotAvailable):
        return None
    host = apsw.Connection(":memory:")
    try:
        host.enable_load_extension(True)
        host.load_extension(library)
    finally:
        host.close()
    return "cksmvfs"


def _opened(path: Path, flags: int) -> apsw.Connection:
    try:
        return apsw.Connection(os.fspath(path), flags=flags, vfs=_checksum_layer())
    except UnicodeEncodeError as problem:
        raise DriftError(
            f"SQLite cannot open a path that is not valid UTF-8: {os.fspath(path)!a}. Rename the folder."
        ) from problem


def _connected(path: Path, flags: int, extensions: Iterable[Path], busy_ms: int) -> apsw.Connection:
    return _set_up(_opened(path, flags), extensions, busy_ms)


def _set_up(db: apsw.Connection, extensions: Iterable[Path], busy_ms: int) -> apsw.Connection:
    try:
        # Before any statement: connections that open at the same moment otherwise meet a lock on their first one.
        db.set_busy_timeout(busy_ms)
        # A misspelt column in double quotes is an error, not a text.
        db.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        db.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        wanted = tuple(extensions)
        if wanted:
            db.enable_load_extension(True)
            for each in wanted:
                db.load_extension(os.fspath(each))
            db.enable_load_extension(False)
    except BaseException:
        db.close()
        raise
    return db


def _tune(db: apsw.Connection) -> None:
    # A statement is planned once, not anew for each value that is bound to it: a small look-up takes a tenth so.
    db.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    db.pragma("cache_size", -_CACHE_KB)
    db.pragma("mmap_size", _MMAP_BYTES)
    db.pragma("temp_store", 2)  # sorting and temporary indexes in memory: nothing is written outside of .drift/
