-- Rules that the code has to keep, derived from it or set by a person. As the predecessor's; `category` is checked.

-- one row per rule
CREATE TABLE constraints (
    id TEXT NOT NULL PRIMARY KEY,                  -- 'constraint-<category>-<12 hex digits>'
    name TEXT NOT NULL,
    description TEXT,
    category TEXT NOT NULL CHECK (category IN (
        'api', 'auth', 'data', 'error', 'test', 'security', 'structural', 'performance', 'logging', 'validation'
    )),
    status TEXT NOT NULL DEFAULT 'discovered' CHECK (status IN ('discovered', 'approved', 'ignored', 'custom')),
    language TEXT NOT NULL DEFAULT 'all',
    invariant TEXT NOT NULL CHECK (json_valid(invariant)),  -- {type, condition, predicate}
    scope TEXT CHECK (scope IS NULL OR json_valid(scope)),          -- {files?, directories?, functions?, classes?, entryPoints?, exclude?}; NULL = everywhere
    enforcement_level TEXT NOT NULL DEFAULT 'warning' CHECK (enforcement_level IN ('error', 'warning', 'info')),
    enforcement_message TEXT,
    enforcement_autofix TEXT,
    confidence_score REAL NOT NULL DEFAULT 0.0 CHECK (confidence_score BETWEEN 0 AND 1),
    confidence_evidence INTEGER NOT NULL DEFAULT 0 CHECK (confidence_evidence >= 0),      -- places that keep it
    confidence_violations INTEGER NOT NULL DEFAULT 0 CHECK (confidence_violations >= 0),  -- places that do not
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
