"""Which names a block of Python binds, found before it is walked: bound anywhere in a function is local in all of it.

Looks at statements only, and into expressions only where a walrus stands. Never evaluates anything.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from tree_sitter import Node

from drift_mcp.scan import python_grammar as G

# What a kind of node means to the search.
_NOTHING: Final = 0
_INSIDE: Final = 1  # look at its children
_DEFINED: Final = 3
_IMPORTED: Final = 4
_FOR: Final = 5
_TARGETS: Final = 6  # binds the names below it: `as` targets, `del`
_GLOBAL: Final = 7
_NONLOCAL: Final = 8
_ALIAS: Final = 9
_CASE: Final = 10
_EXCEPT: Final = 11


def _codes() -> list[int]:
    table = [_NOTHING] * G.KINDS
    for name, code in {
        "module": _INSIDE,
        "block": _INSIDE,
        "if_statement": _INSIDE,
        "elif_clause": _INSIDE,
        "else_clause": _INSIDE,
        "while_statement": _INSIDE,
        "try_statement": _INSIDE,
        "finally_clause": _INSIDE,
        "with_statement": _INSIDE,
        "with_clause": _INSIDE,
        "with_item": _INSIDE,
        "as_pattern": _INSIDE,
        "match_statement": _INSIDE,
        "decorated_definition": _INSIDE,
        "except_clause": _EXCEPT,
        "expression_statement": _INSIDE,
        "function_definition": _DEFINED,
        "class_definition": _DEFINED,
        "import_statement": _IMPORTED,
        "import_from_statement": _IMPORTED,
        "future_import_statement": _IMPORTED,
        "for_statement": _FOR,
        "as_pattern_target": _TARGETS,
        "delete_statement": _TARGETS,
        "global_statement": _GLOBAL,
        "nonlocal_statement": _NONLOCAL,
        "type_alias_statement": _ALIAS,
        "case_clause": _CASE,
    }.items():
        for number in G.numbers(name):
            table[number] = code
    table[G.ERROR] = _INSIDE
    return table


_CODES: Final = _codes()
_GLOBALS: Final = re.compile(rb"^[ \t]*global[ \t]+([\w \t,]+)", re.MULTILINE)


class Bound(NamedTuple):
    """The names that a block binds, as bytes of the source."""

    local: set[bytes]
    global_: set[bytes]
    nonlocal_: set[bytes]


def declared_global(source: bytes) -> set[bytes]:
    """Names that some function of the file declares global: the module binds them, without a statement of its own."""
    if b"global" not in source:
        return set()
    names = {name.strip() for found in _GLOBALS.finditer(source) for name in found[1].split(b",")}
    # A line of prose may begin with the word as well.
    return {name for name in names if name and b" " not in name and b"\t" not in name}


def bound_in(block: Node, source: bytes) -> Bound:
    """The names bound by the statements of a block, without what stands inside its functions and classes."""
    bound = Bound(set(), set(), set())
    local = bound.local
    stack = [block]
    codes = _CODES
    expression, identifier = G.EXPRESSION_STATEMENT, G.IDENTIFIER
    assignments = (G.ASSIGNMENT, G.AUGMENTED_ASSIGNMENT)
    while stack:
        node = stack.pop()
        code = codes[node.kind_id]
        if code == _INSIDE:
            for child in node.children:
                kind = child.kind_id
                if kind != expression:
                    if codes[kind]:
                        stack.append(child)
                    continue
                # Most statements are expressions: here and now. `a = b = c` nests to the right.
                first = child.children[0]
                kind = first.kind_id
                while kind in assignments:
                    children = first.children
                    left = children[0]
                    if left.kind_id == identifier:
                        local.add(source[left.start_byte : left.end_byte])
                    else:
                        targets(left, source, local)
                    first = children[-1]
                    kind = first.kind_id
        elif code == _DEFINED:
            name = node.child_by_field_id(G.F_NAME)
            if name is not None:
                local.add(source[name.start_byte : name.end_byte])
        elif code == _IMPORTED:
            for raw in _imported(node, source):
                local.add(raw)
        elif code == _FOR:
            target = node.child_by_field_id(G.F_LEFT)
            if target is not None:
                targets(target, source, local)
            stack.extend(node.children)
        elif code == _TARGETS:
            for child in node.children:
                targets(child, source, local)
        elif code == _EXCEPT:
            values = [child for child in node.children if child.kind_id == G.IDENTIFIER]
            if len(values) == 2 and is_caught_name(source[values[1].start_byte : values[1].end_byte]):
                local.add(source[values[1].start_byte : values[1].end_byte])
            stack.extend(node.children)
        elif code == _GLOBAL:
            bound.global_.update(
                source[child.start_byte : child.end_byte] for child in node.children if child.kind_id == G.IDENTIFIER
            )
        elif code == _NONLOCAL:
            bound.nonlocal_.update(
                source[child.start_byte : child.end_byte] for child in node.children if child.kind_id == G.IDENTIFIER
            )
        elif code == _ALIAS:
            name = alias_name(node)
            if name is not None:
                local.add(source[name.start_byte : name.end_byte])
        elif code == _CASE:
            for child in node.children:
                if child.kind_id == G.CASE_PATTERN:
                    _captures(child, source, local)
                else:
                    stack.append(child)
    if source.find(b":=", block.start_byte, block.end_byte) >= 0:
        _walrus(block, source, local)
    if bound.global_ or bound.nonlocal_:
        local -= bound.global_
        local -= bound.nonlocal_
    return bound


def is_caught_name(raw: bytes) -> bool:
    """Whether B in `except A, B:` is Python 2's variable, not Python 3.14's second class: classes are capitalised."""
    return raw.islower()


def targets(target: Node, source: bytes, into: set[bytes]) -> None:
    """The names that an assignment to this target binds."""
    stack = [target]
    while stack:
        node = stack.pop()
        kind = node.kind_id
        if kind == G.IDENTIFIER:
            into.add(source[node.start_byte : node.end_byte])
        elif kind in G.SEVERAL_TARGETS or kind in (
            G.LIST_SPLAT_PATTERN,
            G.LIST_SPLAT,
            G.PARENTHESIZED_EXPRESSION,
            G.AS_PATTERN_TARGET,
        ):
            stack.extend(node.children)


def alias_name(statement: Node) -> Node | None:
    """The name token of `type X[T] = …`."""
    node = statement.child_by_field_id(G.F_LEFT)
    while node is not None and node.kind_id != G.IDENTIFIER:
        named = node.named_children
        node = named[0] if named else None
    return node


def _imported(statement: Node, source: bytes) -> list[bytes]:
    found: list[bytes] = []
    plain = statement.kind_id == G.IMPORT_STATEMENT
    for name in statement.children_by_field_id(G.F_NAME):
        alias = name.child_by_field_id(G.F_ALIAS)
        token = name if alias is None else alias
        raw = source[token.start_byte : token.end_byte]
        found.append(raw.split(b".", 1)[0].strip() if plain and alias is None else raw)
    return found


def _captures(pattern: Node, source: bytes, into: set[bytes]) -> None:
    stack = [pattern]
    while stack:
        node = stack.pop()
        kind = node.kind_id
        if kind == G.DOTTED_NAME:
            # A dotted name is a value to compare with.
            if node.child_count == 1:
                into.add(source[node.start_byte : node.end_byte])
        elif kind in (G.CLASS_PATTERN, G.KEYWORD_PATTERN):
            stack.extend(node.children[1:])
        elif kind == G.IDENTIFIER:
            into.add(source[node.start_byte : node.end_byte])
        else:
            stack.extend(node.children)
    into.discard(b"_")


def _walrus(block: Node, source: bytes, into: set[bytes]) -> None:
    stack = [block]
    while stack:
        node = stack.pop()
        kind = node.kind_id
        if kind == G.NAMED_EXPRESSION:
            name = node.child_by_field_id(G.F_NAME)
            if name is not None:
                into.add(source[name.start_byte : name.end_byte])
            stack.extend(node.children)
        elif kind in (G.FUNCTION_DEFINITION, G.CLASS_DEFINITION):
            # Default values and decorators would bind here too; nobody writes a walrus there.
            continue
        elif kind not in G.LAMBDAS:
            stack.extend(node.children)
