"""The nouns that flow between rooms. Fields keep the names of the columns that they come from.

Nothing here does anything. Rows that one room alone knows stand in that room.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Package(NamedTuple):
    """A folder with a package manifest."""

    path: str  # '.' is the project root
    name: str
    package_manager: str | None
    version: str | None
    dependencies: Mapping[str, str]  # name → version as written
    dev_dependencies: Mapping[str, str]
    language: str | None
    framework: str | None


class Tally(NamedTuple):
    """How often one answer to a convention's question was given."""

    pattern_id: str
    convention: str | None
    variant: str
    places: int
    files: int
    pure_files: int  # of these, files that give no other answer


class Scan(NamedTuple):
    """One scan that was completed."""

    scan_id: str
    started_at: str
    completed_at: str
    duration_ms: int
    files_scanned: int  # that it read
    changed_files: int
    skipped_files: int
    errors: int
    incremental: int
    commit: str | None


class Health(NamedTuple):
    """How well the code keeps to its own conventions."""

    score: int | None  # 0 to 100; None = there is no pattern to judge by
    factors: Mapping[str, float]  # each 0 to 1


class Concern(NamedTuple):
    """An approved pattern with places that do otherwise."""

    pattern: str
    name: str
    severity: str
    outliers: int


@dataclass(frozen=True, slots=True)
class Status:
    """What is known of the project, as it was when it last changed."""

    generation: int
    refreshed_at: str | None  # None = nothing was ever scanned
    languages: Mapping[str, int]  # scanned files
    files: int  # scanned
    skipped: Mapping[str, int]  # files by reason
    failed: int  # files
    problems: Mapping[str, int]  # by kind
    functions: int  # functions, methods and lambdas
    classes: int
    calls: int  # call sites
    calls_resolved: int  # of these, sites with a target in the project
    calls_external: int  # of these, sites that leave the project or belong to the language
    calls_unresolved: int
    entry_points: Mapping[str, int]  # by kind
    discovered: int  # patterns
    approved: int
    ignored: int
    concerns: tuple[Concern, ...]  # the weightiest
    health: Health
    tables: int
    access_points: int
    sensitive_fields: Mapping[str, int]  # by class
    last_scan: Scan | None
