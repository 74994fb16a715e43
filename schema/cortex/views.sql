-- The shapes that people and scripts read. Public ids everywhere, the predecessor's column names.

-- one row per memory as believed now, archived and no longer valid ones included
CREATE VIEW v_memories AS
SELECT
    m.id,
    m.type,
    v.version,
    v.content,
    v.summary,
    v.recorded_at,
    v.valid_from,
    v.valid_until,
    v.confidence,
    -- As cortex/fading.py explains it and computes it for any moment.
    CASE
        WHEN t.half_life_days IS NULL THEN v.confidence
        ELSE v.confidence * pow(
            0.5,
            max(0.0, julianday('now') - julianday(max(
                ifnull(m.last_accessed, ''),
                ifnull(
                    (
                        SELECT max(s.recorded_at)
                        FROM memory_versions s
                        WHERE s.memory_key = m.key
                            AND s.version <= v.version
                            AND s.change IN ('added', 'revised', 'confirmed', 'consolidated', 'imported')
                    ),
                    v.recorded_at
                )
            ))) / (
                t.half_life_days
                * CASE v.importance WHEN 'critical' THEN 2.0 WHEN 'high' THEN 1.5 WHEN 'normal' THEN 1.0 ELSE 0.8 END
                * min(1.5, 1.0 + 0.2 * log10(1.0 + m.access_count))
                * CASE
                    WHEN EXISTS (SELECT 1 FROM memory_files l WHERE l.memory_key = m.key AND l.recorded_to IS NULL)
                        OR EXISTS (SELECT 1 FROM memory_functions l WHERE l.memory_key = m.key AND l.recorded_to IS NULL)
                        OR EXISTS (SELECT 1 FROM memory_patterns l WHERE l.memory_key = m.key AND l.recorded_to IS NULL)
                        OR EXISTS (SELECT 1 FROM memory_constraints l WHERE l.memory_key = m.key AND l.recorded_to IS NULL)
                        OR EXISTS (
                            SELECT 1
                            FROM memory_relationships r
                            WHERE r.target_key = m.key
                                AND r.relationship = 'supports'
                                AND r.recorded_to IS NULL
                        )
                        THEN 1.3
                    ELSE 1.0
                END
            )
        )
    END AS faded_confidence,
    v.importance,
    m.last_accessed,
    m.access_count,
    m.created_at,
    v.recorded_at AS updated_at,
    m.created_by,
    v.tags,
    v.archived,
    v.archive_reason,
    (SELECT s.id FROM memories s WHERE s.key = v.superseded_by) AS superseded_by,
    (
        SELECT o.id
        FROM memory_relationships r
        JOIN memories o ON o.key = r.target_key
        WHERE r.source_key = m.key
            AND r.relationship = 'supersedes'
            AND r.recorded_to IS NULL
        ORDER BY r.recorded_at DESC, r.key DESC
        LIMIT 1
    ) AS supersedes,
    v.last_validated
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key AND v.recorded_to IS NULL
JOIN memory_types t ON t.type = m.type;

-- one row per version of a memory, with who changed it and why
CREATE VIEW v_memory_history AS
SELECT
    m.id,
    m.type,
    v.version,
    v.change,
    v.reason,
    v.changed_by,
    v.recorded_at,
    v.recorded_to,
    v.valid_from,
    v.valid_until,
    v.summary,
    v.content,
    v.confidence,
    v.importance,
    v.tags,
    v.archived,
    v.archive_reason
FROM memories m
JOIN memory_versions v ON v.memory_key = m.key;

-- one row per relationship between memories believed now
CREATE VIEW v_memory_relationships AS
SELECT
    s.id AS source_id,
    t.id AS target_id,
    r.relationship,
    r.strength,
    r.recorded_at AS created_at
FROM memory_relationships r
JOIN memories s ON s.key = r.source_key
JOIN memories t ON t.key = r.target_key
WHERE r.recorded_to IS NULL;

-- one row per thing that a memory speaks of now
CREATE VIEW v_memory_links AS
SELECT m.id AS memory_id, 'file' AS kind, f.file_path AS target, f.line_start, f.line_end, f.recorded_at AS created_at
FROM memory_files f
JOIN memories m ON m.key = f.memory_key
WHERE f.recorded_to IS NULL
UNION ALL
SELECT m.id, 'function', f.function_id, NULL, NULL, f.recorded_at
FROM memory_functions f
JOIN memories m ON m.key = f.memory_key
WHERE f.recorded_to IS NULL
UNION ALL
SELECT m.id, 'pattern', p.pattern_id, NULL, NULL, p.recorded_at
FROM memory_patterns p
JOIN memories m ON m.key = p.memory_key
WHERE p.recorded_to IS NULL
UNION ALL
SELECT m.id, 'constraint', c.constraint_id, NULL, NULL, c.recorded_at
FROM memory_constraints c
JOIN memories m ON m.key = c.memory_key
WHERE c.recorded_to IS NULL;

-- one row per embedding model: how many wordings have its vector, and how many still wait for it
CREATE VIEW v_embedding_status AS
SELECT
    e.name,
    e.revision,
    e.dimensions,
    count(*) FILTER (WHERE l.state = 'ready') AS ready,
    count(*) FILTER (WHERE l.state = 'pending') AS pending
FROM embedding_models e
LEFT JOIN memory_embedding_link l ON l.model_key = e.key
GROUP BY e.key;
