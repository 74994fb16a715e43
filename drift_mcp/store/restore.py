"""Puts a backup back in the place of the databases that it is of. Never changes a backup.

All that can be refused is refused first, on a staged copy in `.drift/restoring/`: its checksum, its structure, its
schema. Then what is there now is backed up, so that a restore can be undone, and only then does anything change.

A sound live database is not replaced as a file: its pages are, through SQLite and in one transaction, so that other
processes keep the snapshot that they read and then see the new state. A damaged one, which nobody can have open to any
use, is moved aside with its WAL, and the staged copy takes its name.

Several databases change as one. All are locked first, then a journal is written, `.drift/restore.json`, and it is taken
away when all have changed; whoever opens the project next finds the journal of a restore that was killed, and
`finish`es it. What had been done already is not done again, for somebody may have written since: a database whose pages
were replaced has another schema cookie than the journal says, because SQLite raises it; one that was moved into its
place is no longer among the staged.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.errors import NotInitialised, StoreDamaged, StoreUnusable
from drift_mcp.store import backup, connection, durable, flaws, migrate
from drift_mcp.store.backup import Backup, Copy, Database, Progress

# A server commits a word of its user in some milliseconds. Who writes for longer is at something that a restore would
# undo behind its back.
_BUSY_MS: Final = 2_000
# 16 MB of pages between two looks at the progress bar, as in a backup.
_STEP_PAGES: Final = 4_096
# Pages on their way into the WAL are not needed again; and a disk that fills up then shows it before the last step.
_CACHE_PAGES: Final = 10
# Where SQLite locks the -shm of a database whose WAL is being written: by its file format.
_WRITE_LOCK: Final = 120

_FORMAT: Final = 1


class Restored(NamedTuple):
    backup: Backup
    undo: Backup | None  # None: nothing readable was there before
    aside: Path | None  # where damaged files were moved to
    untouched: tuple[str, ...]  # databases that the backup has no copy of


def put_back(
    home: Path,
    databases: Sequence[Database],
    chosen: Backup,
    *,
    program: str,
    keep: int,
    on_progress: Progress | None = None,
) -> Restored:
    """Bring the databases in `home` to the state of a whole backup; what is there now is backed up first. Hold
    `backup.alone`.

    Raises StoreUnusable when the backup is damaged or newer than this program, when a database is being written, or
    when there is no room: then nothing has changed, unless it says so."""
    tell = on_progress or _silent
    wanted = _wanted(databases, chosen)
    _give_up_another(home, databases)
    for database in databases:
        _refuse_busy(database)
    place, staging = backup.folder(home), _staging(home)
    undo: Backup | None = None
    try:
        with _room():
            staging.mkdir(exist_ok=True)
            for database, copy in wanted:
                _stage(place / chosen.file(copy.database), database, copy, staging, tell)
        undo, sound = _way_back(home, databases, program, tell)
        journal = _put_in_place(home, [database for database, _ in wanted], sound, chosen, tell)
    except BaseException:
        if not is_unfinished(home):
            shutil.rmtree(staging, ignore_errors=True)
            if undo is not None:
                backup.remove(place, undo)  # nothing has changed, so that there is no way to go back
        raise
    backup.retire(place, keep, {chosen.stamp, undo.stamp if undo else ""})
    aside = place / journal.aside
    held = {database.path for database, _ in wanted}
    return Restored(
        chosen,
        undo,
        aside if aside.is_dir() else None,
        tuple(each.path.name for each in databases if each.path not in held and each.path.exists()),
    )


def is_unfinished(home: Path) -> bool:
    """Whether a restore is under way, or was killed half way."""
    return _journal_path(home).exists()


def finish(home: Path, databases: Sequence[Database]) -> None:
    """Carry a restore that was killed half way to its end. Nothing to do, or done already, is fine. Hold
    `backup.alone`.

    Raises StoreUnusable, saying what to do, when that is not possible."""
    if is_unfinished(home):
        journal = _read_journal(home)
        with _room(), ExitStack() as opened:
            locked, moved = _still_to_do(home, databases, journal, opened)
            _copy_pages(locked, _silent)
            _change_over(home, journal, locked, moved)
    shutil.rmtree(_staging(home), ignore_errors=True)


def _silent(stage: str, done: int, total: int) -> None:
    return


# -- before anything changes


def _wanted(databases: Sequence[Database], chosen: Backup) -> list[tuple[Database, Copy]]:
    ours = {each.path.name: each for each in databases}
    found: list[tuple[Database, Copy]] = []
    for copy in chosen.copies:
        database = ours.get(copy.database)
        if database is None:
            raise StoreUnusable(
                f"The backup {chosen.stamp} holds {copy.database}, which this Drift does not know: a newer one made "
                "it. Nothing was changed. Update this program, or choose another backup."
            )
        if copy.schema > database.schema.version:
            raise StoreUnusable(
                f"{copy.database} in the backup {chosen.stamp} has schema {copy.schema}, and this Drift knows "
                f"{database.schema.version}. Nothing was changed. Update this program, or choose an older backup."
            )
        found.append((database, copy))
    return found


def _give_up_another(home: Path, databases: Sequence[Database]) -> None:
    try:
        finish(home, databases)
    except (StoreDamaged, _Lost):
        # It cannot be carried to its end, and this one takes its place.
        _journal_path(home).unlink()
        shutil.rmtree(_staging(home), ignore_errors=True)


class _Lost(StoreUnusable):
    """What an interrupted restore had made ready is gone."""


def _refuse_busy(database: Database) -> None:
    try:
        connection.refuse_other_program(database.path, database.schema)
        with (
            connection.explained(database.path),
            closing(connection.open_any(database.path, apsw.SQLITE_OPEN_READWRITE, busy_ms=_BUSY_MS)) as db,
        ):
            try:
                db.execute("BEGIN IMMEDIATE")
            except apsw.BusyError as problem:
                raise _busy(database.path) from problem
            db.execute("ROLLBACK")
    except (NotInitialised, StoreDamaged):
        return  # nothing can be writing to it


def _busy(path: Path) -> StoreUnusable:
    return StoreUnusable(
        f"{path.name} is being written by {_who_writes(path)}, so it was not restored; nothing was changed. Try again "
        "when that is done, or end it."
    )


def _who_writes(path: Path) -> str:
    """As the kernel tells it on Linux; elsewhere nobody does."""
    try:
        inode = path.with_name(path.name + "-shm").stat().st_ino
        locks = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return "another process"
    for line in locks.splitlines():
        # '7: POSIX  ADVISORY  WRITE 4711 fd:01:123456 120 120'
        match line.split():
            case [_, _, _, "WRITE", process, place, first, last] if place.endswith(f":{inode}"):
                if last == "EOF" or int(first) <= _WRITE_LOCK <= int(last):
                    return f"process {process}"
    return "another process"


@contextmanager
def _room() -> Iterator[None]:
    """What the disk has against it comes out as StoreUnusable; what is damaged, as it is."""
    try:
        yield
    except apsw.FullError as problem:
        raise StoreUnusable(_FULL) from problem
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreUnusable(_FULL) from problem
        raise _unwritable(problem.strerror or str(problem)) from problem
    except (apsw.CantOpenError, apsw.IOError, apsw.PermissionsError, apsw.ReadOnlyError) as problem:
        if flaws.is_one(problem):
            raise
        raise _unwritable(str(problem)) from problem


_FULL: Final = (
    "The disk is full, so nothing was restored. Room is needed for three times the size of the backup for a moment. "
    "Free some and try again."
)


def _unwritable(reason: str) -> StoreUnusable:
    return StoreUnusable(
        f"Nothing was restored, because the project's .drift folder cannot be written: {reason}. Check its permissions "
        "and the room on the disk."
    )


def _staging(home: Path) -> Path:
    return home / "restoring"


def _stage(source: Path, database: Database, copy: Copy, staging: Path, tell: Progress) -> None:
    """A copy of the backup's file that is known to be sound and of our schema."""
    name = copy.database
    staged = staging / name
    tell(f"check {name}", 0, 2)
    shutil.copyfile(source, staged)
    durable.file(staged)
    if backup.digest(staged) != copy.blake3:
        raise _damaged(source, "its checksum is not the one that its manifest gives")
    found = flaws.at_rest(staged)
    if found is not None:
        raise _damaged(source, found)
    tell(f"check {name}", 1, 2)
    if connection.schema_version(staged, database.schema) < database.schema.version:
        migrate.opened(staged, database.schema, extensions=database.extensions).close()
        with closing(connection.open_any(staged, apsw.SQLITE_OPEN_READWRITE)) as db:
            db.pragma("journal_mode", "delete")
    tell(f"check {name}", 2, 2)


def _damaged(source: Path, reason: str) -> StoreUnusable:
    return StoreUnusable(
        f"The backup file {source.name} is damaged: {reason}. Nothing was changed. `drift backup list --verify` tells "
        "which backups are sound; choose one of those."
    )


def _way_back(
    home: Path, databases: Sequence[Database], program: str, tell: Progress
) -> tuple[Backup | None, set[Path]]:
    """A backup of what is there now, as far as it can be read, and which databases that are."""
    sound = [each for each in databases if each.path.exists()]
    while sound:
        try:
            made = backup.create(home, sound, backup.RESTORE, program=program, keep=None, on_progress=tell)
        except StoreDamaged as problem:
            sound = [each for each in sound if each.path.name != problem.file]
        else:
            return made, {each.path for each in sound}
    return None, set()


# -- the change


class _Journal(NamedTuple):
    stamp: str
    aside: str  # name of the folder for damaged files
    cookies: dict[str, int | None]  # of each database before its pages are replaced; None: the file is moved in

    def text(self) -> str:
        return json.dumps({"drift_restore": _FORMAT, **self._asdict()}, indent=2) + "\n"


class _Locked(NamedTuple):
    """A live database into which the pages of a staged one are being copied; until the last page, nobody sees any."""

    database: Database
    source: apsw.Connection
    copying: apsw.Backup
    live: apsw.Connection  # reads what is committed


def _put_in_place(home: Path, wanted: list[Database], sound: set[Path], chosen: Backup, tell: Progress) -> _Journal:
    with _room(), ExitStack() as opened:
        locked = [_lock(home, each, opened) for each in wanted if each.path in sound]
        moved = [each for each in wanted if each.path not in sound]
        for each in locked:
            if each.database.carry_on is not None:
                each.database.carry_on(each.source, each.live)
        for database in moved:
            if database.carry_on is not None:
                with closing(_staged(home, database)) as db:
                    database.carry_on(db, None)
        cookies = {each.database.path.name: _cookie(each.live) for each in locked} | {
            each.path.name: None for each in moved
        }
        journal = _Journal(chosen.stamp, _aside(home), cookies)
        new = _staging(home) / "restore.json"
        durable.text(new, journal.text())
        durable.renamed(new, _journal_path(home))
        try:
            _copy_pages(locked, tell)
            _change_over(home, journal, locked, moved)
        except BaseException as problem:
            if not _has_begun(home, journal, locked, moved):
                _journal_path(home).unlink()
            elif isinstance(problem, Exception):
                raise StoreUnusable(
                    f"The restore of {chosen.stamp} was stopped when it had changed a part: {problem}. What stopped it "
                    "must go, such as a full disk; then whoever opens the project next finishes it."
                ) from problem
            raise
    shutil.rmtree(_staging(home), ignore_errors=True)
    return journal


def _has_begun(home: Path, journal: _Journal, locked: list[_Locked], moved: list[Database]) -> bool:
    """Whether anybody could see something of the new state, or no longer sees the old one."""
    return (
        any(_cookie(each.live) != journal.cookies[each.database.path.name] for each in locked)
        or any(not (_staging(home) / each.path.name).exists() for each in moved)
        or (backup.folder(home) / journal.aside).exists()
    )


def _lock(home: Path, database: Database, opened: ExitStack) -> _Locked:
    path = database.path
    source = opened.enter_context(closing(_staged(home, database)))
    with connection.explained(path):
        target = opened.enter_context(closing(connection.open_any(path, apsw.SQLITE_OPEN_READWRITE, busy_ms=_BUSY_MS)))
        target.pragma("journal_mode", "wal")
        # The journal must not be gone from the disk before the change is on it.
        target.pragma("synchronous", 2)
        target.pragma("cache_size", _CACHE_PAGES)
        _fit(source, target, path)
        copying = target.backup("main", source, "main")
        opened.callback(copying.close, True)
        try:
            copying.step(0)
        except apsw.BusyError as problem:
            raise _busy(path) from problem
        # Closed first, so that the other may be the last one, which puts the WAL away.
        live = opened.enter_context(closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)))
    return _Locked(database, source, copying, live)


def _staged(home: Path, database: Database) -> apsw.Connection:
    path = _staging(home) / database.path.name
    return connection.open_any(path, apsw.SQLITE_OPEN_READWRITE, extensions=database.extensions)


def _fit(source: apsw.Connection, target: apsw.Connection, path: Path) -> None:
    """Pages can be exchanged between files that are cut up in the same way."""
    (size, reserved), (live_size, live_reserved) = _cut(source), _cut(target)
    if (size, reserved) == (live_size, live_reserved):
        return
    if size == live_size and reserved < live_reserved:
        source.reserve_bytes("main", live_reserved)
        # In a WAL: straight in the file, pages would be written before the first one says that they have checksums.
        source.pragma("journal_mode", "wal")
        source.execute("VACUUM")
        source.pragma("journal_mode", "delete")
        return
    raise StoreUnusable(
        f"{path.name} was made before Drift kept checksums of its pages, and the backup has them: that cannot change "
        f"while others may have it open. Nothing was changed. End all that uses this project, move {path.name} away "
        f"together with {path.name}-wal and {path.name}-shm, and restore again."
    )


def _cut(db: apsw.Connection) -> tuple[int, int]:
    return int(db.pragma("page_size")), db.reserve_bytes("main", -1)


def _cookie(db: apsw.Connection) -> int:
    return int(db.execute("PRAGMA schema_version").get)


def _aside(home: Path) -> str:
    name = f"damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    number = 1
    while (backup.folder(home) / name).exists():
        number += 1
        name = f"{name.split('Z')[0]}Z-{number}"
    return name


def _copy_pages(locked: list[_Locked], tell: Progress) -> None:
    """All but the last of each, so that the databases then change within a moment."""
    for each in locked:
        name, copying = each.database.path.name, each.copying
        with connection.explained(each.database.path), _room():
            while copying.remaining > 1:
                copying.step(min(_STEP_PAGES, copying.remaining - 1))
                tell(f"restore {name}", copying.page_count - copying.remaining, copying.page_count)


def _change_over(home: Path, journal: _Journal, locked: list[_Locked], moved: list[Database]) -> None:
    for each in locked:
        with connection.explained(each.database.path), _room():
            while not each.copying.done:
                each.copying.step(1)
    for database in moved:
        _move_in(home, database, journal.aside)
    _journal_path(home).unlink()
    durable.folder(home)


def _move_in(home: Path, database: Database, aside: str) -> None:
    path = database.path
    # A WAL without its database would be played into the new one.
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal"):
        if (home / name).exists():
            (backup.folder(home) / aside).mkdir(exist_ok=True)
            (home / name).replace(backup.folder(home) / aside / name)
    durable.renamed(_staging(home) / path.name, path)


# -- after a kill


def _journal_path(home: Path) -> Path:
    return home / "restore.json"


def _read_journal(home: Path) -> _Journal:
    try:
        given = json.loads(_journal_path(home).read_bytes())
        if given["drift_restore"] == _FORMAT:
            cookies = {str(name): None if cookie is None else int(cookie) for name, cookie in given["cookies"].items()}
            return _Journal(str(given["stamp"]), str(given["aside"]), cookies)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise _Lost(_again("its journal cannot be read")) from problem
    raise _Lost(_again("a newer Drift began it"))


def _again(reason: str) -> str:
    return (
        f"A restore of this project was interrupted, and it cannot be finished: {reason}. Restore a backup again; "
        "`drift backup list` shows which there are."
    )


def _still_to_do(
    home: Path, databases: Sequence[Database], journal: _Journal, opened: ExitStack
) -> tuple[list[_Locked], list[Database]]:
    locked: list[_Locked] = []
    moved: list[Database] = []
    for database in databases:
        name = database.path.name
        if name not in journal.cookies:
            continue
        is_staged = (_staging(home) / name).exists()
        if journal.cookies[name] is None:
            if is_staged:
                moved.append(database)
        elif not is_staged:
            raise _Lost(_again(f"the copy of {name} that it had made ready is gone"))
        else:
            each = _lock(home, database, opened)
            if _cookie(each.live) == journal.cookies[name]:
                locked.append(each)
    return locked, moved
