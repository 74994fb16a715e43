-- What a memory speaks of, and how memories stand to each other.
--
-- Links are believed for a time as memories are: recorded_at <= t < recorded_to, NULL = now. A link is closed,
-- never deleted, so that a question about the past finds the links of that time.
--
-- Files, functions, patterns and constraints live in drift.db or in the tree; a foreign key cannot cross databases,
-- so these are named by their public ids.
--
-- Where this differs from the predecessor, and why: `created_at` is `recorded_at`, because it now has an end;
-- `memory_files` allows several citations of one file; `memory_id` is `memory_key` (the views give the id).

-- one row per relationship from one memory to another, for the time it was believed
CREATE TABLE memory_relationships (
    key INTEGER PRIMARY KEY,
    source_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    target_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    relationship TEXT NOT NULL CHECK (relationship IN (
        'supersedes', 'supports', 'contradicts', 'related', 'derived_from'
    )),
    strength REAL NOT NULL DEFAULT 1.0 CHECK (strength BETWEEN 0.0 AND 1.0),
    recorded_at TEXT NOT NULL CHECK (recorded_at GLOB '????-??-??T??:??:??.???Z'),
    recorded_to TEXT CHECK (recorded_to GLOB '????-??-??T??:??:??.???Z'),
    CHECK (source_key <> target_key),
    CHECK (recorded_to IS NULL OR recorded_to > recorded_at)
) STRICT;

CREATE UNIQUE INDEX memory_relationships_believed_now
    ON memory_relationships (source_key, target_key, relationship) WHERE recorded_to IS NULL;
CREATE INDEX memory_relationships_source ON memory_relationships (source_key);
CREATE INDEX memory_relationships_target ON memory_relationships (target_key);

-- one row per citation: a file, or some of its lines, that a memory speaks of
CREATE TABLE memory_files (
    key INTEGER PRIMARY KEY,
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    file_path TEXT NOT NULL CHECK (file_path <> ''),               -- relative to the project's root, with '/'
    line_start INTEGER CHECK (line_start >= 1),                    -- counts from 1; NULL = the whole file
    line_end INTEGER CHECK (line_end >= line_start),               -- inclusive
    content_hash BLOB CHECK (length(content_hash) = 16),           -- of the cited text without white space; NULL = no such file then
    content_length INTEGER CHECK (content_length >= 0),            -- bytes of UTF-8 that were hashed
    recorded_at TEXT NOT NULL CHECK (recorded_at GLOB '????-??-??T??:??:??.???Z'),
    recorded_to TEXT CHECK (recorded_to GLOB '????-??-??T??:??:??.???Z'),
    file_hash BLOB CHECK (length(file_hash) = 16),                 -- of the whole file without white space, then
    copies INTEGER CHECK (copies >= 1),                            -- how often the text stood in its file, as whole lines; NULL = not counted
    flagged TEXT CHECK (flagged IN ('changed', 'gone')),           -- what validation found when it lowered the confidence; NULL = it did not
    CHECK ((line_start IS NULL) = (line_end IS NULL)),
    CHECK ((content_hash IS NULL) = (content_length IS NULL)),
    CHECK (recorded_to IS NULL OR recorded_to > recorded_at)
) STRICT;

CREATE UNIQUE INDEX memory_files_believed_now
    ON memory_files (memory_key, file_path, ifnull(line_start, 0), ifnull(line_end, 0)) WHERE recorded_to IS NULL;
CREATE INDEX memory_files_memory ON memory_files (memory_key);
CREATE INDEX memory_files_path ON memory_files (file_path);

-- one row per function that a memory speaks of
CREATE TABLE memory_functions (
    key INTEGER PRIMARY KEY,
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    function_id TEXT NOT NULL CHECK (function_id <> ''),           -- drift.db's public id: path::qualified_name
    recorded_at TEXT NOT NULL CHECK (recorded_at GLOB '????-??-??T??:??:??.???Z'),
    recorded_to TEXT CHECK (recorded_to GLOB '????-??-??T??:??:??.???Z'),
    content_hash BLOB CHECK (length(content_hash) = 16),           -- of its text without white space; NULL = it was not known then
    content_length INTEGER CHECK ((content_length IS NULL) = (content_hash IS NULL)),  -- bytes of UTF-8 that were hashed
    file_hash BLOB CHECK (length(file_hash) = 16),                 -- of its whole file without white space, then
    copies INTEGER CHECK (copies >= 1),                            -- how often its text stood there, as whole lines; NULL = not counted
    owner TEXT,                                                    -- the name in a line it was indented under; '' = it stood at the margin; NULL = not known
    flagged TEXT CHECK (flagged IN ('changed', 'gone')),           -- what validation found when it lowered the confidence; NULL = it did not
    CHECK (recorded_to IS NULL OR recorded_to > recorded_at)
) STRICT;

CREATE UNIQUE INDEX memory_functions_believed_now
    ON memory_functions (memory_key, function_id) WHERE recorded_to IS NULL;
CREATE INDEX memory_functions_memory ON memory_functions (memory_key);
CREATE INDEX memory_functions_function ON memory_functions (function_id);

-- one row per pattern that a memory speaks of
CREATE TABLE memory_patterns (
    key INTEGER PRIMARY KEY,
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    pattern_id TEXT NOT NULL CHECK (pattern_id <> ''),             -- drift.db's patterns.id
    recorded_at TEXT NOT NULL CHECK (recorded_at GLOB '????-??-??T??:??:??.???Z'),
    recorded_to TEXT CHECK (recorded_to GLOB '????-??-??T??:??:??.???Z'),
    CHECK (recorded_to IS NULL OR recorded_to > recorded_at)
) STRICT;

CREATE UNIQUE INDEX memory_patterns_believed_now
    ON memory_patterns (memory_key, pattern_id) WHERE recorded_to IS NULL;
CREATE INDEX memory_patterns_memory ON memory_patterns (memory_key);
CREATE INDEX memory_patterns_pattern ON memory_patterns (pattern_id);

-- one row per constraint that a memory speaks of
CREATE TABLE memory_constraints (
    key INTEGER PRIMARY KEY,
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    constraint_id TEXT NOT NULL CHECK (constraint_id <> ''),       -- drift.db's constraints.id
    recorded_at TEXT NOT NULL CHECK (recorded_at GLOB '????-??-??T??:??:??.???Z'),
    recorded_to TEXT CHECK (recorded_to GLOB '????-??-??T??:??:??.???Z'),
    CHECK (recorded_to IS NULL OR recorded_to > recorded_at)
) STRICT;

CREATE UNIQUE INDEX memory_constraints_believed_now
    ON memory_constraints (memory_key, constraint_id) WHERE recorded_to IS NULL;
CREATE INDEX memory_constraints_memory ON memory_constraints (memory_key);
CREATE INDEX memory_constraints_constraint ON memory_constraints (constraint_id);
