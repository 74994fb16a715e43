"""The fields of one object in a document: those that a column takes are asked for by name, and the rest is carried
along. Never raises for what an object lacks, and never drops what nobody asked for."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from drift_mcp.upgrade import records
from drift_mcp.upgrade.documents import Document, members
from drift_mcp.upgrade.records import Record, Refused, Repeated, Row, Unfit, Where, compact, shown


class Fields:
    """One object, less what was taken from it. Used once."""

    def __init__(self, told: Mapping[str, Any], root: str | None) -> None:
        self._told = dict(told)
        self._root = root
        self._within: dict[str, Fields] = {}

    def take(self, name: str) -> Any:
        """Its value, whatever it is; None when it is not there."""
        return self._told.pop(name, None)

    def leave(self, name: str, value: Any) -> None:
        """Give one back: it was taken, and was not what it should be."""
        self._told[name] = value

    def first(self, *names: str) -> Any:
        """The value of the first of these that has one: fields had other names at other times."""
        return next((self.take(name) for name in names if self._told.get(name) is not None), None)

    def text(self, *names: str) -> str | None:
        """The first of these that is a text and not empty. What is no text is left to the rest."""
        return next(
            (self.take(name) for name in names if isinstance(self._told.get(name), str) and self._told[name]), None
        )

    def items(self, name: str) -> list[Any] | None:
        """A list. None, and left to the rest, when it is none."""
        return self.take(name) if isinstance(self._told.get(name), list) else None

    def texts(self, *names: str) -> list[str] | None:
        """A list of texts. None, and left to the rest, when it is none."""
        return next((self.take(name) for name in names if _is_texts(self._told.get(name))), None)

    def path(self, *names: str) -> str:
        """The path of a file. Raises Unfit when there is none inside the project."""
        return records.path(self.first(*names), self._root)

    def path_if_any(self, *names: str) -> str | None:
        """The path of a file; None when there is none inside the project. Of one outside, its name is left to the
        rest."""
        said = self.first(*names)
        try:
            return records.path(said, self._root)
        except Unfit:
            self._told[names[0]] = re.sub(r".*[/\\]", "…/", said, flags=re.DOTALL) if isinstance(said, str) else said
        return None

    def within(self, name: str) -> Fields:
        """An object inside; an empty one when there is none. What is not taken of it belongs to the rest of this."""
        if name not in self._within:
            told = self._told.get(name)
            is_object = isinstance(told, Mapping)
            self._within[name] = Fields(self.take(name) if is_object else {}, self._root)
        return self._within[name]

    def rest(self) -> dict[str, Any]:
        """What was not taken and says something; dotted where it stood in an object."""
        left = {name: value for name, value in self._told.items() if value not in _NOTHING}
        for name, inner in self._within.items():
            left |= {f"{name}.{below}": value for below, value in inner.rest().items()}
        return without_root(left, self._root) if left else left


_NOTHING: Final[tuple[object, ...]] = (None, "", [], {})


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def without_root(value: Any, root: str | None) -> Any:
    """JSON in which no path says where the project lay."""
    if isinstance(value, str):
        return _root_in(root).sub(_from_root, value) if root and root[:2] in value else value
    if isinstance(value, list):
        return [without_root(each, root) for each in value]
    if isinstance(value, Mapping):
        return {without_root(name, root): without_root(each, root) for name, each in value.items()}
    return value


@functools.cache
def _root_in(root: str) -> re.Pattern[str]:
    """The root with what divides it from what lies below; not the beginning of another folder's name."""
    return re.compile(re.escape(root.rstrip("/\\")) + r"(?:[/\\]|(?![\w.-]))")


def _from_root(found: re.Match[str]) -> str:
    return "" if found[0][-1] in "/\\" else "."


def rows(
    table: str, root: str | None, told: Iterable[tuple[Where, Any]], make: Callable[[Where, Fields], Record]
) -> Iterator[Record | Refused]:
    """A row of each object, as `make` reads it; what is no object, or what `make` finds unfit, refused."""
    for where, each in told:
        if not isinstance(each, Mapping):
            yield Refused(table, where, f"{shown(each)} is no object.")
            continue
        try:
            yield make(where, Fields(each, root))
        except Unfit as problem:
            yield Refused(table, where, f"{problem}.")


def listed(document: Document, *names: str) -> Iterator[tuple[Where, Any]]:
    """The members of these lists or objects at the top of a document. What is neither counts as one member that is no
    object."""
    for name in names:
        yield from within(document.where(name), document.data.get(name))


def named(document: Document, name: str, field: str) -> Iterator[tuple[Where, Any]]:
    """The members of an object at the top, each with its name as a field of its own, unless it has that."""
    told = document.data.get(name)
    names = list(told) if isinstance(told, Mapping) else []
    for place, (where, each) in enumerate(listed(document, name)):
        yield where, {field: names[place], **each} if names and isinstance(each, Mapping) else each


def within(where: Where, value: Any) -> Iterator[tuple[Where, Any]]:
    """The members of a list or object; what is neither counts as one member."""
    if isinstance(value, list | Mapping):
        yield from members(where, value)
    elif value is not None:
        yield where, value


def one_each(told: Iterable[Row], key: tuple[str, ...], reason: str) -> Iterator[Row]:
    """The rows of one table, of which today's key makes one where the predecessor had several: the first, with what
    the others say otherwise among its carried fields, as `others`."""
    firsts: dict[str, Record] = {}
    others: dict[str, list[dict[str, Any]]] = {}
    for row in told:
        if not isinstance(row, Record):
            yield row
            continue
        name = compact([row.values[each] for each in key])
        first = firsts.setdefault(name, row)
        if first is row:
            continue
        if otherwise := otherwise_said(first, row):
            others.setdefault(name, []).append(otherwise)
        yield Repeated(row.table, row.where, reason)
    for name, row in firsts.items():
        yield row._replace(carried={**row.carried, "others": others[name]}) if name in others else row


def otherwise_said(row: Record, other: Record) -> dict[str, Any]:
    """What another telling of a row says that the row does not."""
    otherwise = {
        column: value for column, value in other.values.items() if value is not None and value != row.values[column]
    }
    return otherwise | {field: value for field, value in other.carried.items() if value != row.carried.get(field)}


def beside(document: Document, *converted: str) -> Iterator[Record]:
    """What a document says beside its rows, as one row of carried fields; nothing when it says nothing. `converted`:
    the fields that rows were made of."""
    left = {
        name: value
        for name, value in document.data.items()
        if name not in (*ABOUT_THE_FILE, *converted) and value not in _NOTHING
    }
    if left:
        yield kept(document.where(), left, document.root)


# What a file says of itself, and what is counted from its rows.
ABOUT_THE_FILE: Final = ("version", "generatedAt", "lastUpdated", "projectRoot", "rootPath", "checksum", "stats")


def kept(where: Where, told: Mapping[str, Any], root: str | None = None) -> Record:
    """What no table of today's holds: kept under the name of its file and the place in it."""
    place, fields = without_root(where.position, root), without_root(dict(told), root)
    return Record("carried_fields", {"table_name": where.file, "row_id": place, "fields": fields}, where)
