"""Records → rows of drift.db, in the caller's transaction.

What a store of today's knows already stays: a file that a scan of ours has read is known better than the predecessor
knew it, and a person's word is never undone. What a constraint of the database refuses is refused alone, with what the
constraint says. Whoever calls compares and commits.
"""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from drift_mcp.scan import languages
from drift_mcp.tables import adjacency, calls, files, foreign, functions, past, patterns, public, scans, status
from drift_mcp.tables.foreign import Stored, Values
from drift_mcp.tables.public import NOW, Column, Plan, Table, Value
from drift_mcp.upgrade.account import Account
from drift_mcp.upgrade.merging import Rows, Told, is_decided
from drift_mcp.upgrade.records import SOURCE, Unfit, compact, shown

# Tables that a scan fills from the code alone: in a file that it has read, its word stands.
_FROM_CODE: Final = frozenset(
    (
        "functions", "class_bases", "function_calls", "function_data_access", "entry_points", "imports", "data_models",
        "data_fields", "sensitive_fields", "data_access_points", "env_access_points",
    )
)  # fmt: skip
SCANNED: Final = "today's scan has read the file, and knows better"
THERE: Final = "already there"
JOINED: Final = "joined what a scan of today's had found, with the person's word"
KEPT: Final = "the store has it otherwise: said by a person, or found on a later day"

# What no other scanner may write, and the predecessor's past does.
_PAST: Final = (
    Table("config", ("key",)),
    Table("feature_flags", ("feature",)),
    Table("audit_snapshots", ("date",)),
    Table("pattern_history", ("date", "pattern_id", "action", "new_status")),
    Table("health_trends", ("date",)),
    Table("scan_history", ("scan_id",)),
    Table("carried_fields", ("table_name", "row_id")),
)


@functools.cache
def plans() -> Mapping[str, Plan]:
    """Every table that an upgrade fills, in an order in which what is pointed to comes first."""
    every = dict(public.plans())
    del every["file_metadata"]  # follows from the files that rows name
    return {**every, **public.plans_of(_PAST)}


class _Link(NamedTuple):
    """A column that says what a row refers to: by a name, until it is resolved."""

    place: int
    column: Column
    numbers: Mapping[str, int]  # name → number, of the rows that can be referred to
    by_id: bool  # the store refers by the name, too


class Meant(NamedTuple):
    """A row that was written: its number, or 0 where rows have none, and its values."""

    number: int
    values: tuple[Value, ...]


class Loader:
    """Takes the merged rows over, table by table. Used once."""

    def __init__(self, tx: apsw.Connection, root: Path, rows: Rows, account: Account, now: str) -> None:
        self._tx = tx
        self._root = root
        self._rows = rows
        self._account = account
        self._now = now
        self._numbers: dict[str, dict[str, int]] = {}  # table that is referred to → public name → number
        self._scanned_files: frozenset[int] = frozenset()  # those that a scan of ours has read
        self.meant: dict[str, list[Meant]] = {}

    def run(self) -> None:
        self._put_files()
        self._count_usages()
        for plan in plans().values():
            self._put(plan)
        self._carry()
        self._settle()

    # -- files

    def _put_files(self) -> None:
        known = files.known(self._tx)
        named = self._paths()
        rows = []
        for path in sorted(named - known.keys()):
            size, seconds, nanos = _seen(self._root / path)
            language = languages.of_path(path)
            # Without a hash: so that the next scan reads it, whatever its size and time say.
            rows.append(
                files.NewFile(
                    path, language.name if language else None, size, 0, None, seconds, nanos,
                    is_test=int(languages.is_test(path)), source=SOURCE,
                )
            )  # fmt: skip
        numbers = files.put(self._tx, rows)
        everything = files.known(self._tx)
        self._numbers["file_metadata"] = {path: each.id for path, each in everything.items()} | numbers
        self._scanned_files = frozenset(each.id for each in known.values() if each.source == "scan")

    def _paths(self) -> set[str]:
        """Of all files that rows stand in."""
        paths: set[str] = set()
        for name, plan in plans().items():
            rows = self._rows.of[name].values()
            for place, column in enumerate(plan.columns):
                if column.form == "file":
                    paths.update(str(each.values[place]) for each in rows if each.values[place] is not None)
        return paths

    def _count_usages(self) -> None:
        """How often each constant is used, which the predecessor did not keep."""
        usages, told = plans()["constant_usages"], plans()["constants"]
        counts = Counter(each.values[usages.at("constant_id")] for each in self._rows.of["constant_usages"].values())
        count_at, constants = told.at("usage_count"), self._rows.of["constants"]
        for key, each in constants.items():
            count = counts[":".join(map(str, key))]  # its file, name and line, which a usage names it by
            if count and each.values[count_at] is None:
                values = (*each.values[:count_at], count, *each.values[count_at + 1 :])
                constants[key] = each._replace(values=values)

    # -- one table

    def _put(self, plan: Plan) -> None:
        name = plan.table.name
        told = self._rows.of[name]
        meant = self.meant.setdefault(name, [])
        if not told:
            return
        self._learn(plan, told.values())
        keys = [plan.at(each) for each in plan.table.key]
        stored = {_key(keys, each.values): each for each in foreign.stored(self._tx, plan, None)}
        homes = self._homes_scanned(plan)
        home_at = None if plan.table.home is None else plan.at(plan.table.home)
        defaults, links = self._defaults(plan), self._links(plan)
        number = foreign.next_number(self._tx, plan)
        if plan.table in _PAST and stored:
            # What is old stands before what is new: the last scan is the one with the greatest number.
            number = min(each.number for each in stored.values()) - len(told)
        new: list[tuple[Meant, Told]] = []
        for each in told.values():
            try:
                values = _resolved(each, defaults, links)
            except Unfit as problem:
                self._account.refused(name, str(each.where), f"{problem}.")
                continue
            before = stored.get(_key(keys, values))
            if home_at is not None and values[home_at] in homes:
                self._account.merged(name, SCANNED)
            elif before is not None:
                self._meet(plan, before, each, values)
            else:
                new.append((Meant(number, values), each))
                number += 1
        meant.extend(self._inserted(plan, new))
        self._account.moved(name, len(meant))

    def _homes_scanned(self, plan: Plan) -> frozenset[Value]:
        """What the rows of this table would belong to, where a scan of ours knows better."""
        if plan.table.name not in _FROM_CODE or not self._scanned_files:
            return frozenset()
        refers = plan.columns[plan.at(plan.table.home or "")].refers or ""
        if refers == "file_metadata":
            return frozenset(self._scanned_files)
        return frozenset(each.number for each in foreign.stored(self._tx, public.plans()[refers], self._scanned_files))

    def _meet(self, plan: Plan, before: Stored, told: Told, values: Values) -> None:
        """A row that the store has under the same key: a person's word of then joins what was found since."""
        said = [place for place, value in enumerate(told.values) if value is not None]
        if all(before.values[place] == values[place] for place in said):
            self._account.merged(plan.table.name, THERE)
        elif is_decided(plan, values) and not is_decided(plan, before.values):
            joined = list(before.values)
            for name in plan.table.frozen:
                if told.values[plan.at(name)] is not None:
                    joined[plan.at(name)] = values[plan.at(name)]
            foreign.update(self._tx, plan, [(before.number, tuple(joined))])
            self._account.merged(plan.table.name, JOINED)
        else:
            self._account.merged(plan.table.name, KEPT)

    def _inserted(self, plan: Plan, new: Sequence[tuple[Meant, Told]]) -> list[Meant]:
        """Those that the database took. All at once; one by one where that fails, to tell which."""
        try:
            with self._undoable():
                foreign.insert(self._tx, plan, (meant for meant, _ in new))
            return [meant for meant, _ in new]
        except apsw.ConstraintError:
            taken = []
            for meant, told in new:
                try:
                    with self._undoable():
                        foreign.insert(self._tx, plan, [meant])
                    taken.append(meant)
                except apsw.ConstraintError as problem:
                    self._account.refused(plan.table.name, str(told.where), f"the table refuses it: {problem}.")
            return taken

    @contextlib.contextmanager
    def _undoable(self) -> Iterator[None]:
        self._tx.execute("SAVEPOINT upgrading")
        try:
            yield
        except BaseException:
            self._tx.execute("ROLLBACK TO upgrading")
            raise
        finally:
            self._tx.execute("RELEASE upgrading")

    # -- references

    def _learn(self, plan: Plan, told: Iterable[Told]) -> None:
        """The numbers of what these rows refer to."""
        paths: set[str] = set()  # of all functions that are named in any column
        for place, column in enumerate(plan.columns):
            refers = column.refers or ""
            if column.form == "symbol":
                self._numbers["symbols"] = dict(calls.symbols(self._tx, {str(each.values[place]) for each in told}))
            elif column.form == "function":
                paths |= {str(text).partition("::")[0] for each in told if (text := each.values[place]) is not None}
                self._numbers["functions"] = {
                    functions.public_id(path, *name): number
                    for path, names in functions.ids_by_path(self._tx, paths).items()
                    for name, number in names.items()
                }
            elif column.form == "place":
                self._numbers[refers] = foreign.places(self._tx, refers)
            elif column.form == "reference":
                self._numbers[refers] = foreign.named(self._tx, refers)
        if plan.table.name == "function_calls":
            self._numbers["resolutions"] = calls.resolutions(self._tx)

    def _links(self, plan: Plan) -> list[_Link]:
        links = []
        for place, column in enumerate(plan.columns):
            if column.form in ("file", "function", "symbol", "place", "reference") or column.refers == "resolutions":
                # Rows without a number of their own, and patterns but in their many places, are referred to by their
                # ids.
                by_id = column.form == "reference" and (plan.table.name, column.name) != (
                    "pattern_locations",
                    "pattern_key",
                )
                links.append(_Link(place, column, self._numbers[column.refers or ""], by_id))
        return links

    def _defaults(self, plan: Plan) -> Values:
        return tuple(
            self._now if column.default == NOW else column.default if column.has_default else None
            for column in plan.columns
        )

    # -- what follows

    def _carry(self) -> None:
        """Fields that no column holds, of every row that was told of."""
        plan = plans()["carried_fields"]
        known = {each.values[:2] for each in foreign.stored(self._tx, plan, None)}
        rows: dict[Values, dict[str, str]] = {}
        for name, told in self._rows.of.items():
            for key, each in told.items():
                if not each.carried:
                    continue
                place = (name, ":".join(str(part) for part in key if part is not None))
                if place not in known:
                    # Joined by colons, the keys of two rows can be one when a name has a colon in it.
                    rows.setdefault(place, {}).update(each.carried)
        carried = [Meant(0, (*place, _joined(fields))) for place, fields in rows.items()]
        foreign.insert(self._tx, plan, carried)
        self.meant["carried_fields"] += carried

    def _settle(self) -> None:
        tx = self._tx
        calls.forget_unused_symbols(tx)
        adjacency.refresh(tx)
        patterns.recount(tx)
        functions.mark_roles(tx)
        files.recount(tx)
        if scans.last(tx) is None and self._numbers["file_metadata"]:
            # Tools answer for a project that was scanned; this one was, when the last of its patterns was seen.
            seen = patterns.last_seen(tx, SOURCE) or self._now
            past.put_scans(tx, [past.NewScan(SOURCE, seen, seen)])
        status.refresh(tx)


def _key(places: Sequence[int], values: Values) -> Values:
    return tuple([values[place] for place in places])


def _resolved(told: Told, defaults: Values, links: Sequence[_Link]) -> Values:
    """With the store's own numbers in place of names, and defaults where nothing is said. Raises Unfit."""
    values = [default if value is None else value for value, default in zip(told.values, defaults, strict=True)]
    for place, column, numbers, by_id in links:
        name = told.values[place]
        if name is None:
            continue
        number = numbers.get(str(name))
        if number is None:
            if not column.nullable:
                raise Unfit(f"{column.name} is {shown(name)}, and there is no such row of {column.refers}")
            values[place] = None
        elif not by_id:
            values[place] = number
    return tuple(values)


def _joined(carried: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{compact(name)}:{value}" for name, value in carried.items()) + "}"


def _seen(path: Path) -> tuple[int, int, int]:
    """Size and time of a file as it is now; nothing where there is none."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return 0, 0, 0
    return found.st_size, *divmod(found.st_mtime_ns, 1_000_000_000)
