"""Places where a pattern is not asked for: by a comment in the source, or by a person's word.

What writes first. A scan replaces what comments say and never touches a person's word. A suppression takes outliers out
of the count and of what needs attention; what the dominant answer is, and which places keep to it, it does not change.
Whoever writes here calls `patterns.recount` in the same transaction. What is suppressed, the view v_suppressed_outliers
says.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.scan.conventions import CATEGORIES, CONVENTIONS
from drift_mcp.tables.arrays import integers, texts


class Comment(NamedTuple):
    """A `drift-ignore` comment with one of its targets."""

    path: str
    line: int | None  # None: the whole file
    end_line: int | None
    category: str | None
    pattern_id: str | None
    detector_id: str | None  # key of a convention
    reason: str
    expires_at: str | None


_OF_COMMENTS = """
SELECT id, path, line, end_line, category, pattern_id, detector_id, reason, expires_at
FROM pattern_suppressions
WHERE origin = 'comment'
    AND path IN (SELECT value FROM carray(?))
ORDER BY path, line, id
"""

_MOVE = "UPDATE pattern_suppressions SET line = ?, end_line = ? WHERE id = ?"

_COMMENT = """
INSERT INTO pattern_suppressions (
    scope, path, line, end_line, category, pattern_id, detector_id, reason, expires_at, origin
)
VALUES (iif(?2 IS NULL, 'file', 'line'), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'comment')
"""

_DELETE = "DELETE FROM pattern_suppressions WHERE id IN (SELECT value FROM carray(?))"


def replace_comments(tx: apsw.Connection, paths: Iterable[str], comments: Iterable[Comment]) -> None:
    """What the comments of these files say, in place of what they said. A comment that says the same as before keeps
    its row, also when it stands on another line now; of one that is gone, nothing is kept: the source has a history."""
    before = [(row[0], Comment(*row[1:])) for row in tx.execute(_OF_COMMENTS, (texts(paths),))]
    # As it stood first; then, in the order of lines, whatever says the same elsewhere in its file.
    there = defaultdict(list)
    for number, comment in reversed(before):
        there[comment].append(number)
    new = []
    for comment in comments:
        if there[comment]:
            there[comment].pop()
        else:
            new.append(comment)
    moved = defaultdict(list)
    for comment, numbers in there.items():
        for number in numbers:
            moved[_said(comment)].append((comment.line or 0, number))
    for left in moved.values():
        left.sort(reverse=True)
    for comment in sorted(new, key=lambda each: (each.path, each.line or 0)):
        same = moved[_said(comment)]
        if same:
            tx.execute(_MOVE, (comment.line, comment.end_line, same.pop()[1]))
        else:
            tx.execute(_COMMENT, comment)
    tx.execute(_DELETE, (integers(number for left in moved.values() for _, number in left),))


def _said(comment: Comment) -> Comment:
    """The same for comments that differ in their lines only."""
    return comment._replace(line=None if comment.line is None else 0, end_line=None)


_FORGET_COMMENTS = """
DELETE FROM pattern_suppressions
WHERE origin = 'comment'
    AND path NOT IN (SELECT path FROM file_metadata)
"""


def forget_comments(tx: apsw.Connection) -> None:
    """What the comments of files said that are there no more."""
    tx.execute(_FORGET_COMMENTS)


_EXPIRE = """
UPDATE pattern_suppressions
SET is_active = 0,
    deactivated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    deactivation_reason = 'expired'
WHERE is_active = 1
    AND expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
"""


def expire(tx: apsw.Connection) -> None:
    """Mark those whose time has run out. What has expired stays so, also when the clock goes backwards: an outlier too
    many is seen and can be suppressed anew, one too few is not missed by anybody."""
    tx.execute(_EXPIRE)


_ADD = """
INSERT INTO pattern_suppressions (
    scope, path, line, end_line, category, pattern_id, detector_id, reason, created_by, expires_at
)
VALUES (:scope, :path, :line, :line, :category, :pattern, :convention, :reason, :by, :expires_at)
RETURNING id
"""

_AGAIN = """
UPDATE pattern_suppressions
SET reason = :reason, created_by = :by, expires_at = :expires_at
WHERE origin = 'person'
    AND is_active = 1
    AND (scope, path, line, category, pattern_id, detector_id)
        IS (:scope, :path, :line, :category, :pattern, :convention)
RETURNING id
"""


def add(
    tx: apsw.Connection,
    *,
    reason: str,
    file: str | None = None,
    line: int | None = None,
    category: str | None = None,
    pattern: str | None = None,
    convention: str | None = None,
    until: datetime.date | None = None,
    by: str | None = None,
) -> int:
    """A person's word that a pattern, a convention or a category is not asked for: on this line, in this file, or
    anywhere; until the end of that day (UTC), or for ever. Gives its number; the same word again changes what stands
    beside it. Raises DriftError for what is not there.

    A line is a number: it does not follow the code when that moves. A comment does."""
    expires_at = None if until is None else end_of(until.isoformat())
    given = {
        "scope": "line" if line is not None else "file" if file is not None else "global",
        "path": file,
        "line": line,
        "category": category,
        "pattern": pattern,
        "convention": convention,
        "reason": reason.strip(),
        "by": by,
        "expires_at": expires_at,
    }
    if given["scope"] == "global" and category is not None:
        given["scope"] = "category"
    _check(tx, given)
    expire(tx)
    ((number,),) = tx.execute(_AGAIN, given).fetchall() or tx.execute(_ADD, given).fetchall()
    assert isinstance(number, int), "ids are integers"
    return number


def end_of(day: str) -> str:
    """The last moment of a day, as the store writes moments."""
    return f"{day}T23:59:59.999Z"


_LINES = "SELECT lines FROM file_metadata WHERE path = ?"

_PAST = "SELECT ? <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"


def _check(tx: apsw.Connection, given: dict[str, str | int | None]) -> None:
    path, line, expires_at = given["path"], given["line"], given["expires_at"]
    if not given["reason"]:
        raise DriftError("A suppression without a reason helps nobody later. Say why.")
    if path is None and line is not None:
        raise DriftError(f"Line {line} of which file? Name it.")
    if path is None and given["category"] is given["pattern"] is given["convention"] is None:
        raise DriftError(
            "To suppress all patterns everywhere is to ask for none. Name a file, or what is not asked for."
        )
    if path is not None:
        lines = tx.execute(_LINES, (path,)).fetchone()
        if lines is None:
            raise DriftError(f"No file {path!r} is known here. Paths begin at the project's root.")
        if isinstance(line, int) and not 1 <= line <= lines[0]:
            raise DriftError(f"{path} has {lines[0]} lines; there is no line {line}.")
    if given["category"] not in (None, *CATEGORIES):
        raise DriftError(f"No category {given['category']!r}. There are: {', '.join(CATEGORIES)}.")
    if given["convention"] not in (None, *(each.key for each in CONVENTIONS)):
        raise DriftError(f"No convention {given['convention']!r}. Their keys look like {CONVENTIONS[0].key}.")
    if given["pattern"] is not None and not tx.execute("SELECT 1 FROM patterns WHERE id = ?", (given["pattern"],)).get:
        raise DriftError(f"No pattern {given['pattern']!r}. `drift patterns` lists the ids.")
    if expires_at is not None and tx.execute(_PAST, (expires_at,)).get:
        raise DriftError(f"{str(expires_at)[:10]} is over. Give a day that is still to come.")


_KNOWN = "SELECT origin, path, is_active FROM pattern_suppressions WHERE id = ?"

_REMOVE = """
UPDATE pattern_suppressions
SET is_active = 0,
    deactivated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    deactivation_reason = 'manual'
WHERE id = ?
"""


def remove(tx: apsw.Connection, number: int) -> bool:
    """Take a person's word back; it stays on record. False when it was over already. Raises DriftError when there is
    none of that number, or when it is a comment's."""
    known = tx.execute(_KNOWN, (number,)).fetchone()
    if known is None:
        raise DriftError(f"No suppression {number}. `drift facts suppressions --json` lists them with their ids.")
    origin, path, is_active = known
    if origin == "comment":
        raise DriftError(f"Suppression {number} is a comment in {path}. Take the comment out; the next scan sees it.")
    if is_active:
        tx.execute(_REMOVE, (number,))
    return bool(is_active)


# ---------------------------------------------------------------------------------------------------------------------

_DUE = """
SELECT EXISTS (
    SELECT 1
    FROM pattern_suppressions
    WHERE is_active = 1
        AND expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
)
"""


def due(db: apsw.Connection) -> bool:
    """Whether the time of one has run out since the outliers were counted."""
    return bool(db.execute(_DUE).get)


class Effect(NamedTuple):
    suppressed: int  # outliers that are not counted
    lapsed: int  # those that are outliers again, since a suppression ran out, and not counted yet


_EFFECTS = """
SELECT pattern_key, sum(in_force), sum(1 - in_force)
FROM (
    SELECT pattern_key, max(in_force) AS in_force
    FROM v_suppressed_outliers
    WHERE pattern_key IN (SELECT value FROM carray(?))
    GROUP BY pattern_key, file_id, line, column_num
)
GROUP BY pattern_key
"""


def effects(db: apsw.Connection, keys: Iterable[int]) -> dict[int, Effect]:
    """Of these patterns those that have a suppressed outlier, or had one when their outliers were counted."""
    return {key: Effect(*numbers) for key, *numbers in db.execute(_EFFECTS, (integers(keys),))}
