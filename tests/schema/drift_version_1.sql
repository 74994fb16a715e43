-- What the files of schema/drift gave as version 1. Never edited: steps start from here.
CREATE TABLE project (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    root_path TEXT NOT NULL,
    drift_version TEXT NOT NULL,
    schema_version INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (updated_at GLOB '????-??-??T??:??:??.???Z'),
    monorepo_root TEXT,
    package_manager TEXT,
    language_stats TEXT CHECK (language_stats IS NULL OR json_valid(language_stats))
) STRICT;
CREATE UNIQUE INDEX project_is_one ON project ((1));
CREATE TABLE config (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value)),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (updated_at GLOB '????-??-??T??:??:??.???Z')
) STRICT;
CREATE TABLE feature_flags (
    feature TEXT NOT NULL PRIMARY KEY,
    enabled INTEGER NOT NULL DEFAULT 0 CHECK (enabled IN (0, 1)),
    built_at TEXT CHECK (built_at GLOB '????-??-??T??:??:??.???Z'),
    config TEXT CHECK (config IS NULL OR json_valid(config))
) STRICT;
CREATE TABLE migration_history (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (applied_at GLOB '????-??-??T??:??:??.???Z'),
    checksum TEXT NOT NULL,
    duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0)
) STRICT;
CREATE TABLE status (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
    refreshed_at TEXT CHECK (refreshed_at GLOB '????-??-??T??:??:??.???Z'),
    body TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(body))
) STRICT;
INSERT INTO status (id) VALUES (1);
CREATE TABLE file_metadata (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    language TEXT,
    size INTEGER NOT NULL CHECK (size >= 0),
    lines INTEGER NOT NULL DEFAULT 0 CHECK (lines >= 0),
    content_hash BLOB CHECK (length(content_hash) = 16),
    mtime_secs INTEGER NOT NULL,
    mtime_nanos INTEGER NOT NULL DEFAULT 0 CHECK (mtime_nanos BETWEEN 0 AND 999999999),
    status TEXT NOT NULL DEFAULT 'scanned' CHECK (status IN ('scanned', 'skipped', 'failed')),
    skip_reason TEXT,
    is_test INTEGER NOT NULL DEFAULT 0 CHECK (is_test IN (0, 1)),
    last_scanned TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_scanned GLOB '????-??-??T??:??:??.???Z'),
    scan_duration_us INTEGER CHECK (scan_duration_us >= 0),
    function_count INTEGER NOT NULL DEFAULT 0 CHECK (function_count >= 0),
    pattern_count INTEGER NOT NULL DEFAULT 0 CHECK (pattern_count >= 0),
    error_count INTEGER NOT NULL DEFAULT 0 CHECK (error_count >= 0),
    error TEXT
) STRICT;
CREATE INDEX idx_file_metadata_language ON file_metadata (language);
CREATE INDEX idx_file_metadata_failed ON file_metadata (path) WHERE error IS NOT NULL;
CREATE TABLE file_facts (
    file_id INTEGER PRIMARY KEY REFERENCES file_metadata (id) ON DELETE CASCADE,
    extractor TEXT NOT NULL,
    facts BLOB NOT NULL
) STRICT;
CREATE TABLE name_dependencies (
    name TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    PRIMARY KEY (name, file_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_name_dependencies_file ON name_dependencies (file_id);
CREATE TABLE file_problems (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN (
        'syntax', 'encoding', 'too_large', 'minified', 'generated', 'binary', 'vendored', 'unreadable', 'symlink', 'crash', 'name'
    )),
    line INTEGER CHECK (line >= 1),
    message TEXT NOT NULL
) STRICT;
CREATE INDEX idx_file_problems_file ON file_problems (file_id);
CREATE INDEX idx_file_problems_kind ON file_problems (kind);
CREATE TABLE imports (
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    line INTEGER NOT NULL CHECK (line >= 1),
    module TEXT NOT NULL,
    name TEXT,
    alias TEXT,
    resolved_file_id INTEGER REFERENCES file_metadata (id) ON DELETE SET NULL,
    PRIMARY KEY (file_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_imports_resolved ON imports (resolved_file_id) WHERE resolved_file_id IS NOT NULL;
CREATE TABLE packages (
    path TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    package_manager TEXT,
    version TEXT,
    dependencies TEXT CHECK (dependencies IS NULL OR json_valid(dependencies)),
    dev_dependencies TEXT CHECK (dev_dependencies IS NULL OR json_valid(dev_dependencies)),
    language TEXT,
    framework TEXT,
    pattern_count INTEGER NOT NULL DEFAULT 0 CHECK (pattern_count >= 0),
    function_count INTEGER NOT NULL DEFAULT 0 CHECK (function_count >= 0),
    last_scanned TEXT CHECK (last_scanned GLOB '????-??-??T??:??:??.???Z'),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z')
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_packages_name ON packages (name);
CREATE TABLE functions (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    qualified_name TEXT NOT NULL,
    ordinal INTEGER NOT NULL DEFAULT 0 CHECK (ordinal >= 0),
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('module', 'class', 'function', 'method', 'lambda')),
    parent_id INTEGER REFERENCES functions (id) ON DELETE CASCADE,
    start_line INTEGER NOT NULL CHECK (start_line >= 1),
    end_line INTEGER NOT NULL,
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    language TEXT NOT NULL,
    signature TEXT,
    parameters TEXT CHECK (parameters IS NULL OR json_valid(parameters)),
    decorators TEXT CHECK (decorators IS NULL OR json_valid(decorators)),
    return_type TEXT,
    visibility TEXT NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'protected', 'private')),
    complexity INTEGER NOT NULL DEFAULT 1 CHECK (complexity >= 1),
    is_exported INTEGER NOT NULL DEFAULT 0 CHECK (is_exported IN (0, 1)),
    is_entry_point INTEGER NOT NULL DEFAULT 0 CHECK (is_entry_point IN (0, 1)),
    is_data_accessor INTEGER NOT NULL DEFAULT 0 CHECK (is_data_accessor IN (0, 1)),
    is_constructor INTEGER NOT NULL DEFAULT 0 CHECK (is_constructor IN (0, 1)),
    is_async INTEGER NOT NULL DEFAULT 0 CHECK (is_async IN (0, 1)),
    is_test INTEGER NOT NULL DEFAULT 0 CHECK (is_test IN (0, 1)),
    is_property INTEGER NOT NULL DEFAULT 0 CHECK (is_property IN (0, 1)),
    UNIQUE (file_id, qualified_name, ordinal)
) STRICT;
CREATE INDEX idx_functions_name ON functions (name, kind, qualified_name);
CREATE INDEX idx_functions_parent ON functions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX idx_functions_property ON functions (name) WHERE is_property = 1;
CREATE TABLE class_bases (
    class_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    base_name TEXT NOT NULL,
    base_id INTEGER REFERENCES functions (id) ON DELETE SET NULL,
    PRIMARY KEY (class_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_class_bases_base ON class_bases (base_id) WHERE base_id IS NOT NULL;
CREATE TABLE symbols (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE resolutions (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    proven INTEGER NOT NULL CHECK (proven IN (0, 1)),
    description TEXT NOT NULL
) STRICT;
INSERT INTO resolutions (id, name, confidence, proven, description) VALUES
    (0, 'unresolved', 0.0, 0, 'nothing decides what is called here'),
    (1, 'self', 0.95, 1, 'on the receiver of a method, along its class and bases'),
    (2, 'super', 0.95, 1, 'on the next class in the method resolution order'),
    (3, 'typed', 0.90, 1, 'on a value whose type is declared or inferred'),
    (4, 'import', 0.95, 1, 'by a name that an import brings in'),
    (5, 'static', 0.95, 1, 'on a class or module by its name'),
    (6, 'same_file', 0.97, 1, 'by a name defined in the same file'),
    (7, 'di', 0.85, 1, 'by dependency injection'),
    (8, 'decorator', 0.85, 1, 'by decorating: applying a decorator calls it'),
    (9, 'callback', 0.75, 1, 'handed over as a value, to be called there'),
    (10, 'protocol', 0.80, 1, 'by a protocol of the language, such as calling an object or entering it'),
    (11, 'dynamic', 0.60, 1, 'by a name that is a constant string'),
    (12, 'interface', 0.70, 1, 'on an interface: one of its implementations'),
    (13, 'flow', 0.80, 1, 'on a value followed through assignments and returns'),
    (14, 'scip', 0.99, 1, 'by a language server''s index'),
    (15, 'external', 0.95, 1, 'outside the project'),
    (16, 'builtin', 0.95, 1, 'part of the language'),
    (17, 'unique', 0.50, 0, 'only one method of that name exists in the project');
CREATE TABLE function_calls (
    caller_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    column_num INTEGER NOT NULL CHECK (column_num >= 0),
    candidate INTEGER NOT NULL DEFAULT 0 CHECK (candidate >= 0),
    callee_id INTEGER REFERENCES functions (id) ON DELETE SET NULL,
    callee_symbol INTEGER NOT NULL REFERENCES symbols (id),
    resolution INTEGER NOT NULL REFERENCES resolutions (id),
    argument_count INTEGER NOT NULL DEFAULT 0 CHECK (argument_count >= 0),
    reason TEXT CHECK (reason IN ('unknown_receiver', 'dynamic', 'not_found', 'too_many')),
    PRIMARY KEY (caller_id, line, column_num, candidate)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_function_calls_callee ON function_calls (callee_id) WHERE callee_id IS NOT NULL;
CREATE INDEX idx_function_calls_symbol ON function_calls (callee_symbol) WHERE callee_id IS NULL;
CREATE TABLE function_data_access (
    id INTEGER PRIMARY KEY,
    function_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    table_name TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('read', 'write', 'delete')),
    field_name TEXT,
    line INTEGER NOT NULL CHECK (line >= 1),
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    whole_row INTEGER NOT NULL DEFAULT 0 CHECK (whole_row IN (0, 1))
) STRICT;
CREATE INDEX idx_function_data_access_function ON function_data_access (function_id);
CREATE INDEX idx_function_data_access_table ON function_data_access (table_name, field_name);
CREATE TABLE entry_points (
    id INTEGER PRIMARY KEY,
    function_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('route', 'cli', 'handler', 'job', 'test', 'main')),
    label TEXT NOT NULL,
    method TEXT,
    path TEXT,
    framework TEXT,
    line INTEGER NOT NULL CHECK (line >= 1)
) STRICT;
CREATE INDEX idx_entry_points_function ON entry_points (function_id);
CREATE INDEX idx_entry_points_kind ON entry_points (kind, label);
CREATE TABLE data_models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    table_name TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    framework TEXT,
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    fields TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(fields)),
    class_id INTEGER REFERENCES functions (id) ON DELETE SET NULL,
    UNIQUE (file_id, name, line)
) STRICT;
CREATE INDEX idx_data_models_table ON data_models (table_name);
CREATE INDEX idx_data_models_class ON data_models (class_id) WHERE class_id IS NOT NULL;
CREATE TABLE data_fields (
    model_id INTEGER NOT NULL REFERENCES data_models (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    field_name TEXT NOT NULL,
    column_name TEXT NOT NULL,
    type TEXT,
    line INTEGER NOT NULL CHECK (line >= 1),
    PRIMARY KEY (model_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_data_fields_column ON data_fields (column_name);
CREATE TABLE sensitive_fields (
    id INTEGER PRIMARY KEY,
    table_name TEXT,
    field_name TEXT NOT NULL,
    sensitivity TEXT NOT NULL CHECK (sensitivity IN ('pii', 'financial', 'auth', 'health', 'custom')),
    reason TEXT,
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    file_id INTEGER REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER CHECK (line >= 1)
) STRICT;
CREATE UNIQUE INDEX sensitive_fields_are_named_once ON sensitive_fields (ifnull(table_name, ''), field_name);
CREATE INDEX idx_sensitive_fields_table ON sensitive_fields (table_name);
CREATE INDEX idx_sensitive_fields_field ON sensitive_fields (field_name);
CREATE INDEX idx_sensitive_fields_sensitivity ON sensitive_fields (sensitivity);
CREATE INDEX idx_sensitive_fields_file ON sensitive_fields (file_id) WHERE file_id IS NOT NULL;
CREATE TABLE data_access_points (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    table_name TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('read', 'write', 'delete')),
    fields TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(fields)),
    whole_row INTEGER NOT NULL DEFAULT 0 CHECK (whole_row IN (0, 1)),
    is_raw_sql INTEGER NOT NULL DEFAULT 0 CHECK (is_raw_sql IN (0, 1)),
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    context TEXT,
    framework TEXT,
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX idx_data_access_file ON data_access_points (file_id, line);
CREATE INDEX idx_data_access_table ON data_access_points (table_name);
CREATE INDEX idx_data_access_function ON data_access_points (function_id) WHERE function_id IS NOT NULL;
CREATE TABLE env_variables (
    name TEXT NOT NULL PRIMARY KEY,
    sensitivity TEXT NOT NULL DEFAULT 'unknown' CHECK (sensitivity IN ('secret', 'credential', 'config', 'unknown')),
    has_default INTEGER NOT NULL DEFAULT 0 CHECK (has_default IN (0, 1)),
    is_required INTEGER NOT NULL DEFAULT 0 CHECK (is_required IN (0, 1)),
    default_value TEXT,
    is_redacted INTEGER NOT NULL DEFAULT 0 CHECK (is_redacted IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_env_variables_sensitivity ON env_variables (sensitivity);
CREATE TABLE env_access_points (
    id INTEGER PRIMARY KEY,
    var_name TEXT NOT NULL REFERENCES env_variables (name) ON DELETE CASCADE,
    method TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    context TEXT,
    language TEXT,
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    has_default INTEGER NOT NULL DEFAULT 0 CHECK (has_default IN (0, 1)),
    default_value TEXT,
    is_redacted INTEGER NOT NULL DEFAULT 0 CHECK (is_redacted IN (0, 1)),
    is_required INTEGER NOT NULL DEFAULT 0 CHECK (is_required IN (0, 1)),
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX idx_env_access_file ON env_access_points (file_id);
CREATE INDEX idx_env_access_var ON env_access_points (var_name);
CREATE INDEX idx_env_access_function ON env_access_points (function_id) WHERE function_id IS NOT NULL;
CREATE TABLE patterns (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (id <> ''),
    name TEXT NOT NULL,
    description TEXT,
    category TEXT NOT NULL CHECK (category IN (
        'structural', 'components', 'styling', 'api', 'auth', 'errors', 'data-access', 'testing', 'logging', 'security', 'config',
        'types', 'performance', 'accessibility', 'documentation'
    )),
    subcategory TEXT,
    convention TEXT,
    dominant_variant TEXT,
    status TEXT NOT NULL DEFAULT 'discovered' CHECK (status IN ('discovered', 'approved', 'ignored')),
    approved_at TEXT CHECK (approved_at GLOB '????-??-??T??:??:??.???Z'),
    approved_by TEXT,
    status_reason TEXT,
    confidence_score REAL NOT NULL DEFAULT 0.0 CHECK (confidence_score BETWEEN 0 AND 1),
    confidence_level TEXT NOT NULL DEFAULT 'uncertain' CHECK (confidence_level IN ('high', 'medium', 'low', 'uncertain')),
    confidence_frequency REAL,
    confidence_consistency REAL,
    confidence_age REAL,
    confidence_spread INTEGER,
    detector_type TEXT CHECK (detector_type IN ('ast', 'regex', 'semantic', 'structural', 'custom')),
    detector_config TEXT CHECK (detector_config IS NULL OR json_valid(detector_config)),
    severity TEXT NOT NULL DEFAULT 'info' CHECK (severity IN ('error', 'warning', 'info', 'hint')),
    auto_fixable INTEGER NOT NULL DEFAULT 0 CHECK (auto_fixable IN (0, 1)),
    first_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (first_seen GLOB '????-??-??T??:??:??.???Z'),
    last_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_seen GLOB '????-??-??T??:??:??.???Z'),
    tags TEXT CHECK (tags IS NULL OR json_valid(tags)),
    source TEXT,
    hash TEXT,
    parent_id TEXT REFERENCES patterns (id) ON DELETE SET NULL,
    location_count INTEGER NOT NULL DEFAULT 0 CHECK (location_count >= 0),
    outlier_count INTEGER NOT NULL DEFAULT 0 CHECK (outlier_count >= 0)
) STRICT;
CREATE INDEX idx_patterns_category ON patterns (category, status, confidence_score);
CREATE INDEX idx_patterns_confidence ON patterns (confidence_score);
CREATE INDEX idx_patterns_status ON patterns (status);
CREATE INDEX idx_patterns_severity ON patterns (severity);
CREATE INDEX idx_patterns_hash ON patterns (hash) WHERE hash IS NOT NULL;
CREATE INDEX idx_patterns_parent ON patterns (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX idx_patterns_convention ON patterns (convention) WHERE convention IS NOT NULL;
CREATE TABLE convention_answers (
    id INTEGER PRIMARY KEY,
    convention TEXT NOT NULL,
    family TEXT NOT NULL,
    choice TEXT NOT NULL,
    UNIQUE (convention, family, choice)
) STRICT;
CREATE TABLE convention_evidence (
    answer_id INTEGER NOT NULL REFERENCES convention_answers (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 0),
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    PRIMARY KEY (answer_id, file_id, line, column_num)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_convention_evidence_file ON convention_evidence (file_id);
CREATE TABLE pattern_locations (
    pattern_key INTEGER NOT NULL REFERENCES patterns (key) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 0),
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    end_line INTEGER,
    end_column INTEGER,
    variant TEXT,
    is_outlier INTEGER NOT NULL DEFAULT 0 CHECK (is_outlier IN (0, 1)),
    outlier_reason TEXT,
    deviation_score REAL,
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    snippet TEXT,
    PRIMARY KEY (pattern_key, file_id, line, column_num)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_pattern_locations_file ON pattern_locations (file_id);
CREATE INDEX idx_pattern_locations_outlier ON pattern_locations (pattern_key, file_id) WHERE is_outlier = 1;
CREATE TABLE pattern_variants (
    id TEXT NOT NULL PRIMARY KEY,
    pattern_id TEXT NOT NULL REFERENCES patterns (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('global', 'directory', 'file')),
    scope_value TEXT,
    reason TEXT NOT NULL,
    locations TEXT CHECK (locations IS NULL OR json_valid(locations)),
    active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    created_by TEXT,
    expires_at TEXT CHECK (expires_at GLOB '????-??-??T??:??:??.???Z')
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_pattern_variants_pattern ON pattern_variants (pattern_id);
CREATE TABLE pattern_examples (
    id INTEGER PRIMARY KEY,
    pattern_id TEXT NOT NULL REFERENCES patterns (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    end_line INTEGER NOT NULL,
    code TEXT NOT NULL,
    context TEXT,
    quality REAL NOT NULL DEFAULT 1.0 CHECK (quality BETWEEN 0 AND 1),
    is_outlier INTEGER NOT NULL DEFAULT 0 CHECK (is_outlier IN (0, 1)),
    extracted_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (extracted_at GLOB '????-??-??T??:??:??.???Z'),
    UNIQUE (pattern_id, file_id, line)
) STRICT;
CREATE INDEX idx_pattern_examples_file ON pattern_examples (file_id);
CREATE TABLE pattern_suppressions (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL CHECK (scope IN ('global', 'category', 'file', 'line')),
    file_id INTEGER REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER CHECK (line >= 1),
    category TEXT,
    pattern_id TEXT REFERENCES patterns (id) ON DELETE CASCADE,
    detector_id TEXT,
    reason TEXT NOT NULL,
    created_by TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    expires_at TEXT CHECK (expires_at GLOB '????-??-??T??:??:??.???Z'),
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    deactivated_at TEXT CHECK (deactivated_at GLOB '????-??-??T??:??:??.???Z'),
    deactivation_reason TEXT CHECK (deactivation_reason IN ('expired', 'removed', 'manual')),
    CHECK ((scope IN ('file', 'line')) = (file_id IS NOT NULL)),
    CHECK ((scope = 'line') = (line IS NOT NULL)),
    CHECK (scope <> 'category' OR category IS NOT NULL)
) STRICT;
CREATE INDEX idx_pattern_suppressions_place ON pattern_suppressions (file_id, line);
CREATE INDEX idx_pattern_suppressions_pattern ON pattern_suppressions (pattern_id);
CREATE VIRTUAL TABLE patterns_fts USING fts5 (
    name, description, category, subcategory, tags,
    content = 'patterns', content_rowid = 'key', tokenize = 'unicode61'
);
CREATE TRIGGER patterns_fts_insert AFTER INSERT ON patterns BEGIN
    INSERT INTO patterns_fts (rowid, name, description, category, subcategory, tags)
    VALUES (new.key, new.name, new.description, new.category, new.subcategory, new.tags);
END;
CREATE TRIGGER patterns_fts_delete AFTER DELETE ON patterns BEGIN
    INSERT INTO patterns_fts (patterns_fts, rowid, name, description, category, subcategory, tags)
    VALUES ('delete', old.key, old.name, old.description, old.category, old.subcategory, old.tags);
END;
CREATE TRIGGER patterns_fts_update AFTER UPDATE OF name, description, category, subcategory, tags ON patterns
WHEN (old.name, old.description, old.category, old.subcategory, old.tags)
    IS NOT (new.name, new.description, new.category, new.subcategory, new.tags)
BEGIN
    INSERT INTO patterns_fts (patterns_fts, rowid, name, description, category, subcategory, tags)
    VALUES ('delete', old.key, old.name, old.description, old.category, old.subcategory, old.tags);
    INSERT INTO patterns_fts (rowid, name, description, category, subcategory, tags)
    VALUES (new.key, new.name, new.description, new.category, new.subcategory, new.tags);
END;
CREATE TABLE contracts (
    id TEXT NOT NULL PRIMARY KEY,
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
    backend_response_fields TEXT CHECK (backend_response_fields IS NULL OR json_valid(backend_response_fields)),
    confidence_score REAL NOT NULL DEFAULT 0.0 CHECK (confidence_score BETWEEN 0 AND 1),
    confidence_level TEXT NOT NULL DEFAULT 'low' CHECK (confidence_level IN ('high', 'medium', 'low', 'uncertain')),
    match_confidence REAL,
    field_extraction_confidence REAL,
    mismatches TEXT CHECK (mismatches IS NULL OR json_valid(mismatches)),
    first_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (first_seen GLOB '????-??-??T??:??:??.???Z'),
    last_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_seen GLOB '????-??-??T??:??:??.???Z'),
    verified_at TEXT CHECK (verified_at GLOB '????-??-??T??:??:??.???Z'),
    verified_by TEXT,
    UNIQUE (method, normalized_endpoint)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_contracts_status ON contracts (status);
CREATE INDEX idx_contracts_endpoint ON contracts (normalized_endpoint);
CREATE INDEX idx_contracts_backend ON contracts (backend_file_id) WHERE backend_file_id IS NOT NULL;
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
CREATE TABLE constraints (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    category TEXT NOT NULL CHECK (category IN (
        'api', 'auth', 'data', 'error', 'test', 'security', 'structural', 'performance', 'logging', 'validation'
    )),
    status TEXT NOT NULL DEFAULT 'discovered' CHECK (status IN ('discovered', 'approved', 'ignored', 'custom')),
    language TEXT NOT NULL DEFAULT 'all',
    invariant TEXT NOT NULL CHECK (json_valid(invariant)),
    scope TEXT CHECK (scope IS NULL OR json_valid(scope)),
    enforcement_level TEXT NOT NULL DEFAULT 'warning' CHECK (enforcement_level IN ('error', 'warning', 'info')),
    enforcement_message TEXT,
    enforcement_autofix TEXT,
    confidence_score REAL NOT NULL DEFAULT 0.0 CHECK (confidence_score BETWEEN 0 AND 1),
    confidence_evidence INTEGER NOT NULL DEFAULT 0 CHECK (confidence_evidence >= 0),
    confidence_violations INTEGER NOT NULL DEFAULT 0 CHECK (confidence_violations >= 0),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (updated_at GLOB '????-??-??T??:??:??.???Z'),
    approved_at TEXT CHECK (approved_at GLOB '????-??-??T??:??:??.???Z'),
    approved_by TEXT,
    ignored_at TEXT CHECK (ignored_at GLOB '????-??-??T??:??:??.???Z'),
    ignore_reason TEXT,
    tags TEXT CHECK (tags IS NULL OR json_valid(tags)),
    notes TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_constraints_category ON constraints (category);
CREATE INDEX idx_constraints_status ON constraints (status);
CREATE INDEX idx_constraints_language ON constraints (language);
CREATE TABLE audit_snapshots (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL UNIQUE CHECK (date GLOB '????-??-??'),
    scan_hash TEXT,
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),
    total_patterns INTEGER,
    auto_approve_eligible INTEGER,
    flagged_for_review INTEGER,
    likely_false_positives INTEGER,
    duplicate_candidates INTEGER,
    avg_confidence REAL,
    cross_validation_score REAL,
    summary TEXT CHECK (summary IS NULL OR json_valid(summary))
) STRICT;
CREATE TABLE pattern_history (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (date GLOB '????-??-??T??:??:??.???Z'),
    pattern_id TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('created', 'approved', 'ignored', 'reopened', 'updated', 'deleted')),
    previous_status TEXT,
    new_status TEXT,
    changed_by TEXT,
    details TEXT
) STRICT;
CREATE INDEX idx_pattern_history_pattern ON pattern_history (pattern_id);
CREATE INDEX idx_pattern_history_date ON pattern_history (date);
CREATE TABLE health_trends (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL UNIQUE CHECK (date GLOB '????-??-??'),
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),
    avg_confidence REAL,
    total_patterns INTEGER,
    approved_count INTEGER,
    duplicate_groups INTEGER,
    cross_validation_score REAL
) STRICT;
CREATE TABLE scan_history (
    id INTEGER PRIMARY KEY,
    scan_id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    duration_ms INTEGER CHECK (duration_ms >= 0),
    files_scanned INTEGER,
    patterns_found INTEGER,
    patterns_approved INTEGER,
    errors INTEGER NOT NULL DEFAULT 0 CHECK (errors >= 0),
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
    error_message TEXT,
    checksum TEXT,
    incremental INTEGER NOT NULL DEFAULT 0 CHECK (incremental IN (0, 1)),
    changed_files INTEGER,
    skipped_files INTEGER,
    commit_hash TEXT
) STRICT;
CREATE INDEX idx_scan_history_date ON scan_history (started_at);
CREATE TABLE dna_profile (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL DEFAULT '1.0.0',
    generated_at TEXT NOT NULL CHECK (generated_at GLOB '????-??-??T??:??:??.???Z'),
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),
    genetic_diversity REAL,
    summary TEXT CHECK (summary IS NULL OR json_valid(summary))
) STRICT;
CREATE TABLE dna_genes (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    dominant_variant TEXT,
    frequency REAL,
    confidence REAL,
    variants TEXT CHECK (variants IS NULL OR json_valid(variants)),
    evidence TEXT CHECK (evidence IS NULL OR json_valid(evidence))
) STRICT, WITHOUT ROWID;
CREATE TABLE dna_mutations (
    id INTEGER PRIMARY KEY,
    gene_id TEXT NOT NULL REFERENCES dna_genes (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    expected TEXT,
    actual TEXT,
    impact TEXT CHECK (impact IN ('high', 'medium', 'low')),
    reason TEXT
) STRICT;
CREATE INDEX idx_dna_mutations_gene ON dna_mutations (gene_id);
CREATE INDEX idx_dna_mutations_file ON dna_mutations (file_id);
CREATE TABLE test_files (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL UNIQUE REFERENCES file_metadata (id) ON DELETE CASCADE,
    test_framework TEXT,
    test_count INTEGER NOT NULL DEFAULT 0 CHECK (test_count >= 0),
    last_run TEXT CHECK (last_run GLOB '????-??-??T??:??:??.???Z'),
    status TEXT NOT NULL DEFAULT 'unknown'
) STRICT;
CREATE TABLE test_coverage (
    id INTEGER PRIMARY KEY,
    test_file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    source_file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE,
    coverage_type TEXT CHECK (coverage_type IN ('unit', 'integration', 'e2e')),
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1)
) STRICT;
CREATE UNIQUE INDEX test_coverage_is_said_once ON test_coverage (test_file_id, source_file_id, ifnull(function_id, 0));
CREATE INDEX idx_test_coverage_source ON test_coverage (source_file_id);
CREATE INDEX idx_test_coverage_function ON test_coverage (function_id) WHERE function_id IS NOT NULL;
CREATE TABLE constants (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    value TEXT,
    type TEXT,
    category TEXT CHECK (category IN (
        'config', 'api', 'status', 'error', 'feature_flag', 'limit', 'regex', 'path', 'env', 'security', 'uncategorized'
    )),
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    language TEXT,
    exported INTEGER NOT NULL DEFAULT 0 CHECK (exported IN (0, 1)),
    is_magic INTEGER NOT NULL DEFAULT 0 CHECK (is_magic IN (0, 1)),
    is_secret INTEGER NOT NULL DEFAULT 0 CHECK (is_secret IN (0, 1)),
    usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0)
) STRICT;
CREATE INDEX idx_constants_file ON constants (file_id);
CREATE INDEX idx_constants_category ON constants (category);
CREATE TABLE constant_usages (
    id INTEGER PRIMARY KEY,
    constant_id INTEGER NOT NULL REFERENCES constants (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    context TEXT
) STRICT;
CREATE INDEX idx_constant_usages_constant ON constant_usages (constant_id);
CREATE INDEX idx_constant_usages_file ON constant_usages (file_id);
CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT,
    category TEXT CHECK (category IN (
        'technology-adoption', 'technology-removal', 'pattern-introduction', 'pattern-migration', 'architecture-change', 'api-change',
        'security-enhancement', 'performance-optimization', 'refactoring', 'testing-strategy', 'infrastructure', 'other'
    )),
    status TEXT NOT NULL DEFAULT 'discovered' CHECK (status IN ('discovered', 'confirmed', 'rejected')),
    confidence REAL NOT NULL DEFAULT 0.0 CHECK (confidence BETWEEN 0 AND 1),
    commit_hash TEXT,
    commit_date TEXT CHECK (commit_date GLOB '????-??-??T??:??:??.???Z'),
    author TEXT,
    files_affected TEXT CHECK (files_affected IS NULL OR json_valid(files_affected)),
    patterns_affected TEXT CHECK (patterns_affected IS NULL OR json_valid(patterns_affected)),
    discovered_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (discovered_at GLOB '????-??-??T??:??:??.???Z'),
    confirmed_at TEXT CHECK (confirmed_at GLOB '????-??-??T??:??:??.???Z'),
    confirmed_by TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_decisions_category ON decisions (category);
CREATE INDEX idx_decisions_date ON decisions (commit_date);
CREATE TABLE module_coupling (
    id INTEGER PRIMARY KEY,
    source_module TEXT NOT NULL CHECK (source_module <> ''),
    target_module TEXT NOT NULL CHECK (target_module <> ''),
    coupling_type TEXT NOT NULL CHECK (coupling_type IN ('import', 'call', 'type', 'inheritance')),
    strength INTEGER NOT NULL DEFAULT 1 CHECK (strength >= 1),
    UNIQUE (source_module, target_module, coupling_type)
) STRICT;
CREATE INDEX idx_module_coupling_target ON module_coupling (target_module);
CREATE TABLE coupling_cycles (
    id INTEGER PRIMARY KEY,
    cycle_hash TEXT NOT NULL UNIQUE,
    modules TEXT NOT NULL CHECK (json_valid(modules)),
    length INTEGER NOT NULL CHECK (length >= 1),
    severity TEXT CHECK (severity IN ('info', 'warning', 'critical')),
    detected_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (detected_at GLOB '????-??-??T??:??:??.???Z')
) STRICT;
CREATE TABLE error_boundaries (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    type TEXT NOT NULL CHECK (type IN ('try-catch', 'error-boundary', 'middleware', 'global')),
    catches TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(catches)),
    rethrows INTEGER NOT NULL DEFAULT 0 CHECK (rethrows IN (0, 1)),
    logs INTEGER NOT NULL DEFAULT 0 CHECK (logs IN (0, 1)),
    swallows INTEGER NOT NULL DEFAULT 0 CHECK (swallows IN (0, 1)),
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX idx_error_boundaries_file ON error_boundaries (file_id, line);
CREATE INDEX idx_error_boundaries_function ON error_boundaries (function_id) WHERE function_id IS NOT NULL;
CREATE TABLE error_handling_gaps (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE,
    gap_type TEXT NOT NULL CHECK (gap_type IN ('unhandled', 'swallowed', 'generic-catch', 'missing-finally')),
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    description TEXT,
    UNIQUE (file_id, line, gap_type)
) STRICT;
CREATE INDEX idx_error_gaps_severity ON error_handling_gaps (severity);
CREATE INDEX idx_error_gaps_function ON error_handling_gaps (function_id) WHERE function_id IS NOT NULL;
CREATE TABLE wrappers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    category TEXT CHECK (category IN (
        'state-management', 'data-fetching', 'side-effects', 'authentication', 'authorization', 'validation', 'dependency-injection',
        'middleware', 'testing', 'logging', 'caching', 'error-handling', 'async-utilities', 'form-handling', 'routing', 'factory',
        'decorator', 'utility', 'other'
    )),
    wraps TEXT,
    confidence REAL NOT NULL DEFAULT 0.0 CHECK (confidence BETWEEN 0 AND 1),
    usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_wrappers_file ON wrappers (file_id);
CREATE INDEX idx_wrappers_category ON wrappers (category);
CREATE TABLE wrapper_clusters (
    id INTEGER PRIMARY KEY,
    cluster_name TEXT NOT NULL,
    category TEXT,
    wrapper_ids TEXT NOT NULL CHECK (json_valid(wrapper_ids)),
    confidence REAL NOT NULL DEFAULT 0.0 CHECK (confidence BETWEEN 0 AND 1),
    pattern_description TEXT
) STRICT;
CREATE TABLE quality_gate_runs (
    id TEXT NOT NULL PRIMARY KEY,
    branch TEXT,
    base_branch TEXT,
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'passed', 'failed')),
    gates_run TEXT CHECK (gates_run IS NULL OR json_valid(gates_run)),
    results TEXT CHECK (results IS NULL OR json_valid(results)),
    policy TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX idx_quality_gate_runs_branch ON quality_gate_runs (branch);
CREATE TABLE quality_gate_snapshots (
    id INTEGER PRIMARY KEY,
    branch TEXT NOT NULL,
    snapshot_at TEXT NOT NULL CHECK (snapshot_at GLOB '????-??-??T??:??:??.???Z'),
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),
    pattern_count INTEGER,
    violation_count INTEGER,
    data TEXT CHECK (data IS NULL OR json_valid(data))
) STRICT;
CREATE INDEX idx_quality_gate_snapshots_branch ON quality_gate_snapshots (branch);
CREATE TABLE learned_patterns (
    id INTEGER PRIMARY KEY,
    detector_id TEXT NOT NULL,
    pattern_signature TEXT NOT NULL,
    occurrences INTEGER NOT NULL DEFAULT 1 CHECK (occurrences >= 0),
    confidence REAL NOT NULL DEFAULT 0.0 CHECK (confidence BETWEEN 0 AND 1),
    first_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (first_seen GLOB '????-??-??T??:??:??.???Z'),
    last_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_seen GLOB '????-??-??T??:??:??.???Z'),
    auto_approved INTEGER NOT NULL DEFAULT 0 CHECK (auto_approved IN (0, 1)),
    UNIQUE (detector_id, pattern_signature)
) STRICT;
CREATE TABLE sync_log (
    id INTEGER PRIMARY KEY,
    table_name TEXT NOT NULL,
    row_id TEXT NOT NULL,
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
CREATE TABLE cache_entries (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value)),
    ttl INTEGER CHECK (ttl > 0),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    accessed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (accessed_at GLOB '????-??-??T??:??:??.???Z')
) STRICT;
CREATE INDEX idx_cache_entries_accessed ON cache_entries (accessed_at);
