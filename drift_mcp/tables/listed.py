"""The domains that have no tool of their own, each as one list of the same shape: a place, a sentence, and the columns.

What reads only. A domain is a statement; adding one is a line in `LISTS`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import apsw


class Fact(NamedTuple):
    """One row of a domain. `columns`: what the table says of it, by the names of the table's columns."""

    file: str | None
    line: int | None
    said: str
    columns: dict[str, Any]


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
SELECT m.path, f.start_line, f.qualified_name, json_object('function', f.qualified_name, 'label', e.label,
    'framework', e.framework)
FROM entry_points e
JOIN functions f ON f.id = e.function_id
JOIN file_metadata m ON m.id = f.file_id
WHERE e.kind = 'test'
ORDER BY m.path, f.start_line
"""

_CONTRACTS = """
SELECT m.path, c.backend_line, c.method || ' ' || c.endpoint || '  ' || c.status,
    json_object('id', c.id, 'method', c.method, 'endpoint', c.endpoint, 'status', c.status, 'mismatches',
        json(c.mismatches))
FROM contracts c
LEFT JOIN file_metadata m ON m.id = c.backend_file_id
ORDER BY c.status = 'mismatch' DESC, c.endpoint, c.method
"""

_CONSTRAINTS = """
SELECT NULL, NULL, name || '  ' || category || '  ' || status || ifnull('  ' || description, ''),
    json_object('id', id, 'name', name, 'category', category, 'status', status, 'description', description,
        'invariant', json(invariant), 'scope', json(scope), 'enforcement_level', enforcement_level)
FROM constraints
ORDER BY category, name, id
"""

_CONSTANTS = """
SELECT m.path, c.line, c.name || CASE WHEN c.is_secret THEN '' ELSE ifnull(' = ' || c.value, '') END,
    json_object('name', c.name, 'value', CASE WHEN c.is_secret THEN NULL ELSE c.value END, 'type', c.type,
        'category', c.category, 'usage_count', c.usage_count)
FROM constants c
JOIN file_metadata m ON m.id = c.file_id
ORDER BY m.path, c.line
"""

_DECISIONS = """
SELECT NULL, NULL, title || '  ' || category || '  ' || status || ifnull('  ' || substr(commit_hash, 1, 7), ''),
    json_object('id', id, 'title', title, 'category', category, 'status', status, 'description', description,
        'commit_hash', commit_hash, 'confidence', confidence)
FROM decisions
ORDER BY commit_date DESC, id
"""

_COUPLING = """
SELECT NULL, NULL, 'cycle of ' || length || ': ' || modules || '  ' || severity,
    json_object('cycle', json(modules), 'length', length, 'severity', severity)
FROM coupling_cycles
UNION ALL
SELECT NULL, NULL, source_module || ' → ' || target_module || '  ' || strength,
    json_object('source_module', source_module, 'target_module', target_module, 'strength', strength)
FROM module_coupling
"""

_ERRORS = """
SELECT m.path, g.line, g.gap_type || '  ' || g.severity || ifnull('  ' || g.description, ''),
    json_object('gap_type', g.gap_type, 'severity', g.severity, 'description', g.description)
FROM error_handling_gaps g
JOIN file_metadata m ON m.id = g.file_id
UNION ALL
SELECT m.path, b.line, b.type || ifnull('  catches ' || b.catches, '')
    || CASE WHEN b.swallows THEN '  swallows' ELSE '' END,
    json_object('type', b.type, 'catches', b.catches, 'rethrows', b.rethrows, 'logs', b.logs, 'swallows', b.swallows)
FROM error_boundaries b
JOIN file_metadata m ON m.id = b.file_id
ORDER BY 1, 2
"""

_WRAPPERS = """
SELECT m.path, w.line, w.name || '  wraps ' || w.wraps, json_object('name', w.name, 'wraps', w.wraps,
    'usage_count', w.usage_count)
FROM wrappers w
JOIN file_metadata m ON m.id = w.file_id
ORDER BY w.usage_count DESC, m.path, w.line
"""

_DNA = """
SELECT NULL, NULL, name || ifnull('  ' || dominant_variant, '') || ifnull('  ' || frequency, ''),
    json_object('id', id, 'name', name, 'dominant_variant', dominant_variant, 'frequency', frequency,
        'confidence', confidence)
FROM dna_genes
ORDER BY id
"""

_GATES = """
SELECT NULL, NULL, started_at || '  ' || status || ifnull('  ' || branch, ''),
    json_object('id', id, 'status', status, 'branch', branch, 'policy', policy, 'results', json(results))
FROM quality_gate_runs
ORDER BY started_at DESC
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
        || '  ' || s.state || ifnull('  until ' || substr(s.expires_at, 1, 10), '')
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
    return [Fact(file, line, said, json.loads(columns)) for file, line, said, columns in db.execute(LISTS[name])]
