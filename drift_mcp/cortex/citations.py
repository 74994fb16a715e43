"""Lines of code that a memory cites, and whether they are still what they were.

A citation is compared by its text without white space, so that re-indenting or re-wrapping code never makes a
memory stale, and any other change does. Reads files below the project's root; never writes, never follows a path
out of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from blake3 import blake3

from drift_mcp.errors import DriftError

CodeState = Literal["unlinked", "unchanged", "moved", "changed", "gone"]

# From best to worst: a memory is as stale as its stalest citation.
_BY_GRAVITY: tuple[CodeState, ...] = ("unlinked", "unchanged", "moved", "changed", "gone")
# A cited file is read at every answer that names its memory. Source files are far smaller; what is larger is data.
_LARGEST_FILE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Citation:
    """A file, or its lines `line_start` to `line_end` (from 1, inclusive)."""

    file: str
    line_start: int | None = None
    line_end: int | None = None


class Cited(NamedTuple):
    """A citation with what stood there when it was made; `content_hash` None: there was no such file."""

    file: str
    line_start: int | None
    line_end: int | None
    content_hash: bytes | None
    content_length: int | None


@dataclass(frozen=True, slots=True)
class FunctionAt:
    """A function by its public id, with the lines of its file where it stands (from 1, inclusive)."""

    function: str
    line_start: int
    line_end: int


class CitedFunction(NamedTuple):
    """A function with what its text was when it was cited; `content_hash` None: it was known by its id alone."""

    function: str
    content_hash: bytes | None
    content_length: int | None


class _Squeezed(NamedTuple):
    """The text of a file without white space, and where each line with something on it begins in that."""

    text: bytes
    starts: list[int]
    line_numbers: list[int]


def asked(text: str) -> Citation:
    """`src/a.py`, `src/a.py:12` or `src/a.py:12-30`."""
    file, colon, lines = text.rpartition(":")
    first, _, last = lines.partition("-")
    if not colon or not first.isascii() or not first.isdigit():
        return Citation(text)
    if last and not (last.isascii() and last.isdigit()):
        return Citation(text)
    return Citation(file, int(first), int(last or first))


def made(root: Path, citation: Citation) -> Cited:
    """`citation` with the hash of what stands there now. A DriftError for a path or a range that cannot be cited."""
    file = _inside(root, citation.file)
    first, last = citation.line_start, citation.line_end
    if (first is None) != (last is None) or (first is not None and last is not None and not 1 <= first <= last):
        raise DriftError(f"The lines {first}-{last} of '{file}' are no range; they count from 1.")
    squeezed = _read(root, file)
    if squeezed is None:
        raise DriftError(
            f"There is no file '{file}' to cite. Give a path relative to the project, such as 'src/app.py:10-20'."
        )
    cited = _between(squeezed, first, last)
    if not cited:
        raise DriftError(f"There is nothing to cite at '{file}' lines {first}-{last}: they are blank or past its end.")
    return Cited(file, first, last, _hashed(cited), len(cited))


def function(root: Path, asked: str | FunctionAt) -> CitedFunction:
    """The function with the hash of its text, when it is told where that stands and something does."""
    if isinstance(asked, str):
        return CitedFunction(asked, None, None)
    squeezed = _read(root, _file_of(asked.function))
    text = b"" if squeezed is None else _between(squeezed, asked.line_start, asked.line_end)
    if not text:
        return CitedFunction(asked.function, None, None)
    return CitedFunction(asked.function, _hashed(text), len(text))


def state(root: Path, files: Iterable[Cited], functions: Iterable[CitedFunction] = ()) -> CodeState:
    """How the cited code stands now, the worst of all citations; `unlinked` when none can be compared."""
    worst = 0
    read: dict[str, _Squeezed | None] = {}
    for one in files:
        if one.file not in read:
            read[one.file] = _read(root, one.file)
        worst = max(worst, _BY_GRAVITY.index(_state_of(read[one.file], one)))
    for each in functions:
        file = _file_of(each.function)
        if each.content_hash is not None and file not in read:
            read[file] = _read(root, file)
        worst = max(worst, _BY_GRAVITY.index(_function_state(read.get(file), each)))
    return _BY_GRAVITY[worst]


def _state_of(now: _Squeezed | None, cited: Cited) -> CodeState:
    if now is None:
        return "gone"
    if cited.content_hash is None or cited.content_length is None:
        return "changed"
    if cited.line_start is None or cited.line_end is None:
        return "unchanged" if _hashed(now.text) == cited.content_hash else "changed"
    if _hashed(_between(now, cited.line_start, cited.line_end)) == cited.content_hash:
        return "unchanged"
    # Only whole lines: a citation of `return x` does not live on in `return x + 1`.
    line_ends = {*now.starts, len(now.text)}
    for start, line in zip(now.starts, now.line_numbers, strict=True):
        end = start + cited.content_length
        if end in line_ends and _hashed(now.text[start:end]) == cited.content_hash:
            # Re-wrapped in place: it begins where it began and only spans another number of lines.
            return "unchanged" if line == cited.line_start else "moved"
    return "changed"


def _function_state(now: _Squeezed | None, cited: CitedFunction) -> CodeState:
    if cited.content_hash is None or cited.content_length is None:
        return "unlinked"
    if now is None:
        return "gone"
    line_ends = {*now.starts, len(now.text)}
    for start in now.starts:
        end = start + cited.content_length
        if end in line_ends and _hashed(now.text[start:end]) == cited.content_hash:
            return "unchanged"  # a function is where its name is: another line is no other place
    name = cited.function.rpartition("::")[2].rpartition(".")[2].partition("#")[0]
    return "changed" if name.encode() in now.text else "gone"


def _file_of(function: str) -> str:
    return function.partition("::")[0]


def _between(squeezed: _Squeezed, first: int | None, last: int | None) -> bytes:
    if first is None or last is None:
        return squeezed.text
    within = [
        start for start, line in zip(squeezed.starts, squeezed.line_numbers, strict=True) if first <= line <= last
    ]
    after = [start for start, line in zip(squeezed.starts, squeezed.line_numbers, strict=True) if line > last]
    if not within:
        return b""
    return squeezed.text[within[0] : after[0] if after else len(squeezed.text)]


def _hashed(text: bytes) -> bytes:
    return blake3(text).digest(length=16)


def _read(root: Path, file: str) -> _Squeezed | None:
    path = root / file
    try:
        if not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
            return None
        with path.open("rb") as handle:
            raw = handle.read(_LARGEST_FILE_BYTES + 1)
    except OSError:
        return None  # unreadable is as good as gone to whoever would follow the citation
    if len(raw) > _LARGEST_FILE_BYTES:
        raw = raw[:_LARGEST_FILE_BYTES]
    pieces: list[bytes] = []
    starts: list[int] = []
    line_numbers: list[int] = []
    length = 0
    for number, line in enumerate(raw.split(b"\n"), start=1):
        squeezed = b"".join(line.split())
        if squeezed:
            starts.append(length)
            line_numbers.append(number)
            pieces.append(squeezed)
            length += len(squeezed)
    return _Squeezed(b"".join(pieces), starts, line_numbers)


def _inside(root: Path, file: str) -> str:
    """`file` as this database writes paths: relative to the root, with '/'."""
    if not file.strip() or "\0" in file or file.encode("utf-8", "replace").decode() != file:
        raise DriftError(f"{file[:80]!r} is no path to cite. Give one relative to the project, such as 'src/app.py'.")
    plain = PurePosixPath(file.replace("\\", "/"))
    if plain.is_absolute() and Path(file).is_relative_to(root):
        plain = PurePosixPath(Path(file).relative_to(root).as_posix())
    if plain.is_absolute() or ".." in plain.parts:
        raise DriftError(f"'{file}' lies outside the project. Cite files by a path relative to its root.")
    return str(plain)
