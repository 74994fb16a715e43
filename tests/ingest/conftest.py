"""A project in a temporary folder, and inputs of other scanners written as a person would write them."""

from __future__ import annotations

import io
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from drift_mcp import ingest
from drift_mcp.ingest import foreign, lines
from drift_mcp.project import Project

# Every mtime that the tests write is a later one: two writes may fall into one tick of the file system's clock.
_TICKS = itertools.count(1_700_000_000_000_000_000, 1_000_000)

HEADER = {"drift_facts": 1, "scanner": "ruby-facts 1.0"}


class Shop:
    """A project, what is written into it, and what can be asked of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def write(self, sources: Mapping[str, str | bytes | None]) -> None:
        """Make the files as given; None takes one away."""
        for path, source in sources.items():
            place = self.root / path
            if source is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(source if isinstance(source, bytes) else source.encode())
            tick = next(_TICKS)
            os.utime(place, ns=(tick, tick))

    def scan(self, **how: Any) -> ingest.ScanRun:
        with Project(self.root) as project:
            return ingest.scan(project, jobs=1, **how)

    def take(self, *rows: Mapping[str, Any], **header: Any) -> foreign.Ingested:
        """Ingest these rows under a header with these words besides version and scanner."""
        return self.take_text(written(*rows, **header))

    def take_text(self, text: bytes) -> foreign.Ingested:
        with Project(self.root) as project:
            head, found = lines.read(io.BytesIO(text))
            return foreign.ingest(project, head, found)

    def asked(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        with Project(self.root) as project, project.read() as db:
            return list(db.execute(question, values))

    def calls(self) -> set[str]:
        """'caller > callee (how)' of every call site."""
        rows = self.asked("SELECT caller, callee, resolution FROM v_calls")
        return {f"{caller} > {callee} ({how})" for caller, callee, how in rows}

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables, without those that say when something was done."""
        with Project(self.root) as project, project.read() as db:
            names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
            return {
                name: sorted(db.execute(f'SELECT * FROM "{name}"'), key=repr)
                for name in names
                if name not in ("scan_history", "status")
            }


def written(*rows: Mapping[str, Any], **header: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in (HEADER | header, *rows))


def function(public_id: str, start: int = 1, end: int = 2, **more: Any) -> dict[str, Any]:
    name = public_id.partition("::")[2].partition("#")[0].rpartition(".")[2]
    row = {
        "table": "functions",
        "id": public_id,
        "name": name,
        "kind": "function",
        "start_line": start,
        "end_line": end,
    }
    return row | {"language": "ruby"} | more


def call(caller: str, callee: str, line: int = 1, column: int = 0, **more: Any) -> dict[str, Any]:
    known = "callee_id" if "::" in callee else "callee_name"
    return {"table": "calls", "caller_id": caller, known: callee, "line": line, "column_num": column} | more


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The registry of projects lies in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path / "shop")
