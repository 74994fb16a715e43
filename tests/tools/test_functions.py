"""Functions by name, and who calls whom: whole answers about the small shop."""

from __future__ import annotations

import json

import pytest

from drift_mcp import ingest
from drift_mcp.errors import DriftError
from drift_mcp.graph.reachability import MOST_NODES
from drift_mcp.project import Project
from drift_mcp.tables import calls, files, functions
from drift_mcp.tools.answer import Answer, Freshness, budget, render
from drift_mcp.tools.functions import FindFunctions, GetCallers, find_functions, get_callers


def text(answer: Answer) -> str:
    return render(answer, "text", budget(None)).removesuffix("\n[never scanned: call scan_project]")


def callers(shop: Project, function: str, **asked: object) -> str:
    return text(get_callers(shop, GetCallers(function=function, **asked)))  # type: ignore[arg-type]


def test_callers_are_proven_sites_by_file_with_the_unproven_apart(shop: Project) -> None:
    assert callers(shop, "set_password") == (
        "set_password (app/crud.py:10): 2 proven call sites in 1 function.\n"
        "app/routes.py\n"
        "  18 helper  by import\n"
        "  19 helper  by import\n"
        "Same name, not proven:\n"
        "app/util.py:6  Store.save  the receiver's type is unknown"
    )


def test_callers_of_callers_say_how_many_steps_away_they_are(shop: Project) -> None:
    assert "  15 reset  step 2  by same file" in callers(shop, "set_password", depth=3)


def test_more_callers_of_callers_than_are_walked_through_are_said_to_be_more(shop: Project) -> None:
    many = MOST_NODES + 10
    with shop.write() as tx:
        (number,) = files.put(tx, [files.NewFile("crowd.py", "python", 0, many, bytes(16), 0, 0)]).values()
        crowd = [
            functions.NewFunction(
                name, 0, name, "function", None, 1, 2, 0, "python", None, None, None, None, "public", 1, 0, 0, 0, 0, 0
            )
            for name in ("hub", *(f"f{place}" for place in range(many)))
        ]
        hub, *others = functions.load(tx, [(number, crowd)])[number]
        (symbol,) = calls.symbols(tx, ["hub"]).values()
        way = calls.resolutions(tx)["import"]
        calls.load(tx, [calls.NewCall(other, 1, 0, 0, hub, symbol, way, 0, None) for other in others])
    cut = get_callers(shop, GetCallers(function="hub", depth=2))
    assert f"Ended at {MOST_NODES:,} functions: there is more behind them." in text(cut)
    assert json.loads(render(cut, "json", budget(None)))["bound_hit"] is True
    assert "Ended at" not in callers(shop, "set_password", depth=3)


def test_a_call_decided_by_the_name_alone_is_not_proven(shop: Project) -> None:
    assert "Same name, not proven:\napp/routes.py:10  login  only the name fits" in callers(shop, "hash_password")


def test_no_known_caller_is_never_said_to_be_none(shop: Project) -> None:
    said = callers(shop, "health")
    assert said.startswith("No known caller of health (app/routes.py:22).")
    assert said.endswith("It is entered from outside: GET /health.")


def test_an_ambiguous_name_is_answered_with_the_list_and_how_to_choose(shop: Project) -> None:
    assert callers(shop, "save") == (
        "'save' is 2 functions. Ask again with `file` (and `line`), or with an id such as app/crud.py::Repo.save.\n"
        "app/crud.py:15  Repo.save  method\n"
        "app/util.py:5  Store.save  method"
    )


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Repo.save", {}),
        ("app/crud.py::Repo.save", {}),
        ("app.crud.Repo.save", {}),
        ("save", {"file": "app/crud.py"}),
        ("save", {"file": "crud.py"}),
        ("app/crud.py:16", {}),
        ("save()", {"file": "crud.py", "line": 15}),
    ],
)
def test_the_ways_to_name_one_function(shop: Project, name: str, asked: dict[str, object]) -> None:
    assert "Repo.save (app/crud.py:15)" in callers(shop, name, **asked)


def test_what_a_function_calls(shop: Project) -> None:
    assert callers(shop, "login", direction="callees") == (
        "login (app/routes.py:8) calls:\n"
        "app/routes.py:9  get_user  app/crud.py:7  by import\n"
        "Calls whose target is not known:\n"
        "app/routes.py\n"
        "  10 hash_password  only the name fits\n"
        "  11 save  the receiver's type is unknown"
    )


def test_a_call_that_leaves_the_project_is_named_in_full(shop: Project) -> None:
    assert "hashlib.sha256  by external" in callers(shop, "hash_password", direction="callees")


def test_the_json_form_of_callers(shop: Project) -> None:
    asked = get_callers(shop, GetCallers(function="set_password", limit=1))
    document = json.loads(render(asked, "json", budget(None)))
    assert document.pop("freshness") == Freshness().as_json()
    assert document.pop("next_cursor").startswith("1-")
    assert document == {
        "function": "set_password",
        "id": "app/crud.py::set_password",
        "file": "app/crud.py",
        "line": 10,
        "callers": [
            {
                "function": "helper",
                "id": "app/routes.py::helper",
                "file": "app/routes.py",
                "line": 18,
                "resolution": "import",
                "confidence": 0.95,
                "depth": 1,
            }
        ],
        "unproven": {
            "total": 1,
            "places": [
                {
                    "function": "Store.save",
                    "file": "app/util.py",
                    "line": 6,
                    "calls": "set_password",
                    "why": "the receiver's type is unknown",
                }
            ],
        },
        "bound_hit": False,
        "total": 2,
        "truncated": True,
    }


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("set_pasword", {}, "Nearest: set_password"),
        ("save", {"file": "models.py"}, "It is in: app/crud.py:15, app/util.py:5"),
        ("save", {"line": 3}, "give `file`"),
        ("app/rutes.py:3", {}, "Nearest: app/routes.py"),
        ("x" * 4000, {}, "was found"),
    ],
)
def test_what_is_not_found_is_answered_with_the_nearest(
    shop: Project, name: str, asked: dict[str, object], words: str
) -> None:
    with pytest.raises(DriftError) as refused:
        callers(shop, name, **asked)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 500


def test_functions_are_found_by_parts_of_names_the_best_first(shop: Project) -> None:
    assert text(find_functions(shop, FindFunctions(query="user"))) == (
        "3 functions for 'user', best first.\n"
        "app/models.py:1  class User\n"
        "app/crud.py\n"
        "  7 function get_user  def get_user(db, email)\n"
        "  3 function create_user  def create_user(db, email, password)"
    )


@pytest.mark.parametrize("query", ["%", "\\", "' OR 1=1 --", "😀", "(", "\u202e"])
def test_any_query_is_text(shop: Project, query: str) -> None:
    assert "No function" in text(find_functions(shop, FindFunctions(query=query)))


def test_pages_of_functions_follow_each_other_without_gap_or_repetition(shop: Project) -> None:
    seen: list[str] = []
    cursor = None
    for _ in range(10):
        page = find_functions(shop, FindFunctions(query="e", limit=2, cursor=cursor))
        document = json.loads(render(page, "json", budget(None)))
        seen += [one["id"] for one in document["functions"]]
        cursor = document["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == document["total"] > 4


def test_a_call_in_another_language_is_no_candidate(shop: Project) -> None:
    with shop.write() as tx:
        tx.execute("UPDATE functions SET language = 'typescript' WHERE qualified_name = 'Store.save'")
    assert "not proven" not in callers(shop, "set_password")


OVERLOADED = """\
from typing import overload

class Cart:
    def __init__(self, size):
        self.size = size

@overload
def total(of: int) -> int: ...
@overload
def total(of: str) -> str: ...
def total(of):
    Cart(of)
    return of

total(1)
"""


@pytest.fixture
def overloaded(empty: Project) -> Project:
    (empty.root / "cart.py").write_text(OVERLOADED)
    ingest.scan(empty, jobs=1)
    return empty


@pytest.mark.parametrize("name", ["total", "cart.py::total", "cart.total", "cart.py::total#2"])
def test_an_overloaded_function_is_the_one_with_a_body(overloaded: Project, name: str) -> None:
    assert callers(overloaded, name) == (
        "total (cart.py:11): 1 proven call site in 1 function.\ncart.py:15  <module>  by same file"
    )


@pytest.mark.parametrize("name", ["Cart", "Cart.__init__"])
def test_a_call_of_a_class_is_one_call_site_of_its_constructor(overloaded: Project, name: str) -> None:
    assert callers(overloaded, name).endswith(": 1 proven call site in 1 function.\ncart.py:12  total  by same file")
