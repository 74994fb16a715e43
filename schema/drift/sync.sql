-- What has changed since it was last pushed elsewhere. What people decide about (patterns, constraints, contracts) is
-- logged; what a scan can find again is not.
--
-- Where this file differs from the predecessor, and why:
--   * A pattern's update is logged when what it states or its verdict changed, not when its counters or its date did:
--     the predecessor wrote one row per counted location (43,852 rows for 986 patterns).

-- one row per change
CREATE TABLE sync_log (
    id INTEGER PRIMARY KEY,
    table_name TEXT NOT NULL,
    row_id TEXT NOT NULL,                          -- the public id
    operation TEXT NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
    timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (timestamp GLOB '????-??-??T??:??:??.???Z'),
    synced INTEGER NOT NULL DEFAULT 0 CHECK (synced IN (0, 1))
) STRICT;

CREATE INDEX idx_sync_log_unsynced ON sync_log (id) WHERE synced = 0;

CREATE TRIGGER log_pattern_insert AFTER INSERT ON patterns BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('patterns', new.id, 'INSERT');
END;

CREATE TRIGGER log_pattern_update AFTER UPDATE ON patterns
WHEN (old.name, old.description, old.category, old.dominant_variant, old.status, old.status_reason, old.severity, old.hash)
    IS NOT (new.name, new.description, new.category, new.dominant_variant, new.status, new.status_reason, new.severity, new.hash)
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('patterns', new.id, 'UPDATE');
END;

CREATE TRIGGER log_pattern_delete AFTER DELETE ON patterns BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('patterns', old.id, 'DELETE');
END;

CREATE TRIGGER log_constraint_insert AFTER INSERT ON constraints BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('constraints', new.id, 'INSERT');
END;

CREATE TRIGGER log_constraint_update AFTER UPDATE ON constraints BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('constraints', new.id, 'UPDATE');
END;

CREATE TRIGGER log_constraint_delete AFTER DELETE ON constraints BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('constraints', old.id, 'DELETE');
END;

CREATE TRIGGER log_contract_insert AFTER INSERT ON contracts BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('contracts', new.id, 'INSERT');
END;

CREATE TRIGGER log_contract_update AFTER UPDATE ON contracts BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('contracts', new.id, 'UPDATE');
END;

CREATE TRIGGER log_contract_delete AFTER DELETE ON contracts BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('contracts', old.id, 'DELETE');
END;
