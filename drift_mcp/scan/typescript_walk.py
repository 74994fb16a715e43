"""The walk over one syntax tree of a script: where it stands, what names mean there, what it has collected.

The walk goes down by recursion, as the source nests, but never deeper than DEEPEST: what lies below is put off and
walked later from where it stands, so that no source exhausts the stack. Nothing here knows a node kind; the handlers
of the other modules do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias

from tree_sitter import Language, Node

from drift_mcp.scan.constants import given_to
from drift_mcp.scan.facts import (
    ATTR,
    CALL,
    FREE,
    IMPORTED,
    NAME,
    TEXT,
    UNION,
    Decorator,
    EnvRead,
    Expr,
    Handler,
    Import,
    Parameter,
)
from drift_mcp.scan.secrets import names_secret, redact_default
from drift_mcp.scan.typescript_text import without_secrets

# Handlers inside handlers. Each level takes up to four Python frames of the interpreter's 1,000; code written by
# people stays below 60.
DEEPEST: Final = 100
# Function bodies are put off earlier: their values are not needed where they stand, so that nothing is lost by
# walking them later.
DEEP_BODY: Final = 50
# More values than this for one name or one return add nothing that the resolver would follow.
MOST_VALUES: Final = 12
# `a.b.c…`: no real chain of plain attributes is longer.
LONGEST_CHAIN: Final = 30

UNKNOWN: Final[Expr] = (UNION, ())

Handle: TypeAlias = "Callable[[Walk, Node], Expr]"
Row: TypeAlias = tuple[Any, ...]


class Fields(NamedTuple):
    """The field numbers of one grammar, looked up once: by number a child is found twice as fast as by name."""

    alias: int
    alternative: int
    argument: int
    arguments: int
    body: int
    condition: int
    consequence: int
    constraint: int
    constructor: int
    declaration: int
    function: int
    key_index: int  # `index` is taken: every tuple has a method of that name
    initializer: int
    key: int
    kind: int
    left: int
    module: int
    name: int
    object: int
    open_tag: int
    operator: int
    parameter: int
    parameters: int
    pattern: int
    property: int
    return_type: int
    right: int
    source: int
    type: int
    type_arguments: int
    type_parameters: int
    value: int


def fields_of(language: Language) -> Fields:
    # 0 is no field: a grammar without types has no return_type, and asking for it finds nothing.
    return Fields(
        *(language.field_id_for_name("index" if name == "key_index" else name) or 0 for name in Fields._fields)
    )


class Grammar(NamedTuple):
    """One grammar with the tables that the walk needs, all by kind number."""

    fields: Fields
    handle: list[Handle]  # what to do with a node, statement or expression
    types: list[Handle | None]  # what to make of it where a type is wanted
    codes: list[int]  # what it is for `scopes.declare`; 0: declares nothing
    links: list[int]  # what it is for `values.chain`; 0: no part of a chain


class Draft:
    """A definition while its source is being walked."""

    __slots__ = (
        "bases",
        "column",
        "complexity",
        "decorators",
        "end_line",
        "flags",
        "keywords",
        "kind",
        "line",
        "name",
        "name_line",
        "number",
        "owner",
        "parameters",
        "parent",
        "qualified_name",
        "returned",
        "returns",
        "returns_text",
        "scope",
        "signature",
        "start",
        "type_parameters",
        "visibility",
        "yielded",
    )

    def __init__(self, number: int, name: str, qualified_name: str, kind: str, parent: int, scope: int) -> None:
        self.number = number
        self.name = name
        self.qualified_name = qualified_name
        self.kind = kind
        self.parent = parent
        self.scope = scope
        self.line = self.end_line = self.name_line = 1
        self.column = 0
        self.start = 0  # byte where it begins: the order of the source
        self.flags = 0
        self.visibility = "public"
        self.complexity = 1
        self.signature = ""
        self.parameters: list[Parameter] = []
        self.returns: Expr | None = None
        self.returns_text = ""
        self.returned: list[Expr] = []
        self.yielded: list[Expr] = []
        self.decorators: list[Decorator] = []
        self.bases: list[Expr] = []
        self.keywords: list[tuple[str, Expr]] = []
        self.type_parameters: tuple[str, ...] = ()
        self.owner = -1  # the class whose member it is or stands in: what `super` is about


class Frame:
    """The names of one scope, by their bytes in the source; names of outer frames too, once they were asked for."""

    __slots__ = ("names", "outer", "scope")

    def __init__(self, outer: Frame | None, scope: int) -> None:
        self.outer = outer
        self.scope = scope
        self.names: dict[bytes, Expr] = {}


class Walk:
    """One file on its way to facts. Used once, by one thread."""

    __slots__ = (
        "accesses",
        "aliases",
        "calls",
        "codes",
        "definitions",
        "depth",
        "draft",
        "env_names",
        "env_reads",
        "exports",
        "fields",
        "frame",
        "handle",
        "handlers_found",
        "imports",
        "interned",
        "later",
        "links",
        "names",
        "path",
        "records",
        "reexports",
        "scopes",
        "signature_flag",
        "source",
        "texts",
        "this",
        "types",
        "var",
        "words",
    )

    def __init__(self, path: str, source: bytes, grammar: Grammar) -> None:
        self.path = path
        self.source = source
        self.fields = grammar.fields
        self.handle = grammar.handle
        self.codes = grammar.codes
        self.links = grammar.links
        self.types = grammar.types
        self.depth = 0
        self.later: list[tuple[Handle, Node, Draft, Frame, Expr]] = []
        self.words: dict[bytes, str] = {}
        self.texts: dict[bytes, Expr] = {}
        self.interned: dict[Expr, Expr] = {}

        self.definitions: list[Draft] = []
        self.scopes: list[tuple[str, int, int, dict[str, list[Expr]]]] = []
        self.imports: list[Import] = []
        self.exports: dict[str, Expr] = {}
        self.reexports: list[int] = []
        self.calls: list[Row] = []
        self.accesses: list[Row] = []
        self.handlers_found: list[Handler] = []
        self.env_reads: list[EnvRead] = []
        self.records = 0
        self.env_names: set[Expr] = set()  # names that stand for process.env
        self.aliases: dict[int, str] = {}  # import → the name that a declaration gives it
        self.signature_flag = 0  # SIGNATURE while default values of parameters are walked
        self.var = b"var " in source or b"var\t" in source or b"var\n" in source

        self.draft = Draft(0, "", "", "module", -1, 0)
        self.definitions.append(self.draft)
        self.scopes.append(("module", -1, 0, {}))
        self.frame = Frame(None, 0)
        self.names = self.frame.names
        self.this: Expr = (FREE, "this")

    # -- going down

    def visit(self, node: Node) -> Expr:
        """Handles a node, statement or expression; gives the value of an expression."""
        if self.depth >= DEEPEST:
            handler = self.handle[node.kind_id]
            self.later.append((handler, node, self.draft, self.frame, self.this))
            return UNKNOWN
        self.depth += 1
        found = self.handle[node.kind_id](self, node)
        self.depth -= 1
        return found

    def put_off(self, handler: Handle, node: Node) -> None:
        """Handles the node when everything above it is done, as if here."""
        self.later.append((handler, node, self.draft, self.frame, self.this))

    def finish(self) -> None:
        """Walks what was put off."""
        while self.later:
            handler, node, self.draft, self.frame, self.this = self.later.pop()
            self.names = self.frame.names
            self.depth = 0
            self.signature_flag = 0
            handler(self, node)

    # -- text

    def word(self, node: Node) -> str:
        """A name's text; every distinct one is decoded once."""
        raw = self.source[node.start_byte : node.end_byte]
        known = self.words.get(raw)
        if known is None:
            known = self.words[raw] = raw.decode("utf-8", "replace")
        return known

    def line_of_text(self, start: int, end: int, longest: int) -> str:
        """The source between two bytes as one line, white space folded, cut."""
        # Folding only shortens, and four bytes are the longest character.
        raw = self.source[start : min(end, start + 8 * longest)].decode("utf-8", "replace")
        text = " ".join(raw.split())[:longest] if "\n" in raw or "  " in raw or "\t" in raw else raw.strip()[:longest]
        return without_secrets(text)

    # -- names

    def enter(self, kind: str, definition: int) -> Frame:
        """Opens a scope with a frame for its names; gives the frame to go back to."""
        before = self.frame
        self.scopes.append((kind, before.scope, definition, {}))
        self.frame = Frame(before, len(self.scopes) - 1)
        self.names = self.frame.names
        return before

    def enter_frame(self) -> Frame:
        """Opens a frame for names that are no bindings of any scope (type parameters); gives the frame to go back
        to."""
        before = self.frame
        self.frame = Frame(before, before.scope)
        self.names = self.frame.names
        return before

    def leave(self, before: Frame) -> None:
        self.frame = before
        self.names = before.names

    def declare(self, raw: bytes) -> Expr:
        """Makes the name one of the current scope; gives the expression for it."""
        scope = self.frame.scope
        known = self.words.get(raw)
        if known is None:
            known = self.words[raw] = raw.decode("utf-8", "replace")
        expression = (NAME, scope, known)
        self.names[raw] = expression
        self.scopes[scope][3].setdefault(known, [])
        return expression

    def name(self, node: Node) -> Expr:
        """What an identifier means here."""
        raw = self.source[node.start_byte : node.end_byte]
        return self.names.get(raw) or self.lookup(raw)

    def lookup(self, raw: bytes) -> Expr:
        frame: Frame | None = self.frame
        found: Expr | None = None
        while frame is not None:
            found = frame.names.get(raw)
            if found is not None:
                break
            frame = frame.outer
        if found is None:
            known = self.words.get(raw)
            if known is None:
                known = self.words[raw] = raw.decode("utf-8", "replace")
            found = (FREE, known)
        self.names[raw] = found
        return found

    def bind(self, target: Expr, value: Expr) -> None:
        """Adds a value to a bound name; a global is nobody's."""
        if target[0] == NAME:
            values = self.scopes[target[1]][3].setdefault(target[2], [])
            if value[0] in (TEXT, UNION, CALL):
                value = self.kept_under(target[2], value)
            if len(values) < MOST_VALUES and value not in values and value is not UNKNOWN:
                values.append(value)

    def kept_under(self, name: str, value: Expr) -> Expr:
        """The value as it may be kept under that name, and with it the default of a variable that it is read from.

        `const jwtSecret = process.env.KEY || "…"` says the secret as plainly as `const jwtSecret = "…"` does.
        """
        if value[0] not in (UNION, CALL) or not names_secret(name):
            return given_to(name, value)
        variables = [each[2] for each in value[1] if each[0] == ATTR] if value[0] == UNION else []
        if value[0] == CALL and self.calls[value[1]]:
            caller, callee, arguments, *rest = self.calls[value[1]]
            if callee[0] == ATTR and callee[2] == "get" and arguments and arguments[0][0] == TEXT:
                variables.append(arguments[0][1])
                kept = tuple([given_to(name, each) for each in arguments[1:]])
                self.calls[value[1]] = (caller, callee, (arguments[0], *kept), *rest)
        for place, read in enumerate(self.env_reads):
            if read.default and read.name in variables:
                self.env_reads[place] = read._replace(default=redact_default(name, read.default))
        return given_to(name, value)

    # -- expressions

    def attribute(self, owner: Expr, name: str) -> Expr:
        expression = (ATTR, owner, name)
        return self.interned.setdefault(expression, expression)

    def imported(self, module: str, name: str | None, alias: str, line: int, type_only: int) -> Expr:
        self.imports.append(Import(module, name, alias, line, type_only))
        return (IMPORTED, len(self.imports) - 1)


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
