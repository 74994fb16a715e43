"""How modules hang on each other, as the predecessor wrote it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import coupling
from tests.upgrade.told import ROOT, Loaded, accounted, broken, document, put

METRICS = {"Ca": 1, "Ce": 2, "instability": 0.66, "abstractness": 0, "distance": 0.34}


def module(path: str, imports: Any = (), imported_by: Any = (), **more: Any) -> dict[str, Any]:
    return {"path": path, "imports": list(imports), "importedBy": list(imported_by), "exports": [], **more}


def edge(source: str, target: str, weight: int = 1, **more: Any) -> dict[str, Any]:
    return {"from": source, "to": target, "symbols": ["x"] * weight, "isTypeOnly": False, "weight": weight, **more}


GRAPH: dict[str, Any] = {
    "modules": {
        "src/a.ts": module("src/a.ts", ["src/b.ts", "src/c.ts"], ["src/c.ts"], metrics=METRICS, role="hub"),
        "src/b.ts": module("src/b.ts", [], ["src/a.ts"]),
        f"{ROOT}/src/c.ts": {"imports": ["src/a.ts", ""], "importedBy": ["src/d.ts"]},
    },
    "edges": [
        edge("src/a.ts", "src/b.ts", 2, line=3),
        edge("src/a.ts", "src/b.ts", 1, line=4),
        edge("src/a.ts", "src/b.ts", 1, line=5, isTypeOnly=True),
        edge("src/a.ts", ""),
    ],
    "cycles": [
        {
            "id": "cycle-0",
            "path": ["src/a.ts", "src/c.ts", "src/a.ts"],
            "length": 2,
            "severity": "critical",
            "totalWeight": 3,
            "breakPoints": [{"edge": {"from": "src/a.ts", "to": "src/c.ts"}, "rationale": "light"}],
        }
    ],
    "metrics": {"totalModules": 3, "avgInstability": 0.5},
    "generatedAt": "2026-01-31T20:35:00.000Z",
    "projectRoot": ROOT,
}


def test_ties_come_of_edges_and_where_those_are_missing_of_imports(tmp_path: Path) -> None:
    put(tmp_path, "module-coupling/graph.json", GRAPH)
    loaded = Loaded(tmp_path)
    assert loaded.rows(
        "SELECT source_module, target_module, coupling_type, strength FROM module_coupling ORDER BY 1, 2, 3"
    ) == [
        ("src/a.ts", "src/b.ts", "import", 3),  # of two imports
        ("src/a.ts", "src/b.ts", "type", 1),
        ("src/a.ts", "src/c.ts", "import", 1),
        ("src/c.ts", "src/a.ts", "import", 1),
        ("src/d.ts", "src/c.ts", "import", 1),
    ]
    assert loaded.counts()["module_coupling"] == (11, 5, 4, 2)
    assert loaded.carried("module_coupling")["src/a.ts:src/b.ts:import"] == {
        "symbols": ["x", "x"],
        "line": 3,
        "others": [{"symbols": ["x"], "line": 4}],
    }


def test_a_ring_is_named_by_its_modules_wherever_one_begins(tmp_path: Path) -> None:
    put(tmp_path, "module-coupling/graph.json", GRAPH)
    loaded = Loaded(tmp_path)
    [(modules, length, severity, detected)] = loaded.rows(
        "SELECT modules, length, severity, detected_at FROM coupling_cycles"
    )
    assert (json.loads(modules), length, severity) == (["src/a.ts", "src/c.ts"], 2, "critical")
    assert detected == "2026-01-31T20:35:00.000Z"
    turned = {"cycles": [*GRAPH["cycles"], {"path": ["src/c.ts", "src/a.ts"]}]}
    put(tmp_path / "turned", "module-coupling/graph.json", turned)
    assert Loaded(tmp_path / "turned").counts()["coupling_cycles"] == (2, 1, 1, 0)


def test_what_modules_are_measured_at_is_kept(tmp_path: Path) -> None:
    put(tmp_path, "module-coupling/graph.json", GRAPH)
    assert Loaded(tmp_path).carried("module-coupling/graph.json") == {
        "modules.src/a.ts": {"metrics": METRICS, "role": "hub"},
        "": {"metrics": {"totalModules": 3, "avgInstability": 0.5}},
    }


@given(told=broken(GRAPH))
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_graph_is_too_odd_to_be_accounted_for(told: Any, store: Writer) -> None:
    if isinstance(told, dict):
        accounted(store, coupling.records(document("module-coupling/graph.json", told)))
