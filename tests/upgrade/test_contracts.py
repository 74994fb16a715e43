"""Contracts, their frontends and what does not match between them, as the predecessor wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import contracts
from tests.upgrade.told import Loaded, accounted, broken, document, put

FIELD = {"name": "email", "type": "string", "optional": False, "nullable": True, "line": 3}
MISMATCH = {
    "fieldPath": "email",
    "mismatchType": "missing_in_frontend",
    "backendField": FIELD,
    "description": "not there",
    "severity": "error",
}


def frontend(line: int, **more: Any) -> dict[str, Any]:
    return {
        "method": "GET",
        "path": "/api/users",
        "normalizedPath": "/api/users",
        "file": "web/users.ts",
        "line": line,
        "responseFields": [],
        "library": "axios",
        **more,
    }


CONTRACT: dict[str, Any] = {
    "id": "contract-get-abc",
    "method": "GET",
    "endpoint": "/users/:id",
    "backend": {
        "method": "GET",
        "path": "/users/:id",
        "normalizedPath": "/users/{id}",
        "file": "api/users.ts",
        "line": 27,
        "responseFields": [FIELD],
        "requestFields": [FIELD],
        "responseTypeName": "UserResponse",
        "framework": "express",
    },
    "frontend": [frontend(11, requestFields=[FIELD], responseType="User", requestType="Query"), frontend(15)],
    "mismatches": [MISMATCH, MISMATCH],
    "confidence": {"score": 0.6, "level": "low", "matchConfidence": 1, "fieldExtractionConfidence": 0.3},
    "metadata": {
        "firstSeen": "2026-01-22T21:26:41.106Z",
        "lastSeen": "2026-01-23T21:26:41.107Z",
        "verifiedAt": "2026-01-24T08:00:00.000Z",
        "verifiedBy": "ada",
        "tags": ["public"],
        "custom": {"owner": "web"},
    },
}


def wrapped(*told: Any, status: str = "verified") -> dict[str, Any]:
    return {"version": "1.0.0", "status": status, "contracts": list(told), "lastUpdated": "2026-01-29T23:25:39.303Z"}


def test_a_contract_comes_with_its_verdict_its_frontends_and_its_mismatches(tmp_path: Path) -> None:
    put(tmp_path, "contracts/verified/contracts.json", wrapped(CONTRACT))
    loaded = Loaded(tmp_path)
    assert loaded.rows("""
        SELECT c.id, method, endpoint, normalized_endpoint, c.status, p.path, backend_line, backend_framework,
            confidence_score, confidence_level, match_confidence, field_extraction_confidence, first_seen, c.last_seen,
            verified_at, verified_by
        FROM contracts c JOIN file_metadata p ON p.id = c.backend_file_id
    """) == [
        (
            "contract-get-abc", "GET", "/users/:id", "/users/{id}", "verified", "api/users.ts", 27, "express",
            0.6, "low", 1.0, 0.3, "2026-01-22T21:26:41.106Z", "2026-01-23T21:26:41.107Z",
            "2026-01-24T08:00:00.000Z", "ada",
        )
    ]  # fmt: skip
    [(fields, mismatches)] = loaded.rows("SELECT backend_response_fields, mismatches FROM contracts")
    assert json.loads(fields) == [FIELD]
    assert json.loads(mismatches) == [MISMATCH, MISMATCH]
    assert loaded.rows(
        "SELECT contract_id, method, path, line, library, response_fields FROM contract_frontends ORDER BY line"
    ) == [
        ("contract-get-abc", "GET", "/api/users", 11, "axios", "[]"),
        ("contract-get-abc", "GET", "/api/users", 15, "axios", "[]"),
    ]
    assert loaded.counts() == {"contracts": (1, 1, 0, 0), "contract_frontends": (2, 2, 0, 0)}


def test_what_has_no_column_is_carried_along(tmp_path: Path) -> None:
    put(tmp_path, "contracts/verified/contracts.json", wrapped(CONTRACT))
    loaded = Loaded(tmp_path)
    assert loaded.carried("contracts") == {
        "contract-get-abc": {
            "backend.requestFields": [FIELD],
            "backend.responseTypeName": "UserResponse",
            "metadata.tags": ["public"],
            "metadata.custom": {"owner": "web"},
        }
    }
    assert loaded.carried("contract_frontends") == {
        "contract-get-abc:web/users.ts:11": {"requestFields": [FIELD], "responseType": "User", "requestType": "Query"}
    }


@pytest.mark.parametrize("status", ["discovered", "verified", "mismatch", "ignored"])
def test_the_folder_is_the_status_in_a_list_and_in_a_file_of_one(tmp_path: Path, status: str) -> None:
    put(tmp_path, f"contracts/{status}/contracts.json", wrapped(CONTRACT, status=status))
    other = {**CONTRACT, "id": "contract-post-def", "method": "post", "status": "discovered"}
    put(tmp_path, f"contracts/{status}/contract-post-def.json", other)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT id, method, status FROM contracts ORDER BY id") == [
        ("contract-get-abc", "GET", status),
        ("contract-post-def", "POST", status),
    ]
    assert loaded.counts()["contract_frontends"] == (4, 4, 0, 0)


def test_a_file_that_is_a_mere_list_holds_contracts_too(tmp_path: Path) -> None:
    put(tmp_path, "contracts/ignored/contracts.json", [CONTRACT])
    assert Loaded(tmp_path).rows("SELECT id, status FROM contracts") == [("contract-get-abc", "ignored")]


@pytest.mark.parametrize(
    ("method", "kept"), [("get", "GET"), ("HEAD", "HEAD"), ("options", "OPTIONS"), ("ANY", "ALL"), ("*", "ALL")]
)
def test_methods_are_those_of_today(tmp_path: Path, method: str, kept: str) -> None:
    put(tmp_path, "contracts/discovered/contracts.json", wrapped({**CONTRACT, "method": method}))
    assert Loaded(tmp_path).rows("SELECT method FROM contracts") == [(kept,)]


def test_a_contract_that_cannot_be_takes_its_frontends_with_it_and_every_one_is_told(tmp_path: Path) -> None:
    put(tmp_path, "contracts/discovered/contracts.json", wrapped({**CONTRACT, "method": "BREW"}, "nonsense"))
    loaded = Loaded(tmp_path)
    assert loaded.counts() == {"contracts": (2, 0, 0, 2), "contract_frontends": (2, 0, 0, 2)}
    assert loaded.reasons()[0].startswith(
        "contracts/discovered/contracts.json, contracts[0]: method is 'BREW', not one of"
    )


def test_a_backend_outside_the_project_costs_its_place_and_not_the_contract(tmp_path: Path) -> None:
    told = {**CONTRACT, "backend": {**CONTRACT["backend"], "file": "/home/eve/other/users.ts"}}
    put(tmp_path, "contracts/discovered/contracts.json", wrapped(told))
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT backend_file_id FROM contracts") == [(None,)]
    assert loaded.carried("contracts")["contract-get-abc"]["backend.file"] == "…/users.ts"
    assert not loaded.holds("/home/eve")


def test_two_calls_in_one_line_become_one_row_that_knows_both(tmp_path: Path) -> None:
    told = {**CONTRACT, "frontend": [frontend(11), frontend(11, path="/api/users/", library="fetch")]}
    put(tmp_path, "contracts/discovered/contracts.json", wrapped(told))
    loaded = Loaded(tmp_path)
    assert loaded.counts()["contract_frontends"] == (2, 1, 1, 0)
    assert loaded.carried("contract_frontends") == {
        "contract-get-abc:web/users.ts:11": {"others": [{"path": "/api/users/", "library": "fetch"}]}
    }


@given(told=broken(wrapped(CONTRACT)))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_file_of_contracts_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, contracts.records(document("contracts/verified/contracts.json", told)))
