"""Functions and files as an asker names them: by id, by name, by part of a name, by place.

What reads only. Never decides between several that fit.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

import apsw

from drift_mcp.tables import arrays
from drift_mcp.tables.named import maker


class Function(NamedTuple):
    """One row of `functions`, with its file's path and its public id."""

    key: int
    id: str
    qualified_name: str
    name: str
    kind: str
    file: str
    start_line: int
    end_line: int
    signature: str | None
    parent: int | None
    is_test: int


_function = maker(Function)

_COLUMNS = """
SELECT f.id,
    m.path || '::' || f.qualified_name || CASE f.ordinal WHEN 0 THEN '' ELSE '#' || f.ordinal END,
    f.qualified_name, f.name, f.kind, m.path, f.start_line, f.end_line, f.signature, f.parent_id, f.is_test
FROM functions f
JOIN file_metadata m ON m.id = f.file_id
"""

_BY_KEYS = _COLUMNS + "WHERE f.id IN carray(?)"


def by_keys(db: apsw.Connection, keys: Collection[int]) -> dict[int, Function]:
    if not keys:
        return {}
    return {row[0]: _function(row) for row in db.execute(_BY_KEYS, (arrays.integers(keys),))}


_DECORATORS = "SELECT ifnull(json_array_length(decorators), 0) FROM functions WHERE id = ?"


def decorators(db: apsw.Connection, key: int) -> int:
    """How many stand above the lines of a function, which begin with its definition."""
    return int(db.execute(_DECORATORS, (key,)).get or 0)


_BY_FILE = """
SELECT m.path, found.functions, found.tests
FROM (
    SELECT f.file_id, count(*) AS functions, sum(f.is_test) AS tests
    FROM carray(?) key
    CROSS JOIN functions f ON f.id = key.value
    GROUP BY f.file_id
) found
JOIN file_metadata m ON m.id = found.file_id
ORDER BY m.path
"""


class InFile(NamedTuple):
    """How many functions of a set stand in one file."""

    file: str
    functions: int
    tests: int


def by_file(db: apsw.Connection, keys: Collection[int]) -> list[InFile]:
    """The files that these stand in; each key is given once."""
    return [InFile(*row) for row in db.execute(_BY_FILE, (arrays.integers(keys),))] if keys else []


# A module body bears its module's name, which is also many a function's: it is meant only when nothing else is. An
# overload only tells types: who names it means the function behind it, where there is one.
_NAMED = (
    _COLUMNS
    + """
WHERE f.name = :last
    AND NOT (
        ifnull(f.decorators, '') LIKE '%overload"%'
        AND EXISTS (
            SELECT 1
            FROM functions behind
            WHERE behind.file_id = f.file_id
                AND behind.qualified_name = f.qualified_name
                AND ifnull(behind.decorators, '') NOT LIKE '%overload"%'
        )
    )
ORDER BY f.kind = 'module', m.is_test, m.path, f.start_line
"""
)


def named(db: apsw.Connection, text: str) -> list[Function]:
    """Those that the words fit best: the id, else the whole qualified name, else the end of it, else the bare name."""
    path, apart, qualified = text.partition("::")
    if not apart:
        path, qualified = "", text
    # Other scanners know languages whose methods are named `Class#method`.
    front, _, ordinal = qualified.rpartition("#")
    if front and ordinal.isascii() and ordinal.isdigit():
        qualified = front
    else:
        ordinal = ""
    last = re.split(r"[.:#]+", qualified)[-1].removesuffix("()")
    qualified = qualified.removesuffix("()")
    found = [_function(row) for row in db.execute(_NAMED, {"last": last})]
    if path:
        wanted = f"{path}::{qualified}" + (f"#{ordinal}" if ordinal and ordinal != "0" else "")
        return [one for one in found if one.id == wanted] or [
            one for one in found if not ordinal and (one.file, one.qualified_name) == (path, qualified)
        ]
    if any(one.kind != "module" for one in found):
        found = [one for one in found if one.kind != "module"]
    exact = [one for one in found if one.qualified_name == qualified]
    if exact:
        return exact
    if "." not in qualified:
        return found
    ending = [one for one in found if one.qualified_name.endswith("." + qualified)]
    # `shop.cart.Cart.total`, as an import would name it: the file stands in front of the qualified name.
    return ending or [one for one in found if _dotted(one).endswith("." + qualified) or _dotted(one) == qualified]


def _dotted(one: Function) -> str:
    module = re.sub(r"(/__init__|/index)?\.\w+$", "", one.file)
    return f"{module.replace('/', '.')}.{one.qualified_name}"


_CONTAINING = (
    _COLUMNS
    + """
WHERE f.kind IN ('function', 'method', 'class')
    AND (:kind IS NULL OR f.kind = :kind)
    AND f.qualified_name LIKE :pattern ESCAPE '\\'
"""
)
# More would not be read; the ranking needs them all at hand.
_MOST_FOUND = 2_000


def search(
    db: apsw.Connection, text: str, *, kind: str | None = None, paths: Collection[str] | None = None
) -> list[Function]:
    """Whose qualified name holds the words, in this order and any case: whole names first, then beginnings, then the
    rest."""
    words = [word for word in re.split(r"[^\w$]+", text) if word]
    if not words:
        return []
    pattern = "%" + "%".join(re.sub(r"([%_\\])", r"\\\1", word) for word in words) + "%"
    rows = db.execute(_CONTAINING, {"kind": kind, "pattern": pattern})
    found = [_function(row) for row in rows]
    if paths is not None:
        found = [one for one in found if one.file in paths]
    wanted = ".".join(words).lower()

    def rank(one: Function) -> tuple[int, int, int, str, int]:
        name, qualified = one.name.lower(), one.qualified_name.lower()
        if wanted in (name, qualified):
            fit = 0
        elif qualified.endswith("." + wanted):
            fit = 1
        elif name.startswith(words[-1].lower()):
            fit = 2
        else:
            fit = 3
        return fit, one.is_test, len(one.qualified_name), one.file, one.start_line

    found.sort(key=rank)
    return found[:_MOST_FOUND]


_NAMES_NEAR = """
SELECT DISTINCT name
FROM functions
WHERE kind <> 'module'
    AND length(name) BETWEEN :least AND :most
    AND (name LIKE :start ESCAPE '\\' OR name LIKE :middle ESCAPE '\\' OR name LIKE :end ESCAPE '\\')
LIMIT 3000
"""


def nearest_names(db: apsw.Connection, text: str, most: int) -> list[str]:
    """Names that an asker may have meant: alike in spelling, or sharing a word."""
    last = re.split(r"[.:]+", text.removesuffix("()"))[-1] or text
    last = last[:80]

    def literal(part: str) -> str:
        return re.sub(r"([%_\\])", r"\\\1", part)

    words = sorted(re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", last), key=len, reverse=True) or [last]
    rows = db.execute(
        _NAMES_NEAR,
        {
            "least": max(1, len(last) // 2),
            "most": len(last) * 2 + 4,
            # A slip is seldom in the first two letters, and seldom in the longest word and the end at once.
            "start": literal(last[:2]) + "%",
            "middle": "%" + literal(words[0]) + "%",
            "end": "%" + literal(last[-4:]),
        },
    )
    names = {row[0].lower(): row[0] for row in rows}
    near = difflib.get_close_matches(last.lower(), list(names), n=most, cutoff=0.6)
    sharing = sorted((name for name in names if words[0].lower() in name), key=lambda name: (len(name), name))
    return [names[name] for name in dict.fromkeys([*near, *sharing])][:most]


_AROUND = (
    _COLUMNS
    + """
WHERE m.path = :path
    AND (f.kind = 'module' OR :line BETWEEN f.start_line AND f.end_line)
ORDER BY f.kind = 'module', f.end_line - f.start_line, f.start_line DESC
LIMIT 1
"""
)


def around(db: apsw.Connection, path: str, line: int) -> Function | None:
    """The innermost definition around a line, else the module body; None when nothing of the file was scanned."""
    row = db.execute(_AROUND, {"path": path, "line": line}).fetchone()
    return None if row is None else _function(row)


_IN_FILE = (
    _COLUMNS
    + """
WHERE m.path = :path
ORDER BY f.start_line, f.column_num
"""
)


def in_file(db: apsw.Connection, path: str) -> list[Function]:
    return [_function(row) for row in db.execute(_IN_FILE, {"path": path})]


_INSIDE = """
WITH RECURSIVE inside (id) AS (
    SELECT id FROM functions WHERE parent_id IN carray(:keys)
    UNION
    SELECT f.id FROM functions f JOIN inside ON f.parent_id = inside.id
)
SELECT id FROM inside ORDER BY id
"""


def inside(db: apsw.Connection, keys: Sequence[int]) -> list[int]:
    """What is defined within these: methods of a class, functions and lambdas of a function."""
    return [row[0] for row in db.execute(_INSIDE, {"keys": arrays.integers(keys)})] if keys else []


_CONSTRUCTORS = """
SELECT id FROM functions WHERE parent_id IN carray(:keys) AND is_constructor
UNION
SELECT parent_id FROM functions WHERE id IN carray(:keys) AND is_constructor AND parent_id IS NOT NULL
"""


def with_constructors(db: apsw.Connection, keys: Sequence[int]) -> list[int]:
    """These, and for a class its constructor, for a constructor its class: calling one is calling the other."""
    rows = db.execute(_CONSTRUCTORS, {"keys": arrays.integers(keys)})
    return list(dict.fromkeys([*keys, *(row[0] for row in rows)]))


# ---------------------------------------------------------------------------------------------------------------------
# Files

_PATHS_ENDING = """
SELECT path
FROM file_metadata
WHERE path = :path OR path LIKE :ending ESCAPE '\\'
ORDER BY length(path), path
"""


def paths_ending(db: apsw.Connection, path: str) -> list[str]:
    """The file of that path, and those whose path ends so."""
    ending = "%/" + re.sub(r"([%_\\])", r"\\\1", path)
    return [row[0] for row in db.execute(_PATHS_ENDING, {"path": path, "ending": ending})]


_PATHS = "SELECT path FROM file_metadata WHERE path LIKE :part ESCAPE '\\' ORDER BY path LIMIT 3000"


def nearest_paths(db: apsw.Connection, path: str, most: int) -> list[str]:
    """Paths alike in spelling, of files whose name begins with the same letter: a slip is seldom in the first one."""
    first = re.sub(r"([%_\\])", r"\\\1", path.rsplit("/", 1)[-1][:1])
    found = {row[0] for part in (f"%/{first}%", f"{first}%") for row in db.execute(_PATHS, {"part": part})}
    return difflib.get_close_matches(path, sorted(found), n=most, cutoff=0.5)


_ALL_PATHS = "SELECT path FROM file_metadata WHERE status <> 'skipped' ORDER BY path LIMIT ?"


def all_paths(db: apsw.Connection, most: int) -> list[str]:
    """The files that were read; of those that were skipped nothing is known that could be outdated."""
    return [row[0] for row in db.execute(_ALL_PATHS, (most,))]


class Stamp(NamedTuple):
    """What a file looked like when it was scanned."""

    path: str
    size: int
    mtime_secs: int
    mtime_nanos: int


_STAMPS = """
SELECT path, size, mtime_secs, mtime_nanos
FROM file_metadata
WHERE path IN carray(?)
    AND status <> 'skipped'
    AND source <> 'upgrade'
ORDER BY path
"""


def stamps(db: apsw.Connection, paths: Sequence[str]) -> list[Stamp]:
    """Of files that were read. What was taken over from the predecessor says nothing of how a file was then."""
    return [Stamp(*row) for row in db.execute(_STAMPS, (arrays.texts(paths),))] if paths else []


_OTHERS = """
SELECT m.path
FROM file_metadata m
WHERE m.path IN carray(?)
    AND m.source <> 'scan'
    AND NOT EXISTS (SELECT 1 FROM file_facts x WHERE x.file_id = m.id)
"""


def of_other_scanners(db: apsw.Connection, paths: Sequence[str]) -> set[str]:
    """Those of the files that no scan of ours reads."""
    return {row[0] for row in db.execute(_OTHERS, (arrays.texts(paths),))} if paths else set()


_IS_TAKEN_OVER = """
SELECT EXISTS (SELECT 1 FROM file_metadata WHERE source = 'upgrade')
    AND NOT EXISTS (SELECT 1 FROM file_facts)
"""


def is_taken_over(db: apsw.Connection) -> bool:
    """Whether all that is known of the source comes from the predecessor."""
    return bool(db.execute(_IS_TAKEN_OVER).get)


_TAKEN_OVER = "SELECT path FROM file_metadata WHERE path IN carray(?) AND source = 'upgrade'"


def taken_over(db: apsw.Connection, paths: Sequence[str]) -> list[str]:
    """Those of the files that only the predecessor has read."""
    return [row[0] for row in db.execute(_TAKEN_OVER, (arrays.texts(paths),))] if paths else []


_PROBLEMS_IN = """
SELECT p.kind, p.line, p.message
FROM file_problems p
JOIN file_metadata m ON m.id = p.file_id
WHERE m.path = ?
ORDER BY p.line, p.id
"""


def problems_in(db: apsw.Connection, path: str) -> list[tuple[str, int | None, str]]:
    return [(kind, line, message) for kind, line, message in db.execute(_PROBLEMS_IN, (path,))]


_USED_BY = """
SELECT DISTINCT user.path
FROM imports i
JOIN file_metadata used ON used.id = i.resolved_file_id
JOIN file_metadata user ON user.id = i.file_id
WHERE used.path = ?
ORDER BY user.is_test, user.path
"""


def used_by(db: apsw.Connection, path: str) -> list[str]:
    """The files that import something from this one."""
    return [row[0] for row in db.execute(_USED_BY, (path,))]


_BEGUN = """
SELECT started_at
FROM scan_history
WHERE status = 'running'
    AND started_at > ifnull((SELECT max(started_at) FROM scan_history WHERE status = 'completed'), '')
ORDER BY started_at DESC
LIMIT 1
"""


def scan_begun(db: apsw.Connection) -> str | None:
    """When the scan began that has not ended, if there is one later than all that were completed."""
    row = db.execute(_BEGUN).fetchone()
    return None if row is None else str(row[0])
