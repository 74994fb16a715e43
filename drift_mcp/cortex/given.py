"""What somebody gives for a memory, apart from its content: checked, and in the form that is stored.

Raises a DriftError that names the argument; never guesses what was meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from drift_mcp.cortex import citations, content
from drift_mcp.cortex.citations import Citation, Cited, CitedFunction, FunctionAt
from drift_mcp.cortex.content import Content, MemoryType
from drift_mcp.errors import DriftError

Importance = Literal["low", "normal", "high", "critical"]
IMPORTANCES: tuple[Importance, ...] = get_args(Importance)


def cited(root: Path, files: Sequence[str | Citation]) -> tuple[Cited, ...]:
    made = {citations.made(root, citations.asked(file) if isinstance(file, str) else file): None for file in files}
    return tuple(sorted(made, key=lambda each: (each.file, each.line_start or 0)))


def functions(root: Path, given: Sequence[str | FunctionAt]) -> tuple[CitedFunction, ...]:
    if isinstance(given, str):
        raise DriftError("'functions' is a list of ids, not one text.")
    made: dict[str, CitedFunction] = {}
    for each in given:
        known = content.text_given(each if isinstance(each, str) else each.function, "functions")
        made[known] = citations.function(root, known if isinstance(each, str) else each)
    return tuple(made[name] for name in sorted(made))


def names(given: Sequence[str], argument: str) -> tuple[str, ...]:
    if isinstance(given, str):
        raise DriftError(f"'{argument}' is a list of ids, not one text.")
    return tuple(sorted({content.text_given(name, argument) for name in given}))


def tags(given: Sequence[str]) -> list[str]:
    if isinstance(given, str):
        raise DriftError("'tags' is a list of words, not one text.")
    return list(dict.fromkeys(content.text_given(tag, "tags") for tag in given))


def summary(given: str) -> str:
    return " ".join(content.text_given(given, "summary").split())


def importance(given: str) -> Importance:
    for known in IMPORTANCES:
        if known == given:
            return known
    raise DriftError(f"No importance '{given[:40]}'. There are: {', '.join(IMPORTANCES)}.")


def confidence(given: float) -> float:
    if not 0.0 <= given <= 1.0:
        raise DriftError(f"Confidence lies from 0 to 1, not {given}.")
    return float(given)


def refuse_no_time(valid_from: str, valid_until: str | None) -> None:
    if valid_until is not None and valid_until <= valid_from:
        raise DriftError(f"'valid_until' ({valid_until}) is not after 'valid_from' ({valid_from}).")


def refuse_secrets(memory_type: MemoryType, what: Content, summary: str, tags: Sequence[str]) -> None:
    where = f"this {memory_type} memory"
    content.refuse_secrets(where, content.texts_in(what))
    content.refuse_secrets(where, iter([("summary", summary), *(("tags", tag) for tag in tags)]))


def refuse_secret_reason(reason: str | None) -> None:
    if reason is not None:
        content.refuse_secrets("this change", iter([("reason", content.text_given(reason, "reason"))]))
