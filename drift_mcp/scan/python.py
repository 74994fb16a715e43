"""Python source → facts. One walk over tree-sitter's tree, with lexical scoping as Python has it.

Never imports or runs what it reads, never needs a second file, and never fails on any bytes: what cannot be read
becomes a Problem.
"""

from __future__ import annotations

from typing import Final

from tree_sitter import Node, Parser

from drift_mcp.scan import python_definitions as definitions
from drift_mcp.scan import python_expressions as expressions
from drift_mcp.scan import python_grammar as G
from drift_mcp.scan import python_statements as statements
from drift_mcp.scan import suppressions
from drift_mcp.scan.extract import as_utf8
from drift_mcp.scan.facts import HAS_DOC, Access, Call, Definition, FileFacts, Problem, Scope
from drift_mcp.scan.languages import is_test
from drift_mcp.scan.python_names import bound_in, declared_global
from drift_mcp.scan.python_walk import Draft, Handle, Walk

_HANDLERS: Final[dict[str, Handle]] = {
    # What a kind says when it stands here; a kind that is missing only contains other things.
    "assignment": statements.on_assignment,
    "as_pattern": statements.on_as,
    "attribute": expressions.on_attribute,
    "augmented_assignment": statements.on_augmented,
    "await": expressions.on_await,
    "binary_operator": expressions.on_binary,
    "block": statements.on_block,
    "boolean_operator": expressions.on_boolean,
    "break_statement": expressions.on_nothing,
    "call": expressions.on_call,
    "class_definition": definitions.on_class,
    "comment": expressions.on_nothing,
    "comparison_operator": expressions.on_comparison,
    "concatenated_string": expressions.on_concatenated,
    "conditional_expression": expressions.on_conditional,
    "continue_statement": expressions.on_nothing,
    "decorated_definition": definitions.on_decorated,
    "delete_statement": statements.on_delete,
    "dictionary": expressions.on_dictionary,
    "dictionary_comprehension": expressions.on_dictionary_comprehension,
    "dictionary_splat": expressions.on_spread,
    "elif_clause": statements.on_branch,
    "ellipsis": expressions.on_dots,
    "except_clause": statements.on_except,
    "expression_list": expressions.on_tuple,
    "expression_statement": statements.on_expression_statement,
    "false": expressions.on_truth,
    "float": expressions.on_float,
    "for_statement": statements.on_for,
    "function_definition": definitions.on_function,
    "future_import_statement": expressions.on_nothing,
    "generator_expression": expressions.on_comprehension,
    "global_statement": expressions.on_nothing,
    "identifier": expressions.on_identifier,
    "if_statement": statements.on_if,
    "import_from_statement": statements.on_import_from,
    "import_statement": statements.on_import,
    "integer": expressions.on_integer,
    "lambda": definitions.on_lambda,
    "list": expressions.on_list,
    "list_comprehension": expressions.on_comprehension,
    "list_splat": expressions.on_spread,
    "match_statement": statements.on_match,
    "module": statements.on_block,
    "named_expression": expressions.on_named,
    "none": expressions.on_none,
    "nonlocal_statement": expressions.on_nothing,
    "not_operator": expressions.on_not,
    "parenthesized_expression": expressions.on_parenthesized,
    "parenthesized_list_splat": expressions.on_parenthesized,
    "pass_statement": expressions.on_nothing,
    "pattern_list": expressions.on_tuple,
    "raise_statement": statements.on_raise,
    "return_statement": statements.on_return,
    "set": expressions.on_set,
    "set_comprehension": expressions.on_comprehension,
    "string": expressions.on_string,
    "subscript": expressions.on_subscript,
    "true": expressions.on_truth,
    "tuple": expressions.on_tuple,
    "type_alias_statement": statements.on_type_alias,
    "unary_operator": expressions.on_unary,
    "while_statement": statements.on_branch,
    "with_item": statements.on_with_item,
    "yield": expressions.on_yield,
}


def _table() -> list[Handle]:
    table: list[Handle] = [expressions.on_nothing] * G.KINDS
    for number in range(G.LANGUAGE.node_kind_count):
        if G.LANGUAGE.node_kind_is_named(number):
            table[number] = expressions.on_children
    for name, handler in _HANDLERS.items():
        for number in G.numbers(name):
            table[number] = handler
    table[G.ERROR] = expressions.on_children
    return table


_TABLE: Final = _table()


def facts_of(path: str, source: bytes, *, module_name: str | None = None) -> FileFacts:
    """What one Python file says. `path`: from the project's root; `source`: in any encoding, as it was read.

    `module_name` overrides the name that the path gives.
    """
    text, problems = as_utf8(source, is_python=True)
    return _facts(path, text, module_name or _module_name(path), problems)


def extract(path: str, language: str, source: bytes) -> FileFacts:
    """The front end as `languages` calls it: `source` is UTF-8 without a byte order mark."""
    return _facts(path, source, _module_name(path), ())


def _module_name(path: str) -> str:
    name = path.rsplit(".", 1)[0].replace("/", ".")
    return name.removesuffix(".__init__") or name


def _facts(path: str, source: bytes, name: str, problems: tuple[Problem, ...]) -> FileFacts:
    parser = Parser(G.LANGUAGE)
    tree = parser.parse(source)
    root = tree.root_node
    walk = Walk(name, source, parser, _TABLE)
    for raw in sorted(bound_in(root, source).local | declared_global(source)):
        walk.declare(raw)
    module = walk.draft
    module.end_line = root.end_point[0] + 1
    module.flags = HAS_DOC if definitions.documented(root) else 0
    walk.handle[root.kind_id](walk, root, 0)
    walk.finish()
    if root.has_error:
        problems = (*problems, _syntax_problem(root))
    ignored, not_understood = suppressions.read(tree, source)
    return FileFacts(
        path,
        "python",
        source.count(b"\n") + (0 if source.endswith(b"\n") or not source else 1),
        int(is_test(path)),
        tuple([_definition(draft) for draft in walk.definitions]),
        tuple(
            [
                Scope(kind, parent, owner, {key: tuple(values) for key, values in bindings.items()})
                for kind, parent, owner, bindings in walk.scopes
            ]
        ),
        tuple(walk.imports),
        {},
        tuple(walk.reexports),
        tuple(map(Call._make, walk.calls)),
        tuple(map(Access._make, walk.accesses)),
        tuple(walk.handlers_found),
        tuple(walk.env_reads),
        (),
        (),
        (*problems, *not_understood),
        ignored,
    )


def _definition(draft: Draft) -> Definition:
    return Definition(
        draft.name,
        draft.qualified_name,
        draft.ordinal,
        draft.kind,
        draft.parent,
        draft.scope,
        draft.line,
        draft.end_line,
        draft.column,
        draft.name_line,
        draft.flags,
        draft.visibility,
        draft.complexity,
        draft.signature,
        draft.parameters,
        draft.returns,
        draft.returns_text,
        tuple(draft.returned),
        tuple(draft.yielded),
        tuple(draft.decorators),
        draft.bases,
        draft.keywords,
        draft.type_parameters,
    )


def _syntax_problem(root: Node) -> Problem:
    """Where the source stops being Python: the first place in it that the grammar could not read."""
    node: Node = root
    inside: Node | None = root
    while inside is not None:
        node = inside
        inside = next((child for child in node.children if child.has_error or child.is_missing), None)
    return Problem("syntax", node.start_point[0] + 1, "not understood from here on; what stands around it was read")
