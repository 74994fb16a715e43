"""Which file an import means. Pure look-ups over the list of paths; never opens a file, never guesses."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_PYTHON = (".py", ".pyi")
# In the order in which the TypeScript compiler prefers them.
_SCRIPT = (".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
# An import written for the compiled output names the .js that the .ts becomes.
_COMPILED = {".js": (".ts", ".tsx"), ".jsx": (".tsx",), ".mjs": (".mts",), ".cjs": (".cts",)}


@dataclass(frozen=True, slots=True)
class PathAlias:
    """`compilerOptions.paths` and `baseUrl` of one tsconfig, valid for the files below its folder."""

    directory: str  # folder of the tsconfig, '' for the root
    base: str | None  # baseUrl as a path from the root; None when it has none
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # '@app/*' → ('src/app/*',), from the root


@dataclass(frozen=True, slots=True)
class WorkspacePackage:
    """A package of the same repository that others import by name."""

    name: str
    directory: str
    entries: tuple[str, ...] = ()  # files its main, module, types or exports name, from the root


class ModuleTable:
    """Import specifiers → files of the project. Built once and never changed: threads may share it."""

    def __init__(
        self,
        paths: Iterable[str],
        aliases: Iterable[PathAlias] = (),
        packages: Iterable[WorkspacePackage] = (),
    ) -> None:
        self._files = frozenset(paths)
        self._by_suffix: dict[str, list[tuple[str, str]]] = {}  # dotted name → [(root folder, file)]
        self._folders: set[str] = set()
        for path in sorted(self._files):
            if path.endswith(_PYTHON):
                self._index_python(path)
        # The deepest configuration that holds a file wins.
        self._aliases = sorted(aliases, key=lambda alias: -len(alias.directory))
        self._packages = {package.name: package for package in packages}

    def _index_python(self, path: str) -> None:
        parts = path.rsplit(".", 1)[0].split("/")
        if parts[-1] == "__init__":
            parts.pop()
        folder = posixpath.dirname(path)
        while folder and folder not in self._folders:
            self._folders.add(folder)
            folder = posixpath.dirname(folder)
        for start in range(len(parts)):
            root = "/".join(parts[:start])
            self._by_suffix.setdefault(".".join(parts[start:]), []).append((root, path))

    def python_package(self, path: str) -> str:
        """The folder that a relative import in `path` starts from."""
        return posixpath.dirname(path)

    def resolve(self, importer: str, module: str) -> str | None:
        """The file or, for a Python namespace package, the folder (with a final '/') that `module` means; None: not in
        this project."""
        if importer.endswith(_PYTHON):
            return self._resolve_python(importer, module)
        return self._resolve_script(importer, module)

    def _resolve_python(self, importer: str, module: str) -> str | None:
        if module.startswith("."):
            level = len(module) - len(module.lstrip("."))
            folder = posixpath.dirname(importer)
            for _ in range(level - 1):
                if not folder:
                    return None
                folder = posixpath.dirname(folder)
            rest = module[level:].replace(".", "/")
            return self.python_at(posixpath.join(folder, rest) if rest else folder)
        top = module.split(".", 1)[0]
        if top in sys.stdlib_module_names:
            return None
        found = [
            (root, path)
            for root, path in self._by_suffix.get(module, ())
            # Below a regular package the module's absolute name would begin with that package.
            if not root or f"{root}/__init__.py" not in self._files
        ]
        if found:
            return min(found, key=lambda each: _distance(importer, *each))[1]
        return self._namespace(importer, module)

    def _namespace(self, importer: str, module: str) -> str | None:
        rest = module.replace(".", "/")
        folder = posixpath.dirname(importer)
        while True:
            candidate = posixpath.join(folder, rest)
            if candidate in self._folders:
                return candidate + "/"
            for source in ("src", "lib", "python"):
                inside = posixpath.join(folder, source, rest)
                if inside in self._folders:
                    return inside + "/"
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def python_at(self, stem: str) -> str | None:
        """The Python module at this path without its ending: a module, a package, or a folder of modules."""
        for candidate in (
            f"{stem}.py",
            f"{stem}/__init__.py" if stem else "__init__.py",
            f"{stem}.pyi",
            f"{stem}/__init__.pyi",
        ):
            if candidate in self._files:
                return candidate
        return stem + "/" if stem in self._folders else None

    def submodule(self, module: str, name: str) -> str | None:
        """The submodule `name` of a package (its `__init__` file, or a folder with a final '/')."""
        if module.endswith("/"):
            return self.python_at(module + name)
        folder, file = posixpath.split(module)
        if file in ("__init__.py", "__init__.pyi"):
            return self.python_at(posixpath.join(folder, name))
        return None

    def _resolve_script(self, importer: str, module: str) -> str | None:
        if module.startswith((".", "/")):
            base = posixpath.dirname(importer) if module.startswith(".") else ""
            joined = posixpath.normpath(posixpath.join(base, module.lstrip("/") if module.startswith("/") else module))
            return None if joined.startswith("..") else self.script_at(joined)
        for alias in self._aliases:
            if alias.directory and not importer.startswith(alias.directory + "/"):
                continue
            found = self._through_alias(alias, module)
            if found is not None:
                return found
        return self._through_package(module)

    def _through_alias(self, alias: PathAlias, module: str) -> str | None:
        best: tuple[int, str] | None = None
        for pattern, targets in alias.paths.items():
            head, star, tail = pattern.partition("*")
            if star:
                if not (module.startswith(head) and module.endswith(tail) and len(module) >= len(head) + len(tail)):
                    continue
                middle = module[len(head) : len(module) - len(tail)]
            elif module != pattern:
                continue
            else:
                middle = ""
            # The compiler takes the pattern with the longest literal beginning.
            if best is not None and best[0] >= len(head) + (not star):
                continue
            for target in targets:
                found = self.script_at(posixpath.normpath(target.replace("*", middle)))
                if found is not None:
                    best = (len(head) + (not star), found)
                    break
        if best is not None:
            return best[1]
        if alias.base is not None:
            return self.script_at(posixpath.normpath(posixpath.join(alias.base, module)))
        return None

    def _through_package(self, module: str) -> str | None:
        parts = module.split("/")
        width = 2 if module.startswith("@") else 1
        package = self._packages.get("/".join(parts[:width]))
        if package is None:
            return None
        rest = "/".join(parts[width:])
        if rest:
            for folder in (package.directory, posixpath.join(package.directory, "src")):
                found = self.script_at(posixpath.join(folder, rest))
                if found is not None:
                    return found
            return None
        for entry in (*package.entries, posixpath.join(package.directory, "src/index"), package.directory):
            found = self.script_at(posixpath.normpath(entry))
            if found is not None:
                return found
        return None

    def script_at(self, stem: str) -> str | None:
        """The script that this path means, with or without its ending, or the index of that folder."""
        if stem in self._files and stem.endswith((*_SCRIPT, ".json", ".vue")):
            return stem
        for suffix in _SCRIPT:
            if stem + suffix in self._files:
                return stem + suffix
        root, ending = posixpath.splitext(stem)
        for replacement in _COMPILED.get(ending, ()):
            if root + replacement in self._files:
                return root + replacement
        for suffix in _SCRIPT:
            index = posixpath.join(stem, "index" + suffix) if stem not in ("", ".") else "index" + suffix
            if index in self._files:
                return index
        return None


def _distance(importer: str, root: str, path: str) -> tuple[int, int, int, str]:
    """Smaller is nearer: a root above the importer first, the deepest of these; then who shares most of the way."""
    above = not root or importer.startswith(root + "/")
    shared = len(posixpath.commonprefix([importer, path]))
    return (0 if above else 1, -len(root) if above else -shared, len(path), path)
