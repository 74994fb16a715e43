"""`kill -9` at random moments of everything that writes.

After each: both databases are sound, what was acknowledged is there, the state is the old one or the new one and
nothing between, and the next commands work and carry the work to its end.

Half of the moments are drawn from the time that the work takes when nobody disturbs it, one in three of these from its
last quarter, where the commits are; the other half from the calls that change something on the disk, so that short
steps are met as often as long ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from faults import memory_trials, trials
from faults.outcome import Outcome, counted
from faults.trials import Ground, Trial
from faults.workshop import Done, Workshop


def run(folder: Path, rounds: int, seed: int, names: tuple[str, ...] = ()) -> Iterator[Outcome]:
    """So many rounds of each kind of work, or of those named."""
    with Workshop(folder) as workshop:
        for name, trial in named(workshop).items():
            if not names or name in names:
                yield one(workshop, name, trial, rounds, seed)


def named(workshop: Workshop) -> dict[str, Trial]:
    return trials.named(workshop) | memory_trials.named()


def one(workshop: Workshop, name: str, trial: Trial, rounds: int, seed: int) -> Outcome:
    there = Ground(workshop, workshop.folder / "shop", trial)
    found: list[str | None] = []
    ended = 0
    for number in range(rounds):
        chance = random.Random(f"{seed} {name} {number}")
        there.begin()
        when, done = _killed(there, chance, number)
        ended += not done.was_killed
        wrong = _judged(there, done)
        found.append(None if wrong is None else f"{wrong} (round {number} of seed {seed}: {when})")
    remark = f"{there.seconds:.2f} s, {there.changes:,} changes of files; {rounds - ended} killed, {ended} done before"
    return counted(name, found, remark)


def _killed(there: Ground, chance: random.Random, number: int) -> tuple[str, Done]:
    if number % 2 and there.changes:
        at = chance.randint(1, there.changes)
        return f"killed at change {at}", there.work(die_at=at)
    share = chance.uniform(0.75, 1.05) if chance.random() < 1 / 3 else chance.random()
    done = there.work(kill_after=share * there.seconds)
    return f"killed after {done.seconds:.4f} s", done


def _judged(there: Ground, done: Done) -> str | None:
    if done.orphans:
        return "processes that it had started live on"
    if not done.was_killed and done.status != 0:
        return f"it failed by itself with status {done.status}: {done.said[-500:]}"
    return there.judged(done.said) or there.judged_after()
