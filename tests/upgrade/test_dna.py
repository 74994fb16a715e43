"""Styling habits as the predecessor wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings

from drift_mcp.store.writer import Writer
from drift_mcp.upgrade import dna
from tests.upgrade.told import ROOT, Loaded, accounted, broken, document, put

ALLELE: dict[str, Any] = {
    "id": "variables",
    "name": "CSS variables",
    "frequency": 0.8,
    "fileCount": 4,
    "isDominant": True,
    "examples": [{"file": f"{ROOT}/web/a.css", "line": 3, "code": 'key = "hunter22 for all"'}],
}
GENE: dict[str, Any] = {
    "id": "theming",
    "name": "Theming",
    "description": "how colours are named",
    "dominant": ALLELE,
    "alleles": [ALLELE],
    "confidence": 0.9,
    "consistency": 0.7,
    "exemplars": ["web/a.css"],
}
MUTATION: dict[str, Any] = {
    "id": "m1",
    "file": "web/b.css",
    "line": 7,
    "gene": "theming",
    "expected": "variables",
    "actual": "literals",
    "impact": "low",
    "code": "color: #fff",
    "suggestion": "Name the colour",
    "detectedAt": "2026-01-20T08:00:00.000Z",
    "resolved": False,
}
PROFILE: dict[str, Any] = {
    "version": "1.0.0",
    "generatedAt": "2026-01-20T08:00:00.000Z",
    "projectRoot": ROOT,
    "summary": {"totalFilesAnalyzed": 9, "healthScore": 80, "geneticDiversity": 0.4, "dominantFramework": "tailwind"},
    "genes": {"theming": GENE},
    "mutations": [MUTATION],
    "evolution": [{"timestamp": "2026-01-19T08:00:00.000Z", "healthScore": 79}],
}


def test_profile_genes_and_mutations_stand_with_all_that_was_known(tmp_path: Path) -> None:
    put(tmp_path, "dna/styling.json", PROFILE)
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT version, generated_at, health_score, genetic_diversity FROM dna_profile") == [
        ("1.0.0", "2026-01-20T08:00:00.000Z", 80, 0.4)
    ]
    assert loaded.rows("SELECT summary ->> 'dominantFramework' FROM dna_profile") == [("tailwind",)]
    assert loaded.rows("SELECT id, name, dominant_variant, frequency, confidence, evidence FROM dna_genes") == [
        ("theming", "Theming", "variables", 0.8, 0.9, '["web/a.css"]')
    ]
    columns = "m.gene_id, f.path, m.line, m.expected, m.actual, m.impact, m.reason"
    assert loaded.rows(f"SELECT {columns} FROM dna_mutations m JOIN file_metadata f ON f.id = m.file_id") == [
        ("theming", "web/b.css", 7, "variables", "literals", "low", "Name the colour")
    ]
    assert loaded.carried("dna_profile") == {"": {"evolution": PROFILE["evolution"]}}
    assert loaded.carried("dna_genes") == {"theming": {"description": "how colours are named", "consistency": 0.7}}
    assert loaded.carried("dna_mutations")["theming:web/b.css:7"]["code"] == "color: #fff"
    assert not loaded.holds(ROOT)


def test_the_code_of_an_example_keeps_no_secret(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    allele = {
        **ALLELE,
        "examples": [{"file": "a.ts", "code": f"const apiKey = '{token}'; const password = 'hunter22'"}],
    }
    put(tmp_path, "dna/styling.json", {**PROFILE, "genes": {"theming": {**GENE, "alleles": [allele]}}})
    loaded = Loaded(tmp_path)
    ((variants,),) = loaded.rows("SELECT variants FROM dna_genes")
    assert (
        json.loads(variants)[0]["examples"][0]["code"] == "const apiKey = '[redacted]'; const password = '[redacted]'"
    )
    assert not loaded.holds(token)


def test_two_mutations_in_one_line_are_one_row_that_knows_both(tmp_path: Path) -> None:
    other = {**MUTATION, "id": "m2", "actual": "mixins"}
    put(tmp_path, "dna/styling.json", {**PROFILE, "mutations": [MUTATION, other]})
    loaded = Loaded(tmp_path)
    assert loaded.counts()["dna_mutations"] == (2, 1, 1, 0)
    assert loaded.carried("dna_mutations")["theming:web/b.css:7"]["others"] == [{"actual": "mixins", "id": "m2"}]


def test_a_gene_may_be_named_by_its_place_alone(tmp_path: Path) -> None:
    put(tmp_path, "dna/styling.json", {"genes": {"theming": {"dominant": None, "alleles": []}}})
    loaded = Loaded(tmp_path)
    assert loaded.rows("SELECT id, name, dominant_variant FROM dna_genes") == [("theming", "theming", None)]
    assert loaded.rows("SELECT * FROM dna_profile") == []


@given(told=broken(PROFILE))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_profile_holds_every_row_is_accounted_for(told: Any, store: Writer) -> None:
    data = told if isinstance(told, dict) else {"genes": told}
    accounted(store, dna.records(document("dna/styling.json", data)))
