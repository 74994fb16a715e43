"""Opening cortex.db: alone, beside others, and when it is not what it should be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.memories import NewMemory
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.errors import DriftError


def test_four_processes_open_a_new_store_and_add_at_once(tmp_path: Path) -> None:
    program = """
import sys
from collections.abc import Callable
from pathlib import Path
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.embeddings import Embedder
from drift_mcp.cortex.minilm import MiniLM
from drift_mcp.cortex.memories import NewMemory
here, who = Path(sys.argv[1]), sys.argv[2]
with Cortex.open(here / "cortex.db", here, embedder=Embedder(MiniLM(None))) as cortex:
    for n in range(25):
        cortex.add(NewMemory("semantic", f"Process {who} found out number {n}"))
        cortex.add(NewMemory("semantic", f"All of them found out number {n}"))
"""
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), who], stderr=subprocess.PIPE, text=True)
        for who in "abcd"
    ]
    complaints = [process.communicate()[1] for process in running]
    assert complaints == [""] * 4
    with Cortex.open(tmp_path / "cortex.db", tmp_path, embedder=Embedder(MiniLM(None))) as cortex:
        # 25 of each process, and the 25 that all four added are there once.
        assert cortex.standing().memories == 4 * 25 + 25
        with cortex._opened.snapshot() as db:
            stamps = [row[0] for row in db.execute("SELECT recorded_at FROM memory_versions ORDER BY key")]
    assert stamps == sorted(set(stamps))


def test_a_failed_transaction_leaves_nothing(cortex: Cortex) -> None:
    with pytest.raises(KeyError), cortex._opened.transaction() as tx:
        tx.execute("INSERT INTO memories (id, type, created_at) VALUES ('mem_x', 'core', '2026-01-01T00:00:00.000Z')")
        raise KeyError
    with cortex._opened.snapshot() as db:
        assert db.execute("SELECT count(*) FROM memories").get == 0


def test_a_snapshot_does_not_see_what_is_written_meanwhile(cortex: Cortex) -> None:
    with cortex._opened.snapshot() as db:
        assert db.execute("SELECT count(*) FROM memories").get == 0
        cortex.add(NewMemory("tribal", "Charge once"))
        assert db.execute("SELECT count(*) FROM memories").get == 0
    assert cortex.standing().memories == 1


def test_a_snapshot_cannot_write(cortex: Cortex) -> None:
    with cortex._opened.snapshot() as db, pytest.raises(apsw.ReadOnlyError):
        db.execute("DELETE FROM memories")


def _newer(path: Path) -> None:
    with Cortex.open(path, path.parent, embedder=Embedder(MiniLM(None))):
        pass
    apsw.Connection(str(path)).pragma("user_version", 99)


def _foreign(path: Path) -> None:
    apsw.Connection(str(path)).execute("CREATE TABLE notes (text)")


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all\n" * 400)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_newer, "made by a newer Drift"),
        (_foreign, "another program"),
        (_garbage, "not a database"),
        (lambda path: path.mkdir(), "cannot be opened"),
    ],
)
def test_what_is_not_ours_is_refused_and_left_untouched(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "cortex.db"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(DriftError, match=message):
        Cortex.open(path, tmp_path, embedder=Embedder(MiniLM(None)))
    assert before == (path.read_bytes() if path.is_file() else None)


def test_every_table_says_what_one_row_of_it_is() -> None:
    schema = Path(__file__).parents[2] / "schema" / "cortex"
    for name in (schema / "ORDER").read_text().split():
        lines = (schema / name).read_text().splitlines()
        for number, line in enumerate(lines):
            if line.startswith(("CREATE TABLE", "CREATE VIEW", "CREATE VIRTUAL TABLE")):
                above = number - 1
                while lines[above - 1].startswith("--"):
                    above -= 1
                assert lines[above].startswith("-- one row per"), line
