"""`python -m faults [NAME …] [--rounds N] [--seed S]`: does the harm named, all of it by default.

Each name prints one table with what was done, how often, and how often it was survived; a failure is printed with what
repeats it. Ends with status 1 when there was one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from faults import clock, damage, disk, graphs, kill, processes
from faults.outcome import Outcome, show

Harm = Callable[[Path, int, int, tuple[str, ...]], Iterator[Outcome]]

# With so many rounds each by default: what is cheap is done more often.
NAMES: Final[dict[str, tuple[str, Harm, int]]] = {
    "kill": ("kill -9 at random moments", kill.run, 20),
    "disk": ("A full disk", disk.run, 8),
    "damage": ("Damaged files, and closed ones", damage.run, 8),
    "processes": ("Several processes at once", processes.run, 6),
    "clock": ("A clock set wrong", clock.run, 6),
    "graphs": ("Deep graphs and circles", graphs.run, 4),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m faults", description="Do to a store what must not harm it.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--rounds", type=int, metavar="N", help="of each kind of work (default: by name)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same rounds again (default: 1)")
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="this row of a table, by its name")
    asked = parser.parse_args()
    names: list[str] = asked.names or list(NAMES)
    unknown = sorted(set(names) - NAMES.keys())
    if unknown:
        parser.error(f"there is no harm {', '.join(unknown)}; there is: {', '.join(NAMES)}")
    if asked.rounds is not None and asked.rounds < 1:
        parser.error(f"{asked.rounds} rounds show nothing; give 1 or more")
    is_well = True
    with tempfile.TemporaryDirectory(prefix="drift-faults-") as folder:
        for name in names:
            title, harm, usual = NAMES[name]
            rounds = asked.rounds or usual
            # The temporary name is resolved: a store keeps real paths.
            here = Path(folder).resolve() / name
            here.mkdir()
            command = f"python -m faults {name} --rounds {rounds} --seed {asked.seed}"
            is_well &= show(title, command, harm(here, rounds, asked.seed, tuple(asked.only)))
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
