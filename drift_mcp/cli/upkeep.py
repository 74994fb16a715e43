"""`drift doctor`, `drift lock` and `drift projects`: looking after what is stored."""

from __future__ import annotations

from typing import Any


def add_to(commands: Any) -> None:
    del commands
