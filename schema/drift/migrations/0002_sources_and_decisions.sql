-- Who told of a file; suppressions by comment and by person; calls by another scanner; the calls as arrays; and the
-- change log of decisions in place of one of everything.

ALTER TABLE file_metadata ADD COLUMN source TEXT NOT NULL DEFAULT 'scan';
ALTER TABLE env_variables ADD COLUMN source TEXT NOT NULL DEFAULT 'scan';
ALTER TABLE packages ADD COLUMN source TEXT NOT NULL DEFAULT 'scan';

-- Suppressions name files and patterns instead of pointing at them: no scan takes a person's word away with either.
ALTER TABLE pattern_suppressions RENAME TO pattern_suppressions_before;

CREATE TABLE pattern_suppressions (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL CHECK (scope IN ('global', 'category', 'file', 'line')),
    path TEXT,
    line INTEGER CHECK (line >= 1),
    end_line INTEGER CHECK (end_line >= line),
    category TEXT,
    pattern_id TEXT,
    detector_id TEXT,
    reason TEXT NOT NULL,
    created_by TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    expires_at TEXT CHECK (expires_at GLOB '????-??-??T??:??:??.???Z'),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    deactivated_at TEXT CHECK (deactivated_at GLOB '????-??-??T??:??:??.???Z'),
    deactivation_reason TEXT CHECK (deactivation_reason IN ('expired', 'removed', 'manual')),
    origin TEXT NOT NULL DEFAULT 'person' CHECK (origin IN ('person', 'comment')),
    CHECK ((scope IN ('file', 'line')) = (path IS NOT NULL)),
    CHECK ((scope = 'line') = (line IS NOT NULL)),
    CHECK ((scope = 'line') = (end_line IS NOT NULL)),
    CHECK (scope <> 'category' OR category IS NOT NULL)
) STRICT;

INSERT INTO pattern_suppressions
SELECT s.id, s.scope, f.path, s.line, s.line, s.category, s.pattern_id, s.detector_id, s.reason, s.created_by, s.created_at,
    s.expires_at, s.is_active, s.deactivated_at, s.deactivation_reason, 'person'
FROM pattern_suppressions_before s
LEFT JOIN file_metadata f ON f.id = s.file_id;

DROP TABLE pattern_suppressions_before;

CREATE INDEX idx_pattern_suppressions_place ON pattern_suppressions (path, line);
CREATE INDEX idx_pattern_suppressions_pattern ON pattern_suppressions (pattern_id);
CREATE INDEX idx_pattern_suppressions_expiry ON pattern_suppressions (expires_at) WHERE is_active = 1;

-- One kind of problem more: a `drift-ignore` comment that was not understood.
ALTER TABLE file_problems RENAME TO file_problems_before;

CREATE TABLE file_problems (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN (
        'syntax', 'encoding', 'too_large', 'minified', 'generated', 'binary', 'vendored', 'unreadable', 'symlink', 'crash', 'name',
        'comment'
    )),
    line INTEGER CHECK (line >= 1),
    message TEXT NOT NULL
) STRICT;

INSERT INTO file_problems SELECT * FROM file_problems_before;

DROP TABLE file_problems_before;

CREATE INDEX idx_file_problems_file ON file_problems (file_id);
CREATE INDEX idx_file_problems_kind ON file_problems (kind);

INSERT INTO resolutions (id, name, confidence, proven, description) VALUES
    (18, 'scanner', 0.95, 1, 'by another scanner''s word');

DROP INDEX idx_function_calls_callee;
CREATE INDEX idx_function_calls_callee ON function_calls (callee_id, resolution) WHERE callee_id IS NOT NULL;

-- one row, or none: all proven calls as arrays, for walks through a large part of the graph. Whoever changes
-- function_calls writes it anew in the same transaction, or deletes it; a walk without it goes level by level.
CREATE TABLE call_adjacency (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    functions INTEGER NOT NULL CHECK (functions >= 0),  -- the greatest functions.id that takes part
    edges INTEGER NOT NULL CHECK (edges >= 0),
    offsets BLOB NOT NULL CHECK (length(offsets) = 4 * (functions + 2)),  -- int32, little-endian: callers of f are [offsets[f], offsets[f + 1])
    callers BLOB NOT NULL CHECK (length(callers) = 4 * edges)  -- int32, little-endian: functions.id, each caller of a function once
) STRICT;

DROP TRIGGER log_pattern_insert;
DROP TRIGGER log_pattern_update;
DROP TRIGGER log_pattern_delete;
DROP TRIGGER log_constraint_insert;
DROP TRIGGER log_constraint_update;
DROP TRIGGER log_constraint_delete;
DROP TRIGGER log_contract_insert;
DROP TRIGGER log_contract_update;
DROP TRIGGER log_contract_delete;

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
