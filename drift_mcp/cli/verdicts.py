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
    return ask(asked, "review_pattern", pattern=asked.pattern, decision=asked.decision, reason=asked.reason)
