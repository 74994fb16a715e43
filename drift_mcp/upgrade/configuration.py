"""How the project was set up: `config.json`, `source-of-truth.json`, and the two files that are called `manifest.json`.

A setting becomes a row of `config`, its name dotted where it stood in an object. Parts of the analysis that are on or
off become feature flags. What is said of the last scan becomes one of the past. Where the project lay is nobody's
setting, and is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from drift_mcp.scan.secrets import redact_default
from drift_mcp.upgrade.documents import Document, members
from drift_mcp.upgrade.fields import Fields, beside, kept, listed, rows, without_root
from drift_mcp.upgrade.records import Record, Refused, Row, Where, compact, shown

_PLACES: Final = frozenset(("rootPath", "projectRoot", "driftPath"))
# What a scan of today's keeps among the settings, and which is no setting of a person's.
_TAKEN: Final = "modules"
# Deeper than this no setting of the predecessor's stood; a value of that depth is one value.
_DEEPEST: Final = 6


def settings(document: Document) -> Iterator[Row]:
    """Of `config.json`."""
    for name, value in document.data.items():
        where = document.where(name)
        if name == "features":
            yield from _features(document)
        elif name == _TAKEN:
            yield kept(where, {name: without_root(value, document.root)})
        elif name != "version":
            yield from _settings(document, where, value, 1)


def _settings(document: Document, where: Where, value: Any, depth: int) -> Iterator[Record]:
    name = where.position.rpartition(".")[2]
    if name in _PLACES or value is None:
        return
    if isinstance(value, Mapping) and depth < _DEEPEST:
        for inner, each in value.items():
            yield from _settings(document, Where(where.file, f"{where.position}.{inner}"), each, depth + 1)
        return
    said = without_root(value, document.root)
    if isinstance(said, str):
        said = redact_default(name, said)
    yield Record("config", {"key": where.position, "value": compact(said)}, where)


def truth(document: Document) -> Iterator[Row]:
    """Of `source-of-truth.json`. What was done, and which project it is, is carried along."""
    root = document.root
    baseline = document.data.get("baseline")
    if baseline is not None:
        yield from rows("scan_history", root, [(document.where("baseline"), baseline)], _baseline)
    yield from _features(document)
    if (own := document.data.get("settings")) is not None:
        yield from _settings(document, document.where("settings"), own, 1)
    for where, each in listed(document, "history"):
        yield kept(where, {"history": without_root(each, root)})
    if isinstance(project := document.data.get("project"), Mapping):
        inside = {name: value for name, value in project.items() if name not in _PLACES}
        if inside:
            yield kept(document.where("project"), without_root(inside, root))
    yield from beside(document, "baseline", "features", "settings", "history", "project")


def manifest(document: Document) -> Iterator[Row]:
    """Of a `manifest.json`: that of the setup names a version, that of the data lake the last scan. Its counts and the
    hashes of its files are made anew."""
    last = document.data.get("lastScan")
    if last is not None:
        yield from rows("scan_history", document.root, [(document.where("lastScan"), last)], _last_scan)
    yield from beside(document, "lastScan", "fileHashes", "views")


def _features(document: Document) -> Iterator[Row]:
    """Each is on or off, or an object that says so, and when it was built."""
    where, told = document.where("features"), document.data.get("features")
    if isinstance(told, Mapping):
        for name, (place, each) in zip(told, members(where, told), strict=True):
            said = each if isinstance(each, Mapping) else {"enabled": each}
            yield from rows("feature_flags", document.root, [(place, {"feature": name, **said})], _feature)
    elif told is not None:
        yield Refused("feature_flags", where, f"{shown(told)} names no feature.")


def _feature(where: Where, told: Fields) -> Record:
    stats = told.take("stats")
    values = {
        "feature": told.take("feature"),
        "enabled": told.take("enabled"),
        "built_at": told.take("builtAt"),
        "config": None if stats is None else {"stats": stats},
    }
    return Record("feature_flags", values, where, told.rest())


def _baseline(where: Where, told: Fields) -> Record:
    at = told.take("scannedAt")
    values = {
        "scan_id": told.take("scanId"),
        "started_at": at,
        "completed_at": at,
        "files_scanned": told.take("fileCount"),
        "patterns_found": told.take("patternCount"),
        "patterns_approved": told.take("approvedCount"),
        "status": "completed",
        "checksum": told.take("checksum"),
    }
    return Record("scan_history", values, where, told.rest())


def _last_scan(where: Where, told: Fields) -> Record:
    at = told.take("timestamp")
    values = {
        "scan_id": f"lake-{at}",  # it has no name of its own
        "started_at": at,
        "completed_at": at,
        "duration_ms": told.take("duration"),
        "files_scanned": told.take("filesScanned"),
        "patterns_found": told.take("patternsFound"),
        "status": "completed",
        "errors": told.take("errors"),
    }
    return Record("scan_history", values, where, told.rest())
