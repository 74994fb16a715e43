"""Brings a database to the schema of this program: makes it whole, or takes it there step by step. Knows no table but
its own history.

A step that was applied is never edited: its checksum is kept in `migration_history`, and a difference is refused. That
the steps lead to what the files make is proved by a test, object by object.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

import apsw

from drift_mcp.errors import StoreUnusable
from drift_mcp.store import connection
from drift_mcp.store.schema import Schema, Step


def opened(
    path: Path,
    schema: Schema,
    *,
    extensions: Iterable[Path] = (),
    busy_ms: int = connection.BUSY_MS,
    before_steps: Callable[[], object] | None = None,
) -> apsw.Connection:
    """The writing connection to a store of today's schema: made when there is none, brought up when it is older.
    `before_steps` is called before an older one is changed: the moment for a backup; what it raises, leaves it as it
    was.

    Any number of processes may do so at once. Raises StoreUnusable for what is no store of ours, newer or damaged: left
    untouched."""
    libraries = tuple(extensions)
    if not path.exists():
        _make(path, schema, libraries)
    elif before_steps is not None and connection.schema_version(path, schema) < schema.version:
        before_steps()
    db = connection.open_writer(path, schema, extensions=libraries, busy_ms=busy_ms)
    try:
        with connection.explained(path):
            _bring_up(db, path, schema)
    except BaseException:
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        db.close()
        raise
    return db


def _make(path: Path, schema: Schema, extensions: tuple[Path, ...]) -> None:
    """Under another name first: nobody ever sees a store that is half made, and a crash leaves none."""
    new = path.with_name(f"{path.name}-new-{uuid.uuid4().hex}")
    try:
        with connection.explained(path):
            db = connection.open_blank(new, extensions=extensions)
            try:
                _create(db, schema)
                db.pragma("journal_mode", "wal")
            finally:
                db.close()
        _put_in_place(new, path)
    finally:
        new.unlink(missing_ok=True)


def _put_in_place(new: Path, path: Path) -> None:
    # FileExistsError: another process was quicker, and its store is as good.
    with contextlib.suppress(FileExistsError):
        try:
            os.link(new, path)
        except FileExistsError:
            raise
        except OSError:
            # A file system without hard links. Between the look and the renaming another process could be quicker; no
            # more than that can be had there.
            if not path.exists():
                new.rename(path)


_HISTORY = """
INSERT INTO migration_history (version, checksum, duration_ms)
VALUES (?, ?, ?)
"""


def _create(db: apsw.Connection, schema: Schema) -> None:
    began = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    _run(db, schema.tables)
    _run(db, schema.views)
    db.execute(_HISTORY, (1, schema.checksum, _milliseconds_since(began)))
    # The files hold what the steps did, so that the steps count as applied, in no time.
    db.executemany(_HISTORY, [(step.version, step.checksum, 0) for step in schema.steps])
    db.pragma("application_id", schema.application_id)
    db.pragma("user_version", schema.version)
    db.execute("COMMIT")


def _bring_up(db: apsw.Connection, path: Path, schema: Schema) -> None:
    version = connection.refuse_newer(db, path, schema)
    _refuse_edited(db, path, schema)
    for step in schema.steps:
        if step.version > version:
            _apply(db, path, schema, step)


_APPLIED = """
SELECT version, checksum
FROM migration_history
"""


def _refuse_edited(db: apsw.Connection, path: Path, schema: Schema) -> None:
    applied = {row[0]: row[1] for row in db.execute(_APPLIED).fetchall()}
    for step in schema.steps:
        if applied.get(step.version, step.checksum) != step.checksum:
            raise StoreUnusable(
                f"Step {step.version:04} of schema/{schema.name}/migrations was edited after it had been applied to "
                f"{path.name}. The store was left untouched. Put the step's old text back, and write the change as a "
                "new step."
            )


def _apply(db: apsw.Connection, path: Path, schema: Schema, step: Step) -> None:
    began = time.perf_counter()
    # A step may make a table anew under its old name. References are checked as a whole before the commit; and the
    # switch has no effect inside a transaction.
    db.pragma("foreign_keys", False)
    try:
        db.execute("BEGIN IMMEDIATE")
        # Another process may have taken this step while this one waited.
        if connection.refuse_newer(db, path, schema) < step.version:
            _drop_views(db)
            _run(db, step.text)
            _run(db, schema.views)
            _refuse_broken(db, path, step)
            db.execute(_HISTORY, (step.version, step.checksum, _milliseconds_since(began)))
            db.pragma("user_version", step.version)
        db.execute("COMMIT")
    except (apsw.SQLError, apsw.ConstraintError) as problem:
        raise StoreUnusable(
            f"{path.name} could not be brought to schema {step.version}: {problem}. It stays as it was, at schema "
            f"{step.version - 1}. Use the Drift that made it, and please report this."
        ) from problem
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
        db.pragma("foreign_keys", True)


_VIEWS = """
SELECT name
FROM sqlite_schema
WHERE type = 'view'
"""


def _drop_views(db: apsw.Connection) -> None:
    # A table that a view reads cannot be renamed.
    for (name,) in db.execute(_VIEWS).fetchall():
        db.execute(f'DROP VIEW "{name}"')


def _refuse_broken(db: apsw.Connection, path: Path, step: Step) -> None:
    broken = db.execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({str(row[0]) for row in broken}))
        raise StoreUnusable(
            f"Schema {step.version} would leave {len(broken)} rows of {path.name} that point nowhere (in {tables}). "
            "Nothing was changed. Use the Drift that made it, and please report this."
        )


def _run(db: apsw.Connection, text: str) -> None:
    # `execute` stops at the first statement that returns a row; going through the cursor runs them all.
    for _ in db.execute(text):
        pass


def _milliseconds_since(began: float) -> int:
    return int((time.perf_counter() - began) * 1000)
