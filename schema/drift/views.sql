-- The shapes that people and scripts read. Public ids and file names everywhere.
--
-- Four groups: the predecessor's five views; six that give what its derived JSON files gave; two that put the call
-- graph and the data accesses in one line each; and, per table whose `file` became a link, the old columns.
--
-- In the second group columns have SQL names, and JSON inside them keeps the keys of the file that it replaces. The files
-- also said whether they were stale: a view never is. A column that is not selected is not computed.

-- ---------------------------------------------------------------------------------------------- the predecessor's five

-- one row: how many patterns there are and how healthy they look
CREATE VIEW v_status AS
SELECT
    (SELECT count(*) FROM patterns) AS total_patterns,
    (SELECT count(*) FROM patterns WHERE status = 'approved') AS approved,
    (SELECT count(*) FROM patterns WHERE status = 'discovered') AS discovered,
    (SELECT count(*) FROM patterns WHERE status = 'ignored') AS ignored,
    (SELECT health_score FROM audit_snapshots ORDER BY date DESC LIMIT 1) AS health_score,
    (SELECT avg(confidence_score) FROM patterns) AS avg_confidence;

-- one row per pattern, the surest first
CREATE VIEW v_pattern_index AS
SELECT id, name, category, subcategory, status, confidence_score, confidence_level, location_count, outlier_count, severity
FROM patterns
ORDER BY confidence_score DESC, id;

-- one row per category that has patterns
CREATE VIEW v_category_counts AS
SELECT
    category,
    count(*) AS count,
    sum(status = 'approved') AS approved,
    sum(status = 'discovered') AS discovered,
    avg(confidence_score) AS avg_confidence
FROM patterns
GROUP BY category;

-- one row per file that any pattern speaks about, as an outlier or not
CREATE VIEW v_file_patterns AS
SELECT
    f.path AS file,
    count(DISTINCT l.pattern_key) AS pattern_count,
    group_concat(DISTINCT p.category) AS categories
FROM pattern_locations l
JOIN file_metadata f ON f.id = l.file_id
JOIN patterns p ON p.key = l.pattern_key
GROUP BY l.file_id;

-- one row: how much sensitive data there is and how often it is touched
CREATE VIEW v_security_summary AS
SELECT
    (SELECT count(DISTINCT table_name) FROM data_models) AS total_tables,
    (SELECT count(DISTINCT table_name) FROM sensitive_fields) AS sensitive_tables,
    (SELECT count(*) FROM data_access_points) AS total_access_points,
    (
        SELECT count(*)
        FROM data_access_points
        WHERE table_name IN (SELECT table_name FROM sensitive_fields WHERE table_name IS NOT NULL)
    ) AS sensitive_access_count;

-- ------------------------------------------------------------------------------------------------ call graph and data

-- one row per call site and candidate; callee_file is NULL when the callee is outside the project or not decided
CREATE VIEW v_calls AS
SELECT
    caller.qualified_name AS caller,
    caller_file.path AS caller_file,
    c.line,
    ifnull(callee.qualified_name, s.name) AS callee,
    callee_file.path AS callee_file,
    r.name AS resolution,
    r.confidence
FROM function_calls c
JOIN functions caller ON caller.id = c.caller_id
JOIN file_metadata caller_file ON caller_file.id = caller.file_id
JOIN symbols s ON s.id = c.callee_symbol
JOIN resolutions r ON r.id = c.resolution
LEFT JOIN functions callee ON callee.id = c.callee_id
LEFT JOIN file_metadata callee_file ON callee_file.id = callee.file_id;

-- one row per function, line, table, field and operation. An access to whole rows gives a row without a field, and one
-- for each sensitive field of the table: it touches them without naming them.
CREATE VIEW v_data_access AS
SELECT
    fn.qualified_name AS function,
    f.path AS file,
    a.line,
    a.table_name,
    a.field_name,
    a.operation,
    s.sensitivity
FROM function_data_access a
JOIN functions fn ON fn.id = a.function_id
JOIN file_metadata f ON f.id = fn.file_id
LEFT JOIN sensitive_fields s ON s.table_name = a.table_name AND s.field_name = a.field_name
UNION ALL
SELECT
    fn.qualified_name,
    f.path,
    a.line,
    a.table_name,
    s.field_name,
    a.operation,
    s.sensitivity
FROM function_data_access a
JOIN functions fn ON fn.id = a.function_id
JOIN file_metadata f ON f.id = fn.file_id
JOIN sensitive_fields s ON s.table_name = a.table_name
WHERE a.whole_row = 1
    AND a.field_name IS NULL
    AND NOT EXISTS (
        SELECT 1
        FROM function_data_access named
        WHERE named.function_id = a.function_id
            AND named.table_name = a.table_name
            AND named.field_name = s.field_name
            AND named.operation = a.operation
            AND named.line = a.line
    );

-- ------------------------------------------------------------------------------- the old columns of tables with links

-- one row per function, method, class, lambda and module body, under its public id
CREATE VIEW v_functions AS
SELECT
    f.path || '::' || fn.qualified_name || iif(fn.ordinal > 0, '#' || fn.ordinal, '') AS id,
    fn.name,
    fn.qualified_name,
    fn.kind,
    f.path AS file,
    fn.start_line,
    fn.end_line,
    fn.column_num,
    fn.language,
    fn.is_exported,
    fn.is_entry_point,
    fn.is_data_accessor,
    fn.is_constructor,
    fn.is_async,
    fn.is_test,
    fn.decorators,
    fn.parameters,
    fn.signature,
    fn.return_type,
    fn.visibility,
    fn.complexity,
    fn.id AS key
FROM functions fn
JOIN file_metadata f ON f.id = fn.file_id;

-- one row per call site and candidate, with the public ids of both ends
CREATE VIEW v_function_calls AS
SELECT
    caller.id AS caller_id,
    callee.id AS callee_id,
    s.name AS callee_name,
    c.line,
    c.column_num,
    c.candidate,
    c.callee_id IS NOT NULL AS resolved,
    r.confidence,
    r.name AS resolution,
    c.argument_count,
    c.reason
FROM function_calls c
JOIN v_functions caller ON caller.key = c.caller_id
JOIN symbols s ON s.id = c.callee_symbol
JOIN resolutions r ON r.id = c.resolution
LEFT JOIN v_functions callee ON callee.key = c.callee_id;

-- one row per function, table, operation and line, with the fields that it names as a list
CREATE VIEW v_function_data_access AS
SELECT
    min(a.id) AS id,
    fn.id AS function_id,
    a.table_name,
    a.operation,
    json_group_array(a.field_name) FILTER (WHERE a.field_name IS NOT NULL) AS fields,
    a.line,
    max(a.confidence) AS confidence,
    max(a.whole_row) AS whole_row
FROM function_data_access a
JOIN v_functions fn ON fn.key = a.function_id
GROUP BY a.function_id, a.table_name, a.operation, a.line;

-- one row per entry point
CREATE VIEW v_entry_points AS
SELECT e.kind, e.label, e.method, e.path, e.framework, fn.id AS function_id, fn.qualified_name AS function, fn.file, e.line
FROM entry_points e
JOIN v_functions fn ON fn.key = e.function_id;

-- one row per import statement and name that it brings in
CREATE VIEW v_imports AS
SELECT f.path AS file, i.line, i.module, i.name, i.alias, r.path AS resolved_file
FROM imports i
JOIN file_metadata f ON f.id = i.file_id
LEFT JOIN file_metadata r ON r.id = i.resolved_file_id;

-- one row per reason why a file, or a part of it, was not read
CREATE VIEW v_file_problems AS
SELECT f.path AS file, p.line, p.kind, p.message
FROM file_problems p
JOIN file_metadata f ON f.id = p.file_id;

-- one row per place that answers a pattern's question
CREATE VIEW v_pattern_locations AS
SELECT
    p.id AS pattern_id,
    f.path AS file,
    l.line,
    l.column_num,
    l.end_line,
    l.end_column,
    l.variant,
    l.is_outlier,
    l.outlier_reason,
    l.deviation_score,
    l.confidence,
    l.snippet
FROM pattern_locations l
JOIN patterns p ON p.key = l.pattern_key
JOIN file_metadata f ON f.id = l.file_id;

-- one row per piece of code that shows a pattern well
CREATE VIEW v_pattern_examples AS
SELECT e.id, e.pattern_id, f.path AS file, e.line, e.end_line, e.code, e.context, e.quality, e.is_outlier, e.extracted_at
FROM pattern_examples e
JOIN file_metadata f ON f.id = e.file_id;

-- one row per wish not to hear of a pattern
CREATE VIEW v_pattern_suppressions AS
SELECT
    id, scope, path AS file, line, end_line, category, pattern_id, detector_id, reason, created_by, created_at, expires_at,
    is_active, deactivated_at, deactivation_reason, origin
FROM pattern_suppressions;

-- one row per outlier and suppression that covers it. in_force is 0 for one whose time ran out after the outliers were
-- last counted (patterns.outlier_count): what it covers is an outlier again, and not yet among them.
CREATE VIEW v_suppressed_outliers AS
SELECT
    p.id AS pattern_id,
    f.path AS file,
    l.line,
    l.column_num,
    s.id AS suppression_id,
    s.reason,
    s.expires_at IS NULL OR s.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS in_force,
    l.pattern_key,
    l.file_id
FROM pattern_suppressions s
JOIN file_metadata f ON f.path = s.path
JOIN pattern_locations l ON l.file_id = f.id AND l.is_outlier = 1
JOIN patterns p ON p.key = l.pattern_key
WHERE s.is_active = 1
    AND (s.scope = 'file' OR l.line BETWEEN s.line AND s.end_line)
    AND (s.category IS NULL OR s.category = p.category)
    AND (s.pattern_id IS NULL OR s.pattern_id = p.id)
    AND (s.detector_id IS NULL OR s.detector_id = p.convention)
UNION ALL
SELECT
    p.id,
    f.path,
    l.line,
    l.column_num,
    s.id,
    s.reason,
    s.expires_at IS NULL OR s.expires_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now'),
    l.pattern_key,
    l.file_id
FROM pattern_suppressions s
JOIN patterns p
JOIN pattern_locations l ON l.pattern_key = p.key AND l.is_outlier = 1
JOIN file_metadata f ON f.id = l.file_id
WHERE s.path IS NULL
    AND s.is_active = 1
    AND (s.category IS NULL OR s.category = p.category)
    AND (s.pattern_id IS NULL OR s.pattern_id = p.id)
    AND (s.detector_id IS NULL OR s.detector_id = p.convention);

-- one row per endpoint
CREATE VIEW v_contracts AS
SELECT
    c.id, c.method, c.endpoint, c.normalized_endpoint, c.status, c.backend_method, c.backend_path, c.backend_normalized_path,
    f.path AS backend_file, c.backend_line, c.backend_framework, c.backend_response_fields, c.confidence_score, c.confidence_level,
    c.match_confidence, c.field_extraction_confidence, c.mismatches, c.first_seen, c.last_seen, c.verified_at, c.verified_by
FROM contracts c
LEFT JOIN file_metadata f ON f.id = c.backend_file_id;

-- one row per place in a client that calls an endpoint
CREATE VIEW v_contract_frontends AS
SELECT c.id, c.contract_id, c.method, c.path, c.normalized_path, f.path AS file, c.line, c.library, c.response_fields
FROM contract_frontends c
JOIN file_metadata f ON f.id = c.file_id;

-- one row per class or schema declaration that stands for a table
CREATE VIEW v_data_models AS
SELECT m.id, m.name, m.table_name, f.path AS file, m.line, m.framework, m.confidence, m.fields
FROM data_models m
JOIN file_metadata f ON f.id = m.file_id;

-- one row per field of a table that holds something worth protecting
CREATE VIEW v_sensitive_fields AS
SELECT s.id, s.table_name, s.field_name, s.sensitivity, s.reason, s.confidence, f.path AS file, s.line
FROM sensitive_fields s
LEFT JOIN file_metadata f ON f.id = s.file_id;

-- one row per place that touches a table
CREATE VIEW v_data_access_points AS
SELECT
    f.path || ':' || a.line || ':' || a.column_num || ':' || a.table_name AS id,
    a.table_name,
    a.operation,
    f.path AS file,
    a.line,
    a.column_num,
    a.context,
    a.fields,
    a.whole_row,
    a.is_raw_sql,
    a.confidence,
    a.framework,
    fn.id AS function_id
FROM data_access_points a
JOIN file_metadata f ON f.id = a.file_id
LEFT JOIN v_functions fn ON fn.key = a.function_id;

-- one row per place that reads an environment variable
CREATE VIEW v_env_access_points AS
SELECT
    f.path || ':' || a.line || ':' || a.column_num || ':' || a.var_name AS id,
    a.var_name,
    a.method,
    f.path AS file,
    a.line,
    a.column_num,
    a.context,
    a.language,
    a.confidence,
    a.has_default,
    a.default_value,
    a.is_redacted,
    a.is_required,
    fn.id AS function_id
FROM env_access_points a
JOIN file_metadata f ON f.id = a.file_id
LEFT JOIN v_functions fn ON fn.key = a.function_id;

-- one row per place that departs from a gene's dominant variant
CREATE VIEW v_dna_mutations AS
SELECT m.id, m.gene_id, f.path AS file, m.line, m.expected, m.actual, m.impact, m.reason
FROM dna_mutations m
JOIN file_metadata f ON f.id = m.file_id;

-- one row per file that holds tests
CREATE VIEW v_test_files AS
SELECT t.id, f.path AS file, t.test_framework, t.test_count, t.last_run, t.status
FROM test_files t
JOIN file_metadata f ON f.id = t.file_id;

-- one row per test file and source file, or function in it, that it exercises
CREATE VIEW v_test_coverage AS
SELECT c.id, t.path AS test_file, s.path AS source_file, fn.id AS function_id, c.coverage_type, c.confidence
FROM test_coverage c
JOIN file_metadata t ON t.id = c.test_file_id
JOIN file_metadata s ON s.id = c.source_file_id
LEFT JOIN v_functions fn ON fn.key = c.function_id;

-- one row per constant
CREATE VIEW v_constants AS
SELECT
    f.path || ':' || c.name || ':' || c.line AS id, c.name, c.value, c.type, c.category, f.path AS file, c.line, c.language, c.exported,
    c.is_magic, c.is_secret, c.usage_count
FROM constants c
JOIN file_metadata f ON f.id = c.file_id;

-- one row per place that uses a constant
CREATE VIEW v_constant_usages AS
SELECT u.id, d.path || ':' || c.name || ':' || c.line AS constant_id, f.path AS file, u.line, u.context
FROM constant_usages u
JOIN constants c ON c.id = u.constant_id
JOIN file_metadata d ON d.id = c.file_id
JOIN file_metadata f ON f.id = u.file_id;

-- one row per place that catches errors
CREATE VIEW v_error_boundaries AS
SELECT b.id, f.path AS file, b.line, b.type, b.catches, b.rethrows, b.logs, b.swallows, fn.id AS function_id
FROM error_boundaries b
JOIN file_metadata f ON f.id = b.file_id
LEFT JOIN v_functions fn ON fn.key = b.function_id;

-- one row per place where an error would be lost
CREATE VIEW v_error_handling_gaps AS
SELECT g.id, f.path AS file, g.line, fn.id AS function_id, g.gap_type, g.severity, g.description
FROM error_handling_gaps g
JOIN file_metadata f ON f.id = g.file_id
LEFT JOIN v_functions fn ON fn.key = g.function_id;

-- one row per function that mainly wraps another
CREATE VIEW v_wrappers AS
SELECT w.id, w.name, f.path AS file, w.line, w.category, w.wraps, w.confidence, w.usage_count
FROM wrappers w
JOIN file_metadata f ON f.id = w.file_id;

-- ------------------------------------------------------------------------- in place of the predecessor's derived files

-- one row: the manifest. It was written with the last change, and costs the same to read in a small store and a large one.
-- The file's `fileHashes`, as long as the project, are rows of v_file_hashes.
CREATE VIEW v_manifest AS
SELECT
    (SELECT drift_version FROM project) AS version,
    s.refreshed_at AS generated_at,
    (SELECT root_path FROM project) AS project_root,
    s.generation,
    json_extract(s.body, '$.stats') AS stats,
    json_extract(s.body, '$.lastScan') AS last_scan
FROM status s;

-- one row per file whose content was read
CREATE VIEW v_file_hashes AS
SELECT path AS file, lower(hex(content_hash)) AS hash
FROM file_metadata
WHERE content_hash IS NOT NULL;

-- one row per category that has patterns: the shard with them all, locations and outliers apart
CREATE VIEW v_pattern_shards AS
SELECT
    c.category,
    c.pattern_count,
    (
        SELECT json_group_array(json(item))
        FROM (
            SELECT json_object(
            'id', p.id,
            'name', p.name,
            'description', p.description,
            'category', p.category,
            'subcategory', p.subcategory,
            'status', p.status,
            'confidence', json_object('score', p.confidence_score, 'level', p.confidence_level),
            'severity', p.severity,
            'locations', json((
                SELECT json_group_array(json(item))
                FROM (
                    SELECT json_object('file', f.path, 'line', l.line, 'column', l.column_num) AS item
                    FROM pattern_locations l
                    JOIN file_metadata f ON f.id = l.file_id
                    WHERE l.pattern_key = p.key AND l.is_outlier = 0
                    ORDER BY f.path, l.line
                )
            )),
            'outliers', json((
                SELECT json_group_array(json(item))
                FROM (
                    SELECT json_object(
                    'file', f.path, 'line', l.line, 'column', l.column_num,
                    'reason', l.outlier_reason, 'deviationScore', l.deviation_score
                ) AS item
                    FROM pattern_locations l
                    JOIN file_metadata f ON f.id = l.file_id
                    WHERE l.pattern_key = p.key AND l.is_outlier = 1
                    ORDER BY f.path, l.line
                )
            )),
            'metadata', json_object(
                'firstSeen', p.first_seen, 'lastSeen', p.last_seen,
                'approvedAt', p.approved_at, 'approvedBy', p.approved_by, 'tags', json(ifnull(p.tags, '[]'))
            )
        ) AS item
            FROM patterns p
            WHERE p.category = c.category
            ORDER BY p.confidence_score DESC, p.id
        )
    ) AS patterns
FROM (SELECT category, count(*) AS pattern_count FROM patterns GROUP BY category) c;

-- one row per table that is declared, accessed or holds a sensitive field. A violation is an access that stands where an
-- approved pattern has an outlier that nothing suppresses (few such places: the search begins with them). The risk score is the sum of its sensitive fields, weighed 4 for auth and health, 3 for
-- financial, 2 for others, times 1 + the logarithm of how often the table is accessed.
CREATE VIEW v_security_index AS
SELECT
    t.table_name AS "table",
    (SELECT m.name FROM data_models m WHERE m.table_name = t.table_name ORDER BY m.confidence DESC, m.id LIMIT 1) AS model,
    (
        SELECT count(DISTINCT d.column_name)
        FROM data_models m
        JOIN data_fields d ON d.model_id = m.id
        WHERE m.table_name = t.table_name
    ) AS field_count,
    (SELECT count(*) FROM sensitive_fields s WHERE s.table_name = t.table_name) AS sensitive_field_count,
    (SELECT count(*) FROM data_access_points a WHERE a.table_name = t.table_name) AS access_point_count,
    EXISTS (
        SELECT 1
        FROM patterns p
        CROSS JOIN pattern_locations l ON l.pattern_key = p.key AND l.is_outlier = 1
        CROSS JOIN data_access_points a ON a.file_id = l.file_id AND a.line = l.line
        WHERE p.status = 'approved'
            AND a.table_name = t.table_name
            AND (l.pattern_key, l.file_id, l.line, l.column_num) NOT IN (
                SELECT pattern_key, file_id, line, column_num
                FROM v_suppressed_outliers
                WHERE in_force
            )
    ) AS has_violations,
    round(
        (
            SELECT ifnull(sum(CASE s.sensitivity WHEN 'auth' THEN 4 WHEN 'health' THEN 4 WHEN 'financial' THEN 3 ELSE 2 END), 0)
            FROM sensitive_fields s
            WHERE s.table_name = t.table_name
        ) * (1 + ln(1 + (SELECT count(*) FROM data_access_points a WHERE a.table_name = t.table_name))),
        2
    ) AS risk_score,
    (
        SELECT json_group_array(field)
        FROM (
            SELECT DISTINCT d.column_name AS field
            FROM data_models m
            JOIN data_fields d ON d.model_id = m.id
            WHERE m.table_name = t.table_name
            ORDER BY m.id, d.position
        )
    ) AS fields,
    (
        SELECT json_group_array(json(item))
        FROM (
            SELECT json_object('field', s.field_name, 'sensitivity', s.sensitivity, 'reason', s.reason) AS item
            FROM sensitive_fields s
            WHERE s.table_name = t.table_name
            ORDER BY s.field_name
        )
    ) AS sensitive_fields,
    (
        SELECT json_group_array(json(item))
        FROM (
            SELECT json_object(
            'id', a.id, 'file', a.file, 'line', a.line, 'column', a.column_num, 'operation', a.operation,
            'fields', json(a.fields), 'functionId', a.function_id, 'confidence', a.confidence
        ) AS item
            FROM v_data_access_points a
            WHERE a.table_name = t.table_name
            ORDER BY a.file, a.line, a.column_num
        )
    ) AS access_points
FROM (
    SELECT table_name FROM data_models
    UNION
    SELECT table_name FROM data_access_points
    UNION
    SELECT table_name FROM sensitive_fields WHERE table_name IS NOT NULL
) t;

-- one row per file that holds functions. What an entry point reaches is walked when `entry_points` is selected: ask for
-- one file at a time. The summary of the old index stands in v_manifest, under stats.callGraph.
CREATE VIEW v_callgraph_index AS
SELECT
    f.path AS file,
    lower(hex(f.content_hash)) AS file_hash,
    (SELECT count(*) FROM functions fn WHERE fn.file_id = f.id AND fn.kind <> 'module') AS function_count,
    (SELECT count(*) FROM functions fn WHERE fn.file_id = f.id AND fn.is_entry_point = 1) AS entry_point_count,
    (SELECT count(*) FROM functions fn WHERE fn.file_id = f.id AND fn.is_data_accessor = 1) AS data_accessor_count,
    (SELECT count(*) FROM functions fn JOIN function_calls c ON c.caller_id = fn.id WHERE fn.file_id = f.id) AS call_count,
    (
        SELECT count(*)
        FROM functions fn
        JOIN function_calls c ON c.caller_id = fn.id
        WHERE fn.file_id = f.id AND c.callee_id IS NOT NULL
    ) AS resolved_calls,
    (
        SELECT count(*)
        FROM functions fn
        JOIN function_calls c ON c.caller_id = fn.id
        WHERE fn.file_id = f.id AND c.resolution = 0
    ) AS unresolved_calls,
    f.last_scanned AS last_updated,
    (
        SELECT json_group_array(json(item))
        FROM (
            SELECT json_object(
            'id', e.function_id, 'name', e.function, 'file', e.file, 'line', e.line, 'label', e.label,
            'reachableFunctions', (
                WITH RECURSIVE reached (id) AS (
                    SELECT p.function_id
                    UNION
                    SELECT c.callee_id
                    FROM reached
                    CROSS JOIN function_calls c ON c.caller_id = reached.id
                    WHERE c.callee_id IS NOT NULL
                )
                SELECT count(*) - 1 FROM reached
            ),
            'reachableTables', json((
                WITH RECURSIVE reached (id) AS (
                    SELECT p.function_id
                    UNION
                    SELECT c.callee_id
                    FROM reached
                    CROSS JOIN function_calls c ON c.caller_id = reached.id
                    WHERE c.callee_id IS NOT NULL
                )
                SELECT json_group_array(DISTINCT a.table_name)
                FROM reached
                CROSS JOIN function_data_access a ON a.function_id = reached.id
            ))
        ) AS item
            FROM functions fn
            JOIN entry_points p ON p.function_id = fn.id
            JOIN (
                SELECT e.id AS entry_key, v.id AS function_id, v.qualified_name AS function, v.file, e.line, e.label
                FROM entry_points e
                JOIN v_functions v ON v.key = e.function_id
            ) e ON e.entry_key = p.id
            WHERE fn.file_id = f.id
            ORDER BY e.line
        )
    ) AS entry_points,
    (
        SELECT json_group_array(json(item))
        FROM (
            SELECT json_object(
            'id', v.id, 'name', v.qualified_name, 'file', v.file, 'line', v.start_line,
            'tables', json((SELECT json_group_array(DISTINCT a.table_name) FROM function_data_access a WHERE a.function_id = v.key)),
            'operations', json((SELECT json_group_array(DISTINCT a.operation) FROM function_data_access a WHERE a.function_id = v.key))
        ) AS item
            FROM functions fn
            JOIN v_functions v ON v.key = fn.id
            WHERE fn.file_id = f.id AND fn.is_data_accessor = 1
            ORDER BY v.start_line
        )
    ) AS data_accessors
FROM file_metadata f
WHERE EXISTS (SELECT 1 FROM functions fn WHERE fn.file_id = f.id);

-- one row per pattern that has examples
CREATE VIEW v_examples_index AS
SELECT
    p.id AS pattern_id,
    p.name AS pattern_name,
    p.category,
    count(*) AS example_count,
    max(e.quality) AS best_quality,
    max(e.extracted_at) AS last_updated
FROM pattern_examples e
JOIN patterns p ON p.id = e.pattern_id
GROUP BY p.key;

-- one row: health with its course, what needs attention, and the last scan. A trend is a change of more than 2 points
-- since the day before; less is noise.
CREATE VIEW v_health_dashboard AS
SELECT
    today.date,
    today.health_score,
    today.health_score - before.health_score AS health_delta,
    CASE
        WHEN before.health_score IS NULL OR today.health_score IS NULL THEN NULL
        WHEN today.health_score - before.health_score > 2 THEN 'improving'
        WHEN today.health_score - before.health_score < -2 THEN 'declining'
        ELSE 'stable'
    END AS health_trend,
    json_extract(today.summary, '$.factors') AS factors,
    v.avg_confidence,
    v.total_patterns,
    v.approved,
    v.discovered,
    v.ignored,
    today.auto_approve_eligible,
    today.flagged_for_review,
    today.likely_false_positives,
    today.duplicate_candidates,
    (SELECT ifnull(sum(p.outlier_count), 0) FROM patterns p WHERE p.status = 'approved' AND p.severity = 'error') AS critical_issues,
    (SELECT ifnull(sum(p.outlier_count), 0) FROM patterns p WHERE p.status = 'approved' AND p.severity = 'warning') AS warnings,
    (
        SELECT json_group_array(json_object(
            'id', o.id, 'type', 'outlier', 'severity', o.severity, 'message', o.name, 'outliers', o.outlier_count, 'patternId', o.id
        ))
        FROM (
            SELECT p.id, p.name, p.severity, p.outlier_count
            FROM patterns p
            WHERE p.status = 'approved' AND p.outlier_count > 0
            ORDER BY
                CASE p.severity WHEN 'error' THEN 0 WHEN 'warning' THEN 1 WHEN 'info' THEN 2 ELSE 3 END,
                p.outlier_count DESC,
                p.id
            LIMIT 10
        ) o
    ) AS top_issues,
    (
        SELECT json_object(
            'violations', (
                SELECT count(*)
                FROM patterns p
                CROSS JOIN pattern_locations l ON l.pattern_key = p.key AND l.is_outlier = 1
                CROSS JOIN data_access_points a ON a.file_id = l.file_id AND a.line = l.line
                WHERE p.status = 'approved'
                    AND (l.pattern_key, l.file_id, l.line, l.column_num) NOT IN (
                        SELECT pattern_key, file_id, line, column_num
                        FROM v_suppressed_outliers
                        WHERE in_force
                    )
            ),
            'sensitiveExposures', s.sensitive_access_count
        )
        FROM v_security_summary s
    ) AS security,
    (
        SELECT json_group_array(json(item))
        FROM (
            SELECT json_object(
            'date', h.date, 'healthScore', h.health_score, 'avgConfidence', h.avg_confidence,
            'totalPatterns', h.total_patterns, 'approvedCount', h.approved_count
        ) AS item
            FROM (SELECT * FROM health_trends ORDER BY date DESC LIMIT 30) h
            ORDER BY h.date
        )
    ) AS trends,
    (
        SELECT json_object(
            'timestamp', r.completed_at, 'duration', r.duration_ms, 'filesScanned', r.files_scanned, 'patternsFound', r.patterns_found,
            'errors', r.errors, 'incremental', json(iif(r.incremental, 'true', 'false')), 'changedFiles', r.changed_files,
            'commit', r.commit_hash
        )
        FROM scan_history r
        WHERE r.status = 'completed'
        ORDER BY r.started_at DESC, r.id DESC
        LIMIT 1
    ) AS last_scan
FROM v_status v
LEFT JOIN audit_snapshots today ON today.date = (SELECT max(date) FROM audit_snapshots)
LEFT JOIN audit_snapshots before ON before.date = (SELECT max(date) FROM audit_snapshots WHERE date < today.date);
