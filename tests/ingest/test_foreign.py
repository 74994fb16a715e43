"""What another scanner tells, in the store: added, changed and removed, beside what a scan of ours and people say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tables import conventions
from tests.ingest.conftest import call, function

CART = "lib/cart.rb"
PYTHON = "def f():\n    g()\n\n\ndef g():\n    pass\n"


def counted(done: Any) -> dict[str, tuple[int, int, int]]:
    return {each.table: each[2:] for each in done.tables if any(each[2:])}


# -- what is told twice, and in part


def test_telling_twice_is_telling_once(shop: Any) -> None:
    shop.write({CART: "class Cart; end\n"})
    rows = [
        function(f"{CART}::Cart", kind="class", parameters=[{"name": "x", "kind": "positional"}]),
        function(f"{CART}::Cart.total", parent_id=f"{CART}::Cart", kind="method"),
        call(f"{CART}::Cart.total", "price", 2, 4),
        call(f"{CART}::Cart.total", f"{CART}::Cart", 2, 4),
        {"table": "bases", "class_id": f"{CART}::Cart", "base_name": "Basket"},
        {"table": "imports", "file": CART, "line": 1, "module": "json"},
        {"table": "imports", "file": CART, "line": 1, "module": "set"},
        {"table": "models", "file": CART, "name": "Cart", "table_name": "carts", "line": 1, "fields": ["id", "total"]},
        {"table": "env_access_points", "file": CART, "line": 3, "var_name": "SHOP_TOKEN", "method": "ENV"},
        {"table": "patterns", "id": "p1", "name": "P", "category": "api", "confidence_score": 0.9},
        {"table": "pattern_locations", "pattern_id": "p1", "file": CART, "line": 1},
        {"table": "constants", "file": CART, "name": "MAX", "line": 1, "value": "3"},
        {"table": "constant_usages", "constant_id": f"{CART}:MAX:1", "file": CART, "line": 2},
        {"table": "contracts", "id": "c", "method": "GET", "endpoint": "/a", "normalized_endpoint": "/a"},
        {"table": "contract_frontends", "contract_id": "c", "method": "GET", "path": "/a", "normalized_path": "/a",
         "file": CART, "line": 2},
        {"table": "dna_profile", "generated_at": "2026-01-31T12:00:00Z"},
        {"table": "packages", "path": "lib", "name": "cart"},
    ]  # fmt: skip
    assert all(each[2:] == (each.added, 0, 0) for each in shop.take(*rows).tables)
    before = shop.everything()
    again = shop.take(*rows)
    assert counted(again) == {}
    after = shop.everything()
    differing = {name for name, there in before.items() if there != after[name]}
    # When a thing was last told of is all that a second telling changes.
    assert differing <= {"file_metadata", "patterns", "contracts", "packages"}
    columns = "id, name, status, confidence_level, source, location_count"
    assert shop.asked(f"SELECT {columns} FROM patterns") == [("p1", "P", "discovered", "high", "ruby-facts", 1)]
    assert shop.asked("SELECT position, column_name FROM data_fields") == [(0, "id"), (1, "total")]
    assert shop.asked("SELECT name, sensitivity FROM env_variables") == [("SHOP_TOKEN", "secret")]


def test_a_column_that_is_not_given_keeps_its_value(shop: Any) -> None:
    shop.write(
        {"a.py": "def f(x: int) -> str:\n    if x:\n        return g()\n    return ''\n\n\ndef g():\n    pass\n"}
    )
    shop.scan()
    before = shop.asked("SELECT * FROM functions ORDER BY id")
    # One that knows names alone, and one place better.
    done = shop.take({"table": "functions", "id": "a.py::f", "is_async": True})
    assert counted(done) == {"functions": (0, 1, 0)}
    after = shop.asked("SELECT * FROM functions ORDER BY id")
    columns = [row[1] for row in shop.asked("SELECT * FROM pragma_table_info('functions')")]
    changed = {
        column
        for old, new in zip(before, after, strict=True)
        for column, a, b in zip(columns, old, new, strict=True)
        if a != b
    }
    assert changed == {"is_async"}
    assert shop.calls() == {"f > g (same_file)"}


def test_what_is_complete_is_replaced_and_takes_defaults(shop: Any) -> None:
    shop.take(
        function(f"{CART}::a", 1, signature="def a(x)", complexity=7),
        function(f"{CART}::b", 3, 4),
        call(f"{CART}::a", f"{CART}::b"),
        call(f"{CART}::b", "puts"),
    )
    ids = dict(shop.asked("SELECT qualified_name, id FROM functions"))
    done = shop.take(function(f"{CART}::a", 1), function(f"{CART}::c", 5, 6), complete=["functions", "calls"])
    assert counted(done) == {"functions": (1, 1, 1), "function_calls": (0, 0, 1)}
    # `a` is who it was; of a call to `b`, nothing is left to say, and `b` took its own along.
    assert shop.asked("SELECT id, signature, complexity FROM functions WHERE name = 'a'") == [(ids["a"], None, 1)]
    assert shop.calls() == set()


def test_files_limit_what_is_replaced(shop: Any) -> None:
    shop.take(function("a.rb::f"), function("b.rb::g"), function("b.rb::h"), call("b.rb::g", "a.rb::f"))
    done = shop.take(function("b.rb::g", 7, 8), complete=["functions", "calls"], files=["b.rb"])
    assert counted(done) == {"functions": (0, 1, 1), "function_calls": (0, 0, 1)}
    assert shop.asked("SELECT id, start_line FROM v_functions ORDER BY 1") == [("a.rb::f", 1), ("b.rb::g", 7)]


def test_a_call_of_a_function_that_went_is_undecided_and_never_one_that_leaves_the_project(shop: Any) -> None:
    shop.take(function("a.rb::f"), function("b.rb::g"), call("b.rb::g", "a.rb::f"))
    shop.take(complete=["functions"], files=["a.rb"])
    assert shop.calls() == {"g > f (unresolved)"}


def test_files_of_an_input_that_is_complete_for_files_are_all_there_are(shop: Any) -> None:
    shop.take(function("a.rb::f"), function("b.rb::g"), call("b.rb::g", "a.rb::f"))
    done = shop.take(function("b.rb::g"), complete=["files"])
    assert counted(done) == {"file_metadata": (0, 0, 1)}
    assert shop.asked("SELECT path FROM file_metadata") == [("b.rb",)]
    assert shop.calls() == {"g > f (unresolved)"}


def test_rows_without_a_file_are_not_replaced_by_an_input_for_some_files(shop: Any) -> None:
    rule = {"table": "constraints", "name": "N", "category": "api", "invariant": {"type": "x"}}
    field = {"table": "sensitive_fields", "table_name": "users", "field_name": "name", "sensitivity": "pii"}
    shop.take(rule | {"id": "r1"}, rule | {"id": "r2"}, field)
    shop.take(rule | {"id": "r1"}, complete=["constraints", "sensitive_fields"], files=["a.rb"])
    assert shop.asked("SELECT count(*) FROM constraints") == [(2,)]
    shop.take(rule | {"id": "r1"}, complete=["constraints", "sensitive_fields"])
    assert shop.asked("SELECT id FROM constraints") == [("r1",)]
    # A field that is known to be sensitive, but not from where, may be a person's word.
    assert shop.asked("SELECT count(*) FROM sensitive_fields") == [(1,)]


# -- how things are named


def test_paths_start_from_the_root_that_the_header_names(shop: Any) -> None:
    shop.take(
        function("./src/a.rb::A.f", parent_id=None),
        function("src/b.rb::g"),
        call("src/b.rb::g", "src/a.rb::A.f"),
        {"table": "decisions", "id": "d", "title": "T", "commit_date": "2026-01-31T12:00:00+02:00"},
        {"table": "packages", "path": ".", "name": "web"},
        root="packages/web",
        complete=["functions"],
        files=["src/a.rb", "src/b.rb"],
    )
    assert shop.asked("SELECT id FROM v_functions ORDER BY 1") == [
        ("packages/web/src/a.rb::A.f",),
        ("packages/web/src/b.rb::g",),
    ]
    assert shop.asked("SELECT path FROM packages") == [("packages/web",)]
    assert shop.asked("SELECT commit_date FROM decisions") == [("2026-01-31T10:00:00.000Z",)]


def test_several_of_one_name_are_told_apart_by_their_ordinal(shop: Any) -> None:
    shop.take(function("a.rb::f", 1), function("a.rb::f#1", 5, 6), call("a.rb::f#1", "a.rb::f", 5, 0))
    assert shop.asked("SELECT id, start_line FROM v_functions ORDER BY 1") == [("a.rb::f", 1), ("a.rb::f#1", 5)]


def test_names_in_any_script_come_back_as_they_were_told(shop: Any) -> None:
    path, name = "sökväg/模块 1.rb", "Größe.ﬁ_𝕏_e\u0301"
    shop.write({path: "x\n"})
    shop.take(function(f"{path}::{name}"), call(f"{path}::{name}", "printf_ünïcode", 1, 3))
    assert shop.asked("SELECT id FROM v_functions") == [(f"{path}::{name}",)]
    assert shop.calls() == {f"{name} > printf_ünïcode (scanner)"}


def test_a_row_may_name_what_a_later_row_tells_of(shop: Any) -> None:
    shop.take(
        call("a.rb::A.f", "b.rb::g"),
        function("a.rb::A.f", 2, 3, parent_id="a.rb::A"),
        function("b.rb::g"),
        function("a.rb::A", 1, 5, kind="class"),
        {"table": "pattern_locations", "pattern_id": "child", "file": "a.rb", "line": 1},
        {"table": "patterns", "id": "child", "name": "C", "category": "api", "parent_id": "parent"},
        {"table": "patterns", "id": "parent", "name": "P", "category": "api"},
    )
    parents = "SELECT f.name, p.name FROM functions f JOIN functions p ON p.id = f.parent_id"
    assert shop.asked(parents) == [("f", "A")]


# The names that views show → the rows that they stand for.
SYNONYMS: list[tuple[dict[str, Any], str, tuple[Any, ...]]] = [
    (
        {
            "table": "function_calls",
            "caller_id": "a.rb::f",
            "callee_name": "x",
            "resolved": False,
            "line": 1,
            "column_num": 0,
        },
        "SELECT resolution, callee_name, argument_count FROM v_function_calls",
        ("unresolved", "x", 0),
    ),
    (
        {
            "table": "function_calls",
            "caller_id": "a.rb::f",
            "callee_id": "a.rb::f",
            "resolved": 1,
            "line": 1,
            "column_num": 0,
        },
        "SELECT resolution, callee_name, callee_id FROM v_function_calls",
        ("scanner", "f", "a.rb::f"),
    ),
    (
        {
            "table": "calls",
            "caller_id": "a.rb::f",
            "callee_symbol": "lib.x",
            "resolution": "external",
            "line": 1,
            "column_num": 0,
        },
        "SELECT resolution, callee_name, callee_id FROM v_function_calls",
        ("external", "lib.x", None),
    ),
    (
        {"table": "imports", "file_id": "a.rb", "line": 1, "module": "b", "resolved_file": "b.rb"},
        "SELECT file, module, resolved_file FROM v_imports",
        ("a.rb", "b", "b.rb"),
    ),
    (
        {
            "table": "contracts",
            "id": "c",
            "method": "GET",
            "endpoint": "/",
            "normalized_endpoint": "/",
            "backend_file": "a.rb",
        },
        "SELECT backend_file FROM v_contracts",
        ("a.rb",),
    ),
    (
        {"table": "test_coverage", "test_file": "t.rb", "source_file": "a.rb", "function_id": "a.rb::f"},
        "SELECT test_file, source_file, function_id FROM v_test_coverage",
        ("t.rb", "a.rb", "a.rb::f"),
    ),
    (
        {"table": "env_access_points", "id": "a.rb:1:0:X", "file": "a.rb", "line": 1, "var_name": "X", "method": "ENV"},
        "SELECT id FROM v_env_access_points",
        ("a.rb:1:0:X",),
    ),
    (
        {"table": "suppressions", "scope": "line", "file": "a.rb", "line": 1, "end_line": 1, "reason": "r"},
        "SELECT origin, path FROM pattern_suppressions",
        ("comment", "a.rb"),
    ),
    (
        {"table": "functions", "file": "a.rb", "qualified_name": "f", "decorators": '["@a"]', "is_test": True},
        "SELECT decorators, is_test FROM v_functions",
        ('["@a"]', 1),
    ),
]


@pytest.mark.parametrize(("row", "question", "answer"), SYNONYMS)
def test_the_names_that_views_show_are_taken(
    shop: Any, row: dict[str, Any], question: str, answer: tuple[Any, ...]
) -> None:
    shop.take(function("a.rb::f"), complete=["functions"])
    shop.take(row)
    assert shop.asked(question) == [answer]


def test_a_list_of_fields_is_a_row_for_each(shop: Any) -> None:
    access = {
        "table": "function_data_access",
        "function_id": "a.rb::f",
        "table_name": "t",
        "operation": "read",
        "line": 2,
    }
    shop.take(function("a.rb::f"), access | {"fields": ["a", "b"], "whole_row": True})
    assert shop.asked("SELECT field_name, whole_row FROM function_data_access ORDER BY 1") == [
        (None, 1),
        ("a", 0),
        ("b", 0),
    ]
    assert shop.asked("SELECT is_data_accessor FROM functions") == [(1,)]


# -- call sites


def test_what_is_told_of_a_site_stands_instead_of_what_was_found_there(shop: Any) -> None:
    shop.write({"a.py": "def f(x):\n    x.run()\n\n\nclass A:\n    def run(self):\n        pass\n"})
    shop.scan()
    assert shop.calls() == {"f > run (unresolved)"}
    [(column,)] = shop.asked("SELECT column_num FROM function_calls")
    site = {"line": 2, "column": column}
    shop.take(call("a.py::f", "lib.Runner.run", **site), call("a.py::f", "a.py::A.run", **site, candidate=0))
    assert shop.asked("SELECT candidate, callee_id IS NULL, argument_count FROM function_calls ORDER BY 1") == [
        (0, 0, 0),
        (1, 1, 0),
    ]
    assert shop.calls() == {"f > A.run (scanner)", "f > lib.Runner.run (scanner)"}


def test_what_a_scanner_cannot_decide_leaves_what_a_scan_has_found(shop: Any) -> None:
    shop.write({"a.py": PYTHON})
    shop.scan()
    [(column,)] = shop.asked("SELECT column_num FROM function_calls")
    undecided = call("a.py::f", "g", 2, column, resolution="unresolved")
    assert counted(shop.take(undecided)) == {}
    assert shop.calls() == {"f > g (same_file)"}
    shop.take(undecided, complete=["calls"], files=["a.py"])
    assert shop.calls() == {"f > g (unresolved)"}
    shop.take(call("a.py::f", "a.py::g", 2, column))
    shop.take(undecided)  # a scanner may take back what it said
    assert shop.calls() == {"f > g (unresolved)"}


def test_a_site_is_a_place_whichever_body_it_is_said_to_lie_in(shop: Any) -> None:
    shop.write({"a.py": "def f():\n    return map(lambda: g(), [])\n\n\ndef g():\n    pass\n"})
    shop.scan()
    [(caller, column)] = shop.asked("SELECT caller_id, column_num FROM v_function_calls WHERE callee_name = 'g'")
    assert caller != "a.py::f"
    shop.take(call("a.py::f", "a.py::g", 2, column))
    assert shop.asked("SELECT caller, resolution FROM v_calls WHERE callee = 'g'") == [("f", "scanner")]


def test_the_same_call_told_twice_is_one_and_told_otherwise_is_refused(shop: Any) -> None:
    shop.take(function("a.rb::f"), call("a.rb::f", "x"), call("a.rb::f", "x"))
    assert shop.asked("SELECT count(*) FROM function_calls") == [(1,)]
    with pytest.raises(DriftError, match=r"^Line 3: line 2 says something else of the same call"):
        shop.take(call("a.rb::f", "x", argument_count=1), call("a.rb::f", "x", argument_count=2))


# -- beside our own scan


def test_a_file_that_only_another_scanner_reads_is_as_fresh_as_its_bytes(shop: Any) -> None:
    shop.write({CART: "class Cart\nend\n", "a.py": PYTHON})
    shop.scan()
    shop.take(function(f"{CART}::Cart", kind="class"))
    stat = (shop.root / CART).stat()
    row = shop.asked(
        """
        SELECT source, language, size, lines, mtime_secs * 1000000000 + mtime_nanos, length(content_hash), is_test
        FROM file_metadata
        WHERE path = ?
        """,
        CART,
    )
    assert row == [("ruby-facts", "ruby", stat.st_size, 2, stat.st_mtime_ns, 16, 0)]
    assert shop.asked("SELECT source FROM file_metadata WHERE path = 'a.py'") == [("scan",)]


def test_a_scan_leaves_files_of_other_scanners_until_they_are_gone(shop: Any) -> None:
    shop.write({CART: "class Cart\nend\n", "a.py": PYTHON, "node_modules/x/i.js": "function x() { y() }\n"})
    shop.scan()
    shop.take(function(f"{CART}::Cart"), function("node_modules/x/i.js::x"), function("gone.rb::g"))
    shop.write({"a.py": PYTHON + "\n\ndef h():\n    f()\n"})
    run = shop.scan()
    assert (run.changed, run.deleted) == (1, 1)  # what was told of a file that is not there holds until somebody looks
    paths = {row[0] for row in shop.asked("SELECT path FROM file_metadata WHERE function_count > 0")}
    assert paths == {"a.py", CART, "node_modules/x/i.js"}
    assert shop.scan().changed == 0
    shop.write({CART: None})
    assert shop.scan().deleted == 1
    assert shop.asked("SELECT count(*) FROM v_functions WHERE file = ?", CART) == [(0,)]


def test_a_scan_takes_over_what_it_can_read_and_leaves_what_it_cannot(shop: Any) -> None:
    big = "x = 1\n" * 400_000  # more than a scan reads
    shop.write({"a.py": PYTHON, "big.py": big})
    shop.take(function("a.py::other", language="python"), function("big.py::told", language="python"))
    shop.scan()
    assert {row[0] for row in shop.asked("SELECT qualified_name FROM functions")} == {"<module>", "f", "g", "told"}
    assert dict(shop.asked("SELECT path, source FROM file_metadata")) == {"a.py": "scan", "big.py": "ruby-facts"}
    assert shop.scan().changed == 0


def test_what_is_told_of_calls_survives_a_rescan_that_links_the_file_again(shop: Any) -> None:
    sources = {
        "a.py": "import b\n\n\ndef f(x):\n    x.run()\n    b.g()\n",
        "b.py": "def g():\n    pass\n\n\ndef run():\n    pass\n",
    }
    shop.write(sources)
    shop.scan()
    [(column,)] = shop.asked("SELECT column_num FROM function_calls WHERE line = 5")
    shop.take(call("a.py::f", "b.py::run", 5, column, resolution="scip"))
    told = {"f > run (scip)", "f > g (import)"}
    assert shop.calls() == told
    # `b` offers something else: `a` is linked again, and its text is as it was.
    shop.write({"b.py": sources["b.py"] + "\n\ndef new():\n    pass\n"})
    assert shop.scan().linked == 2
    assert shop.calls() == told
    assert shop.scan(full=True).linked == 2
    assert shop.calls() == told
    # The text is another: nobody knows whether what was told of it holds.
    shop.write({"a.py": sources["a.py"].replace("x.run()", "x.run(1)")})
    shop.scan()
    assert "f > run (scip)" not in shop.calls()


def test_a_told_call_into_a_file_that_changes_stays_as_long_as_its_function(shop: Any) -> None:
    shop.write({"a.py": "def f(x):\n    x.run()\n", "b.py": "def run():\n    pass\n\n\ndef old():\n    pass\n"})
    shop.scan()
    shop.take(call("a.py::f", "b.py::run", 2, 6), call("a.py::f", "b.py::old", 2, 20))
    shop.write({"b.py": "# moved\ndef run():\n    return 1\n"})
    shop.scan()
    assert {"f > run (scanner)", "f > old (unresolved)"} == shop.calls()
    shop.write({"b.py": None})
    shop.scan()
    assert {how for _, how in (each.rsplit(" ", 1) for each in shop.calls())} == {"(unresolved)"}


def test_functions_that_are_replaced_leave_a_store_that_the_next_scan_can_link(shop: Any) -> None:
    shop.write({"a.py": PYTHON, "b.py": "import a\n\n\ndef h():\n    a.g()\n"})
    shop.scan()
    shop.take(function("a.py::f", language="python"), complete=["functions"], files=["a.py"])
    assert shop.asked("SELECT qualified_name FROM v_functions WHERE file = 'a.py'") == [("f",)]
    shop.write({"b.py": "import a\n\n\ndef h():\n    a.g()\n    a.f()\n"})
    shop.scan()
    assert {"h > g (import)", "h > f (import)", "f > g (same_file)"} <= shop.calls()


def test_a_file_without_facts_is_never_linked(shop: Any) -> None:
    shop.write({"a.rb": "require 'b'\n", "b.py": PYTHON, "t.sql": "CREATE TABLE t (a int);\n"})
    shop.scan()
    shop.take(
        function("a.rb::x"), {"table": "imports", "file": "a.rb", "line": 1, "module": "b", "resolved_file": "b.py"}
    )
    shop.write({"b.py": PYTHON + "\n\ndef h():\n    pass\n", "t.sql": "CREATE TABLE u (a int);\n"})
    shop.scan()
    assert shop.asked("SELECT resolved_file FROM v_imports") == [("b.py",)]


# -- what people decided


def test_a_verdict_is_not_undone_and_the_answer_counts_it(shop: Any) -> None:
    pattern = {"table": "patterns", "id": "p1", "name": "Old", "category": "api", "confidence_score": 0.4}
    shop.take(pattern, pattern | {"id": "p2", "status": "approved"})
    assert shop.asked("SELECT approved_by FROM patterns WHERE id = 'p2'") == [("ruby-facts 1.0",)]
    with Project(shop.root) as project, project.write() as tx:
        conventions.judge(tx, "p1", "ignored", by="ann", reason="not here")
    done = shop.take(pattern | {"status": "approved", "name": "New", "confidence_score": 0.8})
    assert done.left == 1
    assert shop.asked("SELECT status, status_reason, name, confidence_score FROM patterns WHERE id = 'p1'") == [
        ("ignored", "not here", "Old", 0.8)
    ]
    done = shop.take(pattern | {"id": "p3"}, complete=["patterns"])
    assert counted(done) == {"patterns": (1, 0, 0)}  # both that are left were decided about
    actions = [row[0] for row in shop.asked("SELECT action FROM pattern_history WHERE pattern_id = 'p1' ORDER BY id")]
    assert actions == ["created", "ignored"]


def test_a_scanner_replaces_its_own_patterns_alone(shop: Any) -> None:
    shop.write({f"m{number}.py": f"def a_b_{number}():\n    pass\n\n\ndef c_d():\n    pass\n" for number in range(9)})
    shop.scan()
    ours = shop.asked("SELECT count(*) FROM patterns")
    pattern = {"table": "patterns", "name": "P", "category": "api"}
    shop.take(pattern | {"id": "p1"}, pattern | {"id": "p2"})
    done = shop.take(pattern | {"id": "p2"}, complete=["patterns", "pattern_locations"])
    assert counted(done) == {"patterns": (0, 0, 1)}
    assert shop.asked("SELECT count(*) FROM patterns WHERE source = 'scan'") == ours != [(0,)]


@pytest.mark.parametrize(
    ("row", "decide", "column"),
    [
        (
            {"table": "constraints", "id": "r", "name": "N", "category": "api", "invariant": {"a": 1}},
            "UPDATE constraints SET status = 'custom'",
            "name",
        ),
        (
            {"table": "decisions", "id": "d", "title": "T", "confidence": 0.2},
            "UPDATE decisions SET status = 'rejected'",
            "title",
        ),
        (
            {"table": "contracts", "id": "c", "method": "GET", "endpoint": "/", "normalized_endpoint": "/"},
            "UPDATE contracts SET status = 'verified'",
            "status",
        ),
        (
            {"table": "constraints", "id": "r", "name": "N", "category": "api", "invariant": {"a": 1}},
            "UPDATE constraints SET notes = 'ours since March'",
            "name",
        ),
        (
            {"table": "contracts", "id": "c", "method": "GET", "endpoint": "/", "normalized_endpoint": "/"},
            "UPDATE contracts SET verified_by = 'ann'",
            "status",
        ),
    ],
)
def test_other_decisions_stay_too(shop: Any, row: dict[str, Any], decide: str, column: str) -> None:
    shop.take(row)
    with Project(shop.root) as project, project.write() as tx:
        tx.execute(decide)
    table = row["table"]
    before = shop.asked(f"SELECT {column}, status FROM {table}")
    other = {"name": "other", "title": "other", "status": "mismatch"}[column]
    done = shop.take(row | {column: other}, complete=[table])
    assert done.left == 1
    assert shop.asked(f"SELECT {column}, status FROM {table}") == before
    shop.take(
        {**row, "id": "another", "normalized_endpoint": "/b"} if "endpoint" in row else {**row, "id": "another"},
        complete=[table],
    )
    assert shop.asked(f"SELECT {column}, status FROM {table} WHERE id = ?", row["id"]) == before


# -- what follows


def test_what_follows_from_rows_is_brought_up_to_date(shop: Any) -> None:
    shop.take(
        function(f"{CART}::a"),
        function(f"{CART}::b", 3, 4),
        {"table": "entry_points", "function_id": f"{CART}::a", "kind": "cli", "label": "a", "line": 1},
        {"table": "problems", "file": CART, "kind": "syntax", "message": "m"},
        {"table": "packages", "path": ".", "name": "shop"},
    )
    assert shop.asked("SELECT qualified_name FROM functions WHERE is_entry_point") == [("a",)]
    assert shop.asked("SELECT function_count, error_count FROM file_metadata") == [(2, 1)]
    assert shop.asked("SELECT function_count FROM packages") == [(2,)]
    [(body,)] = shop.asked("SELECT body FROM status")
    assert json.loads(body)["functions"] == {"function": 2}
    assert shop.asked("SELECT status, files_scanned FROM scan_history") == [("completed", 1)]
    shop.take(complete=["entry_points"], files=[CART])
    assert shop.asked("SELECT count(*) FROM functions WHERE is_entry_point") == [(0,)]


def test_secrets_do_not_reach_the_store(shop: Any) -> None:
    key = "sk_live_" + "a1B2c3D4e5F6g7H8"
    shop.take(
        function(f"{CART}::a", signature=f"def a(key = '{key}')", decorators=[f"@with('{key}')"]),
        {"table": "constants", "file": CART, "name": "API_PASSWORD", "line": 1, "value": "'hunter2'"},
        {"table": "env_variables", "name": "DB_PASSWORD", "default_value": "'hunter2'"},
        {"table": "env_access_points", "file": CART, "line": 1, "var_name": "DB_PASSWORD", "method": "ENV",
         "default_value": "'hunter2'", "has_default": True},
    )  # fmt: skip
    text = repr(shop.everything())
    assert key not in text and "hunter2" not in text
    assert shop.asked("SELECT is_secret FROM constants") == [(1,)]


def test_a_link_that_leads_outside_and_a_file_of_ours_are_not_read(shop: Any, tmp_path: Any) -> None:
    shop.take(function("a.rb::f"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.rb").write_text("x")
    (shop.root / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DriftError, match=r"^Line 2: .*outside the project"):
        shop.take(function("linked/b.rb::f"))
    (shop.root / "copy.rb").hardlink_to(shop.root / ".drift" / "drift.db")
    with pytest.raises(DriftError, match=r"^Line 2: .*Drift's own"):
        shop.take(function("copy.rb::f"))


def test_an_input_that_is_too_long_is_refused_before_it_fills_the_memory(shop: Any) -> None:
    from drift_mcp.ingest import given

    told = given.Told(given.Header("x 1"), most_rows=2)
    rows = [given.Row(number, "functions", function(f"a.rb::f{number}")) for number in (2, 3, 4)]
    for row in rows:
        row.columns.pop("table")  # type: ignore[attr-defined]  # a dict
    told.take(rows[0])
    told.take(rows[1])
    with pytest.raises(DriftError, match=r"^Line 4: one input holds 2 rows"):
        told.take(rows[2])


def test_readers_see_the_old_facts_or_the_new_ones(shop: Any) -> None:
    shop.take(function("a.rb::f"), call("a.rb::f", "x"))
    with Project(shop.root) as project:
        with project.read() as db:
            shop.take(function("a.rb::g"), complete=["functions", "calls"])
            assert list(db.execute("SELECT qualified_name FROM functions")) == [("f",)]
            assert list(db.execute("SELECT count(*) FROM function_calls")) == [(1,)]
        with project.read() as db:
            assert list(db.execute("SELECT qualified_name FROM functions")) == [("g",)]


MODEL = "class User(Base):\n    __tablename__ = 'users'\n    password = Column(String)\n"
SQLALCHEMY = (
    "from sqlalchemy import Column, String\nfrom sqlalchemy.orm import declarative_base\n\nBase = declarative_base()\n"
)


@pytest.mark.parametrize("full", [False, True])
def test_what_is_told_of_data_in_files_that_only_another_scanner_reads_survives_a_scan(shop: Any, full: bool) -> None:
    shop.write({"schema.rb": "x\n", "m.py": "x = 1\n"})
    shop.scan()
    shop.take(
        function("schema.rb::f"),
        {
            "table": "models",
            "file": "schema.rb",
            "name": "Order",
            "table_name": "orders",
            "line": 1,
            "fields": ["token"],
        },
        {
            "table": "sensitive_fields",
            "file": "schema.rb",
            "table_name": "orders",
            "field_name": "note",
            "sensitivity": "pii",
        },
        {"table": "entry_points", "function_id": "schema.rb::f", "kind": "cli", "label": "f", "line": 1},
        {"table": "data_access", "function_id": "schema.rb::f", "table_name": "orders", "operation": "read", "line": 1},
    )
    shop.write({"m.py": SQLALCHEMY + MODEL})
    shop.scan(full=full)
    fields = "SELECT table_name, field_name FROM sensitive_fields ORDER BY 1"
    assert shop.asked(fields) == [("orders", "note"), ("users", "password")]
    shop.write({"m.py": SQLALCHEMY + MODEL.replace("password", "passphrase")})
    shop.scan(full=full)
    assert shop.asked(fields) == [("orders", "note"), ("users", "passphrase")]
    assert shop.asked("SELECT table_name FROM data_models ORDER BY 1") == [("orders",), ("users",)]
    assert shop.asked("SELECT is_entry_point, is_data_accessor FROM functions WHERE name = 'f'") == [(1, 1)]


def test_a_variable_that_another_scanner_told_of_outlives_a_scan_and_one_that_is_read_no_more_does_not(
    shop: Any,
) -> None:
    shop.write({"a.py": "import os\n\nHOST = os.environ['HOST']\n"})
    shop.scan()
    shop.take({"table": "env_variables", "name": "DATABASE_URL", "sensitivity": "secret"})
    shop.write({"a.py": "HOST = 'here'\n"})
    shop.scan()
    assert shop.asked("SELECT name, sensitivity, source FROM env_variables") == [
        ("DATABASE_URL", "secret", "ruby-facts")
    ]


def test_a_package_that_another_scanner_told_of_outlives_a_scan_until_the_scan_finds_it(shop: Any) -> None:
    shop.take({"table": "packages", "path": "gems/pay", "name": "pay", "package_manager": "bundler"})
    shop.write({"package.json": '{"name": "shop", "version": "1.0.0"}', "a.py": "A = 1\n"})
    shop.scan()
    packages = "SELECT path, name, source FROM packages ORDER BY path"
    assert shop.asked(packages) == [(".", "shop", "scan"), ("gems/pay", "pay", "ruby-facts")]
    shop.write({"gems/pay/package.json": '{"name": "pay-js", "version": "1.0.0"}'})
    shop.scan()
    assert shop.asked(packages) == [(".", "shop", "scan"), ("gems/pay", "pay-js", "scan")]


def test_a_call_of_which_only_the_line_is_told_is_the_site_there_of_that_name(shop: Any) -> None:
    shop.write({"a.py": "def f(x):\n    return g(x) + h(x)\n\n\ndef g(x):\n    return x\n"})
    shop.scan()
    sites = "SELECT callee, line, resolution FROM v_calls WHERE caller = 'f' ORDER BY callee"
    assert shop.asked(sites) == [("g", 2, "same_file"), ("h", 2, "unresolved")]
    told = [
        {"table": "calls", "caller_id": "a.py::f", "line": 2, "callee_id": "a.py::g"},
        {"table": "calls", "caller_id": "a.py::f", "line": 2, "callee_name": "h", "resolution": "external"},
        {"table": "calls", "caller_id": "a.py::f", "line": 2, "callee_name": "lib.i", "resolution": "external"},
    ]
    for _ in range(2):
        shop.take(*told)
        assert shop.asked(sites) == [
            ("g", 2, "scanner"),
            ("h", 2, "external"),
            ("lib.i", 2, "external"),
        ]
        assert shop.asked("SELECT count(DISTINCT column_num), max(candidate) FROM function_calls") == [(3, 0)]


def test_a_place_that_touches_data_in_a_function_is_an_access_of_that_function(shop: Any) -> None:
    function = {"table": "functions", "id": "lib/a.rb::pay", "name": "pay", "kind": "function", "start_line": 1}
    place = {"table": "data_access_points", "file": "lib/a.rb", "table_name": "cards", "operation": "read", "line": 2}
    place["function_id"] = "lib/a.rb::pay"
    function |= {"end_line": 3, "language": "ruby"}
    shop.write({"lib/a.rb": "def pay\n  Card.find(1)\nend\n"})
    for _ in range(2):
        shop.take(
            function,
            place | {"column_num": 2, "fields": ["number", "owner"], "confidence": 0.5},
            place | {"column_num": 9, "fields": ["number"], "confidence": 0.8},
            place | {"column_num": 20, "whole_row": True},
        )
        assert shop.asked(
            "SELECT table_name, field_name, whole_row, confidence FROM function_data_access ORDER BY field_name"
        ) == [("cards", None, 1, 1.0), ("cards", "number", 0, 0.8), ("cards", "owner", 0, 0.5)]
    assert shop.asked("SELECT function FROM v_data_access WHERE field_name = 'number'") == [("pay",)]


def test_an_access_that_is_told_in_detail_is_not_told_again_by_its_place(shop: Any) -> None:
    access = {"table": "function_data_access", "function_id": "lib/a.rb::pay", "table_name": "cards"}
    place = {"table": "data_access_points", "file": "lib/a.rb", "table_name": "cards", "fields": ["number", "owner"]}
    common = {"operation": "read", "line": 2}
    function = {"table": "functions", "id": "lib/a.rb::pay", "name": "pay", "kind": "function", "language": "ruby"}
    shop.take(
        function | {"start_line": 1, "end_line": 3},
        access | common | {"field_name": "number"},
        place | common | {"function_id": "lib/a.rb::pay"},
    )
    assert shop.asked("SELECT field_name FROM function_data_access") == [("number",)]
