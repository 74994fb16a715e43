"""Which memories this conversation has in hand: those that this process has sent, each in the version that it was.

A client starts a server of its own for a conversation, so that the two are one; a server that several share takes
them for one. Nothing is written: the next process begins anew.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable


class SentMemories:
    """Threads may share it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._sent: set[tuple[str, int]] = set()

    def add(self, memories: Iterable[tuple[str, int]]) -> None:
        """These were sent, each with its version: a later version says something new, and counts as unsent."""
        with self._guard:
            self._sent.update(memories)

    def all(self) -> frozenset[tuple[str, int]]:
        with self._guard:
            return frozenset(self._sent)
