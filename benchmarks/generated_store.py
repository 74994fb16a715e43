"""A store of a large project that does not exist: the same rows each time, written through the rooms that a scan uses.

Its files are there, empty, with the stamps that the store knows, so that answers find themselves fresh.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import apsw

from drift_mcp.project import Project, init
from drift_mcp.tables import (
    adjacency,
    audit,
    bulk,
    calls,
    data,
    entry_points,
    files,
    functions,
    patterns,
    scans,
    status,
)

FILES = 2_500
FUNCTIONS_A_FILE = 20  # 50,000 in all, beside a module body for each file
CALLS_A_FUNCTION = 3  # 150,000
ACCESSES = 20_000
PATTERNS = 10_000
PLACES_A_PATTERN = 5
ROUTES = 2_000
TABLES = 120

# Fifty applications in one repository, as in a large monolith: each calls itself and the first two, which are shared.
_FILES_AN_APPLICATION = 50
_SHARED_APPLICATIONS = 2
# Tables that every application touches: users, and what is like them. The others belong to one application.
_SHARED_TABLES = 10
_VERBS = [
    "add",
    "apply",
    "build",
    "cancel",
    "change",
    "charge",
    "check",
    "clear",
    "close",
    "collect",
    "compare",
    "convert",
    "count",
    "create",
    "delete",
    "export",
    "fetch",
    "find",
    "format",
    "import",
    "join",
    "list",
    "load",
    "mark",
    "match",
    "merge",
    "move",
    "notify",
    "open",
    "parse",
    "pay",
    "plan",
    "print",
    "read",
    "refund",
    "remove",
    "rename",
    "render",
    "reset",
    "save",
    "send",
    "sort",
    "split",
    "start",
    "stop",
    "store",
    "sum",
    "sync",
    "test",
    "update",
    "verify",
    "write",
]
_NOUNS = [
    "account",
    "address",
    "amount",
    "answer",
    "article",
    "author",
    "balance",
    "basket",
    "batch",
    "book",
    "bill",
    "card",
    "cart",
    "category",
    "channel",
    "city",
    "client",
    "comment",
    "contract",
    "country",
    "coupon",
    "customer",
    "day",
    "delivery",
    "device",
    "discount",
    "document",
    "event",
    "field",
    "file",
    "folder",
    "group",
    "image",
    "invoice",
    "item",
    "job",
    "key",
    "label",
    "letter",
    "line",
    "link",
    "list",
    "location",
    "mail",
    "member",
    "message",
    "month",
    "note",
    "offer",
    "order",
    "owner",
    "page",
    "parcel",
    "part",
    "payment",
    "person",
    "photo",
    "place",
    "plan",
    "price",
    "product",
    "profile",
    "project",
    "question",
    "rate",
    "receipt",
    "region",
    "report",
    "request",
    "return",
    "role",
    "room",
    "rule",
    "sale",
    "schedule",
    "session",
    "shop",
    "site",
    "stock",
    "street",
    "subject",
    "supplier",
    "tag",
    "task",
    "tax",
    "team",
    "term",
    "ticket",
    "title",
    "token",
    "topic",
    "unit",
    "user",
    "value",
    "vendor",
    "visit",
    "voucher",
    "week",
]
_COLUMNS = [
    "id",
    "name",
    "title",
    "email",
    "password",
    "iban",
    "status",
    "amount",
    "created_at",
    "owner_id",
    "note",
    "kind",
]
_SENSITIVE = {"email": "pii", "password": "auth", "iban": "financial"}
_CATEGORIES = [
    "structural",
    "components",
    "styling",
    "api",
    "auth",
    "errors",
    "data-access",
    "testing",
    "logging",
    "security",
    "config",
    "types",
    "performance",
    "accessibility",
    "documentation",
]
# How calls are decided, about as often as in a large Python project; the last two have no target in it.
_WAYS = ("import", "self", "typed", "same_file", "flow", "external", "unresolved")
_WEIGHTS = (16, 18, 10, 10, 6, 25, 15)


class Made(NamedTuple):
    """What there is to ask about."""

    functions: tuple[str, ...]  # public ids
    keys: tuple[int, ...]  # of the same functions
    tables: tuple[str, ...]  # of one application each
    shared_tables: tuple[str, ...]  # touched by all applications
    nouns: tuple[str, ...]  # of which names are made


def make(root: Path) -> Made:
    """Makes the store in `root`, which is there and empty."""
    with Project(root) as project:
        init(project)
        with project.write() as tx:
            scans.start(tx, "generated", incremental=False, commit=None)
            begun = begin(tx, root)
            made = rows(begun)
            with bulk.without_indexes(tx):
                load_graph(tx, made)
                data.replace_models(tx, (), (_model(number, begun.file_ids) for number in range(TABLES)))
                data.replace_sensitive_fields(tx, _sensitive(begun.file_ids))
                patterns.put(tx, made.patterns)
                patterns.replace_locations(tx, (), made.places)
            patterns.settle(tx)
            routes = begun.dice.sample(begun.keys, ROUTES)
            entry_points.replace_all(tx, (_route(number, key) for number, key in enumerate(routes)))
            adjacency.refresh(tx)
            functions.mark_roles(tx)
            files.recount(tx)
            scans.finish(tx, "generated", files_scanned=FILES, changed_files=FILES, errors=0)
            audit.record(tx)
            status.refresh(tx)
        project.writer.optimize()
        project.writer.checkpoint()
        with project.read() as db:
            named = functions.public_ids(db, begun.keys)
    return Made(tuple(named[key] for key in begun.keys), tuple(begun.keys), *_tables(), tuple(_NOUNS))


class Begun(NamedTuple):
    """What the rows of the large tables refer to: it is in the store before they are."""

    dice: random.Random
    file_ids: list[int]
    keys: list[int]  # that the functions will have, module bodies apart
    symbols: list[int]
    ways: dict[str, int]


def begin(tx: apsw.Connection, root: Path, number: int = FILES) -> Begun:
    """Files and symbols of a project of so many files, in an empty store. The files are made in `root`."""
    file_ids = list(files.put(tx, _files(root, number)).values())
    start = functions.next_id(tx)
    # The first definition of each file is its module body.
    keys = [start + place for place in range(number * (FUNCTIONS_A_FILE + 1)) if place % (FUNCTIONS_A_FILE + 1)]
    names = [f"{verb}_{noun}" for verb in _VERBS[:20] for noun in _NOUNS]
    # Any number seeds the dice: the store is the same in every run.
    return Begun(random.Random(20), file_ids, keys, list(calls.symbols(tx, names).values()), calls.resolutions(tx))


class Rows(NamedTuple):
    """What a scan hands to the large tables."""

    functions: list[tuple[int, list[functions.NewFunction]]]
    calls: list[calls.NewCall]
    accesses: list[data.NewAccess]
    patterns: list[patterns.Finding]
    places: list[patterns.NewLocation]


def rows(begun: Begun) -> Rows:
    """Those of a project of the usual size."""
    return Rows(
        [(file_id, _functions(number)) for number, file_id in enumerate(begun.file_ids)],
        calls_of(begun),
        [_access(begun) for _ in range(ACCESSES)],
        [_pattern(begun.dice, number) for number in range(PATTERNS)],
        _places(begun.dice, begun.file_ids),
    )


def graph_rows(begun: Begun) -> Rows:
    """Functions and calls alone, of a project of any size."""
    found = [(file_id, _functions(number)) for number, file_id in enumerate(begun.file_ids)]
    return Rows(found, calls_of(begun), [], [], [])


def load_graph(tx: apsw.Connection, made: Rows) -> None:
    """Functions, calls and data accesses, in the order of a scan."""
    functions.load(tx, made.functions)
    calls.load(tx, made.calls)
    data.replace_accesses(tx, (), made.accesses)


def _tables() -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(map(_table, range(TABLES)))
    return names[_SHARED_TABLES:], names[:_SHARED_TABLES]


def _files(root: Path, number_of_files: int) -> list[files.NewFile]:
    found = []
    for number in range(number_of_files):
        again, noun = divmod(number // _FILES_AN_APPLICATION, len(_NOUNS))
        folder = root / "src" / (_NOUNS[noun] + (f"_{again}" if again else ""))
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{_VERBS[number % len(_VERBS)]}_{number}.py"
        path.touch()
        stamp = divmod(path.stat().st_mtime_ns, 1_000_000_000)
        found.append(files.NewFile(path.relative_to(root).as_posix(), "python", 0, 400, bytes(16), *stamp))
    return found


def _functions(file_number: int) -> list[functions.NewFunction]:
    """A module body, a class with methods, and functions of their own."""
    found = [_function("<module>", f"module_{file_number}", "module", None, 1)]
    owner = _NOUNS[file_number % len(_NOUNS)].capitalize()
    found.append(_function(owner, owner, "class", 0, 5))
    for number in range(1, FUNCTIONS_A_FILE):
        place = file_number * FUNCTIONS_A_FILE + number
        name = (
            f"{_VERBS[place % len(_VERBS)]}_{_NOUNS[(place // len(_VERBS) + file_number * 13) % len(_NOUNS)]}_{number}"
        )
        in_class = number < FUNCTIONS_A_FILE // 2
        found.append(
            _function(
                f"{owner}.{name}" if in_class else name,
                name,
                "method" if in_class else "function",
                1 if in_class else 0,
                5 + number * 18,
            )
        )
    return found


def _function(qualified_name: str, name: str, kind: str, parent: int | None, line: int) -> functions.NewFunction:
    return functions.NewFunction(
        qualified_name,
        0,
        name,
        kind,
        parent,
        line,
        line + 15,
        4,
        "python",
        None if kind in ("module", "class") else f"def {name}(self, order, *, limit: int = 10) -> bool",
        None,
        None,
        "bool",
        "public",
        3,
        1,
        0,
        0,
        0,
        0,
    )


def calls_of(begun: Begun) -> list[calls.NewCall]:
    dice, keys = begun.dice, begun.keys
    found = []
    for place, caller in enumerate(keys):
        for number in range(CALLS_A_FUNCTION):
            way = dice.choices(_WAYS, _WEIGHTS)[0]
            inside = way not in ("external", "unresolved")
            found.append(
                calls.NewCall(
                    caller,
                    10 + number,
                    8,
                    0,
                    keys[_called_from(dice, place, len(keys))] if inside else None,
                    dice.choice(begun.symbols),
                    begun.ways[way],
                    2,
                    "unknown_receiver" if way == "unresolved" else None,
                )
            )
    return found


def _called_from(dice: random.Random, place: int, most: int) -> int:
    """The place of a function that the one at `place` calls: routes stand first in an application, storage last, and
    calls lead from the one to the other, apart from a few that lead back."""
    application = FUNCTIONS_A_FILE * _FILES_AN_APPLICATION
    first = place - place % application
    chance = dice.random()
    if chance < 0.5:  # in the same file
        return dice.randrange(place, place - place % FUNCTIONS_A_FILE + FUNCTIONS_A_FILE)
    if chance < 0.8:  # in the same application
        return dice.randrange(place, min(first + application, most))
    if chance < 0.83:  # back, which makes cycles
        return dice.randrange(first, place + 1)
    # In what is shared; the cube draws most calls to a few functions there.
    shared = min(application * _SHARED_APPLICATIONS, most)
    least = place if place < shared else 0
    return least + int(dice.random() ** 3 * (shared - least))


def _table(number: int) -> str:
    return f"{_NOUNS[number % len(_NOUNS)]}s_{number}"


def _model(number: int, file_ids: list[int]) -> data.NewModel:
    fields = [data.NewField(name, name, "text", 10 + place) for place, name in enumerate(_COLUMNS)]
    owner = file_ids[number * len(file_ids) // TABLES]
    return data.NewModel(f"Model{number}", _table(number), owner, 8, "django", 0.95, None, fields)


def _sensitive(file_ids: list[int]) -> list[data.NewSensitiveField]:
    return [
        data.NewSensitiveField(_table(number), name, kind, "its name says so", 0.9, file_ids[0], 10)
        for number in range(0, TABLES, 5)
        for name, kind in _SENSITIVE.items()
    ]


def _access(begun: Begun) -> data.NewAccess:
    dice = begun.dice
    place = dice.randrange(len(begun.keys))
    applications = FILES // _FILES_AN_APPLICATION
    if dice.random() < 0.15:
        table = dice.randrange(_SHARED_TABLES)
    else:
        own = place // (FUNCTIONS_A_FILE * _FILES_AN_APPLICATION)
        table = dice.randrange(_SHARED_TABLES + own, TABLES, applications)
    operation = dice.choices(("read", "write", "delete"), (75, 20, 5))[0]
    return data.NewAccess(
        begun.file_ids[place // FUNCTIONS_A_FILE],
        begun.keys[place],
        20,
        dice.randrange(80),
        _table(table),
        operation,
        (dice.choice(_COLUMNS),),
        0,
        0,
        0.9,
        "objects.filter",
        "django",
    )


def _pattern(dice: random.Random, number: int) -> patterns.Finding:
    score = round(dice.uniform(0.4, 1.0), 3)
    category = _CATEGORIES[number % len(_CATEGORIES)]
    return patterns.Finding(
        f"{number:016x}",
        f"How {_VERBS[number % len(_VERBS)]} is done with {_NOUNS[number // len(_VERBS) % len(_NOUNS)]}",
        f"Most places in {category} do this the same way.",
        category,
        None,
        f"convention_{number}",
        "usual",
        score,
        score,
        score,
        3,
        "ast",
        dice.choice(("error", "warning", "info", "hint")),
        '["python"]',
        f"{number:016x}",
    )


def _places(dice: random.Random, file_ids: list[int]) -> list[patterns.NewLocation]:
    return [
        patterns.NewLocation(
            f"{number:016x}",
            dice.choice(file_ids),
            10 + place,
            4,
            variant="usual" if place else dice.choice(("usual", "other")),
        )
        for number in range(PATTERNS)
        for place in range(PLACES_A_PATTERN)
    ]


def _route(number: int, key: int) -> entry_points.NewEntryPoint:
    return entry_points.NewEntryPoint(key, "route", f"GET /{number}", "GET", f"/{number}", "django", 20)
