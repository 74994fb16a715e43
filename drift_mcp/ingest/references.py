"""Paths and public ids, as an input names things → the store's own numbers. Raises DriftError for what there is not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

import apsw

from drift_mcp.ingest.given import Where, refused, shown
from drift_mcp.tables import foreign


class References:
    """The numbers of one load. Files and functions are added as they come to be; the rest is read when first asked
    for."""

    def __init__(self, tx: apsw.Connection) -> None:
        self._tx = tx
        self.files: dict[str, int] = {}  # path → number, of all files
        self.functions: dict[str, int] = {}  # public id → number, in all files that rows speak of
        self._places: dict[str, Mapping[str, int]] = {}
        self._named: dict[str, Mapping[str, int]] = {}

    def function(self, public_id: str, where: Where, said: str) -> int:
        """`said`: the column that says so."""
        found = self.functions.get(public_id)
        if found is None:
            raise refused(
                where, f"{said} is {shown(public_id)}, and there is no such function. {self._nearest(public_id)}"
            )
        return found

    def _nearest(self, public_id: str) -> str:
        path, _, name = public_id.partition("::")
        here = [each for each in self.functions if each.startswith(path + "::")]
        last = name.rpartition(".")[2]
        alike = [each for each in self.functions if re.split(r"::|\.", each)[-1] == last]
        near = difflib.get_close_matches(public_id, here, n=3, cutoff=0.6) or alike[:3]
        if near:
            return f"Nearest: {', '.join(near)}."
        return "Tell of it in a row of functions; what lies outside the project has no id, but a callee_name."

    def place(self, table: str, text: str, where: Where, said: str) -> int:
        """A model or constant by `path:name:line`."""
        if table not in self._places:
            self._places[table] = foreign.places(self._tx, table)
        return _found(self._places[table], table, text, where, said)

    def row(self, table: str, text: str, where: Where, said: str) -> int:
        """A row by its public id; 0 where such rows have no number."""
        if table not in self._named:
            self._named[table] = foreign.named(self._tx, table)
        return _found(self._named[table], table, text, where, said)


def _found(known: Mapping[str, int], table: str, text: str, where: Where, said: str) -> int:
    found = known.get(text)
    if found is None:
        near = difflib.get_close_matches(text, known, n=3, cutoff=0.6)
        hint = f"Nearest: {', '.join(near)}." if near else f"Tell of it in a row of {table}."
        raise refused(where, f"{said} is {shown(text)}, and there is no such row of {table}. {hint}")
    return found
