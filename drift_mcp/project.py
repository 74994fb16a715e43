"""Opens the house: the store and the memory of one repository, once, and closes them once.

Never scans and never answers.
"""

from __future__ import annotations

import contextlib
import difflib
import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, NamedTuple

import apsw
from blake3 import blake3

from drift_mcp import __version__, settings
from drift_mcp.errors import DriftError, NotInitialised, StoreUnusable
from drift_mcp.store import backup, connection, lock, migrate, restore, schema, switch
from drift_mcp.store.pool import TIMEOUT_SECONDS, Beside, ReaderPool
from drift_mcp.store.writer import Writer
from drift_mcp.tables import about, registry, status

if TYPE_CHECKING:  # memories are opened when the first question about them comes
    from drift_mcp.cortex.cortex import Cortex

logger = logging.getLogger(__name__)

FOLDER: Final = ".drift"
# How long a change waits for another process to end its own: a scan of a large repository links its files within one
# transaction, and a person's word is worth the wait.
_PATIENCE_MS: Final = 120_000
# 'DrFt' and 'DrRg' as integers: so that any SQLite tool, and we, can tell whose file it is.
DRIFT_ID: Final = 0x44724674
_REGISTRY_ID: Final = 0x44725267

# A store whose predecessor cannot be read goes on from here: no project has seen so many changes since its last backup.
_GENERATIONS_UNSEEN: Final = 1_000_000

# What `init` adds to .gitignore: all of .drift/ can be made again, save what a person edits or reviews.
_IGNORED: Final = ("/.drift/*", "!/.drift/drift.lock", "!/.drift/config.toml")
_HEADING: Final = "# Drift"


class Project:
    """One repository with its store. Threads may share it; each question takes a snapshot of its own."""

    def __init__(self, root: Path, *, patience_ms: int = _PATIENCE_MS) -> None:
        """`patience_ms`: how long a change waits for another process that writes."""
        self.root: Final = root
        self._patience_ms = patience_ms
        self._lock = threading.RLock()
        self._readers: ReaderPool | None = None
        self._readers_of_both: ReaderPool | None = None
        self._memory_of_both: int | None = None  # the file of memories that they read
        self._writer: Writer | None = None
        self._memory: Cortex | None = None
        self._memory_file: int | None = None  # of cortex.db when it was opened
        self._replaced: list[Cortex] = []

    @property
    def store(self) -> Path:
        return self.root / FOLDER / "drift.db"

    @property
    def scan_lock(self) -> Path:
        return self.root / FOLDER / "scan.lock"

    @property
    def is_initialised(self) -> bool:
        return self.store.exists()

    @contextlib.contextmanager
    def read(self) -> Iterator[apsw.Connection]:
        """One snapshot for one answer. Raises NotInitialised when there is no store yet."""
        with self.readers.snapshot() as db:
            yield db

    @contextlib.contextmanager
    def read_both(self, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Iterator[apsw.Connection]:
        """One snapshot of drift.db, with the memories beside it as `cortex`: for the questions of `tables.across`."""
        from drift_mcp.cortex.opened import APPLICATION_ID as CORTEX_ID  # as for `memory`

        with self._lock:
            _ = self.memory, self.readers  # both are there, and of today's schema
            if self._readers_of_both is None or self._memory_of_both != self._memory_file:
                if self._readers_of_both is not None:
                    self._readers_of_both.close()
                memories = Beside("cortex", self.store.parent / "cortex.db", schema.read("cortex", CORTEX_ID))
                self._readers_of_both = ReaderPool(self.store, schema.read("drift", DRIFT_ID), most=1, beside=memories)
                self._memory_of_both = self._memory_file
            pool = self._readers_of_both
        with pool.snapshot(timeout_seconds=timeout_seconds) as db:
            yield db

    @contextlib.contextmanager
    def write(self, *, busy_ms: int | None = None) -> Iterator[apsw.Connection]:
        """One change: committed when the block ends, undone when it raises. `busy_ms`: how long to wait for another
        process that writes (default: as long as this project's patience)."""
        with self.writer.transaction(busy_ms=self._patience_ms if busy_ms is None else busy_ms) as tx:
            yield tx

    @property
    def readers(self) -> ReaderPool:
        """The snapshots of drift.db. A store of an older schema is brought up first; a newer one is refused."""
        with self._lock:
            if self._readers is None:
                self._finish_what_was_killed()
                if not self.is_initialised:
                    raise NotInitialised(
                        f"Nothing is known about {self.root.name} yet: it was never scanned. "
                        "Run `drift scan`, or call scan_project."
                    )
                ours = schema.read("drift", DRIFT_ID)
                if self._writer is None and connection.schema_version(self.store, ours) != ours.version:
                    _ = self.writer
                self._readers = ReaderPool(self.store, ours)
            return self._readers

    @property
    def writer(self) -> Writer:
        """The one writer of drift.db in this process; opened, made or brought up when first asked for."""
        with self._lock:
            self._finish_what_was_killed()
            if self._writer is None:
                self._refuse_without_folder()
                ours = schema.read("drift", DRIFT_ID)
                db = migrate.opened(self.store, ours, before_steps=self._back_up_before_steps)
                self._writer = Writer(db, self.store, ours)
            return self._writer

    @property
    def memory(self) -> Cortex:
        """What was learned about this repository; opened when first asked for, and anew when its file was deleted or
        put back from a backup: what is written to a file without a name is lost."""
        path = self.store.parent / "cortex.db"
        with self._lock:
            self._finish_what_was_killed()
            if self._memory is not None and self._memory_file != _file_number(path):
                self._replaced.append(self._memory)  # somebody is perhaps still reading; it is closed in the end
                self._memory = None
            if self._memory is None:
                # Not before somebody asks: a scan needs no memory.
                from drift_mcp.cortex import models
                from drift_mcp.cortex.cortex import Cortex
                from drift_mcp.cortex.embeddings import Embedder

                self._refuse_without_folder()
                embedder = Embedder(models.source(settings.read(path.parent).memory_model, self.root))
                self._memory = Cortex.open(path, self.root, embedder=embedder, before_steps=self._back_up_before_steps)
                self._memory_file = _file_number(path)
            return self._memory

    @property
    def has_memory(self) -> bool:
        """Whether anything was ever remembered here, or could be."""
        return (self.store.parent / "cortex.db").exists()

    @property
    def memory_is_open(self) -> bool:
        return self._memory is not None

    @property
    def backups(self) -> Path:
        """The folder where they are kept."""
        return backup.folder(self.store.parent)

    def back_up(
        self, reason: str, *, keep: int | None = None, on_progress: backup.Progress | None = None
    ) -> backup.Backup:
        """Copy both databases as they are at one moment, while others write. `keep`: how many backups stay (default:
        what config.toml says)."""
        self._refuse_without_folder()
        home = self.store.parent
        kept = settings.read(home).backup_keep if keep is None else keep
        databases = self._databases()
        with backup.alone(home):
            restore.finish(home, databases)
            return backup.create(home, databases, reason, program=__version__, keep=kept, on_progress=on_progress)

    def put_back(self, asked: str, *, on_progress: backup.Progress | None = None) -> restore.Restored:
        """Bring both databases to the state of a backup, given by its stamp, how that begins, or `latest`. What was
        opened here is closed. Raises AlreadyRunning while a scan is running."""
        self._refuse_without_folder()
        home = self.store.parent
        kept = settings.read(home).backup_keep
        self.close()
        # Some look at the lock by taking it for an instant.
        with lock.exclusive(self.scan_lock, wait_seconds=0.5), backup.alone(home):
            chosen = backup.named(self.backups, asked)
            return restore.put_back(
                home, self._databases(), chosen, program=__version__, keep=kept, on_progress=on_progress
            )

    def close(self) -> None:
        """Close all that was opened. Safe to repeat."""
        with self._lock:
            for pool in (self._readers, self._readers_of_both):
                if pool is not None:
                    pool.close()
            self._readers = self._readers_of_both = None
            if self._memory is not None:
                self._memory.close()
                self._memory = None
            while self._replaced:
                self._replaced.pop().close()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _finish_what_was_killed(self) -> None:
        """A restore or an upgrade that was killed half way is finished before anything else is read or written."""
        home = self.store.parent
        if switch.is_unfinished(home) or restore.is_unfinished(home):
            with backup.alone(home):
                switch.finish(home)
                restore.finish(home, self._databases())

    def _back_up_before_steps(self) -> None:
        try:
            self.back_up(backup.MIGRATION)
        except StoreUnusable as problem:
            raise StoreUnusable(
                f"The store has an older schema, and it is backed up before it is brought up. {problem}"
            ) from problem

    def _databases(self) -> tuple[backup.Database, ...]:
        from drift_mcp.cortex import opened  # as for `memory`

        drift = backup.Database(self.store, schema.read("drift", DRIFT_ID), carry_on=_outrun)
        return drift, opened.database(self.store.parent / "cortex.db")

    def _refuse_without_folder(self) -> None:
        if not self.store.parent.is_dir():
            raise NotInitialised(
                f"{self.root.name} has no {FOLDER} folder yet. Run `drift init`, or call scan_project."
            )


def _outrun(restored: apsw.Connection, live: apsw.Connection | None) -> None:
    """A cursor that was handed out before a restore is none of the state after it."""
    try:
        seen = status.generation(live) if live is not None else None
    except apsw.SQLError:  # of another schema
        seen = None
    status.outrun(restored, status.generation(restored) + _GENERATIONS_UNSEEN if seen is None else seen)


def _file_number(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def open_project(start: Path | str | None = None) -> Project:
    """The project that `start` (default: the working folder) belongs to, as `find_root` finds it. Opens nothing yet."""
    return Project(find_root(Path(start) if start is not None else Path.cwd()))


def find_root(start: Path) -> Path:
    """The root of the project around `start`: the nearest folder above it that has a `.drift`, else the repository's
    root, else the folder itself. Raises DriftError when `start` is no folder that can be read."""
    said = f"{os.fspath(start)!a}"
    try:
        here = start.expanduser().resolve()
        with os.scandir(here):
            pass
        above = (here, *here.parents)
        found = next((folder for folder in above if _is_project(folder)), None) or next(
            (folder for folder in above if (folder / ".git").exists()), here
        )
    except FileNotFoundError as problem:
        raise DriftError(f"There is no folder {said}. Give the path of a repository.") from problem
    except NotADirectoryError as problem:
        raise DriftError(f"{said} is a file. Give the folder of the repository that it belongs to.") from problem
    except OSError as problem:
        raise DriftError(f"The folder {said} cannot be read: {problem.strerror}. Check its permissions.") from problem
    except (ValueError, RuntimeError) as problem:  # a NUL in the path; a loop of links, or nobody's home
        raise DriftError(f"{said} is no path of a folder: {problem}. Give the path of a repository.") from problem
    try:
        os.fspath(found).encode()
    except UnicodeEncodeError as problem:
        raise DriftError(f"The path {said} is not valid UTF-8, which SQLite needs. Rename the folder.") from problem
    return found


def _is_project(folder: Path) -> bool:
    drift = folder / FOLDER
    # The registry's own folder in a home makes no project of everything below it.
    return (drift / "drift.db").exists() or (drift.is_dir() and drift != registry_path().parent)


def init(project: Project) -> list[str]:
    """Make both databases and the right lines of .gitignore; safe to repeat. Returns what was made, in words."""
    if project.root in (Path(project.root.anchor), Path.home()):
        # A store there would take in every project below it that has none of its own yet.
        raise DriftError(
            f"{project.root.name or '/'} is no project but everything. Name the project's folder with `project`."
        )
    made: list[str] = []
    folder = project.root / FOLDER
    try:
        if not folder.is_dir():
            folder.mkdir()
            made.append(f"{FOLDER}/")
    except OSError as problem:
        raise StoreUnusable(
            f"{project.root.name} cannot hold a {FOLDER} folder: {problem.strerror}. Check what is in its place, "
            "and the permissions."
        ) from problem
    new = not project.store.exists()
    _describe(project)
    if new:
        made.append(f"{FOLDER}/drift.db")
    if not (folder / "cortex.db").exists():
        _ = project.memory
        made.append(f"{FOLDER}/cortex.db")
    try:
        if _ignore(project.root):
            made.append("lines in .gitignore")
    except OSError as problem:
        raise DriftError(
            f".gitignore cannot be written: {problem.strerror}. Make it writable, or add these lines to it: "
            + ", ".join(_IGNORED)
        ) from problem
    if _is_unknown(project.root):
        register(project.root)
    return made


def _describe(project: Project) -> None:
    """Where the project lies and which program wrote last. Written only when that changed: another may be writing."""
    _ = project.writer
    with project.read() as db:
        known = about.read(db)
    root = project.root
    told = about.About(
        known.id if known else _identity(root),
        root.name or str(root),
        str(root),
        __version__,
        schema.read("drift", DRIFT_ID).version,
        known.monorepo_root if known else None,
        known.package_manager if known else None,
    )
    if told != known:
        with project.write() as tx:
            about.put(tx, told)


def _identity(root: Path) -> str:
    return blake3(os.fsencode(root)).hexdigest()[:16]


def _ignore(root: Path) -> bool:
    """Append what is missing to .gitignore, in its own line ending; everything else stays as it is, to the byte."""
    path = root / ".gitignore"
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        before = b""
    present = {line.strip() for line in before.decode("utf-8", "replace").splitlines()}
    if present & {".drift", ".drift/", "/.drift", "/.drift/"}:
        return False  # somebody has decided to keep all of it out
    missing = [line for line in _IGNORED if line not in present]
    if not missing:
        return False
    ending = "\r\n" if b"\r\n" in before else "\n"
    lines = missing if _HEADING in present else [_HEADING, *missing]
    joint = "" if not before or before.endswith(b"\n") else ending
    blank = ending if before.strip() else ""
    with path.open("ab") as file:
        file.write((joint + blank + ending.join(lines) + ending).encode("ascii"))
    return True


# -- the registry of all projects of a user


def registry_path() -> Path:
    """The user-level database: in DRIFT_HOME, else in `.drift` of the home folder."""
    home = os.environ.get("DRIFT_HOME")
    return (Path(home) if home else Path.home() / FOLDER).resolve() / "registry.db"


def register(
    root: Path, *, health_score: int | None = None, pattern_count: int = 0, last_scan_at: str | None = None
) -> None:
    """Remember the project among the user's. A registry that cannot be written is told to the log, and no reason to
    refuse anything else: only finding the project by its name needs it."""
    try:
        registry_path().parent.mkdir(parents=True, exist_ok=True)
        with _registry() as tx:
            registry.put(
                tx,
                _identity(root),
                root.name or str(root),
                str(root),
                schema_version=schema.read("drift", DRIFT_ID).version,
                drift_version=__version__,
                health_score=health_score,
                pattern_count=pattern_count,
                last_scan_at=last_scan_at,
            )
    except (OSError, DriftError) as problem:
        logger.warning("%s was not added to the registry of projects: %s", root.name, problem)


def registered(name: str) -> Path | None:
    """The root of the registered project of that name, or None. Raises DriftError when there are several."""
    if Path(name).name != name:
        return None  # a path, which needs no registry
    try:
        found = [Path(each.path) for each in _registered(name) if Path(each.path).is_dir()]
    except StoreUnusable as problem:
        if not Path(name).is_dir():
            raise
        logger.warning("%s was taken for a folder, because the registry of projects cannot be read: %s", name, problem)
        return None
    if len(found) > 1:
        places = ", ".join(str(path) for path in found)
        raise DriftError(f"{len(found)} projects are named {name!r}: {places}. Give the path instead.")
    return found[0] if found else None


class Known(NamedTuple):
    """A project of the registry: what is said of it there, and whether it is still to be found."""

    told: registry.Registered
    lost: str | None  # 'folder' or 'store', whichever is gone or out of reach; None = it is there


def known() -> list[Known]:
    """All registered projects, the one used last first. Raises StoreUnusable when the registry cannot be read."""
    return [Known(each, _lost(each.path)) for each in _registered(None)]


def forget(asked: str) -> registry.Registered:
    """Take the project of this name, or at this path, out of the registry; its folder and its store stay as they are.

    Raises DriftError, saying which there are, when there is none or more than one."""
    paths = _paths(asked)
    everything = _registered(None)
    found = [each for each in everything if each.name == asked or each.path in paths]
    if len(found) > 1:
        places = ", ".join(each.path for each in found)
        raise DriftError(f"{len(found)} projects are named {asked!r}: {places}. Give the path of the one to forget.")
    if not found:
        names = difflib.get_close_matches(asked, [each.name for each in everything], n=3)
        near = f" Nearest: {', '.join(map(repr, names))}." if names else ""
        raise DriftError(f"No project {asked!r} is registered.{near} `drift projects` lists those that are.")
    with _registry() as tx:
        registry.forget(tx, found[0].id)
    return found[0]


def _paths(asked: str) -> set[str]:
    """How the registry may have written this path, also of a folder that is gone."""
    if not asked:
        return set()
    try:
        path = Path(asked).expanduser()
        return {asked, str(path.absolute()), str(path.resolve())}
    except (OSError, ValueError, RuntimeError):  # a loop of links; a NUL; nobody's home
        return {asked}


def _lost(path: str) -> str | None:
    try:
        if not Path(path).is_dir():
            return "folder"
        return None if (Path(path) / FOLDER / "drift.db").exists() else "store"
    except OSError:
        return "folder"  # behind a folder that is closed to us


def _is_unknown(root: Path) -> bool:
    try:
        return not _registered(str(root))
    except StoreUnusable:
        return True


def _registered(text: str | None) -> list[registry.Registered]:
    """Projects of that name or at that path; None: all."""
    path = registry_path()
    if not path.exists():
        return []
    pool = ReaderPool(path, schema.read("registry", _REGISTRY_ID))
    try:
        with pool.snapshot() as db:
            return registry.all_projects(db) if text is None else registry.named(db, text)
    finally:
        pool.close()


@contextlib.contextmanager
def _registry() -> Iterator[apsw.Connection]:
    """One change of the registry."""
    path = registry_path()
    ours = schema.read("registry", _REGISTRY_ID)
    writer = Writer(migrate.opened(path, ours), path, ours)
    try:
        with writer.transaction() as tx:
            yield tx
    finally:
        writer.close()
