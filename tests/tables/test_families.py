"""What holds for every family of tables alike: what was said last is what is read, and what was known is not written
again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drift_mcp.tables import (
    configuration,
    constants,
    constraints,
    contracts,
    coupling,
    decisions,
    dna,
    error_handling,
    examples,
    gates,
    history,
    learning,
    past,
    test_topology,
    variants,
    wrappers,
)

A, B = 1, 2  # files
F, G = 2, 4  # a function in each; 1 and 3 are the module bodies


class Family(NamedTuple):
    """How one table is written and read, and rows for it: the first ones of A, the last one of B where it has files."""

    put: Callable[[apsw.Connection, Iterable[Any]], object]
    every: Callable[[apsw.Connection], Sequence[Any]]
    rows: tuple[Any, ...]
    says: dict[str, Any]  # columns of the first row that may come to differ, and what they then are
    replace: Callable[[apsw.Connection, Iterable[int], Iterable[Any]], object] | None = None
    replace_all: Callable[[apsw.Connection, Iterable[Any]], object] | None = None
    file: str = "file_id"


FAMILIES = {
    "contracts": Family(
        contracts.put,
        contracts.every,
        (
            contracts.NewContract("c-1", "GET", "/users/:id", "/users/{}", backend_file_id=A, backend_line=3),
            contracts.NewContract(
                "c-2", "POST", "/users", "/users", "mismatch", "POST", "/users", "/users", A, 9, "express", "[]",
                0.9, "medium", 0.8, 0.7, '[{"fieldPath":"ok"}]', "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z",
            ),
            contracts.NewContract("c-3", "GET", "/", "/"),
        ),
        {"status": "mismatch", "mismatches": "[{}]", "confidence_score": 0.5, "backend_line": None},
        replace_all=contracts.replace_all,
    ),
    "contract_frontends": Family(
        contracts.put_frontends,
        contracts.every_frontend,
        (
            contracts.NewFrontend("known", "GET", "/known", "/known", A, 4),
            contracts.NewFrontend("known", "GET", "/known/", "/known", A, 5, "axios", "[]"),
            contracts.NewFrontend("known", "GET", "/known", "/known", B, 4),
        ),
        {"library": "fetch", "path": "/known?x"},
        contracts.replace_frontends,
    ),
    "constraints": Family(
        constraints.put,
        constraints.every,
        (
            constraints.NewConstraint("r-1", "Routes ask who is there", "auth", "{}"),
            constraints.NewConstraint(
                "r-2", "Tests sit beside", "test", '{"type":"must_colocate"}', "why", "python", '{"files":["src/**"]}',
                "error", "say", "fix", 0.9, 12, 1, '["a"]', "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z",
            ),
        ),
        {"confidence_violations": 3, "description": "new", "scope": '{"exclude":["x.py"]}'},
        replace_all=constraints.replace_all,
    ),
    "constants": Family(
        constants.put,
        constants.every,
        (
            constants.NewConstant("LIMIT", A, 3),
            constants.NewConstant("LIMIT", A, 7, "30", "int", "limit", "python", 1, 0, 0, 4),
            constants.NewConstant("3", A, 3, "3", is_magic=1),
            constants.NewConstant("LIMIT", B, 3, "1"),
        ),
        {"value": "31", "exported": 1, "usage_count": 2},
        constants.replace,
    ),
    "constant_usages": Family(
        constants.put_usages,
        constants.every_usage,
        (
            constants.NewUsage(1, A, 5),
            constants.NewUsage(2, A, 5, "wait(LIMIT)"),
            constants.NewUsage(1, B, 5, "wait(LIMIT)"),
        ),
        {"context": "other"},
        constants.replace_usages,
    ),
    "decisions": Family(
        decisions.put,
        decisions.every,
        (
            decisions.NewDecision("d-1", "Use SQLite"),
            decisions.NewDecision(
                "d-2", "No ORM", "because", "technology-removal", 0.7, "3f2c1ab", "2026-01-02T03:04:05.678Z", "ada",
                '["a.py"]', "[]", "2026-01-03T03:04:05.678Z",
            ),
        ),
        {"title": "Use SQLite alone", "confidence": 0.4, "files_affected": "[]"},
        replace_all=decisions.replace_all,
    ),
    "module_coupling": Family(
        coupling.put,
        coupling.every,
        (coupling.NewTie("a", "b", "import"), coupling.NewTie("a", "b", "call", 7), coupling.NewTie("b", "a", "call")),
        {"strength": 2},
        replace_all=coupling.replace_all,
    ),
    "coupling_cycles": Family(
        coupling.put_cycles,
        coupling.every_cycle,
        (
            coupling.NewCycle('["a","b"]'),
            coupling.NewCycle('["c","a","b"]', "critical", "their name", 3, "2026-01-02T03:04:05.678Z"),
        ),
        {"severity": "info", "modules": '["b","a"]'},
        replace_all=coupling.replace_cycles,
    ),
    "error_boundaries": Family(
        error_handling.put_boundaries,
        error_handling.every_boundary,
        (
            error_handling.NewBoundary(A, 4, "try-catch"),
            error_handling.NewBoundary(A, 9, "global", '["ValueError"]', 1, 1, 1, F),
            error_handling.NewBoundary(B, 4, "try-catch", function_id=G),
        ),
        {"swallows": 1, "function_id": F},
        error_handling.replace_boundaries,
    ),
    "error_handling_gaps": Family(
        error_handling.put_gaps,
        error_handling.every_gap,
        (
            error_handling.NewGap(A, 4, "unhandled", "low"),
            error_handling.NewGap(A, 4, "swallowed", "critical", F, "a bare except"),
            error_handling.NewGap(B, 4, "unhandled", "low"),
        ),
        {"severity": "high", "description": "now said"},
        error_handling.replace_gaps,
    ),
    "wrappers": Family(
        wrappers.put,
        wrappers.every,
        (
            wrappers.NewWrapper("w-1", "useThing", A, 4),
            wrappers.NewWrapper("w-2", "useOther", A, 9, "state-management", "react.useState", 0.9, 12),
            wrappers.NewWrapper("w-3", "useThing", B, 4),
        ),
        {"line": 5, "usage_count": 3, "wraps": "react.useMemo"},
        wrappers.replace,
    ),
    "wrapper_clusters": Family(
        wrappers.put_clusters,
        wrappers.every_cluster,
        (
            wrappers.NewCluster("state", '["w-1"]'),
            wrappers.NewCluster("effects", '["w-2"]', "utility", 0.5, "around useEffect"),
        ),
        {"wrapper_ids": '["w-1","w-3"]', "confidence": 0.25},
        replace_all=wrappers.replace_clusters,
    ),
    "dna_profile": Family(
        lambda tx, rows: [dna.put_profile(tx, row) for row in rows],
        lambda db: [found] if (found := dna.profile(db)) else [],
        (dna.NewProfile("2026-01-02T03:04:05.678Z"),),
        {"health_score": 70, "genetic_diversity": 0.5, "summary": "{}"},
    ),
    "dna_genes": Family(
        dna.put_genes,
        dna.every_gene,
        (dna.NewGene("g-1", "Spacing"), dna.NewGene("g-2", "Colours", "tokens", 0.8, 0.9, "[]", "[]")),
        {"dominant_variant": "rem", "frequency": 0.75},
        replace_all=dna.replace_genes,
    ),
    "dna_mutations": Family(
        dna.put_mutations,
        dna.every_mutation,
        (
            dna.NewMutation("known", A, 3),
            dna.NewMutation("known", A, 9, "rem", "px", "high", "hard to scale"),
            dna.NewMutation("known", B, 3),
        ),
        {"actual": "em", "impact": "low"},
        dna.replace_mutations,
    ),
    "test_files": Family(
        test_topology.put,
        test_topology.every,
        (
            test_topology.NewTestFile(A, "pytest", 3),
            test_topology.NewTestFile(B, "jest", 7, "2026-01-02T03:04:05.678Z", "passed"),
        ),
        {"test_count": 4, "test_framework": "unittest"},
        test_topology.replace,
    ),
    "test_coverage": Family(
        test_topology.put_coverage,
        test_topology.every_coverage,
        (
            test_topology.NewCoverage(A, B),
            test_topology.NewCoverage(A, B, G, "unit", 0.5),
            test_topology.NewCoverage(B, A),
        ),
        {"coverage_type": "e2e", "confidence": 0.25},
        test_topology.replace_coverage,
        file="test_file_id",
    ),
    "quality_gate_runs": Family(
        gates.put,
        gates.every,
        (
            gates.NewRun("run-1", "2026-01-02T03:04:05.678Z"),
            gates.NewRun(
                "run-2", "2026-01-03T03:04:05.678Z", "main", "release", "2026-01-03T03:04:06.678Z", "failed", "[]",
                "{}", "strict",
            ),
        ),
        {"completed_at": "2026-01-03T03:04:06.678Z", "status": "passed"},
        replace_all=gates.replace_all,
    ),
    "quality_gate_snapshots": Family(
        gates.put_snapshots,
        gates.every_snapshot,
        (
            gates.NewSnapshot("main", "2026-01-02T03:04:05.678Z"),
            gates.NewSnapshot("main", "2026-01-03T03:04:05.678Z", 80, 12, 3, "{}"),
        ),
        {"health_score": 70, "data": "[]"},
        replace_all=gates.replace_snapshots,
    ),
    "learned_patterns": Family(
        learning.put,
        learning.every,
        (
            learning.NewLearned("naming", "snake"),
            learning.NewLearned(
                "naming", "camel", 7, 0.5, 1, "2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z",
            ),
        ),
        {"occurrences": 2, "auto_approved": 1},
        replace_all=learning.replace_all,
    ),
    "pattern_variants": Family(
        variants.put,
        variants.every,
        (
            variants.NewVariant("v-1", "known", "Generated code", "global", "nobody writes it"),
            variants.NewVariant(
                "v-2", "known", "Old code", "directory", "goes soon", "src/old", '[{"file":"a.py","line":1}]', 0,
                "2026-01-02T03:04:05.678Z", "ada", "2027-01-02T03:04:05.678Z",
            ),
        ),
        {"reason": "it is copied", "active": 0},
    ),
    "config": Family(
        configuration.put,
        configuration.every,
        (configuration.NewSetting("a", "1"), configuration.NewSetting("b", "[]", "2026-01-02T03:04:05.678Z")),
        {"value": "2"},
    ),
    "feature_flags": Family(
        configuration.put_flags,
        configuration.every_flag,
        (configuration.NewFlag("dna"), configuration.NewFlag("graph", 1, "2026-01-02T03:04:05.678Z", "{}")),
        {"enabled": 1, "config": "[]"},
    ),
    "pattern_history": Family(
        history.put,
        history.every,
        (
            history.NewEvent("p", "created", "2026-01-02T03:04:05.678Z"),
            history.NewEvent(
                "p", "approved", "2026-01-03T03:04:05.678Z", "discovered", "approved", "ada", "our style guide"
            ),
        ),
        {},
    ),
    "audit_snapshots": Family(
        past.put_audits,
        past.audits,
        (
            past.NewAudit("2026-01-02"),
            past.NewAudit("2026-01-03", "3f2c", 80, 12, 3, 2, 1, 0, 0.75, 0.5, '{"factors":{}}'),
        ),
        {},
    ),
    "health_trends": Family(
        past.put_trends,
        past.trends,
        (past.NewTrend("2026-01-02"), past.NewTrend("2026-01-03", 80, 0.75, 12, 7, 1, 0.5)),
        {},
    ),
    "scan_history": Family(
        past.put_scans,
        past.scans,
        (
            past.NewScan("scan-1", "2026-01-02T03:04:05.678Z"),
            past.NewScan(
                "scan-2", "2026-01-03T03:04:05.678Z", "2026-01-03T03:04:06.678Z", 1000, 12, 7, 3, 1, "failed",
                "disk full", "3f2c", 1, 2, 3, "3f2c1ab",
            ),
        ),
        {},
    ),
    "pattern_examples": Family(
        examples.put,
        examples.every,
        (
            examples.NewExample("known", A, 3, 4, "x = 1"),
            examples.NewExample("known", A, 9, 9, "y", "in f", 0.5, 1, "2026-01-02T03:04:05.678Z"),
            examples.NewExample("known", B, 3, 4, "x = 1"),
        ),
        {"code": "x = 2", "quality": 0.25},
        replace_all=examples.replace_all,
    ),
}  # fmt: skip

# What a person sets: each change of it is one to push.
PEOPLES = {"pattern_variants", "config", "feature_flags"}

each_family = pytest.mark.parametrize("table", FAMILIES)


@pytest.fixture
def store(tx: apsw.Connection, village: Any) -> apsw.Connection:
    """Two files with a function each, and what the families refer to."""
    assert (village.file("a.py", "f"), village.file("b.py", "g")) == (A, B)
    assert (village.ids["f"], village.ids["g"]) == (F, G)
    return tx


def prepared(tx: apsw.Connection, table: str) -> Family:
    """The family, and in the store what its rows refer to."""
    if table == "contract_frontends":
        contracts.put(tx, [contracts.NewContract("known", "GET", "/known", "/known")])
    if table == "dna_mutations":
        dna.put_genes(tx, [dna.NewGene("known", "Spacing")])
    if table in ("pattern_variants", "pattern_examples"):
        tx.execute(
            "INSERT INTO patterns (id, name, category, source) VALUES ('known', 'Errors are wrapped', 'errors', 'scan')"
        )
    if table == "constant_usages":
        constants.put(tx, [constants.NewConstant("ONE", A, 1), constants.NewConstant("TWO", B, 1)])
    return FAMILIES[table]


def said(tx: apsw.Connection, family: Family) -> list[dict[str, Any]]:
    """What the table says, in the words of the rows that are put; without what the store adds of its own."""
    paths = dict(tx.execute("SELECT path, id FROM file_metadata"))
    return [{name: _told(row, name, paths) for name in family.rows[0]._fields} for row in family.every(tx)]


def _told(row: Any, name: str, paths: dict[str, int]) -> Any:
    return paths.get(getattr(row, name.removesuffix("_id"))) if name.endswith("file_id") else getattr(row, name)


def agrees(told: dict[str, Any], row: Any) -> bool:
    """None where the store fills in is no disagreement."""
    fills = {"confidence_level", "usage_count", "cycle_hash", "length"}
    return all(
        told[name] == value or (value is None and (name in fills or name.endswith(("_at", "_seen", "date"))))
        for name, value in row._asdict().items()
    )


def assert_says(tx: apsw.Connection, family: Family, rows: Iterable[Any]) -> None:
    told = said(tx, family)
    for row in rows:
        fits = [each for each in told if agrees(each, row)]
        assert fits, f"{row} is not among {told}"
        told.remove(fits[0])
    assert told == []


def ids(tx: apsw.Connection, table: str) -> set[object]:
    name = {"config": "key", "feature_flags": "feature"}.get(table, "id")
    return {row[0] for row in tx.execute(f'SELECT {name} FROM "{table}"')}


def another(family: Family) -> Any:
    return family.rows[0]._replace(**family.says)


@each_family
def test_what_was_put_is_read_back(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    family.put(store, family.rows)
    assert_says(store, family, family.rows)


@each_family
def test_what_is_known_is_not_written_again(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    family.put(store, family.rows)
    before = store.total_changes()
    family.put(store, family.rows)
    if family.replace is not None:
        family.replace(store, [A, B], family.rows)
    if family.replace_all is not None:
        family.replace_all(store, family.rows)
    assert store.total_changes() == before


@each_family
def test_what_is_said_anew_keeps_its_id(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    family.put(store, family.rows)
    before = ids(store, table)
    family.put(store, [another(family)])
    assert_says(store, family, [another(family), *family.rows[1:]])
    assert ids(store, table) == before


@pytest.mark.parametrize("table", [table for table, family in FAMILIES.items() if family.replace is not None])
def test_a_file_is_replaced_and_no_other(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    assert family.replace is not None
    family.put(store, family.rows)
    before = ids(store, table)
    of_b = [row for row in family.rows if getattr(row, family.file) == B]
    family.replace(store, [A], [another(family)])
    assert_says(store, family, [another(family), *of_b])
    assert ids(store, table) <= before
    family.replace(store, [A], [])
    assert_says(store, family, of_b)


@pytest.mark.parametrize("table", [table for table, family in FAMILIES.items() if family.replace_all is not None])
def test_what_is_no_longer_found_is_forgotten(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    assert family.replace_all is not None
    family.put(store, family.rows)
    before = ids(store, table)
    family.replace_all(store, [another(family)])
    assert_says(store, family, [another(family)])
    assert ids(store, table) < before
    family.replace_all(store, [])
    assert_says(store, family, [])


@pytest.mark.parametrize("table", [table for table, family in FAMILIES.items() if family.replace is not None])
def test_a_deleted_file_takes_its_rows_with_it(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    family.put(store, family.rows)
    store.execute("DELETE FROM file_metadata WHERE id = ?", (B,))
    assert all(row[family.file] == A for row in said(store, family))


@pytest.mark.parametrize("table", [table for table in FAMILIES if table not in PEOPLES])
def test_rows_of_a_scan_are_no_change_to_push(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    family.put(store, family.rows)
    family.put(store, [another(family)])
    if family.replace is not None:
        family.replace(store, [A, B], [])
    if family.replace_all is not None:
        family.replace_all(store, [])
    assert store.execute("SELECT count(*) FROM sync_log").get == 0


@pytest.mark.parametrize("table", sorted(PEOPLES))
def test_each_change_by_a_person_is_one_to_push(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    for rows in (family.rows, family.rows, [another(family)], [another(family)]):
        family.put(store, rows)
    logged = store.execute("SELECT table_name, row_id, operation, synced FROM sync_log ORDER BY id").fetchall()
    first, second = (row[0] for row in family.rows)
    assert logged == [(table, first, "INSERT", 0), (table, second, "INSERT", 0), (table, first, "UPDATE", 0)]


@pytest.mark.parametrize("table", [table for table, family in FAMILIES.items() if family.replace is not None])
def test_a_row_of_a_file_that_nobody_knows_is_refused(store: apsw.Connection, table: str) -> None:
    family = prepared(store, table)
    with pytest.raises(apsw.ConstraintError):
        family.put(store, [family.rows[0]._replace(**{family.file: 99})])


@each_family
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(data=st.data())
def test_whatever_comes_in_whatever_order_the_last_word_stands(
    store: apsw.Connection, table: str, data: st.DataObject
) -> None:
    store.execute("SAVEPOINT example")
    try:
        last_words_stand(store, table, data)
    finally:
        store.execute("ROLLBACK TO example")
        store.execute("RELEASE example")


def last_words_stand(store: apsw.Connection, table: str, data: st.DataObject) -> None:
    family = prepared(store, table)
    variants = {number: (row, row._replace(**family.says)) for number, row in enumerate(family.rows)}
    some = st.dictionaries(st.sampled_from(sorted(variants)), st.integers(0, 1)).map(
        lambda chosen: {number: variants[number][variant] for number, variant in chosen.items()}
    )
    stands: dict[int, Any] = {}
    for _ in range(data.draw(st.integers(1, 5))):
        rows = data.draw(some)
        replaced = data.draw(st.booleans()) and (family.replace or family.replace_all)
        if not replaced:
            family.put(store, rows.values())
        elif family.replace is not None:
            files = data.draw(st.sampled_from([(A,), (B,), (A, B)]))
            rows = {number: row for number, row in rows.items() if getattr(row, family.file) in files}
            family.replace(store, files, rows.values())
            stands = {number: row for number, row in stands.items() if getattr(row, family.file) not in files}
        elif family.replace_all is not None:
            family.replace_all(store, rows.values())
            stands = {}
        stands |= rows
        assert_says(store, family, stands.values())
