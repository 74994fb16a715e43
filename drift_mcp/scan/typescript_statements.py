"""Statements of the JavaScript family: declarations of variables, control flow, catch clauses and exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tree_sitter import Node

from drift_mcp.scan.constants import STRING
from drift_mcp.scan.facts import DEFINITION, ELEMENT, IMPORTED, INSTANCE, NAME, Expr, Handler
from drift_mcp.scan.typescript_declarations import enum, interface, namespace, type_alias
from drift_mcp.scan.typescript_definitions import (
    anonymous,
    declared_class,
    declared_function,
    function_signature,
    named,
    plain_record,
)
from drift_mcp.scan.typescript_scopes import (
    bind_pattern,
    block,
    bound_to_environment,
    declare,
    declare_pattern,
    set_alias,
)
from drift_mcp.scan.typescript_types import instance_of, member_name, reference
from drift_mcp.scan.typescript_values import nothing, scattered
from drift_mcp.scan.typescript_walk import MOST_VALUES, UNKNOWN, Frame, Walk

_LOGGERS: Final = ("console", "logger", "log", "winston", "pino", "debug", "Logger", "Sentry")


# -- variables


def declaration(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    for child in node.named_children:
        if child.type != "variable_declarator":
            if child.type != "comment":
                walk.visit(child)
            continue
        pattern, value = child.child_by_field_id(fields.name), child.child_by_field_id(fields.value)
        if pattern is None:
            continue
        declared = instance_of(walk, child.child_by_field_id(fields.type))
        if pattern.type == "identifier":
            _variable(walk, node, child, pattern, value, declared)
        elif value is not None:
            _taken_apart(walk, pattern, value, declared)
    return UNKNOWN


def _variable(
    walk: Walk, node: Node, declarator: Node, pattern: Node, value: Node | None, declared: Expr | None
) -> None:
    target = walk.name(pattern)
    if target[0] != NAME:  # in a place where the grammar does not expect a declaration
        target = walk.declare(walk.source[pattern.start_byte : pattern.end_byte])
    if value is None:
        if declared is not None:
            walk.bind(target, declared)
        return
    # A single declaration is the function's own statement: documentation and signature begin there.
    begin = node.start_byte if node.named_child_count == 1 else declarator.start_byte
    word = walk.word(pattern)
    constructed = (INSTANCE, target) if word[:1].isupper() else None  # `var View = function () { this.root = … }`
    found = named(walk, value, word, token=pattern, start=begin, this=constructed)
    # A function written out says more than the function type that it is declared to have.
    if declared is not None and found[0] != DEFINITION:
        walk.bind(target, declared)
    walk.bind(target, found)
    if found[0] == IMPORTED and value.type != "await_expression":
        set_alias(walk, found[1], word)
    bound_to_environment(walk, target, found)


def _taken_apart(walk: Walk, pattern: Node, value: Node, declared: Expr | None) -> None:
    found = walk.visit(value)
    if found[0] == IMPORTED and pattern.type == "object_pattern" and walk.imports[found[1]].name == "=":
        _required_names(walk, pattern, found)
        return
    bind_pattern(walk, pattern, declared if declared is not None and found[0] != IMPORTED else found)


def _required_names(walk: Walk, pattern: Node, whole: Expr) -> None:
    """`const { a, b: c } = require('x')` imports the names one by one."""
    fields = walk.fields
    entry = walk.imports[whole[1]]
    first = True
    for child in pattern.named_children:
        default: Node | None = None
        if child.type == "object_assignment_pattern":
            name_node = target = child.child_by_field_id(fields.left)
            default = child.child_by_field_id(fields.right)
        elif child.type == "shorthand_property_identifier_pattern":
            name_node = target = child
        else:
            name_node, target = child.child_by_field_id(fields.key), child.child_by_field_id(fields.value)
        plain = target is not None and target.type in ("identifier", "shorthand_property_identifier_pattern")
        if name_node is None or target is None or not plain:
            if child.type != "comment":
                _part_of_import(walk, child, whole)
            continue
        name, alias = member_name(walk, name_node), walk.word(target)
        if first:  # the row of the require itself becomes the first name's
            walk.imports[whole[1]] = entry._replace(name=name, alias=alias)
            value = whole
            first = False
        else:
            value = walk.imported(entry.module, name, alias, entry.line, 0)
        walk.bind(walk.name(target), value)
        if default is not None:
            walk.bind(walk.name(target), walk.visit(default))


def _part_of_import(walk: Walk, child: Node, whole: Expr) -> None:
    """A part of the destructured module that is itself taken apart, or that takes the rest."""
    fields = walk.fields
    key, target = child.child_by_field_id(fields.key), child.child_by_field_id(fields.value)
    entry = walk.imports[whole[1]]
    again = walk.imported(entry.module, "=", "", entry.line, 0)
    if key is not None and target is not None:
        bind_pattern(walk, target, walk.attribute(again, member_name(walk, key)))
    else:
        bind_pattern(walk, child, again)


# -- control flow


def if_statement(walk: Walk, node: Node) -> Expr:
    """`else if` nests without bound: a loop."""
    fields = walk.fields
    current: Node | None = node
    while current is not None:
        walk.draft.complexity += 1
        for field in (fields.condition, fields.consequence):
            part = current.child_by_field_id(field)
            if part is not None:
                walk.visit(part)
        otherwise = current.child_by_field_id(fields.alternative)
        current = None
        for child in otherwise.named_children if otherwise is not None else ():
            if child.type == "if_statement":
                current = child
            elif child.type != "comment":
                walk.visit(child)
    return UNKNOWN


def loop(walk: Walk, node: Node) -> Expr:
    walk.draft.complexity += 1
    return scattered(walk, node)


def for_statement(walk: Walk, node: Node) -> Expr:
    walk.draft.complexity += 1
    before: Frame | None = None
    initializer = node.child_by_field_id(walk.fields.initializer)
    if initializer is not None and initializer.type == "lexical_declaration":
        before = walk.enter("block", walk.draft.number)
        declare(walk, (initializer,), of_function=False)
    scattered(walk, node)
    if before is not None:
        walk.leave(before)
    return UNKNOWN


def for_in(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    walk.draft.complexity += 1
    left, right = node.child_by_field_id(fields.left), node.child_by_field_id(fields.right)
    kind, operator = node.child_by_field_id(fields.kind), node.child_by_field_id(fields.operator)
    iterable = UNKNOWN if right is None else walk.visit(right)
    before: Frame | None = None
    if kind is not None and kind.type != "var" and left is not None:
        before = walk.enter("block", walk.draft.number)
        declare_pattern(walk, left)
    if left is not None:
        if operator is not None and operator.type == "in":
            bind_pattern(walk, left, STRING)
        else:
            bind_pattern(walk, left, UNKNOWN if iterable is UNKNOWN else (ELEMENT, iterable))
    content = node.child_by_field_id(fields.body)
    if content is not None:
        walk.visit(content)
    if before is not None:
        walk.leave(before)
    return UNKNOWN


def switch(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    value, content = node.child_by_field_id(fields.value), node.child_by_field_id(fields.body)
    if value is not None:
        walk.visit(value)
    if content is None:
        return UNKNOWN
    statements: list[Node] = []
    for case in content.named_children:
        if case.type == "switch_case":
            walk.draft.complexity += 1
        statements.extend(case.named_children)
    # All cases share one block.
    before = walk.enter("block", walk.draft.number)
    declare(walk, statements, of_function=False)
    for statement in statements:
        walk.visit(statement)
    walk.leave(before)
    return UNKNOWN


def catch(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    walk.draft.complexity += 1
    parameter, content = node.child_by_field_id(fields.parameter), node.child_by_field_id(fields.body)
    before: Frame | None = None
    if parameter is not None:
        before = walk.enter("block", walk.draft.number)
        declare_pattern(walk, parameter)
        bind_pattern(walk, parameter, UNKNOWN)
    row, column = node.start_point
    walk.handlers_found.append(Handler(walk.draft.number, row + 1, column, (), _does(walk, content)))
    if content is not None:
        walk.visit(content)
    if before is not None:
        walk.leave(before)
    return UNKNOWN


def _does(walk: Walk, content: Node | None) -> str:
    """What a catch clause does with the error, by its own statements."""
    statements = [child for child in content.named_children if child.type != "comment"] if content is not None else []
    if not statements:
        return "nothing"
    kinds = {statement.type for statement in statements}
    if "throw_statement" in kinds or any(_throws(statement) for statement in statements):
        return "raises"
    if "return_statement" in kinds:
        return "returns"
    return "logs" if all(_logs(walk, statement) for statement in statements) else "handles"


def _throws(statement: Node) -> bool:
    """`if (…) throw …`, `else { throw … }`, but not in a function inside."""
    pending = [statement] if statement.type in ("if_statement", "statement_block") else []
    while pending:
        node = pending.pop()
        if node.type == "throw_statement":
            return True
        if node.type in (
            "if_statement",
            "else_clause",
            "statement_block",
            "switch_statement",
            "switch_body",
            "switch_case",
        ):
            pending.extend(node.named_children)
    return False


def _logs(walk: Walk, statement: Node) -> bool:
    if statement.type != "expression_statement" or not statement.named_children:
        return False
    call = statement.named_children[0]
    if call.type != "call_expression":
        return False
    callee = call.child_by_field_id(walk.fields.function)
    if callee is None:
        return False
    text = walk.source[callee.start_byte : callee.start_byte + 80].decode("utf-8", "replace").split("(", 1)[0]
    return any(part.lstrip("_") in _LOGGERS for part in text.replace("?", "").split("."))


def return_statement(walk: Walk, node: Node) -> Expr:
    children = [child for child in node.named_children if child.type != "comment"]
    if children:
        found = walk.visit(children[0])
        returned = walk.draft.returned
        if found is not UNKNOWN and len(returned) < MOST_VALUES and found not in returned:
            returned.append(found)
    return UNKNOWN


def import_alias(walk: Walk, node: Node) -> Expr:
    """`import x = A.B`."""
    children = node.named_children
    if len(children) == 2:
        walk.bind(walk.name(children[0]), reference(walk, children[1]))
    return UNKNOWN


def ambient(walk: Walk, node: Node) -> Expr:
    """`declare …`"""
    for child in node.named_children:
        if child.type == "statement_block":  # declare global
            for inner in child.named_children:
                walk.visit(inner)
        else:
            walk.visit(child)
    return UNKNOWN


# -- exports


def export(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    source = node.child_by_field_id(fields.source)
    if source is not None:
        _export_from(walk, node, member_name(walk, source))
        return UNKNOWN
    default = any(child.type == "default" for child in node.children)
    declared = node.child_by_field_id(fields.declaration)
    value = node.child_by_field_id(fields.value)
    decorators = tuple(child for child in node.children if child.type == "decorator")
    if declared is not None:
        _export_declaration(walk, node, declared, default, decorators)
    elif value is not None:
        walk.exports["default"] = named(walk, value, "default", start=node.start_byte)
    else:
        assigned = any(child.type == "=" for child in node.children)
        for child in node.named_children:
            if child.type == "export_clause":
                for name, alias in _specifiers(walk, child):
                    walk.exports[member_name(walk, alias)] = walk.name(name)
            elif assigned and child.type != "comment":
                walk.exports["="] = named(walk, child, "exports")
    return UNKNOWN


def _specifiers(walk: Walk, clause: Node) -> list[tuple[Node, Node]]:
    found: list[tuple[Node, Node]] = []
    for specifier in clause.named_children:
        name = specifier.child_by_field_id(walk.fields.name) if specifier.type == "export_specifier" else None
        if name is not None:
            found.append((name, specifier.child_by_field_id(walk.fields.alias) or name))
    return found


def _export_from(walk: Walk, node: Node, module: str) -> None:
    line = node.start_point[0] + 1
    type_only = int(any(child.type == "type" for child in node.children))
    for child in node.named_children:
        if child.type == "export_clause":
            for name, alias in _specifiers(walk, child):
                walk.exports[member_name(walk, alias)] = walk.imported(
                    module, member_name(walk, name), "", name.start_point[0] + 1, type_only
                )
            return
        if child.type == "namespace_export":
            if child.named_children:
                walk.exports[member_name(walk, child.named_children[0])] = walk.imported(
                    module, "*", "", line, type_only
                )
            return
    walk.imported(module, "*", "", line, type_only)
    walk.reexports.append(len(walk.imports) - 1)


def _export_declaration(walk: Walk, node: Node, declared: Node, default: bool, decorators: tuple[Node, ...]) -> None:
    kind = declared.type
    start = decorators[0].start_byte if decorators else node.start_byte
    start = min(start, node.start_byte)
    if kind in ("class_declaration", "abstract_class_declaration"):
        value = declared_class(walk, declared, start, decorators)
    elif kind in ("function_declaration", "generator_function_declaration"):
        value = declared_function(walk, declared, start)
    else:
        value = walk.visit(declared)
    if default:
        if value[0] == DEFINITION and walk.definitions[value[1]].name in ("<function>", "<class>"):
            draft = walk.definitions[value[1]]
            draft.name = draft.qualified_name = "default"
            draft.kind = "function" if draft.kind == "lambda" else draft.kind
        if value is UNKNOWN and kind == "function_signature":
            name = declared.child_by_field_id(walk.fields.name)
            value = walk.name(name) if name is not None else UNKNOWN
        walk.exports["default"] = value
        return
    if walk.draft.number:  # of a namespace: its members are its exports
        return
    for exported, target in _declared_names(walk, declared):
        walk.exports[exported] = target


def _declared_names(walk: Walk, declared: Node) -> list[tuple[str, Expr]]:
    """What a declaration declared, by looking at its names again: they are bound by now."""
    fields = walk.fields
    pending = [declared]
    found: list[tuple[str, Expr]] = []
    while pending:
        node = pending.pop()
        kind = node.type
        if kind in ("lexical_declaration", "variable_declaration", "using_declaration", "ambient_declaration"):
            pending.extend(reversed(node.named_children))
        elif kind in ("identifier", "shorthand_property_identifier_pattern"):
            found.append((walk.word(node), walk.name(node)))
        elif kind in ("object_pattern", "array_pattern", "rest_pattern"):
            pending.extend(reversed(node.named_children))
        elif kind in ("assignment_pattern", "object_assignment_pattern"):
            left = node.child_by_field_id(fields.left)
            pending.extend([left] if left is not None else [])
        elif kind == "pair_pattern":
            value = node.child_by_field_id(fields.value)
            pending.extend([value] if value is not None else [])
        elif kind == "import_alias":
            pending.extend(node.named_children[:1])
        else:
            name = node.child_by_field_id(fields.name)
            if name is None or name.type == "string":
                continue
            if name.type in ("object_pattern", "array_pattern"):
                pending.append(name)
            else:
                first = walk.word(name).split(".")[0]
                found.append((first, walk.lookup(first.encode("utf-8", "replace"))))
    return found


STATEMENTS: Final[dict[str, Callable[[Walk, Node], Expr]]] = {
    "lexical_declaration": declaration,
    "variable_declaration": declaration,
    "using_declaration": declaration,
    "statement_block": block,
    "if_statement": if_statement,
    "while_statement": loop,
    "do_statement": loop,
    "for_statement": for_statement,
    "for_in_statement": for_in,
    "switch_statement": switch,
    "catch_clause": catch,
    "return_statement": return_statement,
    "function_declaration": declared_function,
    "generator_function_declaration": declared_function,
    "function_signature": function_signature,
    "class_declaration": declared_class,
    "abstract_class_declaration": declared_class,
    "interface_declaration": interface,
    "enum_declaration": enum,
    "type_alias_declaration": type_alias,
    "internal_module": namespace,
    "module": namespace,
    "ambient_declaration": ambient,
    "import_statement": nothing,  # read when its scope was entered
    "import_alias": import_alias,
    "export_statement": export,
    "arrow_function": anonymous,
    "function_expression": anonymous,
    "generator_function": anonymous,
    "class": anonymous,
    "object": plain_record,
    **dict.fromkeys(
        (
            "accessibility_modifier",
            "break_statement",
            "comment",
            "continue_statement",
            "debugger_statement",
            "empty_statement",
            "escape_sequence",
            "hash_bang_line",
            "html_character_reference",
            "html_comment",
            "jsx_closing_element",
            "jsx_text",
            "optional_chain",
            "override_modifier",
            "predefined_type",
            "private_property_identifier",
            "property_identifier",
            "regex_flags",
            "regex_pattern",
            "statement_identifier",
            "string_fragment",
            "type_annotation",
            "type_arguments",
            "type_identifier",
            "type_parameters",
        ),
        nothing,
    ),
}
