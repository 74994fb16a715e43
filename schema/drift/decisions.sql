-- Architectural decisions mined from the history of the repository. As the predecessor's. The files and patterns of a
-- decision stay JSON lists: it speaks of the past, and what it names may be gone.

-- one row per decision
CREATE TABLE decisions (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT NOT NULL,
    description TEXT,
    category TEXT CHECK (category IN (
        'technology-adoption', 'technology-removal', 'pattern-introduction', 'pattern-migration', 'architecture-change', 'api-change',
        'security-enhancement', 'performance-optimization', 'refactoring', 'testing-strategy', 'infrastructure', 'other'
    )),
    status TEXT NOT NULL DEFAULT 'discovered' CHECK (status IN ('discovered', 'confirmed', 'rejected')),
    confidence REAL NOT NULL DEFAULT 0.0 CHECK (confidence BETWEEN 0 AND 1),
    commit_hash TEXT,
    commit_date TEXT CHECK (commit_date GLOB '????-??-??T??:??:??.???Z'),
    author TEXT,
    files_affected TEXT CHECK (files_affected IS NULL OR json_valid(files_affected)),        -- [path]
    patterns_affected TEXT CHECK (patterns_affected IS NULL OR json_valid(patterns_affected)),  -- [pattern id]
    discovered_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (discovered_at GLOB '????-??-??T??:??:??.???Z'),
    confirmed_at TEXT CHECK (confirmed_at GLOB '????-??-??T??:??:??.???Z'),
    confirmed_by TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_decisions_category ON decisions (category);
CREATE INDEX idx_decisions_date ON decisions (commit_date);
