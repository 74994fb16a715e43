"""The upgrade itself: look, convert, prove, put in place, archive.

Where no store of today's is there, or an old database has its name, one is built aside, in `.drift/upgrading/`, and
takes its place together with the move of the old files, as one switch: a process that is killed leaves the old state
whole, or the new one. Where one is there, it is backed up, and what comes in joins it in one transaction for each
database, the two of which end one after the other.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.cortex.opened import APPLICATION_ID as CORTEX_ID
from drift_mcp.errors import DriftError, StoreUnusable
from drift_mcp.project import DRIFT_ID, FOLDER, Project, init, known, register, registry_path
from drift_mcp.store import backup, connection, lock, schema, switch
from drift_mcp.store.switch import Move
from drift_mcp.upgrade import archive, conversion, memories, proof, registry, sources
from drift_mcp.upgrade.account import Account, Line, Refusal
from drift_mcp.upgrade.loading import Loader, plans
from drift_mcp.upgrade.merging import Rows
from drift_mcp.upgrade.sources import COMPANIONS, DATABASES, Found, Source

_STAGING: Final = "upgrading"
# A scan that is running is waited for, as a second scan waits.
_WAIT_SECONDS: Final = 120.0


class Older(NamedTuple):
    """A database of today's kind with an older schema: it is brought up whenever a program of today opens it."""

    database: str
    before: int
    after: int


class Report(NamedTuple):
    """What an upgrade found, and what became of it."""

    older: tuple[Older, ...]
    sources: tuple[Source, ...]
    lines: tuple[Line, ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[str, ...]
    backup: str | None  # stamp of the backup of the databases that were there; None: there were none
    archive: str | None  # where the old files went, below the project's root; None: they were not moved
    files_archived: int
    is_dry: bool
    duration_ms: int


def upgrade(project: Project, *, is_dry: bool = False, approvals_from_history: bool = False) -> Report:
    """Take over what the predecessor left in this project. With `is_dry` nothing in the project changes.

    Raises DriftError when there is no `.drift`, and StoreUnusable when a database of ours cannot be used. Nothing to
    take over is no error: the report then has no sources."""
    began = time.monotonic()
    home = project.store.parent
    if not home.is_dir():
        raise DriftError(f"{project.root.name} has no {FOLDER} folder: there is nothing of the old tool here.")
    with _no_garbage(), _alone(project, is_dry):
        if not is_dry and switch.is_unfinished(home):
            with backup.alone(home):
                switch.finish(home)
        found = sources.look(project.root)
        older = _older(found)
        account = Account()
        saved: str | None = None
        files_archived = 0
        if older and not is_dry and found.has_room_for_ours:
            _ = project.writer, project.memory  # opening them backs up first, and takes the steps
        if found.sources:
            if is_dry:
                with tempfile.TemporaryDirectory() as scratch:
                    _convert_dry(project, found, account, Path(scratch), approvals_from_history)
            else:
                saved, files_archived = _convert(project, found, account, approvals_from_history)
            _register_others(account, is_dry)
    return Report(
        older,
        found.sources,
        tuple(account.lines()),
        tuple(account.refusals),
        tuple(account.notes),
        saved,
        f"{FOLDER}/{archive.FOLDER_NAME}" if files_archived else None,
        files_archived,
        is_dry,
        int((time.monotonic() - began) * 1000),
    )


def _register_others(account: Account, is_dry: bool) -> None:
    """The user's other projects, by the predecessor's registry: so that they are found by their names."""

    def put(each: registry.Registered) -> None:
        if not is_dry:
            register(
                each.root,
                health_score=each.health_score,
                pattern_count=each.pattern_count,
                last_scan_at=each.last_scan_at,
            )

    try:
        there = {each.told.path for each in known()}
    except StoreUnusable as problem:
        account.note(f"The old tool's other projects were not registered: {problem}")
        return
    registry.take_over(registry_path().parent, account, there, put)


def _older(found: Found) -> tuple[Older, ...]:
    schemas = {"drift.db": schema.read("drift", DRIFT_ID), "cortex.db": schema.read("cortex", CORTEX_ID)}
    versions = [
        Older(each.name, connection.schema_version(each.path, schemas[each.name]), schemas[each.name].version)
        for each in found.ours_in_place
    ]
    return tuple(each for each in versions if each.before != each.after)


def _convert(project: Project, found: Found, account: Account, approvals_from_history: bool) -> tuple[str | None, int]:
    """(stamp of the backup, files archived)."""
    home = project.store.parent
    staging = home / _STAGING
    shutil.rmtree(staging, ignore_errors=True)  # of one that was killed before its switch
    staging.mkdir()
    try:
        saved = None
        if found.has_room_for_ours and found.ours_in_place:
            saved = project.back_up("upgrade").stamp
            placed: tuple[str, ...] = ()
            _take_over(project, project.root, found, account, staging, approvals_from_history)
        else:
            placed = DATABASES
            with _staged(found, staging) as target:
                _take_over(target, project.root, found, account, staging, approvals_from_history)
        project.close()
        made = archive.moves(home, [*found.sources, *(_with_companions(found.ours_in_place) if placed else ())])
        record = archive.noted(home, made, placed, saved)
        into_place = [Move(f"{FOLDER}/{_STAGING}/{FOLDER}/{name}", f"{FOLDER}/{name}") for name in placed]
        with backup.alone(home):
            switch.carry_out(home, [*made, *into_place, record])
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    _drop_empty_folders(home)
    init(project)
    return saved, len(made)


def _with_companions(databases: Sequence[Source]) -> Iterator[Source]:
    """A log that stays behind would be read into the database that takes the name."""
    for each in databases:
        for end in ("", *COMPANIONS):
            path = each.path.with_name(each.path.name + end)
            if path.exists():
                yield Source(path, each.name + end, each.kind, path.stat().st_size)


def _convert_dry(project: Project, found: Found, account: Account, scratch: Path, approvals_from_history: bool) -> None:
    with _staged(found, scratch) as target:
        _take_over(target, project.root, found, account, scratch, approvals_from_history)


def _take_over(
    target: Project, root: Path, found: Found, account: Account, scratch: Path, approvals_from_history: bool
) -> None:
    rows = Rows(plans(), account)
    undecided = functools.partial(rows.undecided, "patterns") if approvals_from_history else None
    for each in conversion.records(found, account, scratch, undecided):
        rows.take(each)
    remembered = conversion.memories_of(found, account, scratch)
    for old in remembered:
        for carried in old.carried:
            rows.take(carried)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
    with target.write() as tx:
        loader = Loader(tx, root, rows, account, now)
        loader.run()
        proof.compare(tx, loader.meant)
        memories.take_over(remembered, target.memory, account)
        proof.balance(account)


@contextlib.contextmanager
def _staged(found: Found, folder: Path) -> Iterator[Project]:
    """Databases of today's in a folder of their own, begun from copies of those that are there already; on the disk as
    whole files when the block ends."""
    (folder / FOLDER).mkdir(exist_ok=True)
    staged = Project(folder)
    try:
        for each in found.ours_in_place:
            _copied(each.path, folder / FOLDER / each.name)
        _ = staged.memory
        yield staged
    finally:
        staged.close()


def _copied(old: Path, new: Path) -> None:
    with (
        contextlib.closing(apsw.Connection(str(old), apsw.SQLITE_OPEN_READONLY)) as there,
        contextlib.closing(apsw.Connection(str(new))) as here,
        here.backup("main", there, "main") as copying,
    ):
        while not copying.done:
            copying.step()


@contextlib.contextmanager
def _alone(project: Project, is_dry: bool) -> Iterator[None]:
    """No scan and no other upgrade meanwhile. A dry run writes nothing, not even the lock."""
    if is_dry:
        yield
        return
    with lock.exclusive(project.scan_lock, wait_seconds=_WAIT_SECONDS, work="scan or upgrade"):
        yield


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """A conversion makes a million small objects and no cycles: looking for garbage among them costs a fifth of it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _drop_empty_folders(home: Path) -> None:
    for each in sorted(home.iterdir()):
        if each.is_dir() and not each.is_symlink() and each.name not in (archive.FOLDER_NAME, "backups"):
            _drop_empty_folders(each)
            if not any(each.iterdir()):
                each.rmdir()
