"""SCIP indexes → calls in the store: beside what a scan has found, and where no scan has been.

The indexes are made here: each name in a source is given as (line, word, symbol), with DEF where the symbol is defined.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from drift_mcp import cli
from drift_mcp.errors import DriftError
from drift_mcp.ingest import scip, scip_index
from drift_mcp.project import Project
from tests.ingest.conftest import Shop

DEF = "definition"
TAX = """\
def tax(amount):
    return amount


class Cart:
    def __init__(self, items):
        self.items = items

    @property
    def size(self):
        return len(self.items)

    def total(self):
        return tax(self.size)
"""
APP = """\
from tax import Cart, tax

HANDLERS = [tax]


@tax
def handle(request, default=tax(1)):
    cart = unknown(request)
    cart.total()
    return Cart([]), cart.size


def unknown(request): ...
"""


def name(path: str, rest: str) -> str:
    return f"scip-python python shop 1 {path}/{rest}"


TAX_NAMES = [
    (1, "tax", name("tax", "tax()."), DEF),
    (5, "Cart", name("tax", "Cart#"), DEF),
    (6, "__init__", name("tax", "Cart#__init__()."), DEF),
    (10, "size", name("tax", "Cart#size()."), DEF),
    (11, "len", "scip-python python python-stdlib 3.11 builtins/len()."),
    (13, "total", name("tax", "Cart#total()."), DEF),
    (14, "tax", name("tax", "tax().")),
    (14, "size", name("tax", "Cart#size().")),
]
APP_NAMES = [
    (1, "Cart", name("tax", "Cart#")),
    (1, "tax", name("tax", "tax()."), 2),
    (3, "tax", name("tax", "tax().")),
    (6, "tax", name("tax", "tax().")),
    (7, "handle", name("app", "handle()."), DEF),
    (7, "tax", name("tax", "tax().")),
    (8, "unknown", name("app", "unknown().")),
    (9, "total", name("tax", "Cart#total().")),
    (10, "Cart", name("tax", "Cart#")),
    (10, "size", name("tax", "Cart#size().")),
    (13, "unknown", name("app", "unknown()."), DEF),
]
SHOP = {"tax.py": TAX, "app.py": APP}
TABLES = ("functions", "function_calls", "symbols", "file_problems")


class Index:
    """An index as an indexer would write it."""

    def __init__(self, root: str = "", tool: str = "scip-python 0.6") -> None:
        self.made = scip_index.message("Index")()
        self.made.metadata.tool_info.name, _, self.made.metadata.tool_info.version = tool.partition(" ")
        self.made.metadata.project_root = root

    def add(
        self, path: str, source: str, names: Iterable[tuple[Any, ...]], *, encoding: int = 0, language: str = "python"
    ) -> Index:
        """A name is the first such word on its line, or the one whose number stands last."""
        document = self.made.documents.add(relative_path=path, language=language, position_encoding=encoding)
        lines = source.split("\n")
        for line, word, symbol, *more in names:
            text, start = lines[line - 1], -1
            for _ in range(next((each for each in more if isinstance(each, int)), 1)):
                start = text.index(word, start + 1)
            columns = [_units(text[:place], encoding) for place in (start, start + len(word))]
            one = document.occurrences.add(range=[line - 1, *columns], symbol=symbol, symbol_roles=int(DEF in more))
            one.enclosing_range.extend(next((each for each in more if isinstance(each, list)), []))
        return self

    def inherits(self, symbol: str, *bases: str) -> Index:
        info = self.made.documents[-1].symbols.add(symbol=symbol)
        for base in bases:
            info.relationships.add(symbol=base, is_implementation=True)
        return self

    @property
    def data(self) -> bytes:
        return bytes(self.made.SerializeToString())


def _units(text: str, encoding: int) -> int:
    if encoding == scip_index.UTF8:
        return len(text.encode())
    return len(text) if encoding == scip_index.UTF32 else len(text.encode("utf-16-le")) // 2


def shop_index(root: str = "") -> Index:
    return Index(root).add("tax.py", TAX, TAX_NAMES).add("app.py", APP, APP_NAMES)


def take(shop: Shop, index: Index | bytes) -> scip.Ingested:
    with Project(shop.root) as project:
        return scip.ingest(project, io.BytesIO(index if isinstance(index, bytes) else index.data))


def functions(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.asked(
        """
        SELECT m.path, f.qualified_name, f.ordinal, f.kind, f.start_line, f.end_line, f.column_num, f.is_property
        FROM functions f JOIN file_metadata m ON m.id = f.file_id
        WHERE f.kind <> 'lambda'
        ORDER BY 1, 5, 7
        """
    )


def sites(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.asked(
        """
        SELECT f.qualified_name, c.line, c.column_num, g.qualified_name, s.name, r.name, c.argument_count
        FROM function_calls c
        JOIN functions f ON f.id = c.caller_id
        JOIN file_metadata m ON m.id = f.file_id
        JOIN symbols s ON s.id = c.callee_symbol
        JOIN resolutions r ON r.id = c.resolution
        LEFT JOIN functions g ON g.id = c.callee_id
        ORDER BY m.path, c.line, c.column_num, c.candidate
        """
    )


# -- where no scan has been


def test_an_index_alone_gives_the_functions_that_a_scan_would(tmp_path: Path) -> None:
    by_index, by_scan = Shop(tmp_path / "index"), Shop(tmp_path / "scan")
    for each in (by_index, by_scan):
        each.write(SHOP)
    told = take(by_index, shop_index())
    by_scan.scan()
    assert functions(by_index) == functions(by_scan)
    assert (told.documents, told.functions, told.missing, told.changed) == (2, 7, (), ())


def test_an_index_alone_gives_exact_calls_and_names_are_no_calls(shop: Shop) -> None:
    shop.write(SHOP)
    told = take(shop, shop_index())
    assert shop.calls() == {
        "Cart.size > len (scip)",
        "Cart.total > tax (scip)",
        "Cart.total > Cart.size (scip)",  # a property that is read
        "handle > tax (scip)",  # the decorator
        "<module> > tax (scip)",  # a default runs where the function is defined
        "handle > unknown (scip)",
        "handle > Cart.total (scip)",
        "handle > Cart (scip)",
        "handle > Cart.__init__ (scip)",
        "handle > Cart.size (scip)",
    }
    # The imports of two names, and the list that one is put into.
    assert (told.added, told.outside, told.named, told.left_out) == (9, 1, 3, {})
    assert shop.asked("SELECT DISTINCT confidence FROM v_calls") == [(0.99,)]
    assert shop.asked("SELECT DISTINCT source FROM file_metadata") == [("scip-python",)]


def test_the_same_index_twice_is_the_same_as_once(shop: Shop) -> None:
    shop.write(SHOP)
    take(shop, shop_index())
    once = shop.everything()
    take(shop, shop_index())
    twice = shop.everything()
    assert [twice[table] for table in TABLES] == [once[table] for table in TABLES]


def test_a_scan_after_an_index_gives_what_an_index_after_a_scan_gives(tmp_path: Path) -> None:
    one, other = Shop(tmp_path / "one"), Shop(tmp_path / "other")
    for each in (one, other):
        each.write(SHOP)
    take(one, shop_index())
    one.scan()
    other.scan()
    take(other, shop_index())
    assert sites(one) == sites(other)
    assert functions(one) == functions(other)


def test_functions_within_functions_are_told_apart_where_their_symbol_is_one(shop: Shop) -> None:
    source = (
        "class A:\n    def save(self):\n        self.save()\n        save()\n\n"
        "    def a(self):\n        def save(): ...\n\n        save()\n\n    def b(self):\n        def save(): ...\n\n"
        "        return save()\n"
    )
    save = name("a", "A#save().")
    names = [
        (1, "A", name("a", "A#"), DEF),
        (2, "save", save, DEF),
        (3, "save", save),
        (6, "a", name("a", "A#a()."), DEF),
        (7, "save", save, DEF),
        (9, "save", save),
        (11, "b", name("a", "A#b()."), DEF),
        (12, "save", save),  # a definition that the indexer takes for a reference
        (14, "save", save),
    ]
    shop.write({"a.py": source})
    take(shop, Index().add("a.py", source, names))
    assert shop.calls() == {
        "A.save > A.save (scip)",
        "A.a > A.a.save (scip)",
        "A.b > A.b.save (scip)",
    }


def test_a_class_runs_the_constructor_that_it_inherits_where_all_its_bases_are_known(shop: Shop) -> None:
    source = "class A:\n    def __init__(self): ...\n\n\nclass B(A): ...\n\n\nclass C(Other, A): ...\n\n\nB()\nC()\n"
    a, b, c = (name("a", f"{each}#") for each in "ABC")
    names = [
        (1, "A", a, DEF), (2, "__init__", a + "__init__().", DEF), (5, "B", b, DEF), (8, "C", c, DEF), (11, "B", b),
        (12, "C", c),
    ]  # fmt: skip
    index = Index().add("a.py", source, names)
    index.inherits(b, a).inherits(c, "scip-python python other 1 other/Other#", a)
    shop.write({"a.py": source})
    take(shop, index)
    assert shop.calls() == {"<module> > B (scip)", "<module> > A.__init__ (scip)", "<module> > C (scip)"}


def test_the_getter_is_read_and_an_overload_is_no_function_that_runs(shop: Shop) -> None:
    source = (
        "class A:\n    @property\n    def x(self): ...\n\n    @x.setter\n    def x(self, v): ...\n\n\n"
        "@overload\ndef f(a: int): ...\n@overload\ndef f(a: str): ...\ndef f(a): ...\n\n\n"
        "def g(a):\n    a.x = 1\n    return f(a.x)\n"
    )
    x, f = name("a", "A#x()."), name("a", "f().")
    names = [
        (1, "A", name("a", "A#"), DEF), (3, "x", x, DEF), (5, "x", x), (6, "x", x, DEF),
        (10, "f", f, DEF, 2), (12, "f", f, DEF, 2), (13, "f", f, DEF, 2), (16, "g", name("a", "g()."), DEF),
        (17, "x", x), (18, "f", f), (18, "x", x),
    ]  # fmt: skip
    shop.write({"a.py": source})
    take(shop, Index().add("a.py", source, names))
    assert shop.asked("SELECT callee, line FROM v_calls ORDER BY line, callee") == [("A.x", 18), ("f", 18)]
    assert shop.asked("SELECT callee_id FROM v_function_calls WHERE callee_name = 'f'") == [("a.py::f#2",)]


def test_typescript_has_functions_in_variables_constructors_getters_and_overloads(shop: Shop) -> None:
    source = (
        "export const area = (r: Shape) => r.size * 2\n"
        "export class Shape {\n  constructor(private a: number) {}\n  get size() {\n    return this.a\n  }\n}\n"
        "export function make(a: string): Shape\nexport function make(a: number): Shape\n"
        "export function make(a: any): Shape {\n  return new Shape(a)\n}\n"
        "function run() {\n  return area(make<Shape>(1))\n}\n"
        "const visitor: Visitor = { make(node) { return 1 } }\n"
    )
    at = "scip-typescript npm shop 1 src/`a.ts`/"
    names = [
        (1, "area", at + "area.", DEF, [0, 20, 0, 44]), (1, "size", at + "Shape#`<get>size`()."),
        (2, "Shape", at + "Shape#", DEF, [1, 0, 6, 1]),
        (3, "constructor", at + "Shape#`<constructor>`().", DEF, [2, 2, 2, 35]),
        (4, "size", at + "Shape#`<get>size`().", DEF), (8, "make", at + "make().", DEF, [7, 0, 7, 38]),
        (9, "make", at + "make().", DEF, [8, 0, 8, 38]), (10, "make", at + "make().", DEF, [9, 0, 11, 1]),
        (11, "Shape", at + "Shape#`<constructor>`()."), (13, "run", at + "run().", DEF, [12, 0, 14, 1]),
        (14, "area", at + "area."), (14, "make", at + "make()."), (14, "Shape", at + "Shape#"),
        (16, "make", at + "make()."),
    ]  # fmt: skip
    shop.write({"src/a.ts": source})
    take(shop, Index(tool="scip-typescript 0.4").add("src/a.ts", source, names, language="typescript"))
    assert shop.calls() == {
        "area > Shape.size (scip)",
        "make > Shape (scip)",
        "make > Shape.constructor (scip)",
        "run > area (scip)",
        "run > make (scip)",
    }
    by_index = functions(shop)
    shop.scan()
    assert by_index == [row for row in functions(shop) if "visitor" not in row[1]]


def test_a_language_that_is_not_read_here_is_known_by_its_index(shop: Shop) -> None:
    source = "package shop\n\nfunc Total(a int) int {\n\treturn tax(a)\n}\n\nfunc tax(a int) int {\n\treturn a\n}\n"
    at = "scip-go gomod shop v1 `shop`/"
    names = [(3, "Total", at + "Total().", DEF), (4, "tax", at + "tax()."), (7, "tax", at + "tax().", DEF)]
    shop.write({"shop.go": source})
    take(shop, Index(tool="scip-go 1").add("shop.go", source, names, language="go", encoding=scip_index.UTF8))
    assert shop.calls() == {"Total > tax (scip)"}
    assert [row[1:6] for row in functions(shop)][1:] == [
        ("Total", 0, "function", 3, 5),
        ("tax", 0, "function", 7, 9),
    ]


@pytest.mark.parametrize("encoding", [0, scip_index.UTF8, scip_index.UTF16, scip_index.UTF32])
def test_columns_are_bytes_whatever_the_index_counts(shop: Shop, encoding: int) -> None:
    source = 'def größe(): ...\n\n\nx = "😀"; größe()\n'
    names = [(1, "größe", name("a", "`größe`()."), DEF), (4, "größe", name("a", "`größe`()."))]
    shop.write({"a.py": source})
    take(shop, Index().add("a.py", source, names, encoding=encoding))
    assert shop.asked("SELECT line, column_num FROM function_calls") == [(4, len('x = "😀"; '.encode()))]


# -- beside a scan


SIDES = """\
def handle(thing, other):
    thing.close(later)
    other.flush()
    known(1)
    return thing.items()


def later(): ...


def known(a): ...


class File:
    def close(self, then): ...


class Log:
    def flush(self): ...


class Table:
    def flush(self): ...
"""
SIDES_NAMES = [
    (1, "handle", name("sides", "handle()."), DEF),
    (2, "close", name("sides", "File#close().")),
    (2, "later", name("sides", "later().")),
    (3, "flush", name("sides", "Table#flush().")),
    (4, "known", name("sides", "known().")),
    (5, "items", "scip-python python python-stdlib 3.11 builtins/dict#items()."),
    (8, "later", name("sides", "later()."), DEF),
    (11, "known", name("sides", "known()."), DEF),
    (14, "File", name("sides", "File#"), DEF),
    (15, "close", name("sides", "File#close()."), DEF),
    (18, "Log", name("sides", "Log#"), DEF),
    (19, "flush", name("sides", "Log#flush()."), DEF),
    (22, "Table", name("sides", "Table#"), DEF),
    (23, "flush", name("sides", "Table#flush()."), DEF),
]


@pytest.fixture
def sides(shop: Shop) -> Shop:
    shop.write({"sides.py": SIDES})
    shop.scan()
    return shop


def sides_index() -> Index:
    return Index().add("sides.py", SIDES, SIDES_NAMES)


def test_an_index_decides_what_a_scan_could_not_and_leaves_what_happens_beside_a_call(sides: Shop) -> None:
    before = functions(sides)
    told = take(sides, sides_index())
    assert sides.calls() == {
        "handle > File.close (scip)",
        "handle > later (callback)",
        "handle > Table.flush (scip)",
        "handle > known (scip)",
        "handle > dict.items (scip)",
    }
    assert (told.decided, told.corrected, told.confirmed, told.outside, told.functions) == (3, 0, 1, 1, 0)
    assert functions(sides) == before
    assert sides.asked("SELECT DISTINCT source FROM file_metadata") == [("scan",)]
    assert sides.asked("SELECT argument_count FROM function_calls WHERE line = 4") == [(1,)]


def test_an_index_corrects_what_a_scan_had_decided_otherwise(sides: Shop) -> None:
    wrong = [each if each[:2] != (4, "known") else (4, "known", name("sides", "later().")) for each in SIDES_NAMES]
    told = take(sides, Index().add("sides.py", SIDES, wrong))
    # The word in the source is not the symbol's name: nothing is taken.
    assert told.left_out == {"misnamed": 1}
    assert "handle > known (same_file)" in sides.calls()
    source = SIDES.replace("def known(a): ...\n", "def known(a): ...\n\n\nclass Other:\n    def known(self): ...\n")
    sides.write({"sides.py": source})
    sides.scan()
    other = name("sides", "Other#known().")
    names = [(4, "known", other), (15, "known", other, DEF), (11, "known", name("sides", "known()."), DEF)]
    told = take(sides, Index().add("sides.py", source, names))
    assert (told.corrected, told.confirmed) == (1, 0)
    assert "handle > Other.known (scip)" in sides.calls()
    assert "handle > known (same_file)" not in sides.calls()


def test_an_alias_is_the_symbol_that_it_stands_for(shop: Shop) -> None:
    app = "from tax import tax as levy\n\nlevy(1)\n"
    shop.write({"tax.py": TAX, "app.py": app})
    index = Index().add("tax.py", TAX, TAX_NAMES).add("app.py", app, [(3, "levy", name("tax", "tax()."))])
    assert take(shop, index).left_out == {}
    assert "<module> > tax (scip)" in shop.calls()


def test_what_types_prove_to_stay_inside_is_not_led_outside(sides: Shop) -> None:
    outside = "scip-python python python-stdlib 3.11 builtins/known()."
    told = take(
        sides, Index().add("sides.py", SIDES, [(4, "known", outside), (11, "known", name("sides", "known()."), DEF)])
    )
    assert told.left_out == {"outside": 1}
    assert "handle > known (same_file)" in sides.calls()


def test_what_the_index_should_define_and_does_not_is_left(sides: Shop) -> None:
    missing = name("other", "File#close().")
    told = take(
        sides, Index().add("sides.py", SIDES, [(2, "close", missing), (14, "File", name("sides", "File#"), DEF)])
    )
    assert told.left_out == {"undefined": 1}


def test_a_call_of_what_a_property_gives_is_no_call_of_the_property(shop: Shop) -> None:
    source = (
        "class A:\n    @property\n    def make(self):\n        return print\n\n"
        "    def run(self):\n        self.make(1)\n"
    )
    make = name("a", "A#make().")
    shop.write({"a.py": source})
    shop.scan()
    told = take(shop, Index().add("a.py", source, [(3, "make", make, DEF), (7, "make", make)]))
    assert told.left_out == {"property": 1}


def test_an_index_twice_confirms_itself(sides: Shop) -> None:
    take(sides, sides_index())
    once = sides.calls()
    told = take(sides, sides_index())
    assert sides.calls() == once
    assert (told.decided, told.corrected, told.confirmed, told.added) == (0, 0, 4, 0)


def test_what_an_index_said_stays_while_the_text_does(sides: Shop) -> None:
    take(sides, sides_index())
    once = sides.calls()
    sides.write({"more.py": "def close(): ...\n"})
    sides.scan(full=True)
    assert sides.calls() == once
    sides.write({"sides.py": SIDES + "\n# edited\n"})
    sides.scan()
    assert not any("(scip)" in each for each in sides.calls())


def test_an_edit_since_the_scan_is_scanned_first(sides: Shop) -> None:
    source = "import os\n" + SIDES
    sides.write({"sides.py": source})
    told = take(sides, Index().add("sides.py", source, [(line + 1, *rest) for line, *rest in SIDES_NAMES]))
    assert told.changed == ()
    assert "handle > Table.flush (scip)" in sides.calls()


def test_an_edit_since_the_index_was_made_leaves_the_file_out(sides: Shop) -> None:
    sides.write({"sides.py": "import os\n" + SIDES, "tax.py": TAX})
    told = take(sides, sides_index().add("tax.py", TAX, TAX_NAMES))
    assert told.changed == ("sides.py",)
    assert not any(each.startswith("handle") and "(scip)" in each for each in sides.calls())
    assert "Cart.total > tax (scip)" in sides.calls()


@pytest.mark.parametrize(
    "edited",
    [
        SIDES.replace("    known(1)", "    knowing(1)"),  # a longer word
        SIDES.replace("other.flush()", "thing.flush()"),  # another value under the same call
        SIDES.replace("handle(thing, other)", "handle(other, thing)"),
        SIDES.replace("class Log", "class Fog"),
        "\n" + SIDES,
    ],
)
def test_an_edit_of_any_name_is_noticed(shop: Shop, edited: str) -> None:
    values = [
        (1, "thing", name("sides", "handle().(thing)"), DEF),
        (1, "other", name("sides", "handle().(other)"), DEF),
        (3, "other", name("sides", "handle().(other)")),
    ]
    shop.write({"sides.py": edited, "tax.py": TAX})
    told = take(shop, Index().add("sides.py", SIDES, SIDES_NAMES + values).add("tax.py", TAX, TAX_NAMES))
    assert told.changed == ("sides.py",)


def test_documents_of_one_path_hold_together(shop: Shop) -> None:
    shop.write(SHOP)
    index = Index().add("tax.py", TAX, TAX_NAMES).add("app.py", APP, APP_NAMES[:6]).add("app.py", APP, APP_NAMES[4:])
    take(shop, index)
    assert "handle > Cart.total (scip)" in shop.calls()
    assert shop.asked("SELECT count(*) FROM functions WHERE name = 'handle'") == [(1,)]


def test_local_functions_are_known_where_a_scan_has_found_them(shop: Shop) -> None:
    source = "function outer() {\n  const inner = (a: number) => a\n  return inner(1)\n}\n"
    shop.write({"a.ts": source})
    shop.scan()
    at = "scip-typescript npm shop 1 `a.ts`/"
    names = [(1, "outer", at + "outer().", DEF, [0, 0, 3, 1]), (2, "inner", "local 1", DEF), (3, "inner", "local 1")]
    take(shop, Index().add("a.ts", source, names, language="typescript"))
    assert "outer > outer.inner (scip)" in shop.calls()


# -- where the files are


@pytest.mark.parametrize(
    "path", ["../tax.py", "/tax.py", "a/../../tax.py", "a\\tax.py", "C:/tax.py", "a\ttax.py", "", "a::b.py"]
)
def test_a_path_that_leads_outside_or_is_none_is_refused_and_nothing_is_taken(shop: Shop, path: str) -> None:
    shop.write(SHOP)
    with pytest.raises(DriftError, match="Nothing was taken over"):
        take(shop, shop_index().add(path, TAX, TAX_NAMES))
    assert not (shop.root / ".drift").exists()


def test_the_index_may_be_of_a_folder_in_the_project_or_of_one_around_it(shop: Shop) -> None:
    shop.write({f"web/{path}": source for path, source in SHOP.items()})
    assert take(shop, shop_index((shop.root / "web").as_uri())).documents == 2
    assert "handle > Cart.total (scip)" in shop.calls()
    around = Index(shop.root.parent.as_uri()).add("shop/web/tax.py", TAX, TAX_NAMES).add("other/a.py", TAX, TAX_NAMES)
    told = take(shop, around)
    assert (told.documents, told.missing) == (1, ("other/a.py",))


def test_an_index_made_on_another_machine_is_taken_by_its_paths(shop: Shop) -> None:
    shop.write(SHOP)
    assert take(shop, shop_index("file:///home/ci/checkout")).documents == 2


def test_an_index_of_another_project_is_refused_with_where_it_was_made(shop: Shop) -> None:
    shop.write({"other.py": ""})
    with pytest.raises(DriftError, match=r"Not one of the 2 files .*tax\.py.*file:///home/me/cafe"):
        take(shop, shop_index("file:///home/me/cafe"))
    assert not (shop.root / ".drift").exists()


def test_an_index_of_which_all_has_changed_is_refused(shop: Shop) -> None:
    shop.write({"tax.py": "\n\n" + TAX, "app.py": "\n" + APP})
    with pytest.raises(DriftError, match="All 2 files of the index have changed"):
        take(shop, shop_index())


def test_links_that_lead_outside_and_files_of_our_own_are_not_read(shop: Shop, tmp_path: Path) -> None:
    shop.write(SHOP)
    shop.scan()
    (tmp_path / "outside.py").write_text(TAX)
    (shop.root / "link.py").symlink_to(tmp_path / "outside.py")
    os.link(shop.root / ".drift" / "drift.db", shop.root / "store.py")
    index = shop_index()
    for path in ("link.py", "store.py", ".drift/drift.db", "gone.py"):
        index.add(path, TAX, [])
    assert take(shop, index).missing == ("link.py", "store.py", ".drift/drift.db", "gone.py")


def test_a_damaged_index_leaves_the_store_as_it_was(sides: Shop) -> None:
    before = sides.everything()
    data = sides_index().data
    for bad in (data[:-7], b"", b"{}", data[:60] + b"\xff\xff\xff" + data[63:]):
        with pytest.raises(DriftError):
            take(sides, bad)
    assert sides.everything() == before


class Pipe(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError("a pipe")


def test_an_index_comes_through_a_pipe(shop: Shop) -> None:
    shop.write(SHOP)
    with Project(shop.root) as project:
        assert scip.ingest(project, Pipe(shop_index().data)).documents == 2


# -- the command


@pytest.fixture
def index_file(shop: Shop) -> Iterator[Path]:
    shop.write(SHOP)
    path = shop.root / "index.scip"
    path.write_bytes(shop_index().data)
    yield path


def test_the_command_says_what_an_index_gave(shop: Shop, index_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ingest", str(index_file), "--format", "scip", "--project", str(shop.root)]) == 0
    said = capsys.readouterr().out
    assert "scip-python 0.6 tells of 2 files" in said
    assert "3 references without a call" in said


def test_the_command_refuses_what_is_no_index(shop: Shop, index_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index_file.write_bytes(index_file.read_bytes()[:-3])
    assert cli.main(["ingest", str(index_file), "--format", "scip", "--project", str(shop.root)]) == 2
    assert "cut off" in capsys.readouterr().err
