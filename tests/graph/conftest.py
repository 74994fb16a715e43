"""Small projects as dictionaries of sources, read and linked in memory as a full scan links them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import pytest

from drift_mcp.graph.data import Access, DataReader
from drift_mcp.graph.entry_points import EntryPoint, EntryPointFinder
from drift_mcp.graph.evaluate import Evaluator
from drift_mcp.graph.models import Model, Models
from drift_mcp.graph.modules import ModuleTable, PathAlias, WorkspacePackage
from drift_mcp.graph.resolve import Edge, Resolver
from drift_mcp.scan import facts as F
from drift_mcp.scan import languages
from drift_mcp.scan.facts import FileFacts


class Linked:
    """One project in memory with everything that the graph can say of it."""

    def __init__(
        self, sources: Mapping[str, str], aliases: Iterable[PathAlias] = (), packages: Iterable[WorkspacePackage] = ()
    ) -> None:
        self.facts = {path: facts_of(path, source) for path, source in sources.items()}
        methods: dict[str, list[tuple[str, int]]] = defaultdict(list)
        classes: dict[str, list[tuple[str, int]]] = defaultdict(list)
        properties: set[str] = set()
        for path, facts in self.facts.items():
            for number, definition in enumerate(facts.definitions):
                if definition.kind == "method" and not facts.is_test and not definition.flags & F.DECLARATION:
                    methods[definition.name].append((path, number))
                if definition.kind == "class":
                    classes[definition.name].append((path, number))
                if definition.flags & F.PROPERTY:
                    properties.add(definition.name)
        self.evaluator = Evaluator(
            ModuleTable(self.facts, aliases, packages),
            self.facts.get,
            class_named=lambda _importer, name: tuple(classes[name]),
        )
        heirs: dict[tuple[str, int], list[tuple[str, int]]] = defaultdict(list)
        outside: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for one in (each for found in classes.values() for each in found):
            for module, number, _ in self.evaluator.bases(*one)[1:]:
                heirs[module.path, number].append(one)
            for name in self.evaluator.external_bases(*one):
                outside[name.rsplit(".", 1)[-1]].append(one)
        self.heirs = heirs
        self.resolver = Resolver(
            self.evaluator,
            named=lambda name: tuple(methods[name]),
            properties=frozenset(properties),
            heirs=lambda path, number: heirs[path, number],
            heirs_outside=lambda name: outside[name],
        )

    def name_of(self, target: tuple[str, int]) -> str:
        """(file, definition) as the expectations write it: 'shop/cart.py' and `Cart.total` → 'shop.cart.Cart.total'."""
        path, number = target
        module = path.rsplit(".", 1)[0].replace("/", ".")
        definition = self.facts[path].definitions[number]
        return module if number == 0 else f"{module}.{definition.qualified_name}"

    def edges(self, path: str) -> list[Edge]:
        return self.resolver.edges(path)

    def calls(self, path: str) -> set[str]:
        """'caller > target' for each decided call that starts in this file, by qualified names."""
        definitions = self.facts[path].definitions
        return {
            f"{definitions[edge.caller].qualified_name} > {self.name_of(edge.target)}"
            for edge in self.edges(path)
            if edge.target is not None
        }

    def models(self) -> list[Model]:
        reader = Models(self.evaluator)
        return [model for path in self.facts for model in reader.declared_in(path)]

    def accesses(self, path: str) -> list[Access]:
        models = Models(self.evaluator)
        reader = DataReader(self.evaluator, models, self.models(), heirs=lambda file, number: self.heirs[file, number])
        return reader.accesses(path)

    def entry_points(self) -> list[EntryPoint]:
        return EntryPointFinder(self.evaluator).find(sorted(self.facts))


def facts_of(path: str, source: str) -> FileFacts:
    language = languages.of_path(path)
    assert language is not None, path
    facts = languages.front_end(language.name)(path, source.encode())
    return facts._replace(language=language.name, is_test=int(languages.is_test(path)))


Link: TypeAlias = Callable[..., Linked]


@pytest.fixture
def link() -> Link:
    """Sources by path, with path aliases and workspace packages when a test needs them → the linked project."""
    return Linked
