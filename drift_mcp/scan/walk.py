"""Lists the files of a source tree that are worth reading, and names those that are not, with the reason.

Git answers what is ignored wherever there is a work tree; elsewhere the .gitignore files are read as git reads them.
Never follows a symbolic link, never leaves the root, and never reads more of a file than it takes to refuse it.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
import subprocess
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pathspec import GitIgnoreSpec

from drift_mcp.scan import languages
from drift_mcp.scan.facts import Problem


class Entry(NamedTuple):
    path: str  # from the root, '/' between parts
    language: str  # '' for a manifest that is not source
    size: int
    mtime_ns: int


class Skipped(NamedTuple):
    path: str  # a folder ends with '/'; characters that no name should have are escaped
    problem: Problem
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What a tree holds, each list in the order of its paths."""

    files: tuple[Entry, ...]
    manifests: tuple[Entry, ...]  # what scan.packages reads; a setup.py stands in both lists
    skipped: tuple[Skipped, ...]
    others: Mapping[str, int]  # suffix → number of files that we do not read
    by_git: bool

    @property
    def total(self) -> int:
        """All files that are not ignored, read or not."""
        only_manifests = sum(not manifest.language for manifest in self.manifests)
        return len(self.files) + only_manifests + len(self.skipped) + sum(self.others.values())


_MANIFEST: Final = re.compile(
    r"package\.json|pyproject\.toml|setup\.(?:py|cfg)|requirements[\w.-]*\.txt|Pipfile|go\.mod|Cargo\.toml"
    r"|composer\.json|[tj]sconfig[\w.-]*\.json|pnpm-workspace\.yaml|lerna\.json|nx\.json|turbo\.json|rush\.json"
    r"|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?|uv\.lock|poetry\.lock|pdm\.lock"
    r"|Pipfile\.lock|\.env(?:\.[\w-]+)?"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Folders that hold other people's work or a tool's output: reported once a folder.
_FOREIGN: Final = _words("node_modules bower_components jspm_packages vendor third_party site-packages dist build")
# Folders that nobody takes for source: a line about each would only be noise.
_SILENT: Final = _words(
    ".git .hg .svn .drift __pycache__ .venv venv virtualenv .tox .nox .eggs .mypy_cache .pytest_cache .ruff_cache "
    ".hypothesis .next .nuxt .svelte-kit .angular .cache .turbo .nx .parcel-cache .yarn .pnpm-store htmlcov "
    ".nyc_output .idea .terraform .ipynb_checkpoints"
)
# A tool's output, unless somebody put its files under version control: there are packages named build.
_KEPT_WHEN_TRACKED: Final = frozenset({"build"})
# Control characters, line separators and the rests of names that are not UTF-8 cannot be shown or stored.
_ODD: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_STAGED: Final = re.compile(rb"(\d{6}) [0-9a-f]{40,64} \d\t(.*)", re.DOTALL)
_SUBMODULE: Final = b"160000"
_LINK: Final = b"120000"


class _Found(NamedTuple):
    path: str
    tracked: bool


def walk(root: Path) -> Listing:
    """All files below `root` that are not ignored.

    A root that is missing, a file, or closed to us raises OSError: that is no empty tree.
    """
    os.scandir(root).close()
    collector = _Collector(root)
    found = _by_git(root, collector)
    by_git = found is not None
    for each in found if found is not None else _by_folders(root, collector):
        collector.take(each)
    return collector.listing(by_git)


class _Collector:
    """Sorts found paths into the lists of a Listing. One walk, one thread."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files: list[Entry] = []
        self._manifests: list[Entry] = []
        self._skipped: dict[str, Skipped] = {}
        self._others: Counter[str] = Counter()
        self._folders: dict[tuple[str, bool], bool] = {("", True): True, ("", False): True}
        self._own_ignore = _ignore_file(root / ".driftignore")

    def take(self, found: _Found) -> None:
        path = found.path
        folder, _, name = path.rpartition("/")
        if not self.enters(folder, found.tracked):
            return
        if self._own_ignore is not None and self._own_ignore.check_file(path).include:
            return
        language = languages.of_path(name)
        is_manifest = _MANIFEST.fullmatch(name) is not None
        if language is None and not is_manifest:
            self._others[posixpath.splitext(name)[1].lower()] += 1
            return
        if _ODD.search(path):
            self.skip(path, "name", "the name holds a character that cannot be shown or stored")
            return
        try:
            status = os.lstat(f"{self._root}/{path}")
        except (FileNotFoundError, NotADirectoryError):
            return  # git still lists what has been deleted from the work tree
        except OSError as error:
            self.skip(path, "unreadable", error.strerror or "cannot be read")
            return
        if stat.S_ISLNK(status.st_mode):
            self.skip(path, "symlink", "a symbolic link is not followed", status)
        elif not stat.S_ISREG(status.st_mode):
            self.skip(path, "unreadable", "not a regular file", status)
        elif language is not None and status.st_size > language.most_bytes:
            self.skip(path, "too_large", too_large(status.st_size, language), status)
        else:
            entry = Entry(path, language.name if language else "", status.st_size, status.st_mtime_ns)
            if language is not None:
                self._files.append(entry)
            if is_manifest:
                self._manifests.append(entry)

    def enters(self, folder: str, tracked: bool) -> bool:
        """Whether files of this folder are taken. The first refusal of a folder is noted, once."""
        known = self._folders.get((folder, tracked))
        if known is not None:
            return known
        parent, _, name = folder.rpartition("/")
        enters = self.enters(parent, tracked) and self._enters(folder, name, tracked)
        self._folders[folder, tracked] = enters
        return enters

    def _enters(self, folder: str, name: str, tracked: bool) -> bool:
        # The person's own file has the last word, also over the folders that we leave out by default.
        verdict = self._own_ignore.check_file(folder + "/").include if self._own_ignore is not None else None
        if verdict or (verdict is None and (name in _SILENT or name.endswith(".egg-info"))):
            return False
        if verdict is None and name in _FOREIGN and not (tracked and name in _KEPT_WHEN_TRACKED):
            self.skip(folder + "/", "vendored", f"a folder named {name} holds other people's work or a tool's output")
            return False
        # Git lists files below a folder that has since become a link out of the tree.
        if (self._root / folder).is_symlink():
            self.skip(folder, "symlink", "a symbolic link is not followed")
            return False
        return True

    def skip(self, path: str, kind: str, message: str, status: os.stat_result | None = None) -> None:
        shown = shown_path(path)
        size, mtime_ns = (status.st_size, status.st_mtime_ns) if status is not None else (0, 0)
        self._skipped.setdefault(shown, Skipped(shown, Problem(kind, 0, message), size, mtime_ns))

    def listing(self, by_git: bool) -> Listing:
        return Listing(
            tuple(sorted(self._files)),
            tuple(sorted(self._manifests)),
            tuple(sorted(self._skipped.values())),
            dict(sorted(self._others.items())),
            by_git,
        )


def shown_path(path: str) -> str:
    """The path with each character that cannot be shown or stored written as an escape."""
    return _ODD.sub(lambda odd: odd[0].encode("unicode_escape", "surrogatepass").decode("ascii"), path)


def too_large(size: int, language: languages.Language) -> str:
    return f"{size / 1e6:.1f} MB; {language.name} files are read up to {language.most_bytes / 1e6:.0f} MB"


def _by_git(root: Path, collector: _Collector) -> Iterator[_Found] | None:
    # No lock is taken, and no program that the repository's own configuration names is run.
    command = [
        "git",
        "-c",
        "core.fsmonitor=false",
        "ls-files",
        "-z",
        "--stage",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, cwd=root, env=environment | {"GIT_OPTIONAL_LOCKS": "0"}, capture_output=True, check=False
        )
    except FileNotFoundError:  # git is not installed
        return None
    # Nothing at all: an empty repository, or a folder that the repository around it ignores. Looking costs little.
    if done.returncode != 0 or not done.stdout:
        return None
    return _git_paths(root, done.stdout, collector)


def _git_paths(root: Path, output: bytes, collector: _Collector) -> Iterator[_Found]:
    seen: set[bytes] = set()
    for line in output.split(b"\0"):
        staged = _STAGED.fullmatch(line)
        raw = staged[2] if staged else line
        if not raw or raw in seen:  # a conflict lists its file once a side
            continue
        seen.add(raw)
        path = os.fsdecode(raw)
        if (staged and staged[1] == _SUBMODULE) or path.endswith("/"):
            collector.skip(path.rstrip("/") + "/", "vendored", "a repository of its own; scan it by itself")
        elif (staged is None or staged[1] == _LINK) and (root / path).is_symlink() and (root / path).is_dir():
            collector.skip(path, "symlink", "a symbolic link is not followed")
        else:
            yield _Found(path, staged is not None)


def _by_folders(root: Path, collector: _Collector) -> Iterator[_Found]:
    """Every file below the root that no .gitignore on its way leaves out."""
    pending: list[tuple[str, tuple[tuple[str, GitIgnoreSpec], ...]]] = [("", ())]
    while pending:
        folder, ignores = pending.pop()
        here = root / folder
        try:
            with os.scandir(here) as found:
                children = sorted(found, key=lambda child: child.name)
        except OSError as error:
            collector.skip(folder + "/", "unreadable", error.strerror or "cannot be read")
            continue
        own = _ignore_file(here / ".gitignore")
        if own is not None:
            ignores = ((folder, own), *ignores)
        for child in children:
            path = f"{folder}/{child.name}" if folder else child.name
            is_folder = child.is_dir(follow_symlinks=False)
            if _is_ignored(path + "/" if is_folder else path, ignores):
                continue
            if is_folder:
                if collector.enters(path, False):
                    pending.append((path, ignores))
            elif child.is_symlink() and (root / path).is_dir():
                collector.skip(path, "symlink", "a symbolic link is not followed")
            else:
                yield _Found(path, False)


def _is_ignored(path: str, ignores: tuple[tuple[str, GitIgnoreSpec], ...]) -> bool:
    # The nearest file that says anything about a path decides.
    for folder, spec in ignores:
        verdict = spec.check_file(path[len(folder) + 1 :] if folder else path).include
        if verdict is not None:
            return verdict
    return False


def _ignore_file(path: Path) -> GitIgnoreSpec | None:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # missing, a folder, closed to us, a loop of links
        return None
    spec = _ignore_spec(lines)
    # A line that is no pattern matches nothing, as for git; it does not take the others with it.
    return spec if spec is not None else _ignore_spec(line for line in lines if _ignore_spec([line]) is not None)


def _ignore_spec(lines: Iterable[str]) -> GitIgnoreSpec | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # `[[x]`: Python's own syntax may change one day
            return GitIgnoreSpec.from_lines(lines)
    except (ValueError, re.error):
        return None


# What a tool writes at the head of its output. Not `Generated by` alone: Django's migrations say so, and are schema.
_GENERATED: Final = re.compile(
    rb"@generated\b|do not (?:edit|modify|change)|code generated by|generated by the protocol buffer compiler"
    rb"|this (?:file|code) (?:is|was|has been) (?:auto|automatically )?-?generated"
    rb"|auto-?generated (?:by|file|code|from)|automatically generated (?:by|from|file)",
    re.IGNORECASE,
)
_COMMENT: Final = (b"#", b"//", b"/*", b"*", b"--", b"<!--", b'"""', b"'''", b'"use ', b"'use ")


def content_problem(language: languages.Language, data: bytes) -> Problem | None:
    """Why a file that has been read is not worth parsing; None: it is."""
    if b"\0" in data[:8192]:  # as far as git looks, too
        return Problem("binary", 0, "holds NUL bytes")
    lines = data.count(b"\n") + 1
    # Somebody may write one long line; a file of them is made by a tool. Below 4 kB there is too little to tell.
    if len(data) > 4096 and len(data) > 300 * lines:
        return Problem("minified", 0, f"lines of {len(data) // lines} bytes on average")
    # Long rows of data are ordinary in SQL and Python; in a script they are a bundle.
    if language.family == "javascript" and len(data) > 10_000:
        longest = max(map(len, data.split(b"\n")))
        if longest > 10_000:
            return Problem("minified", 0, f"a line of {longest} bytes")
    for line in data[:4096].splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith(_COMMENT):
            break
        mark = _GENERATED.search(stripped)
        if mark:
            return Problem("generated", 0, f"its head says '{mark[0].decode('utf-8', 'replace')}'")
    return None
