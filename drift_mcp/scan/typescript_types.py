"""TypeScript's annotations as type expressions. Never computes a type: what only the compiler knows is (UNION, ())."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from drift_mcp.scan.facts import (
    ALIAS,
    FREE,
    FUNCTION_TYPE,
    INSTANCE,
    ITEM,
    LITERAL,
    SELF,
    SEQUENCE,
    SHAPE,
    TEXT,
    TYPE_OF,
    Expr,
)
from drift_mcp.scan.typescript_text import text_value, unescaped
from drift_mcp.scan.typescript_walk import DEEPEST, LONGEST_CHAIN, UNKNOWN, Walk, union

_ARRAY: Final[Expr] = (FREE, "Array")
_NOTHING: Final[Expr] = (LITERAL, "none")
_BOOLEAN: Final[Expr] = (FREE, "boolean")
# Inline object types with more members than this are generated.
_MOST_MEMBERS: Final = 200


def type_of(walk: Walk, node: Node | None) -> Expr:
    """The type expression of a type node or an annotation; (UNION, ()) for what only the compiler knows."""
    if node is None or walk.depth >= DEEPEST:
        return UNKNOWN
    handler = walk.types[node.kind_id]
    if handler is None:
        return UNKNOWN
    walk.depth += 1
    found = handler(walk, node)
    walk.depth -= 1
    return found


def instance_of(walk: Walk, node: Node | None) -> Expr | None:
    """A value of the annotated type; None where the annotation says nothing."""
    if node is None:
        return None
    found = type_of(walk, node)
    return None if found is UNKNOWN or found == _NOTHING else (INSTANCE, found)


def type_arguments(walk: Walk, node: Node) -> Expr:
    return (SEQUENCE, "tuple", tuple(type_of(walk, child) for child in node.named_children if child.type != "comment"))


def enter_type_parameters(walk: Walk, node: Node | None) -> tuple[str, ...]:
    """Makes `<T, U extends V>` known to the current frame; gives their names. A constraint is what is known."""
    if node is None:
        return ()
    names: list[str] = []
    constraints: list[tuple[Expr, Node]] = []
    for child in node.named_children:
        name = child.child_by_field_id(walk.fields.name) if child.type == "type_parameter" else None
        if name is None:
            continue
        word = walk.word(name)
        names.append(word)
        raw = walk.source[name.start_byte : name.end_byte]
        constraint = child.child_by_field_id(walk.fields.constraint)
        if constraint is not None and constraint.named_children:
            constraints.append((walk.declare(raw), constraint.named_children[0]))
        else:
            walk.names[raw] = (FREE, word)
    for target, constraint in constraints:
        found = type_of(walk, constraint)
        if found is not UNKNOWN:
            walk.bind(target, (ALIAS, found))
    return tuple(names)


def reference(walk: Walk, node: Node) -> Expr:
    """A dotted name, in a type or in `extends`, without counting it as use of an attribute."""
    path: list[str] = []
    while True:
        kind = node.type
        if kind in ("nested_type_identifier", "nested_identifier", "member_expression"):
            fields = walk.fields
            last = node.child_by_field_id(fields.name) or node.child_by_field_id(fields.property)
            owner = node.child_by_field_id(fields.module) or node.child_by_field_id(fields.object)
            if last is None or owner is None or len(path) > LONGEST_CHAIN:
                return UNKNOWN
            path.append(walk.word(last))
            node = owner
        elif kind in ("identifier", "type_identifier"):
            found = walk.name(node)
            break
        elif kind == "this":
            found = walk.this
            break
        elif kind == "call_expression":
            module = _imported_module(walk, node)
            if module is None:
                return UNKNOWN
            name = path.pop() if path else "*"
            found = walk.imported(module, name, "", node.start_point[0] + 1, 1)
            break
        elif kind == "parenthesized_expression" and node.named_children:
            node = node.named_children[0]
        else:
            return UNKNOWN
    for name in reversed(path):
        found = walk.attribute(found, name)
    return found


def _imported_module(walk: Walk, node: Node) -> str | None:
    """The module of `import('x')`."""
    function = node.child_by_field_id(walk.fields.function)
    arguments = node.child_by_field_id(walk.fields.arguments)
    if function is None or function.type != "import" or arguments is None or not arguments.named_children:
        return None
    text = arguments.named_children[0]
    return walk.word(text)[1:-1] if text.type == "string" else None


def _inner(walk: Walk, node: Node) -> Expr:
    children = node.named_children
    return type_of(walk, children[0]) if children else UNKNOWN


def _predefined(walk: Walk, node: Node) -> Expr:
    word = walk.word(node)
    return _NOTHING if word == "void" else (FREE, word)


def _generic(walk: Walk, node: Node) -> Expr:
    name = node.child_by_field_id(walk.fields.name)
    arguments = node.child_by_field_id(walk.fields.type_arguments)
    if name is None:
        return UNKNOWN
    owner = reference(walk, name)
    if arguments is None or owner is UNKNOWN:
        return owner
    expression = (ITEM, owner, type_arguments(walk, arguments))
    return walk.interned.setdefault(expression, expression)


def _array(walk: Walk, node: Node) -> Expr:
    expression = (ITEM, _ARRAY, (SEQUENCE, "tuple", (_inner(walk, node),)))
    return walk.interned.setdefault(expression, expression)


def _tuple(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    elements: list[Expr] = []
    for child in node.named_children:
        if child.type in ("required_parameter", "optional_parameter"):
            elements.append(type_of(walk, child.child_by_field_id(fields.type)))
        elif child.type != "comment":
            elements.append(type_of(walk, child))
    return (SEQUENCE, "tuple", tuple(elements))


def _union(walk: Walk, node: Node) -> Expr:
    parts: list[Expr] = []
    while node.type in ("union_type", "intersection_type"):  # nested to the left: `A | B | C`
        children = [child for child in node.named_children if child.type != "comment"]
        if not children:
            break
        if len(children) > 1:
            parts.append(type_of(walk, children[-1]))
        if len(children) == 1 or children[0].type not in ("union_type", "intersection_type"):
            parts.append(type_of(walk, children[0]))
            break
        node = children[0]
    parts.reverse()
    return union([part for part in parts if part != _NOTHING]) if any(part != _NOTHING for part in parts) else _NOTHING


def _literal(walk: Walk, node: Node) -> Expr:
    children = node.named_children
    kind = children[0].type if children else "undefined"
    if kind == "string":
        return text_value(unescaped(walk.word(children[0])[1:-1]))
    if kind in ("null", "undefined"):
        return _NOTHING
    return (LITERAL, "bool" if kind in ("true", "false") else "int")


def _function(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    returns = node.child_by_field_id(fields.return_type) or node.child_by_field_id(fields.type)
    before = walk.enter_frame()
    enter_bare_type_parameters(walk, node.child_by_field_id(fields.type_parameters))
    found = None if returns is None else type_of(walk, returns)
    walk.leave(before)
    return (FUNCTION_TYPE, None if found is UNKNOWN or found == _NOTHING else found)


def enter_bare_type_parameters(walk: Walk, node: Node | None) -> tuple[str, ...]:
    """As `enter_type_parameters`, where there is no scope that could hold constraints."""
    names: list[str] = []
    for child in node.named_children if node is not None else ():
        name = child.child_by_field_id(walk.fields.name)
        if name is not None:
            names.append(walk.word(name))
            walk.names[walk.source[name.start_byte : name.end_byte]] = (FREE, names[-1])
    return tuple(names)


def _object(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    pairs: list[tuple[str, Expr]] = []
    for child in node.named_children[:_MOST_MEMBERS]:
        name = child.child_by_field_id(fields.name)
        if name is None:
            continue
        if child.type == "property_signature":
            pairs.append((member_name(walk, name), type_of(walk, child.child_by_field_id(fields.type))))
        elif child.type == "method_signature":
            pairs.append((member_name(walk, name), _function(walk, child)))
    # A mapped or indexed type has no members of its own.
    return (SHAPE, tuple(pairs)) if pairs else UNKNOWN


def member_name(walk: Walk, node: Node) -> str:
    """The name of a property as the code would say it after a dot; '' for a computed one that is no constant."""
    kind = node.type
    if kind == "string":
        return unescaped(walk.word(node)[1:-1])
    if kind == "computed_property_name":
        inner = node.named_children[0] if node.named_children else None
        return unescaped(walk.word(inner)[1:-1]) if inner is not None and inner.type == "string" else ""
    return walk.word(node)


def _query(walk: Walk, node: Node) -> Expr:
    found = reference(walk, node.named_children[0]) if node.named_children else UNKNOWN
    return UNKNOWN if found is UNKNOWN else (TYPE_OF, found)


def _lookup(walk: Walk, node: Node) -> Expr:
    """`User['email']`: the type of that field."""
    children = node.named_children
    if len(children) == 2 and children[1].type == "literal_type":
        key = _literal(walk, children[1])
        owner = type_of(walk, children[0])
        if key[0] == TEXT and owner is not UNKNOWN:
            return (TYPE_OF, walk.attribute((INSTANCE, owner), key[1]))
    return UNKNOWN


def _this(walk: Walk, _node: Node) -> Expr:
    return walk.this if walk.this[0] == SELF else (FREE, "this")


TYPES: Final[dict[str, Callable[[Walk, Node], Expr]]] = {
    "type_annotation": _inner,
    "opting_type_annotation": _inner,
    "omitting_type_annotation": _inner,
    "adding_type_annotation": _inner,
    "asserts_annotation": lambda _walk, _node: _NOTHING,
    "asserts": lambda _walk, _node: _NOTHING,
    "type_predicate_annotation": lambda _walk, _node: _BOOLEAN,
    "type_predicate": lambda _walk, _node: _BOOLEAN,
    "predefined_type": _predefined,
    "type_identifier": Walk.name,
    "identifier": Walk.name,
    "nested_type_identifier": reference,
    "nested_identifier": reference,
    "member_expression": reference,
    "call_expression": reference,
    "generic_type": _generic,
    "array_type": _array,
    "readonly_type": _inner,
    "optional_type": _inner,
    "rest_type": _inner,
    "parenthesized_type": _inner,
    "flow_maybe_type": _inner,
    "tuple_type": _tuple,
    "union_type": _union,
    "intersection_type": _union,
    "literal_type": _literal,
    "template_literal_type": lambda _walk, _node: (FREE, "string"),
    "function_type": _function,
    "constructor_type": _function,
    "object_type": _object,
    "type_query": _query,
    "lookup_type": _lookup,
    "this_type": _this,
}
