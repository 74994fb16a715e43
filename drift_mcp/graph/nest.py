"""What NestJS runs around a handler: guards, interceptors, pipes, filters, middleware, and the strategies of Passport.

The framework calls them before or after the handler that they are declared for. So their calls start at that handler:
what a guard reads, a request to the route reads. Pure: facts in, targets out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from drift_mcp.graph.evaluate import Evaluator, Module
from drift_mcp.graph.values import CLASS, EXTERNAL, FUNCTION, METHOD, OBJECT, STRING
from drift_mcp.graph.words import words
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Call, Expr

# What the framework calls on what is declared in this way.
_RUNS: Final = {
    "UseGuards": "canActivate",
    "UseInterceptors": "intercept",
    "UsePipes": "transform",
    "UseFilters": "catch",
    "apply": "use",
    "useGlobalGuards": "canActivate",
    "useGlobalInterceptors": "intercept",
    "useGlobalPipes": "transform",
    "useGlobalFilters": "catch",
}
_HANDLERS: Final = words(
    "Get Post Put Delete Patch Head Options All Sse Query Mutation Subscription ResolveField MessagePattern "
    "EventPattern SubscribeMessage GrpcMethod GrpcStreamMethod"
)
_STRATEGY: Final = "PassportStrategy"


class Around(NamedTuple):
    """One thing that is run around a handler."""

    caller: int  # the handler; where there is none, the definition that declares it
    call: Call  # the place that declares it
    target: tuple[str, int]


def around_handlers(
    evaluator: Evaluator, module: Module, classes_from: Callable[[str], Iterable[tuple[str, int]]]
) -> Iterable[Around]:
    """What this file declares to be run around its handlers; `classes_from(name)`: the classes of the project that
    inherit from what a library calls so."""
    for call in module.facts.calls:
        method = _RUNS.get(call.name)
        if method is None or not call.arguments or bool(call.flags & F.DECORATOR) is not call.name.startswith("Use"):
            continue
        if call.name == "apply" and not _is_consumer(module, call):
            continue
        targets = [
            target
            for argument in call.arguments
            for target in dict.fromkeys(_run(evaluator, module, argument, method, classes_from))
        ]
        if targets:
            for caller in _handlers(module, call):
                yield from (Around(caller, call, target) for target in targets)


def names_strategies(module: Module) -> bool:
    """Whether what this file declares depends on which strategies the project has."""
    return any(call.name == "AuthGuard" for call in module.facts.calls)


def _is_consumer(module: Module, call: Call) -> bool:
    """`consumer.apply(X)`: not the method of that name which every function has."""
    return call.callee[0] == F.ATTR and any(
        each.name in ("forRoutes", "exclude") and each.callee[0] == F.ATTR and _stands_on(module, each, call)
        for each in module.facts.calls
    )


def _stands_on(module: Module, later: Call, earlier: Call) -> bool:
    below: Expr = later.callee[1]
    while below[0] == F.CALL:
        call = module.facts.calls[below[1]]
        if call is earlier:
            return True
        if call.callee[0] != F.ATTR:
            return False
        below = call.callee[1]
    return False


def _handlers(module: Module, call: Call) -> Iterable[int]:
    """The decorated handler; every handler of a decorated class."""
    definitions = module.facts.definitions
    if not call.flags & F.DECORATOR or definitions[call.caller].kind != "class":
        return (call.caller,)
    found = {
        each.caller: None
        for each in module.facts.calls
        if each.flags & F.DECORATOR and each.name in _HANDLERS and definitions[each.caller].parent == call.caller
    }
    return found or (call.caller,)


def _run(
    evaluator: Evaluator,
    module: Module,
    expression: Expr,
    method: str,
    classes_from: Callable[[str], Iterable[tuple[str, int]]],
) -> Iterable[tuple[str, int]]:
    guard = _guard_of(module, expression)
    if guard is not None:
        yield from _validators(evaluator, module, guard, classes_from)
        return
    for value in evaluator.values(module, expression):
        if value[0] in (FUNCTION, METHOD):  # a middleware, or what makes a guard's class
            if method == "use":
                yield (value[1], value[2])
        elif value[0] in (CLASS, OBJECT):
            for found in evaluator.attribute(((OBJECT, *value[1:]),), method):
                if found[0] in (FUNCTION, METHOD):
                    yield (found[1], found[2])
            for base, number, _ in evaluator.bases(value[1], value[2]):
                for written in base.facts.definitions[number].bases:
                    inherited = _guard_of(base, written)
                    if inherited is not None:
                        yield from _validators(evaluator, base, inherited, classes_from)


def _guard_of(module: Module, expression: Expr) -> Call | None:
    """The call in `AuthGuard('jwt')`, and in `class JwtGuard extends AuthGuard('jwt')`."""
    if expression[0] != F.CALL:
        return None
    call = module.facts.calls[expression[1]]
    return call if call.name == "AuthGuard" and call.arguments else None


def _validators(
    evaluator: Evaluator, module: Module, guard: Call, classes_from: Callable[[str], Iterable[tuple[str, int]]]
) -> Iterable[tuple[str, int]]:
    """The `validate` of each strategy that the guard names."""
    argument = guard.arguments[0]
    named = [argument] if argument[0] != F.SEQUENCE else list(argument[2])
    names = {str(value[1]) for each in named for value in evaluator.values(module, each) if value[0] == STRING}
    for path, number in classes_from(_STRATEGY):
        owner = evaluator.module(path)
        if owner is None or not names & _strategy_names(evaluator, owner, number):
            continue
        for found in evaluator.attribute(((OBJECT, path, number, ()),), "validate"):
            if found[0] in (FUNCTION, METHOD):
                yield (found[1], found[2])


def _strategy_names(evaluator: Evaluator, module: Module, number: int) -> set[str]:
    """The name that `PassportStrategy(Strategy, 'name')` gives; without one the strategy's own, which its package
    carries: passport-jwt is 'jwt'."""
    for base in module.facts.definitions[number].bases:
        if base[0] != F.CALL:
            continue
        call = module.facts.calls[base[1]]
        if call.name != _STRATEGY or not call.arguments:
            continue
        if len(call.arguments) > 1:
            return {str(value[1]) for value in evaluator.values(module, call.arguments[1]) if value[0] == STRING}
        return {
            str(value[1]).split(".", 1)[0].rsplit("/", 1)[-1].removeprefix("passport-")
            for value in evaluator.values(module, call.arguments[0])
            if value[0] == EXTERNAL
        }
    return set()
