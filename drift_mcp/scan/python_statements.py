"""What each kind of Python statement says: what it binds, what it stores, which branches and handlers it adds."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from drift_mcp.scan import facts as F
from drift_mcp.scan import python_grammar as G
from drift_mcp.scan.facts import Expr, Handler, Import
from drift_mcp.scan.python_definitions import callee_of
from drift_mcp.scan.python_expressions import HOLDING, NONE, delete, kept_under, on_children, store, touch
from drift_mcp.scan.python_names import alias_name, is_caught_name
from drift_mcp.scan.python_text import shown
from drift_mcp.scan.python_types import last_name, type_of
from drift_mcp.scan.python_walk import DEEPEST, IN_TYPE_PARAMETERS, MOST_VALUES, UNKNOWN, Frame, Walk, named

_STRINGS: Final = frozenset((G.STRING, G.CONCATENATED_STRING))
_EQUALS: Final = G.token("=")
# What an augmented assignment leaves under the name besides what was there.
_ADDING: Final = frozenset(("+=", "|=", "&="))
_LOGGING: Final = frozenset(
    (
        *("debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print"),
        *("capture_exception", "capture_message", "print_exc"),
    )
)
# Longer than any list of exception names.
_LONGEST_TYPE: Final = 100


def on_block(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    handle = walk.handle
    for child in node.children:
        handle[child.kind_id](walk, child, depth + 1)
    return UNKNOWN


def on_expression_statement(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    for child in node.children:
        kind = child.kind_id
        # A string that stands alone is a comment, unless it has holes.
        if kind not in _STRINGS or walk.raw(child)[:1] not in b"\"'":
            walk.handle[kind](walk, child, depth + 1)
    return UNKNOWN


def on_assignment(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    children = node.children
    if len(children) != 3 or children[1].kind_id != _EQUALS:
        return _annotated(walk, node, depth)
    left, right = children[0], children[2]
    if left.kind_id == G.IDENTIFIER and right.kind_id != G.ASSIGNMENT:
        value = walk.handle[right.kind_id](walk, right, depth + 1)
        raw = walk.source[left.start_byte : left.end_byte]
        walk.bind(raw, kept_under(walk, walk.word(raw), value) if value[0] in HOLDING else value)
        return value
    lefts = [left]
    # `a = b = c` nests to the right.
    while right.kind_id == G.ASSIGNMENT and len(right.children) == 3:
        lefts.append(right.children[0])
        right = right.children[2]
    value = walk.handle[right.kind_id](walk, right, depth + 1)
    for each in lefts:
        store(walk, each, value, depth + 1)
    return value


def _annotated(walk: Walk, node: Node, depth: int) -> Expr:
    left = node.child_by_field_id(G.F_LEFT)
    right = node.child_by_field_id(G.F_RIGHT)
    annotation = node.child_by_field_id(G.F_TYPE)
    if left is None:
        return on_children(walk, node, depth)
    declared = None if annotation is None else type_of(walk, annotation, depth + 1)
    if declared is not None and right is not None and last_name(declared) == "TypeAlias":
        store(walk, left, (F.ALIAS, type_of(walk, right, depth + 1)), depth + 1)
        return UNKNOWN
    value = UNKNOWN if right is None else walk.handle[right.kind_id](walk, right, depth + 1)
    if left.kind_id == G.IDENTIFIER:
        values = [] if declared is None else [(F.INSTANCE, declared)]
        raw = walk.raw(left)
        walk.bind(raw, *values, kept_under(walk, walk.word(raw), value))
    else:
        # One store is one row: what is declared says more than what happens to be stored first.
        store(walk, left, value if declared is None else (F.INSTANCE, declared), depth + 1)
    return value


def on_augmented(walk: Walk, node: Node, depth: int) -> Expr:
    left = node.child_by_field_id(G.F_LEFT)
    right = node.child_by_field_id(G.F_RIGHT)
    if depth > DEEPEST or left is None or right is None:
        return on_children(walk, node, depth)
    value = walk.handle[right.kind_id](walk, right, depth + 1)
    if left.kind_id == G.IDENTIFIER:
        raw = walk.raw(left)
        before = walk.names.get(raw) or walk.lookup(raw)
        operator = node.child_by_field_id(G.F_OPERATOR)
        if operator is None or operator.type not in _ADDING:
            walk.bind(raw)
        elif value[0] in (F.TEXT, F.JOINED) or value == (F.LITERAL, "str"):
            walk.bind(raw, (F.JOINED, (before, *(value[1] if value[0] == F.JOINED else (value,)))))
        else:
            walk.bind(raw, value)
    elif left.kind_id == G.ATTRIBUTE:
        touch(walk, left, depth, F.LOAD, None)
        loaded = walk.accesses[-1]
        walk.accesses.append((*loaded[:5], F.STORE, None))
    else:
        walk.handle[left.kind_id](walk, left, depth + 1)
    return UNKNOWN


def on_return(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    for child in node.children[1:]:
        value = walk.handle[child.kind_id](walk, child, depth + 1)
        returned = walk.draft.returned
        if value is not UNKNOWN and value is not NONE and len(returned) < MOST_VALUES and value not in returned:
            returned.append(value)
    return UNKNOWN


def on_delete(walk: Walk, node: Node, depth: int) -> Expr:
    for child in named(node):
        delete(walk, child, depth + 1)
    return UNKNOWN


def on_raise(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    children = named(node)
    if children and children[0].kind_id == G.EXPRESSION_LIST:  # Python 2: raise Class, "message"
        children[:1] = named(children[0])
    for position, child in enumerate(children):
        kind = child.kind_id
        if position == 0 and kind in (G.IDENTIFIER, G.ATTRIBUTE):
            callee, name, token = callee_of(walk, child, depth)
            if _raises_class(walk, callee, name):
                row, column = token.start_point
                walk.calls.append((walk.number, callee, (), (), row + 1, column, F.RAISED, name))
            continue
        walk.handle[kind](walk, child, depth + 1)
    return UNKNOWN


# What a variable holds that names a class and not an instance.
_NAMING: Final = frozenset((F.NAME, F.FREE, F.ATTR, F.DEFINITION, F.IMPORTED, F.UNION))


def _raises_class(walk: Walk, callee: Expr, name: str) -> bool:
    """Whether `raise name` makes the exception: classes are capitalised; `raise error` raises again what it has."""
    if callee[0] != F.NAME or name.lstrip("_")[:1].isupper():
        return True
    values = walk.scopes[callee[1]][3].get(callee[2])
    return bool(values) and all(value[0] in _NAMING for value in values or ())


# -- branches


def on_if(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    walk.draft.complexity += 1
    condition = node.child_by_field_id(G.F_CONDITION)
    if condition is not None and walk.raw(condition) in (b"TYPE_CHECKING", b"typing.TYPE_CHECKING", b"t.TYPE_CHECKING"):
        before = walk.type_only
        for child in node.named_children:
            walk.type_only = 1 if child.kind_id in G.BLOCKS else before
            walk.handle[child.kind_id](walk, child, depth + 1)
        walk.type_only = before
        return UNKNOWN
    return on_children(walk, node, depth)


def on_branch(walk: Walk, node: Node, depth: int) -> Expr:
    """`elif`, `while`: one way more."""
    if depth > DEEPEST:
        return walk.put_off(node)
    walk.draft.complexity += 1
    return on_children(walk, node, depth)


def on_for(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    walk.draft.complexity += 1
    left = node.child_by_field_id(G.F_LEFT)
    right = node.child_by_field_id(G.F_RIGHT)
    if left is None or right is None:
        return on_children(walk, node, depth)
    value = walk.handle[right.kind_id](walk, right, depth + 1)
    store(walk, left, UNKNOWN if value is UNKNOWN else (F.ELEMENT, value), depth + 1)
    for child in node.named_children:
        if child.start_byte >= right.end_byte:
            walk.handle[child.kind_id](walk, child, depth + 1)
    return UNKNOWN


def on_with_item(walk: Walk, node: Node, depth: int) -> Expr:
    """One manager of a with statement. The statement reads `__enter__`, or `__aenter__`, of it, and calls that."""
    if depth > DEEPEST:
        return walk.put_off(node)
    value = UNKNOWN
    for child in named(node):
        value = walk.handle[child.kind_id](walk, child, depth + 1)
    if value is not UNKNOWN:
        statement = node.parent.parent if node.parent is not None else None
        is_async = statement is not None and statement.children[0].type == "async"
        # Where the item ends, so that it is no place of a name in it.
        place = (node.start_point[0] + 1, node.end_point[1])
        target = walk.receivers.get(id(value), value)
        walk.accesses.append((walk.number, target, "__aenter__" if is_async else "__enter__", *place, F.LOAD, None))
    return UNKNOWN


def on_as(walk: Walk, node: Node, depth: int) -> Expr:
    """`manager as target` in a with statement."""
    return _as(walk, node, depth, F.ENTERED)


def _as(walk: Walk, node: Node, depth: int, wrapper: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    children = named(node)
    value = walk.handle[children[0].kind_id](walk, children[0], depth + 1)
    target = node.child_by_field_id(G.F_ALIAS)
    if target is not None:
        store(walk, target, UNKNOWN if value is UNKNOWN else (wrapper, value), depth + 1)
    return value


# -- exceptions


def on_except(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    walk.draft.complexity += 1
    values: list[Node] = []
    body: Node | None = None
    for child in named(node):
        if child.kind_id in G.BLOCKS:
            body = child
        else:
            values.append(child)
    if len(values) == 2 and values[1].kind_id == G.IDENTIFIER and is_caught_name(walk.raw(values[1])):
        caught = walk.handle[values[0].kind_id](walk, values[0], depth + 1)
        walk.bind(walk.raw(values[1]), (F.CAUGHT, caught))
        values = values[:1]
    else:
        for value in values:
            if value.kind_id in G.AS_PATTERNS:
                _as(walk, value, depth + 1, F.CAUGHT)
            else:
                walk.handle[value.kind_id](walk, value, depth + 1)
    row, column = node.start_point
    before = len(walk.calls)
    # The clause stands before what it contains.
    place = len(walk.handlers_found)
    types = tuple(
        shown(walk.raw(each), _LONGEST_TYPE)
        for value in values
        for each in _types(named(value)[0] if value.kind_id in G.AS_PATTERNS else value)
    )
    walk.handlers_found.append(Handler(walk.number, row + 1, column, types, "nothing"))
    if body is not None:
        walk.handle[body.kind_id](walk, body, depth + 1)
        does = _does(body, {call[7] for call in walk.calls[before:]})
        walk.handlers_found[place] = walk.handlers_found[place]._replace(does=does)
    return UNKNOWN


def _types(node: Node) -> list[Node]:
    return named(node) if node.kind_id in G.SEVERAL_TARGETS else [node]


def _does(body: Node, called: set[str]) -> str:
    kinds: set[int] = set()
    stack = [body]
    while stack:
        for child in stack.pop().named_children:
            kind = child.kind_id
            if kind == G.EXPRESSION_STATEMENT and child.children[0].kind_id in (G.ELLIPSIS, G.STRING):
                continue
            if kind in (G.COMMENT, G.PASS_STATEMENT):
                continue
            kinds.add(kind)
            if kind not in (G.FUNCTION_DEFINITION, G.CLASS_DEFINITION, G.EXPRESSION_STATEMENT):
                stack.append(child)
    if not kinds:
        return "nothing"
    if G.RAISE_STATEMENT in kinds:
        return "raises"
    if G.RETURN_STATEMENT in kinds:
        return "returns"
    return "logs" if called and called <= _LOGGING and kinds == {G.EXPRESSION_STATEMENT} else "handles"


# -- imports


def on_import(walk: Walk, node: Node, depth: int) -> Expr:
    for name in node.children_by_field_id(G.F_NAME):
        line = name.start_point[0] + 1
        alias = name.child_by_field_id(G.F_ALIAS)
        if alias is not None:
            path = name.child_by_field_id(G.F_NAME)
            if path is not None:
                _imported(walk, _dotted(walk, path), None, walk.raw(alias), line)
            continue
        module = _dotted(walk, name)
        first = module.split(".", 1)[0]
        _imported(walk, first, None, first.encode(), line)
        if first != module:
            # `import a.b` binds a; that a.b is loaded is a fact of its own.
            walk.imports.append(Import(module, None, "", line, walk.type_only))
    return UNKNOWN


def on_import_from(walk: Walk, node: Node, depth: int) -> Expr:
    source = node.child_by_field_id(G.F_MODULE_NAME)
    if source is None:
        return UNKNOWN
    module = _dotted(walk, source)
    names = node.children_by_field_id(G.F_NAME)
    for name in names:
        alias = name.child_by_field_id(G.F_ALIAS)
        path = name if alias is None else name.child_by_field_id(G.F_NAME)
        if path is not None:
            line = name.start_point[0] + 1
            _imported(walk, module, _dotted(walk, path), walk.raw(path if alias is None else alias), line)
    if not names and any(child.type == "wildcard_import" for child in node.named_children):
        walk.reexports.append(len(walk.imports))
        walk.imports.append(Import(module, "*", "", node.start_point[0] + 1, walk.type_only))
    return UNKNOWN


def _imported(walk: Walk, module: str, name: str | None, alias: bytes, line: int) -> None:
    walk.imports.append(Import(module, name, walk.word(alias), line, walk.type_only))
    walk.bind(alias, (F.IMPORTED, len(walk.imports) - 1))


def _dotted(walk: Walk, node: Node) -> str:
    # Blanks may stand around the dots: `from . import x`, `import a . b`.
    return walk.word(b"".join(walk.raw(node).split()))


# -- match, type


def on_match(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    subjects = node.children_by_field_id(G.F_SUBJECT)
    values = [walk.handle[child.kind_id](walk, child, depth + 1) for child in subjects if child.is_named]
    subject = values[0] if len(values) == 1 else (F.SEQUENCE, "tuple", tuple(values))
    body = node.child_by_field_id(G.F_BODY)
    for clause in named(body) if body is not None else []:
        if clause.kind_id != G.CASE_CLAUSE:
            walk.handle[clause.kind_id](walk, clause, depth + 1)
            continue
        walk.draft.complexity += 1
        patterns = [child for child in named(clause) if child.kind_id == G.CASE_PATTERN]
        if len(patterns) == 1:
            _match(walk, patterns[0], subject, depth + 1)
        else:
            for position, pattern in enumerate(patterns):
                _match(walk, pattern, (F.UNPACKED, subject, position), depth + 1)
        for child in named(clause):
            if child.kind_id != G.CASE_PATTERN:
                walk.handle[child.kind_id](walk, child, depth + 2)
    return UNKNOWN


def _match(walk: Walk, node: Node, value: Expr, depth: int) -> None:
    """Binds what a pattern captures of `value`."""
    if depth > DEEPEST:
        return
    kind = node.kind_id
    children = named(node)
    if kind == G.IDENTIFIER or (kind == G.DOTTED_NAME and node.child_count == 1):
        raw = walk.raw(node)
        if raw != b"_":
            walk.bind(raw, value)
    elif kind == G.DOTTED_NAME:
        _value_of(walk, children)
    elif kind in G.AS_PATTERNS:
        inner = children[0]
        declared = _class_of(walk, inner)
        _match(walk, inner, value, depth + 1)
        _match(walk, children[-1], value if declared is None else (F.INSTANCE, declared), depth + 1)
    elif kind == G.CLASS_PATTERN:
        declared = _value_of(walk, named(children[0])) if children else UNKNOWN
        for child in children[1:]:
            _match(walk, child, (F.INSTANCE, declared), depth + 1)
    elif kind == G.KEYWORD_PATTERN:
        name = walk.word(walk.raw(children[0]))
        _match(walk, children[-1], walk.attribute(value, name), depth + 1)
    elif kind == G.CASE_PATTERN or kind == G.UNION_PATTERN:
        for child in children:
            # Positional parts of a class are what its __match_args__ say, which stands elsewhere.
            inner_value = UNKNOWN if value[0] == F.INSTANCE and _is_capture(child) else value
            _match(walk, child, inner_value, depth + 1)
    elif kind in G.SEVERAL_TARGETS:
        for position, child in enumerate(children):
            _match(walk, child, (F.UNPACKED, value, position), depth + 1)
    elif kind == G.SPLAT_PATTERN:
        for child in children:
            _match(walk, child, (F.SEQUENCE, "comprehension", ((F.ELEMENT, value),)), depth + 1)
    elif kind == G.DICT_PATTERN:
        key: Expr | None = None
        for child in children:
            if child.kind_id in (G.CASE_PATTERN, G.SPLAT_PATTERN):
                _match(walk, child, value if key is None else (F.ITEM, value, key), depth + 1)
            else:
                key = walk.handle[child.kind_id](walk, child, depth + 1)
    else:
        walk.handle[kind](walk, node, depth + 1)


def _is_capture(node: Node) -> bool:
    return node.kind_id == G.DOTTED_NAME and node.child_count == 1


def _value_of(walk: Walk, parts: list[Node]) -> Expr:
    """A dotted name of a pattern as a value."""
    if not parts:
        return UNKNOWN
    raw = walk.raw(parts[0])
    found = walk.names.get(raw) or walk.lookup(raw)
    for part in parts[1:]:
        name = walk.word(walk.raw(part))
        row, column = part.start_point
        target = walk.receivers.get(id(found), found)
        walk.accesses.append((walk.number, target, name, row + 1, column, F.LOAD, None))
        found = walk.attribute(found, name)
    return found


def _class_of(walk: Walk, pattern: Node) -> Expr | None:
    """The class that `Point(x=0) as p` says p is of."""
    node = pattern
    while node.kind_id == G.CASE_PATTERN and len(named(node)) == 1:
        node = named(node)[0]
    if node.kind_id != G.CLASS_PATTERN or not named(node):
        return None
    before = len(walk.accesses)
    declared = _value_of(walk, named(named(node)[0]))
    del walk.accesses[before:]  # the pattern itself says that it reads them
    return declared


def on_type_alias(walk: Walk, node: Node, depth: int) -> Expr:
    name = alias_name(node)
    left = node.child_by_field_id(G.F_LEFT)
    right = node.child_by_field_id(G.F_RIGHT)
    if name is None or left is None or right is None or depth > DEEPEST:
        return UNKNOWN
    around = walk.frame
    frame = Frame(around, around.scope, IN_TYPE_PARAMETERS)
    stack = named(left)
    while stack:
        token = stack.pop()
        if token.kind_id == G.IDENTIFIER:
            frame.names[walk.raw(token)] = (F.FREE, walk.word(walk.raw(token)))
        stack.extend(named(token))
    raw = walk.raw(name)
    frame.names.pop(raw, None)
    walk.leave(frame)
    declared = type_of(walk, right, depth + 1)
    walk.leave(around)
    walk.bind(raw, (F.ALIAS, declared))
    return UNKNOWN
