"""Which data code reaches and which code reaches data: whole answers about the small shop."""

from __future__ import annotations

import json
from typing import Any

import pytest

from drift_mcp import ingest
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.tables import adjacency
from drift_mcp.tools import above
from drift_mcp.tools.answer import Answer, budget, render
from drift_mcp.tools.data import ReachableData, reachable_data


def text(answer: Answer) -> str:
    return render(answer, "text", budget(None)).removesuffix("\n[never scanned: call scan_project]")


def asked(shop: Project, **arguments: Any) -> str:
    return text(reachable_data(shop, ReachableData(**arguments)))


def document(shop: Project, **arguments: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(reachable_data(shop, ReachableData(**arguments)), "json", budget(None)))
    return found


def test_who_reaches_the_password_column(shop: Project) -> None:
    assert asked(shop, data="users.password_hash") == (
        "users.password_hash: touched directly by 3 functions, reached from 3 entry points.\n"
        "app/crud.py\n"
        "  4 create_user  write\n"
        "  11 set_password  write\n"
        "app/routes.py\n"
        "  10 POST /login  login  read\n"
        "  4 POST /register  write  register (app/routes.py:5) → create_user (app/crud.py:4)\n"
        "  14 POST /reset  write  "
        "reset (app/routes.py:15) → helper (app/routes.py:18) → set_password (app/crud.py:11)\n"
        "Load whole rows, this data included:\n"
        "app/crud.py:8  get_user  read\n"
        "Between them: helper (app/routes.py:17).\n"
        "Tests that reach it, too: 1 (impact_of_change lists them).\n"
        "Unresolved calls of these names, each perhaps a further way in: 1 (get_callers lists them)."
    )


def test_the_json_form_from_data(shop: Project) -> None:
    found = document(shop, data="users.password_hash")
    by_name = {one["function"]: one for one in found["functions"]}
    assert set(by_name) == {"create_user", "set_password", "login", "register", "reset"}
    assert by_name["reset"] == {
        "function": "reset",
        "id": "app/routes.py::reset",
        "file": "app/routes.py",
        "line": 14,
        "entry_point": "POST /reset",
        "operation": "write",
        "fields": ["users.password_hash"],
        "direct": False,
        "path": [
            {"function": "reset", "file": "app/routes.py", "line": 15},
            {"function": "helper", "file": "app/routes.py", "line": 18},
            {"function": "set_password", "file": "app/crud.py", "line": 11},
        ],
    }
    assert by_name["login"]["direct"] and by_name["login"]["entry_point"] == "POST /login"
    assert found["whole_row"] == {
        "total": 1,
        "functions": [{"function": "get_user", "file": "app/crud.py", "line": 8, "operation": "read"}],
    }
    assert (found["total"], found["bound_hit"], found["tests"]) == (5, False, 1)


@pytest.mark.parametrize(
    ("data", "functions"),
    [
        ("users", {"create_user", "set_password", "get_user", "login", "register", "reset"}),
        ("Users", {"create_user", "set_password", "get_user", "login", "register", "reset"}),
        ("User", {"create_user", "set_password", "get_user", "login", "register", "reset"}),
        ("users.email", {"create_user", "get_user", "login", "register"}),
        ("User.EMAIL", {"create_user", "get_user", "login", "register"}),
        ("auth", {"create_user", "set_password", "login", "register", "reset"}),
        ("pii", {"create_user", "get_user", "login", "register"}),
    ],
)
def test_data_is_named_by_table_model_field_or_class(shop: Project, data: str, functions: set[str]) -> None:
    assert {one["function"] for one in document(shop, data=data)["functions"]} == functions


def test_entry_points_only(shop: Project) -> None:
    found = document(shop, data="auth", entry_points_only=True)
    assert [one["entry_point"] for one in found["functions"]] == ["POST /login", "POST /register", "POST /reset"]


def test_a_bound_that_was_hit_is_said(shop: Project) -> None:
    found = document(shop, data="users.password_hash", max_depth=1)
    assert found["bound_hit"] is True
    assert "reset" not in {one["function"] for one in found["functions"]}
    assert "Only 1 calls up" in asked(shop, data="users.password_hash", max_depth=1)


def test_what_a_place_in_the_code_can_reach(shop: Project) -> None:
    assert asked(shop, location="app/routes.py:9") == (
        "login (app/routes.py:8) can reach users, 3 uses in all:\n"
        "users.email  read  pii  login (app/routes.py:9) → get_user (app/crud.py:8)\n"
        "users.password_hash  read  auth  login (app/routes.py:10)\n"
        "users (whole row)  read  login (app/routes.py:9) → get_user (app/crud.py:8)\n"
        "1 call on the way could not be resolved; what lies behind is not here."
    )


def test_the_json_form_from_code(shop: Project) -> None:
    found = document(shop, location="reset")
    assert found["origin"]["function"] == "reset"
    assert found["data"] == [
        {
            "table": "users",
            "field": "password_hash",
            "operation": "write",
            "sensitivity": "auth",
            "whole_row": False,
            "path": [
                {"function": "reset", "file": "app/routes.py", "line": 15},
                {"function": "helper", "file": "app/routes.py", "line": 18},
                {"function": "set_password", "file": "app/crud.py", "line": 11},
            ],
        }
    ]


def test_only_one_class_of_data_with_the_rows_that_hold_it(shop: Project) -> None:
    found = document(shop, location="login", sensitivity="pii")
    assert [(one["field"], one["sensitivity"]) for one in found["data"]] == [(None, "pii"), ("email", "pii")]


def test_all_that_a_file_can_reach(shop: Project) -> None:
    found = document(shop, location="app/crud.py")
    assert found["origin"] == {"file": "app/crud.py"}
    assert {(one["field"], one["operation"]) for one in found["data"]} == {
        ("email", "write"),
        ("email", "read"),
        ("password_hash", "write"),
        (None, "read"),
    }


def test_code_that_reaches_nothing_says_how_far_was_looked(shop: Project) -> None:
    assert (
        asked(shop, location="health") == "health (app/routes.py:22) reaches no data that is known, through 1 function."
    )


def test_a_project_without_data_says_so(empty: Project) -> None:
    with pytest.raises(DriftError, match="no tables and no data access"):
        asked(empty, data="users")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "exactly one of"),
        ({"location": "login", "data": "users"}, "exactly one of"),
        ({"data": "usrs"}, "Nearest tables: users"),
        ({"data": "users.pasword"}, "Nearest: password_hash"),
        ({"data": "health"}, "Known classes: auth, pii"),
        ({"data": "users", "sensitivity": "health"}, "No field of users is known as health"),
        ({"location": "nowhere"}, "was found"),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(shop: Project, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DriftError) as refused:
        asked(shop, **arguments)
    assert words in str(refused.value)


WHOLE_ROWS = """\
from sqlmodel import Field, Session, SQLModel


class Hero(SQLModel, table=True):
    id: int = Field(primary_key=True)
    name: str


def rename(db: Session, given: dict) -> None:
    hero = db.get(Hero, 1)
    hero.sqlmodel_update(given)
    db.add(hero)
"""


def test_all_that_a_function_does_to_whole_rows_is_told(empty: Project) -> None:
    (empty.root / "heroes.py").write_text(WHOLE_ROWS)
    ingest.scan(empty, jobs=1)
    assert "heroes.py:10  rename  write, read" in asked(empty, data="hero.name")


def test_of_tables_that_differ_by_case_the_one_as_written_is_meant(empty: Project) -> None:
    sql = "CREATE TABLE POST (title TEXT);\nCREATE TABLE post (title TEXT);\n"
    (empty.root / "tables.sql").write_text(sql)
    (empty.root / "posts.py").write_text("def drop(db):\n    db.execute('DELETE FROM post WHERE title = 1')\n")
    ingest.scan(empty, jobs=1)
    assert document(empty, data="post.title")["data"] == "post.title"
    assert document(empty, data="POST.title")["data"] == "POST.title"


@pytest.mark.parametrize("data", ["users.password_hash", "users", "auth"])
@pytest.mark.parametrize("max_depth", [0, 1, 10])
def test_a_wide_walk_over_arrays_answers_what_levels_answer(
    shop: Project, monkeypatch: pytest.MonkeyPatch, data: str, max_depth: int
) -> None:
    by_levels = document(shop, data=data, max_depth=max_depth)
    monkeypatch.setattr(adjacency, "LEAST_SITES", 1)
    with shop.write() as tx:
        adjacency.refresh(tx)
    monkeypatch.setattr(above, "_MANY", 0)
    assert document(shop, data=data, max_depth=max_depth) == by_levels
