"""Names, constants and strings of the JavaScript family as expressions: what stands for itself and calls nothing."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from drift_mcp.scan.facts import ATTR, FREE, JOINED, LITERAL, NAME, TEXT, Expr
from drift_mcp.scan.typescript_text import pieces, text_value, unescaped
from drift_mcp.scan.typescript_walk import UNKNOWN, Walk

# A string put together from more parts says nothing that its first parts do not.
_MOST_PARTS: Final = 200

NOTHING: Final[Expr] = (LITERAL, "none")
BOOLEAN: Final[Expr] = (LITERAL, "bool")
INTEGER: Final[Expr] = (LITERAL, "int")
NUMBER: Final[Expr] = (LITERAL, "float")
IMPORT: Final[Expr] = (FREE, "import")
EXPORTS: Final[Expr] = (FREE, "exports")
MODULE_EXPORTS: Final[Expr] = (ATTR, (FREE, "module"), "exports")


def identifier(walk: Walk, node: Node) -> Expr:
    raw = walk.source[node.start_byte : node.end_byte]
    return walk.names.get(raw) or walk.lookup(raw)


def this(walk: Walk, _node: Node) -> Expr:
    return walk.this


def string(walk: Walk, node: Node) -> Expr:
    raw = walk.source[node.start_byte + 1 : node.end_byte - 1]
    known = walk.texts.get(raw)
    if known is None:
        known = walk.texts[raw] = text_value(unescaped(raw.decode("utf-8", "replace")))
    return known


def number(walk: Walk, node: Node) -> Expr:
    return NUMBER if b"." in walk.source[node.start_byte : node.end_byte] else INTEGER


def template(walk: Walk, node: Node) -> Expr:
    texts: list[str | None] = []
    holes: list[Expr] = []
    piece: list[str] = []
    for child in node.named_children:
        kind = child.type
        if kind == "string_fragment":
            piece.append(walk.source[child.start_byte : child.end_byte].decode("utf-8", "replace"))
        elif kind == "escape_sequence":
            piece.append(unescaped(walk.word(child)))
        elif kind == "template_substitution":
            if piece:
                texts.append("".join(piece))
                piece = []
            texts.append(None)
            inner = [each for each in child.named_children if each.type != "comment"]
            holes.append(walk.visit(inner[0]) if inner else UNKNOWN)
    if piece:
        texts.append("".join(piece))
    if not holes:
        return text_value(texts[0] or "") if texts else (TEXT, "")
    return joined(texts, holes)


def joined(texts: list[str | None], holes: list[Expr]) -> Expr:
    parts: list[Expr] = []
    following = iter(holes)
    for part in pieces(texts):
        if part is None:
            hole = next(following)
            parts.extend(hole[1] if hole[0] == JOINED else (hole,))
        else:
            parts.append(part)
    return (JOINED, tuple(parts[:_MOST_PARTS]))


def last_name(expression: Expr) -> str:
    """The last identifier of a name or attribute; '' for anything else."""
    return str(expression[2]) if expression[0] in (ATTR, NAME) else str(expression[1]) if expression[0] == FREE else ""
