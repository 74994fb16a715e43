"""What an expression can stand for, computed on demand over the facts of all files.

The evaluator asks as a reader of the code would: what is this name bound to, what class is this an instance of, what
does this function return. It follows declared types first and inferred ones after, never runs code, and answers with
nothing rather than with a guess. Everything is remembered; a question that comes back to itself answers with what is
known without it.

Nothing here touches a database, and nothing here decides what counts as a call: that is `graph.resolve`.
"""

from __future__ import annotations

import builtins
import posixpath
from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

from drift_mcp.graph import libraries
from drift_mcp.graph.modules import ModuleTable
from drift_mcp.graph.values import (
    BOUND_EXTERNAL,
    CALLABLE,
    CLASS,
    DICT,
    EXTERNAL,
    FOREIGN,
    FUNCTION,
    LIST,
    MANY,
    METHOD,
    MODULE,
    OBJECT,
    OPEN,
    QUERY,
    ROWS,
    SCHEDULED,
    SHAPED,
    STRING,
    SUPER_OF,
    Value,
    Values,
)
from drift_mcp.graph.words import words
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Definition, Expr, FileFacts

# More alternatives than this say that the evaluator has lost the thread; measured on Django, sites with more were wrong
# more than right.
_MOST_VALUES: Final = 8
# Questions inside questions. Real code stays below 30; the bound keeps generated code from exhausting the stack.
_DEEPEST: Final = 90
# Classes above a class. Real hierarchies end below 15; the bound is for generated ones, for the same reason.
_MOST_ANCESTORS: Final = 100
# An external name grows by one part at each attribute; six parts name every public API, a longer one is a fluent chain.
_MOST_PARTS: Final = 6

_BUILTINS: Final = frozenset(dir(builtins))
_SCRIPT_GLOBALS: Final = words(
    "Array Object String Number Boolean Symbol BigInt Math Date JSON Promise Map Set WeakMap WeakSet RegExp Error "
    "TypeError RangeError SyntaxError ReferenceError EvalError URIError AggregateError Proxy Reflect Intl console "
    "process Buffer globalThis window document navigator location history localStorage sessionStorage fetch Request "
    "Response Headers URL URLSearchParams FormData Blob File setTimeout setInterval setImmediate clearTimeout "
    "clearInterval clearImmediate queueMicrotask requestAnimationFrame cancelAnimationFrame parseInt parseFloat isNaN "
    "isFinite encodeURIComponent decodeURIComponent encodeURI decodeURI escape unescape structuredClone alert confirm "
    "prompt atob btoa performance crypto TextEncoder TextDecoder AbortController AbortSignal Event EventTarget "
    "CustomEvent WebSocket Worker XMLHttpRequest Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array "
    "Float32Array Float64Array BigInt64Array BigUint64Array ArrayBuffer SharedArrayBuffer DataView Function Iterator "
    "Generator Intl WebAssembly Atomics FinalizationRegistry WeakRef describe it test expect beforeEach afterEach "
    "beforeAll afterAll before after jest vi suite context require module exports $localize"
)
_SCRIPT_PRIMITIVES: Final = words("string number boolean any unknown never object symbol bigint void undefined null")
# Types that stand for what they hold.
_TRANSPARENT: Final = words(
    "Optional Annotated Final ClassVar Required NotRequired ReadOnly Mapped Awaitable Coroutine InitVar Promise "
    "PromiseLike Readonly Partial NonNullable Awaited Observable Ref MutableRefObject ComputedRef Signal "
    "WritableSignal DynamicMapped WriteOnlyMapped Omit Pick DeepPartial Deferred Relation WithPgVector "
    "HydratedDocument Lean SQLModelField"
)
_CONTAINERS: Final = words(
    "list List Sequence MutableSequence Iterable Iterator Collection set Set frozenset FrozenSet AbstractSet "
    "MutableSet deque Deque Generator AsyncGenerator AsyncIterator AsyncIterable Array ReadonlyArray ReadonlySet "
    "WeakSet IterableIterator QueryList tuple Tuple KeysView ValuesView Reversible Container QuerySet"
)
_MAPPINGS: Final = words(
    "dict Dict Mapping MutableMapping defaultdict DefaultDict OrderedDict ChainMap Map ReadonlyMap WeakMap Record "
    "ItemsView"
)
# Methods that schedule the function they are called on.
_SCHEDULING: Final = words(
    "delay apply_async s si signature send send_with_options enqueue kiq submit spawn defer defer_async call_local"
)
# Functions that give their first argument the members of the others.
MIXING: Final = words("assign extend merge mixin setPrototypeOf")
_ELEMENT_METHODS: Final = words("pop get popitem setdefault at shift find findLast popleft next __getitem__ values")
_SAME_METHODS: Final = words(
    "copy filter slice concat reverse sort values keys entries toSorted toReversed flat union intersection difference "
    "order_by exclude all distinct"
)
_SAME_BUILTINS: Final = words(
    "list tuple set frozenset sorted reversed iter aiter copy deepcopy ensure_future create_task shield wait_for gather"
)

Member: TypeAlias = tuple["Module", Definition, int, str]  # where it was found: module, owning class, its number, name
Key: TypeAlias = tuple[object, ...]


class Module:
    """One file's facts with what has been found out about them. Used by one thread."""

    __slots__ = (
        "facts",
        "members",
        "path",
        "prototype_stores",
        "python",
        "record_of",
        "self_stores",
        "takers",
    )

    def __init__(self, facts: FileFacts) -> None:
        self.facts = facts
        self.path = facts.path
        self.python = facts.language == "python"
        self.members: dict[tuple[int, str], list[Member]] = {}
        self.self_stores: dict[int, dict[str, list[Expr]]] | None = None
        self.prototype_stores: dict[Expr, dict[str, list[Expr]]] | None = None
        self.record_of: dict[int, Expr] | None = None
        self.takers: dict[int, int] | None = None

    def taker_of(self, definition: int) -> int | None:
        """The number of the call that has that definition in its argument list, if one has."""
        if self.takers is None:
            self.takers = {
                argument[1]: number
                for number, call in enumerate(self.facts.calls)
                for argument in call.arguments
                if argument[0] == F.DEFINITION
            }
        return self.takers.get(definition)


class Evaluator:
    """Answers what expressions stand for. Loads files when it needs them. Not for two threads at once."""

    def __init__(
        self,
        modules: ModuleTable,
        load: Callable[[str], FileFacts | None],
        *,
        class_named: Callable[[str, str], tuple[tuple[str, int], ...]] | None = None,
    ) -> None:
        """`load` gives a file's facts; `class_named(importer, name)` the classes of that name (ORM relations name them
        by string)."""
        self.modules = modules
        self._load = load
        self._class_named = class_named
        # Accessors of models that only a schema file declares (`prisma.user`), set by whoever knows the schema files.
        self.accessors: frozenset[str] = frozenset()
        self._loaded: dict[str, Module | None] = {}
        self._memo: dict[Key, Values] = {}
        self._open: dict[Key, int] = {}  # questions being answered → their depth
        self._provisional: list[tuple[int, Key]] = []
        self._lowest = _DEEPEST + 1
        self._mixed: dict[str, dict[Expr, list[Expr]]] = {}  # path → what is given the members of others
        self._mro: dict[tuple[str, int], list[tuple[Module, int, dict[str, Values]]]] = {}
        self._external_bases: dict[tuple[str, int], tuple[str, ...]] = {}
        self._climbed = 0  # classes above the one that `bases` was first asked about
        self._dispatch: dict[int, Callable[[Module, Expr], Values]] = {
            F.NAME: self._name,
            F.FREE: self._free,
            F.ATTR: self._attr,
            F.CALL: self._call,
            F.ITEM: self._item,
            F.TEXT: lambda _module, e: ((STRING, e[1]),),
            F.LITERAL: self._literal,
            F.SEQUENCE: lambda m, e: ((LIST, m.path, e),),
            F.RECORD: lambda m, e: ((DICT, m.path, e),),
            F.DEFINITION: self._definition,
            F.IMPORTED: self._imported,
            F.UNION: lambda m, e: self._union(m, e[1]),
            F.ELEMENT: lambda m, e: self.elements(self.values(m, e[1])),
            F.ENTERED: self._entered,
            F.AWAITED: lambda m, e: self.values(m, e[1]),
            F.PARAMETER: self._parameter,
            F.SELF: self._self,
            F.SUPER: self._super,
            F.INSTANCE: lambda m, e: self.instances(m, e[1]),
            F.JOINED: lambda _m, _e: ((FOREIGN, "builtins.str", None, ()),),
            F.SPREAD: lambda m, e: self.values(m, e[1]),
            F.UNPACKED: self._unpacked,
            F.CAUGHT: self._caught,
            F.TYPE_OF: lambda m, e: self.values(m, e[1]),
            F.SHAPE: lambda _m, _e: (),
            F.FUNCTION_TYPE: lambda _m, _e: (),
            F.ALIAS: lambda _m, _e: (),
            F.RECORD_REF: self._record_ref,
        }

    # -- files

    def module(self, path: str) -> Module | None:
        """The file's module; None when the project has no such (parsable) file."""
        try:
            return self._loaded[path]
        except KeyError:
            loaded = self._load(path)
            module = None if loaded is None else Module(loaded)
            self._loaded[path] = module
            return module

    # -- questions

    def values(self, module: Module, expression: Expr | None) -> Values:
        """What the expression can stand for; () when nothing is known."""
        if expression is None:
            return ()
        return self._dispatch[expression[0]](module, expression)

    def _ask(self, key: Key, answer: Callable[[], Values]) -> Values:
        """Answer once. A question met again while it is open answers () there; what was concluded from that is kept
        only at its head."""
        known = self._memo.get(key)
        if known is not None:
            return known
        depth = self._open.get(key)
        if depth is not None:
            self._lowest = min(self._lowest, depth)
            return ()
        depth = len(self._open)
        if depth >= _DEEPEST:
            self._lowest = 0
            return ()
        outer, self._lowest = self._lowest, _DEEPEST + 1
        self._open[key] = depth
        try:
            found = _unique(answer())
        finally:
            del self._open[key]
        lowest = self._lowest
        if lowest >= depth:
            # Complete: it depended on no question that is still open. What was concluded provisionally inside is asked
            # anew.
            while self._provisional and self._provisional[-1][0] > depth:
                self._memo.pop(self._provisional.pop()[1], None)
            self._memo[key] = found
            self._lowest = outer
        else:
            self._memo[key] = found
            self._provisional.append((depth, key))
            self._lowest = min(outer, lowest)
        return found

    def _union(self, module: Module, expressions: Iterable[Expr]) -> Values:
        found: list[Value] = []
        for each in expressions:
            found.extend(self.values(module, each))
            if len(found) > 2 * _MOST_VALUES:
                break
        return _unique(found)

    # -- names

    def _name(self, module: Module, e: Expr) -> Values:
        key = (1, module.path, e[1], e[2])
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._bound(module, e[1], e[2]))

    def _bound(self, module: Module, scope: int, name: str) -> Values:
        bindings = module.facts.scopes[scope].bindings.get(name, ())
        if not bindings:
            return ()
        if bindings[0][0] == F.INSTANCE:
            declared = self.instances(module, bindings[0][1])
            if declared:
                return declared
        usable = [each for each in bindings if each[0] != F.DEFINITION or not self._is_overload(module, each[1])]
        return self._union(module, usable or bindings)

    @staticmethod
    def _is_overload(module: Module, number: int) -> bool:
        return bool(module.facts.definitions[number].flags & F.DECLARATION)

    def _free(self, module: Module, e: Expr) -> Values:
        name = e[1]
        if module.python:
            for number in module.facts.reexports:
                path = self.modules.resolve(module.path, module.facts.imports[number].module)
                if path is not None and path != module.path:
                    found = self.exported(path, name)
                    if found:
                        return found
            return ((EXTERNAL, "builtins." + name),) if name in _BUILTINS else ()
        if name in _SCRIPT_GLOBALS:
            return ((EXTERNAL, name),)
        return ()

    def _literal(self, module: Module, e: Expr) -> Values:
        kind = e[1]
        if kind == "none":
            return ()
        return ((FOREIGN, ("builtins." if module.python else "") + kind, None, ()),)

    def _definition(self, module: Module, e: Expr) -> Values:
        kind = module.facts.definitions[e[1]].kind
        if kind == "class":
            return ((CLASS, module.path, e[1], ()),)
        return ((FUNCTION, module.path, e[1]),)

    def _self(self, module: Module, e: Expr) -> Values:
        return ((CLASS if e[2] else OBJECT, module.path, e[1], ()),)

    def _super(self, module: Module, e: Expr) -> Values:
        return ((SUPER_OF, module.path, e[1], (OBJECT, module.path, e[1], ())),)

    def _entered(self, module: Module, e: Expr) -> Values:
        found: list[Value] = []
        for value in self.values(module, e[1]):
            if value[0] == OBJECT:
                entered = self._result_of_members(value, ("__enter__", "__aenter__"))
                found.extend(entered or (value,))
            elif value[0] == MANY:  # a generator made into a context manager
                found.extend(value[1])
            else:
                found.append(value)
        return _unique(found)

    def _caught(self, module: Module, e: Expr) -> Values:
        kinds = e[1][2] if e[1][0] == F.SEQUENCE else (e[1],)
        found: list[Value] = []
        for kind in kinds:
            found.extend(self.instances(module, kind))
        return _unique(found)

    def _parameter(self, module: Module, e: Expr) -> Values:
        definition = module.facts.definitions[e[1]]
        if e[2] >= len(definition.parameters):
            return ()
        parameter = definition.parameters[e[2]]
        if parameter.annotation is not None:
            found = self.instances(module, parameter.annotation)
            if found:
                return ((MANY, found),) if module.python and parameter.kind in ("rest", "keywords") else found
        injected = self._injected(module, parameter.default)
        if injected:
            return injected
        if module.facts.is_test and module.python:
            fixture = self.fixture(module, e[1], parameter.name)
            if fixture is not None:
                return self._fixture_value(fixture)
        return self._callback_argument(module, e[1], e[2])

    def fixture(self, module: Module, number: int, name: str) -> Value | None:
        """The pytest fixture that a parameter of a test or of another fixture asks for by its name."""
        definition = module.facts.definitions[number]
        if definition.kind not in ("function", "method") or name in ("self", "cls", "request"):
            return None
        if not definition.name.startswith("test") and not _is_fixture(definition):
            return None
        key = (12, module.path, name)
        known = self._memo.get(key)
        if known is None:
            known = self._ask(key, lambda: self._find_fixture(module, name))
        asked = (FUNCTION, module.path, number)
        # A fixture that overrides another of its own name asks for the outer one.
        return next((value for value in known if value != asked), None)

    def _find_fixture(self, module: Module, name: str) -> Values:
        places = [module.path]
        folder = posixpath.dirname(module.path)
        while True:
            conftest = self.module(posixpath.join(folder, "conftest.py"))
            if conftest is not None:
                places.append(conftest.path)
                resolved = (self.modules.resolve(conftest.path, each) for each in pytest_plugins(conftest.facts))
                places.extend(path for path in resolved if path is not None)
            if not folder:
                break
            folder = posixpath.dirname(folder)
        found: dict[Value, None] = {}
        for path in places:
            for value in self.exported(path, name):
                owner = self.module(value[1]) if value[0] == FUNCTION else None
                if owner is not None and _is_fixture(owner.facts.definitions[value[2]]):
                    found[value] = None
        return tuple(found)

    def _fixture_value(self, fixture: Value) -> Values:
        module = self.module(fixture[1])
        values = self.results((fixture,), None)
        if module is not None and module.facts.definitions[fixture[2]].yielded:
            return self.elements(values)
        return values

    def _injected(self, module: Module, default: Expr | None) -> Values:
        """What a framework passes for `= Depends(f)`: the result of f."""
        if default is None:
            return ()
        if default[0] == F.CALL:
            call = module.facts.calls[default[1]]
            for callee in self.values(module, call.callee):
                if callee[0] == EXTERNAL and libraries.injects(callee[1]) and call.arguments:
                    return self.results(self.values(module, call.arguments[0]), None)
        return ()

    def _callback_argument(self, module: Module, number: int, position: int) -> Values:
        """The element that a container's method hands to a function in its argument list: `users.map((user) => …)`."""
        definition = module.facts.definitions[number]
        if definition.kind != "lambda":
            return ()
        site = module.taker_of(number)
        if site is None:
            return ()
        call = module.facts.calls[site]
        if call.callee[0] != F.ATTR or call.name not in libraries.ELEMENT_CALLBACKS:
            return ()
        if position != libraries.ELEMENT_CALLBACKS[call.name]:
            return ()
        return self.elements(self.values(module, call.callee[1]))

    def _record_ref(self, module: Module, e: Expr) -> Values:
        if module.record_of is None:
            module.record_of = {}
            for record in _records(module.facts):
                module.record_of.setdefault(record[1], record)
        record_expression = module.record_of.get(e[1])
        return () if record_expression is None else ((DICT, module.path, record_expression),)

    # -- imports and exports

    def _imported(self, module: Module, e: Expr) -> Values:
        key = (2, module.path, e[1])
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._import(module, e[1]))

    def _import(self, module: Module, number: int) -> Values:
        entry = module.facts.imports[number]
        path = self.modules.resolve(module.path, entry.module)
        if module.python:
            return self._import_python(module, entry, path)
        if path is None:
            package = entry.module.removeprefix("node:")
            if package.startswith("."):
                return ()
            if entry.name in (None, "*", "=", "default"):
                return ((EXTERNAL, package),)
            return ((EXTERNAL, f"{package}.{entry.name}"),)
        if entry.name in (None, "*"):
            return ((MODULE, path),)
        if entry.name == "=":
            return self.exported(path, "=") or ((MODULE, path),)
        found = self.exported(path, entry.name or "")
        if not found and entry.name == "default":
            found = self.exported(path, "=")
        return found

    def _import_python(self, module: Module, entry: F.Import, path: str | None) -> Values:
        if entry.name is None:
            if path is not None:
                return ((MODULE, path),)
            return () if entry.module.startswith(".") else ((EXTERNAL, entry.module),)
        if path is None:
            return () if entry.module.startswith(".") else ((EXTERNAL, f"{entry.module}.{entry.name}"),)
        if path == module.path:  # `from . import x` inside the package's own __init__
            submodule = self.modules.submodule(path, entry.name)
            return () if submodule is None else ((MODULE, submodule),)
        return self.exported(path, entry.name)

    def exported(self, path: str, name: str) -> Values:
        """What another file gets under that name from this one."""
        key = (3, path, name)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._export(path, name))

    def _export(self, path: str, name: str) -> Values:
        if path.endswith("/"):
            submodule = self.modules.submodule(path, name)
            return () if submodule is None else ((MODULE, submodule),)
        module = self.module(path)
        if module is None:
            return ()
        facts = module.facts
        if module.python:
            if name in facts.scopes[0].bindings:
                found = self._name(module, (F.NAME, 0, name))
                if found:
                    return found
            for number in facts.reexports:
                source = self.modules.resolve(path, facts.imports[number].module)
                if source is None:
                    continue
                if source != path:
                    found = self.exported(source, name)
                    if found:
                        return found
            submodule = self.modules.submodule(path, name)
            if submodule is not None:
                return ((MODULE, submodule),)
            return ()
        expression = facts.exports.get(name)
        if expression is not None:
            return self.values(module, expression)
        for number in facts.reexports:
            source = self.modules.resolve(path, facts.imports[number].module)
            if source is not None and name != "default":
                found = self.exported(source, name)
                if found:
                    return found
        whole = facts.exports.get("=")
        if whole is not None and name not in ("=", "default"):
            return self.attribute(self.values(module, whole), name)
        if not facts.exports and name != "=" and name in facts.scopes[0].bindings:
            return self._name(module, (F.NAME, 0, name))  # declaration files export by default
        return ()

    # -- attributes

    def _attr(self, module: Module, e: Expr) -> Values:
        key = (4, module.path, e)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._attribute_of(module, e))

    def _attribute_of(self, module: Module, e: Expr) -> Values:
        found = self.attribute(self.values(module, e[1]), e[2])
        if not module.python and all(value[0] in (EXTERNAL, BOUND_EXTERNAL) for value in found):
            # What this file puts on an object of a library stands before what the library may have.
            stores = self._stores_on(module, e[1])
            if e[2] in stores:
                return self._union(module, stores[e[2]])
            return self._mixed_in(module, e[1], e[2]) or found
        return found

    def attribute(self, owners: Values, name: str) -> Values:
        """What `owner.name` can be for each of the owners."""
        found: list[Value] = []
        for owner in owners:
            found.extend(self._attribute(owner, name))
        return _unique(found)

    def _attribute(self, owner: Value, name: str) -> Values:
        kind = owner[0]
        if kind in (OBJECT, CLASS):
            return self._member_values(owner, name)
        if kind == EXTERNAL:
            if owner[1].count(".") >= _MOST_PARTS:
                return ()
            return ((EXTERNAL, f"{owner[1]}.{name}"),)
        if kind == MODULE:
            return self._module_attribute(owner[1], name)
        if kind == FOREIGN:
            known = libraries.foreign_attribute(owner, name, self)
            return known if known is not None else ((BOUND_EXTERNAL, owner, name),)
        if kind == SUPER_OF:
            return self._super_member(owner, name)
        if kind == DICT:
            return self._record_member(owner, name)
        if kind == QUERY:
            return libraries.query_attribute(owner, name, self)
        if kind in (MANY, LIST, STRING, ROWS):
            return ((BOUND_EXTERNAL, owner, name),)
        if kind in (FUNCTION, METHOD):
            return self._function_attribute(owner, name)
        if kind == SHAPED:
            module = self.module(owner[1])
            if module is not None:
                for field, type_expression in owner[2]:
                    if field == name:
                        return self.instances(module, type_expression)
        if kind == BOUND_EXTERNAL:
            return libraries.chained_attribute(owner, name, self)
        return ()

    def _module_attribute(self, path: str, name: str) -> Values:
        found = self.exported(path, name)
        if found or path.endswith((".py", "/")):
            return found
        module = self.module(path)
        if module is not None and name == "default" and "default" not in module.facts.exports:
            return self.exported(path, "=")
        return ()

    def _function_attribute(self, owner: Value, name: str) -> Values:
        module = self.module(owner[1])
        if module is None:
            return ()
        definition = module.facts.definitions[owner[2]]
        if name in _SCHEDULING and definition.decorators:
            return ((SCHEDULED, owner[1], owner[2]),)
        if not module.python:
            if name in ("call", "apply", "bind"):
                return (owner,)
            stores = self._stores_on(module, self._binding_expression(module, owner[2]))
            if name in stores:
                return self._union(module, stores[name])
            return self._mixed_in(module, self._binding_expression(module, owner[2]), name)
        if name in ("__wrapped__", "__func__", "func"):
            return ((FUNCTION, owner[1], owner[2]),)
        return ()

    def _mixed_in(self, module: Module, target: Expr, name: str) -> Values:
        """The attribute as another object gives it: `Object.assign(app, proto)`, `mixin(app, proto)`."""
        if module.python or target[0] != F.NAME:
            return ()
        table = self._mixed.get(module.path)
        if table is None:
            table = self._mixed[module.path] = {}
            for call in module.facts.calls:
                if call.name in MIXING and len(call.arguments) > 1:
                    table.setdefault(call.arguments[0], []).extend(call.arguments[1:])
        found: list[Value] = []
        for source in table.get(target, ()):
            given = self.attribute(self.values(module, source), name)
            found.extend(value for value in given if value[0] not in (EXTERNAL, BOUND_EXTERNAL))
        return _unique(found)

    def _binding_expression(self, module: Module, number: int) -> Expr:
        definition = module.facts.definitions[number]
        parent = module.facts.definitions[definition.parent] if definition.parent >= 0 else None
        return (F.NAME, 0 if parent is None else parent.scope, definition.name)

    def _stores_on(self, module: Module, target: Expr) -> dict[str, list[Expr]]:
        """Attributes that this file stores on exactly this expression: `app.handle = …`, `F.prototype.run = …`."""
        if module.prototype_stores is None:
            module.prototype_stores = {}
            for access in module.facts.accesses:
                if access.kind == F.STORE and access.value is not None and access.target[0] in (F.NAME, F.ATTR):
                    module.prototype_stores.setdefault(access.target, {}).setdefault(access.name, []).append(
                        access.value
                    )
        return module.prototype_stores.get(target, {})

    def stored_on(self, module: Module, target: Expr, name: str) -> Values:
        """What this file stores on exactly this expression under that name."""
        return self._union(module, self._stores_on(module, target).get(name, ()))

    def _record_member(self, owner: Value, name: str) -> Values:
        module = self.module(owner[1])
        if module is None:
            return ()
        if module.python:
            return ((BOUND_EXTERNAL, owner, name),)
        # A literal can be spread into itself by its name: `options = { ...options }`.
        key = (20, module.path, owner[2][1], name)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._find_record_member(module, owner, name))

    def _find_record_member(self, module: Module, owner: Value, name: str) -> Values:
        found: list[Value] = []
        for key, value in owner[2][2]:
            if key is None:
                found.extend(self.attribute(self.values(module, value), name))
            elif key[0] == F.TEXT and key[1] == name:
                found.extend(self.values(module, value))
        if not found:
            for target, stores in self._record_stores(module, owner[2]):
                if name in stores:
                    found.extend(self._union(module, stores[name]))
                    del target
        return _unique(found) or ((BOUND_EXTERNAL, owner, name),)

    def _record_stores(self, module: Module, record: Expr) -> list[tuple[Expr, dict[str, list[Expr]]]]:
        self._stores_on(module, record)  # fills the table
        assert module.prototype_stores is not None
        return [
            (target, stores)
            for target, stores in module.prototype_stores.items()
            if target[0] == F.NAME and record in module.facts.scopes[target[1]].bindings.get(target[2], ())
        ]

    # -- classes

    def bases(self, path: str, number: int) -> list[tuple[Module, int, dict[str, Values]]]:
        """The class and its project bases in method resolution order, each with what its type parameters stand for."""
        key = (path, number)
        known = self._mro.get(key)
        if known is not None:
            return known
        module = self.module(path)
        assert module is not None
        own: tuple[Module, int, dict[str, Values]] = (module, number, {})
        if self._climbed >= _MOST_ANCESTORS:
            return [own]
        self._mro[key] = [own]  # a class that inherits from itself ends here
        self._external_bases[key] = ()
        self._climbed += 1
        try:
            order, external = self._inherited(own, key)
        finally:
            self._climbed -= 1
        self._mro[key] = order
        self._external_bases[key] = external
        return order

    def _inherited(
        self, own: tuple[Module, int, dict[str, Values]], key: tuple[str, int]
    ) -> tuple[list[tuple[Module, int, dict[str, Values]]], tuple[str, ...]]:
        module, number, _ = own
        chains: list[list[tuple[Module, int, dict[str, Values]]]] = []
        external: list[str] = []
        for base in module.facts.definitions[number].bases:
            for value in self._base_values(module, base):
                if value[0] == CLASS and (value[1], value[2]) != key:
                    parent = self.module(value[1])
                    assert parent is not None
                    names = self._type_parameters(parent, value[2])
                    environment = dict(zip(names, value[3], strict=False))
                    chain = [(parent, value[2], environment)]
                    chain += [
                        (ancestor, at, _closed(inner, environment))
                        for ancestor, at, inner in self.bases(value[1], value[2])[1:]
                    ]
                    chains.append(chain)
                    external.extend(self._external_bases.get((value[1], value[2]), ()))
                elif value[0] in (EXTERNAL, FOREIGN, BOUND_EXTERNAL):
                    external.append(libraries.external_name(value) or "")
                elif value[0] == FUNCTION:  # a mixin function or an old-style constructor
                    parent = self.module(value[1])
                    if parent is not None and not parent.python:
                        chains.append([(parent, value[2], {})])
        return [own, *_merge(chains)], tuple(dict.fromkeys(external))

    def _base_values(self, module: Module, base: Expr) -> Values:
        if base[0] == F.ITEM:
            arguments = tuple(
                self._open_parameter(module, part) or self._instances(module, part, {}) for part in _parts(base[2])
            )
            return tuple(
                (CLASS, value[1], value[2], arguments) if value[0] == CLASS else value
                for value in self.values(module, base[1])
            )
        return self.values(module, base)

    def _type_parameters(self, module: Module, number: int) -> tuple[str, ...]:
        """The names that a class leaves open: declared, or type variables among the arguments of its bases."""
        definition = module.facts.definitions[number]
        if definition.type_parameters or not module.python:
            return definition.type_parameters
        found: dict[str, None] = {}
        for base in definition.bases:
            for part in _parts(base[2]) if base[0] == F.ITEM else ():
                for opened in self._open_parameter(module, part):
                    found[opened[1]] = None
        return tuple(found)

    def _open_parameter(self, module: Module, part: Expr) -> Values:
        """The type variable that an argument of a base is; () when it is a type."""
        if part[0] != F.NAME:
            return ()
        if any(value[0] == FOREIGN and value[1].endswith("TypeVar") for value in self.values(module, part)):
            return ((OPEN, part[2]),)
        scope = module.facts.scopes[part[1]]
        if not scope.bindings.get(part[2]) and scope.kind == "class":
            return ((OPEN, part[2]),)  # `class Repo[T](Base[T])`
        return ()

    def base_of(self, module: Module, base: Expr) -> tuple[str, tuple[str, int] | None]:
        """A base class as written: its name, and (file, definition) when it is a class of the project."""
        for value in self._base_values(module, base):
            if value[0] == CLASS:
                owner = self.module(value[1])
                assert owner is not None
                return (owner.facts.definitions[value[2]].name, (value[1], value[2]))
            outside = libraries.external_name(value)
            if outside is not None:
                return (outside, None)
        root = base[1] if base[0] == F.ITEM else base
        name = root[2] if root[0] in (F.NAME, F.ATTR) else root[1] if root[0] == F.FREE else ""
        return (name if isinstance(name, str) else "", None)

    def external_bases(self, path: str, number: int) -> tuple[str, ...]:
        """Dotted names of the classes outside the project that this class inherits from, directly or not."""
        self.bases(path, number)
        return self._external_bases[(path, number)]

    def member(self, path: str, number: int, name: str, after: tuple[str, int] | None = None) -> Member | None:
        """Where a class finds that attribute, following its bases; `after`: only behind that class in the order."""
        order = self.bases(path, number)
        if after is not None:
            places = [index for index, (module, at, _) in enumerate(order) if (module.path, at) == after]
            order = order[places[0] + 1 :] if places else order[1:]
        for module, at, _ in order:
            definition = module.facts.definitions[at]
            if definition.kind == "class" and name in module.facts.scopes[definition.scope].bindings:
                return (module, definition, at, name)
            if name in self._self_stores(module).get(at, ()):
                return (module, definition, at, name)
            if definition.kind != "class" and name in self._prototype(module, at):
                return (module, definition, at, name)
        return None

    def _prototype(self, module: Module, number: int) -> dict[str, list[Expr]]:
        expression = self._binding_expression(module, number)
        return self._stores_on(module, (F.ATTR, expression, "prototype"))

    def _self_stores(self, module: Module) -> dict[int, dict[str, list[Expr]]]:
        if module.self_stores is None:
            table: dict[int, dict[str, list[Expr]]] = {}
            for access in module.facts.accesses:
                if access.kind == F.STORE and access.target[0] == F.SELF:
                    values = table.setdefault(access.target[1], {}).setdefault(access.name, [])
                    if access.value is not None and len(values) < _MOST_VALUES:
                        values.append(access.value)
            module.self_stores = table
        return module.self_stores

    def _member_values(self, owner: Value, name: str) -> Values:
        key = (5, owner, name)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._find_member(owner, name))

    def _find_member(self, owner: Value, name: str) -> Values:
        kind, path, number = owner[0], owner[1], owner[2]
        if name in ("__class__", "constructor") and kind == OBJECT:
            return ((CLASS, path, number, owner[3]),)
        module = self.module(path)
        if module is None:
            return ()
        place = self.member(path, number, name)
        if place is None:
            known = libraries.class_attribute(owner, name, self)
            if known is not None:
                return known
            if name == "_get_current_object" and kind == OBJECT:  # what stands behind a proxy declared by its type
                return ((BOUND_EXTERNAL, owner, name),)
            external = self.external_bases(path, number)
            if external:
                return ((EXTERNAL, f"{external[0]}.{name}"),)
            return ()
        return self._bind(place, owner)

    def _super_member(self, owner: Value, name: str) -> Values:
        place = self.member(owner[1], owner[2], name, after=(owner[1], owner[2]))
        if place is None:
            external = self.external_bases(owner[1], owner[2])
            return ((EXTERNAL, f"{external[0]}.{name}"),) if external else ()
        return self._bind(place, owner[3])

    def _bind(self, place: Member, receiver: Value) -> Values:
        """The member as the receiver gives it: methods bound, properties read, fields by their declared type."""
        module, definition, number, name = place
        stored: tuple[Expr, ...] = tuple(self._self_stores(module).get(number, {}).get(name, ()))
        if definition.kind == "class":
            bindings = module.facts.scopes[definition.scope].bindings.get(name, ())
        else:
            bindings = tuple(self._prototype(module, number).get(name, ()))
        if definition.flags & F.ENUM and receiver[0] == CLASS and bindings and bindings[0][0] != F.DEFINITION:
            return ((OBJECT, module.path, number, ()),)
        found: list[Value] = []
        declared = bindings[0] if bindings and bindings[0][0] == F.INSTANCE else None
        if declared is None:
            declared = next((each for each in stored if each[0] == F.INSTANCE), None)
        if declared is not None:
            environment = self._environment(receiver, module, number)
            found.extend(self.instances(module, declared[1], environment))
            if found:
                return _unique(found)
        overloads_hidden = [
            each for each in bindings if each[0] != F.DEFINITION or not self._is_overload(module, each[1])
        ]
        for each in overloads_hidden or bindings:
            if each[0] == F.DEFINITION:
                found.extend(self._bind_definition(module, each[1], receiver))
            else:
                for value in self.values(module, each):
                    if value[0] == FUNCTION and receiver[0] == OBJECT and not module.python:
                        found.append((METHOD, value[1], value[2], receiver))
                    else:
                        found.extend(libraries.field_value(value, receiver, self))
        if not any(each[0] == F.DEFINITION for each in bindings):
            for each in stored:
                found.extend(self.values(module, each))
        return _unique(found)

    def _bind_definition(self, module: Module, number: int, receiver: Value) -> Values:
        definition = module.facts.definitions[number]
        if definition.kind == "class":
            return ((CLASS, module.path, number, ()),)
        if definition.flags & F.SETTER:
            return ()
        if definition.flags & F.PROPERTY:
            if receiver[0] != OBJECT:
                return ((FUNCTION, module.path, number),)
            return self.results(((METHOD, module.path, number, receiver),), None)
        if definition.flags & F.STATIC:
            return ((FUNCTION, module.path, number),)
        if definition.flags & F.CLASS_METHOD:
            bound = (CLASS, *receiver[1:]) if receiver[0] == OBJECT else receiver
            return ((METHOD, module.path, number, bound),)
        if receiver[0] == OBJECT:
            return ((METHOD, module.path, number, receiver),)
        return ((FUNCTION, module.path, number),)

    def _environment(self, receiver: Value, module: Module, number: int) -> dict[str, Values]:
        """What the type parameters of the class that owns a member stand for, seen from the receiver."""
        if receiver[0] not in (OBJECT, CLASS):
            return {}
        own = self._type_parameters(module, number)
        if not own:
            return {}
        if (receiver[1], receiver[2]) == (module.path, number):
            return dict(zip(own, receiver[3], strict=False))
        for base, at, environment in self.bases(receiver[1], receiver[2]):
            if base is module and at == number:
                given = self.module(receiver[1])
                names = () if given is None else self._type_parameters(given, receiver[2])
                closed = _closed(environment, dict(zip(names, receiver[3], strict=False)))
                return {name: tuple(value for value in values if value[0] != OPEN) for name, values in closed.items()}
        return {}

    # -- types

    def instances(self, module: Module, type_expression: Expr, environment: dict[str, Values] | None = None) -> Values:
        """The values that a declared type admits; () for types that say nothing (Any, unknown type variables)."""
        if environment:
            return self._instances(module, type_expression, environment)
        key = (6, module.path, type_expression)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._instances(module, type_expression, {}))

    def _instances(self, module: Module, e: Expr, environment: dict[str, Values]) -> Values:
        kind = e[0]
        if kind == F.UNION:
            found: list[Value] = []
            for each in e[1]:
                found.extend(self._instances(module, each, environment))
            return _unique(found)
        if kind == F.ITEM:
            return self._generic(module, e, environment)
        if kind in (F.NAME, F.FREE):
            name = e[2] if kind == F.NAME else e[1]
            if name in environment:
                return environment[name]
            if kind == F.FREE and not module.python and name in _SCRIPT_PRIMITIVES:
                return () if name in ("any", "unknown", "never", "object") else ((FOREIGN, name, None, ()),)
            if kind == F.NAME:
                aliased = self._alias(module, e)
                if aliased is not None:
                    return aliased
        if kind == F.ATTR:
            for owner in self.values(module, e[1]):
                if owner[0] == MODULE and not owner[1].endswith("/"):
                    aliased = self._exported_alias(owner[1], e[2], 0)
                    if aliased is not None:
                        return aliased
        if kind == F.SHAPE:
            return ((SHAPED, module.path, e[1]),)
        if kind == F.FUNCTION_TYPE:
            return ((CALLABLE, module.path, e[1]),) if e[1] is not None else ()
        if kind == F.TYPE_OF:
            return self.values(module, e[1])
        if kind == F.SEQUENCE:
            return ((MANY, self._union_of_types(module, e[2], environment)),)
        if kind in (F.TEXT, F.LITERAL):
            return ()
        if kind == F.INSTANCE:
            return self._instances(module, e[1], environment)
        found = []
        for value in self.values(module, e):
            found.extend(self._instance_of(value))
        return _unique(found)

    def _instance_of(self, value: Value) -> Values:
        if value[0] == CLASS:
            return ((OBJECT, value[1], value[2], value[3]),)
        if value[0] == FUNCTION:  # an old-style constructor
            owner = self.module(value[1])
            return () if owner is None or owner.python else ((OBJECT, value[1], value[2], ()),)
        if value[0] == EXTERNAL:
            last = value[1].rsplit(".", 1)[-1]
            if last in ("Any", "TypeVar", "Self", "NoReturn", "Never") or value[1] in ("builtins.object",):
                return ()
            return ((FOREIGN, value[1], None, ()),)
        if value[0] == FOREIGN and value[1].endswith("NewType"):
            return ()
        if value[0] in (SHAPED, CALLABLE, MANY):
            return (value,)
        if value[0] == OBJECT:  # an alias whose binding is already a declared value
            return (value,)
        return ()

    def _alias(self, module: Module, e: Expr, hops: int = 0) -> Values | None:
        """A name that is bound to a type expression: `Users = list[User]`, `type Id = string`."""
        bindings = module.facts.scopes[e[1]].bindings.get(e[2], ())
        if len(bindings) != 1:
            return None
        bound = bindings[0]
        if bound[0] == F.ALIAS:
            return self.instances(module, bound[1])
        if bound[0] in (F.ITEM, F.UNION):
            return self.instances(module, bound)
        if bound[0] == F.IMPORTED:
            return self._imported_alias(module, bound[1], hops)
        return None

    def _imported_alias(self, module: Module, number: int, hops: int) -> Values | None:
        entry = module.facts.imports[number]
        path = self.modules.resolve(module.path, entry.module)
        if path is None or path.endswith("/") or entry.name in (None, "*", "="):
            return None
        return self._exported_alias(path, entry.name or "", hops + 1)

    def _exported_alias(self, path: str, name: str, hops: int) -> Values | None:
        # Eight hops: re-exports of re-exports; deeper barrels were not met, and rings of imports never end.
        if hops > 8:
            return None
        module = self.module(path)
        if module is None:
            return None
        facts = module.facts
        if name in facts.scopes[0].bindings and (module.python or name in facts.exports or not facts.exports):
            return self._alias(module, (F.NAME, 0, name), hops)
        exported = facts.exports.get(name)
        if exported is not None:
            if exported[0] == F.NAME:
                return self._alias(module, exported, hops)
            if exported[0] == F.IMPORTED:
                return self._imported_alias(module, exported[1], hops)
        for number in facts.reexports:
            source = self.modules.resolve(path, facts.imports[number].module)
            if source is not None and not source.endswith("/") and source != path:
                found = self._exported_alias(source, name, hops + 1)
                if found is not None:
                    return found
        return None

    def _type_arguments(self, module: Module, key: Expr | None, environment: dict[str, Values] | None = None) -> Values:
        if key is None:
            return ()
        parts = key[2] if key[0] == F.SEQUENCE else (key,)
        return tuple(self._instances(module, part, environment or {}) for part in parts)

    def _union_of_types(self, module: Module, parts: Iterable[Expr], environment: dict[str, Values]) -> Values:
        found: list[Value] = []
        for part in parts:
            found.extend(self._instances(module, part, environment))
        return _unique(found)

    def _generic(self, module: Module, e: Expr, environment: dict[str, Values]) -> Values:
        key = e[2]
        parts: tuple[Expr, ...] = () if key is None else key[2] if key[0] == F.SEQUENCE else (key,)
        base = e[1]
        name = base[2] if base[0] in (F.NAME, F.ATTR) else base[1] if base[0] == F.FREE else ""
        owners = self.values(module, base)
        project = [value for value in owners if value[0] == CLASS]
        if not project and isinstance(name, str):
            last = name
            for value in owners:
                if value[0] == EXTERNAL:
                    last = value[1].rsplit(".", 1)[-1]
            if last == "Union":
                return self._union_of_types(module, parts, environment)
            if last in ("Literal", "Callable", "TypeGuard", "TypeIs"):
                if last == "Callable" and len(parts) == 2:
                    return ((CALLABLE, module.path, parts[1]),)
                return ()
            if last in ("Type", "type") and parts:
                return tuple(
                    (CLASS, *value[1:]) if value[0] == OBJECT else (EXTERNAL, value[1])
                    for value in self._instances(module, parts[0], environment)
                    if value[0] in (OBJECT, FOREIGN)
                )
            if last in _TRANSPARENT and parts:
                if last == "Annotated" and len(parts) > 1:
                    found = self._instances(module, parts[0], environment)
                    return found or self._annotated_injection(module, parts[1:])
                chosen = parts[-1] if last == "Coroutine" else parts[0]
                return self._instances(module, chosen, environment)
            if last in ("Generator", "AsyncGenerator") and parts:
                return ((MANY, self._instances(module, parts[0], environment)),)
            if last in _CONTAINERS and parts:
                if last == "QuerySet":
                    rows = self._instances(module, parts[0], environment)
                    return tuple((QUERY, row[1], row[2]) for row in rows if row[0] == OBJECT)
                return ((MANY, self._union_of_types(module, parts, environment)),)
            if last in _MAPPINGS and parts:
                return ((MANY, self._instances(module, parts[-1], environment)),)
        arguments = tuple(self._instances(module, part, environment) for part in parts)
        found_list: list[Value] = []
        for value in owners:
            if value[0] == CLASS:
                found_list.append((OBJECT, value[1], value[2], arguments))
            elif value[0] == EXTERNAL:
                found_list.append((FOREIGN, value[1], None, arguments))
        if not found_list and base[0] == F.NAME:
            aliased = self._alias(module, base)
            if aliased:
                return aliased
        return _unique(found_list)

    def _annotated_injection(self, module: Module, extras: tuple[Expr, ...]) -> Values:
        for extra in extras:
            found = self._injected(module, extra)
            if found:
                return found
        return ()

    # -- containers

    def elements(self, containers: Values) -> Values:
        """What iterating over these gives."""
        found: list[Value] = []
        for value in containers:
            kind = value[0]
            if kind == MANY:
                found.extend(value[1])
            elif kind == QUERY:
                found.append((OBJECT, value[1], value[2], ()))
            elif kind == CLASS:  # iterating over an enum gives its members
                found.append((OBJECT, *value[1:]))
            elif kind in (LIST, OBJECT, FOREIGN):
                found.extend(self._elements(value))
            if len(found) > 2 * _MOST_VALUES:
                break
        return _unique(found)

    def _elements(self, value: Value) -> Values:
        key = (10, value)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._elements_of(value))

    def _elements_of(self, value: Value) -> Values:
        if value[0] == OBJECT:
            return self._iterated(value)
        if value[0] == FOREIGN:
            return tuple(value[3][-1]) if value[3] else ()
        module = self.module(value[1])
        if module is None:
            return ()
        found: list[Value] = []
        for element in value[2][2][: 2 * _MOST_VALUES]:
            inner = self.values(module, element)
            found.extend(self.elements(inner) if element[0] == F.SPREAD else inner)
        return tuple(found)

    def _iterated(self, value: Value) -> Values:
        iterators = self._result_of_members(value, ("__iter__", "__aiter__"))
        found: list[Value] = []
        for iterator in iterators:
            if iterator[0] == OBJECT:
                found.extend(self._result_of_members(iterator, ("__next__", "__anext__")))
            else:
                found.extend(self.elements((iterator,)))
        return tuple(found)

    def _result_of_members(self, owner: Value, names: tuple[str, ...]) -> Values:
        # An object can be its own member: `__call__ = A()` in class A.
        key = (21, owner, names)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._result_of_member(owner, names))

    def _result_of_member(self, owner: Value, names: tuple[str, ...]) -> Values:
        for name in names:
            found = self.attribute((owner,), name)
            if found:
                return self.results(found, None)
        return ()

    def _item(self, module: Module, e: Expr) -> Values:
        key = (7, module.path, e)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._item_of(module, e))

    def _item_of(self, module: Module, e: Expr) -> Values:
        found: list[Value] = []
        constant = e[2][1] if e[2] is not None and e[2][0] == F.TEXT else None
        for value in self.values(module, e[1]):
            kind = value[0]
            if kind == DICT:
                found.extend(self._record_item(value, constant))
            elif kind == CLASS:  # a generic class with arguments, as a value
                found.append((CLASS, value[1], value[2], self._type_arguments(module, e[2])))
            elif kind == OBJECT:
                found.extend(self._result_of_members(value, ("__getitem__",)))
            elif kind == QUERY:
                found.extend((value, (OBJECT, value[1], value[2], ())))
            elif (kind == SHAPED and constant is not None) or (kind == MODULE and constant is not None):
                found.extend(self._attribute(value, constant))
            elif kind == EXTERNAL:
                found.append(value)
            else:
                found.extend(self.elements((value,)))
        return _unique(found)

    def _record_item(self, value: Value, constant: str | None) -> Values:
        key = (11, value, constant)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._record_item_of(value, constant))

    def _record_item_of(self, value: Value, constant: str | None) -> Values:
        module = self.module(value[1])
        if module is None:
            return ()
        found: list[Value] = []
        for key, element in value[2][2][
            :64
        ]:  # a table of handlers is rarely longer, and MOST_VALUES cuts what it gives
            if key is None:
                found.extend(self._values_of_record(self.values(module, element)))
            elif constant is None or key[0] != F.TEXT or key[1] == constant:
                found.extend(self.values(module, element))
        return _unique(found)

    def _values_of_record(self, values: Values) -> Values:
        found: list[Value] = []
        for value in values:
            found.extend(self._record_item(value, None) if value[0] == DICT else self.elements((value,)))
        return tuple(found)

    def _unpacked(self, module: Module, e: Expr) -> Values:
        found: list[Value] = []
        for value in self.values(module, e[1]):
            if value[0] == LIST and value[2][1] in ("tuple", "list"):
                owner = self.module(value[1])
                elements = value[2][2]
                if owner is not None and -len(elements) <= e[2] < len(elements):
                    found.extend(self.values(owner, elements[e[2]]))
                    continue
            found.extend(self.elements((value,)))
        return _unique(found)

    # -- calls

    def _call(self, module: Module, e: Expr) -> Values:
        key = (8, module.path, e[1])
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._result(module, e[1]))

    def _result(self, module: Module, number: int) -> Values:
        call = module.facts.calls[number]
        known = libraries.result(module, number, self)
        if known is not None:
            return known
        return self.results(self.values(module, call.callee), (module, number))

    def results(self, callees: Values, site: tuple[Module, int] | None) -> Values:
        """What calling these gives; `site` is the call when there is one."""
        found: list[Value] = []
        for callee in callees:
            kind = callee[0]
            if kind in (FUNCTION, METHOD):
                if site is not None and not site[0].python and site[0].facts.calls[site[1]].flags & F.NEW:
                    found.append((OBJECT, callee[1], callee[2], ()))
                    continue
                found.extend(self._returned(callee, site))
            elif kind == CLASS:
                found.append((OBJECT, callee[1], callee[2], callee[3]))
            elif kind == EXTERNAL:
                found.extend(self._external_result(callee[1], site))
            elif kind == FOREIGN:
                row = libraries.made_row(callee)
                found.extend(() if row is None else (row,))
            elif kind == BOUND_EXTERNAL:
                found.extend(self._container_result(callee, site))
            elif kind == OBJECT:
                found.extend(self._result_of_members(callee, ("__call__",)))
            elif kind == CALLABLE:
                owner = self.module(callee[1])
                if owner is not None:
                    found.extend(self.instances(owner, callee[2]))
        return _unique(found)

    def _external_result(self, name: str, site: tuple[Module, int] | None) -> Values:
        if site is None:
            return ((FOREIGN, name, None, ()),)
        module, number = site
        call = module.facts.calls[number]
        last = name.rsplit(".", 1)[-1]
        first = call.arguments[0] if call.arguments else None
        if name.startswith("builtins."):
            if last in ("super",):
                return self._called_super(module, call)
            if last == "type" and len(call.arguments) == 1:
                return tuple((CLASS, *v[1:]) for v in self.values(module, first) if v[0] == OBJECT)
            if last == "type" and len(call.arguments) == 3:  # a class made at run time has what its bases have
                return tuple(v for v in self.elements(self.values(module, call.arguments[1])) if v[0] == CLASS)
            if last == "getattr" and len(call.arguments) > 1 and call.arguments[1][0] == F.TEXT:
                return self.attribute(self.values(module, first), call.arguments[1][1])
            if last in ("next", "anext", "min", "max"):
                return self.elements(self.values(module, first))
            if last in ("enumerate", "zip"):
                inner = tuple(self.elements(self.values(module, each)) for each in call.arguments)
                flat = tuple(value for values in inner for value in values)
                return ((MANY, ((MANY, _unique(flat)),)),)
            if last == "map" and len(call.arguments) > 1:
                return ((MANY, self.results(self.values(module, first), None)),)
            if last == "filter" and len(call.arguments) > 1:
                return ((MANY, self.elements(self.values(module, call.arguments[1]))),)
        if last in _SAME_BUILTINS and first is not None:
            values = self.values(module, first)
            if name.startswith("builtins."):
                return ((MANY, self.elements(values)),) if values else ((FOREIGN, name, None, ()),)
            return values
        if last == "from_queryset" and name.startswith("django.") and first is not None:
            return self.values(module, first)
        if name in ("functools.partial", "functools.wraps", "functools.partialmethod") and first is not None:
            return self.values(module, first)
        if name in ("typing.cast", "typing_extensions.cast") and first is not None:
            return self.instances(module, first)
        if name in ("Object.assign", "Object.freeze", "Object.create") and first is not None:
            return self.values(module, first)
        if (
            name in ("Object.values", "Object.entries", "Array.from", "Promise.all", "Promise.allSettled")
            and first is not None
        ):
            values = self.values(module, first)
            return values if name.startswith("Promise") else ((MANY, self._values_of_record(values)),)
        if name in ("Promise.resolve", "Promise.race") and first is not None:
            return self.values(module, first)
        return ((FOREIGN, name, (module.path, number), ()),)

    def _called_super(self, module: Module, call: F.Call) -> Values:
        if call.arguments:
            for value in self.values(module, call.arguments[0]):
                if value[0] == CLASS:
                    return ((SUPER_OF, value[1], value[2], (OBJECT, value[1], value[2], ())),)
            return ()
        number = call.caller
        while number >= 0:
            definition = module.facts.definitions[number]
            parent = definition.parent
            if parent >= 0 and module.facts.definitions[parent].kind == "class":
                receiver = CLASS if definition.flags & F.CLASS_METHOD else OBJECT
                return ((SUPER_OF, module.path, parent, (receiver, module.path, parent, ())),)
            number = parent
        return ()

    def _container_result(self, callee: Value, site: tuple[Module, int] | None) -> Values:
        receiver, name = callee[1], callee[2]
        if receiver[0] in (MANY, LIST, DICT):
            if name in ("values", "items", "entries") and receiver[0] == DICT:
                return ((MANY, self._record_item(receiver, None)),)
            if name in ("items", "entries"):
                return ((MANY, ((MANY, self.elements((receiver,))),)),)
            if name in _SAME_METHODS:
                return (receiver,)
            if name in _ELEMENT_METHODS:
                return self._record_item(receiver, None) if receiver[0] == DICT else self.elements((receiver,))
            if name in ("map", "flatMap") and site is not None and site[0].facts.calls[site[1]].arguments:
                module, number = site
                mapped = self.results(self.values(module, module.facts.calls[number].arguments[0]), None)
                return ((MANY, mapped),) if mapped else ()
            return ()
        if receiver[0] == STRING:
            return ((FOREIGN, "builtins.str", None, ()),)
        if receiver[0] == FOREIGN:
            return libraries.foreign_result(receiver, name, site, self)
        if receiver[0] == BOUND_EXTERNAL:
            return ()
        if receiver[0] == OBJECT:
            return (receiver,)
        if receiver[0] == CLASS:
            return libraries.manager_result(receiver, name, site, self)
        return libraries.query_result(receiver, name, site, self)

    def _returned(self, callee: Value, site: tuple[Module, int] | None) -> Values:
        module = self.module(callee[1])
        if module is None:
            return ()
        receiver = callee[3] if callee[0] == METHOD else None
        definition = module.facts.definitions[callee[2]]
        if site is not None and definition.returns is not None:
            generic = self._generic_return(module, definition, site)
            if generic:
                return generic
        key = (9, module.path, callee[2], receiver)
        known = self._memo.get(key)
        return known if known is not None else self._ask(key, lambda: self._return_values(module, definition, receiver))

    def _generic_return(self, module: Module, definition: Definition, site: tuple[Module, int]) -> Values:
        """`def get(model: type[T]) -> T`: the result is what the argument says."""
        names = set(definition.type_parameters)
        assert definition.returns is not None
        variable = _type_variable(definition.returns)
        if variable is None:
            return ()
        if variable not in names and not self._is_type_variable(module, variable):
            return ()
        caller, number = site
        call = caller.facts.calls[number]
        positional = [p for p in definition.parameters if p.kind in ("positional", "rest")]
        if definition.kind == "method" and not definition.flags & F.STATIC and module.python:
            positional = positional[1:]
        for parameter, argument in zip(positional, call.arguments, strict=False):
            if parameter.annotation is None or _type_variable(parameter.annotation) != variable:
                continue
            values = self.values(caller, argument)
            found = tuple(
                (OBJECT, *value[1:]) if value[0] == CLASS else value for value in values if value[0] in (CLASS, OBJECT)
            )
            if found:
                return self._around_argument(module, definition.returns, found)
        return ()

    def _around_argument(self, module: Module, returns: Expr, argument: Values) -> Values:
        """`Repository<T>` with the T that the argument gave; for `T` and `Promise<T>` just that."""
        if returns[0] == F.UNION:
            parts = [part for part in returns[1] if part[0] != F.LITERAL]
            return self._around_argument(module, parts[0], argument) if parts else argument
        if _is_container(returns):
            return ((MANY, argument),)
        if returns[0] != F.ITEM:
            return argument
        base = returns[1]
        name = base[2] if base[0] in (F.NAME, F.ATTR) else base[1] if base[0] == F.FREE else ""
        if name in _TRANSPARENT or name in ("type", "Type"):
            inner = returns[2][2][0] if returns[2] is not None and returns[2][0] == F.SEQUENCE else returns[2]
            return argument if inner is None else self._around_argument(module, inner, argument)
        made = tuple(
            (OBJECT, value[1], value[2], (argument,)) if value[0] == CLASS else (FOREIGN, value[1], None, (argument,))
            for value in self.values(module, base)
            if value[0] in (CLASS, EXTERNAL)
        )
        return made or argument

    def _is_type_variable(self, module: Module, name: str) -> bool:
        return any(
            value[0] == FOREIGN and value[1].endswith("TypeVar")
            for value in self.values(module, (F.NAME, 0, name))
            if name in module.facts.scopes[0].bindings or True
        )

    def _return_values(self, module: Module, definition: Definition, receiver: Value | None) -> Values:
        if definition.returns is not None:
            if receiver is not None and _says_self(definition.returns):
                return ((OBJECT, *receiver[1:]),) if receiver[0] in (OBJECT, CLASS) else (receiver,)
            environment = {}
            if receiver is not None and definition.parent >= 0:
                environment = self._environment(receiver, module, definition.parent)
            declared = self.instances(module, definition.returns, environment)
            if declared:
                if any(text in definition.returns_text for text in ("Generator", "Iterator")) and definition.yielded:
                    return declared if declared[0][0] == MANY else ((MANY, declared),)
                return declared
        found: list[Value] = []
        for expression in definition.returned:
            if receiver is not None and receiver[0] in (OBJECT, CLASS):
                made = self._made_by_receiver(module, expression, receiver)
                if made is not None:
                    found.append(made)
                    continue
            found.extend(self.values(module, expression))
        if definition.yielded:
            rows: list[Value] = []
            for expression in definition.yielded:
                rows.extend(self.values(module, expression))
            if rows:
                found.append((MANY, _unique(rows)))
        return _unique(found)

    def _made_by_receiver(self, module: Module, expression: Expr, receiver: Value) -> Value | None:
        """`return self` and `return cls(...)` give the receiver's own class, not the one that defines the method."""
        if expression[0] == F.SELF:
            return receiver
        if expression[0] == F.NAME:
            bindings = module.facts.scopes[expression[1]].bindings.get(expression[2], ())
            if len(bindings) == 1 and bindings[0][0] in (F.SELF, F.CALL):
                return self._made_by_receiver(module, bindings[0], receiver)
        if expression[0] == F.CALL:
            call = module.facts.calls[expression[1]]
            callee = call.callee
            if call.name in ("copy", "deepcopy") and len(call.arguments) == 1:
                # `copy.copy(self)`: what copies itself by other means takes no argument.
                return self._made_by_receiver(module, call.arguments[0], receiver)
            if callee[0] == F.NAME:
                bindings = module.facts.scopes[callee[1]].bindings.get(callee[2], ())
                if len(bindings) == 1 and bindings[0][0] == F.SELF and bindings[0][2]:
                    return (OBJECT, *receiver[1:])
            if callee[0] == F.ATTR and callee[2] == "__class__":
                inner = callee[1]
                if inner[0] == F.NAME:
                    bindings = module.facts.scopes[inner[1]].bindings.get(inner[2], ())
                    if bindings and bindings[0][0] == F.SELF:
                        return (OBJECT, *receiver[1:])
        return None

    # -- for the libraries

    def classes_named(self, importer: str, name: str) -> Values:
        """Project classes of that name, as instances' classes: what `relationship("User")` means."""
        if self._class_named is None:
            return ()
        return tuple((CLASS, path, number, ()) for path, number in self._class_named(importer, name))


def _parts(key: Expr | None) -> tuple[Expr, ...]:
    """The arguments of a generic type."""
    if key is None:
        return ()
    parts: tuple[Expr, ...] = key[2] if key[0] == F.SEQUENCE else (key,)
    return parts


def _closed(environment: dict[str, Values], given: dict[str, Values]) -> dict[str, Values]:
    """Type parameters with those that stayed open filled in from `given`."""
    return {
        name: tuple(
            inner for value in values for inner in (given.get(value[1], (value,)) if value[0] == OPEN else (value,))
        )
        for name, values in environment.items()
    }


def pytest_plugins(facts: FileFacts) -> tuple[str, ...]:
    """The modules whose fixtures a conftest.py brings in by name: `pytest_plugins = ["shop.tests.fixtures"]`."""
    return tuple(
        part[1]
        for bound in facts.scopes[0].bindings.get("pytest_plugins", ())
        for part in (bound[2] if bound[0] == F.SEQUENCE else (bound,))
        if part[0] == F.TEXT
    )


def _is_fixture(definition: Definition) -> bool:
    return any(decorator.text.split("(", 1)[0].rsplit(".", 1)[-1] == "fixture" for decorator in definition.decorators)


def _unique(values: Iterable[Value]) -> Values:
    found = tuple(dict.fromkeys(values))
    return found if len(found) <= _MOST_VALUES else found[:_MOST_VALUES]


def _merge(
    chains: list[list[tuple[Module, int, dict[str, Values]]]],
) -> list[tuple[Module, int, dict[str, Values]]]:
    """C3 linearisation; where the bases contradict each other, the first written wins."""
    heads = [(chain[0][0].path, chain[0][1]) for chain in chains]
    sequences = [list(chain) for chain in chains]
    entries = {(chain[0][0].path, chain[0][1]): chain[0] for chain in chains}
    sequences.append([entries[head] for head in dict.fromkeys(heads)])
    order: list[tuple[Module, int, dict[str, Values]]] = []
    done: set[tuple[str, int]] = set()
    while True:
        sequences = [sequence for sequence in sequences if sequence]
        if not sequences:
            return order
        tails = {(each[0].path, each[1]) for sequence in sequences for each in sequence[1:]}
        chosen = next(
            (sequence[0] for sequence in sequences if (sequence[0][0].path, sequence[0][1]) not in tails),
            sequences[0][0],
        )
        key = (chosen[0].path, chosen[1])
        if key not in done:
            done.add(key)
            order.append(chosen)
        for sequence in sequences:
            while sequence and (sequence[0][0].path, sequence[0][1]) == key:
                sequence.pop(0)
        if len(order) > 200:  # no real hierarchy is as deep; a contradiction could otherwise repeat
            return order


def _records(facts: FileFacts) -> Iterable[Expr]:
    """Every object literal of a file, found through the places that hold expressions."""
    pending: list[Expr] = []
    for scope in facts.scopes:
        for bindings in scope.bindings.values():
            pending.extend(bindings)
    for call in facts.calls:
        pending.extend(call.arguments)
        pending.extend(value for _, value in call.keywords)
        pending.append(call.callee)
    pending.extend(access.value for access in facts.accesses if access.value is not None)
    for definition in facts.definitions:
        pending.extend(definition.returned)
    pending.extend(facts.exports.values())
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if each[0] == F.RECORD:
            yield each
            for key, value in each[2]:
                if key is not None:
                    pending.append(key)
                pending.append(value)
        else:
            pending.extend(part for part in each[1:] if isinstance(part, tuple) and part and isinstance(part[0], int))
            for part in each[1:]:
                if isinstance(part, tuple) and part and isinstance(part[0], tuple):
                    pending.extend(inner for inner in part if inner and isinstance(inner[0], int))


def _type_variable(type_expression: Expr) -> str | None:
    """The single name that a type is about: T in `T`, `type[T]`, `Promise<T>`, `list[T]`."""
    kind = type_expression[0]
    if kind == F.NAME:
        return str(type_expression[2])
    if kind == F.FREE:
        return str(type_expression[1])
    if kind == F.ITEM and type_expression[2] is not None:
        key = type_expression[2]
        parts = key[2] if key[0] == F.SEQUENCE else (key,)
        return _type_variable(parts[0]) if len(parts) == 1 else None
    if kind == F.UNION:
        names = {_type_variable(part) for part in type_expression[1] if part[0] not in (F.LITERAL,)}
        return names.pop() if len(names) == 1 else None
    return None


def _is_container(type_expression: Expr) -> bool:
    if type_expression[0] != F.ITEM:
        return False
    base = type_expression[1]
    name = base[2] if base[0] in (F.NAME, F.ATTR) else base[1] if base[0] == F.FREE else ""
    return name in _CONTAINERS


def _says_self(type_expression: Expr) -> bool:
    """`-> Self`, `: this`."""
    kind = type_expression[0]
    if kind in (F.NAME, F.ATTR):
        return bool(type_expression[2] == "Self")
    return (kind in (F.FREE,) and type_expression[1] in ("Self", "this")) or kind == F.SELF
