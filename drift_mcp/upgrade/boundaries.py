"""Where the program meets its data: models, sensitive fields and access points of `access-map.json`, and the rules that
a person set in `rules.json`.

- Every access point is written twice, and is taken once.
- `credentials` is called 'auth' today, and `unknown`, like any other word, 'custom'; the old word is carried along. A
  field of no known table stays one of no table.
- An entry of `tables` declares nothing: its access points and sensitive fields are copies, its model and its fields are
  summed up from them. Only what is said nowhere else is kept.
- A rule is a constraint today, with 'custom' for its status: a person wrote it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from drift_mcp.upgrade import accesses
from drift_mcp.upgrade.documents import Document
from drift_mcp.upgrade.fields import Fields, beside, kept, listed, one_each, rows, within
from drift_mcp.upgrade.records import Record, Refused, Row, Unfit, Where, shown

_SENSITIVITY: Final = {
    "pii": "pii",
    "financial": "financial",
    "health": "health",
    "credentials": "auth",
    "auth": "auth",
}
SAME_FIELD: Final = "the same field of the same table, or of none: one row, its places carried along"


def records(document: Document) -> Iterator[Row]:
    """Of `boundaries/access-map.json`."""
    yield from rows("data_models", document.root, listed(document, "models"), _model)
    yield from _sensitive_fields(document)
    yield from accesses.once(document, "data_access_points", "tables", ("file", "line", "column", "table"), _access)
    yield from _tables(document)
    yield from beside(document, "models", "tables", "accessPoints", "sensitiveFields")


def _model(where: Where, told: Fields) -> Record:
    name = told.text("name")
    values = {
        "name": name,
        # Where the code does not say it, every framework makes it of the class's name.
        "table_name": told.text("tableName") or name,
        "file_id": told.path("file"),
        "line": told.take("line"),
        "framework": told.take("framework"),
        "confidence": told.take("confidence"),
        "fields": told.texts("fields"),
    }
    return Record("data_models", values, where, told.rest())


def _sensitive_fields(document: Document) -> Iterator[Row]:
    """Those of the list; what is listed again under a table says nothing new."""
    found = list(listed(document, "sensitiveFields"))
    for owner, table in listed(document, "tables"):
        if isinstance(table, Mapping):
            found += within(Where(owner.file, f"{owner.position}.sensitiveFields"), table.get("sensitiveFields"))
    # Of those that become one row the surest is the first.
    found.sort(key=lambda each: _confidence(each[1]), reverse=True)
    told = rows("sensitive_fields", document.root, found, _sensitive_field)
    yield from one_each(told, ("table_name", "field_name"), SAME_FIELD)


def _confidence(told: Any) -> float:
    said = told.get("confidence") if isinstance(told, Mapping) else None
    return said if isinstance(said, int | float) and said <= 1 else 0


def _sensitive_field(where: Where, told: Fields) -> Record:
    said = told.take("sensitivityType")
    values = {
        "table_name": told.text("table"),
        "field_name": told.text("field"),
        "sensitivity": _SENSITIVITY.get(str(said), "custom"),
        "confidence": told.take("confidence"),
        "file_id": told.path("file"),
        "line": told.take("line"),
    }
    carried = told.rest()
    if said not in (None, values["sensitivity"]):
        carried["sensitivityType"] = said
    return Record("sensitive_fields", values, where, carried)


def _access(where: Where, told: Fields) -> Record:
    told.take("id")  # made of the file, line, column and table; views make today's of the same
    operation = told.text("operation")
    if operation is None or operation.lower() == "unknown":
        raise Unfit("what it does to the table is not known: a store holds what reads, writes and deletes")
    values = {
        "file_id": told.path("file"),
        "line": told.take("line"),
        "column_num": told.take("column"),
        "table_name": told.text("table"),
        "operation": operation.lower(),
        "fields": told.texts("fields"),
        "is_raw_sql": told.take("isRawSql"),
        "confidence": told.take("confidence"),
        "context": told.take("context"),
        "framework": told.take("framework"),
    }
    return Record("data_access_points", values, where, told.rest())


def _tables(document: Document) -> Iterator[Row]:
    """What entries say that neither their access points nor a model do."""
    fields: dict[str, set[str]] = {}
    for _, told in listed(document, "accessPoints"):
        if isinstance(told, Mapping) and isinstance(told.get("fields"), list):
            fields.setdefault(str(told.get("table")), set()).update(map(str, told["fields"]))
    models = {str(told.get("name")) for _, told in document.list("models") if isinstance(told, Mapping)}
    for where, told in listed(document, "tables"):
        if not isinstance(told, Mapping):
            yield Refused("carried_fields", where, f"{shown(told)} is no table.")
            continue
        entry = Fields(told, document.root)
        name, model = entry.text("name"), entry.text("model")
        entry.items("accessedBy")
        entry.items("sensitiveFields")
        own: dict[str, Any] = {}
        if left := [each for each in entry.items("fields") or () if str(each) not in fields.get(str(name), ())]:
            own["fields"] = left
        if model is not None and model not in models:
            own["model"] = model
        if own := own | entry.rest():
            yield kept(where, own, document.root)


# What a tier of `sensitivity` means is the person's word alone: no class of today's says it.
def rules(document: Document) -> Iterator[Row]:
    """Of `boundaries/rules.json`."""
    excluded = document.data.get("globalExcludes")

    def rule(where: Where, told: Fields) -> Record:
        return _rule(where, told, excluded if isinstance(excluded, list) else [])

    yield from rows("constraints", document.root, listed(document, "boundaries"), rule)
    yield from beside(document, "boundaries")


def _rule(where: Where, told: Fields, excluded: list[Any]) -> Record:
    name, description = told.text("id"), told.text("description")
    if name is None:
        raise Unfit("it has no id")
    is_off = told.take("enabled") is False
    limits = {each: told.items(each) for each in ("tables", "fields", "operations", "allowedPaths")}
    exclude = [*(told.items("excludePaths") or ()), *excluded]
    values = {
        "id": f"boundary-{name}",
        "name": name,
        "description": description,
        "category": "data",
        "status": "ignored" if is_off else "custom",
        "ignore_reason": "it was not enabled" if is_off else None,
        "invariant": {
            "type": "data_flow",
            "condition": description or name,
            "predicate": {"dataAccess": {each: said for each, said in limits.items() if said}},
        },
        "scope": {"exclude": {"files": exclude}} if exclude else None,
        "enforcement_level": told.take("severity"),
        "enforcement_message": description,
        "confidence_score": 1.0,
    }
    return Record("constraints", values, where, told.rest())
