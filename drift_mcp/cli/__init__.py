"""The door for people: `drift`, one module per family of commands.

It asks the same tools that agents ask and prints what they answer. Nothing but argparse is imported until a command
runs: a person waits for the prompt.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from drift_mcp import __version__
from drift_mcp.cli import (
    answers,
    backups,
    building,
    clients,
    feeding,
    memories,
    serving,
    upgrading,
    upkeep,
    verdicts,
    watching,
)
from drift_mcp.cli.words import UNUSABLE, WRONG

# In the order in which a newcomer meets them.
_FAMILIES = (
    building,
    watching,
    feeding,
    answers,
    verdicts,
    memories,
    serving,
    clients,
    backups,
    upkeep,
    upgrading,
)

# 128 + SIGINT, as shells count it.
_INTERRUPTED = 130
# 128 + SIGPIPE: the reader of our output had enough.
_UNREAD = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status: 0 done, 1 the answer is no, 2 wrong usage or input, 3 store
    unusable."""
    try:
        _ready_to_print()
        asked = _parser().parse_args([_as_utf8(word) for word in (sys.argv[1:] if argv is None else argv)])
        if getattr(asked, "json", False):
            _encode(sys.stdout, "utf-8", "strict")  # as JSON is, whatever the terminal takes
        status: int = asked.run(asked)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("drift: interrupted; what was committed is kept.", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout again when it exits; that must not fail a second time.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _UNREAD
    except Exception as problem:
        # The door for people: whatever came up is told in one line. What the asker can fix says how; the rest is ours.
        return _told(problem)
    return status


def serve_main() -> int:
    """`drift-mcp`: what client configurations name."""
    return main(["serve", *sys.argv[1:]])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="drift",
        description="What is known about a codebase, in one local store, for people and for AI agents.",
        epilog="drift COMMAND --help tells more. Exit status: 0 done, 1 the answer is no, 2 wrong usage or input, "
        "3 the store is unusable.",
    )
    parser.add_argument("--version", action="version", version=f"drift {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for family in _FAMILIES:
        family.add_to(commands)
    return parser


def _ready_to_print() -> None:
    """A terminal that lacks a letter is shown its escape; with nobody there at all, words go nowhere."""
    # Started with them closed, Python has None here.
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as we live
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as we live
    for stream in (sys.stdout, sys.stderr):
        _encode(stream, None, "backslashreplace")


def _encode(stream: TextIO, encoding: str | None, errors: str) -> None:
    if isinstance(stream, io.TextIOWrapper):  # whoever caught our output in memory has no encoding
        stream.reconfigure(encoding=encoding or stream.encoding, errors=errors)


def _as_utf8(word: str) -> str:
    """A word of the command line as it was typed, also where the locale is one that knows ASCII alone."""
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeError:
        return word


def _told(problem: Exception) -> int:
    # After a failure the imports no longer matter.
    from drift_mcp.errors import DriftError, StoreUnusable
    from drift_mcp.tools.answer import clean

    if os.environ.get("DRIFT_TRACEBACK"):
        import traceback

        traceback.print_exception(problem)
    if isinstance(problem, DriftError):
        print(f"drift: {clean(str(problem))}", file=sys.stderr)
        return UNUSABLE if isinstance(problem, StoreUnusable) else WRONG
    if isinstance(problem, OSError):
        print(f"drift: {clean(str(problem))}", file=sys.stderr)
        return WRONG
    print(
        f"drift: something inside failed ({type(problem).__name__}: {clean(str(problem))}). "
        "DRIFT_TRACEBACK=1 shows where; please report it.",
        file=sys.stderr,
    )
    return UNUSABLE
