-- Where the program meets its data: declared tables, sensitive fields, and every place that touches them.
--
-- Where this file differs from the predecessor, and why:
--   * `data_access_points.id` is an integer; v_data_access_points gives the old text id `file:line:column:table`.
--   * `data_access_points.function_id` and the files are links. `framework`, `whole_row` and the places and
--     confidences of sensitive fields are new columns: the predecessor had them in JSON only.
--   * `sensitive_fields.table_name` may be NULL. The predecessor wrote 'unknown', and fields of different tables met.
--   * `data_fields` is new; `data_models.fields` stays and holds the same column names.

-- one row per class or schema declaration that stands for a table
CREATE TABLE data_models (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,                            -- as the code calls it: 'User'
    table_name TEXT NOT NULL,                      -- as the database calls it: 'users'
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    framework TEXT,                                -- 'sqlalchemy', 'django', 'prisma', 'typeorm', …
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    fields TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(fields)),  -- [column name], in the order declared
    class_id INTEGER REFERENCES functions (id) ON DELETE SET NULL,  -- NULL = no class declares it
    UNIQUE (file_id, name, line)
) STRICT;

CREATE INDEX idx_data_models_table ON data_models (table_name);
CREATE INDEX idx_data_models_class ON data_models (class_id) WHERE class_id IS NOT NULL;

-- one row per field of a declared table
CREATE TABLE data_fields (
    model_id INTEGER NOT NULL REFERENCES data_models (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    field_name TEXT NOT NULL,                      -- as the code calls it
    column_name TEXT NOT NULL,                     -- as the database calls it; every other table speaks of columns
    type TEXT,                                     -- as written; NULL = not said
    line INTEGER NOT NULL CHECK (line >= 1),
    PRIMARY KEY (model_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_data_fields_column ON data_fields (column_name);

-- one row per field of a table that holds something worth protecting
CREATE TABLE sensitive_fields (
    id INTEGER PRIMARY KEY,
    table_name TEXT,                               -- NULL = seen, but not in which table
    field_name TEXT NOT NULL,                      -- the column
    sensitivity TEXT NOT NULL CHECK (sensitivity IN ('pii', 'financial', 'auth', 'health', 'custom')),
    reason TEXT,
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    file_id INTEGER REFERENCES file_metadata (id) ON DELETE CASCADE,  -- where it is declared; NULL = not known
    line INTEGER CHECK (line >= 1)
) STRICT;

CREATE UNIQUE INDEX sensitive_fields_are_named_once ON sensitive_fields (ifnull(table_name, ''), field_name);
CREATE INDEX idx_sensitive_fields_table ON sensitive_fields (table_name);
CREATE INDEX idx_sensitive_fields_field ON sensitive_fields (field_name);
CREATE INDEX idx_sensitive_fields_sensitivity ON sensitive_fields (sensitivity);
CREATE INDEX idx_sensitive_fields_file ON sensitive_fields (file_id) WHERE file_id IS NOT NULL;

-- one row per place that touches a table
CREATE TABLE data_access_points (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),
    table_name TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('read', 'write', 'delete')),
    fields TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(fields)),  -- [column name] that the code names here
    whole_row INTEGER NOT NULL DEFAULT 0 CHECK (whole_row IN (0, 1)),  -- 1 = rows are loaded, stored or deleted with all their fields
    is_raw_sql INTEGER NOT NULL DEFAULT 0 CHECK (is_raw_sql IN (0, 1)),
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    context TEXT,                                  -- what is called or touched there, in a word or two
    framework TEXT,
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE  -- around it; NULL = not known
) STRICT;

CREATE INDEX idx_data_access_file ON data_access_points (file_id, line);
CREATE INDEX idx_data_access_table ON data_access_points (table_name);
CREATE INDEX idx_data_access_function ON data_access_points (function_id) WHERE function_id IS NOT NULL;
