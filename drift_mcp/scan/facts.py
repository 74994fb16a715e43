"""What one source file says on its own, before anything is known about the other files.

A front end (`scan.python`, `scan.typescript`) turns a syntax tree into these facts; `graph.resolve` joins the facts of
all files. Facts are plain nested tuples of ints and strings, so that they travel between processes and into the
database as one marshalled blob. They never hold an answer that needs a second file, and never a secret: string
constants are kept only where a later step reads them.

Expressions
-----------
An expression is a tuple whose first element says which kind it is. Names are already resolved lexically: the front end
knows its language's scoping, the resolver does not have to. Types and values share one form; a declared type becomes a
value by `INSTANCE`.

    (NAME, scope, name)          a name bound in scope number `scope` of this file
    (FREE, name)                 a name that this file binds nowhere: a builtin, a global, something star-imported
    (ATTR, object, name)         object.name
    (CALL, call)                 the result of call number `call` of this file
    (ITEM, object, key)          object[key]; key is an expression or None; `Generic[A, B]` has a SEQUENCE as key
    (TEXT, text)                 a string constant
    (LITERAL, kind)              any other constant: 'int', 'float', 'bool', 'none', 'bytes', 'regex', 'str' (a string
                                 that was not kept)
    (SEQUENCE, kind, elements)   'list', 'tuple', 'set', or 'comprehension' (one element: what each round gives)
    (RECORD, number, pairs)      dict or object literal number `number` of this file; pairs of (key expression or None,
                                 value); None key: spread
    (DEFINITION, definition)     definition number `definition` of this file as a value: function, class, lambda
    (IMPORTED, import)           what import number `import` of this file brings
    (UNION, expressions)         one of these: conditional expressions, `or`, `??`, `A | B`
    (ELEMENT, iterable)          what iterating over it gives
    (ENTERED, manager)           what `with manager as x` binds
    (AWAITED, expression)
    (PARAMETER, definition, position)  parameter number `position` of that definition
    (SELF, class, is_class)      the receiver inside a method of that class definition; is_class 1 in a class method
    (SUPER, class)               super() inside that class definition
    (INSTANCE, type)             a value of that declared type
    (JOINED, parts)              strings put together: f-strings, template strings, `+`, `%`, `.format`; a part is TEXT
                                 or any expression (a hole)
    (SPREAD, expression)         *expression, ...expression inside a SEQUENCE or an argument list
    (UNPACKED, expression, position)   element at that place of a destructured sequence
    (CAUGHT, type)               what `except type as e` binds; type may be a SEQUENCE of types
    (TYPE_OF, expression)        TypeScript `typeof expression` in a type
    (SHAPE, pairs)               an inline object type: pairs of (name, type)
    (FUNCTION_TYPE, returns)     a function type; returns is a type expression or None
    (ALIAS, type)                the value of a name declared as a type alias
    (RECORD_REF, number)         `this` inside a method of object literal `number`
"""

from __future__ import annotations

import marshal
import zlib
from typing import Any, Final, NamedTuple, TypeAlias

# Written into every stored blob: facts made by another version are made anew. Raise it whenever a front end, the
# evidence or a shape below changes.
EXTRACTOR: Final = "2"

Expr: TypeAlias = tuple[Any, ...]

NAME: Final = 1
FREE: Final = 2
ATTR: Final = 3
CALL: Final = 4
ITEM: Final = 5
TEXT: Final = 6
LITERAL: Final = 7
SEQUENCE: Final = 8
RECORD: Final = 9
DEFINITION: Final = 10
IMPORTED: Final = 11
UNION: Final = 12
ELEMENT: Final = 13
ENTERED: Final = 14
AWAITED: Final = 15
PARAMETER: Final = 16
SELF: Final = 17
SUPER: Final = 18
INSTANCE: Final = 19
JOINED: Final = 20
SPREAD: Final = 21
UNPACKED: Final = 22
CAUGHT: Final = 23
TYPE_OF: Final = 24
SHAPE: Final = 25
FUNCTION_TYPE: Final = 26
ALIAS: Final = 27
RECORD_REF: Final = 28

# Flags of a definition.
ASYNC: Final = 1
GENERATOR: Final = 2
STATIC: Final = 4
CLASS_METHOD: Final = 8
PROPERTY: Final = 16  # read like a field: @property, @cached_property, getters
SETTER: Final = 32
ABSTRACT: Final = 64
EXPORTED: Final = 128
CONSTRUCTOR: Final = 256
INTERFACE: Final = 512  # interface, Protocol
ENUM: Final = 1024
DECLARATION: Final = 2048  # has a signature and no body: interface methods, overloads, `declare`
HAS_DOC: Final = 4096

# Flags of a call.
NEW: Final = 1
AWAIT: Final = 2
DECORATOR: Final = 4  # the caller is the decorated definition; `@f` and `@f(...)` are both calls of f
SIGNATURE: Final = 8  # stands in a default or annotation of the caller's parameters (dependency injection lives there)
JSX: Final = 16  # <Component/>
TAGGED: Final = 32  # tag`text`; the template is the only argument, as JOINED or TEXT
RAISED: Final = 64  # `raise X` / `throw X` without brackets

# How an attribute is touched.
LOAD: Final = 0
STORE: Final = 1
DELETE: Final = 2


class Parameter(NamedTuple):
    name: str  # '' for a destructuring pattern (its names are bound in the function's scope, to ATTR/UNPACKED of it)
    kind: str  # 'positional', 'keyword', 'rest' (*args, ...rest), 'keywords' (**kwargs)
    annotation: Expr | None
    annotation_text: str  # as written, '' when there is none
    default: Expr | None
    line: int = 0  # 1-based; 0 when the front end does not say
    column: int = 0  # byte column, 0-based


class Decorator(NamedTuple):
    target: Expr  # the decorator expression; a CALL when it has arguments
    text: str  # as written, cut at 200 characters
    line: int


class Definition(NamedTuple):
    """One module body, class, function, method or lambda. Number 0 of a file is its module body."""

    name: (
        str  # of a module: derived from its path; of lambdas and arrow functions without a name: '<lambda>', '<arrow>'
    )
    qualified_name: str  # 'Cart.total', 'outer.inner', 'setup.<arrow>'; the module: its name
    ordinal: int  # 0, 1, … among equal qualified names of this file, in source order
    kind: str  # 'module', 'class', 'function', 'method', 'lambda'
    parent: int  # number of the enclosing definition; -1 for the module
    scope: int  # number of the scope that it opens
    line: int  # 1-based line of the `def`/`class`/`function` line, not of a decorator
    end_line: int
    column: int  # byte column of the name (of the keyword where there is no name)
    name_line: int  # line of the name token
    flags: int
    visibility: str  # 'public', 'protected', 'private'
    complexity: int  # cyclomatic: 1 + branches
    signature: str  # one line, as written, white space folded, cut at 300 characters
    parameters: tuple[Parameter, ...]
    returns: Expr | None  # declared return type
    returns_text: str
    returned: tuple[Expr, ...]  # what it returns (of an expression lambda: its body), at most 12; more add nothing
    yielded: tuple[Expr, ...]
    decorators: tuple[Decorator, ...]
    bases: tuple[Expr, ...]  # of a class, as type expressions with generic arguments; interfaces come last
    keywords: tuple[tuple[str, Expr], ...]  # class keywords: metaclass=…, table=True
    type_parameters: tuple[str, ...]  # TypeScript <T>, PEP 695 [T], Generic[T]


class Scope(NamedTuple):
    kind: str  # 'module', 'class', 'function', 'block' (JavaScript: let, const, class in braces)
    parent: int  # -1 for the module's
    definition: int  # the definition whose scope it is
    bindings: dict[str, tuple[Expr, ...]]  # a declared type comes as (INSTANCE, type), first


class Import(NamedTuple):
    module: str  # as written: 'a.b', '..sibling', './x', '@scope/name'
    name: (
        str | None
    )  # None: the module itself; '*': all its names (Python) or its namespace (JS); 'default'; '=': CommonJS require
    alias: str  # the name bound here, '' for a star import or a bare side-effect import
    line: int
    type_only: int  # 1 for `import type` and imports under TYPE_CHECKING


class Call(NamedTuple):
    caller: int  # definition number
    callee: Expr
    arguments: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...]  # **spread has the name ''
    line: int  # of the callee's name token, 1-based
    column: int  # byte column of the callee's name token, 0-based
    flags: int
    name: str  # the callee's last identifier: 'save' in `user.save()`; '' where there is none


class Access(NamedTuple):
    """An attribute touched outside a call's callee: `user.email`, `self.total = 1`."""

    definition: int
    target: Expr
    name: str  # '[key]' for a store under a constant key: `values["key"] = 1`
    line: int
    column: int
    kind: int  # LOAD, STORE, DELETE
    value: Expr | None  # what a STORE stores


class Handler(NamedTuple):
    """An except or catch clause."""

    definition: int
    line: int
    column: int
    types: tuple[str, ...]  # as written; empty: catches everything
    does: str  # 'nothing' (pass, empty), 'logs', 'raises' (re-raises or raises another), 'returns', 'handles'


class EnvRead(NamedTuple):
    definition: int
    name: str
    method: str  # 'os.environ', 'os.getenv', 'process.env', 'settings', …
    line: int
    column: int
    required: int  # 1: fails when it is not set
    default: str | None  # the default as written, already redacted when the variable is sensitive; None: there is none


class Problem(NamedTuple):
    # 'syntax', 'encoding', 'too_large', 'minified', 'generated', 'binary', 'vendored', 'unreadable', 'symlink',
    # 'crash', 'name', 'comment'
    kind: str
    line: int  # 0 when it concerns the whole file
    message: str


class Evidence(NamedTuple):
    """One place where a convention's question is answered: which alternative this place chose."""

    convention: str  # key in scan.conventions.CONVENTIONS
    choice: str
    line: int
    column: int


class Ignored(NamedTuple):
    """Places that a `drift-ignore` comment does not want to hear of; one for each target that it names."""

    line: int  # the first one, 1-based; 0: the whole file
    end_line: int  # the last one
    kind: str  # of the target: 'all' (patterns), 'category', 'convention', 'pattern'
    target: str
    until: str  # the last day on which it holds, 'YYYY-MM-DD'; '': for ever
    reason: str  # '' when none is given


class SchemaField(NamedTuple):
    name: str  # as the code calls it
    column: str  # as the database calls it
    type: str
    line: int


class SchemaModel(NamedTuple):
    """A table declared by a schema file (schema.prisma, DDL), not by code."""

    name: str
    table: str
    line: int
    framework: str  # 'prisma', 'sql'
    fields: tuple[SchemaField, ...]


class FileFacts(NamedTuple):
    path: str  # relative to the project root, '/' between parts
    language: str  # 'python', 'typescript', 'tsx', 'javascript', 'prisma', 'sql'
    lines: int
    is_test: int
    definitions: tuple[Definition, ...]
    scopes: tuple[Scope, ...]
    imports: tuple[Import, ...]
    exports: dict[str, Expr]  # JavaScript family: name → expression; 'default'; '=' is module.exports
    reexports: tuple[
        int, ...
    ]  # imports whose names are all exported again (`export * from`), and Python's `from x import *`
    calls: tuple[Call, ...]
    accesses: tuple[Access, ...]
    handlers: tuple[Handler, ...]
    env_reads: tuple[EnvRead, ...]
    schema_models: tuple[SchemaModel, ...]
    evidence: tuple[Evidence, ...]
    problems: tuple[Problem, ...]
    ignored: tuple[Ignored, ...] = ()


def pack(facts: FileFacts) -> bytes:
    """Facts as one compressed blob, for `unpack` of the same EXTRACTOR version only."""
    # Level 1: three times faster than the default and within a tenth of its size on facts.
    return zlib.compress(marshal.dumps(_plain(facts)), 1)


def _plain(facts: FileFacts) -> tuple[Any, ...]:
    # marshal takes exact tuples only. Expressions are plain already; the named rows around them are not.
    return (
        facts.path,
        facts.language,
        facts.lines,
        facts.is_test,
        tuple(
            (
                *definition[:14],
                tuple(map(tuple, definition.parameters)),
                *definition[15:19],
                tuple(map(tuple, definition.decorators)),
                *definition[20:],
            )
            for definition in facts.definitions
        ),
        tuple(map(tuple, facts.scopes)),
        tuple(map(tuple, facts.imports)),
        facts.exports,
        facts.reexports,
        tuple(map(tuple, facts.calls)),
        tuple(map(tuple, facts.accesses)),
        tuple(map(tuple, facts.handlers)),
        tuple(map(tuple, facts.env_reads)),
        tuple((*model[:4], tuple(map(tuple, model.fields))) for model in facts.schema_models),
        tuple(map(tuple, facts.evidence)),
        tuple(map(tuple, facts.problems)),
        tuple(map(tuple, facts.ignored)),
    )


def unpack(blob: bytes) -> FileFacts:
    """The facts that `pack` packed. Only for blobs from our own store: marshal trusts its input."""
    row = marshal.loads(zlib.decompress(blob))
    return FileFacts(
        row[0],
        row[1],
        row[2],
        row[3],
        tuple(
            Definition._make(
                (
                    *definition[:14],
                    tuple(Parameter(*parameter) for parameter in definition[14]),
                    *definition[15:19],
                    tuple(Decorator(*decorator) for decorator in definition[19]),
                    *definition[20:],
                )
            )
            for definition in row[4]
        ),
        tuple(Scope(*scope) for scope in row[5]),
        tuple(Import(*entry) for entry in row[6]),
        row[7],
        row[8],
        tuple(Call(*call) for call in row[9]),
        tuple(Access(*access) for access in row[10]),
        tuple(Handler(*handler) for handler in row[11]),
        tuple(EnvRead(*read) for read in row[12]),
        tuple(SchemaModel._make((*model[:4], tuple(SchemaField(*field) for field in model[4]))) for model in row[13]),
        tuple(Evidence(*entry) for entry in row[14]),
        tuple(Problem(*problem) for problem in row[15]),
        tuple(Ignored(*entry) for entry in row[16]),
    )
