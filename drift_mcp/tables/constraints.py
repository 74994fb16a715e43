"""Rules that the code has to keep: derived from it, or set by a person.

First what writes, then what reads. A rule that a person spoke of keeps what it states, whatever is derived later; how
well the code keeps it follows the code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import apsw
from pathspec import GitIgnoreSpec

from drift_mcp.errors import DriftError
from drift_mcp.tables import bulk, verdicts


class NewConstraint(NamedTuple):
    id: str
    name: str
    category: str
    invariant: str  # JSON
    description: str | None = None
    language: str = "all"
    scope: str | None = None  # JSON; None: everywhere
    enforcement_level: str = "warning"
    enforcement_message: str | None = None
    enforcement_autofix: str | None = None
    confidence_score: float = 0.0
    confidence_evidence: int = 0
    confidence_violations: int = 0
    tags: str | None = None  # JSON
    created_at: str | None = None  # None: now
    updated_at: str | None = None  # None: now


_PUT = """
INSERT INTO constraints (
    id, name, category, invariant, description, language, scope, enforcement_level, enforcement_message,
    enforcement_autofix, confidence_score, confidence_evidence, confidence_violations, tags, created_at, updated_at
)
VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)
ON CONFLICT (id) DO UPDATE SET
    name = iif(status = 'discovered', excluded.name, name),
    category = iif(status = 'discovered', excluded.category, category),
    invariant = iif(status = 'discovered', excluded.invariant, invariant),
    description = iif(status = 'discovered', excluded.description, description),
    language = iif(status = 'discovered', excluded.language, language),
    scope = iif(status = 'discovered', excluded.scope, scope),
    enforcement_level = iif(status = 'discovered', excluded.enforcement_level, enforcement_level),
    enforcement_message = iif(status = 'discovered', excluded.enforcement_message, enforcement_message),
    enforcement_autofix = iif(status = 'discovered', excluded.enforcement_autofix, enforcement_autofix),
    tags = iif(status = 'discovered', excluded.tags, tags),
    confidence_score = excluded.confidence_score,
    confidence_evidence = excluded.confidence_evidence,
    confidence_violations = excluded.confidence_violations,
    updated_at = excluded.updated_at
WHERE (confidence_score, confidence_evidence, confidence_violations)
    IS NOT (excluded.confidence_score, excluded.confidence_evidence, excluded.confidence_violations)
    OR (
        status = 'discovered'
        AND (
            name, category, invariant, description, language, scope, enforcement_level, enforcement_message,
            enforcement_autofix, tags
        )
        IS NOT (
            excluded.name, excluded.category, excluded.invariant, excluded.description, excluded.language,
            excluded.scope, excluded.enforcement_level, excluded.enforcement_message, excluded.enforcement_autofix,
            excluded.tags
        )
    )
"""


def put(tx: apsw.Connection, constraints: Iterable[NewConstraint]) -> None:
    """Adds rules that were derived, or says them anew. Raises DriftError when a scope cannot be read."""
    bulk.insert(tx, _PUT, map(_readable, constraints))


def _readable(constraint: NewConstraint) -> NewConstraint:
    try:
        _area(_decoded(constraint.scope))
    except ValueError as wrong:
        raise DriftError(f"The scope of the constraint {constraint.id!r} cannot be read: {wrong}.") from wrong
    return constraint


_UNSAID = "SELECT id FROM constraints WHERE status = 'discovered' AND notes IS NULL"


def replace_all(tx: apsw.Connection, constraints: Iterable[NewConstraint]) -> None:
    """The rules that are derived from the code; the others are forgotten, unless a person spoke of them."""
    found = list(constraints)
    kept = {one.id for one in found}
    gone = [constraint for (constraint,) in tx.execute(_UNSAID).fetchall() if constraint not in kept]
    tx.executemany("DELETE FROM constraints WHERE id = ?", ((constraint,) for constraint in gone))
    put(tx, found)


_STATE = """
INSERT INTO constraints (
    id, name, category, invariant, description, language, scope, enforcement_level, enforcement_message,
    enforcement_autofix, confidence_score, confidence_evidence, confidence_violations, tags, created_at, updated_at,
    status, approved_by, approved_at
)
VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')), 'custom', ?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    category = excluded.category,
    invariant = excluded.invariant,
    description = excluded.description,
    language = excluded.language,
    scope = excluded.scope,
    enforcement_level = excluded.enforcement_level,
    enforcement_message = excluded.enforcement_message,
    enforcement_autofix = excluded.enforcement_autofix,
    tags = excluded.tags,
    updated_at = excluded.updated_at,
    approved_by = excluded.approved_by,
    approved_at = excluded.approved_at
WHERE (
        name, category, invariant, description, language, scope, enforcement_level, enforcement_message,
        enforcement_autofix, tags
    )
    IS NOT (
        excluded.name, excluded.category, excluded.invariant, excluded.description, excluded.language, excluded.scope,
        excluded.enforcement_level, excluded.enforcement_message, excluded.enforcement_autofix, excluded.tags
    )
"""


def state(tx: apsw.Connection, constraint: NewConstraint, *, by: str) -> None:
    """A person's own rule, or how they put it now. Raises DriftError when a rule of this id was derived from the code:
    that one is to be judged; or when its scope cannot be read."""
    status = tx.execute("SELECT status FROM constraints WHERE id = ?", (constraint.id,)).get
    if status not in (None, "custom"):
        raise DriftError(
            f"The constraint {constraint.id!r} is there already and {status!r}: judge that one, or choose another id."
        )
    tx.execute(_STATE, (*_readable(constraint), by))


# A person's own rule can be set aside and taken up again; which one it was is theirs to know.
TRANSITIONS: Final = {
    "discovered": ("approved", "ignored"),
    "approved": ("ignored", "discovered"),
    "ignored": ("approved", "discovered", "custom"),
    "custom": ("ignored",),
}

_JUDGE = """
UPDATE constraints
SET status = :status,
    approved_by = CASE WHEN :status IN ('approved', 'custom') THEN :by END,
    approved_at = CASE
        WHEN :status IN ('approved', 'custom') THEN ifnull(:at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    END,
    ignored_at = CASE
        WHEN :status <> 'ignored' THEN NULL
        WHEN status = 'ignored' THEN ignored_at
        ELSE ifnull(:at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
    END,
    ignore_reason = CASE WHEN :status = 'ignored' THEN :reason END,
    updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE id = :id
    AND (status <> :status OR (status = 'ignored' AND ignore_reason IS NOT ifnull(:reason, ignore_reason)))
"""


def judge(
    tx: apsw.Connection, constraint: str, status: str, *, by: str, reason: str | None = None, at: str | None = None
) -> str:
    """A person's word, 'approved' or 'ignored' with the reason, or 'discovered' to take it back; `at`: when it was
    given, None for now. Gives what it was before; the same again changes nothing, but another reason is kept. Raises
    DriftError when there is no such rule, or no such way."""
    before = tx.execute("SELECT status FROM constraints WHERE id = ?", (constraint,)).get
    verdicts.check("constraint", constraint, before, status, TRANSITIONS)
    tx.execute(_JUDGE, {"id": constraint, "status": status, "by": by, "reason": reason, "at": at})
    return str(before)


_NOTE = """
UPDATE constraints
SET notes = :notes, updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE id = :id
    AND notes IS NOT :notes
"""


def note(tx: apsw.Connection, constraint: str, notes: str | None) -> None:
    """What a person wants remembered beside a rule, in place of what was; None for nothing."""
    before = tx.execute("SELECT status FROM constraints WHERE id = ?", (constraint,)).get
    verdicts.check("constraint", constraint, before, str(before), TRANSITIONS)
    tx.execute(_NOTE, {"id": constraint, "notes": notes})


# ---------------------------------------------------------------------------------------------------------------------


class Constraint(NamedTuple):
    id: str
    name: str
    description: str | None
    category: str
    status: str
    language: str
    invariant: str
    scope: str | None
    enforcement_level: str
    enforcement_message: str | None
    enforcement_autofix: str | None
    confidence_score: float
    confidence_evidence: int
    confidence_violations: int
    created_at: str
    updated_at: str
    approved_at: str | None
    approved_by: str | None
    ignored_at: str | None
    ignore_reason: str | None
    tags: str | None
    notes: str | None


_COLUMNS = """
SELECT
    id, name, description, category, status, language, invariant, scope, enforcement_level, enforcement_message,
    enforcement_autofix, confidence_score, confidence_evidence, confidence_violations, created_at, updated_at,
    approved_at, approved_by, ignored_at, ignore_reason, tags, notes
FROM constraints
"""

_ORDER = "ORDER BY category, name, id"


def one(db: apsw.Connection, constraint: str) -> Constraint | None:
    row = db.execute(_COLUMNS + "WHERE id = ?", (constraint,)).fetchone()
    return None if row is None else Constraint(*row)


def every(db: apsw.Connection) -> list[Constraint]:
    return [Constraint(*row) for row in db.execute(_COLUMNS + _ORDER)]


def in_file(db: apsw.Connection, path: str, language: str | None) -> list[Constraint]:
    """Rules that hold in this file, of this language, and that nobody set aside."""
    known = db.execute(_COLUMNS + "WHERE status <> 'ignored' AND language IN ('all', ?)" + _ORDER, (language,))
    return [found for found in map(Constraint._make, known) if covers(_decoded(found.scope), path)]


def _decoded(scope: str | None) -> Any:
    return None if scope is None else json.loads(scope)


def covers(scope: Any, path: str) -> bool:
    """Whether a file lies in a rule's scope, the JSON of it decoded. `files` and `exclude` are patterns as in
    .gitignore, with {alternatives}, `directories` are folders. A scope that names functions, classes or entry points
    only may reach into any file, and so may one that cannot be read."""
    try:
        inside, outside = _area(scope)
    except ValueError:
        return True
    return (inside is None or inside.match_file(path)) and not outside.match_file(path)


# More than any scope that was written by hand.
_MOST_PATTERNS = 1_000


def _area(scope: Any) -> tuple[GitIgnoreSpec | None, GitIgnoreSpec]:
    """What lies inside, None for everything, and what of it does not. Raises ValueError when that cannot be read."""
    limits = {} if scope is None else scope
    if not isinstance(limits, dict):
        raise ValueError("it is no object")
    folders = [folder.rstrip("/") + "/**" if folder.strip("./") else "**" for folder in _texts(limits, "directories")]
    inside = _patterns([*_texts(limits, "files"), *folders])
    outside = _patterns(_texts(limits, "exclude"))
    return (GitIgnoreSpec.from_lines(inside) if inside else None, GitIgnoreSpec.from_lines(outside))


def _texts(limits: dict[str, Any], name: str) -> list[str]:
    given = limits.get(name) or []
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{name!r} is no list of texts")
    return given


def _patterns(globs: Iterable[str]) -> list[str]:
    """.gitignore knows no {alternatives}: each becomes a pattern of its own."""
    left = [glob.removeprefix("./") for glob in globs]
    spread = []
    while left:
        glob = left.pop(0)
        choice = re.search(r"\{([^{}]*,[^{}]*)\}", glob)
        if choice is None:
            spread.append(glob)
        else:
            left[:0] = [glob[: choice.start()] + each + glob[choice.end() :] for each in choice[1].split(",")]
        if len(left) + len(spread) > _MOST_PATTERNS:
            raise ValueError(f"it spreads into more than {_MOST_PATTERNS:,} patterns")
    return spread
