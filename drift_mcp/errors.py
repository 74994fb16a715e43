"""What the asker can fix, said so that they can. Anything else that goes wrong is not of this kind."""

from __future__ import annotations


class DriftError(Exception):
    """A message for whoever asked: what was asked, what was found, what to do."""


class StoreUnusable(DriftError):
    """The store cannot be opened or written: damaged, newer, locked, on a full or read-only disk. It is as it was."""


class StoreDamaged(StoreUnusable):
    """The file itself is at fault: it is none of ours, or no longer what was written. `file`: its name."""

    def __init__(self, message: str, file: str) -> None:
        super().__init__(message)
        self.file = file


class NotInitialised(DriftError):
    """There is no store here yet, or nothing was scanned into it."""


class QueryTimeout(DriftError):
    """A query was given up because it took too long."""


class AlreadyRunning(DriftError):
    """Another process is doing the same thing at this moment."""
