"""`python -m benchmarks [NAME …] [--repo PATH] [--most N] [--sqlite-source DIR]`: runs the benchmarks named, or all.

Each prints its tables. `scan` needs a repository to read, and `retrieval` the labelled sets in the folder that
RETRIEVAL_DATA names; both are given and never downloaded.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import answers, busy, memory, retrieval, scale, scan, start, store, upgrade

NAMES = ("scan", "answers", "start", "memory", "retrieval", "store", "scale", "busy", "upgrade")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Drift, one table per name.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all)")
    parser.add_argument("--repo", type=Path, metavar="PATH", help="the repository that `scan` reads a copy of")
    parser.add_argument(
        "--most", type=int, default=100_000, metavar="N", help="what `memory` goes up to (default: 100000)"
    )
    parser.add_argument(
        "--sqlite-source",
        type=Path,
        metavar="DIR",
        help="with sqlite3.c, for the C program that `store` is compared with",
    )
    asked = parser.parse_args()
    names: list[str] = asked.names or [name for name in NAMES if name != "scan" or asked.repo]
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    if "scan" in names and asked.repo is None:
        parser.error("scan needs --repo PATH: a folder with source, which it copies and leaves as it is")
    with tempfile.TemporaryDirectory(prefix="drift-bench-") as folder:
        # Nothing that is measured here belongs into the user's list of projects.
        os.environ["DRIFT_HOME"] = str(Path(folder) / "home")
        for name in names:
            # The temporary name is resolved: a store keeps real paths.
            here = Path(folder).resolve() / name
            here.mkdir()
            if name == "scan":
                scan.run(asked.repo.expanduser().resolve(), here)
            elif name == "answers":
                answers.run(here)
            elif name == "start":
                start.run(here)
            elif name == "memory":
                memory.run(here, asked.most)
            elif name == "retrieval":
                retrieval.run(here)
            elif name == "store":
                store.run(here, asked.sqlite_source)
            elif name == "scale":
                scale.run(here)
            elif name == "busy":
                busy.run(here)
            else:
                upgrade.run(here)
    return 0


if __name__ == "__main__":
    sys.exit(main())
