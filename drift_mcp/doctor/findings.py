"""What a look at a store finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# error: nothing can be asked, or what is answered may be wrong. warning: something is not as it should be. info: worth
# knowing, and nothing is wrong.
Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    check: str  # which of the checks found it
    severity: Severity
    where: str  # 'drift.db', 'cortex.db', '.drift/', 'registry.db'
    what: str
    todo: str  # for whoever reads it; of what can be mended, what mending does
    is_fixable: bool = False
    is_unusable: bool = False  # nothing can be asked of that database
    done: str | None = None  # what mending did; None = it is as it was
    refused: str | None = None  # why mending did not

    @property
    def is_wrong(self) -> bool:
        return self.severity != "info" and self.done is None


@dataclass(frozen=True, slots=True)
class Report:
    findings: tuple[Finding, ...]
    facts: Mapping[str, Mapping[str, int | str | bool | None]]  # database → how it stands

    @property
    def is_well(self) -> bool:
        """Nothing is wrong, or all of it was mended."""
        return not any(each.is_wrong for each in self.findings)

    @property
    def is_usable(self) -> bool:
        return not any(each.is_unusable and each.done is None for each in self.findings)
