"""What a person set in `.drift/config.toml`. Never writes it; where nothing is set, the defaults here hold."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

from drift_mcp.errors import DriftError

FILE: Final = "config.toml"


class Settings(NamedTuple):
    """`[backup] keep`: how many backups stay when a new one is made. `[memory] model`: which embedding model finds
    memories by meaning, by its name on the Hugging Face hub or as a folder; None = the one that comes with Drift."""

    backup_keep: int = 5
    memory_model: str | None = None


# No file system has longer names.
_LONGEST_NAME: Final = 255
# What can be set, by table.
_KNOWN: Final = {"backup": ("keep",), "memory": ("model",)}


def read(folder: Path) -> Settings:
    """What is set in `config.toml` of this folder. Raises DriftError for what cannot be meant."""
    try:
        text = (folder / FILE).read_bytes().decode("utf-8-sig")  # some editors put a mark in front
    except FileNotFoundError:
        return Settings()
    except UnicodeDecodeError as problem:
        raise DriftError(f"{FILE} is not UTF-8 (byte {problem.start}). Save it as UTF-8.") from problem
    except OSError as problem:
        raise DriftError(f"{FILE} cannot be read: {problem.strerror}. Check its permissions.") from problem
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise DriftError(f"{FILE} is not valid TOML: {problem}. Correct it, or move it away.") from problem
    for table, values in given.items():
        _refuse_unknown(table, _KNOWN, "table")
        if not isinstance(values, dict):
            raise DriftError(
                f"In {FILE}, {table!r} is {_said(values)}, not a table. Write [{table}] and its keys below."
            )
        for key in values:
            _refuse_unknown(key, _KNOWN[table], f"key in [{table}]")
    keep = given.get("backup", {}).get("keep", Settings().backup_keep)
    if not isinstance(keep, int) or isinstance(keep, bool) or keep < 1:
        raise DriftError(
            f"In {FILE}, `keep` of [backup] is {_said(keep)}. It says how many backups stay: write a whole number "
            "from 1 up."
        )
    model = given.get("memory", {}).get("model")
    is_name = isinstance(model, str) and model.isprintable() and 0 < len(model.strip()) <= _LONGEST_NAME
    if model is not None and not is_name:
        raise DriftError(
            f"In {FILE}, `model` of [memory] is {_said(model)}. It names the embedding model: write the name of one "
            "for sentence-transformers, like 'BAAI/bge-small-en-v1.5', or a folder; without the line it is the default."
        )
    return Settings(keep, None if model is None else model.strip())


def _refuse_unknown(name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise DriftError(
            f"{FILE} has no {what} {name!r}. {f'Nearest: {near[0]!r}. ' if near else ''}Known: {', '.join(known)}."
        )


def _said(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
