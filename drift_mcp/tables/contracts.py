"""What a server offers, and what its clients expect of it.

First what writes, then what reads. A machine says 'discovered' or 'mismatch'; what a person said of a contract stays,
also when it no longer matches or is found nowhere: then its `mismatches` and `last_seen` tell.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import apsw

from drift_mcp.errors import DriftError
from drift_mcp.tables import verdicts
from drift_mcp.tables.arrays import integers
from drift_mcp.tables.patterns import confidence_level


class NewContract(NamedTuple):
    id: str
    method: str
    endpoint: str
    normalized_endpoint: str
    status: str = "discovered"  # or 'mismatch'; the others are a person's
    backend_method: str | None = None
    backend_path: str | None = None
    backend_normalized_path: str | None = None
    backend_file_id: int | None = None
    backend_line: int | None = None
    backend_framework: str | None = None
    backend_response_fields: str | None = None  # JSON
    confidence_score: float = 0.0
    confidence_level: str | None = None  # None: what the score amounts to
    match_confidence: float | None = None
    field_extraction_confidence: float | None = None
    mismatches: str | None = None  # JSON
    first_seen: str | None = None  # None: now
    last_seen: str | None = None  # None: now


# `last_seen` is kept to the day, so that a scan that finds all as it was writes nothing.
_PUT = """
INSERT INTO contracts (
    id, method, endpoint, normalized_endpoint, status, backend_method, backend_path, backend_normalized_path,
    backend_file_id, backend_line, backend_framework, backend_response_fields, confidence_score, confidence_level,
    match_confidence, field_extraction_confidence, mismatches, first_seen, last_seen
)
VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
)
ON CONFLICT (id) DO UPDATE SET
    method = excluded.method,
    endpoint = excluded.endpoint,
    normalized_endpoint = excluded.normalized_endpoint,
    status = iif(status IN ('verified', 'ignored') OR verified_by IS NOT NULL, status, excluded.status),
    backend_method = excluded.backend_method,
    backend_path = excluded.backend_path,
    backend_normalized_path = excluded.backend_normalized_path,
    backend_file_id = excluded.backend_file_id,
    backend_line = excluded.backend_line,
    backend_framework = excluded.backend_framework,
    backend_response_fields = excluded.backend_response_fields,
    confidence_score = excluded.confidence_score,
    confidence_level = excluded.confidence_level,
    match_confidence = excluded.match_confidence,
    field_extraction_confidence = excluded.field_extraction_confidence,
    mismatches = excluded.mismatches,
    last_seen = max(last_seen, excluded.last_seen)
WHERE last_seen < strftime('%Y-%m-%dT%H:%M:%fZ', excluded.last_seen, '-1 day')
    OR (
        method, endpoint, normalized_endpoint,
        iif(status IN ('verified', 'ignored') OR verified_by IS NOT NULL, excluded.status, status),
        backend_method, backend_path, backend_normalized_path, backend_file_id, backend_line, backend_framework,
        backend_response_fields, confidence_score, confidence_level, match_confidence, field_extraction_confidence,
        mismatches
    )
    IS NOT (
        excluded.method, excluded.endpoint, excluded.normalized_endpoint, excluded.status, excluded.backend_method,
        excluded.backend_path, excluded.backend_normalized_path, excluded.backend_file_id, excluded.backend_line,
        excluded.backend_framework, excluded.backend_response_fields, excluded.confidence_score,
        excluded.confidence_level, excluded.match_confidence, excluded.field_extraction_confidence,
        excluded.mismatches
    )
"""


def put(tx: apsw.Connection, contracts: Iterable[NewContract]) -> dict[str, str]:
    """Adds contracts, or says anew what is known of them. Gives for each id the one that it is kept under: an endpoint
    that is known, perhaps by another scanner, keeps the id that it has, and its verdict."""
    ids: dict[tuple[str, str], str] = {}
    endpoints: dict[str, tuple[str, str]] = {}
    for kept, method, endpoint in tx.execute("SELECT id, method, normalized_endpoint FROM contracts"):
        ids[method, endpoint] = kept
        endpoints[kept] = (method, endpoint)
    names = {}
    for contract in contracts:
        if contract.status not in ("discovered", "mismatch"):
            raise DriftError(
                f"The contract {contract.id!r} comes as {contract.status!r}, which is for a person to say: "
                "a scanner says 'discovered' or 'mismatch'."
            )
        here = (contract.method, contract.normalized_endpoint)
        kept = ids.get(here, contract.id)
        names[contract.id] = kept
        ids.pop(endpoints.get(kept, here), None)
        ids[here] = kept
        endpoints[kept] = here
        level = contract.confidence_level or confidence_level(contract.confidence_score)
        tx.execute(_PUT, contract._replace(id=kept, confidence_level=level))
    return names


_UNSAID = "SELECT id FROM contracts WHERE status NOT IN ('verified', 'ignored') AND verified_by IS NULL"


def replace_all(tx: apsw.Connection, contracts: Iterable[NewContract]) -> dict[str, str]:
    """The contracts that there are, as `put` gives them; the others are forgotten, unless a person spoke of them."""
    names = put(tx, contracts)
    kept = set(names.values())
    gone = [contract for (contract,) in tx.execute(_UNSAID).fetchall() if contract not in kept]
    tx.executemany("DELETE FROM contracts WHERE id = ?", ((contract,) for contract in gone))
    return names


class NewFrontend(NamedTuple):
    contract_id: str  # the one that it is kept under
    method: str
    path: str
    normalized_path: str
    file_id: int
    line: int
    library: str | None = None
    response_fields: str | None = None  # JSON


_PUT_FRONTEND = """
INSERT INTO contract_frontends (contract_id, method, path, normalized_path, file_id, line, library, response_fields)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (contract_id, file_id, line) DO UPDATE SET
    method = excluded.method,
    path = excluded.path,
    normalized_path = excluded.normalized_path,
    library = excluded.library,
    response_fields = excluded.response_fields
WHERE (method, path, normalized_path, library, response_fields)
    IS NOT (excluded.method, excluded.path, excluded.normalized_path, excluded.library, excluded.response_fields)
"""


def put_frontends(tx: apsw.Connection, frontends: Iterable[NewFrontend]) -> None:
    """Adds places that call an endpoint, or says them anew."""
    tx.executemany(_PUT_FRONTEND, frontends)


_FRONTENDS_OF_FILES = """
SELECT id, contract_id, file_id, line
FROM contract_frontends
WHERE file_id IN (SELECT value FROM carray(?))
"""


def replace_frontends(tx: apsw.Connection, file_ids: Iterable[int], frontends: Iterable[NewFrontend]) -> None:
    """All places in these files that call an endpoint, in place of those that were."""
    found = list(frontends)
    kept = {(one.contract_id, one.file_id, one.line) for one in found}
    there = tx.execute(_FRONTENDS_OF_FILES, (integers(file_ids),)).fetchall()
    gone = [number for number, *place in there if tuple(place) not in kept]
    tx.executemany("DELETE FROM contract_frontends WHERE id = ?", ((number,) for number in gone))
    put_frontends(tx, found)


# The predecessor's.
TRANSITIONS: Final = {
    "discovered": ("verified", "mismatch", "ignored"),
    "verified": ("mismatch", "ignored"),
    "mismatch": ("verified", "ignored"),
    "ignored": ("verified", "mismatch"),
}

# Who says that it does not match has verified that, and is kept as well as who says that it does. A mismatch that a
# machine found becomes a person's by their saying it again.
_JUDGE = """
UPDATE contracts
SET status = :status,
    verified_by = CASE WHEN :status <> 'ignored' THEN :by END,
    verified_at = CASE WHEN :status <> 'ignored' THEN ifnull(:at, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) END
WHERE id = :id
    AND (status <> :status OR (status = 'mismatch' AND verified_by IS NULL))
"""


def judge(tx: apsw.Connection, contract: str, status: str, *, by: str, at: str | None = None) -> str:
    """A person's word, 'verified', 'mismatch' or 'ignored'; `at`: when it was given, None for now. Gives what it was
    before; the same again changes nothing. Raises DriftError when there is no such contract, or no such way."""
    before = tx.execute("SELECT status FROM contracts WHERE id = ?", (contract,)).get
    verdicts.check("contract", contract, before, status, TRANSITIONS)
    tx.execute(_JUDGE, {"id": contract, "status": status, "by": by, "at": at})
    return str(before)


# ---------------------------------------------------------------------------------------------------------------------


class Contract(NamedTuple):
    id: str
    method: str
    endpoint: str
    normalized_endpoint: str
    status: str
    backend_method: str | None
    backend_path: str | None
    backend_normalized_path: str | None
    backend_file: str | None  # path
    backend_line: int | None
    backend_framework: str | None
    backend_response_fields: str | None
    confidence_score: float
    confidence_level: str
    match_confidence: float | None
    field_extraction_confidence: float | None
    mismatches: str | None
    first_seen: str
    last_seen: str
    verified_at: str | None
    verified_by: str | None


_COLUMNS = """
SELECT
    c.id, c.method, c.endpoint, c.normalized_endpoint, c.status, c.backend_method, c.backend_path,
    c.backend_normalized_path, m.path, c.backend_line, c.backend_framework, c.backend_response_fields,
    c.confidence_score, c.confidence_level, c.match_confidence, c.field_extraction_confidence, c.mismatches,
    c.first_seen, c.last_seen, c.verified_at, c.verified_by
FROM contracts c
LEFT JOIN file_metadata m ON m.id = c.backend_file_id
"""

_ORDER = "ORDER BY c.normalized_endpoint, c.method"

_IN_FILE = """
WHERE c.backend_file_id = ?1 OR c.id IN (SELECT contract_id FROM contract_frontends WHERE file_id = ?1)
"""


def one(db: apsw.Connection, contract: str) -> Contract | None:
    row = db.execute(_COLUMNS + "WHERE c.id = ?", (contract,)).fetchone()
    return None if row is None else Contract(*row)


def in_file(db: apsw.Connection, file_id: int) -> list[Contract]:
    """Contracts that this file offers or calls."""
    return [Contract(*row) for row in db.execute(_COLUMNS + _IN_FILE + _ORDER, (file_id,))]


def every(db: apsw.Connection) -> list[Contract]:
    return [Contract(*row) for row in db.execute(_COLUMNS + _ORDER)]


class Frontend(NamedTuple):
    id: int
    contract_id: str
    method: str
    path: str
    normalized_path: str
    file: str
    line: int
    library: str | None
    response_fields: str | None


_FRONTENDS = """
SELECT f.id, f.contract_id, f.method, f.path, f.normalized_path, m.path, f.line, f.library, f.response_fields
FROM contract_frontends f
JOIN file_metadata m ON m.id = f.file_id
"""

_FRONTEND_ORDER = "ORDER BY m.path, f.line, f.contract_id"


def frontends(db: apsw.Connection, contract: str) -> list[Frontend]:
    """Places that call this endpoint."""
    rows = db.execute(_FRONTENDS + "WHERE f.contract_id = ?" + _FRONTEND_ORDER, (contract,))
    return [Frontend(*row) for row in rows]


def frontends_in_file(db: apsw.Connection, file_id: int) -> list[Frontend]:
    """Places in this file that call an endpoint."""
    return [Frontend(*row) for row in db.execute(_FRONTENDS + "WHERE f.file_id = ?" + _FRONTEND_ORDER, (file_id,))]


def every_frontend(db: apsw.Connection) -> list[Frontend]:
    return [Frontend(*row) for row in db.execute(_FRONTENDS + _FRONTEND_ORDER)]
