"""What converters are tested with: documents made of dicts, stores made of documents, and documents gone wrong."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import apsw
from hypothesis import strategies as st

from drift_mcp.project import DRIFT_ID
from drift_mcp.store import migrate, schema
from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import conversion, loading, proof, sources
from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.merging import Rows
from drift_mcp.upgrade.records import Row
from drift_mcp.upgrade.sources import Source, kind_of

ROOT = "/home/ada/shop"


def document(name: str, data: Mapping[str, Any], root: str = ROOT) -> Document:
    return Document(Source(Path(root) / ".drift" / name, name, kind_of(name), 0), data, "")


def put(root: Path, name: str, told: Any) -> Path:
    """A file of the predecessor's."""
    path = root / ".drift" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
    return path


class Loaded:
    """A store with all that was found in a project of the predecessor's, and the account of it."""

    def __init__(self, root: Path, *, approvals_from_history: bool = False) -> None:
        self.account = Account()
        rows = Rows(loading.plans(), self.account)
        scratch = root / "scratch"
        scratch.mkdir()
        undecided = functools.partial(rows.undecided, "patterns") if approvals_from_history else None
        for each in conversion.records(sources.look(root), self.account, scratch, undecided):
            rows.take(each)
        assert not list(scratch.iterdir()), "a copy was left behind"
        ours = schema.read("drift", DRIFT_ID)
        path = root / "drift.db"
        writer = Writer(migrate.opened(path, ours), path, ours)
        with writer.transaction() as tx:
            loader = loading.Loader(tx, root, rows, self.account, "2026-02-01T00:00:00.000Z")
            loader.run()
            proof.compare(tx, loader.meant)
        proof.balance(self.account)
        writer.close()
        self._path = path
        self._db = apsw.Connection(str(path), apsw.SQLITE_OPEN_READONLY)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return list(self._db.execute(sql))

    def carried(self, table: str) -> dict[str, Any]:
        """Row → the fields that no column holds."""
        found = self._db.execute("SELECT row_id, fields FROM carried_fields WHERE table_name = ?", (table,))
        return {row: json.loads(fields) for row, fields in found}

    def counts(self) -> dict[str, tuple[int, int, int, int]]:
        """Domain → rows found, moved, merged, refused."""
        return {
            each.domain: (each.found, each.moved, sum(each.merged.values()), each.refused)
            for each in self.account.lines()
        }

    def reasons(self) -> list[str]:
        return [f"{each.where}: {each.reason}" for each in self.account.refusals]

    def holds(self, text: str) -> bool:
        """Whether these words stand anywhere in the store's file."""
        return text.encode() in self._path.read_bytes()


class Undone(Exception):
    """Ends a transaction that was only a trial."""


def accounted(store: Writer, rows: Iterable[Row]) -> None:
    """What became of every row is told, and what was kept stands in the store as it was meant to. Then it is undone."""
    account = Account()
    taken = Rows(loading.plans(), account)
    for each in rows:
        taken.take(each)
    with contextlib.suppress(Undone), store.transaction() as tx:
        loader = loading.Loader(tx, Path(ROOT), taken, account, "2026-02-01T00:00:00.000Z")
        loader.run()
        proof.compare(tx, loader.meant)
        raise Undone
    assert account.missing() == []


_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), st.text(max_size=8),
    st.sampled_from(["", "unknown", "../../etc/passwd", "/home/ada/shop/src/a.ts", "2026-13-45T99:00:00Z", "\0\ud800"]),
)  # fmt: skip
_JUNK = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def broken(draw: st.DrawFn, sample: Any) -> Any:
    """A document in which anything may be missing, of another kind, or there twice."""
    luck = draw(st.integers(0, 19))
    if luck == 0:
        return draw(_JUNK)
    if isinstance(sample, Mapping):
        told = {name: draw(broken(value)) for name, value in sample.items() if luck != 1 or draw(st.booleans())}
        return told | {draw(st.text(max_size=5)): draw(_JUNK)} if luck == 2 else told
    if isinstance(sample, list):
        told = [draw(broken(each)) for each in sample]
        return told + told[:1] if luck == 3 else told
    return sample
