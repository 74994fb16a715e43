-- The user's projects, in a database of their own: listing them must not open every project's store.
--
-- Where this differs from the predecessor's registry.json: `path` tells projects apart and `id` follows from it.
-- What is said about a project here is as it was at its last scan; the truth stands in its store.

-- one row per project that was ever initialised by this user
CREATE TABLE project_registry (
    id TEXT NOT NULL PRIMARY KEY,                  -- the first 16 hex digits of the BLAKE3 of `path`: a copied store is another project
    name TEXT NOT NULL,
    path TEXT NOT NULL UNIQUE,                     -- absolute path of its root
    last_accessed TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_accessed GLOB '????-??-??T??:??:??.???Z'),
    schema_version INTEGER NOT NULL,
    drift_version TEXT NOT NULL,
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),  -- NULL = nothing to judge
    pattern_count INTEGER NOT NULL DEFAULT 0 CHECK (pattern_count >= 0),
    last_scan_at TEXT CHECK (last_scan_at GLOB '????-??-??T??:??:??.???Z'),  -- NULL = never scanned
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z')
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_project_registry_name ON project_registry (name);

-- one row per step that brought this database to its schema, the first being its creation
CREATE TABLE migration_history (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (applied_at GLOB '????-??-??T??:??:??.???Z'),
    checksum TEXT NOT NULL,                        -- of the step's text, so that a step edited later is noticed
    duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0)
) STRICT;
