"""A disk that is full: on a small file system of its own, and at any single write.

Whoever meets it is told so in one line and with exit status 3, or did not need the room; the store is sound, in the old
state or the new one; and once there is room, the same work is done to its end.

The file system (where this user may mount one) is made larger step by step, from no room at all to as much as the work
takes, so that it is full at another stage each time. At a write (where there is a compiler), everything that needs room
fails from a random one on.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from faults import trials
from faults.outcome import Outcome, counted, not_done
from faults.trials import Ground, Trial
from faults.workshop import Done, Workshop

# Ended by force they are no different, and these are what a person waits for on a full disk.
_NAMES: Final = (
    "init",
    "scan, the first",
    "scan after edits",
    "ingest",
    "migration",
    "backup create",
    "backup restore",
    "backup restore over a damaged database",
    "memory add",
    "approve",
    "lock generate",
)
_ROOMY_BYTES: Final = 256 * 1024 * 1024
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")


def run(folder: Path, rounds: int, seed: int, names: tuple[str, ...] = ()) -> Iterator[Outcome]:
    with Workshop(folder) as workshop:
        wanted = {name: each for name, each in trials.named(workshop).items() if name in (names or _NAMES)}
        with _mounted(folder / "small") as small:
            for name, trial in wanted.items():
                if small is None:
                    yield not_done(f"{name}, small disk", "this user may not mount a file system")
                else:
                    yield on_a_small_disk(workshop, small, name, trial, rounds, seed)
        for name, trial in wanted.items():
            if workshop.shim is None:
                yield not_done(f"{name}, at a write", "there is no C compiler, or this is not Linux")
            else:
                yield at_a_write(workshop, name, trial, rounds, seed)


def at_a_write(workshop: Workshop, name: str, trial: Trial, rounds: int, seed: int) -> Outcome:
    there = Ground(workshop, workshop.folder / "shop", trial)
    found: list[str | None] = []
    refused = 0
    for number in range(rounds):
        chance = random.Random(f"{seed} {name} {number}")
        at = chance.randint(1, there.changes)
        there.begin()
        done = there.work(full_at=at)
        refused += done.status != 0
        wrong = _told(done) or there.judged(done.said) or there.judged_after()
        found.append(None if wrong is None else f"{wrong} (seed {seed}: full from change {at} of {there.changes})")
    return counted(f"{name}, at a write", found, f"refused {refused}, of {there.changes:,} places")


def on_a_small_disk(workshop: Workshop, small: Path, name: str, trial: Trial, rounds: int, seed: int) -> Outcome:
    there = Ground(workshop, small / "shop", trial)
    needed = _used(small)
    there.begin()
    before = _used(small)
    # While it works it holds more than in the end: a WAL beside the database, a staged copy.
    most = 3 * max(needed - before, before)
    found: list[str | None] = []
    refused = 0
    for number in range(rounds):
        chance = random.Random(f"{seed} {name} {number}")
        # Most stages come with little room.
        room = int(most * ((number + chance.random()) / rounds) ** 2) if number else 0
        there.begin()
        _resized(small, before + room)
        done = there.work()
        refused += done.status != 0
        _resized(small, _ROOMY_BYTES)
        wrong = _told(done) or there.judged(done.said) or there.judged_after()
        found.append(None if wrong is None else f"{wrong} (seed {seed}: {room:,} bytes of room)")
    return counted(f"{name}, small disk", found, f"refused {refused}, with 0 to {most:,} bytes of room")


def _told(done: Done) -> str | None:
    """What is wrong with how it ended."""
    if done.status == 0:
        return None
    lines = [line for line in done.said.splitlines() if line.startswith("drift: ")]
    if done.status != 3 or len(lines) != 1 or "Traceback" in done.said:
        return f"it ended with {done.status} and said {done.said[-700:]!r}"
    if not any(word in lines[0] for word in ("disk is full", "Is it full?", "room", "No space left")):
        return f"it does not say what to do: {lines[0]}"
    return None


@contextmanager
def _mounted(folder: Path) -> Iterator[Path | None]:
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={_ROOMY_BYTES}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode != 0:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _resized(folder: Path, octets: int) -> None:
    pages = -(-octets // _PAGE_BYTES)
    subprocess.run(["mount", "-o", f"remount,size={pages * _PAGE_BYTES}", str(folder)], check=True)


def _used(folder: Path) -> int:
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
