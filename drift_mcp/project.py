"""Opens the house: the store and the memory of one repository, once, and closes them once. Never scans and never answers."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

import apsw
from blake3 import blake3

from drift_mcp import __version__
from drift_mcp.errors import DriftError, NotInitialised
from drift_mcp.store import connection, migrate
from drift_mcp.store.pool import ReaderPool
from drift_mcp.store.writer import Writer

if TYPE_CHECKING:  # memories are opened when the first question about them comes
    from drift_mcp.cortex.cortex import Cortex

FOLDER: Final = ".drift"
# 'DrFt' and 'DrRg' as integers: so that any SQLite tool, and we, can tell whose file it is.
DRIFT_ID: Final = 0x44724674
_REGISTRY_ID: Final = 0x44725267

# What `init` adds to .gitignore: all that can be made again, and nothing that a person edits.
_IGNORED: Final = (
    "/.drift/drift.db",
    "/.drift/drift.db-wal",
    "/.drift/drift.db-shm",
    "/.drift/cortex.db",
    "/.drift/cortex.db-wal",
    "/.drift/cortex.db-shm",
    "/.drift/backups/",
    "/.drift/scan.lock",
)
_HEADING: Final = "# Drift MCP"


class Project:
    """One repository with its store. Threads may share it; each question takes a snapshot of its own."""

    def __init__(self, root: Path) -> None:
        self.root: Final = root
        self._lock = threading.RLock()
        self._readers: ReaderPool | None = None
        self._writer: Writer | None = None
        self._memory: Cortex | None = None

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
        with self._pool().snapshot() as db:
            yield db

    @contextlib.contextmanager
    def write(self) -> Iterator[apsw.Connection]:
        """One change: committed when the block ends, undone when it raises."""
        with self.writer.transaction() as tx:
            yield tx

    @property
    def writer(self) -> Writer:
        """The one writer of drift.db in this process; opened, and the store created or migrated, when first asked for."""
        with self._lock:
            if self._writer is None:
                if not self.store.parent.is_dir():
                    raise NotInitialised(f"{self.root.name} has no {FOLDER} folder yet. Run `drift init`, or call scan_project.")
                db = connection.open_writer(self.store, DRIFT_ID)
                try:
                    migrate.bring_up(db, migrate.read("drift", DRIFT_ID))
                except BaseException:
                    db.close()
                    raise
                self._writer = Writer(db, self.store)
            return self._writer

    def _pool(self) -> ReaderPool:
        with self._lock:
            if self._readers is None:
                if not self.is_initialised:
                    raise NotInitialised(
                        f"Nothing is known about {self.root.name} yet: it was never scanned. Run `drift scan`, or call scan_project."
                    )
                self._migrated()
                self._readers = ReaderPool(self.store, DRIFT_ID)
            return self._readers

    def _migrated(self) -> None:
        """A store of an older schema is migrated before it is read; a newer one is refused."""
        schema = migrate.read("drift", DRIFT_ID)
        db = connection.open_reader(self.store, DRIFT_ID)
        try:
            version = db.pragma("user_version")
        finally:
            db.close()
        if version != schema.version:
            _ = self.writer

    @property
    def memory(self) -> Cortex:
        """What was learned about this repository; opened when first asked for."""
        with self._lock:
            if self._memory is None:
                from drift_mcp.cortex.cortex import Cortex  # not before somebody asks: a scan needs no memory

                if not self.store.parent.is_dir():
                    raise NotInitialised(f"{self.root.name} has no {FOLDER} folder yet. Run `drift init`, or call scan_project.")
                self._memory = Cortex.open(self.store.parent / "cortex.db", self.root)
            return self._memory

    @property
    def memory_is_open(self) -> bool:
        return self._memory is not None

    def close(self) -> None:
        """Close all that was opened. Safe to repeat."""
        with self._lock:
            if self._readers is not None:
                self._readers.close()
                self._readers = None
            if self._memory is not None:
                self._memory.close()
                self._memory = None
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def __enter__(self) -> Project:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_project(start: Path | str | None = None) -> Project:
    """The project that `start` (default: the working folder) belongs to: the nearest folder above it that has a `.drift`, else the
    repository root, else the folder itself. Opens nothing yet."""
    return Project(find_root(Path(start) if start is not None else Path.cwd()))


def find_root(start: Path) -> Path:
    """The root of the project around `start`. Raises DriftError when `start` is no folder that can be read."""
    try:
        here = start.expanduser().resolve()
        if not here.exists():
            raise DriftError(f"There is no folder {start}. Give the path of a repository.")
        if not here.is_dir():
            raise DriftError(f"{start} is a file. Give the folder of the repository that it belongs to.")
        os.listdir(here)
    except (PermissionError, RuntimeError, ValueError, OSError) as problem:
        raise DriftError(f"The folder {start} cannot be read: {problem.__class__.__name__}. Check the path and its permissions.") from problem
    above = (here, *here.parents)
    for folder in above:
        if (folder / FOLDER / "drift.db").exists():
            return folder
    for folder in above:
        if (folder / ".git").exists():
            return folder
    return here


def init(project: Project) -> list[str]:
    """Create both databases and the right lines of .gitignore; safe to repeat. Returns what was made, in words."""
    made: list[str] = []
    folder = project.root / FOLDER
    try:
        if not folder.is_dir():
            folder.mkdir()
            made.append(f"{FOLDER}/")
        new = not project.store.exists()
        with project.write() as tx:
            _describe(tx, project.root)
        if new:
            made.append(f"{FOLDER}/drift.db")
        new = not (folder / "cortex.db").exists()
        _ = project.memory
        if new:
            made.append(f"{FOLDER}/cortex.db")
        if _ignore(project.root):
            made.append("lines in .gitignore")
    except (PermissionError, FileExistsError, NotADirectoryError) as problem:
        raise DriftError(f"{project.root} cannot hold a {FOLDER} folder: {problem.strerror}.") from problem
    register(project.root)
    return made


_PROJECT: Final = """
INSERT INTO project (id, name, root_path, drift_version)
VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    root_path = excluded.root_path,
    drift_version = excluded.drift_version,
    updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
"""


def _describe(tx: apsw.Connection, root: Path) -> None:
    known = tx.execute("SELECT id FROM project").fetchall()
    identity = known[0][0] if known else _identity(root)
    tx.execute(_PROJECT, (identity, root.name or str(root), str(root), __version__))


def _identity(root: Path) -> str:
    return blake3(os.fsencode(root)).hexdigest()[:16]


def _ignore(root: Path) -> bool:
    """Add what is missing to .gitignore, in its own line ending; everything else stays as it is."""
    path = root / ".gitignore"
    try:
        before = path.read_bytes()
    except FileNotFoundError:
        before = b""
    ending = b"\r\n" if b"\r\n" in before else b"\n"
    present = {line.strip() for line in before.decode("utf-8", "replace").splitlines()}
    missing = [line for line in _IGNORED if line not in present and line.lstrip("/") not in present]
    if not missing or ".drift/" in present or "/.drift/" in present or ".drift" in present:
        return False
    lines = ([] if _HEADING in present else [_HEADING]) + missing
    joint = b"" if not before or before.endswith(b"\n") else ending
    blank = ending if before.strip() else b""
    path.write_bytes(before + joint + blank + ending.join(line.encode("ascii") for line in lines) + ending)
    return True


# -- the registry of all projects of a user


def registry_path() -> Path:
    """The user-level database: in DRIFT_HOME, else in `.drift` of the home folder."""
    home = os.environ.get("DRIFT_HOME")
    return (Path(home) if home else Path.home() / FOLDER) / "registry.db"


_REGISTER: Final = """
INSERT INTO project_registry (id, name, path, schema_version, drift_version)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    last_accessed = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    schema_version = excluded.schema_version,
    drift_version = excluded.drift_version
"""


def register(root: Path) -> None:
    """Remember the project among the user's. A registry that cannot be written is no reason to refuse a scan."""
    path = registry_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _registry() as db:
            version = migrate.read("drift", DRIFT_ID).version
            db.execute(_REGISTER, (_identity(root), root.name or str(root), str(root), version, __version__))
    except (OSError, DriftError):
        return


@contextlib.contextmanager
def _registry() -> Iterator[apsw.Connection]:
    path = registry_path()
    db = connection.open_writer(path, _REGISTRY_ID)
    try:
        migrate.bring_up(db, migrate.read("registry", _REGISTRY_ID))
        with Writer(db, path).transaction() as tx:
            yield tx
    finally:
        db.close()


def registered(name: str) -> Path | None:
    """The root of the registered project of that name; None when there is none, or more than one."""
    if not registry_path().exists():
        return None
    try:
        with _registry() as db:
            found = db.execute("SELECT path FROM project_registry WHERE name = ?", (name,)).fetchall()
    except DriftError:
        return None
    return Path(found[0][0]) if len(found) == 1 else None
