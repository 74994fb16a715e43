"""The thread behind a memory that is open: it loads the model when somebody wants it, makes the vectors that are
pending, writes down what the query cache has new, and lets go of the model when nobody has asked for long.

No answer waits for it. What it was about to do when the process ends, the next process does: the marks in the database
say what is missing.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from drift_mcp.cortex import vectors
from drift_mcp.cortex.caches import QuestionCache
from drift_mcp.cortex.embeddings import Embedder, ModelState, give_back_memory
from drift_mcp.cortex.opened import Opened
from drift_mcp.errors import StoreUnusable

# Wordings embedded between two transactions: about a tenth of a second of model time that a crash can cost.
_BATCH = 16
# A loaded model is 100 MB, and back in a fifth of a second. After so long the conversation has turned to other things,
# or nobody is there any more.
IDLE_SECONDS = 600.0
# What a question waits for a model that was let go. One that needs longer joins in with the next question.
_BACK_SECONDS = 0.5
# What the end of a process waits for another one that writes: only vectors that can be made again would be lost.
_FAREWELL_MS = 250

Progress = Callable[[int, int], None]


class Tender:
    """Threads may share it. Its own thread begins with the first `call_model`."""

    def __init__(
        self,
        opened: Opened,
        embedder: Embedder,
        questions: QuestionCache,
        clock: Callable[[], str],
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._opened = opened
        self._embedder = embedder
        self._questions = questions
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._decided = threading.Event()  # the model is ready, or it is known why it will not be
        self._idle = threading.Event()  # nothing more is to be done
        self._closing = False
        self._is_wanted = False  # the model
        self._was_let_go = False
        self._last_use = 0.0  # of the model, on the monotonic clock
        # The model for which everything is marked, and up to which wording.
        self._marked: tuple[bytes, int] = (b"", 0)

    def call_model(self) -> None:
        """Begins to load the model, and then to make the vectors that are pending. Safe to repeat."""
        with self._guard:
            self._is_wanted = True
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._tend, name="cortex-vectors", daemon=True)
                self._thread.start()
        self.nudge()

    def nudge(self) -> None:
        """There is something to do, if there is a thread."""
        with self._guard:
            self._idle.clear()
            self._wake.set()

    def note_use(self) -> None:
        """Somebody asks: the model stays."""
        self._last_use = time.monotonic()

    def await_return(self) -> None:
        """Calls the model, and waits a moment for one that was here before: it is back at once."""
        self.call_model()
        if self._was_let_go:
            self._decided.wait(_BACK_SECONDS)

    def wait_for_model(self, timeout_seconds: float) -> ModelState:
        """Waits until the model is ready or known not to come."""
        self.call_model()
        self._decided.wait(timeout_seconds)
        return self._embedder.state

    def wait_for_vectors(self, timeout_seconds: float) -> bool:
        """Waits until every wording has its vector; False: the time is up, or no model will come."""
        if self.wait_for_model(timeout_seconds) != "ready":
            return False
        self.nudge()
        return self._idle.wait(timeout_seconds)

    def close(self) -> None:
        """Waits for what is being written; vectors not yet made follow in the next process."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        with contextlib.suppress(StoreUnusable):  # what a cache has lost is made again
            self._write_news(_FAREWELL_MS)

    # ------------------------------------------------------------ the thread

    def _tend(self) -> None:
        while not self._closing:
            is_woken = self._wake.wait(self._rest_seconds())
            self._wake.clear()
            try:
                if is_woken:
                    self._work()
                elif self._rest_seconds() == 0.0:
                    self._let_go()
            except StoreUnusable:
                # Locked for long by another process, or the disk is full; whoever adds next is told. The marks stand:
                # the next waking goes on from there.
                continue
            with self._guard:
                if not self._wake.is_set():
                    self._idle.set()

    def _rest_seconds(self) -> float | None:
        """How long the model may stay unused; None: there is none to let go."""
        if self._embedder.state != "ready":
            return None
        return max(0.0, self._last_use + self._idle_seconds - time.monotonic())

    def _work(self) -> None:
        if self._is_wanted or self._has_pending():
            self._is_wanted = False
            try:
                self._embedder.load()
            finally:
                self.note_use()
                self._decided.set()
        if self._embedder.state == "ready" and not self._closing:
            self.make_vectors()
        if self._questions.has_questions:
            self._write_news()

    def _has_pending(self) -> bool:
        identity = self._embedder.identity
        if identity is None:
            return False
        with self._opened.snapshot() as db:
            return vectors.waiting(db, vectors.model_key(db, identity)) > 0

    def _let_go(self) -> None:
        self._decided.clear()
        self._was_let_go = True
        self._embedder.drop()
        self._write_news()

    def _write_news(self, busy_ms: int | None = None) -> None:
        if self._questions.has_news:
            now = self._clock()
            with self._opened.transaction(busy_ms=busy_ms) as tx:
                self._questions.write(tx, now)

    # ------------------------------------------------------------ making vectors

    def make_vectors(self, on_progress: Progress | None = None) -> None:
        """Makes every vector that is pending, in the calling thread, with a model that is ready; when all are there,
        those of other models go. Ends early when the memory is closed; may be broken off anywhere and begun again."""
        key = self._marked_key()
        total = done = 0
        if on_progress is not None:
            with self._opened.snapshot() as db:
                total = vectors.waiting(db, key)
            on_progress(0, total)
        after = 0
        while not self._closing:
            with self._opened.snapshot() as db:
                batch = vectors.pending(db, key, _BATCH, after)
                is_outdated = not batch and vectors.has_outdated(db, key)
            if is_outdated:
                with self._opened.transaction() as tx:
                    vectors.drop_outdated(tx, key)
            if not batch:
                break
            # The model runs outside any transaction, and the marks say where to go on after a crash.
            made = {each: self._embedder.vector(each.text) for each in batch}
            with self._opened.transaction() as tx:
                same = vectors.still_pending(tx, key, batch)
                vectors.store(tx, [(each.embedding_rowid, made[each]) for each in same], self._clock())
            after = batch[-1].embedding_rowid
            done += len(batch)
            self._last_use = time.monotonic()
            if on_progress is not None:
                on_progress(min(done, total), total)
        if done >= _BATCH:  # one text more or less is not worth the 5 ms
            give_back_memory()

    def _marked_key(self) -> int:
        """The key of the loaded model, for which every wording is now marked that it has not seen."""
        identity = self._embedder.identity
        assert identity is not None, "a loaded model says what it is"
        marked, after = self._marked
        is_new = marked != identity.fingerprint
        with self._opened.snapshot() as db:
            key = vectors.model_key(db, identity)
            newest = vectors.newest_text(db)
        if is_new or key is None or newest > after:
            with self._opened.transaction() as tx:
                key = vectors.name_model(tx, identity, self._clock())
                if is_new:  # once: of two processes with two models, the one that began later has its way
                    vectors.choose(tx, key)
                vectors.mark_missing(tx, key, 0 if is_new else after)
            self._marked = identity.fingerprint, newest
        return key
