"""Environment variables and the places that read them.

Every access point is written twice, and is taken once. A default that may be a secret is redacted before it becomes a
record, and so is the source around it, where that default and those of its neighbours stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from drift_mcp.scan.secrets import REDACTED, redact_default
from drift_mcp.upgrade import accesses
from drift_mcp.upgrade.documents import Document, members
from drift_mcp.upgrade.fields import Fields, beside, listed, rows
from drift_mcp.upgrade.records import SOURCE, Record, Row, Where, compact

# A piece of a secret that is shorter gives nothing away, and is found everywhere.
_LEAST_LENGTH: Final = 4


def records(document: Document) -> Iterator[Row]:
    """Of `environment/access-map.json`."""
    found = _Defaults(document)

    def variable(where: Where, told: Fields) -> Record:
        return _variable(where, told, found)

    def access(where: Where, told: Fields) -> Record:
        return _access(where, told, found)

    yield from rows("env_variables", document.root, _variables(document), variable)
    yield from accesses.once(document, "env_access_points", "variables", ("file", "line", "column", "varName"), access)
    yield from beside(document, "variables", "accessPoints")


def _variables(document: Document) -> Iterator[tuple[Where, Any]]:
    """Those that are listed, and those of which only the places are known that read them."""
    known = set()
    for where, told in listed(document, "variables"):
        known.add(_name(told, "name"))
        yield where, told
    for where, told in listed(document, "accessPoints"):
        name = _name(told, "varName")
        if name and name not in known:
            known.add(name)
            yield where, {"name": name, "sensitivity": told.get("sensitivity")}


def _name(told: Any, field: str) -> str:
    said = told.get(field) if isinstance(told, Mapping) else None
    return said if isinstance(said, str) else ""


class _Defaults:
    """What the places that read a variable say of its default, and what must not be seen of them. Never changes."""

    def __init__(self, document: Document) -> None:
        self.sensitivity: dict[str, str] = {}
        self._kept: dict[str, list[tuple[str, bool]]] = {}
        secrets: set[str] = set()
        points = list(listed(document, "accessPoints"))
        for where, told in listed(document, "variables"):
            self.sensitivity[_name(told, "name")] = _name(told, "sensitivity")
            if isinstance(told, Mapping):
                points += members(where, told.get("accessedBy"))
        for _, told in points:
            if isinstance(told, Mapping) and told.get("defaultValue") is not None:
                name, default = _name(told, "varName"), _text(told["defaultValue"])
                kept, is_redacted = self.redacted(name, _name(told, "sensitivity"), default)
                self._kept.setdefault(name, []).append((kept, is_redacted))
                if is_redacted and len(secret := default.strip("'\"`")) >= _LEAST_LENGTH:
                    secrets.add(secret)
        # The longest first: it may begin with another one.
        self._secrets = sorted(secrets, key=lambda secret: (-len(secret), secret))

    def redacted(self, name: str, sensitivity: str, default: str) -> tuple[str, bool]:
        """The default as it may be stored, and whether that is another. A secret is what the predecessor took for one,
        too, unless it is a plain number or a flag: `PASSWORD_LENGTH` was a secret to it."""
        kept = redact_default(name, default) or ""
        if (
            kept == default
            and "secret" in (sensitivity, self.sensitivity.get(name))
            and not _PLAIN.fullmatch(default.strip("'\"`"))
        ):
            kept = REDACTED
        return kept, kept != default

    def of(self, name: str) -> tuple[str | None, bool]:
        """The default that stands for all of a variable: as today's scan has it, the first by the alphabet."""
        told = self._kept.get(name, [])
        return min((kept for kept, _ in told), default=None), any(is_redacted for _, is_redacted in told)

    def hidden(self, source: str) -> str:
        """A piece of source without the secrets, also where it was cut in the middle of one."""
        for secret in self._secrets:
            source = source.replace(secret, REDACTED)
            for length in range(len(secret) - 1, _LEAST_LENGTH - 1, -1):
                if source.startswith(secret[-length:]):
                    source = REDACTED + source[length:]
                if source.endswith(secret[:length]):
                    source = source[:-length] + REDACTED
        return source


_PLAIN: Final = re.compile(r"|[\d._]+|true|false|null|none|undefined", re.IGNORECASE)


def _text(default: Any) -> str:
    return default if isinstance(default, str) else compact(default)


def _variable(where: Where, told: Fields, defaults: _Defaults) -> Record:
    name = told.text("name")
    default, is_redacted = defaults.of(name or "")
    told.items("accessedBy")
    told.texts("files")  # of the access points
    values = {
        "name": name,
        "sensitivity": told.take("sensitivity"),
        "has_default": told.take("hasDefault"),
        "is_required": told.take("isRequired"),
        "default_value": default,
        "is_redacted": is_redacted,
        "source": SOURCE,
    }
    return Record("env_variables", values, where, told.rest())


def _access(where: Where, told: Fields, defaults: _Defaults) -> Record:
    told.take("id")  # made of the file, line, column and name; views make today's of the same
    name = told.text("varName") or ""
    default, sensitivity = told.take("defaultValue"), told.take("sensitivity")
    kept, is_redacted = (None, False) if default is None else defaults.redacted(name, str(sensitivity), _text(default))
    context = told.text("context")
    values = {
        "var_name": name or None,
        "method": told.text("method") or "unknown",
        "file_id": told.path("file"),
        "line": told.take("line"),
        "column_num": told.take("column"),
        "context": None if context is None else defaults.hidden(context),
        "language": told.take("language"),
        "confidence": told.take("confidence"),
        "has_default": told.take("hasDefault"),
        "default_value": kept,
        "is_redacted": is_redacted,
        "is_required": told.take("isRequired"),
    }
    carried = told.rest()
    if sensitivity not in (None, defaults.sensitivity.get(name)):
        carried["sensitivity"] = sensitivity
    return Record("env_access_points", values, where, carried)
