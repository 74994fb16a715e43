-- What detectors have learned from this project. As the predecessor's.

-- one row per detector and signature that it keeps meeting
CREATE TABLE learned_patterns (
    id INTEGER PRIMARY KEY,
    detector_id TEXT NOT NULL,
    pattern_signature TEXT NOT NULL,
    occurrences INTEGER NOT NULL DEFAULT 1 CHECK (occurrences >= 0),
    confidence REAL NOT NULL DEFAULT 0.0 CHECK (confidence BETWEEN 0 AND 1),
    first_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (first_seen GLOB '????-??-??T??:??:??.???Z'),
    last_seen TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (last_seen GLOB '????-??-??T??:??:??.???Z'),
    auto_approved INTEGER NOT NULL DEFAULT 0 CHECK (auto_approved IN (0, 1)),
    UNIQUE (detector_id, pattern_signature)
) STRICT;
