"""What a SCIP index says, one document at a time, as it lies on the disk.

Knows the format (https://github.com/sourcegraph/scip) and nothing about the store. Never holds more than one document:
an index of a large repository has hundreds of megabytes.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, NamedTuple

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from drift_mcp.errors import DriftError

# Fields of the top level.
_METADATA: Final = 1
_DOCUMENT: Final = 2
_EXTERNAL_SYMBOL: Final = 3

# Wire types of protobuf, and how many bytes the two of a fixed length have.
_VARINT: Final = 0
_LENGTH: Final = 2
_FIXED: Final = {1: 8, 5: 4}

# A varint of 64 bits has at most ten bytes.
_VARINT_BYTES: Final = 10

# Protobuf's own limit for one message.
_MOST_BYTES: Final = 2**31 - 1

# The role of an occurrence that defines its symbol.
DEFINITION: Final = 1

# How a document counts its columns. Indexers that do not say are written in JavaScript or Java: UTF-16.
UTF8: Final = 1
UTF16: Final = 2
UTF32: Final = 3

# The messages and fields that are read here, by their numbers in the format: (name, number, type, repeated).
_TEXT: Final = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
_INTEGER: Final = descriptor_pb2.FieldDescriptorProto.TYPE_INT32
_TRUTH: Final = descriptor_pb2.FieldDescriptorProto.TYPE_BOOL
_ONE: Final = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
_MANY: Final = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
_MESSAGES: Final[dict[str, tuple[tuple[str, int, int | str, bool], ...]]] = {
    "ToolInfo": (("name", 1, _TEXT, False), ("version", 2, _TEXT, False)),
    "Metadata": (("tool_info", 2, "ToolInfo", False), ("project_root", 3, _TEXT, False)),
    "Relationship": (("symbol", 1, _TEXT, False), ("is_implementation", 3, _TRUTH, False)),
    "SymbolInformation": (
        ("symbol", 1, _TEXT, False),
        ("documentation", 3, _TEXT, True),
        ("relationships", 4, "Relationship", True),
        ("kind", 5, _INTEGER, False),
    ),
    "Occurrence": (
        ("range", 1, _INTEGER, True),
        ("symbol", 2, _TEXT, False),
        ("symbol_roles", 3, _INTEGER, False),
        ("enclosing_range", 7, _INTEGER, True),
    ),
    "Document": (
        ("relative_path", 1, _TEXT, False),
        ("occurrences", 2, "Occurrence", True),
        ("symbols", 3, "SymbolInformation", True),
        ("language", 4, _TEXT, False),
        ("position_encoding", 6, _INTEGER, False),
    ),
    "Index": (("metadata", _METADATA, "Metadata", False), ("documents", _DOCUMENT, "Document", True)),
}


@functools.cache
def message(name: str) -> Any:
    """The class of one of the messages above."""
    declared = descriptor_pb2.FileDescriptorProto(name="drift/scip.proto", package="scip", syntax="proto3")
    for title, fields in _MESSAGES.items():
        declared_message = declared.message_type.add(name=title)
        for field, number, kind, repeated in fields:
            one = declared_message.field.add(name=field, number=number, label=_MANY if repeated else _ONE)
            if isinstance(kind, str):
                one.type, one.type_name = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE, f".scip.{kind}"
            else:
                one.type = kind
    # A pool of our own: another library in this process may have registered the whole format.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(declared)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"scip.{name}"))


class Header(NamedTuple):
    tool: str  # name and version of the indexer, '' when it does not say
    root: str  # URI of the folder that all paths start from, '' when it does not say


class Occurrence(NamedTuple):
    """One name in the source. Lines count from 0; columns as the document says."""

    line: int
    start: int
    end: int  # on the same line: a name does not go over its end
    symbol: str
    is_definition: bool
    around: tuple[int, int, int, int] | None  # of a definition: all of it, as (line, column, line, column)


class Document(NamedTuple):
    path: str  # as written
    language: str
    encoding: int
    occurrences: Sequence[Occurrence]
    signatures: dict[str, str]  # of the symbols defined here, as their documentation opens with it
    bases: dict[str, tuple[str, ...]]  # symbol → symbols that it implements or inherits from
    kinds: dict[str, int]  # only those that the indexer gives


def header(source: BinaryIO) -> Header:
    """What the index says about itself. Raises DriftError when the file is no SCIP index, or not all of it."""
    source.seek(0)
    _refuse_others(source)
    documents = 0
    found = Header("", "")
    for field, body in _fields(source, 0):
        if field == _METADATA and body is not None:
            told = _parsed("Metadata", body, "metadata")
            tool = f"{told.tool_info.name} {told.tool_info.version}".strip()
            # Names and versions are short; what is longer, or cannot be printed, is none.
            found = Header("".join(filter(str.isprintable, tool))[:100], told.project_root[:1_000])
        documents += field == _DOCUMENT
    if not documents:
        raise DriftError("The SCIP index has no documents: nothing was indexed. Run the indexer again and see its log.")
    return found


def documents(source: BinaryIO) -> Iterator[Document]:
    """All documents in the order of the file; a path can come more than once, and then all of them hold."""
    source.seek(0)
    for field, body in _fields(source, _DOCUMENT):
        if field == _DOCUMENT and body is not None:
            yield _document(body)


def _refuse_others(source: BinaryIO) -> None:
    """Say what the file is when it is one of those that people take for an index."""
    start = source.read(8)
    source.seek(0)
    if not start:
        raise DriftError("The SCIP index is empty: 0 bytes. The indexer perhaps failed; run it again.")
    for magic, name in _PACKED.items():
        if start.startswith(magic):
            raise DriftError(f"The SCIP index is packed with {name}. Unpack it first.")
    if start[:1] in (b"{", b"["):  # not behind white space: an index may begin with a line feed and a bracket
        raise DriftError(
            "This is JSON, not a SCIP index. Facts as JSON Lines are read without --format scip; "
            "an index in the older LSIF form is not read: run scip-python or scip-typescript."
        )
    if start.startswith(b"SQLite f"):
        raise DriftError("This is an SQLite database, not a SCIP index. Give the file that the indexer wrote.")


_PACKED: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"BZh": "bzip2"}


def _fields(source: BinaryIO, wanted: int) -> Iterator[tuple[int, bytes | None]]:
    """The fields of the top level. Their bodies are read of the wanted field and of the metadata; others are passed
    over, but not beyond the end of the file."""
    size = source.seek(0, 2)
    place = source.seek(0)
    number, first = 0, True
    while place < size:
        tag, place = _varint(source, place, size)
        field, wire = tag >> 3, tag & 7
        length = _FIXED.get(wire, 0)
        if wire == _LENGTH:
            length, place = _varint(source, place, size)
        elif wire == _VARINT:
            _, place = _varint(source, place, size)
        elif wire not in _FIXED:
            raise _foreign(place)
        known = field in (_METADATA, _DOCUMENT, _EXTERNAL_SYMBOL)
        # A later format may add fields, but it begins as this one does.
        if field == 0 or (known and wire != _LENGTH) or (first and not known):
            raise _foreign(place)
        first = False
        number += field == _DOCUMENT
        if place + length > size:
            if not number and field != _METADATA:
                raise _foreign(place)
            what = f"document {number}" if field == _DOCUMENT else "the metadata" if field == _METADATA else "its end"
            raise DriftError(
                f"The SCIP index is cut off in {what}: {place + length - size} bytes are missing after byte {size}. "
                "Run the indexer again, or copy the whole file."
            )
        body = None
        if wire == _LENGTH and field in (wanted, _METADATA) and length <= _MOST_BYTES:
            body = source.read(length)
        else:
            source.seek(length, 1)
        place += length
        yield field, body


def _varint(source: BinaryIO, place: int, size: int) -> tuple[int, int]:
    """A number of variable length, and the place behind it."""
    value = 0
    for position in range(_VARINT_BYTES):
        byte = source.read(1)
        if not byte:
            raise DriftError(
                f"The SCIP index is cut off: it ends inside a field at byte {size}. Run the indexer again, or copy the "
                "whole file."
            )
        value |= (byte[0] & 0x7F) << (7 * position)
        if byte[0] < 0x80:
            return value, place + position + 1
    raise _foreign(place)


def _foreign(place: int) -> DriftError:
    return DriftError(
        f"This is no SCIP index: what stands at byte {place} is no field of one. Give the file that scip-python, "
        "scip-typescript or another SCIP indexer wrote (index.scip unless told otherwise)."
    )


def _parsed(name: str, body: bytes, said: str) -> Any:
    try:
        return message(name).FromString(body)
    except DecodeError as problem:
        raise DriftError(
            f"This is no SCIP index, or it is damaged: its {said} cannot be read as such. Run the indexer again."
        ) from problem


def _document(body: bytes) -> Document:
    told = _parsed("Document", body, "document")
    occurrences: list[Occurrence] = []
    for one in told.occurrences:
        place = _whole(one.range)
        # A name that goes over the end of a line is none that is looked for here.
        if one.symbol and place is not None and place[0] == place[2]:
            occurrences.append(
                Occurrence(
                    place[0],
                    place[1],
                    place[3],
                    one.symbol,
                    bool(one.symbol_roles & DEFINITION),
                    _whole(one.enclosing_range),
                )
            )
    signatures: dict[str, str] = {}
    bases: dict[str, tuple[str, ...]] = {}
    kinds: dict[str, int] = {}
    for info in told.symbols:
        if info.symbol.startswith(LOCAL):
            continue
        if info.documentation:
            signatures[info.symbol] = info.documentation[0]
        implemented = tuple(each.symbol for each in info.relationships if each.is_implementation)
        if implemented:
            bases[info.symbol] = implemented
        if info.kind:
            kinds[info.symbol] = info.kind
    return Document(
        told.relative_path, told.language, told.position_encoding or UTF16, occurrences, signatures, bases, kinds
    )


def _whole(place: Sequence[int]) -> tuple[int, int, int, int] | None:
    """A range as (line, column, line, column): of three numbers, all on one line. None: there is none."""
    if len(place) == 4:
        return (place[0], place[1], place[2], place[3])
    return (place[0], place[1], place[0], place[2]) if len(place) == 3 else None


# -- symbols

# Known only within one document: `local 12`.
LOCAL: Final = "local "


class Symbol(NamedTuple):
    """A symbol taken apart: 'scip-python python flask 3.1 `flask.app`/Flask#run().'"""

    manager: str  # 'python', 'npm', …
    package: str
    version: str
    steps: tuple[tuple[str, str], ...]  # (name, suffix) from the outside in; suffixes as in the constants below

    @property
    def name(self) -> str:
        return self.steps[-1][0]

    @property
    def suffix(self) -> str:
        return self.steps[-1][1]


NAMESPACE: Final = "/"
TYPE: Final = "#"
TERM: Final = "."
METHOD: Final = "()."
META: Final = ":"
MACRO: Final = "!"
TYPE_PARAMETER: Final = "[]"
PARAMETER: Final = "()"

_HEAD: Final = re.compile(r"((?:[^ ]|  )*) ((?:[^ ]|  )*) ((?:[^ ]|  )*) ((?:[^ ]|  )*) ")
_STEP: Final = re.compile(
    r"(?:`((?:[^`]|``)+)`|([^`/#.:!()\[\]\s]+))(?:(/|#|:|!|\.)|(\([^()]*\)\.))"
    r"|\[(?:`((?:[^`]|``)+)`|([^\]`]+))\]"
    r"|\((?:`((?:[^`]|``)+)`|([^)`]+))\)"
)


def symbol(text: str) -> Symbol | None:
    """None: it is local, or does not follow the grammar."""
    head = None if text.startswith(LOCAL) else _HEAD.match(text)
    if head is None:
        return None
    _, manager, package, version = (part.replace("  ", " ") for part in head.groups())
    steps: list[tuple[str, str]] = []
    place = head.end()
    while place < len(text):
        step = _STEP.match(text, place)
        if step is None:
            return None
        quoted, plain, suffix, call, quoted_type, plain_type, quoted_parameter, plain_parameter = step.groups()
        if quoted or plain:
            name, kind = quoted or plain, METHOD if call else suffix
        elif quoted_type or plain_type:
            name, kind = quoted_type or plain_type, TYPE_PARAMETER
        else:
            name, kind = quoted_parameter or plain_parameter, PARAMETER
        steps.append((name.replace("``", "`"), kind))
        place = step.end()
    return Symbol(manager, package, version, tuple(steps)) if steps else None
