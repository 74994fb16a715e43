"""Code that a memory cites, and whether it is still what it was.

Cited text is compared without white space, so that re-indenting or re-wrapping code never makes a memory stale, and
any other change does. White space is not told apart by where it stands: a blank more inside a string, or one less
between two words, is no change either. Nothing is parsed; what a file without white space says decides.

Reads files below the project's root; never writes, never follows a path out of it.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, islice
from pathlib import Path, PurePosixPath
from typing import Final, Literal, NamedTuple, TypeAlias

from blake3 import blake3

from drift_mcp.errors import DriftError

CodeState = Literal["unlinked", "unchanged", "moved", "changed", "gone"]

# From best to worst: a memory is as stale as its stalest citation.
_BY_GRAVITY: Final[tuple[CodeState, ...]] = ("unlinked", "unchanged", "moved", "changed", "gone")
# A cited file is read at every answer that names its memory. Source files are far smaller; what is larger is data.
_LARGEST_FILE_BYTES: Final = 4 * 1024 * 1024

_BOM: Final = b"\xef\xbb\xbf"
_WITHIN_LINES: Final = b" \t\r\x0b\x0c"
# A line that only closes what was opened above it is no heading of what is indented under it.
_CLOSING: Final = (b")", b"]", b"}")
_COMMENTS: Final = (b"#", b"//", b"/*", b"*")
# As far up as decorators are looked for; one that is wrapped over more lines is not taken in.
_MOST_DECORATOR_LINES: Final = 60


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
    file_hash: bytes | None = None  # of the whole file without white space
    copies: int | None = None  # how often the text stood in its file, as whole lines
    flagged: CodeState | None = None  # what validation found when it lowered the confidence


@dataclass(frozen=True, slots=True)
class FunctionAt:
    """A function by its public id, with the lines of its file where it stands (from 1, inclusive), and how many
    decorators stand above it."""

    function: str
    line_start: int
    line_end: int
    decorators: int = 0


class CitedFunction(NamedTuple):
    """A function with what its text was when it was cited; `content_hash` None: it was known by its id alone."""

    function: str
    content_hash: bytes | None
    content_length: int | None
    file_hash: bytes | None = None
    copies: int | None = None  # how often its text stood in its file
    owner: str | None = None  # the name in a line it was indented under; '': it stood at the margin
    flagged: CodeState | None = None

    @property
    def file(self) -> str:
        return self.function.partition("::")[0]

    @property
    def name(self) -> str:
        """Its own name, without those of what it stands in."""
        return _names(self.function)[-1]


AnyCited: TypeAlias = Cited | CitedFunction


class Place(NamedTuple):
    """Lines of a file, from 1, inclusive."""

    line_start: int
    line_end: int


class Standing(NamedTuple):
    """How cited code stands now. `places`: where its text is, if it is not in its place; several: it cannot be told
    which of them was meant."""

    state: CodeState
    places: tuple[Place, ...] = ()


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
    source = Sources(root).read(file)
    if source is None:
        raise DriftError(
            f"There is no file '{file}' to cite{_why_not(root / file)}. "
            "Give a path relative to the project, such as 'src/app.py:10-20'."
        )
    if first is None or last is None:
        return Cited(file, None, None, source.hash, len(source.text), source.hash)
    text = source.between(Place(first, last))
    if not text:
        raise DriftError(f"There is nothing to cite at '{file}' lines {first}-{last}: they are blank or past its end.")
    content_hash = hashed(text)
    copies = len(source.places(content_hash, len(text)))
    return Cited(file, first, last, content_hash, len(text), source.hash, copies)


def function(root: Path, asked: str | FunctionAt) -> CitedFunction:
    """The function with the hash of its text, when it is told where that stands and something of its name does."""
    if isinstance(asked, str):
        return CitedFunction(asked, None, None)
    known_by_id = CitedFunction(asked.function, None, None)
    source = Sources(root).read(known_by_id.file)
    return known_by_id if source is None else source.cited(asked) or known_by_id


def state(root: Path, files: Iterable[Cited], functions: Iterable[CitedFunction] = ()) -> CodeState:
    """How the cited code stands now, the worst of all citations; `unlinked` when none can be compared."""
    sources = Sources(root)
    return worst(sources.standing(one).state for one in chain[AnyCited](files, functions))


def worst(states: Iterable[CodeState]) -> CodeState:
    return max(states, key=_BY_GRAVITY.index, default="unlinked")


class Sources:
    """The files of a project, each read once: for one answer, and one thread."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._read: dict[str, Source | None] = {}

    def read(self, file: str) -> Source | None:
        """None: there is no such file, it lies outside of the project, or it is too large to be code."""
        if file not in self._read:
            self._read[file] = self._source(file)
        return self._read[file]

    def standing(self, cited: AnyCited) -> Standing:
        """How one citation stands now."""
        if isinstance(cited, Cited):
            return _lines_standing(self.read(cited.file), cited)
        if cited.content_hash is None:
            return Standing("unlinked")
        return _function_standing(self.read(cited.file), cited)

    def _source(self, file: str) -> Source | None:
        # Path objects would take longer than reading does.
        try:
            path = os.path.realpath(f"{self._root}/{file}")
            if not path.startswith(self._root.rstrip("/\\") + os.sep) or not os.path.isfile(path):  # noqa: PTH113
                return None
            with open(path, "rb", buffering=0) as handle:  # noqa: PTH123
                raw = handle.read(_LARGEST_FILE_BYTES + 1)
        except (OSError, ValueError):
            return None  # unreadable is as good as gone to whoever would follow the citation
        return Source(raw) if len(raw) <= _LARGEST_FILE_BYTES else None


class Source:
    """The text of one file: with white space, and without."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw.removeprefix(_BOM)

    @cached_property
    def text(self) -> bytes:
        return b"".join(self._lines)

    @cached_property
    def hash(self) -> bytes:
        return hashed(self.text)

    def between(self, place: Place) -> bytes:
        return _squeezed(self._raw_between(place))

    def mentions(self, name: str, place: Place) -> bool:
        """Whether a name is among the words of these lines."""
        return _is_word(name, self._raw_between(place))

    def says(self, name: str) -> bool:
        """Whether a name is among the words of this file."""
        return _is_word(name, self._raw)

    def renamed(self, place: Place, name: str, former: str) -> bytes:
        """The text of a place as it would be with its former name."""
        raw = self._raw_between(place)
        ends = [0, *(at + len(name.encode()) for at in _words(name, raw))]
        starts = [*(at for at in _words(name, raw)), len(raw)]
        return _squeezed(former.encode().join(raw[end:start] for end, start in zip(ends, starts, strict=True)))

    def places(self, content_hash: bytes, length: int) -> tuple[Place, ...]:
        """Where a text stands. Only whole lines: a citation of `return x` does not live on in `return x + 1`."""
        offsets = self._offsets
        ends = self._margins.intersection(map(length.__add__, offsets))
        found = sorted(end for end in ends if hashed(self.text[end - length : end]) == content_hash)
        # Of a blank line and the one below, both begin at one offset: the later one is meant.
        return tuple(Place(bisect_right(offsets, end - length), bisect_left(offsets, end)) for end in found)

    def owned_places(self, cited: CitedFunction) -> tuple[Place, ...]:
        """Where the text of a function stands within what it stood in."""
        if cited.content_hash is None or cited.content_length is None:
            return ()
        found = self.places(cited.content_hash, cited.content_length)
        return tuple(one for one in found if self._is_owned(self._start_of(one.line_start), cited.owner))

    def places_of_its_name(self, cited: CitedFunction) -> tuple[Place, ...]:
        """Those of its owned places where the name stands in the first line, or in that below its decorators: found
        without a look at the rest of the file. There may be others."""
        return tuple(
            place
            for start in sorted(set(self._beginnings(cited.name)))
            if (place := self._begun(cited, start)) is not None and self._is_owned(start, cited.owner)
        )

    def cited(self, asked: FunctionAt) -> CitedFunction | None:
        """The function as it stands here. None: nothing of its name is in those lines, which are not its own then."""
        cited = CitedFunction(asked.function, None, None)
        place = self.with_decorators(asked)
        text = self.between(place)
        if not text or not (self.mentions(cited.name, place) or not cited.name.isidentifier()):
            return None
        *_, owner, _ = ("", *_names(asked.function))
        content_hash = hashed(text)
        return cited._replace(
            content_hash=content_hash,
            content_length=len(text),
            file_hash=self.hash,
            copies=len(self.places(content_hash, len(text))) or None,
            owner=owner if self._is_owned(self._start_of(place.line_start), owner) else None,
        )

    def with_decorators(self, asked: FunctionAt) -> Place:
        """The lines of a function together with the decorators above it."""
        starts = list(islice(self._decorators(self._start_of(asked.line_start)), asked.decorators))
        first = self._raw.count(b"\n", 0, starts[-1]) + 1 if starts else asked.line_start
        return Place(first, asked.line_end)

    @cached_property
    def _lines(self) -> list[bytes]:
        """Each line without white space; the first one is line 1."""
        return self._raw.translate(None, _WITHIN_LINES).split(b"\n")

    @cached_property
    def _offsets(self) -> list[int]:
        """Where each line begins in `text`, and where the last one ends."""
        return list(accumulate(map(len, self._lines), initial=0))

    @cached_property
    def _margins(self) -> set[int]:
        return set(self._offsets)

    def _raw_between(self, place: Place) -> bytes:
        # Lines further down are not split: most often this is all that is asked of a file.
        return b"\n".join(self._raw.split(b"\n", place.line_end)[place.line_start - 1 : place.line_end])

    def _is_owned(self, start: int, owner: str | None) -> bool:
        """Whether the line at `start` is indented under a line that names the owner; '': under none at all."""
        if not owner:
            return owner is None or not self._raw[start : start + 1].isspace()
        return any(_is_word(owner, line) for line in self._headings(start))

    def _beginnings(self, name: str) -> Iterator[int]:
        """Where a definition of that name could begin: at a line that holds it, or at a decorator above."""
        for word in _words(name, self._raw) if name.isidentifier() else ():
            start = self._raw.rfind(b"\n", 0, word) + 1
            yield start
            yield from self._decorators(start)

    def _begun(self, cited: CitedFunction, start: int) -> Place | None:
        """The lines of the cited text, if they begin there."""
        length = cited.content_length or 0
        end, text = start, b""
        while len(text) < length and end < len(self._raw):
            end += 2 * (length - len(text)) + 1
            text = _squeezed(self._raw[start:end])
        if len(text) < length or hashed(text[:length]) != cited.content_hash:
            return None
        first = self._raw.count(b"\n", 0, start) + 1
        below = self._raw.find(b"\n", end)
        lines = accumulate(
            len(_squeezed(line)) for line in self._raw[start : None if below < 0 else below].split(b"\n")
        )
        last, reached = next((last, reached) for last, reached in enumerate(lines, start=first) if reached >= length)
        return Place(first, last) if reached == length else None

    def _decorators(self, start: int) -> Iterator[int]:
        """Where each decorator above the line at `start` begins, from the nearest."""
        margin = _indentation(self._line_at(start))
        is_wrapped = False  # the line below closes what this one may open
        for above, line in islice(self._above(start), _MOST_DECORATOR_LINES):
            indented, text = _indentation(line), line.strip()
            if not text or text.startswith(_COMMENTS) or (is_wrapped and indented > margin):
                continue
            if indented != margin or not text.startswith((b"@", *_CLOSING)):
                return
            is_wrapped = not text.startswith(b"@")
            if not is_wrapped:
                yield above

    def _headings(self, start: int) -> Iterator[bytes]:
        """The lines that the line at `start` is indented under, from the nearest."""
        margin = _indentation(self._line_at(start))
        for _, line in self._above(start):
            if not margin:
                return
            text = line.strip()
            if text and not text.startswith((*_COMMENTS, *_CLOSING)) and (indented := _indentation(line)) < margin:
                margin = indented
                yield text

    def _above(self, start: int) -> Iterator[tuple[int, bytes]]:
        """The lines above the one at `start`, each with where it begins, from the nearest."""
        while start > 0:
            end, start = start - 1, self._raw.rfind(b"\n", 0, start - 1) + 1
            yield start, self._raw[start:end]

    def _line_at(self, start: int) -> bytes:
        end = self._raw.find(b"\n", start)
        return self._raw[start : len(self._raw) if end < 0 else end]

    def _start_of(self, line: int) -> int:
        """Where a line begins; past the end, where the last one ends."""
        before = self._raw.split(b"\n", line - 1)[: line - 1]
        return min(len(self._raw), sum(map(len, before)) + len(before))


def hashed(text: bytes) -> bytes:
    """As `content_hash` is made, of a text without white space."""
    return blake3(text).digest(length=16)


def _lines_standing(now: Source | None, cited: Cited) -> Standing:
    if now is None:
        return Standing("gone")
    if cited.content_hash is None or cited.content_length is None:
        return Standing("changed")
    if cited.line_start is None or cited.line_end is None:
        return Standing("unchanged" if now.hash == cited.content_hash else "changed")
    place = Place(cited.line_start, cited.line_end)
    if hashed(now.between(place)) == cited.content_hash:
        return Standing("unchanged")
    places = now.places(cited.content_hash, cited.content_length)
    here = tuple(one for one in places if one.line_start == place.line_start)
    if now.hash == cited.file_hash:
        return Standing("unchanged", here or places)  # only laid out anew
    if here:
        return Standing("unchanged", here)  # begins where it began, and spans another number of lines
    # One of several copies is no more: it cannot be told that it was not the cited one.
    return Standing("moved", places) if len(places) >= (cited.copies or 1) else Standing("changed")


def _function_standing(now: Source | None, cited: CitedFunction) -> Standing:
    if now is None:
        return Standing("gone")
    copies = cited.copies or 1
    # Whose owner is known is told from its copies; of another, all must be there.
    wanted = copies if cited.owner is None else 1
    # A function is where its name is: another line is no other place.
    if len(now.places_of_its_name(cited)) >= wanted or now.hash == cited.file_hash:
        return Standing("unchanged")
    if len(now.owned_places(cited)) >= wanted:
        return Standing("unchanged")
    everywhere = now.places(cited.content_hash or b"", cited.content_length or 0)
    if len(everywhere) >= copies:
        return Standing("moved", everywhere)
    return Standing("changed" if not cited.name.isidentifier() or now.says(cited.name) else "gone")


def _names(function: str) -> list[str]:
    """The names in a public id, from the outermost."""
    qualified = function.rpartition("::")[2]
    front, _, ordinal = qualified.rpartition("#")
    return (front if front and ordinal.isdigit() else qualified).split(".")


def _words(name: str, text: bytes) -> Iterator[int]:
    """Where a name stands in the text as a word of its own."""
    word, at = name.encode(), -1
    # A pattern with a look behind goes byte by byte, which takes a hundred times as long.
    while (at := text.find(word, at + 1)) >= 0:
        if not (_is_of_names(text[at - 1 : at]) or _is_of_names(text[at + len(word) : at + len(word) + 1])):
            yield at


def _is_word(name: str, text: bytes) -> bool:
    return next(_words(name, text), None) is not None


def _is_of_names(byte: bytes) -> bool:
    return byte.isalnum() or byte in (b"_", b"$") or byte > b"\x7f"


def _indentation(line: bytes) -> int:
    return len(line) - len(line.lstrip())


def _squeezed(text: bytes) -> bytes:
    return text.translate(None, _WITHIN_LINES + b"\n")


def _why_not(path: Path) -> str:
    try:
        is_large = path.stat().st_size > _LARGEST_FILE_BYTES
    except (OSError, ValueError):
        return ""
    return f": it is larger than {_LARGEST_FILE_BYTES >> 20} MB, which is data and no code" if is_large else ""


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
