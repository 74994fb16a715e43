"""Places that touch something, as the predecessor wrote them: once in a table of their own, and again under what they
touch. An old telling may stay there when the place was read anew, so the two do not always agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, listed, rows, within
from drift_mcp.upgrade.records import Record, Repeated, Row, Where

AGAIN: Final = "listed again under what it touches"
EARLIER: Final = "an earlier telling of it, listed under what it touches; what it says otherwise is carried along"


@dataclass
class _Place:
    where: Where
    told: Any
    again: list[tuple[Where, Any]] = field(default_factory=list)


def once(
    document: Document,
    table: str,
    owners: str,
    parts: tuple[str, ...],
    make: Callable[[Where, Fields], Record],
) -> Iterator[Row]:
    """Each access point once. `owners`: where they stand again, under `accessedBy`; `parts`: the fields of which the
    predecessor made the id of one."""
    places: dict[str, _Place] = {}
    for where, told in listed(document, "accessPoints"):
        _put(places, parts, where, told)
    for owner, about in listed(document, owners):
        if isinstance(about, Mapping):
            for where, told in within(Where(owner.file, f"{owner.position}.accessedBy"), about.get("accessedBy")):
                _put(places, parts, where, told)
    for place in places.values():
        yield from _told_once(document, table, [(place.where, place.told), *place.again], make)


def _told_once(
    document: Document, table: str, told: list[tuple[Where, Any]], make: Callable[[Where, Fields], Record]
) -> Iterator[Row]:
    """One access point by the first telling of it that can be read, and what the others say otherwise."""
    while told:
        first, *again = told
        for row in rows(table, document.root, [first], make):
            if isinstance(row, Record):
                said = [_otherwise(first[1], other) for _, other in again]
                if any(said):
                    more = Fields({"accessedBy": [each for each in said if each]}, document.root).rest()
                    row = row._replace(carried={**row.carried, **more})
                yield row
                for (where, _), otherwise in zip(again, said, strict=True):
                    yield Repeated(table, where, EARLIER if otherwise else AGAIN)
                return
            yield row
        told = again


def _put(places: dict[str, _Place], parts: tuple[str, ...], where: Where, told: Any) -> None:
    place = places.setdefault(_id(parts, where, told), _Place(where, told))
    if place.told is not told:
        place.again.append((where, told))


def _id(parts: tuple[str, ...], where: Where, told: Any) -> str:
    if not isinstance(told, Mapping):
        return str(where)
    said = told.get("id")
    return said if isinstance(said, str) and said else ":".join(str(told.get(each)) for each in parts)


def _otherwise(told: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in again.items() if value != told.get(name)}
