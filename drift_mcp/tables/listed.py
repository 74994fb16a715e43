"""The domains that have no tool of their own, each as one list of the same shape: a place, a sentence, and the columns.

What reads only. A domain is a statement that gives file, line, sentence and columns, and behind them, where a row
speaks of more files than its own, those as a JSON list. Adding one is a line in `LISTS`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import apsw

from drift_mcp.tables import constraints


class Fact(NamedTuple):
    """One row of a domain. `columns`: what the table says of it, by the names of the table's columns."""

    file: str | None
    line: int | None
    said: str
    columns: dict[str, Any]
    also: frozenset[str] = frozenset()  # other files that it speaks of, or folders


_SECURITY = """
SELECT m.path, s.line, ifnull(s.table_name || '.', '') || s.field_name || '  ' || s.sensitivity
    || ifnull('  ' || s.reason, ''),
    json_object('table', s.table_name, 'field', s.field_name, 'sensitivity', s.sensitivity, 'reason', s.reason,
        'confidence', s.confidence)
FROM sensitive_fields s
LEFT JOIN file_metadata m ON m.id = s.file_id
ORDER BY s.sensitivity, s.table_name, s.field_name
"""

_ENVIRONMENT = """
SELECT m.path, a.line,
    v.name || '  ' || v.sensitivity || CASE WHEN v.is_required THEN '  required' ELSE '' END
        || CASE WHEN a.default_value IS NULL THEN '' ELSE '  default ' || a.default_value END,
    json_object('name', v.name, 'sensitivity', v.sensitivity, 'method', a.method, 'is_required', v.is_required,
        'has_default', v.has_default, 'default_value', a.default_value)
FROM env_variables v
LEFT JOIN env_access_points a ON a.var_name = v.name
LEFT JOIN file_metadata m ON m.id = a.file_id
ORDER BY v.name, m.path, a.line
"""

_PACKAGES = """
SELECT p.path, NULL,
    p.name || ifnull('  ' || p.version, '') || ifnull('  ' || p.package_manager, '') || ifnull('  ' || p.framework, ''),
    json_object('name', p.name, 'path', p.path, 'version', p.version, 'package_manager', p.package_manager,
        'language', p.language, 'framework', p.framework, 'dependencies', json(p.dependencies),
        'dev_dependencies', json(p.dev_dependencies), 'function_count', p.function_count)
FROM packages p
ORDER BY p.path
"""

_PROBLEMS = """
SELECT m.path, p.line, p.kind || ': ' || p.message, json_object('kind', p.kind, 'message', p.message,
    'status', m.status)
FROM file_problems p
JOIN file_metadata m ON m.id = p.file_id
ORDER BY m.path, p.line, p.id
"""

_SCANS = """
SELECT NULL, NULL,
    started_at || '  ' || status || CASE WHEN incremental THEN '  incremental' ELSE '  full' END
        || ifnull('  ' || files_scanned || ' files read', '') || ifnull('  ' || changed_files || ' changed', '')
        || ifnull('  ' || duration_ms || ' ms', '') || ifnull('  at ' || substr(commit_hash, 1, 7), '')
        || ifnull('  ' || error_message, ''),
    json_object('scan_id', scan_id, 'started_at', started_at, 'completed_at', completed_at, 'status', status,
        'incremental', incremental, 'files_scanned', files_scanned, 'changed_files', changed_files,
        'skipped_files', skipped_files, 'errors', errors, 'duration_ms', duration_ms, 'commit_hash', commit_hash)
FROM scan_history
ORDER BY started_at DESC
"""

_TESTS = """
SELECT m.path, NULL AS line,
    ifnull(t.test_framework, 'tests') || '  ' || t.test_count || CASE t.test_count WHEN 1 THEN ' test' ELSE ' tests' END
        || CASE WHEN t.status = 'unknown' THEN '' ELSE '  ' || t.status END || ifnull('  ' || t.last_run, ''),
    json_object('kind', 'test file', 'framework', t.test_framework, 'test_count', t.test_count, 'last_run', t.last_run,
        'status', t.status),
    NULL
FROM test_files t
JOIN file_metadata m ON m.id = t.file_id
UNION ALL
SELECT m.path, NULL,
    'exercises ' || s.path || ifnull('  ' || f.qualified_name, '') || ifnull('  ' || c.coverage_type, ''),
    json_object('kind', 'coverage', 'source_file', s.path, 'function', f.qualified_name, 'coverage_type',
        c.coverage_type, 'confidence', c.confidence),
    json_array(s.path)
FROM test_coverage c
JOIN file_metadata m ON m.id = c.test_file_id
JOIN file_metadata s ON s.id = c.source_file_id
LEFT JOIN functions f ON f.id = c.function_id
UNION ALL
SELECT m.path, f.start_line, f.qualified_name,
    json_object('kind', 'test', 'function', f.qualified_name, 'label', e.label, 'framework', e.framework),
    NULL
FROM entry_points e
JOIN functions f ON f.id = e.function_id
JOIN file_metadata m ON m.id = f.file_id
WHERE e.kind = 'test'
ORDER BY 1, 2, 3
"""

_CONTRACTS = """
WITH
    listed AS (
        SELECT *, method || ' ' || endpoint AS named, ifnull(json_array_length(mismatches), 0) AS differences
        FROM contracts
    )
SELECT m.path, c.backend_line,
    c.named || '  ' || c.status
        || CASE c.differences WHEN 0 THEN '' ELSE '  ' || c.differences
            || CASE c.differences WHEN 1 THEN ' difference' ELSE ' differences' END END
        || ifnull('  ' || c.backend_framework, '') || ifnull('  said by ' || c.verified_by, ''),
    json_object('kind', 'contract', 'id', c.id, 'method', c.method, 'endpoint', c.endpoint, 'status', c.status,
        'framework', c.backend_framework, 'response_fields', json(c.backend_response_fields),
        'mismatches', json(c.mismatches), 'confidence', c.confidence_score, 'last_seen', c.last_seen,
        'verified_at', c.verified_at, 'verified_by', c.verified_by),
    (
        SELECT json_group_array(DISTINCT o.path)
        FROM contract_frontends f
        JOIN file_metadata o ON o.id = f.file_id
        WHERE f.contract_id = c.id
    ),
    c.status <> 'mismatch' AS first, c.normalized_endpoint AS second, c.method AS third, 0 AS fourth
FROM listed c
LEFT JOIN file_metadata m ON m.id = c.backend_file_id
UNION ALL
SELECT m.path, f.line, c.named || '  called as ' || f.path || ifnull('  ' || f.library, ''),
    json_object('kind', 'frontend', 'id', c.id, 'method', f.method, 'path', f.path, 'library', f.library,
        'response_fields', json(f.response_fields)),
    json_array(b.path),
    c.status <> 'mismatch', c.normalized_endpoint, c.method, 1
FROM contract_frontends f
JOIN listed c ON c.id = f.contract_id
JOIN file_metadata m ON m.id = f.file_id
LEFT JOIN file_metadata b ON b.id = c.backend_file_id
ORDER BY first, second, third, fourth, 1, 2
"""

_CONSTRAINTS = """
SELECT NULL, NULL,
    name || '  ' || category || '  ' || status || '  ' || enforcement_level
        || CASE language WHEN 'all' THEN '' ELSE '  ' || language END
        || CASE WHEN confidence_evidence + confidence_violations = 0 THEN ''
            ELSE '  kept in ' || confidence_evidence || ', not kept in ' || confidence_violations END
        || CASE WHEN description = name THEN '' ELSE ifnull('  ' || description, '') END
        || ifnull('  note: ' || notes, ''),
    json_object('id', id, 'name', name, 'category', category, 'status', status, 'description', description,
        'language', language, 'invariant', json(invariant), 'scope', json(scope),
        'enforcement_level', enforcement_level, 'enforcement_message', enforcement_message,
        'evidence', confidence_evidence, 'violations', confidence_violations, 'approved_by', approved_by,
        'ignore_reason', ignore_reason, 'notes', notes)
FROM constraints
ORDER BY status = 'ignored', category, name, id
"""

_CONSTANTS = """
SELECT m.path, c.line,
    c.name || CASE
            WHEN c.is_secret THEN '  secret'
            WHEN c.is_magic OR c.value IS NULL THEN ''
            ELSE ' = ' || replace(substr(c.value, 1, 80), char(10), ' ') || iif(length(c.value) > 80, '…', '')
        END
        || CASE WHEN c.is_magic THEN '  written out in place' ELSE '' END
        || CASE c.usage_count WHEN 0 THEN '' ELSE '  used in ' || c.usage_count
            || CASE c.usage_count WHEN 1 THEN ' place' ELSE ' places' END END,
    json_object('name', c.name, 'value', CASE WHEN c.is_secret THEN NULL ELSE c.value END, 'type', c.type,
        'category', c.category, 'exported', c.exported, 'is_magic', c.is_magic, 'is_secret', c.is_secret,
        'usage_count', c.usage_count),
    (
        SELECT json_group_array(DISTINCT o.path)
        FROM constant_usages u
        JOIN file_metadata o ON o.id = u.file_id
        WHERE u.constant_id = c.id
    )
FROM constants c
JOIN file_metadata m ON m.id = c.file_id
ORDER BY m.path, c.line, c.id
"""

_DECISIONS = """
SELECT NULL, NULL,
    title || ifnull('  ' || category, '') || '  ' || status || ifnull('  ' || substr(commit_date, 1, 10), '')
        || ifnull('  ' || substr(commit_hash, 1, 7), ''),
    json_object('id', id, 'title', title, 'category', category, 'status', status, 'description', description,
        'commit_hash', commit_hash, 'commit_date', commit_date, 'author', author, 'confidence', confidence,
        'files_affected', json(files_affected), 'patterns_affected', json(patterns_affected)),
    files_affected
FROM decisions
ORDER BY commit_date DESC, id
"""

_COUPLING = """
SELECT NULL, NULL,
    'cycle of ' || length || ': ' || ifnull((SELECT group_concat(value, ' → ') FROM json_each(modules)), '')
        || ifnull('  ' || severity, ''),
    json_object('kind', 'cycle', 'cycle', json(modules), 'length', length, 'severity', severity),
    modules, 0 AS first, length AS second
FROM coupling_cycles
UNION ALL
SELECT NULL, NULL,
    source_module || ' → ' || target_module || '  ' || coupling_type || '  ' || strength
        || CASE strength WHEN 1 THEN ' place' ELSE ' places' END,
    json_object('kind', 'tie', 'source_module', source_module, 'target_module', target_module,
        'coupling_type', coupling_type, 'strength', strength),
    json_array(source_module, target_module), 1, -strength
FROM module_coupling
ORDER BY first, second, 3
"""

_ERRORS = """
SELECT m.path, g.line, g.gap_type || '  ' || g.severity || ifnull('  in ' || f.qualified_name, '')
    || ifnull('  ' || g.description, ''),
    json_object('kind', 'gap', 'gap_type', g.gap_type, 'severity', g.severity, 'description', g.description,
        'function', f.qualified_name)
FROM error_handling_gaps g
JOIN file_metadata m ON m.id = g.file_id
LEFT JOIN functions f ON f.id = g.function_id
UNION ALL
SELECT m.path, b.line,
    b.type || '  catches ' || ifnull((SELECT group_concat(value, ', ') FROM json_each(b.catches)), 'everything')
        || CASE WHEN b.swallows THEN '  swallows' ELSE '' END || CASE WHEN b.logs THEN '  logs' ELSE '' END
        || CASE WHEN b.rethrows THEN '  rethrows' ELSE '' END || ifnull('  in ' || f.qualified_name, ''),
    json_object('kind', 'boundary', 'type', b.type, 'catches', json(b.catches), 'rethrows', b.rethrows,
        'logs', b.logs, 'swallows', b.swallows, 'function', f.qualified_name)
FROM error_boundaries b
JOIN file_metadata m ON m.id = b.file_id
LEFT JOIN functions f ON f.id = b.function_id
ORDER BY 1, 2, 3
"""

_WRAPPERS = """
SELECT m.path, w.line,
    w.name || ifnull('  wraps ' || w.wraps, '') || ifnull('  ' || w.category, '') || '  used in ' || w.usage_count
        || CASE w.usage_count WHEN 1 THEN ' place' ELSE ' places' END,
    json_object('kind', 'wrapper', 'id', w.id, 'name', w.name, 'wraps', w.wraps, 'category', w.category,
        'confidence', w.confidence, 'usage_count', w.usage_count),
    NULL, 1 AS first, -w.usage_count AS second
FROM wrappers w
JOIN file_metadata m ON m.id = w.file_id
UNION ALL
SELECT NULL, NULL,
    c.cluster_name || ifnull('  ' || c.category, '') || '  '
        || ifnull((
            SELECT group_concat(ifnull(w.name, e.value), ', ')
            FROM json_each(c.wrapper_ids) e
            LEFT JOIN wrappers w ON w.id = e.value
        ), 'no wrapper')
        || ifnull('  ' || c.pattern_description, ''),
    json_object('kind', 'cluster', 'name', c.cluster_name, 'category', c.category, 'wrappers', json(c.wrapper_ids),
        'confidence', c.confidence, 'description', c.pattern_description),
    (
        SELECT json_group_array(DISTINCT m.path)
        FROM json_each(c.wrapper_ids) e
        JOIN wrappers w ON w.id = e.value
        JOIN file_metadata m ON m.id = w.file_id
    ),
    0, c.cluster_name
FROM wrapper_clusters c
ORDER BY first, second, 1, 2, 3
"""

_DNA = """
SELECT NULL, NULL,
    'profile' || ifnull('  health ' || health_score, '') || ifnull('  diversity ' || genetic_diversity, '')
        || '  as of ' || generated_at,
    json_object('kind', 'profile', 'version', version, 'generated_at', generated_at, 'health_score', health_score,
        'genetic_diversity', genetic_diversity, 'summary', json(summary)),
    NULL, 0 AS first, '' AS second
FROM dna_profile
UNION ALL
SELECT NULL, NULL, name || ifnull('  ' || dominant_variant, '') || ifnull('  ' || frequency, ''),
    json_object('kind', 'gene', 'id', id, 'name', name, 'dominant_variant', dominant_variant,
        'frequency', frequency, 'confidence', confidence, 'variants', json(variants)),
    NULL, 1, id
FROM dna_genes
UNION ALL
SELECT m.path, d.line,
    g.name || ifnull('  ' || d.actual, '') || ifnull('  instead of ' || d.expected, '')
        || ifnull('  ' || d.impact || ' impact', '') || ifnull('  ' || d.reason, ''),
    json_object('kind', 'mutation', 'gene', d.gene_id, 'expected', d.expected, 'actual', d.actual, 'impact', d.impact,
        'reason', d.reason),
    NULL, 2, m.path
FROM dna_mutations d
JOIN dna_genes g ON g.id = d.gene_id
JOIN file_metadata m ON m.id = d.file_id
ORDER BY first, second, 2, 3
"""

_GATES = """
SELECT NULL, NULL,
    started_at || '  ' || status || ifnull('  ' || branch, '') || ifnull(' against ' || base_branch, '')
        || ifnull('  ' || (SELECT group_concat(value, ', ') FROM json_each(gates_run)), '')
        || ifnull('  policy ' || policy, ''),
    json_object('kind', 'run', 'id', id, 'status', status, 'branch', branch, 'base_branch', base_branch,
        'started_at', started_at, 'completed_at', completed_at, 'gates_run', json(gates_run), 'policy', policy,
        'results', json(results)),
    NULL, started_at AS first, id AS second
FROM quality_gate_runs
UNION ALL
SELECT NULL, NULL,
    snapshot_at || '  state of ' || branch || ifnull('  health ' || health_score, '')
        || ifnull('  ' || pattern_count || CASE pattern_count WHEN 1 THEN ' pattern' ELSE ' patterns' END, '')
        || ifnull('  ' || violation_count || CASE violation_count WHEN 1 THEN ' violation' ELSE ' violations' END, ''),
    json_object('kind', 'snapshot', 'branch', branch, 'snapshot_at', snapshot_at, 'health_score', health_score,
        'pattern_count', pattern_count, 'violation_count', violation_count, 'data', json(data)),
    NULL, snapshot_at, id
FROM quality_gate_snapshots
ORDER BY first DESC, second DESC
"""

_AUDIT = """
SELECT NULL, NULL, date || ifnull('  health ' || health_score, '') || ifnull('  ' || total_patterns || ' patterns', ''),
    json_object('date', date, 'health_score', health_score, 'total_patterns', total_patterns,
        'auto_approve_eligible', auto_approve_eligible, 'flagged_for_review', flagged_for_review)
FROM audit_snapshots
ORDER BY date DESC
"""

# `outliers` counts the places that one covers now; 0 where it is over, and where nothing departs there any more.
_SUPPRESSIONS = """
WITH
    stated AS (
        SELECT *, CASE
            WHEN deactivation_reason = 'manual' THEN 'taken back'
            WHEN is_active = 0 THEN ifnull(deactivation_reason, 'over')
            WHEN expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') THEN 'expired'
            WHEN pattern_id NOT IN (SELECT id FROM patterns) THEN 'waiting: no such pattern now'
            ELSE 'in force'
        END AS state
        FROM pattern_suppressions
    ),
    covered (suppression_id, outliers) AS (
        SELECT suppression_id, count(*)
        FROM v_suppressed_outliers
        WHERE in_force
        GROUP BY suppression_id
    )
SELECT s.path, s.line,
    s.scope || ifnull('  ' || s.category, '') || ifnull('  ' || s.detector_id, '') || ifnull('  ' || s.pattern_id, '')
        || CASE WHEN ifnull(s.category, ifnull(s.detector_id, s.pattern_id)) IS NULL THEN '  all patterns' ELSE '' END
        || '  ' || s.state
        || ifnull(CASE s.state WHEN 'taken back' THEN NULL WHEN 'expired' THEN ' after ' ELSE ' until ' END
            || substr(s.expires_at, 1, 10), '')
        || '  ' || ifnull(c.outliers, 0) || CASE c.outliers WHEN 1 THEN ' outlier' ELSE ' outliers' END
        || '  ' || CASE s.origin WHEN 'person' THEN ifnull(s.created_by, 'a person') || ': ' ELSE '' END || s.reason,
    json_object('id', s.id, 'scope', s.scope, 'end_line', s.end_line, 'category', s.category,
        'pattern_id', s.pattern_id, 'detector_id', s.detector_id, 'reason', s.reason, 'origin', s.origin,
        'created_by', s.created_by, 'created_at', s.created_at, 'expires_at', s.expires_at, 'is_active', s.is_active,
        'deactivated_at', s.deactivated_at, 'deactivation_reason', s.deactivation_reason, 'state', s.state,
        'outliers', ifnull(c.outliers, 0))
FROM stated s
LEFT JOIN covered c ON c.suppression_id = s.id
ORDER BY s.path, s.line, s.id
"""

LISTS: Mapping[str, str] = {
    "security": _SECURITY,
    "contracts": _CONTRACTS,
    "environment": _ENVIRONMENT,
    "constraints": _CONSTRAINTS,
    "constants": _CONSTANTS,
    "decisions": _DECISIONS,
    "coupling": _COUPLING,
    "errors": _ERRORS,
    "wrappers": _WRAPPERS,
    "dna": _DNA,
    "tests": _TESTS,
    "gates": _GATES,
    "audit": _AUDIT,
    "packages": _PACKAGES,
    "suppressions": _SUPPRESSIONS,
    "scans": _SCANS,
    "problems": _PROBLEMS,
}


def domain(db: apsw.Connection, name: str) -> list[Fact]:
    """All rows of a domain, in the order in which a reader wants them."""
    return [
        Fact(file, line, said, json.loads(columns), _texts(also[0]) if also else frozenset())
        for file, line, said, columns, *also in db.execute(LISTS[name])
    ]


def _texts(listed: str | None) -> frozenset[str]:
    # What others wrote into a JSON column may be no list of texts.
    found = [] if listed is None else json.loads(listed)
    return frozenset(each for each in found if isinstance(each, str)) if isinstance(found, list) else frozenset()


def about(name: str, facts: Iterable[Fact], paths: Collection[str]) -> list[Fact]:
    """Those facts of a domain that speak of one of these files: the place of a fact, another end of it, a folder
    around the file; a rule speaks of the files in its scope."""
    if name == "constraints":
        return [one for one in facts if any(constraints.covers(one.columns["scope"], path) for path in paths)]
    around = {folder for path in paths for folder in _around(path)}
    return [one for one in facts if one.file in around or not around.isdisjoint(one.also)]


def _around(path: str) -> list[str]:
    """A file and the folders around it, up to the root."""
    parts = path.split("/")
    return ["/".join(parts[:number]) for number in range(1, len(parts) + 1)] + ["."]
