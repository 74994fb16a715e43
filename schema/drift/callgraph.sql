-- Functions, and who calls whom.
--
-- Where this file differs from the predecessor, and why:
--   * `functions.id` is an integer. The predecessor's text id held the line, so that an edit above a function changed
--     who it was. A function is its file, qualified name and ordinal; v_functions gives that as the public text id
--     `path::qualified_name`, with `#ordinal` behind it when the ordinal is not 0.
--   * `functions` also holds classes and module bodies: both are called, and module-level calls have a caller.
--   * `function_calls` has one row per call site and candidate and no id of its own. `callee_name`, `resolved` and
--     `confidence` follow from `callee_symbol`, `callee_id` and `resolution`; v_function_calls gives them.
--   * `function_data_access.fields`, a JSON list, has become one row per field, so that a field can be looked up.
--   * `resolutions`, `symbols`, `class_bases` and `entry_points` are new.

-- one row per function, method, class, lambda and module body
CREATE TABLE functions (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    qualified_name TEXT NOT NULL,                  -- within its file: 'Cart.total'; of a module body: '<module>'
    ordinal INTEGER NOT NULL DEFAULT 0 CHECK (ordinal >= 0),  -- 0, 1, … among equal qualified names of one file, in source order
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('module', 'class', 'function', 'method', 'lambda')),
    parent_id INTEGER REFERENCES functions (id) ON DELETE CASCADE,  -- the definition around it; NULL for a module body
    start_line INTEGER NOT NULL CHECK (start_line >= 1),
    end_line INTEGER NOT NULL,
    column_num INTEGER NOT NULL DEFAULT 0 CHECK (column_num >= 0),  -- of the name
    language TEXT NOT NULL,
    signature TEXT,
    parameters TEXT CHECK (parameters IS NULL OR json_valid(parameters)),  -- [{name, kind, type?, default?}]; NULL = none
    decorators TEXT CHECK (decorators IS NULL OR json_valid(decorators)),  -- [text as written]; NULL = none
    return_type TEXT,                              -- as declared; NULL = not declared
    visibility TEXT NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'protected', 'private')),
    complexity INTEGER NOT NULL DEFAULT 1 CHECK (complexity >= 1),  -- cyclomatic
    is_exported INTEGER NOT NULL DEFAULT 0 CHECK (is_exported IN (0, 1)),
    is_entry_point INTEGER NOT NULL DEFAULT 0 CHECK (is_entry_point IN (0, 1)),    -- has a row in entry_points
    is_data_accessor INTEGER NOT NULL DEFAULT 0 CHECK (is_data_accessor IN (0, 1)),  -- has a row in function_data_access
    is_constructor INTEGER NOT NULL DEFAULT 0 CHECK (is_constructor IN (0, 1)),
    is_async INTEGER NOT NULL DEFAULT 0 CHECK (is_async IN (0, 1)),
    is_test INTEGER NOT NULL DEFAULT 0 CHECK (is_test IN (0, 1)),
    is_property INTEGER NOT NULL DEFAULT 0 CHECK (is_property IN (0, 1)),  -- read like a field: a read calls it
    UNIQUE (file_id, qualified_name, ordinal)
) STRICT;

-- Kind and qualified name ride along, so that a search for a part of a name reads this index alone.
CREATE INDEX idx_functions_name ON functions (name, kind, qualified_name);
CREATE INDEX idx_functions_parent ON functions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX idx_functions_property ON functions (name) WHERE is_property = 1;

-- one row per base that a class names, in the order written
CREATE TABLE class_bases (
    class_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    position INTEGER NOT NULL CHECK (position >= 0),
    base_name TEXT NOT NULL,                       -- as well as it is known: dotted when it comes from outside
    base_id INTEGER REFERENCES functions (id) ON DELETE SET NULL,  -- NULL = outside the project, or not found
    PRIMARY KEY (class_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_class_bases_base ON class_bases (base_id) WHERE base_id IS NOT NULL;

-- one row per name that a call site uses for what it calls
CREATE TABLE symbols (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE                      -- fully dotted when it leads outside: 'requests.sessions.Session.get'
) STRICT;

-- one row per way in which a call site can be decided
CREATE TABLE resolutions (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),  -- that a call decided this way does go there
    proven INTEGER NOT NULL CHECK (proven IN (0, 1)),  -- 1 = by names and types alone; 0 = never shown among proven callers
    description TEXT NOT NULL
) STRICT;

-- 0 is fixed: the partial index on unresolved sites below names it.
INSERT INTO resolutions (id, name, confidence, proven, description) VALUES
    (0, 'unresolved', 0.0, 0, 'nothing decides what is called here'),
    (1, 'self', 0.95, 1, 'on the receiver of a method, along its class and bases'),
    (2, 'super', 0.95, 1, 'on the next class in the method resolution order'),
    (3, 'typed', 0.90, 1, 'on a value whose type is declared or inferred'),
    (4, 'import', 0.95, 1, 'by a name that an import brings in'),
    (5, 'static', 0.95, 1, 'on a class or module by its name'),
    (6, 'same_file', 0.97, 1, 'by a name defined in the same file'),
    (7, 'di', 0.85, 1, 'by dependency injection'),
    (8, 'decorator', 0.85, 1, 'by decorating: applying a decorator calls it'),
    (9, 'callback', 0.75, 1, 'handed over as a value, to be called there'),
    (10, 'protocol', 0.80, 1, 'by a protocol of the language, such as calling an object or entering it'),
    (11, 'dynamic', 0.60, 1, 'by a name that is a constant string'),
    (12, 'interface', 0.70, 1, 'on an interface: one of its implementations'),
    (13, 'flow', 0.80, 1, 'on a value followed through assignments and returns'),
    (14, 'scip', 0.99, 1, 'by a language server''s index'),
    (15, 'external', 0.95, 1, 'outside the project'),
    (16, 'builtin', 0.95, 1, 'part of the language'),
    (17, 'unique', 0.50, 0, 'only one method of that name exists in the project'),
    (18, 'scanner', 0.95, 1, 'by another scanner''s word');

-- one row per call site and candidate: what may be called there
CREATE TABLE function_calls (
    caller_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),       -- of the name that is called
    column_num INTEGER NOT NULL CHECK (column_num >= 0),
    candidate INTEGER NOT NULL DEFAULT 0 CHECK (candidate >= 0),  -- 0, 1, … among the candidates of one site
    callee_id INTEGER REFERENCES functions (id) ON DELETE SET NULL,  -- NULL = outside the project, or not decided
    callee_symbol INTEGER NOT NULL REFERENCES symbols (id),  -- dotted for an external callee; else the bare name at the site
    resolution INTEGER NOT NULL REFERENCES resolutions (id),
    argument_count INTEGER NOT NULL DEFAULT 0 CHECK (argument_count >= 0),
    reason TEXT CHECK (reason IN ('unknown_receiver', 'dynamic', 'not_found', 'too_many')),  -- why it is unresolved
    PRIMARY KEY (caller_id, line, column_num, candidate)
) STRICT, WITHOUT ROWID;

-- The resolution rides along: with the primary key behind it, this index alone tells the proven callers of a function.
CREATE INDEX idx_function_calls_callee ON function_calls (callee_id, resolution) WHERE callee_id IS NOT NULL;
CREATE INDEX idx_function_calls_symbol ON function_calls (callee_symbol) WHERE callee_id IS NULL;

-- one row, or none: all proven calls as arrays, for walks through a large part of the graph. Whoever changes
-- function_calls writes it anew in the same transaction, or deletes it; a walk without it goes level by level.
CREATE TABLE call_adjacency (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    functions INTEGER NOT NULL CHECK (functions >= 0),  -- the greatest functions.id that takes part
    edges INTEGER NOT NULL CHECK (edges >= 0),
    offsets BLOB NOT NULL CHECK (length(offsets) = 4 * (functions + 2)),  -- int32, little-endian: callers of f are [offsets[f], offsets[f + 1])
    callers BLOB NOT NULL CHECK (length(callers) = 4 * edges)  -- int32, little-endian: functions.id, each caller of a function once
) STRICT;

-- one row per function, table, field, operation and line at which it touches that data
CREATE TABLE function_data_access (
    id INTEGER PRIMARY KEY,
    function_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    table_name TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('read', 'write', 'delete')),
    field_name TEXT,                               -- the column; NULL = no field is named
    line INTEGER NOT NULL CHECK (line >= 1),
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1),
    whole_row INTEGER NOT NULL DEFAULT 0 CHECK (whole_row IN (0, 1))  -- 1 = rows are loaded, stored or deleted with all their fields
) STRICT;

CREATE INDEX idx_function_data_access_function ON function_data_access (function_id);
CREATE INDEX idx_function_data_access_table ON function_data_access (table_name, field_name);

-- one row per way in which the outside world comes in
CREATE TABLE entry_points (
    id INTEGER PRIMARY KEY,
    function_id INTEGER NOT NULL REFERENCES functions (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('route', 'cli', 'handler', 'job', 'test', 'main')),
    label TEXT NOT NULL,                           -- as people say it: 'GET /users/{id}', 'import-books', 'test_login'
    method TEXT,                                   -- of a route: 'GET', 'POST', …, 'ALL', 'WEBSOCKET'
    path TEXT,                                     -- of a route, with all its prefixes: '/users/{id}'
    framework TEXT,
    line INTEGER NOT NULL CHECK (line >= 1)        -- where it is declared, in the function's file
) STRICT;

CREATE INDEX idx_entry_points_function ON entry_points (function_id);
CREATE INDEX idx_entry_points_kind ON entry_points (kind, label);
