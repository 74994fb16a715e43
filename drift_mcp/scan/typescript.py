"""TypeScript, TSX and JavaScript source → facts. One parse, one walk; knows no other file and never fails on a source.

The walk itself is `typescript_walk`; what each kind of node means stands in `typescript_statements`, `_scopes`,
`_definitions`, `_declarations`, `_types`, `_calls`, `_values` and `_constants`. This module puts their handlers into
one table per grammar and the collected rows into facts.
"""

from __future__ import annotations

import functools
import importlib
import re
from functools import partial
from typing import Final

from tree_sitter import Language, Node, Parser

from drift_mcp.scan import suppressions
from drift_mcp.scan.facts import (
    DEFINITION,
    EXPORTED,
    NAME,
    RECORD,
    Access,
    Call,
    Definition,
    Expr,
    FileFacts,
    Ignored,
    Problem,
    Scope,
)
from drift_mcp.scan.languages import is_test
from drift_mcp.scan.typescript_calls import LINKS
from drift_mcp.scan.typescript_scopes import DECLARING, body
from drift_mcp.scan.typescript_statements import STATEMENTS
from drift_mcp.scan.typescript_types import TYPES
from drift_mcp.scan.typescript_values import VALUES, scattered
from drift_mcp.scan.typescript_walk import MOST_VALUES, Draft, Grammar, Handle, Walk, fields_of

LANGUAGES: Final = ("typescript", "tsx", "javascript")

# tree-sitter gives ERROR this number, far beyond those of any grammar.
_ERROR: Final = 65_535


@functools.cache
def _grammar(language: str) -> tuple[Parser, Grammar]:
    # Loaded at the first file of the language: a grammar takes milliseconds and megabytes.
    if language == "javascript":
        pointer = importlib.import_module("tree_sitter_javascript").language()
    else:
        module = importlib.import_module("tree_sitter_typescript")
        pointer = module.language_tsx() if language == "tsx" else module.language_typescript()
    grammar = Language(pointer)
    handlers: dict[str, Handle] = {**VALUES, **STATEMENTS}
    handle: list[Handle] = [scattered] * (_ERROR + 1)
    types: list[Handle | None] = [None] * (_ERROR + 1)
    codes, links = [0] * (_ERROR + 1), [0] * (_ERROR + 1)
    codes[_ERROR] = DECLARING["ERROR"]
    for number in range(grammar.node_kind_count):
        kind = grammar.node_kind_for_id(number) or ""
        if grammar.node_kind_is_named(number):
            handle[number] = handlers.get(kind, scattered)
            types[number] = TYPES.get(kind)
            codes[number] = DECLARING.get(kind, 0)
            links[number] = LINKS.get(kind, 0)
    return Parser(grammar), Grammar(fields_of(grammar), handle, types, codes, links)


def facts_of(path: str, source: bytes, language: str) -> FileFacts:
    """What this source says on its own.

    `language` is one of LANGUAGES; `path` is relative to the project root, with '/' between its parts.
    """
    problems: list[Problem] = []
    parser, grammar = _grammar(language)
    tree = parser.parse(source)
    root = tree.root_node
    if root.has_error:
        problems.extend(_syntax_problems(root))
    walk = Walk(path, source, grammar)
    module = walk.draft
    module.name = module.qualified_name = module_name(path)
    lines = source.count(b"\n") + (not source.endswith(b"\n") and bool(source))
    module.end_line = max(lines, 1)
    body(walk, root)
    walk.finish()
    ignored, not_understood = suppressions.read(tree, source)
    return _collected(walk, path, language, lines, [*problems, *not_understood], ignored)


def module_name(path: str) -> str:
    """The path without its ending, and without a final `/index`."""
    stem = re.sub(r"(?:\.d)?\.[cm]?[jt]sx?$", "", path)
    return stem.removesuffix("/index") if stem != "index" else stem


def _syntax_problems(root: Node) -> list[Problem]:
    """The first place that the parser could not make sense of, if there is one."""
    pending = [root]
    while pending:
        node = pending.pop()
        # The grammar reads `styled.a<Props>`…`` as if a `!` stood before the template; all of it is understood.
        if node.is_error or (node.is_missing and node.type != "!"):
            what = f"'{node.type}' is missing" if node.is_missing else "The source does not parse here"
            return [Problem("syntax", node.start_point[0] + 1, f"{what}; what stands around it was read.")]
        pending.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return []


def _collected(
    walk: Walk, path: str, language: str, lines: int, problems: list[Problem], ignored: tuple[Ignored, ...]
) -> FileFacts:
    _mark_exported(walk)
    ordinals = _ordinals(walk.definitions)
    # Made by tuple itself: a NamedTuple's own constructor is Python code, and these are most of all rows.
    make_call, make_access = partial(tuple.__new__, Call), partial(tuple.__new__, Access)
    return FileFacts(
        path,
        language,
        lines,
        int(is_test(path)),
        tuple(_definition(draft, ordinals[draft.number]) for draft in walk.definitions),
        tuple(
            Scope(kind, parent, definition, {name: tuple(values) for name, values in bindings.items()})
            for kind, parent, definition, bindings in walk.scopes
        ),
        tuple(walk.imports),
        walk.exports,
        tuple(walk.reexports),
        tuple(map(make_call, walk.calls)),
        tuple(map(make_access, walk.accesses)),
        tuple(walk.handlers_found),
        tuple(walk.env_reads),
        (),
        (),
        tuple(problems),
        ignored,
    )


def _ordinals(drafts: list[Draft]) -> list[int]:
    """Which of its equals each definition is, in source order; what was put off is numbered late."""
    found = [0] * len(drafts)
    seen: dict[str, int] = {}
    for draft in sorted(drafts, key=lambda draft: (draft.start, draft.number)):
        found[draft.number] = seen.get(draft.qualified_name, 0)
        seen[draft.qualified_name] = found[draft.number] + 1
    return found


def _mark_exported(walk: Walk) -> None:
    pending: list[Expr] = list(walk.exports.values())
    while pending:
        value = pending.pop()
        if value[0] == DEFINITION:
            walk.definitions[value[1]].flags |= EXPORTED
        elif value[0] == NAME:
            for bound in walk.scopes[value[1]][3].get(value[2], ()):
                if bound[0] == DEFINITION:
                    walk.definitions[bound[1]].flags |= EXPORTED
        elif value[0] == RECORD:  # module.exports = { a, b }
            pending.extend(each for _, each in value[2] if each[0] in (NAME, DEFINITION))


def _definition(draft: Draft, ordinal: int) -> Definition:
    return Definition(
        draft.name,
        draft.qualified_name,
        ordinal,
        draft.kind,
        draft.parent,
        draft.scope,
        draft.line,
        draft.end_line,
        draft.column,
        draft.name_line,
        draft.flags,
        draft.visibility,
        draft.complexity,
        draft.signature,
        tuple(draft.parameters),
        draft.returns,
        draft.returns_text,
        tuple(draft.returned[:MOST_VALUES]),
        tuple(draft.yielded),
        tuple(draft.decorators),
        tuple(draft.bases),
        tuple(draft.keywords),
        draft.type_parameters,
    )
