-- A drift.db as the predecessor made it: forty tables, none of them strict, times in two forms, text ids.
-- Its indexes, its views and the triggers that counted locations change nothing of what is read, and are left out,
-- as are most of its checks. Columns are named after the fact that they stand for.

CREATE TABLE project (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, root_path TEXT NOT NULL, drift_version TEXT NOT NULL,
    schema_version INTEGER NOT NULL DEFAULT 1, created_at TEXT NOT NULL DEFAULT (datetime('now')),
    updated_at TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE TABLE config (key TEXT PRIMARY KEY, value TEXT NOT NULL, updated_at TEXT NOT NULL DEFAULT (datetime('now')));
CREATE TABLE feature_flags (feature TEXT PRIMARY KEY, enabled INTEGER NOT NULL DEFAULT 0, built_at TEXT, config TEXT);

CREATE TABLE patterns (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, category TEXT NOT NULL, subcategory TEXT,
    status TEXT NOT NULL DEFAULT 'discovered' CHECK (status IN ('discovered', 'approved', 'ignored')),
    confidence_score REAL NOT NULL DEFAULT 0.0,
    confidence_level TEXT NOT NULL DEFAULT 'uncertain' CHECK (confidence_level IN ('high', 'medium', 'low', 'uncertain')),
    confidence_frequency REAL, confidence_consistency REAL, confidence_age REAL, confidence_spread INTEGER,
    detector_type TEXT, detector_config TEXT,
    severity TEXT DEFAULT 'info' CHECK (severity IN ('error', 'warning', 'info', 'hint')), auto_fixable INTEGER DEFAULT 0,
    first_seen TEXT NOT NULL DEFAULT (datetime('now')), last_seen TEXT NOT NULL DEFAULT (datetime('now')),
    approved_at TEXT, approved_by TEXT, tags TEXT, source TEXT, location_count INTEGER DEFAULT 0,
    outlier_count INTEGER DEFAULT 0
);
CREATE TABLE pattern_locations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pattern_id TEXT NOT NULL REFERENCES patterns (id) ON DELETE CASCADE,
    file TEXT NOT NULL, line INTEGER NOT NULL, column_num INTEGER DEFAULT 0, end_line INTEGER, end_column INTEGER,
    is_outlier INTEGER DEFAULT 0, outlier_reason TEXT, deviation_score REAL, confidence REAL DEFAULT 1.0, snippet TEXT,
    UNIQUE (pattern_id, file, line, column_num)
);
CREATE TABLE pattern_variants (
    id TEXT PRIMARY KEY, pattern_id TEXT NOT NULL REFERENCES patterns (id) ON DELETE CASCADE, name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('global', 'directory', 'file')), scope_value TEXT, reason TEXT NOT NULL,
    locations TEXT, active INTEGER DEFAULT 1, created_at TEXT NOT NULL DEFAULT (datetime('now')), created_by TEXT,
    expires_at TEXT
);
CREATE TABLE pattern_examples (
    id INTEGER PRIMARY KEY AUTOINCREMENT, pattern_id TEXT NOT NULL REFERENCES patterns (id) ON DELETE CASCADE,
    file TEXT NOT NULL, line INTEGER NOT NULL, end_line INTEGER NOT NULL, code TEXT NOT NULL, context TEXT,
    quality REAL DEFAULT 1.0, is_outlier INTEGER DEFAULT 0, extracted_at TEXT NOT NULL DEFAULT (datetime('now'))
);

CREATE TABLE contracts (
    id TEXT PRIMARY KEY, method TEXT NOT NULL, endpoint TEXT NOT NULL, normalized_endpoint TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'discovered', backend_method TEXT, backend_path TEXT, backend_normalized_path TEXT,
    backend_file TEXT, backend_line INTEGER, backend_framework TEXT, backend_response_fields TEXT,
    confidence_score REAL DEFAULT 0.0, confidence_level TEXT DEFAULT 'low', match_confidence REAL,
    field_extraction_confidence REAL, mismatches TEXT, first_seen TEXT NOT NULL DEFAULT (datetime('now')),
    last_seen TEXT NOT NULL DEFAULT (datetime('now')), verified_at TEXT, verified_by TEXT,
    UNIQUE (method, normalized_endpoint)
);
CREATE TABLE contract_frontends (
    id INTEGER PRIMARY KEY AUTOINCREMENT, contract_id TEXT NOT NULL REFERENCES contracts (id) ON DELETE CASCADE,
    method TEXT NOT NULL, path TEXT NOT NULL, normalized_path TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL,
    library TEXT, response_fields TEXT
);
CREATE TABLE constraints (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT, category TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'discovered', language TEXT DEFAULT 'all', invariant TEXT NOT NULL, scope TEXT,
    enforcement_level TEXT DEFAULT 'warning', enforcement_message TEXT, enforcement_autofix TEXT,
    confidence_score REAL DEFAULT 0.0, confidence_evidence INTEGER DEFAULT 0, confidence_violations INTEGER DEFAULT 0,
    created_at TEXT NOT NULL DEFAULT (datetime('now')), updated_at TEXT NOT NULL DEFAULT (datetime('now')),
    approved_at TEXT, approved_by TEXT, ignored_at TEXT, ignore_reason TEXT, tags TEXT, notes TEXT
);

CREATE TABLE data_models (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, table_name TEXT NOT NULL, file TEXT NOT NULL,
    line INTEGER NOT NULL, framework TEXT, confidence REAL DEFAULT 1.0, fields TEXT, UNIQUE (name, file)
);
CREATE TABLE sensitive_fields (
    id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, field_name TEXT NOT NULL, sensitivity TEXT NOT NULL,
    reason TEXT, UNIQUE (table_name, field_name)
);
CREATE TABLE data_access_points (
    id TEXT PRIMARY KEY, table_name TEXT NOT NULL, operation TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL,
    column_num INTEGER DEFAULT 0, context TEXT, fields TEXT, is_raw_sql INTEGER DEFAULT 0, confidence REAL DEFAULT 1.0,
    function_id TEXT
);
CREATE TABLE env_variables (
    name TEXT PRIMARY KEY, sensitivity TEXT NOT NULL DEFAULT 'unknown', has_default INTEGER DEFAULT 0,
    is_required INTEGER DEFAULT 0, default_value TEXT
);
CREATE TABLE env_access_points (
    id TEXT PRIMARY KEY, var_name TEXT NOT NULL REFERENCES env_variables (name) ON DELETE CASCADE, method TEXT NOT NULL,
    file TEXT NOT NULL, line INTEGER NOT NULL, column_num INTEGER DEFAULT 0, context TEXT, language TEXT,
    confidence REAL DEFAULT 1.0, has_default INTEGER DEFAULT 0, default_value TEXT, is_required INTEGER DEFAULT 0
);

CREATE TABLE functions (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, qualified_name TEXT, file TEXT NOT NULL, start_line INTEGER NOT NULL,
    end_line INTEGER NOT NULL, language TEXT NOT NULL, is_exported INTEGER DEFAULT 0, is_entry_point INTEGER DEFAULT 0,
    is_data_accessor INTEGER DEFAULT 0, is_constructor INTEGER DEFAULT 0, is_async INTEGER DEFAULT 0, decorators TEXT,
    parameters TEXT, signature TEXT
);
CREATE TABLE function_calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, caller_id TEXT NOT NULL, callee_id TEXT, callee_name TEXT NOT NULL,
    line INTEGER NOT NULL, column_num INTEGER DEFAULT 0, resolved INTEGER DEFAULT 0, confidence REAL DEFAULT 0.5,
    argument_count INTEGER DEFAULT 0
);
CREATE TABLE function_data_access (
    id INTEGER PRIMARY KEY AUTOINCREMENT, function_id TEXT NOT NULL, table_name TEXT NOT NULL, operation TEXT NOT NULL,
    fields TEXT, line INTEGER NOT NULL, confidence REAL DEFAULT 1.0
);

CREATE TABLE audit_snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT, date TEXT NOT NULL UNIQUE, scan_hash TEXT, health_score INTEGER,
    total_patterns INTEGER, auto_approve_eligible INTEGER, flagged_for_review INTEGER, likely_false_positives INTEGER,
    duplicate_candidates INTEGER, avg_confidence REAL, cross_validation_score REAL, summary TEXT
);
CREATE TABLE pattern_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, date TEXT NOT NULL, pattern_id TEXT NOT NULL, action TEXT NOT NULL,
    previous_status TEXT, new_status TEXT, changed_by TEXT, details TEXT
);
CREATE TABLE health_trends (
    id INTEGER PRIMARY KEY AUTOINCREMENT, date TEXT NOT NULL UNIQUE, health_score INTEGER, avg_confidence REAL,
    total_patterns INTEGER, approved_count INTEGER, duplicate_groups INTEGER, cross_validation_score REAL
);
CREATE TABLE scan_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, scan_id TEXT NOT NULL UNIQUE, started_at TEXT NOT NULL, completed_at TEXT,
    duration_ms INTEGER, files_scanned INTEGER, patterns_found INTEGER, patterns_approved INTEGER,
    errors INTEGER DEFAULT 0, status TEXT DEFAULT 'running', error_message TEXT, checksum TEXT
);

CREATE TABLE dna_profile (
    id INTEGER PRIMARY KEY CHECK (id = 1), version TEXT NOT NULL DEFAULT '1.0.0', generated_at TEXT NOT NULL,
    health_score INTEGER, genetic_diversity REAL, summary TEXT
);
CREATE TABLE dna_genes (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, dominant_variant TEXT, frequency REAL, confidence REAL, variants TEXT,
    evidence TEXT
);
CREATE TABLE dna_mutations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, gene_id TEXT NOT NULL REFERENCES dna_genes (id) ON DELETE CASCADE,
    file TEXT NOT NULL, line INTEGER NOT NULL, expected TEXT, actual TEXT, impact TEXT, reason TEXT
);
CREATE TABLE test_files (
    id INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL UNIQUE, test_framework TEXT, test_count INTEGER DEFAULT 0,
    last_run TEXT, status TEXT DEFAULT 'unknown'
);
CREATE TABLE test_coverage (
    id INTEGER PRIMARY KEY AUTOINCREMENT, test_file TEXT NOT NULL, source_file TEXT NOT NULL, function_id TEXT,
    coverage_type TEXT, confidence REAL DEFAULT 1.0, UNIQUE (test_file, source_file, function_id)
);
CREATE TABLE constants (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, value TEXT, type TEXT, category TEXT, file TEXT NOT NULL,
    line INTEGER NOT NULL, language TEXT, exported INTEGER DEFAULT 0, is_magic INTEGER DEFAULT 0,
    is_secret INTEGER DEFAULT 0, usage_count INTEGER DEFAULT 0
);
CREATE TABLE constant_usages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, constant_id TEXT NOT NULL REFERENCES constants (id) ON DELETE CASCADE,
    file TEXT NOT NULL, line INTEGER NOT NULL, context TEXT
);
CREATE TABLE decisions (
    id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT, category TEXT, status TEXT DEFAULT 'discovered',
    confidence REAL DEFAULT 0.0, commit_hash TEXT, commit_date TEXT, author TEXT, files_affected TEXT,
    patterns_affected TEXT, discovered_at TEXT NOT NULL DEFAULT (datetime('now')), confirmed_at TEXT, confirmed_by TEXT
);
CREATE TABLE module_coupling (
    id INTEGER PRIMARY KEY AUTOINCREMENT, source_module TEXT NOT NULL, target_module TEXT NOT NULL, coupling_type TEXT,
    strength INTEGER DEFAULT 1, UNIQUE (source_module, target_module, coupling_type)
);
CREATE TABLE coupling_cycles (
    id INTEGER PRIMARY KEY AUTOINCREMENT, cycle_hash TEXT NOT NULL UNIQUE, modules TEXT NOT NULL,
    length INTEGER NOT NULL, severity TEXT, detected_at TEXT NOT NULL DEFAULT (datetime('now'))
);
CREATE TABLE error_boundaries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, line INTEGER NOT NULL, type TEXT, catches TEXT,
    rethrows INTEGER DEFAULT 0, logs INTEGER DEFAULT 0, swallows INTEGER DEFAULT 0
);
CREATE TABLE error_handling_gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, line INTEGER NOT NULL, function_id TEXT, gap_type TEXT,
    severity TEXT, description TEXT
);
CREATE TABLE wrappers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, file TEXT NOT NULL, line INTEGER NOT NULL, category TEXT, wraps TEXT,
    confidence REAL DEFAULT 0.0, usage_count INTEGER DEFAULT 0
);
CREATE TABLE wrapper_clusters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, cluster_name TEXT NOT NULL, category TEXT, wrapper_ids TEXT NOT NULL,
    confidence REAL DEFAULT 0.0, pattern_description TEXT
);
CREATE TABLE quality_gate_runs (
    id TEXT PRIMARY KEY, branch TEXT, base_branch TEXT, started_at TEXT NOT NULL, completed_at TEXT,
    status TEXT DEFAULT 'running', gates_run TEXT, results TEXT, policy TEXT
);
CREATE TABLE quality_gate_snapshots (
    id INTEGER PRIMARY KEY AUTOINCREMENT, branch TEXT NOT NULL, snapshot_at TEXT NOT NULL, health_score INTEGER,
    pattern_count INTEGER, violation_count INTEGER, data TEXT
);
CREATE TABLE learned_patterns (
    id INTEGER PRIMARY KEY AUTOINCREMENT, detector_id TEXT NOT NULL, pattern_signature TEXT NOT NULL,
    occurrences INTEGER DEFAULT 1, confidence REAL DEFAULT 0.0, first_seen TEXT NOT NULL DEFAULT (datetime('now')),
    last_seen TEXT NOT NULL DEFAULT (datetime('now')), auto_approved INTEGER DEFAULT 0,
    UNIQUE (detector_id, pattern_signature)
);
CREATE TABLE sync_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT, table_name TEXT NOT NULL, row_id TEXT NOT NULL, operation TEXT NOT NULL,
    timestamp TEXT NOT NULL DEFAULT (datetime('now')), synced INTEGER DEFAULT 0
);

-- One row, or a few, of each.

INSERT INTO project VALUES
    ('schema_version', 'Drift Schema', '.', '2.0.0', 1, '2026-01-20 08:00:00', '2026-01-20 08:00:00'),
    ('p1', 'shop', '/home/ada/shop', '0.9.47', 1, '2026-01-20 08:00:00', '2026-01-20 08:00:00');
INSERT INTO config VALUES ('learning.minOccurrences', '3', '2026-01-20 08:00:00');
INSERT INTO feature_flags VALUES ('callGraph', 1, '2026-01-20T08:00:00.000Z', '{"depth":3}');

INSERT INTO patterns VALUES
    ('aaaaaaaaaaaaaaaa', 'Routes are plural', 'as they say', 'api', 'routes', 'approved', 0.91, 'uncertain', 0.5, 0.9, 3.0, 2,
     'regex', '{"detectorId":"api/routes"}', 'warning', 0, '2026-01-01 10:00:00', '2026-01-30T10:00:00.000Z',
     '2026-01-15 12:30:00', 'ada', '["api"]', 'auto-detected', 2, 1),
    ('bbbbbbbbbbbbbbbb', 'Moved by the old migration', NULL, 'errors', NULL, 'discovered', 0.0, 'uncertain', NULL, NULL, NULL,
     NULL, NULL, NULL, 'info', 0, '2026-01-20 08:00:00', '2026-01-20 08:00:00', NULL, NULL, NULL, NULL, 0, 0),
    ('cccccccccccccccc', 'Of a kind of its own', NULL, 'plc', NULL, 'ignored', 'high', 'low', NULL, NULL, NULL, NULL, 'ladder',
     'not json', 'info', 0, 'long ago', '2026-01-20 08:00:00', NULL, NULL, NULL, NULL, 0, 0);
INSERT INTO pattern_locations (pattern_id, file, line, column_num, is_outlier, outlier_reason, snippet) VALUES
    ('aaaaaaaaaaaaaaaa', '/home/ada/shop/src/a.ts', 3, 5, 0, NULL, 'get("/users")'),
    ('aaaaaaaaaaaaaaaa', 'src/a.ts', 9, NULL, 1, 'singular', NULL),
    ('aaaaaaaaaaaaaaaa', '/etc/passwd', 1, 0, 0, NULL, NULL),
    ('gone', 'src/a.ts', 1, 0, 0, NULL, NULL);
INSERT INTO pattern_variants VALUES
    ('v1', 'aaaaaaaaaaaaaaaa', 'old routes', 'directory', '/home/ada/shop/src/old', 'as they were',
     '[{"file":"/home/ada/shop/src/old/a.ts","line":3}]', 1, '2026-01-20 08:00:00', 'ada', NULL);
INSERT INTO pattern_examples (pattern_id, file, line, end_line, code, extracted_at) VALUES
    ('aaaaaaaaaaaaaaaa', 'src/a.ts', 3, 4, 'get("/users")', '2026-01-20 08:00:00');

INSERT INTO contracts (id, method, endpoint, normalized_endpoint, status, backend_file, backend_line, mismatches,
    first_seen, last_seen, verified_at, verified_by) VALUES
    ('contract-get-0123456789ab', 'GET', '/users/:id', '/users/{id}', 'verified', 'src/a.ts', 3, '[]',
     '2026-01-01 10:00:00', '2026-01-20 08:00:00', '2026-01-16 09:00:00', 'ada');
INSERT INTO contract_frontends (contract_id, method, path, normalized_path, file, line, library) VALUES
    ('contract-get-0123456789ab', 'GET', '/users/1', '/users/{id}', 'web/users.ts', 7, 'fetch');
INSERT INTO constraints (id, name, category, status, invariant, enforcement_level, created_at, updated_at, approved_by,
    notes) VALUES
    ('constraint-auth-0123456789ab', 'Log in first', 'auth', 'approved', '{"type":"must_have","condition":"a session"}',
     'error', '2026-01-01 10:00:00', '2026-01-20 08:00:00', 'ada', 'by the lawyers');

INSERT INTO data_models (name, table_name, file, line, fields) VALUES ('User', 'users', 'src/model.ts', 3, '["email"]');
INSERT INTO sensitive_fields (table_name, field_name, sensitivity) VALUES
    ('users', 'email', 'pii'), ('unknown', 'password', 'auth');
INSERT INTO data_access_points VALUES
    ('src/a.ts:4:2:users', 'users', 'read', 'src/a.ts', 4, 2, 'users.find()', '["email"]', 0, 0.9, 'src/a.ts:list:3');
INSERT INTO env_variables VALUES
    ('PORT', 'config', 1, 0, NULL), ('API_SECRET', 'secret', 1, 1, 'correct horse battery');
INSERT INTO env_access_points VALUES
    ('src/env.ts:1:0:PORT', 'PORT', 'process.env', 'src/env.ts', 1, 0, 'process.env.PORT ?? 3000', 'typescript', 0.9, 1, '3000', 0),
    ('src/env.ts:2:0:API_SECRET', 'API_SECRET', 'process.env', 'src/env.ts', 2, 0,
     'process.env.API_SECRET ?? "correct horse battery"', 'typescript', 0.9, 1, 'correct horse battery', 1);

INSERT INTO functions (id, name, qualified_name, file, start_line, end_line, language, is_exported, is_async, signature)
VALUES
    ('src/a.ts:list:3', 'list', NULL, 'src/a.ts', 3, 6, 'typescript', 1, 1, 'list()'),
    ('src/a.ts:total:8', 'total', 'Cart.total', 'src/a.ts', 8, 9, 'typescript', 0, 0, NULL);
INSERT INTO function_calls (caller_id, callee_id, callee_name, line, resolved, confidence, argument_count) VALUES
    ('src/a.ts:list:3', 'src/a.ts:total:8', 'total', 5, 1, 0.95, 2),
    ('src/a.ts:list:3', NULL, 'fetch', 5, 0, 0.0, 1),
    ('nobody', NULL, 'fetch', 5, 0, 0.0, 1);
INSERT INTO function_data_access (function_id, table_name, operation, fields, line, confidence) VALUES
    ('src/a.ts:list:3', 'users', 'read', '["email","name"]', 4, 0.8);

INSERT INTO audit_snapshots (date, scan_hash, health_score, total_patterns) VALUES
    ('2026-01-30', 'd4', 76, 3), ('2026-01-31', 'd4', NULL, NULL);
INSERT INTO pattern_history (date, pattern_id, action, previous_status, new_status, changed_by) VALUES
    ('2026-01-15 12:30:00', 'aaaaaaaaaaaaaaaa', 'approved', 'discovered', 'approved', 'ada');
INSERT INTO health_trends (date, health_score, approved_count) VALUES ('2026-01-30', 76, 558);
INSERT INTO scan_history (scan_id, started_at, completed_at, files_scanned) VALUES
    ('s1', '2026-01-20 08:00:00', '2026-01-20 08:00:09', 12), ('s2', '2026-01-20 09:00:00', NULL, NULL);

INSERT INTO dna_profile (id, generated_at, health_score, summary) VALUES (1, '2026-01-20 08:00:00', 80, '{"files":2}');
INSERT INTO dna_genes (id, name, dominant_variant, variants) VALUES ('theming', 'Theming', 'variables', '[{"id":"variables"}]');
INSERT INTO dna_mutations (gene_id, file, line, expected, actual, impact) VALUES
    ('theming', 'web/a.css', 2, 'variables', 'literals', 'low');
INSERT INTO test_files (file, test_framework, test_count) VALUES ('tests/a.test.ts', 'vitest', 4);
INSERT INTO test_coverage (test_file, source_file, function_id, coverage_type) VALUES
    ('tests/a.test.ts', 'src/a.ts', NULL, 'unit'), ('tests/a.test.ts', 'src/a.ts', NULL, 'unit');
INSERT INTO constants (id, name, value, category, file, line, is_secret) VALUES
    ('src/c.ts:LIMIT:1', 'LIMIT', '10', 'limit', '/home/ada/shop/src/c.ts', 1, 0),
    ('src/c.ts:ADMIN_PASSWORD:2', 'ADMIN_PASSWORD', 'correct horse battery', 'security', 'src/c.ts', 2, 0);
INSERT INTO constant_usages (constant_id, file, line) VALUES ('src/c.ts:LIMIT:1', 'src/a.ts', 5);
INSERT INTO decisions (id, title, category, status, commit_hash, commit_date, files_affected, discovered_at, confirmed_at) VALUES
    ('d1', 'Use SQLite', 'technology-adoption', 'confirmed', '3f2c1ab', '2026-01-02T08:00:00+01:00', '["src/a.ts"]',
     '2026-01-20 08:00:00', '2026-01-21 08:00:00');
INSERT INTO module_coupling (source_module, target_module, coupling_type, strength) VALUES
    ('src/a.ts', 'src/b.ts', 'import', 2), ('src/b.ts', '', 'import', 0);
INSERT INTO coupling_cycles (cycle_hash, modules, length, severity, detected_at) VALUES
    ('src/b.ts->src/a.ts', '["src/b.ts","src/a.ts"]', 2, 'info', '2026-01-20 08:00:00');
INSERT INTO error_boundaries (file, line, type, catches, logs) VALUES ('src/a.ts', 4, 'try-catch', '["Error"]', 1);
INSERT INTO error_handling_gaps (file, line, function_id, gap_type, severity) VALUES
    ('src/a.ts', 5, 'src/a.ts:list:3', 'unhandled', 'high');
INSERT INTO wrappers (id, name, file, line, category, wraps) VALUES ('w1', 'useCart', 'web/cart.ts', 1, 'state-management', 'useState');
INSERT INTO wrapper_clusters (cluster_name, wrapper_ids) VALUES ('carts', '["w1"]');
INSERT INTO quality_gate_runs (id, branch, started_at, completed_at, status, gates_run) VALUES
    ('run-1', 'main', '2026-01-20 08:00:00', '2026-01-20 08:00:01', 'passed', '["regression"]');
INSERT INTO quality_gate_snapshots (branch, snapshot_at, health_score) VALUES ('main', '2026-01-20 08:00:00', 76);
INSERT INTO learned_patterns (detector_id, pattern_signature, occurrences, first_seen, last_seen) VALUES
    ('api/routes', 'case=plural', 9, '2026-01-01 10:00:00', '2026-01-20 08:00:00');
INSERT INTO sync_log (table_name, row_id, operation, synced) VALUES
    ('patterns', 'aaaaaaaaaaaaaaaa', 'INSERT', 0), ('patterns', 'aaaaaaaaaaaaaaaa', 'UPDATE', 0);

-- A fork's own, which nobody here knows.
CREATE TABLE st_blocks (id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO st_blocks (body) VALUES ('one'), ('two'), ('three');
