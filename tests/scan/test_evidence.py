"""Each example: a file, and for one convention the lines that answer its question, with their answers."""

from __future__ import annotations

import textwrap

import pytest

from drift_mcp.scan import conventions, evidence, languages

KEYS = {convention.key for convention in conventions.CONVENTIONS}

Example = tuple[str, str, str, list[tuple[int, str]]]

PYTHON: list[Example] = [
    (
        "errors.except-breadth",
        "app/a.py",
        """
        try:
            f()
        except (KeyError, ValueError):
            g()
        except Exception as error:
            raise
        try:
            f()
        except:
            pass
        """,
        [(3, "specific"), (5, "broad"), (9, "broad")],
    ),
    (
        "errors.swallowed",
        "app/a.py",
        "try:\n    f()\nexcept KeyError:\n    pass\nexcept Exception:\n    pass\ntry:\n    f()\n"
        "except Exception:\n    g()\n",
        [(5, "swallowed"), (9, "answered")],
    ),
    ("errors.except-breadth", "tests/test_a.py", "try:\n    f()\nexcept Exception:\n    pass\n", []),
    (
        "logging.output",
        "app/a.py",
        "import logging\nlog = logging.getLogger(__name__)\nlog.info('x')\nprint('x')\n"
        "self.logger.error('y')\nmath.log(2)\n",
        [(3, "logger"), (4, "print"), (5, "logger")],
    ),
    ("logging.output", "scripts/a.py", "print('x')\n", []),
    (
        "logging.message-format",
        "app/a.py",
        "log.info('%s came', name)\nlog.info(f'{name} came')\nlog.info('came', name=name)\nlog.info('came')\n"
        "log.error('x', exc_info=e)\n",
        [(1, "arguments"), (2, "formatted"), (3, "fields")],
    ),
    (
        "logging.logger-variable",
        "app/a.py",
        "import logging\nlogger = logging.getLogger(__name__)\nother = make()\n",
        [(2, "logger")],
    ),
    ("logging.logger-name", "app/a.py", "import logging\nlogger = logging.getLogger('app')\n", [(2, "fixed")]),
    ("logging.logger-name", "app/a.py", "import logging\nlogger = logging.getLogger(__name__)\n", [(2, "module")]),
    (
        "types.return-annotations",
        "app/a.py",
        "def f() -> int: ...\ndef g(): ...\ndef _h(): ...\nclass A:\n    def m(self) -> int:\n"
        "        def inner(): ...\n    def __len__(self): ...\n",
        [(1, "declared"), (2, "undeclared"), (5, "declared")],
    ),
    (
        "types.optional",
        "app/a.py",
        "def f(a: Optional[int]): ...\ndef g(a: int | None): ...\ndef h(a) -> None | str: ...\ndef i(a: int): ...\n",
        [(1, "Optional"), (2, "union"), (3, "union")],
    ),
    (
        "types.generics",
        "app/a.py",
        "def f(a: List[int]): ...\ndef g() -> dict[str, int]: ...\ndef h(a: Model): ...\n",
        [(1, "typing"), (2, "builtin")],
    ),
    (
        "types.records",
        "app/a.py",
        """
        from dataclasses import dataclass
        from typing import NamedTuple
        import pydantic
        @dataclass(frozen=True)
        class A: ...
        @dataclass
        class B: ...
        class C(NamedTuple): ...
        class D(pydantic.BaseModel): ...
        class E(Base): ...
        """,
        [(5, "@dataclass"), (7, "@dataclass"), (8, "NamedTuple"), (9, "pydantic models")],
    ),
    (
        "testing.style",
        "tests/test_a.py",
        """
        def test_a(): ...
        class TestB:
            def test_b(self): ...
        class CTests(TestCase):
            def test_c(self): ...
        class D(Shared):
            def test_d(self): ...
        def helper(): ...
        """,
        [(1, "function"), (3, "class"), (5, "TestCase")],
    ),
    (
        "testing.doubles",
        "tests/test_a.py",
        "from unittest.mock import patch\ndef test_a(monkeypatch): ...\ndef test_b():\n    patch('x')\n"
        "def test_c(mocker): ...\n",
        [(2, "monkeypatch"), (4, "unittest.mock"), (5, "mocker")],
    ),
    ("testing.file-naming", "tests/test_a.py", "x = 1\n", [(1, "test_*.py")]),
    ("testing.file-naming", "app/tests.py", "x = 1\n", [(1, "tests.py")]),
    ("testing.file-naming", "tests/models.py", "x = 1\n", []),
    ("testing.placement", "tests/test_a.py", "x = 1\n", [(1, "apart")]),
    ("testing.placement", "app/test_a.py", "x = 1\n", [(1, "beside")]),
    (
        "documentation.public",
        "app/a.py",
        'def f():\n    """Says."""\ndef g(): ...\ndef _h(): ...\nclass A:\n    """Says."""\n',
        [(1, "documented"), (3, "undocumented"), (5, "documented")],
    ),
    ("documentation.public", "docs/conf.py", "def f(): ...\n", []),
    ("structural.file-naming", "app/user_names.py", "", [(1, "snake_case")]),
    ("structural.file-naming", "app/userNames.py", "", [(1, "camelCase")]),
    ("structural.file-naming", "app/users.py", "", []),
    ("structural.file-naming", "app/__init__.py", "", []),
    (
        "structural.function-naming",
        "app/a.py",
        "def do_it(): ...\ndef doIt(): ...\ndef run(): ...\nclass A:\n    def setUp(self): ...\n"
        "    def visit_Name(self): ...\n",
        [(1, "snake_case"), (2, "camelCase")],
    ),
    (
        "structural.own-imports",
        "src/shop/web/a.py",
        "from . import b\nfrom ..db import c\nfrom shop.db import d\nimport os\nimport shopping\n",
        [(1, "relative"), (2, "relative"), (3, "absolute")],
    ),
    (
        "structural.paths",
        "app/a.py",
        "import os\nfrom pathlib import Path\nos.path.join('a', 'b')\nPath('a')\nos.getcwd()\n",
        [(3, "os.path"), (4, "pathlib")],
    ),
    (
        "api.routes",
        "app/a.py",
        "@router.get('/users')\ndef f(): ...\n@app.route('/x', methods=['GET'])\ndef g(): ...\n"
        "@cache.get('key')\ndef h(): ...\n",
        [(1, "@router.verb"), (3, "@app.route")],
    ),
    (
        "api.routes",
        "shop/urls.py",
        "from django.urls import path\nurlpatterns = [path('users/', users)]\nos.path('x')\n",
        [(2, "path()")],
    ),
    (
        "api.response-type",
        "app/a.py",
        "@r.get('/a', response_model=A)\ndef f(): ...\n@r.get('/b')\ndef g() -> B: ...\n@r.get('/c')\ndef h(): ...\n",
        [(1, "declared"), (3, "declared"), (5, "undeclared")],
    ),
    (
        "api.path-case",
        "app/a.py",
        "@r.get('/user-names')\ndef f(): ...\n@r.get('/user_names/{user_id}')\ndef g(): ...\n"
        "@r.get('/users/{user_id}')\ndef h(): ...\n",
        [(1, "kebab-case"), (3, "snake_case")],
    ),
    (
        "api.path-number",
        "app/a.py",
        "@r.get('/users/{id}')\ndef f(): ...\n@r.get('/user/<id>')\ndef g(): ...\n@r.get('/status/{id}')\n"
        "def h(): ...\n@r.get('/users')\ndef i(): ...\n",
        [(1, "plural"), (3, "singular"), (5, "singular")],
    ),
    (
        "api.trailing-slash",
        "app/a.py",
        "@r.get('/')\ndef f(): ...\n@r.get('/a/')\ndef g(): ...\n@r.get('/a')\ndef h(): ...\n",
        [(3, "with"), (5, "without")],
    ),
    (
        "auth.guarded-routes",
        "app/a.py",
        """
        @r.get('/a')
        def a(user: User = Depends(get_current_user)): ...
        @r.get('/b')
        @login_required
        def b(): ...
        @r.get('/c', dependencies=[Depends(require_admin)])
        def c(): ...
        @r.get('/d')
        def d(): ...
        @r.post('/login')
        def login(): ...
        @r.get('/author')
        def author(): ...
        """,
        [(1, "guarded"), (3, "guarded"), (6, "guarded"), (8, "open"), (12, "open")],
    ),
    (
        "auth.guarded-routes",
        "app/a.py",
        "r = APIRouter(dependencies=[Depends(require_user)])\n@r.get('/a')\ndef a(): ...\n",
        [(2, "guarded")],
    ),
    (
        "data-access.style",
        "app/a.py",
        """
        User.objects.filter(a=1)
        session.query(User)
        db_session.execute(select(User))
        cursor.execute("SELECT a FROM b WHERE c = ?", (1,))
        request.session.get('cart')
        session.get('cart')
        session.get(User, 1)
        """,
        [(1, "orm"), (2, "orm"), (3, "orm"), (4, "sql"), (7, "orm")],
    ),
    (
        "data-access.style",
        "app/a.py",
        """
        from sqlalchemy import select
        FIND = "SELECT a FROM b WHERE c = ?"
        def f(db, statement):
            db.execute(FIND, (1,))
            found = select(User).where(User.a == 1)
            db.execute(found)
            db.execute(statement)
            db.query(User)
            db.query(other)
        """,
        [(4, "sql"), (6, "orm"), (8, "orm")],
    ),
    (
        "data-access.query-form",
        "app/a.py",
        "from sqlalchemy import select\nsession.query(User)\nsession.execute(select(User))\nui.select(x)\n",
        [(2, "query"), (3, "select")],
    ),
    (
        "data-access.layer",
        "app/a.py",
        "@r.get('/a')\ndef a(session):\n    return session.query(User)\n@r.get('/b')\ndef b():\n"
        "    return users.all()\n",
        [(1, "direct"), (4, "apart")],
    ),
    (
        "security.sql-parameters",
        "app/a.py",
        """
        c.execute("SELECT a FROM b WHERE c = %s", (x,))
        c.execute(f"SELECT a FROM b WHERE c = {x}")
        c.execute("SELECT a FROM b WHERE c = %s" % x)
        c.execute("SELECT a FROM b WHERE c = " + x)
        c.execute("SELECT a FROM b")
        c.execute("SELECT a " "FROM b WHERE c = ?", [x])
        """,
        [(1, "parameters"), (2, "built"), (3, "built"), (4, "built"), (6, "parameters")],
    ),
    (
        "security.processes",
        "app/a.py",
        "import os, subprocess\nsubprocess.run(['ls', d])\nsubprocess.run('ls', shell=True)\n"
        "os.system('ls')\nsubprocess.run(command)\n",
        [(2, "list"), (3, "shell"), (4, "shell")],
    ),
    (
        "security.password-hashing",
        "app/a.py",
        "import bcrypt\nfrom passlib.context import CryptContext\nbcrypt.hashpw(a, b)\nbcrypt.gensalt()\n"
        "c = CryptContext(['x'])\n",
        [(3, "bcrypt"), (5, "passlib")],
    ),
    ("config.environment", "app/config.py", "import os\nA = os.environ['A']\n", [(2, "central")]),
    ("config.environment", "app/mail.py", "import os\nA = os.environ['A']\n", [(2, "scattered")]),
    ("config.access", "app/a.py", "import os\nA = os.getenv('A')\n", [(2, "os.getenv")]),
    (
        "performance.handlers",
        "app/a.py",
        "@r.get('/a')\nasync def a(): ...\n@r.get('/b')\ndef b(): ...\nasync def c(): ...\n",
        [(1, "async"), (3, "sync")],
    ),
]

SCRIPTS: list[Example] = [
    (
        "errors.swallowed",
        "src/a.ts",
        "try { f() } catch {}\ntry { f() } catch (e) { logger.error(e) }\n",
        [(1, "swallowed"), (2, "answered")],
    ),
    (
        "logging.output",
        "src/a.ts",
        "console.log('x')\nthis.logger.warn('x')\nLogger.error('y')\nMath.log(2)\n",
        [(1, "console"), (2, "logger"), (3, "logger")],
    ),
    (
        "types.return-annotations",
        "src/a.ts",
        "export function f(): number { return 1 }\nexport function g() { return 1 }\nfunction h() {}\n",
        [(1, "declared"), (2, "undeclared")],
    ),
    ("types.return-annotations", "src/a.js", "export function g() { return 1 }\n", []),
    ("testing.framework", "src/a.spec.ts", "import { it } from 'vitest'\nit('x', () => {})\n", [(1, "vitest")]),
    ("testing.framework", "src/a.test.js", "jest.mock('x')\nit('x', () => {})\n", [(1, "jest")]),
    ("testing.framework", "src/a.test.js", "it('x', () => {})\n", []),
    (
        "testing.case-word",
        "src/a.spec.ts",
        "it('x', () => {})\ntest('y', () => {})\nregex.test('z')\n",
        [(1, "it"), (2, "test")],
    ),
    ("testing.file-naming", "src/a.spec.ts", "", [(1, "*.spec.*")]),
    ("testing.placement", "src/a.spec.ts", "", [(1, "beside")]),
    ("structural.file-naming", "src/user-name.service.ts", "", [(1, "kebab-case")]),
    ("structural.file-naming", "src/UserName.tsx", "", [(1, "PascalCase")]),
    (
        "structural.function-naming",
        "src/a.ts",
        "function doIt() {}\nfunction do_that() {}\n",
        [(1, "camelCase"), (2, "snake_case")],
    ),
    (
        "structural.import-alias",
        "src/app/a.ts",
        "import a from '../b'\nimport c from '@/c'\nimport d from './d'\nimport e from 'e'\n",
        [(1, "relative"), (2, "alias")],
    ),
    ("structural.exports", "src/a.ts", "export const a = 1\n", [(1, "named")]),
    ("structural.exports", "src/a.ts", "export default function f() {}\nexport const a = 1\n", [(1, "default")]),
    ("structural.exports", "vite.config.ts", "export default {}\n", []),
    (
        "structural.function-form",
        "src/a.ts",
        "function f() {}\nexport async function g() {}\nconst h = () => 1\nexport const i = async () => 1\n",
        [(1, "declaration"), (2, "declaration"), (3, "arrow"), (4, "arrow")],
    ),
    ("structural.module-system", "src/a.js", "import a from 'a'\n", [(1, "import")]),
    ("structural.module-system", "src/a.js", "'use strict'\nconst a = require('a')\n", [(2, "require")]),
    (
        "structural.promises",
        "src/a.ts",
        "async function f() {\n  await g()\n  g().then(h)\n}\n",
        [(2, "await"), (3, "then")],
    ),
    (
        "api.routes",
        "src/a.ts",
        "app.get('/a', f)\nrouter.post('/b', auth, g)\nhttp.get('/c', options)\ncache.get('/d', 1)\n",
        [(1, "app.verb()"), (2, "app.verb()")],
    ),
    (
        "api.routes",
        "src/a.ts",
        "import { Controller, Get } from '@nestjs/common'\n@Controller('a')\nclass A {\n  @Get(':id')\n  f() {}\n}\n",
        [(4, "@Verb")],
    ),
    (
        "auth.guarded-routes",
        "src/a.ts",
        "router.get('/a', auth.optional, (req, res) => 1)\nrouter.get('/b', auth.required, (req, res) => 1)\n",
        [(1, "open"), (2, "guarded")],
    ),
    (
        "auth.guarded-routes",
        "src/a.ts",
        "import { Controller, Get } from '@nestjs/common'\n@ApiBearerAuth()\n@Controller('a')\nclass A {\n"
        "  @Get('x')\n  f() {}\n}\n",
        [(5, "open")],
    ),
    (
        "auth.guarded-routes",
        "src/a.ts",
        "router.get('/a', requireAuth, (req, res) => 1)\nrouter.get('/b', (req, res) => 1)\n",
        [(1, "guarded"), (2, "open")],
    ),
    (
        "auth.guarded-routes",
        "src/a.ts",
        """
        import { Controller, Get, UseGuards } from '@nestjs/common'
        @Controller('a')
        class A {
          @Get('x')
          @UseGuards(AuthGuard('jwt'))
          f() {}
          @Get('y')
          g() {}
        }
        @Controller('b')
        @UseGuards(AuthGuard('jwt'))
        class B {
          @Get('z')
          h() {}
        }
        """,
        [(4, "guarded"), (7, "open"), (13, "guarded")],
    ),
    (
        "data-access.style",
        "src/a.ts",
        """
        prisma.user.findMany()
        this.prismaService.order.create({})
        this.userRepository.save(u)
        User.findOne({})
        pool.query('SELECT a FROM b WHERE c = $1', [x])
        prisma.$queryRaw`SELECT a FROM b WHERE c = ${x}`
        items.find(x)
        """,
        [(1, "orm"), (2, "orm"), (3, "orm"), (4, "orm"), (5, "sql"), (6, "sql")],
    ),
    (
        "security.sql-parameters",
        "src/a.ts",
        "db.query(`SELECT a FROM b WHERE c = ${x}`)\ndb.query('SELECT a FROM b WHERE c = $1', [x])\n"
        "prisma.$queryRaw`SELECT a FROM b WHERE c = ${x}`\n",
        [(1, "built"), (2, "parameters"), (3, "parameters")],
    ),
    ("config.environment", "src/mail.ts", "const a = process.env.A\n", [(1, "scattered")]),
    ("config.environment", "src/config/mail.ts", "const a = process.env.A\n", [(1, "central")]),
    (
        "performance.handlers",
        "src/a.ts",
        "app.get('/a', async (req, res) => 1)\napp.get('/b', (req, res) => 1)\n",
        [(1, "async"), (2, "sync")],
    ),
    (
        "performance.change-detection",
        "src/a.ts",
        "import { Component } from '@angular/core'\n"
        "@Component({ changeDetection: X, templateUrl: './a.html' })\nexport class A {}\n"
        "@Component({ template: '' })\nexport class B {}\n",
        [(3, "declared"), (5, "default")],
    ),
    (
        "components.template",
        "src/a.ts",
        "import { Component } from '@angular/core'\n@Component({ templateUrl: './a.html' })\n"
        "export class A {}\n@Component({ template: '' })\nexport class B {}\n",
        [(3, "file"), (5, "inline")],
    ),
    (
        "components.injection",
        "src/a.ts",
        "import { Injectable, inject } from '@angular/core'\n@Injectable()\nexport class A {\n"
        "  private x = inject(X)\n}\n@Injectable()\nexport class B {\n  constructor(private x: X) {}\n}\n",
        [(3, "inject"), (7, "constructor")],
    ),
    (
        "components.form",
        "src/a.tsx",
        "export function A() { return <P/> }\n"
        "export class B extends React.Component { render() { return <P/> } }\n"
        "export function helper() { return 1 }\n",
        [(1, "function"), (2, "class")],
    ),
    (
        "components.declaration",
        "src/a.tsx",
        "export function A() { return <P/> }\nexport const B = () => <P/>\nexport const c = () => 1\n",
        [(1, "declaration"), (2, "arrow")],
    ),
    (
        "styling.approach",
        "src/a.tsx",
        "import s from './a.module.css'\nconst a = <P className=\"x\"/>\nconst b = <P className={s.x}/>\n"
        "const c = <P style={{ a: 1 }}/>\nconst d = <Box sx={{ a: 1 }}/>\n",
        [(2, "class names"), (3, "CSS modules"), (4, "inline styles"), (5, "css-in-js")],
    ),
    (
        "accessibility.image-text",
        "src/a.tsx",
        'const a = <img src="x" alt="y"/>\nconst b = <img src="x"/>\nconst c = <img {...props}/>\n',
        [(1, "alt"), (2, "none"), (3, "alt")],
    ),
    (
        "accessibility.click-targets",
        "src/a.tsx",
        "const f = () => 1\nconst a = <div onClick={f}/>\nconst b = <button onClick={f}/>\n"
        'const c = <div role="button" onClick={f}/>\nconst d = <Card onClick={f}/>\n',
        [(2, "static"), (3, "reachable"), (4, "reachable")],
    ),
]


@pytest.mark.parametrize(
    ("key", "path", "source", "expected"),
    [*PYTHON, *SCRIPTS],
    ids=[f"{key}-{number}" for number, (key, *_) in enumerate([*PYTHON, *SCRIPTS])],
)
def test_a_place_answers_for_itself(key: str, path: str, source: str, expected: list[tuple[int, str]]) -> None:
    language = languages.of_path(path)
    assert language is not None
    text = textwrap.dedent(source).removeprefix("\n")
    facts = languages.front_end(language.name)(path, text.encode())
    facts = facts._replace(language=language.name, is_test=int(languages.is_test(path)))
    found = evidence.of(facts)
    assert [(each.line, each.choice) for each in found if each.convention == key] == expected
    assert {each.convention for each in found} <= KEYS


def test_every_convention_has_an_example() -> None:
    assert {key for key, *_ in (*PYTHON, *SCRIPTS)} == KEYS


def test_evidence_is_put_beside_the_facts_of_a_file() -> None:
    facts = languages.front_end("python")("app/a.py", b"try:\n    f()\nexcept Exception:\n    pass\n")
    first, second = evidence.of(facts), evidence.of(facts)
    assert first == second
    assert list(first) == sorted(first, key=lambda each: (each.line, each.column, each.convention, each.choice))
