"""The commands by which a person judges a pattern."""

from __future__ import annotations

import argparse
from typing import Any

from drift_mcp.cli.words import answering, ask


def add_to(commands: Any) -> None:
    for decision, says in (
        ("approve", "this is how we do it: outliers are worth a look"),
        ("ignore", "this is no convention of ours"),
        ("reopen", "take a verdict back"),
    ):
        verdict = commands.add_parser(decision, help=says)
        verdict.add_argument("pattern", metavar="PATTERN", help="the id that `drift patterns` shows")
        verdict.add_argument("--reason", help="kept with the verdict")
        answering(verdict, pages=False)
        verdict.set_defaults(run=_judge, decision=decision)


def _judge(asked: argparse.Namespace) -> int:
    return ask(
        asked, "verdict", pattern=asked.pattern, decision=asked.decision, reason=asked.reason, by=_who(asked.project)
    )


def _who(project: str | None) -> str | None:
    """Who sits here: by the name that their commits bear, else the one that they logged in by."""
    # Behind the parse, as in `words`: no other command needs them.
    import subprocess

    from drift_mcp.tools.projects import OpenProjects

    with OpenProjects(None) as projects:
        root = projects.root(project)
    try:
        done = subprocess.run(
            ["git", "config", "user.name"],
            cwd=root,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=5,  # git reads a few small files; a home that does not answer is not waited for
            check=False,
        )
        name = done.stdout.strip() or _login()
    except (OSError, subprocess.TimeoutExpired):
        name = _login()
    # As long as a name may be in any system, and without what no text can hold.
    return name[:256].replace("\0", "").encode("utf-8", "replace").decode() or None


def _login() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user without a name, as in some containers
        return ""
