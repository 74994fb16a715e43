"""Functions that mainly wrap others, and groups of those that wrap the same, as the predecessor's analysis wrote them
out. A wrapper stands in its group again; what its own entry leaves open, such as the category, the group says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, kept, one_each, rows, within
from drift_mcp.upgrade.records import Record, Repeated, Row, Unfit, Where, path

AGAIN: Final = "listed again in its group"
SAME_NAME: Final = "another group of the same name: one row, what differs is carried along"
_CONVERTED: Final = ("wrappers", "clusters")


def records(document: Document) -> Iterator[Row]:
    """Every wrapper and every group of a file."""
    inner = document.data.get("analysis")
    at, told = ("analysis.", inner) if isinstance(inner, Mapping) else ("", document.data)
    groups = list(within(document.where(at + "clusters"), told.get("clusters")))
    ids: dict[str, str] = {}  # as a group may name a wrapper → its id
    yield from _wrappers(document, within(document.where(at + "wrappers"), told.get("wrappers")), groups, ids)

    def group(where: Where, told: Fields) -> Record:
        return _group(where, told, document.root, ids)

    yield from one_each(rows("wrapper_clusters", document.root, groups, group), ("cluster_name",), SAME_NAME)
    yield from beside(document, "analysis", *_CONVERTED)
    if told is inner and (left := {name: said for name, said in inner.items() if name not in _CONVERTED and said}):
        yield kept(document.where("analysis"), left, document.root)


def _wrappers(
    document: Document, listed: Iterable[tuple[Where, Any]], groups: Iterable[tuple[Where, Any]], ids: dict[str, str]
) -> Iterator[Row]:
    """Those of the list, and those that only stand in a group."""
    root = document.root
    grouped = [
        (place, each, group)
        for place, group in groups
        if isinstance(group, Mapping)
        for place, each in within(Where(place.file, f"{place.position}.wrappers"), group.get("wrappers"))
    ]
    categories = {key: group.get("category") for _, each, group in reversed(grouped) for key in _names(each, root)}

    def wrapper(where: Where, told: Fields) -> Record:
        return _wrapper(where, told, categories)

    for where, told in [*listed, *((where, each) for where, each, _ in grouped if not isinstance(each, str))]:
        names = _names(told, root)
        if names and names[0] in ids:
            yield Repeated("wrappers", where, AGAIN)
            continue
        ids.update(dict.fromkeys(names, names[0] if names else ""))
        yield from rows("wrappers", root, [(where, told)], wrapper)


def _names(told: Any, root: str | None) -> list[str]:
    """What a wrapper may be named by, its id first; nothing for what is none."""
    if isinstance(told, str):
        return [told]
    if not isinstance(told, Mapping):
        return []
    try:
        made = _id(told, root)
    except Unfit:
        return []
    return [made, *(said for field in ("qualifiedName", "name") if isinstance(said := told.get(field), str))]


def _id(told: Mapping[str, Any], root: str | None) -> str:
    name = told.get("qualifiedName") or told.get("name")
    return f"{path(told.get('file'), root)}:{name}:{told.get('line')}"


def _wrapper(where: Where, told: Fields, categories: Mapping[str, Any]) -> Record:
    file, name, own = told.path("file"), told.text("name"), told.text("qualifiedName")
    line, wraps = told.take("line"), told.texts("wraps", "primitiveSignature", "primitives")
    made = f"{file}:{own or name}:{line}"
    values = {
        "id": made,
        "name": name or own,
        "file_id": file,
        "line": line,
        "category": told.text("category") or categories.get(made) or categories.get(own or name or ""),
        "wraps": ", ".join(wraps) if wraps else None,
        "confidence": told.take("confidence"),
        "usage_count": told.take("usageCount"),
    }
    carried = told.rest()
    if own not in (None, name):
        carried["qualifiedName"] = own
    return Record("wrappers", values, where, carried)


def _group(where: Where, told: Fields, root: str | None, ids: Mapping[str, str]) -> Record:
    members = [names[0] for each in told.items("wrappers") or () if (names := _names(each, root))]
    told.take("wrapperCount")
    values = {
        "cluster_name": told.text("name", "wrappedPrimitive", "id"),
        "category": told.text("category"),
        "wrapper_ids": [ids.get(each, each) for each in members],
        "confidence": told.take("confidence"),
        "pattern_description": told.text("description"),
    }
    return Record("wrapper_clusters", values, where, told.rest())
