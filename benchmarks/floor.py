"""The floor of `store`: a small C program on SQLite, built with the compiler of this machine. Knows no table.

SQLite is the amalgamation that is given, which should be of the version that apsw brings; else the system's library.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, TypeAlias

Row: TypeAlias = Sequence[object]

_SOURCE: Final = Path(__file__).with_name("floor.c")
# As for a program that is to be fast and uses a connection in one thread at a time; FTS5 is part of the schema.
_OPTIONS: Final = (
    "-O2",
    "-DSQLITE_THREADSAFE=2",
    "-DSQLITE_DEFAULT_MEMSTATUS=0",
    "-DSQLITE_ENABLE_FTS5",
    "-DSQLITE_ENABLE_STAT4",
)
# SQLite's numbers of its types.
_INTEGER, _REAL, _TEXT, _BLOB, _NULL = 1, 2, 3, 4, 5


class Took(NamedTuple):
    cpu: float  # seconds
    wall: float  # seconds
    rows: int


class NoFloor(Exception):
    """Why there is no C program to compare with."""


class Floor:
    """The program, running. Used by one thread."""

    def __init__(self, folder: Path, sqlite_source: Path | None, pragmas: str) -> None:
        """Builds it in `folder`. Raises NoFloor where there is no compiler or no SQLite for it."""
        self._folder = folder
        self._process = subprocess.Popen(
            [_built(folder, sqlite_source)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.version: Final = self._said("version")
        self._told("pragmas", pragmas)

    def keep(self, name: str, statement: str, rows: Iterable[Row]) -> None:
        """Rows in the program's memory, each to be bound to the statement."""
        path = self._folder / f"{name}.rows"
        path.write_bytes(_packed(list(rows)))
        self._told("rows", name, str(path), " ".join(statement.split()))
        path.unlink()

    def insert(self, database: Path, names: Sequence[str]) -> Took:
        """The rows of these sets, in one transaction."""
        return self._told("insert", str(database), *names)

    def query(self, database: Path, name: str, *, together: bool) -> Took:
        """The statement of the set with each of its rows; `together`: in one transaction."""
        return self._told("query", str(database), str(int(together)), name)

    def walk(self, database: Path, name: str, greatest: int) -> Took:
        """From each node of the set as far as its statement leads, a statement for each node that is reached."""
        return self._told("walk", str(database), str(greatest), name)

    def backup(self, database: Path, to: Path) -> Took:
        return self._told("backup", str(database), str(to))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Floor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told(self, *command: str) -> Took:
        cpu, wall, rows = self._said(*command).split("\t")
        return Took(float(cpu), float(wall), int(rows))

    def _said(self, *command: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\t".join(command) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise subprocess.CalledProcessError(self._process.wait(), command)
        return answer.rstrip("\n")


def _built(folder: Path, sqlite_source: Path | None) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise NoFloor("There is no C compiler (cc, gcc or clang), so that nothing was compared with C.")
    program = folder / "floor"
    command = [compiler, *_OPTIONS, "-o", str(program), str(_SOURCE)]
    if sqlite_source is None:
        command += ["-lsqlite3"]
    else:
        command += [str(sqlite_source / "sqlite3.c"), f"-I{sqlite_source}", "-lpthread", "-lm", "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoFloor(
            "The C program could not be built, so that nothing was compared with C. It needs SQLite: its source by "
            f"--sqlite-source, or libsqlite3-dev. The compiler said: {done.stderr.strip().splitlines()[-1:]}"
        )
    return program


def _packed(rows: list[Row]) -> bytes:
    """As floor.c reads it: columns and count, then per value its type and 8 bytes, or its length and bytes."""
    parts = [struct.pack("<qq", len(rows[0]) if rows else 0, len(rows))]
    for row in rows:
        for value in row:
            if value is None:
                parts.append(struct.pack("<bq", _NULL, 0))
            elif isinstance(value, int):
                parts.append(struct.pack("<bq", _INTEGER, value))
            elif isinstance(value, float):
                parts.append(struct.pack("<bd", _REAL, value))
            elif isinstance(value, str):
                text = value.encode()
                parts.append(struct.pack("<bq", _TEXT, len(text)) + text)
            else:
                assert isinstance(value, bytes)
                parts.append(struct.pack("<bq", _BLOB, len(value)) + value)
    return b"".join(parts)
