"""The store beside a model of it in memory, through any order of changes, crashes, backups and restores.

After each step the store says what the model says, its status row says what counting anew says, and no row points
nowhere.
"""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from drift_mcp.store import backup, connection, migrate, restore, schema
from drift_mcp.store.writer import Writer
from drift_mcp.tables import (
    adjacency,
    calls,
    conventions,
    files,
    functions,
    patterns,
    retention,
    status,
    suppressions,
)

SCHEMA = schema.read("drift", 0x74657374)
LINES = 12

PATHS = st.sampled_from(["a.py", "b.py", "lib/c.py"])
NAMES = st.sampled_from(["add", "tax", "Cart.total", "Cart.pay"])
PATTERNS = st.sampled_from(["p1", "p2", "p3"])
NUMBERS = st.integers(1, LINES)

Site = tuple[str, str, int]  # file, function, line
Place = tuple[str, str, int]  # pattern, file, line


@dataclass
class Model:
    functions: dict[str, set[str]] = field(default_factory=dict)  # file → names
    calls: dict[Site, tuple[str | None, str]] = field(default_factory=dict)  # → file and name of what is called
    standing: dict[str, str] = field(default_factory=dict)  # pattern → its status
    places: dict[Place, bool] = field(default_factory=dict)  # → whether it is an outlier
    suppressed: dict[int, tuple[str | None, int | None, str | None]] = field(default_factory=dict)  # in force
    verdicts: list[tuple[str, str]] = field(default_factory=list)

    def lose(self, lost: set[tuple[str, str]]) -> None:
        """Functions that are gone: their calls go along, and calls into them lead nowhere known."""
        self.calls = {
            site: (None, callee) if (path, callee) in lost else (path, callee)
            for site, (path, callee) in self.calls.items()
            if site[:2] not in lost
        }

    def settle(self) -> None:
        held = {pattern for pattern, _, _ in self.places}
        self.standing = {
            pattern: status for pattern, status in self.standing.items() if pattern in held or status != "discovered"
        }

    def counted(self) -> set[tuple[str, str, int, int]]:
        """Pattern, status, places that keep to it, outliers that count."""
        found = {pattern: [0, 0] for pattern in self.standing}
        for (pattern, path, line), is_outlier in self.places.items():
            if not is_outlier:
                found[pattern][0] += 1
            elif not any(
                said in (None, path) and number in (None, line) and about in (None, pattern)
                for said, number, about in self.suppressed.values()
            ):
                found[pattern][1] += 1
        return {(pattern, self.standing[pattern], *numbers) for pattern, numbers in found.items()}


class Store(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="drift-machine-"))
        self.databases = [backup.Database(self.home / "drift.db", SCHEMA, carry_on=_outrun)]
        self.model = Model()
        self.kept: dict[str, Model] = {}  # backup → what it holds
        self.generation = -1
        self.open()

    def open(self) -> None:
        path = self.databases[0].path
        self.writer = Writer(migrate.opened(path, SCHEMA), path, SCHEMA)

    def teardown(self) -> None:
        self.writer.close()
        shutil.rmtree(self.home)

    @contextmanager
    def change(self) -> Iterator[apsw.Connection]:
        with self.writer.transaction() as tx:
            yield tx
            adjacency.refresh(tx)
            status.refresh(tx)

    # -- what a scan writes

    @rule(path=PATHS, names=st.sets(NAMES))
    def put_a_file(self, path: str, names: set[str]) -> None:
        with self.change() as tx:
            (number,) = files.put(tx, [files.NewFile(path, "python", 9, LINES, bytes(16), 1_700_000_000, 0)]).values()
            functions.replace(tx, number, [_function(name) for name in sorted(names)])
        self.model.lose({(path, name) for name in self.model.functions.get(path, set()) - names})
        self.model.functions[path] = names

    @precondition(lambda self: self.model.functions)
    @rule(data=st.data())
    def take_a_file_out(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.model.functions)))
        with self.change() as tx:
            number = files.known(tx)[path].id
            calls.undecide(tx, functions.in_files(tx, [number]))
            files.remove(tx, [number])
            patterns.settle(tx)
        self.model.lose({(path, name) for name in self.model.functions.pop(path)})
        self.model.places = {place: told for place, told in self.model.places.items() if place[1] != path}
        self.model.settle()

    @precondition(lambda self: any(self.model.functions.values()))
    @rule(data=st.data())
    def say_what_a_file_calls(self, data: st.DataObject) -> None:
        there = [(path, name) for path, names in sorted(self.model.functions.items()) for name in sorted(names)]
        path = data.draw(st.sampled_from(sorted(path for path, names in self.model.functions.items() if names)))
        callers = st.sampled_from(sorted(self.model.functions[path]))
        sites = data.draw(st.dictionaries(st.tuples(callers, NUMBERS), st.sampled_from(there), max_size=5))
        with self.change() as tx:
            ids = functions.ids_by_path(tx, [path for path, _ in there])
            symbols = calls.symbols(tx, {name for _, name in sites.values()})
            way = calls.resolutions(tx)["import"]
            calls.replace(
                tx,
                [files.known(tx)[path].id],
                [
                    calls.NewCall(ids[path][caller, 0], line, 0, 0, ids[to][callee, 0], symbols[callee], way, 0, None)
                    for (caller, line), (to, callee) in sites.items()
                ],
            )
        self.model.calls = {site: to for site, to in self.model.calls.items() if site[0] != path}
        self.model.calls |= {(path, caller, line): to for (caller, line), to in sites.items()}

    @precondition(lambda self: self.model.functions)
    @rule(data=st.data(), told=st.dictionaries(st.tuples(PATTERNS, NUMBERS), st.booleans(), max_size=6))
    def say_where_patterns_hold(self, data: st.DataObject, told: dict[tuple[str, int], bool]) -> None:
        path = data.draw(st.sampled_from(sorted(self.model.functions)))
        with self.change() as tx:
            number = files.known(tx)[path].id
            patterns.put(tx, [_finding(pattern) for pattern in sorted({pattern for pattern, _ in told})])
            places = [
                patterns.NewLocation(pattern, number, line, 0, is_outlier=is_outlier)
                for (pattern, line), is_outlier in told.items()
            ]
            patterns.replace_locations(tx, [number], places)
            patterns.settle(tx)
        for pattern, _ in told:
            self.model.standing.setdefault(pattern, "discovered")
        self.model.places = {place: each for place, each in self.model.places.items() if place[1] != path}
        self.model.places |= {(pattern, path, line): each for (pattern, line), each in told.items()}
        self.model.settle()

    @rule()
    def forget_what_is_past(self) -> None:
        with self.change() as tx:
            assert not any(retention.apply(tx).values())  # nothing here is old

    # -- what people decide

    @precondition(lambda self: self.model.standing)
    @rule(data=st.data(), said=st.sampled_from(["approved", "ignored"]))
    def judge(self, data: st.DataObject, said: str) -> None:
        pattern = data.draw(st.sampled_from(sorted(self.model.standing)))
        after = "discovered" if self.model.standing[pattern] == said else said
        with self.change() as tx:
            assert conventions.judge(tx, pattern, after, by="me").is_news
        self.model.standing[pattern] = after
        self.model.verdicts.append((pattern, "reopened" if after == "discovered" else after))

    @precondition(lambda self: self.model.standing and self.model.functions)
    @rule(data=st.data(), line=st.none() | NUMBERS)
    def suppress(self, data: st.DataObject, line: int | None) -> None:
        path = data.draw(st.sampled_from(sorted(self.model.functions)))
        pattern = data.draw(st.none() | st.sampled_from(sorted(self.model.standing)))
        with self.change() as tx:
            number = suppressions.add(tx, reason="meant so", file=path, line=line, pattern=pattern)
            patterns.recount(tx)
        self.model.suppressed[number] = path, line, pattern

    @precondition(lambda self: self.model.suppressed)
    @rule(data=st.data())
    def take_a_suppression_back(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model.suppressed)))
        with self.change() as tx:
            assert suppressions.remove(tx, number)
            patterns.recount(tx)
        del self.model.suppressed[number]

    # -- what happens to a store

    @rule()
    def reopen(self) -> None:
        self.writer.close()
        self.open()

    @rule()
    def crash(self) -> None:
        """As a process leaves it that ends in the middle of a change."""
        self.writer.close()
        db = connection.open_writer(self.databases[0].path, SCHEMA)
        db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        db.execute("BEGIN IMMEDIATE")
        # So little of a page cache that a part of it is in the WAL by then.
        db.execute("PRAGMA cache_size = 5").fetchall()
        for table in ("pattern_locations", "patterns", "function_calls", "functions", "file_metadata"):
            db.execute(f"DELETE FROM {table}")
        db.close()
        self.open()

    @rule()
    def back_up(self) -> None:
        with backup.alone(self.home):
            made = backup.create(self.home, self.databases, "requested", program="test", keep=2)
        self._keep({made.stamp: copy.deepcopy(self.model)})

    @precondition(lambda self: self.kept)
    @rule(data=st.data(), is_open=st.booleans())
    def restore(self, data: st.DataObject, is_open: bool) -> None:
        stamp = data.draw(st.sampled_from(sorted(self.kept)))
        model, before = copy.deepcopy(self.kept[stamp]), copy.deepcopy(self.model)
        if not is_open:
            self.writer.close()
        with backup.alone(self.home):
            chosen = backup.named(backup.folder(self.home), stamp)
            done = restore.put_back(self.home, self.databases, chosen, program="test", keep=2)
        assert done.undo is not None
        self._keep({done.undo.stamp: before})
        self.model = model
        if not is_open:
            self.open()

    def _keep(self, made: dict[str, Model]) -> None:
        self.kept |= made
        there = {each.stamp for each in backup.listed(backup.folder(self.home)) if each.problem is None}
        assert there <= self.kept.keys() and made.keys() <= there
        self.kept = {stamp: model for stamp, model in self.kept.items() if stamp in there}

    # -- what holds after each of them

    @invariant()
    def it_says_what_the_model_says(self) -> None:
        with closing(connection.open_reader(self.databases[0].path, SCHEMA)) as db:
            assert _rows(db, "SELECT path FROM file_metadata") == {(path,) for path in self.model.functions}
            assert _rows(db, _FUNCTIONS) == {
                (path, name) for path, names in self.model.functions.items() for name in names
            }
            assert _rows(db, _CALLS) == {(*site, *to) for site, to in self.model.calls.items()}
            assert _rows(db, _PATTERNS) == self.model.counted()
            assert db.execute(_VERDICTS).fetchall() == self.model.verdicts

    @invariant()
    def it_agrees_with_itself(self) -> None:
        with closing(connection.open_reader(self.databases[0].path, SCHEMA)) as db:
            assert db.execute("PRAGMA foreign_key_check").fetchall() == []
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert status.is_true(db) and adjacency.is_true(db)
            generation = status.generation(db)
            assert generation >= self.generation  # also after a restore
            self.generation = generation


_FUNCTIONS = "SELECT m.path, f.qualified_name FROM functions f JOIN file_metadata m ON m.id = f.file_id"

_CALLS = "SELECT caller_file, caller, line, callee_file, callee FROM v_calls"

_PATTERNS = "SELECT id, status, location_count, outlier_count FROM patterns"

_VERDICTS = """
SELECT pattern_id, action
FROM pattern_history
WHERE action IN ('approved', 'ignored', 'reopened')
ORDER BY id
"""


def _rows(db: apsw.Connection, query: str) -> set[tuple[Any, ...]]:
    rows = db.execute(query).fetchall()
    assert len(rows) == len(set(rows)), "told twice"
    return set(rows)


def _outrun(restored: apsw.Connection, live: apsw.Connection | None) -> None:
    assert live is not None
    status.outrun(restored, status.generation(live))


def _function(name: str) -> functions.NewFunction:
    plain: Callable[..., functions.NewFunction] = functions.NewFunction
    return plain(
        name, 0, name.split(".")[-1], "function", None, 1, LINES, 0, "python", *[None] * 4, "public", 1, *[0] * 5
    )


def _finding(pattern: str) -> patterns.Finding:
    plain: Callable[..., patterns.Finding] = patterns.Finding
    return plain(pattern, pattern, None, "api", None, None, None, 0.9, *[None] * 4, "warning", None, None)


TestStore = Store.TestCase
TestStore.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
