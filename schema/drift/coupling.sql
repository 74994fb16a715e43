-- How modules hang on each other. As the predecessor's; an edge to nothing is refused.

-- one row per pair of modules and kind of tie
CREATE TABLE module_coupling (
    id INTEGER PRIMARY KEY,
    source_module TEXT NOT NULL CHECK (source_module <> ''),
    target_module TEXT NOT NULL CHECK (target_module <> ''),
    coupling_type TEXT NOT NULL CHECK (coupling_type IN ('import', 'call', 'type', 'inheritance')),
    strength INTEGER NOT NULL DEFAULT 1 CHECK (strength >= 1),  -- places that make the tie
    UNIQUE (source_module, target_module, coupling_type)
) STRICT;

CREATE INDEX idx_module_coupling_target ON module_coupling (target_module);

-- one row per ring of modules
CREATE TABLE coupling_cycles (
    id INTEGER PRIMARY KEY,
    cycle_hash TEXT NOT NULL UNIQUE,               -- of the modules, sorted
    modules TEXT NOT NULL CHECK (json_valid(modules)),  -- [module], in the order of the ring
    length INTEGER NOT NULL CHECK (length >= 1),
    severity TEXT CHECK (severity IN ('info', 'warning', 'critical')),
    detected_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')) CHECK (detected_at GLOB '????-??-??T??:??:??.???Z')
) STRICT;
