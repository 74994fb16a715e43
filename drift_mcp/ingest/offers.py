"""What a file offers to others, and where imports lead: which files an edit can reach follows from it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

from drift_mcp.graph.modules import ModuleTable, PathAlias, WorkspacePackage
from drift_mcp.scan import facts as F
from drift_mcp.scan import languages, packages
from drift_mcp.scan.facts import FileFacts
from drift_mcp.tables import (
    files,
)


def offer(facts: FileFacts) -> object:
    """What other files can notice of a file: everything but lines, columns and measures of bodies."""
    return (
        tuple(
            (*one[:6], one.flags, tuple(each[:4] for each in one.parameters), *one[15:19], *one[20:])
            for one in facts.definitions
        ),
        tuple((scope.kind, scope.parent, scope.bindings) for scope in facts.scopes),
        tuple((each.module, each.name, each.alias) for each in facts.imports),
        facts.exports,
        facts.reexports,
        tuple((call.callee, call.arguments, call.keywords) for call in facts.calls),
        tuple((each.target, each.name, each.value) for each in facts.accesses if each.kind == F.STORE),
        facts.schema_models,
        facts.is_test,
    )


def classes(facts: FileFacts | None) -> object:
    """Classes with what they inherit from, and with the imports that decide what their bases mean."""
    if facts is None:
        return ()
    classes = [(one.qualified_name, one.bases) for one in facts.definitions if one.kind == "class"]
    return (classes, [each[:3] for each in facts.imports if any(bases for _, bases in classes)])


def methods(facts: FileFacts | None) -> set[tuple[str, str, int, int]]:
    """What a call on an unknown receiver can find here."""
    if facts is None or facts.is_test:
        return set()
    return {
        (one.name, one.qualified_name, one.ordinal, one.flags & F.DECLARATION)
        for one in facts.definitions
        if one.kind == "method"
    }


def class_names(facts: FileFacts | None) -> set[str]:
    return set() if facts is None else {class_word(one.name) for one in facts.definitions if one.kind == "class"}


def class_word(name: str) -> str:
    """A class as something that a file asks for: not to be mistaken for a method of that name."""
    return "class:" + name


def tests_below(conftest: str, known: dict[str, files.Known]) -> set[int]:
    """The tests that find their fixtures there: by folder, not by import."""
    folder = conftest.removesuffix("conftest.py")
    return {one.id for path, one in known.items() if path.startswith(folder) and languages.is_test(path)}


def leads_to(modules: ModuleTable, path: str, module: str, name: str | None) -> str | None:
    """The file that an import depends on; None: none of the project."""
    target = modules.resolve(path, module)
    if target is not None and name is not None:
        # `from package import module` depends on the module, not only on the package.
        target = modules.submodule(target, name) or target
    return None if target is None or target.endswith("/") else target


def modules_of(paths: Iterable[str], manifest: packages.Project) -> ModuleTable:
    return ModuleTable(
        paths,
        [PathAlias(each.directory, each.base, each.paths) for each in manifest.modules.aliases],
        [WorkspacePackage(each.name, each.directory, each.entries) for each in manifest.modules.packages],
    )


def configuration(manifest: packages.Project) -> str:
    """What decides where imports lead, apart from the files themselves."""
    return json.dumps(
        {
            "aliases": sorted(
                [each.directory, each.base, sorted((k, list(v)) for k, v in each.paths.items())]
                for each in manifest.modules.aliases
            ),
            "workspaces": sorted([each.name, each.directory, list(each.entries)] for each in manifest.modules.packages),
        }
    )
