"""What each domain tells an asker, line by line."""

from __future__ import annotations

from typing import Any

import apsw
import pytest

from drift_mcp.tables import (
    constants,
    constraints,
    contracts,
    coupling,
    decisions,
    dna,
    error_handling,
    gates,
    listed,
    test_topology,
    wrappers,
)


@pytest.fixture
def store(tx: apsw.Connection, village: Any) -> apsw.Connection:
    a, b = village.file("src/a.py", "f"), village.file("src/b.py", "g")
    f = village.ids["f"]
    contracts.put(
        tx,
        [
            contracts.NewContract("c-1", "GET", "/users/:id", "/users/{}", backend_file_id=a, backend_line=3),
            contracts.NewContract(
                "c-2", "POST", "/users", "/users", "mismatch", backend_framework="express", mismatches="[{},{}]"
            ),
        ],
    )
    contracts.put_frontends(
        tx,
        [
            contracts.NewFrontend("c-1", "GET", "/users/1", "/users/{}", b, 4, "axios"),
            contracts.NewFrontend("c-2", "POST", "/users", "/users", b, 2),
        ],
    )
    contracts.judge(tx, "c-1", "verified", by="ada")
    constraints.put(
        tx,
        [
            constraints.NewConstraint("r-1", "Routes ask who is there", "auth", "{}", confidence_evidence=3),
            constraints.NewConstraint("r-2", "B stays small", "structural", "{}", scope='{"files":["src/b.*"]}'),
            constraints.NewConstraint("r-3", "No eval", "security", "{}", "eval runs anything", "python"),
        ],
    )
    constraints.judge(tx, "r-1", "ignored", by="ada")
    constraints.note(tx, "r-3", "ask Bob")
    constants.put(
        tx,
        [
            constants.NewConstant("LIMIT", a, 3, "30"),
            constants.NewConstant("TOKEN", a, 4, "[redacted]", is_secret=1),
            constants.NewConstant("86400", a, 5, "86400", is_magic=1),
            constants.NewConstant("TEXT", a, 6, "one\ntwo" + 80 * "x"),
        ],
    )
    constants.put_usages(tx, [constants.NewUsage(constants.ids(tx)["src/a.py:LIMIT:3"], b, line) for line in (1, 2)])
    constants.recount(tx)
    decisions.put(
        tx,
        [
            decisions.NewDecision("d-1", "Something"),
            decisions.NewDecision(
                "d-2", "Use SQLite", category="technology-adoption", commit_hash="3f2c1abdef",
                commit_date="2026-01-02T03:04:05.678Z", files_affected='["src/a.py","gone.py"]',
            ),
        ],
    )  # fmt: skip
    coupling.put(tx, [coupling.NewTie("src/a.py", "lib", "call"), coupling.NewTie("src", "lib", "import", 7)])
    coupling.put_cycles(tx, [coupling.NewCycle('["x","y","z"]', "critical"), coupling.NewCycle('["src/a.py","lib"]')])
    error_handling.put_boundaries(
        tx,
        [
            error_handling.NewBoundary(a, 4, "try-catch", swallows=1),
            error_handling.NewBoundary(a, 9, "global", '["A","B"]', logs=1, rethrows=1, function_id=f),
        ],
    )
    error_handling.put_gaps(
        tx,
        [
            error_handling.NewGap(b, 4, "unhandled", "low"),
            error_handling.NewGap(a, 5, "swallowed", "high", f, "a bare except"),
        ],
    )
    wrappers.put(
        tx,
        [
            wrappers.NewWrapper("w-1", "useThing", a, 4, usage_count=1),
            wrappers.NewWrapper("w-2", "useOther", b, 9, "state-management", "react.useState", 0.9, 12),
        ],
    )
    wrappers.put_clusters(
        tx,
        [
            wrappers.NewCluster("state", '["w-2","gone"]', "utility", 0.5, "around useState"),
            wrappers.NewCluster("empty", "[]"),
        ],
    )
    dna.put_profile(tx, dna.NewProfile("2026-01-02T03:04:05.678Z", health_score=70, genetic_diversity=0.5))
    dna.put_genes(tx, [dna.NewGene("spacing", "Spacing", "rem", 0.8), dna.NewGene("colour", "Colour")])
    dna.put_mutations(
        tx, [dna.NewMutation("spacing", a, 3, "rem", "px", "high", "hard to scale"), dna.NewMutation("colour", b, 1)]
    )
    test_topology.put(tx, [test_topology.NewTestFile(b, "pytest", 1, "2026-01-02T03:04:05.678Z", "passed")])
    test_topology.put_coverage(tx, [test_topology.NewCoverage(b, a), test_topology.NewCoverage(b, a, f, "unit")])
    tx.execute(
        "INSERT INTO entry_points (function_id, kind, label, line) VALUES (?, 'test', 'g', 2)", (village.ids["g"],)
    )
    gates.put(
        tx,
        [
            gates.NewRun("run-1", "2026-01-02T03:04:05.678Z"),
            gates.NewRun(
                "run-2", "2026-01-04T03:04:05.678Z", "topic", "main", status="failed", gates_run='["lint","tests"]',
                policy="strict",
            ),
        ],
    )  # fmt: skip
    gates.put_snapshots(tx, [gates.NewSnapshot("main", "2026-01-03T03:04:05.678Z", 80, 12, 1)])
    return tx


LINES = {
    "contracts": [
        "POST /users  mismatch  2 differences  express",
        "src/b.py:2 POST /users  called as /users",
        "src/a.py:3 GET /users/:id  verified  said by ada",
        "src/b.py:4 GET /users/:id  called as /users/1  axios",
    ],
    "constraints": [
        "No eval  security  discovered  warning  python  eval runs anything  note: ask Bob",
        "B stays small  structural  discovered  warning",
        "Routes ask who is there  auth  ignored  warning  kept in 3, not kept in 0",
    ],
    "constants": [
        "src/a.py:3 LIMIT = 30  used in 2 places",
        "src/a.py:4 TOKEN  secret",
        "src/a.py:5 86400  written out in place",
        "src/a.py:6 TEXT = one two" + 73 * "x" + "…",
    ],
    "decisions": ["Use SQLite  technology-adoption  discovered  2026-01-02  3f2c1ab", "Something  discovered"],
    "coupling": [
        "cycle of 2: src/a.py → lib",
        "cycle of 3: x → y → z  critical",
        "src → lib  import  7 places",
        "src/a.py → lib  call  1 place",
    ],
    "errors": [
        "src/a.py:4 try-catch  catches everything  swallows",
        "src/a.py:5 swallowed  high  in f  a bare except",
        "src/a.py:9 global  catches A, B  logs  rethrows  in f",
        "src/b.py:4 unhandled  low",
    ],
    "wrappers": [
        "empty  no wrapper",
        "state  utility  useOther, gone  around useState",
        "src/b.py:9 useOther  wraps react.useState  state-management  used in 12 places",
        "src/a.py:4 useThing  used in 1 place",
    ],
    "dna": [
        "profile  health 70  diversity 0.5  as of 2026-01-02T03:04:05.678Z",
        "Colour",
        "Spacing  rem  0.8",
        "src/a.py:3 Spacing  px  instead of rem  high impact  hard to scale",
        "src/b.py:1 Colour",
    ],
    "tests": [
        "src/b.py exercises src/a.py",
        "src/b.py exercises src/a.py  f  unit",
        "src/b.py pytest  1 test  passed  2026-01-02T03:04:05.678Z",
        "src/b.py:2 g",
    ],
    "gates": [
        "2026-01-04T03:04:05.678Z  failed  topic against main  lint, tests  policy strict",
        "2026-01-03T03:04:05.678Z  state of main  health 80  12 patterns  1 violation",
        "2026-01-02T03:04:05.678Z  running",
    ],
}


def lines(facts: list[listed.Fact]) -> list[str]:
    return [
        (f"{fact.file}:{fact.line} " if fact.line else f"{fact.file} " if fact.file else "") + fact.said
        for fact in facts
    ]


@pytest.mark.parametrize("domain", LINES)
def test_a_domain_in_the_order_in_which_a_reader_wants_it(store: apsw.Connection, domain: str) -> None:
    assert lines(listed.domain(store, domain)) == LINES[domain]


@pytest.mark.parametrize("domain", sorted(listed.LISTS))
def test_every_fact_is_said(store: apsw.Connection, domain: str) -> None:
    assert all(fact.said and isinstance(fact.columns, dict) for fact in listed.domain(store, domain))


def test_the_value_of_a_secret_is_not_told(store: apsw.Connection) -> None:
    token = listed.domain(store, "constants")[1]
    assert (token.columns["value"], token.columns["is_secret"]) == (None, 1)


@pytest.mark.parametrize(
    ("domain", "path", "told"),
    [
        # An endpoint and who calls it belong together, from whichever end one comes.
        ("contracts", "src/a.py", LINES["contracts"][2:]),
        ("contracts", "src/b.py", LINES["contracts"]),
        ("constraints", "src/a.py", [LINES["constraints"][0], LINES["constraints"][2]]),
        ("constraints", "src/b.py", LINES["constraints"]),
        ("constants", "src/b.py", LINES["constants"][:1]),
        ("decisions", "src/a.py", LINES["decisions"][:1]),
        ("decisions", "src", []),
        ("coupling", "src/a.py", [LINES["coupling"][0], *LINES["coupling"][2:]]),
        ("coupling", "src/b.py", LINES["coupling"][2:3]),
        ("coupling", "lib/x.py", [LINES["coupling"][0], *LINES["coupling"][2:]]),
        ("errors", "src/b.py", LINES["errors"][3:]),
        ("wrappers", "src/b.py", LINES["wrappers"][1:3]),
        ("dna", "src/a.py", LINES["dna"][3:4]),
        ("tests", "src/a.py", LINES["tests"][:2]),
        ("tests", "src/b.py", LINES["tests"]),
        ("gates", "src/a.py", []),
    ],
)
def test_what_a_domain_tells_of_one_file(store: apsw.Connection, domain: str, path: str, told: list[str]) -> None:
    assert lines(listed.about(domain, listed.domain(store, domain), {path})) == told


@pytest.mark.parametrize(
    ("statement", "domain"),
    [
        ("UPDATE decisions SET files_affected = '{}'", "decisions"),
        ("UPDATE decisions SET files_affected = '[1, null, [2]]'", "decisions"),
        ('UPDATE constraints SET scope = \'{"files":"x"}\'', "constraints"),
        ("UPDATE coupling_cycles SET modules = '7'", "coupling"),
        ("UPDATE wrapper_clusters SET wrapper_ids = '{\"a\":[1]}'", "wrappers"),
        ("UPDATE error_boundaries SET catches = '\"A\"'", "errors"),
        ("UPDATE quality_gate_runs SET gates_run = 'null', results = '[{}]'", "gates"),
        ("UPDATE contracts SET mismatches = '{\"a\":1}'", "contracts"),
    ],
)
def test_json_of_another_shape_is_told_as_far_as_it_goes(store: apsw.Connection, statement: str, domain: str) -> None:
    store.execute(statement)
    facts = listed.domain(store, domain)
    assert len(facts) == len(LINES[domain])
    assert all(fact.said for fact in facts)
    listed.about(domain, facts, {"src/a.py"})


def test_a_package_is_told_of_a_file_in_it(tx: apsw.Connection) -> None:
    tx.executemany(
        "INSERT INTO packages (path, name) VALUES (?, ?)", [(".", "whole"), ("src", "part"), ("lib", "other")]
    )
    assert lines(listed.about("packages", listed.domain(tx, "packages"), {"src/a.py"})) == [". whole", "src part"]
