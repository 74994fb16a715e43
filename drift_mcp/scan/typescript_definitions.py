"""Functions, classes and object literals: what is defined, with its parameters, decorators and members."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from drift_mcp.scan.facts import (
    ABSTRACT,
    ASYNC,
    CALL,
    CONSTRUCTOR,
    DECLARATION,
    DECORATOR,
    DEFINITION,
    FREE,
    GENERATOR,
    HAS_DOC,
    INSTANCE,
    ITEM,
    LITERAL,
    NAME,
    PARAMETER,
    PROPERTY,
    RECORD,
    RECORD_REF,
    SELF,
    SETTER,
    SIGNATURE,
    STATIC,
    TEXT,
    Decorator,
    Expr,
    Parameter,
)
from drift_mcp.scan.typescript_scopes import bind_pattern, body, declare_pattern
from drift_mcp.scan.typescript_text import text_value
from drift_mcp.scan.typescript_types import (
    enter_bare_type_parameters,
    enter_type_parameters,
    instance_of,
    member_name,
    reference,
    type_arguments,
    type_of,
)
from drift_mcp.scan.typescript_walk import DEEP_BODY, MOST_VALUES, UNKNOWN, Draft, Frame, Walk

_LONGEST_SIGNATURE: Final = 300
_LONGEST_DECORATOR: Final = 200
# A declared type that is longer as text says nothing more to a reader.
_LONGEST_TYPE: Final = 300
# A qualified name of code that people wrote is shorter.
_LONGEST_NAME: Final = 400
# White space between a comment and what it documents.
_DOC_GAP: Final = 200
# An object literal with more entries is a table of data; nobody dispatches on it.
_MOST_PAIRS: Final = 500

ARROW: Final = 1
FUNCTION: Final = 2
CLASS: Final = 3
OBJECT: Final = 4
NAMEABLE: Final = {
    "arrow_function": ARROW,
    "function_expression": FUNCTION,
    "generator_function": FUNCTION,
    "class": CLASS,
    "object": OBJECT,
}

_MODIFIERS: Final = {
    "async": ASYNC,
    "*": GENERATOR,
    "static": STATIC,
    "get": PROPERTY,
    "set": SETTER,
    "abstract": ABSTRACT,
}


# -- the definition itself


def define(walk: Walk, node: Node, name: str, owner: str, kind: str, token: Node | None, start: int) -> Draft:
    """A new definition below the current one; its scope is opened by whoever knows what stands in it."""
    outer = walk.draft
    path = f"{owner}.{name}" if owner else name
    qualified = path
    if outer.number:
        within = outer.qualified_name
        # Only generated code nests as deep; its names would grow with the square of the depth.
        qualified = f"{within}.{path}" if len(within) < _LONGEST_NAME else f"….{path}"
    draft = Draft(len(walk.definitions), name, qualified, kind, outer.number, -1)
    walk.definitions.append(draft)
    draft.owner = outer.owner
    draft.start = start
    draft.line = node.start_point[0] + 1
    draft.end_line = node.end_point[0] + 1
    row, draft.column = (token or node).start_point
    draft.name_line = row + 1
    if _has_doc(walk.source, start):
        draft.flags = HAS_DOC
    return draft


def _has_doc(source: bytes, start: int) -> bool:
    before = source[max(0, start - _DOC_GAP) : start].rstrip()
    if before[-1:] in (b"t", b"e"):
        for word in (b"declare", b"default", b"export"):
            before = before.removesuffix(word).rstrip()
    if not before.endswith(b"*/"):
        return False
    opening, closing = source.rfind(b"/**", 0, start), source.rfind(b"*/", 0, start)
    return opening >= 0 and b"*/" not in source[opening + 2 : closing]


# -- functions


def function(
    walk: Walk,
    node: Node,
    name: str = "",
    *,
    owner: str = "",
    kind: str = "",
    token: Node | None = None,
    this: Expr | None = None,
    flags: int = 0,
    start: int = -1,
    signature_start: int = -1,
    decorators: tuple[Node, ...] = (),
) -> int:
    """A function, method or lambda; gives its number. `this` is None where it is that of the surroundings."""
    fields = walk.fields
    own_name = node.child_by_field_id(fields.name)
    if not name and own_name is not None:
        name, token = member_name(walk, own_name), own_name
    arrow = node.type == "arrow_function"
    if not name:
        name, kind = "<arrow>" if arrow else "<function>", kind or "lambda"
    begin = node.start_byte if start < 0 else start
    draft = define(walk, node, name, owner, kind or "function", token, begin)
    draft.flags |= flags
    content = node.child_by_field_id(fields.body)
    for child in node.children:
        modifier = _MODIFIERS.get(child.type)
        if modifier is not None:
            draft.flags |= modifier
        elif child.type == "accessibility_modifier":
            draft.visibility = walk.word(child)
        elif child.is_named and child.type not in ("override_modifier", "readonly", "decorator"):
            break
    if content is None:
        draft.flags |= DECLARATION
    head = signature_start if signature_start >= 0 else node.start_byte
    draft.signature = walk.line_of_text(
        head, content.start_byte if content is not None else node.end_byte, _LONGEST_SIGNATURE
    ).rstrip(";")

    outer, outer_this, outer_flag = walk.draft, walk.this, walk.signature_flag
    if this is None and not arrow:
        this = (FREE, "this")
    walk.draft = draft
    decorate(walk, decorators, draft)
    before = walk.enter("function", draft.number)
    draft.scope = walk.frame.scope
    if this is not None:
        walk.this = this
    if own_name is not None and node.type in ("function_expression", "generator_function"):
        walk.names[walk.source[own_name.start_byte : own_name.end_byte]] = (DEFINITION, draft.number)
    draft.type_parameters = enter_type_parameters(walk, node.child_by_field_id(fields.type_parameters))
    _parameters(walk, node, draft)
    returns = node.child_by_field_id(fields.return_type)
    if returns is not None:
        found = type_of(walk, returns)
        draft.returns = None if found is UNKNOWN else found
        draft.returns_text = walk.line_of_text(returns.start_byte, returns.end_byte, _LONGEST_TYPE).lstrip(": ")
    walk.signature_flag = 0
    if content is not None:
        if walk.depth > DEEP_BODY:
            walk.put_off(body if content.type == "statement_block" else _value_body, content)
        elif content.type == "statement_block":
            body(walk, content)
        else:
            _value_body(walk, content)
    walk.leave(before)
    walk.draft, walk.this, walk.signature_flag = outer, outer_this, outer_flag
    return draft.number


def _value_body(walk: Walk, node: Node) -> Expr:
    found = walk.visit(node)
    if found is not UNKNOWN:
        walk.draft.returned.append(found)
    return UNKNOWN


def _parameters(walk: Walk, node: Node, draft: Draft) -> None:
    fields = walk.fields
    listed = node.child_by_field_id(fields.parameters)
    if listed is None:
        single = node.child_by_field_id(fields.parameter)
        children = [single] if single is not None else []
    else:
        children = [child for child in listed.named_children if child.type not in ("comment", "ERROR")]
    # All names first: a default may be a function that uses a later parameter.
    for child in children:
        pattern = child.child_by_field_id(fields.pattern) or child
        if pattern.type != "this":
            declare_pattern(walk, pattern)
    walk.signature_flag = SIGNATURE
    for child in children:
        _parameter(walk, child, draft)


def _parameter(walk: Walk, node: Node, draft: Draft) -> None:
    fields = walk.fields
    pattern = node.child_by_field_id(fields.pattern)
    annotation = default = None
    if pattern is None:
        pattern = node  # JavaScript, and the single parameter of `x => …`
        if node.type == "assignment_pattern":
            left = node.child_by_field_id(fields.left)
            default = node.child_by_field_id(fields.right)
            pattern = left if left is not None else node
    else:
        annotation = node.child_by_field_id(fields.type)
        default = node.child_by_field_id(fields.value)
    declared = instance_of(walk, annotation)
    if pattern.type == "this":
        if declared is not None:
            walk.this = declared
        return
    kind = "positional"
    if pattern.type == "rest_pattern":
        kind = "rest"
        if pattern.named_children:
            pattern = pattern.named_children[0]
    position = len(draft.parameters)
    value: Expr = (PARAMETER, draft.number, position)
    name = walk.word(pattern) if pattern.type == "identifier" else ""
    text = ""
    if annotation is not None:
        text = walk.line_of_text(annotation.start_byte, annotation.end_byte, _LONGEST_TYPE).lstrip(": ")
    given = walk.kept_under(name, walk.visit(default)) if default is not None else None
    row, column = pattern.start_point
    type_expression = None if declared is None else declared[1]
    draft.parameters.append(Parameter(name, kind, type_expression, text, given, row + 1, column))
    if name:
        target = walk.name(pattern)
        if declared is not None:
            walk.bind(target, declared)
        walk.bind(target, value)
        if given is not None:
            walk.bind(target, given)
    else:
        bind_pattern(walk, pattern, value)
    if node.type in ("required_parameter", "optional_parameter"):
        decorators: list[Node] = []
        for child in node.children:
            kind = child.type
            if kind == "decorator":
                decorators.append(child)
            elif (
                kind in ("accessibility_modifier", "readonly", "override_modifier")
                and name
                and draft.flags & CONSTRUCTOR
            ):
                _property_of(walk, draft.parent, name, declared, value)
            elif child == pattern:
                break
        if decorators:
            outer_flag, walk.signature_flag = walk.signature_flag, 0
            for child in decorators:
                decorator(walk, child, (("<parameter>", (TEXT, name)),))
            walk.signature_flag = outer_flag


def _property_of(walk: Walk, owner: int, name: str, declared: Expr | None, value: Expr) -> None:
    """`constructor(private name: T)` makes a field of the class."""
    values = walk.scopes[walk.definitions[owner].scope][3].setdefault(name, [])
    for each in (declared, value):
        if each is not None and each not in values:
            values.append(each)


def declared_function(walk: Walk, node: Node, start: int = -1, flags: int = 0) -> Expr:
    """`function f() {}` as a statement."""
    name = node.child_by_field_id(walk.fields.name)
    if name is None:
        return (DEFINITION, function(walk, node, start=start, flags=flags))
    word = walk.word(name)
    target = walk.name(name)
    # `function View() { this.root = … }`: by its capital a function that is called with `new`.
    this: Expr | None = (INSTANCE, target) if word[:1].isupper() and target[0] == NAME else None
    number = function(walk, node, word, token=name, start=start, flags=flags, this=this)
    walk.bind(target, (DEFINITION, number))
    return target


def function_signature(walk: Walk, node: Node) -> Expr:
    """`function f(): T;` is an overload of what follows, or a declaration of what stands elsewhere."""
    name = node.child_by_field_id(walk.fields.name)
    follower = node.next_named_sibling
    outer = node.parent
    if outer is not None and outer.type == "export_statement":
        follower = outer.next_named_sibling
    while follower is not None and name is not None:
        if follower.type == "export_statement":
            follower_declaration = follower.child_by_field_id(walk.fields.declaration)
            if follower_declaration is None:
                break
            declaration = follower_declaration
        else:
            declaration = follower
        if declaration.type not in (
            "function_declaration",
            "function_signature",
            "generator_function_declaration",
            "comment",
        ):
            break
        other = declaration.child_by_field_id(walk.fields.name)
        if declaration.type != "comment" and (other is None or walk.word(other) != walk.word(name)):
            break
        if declaration.type.endswith("function_declaration"):
            return UNKNOWN
        follower = follower.next_named_sibling
    return declared_function(walk, node)


# -- values that take the name of what they are given to


def named(
    walk: Walk,
    node: Node,
    name: str,
    *,
    owner: str = "",
    kind: str = "function",
    token: Node | None = None,
    this: Expr | None = None,
    start: int = -1,
) -> Expr:
    """The value of a node that a name is given to: functions, classes and object literals take that name."""
    code = NAMEABLE.get(node.type)
    # Past this depth the name is not worth the frames that handing it down would take.
    if code is None or walk.depth > DEEP_BODY * 3 // 2:
        return walk.visit(node)
    begin = node.start_byte if start < 0 else start
    walk.depth += 1
    if code == OBJECT:
        value = record(walk, node, f"{owner}.{name}" if owner else name)
    elif code == CLASS:
        value = (DEFINITION, class_definition(walk, node, name=name, token=token, start=begin))
    else:
        own = node.child_by_field_id(walk.fields.name) if code == FUNCTION else None
        if own is not None:
            name, token = walk.word(own), own
        number = function(
            walk,
            node,
            name,
            owner=owner,
            kind=kind,
            token=token,
            this=this if code == FUNCTION else None,
            start=begin,
            signature_start=begin if start >= 0 else -1,
        )
        value = (DEFINITION, number)
    walk.depth -= 1
    return value


def anonymous(walk: Walk, node: Node) -> Expr:
    """A function or class written where a value is wanted."""
    if node.type == "class":
        return (DEFINITION, class_definition(walk, node))
    return (
        DEFINITION,
        function(walk, node, kind="" if node.child_by_field_id(walk.fields.name) is None else "function"),
    )


# -- object literals


def record(walk: Walk, node: Node, owner: str = "", this: Expr | None = None) -> Expr:
    """An object literal; its functions are named by their keys, below `owner`; `this` in them, unless given, is it."""
    fields = walk.fields
    number = walk.records
    walk.records += 1
    if this is None:
        this = (RECORD_REF, number)
    pairs: list[tuple[Expr | None, Expr]] = []
    for child in node.named_children:
        kind = child.type
        if kind == "pair":
            key_node, value_node = child.child_by_field_id(fields.key), child.child_by_field_id(fields.value)
            if key_node is None or value_node is None:
                continue
            key = _key(walk, key_node)
            if value_node.type in NAMEABLE and key[0] == TEXT:
                begin = child.start_byte
                value = named(
                    walk, value_node, key[1], owner=owner, kind="method", token=key_node, this=this, start=begin
                )
            else:
                value = walk.visit(value_node)
                if key[0] == TEXT:
                    value = walk.kept_under(key[1], value)
            pairs.append((key, value))
        elif kind == "shorthand_property_identifier":
            pairs.append(((TEXT, walk.word(child)), walk.name(child)))
        elif kind == "spread_element":
            if child.named_children:
                pairs.append((None, walk.visit(child.named_children[0])))
        elif kind == "method_definition":
            name = child.child_by_field_id(fields.name)
            if name is not None:
                key = _key(walk, name)
                word = key[1] if key[0] == TEXT else "<method>"
                method = function(walk, child, word, owner=owner, kind="method", token=name, this=this)
                pairs.append((key, (DEFINITION, method)))
        elif kind != "comment":
            walk.visit(child)
    return (RECORD, number, tuple(pairs[:_MOST_PAIRS]))


def plain_record(walk: Walk, node: Node) -> Expr:
    """An object literal that no name is given to."""
    return record(walk, node)


def _key(walk: Walk, node: Node) -> Expr:
    kind = node.type
    if kind == "number":
        return (LITERAL, "int")
    if kind == "computed_property_name":
        return walk.visit(node.named_children[0]) if node.named_children else UNKNOWN
    if kind == "string":
        return text_value(member_name(walk, node))
    return (TEXT, walk.word(node))


# -- decorators


def decorate(walk: Walk, nodes: tuple[Node, ...], draft: Draft, keywords: tuple[tuple[str, Expr], ...] = ()) -> None:
    """Decorators of a definition: calls by it, and rows on it."""
    for node in nodes:
        target = decorator(walk, node, keywords)
        text = walk.line_of_text(node.start_byte, node.end_byte, _LONGEST_DECORATOR).lstrip("@")
        draft.decorators.append(Decorator(target, text, node.start_point[0] + 1))


def decorator(walk: Walk, node: Node, keywords: tuple[tuple[str, Expr], ...] = ()) -> Expr:
    """`@f` and `@f(…)` as a call by the current definition; gives the decorator expression."""
    children = [child for child in node.named_children if child.type != "comment"]
    if not children:
        return UNKNOWN
    inner = children[0]
    at = len(walk.calls)
    value = walk.visit(inner)
    if value[0] == CALL and inner.type == "call_expression":
        caller, callee, arguments, given, line, column, flags, name = walk.calls[value[1]]
        walk.calls[value[1]] = (caller, callee, arguments, given + keywords, line, column, flags | DECORATOR, name)
        return value
    token = inner.child_by_field_id(walk.fields.property) or inner
    row, column = token.start_point
    name = walk.word(token) if inner.type in ("identifier", "member_expression") else ""
    if inner.type == "member_expression" and len(walk.calls) == at and walk.accesses:
        walk.accesses.pop()  # the decorator is called, not read
    walk.calls.append((walk.draft.number, value, (), keywords, row + 1, column, DECORATOR, name))
    return value


# -- classes


def class_definition(
    walk: Walk,
    node: Node,
    *,
    name: str = "",
    token: Node | None = None,
    start: int = -1,
    outer_decorators: tuple[Node, ...] = (),
    flags: int = 0,
) -> int:
    """A class, declared or written as a value; gives its number."""
    fields = walk.fields
    own_name = node.child_by_field_id(fields.name)
    if own_name is not None:
        name, token = walk.word(own_name), own_name
    decorators = outer_decorators + tuple(child for child in node.children if child.type == "decorator")
    begin = node.start_byte if start < 0 else start
    draft = define(walk, node, name or "<class>", "", "class", token, begin)
    draft.flags |= flags | (ABSTRACT if node.type == "abstract_class_declaration" else 0)
    content = node.child_by_field_id(fields.body)
    head = node.start_byte
    for child in node.children:
        if child.type != "decorator":
            head = child.start_byte
            if not token:
                draft.column = child.start_point[1]
            draft.line = child.start_point[0] + 1
            break
    draft.signature = walk.line_of_text(
        head, content.start_byte if content is not None else node.end_byte, _LONGEST_SIGNATURE
    )

    outer, outer_this, outer_flag = walk.draft, walk.this, walk.signature_flag
    outside = open_type_parameters(walk, node, draft)
    walk.draft, walk.signature_flag = draft, 0
    decorate(walk, decorators, draft)
    for child in node.named_children:
        if child.type == "class_heritage":
            _heritage(walk, child, draft)
    before = walk.enter("class", draft.number)
    draft.scope = walk.frame.scope
    # Members are no names of their own; only the class's own name is one inside it.
    if own_name is not None and node.type == "class":
        walk.names[walk.source[own_name.start_byte : own_name.end_byte]] = (DEFINITION, draft.number)
    draft.owner = draft.number
    if content is not None:
        if walk.depth > DEEP_BODY:
            walk.put_off(_members, content)
        else:
            _members(walk, content)
    walk.leave(before)
    walk.leave(outside)
    walk.draft, walk.this, walk.signature_flag = outer, outer_this, outer_flag
    return draft.number


def open_type_parameters(walk: Walk, node: Node, draft: Draft) -> Frame:
    """Opens a frame with the type parameters of a class; gives the frame to go back to."""
    listed = node.child_by_field_id(walk.fields.type_parameters)
    if listed is not None and any(
        child.child_by_field_id(walk.fields.constraint) is not None for child in listed.named_children
    ):
        before = walk.enter("block", draft.number)
        draft.type_parameters = enter_type_parameters(walk, listed)
    else:
        before = walk.enter_frame()
        draft.type_parameters = enter_bare_type_parameters(walk, listed)
    return before


def _heritage(walk: Walk, node: Node, draft: Draft) -> None:
    fields = walk.fields
    implemented: list[Expr] = []
    for child in node.named_children:
        kind = child.type
        if kind == "extends_clause":
            value = child.child_by_field_id(fields.value)
            if value is None:
                continue
            base = base_class(walk, value)
            arguments = child.child_by_field_id(fields.type_arguments)
            if arguments is not None and base is not UNKNOWN:
                base = (ITEM, base, type_arguments(walk, arguments))
            draft.bases.append(base)
        elif kind == "implements_clause":
            implemented.extend(type_of(walk, each) for each in child.named_children if each.type != "comment")
        elif kind != "comment":
            draft.bases.append(base_class(walk, child))  # JavaScript's grammar has no clause
    draft.bases.extend(each for each in implemented if each is not UNKNOWN)


def base_class(walk: Walk, node: Node) -> Expr:
    return reference(walk, node) if node.type in ("identifier", "member_expression") else walk.visit(node)


def _members(walk: Walk, content: Node) -> Expr:
    fields = walk.fields
    children = content.named_children
    implemented: set[str] = set()
    for child in children:
        if child.type == "method_definition":
            name = child.child_by_field_id(fields.name)
            if name is not None:
                implemented.add(member_name(walk, name))
    decorators: list[Node] = []
    for child in children:
        kind = child.type
        if kind == "decorator":
            decorators.append(child)
            continue
        if kind in ("method_definition", "method_signature", "abstract_method_signature"):
            name = child.child_by_field_id(fields.name)
            if name is not None and (kind == "method_definition" or member_name(walk, name) not in implemented):
                method(walk, child, name, tuple(decorators))
        elif kind in ("public_field_definition", "field_definition"):
            _field(walk, child, tuple(decorators))
        elif kind == "class_static_block":
            static = child.child_by_field_id(fields.body)
            if static is not None:
                outer, walk.this = walk.this, (SELF, walk.draft.number, 1)
                walk.visit(static)
                walk.this = outer
        elif kind not in ("comment", "index_signature"):
            walk.visit(child)
        if kind != "comment":
            decorators.clear()
    return UNKNOWN


def bind_member(walk: Walk, owner: Draft, name: str, value: Expr) -> None:
    """Adds a value to a member of a class."""
    if name and value is not UNKNOWN:
        value = walk.kept_under(name, value)
        values = walk.scopes[owner.scope][3].setdefault(name, [])
        # A class with as many overloads of one name is generated.
        if len(values) < MOST_VALUES and value not in values:
            values.append(value)


def _is_static(node: Node) -> bool:
    return any(child.type == "static" for child in node.children[:4])  # decorators aside, modifiers come first


def method(walk: Walk, node: Node, name: Node, decorators: tuple[Node, ...]) -> None:
    """A method of the class that is being walked, with or without a body."""
    owner = walk.draft
    word = member_name(walk, name)
    if name.type == "computed_property_name" and not word:
        word = walk.line_of_text(name.start_byte, name.end_byte, 80)
        for child in name.named_children:
            walk.visit(child)
    static = _is_static(node)
    flags = CONSTRUCTOR if word == "constructor" and not static else 0
    number = function(
        walk,
        node,
        word,
        kind="method",
        token=name,
        this=(SELF, owner.number, int(static)),
        flags=flags,
        start=decorators[0].start_byte if decorators else -1,
        decorators=decorators,
    )
    if word.startswith("#"):
        walk.definitions[number].visibility = "private"
    bind_member(walk, owner, word, (DEFINITION, number))


def _field(walk: Walk, node: Node, decorators: tuple[Node, ...]) -> None:
    fields = walk.fields
    owner = walk.draft
    name = node.child_by_field_id(fields.name) or node.child_by_field_id(fields.property)
    if name is None:
        return
    word = member_name(walk, name)
    own = tuple(child for child in node.children if child.type == "decorator")
    outer_this = walk.this
    walk.this = (SELF, owner.number, int(any(child.type == "static" for child in node.children)))
    for each in decorators + own:
        decorator(walk, each, (("<field>", (TEXT, word)),))
    declared = instance_of(walk, node.child_by_field_id(fields.type))
    # The name is there even when nothing is known of its value.
    walk.scopes[owner.scope][3].setdefault(word, [])
    value = node.child_by_field_id(fields.value)
    # A function written out says more than the function type that it is declared to have.
    if declared is not None and (value is None or value.type not in ("arrow_function", "function_expression")):
        bind_member(walk, owner, word, declared)
    if value is not None:
        found = named(walk, value, word, kind="method", token=name, this=walk.this, start=node.start_byte)
        if found[0] == DEFINITION:
            draft = walk.definitions[found[1]]
            draft.visibility = next(
                (walk.word(child) for child in node.children if child.type == "accessibility_modifier"), "public"
            )
            if word.startswith("#"):
                draft.visibility = "private"
            draft.flags |= STATIC if walk.this[2] else 0
        bind_member(walk, owner, word, found)
    walk.this = outer_this


def declared_class(walk: Walk, node: Node, start: int = -1, decorators: tuple[Node, ...] = ()) -> Expr:
    """`class C {}` as a statement."""
    name = node.child_by_field_id(walk.fields.name)
    if name is None:
        return (DEFINITION, class_definition(walk, node, start=start, outer_decorators=decorators))
    target = walk.name(name)
    walk.bind(target, (DEFINITION, class_definition(walk, node, start=start, outer_decorators=decorators)))
    return target
