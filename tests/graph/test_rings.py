"""Code that leads round in a ring: every question about it ends, and the rest of the file is answered as ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

Link: TypeAlias = Callable[[Mapping[str, str]], Any]

# name → (file, source)
RINGS = {
    "an object literal spread into itself": (
        "a.js",
        """
let o = { a: 1 }
o = { ...o }
o.b()
o.a.c()
""",
    ),
    "two literals spread into each other": (
        "a.js",
        """
let a, b
a = { ...b }
b = { ...a }
b.run()
for (const x of a) x()
""",
    ),
    "a list of itself": (
        "a.js",
        """
let l = []
l = [...l, ...l]
for (const x of l) x.run()
l[0].run()
l.map((x) => x.go())
""",
    ),
    "a name of itself": (
        "a.py",
        """
a = b
b = a
a()
b.c()
a[0].d()
""",
    ),
    "a class that inherits from itself": (
        "a.py",
        """
class A(A):
    def f(self):
        self.g()


A().f()
""",
    ),
    "classes that inherit from each other": (
        "a.py",
        """
class A(B): ...


class B(A): ...


A().f()
B.g()
""",
    ),
    "an object whose call is itself": (
        "a.py",
        """
class A: ...


A.__call__ = A()


class B:
    __call__ = property(B)
    __call__ = B()


B()()()
""",
    ),
    "a class that is its own instance": (
        "a.py",
        """
class A:
    def __iter__(self):
        return A()

    def __next__(self):
        return A()

    def __enter__(self):
        return A()


for x in A():
    x.f()
with A() as y:
    y.f()
""",
    ),
    "a function that returns itself": (
        "a.py",
        """
def f():
    return f


def g():
    return g()


f()()()
g().h()
""",
    ),
    "an alias of itself": (
        "a.ts",
        """
type A = A | B
type B = A[]
function f(a: A, b: B) { a.run(); b[0].go() }
""",
    ),
    "SQL that grows": (
        "a.py",
        """
def f(c, q, more):
    q = f'SELECT id FROM users {q}'
    q = f'{q} WHERE {more}'
    q = q + q
    c.execute(q)
    c.execute(f'{q} {q}')
""",
    ),
    "SQL that grows in two files": (
        "a.py",
        """
from b import Q

P = f'{Q} x'
c.execute(P)
c.execute(f'{P}')
""",
    ),
    "a path that grows": (
        "a.py",
        """
from fastapi import FastAPI

app = FastAPI()
prefix = f'/a{prefix}'
other = prefix + other


@app.get(prefix)
def f(): ...


@app.get(f'{other}/x')
def g(): ...
""",
    ),
    "routers in a ring": (
        "a.py",
        """
from fastapi import APIRouter

a = APIRouter(prefix='/a')
b = APIRouter()
a.include_router(b)
b.include_router(a)


@a.get('/x')
def f(): ...
""",
    ),
    "prisma conditions in themselves": (
        "a.ts",
        """
let where = { AND: [] }
where = { AND: [where, { email: 1 }] }
prisma.user.findMany({ where })
""",
    ),
    "annotations of themselves": (
        "a.py",
        """
from typing import Annotated

A = Annotated[A, A]
B = list[B]


def f(a: A, b: B):
    a.x()
    b[0].y()
""",
    ),
    "a module that imports itself": (
        "a.py",
        """
import a
from a import x
from a import *

a.x()
x()
y()
""",
    ),
    "a partial of itself": (
        "a.py",
        """
from functools import partial

f = partial(f, 1)
f()
f().g()
""",
    ),
    "an attribute of itself": (
        "a.py",
        """
class A:
    def __init__(self):
        self.a = self.a.a
        self.a.b()
""",
    ),
    "prototypes in a ring": (
        "a.js",
        """
function F() {}
F.prototype = F.prototype
F.x = F.x
F.prototype.y = F.prototype.y
new F().y()
F.x()
""",
    ),
    "a Mongoose model of itself": (
        "a.js",
        """
const mongoose = require('mongoose')
let s = new mongoose.Schema(s)
let M = mongoose.model('M', s)
M = mongoose.model(M, M)
M.find(M)
""",
    ),
}


@pytest.mark.parametrize("name", RINGS)
def test_every_question_ends(name: str, link: Link) -> None:
    path, ring = RINGS[name]
    ended = "\n\ndef last():\n    pass\n\n\nlast()\n" if path.endswith(".py") else "\nfunction last() {}\nlast()\n"
    other = {"b.py": "from a import P\n\nQ = f'SELECT id {P}'\n"}
    schema = {"schema.prisma": "model User {\n  id Int @id\n  email String\n}\n"}
    linked = link({path: ring + ended, **other, **schema})
    assert any(call.endswith("> a.last") for call in linked.calls(path))
    linked.accesses(path)
    linked.entry_points()
