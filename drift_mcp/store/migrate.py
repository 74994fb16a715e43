"""Brings a database to the schema of this program: creates it whole, or takes it there step by step.

`schema/<database>/` is the truth: its files, in the order of ORDER, make a new database; `migrations/NNNN_name.sql` lead an older one to the
same result, which a test proves object by object. A step that was applied is never edited: its checksum is kept, and a difference is refused.
"""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.errors import StoreUnusable

_VIEWS: Final = "views.sql"
_STEP: Final = re.compile(r"(\d{4})_\w+\.sql")


class Step(NamedTuple):
    version: int
    text: str
    checksum: str


class Schema(NamedTuple):
    """The schema of one database as this program knows it."""

    name: str  # 'drift', 'cortex', 'registry'
    application_id: int
    tables: str
    views: str
    steps: tuple[Step, ...]  # versions 2, 3, …

    @property
    def version(self) -> int:
        return self.steps[-1].version if self.steps else 1


def folder() -> Path:
    """Where the schema files are: in the installed package, else in the checkout beside it."""
    package = Path(__file__).parent.parent
    installed = package / "schema"
    return installed if installed.is_dir() else package.parent / "schema"


def read(name: str, application_id: int, *, root: Path | None = None) -> Schema:
    """The schema files of one database."""
    here = (root or folder()) / name
    order = [line.strip() for line in (here / "ORDER").read_text(encoding="utf-8").splitlines() if line.strip()]
    tables = "\n".join((here / each).read_text(encoding="utf-8") for each in order if each != _VIEWS)
    views = (here / _VIEWS).read_text(encoding="utf-8") if _VIEWS in order else ""
    steps: list[Step] = []
    migrations = here / "migrations"
    for path in sorted(migrations.iterdir()) if migrations.is_dir() else ():
        found = _STEP.fullmatch(path.name)
        if found is not None:
            text = path.read_text(encoding="utf-8")
            steps.append(Step(int(found.group(1)), text, _checksum(text)))
    return Schema(name, application_id, tables, views, tuple(steps))


def bring_up(db: apsw.Connection, schema: Schema) -> bool:
    """Create or migrate the database to the schema. Returns whether anything was done. A newer or altered store is refused, untouched."""
    version = db.pragma("user_version")
    if version > schema.version:
        raise StoreUnusable(
            f"{schema.name}.db was made by a newer Drift (schema {version}; this one knows {schema.version}). "
            "It was left untouched. Update this program, or use the newer one."
        )
    if version == schema.version:
        _refuse_edited(db, schema)
        return False
    if version == 0:
        _create(db, schema)
    else:
        _refuse_edited(db, schema)
        for step in schema.steps:
            if step.version > version:
                _apply(db, schema, step)
    return True


def _create(db: apsw.Connection, schema: Schema) -> None:
    began = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have created it while this one waited for the lock.
        if db.pragma("user_version") == 0:
            _run(db, schema.tables)
            _run(db, schema.views)
            _record(db, schema.version, _checksum(schema.tables), began)
            for step in schema.steps:
                if step.version != schema.version:
                    _record(db, step.version, step.checksum, began)
            db.pragma("application_id", schema.application_id)
            db.pragma("user_version", schema.version)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _apply(db: apsw.Connection, schema: Schema, step: Step) -> None:
    began = time.perf_counter()
    # Tables are rebuilt in steps; references are checked as a whole before the commit.
    db.pragma("foreign_keys", False)
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            if db.pragma("user_version") < step.version:
                for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'view'").fetchall():
                    db.execute(f'DROP VIEW "{name}"')
                _run(db, step.text)
                _run(db, schema.views)
                broken = db.execute("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise StoreUnusable(f"Step {step.version} would leave {len(broken)} broken references in {schema.name}.db. Nothing was changed.")
                _record(db, step.version, step.checksum, began)
                db.pragma("user_version", step.version)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    finally:
        db.pragma("foreign_keys", True)


def _refuse_edited(db: apsw.Connection, schema: Schema) -> None:
    applied = dict(db.execute("SELECT version, checksum FROM migration_history").fetchall())
    for step in schema.steps:
        known = applied.get(step.version)
        if known is not None and known != step.checksum and step.version != min(applied):
            raise StoreUnusable(
                f"Step {step.version} of {schema.name}.db was edited after it had been applied. Put the old text back and add a new step."
            )


def _record(db: apsw.Connection, version: int, checksum: str, began: float) -> None:
    duration_ms = int((time.perf_counter() - began) * 1000)
    db.execute(
        "INSERT INTO migration_history (version, checksum, duration_ms) VALUES (?, ?, ?)",
        (version, checksum, duration_ms),
    )


def _run(db: apsw.Connection, text: str) -> None:
    # `execute` stops at the first statement that returns a row; going through the cursor runs them all.
    for _ in db.execute(text):
        pass


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
