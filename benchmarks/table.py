"""How a benchmark is told: the command that repeats it, the machine, and one table. Measures nothing."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

import apsw

# What decides how long a statement takes; read from a connection as the program opens it.
_PRAGMAS = ("journal_mode", "synchronous", "page_size", "cache_size", "mmap_size")


def show(
    title: str, command: str, pragmas: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]
) -> None:
    """Prints the table as Markdown, so that it can be kept as it is."""
    print(f"\n## {title}\n")
    print(f"    {command}\n")
    print(f"{machine()}  ")
    print(f"{pragmas}\n" if pragmas else "")
    widths = [max(len(row[place]) for row in (columns, *rows)) for place in range(len(columns))]
    for row in (columns, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
    for note in notes:
        print(f"\n{note}")
    print(flush=True)


def machine() -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, Python {platform.python_version()}, "
        f"SQLite {apsw.sqlite_lib_version()}; load when it was printed: {load}"
    )


def pragmas(db: apsw.Connection) -> str:
    said = ", ".join(f"{name} {db.pragma(name)}" for name in _PRAGMAS)
    return f"{Path(db.filename).name}: {said}"


def median_ms(seconds: Sequence[float]) -> str:
    milliseconds = statistics.median(seconds) * 1e3
    return f"{milliseconds:.2f}" if milliseconds >= 0.1 else f"{milliseconds:.3f}"


def p95_ms(seconds: Sequence[float]) -> str:
    return f"{percentile(seconds, 0.95) * 1e3:.2f}"


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def ratio(values: Sequence[float], floor: Sequence[float]) -> str:
    """Of the medians."""
    return f"{statistics.median(values) / statistics.median(floor):.2f}"
