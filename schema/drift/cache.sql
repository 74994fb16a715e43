-- Answers that were dear to compute. New here; the predecessor kept them in a JSON file.

-- one row per kept answer; dropping any of them costs time and nothing else
CREATE TABLE cache_entries (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value)),
    ttl INTEGER CHECK (ttl > 0),                   -- seconds from created_at; NULL = until it is dropped
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    accessed_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (accessed_at GLOB '????-??-??T??:??:??.???Z')
) STRICT;

CREATE INDEX idx_cache_entries_accessed ON cache_entries (accessed_at);
