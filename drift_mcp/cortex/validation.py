"""Which memories are no longer true, or want a look: against the code as scanned, the calendar, and each other.

Looks first and changes nothing; `apply` then does what can be undone. What it does to a memory is a version of it, with
the reason:

    moved       its citation goes along to where the code is now
    changed     confidence x 0.7, once for a citation, however often it changes
    gone        confidence at most 0.3, once
    back        changed or gone before, and as it was again: the confidence is what was last said
    due         not looked at for as long as its type allows, and its code is unchanged: it counts as looked at
    opposed     the newer of two gets the relationship `contradicts` to the older, as strong as they are alike
    faded       less confidence is left than its type keeps: it is archived, and `restore` brings it back

What only a person can decide is told with the command that does it. Run twice, the second run changes nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args

import apsw

from drift_mcp.cortex import links as links_of
from drift_mcp.cortex import moments, resemblance, whereabouts
from drift_mcp.cortex.citations import AnyCited, Cited, CitedFunction
from drift_mcp.cortex.content import MemoryType
from drift_mcp.cortex.fading import FADED
from drift_mcp.cortex.links import Links
from drift_mcp.cortex.whereabouts import Link, Whereabouts
from drift_mcp.tables import across

Kind = Literal["gone", "changed", "moved", "back", "expired", "review", "opposed", "same", "dropped", "due", "faded"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# What is no longer true as it is remembered; the others want a look, or are taken care of.
STALE: Final[frozenset[Kind]] = frozenset({"gone", "changed", "moved", "expired", "opposed", "same"})

# What code that changed, or is gone, does to the confidence in what is said of it: the predecessor's numbers.
_CHANGED: Final = 0.7
_GONE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one memory. `effect`: what applying does, or the command for a person to decide with.
    `is_settled`: it was flagged before, and there is nothing more to apply."""

    memory: str
    summary: str
    kind: Kind
    found: str
    effect: str
    is_applicable: bool
    is_settled: bool = False

    @property
    def is_stale(self) -> bool:
        """Whether somebody has to do something about it yet."""
        return self.kind in STALE and not self.is_settled


@dataclass(frozen=True, slots=True)
class Change:
    """What applying does to one memory, as it was when it was looked at: at its `version`."""

    memory: str
    version: int
    reason: str
    links: Links | None = None
    confidence: float | None = None
    is_moved: bool = False
    is_flagged: bool = False
    is_renewed: bool = False
    is_archived: bool = False


class Opposed(NamedTuple):
    """A relationship that applying records."""

    newer: str
    older: str
    strength: float
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """`looked_at`: how many memories; `is_cut`: there was more to compare than is compared at once."""

    looked_at: int
    findings: tuple[Finding, ...]
    changes: tuple[Change, ...]
    opposed: tuple[Opposed, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class _Memory:
    key: int
    id: str
    type: MemoryType
    version: int
    summary: str
    content: Mapping[str, Any]
    confidence: float
    faded: float
    said: float  # the confidence that somebody stated last
    valid_until: str | None
    looked_at: str  # when it was last validated or recorded
    archive_below: float
    validation_age_days: int


def look(db: apsw.Connection, drift: apsw.Connection, root: Path, now: str) -> Report:
    """Everything that is believed now. `db`: a snapshot of cortex.db; `drift`: one of drift.db, with the memories
    beside it."""
    memories = {memory.key: memory for memory in _believed(db, now, None)}
    links = [link for link in _links(db) if link.memory_key in memories]
    code = whereabouts.find(root, drift, links)
    pairs = resemblance.pairs(db, now)
    findings: list[Finding] = []
    changes: list[Change] = []
    for memory, cited in _with_links(memories, links):
        seen = _Seen(db, memory, cited, code.by_link, now)
        findings += seen.findings()
        change = seen.change()
        changes += [] if change is None else [change]
    findings += _dropped(drift)
    opposed, told = _resembling(pairs.found, memories)
    return Report(len(memories), (*findings, *told), tuple(changes), opposed, code.is_cut or pairs.is_cut)


def follow(db: apsw.Connection, drift: apsw.Connection, root: Path, now: str, files: Collection[str]) -> list[Change]:
    """What is safe to do after a scan: of the memories that cite these files, those whose code only moved."""
    links = [link for link in _links(db) if link.cited.file in files]
    keys = {link.memory_key for link in links}
    if not keys:
        return []
    memories = {memory.key: memory for memory in _believed(db, now, keys)}
    code = whereabouts.find(root, drift, [link for link in links if link.memory_key in memories], files)
    changes = []
    for memory, cited in _with_links(memories, links):
        change = _Seen(db, memory, cited, code.by_link, now).move()
        changes += [] if change is None else [change]
    return changes


_BELIEVED = (
    """
WITH chosen AS (
    SELECT v.key AS version_key
    FROM memory_versions v
    WHERE v.recorded_to IS NULL
        AND NOT v.archived
        AND v.superseded_by IS NULL
        AND (:keys IS NULL OR v.memory_key IN (SELECT value FROM json_each(:keys)))
)
"""
    + FADED
    + """
SELECT m.key, m.id, m.type, v.version, v.summary, v.content, v.confidence, faded.confidence,
    (
        SELECT s.confidence
        FROM memory_versions s
        WHERE s.memory_key = m.key
            AND s.change IN ('added', 'revised', 'confirmed', 'rejected', 'consolidated', 'imported')
        ORDER BY s.version DESC
        LIMIT 1
    ),
    v.valid_until, max(v.recorded_at, ifnull(v.last_validated, '')), t.archive_below, t.validation_age_days
FROM faded
JOIN memory_versions v ON v.key = faded.version_key
JOIN memories m ON m.key = v.memory_key
JOIN memory_types t ON t.type = m.type
ORDER BY m.key
"""
)


def _believed(db: apsw.Connection, now: str, keys: Collection[int] | None) -> Iterator[_Memory]:
    asked = {"keys": None if keys is None else json.dumps(sorted(keys)), "until": now}
    for key, memory, kind, version, summary, what, *rest in db.execute(_BELIEVED, asked):
        yield _Memory(key, memory, kind, version, summary, json.loads(what), *rest)


_FILES = """
SELECT memory_key, recorded_at,
    file_path, line_start, line_end, content_hash, content_length, file_hash, copies, flagged
FROM memory_files
WHERE recorded_to IS NULL
"""
_FUNCTIONS = """
SELECT memory_key, recorded_at,
    function_id, content_hash, content_length, file_hash, copies, owner, flagged
FROM memory_functions
WHERE recorded_to IS NULL
"""


def _links(db: apsw.Connection) -> Iterator[Link]:
    for key, since, *cited in db.execute(_FILES):
        yield Link(key, Cited(*cited), since)
    for key, since, *cited in db.execute(_FUNCTIONS):
        yield Link(key, CitedFunction(*cited), since)


def _with_links(memories: Mapping[int, _Memory], links: Sequence[Link]) -> Iterator[tuple[_Memory, list[Link]]]:
    of_memory: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        of_memory[link.memory_key].append(link)
    for key, memory in memories.items():
        yield memory, of_memory[key]


# ---------------------------------------------------------------------------------------------------------------------
# One memory


class _Seen:
    """One memory with what was found of its citations. Used once."""

    def __init__(
        self,
        db: apsw.Connection,
        memory: _Memory,
        links: Sequence[Link],
        code: Mapping[Link, Whereabouts],
        now: str,
    ) -> None:
        self._db = db
        self._memory = memory
        self._now = now
        self._is_over = memory.valid_until is not None and memory.valid_until <= now
        self._code = [] if self._is_over else [(link.cited, code[link]) for link in links if link in code]

    def findings(self) -> Iterator[Finding]:
        if self._is_over:
            yield self._told("expired", f"it was true until {_day(self._memory.valid_until)}", self._command("archive"))
        elif self._has_faded:
            archived = f"it is archived; `drift memory restore {self._memory.id}` brings it back"
            yield self._told("faded", self._why_faded(), archived, applies=True)
        else:
            yield from self._about_code()
            yield from self._about_time()

    def change(self) -> Change | None:
        """Everything that applying does to the memory, as one version."""
        memory = self._memory
        if self._has_faded:
            return Change(memory.id, memory.version, self._why_faded(), is_archived=True)
        replaced = {cited: _as_found(cited, here) for cited, here in self._code}
        links = self._links(replaced) if any(before != after for before, after in replaced.items()) else None
        is_renewed = self._is_in_order and (self._is_due or links is not None)
        if links is None and not is_renewed:
            return None
        flagged = [f"{whereabouts.said(cited)} {_STATES[here.state]}" for cited, here in self._newly_flagged]
        back = [f"{whereabouts.said(cited)} is again what it was" for cited in self._taken_back]
        return Change(
            memory.id,
            memory.version,
            "; ".join([*self._moves, *flagged, *back]) or "its code is unchanged",
            links,
            self._lowered or self._restored,
            is_moved=bool(self._moves),
            is_flagged=bool(flagged),
            is_renewed=is_renewed,
        )

    def move(self) -> Change | None:
        """Only what is safe by itself: its citations go along to where their code is now."""
        if not self._moves:
            return None
        replaced = {cited: here.after for cited, here in self._code if here.after is not None}
        return Change(
            self._memory.id,
            self._memory.version,
            "; ".join(self._moves),
            self._links(replaced),
            self._restored,
            is_moved=True,
            is_renewed=self._is_in_order,
        )

    @property
    def _moves(self) -> list[str]:
        return [_moved(cited, here.after, here) for cited, here in self._code if here.after is not None]

    @property
    def _newly_flagged(self) -> list[tuple[AnyCited, Whereabouts]]:
        return [(cited, here) for cited, here in self._code if _lowers(cited, here)]

    @property
    def _taken_back(self) -> list[AnyCited]:
        return [cited for cited, here in self._code if cited.flagged and here.state == "unchanged"]

    @property
    def _is_in_order(self) -> bool:
        """All of its code was compared, and is what it was."""
        return bool(self._code) and all(
            here.state == "unchanged" or (here.state in ("moved", "unlinked") and here.after is not None)
            for _, here in self._code
        )

    @property
    def _is_due(self) -> bool:
        return moments.days_between(self._memory.looked_at, self._now) > self._memory.validation_age_days

    @property
    def _has_faded(self) -> bool:
        # A flagged one waits for a person; that it has less confidence left is the flag's doing.
        is_flagged = any(cited.flagged or _lowers(cited, here) for cited, here in self._code)
        return not (self._is_over or is_flagged) and self._memory.faded < self._memory.archive_below

    @property
    def _lowered(self) -> float | None:
        """The confidence that code which newly changed, or is gone, leaves. None: none did."""
        newly = [here.state for _, here in self._newly_flagged]
        if "gone" in newly:
            return min(self._memory.confidence, _GONE)
        return round(self._memory.confidence * _CHANGED, 6) if newly else None

    @property
    def _restored(self) -> float | None:
        """The confidence that was said last, when nothing is left of what lowered it. None: nothing did, or is left."""
        was_flagged = any(cited.flagged for cited, _ in self._code)
        is_higher = self._memory.said > self._memory.confidence
        return self._memory.said if was_flagged and self._is_in_order and is_higher else None

    def _links(self, replaced: Mapping[AnyCited, AnyCited]) -> Links:
        linked = links_of.of(self._db, self._memory.key, moments.END_OF_TIME)
        # Two that come to stand for the same place are one.
        files = {each[:3]: each for each in (_after(replaced, cited) for cited in linked.files)}
        functions = {each.function: each for each in (_after(replaced, cited) for cited in linked.functions)}
        return linked._replace(
            files=tuple(sorted(files.values(), key=lambda each: (each.file, each.line_start or 0))),
            functions=tuple(functions[name] for name in sorted(functions)),
        )

    def _about_code(self) -> Iterator[Finding]:
        for cited, here in self._code:
            said = whereabouts.said(cited)
            if here.after is not None:
                yield self._told("moved", _moved(cited, here.after, here), "its citation goes along", applies=True)
            elif here.state == "moved" and here.places:
                where = f"{said} stands at {len(here.places)} places now: {', '.join(here.places[:_NAMED])}"
                option = "--function" if isinstance(cited, CitedFunction) else "--file"
                yield self._told("moved", where, self._command("revise", f"{option} '{here.places[0]}'"))
            elif here.state == "moved":
                yield self._told("moved", f"{said} is not where it was", "`drift scan` finds out where it is")
            elif here.state in ("changed", "gone"):
                kind: Kind = "changed" if here.state == "changed" else "gone"
                todo = f"if it still holds: {self._cited_anew()}"
                if kind == "gone":
                    todo = f"{self._command('archive')}, or `revise` it to cite where that is now"
                if _lowers(cited, here):
                    todo = f"confidence {self._memory.confidence:.2f} → {self._lowered or 0:.2f}; {todo}"
                    yield self._told(kind, f"{said} {_STATES[kind]}", todo, applies=True)
                else:
                    yield self._told(kind, f"{said} {_STATES[kind]}", f"flagged before; {todo}", settled=True)
            elif cited.flagged:
                yield self._told("back", f"{said} is again what it was", "the flag is taken off", applies=True)

    def _about_time(self) -> Iterator[Finding]:
        memory = self._memory
        for kind, found in _dates_over(memory, self._now):
            yield self._told(kind, found, self._command("archive" if kind == "expired" else "confirm"))
        if self._is_due and self._is_in_order:
            yield self._told("due", self._why_due(), "its code is unchanged: it counts as looked at", applies=True)
        elif self._is_due and not any(here.state in ("changed", "gone") for _, here in self._code):
            yield self._told("due", self._why_due(), self._command("confirm"))

    def _told(self, kind: Kind, found: str, effect: str, *, applies: bool = False, settled: bool = False) -> Finding:
        return Finding(self._memory.id, self._memory.summary, kind, found, effect, applies, settled)

    def _command(self, action: str, more: str = "") -> str:
        return f"`drift memory {action} {self._memory.id}{' ' + more if more else ''}`"

    def _cited_anew(self) -> str:
        """The command that takes the code as it is now for what the memory speaks of."""
        files = [f"--file '{whereabouts.said(cited)}'" for cited, _ in self._code if isinstance(cited, Cited)]
        functions = [f"--function '{cited.function}'" for cited, _ in self._code if isinstance(cited, CitedFunction)]
        return self._command("revise", " ".join([*files, *functions]))

    def _why_due(self) -> str:
        days = self._memory.validation_age_days
        return f"nobody has looked at it since {_day(self._memory.looked_at)} ({self._memory.type}: {days} days)"

    def _why_faded(self) -> str:
        return f"confidence has faded to {self._memory.faded:.2f}, below {self._memory.archive_below:g}"


_STATES: Final = {"changed": "has changed", "gone": "is gone"}
_NAMED: Final = 3


def _moved(cited: AnyCited, after: AnyCited, here: Whereabouts) -> str:
    if here.state == "unlinked":
        return f"the text of {whereabouts.said(cited)} is known now"
    return f"{whereabouts.said(cited)} is now {whereabouts.said(after)}"


def _lowers(cited: AnyCited, here: Whereabouts) -> bool:
    """Whether its state is worse than the one that lowered the confidence before."""
    return here.state in ("changed", "gone") and cited.flagged not in ("gone", here.state)


def _as_found(cited: AnyCited, here: Whereabouts) -> AnyCited:
    if here.after is not None:
        return here.after
    return cited._replace(flagged=here.state if here.state in ("changed", "gone") else None)


def _after(replaced: Mapping[AnyCited, AnyCited], cited: Any) -> Any:
    return replaced.get(cited, cited)


def _dates_over(memory: _Memory, now: str) -> Iterator[tuple[Kind, str]]:
    """The dates that its content names and that have come."""
    if memory.type == "constraint_override":
        expires = _date(memory.content.get("expiresAt"))
        if expires is not None and expires <= now:
            yield "expired", f"it was to be in force until {_day(expires)}"
        reviews = [memory.content.get("reviewAt")]
    else:
        reviews = memory.content.get("revisitWhen", ()) if memory.type == "decision_context" else []
    for condition in reviews:
        when = _date(condition)
        # Who looked at it since then has done what was asked.
        if when is not None and memory.looked_at < when <= now:
            yield "review", f"it was to be looked at again on {_day(when)}"


def _date(text: object) -> str | None:
    try:
        moment = datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None  # a condition in words, which only a person can tell to have come
    return moments.asked(moment.isoformat(), "date")


def _day(stamp: str | None) -> str:
    return (stamp or "")[:10]


# ---------------------------------------------------------------------------------------------------------------------
# Memories together


def _resembling(
    pairs: Sequence[resemblance.Pair], memories: Mapping[int, _Memory]
) -> tuple[tuple[Opposed, ...], list[Finding]]:
    opposed: list[Opposed] = []
    told: list[Finding] = []
    for pair in pairs:
        older, newer = memories.get(pair.older), memories.get(pair.newer)
        if older is None or newer is None:
            continue
        if pair.why is not None:
            found = f"{newer.id} seems to contradict {older.id}: {pair.why}"
            opposed.append(Opposed(newer.id, older.id, pair.likeness, pair.why))
            effect = (
                "`contradicts` is recorded; then `drift memory reject` the wrong one, or let one supersede the other"
            )
            told.append(Finding(newer.id, newer.summary, "opposed", found, effect, is_applicable=True))
        else:
            found = f"says nearly the same as {older.id}: {pair.likeness:.0%} of the wording"
            effect = f"`drift memory relate {newer.id} supersedes {older.id}`, or `related` to keep both"
            told.append(Finding(newer.id, newer.summary, "same", found, effect, is_applicable=False))
    return tuple(opposed), told


def _dropped(drift: apsw.Connection) -> Iterator[Finding]:
    """Memories of patterns and rules that are gone, or that a person has ignored."""
    patterns = across.about_dropped_patterns(drift)
    rules = across.about_dropped_constraints(drift)
    about = [(one.memory, one.summary, "pattern", one.name or one.pattern, one.status) for one in patterns]
    about += [(one.memory, one.summary, "rule", one.name or one.constraint, one.status) for one in rules]
    for memory, summary, what, name, status in about:
        found = f"its {what} {name} is {status or 'gone'}"
        yield Finding(memory, summary, "dropped", found, f"`drift memory archive {memory}`, unless it says why", False)
