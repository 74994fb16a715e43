-- What a server offers and what its clients expect of it.
--
-- Where this file differs from the predecessor, and why:
--   * HEAD, OPTIONS and ALL are methods too: servers do declare them.
--   * The files are links. A frontend is one row per place, so that a second run adds nothing.

-- one row per endpoint, by method and normalised path
CREATE TABLE contracts (
    id TEXT NOT NULL PRIMARY KEY,                  -- 'contract-<method>-<12 hex digits>'
    method TEXT NOT NULL CHECK (method IN ('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'ALL')),
    endpoint TEXT NOT NULL,
    normalized_endpoint TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'discovered' CHECK (status IN ('discovered', 'verified', 'mismatch', 'ignored')),
    backend_method TEXT,
    backend_path TEXT,
    backend_normalized_path TEXT,
    backend_file_id INTEGER REFERENCES file_metadata (id) ON DELETE SET NULL,
    backend_line INTEGER CHECK (backend_line >= 1),
    backend_framework TEXT,
    backend_response_fields TEXT CHECK (backend_response_fields IS NULL OR json_valid(backend_response_fields)),  -- [{name, type, optional, nullable, children?}]
    confidence_score REAL NOT NULL DEFAULT 0.0 CHECK (confidence_score BETWEEN 0 AND 1),
    confidence_level TEXT NOT NULL DEFAULT 'low' CHECK (confidence_level IN ('high', 'medium', 'low', 'uncertain')),
    match_confidence REAL,
    field_extraction_confidence REAL,
    mismatches TEXT CHECK (mismatches IS NULL OR json_valid(mismatches)),  -- [{fieldPath, mismatchType, backendField?, frontendField?, description, severity}]
    first_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (first_seen GLOB '????-??-??T??:??:??.???Z'),
    last_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_seen GLOB '????-??-??T??:??:??.???Z'),
    verified_at TEXT CHECK (verified_at GLOB '????-??-??T??:??:??.???Z'),
    verified_by TEXT,
    UNIQUE (method, normalized_endpoint)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_contracts_status ON contracts (status);
CREATE INDEX idx_contracts_endpoint ON contracts (normalized_endpoint);
CREATE INDEX idx_contracts_backend ON contracts (backend_file_id) WHERE backend_file_id IS NOT NULL;

-- one row per place in a client that calls an endpoint
CREATE TABLE contract_frontends (
    id INTEGER PRIMARY KEY,
    contract_id TEXT NOT NULL REFERENCES contracts (id) ON DELETE CASCADE,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    normalized_path TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    library TEXT,
    response_fields TEXT CHECK (response_fields IS NULL OR json_valid(response_fields)),
    UNIQUE (contract_id, file_id, line)
) STRICT;

CREATE INDEX idx_contract_frontends_file ON contract_frontends (file_id);
