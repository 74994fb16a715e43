-- How the project does over time.
--
-- Where this file differs from the predecessor, and why:
--   * `scan_history` says whether a scan was incremental, what changed, and at which commit.
--   * `pattern_history.pattern_id` stays without a link on purpose: history outlives its pattern. 'reopened' is new:
--     a verdict can be taken back.

-- one row per day on which the patterns were audited; the last audit of a day stands
CREATE TABLE audit_snapshots (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL UNIQUE CHECK (date GLOB '????-??-??'),
    scan_hash TEXT,
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),  -- NULL = nothing to judge
    total_patterns INTEGER,
    auto_approve_eligible INTEGER,                 -- patterns
    flagged_for_review INTEGER,                    -- patterns
    likely_false_positives INTEGER,                -- patterns
    duplicate_candidates INTEGER,                  -- patterns
    avg_confidence REAL,
    cross_validation_score REAL,                   -- NULL = not measured
    summary TEXT CHECK (summary IS NULL OR json_valid(summary))       -- {byCategory, factors}
) STRICT;

-- one row per thing that happened to a pattern
CREATE TABLE pattern_history (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (date GLOB '????-??-??T??:??:??.???Z'),
    pattern_id TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('created', 'approved', 'ignored', 'reopened', 'updated', 'deleted')),
    previous_status TEXT,
    new_status TEXT,
    changed_by TEXT,
    details TEXT                                   -- the reason, in the words of who gave it
) STRICT;

CREATE INDEX idx_pattern_history_pattern ON pattern_history (pattern_id);
CREATE INDEX idx_pattern_history_date ON pattern_history (date);

-- one row per day: the figures whose course is worth following
CREATE TABLE health_trends (
    id INTEGER PRIMARY KEY,
    date TEXT NOT NULL UNIQUE CHECK (date GLOB '????-??-??'),
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),
    avg_confidence REAL,
    total_patterns INTEGER,
    approved_count INTEGER,
    duplicate_groups INTEGER,
    cross_validation_score REAL
) STRICT;

-- one row per scan
CREATE TABLE scan_history (
    id INTEGER PRIMARY KEY,
    scan_id TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    duration_ms INTEGER CHECK (duration_ms >= 0),
    files_scanned INTEGER,                         -- files that this scan read
    patterns_found INTEGER,                        -- patterns that the store had after it
    patterns_approved INTEGER,
    errors INTEGER NOT NULL DEFAULT 0 CHECK (errors >= 0),  -- problems in the files that it read
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed')),
    error_message TEXT,
    checksum TEXT,
    incremental INTEGER NOT NULL DEFAULT 0 CHECK (incremental IN (0, 1)),  -- 1 = only changed files were read
    changed_files INTEGER,                         -- added, changed or removed since the scan before
    skipped_files INTEGER,                         -- not read, each with its reason in file_metadata
    commit_hash TEXT                               -- HEAD when it started; NULL = no git repository
) STRICT;

CREATE INDEX idx_scan_history_date ON scan_history (started_at);
