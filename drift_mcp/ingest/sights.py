"""What can be seen of a source file that only another scanner reads: size, time, content hash, lines.

Reads such files as bytes and keeps nothing of them. Never reads what lies in `.drift`: to close a plain descriptor of a
live database would drop SQLite's locks on it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from blake3 import blake3

from drift_mcp.ingest.given import Where, refused
from drift_mcp.project import FOLDER

# Beyond any source that a person wrote. Size and time alone tell whether such a file has changed.
_MOST_BYTES: Final = 64 * 1024 * 1024


class Sight(NamedTuple):
    """Named like the columns of file_metadata."""

    size: int
    mtime_secs: int
    mtime_nanos: int
    content_hash: bytes | None  # None: not read
    lines: int


class Sights:
    """Looks at the files of one project. Used once, by one thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._inside: dict[Path, bool] = {}  # folder → whether it lies in the project, links followed
        self._ours = {_number(each.stat()) for each in (root / FOLDER).iterdir() if each.is_file()}

    def of(self, path: str, where: Where) -> Sight | None:
        """What the file is now; None when there is none. Raises DriftError for a path that a link leads outside by."""
        full = self._root / path
        folder = full.parent
        try:
            inside = self._inside.get(folder)
            if inside is None:
                inside = self._inside[folder] = folder.resolve().is_relative_to(self._root.resolve())
            if not inside:
                raise refused(where, f"{path} is outside the project: a link leads there.")
            found = full.lstat()
        except (OSError, ValueError, RuntimeError):  # not there; no name of a file; a loop of links
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        if _number(found) in self._ours:
            raise refused(where, f"{path} is a file of Drift's own, no source.")
        digest, lines = None, 0
        if found.st_size <= _MOST_BYTES:
            digest, lines = _read(full)
        return Sight(found.st_size, *divmod(found.st_mtime_ns, 1_000_000_000), digest, lines)


def _number(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _read(full: Path) -> tuple[bytes | None, int]:
    try:
        with open(full, "rb", opener=_open_no_link) as file:
            data = file.read(_MOST_BYTES)
    except OSError:
        return None, 0
    return blake3(data).digest(16), data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def _open_no_link(path: str, flags: int) -> int:
    # Between the look and the reading it may have become a link or a pipe; neither may lead us out or hold us up.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
