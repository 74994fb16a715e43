-- The files of the project and what reading each of them gave. New here; the predecessor kept hashes in a JSON manifest.

-- one row per file that a scan saw, also when it was skipped or could not be read
CREATE TABLE file_metadata (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    language TEXT,                                 -- 'python', 'typescript', 'tsx', 'javascript', 'prisma', 'sql'; NULL = none that we read
    size INTEGER NOT NULL CHECK (size >= 0),       -- bytes
    lines INTEGER NOT NULL DEFAULT 0 CHECK (lines >= 0),
    content_hash BLOB CHECK (length(content_hash) = 16),  -- the first 16 bytes of BLAKE3; NULL = the content was not read
    mtime_secs INTEGER NOT NULL,
    mtime_nanos INTEGER NOT NULL DEFAULT 0 CHECK (mtime_nanos BETWEEN 0 AND 999999999),
    status TEXT NOT NULL DEFAULT 'scanned' CHECK (status IN ('scanned', 'skipped', 'failed')),
    skip_reason TEXT,                              -- a kind of file_problems; NULL unless status = 'skipped'
    is_test INTEGER NOT NULL DEFAULT 0 CHECK (is_test IN (0, 1)),
    last_scanned TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_scanned GLOB '????-??-??T??:??:??.???Z'),
    scan_duration_us INTEGER CHECK (scan_duration_us >= 0),
    function_count INTEGER NOT NULL DEFAULT 0 CHECK (function_count >= 0),  -- functions, methods and classes; not the module body
    pattern_count INTEGER NOT NULL DEFAULT 0 CHECK (pattern_count >= 0),    -- distinct patterns with a location here
    error_count INTEGER NOT NULL DEFAULT 0 CHECK (error_count >= 0),        -- rows of file_problems
    error TEXT,                                    -- why it failed; NULL unless status = 'failed'
    source TEXT NOT NULL DEFAULT 'scan'            -- who told of it last: 'scan', or another scanner by `drift ingest`
) STRICT;

CREATE INDEX idx_file_metadata_language ON file_metadata (language);
CREATE INDEX idx_file_metadata_failed ON file_metadata (path) WHERE error IS NOT NULL;

-- one row per scanned file: its facts, compressed, so that re-linking loads them instead of parsing
CREATE TABLE file_facts (
    file_id INTEGER PRIMARY KEY REFERENCES file_metadata (id) ON DELETE CASCADE,
    extractor TEXT NOT NULL,                       -- version that made them; facts of another version are made anew
    facts BLOB NOT NULL                            -- scan.facts.pack
) STRICT;

-- one row per name that linking a file asked the whole project for: absent then, or decided by being the only one.
-- With `imports` this says which files an edit elsewhere can reach.
CREATE TABLE name_dependencies (
    name TEXT NOT NULL,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    PRIMARY KEY (name, file_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_name_dependencies_file ON name_dependencies (file_id);

-- one row per reason why a file, or a part of it, was not read
CREATE TABLE file_problems (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN (
        'syntax', 'encoding', 'too_large', 'minified', 'generated', 'binary', 'vendored', 'unreadable', 'symlink', 'crash', 'name',
        'comment'                                  -- a drift-ignore comment that asks for what is not there
    )),
    line INTEGER CHECK (line >= 1),                -- NULL = the whole file
    message TEXT NOT NULL
) STRICT;

CREATE INDEX idx_file_problems_file ON file_problems (file_id);
CREATE INDEX idx_file_problems_kind ON file_problems (kind);

-- one row per import statement and name that it brings in
CREATE TABLE imports (
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),  -- counts the imports of the file, in source order
    line INTEGER NOT NULL CHECK (line >= 1),
    module TEXT NOT NULL,                          -- as written: 'a.b', '..sibling', './x', '@scope/name'
    name TEXT,                                     -- NULL = the module itself; '*' = all that it offers; 'default'
    alias TEXT,                                    -- the name bound here; NULL = none is
    resolved_file_id INTEGER REFERENCES file_metadata (id) ON DELETE SET NULL,  -- NULL = outside the project, or not found
    PRIMARY KEY (file_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_imports_resolved ON imports (resolved_file_id) WHERE resolved_file_id IS NOT NULL;
