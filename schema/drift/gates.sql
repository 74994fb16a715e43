-- Quality gates. As the predecessor's.

-- one row per run of the gates
CREATE TABLE quality_gate_runs (
    id TEXT NOT NULL PRIMARY KEY,
    branch TEXT,
    base_branch TEXT,
    started_at TEXT NOT NULL CHECK (started_at GLOB '????-??-??T??:??:??.???Z'),
    completed_at TEXT CHECK (completed_at GLOB '????-??-??T??:??:??.???Z'),
    status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'passed', 'failed')),
    gates_run TEXT CHECK (gates_run IS NULL OR json_valid(gates_run)),  -- [gate]
    results TEXT CHECK (results IS NULL OR json_valid(results)),
    policy TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX idx_quality_gate_runs_branch ON quality_gate_runs (branch);

-- one row per state of a branch that gates compare with
CREATE TABLE quality_gate_snapshots (
    id INTEGER PRIMARY KEY,
    branch TEXT NOT NULL,
    snapshot_at TEXT NOT NULL CHECK (snapshot_at GLOB '????-??-??T??:??:??.???Z'),
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),
    pattern_count INTEGER,
    violation_count INTEGER,
    data TEXT CHECK (data IS NULL OR json_valid(data))
) STRICT;

CREATE INDEX idx_quality_gate_snapshots_branch ON quality_gate_snapshots (branch);
