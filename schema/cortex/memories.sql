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
    last_accessed TEXT CHECK (last_accessed GLOB '????-??-??T??:??:??.???Z'),  -- when it was last of use; noted once a day
    access_count INTEGER NOT NULL DEFAULT 0 CHECK (access_count >= 0),         -- days on which it was
    forgotten_at TEXT CHECK (forgotten_at GLOB '????-??-??T??:??:??.???Z'),  -- set = a tombstone: its versions are erased
    forgotten_reason TEXT CHECK (forgotten_reason IS NULL OR forgotten_at IS NOT NULL),
    has_traces INTEGER NOT NULL DEFAULT 0 CHECK (has_traces IN (0, 1))  -- 1 = erased, and pages or the log may still hold some of it
) STRICT;

CREATE INDEX memories_type ON memories (type);
CREATE INDEX memories_forgotten ON memories (forgotten_at) WHERE forgotten_at IS NOT NULL;

-- one row per former use of a memory, the last one standing in `memories`: a question about the past does not count
-- what came after
CREATE TABLE memory_uses (
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    used_at TEXT NOT NULL CHECK (used_at GLOB '????-??-??T??:??:??.???Z'),
    PRIMARY KEY (memory_key, used_at)
) STRICT, WITHOUT ROWID;

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
CREATE INDEX memory_versions_importance ON memory_versions (importance) WHERE recorded_to IS NULL;
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
