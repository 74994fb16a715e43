"""The commands that keep copies and put them back: `drift backup`."""

from __future__ import annotations

from typing import Any


def add_to(commands: Any) -> None:
    del commands
