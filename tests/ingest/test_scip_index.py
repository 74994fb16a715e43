"""The SCIP format: what is read of it, and what is said of files that are none, or not whole."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drift_mcp.errors import DriftError
from drift_mcp.ingest import scip_index
from drift_mcp.ingest.scip import dotted
from drift_mcp.ingest.scip_index import META, METHOD, NAMESPACE, PARAMETER, TERM, TYPE, TYPE_PARAMETER


def index() -> bytes:
    made = scip_index.message("Index")()
    made.metadata.tool_info.name, made.metadata.tool_info.version = "scip-test", "1.2"
    made.metadata.project_root = "file:///home/me/shop"
    for path in ("a.py", "b.py"):
        document = made.documents.add(relative_path=path, language="python", position_encoding=3)
        document.occurrences.add(range=[0, 4, 8], symbol="scip-test python shop 1 a/total().", symbol_roles=1)
        document.occurrences.add(range=[2, 1, 2, 5], symbol="scip-test python shop 1 a/total().")
        document.occurrences.add(range=[2, 1, 3, 5], symbol="scip-test python shop 1 a/over_lines().")
    return bytes(made.SerializeToString())


def read(data: bytes) -> list[scip_index.Document]:
    source = io.BytesIO(data)
    scip_index.header(source)
    return list(scip_index.documents(source))


def test_an_index_is_read_document_by_document() -> None:
    source = io.BytesIO(index())
    assert scip_index.header(source) == ("scip-test 1.2", "file:///home/me/shop")
    first, second = scip_index.documents(source)
    assert (first.path, second.path, first.encoding) == ("a.py", "b.py", scip_index.UTF32)
    assert [(one.line, one.start, one.end, one.is_definition) for one in first.occurrences] == [
        (0, 4, 8, True),
        (2, 1, 5, False),  # with the end line said; a name over several lines is none
    ]


def test_fields_that_a_later_format_adds_are_passed_over() -> None:
    later = b"\x7a\x03new" + b"\x80\x01\x07" + b"\x89\x01" + bytes(8)  # fields 15, 16 and 17 of three wire types
    assert len(read(index() + later)) == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty: 0 bytes"),
        (b"\x1f\x8b\x08\x00rest", "packed with gzip"),
        (b"PK\x03\x04rest", "packed with zip"),
        (b'{"drift_facts": 1}', "JSON, not a SCIP index"),
        (b"SQLite format 3\0", "SQLite database"),
        (b"hello, world", "no SCIP index"),
        (b"\xff" * 40, "no SCIP index"),
        (b"\x0a\x02\x18\x01", "no documents"),
    ],
)
def test_what_is_no_index_is_told_by_what_it_is(data: bytes, said: str) -> None:
    with pytest.raises(DriftError, match=said):
        read(data)


def test_an_index_that_is_cut_off_anywhere_is_refused_or_has_all_its_documents_so_far() -> None:
    whole = index()
    for end in range(1, len(whole)):
        try:
            documents = read(whole[:end])
        except DriftError as refused:
            assert "cut off" in str(refused) or "no documents" in str(refused), end
        else:
            # Between two documents nothing is missing that the format could show.
            assert [one.path for one in documents] == ["a.py"]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read(data)
    except DriftError as refused:
        assert str(refused)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_an_index_with_wrong_bytes_in_it_is_read_or_refused(place: int, wrong: bytes) -> None:
    whole = bytearray(index())
    whole[place % len(whole) : place % len(whole) + len(wrong)] = wrong
    try:
        read(bytes(whole))
    except DriftError as refused:
        assert str(refused)


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (
            "scip-python python flask 3.1 `flask.app`/Flask#run().",
            [("flask.app", NAMESPACE), ("Flask", TYPE), ("run", METHOD)],
        ),
        ("s npm @scope/web 1.0 src/`a b.ts`/f(+2).", [("src", NAMESPACE), ("a b.ts", NAMESPACE), ("f", METHOD)]),
        ("s python shop  two 1 a/__init__:", [("a", NAMESPACE), ("__init__", META)]),
        ("s npm . . a/`back``tick`.", [("a", NAMESPACE), ("back`tick", TERM)]),
        ("s npm w 1 a/Box#[T]", [("a", NAMESPACE), ("Box", TYPE), ("T", TYPE_PARAMETER)]),
        ("s npm w 1 a/f().(amount)", [("a", NAMESPACE), ("f", METHOD), ("amount", PARAMETER)]),
        ("s npm w 1 a/Box#`<constructor>`().", [("a", NAMESPACE), ("Box", TYPE), ("<constructor>", METHOD)]),
        ("s npm w 1 a/Box#größe().", [("a", NAMESPACE), ("Box", TYPE), ("größe", METHOD)]),
    ],
)
def test_a_symbol_is_taken_apart(text: str, steps: list[tuple[str, str]]) -> None:
    found = scip_index.symbol(text)
    assert found is not None
    assert list(found.steps) == steps


@pytest.mark.parametrize(
    "text", ["local 12", "", "one", "s python shop 1 ", "s python shop 1 a/`open", "s python shop 1 ///"]
)
def test_what_is_no_symbol_of_a_package_is_none(text: str) -> None:
    assert scip_index.symbol(text) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("scip-python python requests 2 `requests.sessions`/Session#get().", "requests.sessions.Session.get"),
        ("scip-python python python-stdlib 3.11 builtins/dict#update().", "dict.update"),
        ("scip-python python python-stdlib 3.11 builtins/len().", "len"),
        ("scip-python python python-stdlib 3.11 posixpath/join().", "os.path.join"),
        ("scip-python python python-stdlib 3.11 logging/__init__:Logger#info().", "logging.Logger.info"),
        ("scip-typescript npm typescript 5 lib/`lib.es5.d.ts`/Array#map().", "Array.map"),
        ("scip-typescript npm typescript 5 lib/`lib.es5.d.ts`/ArrayConstructor#isArray().", "Array.isArray"),
        ("scip-typescript npm @types/node 20 `fs.d.ts`/`'node:fs'`/readFile().", "fs.readFile"),
        ("scip-typescript npm @types/express 4 `index.d.ts`/Router#`<constructor>`().", "express.Router"),
    ],
)
def test_what_lies_outside_has_the_name_that_code_knows_it_by(text: str, name: str) -> None:
    symbol = scip_index.symbol(text)
    assert symbol is not None
    assert dotted(symbol) == name
