"""The schema of one database as this program knows it, read from the files under `schema/`. Opens no database.

`schema/<database>/` is the truth: the files named in ORDER make a new database, `migrations/NNNN_name.sql` lead an
older one to the same result.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final, NamedTuple

# Views hold no data, so they have no steps: they are dropped and made again from this file.
_VIEWS: Final = "views.sql"
_STEP: Final = re.compile(r"(\d{4})_\w+\.sql")


class Step(NamedTuple):
    """One released change: from `version` - 1 to `version`."""

    version: int
    text: str
    checksum: str


class Schema(NamedTuple):
    name: str  # 'drift', 'cortex', 'registry'
    application_id: int
    tables: str
    views: str
    steps: tuple[Step, ...]  # versions 2, 3, …

    @property
    def version(self) -> int:
        return self.steps[-1].version if self.steps else 1

    @property
    def checksum(self) -> str:
        """Of the files that make a new database."""
        return checksum(self.tables + self.views)


def read(name: str, application_id: int, *, root: Path | None = None) -> Schema:
    """The schema of one database. `application_id`: the number in the file's header that says whose it is."""
    here = (root or folder()) / name
    order = (here / "ORDER").read_text(encoding="utf-8").split()
    tables = "\n".join((here / each).read_text(encoding="utf-8") for each in order if each != _VIEWS)
    views = (here / _VIEWS).read_text(encoding="utf-8") if _VIEWS in order else ""
    return Schema(name, application_id, tables, views, _steps(here / "migrations"))


def folder() -> Path:
    """Where the schema files are: in the installed package, else in the checkout beside it."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "schema"
    return installed if installed.is_dir() else package.parent / "schema"


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _steps(migrations: Path) -> tuple[Step, ...]:
    steps: list[Step] = []
    for path in sorted(migrations.iterdir()) if migrations.is_dir() else ():
        found = _STEP.fullmatch(path.name)
        if found is not None:
            # Read as text, so that a checkout with other line ends has the same checksum.
            text = path.read_text(encoding="utf-8")
            steps.append(Step(int(found.group(1)), text, checksum(text)))
    versions = [step.version for step in steps]
    assert versions == list(range(2, len(steps) + 2)), f"steps count from 0002 without a gap, not {versions}"
    return tuple(steps)
