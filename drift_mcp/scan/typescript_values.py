"""Operators, assignments and the other expressions of the JavaScript family; `VALUES` lists what handles which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from drift_mcp.scan.constants import STRING
from drift_mcp.scan.facts import (
    ATTR,
    DELETE,
    ELEMENT,
    FREE,
    INSTANCE,
    JOINED,
    LITERAL,
    SELF,
    SEQUENCE,
    SPREAD,
    STORE,
    TEXT,
    Expr,
)
from drift_mcp.scan.secrets import redact_default
from drift_mcp.scan.typescript_calls import awaited, chain, first_child, jsx, new, super_class
from drift_mcp.scan.typescript_constants import (
    BOOLEAN,
    EXPORTS,
    IMPORT,
    MODULE_EXPORTS,
    NOTHING,
    NUMBER,
    identifier,
    joined,
    last_name,
    number,
    string,
    template,
    this,
)
from drift_mcp.scan.typescript_definitions import named, record
from drift_mcp.scan.typescript_scopes import bind_pattern, default_text, store
from drift_mcp.scan.typescript_types import member_name, type_of
from drift_mcp.scan.typescript_walk import MOST_VALUES, UNKNOWN, Walk, union

# A literal list with more elements is data.
_MOST_ELEMENTS: Final = 256

_LOGIC: Final = frozenset(("&&", "||", "??"))
_COMPARISON: Final = frozenset(("==", "===", "!=", "!==", "<", ">", "<=", ">=", "in", "instanceof"))


def binary(walk: Walk, node: Node) -> Expr:
    """`a + b + c + …` nests to the left without bound: a loop."""
    fields = walk.fields
    steps: list[tuple[str, Node | None, Node]] = []
    left: Node | None = node
    while left is not None and left.type == "binary_expression":
        sign = left.child_by_field_id(fields.operator)
        steps.append(("" if sign is None else sign.type, left.child_by_field_id(fields.right), left))
        left = left.child_by_field_id(fields.left)
    steps.reverse()
    value = UNKNOWN if left is None else walk.visit(left)
    texts: list[str | None] | None = None  # of the string that `+` is putting together
    holes: list[Expr] = []
    if steps[0][0] == "+":
        texts = []
        _add(walk, left, value, texts, holes)
    for index, (operator, right, whole) in enumerate(steps):
        reads = len(walk.env_reads)
        if operator in _LOGIC:
            walk.draft.complexity += 1
            other = UNKNOWN if right is None else walk.visit(right)
            if reads and right is not None and operator != "&&" and _default_of(walk, reads - 1, whole, right):
                other = STRING
            value = other if operator == "&&" else union([value, other])
            texts = None
            continue
        other = UNKNOWN if right is None else walk.visit(right)
        if operator == "+":
            if texts is None:
                texts, holes = [], []
                _add(walk, None, value, texts, holes)
            _add(walk, right, other, texts, holes)
            if index + 1 < len(steps) and steps[index + 1][0] == "+":
                continue
            if any(text is not None for text in texts) or any(hole[0] == JOINED or hole == STRING for hole in holes):
                value = joined(texts, holes)
            else:
                value = union(holes)
        else:
            value = BOOLEAN if operator in _COMPARISON else NUMBER
        texts = None
    return value


def _add(walk: Walk, node: Node | None, value: Expr, texts: list[str | None], holes: list[Expr]) -> None:
    if node is not None and node.type == "string":
        texts.append(member_name(walk, node))
    else:
        texts.append(None)
        holes.append(value)


def _default_of(walk: Walk, index: int, whole: Node, right: Node) -> bool:
    """`process.env.X ?? 'x'`: the default of the read right before the operator; True when it is not to be kept."""
    read = walk.env_reads[index]
    left = whole.child_by_field_id(walk.fields.left)
    if left is None or read.default is not None:
        return False
    end_row, end_column = left.end_point
    tail = walk.source[left.start_byte : left.end_byte]
    if read.line == end_row + 1 and read.column < end_column and read.name.encode() in tail:
        text = default_text(walk, right)
        default = redact_default(read.name, text)
        walk.env_reads[index] = read._replace(default=default)
        return default != text
    return False


def unary(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    operator, argument = node.child_by_field_id(fields.operator), node.child_by_field_id(fields.argument)
    if argument is None:
        return UNKNOWN
    sign = "" if operator is None else operator.type
    if sign == "delete" and argument.type == "member_expression":
        owner_node, last = argument.child_by_field_id(fields.object), argument.child_by_field_id(fields.property)
        if owner_node is not None and last is not None:
            owner = walk.visit(owner_node)
            row, column = last.start_point
            walk.accesses.append((walk.draft.number, owner, walk.word(last), row + 1, column, DELETE, None))
        return BOOLEAN
    walk.visit(argument)
    return BOOLEAN if sign in ("!", "delete") else STRING if sign == "typeof" else NOTHING if sign == "void" else NUMBER


def update(walk: Walk, node: Node) -> Expr:
    argument = node.child_by_field_id(walk.fields.argument)
    if argument is not None:
        if argument.type == "member_expression":
            store(walk, argument, None)
        else:
            walk.visit(argument)
    return NUMBER


def ternary(walk: Walk, node: Node) -> Expr:
    """`a ? b : c ? d : …` nests to the right without bound: a loop."""
    fields = walk.fields
    values: list[Expr] = []
    other: Node | None = node
    while other is not None and other.type == "ternary_expression":
        walk.draft.complexity += 1
        condition, consequence = other.child_by_field_id(fields.condition), other.child_by_field_id(fields.consequence)
        if condition is not None:
            walk.visit(condition)
        if consequence is not None:
            values.append(walk.visit(consequence))
        other = other.child_by_field_id(fields.alternative)
    if other is not None:
        values.append(walk.visit(other))
    return union(values)


def in_parentheses(walk: Walk, node: Node) -> Expr:
    value = UNKNOWN
    for child in node.named_children:
        if child.type != "comment":
            value = walk.visit(child)
    return value


def cast(walk: Walk, node: Node) -> Expr:
    """`x as T`, `x satisfies T`, `<T>x`: of type T, unless T says nothing (`any`, `unknown`, `const`)."""
    children = [child for child in node.named_children if child.type != "comment"]
    if not children:
        return UNKNOWN
    if node.type == "type_assertion":
        inner = children[-1]
        kind = children[0].named_children[0] if len(children) > 1 and children[0].named_children else None
    else:
        inner, kind = children[0], children[1] if len(children) > 1 else None
    value = walk.visit(inner)
    if kind is None or walk.word(kind) in ("any", "unknown", "const", "never"):
        return value
    declared = type_of(walk, kind)
    return value if declared is UNKNOWN or declared[0] == LITERAL else (INSTANCE, declared)


def assignment(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    left, right = node.child_by_field_id(fields.left), node.child_by_field_id(fields.right)
    if left is None or right is None:
        return UNKNOWN
    kind = left.type
    while kind in ("parenthesized_expression", "non_null_expression") and len(left.named_children) == 1:
        left = left.named_children[0]
        kind = left.type
    if kind == "member_expression":
        return _assign_member(walk, left, right)
    if kind == "identifier":
        word = walk.word(left)
        value = named(walk, right, word, token=left)
        walk.bind(walk.name(left), value)
        return value
    if kind == "subscript_expression":
        return _assign_item(walk, left, right)
    value = walk.visit(right)
    bind_pattern(walk, left, value)
    return value


def _assign_item(walk: Walk, left: Node, right: Node) -> Expr:
    fields = walk.fields
    owner_node, key_node = left.child_by_field_id(fields.object), left.child_by_field_id(fields.key_index)
    owner = UNKNOWN if owner_node is None else walk.visit(owner_node)
    key = UNKNOWN if key_node is None else walk.visit(key_node)
    if key[0] != TEXT or key_node is None:
        # `app[method] = function () { … }`: the name is not known, what `this` is in it is.
        return named(walk, right, "", owner=last_name(owner), kind="method", this=owner)
    value = walk.kept_under(
        key[1], named(walk, right, key[1], owner=last_name(owner), kind="method", token=key_node, this=owner)
    )
    row, column = key_node.start_point
    stored = None if value is UNKNOWN else value
    walk.accesses.append((walk.draft.number, owner, f"[{key[1]}]", row + 1, column, STORE, stored))
    if owner in (EXPORTS, MODULE_EXPORTS):
        walk.exports[key[1]] = value
    return value


def _assign_member(walk: Walk, left: Node, right: Node) -> Expr:
    fields = walk.fields
    owner_node, name_node = left.child_by_field_id(fields.object), left.child_by_field_id(fields.property)
    if owner_node is None or name_node is None:
        return walk.visit(right)
    owner = walk.visit(owner_node)
    name = walk.word(name_node)
    row, column = name_node.start_point
    exported = owner in (EXPORTS, MODULE_EXPORTS)
    whole = name == "exports" and owner == (FREE, "module")
    kind, path, this = "method", "", owner
    if owner[0] == ATTR and owner[2] == "prototype":
        path, this = last_name(owner[1]), (INSTANCE, owner[1])
    elif exported or whole:
        kind, this = "function", (FREE, "this")
    elif owner[0] != SELF:
        path = last_name(owner)
    if name == "prototype" and right.type == "object":
        value = record(walk, right, path, this=(INSTANCE, owner))
    else:
        value = named(walk, right, name, owner=path, kind=kind, token=name_node, this=this, start=left.start_byte)
    value = walk.kept_under(name, value)
    stored = None if value is UNKNOWN else value
    walk.accesses.append((walk.draft.number, owner, name, row + 1, column, STORE, stored))
    if exported:
        if value != NOTHING:  # `exports.a = exports.b = void 0` only announces
            walk.exports[name] = value
    elif whole:
        walk.exports["="] = value
    return value


def augmented(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    left, right = node.child_by_field_id(fields.left), node.child_by_field_id(fields.right)
    operator = node.child_by_field_id(fields.operator)
    if left is None or right is None:
        return UNKNOWN
    value = walk.visit(right)
    logical = operator is not None and operator.type in ("??=", "||=", "&&=")
    if logical:
        walk.draft.complexity += 1
    if left.type == "member_expression":
        store(walk, left, value if logical else None)
    else:
        target = walk.visit(left)
        if logical or value[0] in (TEXT, JOINED):
            walk.bind(target, value)
    return value


# -- the rest


def array(walk: Walk, node: Node) -> Expr:
    elements = [walk.visit(child) for child in node.named_children if child.type != "comment"]
    return (SEQUENCE, "list", tuple(elements[:_MOST_ELEMENTS]))


def spread(walk: Walk, node: Node) -> Expr:
    value = first_child(walk, node)
    return UNKNOWN if value is UNKNOWN else (SPREAD, value)


def yielded(walk: Walk, node: Node) -> Expr:
    children = [child for child in node.named_children if child.type != "comment"]
    if children:
        value = walk.visit(children[0])
        if any(child.type == "*" for child in node.children):
            value = (ELEMENT, value)
        if value is not UNKNOWN and len(walk.draft.yielded) < MOST_VALUES:
            walk.draft.yielded.append(value)
    return UNKNOWN


def meta(walk: Walk, node: Node) -> Expr:
    return (FREE, walk.word(node))


def keyword_import(_walk: Walk, _node: Node) -> Expr:
    return IMPORT


def scattered(walk: Walk, node: Node) -> Expr:
    """What has no meaning of its own: its parts have."""
    for child in node.named_children:
        walk.visit(child)
    return UNKNOWN


def nothing(_walk: Walk, _node: Node) -> Expr:
    return UNKNOWN


def constant(value: Expr) -> Callable[[Walk, Node], Expr]:
    return lambda _walk, _node: value


VALUES: Final[dict[str, Callable[[Walk, Node], Expr]]] = {
    "identifier": identifier,
    "shorthand_property_identifier": identifier,
    "this": this,
    "super": super_class,
    "string": string,
    "template_string": template,
    "number": number,
    "true": constant(BOOLEAN),
    "false": constant(BOOLEAN),
    "null": constant(NOTHING),
    "undefined": constant(NOTHING),
    "regex": constant((LITERAL, "regex")),
    "call_expression": chain,
    "member_expression": chain,
    "subscript_expression": chain,
    "new_expression": new,
    "await_expression": awaited,
    "binary_expression": binary,
    "unary_expression": unary,
    "update_expression": update,
    "ternary_expression": ternary,
    "parenthesized_expression": in_parentheses,
    "sequence_expression": in_parentheses,
    "as_expression": cast,
    "satisfies_expression": cast,
    "type_assertion": cast,
    "non_null_expression": first_child,
    "instantiation_expression": first_child,
    "assignment_expression": assignment,
    "augmented_assignment_expression": augmented,
    "array": array,
    "spread_element": spread,
    "yield_expression": yielded,
    "meta_property": meta,
    "import": keyword_import,
    "jsx_element": jsx,
    "jsx_self_closing_element": jsx,
    "jsx_expression": first_child,
}
