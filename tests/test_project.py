"""Finding a project, making its store, and opening it: what is there afterwards, and what is said when it cannot be."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from drift_mcp import project as projects
from drift_mcp.errors import DriftError, NotInitialised, StoreUnusable
from drift_mcp.project import Project, find_root, init, open_project, register, registered, registry_path
from drift_mcp.tables import about

LINES = b"# Drift\n/.drift/*\n!/.drift/drift.lock\n!/.drift/config.toml\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's registry lies in the test's own folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("DRIFT_HOME", str(folder))
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "app" / "api").mkdir(parents=True)
    return folder


def made(root: Path) -> list[str]:
    with Project(root) as project:
        return init(project)


# -- finding the root


def test_the_nearest_folder_with_a_store_is_the_root(root: Path) -> None:
    (root / ".git").mkdir()
    (root / "app" / ".drift").mkdir()
    assert find_root(root / "app" / "api") == root / "app"
    assert find_root(root) == root


def test_else_it_is_the_root_of_the_repository(root: Path) -> None:
    (root / ".git").write_text("gitdir: elsewhere")  # a work tree beside its repository
    assert find_root(root / "app" / "api") == root


def test_else_it_is_the_folder_itself(root: Path) -> None:
    assert find_root(root / "app") == root / "app"


def test_the_registry_in_a_home_makes_no_project_of_all_below_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DRIFT_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    made(root)
    assert registry_path() == tmp_path / ".drift" / "registry.db"
    (tmp_path / "other").mkdir()
    assert find_root(tmp_path / "other") == tmp_path / "other"


def test_a_project_without_a_place_given_is_the_one_around(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(root)
    monkeypatch.chdir(root / "app")
    with open_project() as project:
        assert project.root == root


def a_file(folder: Path) -> Path:
    (folder / "notes.txt").write_text("notes")
    return folder / "notes.txt"


def below_a_file(folder: Path) -> Path:
    return a_file(folder) / "below"


def a_loop(folder: Path) -> Path:
    (folder / "loop").symlink_to(folder / "loop")
    return folder / "loop"


def not_utf8(folder: Path) -> Path:
    strange = folder / "caf\udce9"
    strange.mkdir()
    return strange


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere", "There is no folder .*nowhere"),
        (a_file, "is a file. Give the folder"),
        (below_a_file, "is a file. Give the folder"),
        (a_loop, "Give the path of a repository|cannot be read"),
        (not_utf8, r"caf\\udce9' is not valid UTF-8"),
        (lambda folder: folder / "a\0b", "is no path of a folder"),
    ],
)
def test_what_is_no_folder_is_refused_with_what_to_do(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(DriftError, match=message) as told:
        find_root(make(tmp_path))
    str(told.value).encode()  # can be printed anywhere


# -- making


def test_init_makes_both_databases_and_says_so(root: Path) -> None:
    assert made(root) == [".drift/", ".drift/drift.db", ".drift/cortex.db", "lines in .gitignore"]
    assert {"drift.db", "cortex.db"} <= {each.name for each in (root / ".drift").iterdir()}
    with Project(root) as project, project.read() as db:
        described = about.read(db)
        assert described is not None
        assert (described.name, described.root_path) == ("shop", str(root))
        assert db.pragma("application_id") == projects.DRIFT_ID


def test_init_twice_changes_nothing_the_second_time(root: Path) -> None:
    made(root)
    before = {each: each.read_bytes() for each in root.rglob("*") if each.is_file()}
    assert made(root) == []
    assert {each: each.read_bytes() for each in root.rglob("*") if each.is_file()} == before


def test_a_project_that_was_moved_knows_its_new_place_and_keeps_its_id(root: Path, tmp_path: Path) -> None:
    made(root)
    with Project(root) as project, project.read() as db:
        before = about.read(db)
    moved = root.rename(tmp_path / "store")
    made(moved)
    with Project(moved) as project, project.read() as db:
        after = about.read(db)
    assert before is not None and after is not None
    assert (after.id, after.root_path) == (before.id, str(moved))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, LINES),
        (b"", LINES),
        (b"*.pyc\n", b"*.pyc\n\n" + LINES),
        (b"*.pyc", b"*.pyc\n\n" + LINES),
        (b"*.pyc\r\n", b"*.pyc\r\n\r\n" + LINES.replace(b"\n", b"\r\n")),
        (b"caf\xe9/\n", b"caf\xe9/\n\n" + LINES),
        (LINES, LINES),
        (b"# Drift\n/.drift/*\n", b"# Drift\n/.drift/*\n\n!/.drift/drift.lock\n!/.drift/config.toml\n"),
        (b".drift/\n", b".drift/\n"),
    ],
)
def test_gitignore_gains_the_lines_that_it_lacks_and_nothing_else(
    root: Path, before: bytes | None, after: bytes
) -> None:
    if before is not None:
        (root / ".gitignore").write_bytes(before)
    made(root)
    assert (root / ".gitignore").read_bytes() == after
    made(root)
    assert (root / ".gitignore").read_bytes() == after


def test_git_ignores_the_store_and_keeps_what_people_review(root: Path) -> None:
    made(root)
    (root / ".drift" / "backups").mkdir()
    for name in ("drift.lock", "config.toml", "scan.lock", "drift.db-wal", "backups/drift-1.db"):
        (root / ".drift" / name).touch()
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert listed.stdout.split() == [".drift/config.toml", ".drift/drift.lock", ".gitignore"]


def test_a_file_in_the_place_of_the_folder_is_said(root: Path) -> None:
    (root / ".drift").write_text("not a folder")
    with pytest.raises(StoreUnusable, match=r"cannot hold a \.drift folder"):
        made(root)
    assert (root / ".drift").read_text() == "not a folder"


def test_a_gitignore_that_cannot_be_written_is_said_with_its_lines(root: Path) -> None:
    (root / ".gitignore").mkdir()
    with pytest.raises(DriftError, match=r"\.gitignore cannot be written: .*/\.drift/\*"):
        made(root)


# -- opening


def test_nothing_is_made_by_asking(root: Path) -> None:
    with Project(root) as project:
        assert not project.is_initialised
        for ask in (lambda: project.readers, lambda: project.writer, lambda: project.memory):
            with pytest.raises(NotInitialised, match="scan_project"):
                ask()
    assert not (root / ".drift").exists()


def test_what_was_written_is_read(root: Path) -> None:
    made(root)
    with Project(root) as project:
        with project.write() as tx:
            tx.execute("INSERT INTO config (key, value) VALUES ('colour', '\"red\"')")
        with project.read() as db:
            assert db.execute("SELECT value FROM config").get == '"red"'


def test_reading_opens_no_writer(root: Path) -> None:
    made(root)
    with closing(apsw.Connection(str(root / ".drift" / "drift.db"))) as other:
        other.execute("BEGIN EXCLUSIVE")
        with Project(root) as project, project.read() as db:
            assert db.execute("SELECT count(*) FROM project").get == 1


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"garbage " * 1000, "is not a database")], ids=["empty", "garbage"]
)
def test_a_store_that_is_none_is_refused_and_left_untouched(root: Path, content: bytes, message: str) -> None:
    (root / ".drift").mkdir()
    store = root / ".drift" / "drift.db"
    store.write_bytes(content)
    with Project(root) as project:
        for ask in (lambda: project.readers, lambda: project.writer, lambda: init(project)):
            with pytest.raises(StoreUnusable, match=message):
                ask()
    assert store.read_bytes() == content


def test_a_newer_store_is_refused_and_left_untouched(root: Path) -> None:
    made(root)
    store = root / ".drift" / "drift.db"
    with closing(apsw.Connection(str(store))) as db:
        db.pragma("user_version", 99)
    before = store.read_bytes()
    with Project(root) as project:
        for ask in (lambda: project.readers, lambda: project.writer, lambda: init(project)):
            with pytest.raises(StoreUnusable, match="made by a newer Drift"):
                ask()
    assert store.read_bytes() == before


def test_closing_twice_is_closing_once(root: Path) -> None:
    made(root)
    project = Project(root)
    with project.read():
        pass
    _ = project.writer, project.memory
    project.close()
    project.close()
    with project.read() as db:  # and it opens again when it is asked again
        assert db.execute("SELECT count(*) FROM project").get == 1
    project.close()


# -- the registry


def test_a_project_is_found_by_its_name(root: Path) -> None:
    made(root)
    assert registered("shop") == root
    assert registered("nothing") is None
    assert registered(str(root)) is None  # a path needs no registry


def test_what_was_said_at_the_last_scan_outlives_an_init(root: Path) -> None:
    made(root)
    register(root, health_score=80, pattern_count=12, last_scan_at="2026-01-01T00:00:00.000Z")
    made(root)
    with closing(apsw.Connection(str(registry_path()))) as db:
        rows = db.execute("SELECT path, health_score, pattern_count FROM project_registry").fetchall()
    assert rows == [(str(root), 80, 12)]


def test_two_projects_of_one_name_are_two_and_a_gone_one_is_none(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "shop"
    other.mkdir(parents=True)
    made(root)
    made(other)
    with pytest.raises(DriftError, match=r"2 projects are named 'shop'.*Give the path"):
        registered("shop")
    other.rename(tmp_path / "elsewhere" / "gone")
    assert registered("shop") == root


def test_a_registry_that_cannot_be_written_stops_nothing_and_is_logged(
    root: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.write_text("a file where the folder should be")
    assert ".drift/drift.db" in made(root)
    assert "shop was not added to the registry of projects" in caplog.text


def test_a_registry_that_is_none_is_left_untouched(root: Path, home: Path) -> None:
    home.mkdir()
    (home / "registry.db").write_bytes(b"garbage " * 1000)
    made(root)
    assert (home / "registry.db").read_bytes() == b"garbage " * 1000
    with pytest.raises(StoreUnusable, match=r"registry\.db is not a database"):
        registered("shop")


def test_memories_are_not_written_to_a_file_that_was_deleted(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    root.mkdir()
    with Project(root) as project:
        init(project)
        assert project.memory.standing().memories == 0
        for file in (root / ".drift").glob("cortex.db*"):
            file.unlink()
        assert project.memory.standing().memories == 0
        assert (root / ".drift" / "cortex.db").exists()
