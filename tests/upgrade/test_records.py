"""Values of the predecessor's, brought into the form of today's columns."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_mcp.scan.secrets import looks_secret
from drift_mcp.tables.public import Column
from drift_mcp.upgrade import records
from drift_mcp.upgrade.loading import plans
from drift_mcp.upgrade.records import Unfit

TOKEN = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ("2026-01-20 08:00:00", "2026-01-20T08:00:00.000Z"),
        ("2026-01-20T08:00:00Z", "2026-01-20T08:00:00.000Z"),
        ("2026-01-20T08:00:00.5+01:00", "2026-01-20T07:00:00.500Z"),
        ("2026-01-20T08:00:00,123456789", "2026-01-20T08:00:00.123Z"),
        ("2026-01-20", "2026-01-20T00:00:00.000Z"),
        ("0099-01-20", "0099-01-20T00:00:00.000Z"),
        (1768896000000, "2026-01-20T08:00:00.000Z"),
        (1768896000, "2026-01-20T08:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_every_form_of_a_time_is_one(said: Any, stands: str) -> None:
    assert records.moment(said) == stands


@pytest.mark.parametrize(
    "said",
    ["", "soon", "2026-13-45", "2026-02-30 00:00:00", "0001-01-01T00:00:00+23:00", True, None, [], 1e300, math.nan],
)
def test_what_is_no_time_is_said_to_be_none(said: Any) -> None:
    with pytest.raises(Unfit, match="is no time"):
        records.moment(said)


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ("src/a.ts", "src/a.ts"),
        ("./src//a.ts", "src/a.ts"),
        ("src\\a.ts", "src/a.ts"),
        ("/home/ada/shop/src/a.ts", "src/a.ts"),
        ("src/ü.ts", "src/ü.ts"),
    ],
)
def test_a_path_begins_at_the_root(said: str, stands: str) -> None:
    assert records.path(said, "/home/ada/shop") == stands


@pytest.mark.parametrize(
    "said",
    [
        "",
        " ",
        ".",
        "./",
        "/",
        "/etc/passwd",
        "/home/ada/shopping/a.ts",
        "../a.ts",
        "a/../../b",
        "C:\\a.ts",
        "a\0b",
        7,
        None,
    ],
)
def test_a_path_outside_is_none(said: Any) -> None:
    with pytest.raises(Unfit):
        records.path(said, "/home/ada/shop")


def column(table: str, name: str) -> Column:
    plan = plans()[table]
    return plan.columns[plan.at(name)]


@pytest.mark.parametrize(
    ("table", "name", "said", "stands"),
    [
        ("patterns", "confidence_spread", 2.0, 2),
        ("patterns", "confidence_score", 1, 1.0),
        ("patterns", "auto_fixable", True, 1),
        ("patterns", "severity", "hint", "hint"),
        ("patterns", "tags", ["a", "ü"], '["a","ü"]'),
        ("patterns", "tags", '["a"]', '["a"]'),
        ("patterns", "tags", "not json", '"not json"'),
        ("patterns", "tags", [math.inf, math.nan], '["Infinity","NaN"]'),
        ("patterns", "tags", b"\1\2", '"0102"'),
        ("patterns", "description", 7, "7"),
        ("patterns", "description", "a\0b\ud800", "a\ufffdb?"),
        ("audit_snapshots", "date", "2026-01-20T08:00:00Z", "2026-01-20"),
    ],
)
def test_a_value_fits_its_column(table: str, name: str, said: Any, stands: Any) -> None:
    fitted = records.fitter(column(table, name))(said)
    assert fitted == stands and type(fitted) is type(stands)


@pytest.mark.parametrize(
    ("table", "name", "said"),
    [
        ("patterns", "confidence_spread", 2.5),
        ("patterns", "confidence_spread", True),
        ("patterns", "confidence_spread", -1),
        ("patterns", "confidence_spread", math.nan),
        ("patterns", "confidence_spread", 10**400),
        ("patterns", "confidence_score", 1.5),
        ("patterns", "confidence_score", "0.5"),
        ("patterns", "confidence_age", math.inf),
        ("patterns", "confidence_age", 10**400),
        ("patterns", "auto_fixable", "yes"),
        ("patterns", "severity", "critical"),
        ("patterns", "severity", ["hint"]),
        ("patterns", "description", ["a"]),
        ("patterns", "description", False),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_name(table: str, name: str, said: Any) -> None:
    with pytest.raises(Unfit, match=f"{name} is "):
        records.fitter(column(table, name))(said)


LEAF = st.none() | st.floats() | st.text(max_size=6) | st.binary(max_size=4) | st.integers()


@given(
    said=st.recursive(
        LEAF,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=5,
    )
)
@settings(deadline=None)
def test_anything_fits_a_column_or_is_unfit(said: Any) -> None:
    for each in (column for plan in (plans()["patterns"], plans()["scan_history"]) for column in plan.columns):
        if said is not None:
            try:
                fitted = records.fitter(each)(said)
            except Unfit:
                continue
            assert isinstance(fitted, str | int | float)
            str(fitted).encode()  # as SQLite has to
            if each.form == "json":
                json.loads(str(fitted))


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        ({"note": f"see {TOKEN}."}, {"note": "see [redacted]"}),
        ({"apiKey": "hunter22"}, {"apiKey": "[redacted]"}),
        ({"key": "button.primary", "commit": "3f2c1ab9e8d7c6f5a4b3c2d1e0f9a8b7c6d5e4f3"}, None),
        ({"at": "postgresql://app:hunter22@db/shop"}, {"at": "postgresql://app:[redacted]@db/shop"}),
        ({"at": "postgresql://app:${PASSWORD}@db/shop"}, None),
        ({"code": "const password = 'hunter22'\n"}, {"code": "const password = '[redacted]'\n"}),
        ({"pem": "-----BEGIN PRIVATE " + "KEY-----\nMIIE\n-----END PRIVATE KEY----- x"}, {"pem": "[redacted] x"}),
        ({"quoted": 'say "hi" \\ ü'}, None),
    ],
)
def test_json_comes_along_without_its_secrets(said: dict[str, str], stands: dict[str, str] | None) -> None:
    assert json.loads(records.without_secrets(records.compact(said))) == (said if stands is None else stands)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=6), st.text(max_size=20) | st.integers(), max_size=4))
def test_json_without_secrets_is_as_it_was(said: dict[str, Any]) -> None:
    if not any(looks_secret(str(value)) for value in said.values()):
        text = records.compact(said)
        found = json.loads(records.without_secrets(text))
        assert found.keys() == json.loads(text).keys()


def test_a_value_is_shown_short_and_without_its_secrets() -> None:
    assert records.shown(f"token {TOKEN}") == "'token [redacted]'"
    assert records.shown("a\n" * 100).endswith("…'")
    assert len(records.shown(["x" * 500])) < 70
