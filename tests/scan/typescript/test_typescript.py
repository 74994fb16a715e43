"""Facts of TypeScript and JavaScript sources: carets in annotated files, and tables of small sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import Expr, FileFacts, pack, unpack
from drift_mcp.scan.typescript import LANGUAGES, facts_of, module_name

CORPUS = Path(__file__).parent.parent / "corpus" / "typescript"
_CARETS = re.compile(r"^\s*//\s*?(?P<space>\s*)(?P<carets>\^+) (?P<verb>\w+) (?P<what>.+)$")


def language_of(name: str) -> str:
    return {"ts": "typescript", "tsx": "tsx"}.get(name.rsplit(".", 1)[1], "javascript")


def read(source: str, language: str = "typescript", path: str = "src/a.ts") -> FileFacts:
    return facts_of(path, source.encode(), language)


def shown(facts: FileFacts, expression: Expr) -> str:
    """An expression as an annotation writes it."""
    kind = expression[0]
    if kind == F.NAME:
        return str(expression[2])
    if kind == F.FREE:
        return f"global {expression[1]}"
    if kind == F.ATTR:
        return f"{shown(facts, expression[1]).removeprefix('global ')}.{expression[2]}"
    if kind == F.IMPORTED:
        return f"require {facts.imports[expression[1]].module}"
    words = {F.CALL: "(call)", F.ITEM: "(item)", F.SEQUENCE: "(list)", F.SUPER: "super", F.RECORD_REF: "this object"}
    if kind == F.SELF:
        return "class" if expression[2] else "this"
    if kind == F.INSTANCE:
        return f"new {shown(facts, expression[1])}"
    return words.get(kind, f"kind {kind}")


def found_at(facts: FileFacts, line: int, column: int, width: int) -> set[str]:
    """Everything that the facts say of this place, in the words of the annotations."""
    found = set()
    for definition in facts.definitions[1:]:
        long = definition.name.startswith("<") or len(definition.name) == width
        if (definition.name_line, definition.column) == (line, column) and long:
            found.add(f"defines {definition.kind} {definition.qualified_name}")
    for call in facts.calls:
        if (call.line, call.column) == (line, column) and len(call.name or "x" * width) == width:
            found.add(f"calls {shown(facts, call.callee)}")
    for access in facts.accesses:
        if (access.line, access.column) == (line, column) and len(access.name) == width:
            verb = ("reads", "writes", "deletes")[access.kind]
            found.add(f"{verb} {shown(facts, access.target).removeprefix('global ')}.{access.name}")
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
def test_annotated_sources_hold_what_their_carets_say(name: str) -> None:
    source = (CORPUS / name).read_text()
    facts = facts_of(name, source.encode(), language_of(name))
    assert [problem for problem in facts.problems if problem.kind != "syntax" or not name.endswith("tsx")] == []
    place = 0
    announced = set()
    wrong = []
    for number, text in enumerate(source.splitlines(), 1):
        note = _CARETS.match(text)
        if note is None:
            place = number
            continue
        column, width = note.start("carets"), len(note["carets"])
        expected = f"{note['verb']} {note['what']}"
        found = found_at(facts, place, column, width)
        if expected == "calls nothing":
            if any(each.startswith("calls") for each in found):
                wrong.append((number, expected, found))
        elif expected not in found:
            wrong.append((number, expected, found))
        if note["verb"] == "defines":
            announced.add((place, column))
    assert wrong == []
    # What is defined is announced: nothing more may be found.
    defined = {(definition.name_line, definition.column) for definition in facts.definitions[1:]}
    assert defined == announced


def names(facts: FileFacts, scope: int = 0) -> dict[str, tuple[Expr, ...]]:
    return facts.scopes[scope].bindings


FREE_A: Expr = (F.FREE, "A")


def of(name: str, *arguments: Expr) -> Expr:
    return (F.ITEM, (F.FREE, name), (F.SEQUENCE, "tuple", arguments))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("A", FREE_A),
        ("n.B", (F.ATTR, (F.FREE, "n"), "B")),
        ("A[]", of("Array", FREE_A)),
        ("readonly A[][]", of("Array", of("Array", FREE_A))),
        ("Promise<A | null>", of("Promise", FREE_A)),
        ("A | undefined | B | C", (F.UNION, (FREE_A, (F.FREE, "B"), (F.FREE, "C")))),
        ("A & B", (F.UNION, (FREE_A, (F.FREE, "B")))),
        ("[A, b?: B]", (F.SEQUENCE, "tuple", (FREE_A, (F.FREE, "B")))),
        ("'on' | 'off'", (F.UNION, ((F.TEXT, "on"), (F.TEXT, "off")))),
        ("(x: string) => A", (F.FUNCTION_TYPE, FREE_A)),
        ("() => void", (F.FUNCTION_TYPE, None)),
        ("new () => A", (F.FUNCTION_TYPE, FREE_A)),
        ("{ a: A; m(): B }", (F.SHAPE, (("a", FREE_A), ("m", (F.FUNCTION_TYPE, (F.FREE, "B")))))),
        ("typeof config.db", (F.TYPE_OF, (F.ATTR, (F.FREE, "config"), "db"))),
        ("A['email']", (F.TYPE_OF, (F.ATTR, (F.INSTANCE, FREE_A), "email"))),
        ("(A)", FREE_A),
        ("string", (F.FREE, "string")),
        ("`a${string}`", (F.FREE, "string")),
    ],
)
def test_a_declared_type_becomes_a_type_expression(written: str, expected: Expr) -> None:
    assert names(read(f"let x: {written};"))["x"] == ((F.INSTANCE, expected),)


@pytest.mark.parametrize("written", ["keyof A", "A extends B ? C : D", "{ [K in A]: B }", "null", "void", "infer"])
def test_a_type_that_only_the_compiler_knows_says_nothing(written: str) -> None:
    bound = names(read(f"let x: {written};"))["x"]
    assert bound in ((), ((F.INSTANCE, (F.FREE, "infer")),))


@pytest.mark.parametrize(
    ("source", "module", "name", "alias", "type_only"),
    [
        ("import a from 'm'", "m", "default", "a", 0),
        ("import * as a from 'm'", "m", "*", "a", 0),
        ("import { b as a } from 'm'", "m", "b", "a", 0),
        ("import type { a } from 'm'", "m", "a", "a", 1),
        ("import { type a } from 'm'", "m", "a", "a", 1),
        ("import { default as a } from 'm'", "m", "default", "a", 0),
        ("import 'm'", "m", None, "", 0),
        ("import a = require('m')", "m", "=", "a", 0),
        ("const a = require('m')", "m", "=", "a", 0),
        ("const { b: a } = require('m')", "m", "b", "a", 0),
        ("const { a = 1 } = require('m')", "m", "a", "a", 0),
        ("const a = require('m').b", "m", "b", "a", 0),
        ("const a = await import('m')", "m", "*", "", 0),
        ("export { b } from 'm'", "m", "b", "", 0),
        ("export * from 'm'", "m", "*", "", 0),
        ("let a: import('m').B", "m", "B", "", 1),
    ],
)
def test_every_form_of_import_is_a_row(source: str, module: str, name: str | None, alias: str, type_only: int) -> None:
    assert read(source).imports == (F.Import(module, name, alias, 1, type_only),)


@pytest.mark.parametrize(
    ("source", "exports"),
    [
        ("export const a = 1, { b, c: [d] } = x", {"a", "b", "d"}),
        ("export function f() {}", {"f"}),
        ("export class C {}", {"C"}),
        ("export interface I {}", {"I"}),
        ("export type T = A", {"T"}),
        ("export enum E { A }", {"E"}),
        ("export namespace N {}", {"N"}),
        ("export declare const k: string", {"k"}),
        ("const a = 1; export { a as b, a as default }", {"b", "default"}),
        ("export { a as b } from 'm'; export * as n from 'm'", {"b", "n"}),
        ("export default class {}", {"default"}),
        ("export default () => 1", {"default"}),
        ("export = f", {"="}),
        ("module.exports = { a }", {"="}),
        ("exports.a = exports.b = void 0; exports.b = f", {"b"}),
        ("module.exports.a = f", {"a"}),
        ("Object.defineProperty(exports, 'a', { enumerable: true, get: function () { return m.a; } })", {"a"}),
    ],
)
def test_every_form_of_export_is_known_by_its_name(source: str, exports: set[str]) -> None:
    assert set(read(source).exports) == exports


def test_what_is_exported_anywhere_is_marked_so() -> None:
    facts = read(
        "function a() {} function b() {} export { a }; export const c = () => 1; class D {} module.exports = { D };"
    )
    marked = {definition.name for definition in facts.definitions if definition.flags & F.EXPORTED}
    assert marked == {"a", "c", "D"}


def test_a_star_export_passes_on_all_names() -> None:
    facts = read("import a from 'x'; export * from 'm';")
    assert [facts.imports[number].module for number in facts.reexports] == ["m"]


def test_a_block_has_its_own_names() -> None:
    facts = read("const user = a(); if (x) { const user = b(); user.go(); } user.stop();")
    inner, outer = (next(call for call in facts.calls if call.name == name).callee[1] for name in ("go", "stop"))
    assert inner[0] == outer[0] == F.NAME and inner[1] != outer[1]
    assert facts.scopes[inner[1]].kind == "block" and facts.scopes[outer[1]].kind == "module"


@pytest.mark.parametrize("body", ["if (x) { var v = 1; }", "for (var v of xs) {}", "try { } catch (e) { var v = 1; }"])
def test_var_belongs_to_the_function(body: str) -> None:
    facts = read(f"function f() {{ {body} return v; }}", "javascript")
    function = facts.definitions[1]
    assert function.returned == ((F.NAME, function.scope, "v"),)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("({ id }) => id", (F.ATTR, (F.PARAMETER, 1, 0), "id")),
        ("({ id: { name: id } }) => id", (F.ATTR, (F.ATTR, (F.PARAMETER, 1, 0), "id"), "name")),
        ("([, id]) => id", (F.UNPACKED, (F.PARAMETER, 1, 0), 1)),
        ("(id) => id", (F.PARAMETER, 1, 0)),
        ("(a, ...id) => id", (F.PARAMETER, 1, 1)),
        ("({ a, ...id }) => id", (F.PARAMETER, 1, 0)),
    ],
)
def test_a_pattern_binds_the_parts_of_the_parameter(source: str, expected: Expr) -> None:
    facts = read(f"const f = {source};")
    assert facts.scopes[facts.definitions[1].scope].bindings["id"][0] == expected


def test_parameters_are_described_as_written() -> None:
    facts = read("function f(this: App, a: string, { b }: P, c = new D(), ...rest: E[]) {}")
    rows = [(p.name, p.kind, p.annotation_text, p.line, p.column) for p in facts.definitions[1].parameters]
    assert rows == [
        ("a", "positional", "string", 1, 22),
        ("", "positional", "P", 1, 33),
        ("c", "positional", "", 1, 43),
        ("rest", "rest", "E[]", 1, 59),
    ]
    assert [(call.name, call.flags) for call in facts.calls] == [("D", F.NEW | F.SIGNATURE)]


def test_a_parameter_property_is_a_field_of_the_class() -> None:
    facts = read("class A { constructor(private readonly db: Db, other: X) {} }")
    members = facts.scopes[facts.definitions[1].scope].bindings
    assert members["db"] == ((F.INSTANCE, (F.FREE, "Db")), (F.PARAMETER, 2, 0))
    assert "other" not in members


def test_decorators_are_calls_by_what_they_decorate() -> None:
    facts = read(
        "@Entity('users') class User {\n"
        "  @Column({ name: 'mail' }) email: string;\n"
        "  @Get(':id') @Plain find(@Param('id') id: string) {}\n}"
    )
    rows = {call.name: (facts.definitions[call.caller].name, call.flags, call.keywords) for call in facts.calls}
    assert rows == {
        "Entity": ("User", F.DECORATOR, ()),
        "Column": ("User", F.DECORATOR, (("<field>", (F.TEXT, "email")),)),
        "Get": ("find", F.DECORATOR, ()),
        "Plain": ("find", F.DECORATOR, ()),
        "Param": ("find", F.DECORATOR, (("<parameter>", (F.TEXT, "id")),)),
    }
    assert [each.text for each in facts.definitions[1].decorators] == ["Entity('users')"]
    assert [each.text for each in facts.definitions[2].decorators] == ["Get(':id')", "Plain"]


@pytest.mark.parametrize(
    ("source", "flags"),
    [
        ("class A { static async m() {} }", F.STATIC | F.ASYNC),
        ("class A { get m() { return 1; } }", F.PROPERTY),
        ("class A { set m(v) {} }", F.SETTER),
        ("class A { *m() {} }", F.GENERATOR),
        ("abstract class A { abstract m(): void }", F.ABSTRACT | F.DECLARATION),
        ("interface A { m(): void }", F.DECLARATION),
        ("class A { constructor() {} }", F.CONSTRUCTOR),
        ("class A { /** Does. */ m() {} }", F.HAS_DOC),
        ("class A { /* no */ m() {} }", 0),
        ("class A { m(): void; }", F.DECLARATION),
        ("class A { m(a): void; m() {} }", 0),
    ],
)
def test_a_method_carries_its_modifiers(source: str, flags: int) -> None:
    assert [definition.flags for definition in read(source).definitions[2:]] == [flags]


@pytest.mark.parametrize(
    ("source", "visibility"),
    [("private m() {}", "private"), ("protected m() {}", "protected"), ("m() {}", "public"), ("#m() {}", "private")],
)
def test_a_method_is_as_visible_as_it_says(source: str, visibility: str) -> None:
    assert read(f"class A {{ {source} }}").definitions[2].visibility == visibility


def test_complexity_counts_the_branches() -> None:
    source = "function f(a) { if (a) {} else if (b) {} for (;;) {} return a && b ? c : d ?? e; } function g() {}"
    assert [definition.complexity for definition in read(source).definitions] == [1, 7, 1]


@pytest.mark.parametrize(
    ("source", "row"),
    [
        ("process.env.PORT", ("PORT", "process.env", 0, None)),
        ("process.env['PORT'] || 3000", ("PORT", "process.env", 0, "3000")),
        ("const p = process.env.PORT ?? 'x'", ("PORT", "process.env", 0, "x")),
        ("process.env.API_TOKEN ?? 'hunter2'", ("API_TOKEN", "process.env", 0, "[redacted]")),
        ("const { PORT = '1' } = process.env", ("PORT", "process.env", 0, "1")),
        ("const env = process.env; env.PORT", ("PORT", "process.env", 0, None)),
        ("process.env.PORT!", ("PORT", "process.env", 1, None)),
        ("import.meta.env.VITE_URL", ("VITE_URL", "import.meta.env", 0, None)),
        ("this.config.get('PORT', 'x')", ("PORT", "config", 0, "x")),
        ("configService.getOrThrow<string>('PORT')", ("PORT", "config", 1, None)),
    ],
)
def test_reads_of_the_environment_are_found(source: str, row: tuple[object, ...]) -> None:
    assert [(each.name, each.method, each.required, each.default) for each in read(source).env_reads] == [row]


@pytest.mark.parametrize("source", ["cache.get('PORT')", "config.get('port')", "process.env", "map.get(PORT)"])
def test_what_only_looks_like_a_read_of_the_environment_is_none(source: str) -> None:
    assert read(source).env_reads == ()


@pytest.mark.parametrize(
    ("body", "does"),
    [
        ("", "nothing"),
        ("/* later */", "nothing"),
        ("console.error(e);", "logs"),
        ("this.logger.warn(e); log(e);", "logs"),
        ("log(e); throw e;", "raises"),
        ("if (a) { throw new B(); }", "raises"),
        ("return null;", "returns"),
        ("next(e);", "handles"),
    ],
)
def test_a_catch_clause_says_what_it_does(body: str, does: str) -> None:
    assert [handler.does for handler in read(f"try {{ f(); }} catch (e) {{ {body} }}").handlers] == [does]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("'users.email'", (F.TEXT, "users.email")),
        ("'/api/users/:id'", (F.TEXT, "/api/users/:id")),
        ("'user.id = :id'", (F.TEXT, "user.id = :id")),
        ("'Something went wrong'", (F.LITERAL, "str")),
        ("'SELECT a\\nFROM users'", (F.TEXT, "SELECT a\nFROM users")),
        ("'\\u0041\\x42\\u{43}'", (F.TEXT, "ABC")),
        ("'\\ud83d'", (F.LITERAL, "str")),
        ("'" + "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a" + "'", (F.LITERAL, "str")),
        ("'x'.repeat(2)", (F.CALL, 0)),
        ("`SELECT * FROM a WHERE b = ${c} AND d`", None),
        ("'SELECT * FROM a WHERE b = ' + c + ' AND d'", None),
        ("a ?? b", (F.UNION, ((F.FREE, "a"), (F.FREE, "b")))),
        ("a as B", (F.INSTANCE, (F.FREE, "B"))),
        ("a as any", (F.FREE, "a")),
        ("a satisfies B", (F.INSTANCE, (F.FREE, "B"))),
        ("a!", (F.FREE, "a")),
        ("await a", (F.AWAITED, (F.FREE, "a"))),
        ("new A<B>()", (F.INSTANCE, of("A", (F.FREE, "B")))),
        ("c ? a : c ? b : a", (F.UNION, ((F.FREE, "a"), (F.FREE, "b")))),
        (
            "{ a, b: 1, ...c }",
            (F.RECORD, 0, (((F.TEXT, "a"), (F.FREE, "a")), ((F.TEXT, "b"), (F.LITERAL, "int")), (None, (F.FREE, "c")))),
        ),
    ],
)
def test_a_value_becomes_an_expression(source: str, value: Expr | None) -> None:
    if value is None:
        value = (F.JOINED, ((F.TEXT, "SELECT * FROM a WHERE b = "), (F.FREE, "c"), (F.TEXT, " AND d")))
    assert names(read(f"const x = {source};"))["x"] == (value,)


@pytest.mark.parametrize(
    "source",
    [
        "const password = 'hunter2';",
        "const o = { apiSecret: 'hunter2' };",
        "function connect(password = 'hunter2') {}",
        "class A { private token = 'hunter2'; }",
        "const t = process.env.AUTH_TOKEN || 'hunter2';",
        "const { AUTH_TOKEN = 'hunter2' } = process.env;",
        "const secret = given || 'hunter2';",
        "const o = { apiSecret: given ?? 'hunter2' };",
        "class A { private token = given || 'hunter2'; }",
        "const secret = process.env.WHERE || 'hunter2';",
        "const o = { apiSecret: process.env.WHERE ?? 'hunter2' };",
        "class A { constructor() { this.secret = process.env.WHERE || 'hunter2'; } }",
        "const secret = config.get('WHERE', 'hunter2');",
        "config.get('JWT_SECRET', 'hunter2');",
        "this.password = 'hunter2';",
        "env['password'] = 'hunter2';",
        "x = <A password='hunter2' />;",
    ],
)
def test_a_constant_under_the_name_of_a_secret_is_not_kept(source: str) -> None:
    assert "hunter2" not in repr(read(source, "tsx"))


@pytest.mark.parametrize(
    ("path", "name"),
    [("src/a/b.service.ts", "src/a/b.service"), ("src/a/index.tsx", "src/a"), ("x.d.ts", "x"), ("index.js", "index")],
)
def test_a_module_is_named_by_its_path(path: str, name: str) -> None:
    assert module_name(path) == name


def test_equal_names_are_told_apart_in_source_order() -> None:
    facts = read("class A { get x() { return 1; } set x(v) {} } f(() => 1); f(() => 2);")
    assert [(d.qualified_name, d.ordinal) for d in facts.definitions[2:]] == [
        ("A.x", 0),
        ("A.x", 1),
        ("<arrow>", 0),
        ("<arrow>", 1),
    ]


def test_a_broken_source_still_gives_what_stands_around_the_fault() -> None:
    facts = read("function a() { b(); }\nconst = ;\nfunction c() {}\n")
    assert [problem.kind for problem in facts.problems] == ["syntax"] and facts.problems[0].line == 2
    assert {definition.name for definition in facts.definitions} >= {"a", "c"}
    assert [call.name for call in facts.calls] == ["b"]


NESTINGS = {
    "brackets": "[" * 10_000 + "f()" + "]" * 10_000,
    "parentheses": "(" * 10_000 + "f()" + ")" * 10_000,
    "objects": "x=" + "{a:" * 10_000 + "f()" + "}" * 10_000,
    "blocks": "{" * 10_000 + "f()" + "}" * 10_000,
    "functions": "function g(){" * 5_000 + "f()" + "}" * 5_000,
    "arrows": "x=>" * 10_000 + "f()",
    "else if": "if(a){}else " * 10_000 + "f()",
    "calls": "a" + ".b()" * 10_000 + "+f()",
    "sums": "x=" + "a+" * 10_000 + "f()",
    "choices": "a?b:" * 10_000 + "f()",
    "negations": "!" * 10_000 + "f()",
    "unclosed": "(" * 10_000,
    "types": "let x:" + "A<" * 10_000 + "B" + ">" * 10_000 + ";f()",
    "patterns": "let " + "[" * 10_000 + "a" + "]" * 10_000 + "=f()",
}


@pytest.mark.parametrize("source", NESTINGS.values(), ids=NESTINGS.keys())
def test_deep_nesting_neither_fails_nor_hides_a_call(source: str) -> None:
    facts = read(source)
    assert unpack(pack(facts)) == facts
    if "f()" in source and not facts.problems:
        assert "f" in {call.name for call in facts.calls}


# What sources are made of, in any order.
PIECES = st.sampled_from(
    [
        *"()[]<>`${}'\";:,.=@#\\",
        *(
            "class A{",
            "function(",
            ") => {",
            "?.",
            "...",
            "await",
            "yield*",
            "import",
            "export",
            "default",
            "from",
            "as",
            "new",
        ),
        *(
            "static",
            "get",
            "x",
            "y",
            "'m'",
            "type",
            "interface",
            "enum",
            "namespace",
            "declare",
            "const",
            "let",
            "var",
            "for(",
            "of",
        ),
        *(
            "in",
            "try{",
            "catch",
            "<A>",
            "</A>",
            "require(",
            "exports.",
            "module.exports=",
            "process.env.",
            "\x00",
            "é",
            "/re/",
            "//",
            "/*",
        ),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=60).map(lambda parts: " ".join(parts).encode())))
def test_any_bytes_give_facts_that_travel(source: bytes) -> None:
    for language in LANGUAGES:
        facts = facts_of("a.ts", source, language)
        assert unpack(pack(facts)) == facts
        for call in facts.calls:
            assert 0 <= call.caller < len(facts.definitions)
        for definition in facts.definitions:
            assert 0 <= definition.scope < len(facts.scopes) and definition.parent < len(facts.definitions)
