"""A real store in a temporary folder, with a transaction open on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from drift_mcp.store import migrate, schema
from drift_mcp.tables import calls, files, functions

APPLICATION_ID = 0x74657374


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[apsw.Connection]:
    db = migrate.opened(tmp_path / "drift.db", schema.read("drift", APPLICATION_ID))
    db.execute("BEGIN IMMEDIATE")
    yield db
    db.execute("ROLLBACK")
    db.close()


_ARROWS = {">>": "external", ">": "import", "?": "unique", "!": "unresolved"}


class Village:
    """Files and functions by their names, so that a test says what it is about and nothing else."""

    def __init__(self, tx: apsw.Connection) -> None:
        self.tx = tx
        self.ids: dict[str, int] = {}

    def file(self, path: str, *names: str) -> int:
        """A file with its module body and these functions, each ten lines long; `C.m` is a method of class `C`."""
        (file_id,) = files.put(self.tx, [new_file(path)]).values()
        listed = [new_function(path, 1, 10 * len(names) + 1, kind="module")]
        for number, name in enumerate(names):
            listed.append(new_function(name, 10 * number + 2, 10 * number + 11, parent=0))
        found = functions.replace(self.tx, file_id, listed)
        self.ids |= {"<" + path + ">": found[0]} | dict(zip(names, found[1:], strict=True))
        return file_id

    def calls(self, text: str) -> None:
        """`a>b` a proven call, `a?b` one decided by the name alone, `a!b` an unresolved one, `a>>lib.f` one outside."""
        ways = calls.resolutions(self.tx)
        rows = []
        for line, arrow in enumerate(text.split(), 1):
            sign, way = next((sign, way) for sign, way in _ARROWS.items() if sign in arrow)
            caller, _, callee = arrow.partition(sign)
            inside = way in ("import", "unique")
            (symbol,) = calls.symbols(self.tx, [callee]).values()
            reason = "unknown_receiver" if way == "unresolved" else None
            target = self.ids[callee] if inside else None
            rows.append(calls.NewCall(self.ids[caller], line, 4, 0, target, symbol, ways[way], 0, reason))
        calls.load(self.tx, rows)

    def called(self, callee: str) -> list[str]:
        """Who calls it, as v_calls says."""
        query = "SELECT caller FROM v_calls WHERE callee = ? AND callee_file IS NOT NULL ORDER BY caller"
        return [row[0] for row in self.tx.execute(query, (callee,))]


@pytest.fixture
def village(tx: apsw.Connection) -> Village:
    return Village(tx)


def new_file(path: str, **changed: object) -> files.NewFile:
    plain = files.NewFile(path, "python", 100, 10, bytes(16), 1_700_000_000, 5)
    return plain._replace(**changed)  # type: ignore[arg-type]  # named by the test


def new_function(name: str, start: int = 1, end: int = 2, **changed: object) -> functions.NewFunction:
    plain = functions.NewFunction(
        qualified_name=name,
        ordinal=0,
        name=name if changed.get("kind") == "module" else name.rpartition(".")[2],
        kind="method" if "." in name else "function",
        parent=None,
        start_line=start,
        end_line=end,
        column_num=4,
        language="python",
        signature=f"def {name}()",
        parameters=None,
        decorators=json.dumps(["@cached"]),
        return_type="int",
        visibility="public",
        complexity=1,
        is_exported=0,
        is_constructor=0,
        is_async=0,
        is_test=0,
        is_property=0,
    )
    return plain._replace(**changed)  # type: ignore[arg-type]  # named by the test


@pytest.fixture(name="new_file")
def _new_file() -> object:
    return new_file


@pytest.fixture(name="new_function")
def _new_function() -> object:
    return new_function
