-- What was done to the memories as a whole, and to this database. The two tables of runs keep the predecessor's columns;
-- `key` is new.

-- one row per consolidation run: repeated episodes turned into semantic memories
CREATE TABLE consolidation_runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (id GLOB 'cons_?*'),
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    episodes_processed INTEGER NOT NULL DEFAULT 0 CHECK (episodes_processed >= 0),  -- looked at
    memories_created INTEGER NOT NULL DEFAULT 0 CHECK (memories_created >= 0),      -- semantic ones
    memories_updated INTEGER NOT NULL DEFAULT 0 CHECK (memories_updated >= 0),      -- semantic ones that gained evidence
    memories_pruned INTEGER NOT NULL DEFAULT 0 CHECK (memories_pruned >= 0),        -- episodes archived because they had faded
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
    error TEXT
) STRICT;

-- one row per validation run: memories compared with the code as it is
CREATE TABLE validation_runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (id GLOB 'val_?*'),
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    total_validated INTEGER NOT NULL DEFAULT 0 CHECK (total_validated >= 0),
    valid_count INTEGER NOT NULL DEFAULT 0 CHECK (valid_count >= 0),
    stale_count INTEGER NOT NULL DEFAULT 0 CHECK (stale_count >= 0),
    healed_count INTEGER NOT NULL DEFAULT 0 CHECK (healed_count >= 0),
    flagged_count INTEGER NOT NULL DEFAULT 0 CHECK (flagged_count >= 0),
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed'))
) STRICT;

-- one row per step that brought this database to its schema, the first being its creation
CREATE TABLE migration_history (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (applied_at GLOB '????-??-??T??:??:??.???Z'),
    checksum TEXT NOT NULL,                                        -- of the step's text, so that a step edited later is noticed
    duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0)
) STRICT;
