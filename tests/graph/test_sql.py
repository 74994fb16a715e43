"""SQL text and what it touches, in the words 'operation table(column, …)'; '*' stands for whole rows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_mcp.graph import sql

STATEMENTS = [
    ("SELECT id, name FROM users WHERE email = ?", ["read users(email, id, name)"]),
    ("select * from users u", ["read users(*)"]),
    (
        "SELECT u.*, o.total FROM users u, orders o WHERE o.user_id = u.id",
        ["read orders(total, user_id)", "read users(id, *)"],
    ),
    ("SELECT count(*) FROM users", ["read users()"]),
    ("SELECT email FROM (SELECT email FROM users) AS inner_users", ["read users(email)"]),
    ("WITH a AS (SELECT id FROM orders), b AS (SELECT id FROM a) SELECT * FROM b", ["read orders(id)"]),
    ("SELECT id FROM users UNION SELECT id FROM people", ["read people()", "read users()"]),
    ("INSERT INTO users (email, name) VALUES (%s, %(name)s)", ["write users(email, name)"]),
    ("INSERT INTO users (email) SELECT mail FROM people", ["read people()", "write users(email)"]),
    ("INSERT INTO users VALUES (1)", ["write users(*)"]),
    ("UPDATE users SET email = :mail, seen = seen + 1 WHERE id = :id", ["read users(id)", "write users(email, seen)"]),
    ("DELETE FROM users WHERE id IN (SELECT user_id FROM gone)", ["delete users(*)", "read gone()"]),
    ("TRUNCATE TABLE users", ["delete users(*)"]),
    ("-- why\nSELECT id FROM users", ["read users(id)"]),
    ("SELECT id FROM shop.users", ["read users(id)"]),
    ('SELECT "id" FROM "users"', ["read users(id)"]),
    ("SELECT `id` FROM `users`", ["read users(id)"]),
    ("SELECT id FROM users LIMIT $1", ["read users(id)"]),
    (f"SELECT id FROM {sql.HOLE}", []),
    (f"SELECT id FROM users WHERE {sql.HOLE} = 1", ["read users(id)"]),
    ("select a colour from the list and tell me", []),
    ("Update your settings", []),
    ("insert coin", []),
    ("SELECT", []),
    ("", []),
    ("CREATE TABLE users (id integer)", []),
    ("SELECT id FROM users; DELETE FROM orders", ["delete orders(*)", "read users(id)"]),
]


def shown(text: str, **known: frozenset[str]) -> list[str]:
    return sorted(
        f"{touch.operation} {touch.table}({', '.join([*sorted(touch.columns), *(['*'] if touch.whole_row else [])])})"
        for touch in sql.touches(text, known)
    )


@pytest.mark.parametrize(("text", "expected"), STATEMENTS, ids=[case[0] or "nothing" for case in STATEMENTS])
def test_a_statement_touches(text: str, expected: list[str]) -> None:
    assert shown(text) == expected


def test_a_loose_column_of_a_join_goes_to_the_table_that_has_it() -> None:
    text = "SELECT email, total FROM users JOIN orders ON true"
    assert shown(text) == ["read orders()", "read users()"]
    known = {"users": frozenset({"email"}), "orders": frozenset({"total"})}
    assert shown(text, **known) == ["read orders(total)", "read users(email)"]


PARTS = "SELECT|FROM|users|WHERE|(|)|,|*|'|\"|--|id|=|%s|:x|;|WITH|AS|UPDATE|SET|\x00|é"


@settings(max_examples=150, deadline=None, database=None)
@given(st.lists(st.sampled_from(PARTS.split("|"))))
def test_no_text_is_too_odd(parts: list[str]) -> None:
    for touch in sql.touches("SELECT " + " ".join(parts)):
        assert touch.operation in ("read", "write", "delete")
