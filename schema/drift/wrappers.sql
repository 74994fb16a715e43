-- Functions that wrap others. As the predecessor's; a wrapper's file is a link.

-- one row per function that mainly wraps another
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
    wraps TEXT,                                    -- what it wraps, dotted when it comes from outside
    confidence REAL NOT NULL DEFAULT 0.0 CHECK (confidence BETWEEN 0 AND 1),
    usage_count INTEGER NOT NULL DEFAULT 0 CHECK (usage_count >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_wrappers_file ON wrappers (file_id);
CREATE INDEX idx_wrappers_category ON wrappers (category);

-- one row per group of wrappers around the same thing
CREATE TABLE wrapper_clusters (
    id INTEGER PRIMARY KEY,
    cluster_name TEXT NOT NULL,
    category TEXT,
    wrapper_ids TEXT NOT NULL CHECK (json_valid(wrapper_ids)),  -- [wrapper id]
    confidence REAL NOT NULL DEFAULT 0.0 CHECK (confidence BETWEEN 0 AND 1),
    pattern_description TEXT
) STRICT;
