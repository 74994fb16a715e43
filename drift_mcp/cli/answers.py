"""The commands that ask: the same questions and the same answers as the tools of agents."""

from __future__ import annotations

import argparse
from typing import Any

from drift_mcp.cli.words import answering, ask
from drift_mcp.errors import DriftError

Commands = Any  # argparse gives its sub-parsers no public type


def add_to(commands: Commands) -> None:
    status = commands.add_parser("status", help="what is known here, how fresh, what needs attention")
    answering(status, pages=False)
    status.set_defaults(run=lambda asked: ask(asked, "drift_status"))

    patterns = commands.add_parser(
        "patterns",
        help="the conventions of this code, with their outliers",
        description="The conventions of this code, with their outliers. An option that is given several times asks for "
        "one of its values; different options are all to hold. Dates as 2026-03-31 or 2026-03-31T18:30, in UTC.",
    )
    _add_pattern_options(patterns)
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


def _add_pattern_options(patterns: argparse.ArgumentParser) -> None:
    yes_or_no = argparse.BooleanOptionalAction
    add = patterns.add_argument
    add("pattern", nargs="?", metavar="PATTERN", help="an id: everything about that one")
    add("--id", dest="ids", action="append", metavar="ID", help="this one, whatever was decided about it")
    add("--category", dest="categories", action="append", metavar="CATEGORY")
    add("--subcategory", dest="subcategories", action="append", metavar="NAME")
    add(
        "--status",
        dest="statuses",
        action="append",
        choices=["discovered", "approved", "ignored"],
        help="default: all but ignored",
    )
    add("--severity", dest="severities", action="append", choices=["error", "warning", "info", "hint"])
    add("--min-confidence", type=float, metavar="0..1")
    add("--max-confidence", type=float, metavar="0..1")
    add(
        "--level",
        dest="levels",
        action="append",
        choices=["high", "medium", "low", "uncertain"],
        help="of confidence",
    )
    add("--auto-fixable", action=yes_or_no, help="whose outliers can, or cannot, be mended by themselves")
    add("--outliers", dest="has_outliers", action=yes_or_no, help="with outliers, or without any")
    add("--min-outliers", type=int, metavar="N", help="with so many outliers or more")
    add("--text", metavar="WORDS", help="only what speaks of this: all words, the last one also as a beginning")
    for seen, says in (("first", "found for the first time"), ("last", "found for the last time")):
        add(f"--{seen}-seen-after", metavar="DATE", help=f"{says} then or later")
        add(f"--{seen}-seen-before", metavar="DATE", help=f"{says} before then")
    add("--file", dest="files", action="append", metavar="FILE", help="only what holds in this file, or does not")
    add("--tag", dest="tags", action="append", metavar="TAG")
    add("--source", dest="sources", action="append", metavar="NAME", help="scan, or who else told of it")
    add(
        "--sort",
        choices=["confidence", "name", "severity", "first-seen", "last-seen", "outliers", "locations"],
        help="default: confidence; names from A, and else what matters most first",
    )
    direction = patterns.add_mutually_exclusive_group()
    for way, says in (("ascending", "the least first"), ("descending", "the most first")):
        direction.add_argument(f"--{way}", dest="direction", action="store_const", const=way, help=says)


_PATTERN_OPTIONS = (
    "ids",
    "categories",
    "subcategories",
    "statuses",
    "severities",
    "levels",
    "min_confidence",
    "max_confidence",
    "auto_fixable",
    "has_outliers",
    "min_outliers",
    "text",
    "first_seen_after",
    "first_seen_before",
    "last_seen_after",
    "last_seen_before",
    "tags",
    "sources",
    "sort",
    "direction",
    "files",
)


def _patterns(asked: argparse.Namespace) -> int:
    given = {name: value for name in _PATTERN_OPTIONS if (value := getattr(asked, name)) is not None}
    if asked.pattern is None:
        if asked.sort is not None:
            given["sort"] = asked.sort.replace("-", "_")
        return ask(asked, "patterns", **given)
    files = given.pop("files", [])
    if given or len(files) > 1:
        raise DriftError(
            "PATTERN asks for everything about that one, and beside it only one --file is taken. "
            "Leave out the other options, or give the id as --id."
        )
    return ask(asked, "query_patterns", pattern=asked.pattern, file=files[0] if files else None)


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
