"""Scans: what an edit changes and what it leaves, and that a scan of changes ends where a fresh scan would."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drift_mcp import ingest
from drift_mcp.errors import DriftError
from drift_mcp.project import Project
from drift_mcp.scan import facts as F

# Every mtime that the tests write is a later one: two writes may fall into one tick of the file system's clock.
_TICKS = itertools.count(1_700_000_000_000_000_000, 1_000_000)

# What the rest of the program can see of a scan, without ids and times.
VISIBLE = {
    "files": "SELECT path, language, size, lines, status, skip_reason, is_test FROM file_metadata",
    "functions": """
        SELECT id, kind, start_line, end_line, column_num, is_exported, is_entry_point, is_data_accessor,
            is_constructor, is_async, is_test, decorators, parameters, signature, return_type, visibility, complexity
        FROM v_functions""",
    "calls": """
        SELECT caller_id, callee_id, callee_name, line, column_num, candidate, resolution, argument_count, reason
        FROM v_function_calls""",
    "bases": """
        SELECT c.id, b.position, b.base_name, p.id
        FROM class_bases b
        JOIN v_functions c ON c.key = b.class_id
        LEFT JOIN v_functions p ON p.key = b.base_id""",
    "symbols": "SELECT name FROM symbols",
    "imports": "SELECT file, line, module, name, alias, resolved_file FROM v_imports",
    "data access": "SELECT function, file, line, table_name, field_name, operation, sensitivity FROM v_data_access",
    "access points": """
        SELECT id, table_name, operation, context, fields, whole_row, is_raw_sql, confidence, framework, function_id
        FROM v_data_access_points""",
    "models": "SELECT name, table_name, file, line, framework, confidence, fields FROM v_data_models",
    "fields": """
        SELECT m.name, f.path, d.field_name, d.column_name, d.type
        FROM data_fields d
        JOIN data_models m ON m.id = d.model_id
        JOIN file_metadata f ON f.id = m.file_id""",
    "sensitive": "SELECT table_name, field_name, sensitivity, reason, confidence, file, line FROM v_sensitive_fields",
    "entry points": "SELECT kind, label, method, path, framework, function_id, line FROM v_entry_points",
    "environment": "SELECT id, method, is_required, default_value, function_id FROM v_env_access_points",
    "problems": "SELECT file, line, kind, message FROM v_file_problems",
    "patterns": """
        SELECT id, status, dominant_variant, location_count, outlier_count, confidence_score, severity
        FROM patterns""",
    "locations": """
        SELECT pattern_id, file, line, column_num, variant, is_outlier, outlier_reason
        FROM v_pattern_locations""",
    "suppressions": """
        SELECT scope, file, line, end_line, category, pattern_id, detector_id, reason, expires_at, is_active,
            deactivation_reason, origin
        FROM v_pattern_suppressions""",
}


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The registry of projects lies in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DRIFT_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


def write(root: Path, sources: Mapping[str, str | bytes | None]) -> None:
    """Make the files as given; None takes one away."""
    for path, source in sources.items():
        place = root / path
        if source is None:
            place.unlink(missing_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(source if isinstance(source, bytes) else source.encode())
        tick = next(_TICKS)
        os.utime(place, ns=(tick, tick))


def scan(root: Path, **how: Any) -> ingest.ScanRun:
    with Project(root) as project:
        return ingest.scan(project, jobs=1, **how)


def asked(root: Path, question: str, *values: object) -> list[tuple[Any, ...]]:
    with Project(root) as project, project.read() as db:
        return list(db.execute(question, values))


def visible(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    with Project(root) as project, project.read() as db:
        return {name: sorted(db.execute(question), key=repr) for name, question in VISIBLE.items()}


def calls(root: Path) -> set[str]:
    """'caller > callee' for every decided call, by qualified names."""
    rows = asked(root, "SELECT caller, callee FROM v_calls WHERE callee_file IS NOT NULL")
    return {f"{caller} > {callee}" for caller, callee in rows}


# -- one edit and what it must do


def test_a_first_scan_makes_the_store_and_says_what_it_did(root: Path) -> None:
    write(root, {"a.py": "def f():\n    g()\n\n\ndef g():\n    pass\n", "b.py": "import a\n\na.f()\n"})
    run = scan(root)
    assert (run.files, run.changed, run.deleted, run.linked, run.skipped, run.incremental) == (2, 2, 0, 2, 0, False)
    assert run.functions == 4  # two functions and two module bodies
    assert calls(root) == {"f > g", "<module> > f"}


def test_a_second_scan_of_nothing_new_reads_and_links_nothing(root: Path) -> None:
    write(root, {"a.py": "def f(): pass\n"})
    scan(root)
    before = visible(root)
    run = scan(root)
    assert (run.files, run.changed, run.linked) == (1, 0, 0)
    assert visible(root) == before


def test_a_touched_file_is_read_and_not_linked_again(root: Path) -> None:
    write(root, {"a.py": "def f(): pass\n"})
    scan(root)
    write(root, {"a.py": "def f(): pass\n"})
    run = scan(root)
    assert (run.changed, run.linked) == (0, 0)
    # Its new stamp is remembered: it is not read a third time.
    [(secs, nanos)] = asked(root, "SELECT mtime_secs, mtime_nanos FROM file_metadata")
    assert secs * 1_000_000_000 + nanos == (root / "a.py").stat().st_mtime_ns


def test_a_deleted_file_takes_its_calls_with_it(root: Path) -> None:
    write(root, {"a.py": "def f(): pass\n", "b.py": "from a import f\n\n\ndef g():\n    f()\n"})
    scan(root)
    assert calls(root) == {"g > f"}
    write(root, {"b.py": None})
    run = scan(root)
    assert (run.files, run.deleted) == (1, 1)
    assert calls(root) == set()
    assert asked(root, "SELECT path FROM file_metadata") == [("a.py",)]


def test_a_call_into_a_deleted_file_is_open_again_and_found_when_the_file_is_back(root: Path) -> None:
    sources = {"a.py": "def f(): pass\n", "b.py": "from a import f\n\n\ndef g():\n    f()\n"}
    write(root, sources)
    scan(root)
    write(root, {"a.py": None})
    scan(root)
    rows = asked(root, "SELECT callee, callee_file, resolution FROM v_calls")
    assert rows == [("a.f", None, "external")]
    write(root, sources)
    scan(root)
    assert calls(root) == {"g > f"}


def test_an_edit_above_leaves_the_ids_of_functions(root: Path) -> None:
    write(root, {"a.py": "def f(): pass\n\n\ndef g(): pass\n"})
    scan(root)
    question = "SELECT qualified_name, id FROM functions WHERE kind = 'function'"
    before = dict(asked(root, question))
    write(
        root, {"a.py": '"""Says more now."""\n\nimport os\n\n\ndef new(): pass\n\n\ndef f(): pass\n\n\ndef g(): pass\n'}
    )
    scan(root)
    after = dict(asked(root, question))
    assert {name: after[name] for name in before} == before
    assert "new" in after


def test_a_call_follows_its_function_to_another_line(root: Path) -> None:
    write(root, {"a.py": "def f(): pass\n", "b.py": "from a import f\n\nf()\n"})
    scan(root)
    write(root, {"a.py": "# one\n# two\ndef f(): pass\n"})
    run = scan(root)
    assert calls(root) == {"<module> > f"}
    assert run.linked == 1, "nothing that b.py sees of a.py has changed"


def test_a_broken_file_is_a_problem_and_stops_nothing(root: Path) -> None:
    write(root, {"bad.py": "def f(:\n  ]]\n", "good.py": "def f():\n    g()\n\n\ndef g(): pass\n"})
    run = scan(root)
    assert run.problems > 0
    assert calls(root) >= {"f > g"}
    assert ("bad.py", "syntax") in asked(root, "SELECT file, kind FROM v_file_problems")


def test_a_mended_file_loses_its_problem(root: Path) -> None:
    write(root, {"bad.py": "def f(:\n  ]]\n"})
    scan(root)
    write(root, {"bad.py": "def f(): pass\n"})
    assert scan(root).problems == 0
    assert asked(root, "SELECT * FROM v_file_problems") == []


def test_a_file_that_becomes_unreadable_as_source_loses_its_facts(root: Path) -> None:
    source = "class User:\n    def save_it(self): pass\n\n\ndef f():\n    User().save_it()\n"
    write(root, {"a.py": source, "b.py": "from a import f\n\n\ndef g():\n    f()\n"})
    scan(root)
    assert calls(root) >= {"g > f", "f > User.save_it"}
    write(root, {"a.py": b"\x00\x01\x02" * 100})
    run = scan(root)
    assert run.problems == 1
    assert calls(root) == set()
    assert asked(root, "SELECT status, skip_reason FROM file_metadata WHERE path = 'a.py'") == [("skipped", "binary")]
    assert asked(root, "SELECT count(*) FROM v_functions WHERE file = 'a.py'") == [(0,)]
    write(root, {"a.py": source})
    scan(root)
    assert calls(root) >= {"g > f", "f > User.save_it"}


def test_a_name_that_appears_links_the_file_that_asked_for_it(root: Path) -> None:
    write(root, {"a.py": "def other(): pass\n", "b.py": "from a import wanted\n\n\ndef g():\n    wanted()\n"})
    scan(root)
    assert calls(root) == set()
    write(root, {"a.py": "def wanted(): pass\n"})
    run = scan(root)
    assert calls(root) == {"g > wanted"}
    assert run.linked == 2


def test_a_second_method_of_a_name_takes_back_what_was_unique(root: Path) -> None:
    write(root, {"zoo.py": "class Lion:\n    def roar(self): pass\n", "use.py": "def use(it):\n    it.roar()\n"})
    scan(root)
    assert calls(root) == {"use > Lion.roar"}
    write(root, {"bear.py": "class Bear:\n    def roar(self): pass\n"})
    scan(root)
    assert calls(root) == set()
    write(root, {"bear.py": None})
    scan(root)
    assert calls(root) == {"use > Lion.roar"}


def test_a_change_far_below_reaches_who_calls_through_two_files(root: Path) -> None:
    write(
        root,
        {
            "low.py": "class Low:\n    def run_it(self): pass\n\n\nclass High:\n    def run_it(self): pass\n",
            "mid.py": "from low import Low, High\n\n\ndef make():\n    return Low()\n",
            "top.py": "from mid import make\n\n\ndef use():\n    make().run_it()\n",
        },
    )
    scan(root)
    assert "use > Low.run_it" in calls(root)
    write(root, {"mid.py": "from low import Low, High\n\n\ndef make():\n    return High()\n"})
    scan(root)
    assert calls(root) == {"make > High", "use > make", "use > High.run_it"}


def test_a_re_export_that_leads_elsewhere_reaches_who_calls_the_interface(root: Path) -> None:
    write(
        root,
        {
            "names.ts": "export interface A { run(): void }\nexport interface B { run(): void }\n",
            "barrel.ts": "export { A as Base } from './names'\n",
            "one.ts": "import { Base } from './barrel'\nexport class One implements Base { run() {} }\n",
            "use.ts": "import { A } from './names'\nexport function use(it: A) { it.run() }\n",
        },
    )
    scan(root)
    assert "use > One.run" in calls(root)
    write(root, {"barrel.ts": "export { B as Base } from './names'\n"})
    scan(root)
    assert "use > One.run" not in calls(root)


def test_a_scan_of_some_paths_leaves_the_others_as_they_were(root: Path) -> None:
    write(root, {"x/a.py": "def f(): pass\n", "y/b.py": "def g(): pass\n"})
    scan(root)
    write(root, {"x/a.py": "def f2(): pass\n", "y/b.py": "def g2(): pass\n"})
    run = scan(root, paths=["x"])
    assert run.changed == 1
    names = {name for (name,) in asked(root, "SELECT name FROM functions WHERE kind = 'function'")}
    assert names == {"f2", "g"}


def test_a_file_that_cannot_be_linked_is_told_and_costs_the_others_nothing(root: Path) -> None:
    write(root, {"a.py": "def f(): pass\n", "b.py": "from a import f\n\n\ndef g(): f()\n", "c.py": "import a\na.f()\n"})
    scan(root)
    with Project(root) as project, project.write() as tx:
        question = (
            "SELECT x.file_id, x.facts FROM file_facts x JOIN file_metadata m ON m.id = x.file_id WHERE m.path = ?"
        )
        ((file_id, blob),) = tx.execute(question, ("b.py",)).fetchall()
        facts = F.unpack(blob)
        # As a fault of a front end would leave it: a call of what a call gives that is not there.
        broken = facts._replace(calls=(facts.calls[0]._replace(callee=(F.CALL, 999)),))
        tx.execute("UPDATE file_facts SET facts = ? WHERE file_id = ?", (F.pack(broken), file_id))
    write(root, {"a.py": "def f(x): pass\n"})
    scan(root)
    assert asked(root, "SELECT file, kind FROM v_file_problems") == [("b.py", "crash")]
    assert any(call.endswith("> f") for call in calls(root)), "c.py is linked"
    write(root, {"b.py": "from a import f\n\n\ndef h(): f(1)\n"})
    scan(root)
    assert asked(root, "SELECT file, kind FROM v_file_problems") == []


def test_a_path_outside_the_project_is_refused(root: Path) -> None:
    write(root, {"a.py": "def f(): pass\n"})
    with pytest.raises(DriftError, match="outside the project"):
        scan(root, paths=["../elsewhere"])


def test_a_verdict_on_a_pattern_survives_scans(root: Path) -> None:
    handler = "def f{0}(x):\n    try:\n        return x\n    except ValueError:\n        raise\n"
    write(root, {f"m{n}.py": "".join(handler.format(k) for k in range(6)) for n in range(5)})
    scan(root)
    patterns = asked(root, "SELECT id FROM patterns ORDER BY id")
    assert patterns, "thirty places that do the same are a convention"
    with Project(root) as project, project.write() as tx:
        tx.execute("UPDATE patterns SET status = 'approved' WHERE id = ?", patterns[0])
    write(root, {"m0.py": handler.format(9)})
    scan(root)
    scan(root, full=True)
    assert asked(root, "SELECT status FROM patterns WHERE id = ?", *patterns[0]) == [("approved",)]


# -- odd projects


def test_an_empty_folder_is_scanned(root: Path) -> None:
    run = scan(root)
    assert (run.files, run.changed, run.functions) == (0, 0, 0)
    assert scan(root).files == 0


def test_a_project_of_only_a_schema_has_models_and_no_functions_of_its_own(root: Path) -> None:
    write(root, {"schema.prisma": "model User {\n  id Int @id\n  email String\n  password String\n}\n"})
    run = scan(root)
    assert run.files == 1
    assert asked(root, "SELECT name, table_name FROM v_data_models") == [("User", "User")]
    fields = {field for (field,) in asked(root, "SELECT field_name FROM v_sensitive_fields")}
    assert {"email", "password"} <= fields


def test_sensitive_fields_are_columns_of_the_schema_not_relations_or_dropped_columns(root: Path) -> None:
    schema = "model User {\n  id Int @id\n  password String\n  apiKeys ApiKey[]\n}\n"
    schema += "model ApiKey {\n  id Int @id\n  user User\n}\n"
    migration = 'CREATE TABLE "User" ("id" INT, "password" TEXT, "salary" INT);\n'
    write(root, {"prisma/schema.prisma": schema, "prisma/migrations/1/migration.sql": migration})
    scan(root)
    found = asked(root, "SELECT field_name, file, line FROM v_sensitive_fields")
    assert found == [("password", "prisma/schema.prisma", 3)]


def test_all_files_gone_leaves_an_empty_store(root: Path) -> None:
    write(root, {"a.py": "def f(): f()\n", "b.ts": "export function g() { g() }\n"})
    scan(root)
    write(root, {"a.py": None, "b.ts": None})
    assert scan(root).deleted == 2
    assert {name: rows for name, rows in visible(root).items() if rows} == {}


def test_a_scan_that_dies_in_its_transaction_leaves_the_state_before(root: Path) -> None:
    write(root, {"a.py": "def f(): pass\n", "b.py": "from a import f\n\nf()\n"})
    scan(root)
    before = visible(root)
    write(root, {"a.py": "def f2(): pass\n", "c.py": "def h(): pass\n", "b.py": None})
    stages = ("link", "write")
    for stage in stages:
        child = os.fork()
        if child == 0:  # dies as by a kill: no handler runs, nothing is rolled back by hand

            def die(now: str, done: int, total: int, stage: str = stage) -> None:
                if now == stage and (done or now != "link"):
                    os._exit(9)

            try:
                scan(root, on_progress=die)
            finally:
                os._exit(1)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 9, f"the scan ended before '{stage}'"
        assert visible(root) == before
    scan(root)
    assert {path for (path,) in asked(root, "SELECT path FROM file_metadata")} == {"a.py", "c.py"}


# -- changes end where a fresh scan would

# A small project of many dependencies. Each file has several forms: None is its absence, the first is the usual one.
FORMS: dict[str, tuple[str | bytes | None, ...]] = {
    "app/__init__.py": ("", "from app.cart import Cart as Basket\n", None),
    "app/base.py": (
        "class Repo:\n    def load(self):\n        self.prepare_it()\n\n    def prepare_it(self):\n        return 1\n",
        "class Repo:\n    def fetch(self): ...\n\n    @property\n    def label(self):\n        return 'x'\n",
        "from app.root import Root\n\n\nclass Repo(Root):\n    pass\n",
        None,
    ),
    "app/root.py": ("class Root:\n    label = 'a'\n\n    def load(self):\n        return 2\n", None),
    "app/cart.py": (
        """from app.base import Repo
from app.price import price


class Cart(Repo):
    def total(self):
        self.load()
        self.label
        return price(self)


def make(loose):
    loose.prepare_it()
    loose.growl()
    return Cart()
""",
        "# moved\nfrom .base import Repo\n\n\nclass Cart(Repo):\n    pass\n\n\ndef make(loose):\n    return Cart()\n",
        "def make(:\n",
        b"\x00\x01binary",
        None,
    ),
    "app/price.py": (
        "def price(cart):\n    return 1\n",
        "from price import price\n",
        "def cost(cart):\n    return 1\n",
        None,
    ),
    "price.py": ("def price(cart):\n    return 2\n\n\nclass Bear:\n    def growl(self): ...\n", None),
    "zoo.py": (
        "class Lion:\n    def growl(self):\n        return 1\n",
        "class Tiger:\n    def growl(self):\n        return 1\n",
        "class Lion:\n    def growl(self): ...\n\n\nclass Tiger(Lion):\n    def growl(self): ...\n",
        None,
    ),
    "app/models.py": (
        """from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import declarative_base, relationship

Base = declarative_base()


class Stamped(Base):
    __abstract__ = True
    created = Column(String)


class Order(Stamped):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    user_id = Column(ForeignKey("users.id"))
    user = relationship("User")
    password = Column(String)
""",
        """from sqlalchemy import Column, Integer, String
from sqlalchemy.orm import declarative_base

Base = declarative_base()


class Stamped(Base):
    __abstract__ = True
    made = Column(String)


class Order(Base):
    __tablename__ = "orders2"
    id = Column(Integer, primary_key=True)
    email = Column(String)
""",
        None,
    ),
    "app/users.py": (
        """from sqlalchemy import Column, Integer, String

from app.models import Stamped


class User(Stamped):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    email = Column(String)
    password_hash = Column(String)

    def greet_warmly(self):
        return self.email
""",
        "class User:\n    def greet_warmly(self):\n        return 1\n",
        None,
    ),
    "app/queries.py": (
        """from app.models import Order, Stamped


def orders(session, connection):
    for order in session.query(Order).all():
        order.user.greet_warmly()
        print(order.password, order.user.email)
    connection.execute("SELECT email, total FROM users u JOIN orders o ON o.user_id = u.id WHERE password = 1")


def stamps(stamped: Stamped):
    return stamped.created
""",
    ),
    "app/routes.py": (
        """from fastapi import APIRouter, Depends

from app.deps import current

router = APIRouter(prefix="/v1")


@router.get("/orders")
def orders(user=Depends(current)):
    return user.greet_warmly()
""",
        """from fastapi import APIRouter

router = APIRouter(prefix="/v2")


@router.post("/orders")
def orders():
    return 1
""",
        None,
    ),
    "app/deps.py": (
        "from app.users import User\n\n\ndef current() -> User:\n    return User()\n",
        "from app.cart import Cart\n\n\ndef current() -> Cart:\n    return Cart()\n",
        None,
    ),
    "app/main.py": (
        """from fastapi import FastAPI

from app import routes

app = FastAPI()
app.include_router(routes.router, prefix="/api")
""",
        "from fastapi import FastAPI\n\nfrom app.routes import router\n\napp = FastAPI()\napp.include_router(router)\n",
        "import app\n\n\ndef run():\n    app.Basket().total()\n    app.extra.thing_done()\n",
        None,
    ),
    "app/extra.py": (None, "def thing_done():\n    return 1\n"),
    "tests/conftest.py": (
        "import pytest\n\nfrom app.cart import Cart\n\n\n@pytest.fixture\ndef thing():\n    return Cart()\n",
        "import pytest\n\nfrom zoo import Lion\n\n\n@pytest.fixture\ndef thing():\n    return Lion()\n",
        None,
    ),
    "tests/test_shop.py": ("def test_total(thing):\n    thing.total()\n    thing.growl()\n",),
    "schema.prisma": (
        None,
        'model Account {\n  id Int @id\n  email String\n  @@map("accounts")\n}\n',
        "model Account {\n  id Int @id\n  secret String\n}\n",
    ),
    "schema.sql": (None, "CREATE TABLE users (id integer, email text, total integer);\n"),
    "web/api.ts": (
        """export { load } from './users.service'
export * from './tools'
export default class Api { open() { return 1 } }
""",
        "export function load() { return 1 }\nexport class Api { close() { return 2 } }\n",
        None,
    ),
    "web/users.service.ts": (
        "export function load() { return prisma.account.findMany({ where: { email: 'a' } }) }\n",
        "export async function load() { return knex('accounts').select('email', 'other') }\n",
        None,
    ),
    "web/tools/index.ts": ("export function cut() { return 1 }\n", None),
    "web/tools.ts": (None, "export function cut() { return 2 }\n"),
    "web/page.ts": (
        """import Api, { load, cut } from '@/api'
export function page(x) { load(); cut(); new Api().open(); x.growl() }
""",
        "import { Api } from './api'\nexport function page(it: Api) { it.close() }\n",
    ),
    "pages/urls.py": (
        """from django.urls import path

from pages import views

urlpatterns = [path("home/", views.home), path("side/", views.side)]
""",
        "from django.urls import path\n\nfrom pages import views\n\nurlpatterns = [path('home/', views.home)]\n",
        None,
    ),
    "pages/views.py": (
        "from pages.base import plain\n\n\ndef home(request):\n    return plain()\n\n\ndef side(request): ...\n",
        "def home(request): ...\n",
        None,
    ),
    "pages/base.py": ("def plain(): ...\n", "def plain(): ...\n\n\ndef other(): ...\n", None),
    "shapes/named.ts": (
        "export interface Named { name(): string }\nexport interface Other { name(): string }\n",
        "export interface Named { name(): string; size(): number }\n",
        None,
    ),
    "shapes/square.ts": (
        "import { Named as Base } from './named'\nexport class Square implements Base { name() { return '' } }\n",
        "import { Other as Base } from './named'\nexport class Square implements Base { name() { return '' } }\n",
        None,
    ),
    "shapes/circle.ts": (
        None,
        "import { Square } from './square'\nexport class Circle extends Square { name() { return 'o' } }\n",
    ),
    "shapes/use.ts": ("import { Named } from './named'\nexport function show(it: Named) { it.name() }\n",),
    "app/ports.py": (
        """from abc import ABC, abstractmethod


class Port(ABC):
    @abstractmethod
    def send_out(self): ...
""",
        "class Port:\n    def send_out(self):\n        return 1\n",
        None,
    ),
    "app/adapter.py": (
        "from app.ports import Port\n\n\nclass Mail(Port):\n    def send_out(self):\n        return 1\n",
        "from ports import Port\n\n\nclass Mail(Port):\n    def send_out(self):\n        return 1\n",
        None,
    ),
    "ports.py": (None, "class Port:\n    pass\n"),
    "app/sender.py": ("from app.ports import Port\n\n\ndef go(port: Port):\n    port.send_out()\n",),
    "tsconfig.json": (
        '{"compilerOptions": {"baseUrl": ".", "paths": {"@/*": ["web/*"]}}}\n',
        '{"compilerOptions": {"paths": {"@/*": ["other/*"]}}}\n',
        None,
    ),
    "other/api.ts": (None, "export function load() { return 3 }\n"),
    "app/quiet.py": (
        "def a(): ...  # drift-ignore\n\n\n# drift-ignore errors until 2999-01-01: the library\ndef b(): ...\n",
        "import os\n\n\n# drift-ignore errors until 2999-01-01: the library\ndef b(): ...\n",
        "# drift-ignore-file types.optional, 0123456789abcdef until 2001-01-01\n# drift-ignore nothing\nx = 1\n",
        "def a(): ...  # drift-ignore\ndef b(:\n",
        b"# drift-ignore-file\n\x00\x01",
        None,
    ),
    "web/quiet.tsx": (
        "export const a = () => (\n  <p>\n    {/* drift-ignore: so */}\n    <b />\n  </p>\n)\n",
        "// drift-ignore-file: so\nexport const a = 1\n",
        None,
    ),
}
USUAL = dict.fromkeys(FORMS, 0)
STEPS = st.lists(
    st.sampled_from([(path, form) for path, forms in FORMS.items() for form in range(len(forms))]),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def fresh(home: None) -> Any:
    """What a fresh scan of the project in some form gives; each form is scanned once."""
    known: dict[tuple[int, ...], dict[str, list[tuple[Any, ...]]]] = {}

    def of(state: Mapping[str, int]) -> dict[str, list[tuple[Any, ...]]]:
        key = tuple(state.values())
        if key not in known:
            with tempfile.TemporaryDirectory() as folder:
                root = Path(folder) / "shop"
                root.mkdir()
                write(root, {path: FORMS[path][form] for path, form in state.items()})
                scan(root)
                known[key] = visible(root)
        return known[key]

    return of


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory, home: None) -> Path:
    """The project in its usual form, scanned: a copy of it saves each example its first scan."""
    root = tmp_path_factory.mktemp("usual") / "shop"
    root.mkdir()
    write(root, {path: FORMS[path][form] for path, form in USUAL.items()})
    scan(root)
    return root


@pytest.mark.parametrize(
    ("path", "form"), [(path, form) for path, forms in FORMS.items() for form in range(1, len(forms))]
)
def test_one_edit_and_back_end_where_fresh_scans_would(
    path: str, form: int, tmp_path: Path, fresh: Any, usual: Path
) -> None:
    root = tmp_path / "shop"
    shutil.copytree(usual, root)
    for state in (USUAL | {path: form}, USUAL):
        write(root, {path: FORMS[path][state[path]]})
        scan(root)
        found, expected = visible(root), fresh(state)
        for name in VISIBLE:
            assert found[name] == expected[name], name


@settings(max_examples=20, deadline=None, database=None)
@given(rounds=st.lists(STEPS, min_size=1, max_size=4))
def test_scans_of_changes_end_where_a_fresh_scan_would(
    rounds: list[list[tuple[str, int]]], fresh: Any, usual: Path
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "shop"
        shutil.copytree(usual, root)
        state = dict(USUAL)
        for edits in rounds:
            for path, form in edits:
                state[path] = form
                write(root, {path: FORMS[path][form]})
            scan(root)
        found, expected = visible(root), fresh(state)
        for name in VISIBLE:
            assert found[name] == expected[name], name
