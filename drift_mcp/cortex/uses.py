"""When memories were of use: on opening one by its id, and when it was among the first answers to a question.

Use slows the fading down and says what keeps being needed. It is noted once a day for a memory, adds no version, and
is worth waiting for to nobody: a thread of its own writes it, only when there is something to write, and what cannot
be written is let go.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable

import apsw

from drift_mcp.cortex.opened import Opened
from drift_mcp.errors import StoreUnusable

# The hits of a question that are taken for used: an agent reads the first lines, and what stands below was at most
# looked past. Were the whole page used, asking would keep everything fresh.
FIRST_HITS = 3
# How long it waits for another process that writes. A use that is lost is one day's.
_PATIENCE_MS = 250


class Uses:
    """Notes uses behind the reads. Threads may share it."""

    def __init__(self, opened: Opened, clock: Callable[[], str]) -> None:
        self._opened = opened
        self._clock = clock
        self._guard = threading.Lock()
        self._waiting: set[str] = set()
        self._thread: threading.Thread | None = None

    def note(self, seen: Iterable[tuple[str, str | None]]) -> None:
        """These memories, each with when it was last used before, are of use now. Returns at once."""
        today = _today(self._clock())
        new = {memory for memory, last_used in seen if last_used is None or last_used < today}
        if not new:
            return
        with self._guard:
            self._waiting |= new
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="cortex-uses", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Waits until what is known by now is written, or let go."""
        with self._guard:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _write(self) -> None:
        while True:
            with self._guard:
                memories, self._waiting = self._waiting, set()
                if not memories:
                    self._thread = None
                    return
            # Locked for long by another process, a full disk, a store of another schema: whoever writes next is told.
            with contextlib.suppress(StoreUnusable), self._opened.transaction(busy_ms=_PATIENCE_MS) as tx:
                note(tx, memories, self._clock())


_KEEP_FORMER = """
INSERT OR IGNORE INTO memory_uses (memory_key, used_at)
SELECT key, last_accessed
FROM memories
WHERE id IN (SELECT value FROM json_each(:memories))
    AND last_accessed < :today
    AND forgotten_at IS NULL
"""
_NOTE = """
UPDATE memories
SET last_accessed = :at, access_count = access_count + 1
WHERE id IN (SELECT value FROM json_each(:memories))
    AND (last_accessed IS NULL OR last_accessed < :today)
    AND forgotten_at IS NULL
"""


def note(tx: apsw.Connection, memories: Iterable[str], at: str) -> None:
    """These memories were of use at that moment; those that were already on that day stay as they are."""
    asked = {"memories": json.dumps(sorted(memories)), "today": _today(at)}
    tx.execute(_KEEP_FORMER, asked)
    tx.execute(_NOTE, {**asked, "at": at})


def _today(at: str) -> str:
    return f"{at[:10]}T00:00:00.000Z"
