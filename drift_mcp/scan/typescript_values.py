"""Expressions of the JavaScript family, with the calls, the accesses and the reads of the environment in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from drift_mcp.scan.facts import (
    ATTR,
    AWAIT,
    AWAITED,
    CALL,
    DEFINITION,
    DELETE,
    ELEMENT,
    FREE,
    IMPORTED,
    INSTANCE,
    ITEM,
    JOINED,
    JSX,
    LITERAL,
    LOAD,
    NAME,
    NEW,
    RECORD,
    SELF,
    SEQUENCE,
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
from drift_mcp.scan.typescript_definitions import named, record
from drift_mcp.scan.typescript_scopes import META_ENV, PROCESS_ENV, bind_pattern, default_text, store
from drift_mcp.scan.typescript_text import STRING, given_to, pieces, text_value, title_value, unescaped
from drift_mcp.scan.typescript_types import member_name, type_arguments, type_of
from drift_mcp.scan.typescript_walk import LONGEST_CHAIN, MOST_VALUES, UNKNOWN, Walk, union

# A literal list with more elements is data.
_MOST_ELEMENTS: Final = 256
# A string put together from more parts says nothing that its first parts do not.
_MOST_PARTS: Final = 200

_NOTHING: Final[Expr] = (LITERAL, "none")
_BOOLEAN: Final[Expr] = (LITERAL, "bool")
_INTEGER: Final[Expr] = (LITERAL, "int")
_NUMBER: Final[Expr] = (LITERAL, "float")
_REQUIRE: Final[Expr] = (FREE, "require")
_EXPORTS: Final[Expr] = (FREE, "exports")
_MODULE_EXPORTS: Final[Expr] = (ATTR, (FREE, "module"), "exports")

_TITLED: Final = frozenset(("describe", "it", "test", "suite", "context"))
_CONFIG: Final = re.compile(r"config|env", re.IGNORECASE)
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_LOGIC: Final = frozenset(("&&", "||", "??"))
_COMPARISON: Final = frozenset(("==", "===", "!=", "!==", "<", ">", "<=", ">=", "in", "instanceof"))

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


# -- chains: a.b(c)[d].e()


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
            value = _root(walk, root)
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
            _required(walk, each)
    return value


def _root(walk: Walk, node: Node) -> Expr:
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
        elif owner in (_EXPORTS, _MODULE_EXPORTS):
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


def _required(walk: Walk, node: Node) -> None:
    """`process.env.X!` says that the variable is always set."""
    read = walk.env_reads[-1]
    row, column = node.end_point
    if read.line == row + 1 and read.column + len(read.name) + 1 >= column - 2 and read.column < column:
        walk.env_reads[-1] = read._replace(required=1)


def _call(walk: Walk, node: Node, callee: Expr, name: str, token: Node | None, flags: int) -> Expr:
    fields = walk.fields
    listed = node.child_by_field_id(fields.arguments)
    if listed is not None and listed.type == "template_string":
        arguments: tuple[Expr, ...] = (_template(walk, listed, tagged=name),)
        flags |= TAGGED
    else:
        if callee in (_REQUIRE, _IMPORT):
            module = _constant_argument(walk, listed)
            if module is not None:
                return walk.imported(module, "=" if callee == _REQUIRE else "*", "", node.start_point[0] + 1, 0)
        titled = name in _TITLED or (name in ("only", "skip", "each") and callee[0] == ATTR and callee[1][0] == FREE)
        if name == "defineProperty" and listed is not None:
            arguments = _property_arguments(walk, listed)
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


_IMPORT: Final[Expr] = (FREE, "import")


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
        if owner in (_EXPORTS, _MODULE_EXPORTS) and stored is not UNKNOWN:
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
    return tuple(found[:_MOST_ELEMENTS])


def _property_arguments(walk: Walk, listed: Node) -> tuple[Expr, ...]:
    """Of `Object.defineProperty(object, name, descriptor)`: in the descriptor's functions, `this` is the object."""
    found: list[Expr] = []
    for child in listed.named_children:
        if child.type == "object" and found:
            found.append(record(walk, child, _last_name(found[0]), this=found[0]))
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


# -- names and constants


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
    return _NUMBER if b"." in walk.source[node.start_byte : node.end_byte] else _INTEGER


def template(walk: Walk, node: Node) -> Expr:
    return _template(walk, node, tagged="")


def _template(walk: Walk, node: Node, tagged: str) -> Expr:
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
    return _joined(texts, holes)


def _joined(texts: list[str | None], holes: list[Expr]) -> Expr:
    parts: list[Expr] = []
    following = iter(holes)
    for part in pieces(texts):
        if part is None:
            hole = next(following)
            parts.extend(hole[1] if hole[0] == JOINED else (hole,))
        else:
            parts.append(part)
    return (JOINED, tuple(parts[:_MOST_PARTS]))


# -- operators


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
                value = _joined(texts, holes)
            else:
                value = union(holes)
        else:
            value = _BOOLEAN if operator in _COMPARISON else _NUMBER
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
        return _BOOLEAN
    walk.visit(argument)
    return (
        _BOOLEAN if sign in ("!", "delete") else STRING if sign == "typeof" else _NOTHING if sign == "void" else _NUMBER
    )


def update(walk: Walk, node: Node) -> Expr:
    argument = node.child_by_field_id(walk.fields.argument)
    if argument is not None:
        if argument.type == "member_expression":
            store(walk, argument, None)
        else:
            walk.visit(argument)
    return _NUMBER


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


def first_child(walk: Walk, node: Node) -> Expr:
    children = node.named_children
    value = walk.visit(children[0]) if children else UNKNOWN
    if node.type == "non_null_expression" and walk.env_reads:
        _required(walk, node)
    return value


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
        return walk.visit(right)
    value = given_to(
        key[1], named(walk, right, key[1], owner=_last_name(owner), kind="method", token=key_node, this=owner)
    )
    row, column = key_node.start_point
    stored = None if value is UNKNOWN else value
    walk.accesses.append((walk.draft.number, owner, f"[{key[1]}]", row + 1, column, STORE, stored))
    if owner in (_EXPORTS, _MODULE_EXPORTS):
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
    exported = owner in (_EXPORTS, _MODULE_EXPORTS)
    whole = name == "exports" and owner == (FREE, "module")
    kind, path, this = "method", "", owner
    if owner[0] == ATTR and owner[2] == "prototype":
        path, this = _last_name(owner[1]), (INSTANCE, owner[1])
    elif exported or whole:
        kind, this = "function", (FREE, "this")
    elif owner[0] != SELF:
        path = _last_name(owner)
    if name == "prototype" and right.type == "object":
        value = record(walk, right, path, this=(INSTANCE, owner))
    else:
        value = named(walk, right, name, owner=path, kind=kind, token=name_node, this=this, start=left.start_byte)
    value = given_to(name, value)
    stored = None if value is UNKNOWN else value
    walk.accesses.append((walk.draft.number, owner, name, row + 1, column, STORE, stored))
    if exported:
        if value != _NOTHING:  # `exports.a = exports.b = void 0` only announces
            walk.exports[name] = value
    elif whole:
        walk.exports["="] = value
    return value


def _last_name(expression: Expr) -> str:
    return str(expression[2]) if expression[0] in (ATTR, NAME) else str(expression[1]) if expression[0] == FREE else ""


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
    return _IMPORT


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
            value = _attribute_value(walk, parts[1]) if len(parts) > 1 else _BOOLEAN
            if parts:
                keywords.append((walk.word(parts[0]), given_to(walk.word(parts[0]), value)))
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
    "super": _root,
    "string": string,
    "template_string": template,
    "number": number,
    "true": constant(_BOOLEAN),
    "false": constant(_BOOLEAN),
    "null": constant(_NOTHING),
    "undefined": constant(_NOTHING),
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
