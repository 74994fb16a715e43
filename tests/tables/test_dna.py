"""Genes and their mutations."""

from __future__ import annotations

from typing import Any

import apsw

from drift_mcp.tables import dna


def test_mutations_outlive_what_is_said_anew_of_their_gene_and_go_with_it(tx: apsw.Connection, village: Any) -> None:
    a, b = village.file("a.tsx"), village.file("b.tsx")
    dna.put_genes(tx, [dna.NewGene("spacing", "Spacing"), dna.NewGene("colour", "Colour")])
    dna.put_mutations(tx, [dna.NewMutation("spacing", b, 4, "rem", "px"), dna.NewMutation("colour", a, 2)])
    dna.replace_genes(tx, [dna.NewGene("spacing", "Spacing", "rem", 0.9)])
    assert dna.gene(tx, "spacing") == dna.Gene("spacing", "Spacing", "rem", 0.9, None, None, None)
    assert dna.gene(tx, "colour") is None
    assert [(one.file, one.line, one.actual) for one in dna.mutations(tx, "spacing")] == [("b.tsx", 4, "px")]
    assert [one.gene_id for one in dna.mutations_in_file(tx, b)] == ["spacing"]
    assert dna.mutations_in_file(tx, a) == []


def test_there_is_one_profile_or_none(tx: apsw.Connection) -> None:
    assert dna.profile(tx) is None
    for day in ("01", "02"):
        dna.put_profile(tx, dna.NewProfile(f"2026-01-{day}T03:04:05.678Z", health_score=70))
    assert dna.profile(tx) == dna.Profile("1.0.0", "2026-01-02T03:04:05.678Z", 70, None, None)
    dna.drop_profile(tx)
    assert dna.profile(tx) is None
