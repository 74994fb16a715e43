"""Which file is read by which converter, in an order in which what is pointed to comes first.

Says what it does not convert, and why. Writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from drift_mcp.errors import DriftError
from drift_mcp.tables.public import Value
from drift_mcp.upgrade import (
    audits,
    boundaries,
    callgraph,
    configuration,
    constants,
    constraints,
    contracts,
    coupling,
    decisions,
    dna,
    documents,
    environment,
    error_handling,
    gates,
    history,
    learned,
    locked,
    memories,
    old_store,
    patterns,
    topology,
    variants,
    wrappers,
)
from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.memories import Old
from drift_mcp.upgrade.records import Row
from drift_mcp.upgrade.sources import Found, Kind, Source

Converter: TypeAlias = Callable[[Document], Iterator[Row]]

_CONVERTERS: Final[Mapping[Kind, Converter]] = {
    "patterns": patterns.records,
    "lock": locked.records,
    "variants": variants.records,
    "contracts": contracts.records,
    "constraints": constraints.records,
    "boundaries": boundaries.records,
    "boundary rules": boundaries.rules,
    "environment": environment.records,
    "test topology": topology.records,
    "coupling": coupling.records,
    "error handling": error_handling.records,
    "constants": constants.records,
    "wrappers": wrappers.records,
    "audit": audits.records,
    "degradation": audits.course,
    "dna": dna.records,
    "decisions": decisions.records,
    "quality gates": gates.records,
    "learned": learned.records,
    "config": configuration.settings,
    "source of truth": configuration.truth,
    "manifest": configuration.manifest,
}

# After the files: of what both tell alike, the file's is the first.
_DATABASES: Final[Mapping[Kind, Callable[[Source, Path, str | None], Iterator[Row]]]] = {
    "call graph": callgraph.records,
    "old store": old_store.records,
}


def records(
    found: Found, account: Account, scratch: Path, undecided: Callable[[], Collection[Value]] | None
) -> Iterator[Row]:
    """Every row of every file that is converted. A file that cannot be read is counted as one row, and refused.

    `undecided`: asked when all else was taken, for the patterns about which nobody has spoken; what the days of the
    history say of those comes last. None: they are not asked."""
    told_root = documents.root_told(found.sources)
    for kind, converter in _CONVERTERS.items():
        for document in _read(found, kind, account, told_root):
            yield from converter(document)
    yield from history.records(_read(found, "history", account, told_root))
    for kind, reader in _DATABASES.items():
        for source in found.of(kind):
            try:
                yield from reader(source, scratch, told_root or os.fspath(found.home.parent))
            except DriftError as problem:
                account.found("files")
                account.refused("files", source.name, str(problem))
    if undecided is not None:
        again = _read(found, "history", Account(), told_root)  # what cannot be read has been told
        yield from history.approvals(again, undecided())


def _read(found: Found, kind: Kind, account: Account, told_root: str | None) -> Iterator[Document]:
    for source in found.of(kind):
        try:
            document = documents.read(source, told_root)
        except DriftError as problem:
            account.found("files")
            account.refused("files", source.name, str(problem))
            continue
        if document.doubt:
            account.note(f"{source.name}: {document.doubt}. Its content was taken all the same.")
        yield document


def memories_of(found: Found, account: Account, scratch: Path) -> list[Old]:
    """What stands in each database of memories. A file that cannot be read is counted as one row, and refused."""
    told_root = documents.root_told(found.sources) or os.fspath(found.home.parent)
    read = []
    for source in found.of("memories"):
        try:
            read.append(memories.read(source, scratch, told_root, account))
        except DriftError as problem:
            account.found("files")
            account.refused("files", source.name, str(problem))
    return read
