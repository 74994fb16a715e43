"""Lines that somebody wrote, taken for what they say: each checked for itself, before any store is touched.

A line at fault is told with its number and with what is wrong; the lines after it are read all the same, so that all
that is wrong can be put right at once. Knows no database.
"""

from __future__ import annotations

import difflib
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final, NamedTuple, TypeVar

from drift_mcp import jsonl
from drift_mcp.cortex import content, given, moments
from drift_mcp.cortex.content import MemoryType
from drift_mcp.cortex.given import IMPORTANCES
from drift_mcp.cortex.memories import RELATIONSHIPS
from drift_mcp.cortex.transfer.export import COUNTED, FORMAT
from drift_mcp.cortex.transfer.histories import (
    KINDS,
    ConsolidationRun,
    Constraint,
    Entry,
    File,
    Function,
    History,
    Pattern,
    Relationship,
    ValidationRun,
    Verdict,
    Version,
    as_json,
)
from drift_mcp.errors import DriftError

# A memory of the greatest length that was revised some thousand times.
_MOST_BYTES: Final = 256 * 1024 * 1024
# Clocks of two machines differ; what is dated further ahead would hold up what is recorded from now on.
_AHEAD_SECONDS: Final = 60

_HEADER: Final = '{"drift_memories": 1}'


class Problem(NamedTuple):
    """What is wrong with a line of the input."""

    line: int
    what: str


class Told(NamedTuple):
    """One input, read to its end. Entries stand with the number of their line."""

    histories: list[tuple[int, History]]
    relationships: list[tuple[int, Relationship]]
    runs: list[tuple[int, ConsolidationRun | ValidationRun]]
    problems: list[Problem]
    found: Counter[str]  # lines by what they are about, those at fault included: memories, relationships, runs, …


UNREADABLE: Final = "unreadable lines"
_ABOUT: Final[Mapping[str, str]] = {
    "memory": "memories",
    "relationship": "relationships",
    "consolidation_run": "runs",
    "validation_run": "runs",
}


def lines(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any] | jsonl.Malformed]]:
    """Each line with its number, as the object that it holds, or why it holds none."""
    for number in itertools.count(1):
        line = stream.readline(_MOST_BYTES + 1)
        if not line:
            return
        try:
            yield number, jsonl.parsed(line, _MOST_BYTES)
        except jsonl.Malformed as problem:
            yield number, problem
            if len(line) > _MOST_BYTES:
                return  # what follows is the rest of it


def read(stream: BinaryIO, now: str) -> Told:
    """What `drift memory export` wrote. A DriftError when the input is none of that; `now`: what is dated later is
    refused."""
    told = Told([], [], [], [], Counter())
    counted: Counter[str] = Counter()
    numbered = lines(stream)
    header = _header(next(numbered, None))
    latest = moments.written(moments.read(now) + timedelta(seconds=_AHEAD_SECONDS))
    seen: dict[object, int] = {}
    number = 1
    for number, found in numbered:
        about = UNREADABLE
        try:
            if isinstance(found, jsonl.Malformed):
                raise DriftError(str(found)[:1].upper() + str(found)[1:])
            kind = found.pop("kind", None)
            if kind not in KINDS:
                raise DriftError(f"'kind' is {_shown(kind)}; it is one of {', '.join(KINDS)}.")
            about = _ABOUT[kind]
            counted[_COUNTED_AS[kind]] += 1
            entry = _entry(kind, found)
            _refuse_future(entry, latest)
            _refuse_repeated(entry, number, seen)
        except DriftError as problem:
            told.problems.append(Problem(number, str(problem)))
        except RecursionError:
            told.problems.append(Problem(number, "It is nested too deeply."))
        else:
            match entry:
                case History():
                    told.histories.append((number, entry))
                case Relationship():
                    told.relationships.append((number, entry))
                case _:
                    told.runs.append((number, entry))
        told.found[about] += 1
    for name, count in header.items():
        if counted[name] != count:
            what = f"The header counts {count:,} {name}, and {counted[name]:,} follow: the input was cut or changed."
            told.problems.append(Problem(number, what))
    return told


_COUNTED_AS: Final[Mapping[str, str]] = dict(zip(KINDS, COUNTED, strict=True))


def _header(first: tuple[int, dict[str, Any] | jsonl.Malformed] | None) -> Mapping[str, int]:
    """What the header counts."""
    if first is None:
        raise DriftError(f"Line 1: the input is empty. It begins with {_HEADER}")
    _, header = first
    if isinstance(header, jsonl.Malformed):
        raise DriftError(f"Line 1: {header}")
    version = header.pop("drift_memories", None)
    if type(version) is not int:
        raise DriftError(f"Line 1: this is no header of memories. The input begins with {_HEADER}")
    if version != FORMAT:
        raise DriftError(
            f"Line 1: the input is of version {version}, and this program reads {FORMAT}. "
            "Export it anew, or update Drift."
        )
    for name, count in header.items():
        if name not in COUNTED or type(count) is not int:
            raise DriftError(f"Line 1: the header has {_shown(name)}; it knows drift_memories, {', '.join(COUNTED)}.")
    return header


def _entry(kind: str, found: Mapping[str, Any]) -> Entry:
    match kind:
        case "memory":
            return _history(found)
        case "relationship":
            return _relationship(found)
        case "consolidation_run":
            return _row(ConsolidationRun, found, "", _CONSOLIDATION_RUN)
        case _:
            return _row(ValidationRun, found, "", _VALIDATION_RUN)


def _refuse_future(entry: Entry, latest: str) -> None:
    """Valid times may lie ahead; what was recorded cannot."""
    for path, value in _recorded_times("", entry):
        if value > latest:
            raise DriftError(
                f"'{path}' is {value}, which lies in the future. Nothing could be recorded before that time "
                "has come. Check the clock of the machine that wrote it."
            )


def _recorded_times(path: str, row: Any) -> Iterator[tuple[str, str]]:
    for name, value in zip(row._fields, row, strict=True):
        inner = f"{path}.{name}" if path else name
        if name == "uses":
            yield from ((inner, each) for each in value)
        elif type(value) is tuple:
            for position, each in enumerate(value):
                yield from _recorded_times(f"{inner}[{position}]", each)
        elif value is not None and name in _RECORDED_TIMES:
            yield inner, value


def _refuse_repeated(entry: Entry, number: int, seen: dict[object, int]) -> None:
    name = (
        (entry.source, entry.target, entry.relationship, entry.recorded_at) if type(entry) is Relationship else entry[0]
    )
    before = seen.setdefault((type(entry), name), number)
    if before != number:
        raise DriftError(f"Line {before} tells of the same one. Keep one of the two.")


# ---------------------------------------------------------------- fields

Check = Callable[[Any, str], Any]
_R = TypeVar("_R", bound=NamedTuple)


def _row(row: Callable[..., _R], found: Any, path: str, checks: Mapping[str, Check]) -> _R:
    """A row whose fields pass their checks; a field that is not there is None to its check."""
    if not isinstance(found, Mapping):
        raise DriftError(f"'{path}' is {_shown(found)}; it is an object.")
    for name in found:
        if name not in checks:
            near = difflib.get_close_matches(name, checks, n=1)
            hint = f" Nearest: '{near[0]}'." if near else ""
            raise DriftError(f"No field '{_inside(path, name)[:80]}'.{hint} Fields: {', '.join(checks)}.")
    values = {}
    for name, check in checks.items():
        value = found.get(name)
        # Most fields of most rows are not there; those need no path to be named by.
        values[name] = None if value is None and isinstance(check, _Maybe) else check(value, _inside(path, name))
    return row(**values)


def _inside(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _words(value: Any, path: str) -> str:
    """A text that may be empty."""
    if value == "":
        return ""
    if not isinstance(value, str):
        raise _no(value, path, "a text")
    content.text_given(f"_{value}", path)
    return value


def _text(value: Any, path: str) -> str:
    content.text_given(_words(value, path), path)
    return str(value)


def _stamp(value: Any, path: str) -> str:
    return moments.asked(_words(value, path), path)


def _stamps_given(value: Any, path: str) -> tuple[str, ...]:
    if not isinstance(value, list | None):
        raise _no(value, path, "a list of times")
    return tuple(sorted({_stamp(each, path) for each in value or ()}))


def _count(value: Any, path: str) -> int:
    # SQLite's integers end there.
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise _no(value, path, "a whole number, 0 or more")
    return value


def _from_one(value: Any, path: str) -> int:
    if _count(value, path) == 0:
        raise _no(value, path, "a whole number, 1 or more")
    return int(value)


def _uses(value: Any, path: str) -> int:
    return 0 if value is None else _count(value, path)


def _share(value: Any, path: str) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise _no(value, path, "a number from 0 to 1")
    return float(value)


def _flag(value: Any, path: str) -> int:
    if type(value) is not bool:
        raise _no(value, path, "true or false")
    return int(value)


def _hash(value: Any, path: str) -> bytes:
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise _no(value, path, "a hash of 32 hexadecimal digits")
    return bytes.fromhex(value)


_HEX: Final = re.compile("[0-9a-f]{32}")


def _path(value: Any, path: str) -> str:
    plain = PurePosixPath(_text(value, path))
    if plain.is_absolute() or ".." in plain.parts or str(plain) != value:
        raise _no(value, path, "a path relative to the project's root, such as src/app.py")
    return str(value)


def _named(prefix: str) -> Check:
    def check(value: Any, path: str) -> str:
        if not _text(value, path).startswith(prefix) or value == prefix:
            raise _no(value, path, f"an id that begins with {prefix}")
        return str(value)

    return check


def _choice(*choices: str) -> Check:
    def check(value: Any, path: str) -> str:
        if value not in choices:
            raise _no(value, path, f"one of {', '.join(choices)}")
        return str(value)

    return check


@dataclass(frozen=True, slots=True)
class _Maybe:
    """A field that may be left out: then it is None."""

    check: Check

    def __call__(self, value: Any, path: str) -> Any:
        return None if value is None else self.check(value, path)


def _rows(row: Callable[..., _R], checks: Mapping[str, Check]) -> Check:
    def check(value: Any, path: str) -> tuple[_R, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            raise _no(value, path, "a list")
        return tuple(_row(row, each, f"{path}[{position}]", checks) for position, each in enumerate(value))

    return check


def _content(value: Any, path: str) -> str:
    """Any object: whether it fits its memory, only the type of that says."""
    if not isinstance(value, dict):
        raise _no(value, path, "the object of the memory's type")
    return as_json(value)


def _tags(value: Any, path: str) -> str:
    if value is not None and (not isinstance(value, list) or not all(isinstance(each, str) for each in value)):
        raise _no(value, path, "a list of texts")
    return as_json(given.tags(value or []))


def _no(value: Any, path: str, wanted: str) -> DriftError:
    if value is None:
        return DriftError(f"'{path}' is missing; it is {wanted}.")
    return DriftError(f"'{path}' is {_shown(value)}; it is {wanted}.")


def _shown(value: Any) -> str:
    written = json.dumps(value)
    return written if len(written) <= 60 else f"{written[:59]}…"


_memory: Final = _named("mem_")
_RECORDED_TIMES: Final = frozenset(
    (
        *("recorded_at", "recorded_to", "created_at", "last_accessed", "forgotten_at", "last_validated"),
        *("validated_at", "started_at", "completed_at"),
    )
)
_BELIEVED: Final[Mapping[str, Check]] = {"recorded_at": _stamp, "recorded_to": _Maybe(_stamp)}
_CITED: Final[Mapping[str, Check]] = {
    "content_hash": _Maybe(_hash),
    "content_length": _Maybe(_count),
    "file_hash": _Maybe(_hash),
    "copies": _Maybe(_from_one),
    "flagged": _Maybe(_choice("changed", "gone")),
}
_FILE: Final[Mapping[str, Check]] = {
    "file_path": _path,
    "line_start": _Maybe(_from_one),
    "line_end": _Maybe(_from_one),
    **_CITED,
    **_BELIEVED,
}
_FUNCTION: Final[Mapping[str, Check]] = {"function_id": _text, **_CITED, "owner": _Maybe(_words), **_BELIEVED}
_PATTERN: Final[Mapping[str, Check]] = {"pattern_id": _text, **_BELIEVED}
_CONSTRAINT: Final[Mapping[str, Check]] = {"constraint_id": _text, **_BELIEVED}
_VERSION: Final[Mapping[str, Check]] = {
    "version": _from_one,
    **_BELIEVED,
    "valid_from": _stamp,
    "valid_until": _Maybe(_stamp),
    "content": _content,
    "summary": _text,
    "confidence": _share,
    "importance": _choice(*IMPORTANCES),
    "tags": _tags,
    "archived": _flag,
    "archive_reason": _Maybe(_text),
    "superseded_by": _Maybe(_memory),
    "last_validated": _Maybe(_stamp),
    "change": _choice(
        *("added", "revised", "confirmed", "rejected", "archived", "restored"),
        *("superseded", "linked", "validated", "consolidated", "imported"),
    ),
    "reason": _Maybe(_text),
    "changed_by": _Maybe(_words),
}
_VERDICT: Final[Mapping[str, Check]] = {
    "version": _from_one,
    "action": _choice("confirmed", "rejected", "modified"),
    "previous_confidence": _share,
    "new_confidence": _share,
    "feedback": _Maybe(_text),
    "validated_at": _stamp,
    "validated_by": _Maybe(_words),
    "session_id": _Maybe(_words),
}
_HISTORY: Final[Mapping[str, Check]] = {
    "id": _memory,
    "type": _choice(*content.MEMORY_TYPES),
    "created_at": _stamp,
    "created_by": _Maybe(_words),
    "last_accessed": _Maybe(_stamp),
    "access_count": _uses,
    "forgotten_at": _Maybe(_stamp),
    "forgotten_reason": _Maybe(_text),
    "uses": _stamps_given,
    "versions": _rows(Version, _VERSION),
    "files": _rows(File, _FILE),
    "functions": _rows(Function, _FUNCTION),
    "patterns": _rows(Pattern, _PATTERN),
    "constraints": _rows(Constraint, _CONSTRAINT),
    "verdicts": _rows(Verdict, _VERDICT),
}
_RELATIONSHIP: Final[Mapping[str, Check]] = {
    "source": _memory,
    "target": _memory,
    "relationship": _choice(*RELATIONSHIPS),
    "strength": _share,
    **_BELIEVED,
}
_STATUS: Final = _choice("running", "completed", "failed")
_CONSOLIDATION_RUN: Final[Mapping[str, Check]] = {
    "id": _named("cons_"),
    "started_at": _stamp,
    "completed_at": _Maybe(_stamp),
    "episodes_processed": _count,
    "memories_created": _count,
    "memories_updated": _count,
    "memories_pruned": _count,
    "status": _STATUS,
    "error": _Maybe(_words),
}
_VALIDATION_RUN: Final[Mapping[str, Check]] = {
    "id": _named("val_"),
    "started_at": _stamp,
    "completed_at": _Maybe(_stamp),
    "total_validated": _count,
    "valid_count": _count,
    "stale_count": _count,
    "healed_count": _count,
    "flagged_count": _count,
    "status": _STATUS,
}


# ---------------------------------------------------------------- what fields say together


def _relationship(found: Mapping[str, Any]) -> Relationship:
    made = _row(Relationship, found, "", _RELATIONSHIP)
    if made.source == made.target:
        raise DriftError(f"'{made.source}' stands in a relationship to itself.")
    _refuse_backwards("", made.recorded_at, made.recorded_to)
    return made


def _history(found: Mapping[str, Any]) -> History:
    made = _row(History, found, "", _HISTORY)
    if made.forgotten_at is not None:
        if made.versions or made.links or made.verdicts:
            raise DriftError(f"'{made.id}' was forgotten, and yet it says something.")
        given.refuse_secret_reason(made.forgotten_reason)
        return made
    if made.forgotten_reason is not None:
        raise DriftError(f"'{made.id}' says why it was forgotten, and not when.")
    if not made.versions:
        raise DriftError(f"'{made.id}' has no versions.")
    memory_type = content.type_named(made.type)
    contents: dict[tuple[str, str, str], str] = {}  # most changes leave what is said as it was
    for position, version in enumerate(made.versions):
        said = (version.content, version.summary, version.tags)
        if said not in contents:
            contents[said] = _checked_content(memory_type, version, f"versions[{position}]")
    versions = tuple(
        version._replace(content=contents[version.content, version.summary, version.tags]) for version in made.versions
    )
    for position, (version, following) in enumerate(itertools.zip_longest(versions, versions[1:])):
        path = f"versions[{position}]"
        if version.version != position + 1:
            raise DriftError(f"'{path}.version' is {version.version}; versions count from 1: {position + 1}.")
        _refuse_backwards(f"{path}.", version.recorded_at, version.recorded_to)
        if version.recorded_to != (None if following is None else following.recorded_at):
            then = "this version is believed now" if following is None else f"the next begins {following.recorded_at}"
            raise DriftError(f"'{path}.recorded_to' is {version.recorded_to or 'missing'}, but {then}.")
        if version.valid_until is not None and version.valid_until < version.valid_from:
            raise DriftError(f"'{path}.valid_until' is {version.valid_until}, before it began: {version.valid_from}.")
        for reason in (version.reason, version.archive_reason):
            given.refuse_secret_reason(reason)
    for verdict in made.verdicts:
        if verdict.version > len(versions):
            raise DriftError(f"A verdict made version {verdict.version}, of {len(versions)}.")
        given.refuse_secret_reason(verdict.feedback)
    _refuse_odd_links(made)
    return made._replace(
        versions=versions,
        files=tuple(sorted(made.files, key=_order)),
        functions=tuple(sorted(made.functions, key=_order)),
        patterns=tuple(sorted(made.patterns, key=_order)),
        constraints=tuple(sorted(made.constraints, key=_order)),
        verdicts=tuple(sorted(made.verdicts, key=_order)),
    )


def _checked_content(memory_type: MemoryType, version: Version, path: str) -> str:
    """The version's content as it is stored."""
    try:
        what = content.checked(memory_type, json.loads(version.content))
        given.refuse_secrets(memory_type, what, version.summary, json.loads(version.tags))
    except DriftError as problem:
        raise DriftError(f"'{path}': {problem}") from problem
    return as_json(what)


def _refuse_odd_links(memory: History) -> None:
    for file in memory.files:
        if (file.line_start is None) != (file.line_end is None) or (file.line_start or 0) > (file.line_end or 0):
            raise DriftError(f"The lines {file.line_start}-{file.line_end} of '{file.file_path}' are no range.")
    cited = [(each.file_path, each.content_hash, each.content_length) for each in memory.files]
    cited += [(each.function_id, each.content_hash, each.content_length) for each in memory.functions]
    for name, content_hash, content_length in cited:
        if (content_hash is None) != (content_length is None):
            raise DriftError(f"'{name}' has one of 'content_hash' and 'content_length'; it takes both or neither.")
    by_what: dict[tuple[Any, ...], str | None] = {}
    for link in sorted(memory.links, key=lambda each: each.recorded_at):
        _refuse_backwards(f"{link[0]}: ", link.recorded_at, link.recorded_to)
        what = (type(link), link[:3] if isinstance(link, File) else link[0])
        if what in by_what and ((before := by_what[what]) is None or before > link.recorded_at):
            raise DriftError(f"The link to '{link[0]}' is recorded twice for {link.recorded_at}.")
        by_what[what] = link.recorded_to
    # A change is recorded at a time of its own, later than all before: it must not meet a link from after it.
    last = memory.versions[-1].recorded_at
    late = next((link for link in memory.links if max(link.recorded_at, link.recorded_to or "") > last), None)
    if late is not None:
        raise DriftError(f"The link to '{late[0]}' is recorded later than the last version ({last}).")


def _order(row: tuple[Any, ...]) -> tuple[tuple[bool, Any], ...]:
    """As SQLite orders rows: NULL before everything."""
    return tuple((value is not None, value) for value in row)


def _refuse_backwards(path: str, recorded_at: str, recorded_to: str | None) -> None:
    if recorded_to is not None and recorded_to <= recorded_at:
        raise DriftError(f"'{path}recorded_to' ({recorded_to}) is not after 'recorded_at' ({recorded_at}).")
