"""An answer, and how it is laid out so that it keeps within what the asker can read.

Knows nothing of any one tool and reads no store. It never cuts a text in the middle: an answer that is too long is said
more shortly, grade by grade (full, locations, counts per file, counts), and says that it was.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from drift_mcp.errors import DriftError

Form = Literal["text", "json"]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that an answer lists. Rows of one file that follow each other are printed under the file's name."""

    full: str
    short: str = ""  # what is left beside the line at the grade of locations; nothing = the line number alone
    file: str | None = None
    line: int | None = None
    under: str = ""  # rows under the same word are printed together, in the order of the first of each


@dataclass(frozen=True, slots=True)
class Section:
    """A list within an answer. The first section of an answer is the one that `limit` and `cursor` walk along."""

    title: str
    rows: tuple[Row, ...]
    total: int
    noun: str = "places"
    ranked: bool = False  # the best stand first, so that cutting the end costs least


@dataclass(frozen=True, slots=True)
class Freshness:
    """How the store stands to the source, for the files that one answer names."""

    scanned_at: str | None = None  # UTC, ISO 8601; None = this project was never scanned
    commit: str | None = None
    changed: tuple[str, ...] = ()  # changed since they were scanned, and not scanned again yet
    refreshed: tuple[str, ...] = ()  # had changed, and were scanned again for this answer
    told: tuple[str, ...] = ()  # those of the changed that another scanner has told of, and no scan reads
    taken_over: tuple[str, ...] = ()  # known as the predecessor read them

    def as_json(self) -> dict[str, Any]:
        return {
            "scanned_at": self.scanned_at,
            "commit": self.commit,
            "files_changed_since": len(self.changed),
            # A handful is what a reader looks at; the number above is whole.
            "changed_files": list(self.changed[:_NAMED_FILES]),
            "rescanned_files": list(self.refreshed[:_NAMED_FILES]),
        }

    def as_text(self, now: datetime) -> str:
        if self.scanned_at is None:
            return "never scanned: call scan_project"
        said = f"scanned {ago(self.scanned_at, now)}"
        if self.commit:
            # Seven digits are what people know a commit by.
            said += f" at {self.commit[:7]}"
        if self.refreshed:
            said += f", {_named(self.refreshed)} scanned again just now"
        ours = [path for path in self.changed if path not in self.told]
        if ours:
            said += f", {_named(ours)} changed since (scan_project brings it up to date)"
        if self.told:
            said += f", {_named(self.told)} changed since another scanner told of it (`drift ingest` takes it anew)"
        if self.taken_over:
            said += f", {_named(self.taken_over)} known as the old tool read them (scan_project reads them anew)"
        return said


_NAMED_FILES = 3


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of a list that was asked for. Its cursors hold for one question to one state of the store."""

    offset: int
    limit: int
    query: str
    state: int

    def cursor(self, offset: int) -> str:
        return f"{offset}-{self.state}-{_bound(self.query, offset)}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool found. `data` is the JSON form without the fields that every list has (`total`, `truncated`,
    `next_cursor`, `freshness`); `items` names the list in it that `limit` and `cursor` walk along."""

    head: str
    sections: tuple[Section, ...] = ()
    notes: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    items: str | None = None
    window: Window | None = None
    files: tuple[str, ...] = ()  # those that it rests on, beside those that its rows stand in
    memories: tuple[tuple[str, int], ...] = ()  # those that it tells of, each with its version
    freshness: Freshness = Freshness()

    def rests_on(self) -> list[str]:
        """The files whose change would make this answer another one."""
        listed = (row.file for section in self.sections for row in section.rows if row.file is not None)
        return list(dict.fromkeys((*self.files, *listed)))


@dataclass(frozen=True, slots=True)
class Budget:
    tokens: int
    octets: int
    lines: int

    def holds(self, text: str) -> bool:
        return (
            tokens(text) <= self.tokens
            and text.count("\n") < self.lines
            and len(text.encode("utf-8", "replace")) <= self.octets
        )


# The smallest budget that can be promised: the last grade, one sentence without names, stays below it.
LEAST_TOKENS = 100
# Clients cut or store away answers above 25,000 tokens; stay well under it.
MOST_TOKENS = 20_000
DEFAULT_TOKENS = 3_000
# Clients have cut answers at 10 KiB or 256 lines. An asker that names a budget knows its client; these do not bind it.
_DEFAULT_OCTETS = 10 * 1024
_DEFAULT_LINES = 250
_UNBOUND = 1 << 40


def budget(asked: int | None, default: int = DEFAULT_TOKENS) -> Budget:
    """What an answer may cost: as asked, else what every known client shows whole."""
    if asked is None:
        return Budget(default, _DEFAULT_OCTETS, _DEFAULT_LINES)
    return Budget(asked, _UNBOUND, _UNBOUND)


# Fitted on 686 samples of 19 kinds of text to the newest Claude vocabulary, which is the densest in use: mean error
# 6.7 %. Characters divided by four is 41 % too low for code and listings.
_WEIGHTS: tuple[tuple[bytes, float], ...] = (
    (b"abcdefghijklmnopqrstuvwxyz", 0.351),
    (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 0.677),
    (b"0123456789", 0.723),
    (b" ", 0.114),
    (b"\n\t\r", 0.832),
    (bytes(range(0x80, 0x100)), 0.636),
)
_PUNCTUATION_WEIGHT = 0.791
# With this, the estimate is too low for 2.4 % of texts, and then by at most 9 %.
_MARGIN = 1.15


def tokens(text: str) -> int:
    """How many tokens a text costs its reader, erring on the high side."""
    octets = text.encode("utf-8", "replace")
    rest = len(octets)
    total = 0.0
    for members, weight in _WEIGHTS:
        count = len(octets) - len(octets.translate(None, members))
        rest -= count
        total += count * weight
    return math.ceil(_MARGIN * (total + rest * _PUNCTUATION_WEIGHT))


def render(answer: Answer, form: Form, limits: Budget, now: datetime | None = None) -> str:
    """The answer as it goes out, within the limits."""
    if form == "json":
        return _render_json(answer, limits)
    return _render_text(answer, limits, now or datetime.now(UTC))


def window(tool: str, asked: Mapping[str, Any], state: int, default_limit: int) -> Window:
    """Where in the list the asker stands. `asked` holds all arguments of the call.

    A cursor of another question or of another state of the store is refused with the reason: continuing it would
    repeat or leave out rows in silence.
    """
    question = {name: value for name, value in asked.items() if name not in _NOT_PART_OF_THE_QUESTION}
    written = json.dumps([tool, question], sort_keys=True, default=str, ensure_ascii=True)
    query = hashlib.blake2s(written.encode(), digest_size=4).hexdigest()
    limit = int(asked.get("limit") or default_limit)
    cursor = asked.get("cursor")
    if cursor is None:
        return Window(0, limit, query, state)
    parts = _CURSOR.fullmatch(str(cursor))
    if parts is None:
        raise DriftError(f"cursor {clip(str(cursor), 40)!r} is none that this tool gave. Ask again without `cursor`.")
    if parts["query"] != _bound(query, int(parts["offset"])):
        raise DriftError(
            "This cursor belongs to another question, or was altered. A cursor continues the very call that gave it: "
            "repeat that call's arguments, or ask again without `cursor`."
        )
    if int(parts["state"]) != state:
        raise DriftError("The store has changed since this cursor was given. Ask again without `cursor`.")
    return Window(int(parts["offset"]), limit, query, state)


def _bound(query: str, offset: int) -> str:
    """A mark of the question and the row: no row that was never offered can be asked for."""
    return hashlib.blake2s(f"{query} {offset}".encode(), digest_size=4).hexdigest()


def first_row(cursor: str | None) -> int:
    """The row that a cursor points to, before it is known whether the cursor is good: `window` says that afterwards."""
    parts = _CURSOR.fullmatch(cursor or "")
    return int(parts["offset"]) if parts else 0


_NOT_PART_OF_THE_QUESTION = {"cursor", "limit", "budget_tokens", "format", "project"}
_CURSOR = re.compile(r"(?P<offset>[0-9]{1,9})-(?P<state>[0-9]{1,18})-(?P<query>[0-9a-f]{8})")


def clean(text: str) -> str:
    """A text that no client stumbles over: no lone surrogates (one ends the whole server), no control characters but
    the newline, nothing that turns the direction of reading."""
    return _UNPRINTABLE.sub("", text.encode("utf-8", "replace").decode("utf-8"))


_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def cell(text: str) -> str:
    """A name from the source as part of one line: what would break the line is written out."""
    return clean(text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", " "))


def clip(text: str, most: int) -> str:
    """An asker's own words, quoted back no longer than that."""
    return text if len(text) <= most else text[: most - 1] + "…"


def place(file: str, line: int | None) -> str:
    return cell(file) if line is None else f"{cell(file)}:{line}"


def count(number: int, noun: str) -> str:
    """'1 call site', '3 call sites', '1,204 functions', '2 classes'."""
    if number == 1:
        return f"1 {_singular(noun)}"
    return f"{number:,} {noun}"


def _singular(noun: str) -> str:
    for plural, single in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if noun.endswith(plural):
            return noun[: -len(plural)] + single
    return noun


# ---------------------------------------------------------------------------------------------------------------------
# Text

_Grade = Literal["full", "locations", "counts per file", "counts"]


def _render_text(answer: Answer, limits: Budget, now: datetime) -> str:
    shown = answer.sections[0].rows if answer.sections else ()
    for grade in _grades(answer):
        text = _laid_out(answer, grade, len(shown), now)
        if limits.holds(text):
            return text
        if grade == "locations" and answer.sections and answer.sections[0].ranked:
            longest = _longest_that_fits(answer, limits, now)
            if longest is not None:
                return longest
    main = answer.sections[0] if answer.sections else None
    if main is None:
        shorter = _first_lines(answer, limits, now)
        if shorter is not None:
            return shorter
    found = count(main.total, main.noun) if main else "There is an answer"
    return f"{found}. The answer is too long for budget_tokens={limits.tokens}: ask with more."


def _grades(answer: Answer) -> tuple[_Grade, ...]:
    if not answer.sections:
        return ("full",)
    return ("full", "locations", "counts per file", "counts")


def _first_lines(answer: Answer, limits: Budget, now: datetime) -> str | None:
    """An answer without a list: as many of its lines as fit, the first ones, whole. None when not even one does."""
    lines = clean("\n".join((answer.head, *answer.notes))).split("\n")
    for kept in range(len(lines) - 1, 0, -1):
        tail = f"[{answer.freshness.as_text(now)}; {len(lines) - kept} lines more with a greater budget_tokens]"
        text = "\n".join((*lines[:kept], tail))
        if limits.holds(text):
            return text
    return None


def _longest_that_fits(answer: Answer, limits: Budget, now: datetime) -> str | None:
    """As many of the best rows as fit, in full. None when not even one does."""
    low, high, best = 1, len(answer.sections[0].rows), None
    while low <= high:
        middle = (low + high) // 2
        text = _laid_out(answer, "full", middle, now)
        if limits.holds(text):
            best, low = text, middle + 1
        else:
            high = middle - 1
    return best


def _laid_out(answer: Answer, grade: _Grade, shown: int, now: datetime) -> str:
    lines = [clean(answer.head)] if answer.head else []
    for number, section in enumerate(answer.sections):
        rows = section.rows[:shown] if number == 0 else section.rows
        # A title's own line is worth its tokens only where rows follow it.
        if rows or section.total:
            lines += _section_lines(section, rows, grade)
    lines += [clean(note) for note in answer.notes]
    lines.append(_tail(answer, grade, shown, now))
    return "\n".join(lines)


def _section_lines(section: Section, rows: Sequence[Row], grade: _Grade) -> Iterator[str]:
    total = f"{section.total:,}"
    title = clean(section.title)
    if grade == "counts" or not rows:
        yield f"{title}: {total}" if title else f"{total} {section.noun}"
        return
    if title:
        yield f"{title}: {total}" if len(rows) < section.total or grade == "counts per file" else f"{title}:"
    if grade == "counts per file":
        yield from _count_lines(rows)
        return
    for heading, group in _by_heading(rows):
        if heading:
            yield f"{clean(heading)}:"
        yield from _location_lines(group) if grade == "locations" else _full_lines(group)


def _by_heading(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.under, []).append(row)
    yield from groups.items()


def _full_lines(rows: Sequence[Row]) -> Iterator[str]:
    for file, group in _by_file(rows):
        if file is None:
            for row in group:
                yield from clean(row.full).split("\n")
        elif len(group) == 1:
            yield f"{place(file, group[0].line)}  {clean(group[0].full)}".rstrip()
        else:
            yield cell(file)
            for row in group:
                yield f"  {'' if row.line is None else row.line} {clean(row.full)}".rstrip()


def _location_lines(rows: Sequence[Row]) -> Iterator[str]:
    for file, group in _by_file(rows):
        if file is None:
            for row in group:
                yield clean(row.short or row.full.split("\n", 1)[0])
        else:
            spots = (f"{'' if row.line is None else row.line} {clean(row.short)}".strip() for row in group)
            yield f"{cell(file)}:{','.join(spot for spot in spots if spot)}".rstrip(":")


def _count_lines(rows: Sequence[Row]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for row in rows:
        if row.file is not None:
            counts[row.file] = counts.get(row.file, 0) + 1
    for file, number in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield f"{cell(file)}: {number}"


def _by_file(rows: Sequence[Row]) -> Iterator[tuple[str | None, list[Row]]]:
    group: list[Row] = []
    for row in rows:
        if group and row.file != group[0].file:
            yield group[0].file, group
            group = []
        group.append(row)
    if group:
        yield group[0].file, group


def _tail(answer: Answer, grade: _Grade, shown: int, now: datetime) -> str:
    said = [answer.freshness.as_text(now)]
    if answer.sections and answer.window is not None:
        main = answer.sections[0]
        window = answer.window
        if grade != "full":
            said.append(f"shortened to {grade} to fit the budget: a greater budget_tokens or a smaller limit says more")
        end = window.offset + shown
        if end < main.total:
            first = f"{window.offset + 1:,} to {end:,}" if window.offset else f"{end:,}"
            said.append(f'{first} of {main.total:,} shown; the next ones: cursor="{window.cursor(end)}"')
        elif window.offset:
            said.append(f"{window.offset + 1:,} to {end:,} of {main.total:,} shown; that is all")
    elif grade != "full":
        said.append(f"shortened to {grade} to fit the budget")
    return f"[{'; '.join(said)}]"


# ---------------------------------------------------------------------------------------------------------------------
# JSON


def _render_json(answer: Answer, limits: Budget) -> str:
    rows = list(answer.data.get(answer.items, ())) if answer.items else []
    whole = _written(answer, rows, len(rows))
    if limits.holds(whole):
        return whole
    if answer.items is None:
        return _most(lambda most: _cut_short(answer, most), _longest(answer.data), limits) or _bare(answer)
    return _most(lambda shown: _written(answer, rows, shown), len(rows) - 1, limits) or _bare(answer)


def _most(written: Callable[[int], str], high: int, limits: Budget) -> str | None:
    """The longest form that fits, `written` being one with so many rows; None when not even one does."""
    low, best = 1, None
    while low <= high:
        middle = (low + high) // 2
        text = written(middle)
        if limits.holds(text):
            best, low = text, middle + 1
        else:
            high = middle - 1
    return best


def _longest(value: Any) -> int:
    """The length of the longest list in a document."""
    if isinstance(value, Mapping):
        return max(map(_longest, value.values()), default=0)
    if isinstance(value, list | tuple):
        return max(len(value), *map(_longest, value)) if value else 0
    return 0


def _cut_short(answer: Answer, most: int) -> str:
    """An answer about one thing, none of its lists longer than so many."""
    note = f"lists are cut to {most} to fit budget_tokens: ask with more for all of them"
    return _dumped({**_cut(answer.data, most), "truncated": True, "note": note}, answer)


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, Mapping):
        return {name: _cut(each, most) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cut(each, most) for each in value[:most]]
    return value


def _written(answer: Answer, rows: Sequence[Any], shown: int) -> str:
    document = dict(answer.data)
    if answer.items is not None:
        document[answer.items] = rows[:shown]
        document |= _list_fields(answer, shown)
    return _dumped(document, answer)


def _bare(answer: Answer) -> str:
    """What is left when not one row fits: how many there are, and that none is shown."""
    document: dict[str, Any] = {}
    if answer.items is not None:
        document[answer.items] = []
        # A cursor to the very same rows would send a program round for ever.
        document |= _list_fields(answer, 0) | {"next_cursor": None}
    document["truncated"] = True
    document["note"] = "not one row fits budget_tokens: ask with more"
    return clean(json.dumps(document, separators=(",", ":")))


def _list_fields(answer: Answer, shown: int) -> dict[str, Any]:
    start = answer.window.offset if answer.window else 0
    total = answer.sections[0].total if answer.sections else start + shown
    end = start + shown
    return {
        "total": total,
        "truncated": end < total,
        "next_cursor": answer.window.cursor(end) if answer.window and end < total else None,
    }


def _dumped(document: dict[str, Any], answer: Answer) -> str:
    document["freshness"] = answer.freshness.as_json()
    return clean(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


# ---------------------------------------------------------------------------------------------------------------------
# Freshness in words


def _named(files: Sequence[str]) -> str:
    names = ", ".join(cell(file) for file in files[:_NAMED_FILES])
    return names if len(files) <= _NAMED_FILES else f"{len(files)} files ({names}, …)"


def ago(moment: str, now: datetime) -> str:
    """'4 min ago', from a time in ISO 8601."""
    seconds = max(0, int((now - datetime.fromisoformat(moment)).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
