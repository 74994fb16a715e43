"""From which word of a person to which other one may be gone. The tables of it stand with what is judged."""

from __future__ import annotations

from collections.abc import Mapping

from drift_mcp.errors import DriftError


def check(noun: str, name: str, before: str | None, after: str, transitions: Mapping[str, tuple[str, ...]]) -> None:
    """Raises DriftError when nothing of this name is there (`before` is None), or when it cannot become `after`."""
    if before is None:
        raise DriftError(
            f"No {noun} {name!r}. `drift facts {noun}s --json` lists those that there are, with their ids."
        )
    if after != before and after not in transitions[before]:
        ways = " or ".join(repr(each) for each in transitions[before])
        raise DriftError(f"The {noun} {name!r} is {before!r}, and from there it can become {ways}, not {after!r}.")
