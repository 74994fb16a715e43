"""What the source says at a name, by the text around it alone."""

from __future__ import annotations

import pytest

from drift_mcp.ingest import scip_index
from drift_mcp.ingest.mentions import JAVASCRIPT, PYTHON, Text


def asked(source: str, language: str, *, is_class: bool = False) -> bool:
    """Whether the text says that `x` is called; each source has one word x."""
    family = (
        PYTHON if language == "python" else JAVASCRIPT if language in ("typescript", "tsx", "javascript") else language
    )
    text = Text(source, language, family, scip_index.UTF16)
    for number, line in enumerate(text.lines):
        for place, letter in enumerate(line):
            around = line[max(place - 1, 0) : place] + line[place + 1 : place + 2]
            if letter == "x" and not any(each.isalnum() for each in around):
                return text.calls(number, place, place + 1, is_class)
    raise AssertionError(source)


@pytest.mark.parametrize(
    "source", ["x()", "y = a.x (1)", "@x", "  @a.x  # said", "@x(1)", "if a and x(b):", "f(x(1))", "a[x()]"]
)
def test_what_python_calls(source: str) -> None:
    assert asked(source, "python")


@pytest.mark.parametrize(
    "source",
    ["import x", "from a import x", "def x(a):", "async def x():", "class x(A):", "f(x)", "y = x", "a: x = 1", "x = 1",
     "__all__ = [x]", "@x.y", "case x(a=1):", "@property\ndef x(self): ...", "x.y()", "raise x"],
)  # fmt: skip
def test_what_python_only_names(source: str) -> None:
    assert not asked(source, "python")


def test_a_class_that_is_raised_is_made() -> None:
    assert asked("raise x", "python", is_class=True)
    assert asked("raise a.x from e", "python", is_class=True)
    assert asked("throw x;", "typescript", is_class=True)
    assert not asked("raise x.y", "python", is_class=True)


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("x()", "typescript"),
        ("a.x?.(1)", "typescript"),
        ("a.x!(1)", "typescript"),
        ("await a.x<Post>(p)", "typescript"),
        ("f(x<{ a: number }>())", "typescript"),
        ("new x(1)", "typescript"),
        ("new a.x", "typescript"),
        ("x`text`", "typescript"),
        ("@x()", "typescript"),
        ("@x", "typescript"),
        ("return <x a={1} />", "tsx"),
        ("if (x(a)) {", "typescript"),
        ("  x(a)", "typescript"),
    ],
)
def test_what_javascript_calls(source: str, language: str) -> None:
    assert asked(source, language)


@pytest.mark.parametrize(
    ("source", "language"),
    [
        ("import { x } from 'a'", "typescript"),
        ("function x(a) {", "typescript"),
        ("interface x {", "typescript"),
        ("  x(a: b): c {", "typescript"),
        ("  async x(a = f(1)) {\n}", "typescript"),
        ("const v = { x(node) { return 1 } }", "typescript"),
        ("f(x)", "typescript"),
        ("let a: x<b> = c", "typescript"),
        ("const o = <x>{ a: 1 }", "typescript"),
        ("return </x>", "tsx"),
        ("let a: Array<x> = b", "tsx"),
        ("a < x", "typescript"),
        ("x.y()", "typescript"),
    ],
)
def test_what_javascript_only_names(source: str, language: str) -> None:
    assert not asked(source, language)


def test_other_languages_call_with_brackets_and_nothing_else() -> None:
    assert asked("y := x(1)", "go")
    assert not asked("func x(a int) {", "go")
    assert not asked("@x(1)", "java")


@pytest.mark.parametrize(("encoding", "column"), [(scip_index.UTF8, 7), (scip_index.UTF16, 4), (scip_index.UTF32, 3)])
def test_columns_count_as_their_document_says(encoding: int, column: int) -> None:
    # é is two bytes and one unit of UTF-16, 😀 four bytes and two units; each is one character.
    text = Text("é=😀total()", "python", PYTHON, encoding)
    assert text.position(0, column) == 3
    assert text.byte_column(0, 3) == 7
    assert text.position(0, 400) is None
    assert text.position(7, 0) is None
    assert text.position(0, -1) is None


def test_half_of_a_character_is_no_place() -> None:
    assert Text("😀", "python", PYTHON, scip_index.UTF16).position(0, 1) is None
    assert Text("é", "python", PYTHON, scip_index.UTF8).position(0, 1) is None


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("a.x", True), ("a.x + 1", True), ("f(a.x)", True), ("a.x == 1", True), ("a.x += 1", True), ("if a.x:", True),
        ("x", False), ("a.x = 1", False), ("a.x: int = 1", False), ("del a.x", False), ("@a.x", False),
        ("a.x()", False),
    ],
)  # fmt: skip
def test_a_property_is_read_where_an_attribute_is_neither_set_nor_deleted_nor_called(source: str, read: bool) -> None:
    place = source.index("x")
    assert Text(source, "python", PYTHON, scip_index.UTF16).reads(0, place, place + 1) is read


def test_a_block_ends_by_its_indentation() -> None:
    python = Text("class A:\n    def f(\n        a,\n    ):\n        pass\n\n    b = 1\nc = 2\n", "python", PYTHON, 2)
    assert (python.block_end(0), python.block_end(1)) == (6, 4)
    script = Text("interface A {\n  f(): B\n  get g() {\n    return 1\n  }\n}\n", "typescript", JAVASCRIPT, 2)
    assert (script.block_end(0), script.block_end(1), script.block_end(2)) == (5, 1, 4)
