"""How a project was set up: settings that differ from their defaults, and parts of the analysis that are on or off.

First what writes, then what reads. A person sets these; what they set in `.drift/config.toml` is not here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw


class NewSetting(NamedTuple):
    key: str
    value: str  # JSON
    updated_at: str | None = None  # None: now


_PUT = """
INSERT INTO config (key, value, updated_at)
VALUES (?, ?, ifnull(?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))
ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
WHERE value <> excluded.value
"""


def put(tx: apsw.Connection, settings: Iterable[NewSetting]) -> None:
    """Sets settings."""
    tx.executemany(_PUT, settings)


def reset(tx: apsw.Connection, keys: Iterable[str]) -> None:
    """These settings have their defaults again."""
    tx.executemany("DELETE FROM config WHERE key = ?", ((key,) for key in keys))


class NewFlag(NamedTuple):
    feature: str
    enabled: int = 0
    built_at: str | None = None  # None: never built, or as it was
    config: str | None = None  # JSON


_PUT_FLAG = """
INSERT INTO feature_flags (feature, enabled, built_at, config)
VALUES (?, ?, ?, ?)
ON CONFLICT (feature) DO UPDATE SET
    enabled = excluded.enabled,
    built_at = ifnull(excluded.built_at, built_at),
    config = excluded.config
WHERE (enabled, built_at, config) IS NOT (excluded.enabled, ifnull(excluded.built_at, built_at), excluded.config)
"""


def put_flags(tx: apsw.Connection, flags: Iterable[NewFlag]) -> None:
    """Switches parts of the analysis on or off. When one was built last stays, unless it is said."""
    tx.executemany(_PUT_FLAG, flags)


def drop_flags(tx: apsw.Connection, features: Iterable[str]) -> None:
    """These parts are again as they are by default."""
    tx.executemany("DELETE FROM feature_flags WHERE feature = ?", ((feature,) for feature in features))


# ---------------------------------------------------------------------------------------------------------------------


class Setting(NamedTuple):
    key: str
    value: str
    updated_at: str


_SETTINGS = "SELECT key, value, updated_at FROM config"


def one(db: apsw.Connection, key: str) -> Setting | None:
    """None: it has its default."""
    row = db.execute(_SETTINGS + " WHERE key = ?", (key,)).fetchone()
    return None if row is None else Setting(*row)


def every(db: apsw.Connection) -> list[Setting]:
    return [Setting(*row) for row in db.execute(_SETTINGS + " ORDER BY key")]


class Flag(NamedTuple):
    feature: str
    enabled: int
    built_at: str | None
    config: str | None


_FLAGS = "SELECT feature, enabled, built_at, config FROM feature_flags"


def flag(db: apsw.Connection, feature: str) -> Flag | None:
    """None: nobody switched it."""
    row = db.execute(_FLAGS + " WHERE feature = ?", (feature,)).fetchone()
    return None if row is None else Flag(*row)


def every_flag(db: apsw.Connection) -> list[Flag]:
    return [Flag(*row) for row in db.execute(_FLAGS + " ORDER BY feature")]
