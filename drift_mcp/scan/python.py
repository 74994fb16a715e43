"""Python source → facts. One walk over tree-sitter's tree, with lexical scoping as Python has it.

Never imports or runs what it reads, never needs a second file, and never fails on any bytes: what cannot be read becomes a Problem.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import (
    Access,
    Call,
    Decorator,
    Definition,
    EnvRead,
    Expr,
    FileFacts,
    Handler,
    Import,
    Parameter,
    Problem,
    Scope,
)
from drift_mcp.scan.secrets import looks_secret, redact_default

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

# Deeper expressions and blocks are made by generators, and Python's own stack is the limit of a recursive walk.
_DEEPEST: Final = 120
_MOST_RETURNED: Final = 12
_UNKNOWN: Final[Expr] = (F.UNION, ())
_NONE: Final[Expr] = (F.LITERAL, "none")
_TEXT_KEPT: Final = re.compile(r"[\w\-./:{}<>*$@#,?&=+~%\[\]() ]{0,200}")
_SQL_START: Final = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*|\(\s*)*(select|insert|update|delete|with|merge|replace|truncate|create|alter)\b", re.IGNORECASE)
_TEST_PATH: Final = re.compile(r"(^|/)(tests?|testing)/|(^|/)test_[^/]*$|_test\.py$|(^|/)conftest\.py$|(^|/)tests\.py$")
_CODING: Final = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BRANCHES: Final = frozenset(
    "if_statement elif_clause for_statement while_statement except_clause except_group_clause case_clause conditional_expression "
    "boolean_operator assert_statement for_in_clause if_clause".split()
)
_FIRST_IS_CLASS: Final = frozenset(("__new__", "__init_subclass__", "__class_getitem__"))


@functools.cache
def _parser() -> Parser:
    import tree_sitter_python  # the grammar is a shared library: loaded by the process that parses, when it parses
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_python.language()))


def facts_of(path: str, source: bytes, *, module_name: str | None = None) -> FileFacts:
    """The facts of one Python file. `path` is relative to the project root; `module_name` overrides the name made from it."""
    source, problems = _readable(source)
    root = _parser().parse(source).root_node
    if root.has_error:
        problems.append(_syntax_problem(root))
    walk = _Walk(path, source, module_name or _module_name(path))
    walk.module(root)
    return walk.facts(problems, source.count(b"\n") + 1)


def _readable(source: bytes) -> tuple[bytes, list[Problem]]:
    """UTF-8 bytes for the parser: UTF-16 is recoded, an unknown encoding is kept byte for byte and named."""
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        return source.decode("utf-16", "replace").encode("utf-8", "replace"), []
    if source.startswith(b"\xef\xbb\xbf"):
        # Blanks keep every column where an editor shows it.
        source = source[3:]
    try:
        source.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = source.count(b"\n", 0, problem.start) + 1
        for first in source.split(b"\n", 2)[:2]:
            cookie = _CODING.match(first)
            if cookie is not None:
                try:
                    return source.decode(cookie.group(1).decode("ascii")).encode("utf-8"), []
                except (LookupError, UnicodeDecodeError):
                    break
        return source, [Problem("encoding", line, "not UTF-8 from this line on; names are read with replacement characters")]
    return source, []


def _syntax_problem(root: Node) -> Problem:
    pending = [root]
    while pending:
        node = pending.pop()
        if node.type == "ERROR" or node.is_missing:
            return Problem("syntax", node.start_point[0] + 1, "not understood from here; what stands around it was read")
        pending.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return Problem("syntax", 0, "not wholly understood; what could be read was read")


def _module_name(path: str) -> str:
    name = path.rsplit(".", 1)[0].replace("/", ".")
    return name.removesuffix(".__init__") or name


class _Context:
    """Where the walk stands: which scope names belong to, which definition calls belong to."""

    __slots__ = ("class_definition", "definition", "globals", "nonlocals", "scope", "signature")

    def __init__(self, scope: int, definition: int, class_definition: int) -> None:
        self.scope = scope
        self.definition = definition
        self.class_definition = class_definition  # number of the class whose body or method this is; -1
        self.globals: frozenset[str] = frozenset()
        self.nonlocals: frozenset[str] = frozenset()
        self.signature = False


class _Walk:
    def __init__(self, path: str, source: bytes, module_name: str) -> None:
        self.path = path
        self.source = source
        self.module_name = module_name
        self.is_test = int(_TEST_PATH.search(path) is not None)
        self.definitions: list[Definition] = []
        self.kinds: list[tuple[str, int]] = []  # of scopes: (kind, parent)
        self.names: list[set[str]] = []  # of scopes: names bound there
        self.bindings: list[dict[str, list[Expr]]] = []
        self.scope_definitions: list[int] = []
        self.imports: list[Import] = []
        self.reexports: list[int] = []
        self.calls: list[Call] = []
        self.accesses: list[Access] = []
        self.handlers: list[Handler] = []
        self.env_reads: list[EnvRead] = []
        self.returned: dict[int, list[Expr]] = {}
        self.yielded: dict[int, list[Expr]] = {}
        self.complexity: dict[int, int] = {}
        self.generators: set[int] = set()
        self.ordinals: dict[str, int] = {}
        self.records = 0
        self.depth = 0
        self.shared: dict[Expr, Expr] = {}
        self.has_walrus = b":=" in source
        self.handlers_of: dict[str, Any] = {
            "identifier": self._identifier,
            "attribute": self._attribute,
            "call": self._call,
            "subscript": self._subscript,
            "string": self._string,
            "concatenated_string": self._string,
            "list": lambda n, c: self._sequence(n, c, "list"),
            "tuple": lambda n, c: self._sequence(n, c, "tuple"),
            "expression_list": lambda n, c: self._sequence(n, c, "tuple"),
            "set": lambda n, c: self._sequence(n, c, "set"),
            "dictionary": self._dictionary,
            "list_comprehension": self._comprehension,
            "set_comprehension": self._comprehension,
            "generator_expression": self._comprehension,
            "dictionary_comprehension": self._comprehension,
            "parenthesized_expression": self._inner,
            "await": lambda n, c: (F.AWAITED, self._inner(n, c)),
            "lambda": self._lambda,
            "conditional_expression": self._conditional,
            "boolean_operator": self._boolean,
            "binary_operator": self._binary,
            "named_expression": self._walrus,
            "yield": self._yield,
            "list_splat": lambda n, c: (F.SPREAD, self._inner(n, c)),
            "dictionary_splat": lambda n, c: (F.SPREAD, self._inner(n, c)),
            "type": self._inner,
            "generic_type": self._generic_type,
            "union_type": self._union_type,
            "member_type": self._attribute_like,
            "integer": lambda n, c: (F.LITERAL, "int"),
            "float": lambda n, c: (F.LITERAL, "float"),
            "true": lambda n, c: (F.LITERAL, "bool"),
            "false": lambda n, c: (F.LITERAL, "bool"),
            "none": lambda n, c: _NONE,
        }
        self.statements: dict[str, Any] = {
            "expression_statement": self._expression_statement,
            "function_definition": lambda n, c: self._function(n, c, ()),
            "class_definition": lambda n, c: self._class(n, c, ()),
            "decorated_definition": self._decorated,
            "import_statement": self._import,
            "import_from_statement": self._import_from,
            "future_import_statement": lambda n, c: None,
            "return_statement": self._return,
            "for_statement": self._for,
            "with_statement": self._with,
            "try_statement": self._try,
            "raise_statement": self._raise,
            "match_statement": self._match,
            "delete_statement": self._delete,
            "type_alias_statement": self._type_alias,
            "global_statement": lambda n, c: None,
            "nonlocal_statement": lambda n, c: None,
            "comment": lambda n, c: None,
            "pass_statement": lambda n, c: None,
        }

    # -- small things

    def text(self, node: Node) -> str:
        return sys.intern(self.source[node.start_byte : node.end_byte].decode("utf-8", "replace"))

    def share(self, expression: Expr) -> Expr:
        return self.shared.setdefault(expression, expression)

    def new_scope(self, kind: str, parent: int, definition: int, names: Iterable[str] = ()) -> int:
        self.kinds.append((kind, parent))
        self.names.append(set(names))
        self.bindings.append({})
        self.scope_definitions.append(definition)
        return len(self.kinds) - 1

    def bind(self, scope: int, name: str, value: Expr) -> None:
        values = self.bindings[scope].setdefault(name, [])
        # More than this many assignments to one name say that its value cannot be told from them.
        if len(values) < 16 and value not in values:
            if value[0] == F.INSTANCE:
                values.insert(0, value)
            else:
                values.append(value)

    def scope_for_binding(self, name: str, context: _Context) -> int:
        if name in context.globals:
            self.names[0].add(name)
            return 0
        if name in context.nonlocals:
            return self.lookup(name, self.kinds[context.scope][1]) or 0
        scope = context.scope
        # A comprehension's own scope holds only its targets; a walrus inside it binds outside.
        while name not in self.names[scope] and self.kinds[scope][0] == "comprehension":
            scope = self.kinds[scope][1]
        self.names[scope].add(name)
        return scope

    def lookup(self, name: str, scope: int) -> int | None:
        first = True
        while scope >= 0:
            kind, parent = self.kinds[scope]
            if name in self.names[scope] and (first or kind != "class"):
                return scope
            first = first and kind == "comprehension"
            scope = parent
        return None

    def name(self, name: str, context: _Context) -> Expr:
        if name in context.globals:
            return self.share((F.NAME, 0, name))
        scope = self.lookup(name, context.scope)
        if scope is None:
            return self.share((F.FREE, name))
        return self.share((F.NAME, scope, name))

    # -- module, blocks, statements

    def module(self, root: Node) -> None:
        scope = self.new_scope("module", -1, 0)
        self.definitions.append(self._blank(self.module_name, "module", -1, scope, root))
        self.complexity[0] = 1
        self.names[scope] = self.bound_names(root)[0]
        context = _Context(scope, 0, -1)
        self.block(root, context)
        flags = F.HAS_DOC if _docstring(root) else 0
        self.definitions[0] = self.definitions[0]._replace(
            flags=flags, complexity=self.complexity[0], end_line=root.end_point[0] + 1
        )

    def _blank(self, name: str, kind: str, parent: int, scope: int, node: Node) -> Definition:
        return Definition(
            name, name, 0, kind, parent, scope, 1, node.end_point[0] + 1, 0, 1, 0, "public", 1, "", (), None, "", (), (), (), (), (), ()
        )

    def block(self, node: Node, context: _Context) -> None:
        for child in node.named_children:
            self.statement(child, context)

    def statement(self, node: Node, context: _Context) -> None:
        kind = node.type
        handler = self.statements.get(kind)
        if handler is not None:
            if self.depth > _DEEPEST:
                return
            self.depth += 1
            handler(node, context)
            self.depth -= 1
            return
        if kind in self.handlers_of:
            self.expression(node, context)
            return
        if self.depth > _DEEPEST:
            return
        if kind in _BRANCHES:
            self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
        # if, while, else, finally, blocks, and what a broken file leaves: everything inside counts.
        self.depth += 1
        for child in node.named_children:
            self.statement(child, context)
        self.depth -= 1

    def bound_names(self, body: Node) -> tuple[set[str], set[str], set[str]]:
        """Names that this body binds, its globals and its nonlocals; nested functions and classes bind only their own name here."""
        names: set[str] = set()
        global_names: set[str] = set()
        nonlocal_names: set[str] = set()
        pending = list(body.named_children)
        while pending:
            node = pending.pop()
            kind = node.type
            if kind == "expression_statement":
                for child in node.named_children:
                    self._assigned(child, names)
                    if self.has_walrus:
                        self._walruses(child, names)
            elif kind in ("function_definition", "class_definition"):
                name = node.child_by_field_name("name")
                if name is not None:
                    names.add(self.text(name))
            elif kind == "decorated_definition":
                pending.extend(child for child in node.named_children if child.type != "decorator")
            elif kind == "import_statement":
                for child in node.named_children:
                    if child.type == "aliased_import":
                        alias = child.child_by_field_name("alias")
                        names.add(self.text(alias) if alias is not None else "")
                    elif child.type == "dotted_name":
                        names.add(self.text(child).split(".", 1)[0].strip())
            elif kind == "import_from_statement":
                module = node.child_by_field_name("module_name")
                for child in node.named_children:
                    if child.type == "aliased_import":
                        alias = child.child_by_field_name("alias")
                        names.add(self.text(alias) if alias is not None else "")
                    elif child.type == "dotted_name" and child != module:
                        names.add(self.text(child))
            elif kind == "global_statement":
                global_names.update(self.text(child) for child in node.named_children)
            elif kind == "nonlocal_statement":
                nonlocal_names.update(self.text(child) for child in node.named_children)
            elif kind == "type_alias_statement":
                left = node.child_by_field_name("left")
                if left is not None:
                    names.add(re.split(r"[\[\s]", self.text(left), maxsplit=1)[0])
            else:
                if kind == "for_statement":
                    left = node.child_by_field_name("left")
                    if left is not None:
                        self._targets(left, names)
                elif kind == "as_pattern":
                    target = node.child_by_field_name("alias")
                    if target is not None:
                        self._targets(target, names)
                elif kind == "case_clause":
                    self._captures(node, names)
                elif kind == "named_expression":
                    left = node.child_by_field_name("name")
                    if left is not None:
                        names.add(self.text(left))
                if kind in ("lambda",):
                    continue
                pending.extend(node.named_children)
        return names, global_names, nonlocal_names

    def _walruses(self, node: Node, names: set[str]) -> None:
        pending = [node]
        while pending:
            each = pending.pop()
            if each.type == "named_expression":
                left = each.child_by_field_name("name")
                if left is not None:
                    names.add(self.text(left))
            if each.type != "lambda":
                pending.extend(each.named_children)

    def _assigned(self, node: Node, names: set[str]) -> None:
        while node is not None and node.type in ("assignment", "augmented_assignment"):
            left = node.child_by_field_name("left")
            if left is not None:
                self._targets(left, names)
            right = node.child_by_field_name("right")
            if right is None:
                return
            node = right

    def _targets(self, node: Node, names: set[str]) -> None:
        pending = [node]
        while pending:
            each = pending.pop()
            if each.type == "identifier":
                names.add(self.text(each))
            elif each.type in (
                "pattern_list",
                "tuple_pattern",
                "list_pattern",
                "list_splat_pattern",
                "tuple",
                "list",
                "expression_list",
                "parenthesized_expression",
                "as_pattern_target",
                "list_splat",
            ):
                pending.extend(each.named_children)

    def _captures(self, clause: Node, names: set[str]) -> None:
        pending = [child for child in clause.named_children if child.type in ("case_pattern", "pattern")]
        while pending:
            each = pending.pop()
            if each.type == "dotted_name" and each.named_child_count == 1:
                names.add(self.text(each))
            elif each.type == "identifier":
                names.add(self.text(each))
            elif each.type == "keyword_pattern":
                pending.extend(each.named_children[1:])
            elif each.type == "class_pattern":
                pending.extend(each.named_children[1:])
            else:
                pending.extend(each.named_children)

    def _expression_statement(self, node: Node, context: _Context) -> None:
        for child in node.named_children:
            if child.type == "assignment":
                self._assignment(child, context)
            elif child.type == "augmented_assignment":
                self._augmented(child, context)
            elif child.type != "comment":
                self.expression(child, context)

    def _assignment(self, node: Node, context: _Context) -> Expr:
        """Binds the targets of an assignment chain; returns the value assigned."""
        left = node.child_by_field_name("left")
        right = node.child_by_field_name("right")
        annotation = node.child_by_field_name("type")
        value: Expr | None = None
        if right is not None:
            value = self._assignment(right, context) if right.type == "assignment" else self.expression(right, context)
        declared: Expr | None = None
        if annotation is not None:
            declared = self.annotation(annotation, context)
        if left is not None:
            if declared is not None:
                self.target(left, (F.INSTANCE, declared), context)
            if value is not None:
                self.target(left, value, context)
            self._settings_field(left, annotation, right, context)
        return value if value is not None else _UNKNOWN

    def _augmented(self, node: Node, context: _Context) -> None:
        left = node.child_by_field_name("left")
        right = node.child_by_field_name("right")
        value = self.expression(right, context) if right is not None else _UNKNOWN
        if left is None:
            return
        if left.type == "identifier":
            name = self.text(left)
            self.bind(self.scope_for_binding(name, context), name, value)
        elif left.type == "attribute":
            self.expression(left, context)
            self._store(left, None, context)
        else:
            self.expression(left, context)

    def target(self, node: Node, value: Expr, context: _Context) -> None:
        kind = node.type
        if kind == "identifier":
            name = self.text(node)
            self.bind(self.scope_for_binding(name, context), name, self.share(value))
        elif kind == "attribute":
            self._store(node, value, context)
        elif kind == "subscript":
            self._item_store(node, self.expression(node, context), value, context)
        elif kind in ("pattern_list", "tuple_pattern", "list_pattern", "tuple", "list", "expression_list"):
            children = [child for child in node.named_children if child.type != "comment"]
            starred = next((i for i, child in enumerate(children) if child.type in ("list_splat_pattern", "list_splat")), None)
            for position, child in enumerate(children):
                if starred is not None and position > starred:
                    position -= len(children)
                if position == starred:
                    self.target(child, value, context)
                else:
                    self.target(child, self.share((F.UNPACKED, value, position)), context)
        elif kind in ("list_splat_pattern", "list_splat", "parenthesized_expression", "as_pattern_target"):
            for child in node.named_children:
                self.target(child, value, context)
        else:
            self.expression(node, context)

    def _item_store(self, node: Node, item: Expr, value: Expr, context: _Context) -> None:
        """`values["key"] = …` is kept as a store of the name '[key]': dictionaries of values are filled this way."""
        if item[0] == F.ITEM and item[2] is not None and item[2][0] == F.TEXT and item[1][0] == F.NAME:
            line, column = node.start_point[0] + 1, node.start_point[1]
            self.accesses.append(Access(context.definition, item[1], f"[{item[2][1]}]", line, column, F.STORE, value))

    def _store(self, node: Node, value: Expr | None, context: _Context) -> None:
        owner = node.child_by_field_name("object")
        attribute = node.child_by_field_name("attribute")
        if owner is None or attribute is None:
            return
        self.accesses.append(
            Access(
                context.definition,
                self._through_self(self.expression(owner, context)),
                self.text(attribute),
                attribute.start_point[0] + 1,
                attribute.start_point[1],
                F.STORE,
                value,
            )
        )

    def _through_self(self, expression: Expr) -> Expr:
        """`self` written as what it is, so that `self.x = …` is seen to store on the class."""
        if expression[0] == F.NAME:
            bound = self.bindings[expression[1]].get(expression[2])
            if bound and bound[0][0] == F.SELF:
                return bound[0]
        return expression

    def annotation(self, node: Node, context: _Context) -> Expr:
        """A type expression; a string annotation is parsed as one."""
        return self._unquoted(node, context)

    def _unquoted(self, node: Node, context: _Context) -> Expr:
        inner = node
        while inner.type == "type" and inner.named_child_count == 1:
            inner = inner.named_children[0]
        if inner.type in ("string", "concatenated_string"):
            parsed = self._parsed_annotation(inner, context)
            return parsed if parsed is not None else _UNKNOWN
        quoted, self.quoted_types = getattr(self, "quoted_types", False), True
        found = self.expression(inner, context)
        self.quoted_types = quoted
        return found

    def _parsed_annotation(self, node: Node, context: _Context) -> Expr | None:
        content = self._constant(node)
        if content is None or len(content) > 500 or not content.strip():
            return None
        root = _parser().parse(content.encode("utf-8", "replace")).root_node
        if root.has_error or root.named_child_count != 1 or root.named_children[0].named_child_count != 1:
            return None
        inside = _Walk(self.path, content.encode("utf-8", "replace"), self.module_name)
        inside.kinds, inside.names, inside.bindings = self.kinds, self.names, self.bindings
        inside.shared, inside.definitions = self.shared, self.definitions
        inside.imports, inside.calls = self.imports, self.calls
        before = len(self.calls)
        found = inside.expression(root.named_children[0].named_children[0], context)
        # Lines inside the quotes are not lines of the file: a call there is no call site.
        if len(self.calls) > before:
            del self.calls[before:]
            return None
        return found

    # -- imports

    def _import(self, node: Node, context: _Context) -> None:
        line = node.start_point[0] + 1
        for child in node.named_children:
            if child.type == "aliased_import":
                name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
                if name is not None and alias is not None:
                    self._imported(self.text(name), None, self.text(alias), line, context)
            elif child.type == "dotted_name":
                module = self.text(child).replace(" ", "")
                top = module.split(".", 1)[0]
                self._imported(top, None, top, line, context)
                if "." in module:  # the submodule is loaded too, under no name of its own
                    self.imports.append(Import(module, None, "", line, 0))

    def _import_from(self, node: Node, context: _Context) -> None:
        line = node.start_point[0] + 1
        module_node = node.child_by_field_name("module_name")
        module = self.text(module_node).replace(" ", "") if module_node is not None else ""
        for child in node.named_children:
            if child == module_node:
                continue
            if child.type == "wildcard_import":
                self.imports.append(Import(module, "*", "", line, 0))
                self.reexports.append(len(self.imports) - 1)
            elif child.type == "aliased_import":
                name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
                if name is not None and alias is not None:
                    self._imported(module, self.text(name), self.text(alias), child.start_point[0] + 1, context)
            elif child.type == "dotted_name":
                name_text = self.text(child)
                self._imported(module, name_text, name_text, child.start_point[0] + 1, context)

    def _imported(self, module: str, name: str | None, alias: str, line: int, context: _Context) -> None:
        self.imports.append(Import(module, name, alias, line, 0))
        self.bind(self.scope_for_binding(alias, context), alias, (F.IMPORTED, len(self.imports) - 1))

    # -- definitions

    def _decorated(self, node: Node, context: _Context) -> None:
        decorators = tuple(child for child in node.named_children if child.type == "decorator")
        inner = node.child_by_field_name("definition")
        if inner is None:
            for each in decorators:
                self.block(each, context)
        elif inner.type == "class_definition":
            self._class(inner, context, decorators)
        else:
            self._function(inner, context, decorators)

    def _ordinal(self, qualified: str) -> int:
        found = self.ordinals.get(qualified, 0)
        self.ordinals[qualified] = found + 1
        return found

    def _qualified(self, name: str, context: _Context) -> str:
        if context.definition == 0:
            return name
        return f"{self.definitions[context.definition].qualified_name}.{name}"

    def _function(self, node: Node, context: _Context, decorators: tuple[Node, ...]) -> None:
        name_node = node.child_by_field_name("name")
        if name_node is None:
            self.block(node, context)
            return
        name = self.text(name_node)
        is_method = self.kinds[context.scope][0] == "class"
        number = len(self.definitions)
        qualified = self._qualified(name, context)
        scope = self.new_scope("function", context.scope, number)
        self.complexity[number] = 1
        self.definitions.append(self._blank(name, "method" if is_method else "function", context.definition, scope, node))
        flags = self._decorator_flags(decorators)
        if node.children and node.children[0].type == "async":
            flags |= F.ASYNC
        if name in _FIRST_IS_CLASS:
            flags |= F.CLASS_METHOD
        if name in ("__init__", "__new__") and is_method:
            flags |= F.CONSTRUCTOR
        if context.definition == 0 or is_method:
            flags |= 0 if name.startswith("_") else F.EXPORTED
        # The name is bound before the body is walked: a function may call itself.
        self.bind(self.scope_for_binding(name, context), name, (F.DEFINITION, number))
        inner = _Context(scope, number, context.class_definition if is_method else -1)
        type_parameters = self._type_parameters(node.child_by_field_name("type_parameters"), inner)
        parameters = self._parameters(node.child_by_field_name("parameters"), inner, context, is_method, flags)
        returns_node = node.child_by_field_name("return_type")
        inner.signature = True
        returns = None if returns_node is None else self.annotation(returns_node, inner)
        inner.signature = False
        found = self._decorators(decorators, number, context)
        body = node.child_by_field_name("body")
        if body is not None:
            names, inner.globals, inner.nonlocals = (  # type: ignore[assignment]
                frozenset(each) for each in self.bound_names(body)
            )
            self.names[scope] |= names - inner.globals - inner.nonlocals
            self.block(body, inner)
            if _docstring(body):
                flags |= F.HAS_DOC
            if _is_stub(body) and "overload" in {d.text.lstrip("@").rsplit(".", 1)[-1] for d in found}:
                flags |= F.DECLARATION
        if number in self.generators:
            flags |= F.GENERATOR
        signature = self._signature(node, body)
        self.definitions[number] = Definition(
            name,
            qualified,
            self._ordinal(qualified),
            "method" if is_method else "function",
            context.definition,
            scope,
            node.start_point[0] + 1,
            node.end_point[0] + 1,
            name_node.start_point[1],
            name_node.start_point[0] + 1,
            flags,
            _visibility(name),
            self.complexity[number],
            signature,
            parameters,
            returns,
            "" if returns_node is None else _folded(self.text(returns_node), 200),
            tuple(self.returned.get(number, ())),
            tuple(self.yielded.get(number, ())),
            found,
            (),
            (),
            type_parameters,
        )

    def _signature(self, node: Node, body: Node | None) -> str:
        end = body.start_byte if body is not None else node.end_byte
        raw = self.source[node.start_byte : end].decode("utf-8", "replace")
        return _folded(re.sub(r"#[^\n]*", "", raw), 300).rstrip(": ")

    def _decorator_flags(self, decorators: tuple[Node, ...]) -> int:
        flags = 0
        for each in decorators:
            text = self.text(each).lstrip("@").split("(", 1)[0].strip()
            last = text.rsplit(".", 1)[-1]
            if last == "staticmethod":
                flags |= F.STATIC
            elif last == "classmethod":
                flags |= F.CLASS_METHOD
            elif last in ("property", "cached_property", "classproperty", "hybrid_property", "abstractproperty"):
                flags |= F.PROPERTY
            elif last in ("setter", "deleter"):
                flags |= F.SETTER
            elif last == "abstractmethod":
                flags |= F.ABSTRACT
            elif last == "overload":
                flags |= F.DECLARATION
            elif last in ("declared_attr", "validator", "root_validator", "field_validator", "validates"):
                flags |= F.CLASS_METHOD
        return flags

    def _decorators(self, decorators: tuple[Node, ...], number: int, context: _Context) -> tuple[Decorator, ...]:
        found: list[Decorator] = []
        for each in decorators:
            expression = next((child for child in each.named_children if child.type != "comment"), None)
            if expression is None:
                continue
            text = _folded(self.text(expression), 200)
            line = each.start_point[0] + 1
            if expression.type == "call":
                before = len(self.calls)
                value = self._call(expression, context)
                # The outer call belongs to what it decorates; what stands in its arguments stays where it runs.
                at = value[1]
                assert at >= before
                call = self.calls[at]
                self.calls[at] = call._replace(caller=number, flags=call.flags | F.DECORATOR)
                found.append(Decorator(value, text, line))
                continue
            value = self.expression(expression, context, callee=True)
            found.append(Decorator(value, text, line))
            last = text.rsplit(".", 1)[-1]
            if last in ("staticmethod", "classmethod", "property", "setter", "getter", "deleter", "overload", "abstractmethod") and (
                value[0] != F.NAME
            ):
                continue
            token = _name_token(expression)
            self.calls.append(
                Call(
                    number,
                    value,
                    ((F.DEFINITION, number),),
                    (),
                    token.start_point[0] + 1,
                    token.start_point[1],
                    F.DECORATOR,
                    last,
                )
            )
        return tuple(found)

    def _type_parameters(self, node: Node | None, context: _Context) -> tuple[str, ...]:
        if node is None:
            return ()
        found = tuple(re.split(r"[:=\s]", self.text(child).lstrip("*"), maxsplit=1)[0] for child in node.named_children)
        for name in found:
            self.names[context.scope].add(name)
        return found

    def _parameters(
        self, node: Node | None, inner: _Context, outer: _Context, is_method: bool, flags: int
    ) -> tuple[Parameter, ...]:
        if node is None:
            return ()
        found: list[Parameter] = []
        keyword_only = False
        inner.signature = True
        for child in node.named_children:
            kind = child.type
            if kind == "keyword_separator":
                keyword_only = True
                continue
            if kind in ("comment", "positional_separator", "ERROR"):
                continue
            name, annotation, default, form = self._parameter_parts(child)
            if name == "":
                continue
            if form == "rest":
                keyword_only = True
            elif form == "positional" and keyword_only:
                form = "keyword"
            declared = None if annotation is None else self.annotation(annotation, inner)
            given = None if default is None else self.expression(default, inner)
            text = "" if annotation is None else _folded(self.text(annotation), 200)
            position = len(found)
            self.names[inner.scope].add(name)
            if position == 0 and is_method and not flags & F.STATIC and form == "positional" and declared is None:
                self.bind(inner.scope, name, (F.SELF, outer.definition, int(bool(flags & F.CLASS_METHOD))))
            else:
                if declared is not None and form not in ("rest", "keywords"):
                    self.bind(inner.scope, name, (F.INSTANCE, declared))
                self.bind(inner.scope, name, (F.PARAMETER, inner.definition, position))
                if given is not None and given != _NONE:
                    self.bind(inner.scope, name, given)
            found.append(Parameter(name, form, declared, text, given, child.start_point[0] + 1, child.start_point[1]))
        inner.signature = False
        return tuple(found)

    def _parameter_parts(self, node: Node) -> tuple[str, Node | None, Node | None, str]:
        kind = node.type
        if kind == "identifier":
            return (self.text(node), None, None, "positional")
        if kind in ("default_parameter", "typed_default_parameter"):
            name = node.child_by_field_name("name")
            return (
                self.text(name) if name is not None else "",
                node.child_by_field_name("type"),
                node.child_by_field_name("value"),
                "positional",
            )
        if kind == "typed_parameter":
            inner = node.named_children[0] if node.named_children else None
            annotation = node.child_by_field_name("type")
            if inner is None:
                return ("", None, None, "positional")
            if inner.type == "identifier":
                return (self.text(inner), annotation, None, "positional")
            name, _, _, form = self._parameter_parts(inner)
            return (name, annotation, None, form)
        if kind == "list_splat_pattern":
            return (self.text(node).lstrip("* "), None, None, "rest")
        if kind == "dictionary_splat_pattern":
            return (self.text(node).lstrip("* "), None, None, "keywords")
        return ("", None, None, "positional")

    def _class(self, node: Node, context: _Context, decorators: tuple[Node, ...]) -> None:
        name_node = node.child_by_field_name("name")
        if name_node is None:
            self.block(node, context)
            return
        name = self.text(name_node)
        number = len(self.definitions)
        qualified = self._qualified(name, context)
        scope = self.new_scope("class", context.scope, number)
        self.complexity[number] = 1
        self.definitions.append(self._blank(name, "class", context.definition, scope, node)._replace(qualified_name=qualified))
        self.bind(self.scope_for_binding(name, context), name, (F.DEFINITION, number))
        inner = _Context(scope, number, number)
        type_parameters = list(self._type_parameters(node.child_by_field_name("type_parameters"), inner))
        bases: list[Expr] = []
        keywords: list[tuple[str, Expr]] = []
        arguments = node.child_by_field_name("superclasses")
        base_context = _Context(context.scope, number, context.class_definition)
        base_context.globals, base_context.nonlocals = context.globals, context.nonlocals
        for child in arguments.named_children if arguments is not None else ():
            if child.type == "keyword_argument":
                key, value = child.child_by_field_name("name"), child.child_by_field_name("value")
                if key is not None and value is not None:
                    keywords.append((self.text(key), self.expression(value, base_context)))
            elif child.type != "comment":
                bases.append(self.expression(child, base_context))
        for base in bases:
            if base[0] == F.ITEM and _last_name(base[1]) in ("Generic", "Protocol") and base[2] is not None:
                parts = base[2][2] if base[2][0] == F.SEQUENCE else (base[2],)
                type_parameters.extend(_last_name(part) for part in parts if _last_name(part))
        if not type_parameters:
            type_parameters.extend(_implied_type_parameters(bases))
        flags = 0
        last_names = {_last_name(base[1]) if base[0] == F.ITEM else _last_name(base) for base in bases}
        if last_names & {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "TextChoices", "IntegerChoices"}:
            flags |= F.ENUM
        if "Protocol" in last_names:
            flags |= F.INTERFACE
        if last_names & {"ABC"}:
            flags |= F.ABSTRACT
        if context.definition == 0 and not name.startswith("_"):
            flags |= F.EXPORTED
        found = self._decorators(decorators, number, context)
        body = node.child_by_field_name("body")
        self.settings = last_names & {"BaseSettings"} and self._env_prefix(body) if body is not None else None
        if body is not None:
            names, inner.globals, inner.nonlocals = (  # type: ignore[assignment]
                frozenset(each) for each in self.bound_names(body)
            )
            self.names[scope] |= names
            settings = self._env_prefix(body) if "BaseSettings" in last_names else None
            outer_settings, self.settings = getattr(self, "settings", None), settings
            self.block(body, inner)
            self.settings = outer_settings
            if _docstring(body):
                flags |= F.HAS_DOC
        self.definitions[number] = Definition(
            name,
            qualified,
            self._ordinal(qualified),
            "class",
            context.definition,
            scope,
            node.start_point[0] + 1,
            node.end_point[0] + 1,
            name_node.start_point[1],
            name_node.start_point[0] + 1,
            flags,
            _visibility(name),
            self.complexity[number],
            self._signature(node, body),
            (),
            None,
            "",
            (),
            (),
            found,
            tuple(bases),
            tuple(keywords),
            tuple(dict.fromkeys(type_parameters)),
        )

    # -- settings classes and the environment

    def _env_prefix(self, body: Node | None) -> str:
        found = re.search(rb"env_prefix\s*=\s*[\"']([\w-]*)[\"']", self.source[body.start_byte : body.end_byte]) if body else None
        return found.group(1).decode("ascii") if found else ""

    def _settings_field(self, left: Node, annotation: Node | None, right: Node | None, context: _Context) -> None:
        prefix = getattr(self, "settings", None)
        if not isinstance(prefix, str) or annotation is None or left.type != "identifier" or self.kinds[context.scope][0] != "class":
            return
        field = self.text(left)
        if field in ("model_config", "Config") or "ClassVar" in self.text(annotation):
            return
        name = (prefix + field).upper()
        default = None if right is None else redact_default(name, _folded(self.text(right), 200))
        self.env_reads.append(
            EnvRead(context.definition, name, "settings", left.start_point[0] + 1, left.start_point[1], int(right is None), default)
        )

    def _environment(self, call: Node, callee: Expr, name: str, arguments: Node | None, context: _Context) -> None:
        if name not in ("getenv", "get", "setdefault", "env", "config", "str", "bool", "int", "list", "url", "db", "float", "json"):
            return
        dotted = self._dotted(callee)
        method = _ENV_CALLS.get(dotted)
        if method is None or arguments is None:
            return
        given = [child for child in arguments.named_children if child.type != "comment"]
        if not given or given[0].type != "string":
            return
        variable = self._constant(given[0])
        if not variable or len(variable) > 200:
            return
        default: str | None = None
        for child in given[1:]:
            if child.type == "keyword_argument":
                key, value = child.child_by_field_name("name"), child.child_by_field_name("value")
                if key is not None and value is not None and self.text(key) == "default":
                    default = _folded(self.text(value), 200)
            elif default is None:
                default = _folded(self.text(child), 200)
        required = int(default is None and method not in ("os.environ.get", "os.getenv"))
        redacted = None if default is None else redact_default(variable, default)
        token = given[0]
        self.env_reads.append(
            EnvRead(context.definition, variable, method, token.start_point[0] + 1, token.start_point[1], required, redacted)
        )

    def _dotted(self, expression: Expr) -> str:
        """'os.environ.get' for what the imports of this file make it; '' when it is something else."""
        parts: list[str] = []
        while expression[0] == F.ATTR:
            parts.append(expression[2])
            expression = expression[1]
        if expression[0] != F.NAME:
            return ""
        bound = self.bindings[expression[1]].get(expression[2], ())
        if bound and bound[0][0] == F.IMPORTED:
            entry = self.imports[bound[0][1]]
            parts.append(entry.module if entry.name is None else f"{entry.module}.{entry.name}")
        elif bound and bound[0][0] == F.CALL:  # env = environ.Env()
            parts.append(self._dotted(self.calls[bound[0][1]].callee) + "()")
        else:
            return ""
        return ".".join(reversed(parts))

    # -- statements with something to say

    def _return(self, node: Node, context: _Context) -> None:
        for child in node.named_children:
            if child.type == "comment":
                continue
            value = self.expression(child, context)
            values = self.returned.setdefault(context.definition, [])
            if len(values) < _MOST_RETURNED and value not in values and value != _NONE:
                values.append(value)

    def _for(self, node: Node, context: _Context) -> None:
        self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is not None and right is not None:
            self.target(left, self.share((F.ELEMENT, self.expression(right, context))), context)
        for child in node.named_children:
            if child not in (left, right):
                self.statement(child, context)

    def _with(self, node: Node, context: _Context) -> None:
        pending = [child for child in node.named_children if child.type == "with_clause"]
        for clause in pending:
            self._with_items(clause, context)
        body = node.child_by_field_name("body")
        if body is not None:
            self.block(body, context)

    def _with_items(self, clause: Node, context: _Context) -> None:
        for item in clause.named_children:
            if item.type != "with_item":
                if item.type == "tuple":
                    self._with_items(item, context)
                continue
            value = item.child_by_field_name("value")
            if value is None:
                continue
            if value.type == "as_pattern":
                self._as_pattern(value, context, F.ENTERED)
            else:
                self.expression(value, context)

    def _as_pattern(self, node: Node, context: _Context, wrapper: int) -> None:
        source = node.named_children[0]
        alias = node.child_by_field_name("alias")
        value = self.expression(source, context)
        if alias is not None:
            self.target(alias, self.share((wrapper, value)), context)

    def _try(self, node: Node, context: _Context) -> None:
        for child in node.named_children:
            if child.type in ("except_clause", "except_group_clause"):
                self._except(child, context)
            else:
                self.statement(child, context)

    def _except(self, node: Node, context: _Context) -> None:
        self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
        kinds: list[Node] = []
        body: Node | None = None
        for child in node.named_children:
            if child.type == "block":
                body = child
            elif child.type == "as_pattern":
                self._as_pattern(child, context, F.CAUGHT)
                kinds.append(child.named_children[0])
            elif child.type == "identifier" and kinds and _follows_as(child):
                # Some grammar versions give `except X as name` as two children.
                name = self.text(child)
                self.bind(self.scope_for_binding(name, context), name, (F.CAUGHT, self.expression(kinds[0], context)))
            elif child.type != "comment":
                self.expression(child, context)
                kinds.append(child)
        types: list[str] = []
        for each in kinds:
            inner = each.named_children if each.type in ("tuple", "expression_list") else [each]
            types.extend(_folded(self.text(one), 100) for one in inner)
        before = len(self.calls)
        if body is not None:
            self.block(body, context)
        self.handlers.append(
            Handler(
                context.definition,
                node.start_point[0] + 1,
                node.start_point[1],
                tuple(types),
                _does(body, [call.name for call in self.calls[before:]]),
            )
        )

    def _raise(self, node: Node, context: _Context) -> None:
        for position, child in enumerate(child for child in node.named_children if child.type != "comment"):
            value = self.expression(child, context, callee=child.type in ("identifier", "attribute") and position == 0)
            if position == 0 and child.type in ("identifier", "attribute"):
                token = _name_token(child)
                self.calls.append(
                    Call(
                        context.definition,
                        value,
                        (),
                        (),
                        token.start_point[0] + 1,
                        token.start_point[1],
                        F.RAISED,
                        self.text(token),
                    )
                )

    def _match(self, node: Node, context: _Context) -> None:
        subject = node.child_by_field_name("subject")
        value = _UNKNOWN if subject is None else self.expression(subject, context)
        body = node.child_by_field_name("body")
        clauses = [child for child in (body.named_children if body is not None else node.named_children) if child.type == "case_clause"]
        for clause in clauses:
            self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
            names: set[str] = set()
            self._captures(clause, names)
            for name in names:
                self.bind(self.scope_for_binding(name, context), name, _UNKNOWN if len(names) > 1 else value)
            for child in clause.named_children:
                if child.type == "block":
                    self.block(child, context)
                elif child.type == "if_clause":
                    self.block(child, context)

    def _delete(self, node: Node, context: _Context) -> None:
        for child in node.named_children:
            each = child.named_children if child.type in ("expression_list", "tuple") else [child]
            for target in each:
                if target.type == "attribute":
                    owner, attribute = target.child_by_field_name("object"), target.child_by_field_name("attribute")
                    if owner is not None and attribute is not None:
                        self.accesses.append(
                            Access(
                                context.definition,
                                self._through_self(self.expression(owner, context)),
                                self.text(attribute),
                                attribute.start_point[0] + 1,
                                attribute.start_point[1],
                                F.DELETE,
                                None,
                            )
                        )
                else:
                    self.expression(target, context)

    def _type_alias(self, node: Node, context: _Context) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            return
        name = re.split(r"[\[\s]", self.text(left), maxsplit=1)[0]
        self.bind(self.scope_for_binding(name, context), name, (F.ALIAS, self.annotation(right, context)))

    # -- expressions

    def expression(self, node: Node, context: _Context, *, callee: bool = False) -> Expr:
        """The node as an expression; calls and attribute reads inside it are recorded on the way."""
        if self.depth > _DEEPEST:
            return _UNKNOWN
        self.depth += 1
        try:
            if node.type == "attribute":
                return self._attribute(node, context, callee=callee)
            handler = self.handlers_of.get(node.type)
            if handler is not None:
                found: Expr = handler(node, context)
                return self.share(found)
            if node.type in _BRANCHES:
                self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
            for child in node.named_children:
                if child.type in self.statements and child.type != "comment":
                    self.statement(child, context)
                else:
                    self.expression(child, context)
            if node.type in ("comparison_operator", "not_operator"):
                return (F.LITERAL, "bool")
            return _UNKNOWN
        finally:
            self.depth -= 1

    def _inner(self, node: Node, context: _Context) -> Expr:
        found = _UNKNOWN
        for child in node.named_children:
            if child.type != "comment":
                found = self.expression(child, context)
        return found

    def _identifier(self, node: Node, context: _Context) -> Expr:
        return self.name(self.text(node), context)

    def _attribute(self, node: Node, context: _Context, *, callee: bool = False) -> Expr:
        owner, attribute = node.child_by_field_name("object"), node.child_by_field_name("attribute")
        if owner is None or attribute is None:
            return _UNKNOWN
        target = self.expression(owner, context)
        name = self.text(attribute)
        if not callee:
            self.accesses.append(
                Access(
                    context.definition,
                    target,
                    name,
                    attribute.start_point[0] + 1,
                    attribute.start_point[1],
                    F.LOAD,
                    None,
                )
            )
            if name == "environ":
                pass
        return self.share((F.ATTR, target, name))

    def _attribute_like(self, node: Node, context: _Context) -> Expr:
        children = node.named_children
        if len(children) < 2:
            return _UNKNOWN
        return (F.ATTR, self.expression(children[0], context), self.text(children[-1]))

    def _call(self, node: Node, context: _Context) -> Expr:
        function = node.child_by_field_name("function")
        arguments = node.child_by_field_name("arguments")
        if function is None:
            return _UNKNOWN
        callee = self.expression(function, context, callee=True)
        token = _name_token(function)
        name = self.text(token) if token.type == "identifier" else ""
        at = len(self.calls)
        flags = F.SIGNATURE if context.signature else 0
        if node.parent is not None and node.parent.type == "await":
            flags |= F.AWAIT
        # The place is taken before the arguments are walked, so that numbers follow the source.
        self.calls.append(
            Call(context.definition, callee, (), (), token.start_point[0] + 1, token.start_point[1], flags, name)
        )
        self._environment(node, callee, name, arguments, context)
        positional: list[Expr] = []
        keywords: list[tuple[str, Expr]] = []
        if arguments is not None:
            if arguments.type == "generator_expression":
                positional.append(self.expression(arguments, context))
            else:
                for child in arguments.named_children:
                    kind = child.type
                    if kind == "keyword_argument":
                        key, value = child.child_by_field_name("name"), child.child_by_field_name("value")
                        if key is not None and value is not None:
                            keywords.append((self.text(key), self.expression(value, context)))
                    elif kind == "dictionary_splat":
                        keywords.append(("", self._inner(child, context)))
                    elif kind != "comment":
                        positional.append(self.expression(child, context))
        if positional or keywords:
            self.calls[at] = self.calls[at]._replace(arguments=tuple(positional), keywords=tuple(keywords))
        if name == "format" and callee[0] == F.ATTR and callee[1][0] in (F.TEXT, F.JOINED):
            return self._formatted(callee[1], positional)
        return (F.CALL, at)

    def _formatted(self, template: Expr, holes: list[Expr]) -> Expr:
        parts = [template] if template[0] == F.TEXT else list(template[1])
        found: list[Expr] = []
        for part in parts:
            if part[0] == F.TEXT:
                for index, piece in enumerate(re.split(r"\{[^{}]*\}", part[1])):
                    if index:
                        found.append(holes[index - 1] if index <= len(holes) else _UNKNOWN)
                    if piece:
                        found.append((F.TEXT, piece))
            else:
                found.append(part)
        return (F.JOINED, tuple(found))

    def _subscript(self, node: Node, context: _Context) -> Expr:
        value = node.child_by_field_name("value")
        if value is None:
            return _UNKNOWN
        target = self.expression(value, context)
        keys = [child for child in node.children_by_field_name("subscript") if child.type != "comment"]
        if self._dotted(target) in ("os.environ",) and len(keys) == 1 and keys[0].type == "string":
            variable = self._constant(keys[0])
            if variable:
                self.env_reads.append(
                    EnvRead(
                        context.definition,
                        variable,
                        "os.environ",
                        keys[0].start_point[0] + 1,
                        keys[0].start_point[1],
                        1,
                        None,
                    )
                )
        parts = tuple(self._subscript_part(each, context) for each in keys)
        if not parts:
            return (F.ITEM, target, None)
        if len(parts) == 1:
            if parts[0][0] in (F.LITERAL,) or keys[0].type == "slice":
                return target if keys[0].type == "slice" else (F.ITEM, target, None)
            key = parts[0]
            if key[0] == F.SEQUENCE and key[1] == "tuple":
                return (F.ITEM, target, key)
            return (F.ITEM, target, key)
        return (F.ITEM, target, (F.SEQUENCE, "tuple", parts))

    def _subscript_part(self, node: Node, context: _Context) -> Expr:
        if node.type == "string" and getattr(self, "quoted_types", False):
            parsed = self._parsed_annotation(node, context)
            if parsed is not None:
                return parsed
        return self.expression(node, context)

    def _generic_type(self, node: Node, context: _Context) -> Expr:
        children = node.named_children
        if not children:
            return _UNKNOWN
        base = self.expression(children[0], context)
        parameters = children[1].named_children if len(children) > 1 else []
        parts = tuple(self._unquoted(each, context) for each in parameters if each.type != "comment")
        if len(parts) == 1 and parts[0][0] == F.SEQUENCE:
            return (F.ITEM, base, parts[0])
        return (F.ITEM, base, parts[0] if len(parts) == 1 else (F.SEQUENCE, "tuple", parts))

    def _union_type(self, node: Node, context: _Context) -> Expr:
        return (F.UNION, tuple(self._unquoted(each, context) for each in node.named_children))

    def _sequence(self, node: Node, context: _Context, kind: str) -> Expr:
        elements = tuple(
            self._subscript_part(child, context) if getattr(self, "quoted_types", False) else self.expression(child, context)
            for child in node.named_children
            if child.type != "comment"
        )
        return (F.SEQUENCE, kind, elements)

    def _dictionary(self, node: Node, context: _Context) -> Expr:
        self.records += 1
        number = self.records
        pairs: list[tuple[Expr | None, Expr]] = []
        for child in node.named_children:
            if child.type == "pair":
                key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
                if key is not None and value is not None:
                    pairs.append((self.expression(key, context), self.expression(value, context)))
            elif child.type == "dictionary_splat":
                pairs.append((None, self._inner(child, context)))
        return (F.RECORD, number, tuple(pairs))

    def _comprehension(self, node: Node, context: _Context) -> Expr:
        scope = self.new_scope("comprehension", context.scope, context.definition)
        inner = _Context(scope, context.definition, context.class_definition)
        inner.globals, inner.nonlocals, inner.signature = context.globals, context.nonlocals, context.signature
        body: Node | None = None
        first = True
        for child in node.named_children:
            if child.type == "for_in_clause":
                left, right = child.child_by_field_name("left"), child.child_by_field_name("right")
                self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
                # The first iterable is evaluated outside.
                value = _UNKNOWN if right is None else self.expression(right, context if first else inner)
                first = False
                if left is not None:
                    names: set[str] = set()
                    self._targets(left, names)
                    self.names[scope] |= names
                    self.target(left, self.share((F.ELEMENT, value)), inner)
            elif child.type == "if_clause":
                continue
            elif child.type != "comment":
                body = child
        for child in node.named_children:
            if child.type == "if_clause":
                self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
                for each in child.named_children:
                    self.expression(each, inner)
        if body is None:
            return _UNKNOWN
        if body.type == "pair":
            key, value_node = body.child_by_field_name("key"), body.child_by_field_name("value")
            if key is not None:
                self.expression(key, inner)
            element = _UNKNOWN if value_node is None else self.expression(value_node, inner)
        else:
            element = self.expression(body, inner)
        return (F.SEQUENCE, "comprehension", (element,))

    def _lambda(self, node: Node, context: _Context) -> Expr:
        number = len(self.definitions)
        scope = self.new_scope("function", context.scope, number)
        self.complexity[number] = 1
        qualified = self._qualified("<lambda>", context)
        blank = self._blank("<lambda>", "lambda", context.definition, scope, node)
        self.definitions.append(blank)
        inner = _Context(scope, number, -1)
        parameters = self._parameters(node.child_by_field_name("parameters"), inner, context, False, 0)
        body = node.child_by_field_name("body")
        returned = () if body is None else (self.expression(body, inner),)
        self.definitions[number] = blank._replace(
            qualified_name=qualified,
            ordinal=self._ordinal(qualified),
            line=node.start_point[0] + 1,
            end_line=node.end_point[0] + 1,
            column=node.start_point[1],
            name_line=node.start_point[0] + 1,
            visibility="private",
            complexity=self.complexity[number],
            signature=_folded(self.text(node), 300),
            parameters=parameters,
            returned=returned,
        )
        return (F.DEFINITION, number)

    def _conditional(self, node: Node, context: _Context) -> Expr:
        self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
        parts = [self.expression(child, context) for child in node.named_children if child.type != "comment"]
        return (F.UNION, (parts[0], parts[-1])) if len(parts) >= 3 else _UNKNOWN

    def _boolean(self, node: Node, context: _Context) -> Expr:
        self.complexity[context.definition] = self.complexity.get(context.definition, 1) + 1
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        parts = tuple(self.expression(each, context) for each in (left, right) if each is not None)
        operator = node.child_by_field_name("operator")
        if operator is not None and operator.type == "and" and len(parts) == 2:
            return parts[1]
        return (F.UNION, parts)

    def _binary(self, node: Node, context: _Context) -> Expr:
        # Long sums nest to the left as deep as they are long.
        chain = [node]
        while True:
            left = chain[-1].child_by_field_name("left")
            if left is None or left.type != "binary_operator":
                break
            chain.append(left)
        first = chain[-1].child_by_field_name("left")
        value = _UNKNOWN if first is None else self.expression(first, context)
        for each in reversed(chain):
            right_node = each.child_by_field_name("right")
            operator = each.child_by_field_name("operator")
            right = _UNKNOWN if right_node is None else self.expression(right_node, context)
            value = self._combined(value, "" if operator is None else operator.type, right)
        return value

    def _combined(self, left: Expr, operator: str, right: Expr) -> Expr:
        if operator == "+" and (left[0] in (F.TEXT, F.JOINED) or right[0] in (F.TEXT, F.JOINED)):
            parts = (left[1] if left[0] == F.JOINED else (left,)) + (right[1] if right[0] == F.JOINED else (right,))
            return (F.JOINED, parts)
        if operator == "%" and left[0] in (F.TEXT, F.JOINED):
            holes = list(right[2]) if right[0] == F.SEQUENCE else [right]
            parts = left[1] if left[0] == F.JOINED else (left,)
            found: list[Expr] = []
            for part in parts:
                if part[0] != F.TEXT:
                    found.append(part)
                    continue
                for index, piece in enumerate(re.split(r"%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?[srdifgx]", part[1])):
                    if index:
                        found.append(holes.pop(0) if holes else _UNKNOWN)
                    if piece:
                        found.append((F.TEXT, piece))
            return (F.JOINED, tuple(found))
        if operator == "|":
            return (F.UNION, (left, right))
        if operator in ("+", "*") and left[0] == F.SEQUENCE:
            return left if right[0] != F.SEQUENCE else (F.UNION, (left, right))
        return (F.UNION, ())

    def _walrus(self, node: Node, context: _Context) -> Expr:
        name_node, value_node = node.child_by_field_name("name"), node.child_by_field_name("value")
        value = _UNKNOWN if value_node is None else self.expression(value_node, context)
        if name_node is not None:
            name = self.text(name_node)
            self.bind(self.scope_for_binding(name, context), name, value)
        return value

    def _yield(self, node: Node, context: _Context) -> Expr:
        self.generators.add(context.definition)
        from_all = any(child.type == "from" for child in node.children)
        for child in node.named_children:
            if child.type == "comment":
                continue
            value = self.expression(child, context)
            values = self.yielded.setdefault(context.definition, [])
            if len(values) < _MOST_RETURNED:
                values.append((F.ELEMENT, value) if from_all else value)
        return _UNKNOWN

    # -- strings

    def _string(self, node: Node, context: _Context) -> Expr:
        pieces: list[Expr] = []
        self._string_pieces(node, context, pieces)
        parts: list[Expr] = []
        for piece in pieces:
            if piece[0] == F.TEXT and parts and parts[-1][0] == F.TEXT:
                parts[-1] = (F.TEXT, parts[-1][1] + piece[1])
            else:
                parts.append(piece)
        if not parts:
            return (F.TEXT, "")
        if len(parts) == 1 and parts[0][0] == F.TEXT:
            return self._kept(parts[0][1])
        if all(part[0] != F.TEXT for part in parts):
            return (F.JOINED, tuple(parts))
        whole = "".join(part[1] for part in parts if part[0] == F.TEXT)
        sql = _SQL_START.match(whole) is not None and len(whole) <= 20_000
        return (F.JOINED, tuple(part if part[0] != F.TEXT or sql else self._kept(part[1]) for part in parts))

    def _string_pieces(self, node: Node, context: _Context, pieces: list[Expr]) -> None:
        if node.type == "concatenated_string":
            for child in node.named_children:
                if child.type == "string":
                    self._string_pieces(child, context, pieces)
            return
        for child in node.children:
            if child.type == "string_start" and b"b" in self.source[child.start_byte : child.end_byte].lower():
                pieces.append((F.LITERAL, "bytes"))
                return
            if child.type == "string_content":
                # An interpolation splits the content; a plain string has one piece, escapes included.
                pieces.append((F.TEXT, self.source[child.start_byte : child.end_byte].decode("utf-8", "replace")))
            elif child.type == "interpolation":
                inner = child.child_by_field_name("expression") or (child.named_children[0] if child.named_children else None)
                pieces.append(_UNKNOWN if inner is None else self.expression(inner, context))

    def _kept(self, text: str) -> Expr:
        if _SQL_START.match(text) is not None and len(text) <= 20_000:
            return (F.TEXT, text)
        if len(text) <= 200 and "\n" not in text and text.count(" ") <= 6 and _TEXT_KEPT.fullmatch(text) and not looks_secret(text):
            return (F.TEXT, text)
        return (F.LITERAL, "str")

    def _constant(self, node: Node) -> str | None:
        """The text of a plain string; None for anything with holes."""
        if node.type == "concatenated_string":
            parts = [self._constant(child) for child in node.named_children if child.type == "string"]
            return None if any(part is None for part in parts) else "".join(part or "" for part in parts)
        if node.type != "string" or any(child.type == "interpolation" for child in node.children):
            return None
        return "".join(
            self.source[child.start_byte : child.end_byte].decode("utf-8", "replace")
            for child in node.children
            if child.type == "string_content"
        )

    # -- the whole

    def facts(self, problems: list[Problem], lines: int) -> FileFacts:
        scopes = tuple(
            Scope(
                "function" if kind == "comprehension" else kind,
                parent,
                self.scope_definitions[index],
                {name: tuple(values) for name, values in self.bindings[index].items()},
            )
            for index, (kind, parent) in enumerate(self.kinds)
        )
        return FileFacts(
            self.path,
            "python",
            lines,
            self.is_test,
            tuple(self.definitions),
            scopes,
            tuple(self.imports),
            {},
            tuple(self.reexports),
            tuple(self.calls),
            tuple(self.accesses),
            tuple(self.handlers),
            tuple(self.env_reads),
            (),
            (),
            tuple(problems),
        )


_ENV_CALLS: Final = {
    "os.environ.get": "os.environ.get",
    "os.environ.setdefault": "os.environ.get",
    "os.getenv": "os.getenv",
    "decouple.config": "decouple",
    "starlette.config.Config()": "starlette.config",
    **{f"environ.Env().{kind}": "environ.Env" for kind in ("str", "bool", "int", "list", "url", "db", "float", "json")},
    "environ.Env()": "environ.Env",
    **{f"environs.Env().{kind}": "environs.Env" for kind in ("str", "bool", "int", "list", "url", "float", "json")},
    "environs.Env()": "environs.Env",
}


def _name_token(node: Node) -> Node:
    """The identifier that names what is called: the last part of an attribute."""
    if node.type == "attribute":
        attribute = node.child_by_field_name("attribute")
        return node if attribute is None else attribute
    if node.type == "call":
        return node
    return node


def _follows_as(node: Node) -> bool:
    before = node.prev_sibling
    return before is not None and before.type == "as"


def _last_name(expression: Expr) -> str:
    if expression[0] in (F.NAME, F.ATTR):
        return str(expression[2])
    return str(expression[1]) if expression[0] == F.FREE else ""


def _implied_type_parameters(bases: list[Expr]) -> list[str]:
    """`class Repo(Base[T])`: T stays open. By the language's custom, type variables are short names in capitals or end in T or Type."""
    found: list[str] = []
    for base in bases:
        if base[0] != F.ITEM or base[2] is None:
            continue
        for part in base[2][2] if base[2][0] == F.SEQUENCE else (base[2],):
            name = _last_name(part)
            if part[0] == F.NAME and re.fullmatch(r"_?[A-Z]\w?|\w+(?:Type|_T|T_co|T_contra)|_T\w*|T[A-Z]?\w*", name) and len(name) <= 24:
                found.append(name)
    return found


def _visibility(name: str) -> str:
    if name.startswith("__") and not name.endswith("__"):
        return "private"
    return "protected" if name.startswith("_") and not name.startswith("__") else "public"


def _folded(text: str, most: int) -> str:
    folded = " ".join(text.split())
    return folded if len(folded) <= most else folded[: most - 1] + "…"


def _docstring(body: Node) -> bool:
    for child in body.named_children:
        if child.type == "comment":
            continue
        return child.type == "expression_statement" and child.named_child_count > 0 and child.named_children[0].type == "string"
    return False


def _is_stub(body: Node) -> bool:
    return all(
        child.type in ("pass_statement", "comment")
        or (child.type == "expression_statement" and child.named_child_count > 0 and child.named_children[0].type in ("ellipsis", "string"))
        for child in body.named_children
    )


def _does(body: Node | None, called: list[str]) -> str:
    if body is None:
        return "nothing"
    statements = [child for child in body.named_children if child.type != "comment"]
    kinds = {child.type for child in statements}
    if not statements or kinds <= {"pass_statement"} or (
        len(statements) == 1
        and statements[0].type == "expression_statement"
        and statements[0].named_child_count > 0
        and statements[0].named_children[0].type == "ellipsis"
    ):
        return "nothing"
    if "raise_statement" in kinds:
        return "raises"
    if {"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print", "capture_exception"} & set(called):
        return "logs"
    if "return_statement" in kinds and len(statements) == 1:
        return "returns"
    return "handles"
