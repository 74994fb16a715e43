"""What each kind of Python expression says: its value, the calls in it, the attributes it touches. No statements."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from drift_mcp.scan import python_environment as environment
from drift_mcp.scan import python_grammar as G
from drift_mcp.scan.constants import STRING, given_to
from drift_mcp.scan.facts import (
    AWAIT,
    AWAITED,
    CALL,
    DELETE,
    ELEMENT,
    FREE,
    GENERATOR,
    ITEM,
    JOINED,
    LITERAL,
    LOAD,
    NAME,
    RECORD,
    SEQUENCE,
    SPREAD,
    STORE,
    SUPER,
    TEXT,
    UNION,
    UNPACKED,
    Call,
    Expr,
)
from drift_mcp.scan.python_names import targets
from drift_mcp.scan.python_text import BYTES, decoded, formatted, inside, joined, percent, text_value
from drift_mcp.scan.python_walk import (
    DEEPEST,
    IN_COMPREHENSION,
    MOST_ELEMENTS,
    MOST_VALUES,
    UNKNOWN,
    Walk,
    named,
    union,
)
from drift_mcp.scan.secrets import names_secret

INTEGER: Final[Expr] = (LITERAL, "int")
FLOAT: Final[Expr] = (LITERAL, "float")
TRUTH: Final[Expr] = (LITERAL, "bool")
NONE: Final[Expr] = (LITERAL, "none")
DOTS: Final[Expr] = (LITERAL, "ellipsis")


_PLUS: Final = G.token("+")
_PERCENT: Final = G.token("%")
_OR: Final = G.token("or")
_MEMBERSHIP: Final = frozenset((G.token("in"), G.token("not in")))
_FROM: Final = G.token("from")
# Sets, flags, queries and Q objects joined so stay what they were.
_JOINING: Final = frozenset((G.token("|"), G.token("&")))
_ARITHMETIC: Final = frozenset(
    (G.token("-"), G.token("*"), G.token("/"), G.token("//"), G.token("**"), _PERCENT, _PLUS)
)
_IDENTIFIER: Final = G.IDENTIFIER
_ATTRIBUTE: Final = G.ATTRIBUTE
_COMMENT: Final = G.COMMENT
_KEYWORD_ARGUMENT: Final = G.KEYWORD_ARGUMENT
_STRINGS: Final = frozenset((G.STRING, G.CONCATENATED_STRING))
# The expressions that may carry a constant to the name they are given to.
HOLDING: Final = frozenset((TEXT, UNION, CALL))
_DEFAULTS: Final = frozenset(("default", "default_value", "initial", "value"))
# What takes the value itself first, and what takes it after the name to look up. `Column("password")` is neither.
_TAKE_IT_FIRST: Final = frozenset(("Field", "Secret", "SecretBytes", "SecretStr"))
_TAKE_IT_SECOND: Final = frozenset(("get", "getenv", "pop"))


def on_nothing(walk: Walk, node: Node, depth: int) -> Expr:
    return UNKNOWN


def on_children(walk: Walk, node: Node, depth: int) -> Expr:
    """Walks what is inside, whatever it is."""
    if depth > DEEPEST:
        return walk.put_off(node)
    handle = walk.handle
    for child in node.named_children:
        handle[child.kind_id](walk, child, depth + 1)
    return UNKNOWN


def on_identifier(walk: Walk, node: Node, depth: int) -> Expr:
    raw = walk.source[node.start_byte : node.end_byte]
    return walk.names.get(raw) or walk.lookup(raw)


def on_integer(walk: Walk, node: Node, depth: int) -> Expr:
    return INTEGER


def on_float(walk: Walk, node: Node, depth: int) -> Expr:
    return FLOAT


def on_truth(walk: Walk, node: Node, depth: int) -> Expr:
    return TRUTH


def on_none(walk: Walk, node: Node, depth: int) -> Expr:
    return NONE


def on_dots(walk: Walk, node: Node, depth: int) -> Expr:
    return DOTS


def on_parenthesized(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    value = UNKNOWN
    for child in node.named_children:
        if child.kind_id != _COMMENT:
            value = walk.handle[child.kind_id](walk, child, depth + 1)
    return value


# -- attributes


def on_attribute(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    return touch(walk, node, depth, LOAD, None)


def touch(walk: Walk, node: Node, depth: int, kind: int, value: Expr | None) -> Expr:
    """An attribute that is read, stored or deleted; gives its expression."""
    owner, token = attribute_parts(node)
    source = walk.source
    if owner.kind_id == _IDENTIFIER:
        raw = source[owner.start_byte : owner.end_byte]
        target = walk.names.get(raw) or walk.lookup(raw)
    else:
        target = walk.handle[owner.kind_id](walk, owner, depth + 1)
    raw = source[token.start_byte : token.end_byte]
    name = walk.words.get(raw) or walk.word(raw)
    row, column = token.start_point
    walk.accesses.append((walk.number, walk.receivers.get(id(target), target), name, row + 1, column, kind, value))
    return walk.attribute(target, name)


def attribute_parts(node: Node) -> tuple[Node, Node]:
    children = node.children
    # Comments and line continuations may stand between.
    return children[0], children[-1]


# -- calls


def on_call(walk: Walk, node: Node, depth: int) -> Expr:
    return call(walk, node, depth, 0)


def on_await(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    operand = named(node)
    if not operand:
        return UNKNOWN
    if operand[0].kind_id == G.CALL:
        return (AWAITED, call(walk, operand[0], depth + 1, AWAIT))
    return (AWAITED, walk.handle[operand[0].kind_id](walk, operand[0], depth + 1))


def call(walk: Walk, node: Node, depth: int, flags: int, caller: int = -1) -> Expr:
    """A call with everything inside it; gives (CALL, number) or, where the language says what comes out, that.

    `caller`: the definition whose call it is, when that is not the current one.
    """
    if depth > DEEPEST:
        return walk.put_off(node)
    children = node.children
    function = children[0]
    inner = children[-1]
    template: list[str | Expr] | None = None
    spread = False
    source = walk.source
    kind = function.kind_id
    # `(self.find)(x)`; and to the grammar `[*find(x)]` calls `*find`.
    while kind == G.PARENTHESIZED_EXPRESSION or kind == G.LIST_SPLAT:
        inside = named(function)
        if len(inside) != 1:
            break
        spread = spread or kind == G.LIST_SPLAT
        function = inside[0]
        kind = function.kind_id
    if kind == _IDENTIFIER:
        raw = source[function.start_byte : function.end_byte]
        callee = walk.names.get(raw) or walk.lookup(raw)
        name = walk.words[raw] if raw in walk.words else walk.word(raw)
        row, column = function.start_point
    elif kind == _ATTRIBUTE:
        parts = function.children
        owner, token = parts[0], parts[-1]
        raw = source[token.start_byte : token.end_byte]
        name = walk.words.get(raw) or walk.word(raw)
        owner_kind = owner.kind_id
        if owner_kind == _IDENTIFIER:
            raw = source[owner.start_byte : owner.end_byte]
            target = walk.names.get(raw) or walk.lookup(raw)
        elif name == "format" and owner_kind in _STRINGS and (template := pieces(walk, owner, depth + 1)) is not None:
            target = joined(template)
        else:
            target = walk.handle[owner_kind](walk, owner, depth + 1)
        callee = walk.attribute(target, name)
        row, column = token.start_point
    else:
        callee = walk.handle[kind](walk, function, depth + 1)
        name = ""
        row, column = function.start_point
    calls = walk.calls
    number = len(calls)
    # The place is taken before the arguments are walked, so that numbers follow the source.
    calls.append(())
    arguments, keywords = given(walk, inner, depth + 1)
    if arguments and arguments[0][0] == TEXT and (len(arguments) > 1 or keywords):
        # `get("DB_PASSWORD", "…")`, `setattr(user, "password", "…")` and their like.
        name_given = arguments[0][1]
        arguments = (arguments[0], *[given_to(name_given, value) for value in arguments[1:]])
        keywords = tuple([(key, given_to(name_given, value)) for key, value in keywords])
    if len(children) > 2:  # what could not be parsed may hold calls
        for child in children[1:-1]:
            walk.handle[child.kind_id](walk, child, depth + 1)
    if caller < 0:
        caller = walk.number
    calls[number] = (caller, callee, arguments, keywords, row + 1, column, flags | walk.signature, name)
    if walk.env:
        environment.of_call(walk, callee, name, arguments, inner, row + 1, column)
    if template is not None:
        return joined(formatted(template, arguments, keywords))
    if name == "super" and callee[0] == FREE and _is_own_super(walk, arguments):
        return (SUPER, walk.draft.owner)
    return (SPREAD, (CALL, number)) if spread else (CALL, number)


def _is_own_super(walk: Walk, arguments: tuple[Expr, ...]) -> bool:
    owner = walk.draft.owner
    if owner < 0:
        return False
    # `super(Cart, self)` in a method of Cart is `super()`.
    return not arguments or (arguments[0][0] == NAME and arguments[0][2] == walk.definitions[owner].name)


def given(walk: Walk, inner: Node, depth: int) -> tuple[tuple[Expr, ...], tuple[tuple[str, Expr], ...]]:
    """What the argument list gives by position and by name."""
    if inner.kind_id == G.GENERATOR_EXPRESSION:
        return (walk.handle[inner.kind_id](walk, inner, depth),), ()
    arguments: list[Expr] = []
    keywords: list[tuple[str, Expr]] = []
    handle = walk.handle
    names = walk.names
    source = walk.source
    for child in inner.named_children:
        kind = child.kind_id
        if kind == _IDENTIFIER:
            raw = source[child.start_byte : child.end_byte]
            arguments.append(names.get(raw) or walk.lookup(raw))
        elif kind == _KEYWORD_ARGUMENT:
            parts = child.children
            raw = source[parts[0].start_byte : parts[0].end_byte]
            value = parts[-1]
            name = walk.words.get(raw) or walk.word(raw)
            found = handle[value.kind_id](walk, value, depth)
            keywords.append((name, kept_under(walk, name, found) if found[0] in HOLDING else found))
        elif kind == G.DICTIONARY_SPLAT:
            value = child.children[-1]
            keywords.append(("", handle[value.kind_id](walk, value, depth)))
        elif kind != _COMMENT:
            arguments.append(handle[kind](walk, child, depth))
    return tuple(arguments), tuple(keywords)


# -- items


def on_subscript(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    owner, key = item(walk, node, depth)
    if key is None:  # a slice of a thing is such a thing
        return owner
    if walk.env:
        row, column = node.start_point
        environment.of_item(walk, owner, key, row + 1, column)
    return (ITEM, owner, key)


def item(walk: Walk, node: Node, depth: int) -> tuple[Expr, Expr | None]:
    """The object and the key of `object[key]`; the key of a slice is None."""
    children = node.children
    owner = children[0]
    target = walk.handle[owner.kind_id](walk, owner, depth + 1)
    keys = [child for child in children[1:] if child.is_named and child.kind_id != _COMMENT]
    if len(keys) == 1:
        kind = keys[0].kind_id
        found = walk.handle[kind](walk, keys[0], depth + 1)
        return target, None if kind == G.SLICE else found
    return target, (SEQUENCE, "tuple", tuple([walk.handle[key.kind_id](walk, key, depth + 1) for key in keys]))


# -- strings


def on_string(walk: Walk, node: Node, depth: int) -> Expr:
    raw = walk.source[node.start_byte : node.end_byte]
    known = walk.literals.get(raw)
    if known is not None:
        return known
    prefix, first, last = inside(raw)
    if "b" in prefix:
        value = BYTES
    elif "f" in prefix or "t" in prefix:
        return joined(_template(walk, node, depth, "r" in prefix))
    else:
        value = text_value(decoded(raw[first:last], "r" in prefix))
    walk.literals[raw] = value
    return value


def on_concatenated(walk: Walk, node: Node, depth: int) -> Expr:
    parts = pieces(walk, node, depth)
    return BYTES if parts is None else joined(parts)


def pieces(walk: Walk, node: Node, depth: int) -> list[str | Expr] | None:
    """A string literal, also one of several parts, as constants and holes; None for bytes."""
    if node.kind_id == G.CONCATENATED_STRING:
        found: list[str | Expr] = []
        for child in node.named_children:
            if child.kind_id == G.STRING:
                part = pieces(walk, child, depth)
                if part is None:
                    return None
                found.extend(part)
        return found
    raw = walk.raw(node)
    prefix, first, last = inside(raw)
    if "b" in prefix:
        return None
    if "f" in prefix or "t" in prefix:
        return _template(walk, node, depth, "r" in prefix)
    return [decoded(raw[first:last], "r" in prefix)]


def _template(walk: Walk, node: Node, depth: int, verbatim: bool) -> list[str | Expr]:
    if depth > DEEPEST:
        return [walk.put_off(node)]
    found: list[str | Expr] = []
    for child in node.named_children:
        if child.kind_id == G.STRING_CONTENT:
            found.append(decoded(walk.raw(child), verbatim).replace("{{", "{").replace("}}", "}"))
        elif child.kind_id == G.INTERPOLATION:
            inner = named(child)
            found.append(walk.handle[inner[0].kind_id](walk, inner[0], depth + 1) if inner else UNKNOWN)
            for rest in inner[1:]:  # the format may hold expressions of its own
                on_children(walk, rest, depth + 1)
    return found


def on_binary(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    # Long sums nest to the left, thousands deep in generated code: down the left side by hand.
    spine: list[tuple[int, Node]] = []
    left = node
    while left.kind_id == G.BINARY_OPERATOR:
        children = left.children
        if len(children) != 3:
            children = [child for child in children if not child.is_extra]
        spine.append((children[1].kind_id, children[-1]))
        left = children[0]
    handle = walk.handle
    parts = pieces(walk, left, depth + 1) if left.kind_id in _STRINGS else None
    value = UNKNOWN if parts is not None else handle[left.kind_id](walk, left, depth + 1)
    for operator, right in reversed(spine):
        if operator == _PLUS:
            more = pieces(walk, right, depth + 1) if right.kind_id in _STRINGS else None
            if more is None:
                operand = handle[right.kind_id](walk, right, depth + 1)
                more = _as_pieces(operand)
                if parts is None and more is None:
                    value = _sum(value, operand)
                    continue
                more = more or [operand]
            if parts is None:
                parts = _as_pieces(value) or [value]
            parts.extend(more)
            continue
        operand = handle[right.kind_id](walk, right, depth + 1)
        if operator == _PERCENT:
            template = parts if parts is not None else _as_pieces(value)
            if template is not None:
                parts = percent(template, operand)
                continue
            if _names_a_text(value):
                value = (JOINED, (value, operand))
                continue
        if parts is not None:
            value, parts = joined(parts), None
        if operator in _JOINING:
            value = union([value, operand])
        elif operator in _ARITHMETIC:
            same = value == operand or (operator == _PERCENT and value == BYTES)
            value = value if value[0] == LITERAL and same else UNKNOWN
        else:
            value = UNKNOWN
    return value if parts is None else joined(parts)


def _as_pieces(value: Expr) -> list[str | Expr] | None:
    if value[0] == TEXT:
        return [value[1]]
    if value[0] == JOINED:
        return [part[1] if part[0] == TEXT else part for part in value[1]]
    return [value] if value is STRING else None


def _sum(value: Expr, operand: Expr) -> Expr:
    if value[0] == LITERAL and operand[0] == LITERAL:
        return value if value == operand else UNKNOWN
    return union([value, operand])


def _names_a_text(value: Expr) -> bool:
    # `QUERY % table`: numbers are not named so.
    name = str(value[-1]).lower() if value[0] in (2, NAME, 3) else ""
    return "sql" in name or "query" in name


# -- operators


def on_boolean(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    operands: list[tuple[int, Node]] = []
    left = node
    while left.kind_id == G.BOOLEAN_OPERATOR:
        children = left.children
        if len(children) != 3:
            children = [child for child in children if not child.is_extra]
        operands.append((children[1].kind_id, children[-1]))
        left = children[0]
    walk.draft.complexity += len(operands)
    value = walk.handle[left.kind_id](walk, left, depth + 1)
    for operator, right in reversed(operands):
        operand = walk.handle[right.kind_id](walk, right, depth + 1)
        # `a and b` is b wherever something can be done with it.
        value = union([value, operand]) if operator == _OR else operand
    return value


def on_not(walk: Walk, node: Node, depth: int) -> Expr:
    on_children(walk, node, depth)
    return TRUTH


def on_unary(walk: Walk, node: Node, depth: int) -> Expr:
    value = on_parenthesized(walk, node, depth)
    return value if value[0] == LITERAL else UNKNOWN


def on_comparison(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    operands = [
        (walk.handle[child.kind_id](walk, child, depth + 1), child)
        for child in node.named_children
        if child.kind_id != _COMMENT
    ]
    if walk.env and len(operands) == 2 and node.children[1].kind_id in _MEMBERSHIP:
        row, column = operands[0][1].start_point
        environment.of_membership(walk, operands[0][0], operands[1][0], row + 1, column)
    return TRUTH


def on_conditional(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    walk.draft.complexity += 1
    values = [walk.handle[child.kind_id](walk, child, depth + 1) for child in named(node)]
    return union([values[0], values[2]]) if len(values) == 3 else UNKNOWN


def on_named(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    children = named(node)
    value = walk.handle[children[-1].kind_id](walk, children[-1], depth + 1)
    # A walrus in a comprehension binds outside it.
    frame = here = walk.frame
    while frame.kind == IN_COMPREHENSION and frame.outer is not None:
        frame = frame.outer
    walk.leave(frame)
    walk.bind(walk.raw(children[0]), value)
    walk.leave(here)
    return value


def on_yield(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    draft = walk.draft
    draft.flags |= GENERATOR
    value = UNKNOWN
    for child in named(node):
        value = walk.handle[child.kind_id](walk, child, depth + 1)
    if value is not UNKNOWN and len(draft.yielded) < MOST_VALUES:
        delegates = len(node.children) > 1 and node.children[1].kind_id == _FROM
        draft.yielded.append((ELEMENT, value) if delegates else value)
    return UNKNOWN


# -- containers


def on_list(walk: Walk, node: Node, depth: int) -> Expr:
    return _sequence(walk, node, depth, "list")


def on_tuple(walk: Walk, node: Node, depth: int) -> Expr:
    return _sequence(walk, node, depth, "tuple")


def on_set(walk: Walk, node: Node, depth: int) -> Expr:
    return _sequence(walk, node, depth, "set")


def _sequence(walk: Walk, node: Node, depth: int, kind: str) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    handle = walk.handle
    found = [
        handle[child.kind_id](walk, child, depth + 1) for child in node.named_children if child.kind_id != _COMMENT
    ]
    return (SEQUENCE, kind, tuple(found[:MOST_ELEMENTS]))


def on_spread(walk: Walk, node: Node, depth: int) -> Expr:
    return (SPREAD, on_parenthesized(walk, node, depth))


def on_dictionary(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    pairs: list[tuple[Expr | None, Expr]] = []
    handle = walk.handle
    for child in node.named_children:
        kind = child.kind_id
        if kind == G.PAIR:
            key, value = _pair(child)
            key_value = handle[key.kind_id](walk, key, depth + 1)
            held = handle[value.kind_id](walk, value, depth + 1)
            pairs.append((key_value, kept_under(walk, key_value[1], held) if key_value[0] == TEXT else held))
        elif kind == G.DICTIONARY_SPLAT:
            pairs.append((None, on_parenthesized(walk, child, depth + 1)))
        elif kind != _COMMENT:
            handle[kind](walk, child, depth + 1)
    walk.records += 1
    return (RECORD, walk.records - 1, tuple(pairs[:MOST_ELEMENTS]))


def _pair(node: Node) -> tuple[Node, Node]:
    children = node.children
    return children[0], children[-1]


def on_comprehension(walk: Walk, node: Node, depth: int) -> Expr:
    value = _comprehended(walk, node, depth)
    return value if value is UNKNOWN else (SEQUENCE, "comprehension", (value[0],))


def on_dictionary_comprehension(walk: Walk, node: Node, depth: int) -> Expr:
    value = _comprehended(walk, node, depth)
    if value is UNKNOWN:
        return UNKNOWN
    walk.records += 1
    return (RECORD, walk.records - 1, (value,)) if len(value) == 2 else (RECORD, walk.records - 1, ())


def _comprehended(walk: Walk, node: Node, depth: int) -> Expr:
    """What each round of a comprehension gives: one expression or, of a dictionary's, two."""
    if depth > DEEPEST:
        return walk.put_off(node)
    children = named(node)
    handle = walk.handle
    source = walk.source
    outside = walk.frame
    # The first iterable belongs to the scope outside; a class's names are seen there and nowhere else in the
    # comprehension.
    first = next((child for child in children if child.kind_id == G.FOR_IN_CLAUSE), None)
    iterable = _iterable(walk, first, depth) if first is not None else UNKNOWN
    before = walk.enter(IN_COMPREHENSION, walk.number)
    bound: set[bytes] = set()
    for child in children:
        if child.kind_id == G.FOR_IN_CLAUSE:
            left = child.child_by_field_id(G.F_LEFT)
            if left is not None:
                targets(left, source, bound)
    for raw in sorted(bound):
        walk.declare(raw)
    for child in children[1:]:
        if child.kind_id == G.FOR_IN_CLAUSE:
            walk.draft.complexity += 1
            if child is not first:
                iterable = _iterable(walk, child, depth)
            left = child.child_by_field_id(G.F_LEFT)
            if left is not None:
                store(walk, left, (ELEMENT, iterable), depth + 1)
        else:
            walk.draft.complexity += 1
            handle[child.kind_id](walk, child, depth + 1)
    body = children[0] if children else None
    if body is None:
        found: Expr = UNKNOWN
    elif body.kind_id == G.PAIR:
        key, value = _pair(body)
        found = ((handle[key.kind_id](walk, key, depth + 1), handle[value.kind_id](walk, value, depth + 1)),)
        found = found[0]
    else:
        found = (handle[body.kind_id](walk, body, depth + 1),)
    walk.leave(before)
    assert walk.frame is outside
    return found


def _iterable(walk: Walk, clause: Node, depth: int) -> Expr:
    value = UNKNOWN
    for child in clause.children_by_field_id(G.F_RIGHT):
        if child.is_named:
            value = walk.handle[child.kind_id](walk, child, depth + 1)
    return value


# -- targets


def kept_under(walk: Walk, name: str, value: Expr) -> Expr:
    """The value as it may be kept under that name, its alternatives and the defaults of a call with it.

    `secret_key: str = Field(default="…")` and `secret_key = environ.get("KEY") or "…"` say the secret as plainly as
    `secret_key = "…"` does.
    """
    kind = value[0]
    if kind not in HOLDING or value is UNKNOWN or not names_secret(name):
        return value
    if kind == UNION:
        return (UNION, tuple([kept_under(walk, name, each) for each in value[1]]))
    if kind == CALL and value[1] < len(walk.calls) and walk.calls[value[1]]:
        call = Call._make(walk.calls[value[1]])
        place = 0 if call.name in _TAKE_IT_FIRST else 1 if call.name in _TAKE_IT_SECOND else len(call.arguments)
        arguments = (*call.arguments[:place], *[given_to(name, each) for each in call.arguments[place:]])
        keywords = tuple([(key, given_to(name, each) if key in _DEFAULTS else each) for key, each in call.keywords])
        walk.calls[value[1]] = tuple(call._replace(arguments=arguments, keywords=keywords))
        environment.kept_under(walk, name, call.line, call.column)
        return value
    return given_to(name, value)


def store(walk: Walk, node: Node, value: Expr, depth: int) -> None:
    """Binds or stores `value` to an assignment's target."""
    kind = node.kind_id
    if kind == _IDENTIFIER:
        raw = walk.source[node.start_byte : node.end_byte]
        walk.bind(raw, kept_under(walk, walk.word(raw), value) if value[0] in HOLDING else value)
    elif depth > DEEPEST:
        walk.put_off(node)
    elif kind == _ATTRIBUTE:
        name = walk.word(walk.raw(node.children[-1]))
        touch(walk, node, depth, STORE, None if value is UNKNOWN else kept_under(walk, name, value))
    elif kind == G.SUBSCRIPT:
        owner, key = item(walk, node, depth)
        if key is not None and key[0] == TEXT and owner[0] == NAME:
            # `values["key"] = …`: dictionaries of values are filled this way.
            row, column = node.start_point
            kept = kept_under(walk, key[1], value)
            walk.accesses.append((walk.number, owner, f"[{key[1]}]", row + 1, column, STORE, kept))
    elif kind in G.SEVERAL_TARGETS:
        _unpack(walk, named(node), value, depth)
    elif kind in (G.PARENTHESIZED_EXPRESSION, G.AS_PATTERN_TARGET):
        for child in named(node):
            store(walk, child, value, depth + 1)
    else:
        walk.handle[kind](walk, node, depth + 1)


def _unpack(walk: Walk, items: list[Node], value: Expr, depth: int) -> None:
    starred = next(
        (place for place, each in enumerate(items) if each.kind_id in (G.LIST_SPLAT_PATTERN, G.LIST_SPLAT)), None
    )
    elements = value[2] if value[0] == SEQUENCE and value[1] in ("tuple", "list") else ()
    if starred is None and len(elements) == len(items) and all(element[0] != SPREAD for element in elements):
        for each, element in zip(items, elements, strict=True):
            store(walk, each, element, depth + 1)
        return
    for place, each in enumerate(items):
        if place == starred:
            rest: Expr = UNKNOWN if value is UNKNOWN else (SEQUENCE, "comprehension", ((ELEMENT, value),))
            for inner in named(each):
                store(walk, inner, rest, depth + 1)
        elif value is UNKNOWN:
            store(walk, each, UNKNOWN, depth + 1)
        else:
            position = place if starred is None or place < starred else place - len(items)
            store(walk, each, (UNPACKED, value, position), depth + 1)


def delete(walk: Walk, node: Node, depth: int) -> None:
    """`del target`."""
    kind = node.kind_id
    if kind == _ATTRIBUTE:
        touch(walk, node, depth, DELETE, None)
    elif kind == G.SUBSCRIPT:
        item(walk, node, depth)
    elif depth > DEEPEST:
        walk.put_off(node)
    elif kind in G.SEVERAL_TARGETS or kind == G.PARENTHESIZED_EXPRESSION:
        for child in named(node):
            delete(walk, child, depth + 1)
    elif kind != _IDENTIFIER:
        walk.handle[kind](walk, node, depth + 1)
