"""Tables, fields, who touches them, and the environment."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from drift_mcp.tables import data, environment


def access(
    file_id: int, function: int, line: int, fields: tuple[str, ...], whole: int = 0, **changed: Any
) -> data.NewAccess:
    plain = data.NewAccess(file_id, function, line, 0, "users", "read", fields, whole, 0, 0.9, "query", "sqlalchemy")
    return plain._replace(**changed)


@pytest.mark.parametrize(
    ("fields", "whole", "rows"),
    [
        (("email",), 0, [("email", 0)]),
        (("email", "name"), 0, [("email", 0), ("name", 0)]),
        ((), 1, [(None, 1)]),  # rows are loaded without naming a field
        (("email",), 1, [("email", 0), (None, 1)]),  # a field is named to find whole rows
        ((), 0, [(None, 0)]),  # counted, nothing loaded
    ],
)
def test_an_access_is_one_row_per_field_and_one_for_the_row(
    tx: apsw.Connection, village: Any, fields: tuple[str, ...], whole: int, rows: list[tuple[str | None, int]]
) -> None:
    here = village.file("a.py", "f")
    data.replace_accesses(tx, [here], [access(here, village.ids["f"], 3, fields, whole)])
    assert tx.execute("SELECT field_name, whole_row FROM function_data_access ORDER BY id").fetchall() == rows


def test_two_touches_of_a_field_on_one_line_are_one_as_sure_as_the_surest(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py", "f")
    first = access(here, village.ids["f"], 3, ("email",), confidence=0.5)
    data.replace_accesses(tx, [here], [first, first._replace(column_num=40, confidence=0.8)])
    assert tx.execute("SELECT field_name, confidence FROM function_data_access").fetchall() == [("email", 0.8)]
    assert tx.execute("SELECT count(*) FROM data_access_points").get == 2


def test_a_whole_row_holds_its_sensitive_fields_too(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py", "load", "login", "count")
    data.replace_sensitive_fields(tx, [data.NewSensitiveField("users", "password", "auth", "password", 1.0, here, 2)])
    data.replace_accesses(
        tx,
        [here],
        [
            access(here, village.ids["load"], 3, (), 1),
            access(here, village.ids["login"], 13, ("password",), 1),
            access(here, village.ids["count"], 23, ()),
        ],
    )
    seen = "SELECT function, field_name, sensitivity FROM v_data_access ORDER BY line, field_name"
    assert tx.execute(seen).fetchall() == [
        ("load", None, None),
        ("load", "password", "auth"),
        ("login", None, None),
        ("login", "password", "auth"),
        ("count", None, None),
    ]


def test_models_bring_their_fields_and_take_them_along(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py", "User")
    fields = [data.NewField("mail", "email", "str", 2), data.NewField("id", "id", None, 3)]
    model = data.NewModel("User", "users", here, 1, "sqlalchemy", 0.9, village.ids["User"], fields)
    data.replace_models(tx, [here], [model, model])
    assert tx.execute("SELECT name, file, fields FROM v_data_models").fetchall() == [
        ("User", "a.py", '["email", "id"]')
    ]
    assert tx.execute("SELECT field_name, column_name FROM data_fields").fetchall() == [("mail", "email"), ("id", "id")]
    data.replace_models(tx, [here], [])
    assert tx.execute("SELECT count(*) FROM data_fields").get == 0


def test_every_declared_model_comes_back_with_its_fields_in_order(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py")
    user = data.NewModel(
        "User",
        "users",
        here,
        1,
        "django",
        0.9,
        None,
        [data.NewField("b", "b", None, 2), data.NewField("a", "a", "x", 3)],
    )
    bare = data.NewModel("Log", "logs", here, 9, None, 1.0, None, [])
    data.replace_models(tx, [here], [user, bare])
    assert [(one.name, one.path, [field.column_name for field in one.fields]) for one in data.declared(tx)] == [
        ("User", "a.py", ["b", "a"]),
        ("Log", "a.py", []),
    ]
    assert data.have_models(tx, [here])
    assert not data.have_models(tx, [])


def test_what_a_person_called_sensitive_is_not_taken_back(tx: apsw.Connection, village: Any) -> None:
    here = village.file("a.py")
    tx.execute("INSERT INTO sensitive_fields (table_name, field_name, sensitivity) VALUES ('users', 'motto', 'custom')")
    found = [
        data.NewSensitiveField("users", "motto", "pii", "guess", 0.9, here, 1),
        data.NewSensitiveField("users", "email", "pii", "guess", 0.5, here, 2),
        data.NewSensitiveField("users", "email", "pii", "type", 0.9, here, 9),
        data.NewSensitiveField("users", "email", "pii", "worse", 0.1, here, 9),
        data.NewSensitiveField(None, "email", "pii", "some table", 0.4, here, 9),
    ]
    seen = "SELECT table_name, field_name, sensitivity, reason FROM sensitive_fields ORDER BY table_name, field_name"
    data.replace_sensitive_fields(tx, found)
    assert tx.execute(seen).fetchall() == [
        (None, "email", "pii", "some table"),
        ("users", "email", "pii", "type"),
        ("users", "motto", "custom", None),
    ]
    data.replace_sensitive_fields(tx, [])
    assert tx.execute(seen).fetchall() == [("users", "motto", "custom", None)]


def test_a_variable_is_what_its_places_say_together(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("a.py", "f"), village.file("b.py")
    plain = environment.NewEnvAccess(a, village.ids["f"], "PORT", "unknown", "os.getenv", 3, 0, "python", 1, "80", 0, 0)
    strict = plain._replace(
        file_id=b, function_id=None, sensitivity="config", has_default=0, default_value=None, is_required=1
    )
    environment.replace(tx, [a, b], [plain, strict])
    variables = "SELECT name, sensitivity, has_default, is_required, default_value FROM env_variables"
    assert tx.execute(variables).fetchall() == [("PORT", "config", 1, 1, "80")]
    assert tx.execute("SELECT id, function_id FROM v_env_access_points ORDER BY id").fetchall() == [
        ("a.py:3:0:PORT", "a.py::f"),
        ("b.py:3:0:PORT", None),
    ]
    environment.replace(tx, [a], [])
    assert tx.execute(variables).fetchall() == [("PORT", "config", 0, 1, None)]
    environment.replace(tx, [b], [])
    assert tx.execute(variables).fetchall() == []
