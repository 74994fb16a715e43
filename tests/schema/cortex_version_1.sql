-- What is remembered, and what was believed when.
--
-- Two times run through this database, each a half-open interval:
--   transaction time  recorded_at <= t < recorded_to   what the store believed at t
--   valid time        valid_from  <= t < valid_until   when that was true of the project
-- An open end is NULL. Nothing is overwritten: a change closes the current version's recorded_to and adds the
-- next version at the same instant. Forgetting, for privacy, is the only thing that erases.
--
-- Times are UTC text, YYYY-MM-DDTHH:MM:SS.sssZ, so that they compare as text.
--
-- Where this differs from the predecessor's cortex.db, and why:
--   * `memories` held one row that was rewritten in place. What can change now stands in `memory_versions`, under
--     the same column names; the view `v_memories` gives the old shape, one row per memory as believed now.
--   * Rows refer to each other by integer `key`; `id` is still the public text id, and views give it.
--   * `content` holds the object of the memory's type, not the whole memory a second time.
--   * `updated_at` is the current version's `recorded_at`; `supersedes` follows from `memory_relationships`.
--     The views give both.

-- one row per memory type: how fast it fades and how long it stands before it wants a new look
CREATE TABLE memory_types (
    type TEXT NOT NULL PRIMARY KEY,
    half_life_days INTEGER,                        -- confidence halves in this time; NULL = it never fades
    archive_below REAL NOT NULL,                   -- faded confidence under which it is proposed for the archive
    validation_age_days INTEGER NOT NULL           -- unvalidated for longer than this, it wants a look
) STRICT, WITHOUT ROWID;

INSERT INTO memory_types (type, half_life_days, archive_below, validation_age_days) VALUES
    ('core', NULL, 0.0, 365),
    ('tribal', 365, 0.2, 90),
    ('procedural', 180, 0.3, 60),
    ('semantic', 90, 0.3, 30),
    ('episodic', 7, 0.1, 7),
    ('pattern_rationale', 180, 0.3, 60),
    ('constraint_override', 90, 0.2, 30),
    ('decision_context', 180, 0.3, 90),
    ('code_smell', 90, 0.2, 30);

-- one row per memory ever added: what never changes about it, and how often it was used
CREATE TABLE memories (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (id GLOB 'mem_?*'),              -- the public id
    type TEXT NOT NULL REFERENCES memory_types (type) CHECK (type IN (
        'core', 'tribal', 'procedural', 'semantic', 'episodic',
        'pattern_rationale', 'constraint_override', 'decision_context', 'code_smell'
    )),
    created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    created_by TEXT,
    last_accessed TEXT CHECK (last_accessed GLOB '????-??-??T??:??:??.???Z'),
    access_count INTEGER NOT NULL DEFAULT 0 CHECK (access_count >= 0),
    forgotten_at TEXT CHECK (forgotten_at GLOB '????-??-??T??:??:??.???Z')  -- set = a tombstone: its versions are erased
) STRICT;

-- one row per belief: a memory as it was recorded at one instant, up to the next change
CREATE TABLE memory_versions (
    key INTEGER PRIMARY KEY,
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    version INTEGER NOT NULL CHECK (version >= 1),                 -- counts from 1 within its memory
    recorded_at TEXT NOT NULL CHECK (recorded_at GLOB '????-??-??T??:??:??.???Z'),
    recorded_to TEXT CHECK (recorded_to GLOB '????-??-??T??:??:??.???Z'),  -- NULL = believed now
    valid_from TEXT NOT NULL CHECK (valid_from GLOB '????-??-??T??:??:??.???Z'),
    valid_until TEXT CHECK (valid_until GLOB '????-??-??T??:??:??.???Z'),  -- NULL = still true
    content TEXT NOT NULL CHECK (json_type(content) = 'object'),   -- the object of the memory's type
    summary TEXT NOT NULL CHECK (summary <> ''),
    text_key INTEGER NOT NULL REFERENCES memory_texts (key),       -- the wording that search and the model see
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0.0 AND 1.0),  -- as stated; fading is computed when read
    importance TEXT NOT NULL DEFAULT 'normal' CHECK (importance IN ('low', 'normal', 'high', 'critical')),
    tags TEXT NOT NULL DEFAULT '[]' CHECK (json_type(tags) = 'array'),
    archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
    archive_reason TEXT,
    superseded_by INTEGER REFERENCES memories (key),
    last_validated TEXT CHECK (last_validated GLOB '????-??-??T??:??:??.???Z'),
    change TEXT NOT NULL CHECK (change IN (
        'added', 'revised', 'confirmed', 'rejected', 'archived', 'restored',
        'superseded', 'linked', 'validated', 'consolidated', 'imported'
    )),
    reason TEXT,                                                   -- why it was changed, in the words of who did
    changed_by TEXT,
    UNIQUE (memory_key, version),
    CHECK (recorded_to IS NULL OR recorded_to > recorded_at),
    CHECK (valid_until IS NULL OR valid_until >= valid_from)       -- equal = superseded from before it began: never true
) STRICT;

CREATE UNIQUE INDEX memory_versions_believed_now ON memory_versions (memory_key) WHERE recorded_to IS NULL;
CREATE INDEX memory_versions_recorded ON memory_versions (recorded_at);
CREATE INDEX memory_versions_text ON memory_versions (text_key);
CREATE INDEX memory_versions_superseded_by ON memory_versions (superseded_by) WHERE superseded_by IS NOT NULL;

-- one row per verdict of a person or agent on a memory
-- (the old name; rows say which version the verdict made)
CREATE TABLE memory_validation_history (
    key INTEGER PRIMARY KEY,
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    version INTEGER NOT NULL,                                      -- the version that the verdict made
    action TEXT NOT NULL CHECK (action IN ('confirmed', 'rejected', 'modified')),
    previous_confidence REAL NOT NULL CHECK (previous_confidence BETWEEN 0.0 AND 1.0),
    new_confidence REAL NOT NULL CHECK (new_confidence BETWEEN 0.0 AND 1.0),
    feedback TEXT,
    validated_at TEXT NOT NULL CHECK (validated_at GLOB '????-??-??T??:??:??.???Z'),
    validated_by TEXT,
    session_id TEXT,                                               -- names the conversation, when the client says
    FOREIGN KEY (memory_key, version) REFERENCES memory_versions (memory_key, version) ON DELETE CASCADE
) STRICT;

CREATE INDEX memory_validation_history_memory ON memory_validation_history (memory_key, version);
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
-- What full-text search reads. New against the predecessor, which searched by vector only.
--
-- A wording is what search and the embedding model see of a memory. Versions that differ in confidence or archive
-- state share one; a change of content, summary, tags or cited code makes another. Because the index row and the
-- vector belong to a wording, no read can pair a new text with an old vector.

-- one row per wording that a memory ever had; never updated
CREATE TABLE memory_texts (
    key INTEGER PRIMARY KEY,
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    summary TEXT NOT NULL,
    body TEXT NOT NULL,                                            -- every text in the content, a line each
    tags TEXT NOT NULL,
    code TEXT NOT NULL,                                            -- cited paths and names, and the words that identifiers are made of
    text_hash BLOB NOT NULL CHECK (length(text_hash) = 16),        -- of the four columns above
    UNIQUE (memory_key, text_hash)
) STRICT;

CREATE INDEX memory_texts_hash ON memory_texts (text_hash);

-- one row per row of memory_texts: its full-text index (porter stems; any script that separates its words)
CREATE VIRTUAL TABLE memory_fts USING fts5 (
    summary, body, tags, code,
    content = 'memory_texts', content_rowid = 'key',
    tokenize = 'porter unicode61 remove_diacritics 2'
);

-- Triggers, so that the index cannot part from its table whoever writes.
CREATE TRIGGER memory_texts_are_indexed AFTER INSERT ON memory_texts BEGIN
    INSERT INTO memory_fts (rowid, summary, body, tags, code)
    VALUES (new.key, new.summary, new.body, new.tags, new.code);
END;

CREATE TRIGGER memory_texts_leave_the_index AFTER DELETE ON memory_texts BEGIN
    INSERT INTO memory_fts (memory_fts, rowid, summary, body, tags, code)
    VALUES ('delete', old.key, old.summary, old.body, old.tags, old.code);
END;

CREATE TRIGGER memory_texts_never_change BEFORE UPDATE ON memory_texts BEGIN
    SELECT RAISE (ABORT, 'a wording is never updated: add another');
END;
-- Vectors, and which model made them.
--
-- Where this differs from the predecessor, and why: the model was not recorded, so changing it mixed vectors that
-- cannot be compared. Every vector here names its model, vectors of several models stand side by side, and a search
-- reads only those of the model that embeds the question. `memory_embedding_link` keyed vectors by memory; it now
-- keys them by wording, so that an old vector cannot speak for a new text.

-- one row per embedding model that ever made a vector here
CREATE TABLE embedding_models (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,                                        -- sha256 of the weights
    dimensions INTEGER NOT NULL CHECK (dimensions > 0),
    normalisation TEXT NOT NULL CHECK (normalisation IN ('l2', 'none')),
    pooling TEXT NOT NULL,
    max_tokens INTEGER NOT NULL CHECK (max_tokens > 0),            -- longer texts are cut here
    fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 16),  -- of everything above and the tokenizer's vocabulary
    first_used TEXT NOT NULL CHECK (first_used GLOB '????-??-??T??:??:??.???Z')
) STRICT;

-- one row per wording and model: where its vector stands
CREATE TABLE memory_embedding_link (
    embedding_rowid INTEGER PRIMARY KEY,                           -- of memory_vectors and memory_embeddings
    text_key INTEGER NOT NULL REFERENCES memory_texts (key) ON DELETE CASCADE,
    model_key INTEGER NOT NULL REFERENCES embedding_models (key),
    -- pending = marked when the memory was written, the vector follows; none = the model has no meaning for this text
    state TEXT NOT NULL CHECK (state IN ('pending', 'ready', 'none')),
    embedded_at TEXT CHECK (embedded_at GLOB '????-??-??T??:??:??.???Z'),
    UNIQUE (text_key, model_key),
    CHECK ((state = 'pending') = (embedded_at IS NULL))
) STRICT;

CREATE INDEX memory_embedding_link_pending ON memory_embedding_link (model_key) WHERE state = 'pending';

-- one row per ready vector: the vector itself, from which the index below can be made again
CREATE TABLE memory_vectors (
    embedding_rowid INTEGER PRIMARY KEY REFERENCES memory_embedding_link (embedding_rowid) ON DELETE CASCADE,
    vector BLOB NOT NULL CHECK (length(vector) % 4 = 0)            -- little-endian float32, unit length
) STRICT;

-- one row per ready vector of 384 dimensions: the index that nearest-neighbour search reads
CREATE VIRTUAL TABLE memory_embeddings USING vec0 (embedding float[384] distance_metric = cosine);

CREATE TRIGGER memory_vectors_leave_the_index AFTER DELETE ON memory_vectors BEGIN
    DELETE FROM memory_embeddings WHERE rowid = old.embedding_rowid;
END;

-- one row per question embedded lately: the second level of the query cache, bounded, the least recently used leaves
CREATE TABLE embedding_cache (
    hash BLOB NOT NULL PRIMARY KEY CHECK (length(hash) = 16),      -- of the model's fingerprint and the normalised text
    embedding BLOB NOT NULL CHECK (length(embedding) % 4 = 0),
    dimensions INTEGER NOT NULL CHECK (dimensions * 4 = length(embedding)),
    created_at TEXT NOT NULL CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    last_access TEXT NOT NULL CHECK (last_access GLOB '????-??-??T??:??:??.???Z'),  -- to the day: a read is then rarely a write
    access_count INTEGER NOT NULL DEFAULT 1 CHECK (access_count >= 1)  -- days on which it was used
) STRICT;

CREATE INDEX embedding_cache_last_access ON embedding_cache (last_access);
-- What was done to the memories as a whole, and to this database. The two tables of runs keep the predecessor's columns;
-- `key` is new.

-- one row per consolidation run: repeated episodes turned into semantic memories
CREATE TABLE consolidation_runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (id GLOB 'cons_?*'),
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    episodes_processed INTEGER NOT NULL DEFAULT 0 CHECK (episodes_processed >= 0),
    memories_created INTEGER NOT NULL DEFAULT 0 CHECK (memories_created >= 0),
    memories_updated INTEGER NOT NULL DEFAULT 0 CHECK (memories_updated >= 0),
    memories_pruned INTEGER NOT NULL DEFAULT 0 CHECK (memories_pruned >= 0),
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
    error TEXT
) STRICT;

-- one row per validation run: memories compared with the code as it is
CREATE TABLE validation_runs (
    key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (id GLOB 'val_?*'),
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    total_validated INTEGER NOT NULL DEFAULT 0 CHECK (total_validated >= 0),
    valid_count INTEGER NOT NULL DEFAULT 0 CHECK (valid_count >= 0),
    stale_count INTEGER NOT NULL DEFAULT 0 CHECK (stale_count >= 0),
    healed_count INTEGER NOT NULL DEFAULT 0 CHECK (healed_count >= 0),
    flagged_count INTEGER NOT NULL DEFAULT 0 CHECK (flagged_count >= 0),
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed'))
) STRICT;

-- one row per step that brought this database to its schema, the first being its creation
CREATE TABLE migration_history (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (applied_at GLOB '????-??-??T??:??:??.???Z'),
    checksum TEXT NOT NULL,                                        -- of the step's text, so that a step edited later is noticed
    duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0)
) STRICT;
