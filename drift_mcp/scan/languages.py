"""Which files are read, as which language, by which front end: adding a language is a line here. Never opens a file."""

from __future__ import annotations

import functools
import importlib
import posixpath
import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias, cast

from drift_mcp.scan.facts import FileFacts

# (path from the root, source as UTF-8 without a byte order mark) → what the file says on its own
FrontEnd: TypeAlias = Callable[[str, bytes], FileFacts]


class Language(NamedTuple):
    name: str  # as stored with the file
    family: str  # languages of one family call each other and share their conventions
    suffixes: tuple[str, ...]
    front_end: str  # module whose `facts_of` is the front end
    most_bytes: int  # larger files are skipped


# Hand-written files end far below a megabyte; what is larger is data or made by a tool. Python's own generated tables
# (unicode, parsers) and test data go to two, and its grammar reads them quickly.
_MEGABYTE: Final = 1_000_000

LANGUAGES: Final = (
    Language("python", "python", (".py", ".pyi"), "drift_mcp.scan.python", 2 * _MEGABYTE),
    Language("typescript", "javascript", (".ts", ".mts", ".cts"), "drift_mcp.scan.typescript", _MEGABYTE),
    Language("tsx", "javascript", (".tsx",), "drift_mcp.scan.typescript", _MEGABYTE),
    Language("javascript", "javascript", (".js", ".jsx", ".mjs", ".cjs"), "drift_mcp.scan.typescript", _MEGABYTE),
    Language("prisma", "schema", (".prisma",), "drift_mcp.scan.prisma", _MEGABYTE),
    Language("sql", "schema", (".sql",), "drift_mcp.scan.ddl", _MEGABYTE),
)

_BY_SUFFIX: Final = {suffix: language for language in LANGUAGES for suffix in language.suffixes}
_BY_NAME: Final = {language.name: language for language in LANGUAGES}


def of_path(path: str) -> Language | None:
    """The language of a file, by its suffix; None: not one that we read."""
    return _BY_SUFFIX.get(posixpath.splitext(path)[1].lower())


def named(name: str) -> Language:
    return _BY_NAME[name]


def front_end(name: str) -> FrontEnd:
    """The front end of the language of that name. Loads its grammar: for the process that parses, and nobody else."""
    module = _BY_NAME[name].front_end
    facts_of = importlib.import_module(module).facts_of
    # One that reads several languages is told which.
    if sum(language.front_end == module for language in LANGUAGES) > 1:
        facts_of = functools.partial(facts_of, language=name)
    return cast(FrontEnd, facts_of)


# `test` deeper down in a Python tree is often a package that helps others to test (django.test), not tests.
_TEST_FOLDER: Final = re.compile(r"(?:^|/)(?:tests|__tests__|__mocks__|spec|specs|e2e|cypress|playwright)/|^test/")
_SCRIPT_TEST_FOLDER: Final = re.compile(r"/test/.*\.[cm]?[jt]sx?$")
_TEST_FILE: Final = re.compile(
    r"(?:^|/)(?:test_[^/]*\.pyi?|[^/]*_test\.py|tests?\.py|conftest\.py"
    r"|[^/]*[.-](?:test|spec|e2e-spec|cy)\.[cm]?[jt]sx?)$"
)


def is_test(path: str) -> bool:
    """Whether a file is there for tests, by the names that test runners look for."""
    return any(pattern.search(path) for pattern in (_TEST_FILE, _TEST_FOLDER, _SCRIPT_TEST_FOLDER))
