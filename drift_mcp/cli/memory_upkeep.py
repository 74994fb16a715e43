"""`drift memory validate` and its neighbours: looking after what was remembered."""

from __future__ import annotations

from typing import Any


def add_to(actions: Any) -> None:
    """The actions of `drift memory` that show first and change only when told."""
