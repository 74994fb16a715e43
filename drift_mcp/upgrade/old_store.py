"""The predecessor's `drift.db`, read from a copy: its rows become the same records as those of the JSON files beside
it, so that of each row the richer telling wins, and a person's word whoever tells it.

- Its tables have the names of today's, and nearly their columns. Times stand in two forms, text may stand where a
  number should, and an older database lacks columns: each row is read for what it has.
- What its own migration of the JSON files left at a default says nothing, so that the file that knows it wins.
- `sync_log` was a queue of changes to be sent elsewhere, filled by triggers, one row for each counted location: no fact
  about the code, and not taken. Tables that it should not have are counted. Both stay in the archive.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import apsw

from drift_mcp.scan.secrets import REDACTED, redact_default
from drift_mcp.store import elsewhere
from drift_mcp.tables import coupling
from drift_mcp.tables.patterns import confidence_level
from drift_mcp.tables.public import NOW, Column
from drift_mcp.upgrade import callgraph, environment, patterns, variants
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, kept, rows, without_root
from drift_mcp.upgrade.loading import plans
from drift_mcp.upgrade.records import SOURCE, Note, Record, Repeated, Row, Unfit, Where, path
from drift_mcp.upgrade.sources import Source

SCHEMA_RECORD: Final = "the version of the old schema, written down as a project"
NO_FIGURE: Final = "an audit without a figure: the old tool's synchronisation wrote it beside the right one"
NOWHERE: Final = "a tie that leads nowhere: the old tool's synchronisation wrote it for a module without any"

# Tables whose rows become those of the same table of today's, in an order in which what is pointed to comes first.
_PLAIN: Final = (
    "patterns", "pattern_locations", "pattern_variants", "pattern_examples", "contracts", "contract_frontends",
    "constraints", "data_models", "sensitive_fields", "data_access_points", "audit_snapshots", "pattern_history",
    "health_trends", "scan_history", "dna_profile", "dna_genes", "dna_mutations", "test_files", "test_coverage",
    "constants", "constant_usages", "decisions", "module_coupling", "coupling_cycles", "error_boundaries",
    "error_handling_gaps", "wrappers", "wrapper_clusters", "quality_gate_runs", "quality_gate_snapshots",
    "learned_patterns", "config", "feature_flags",
)  # fmt: skip
_OTHER: Final = ("project", "env_variables", "env_access_points", "functions", "function_calls", "function_data_access")

# Today's column → the predecessor's, where they differ.
_NAMES: Final = {
    "file_id": "file",
    "backend_file_id": "backend_file",
    "test_file_id": "test_file",
    "source_file_id": "source_file",
    "pattern_key": "pattern_id",
}
# Counted from other rows.
_COUNTS: Final = ("location_count", "outlier_count")

# A row as the database has it: column → value.
Told: TypeAlias = dict[str, Any]


def records(source: Source, scratch: Path, root: str | None) -> Iterator[Row]:
    """Every row of every table. `scratch`: a folder for the copy that is read. Raises DriftError when the file is no
    database, or where it is damaged."""
    with elsewhere.copied(source.path, scratch) as db:
        store = _Store(source, db, root)
        for table in _PLAIN:
            yield from _plain(store, table)
        yield from _environment(store)
        yield from _call_graph(store)
        yield from _projects(store)
        for table in store.tables:
            if table not in (*_PLAIN, *_OTHER) and (count := sum(1 for _ in store.rows(table))):
                what = "what was to be sent elsewhere" if table == "sync_log" else "a table that is not known"
                yield Note(f"{source.name}: {table}, {what}, has {count:,} rows. They stay in the archive.")


class _Store:
    """The database, and what its rows refer to by ids that are not those of today."""

    def __init__(self, source: Source, db: apsw.Connection, root: str | None) -> None:
        self.source = source
        self.root = root
        self._db = db
        self.tables = elsewhere.tables(db)
        self.functions = callgraph.Functions([(where, _function(row)) for where, row in self.rows("functions")], root)
        self.constants = {row.get("id"): _place_of_constant(row, root) for _, row in self.rows("constants")}

    def rows(self, table: str) -> Iterator[tuple[Where, Told]]:
        """Each with its place. None when there is no such table."""
        if table in self.tables:
            for number, row in enumerate(elsewhere.rows(self._db, table), 1):
                yield Where(self.source.name, f"row {number} of {table}"), row


# -- tables that are what they were


def _plain(store: _Store, table: str) -> Iterator[Row]:
    plan = plans()[table]
    adapted = _ADAPTED.get(table)
    own = ("id",) if "id" not in plan.places else ()

    def made(where: Where, told: Fields) -> Record:
        values = {column.name: _value(store, column, told) for column in plan.columns}
        for name in (*own, *_COUNTS):
            told.take(name)
        carried = told.rest()
        if adapted is not None:
            adapted(store, values, carried)
        return Record(table, values, where, carried)

    for where, row in store.rows(table):
        reason = _again(table, row)
        if reason is not None:
            yield Repeated(table, where, reason)
            continue
        for record in rows(table, store.root, [(where, row)], made):
            yield record
            if isinstance(record, Record) and "category" in record.carried:
                yield patterns.unknown_category(record.carried["category"])


def _value(store: _Store, column: Column, told: Fields) -> Any:
    """What a row says of a column; None when it says what stands there if nobody says anything."""
    name = _NAMES.get(column.name, column.name)
    if column.form == "file":
        return told.path(name) if column.is_required else told.path_if_any(name)
    value = told.take(name)
    if column.form == "function":
        found = store.functions.ids.get(value)
        if found is None and value is not None:
            told.leave(name, value)
        return found
    if column.form == "json":
        return without_root(value, store.root)
    is_unsaid = column.has_default and column.default != NOW and value == column.default
    return None if is_unsaid else value


def _again(table: str, row: Told) -> str | None:
    """Why a row says nothing that no other one says; None: it does."""
    if table == "audit_snapshots" and row.get("health_score") is None and not any(map(row.get, _FIGURES)):
        return NO_FIGURE
    if table == "module_coupling" and row.get("target_module") == "":
        return NOWHERE
    return None


_FIGURES: Final = ("total_patterns", "avg_confidence", "summary")

# Changes (values, carried) of a row where a column means something else today.
Adapt: TypeAlias = Callable[[_Store, Told, Told], None]


def _pattern(store: _Store, values: Told, carried: Told) -> None:
    _file_under(values, carried)
    score = values["confidence_score"]
    if values["confidence_level"] is None and type(score) in (int, float) and 0 <= score <= 1:
        values["confidence_level"] = confidence_level(score)
    if values["source"] is not None:
        carried["metadata.source"] = values["source"]
    values["source"] = SOURCE


def _file_under(values: Told, carried: Told) -> None:
    about, is_known = patterns.category(values["category"])
    if not is_known:
        carried["category"] = values["category"]
    values["category"] = about


def _sensitive_field(store: _Store, values: Told, carried: Told) -> None:
    if values["table_name"] == "unknown":  # it could not say that there is none
        values["table_name"] = None


def _trend(store: _Store, values: Told, carried: Told) -> None:
    # How many patterns the audit would have approved by itself.
    if values["approved_count"] is not None:
        carried["approvedCount"] = values["approved_count"]
    values["approved_count"] = None


def _scan(store: _Store, values: Told, carried: Told) -> None:
    if values["status"] is None:  # 'running': none of that time still runs
        values["status"] = "failed" if values["completed_at"] is None else "completed"


def _variant(store: _Store, values: Told, carried: Told) -> None:
    said = values["scope_value"]
    if values["scope"] == "global":
        values["scope_value"] = None
        carried |= {} if said is None else {"scopeValue": said}
    else:
        values["scope_value"] = variants.place(said, store.root)


def _constant(store: _Store, values: Told, carried: Told) -> None:
    value = values["value"]
    if isinstance(value, str):
        safe = REDACTED if values["is_secret"] else redact_default(str(values["name"]), value)
        values["value"], values["is_secret"] = safe, values["is_secret"] or safe != value


def _usage(store: _Store, values: Told, carried: Told) -> None:
    values["constant_id"] = store.constants.get(values["constant_id"], values["constant_id"])


def _cycle(store: _Store, values: Told, carried: Told) -> None:
    modules = _list(values["modules"])
    if modules:
        values["cycle_hash"], values["length"] = coupling.ring(modules), len(modules)


_ADAPTED: Final[Mapping[str, Adapt]] = {
    "patterns": _pattern,
    "sensitive_fields": _sensitive_field,
    "health_trends": _trend,
    "scan_history": _scan,
    "pattern_variants": _variant,
    "constants": _constant,
    "constant_usages": _usage,
    "coupling_cycles": _cycle,
}


def _list(text: Any) -> list[str]:
    """A list of texts, which stands there as JSON; empty when there is none."""
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return []
    return found if isinstance(found, list) and all(isinstance(each, str) for each in found) else []


def _place_of_constant(row: Told, root: str | None) -> str | None:
    try:
        return f"{path(row.get('file'), root)}:{row.get('name')}:{row.get('line')}"
    except Unfit:
        return None


# -- tables that are something else today


# The predecessor's columns → the fields of its JSON.
_IN_JSON: Final = {
    "var_name": "varName",
    "column_num": "column",
    "has_default": "hasDefault",
    "default_value": "defaultValue",
    "is_required": "isRequired",
}


def _environment(store: _Store) -> Iterator[Row]:
    """As the JSON file tells of it: what keeps its secrets keeps these."""
    variables = [_in_json(row) for _, row in store.rows("env_variables")]
    for each in variables:
        default = each.pop("defaultValue", None)
        if isinstance(default, str):
            is_secret = each.get("sensitivity") == "secret"
            each["defaultValue"] = REDACTED if is_secret else redact_default(str(each.get("name")), default)
    told = {"variables": variables, "accessPoints": [_in_json(row) for _, row in store.rows("env_access_points")]}
    yield from environment.records(Document(store.source, told, "", store.root))


def _in_json(row: Told) -> Told:
    return {_IN_JSON.get(name, name): value for name, value in row.items()}


def _function(row: Told) -> Told:
    """As the native call graph has it: the name that tells it from others of its file is its name there."""
    told = dict(row)
    qualified = told.pop("qualified_name", None)
    return {**told, "name": qualified or told.get("name")}


def _call(row: Told) -> Told:
    told = dict(row)
    told.pop("resolved", None)  # as it is by what it is resolved to
    return {**told, "target": told.pop("callee_name", None), "resolved_id": told.pop("callee_id", None)}


def _call_graph(store: _Store) -> Iterator[Row]:
    functions = store.functions
    yield from rows("functions", store.root, functions.told, functions.record)
    calls = ((where, _call(row)) for where, row in store.rows("function_calls"))
    yield from rows("function_calls", store.root, calls, callgraph.Calls(functions).record)
    for where, row in store.rows("function_data_access"):
        yield from callgraph.accesses(where, row, functions, store.root)


def _projects(store: _Store) -> Iterator[Row]:
    for where, row in store.rows("project"):
        if row.get("id") == "schema_version":
            yield Repeated("project", where, SCHEMA_RECORD)
        else:
            yield kept(where, {name: value for name, value in row.items() if name != "root_path"})
