"""Arguments that many commands share, and the way from a command to a tool's answer.

Imports nothing heavy itself: see `cli`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = 0
NO = 1
WRONG = 2
UNUSABLE = 3


def project(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--project",
        metavar="PATH",
        help="the project's folder or registered name (default: the nearest parent folder with .drift/, "
        "else the repository's root)",
    )


def answering(parser: argparse.ArgumentParser, *, pages: bool = True) -> None:
    """What every command takes that prints an answer."""
    project(parser)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else")
    if pages:
        parser.add_argument("--limit", type=int, metavar="N", help="at most this many rows")
        parser.add_argument("--cursor", metavar="C", help="continue where the answer before ended")
        parser.add_argument("--budget-tokens", type=int, metavar="N", help="shorten the answer to so many tokens")


_SHARED = {"run", "json", "project", "limit", "cursor", "budget_tokens"}


# The default model is there in a third of a second; another one takes what its library takes, and the process could not
# end before that either.
_MODEL_SECONDS = 60.0
# What is missing of vectors is milliseconds each; when there are many, a server or `drift doctor --fix` makes them.
_VECTORS_SECONDS = 4.0


def ask(asked: argparse.Namespace, tool: str, *, by_meaning: bool = False, **given: Any) -> int:
    """Ask a tool and print its answer as it would go to an agent, at full length unless told otherwise. `by_meaning`
    waits for the embedding model, which a server loads meanwhile: this process answers once and ends."""
    # Behind the parse: `drift --help` needs none of the rooms below.
    from drift_mcp.tools import calls
    from drift_mcp.tools.answer import MOST_TOKENS
    from drift_mcp.tools.projects import OpenProjects

    arguments = {name: value for name, value in given.items() if value not in (None, [])}
    arguments["format"] = "json" if asked.json else "text"
    for name in ("limit", "cursor", "budget_tokens"):
        if (value := getattr(asked, name, None)) is not None:
            arguments[name] = value
    if hasattr(asked, "budget_tokens") and asked.budget_tokens is None:
        # A person scrolls, and a script wants it whole.
        arguments["budget_tokens"] = MOST_TOKENS
    if asked.project is not None:
        arguments["project"] = asked.project
    with OpenProjects(None) as projects:
        project = projects.get(projects.root(asked.project), create=False) if by_meaning else None
        if project is not None:
            project.memory.wait_for_model(_MODEL_SECONDS)
            project.memory.wait_for_vectors(_VECTORS_SECONDS)
        text = calls.answer(projects, tool, arguments, progress_bar())
        if project is not None:
            project.memory.wait_for_vectors(_VECTORS_SECONDS)
    print(text)
    return DONE


def root_of(path: str | None) -> Path:
    from drift_mcp.tools.projects import start_folder  # see `ask`

    return start_folder(Path(path) if path else None)


def progress_bar() -> Callable[[str, int, int], None] | None:
    """A bar on a terminal; nothing where nobody watches, so that stderr stays clean in scripts."""
    if not sys.stderr.isatty():
        return None
    from tqdm import tqdm  # 30 ms that only a scan at a terminal needs

    bar: tqdm[Any] | None = None
    shown = ""

    def moved(stage: str, done: int, total: int) -> None:
        nonlocal bar, shown
        if bar is None or stage != shown:
            if bar is not None:
                bar.close()
            bar, shown = tqdm(total=total, desc=stage, leave=False, file=sys.stderr), stage
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            bar.close()

    return moved
