"""The predecessor's JSON files, read and checked. Never trusts one: what is no JSON, or not what its name promises, is
refused with the place where it breaks; a checksum that does not fit is told, and the data are still offered."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
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
    told_root: str | None = None  # where the project lay, by another file

    def where(self, position: str = "") -> Where:
        return Where(self.source.name, position)

    @property
    def root(self) -> str | None:
        """Where the project lay when the file was written, or lies now; absolute paths begin with it."""
        root = self.data.get("projectRoot") or self.data.get("rootPath")
        if isinstance(root, str) and len(root) > 1:
            return root
        return self.told_root or os.fspath(self.source.path.parents[self.source.name.count("/") + 1])

    def list(self, name: str) -> Iterator[tuple[Where, Any]]:
        """The members of a list or object at the top, each with its place; nothing when it is not there."""
        return members(self.where(name), self.data.get(name))


def members(where: Where, value: Any) -> Iterator[tuple[Where, Any]]:
    if isinstance(value, list):
        for position, each in enumerate(value):
            yield Where(where.file, f"{where.position}[{position}]"), each
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield Where(where.file, f"{where.position}[{name if len(name) <= 60 else name[:59] + '…'!r}]"), each


_ROOT: Final = re.compile(r'"(?:projectRoot|rootPath)"\s*:\s*("(?:[^"\\]|\\.){2,}")')
_HEAD_BYTES: Final = 4096  # where the predecessor wrote it, it stands near the beginning


def root_told(sources: Iterable[Source]) -> str | None:
    """Where the project lay, by the first file that says so: many have paths that begin with it, and only some say
    it."""
    for source in sources:
        if source.name.endswith(".json") and source.kind not in ("copy", "unknown"):
            with source.path.open("rb") as file:
                found = _ROOT.search(file.read(_HEAD_BYTES).decode("utf-8", "replace"))
            with contextlib.suppress(ValueError):
                if found is not None and isinstance(root := json.loads(found[1]), str):
                    return root
    return None


def read(source: Source, told_root: str | None = None) -> Document:
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
    except ValueError as problem:  # a number of thousands of digits
        raise DriftError(f"{source.name} cannot be read: {problem}.") from problem
    except RecursionError as problem:
        raise _too_deep(source) from problem
    if _is_deep(data):
        raise _too_deep(source)
    if isinstance(data, list):
        data = {"items": data}
    if not isinstance(data, dict):
        raise DriftError(f"{source.name} holds {shown(data)}, not an object.")
    return Document(source, data, _doubt(source, data, text), told_root)


# Those of the predecessor reach a dozen. What is nested deeper than readers can follow is stopped at the door.
_DEEPEST: Final = 100


def _is_deep(data: Any) -> bool:
    level: list[Any] = [[data]]
    for _ in range(_DEEPEST):
        inner = (each.values() if isinstance(each, dict) else each for each in level)
        level = [value for values in inner for value in values if type(value) in (dict, list)]
        if not level:
            return False
    return True


def _too_deep(source: Source) -> DriftError:
    return DriftError(f"{source.name} is nested too deeply to be one of the old tool's files.")


def _doubt(source: Source, data: Mapping[str, Any], text: str) -> str:
    """What its checksum says against the file. Each format has its own rule."""
    stated = data.get("checksum")
    if not isinstance(stated, str) or not stated:
        return ""
    computed = _checksum(source, data)
    if computed is None or computed == stated:
        return ""
    # JavaScript writes 0.00005 where Python writes 5e-05.
    if _checksum(source, json.loads(text, parse_float=_spelled)) == stated:
        return ""
    return f"its checksum is {stated[:16]}, and its content gives {computed[:16]}: it was edited, or cut off"


def _checksum(source: Source, data: Mapping[str, Any]) -> str | None:
    match source.kind:
        case "patterns" if isinstance(patterns := data.get("patterns"), list):
            if str(data.get("version", "")).startswith("2"):
                ids = sorted(str(each.get("id")) for each in patterns if isinstance(each, dict))
                return _sha256(ids)[:16]
            return _sha256(patterns)[:16]
        case "contracts" if isinstance(contracts := data.get("contracts"), list):
            return _sha256(contracts)[:16]
        case "lock":
            return _sha256({"patterns": data.get("patterns"), "generatedAt": data.get("generatedAt")})
        case _:
            return None


# Around a number that is to be written as it was read. No text of code has this character.
_MARK: Final = "\uf8ff"


def _spelled(number: str) -> str:
    return f"{_MARK}{number}{_MARK}"


def _sha256(value: Any) -> str:
    text = compact(value).replace(f'"{_MARK}', "").replace(f'{_MARK}"', "")
    return hashlib.sha256(text.encode()).hexdigest()
