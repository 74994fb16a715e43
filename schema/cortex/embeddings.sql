-- Vectors, and which model made them.
--
-- Where this differs from the predecessor, and why: the model was not recorded, so changing it mixed vectors that
-- cannot be compared. Every vector here names its model, vectors of several models stand side by side, and a search
-- reads only those of the model that embeds the question. `memory_embedding_link` keyed vectors by memory; it now
-- keys them by wording, so that an old vector cannot speak for a new text.

-- one row per embedding model that made vectors here, or is to; of those no longer used until today's has made all of its own
CREATE TABLE embedding_models (
    key INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    revision TEXT NOT NULL,                                        -- sha256 of the weights, or what else names them for good
    dimensions INTEGER NOT NULL CHECK (dimensions > 0),
    normalisation TEXT NOT NULL CHECK (normalisation IN ('l2', 'none')),
    pooling TEXT NOT NULL,
    max_tokens INTEGER NOT NULL CHECK (max_tokens > 0),            -- longer texts are cut here
    fingerprint BLOB NOT NULL UNIQUE CHECK (length(fingerprint) = 16),  -- of everything above and the tokenizer's vocabulary
    first_used TEXT NOT NULL CHECK (first_used GLOB '????-??-??T??:??:??.???Z'),
    chosen INTEGER NOT NULL DEFAULT 0                              -- counts up when another model is chosen: the highest is today's
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

-- one row per ready vector whose dimensions are a multiple of 8: the signs of its numbers, packed. They are read into
-- memory whole, and tell which of many vectors are worth comparing.
CREATE TABLE memory_bits (
    key INTEGER PRIMARY KEY AUTOINCREMENT,                         -- grows with every row, so that a reader knows what is new
    embedding_rowid INTEGER NOT NULL UNIQUE REFERENCES memory_vectors (embedding_rowid) ON DELETE CASCADE,
    model_key INTEGER NOT NULL REFERENCES embedding_models (key),
    bits BLOB NOT NULL                                             -- dimension i is bit i % 8 of byte i / 8, counted from the lowest; 1 = above 0
) STRICT;

CREATE INDEX memory_bits_model ON memory_bits (model_key, key);

CREATE TRIGGER memory_vectors_have_bits AFTER INSERT ON memory_vectors WHEN length(new.vector) % 32 = 0 BEGIN
    INSERT INTO memory_bits (embedding_rowid, model_key, bits)
    SELECT new.embedding_rowid, l.model_key, vec_quantize_binary(new.vector)
    FROM memory_embedding_link l
    WHERE l.embedding_rowid = new.embedding_rowid;
END;

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

-- one row per level of the query cache that ever gave a vector, and one for the model when none had it
CREATE TABLE embedding_cache_hits (
    level TEXT NOT NULL PRIMARY KEY CHECK (level IN ('memory', 'database', 'shipped', 'model')),
    hits INTEGER NOT NULL CHECK (hits >= 0),                       -- written from time to time: a crash loses the last few
    last_hit TEXT NOT NULL CHECK (last_hit GLOB '????-??-??T??:??:??.???Z')
) STRICT, WITHOUT ROWID;
