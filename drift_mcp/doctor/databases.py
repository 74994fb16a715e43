"""The two databases as SQLite and their schema see them. Knows nothing of what their rows mean."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.cortex import opened as cortex
from drift_mcp.doctor.findings import Finding
from drift_mcp.errors import NotInitialised, StoreUnusable
from drift_mcp.project import DRIFT_ID, Project
from drift_mcp.store import connection, health, mending, schema
from drift_mcp.store.backup import Database
from drift_mcp.store.health import BadPage, Differing, Integrity, Step

# A commit folds the WAL into the database from 48 MB on: more says that a reader does not let go, or a writer died.
_LONG_WAL_BYTES: Final = 64 * 1024 * 1024
# Below it, giving the room back costs more writing than it saves: deleted rows' pages are used again.
_FREE_SHARE: Final = 0.25
_FREE_BYTES: Final = 8 * 1024 * 1024


class Looked(NamedTuple):
    findings: list[Finding]
    facts: dict[str, int | str | bool | None]
    copy: apsw.Connection | None  # in memory, to look at the rows; None: they cannot be read as what they should be


def of(project: Project) -> tuple[Database, Database]:
    """drift.db and cortex.db."""
    return (
        Database(project.store, schema.read("drift", DRIFT_ID)),
        cortex.database(project.store.with_name("cortex.db")),
    )


def look(store: Database) -> Looked:
    """Reads all of it and writes nothing."""
    found: list[Finding] = []
    facts: dict[str, int | str | bool | None] = {}
    try:
        connection.refuse_foreign(store.path, store.schema)
        with connection.explained(store.path):
            integrity = health.integrity(store.path, store.extensions)
            if not integrity.is_sound:
                found.append(_damage(store, integrity))
                return Looked(found, facts, None)
            version = connection.schema_version(store.path, store.schema)
            room = health.room(store.path)
            facts |= room._asdict() | {"schema": version}
            found += _room(store, room)
            if version < store.schema.version:
                found.append(_older(store, version))
                return Looked(found, facts, None)
            copy = health.copied(store.path, store.extensions)
    except (NotInitialised, StoreUnusable) as problem:
        found.append(Finding("opens", "error", store.path.name, str(problem), "", is_unusable=True))
        return Looked(found, facts, None)
    try:
        differing = health.differences(copy, store.schema, store.extensions)
        found += _schema(store, differing)
        if _tables_differ(differing):
            copy.close()
            return Looked(found, facts, None)
        found += _contents(store, copy)
    except BaseException:
        copy.close()
        raise
    return Looked(found, facts, copy)


def _damage(store: Database, found: Integrity) -> Finding:
    said = "; ".join(found.said[:3]) + ("; …" if len(found.said) > 3 else "")
    if not found.bad:
        what = f"its structure is damaged: {said}"
        if found.is_derived:
            return Finding(
                "structure",
                "error",
                store.path.name,
                what,
                "Its indexes are made anew from its tables.",
                is_fixable=True,
            )
        return Finding("structure", "error", store.path.name, what, _RESTORE, is_unusable=True)
    what = (
        f"{_pages(found.bad)} not what was written: a bit flipped on the disk, or another SQLite program wrote here, "
        f"which keeps no checksums{f'. SQLite finds: {said}' if said else ''}"
    )
    if found.is_derived:
        todo = "What these pages hold is made anew from the tables; no value is lost or changed."
        return Finding("pages", "error", store.path.name, what, todo, is_fixable=True, is_unusable=True)
    if not found.said:
        return Finding("pages", "error", store.path.name, what, _ACCEPT, is_fixable=True, is_unusable=True)
    return Finding("pages", "error", store.path.name, what, _RESTORE, is_unusable=True)


_ACCEPT: Final = (
    "Their structure is in order, so `drift doctor --fix` can take them as they are; a value in them may then be "
    "another one than was written. `drift backup restore latest` puts back what was. If nothing but Drift writes to "
    "this file, prefer the backup."
)
_RESTORE: Final = (
    "This cannot be mended without guessing. `drift backup restore latest` puts the last backup in its place; or move "
    "the file away, and `drift scan` makes it anew, without the verdicts of people."
)


def _pages(bad: tuple[BadPage, ...]) -> str:
    owners = sorted({each.object for each in bad if each.object is not None})
    of = f" (of {', '.join(owners[:5])}{', …' if len(owners) > 5 else ''})" if owners else ""
    return f"1 page{of} is" if len(bad) == 1 else f"{len(bad):,} pages{of} are"


def _room(store: Database, room: health.Room) -> list[Finding]:
    found = []
    if room.wal_bytes > _LONG_WAL_BYTES:
        found.append(
            Finding(
                "wal",
                "warning",
                store.path.name,
                f"its write-ahead log has grown to {_mb(room.wal_bytes)}: a reader does not let go, or a writer died",
                "The log is folded into the database.",
                is_fixable=True,
            )
        )
    if room.free_bytes > _FREE_BYTES and room.free_bytes > _FREE_SHARE * room.bytes:
        found.append(
            Finding(
                "free",
                "info",
                store.path.name,
                f"{_mb(room.free_bytes)} of {_mb(room.bytes)} are free: room of deleted rows",
                "The room is given back to the disk.",
                is_fixable=True,
            )
        )
    if not room.has_checksums:
        found.append(
            Finding(
                "checksums",
                "info",
                store.path.name,
                "its pages carry no checksums: it was made before there were any, so a flipped bit goes unseen",
                "Each page is written anew, with its checksum.",
                is_fixable=True,
            )
        )
    return found


def _mb(size: int) -> str:
    return f"{size / 1024 / 1024:,.0f} MB"


def _older(store: Database, version: int) -> Finding:
    return Finding(
        "version",
        "warning",
        store.path.name,
        f"it has schema {version}, and this Drift writes {store.schema.version}; its rows were not looked at",
        "It is brought up, as the next `drift scan` would do.",
        is_fixable=True,
    )


def _schema(store: Database, differing: list[Differing]) -> list[Finding]:
    found = []
    tables_differ = _tables_differ(differing)
    for each in differing:
        what = f"the {each.type} {each.name} {_HOW[each.how]}"
        if each.how == "added":
            todo = "Nothing needs it. Keep it if it is yours; a trigger among them changes what is stored."
            found.append(Finding("schema", "info", store.path.name, what, todo))
        elif each.is_mendable and not tables_differ:
            found.append(Finding("schema", "warning", store.path.name, what, "It is made anew.", is_fixable=True))
        else:
            found.append(Finding("schema", "error", store.path.name, what, _RESTORE, is_unusable=True))
    return found


def _tables_differ(differing: list[Differing]) -> bool:
    return any(each.type == "table" and each.how != "added" for each in differing)


_HOW: Final = {
    "missing": "is missing",
    "different": "is not what the schema says",
    "added": "is none of the schema's",
}


def _contents(store: Database, copy: apsw.Connection) -> list[Finding]:
    found = [
        Finding(
            "references",
            "error",
            store.path.name,
            f"rows of {each.table} that point to rows of {each.missing} that are gone: {each.rows:,}",
            "They go as well, or forget the link, as they would have when their target went.",
            is_fixable=True,
        )
        for each in health.loose(copy)
    ]
    found += [
        Finding(
            "search",
            "warning",
            store.path.name,
            f"the full-text index {name} does not say what its table says, so that searches miss or find too much",
            "The index is made anew from the table.",
            is_fixable=True,
        )
        for name in health.unfaithful(copy)
    ]
    found += [_step(store, each) for each in health.steps(copy, store.schema)]
    return found


def _step(store: Database, step: Step) -> Finding:
    if step.problem == "missing":
        what = f"nothing is recorded of how it came to schema {step.version}"
        return Finding("steps", "warning", store.path.name, what, "It can be used as it is. Please report this.")
    what = f"the step to schema {step.version} was edited after it had been applied here, so nothing can be written"
    return Finding("steps", "error", store.path.name, what, "Use the Drift that made it, and please report this.")


# ---------------------------------------------------------------------------------------------------------------------


def mend_pages(store: Database, folder: Path) -> str:
    """Indexes and pages. The file as it was is kept beside the backups."""
    with connection.explained(store.path):
        found = health.integrity(store.path, store.extensions)
        kept = mending.keep_as_it_is(store.path, folder)
        try:
            mending.write_anew(store.path, store.extensions)
        except apsw.ConstraintError as problem:
            raise StoreUnusable(f"an index cannot be made anew ({problem}). {_RESTORE}") from problem
        after = health.integrity(store.path, store.extensions)
    if not after.is_sound:
        raise StoreUnusable(f"it is still damaged after its pages were written anew. {_RESTORE}")
    place = f"the file as it was is {folder.name}/{kept.name}"
    if found.is_derived:
        return f"made anew from the tables; {place}"
    return f"taken as they are: a value in them may be another one than was written; {place}"


def mend_room(store: Database) -> str:
    mending.vacuum(store.path, store.extensions)
    with connection.explained(store.path):
        room = health.room(store.path)
    return f"written anew, {_mb(room.bytes)} now"


def mend_wal(store: Database) -> str:
    with (
        connection.explained(store.path),
        closing(connection.open_writer(store.path, store.schema, extensions=store.extensions)) as db,
    ):
        mending.fold(db)
        left = health.room(store.path).wal_bytes
    if left > _LONG_WAL_BYTES:
        raise StoreUnusable(
            "a reader still holds on to the log. End the programs that have this project open, and try again"
        )
    return f"folded into the database; {_mb(left)} are left of it"


def mend_contents(tx: apsw.Connection, store: Database) -> dict[str, str]:
    """Missing objects, rows that point nowhere and full-text indexes, in the caller's transaction. Gives check → what
    was done."""
    done = {}
    wrong = [each for each in health.differences(tx, store.schema, store.extensions) if each.is_mendable]
    if wrong:
        try:
            mending.make_anew(tx, store.schema, wrong, store.extensions)
        except apsw.ConstraintError as problem:
            raise StoreUnusable(
                f"an index that forbids doubles cannot be made, for there are some: {problem}"
            ) from problem
        done["schema"] = "made anew"
    rows = mending.let_go(tx)
    if rows:
        done["references"] = f"{rows:,} rows went or forgot the link"
    for name in health.searched(tx):
        mending.search_anew(tx, name)
        done["search"] = "made anew"
    return done
