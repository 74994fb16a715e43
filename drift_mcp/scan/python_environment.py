"""Reads of environment variables in Python, as the standard library and the usual settings libraries make them.

Says which variable is read and whether the read can do without it. Defaults are redacted before they leave this module.
"""

from __future__ import annotations

import re
from typing import Final

from tree_sitter import Node

from drift_mcp.scan import python_grammar as G
from drift_mcp.scan.facts import ATTR, CALL, IMPORTED, NAME, TEXT, EnvRead, Expr, Import
from drift_mcp.scan.python_text import shown
from drift_mcp.scan.python_types import last_name
from drift_mcp.scan.python_walk import Walk, named
from drift_mcp.scan.secrets import redact_default

# Longer defaults are data.
_LONGEST_DEFAULT: Final = 200
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_UPPER: Final = re.compile(r"[A-Z][A-Z0-9_]*")
_READERS: Final = frozenset(
    (
        *("str", "bool", "int", "float", "json", "list", "tuple", "dict", "url", "path", "decimal", "date", "datetime"),
        *("time", "timedelta", "uuid", "log_level", "enum", "db", "db_url", "cache", "cache_url", "email", "email_url"),
        *("search_url", "channels", "channels_url", "bytes"),
    )
)
_CLASSES: Final = {
    "Env": "env",
    "FileAwareEnv": "env",
    "Config": "config",
    "AutoConfig": "config",
    "RepositoryEnv": "config",
}


def of_call(
    walk: Walk, callee: Expr, name: str, arguments: tuple[Expr, ...], node: Node, row: int, column: int
) -> None:
    """Adds the variable that this call reads, if it reads one. `node` is the argument list."""
    if not arguments or arguments[0][0] != TEXT:
        return
    variable = arguments[0][1]
    if _VARIABLE.fullmatch(variable) is None:
        return
    method = _method(walk, callee, name, variable)
    if method is None:
        return
    given = [child for child in named(node) if child.kind_id != G.KEYWORD_ARGUMENT]
    default = given[1] if len(given) > 1 and method in ("os.environ", "os.getenv") else None
    for child in named(node):
        if child.kind_id == G.KEYWORD_ARGUMENT and walk.raw(child.children[0]) == b"default":
            default = child.children[-1]
    if default is None and len(given) > 1 and method in ("decouple", "env"):
        default = given[1]
    # `get`, `getenv` and `pop` with a default answer when the variable is not set; the readers of settings libraries
    # raise.
    required = default is None and (method in ("env", "decouple") or (method == "os.environ" and name == "pop"))
    _add(walk, variable, method, row, column, required, default)


def _method(walk: Walk, callee: Expr, name: str, variable: str) -> str | None:
    if callee[0] == ATTR:
        owner = callee[1]
        if name in ("get", "pop", "setdefault"):
            return "os.environ" if _is(walk, owner, "environ") else None
        if name in ("getenv", "getenvb"):
            return "os.getenv" if _is(walk, callee, name) else None
        if name in _READERS and _kind(walk, owner, variable) == "env":
            return "env"
        return None
    if callee[0] == NAME:
        if name == "getenv" or _imported_as(walk, callee) == ("os", "getenv"):
            return "os.getenv" if _is(walk, callee, "getenv") else None
        kind = _kind(walk, callee, variable)
        return "decouple" if kind == "config" else kind
    return None


def of_item(walk: Walk, owner: Expr, key: Expr, row: int, column: int) -> None:
    """Adds the variable that `owner[key]` reads, if owner is os.environ."""
    if key[0] == TEXT and _VARIABLE.fullmatch(key[1]) is not None and _is(walk, owner, "environ"):
        walk.env_reads.append(EnvRead(walk.number, key[1], "os.environ", row, column, 1, None))


def of_membership(walk: Walk, left: Expr, right: Expr, row: int, column: int) -> None:
    """Adds the variable whose presence `left in right` asks for."""
    if left[0] == TEXT and _VARIABLE.fullmatch(left[1]) is not None and _is(walk, right, "environ"):
        walk.env_reads.append(EnvRead(walk.number, left[1], "os.environ", row, column, 0, None))


def _add(walk: Walk, variable: str, method: str, row: int, column: int, required: bool, default: Node | None) -> None:
    text = None if default is None else shown(walk.raw(default), _LONGEST_DEFAULT)
    walk.env_reads.append(
        EnvRead(walk.number, variable, method, row, column, int(required), redact_default(variable, text))
    )


def kept_under(walk: Walk, name: str, row: int, column: int) -> None:
    """What is read there is kept under `name`, which may say more of the default than the variable's own name does."""
    for place, read in enumerate(walk.env_reads):
        if (read.line, read.column) == (row, column):
            walk.env_reads[place] = read._replace(default=redact_default(name, read.default))


def _is(walk: Walk, expression: Expr, name: str) -> bool:
    """Whether the expression is `os.<name>`, however it was imported."""
    if expression[0] == ATTR:
        entry = _import(walk, expression[1])
        return expression[2] == name and entry is not None and entry.module == "os" and entry.name is None
    return expression[0] == NAME and _imported_as(walk, expression) == ("os", name)


def _import(walk: Walk, expression: Expr) -> Import | None:
    if expression[0] != NAME:
        return None
    bound = walk.scopes[expression[1]][3].get(expression[2])
    return walk.imports[bound[0][1]] if bound and bound[0][0] == IMPORTED else None


def _imported_as(walk: Walk, expression: Expr) -> tuple[str, str | None] | None:
    entry = _import(walk, expression)
    return None if entry is None else (entry.module, entry.name)


def _kind(walk: Walk, expression: Expr, variable: str) -> str | None:
    """'env' or 'config' for a reader of settings: made by a library's class, or of the usual name from another file."""
    if expression[0] != NAME or _UPPER.fullmatch(variable) is None:
        return None
    for bound in walk.scopes[expression[1]][3].get(expression[2], ()):
        if bound[0] == IMPORTED:
            entry = walk.imports[bound[1]]
            if entry.module == "decouple" and entry.name == "config":
                return "config"
            if entry.name == "env" and entry.module.split(".")[-1] not in ("environ", "fabric"):
                return "env"
        elif bound[0] == CALL:
            return _CLASSES.get(last_name(walk.calls[bound[1]][1]))
    return None


def of_settings(walk: Walk, body: Node, number: int) -> None:
    """Adds the variables behind the fields of a pydantic-settings class. `number`: its definition."""
    fields: list[tuple[bytes, Node, Node | None]] = []
    prefix = ""
    for statement in named(body):
        if statement.kind_id == G.CLASS_DEFINITION:
            inner = statement.child_by_field_id(G.F_BODY)
            for each in named(inner) if inner is not None else []:
                prefix = _prefix(walk, each) or prefix
        if statement.kind_id != G.EXPRESSION_STATEMENT or statement.children[0].kind_id != G.ASSIGNMENT:
            continue
        assignment = statement.children[0]
        left = assignment.child_by_field_id(G.F_LEFT)
        right = assignment.child_by_field_id(G.F_RIGHT)
        if left is None or left.kind_id != G.IDENTIFIER:
            continue
        raw = walk.raw(left)
        if raw == b"model_config" and right is not None:
            arguments = right.child_by_field_id(G.F_ARGUMENTS)
            for each in named(arguments) if arguments is not None else []:
                prefix = _prefix(walk, each) or prefix
        elif assignment.child_by_field_id(G.F_TYPE) is not None and not raw.startswith(b"_"):
            fields.append((raw, left, right))
    before, walk.number = walk.number, number
    for raw, left, right in fields:
        name, default = (prefix + walk.word(raw)).upper(), right
        if right is not None and right.kind_id == G.CALL:
            name, default = _field(walk, right, name)
        row, column = left.start_point
        _add(walk, name, "settings", row + 1, column, default is None, default)
    walk.number = before


def _field(walk: Walk, call: Node, name: str) -> tuple[str, Node | None]:
    """The variable and the default of `Field(…)`; any other call is itself the default."""
    function = call.child_by_field_id(G.F_FUNCTION)
    arguments = call.child_by_field_id(G.F_ARGUMENTS)
    if function is None or arguments is None or walk.raw(function).split(b".")[-1] != b"Field":
        return name, call
    default: Node | None = None
    for position, child in enumerate(named(arguments)):
        if child.kind_id == G.KEYWORD_ARGUMENT and len(child.children) == 3:
            key, value = walk.raw(child.children[0]), child.children[2]
            if key in (b"env", b"alias", b"validation_alias") and value.kind_id == G.STRING:
                name = walk.raw(value).decode("utf-8", "replace").strip("\"'").upper()
            elif key in (b"default", b"default_factory"):
                default = value
        elif position == 0 and child.kind_id != G.ELLIPSIS:
            default = child
    return name, default


def _prefix(walk: Walk, node: Node) -> str:
    """The text of `env_prefix="X_"`, as a keyword or as an assignment; '' for anything else."""
    if node.kind_id == G.EXPRESSION_STATEMENT:
        node = node.children[0]
    children = node.children
    if len(children) != 3 or walk.raw(children[0]) != b"env_prefix" or children[2].kind_id != G.STRING:
        return ""
    return walk.raw(children[2]).decode("utf-8", "replace").strip("\"'")
