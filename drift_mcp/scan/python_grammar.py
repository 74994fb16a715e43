"""The numbers that tree-sitter's Python grammar gives to its kinds and fields, looked up once. Never reads source.

Importing this module loads the grammar: only the front end does, in a process that parses.
"""

from __future__ import annotations

from typing import Final

import tree_sitter_python
from tree_sitter import Language

LANGUAGE: Final = Language(tree_sitter_python.language())

_NAMED: Final[dict[str, list[int]]] = {}
for _number in range(LANGUAGE.node_kind_count):
    _name = LANGUAGE.node_kind_for_id(_number)
    if _name is not None and LANGUAGE.node_kind_is_named(_number) and LANGUAGE.node_kind_is_visible(_number):
        _NAMED.setdefault(_name, []).append(_number)

# Nodes of what could not be parsed have this kind in every grammar.
ERROR: Final = 0xFFFF
KINDS: Final = ERROR + 1


def numbers(name: str) -> tuple[int, ...]:
    """All numbers of a kind: a grammar may have several for one name."""
    return tuple(_NAMED[name])


def token(text: str) -> int:
    """The number of a keyword or an operator."""
    number = LANGUAGE.id_for_node_kind(text, False)
    assert number is not None, text
    return number


def _kind(name: str) -> int:
    return _NAMED[name][0]


def _field(name: str) -> int:
    number = LANGUAGE.field_id_for_name(name)
    assert number is not None, name
    return number


AS_PATTERN_TARGET: Final = _kind("as_pattern_target")
ASSIGNMENT: Final = _kind("assignment")
ATTRIBUTE: Final = _kind("attribute")
AUGMENTED_ASSIGNMENT: Final = _kind("augmented_assignment")
BINARY_OPERATOR: Final = _kind("binary_operator")
BOOLEAN_OPERATOR: Final = _kind("boolean_operator")
CALL: Final = _kind("call")
CASE_CLAUSE: Final = _kind("case_clause")
CASE_PATTERN: Final = _kind("case_pattern")
CLASS_DEFINITION: Final = _kind("class_definition")
CLASS_PATTERN: Final = _kind("class_pattern")
COMMENT: Final = _kind("comment")
CONCATENATED_STRING: Final = _kind("concatenated_string")
CONSTRAINED_TYPE: Final = _kind("constrained_type")
DECORATOR: Final = _kind("decorator")
DEFAULT_PARAMETER: Final = _kind("default_parameter")
DICT_PATTERN: Final = _kind("dict_pattern")
DICTIONARY_SPLAT: Final = _kind("dictionary_splat")
DICTIONARY_SPLAT_PATTERN: Final = _kind("dictionary_splat_pattern")
DOTTED_NAME: Final = _kind("dotted_name")
ELLIPSIS: Final = _kind("ellipsis")
EXPRESSION_LIST: Final = _kind("expression_list")
EXPRESSION_STATEMENT: Final = _kind("expression_statement")
FOR_IN_CLAUSE: Final = _kind("for_in_clause")
FUNCTION_DEFINITION: Final = _kind("function_definition")
GENERATOR_EXPRESSION: Final = _kind("generator_expression")
GENERIC_TYPE: Final = _kind("generic_type")
IDENTIFIER: Final = _kind("identifier")
IMPORT_STATEMENT: Final = _kind("import_statement")
INTERPOLATION: Final = _kind("interpolation")
KEYWORD_ARGUMENT: Final = _kind("keyword_argument")
KEYWORD_PATTERN: Final = _kind("keyword_pattern")
KEYWORD_SEPARATOR: Final = _kind("keyword_separator")
LIST: Final = _kind("list")
LIST_SPLAT: Final = _kind("list_splat")
LIST_SPLAT_PATTERN: Final = _kind("list_splat_pattern")
MEMBER_TYPE: Final = _kind("member_type")
NAMED_EXPRESSION: Final = _kind("named_expression")
PAIR: Final = _kind("pair")
PARENTHESIZED_EXPRESSION: Final = _kind("parenthesized_expression")
PASS_STATEMENT: Final = _kind("pass_statement")
POSITIONAL_SEPARATOR: Final = _kind("positional_separator")
RAISE_STATEMENT: Final = _kind("raise_statement")
RETURN_STATEMENT: Final = _kind("return_statement")
SLICE: Final = _kind("slice")
SPLAT_PATTERN: Final = _kind("splat_pattern")
SPLAT_TYPE: Final = _kind("splat_type")
STRING: Final = _kind("string")
STRING_CONTENT: Final = _kind("string_content")
SUBSCRIPT: Final = _kind("subscript")
TUPLE: Final = _kind("tuple")
TYPE: Final = _kind("type")
TYPED_DEFAULT_PARAMETER: Final = _kind("typed_default_parameter")
TYPED_PARAMETER: Final = _kind("typed_parameter")
UNION_PATTERN: Final = _kind("union_pattern")
UNION_TYPE: Final = _kind("union_type")

SEVERAL_TARGETS: Final = frozenset(
    number
    for name in ("pattern_list", "tuple_pattern", "list_pattern", "tuple", "list", "expression_list")
    for number in numbers(name)
)
BLOCKS: Final = frozenset(numbers("block"))
AS_PATTERNS: Final = frozenset(numbers("as_pattern"))
LAMBDAS: Final = frozenset(numbers("lambda"))
LITERALS: Final = frozenset(map(_kind, ("integer", "float", "true", "false", "none", "ellipsis")))

F_ALIAS: Final = _field("alias")
F_ARGUMENTS: Final = _field("arguments")
F_BODY: Final = _field("body")
F_CONDITION: Final = _field("condition")
F_FUNCTION: Final = _field("function")
F_LEFT: Final = _field("left")
F_MODULE_NAME: Final = _field("module_name")
F_NAME: Final = _field("name")
F_OPERATOR: Final = _field("operator")
F_PARAMETERS: Final = _field("parameters")
F_RETURN_TYPE: Final = _field("return_type")
F_RIGHT: Final = _field("right")
F_SUBJECT: Final = _field("subject")
F_SUBSCRIPT: Final = _field("subscript")
F_SUPERCLASSES: Final = _field("superclasses")
F_TYPE: Final = _field("type")
F_TYPE_PARAMETERS: Final = _field("type_parameters")
F_VALUE: Final = _field("value")
