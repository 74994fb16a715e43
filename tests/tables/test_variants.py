"""Exceptions that a person granted."""

from __future__ import annotations

import apsw
import pytest

from drift_mcp.errors import DriftError
from drift_mcp.tables import patterns, variants

PLAIN = variants.NewVariant("v", "p", "Old code", "global", "goes soon")


@pytest.fixture(autouse=True)
def _pattern(tx: apsw.Connection) -> None:
    tx.execute("INSERT INTO patterns (id, name, category) VALUES ('p', 'Errors are wrapped', 'errors')")


@pytest.mark.parametrize(
    ("scope", "value", "inside", "outside"),
    [
        ("global", None, ["a.py", "src/a.py"], []),
        ("file", "src/a.py", ["src/a.py"], ["a.py", "src/a.pyi"]),
        ("directory", "src/old", ["src/old/a.py", "src/old/er/a.py"], ["src/older/a.py", "src/old"]),
        ("directory", "src/old/", ["src/old/a.py"], ["src/a.py"]),
        ("directory", ".", ["a.py", "src/a.py"], []),
    ],
)
def test_an_exception_holds_where_it_was_granted(
    tx: apsw.Connection, scope: str, value: str | None, inside: list[str], outside: list[str]
) -> None:
    variants.put(tx, [PLAIN._replace(scope=scope, scope_value=value)])
    holds = {path: variants.holding(tx, path) != [] for path in (*inside, *outside)}
    assert holds == {path: path in inside for path in (*inside, *outside)}


def test_an_exception_holds_until_it_is_taken_back_or_runs_out(tx: apsw.Connection) -> None:
    past, future = "2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"
    plain = PLAIN._replace(created_at="2019-01-01T00:00:00.000Z")
    variants.put(tx, [plain, plain._replace(id="past", expires_at=past), plain._replace(id="on", expires_at=future)])
    assert [one.id for one in variants.holding(tx, "a.py")] == ["on", "v"]
    assert [variants.end(tx, "v"), variants.end(tx, "v"), variants.end(tx, "nobody's")] == [True, False, False]
    assert [one.id for one in variants.holding(tx, "a.py")] == ["on"]
    assert [one.id for one in variants.of(tx, "p")] == ["on", "past", "v"]
    logged = tx.execute("SELECT row_id, operation FROM sync_log ORDER BY id").fetchall()
    assert logged == [("v", "INSERT"), ("past", "INSERT"), ("on", "INSERT"), ("v", "UPDATE")]


@pytest.mark.parametrize(
    ("scope", "value", "says"), [("global", "src", "holds everywhere, and names 'src'"), ("file", None, "in which one")]
)
def test_an_exception_says_where_it_holds(tx: apsw.Connection, scope: str, value: str | None, says: str) -> None:
    with pytest.raises(DriftError, match=says):
        variants.put(tx, [PLAIN._replace(scope=scope, scope_value=value)])


def test_an_exception_of_no_pattern_is_refused(tx: apsw.Connection) -> None:
    with pytest.raises(apsw.ConstraintError):
        variants.put(tx, [PLAIN._replace(pattern_id="nobody's")])


def test_an_exception_outlives_a_scan_that_finds_its_pattern_nowhere(tx: apsw.Connection) -> None:
    tx.execute("UPDATE patterns SET source = 'scan'")
    variants.put(tx, [PLAIN])
    patterns.settle(tx)
    assert [one.id for one in variants.of(tx, "p")] == ["v"]
    tx.execute("DELETE FROM pattern_variants")
    patterns.settle(tx)
    assert tx.execute("SELECT count(*) FROM patterns").get == 0
