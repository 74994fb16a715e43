-- What a function's text was when a memory was linked to it, and how validation found it; vectors' signs for search among many; hits of the query cache;
-- when memories were used; what is left of forgotten ones.

ALTER TABLE memory_functions ADD COLUMN content_hash BLOB CHECK (length(content_hash) = 16);
ALTER TABLE memory_functions ADD COLUMN content_length INTEGER CHECK ((content_length IS NULL) = (content_hash IS NULL));
ALTER TABLE memory_functions ADD COLUMN file_hash BLOB CHECK (length(file_hash) = 16);
ALTER TABLE memory_functions ADD COLUMN copies INTEGER CHECK (copies >= 1);
ALTER TABLE memory_functions ADD COLUMN owner TEXT;
ALTER TABLE memory_functions ADD COLUMN flagged TEXT CHECK (flagged IN ('changed', 'gone'));

ALTER TABLE memory_files ADD COLUMN file_hash BLOB CHECK (length(file_hash) = 16);
ALTER TABLE memory_files ADD COLUMN copies INTEGER CHECK (copies >= 1);
ALTER TABLE memory_files ADD COLUMN flagged TEXT CHECK (flagged IN ('changed', 'gone'));

ALTER TABLE embedding_models ADD COLUMN chosen INTEGER NOT NULL DEFAULT 0;

CREATE TABLE memory_bits (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    embedding_rowid INTEGER NOT NULL UNIQUE REFERENCES memory_vectors (embedding_rowid) ON DELETE CASCADE,
    model_key INTEGER NOT NULL REFERENCES embedding_models (key),
    bits BLOB NOT NULL
) STRICT;

CREATE INDEX memory_bits_model ON memory_bits (model_key, key);

CREATE TRIGGER memory_vectors_have_bits AFTER INSERT ON memory_vectors WHEN length(new.vector) % 32 = 0 BEGIN
    INSERT INTO memory_bits (embedding_rowid, model_key, bits)
    SELECT new.embedding_rowid, l.model_key, vec_quantize_binary(new.vector)
    FROM memory_embedding_link l
    WHERE l.embedding_rowid = new.embedding_rowid;
END;

INSERT INTO memory_bits (embedding_rowid, model_key, bits)
SELECT v.embedding_rowid, l.model_key, vec_quantize_binary(v.vector)
FROM memory_vectors v
JOIN memory_embedding_link l ON l.embedding_rowid = v.embedding_rowid
WHERE length(v.vector) % 32 = 0
ORDER BY v.embedding_rowid;

CREATE TABLE embedding_cache_hits (
    level TEXT NOT NULL PRIMARY KEY CHECK (level IN ('memory', 'database', 'shipped', 'model')),
    hits INTEGER NOT NULL CHECK (hits >= 0),
    last_hit TEXT NOT NULL CHECK (last_hit GLOB '????-??-??T??:??:??.???Z')
) STRICT, WITHOUT ROWID;

CREATE TABLE memory_uses (
    memory_key INTEGER NOT NULL REFERENCES memories (key) ON DELETE CASCADE,
    used_at TEXT NOT NULL CHECK (used_at GLOB '????-??-??T??:??:??.???Z'),
    PRIMARY KEY (memory_key, used_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX memories_type ON memories (type);
CREATE INDEX memory_versions_importance ON memory_versions (importance) WHERE recorded_to IS NULL;
ALTER TABLE memories ADD COLUMN forgotten_reason TEXT CHECK (forgotten_reason IS NULL OR forgotten_at IS NOT NULL);
ALTER TABLE memories ADD COLUMN has_traces INTEGER NOT NULL DEFAULT 0 CHECK (has_traces IN (0, 1));

CREATE INDEX memories_forgotten ON memories (forgotten_at) WHERE forgotten_at IS NOT NULL;
