"""The styling habits of a frontend: genes with their variants, the places that depart from them, and a profile of all.

First what writes, then what reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from drift_mcp.tables import difference
from drift_mcp.tables.arrays import integers


class NewProfile(NamedTuple):
    generated_at: str
    version: str = "1.0.0"
    health_score: int | None = None
    genetic_diversity: float | None = None
    summary: str | None = None  # JSON


_PUT_PROFILE = """
INSERT INTO dna_profile (id, generated_at, version, health_score, genetic_diversity, summary)
VALUES (1, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    generated_at = excluded.generated_at,
    version = excluded.version,
    health_score = excluded.health_score,
    genetic_diversity = excluded.genetic_diversity,
    summary = excluded.summary
WHERE (generated_at, version, health_score, genetic_diversity, summary)
    IS NOT (
        excluded.generated_at, excluded.version, excluded.health_score, excluded.genetic_diversity, excluded.summary
    )
"""


def put_profile(tx: apsw.Connection, profile: NewProfile) -> None:
    """The profile, in place of the one that was."""
    tx.execute(_PUT_PROFILE, profile)


def drop_profile(tx: apsw.Connection) -> None:
    """There is no frontend any more that could have one."""
    tx.execute("DELETE FROM dna_profile")


class NewGene(NamedTuple):
    id: str
    name: str
    dominant_variant: str | None = None
    frequency: float | None = None
    confidence: float | None = None
    variants: str | None = None  # JSON
    evidence: str | None = None  # JSON


_PUT_GENE = """
INSERT INTO dna_genes (id, name, dominant_variant, frequency, confidence, variants, evidence)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    dominant_variant = excluded.dominant_variant,
    frequency = excluded.frequency,
    confidence = excluded.confidence,
    variants = excluded.variants,
    evidence = excluded.evidence
WHERE (name, dominant_variant, frequency, confidence, variants, evidence)
    IS NOT (
        excluded.name, excluded.dominant_variant, excluded.frequency, excluded.confidence, excluded.variants,
        excluded.evidence
    )
"""


def put_genes(tx: apsw.Connection, genes: Iterable[NewGene]) -> None:
    """Adds genes, or says them anew."""
    tx.executemany(_PUT_GENE, genes)


def replace_genes(tx: apsw.Connection, genes: Iterable[NewGene]) -> None:
    """The genes that there are, in place of those that were; mutations of those that are gone go with them."""
    found = list(genes)
    kept = {one.id for one in found}
    known = tx.execute("SELECT id FROM dna_genes").fetchall()
    tx.executemany("DELETE FROM dna_genes WHERE id = ?", (row for row in known if row[0] not in kept))
    put_genes(tx, found)


class NewMutation(NamedTuple):
    gene_id: str
    file_id: int
    line: int
    expected: str | None = None
    actual: str | None = None
    impact: str | None = None  # 'high', 'medium', 'low'
    reason: str | None = None


_MUTATIONS = difference.Statements(
    insert="""
    INSERT INTO dna_mutations (gene_id, file_id, line, expected, actual, impact, reason)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    """,
    update="""
    UPDATE dna_mutations
    SET gene_id = ?, file_id = ?, line = ?, expected = ?, actual = ?, impact = ?, reason = ?
    WHERE id = ?
    """,
    delete="DELETE FROM dna_mutations WHERE id = ?",
)


def put_mutations(tx: apsw.Connection, mutations: Iterable[NewMutation]) -> None:
    """Adds places that depart from a gene, or says anew those of the same gene, file and line. The genes are there
    already."""
    found = list(mutations)
    difference.add(tx, _MUTATIONS, _mutations_changed(tx, {one.file_id for one in found}, found))


def replace_mutations(tx: apsw.Connection, file_ids: Iterable[int], mutations: Iterable[NewMutation]) -> None:
    """All places in these files that depart from a gene, in place of those that were."""
    ids, found = set(file_ids), list(mutations)
    assert ids.issuperset(one.file_id for one in found), "a mutation in a file that is not among the replaced ones"
    difference.apply(tx, _MUTATIONS, _mutations_changed(tx, ids, found))


_MUTATIONS_OF_FILES = """
SELECT id, gene_id, file_id, line, expected, actual, impact, reason
FROM dna_mutations
WHERE file_id IN (SELECT value FROM carray(?))
ORDER BY id
"""


def _mutations_changed(
    tx: apsw.Connection, file_ids: Iterable[int], found: Iterable[NewMutation]
) -> difference.Difference[NewMutation]:
    there = tx.execute(_MUTATIONS_OF_FILES, (integers(file_ids),))
    before = [(number, NewMutation(*row)) for number, *row in there]
    return difference.between(before, found, lambda one: one[:3])


# ---------------------------------------------------------------------------------------------------------------------


class Profile(NamedTuple):
    version: str
    generated_at: str
    health_score: int | None
    genetic_diversity: float | None
    summary: str | None


_PROFILE = "SELECT version, generated_at, health_score, genetic_diversity, summary FROM dna_profile"


def profile(db: apsw.Connection) -> Profile | None:
    row = db.execute(_PROFILE).fetchone()
    return None if row is None else Profile(*row)


class Gene(NamedTuple):
    id: str
    name: str
    dominant_variant: str | None
    frequency: float | None
    confidence: float | None
    variants: str | None
    evidence: str | None


_GENES = "SELECT id, name, dominant_variant, frequency, confidence, variants, evidence FROM dna_genes"


def gene(db: apsw.Connection, name: str) -> Gene | None:
    row = db.execute(_GENES + " WHERE id = ?", (name,)).fetchone()
    return None if row is None else Gene(*row)


def every_gene(db: apsw.Connection) -> list[Gene]:
    return [Gene(*row) for row in db.execute(_GENES + " ORDER BY id")]


class Mutation(NamedTuple):
    id: int
    gene_id: str
    file: str
    line: int
    expected: str | None
    actual: str | None
    impact: str | None
    reason: str | None


_MUTATION_COLUMNS = """
SELECT d.id, d.gene_id, m.path, d.line, d.expected, d.actual, d.impact, d.reason
FROM dna_mutations d
JOIN file_metadata m ON m.id = d.file_id
"""

_MUTATION_ORDER = "ORDER BY m.path, d.line, d.gene_id, d.id"


def mutations(db: apsw.Connection, gene: str) -> list[Mutation]:
    """Places that depart from this gene."""
    return [Mutation(*row) for row in db.execute(_MUTATION_COLUMNS + "WHERE d.gene_id = ?" + _MUTATION_ORDER, (gene,))]


def mutations_in_file(db: apsw.Connection, file_id: int) -> list[Mutation]:
    """In the order of their lines."""
    rows = db.execute(_MUTATION_COLUMNS + "WHERE d.file_id = ?" + _MUTATION_ORDER, (file_id,))
    return [Mutation(*row) for row in rows]


def every_mutation(db: apsw.Connection) -> list[Mutation]:
    return [Mutation(*row) for row in db.execute(_MUTATION_COLUMNS + _MUTATION_ORDER)]
