"""`drift watch`: keeps the store fresh while files change."""

from __future__ import annotations

import argparse
import sys
import threading
from typing import TYPE_CHECKING, Any

from drift_mcp.cli.words import DONE, root_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drift_mcp.project import Project

# An editor saves in several steps, and a checkout changes a thousand files: what comes within so long is one scan.
_TOGETHER_MS = 300
# Where the system gives no notice of changes, the tree is looked through this often.
_LOOK_SECONDS = 2.0


def add_to(commands: Any) -> None:
    watch = commands.add_parser("watch", help="keep the store fresh while files change, until interrupted")
    watch.add_argument("path", nargs="?", metavar="PATH", help="the project's folder (default: here)")
    watch.add_argument("--project", metavar="PATH", help="the same as PATH")
    watch.set_defaults(run=_watch)


def _watch(asked: argparse.Namespace) -> int:
    # Behind the parse: `drift --help` needs no store.
    from drift_mcp.project import Project

    with Project(root_of(asked.path or asked.project)) as project:
        print(f"Watching {project.root}. Ctrl-C ends it.", flush=True)
        try:
            _bring_up(project)
            for _ in _changes(project.root):
                _bring_up(project)
        except KeyboardInterrupt:
            print("Ended; what was scanned is kept.")
    return DONE


def _bring_up(project: Project) -> None:
    from drift_mcp.errors import AlreadyRunning
    from drift_mcp.ingest import scan

    while True:
        try:
            run = scan(project)
            break
        except AlreadyRunning as problem:
            # It may have passed by what has just changed: it is waited for, however long it takes.
            print(f"drift: {problem}", file=sys.stderr, flush=True)
    if run.changed or run.deleted:
        print(
            f"{run.changed} files read, {run.deleted} gone, {run.linked} linked in {run.duration_ms} ms; "
            f"{run.files} files in all.",
            flush=True,
        )
    if run.followed.memories:
        print(f"{run.followed.memories} memories went along with code that moved.", flush=True)
    if run.followed.note is not None:
        print(f"drift: {run.followed.note}", file=sys.stderr, flush=True)


def _changes(root: Path) -> Iterator[None]:
    """Comes whenever something below `root` may have changed."""
    import watchfiles

    def is_source(change: watchfiles.Change, path: str) -> bool:
        below = path[len(str(root)) :].replace("\\", "/").split("/")
        return not {".drift", ".git", "node_modules"}.intersection(below)

    try:
        for _ in watchfiles.watch(root, watch_filter=is_source, debounce=_TOGETHER_MS, raise_interrupt=True):
            yield
    except OSError as problem:
        print(
            f"drift: this system gives no notice of changes here ({problem}); looking every {_LOOK_SECONDS:g} s.",
            file=sys.stderr,
            flush=True,
        )
        never = threading.Event()
        while not never.wait(_LOOK_SECONDS):
            yield
