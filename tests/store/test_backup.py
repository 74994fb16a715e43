"""A backup is one past state of all databases together, made while others write, and it is whole or is no backup."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw
import pytest

from drift_mcp.errors import AlreadyRunning, DriftError, NotInitialised, StoreDamaged, StoreUnusable
from drift_mcp.store import backup, connection, migrate
from drift_mcp.store.backup import Backup, Database
from drift_mcp.store.schema import Schema
from drift_mcp.store.writer import Writer

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)

# Every program has the two databases of its first argument, and does its own.
BEGIN = """
import os, signal, sys
from pathlib import Path
from drift_mcp.store import backup, migrate, schema
from drift_mcp.store.writer import Writer
home = Path(sys.argv[1])
library = schema.read("library", 0x54455354, root=home / "schema")
databases = [backup.Database(home / name, library) for name in ("shelves.db", "ledger.db")]
def opened(name):
    return Writer(migrate.opened(home / name, library), home / name, library)
def make(on_progress=None):
    with backup.alone(home):
        return backup.create(home, databases, "requested", program="1", keep=5, on_progress=on_progress)
"""

# One row into the first database, then one into the second: at no moment has the second more than the first.
WRITE_BOTH = (
    BEGIN
    + """
first, second = opened("shelves.db"), opened("ledger.db")
print("ready", flush=True)
number = 0
while not (home / "enough").exists():
    number += 1
    for writer in (first, second):
        with writer.transaction() as tx:
            tx.execute("INSERT INTO shelves (name) VALUES (?)", (f"{number}",))
"""
)

MAKE_SOME = BEGIN + "print([make().stamp for _ in range(3)])"

DIE_MAKING = (
    BEGIN
    + """
seen = 0
def told(stage, done, total):
    global seen
    seen += 1
    if seen == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
make(told)
print("made")
"""
)

NO_ROOM = (
    BEGIN
    + """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
make()
"""
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def databases(home: Path, library: Schema) -> Iterator[list[Database]]:
    """Two, with a shelf in each, open for writing as they would be in a server."""
    both = [Database(home / name, library) for name in ("shelves.db", "ledger.db")]
    writers = [Writer(migrate.opened(each.path, library), each.path, library) for each in both]
    for writer in writers:
        with writer.transaction() as tx:
            tx.execute("INSERT INTO shelves (name) VALUES ('novels')")
    yield both
    for writer in writers:
        writer.close()


def add(database: Database, *names: str) -> None:
    with closing(migrate.opened(database.path, database.schema)) as db:
        db.executemany("INSERT INTO shelves (name) VALUES (?)", [(name,) for name in names])


def fill(database: Database, megabytes: int) -> None:
    with closing(migrate.opened(database.path, database.schema)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO books (shelf_id, title) VALUES (1, ?)", [("x" * 1000,) for _ in range(megabytes * 1000)]
        )
        db.execute("COMMIT")


def make(
    home: Path,
    databases: list[Database],
    reason: str = "requested",
    *,
    keep: int = 5,
    on_progress: backup.Progress | None = None,
    at: datetime = NOON,
) -> Backup:
    with backup.alone(home):
        return backup.create(
            home, databases, reason, program="1.2", keep=keep, on_progress=on_progress, clock=lambda: at
        )


def names(home: Path) -> list[str]:
    return sorted(each.name for each in (home / "backups").iterdir())


def shelves(path: Path) -> list[str]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as db:
        return [str(name) for (name,) in db.execute("SELECT name FROM shelves ORDER BY id").fetchall()]


def run(program: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, str(home), *arguments], capture_output=True, text=True, cwd=ROOT, timeout=120
    )


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


# -- what is made


def test_a_backup_is_a_file_a_database_and_a_manifest(home: Path, databases: list[Database]) -> None:
    made = make(home, databases)
    assert (made.stamp, made.reason, made.taken_at, made.program) == (
        "20261128T120000Z",
        "requested",
        "2026-11-28T12:00:00Z",
        "1.2",
    )
    assert made.problem is None
    assert names(home) == [
        "backup-20261128T120000Z-requested.json",
        "ledger-20261128T120000Z-requested.db",
        "shelves-20261128T120000Z-requested.db",
    ]
    assert [(copy.database, copy.schema, copy.loose) for copy in made.copies] == [
        ("shelves.db", 1, 0),
        ("ledger.db", 1, 0),
    ]
    assert made.bytes == sum((home / "backups" / name).stat().st_size for name in names(home))
    for copy in made.copies:
        path = home / "backups" / made.file(copy.database)
        assert path.stat().st_size == copy.bytes
        assert backup.digest(path) == copy.blake3


def test_what_stands_in_the_wal_alone_is_in_it_and_reading_it_leaves_no_wal(
    home: Path, databases: list[Database]
) -> None:
    assert databases[0].path.with_name("shelves.db-wal").stat().st_size > 0
    add(databases[0], "poems")
    made = make(home, databases)
    before = names(home)
    assert shelves(home / "backups" / made.file("shelves.db")) == ["novels", "poems"]
    assert shelves(home / "backups" / made.file("ledger.db")) == ["novels"]
    assert names(home) == before


def test_pages_keep_their_checksums(home: Path, databases: list[Database]) -> None:
    made = make(home, databases)
    path = home / "backups" / made.file("shelves.db")
    assert path.read_bytes()[20] == 8
    flip(path, path.stat().st_size - 100)
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
        assert db.pragma("page_count") * 4096 == path.stat().st_size
    assert backup.verified(home / "backups", made).problem is not None


def test_a_database_that_is_not_there_yet_is_none_of_it(home: Path, databases: list[Database]) -> None:
    made = make(home, [databases[0], databases[1]._replace(path=home / "memory.db")])
    assert [copy.database for copy in made.copies] == ["shelves.db"]
    assert made.problem is None
    assert not (home / "memory.db").exists()


def test_where_there_is_nothing_there_is_nothing_to_back_up(tmp_path: Path, library: Schema) -> None:
    with pytest.raises(NotInitialised, match="drift scan"):
        make(tmp_path, [Database(tmp_path / "shelves.db", library)])
    assert not (tmp_path / "backups").exists()


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ("requested", "requested"),
        ("Before the BIG change!", "before-the-big-change"),
        ("../../etc/passwd", "etc-passwd"),
        ("x" * 100, "x" * 40),
        ("für später", "f-r-sp-ter"),
    ],
)
def test_a_reason_becomes_a_part_of_the_name(home: Path, databases: list[Database], given: str, slug: str) -> None:
    assert make(home, databases, given).reason == slug
    assert names(home)[0] == f"backup-20261128T120000Z-{slug}.json"


@pytest.mark.parametrize("reason", ["", "///", "später"[2:3]])
def test_a_reason_that_leaves_no_name_is_refused(home: Path, databases: list[Database], reason: str) -> None:
    with pytest.raises(DriftError, match="leaves nothing for a file name"):
        make(home, databases, reason)
    assert not (home / "backups").exists()


def test_rows_that_point_nowhere_are_copied_and_counted(home: Path, databases: list[Database]) -> None:
    with closing(migrate.opened(databases[0].path, databases[0].schema)) as db:
        db.pragma("foreign_keys", False)
        db.execute("INSERT INTO books (shelf_id, title) VALUES (77, 'on no shelf')")
    assert [copy.loose for copy in make(home, databases).copies] == [1, 0]


def test_a_store_of_a_newer_version_is_copied_like_any(home: Path, databases: list[Database]) -> None:
    with closing(apsw.Connection(str(databases[0].path))) as db:
        db.pragma("user_version", 9)
    assert [copy.schema for copy in make(home, databases).copies] == [9, 1]


def test_progress_tells_what_is_done_of_how_much(home: Path, databases: list[Database]) -> None:
    fill(databases[0], 40)
    told: list[tuple[str, int, int]] = []
    make(home, databases, on_progress=lambda *said: told.append(said))
    copied = [(done, total) for stage, done, total in told if stage == "copy shelves.db"]
    assert len(copied) >= 3 and copied == sorted(copied) and copied[-1][0] == copied[-1][1] > 10_000
    assert [stage for stage, done, total in told if done == total] == [
        "copy shelves.db",
        "copy ledger.db",
        "check shelves.db",
        "check ledger.db",
    ]


# -- the moment


def test_a_commit_in_the_middle_neither_gets_in_nor_begins_the_copy_anew(home: Path, databases: list[Database]) -> None:
    fill(databases[0], 40)
    pages: list[int] = []

    def write(stage: str, done: int, total: int) -> None:
        if stage.startswith("copy"):
            for database in databases:
                add(database, f"{database.path.name} {len(pages)}")
        if stage == "copy shelves.db":
            pages.append(done)

    made = make(home, databases, on_progress=write)
    assert len(pages) >= 3 and len(set(pages)) == len(pages)
    for copy in made.copies:
        assert shelves(home / "backups" / made.file(copy.database)) == ["novels"]
    assert len(shelves(databases[0].path)) == len(pages) + 2


def test_a_backup_of_busy_databases_is_one_of_their_past_states(home: Path, databases: list[Database]) -> None:
    fill(databases[0], 3)
    writing = subprocess.Popen(
        [sys.executable, "-c", WRITE_BOTH, str(home)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with writing:
        assert writing.stdout is not None
        assert writing.stdout.readline() == "ready\n"
        seen = []
        try:
            for _ in range(10):
                made = make(home, databases, keep=100)
                first, second = (shelves(home / "backups" / made.file(copy.database)) for copy in made.copies)
                assert first[: len(second)] == second, "the second database knows nothing that the first does not"
                assert len(first) - len(second) in (0, 1), "nor is it of an earlier moment"
                seen.append(len(first))
        finally:
            (home / "enough").touch()
    assert len(shelves(databases[0].path)) >= seen[-1] > seen[0]
    assert writing.returncode == 0


# -- the name


def test_two_backups_in_one_second_both_stay(home: Path, databases: list[Database]) -> None:
    assert [make(home, databases).stamp for _ in range(3)] == [
        "20261128T120000Z",
        "20261128T120001Z",
        "20261128T120002Z",
    ]
    assert len(backup.listed(home / "backups")) == 3


def test_a_clock_that_went_back_makes_no_new_backup_the_oldest(home: Path, databases: list[Database]) -> None:
    make(home, databases)
    late = make(home, databases, at=NOON - timedelta(days=400))
    assert late.stamp == "20261128T120001Z"
    assert late.taken_at == "2025-10-24T12:00:00Z"
    assert backup.named(home / "backups", "latest") == late


def test_backups_made_at_once_by_several_processes_all_stay(home: Path, databases: list[Database]) -> None:
    with ThreadPoolExecutor(3) as threads:
        done = list(threads.map(lambda _: run(MAKE_SOME, home), range(2)))
    assert [each.stderr for each in done] == ["", ""]
    stamps = [stamp for each in done for stamp in json.loads(each.stdout.replace("'", '"'))]
    assert len(set(stamps)) == 6
    listed = backup.listed(home / "backups")
    assert [each.problem for each in listed] == [None] * 5
    assert [each.stamp for each in listed] == sorted(stamps, reverse=True)[:5]


def test_who_does_not_want_to_wait_is_told_who_holds_it(home: Path) -> None:
    with (
        backup.alone(home),
        pytest.raises(AlreadyRunning, match=r"Another backup or restore of this project is running \(process \d+"),
        backup.alone(home, wait_seconds=0),
    ):
        pass


# -- which stay


def test_the_newest_stay(home: Path, databases: list[Database]) -> None:
    reasons = ["requested", "migration", "upgrade", "restore", "requested", "requested"]
    made = [make(home, databases, reason, keep=3) for reason in reasons]
    assert backup.listed(home / "backups") == made[:-4:-1]
    assert len(names(home)) == 9


def test_one_that_is_spared_stays(home: Path, databases: list[Database]) -> None:
    oldest = make(home, databases)
    for _ in range(3):
        make(home, databases)
    with backup.alone(home):
        backup.retire(home / "backups", 2, {oldest.stamp})
    assert [each.stamp[-3:] for each in backup.listed(home / "backups")] == ["03Z", "02Z", "00Z"]


def test_the_one_just_made_stays_whatever_the_clock_says(home: Path, databases: list[Database]) -> None:
    make(home, databases)
    made = make(home, databases, keep=1, at=NOON - timedelta(days=1))
    assert backup.listed(home / "backups") == [made]


def test_less_than_one_cannot_be_kept(home: Path, databases: list[Database]) -> None:
    with pytest.raises(DriftError, match="Keep 1 or more"):
        make(home, databases, keep=0)


def test_a_damaged_one_takes_no_place_of_a_whole_one(home: Path, databases: list[Database]) -> None:
    first, second, third = (make(home, databases) for _ in range(3))
    (home / "backups" / second.file("shelves.db")).write_bytes(b"cut")
    fourth = make(home, databases, keep=3)
    assert [each.stamp for each in backup.listed(home / "backups")] == [
        each.stamp for each in (fourth, third, second, first)
    ]
    fifth = make(home, databases, keep=3)
    assert [each.stamp for each in backup.listed(home / "backups")] == [each.stamp for each in (fifth, fourth, third)]


def test_what_a_person_put_into_the_folder_stays(home: Path, databases: list[Database]) -> None:
    folder = home / "backups"
    (folder / "patterns-20250101").mkdir(parents=True)
    own = [
        "notes.txt",
        "drift-20250101.db",
        "shelves-20250101T120000Z-from-ann.db",
        "shelves-20259999T120000Z-no-moment.db",
        "backup-20250101T120000Z-no.json.old",
    ]
    for name in own:
        (folder / name).write_text(name)
    for _ in range(3):
        make(home, databases, keep=1)
    assert {*own, "patterns-20250101"} < set(names(home))
    assert all((folder / name).read_text() == name for name in own)
    [mine, anns] = backup.listed(folder)
    assert mine.problem is None
    assert (anns.reason, anns.problem) == ("from-ann", "it has no manifest, so that nothing says whether it is whole")


def test_one_backup_is_enough_when_several_find_an_older_store(home: Path, databases: list[Database]) -> None:
    first = make(home, databases, backup.MIGRATION)
    assert make(home, databases, backup.MIGRATION) == first
    assert make(home, databases, "requested").stamp != first.stamp
    assert make(home, databases, backup.MIGRATION) == first
    assert len(backup.listed(home / "backups")) == 2
    add(databases[1], "poems")
    assert make(home, databases, backup.MIGRATION) != first


# -- when it fails


def damaged_by_garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)


def damaged_by_a_bit(path: Path) -> None:
    flip(path, path.read_bytes().index(b"xxxxxxxxxxxxxxxx") + 5)


def damaged_in_a_free_page(path: Path) -> None:
    with closing(apsw.Connection(str(path))) as db:
        pages = db.pragma("page_count")
        assert db.pragma("freelist_count") > 100
    flip(path, (pages - 2) * 4096 + 100)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50_000])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


DAMAGES = [damaged_by_garbage, damaged_by_a_bit, damaged_in_a_free_page, cut_short, emptied]


@pytest.fixture
def at_rest(home: Path, library: Schema) -> list[Database]:
    """Two databases that nobody has open, the first with free pages."""
    both = [Database(home / name, library) for name in ("shelves.db", "ledger.db")]
    for each in both:
        add(each, "novels")
        fill(each, 2)
    with closing(migrate.opened(both[0].path, library)) as db:
        db.execute("DELETE FROM books WHERE id > 500")
    return both


@pytest.mark.parametrize("damage", DAMAGES)
def test_of_a_damaged_database_no_backup_is_made_and_it_stays_as_it_is(
    home: Path, at_rest: list[Database], damage: Callable[[Path], None]
) -> None:
    damage(at_rest[0].path)
    before = at_rest[0].path.read_bytes()
    with pytest.raises(StoreDamaged, match=r"shelves\.db is (damaged|not a database|empty)") as told:
        make(home, at_rest)
    assert told.value.file == "shelves.db"
    assert at_rest[0].path.read_bytes() == before
    assert names(home) == []


def test_of_a_database_of_another_program_no_backup_is_made(home: Path, at_rest: list[Database]) -> None:
    at_rest[1].path.unlink()
    with closing(apsw.Connection(str(at_rest[1].path))) as db:
        db.execute("CREATE TABLE notes (text)")
    with pytest.raises(StoreUnusable, match=r"ledger\.db is a database of another program"):
        make(home, at_rest)
    assert names(home) == []


def test_an_index_that_contradicts_its_table_is_damage(home: Path, at_rest: list[Database]) -> None:
    with closing(connection.open_any(at_rest[0].path, apsw.SQLITE_OPEN_READWRITE)) as db:
        db.pragma("writable_schema", True)
        db.execute("CREATE INDEX idx_books_title ON books (title)")
        db.execute(
            "UPDATE sqlite_schema SET sql = 'CREATE INDEX idx_books_title ON books (shelf_id)' WHERE rootpage > 5"
        )
        db.pragma("schema_version", 77)
    with pytest.raises(StoreDamaged, match=r"no backup was made of it: .*idx_books_title"):
        make(home, at_rest)
    assert names(home) == []


def test_without_room_nothing_is_left_behind(home: Path, at_rest: list[Database]) -> None:
    before = [each.path.read_bytes() for each in at_rest]
    make(home, [at_rest[0]])
    there = names(home)
    done = run(NO_ROOM, home)
    assert "StoreUnusable: No backup can be written to" in done.stderr
    assert names(home) == there
    assert [each.path.read_bytes() for each in at_rest] == before


def test_a_file_in_the_place_of_the_folder_is_said(home: Path, at_rest: list[Database]) -> None:
    (home / "backups").write_text("mine")
    with pytest.raises(StoreUnusable, match=r"No backup can be written to .*/backups/: File exists"):
        make(home, at_rest)
    assert (home / "backups").read_text() == "mine"


def test_who_interrupts_it_leaves_nothing_behind(home: Path, at_rest: list[Database]) -> None:
    def interrupt(stage: str, done: int, total: int) -> None:
        if stage == "check ledger.db":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(home, at_rest, on_progress=interrupt)
    assert names(home) == []


@pytest.mark.parametrize("moment", range(1, 9))
def test_a_killed_backup_is_none_and_the_next_one_clears_up(home: Path, at_rest: list[Database], moment: int) -> None:
    before = [each.path.read_bytes() for each in at_rest]
    done = run(DIE_MAKING, home, str(moment))
    assert done.returncode == -signal.SIGKILL or done.stdout == "made\n", done.stderr
    if done.returncode:
        [unfinished] = backup.listed(home / "backups")
        assert unfinished.problem is not None and unfinished.problem.startswith("unfinished")
        with pytest.raises(DriftError, match="no whole backup"):
            backup.named(home / "backups", "latest")
    made = make(home, at_rest, at=datetime.now(UTC))
    assert [each.problem for each in backup.listed(home / "backups")] == [None] * (1 if done.returncode else 2)
    assert len(names(home)) == 3 * len(backup.listed(home / "backups"))
    assert backup.verified(home / "backups", made).problem is None
    assert [each.path.read_bytes() for each in at_rest] == before


# -- looking at them


def test_without_a_folder_there_are_none(tmp_path: Path) -> None:
    assert backup.listed(tmp_path / "backups") == []
    with pytest.raises(DriftError, match="There is no backup yet"):
        backup.named(tmp_path / "backups", "latest")


def a_file_gone(folder: Path, made: Backup) -> None:
    (folder / made.file("ledger.db")).unlink()


def a_file_cut(folder: Path, made: Backup) -> None:
    cut_short(folder / made.file("ledger.db"))
    (folder / made.file("ledger.db")).write_bytes(b"x" * 77)


def no_manifest(folder: Path, made: Backup) -> None:
    (folder / f"backup-{made.stamp}-{made.reason}.json").unlink()


def manifest(text: str) -> Callable[[Path, Backup], None]:
    def write(folder: Path, made: Backup) -> None:
        (folder / f"backup-{made.stamp}-{made.reason}.json").write_text(text)

    return write


SPOILT = [
    (a_file_gone, "ledger-20261128T120000Z-requested.db is missing"),
    (a_file_cut, "ledger-20261128T120000Z-requested.db has 77 bytes and not"),
    (no_manifest, "no manifest"),
    (manifest(""), "its manifest cannot be read"),
    (manifest("[]"), "its manifest cannot be read"),
    (manifest('{"drift_backup": 1, "taken_at": 7}'), "its manifest cannot be read"),
    (manifest('{"drift_backup": 2}'), "a newer Drift"),
    (
        manifest(
            '{"drift_backup": 1, "taken_at": "2026-11-28T12:00:00Z", "program": "1", "copies": [{"database": '
            '"../../secret.db", "bytes": 1, "blake3": "", "schema": 1, "loose": 0}]}'
        ),
        "its manifest cannot be read",
    ),
]


@pytest.mark.parametrize(("spoil", "message"), SPOILT)
def test_what_is_not_whole_is_listed_and_not_chosen(
    home: Path, databases: list[Database], spoil: Callable[[Path, Backup], None], message: str
) -> None:
    folder = home / "backups"
    made, other = make(home, databases), make(home, databases)
    spoil(folder, made)
    [_, spoilt] = backup.listed(folder)
    assert spoilt.problem is not None and message in spoilt.problem
    with pytest.raises(DriftError, match=rf"20261128T120000Z \(requested\) is not whole.*Whole are {other.stamp}"):
        backup.named(folder, made.stamp)
    assert backup.named(folder, "latest") == other


def test_a_flipped_bit_is_found_by_looking_closely(home: Path, databases: list[Database]) -> None:
    folder = home / "backups"
    made, other = make(home, databases), make(home, databases)
    flip(folder / made.file("ledger.db"), 5000)
    assert [each.problem for each in backup.listed(folder)] == [None, None]
    assert [backup.verified(folder, each).problem for each in (other, made)] == [
        None,
        "ledger-20261128T120000Z-requested.db is not what was written: its checksum differs",
    ]


def test_one_is_found_by_how_its_stamp_begins(home: Path, databases: list[Database]) -> None:
    folder = home / "backups"
    monday = make(home, databases, "monday")
    tuesday = make(home, databases, at=NOON + timedelta(days=1))
    undo = make(home, databases, backup.RESTORE, at=NOON + timedelta(days=2))
    assert backup.named(folder, monday.stamp) == monday
    assert backup.named(folder, "20261129") == tuesday
    assert backup.named(folder, f"{monday.stamp}-mon") == monday
    assert backup.named(folder, undo.stamp) == undo
    assert backup.named(folder, "latest") == tuesday, "a restore twice is the same as once"
    with pytest.raises(DriftError, match=r"2 backups begin with '2026112': .*T120000Z \(requested\), .*\(monday\)"):
        backup.named(folder, "2026112")
    with pytest.raises(DriftError, match=r"No backup '20261127'; nearest: "):
        backup.named(folder, "20261127")
    with pytest.raises(DriftError, match=r"No backup ''; nearest: "):
        backup.named(folder, "")


def test_the_way_back_is_the_latest_when_there_is_no_other(home: Path, databases: list[Database]) -> None:
    undo = make(home, databases, backup.RESTORE)
    assert backup.named(home / "backups", "latest") == undo
