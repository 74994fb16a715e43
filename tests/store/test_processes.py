"""Several processes on one store, and processes that die in the middle."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from drift_mcp.store import connection, migrate
from drift_mcp.store import schema as schemas
from drift_mcp.store.schema import Schema
from drift_mcp.store.writer import Writer

ROOT = Path(__file__).parents[2]

# Every program opens the library of its first argument and then does its own.
BEGIN = """
import sys
from pathlib import Path
from drift_mcp.store import connection, migrate, schema
from drift_mcp.store.writer import BatchWriter, Writer
here = Path(sys.argv[1])
path, library = here / "library.db", schema.read("library", 0x54455354, root=here / "schema")
def opened():
    return Writer(migrate.opened(path, library), path, library)
def say(word):
    print(word, flush=True)
"""

OPEN_AND_ADD = (
    BEGIN
    + """
say("ready")
sys.stdin.readline()
for number in range(10):
    writer = opened()
    with writer.transaction() as tx:
        tx.execute("INSERT INTO shelves (name) VALUES (?)", (f"{sys.argv[2]} {number}",))
    connection.open_reader(path, library).close()
    writer.close()
"""
)

COUNT_UP = (
    BEGIN
    + """
writer = opened()
say("ready")
sys.stdin.readline()
for number in range(100):
    with writer.transaction() as tx:
        known = tx.execute("SELECT count(*) FROM shelves").get
        tx.execute("INSERT INTO shelves (id, name) VALUES (?, ?)", (known, f"{sys.argv[2]} {number}"))
"""
)

DIE_IN_A_TRANSACTION = (
    BEGIN
    + """
writer = opened()
with writer.transaction() as tx:
    tx.execute("INSERT INTO shelves VALUES (1, 'novels')")
    tx.executemany("INSERT INTO books (shelf_id, title) VALUES (1, ?)", [(f"book {n}",) for n in range(1000)])
with writer.transaction() as tx:
    # More than the page cache holds, so that a part of it is in the WAL when the end comes.
    tx.execute("PRAGMA cache_size = 10").fetchall()
    tx.executemany("INSERT INTO books (shelf_id, title) VALUES (1, ?)", [("x" * 3000,) for n in range(2000)])
    say("dying")
    sys.stdin.readline()
"""
)

DIE_IN_A_BATCH = (
    BEGIN
    + """
batches = BatchWriter(opened())
def batch(number):
    def write(tx):
        tx.execute("INSERT INTO shelves VALUES (?, ?)", (number, f"shelf {number}"))
        tx.execute("INSERT INTO books (shelf_id, title) VALUES (?, 'Emma')", (number,))
        if number == 57:
            say("dying")
            sys.stdin.readline()
    return write
for number in range(40):
    batches.put(batch(number))
batches.flush()
for number in range(40, 100):
    batches.put(batch(number))
batches.close()
"""
)


def started(tmp_path: Path, program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def killed_when_it_says(tmp_path: Path, program: str, word: str) -> None:
    with started(tmp_path, program) as process:
        assert line(process) == word
        process.kill()


def all_done_at_once(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert line(process) == "ready"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [process.communicate()[1] for process in processes] == [""] * len(processes)


def test_processes_that_make_and_open_a_store_at_once_all_succeed(tmp_path: Path, path: Path, library: Schema) -> None:
    all_done_at_once([started(tmp_path, OPEN_AND_ADD, who) for who in "abcde"])
    with closing(connection.open_reader(path, library)) as db:
        assert db.execute("SELECT count(*) FROM shelves").get == 50
        assert db.execute("SELECT count(*) FROM migration_history").get == 1
    assert sorted(each.name for each in tmp_path.iterdir()) in (
        ["library.db", "schema"],
        ["library.db", "library.db-shm", "library.db-wal", "schema"],
    )


def test_two_processes_write_one_after_another(tmp_path: Path, path: Path, library: Schema) -> None:
    all_done_at_once([started(tmp_path, COUNT_UP, who) for who in "ab"])
    with closing(connection.open_reader(path, library)) as db:
        rows = db.execute("SELECT id, name FROM shelves ORDER BY id").fetchall()
    assert [number for number, _ in rows] == list(range(200))
    assert {name for _, name in rows} == {f"{who} {number}" for who in "ab" for number in range(100)}


@pytest.mark.parametrize(
    ("program", "shelves", "books"), [(DIE_IN_A_TRANSACTION, 1, 1000), (DIE_IN_A_BATCH, (40, 58), None)]
)
def test_a_killed_writer_leaves_what_was_committed(
    tmp_path: Path, path: Path, library: Schema, program: str, shelves: int | tuple[int, int], books: int | None
) -> None:
    killed_when_it_says(tmp_path, program, "dying")
    with closing(migrate.opened(path, library)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        found_shelves = db.execute("SELECT count(*) FROM shelves").get
        found_books = db.execute("SELECT count(*) FROM books").get
    if isinstance(shelves, int):
        assert (found_shelves, found_books) == (shelves, books)
    else:
        # All that was flushed, then whole groups of batches; never half of one, and not the one that died.
        flushed, died = shelves
        assert flushed <= found_shelves < died and found_books == found_shelves


def test_after_a_killed_writer_the_next_one_writes(tmp_path: Path, path: Path, library: Schema) -> None:
    killed_when_it_says(tmp_path, DIE_IN_A_TRANSACTION, "dying")
    writer = Writer(migrate.opened(path, library), path, library)
    with writer.transaction() as tx:
        tx.execute("INSERT INTO shelves VALUES (2, 'poems')")
    assert writer.checkpoint()
    writer.close()
    with closing(connection.open_reader(path, library)) as db:
        assert db.execute("SELECT count(*) FROM shelves").get == 2


def test_many_open_an_older_store_at_once_and_each_step_is_taken_once(
    tmp_path: Path, path: Path, library: Schema
) -> None:
    migrate.opened(path, library).close()
    step = tmp_path / "schema" / "library" / "migrations" / "0002_colours.sql"
    step.write_text("ALTER TABLE shelves ADD COLUMN colour TEXT;")
    all_done_at_once([started(tmp_path, OPEN_AND_ADD, who) for who in "abc"])
    with closing(connection.open_reader(path, library._replace(steps=_steps(tmp_path)))) as db:
        assert db.execute("SELECT version FROM migration_history ORDER BY version").fetchall() == [(1,), (2,)]
        assert db.execute("SELECT count(*) FROM shelves WHERE colour IS NULL").get == 30


def _steps(tmp_path: Path) -> tuple[schemas.Step, ...]:
    return schemas.read("library", 0x54455354, root=tmp_path / "schema").steps
