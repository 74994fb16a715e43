"""One project's memory, opened: the database, the model that embeds, and the thread that lets vectors follow.

Opens nothing but cortex.db and reads cited files below the project's root. Loads no model until a question or
`warm_up` wants one, and then on the thread of `tending`: no caller ever waits for it unless it asks to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, TypeVar

import apsw

from drift_mcp.cortex import (
    citations,
    consolidation,
    consolidation_runs,
    forgetting,
    given,
    memories,
    models,
    moments,
    recall,
    tending,
    validation,
    validation_runs,
    vectors,
    words,
)
from drift_mcp.cortex.caches import QuestionCache
from drift_mcp.cortex.citations import CodeState
from drift_mcp.cortex.consolidation import Plan
from drift_mcp.cortex.consolidation_runs import Run as Consolidated
from drift_mcp.cortex.embeddings import Embedder, ModelIdentity, ModelState
from drift_mcp.cortex.filters import Filters
from drift_mcp.cortex.forgetting import Copies, Forgotten, Found
from drift_mcp.cortex.memories import Memory, Neighbour, NewMemory, Revision, Version, Written
from drift_mcp.cortex.nearest import Nearest
from drift_mcp.cortex.opened import Opened
from drift_mcp.cortex.recall import Preference, Recall
from drift_mcp.cortex.sent import SentMemories
from drift_mcp.cortex.tending import Progress, Tender
from drift_mcp.cortex.transfer import adoption, export, histories, knowledge_graph, merge, reading
from drift_mcp.cortex.transfer.adoption import Adopted, Foundling
from drift_mcp.cortex.transfer.merge import OnConflict, Taken
from drift_mcp.cortex.uses import FIRST_HITS, Uses
from drift_mcp.cortex.validation import Report
from drift_mcp.cortex.validation_runs import Run
from drift_mcp.errors import QueryTimeout, StoreUnusable

# The door of this room: what is handed to `Cortex`, and what it hands out, can be had here.
__all__ = ["Cortex", "Filters", "NewMemory", "Recall", "Revision", "Shown", "Standing", "Written"]

# An export or a validation reads everything, at some 10,000 memories a second; no question waits for it.
_WHOLE_SECONDS: Final = 600.0

_Changed = TypeVar("_Changed")


@dataclass(frozen=True, slots=True)
class Standing:
    """How the memory stands: what a search could find, and whether it could find it by meaning."""

    memories: int
    model: ModelState
    model_reason: str
    vectors_ready: int
    vectors_pending: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything about one memory. `code`: whether the code that it cites is still what it was."""

    memory: Memory
    code: CodeState
    history: tuple[Version, ...]
    neighbours: tuple[Neighbour, ...]


class Cortex:
    """Threads may share it: reads run side by side, each in one snapshot; writes run one after the other."""

    def __init__(
        self,
        opened: Opened,
        root: Path,
        clock: Callable[[], str],
        embedder: Embedder,
        idle_seconds: float = tending.IDLE_SECONDS,
    ) -> None:
        self._opened = opened
        self._root = root
        self._clock = clock
        self._embedder = embedder
        self._questions = QuestionCache()
        self._tender = Tender(opened, embedder, self._questions, clock, idle_seconds)
        self._uses = Uses(opened, clock)
        self._sent = SentMemories()
        self._nearest = Nearest()

    @classmethod
    def open(
        cls,
        path: Path,
        root: Path,
        *,
        clock: Callable[[], str] = moments.now,
        embedder: Embedder | None = None,
        idle_seconds: float = tending.IDLE_SECONDS,
        before_steps: Callable[[], object] | None = None,
    ) -> Cortex:
        """Opens `path`, creating the database if there is none. `root`: the project, whose files memories cite;
        `embedder`: what makes its vectors (default: the model that ships); `idle_seconds`: how long that stays loaded
        when nobody asks; `before_steps`: called before a database of an older schema is brought up."""
        chosen = Embedder(models.source(None, root)) if embedder is None else embedder
        return cls(Opened.at(path, before_steps=before_steps), root, clock, chosen, idle_seconds)

    def __enter__(self) -> Cortex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Waits for what is being written; vectors not yet made follow in the next process."""
        self._tender.close()
        self._uses.close()
        self._sweep()
        self._opened.close()

    # ------------------------------------------------------------ the model

    def warm_up(self) -> None:
        """Begins to load the model in the background, and then to make the vectors that are pending. Safe to repeat."""
        self._tender.call_model()

    def wait_for_model(self, timeout_seconds: float) -> ModelState:
        """Warms up and waits until the model is ready or known not to come: for a command that asks once."""
        return self._tender.wait_for_model(timeout_seconds)

    def wait_for_vectors(self, timeout_seconds: float) -> bool:
        """Warms up and waits until every wording has its vector; False: the time is up, or no model will come."""
        return self._tender.wait_for_vectors(timeout_seconds)

    def make_vectors(self, on_progress: Progress | None = None) -> Standing:
        """Loads the model and makes every vector that is pending, here and now; how it stands then. `on_progress`: told
        how many are made and how many there are to make."""
        if self._embedder.load() == "ready":
            self._tender.make_vectors(on_progress)
        return self.standing()

    def standing(self) -> Standing:
        with self._opened.snapshot() as db:
            made = vectors.standing(db, self._model_key(db, self._embedder.identity))
            return Standing(
                memories=memories.count(db, memories.present(db, self._clock())),
                model=self._embedder.state,
                model_reason=self._embedder.reason,
                vectors_ready=made.ready,
                vectors_pending=made.pending,
            )

    # ------------------------------------------------------------ remembering

    def add(self, new: NewMemory) -> Written:
        """A new memory, at once findable by its words; its vector follows. A DriftError names a field that is wrong."""
        return self._change(lambda tx, at: memories.add(tx, self._root, new, self._embedder.identity, at))

    def revise(self, memory: str, revision: Revision, reason: str | None = None, by: str | None = None) -> Written:
        return self._change(
            lambda tx, at: memories.revise(tx, self._root, memory, revision, self._embedder.identity, at, reason, by)
        )

    def confirm(self, memory: str, reason: str | None = None, by: str | None = None) -> Written:
        return self._change(lambda tx, at: memories.confirm(tx, memory, at, reason, by))

    def reject(self, memory: str, reason: str | None = None, by: str | None = None) -> Written:
        return self._change(lambda tx, at: memories.reject(tx, memory, at, reason, by))

    def archive(self, memory: str, reason: str | None = None, by: str | None = None) -> Written:
        return self._change(lambda tx, at: memories.archive(tx, memory, at, reason, by))

    def restore(self, memory: str, reason: str | None = None, by: str | None = None) -> Written:
        return self._change(lambda tx, at: memories.restore(tx, memory, at, reason, by))

    def relate(
        self,
        memory: str,
        relationship: str,
        target: str,
        strength: float = 1.0,
        reason: str | None = None,
        by: str | None = None,
    ) -> Written:
        return self._change(lambda tx, at: memories.relate(tx, memory, relationship, target, at, strength, reason, by))

    # ------------------------------------------------------------ looking after

    def look_over(self, drift: apsw.Connection) -> Report:
        """What is no longer true of what is believed now, or wants a look. `drift`: a snapshot of drift.db with the
        memories beside it."""
        with self._opened.snapshot(timeout_seconds=_WHOLE_SECONDS) as db:
            return validation.look(db, drift, self._root, memories.present(db, self._clock()))

    def apply(self, report: Report) -> Run:
        """Does what the report says that it would. Raises AlreadyRunning while another one is at it."""
        return validation_runs.apply(self._opened, report, self._embedder.identity, self._clock)

    def follow(self, drift: apsw.Connection, files: Collection[str]) -> int:
        """Citations of code that only moved go along, in memories that cite these files; how many memories did."""
        with self._opened.snapshot() as db:
            moved = validation.follow(db, drift, self._root, memories.present(db, self._clock()), files)
        return validation_runs.follow(self._opened, moved, self._embedder.identity, self._clock) if moved else 0

    # ------------------------------------------------------------ carrying over

    def export(self, write: Callable[[bytes], object]) -> None:
        """Writes every memory with all that was ever believed of it, a line each, as of one moment."""
        with self._opened.snapshot(timeout_seconds=_WHOLE_SECONDS) as db:
            for line in export.lines(db):
                write(line)

    def take(self, stream: BinaryIO, *, on_conflict: OnConflict = "refuse", dry_run: bool = False) -> Taken:
        """Takes over what `export` wrote, here or elsewhere: all of it, or nothing. `on_conflict`: whether a memory of
        which another history is here stops that, or stays as it is; `dry_run`: only finds out what would be done."""
        told = reading.read(stream, self._clock())
        return self._change(
            lambda tx, at: merge.take(tx, told, self._embedder.identity, at, on_conflict=on_conflict, dry_run=dry_run)
        )

    def take_graph(self, stream: BinaryIO, *, dry_run: bool = False) -> Taken:
        """Takes over the file of the protocol's reference memory server: all of it, or nothing."""
        graph = knowledge_graph.read(stream)
        return self._change(
            lambda tx, at: knowledge_graph.take(tx, graph, self._embedder.identity, at, dry_run=dry_run)
        )

    def adopt(
        self,
        memories: list[Foundling],
        relationships: list[histories.Relationship],
        runs: list[histories.Run],
        look: Callable[[apsw.Connection, Adopted], None],
    ) -> Adopted:
        """Takes over memories of a store that kept no history. `look`: sees what became of them before it counts; what
        it raises undoes it all."""

        def change(tx: apsw.Connection, at: str) -> Adopted:
            adopted = adoption.adopt(tx, memories, relationships, runs, self._embedder.identity, at)
            look(tx, adopted)
            return adopted

        return self._change(change)

    # ------------------------------------------------------------ consolidating

    def to_consolidate(self) -> Plan:
        """What the episodes amount to: what `consolidate` would do. Changes nothing."""
        with self._opened.snapshot(timeout_seconds=_WHOLE_SECONDS) as db:
            return consolidation.look(db, memories.present(db, self._clock()))

    def consolidate(self) -> tuple[Plan, Consolidated]:
        """Facts that episodes repeat become semantic memories; what was found, and what was done. Raises AlreadyRunning
        while another process is at it for long."""
        done = consolidation_runs.apply(self._opened, self.to_consolidate, self._embedder.identity, self._clock)
        self._tender.nudge()
        return done

    # ------------------------------------------------------------ forgetting

    def to_forget(self, memory: str) -> tuple[Found, Copies]:
        """What `forget` would erase, and which copies of the memories hold it as well. Changes nothing."""
        with self._opened.snapshot() as db:
            found = forgetting.look(db, memory, memories.present(db, self._clock()))
        return found, forgetting.copies(self._opened.path.parent, memory)

    def forget(self, memory: str, reason: str | None = None) -> Forgotten:
        """Erases everything that the memory ever said, for good; a tombstone stays, with `reason`."""
        given.refuse_secret_reason(reason)
        with self._opened.transaction() as tx:
            at = memories.transaction_time(tx, self._clock())
            found = forgetting.look(tx, memory, at)
            forgetting.erase(tx, memory, at, reason)
        self._questions.forget()
        copies = forgetting.copies(self._opened.path.parent, memory)
        return Forgotten(found, copies, at, has_traces=not self._sweep())

    def _sweep(self) -> bool:
        """Rids the file and its log of what was forgotten, if anything was; False: not yet."""
        try:
            with self._opened.snapshot() as db:
                due = forgetting.with_traces(db)
            if not due:
                return True
            if not self._opened.write_anew():
                return False
            with self._opened.transaction() as tx:
                forgetting.without_traces(tx, due)
        except (StoreUnusable, QueryTimeout):
            # Another process writes for long, or the disk has no room for a second copy; the marks stand.
            return False
        return True

    # ------------------------------------------------------------ recalling

    def search(
        self,
        question: str | None,
        filters: Filters | None = None,
        intent: str | None = None,
        limit: int = 10,
        offset: int = 0,
        *,
        near: Sequence[str] = (),
        unseen: bool = False,
    ) -> Recall:
        """Memories that answer `question`, best first; without one, those that pass the filters. `near` (paths, folders
        ending in '/', functions' ids): where the asker works, which ranks. `unseen`: without what was sent already.

        Never waits for the model: until it is ready the answer is by words, says so, and the model begins to load,
        if there is anything that it could find."""
        chosen = Filters() if filters is None else filters
        preference = Preference(intent, near, self._sent.all() if unseen else ())
        if question is None or not question.strip():
            with self._opened.snapshot() as db:
                now = memories.present(db, self._clock())
                return recall.listed(db, self._root, chosen, now, self._embedder.state, preference.sent, limit, offset)
        self._tender.note_use()
        with self._opened.snapshot() as db:
            now = memories.present(db, self._clock())
            asked = self._question(db, words.printable(question), now)
            if asked.pending:
                self._tender.nudge()
            found = recall.search(
                db,
                self._root,
                question,
                chosen,
                now,
                self._nearest,
                vector=asked.vector,
                model_key=asked.model_key,
                model=asked.model,
                model_reason=self._embedder.reason,
                pending=asked.pending,
                preference=preference,
                limit=limit,
                offset=offset,
            )
        # What was asked about the past is no use of what is believed now.
        if offset == 0 and chosen.as_of is None:
            self._uses.note((hit.memory, hit.last_used) for hit in found.hits[:FIRST_HITS])
        return found

    def get(self, memory: str, as_of: str | None = None, valid_at: str | None = None) -> Shown:
        """One memory with its versions and neighbours, as believed at `as_of`. A DriftError when there is none, or when
        it was not true at `valid_at`."""
        when = moments.END_OF_TIME if as_of is None else moments.asked(as_of, "as_of")
        true_at = None if valid_at is None else moments.asked(valid_at, "valid_at")
        with self._opened.snapshot() as db:
            found = memories.get(db, memory, memories.present(db, self._clock()), when, true_at)
            shown = Shown(
                memory=found,
                code=citations.state(self._root, found.files, found.functions),
                history=tuple(memories.history(db, memory, when, true_at)),
                neighbours=tuple(memories.neighbours(db, memory, when, true_at)),
            )
        if as_of is None:
            self._uses.note([(found.memory, found.last_used)])
        return shown

    def about(self, files: Sequence[str], functions: Sequence[str] = (), limit: int = 10) -> Recall:
        """The memories that cite any of these files or functions, the most important and newest first."""
        assert files or functions, "asked for memories about nothing, which an empty filter would take for all"
        return self.search(None, Filters(files=[*files, *functions]), limit=limit)

    def note_sent(self, memories: Iterable[tuple[str, int]]) -> None:
        """These were sent, each with its version: who asks for what is unseen does not get them again."""
        self._sent.add(memories)

    # ------------------------------------------------------------ behind

    def _change(self, change: Callable[[apsw.Connection, str], _Changed]) -> _Changed:
        with self._opened.transaction() as tx:
            changed = change(tx, memories.transaction_time(tx, self._clock()))
        self._tender.nudge()
        return changed

    def _question(self, db: apsw.Connection, question: str, now: str) -> _Question:
        """The question as the model sees it, if there is anything to compare it with: remembered, or made now. The
        model is called when it takes one, and there are memories at all."""
        identity = self._embedder.identity
        key = self._model_key(db, identity)
        # What a model has not seen that is not known yet, or new here, bears no mark.
        is_marked = identity is not None and key is not None
        pending = vectors.waiting(db, key) if is_marked else vectors.standing(db, key).pending
        state = self._embedder.state
        if identity is not None and vectors.has_any(db, key):
            vector = self._questions.find(db, identity, question, now)
            if vector is not None:
                return _Question(vector, key, state, pending)
        # The model is 140 MB that a project without memories has no use for.
        if state == "cold" and memories.count(db, now):
            self._tender.await_return()
            state = "loading" if self._embedder.state == "cold" else self._embedder.state
        model = self._embedder.model
        if model is None:
            return _Question(None, key, state, pending)
        key = vectors.model_key(db, model.identity)
        if not vectors.has_any(db, key):
            return _Question(None, key, "ready", pending)
        vector = model.question_vector(question)
        if vector is not None:
            self._questions.keep(model.identity, question, vector)
            self._tender.nudge()
        return _Question(vector, key, "ready", pending)

    def _model_key(self, db: apsw.Connection, identity: ModelIdentity | None) -> int | None:
        """The model's key in the database. One that is not loaded yet may be known by its name alone: then the key of
        what it was the last time."""
        return vectors.last_named(db, self._embedder.name) if identity is None else vectors.model_key(db, identity)


class _Question(NamedTuple):
    vector: bytes | None
    model_key: int | None  # of the model that made the vector, or is to
    model: ModelState
    pending: int  # wordings that have no vector by that model yet
