"""Facts of small Python sources: what annotations in a source cannot say, and what no source may do to the scanner."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Parser

from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Definition, Expr, FileFacts, pack, unpack
from drift_mcp.scan.python import extract, facts_of
from drift_mcp.scan.python_grammar import LANGUAGE

STRING = (F.LITERAL, "str")
# Secrets of known forms, put together here so that nobody takes this file for a leak.
TOKEN = "ghp_" + "a1B2c3D4" * 5
DATABASE = "postgres://app:" + "hunter22@db/shop"


def read(source: str, path: str = "shop/cart.py") -> FileFacts:
    return facts_of(path, source.encode())


def bound(source: str, name: str) -> Expr:
    (value,) = read(source).scopes[0].bindings[name]
    return value


def definition(facts: FileFacts, name: str) -> Definition:
    (found,) = (each for each in facts.definitions if each.qualified_name == name)
    return found


# -- strings


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        ("'user'", (F.TEXT, "user")),
        ("'a' \"b\" 'c'", (F.TEXT, "abc")),
        ("'/users/<int:id>'", (F.TEXT, "/users/<int:id>")),
        ("r'^users/(?P<id>\\d+)/$'", (F.TEXT, "^users/(?P<id>\\d+)/$")),
        ("'first\\x41\\n'", STRING),
        ("'tab\\x41\\u0042'", (F.TEXT, "tabAB")),
        ("'first name'", (F.TEXT, "first name")),
        ("''", (F.TEXT, "")),
        ("b'bytes'", (F.LITERAL, "bytes")),
        ("'a sentence that goes on and on, which nobody needs to read twice in this life'", STRING),
        ("'''\n SELECT id\n FROM users WHERE name = %s'''", (F.TEXT, "\n SELECT id\n FROM users WHERE name = %s")),
        ("'-- all\\nselect * from users'", (F.TEXT, "-- all\nselect * from users")),
        ("'Select an option from this list, and then press the button below'", (F.TEXT, None)),
        ("'Delete what you do not need any more, and keep what you still need today'", STRING),
        ("'user.id = :id AND active'", (F.TEXT, "user.id = :id AND active")),
        ("1", (F.LITERAL, "int")),
        ("None", (F.LITERAL, "none")),
        ("'half \\ud800'", STRING),
    ],
)
def test_a_constant_is_kept_when_a_later_step_can_read_it(literal: str, expected: Expr) -> None:
    found = bound(f"x = {literal}", "x")
    assert found == (expected if expected[1] is not None else (F.TEXT, literal[1:-1]))


@pytest.mark.parametrize(
    "source",
    [
        f"x = '{TOKEN}'",
        f"x = '{DATABASE}'",
        "password = 'correct horse'",
        "connect(password='correct-horse')",
        "x = {'password': 'correct-horse'}",
        "x = {}\nx['password'] = 'correct-horse'",
        "class A:\n    def f(self):\n        self.password = 'correct-horse'",
        "def f(password='correct-horse'): ...",
        "def f(password: str = 'correct-horse') -> None: ...",
        f"@connect('{TOKEN}')\ndef f(): ...",
        f"def f(x='{TOKEN}'): ...",
        f"lambda x: '{TOKEN}'",
        "import os\nos.environ.get('DB_PASSWORD', 'correct-horse')",
        f"import os\nos.getenv('WHERE', '{DATABASE}')",
        "class S(BaseSettings):\n    secret_key: str = 'correct-horse'",
        f"x = f'{TOKEN}{{y}}'",
        "class S(BaseSettings):\n    jwt_secret: str = Field(default='correct-horse')",
        "class S(BaseSettings):\n    jwt_secret: str = Field('correct-horse')",
        "password = SecretStr('correct-horse')",
        "import os\nSECRET_KEY = os.environ.get('WHERE') or 'correct-horse'",
        "import os\nclass C:\n    SECRET_KEY = os.environ.get('WHERE', 'correct-horse')",
        "import os\nx = {'password': os.environ.get('WHERE') or 'correct-horse'}",
        "import os\nconnect(password=os.getenv('WHERE', 'correct-horse'))",
        "class A:\n    def f(self):\n        self.password = given or config('WHERE', default='correct-horse')",
    ],
)
def test_no_secret_is_ever_kept(source: str) -> None:
    kept = repr(read(source))
    for secret in (TOKEN, "hunter22", "correct-horse", "correct horse"):
        assert secret not in kept


def test_a_column_under_the_name_of_a_secret_keeps_its_own_name() -> None:
    assert "hashed-pw" in repr(read("class User(Base):\n    password = Column('hashed-pw', String)"))


HOLE = (F.NAME, 0, "t")


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("f'SELECT a FROM {t} WHERE b'", ("SELECT a FROM ", HOLE, " WHERE b")),
        ("'SELECT a FROM %s WHERE %(b)s' % t", ("SELECT a FROM ", HOLE, " WHERE ", (F.UNION, ()))),
        ("'SELECT %s FROM %s' % (1, t)", ("SELECT ", (F.LITERAL, "int"), " FROM ", HOLE)),
        ("'SELECT a FROM {}'.format(t)", ("SELECT a FROM ", HOLE)),
        ("'SELECT {{}} FROM {name!r:>10}'.format(name=t)", ("SELECT {} FROM ", HOLE)),
        ("'SELECT a ' + 'FROM ' + t + ' WHERE b'", ("SELECT a FROM ", HOLE, " WHERE b")),
        ("('SELECT a '\n 'FROM %s') % t", ("SELECT a FROM ", HOLE)),
        ("t + '/users'", (HOLE, "/users")),
        ("f'{t}/{t:>{w}}'", (HOLE, "/", HOLE)),
    ],
)
def test_strings_put_together_keep_their_holes(expression: str, parts: tuple[object, ...]) -> None:
    expected = tuple((F.TEXT, part) if isinstance(part, str) else part for part in parts)
    found = bound(f"t = 1\nx = {expression}", "x")
    if "('SELECT a '" in expression:  # what stands in brackets is a value like any other
        assert found[0] in (F.JOINED, F.UNION)
    else:
        assert found == (F.JOINED, expected)


# -- values


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a or b", (F.UNION, ((F.FREE, "a"), (F.FREE, "b")))),
        ("a and b", (F.FREE, "b")),
        ("a if c else b", (F.UNION, ((F.FREE, "a"), (F.FREE, "b")))),
        ("not a", (F.LITERAL, "bool")),
        ("a < b", (F.LITERAL, "bool")),
        ("a[1:]", (F.FREE, "a")),
        ("a['k']", (F.ITEM, (F.FREE, "a"), (F.TEXT, "k"))),
        ("a[b, 'c']", (F.ITEM, (F.FREE, "a"), (F.SEQUENCE, "tuple", ((F.FREE, "b"), (F.TEXT, "c"))))),
        ("[*a, 1]", (F.SEQUENCE, "list", ((F.SPREAD, (F.FREE, "a")), (F.LITERAL, "int")))),
        ("a | b", (F.UNION, ((F.FREE, "a"), (F.FREE, "b")))),
        ("[] + [a]", (F.UNION, ((F.SEQUENCE, "list", ()), (F.SEQUENCE, "list", ((F.FREE, "a"),))))),
        ("[*a(1)]", (F.SEQUENCE, "list", ((F.SPREAD, (F.CALL, 0)),))),
        ("(  # why\n a)()", (F.CALL, 0)),
        ("(a)", (F.FREE, "a")),
        ("{'k': a, **b}", (F.RECORD, 0, (((F.TEXT, "k"), (F.FREE, "a")), (None, (F.FREE, "b"))))),
        ("{k: 1 for k in a}", (F.RECORD, 0, (((F.NAME, 1, "k"), (F.LITERAL, "int")),))),
        ("1, a", (F.SEQUENCE, "tuple", ((F.LITERAL, "int"), (F.FREE, "a")))),
    ],
)
def test_an_expression_says_what_it_can_be(expression: str, expected: Expr) -> None:
    assert bound(f"x = {expression}", "x") == expected


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("User", (F.FREE, "User")),
        ("'User'", (F.FREE, "User")),
        ("'models.User'", (F.ATTR, (F.FREE, "models"), "User")),
        ("list['User']", (F.ITEM, (F.FREE, "list"), (F.FREE, "User"))),
        ("'list[User]'", (F.ITEM, (F.FREE, "list"), (F.FREE, "User"))),
        ("User | None", (F.UNION, ((F.FREE, "User"), (F.LITERAL, "none")))),
        ("'User | None'", (F.UNION, ((F.FREE, "User"), (F.LITERAL, "none")))),
        (
            "Literal['User', 1]",
            (F.ITEM, (F.FREE, "Literal"), (F.SEQUENCE, "tuple", ((F.TEXT, "User"), (F.LITERAL, "int")))),
        ),
        ("'dict[str'", (F.FREE, "dict")),
    ],
)
def test_a_type_is_read_in_quotes_and_without(annotation: str, expected: Expr) -> None:
    found = bound(f"x: {annotation}", "x")
    assert found[0] == F.INSTANCE
    if annotation != "'dict[str'":  # half a type is half understood, and must only do no harm
        assert found[1] == expected


def test_an_annotated_dependency_keeps_its_metadata() -> None:
    facts = read("def f(user: Annotated['User', Depends(current)]): ...")
    (parameter,) = definition(facts, "f").parameters
    assert parameter.annotation == (
        F.ITEM,
        (F.FREE, "Annotated"),
        (F.SEQUENCE, "tuple", ((F.FREE, "User"), (F.CALL, 0))),
    )
    (call,) = facts.calls
    assert (call.name, call.caller, call.flags, call.arguments) == ("Depends", 1, F.SIGNATURE, ((F.FREE, "current"),))


def test_parameters_say_how_they_are_given() -> None:
    facts = read("def f(a, /, b: int = 1, *c, d: 'D', e=None, **g): ...")
    assert [(each.name, each.kind, each.annotation_text) for each in definition(facts, "f").parameters] == [
        ("a", "positional", ""),
        ("b", "positional", "int"),
        ("c", "rest", ""),
        ("d", "keyword", "'D'"),
        ("e", "keyword", ""),
        ("g", "keywords", ""),
    ]


# -- definitions


def test_a_function_is_told_in_one_line() -> None:
    facts = read(
        "@app.get(\n    '/'\n)\nasync def show(  # why\n    item: int,\n    *,\n    deep: bool = True,\n"
        ") -> list[Item]:\n    return x\n"
    )
    found = definition(facts, "show")
    assert (found.line, found.name_line, found.column, found.end_line) == (4, 4, 10, 9)
    assert found.signature.startswith("async def show(")
    assert found.returns_text == "list[Item]"
    assert found.decorators[0].text == "app.get( '/' )"
    assert found.decorators[0].line == 1


@pytest.mark.parametrize(
    ("body", "complexity"),
    [
        ("pass", 1),
        ("if a: pass", 2),
        ("if a: pass\n    elif b: pass\n    else: pass", 3),
        ("for x in y: pass\n    while z: pass", 3),
        ("try: pass\n    except A: pass\n    except B: pass\n    finally: pass", 3),
        ("return a and b or c", 3),
        ("return a if b else c", 2),
        ("return [x for x in y if x]", 3),
        ("match a:\n        case 1: pass\n        case 2: pass", 3),
        ("def g():\n        if a: pass", 1),
    ],
)
def test_complexity_counts_the_ways_through(body: str, complexity: int) -> None:
    assert definition(read(f"def f():\n    {body}\n"), "f").complexity == complexity


def test_what_a_function_gives_back_is_kept() -> None:
    facts = read(
        "def f(a):\n    if a:\n        return a\n    return None\n\n\ndef g():\n    yield 1\n    yield from f()\n"
    )
    assert definition(facts, "f").returned == ((F.NAME, 1, "a"),)
    generator = definition(facts, "g")
    assert generator.flags & F.GENERATOR
    assert generator.yielded == ((F.LITERAL, "int"), (F.ELEMENT, (F.CALL, 0)))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("class A(Generic[T, U]): ...", ("T", "U")),
        ("class A[K: int, *V]: ...", ("K", "V")),
        ("T = TypeVar('T')\nclass A(Base[T], Other[int]): ...", ("T",)),
        ("from .x import User, ModelT\nclass A(Base[User, ModelT]): ...", ("ModelT",)),
    ],
)
def test_a_generic_class_names_what_it_leaves_open(source: str, names: tuple[str, ...]) -> None:
    assert definition(read(source), "A").type_parameters == names


def test_bases_are_types_and_keywords_are_values() -> None:
    facts = read("class A(db.Model, Base['B'], metaclass=Meta, table=True): ...")
    found = definition(facts, "A")
    assert found.bases == (
        (F.ATTR, (F.FREE, "db"), "Model"),
        (F.ITEM, (F.FREE, "Base"), (F.FREE, "B")),
    )
    assert found.keywords == (("metaclass", (F.FREE, "Meta")), ("table", (F.LITERAL, "bool")))


def test_the_decorators_that_are_part_of_the_language_are_no_calls() -> None:
    facts = read(
        "class A:\n    @property\n    def x(self): ...\n    @x.setter\n    def x(self, v): ...\n"
        "    @staticmethod\n    def y(): ...\n"
    )
    assert facts.calls == ()
    assert [each.ordinal for each in facts.definitions if each.name == "x"] == [0, 1]


def test_a_plain_decorator_is_called_with_what_it_decorates() -> None:
    facts = read("@traced\n@cached(size())\ndef f(): ...\n")
    assert [(call.name, call.caller, call.flags, call.arguments) for call in facts.calls] == [
        ("traced", 1, F.DECORATOR, ((F.DEFINITION, 1),)),
        ("cached", 1, F.DECORATOR, ((F.CALL, 2),)),
        ("size", 0, 0, ()),
    ]


# -- imports


def test_imports_are_kept_as_written() -> None:
    facts = read(
        "from __future__ import annotations\nimport a.b\nimport c.d as e\nfrom ..f import (\n    g,\n    h as i,\n)\n"
        "from .j import *\n"
        "if TYPE_CHECKING:\n    from k import L\nelse:\n    from k import M\n"
    )
    assert [tuple(each) for each in facts.imports] == [
        ("a", None, "a", 2, 0),
        ("a.b", None, "", 2, 0),
        ("c.d", None, "e", 3, 0),
        ("..f", "g", "g", 5, 0),
        ("..f", "h", "i", 6, 0),
        (".j", "*", "", 8, 0),
        ("k", "L", "L", 10, 1),
        ("k", "M", "M", 12, 0),
    ]
    assert facts.reexports == (5,)


def test_alternatives_give_a_name_several_values() -> None:
    facts = read(
        "try:\n    import json\nexcept ImportError:\n    json = None\nif a:\n    def f(): ...\nelse:\n    f = 1\n"
    )
    bindings = facts.scopes[0].bindings
    assert bindings["json"] == ((F.IMPORTED, 0), (F.LITERAL, "none"))
    assert bindings["f"] == ((F.DEFINITION, 1), (F.LITERAL, "int"))


# -- handlers, environment


@pytest.mark.parametrize(
    ("clause", "types", "does"),
    [
        ("except: pass", (), "nothing"),
        ("except ValueError: ...", ("ValueError",), "nothing"),
        ("except (A, b.C) as e: raise", ("A", "b.C"), "raises"),
        ("except A as e:\n    if x: raise B from e", ("A",), "raises"),
        ("except A: log.exception('no')", ("A",), "logs"),
        ("except A: return None", ("A",), "returns"),
        ("except A: x = 1", ("A",), "handles"),
        ("except A, B: x = 1", ("A", "B"), "handles"),
        ("except* A: retry()", ("A",), "handles"),
    ],
)
def test_a_handler_says_what_it_catches_and_does(clause: str, types: tuple[str, ...], does: str) -> None:
    (handler,) = read(f"try:\n    f()\n{clause}\n").handlers
    assert (handler.types, handler.does, handler.line) == (types, does, 3)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import os\nos.environ['A']", [("A", "os.environ", 1, None)]),
        ("import os\nos.environ.get('A')", [("A", "os.environ", 0, None)]),
        ("import os\nos.environ.get('A', 'x')", [("A", "os.environ", 0, "'x'")]),
        ("import os as o\no.getenv('A', default=1)", [("A", "os.getenv", 0, "1")]),
        (
            "from os import environ, getenv as g\nenviron['A']\ng('B')",
            [("A", "os.environ", 1, None), ("B", "os.getenv", 0, None)],
        ),
        ("import os\n'A' in os.environ", [("A", "os.environ", 0, None)]),
        ("import os\nos.environ['A'] = 1\ndel os.environ['B']", []),
        ("environ = {}\nenviron['A']\nother.getenv('B')", []),
        (
            "import environ\nenv = environ.Env()\nenv('A')\nenv.bool('B', default=True)",
            [("A", "env", 1, None), ("B", "env", 0, "True")],
        ),
        (
            "from decouple import config\nconfig('A', cast=int)\nconfig('B', default='x')",
            [("A", "decouple", 1, None), ("B", "decouple", 0, "'x'")],
        ),
        (
            "from starlette.config import Config\nconfig = Config('.env')\nconfig('A', default=1)",
            [("A", "decouple", 0, "1")],
        ),
        (
            "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='APP_')\n    port: int = 80\n"
            "    host: str\n"
            "    url: str = Field(alias='SITE')\n",
            [("APP_PORT", "settings", 0, "80"), ("APP_HOST", "settings", 1, None), ("SITE", "settings", 1, None)],
        ),
        (
            "class S(BaseSettings):\n    port: int\n    class Config:\n        env_prefix = 'x_'\n",
            [("X_PORT", "settings", 1, None)],
        ),
        ("def config(x): ...\nconfig('A')", []),
    ],
)
def test_reads_of_the_environment_are_found(source: str, expected: list[tuple[object, ...]]) -> None:
    assert [(each.name, each.method, each.required, each.default) for each in read(source).env_reads] == expected


# -- the file


@pytest.mark.parametrize(
    ("path", "name", "is_test"),
    [
        ("shop/cart.py", "shop.cart", 0),
        ("shop/__init__.py", "shop", 0),
        ("__init__.py", "__init__", 0),
        ("tests/cart.py", "tests.cart", 1),
        ("shop/test_cart.py", "shop.test_cart", 1),
        ("conftest.py", "conftest", 1),
        ("shop/contest.py", "shop.contest", 0),
    ],
)
def test_the_path_names_the_module(path: str, name: str, is_test: int) -> None:
    facts = read("x = 1\n", path)
    assert (facts.definitions[0].name, facts.is_test, facts.lines) == (name, is_test, 1)
    assert facts_of(path, b"", module_name="other").definitions[0].name == "other"


@pytest.mark.parametrize(
    "broken", ["x = = 1", "x = 1 +", "if x", "def", "some plain words", "<<<<<<< HEAD", "x.", "return )"]
)
def test_a_broken_file_says_where_and_keeps_the_rest(broken: str) -> None:
    facts = read(
        f"def good():\n    return call()\n\n\ndef bad():\n    {broken}\n\n\ndef also_good():\n    return other()\n\n\n"
        "class Good:\n    def method(self): ...\n"
    )
    assert [(each.kind, each.line) for each in facts.problems] == [("syntax", 6)]
    assert {"good", "bad", "also_good", "Good.method"} <= {each.qualified_name for each in facts.definitions}
    assert {"call", "other"} <= {each.name for each in facts.calls}


def test_old_and_new_python_are_read() -> None:
    facts = read("print 'x' % f()\nprint >>out, g()\nexec 'x'\ntry:\n    pass\nexcept A, e:\n    raise B, 'x'\n")
    assert {"f", "g", "B"} <= {call.name for call in facts.calls}
    assert facts.scopes[0].bindings["e"] == ((F.CAUGHT, (F.FREE, "A")),)


@pytest.mark.parametrize(
    ("source", "problems"),
    [
        (b"# coding: latin-1\ncaf\xe9 = 1\n", 0),
        (b"\xef\xbb\xbfcaf\xc3\xa9 = 1\n", 0),
        ("café = 1\n".encode("utf-16"), 0),
        (b"caf\xe9 = 1\n", 1),
    ],
)
def test_names_survive_other_encodings(source: bytes, problems: int) -> None:
    facts = facts_of("a.py", source)
    assert "café" in facts.scopes[0].bindings
    assert [each.kind for each in facts.problems] == ["encoding"] * problems


def test_positions_are_bytes() -> None:
    (call,) = read("é = 'ü'; print(é)\n").calls
    assert (call.line, call.column) == (1, len("é = 'ü'; ".encode()))


DEEP = 10_000


@pytest.mark.parametrize(
    "source",
    [
        "(" * DEEP + "f()" + ")" * DEEP,
        "[" * DEEP + "f()" + "]" * DEEP,
        "g(" * DEEP + "f()" + ")" * DEEP,
        "x" + ".a" * DEEP + "; f()",
        "f()" + ".f()" * DEEP,
        "x = f()" + " + 1" * DEEP,
        "x = f()" + " or a" * DEEP,
        "not " * DEEP + "f()",
        "x = a if b else " * DEEP + "f()",
        "a = " * DEEP + "f()",
        "x: " + "list[" * DEEP + "int" + "]" * DEEP + "; f()",
        "".join(" " * depth + "if x:\n" for depth in range(500)) + " " * 500 + "f()",
        "".join(" " * depth + "def g():\n" for depth in range(500)) + " " * 500 + "f()",
        "(" * DEEP + "a" + ")" * DEEP + " = f()",
    ],
)
def test_no_depth_loses_a_call_or_fails(source: str) -> None:
    facts = read(source)
    assert any(call.name == "f" for call in facts.calls)
    assert unpack(pack(facts)) == facts


FRAGMENTS = """
def f(a, *b, c: 'T' = 1, **d): ~class A[T](B, m=M): ~lambda x: ~async ~await ~yield from ~return ~raise X from y~try:
except (A, B) as e:~except* A:~finally:~with a as (b, c):~for x, *y in z:~match x:~case {'k': v, **r}:~if (n := f()):
case P(a, k=b) | [c, *d] as e:~import a.b as c~from . import (a, b as c)~from .. import *~global g~nonlocal h
del a.b, c[0]~assert x~print >>f, x~exec c~type X[T] = T~x: int = 1~a.b += c~a, (b, *c) = d~@p.setter~@d(1)
f'{a!r:>{b}}'~b'x'~\'\'\'~"~'%s' % (a,)~'{}'.format(*a)~os.environ['A']~env('A')~[x for x in y if x]
{**a}~else:~{k: v for k, v in z}~(~)~[~]~{~}~:~,~=~.~a~1~\\~é~~
"""
PIECES = st.sampled_from([*FRAGMENTS.replace("\n", "~").split("~"), " ", "\n", "\n    ", "\n        ", "\0", "\ud800"])
SOURCES = st.lists(PIECES, max_size=40).map(lambda parts: "".join(parts).encode("utf-8", "surrogatepass"))


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.binary(max_size=400), SOURCES))
def test_no_bytes_make_the_scanner_fail(source: bytes) -> None:
    facts = facts_of("a.py", source)
    assert unpack(pack(facts)) == facts
    repr(facts).encode()  # nothing in them that UTF-8 cannot hold
    for scope in facts.scopes:
        assert 0 <= scope.definition < len(facts.definitions)
    for call in facts.calls:
        assert 0 <= call.caller < len(facts.definitions)


# -- the grammar


def test_the_grammar_still_names_its_nodes_as_we_do() -> None:
    """A new grammar that renames a node fails here, and not by finding less."""
    source = b"""\
@d
async def f[T](a, /, b: int, *, c: str = 's', **k) -> int:
    x, *y = f'{a!r}' 'b'
    try:
        with a as b: del a.b, c[0:1]
    except (A, B) as e: raise E from e
    match x:
        case {'k': v} | P(a=1, b=c): return await g(*a, k=1, **k)
type X[T] = list[T]
print([(i, {j: 1}) for i in z if (n := lambda: 0)])
"""
    kinds: list[str] = []
    pending = [Parser(LANGUAGE).parse(source).root_node]
    while pending:
        node = pending.pop()
        fields = [node.field_name_for_child(place) for place in range(node.child_count)]
        if node.is_named and node.child_count:
            kinds.append(" ".join([node.type, *(field for field in fields if field)]))
        pending.extend(node.children)
    golden = Path(__file__).with_name("grammar.txt").read_text().splitlines()
    assert sorted(set(kinds)) == golden


def test_the_front_end_and_the_function_say_the_same() -> None:
    source = b"import os\n\n\ndef f():\n    return os.getcwd()\n"
    assert extract("a.py", "python", source) == facts_of("a.py", source)
