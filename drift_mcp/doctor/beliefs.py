"""What is remembered about code and conventions that are not what they were. Reads both databases as one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Final

from drift_mcp.doctor.findings import Finding
from drift_mcp.store.backup import Database
from drift_mcp.store.pool import Beside, ReaderPool
from drift_mcp.tables import across

# As many as a person looks through; the number of all of them is said.
_NAMED: Final = 3


def look(drift: Database, cortex: Database) -> list[Finding]:
    """Both are sound and of today's schema."""
    beside = Beside("cortex", cortex.path, cortex.schema)
    with closing(ReaderPool(drift.path, drift.schema, most=1, beside=beside)) as pool, pool.snapshot() as db:
        patterns = across.about_dropped_patterns(db)
        constraints = across.about_dropped_constraints(db)
        changed = across.about_changed_functions(db)
    return [
        *_told("patterns that are ignored or gone", [(one.memory, one.name or one.pattern) for one in patterns]),
        *_told("rules that are ignored or gone", [(one.memory, one.name or one.constraint) for one in constraints]),
        *_told(
            "functions whose file has changed since, or that are gone", [(one.memory, one.function) for one in changed]
        ),
    ]


def _told(what: str, found: Sequence[tuple[str, str]]) -> list[Finding]:
    if not found:
        return []
    named = ", ".join(f"{memory} of {of}" for memory, of in found[:_NAMED])
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    todo = "Look whether they still hold: `drift memory show ID`."
    return [Finding("beliefs", "info", "cortex.db", f"memories speak of {what}: {named}{more}", todo)]
