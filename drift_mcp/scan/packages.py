"""Reads the manifests of a source tree: its packages, what they need, and how its imports find their files.

Everything is read as data: no manifest is ever run, nothing outside the root is opened, and no registry is asked. A
manifest that cannot be read is a problem beside the answer.
"""

from __future__ import annotations

import ast
import configparser
import json
import posixpath
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from drift_mcp.scan.facts import Problem
from drift_mcp.scan.secrets import without_user
from drift_mcp.scan.walk import Listing


@dataclass(frozen=True, slots=True)
class Package:
    path: str  # folder; '.' is the project root
    name: str
    package_manager: str
    version: str | None
    dependencies: Mapping[str, str]  # name → version as written, '' for any
    dev_dependencies: Mapping[str, str]
    language: str
    framework: str | None


@dataclass(frozen=True, slots=True)
class Aliases:
    """What the imports of one folder's scripts may be called; paths and targets are from the project root."""

    directory: str  # '' for the root
    base: str | None
    paths: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class WorkspacePackage:
    """A package of this tree that others import by name."""

    name: str
    directory: str
    entries: tuple[str, ...]  # files, from the root, the most telling first; some may exist only after a build


@dataclass(frozen=True, slots=True)
class ModuleConfig:
    aliases: tuple[Aliases, ...] = ()
    packages: tuple[WorkspacePackage, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    packages: tuple[Package, ...]  # one a folder that has a manifest, in the order of their paths
    monorepo_root: str | None  # '.' when the root declares a workspace
    package_manager: str | None
    language_stats: Mapping[str, int]  # language → number of files, most first
    modules: ModuleConfig
    problems: tuple[tuple[str, Problem], ...] = field(default=())  # (manifest, what is wrong with it)


# No manifest that a person wrote comes near; lock files do, and are never opened.
_MOST_BYTES: Final = 1_000_000

# Lock file → (manager, language of its packages). Of several the first is the one in use.
_LOCKS: Final = {
    "pnpm-lock.yaml": ("pnpm", "javascript"),
    "yarn.lock": ("yarn", "javascript"),
    "bun.lock": ("bun", "javascript"),
    "bun.lockb": ("bun", "javascript"),
    "package-lock.json": ("npm", "javascript"),
    "npm-shrinkwrap.json": ("npm", "javascript"),
    "uv.lock": ("uv", "python"),
    "poetry.lock": ("poetry", "python"),
    "pdm.lock": ("pdm", "python"),
    "Pipfile.lock": ("pipenv", "python"),
}
_DEFAULT_MANAGERS: Final = {"javascript": "npm", "python": "pip", "go": "go", "rust": "cargo", "php": "composer"}
_WORKSPACE_FILES: Final = ("pnpm-workspace.yaml", "lerna.json", "nx.json", "turbo.json", "rush.json")

# Dependency → framework. A package with several is told by the first: what serves requests before what draws the page.
_FRAMEWORKS: Final = {
    "django": "django",
    "fastapi": "fastapi",
    "flask": "flask",
    "litestar": "litestar",
    "sanic": "sanic",
    "tornado": "tornado",
    "pyramid": "pyramid",
    "falcon": "falcon",
    "starlette": "starlette",
    "aiohttp": "aiohttp",
    "@nestjs/core": "nestjs",
    "next": "next",
    "nuxt": "nuxt",
    "@remix-run/node": "remix",
    "@sveltejs/kit": "sveltekit",
    "astro": "astro",
    "gatsby": "gatsby",
    "fastify": "fastify",
    "@hapi/hapi": "hapi",
    "koa": "koa",
    "hono": "hono",
    "express": "express",
    "@angular/core": "angular",
    "react-native": "react-native",
    "electron": "electron",
    "vue": "vue",
    "svelte": "svelte",
    "react": "react",
}
# Suffixes of languages that we count and do not read.
_COUNTED: Final = {
    ".go": "go",
    ".java": "java",
    ".kt": "kotlin",
    ".rs": "rust",
    ".rb": "ruby",
    ".php": "php",
    ".cs": "csharp",
    ".c": "c",
    ".h": "c",
    ".cpp": "cpp",
    ".cc": "cpp",
    ".hpp": "cpp",
    ".swift": "swift",
    ".scala": "scala",
    ".vue": "vue",
    ".svelte": "svelte",
    ".css": "css",
    ".scss": "css",
    ".less": "css",
    ".html": "html",
    ".sh": "shell",
    ".graphql": "graphql",
    ".proto": "protobuf",
}


def read(root: Path, listing: Listing) -> Project:
    """What the manifests of `listing` say about the tree at `root`."""
    reader = _Reader(root, [entry.path for entry in listing.manifests])
    found: dict[str, Package] = {}
    stats = _language_stats(listing)
    for path in reader.paths:
        name = posixpath.basename(path)
        package = next((read_one(reader, path) for matches, read_one in _MANIFESTS if matches(name)), None)
        if package is not None:
            known = found.get(package.path)
            found[package.path] = package if known is None else _merged(known, package, stats)
    return Project(
        tuple(found[path] for path in sorted(found)),
        _monorepo_root(reader),
        _project_manager(reader, found.get("."), stats),
        stats,
        ModuleConfig(_aliases(reader), _workspace_packages(reader)),
        tuple(sorted(reader.problems.items())),
    )


def _language_stats(listing: Listing) -> dict[str, int]:
    counts = Counter(entry.language for entry in listing.files)
    for suffix, number in listing.others.items():
        if suffix in _COUNTED:
            counts[_COUNTED[suffix]] += number
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


class _Reader:
    """Opens the manifests that were listed, each once, and remembers what was wrong with them. One thread."""

    def __init__(self, root: Path, paths: list[str]) -> None:
        self._root = root
        self.root_name = root.resolve().name
        self.paths = paths
        self.problems: dict[str, Problem] = {}
        self._listed = frozenset(paths)
        self._tables: dict[str, dict[str, Any]] = {}

    def has(self, path: str) -> bool:
        return path in self._listed

    def is_file(self, path: str) -> bool:
        """Whether a file that need not be listed, like a base configuration of any name, is there to be read."""
        return path in self._listed or ((self._root / path).is_file() and not (self._root / path).is_symlink())

    def text(self, path: str) -> str:
        """The text of a file below the root; '' with a problem when it cannot be read."""
        file = self._root / path
        try:
            if file.is_symlink() or file.stat().st_size > _MOST_BYTES:
                self.problems[path] = Problem("too_large", 0, "a manifest of this size, or a link, is not read")
                return ""
            return file.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            self.problems[path] = Problem("unreadable", 0, error.strerror or "cannot be read")
            return ""

    def table(self, path: str, parse: Callable[[str], Any]) -> dict[str, Any]:
        """The object that a JSON or TOML file holds; {} with a problem when it holds none."""
        known = self._tables.get(path)
        if known is None:
            text, known = self.text(path), {}
            if text.strip():
                try:
                    known = _table(parse(text))
                except (ValueError, RecursionError) as error:  # JSONDecodeError and TOMLDecodeError are ValueErrors
                    line = getattr(error, "lineno", 0)
                    self.problems[path] = Problem("syntax", line, str(error).splitlines()[0][:200])
            self._tables[path] = known
        return known


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _versions(value: Any) -> dict[str, str]:
    """A table of names to versions, where a version may be a table with one inside."""
    return {
        name: version if isinstance(version, str) else _text(_table(version).get("version")) or ""
        for name, version in _table(value).items()
    }


# --- what each kind of manifest says ----------------------------------------------------------------------------------


def _folder(path: str) -> str:
    return posixpath.dirname(path) or "."


def _package(
    reader: _Reader,
    path: str,
    language: str,
    name: str | None,
    version: str | None,
    dependencies: Mapping[str, str],
    dev_dependencies: Mapping[str, str],
    manager: str | None = None,
) -> Package:
    folder = _folder(path)
    everything = {each.lower() for each in (*dependencies, *dev_dependencies)}
    return Package(
        folder,
        # A manifest without a name still makes a package; its folder is what people call it.
        name or (posixpath.basename(folder) if folder != "." else reader.root_name),
        _lock_manager(reader, folder, language) or manager or _DEFAULT_MANAGERS[language],
        version,
        {each: without_user(written) for each, written in sorted(dependencies.items())},
        {each: without_user(written) for each, written in sorted(dev_dependencies.items())},
        language,
        next((framework for needs, framework in _FRAMEWORKS.items() if needs in everything), None),
    )


def _lock_manager(reader: _Reader, folder: str, language: str) -> str | None:
    """The manager whose lock file is nearest: in the folder itself or above it."""
    here = "" if folder == "." else folder
    while True:
        for lock, (manager, locks) in _LOCKS.items():
            if locks == language and reader.has(posixpath.join(here, lock)):
                return manager
        if not here:
            return None
        here = posixpath.dirname(here)


def _package_json(reader: _Reader, path: str) -> Package | None:
    table = reader.table(path, json.loads)
    if not table:
        return None
    declared = _text(table.get("packageManager"))
    return _package(
        reader,
        path,
        "javascript",
        _text(table.get("name")),
        _text(table.get("version")),
        _versions(table.get("dependencies")) | _versions(table.get("peerDependencies")),
        _versions(table.get("devDependencies")),
        declared.split("@")[0] if declared else None,
    )


# name, extras, version as written; an environment marker after ';' is not part of either
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")
_DEVELOPMENT: Final = re.compile(r"dev|test|lint|doc|typing|types|style|check|ci|format|build", re.IGNORECASE)


def _requirements(lines: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        # Options (-r, -e, --hash), comments and bare addresses name no package.
        match = _REQUIREMENT.match(line)
        if match and not re.match(r"\s*[\w+]+://", line):
            found[re.sub(r"[-_.]+", "-", match[1]).lower()] = match[2].strip().strip("()").rstrip("\\ ")
    return found


def _pyproject(reader: _Reader, path: str) -> Package | None:
    table = reader.table(path, tomllib.loads)
    project, tool = _table(table.get("project")), _table(table.get("tool"))
    poetry = _table(tool.get("poetry"))
    if not project and not poetry:
        return None  # settings of tools only
    dependencies = _requirements(_texts(project.get("dependencies"))) | _versions(poetry.get("dependencies"))
    dependencies.pop("python", None)
    dev = _versions(poetry.get("dev-dependencies"))
    for group in _table(poetry.get("group")).values():
        dev |= _versions(_table(group).get("dependencies"))
    for group, lines in _table(table.get("dependency-groups")).items():
        dev |= _requirements(_texts(lines)) if group else {}
    for extra, lines in _table(project.get("optional-dependencies")).items():
        target = dev if _DEVELOPMENT.match(extra) else dependencies
        target |= _requirements(_texts(lines))
    manager = next((name for name in ("poetry", "pdm", "uv", "hatch", "rye") if name in tool), None)
    return _package(
        reader,
        path,
        "python",
        _text(project.get("name")) or _text(poetry.get("name")),
        _text(project.get("version")) or _text(poetry.get("version")),
        dependencies,
        dev,
        "pip" if manager == "hatch" else manager,
    )


def _setup_cfg(reader: _Reader, path: str) -> Package | None:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(reader.text(path))
    except configparser.Error as error:
        reader.problems[path] = Problem("syntax", getattr(error, "lineno", 0) or 0, str(error).splitlines()[0][:200])
        return None
    name = parser.get("metadata", "name", fallback=None)
    if name is None:
        return None
    version = parser.get("metadata", "version", fallback="")
    needs = _requirements(parser.get("options", "install_requires", fallback="").splitlines())
    # `attr: package.__version__` would have to be run.
    return _package(reader, path, "python", name, version if re.match(r"\d", version) else None, needs, {})


def _setup_py(reader: _Reader, path: str) -> Package | None:
    try:
        tree = ast.parse(reader.text(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # Python 2, or no Python; its front end reports it
        return None
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _called(node) == "setup")
    for call in calls:
        constants: dict[str, Any] = {}
        for keyword in call.keywords:
            try:
                constants[keyword.arg or ""] = ast.literal_eval(keyword.value)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):  # worked out when it runs
                continue
        name, needs = _text(constants.get("name")), _texts(constants.get("install_requires"))
        if name is not None or needs:
            return _package(reader, path, "python", name, _text(constants.get("version")), _requirements(needs), {})
    return None


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _requirements_txt(reader: _Reader, path: str) -> Package | None:
    needs = _requirements(reader.text(path).splitlines())
    if not needs:
        return None
    is_dev = _DEVELOPMENT.search(posixpath.basename(path)) is not None
    return _package(reader, path, "python", None, None, {} if is_dev else needs, needs if is_dev else {})


def _pipfile(reader: _Reader, path: str) -> Package | None:
    table = reader.table(path, tomllib.loads)
    packages = {name: "" if version == "*" else version for name, version in _versions(table.get("packages")).items()}
    dev = _versions(table.get("dev-packages"))
    return _package(reader, path, "python", None, None, packages, dev, "pipenv") if packages or dev else None


def _go_mod(reader: _Reader, path: str) -> Package | None:
    text = reader.text(path)
    module = re.search(r"^module\s+(\S+)", text, re.MULTILINE)
    if module is None:
        return None
    needs = re.findall(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+(v\S+)", text, re.MULTILINE)
    return _package(reader, path, "go", module[1].strip('"'), None, dict(needs), {})


def _cargo(reader: _Reader, path: str) -> Package | None:
    table = reader.table(path, tomllib.loads)
    package = _table(table.get("package"))
    if not package:
        return None
    needs, dev = _versions(table.get("dependencies")), _versions(table.get("dev-dependencies"))
    return _package(reader, path, "rust", _text(package.get("name")), _text(package.get("version")), needs, dev)


def _composer(reader: _Reader, path: str) -> Package | None:
    table = reader.table(path, json.loads)
    if not table:
        return None
    needs, dev = _versions(table.get("require")), _versions(table.get("require-dev"))
    return _package(reader, path, "php", _text(table.get("name")), _text(table.get("version")), needs, dev)


# In the order in which they are asked; of one folder's manifests the more telling ones come first in `_merged`.
_MANIFESTS: Final[tuple[tuple[Callable[[str], bool], Callable[[_Reader, str], Package | None]], ...]] = (
    (lambda name: name == "package.json", _package_json),
    (lambda name: name == "pyproject.toml", _pyproject),
    (lambda name: name == "setup.cfg", _setup_cfg),
    (lambda name: name == "setup.py", _setup_py),
    (lambda name: name.startswith("requirements"), _requirements_txt),
    (lambda name: name == "Pipfile", _pipfile),
    (lambda name: name == "go.mod", _go_mod),
    (lambda name: name == "Cargo.toml", _cargo),
    (lambda name: name == "composer.json", _composer),
)


def _merged(one: Package, other: Package, stats: Mapping[str, int]) -> Package:
    """Two manifests of one folder as one package: of the language with more files, needing what both need."""
    main, side = (one, other) if _weight(one, stats) >= _weight(other, stats) else (other, one)
    same = main.language == side.language
    # A manifest that says no name was called after its folder.
    folder_name = main.version is None and side.version is not None
    return Package(
        main.path,
        side.name if same and folder_name else main.name,
        main.package_manager,
        main.version or (side.version if same else None),
        dict(sorted({**side.dependencies, **main.dependencies}.items())),
        dict(sorted({**side.dev_dependencies, **main.dev_dependencies}.items())),
        main.language,
        main.framework or side.framework,
    )


def _weight(package: Package, stats: Mapping[str, int]) -> int:
    if package.language == "javascript":
        return sum(stats.get(language, 0) for language in ("javascript", "typescript", "tsx"))
    return stats.get(package.language, 0)


# --- the tree as a whole ----------------------------------------------------------------------------------------------


def _monorepo_root(reader: _Reader) -> str | None:
    if any(reader.has(name) for name in _WORKSPACE_FILES):
        return "."
    if reader.has("package.json") and reader.table("package.json", json.loads).get("workspaces"):
        return "."
    if reader.has("pyproject.toml"):
        tool = _table(reader.table("pyproject.toml", tomllib.loads).get("tool"))
        return "." if "workspace" in _table(tool.get("uv")) else None
    return None


def _project_manager(reader: _Reader, package: Package | None, stats: Mapping[str, int]) -> str | None:
    if package is not None:
        return package.package_manager
    locks = [_LOCKS[lock] for lock in _LOCKS if reader.has(lock)]
    scripts = sum(stats.get(language, 0) for language in ("javascript", "typescript", "tsx"))
    locks.sort(key=lambda lock: -(scripts if lock[1] == "javascript" else stats.get(lock[1], 0)))
    return locks[0][0] if locks else None


# --- how imports find their files -------------------------------------------------------------------------------------

_JSON_COMMENT: Final = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_JSON_TRAILING: Final = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)


def lenient_json(text: str) -> Any:
    """JSON as the TypeScript compiler reads it, with comments and trailing commas. ValueError like json.loads."""
    without_comments = _JSON_COMMENT.sub(lambda found: found[1] or " ", text)
    return json.loads(_JSON_TRAILING.sub(lambda found: found[1] or "", without_comments))


@dataclass(frozen=True, slots=True)
class _Compiler:
    """`compilerOptions` of one configuration after its `extends`, as far as imports need them."""

    base: str | None = None
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def _aliases(reader: _Reader) -> tuple[Aliases, ...]:
    by_folder: dict[str, list[str]] = {}
    for path in reader.paths:
        if re.fullmatch(r"[tj]sconfig[\w.-]*\.json", posixpath.basename(path)):
            by_folder.setdefault(posixpath.dirname(path), []).append(path)
    found: list[Aliases] = []
    for folder, paths in sorted(by_folder.items()):
        # An editor opens tsconfig.json; what only its siblings know (tsconfig.base.json, tsconfig.app.json) adds to it.
        paths.sort(key=lambda path: (not path.endswith("/tsconfig.json") and path != "tsconfig.json", path))
        compilers = [_compiler(reader, path, ()) for path in paths]
        merged: dict[str, tuple[str, ...]] = {}
        for compiler in reversed(compilers):
            merged |= compiler.paths
        base = next((compiler.base for compiler in compilers if compiler.base is not None), None)
        if merged or base is not None:
            found.append(Aliases(folder, base, merged))
    for path in reader.paths:
        if posixpath.basename(path) == "package.json":
            found += _package_aliases(reader, path)
    return tuple(found)


def _compiler(reader: _Reader, path: str, seen: tuple[str, ...]) -> _Compiler:
    table = reader.table(path, lenient_json)
    folder = posixpath.dirname(path)
    inherited = _Compiler()
    extends = table.get("extends")
    for parent in [extends] if isinstance(extends, str) else _texts(extends):
        target = _extended(reader, folder, parent)
        if target is not None and target not in seen:
            above = _compiler(reader, target, (*seen, path))
            inherited = _Compiler(above.base or inherited.base, above.paths or inherited.paths)
    options = _table(table.get("compilerOptions"))
    declared = _text(options.get("baseUrl"))
    own_base = _inside(folder, declared) if declared is not None else None
    base = own_base if own_base is not None else inherited.base
    if not isinstance(options.get("paths"), dict):
        return _Compiler(base, inherited.paths)
    start = base if base is not None else folder
    paths = {
        pattern: tuple(place for target in _texts(targets) if (place := _inside(start, target)) is not None)
        for pattern, targets in options["paths"].items()
    }
    return _Compiler(base, {pattern: targets for pattern, targets in paths.items() if targets})


def _extended(reader: _Reader, folder: str, parent: str) -> str | None:
    """The configuration that `extends` names, if it lies in this tree."""
    if parent.startswith("."):
        stem = _inside(folder, parent)
    else:
        # A package of the same workspace; published ones are not in the tree.
        width = 2 if parent.startswith("@") else 1
        name, rest = "/".join(parent.split("/")[:width]), "/".join(parent.split("/")[width:])
        home = next((package.directory for package in _workspace_packages(reader) if package.name == name), None)
        stem = _inside(home, rest or "tsconfig.json") if home is not None else None
    if stem is None:
        return None
    candidates = (stem, stem + ".json", posixpath.join(stem, "tsconfig.json"))
    return next((path for path in candidates if path.endswith(".json") and reader.is_file(path)), None)


def _inside(folder: str, target: str) -> str | None:
    """`target` as seen from `folder`, as a path from the root; '' is the root, None lies outside."""
    if target.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(folder, target))
    if path == "..":
        return None
    return None if path.startswith("../") else "" if path == "." else path


def _strings(value: Any) -> Iterator[str]:
    """All paths of an `exports` or `imports` value, whatever conditions stand around them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)


# A build puts `src/x.ts` there; the tree that we see was not built.
_OUTPUT: Final = re.compile(r"^(?:dist|build|out|lib|esm|cjs|es)/(?:(?:esm|cjs|es|src|types)/)?")


def _sources(folder: str, targets: Iterable[str]) -> tuple[str, ...]:
    """Each target and, for a build's output, the source that it is made from."""
    found: dict[str, None] = {}
    for target in targets:
        local = target.removeprefix("./")
        for each in (_OUTPUT.sub("src/", local), local):
            path = _inside(folder, each)
            if path is not None:
                found[re.sub(r"\.d\.[cm]?ts$", ".ts", path)] = None
    return tuple(found)


def _package_aliases(reader: _Reader, path: str) -> Iterator[Aliases]:
    table = reader.table(path, json.loads)
    folder = posixpath.dirname(path)
    internal = {
        pattern: targets
        for pattern, value in _table(table.get("imports")).items()
        if (targets := _sources(folder, _strings(value)))
    }
    if internal:
        yield Aliases(folder, None, internal)
    name, exports = _text(table.get("name")), _table(table.get("exports"))
    public = {
        posixpath.join(name, pattern.removeprefix("./")): targets
        for pattern, value in exports.items()
        if name is not None and pattern.startswith("./") and (targets := _sources(folder, _strings(value)))
    }
    if public:
        yield Aliases("", None, public)


def _workspace_packages(reader: _Reader) -> tuple[WorkspacePackage, ...]:
    found: dict[str, WorkspacePackage] = {}
    # Shallow ones first: a fixture deep in the tree may bear the name of the real thing.
    for path in sorted(reader.paths, key=lambda path: (path.count("/"), path)):
        if posixpath.basename(path) != "package.json":
            continue
        table = reader.table(path, json.loads)
        name = _text(table.get("name"))
        if name is None or name in found:
            continue
        exports = table.get("exports")
        main = exports.get(".", {}) if isinstance(exports, dict) and "." in exports else exports
        named = [each for key in ("source", "module", "main", "types", "typings") if (each := _text(table.get(key)))]
        # An `exports` object without '.' is either conditions for the whole package or only subpaths.
        is_subpaths = isinstance(main, dict) and any(key.startswith("./") for key in main)
        roots = () if is_subpaths else tuple(_strings(main))
        folder = posixpath.dirname(path)
        found[name] = WorkspacePackage(name, folder, _sources(folder, (*named, *roots)))
    return tuple(found.values())
