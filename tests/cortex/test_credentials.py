"""What is refused as a secret, and what only speaks of one."""

from __future__ import annotations

import pytest

from drift_mcp.cortex import credentials
from drift_mcp.cortex.cortex import Cortex
from drift_mcp.cortex.memories import NewMemory
from drift_mcp.errors import DriftError

# Put together here, so that no scanner takes this file for a leak.
GITHUB = "ghp" + "_" + "a1B2" * 9


@pytest.mark.parametrize(
    "text",
    [
        f"Deploy with {GITHUB} as usual",
        "DB_PASSWORD=" + "hunter2hunter9x",
        "The password is " + "'Tr0ub4dor&3'",
        "The password is " + "hunter2secretX9z",
        "Connect to postgres://app:" + "s3cretPw9@db/shop",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        f"mem_miedtr4w_f03acbd291e7: {GITHUB}",
        "token = mem_miedtr4w_" + "f03acbd291e7a9b8c7d6e5f4",
    ],
)
def test_a_credential_in_a_sentence_is_seen(text: str) -> None:
    assert credentials.is_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "password = hash_password(raw)",
        "The token is secret-2-rotate in the tests",
        "password: password1 in the fixtures, never elsewhere",
        "The token is kept in settings.auth.TOKEN",
        "api_key=${API_KEY} comes from the vault",
        "Passwords: argon2 with 3 rounds, never bcrypt",
        "tokens = 0.351*lower + 0.677*upper",
        "postgres://app:<password>@db/shop",
        "mem_miedtr4w_f03acbd291e7",
        "It follows from mem_miedtr4w_f03acbd291e7, and from mem_graph_ce00ac5cfbf7f2299d.",
    ],
)
def test_speaking_of_secrets_is_allowed(text: str) -> None:
    assert not credentials.is_in(text)


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewMemory("tribal", f"use {GITHUB}"), "knowledge"),
        (NewMemory("tribal", {"knowledge": "x", "warnings": ["y", GITHUB]}), r"warnings\[1\]"),
        (NewMemory("tribal", "x", summary=f"use {GITHUB}"), "summary"),
        (NewMemory("tribal", "x", tags=[GITHUB]), "tags"),
        (NewMemory("core", {"project": {"description": "x"}, "preferences": {"ci": GITHUB}}), "preferences.ci"),
    ],
)
def test_a_memory_with_a_secret_is_refused_and_nothing_is_stored(cortex: Cortex, new: NewMemory, field: str) -> None:
    with pytest.raises(DriftError, match=f"'{field}'") as refused:
        cortex.add(new)
    assert GITHUB not in str(refused.value)
    assert cortex.standing().memories == 0
