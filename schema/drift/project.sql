-- The project itself: what it is, how it is set up, and which schema its store has.
--
-- Rules of the whole database, said once:
--   * Times are UTC text, YYYY-MM-DDTHH:MM:SS.sssZ, so that they compare as text. Days are YYYY-MM-DD.
--   * A path is relative to the project root, with '/' between its parts. Lines count from 1, columns from 0 in bytes.
--   * Truth values are 0 and 1. JSON is text that json_valid accepts; NULL is asked for apart,
--     because json_valid(NULL) is false in SQLite before 3.42, and people look with theirs.
--   * Tables with many rows refer to each other by integer; the public text id stands beside it or is given by a view.
--   * Everywhere `file TEXT` of the predecessor has become `file_id`: a link to file_metadata, so that a deleted file
--     takes what was found in it with it. For each such table a view v_<table> gives the old columns, `file` included.
--     Only `pattern_suppressions` names paths: what a person said stays said when a file goes and comes back.
--
-- Where this file differs from the predecessor, and why:
--   * `project` has one row, the project. The predecessor kept a pseudo-project 'schema_version' there; the version of
--     the schema is PRAGMA user_version, and `migration_history` says how it came about.

-- one row per store: the project that it describes
CREATE TABLE project (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    root_path TEXT NOT NULL,                       -- absolute, as it was when the store was last opened for writing
    drift_version TEXT NOT NULL,                   -- the program version that wrote here last
    schema_version INTEGER NOT NULL DEFAULT 1,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (updated_at GLOB '????-??-??T??:??:??.???Z'),
    monorepo_root TEXT,                            -- path of the enclosing workspace; NULL = the project is no part of one
    package_manager TEXT,                          -- 'npm', 'pnpm', 'yarn', 'pip', 'poetry', 'uv', …
    language_stats TEXT CHECK (language_stats IS NULL OR json_valid(language_stats))  -- {language: number of files}
) STRICT;

CREATE UNIQUE INDEX project_is_one ON project ((1));

-- one row per setting that was changed from its default
CREATE TABLE config (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value)),
    updated_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (updated_at GLOB '????-??-??T??:??:??.???Z')
) STRICT;

-- one row per optional part of the analysis that was switched on or off
CREATE TABLE feature_flags (
    feature TEXT NOT NULL PRIMARY KEY,
    enabled INTEGER NOT NULL DEFAULT 0 CHECK (enabled IN (0, 1)),
    built_at TEXT CHECK (built_at GLOB '????-??-??T??:??:??.???Z'),  -- NULL = never built
    config TEXT CHECK (config IS NULL OR json_valid(config))
) STRICT;

-- one row per step that brought this database to its schema, the first being its creation
CREATE TABLE migration_history (
    version INTEGER NOT NULL PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (applied_at GLOB '????-??-??T??:??:??.???Z'),
    checksum TEXT NOT NULL,                        -- of the step's text, so that a step edited later is noticed
    duration_ms INTEGER NOT NULL CHECK (duration_ms >= 0)
) STRICT;

-- one row, always: what drift_status and v_manifest say, written by the writer with each change
CREATE TABLE status (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    generation INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),  -- grows with each change; cursors are bound to it
    refreshed_at TEXT CHECK (refreshed_at GLOB '????-??-??T??:??:??.???Z'),  -- NULL = nothing was ever scanned
    body TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(body))  -- the statistics; tables/status.py says of which parts
) STRICT;

INSERT INTO status (id) VALUES (1);
