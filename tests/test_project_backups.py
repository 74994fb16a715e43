"""A project's two databases as one: backed up before they are brought up, restored as a pair, and never touched by a
plain file call."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp.cortex.cortex import NewMemory
from drift_mcp.errors import AlreadyRunning, DriftError, NotInitialised, StoreUnusable
from drift_mcp.project import DRIFT_ID, Project, init
from drift_mcp.store import backup, connection, lock, migrate, restore, schema
from drift_mcp.tables import status

ROOT = Path(__file__).parents[1]
FIRST = schema.Schema(
    "drift",
    DRIFT_ID,
    (ROOT / "tests" / "schema" / "drift_version_1.sql").read_text(encoding="utf-8"),
    "",
    (),
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's registry lies in the test's own folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DRIFT_HOME", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


@pytest.fixture
def project(root: Path) -> Iterator[Project]:
    with Project(root) as opened:
        init(opened)
        yield opened


def approve(project: Project, name: str) -> None:
    with project.write() as tx:
        tx.execute("INSERT INTO patterns (id, name, category) VALUES (?, ?, 'api')", (name, name))
        status.refresh(tx)


def approved(project: Project) -> list[str]:
    with project.read() as db:
        return [str(name) for (name,) in db.execute("SELECT name FROM patterns ORDER BY name").fetchall()]


def generation(project: Project) -> int:
    with project.read() as db:
        return status.generation(db)


def run(root: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, str(root), *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=120,
    )


# -- both together


def test_both_databases_are_backed_up_and_put_back(project: Project) -> None:
    approve(project, "then")
    made = project.back_up("requested")
    assert [copy.database for copy in made.copies] == ["drift.db", "cortex.db"]
    assert backup.verified(project.backups, made).problem is None
    approve(project, "now")
    done = project.put_back(made.stamp)
    assert approved(project) == ["then"]
    assert done.undo is not None
    project.put_back(done.undo.stamp)
    assert approved(project) == ["now", "then"]
    assert project.memory.standing().memories == 0


def test_a_project_without_a_store_has_nothing_to_back_up(root: Path) -> None:
    with Project(root) as empty:
        with pytest.raises(NotInitialised):
            empty.back_up("requested")
        with pytest.raises(NotInitialised):
            empty.put_back("latest")
    assert not (root / ".drift").exists()


def test_how_many_stay_is_set_in_the_configuration(project: Project) -> None:
    config = project.store.parent / "config.toml"
    config.write_text("[backup]\nkeep = 2\n")
    for _ in range(4):
        project.back_up("requested")
    assert len(backup.listed(project.backups)) == 2
    project.back_up("requested", keep=1)
    assert len(backup.listed(project.backups)) == 1
    config.write_text("[backup]\nkeeps = 2\n")
    with pytest.raises(DriftError, match="Nearest: 'keep'"):
        project.back_up("requested")


def test_the_generation_never_goes_back(project: Project) -> None:
    """A cursor is bound to it: it must not fit the state that a restore made."""
    made = project.back_up("requested")
    seen = [generation(project)]
    for name in "abc":
        approve(project, name)
        seen.append(generation(project))
    done = project.put_back(made.stamp)
    seen.append(generation(project))
    assert done.undo is not None
    project.put_back(done.undo.stamp)
    seen.append(generation(project))
    project.close()
    project.store.write_bytes(b"damaged")
    project.put_back(made.stamp)
    seen.append(generation(project))
    assert seen == sorted(set(seen))


def test_during_a_scan_nothing_is_restored_and_backups_are_made(project: Project) -> None:
    with lock.exclusive(project.scan_lock):
        project.back_up("requested")
        with pytest.raises(AlreadyRunning, match=r"Another scan of this project is running \(process \d+"):
            project.put_back("latest")


# -- an older schema


@pytest.fixture
def older(root: Path) -> Project:
    (root / ".drift").mkdir()
    with closing(migrate.opened(root / ".drift" / "drift.db", FIRST)) as db:
        db.execute("INSERT INTO patterns (id, name, category) VALUES ('p', 'of old', 'api')")
    return Project(root)


@pytest.mark.parametrize("door", ["read", "write", "init"])
def test_an_older_store_is_backed_up_before_it_is_brought_up(older: Project, door: str) -> None:
    with older:
        if door == "init":
            init(older)
        else:
            with getattr(older, door)() as db:
                assert db.execute("SELECT name FROM patterns").fetchall() == [("of old",)]
        [made] = backup.listed(older.backups)
    assert (made.reason, made.problem) == ("migration", None)
    assert [(copy.database, copy.schema) for copy in made.copies] == [("drift.db", 1)]


def test_a_backup_of_an_older_schema_can_be_put_back(older: Project) -> None:
    with older:
        init(older)
        approve(older, "since then")
        older.put_back("latest")
        assert approved(older) == ["of old"]
        assert {each.reason for each in backup.listed(older.backups)} == {"migration", "restore"}


def test_an_older_store_is_not_touched_when_it_cannot_be_backed_up(older: Project) -> None:
    older.backups.write_text("a file in the way")
    before = older.store.read_bytes()
    with older, pytest.raises(StoreUnusable, match=r"backed up before it is brought up\. No backup can be written"):
        _ = older.writer
    assert older.store.read_bytes() == before


def test_a_store_of_today_is_not_backed_up_by_being_opened(project: Project) -> None:
    assert approved(project) == []
    _ = project.memory
    assert backup.listed(project.backups) == []


OPEN = """
import sys
from pathlib import Path
from drift_mcp.project import Project
sys.stdin.readline()
with Project(Path(sys.argv[1])) as project:
    _ = project.writer
"""


def test_many_that_find_an_older_store_at_once_make_one_backup(older: Project) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", OPEN, str(older.root)], stdin=subprocess.PIPE, text=True, cwd=ROOT)
        for _ in range(4)
    ]
    for process in processes:
        process.communicate("\n")
    assert [process.returncode for process in processes] == [0] * 4
    assert [each.reason for each in backup.listed(older.backups)] == ["migration"]


# -- a restore that was killed

DIE_BETWEEN = """
import os, signal, sys
from pathlib import Path
from drift_mcp.project import Project
ends = 0
def watch(frame, event, argument):
    global ends
    if event == "c_call" and frame.f_code.co_name == "_change_over" and argument.__name__ == "step":
        ends += 1
        if ends == 2:
            os.kill(os.getpid(), signal.SIGKILL)
with Project(Path(sys.argv[1])) as project:
    sys.setprofile(watch)
    project.put_back("latest")
"""


def memories(project: Project) -> int:
    """As they stand in the file, whoever has it open."""
    path = project.store.parent / "cortex.db"
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY)) as db:
        return int(db.execute("SELECT count(*) FROM memories").get)


@pytest.mark.parametrize("door", ["read", "write", "memory", "back_up", "put_back"])
def test_whoever_opens_the_project_next_finishes_a_restore_that_was_killed(project: Project, door: str) -> None:
    approve(project, "then")
    project.back_up("requested")
    approve(project, "now")
    project.memory.add(NewMemory("tribal", "tax is 20 %"))
    if door != "write":  # that one keeps what it has open
        project.close()
    assert run(project.root, DIE_BETWEEN).returncode == -signal.SIGKILL
    assert restore.is_unfinished(project.store.parent)
    assert memories(project) == 1
    if door == "memory":
        assert project.memory.standing().memories == 0
    elif door == "back_up":
        project.back_up("requested")
    elif door == "put_back":
        project.put_back("latest")
    else:
        with getattr(project, door)():
            pass
    assert not restore.is_unfinished(project.store.parent)
    assert approved(project) == ["then"]
    assert memories(project) == 0


# -- plain file calls

WATCHED = """
import sys
from pathlib import Path
opened = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        opened.append(str(arguments[0]))
sys.addaudithook(hook)
from drift_mcp.cli import main
from drift_mcp.project import Project
root = Path(sys.argv[1])
with Project(root) as project:
    with project.read() as db, project.write() as tx:
        pass
    _ = project.memory
    for words in ("create", "list --verify", "restore latest", "list", "create --keep 1"):
        assert main(["backup", *words.split(), "--project", str(root)]) == 0, words
live = {
    str(root / ".drift" / (name + end))
    for name in ("drift.db", "cortex.db")
    for end in ("", "-wal", "-shm", "-journal")
}
assert any("backup-" in path for path in opened)
print(sorted(live & set(opened)))
"""

ADD_AND_CLOSE = """
import sys
from pathlib import Path
from drift_mcp.project import Project
with Project(Path(sys.argv[1])) as project, project.write() as tx:
    tx.execute("INSERT INTO patterns (id, name, category) VALUES (?1, ?1, 'api')", (sys.argv[2],))
"""

TELL = """
import sys
from pathlib import Path
from drift_mcp.project import Project
with Project(Path(sys.argv[1])) as project, project.read() as db:
    print(*[name for (name,) in db.execute("SELECT name FROM patterns ORDER BY id")])
"""


def test_live_files_are_never_opened_by_plain_file_calls(project: Project) -> None:
    """Closing such a file would drop the locks that SQLite holds on it in this process."""
    project.close()
    done = run(project.root, WATCHED)
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "[]"


def locks(path: Path) -> set[tuple[str, ...]]:
    """What this process has locked of a file, as the kernel tells it on Linux; elsewhere nothing does."""
    table = Path("/proc/locks")
    inode = path.stat().st_ino
    lines = [line.split() for line in table.read_text().splitlines()] if table.exists() else []
    return {tuple(fields[3:]) for fields in lines if fields[4] == str(os.getpid()) and fields[5].endswith(f":{inode}")}


def test_what_is_committed_after_a_backup_and_a_restore_is_there_for_all(project: Project) -> None:
    """The trap: were our locks gone, another process that closes would take the WAL away from under us."""
    approve(project, "a")
    made = project.back_up("requested")
    assert backup.verified(project.backups, made).problem is None
    assert run(project.root, ADD_AND_CLOSE, "b").returncode == 0
    approve(project, "c")
    with Project(project.root) as another:
        another.put_back("latest")
    assert run(project.root, ADD_AND_CLOSE, "d").returncode == 0
    approve(project, "e")
    assert run(project.root, TELL).stdout.split() == ["a", "d", "e"]


def test_our_locks_are_as_they_were(project: Project) -> None:
    approve(project, "a")
    _ = project.memory
    files = [project.store, *(project.store.with_name(f"{name}-shm") for name in ("drift.db", "cortex.db"))]
    before = [locks(path) for path in files]
    assert any(before) or sys.platform != "linux"
    made = project.back_up("requested")
    backup.verified(project.backups, made)
    with Project(project.root) as another:
        another.put_back("latest")
    assert [locks(path) for path in files] == before
