"""Constants, enumerations and where constants are used: one file of `lake/constants/files` for each source file. The
index beside them is made of them.

A member of an enumeration is a constant, named `Enumeration.MEMBER`. The value of a secret is redacted before it
becomes a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from drift_mcp.scan.secrets import redact_default
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, listed, rows, within
from drift_mcp.upgrade.records import Record, Row, Unfit, Where, compact, path, shown


def records(document: Document) -> Iterator[Row]:
    """Every constant and every use of one that a file tells of."""
    root = document.root
    if "byFile" in document.data and "constants" not in document.data:
        return  # the index
    yield from rows("constants", root, listed(document, "constants"), _constant)
    for where, told in listed(document, "enums"):
        yield from rows("constants", root, [(where, told)], _enumeration)
        if isinstance(told, Mapping):
            yield from _members(where, told, root)

    def usage(where: Where, told: Fields) -> Record:
        return _usage(where, told, root)

    yield from rows("constant_usages", root, listed(document, "references"), usage)
    yield from beside(document, "constants", "enums", "references", *_OF_THE_READING)


# How the predecessor read the source file, and how it was then.
_OF_THE_READING: Final = ("file", "language", "contentHash", "extractedAt", "quality", "errors")


def _constant(where: Where, told: Fields) -> Record:
    name, value = told.text("name") or "", told.take("value")
    text = None if value is None else value if isinstance(value, str) else compact(value)
    kept = redact_default(name, text)
    if kept != text:
        told.take("rawValue")
    return _declared(where, told, name, told.text("type", "kind"), kept, kept != text)


def _enumeration(where: Where, told: Fields) -> Record:
    told.items("members")
    return _declared(where, told, told.text("name") or "", "enum", None, False)


def _members(where: Where, enumeration: Mapping[str, Any], root: str | None) -> Iterator[Row]:
    shared = {name: enumeration.get(name) for name in ("file", "language", "isExported", "category")}

    def member(where: Where, told: Fields) -> Record:
        record = _constant(where, told)
        of, name = enumeration.get("name"), record.values["name"]
        return record._replace(values={**record.values, "name": f"{of}.{name}" if of and name else name})

    place = Where(where.file, f"{where.position}.members")
    told = (
        (where, {**shared, "kind": "enum_member", **each} if isinstance(each, Mapping) else each)
        for where, each in within(place, enumeration.get("members"))
    )
    yield from rows("constants", root, told, member)


def _declared(where: Where, told: Fields, name: str, kind: str | None, value: str | None, is_secret: bool) -> Record:
    told.take("id")  # made of the file, name and line; views make today's of the same
    line = told.take("line")
    for field, usual in (("qualifiedName", name), ("endLine", line), ("column", 0)):
        if (said := told.take(field)) != usual:
            told.leave(field, said)
    values = {
        "name": name or None,
        "value": value,
        "type": kind,
        "category": told.take("category"),
        "file_id": told.path("file"),
        "line": line,
        "language": told.take("language"),
        "exported": told.take("isExported"),
        "is_secret": is_secret,
    }
    return Record("constants", values, where, told.rest())


# The two ids of a constant that the predecessor's scanners made: of its file, name and line, or its line and name. The
# name may have that of its class before it.
_ID: Final = re.compile(r"((?:[A-Za-z]:)?[^:]+):(?:(.+):([0-9]{1,9})|([0-9]{1,9}):(.+))", re.DOTALL)


def _usage(where: Where, told: Fields, root: str | None) -> Record:
    said = told.text("constantId") or ""
    found = _ID.fullmatch(said)
    if found is None:
        raise Unfit(f"constantId is {shown(said)}, which names no constant")
    file, name, line = path(found[1], root), found[2] or found[5], int(found[3] or found[4])
    told.take("constantName")
    values = {
        "constant_id": f"{file}:{re.split(r'[.:]+', name)[-1]}:{line}",
        "file_id": told.path("file"),
        "line": told.take("line"),
        "context": told.take("context"),
    }
    return Record("constant_usages", values, where, told.rest())
