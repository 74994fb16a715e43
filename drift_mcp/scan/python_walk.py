"""The walk over one Python syntax tree: where it stands, what names mean there, and the rows it has collected.

The walk goes down by recursion, as the source nests, but never deeper than DEEPEST: what lies below is put off and
walked later from where it stands, so that no source exhausts the stack and no call is lost. Nothing here decides what a
node means; the handlers of the other modules do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tree_sitter import Node, Parser

from drift_mcp.scan import python_grammar as G
from drift_mcp.scan.facts import (
    ATTR,
    DEFINITION,
    FREE,
    NAME,
    UNION,
    Decorator,
    EnvRead,
    Expr,
    Handler,
    Import,
    Parameter,
)

# Handlers inside handlers. Each level takes one or two of the interpreter's 1,000 frames, of which callers and test
# runners need up to 200; code written by people stays below 60.
DEEPEST: Final = 150
# More values than this for one name or one return add nothing that the resolver would follow.
MOST_VALUES: Final = 12
# A literal list or table that somebody wrote to be dispatched on (routes, handlers, choices) is shorter; longer ones
# are data.
MOST_ELEMENTS: Final = 500

UNKNOWN: Final[Expr] = (UNION, ())

Handle: TypeAlias = "Callable[[Walk, Node, int], Expr]"
Row: TypeAlias = tuple[Any, ...]

IN_MODULE: Final = 0
IN_CLASS: Final = 1
IN_FUNCTION: Final = 2
IN_COMPREHENSION: Final = 3
IN_TYPE_PARAMETERS: Final = 4
_SCOPE_KINDS: Final = ("module", "class", "function", "function", "function")


class Draft:
    """A definition while its source is being walked."""

    __slots__ = (
        "bases", "column", "complexity", "decorators", "end_line", "flags", "keywords", "kind", "line", "name",
        "name_line", "number", "ordinal", "owner", "parameters", "parent", "qualified_name", "returned", "returns",
        "returns_text", "scope", "signature", "type_parameters", "visibility", "yielded",
    )  # fmt: skip

    def __init__(self, number: int, name: str, qualified_name: str, kind: str, parent: int) -> None:
        self.number = number
        self.name = name
        self.qualified_name = qualified_name
        self.ordinal = 0
        self.kind = kind
        self.parent = parent
        self.scope = 0
        self.line = self.end_line = self.name_line = 1
        self.column = 0
        self.flags = 0
        self.visibility = "public"
        self.complexity = 1
        self.signature = ""
        self.parameters: tuple[Parameter, ...] = ()
        self.returns: Expr | None = None
        self.returns_text = ""
        self.returned: list[Expr] = []
        self.yielded: list[Expr] = []
        self.decorators: list[Decorator] = []
        self.bases: tuple[Expr, ...] = ()
        self.keywords: tuple[tuple[str, Expr], ...] = ()
        self.type_parameters: tuple[str, ...] = ()
        self.owner = -1  # the class that `super()` is about


class Frame:
    """The names of one scope, by their bytes in the source; those of outer frames too, once they were asked for."""

    __slots__ = ("kind", "names", "outer", "scope")

    def __init__(self, outer: Frame | None, scope: int, kind: int) -> None:
        self.outer = outer
        self.scope = scope
        self.kind = kind
        self.names: dict[bytes, Expr] = {}


class Walk:
    """One file on its way to facts. Used once, by one thread."""

    __slots__ = (
        "accesses", "attributes", "calls", "definitions", "draft", "env", "env_reads", "frame", "handle",
        "handlers_found", "imports", "later", "literals", "names", "number", "ordinals", "parser", "receivers",
        "records", "reexports", "scopes", "signature", "source", "type_only", "words",
    )  # fmt: skip

    def __init__(self, name: str, source: bytes, parser: Parser, handle: list[Handle]) -> None:
        self.source = source
        self.parser = parser
        self.handle = handle  # by kind number of the grammar
        self.later: list[tuple[Node, Draft, Frame, int]] = []
        self.words: dict[bytes, str] = {}
        self.literals: dict[bytes, Expr] = {}  # string literals by their source
        # (identity of the object's expression, name) → the one ATTR of that: equal expressions are one.
        self.attributes: dict[tuple[int, str], Expr] = {}
        self.receivers: dict[int, Expr] = {}  # identity of a NAME that only ever is the receiver → SELF

        self.definitions: list[Draft] = []
        self.ordinals: dict[str, int] = {}
        self.scopes: list[tuple[str, int, int, dict[str, list[Expr]]]] = []
        self.imports: list[Import] = []
        self.reexports: list[int] = []
        self.calls: list[Row] = []
        self.accesses: list[Row] = []
        self.handlers_found: list[Handler] = []
        self.env_reads: list[EnvRead] = []
        self.records = 0
        self.signature = 0  # SIGNATURE while default values and annotations of parameters are walked
        self.type_only = 0  # 1 below `if TYPE_CHECKING`
        self.env = b"env" in source or b"config(" in source  # whether an environment variable can be read here at all

        self.draft = Draft(0, name, name, "module", -1)
        self.definitions.append(self.draft)
        self.number = 0  # of the current definition
        self.scopes.append(("module", -1, 0, {}))
        self.frame = Frame(None, 0, IN_MODULE)
        self.names = self.frame.names

    # -- going down

    def put_off(self, node: Node) -> Expr:
        """Handles the node when everything above it is done, as if here; its value is unknown to what stands above."""
        self.later.append((node, self.draft, self.frame, self.signature))
        return UNKNOWN

    def finish(self) -> None:
        """Walks what was put off."""
        while self.later:
            node, self.draft, self.frame, self.signature = self.later.pop()
            self.number = self.draft.number
            self.names = self.frame.names
            self.handle[node.kind_id](self, node, 0)

    # -- text

    def word(self, raw: bytes) -> str:
        """A name's text; every distinct one is decoded once."""
        known = self.words.get(raw)
        if known is None:
            known = self.words[raw] = sys.intern(raw.decode("utf-8", "replace"))
        return known

    def raw(self, node: Node) -> bytes:
        return self.source[node.start_byte : node.end_byte]

    # -- definitions and scopes

    def define(self, name: str, kind: str) -> Draft:
        """A new definition below the current one."""
        above = self.draft
        qualified = name if above.number == 0 else f"{above.qualified_name}.{name}"
        draft = Draft(len(self.definitions), name, qualified, kind, above.number)
        draft.ordinal = self.ordinals.get(qualified, 0)
        self.ordinals[qualified] = draft.ordinal + 1
        draft.owner = above.number if above.kind == "class" else above.owner
        self.definitions.append(draft)
        return draft

    def enter(self, kind: int, definition: int) -> Frame:
        """Opens a scope with a frame for its names; gives the frame to go back to."""
        before = self.frame
        # What stands inside a class does not see the class's names, except between the brackets of type parameters.
        visible: Frame | None = before
        if before.kind == IN_CLASS:
            visible = before.outer
        elif before.kind == IN_TYPE_PARAMETERS and before.outer is not None and before.outer.kind == IN_CLASS:
            visible = Frame(before.outer.outer, before.scope, IN_TYPE_PARAMETERS)
            visible.names = {raw: known for raw, known in before.names.items() if known[0] == FREE}
        self.scopes.append((_SCOPE_KINDS[kind], before.scope, definition, {}))
        self.frame = Frame(visible, len(self.scopes) - 1, kind)
        self.names = self.frame.names
        return before

    def leave(self, before: Frame) -> None:
        self.frame = before
        self.names = before.names

    # -- names

    def declare(self, raw: bytes) -> Expr:
        """Makes the name one of the current scope; gives the expression for it."""
        scope = self.frame.scope
        name = self.word(raw)
        expression = (NAME, scope, name)
        self.names[raw] = expression
        self.scopes[scope][3].setdefault(name, [])
        return expression

    def lookup(self, raw: bytes) -> Expr:
        """What an identifier means here."""
        frame: Frame | None = self.frame
        found: Expr | None = None
        while frame is not None:
            found = frame.names.get(raw)
            if found is not None:
                break
            frame = frame.outer
        if found is None:
            found = (FREE, self.word(raw))
            outermost = self.frame
            while outermost.outer is not None:
                outermost = outermost.outer
            outermost.names[raw] = found
        self.names[raw] = found
        return found

    def bind(self, raw: bytes, *values: Expr) -> None:
        """Gives a name of the current scope these values besides those that it has."""
        known = self.names.get(raw)
        # A class body runs from top to bottom: until here the name meant what stands outside. Elsewhere names are
        # declared before the body is walked, and one that is not stands inside a part that could not be parsed.
        if known is None or (self.frame.kind == IN_CLASS and (known[0] != NAME or known[1] != self.frame.scope)):
            known = self.declare(raw)
        if known[0] == NAME:
            bound = self.scopes[known[1]][3][known[2]]
            for value in values:
                if value is not UNKNOWN and len(bound) < MOST_VALUES and value not in bound:
                    bound.append(value)
                elif value[0] == DEFINITION and value not in bound:
                    bound[-1] = value  # a function stands behind its overloads, however many there are

    def add_values(self, name: Expr, values: tuple[Expr, ...]) -> None:
        bound = self.scopes[name[1]][3].setdefault(name[2], [])
        for value in values:
            if len(bound) < MOST_VALUES and value is not UNKNOWN and value not in bound:
                bound.append(value)

    # -- expressions

    def attribute(self, owner: Expr, name: str) -> Expr:
        key = (id(owner), name)
        known = self.attributes.get(key)
        if known is None:
            known = self.attributes[key] = (ATTR, owner, name)
        return known


def named(node: Node) -> list[Node]:
    """The children that stand for something."""
    return [child for child in node.named_children if child.kind_id != G.COMMENT]


def union(values: list[Expr]) -> Expr:
    """One of these: flat, without repetition and without what says nothing."""
    found: dict[Expr, None] = {}
    for value in values:
        if value[0] == UNION:
            found.update(dict.fromkeys(value[1]))
        else:
            found[value] = None
    if len(found) == 1:
        return next(iter(found))
    return (UNION, tuple(found)[:MOST_VALUES]) if found else UNKNOWN
