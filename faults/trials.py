"""Everything that writes: the state from which it begins, what it may leave when it ends in the middle, and which
commands then carry it to its end.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from drift_mcp import lock
from drift_mcp.cortex import opened as cortex
from drift_mcp.project import DRIFT_ID, FOLDER
from drift_mcp.store import backup, connection, migrate, restore, schema
from faults import ground, states
from faults.states import State
from faults.workshop import Done, Workshop

MODULES: Final = 24

# Names that one dead process leaves behind until the doctor takes them away, an hour later: a database half made, with
# its journal.
_MOST_LEFT: Final = 3


class Trial(NamedTuple):
    """One kind of work, and what may be found when it ended in the middle."""

    prepare: Callable[[Workshop, Path], object]
    work: tuple[str, ...]
    # Says what is wrong with the state, by what the process had said until then.
    judge: Callable[[Ground, State, str], str | None]
    # Commands that work after it, each with exit status 0, and what is then wrong with the state.
    after: tuple[tuple[str, ...], ...]
    judge_after: Callable[[Ground, State], str | None]
    task: str = "command"


class Ground:
    """A project as it stands before the work, to begin each round from, and what the work makes of it undisturbed."""

    def __init__(self, workshop: Workshop, root: Path, trial: Trial) -> None:
        """`root`: the same place for each round, because a store knows where it lies."""
        self.root: Final = root
        self.trial: Final = trial
        self.workshop: Final = workshop
        self.kept: Final = workshop.folder / "kept"
        self._scratch = workshop.folder / "scratch"
        for each in (root, self.kept):
            shutil.rmtree(each, ignore_errors=True)
        root.mkdir()
        trial.prepare(workshop, root)
        self.old: Final = self.state()
        shutil.copytree(root, self.kept)
        done = [self.work(counted=True)]
        refuse_failed(done[0])
        self.new: Final = self.state()
        self.changes: Final = done[0].changes
        for _ in range(2):
            self.begin()
            done.append(self.work())
        self.seconds: Final = sorted(each.seconds for each in done)[1]

    def begin(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.kept, self.root)

    def work(
        self, *, kill_after: float | None = None, die_at: int = 0, full_at: int = 0, counted: bool = False
    ) -> Done:
        return self.workshop.run(
            self.root,
            *self.trial.work,
            task=self.trial.task,
            kill_after=kill_after,
            die_at=die_at,
            full_at=full_at,
            counted=counted,
        )

    def state(self) -> State:
        return states.of(self.root, self._scratch)

    def copy(self, name: str) -> Path:
        """A database as it stood when `state` was last asked for."""
        return self._scratch / name

    def judged(self, said: str) -> str | None:
        """What is wrong with the state that the work left, if anything."""
        state = self.state()
        if set(state.flaws) - set(self.old.flaws):
            return f"not sound: {'; '.join(state.flaws)}"
        return self.trial.judge(self, state, said)

    def judged_after(self) -> str | None:
        """Runs the commands that come after it, and says what is wrong with them or with what they leave."""
        for words in self.trial.after:
            after = self.workshop.run(self.root, *words)
            if after.status != 0:
                return f"then `drift {' '.join(words)}` ended with {after.status}: {after.said[-500:]}"
        state = self.state()
        if state.flaws:
            return f"not sound after the next command: {'; '.join(state.flaws)}"
        left = [each for each in state.files if "-new-" in each or each.endswith(".part")]
        if len(left) > _MOST_LEFT:
            return f"left behind: {left}"
        return self.trial.judge_after(self, state)


def refuse_failed(done: Done) -> None:
    assert done.status == 0, f"undisturbed work failed with {done.status}: {done.said}"


def _ran(workshop: Workshop, root: Path, *commands: str) -> None:
    for each in commands:
        refuse_failed(workshop.run(root, *each.split()))


# -- which states may be found


def old_or_new(there: Ground, state: State, said: str) -> str | None:
    if state.pair in (there.old.pair, there.new.pair):
        return None
    return f"neither the old state nor the new one: {state.pair}, not {there.old.pair} or {there.new.pair}"


def is_new(there: Ground, state: State) -> str | None:
    return None if state.pair == there.new.pair else f"the work was not done: {state.pair}, not {there.new.pair}"


def _blank(there: Ground) -> tuple[str, str]:
    """Digests of both databases as they are made."""
    path = there.copy("blank") / "drift.db"
    path.parent.mkdir(parents=True)
    migrate.opened(path, schema.read("drift", DRIFT_ID)).close()
    memories = cortex.database(path.with_name("cortex.db"))
    migrate.opened(memories.path, memories.schema, extensions=memories.extensions).close()
    return states.digest(path), states.digest(memories.path)


def _nothing_or_new(there: Ground, state: State, said: str) -> str | None:
    """Of a first scan: it makes the databases before it fills one."""
    drift, memories = _blank(there)
    described = None
    if state.drift not in (None, drift, there.new.drift):
        with closing(connection.open_any(there.copy("drift.db"), apsw.SQLITE_OPEN_READONLY)) as db:
            described = db.execute(
                "SELECT (SELECT count(*) FROM project), (SELECT count(*) FROM file_metadata)"
            ).fetchall()
    if state.drift not in (None, drift, there.new.drift) and described != [(1, 0)]:
        return f"a part of the scan is there: {described}"
    if state.cortex not in (None, memories):
        return f"cortex.db is {state.cortex}, and not as it is made ({memories})"
    return None


_COUNTED: Final = """
SELECT (SELECT count(*) FROM file_metadata), (SELECT count(*) FROM functions), (SELECT count(*) FROM function_calls)
"""


def _nothing_or_all(there: Ground, state: State, said: str) -> str | None:
    """Of a first scan by several processes: which number a file gets is by chance."""
    return None if _counts(there) in (None, [(0, 0, 0)], [_ALL]) else f"a part of the scan is there: {_counts(there)}"


def _is_all(there: Ground, state: State) -> str | None:
    return None if _counts(there) == [_ALL] else f"not all is there: {_counts(there)}, not {_ALL}"


def _counts(there: Ground) -> list[tuple[Any, ...]] | None:
    return _rows(there, "drift.db", _COUNTED) if there.copy("drift.db").exists() else None


def _a_step(there: Ground, state: State, said: str) -> str | None:
    """Of an older store: each step is taken whole or not at all."""
    known = {there.old.drift, there.new.drift}
    steps = schema.read("drift", DRIFT_ID).steps
    for number in range(1, len(steps)):
        path = there.copy(f"step-{number}.db")
        path.write_bytes((there.kept / FOLDER / "drift.db").read_bytes())
        ground.stepped(path, number)
        known.add(states.digest(path))
    return None if state.drift in known else f"half of a step: {state.drift}, not one of {known}"


def _drift_is_new(there: Ground, state: State) -> str | None:
    return None if state.drift == there.new.drift else f"{state.drift}, not {there.new.drift}"


def _store_unchanged(there: Ground, state: State, said: str) -> str | None:
    if state.pair != there.old.pair:
        return f"a backup changed the store: {state.pair}, not {there.old.pair}"
    if (before := set(_whole(there.old))) - set(_whole(state)):
        return f"older backups are gone: {sorted(before - set(_whole(state)))}"
    return None


def _whole(state: State) -> list[str]:
    return [each for each in state.files if each.startswith("backups/backup-") and each.endswith(".json")]


def _backups_are_whole(there: Ground, state: State) -> str | None:
    place = backup.folder(there.root / FOLDER)
    bad = [each for each in backup.listed(place) if backup.verified(place, each).problem is not None]
    if bad:
        return f"backups that are not whole: {bad}"
    if len(_whole(state)) not in (len(_whole(there.old)) + 1, len(_whole(there.old)) + 2):
        return f"{len(_whole(state))} backups, of {len(_whole(there.old))} before"
    return _store_unchanged(there, state, "")


def _restored_or_not(there: Ground, state: State, said: str) -> str | None:
    home = there.root / FOLDER
    if restore.is_unfinished(home):
        # Whoever opens the project finishes it: until then each database is one of the two.
        one = state.drift in (there.old.drift, there.new.drift, None)
        other = state.cortex in (there.old.cortex, there.new.cortex, None)
        return None if one and other else f"neither of the two, half way: {state.pair}"
    return old_or_new(there, state, said)


def _restored(there: Ground, state: State) -> str | None:
    left = [each for each in state.files if each == "restore.json" or each.startswith("restoring")]
    if left:
        return f"left of the restore: {left}"
    return is_new(there, state)


_KEPT_VERDICTS: Final = """
SELECT
    p.id,
    (SELECT count(*) FROM pattern_history h WHERE h.pattern_id = p.id AND h.action = 'approved'),
    (SELECT count(*) FROM sync_log s WHERE s.table_name = 'patterns' AND s.row_id = p.id)
FROM patterns p
WHERE p.status = 'approved'
ORDER BY p.key
"""


def _all_judged(there: Ground, state: State, said: str) -> str | None:
    rows = _rows(there, "drift.db", _KEPT_VERDICTS)
    odd = [row for row in rows if row[1:] != (1, 1)]
    if odd:
        return f"verdicts without their history, or without their line in the log: {odd}"
    return is_kept([line for line in said.splitlines() if len(line) == 16], [str(row[0]) for row in rows])


def is_kept(told: list[str], kept: list[str]) -> str | None:
    # One more than was said may be there: it was kept, and death came before the word.
    if set(told) - set(kept) or not len(told) <= len(kept) <= len(told) + 1:
        return f"acknowledged were {told}, and kept are {kept}"
    return None


def _rows(there: Ground, name: str, query: str) -> list[tuple[Any, ...]]:
    path = there.copy(name)
    if not path.exists():
        return []
    extensions = cortex.database(path).extensions if name == "cortex.db" else ()
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY, extensions=extensions)) as db:
        return db.execute(query).fetchall()


def _lock_is_whole(there: Ground, state: State, said: str) -> str | None:
    if lock.NAME not in state.files:
        return None
    done = there.workshop.run(there.root, "lock", "validate")
    return None if done.status == 0 else f"the lock is not that of the store: {done.said}"


def _is_fine(there: Ground, state: State) -> str | None:
    return None


# -- the work


def _source(workshop: Workshop, root: Path) -> None:
    for number in range(MODULES):
        ground.write(root / f"module_{number}.py", ground.module(number))


# From so many files on a scan reads them by several processes.
_FEW: Final = 300


def _many(workshop: Workshop, root: Path) -> None:
    for number in range(_FEW + 20):
        ground.write(root / f"part_{number}.py", f"def part_{number}(key: int) -> int:\n    return key + {number}\n")


# Files, functions with a module body for each file, calls.
_ALL: Final = (_FEW + 20, 2 * (_FEW + 20), 0)


def scanned(workshop: Workshop, root: Path) -> None:
    _source(workshop, root)
    _ran(workshop, root, "scan --jobs 1")


def _edited(workshop: Workshop, root: Path) -> None:
    scanned(workshop, root)
    ground.edited(root, MODULES)


def _with_facts(workshop: Workshop, root: Path) -> None:
    scanned(workshop, root)
    ground.facts(root, 20)


def _older(workshop: Workshop, root: Path) -> None:
    ground.older(root, 4_000)


def _backed_up(workshop: Workshop, root: Path) -> None:
    scanned(workshop, root)
    refuse_failed(workshop.run(root, "what was known then", task="remember"))
    _ran(workshop, root, "backup create")


def _to_be_restored(workshop: Workshop, root: Path) -> None:
    _backed_up(workshop, root)
    ground.edited(root, MODULES)
    _ran(workshop, root, "scan --jobs 1")
    refuse_failed(workshop.run(root, "what is known now", task="remember"))


def _damaged(workshop: Workshop, root: Path) -> None:
    """Both are there in the end, and one of them is no database."""
    _to_be_restored(workshop, root)
    (root / FOLDER / "cortex.db").write_bytes(b"damaged" * 1000)


def _approved(workshop: Workshop, root: Path) -> None:
    scanned(workshop, root)
    refuse_failed(workshop.run(root, *patterns(root), task="judge"))


def patterns(root: Path) -> tuple[str, ...]:
    """The ids of what a scan found, of a project that no process has open."""
    with closing(connection.open_any(root / FOLDER / "drift.db", apsw.SQLITE_OPEN_READONLY)) as db:
        return tuple(str(pattern) for (pattern,) in db.execute("SELECT id FROM patterns ORDER BY id").fetchall())


def _patterns_of(workshop: Workshop) -> tuple[str, ...]:
    root = workshop.folder / "shop"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    scanned(workshop, root)
    return patterns(root)


def named(workshop: Workshop) -> dict[str, Trial]:
    scan = ("scan", "--jobs", "1")
    two = ("scan", "--jobs", "2")
    full = (*scan, "--full")
    status = ("status",)
    told = ("ingest", "facts.jsonl")
    create = ("backup", "create")
    latest = ("backup", "restore", "latest")
    generate = ("lock", "generate")
    validate = ("lock", "validate")
    return {
        "init": Trial(_source, ("init",), _nothing_or_new, (("init",), status), is_new),
        "scan, the first": Trial(_source, scan, _nothing_or_new, (scan, status), is_new),
        "scan, the first, by two processes": Trial(_many, two, _nothing_or_all, (two, status), _is_all),
        "scan after edits": Trial(_edited, scan, old_or_new, (status, scan), is_new),
        "scan --full after edits": Trial(_edited, full, old_or_new, (status, full), is_new),
        "ingest": Trial(_with_facts, told, old_or_new, (status, told), is_new),
        "migration": Trial(_older, status, _a_step, (status,), _drift_is_new),
        "backup create": Trial(_backed_up, create, _store_unchanged, (create,), _backups_are_whole),
        "backup restore": Trial(_to_be_restored, latest, _restored_or_not, (status, latest), _restored),
        "backup restore over a damaged database": Trial(_damaged, latest, _restored_or_not, (latest,), _restored),
        "approve": Trial(scanned, _patterns_of(workshop), _all_judged, (status, scan), _is_fine, "judge"),
        "lock generate": Trial(_approved, generate, _lock_is_whole, (generate, validate), is_new),
    }
