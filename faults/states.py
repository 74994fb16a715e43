"""In which state a store is: sound or not, and a digest of what it holds, to be compared with what it may hold."""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

import apsw
from blake3 import blake3

from drift_mcp.cortex import opened as cortex
from drift_mcp.project import FOLDER
from drift_mcp.store import connection, flaws

# What two runs of the same work do not have in common: moments, how long something took, and names drawn by chance.
_BY_CHANCE: Final = re.compile(
    r".*_at|.*_seen|.*_us|.*_ms|.*_access|.*generation.*|.*timestamp.*|last_scanned|confidence_age|status\.body|"
    r"scan_history\..*|audit_snapshots\..*|health_trends\..*|migration_history\..*|pattern_history\.date|first_used|recorded_.*|valid_from"
)


class State(NamedTuple):
    drift: str | None  # digest; None: it is not there
    cortex: str | None
    flaws: tuple[str, ...]
    files: tuple[str, ...]  # names in the folder

    @property
    def pair(self) -> tuple[str | None, str | None]:
        return self.drift, self.cortex


def of(root: Path, scratch: Path) -> State:
    """The state of a store that no process has open. Looks at a copy, so that nothing is mended by being looked at."""
    home = root / FOLDER
    shutil.rmtree(scratch, ignore_errors=True)
    if not home.is_dir():
        return State(None, None, (), ())
    shutil.copytree(home, scratch)
    found: list[str] = []
    digests: list[str | None] = []
    for name in ("drift.db", "cortex.db"):
        path = scratch / name
        if path.exists():
            wrong = unsound(path)
            found += [f"{name}: {each}" for each in wrong]
            digests.append("unsound" if wrong else digest(path))
        else:
            digests.append(None)
    names = sorted(each.relative_to(home).as_posix() for each in home.rglob("*") if each.is_file())
    drift, memories = digests
    return State(drift, memories, tuple(found), tuple(names))


def unsound(path: Path) -> list[str]:
    """What is wrong with a database that nobody has open: its structure, the checksums of its pages, its references."""
    with closing(_opened(path, apsw.SQLITE_OPEN_READWRITE)) as db:
        try:
            said = [str(row[0]) for row in db.execute("PRAGMA integrity_check").fetchall()]
            found = [] if said == ["ok"] else said
            loose = db.execute("PRAGMA foreign_key_check").fetchall()
            found += [f"{len(loose)} rows point nowhere"] if loose else []
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except (apsw.CorruptError, apsw.IOError, apsw.NotADBError) as problem:
            return [str(problem)]
    page = flaws.at_rest(path)
    return found + ([page] if page is not None else [])


def digest(path: Path) -> str:
    """Of everything that it holds, apart from what is by chance."""
    hashed = blake3()
    for name, told in contents(path).items():
        hashed.update(f"{name} {told}\n".encode())
    return hashed.hexdigest()[:16]


def contents(path: Path) -> dict[str, str]:
    """A digest of each table."""
    found: dict[str, str] = {}
    with closing(_opened(path, apsw.SQLITE_OPEN_READONLY)) as db:
        # The tables behind a full-text one are none of these; integrity_check compares them with what they are made of.
        tables = db.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%'"
        ).fetchall()
        found["user_version"] = str(db.execute("PRAGMA user_version").get)
        for name in sorted(str(row[0]) for row in tables):
            columns = [str(row[0]) for row in db.execute("SELECT name FROM pragma_table_info(?)", (name,)).fetchall()]
            wanted = [each for each in columns if not _BY_CHANCE.fullmatch(each) and not _is_by_chance(name, each)]
            if wanted:
                listed = ", ".join(f'"{each}"' for each in wanted)
                rows = sorted(repr(row) for row in db.execute(f'SELECT {listed} FROM "{name}"').fetchall())
                found[name] = blake3("\n".join(rows).encode()).hexdigest()[:16]
    return found


def _is_by_chance(table: str, column: str) -> bool:
    return _BY_CHANCE.fullmatch(f"{table}.{column}") is not None


def _opened(path: Path, flags: int) -> apsw.Connection:
    return connection.open_any(
        path, flags, extensions=cortex.database(path).extensions if path.stem == "cortex" else ()
    )
