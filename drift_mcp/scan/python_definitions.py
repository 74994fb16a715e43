"""Functions, classes and lambdas of Python: their parameters, decorators, bases, and the scopes they open."""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from drift_mcp.scan import facts as F
from drift_mcp.scan import python_environment as environment
from drift_mcp.scan import python_grammar as G
from drift_mcp.scan.facts import Decorator, Expr, Parameter
from drift_mcp.scan.python_expressions import call, kept_under
from drift_mcp.scan.python_names import bound_in, targets
from drift_mcp.scan.python_text import shown
from drift_mcp.scan.python_types import last_name, type_of, type_variables
from drift_mcp.scan.python_walk import (
    DEEPEST,
    IN_CLASS,
    IN_FUNCTION,
    IN_TYPE_PARAMETERS,
    UNKNOWN,
    Draft,
    Frame,
    Walk,
    named,
)

_LONGEST_SIGNATURE: Final = 300
_LONGEST_TEXT: Final = 200

# Methods that get the class without being told so by a decorator.
_CLASS_METHODS: Final = frozenset((b"__new__", b"__init_subclass__", b"__class_getitem__"))
_CONSTRUCTORS: Final = frozenset((b"__init__", b"__new__"))
_ENUMS: Final = frozenset(
    ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum", "TextChoices", "IntegerChoices", "Choices")
)
_DECORATED: Final = {
    "staticmethod": F.STATIC,
    "classmethod": F.CLASS_METHOD,
    "property": F.PROPERTY,
    "cached_property": F.PROPERTY,
    "hybrid_property": F.PROPERTY,
    "classproperty": F.PROPERTY | F.CLASS_METHOD,
    "lazy_property": F.PROPERTY,
    "reify": F.PROPERTY,
    "getter": F.PROPERTY,
    "setter": F.SETTER,
    "deleter": F.SETTER,
    "abstractmethod": F.ABSTRACT,
    "abstractproperty": F.ABSTRACT | F.PROPERTY,
    "abstractclassmethod": F.ABSTRACT | F.CLASS_METHOD,
    "abstractstaticmethod": F.ABSTRACT | F.STATIC,
    "overload": F.DECLARATION,
    # SQLAlchemy and pydantic hand these the class.
    "declared_attr": F.CLASS_METHOD | F.PROPERTY,
    "validator": F.CLASS_METHOD,
    "root_validator": F.CLASS_METHOD,
    "field_validator": F.CLASS_METHOD,
}
_BUILTIN: Final = frozenset(("property", "staticmethod", "classmethod"))
_OF_PROPERTY: Final = frozenset(("setter", "getter", "deleter"))
# By custom a type variable is a single capital or its name ends so.
_VARIABLE: Final = re.compile(r"_?[A-Z][A-Z0-9]?|_?T[A-Z]?[a-z]*|\w+(?:Type|_T|_co|_contra|T)")


def on_function(walk: Walk, node: Node, depth: int) -> Expr:
    return function(walk, node, depth, [])


def on_class(walk: Walk, node: Node, depth: int) -> Expr:
    return class_(walk, node, depth, [])


def on_decorated(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    children = named(node)
    decorators = [child for child in children if child.kind_id == G.DECORATOR]
    for child in children:
        if child.kind_id == G.FUNCTION_DEFINITION:
            function(walk, child, depth + 1, decorators)
        elif child.kind_id == G.CLASS_DEFINITION:
            class_(walk, child, depth + 1, decorators)
        elif child.kind_id != G.DECORATOR:
            walk.handle[child.kind_id](walk, child, depth + 1)
    return UNKNOWN


def function(walk: Walk, node: Node, depth: int, decorators: list[Node]) -> Expr:
    name_node = node.child_by_field_id(G.F_NAME)
    if depth > DEEPEST:
        # The decorated whole comes back as one: nobody nests decorated functions so deep.
        return walk.put_off(node)
    if name_node is None:
        return UNKNOWN
    raw = walk.raw(name_node)
    outer = walk.draft
    in_class = outer.kind == "class" and walk.frame.kind == IN_CLASS
    draft = walk.define(walk.word(raw), "method" if in_class else "function")
    _place(walk, draft, node, name_node)
    draft.flags |= F.ASYNC if node.children[0].type == "async" else 0
    decorate(walk, draft, decorators, depth)
    if in_class:
        draft.flags |= F.CLASS_METHOD if raw in _CLASS_METHODS else 0
        draft.flags |= F.CONSTRUCTOR if raw in _CONSTRUCTORS else 0
    if not raw.startswith(b"_") and (in_class or outer.number == 0):
        draft.flags |= F.EXPORTED
    walk.bind(raw, (F.DEFINITION, draft.number))

    around = walk.frame
    _type_parameters(walk, node, draft)
    parameters = node.child_by_field_id(G.F_PARAMETERS)
    returns = node.child_by_field_id(G.F_RETURN_TYPE)
    signature, walk.signature = walk.signature, F.SIGNATURE
    walk.draft, walk.number = draft, draft.number
    found = _parameters(walk, parameters, depth) if parameters is not None else []
    if returns is not None:
        draft.returns = type_of(walk, returns, depth + 1)
        draft.returns_text = shown(walk.raw(returns), _LONGEST_TEXT)
    walk.signature = 0
    draft.parameters = tuple([parameter for parameter, _ in found])
    end = returns if returns is not None else parameters
    draft.signature = shown(walk.source[node.start_byte : (end or name_node).end_byte], _LONGEST_SIGNATURE)

    body = node.child_by_field_id(G.F_BODY)
    _open(walk, draft, found, body, in_class)
    if body is not None:
        draft.flags |= F.HAS_DOC if documented(body) else 0
        _body(walk, body, depth)
    walk.leave(around)
    walk.draft, walk.number, walk.signature = outer, outer.number, signature
    return UNKNOWN


def on_lambda(walk: Walk, node: Node, depth: int) -> Expr:
    if depth > DEEPEST:
        return walk.put_off(node)
    outer = walk.draft
    draft = walk.define("<lambda>", "lambda")
    _place(walk, draft, node, node)
    parameters = node.child_by_field_id(G.F_PARAMETERS)
    body = node.child_by_field_id(G.F_BODY)
    around = walk.frame
    signature, walk.signature = walk.signature, F.SIGNATURE
    walk.draft, walk.number = draft, draft.number
    found = _parameters(walk, parameters, depth) if parameters is not None else []
    walk.signature = 0
    draft.parameters = tuple([parameter for parameter, _ in found])
    draft.signature = shown(walk.raw(node), _LONGEST_SIGNATURE)
    _open(walk, draft, found, None, False)
    if body is not None:
        value = walk.handle[body.kind_id](walk, body, depth + 1)
        if value is not UNKNOWN:
            draft.returned.append(value)
    walk.leave(around)
    walk.draft, walk.number, walk.signature = outer, outer.number, signature
    return (F.DEFINITION, draft.number)


def class_(walk: Walk, node: Node, depth: int, decorators: list[Node]) -> Expr:
    name_node = node.child_by_field_id(G.F_NAME)
    if depth > DEEPEST:
        return walk.put_off(node)
    if name_node is None:
        return UNKNOWN
    raw = walk.raw(name_node)
    outer = walk.draft
    draft = walk.define(walk.word(raw), "class")
    _place(walk, draft, node, name_node)
    decorate(walk, draft, decorators, depth)
    if not raw.startswith(b"_") and outer.number == 0:
        draft.flags |= F.EXPORTED
    walk.bind(raw, (F.DEFINITION, draft.number))

    around = walk.frame
    _type_parameters(walk, node, draft)
    signature, walk.signature = walk.signature, 0
    walk.draft, walk.number = draft, draft.number
    arguments = node.child_by_field_id(G.F_SUPERCLASSES)
    end = name_node
    if arguments is not None:
        _bases(walk, draft, arguments, depth)
        end = arguments
    draft.signature = shown(walk.source[node.start_byte : end.end_byte], _LONGEST_SIGNATURE)

    walk.enter(IN_CLASS, draft.number)
    draft.scope = walk.frame.scope
    body = node.child_by_field_id(G.F_BODY)
    if body is not None:
        draft.flags |= F.HAS_DOC if documented(body) else 0
        walk.handle[body.kind_id](walk, body, depth + 1)
        if any(last_name(base).endswith("BaseSettings") for base in draft.bases):
            environment.of_settings(walk, body, draft.number)
    walk.leave(around)
    walk.draft, walk.number, walk.signature = outer, outer.number, signature
    return UNKNOWN


def _place(walk: Walk, draft: Draft, node: Node, name: Node) -> None:
    draft.line = node.start_point[0] + 1
    draft.end_line = node.end_point[0] + 1
    row, draft.column = name.start_point
    draft.name_line = row + 1
    if draft.name.startswith("__") and not draft.name.endswith("__"):
        draft.visibility = "private"
    elif draft.name.startswith("_") and not draft.name.startswith("__"):
        draft.visibility = "protected"


def documented(body: Node) -> bool:
    """Whether a body begins with a docstring."""
    for child in body.children:
        if child.kind_id == G.EXPRESSION_STATEMENT:
            return child.children[0].kind_id in (G.STRING, G.CONCATENATED_STRING)
        if child.kind_id != G.COMMENT:
            return False
    return False


# -- decorators


def decorate(walk: Walk, draft: Draft, decorators: list[Node], depth: int) -> None:
    """The decorators of a definition are its own calls; what stands in their brackets runs around it."""
    for node in decorators:
        children = named(node)
        if not children:
            continue
        expression = children[0]
        text = shown(walk.raw(expression), _LONGEST_TEXT)
        line = node.start_point[0] + 1
        if expression.kind_id == G.CALL:
            target = call(walk, expression, depth + 1, F.DECORATOR, draft.number)
            name = walk.calls[target[1]][7] if target[0] == F.CALL else ""
        else:
            target, name = _plain(walk, draft, expression, depth)
        draft.flags |= _DECORATED.get(name, 0)
        draft.decorators.append(Decorator(target, text, line))


def _plain(walk: Walk, draft: Draft, expression: Node, depth: int) -> tuple[Expr, str]:
    """`@name` and `@owner.name`: the function that the decorator is, and its name."""
    target, name, token = callee_of(walk, expression, depth)
    of_property = name in _OF_PROPERTY and target[0] == F.ATTR
    if not (of_property or (target[0] == F.FREE and name in _BUILTIN)):
        row, column = token.start_point
        decorated = ((F.DEFINITION, draft.number),)
        walk.calls.append((draft.number, target, decorated, (), row + 1, column, F.DECORATOR, name))
    return target, name


def callee_of(walk: Walk, node: Node, depth: int) -> tuple[Expr, str, Node]:
    """An expression that is called without brackets, its last name, and the token of that."""
    if node.kind_id == G.IDENTIFIER:
        raw = walk.raw(node)
        return walk.names.get(raw) or walk.lookup(raw), walk.word(raw), node
    if node.kind_id == G.ATTRIBUTE:
        owner, token = node.children[0], node.children[-1]
        name = walk.word(walk.raw(token))
        return walk.attribute(walk.handle[owner.kind_id](walk, owner, depth + 1), name), name, token
    return walk.handle[node.kind_id](walk, node, depth + 1), "", node


# -- parameters


def _parameters(walk: Walk, node: Node, depth: int) -> list[tuple[Parameter, Node]]:
    """The parameters in their order, each with its node. Their types and defaults are read outside the function."""
    found: list[tuple[Parameter, Node]] = []
    form = "positional"
    for child in node.named_children:
        kind = child.kind_id
        if kind == G.IDENTIFIER:
            row, column = child.start_point
            found.append((Parameter(walk.word(walk.raw(child)), form, None, "", None, row + 1, column), child))
            continue
        if kind == G.KEYWORD_SEPARATOR:
            form = "keyword"
            continue
        if kind in (G.COMMENT, G.POSITIONAL_SEPARATOR, G.ERROR):
            continue
        parameter = _parameter(walk, child, form, depth)
        if parameter is not None:
            found.append((parameter, child))
            if parameter.kind == "rest":
                form = "keyword"
    return found


def _parameter(walk: Walk, node: Node, form: str, depth: int) -> Parameter | None:
    kind = node.kind_id
    row, column = node.start_point
    pattern = node
    if kind in (G.DEFAULT_PARAMETER, G.TYPED_DEFAULT_PARAMETER):
        name = node.child_by_field_id(G.F_NAME)
        if name is None:
            return None
        pattern = name
    elif kind == G.TYPED_PARAMETER:
        pattern = node.children[0]
    annotation = node.child_by_field_id(G.F_TYPE) if kind in (G.TYPED_PARAMETER, G.TYPED_DEFAULT_PARAMETER) else None
    value = node.child_by_field_id(G.F_VALUE) if kind in (G.DEFAULT_PARAMETER, G.TYPED_DEFAULT_PARAMETER) else None
    declared = None if annotation is None else type_of(walk, annotation, depth + 1)
    text = "" if annotation is None else shown(walk.raw(annotation), _LONGEST_TEXT)
    if pattern.kind_id == G.LIST_SPLAT_PATTERN or pattern.kind_id == G.DICTIONARY_SPLAT_PATTERN:
        form = "rest" if pattern.kind_id == G.LIST_SPLAT_PATTERN else "keywords"
        pattern = pattern.children[-1]
    # Python 2 could take a tuple apart in the parameter list: such a parameter has no name.
    name_text = walk.word(walk.raw(pattern)) if pattern.kind_id == G.IDENTIFIER else ""
    default = None if value is None else kept_under(walk, name_text, walk.handle[value.kind_id](walk, value, depth + 1))
    return Parameter(name_text, form, declared, text, default, row + 1, column)


def _open(
    walk: Walk, draft: Draft, parameters: list[tuple[Parameter, Node]], body: Node | None, in_class: bool
) -> None:
    """Opens the function's scope with its parameters and every name that its body binds."""
    walk.enter(IN_FUNCTION, draft.number)
    draft.scope = walk.frame.scope
    names = walk.names
    bound = None if body is None else bound_in(body, walk.source)
    if bound is not None:
        for raw in bound.global_:
            known = _module_frame(walk.frame).names.get(raw)
            names[raw] = known if known is not None else (F.NAME, 0, walk.word(raw))
            walk.scopes[0][3].setdefault(walk.word(raw), [])
        for raw in bound.nonlocal_:
            walk.lookup(raw)
    for position, (parameter, node) in enumerate(parameters):
        if parameter.name == "":
            apart: set[bytes] = set()
            targets(node.child_by_field_id(G.F_NAME) or node, walk.source, apart)
            for place, raw in enumerate(sorted(apart)):
                walk.declare(raw)
                walk.bind(raw, (F.UNPACKED, (F.PARAMETER, draft.number, position), place))
            continue
        raw = parameter.name.encode()
        expression = walk.declare(raw)
        if position == 0 and in_class and not draft.flags & F.STATIC and parameter.kind == "positional":
            receiver = (F.SELF, draft.parent, 1 if draft.flags & F.CLASS_METHOD else 0)
            walk.add_values(expression, (receiver,))
            if bound is None or raw not in bound.local:
                walk.receivers[id(expression)] = receiver
            continue
        values: list[Expr] = []
        if parameter.annotation is not None and parameter.kind in ("positional", "keyword"):
            values.append((F.INSTANCE, parameter.annotation))
        values.append((F.PARAMETER, draft.number, position))
        if parameter.default is not None and parameter.default != (F.LITERAL, "none"):
            values.append(parameter.default)
        walk.add_values(expression, tuple(values))
    if bound is not None:
        for raw in sorted(bound.local):
            if raw not in names:
                walk.declare(raw)


def _module_frame(frame: Frame) -> Frame:
    while frame.outer is not None:
        frame = frame.outer
    return frame


def _body(walk: Walk, body: Node, depth: int) -> None:
    handle = walk.handle
    for statement in body.children:
        handle[statement.kind_id](walk, statement, depth + 1)


# -- classes and type parameters


def _bases(walk: Walk, draft: Draft, arguments: Node, depth: int) -> None:
    bases: list[Expr] = []
    keywords: list[tuple[str, Expr]] = []
    for child in named(arguments):
        if child.kind_id == G.KEYWORD_ARGUMENT:
            value = child.children[-1]
            keywords.append(
                (walk.word(walk.raw(child.children[0])), walk.handle[value.kind_id](walk, value, depth + 1))
            )
        elif child.kind_id == G.DICTIONARY_SPLAT:
            keywords.append(("", walk.handle[child.kind_id](walk, child, depth + 1)))
        elif child.kind_id == G.LIST_SPLAT:
            bases.append(walk.handle[child.kind_id](walk, child, depth + 1))
        else:
            bases.append(type_of(walk, child, depth + 1))
    draft.bases = tuple(bases)
    draft.keywords = tuple(keywords)
    last_names = {last_name(base) for base in bases}
    if last_names & _ENUMS:
        draft.flags |= F.ENUM
    if "Protocol" in last_names:
        draft.flags |= F.INTERFACE
    if "ABC" in last_names or any(key == "metaclass" and last_name(value) == "ABCMeta" for key, value in keywords):
        draft.flags |= F.ABSTRACT
    if not draft.type_parameters:
        declared = [name for base in bases for name in type_variables(base)]
        draft.type_parameters = tuple(dict.fromkeys(declared or _open_variables(walk, bases)))


def _open_variables(walk: Walk, bases: list[Expr]) -> list[str]:
    """`class Repository(Base[T])`: T stays open."""
    found: list[str] = []
    for base in bases:
        if base[0] != F.ITEM or base[2] is None:
            continue
        parts = base[2][2] if base[2][0] == F.SEQUENCE else (base[2],)
        found.extend(part[2] for part in parts if part[0] == F.NAME and _is_type_variable(walk, part))
    return found


def _is_type_variable(walk: Walk, name: Expr) -> bool:
    for bound in walk.scopes[name[1]][3].get(name[2], ()):
        if bound[0] == F.CALL:
            return last_name(walk.calls[bound[1]][1]) in ("TypeVar", "TypeVarTuple", "ParamSpec")
        if bound[0] == F.IMPORTED:
            return _VARIABLE.fullmatch(name[2]) is not None
    return False


def _type_parameters(walk: Walk, node: Node, draft: Draft) -> None:
    """Opens a frame for `[T]` behind the name. Its names are bound in no scope; the resolver knows them by name."""
    parameters = node.child_by_field_id(G.F_TYPE_PARAMETERS)
    if parameters is None:
        return
    found: list[str] = []
    frame = Frame(walk.frame, walk.frame.scope, IN_TYPE_PARAMETERS)
    for child in named(parameters):
        token: Node | None = child
        while token is not None and token.kind_id != G.IDENTIFIER:
            inner = named(token)
            token = inner[0] if inner else None
        if token is not None:
            raw = walk.raw(token)
            found.append(walk.word(raw))
            frame.names[raw] = (F.FREE, walk.word(raw))
    walk.leave(frame)
    draft.type_parameters = tuple(found)
