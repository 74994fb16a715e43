"""Several processes that add memories to one store at once, some of them ended by force if asked for.

Run as a program it is one of them: it opens the store, waits for a word on stdin, adds so many memories, and says of
each when it was told that it is kept.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from drift_mcp.cortex.cortex import Cortex, NewMemory
from faults import memory_trials, states
from faults.workshop import HERE

_EXISTING: Final = "SELECT id FROM memories"
_CONTENTS: Final = "SELECT content FROM memory_versions"


def main() -> None:
    path, number, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    with Cortex.open(path, path.parent) as memory:
        print("ready", flush=True)
        sys.stdin.readline()
        for each in range(count):
            print(memory.add(NewMemory("tribal", f"process {number} learned fact {each}")).memory, flush=True)


def at_once(folder: Path, processes: int, each: int, *, seed: str = "", kills: int = 0) -> str | None:
    """Lets so many processes add so many memories each, and ends some by force in the middle of it. What went wrong;
    None: nothing did."""
    path = folder / "cortex.db"
    dice = random.Random(seed)
    with Cortex.open(path, folder):
        pass
    with ExitStack() as running:
        started = [running.enter_context(_started(path, number, each)) for number in range(processes)]
        for process in started:
            _hear(process)
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        killed = dice.sample(started, kills)
        told: list[str] = []
        for process in killed:
            told += [_hear(process) for _ in range(dice.randrange(each))]
            process.send_signal(signal.SIGKILL)
        for process in started:
            assert process.stdout is not None and process.stderr is not None
            # A word that was cut off was not said.
            told += [line for line in process.stdout if line.endswith("\n")]
            complained = process.stderr.read()
            if process not in killed and (process.wait() != 0 or complained):
                return f"one that was left alone ended with {process.returncode}: {complained[-600:]}"
    return _judged(path, told, processes * each, kills)


def _judged(path: Path, told: list[str], most: int, kills: int) -> str | None:
    if wrong := states.unsound(path):
        return f"not sound: {wrong}"
    kept = {str(memory) for (memory,) in memory_trials.rows(path, _EXISTING)}
    acknowledged = [line.strip() for line in told]
    if len(set(acknowledged)) != len(acknowledged) or not set(acknowledged) <= kept:
        return f"{len(acknowledged)} were acknowledged, {len(set(acknowledged) - kept)} of them are gone"
    # One more than was said may be there of each that was killed: it was kept, and death came before the word.
    if len(kept) > len(acknowledged) + kills or (not kills and len(kept) != most):
        return f"{len(acknowledged)} were acknowledged, and {len(kept)} are there"
    contents = memory_trials.rows(path, _CONTENTS)
    if len(set(contents)) != len(contents):
        return "one is there twice"
    return memory_trials.unwhole(path)


def _started(path: Path, number: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "faults.adding", str(path), str(number), str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])},
        text=True,
    )


def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


if __name__ == "__main__":
    main()
