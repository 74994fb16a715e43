-- What the program reads from its environment. Secrets are redacted before they come here, never after.
--
-- Where this file differs from the predecessor, and why:
--   * `env_access_points.id` is an integer; v_env_access_points gives the old text id `file:line:column:name`.
--   * `is_redacted` is new: a default may look like a value and be none.
--   * `function_id` is new: the predecessor had it in JSON only.

-- one row per environment variable
CREATE TABLE env_variables (
    name TEXT NOT NULL PRIMARY KEY,                -- also what is no POSIX name: 'Jwt:Key', 'app.key'
    sensitivity TEXT NOT NULL DEFAULT 'unknown' CHECK (sensitivity IN ('secret', 'credential', 'config', 'unknown')),
    has_default INTEGER NOT NULL DEFAULT 0 CHECK (has_default IN (0, 1)),  -- at one place at least
    is_required INTEGER NOT NULL DEFAULT 0 CHECK (is_required IN (0, 1)),  -- one place at least fails without it
    default_value TEXT,                            -- as written; redacted when is_redacted
    is_redacted INTEGER NOT NULL DEFAULT 0 CHECK (is_redacted IN (0, 1)),
    source TEXT NOT NULL DEFAULT 'scan'            -- 'scan': it is known from the places that read it; else who told of it
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_env_variables_sensitivity ON env_variables (sensitivity);

-- one row per place that reads an environment variable
CREATE TABLE env_access_points (
    id INTEGER PRIMARY KEY,
    var_name TEXT NOT NULL REFERENCES env_variables (name) ON DELETE CASCADE,
    method TEXT NOT NULL,                          -- 'os.environ', 'os.getenv', 'process.env', …
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    context TEXT,
    language TEXT,
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    has_default INTEGER NOT NULL DEFAULT 0 CHECK (has_default IN (0, 1)),
    default_value TEXT,
    is_redacted INTEGER NOT NULL DEFAULT 0 CHECK (is_redacted IN (0, 1)),
    is_required INTEGER NOT NULL DEFAULT 0 CHECK (is_required IN (0, 1)),
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE
) STRICT;

CREATE INDEX idx_env_access_file ON env_access_points (file_id);
CREATE INDEX idx_env_access_var ON env_access_points (var_name);
CREATE INDEX idx_env_access_function ON env_access_points (function_id) WHERE function_id IS NOT NULL;
