"""Calls of the JavaScript family: chains of members and calls, `new`, JSX; reads of the environment in them."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from drift_mcp.scan.constants import STRING
from drift_mcp.scan.facts import (
    ATTR,
    AWAIT,
    AWAITED,
    CALL,
    DEFINITION,
    FREE,
    IMPORTED,
    INSTANCE,
    ITEM,
    JSX,
    LOAD,
    NAME,
    NEW,
    RECORD,
    SELF,
    SPREAD,
    STORE,
    SUPER,
    TAGGED,
    TEXT,
    EnvRead,
    Expr,
    Import,
)
from drift_mcp.scan.secrets import redact_default
from drift_mcp.scan.typescript_constants import (
    BOOLEAN,
    EXPORTS,
    IMPORT,
    MODULE_EXPORTS,
    identifier,
    last_name,
    string,
    template,
)
from drift_mcp.scan.typescript_definitions import function, record
from drift_mcp.scan.typescript_scopes import META_ENV, PROCESS_ENV, default_text
from drift_mcp.scan.typescript_text import title_value
from drift_mcp.scan.typescript_types import member_name, type_arguments
from drift_mcp.scan.typescript_walk import LONGEST_CHAIN, UNKNOWN, Walk, union

# Methods of a schema that take a function to run before or after another.
_HOOKS: Final = frozenset(("pre", "post"))
# More arguments than this are data.
_MOST_ARGUMENTS: Final = 256

_REQUIRE: Final[Expr] = (FREE, "require")

_TITLED: Final = frozenset(("describe", "it", "test", "suite", "context"))
_CONFIG: Final = re.compile(r"config|env", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")

_LINK_CALL: Final = 1
_LINK_MEMBER: Final = 2
_LINK_ITEM: Final = 3
_LINK_THROUGH: Final = 4
LINKS: Final = {
    "call_expression": _LINK_CALL,
    "member_expression": _LINK_MEMBER,
    "subscript_expression": _LINK_ITEM,
    "non_null_expression": _LINK_THROUGH,
    "parenthesized_expression": _LINK_THROUGH,
}


def chain(walk: Walk, node: Node) -> Expr:
    return _chain(walk, node, 0)


def _chain(walk: Walk, node: Node, last_flags: int) -> Expr:
    """Calls, members and items hang on each other without bound (`a.b().c()…`): down to the root, then up in a loop."""
    fields, kinds = walk.fields, walk.links
    links: list[tuple[int, Node]] = []
    root: Node | None = node
    while root is not None:
        link = kinds[root.kind_id]
        if not link:
            break
        if link == _LINK_THROUGH:
            inner = root.named_children
            if len(inner) != 1 or not kinds[inner[0].kind_id]:
                break
            links.append((link, root))
            root = inner[0]
            continue
        links.append((link, root))
        root = root.child_by_field_id(fields.function if link == _LINK_CALL else fields.object)
    value, name = UNKNOWN, ""
    token = root
    if root is not None:
        if walk.handle[root.kind_id] is identifier:
            raw = walk.source[root.start_byte : root.end_byte]
            value = walk.names.get(raw) or walk.lookup(raw)
            name = value[2] if value[0] == NAME else walk.word(root)
        else:
            value = super_class(walk, root)
    index = len(links) - 1
    length = 0
    while index >= 0:
        link, each = links[index]
        index -= 1
        if link == _LINK_MEMBER:
            token = each.child_by_field_id(fields.property)
            if token is None:
                continue
            name = walk.word(token)
            above = index
            while above >= 0 and links[above][0] == _LINK_THROUGH:
                above -= 1
            called = above >= 0 and links[above][0] == _LINK_CALL
            value = _member(walk, value, name, token, called)
            length += 1
            if length > LONGEST_CHAIN:
                value, length = UNKNOWN, 0
        elif link == _LINK_CALL:
            value = _call(walk, each, value, name, token, last_flags if index < 0 else 0)
            token, name, length = None, "", 0
        elif link == _LINK_ITEM:
            key_node = each.child_by_field_id(fields.key_index)
            value = _item(walk, value, UNKNOWN if key_node is None else walk.visit(key_node), key_node)
            token, name = key_node, ""
            length += 1
            if length > LONGEST_CHAIN:
                value, length = UNKNOWN, 0
        elif each.type == "non_null_expression" and walk.env_reads:
            required(walk, each)
    return value


def super_class(walk: Walk, node: Node) -> Expr:
    """The root of a chain, where `super` is the class above the one that it stands in."""
    if node.type == "super":
        return (SUPER, walk.draft.owner) if walk.draft.owner >= 0 else (FREE, "super")
    return walk.visit(node)


def _member(walk: Walk, owner: Expr, name: str, token: Node, called: bool) -> Expr:
    expression: Expr = (ATTR, owner, name)
    expression = walk.interned.setdefault(expression, expression)
    if owner[0] != SELF:
        if (owner[0] == ATTR and owner in (PROCESS_ENV, META_ENV)) or (walk.env_names and owner in walk.env_names):
            _environment(walk, owner, name, token)
            return expression
        if owner[0] == IMPORTED:
            entry = walk.imports[owner[1]]
            if entry.name == "=" and not entry.alias:  # require('x').y
                walk.imports[owner[1]] = Import(entry.module, name, "", entry.line, 0)
                return owner
        elif owner in (EXPORTS, MODULE_EXPORTS):
            known = walk.exports.get(name)
            if known is not None:
                return known
    if not called:
        row, column = token.start_point
        walk.accesses.append((walk.draft.number, owner, name, row + 1, column, LOAD, None))
    return expression


def _item(walk: Walk, owner: Expr, key: Expr, token: Node | None) -> Expr:
    if key[0] == TEXT and token is not None and (owner in (PROCESS_ENV, META_ENV) or owner in walk.env_names):
        _environment(walk, owner, key[1], token)
        return walk.attribute(owner, key[1])
    return (ITEM, owner, key)


def _environment(walk: Walk, owner: Expr, name: str, token: Node) -> None:
    row, column = token.start_point
    method = "import.meta.env" if owner == META_ENV else "process.env"
    walk.env_reads.append(EnvRead(walk.draft.number, name, method, row + 1, column, 0, None))


def required(walk: Walk, node: Node) -> None:
    """`process.env.X!` says that the variable is always set."""
    read = walk.env_reads[-1]
    row, column = node.end_point
    if read.line == row + 1 and read.column + len(read.name) + 1 >= column - 2 and read.column < column:
        walk.env_reads[-1] = read._replace(required=1)


def _call(walk: Walk, node: Node, callee: Expr, name: str, token: Node | None, flags: int) -> Expr:
    fields = walk.fields
    listed = node.child_by_field_id(fields.arguments)
    if listed is not None and listed.type == "template_string":
        arguments: tuple[Expr, ...] = (template(walk, listed),)
        flags |= TAGGED
    else:
        if callee in (_REQUIRE, IMPORT):
            module = _constant_argument(walk, listed)
            if module is not None:
                return walk.imported(module, "=" if callee == _REQUIRE else "*", "", node.start_point[0] + 1, 0)
        titled = name in _TITLED or (name in ("only", "skip", "each") and callee[0] == ATTR and callee[1][0] == FREE)
        if name == "defineProperty" and listed is not None:
            arguments = _property_arguments(walk, listed)
        elif name in _HOOKS and callee[0] == ATTR and listed is not None:
            arguments = _hook_arguments(walk, listed, callee[1])
        else:
            arguments = _arguments(walk, listed, titled) if listed is not None else ()
    if callee[0] == SUPER:
        name = "super"
    row, column = (token or node).start_point
    walk.calls.append((walk.draft.number, callee, arguments, (), row + 1, column, flags | walk.signature_flag, name))
    if name == "defineProperty" and callee[0] == ATTR and callee[1] == (FREE, "Object"):
        _defined_property(walk, arguments, listed)
    if name in ("get", "getOrThrow") and arguments and arguments[0][0] == TEXT and callee[0] == ATTR:
        _configuration(walk, callee[1], name, arguments, listed)
    return (CALL, len(walk.calls) - 1)


def _defined_property(walk: Walk, arguments: tuple[Expr, ...], listed: Node | None) -> None:
    """`Object.defineProperty(object, 'name', { value: f })` stores f; with a getter, what the getter returns."""
    if len(arguments) != 3 or arguments[1][0] != TEXT or arguments[2][0] != RECORD or listed is None:
        return
    owner, name = arguments[0], arguments[1][1]
    for key, value in arguments[2][2]:
        if key not in ((TEXT, "value"), (TEXT, "get")):
            continue
        stored = value
        if key[1] == "get":
            stored = union(list(walk.definitions[value[1]].returned)) if value[0] == DEFINITION else UNKNOWN
        row, column = listed.start_point
        at = (row + 1, column, STORE, None if stored is UNKNOWN else stored)
        walk.accesses.append((walk.draft.number, owner, name, *at))
        if owner in (EXPORTS, MODULE_EXPORTS) and stored is not UNKNOWN:
            walk.exports[name] = stored


def _constant_argument(walk: Walk, listed: Node | None) -> str | None:
    children = [] if listed is None else [child for child in listed.named_children if child.type != "comment"]
    if not children or children[0].type != "string":
        return None
    return member_name(walk, children[0])


def _arguments(walk: Walk, listed: Node, titled: bool) -> tuple[Expr, ...]:
    children = listed.named_children
    if not children:
        return ()
    found: list[Expr] = []
    handle = walk.handle
    for child in children:
        handler = handle[child.kind_id]
        if handler is identifier:
            found.append(identifier(walk, child))
        elif titled and handler is string:
            found.append(title_value(member_name(walk, child)))
        elif child.type != "comment":
            found.append(walk.visit(child))
        titled = False
    return tuple(found[:_MOST_ARGUMENTS])


def _hook_arguments(walk: Walk, listed: Node, schema: Expr) -> tuple[Expr, ...]:
    """Of Mongoose's `schema.pre('save', function () { … })`: `this` is what it is in the schema's methods."""
    found: list[Expr] = []
    for child in listed.named_children:
        if child.type == "function_expression":
            found.append((DEFINITION, function(walk, child, this=(ATTR, schema, "methods"))))
        elif child.type != "comment":
            found.append(walk.visit(child))
    return tuple(found[:_MOST_ARGUMENTS])


def _property_arguments(walk: Walk, listed: Node) -> tuple[Expr, ...]:
    """Of `Object.defineProperty(object, name, descriptor)`: in the descriptor's functions, `this` is the object."""
    found: list[Expr] = []
    for child in listed.named_children:
        if child.type == "object" and found:
            found.append(record(walk, child, last_name(found[0]), this=found[0]))
        elif child.type != "comment":
            found.append(walk.visit(child))
    return tuple(found)


def _configuration(walk: Walk, owner: Expr, method: str, arguments: tuple[Expr, ...], listed: Node | None) -> None:
    """Nest's `configService.get('DATABASE_URL', 'default')`."""
    holder = owner[2] if owner[0] in (ATTR, NAME) else owner[1] if owner[0] == FREE else ""
    variable = arguments[0][1]
    if not isinstance(holder, str) or not _CONFIG.search(holder) or not _VARIABLE.fullmatch(variable):
        return
    children = [child for child in listed.named_children if child.type != "comment"] if listed is not None else []
    default = None
    if len(children) > 1 and children[1].type != "object":
        text = default_text(walk, children[1])
        default = redact_default(variable, text)
        if default != text:  # nor may the call keep it
            caller, callee, _, *rest = walk.calls[-1]
            walk.calls[-1] = (caller, callee, (arguments[0], STRING), *rest)
    row, column = children[0].start_point
    walk.env_reads.append(
        EnvRead(walk.draft.number, variable, "config", row + 1, column, int(method == "getOrThrow"), default)
    )


def new(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    constructor = node.child_by_field_id(fields.constructor)
    if constructor is None:
        return UNKNOWN
    if constructor.type == "parenthesized_expression" and len(constructor.named_children) == 1:
        constructor = constructor.named_children[0]
    token, name = constructor, ""
    if constructor.type == "member_expression":
        owner_node = constructor.child_by_field_id(fields.object)
        last = constructor.child_by_field_id(fields.property)
        owner = UNKNOWN if owner_node is None else walk.visit(owner_node)
        if last is not None:
            token, name = last, walk.word(last)
        callee = _member(walk, owner, name, token, True)
    else:
        callee = walk.visit(constructor)
        if constructor.type == "identifier":
            name = walk.word(constructor)
    listed = node.child_by_field_id(fields.arguments)
    arguments = _arguments(walk, listed, False) if listed is not None else ()
    row, column = token.start_point
    walk.calls.append((walk.draft.number, callee, arguments, (), row + 1, column, NEW | walk.signature_flag, name))
    given = node.child_by_field_id(fields.type_arguments)
    if given is not None and callee[0] in (NAME, FREE, ATTR):
        return (INSTANCE, (ITEM, callee, type_arguments(walk, given)))
    return (CALL, len(walk.calls) - 1)


def awaited(walk: Walk, node: Node) -> Expr:
    children = node.named_children
    if not children:
        return UNKNOWN
    inner = children[0]
    while inner.type in ("parenthesized_expression", "non_null_expression") and len(inner.named_children) == 1:
        inner = inner.named_children[0]
    value = _chain(walk, inner, AWAIT) if inner.type == "call_expression" else walk.visit(inner)
    return UNKNOWN if value is UNKNOWN else (AWAITED, value)


def jsx(walk: Walk, node: Node) -> Expr:
    """`<Component a={b}>…</Component>`: a call of the component. Plain tags only hand their handlers on."""
    fields = walk.fields
    opening = node
    children: list[Node] = []
    if node.type == "jsx_element":
        opened = node.child_by_field_id(fields.open_tag)
        children = [
            child for child in node.named_children if child.type not in ("jsx_closing_element", "jsx_text", "comment")
        ]
        if opened is None:
            opened = next((child for child in children if child.type == "jsx_opening_element"), None)
        if opened is None:
            return UNKNOWN
        children = [child for child in children if child != opened]
        opening = opened
    name_node = opening.child_by_field_id(fields.name)
    component = False
    callee, token, name = UNKNOWN, name_node, ""
    if name_node is not None:
        if name_node.type == "identifier":
            name = walk.word(name_node)
            component = not name[:1].islower()
            callee = walk.name(name_node) if component else (FREE, name)
        elif name_node.type in ("member_expression", "nested_identifier"):
            owner_node = name_node.child_by_field_id(fields.object)
            last = name_node.child_by_field_id(fields.property)
            if owner_node is not None and last is not None:
                component, token, name = True, last, walk.word(last)
                callee = _member(walk, walk.visit(owner_node), name, last, True)
    keywords: list[tuple[str, Expr]] = []
    for child in opening.named_children:
        kind = child.type
        if kind == "jsx_attribute":
            parts = [each for each in child.named_children if each.type != "comment"]
            value = _attribute_value(walk, parts[1]) if len(parts) > 1 else BOOLEAN
            if parts:
                keywords.append((walk.word(parts[0]), walk.kept_under(walk.word(parts[0]), value)))
        elif kind == "jsx_expression":
            spread_value = first_child(walk, child)
            keywords.append(("", spread_value[1] if spread_value[0] == SPREAD else spread_value))
    if name_node is not None and token is not None:
        handed = component or any(value[0] in (DEFINITION, NAME, ATTR) and key[:2] == "on" for key, value in keywords)
        # Plain images are kept because a convention asks for their text alternative.
        handed = handed or name == "img"
        if handed:
            row, column = token.start_point
            walk.calls.append(
                (walk.draft.number, callee, (), tuple(keywords), row + 1, column, JSX | walk.signature_flag, name)
            )
    for child in children:
        walk.visit(child)
    return UNKNOWN


def _attribute_value(walk: Walk, node: Node) -> Expr:
    return first_child(walk, node) if node.type == "jsx_expression" else walk.visit(node)


def first_child(walk: Walk, node: Node) -> Expr:
    children = node.named_children
    value = walk.visit(children[0]) if children else UNKNOWN
    if node.type == "non_null_expression" and walk.env_reads:
        required(walk, node)
    return value
