"""What declarations, imports and patterns bind, and in which scope: hoisting, blocks, destructuring. Sees no calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tree_sitter import Node

from drift_mcp.scan.facts import ATTR, FREE, ITEM, LOAD, NAME, STORE, UNPACKED, EnvRead, Expr, Import
from drift_mcp.scan.secrets import redact_default
from drift_mcp.scan.typescript_text import unescaped
from drift_mcp.scan.typescript_types import member_name
from drift_mcp.scan.typescript_walk import DEEPEST, UNKNOWN, Frame, Walk

PROCESS_ENV: Final[Expr] = (ATTR, (FREE, "process"), "env")
META_ENV: Final[Expr] = (ATTR, (FREE, "import.meta"), "env")
# A default longer than this is no value of a variable.
_LONGEST_DEFAULT: Final = 200

# What a node kind is for the search for declarations.
_NAMED: Final = 1  # has a `name` that it declares where it stands
_LEXICAL: Final = 2  # let, const
_VAR: Final = 3
_IMPORT: Final = 4
_WRAPPER: Final = 5  # export, declare, and what the parser could not put together: the declaration stands inside
_IMPORT_ALIAS: Final = 6
_NESTING: Final = 7  # a statement in which a `var` of the function may stand
_NAMESPACE: Final = 8

DECLARING: Final = {
    "function_declaration": _NAMED,
    "generator_function_declaration": _NAMED,
    "function_signature": _NAMED,
    "class_declaration": _NAMED,
    "abstract_class_declaration": _NAMED,
    "interface_declaration": _NAMED,
    "enum_declaration": _NAMED,
    "type_alias_declaration": _NAMED,
    "lexical_declaration": _LEXICAL,
    "using_declaration": _LEXICAL,
    "variable_declaration": _VAR,
    "import_statement": _IMPORT,
    "import_alias": _IMPORT_ALIAS,
    "export_statement": _WRAPPER,
    "ambient_declaration": _WRAPPER,
    "ERROR": _WRAPPER,
    "expression_statement": _WRAPPER,  # only for `namespace N {}`, which the grammar takes for an expression
    "internal_module": _NAMESPACE,
    "module": _NAMESPACE,
    **dict.fromkeys(
        (
            "statement_block",
            "if_statement",
            "else_clause",
            "for_statement",
            "for_in_statement",
            "while_statement",
            "do_statement",
            "try_statement",
            "catch_clause",
            "finally_clause",
            "switch_statement",
            "switch_body",
            "switch_case",
            "switch_default",
            "labeled_statement",
            "with_statement",
        ),
        _NESTING,
    ),
}


def declare(walk: Walk, children: Iterable[Node], *, of_function: bool) -> None:
    """Makes known what these statements declare. A `var` belongs to the function, in whatever block it stands."""
    codes, fields = walk.codes, walk.fields
    pending = list(children)[::-1]
    nested: list[Node] = []
    while pending:
        node = pending.pop()
        code = codes[node.kind_id]
        if not code:
            continue
        if code == _LEXICAL or (code == _VAR and of_function):
            for declarator in node.named_children:
                name = declarator.child_by_field_id(fields.name) if declarator.type == "variable_declarator" else None
                if name is not None:
                    declare_pattern(walk, name)
        elif code == _NAMED:
            name = node.child_by_field_id(fields.name)
            if name is not None:
                walk.declare(walk.source[name.start_byte : name.end_byte])
        elif code == _WRAPPER:
            if node.type == "expression_statement":
                child = node.named_children[0] if node.named_children else None
                if child is not None and child.type == "internal_module":
                    pending.append(child)
            elif node.type == "export_statement":
                declaration = node.child_by_field_id(fields.declaration)
                if declaration is not None:
                    pending.append(declaration)
            else:
                for child in reversed(node.named_children):
                    # `declare global { … }` declares what stands in its block.
                    pending.extend(reversed(child.named_children) if child.type == "statement_block" else (child,))
        elif code == _NAMESPACE:
            name = node.child_by_field_id(fields.name)
            if name is not None and name.type != "string":
                walk.declare(walk.source[name.start_byte : name.end_byte].split(b".")[0].strip())
        elif code == _IMPORT:
            _import(walk, node)
        elif code == _IMPORT_ALIAS:
            if node.named_children:
                first = node.named_children[0]
                walk.declare(walk.source[first.start_byte : first.end_byte])
        elif code == _NESTING and of_function and walk.var:
            nested.append(node)
    while nested:
        node = nested.pop()
        code = codes[node.kind_id]
        if code == _VAR:
            declare(walk, (node,), of_function=True)
        elif code == _NESTING:
            if node.type == "for_in_statement":
                kind, left = node.child_by_field_id(fields.kind), node.child_by_field_id(fields.left)
                if kind is not None and left is not None and kind.type == "var":
                    declare_pattern(walk, left)
            nested.extend(node.named_children)


def declare_pattern(walk: Walk, pattern: Node) -> None:
    """Makes known every name that a pattern binds."""
    if pattern.type == "identifier":
        walk.declare(walk.source[pattern.start_byte : pattern.end_byte])
        return
    pending = [pattern]
    fields = walk.fields
    while pending:
        node = pending.pop()
        kind = node.type
        if kind in ("identifier", "shorthand_property_identifier_pattern"):
            walk.declare(walk.source[node.start_byte : node.end_byte])
        elif kind in ("object_pattern", "array_pattern", "rest_pattern"):
            pending.extend(reversed(node.named_children))
        else:
            inner = (
                node.child_by_field_id(fields.value)
                if kind == "pair_pattern"
                else node.child_by_field_id(fields.left)
                if kind in ("assignment_pattern", "object_assignment_pattern")
                else None
            )
            if inner is not None:
                pending.append(inner)


# -- imports


def _import(walk: Walk, node: Node) -> None:
    fields = walk.fields
    line = node.start_point[0] + 1
    clauses = node.named_children
    type_only = int(any(child.type == "type" for child in node.children))
    source = node.child_by_field_id(fields.source)
    clause = next((child for child in clauses if child.type in ("import_clause", "import_require_clause")), None)
    if clause is not None and clause.type == "import_require_clause":
        source = clause.child_by_field_id(fields.source)
        if source is not None and clause.named_children:
            name = clause.named_children[0]
            _bind_import(walk, name, member_name(walk, source), "=", line, type_only)
        return
    if source is None:
        return
    module = member_name(walk, source)
    if clause is None:
        walk.imported(module, None, "", line, 0)
        return
    for child in clause.named_children:
        kind = child.type
        if kind == "identifier":
            _bind_import(walk, child, module, "default", line, type_only)
        elif kind == "namespace_import" and child.named_children:
            _bind_import(walk, child.named_children[0], module, "*", line, type_only)
        elif kind == "named_imports":
            for specifier in child.named_children:
                given = specifier.child_by_field_id(fields.name) if specifier.type == "import_specifier" else None
                if given is not None:
                    alias = specifier.child_by_field_id(fields.alias) or given
                    only = type_only or int(specifier.children[0].type == "type" and specifier.child_count > 1)
                    _bind_import(walk, alias, module, member_name(walk, given), specifier.start_point[0] + 1, only)


def _bind_import(walk: Walk, alias: Node, module: str, name: str, line: int, type_only: int) -> None:
    target = walk.declare(walk.source[alias.start_byte : alias.end_byte])
    walk.bind(target, walk.imported(module, name, walk.word(alias), line, type_only))


def set_alias(walk: Walk, number: int, alias: str) -> None:
    """The name under which a `require` is known, found when its declaration is read."""
    entry = walk.imports[number]
    if not entry.alias:
        walk.imports[number] = Import(entry.module, entry.name, alias, entry.line, entry.type_only)


# -- blocks


def block(walk: Walk, node: Node) -> Expr:
    """A block has a scope of its own when it declares something."""
    children = node.named_children
    before: Frame | None = None
    codes = walk.codes
    for child in children:
        code = codes[child.kind_id]
        if code and code != _NESTING and code != _VAR and child.type != "expression_statement":
            before = walk.enter("block", walk.draft.number)
            declare(walk, children, of_function=False)
            break
    visit = walk.visit
    for child in children:
        visit(child)
    if before is not None:
        walk.leave(before)
    return UNKNOWN


def body(walk: Walk, node: Node) -> Expr:
    """The statements of a function, module or namespace, in the scope that is already open."""
    children = node.named_children
    declare(walk, children, of_function=True)
    visit = walk.visit
    for child in children:
        visit(child)
    return UNKNOWN


# -- patterns


def bind_pattern(walk: Walk, pattern: Node, value: Expr) -> None:
    """Binds the names of a pattern to the parts of the value that it takes apart."""
    kind = pattern.type
    if kind in ("identifier", "shorthand_property_identifier_pattern"):
        walk.bind(walk.name(pattern), value)
        return
    if walk.depth >= DEEPEST:
        return
    walk.depth += 1
    if kind == "object_pattern":
        _bind_object(walk, pattern, value)
    elif kind == "array_pattern":
        _bind_array(walk, pattern, value)
    elif kind in ("assignment_pattern", "object_assignment_pattern"):
        left = pattern.child_by_field_id(walk.fields.left)
        right = pattern.child_by_field_id(walk.fields.right)
        default = walk.visit(right) if right is not None else UNKNOWN
        if left is not None:
            bind_pattern(walk, left, value)
            if left.type in ("identifier", "shorthand_property_identifier_pattern"):
                walk.bind(walk.name(left), default)
    elif kind == "rest_pattern":
        if pattern.named_children:
            bind_pattern(walk, pattern.named_children[0], value)
    elif kind == "member_expression":
        store(walk, pattern, value)
    elif kind in ("subscript_expression", "non_null_expression", "parenthesized_expression", "as_expression"):
        walk.visit(pattern)
    walk.depth -= 1


def store(walk: Walk, node: Node, value: Expr | None) -> Expr:
    """`object.name = value` as an access; gives the expression that is stored to."""
    fields = walk.fields
    owner_node, name_node = node.child_by_field_id(fields.object), node.child_by_field_id(fields.property)
    if owner_node is None or name_node is None:
        return UNKNOWN
    owner = walk.visit(owner_node)
    name = walk.word(name_node)
    row, column = name_node.start_point
    stored = None if value is None or value is UNKNOWN else value
    walk.accesses.append((walk.draft.number, owner, name, row + 1, column, STORE, stored))
    return walk.attribute(owner, name)


def _bind_object(walk: Walk, pattern: Node, value: Expr) -> None:
    fields = walk.fields
    environment = value in (PROCESS_ENV, META_ENV) or value in walk.env_names
    for child in pattern.named_children:
        kind = child.type
        name_node: Node | None
        target: Node | None
        if kind == "shorthand_property_identifier_pattern":
            name_node, target = child, child
        elif kind == "object_assignment_pattern":
            name_node, target = child.child_by_field_id(fields.left), child
        elif kind == "pair_pattern":
            name_node, target = child.child_by_field_id(fields.key), child.child_by_field_id(fields.value)
        else:
            if kind == "rest_pattern":
                bind_pattern(walk, child, value)
            continue
        if name_node is None or target is None:
            continue
        name = member_name(walk, name_node)
        if not name:
            if name_node.named_children:
                bind_pattern(walk, target, (ITEM, value, walk.visit(name_node.named_children[0])))
            continue
        row, column = name_node.start_point
        if environment:
            default = None
            holder = target if target.type in ("object_assignment_pattern", "assignment_pattern") else None
            right = holder.child_by_field_id(fields.right) if holder is not None else None
            if right is not None:
                default = redact_default(name, default_text(walk, right))
            source = "process.env" if value == PROCESS_ENV or value in walk.env_names else "import.meta.env"
            walk.env_reads.append(EnvRead(walk.draft.number, name, source, row + 1, column, 0, default))
        elif value is not UNKNOWN:
            walk.accesses.append((walk.draft.number, value, name, row + 1, column, LOAD, None))
        bind_pattern(walk, target, walk.attribute(value, name) if value is not UNKNOWN else UNKNOWN)


def default_text(walk: Walk, node: Node) -> str:
    """A default as written; of a string its text."""
    text = walk.line_of_text(node.start_byte, node.end_byte, _LONGEST_DEFAULT)
    return unescaped(text[1:-1]) if node.type == "string" else text


def _bind_array(walk: Walk, pattern: Node, value: Expr) -> None:
    position = 0
    for child in pattern.children:
        kind = child.type
        if kind == ",":
            position += 1
        elif kind == "rest_pattern":
            bind_pattern(walk, child, value)
        elif child.is_named and kind != "comment":
            bind_pattern(walk, child, UNKNOWN if value is UNKNOWN else (UNPACKED, value, position))


def bound_to_environment(walk: Walk, target: Expr, value: Expr) -> None:
    """Remembers `const env = process.env`."""
    if target[0] == NAME and value in (PROCESS_ENV, META_ENV):
        walk.env_names.add(target)
