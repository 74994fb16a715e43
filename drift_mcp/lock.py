"""Approved patterns ↔ `.drift/drift.lock`, the file that a reviewer reads: what this project's code has agreed on.

The file follows from what the approved patterns state and from nothing else: no dates, no counts, no versions. So the
same store gives the same bytes, and a change of one attribute changes that line and the pattern's `definition` alone.

`definition` is a hash of all that a pattern states: of its id and every other attribute that stands in its block, with
nested JSON in one canonical form, so that the order of keys says nothing and a value does. It tells an edit of the file
by hand from a change in the store. How sure a pattern is and where it holds is no part of it.

Never approves anything, and never writes to the store.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import shutil
import tomllib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from blake3 import blake3

from drift_mcp.errors import DriftError, StoreUnusable
from drift_mcp.project import Project
from drift_mcp.store import durable
from drift_mcp.tables import definitions

NAME: Final = "drift.lock"

# Grows when a reader of today could not read the file.
_FORMAT: Final = 1
_HEAD: Final = f"""\
# What the code of this project has agreed on: its approved patterns. For reviewers to read, and not to edit:
# `drift approve` and `drift ignore` change it, `drift lock generate` writes it, `drift lock validate` checks it.
format = {_FORMAT}
"""

# A text, or the list of texts that tags are.
Value = str | tuple[str, ...]


class Stated(NamedTuple):
    """One approved pattern: what stands in its block, in the order in which it stands there, the hash aside."""

    id: str
    category: str
    name: str
    attributes: Mapping[str, Value]  # `id`, `category` and `name` among them

    @property
    def definition(self) -> str:
        written = json.dumps(self.attributes, sort_keys=True, separators=(",", ":"))
        return blake3(written.encode()).hexdigest()[:16]


class Generated(NamedTuple):
    path: Path
    patterns: int
    is_changed: bool  # False: the file said the same already and was not touched


class Removed(NamedTuple):
    """In the lock, and no longer approved."""

    pattern: Stated
    why: str  # 'ignored', 'discovered' (its approval was taken back), 'gone'
    reason: str | None  # in the words of who gave the verdict


class Change(NamedTuple):
    attribute: str
    before: Value | None  # None: the lock has no such attribute
    after: Value | None


class Changed(NamedTuple):
    pattern: Stated  # as the store has it
    changes: tuple[Change, ...]


class Difference(NamedTuple):
    """From the lock to the store. Confidence and counts are no difference."""

    patterns: int  # approved in the store
    added: tuple[Stated, ...]  # approved, and not in the lock
    removed: tuple[Removed, ...]
    changed: tuple[Changed, ...]
    diff: str  # of the file as it is to the file as it would be; empty when they say the same

    @property
    def is_none(self) -> bool:
        return not (self.added or self.removed or self.changed)


def generate(project: Project) -> Generated:
    """Writes the lock from the store, whole or not at all. Without an approved pattern it is an empty lock.

    Raises DriftError for a lock that a newer Drift wrote: that is left untouched."""
    path = lock_path(project)
    with project.read() as db:
        approved = [_stated(each) for each in definitions.approved(db)]
    before = _bytes(path)
    if before is not None:
        _refuse_newer(before.decode("utf-8", "replace"))
    after = text(approved).encode()
    if after != before:
        _put(path, after, is_new=before is None)
    return Generated(path, len(approved), after != before)


def validate(project: Project) -> Difference:
    """Compares the lock with the store. Raises DriftError when there is no lock, or none that says what was locked."""
    path = lock_path(project)
    content = _bytes(path)
    with project.read() as db:
        approved = [_stated(each) for each in definitions.approved(db)]
        if content is None:
            raise DriftError(
                f"There is no {NAME} in {path.parent.name}/. `drift lock generate` writes it: the store has "
                f"{len(approved)} approved pattern{'' if len(approved) == 1 else 's'}."
            )
        locked = read(content)
        now = {each.id: each for each in approved}
        lost = [each for each in locked if each.id not in now]
        standing = definitions.standing(db, (each.id for each in lost))
    then = {each.id: each for each in locked}
    gone = definitions.Standing("gone", None)
    return Difference(
        len(approved),
        tuple(each for each in approved if each.id not in then),
        tuple(Removed(each, *standing.get(each.id, gone)) for each in lost),
        tuple(
            Changed(each, changes)
            for each in approved
            if each.id in then and (changes := _changes(then[each.id], each))
        ),
        _diff(locked, approved),
    )


def lock_path(project: Project) -> Path:
    return project.store.parent / NAME


def _changes(before: Stated, after: Stated) -> tuple[Change, ...]:
    names = dict.fromkeys((*after.attributes, *before.attributes))
    found = (Change(name, before.attributes.get(name), after.attributes.get(name)) for name in names)
    return tuple(each for each in found if each.before != each.after)


def _diff(before: Iterable[Stated], after: Iterable[Stated]) -> str:
    # Of both as we would write them: who turned the line ends of the file has changed nothing.
    then, now = (text(sorted(each, key=_order)).splitlines(keepends=True) for each in (before, after))
    return "".join(difflib.unified_diff(then, now, NAME, "the store"))


def _order(stated: Stated) -> tuple[bytes, bytes]:
    return stated.category.encode(), stated.id.encode()


# ---------------------------------------------------------------------------------------------------------------------
# From the store


def _stated(found: definitions.Definition) -> Stated:
    attributes: dict[str, Value] = {}
    for name, value in found._asdict().items():
        if value is not None:
            attributes[name] = _tags(value) if name == "tags" else canonical(value) if name in _JSON else value
    return Stated(found.id, found.category, found.name, attributes)


_JSON: Final = frozenset({"detector_config", "tags"})


def _tags(written: str) -> Value:
    plain = canonical(written)
    found = json.loads(plain) if plain.startswith("[") else None
    if isinstance(found, list) and all(isinstance(tag, str) and _SURROGATE.search(tag) is None for tag in found):
        return tuple(found)
    return plain


_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def canonical(written: str) -> str:
    """JSON in the one form that equal contents share: keys in order, no blanks, numbers as integers where they are
    such. What Python cannot read, a number of 5,000 digits, stays as it was written."""
    try:
        return _json(json.loads(written, parse_float=_number))
    except (ValueError, RecursionError):
        return written


def _number(written: str) -> float | int:
    value = float(written)
    # Up to here every integer has a float of its own.
    return int(value) if abs(value) < 2**53 and value.is_integer() else value


def _json(value: Any, indent: int | None = None) -> str:
    separators = (",", ":") if indent is None else (",", ": ")
    plain = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=indent, separators=separators)
    # Outside of strings JSON has none of these. Three quotes would end a literal of TOML.
    return _UNSEEN.sub(lambda found: _escaped(found.group()), plain.replace("'''", "''\\u0027"))


# What a reviewer could not see, or would see elsewhere than it stands: control characters, marks that turn the
# direction of reading, blanks without width, separators that break a line, rests of characters. Written out by
# number and not by what Python knows of Unicode, which differs from one version to the next.
_UNSEEN: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)


def _escaped(character: str) -> str:
    number = ord(character)
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    high, low = divmod(number - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"  # as JSON says it


# ---------------------------------------------------------------------------------------------------------------------
# The file


def text(patterns: Sequence[Stated]) -> str:
    """The lock of these patterns. They are sorted already."""
    return _HEAD + "".join(f"\n[[pattern]]\n{_block(each)}" for each in patterns)


def _block(stated: Stated) -> str:
    lines = [f"{name} = {_value(name, value)}\n" for name, value in stated.attributes.items()]
    return "".join([*lines, f"definition = {_quoted(stated.definition)}\n"])


def _value(name: str, value: Value) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_quoted, value))}]"
    return (_spread(value) if name in _JSON else None) or _quoted(value)


def _spread(value: str) -> str | None:
    """JSON with a line for each member, in the literal form of TOML: nothing in it is escaped twice. None for what is
    no object or list, or nested so deep that nobody would read it."""
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not found or not isinstance(found, (dict, list)) or not _is_shallow(found, _LEVELS):
        return None
    return f"'''\n{_json(found, indent=2)}'''"


_LEVELS: Final = 20


def _is_shallow(value: Any, levels: int) -> bool:
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_shallow(each, levels - 1) for each in inside)


def _quoted(value: str) -> str:
    plain = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + _UNSEEN.sub(lambda found: _toml_escape(found.group()), plain) + '"'


def _toml_escape(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"


def read(content: bytes) -> list[Stated]:
    """The patterns of a lock, in its order. Raises DriftError, saying why, for what is no lock, was merged halfway, is
    of a newer format, or says something else than was locked."""
    try:
        written = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise DriftError(
            f"{NAME} is damaged: it is not UTF-8 ({problem.reason} at byte {problem.start}). {_CURE}"
        ) from problem
    if _CONFLICT.search(written):
        raise DriftError(
            f"{NAME} has the marks of a merge conflict. Judge the patterns that both sides changed, then run "
            "`drift lock generate`: it writes the file from the store."
        )
    _refuse_newer(written)
    try:
        document = tomllib.loads(written)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as problem:
        raise DriftError(f"{NAME} is damaged: {problem}. {_CURE}") from problem
    blocks = document.get("pattern", [])
    if document.get("format") != _FORMAT or not isinstance(blocks, list) or document.keys() - {"format", "pattern"}:
        raise DriftError(f"{NAME} is not a lock of this format ({_FORMAT}). {_CURE}")
    found = [_read_block(each, number) for number, each in enumerate(blocks, 1)]
    seen: set[str] = set()
    for each in found:
        if each.id in seen:
            raise DriftError(f"{NAME} has pattern {each.id} ({each.name!r}) twice: merged by hand? {_CURE}")
        seen.add(each.id)
    return found


_CURE: Final = "`drift lock generate` writes it anew from the store; version control has the one that was reviewed."
_CONFLICT: Final = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})(?: |\r?$)", re.MULTILINE)
_FORMAT_LINE: Final = re.compile(r"^format = ([0-9]{1,9})\r?$", re.MULTILINE)


def _refuse_newer(written: str) -> None:
    # Before all else: a newer format may be no TOML that we know.
    said = _FORMAT_LINE.search(written)
    if said is not None and int(said[1]) > _FORMAT:
        raise DriftError(
            f"{NAME} was written by a newer Drift (format {said[1]}; this one knows {_FORMAT}). It was left untouched. "
            "Update this program."
        )


def _read_block(block: Any, number: int) -> Stated:
    attributes: dict[str, Value] = {}
    for name, value in block.items() if isinstance(block, dict) else ():
        known = _read_value(name, value)
        if known is None:
            raise DriftError(f"{NAME} is damaged: {name!r} of its pattern {number} is none of ours. {_CURE}")
        attributes[name] = known
    given = attributes.pop("definition", None)
    lacking = [name for name in ("id", "category", "name") if not isinstance(attributes.get(name), str)]
    if lacking or given is None:
        raise DriftError(f"{NAME} is damaged: its pattern {number} has no {(*lacking, 'definition')[0]}. {_CURE}")
    found = Stated(str(attributes["id"]), str(attributes["category"]), str(attributes["name"]), attributes)
    if found.definition != given:
        raise DriftError(
            f"{NAME} was edited by hand: pattern {found.id} ({found.name!r}) does not fit its definition. `drift lock "
            "generate` writes what the store has; version control has what was reviewed."
        )
    return found


def _read_value(name: str, value: Any) -> Value | None:
    if isinstance(value, str):
        return canonical(value) if name in _JSON else value
    if name == "tags" and isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return tuple(value)
    return None


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise StoreUnusable(
            f"{NAME} cannot be read in {path.parent.name}/: {problem.strerror}. Check what is in its place, and the "
            "permissions."
        ) from problem


def _put(path: Path, content: bytes, *, is_new: bool) -> None:
    """Under another name first: who reads meanwhile, or after a crash, finds the old lock or the new one."""
    place = path.resolve()  # a person may keep it elsewhere, behind a link
    beside = place.with_name(f"{place.name}-new-{uuid.uuid4().hex}")
    try:
        try:
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if not is_new:
                shutil.copymode(place, beside)
            durable.renamed(beside, place)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as problem:
        raise StoreUnusable(
            f"{NAME} cannot be written in {path.parent.name}/: {problem.strerror}. It is as it was. Check the room on "
            "the disk, and the permissions."
        ) from problem
