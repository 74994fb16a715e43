"""Reads from the facts of one file which way its code does things: the places that answer a convention's question.

The questions and what their answers mean stand in `scan.conventions`. Never counts, never compares files, and says
nothing about a place whose answer it would have to guess.
"""

from __future__ import annotations

import functools
import itertools
import posixpath
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from drift_mcp.scan import facts as F
from drift_mcp.scan import languages
from drift_mcp.scan.facts import Call, Definition, Evidence, Expr, FileFacts


def of(facts: FileFacts) -> tuple[Evidence, ...]:
    """The places of one file that answer a convention's question, in the order of their lines."""
    family = languages.named(facts.language).family
    if family == "schema" or _ASIDE.search(facts.path):
        return ()
    view = _View(facts)
    found: list[Evidence] = [*_of_file(view), *_of_definitions(view), *_of_calls(view), *_of_handlers(view)]
    found += _of_routes(view)
    found += _of_environment(view)
    found += _of_python(view) if family == "python" else _of_scripts(view)
    return tuple(sorted(set(found), key=lambda each: (each.line, each.column, each.convention, each.choice)))


# Written by a tool, once, or for the documentation: new code is not modelled on it.
_ASIDE: Final = re.compile(
    r"(?:^|/)(?:migrations|alembic|revisions|docs?|stubs|typings)/|(?:^|/)(?:setup|noxfile|gulpfile|Gruntfile)\.\w+$"
    r"|\.(?:config|stories|d)\.[cm]?[jt]s$|\.stories\.[jt]sx$"
)
_VERBS: Final = frozenset({"get", "post", "put", "delete", "patch", "head", "options"})
_PARAMETER: Final = re.compile(r"^[{<:\[(*]|^\$")


class _Route(NamedTuple):
    handler: int  # definition; -1 when it stands elsewhere
    path: str | None
    way: str  # how it was declared
    call: int  # number of the call that declares it
    line: int
    column: int
    around: str  # what stands around it that may be a guard, as text


class _View:
    """One file's facts with the look-ups that the questions share. Lives as long as one call of `evidence`."""

    def __init__(self, facts: FileFacts) -> None:
        self.facts = facts
        self.is_python = facts.language == "python"
        self.routes = tuple(self._routes())
        self.data_calls = {
            number: kind for number, call in enumerate(facts.calls) if (kind := _data_access(self, call))
        }

    def at(self, definition: int) -> Definition:
        return self.facts.definitions[definition]

    def written(self, expression: Expr | None) -> str:
        """The dotted name as it stands there, '' where an expression is none."""
        parts: list[str] = []
        while expression is not None:
            kind = expression[0]
            if kind == F.ATTR:
                parts.append(expression[2])
                expression = expression[1]
            elif kind == F.CALL:
                parts.append("()")
                expression = self.facts.calls[expression[1]].callee
            elif kind in (F.NAME, F.FREE):
                parts.append(expression[2] if kind == F.NAME else expression[1])
                break
            elif kind == F.SELF:
                parts.append("self")
                break
            elif kind == F.PARAMETER:
                parameters = self.at(expression[1]).parameters
                parts.append(parameters[expression[2]].name if expression[2] < len(parameters) else "")
                break
            elif kind == F.IMPORTED:
                parts.append(self.facts.imports[expression[1]].alias)
                break
            elif kind in (F.AWAITED, F.INSTANCE) or kind == F.ITEM:
                expression = expression[1]
            else:
                break
        return ".".join(reversed(parts))

    def value(self, expression: Expr) -> Expr:
        """What a name was bound to, where it was bound once; every other expression as it is."""
        if expression[0] == F.NAME:
            bound = self.facts.scopes[expression[1]].bindings.get(expression[2], ())
            return bound[0] if len(bound) == 1 else expression
        return expression

    def origin(self, expression: Expr | None) -> str:
        """The dotted name with an imported beginning replaced by where it is imported from."""
        name = self.written(expression)
        head, dot, rest = name.partition(".")
        return self.imported.get(head, head) + dot + rest

    @functools.cached_property
    def imported(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in self.facts.imports:
            if each.alias:
                whole = each.name in (None, "*", "default", "=")
                found[each.alias] = each.module if whole else f"{each.module}.{each.name}"
        return found

    def _routes(self) -> Iterator[_Route]:
        for number, definition in enumerate(self.facts.definitions):
            for decorator in definition.decorators:
                if decorator.target[0] != F.CALL:
                    continue
                call = self.facts.calls[decorator.target[1]]
                way = self._decorated(call)
                if way:
                    around = " ".join(each.text for each in definition.decorators) + " " + self._signature(definition)
                    if definition.kind == "method":
                        around += " " + " ".join(each.text for each in self.at(definition.parent).decorators)
                    yield _Route(number, _first_text(call), way, decorator.target[1], call.line, call.column, around)
        for number, call in enumerate(self.facts.calls):
            if call.flags & (F.DECORATOR | F.SIGNATURE | F.JSX):
                continue
            path = _first_text(call)
            if path is None:
                continue
            if self.is_python:
                if call.name in ("path", "re_path", "url") and self.origin(call.callee).startswith(
                    ("django.urls", "django.conf.urls")
                ):
                    yield _Route(
                        -1, path if call.name == "path" else None, f"{call.name}()", number, call.line, call.column, ""
                    )
            elif (
                call.name in _VERBS
                and path.startswith("/")
                and len(call.arguments) > 1
                and _SERVER.search(self.written(call.callee))
            ):
                last = call.arguments[-1]
                handler = last[1] if last[0] == F.DEFINITION else -1
                around = " ".join(self.written(each) for each in call.arguments[1:-1])
                yield _Route(handler, path, "app.verb()", number, call.line, call.column, around)

    def _decorated(self, call: Call) -> str:
        if self.is_python:
            path = _first_text(call)
            if path is None or (path and not path.startswith("/")) or call.callee[0] != F.ATTR:
                return ""
            return "@router.verb" if call.name in _VERBS else "@app.route" if call.name == "route" else ""
        return (
            "@Verb"
            if self.origin(call.callee).removeprefix("@nestjs/common.").lower() in _VERBS
            and "nestjs" in self.origin(call.callee)
            else ""
        )

    def _signature(self, definition: Definition) -> str:
        """Types and injected values of the parameters, as text: where a guard may hide."""
        injected = " ".join(
            self.written(each.default) + " " + _arguments_text(self, each.default)
            for each in definition.parameters
            if each.default
        )
        return " ".join(each.annotation_text for each in definition.parameters) + " " + injected


_SERVER: Final = re.compile(
    r"(?:^|\.|_)(?:app|application|router|\w*Router|server|api|routes|fastify)\.\w+$|\broute\.\(\)\.\w+$"
)


def _first_text(call: Call) -> str | None:
    if call.arguments:
        return call.arguments[0][1] if call.arguments[0][0] == F.TEXT else None
    return next((value[1] for name, value in call.keywords if name == "path" and value[0] == F.TEXT), None)


def _arguments_text(view: _View, expression: Expr | None) -> str:
    if expression is None or expression[0] != F.CALL:
        return ""
    return " ".join(view.written(each) for each in view.facts.calls[expression[1]].arguments)


def _place(convention: str, choice: str, at: Definition | Call) -> Evidence:
    line = at.name_line if isinstance(at, Definition) else at.line
    return Evidence(convention, choice, line, at.column)


# --- names and files --------------------------------------------------------------------------------------------------

_SNAKE: Final = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")
_KEBAB: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_CAMEL: Final = re.compile(r"[a-z][a-z0-9]*(?:[A-Z][a-z0-9]*)+")
_PASCAL: Final = re.compile(r"(?:[A-Z][a-z0-9]+){2,}|[A-Z][A-Z0-9]*(?:[A-Z][a-z0-9]+)+")


def _case(name: str) -> str | None:
    """How several words are joined in a name; None for one word, which fits every case."""
    for case, pattern in (
        ("snake_case", _SNAKE),
        ("kebab-case", _KEBAB),
        ("camelCase", _CAMEL),
        ("PascalCase", _PASCAL),
    ):
        if pattern.fullmatch(name):
            return case
    return None


_TEST_SUFFIX: Final = re.compile(r"\.(spec|test|e2e-spec|cy)\.[cm]?[jt]sx?$")
_TEST_FOLDERS: Final = re.compile(r"(?:^|/)(?:tests?|__tests__|spec|specs|e2e)/")
# Names that tools give meaning to, or that start with a number of their own.
_GIVEN: Final = re.compile(r"^(?:__\w+__|\d.*|index|conftest|setup|manage|.*\.d)$")


def _of_file(view: _View) -> Iterator[Evidence]:
    facts = view.facts
    folder, name = posixpath.split(facts.path)
    stem = name.split(".", 1)[0]
    if facts.is_test:
        test_name = _test_name(view, name)
        if test_name is not None:
            yield Evidence("testing.file-naming", test_name, 1, 0)
            yield Evidence("testing.placement", "apart" if _TEST_FOLDERS.search(folder + "/") else "beside", 1, 0)
    elif not _GIVEN.match(stem) and "/migrations/" not in f"/{folder}/" and (case := _case(stem)):
        yield Evidence("structural.file-naming", case, 1, 0)


def _test_name(view: _View, name: str) -> str | None:
    if view.is_python:
        if name == "tests.py":
            return name
        return "test_*.py" if name.startswith("test_") else "*_test.py" if name.endswith("_test.py") else None
    found = _TEST_SUFFIX.search(name)
    return f"*.{found[1]}.*" if found else None


# Names that a base class or a framework chose, not the author.
_INHERITED: Final = re.compile(
    r"^(?:set|tear)(?:Up|Down)\w*|^(?:visit|depart)_[A-Z]\w*|^do_[A-Z]+$|^(?:test|assert|run)[A-Z_]\w*|^ng[A-Z]\w*"
)


def _of_definitions(view: _View) -> Iterator[Evidence]:
    facts = view.facts
    for definition in facts.definitions[1:]:
        name, kind = definition.name, definition.kind
        is_dunder = name.startswith("__")
        if (
            kind in ("function", "method")
            and not is_dunder
            and not _INHERITED.match(name)
            and not _is_component(definition, view)
        ):
            case = _case(name.strip("_"))
            if case in ("snake_case", "camelCase"):
                yield _place("structural.function-naming", case, definition)
        if facts.is_test or is_dunder or definition.visibility != "public" or definition.flags & F.DECLARATION:
            continue
        parent = view.at(definition.parent) if definition.parent >= 0 else None
        # What stands inside a function is nobody's interface.
        if parent is None or parent.kind not in ("module", "class") or parent.visibility != "public":
            continue
        is_interface = (
            view.is_python
            or bool(definition.flags & F.EXPORTED)
            or (kind == "method" and bool(parent.flags & F.EXPORTED))
        )
        if not is_interface or definition.flags & (F.SETTER | F.CONSTRUCTOR):
            continue
        if kind in ("function", "method", "class"):
            yield _place(
                "documentation.public", "documented" if definition.flags & F.HAS_DOC else "undocumented", definition
            )
        if kind in ("function", "method") and facts.language != "javascript" and not _is_component(definition, view):
            yield _place(
                "types.return-annotations", "declared" if definition.returns_text else "undeclared", definition
            )


def _is_component(definition: Definition, view: _View) -> bool:
    return not view.is_python and definition.kind == "function" and definition.name[:1].isupper()


# --- calls ------------------------------------------------------------------------------------------------------------

_LEVELS: Final = frozenset(
    {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "verbose", "trace"}
)
_LOGGER: Final = re.compile(
    r"(?:^|\.|_)(?:log|logger|logging|LOG|LOGGER|Logger|winston|pino)(?:\.\(\))?\.\w+$", re.IGNORECASE
)
_SQL: Final = re.compile(
    r"\s*(?:select\s.+\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\("
    r"|create\s+table\s|alter\s+table\s)",
    re.IGNORECASE | re.DOTALL,
)
_RUNS_SQL: Final = frozenset(
    {
        "execute",
        "executemany",
        "executescript",
        "query",
        "raw",
        "fetch",
        "fetchrow",
        "fetchval",
        "fetch_all",
        "fetch_one",
    }
    | {
        "text",
        "run",
        "all",
        "prepare",
        "exec",
        "$queryRaw",
        "$executeRaw",
        "$queryRawUnsafe",
        "$executeRawUnsafe",
        "unsafe",
    }
)


def _of_calls(view: _View) -> Iterator[Evidence]:
    facts = view.facts
    for number, call in enumerate(facts.calls):
        written = ""
        if call.name in _LEVELS or call.name in ("log", "print"):
            written = view.written(call.callee)
            yield from _of_output(view, call, written)
        kind = view.data_calls.get(number)
        if kind and not facts.is_test:
            yield _place("data-access.style", kind, call)
            if kind == "sql":
                yield from _of_sql(view, call)
    if not facts.is_test and view.is_python:
        yield from _of_query_forms(view)


def _of_output(view: _View, call: Call, written: str) -> Iterator[Evidence]:
    # Scripts and command lines talk to a person at a terminal; their prints are their answer.
    if view.facts.is_test or _SCRIPT.search(view.facts.path):
        return
    if view.is_python and call.name == "print" and call.callee[0] == F.FREE:
        yield _place("logging.output", "print", call)
    elif not view.is_python and written.startswith("console."):
        yield _place("logging.output", "console", call)
    elif call.name in (_LEVELS | {"log"}) and _LOGGER.search(written):
        yield _place("logging.output", "logger", call)
        # console and its kin take values beside the message or in it alike; Python's loggers format late.
        if not call.arguments or not view.is_python:
            return
        first = call.arguments[0]
        if first[0] == F.JOINED or (first[0] == F.CALL and view.facts.calls[first[1]].name == "format"):
            yield _place("logging.message-format", "formatted", call)
        elif len(call.arguments) > 1:
            yield _place("logging.message-format", "arguments", call)
        elif any(name not in ("exc_info", "extra", "stack_info", "stacklevel", "") for name, _ in call.keywords):
            yield _place("logging.message-format", "fields", call)


_SCRIPT: Final = re.compile(
    r"(?:^|/)(?:scripts?|bin|tools?|utils?|cli|commands?|examples?|benchmarks?|tasks|hack|extra)/"
    r"|(?:^|/)(?:cli|__main__|manage)\.\w+$"
)

_SESSION: Final = re.compile(
    r"(?:^|\.)(?:\w*session|db|database)\.(?:query|execute|scalars?|get|add|add_all|merge|delete|exec)$", re.IGNORECASE
)
_PRISMA: Final = re.compile(
    r"prisma\w*\.\w+\.(?:find|create|update|delete|upsert|count|aggregate|groupBy)\w*$", re.IGNORECASE
)
_REPOSITORY: Final = re.compile(
    r"(?:^|\.)(?:\w*[rR]epo(?:sitory)?|getRepository\.\(\))"
    r"\.(?:find\w*|save|insert|update|delete|remove|count|createQueryBuilder|query)$"
)
_MODEL: Final = re.compile(
    r"(?:^|\.)[A-Z]\w+\.(?:findAll|findByPk|findOne|findById|findOneAnd\w+|findByIdAnd\w+|findOrCreate|bulkCreate"
    r"|updateOne|updateMany|deleteOne|deleteMany|insertMany|countDocuments|findMany)$"
)


def _data_access(view: _View, call: Call) -> str:
    """'orm' or 'sql' for a call that reaches a database, '' for every other."""
    if call.flags & (F.DECORATOR | F.JSX) or call.callee[0] not in (F.ATTR, F.NAME, F.FREE):
        return ""
    if call.name in _RUNS_SQL and call.arguments and _sql_of(view, call) is not None:
        return "sql"
    if call.callee[0] != F.ATTR:
        return ""
    if view.is_python:
        receiver = call.callee[1]
        if receiver[0] == F.ATTR and receiver[2] in ("objects", "_default_manager"):
            return "orm"
        return "orm" if _is_session_call(view, call) else ""
    if call.name[:4] in (
        "find",
        "crea",
        "upda",
        "dele",
        "upse",
        "coun",
        "aggr",
        "grou",
        "save",
        "inse",
        "remo",
        "bulk",
        "quer",
    ):
        written = view.written(call.callee)
        return "orm" if _PRISMA.search(written) or _REPOSITORY.search(written) or _MODEL.search(written) else ""
    return ""


def _is_session_call(view: _View, call: Call) -> bool:
    if call.name not in _SESSION_VERBS or not _SESSION.search(view.written(call.callee)) or not call.arguments:
        return False
    if view.origin(call.callee).startswith(("flask.", "request.", "self.request.", "self.session.get")):
        return False
    first = call.arguments[0]
    if call.name == "get":  # a web session is a mapping of names; a database session gets a class and a key
        return len(call.arguments) > 1 and first[0] != F.TEXT
    if re.search(r"session\.\w+$", view.written(call.callee), re.IGNORECASE):
        return True
    # Anything may be called db. It is an ORM's when a model or a statement that was built is handed to it.
    if call.name in ("execute", "exec", "scalar", "scalars"):
        built = view.origin(view.value(first))
        return built.startswith(("select", "insert", "update", "delete", "sqlalchemy.", "sqlmodel.")) and "()" in built
    return call.name != "query" or view.written(first)[:1].isupper()


_SESSION_VERBS: Final = frozenset(
    {"query", "execute", "scalars", "scalar", "get", "add", "add_all", "merge", "delete", "exec"}
)


def _sql_of(view: _View, call: Call) -> str | None:
    """The text of the call's SQL, holes left out; None when its first argument is none."""
    first = view.value(call.arguments[0])
    if first[0] == F.TEXT:
        text: str = first[1]
    elif first[0] == F.JOINED:
        text = "?".join(part[1] if part[0] == F.TEXT else "?" for part in first[1])
    else:
        return None
    return text if _SQL.match(text + " ") else None


def _of_sql(view: _View, call: Call) -> Iterator[Evidence]:
    first = view.value(call.arguments[0])
    if call.flags & F.TAGGED:
        yield _place("security.sql-parameters", "parameters", call)
    elif first[0] == F.JOINED and any(part[0] not in (F.TEXT, F.LITERAL) for part in first[1]):
        yield _place("security.sql-parameters", "built", call)
    elif len(call.arguments) > 1 or re.search(r"[?]|%s|%\(\w+\)s|\$\d|:\w+", first[1] if first[0] == F.TEXT else ""):
        yield _place("security.sql-parameters", "parameters", call)


def _of_query_forms(view: _View) -> Iterator[Evidence]:
    for call in view.facts.calls:
        if call.name == "select" and view.origin(call.callee).startswith(("sqlalchemy", "sqlmodel")):
            yield _place("data-access.query-form", "select", call)
        elif call.name == "query" and re.search(r"(?:session|^db)\.query$", view.written(call.callee)):
            yield _place("data-access.query-form", "query", call)


# --- handlers, routes, environment ------------------------------------------------------------------------------------

_BROAD: Final = frozenset({"Exception", "BaseException"})


def _of_handlers(view: _View) -> Iterator[Evidence]:
    if view.facts.is_test:
        return
    for handler in view.facts.handlers:
        is_broad = not handler.types or bool(_BROAD.intersection(handler.types))
        if view.is_python:
            choice = "broad" if is_broad else "specific"
            yield Evidence("errors.except-breadth", choice, handler.line, handler.column)
        if is_broad:
            choice = "swallowed" if handler.does == "nothing" else "answered"
            yield Evidence("errors.swallowed", choice, handler.line, handler.column)


_GUARD: Final = re.compile(
    r"(?i)login_?required|permission|current_?user|superuser|protect|jwt|api_?key|guards?\b"
    r"|(?:requires?|ensure|is|check|verify|validate|get)_?(?:auth|login|admin|user|token|session|jwt|role|scope)"
    r"|auth(?:enticat|oriz)|\bauth\b|\bauth[A-Z_.]\w*|\w*Auth\b"
)
# What looks like a guard and lets everyone through: Swagger's documentation, and a login that need not be.
_NO_GUARD: Final = re.compile(r"\bApi[A-Z]\w*|\b\w+\.optional\b|\boptional[A-Z_]\w*")
# Routes that are there for those who are not logged in.
_PUBLIC: Final = re.compile(
    r"(?<![a-z])(?:log-?in|log-?out|sign-?(?:in|up)|register|registration|health|healthz|ping|status|callback|webhooks?"
    r"|forgot|reset|recover|password|refresh|token|auth|oauth2?|docs|static|public|robots|favicon|sitemap)(?![a-z])",
    re.IGNORECASE,
)


def _of_routes(view: _View) -> Iterator[Evidence]:
    if view.facts.is_test:
        return
    direct = {view.facts.calls[number].caller for number in view.data_calls}
    whole = any(
        call.name in ("APIRouter", "Blueprint", "use") and _GUARD.search(" ".join(_names_in(view, call)))
        for call in view.facts.calls
    )
    for route in view.routes:
        call = view.facts.calls[route.call]
        yield _place("api.routes", route.way, call)
        if route.path is not None:
            yield from _of_path(route, call)
        if route.way == "path()" or route.way == "re_path()" or route.way == "url()":
            continue
        if not _PUBLIC.search(route.path or "") and not _PUBLIC.search(view.facts.path.rsplit("/", 1)[-1]):
            around = re.sub(r"\"[^\"]*\"|'[^']*'", "", _NO_GUARD.sub("", route.around))
            yield _place("auth.guarded-routes", "guarded" if whole or _GUARD.search(around) else "open", call)
        if route.handler < 0:
            continue
        handler = view.at(route.handler)
        yield _place("performance.handlers", "async" if handler.flags & F.ASYNC else "sync", call)
        yield _place("data-access.layer", "direct" if route.handler in direct else "apart", call)
        if route.way == "@router.verb":
            declared = bool(handler.returns_text) or any(
                name in ("response_model", "response_class") for name, _ in call.keywords
            )
            yield _place("api.response-type", "declared" if declared else "undeclared", call)


def _names_in(view: _View, call: Call) -> Iterator[str]:
    values = [*call.arguments, *(value for _, value in call.keywords)]
    while values:
        value = values.pop()
        if value[0] == F.SEQUENCE:
            values += value[2]
        else:
            yield view.written(value)
            yield _arguments_text(view, value)


def _of_path(route: _Route, call: Call) -> Iterator[Evidence]:
    path = route.path or ""
    segments = [segment for segment in path.split("/") if segment]
    literal = [segment for segment in segments if not _PARAMETER.match(segment) and not re.search(r"[{<:(]", segment)]
    case = next((case for segment in literal if (case := _case(segment))), None)
    if case is not None:
        yield _place("api.path-case", case, call)
    if len(path) > 1:
        yield _place("api.trailing-slash", "with" if path.endswith("/") else "without", call)
    for one, next_one in itertools.pairwise(segments):
        if one in literal and _PARAMETER.match(next_one) and one.isalpha():
            is_plural = one.endswith("s") and not one.endswith(("ss", "us", "is"))
            yield _place("api.path-number", "plural" if is_plural else "singular", call)
            break


_CENTRAL: Final = re.compile(
    r"(?i)(?:^|/)(?:config\w*|conf|settings?\w*|environments?|env)(?:/|[\w.-]*\.\w+$)"
    r"|[.-](?:config|settings|env)\.\w+$|(?:^|/)environment\.\w+$"
)


def _of_environment(view: _View) -> Iterator[Evidence]:
    if view.facts.is_test:
        return
    for read in view.facts.env_reads:
        # A settings class or a configuration service is the one place, wherever it is asked.
        central = bool(_CENTRAL.search(view.facts.path)) or read.method in ("settings", "config")
        yield Evidence("config.environment", "central" if central else "scattered", read.line, read.column)
        yield Evidence("config.access", _READERS.get(read.method, read.method), read.line, read.column)


_READERS: Final = {"settings": "a settings class", "config": "a configuration service"}


# --- Python alone -----------------------------------------------------------------------------------------------------

_OPTIONAL: Final = re.compile(r"\bOptional\[")
_UNION_NONE: Final = re.compile(r"\|\s*None\b|\bNone\s*\|")
_TYPING_GENERIC: Final = re.compile(r"\b(?:List|Dict|Set|Tuple|FrozenSet|Type)\[")
_BUILTIN_GENERIC: Final = re.compile(r"\b(?:list|dict|set|tuple|frozenset|type)\[")
_RECORDS: Final = {
    "dataclasses.dataclass": "@dataclass",
    "attr.s": "attrs",
    "attr.attrs": "attrs",
    "attr.define": "attrs",
    "attrs.define": "attrs",
    "attrs.frozen": "attrs",
    "pydantic.BaseModel": "pydantic models",
    "typing.NamedTuple": "NamedTuple",
    "typing.TypedDict": "TypedDict",
    "msgspec.Struct": "msgspec structs",
}
_HASHERS: Final = (
    ("bcrypt.", "bcrypt"),
    ("passlib.", "passlib"),
    ("argon2.", "argon2"),
    ("pwdlib.", "pwdlib"),
    ("django.contrib.auth.hashers.", "django's hashers"),
    ("werkzeug.security.", "werkzeug.security"),
    ("bcryptjs", "bcryptjs"),
    ("@node-rs/argon2", "argon2"),
)
_STARTS_PROCESS: Final = frozenset({"run", "call", "Popen", "check_call", "check_output"})


def _of_python(view: _View) -> Iterator[Evidence]:
    facts = view.facts
    for definition in facts.definitions[1:]:
        texts = [parameter.annotation_text for parameter in definition.parameters] + [definition.returns_text]
        text = " ".join(filter(None, texts))
        if text:
            for convention, ways in (
                ("types.optional", (("Optional", _OPTIONAL), ("union", _UNION_NONE))),
                ("types.generics", (("typing", _TYPING_GENERIC), ("builtin", _BUILTIN_GENERIC))),
            ):
                choice = next((name for name, pattern in ways if pattern.search(text)), None)
                if choice is not None:
                    yield _place(convention, choice, definition)
        if definition.kind == "class" and not facts.is_test:
            made = [view.origin(each.target).removesuffix(".()") for each in definition.decorators]
            record = next(
                (_RECORDS[each] for each in (*made, *map(view.origin, definition.bases)) if each in _RECORDS), None
            )
            if record is not None:
                yield _place("types.records", record, definition)
        if facts.is_test and definition.name.startswith("test") and definition.kind in ("function", "method"):
            yield from _of_python_test(view, definition)
    yield from _of_own_imports(view)
    yield from _of_loggers(view)
    for call in facts.calls:
        origin = view.origin(call.callee)
        if origin.startswith(("os.path.", "pathlib.")) and not facts.is_test:
            yield _place("structural.paths", "pathlib" if origin.startswith("pathlib") else "os.path", call)
        elif origin.startswith("subprocess.") and call.name in _STARTS_PROCESS and not facts.is_test:
            in_shell = any(name == "shell" for name, _ in call.keywords)  # nobody writes shell=False
            if in_shell or (call.arguments and call.arguments[0][0] == F.SEQUENCE):
                yield _place("security.processes", "shell" if in_shell else "list", call)
        elif origin == "os.system" and not facts.is_test:
            yield _place("security.processes", "shell", call)
        elif origin.startswith("unittest.mock.") and facts.is_test:
            yield _place("testing.doubles", "unittest.mock", call)
        elif not facts.is_test:
            yield from _of_hashing(origin, call)


def _of_hashing(origin: str, call: Call) -> Iterator[Evidence]:
    library = next((name for prefix, name in _HASHERS if origin.startswith(prefix)), None)
    # The context object of passlib hides its methods; its making is the place that counts.
    if library is not None and (
        call.name[:1].isupper() or re.search(r"(?i)hash|check|verify|compare|password", call.name)
    ):
        yield _place("security.password-hashing", library, call)


def _of_python_test(view: _View, definition: Definition) -> Iterator[Evidence]:
    parent = view.at(definition.parent)
    if parent.kind == "class":
        bases = [view.written(base) for base in parent.bases]
        choice = "TestCase" if any(re.search(r"Test(?:Case|s|Base)?$|Case$", base) for base in bases) else "class"
        if choice == "class" and bases and bases != ["object"]:
            return  # which kind of class only its base's file says
    else:
        choice = "function"
    yield _place("testing.style", choice, definition)
    for parameter in definition.parameters:
        if parameter.name in ("monkeypatch", "mocker"):
            yield _place("testing.doubles", parameter.name, definition)


def _of_own_imports(view: _View) -> Iterator[Evidence]:
    if view.facts.is_test:
        return  # tests often stand outside the package and have no choice
    folders = view.facts.path.split("/")[:-1]
    for each in view.facts.imports:
        if each.module.startswith("."):
            yield Evidence("structural.own-imports", "relative", each.line, 0)
        elif each.module.split(".", 1)[0] in folders:
            yield Evidence("structural.own-imports", "absolute", each.line, 0)


def _of_loggers(view: _View) -> Iterator[Evidence]:
    for name, values in view.facts.scopes[0].bindings.items() if view.facts.scopes else ():
        for value in values:
            if value[0] != F.CALL:
                continue
            call = view.facts.calls[value[1]]
            if call.name in ("getLogger", "get_logger") and not view.facts.is_test:
                yield _place("logging.logger-variable", name, call)
                if call.arguments:
                    is_module = view.written(call.arguments[0]) == "__name__"
                    yield _place("logging.logger-name", "module" if is_module else "fixed", call)


# --- TypeScript and JavaScript ----------------------------------------------------------------------------------------

_TEST_MODULES: Final = {
    "vitest": "vitest",
    "@jest/globals": "jest",
    "node:test": "node:test",
    "@playwright/test": "playwright",
    "mocha": "mocha",
    "ava": "ava",
    "tap": "tap",
    "bun:test": "bun",
    "cypress": "cypress",
}
_REACT_CLASS: Final = re.compile(r"(?:^|\.)(?:Pure)?Component$")
_CONTROLS: Final = frozenset(
    {"button", "a", "input", "select", "textarea", "option", "label", "summary", "form", "details"}
)
_ALIASED: Final = ("@/", "~/", "#", "src/")


def _of_scripts(view: _View) -> Iterator[Evidence]:
    facts = view.facts
    yield from _of_script_file(view)
    yield from _of_script_functions(view)
    if facts.is_test:
        yield from _of_script_tests(view)
        return
    for call in facts.calls:
        if call.flags & F.JSX:
            yield from _of_element(view, call)
        elif call.flags & F.AWAIT:
            yield _place("structural.promises", "await", call)
        elif call.name == "then" and call.callee[0] == F.ATTR:
            yield _place("structural.promises", "then", call)
        elif call.flags & F.TAGGED and view.origin(call.callee).startswith(("styled", "@emotion")):
            yield _place("styling.approach", "css-in-js", call)
        else:
            yield from _of_hashing(view.origin(call.callee), call)


def _of_script_file(view: _View) -> Iterator[Evidence]:
    facts = view.facts
    required = min((each.line for each in facts.imports if each.name == "="), default=0)
    if required or "=" in facts.exports:
        yield Evidence("structural.module-system", "require", required or 1, 0)
    elif facts.imports or facts.exports:
        yield Evidence("structural.module-system", "import", 1, 0)
    if (
        facts.exports
        and "=" not in facts.exports
        and not facts.is_test
        and not facts.path.endswith((".d.ts", ".config.ts", ".config.js"))
    ):
        yield Evidence("structural.exports", "default" if "default" in facts.exports else "named", 1, 0)
    for each in facts.imports if not facts.is_test else ():
        # A neighbour in the same folder is always './x'; the choice begins above it.
        if each.module.startswith("../"):
            yield Evidence("structural.import-alias", "relative", each.line, 0)
        elif each.module.startswith(_ALIASED):
            yield Evidence("structural.import-alias", "alias", each.line, 0)


def _of_script_functions(view: _View) -> Iterator[Evidence]:
    facts = view.facts
    draws = {call.caller for call in facts.calls if call.flags & F.JSX}
    # What is drawn inside an arrow belongs to the function around it, too.
    for number in list(draws):
        while number > 0:
            draws.add(number)
            number = facts.definitions[number].parent
    for number, definition in enumerate(facts.definitions[1:], 1):
        if definition.kind == "class" and not facts.is_test:
            yield from _of_script_class(view, definition, number)
        if definition.kind != "function" or definition.parent != 0:
            continue
        form = (
            "declaration"
            if re.match(r"(?:export |default |async |declare )*function\b", definition.signature)
            else "arrow"
        )
        is_component = number in draws and definition.name[:1].isupper()
        if is_component and not facts.is_test:
            yield _place("components.form", "function", definition)
            yield _place("components.declaration", form, definition)
        elif not is_component and not definition.flags & F.DECLARATION:
            yield _place("structural.function-form", form, definition)


def _of_script_class(view: _View, definition: Definition, number: int) -> Iterator[Evidence]:
    if any(_REACT_CLASS.search(view.written(base)) for base in definition.bases):
        yield _place("components.form", "class", definition)
    angular = [each for each in definition.decorators if view.origin(each.target).startswith("@angular/core")]
    for decorator in angular:
        if decorator.target[0] != F.CALL:
            continue
        call = view.facts.calls[decorator.target[1]]
        if call.name != "Component" or not call.arguments or call.arguments[0][0] != F.RECORD:
            continue
        keys = {key[1] for key, _ in call.arguments[0][2] if key is not None and key[0] == F.TEXT}
        yield _place("performance.change-detection", "declared" if "changeDetection" in keys else "default", definition)
        if keys & {"template", "templateUrl"}:
            yield _place("components.template", "file" if "templateUrl" in keys else "inline", definition)
        if keys & {"styles", "styleUrl", "styleUrls"}:
            choice = "styles in the component" if "styles" in keys else "style files"
            yield _place("styling.approach", choice, definition)
    if angular:
        members = [each for each in view.facts.definitions if each.parent == number and each.flags & F.CONSTRUCTOR]
        if any(each.parameters for each in members):
            yield _place("components.injection", "constructor", definition)
        elif any(
            call.name == "inject"
            and view.origin(call.callee) == "@angular/core.inject"
            and call.line >= definition.line
            and call.line <= definition.end_line
            for call in view.facts.calls
        ):
            yield _place("components.injection", "inject", definition)


def _of_script_tests(view: _View) -> Iterator[Evidence]:
    modules = {each.module for each in view.facts.imports}
    framework = next((name for module, name in _TEST_MODULES.items() if module in modules), None)
    cases = [
        call
        for call in view.facts.calls
        if call.name in ("it", "test") and call.callee[0] in (F.NAME, F.FREE) and call.arguments
    ]
    if framework is None and cases and cases[0].callee[0] == F.FREE:
        uses = {view.written(call.callee).split(".", 1)[0] for call in view.facts.calls}
        framework = "jest" if "jest" in uses else "cypress" if "cy" in uses else None
    if framework is not None:
        yield Evidence("testing.framework", framework, 1, 0)
    for call in cases:
        yield _place("testing.case-word", call.name, call)


def _of_element(view: _View, call: Call) -> Iterator[Evidence]:
    given = dict(call.keywords)
    if call.name == "img":
        yield _place("accessibility.image-text", "alt" if "alt" in given or "" in given else "none", call)
    if "onClick" in given and call.name[:1].islower():
        reachable = call.name in _CONTROLS or "role" in given or "tabIndex" in given
        yield _place("accessibility.click-targets", "reachable" if reachable else "static", call)
    if "sx" in given or "css" in given:
        yield _place("styling.approach", "css-in-js", call)
    elif "className" in given:
        from_module = view.origin(given["className"]).split(".module.")
        yield _place("styling.approach", "CSS modules" if len(from_module) > 1 else "class names", call)
    elif "style" in given and given["style"][0] == F.RECORD:
        yield _place("styling.approach", "inline styles", call)
