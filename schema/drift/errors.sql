-- Where errors are caught, and where they are not. As the predecessor's; files and functions are links, and a place is
-- said once.

-- one row per place that catches errors
CREATE TABLE error_boundaries (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    type TEXT NOT NULL CHECK (type IN ('try-catch', 'error-boundary', 'middleware', 'global')),
    catches TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(catches)),  -- [type as written]; [] = everything
    rethrows INTEGER NOT NULL DEFAULT 0 CHECK (rethrows IN (0, 1)),
    logs INTEGER NOT NULL DEFAULT 0 CHECK (logs IN (0, 1)),
    swallows INTEGER NOT NULL DEFAULT 0 CHECK (swallows IN (0, 1)),  -- does nothing at all with it
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE
) STRICT;

CREATE INDEX idx_error_boundaries_file ON error_boundaries (file_id, line);
CREATE INDEX idx_error_boundaries_function ON error_boundaries (function_id) WHERE function_id IS NOT NULL;

-- one row per place where an error would be lost
CREATE TABLE error_handling_gaps (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE,
    gap_type TEXT NOT NULL CHECK (gap_type IN ('unhandled', 'swallowed', 'generic-catch', 'missing-finally')),
    severity TEXT NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    description TEXT,
    UNIQUE (file_id, line, gap_type)
) STRICT;

CREATE INDEX idx_error_gaps_severity ON error_handling_gaps (severity);
CREATE INDEX idx_error_gaps_function ON error_handling_gaps (function_id) WHERE function_id IS NOT NULL;
