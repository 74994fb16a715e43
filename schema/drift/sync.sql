-- What people decided and has not been pushed elsewhere yet: what a sync within a team will read.
--
-- A row is logged when a person has a say in it, one row per real change. What a scan finds and will find again is not:
-- a pattern that nobody judged, its counters, its dates. So a load of scan data costs one comparison a row and writes
-- nothing here.
--
-- Where this file differs from the predecessor, and why:
--   * The predecessor logged whatever was written, one row per counted location (43,852 rows for 986 patterns).
--   * Suppressions, variants, decisions, settings and flags are logged too: people decide about them as well. The one
--     setting that a scan keeps for itself, `modules`, is not.

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

CREATE TRIGGER log_pattern_insert AFTER INSERT ON patterns
WHEN new.status <> 'discovered'
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('patterns', new.id, 'INSERT');
END;

CREATE TRIGGER log_pattern_update AFTER UPDATE ON patterns
WHEN (old.status <> 'discovered' OR new.status <> 'discovered')
    AND (
        old.name, old.description, old.category, old.dominant_variant, old.status, old.status_reason,
        old.approved_by, old.severity, old.hash
    )
    IS NOT (
        new.name, new.description, new.category, new.dominant_variant, new.status, new.status_reason,
        new.approved_by, new.severity, new.hash
    )
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('patterns', new.id, 'UPDATE');
END;

CREATE TRIGGER log_pattern_delete AFTER DELETE ON patterns
WHEN old.status <> 'discovered'
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('patterns', old.id, 'DELETE');
END;

CREATE TRIGGER log_constraint_insert AFTER INSERT ON constraints
WHEN new.status <> 'discovered' OR new.notes IS NOT NULL
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('constraints', new.id, 'INSERT');
END;

CREATE TRIGGER log_constraint_update AFTER UPDATE ON constraints
WHEN (old.status <> 'discovered' OR new.status <> 'discovered' OR old.notes IS NOT new.notes)
    AND (
        old.name, old.description, old.category, old.status, old.language, old.invariant, old.scope,
        old.enforcement_level, old.enforcement_message, old.enforcement_autofix, old.approved_by,
        old.ignore_reason, old.tags, old.notes
    )
    IS NOT (
        new.name, new.description, new.category, new.status, new.language, new.invariant, new.scope,
        new.enforcement_level, new.enforcement_message, new.enforcement_autofix, new.approved_by,
        new.ignore_reason, new.tags, new.notes
    )
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('constraints', new.id, 'UPDATE');
END;

CREATE TRIGGER log_constraint_delete AFTER DELETE ON constraints
WHEN old.status <> 'discovered' OR old.notes IS NOT NULL
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('constraints', old.id, 'DELETE');
END;

CREATE TRIGGER log_contract_insert AFTER INSERT ON contracts
WHEN new.status IN ('verified', 'ignored') OR new.verified_by IS NOT NULL
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('contracts', new.id, 'INSERT');
END;

CREATE TRIGGER log_contract_update AFTER UPDATE ON contracts
WHEN (
        old.status IN ('verified', 'ignored') OR old.verified_by IS NOT NULL
        OR new.status IN ('verified', 'ignored') OR new.verified_by IS NOT NULL
    )
    AND (old.method, old.endpoint, old.status, old.verified_by)
    IS NOT (new.method, new.endpoint, new.status, new.verified_by)
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('contracts', new.id, 'UPDATE');
END;

CREATE TRIGGER log_contract_delete AFTER DELETE ON contracts
WHEN old.status IN ('verified', 'ignored') OR old.verified_by IS NOT NULL
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('contracts', old.id, 'DELETE');
END;

CREATE TRIGGER log_decision_insert AFTER INSERT ON decisions
WHEN new.status <> 'discovered'
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('decisions', new.id, 'INSERT');
END;

CREATE TRIGGER log_decision_update AFTER UPDATE ON decisions
WHEN (old.status <> 'discovered' OR new.status <> 'discovered')
    AND (old.title, old.description, old.category, old.status, old.confirmed_by)
    IS NOT (new.title, new.description, new.category, new.status, new.confirmed_by)
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('decisions', new.id, 'UPDATE');
END;

CREATE TRIGGER log_decision_delete AFTER DELETE ON decisions
WHEN old.status <> 'discovered'
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('decisions', old.id, 'DELETE');
END;

CREATE TRIGGER log_suppression_insert AFTER INSERT ON pattern_suppressions
WHEN new.origin = 'person'
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('pattern_suppressions', new.id, 'INSERT');
END;

CREATE TRIGGER log_suppression_update AFTER UPDATE ON pattern_suppressions
WHEN (old.origin = 'person' OR new.origin = 'person')
    AND (
        old.scope, old.path, old.line, old.end_line, old.category, old.pattern_id, old.detector_id, old.reason,
        old.expires_at, old.is_active
    )
    IS NOT (
        new.scope, new.path, new.line, new.end_line, new.category, new.pattern_id, new.detector_id, new.reason,
        new.expires_at, new.is_active
    )
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('pattern_suppressions', new.id, 'UPDATE');
END;

CREATE TRIGGER log_suppression_delete AFTER DELETE ON pattern_suppressions
WHEN old.origin = 'person'
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('pattern_suppressions', old.id, 'DELETE');
END;

CREATE TRIGGER log_variant_insert AFTER INSERT ON pattern_variants BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('pattern_variants', new.id, 'INSERT');
END;

CREATE TRIGGER log_variant_update AFTER UPDATE ON pattern_variants
WHEN (old.pattern_id, old.name, old.scope, old.scope_value, old.reason, old.locations, old.active, old.expires_at)
    IS NOT (new.pattern_id, new.name, new.scope, new.scope_value, new.reason, new.locations, new.active, new.expires_at)
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('pattern_variants', new.id, 'UPDATE');
END;

CREATE TRIGGER log_variant_delete AFTER DELETE ON pattern_variants BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('pattern_variants', old.id, 'DELETE');
END;

CREATE TRIGGER log_setting_insert AFTER INSERT ON config
WHEN new.key <> 'modules'
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('config', new.key, 'INSERT');
END;

CREATE TRIGGER log_setting_update AFTER UPDATE ON config
WHEN new.key <> 'modules'
    AND old.value IS NOT new.value
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('config', new.key, 'UPDATE');
END;

CREATE TRIGGER log_setting_delete AFTER DELETE ON config
WHEN old.key <> 'modules'
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('config', old.key, 'DELETE');
END;

CREATE TRIGGER log_flag_insert AFTER INSERT ON feature_flags BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('feature_flags', new.feature, 'INSERT');
END;

CREATE TRIGGER log_flag_update AFTER UPDATE ON feature_flags
WHEN (old.enabled, old.config)
    IS NOT (new.enabled, new.config)
BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('feature_flags', new.feature, 'UPDATE');
END;

CREATE TRIGGER log_flag_delete AFTER DELETE ON feature_flags BEGIN
    INSERT INTO sync_log (table_name, row_id, operation) VALUES ('feature_flags', old.feature, 'DELETE');
END;
