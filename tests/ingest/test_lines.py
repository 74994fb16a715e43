"""JSON Lines as they come in: what is malformed, at any line, leaves the store as it was and says which line it is."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_mcp.errors import DriftError
from drift_mcp.ingest import lines
from drift_mcp.project import Project

RUBY = "class Cart\n  def total\n    price(1)\n  end\nend\n"


def good() -> list[dict[str, Any]]:
    """A header and nine rows that are as they should be."""
    cart = "lib/cart.rb::Cart"
    return [
        {"drift_facts": 1, "scanner": "ruby-facts 1.0", "root": ".", "complete": ["calls"], "files": ["lib/cart.rb"]},
        {"table": "file_metadata", "path": "lib/cart.rb", "language": "ruby"},
        {"table": "functions", "id": cart, "name": "Cart", "kind": "class", "start_line": 1, "end_line": 5},
        {
            "table": "functions",
            "file": "lib/cart.rb",
            "qualified_name": "Cart.total",
            "name": "total",
            "kind": "method",
            "parent_id": cart,
            "start_line": 2,
            "end_line": 4,
            "parameters": [{"name": "amount", "kind": "positional"}],
            "is_exported": True,
        },
        {"table": "calls", "caller_id": f"{cart}.total", "line": 3, "column_num": 4, "callee_name": "price"},
        {"table": "bases", "class_id": cart, "base_name": "Basket"},
        {"table": "entry_points", "function_id": f"{cart}.total", "kind": "route", "label": "GET /total", "line": 2},
        {
            "table": "function_data_access",
            "function_id": f"{cart}.total",
            "table_name": "carts",
            "operation": "read",
            "line": 3,
            "confidence": 0.5,
        },
        {"table": "patterns", "id": "ruby-classes", "name": "Classes", "category": "structural"},
        {"table": "pattern_locations", "pattern_id": "ruby-classes", "file": "lib/cart.rb", "line": 1},
    ]


def changed(number: int, **columns: object) -> list[bytes]:
    """The good lines, one of them with other columns; None takes a column away."""
    told = good()
    told[number - 1] |= columns
    told[number - 1] = {name: value for name, value in told[number - 1].items() if value is not None}
    return [json.dumps(each).encode() + b"\n" for each in told]


def replaced(number: int, line: bytes) -> list[bytes]:
    told = changed(1)
    told[number - 1] = line
    return told


# (which line is malformed, the lines, words of the message)
MALFORMED: dict[str, tuple[int, list[bytes], str]] = {
    "empty input": (1, [], "is empty"),
    "only a header, complete for all": (1, [b'{"drift_facts":1,"scanner":"x 1","complete":["functions"]}\n'], "no row"),
    "only a header that says nothing": (1, [b'{"drift_facts":1,"scanner":"x 1","files":["a.py"]}\n'], "no row"),
    "byte order mark": (1, replaced(1, b"\xef\xbb\xbf" + changed(1)[0]), "byte order mark"),
    "UTF-16": (1, ["".join(map(bytes.decode, changed(1))).encode("utf-16")], "UTF-8"),
    "no version": (1, changed(1, drift_facts=None), "names no version"),
    "another version": (1, changed(1, drift_facts=2), "version 2"),
    "a version that is a truth value": (1, changed(1, drift_facts=True), "version true"),
    "unknown word in the header": (1, changed(1, compleat=["calls"]), "compleat"),
    "no scanner": (1, changed(1, scanner=None), "`scanner`"),
    "a blank scanner": (1, changed(1, scanner=" "), "names no scanner"),
    "a scanner called like ours": (1, changed(1, scanner="scan 1.0"), "'scan'"),
    "complete for a table that is none": (1, changed(1, complete=["fonctions"]), "Nearest: functions"),
    "complete for a table of our own": (1, changed(1, complete=["scan_history"]), "Drift's own"),
    "complete as a text": (1, changed(1, complete="calls"), "list of texts"),
    "files with a number": (1, changed(1, files=[1]), "list of texts"),
    "files outside": (1, changed(1, files=["../a.rb"]), "inside the project"),
    "a root outside": (1, changed(1, root="../other"), "`root`"),
    "an absolute root": (1, changed(1, root="/srv"), "`root`"),
    "a header that is a list": (1, replaced(1, b"[]\n"), "no JSON object"),
    "an empty line": (5, replaced(5, b"\n"), "empty"),
    "no JSON": (5, replaced(5, b"table: calls\n"), "no JSON at column 1"),
    "cut off": (10, replaced(10, changed(1)[9][:-20]), "cut off"),
    "two objects in a line": (5, replaced(5, changed(1)[4][:-1] * 2 + b"\n"), "Extra data"),
    "a list": (4, replaced(4, b"[1, 2]\n"), "no JSON object"),
    "a number": (4, replaced(4, b"7\n"), "no JSON object"),
    "broken UTF-8": (3, replaced(3, b'{"table": "functions", "name": "\xff"}\n'), "byte 33"),
    "nested without end": (3, replaced(3, b'{"table":' + b"[" * 100_000 + b"\n"), "nested too deeply"),
    "a key twice": (3, replaced(3, b'{"table": "functions", "table": "calls"}\n'), '"table" stands in it twice'),
    "NaN": (8, replaced(8, b'{"table": "functions", "line": NaN}\n'), "NaN"),
    "an endless number": (8, replaced(8, b'{"table": "functions", "line": ' + b"9" * 5_000 + b"}\n"), "no JSON"),
    "a line of a hundred megabytes": (4, replaced(4, b'{"x": "' + b"a" * 100_000_000 + b'"}\n'), "longer than 16 MB"),
    "no table": (4, changed(4, table=None), "names its table"),
    "a table that is a number": (4, changed(4, table=3), "names its table"),
    "an unknown table": (4, changed(4, table="function"), "Nearest: functions"),
    "a table of our own": (4, changed(4, table="symbols"), "Drift's own"),
    "an unknown column": (4, changed(4, signatur="x"), "Nearest: signature"),
    "a column that follows": (4, changed(4, is_entry_point=True), "follows from the rows of entry_points"),
    "a number of ours": (4, changed(4, file=12), "mean nothing outside"),
    "a function by a number": (5, changed(5, caller_id=7), "mean nothing outside"),
    "a row by a number": (7, changed(7, id=7), "mean nothing outside"),
    "a pattern by a number": (10, changed(10, pattern_id=7), "no number"),
    "a function without a file": (4, changed(4, file=None), "wants file or file_id"),
    "a function without a name": (4, changed(4, name=None), "wants name"),
    "a function without a line": (3, changed(3, start_line=None), "wants start_line"),
    "an empty name": (4, changed(4, qualified_name=""), "not empty"),
    "an ordinal within a name": (4, changed(4, qualified_name="total#1"), "`ordinal` says"),
    "an unknown kind": (4, changed(4, kind="procedure"), "one of module, class, function, method, lambda"),
    "line nought": (4, changed(4, start_line=0), "from 1"),
    "an end before the beginning": (4, changed(4, end_line=1), "ends before it begins, at 2"),
    "a line as a text": (4, changed(4, start_line="2"), '"2"'),
    "a line and a half": (4, changed(4, start_line=2.5), "2.5"),
    "a line that is true": (4, changed(4, start_line=True), "true"),
    "a line beyond all": (4, changed(4, end_line=2**63), "2,147,483,647"),
    "a null that must not be": (4, replaced(4, changed(1)[3].replace(b'"total"', b"null")), "never null"),
    "a name that is a number": (4, changed(4, name=4), "text is wanted"),
    "half a surrogate": (4, changed(4, signature="\ud800"), "surrogate"),
    "a NUL": (4, changed(4, signature="a\0b"), "NUL"),
    "parameters that are no list": (4, changed(4, parameters={"a": 1}), "a JSON list"),
    "parameters that are no JSON": (4, changed(4, parameters="[a"), "a JSON list"),
    "a flag that is two": (4, changed(4, is_exported=2), "true or false"),
    "a path outside": (4, changed(4, file="../cart.rb"), "inside the project"),
    "a path that climbs out in the middle": (4, changed(4, file="lib/../../cart.rb"), "inside the project"),
    "an absolute path": (4, changed(4, file="/lib/cart.rb"), "not from '/'"),
    "a drive": (4, changed(4, file="C:/cart.rb"), "drive"),
    "a backslash": (4, changed(4, file="lib\\cart.rb"), "backslash"),
    "a NUL in a path": (4, changed(4, file="lib/\0cart.rb"), "NUL"),
    "a surrogate in a path": (4, changed(4, file="lib/\udcff.rb"), "surrogate"),
    "an empty path": (4, changed(4, file=""), "not empty"),
    "a folder for a file": (4, changed(4, file="lib/"), "names a file"),
    "our own folder": (4, changed(4, file=".drift/drift.db"), "Drift's own"),
    "a parent in another file": (4, changed(4, parent_id="lib/a.rb::Cart"), "in another file"),
    "a parent that is not there": (4, changed(4, parent_id="lib/cart.rb::Kart"), "Nearest: lib/cart.rb::Cart"),
    "a ring of parents": (3, changed(3, parent_id="lib/cart.rb::Cart.total"), "ring"),
    "the same function twice": (4, changed(4, qualified_name="Cart"), "something else of the same row"),
    "an unknown caller": (5, changed(5, caller_id="lib/cart.rb::Cart.totl"), "Nearest: lib/cart.rb::Cart.total"),
    "a caller that is no id": (5, changed(5, caller_id="total"), "path::Qualified.name"),
    "an unknown callee": (5, changed(5, callee_name=None, callee_id="lib/x.rb::X.y"), "no such function"),
    "nothing called": (5, changed(5, callee_name=None), "wants callee_id"),
    "an unknown way": (5, changed(5, resolution="magic"), "scanner"),
    "unresolved and known": (
        5,
        changed(5, callee_id="lib/cart.rb::Cart", resolution="unresolved"),
        "callee_id says that it is",
    ),
    "a reason for what is decided": (5, changed(5, reason="dynamic"), "only a call with resolution 'unresolved'"),
    "resolved, but to nothing": (5, changed(5, resolved=True), "whether there is a callee_id"),
    "a confidence above one": (8, changed(8, confidence=1.5), "from 0 to 1"),
    "a confidence that is infinite": (8, replaced(8, changed(8)[7].replace(b"0.5", b"1e999")), "from 0 to 1"),
    "a confidence that is true": (8, changed(8, confidence=True), "from 0 to 1"),
    "an unknown operation": (8, changed(8, operation="touch"), "read, write, delete"),
    "an unknown category": (9, changed(9, category="stuctural"), "structural"),
    "a time that is none": (9, changed(9, first_seen="yesterday"), "ISO 8601"),
    "a time without a zone": (9, changed(9, first_seen="2026-01-31T12:00:00"), "ISO 8601"),
    "an unknown pattern": (10, changed(10, pattern_id="ruby-class"), "Nearest: ruby-classes"),
    "a hash that is none": (2, changed(2, content_hash="abc"), "32 hexadecimal digits"),
}


def shop_with_a_store(shop: Any) -> Any:
    shop.write({"lib/cart.rb": RUBY, "a.py": "def f():\n    g()\n\n\ndef g():\n    pass\n"})
    shop.scan()
    return shop


def test_the_good_lines_are_taken(shop: Any) -> None:
    shop_with_a_store(shop)
    done = shop.take_text(b"".join(changed(1)))
    assert {each.table: (each.given, each.added) for each in done.tables} == {
        "file_metadata": (1, 1),
        "functions": (2, 2),
        "class_bases": (1, 1),
        "function_calls": (1, 1),
        "function_data_access": (1, 1),
        "entry_points": (1, 1),
        "patterns": (1, 1),
        "pattern_locations": (1, 1),
    }
    assert done.files == 1


def test_nothing_malformed_changes_the_store_and_each_is_told_by_its_line(shop: Any) -> None:
    shop_with_a_store(shop)
    before = shop.everything()
    for what, (number, told, words) in MALFORMED.items():
        with pytest.raises(DriftError) as refusal:
            shop.take_text(b"".join(told))
        message = str(refusal.value)
        assert message.startswith(f"Line {number}: "), (what, message)
        assert words in message, (what, message)
        assert message.endswith("the store is as it was."), (what, message)
        assert shop.everything() == before, what


def test_what_is_malformed_makes_no_store(shop: Any) -> None:
    with pytest.raises(DriftError, match="Line 5"):
        shop.take_text(b"".join(changed(5, line=0)))
    assert list(shop.root.iterdir()) == []


@pytest.mark.parametrize("ending", [b"\r\n", b" \n", b"\t\r\n"])
def test_white_space_at_the_end_of_a_line_is_none_of_it(shop: Any, ending: bytes) -> None:
    done = shop.take_text(b"".join(line.replace(b"\n", ending) for line in changed(1)))
    assert done.tables[1][:3] == ("functions", 2, 2)


def test_the_last_line_needs_no_end(shop: Any) -> None:
    assert shop.take_text(b"".join(changed(1)).removesuffix(b"\n")).tables[1].added == 2


def test_a_header_alone_says_that_files_hold_nothing(shop: Any) -> None:
    shop.take_text(b"".join(changed(1)))
    shop.take_text(b'{"drift_facts":1,"scanner":"ruby-facts 2","complete":["functions"],"files":["lib/cart.rb"]}\n')
    assert shop.asked("SELECT count(*) FROM functions") == [(0,)]


LINES = changed(1)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(LINES) - 1), st.data())
def test_any_line_with_any_bytes_in_it_is_read_or_told(number: int, data: st.DataObject) -> None:
    line = LINES[number]
    start = data.draw(st.integers(0, len(line) - 1))
    end = data.draw(st.integers(start, len(line)))
    mutated = line[:start] + data.draw(st.binary(max_size=6)) + line[end:]
    text = b"".join([*LINES[:number], mutated, *LINES[number + 1 :]])
    try:
        header, rows = lines.read(io.BytesIO(text))
        found = list(rows)
    except DriftError as refusal:
        # Bytes may hold a line's end, so that what follows is counted further.
        assert str(refusal).startswith(f"Line {number + 1}: ") or b"\n" in mutated[:-1] or not mutated.endswith(b"\n")
    else:
        assert header.scanner and len(found) >= len(LINES) - 2


@pytest.mark.parametrize("number", range(2, 11))
def test_rubbish_at_any_line_is_told_by_that_line(shop: Any, number: int) -> None:
    with Project(shop.root) as project:
        from drift_mcp.ingest import foreign

        with pytest.raises(DriftError, match=f"^Line {number}: "):
            head, rows = lines.read(io.BytesIO(b"".join(replaced(number, b"{]\n"))))
            foreign.ingest(project, head, rows)
        assert not project.is_initialised
