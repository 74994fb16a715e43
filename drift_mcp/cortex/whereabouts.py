"""Where cited code is now: in its place, elsewhere in its file, in another file, under another name, or nowhere.

Compares citations with the files below the root and with what a scan found in them. Code that is not in its file is
looked for where a move can have brought it, in files that came or changed since it was cited; code that stood in a file
before is a copy and no move. Found in two places, both are told and neither is taken.

Reads only, and looks through a bounded number of files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.cortex.citations import (
    AnyCited,
    Cited,
    CitedFunction,
    CodeState,
    FunctionAt,
    Place,
    Source,
    Sources,
    Standing,
    hashed,
)
from drift_mcp.tables import cited as scanned
from drift_mcp.tables.cited import FunctionPlace, ReadFile

# A shorter text, such as `return None`, stands in many files without having come from any of them.
_FINDABLE_BYTES: Final = 40
# Files that are looked through for code that is missing: a second or two.
_MOST_FILES: Final = 2_000
# What the body of a module is named: of a file with one function it says the same as that.
_MODULE: Final = "::<module>"
# Comparisons of one missing text with one file: some seconds.
_MOST_COMPARISONS: Final = 50_000


class Link(NamedTuple):
    """One citation of one memory, and since when it is believed."""

    memory_key: int
    cited: AnyCited
    since: str


class Whereabouts(NamedTuple):
    """How the cited code stands. `after`: the citation as it should be now, when the code is in one other place;
    `places`: where it was found, when there are several."""

    state: CodeState
    after: AnyCited | None = None
    places: tuple[str, ...] = ()


class Found(NamedTuple):
    by_link: dict[Link, Whereabouts]
    is_cut: bool  # more files came or changed than are looked through


def find(root: Path, db: apsw.Connection, links: Iterable[Link], among: Collection[str] | None = None) -> Found:
    """The whereabouts of each citation. `db`: a snapshot of drift.db; `among`: the only files in which missing code is
    looked for."""
    of_file: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        of_file[link.cited.file].append(link)
    inside = scanned.functions(db, of_file.keys())
    found: dict[Link, Whereabouts] = {}
    missing: dict[Link, Whereabouts] = {}
    for file, cited in sorted(of_file.items()):
        sources = Sources(root)
        for link in cited:
            here = _in_its_file(sources, link.cited, inside.get(file))
            (missing if here.after is None and _is_missing(link, here) else found)[link] = here
    elsewhere, is_cut = _Search(root, db, missing, among).run()
    return Found({**found, **missing, **elsewhere}, is_cut)


def said(cited: AnyCited) -> str:
    """A citation as people write it."""
    if isinstance(cited, CitedFunction):
        return cited.function
    if cited.line_start is None:
        return cited.file
    return _place(cited.file, Place(cited.line_start, cited.line_end or cited.line_start))


def _place(file: str, place: Place) -> str:
    first, last = place
    return f"{file}:{first}" if first == last else f"{file}:{first}-{last}"


# ---------------------------------------------------------------------------------------------------------------------
# In its own file


def _in_its_file(sources: Sources, cited: AnyCited, functions: Sequence[FunctionPlace] | None) -> Whereabouts:
    """`functions` None: the file was not scanned, so that it is not known which functions it has."""
    standing, source = sources.standing(cited), sources.read(cited.file)
    if isinstance(cited, Cited):
        return _of_lines(cited, standing, source)
    return _of_function(cited, standing, source, functions)


def _of_lines(cited: Cited, standing: Standing, source: Source | None) -> Whereabouts:
    if len(standing.places) == 1 and source is not None:
        return Whereabouts(standing.state, _at(cited, cited.file, standing.places[0], source))
    places = tuple(_place(cited.file, place) for place in standing.places)
    return Whereabouts(standing.state, places=places if standing.state == "moved" else ())


def _of_function(
    cited: CitedFunction, standing: Standing, source: Source | None, functions: Sequence[FunctionPlace] | None
) -> Whereabouts:
    state = standing.state
    if functions is None:
        return Whereabouts(state)  # what the file itself says is all there is
    known = next((one for one in functions if one.id == cited.function), None)
    if known is None:
        return Whereabouts("gone" if state in ("unlinked", "changed") else state)
    if state == "unlinked" and source is not None:
        # Its text was not known yet; from now on it is.
        return Whereabouts(state, source.cited(_function_at(known)))
    return Whereabouts(state)


def _is_missing(link: Link, here: Whereabouts) -> bool:
    if here.state in ("changed", "gone"):
        return True
    # Its text is there, and it is not: it belongs to another class now, or is named otherwise.
    return here.state == "moved" and isinstance(link.cited, CitedFunction)


def _at(cited: Cited, file: str, place: Place | None, source: Source) -> Cited:
    """The citation with its text in another place."""
    first, last = (None, None) if place is None else place
    return cited._replace(file=file, line_start=first, line_end=last, file_hash=source.hash, copies=1, flagged=None)


def _function_at(known: FunctionPlace) -> FunctionAt:
    return FunctionAt(known.id, known.start_line, known.end_line, known.decorators)


# ---------------------------------------------------------------------------------------------------------------------
# Elsewhere


class _Search:
    """One look through the files into which missing code can have moved. Used once."""

    def __init__(
        self, root: Path, db: apsw.Connection, missing: Mapping[Link, Whereabouts], among: Collection[str] | None
    ) -> None:
        self._root = root
        self._db = db
        self._missing = {link: here for link, here in missing.items() if _is_findable(link.cited)}
        self._among = among
        self._hits: dict[Link, list[AnyCited]] = defaultdict(list)

    def run(self) -> tuple[dict[Link, Whereabouts], bool]:
        if not self._missing:
            return {}, False
        files = self._files()
        left = _MOST_COMPARISONS
        is_cut = len(files) > _MOST_FILES
        for file in files[:_MOST_FILES]:
            wanted = [link for link in self._missing if _can_be_in(link, file)]
            left -= len(wanted)
            if left < 0:
                is_cut = True
                break
            if wanted:
                self._look_into(file.path, wanted)
        return {link: self._told(link, hits) for link, hits in self._hits.items()}, is_cut

    def _files(self) -> list[ReadFile]:
        if self._among is not None:
            return scanned.read(self._db, self._among)
        files = scanned.read_since(self._db, min(link.since for link in self._missing))
        own = {link.cited.file for link in self._missing if isinstance(link.cited, CitedFunction)}
        return [*scanned.read(self._db, own - {file.path for file in files}), *files]

    def _look_into(self, file: str, wanted: Sequence[Link]) -> None:
        source = Sources(self._root).read(file)
        if source is None:
            return
        functions = [link for link in wanted if isinstance(link.cited, CitedFunction)]
        if functions:
            self._look_among_functions(file, source, functions)
        for link in wanted:
            if isinstance(link.cited, Cited) and link.cited.file != file:
                self._hits[link] += _lines_in(file, source, link.cited)

    def _look_among_functions(self, file: str, source: Source, wanted: Sequence[Link]) -> None:
        for known in scanned.functions(self._db, [file]).get(file, ()):
            place = source.with_decorators(_function_at(known))
            text = source.between(place)
            for link in wanted:
                cited = link.cited
                if not isinstance(cited, CitedFunction) or not _is_it(cited, known, source, place, text):
                    continue
                now = source.cited(_function_at(known))
                if now is not None:
                    self._hits[link].append(now)

    def _told(self, link: Link, hits: list[AnyCited]) -> Whereabouts:
        # A line can hold several functions; that of the same name is meant, if it is one of them.
        hits = [hit for hit in hits if _name(hit) == _name(link.cited)] or hits
        if len(hits) == 1:
            return Whereabouts("moved", hits[0])
        if not hits:
            return self._missing[link]
        return Whereabouts("moved", places=tuple(said(hit) for hit in hits))


def _name(cited: AnyCited) -> str:
    return cited.name if isinstance(cited, CitedFunction) else ""


def _is_findable(cited: AnyCited) -> bool:
    return (cited.content_length or 0) >= _FINDABLE_BYTES


def _can_be_in(link: Link, file: ReadFile) -> bool:
    is_own = link.cited.file == file.path
    if is_own and isinstance(link.cited, Cited):
        return False  # it was looked for there first
    return (is_own or file.last_scanned > link.since) and file.size >= (link.cited.content_length or 0) // 2


def _lines_in(file: str, source: Source, cited: Cited) -> list[AnyCited]:
    if cited.content_hash is None or cited.content_length is None:
        return []
    if cited.line_start is None:
        return [_at(cited, file, None, source)] if source.hash == cited.content_hash else []
    return [_at(cited, file, place, source) for place in source.places(cited.content_hash, cited.content_length)]


def _is_it(cited: CitedFunction, known: FunctionPlace, source: Source, place: Place, text: bytes) -> bool:
    """Whether a function is the cited one, under another name or in another place."""
    if known.id == cited.function or known.id.endswith(_MODULE) != cited.function.endswith(_MODULE):
        return False
    longer = len(text) - (cited.content_length or 0)
    if longer == 0 and hashed(text) == cited.content_hash:
        return True
    if known.name == cited.name:
        return False
    # A rename changes the text wherever the name stands in it, and nothing else.
    by_name = len(known.name.encode()) - len(cited.name.encode())
    can_be = longer == 0 if by_name == 0 else longer % by_name == 0 and longer // by_name > 0
    return can_be and hashed(source.renamed(place, known.name, cited.name)) == cited.content_hash
