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
