"""Several processes on one store, some of which are ended by force; eight that only add memories; and whether any of
our commands touches a live database by a plain file call.

None that is left alone fails, every verdict and memory that was acknowledged is kept, and what is known in the end is
what a scan of everything knows. A plain file call would drop, when it closes, the locks that SQLite holds in the same
process: what other processes write then is lost without a word.
"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import apsw

from drift_mcp.cortex import opened as cortex
from drift_mcp.store import connection
from faults import adding, ground, states, trials
from faults.outcome import Outcome, counted
from faults.workshop import Workshop

_TOGETHER: Final = 3
# Of each process in a round.
_ACTS: Final = 5
_MODULES: Final = 12


def run(folder: Path, rounds: int, seed: int, names: tuple[str, ...] = ()) -> Iterator[Outcome]:
    if not names or "together" in names:
        yield together(folder, rounds, seed)
    if not names or "adding" in names:
        yield adding_at_once(folder, rounds, seed)
    if not names or "plain file calls" in names:
        (folder / "plain").mkdir()
        with Workshop(folder / "plain") as workshop:
            yield plain_file_calls(workshop)


# -- together


def together(folder: Path, rounds: int, seed: int) -> Outcome:
    found: list[str | None] = []
    acts: Counter[str] = Counter()
    with ExitStack() as opened:
        workshops = []
        for number in range(_TOGETHER):
            (folder / f"process-{number}").mkdir()
            workshops.append(opened.enter_context(Workshop(folder / f"process-{number}")))
        for number in range(rounds):
            crowd = _Crowd(workshops, folder / f"shop-{number}", f"{seed} {number}")
            wrong = crowd.worked(acts)
            found.append(None if wrong is None else f"{wrong} (round {number} of seed {seed})")
    said = ", ".join(f"{count} {name}" for name, count in sorted(acts.items()))
    return counted(f"{_TOGETHER} processes at once", found, said)


class _Crowd:
    """Some processes on one project, each led by a thread of ours."""

    def __init__(self, workshops: Sequence[Workshop], root: Path, seed: str) -> None:
        self._workshops = workshops
        self._root = root
        self._seed = seed
        self._lock = threading.Lock()
        self._wrong: list[str] = []
        self._acts: Counter[str] = Counter()
        self._standing: dict[str, set[str]] = {}  # pattern → what it may be called
        self._memories: set[str] = set()  # acknowledged

    def worked(self, acts: Counter[str]) -> str | None:
        first = self._workshops[0]
        ground.planted(self._root, _MODULES)
        ground.facts(self._root, 4)
        trials.refuse_failed(first.run(self._root, "scan", "--jobs", "1"))
        patterns = trials.patterns(self._root)
        threads = [
            threading.Thread(target=self._lead, args=(number, workshop, patterns[number :: len(self._workshops)]))
            for number, workshop in enumerate(self._workshops)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        acts.update(self._acts)
        return self._wrong[0] if self._wrong else self._looked(first)

    def _lead(self, number: int, workshop: Workshop, patterns: Sequence[str]) -> None:
        dice = random.Random(f"{self._seed} {number}")
        for act in range(_ACTS):
            name = dice.choice(_NAMES)
            kill_after = dice.uniform(0, 0.5) if dice.random() < 0.3 else None
            if name == "edit" and number == 0:
                changed = dice.randrange(1, _MODULES)
                ground.write(self._root / f"module_{changed}.py", ground.module(changed, dice.randrange(1_000)))
            words, task, allowed = ["scan", "--jobs", "1"], "command", {0}
            pattern, status = dice.choice(patterns), dice.choice(["approved", "ignored"])
            memory = f"process {number} learned {act}"
            match name:
                case "verdict":
                    now = self._standing.get(pattern, {"discovered"})
                    if len(now) > 1 or status in now:
                        continue  # it was killed while it judged, or has nothing to say
                    words = [{"approved": "approve", "ignored": "ignore"}[status], pattern]
                case "memory":
                    words, task = [memory], "remember"
                case "doctor":
                    words, allowed = ["doctor"], {0, 1}
                case "scan" | "edit":
                    pass
                case _:
                    words = name.split()
            done = workshop.run(self._root, *words, task=task, kill_after=kill_after)
            with self._lock:
                self._acts["killed" if done.was_killed else name.partition(" ")[0]] += 1
                if name == "verdict":
                    before = self._standing.get(pattern, {"discovered"})
                    self._standing[pattern] = before | {status} if done.was_killed else {status}
                if memory in done.said.splitlines():
                    self._memories.add(memory)
                if not done.was_killed and done.status not in allowed:
                    self._wrong.append(f"`drift {' '.join(words)}` ended with {done.status}: {done.said[-600:]}")

    def _looked(self, first: Workshop) -> str | None:
        trials.refuse_failed(first.run(self._root, "scan", "--jobs", "1"))
        scratch = first.folder / "scratch"
        state = states.of(self._root, scratch)
        if state.flaws:
            return f"not sound: {state.flaws}"
        for pattern, status in _rows(scratch, "SELECT id, status FROM patterns"):
            if status not in self._standing.get(pattern, {"discovered"}):
                return f"{pattern} is {status}, and was made {self._standing.get(pattern)}"
        kept = {summary for (summary,) in _rows(scratch, "SELECT summary FROM memory_versions", "cortex.db")}
        if self._memories - kept:
            return f"memories that were acknowledged are gone: {sorted(self._memories - kept)}"
        before = [_rows(scratch, query) for query in _KNOWN]
        trials.refuse_failed(first.run(self._root, "scan", "--jobs", "1", "--full"))
        states.of(self._root, scratch)
        after = [_rows(scratch, query) for query in _KNOWN]
        return None if before == after else "what is known is not what a scan of everything knows"


_NAMES: Final = (
    "edit",
    "edit",
    "scan",
    "scan --jobs 1 --full",
    "verdict",
    "verdict",
    "memory",
    "ingest facts.jsonl",
    "backup create",
    "status --json",
    "callers get_3 --json",
    "doctor",
)

_KNOWN: Final = (
    "SELECT caller, caller_file, line, callee, callee_file, resolution FROM v_calls ORDER BY 1, 2, 3, 4, 5, 6",
    "SELECT f.path, d.qualified_name, d.start_line FROM functions d JOIN file_metadata f ON f.id = d.file_id "
    "ORDER BY 1, 2, 3",
    "SELECT id, status, location_count, outlier_count FROM patterns ORDER BY id",
)


def _rows(folder: Path, query: str, name: str = "drift.db") -> list[tuple[Any, ...]]:
    path = folder / name
    extensions = cortex.database(path).extensions if name == "cortex.db" else ()
    with closing(connection.open_any(path, apsw.SQLITE_OPEN_READONLY, extensions=extensions)) as db:
        return db.execute(query).fetchall()


# -- adding

_ADDING: Final = 8
_ADDED: Final = 500


def adding_at_once(folder: Path, rounds: int, seed: int) -> Outcome:
    """In every second round two of them are ended by force."""
    found: list[str | None] = []
    for number in range(rounds):
        place = folder / f"adding-{number}"
        place.mkdir()
        wrong = adding.at_once(place, _ADDING, _ADDED, seed=f"{seed} {number}", kills=2 * (number % 2))
        found.append(None if wrong is None else f"{wrong} (round {number} of seed {seed})")
    return counted(f"{_ADDING} processes add at once", found, f"{_ADDED} memories each; 2 killed in every other round")


# -- plain file calls

# Each command that there is of those that come near a store.
_COMMANDS: Final = (
    "init",
    "scan --jobs 1",
    "scan --jobs 1 --full",
    "ingest facts.jsonl",
    "status",
    "patterns",
    "functions get_",
    "callers get_3",
    "callees show_3",
    "reach module_3.py:24",
    "impact module_0.py",
    "file module_1.py",
    "facts environment",
    "approve {pattern}",
    "ignore {pattern}",
    "reopen {pattern}",
    "memory add tax",
    "memory list",
    "memory search tax",
    "memory export memories.jsonl --force",
    "memory import memories.jsonl",
    "lock generate",
    "lock validate",
    "backup create",
    "backup list",
    "backup list --verify",
    "backup restore latest",
    "doctor",
    "doctor --fix",
    "projects",
)


def plain_file_calls(workshop: Workshop) -> Outcome:
    """Runs each command with an ear at Python's `open`, and `os.open`, of whatever module."""
    root = ground.planted(workshop.folder / "shop", _MODULES)
    ground.facts(root, 2)
    trials.refuse_failed(workshop.run(root, "scan", "--jobs", "1"))
    pattern = trials.patterns(root)[0]
    found: list[str | None] = []
    heard = 0
    for command in _COMMANDS:
        words = command.format(pattern=pattern).split()
        done = workshop.run(root, json.dumps(words), task="heard")
        _, _, last = done.said.strip().rpartition("\n")
        if done.status not in (0, 1) or not last.startswith("{"):
            found.append(f"`drift {command}` ended with {done.status}: {done.said[-500:]}")
            continue
        told: dict[str, Any] = json.loads(last)
        heard += told["opened"]
        found.append(f"`drift {command}` opened {told['live']}" if told["live"] else None)
    assert heard, "nothing was heard: not even the files that a scan reads"
    return counted("plain file calls", found, f"a round a command; {heard:,} files opened")
