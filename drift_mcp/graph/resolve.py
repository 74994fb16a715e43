"""Call sites → what they call, each with how it was found and how sure that is. Pure: facts in, edges out.

Every call site gives at least one row. One that leaves the project says so; one that cannot be decided keeps its name
and the reason. A site with several possible targets lists them all; none of them is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from drift_mcp.graph import libraries, nest
from drift_mcp.graph.data import HEIRS
from drift_mcp.graph.evaluate import MIXING, Evaluator, Module
from drift_mcp.graph.values import (
    BOUND_EXTERNAL,
    CALLABLE,
    CLASS,
    EXTERNAL,
    FOREIGN,
    FUNCTION,
    METHOD,
    OBJECT,
    QUERY,
    SCHEDULED,
    SUPER_OF,
    Value,
    Values,
)
from drift_mcp.graph.words import words
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Call, Expr

# A site with more targets than this was decided by too little; it is stored as unresolved with that reason.
_MOST_TARGETS: Final = 8

# An interface with more implementations than this is a plug-in's, and a call on it says little about each of them.
_MOST_IMPLEMENTATIONS: Final = 32

# Method names of the languages' own containers, strings, promises and of every object: a project method of the same
# name proves nothing.
_COMMON_NAMES: Final = words(
    "get set has add delete clear keys values items entries forEach map filter find findIndex some every reduce push "
    "pop shift unshift splice slice concat join split replace replaceAll trim toString valueOf toLowerCase toUpperCase "
    "includes indexOf lastIndexOf startsWith endsWith match test exec then catch finally call apply bind next return "
    "throw sort reverse fill at length append extend insert remove index count copy update setdefault popitem fromkeys "
    "format encode decode strip lstrip rstrip lower upper title capitalize read write close open flush seek tell "
    "readline readlines writelines send recv start stop run main init setup teardown load save dump create execute "
    "fetch commit rollback begin end emit on off once log info debug warn warning error critical exception wait notify "
    "acquire release result done cancel submit shutdown put empty full task_done group groups span sub isdigit isalpha "
    "exists mkdir is_file is_dir iterdir glob resolve reject pipe subscribe unsubscribe select where all any first "
    "last one union difference intersection name type value data json text status id key"
)

# What leaves a context manager, by what enters it.
_LEAVING: Final = {"__enter__": "__exit__", "__aenter__": "__aexit__"}


class Edge(NamedTuple):
    """One call site with one of its targets (or with none)."""

    caller: int  # definition number in the file
    line: int
    column: int
    target: tuple[str, int] | None  # (file, definition); None: outside the project or unknown
    symbol: str  # what is called, as well as it is known: dotted for external ones, the bare name for unresolved ones
    resolution: str  # a name in the table `resolutions`
    arguments: int
    reason: str | None  # of an unresolved one: 'unknown_receiver', 'dynamic', 'not_found', 'too_many'


class Resolver:
    """Resolves the calls of files one at a time over one evaluator. Not for two threads at once."""

    def __init__(
        self,
        evaluator: Evaluator,
        *,
        named: Callable[[str], tuple[tuple[str, int], ...]],
        properties: frozenset[str] = frozenset(),
        heirs: Callable[[str, int], Iterable[tuple[str, int]]] = lambda _path, _definition: (),
        heirs_outside: Callable[[str], Iterable[tuple[str, int]]] = lambda _name: (),
    ) -> None:
        """`named(name)`: all methods of production code of that bare name, as (file, definition), at most a few;
        `properties`: names that some class defines as a property, so that only their reads are looked into;
        `heirs(file, class)`: the classes that inherit from this one; `heirs_outside(name)`: those that inherit from
        what a library calls so."""
        self._evaluator = evaluator
        self._named = named
        self._properties = properties
        self._heirs = heirs
        self._heirs_outside = heirs_outside
        self._implementations: dict[tuple[str, int], tuple[tuple[str, int], ...]] = {}
        self.asked: set[str] = set()  # method names and HEIRS: what the edges found since it was emptied depend on

    def edges(self, path: str) -> list[Edge]:
        """All edges that start in this file, in source order."""
        module = self._evaluator.module(path)
        if module is None:
            return []
        found: list[Edge] = []
        for number in range(len(module.facts.calls)):
            found.extend(self._site(module, number))
        found.extend(self._injections(module))
        found.extend(self._property_reads(module))
        found.extend(self._around_handlers(module))
        return _distinct(found)

    # -- one call site

    def _site(self, module: Module, number: int) -> list[Edge]:
        call = module.facts.calls[number]
        callees = self._evaluator.values(module, call.callee)
        caller = call.caller
        if call.flags & F.SIGNATURE and not self._is_injection(callees):
            # A default value runs once, where the function is defined.
            caller = max(module.facts.definitions[caller].parent, 0)
        targets: list[tuple[tuple[str, int], str]] = []
        external: list[tuple[str, str]] = []
        for callee in callees:
            self._target(module, call, callee, targets, external)
        count = len(call.arguments) + len(call.keywords)
        found: list[Edge] = []
        if 0 < len(targets) <= 2 * _MOST_TARGETS:
            for target, label in dict.fromkeys(targets):
                found.append(Edge(caller, call.line, call.column, target, call.name, label, count, None))
            found.extend(
                Edge(caller, call.line, call.column, target, call.name, "interface", count, None)
                for target in dict.fromkeys(each for known, _ in targets for each in self._implemented(known))
            )
        elif targets:
            found.append(Edge(caller, call.line, call.column, None, call.name, "unresolved", count, "too_many"))
        elif external:
            symbol, label = external[0]
            found.append(Edge(caller, call.line, call.column, None, symbol, label, count, None))
        else:
            found.append(self._undecided(module, call, caller, count, bool(callees)))
        found.extend(self._handed_over(module, call, caller, callees))
        return found

    def _implemented(self, target: tuple[str, int]) -> tuple[tuple[str, int], ...]:
        """The methods that can run where a call goes to a method that has no body of its own."""
        known = self._implementations.get(target)
        module = self._evaluator.module(target[0])
        if module is None or module.facts.is_test:
            return ()
        definition = module.facts.definitions[target[1]]
        if definition.kind != "method" or not definition.flags & (F.DECLARATION | F.ABSTRACT):
            return ()
        owner = module.facts.definitions[definition.parent]
        if owner.kind != "class" or not (owner.flags & F.INTERFACE or definition.flags & F.ABSTRACT):
            return ()
        self.asked.update((HEIRS, definition.name))
        if known is None:
            known = tuple(dict.fromkeys(self._overridden(target[0], definition)))
            known = known if len(known) <= _MOST_IMPLEMENTATIONS else ()
            self._implementations[target] = known
        return known

    def _overridden(self, path: str, definition: F.Definition) -> Iterable[tuple[str, int]]:
        for heir in self._heirs(path, definition.parent):
            owner = self._evaluator.module(heir[0])
            if owner is None or owner.facts.is_test:
                continue
            for found in self._evaluator.attribute(((OBJECT, *heir, ()),), definition.name):
                if found[0] not in (FUNCTION, METHOD):
                    continue
                place = self._evaluator.module(found[1])
                if place is not None and not place.facts.definitions[found[2]].flags & (F.DECLARATION | F.ABSTRACT):
                    yield (found[1], found[2])

    @staticmethod
    def _is_injection(callees: Values) -> bool:
        return any(callee[0] == EXTERNAL and libraries.injects(callee[1]) for callee in callees)

    def _target(
        self,
        module: Module,
        call: Call,
        callee: Value,
        targets: list[tuple[tuple[str, int], str]],
        external: list[tuple[str, str]],
    ) -> None:
        kind = callee[0]
        if kind in (FUNCTION, METHOD):
            targets.append(((callee[1], callee[2]), self._label(module, call.callee, callee)))
        elif kind == SCHEDULED:
            targets.append(((callee[1], callee[2]), "callback"))
        elif kind == CLASS:
            label = self._label(module, call.callee, callee)
            targets.append(((callee[1], callee[2]), label))
            constructor = self._constructor(callee)
            if constructor is not None:
                targets.append((constructor, label))
        elif kind == OBJECT:
            targets.extend(
                ((value[1], value[2]), "protocol")
                for value in self._evaluator.attribute((callee,), "__call__")
                if value[0] in (FUNCTION, METHOD)
            )
        elif kind == SUPER_OF and call.callee[0] == F.SUPER:
            self._super_constructor(callee, targets, external)
        elif kind in (EXTERNAL, FOREIGN, BOUND_EXTERNAL, QUERY):
            name = libraries.external_name(callee)
            if name is not None:
                builtin = (
                    name.startswith("builtins.")
                    or (kind == BOUND_EXTERNAL and callee[1][0] != FOREIGN)
                    or "." not in name
                )
                shown = name.removeprefix("builtins.")
                external.append(
                    (shown, "builtin" if builtin and not self._imported(module, call.callee) else "external")
                )
        elif kind == CALLABLE:
            external.append((call.name, "unresolved"))

    @staticmethod
    def _imported(module: Module, callee: Expr) -> bool:
        root = callee
        while root[0] in (F.ATTR, F.ITEM):
            root = root[1]
        if root[0] == F.NAME:
            bindings = module.facts.scopes[root[1]].bindings.get(root[2], ())
            return bool(bindings) and bindings[0][0] == F.IMPORTED
        return False

    def _constructor(self, value: Value) -> tuple[str, int] | None:
        name = "__init__"
        module = self._evaluator.module(value[1])
        if module is not None and not module.python:
            name = "constructor"
        place = self._evaluator.member(value[1], value[2], name)
        if place is None and name == "__init__":
            place = self._evaluator.member(value[1], value[2], "__new__")
        return None if place is None else self._definition_of(place)

    @staticmethod
    def _definition_of(place: tuple[Module, F.Definition, int, str]) -> tuple[str, int] | None:
        module, definition, _, name = place
        if definition.kind != "class":
            return None
        for bound in module.facts.scopes[definition.scope].bindings.get(name, ()):
            if bound[0] == F.DEFINITION:
                return (module.path, bound[1])
        return None

    def _super_constructor(
        self, callee: Value, targets: list[tuple[tuple[str, int], str]], external: list[tuple[str, str]]
    ) -> None:
        place = self._evaluator.member(callee[1], callee[2], "constructor", after=(callee[1], callee[2]))
        found = None if place is None else self._definition_of(place)
        if found is not None:
            targets.append((found, "super"))
            return
        parents = self._evaluator.bases(callee[1], callee[2])[1:]
        if parents:
            targets.append(((parents[0][0].path, parents[0][1]), "super"))
            return
        names = self._evaluator.external_bases(callee[1], callee[2])
        if names:
            external.append((names[0], "external"))

    def _label(self, module: Module, callee: Expr, value: Value) -> str:
        kind = callee[0]
        if kind == F.ITEM and value in self._evaluator.values(module, callee[1]):
            return self._label(module, callee[1], value)  # f<T>(): with type arguments it is still f
        if kind == F.NAME:
            bindings = module.facts.scopes[callee[1]].bindings.get(callee[2], ())
            if bindings and bindings[0][0] == F.IMPORTED:
                return "import"
            if bindings and bindings[0][0] == F.DEFINITION:
                return "same_file"
            return "import" if value[1] != module.path and not bindings else "flow"
        if kind == F.FREE:
            return "import"
        if kind == F.ATTR:
            root = self._through(module, callee[1])
            if root[0] == F.SELF or root[0] == F.RECORD_REF:
                return "self"
            if root[0] == F.SUPER or self._is_super(module, root):
                return "super"
            owners = self._evaluator.values(module, callee[1])
            kinds = {owner[0] for owner in owners}
            if "module" in kinds:
                return "import"
            if CLASS in kinds:
                return "static"
            return "typed" if OBJECT in kinds else "flow"
        if kind == F.SUPER:
            return "super"
        return "same_file" if kind == F.DEFINITION else "import" if kind == F.IMPORTED else "flow"

    @staticmethod
    def _through(module: Module, expression: Expr) -> Expr:
        if expression[0] == F.NAME:
            bindings = module.facts.scopes[expression[1]].bindings.get(expression[2], ())
            if len(bindings) == 1 and bindings[0][0] in (F.SELF, F.SUPER):
                return bindings[0]
        return expression

    @staticmethod
    def _is_super(module: Module, expression: Expr) -> bool:
        if expression[0] != F.CALL:
            return False
        callee = module.facts.calls[expression[1]].callee
        return callee == (F.FREE, "super")

    def _undecided(self, module: Module, call: Call, caller: int, count: int, known: bool) -> Edge:
        reason = "dynamic"
        if call.flags & F.JSX and call.callee[0] == F.FREE and call.name[:1].islower():
            return Edge(caller, call.line, call.column, None, call.name, "builtin", count, None)
        if call.callee[0] == F.ATTR:
            owners = self._evaluator.values(module, call.callee[1])
            reason = "not_found" if owners else "unknown_receiver"
            if not owners and not known:
                single = self._unique(module, call.name)
                if single is not None:
                    return Edge(caller, call.line, call.column, single, call.name, "unique", count, None)
        elif call.callee[0] in (F.NAME, F.FREE, F.IMPORTED):
            reason = "not_found" if call.callee[0] != F.NAME else "dynamic"
        return Edge(caller, call.line, call.column, None, call.name, "unresolved", count, reason)

    def _unique(self, module: Module, name: str) -> tuple[str, int] | None:
        """The only method of that name in production code of the language; never for names that every container has."""
        if not name or name in _COMMON_NAMES or (name.startswith("__") and name.endswith("__")):
            return None
        found = self._named(name)
        if len(found) != 1:
            return None
        owner = self._evaluator.module(found[0][0])
        if owner is None or owner.python != module.python:
            return None
        return found[0]

    # -- functions handed over

    def _handed_over(self, module: Module, call: Call, caller: int, callees: Values) -> Iterable[Edge]:
        """Functions passed as arguments are called by whoever takes them: where they are passed, that is decided."""
        if not module.python and call.name in MIXING:
            return  # what is given members, or gives its own, is not called
        injection = self._is_injection(callees)
        label = "di" if injection else "callback"
        for expression in (*call.arguments, *(value for _, value in call.keywords)):
            if call.name == "expect" and expression[0] != F.DEFINITION and not module.python:
                continue  # expect(service.send) asks about it; expect(() => send()) runs it
            yield from self._passed(module, call, caller, expression, label)

    def _passed(self, module: Module, call: Call, caller: int, expression: Expr, label: str) -> Iterable[Edge]:
        kind = expression[0]
        if kind == F.SPREAD:
            expression = expression[1]
            kind = expression[0]
        if kind == F.SEQUENCE:
            for element in expression[2][:32]:  # longer literal lists are data
                if element[0] == F.CALL:
                    inner = module.facts.calls[element[1]]
                    if self._is_injection(self._evaluator.values(module, inner.callee)) and inner.arguments:
                        yield from self._passed(module, inner, caller, inner.arguments[0], "di")
                else:
                    yield from self._passed(module, call, caller, element, label)
            return
        if kind == F.RECORD and not module.python:  # an options object: { onError: report }
            for _, value in expression[2][:32]:
                if value[0] in (F.NAME, F.ATTR, F.DEFINITION, F.RECORD):
                    yield from self._passed(module, call, caller, value, label)
            return
        if kind not in (F.NAME, F.ATTR, F.DEFINITION, F.IMPORTED):
            return
        for value in self._evaluator.values(module, expression):
            if value[0] in (FUNCTION, METHOD):
                if call.flags & F.DECORATOR and (value[1], value[2]) == (module.path, call.caller):
                    continue  # what is decorated is handed to its decorator; nobody calls it there
                name = _last_name(expression) or call.name
                yield Edge(caller, call.line, call.column, (value[1], value[2]), name, label, 0, None)
            elif value[0] == CLASS and label == "di":
                constructor = self._constructor(value)
                yield Edge(
                    caller, call.line, call.column, constructor or (value[1], value[2]), call.name, label, 0, None
                )
            elif value[0] == OBJECT and label == "di":
                for method in self._evaluator.attribute((value,), "__call__"):
                    if method[0] in (FUNCTION, METHOD):
                        yield Edge(caller, call.line, call.column, (method[1], method[2]), call.name, label, 0, None)

    # -- injection through declared types

    def _injections(self, module: Module) -> Iterable[Edge]:
        """`user: CurrentUser` where `CurrentUser = Annotated[User, Depends(f)]` may stand in another file: the function
        gets f's result."""
        if not module.python:
            return
        for number, definition in enumerate(module.facts.definitions):
            for parameter in definition.parameters:
                line = parameter.line or definition.name_line
                if module.facts.is_test and parameter.annotation is None:
                    fixture = self._evaluator.fixture(module, number, parameter.name)
                    if fixture is not None:
                        target = (fixture[1], fixture[2])
                        yield Edge(number, line, parameter.column, target, parameter.name, "di", 0, None)
                if parameter.annotation is None or parameter.annotation[0] not in (F.NAME, F.ATTR):
                    continue
                place = self._annotated(module, parameter.annotation, 0)
                if place is None:
                    continue
                owner, extras = place
                for extra in extras:
                    if extra[0] != F.CALL:
                        continue
                    call = owner.facts.calls[extra[1]]
                    if not call.arguments or not self._is_injection(self._evaluator.values(owner, call.callee)):
                        continue
                    for value in self._evaluator.values(owner, call.arguments[0]):
                        place_of = (value[1], value[2]) if value[0] in (FUNCTION, METHOD) else None
                        if value[0] == CLASS:
                            place_of = self._constructor(value) or (value[1], value[2])
                        if place_of is not None:
                            name = _last_name(call.arguments[0])
                            yield Edge(number, line, parameter.column, place_of, name, "di", 0, None)

    def _annotated(self, module: Module, expression: Expr, hops: int) -> tuple[Module, tuple[Expr, ...]] | None:
        # Eight hops, as for the re-exports of type aliases.
        if hops > 8:
            return None
        if expression[0] == F.ATTR:
            for owner in self._evaluator.values(module, expression[1]):
                if owner[0] == "module":
                    other = self._evaluator.module(owner[1])
                    if other is not None and expression[2] in other.facts.scopes[0].bindings:
                        return self._annotated(other, (F.NAME, 0, expression[2]), hops + 1)
            return None
        bindings = module.facts.scopes[expression[1]].bindings.get(expression[2], ())
        if len(bindings) != 1:
            return None
        bound = bindings[0]
        if bound[0] == F.ITEM and bound[2] is not None and bound[2][0] == F.SEQUENCE:
            base = bound[1]
            if (base[2] if base[0] in (F.NAME, F.ATTR) else base[1]) == "Annotated":
                return (module, bound[2][2][1:])
        if bound[0] == F.IMPORTED:
            entry = module.facts.imports[bound[1]]
            path = self._evaluator.modules.resolve(module.path, entry.module)
            if path is not None and entry.name not in (None, "*"):
                return self._annotated_export(path, entry.name or "", hops + 1)
        return None

    def _annotated_export(self, path: str, name: str, hops: int) -> tuple[Module, tuple[Expr, ...]] | None:
        other = self._evaluator.module(path)
        if other is None or hops > 8:
            return None
        if name in other.facts.scopes[0].bindings:
            return self._annotated(other, (F.NAME, 0, name), hops)
        for number in other.facts.reexports:
            source = self._evaluator.modules.resolve(path, other.facts.imports[number].module)
            if source is not None and source != path:
                found = self._annotated_export(source, name, hops + 1)
                if found is not None:
                    return found
        return None

    # -- what a framework runs around a handler

    def _around_handlers(self, module: Module) -> Iterable[Edge]:
        if module.python:
            return
        if nest.names_strategies(module):
            self.asked.update((HEIRS, "validate"))
        for caller, call, target in nest.around_handlers(self._evaluator, module, self._heirs_outside):
            yield Edge(caller, call.line, call.column, target, call.name, "di", 0, None)

    # -- reads that run code

    def _property_reads(self, module: Module) -> Iterable[Edge]:
        for access in module.facts.accesses:
            if access.name in _LEAVING and module.python and access.kind == F.LOAD:
                yield from self._entered(module, access)
            if access.kind != F.LOAD or access.name not in self._properties:
                continue
            for owner in self._evaluator.values(module, access.target):
                if owner[0] != OBJECT:
                    continue
                place = self._evaluator.member(owner[1], owner[2], access.name)
                if place is None or place[1].kind != "class":
                    continue
                for bound in place[0].facts.scopes[place[1].scope].bindings.get(access.name, ()):
                    if bound[0] == F.DEFINITION and place[0].facts.definitions[bound[1]].flags & F.PROPERTY:
                        target = (place[0].path, bound[1])
                        yield Edge(
                            access.definition, access.line, access.column, target, access.name, "protocol", 0, None
                        )

    def _entered(self, module: Module, access: F.Access) -> Iterable[Edge]:
        """A with statement calls what enters its manager, and what leaves it."""
        managers = tuple(each for each in self._evaluator.values(module, access.target) if each[0] == OBJECT)
        for name in (access.name, _LEAVING[access.name]):
            for value in self._evaluator.attribute(managers, name):
                if value[0] in (FUNCTION, METHOD):
                    target = (value[1], value[2])
                    yield Edge(access.definition, access.line, access.column, target, name, "protocol", 0, None)


def _last_name(expression: Expr) -> str:
    return str(expression[2]) if expression[0] in (F.NAME, F.ATTR) else ""


def _distinct(edges: list[Edge]) -> list[Edge]:
    """Each site and target once; the first way in which it was found stays."""
    seen: set[tuple[int, int, int, tuple[str, int] | None]] = set()
    found: list[Edge] = []
    for edge in edges:
        key = (edge.caller, edge.line, edge.column, edge.target)
        if key not in seen:
            seen.add(key)
            found.append(edge)
    return found
