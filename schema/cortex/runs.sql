-- What was done to the memories as a whole. Both tables keep the predecessor's columns; `key` is new.

-- one row per consolidation run: repeated episodes turned into semantic memories
CREATE TABLE consolidation_runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (id GLOB 'cons_?*'),
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    episodes_processed INTEGER NOT NULL DEFAULT 0 CHECK (episodes_processed >= 0),
    memories_created INTEGER NOT NULL DEFAULT 0 CHECK (memories_created >= 0),
    memories_updated INTEGER NOT NULL DEFAULT 0 CHECK (memories_updated >= 0),
    memories_pruned INTEGER NOT NULL DEFAULT 0 CHECK (memories_pruned >= 0),
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
