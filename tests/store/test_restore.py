"""A restore changes all databases or none, under the eyes of whoever has them open, and can be undone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp.errors import StoreUnusable
from drift_mcp.store import backup, connection, flaws, migrate, restore
from drift_mcp.store.backup import Backup, Database
from drift_mcp.store.restore import Restored
from drift_mcp.store.schema import Schema
from drift_mcp.store.writer import Writer

ROOT = Path(__file__).parents[2]

# Every program has the two databases of its first argument, and does its own.
BEGIN = """
import os, signal, sys
from pathlib import Path
from drift_mcp.store import backup, migrate, restore, schema
from drift_mcp.store.writer import Writer
home = Path(sys.argv[1])
library = schema.read("library", 0x54455354, root=home / "schema")
databases = [backup.Database(home / name, library) for name in ("shelves.db", "ledger.db")]
"""

# Dies at the n-th call of anything, in the restore or below it: a point in every few lines, also between two changes.
DIE_RESTORING = (
    BEGIN
    + """
calls, last = 0, int(sys.argv[2])
def count(frame, event, argument):
    global calls
    if event in ("call", "c_call"):
        calls += 1
        if calls == last:
            os.kill(os.getpid(), signal.SIGKILL)
with backup.alone(home):
    chosen = backup.named(home / "backups", sys.argv[3])
    sys.setprofile(count)
    restore.put_back(home, databases, chosen, program="1", keep=100)
    sys.setprofile(None)
print(calls)
"""
)

# Dies when a function of this name calls or is called for the n-th time.
DIE_AT = (
    BEGIN
    + """
place, callee, left = sys.argv[2], sys.argv[3], int(sys.argv[4])
def watch(frame, event, argument):
    global left
    name = argument.__name__ if event == "c_call" else frame.f_code.co_name
    caller = frame if event == "c_call" else frame.f_back
    if event in ("call", "c_call") and name == callee and caller.f_code.co_name == place:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
with backup.alone(home):
    chosen = backup.named(home / "backups", "latest")
    sys.setprofile(watch)
    restore.put_back(home, databases, chosen, program="1", keep=100)
"""
)
# The first database has changed, the second has not.
BETWEEN = ("_change_over", "step", "2")

HOLD = (
    BEGIN
    + """
writer = Writer(migrate.opened(home / "ledger.db", library), home / "ledger.db", library)
with writer.transaction() as tx:
    tx.execute("INSERT INTO shelves (name) VALUES ('being written')")
    print("holding", flush=True)
    sys.stdin.readline()
"""
)

ADD_AND_CLOSE = (
    BEGIN
    + """
writer = Writer(migrate.opened(home / "shelves.db", library), home / "shelves.db", library)
with writer.transaction() as tx:
    tx.execute("INSERT INTO shelves (name) VALUES ('by-another')")
writer.close()
"""
)

TELL = (
    BEGIN
    + """
for name, in migrate.opened(home / "shelves.db", library).execute("SELECT name FROM shelves ORDER BY id"):
    print(name)
"""
)

NO_ROOM = (
    BEGIN
    + """
import resource
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with backup.alone(home):
    chosen = backup.named(home / "backups", "latest")
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    restore.put_back(home, databases, chosen, program="1", keep=5)
"""
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def databases(home: Path, library: Schema) -> list[Database]:
    """Two, each with a shelf 'then' that was backed up and a shelf 'now' that was not."""
    both = [Database(home / name, library) for name in ("shelves.db", "ledger.db")]
    for each in both:
        add(each, "then")
        fill(each)
    make(home, both)
    for each in both:
        add(each, "now")
    return both


def add(database: Database, name: str) -> None:
    with closing(migrate.opened(database.path, database.schema)) as db:
        db.execute("INSERT INTO shelves (name) VALUES (?)", (name,))


def fill(database: Database) -> None:
    with closing(migrate.opened(database.path, database.schema)) as db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT INTO books (shelf_id, title) VALUES (1, ?)", [("x" * 1000,) for _ in range(500)])
        db.execute("COMMIT")


def make(home: Path, databases: list[Database]) -> Backup:
    with backup.alone(home):
        return backup.create(home, databases, "requested", program="1", keep=100)


def put_back(home: Path, databases: list[Database], asked: str = "latest", *, keep: int = 100) -> Restored:
    with backup.alone(home):
        chosen = backup.named(home / "backups", asked)
        return restore.put_back(home, databases, chosen, program="1", keep=keep)


def finish(home: Path, databases: list[Database]) -> None:
    with backup.alone(home):
        restore.finish(home, databases)


def shelves(path: Path) -> list[str]:
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
        return [str(name) for (name,) in db.execute("SELECT name FROM shelves ORDER BY id").fetchall()]


def state(databases: list[Database]) -> list[list[str]]:
    return [shelves(each.path) for each in databases]


THEN = [["then"], ["then"]]
NOW = [["then", "now"], ["then", "now"]]


def left_over(home: Path) -> set[str]:
    """What lies there beside the backups, the lock and what SQLite keeps for readers."""
    names = {each.name for each in home.iterdir() if not each.name.endswith(("-wal", "-shm"))}
    return names - {"schema", "backups", "backup.lock"}


def are_sound(databases: list[Database]) -> bool:
    return all(flaws.at_rest(each.path) is None for each in databases)


def run(program: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, str(home), *arguments], capture_output=True, text=True, cwd=ROOT, timeout=120
    )


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


# -- what it does


def test_both_databases_are_as_they_were_and_back_again(home: Path, databases: list[Database]) -> None:
    done = put_back(home, databases)
    assert state(databases) == THEN
    assert done.undo is not None and done.undo.reason == "restore"
    assert (done.aside, done.untouched) == (None, ())
    assert left_over(home) == {"shelves.db", "ledger.db"}
    again = put_back(home, databases, done.undo.stamp)
    assert state(databases) == NOW
    assert again.undo is not None
    put_back(home, databases, again.undo.stamp)
    assert state(databases) == THEN
    assert are_sound(databases)


def test_twice_the_latest_is_the_same_as_once(home: Path, databases: list[Database]) -> None:
    assert put_back(home, databases).backup == put_back(home, databases).backup
    assert state(databases) == THEN


def test_the_oldest_one_is_not_driven_out_by_the_way_back(home: Path, databases: list[Database]) -> None:
    oldest = backup.named(home / "backups", "latest")
    make(home, databases)
    put_back(home, databases, oldest.stamp, keep=1)
    assert state(databases) == THEN
    assert [each.reason for each in backup.listed(home / "backups")] == ["restore", "requested"]


def test_a_database_that_the_backup_lacks_stays_as_it_is(home: Path, databases: list[Database]) -> None:
    one = make(home, databases[:1])
    for each in databases:
        add(each, "later")
    done = put_back(home, databases, one.stamp)
    assert state(databases) == [["then", "now"], ["then", "now", "later"]]
    assert done.untouched == ("ledger.db",)
    assert done.undo is not None and len(done.undo.copies) == 2


def test_databases_that_are_gone_come_back(home: Path, databases: list[Database]) -> None:
    for each in databases:
        each.path.unlink()
    done = put_back(home, databases)
    assert state(databases) == THEN
    assert (done.undo, done.aside) == (None, None)
    add(databases[0], "after")
    assert shelves(databases[0].path) == ["then", "after"]


def test_a_wal_without_its_database_is_not_played_into_the_new_one(home: Path, databases: list[Database]) -> None:
    with closing(migrate.opened(databases[0].path, databases[0].schema)) as db:
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        db.execute("INSERT INTO shelves (name) VALUES ('only in the wal')")
    wal = home / "shelves.db-wal"
    assert wal.stat().st_size > 0
    databases[0].path.unlink()
    done = put_back(home, databases)
    assert state(databases) == THEN
    assert are_sound(databases)
    assert done.aside is not None and (done.aside / "shelves.db-wal").stat().st_size > 0


def test_the_new_state_may_know_of_the_old_one(home: Path, databases: list[Database]) -> None:
    told: list[tuple[list[str], list[str] | None]] = []

    def carry_on(restored: apsw.Connection, live: apsw.Connection | None) -> None:
        seen = [[name for (name,) in db.execute("SELECT name FROM shelves")] for db in (restored, live) if db]
        told.append((seen[0], seen[1] if live else None))
        restored.execute("INSERT INTO shelves (name) VALUES ('carried on')")

    knowing = [each._replace(carry_on=carry_on) for each in databases]
    databases[1].path.write_bytes(b"")
    done = put_back(home, knowing)
    assert told == [(["then"], ["then", "now"]), (["then"], None)]
    assert state(databases) == [["then", "carried on"]] * 2
    with closing(
        connection.open_any(home / "backups" / done.backup.file("ledger.db"), apsw.SQLITE_OPEN_READONLY)
    ) as db:
        assert db.execute("SELECT name FROM shelves").fetchall() == [("then",)], "the backup itself is as it was"


# -- under the eyes of others


@pytest.fixture
def writer(databases: list[Database]) -> Iterator[Writer]:
    path, library = databases[0].path, databases[0].schema
    opened = Writer(migrate.opened(path, library), path, library)
    yield opened
    opened.close()


def test_a_reader_keeps_what_it_reads_and_then_sees_the_new_state(
    home: Path, databases: list[Database], writer: Writer
) -> None:
    with closing(connection.open_reader(databases[0].path, databases[0].schema)) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT name FROM shelves").fetchall()
        put_back(home, databases)
        assert reader.execute("SELECT name FROM shelves").fetchall() == before == [("then",), ("now",)]
        assert reader.execute("SELECT count(*) FROM books WHERE title = ?", ("x" * 1000,)).get == 500
        reader.execute("COMMIT")
        assert reader.execute("SELECT name FROM shelves").fetchall() == [("then",)]
        assert reader.pragma("integrity_check") == "ok"


def test_whoever_has_it_open_writes_on_and_loses_nothing(home: Path, databases: list[Database], writer: Writer) -> None:
    with writer.transaction() as tx:
        tx.execute("INSERT INTO shelves (name) VALUES ('lost by the restore')")
    put_back(home, databases)
    with writer.transaction() as tx:
        tx.execute("INSERT INTO shelves (name) VALUES ('kept')")
    # The trap: had a plain file been opened and closed here, our locks would be gone. This other process would then
    # take the WAL away when it closes, and what we write next would be lost.
    assert run(ADD_AND_CLOSE, home).returncode == 0
    with writer.transaction() as tx:
        tx.execute("INSERT INTO shelves (name) VALUES ('kept-too')")
    assert run(TELL, home).stdout.split() == ["then", "kept", "by-another", "kept-too"]


def test_while_another_process_writes_it_is_refused(home: Path, databases: list[Database]) -> None:
    holding = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    with holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == "holding\n"
        who = f"process {holding.pid}" if sys.platform == "linux" else "another process"
        with pytest.raises(StoreUnusable, match=rf"ledger\.db is being written by {who}.*nothing was changed"):
            put_back(home, databases)
        assert len(backup.listed(home / "backups")) == 1
        holding.communicate("\n")
    assert state(databases) == [["then", "now"], ["then", "now", "being written"]]
    put_back(home, databases)
    assert state(databases) == THEN


# -- what is there is damaged


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)


def a_bit(path: Path) -> None:
    flip(path, path.read_bytes().index(b"xxxxxxxxxxxxxxxx") + 5)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50_000])


def nothing(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [garbage, a_bit, cut, nothing])
def test_what_is_damaged_is_moved_aside(home: Path, databases: list[Database], damage: Callable[[Path], None]) -> None:
    damage(databases[0].path)
    content = databases[0].path.read_bytes()
    done = put_back(home, databases)
    assert state(databases) == THEN
    assert are_sound(databases)
    assert done.aside is not None and done.aside.parent == home / "backups"
    assert (done.aside / "shelves.db").read_bytes() == content
    assert done.undo is not None and [copy.database for copy in done.undo.copies] == ["ledger.db"]
    assert left_over(home) == {"shelves.db", "ledger.db"}
    add(databases[0], "after")
    make(home, databases)
    assert (done.aside / "shelves.db").exists(), "no later backup takes it away"


def test_a_database_of_another_program_is_refused(home: Path, databases: list[Database]) -> None:
    databases[1].path.unlink()
    with closing(apsw.Connection(str(databases[1].path))) as db:
        db.execute("CREATE TABLE notes (text)")
    before = databases[1].path.read_bytes()
    with pytest.raises(StoreUnusable, match=r"ledger\.db is a database of another program"):
        put_back(home, databases)
    assert databases[1].path.read_bytes() == before
    assert shelves(databases[0].path) == NOW[0]
    assert "restoring" not in left_over(home)


# -- what is in the backup


def changed(home: Path, made: Backup, change: Callable[[Path], None], *, told: bool = False) -> None:
    """The ledger's file in the backup, changed; `told`: with a manifest that knows of it."""
    path = home / "backups" / made.file("ledger.db")
    change(path)
    if told:
        manifest = home / "backups" / f"backup-{made.stamp}-{made.reason}.json"
        given = json.loads(manifest.read_text())
        for copy in given["copies"]:
            if copy["database"] == "ledger.db":
                copy |= {"bytes": path.stat().st_size, "blake3": backup.digest(path)}
        manifest.write_text(json.dumps(given))


def newer(path: Path) -> None:
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READWRITE)) as db:
        db.pragma("user_version", 9)


def foreign(path: Path) -> None:
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READWRITE)) as db:
        db.pragma("application_id", 42)


@pytest.mark.parametrize(
    ("change", "told", "message"),
    [
        (lambda path: flip(path, 30_000), False, r"ledger-\S+-requested\.db is damaged: its checksum"),
        (lambda path: flip(path, 30_000), True, r"ledger-\S+-requested\.db is damaged: a page is not what was written"),
        (newer, True, r"ledger\.db was made by a newer Drift \(schema 9; this one knows 1\)"),
        (foreign, True, r"ledger\.db is a database of another program"),
    ],
)
def test_a_backup_that_cannot_be_used_changes_nothing(
    home: Path, databases: list[Database], change: Callable[[Path], None], told: bool, message: str
) -> None:
    made = backup.named(home / "backups", "latest")
    changed(home, made, change, told=told)
    with pytest.raises(StoreUnusable, match=message):
        put_back(home, databases)
    assert state(databases) == NOW
    assert left_over(home) == {"shelves.db", "ledger.db"}
    assert len(backup.listed(home / "backups")) == 1


def test_a_backup_of_a_newer_schema_is_refused(home: Path, databases: list[Database]) -> None:
    newer(databases[1].path)
    make(home, databases)
    with pytest.raises(StoreUnusable, match=r"has schema 9, and this Drift knows 1\. Nothing was changed"):
        put_back(home, databases)
    assert len(backup.listed(home / "backups")) == 2


def test_an_older_store_comes_back_over_a_newer_one(home: Path, databases: list[Database]) -> None:
    for each in databases:
        newer(each.path)
    done = put_back(home, databases)
    assert state(databases) == THEN
    assert [connection.schema_version(each.path, each.schema) for each in databases] == [1, 1]
    assert done.undo is not None and [copy.schema for copy in done.undo.copies] == [9, 9]


def test_a_backup_of_an_older_schema_is_brought_up_and_stays_as_it_is(
    home: Path, databases: list[Database], make_schema: Callable[..., Schema]
) -> None:
    today = make_schema(steps={"0002_colours.sql": "ALTER TABLE shelves ADD COLUMN colour TEXT;"})
    made = backup.named(home / "backups", "latest")
    files = [home / "backups" / made.file(each.path.name) for each in databases]
    before = [path.read_bytes() for path in files]
    for each in databases:
        migrate.opened(each.path, today).close()
    put_back(home, [each._replace(schema=today) for each in databases])
    assert state(databases) == THEN
    for each in databases:
        with closing(connection.open_reader(each.path, today)) as db:
            assert db.execute("SELECT count(*) FROM shelves WHERE colour IS NULL").get == 1
    assert [path.read_bytes() for path in files] == before


def without_checksums(database: Database, name: str) -> None:
    """The same store as an earlier Drift would have made it."""
    database.path.unlink()
    with closing(apsw.Connection(str(database.path))) as db:
        for _ in db.execute(database.schema.tables + database.schema.views):
            pass
        db.execute("BEGIN")
        db.execute("INSERT INTO shelves (name) VALUES (?)", (name,))
        db.executemany("INSERT INTO books (shelf_id, title) VALUES (1, ?)", [("y" * 1000,) for _ in range(5000)])
        db.execute("COMMIT")
        db.pragma("application_id", database.schema.application_id)
        db.pragma("user_version", database.schema.version)


def test_a_backup_from_before_checksums_gets_them(home: Path, databases: list[Database]) -> None:
    bare = [each._replace(path=home / "old" / each.path.name) for each in databases]
    (home / "old").mkdir()
    for each in bare:
        each.path.touch()
        without_checksums(each, "long ago")
    old = make(home / "old", bare)
    for each in (home / "old" / "backups").iterdir():
        each.replace(home / "backups" / each.name)
    put_back(home, databases, f"{old.stamp}-{old.reason}")
    assert state(databases) == [["long ago"]] * 2
    for each in databases:
        assert each.path.read_bytes()[20] == 8
        assert flaws.at_rest(each.path) is None
        a_page = each.path.read_bytes().index(b"yyyyyyyyyyyyyyyy")
        flip(each.path, a_page)
        assert flaws.at_rest(each.path) is not None


def test_over_a_store_from_before_checksums_it_says_how(home: Path, databases: list[Database]) -> None:
    without_checksums(databases[0], "long ago")
    with pytest.raises(StoreUnusable, match=r"before Drift kept checksums.*move shelves\.db away.*shelves\.db-wal"):
        put_back(home, databases)
    assert state(databases) == [["long ago"], ["then", "now"]]
    assert not {"restoring", "restore.json"} & left_over(home)
    assert len(backup.listed(home / "backups")) == 1, "with nothing changed there is no way back"
    for name in ("shelves.db", "shelves.db-wal", "shelves.db-shm"):
        (home / name).unlink(missing_ok=True)
    put_back(home, databases)
    assert state(databases) == THEN


# -- when it is stopped


@pytest.mark.parametrize("share", [0.5, 1], ids=["for the copy", "for the change"])
def test_without_room_nothing_changes(home: Path, databases: list[Database], share: float) -> None:
    # A WAL takes more room than the pages in it.
    largest = max(each.path.stat().st_size for each in databases)
    done = run(NO_ROOM, home, str(int(largest * share)))
    assert "StoreUnusable: Nothing was restored" in done.stderr or "no backup was made" in done.stderr, done.stderr
    assert len(backup.listed(home / "backups")) == 1
    assert state(databases) == NOW
    assert are_sound(databases)
    assert not {"restoring", "restore.json"} & left_over(home)
    put_back(home, databases)
    assert state(databases) == THEN


def test_who_interrupts_it_finds_the_old_state(home: Path, databases: list[Database]) -> None:
    stages: list[str] = []

    def interrupt(stage: str, done: int, total: int) -> None:
        stages.append(stage)
        if stage == "restore ledger.db":
            raise KeyboardInterrupt

    with backup.alone(home), pytest.raises(KeyboardInterrupt):
        restore.put_back(
            home, databases, backup.named(home / "backups", "latest"), program="1", keep=5, on_progress=interrupt
        )
    assert state(databases) == NOW
    assert left_over(home) == {"shelves.db", "ledger.db"}


def calls_of_a_restore(home: Path) -> int:
    """How many there are; the restore that counts them is undone."""
    chosen = backup.named(home / "backups", "latest")
    done = run(DIE_RESTORING, home, "0", chosen.stamp)
    assert done.returncode == 0, done.stderr
    undo = run(DIE_RESTORING, home, "0", backup.listed(home / "backups")[0].stamp)
    assert undo.returncode == 0, undo.stderr
    return int(done.stdout)


def test_killed_anywhere_it_leaves_the_old_state_or_the_new_one(home: Path, databases: list[Database]) -> None:
    calls = calls_of_a_restore(home)
    chosen = backup.named(home / "backups", "latest")
    # Most calls check and copy; what is delicate lies in the last of them.
    for at in (calls // 3, calls * 2 // 3, *range(calls - 60, calls, 12)):
        done = run(DIE_RESTORING, home, str(at), chosen.stamp)
        assert done.returncode == -signal.SIGKILL, done.stderr
        finish(home, databases)
        assert state(databases) in (NOW, THEN), f"killed at call {at} of {calls}"
        assert are_sound(databases)
        assert not {"restoring", "restore.json"} & left_over(home)
        make(home, databases[:1])
        if state(databases) == THEN:
            for each in databases:
                add(each, "now")


def test_killed_between_two_databases_it_is_finished_and_what_came_later_is_kept(
    home: Path, databases: list[Database]
) -> None:
    done = run(DIE_AT, home, *BETWEEN)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert restore.is_unfinished(home)
    assert state(databases) == [["then"], ["then", "now"]]
    add(databases[0], "since then")
    finish(home, databases)
    assert state(databases) == [["then", "since then"], ["then"]]
    assert are_sound(databases)
    finish(home, databases)
    assert left_over(home) == {"shelves.db", "ledger.db"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda home: (home / "restore.json").write_text("{"),
        lambda home: (home / "restore.json").write_text('{"drift_restore": 2}'),
        lambda home: (home / "restoring" / "ledger.db").unlink(),
        lambda home: garbage(home / "ledger.db"),
    ],
)
def test_one_that_cannot_be_finished_says_so_and_another_takes_its_place(
    home: Path, databases: list[Database], spoil: Callable[[Path], object]
) -> None:
    assert run(DIE_AT, home, *BETWEEN).returncode == -signal.SIGKILL
    spoil(home)
    with pytest.raises(StoreUnusable, match="drift backup"):
        finish(home, databases)
    assert restore.is_unfinished(home)
    put_back(home, databases)
    assert state(databases) == THEN
    assert not {"restoring", "restore.json"} & left_over(home)


@pytest.mark.parametrize(
    ("place", "callee", "number"),
    [
        ("_change_over", "_move_in", "1"),
        ("_move_in", "renamed", "1"),
        ("_move_in", "renamed", "2"),
        ("renamed", "folder", "3"),
    ],
)
def test_a_restore_of_gone_and_damaged_files_is_finished_too(
    home: Path, databases: list[Database], place: str, callee: str, number: str
) -> None:
    databases[0].path.unlink()
    garbage(databases[1].path)
    content = databases[1].path.read_bytes()
    assert run(DIE_AT, home, place, callee, number).returncode == -signal.SIGKILL
    assert restore.is_unfinished(home)
    finish(home, databases)
    assert state(databases) == THEN
    assert are_sound(databases)
    [aside] = (each for each in (home / "backups").iterdir() if each.name.startswith("damaged-"))
    assert [each.name for each in aside.iterdir()] == ["ledger.db"]
    assert (aside / "ledger.db").read_bytes() == content
    assert left_over(home) == {"shelves.db", "ledger.db"}
