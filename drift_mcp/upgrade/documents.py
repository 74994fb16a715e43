"""The predecessor's JSON files, read and checked. Never trusts one: what is no JSON, or not what its name promises, is
refused with the place where it breaks; a checksum that does not fit is told, and the data are still offered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from drift_mcp.errors import DriftError
from drift_mcp.upgrade.records import Where, compact, shown
from drift_mcp.upgrade.sources import Source

# The largest file seen is 8 MB. A parsed document takes some six times its size, and one is held at a time.
_MOST_BYTES: Final = 256 * 1024 * 1024


class Document(NamedTuple):
    """One file: what stands in it, and what was found wrong with its checksum ('' = nothing)."""

    source: Source
    data: Mapping[str, Any]
    doubt: str

    def where(self, position: str = "") -> Where:
        return Where(self.source.name, position)

    @property
    def root(self) -> str | None:
        """Where the project lay when the file was written; absolute paths begin with it."""
        root = self.data.get("projectRoot") or self.data.get("rootPath")
        return root if isinstance(root, str) and root else None

    def list(self, name: str) -> Iterator[tuple[Where, Any]]:
        """The members of a list or object at the top, each with its place; nothing when it is not there."""
        return members(self.where(name), self.data.get(name))


def members(where: Where, value: Any) -> Iterator[tuple[Where, Any]]:
    if isinstance(value, list):
        for position, each in enumerate(value):
            yield Where(where.file, f"{where.position}[{position}]"), each
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield Where(where.file, f"{where.position}[{shown(name)}]"), each


def read(source: Source) -> Document:
    """Raises DriftError, saying where, when the file is no JSON object."""
    if source.size > _MOST_BYTES:
        raise DriftError(
            f"{source.name} has {source.size:,} bytes, more than the {_MOST_BYTES:,} that are read at once."
        )
    try:
        text = source.path.read_bytes().decode("utf-8-sig")
        data = json.loads(text)
    except UnicodeDecodeError as problem:
        raise DriftError(f"{source.name} is not UTF-8 (byte {problem.start}).") from problem
    except json.JSONDecodeError as problem:
        raise DriftError(f"{source.name} is no JSON: {problem.msg} at line {problem.lineno}.") from problem
    except RecursionError as problem:
        raise DriftError(f"{source.name} is nested too deeply to be one of the old tool's files.") from problem
    if isinstance(data, list):
        data = {"items": data}
    if not isinstance(data, dict):
        raise DriftError(f"{source.name} holds {shown(data)}, not an object.")
    return Document(source, data, _doubt(source, data))


def _doubt(source: Source, data: Mapping[str, Any]) -> str:
    """What its checksum says against the file. Each format has its own rule."""
    stated = data.get("checksum")
    if not isinstance(stated, str) or not stated:
        return ""
    computed = _checksum(source, data)
    if computed is None or computed == stated:
        return ""
    return f"its checksum is {stated[:16]}, and its content gives {computed[:16]}: it was edited, or cut off"


def _checksum(source: Source, data: Mapping[str, Any]) -> str | None:
    match source.kind:
        case "patterns" if isinstance(patterns := data.get("patterns"), list):
            if str(data.get("version", "")).startswith("2"):
                ids = sorted(str(each.get("id")) for each in patterns if isinstance(each, dict))
                return _sha256(compact(ids))[:16]
            return _sha256(compact(patterns))[:16]
        case "contracts" if isinstance(contracts := data.get("contracts"), list):
            return _sha256(compact(contracts))[:16]
        case "lock":
            told = {"patterns": data.get("patterns"), "generatedAt": data.get("generatedAt")}
            return _sha256(compact(told))
        case _:
            return None


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
