"""Interfaces, enums, type aliases and namespaces: what is declared and has no code of its own."""

from __future__ import annotations

from typing import Final

from tree_sitter import Node

from drift_mcp.scan.facts import ALIAS, DECLARATION, DEFINITION, ENUM, EXPORTED, FREE, INTERFACE, LITERAL, SELF, Expr
from drift_mcp.scan.typescript_definitions import bind_member, define, method, open_type_parameters
from drift_mcp.scan.typescript_scopes import body
from drift_mcp.scan.typescript_types import enter_bare_type_parameters, instance_of, member_name, type_of
from drift_mcp.scan.typescript_walk import UNKNOWN, Draft, Frame, Walk

_LONGEST_SIGNATURE: Final = 300


def _class_like(walk: Walk, node: Node, name: Node, flags: int) -> Draft:
    draft = define(walk, node, member_name(walk, name), "", "class", name, node.start_byte)
    draft.flags |= flags
    content = node.child_by_field_id(walk.fields.body)
    end = content.start_byte if content is not None else node.end_byte
    draft.signature = walk.line_of_text(node.start_byte, end, _LONGEST_SIGNATURE)
    return draft


def interface(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    name = node.child_by_field_id(fields.name)
    if name is None:
        return UNKNOWN
    target = walk.name(name)
    draft = _class_like(walk, node, name, INTERFACE)
    walk.bind(target, (DEFINITION, draft.number))
    outside = open_type_parameters(walk, node, draft)
    for child in node.named_children:
        if child.type == "extends_type_clause":
            draft.bases.extend(type_of(walk, each) for each in child.named_children if each.type != "comment")
    outer, outer_this = walk.draft, walk.this
    walk.draft, walk.this = draft, (SELF, draft.number, 0)
    before = walk.enter("class", draft.number)
    draft.scope = walk.frame.scope
    draft.owner = draft.number
    content = node.child_by_field_id(fields.body)
    for child in content.named_children if content is not None else ():
        member = child.child_by_field_id(fields.name)
        if member is None:
            continue
        if child.type == "method_signature":
            method(walk, child, member, ())
        elif child.type == "property_signature":
            word = member_name(walk, member)
            walk.scopes[draft.scope][3].setdefault(word, [])
            declared = instance_of(walk, child.child_by_field_id(fields.type))
            if declared is not None:
                bind_member(walk, draft, word, declared)
    walk.leave(before)
    walk.leave(outside)
    walk.draft, walk.this = outer, outer_this
    return target


def enum(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    name = node.child_by_field_id(fields.name)
    if name is None:
        return UNKNOWN
    target = walk.name(name)
    draft = _class_like(walk, node, name, ENUM)
    walk.bind(target, (DEFINITION, draft.number))
    outer = walk.draft
    walk.draft = draft
    before = walk.enter("class", draft.number)
    draft.scope = walk.frame.scope
    content = node.child_by_field_id(fields.body)
    for child in content.named_children if content is not None else ():
        if child.type == "enum_assignment":
            member, value = child.child_by_field_id(fields.name), child.child_by_field_id(fields.value)
            if member is not None:
                bind_member(walk, draft, member_name(walk, member), walk.visit(value) if value is not None else UNKNOWN)
        elif child.type != "comment":
            bind_member(walk, draft, member_name(walk, child), (LITERAL, "int"))
    walk.leave(before)
    walk.draft = outer
    return target


def type_alias(walk: Walk, node: Node) -> Expr:
    fields = walk.fields
    name, value = node.child_by_field_id(fields.name), node.child_by_field_id(fields.value)
    if name is None:
        return UNKNOWN
    target = walk.name(name)
    before = walk.enter_frame()
    enter_bare_type_parameters(walk, node.child_by_field_id(fields.type_parameters))
    found = type_of(walk, value)
    walk.leave(before)
    walk.bind(target, (ALIAS, found))
    return target


def namespace(walk: Walk, node: Node) -> Expr:
    """`namespace A.B {}` and `declare module 'x' {}`: reached by their name like the members of a class."""
    fields = walk.fields
    name, content = node.child_by_field_id(fields.name), node.child_by_field_id(fields.body)
    if name is None:
        return UNKNOWN
    quoted = name.type == "string"
    words = [member_name(walk, name)] if quoted else walk.word(name).replace(" ", "").split(".")
    outer, outer_this = walk.draft, walk.this
    frames: list[Frame] = []
    target: Expr | None = None
    for word in words:
        draft = define(walk, node, word, "", "class", name, node.start_byte)
        draft.flags |= EXPORTED | (DECLARATION if quoted else 0)
        draft.signature = walk.line_of_text(node.start_byte, name.end_byte, _LONGEST_SIGNATURE)
        value: Expr = (DEFINITION, draft.number)
        if target is None:
            target = walk.lookup(word.encode()) if not quoted else value
            walk.bind(target, value)
        else:
            bind_member(walk, walk.draft, word, value)
        frames.append(walk.enter("class", draft.number))
        draft.scope = walk.frame.scope
        walk.draft, walk.this = draft, (FREE, "this")
    if content is not None:
        body(walk, content)
    walk.leave(frames[0])
    walk.draft, walk.this = outer, outer_this
    return target if target is not None else UNKNOWN
