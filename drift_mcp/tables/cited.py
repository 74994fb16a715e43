"""Files and functions as a citation of code is compared with them: where each stands, and which files are new.

What reads only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables.arrays import texts


class FunctionPlace(NamedTuple):
    """A function, by its public id, and its lines without the decorators above them."""

    id: str
    name: str
    start_line: int
    end_line: int
    decorators: int


_FUNCTIONS = """
SELECT m.path, m.path || '::' || f.qualified_name || iif(f.ordinal > 0, '#' || f.ordinal, ''), f.name, f.start_line,
    f.end_line, ifnull(json_array_length(f.decorators), 0)
FROM file_metadata m
LEFT JOIN functions f ON f.file_id = m.id
WHERE m.path IN (SELECT value FROM carray(?))
    AND m.status = 'scanned'
ORDER BY m.path, f.start_line
"""


def functions(db: apsw.Connection, paths: Collection[str]) -> dict[str, list[FunctionPlace]]:
    """Those of each of these files that was read; a file that was not is not in the answer."""
    found: dict[str, list[FunctionPlace]] = {}
    for path, *place in db.execute(_FUNCTIONS, (texts(paths),)) if paths else ():
        inside = found.setdefault(path, [])
        if place[0] is not None:
            inside.append(FunctionPlace(*place))
    return found


class ReadFile(NamedTuple):
    """A file that was read, and when its content was found to be new."""

    path: str
    size: int
    last_scanned: str


_READ_SINCE = """
SELECT path, size, last_scanned
FROM file_metadata
WHERE last_scanned > ?
    AND status = 'scanned'
ORDER BY last_scanned DESC, path
"""


def read_since(db: apsw.Connection, since: str) -> list[ReadFile]:
    """Files whose content came or changed since then, the newest first."""
    return [ReadFile(*row) for row in db.execute(_READ_SINCE, (since,))]


_READ = """
SELECT path, size, last_scanned
FROM file_metadata
WHERE path IN (SELECT value FROM carray(?))
    AND status = 'scanned'
"""


def read(db: apsw.Connection, paths: Iterable[str]) -> list[ReadFile]:
    """Those of these files that were read."""
    return [ReadFile(*row) for row in db.execute(_READ, (texts(paths),))]
