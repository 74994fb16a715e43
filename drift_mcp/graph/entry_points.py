"""Where the outside world comes in: routes, commands, jobs, handlers and tests. Pure: facts in, entry points out.

A route's path is put together from every prefix on the way: a router mounted in a router mounted in an application, in
whichever file. A prefix that only the running program knows is left out, never invented.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from drift_mcp.graph.evaluate import Evaluator, Module
from drift_mcp.graph.values import (
    CLASS,
    DICT,
    EXTERNAL,
    FOREIGN,
    FUNCTION,
    METHOD,
    MODULE,
    OBJECT,
    STRING,
    Value,
    Values,
)
from drift_mcp.graph.words import words
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Call, Definition, Expr


class EntryPoint(NamedTuple):
    path: str  # file of the function
    definition: int
    kind: str  # 'route', 'cli', 'handler', 'job', 'test'
    label: str  # 'GET /users/{id}', 'import-books', 'test_login'
    method: str | None
    route: str | None
    framework: str
    line: int


class _Route(NamedTuple):
    file: str
    definition: int
    method: str
    path: str
    owner: tuple[str, ...]  # what it hangs on: ('site', file, call), ('module', file), ('nest', version) or ()
    framework: str
    line: int


class _Mount(NamedTuple):
    parent: tuple[str, ...]
    child: tuple[str, ...]
    prefix: str


class _Routing(NamedTuple):
    """What one file says of routes."""

    routes: tuple[_Route, ...]
    mounts: tuple[_Mount, ...]
    prefix: str  # of all routes of the application
    version: str  # default for all routes of the application


_VERBS: Final = {
    "get": "GET",
    "post": "POST",
    "put": "PUT",
    "delete": "DELETE",
    "del": "DELETE",
    "patch": "PATCH",
    "head": "HEAD",
    "options": "OPTIONS",
    "all": "ALL",
    "websocket": "WEBSOCKET",
    "trace": "TRACE",
}
_NEST: Final = {
    "Get": "GET",
    "Post": "POST",
    "Put": "PUT",
    "Delete": "DELETE",
    "Patch": "PATCH",
    "Head": "HEAD",
    "Options": "OPTIONS",
    "All": "ALL",
    "Sse": "GET",
}
_VIEWSET: Final = {
    "list": ("GET", ""),
    "create": ("POST", ""),
    "retrieve": ("GET", "{pk}/"),
    "update": ("PUT", "{pk}/"),
    "partial_update": ("PATCH", "{pk}/"),
    "destroy": ("DELETE", "{pk}/"),
}
_COMMANDS: Final = words("command callback group")
_JOBS: Final = words(
    "task shared_task periodic_task db_task db_periodic_task actor cron scheduled_job job Cron Interval Process "
    "Processor repeat_every scheduled_project_task background_task every timeout_task timer asset flow"
)
_HANDLERS: Final = words(
    "receiver on_event listens_for listen event errorhandler exception_handler app_errorhandler before_request "
    "after_request teardown_request before_first_request teardown_appcontext context_processor middleware on_message "
    "on_command message_handler callback_query_handler EventPattern MessagePattern SubscribeMessage OnEvent "
    "OnQueueEvent Subscription Query Mutation ResolveField subscriber listener"
)
_TEST_CALLS: Final = words("it test specify")
_SERVER_NAMES: Final = re.compile(
    r"^(app|api|router|routes|server|fastify|hono|web|http)$|(App|Router|Server|Routes|Api)$"
)
_NEXT_ROUTE: Final = re.compile(r"(?:^|/)app/(.*?)/?route\.(?:ts|tsx|js|jsx|mjs)$")
_NEXT_PAGE: Final = re.compile(r"(?:^|/)pages/(api/.*?)\.(?:ts|tsx|js|jsx)$")
# Names that lead to names: a handler is imported through a barrel or two.
_MOST_HOPS: Final = 8
# A router mounted in more places than this is a test harness's; the first ones stand for all.
_MOST_PREFIXES: Final = 8


def _declares(name: str) -> bool:
    """Whether a decorator of that name may make a route of what it decorates."""
    return name in _VERBS or name in ("route", "api_route", "api_view", "websocket_route")


# Prefixes are put together in one or two steps; a text that is part of itself would never end.
_DEEPEST_TEXT: Final = 6


class EntryPointFinder:
    """Finds entry points over one evaluator. Not for two threads at once."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._read: dict[str, _Routing] = {}

    def find(self, paths: Iterable[str]) -> list[EntryPoint]:
        """The entry points of these files. Mounts are read from them too: give every file that mounts a router."""
        routes: list[_Route] = []
        mounts: list[_Mount] = []
        found: list[EntryPoint] = []
        base, default_version = "", ""
        for path in paths:
            module = self._evaluator.module(path)
            if module is None:
                continue
            found.extend(self._others(module))
            routing = self._routing(module)
            routes.extend(routing.routes)
            mounts.extend(routing.mounts)
            base, default_version = routing.prefix or base, routing.version or default_version
        prefixes = _Prefixes(mounts)
        for route in dict.fromkeys(routes):
            for prefix in prefixes.of(route.owner):
                path = join(prefix, route.path)
                if route.framework == "nestjs":
                    version = route.owner[1] if len(route.owner) > 1 else default_version
                    path = join(join(base, f"/v{version}" if version else ""), path)
                label = f"{route.method} {path}"
                found.append(
                    EntryPoint(
                        route.file, route.definition, "route", label, route.method, path, route.framework, route.line
                    )
                )
        return list(dict.fromkeys(found))

    def routes(self, path: str) -> bool:
        """Whether this file has a say in routes: it declares one, mounts a router or sets a prefix."""
        module = self._evaluator.module(path)
        return module is not None and any(self._routing(module))

    # -- routes

    def _routing(self, module: Module) -> _Routing:
        found = self._read.get(module.path)
        if found is None:
            mounts: list[_Mount] = []
            routes = tuple(self._routes(module, mounts))
            found = _Routing(routes, tuple(mounts), *self._global_prefix(module))
            self._read[module.path] = found
        return found

    def _routes(self, module: Module, mounts: list[_Mount]) -> Iterable[_Route]:
        if module.python:
            yield from self._python_routes(module, mounts)
        else:
            yield from self._script_routes(module, mounts)
            yield from self._nest_routes(module)
            yield from self._next_routes(module)

    def _python_routes(self, module: Module, mounts: list[_Mount]) -> Iterable[_Route]:
        for number, call in enumerate(module.facts.calls):
            name = call.name
            if call.flags & F.DECORATOR and _declares(name):
                yield from self._decorated(module, call, ((module.path, call.caller),))
            elif call.callee[0] == F.CALL and call.arguments and _declares(module.facts.calls[call.callee[1]].name):
                # `router.post("/register")(register)`: a decorator put on by hand.
                applied = module.facts.calls[call.callee[1]]
                yield from self._decorated(module, applied, self._functions(module, call.arguments[0]))
            elif name in (
                "include_router",
                "register_blueprint",
                "mount",
                "add_url_rule",
                "add_api_route",
                "add_route",
            ):
                yield from self._mounted(module, call, mounts)
            elif name in ("path", "re_path", "url") and len(call.arguments) >= 2:
                yield from self._django(module, call, mounts)
            elif name == "register" and len(call.arguments) >= 2:
                yield from self._viewset(module, call)
            elif _keyword(call, "prefix") is not None or _keyword(call, "url_prefix") is not None:
                # Whatever is made with a prefix: a router, or an instance of a project's own kind of router.
                prefix = self._text(module, _keyword(call, "prefix") or _keyword(call, "url_prefix"))
                if prefix:
                    mounts.append(_Mount((), ("self", module.path, str(number)), prefix))
            elif name in ("Route", "WebSocketRoute") and len(call.arguments) >= 2:
                yield from self._starlette(module, call)

    def _decorated(self, module: Module, call: Call, views: Iterable[tuple[str, int]]) -> Iterable[_Route]:
        if call.callee[0] != F.ATTR:
            return
        owners = self._evaluator.values(module, call.callee[1])
        framework, owner = self._router(owners)
        owner = owner or self._made_at(module, call.callee[1], 0)
        first = call.arguments[0] if call.arguments else _keyword(call, "path") or _keyword(call, "rule")
        path = self._text(module, first)
        if framework is None:
            if any(value[0] in (CLASS, MODULE, OBJECT, FUNCTION) for value in owners):
                return
            if path is None or not path.startswith("/"):
                return
            framework = "http"
        if path is None:
            return
        methods = self._methods(module, call)
        for file, definition in views:
            line = module.facts.definitions[definition].line if file == module.path else call.line
            for method in methods:
                yield _Route(file, definition, method, path, owner, framework, line)

    def _methods(self, module: Module, call: Call) -> tuple[str, ...]:
        if call.name in _VERBS:
            return (_VERBS[call.name],)
        if call.name == "websocket_route":
            return ("WEBSOCKET",)
        given = _keyword(call, "methods")
        if given is not None and given[0] == F.SEQUENCE:
            named = tuple(each[1].upper() for each in given[2] if each[0] == F.TEXT)
            if named:
                return named
        return ("GET",)

    def _router(self, owners: Values) -> tuple[str | None, tuple[str, ...]]:
        for value in owners:
            if value[0] == FOREIGN:
                framework = _framework(value[1])
                if framework is not None:
                    owner = ("site", value[2][0], str(value[2][1])) if value[2] is not None else ()
                    return (framework, owner)
            if value[0] == OBJECT:
                for module, at, _ in self._evaluator.bases(value[1], value[2]):
                    name = module.facts.definitions[at].name
                    if name in ("FastAPI", "APIRouter"):
                        return ("fastapi", ())
                    if name in ("Flask", "Blueprint", "Scaffold"):
                        return ("flask", ())
                for base in self._evaluator.external_bases(value[1], value[2]):
                    framework = _framework(base)
                    if framework is not None:
                        return (framework, ())
        return (None, ())

    def _mounted(self, module: Module, call: Call, mounts: list[_Mount]) -> Iterable[_Route]:
        if call.callee[0] != F.ATTR:
            return
        parents = self._owners(self._evaluator.values(module, call.callee[1])) or (
            self._made_at(module, call.callee[1], 0),
        )
        if call.name in ("add_url_rule", "add_api_route", "add_route"):
            path = self._text(module, call.arguments[0] if call.arguments else None)
            view = (
                _keyword(call, "view_func")
                or _keyword(call, "endpoint")
                or (call.arguments[-1] if len(call.arguments) > 1 else None)
            )
            if path is not None and view is not None:
                for file, definition in self._functions(module, view):
                    for method in self._methods(module, call):
                        yield _Route(file, definition, method, path, parents[0], "http", call.line)
            return
        child = (
            call.arguments[-1]
            if call.name == "mount" and call.arguments
            else call.arguments[0]
            if call.arguments
            else None
        )
        prefix = self._text(module, _keyword(call, "prefix") or _keyword(call, "url_prefix"))
        if call.name == "mount" and call.arguments:
            prefix = self._text(module, call.arguments[0])
            child = call.arguments[1] if len(call.arguments) > 1 else _keyword(call, "app")
        if child is None:
            return
        made = self._made_at(module, child, 0)
        for owner in self._owners(self._evaluator.values(module, child)) or ((made,) if made else ()):
            mounts.extend(_Mount(parent, owner, prefix or "") for parent in parents)

    def _made_at(self, module: Module, expression: Expr, hops: int) -> tuple[str, ...]:
        """The call that makes what a name stands for, through imports; () when it is not made by one call."""
        # Eight hops, as for the re-exports of type aliases.
        if hops > 8:
            return ()
        if expression[0] == F.ATTR:
            for value in self._evaluator.values(module, expression[1]):
                other = self._evaluator.module(value[1]) if value[0] == MODULE else None
                if other is not None:
                    return self._made_at(other, (F.NAME, 0, expression[2]), hops + 1)
            return ()
        if expression[0] == F.CALL:
            return ("site", module.path, str(expression[1]))
        if expression[0] != F.NAME:
            return ()
        bindings = module.facts.scopes[expression[1]].bindings.get(expression[2], ())
        if len(bindings) != 1:
            return ()
        if bindings[0][0] == F.IMPORTED:
            entry = module.facts.imports[bindings[0][1]]
            path = self._evaluator.modules.resolve(module.path, entry.module)
            other = None if path is None else self._evaluator.module(path)
            return () if other is None else self._made_at(other, (F.NAME, 0, entry.name), hops + 1)
        return self._made_at(module, bindings[0], hops + 1) if bindings[0][0] == F.CALL else ()

    @staticmethod
    def _owners(values: Values) -> tuple[tuple[str, ...], ...]:
        return tuple(
            ("site", value[2][0], str(value[2][1])) for value in values if value[0] == FOREIGN and value[2] is not None
        )

    def _starlette(self, module: Module, call: Call) -> Iterable[_Route]:
        if not any(
            value[0] == EXTERNAL and value[1].startswith("starlette")
            for value in self._evaluator.values(module, call.callee)
        ):
            return
        path = self._text(module, call.arguments[0])
        if path is None:
            return
        for file, definition in self._functions(module, call.arguments[1]):
            for method in self._methods(module, call):
                yield _Route(file, definition, method, path, (), "starlette", call.line)

    # -- Django

    def _django(self, module: Module, call: Call, mounts: list[_Mount]) -> Iterable[_Route]:
        callees = self._evaluator.values(module, call.callee)
        if not any(
            (value[0] == EXTERNAL and value[1].startswith("django."))
            or (value[0] == FUNCTION and value[1].endswith("django/urls/conf.py"))
            or (value[0] == FOREIGN and value[1] == "functools.partial")
            for value in callees
        ):
            return
        pattern = self._text(module, call.arguments[0])
        if pattern is None:
            return
        path = _django_path(pattern, call.name)
        view = call.arguments[1]
        if view[0] == F.CALL:
            inner = module.facts.calls[view[1]]
            if inner.name == "include":
                self._included(module, inner, path, mounts)
                return
            if inner.name == "as_view" and inner.callee[0] == F.ATTR:
                yield from self._class_view(module, inner, path, call.line)
                return
            if inner.arguments:  # a decorator around the view: login_required(view)
                for file, definition in self._functions(module, inner.arguments[0]):
                    yield _Route(file, definition, "ANY", path, ("module", module.path), "django", call.line)
                return
        for file, definition in self._functions(module, view):
            yield _Route(file, definition, "ANY", path, ("module", module.path), "django", call.line)

    def _included(self, module: Module, call: Call, prefix: str, mounts: list[_Mount]) -> None:
        if not call.arguments:
            return
        target = call.arguments[0]
        if target[0] == F.SEQUENCE and target[2]:
            target = target[2][0]
        if target[0] == F.TEXT:
            path = self._evaluator.modules.resolve(module.path, target[1])
            if path is not None:
                mounts.append(_Mount(("module", module.path), ("module", path), prefix))
            return
        children: list[tuple[str, ...]] = [
            ("module", value[1]) for value in self._evaluator.values(module, target) if value[0] == MODULE
        ]
        if target[0] == F.ATTR:  # include(router.urls)
            children.extend(self._owners(self._evaluator.values(module, target[1])))
        mounts.extend(_Mount(("module", module.path), child, prefix) for child in children)

    def _class_view(self, module: Module, call: Call, path: str, line: int) -> Iterable[_Route]:
        for value in self._evaluator.values(module, call.callee[1]):
            if value[0] != CLASS:
                continue
            owner = self._evaluator.module(value[1])
            if owner is None:
                continue
            found = False
            for verb in ("get", "post", "put", "patch", "delete"):
                place = self._evaluator.member(value[1], value[2], verb)
                if place is None or place[1].kind != "class":
                    continue
                for bound in place[0].facts.scopes[place[1].scope].bindings.get(verb, ()):
                    if bound[0] == F.DEFINITION:
                        found = True
                        yield _Route(
                            place[0].path, bound[1], verb.upper(), path, ("module", module.path), "django", line
                        )
            if not found:
                yield _Route(value[1], value[2], "ANY", path, ("module", module.path), "django", line)

    def _viewset(self, module: Module, call: Call) -> Iterable[_Route]:
        if call.callee[0] != F.ATTR:
            return
        owners = self._evaluator.values(module, call.callee[1])
        if not any(value[0] == FOREIGN and value[1].startswith("rest_framework") for value in owners):
            return
        prefix = self._text(module, call.arguments[0])
        if prefix is None:
            return
        hangs_on = self._owners(owners)
        for value in self._evaluator.values(module, call.arguments[1]):
            if value[0] != CLASS:
                continue
            owner = self._evaluator.module(value[1])
            if owner is None:
                continue
            scope = owner.facts.scopes[owner.facts.definitions[value[2]].scope]
            base = "/" + prefix.strip("/") + "/"
            explicit = False
            for name, (method, rest) in _VIEWSET.items():
                for bound in scope.bindings.get(name, ()):
                    if bound[0] == F.DEFINITION:
                        explicit = True
                        yield _Route(
                            value[1],
                            bound[1],
                            method,
                            base + rest,
                            hangs_on[0] if hangs_on else (),
                            "djangorestframework",
                            call.line,
                        )
            if not explicit:
                yield _Route(
                    value[1], value[2], "ANY", base, hangs_on[0] if hangs_on else (), "djangorestframework", call.line
                )

    # -- Express and its kin

    def _script_routes(self, module: Module, mounts: list[_Mount]) -> Iterable[_Route]:
        for call in module.facts.calls:
            if call.callee[0] != F.ATTR or call.flags & (F.DECORATOR | F.JSX):
                continue
            if call.name in _VERBS and call.arguments:
                yield from self._express(module, call)
            elif call.name in ("use", "register", "mount") and call.arguments:
                self._used(module, call, mounts)
            elif call.name == "route" and call.arguments and call.arguments[0][0] == F.RECORD:
                yield from self._fastify(module, call)

    def _express(self, module: Module, call: Call) -> Iterable[_Route]:
        receiver = call.callee[1]
        path: str | None
        handlers = call.arguments[1:]
        if receiver[0] == F.CALL:  # router.route('/x').get(handler).post(handler)
            below: Call | None = module.facts.calls[receiver[1]]
            while (
                below is not None
                and below.name in _VERBS
                and below.callee[0] == F.ATTR
                and below.callee[1][0] == F.CALL
            ):
                below = module.facts.calls[below.callee[1][1]]
            if below is not None and below.name == "route" and below.arguments and below.callee[0] == F.ATTR:
                path = self._text(module, below.arguments[0])
                receiver = below.callee[1]
                handlers = call.arguments
            else:  # Router().get('/x', handler)
                path = self._text(module, call.arguments[0])
        else:
            path = self._text(module, call.arguments[0])
        if path is None or not handlers:
            return
        owners = self._evaluator.values(module, receiver)
        framework, owner = self._script_router(owners)
        if framework is None:
            name = receiver[2] if receiver[0] in (F.NAME, F.ATTR) else receiver[1] if receiver[0] == F.FREE else ""
            if not isinstance(name, str) or not _SERVER_NAMES.search(name) or not path.startswith(("/", "*")):
                return
            if any(value[0] in (CLASS, MODULE) for value in owners):
                return
            framework = "http"
        functions = self._wrapped(module, handlers[-1], 0) or list(self._functions(module, handlers[-1]))
        functions.extend((module.path, each[1]) for each in handlers[:-1] if each[0] == F.DEFINITION)
        for file, definition in functions:
            yield _Route(file, definition, _VERBS[call.name], path, owner, framework, call.line)

    def _script_router(self, owners: Values) -> tuple[str | None, tuple[str, ...]]:
        for value in owners:
            if value[0] == FOREIGN:
                root = str(value[1]).split(".", 1)[0]
                if root in (
                    "express",
                    "fastify",
                    "hono",
                    "@koa/router",
                    "koa-router",
                    "restify",
                    "polka",
                    "@hono/zod-openapi",
                    "find-my-way",
                ):
                    owner = ("site", value[2][0], str(value[2][1])) if value[2] is not None else ()
                    return (root.removeprefix("@").split("/")[0], owner)
                if value[1].rsplit(".", 1)[-1] in (
                    "Router",
                    "Express",
                    "Application",
                    "FastifyInstance",
                    "IRouter",
                    "Hono",
                ):
                    return ("express", ("site", value[2][0], str(value[2][1])) if value[2] is not None else ())
        return (None, ())

    def _used(self, module: Module, call: Call, mounts: list[_Mount]) -> None:
        prefix = (
            self._text(module, call.arguments[0])
            if call.arguments[0][0] in (F.TEXT, F.JOINED, F.NAME, F.ATTR)
            else None
        )
        children = call.arguments if prefix is None else call.arguments[1:]
        if call.name == "register" and len(call.arguments) > 1:  # fastify.register(routes, { prefix })
            given = _pair(call.arguments[1], "prefix")
            prefix = self._text(module, given) if given is not None else prefix
            children = call.arguments[:1]
        parents = self._owners(self._evaluator.values(module, call.callee[1])) or ((),)
        listed = self._listed_routers(module, call)
        if listed:
            mounts.extend(_Mount(parent, owner, each) for each, owner in listed for parent in parents)
            return
        for child in children:
            for owner in self._owners(self._evaluator.values(module, child)):
                mounts.extend(_Mount(parent, owner, prefix or "") for parent in parents)

    def _listed_routers(self, module: Module, call: Call) -> list[tuple[str, tuple[str, ...]]]:
        """`routes.forEach((each) => router.use(each.path, each.router))`: each prefix with its own router."""
        if len(call.arguments) != 2:
            return []
        first, second = call.arguments
        if first[0] != F.ATTR or second[0] != F.ATTR or first[1] != second[1]:
            return []
        found: list[tuple[str, tuple[str, ...]]] = []
        for value in self._evaluator.values(module, first[1]):
            prefixes = [each[1] for each in self._evaluator.attribute((value,), first[2]) if each[0] == STRING]
            if len(prefixes) == 1:
                owners = self._owners(self._evaluator.attribute((value,), second[2]))
                found.extend((prefixes[0], owner) for owner in owners)
        return found

    def _fastify(self, module: Module, call: Call) -> Iterable[_Route]:
        record = call.arguments[0]
        path = self._text(module, _pair(record, "url") or _pair(record, "path"))
        handler = _pair(record, "handler")
        if path is None or handler is None:
            return
        given = _pair(record, "method")
        methods = [
            each[1]
            for each in (given[2] if given is not None and given[0] == F.SEQUENCE else (given,))
            if each and each[0] == F.TEXT
        ]
        for file, definition in self._functions(module, handler):
            for method in methods or ["GET"]:
                yield _Route(file, definition, method.upper(), path, (), "fastify", call.line)

    # -- NestJS and Next.js

    def _nest_routes(self, module: Module) -> Iterable[_Route]:
        controllers: dict[int, list[tuple[str, str | None]]] = {}
        for call in module.facts.calls:
            if call.flags & F.DECORATOR and call.name in ("Controller", "JsonController", "RestController"):
                controllers[call.caller] = self._controller_paths(module, call)
        if not controllers:
            return
        versions = {
            call.caller: self._version(module, call.arguments[0] if call.arguments else None)
            for call in module.facts.calls
            if call.flags & F.DECORATOR and call.name == "Version"
        }
        for call in module.facts.calls:
            if not call.flags & F.DECORATOR or call.name not in _NEST:
                continue
            definition = module.facts.definitions[call.caller]
            if definition.parent not in controllers:
                continue
            for prefix, version in controllers[definition.parent]:
                version = versions.get(call.caller, version)
                for path in self._paths(module, call.arguments[0] if call.arguments else None):
                    full = join("/" + prefix.strip("/"), path)
                    owner = ("nest",) if version is None else ("nest", version)
                    yield _Route(module.path, call.caller, _NEST[call.name], full, owner, "nestjs", definition.line)

    def _controller_paths(self, module: Module, call: Call) -> list[tuple[str, str | None]]:
        if not call.arguments:
            return [("", None)]
        argument = call.arguments[0]
        if argument[0] == F.RECORD:
            version = self._version(module, _pair(argument, "version"))
            return [(path, version) for path in self._paths(module, _pair(argument, "path"))]
        return [(path, None) for path in self._paths(module, argument)]

    def _version(self, module: Module, expression: Expr | None) -> str | None:
        """'' for a route that stands in no version; None where nothing is said and the default holds."""
        if any(
            value == (EXTERNAL, "@nestjs/common.VERSION_NEUTRAL")
            for value in self._evaluator.values(module, expression)
        ):
            return ""
        return self._text(module, expression)

    def _paths(self, module: Module, expression: Expr | None) -> list[str]:
        if expression is None:
            return [""]
        if expression[0] == F.SEQUENCE:
            return [each[1] for each in expression[2] if each[0] == F.TEXT] or [""]
        return [self._text(module, expression) or ""]

    def _global_prefix(self, module: Module) -> tuple[str, str]:
        """Nest's `app.setGlobalPrefix('api')`, and the default version where the version stands in the path."""
        prefix, version = "", ""
        if module.python:
            return prefix, version
        for call in module.facts.calls:
            if call.name == "setGlobalPrefix" and call.arguments:
                prefix = "/" + (self._text(module, call.arguments[0]) or "").strip("/")
            if call.name == "enableVersioning" and call.arguments:
                given = _pair(call.arguments[0], "defaultVersion")
                texts = (
                    given[2] if given is not None and given[0] == F.SEQUENCE else (given,) if given is not None else ()
                )
                version = next((str(each[1]) for each in texts if each[0] == F.TEXT), "")
        return prefix, version

    def _next_routes(self, module: Module) -> Iterable[_Route]:
        found = _NEXT_ROUTE.search(module.path)
        if found is not None:
            path = "/" + re.sub(r"\([^)]*\)/?", "", found.group(1)).strip("/")
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
                for value in self._evaluator.exported(module.path, method):
                    if value[0] == FUNCTION:
                        yield _Route(value[1], value[2], method, path, (), "nextjs", module.facts.definitions[0].line)
        page = _NEXT_PAGE.search(module.path)
        if page is not None:
            for value in self._evaluator.exported(module.path, "default"):
                if value[0] == FUNCTION:
                    path = "/" + page.group(1).removesuffix("/index")
                    yield _Route(value[1], value[2], "ANY", path, (), "nextjs", module.facts.definitions[0].line)

    # -- everything that is no route

    def _others(self, module: Module) -> Iterable[EntryPoint]:
        for call in module.facts.calls:
            if call.flags & F.DECORATOR:
                definition = module.facts.definitions[call.caller]
                kind = self._decorator_kind(module, call, definition)
                if kind is not None:
                    label = self._command_name(module, call, definition) if kind == "cli" else definition.qualified_name
                    yield EntryPoint(
                        module.path, call.caller, kind, label, None, None, self._library(module, call), definition.line
                    )
            elif call.name == "set_defaults":
                for name, value in call.keywords:
                    if name in ("func", "handler", "command", "run"):
                        for file, number in self._functions(module, value):
                            yield EntryPoint(
                                file, number, "cli", self._name(file, number), None, None, "argparse", call.line
                            )
            elif (
                not module.python
                and call.name in _TEST_CALLS
                and call.callee[0] in (F.FREE, F.NAME)
                and len(call.arguments) >= 2
            ):
                text = self._text(module, call.arguments[0])
                for argument in call.arguments[1:]:
                    if argument[0] == F.DEFINITION and module.facts.is_test:
                        yield EntryPoint(module.path, argument[1], "test", text or call.name, None, None, "", call.line)
        if module.python and module.facts.is_test:
            yield from self._tests(module)
        if module.python and "/management/commands/" in "/" + module.path:
            for number, definition in enumerate(module.facts.definitions):
                if definition.name == "handle" and definition.kind == "method":
                    name = module.path.rsplit("/", 1)[-1].removesuffix(".py")
                    yield EntryPoint(module.path, number, "cli", name, None, None, "django", definition.line)

    def _tests(self, module: Module) -> Iterable[EntryPoint]:
        definitions = module.facts.definitions
        for number, definition in enumerate(definitions):
            if not definition.name.startswith("test"):
                continue
            if definition.kind == "function" and definition.parent == 0:
                yield EntryPoint(
                    module.path, number, "test", definition.qualified_name, None, None, "pytest", definition.line
                )
            elif definition.kind == "method":
                yield EntryPoint(
                    module.path, number, "test", definition.qualified_name, None, None, "", definition.line
                )

    def _decorator_kind(self, module: Module, call: Call, definition: Definition) -> str | None:
        name = call.name
        if definition.kind == "class" and name not in ("Processor",):
            return None
        if any(key.startswith("<") for key, _ in call.keywords):  # it decorates a parameter or a field
            return None
        if name in _COMMANDS and (call.callee[0] == F.ATTR or self._library(module, call) in ("click", "typer")):
            owners = self._evaluator.values(module, call.callee[1]) if call.callee[0] == F.ATTR else ()
            if (
                self._library(module, call) in ("click", "typer", "cyclopts", "flask")
                or any(
                    value[0] == FOREIGN and _root(value) in ("click", "typer", "cyclopts", "flask") for value in owners
                )
                or any(value[0] == FUNCTION for value in owners)
            ):
                return "cli" if name != "callback" or self._library(module, call) == "typer" else None
            return None
        if name in _JOBS:
            if name in ("task", "job", "cron", "every", "event", "flow", "asset", "timer") and call.callee[0] in (
                F.NAME,
                F.FREE,
            ):
                return "job" if self._library(module, call) else None
            return "job"
        if name in _HANDLERS:
            return "handler"
        return None

    def _library(self, module: Module, call: Call) -> str:
        """The package that the callee comes from; '' when it is the project's own or unknown."""
        for value in self._evaluator.values(module, call.callee):
            if value[0] == EXTERNAL:
                return str(value[1]).split(".", 1)[0]
            if value[0] == "bound-external" and value[1][0] == FOREIGN:
                return _root(value[1])
        return ""

    def _command_name(self, module: Module, call: Call, definition: Definition) -> str:
        given = self._text(module, call.arguments[0] if call.arguments else _keyword(call, "name"))
        return given or definition.name.replace("_", "-")

    def _name(self, path: str, number: int) -> str:
        module = self._evaluator.module(path)
        return "" if module is None else module.facts.definitions[number].qualified_name

    # -- small questions

    def _wrapped(self, module: Module, expression: Expr, hops: int) -> list[tuple[str, int]]:
        """The handler in `const list = wrap(async (request, response) => …)`, wherever `list` is imported to: what the
        wrapper returns is the same for every handler and says nothing about this one."""
        if hops > _MOST_HOPS:
            return []
        kind = expression[0]
        if kind == F.CALL:
            return [
                function
                for argument in module.facts.calls[expression[1]].arguments
                if argument[0] in (F.DEFINITION, F.NAME, F.ATTR, F.IMPORTED)
                for function in self._wrapped(module, argument, hops + 1) or self._functions(module, argument)
            ]
        places: list[tuple[Module, Expr]] = []
        if kind == F.NAME:
            places = [(module, each) for each in module.facts.scopes[expression[1]].bindings.get(expression[2], ())]
        elif kind == F.IMPORTED:
            entry = module.facts.imports[expression[1]]
            path = self._evaluator.modules.resolve(module.path, entry.module)
            if path is not None and entry.name not in (None, "*", "="):
                places = self._exported(path, entry.name or "")
        elif kind == F.ATTR:
            for owner in self._evaluator.values(module, expression[1]):
                if owner[0] == MODULE:
                    places.extend(self._exported(owner[1], expression[2]))
                elif owner[0] == DICT:
                    holder, given = self._evaluator.module(owner[1]), _pair(owner[2], expression[2])
                    if holder is not None and given is not None:
                        places.append((holder, given))
        return [function for place, each in places for function in self._wrapped(place, each, hops + 1)]

    def _exported(self, path: str, name: str) -> list[tuple[Module, Expr]]:
        owner = self._evaluator.module(path)
        if owner is None:
            return []
        whole = owner.facts.exports.get("=")
        expression = owner.facts.exports.get(name) or (None if whole is None else _pair(whole, name))
        return [] if expression is None else [(owner, expression)]

    def _functions(self, module: Module, expression: Expr) -> Iterable[tuple[str, int]]:
        """The functions that a handler expression names, through arrays, wrappers and bound methods."""
        if expression[0] == F.SEQUENCE:
            for element in expression[2]:
                yield from self._functions(module, element)
            return
        found = False
        for value in self._evaluator.values(module, expression):
            if value[0] in (FUNCTION, METHOD):
                found = True
                yield (value[1], value[2])
        if not found and expression[0] == F.CALL:  # asyncHandler(fn), login_required(fn), fn.bind(x)
            call = module.facts.calls[expression[1]]
            for argument in call.arguments:
                if argument[0] in (F.DEFINITION, F.NAME, F.ATTR, F.IMPORTED):
                    yield from self._functions(module, argument)
            if call.name == "bind" and call.callee[0] == F.ATTR:
                yield from self._functions(module, call.callee[1])

    def _text(self, module: Module, expression: Expr | None, depth: int = 0) -> str | None:
        """The constant string that an expression stands for; f-strings and templates with what is constant in them."""
        if expression is None or depth > _DEEPEST_TEXT:
            return None
        if expression[0] == F.TEXT:
            return str(expression[1])
        if expression[0] == F.JOINED:
            pieces: list[str] = []
            for part in expression[1]:
                piece = self._text(module, part, depth + 1)
                if piece is None:
                    if not pieces:
                        continue  # a prefix that only the running program knows is left out
                    return None
                pieces.append(piece)
            return "".join(pieces) if pieces else None
        texts = {value[1] for value in self._evaluator.values(module, expression) if value[0] == STRING}
        if texts:
            return str(texts.pop()) if len(texts) == 1 else None
        if expression[0] == F.NAME:
            for bound in module.facts.scopes[expression[1]].bindings.get(expression[2], ()):
                if bound[0] == F.JOINED:
                    return self._text(module, bound, depth + 1)
        return self._default_of(module, expression) if expression[0] == F.ATTR else None

    def _default_of(self, module: Module, expression: Expr) -> str | None:
        """`settings.API_PREFIX` where the settings class declares `API_PREFIX: str = "/api"`: the value in the code."""
        for owner in self._evaluator.values(module, expression[1]):
            if owner[0] not in (OBJECT, CLASS):
                continue
            place = self._evaluator.member(owner[1], owner[2], expression[2])
            if place is None:
                continue
            for bound in place[0].facts.scopes[place[1].scope].bindings.get(expression[2], ()):
                if bound[0] == F.TEXT:
                    return str(bound[1])
        return None


class _Prefixes:
    """All prefixes that lead to a router. Routers that mount each other in a ring have those that lead into it."""

    def __init__(self, mounts: list[_Mount]) -> None:
        self._own: dict[tuple[str, ...], str] = {}
        self._above: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = {}
        self._known: dict[tuple[str, ...], list[str]] = {}
        for mount in dict.fromkeys(mounts):
            if mount.child and mount.child[0] == "self":
                self._own[("site", *mount.child[1:])] = mount.prefix
            else:
                self._above.setdefault(mount.child, []).append((mount.parent, mount.prefix))

    def of(self, owner: tuple[str, ...]) -> list[str]:
        if not owner or owner[0] == "nest":
            return [""]
        known = self._known.get(owner)
        if known is not None:
            return known
        own = self._own.get(owner, "")
        self._known[owner] = []  # a ring ends here
        found: dict[str, None] = {}
        for parent, prefix in self._above.get(owner, ()):
            for above in self.of(parent):
                found[join(join(above, prefix), own)] = None
            if len(found) >= _MOST_PREFIXES:
                break
        self._known[owner] = list(found)[:_MOST_PREFIXES] or [own]
        return self._known[owner]


def join(prefix: str, path: str) -> str:
    """Two parts of a URL path with one slash between them: '/api' + 'users/' → '/api/users/'."""
    if not prefix:
        return path if path.startswith(("/", "*")) or not path else "/" + path
    if not path:
        return prefix
    joined = prefix.rstrip("/") + "/" + path.lstrip("/")
    return joined if joined.startswith("/") else "/" + joined


def _framework(name: str) -> str | None:
    root, last = name.split(".", 1)[0], name.rsplit(".", 1)[-1]
    if root in ("fastapi", "starlette", "litestar") and last in (
        "FastAPI",
        "APIRouter",
        "Starlette",
        "Router",
        "Litestar",
    ):
        return root
    if root in ("flask", "quart", "sanic", "flask_openapi3", "apiflask") and last in (
        "Flask",
        "Blueprint",
        "Quart",
        "Sanic",
        "APIFlask",
        "APIBlueprint",
        "OpenAPI",
    ):
        return root
    return root if root in ("bottle", "aiohttp", "falcon", "robyn", "flask_restx", "blacksheep") else None


def _root(value: Value) -> str:
    return str(value[1]).split(".", 1)[0]


def _keyword(call: Call, name: str) -> Expr | None:
    return next((value for key, value in call.keywords if key == name), None)


def _pair(expression: Expr, key: str) -> Expr | None:
    if expression[0] == F.RECORD:
        for name, value in expression[2]:
            if name is not None and name[0] == F.TEXT and name[1] == key:
                given: Expr = value
                return given
    return None


def _django_path(pattern: str, function: str) -> str:
    """'users/<int:pk>/' → '/users/{pk}/'; a regular expression keeps its named groups."""
    if function == "path":
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", pattern).lstrip("/")
    cleaned = re.sub(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)", r"{\1}", pattern)
    return "/" + cleaned.lstrip("^").rstrip("$").lstrip("/").replace("\\", "")
