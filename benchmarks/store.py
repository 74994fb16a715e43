"""What the store costs beside a plain C program and Python's own sqlite3: loading, asking, walking, copying.

CPU time of the process, in rounds that take turns, because other programs run beside. The C program (`floor`) has the
same schema with its triggers, the same pragmas and the same rows; it does what a careful programmer would write down:
prepared statements, one row at a time, one transaction.
"""

from __future__ import annotations

import functools
import gc
import itertools
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import apsw

from benchmarks import generated_store, statements, table
from benchmarks.floor import Floor, NoFloor, Row
from benchmarks.generated_store import Rows
from drift_mcp.graph.reachability import walk
from drift_mcp.graph.sweeps import sweep
from drift_mcp.project import DRIFT_ID, FOLDER, Project, init
from drift_mcp.store import backup, connection, schema
from drift_mcp.store.pool import ReaderPool
from drift_mcp.store.writer import Writer
from drift_mcp.tables import (
    adjacency,
    arrays,
    audit,
    bulk,
    constraints,
    contracts,
    conventions,
    files,
    functions,
    lookup,
    pattern_search,
    patterns,
    reach,
    status,
)
from drift_mcp.tables.pattern_search import Filter, Sort

# Rounds of each comparison; medians of them are told.
_ROUNDS: Final = 7
# How often a question is asked in one round.
_TIMES: Final = 500

# As `store.connection` and `store.writer` set them. The last one reads the schema before the clock runs.
_PRAGMAS: Final = """
PRAGMA journal_mode = wal;
PRAGMA synchronous = 1;
PRAGMA foreign_keys = 1;
PRAGMA cache_size = -65536;
PRAGMA mmap_size = 268435456;
PRAGMA temp_store = 2;
PRAGMA wal_autocheckpoint = 4000;
SELECT count(*) FROM sqlite_schema;
"""

_WORDS: Final = ("order", "customer", "invoice", "account", "token", "payment", "product", "user")
# Values that one execution binds, in the C program that inserts many at once.
_VALUES_AT_ONCE: Final = 1_000
# Rules and contracts that a load brings.
_DECISIONS: Final = 10_000
# Beside so many rows of its own, the store that is backed up has files' facts up to this size.
_BACKUP_BYTES: Final = 50_000_000

_DRIFT: Final = "drift"
_C: Final = "C"
_STDLIB: Final = "sqlite3"


class Case(NamedTuple):
    """One operation, and each way to do it: a call gives the CPU seconds that it took, so many times."""

    name: str
    aim: str  # times the C program at most
    ways: Mapping[str, Callable[[], float]]
    times: int = 1


class Question(NamedTuple):
    """What is asked again and again, each time about something else."""

    name: str
    aim: str
    aim_together: str  # all of them in one transaction
    ours: Callable[[apsw.Connection, Any], object]
    statement: str  # that answers the same
    asked: Sequence[Row]  # bound to it


class Inserted(NamedTuple):
    """Rows of one table as a program would insert them."""

    name: str
    statement: str
    rows: list[Row]


def run(here: Path, sqlite_source: Path | None) -> None:
    bench = _Bench(here, sqlite_source)
    # As the server does after its imports: what is here already is no garbage, and is not looked through again.
    gc.freeze()
    try:
        bench.loading()
        bench.logging()
        bench.checking()
        bench.asking()
        bench.walking()
        bench.copying()
    finally:
        bench.close()


class _Bench:
    """The stores that are compared, and the program that is the floor."""

    def __init__(self, here: Path, sqlite_source: Path | None) -> None:
        self.here = here
        self.schema = schema.read("drift", DRIFT_ID)
        self.floor: Floor | None = None
        self.notes: list[str] = []
        self.told_floor: str
        try:
            self.floor = Floor(here, sqlite_source, " ".join(_PRAGMAS.split()))
        except NoFloor as reason:
            self.notes.append(str(reason))
            self.told_floor = "none"
        else:
            self.told_floor = f"SQLite {self.floor.version}, -O2"
        root = here / "monolith"
        root.mkdir()
        # Files and symbols, which all rows refer to; no functions yet.
        self.begun = here / "begun.db"
        self.full = here / "full.db"
        self.rows = self._prepare(root)

    def close(self) -> None:
        if self.floor is not None:
            self.floor.close()

    def _prepare(self, root: Path) -> Rows:
        with Project(root) as project:
            init(project)
            with project.write() as tx:
                begun = generated_store.begin(tx, root)
            made = generated_store.rows(begun)
        store = root / FOLDER / "drift.db"
        shutil.copy(store, self.begun)  # closed: no connection of ours has it open
        shutil.copy(store, self.full)
        with closing(self.writer(self.full)) as writer:
            with writer.transaction() as tx:
                generated_store.load_graph(tx, made)
                patterns.put(tx, made.patterns)
                patterns.replace_locations(tx, (), made.places)
                patterns.settle(tx)
                adjacency.refresh(tx)
                status.refresh(tx)
            writer.optimize()
        return made

    def writer(self, path: Path) -> Writer:
        return Writer(connection.open_writer(path, self.schema), path, self.schema)

    # -- loading

    def loading(self) -> None:
        found = self._inserted()
        if self.floor is not None:
            for each in found.values():
                self.floor.keep(each.name, each.statement, each.rows)
                full, rest = _many_to_an_execution(each)
                self.floor.keep(full.name, full.statement, full.rows)
                self.floor.keep(rest.name, rest.statement, rest.rows)
        cases = [
            *self._load("10,000 patterns", "1.25", found, ("patterns", "pattern_history"), self._put),
            *self._load(
                "10,000 patterns, 50,000 locations",
                "1.25",
                found,
                ("counted_patterns", "pattern_history", "pattern_locations"),
                self._put_placed,
            ),
            *self._load(
                "50,000 functions, 150,000 calls, 20,000 accesses",
                "1.05",
                found,
                ("functions", "function_calls", "data_access_points", "function_data_access"),
                self._load_graph,
            ),
        ]
        cases += [
            Case(
                "all that a first scan writes, up to the status", "", {_DRIFT: lambda: self._load_ours(self._write_all)}
            ),
        ]
        self._show("store: loading", cases)

    def logging(self) -> None:
        """What the triggers of the change log cost where they have nothing to write."""
        rules = [_rule(number) for number in range(_DECISIONS)]
        offers = [_offer(number) for number in range(_DECISIONS)]
        loads: list[tuple[str, Callable[[apsw.Connection], object]]] = [
            ("10,000 patterns", self._put),
            ("10,000 patterns, 50,000 locations", self._put_placed),
            ("10,000 constraints", lambda tx: constraints.put(tx, rules)),
            ("10,000 contracts", lambda tx: contracts.put(tx, offers)),
        ]
        with_log, without = "with", "without"
        cases = [
            Case(
                name,
                "1.1",
                {
                    with_log: functools.partial(self._load_ours, load),
                    without: functools.partial(self._load_ours, load, before=_drop_log),
                },
            )
            for name, load in loads
        ]
        self._show_pairs("store: loading with and without a change log", cases)

    def checking(self) -> None:
        """What the checksums of pages cost."""

        def loaded(layer: str | None) -> float:
            with closing(apsw.Connection(str(self._copied(self.begun)), vfs=layer)) as db, _collecting_nothing():
                _set_up(db)
                began = time.process_time()
                db.execute("BEGIN IMMEDIATE")
                self._load_graph(db)
                db.execute("COMMIT")
                return time.process_time() - began

        def read(layer: str | None) -> float:
            with closing(apsw.Connection(str(self.full), apsw.SQLITE_OPEN_READONLY, vfs=layer)) as db:
                _set_up(db)
                began = time.process_time()
                for statement in statements.WHOLE_TABLES:
                    db.execute(statement).fetchall()
                return time.process_time() - began

        cases = [
            Case(name, "", {"checksums": functools.partial(way, "cksmvfs"), "plain": functools.partial(way, None)})
            for name, way in (
                ("50,000 functions, 150,000 calls, 20,000 accesses", loaded),
                ("all tables, read cold", read),
            )
        ]
        self._show_pairs("store: with and without checksums of pages", cases)

    def _put(self, tx: apsw.Connection) -> None:
        patterns.put(tx, self.rows.patterns)

    def _put_placed(self, tx: apsw.Connection) -> None:
        with bulk.without_indexes(tx):
            patterns.put(tx, self.rows.patterns)
            patterns.replace_locations(tx, (), self.rows.places)
        patterns.settle(tx)

    def _load_graph(self, tx: apsw.Connection) -> None:
        with bulk.without_indexes(tx):
            generated_store.load_graph(tx, self.rows)

    def _write_all(self, tx: apsw.Connection) -> None:
        self._load_graph(tx)
        self._put_placed(tx)
        functions.mark_roles(tx)
        files.recount(tx)
        audit.record(tx)
        adjacency.refresh(tx)
        status.refresh(tx)

    def _load(
        self,
        name: str,
        aim: str,
        found: Mapping[str, Inserted],
        sets: Sequence[str],
        ours: Callable[[apsw.Connection], None],
    ) -> list[Case]:
        """Beside a program that inserts row by row, and beside one that also knows to insert many at once."""
        ways: dict[str, Callable[[], float]] = {_DRIFT: lambda: self._load_ours(ours)}
        if self.floor is None:
            return [Case(name, aim, {**ways, _STDLIB: lambda: self._load_stdlib([found[each] for each in sets])})]
        floor = self.floor
        by_row = {
            **ways,
            _C: lambda: floor.insert(self._copied(self.begun), sets).cpu,
            _STDLIB: lambda: self._load_stdlib([found[each] for each in sets]),
        }
        many = [part for each in sets for part in (f"{each}, full", f"{each}, rest")]
        at_once = {**ways, _C: lambda: floor.insert(self._copied(self.begun), many).cpu}
        return [Case(name, aim, by_row), Case("... where C inserts many at once, too", "", at_once)]

    def _copied(self, store: Path) -> Path:
        path = self.here / "run.db"
        for leftover in (path, path.with_name("run.db-wal"), path.with_name("run.db-shm")):
            leftover.unlink(missing_ok=True)
        shutil.copy(store, path)
        return path

    def _load_ours(
        self, load: Callable[[apsw.Connection], object], *, before: Callable[[apsw.Connection], None] | None = None
    ) -> float:
        with closing(self.writer(self._copied(self.begun))) as writer, _collecting_nothing():
            if before is not None:
                with writer.transaction() as tx:
                    before(tx)
            began = time.process_time()
            with writer.transaction() as tx:
                load(tx)
            return time.process_time() - began

    def _load_stdlib(self, sets: Sequence[Inserted]) -> float:
        with closing(sqlite3.connect(self._copied(self.begun), isolation_level=None)) as db, _collecting_nothing():
            db.executescript(_PRAGMAS)
            began = time.process_time()
            db.execute("BEGIN IMMEDIATE")
            for each in sets:
                db.executemany(each.statement, each.rows)
            db.execute("COMMIT")
            return time.process_time() - began

    def _inserted(self) -> dict[str, Inserted]:
        with closing(connection.open_reader(self.full, self.schema)) as db:
            return {name: Inserted(name, *_as_inserted(db, *wanted)) for name, wanted in statements.SETS.items()}

    # -- asking

    def asking(self) -> None:
        pool = ReaderPool(self.full, self.schema)
        try:
            cases = [case for question in self._questions() for case in self._asked(pool, question)]
            self._show("store: asking", cases, f"{_TIMES} of each. The C program asks one by one throughout.")
        finally:
            pool.close()

    def _questions(self) -> list[Question]:
        dice = random.Random(7)
        with closing(connection.open_reader(self.full, self.schema)) as db:
            ids: Sequence[Row] = db.execute("SELECT id FROM patterns ORDER BY key").fetchall()
            paths: Sequence[Row] = db.execute("SELECT path FROM file_metadata ORDER BY id").fetchall()
            called: Sequence[Row] = db.execute("SELECT id FROM functions WHERE kind <> 'module' ORDER BY id").fetchall()
            categories = [row[0] for row in db.execute("SELECT DISTINCT category FROM patterns ORDER BY 1")]
        searches: list[Row] = [
            (
                dice.choice(categories),
                dice.choice(("error", "warning")),
                dice.choice((0.6, 0.7, 0.8)),
                dice.choice(_WORDS),
            )
            for _ in range(_TIMES)
        ]
        return [
            Question("all 10,000 patterns", "2.5", "", lambda db, row: _all(db), statements.ALL, [()]),
            Question(
                "pattern by id",
                "1.5",
                "1.2",
                lambda db, row: conventions.one(db, row[0]),
                statements.ONE,
                dice.sample(ids, _TIMES),
            ),
            Question(
                "patterns of a file",
                "1.5",
                "1.2",
                lambda db, row: _in_file(db, row[0]),
                statements.IN_FILE,
                dice.sample(paths, _TIMES),
            ),
            Question(
                "functions of a file",
                "1.5",
                "1.2",
                lambda db, row: lookup.in_file(db, row[0]),
                statements.FUNCTIONS,
                dice.sample(paths, _TIMES),
            ),
            Question(
                "direct callers",
                "1.5",
                "1.2",
                lambda db, row: reach.into(db, row),
                statements.CALLERS,
                dice.sample(called, _TIMES),
            ),
            Question(
                "search by five filters", "1.3", "1.3", lambda db, row: _found(db, row), statements.SEARCH, searches
            ),
            Question("status", "", "", lambda db, row: status.read(db), statements.STATUS, [()] * _TIMES),
        ]

    def _asked(self, pool: ReaderPool, question: Question) -> list[Case]:
        """One by one on an open connection, all in one transaction, and in a snapshot of the pool each, as a server
        asks; each beside the C program's one by one."""

        def one_by_one() -> float:
            with closing(connection.open_reader(self.full, self.schema)) as db:
                question.ours(db, question.asked[0])
                return _timed(db, question)

        def together() -> float:
            with pool.snapshot() as db:
                return _timed(db, question)

        def snapshot_each() -> float:
            began = time.process_time()
            for row in question.asked:
                with pool.snapshot() as db:
                    question.ours(db, row)
            return time.process_time() - began

        others: dict[str, Callable[[], float]] = {}
        if self.floor is not None:
            floor, name = self.floor, question.name
            floor.keep(name, question.statement, question.asked)
            others[_C] = lambda: floor.query(self.full, name, together=False).cpu
        others[_STDLIB] = lambda: self._asked_stdlib(question)
        times = len(question.asked)
        cases = [Case(question.name, question.aim, {_DRIFT: one_by_one, **others}, times)]
        if times > 1:
            cases.append(Case("... in one transaction", question.aim_together, {_DRIFT: together, **others}, times))
            cases.append(Case("... in a snapshot of the pool each", "", {_DRIFT: snapshot_each, **others}, times))
        return cases

    def _asked_stdlib(self, question: Question) -> float:
        with closing(sqlite3.connect(self.full, isolation_level=None)) as db:
            db.executescript(_PRAGMAS)
            db.execute(question.statement, question.asked[0]).fetchall()
            began = time.process_time()
            for row in question.asked:
                db.execute(question.statement, row).fetchall()
            return time.process_time() - began

    # -- walking

    def walking(self) -> None:
        """Everything that leads to the function with the most callers, by proven calls."""
        with closing(connection.open_reader(self.full, self.schema)) as db:
            hub = _hub(db)
            reached = _swept(db, hub)
            greatest = db.execute("SELECT max(id) FROM functions").get
        pool = ReaderPool(self.full, self.schema)
        walks: list[tuple[str, str, Callable[[apsw.Connection], int]]] = [
            ("a statement a level, nodes alone", "0.35", lambda db: _levels(db, hub)),
            (
                "... with the way to each",
                "",
                lambda db: len(walk([hub], lambda f: reach.edges_into(db, f), max_depth=10**6).depths),
            ),
            ("the stored arrays, read and walked", "", lambda db: _swept(db, hub)),
        ]
        if self.floor is not None:
            self.floor.keep("hub", statements.CALLERS_OF_ONE, [(hub,)])
        try:
            cases = [Case(name, aim, self._walked(pool, ours, greatest)) for name, aim, ours in walks]
            self._show(
                "store: all callers of a hub",
                cases,
                f"{reached:,} of the functions lead to it. The C program asks a statement for each of them.",
            )
        finally:
            pool.close()

    def _walked(
        self, pool: ReaderPool, ours: Callable[[apsw.Connection], int], greatest: int
    ) -> dict[str, Callable[[], float]]:
        reached = []

        def here() -> float:
            began = time.process_time()
            with pool.snapshot() as db:
                reached.append(ours(db))
            return time.process_time() - began

        def there() -> float:
            assert self.floor is not None
            took = self.floor.walk(self.full, "hub", greatest)
            assert set(reached) == {took.rows}, "both reach the same"
            return took.cpu

        return {_DRIFT: here, _C: there} if self.floor is not None else {_DRIFT: here}

    # -- copying

    def copying(self) -> None:
        home = self.here / "copied" / FOLDER
        home.mkdir(parents=True)
        store = home / "drift.db"
        shutil.copy(self.full, store)
        with closing(self.writer(store)) as writer, writer.transaction() as tx:
            statements.fill(tx, _BACKUP_BYTES - store.stat().st_size)
        databases = [backup.Database(store, self.schema)]
        stages: dict[str, list[tuple[float, float]]] = {"copy": [], "check": [], "C": []}
        for _ in range(_ROUNDS):
            clocks = [(time.process_time(), time.perf_counter())]

            def reached(stage: str, done: int, total: int, clocks: list[tuple[float, float]] = clocks) -> None:
                if stage.startswith("check") and len(clocks) == 1:
                    clocks.append((time.process_time(), time.perf_counter()))

            backup.create(home, databases, "benchmark", program="benchmarks", keep=1, on_progress=reached)
            clocks.append((time.process_time(), time.perf_counter()))
            for name, began, ended in zip(("copy", "check"), clocks, clocks[1:], strict=False):
                stages[name].append((ended[0] - began[0], ended[1] - began[1]))
            if self.floor is not None:
                target = self.here / "floor-copy.db"
                target.unlink(missing_ok=True)
                took = self.floor.backup(store, target)
                stages["C"].append((took.cpu, took.wall))
        whole = [(one[0] + two[0], one[1] + two[1]) for one, two in zip(stages["copy"], stages["check"], strict=True)]
        floor = stages["C"]
        rows = []
        for name, aim, took_each in (
            ("copied and hashed", "1.2", stages["copy"]),
            ("checked, and put in place", "", stages["check"]),
            ("together", "", whole),
            ("C, sqlite3_backup", "", floor),
        ):
            if not took_each:
                continue
            cpu, wall = ([each[place] for each in took_each] for place in (0, 1))
            beside = [table.ratio(cpu, [each[0] for each in floor]), table.ratio(wall, [each[1] for each in floor])]
            rows.append(
                (
                    name,
                    table.median_ms(cpu),
                    table.median_ms(wall),
                    f"{min(wall) * 1e3:.0f}",
                    *(beside if floor else ["", ""]),
                    aim,
                )
            )
        table.show(
            f"store: backup of {store.stat().st_size / 1e6:.0f} MB",
            "python -m benchmarks store",
            "",
            ("what", "CPU ms", "wall ms", "least wall", "CPU / C", "wall / C", "aim"),
            rows,
            [f"Medians of {_ROUNDS} rounds that take turns. The C program: {self.told_floor}.", *self.notes],
        )

    # -- telling

    def _show_pairs(self, title: str, cases: Sequence[Case]) -> None:
        rows = []
        ours, other = cases[0].ways
        for case in cases:
            took = _interleaved(case)
            rows.append(
                (
                    case.name,
                    table.median_ms(took[ours]),
                    table.median_ms(took[other]),
                    table.ratio(took[ours], took[other]),
                    case.aim,
                )
            )
        table.show(
            title,
            "python -m benchmarks store",
            "",
            ("what", f"{ours} ms", f"{other} ms", "ratio", "aim"),
            rows,
            [f"CPU; medians of {_ROUNDS} rounds that take turns."],
        )

    def _show(self, title: str, cases: Sequence[Case], *more: str) -> None:
        rows = [_told(case, _interleaved(case)) for case in cases]
        notes = [f"CPU of one; medians of {_ROUNDS} rounds that take turns. The C program: {self.told_floor}."]
        table.show(
            title,
            "python -m benchmarks store",
            "",
            ("what", "drift ms", "C ms", "drift / C", "aim", "sqlite3 ms", "drift / sqlite3"),
            rows,
            [*notes, *more, *self.notes],
        )


def _drop_log(tx: apsw.Connection) -> None:
    for (name,) in tx.execute(statements.LOG).fetchall():
        tx.execute(f"DROP TRIGGER {name}")


def _set_up(db: apsw.Connection) -> None:
    for _ in db.execute(_PRAGMAS):  # to the end: `execute` stops at the first row
        pass


def _rule(number: int) -> constraints.NewConstraint:
    return constraints.NewConstraint(
        f"constraint-api-{number:012x}",
        f"Rule {number}",
        "api",
        '{"type": "must_have", "condition": "route", "predicate": "checks who asks"}',
        "Every route checks who asks.",
        confidence_score=0.9,
        confidence_evidence=40,
    )


def _offer(number: int) -> contracts.NewContract:
    return contracts.NewContract(
        f"contract-get-{number:012x}",
        "GET",
        f"/things/{number}/:id",
        f"/things/{number}/{{}}",
        backend_method="GET",
        backend_path=f"/things/{number}/:id",
        backend_framework="express",
        confidence_score=0.8,
    )


def _timed(db: apsw.Connection, question: Question) -> float:
    began = time.process_time()
    for row in question.asked:
        question.ours(db, row)
    return time.process_time() - began


def _all(db: apsw.Connection) -> object:
    return pattern_search.every(db, Filter(), Sort())


def _in_file(db: apsw.Connection, path: str) -> object:
    return pattern_search.every(db, Filter(files=[path]), Sort())


def _found(db: apsw.Connection, row: Sequence[Any]) -> object:
    category, severity, least, word = row
    wanted = Filter(
        categories=[category], statuses=["discovered"], severities=[severity], min_confidence=least, text=word
    )
    return pattern_search.page(db, wanted, Sort(), limit=50)


def _levels(db: apsw.Connection, hub: int) -> int:
    reached = frontier = {hub}
    while frontier:
        frontier = {row[0] for row in db.execute(statements.LEVEL, (arrays.integers(frontier),))} - reached
        reached = reached | frontier
    return len(reached)


def _hub(db: apsw.Connection) -> int:
    """The function that most others lead to."""
    stored = adjacency.read(db)
    assert stored is not None
    called = [int(row[0]) for row in db.execute(statements.CALLED_MOST)]
    return max(called, key=lambda key: len(sweep(stored.offsets, stored.callers, [key], max_depth=10**6).nodes))


def _swept(db: apsw.Connection, hub: int) -> int:
    stored = adjacency.read(db)
    assert stored is not None
    return len(sweep(stored.offsets, stored.callers, [hub], max_depth=10**6).nodes)


def _many_to_an_execution(inserted: Inserted) -> tuple[Inserted, Inserted]:
    """As `tables.bulk` does it: what fills whole executions, and the rest."""
    head, row = inserted.statement.rsplit(" VALUES ", 1)
    together = _VALUES_AT_ONCE // row.count("?")
    full = len(inserted.rows) // together * together
    chunks: list[Row] = [
        tuple(itertools.chain.from_iterable(inserted.rows[first : first + together]))
        for first in range(0, full, together)
    ]
    statement = f"{head} VALUES {', '.join([row] * together)}"
    return (
        Inserted(f"{inserted.name}, full", statement, chunks),
        Inserted(f"{inserted.name}, rest", inserted.statement, inserted.rows[full:]),
    )


def _as_inserted(db: apsw.Connection, name: str, columns: str, order: str) -> tuple[str, list[Row]]:
    places = ", ".join("?" for _ in columns.split(","))
    rows: list[Row] = list(db.execute(f"SELECT {columns} FROM {name} ORDER BY {order}"))
    return f"INSERT INTO {name} ({columns}) VALUES ({places})", rows


class _collecting_nothing:
    """As during a scan, which makes no cycles: looking for garbage would only cost."""

    def __enter__(self) -> None:
        gc.collect()
        gc.disable()

    def __exit__(self, *raised: object) -> None:
        gc.enable()


def _interleaved(case: Case) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in case.ways}
    for _ in range(_ROUNDS):
        for name, way in case.ways.items():
            took[name].append(way() / case.times)
    return took


def _told(case: Case, took: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    ours = took[_DRIFT]
    floor, stdlib = took.get(_C), took.get(_STDLIB)
    return (
        case.name,
        table.median_ms(ours),
        table.median_ms(floor) if floor else "",
        table.ratio(ours, floor) if floor else "",
        case.aim,
        table.median_ms(stdlib) if stdlib else "",
        table.ratio(ours, stdlib) if stdlib else "",
    )
