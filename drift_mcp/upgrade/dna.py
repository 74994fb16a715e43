"""The styling habits of a project: the profile, its genes with the alleles that they were seen in, and the places that
depart from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from drift_mcp.upgrade.audits import whole
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, listed, named, one_each, rows, without_root
from drift_mcp.upgrade.records import Record, Row, Where

SAME_LINE: Final = "another departure from the same gene in the same line: one row, what differs is carried along"


def records(document: Document) -> Iterator[Row]:
    """The profile, then its genes, then what departs from them."""
    root = document.root

    def gene(where: Where, told: Fields) -> Record:
        return _gene(where, told, root)

    if "summary" in document.data or "generatedAt" in document.data:
        yield from rows("dna_profile", root, [(document.where(), document.data)], _profile)
    yield from rows("dna_genes", root, named(document, "genes", "id"), gene)
    mutations = rows("dna_mutations", root, listed(document, "mutations"), _mutation)
    yield from one_each(mutations, ("gene_id", "file_id", "line"), SAME_LINE)


def _profile(where: Where, told: Fields) -> Record:
    for name in ("genes", "mutations", "projectRoot"):
        told.take(name)
    summary = told.take("summary")
    said = summary if isinstance(summary, Mapping) else {}
    values = {
        "version": told.take("version"),
        "generated_at": told.take("generatedAt") or said.get("lastUpdated"),
        "health_score": whole(said.get("healthScore")),
        "genetic_diversity": said.get("geneticDiversity"),
        "summary": summary,
    }
    return Record("dna_profile", values, where, told.rest())


def _gene(where: Where, told: Fields, root: str | None) -> Record:
    own, dominant = told.text("id"), told.take("dominant")
    said = dominant if isinstance(dominant, Mapping) else {"id": dominant}
    values = {
        "id": own,
        "name": told.text("name") or own,
        "dominant_variant": said.get("id"),
        "frequency": said.get("frequency"),
        "confidence": told.take("confidence"),
        "variants": without_root(told.take("alleles"), root),
        "evidence": without_root(told.take("exemplars"), root),
    }
    return Record("dna_genes", values, where, told.rest())


def _mutation(where: Where, told: Fields) -> Record:
    values = {
        "gene_id": told.take("gene"),
        "file_id": told.path("file"),
        "line": told.take("line"),
        "expected": told.take("expected"),
        "actual": told.take("actual"),
        "impact": told.take("impact"),
        "reason": told.take("suggestion"),
    }
    return Record("dna_mutations", values, where, told.rest())
