-- The styling habits of a frontend, as genes with variants. As the predecessor's; a mutation's file is a link.

-- one row, or none: the profile as a whole
CREATE TABLE dna_profile (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL DEFAULT '1.0.0',
    generated_at TEXT NOT NULL CHECK (generated_at GLOB '????-??-??T??:??:??.???Z'),
    health_score INTEGER CHECK (health_score BETWEEN 0 AND 100),
    genetic_diversity REAL,
    summary TEXT CHECK (summary IS NULL OR json_valid(summary))
) STRICT;

-- one row per habit that is looked at
CREATE TABLE dna_genes (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    dominant_variant TEXT,
    frequency REAL,
    confidence REAL,
    variants TEXT CHECK (variants IS NULL OR json_valid(variants)),
    evidence TEXT CHECK (evidence IS NULL OR json_valid(evidence))
) STRICT, WITHOUT ROWID;

-- one row per place that departs from the dominant variant
CREATE TABLE dna_mutations (
    id INTEGER PRIMARY KEY,
    gene_id TEXT NOT NULL REFERENCES dna_genes (id) ON DELETE CASCADE,
    file_id INTEGER NOT NULL REFERENCES file_metadata (id) ON DELETE CASCADE,
    line INTEGER NOT NULL CHECK (line >= 1),
    expected TEXT,
    actual TEXT,
    impact TEXT CHECK (impact IN ('high', 'medium', 'low')),
    reason TEXT
) STRICT;

CREATE INDEX idx_dna_mutations_gene ON dna_mutations (gene_id);
CREATE INDEX idx_dna_mutations_file ON dna_mutations (file_id);
