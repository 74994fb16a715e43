"""One project's memory, opened: the database, the model that embeds, and the thread that lets vectors follow.

Opens nothing but cortex.db and reads cited files below the project's root. Loads no model until a question or
`warm_up` wants one, and then on its own thread: no caller ever waits for it unless it asks to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import apsw

from drift_mcp.cortex import citations, memories, moments, recall, vectors, words
from drift_mcp.cortex.citations import CodeState
from drift_mcp.cortex.embeddings import (
    Embedder,
    ModelState,
    QuestionVectors,
    cache_key,
    installed_weights,
)
from drift_mcp.cortex.filters import Filters
from drift_mcp.cortex.memories import Memory, Neighbour, NewMemory, Revision, Version, Written
from drift_mcp.cortex.opened import Opened
from drift_mcp.cortex.recall import Recall
from drift_mcp.errors import StoreUnusable

# The door of this room: what is handed to `Cortex`, and what it hands out, can be had here.
__all__ = ["Cortex", "Filters", "NewMemory", "Recall", "Revision", "Shown", "Standing", "Written"]

# Wordings embedded between two transactions: about a tenth of a second of model time that a crash can cost.
_BATCH = 16


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

    def __init__(self, opened: Opened, root: Path, clock: Callable[[], str], embedder: Embedder) -> None:
        self._opened = opened
        self._root = root
        self._clock = clock
        self._embedder = embedder
        self._asked = QuestionVectors()
        self._guard = threading.Lock()
        self._to_keep: dict[bytes, bytes] = {}  # questions' vectors on their way to the database
        self._tender: threading.Thread | None = None
        self._wake = threading.Event()
        self._decided = threading.Event()  # the model is ready, or it is known why it will not be
        self._idle = threading.Event()  # the tender has found nothing more to do
        self._closing = False

    @classmethod
    def open(
        cls,
        path: Path,
        root: Path,
        *,
        clock: Callable[[], str] = moments.now,
        embedder: Embedder | None = None,
        before_steps: Callable[[], object] | None = None,
    ) -> Cortex:
        """Opens `path`, creating the database if there is none. `root`: the project, whose files memories cite;
        `before_steps`: called before a database of an older schema is brought up."""
        chosen = Embedder(installed_weights()) if embedder is None else embedder
        return cls(Opened.at(path, before_steps=before_steps), root, clock, chosen)

    def __enter__(self) -> Cortex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Waits for what is being written; vectors not yet made follow in the next process."""
        self._closing = True
        self._wake.set()
        if self._tender is not None:
            self._tender.join()
        self._opened.close()

    # ------------------------------------------------------------ the model

    def warm_up(self) -> None:
        """Begins to load the model in the background, and then to make the vectors that are pending. Safe to repeat."""
        with self._guard:
            if self._tender is None and not self._closing:
                self._tender = threading.Thread(target=self._tend, name="cortex-vectors", daemon=True)
                self._tender.start()

    def wait_for_model(self, timeout_seconds: float) -> ModelState:
        """Warms up and waits until the model is ready or known not to come: for a command that asks once."""
        self.warm_up()
        self._decided.wait(timeout_seconds)
        return self._embedder.state

    def wait_for_vectors(self, timeout_seconds: float) -> bool:
        """Warms up and waits until every wording has its vector; False: the time is up, or no model will come."""
        if self.wait_for_model(timeout_seconds) != "ready":
            return False
        self._nudge()
        return self._idle.wait(timeout_seconds)

    def standing(self) -> Standing:
        with self._opened.snapshot() as db:
            model = self._embedder.model
            made = vectors.standing(db, vectors.model_key(db, model))
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
        return self._change(lambda tx, at: memories.add(tx, self._root, new, self._embedder.model, at))

    def revise(self, memory: str, revision: Revision, reason: str | None = None, by: str | None = None) -> Written:
        return self._change(
            lambda tx, at: memories.revise(tx, self._root, memory, revision, self._embedder.model, at, reason, by)
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

    # ------------------------------------------------------------ recalling

    def search(
        self,
        question: str | None,
        filters: Filters | None = None,
        intent: str | None = None,
        limit: int = 10,
        offset: int = 0,
    ) -> Recall:
        """Memories that answer `question`, best first; without one, those that pass the filters.

        Never waits for the model: until it is ready the answer is by words, says so, and the model begins to load,
        if there is anything that it could find."""
        chosen = Filters() if filters is None else filters
        if question is None or not question.strip():
            with self._opened.snapshot() as db:
                now = memories.present(db, self._clock())
                return recall.listed(db, self._root, chosen, now, self._embedder.state, limit, offset)
        with self._opened.snapshot() as db:
            now = memories.present(db, self._clock())
            # The model is 140 MB that a project without memories has no use for.
            model = self._embedder.state
            if model == "cold" and memories.count(db, now):
                self.warm_up()
                model = "loading"
            key = vectors.model_key(db, self._embedder.model)
            return recall.search(
                db,
                self._root,
                question,
                chosen,
                now,
                vector=None if key is None else self._vector_of(db, words.printable(question)),
                model_key=key,
                model=model,
                model_reason=self._embedder.reason,
                pending=vectors.waiting(db, key),
                intent=intent,
                limit=limit,
                offset=offset,
            )

    def get(self, memory: str, as_of: str | None = None) -> Shown:
        """One memory with its versions and neighbours, as believed at `as_of`. A DriftError when there is none."""
        when = moments.END_OF_TIME if as_of is None else moments.asked(as_of, "as_of")
        with self._opened.snapshot() as db:
            found = memories.get(db, memory, when)
            return Shown(
                memory=found,
                code=citations.state(self._root, found.files, found.functions),
                history=tuple(memories.history(db, memory, when)),
                neighbours=tuple(memories.neighbours(db, memory, when)),
            )

    def about(self, files: Sequence[str], functions: Sequence[str] = (), limit: int = 10) -> Recall:
        """The memories that cite any of these files or functions, the most important and newest first."""
        assert files or functions, "asked for memories about nothing, which an empty filter would take for all"
        return self.search(None, Filters(files=[*files, *functions]), limit=limit)

    # ------------------------------------------------------------ behind

    def _change(self, change: Callable[[apsw.Connection, str], Written]) -> Written:
        with self._opened.transaction() as tx:
            written = change(tx, memories.transaction_time(tx, self._clock()))
        self._nudge()
        return written

    def _vector_of(self, db: apsw.Connection, question: str) -> bytes | None:
        """From memory, from the database, or made now; None when it takes a model that is not ready."""
        key = cache_key(self._embedder.model, question)
        vector = self._asked.get(key)
        if vector is not None:
            return vector
        kept = vectors.kept_question(db, key)
        if kept is not None:
            self._asked.keep(key, kept.vector)
            if kept.last_access < self._today():
                self._keep_later(key, kept.vector)
            return kept.vector
        if self._embedder.state != "ready":
            return None
        vector = self._embedder.vector(question)
        if vector is not None:
            self._asked.keep(key, vector)
            self._keep_later(key, vector)
        return vector

    def _keep_later(self, key: bytes, vector: bytes) -> None:
        with self._guard:
            self._to_keep[key] = vector
        self._nudge()

    def _nudge(self) -> None:
        """There is something to do for the tender, if there is one."""
        with self._guard:
            self._idle.clear()
            self._wake.set()

    def _today(self) -> str:
        # To the day: a question asked a hundred times today is written once.
        return f"{self._clock()[:10]}T00:00:00.000Z"

    def _tend(self) -> None:
        """The background thread: loads the model, then makes what is pending whenever it is woken."""
        try:
            ready = self._embedder.load() == "ready"
        finally:
            self._decided.set()
        if not ready:
            return
        self._wake.set()
        marked = False
        while not self._closing:
            self._wake.wait()
            self._wake.clear()
            try:
                if not marked:
                    self._mark_missing()
                    marked = True
                self._make_pending()
                self._keep_questions()
            except StoreUnusable:
                # Locked for long by another process, or the disk is full; whoever adds next is told. The marks stand:
                # the next waking goes on from there.
                continue
            with self._guard:
                if not self._wake.is_set():
                    self._idle.set()

    def _mark_missing(self) -> None:
        with self._opened.transaction() as tx:
            vectors.mark_missing(tx, vectors.name_model(tx, self._embedder.model, self._clock()))

    def _make_pending(self) -> None:
        after = 0
        while not self._closing:
            with self._opened.snapshot() as db:
                key = vectors.model_key(db, self._embedder.model)
                batch = [] if key is None else vectors.pending(db, key, _BATCH, after)
            if key is None or not batch:
                return
            # The model runs outside any transaction, and the marks say where to go on after a crash.
            made = {each: self._embedder.vector(each.text) for each in batch}
            with self._opened.transaction() as tx:
                same = vectors.still_pending(tx, key, batch)
                vectors.store(tx, [(each.embedding_rowid, made[each]) for each in same], self._clock())
            after = batch[-1].embedding_rowid

    def _keep_questions(self) -> None:
        with self._guard:
            questions = list(self._to_keep.items())
            self._to_keep.clear()
        if questions:
            with self._opened.transaction() as tx:
                vectors.keep_questions(tx, questions, self._today())
