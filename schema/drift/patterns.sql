-- Conventions that the code keeps to, the places that keep to them, and the places that do not.
--
-- Where this file differs from the predecessor, and why:
--   * `patterns.key` is what the many locations refer to; `id`, 16 hex digits, stays the public id.
--   * `hash`, `parent_id`, `convention` and `dominant_variant` are new; `category` is checked.
--   * `pattern_locations` has no id: a place is its pattern, file, line and column. `variant` is new.
--   * The predecessor counted locations by triggers, twice per inserted row. `location_count` (places that keep to the
--     pattern) and `outlier_count` (places that do not) are recounted once per change instead.

-- one row per convention that was found, or taken over
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
    convention TEXT,                               -- key of the question that it answers; NULL = not found by counting
    dominant_variant TEXT,                         -- the answer that it states; the other answers are its outliers
    -- A person's verdict. A scan inserts 'discovered' and never writes these four again.
    status TEXT NOT NULL DEFAULT 'discovered' CHECK (status IN ('discovered', 'approved', 'ignored')),
    approved_at TEXT CHECK (approved_at GLOB '????-??-??T??:??:??.???Z'),
    approved_by TEXT,
    status_reason TEXT,                            -- in the words of who gave the verdict
    confidence_score REAL NOT NULL DEFAULT 0.0 CHECK (confidence_score BETWEEN 0 AND 1),
    confidence_level TEXT NOT NULL DEFAULT 'uncertain' CHECK (confidence_level IN ('high', 'medium', 'low', 'uncertain')),
    confidence_frequency REAL,                     -- share of the places that keep to it
    confidence_consistency REAL,                   -- share of the files in which every place keeps to it
    confidence_age REAL,                           -- days since it was first seen
    confidence_spread INTEGER,                     -- files
    detector_type TEXT CHECK (detector_type IN ('ast', 'regex', 'semantic', 'structural', 'custom')),
    detector_config TEXT CHECK (detector_config IS NULL OR json_valid(detector_config)),
    severity TEXT NOT NULL DEFAULT 'info' CHECK (severity IN ('error', 'warning', 'info', 'hint')),  -- of its outliers
    auto_fixable INTEGER NOT NULL DEFAULT 0 CHECK (auto_fixable IN (0, 1)),
    first_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (first_seen GLOB '????-??-??T??:??:??.???Z'),
    last_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_seen GLOB '????-??-??T??:??:??.???Z'),
    tags TEXT CHECK (tags IS NULL OR json_valid(tags)),
    source TEXT,                                   -- 'scan', 'upgrade', or the other scanner's name
    hash TEXT,                                     -- of what it states, to tell duplicates
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

-- one row per answer that a convention's question was given in one family of languages
CREATE TABLE convention_answers (
    id INTEGER PRIMARY KEY,
    convention TEXT NOT NULL,                      -- key of the question
    family TEXT NOT NULL,                          -- 'python', 'javascript'
    choice TEXT NOT NULL,
    UNIQUE (convention, family, choice)
) STRICT;

-- one row per place that gives an answer, also where no habit has come of it yet: what patterns are decided from
CREATE TABLE convention_evidence (
    answer_id INTEGER NOT NULL REFERENCES convention_answers (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 0),
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    PRIMARY KEY (answer_id, file_id, line, column_num)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_convention_evidence_file ON convention_evidence (file_id);

-- one row per place that answers a pattern's question, for it or against it
CREATE TABLE pattern_locations (
    pattern_key INTEGER NOT NULL REFERENCES patterns (key) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 0),
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    end_line INTEGER,
    end_column INTEGER,
    variant TEXT,                                  -- the answer that this place gives; NULL = the pattern has no alternatives
    is_outlier INTEGER NOT NULL DEFAULT 0 CHECK (is_outlier IN (0, 1)),
    outlier_reason TEXT,
    deviation_score REAL,
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    snippet TEXT,
    PRIMARY KEY (pattern_key, file_id, line, column_num)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_pattern_locations_file ON pattern_locations (file_id);
CREATE INDEX idx_pattern_locations_outlier ON pattern_locations (pattern_key, file_id) WHERE is_outlier = 1;

-- one row per exception that was granted: here, something else than the pattern is right
CREATE TABLE pattern_variants (
    id TEXT NOT NULL PRIMARY KEY,
    pattern_id TEXT NOT NULL REFERENCES patterns (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    scope TEXT NOT NULL CHECK (scope IN ('global', 'directory', 'file')),
    scope_value TEXT,                              -- the folder or file; NULL for 'global'
    reason TEXT NOT NULL,
    locations TEXT CHECK (locations IS NULL OR json_valid(locations)),  -- [{file, line, column?}]
    active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    created_by TEXT,
    expires_at TEXT CHECK (expires_at GLOB '????-??-??T??:??:??.???Z')
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_pattern_variants_pattern ON pattern_variants (pattern_id);

-- one row per piece of code that shows a pattern well
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

-- one row per wish not to hear of a pattern: a `drift-ignore` comment, or a person's word
CREATE TABLE pattern_suppressions (
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL CHECK (scope IN ('global', 'category', 'file', 'line')),
    path TEXT,                                     -- the file's, from the root; not a link: a person's word outlives a change of branch
    line INTEGER CHECK (line >= 1),                -- the first one
    end_line INTEGER CHECK (end_line >= line),     -- the last one, inclusive
    category TEXT,
    pattern_id TEXT,                               -- NULL = all patterns; no link: patterns come and go with the code
    detector_id TEXT,                              -- key of a convention; NULL = all
    reason TEXT NOT NULL,
    created_by TEXT,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    expires_at TEXT CHECK (expires_at GLOB '????-??-??T??:??:??.???Z'),  -- NULL = never
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),  -- 1 also from expires_at to the next count of outliers
    deactivated_at TEXT CHECK (deactivated_at GLOB '????-??-??T??:??:??.???Z'),
    deactivation_reason TEXT CHECK (deactivation_reason IN ('expired', 'removed', 'manual')),
    origin TEXT NOT NULL DEFAULT 'person' CHECK (origin IN ('person', 'comment')),  -- a scan rewrites those of comments alone
    CHECK ((scope IN ('file', 'line')) = (path IS NOT NULL)),
    CHECK ((scope = 'line') = (line IS NOT NULL)),
    CHECK ((scope = 'line') = (end_line IS NOT NULL)),
    CHECK (scope <> 'category' OR category IS NOT NULL)
) STRICT;

CREATE INDEX idx_pattern_suppressions_place ON pattern_suppressions (path, line);
CREATE INDEX idx_pattern_suppressions_pattern ON pattern_suppressions (pattern_id);
CREATE INDEX idx_pattern_suppressions_expiry ON pattern_suppressions (expires_at) WHERE is_active = 1;

-- Words of patterns, for free-text search. External content: the text stands in `patterns` only.
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
