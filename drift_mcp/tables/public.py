"""The tables that another scanner may fill, and what each of their columns takes.

Types, ranges, allowed words and descriptions are read from the schema, so that they stand in one place. What the schema
cannot say stands in `TABLES`: what tells one row from another, which file a row belongs to, what a person decides.
Reads no store and writes none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

import apsw

from drift_mcp.store import schema

_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_FILE: Final[Mapping[str, str]] = MappingProxyType({"file": "file_id"})


class Table(NamedTuple):
    name: str
    key: tuple[str, ...]  # what tells a row from all others; () = there is one row at the most
    home: str | None = None  # the column that leads to the file a row belongs to; None = rows belong to no file
    alias: str | None = None  # a plain word for it
    names: Mapping[str, str] = _NONE  # other names of columns, as the views and people say them
    follows: Mapping[str, str] = _NONE  # columns that nobody gives → what they follow from
    public_id: tuple[str, ...] = ()  # the columns that make the `id` which views show, joined by colons
    numbered: bool = False  # `position` counts the rows of one home, or of one class or model
    seen: str | None = None  # the column that says when a row was last told of
    frozen: tuple[str, ...] = ()  # columns that stay as they are once a person has decided
    # A row is a person's when this column holds none of these.
    undecided: tuple[str, tuple[str, ...]] | None = None
    spoken: tuple[str, ...] = ()  # … or when one of these says something
    by_source: bool = False  # rows say who told of them: nobody's complete list removes another's
    defaults: Mapping[str, Value] = _NONE  # in place of the schema's


# Stands for the column of a call of which only the line is told: the name that is called says which site it is.
UNSAID_COLUMN: Final = -1

_VERDICT: Final = ("status", "approved_at", "approved_by", "status_reason")

TABLES: Final = (
    Table(
        "file_metadata",
        ("path",),
        alias="files",
        names=MappingProxyType({"file": "path"}),
        follows=MappingProxyType(
            {
                "last_scanned": "the time of the load",
                "function_count": "the rows of functions",
                "pattern_count": "the rows of pattern_locations",
                "error_count": "the rows of file_problems",
                "source": "the header's scanner",
            }
        ),
        seen="last_scanned",
        defaults=MappingProxyType({"source": "scan"}),
    ),
    Table(
        "functions",
        ("file_id", "qualified_name", "ordinal"),
        home="file_id",
        names=_FILE,
        follows=MappingProxyType(
            {
                "is_entry_point": "the rows of entry_points",
                "is_data_accessor": "the rows of function_data_access",
            }
        ),
    ),
    Table("class_bases", ("class_id", "base_name"), home="class_id", alias="bases", numbered=True),
    Table(
        "function_calls",
        ("caller_id", "line", "column_num"),  # of the site; its candidates are told together
        home="caller_id",
        alias="calls",
        names=MappingProxyType({"callee_name": "callee_symbol"}),
        defaults=MappingProxyType({"column_num": UNSAID_COLUMN}),
    ),
    Table(
        "function_data_access",
        ("function_id", "table_name", "field_name", "operation", "line", "whole_row"),
        home="function_id",
        alias="data_access",
    ),
    Table("entry_points", ("function_id", "kind", "label", "line"), home="function_id"),
    Table(
        "imports",
        ("file_id", "line", "module", "name", "alias"),
        home="file_id",
        names=MappingProxyType({"file": "file_id", "resolved_file": "resolved_file_id"}),
        numbered=True,
    ),
    Table("file_problems", ("file_id", "kind", "line", "message"), home="file_id", alias="problems", names=_FILE),
    Table(
        "packages",
        ("path",),
        follows=MappingProxyType(
            {
                "pattern_count": "the files in its folder",
                "function_count": "the files in its folder",
                "source": "the header's scanner",
            }
        ),
        seen="last_scanned",
        defaults=MappingProxyType({"source": "scan"}),
    ),
    Table(
        "data_models",
        ("file_id", "name", "line"),
        home="file_id",
        alias="models",
        names=_FILE,
        public_id=("file_id", "name", "line"),
    ),
    Table("data_fields", ("model_id", "column_name"), home="model_id", alias="fields", numbered=True),
    Table("sensitive_fields", ("table_name", "field_name"), home="file_id", names=_FILE),
    Table(
        "data_access_points",
        ("file_id", "line", "column_num", "table_name", "operation"),
        home="file_id",
        names=_FILE,
        public_id=("file_id", "line", "column_num", "table_name"),
    ),
    Table(
        "env_variables",
        ("name",),
        follows=MappingProxyType({"source": "the header's scanner"}),
        defaults=MappingProxyType({"source": "scan"}),
    ),
    Table(
        "env_access_points",
        ("file_id", "line", "column_num", "var_name"),
        home="file_id",
        names=_FILE,
        public_id=("file_id", "line", "column_num", "var_name"),
    ),
    Table(
        "patterns",
        ("id",),
        follows=MappingProxyType(
            {
                "location_count": "the rows of pattern_locations",
                "outlier_count": "the rows of pattern_locations",
                "source": "the header's scanner",
            }
        ),
        seen="last_seen",
        frozen=(*_VERDICT, "name", "description", "category", "dominant_variant", "severity", "hash"),
        undecided=("status", ("discovered",)),
        by_source=True,
        defaults=MappingProxyType({"source": "scan"}),
    ),
    Table(
        "pattern_locations",
        ("pattern_key", "file_id", "line", "column_num"),
        home="file_id",
        names=MappingProxyType({"file": "file_id", "pattern_id": "pattern_key"}),
        by_source=True,
    ),
    Table(
        "pattern_variants",
        ("id",),
        frozen=("pattern_id", "name", "scope", "scope_value", "reason", "locations", "active", "expires_at"),
        undecided=("scope", ()),
    ),
    Table("pattern_examples", ("pattern_id", "file_id", "line"), home="file_id", names=_FILE, by_source=True),
    Table(
        "pattern_suppressions",
        ("scope", "path", "line", "end_line", "category", "pattern_id", "detector_id", "origin"),
        alias="suppressions",
        names=MappingProxyType({"file": "path"}),
        follows=MappingProxyType({"origin": "who says it: a person says it to Drift itself"}),
        undecided=("origin", ("comment",)),
        defaults=MappingProxyType({"origin": "comment"}),
    ),
    Table(
        "contracts",
        ("id",),
        names=MappingProxyType({"backend_file": "backend_file_id"}),
        seen="last_seen",
        frozen=("status", "verified_at", "verified_by"),
        undecided=("status", ("discovered", "mismatch")),
        spoken=("verified_by",),
    ),
    Table("contract_frontends", ("contract_id", "file_id", "line"), home="file_id", names=_FILE),
    Table(
        "constraints",
        ("id",),
        frozen=(
            *("name", "description", "category", "status", "language", "invariant", "scope", "enforcement_level"),
            *("enforcement_message", "enforcement_autofix", "approved_at", "approved_by", "ignored_at"),
            *("ignore_reason", "tags", "notes"),
        ),
        undecided=("status", ("discovered",)),
        spoken=("notes",),
        seen="updated_at",
    ),
    Table("dna_profile", ()),
    Table("dna_genes", ("id",)),
    Table("dna_mutations", ("gene_id", "file_id", "line"), home="file_id", names=_FILE),
    Table("test_files", ("file_id",), home="file_id", names=_FILE),
    Table(
        "test_coverage",
        ("test_file_id", "source_file_id", "function_id"),
        home="test_file_id",
        names=MappingProxyType({"test_file": "test_file_id", "source_file": "source_file_id"}),
    ),
    Table("constants", ("file_id", "name", "line"), home="file_id", names=_FILE, public_id=("file_id", "name", "line")),
    Table("constant_usages", ("constant_id", "file_id", "line"), home="file_id", names=_FILE),
    Table(
        "decisions",
        ("id",),
        frozen=("title", "description", "category", "status", "confirmed_at", "confirmed_by"),
        undecided=("status", ("discovered",)),
    ),
    Table("module_coupling", ("source_module", "target_module", "coupling_type"), alias="coupling"),
    Table("coupling_cycles", ("cycle_hash",)),
    Table("error_boundaries", ("file_id", "line", "type"), home="file_id", names=_FILE),
    Table("error_handling_gaps", ("file_id", "line", "gap_type"), home="file_id", names=_FILE),
    Table("wrappers", ("id",), home="file_id", names=_FILE),
    Table("wrapper_clusters", ("cluster_name",)),
    Table("quality_gate_runs", ("id",)),
    Table("quality_gate_snapshots", ("branch", "snapshot_at")),
    Table("learned_patterns", ("detector_id", "pattern_signature"), seen="last_seen"),
)

# What no other scanner may write: the project's own settings, what links rest on, and what is counted or kept of
# the past.
OWN: Final = (
    "project",
    "config",
    "feature_flags",
    "migration_history",
    "status",
    "file_facts",
    "name_dependencies",
    "symbols",
    "resolutions",
    "call_adjacency",
    "convention_answers",
    "convention_evidence",
    "audit_snapshots",
    "pattern_history",
    "health_trends",
    "scan_history",
    "sync_log",
    "cache_entries",
    "carried_fields",
)

Form: TypeAlias = Literal[
    "text", "integer", "real", "flag", "json", "time", "day", "hash", "choice", "path", "folder", "file", "function",
    "reference", "place", "symbol"
]  # fmt: skip

Value: TypeAlias = str | int | float | bytes | None

# A default that is the moment of writing.
NOW: Final = "now"

# Columns of text that hold a path: they are not links, because what they name may be gone.
_PATHS: Final[Mapping[str, Form]] = MappingProxyType(
    {"file_metadata.path": "path", "pattern_suppressions.path": "path", "packages.path": "folder"}
)
# Bounds where the schema has none: no line, column or count of code comes near them, and every language has such a
# number. Sizes and times of files are larger.
_WHOLE: Final = (0, 2**31 - 1)
_LARGE: Final = (-(2**63), 2**63 - 1)
_LARGE_COLUMNS: Final = ("size", "mtime_secs", "scan_duration_us")


class Column(NamedTuple):
    name: str
    form: Form
    nullable: bool
    default: Value  # NOW, where the column holds a time; None also where there is none
    has_default: bool
    refers: str | None  # the table that it points to
    choices: tuple[str, ...]
    least: float | None
    most: float | None
    says: str  # what the schema says about it

    @property
    def is_required(self) -> bool:
        return not (self.nullable or self.has_default)

    @property
    def shape(self) -> Literal["texts", "list", "object", "any"]:
        """What JSON it holds, by the schema's own description: [name] is a list of texts."""
        if self.says.startswith("["):
            return "list" if self.says.startswith("[{") else "texts"
        return "object" if self.says.startswith("{") else "any"


class Plan(NamedTuple):
    """One table as it takes rows: the columns that are given, in the schema's order."""

    table: Table
    columns: tuple[Column, ...]
    number: str | None  # the column with Drift's own number of a row, which nobody gives; None = there is none
    primary: tuple[str, ...]  # what a row is found by, where there is no such number
    says: str  # what one row of it is
    places: Mapping[str, int]  # column → where it stands among the columns

    def at(self, name: str) -> int:
        return self.places[name]

    def __hash__(self) -> int:
        return hash(self.table.name)


@functools.cache
def plans() -> Mapping[str, Plan]:
    """Every public table by its name, in an order in which what is pointed to comes first."""
    return plans_of(TABLES)


def plans_of(tables: Iterable[Table]) -> dict[str, Plan]:
    """How tables take rows that no other scanner may fill."""
    db = apsw.Connection(":memory:")
    try:
        for _ in db.execute(schema.read("drift", 0).tables):
            pass
        return {table.name: _plan(db, table) for table in tables}
    finally:
        db.close()


def named(word: str) -> str | None:
    """The table that a name or a plain word means; None: no public one."""
    return _NAMED.get(word)


_NAMED: Final = {word: table.name for table in TABLES for word in (table.alias, table.name) if word is not None}


def words() -> list[str]:
    """All names and plain words of public tables."""
    return list(_NAMED)


@functools.cache
def resolutions() -> tuple[str, ...]:
    """The ways in which a call site can be decided."""
    found = re.findall(r"^    \(\d+, '(\w+)', [\d.]+, [01], ", schema.read("drift", 0).tables, re.MULTILINE)
    assert "scanner" in found, "the schema names the ways in another form"
    return tuple(found)


_COLUMNS: Final = 'SELECT name, type, "notnull", dflt_value, pk FROM pragma_table_info(?)'


def _plan(db: apsw.Connection, table: Table) -> Plan:
    text = str(db.execute("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", (table.name,)).get)
    links = {
        row[0]: row[1] for row in db.execute('SELECT "from", "table" FROM pragma_foreign_key_list(?)', (table.name,))
    }
    about = dict(_definitions(text))
    number = None
    primary: list[tuple[int, str]] = []
    columns: list[Column] = []
    rows: list[tuple[str, str, int, str | None, int]] = list(db.execute(_COLUMNS, (table.name,)))
    for name, kind, required, default, key in rows:
        if key:
            primary.append((key, name))
        if key and kind == "INTEGER" and sum(bool(row[4]) for row in rows) == 1:
            number = name
            continue
        if name in table.follows and name not in (*table.defaults, table.seen):
            continue
        definition, says = about[name]
        columns.append(_column(table, name, kind, not (required or key), default, links.get(name), definition, says))
    places = {column.name: place for place, column in enumerate(columns)}
    return Plan(table, tuple(columns), number, tuple(name for _, name in sorted(primary)), _says(table.name), places)


def _column(
    table: Table,
    name: str,
    kind: str,
    nullable: bool,
    default: str | None,
    link: str | None,
    definition: str,
    says: str,
) -> Column:
    form, choices, (least, most) = _form(table, name, kind, link, definition)
    stated: Value = table.defaults.get(name) if name in table.defaults else _literal(default)
    return Column(
        name, form, nullable, stated, default is not None or name in table.defaults, link, choices, least, most, says
    )


def _form(
    table: Table, name: str, kind: str, link: str | None, definition: str
) -> tuple[Form, tuple[str, ...], tuple[float | None, float | None]]:
    """What kind of value the column takes, the words that it knows, and its bounds: all by the schema's own words."""
    free = (None, None)
    if link == "file_metadata":
        return "file", (), free
    if link == "functions":
        return "function", (), free
    if link in ("data_models", "constants"):
        return "place", (), free
    if link == "symbols":
        return "symbol", (), free
    if link == "resolutions":
        return "choice", resolutions(), free
    if link is not None:
        return "reference", (), free
    path = _PATHS.get(f"{table.name}.{name}")
    if path is not None:
        return path, (), free
    if "json_valid(" in definition:
        return "json", (), free
    if "GLOB '????-??-??T" in definition:
        return "time", (), free
    if "GLOB '????-??-??'" in definition:
        return "day", (), free
    if kind == "BLOB":
        return "hash", (), free
    listed = re.search(rf"\b{name} IN \((.*?)\)\)", definition, re.DOTALL)
    if listed is not None:
        found = tuple(re.findall(r"'([^']*)'", listed[1]))
        return ("choice", found, free) if found else ("flag", (), free)
    if kind == "TEXT":
        return "text", (), free
    least, most = _LARGE if name in _LARGE_COLUMNS else _WHOLE
    between = re.search(rf"\b{name} BETWEEN (-?[\d.]+) AND (-?[\d.]+)", definition)
    above = re.search(rf"\b{name} (>=?) (-?\d+)", definition)
    if kind == "REAL":
        return "real", (), (float(between[1]), float(between[2])) if between else free
    if between is not None:
        least, most = int(between[1]), int(between[2])
    elif above is not None:
        least = int(above[2]) + (above[1] == ">")
    return "integer", (), (least, most)


def _literal(text: str | None) -> Value:
    if text is None:
        return None
    if text.startswith("strftime"):
        return NOW
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    return float(text) if "." in text else int(text)


def _definitions(text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """(column, (its definition, the comment behind it)) of a table's own text."""
    body = text[text.index("(") + 1 :]
    name, lines, says = "", "", ""
    for line in body.splitlines():
        code, _, comment = line.partition("--")
        opens = re.match(r"    (\w+) (?:TEXT|INTEGER|REAL|BLOB)\b", code)
        if opens is not None:
            if name:
                yield name, (lines, says)
            name, lines, says = opens[1], "", ""
        elif not line.startswith("     ") and name and code.strip() and not code.startswith("    )"):
            yield name, (lines, says)
            name = ""
        lines += code
        says = " ".join(filter(None, (says, comment.strip())))
    if name:
        yield name, (lines, says)


@functools.cache
def _texts() -> str:
    return schema.read("drift", 0).tables


def _says(table: str) -> str:
    found = re.search(rf"-- ([^\n]+(?:\n-- [^\n]+)*)\nCREATE TABLE {table} ", _texts())
    assert found is not None, f"table {table} does not say what one row of it is"
    return found[1].replace("\n-- ", " ")
