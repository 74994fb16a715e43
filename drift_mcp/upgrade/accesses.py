"""Places that touch something, as the predecessor wrote them: once in a table of their own, and again under what they
touch. An old telling may stay there when the place was read anew, so the two do not always agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, listed, otherwise_said, rows, within
from drift_mcp.upgrade.records import Record, Repeated, Row, Where

AGAIN: Final = "listed again under what it touches"
EARLIER: Final = "an earlier telling of it, listed under what it touches; what it says otherwise is carried along"


def once(
    document: Document,
    table: str,
    owners: str,
    parts: tuple[str, ...],
    make: Callable[[Where, Fields], Record],
) -> Iterator[Row]:
    """Each access point once. `owners`: where they stand again, under `accessedBy`; `parts`: the fields of which the
    predecessor made the id of one."""
    places: dict[str, list[tuple[Where, Any]]] = {}  # the predecessor's id → all tellings of it
    for where, told in listed(document, "accessPoints"):
        places.setdefault(_id(parts, where, told), []).append((where, told))
    for owner, about in listed(document, owners):
        if isinstance(about, Mapping):
            for where, told in within(Where(owner.file, f"{owner.position}.accessedBy"), about.get("accessedBy")):
                places.setdefault(_id(parts, where, told), []).append((where, told))
    for tellings in places.values():
        yield from _told_once(document, table, tellings, make)


def _told_once(
    document: Document, table: str, told: list[tuple[Where, Any]], make: Callable[[Where, Fields], Record]
) -> Iterator[Row]:
    """One access point by the first telling of it that can be read, and what the others say otherwise."""
    while told:
        first, *again = told
        [row] = rows(table, document.root, [first], make)
        if not isinstance(row, Record):
            yield row
            told = again
            continue
        said = []
        for where, other in again:
            [same] = rows(table, document.root, [(where, other)], make) if other != first[1] else [row]
            if not isinstance(same, Record):
                yield same
                continue
            if otherwise := otherwise_said(row, same):
                said.append(otherwise)
            yield Repeated(table, where, EARLIER if otherwise else AGAIN)
        yield row._replace(carried={**row.carried, "accessedBy": said}) if said else row
        return


def _id(parts: tuple[str, ...], where: Where, told: Any) -> str:
    if not isinstance(told, Mapping):
        return str(where)
    said = told.get("id")
    return said if isinstance(said, str) and said else ":".join(str(told.get(each)) for each in parts)
