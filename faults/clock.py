"""A clock that is set back and forth between scans, verdicts, memories and backups.

Nothing is wiped, verdicts stand in the order in which they were given, memories are all told, backups bear names of
their own in the order in which they were made, and the newest one is the one that comes back.
"""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import apsw

from drift_mcp.project import FOLDER
from drift_mcp.store import backup, connection
from faults import ground, states, trials
from faults.outcome import Outcome, counted, not_done
from faults.workshop import Done, Workshop

_DAY: Final = 86_400
# Seconds: a battery that ran down, a wrong year, the end of summer time, a correction; and each of them the other way.
_AHEAD: Final = (0, 0, -1, 1, -3_600, 3_600, -_DAY, _DAY, -400 * _DAY, 400 * _DAY, -15 * 365 * _DAY, 10 * 365 * _DAY)
_STEPS: Final = 8
_MODULES: Final = 12


def run(folder: Path, rounds: int, seed: int, names: tuple[str, ...] = ()) -> Iterator[Outcome]:
    with Workshop(folder) as workshop:
        if workshop.shim is None:
            yield not_done("a clock set back and forth", "there is no C compiler, or this is not Linux")
            return
        yield one(workshop, rounds, seed)


def one(workshop: Workshop, rounds: int, seed: int) -> Outcome:
    kept = workshop.folder / "kept"
    kept.mkdir()
    for number in range(_MODULES):
        ground.write(kept / f"module_{number}.py", ground.module(number))
    trials.refuse_failed(workshop.run(kept, "scan", "--jobs", "1"))
    (kept / FOLDER / "config.toml").write_text("[backup]\nkeep = 100\n")
    patterns = trials.patterns(kept)
    found: list[str | None] = []
    steps: Counter[str] = Counter()
    for number in range(rounds):
        life = _Life(workshop, kept, patterns, random.Random(f"{seed} {number}"))
        wrong = life.lived(steps)
        found.append(None if wrong is None else f"{wrong} (round {number} of seed {seed}; {'; '.join(life.told)})")
    said = ", ".join(f"{count} {name}" for name, count in sorted(steps.items()))
    return counted("a clock set back and forth", found, said)


class _Life:
    """One project through some steps, each at a time of its own, and what must be known of it."""

    def __init__(self, workshop: Workshop, kept: Path, patterns: tuple[str, ...], dice: random.Random) -> None:
        self._workshop = workshop
        self._root = workshop.folder / "shop"
        self._scratch = workshop.folder / "scratch"
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.copytree(kept, self._root)
        self._patterns = patterns
        self._dice = dice
        self._verdicts: list[tuple[str, str]] = []  # pattern, and what it was called then
        self._standing = dict.fromkeys(patterns, "discovered")
        self._memories: list[str] = []
        self._backups: list[tuple[str, tuple[str | None, str | None]]] = []  # reason, and the state that it holds
        self._scans = 1
        self.told: list[str] = []

    def lived(self, steps: Counter[str]) -> str | None:
        acts = {"scans": self._scan, "verdicts": self._judge, "memories": self._remember, "backups": self._back_up}
        for name in (*self._dice.choices(list(acts), k=_STEPS), "backups", "scans"):
            ahead = self._dice.choice(_AHEAD)
            self.told.append(f"{name} at {ahead:+}")
            steps[name] += 1
            done = acts[name](ahead)
            if done.status != 0:
                return f"it ended with {done.status} and said {done.said[-500:]!r}"
            wrong = self._looked(ahead)
            if wrong is not None:
                return wrong
        return self._restored()

    def _run(self, ahead: int, *words: str, task: str = "command") -> Done:
        return self._workshop.run(self._root, *words, task=task, ahead_seconds=ahead)

    def _scan(self, ahead: int) -> Done:
        number = self._dice.randrange(1, _MODULES)
        ground.write(self._root / f"module_{number}.py", ground.module(number, self._scans))
        self._scans += 1
        return self._run(ahead, "scan", "--jobs", "1")

    def _judge(self, ahead: int) -> Done:
        pattern = self._dice.choice(self._patterns)
        word, status = self._dice.choice([("approve", "approved"), ("ignore", "ignored")])
        if self._standing[pattern] == status:
            word, status = "reopen", "discovered"
        self._standing[pattern] = status
        self._verdicts.append((pattern, {"discovered": "reopened"}.get(status, status)))
        return self._run(ahead, word, pattern, "--reason", f"number {len(self._verdicts)}")

    def _remember(self, ahead: int) -> Done:
        self._memories.append(f"learned as number {len(self._memories)}")
        return self._run(ahead, self._memories[-1], task="remember")

    def _back_up(self, ahead: int) -> Done:
        reason = f"number-{len(self._backups)}"
        done = self._run(ahead, "backup", "create", "--reason", reason)
        self._backups.append((reason, states.of(self._root, self._scratch).pair))
        return done

    def _looked(self, ahead: int) -> str | None:
        """What is wrong with what is known, asked at the same wrong time."""
        state = states.of(self._root, self._scratch)
        if state.flaws:
            return f"not sound: {state.flaws}"
        kept = [row[:2] for row in self._rows(_HISTORY)]
        if kept != self._verdicts:
            return f"verdicts given were {self._verdicts}, and kept are {kept}"
        standing = dict(self._rows("SELECT id, status FROM patterns"))
        if standing != self._standing:
            return f"patterns stand as {standing}, and not as {self._standing}"
        if (scans := self._rows("SELECT count(*) FROM scan_history")[0][0]) != self._scans:
            return f"{scans} scans are known of {self._scans}"
        done = self._run(ahead, "memory", "list", "--limit", "100", "--json")
        told = sorted(each["summary"] for each in json.loads(done.said)["memories"]) if done.status == 0 else done.said
        if told != sorted(self._memories):
            return f"memories told are {told}, and not {sorted(self._memories)}"
        listed = [each for each in backup.listed(self._root / FOLDER / "backups") if each.problem is None]
        if [each.reason for each in reversed(listed)] != [reason for reason, _ in self._backups]:
            return f"backups are {[(each.stamp, each.reason) for each in listed]}, made in the order of their numbers"
        done = self._run(ahead, "doctor")
        if done.status == 3 or "\nerror " in done.said or "Traceback" in done.said:
            return f"the doctor says {done.said}"
        return None

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(connection.open_any(self._scratch / "drift.db", apsw.SQLITE_OPEN_READONLY)) as db:
            return db.execute(query).fetchall()

    def _restored(self) -> str | None:
        done = self._run(self._dice.choice(_AHEAD), "backup", "restore", "latest")
        if done.status != 0:
            return f"the restore ended with {done.status} and said {done.said[-500:]!r}"
        pair = states.of(self._root, self._scratch).pair
        return None if pair == self._backups[-1][1] else "the restore brought back another state than the newest one"


_HISTORY: Final = """
SELECT pattern_id, action
FROM pattern_history
WHERE action IN ('approved', 'ignored', 'reopened')
ORDER BY id
"""
