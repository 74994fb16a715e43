"""A SCIP index → exact calls in the store: `drift ingest index.scip --format scip`.

An index says which symbol each name in the source stands for. It does not say which of them are called, and it was
made at some moment of the past: both are held against the source. A file that a scan has read keeps its functions and
call sites, and the index decides what they call; other files get functions and calls from the index alone. What cannot
be told is left out and counted.

Never trusts the index over the text: where the word in the source is not the symbol's name, nothing is taken.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import re
import shutil
import stat
import tempfile
import time
import urllib.parse
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TypeAlias

import apsw
from blake3 import blake3

from drift_mcp.errors import DriftError
from drift_mcp.ingest import outlines, scip_index
from drift_mcp.ingest.mentions import JAVASCRIPT, Text
from drift_mcp.ingest.outlines import CONSTRUCTORS, Defined, Outline, symbol_of
from drift_mcp.ingest.rows import shown
from drift_mcp.ingest.scans import WAIT_SECONDS, commit_of, scan
from drift_mcp.project import Project, init
from drift_mcp.scan import facts as F
from drift_mcp.scan import languages
from drift_mcp.store import lock
from drift_mcp.tables import adjacency, audit, calls, files, functions, retention, scans, sites, status

Progress: TypeAlias = Callable[[str, int, int], None]  # stage, done, of how many

# Whom a call goes to: a stored function by its id, one of this index by file and number.
Target: TypeAlias = int | tuple[str, int]

# Larger files are no source that anybody wrote: the largest that any language's scan reads.
_MOST_BYTES: Final = max(language.most_bytes for language in languages.LANGUAGES)


# Why a call is left as it is.
LEFT_OUT: Final = {
    "misnamed": "where the index names another symbol than the source",
    "undefined": "whose symbol the index does not define",
    "ambiguous": "whose symbol is that of several definitions",
    "unplaced": "whose definition cannot be placed",
    "outside": "that types prove to stay inside and the index takes for outside",
    "property": "of what a property gives",
}


class Ingested(NamedTuple):
    """What one index gave."""

    scanner: str  # name and version of the indexer
    documents: int  # files of this project that the index was held against
    functions: int  # defined in files that no scan has read
    decided: int  # call sites that nothing had proven
    corrected: int  # that had been decided otherwise
    confirmed: int
    added: int  # calls that no scan had found: all of files that no scan has read, reads of properties of the others
    outside: int  # of all these, calls that leave the project
    named: int  # references that are no call: imports, annotations, functions handed over
    left_out: dict[str, int]  # a word of LEFT_OUT → calls that were left as they are
    missing: tuple[str, ...]  # documents that are not in this project
    changed: tuple[str, ...]  # documents whose source is another since the index was made
    duration_ms: int


def ingest(project: Project, source: BinaryIO, *, on_progress: Progress | None = None) -> Ingested:
    """Take in an index. All or nothing: raises DriftError, with the store as it was, when the file is no SCIP index, is
    cut off, or is of another folder."""
    tell = on_progress or (lambda *_: None)
    with _seekable(source) as index:
        told = scip_index.header(index)
        return _Ingest(project, index, told, tell).run()


@contextlib.contextmanager
def _seekable(source: BinaryIO) -> Iterator[BinaryIO]:
    """An index is read twice: first what is defined, then what refers to it. A pipe is kept in a file meanwhile."""
    if source.seekable():
        yield source
        return
    with tempfile.TemporaryFile() as kept:
        shutil.copyfileobj(source, kept)
        yield kept


class _File(NamedTuple):
    """One file that the index knows, as it lies on the disk."""

    language: str
    family: str
    content_hash: bytes
    size: int
    mtime_ns: int
    lines: int


class _Known(NamedTuple):
    """A definition that a call can go to."""

    path: str
    qualified_name: str
    kind: str
    parent: Target | None
    parent_kind: str  # '' for a module body
    start_line: int
    end_line: int
    is_property: bool
    is_overload: bool  # a signature of another one of the same name


class _Ingest:
    """One index taken in. Used once, by one thread."""

    def __init__(self, project: Project, index: BinaryIO, told: scip_index.Header, tell: Progress) -> None:
        self._project = project
        self._index = index
        self._told = told
        self._tell = tell
        self._source = (
            shown(told.tool.split()[0]) if told.tool.split() else "scip"
        )  # the next version tells of the same
        self._place = _places(told.root, project.root)
        # Our own files: to open and close one by plain calls would drop SQLite's locks on it.
        self._own = {(at.st_dev, at.st_ino) for each in project.store.parent.glob("*") for at in (each.stat(),)}
        self._files: dict[str, _File] = {}
        self._defined: dict[str, list[Defined]] = defaultdict(list)
        self._parts: Counter[str] = Counter()  # documents of one path: an index of several programs can have more
        self._bases: dict[str, tuple[str, ...]] = {}
        self._missing: dict[str, None] = {}
        self._changed: dict[str, None] = {}
        self._packages: set[tuple[str, str]] = set()  # whose symbols are defined in this index
        self._mentioned: set[str] = set()  # symbols that are defined in it, also where nothing is taken from
        self._ids: dict[str, int] = {}  # path → file id of the files that a scan has read
        self._outlines: dict[str, Outline] = {}  # of the others
        self._known: dict[Target, _Known] = {}
        self._at: dict[str, dict[tuple[int, int], Target]] = defaultdict(dict)  # file → (line, column) of the name
        self._modules: dict[str, Target] = {}  # module body by file
        self._targets: dict[str, list[Target]] = defaultdict(list)  # by symbol
        self._members: dict[Target, dict[str, Target]] = defaultdict(dict)  # constructors by class
        self._inherits: dict[Target, list[Target | None]] = {}  # None: a base that is not known here
        self._aliases: dict[tuple[str, str, str], bool] = {}
        self._count: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._replaced: list[tuple[int, int, int]] = []
        self._calls: list[_Call] = []

    def run(self) -> Ingested:
        began = time.monotonic()
        self._tell("read", 0, 0)
        self._read_definitions()
        if not self._files:
            raise DriftError(self._nothing_here())
        init(self._project)
        self._bring_up_to_date()
        with lock.exclusive(self._project.scan_lock, wait_seconds=WAIT_SECONDS):
            with self._project.read() as db:
                self._join(db)
                self._read_references(db)
            self._tell("write", 0, 1)
            self._write()
        self._tell("done", 1, 1)
        return Ingested(
            self._told.tool,
            len(self._files),
            sum(len(each.rows) - 1 for each in self._outlines.values()),
            self._count["decided"],
            self._count["corrected"],
            self._count["confirmed"],
            self._count["added"],
            self._count["outside"],
            self._count["named"],
            dict(self._left_out),
            tuple(self._missing),
            tuple(self._changed),
            int((time.monotonic() - began) * 1000),
        )

    # -- what is defined

    def _read_definitions(self) -> None:
        for document in scip_index.documents(self._index):
            for one in document.occurrences:
                symbol = symbol_of(one.symbol) if one.is_definition else None
                if symbol is not None:
                    self._packages.add((symbol.manager, symbol.package))
                    if symbol.suffix in (scip_index.METHOD, scip_index.TYPE):
                        self._mentioned.add(one.symbol)
            path = self._place(document.path)
            read = None if path is None else self._read(path, document)
            if path is None or read is None:
                self._missing[document.path] = None
                continue
            file, text = read
            found = outlines.defined(document, text, file.family)
            if found is None:
                self._changed[path] = None
                continue
            self._parts[path] += 1
            self._files[path] = file
            self._defined[path] += found
            self._bases.update(document.bases)
        for path in self._changed:
            self._files.pop(path, None)

    def _read(self, path: str, document: scip_index.Document) -> tuple[_File, Text] | None:
        """None: there is no such file here that could be read."""
        full = self._project.root / path
        try:
            at = full.lstat()
            if not stat.S_ISREG(at.st_mode) or at.st_size > _MOST_BYTES or (at.st_dev, at.st_ino) in self._own:
                return None
            if not full.resolve().is_relative_to(self._project.root):
                return None
            content = full.read_bytes()
            source = content.decode("utf-8-sig")
        except (OSError, ValueError):  # not ours to read, or not UTF-8
            return None
        ours = languages.of_path(path)
        language = ours.name if ours is not None else document.language.lower() or posixpath.splitext(path)[1][1:]
        family = ours.family if ours is not None else language
        file = _File(
            shown(language) or "unknown",
            family,
            blake3(content).digest()[:16],
            len(content),
            at.st_mtime_ns,
            source.count("\n") + (not source.endswith("\n")),
        )
        return file, Text(source, file.language, family, document.encoding)

    def _nothing_here(self) -> str:
        of = (
            f"The index was made for {self._told.root}" if self._told.root else "The index does not say for what folder"
        )
        if self._changed:
            return (
                f"All {len(self._changed)} files of the index have changed since it was made (the first: "
                f"{next(iter(self._changed))}). Run the indexer again."
            )
        return (
            f"Not one of the {len(self._missing)} files of the index lies in {self._project.root.name} (the first: "
            f"{next(iter(self._missing))}). {of}. Run the indexer in the project's root, or name the project that it "
            "was made for with --project."
        )

    def _bring_up_to_date(self) -> None:
        """A store that was scanned is scanned first where files have changed since: the index is held against its call
        sites."""
        with self._project.read() as db:
            known = files.known(db)
        if any(one.extractor is not None for one in known.values()) and any(
            languages.of_path(path) is not None
            and (
                path not in known
                or known[path].content_hash != file.content_hash
                or known[path].extractor not in (None, F.EXTRACTOR)
            )
            for path, file in self._files.items()
        ):
            scan(self._project, on_progress=self._tell)

    # -- what stands in the store

    def _join(self, db: apsw.Connection) -> None:
        """Definitions of the index and those of the store are the same where their names stand at the same place."""
        known = files.known(db)
        for path, file in self._files.items():
            one = known.get(path)
            if one is None or one.status != "scanned":
                continue
            if one.extractor == F.EXTRACTOR or one.source not in ("scan", self._source):
                if one.content_hash in (None, file.content_hash):
                    self._ids[path] = one.id
                else:
                    self._changed[path] = None
        for path in self._changed:
            self._files.pop(path, None)
        self._join_scanned(db)
        for path, file in self._files.items():
            if path not in self._ids:
                self._outline(path, file)
        for path in self._files:
            at = self._at[path]
            for each in self._defined[path]:
                target = at.get((each.line + 1, each.column))
                if target is None:
                    self._count["unmatched"] += 1
                elif target not in self._targets[each.symbol]:
                    self._targets[each.symbol].append(target)
        self._inherit(db)

    def _join_scanned(self, db: apsw.Connection) -> None:
        paths = {number: path for path, number in self._ids.items()}
        found = sites.definitions(db, paths)
        # Another scanner may have told of a file without a word of its functions.
        spoken = {one.file_id for one in found if one.kind == "module"}
        self._ids = {path: number for path, number in self._ids.items() if number in spoken}
        kinds: dict[int, str] = {}
        for one in found:
            path = paths[one.file_id]
            kinds[one.id] = one.kind
            parent_kind = kinds.get(one.parent_id, "class") if one.parent_id is not None else ""
            overload = _is_overload(one.decorators)
            self._known[one.id] = _Known(
                path,
                one.qualified_name,
                one.kind,
                one.parent_id,
                parent_kind,
                one.start_line,
                one.end_line,
                bool(one.is_property),
                overload,
            )
            if one.kind == "module":
                self._modules[path] = one.id
            else:
                self._at[path].setdefault((one.start_line, one.column_num), one.id)
            if one.parent_id is not None and one.name in CONSTRUCTORS and not overload:
                self._members[one.parent_id][one.name] = one.id

    def _outline(self, path: str, file: _File) -> None:
        text = self._text(path, file)
        found = outlines.outline(self._defined[path], text, path, file.language, file.family, languages.is_test(path))
        self._outlines[path] = found
        for number, row in enumerate(found.rows):
            target = (path, number)
            parent = None if row.parent is None else (path, row.parent)
            self._known[target] = _Known(
                path,
                row.qualified_name,
                row.kind,
                parent,
                "" if row.parent is None else found.rows[row.parent].kind,
                row.start_line,
                row.end_line,
                bool(row.is_property),
                _is_overload(row.decorators),
            )
            if number:
                self._at[path][row.start_line, row.column_num] = target
            if parent is not None and row.name in CONSTRUCTORS and not _is_overload(row.decorators):
                self._members[parent][row.name] = target

    def _inherit(self, db: apsw.Connection) -> None:
        classes = [target for target, one in self._known.items() if one.kind == "class"]
        for class_id, _, base_id in functions.bases(db, [each for each in classes if isinstance(each, int)]):
            self._inherits.setdefault(class_id, []).append(base_id)
        for symbol, bases in self._bases.items():
            for target in self._targets.get(symbol, ()):
                if not isinstance(target, int) and self._known[target].kind == "class":
                    found = [self._targets.get(base, ()) for base in bases]
                    self._inherits[target] = [each[0] if len(each) == 1 else None for each in found]

    def _text(self, path: str, file: _File, encoding: int = scip_index.UTF16) -> Text:
        return Text((self._project.root / path).read_bytes().decode("utf-8-sig"), file.language, file.family, encoding)

    # -- what refers to it

    def _read_references(self, db: apsw.Connection) -> None:
        """Document by document; a path with several documents is decided when the last of them was read."""
        parts: Counter[str] = Counter()
        waiting: dict[str, dict[_Spot, dict[str, None]]] = {}
        done = 0
        for document in scip_index.documents(self._index):
            path = self._place(document.path)
            file = None if path is None else self._files.get(path)
            if path is None or file is None:
                continue
            try:
                text = self._text(path, file, document.encoding)
            except (OSError, ValueError):  # taken away or overwritten since the first look
                self._changed[path] = None
                continue
            spots = waiting.setdefault(path, {})
            parts[path] += 1
            self._collect(path, f"{path} {parts[path]}", document, text, spots)
            if parts[path] < self._parts[path]:
                continue
            del waiting[path]
            done += 1
            self._tell("link", done, len(self._files))
            if path in self._ids:
                self._decide(db, path, file, text, spots)
            else:
                self._make(path, text, spots)

    def _collect(
        self, path: str, part: str, document: scip_index.Document, text: Text, spots: dict[_Spot, dict[str, None]]
    ) -> None:
        """Each place with the symbols that it stands for: more than one where a union type leaves several."""
        here = self._at[path]
        local: dict[str, str] = {}
        for one in document.occurrences:
            if one.is_definition and one.symbol.startswith(scip_index.LOCAL):
                start = text.position(one.line, one.start)
                target = None if start is None else here.get((one.line + 1, text.byte_column(one.line, start)))
                if target is not None:
                    local[one.symbol] = symbol = f"{one.symbol} {part}"
                    if target not in self._targets[symbol]:
                        self._targets[symbol].append(target)
        for one in document.occurrences:
            symbol = local.get(one.symbol, one.symbol)
            if one.is_definition or not (symbol in self._targets or _is_callable(symbol)):
                continue
            start, end = text.position(one.line, one.start), text.position(one.line, one.end)
            if start is None or end is None or start >= end:
                continue
            column = text.byte_column(one.line, start)
            if (one.line + 1, column) in here:
                continue  # a second definition of a name that the index takes for a reference
            spots.setdefault((one.line, start, end, column), {})[symbol] = None

    def _decide(
        self,
        db: apsw.Connection,
        path: str,
        file: _File,
        text: Text,
        spots: dict[_Spot, dict[str, None]],
    ) -> None:
        """What the call sites of a scanned file call, where the index knows."""
        stored: dict[tuple[int, int], list[sites.Site]] = defaultdict(list)
        for site in sites.of_file(db, self._ids[path]):
            stored[site.line, site.column_num].append(site)
        for spot, symbols in spots.items():
            line, start, _, column = spot
            rows = stored.get((line + 1, column), ())
            word = text.lines[line][start : spot[2]]
            callers = dict.fromkeys(row.caller_id for row in rows if not _is_beside(row, word))
            # A scan knows its call sites; what it could not parse, the text may still show.
            is_call = bool(callers) or (not rows and self._calls_by_text(text, spot, symbols))
            if not is_call and not self._is_read(path, text, spot, symbols, spots):
                self._count["named"] += 1
                continue
            found = self._called(path, text, spot, symbols)
            if found is None:
                continue
            if any(self._known[target].is_property for target in found.targets) and not self._is_read(
                path, text, spot, symbols, spots
            ):
                # `self.make(x)` of a property calls what the property gives; that is not in the index.
                self._left_out["property"] += 1
                continue
            for caller in callers:
                self._weigh([row for row in rows if row.caller_id == caller], found, word)
            if not callers and found.targets:
                around = rows[0].caller_id if rows else self._innermost(path, line + 1)
                beside = [row for row in rows if row.caller_id == around]
                self._count["added"] += 1
                self._put(around, line + 1, column, found, word, 0, beside, replaces=True)

    @staticmethod
    def _calls_by_text(text: Text, spot: _Spot, symbols: Iterable[str]) -> bool:
        line, start, end, _ = spot
        return text.calls(line, start, end, any(symbol.endswith(scip_index.TYPE) for symbol in symbols))

    def _weigh(self, rows: list[sites.Site], found: _Found, word: str) -> None:
        """One stored call site against the index."""
        first = rows[0]
        main = [row for row in rows if not _is_beside(row, word)]
        proven = [row for row in main if row.resolution not in calls.UNPROVEN]
        if found.targets:
            agreed = [row for row in proven if row.callee_id in found.targets]
            # Of a value that may be one of several, an index names one: the others that types prove stay.
            kept = [row for row in rows if row not in main and (row.resolution != "interface" or agreed)]
            if agreed:
                kept += [row for row in proven if row.callee_id is not None and row.callee_id not in found.targets]
            self._count["confirmed" if agreed else "corrected" if proven else "decided"] += 1
        elif proven:
            # A name outside is told by the scan, too, and in the words that libraries are known by.
            self._count["confirmed"] += proven[0].callee_id is None
            if proven[0].callee_id is not None:
                self._left_out["outside"] += 1
            return
        else:
            self._count["decided"] += 1
            self._count["outside"] += 1
            kept = [row for row in rows if row not in main and row.resolution != "interface"]
        self._put(
            first.caller_id, first.line, first.column_num, found, word, main[0].argument_count, kept, replaces=True
        )

    def _make(self, path: str, text: Text, spots: dict[_Spot, dict[str, None]]) -> None:
        """The calls of a file that no scan has read, as far as its text shows that they are calls."""
        outline = self._outlines[path]
        for spot, symbols in spots.items():
            line, start, end, column = spot
            if not self._calls_by_text(text, spot, symbols) and not self._is_read(path, text, spot, symbols, spots):
                self._count["named"] += 1
                continue
            found = self._called(path, text, spot, symbols)
            if found is None:
                continue
            self._count["added"] += 1
            self._count["outside"] += not found.targets
            caller = (path, outline.around(line, start, decorates=text.decorates(line, start)))
            self._put(caller, line + 1, column, found, text.lines[line][start:end], 0, (), replaces=False)

    def _put(
        self,
        caller: Target,
        line: int,
        column: int,
        found: _Found,
        word: str,
        arguments: int,
        kept: Iterable[sites.Site],
        *,
        replaces: bool,
    ) -> None:
        if replaces and isinstance(caller, int):
            self._replaced.append((caller, line, column))
        rows: list[tuple[Target | None, str, str, int, str | None]] = [
            (target, shown(word), "scip", arguments, None) for target in found.targets
        ]
        if not found.targets:
            rows = [(None, shown(found.outside), "scip", arguments, None)]
        rows += [(row.callee_id, row.symbol, row.resolution, row.argument_count, row.reason) for row in kept]
        self._calls += [_Call(caller, line, column, number, *row) for number, row in enumerate(rows)]

    # -- what a symbol stands for

    def _called(self, path: str, text: Text, spot: _Spot, symbols: Iterable[str]) -> _Found | None:
        """None: it cannot be told. Counts why."""
        targets: dict[Target, None] = {}
        outside = ""
        why = ""
        for name in symbols:
            known = self._targets.get(name)
            symbol = symbol_of(name)
            if symbol is not None and not self._is_named(path, text, spot, symbol):
                why = "misnamed"
            elif known:
                chosen = self._visible(known, path, text, spot)
                if not chosen:
                    why = "ambiguous"
                for target in chosen:
                    targets.update(
                        dict.fromkeys(self._with_constructor(target, text.lines[spot[0]][spot[1] : spot[2]]))
                    )
            elif symbol is not None and name not in self._mentioned:
                if (symbol.manager, symbol.package) in self._packages:
                    why = "undefined"
                else:
                    outside = outside or dotted(symbol)
            else:
                why = "unplaced"
        if targets or outside:
            # A name of a property stands for what reads it and for what sets it; the callers ask about reads.
            getters = tuple(target for target in targets if self._known[target].is_property)
            return _Found(getters or tuple(targets), outside)
        self._left_out[why] += 1
        return None

    def _is_named(self, path: str, text: Text, spot: _Spot, symbol: scip_index.Symbol) -> bool:
        """Whether the word in the source is the symbol's name, or an alias of it: scip-python takes one name of a
        package for another where a module star-imports."""
        line, start, end, _ = spot
        word = text.lines[line][start:end]
        names = [
            step for step, suffix in symbol.steps if suffix in (scip_index.TYPE, scip_index.METHOD, scip_index.TERM)
        ]
        name = outlines.spoken(names[-1]) if names else ""
        if word == name or (names and names[-1] in _MAKING and len(names) > 1 and word == names[-2]):
            return True
        owner = names[-2] if names and names[-1] in _MAKING and len(names) > 1 else name
        key = (path, owner, word)
        if key not in self._aliases:
            self._aliases[key] = text.imports_as(owner, word) or (
                # `import shop from './shop'` gives a default export the name that it likes.
                self._files[path].family == JAVASCRIPT and text.imports_default(word)
            )
        return self._aliases[key]

    def _visible(self, known: list[Target], path: str, text: Text, spot: _Spot) -> list[Target]:
        """Which of the definitions of one symbol are meant: scip-python gives a function within a method, and the
        method itself, one symbol."""
        if len(known) == 1:
            return known
        line, start, _, _ = spot
        is_attribute = text.lines[line][:start].rstrip().endswith(".")
        within: list[tuple[int, Target]] = []
        for target in known:
            one = self._known[target]
            if one.parent is None or one.parent_kind not in ("function", "method", "lambda"):
                continue
            around = self._known[one.parent]
            if not is_attribute and one.path == path and around.start_line <= line + 1 <= around.end_line:
                within.append((around.start_line, target))
        if within:
            nearest = max(within)[0]
            chosen = [target for first, target in within if first == nearest]
        else:
            chosen = [each for each in known if self._known[each].parent_kind in ("", "module", "class")]
        if len({self._known[each].path for each in chosen}) > 1:
            return []
        # The getter and the setter of a property, the overloads of a function and what they stand for.
        getters = [each for each in chosen if self._known[each].is_property]
        bodies = [each for each in getters or chosen if not self._known[each].is_overload]
        return bodies or chosen

    def _with_constructor(self, target: Target, word: str) -> Iterator[Target]:
        """A call of a class calls its constructor, and `new Shop()` that of the class as well."""
        one = self._known[target]
        if one.kind == "class":
            yield target
            constructor = self._constructor(target, 0)
            if constructor is not None:
                yield constructor
            return
        if one.parent is not None and target in self._members.get(one.parent, {}).values() and word not in CONSTRUCTORS:
            yield one.parent
        yield target

    def _constructor(self, target: Target, steps: int) -> Target | None:
        own = self._members.get(target)
        if own:
            return next(iter(own.values()))
        if steps > _MOST_STEPS:
            return None
        for base in self._inherits.get(target, ()):
            if base is None:
                return None  # it may have one
            found = self._constructor(base, steps + 1)
            if found is not None:
                return found
        return None

    def _is_read(
        self, path: str, text: Text, spot: _Spot, symbols: Iterable[str], spots: dict[_Spot, dict[str, None]]
    ) -> bool:
        """Whether a property of an object is read there, which calls it."""
        known = [target for name in symbols for target in self._targets.get(name, ())]
        if not known or not any(self._known[target].is_property for target in known):
            return False
        line, start, end, _ = spot
        if not text.reads(line, start, end):
            return False
        owner = next((names for place, names in spots.items() if place[0] == line and place[2] == start - 1), {})
        return not any(name.endswith(scip_index.TYPE) for name in owner)  # of a class, it is the property itself

    def _innermost(self, path: str, line: int) -> Target:
        """The definition around a line of a scanned file. A lambda counts where all of the line is in it."""
        best, first = self._modules[path], 0
        for target in self._at[path].values():
            one = self._known[target]
            if one.kind == "lambda":
                inside = one.start_line < line < one.end_line
            else:
                inside = one.start_line <= line <= one.end_line
            if inside and one.start_line >= first:
                best, first = target, one.start_line
        return best

    # -- one transaction

    def _write(self) -> None:
        run_id = uuid.uuid4().hex
        with self._project.write() as tx:
            scans.start(tx, run_id, incremental=True, commit=commit_of(self._project))
            ids = self._put_files(tx)
            symbols = calls.symbols(tx, {one.symbol for one in self._calls})
            resolutions = calls.resolutions(tx)

            def number(target: Target) -> int:
                return target if isinstance(target, int) else ids[target]

            rows = [
                calls.NewCall(
                    number(one.caller),
                    one.line,
                    one.column,
                    one.candidate,
                    None if one.callee is None else number(one.callee),
                    symbols[one.symbol],
                    resolutions[one.resolution],
                    one.arguments,
                    one.reason,
                )
                for one in self._calls
            ]
            sites.replace(tx, self._replaced, rows)
            calls.forget_unused_symbols(tx)
            adjacency.refresh(tx)
            functions.mark_roles(tx)
            files.recount(tx)
            scans.finish(
                tx, run_id, files_scanned=len(self._files), changed_files=len(self._outlines), errors=len(self._changed)
            )
            audit.record(tx)
            retention.apply(tx)
            status.refresh(tx)
        self._project.writer.checkpoint()

    def _put_files(self, tx: apsw.Connection) -> dict[Target, int]:
        """Files that only the index knows, with their functions. Gives the id of each function."""
        ids: dict[Target, int] = {}
        rows = [
            files.NewFile(
                path,
                file.language,
                file.size,
                file.lines,
                file.content_hash,
                *divmod(file.mtime_ns, 1_000_000_000),
                is_test=int(languages.is_test(path)),
                source=self._source,
            )
            for path, file in self._files.items()
            if path in self._outlines
        ]
        numbers = files.put(tx, rows)
        calls.replace(tx, numbers.values(), ())
        for path, outline in self._outlines.items():
            made = functions.replace(tx, numbers[path], outline.rows)
            ids.update(((path, number), function_id) for number, function_id in enumerate(made))
        return ids


_Spot: TypeAlias = tuple[int, int, int, int]  # line, place of the name's start and end, its column in bytes


class _Found(NamedTuple):
    targets: tuple[Target, ...]
    outside: str  # dotted name of what is called when it lies outside; '' otherwise


class _Call(NamedTuple):
    caller: Target
    line: int
    column: int
    candidate: int
    callee: Target | None
    symbol: str
    resolution: str
    arguments: int
    reason: str | None


# Names of a symbol for making an instance, where the source has the name of the class.
_MAKING: Final = frozenset({"<constructor>", "__init__"})
# More generations than this is a ring.
_MOST_STEPS: Final = 32


def _is_beside(row: sites.Site, word: str) -> bool:
    # `make()(x)`: the call without a name stands at the same place as that of `make`.
    return row.resolution in calls.BESIDE or not row.symbol or (row.resolution == "protocol" and row.symbol != word)


def _is_overload(decorators: str | None) -> bool:
    return decorators is not None and any(each.strip("@").endswith("overload") for each in json.loads(decorators))


def _is_callable(symbol: str) -> bool:
    return symbol.endswith((scip_index.TYPE, ").")) and not symbol.startswith(scip_index.LOCAL)


def dotted(symbol: scip_index.Symbol) -> str:
    """What lies outside, by the name that code knows it by: 'os.path.join', 'requests.sessions.Session.get',
    'Array.map'; what belongs to the language has no module before it."""
    if symbol.manager == "npm":
        return _script_name(symbol)
    names = [name for name, suffix in symbol.steps if suffix != scip_index.META]
    if symbol.manager == "python":
        module = _PLATFORM.get(names[0], names[0]).removesuffix(".__init__")
        names = [*([] if module == "builtins" else [module]), *names[1:]]
    return ".".join(name for name in names if name not in _MAKING) or symbol.name


# os.path is one of these by the platform that the indexer ran on, or took for granted.
_PLATFORM: Final = {"ntpath": "os.path", "posixpath": "os.path"}


def _script_name(symbol: scip_index.Symbol) -> str:
    module = symbol.package.removeprefix("@types/")
    names: list[str] = []
    for name, suffix in symbol.steps:
        if suffix == scip_index.NAMESPACE:
            # Folders and files of the package; a module that it declares stands in quotes.
            if name.startswith(("'", '"')):
                module = name.strip("'\"").removeprefix("node:")
        elif name not in _MAKING:
            names.append(outlines.spoken(name))
    if symbol.package == "typescript":
        # The library of the language itself: what makes an Array is declared as ArrayConstructor.
        return ".".join(name.removesuffix("Constructor") or name for name in names)
    return ".".join([module, *names])


# Control characters, backslashes, a drive, and what stands between a file and a function in a public id.
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f\\]|::|^[A-Za-z]:")


def _places(root_uri: str, root: Path) -> Callable[[str], str | None]:
    """A document's path → the path from the project's root, or None when it lies elsewhere. The index may have been
    made for a folder in the project or for one around it; of a folder on another machine, its paths are taken as the
    project's own. Raises DriftError for a path that no index may have."""
    above, below = "", ""
    told = urllib.parse.urlsplit(root_uri)
    if told.scheme == "file":
        folder = Path(os.path.normpath(urllib.parse.unquote(told.path))).resolve()
        if folder.is_relative_to(root):
            above = folder.relative_to(root).as_posix().removeprefix(".")
        elif root.is_relative_to(folder):
            below = root.relative_to(folder).as_posix()

    def placed(path: str) -> str | None:
        if not path or path.startswith(("/", "~")) or _UNFIT.search(path):
            raise DriftError(
                f"The index names a file {path[:120]!a}: not a path from its root. Nothing was taken over."
            )
        clean = posixpath.normpath(path)
        if clean.startswith("../") or clean in ("..", "."):
            raise DriftError(f"The index names a file {path[:120]!a}: it leads outside. Nothing was taken over.")
        if below:
            return clean.removeprefix(below + "/") if clean.startswith(below + "/") else None
        found = posixpath.join(above, clean)
        return None if found.startswith(".drift/") else found

    return placed
