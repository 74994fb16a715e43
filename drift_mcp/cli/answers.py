"""The commands that ask: the same questions and the same answers as the tools of agents."""

from __future__ import annotations

import argparse
from typing import Any

from drift_mcp.cli.words import answering, ask

Commands = Any  # argparse gives its sub-parsers no public type


def add_to(commands: Commands) -> None:
    status = commands.add_parser("status", help="what is known here, how fresh, what needs attention")
    answering(status, pages=False)
    status.set_defaults(run=lambda asked: ask(asked, "drift_status"))

    patterns = commands.add_parser("patterns", help="the conventions of this code, with their outliers")
    patterns.add_argument("pattern", nargs="?", metavar="PATTERN", help="an id: everything about that one")
    patterns.add_argument("--category")
    patterns.add_argument("--status", choices=["discovered", "approved", "ignored"])
    patterns.add_argument("--severity", choices=["error", "warning", "info", "hint"])
    patterns.add_argument("--min-confidence", type=float, metavar="0..1")
    patterns.add_argument("--file", help="only what holds in this file")
    patterns.add_argument("--text", help="only what speaks of this")
    patterns.add_argument("--sort", choices=["confidence", "locations", "outliers", "name"])
    answering(patterns)
    patterns.set_defaults(run=_patterns)

    functions = commands.add_parser("functions", help="functions, methods and classes by name")
    functions.add_argument("query", metavar="QUERY")
    functions.add_argument("--file")
    functions.add_argument("--kind", choices=["function", "method", "class"])
    answering(functions)
    functions.set_defaults(
        run=lambda asked: ask(asked, "find_functions", query=asked.query, file=asked.file, kind=asked.kind)
    )

    for direction, says in (("callers", "who calls it, and where"), ("callees", "what it calls")):
        calls = commands.add_parser(direction, help=says)
        calls.add_argument("function", metavar="NAME", help="name, Class.name, or path::Class.name")
        calls.add_argument("--file", help="the one in this file")
        calls.add_argument("--line", type=int, help="the one around this line")
        calls.add_argument("--depth", type=int, help="callers of callers, so many steps")
        answering(calls)
        calls.set_defaults(run=_calls, direction=direction)

    reach = commands.add_parser("reach", help="the tables and fields that this code can reach, with the way")
    reach.add_argument("location", metavar="FILE:LINE", help="a place in the code, or a function")
    reach.add_argument("--sensitivity", choices=["pii", "financial", "auth", "health", "custom"])
    reach.add_argument("--max-depth", type=int, metavar="N")
    answering(reach)
    reach.set_defaults(run=_reach)

    who = commands.add_parser("who-reaches", help="the functions and routes that can reach this data, with the way")
    who.add_argument("data", metavar="TABLE[.FIELD]", help="a table, a field, or a class such as auth or pii")
    who.add_argument("--entry-points-only", action="store_true")
    who.add_argument("--max-depth", type=int, metavar="N")
    answering(who)
    who.set_defaults(run=_who_reaches)

    impact = commands.add_parser("impact", help="what a change here touches")
    impact.add_argument("target", metavar="TARGET", help="a file, file:line, or a function")
    answering(impact)
    impact.set_defaults(run=lambda asked: ask(asked, "impact_of_change", target=asked.target))

    file = commands.add_parser("file", help="what to know before editing this file")
    file.add_argument("file", metavar="FILE")
    file.add_argument("--line", type=int)
    answering(file)
    file.set_defaults(run=lambda asked: ask(asked, "file_context", file=asked.file, line=asked.line))

    facts = commands.add_parser("facts", help="the other domains: environment, packages, problems, …")
    facts.add_argument("domain", metavar="DOMAIN")
    facts.add_argument("--file")
    facts.add_argument("--text")
    answering(facts)
    facts.set_defaults(
        run=lambda asked: ask(asked, "list_facts", domain=asked.domain, file=asked.file, text=asked.text)
    )


def _patterns(asked: argparse.Namespace) -> int:
    return ask(
        asked,
        "query_patterns",
        pattern=asked.pattern,
        category=asked.category,
        status=asked.status,
        severity=asked.severity,
        min_confidence=asked.min_confidence,
        file=asked.file,
        text=asked.text,
        sort=asked.sort,
    )


def _calls(asked: argparse.Namespace) -> int:
    return ask(
        asked,
        "get_callers",
        function=asked.function,
        file=asked.file,
        line=asked.line,
        depth=asked.depth,
        direction=asked.direction,
    )


def _reach(asked: argparse.Namespace) -> int:
    return ask(
        asked,
        "reachable_data",
        location=asked.location,
        sensitivity=asked.sensitivity,
        max_depth=asked.max_depth,
    )


def _who_reaches(asked: argparse.Namespace) -> int:
    return ask(
        asked,
        "reachable_data",
        data=asked.data,
        entry_points_only=asked.entry_points_only or None,
        max_depth=asked.max_depth,
    )
