"""`drift memory …`: what was remembered, for people."""

from __future__ import annotations

import argparse
from typing import Any

from drift_mcp.cli import memory_files, memory_upkeep
from drift_mcp.cli.words import answering, ask

_TYPES = (
    "core",
    "tribal",
    "procedural",
    "semantic",
    "episodic",
    "pattern_rationale",
    "constraint_override",
    "decision_context",
    "code_smell",
)


def add_to(commands: Any) -> None:
    memory = commands.add_parser("memory", help="what was remembered about this project")
    actions = memory.add_subparsers(metavar="ACTION", required=True)

    search = actions.add_parser("search", help="memories by words and meaning")
    search.add_argument("query", metavar="QUERY")
    search.add_argument("--intent", help="what you are about to do, such as fix_bug")
    search.add_argument("--near", metavar="PLACE", action="append", help="a file or function you work at: ranks higher")
    _filters(search)
    search.set_defaults(run=_search)

    listed = actions.add_parser("list", help="all memories, or those that pass the filters")
    _filters(listed)
    listed.set_defaults(run=_search, query=None, intent=None, near=None)

    show = actions.add_parser("show", help="one memory with its versions and neighbours")
    show.add_argument("memory", metavar="ID")
    show.add_argument("--as-of", metavar="TIME", help="as it was believed then")
    show.add_argument("--valid-at", metavar="TIME", help="if it was true then, and what stood beside it")
    answering(show)
    show.set_defaults(run=_show)

    add = actions.add_parser("add", help="remember something")
    add.add_argument("content", metavar="TEXT", help="plain text, or a JSON object of the type's fields")
    add.add_argument("--type", choices=_TYPES, default="tribal")
    add.add_argument("--supersedes", metavar="ID", help="the memory that this one replaces")
    _told(add)
    add.set_defaults(run=_write, action="add")

    revise = actions.add_parser("revise", help="say it better: adds a version")
    revise.add_argument("memory", metavar="ID")
    revise.add_argument("content", metavar="TEXT", nargs="?")
    revise.add_argument("--reason")
    _told(revise)
    revise.set_defaults(run=_write, action="revise")

    for action, says in (
        ("confirm", "it is right"),
        ("reject", "it is wrong"),
        ("archive", "take it out of answers"),
        ("restore", "bring it back"),
    ):
        verdict = actions.add_parser(action, help=says)
        verdict.add_argument("memory", metavar="ID")
        verdict.add_argument("--reason")
        answering(verdict, pages=False)
        verdict.set_defaults(run=_write, action=action)

    relate = actions.add_parser("relate", help="how one memory stands to another")
    relate.add_argument("memory", metavar="ID")
    relate.add_argument("relationship", choices=["supersedes", "supports", "contradicts", "related", "derived_from"])
    relate.add_argument("target", metavar="ID")
    relate.add_argument("--reason")
    answering(relate, pages=False)
    relate.set_defaults(run=_write, action="relate")

    memory_upkeep.add_to(actions)
    memory_files.add_to(actions)


def _filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--type", action="append", dest="types", choices=_TYPES)
    parser.add_argument("--tag", action="append", dest="tags")
    parser.add_argument("--file", action="append", dest="files")
    parser.add_argument("--function", action="append", dest="functions")
    parser.add_argument("--as-of", metavar="TIME", help="what was believed then")
    parser.add_argument("--valid-at", metavar="TIME", help="what was true then")
    parser.add_argument("--include-archived", action="store_true")
    answering(parser)


def _told(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--summary")
    parser.add_argument("--importance", choices=["low", "normal", "high", "critical"])
    parser.add_argument("--tag", action="append", dest="tags")
    parser.add_argument("--file", action="append", dest="files", help="cited: path or path:10-20")
    parser.add_argument("--function", action="append", dest="functions")
    parser.add_argument("--valid-from", metavar="TIME")
    parser.add_argument("--valid-until", metavar="TIME")
    answering(parser, pages=False)


def _show(asked: argparse.Namespace) -> int:
    return ask(asked, "memory_search", memory=asked.memory, as_of=asked.as_of, valid_at=asked.valid_at)


def _search(asked: argparse.Namespace) -> int:
    return ask(
        asked,
        "memory_search",
        by_meaning=asked.query is not None,
        query=asked.query,
        types=asked.types,
        tags=asked.tags,
        files=asked.files,
        functions=asked.functions,
        intent=asked.intent,
        near=asked.near,
        as_of=asked.as_of,
        valid_at=asked.valid_at,
        include_archived=asked.include_archived or None,
    )


_WRITTEN = (
    "memory",
    "type",
    "content",
    "summary",
    "importance",
    "tags",
    "files",
    "functions",
    "supersedes",
    "relationship",
    "target",
    "valid_from",
    "valid_until",
    "reason",
)


def _write(asked: argparse.Namespace) -> int:
    given = {name: getattr(asked, name, None) for name in _WRITTEN}
    return ask(asked, "memory_write", by_meaning=asked.action in ("add", "revise"), action=asked.action, **given)
