-- Constants and where they are used. As the predecessor's; files are links, and ids are integers because rows are many.
-- v_constants gives the old text id `file:name:line`. The value of a secret is redacted before it comes here.

-- one row per constant that the code declares, or writes out in place
CREATE TABLE constants (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    value TEXT,                                    -- redacted when is_secret
    type TEXT,
    category TEXT CHECK (category IN (
        'config', 'api', 'status', 'error', 'feature_flag', 'limit', 'regex', 'path', 'env', 'security', 'uncategorized'
    )),
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    language TEXT,
    exported INTEGER NOT NULL DEFAULT 0 CHECK (exported IN (0, 1)),
    is_magic INTEGER NOT NULL DEFAULT 0 CHECK (is_magic IN (0, 1)),    -- written out in place, without a name
    is_secret INTEGER NOT NULL DEFAULT 0 CHECK (is_secret IN (0, 1)),
    usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0)
) STRICT;

CREATE INDEX idx_constants_file ON constants (file_id);
CREATE INDEX idx_constants_category ON constants (category);

-- one row per place that uses a constant
CREATE TABLE constant_usages (
    id INTEGER PRIMARY KEY,
    constant_id INTEGER NOT NULL REFERENCES constants (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    context TEXT
) STRICT;

CREATE INDEX idx_constant_usages_constant ON constant_usages (constant_id);
CREATE INDEX idx_constant_usages_file ON constant_usages (file_id);
