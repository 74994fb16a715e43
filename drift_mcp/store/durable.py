"""Files that are on the disk when the call returns, also after a power cut. For files that no database connection of
this process has open: see `connection`."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def text(path: Path, content: str) -> None:
    """Write a file. A crash in the middle leaves a part of it: write under another name first, then `renamed`."""
    with path.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def file(path: Path) -> None:
    """What was written to the file by others in this process is on the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def renamed(old: Path, new: Path) -> None:
    """`old` stands where `new` stood, and nobody ever finds neither."""
    old.replace(new)
    folder(new.parent)


def folder(path: Path) -> None:
    """The names in a folder are on the disk."""
    if sys.platform == "win32":
        return  # it cannot open folders; NTFS keeps names in a journal of its own
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
