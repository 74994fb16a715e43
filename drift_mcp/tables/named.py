"""Rows as named tuples."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T", bound=tuple[Any, ...])


def maker(kind: type[T]) -> Callable[[Iterable[Any]], T]:
    """Makes a row of just the columns of `kind` into one. It does not count them once more, as `_make` does, nor name
    them, as a call does: of a look-up that gives many rows this is a fifth of the time."""
    return functools.partial(tuple.__new__, kind)
