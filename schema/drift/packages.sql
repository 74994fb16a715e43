-- The packages of the repository. New here.
--
-- The design this follows made `name` the key. Repositories do hold two packages of one name (templates, fixtures),
-- and never two in one folder: the key is `path`.

-- one row per folder with a package manifest
CREATE TABLE packages (
    path TEXT NOT NULL PRIMARY KEY,                -- folder; '.' is the project root
    name TEXT NOT NULL,
    package_manager TEXT,
    version TEXT,
    dependencies TEXT CHECK (dependencies IS NULL OR json_valid(dependencies)),          -- {name: version as written}
    dev_dependencies TEXT CHECK (dev_dependencies IS NULL OR json_valid(dev_dependencies)),
    language TEXT,
    framework TEXT,
    pattern_count INTEGER NOT NULL DEFAULT 0 CHECK (pattern_count >= 0),
    function_count INTEGER NOT NULL DEFAULT 0 CHECK (function_count >= 0),
    last_scanned TEXT CHECK (last_scanned GLOB '????-??-??T??:??:??.???Z'),
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (created_at GLOB '????-??-??T??:??:??.???Z'),
    source TEXT NOT NULL DEFAULT 'scan'            -- 'scan', or another scanner: then a scan lets it stand
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_packages_name ON packages (name);
