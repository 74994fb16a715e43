"""How modules hang on each other: `module-coupling/graph.json`.

Ties come of its edges; where the native scanner left them out, of what each module imports and is imported by. Several
imports between two modules are one tie. What a module is measured at has no table, and is kept as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

from drift_mcp.tables.coupling import ring
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, kept, listed, named, rows, within, without_root
from drift_mcp.upgrade.records import Record, Refused, Repeated, Row, Unfit, Where, shown

MORE: Final = "one more import between the same modules: its strength is added to their tie, the rest is carried along"
SAID: Final = "an import that an edge or the other module says too"

Pair: TypeAlias = tuple[str, str]  # of modules: which hangs on which


def records(document: Document) -> Iterator[Row]:
    """Every tie and every ring of modules."""
    tied: set[Pair] = set()
    yield from _edges(document, tied)
    for where, told in named(document, "modules", "path"):
        if isinstance(told, Mapping):
            yield from _module(where, Fields(told, document.root), document.root, tied)
        else:
            yield Refused("carried_fields", where, f"{shown(told)} is no module.")
    detected = document.data.get("generatedAt")

    def cycle(where: Where, told: Fields) -> Record:
        return _cycle(where, told, document.root, detected)

    yield from rows("coupling_cycles", document.root, listed(document, "cycles"), cycle)
    yield from beside(document, "modules", "edges", "cycles")


def _edges(document: Document, tied: set[Pair]) -> Iterator[Row]:
    ties: dict[tuple[str, str, str], list[Record]] = {}

    def edge(where: Where, told: Fields) -> Record:
        return _edge(where, told, document.root)

    for row in rows("module_coupling", document.root, listed(document, "edges"), edge):
        if isinstance(row, Record):
            source, target, kind = (row.values[each] for each in ("source_module", "target_module", "coupling_type"))
            ties.setdefault((source, target, kind), []).append(row)
            tied.add((source, target))
        else:
            yield row
    for first, *more in ties.values():
        strength = first.values["strength"] + sum(each.values["strength"] for each in more)
        others = {"others": [each.carried for each in more]} if more else {}
        yield first._replace(values={**first.values, "strength": strength}, carried={**first.carried, **others})
        for each in more:
            yield Repeated("module_coupling", each.where, MORE)


def _edge(where: Where, told: Fields, root: str | None) -> Record:
    source, target, weight = told.take("from"), told.take("to"), told.take("weight")
    values = {
        "source_module": _name(source, root),
        "target_module": _name(target, root),
        "coupling_type": "type" if told.take("isTypeOnly") is True else "import",
        "strength": weight if type(weight) is int and weight >= 1 else 1,
    }
    return Record("module_coupling", values, where, told.rest())


def _name(module: Any, root: str | None) -> str:
    """A module is named by its path, or by the name of a package outside."""
    if not isinstance(module, str) or not module:
        raise Unfit("it leads from or to nothing" if module in (None, "") else f"{shown(module)} is no module")
    return str(without_root(module, root)).replace("\\", "/")


def _module(where: Where, told: Fields, root: str | None, tied: set[Pair]) -> Iterator[Row]:
    name, lists = told.text("path"), {each: told.items(each) for each in ("imports", "importedBy")}
    for field, modules in lists.items():
        for place, other in within(Where(where.file, f"{where.position}.{field}"), modules):
            try:
                pair = (_name(name, root), _name(other, root))
            except Unfit as problem:
                yield Refused("module_coupling", place, f"{problem}.")
                continue
            source, target = pair if field == "imports" else pair[::-1]
            if (source, target) in tied:
                yield Repeated("module_coupling", place, SAID)
                continue
            tied.add((source, target))
            values = {"source_module": source, "target_module": target, "coupling_type": "import"}
            yield Record("module_coupling", values, place)
    if measured := told.rest():
        yield kept(Where(where.file, f"modules.{name}") if name else where, measured, root)


def _cycle(where: Where, told: Fields, root: str | None, detected: Any) -> Record:
    modules = [_name(each, root) for each in told.texts("path") or ()]
    if not modules:
        raise Unfit("it names no modules")
    if len(modules) > 1 and modules[0] == modules[-1]:
        modules.pop()  # the ring was closed by naming its first module again
    told.take("length")
    values = {
        "cycle_hash": ring(modules),
        "modules": modules,
        "length": len(modules),
        "severity": told.take("severity"),
        "detected_at": detected,
    }
    return Record("coupling_cycles", values, where, told.rest())
