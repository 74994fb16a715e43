"""Annotations, base classes and other type expressions of Python, also quoted ones. Reads types, never values."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from drift_mcp.scan import python_grammar as G
from drift_mcp.scan.facts import ATTR, FREE, ITEM, LITERAL, NAME, SEQUENCE, SPREAD, Expr
from drift_mcp.scan.python_text import decoded, inside, text_value
from drift_mcp.scan.python_walk import DEEPEST, UNKNOWN, Walk, named, union

# No declared type is longer.
_LONGEST_QUOTED: Final = 1_000
_DOTTED: Final = re.compile(r"\s*([^\W\d]\w*(?:\.[^\W\d]\w*)*)\s*")
_PIPE: Final = G.token("|")


def type_of(walk: Walk, node: Node, depth: int, quoted: bool = False) -> Expr:
    """The type that an annotation or base class means. Inside a quoted one (`quoted`) only types are looked at."""
    if depth > DEEPEST:
        return UNKNOWN
    kind = node.kind_id
    if kind == G.TYPE:
        inner = named(node)
        return type_of(walk, inner[0], depth + 1, quoted) if inner else UNKNOWN
    if kind == G.IDENTIFIER:
        raw = walk.raw(node)
        return walk.names.get(raw) or walk.lookup(raw)
    if kind == G.ATTRIBUTE or kind == G.MEMBER_TYPE:
        inner = named(node)
        return walk.attribute(type_of(walk, inner[0], depth + 1, quoted), walk.word(walk.raw(inner[-1])))
    if kind == G.STRING or kind == G.CONCATENATED_STRING:
        return _quoted(walk, node, depth)
    if kind == G.SUBSCRIPT:
        owner = node.child_by_field_id(G.F_VALUE)
        keys = node.children_by_field_id(G.F_SUBSCRIPT)
        return (
            UNKNOWN if owner is None else _generic(walk, type_of(walk, owner, depth + 1, quoted), keys, depth, quoted)
        )
    if kind == G.GENERIC_TYPE:
        inner = named(node)
        keys = [key for each in inner[1:] for key in named(each)]
        return _generic(walk, type_of(walk, inner[0], depth + 1, quoted), keys, depth, quoted)
    if kind == G.BINARY_OPERATOR and node.children[1].kind_id == _PIPE:
        return union([type_of(walk, part, depth + 1, quoted) for part in named(node)])
    if kind == G.UNION_TYPE:
        return union([type_of(walk, part, depth + 1, quoted) for part in named(node)])
    if kind == G.LIST or kind == G.TUPLE:
        parts = tuple([type_of(walk, part, depth + 1, quoted) for part in named(node)])
        return (SEQUENCE, "list" if kind == G.LIST else "tuple", parts)
    if kind in (G.LIST_SPLAT, G.SPLAT_TYPE):
        inner = named(node)
        return (SPREAD, type_of(walk, inner[0], depth + 1, quoted)) if inner else UNKNOWN
    if kind in (G.PARENTHESIZED_EXPRESSION, G.CONSTRAINED_TYPE):
        inner = named(node)
        return type_of(walk, inner[0], depth + 1, quoted) if inner else UNKNOWN
    if quoted and kind not in G.LITERALS:
        return UNKNOWN
    return walk.handle[kind](walk, node, depth + 1)


def _generic(walk: Walk, owner: Expr, keys: list[Node], depth: int, quoted: bool) -> Expr:
    name = last_name(owner)
    if name == "Literal":
        parts = [_constant(walk, key, depth) for key in keys]
    elif name == "Annotated":
        parts = [type_of(walk, key, depth + 1, quoted) for key in keys[:1]]
        parts.extend(UNKNOWN if quoted else _metadata(walk, key, depth) for key in keys[1:])
    else:
        parts = [type_of(walk, key, depth + 1, quoted) for key in keys]
    return (ITEM, owner, parts[0] if len(parts) == 1 else (SEQUENCE, "tuple", tuple(parts)))


def _metadata(walk: Walk, node: Node, depth: int) -> Expr:
    if node.kind_id == G.TYPE:
        inner = named(node)
        return walk.handle[inner[0].kind_id](walk, inner[0], depth + 1) if inner else UNKNOWN
    return walk.handle[node.kind_id](walk, node, depth + 1)


def _constant(walk: Walk, node: Node, depth: int) -> Expr:
    if node.kind_id == G.TYPE:
        inner = named(node)
        return _constant(walk, inner[0], depth + 1) if inner and depth <= DEEPEST else UNKNOWN
    if node.kind_id == G.STRING:
        return text_value(_text(walk, node))
    return (LITERAL, "int") if node.kind_id in G.LITERALS else UNKNOWN


def _text(walk: Walk, node: Node) -> str:
    raw = walk.raw(node)
    prefix, first, last = inside(raw)
    return decoded(raw[first:last], "r" in prefix)


def _quoted(walk: Walk, node: Node, depth: int) -> Expr:
    text = _text(walk, node) if node.kind_id == G.STRING else "".join(_text(walk, part) for part in named(node))
    dotted = _DOTTED.fullmatch(text)
    if dotted is not None:
        first, *rest = dotted[1].split(".")
        raw = first.encode()
        found = walk.names.get(raw) or walk.lookup(raw)
        if first == "None":
            return (LITERAL, "none")
        for name in rest:
            found = walk.attribute(found, name)
        return found
    if len(text) > _LONGEST_QUOTED or "\0" in text:
        return UNKNOWN
    outer = walk.source
    # Parentheses let an annotation run over several lines, as it may.
    source = f"({text})".encode("utf-8", "replace")
    tree = walk.parser.parse(source)
    walk.source = source
    statement = tree.root_node.named_children[:1]
    inner = statement[0].named_children[:1] if statement else []
    found = type_of(walk, inner[0], depth + 1, quoted=True) if inner else UNKNOWN
    walk.source = outer
    return found


def last_name(expression: Expr) -> str:
    """The name that a type or a decorator ends in: 'Base' of `db.Base[T]`; '' where there is none."""
    while expression[0] == ITEM:
        expression = expression[1]
    if expression[0] in (NAME, ATTR):
        return str(expression[2])
    return str(expression[1]) if expression[0] == FREE else ""


def type_variables(base: Expr) -> tuple[str, ...]:
    """The type parameters that `Generic[A, B]` or `Protocol[T]` declares; () for any other base."""
    if base[0] != ITEM or base[2] is None or last_name(base) not in ("Generic", "Protocol"):
        return ()
    parts = base[2][2] if base[2][0] == SEQUENCE else (base[2],)
    return tuple(name for name in map(last_name, parts) if name)
