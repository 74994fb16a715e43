"""Where a link takes facts and names from: those of this scan, else those in the store."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator

import apsw

from drift_mcp.graph.evaluate import Evaluator
from drift_mcp.ingest.rows import identity
from drift_mcp.scan import facts as F
from drift_mcp.scan.facts import FileFacts
from drift_mcp.tables import (
    files,
    functions,
)


class FactsSource:
    """Facts by path: those of this scan, else those in the store."""

    def __init__(self, tx: apsw.Connection, blobs: dict[str, bytes], ids: dict[str, int]) -> None:
        self._tx = tx
        self._blobs = blobs
        self._ids = ids
        self._unpacked: dict[str, FileFacts] = {}

    def get(self, path: str) -> FileFacts | None:
        """None when the project has no such file, or it could not be read."""
        found = self._unpacked.get(path)
        if found is not None:
            return found
        blob = self._blobs.get(path)
        if blob is None:
            file_id = self._ids.get(path)
            if file_id is None:
                return None
            stored = files.facts(self._tx, F.EXTRACTOR, (file_id,))
            if not stored:
                return None
            blob = stored[0][2]
        found = F.unpack(blob)
        self._unpacked[path] = found
        return found

    def need(self, path: str) -> FileFacts:
        found = self.get(path)
        assert found is not None, f"no facts of {path}"
        return found


class Offered:
    """What the whole project offers by name: methods, classes, properties. From the facts at hand in a full link, else
    from the store."""

    def __init__(self, tx: apsw.Connection, facts_of: FactsSource, paths: list[str] | None) -> None:
        self._tx = tx
        self._facts_of = facts_of
        self._methods: dict[str, list[tuple[str, int]]] | None = None
        self._classes: dict[str, list[tuple[str, int]]] = defaultdict(list)
        self._heirs: dict[tuple[str, int], list[tuple[str, int]]] | None = None
        self._outside: dict[str, tuple[tuple[str, int], ...]] = {}
        names: set[str] = set()
        if paths is None:
            names.update(functions.property_names(tx))
        else:
            self._methods = defaultdict(list)
            for path in paths:
                facts = facts_of.need(path)
                for number, definition in enumerate(facts.definitions):
                    if definition.kind == "method" and not facts.is_test and not definition.flags & F.DECLARATION:
                        self._methods[definition.name].append((path, number))
                    if definition.flags & F.PROPERTY:
                        names.add(definition.name)
                    if definition.kind == "class":
                        self._classes[definition.name].append((path, number))
        self.properties = frozenset(names)

    def heirs(self, evaluator: Evaluator, path: str, number: int) -> tuple[tuple[str, int], ...]:
        """The classes that inherit from this one, directly or not."""
        if self._methods is None:
            definition = self._facts_of.need(path).definitions[number]
            return tuple(self._numbered(functions.heirs(self._tx, path, *identity(definition))))
        if self._heirs is None:
            self._heirs = defaultdict(list)
            for classes in self._classes.values():
                for each in classes:
                    for module, at, _ in evaluator.bases(*each)[1:]:
                        self._heirs[module.path, at].append(each)
        return tuple(sorted(self._heirs.get((path, number), ())))

    def heirs_outside(self, name: str) -> tuple[tuple[str, int], ...]:
        """The classes that inherit from what a library calls so."""
        if name not in self._outside:
            self._outside[name] = tuple(self._numbered(functions.heirs_outside(self._tx, name)))
        return self._outside[name]

    def methods_named(self, name: str) -> tuple[tuple[str, int], ...]:
        if self._methods is not None:
            return tuple(self._methods.get(name, ())[:2])
        rows = (row[1:] for row in functions.methods_named(self._tx, (name,)))
        return tuple(itertools.islice(self._numbered(rows, F.DECLARATION), 2))

    def classes_named(self, importer: str, name: str) -> tuple[tuple[str, int], ...]:
        # Eight namesakes say nothing about which one is meant; the evaluator keeps no more values anyway.
        if self._methods is not None:
            return tuple(self._classes.get(name, ())[:8])
        return tuple(self._numbered(functions.classes_named(self._tx, name)[:8]))

    def _numbered(self, rows: Iterable[tuple[str, str, int]], without: int = 0) -> Iterator[tuple[str, int]]:
        """Definitions by file and number, as facts know them; without those that have such a flag."""
        for path, qualified, ordinal in rows:
            facts = self._facts_of.get(path)
            for number, definition in enumerate(facts.definitions if facts is not None else ()):
                if identity(definition) == (qualified, ordinal) and not definition.flags & without:
                    yield (path, number)
