"""Backups: copies of the databases that belong together, made while others write. Never changes a database; `restore`
puts a backup back.

A backup is one file a database, all of one moment, and a manifest that is written last:

    drift-20261128T190215Z-requested.db
    cortex-20261128T190215Z-requested.db
    backup-20261128T190215Z-requested.json

While it is made, `….json.part` stands in the manifest's place. So what a killed process left behind is told from what
a person put into the folder: the next `create` clears the former, and nothing ever touches the latter.

A stamp is a moment and an order: never given twice, and never before the newest there is, whatever the clock says.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import apsw
from blake3 import blake3

from drift_mcp.errors import DriftError, NotInitialised, StoreDamaged, StoreUnusable
from drift_mcp.store import connection, durable, flaws, lock
from drift_mcp.store.schema import Schema

Progress: TypeAlias = Callable[[str, int, int], None]

# Why a backup was made, when nobody gave a reason of their own.
MIGRATION: Final = "migration"
RESTORE: Final = "restore"

LATEST: Final = "latest"

# Two backups at once: the second waits for the first, which takes about a second for 200 MB.
_WAIT_SECONDS: Final = 30.0
# 16 MB of pages between two looks at the progress bar: larger steps gain nothing.
_STEP_PAGES: Final = 4_096
# Each page is read once and written once, so that a cache only costs the upkeep: 10 pages take 0.85 of the time that
# SQLite's default takes.
_CACHE_PAGES: Final = 10
# A try at two snapshots of one moment takes some 0.1 ms; a writer that commits in each of a hundred does not exist.
_TRIES: Final = 100
# What a file name can bear beside the stamp.
_REASON_LETTERS: Final = 40

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(
    r"(?P<what>[a-z]+)-(?P<stamp>\d{8}T\d{6}Z)-(?P<reason>[a-z0-9][a-z0-9-]*)\.(?P<kind>db|json|json\.part|db\.part.*)"
)
_MANIFEST: Final = "backup"
_FORMAT: Final = 1


class Database(NamedTuple):
    """One of the databases that belong together."""

    path: Path
    schema: Schema
    extensions: tuple[Path, ...] = ()
    # Told before a restored database takes the place of the live one, which it may read: None when that is unreadable
    # or not there.
    carry_on: Callable[[apsw.Connection, apsw.Connection | None], object] | None = None


class Copy(NamedTuple):
    database: str  # its file name, 'drift.db'
    bytes: int
    blake3: str
    schema: int
    loose: int  # rows that point nowhere, just as they do in the store


class Backup(NamedTuple):
    """What there is of one backup. It is whole when it has no `problem`."""

    stamp: str
    reason: str
    taken_at: str | None
    program: str | None  # version of the Drift that made it
    copies: tuple[Copy, ...]
    bytes: int  # on the disk
    problem: str | None

    def file(self, database: str) -> str:
        return _file(Path(database).stem, self.stamp, self.reason)


def folder(home: Path) -> Path:
    """Where the backups of the databases in `home` are kept."""
    return home / "backups"


@contextmanager
def alone(home: Path, *, wait_seconds: float = _WAIT_SECONDS) -> Iterator[None]:
    """Hold this around `create` and `restore`: one at a time makes backups of a project, or puts one back.

    Raises AlreadyRunning, naming the holder, when another one takes longer than that."""
    with lock.exclusive(home / "backup.lock", wait_seconds=wait_seconds, work="backup or restore"):
        yield


def _silent(stage: str, done: int, total: int) -> None:
    return


def _now() -> datetime:
    return datetime.now(UTC)


def create(
    home: Path,
    databases: Sequence[Database],
    reason: str,
    *,
    program: str,
    keep: int | None,
    on_progress: Progress | None = None,
    clock: Callable[[], datetime] = _now,
) -> Backup:
    """Copy all of the databases that are there, as they are at one moment; nobody waits for it. The newest `keep`
    whole backups stay (None: all do), and this one in any case.

    Raises StoreUnusable when there is no room, or when what was copied is damaged: then nothing is left behind."""
    if keep is not None and keep < 1:
        raise DriftError(f"{keep} backups cannot be kept. Keep 1 or more.")
    slug = _slug(reason)
    tell = on_progress or _silent
    present = [each for each in databases if each.path.exists()]
    if not present:
        raise NotInitialised("There is nothing to back up yet: no store was made. Run `drift scan`.")
    place = folder(home)
    with _into(place):
        place.mkdir(exist_ok=True)
        _clear_unfinished(place)
        stamp = _next_stamp(place, clock())
        mark = place / f"{_MANIFEST}-{stamp}-{slug}.json.part"
        try:
            durable.text(mark, "")
            taken_at, made = _copies(place, present, stamp, slug, tell, clock)
            same = _same_before(place, made) if slug == MIGRATION else None
            if same is None:
                _refuse_damaged(place, present, made, tell)
                backup = _finished(place, mark, taken_at, program, made)
        except BaseException:
            _remove(place, stamp, slug)
            raise
        if same is not None:
            _remove(place, stamp, slug)
            backup = same
        if keep is not None:
            retire(place, keep, {backup.stamp})
    return backup


def _slug(reason: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", reason.casefold())[:_REASON_LETTERS].strip("-")
    if not slug:
        raise DriftError(f"A reason {reason!a} leaves nothing for a file name. Give one of letters and digits.")
    return slug


def _file(stem: str, stamp: str, reason: str) -> str:
    return f"{stem}-{stamp}-{reason}.db"


def _next_stamp(place: Path, now: datetime) -> str:
    stamp = now.strftime(_STAMP)
    for before in sorted({str(found["stamp"]) for found in _names(place) if found["what"] == _MANIFEST}):
        if before >= stamp:
            stamp = (datetime.strptime(before, _STAMP) + timedelta(seconds=1)).strftime(_STAMP)
    return stamp


def _names(place: Path) -> list[re.Match[str]]:
    """The names in the folder that are of our making, or look so."""
    try:
        found = sorted(path.name for path in place.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [match for name in found if (match := _NAME.fullmatch(name)) is not None and _is_moment(match["stamp"])]


def _is_moment(stamp: str) -> bool:
    try:
        datetime.strptime(stamp, _STAMP)
    except ValueError:
        return False
    return True


def _clear_unfinished(place: Path) -> None:
    # Whoever makes one holds the lock that we hold: so their maker is dead.
    for found in _names(place):
        if found["kind"] == "json.part":
            _remove(place, found["stamp"], found["reason"])


def _remove(place: Path, stamp: str, reason: str) -> None:
    """Take away all of one backup: first what says that it is whole, last what says that it is ours to take away."""
    manifest = place / f"{_MANIFEST}-{stamp}-{reason}.json"
    mark = manifest.with_name(manifest.name + ".part")
    if manifest.exists():
        manifest.replace(mark)
    for found in _names(place):
        if (found["stamp"], found["reason"]) == (stamp, reason) and found["what"] != _MANIFEST:
            (place / found[0]).unlink(missing_ok=True)
    mark.unlink(missing_ok=True)


def retire(place: Path, keep: int, spare: Collection[str]) -> None:
    """Take away the backups that are older than the newest `keep` whole ones, save those with a stamp in `spare`. Hold
    `alone`."""
    whole = 0
    for each in listed(place):
        if whole >= keep and each.stamp not in spare and (place / _manifest(each.stamp, each.reason)).exists():
            remove(place, each)
        whole += each.problem is None


def remove(place: Path, backup: Backup) -> None:
    """Take away one backup. Hold `alone`."""
    _remove(place, backup.stamp, backup.reason)


def _manifest(stamp: str, reason: str) -> str:
    return f"{_MANIFEST}-{stamp}-{reason}.json"


@contextmanager
def _into(place: Path) -> Iterator[None]:
    """What the disk has against a new backup comes out as StoreUnusable."""
    try:
        yield
    except apsw.FullError as problem:
        raise StoreUnusable(_FULL) from problem
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StoreUnusable(_FULL) from problem
        raise _unwritable(place, problem.strerror or str(problem)) from problem
    except (apsw.CantOpenError, apsw.IOError, apsw.PermissionsError, apsw.ReadOnlyError) as problem:
        raise _unwritable(place, str(problem)) from problem


_FULL: Final = (
    "The disk is full, so no backup was made; what is stored is as it was. Free some room and try again, or keep fewer "
    "backups (`drift backup create --keep N`)."
)


def _unwritable(place: Path, reason: str) -> StoreUnusable:
    return StoreUnusable(
        f"No backup can be written to {place.parent.name}/{place.name}/: {reason}. What is stored is as it was. Check "
        "the folder, its permissions and the room on the disk."
    )


# -- copying


def _copies(
    place: Path, databases: list[Database], stamp: str, reason: str, tell: Progress, clock: Callable[[], datetime]
) -> tuple[str, list[tuple[Path, Copy]]]:
    """The moment of the copies, and each under its temporary name, not checked yet."""
    made: list[tuple[Path, Copy]] = []
    with _of_one_moment(databases) as sources:
        taken_at = clock().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        for database, source in zip(databases, sources, strict=True):
            path = place / (_file(database.path.stem, stamp, reason) + ".part")
            _copy(database.path, source, path, tell)
            schema = int(source.pragma("user_version"))
            made.append((path, Copy(database.path.name, path.stat().st_size, digest(path), schema, 0)))
    return taken_at, made


@contextmanager
def _of_one_moment(databases: list[Database]) -> Iterator[list[apsw.Connection]]:
    """A read snapshot of each, such that all of them were the newest state at one moment.

    They are taken one after another. When no database but the last has had a commit from before the first was taken
    until after the last was, they are of the moment when the last was taken."""
    with contextlib.ExitStack() as opened:

        def connected(database: Database) -> apsw.Connection:
            connection.refuse_other_program(database.path, database.schema)
            with connection.explained(database.path):
                return opened.enter_context(closing(connection.open_any(database.path, apsw.SQLITE_OPEN_READONLY)))

        sources = [connected(each) for each in databases]
        watched = [(each, connected(each)) for each in databases[:-1]]
        for _ in range(_TRIES):
            before = _versions(watched)
            for database, source in zip(databases, sources, strict=True):
                with connection.explained(database.path):
                    source.execute("BEGIN")
                    # BEGIN alone takes no snapshot, a read does. It is kept while the pages are copied: without it,
                    # each commit of another process would begin the copy anew.
                    source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
            if _versions(watched) == before:
                yield sources
                return
            for source in sources:
                source.execute("ROLLBACK")
    raise StoreUnusable(
        "No moment was found between two changes, so no backup was made: something writes without a pause. Try again "
        "when it is done."
    )


def _versions(watched: list[tuple[Database, apsw.Connection]]) -> list[int]:
    """One number a database, which changes when another connection commits."""
    found: list[int] = []
    for database, db in watched:
        with connection.explained(database.path):
            # By SQL: the method of this name does not look into the file.
            found.append(int(db.execute("PRAGMA data_version").get))
    return found


def _copy(path: Path, source: apsw.Connection, target: Path, tell: Progress) -> None:
    db = connection.open_any(target, apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
    try:
        source.pragma("cache_size", _CACHE_PAGES)
        db.pragma("cache_size", _CACHE_PAGES)
        # A crash leaves a part of a copy, whatever the care: it goes to the disk once, as a whole.
        db.pragma("synchronous", 0)
        db.pragma("locking_mode", "exclusive")
        db.pragma("journal_mode", "off")
        if connection.has_checksums(source):
            # Pages that come from a WAL have none yet: they are made when a page is written to a database that is known
            # to have them, by its first page; and that one is copied last.
            connection.ask_for_checksums(db)
            db.pragma("user_version", 1)
        with db.backup("main", source, "main") as copying:
            while not copying.done:
                _step(path, copying)
                tell(f"copy {path.name}", copying.page_count - copying.remaining, copying.page_count)
        # One file without a WAL: it can be read where nothing can be written.
        db.pragma("journal_mode", "delete")
    finally:
        db.close()
    durable.file(target)


def _step(path: Path, copying: apsw.Backup) -> None:
    try:
        copying.step(_STEP_PAGES)
    except (apsw.CorruptError, apsw.NotADBError) as problem:
        raise connection.unusable(path, problem) from problem
    except apsw.IOError as problem:
        if not flaws.is_one(problem):
            raise
        raise connection.unusable(path, problem) from problem


def digest(path: Path) -> str:
    """Of a file that no connection has open."""
    return blake3().update_mmap(path).hexdigest()


def _same_before(place: Path, made: list[tuple[Path, Copy]]) -> Backup | None:
    # Several processes find an older store at the same moment. One backup of it is enough: more would drive out others.
    copies = tuple(copy._replace(loose=0) for _, copy in made)
    for each in listed(place):
        if each.reason == MIGRATION and each.problem is None:
            return each if tuple(copy._replace(loose=0) for copy in each.copies) == copies else None
    return None


def _refuse_damaged(place: Path, databases: list[Database], made: list[tuple[Path, Copy]], tell: Progress) -> None:
    for index, (path, copy) in enumerate(made):
        tell(f"check {copy.database}", 0, 1)
        found = flaws.at_rest(path)
        if found is not None:
            raise StoreDamaged(
                f"{copy.database} is damaged, so no backup was made of it: {found}. It was left untouched. `drift "
                "doctor` tells more, and `drift backup restore latest` puts the last backup in its place.",
                copy.database,
            )
        made[index] = path, copy._replace(loose=flaws.loose(path))
        tell(f"check {copy.database}", 1, 1)


def _finished(place: Path, mark: Path, taken_at: str, program: str, made: list[tuple[Path, Copy]]) -> Backup:
    for path, _ in made:
        path.replace(path.with_name(path.name.removesuffix(".part")))
    manifest = {
        "drift_backup": _FORMAT,
        "taken_at": taken_at,
        "program": program,
        "copies": [copy._asdict() for _, copy in made],
    }
    durable.text(mark, json.dumps(manifest, indent=2) + "\n")
    durable.folder(place)
    durable.renamed(mark, mark.with_name(mark.name.removesuffix(".part")))
    found = _NAME.fullmatch(mark.name)
    assert found is not None  # because we named it
    return _read(place, found["stamp"], found["reason"])


# -- looking at them


def listed(place: Path) -> list[Backup]:
    """All backups in the folder, the newest first; also what is left of some, with what is wrong with them."""
    known = {(str(found["stamp"]), str(found["reason"])) for found in _names(place)}
    return [_read(place, stamp, reason) for stamp, reason in sorted(known, reverse=True)]


def _read(place: Path, stamp: str, reason: str) -> Backup:
    sizes: dict[str, int] = {}
    for found in _names(place):
        if (found["stamp"], found["reason"]) == (stamp, reason):
            with contextlib.suppress(FileNotFoundError):  # somebody is clearing up
                sizes[found[0]] = (place / found[0]).stat().st_size
    rest = Backup(stamp, reason, None, None, (), sum(sizes.values()), None)
    manifest = place / _manifest(stamp, reason)
    if manifest.name not in sizes:
        if manifest.name + ".part" in sizes:
            return rest._replace(problem="unfinished: it is being made, or its maker died")
        return rest._replace(problem="it has no manifest, so that nothing says whether it is whole")
    try:
        given = json.loads(manifest.read_bytes())
        if given["drift_backup"] != _FORMAT:
            return rest._replace(problem="it was made by a newer Drift")
        told = rest._replace(
            taken_at=datetime.fromisoformat(given["taken_at"]).strftime("%Y-%m-%dT%H:%M:%SZ"),
            program=str(given["program"]),
            copies=tuple(_copy_told(each) for each in given["copies"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return rest._replace(problem="its manifest cannot be read")
    for copy in told.copies:
        size = sizes.get(told.file(copy.database))
        if size is None:
            return told._replace(problem=f"{told.file(copy.database)} is missing")
        if size != copy.bytes:
            return told._replace(problem=f"{told.file(copy.database)} has {size:,} bytes and not {copy.bytes:,}")
    return told


def _copy_told(given: dict[str, Any]) -> Copy:
    name = str(given["database"])
    if not re.fullmatch(r"[a-z]+\.db", name):
        raise ValueError(f"no name of a database: {name!a}")
    return Copy(name, int(given["bytes"]), str(given["blake3"]), int(given["schema"]), int(given["loose"]))


def named(place: Path, asked: str) -> Backup:
    """The whole backup with this stamp, or the only one whose stamp begins so; `latest`: the newest that is not the
    way back from a restore, so that asking twice gives the same.

    Raises DriftError, naming what there is, when there is none or more than one."""
    found = listed(place)
    whole = [each for each in found if each.problem is None]
    if asked == LATEST:
        chosen = next((each for each in whole if each.reason != RESTORE), whole[0] if whole else None)
        if chosen is None:
            raise DriftError(
                "There is no whole backup to restore. `drift backup list` shows what there is."
                if found
                else "There is no backup yet. `drift backup create` makes one."
            )
        return chosen
    fitting = [each for each in found if asked and f"{each.stamp}-{each.reason}".startswith(asked)]
    if not fitting:
        if not found:
            raise DriftError(f"No backup {asked!a}: there are none yet. `drift backup create` makes one.")
        raise DriftError(f"No backup {asked!a}; nearest: {_stamps(_nearest(found, asked))}. Give a stamp or `latest`.")
    if len(fitting) > 1:
        raise DriftError(f"{len(fitting)} backups begin with {asked!a}: {_stamps(fitting)}. Give more of the stamp.")
    if fitting[0].problem is not None:
        raise DriftError(
            f"The backup {fitting[0].stamp} ({fitting[0].reason}) is not whole: {fitting[0].problem}."
            f"{f' Whole are {_stamps(whole)}.' if whole else ''}"
        )
    return fitting[0]


# As many as a person looks through in a message.
_SHOWN: Final = 5


def _nearest(found: list[Backup], asked: str) -> list[Backup]:
    """The ones that share the longest beginning with it; among these the newest first."""
    return sorted(found, key=lambda each: -_shared(each.stamp, asked))[:_SHOWN]


def _shared(one: str, other: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _stamps(found: list[Backup]) -> str:
    rest = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(f"{each.stamp} ({each.reason})" for each in found[:_SHOWN]) + rest


def verified(place: Path, backup: Backup) -> Backup:
    """With its problem, when a file is no longer what was written."""
    if backup.problem is not None:
        return backup
    for copy in backup.copies:
        try:
            is_same = digest(place / backup.file(copy.database)) == copy.blake3
        except OSError as problem:
            return backup._replace(problem=f"{backup.file(copy.database)} cannot be read: {problem.strerror}")
        if not is_same:
            return backup._replace(
                problem=f"{backup.file(copy.database)} is not what was written: its checksum differs"
            )
    return backup
