"""What the predecessor left in a project: every file below `.drift`, by what it is.

Knows names and folders; reads a file only to tell two kinds that share a name. What it does not know it says so, and
that file is kept like the others.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from drift_mcp.cortex.opened import APPLICATION_ID as CORTEX_ID
from drift_mcp.project import DRIFT_ID, FOLDER

Kind = Literal[
    # what is converted
    "patterns", "variants", "contracts", "constraints", "boundaries", "boundary rules", "environment", "audit",
    "degradation", "history", "dna", "test topology", "coupling", "error handling", "constants", "decisions",
    "wrappers", "quality gates", "learned", "config", "source of truth", "manifest", "lock", "call graph",
    "old store", "memories",
    # what is not: made anew from the rest, a copy of something else here, or not known
    "derived", "copy", "of the tool", "unknown",
    # a database of today's
    "ours",
]  # fmt: skip

# The first that fits says what a file is. Names are those that the predecessor gave, up to 0.9.48.
_KINDS: Final[tuple[tuple[str, Kind], ...]] = (
    (r"(.*/)?\.backups/.*", "copy"),
    (r"(backups|packs|\.json-backup)/.*", "copy"),
    (r"backup-manifest\.json", "copy"),
    (r"patterns/(discovered|approved|ignored)/[^/]+\.json", "patterns"),
    (r"patterns/variants/[^/]+\.json", "variants"),
    (r"patterns/[^/]+\.json", "patterns"),
    (r"contracts/(discovered|verified|mismatch|ignored)/[^/]+\.json", "contracts"),
    (r"constraints/index\.json", "derived"),
    (r"constraints/history/.*", "copy"),
    (r"constraints/(discovered|approved|ignored|custom)/[^/]+\.json", "constraints"),
    (r"boundaries/access-map\.json", "boundaries"),
    (r"boundaries/rules\.json", "boundary rules"),
    (r"environment/(access-map|variables)\.json", "environment"),
    (r"audit/degradation\.json", "degradation"),
    (r"audit/(latest|snapshots/[^/]+)\.json", "audit"),
    (r"history/snapshots/[^/]+\.json", "history"),
    (r"dna/[^/]+\.json", "dna"),
    (r"test-topology/[^/]+\.json", "test topology"),
    (r"module-coupling/[^/]+\.json", "coupling"),
    (r"error-handling/[^/]+\.json", "error handling"),
    (r"(lake/)?constants/.*\.json", "constants"),
    (r"(lake/)?decisions/.*\.json", "decisions"),
    (r"(lake/)?wrappers/.*\.json", "wrappers"),
    (r"quality-gates/.*\.json", "quality gates"),
    (r"learned/.*\.json", "learned"),
    (r"config\.json", "config"),
    (r"source-of-truth\.json", "source of truth"),
    (r"manifest\.json", "manifest"),
    (r"drift\.lock", "lock"),
    (r"lake/callgraph/callgraph\.db", "call graph"),
    (r"drift\.db", "old store"),
    (r"(memory/|cortex/)?cortex\.db|cortex/memory\.db", "memories"),
    (r"(views|indexes|cache)/.*|\.context-cache\.json|call-graph/.*", "derived"),
    (r"lake/.*", "derived"),
    (r"(feedback|telemetry)(/.*|-queue\.json)|migration-history\.json|license\.key", "of the tool"),
)
_COMPILED: Final = tuple((re.compile(pattern), kind) for pattern, kind in _KINDS)

# What is ours: never a source, and never moved. Databases are told apart by their header.
_OURS: Final = re.compile(
    r"(scan|backup)\.lock|config\.toml|(restoring|upgrading|\.v1-archive)/.*|(restore|switch)\.json(\.part)?"
    r"|backups/([a-z]+-\d{8}T\d{6}Z-[a-z0-9-]+\..*|damaged-.*|\.?lock)"
)

# Today's databases.
DATABASES: Final = ("drift.db", "cortex.db")

# SQLite's own companions of a database go with it.
COMPANIONS: Final = ("-wal", "-shm", "-journal")
# Places outside .drift where the predecessor kept memories.
_ELSEWHERE: Final = (".cortex/cortex.db",)

_APPLICATION_ID_AT: Final = 68  # in the header of an SQLite file, four bytes, big-endian
_OUR_IDS: Final = tuple(each.to_bytes(4, "big") for each in (DRIFT_ID, CORTEX_ID))


class Source(NamedTuple):
    """One file of the predecessor's."""

    path: Path
    name: str  # relative to .drift, with '/'; of a database outside it, relative to the project's root
    kind: Kind
    size: int  # bytes


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that is there."""

    home: Path  # .drift
    sources: tuple[Source, ...]
    ours_in_place: tuple[Source, ...]  # databases of today's that stand under their names already

    def of(self, *kinds: Kind) -> list[Source]:
        """In the order of their names."""
        return [each for each in self.sources if each.kind in kinds]

    @property
    def has_room_for_ours(self) -> bool:
        """Whether no old database has the name of one of today's."""
        return not any(each.name in DATABASES for each in self.sources)


def look(root: Path) -> Found:
    """All that lies in `.drift` of this project, and where else the predecessor kept memories. Follows no link."""
    home = root / FOLDER
    sources: list[Source] = []
    ours: list[Source] = []
    for path in sorted(_files(home)):
        name = path.relative_to(home).as_posix()
        if _OURS.fullmatch(name) or (name == "drift.lock" and not _is_old_lock(path)):
            continue
        if path.suffix == ".db" and _is_ours(path):
            if name in DATABASES:
                ours.append(Source(path, name, "ours", path.stat().st_size))
            continue
        main = next((name.removesuffix(each) for each in COMPANIONS if name.endswith(each)), name)
        if main != name and _is_ours(home / main):
            continue
        sources.append(Source(path, name, "copy" if main != name else kind_of(name), path.stat().st_size))
    for other in _ELSEWHERE:
        path = root / other
        if path.is_file() and not path.is_symlink() and not _is_ours(path):
            sources.append(Source(path, other, "memories", path.stat().st_size))
    return Found(home, tuple(sources), tuple(ours))


def kind_of(name: str) -> Kind:
    """What a file is by its name, relative to .drift."""
    return next((kind for pattern, kind in _COMPILED if pattern.fullmatch(name)), "unknown")


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except OSError:
        return False
    return header[_APPLICATION_ID_AT : _APPLICATION_ID_AT + 4] in _OUR_IDS


def _is_old_lock(path: Path) -> bool:
    """The predecessor's is JSON with a checksum; ours is made for reading."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(told, dict) and "checksum" in told and "patterns" in told
