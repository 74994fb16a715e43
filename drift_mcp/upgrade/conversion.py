"""Which file is read by which converter, in an order in which what is pointed to comes first.

Says what it does not convert, and why. Writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.upgrade import boundaries, callgraph, constraints, contracts, documents, environment, patterns
from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.records import Row
from drift_mcp.upgrade.sources import Found, Kind

Converter: TypeAlias = Callable[[Document], Iterator[Row]]

_CONVERTERS: Final[Mapping[Kind, Converter]] = {
    "patterns": patterns.records,
    "contracts": contracts.records,
    "constraints": constraints.records,
    "boundaries": boundaries.records,
    "boundary rules": boundaries.rules,
    "environment": environment.records,
}


def records(found: Found, account: Account, scratch: Path, *, approvals_from_history: bool) -> Iterator[Row]:
    """Every row of every file that is converted. A file that cannot be read is counted as one row, and refused."""
    told_root = documents.root_told(found.sources)
    for kind, converter in _CONVERTERS.items():
        for source in found.of(kind):
            try:
                document = documents.read(source, told_root)
            except DriftError as problem:
                account.found("files")
                account.refused("files", source.name, str(problem))
                continue
            if document.doubt:
                account.note(f"{source.name}: {document.doubt}. Its content was taken all the same.")
            yield from converter(document)
    for source in found.of("call graph"):
        try:
            yield from callgraph.records(source, scratch, told_root or os.fspath(found.home.parent))
        except DriftError as problem:
            account.found("files")
            account.refused("files", source.name, str(problem))


def memories(target: Project, root: Path, found: Found, account: Account, scratch: Path) -> None:
    """The predecessor's memories into `cortex.db` of the target."""
