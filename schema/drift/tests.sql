-- Which tests there are and what they exercise.
--
-- Where this file differs from the predecessor, and why:
--   * Files and functions are links. The predecessor's UNIQUE over a nullable function_id let rows double on each run.

-- one row per file that holds tests
CREATE TABLE test_files (
    id INTEGER PRIMARY KEY,
    file_id INTEGER NOT NULL UNIQUE REFERENCES file_metadata (id) ON DELETE CASCADE,
    test_framework TEXT,
    test_count INTEGER NOT NULL DEFAULT 0 CHECK (test_count >= 0),
    last_run TEXT CHECK (last_run GLOB '????-??-??T??:??:??.???Z'),
    status TEXT NOT NULL DEFAULT 'unknown'
) STRICT;

-- one row per test file and source file, or function in it, that it exercises
CREATE TABLE test_coverage (
    id INTEGER PRIMARY KEY,
    test_file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    source_file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    function_id INTEGER REFERENCES functions (id) ON DELETE CASCADE,  -- NULL = the file as a whole
    coverage_type TEXT CHECK (coverage_type IN ('unit', 'integration', 'e2e')),
    confidence REAL NOT NULL DEFAULT 1.0 CHECK (confidence BETWEEN 0 AND 1)
) STRICT;

CREATE UNIQUE INDEX test_coverage_is_said_once ON test_coverage (test_file_id, source_file_id, ifnull(function_id, 0));
CREATE INDEX idx_test_coverage_source ON test_coverage (source_file_id);
CREATE INDEX idx_test_coverage_function ON test_coverage (function_id) WHERE function_id IS NOT NULL;
