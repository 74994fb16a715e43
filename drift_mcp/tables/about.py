"""The project itself, as its own store describes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

import apsw


class About(NamedTuple):
    id: str
    name: str
    root_path: str  # absolute
    drift_version: str
    schema_version: int
    monorepo_root: str | None
    package_manager: str | None


_PUT = """
INSERT INTO project (id, name, root_path, drift_version, schema_version, monorepo_root, package_manager)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    name = excluded.name,
    root_path = excluded.root_path,
    drift_version = excluded.drift_version,
    schema_version = excluded.schema_version,
    monorepo_root = excluded.monorepo_root,
    package_manager = excluded.package_manager,
    updated_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
WHERE (name, root_path, drift_version, schema_version, monorepo_root, package_manager)
    IS NOT (
        excluded.name, excluded.root_path, excluded.drift_version, excluded.schema_version, excluded.monorepo_root,
        excluded.package_manager
    )
"""


def put(tx: apsw.Connection, about: About) -> None:
    """Says what the project is; the id of the first time stays."""
    tx.execute(_PUT, about)


def put_languages(tx: apsw.Connection, files: Mapping[str, int]) -> None:
    """Language → number of files."""
    tx.execute("UPDATE project SET language_stats = ?", (json.dumps(dict(files)),))


# ---------------------------------------------------------------------------------------------------------------------

_READ = "SELECT id, name, root_path, drift_version, schema_version, monorepo_root, package_manager FROM project"


def read(db: apsw.Connection) -> About | None:
    """None when nothing was ever scanned."""
    row = db.execute(_READ).fetchone()
    return None if row is None else About(*row)
