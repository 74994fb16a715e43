"""Annotated Python sources: what each caret says must be what the facts say."""

from __future__ import annotations

from pathlib import Path

import pytest

from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Expr, FileFacts
from drift_mcp.scan.python import facts_of
from tests.scan.carets import Expectation, expectations

CORPUS = Path(__file__).parent.parent / "corpus" / "python"

FLAGS = {
    F.ASYNC: "async",
    F.STATIC: "static",
    F.CLASS_METHOD: "classmethod",
    F.PROPERTY: "property",
    F.SETTER: "setter",
    F.ABSTRACT: "abstract",
    F.CONSTRUCTOR: "constructor",
    F.INTERFACE: "interface",
    F.ENUM: "enum",
    F.DECLARATION: "declaration",
    F.EXPORTED: "exported",
    F.HAS_DOC: "documented",
}


def owner(facts: FileFacts, number: int) -> str:
    definition = facts.definitions[number]
    return "module" if definition.kind == "module" else definition.qualified_name


def shown(facts: FileFacts, e: Expr | None) -> str:
    """An expression in the words of the annotations."""
    if e is None:
        return "nothing"
    kind = e[0]

    def each(parts: tuple[Expr, ...], sign: str = ", ") -> str:
        return sign.join(shown(facts, part) for part in parts)

    if kind == F.NAME:
        return f"{e[2]}@{owner(facts, facts.scopes[e[1]].definition)}"
    if kind == F.FREE:
        return f"{e[1]}@nowhere"
    if kind == F.ATTR:
        of = shown(facts, e[1])
        return f"({of}).{e[2]}" if e[1][0] == F.INSTANCE else f"{of}.{e[2]}"
    if kind == F.CALL:
        return f"call {shown(facts, facts.calls[e[1]].callee)}"
    if kind == F.ITEM:
        return f"{shown(facts, e[1])}[{shown(facts, e[2])}]"
    if kind == F.TEXT:
        return repr(e[1])
    if kind == F.LITERAL:
        return f"<{e[1]}>"
    if kind == F.SEQUENCE:
        left, right = {"tuple": "()", "set": "{}", "list": "[]"}.get(e[1], ("[each ", "]"))
        return f"{left}{each(e[2])}{right}"
    if kind == F.RECORD:
        pairs = [f"**{shown(facts, v)}" if k is None else f"{shown(facts, k)}: {shown(facts, v)}" for k, v in e[2]]
        return f"{{{', '.join(pairs)}}}"
    if kind == F.DEFINITION:
        return f"def {facts.definitions[e[1]].qualified_name}"
    if kind == F.IMPORTED:
        entry = facts.imports[e[1]]
        return f"import {entry.module}" + (f":{entry.name}" if entry.name else "")
    if kind == F.UNION:
        return each(e[1], " | ") or "?"
    if kind == F.INSTANCE:
        inner = shown(facts, e[1])
        return f"a ({inner})" if e[1][0] == F.UNION else f"a {inner}"
    if kind == F.PARAMETER:
        return f"param {owner(facts, e[1])}#{e[2]}"
    if kind == F.SELF:
        return f"{'class' if e[2] else 'self'} of {owner(facts, e[1])}"
    if kind == F.SUPER:
        return f"super of {owner(facts, e[1])}"
    if kind == F.UNPACKED:
        return f"{shown(facts, e[1])}<{e[2]}>"
    if kind == F.JOINED:
        return f"joined({each(e[1])})"
    words = {F.ELEMENT: "each(%s)", F.ENTERED: "enter(%s)", F.AWAITED: "await %s", F.SPREAD: "*%s"}
    words |= {F.CAUGHT: "caught %s", F.ALIAS: "alias %s"}
    return words[kind] % shown(facts, e[1])


def scope_of(facts: FileFacts, expected: Expectation) -> list[int]:
    """The scopes that a name in that line may belong to, the innermost first."""
    around = [
        number
        for number, definition in enumerate(facts.definitions)
        if definition.line <= expected.line <= definition.end_line
    ]
    return [
        number
        for definition in sorted(around, key=lambda number: -facts.definitions[number].line)
        for number, scope in enumerate(facts.scopes)
        if scope.definition == definition
    ]


def said(facts: FileFacts, expected: Expectation) -> set[str]:
    """Everything that the facts say of that token, in the words of the annotations."""
    place = (expected.line, expected.column)
    found: set[str] = set()
    for definition in facts.definitions[1:]:
        if (definition.name_line, definition.column) == place:
            words = [FLAGS[flag] for flag in FLAGS if definition.flags & flag]
            if definition.visibility != "public":
                words.append(definition.visibility)
            ordinal = f"[{definition.ordinal}]" if definition.ordinal else ""
            found.add(" ".join([f"defines {definition.kind} {definition.qualified_name}{ordinal}", *sorted(words)]))
    for call in facts.calls:
        if (call.line, call.column) != place:
            continue
        callee = shown(facts, call.callee)
        if call.flags & F.DECORATOR:
            found.add(f"decorates {owner(facts, call.caller)} with {callee}")
        elif call.flags & F.RAISED:
            found.add(f"raises {callee}")
        else:
            verb = "awaits" if call.flags & F.AWAIT else "calls"
            signature = " signature" if call.flags & F.SIGNATURE else ""
            found |= {f"{verb} {callee}", f"{verb} {callee} by {owner(facts, call.caller)}{signature}"}
    for access in facts.accesses:
        if (access.line, access.column) == place:
            verb = ("reads", "writes", "deletes")[access.kind]
            value = "" if access.value is None else f" = {shown(facts, access.value)}"
            found.add(f"{verb} {shown(facts, access.target)}.{access.name}{value}")
    for scope in scope_of(facts, expected):
        bound = facts.scopes[scope].bindings.get(expected.token)
        if bound is not None:
            found.add("binds " + ", ".join(shown(facts, value) for value in bound))
            break
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.glob("*.py")))
def test_annotated_sources_hold_what_their_carets_say(name: str) -> None:
    source = (CORPUS / name).read_text()
    facts = facts_of(name, source.encode())
    wrong = []
    count = 0
    for expected in expectations(source):
        count += 1
        wanted = expected.text
        if wanted.startswith("defines "):
            kind, qualified, *flags = wanted.split(" ")[1:]
            wanted = " ".join(["defines", kind, qualified, *sorted(flags)])
        found = said(facts, expected)
        if wanted not in found:
            wrong.append(f"{name}:{expected.at}: {expected.token}: {wanted!r} is not among {sorted(found)}")
    assert not wrong, "\n".join(wrong)
    assert count > 10
