"""Where the outside comes in: short projects of every framework, and the routes, commands, jobs and tests in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import pytest

Link: TypeAlias = Callable[[Mapping[str, str]], Any]

# name → (sources, entry points as 'kind label > function [framework]')
PROJECTS: dict[str, tuple[dict[str, str], list[str]]] = {
    "FastAPI: prefixes of router, mount and settings across files": (
        {
            "app/config.py": "class Settings:\n    API: str = '/api'\n\n\nsettings = Settings()\n",
            "app/users.py": """
from fastapi import APIRouter

router = APIRouter(prefix="/users")


@router.get("/{user_id}")
def one(user_id: int): ...


@router.post("")
async def add(): ...


@router.websocket("/live")
async def live(socket): ...
""",
            "app/api.py": """
from fastapi import APIRouter

from app import users

router = APIRouter()
router.include_router(users.router)
router.include_router(users.router, prefix="/again")
""",
            "app/main.py": """
from fastapi import FastAPI

from app.api import router
from app.config import settings

app = FastAPI()
app.include_router(router, prefix=f"{settings.API}/v1")


@app.api_route("/both", methods=["GET", "POST"])
def both(): ...


@app.on_event("startup")
def startup(): ...
""",
        },
        [
            "handler startup > app.main.startup [fastapi]",
            "route GET /api/v1/again/users/{user_id} > app.users.one [fastapi]",
            "route GET /api/v1/users/{user_id} > app.users.one [fastapi]",
            "route GET /both > app.main.both [fastapi]",
            "route POST /api/v1/again/users > app.users.add [fastapi]",
            "route POST /api/v1/users > app.users.add [fastapi]",
            "route POST /both > app.main.both [fastapi]",
            "route WEBSOCKET /api/v1/again/users/live > app.users.live [fastapi]",
            "route WEBSOCKET /api/v1/users/live > app.users.live [fastapi]",
        ],
    ),
    "FastAPI: a decorator put on by hand": (
        {
            "views.py": "def imported():\n    pass\n",
            "app.py": """
from fastapi import APIRouter, FastAPI

from views import imported

router = APIRouter(prefix="/users")


def register(): ...


if OPEN:
    register = router.post("/register", status_code=201)(register)
router.get("/imported")(imported)
collect("/nothing")(register)
app = FastAPI()
app.include_router(router, prefix="/api")
""",
        },
        [
            "route GET /api/users/imported > views.imported [fastapi]",
            "route POST /api/users/register > app.register [fastapi]",
        ],
    ),
    "Flask: blueprints, methods, rules and handlers": (
        {
            "app.py": """
from flask import Flask

from admin import bp

app = Flask(__name__)
app.register_blueprint(bp, url_prefix="/admin")


@app.route("/", methods=["GET", "POST"])
def home(): ...


def health(): ...


app.add_url_rule("/health", view_func=health)


@app.errorhandler(404)
def missing(error): ...


@app.cli.command("seed")
def seed(): ...
""",
            "admin.py": """
from flask import Blueprint

bp = Blueprint("admin", __name__)


@bp.route("/panel")
def panel(): ...


@bp.post("/save")
def save(): ...
""",
        },
        [
            "cli seed > app.seed [flask]",
            "handler missing > app.missing [flask]",
            "route GET / > app.home [flask]",
            "route GET /admin/panel > admin.panel [flask]",
            "route GET /health > app.health [http]",
            "route POST / > app.home [flask]",
            "route POST /admin/save > admin.save [flask]",
        ],
    ),
    "Django: paths, includes, class views, decorated views and commands": (
        {
            "site/urls.py": """
from django.urls import include, path, re_path

from shop import views

urlpatterns = [
    path("shop/", include("shop.urls")),
    re_path(r"^old/(?P<slug>[-\\w]+)/$", views.old),
]
""",
            "shop/urls.py": """
from django.contrib.auth.decorators import login_required
from django.urls import path

from . import views

urlpatterns = [
    path("<int:pk>/", views.Detail.as_view()),
    path("list/", views.listing),
    path("mine/", login_required(views.mine)),
]
""",
            "shop/views.py": """
from django.views import View


class Detail(View):
    def get(self, request, pk): ...

    def post(self, request, pk): ...


def listing(request): ...


def mine(request): ...


def old(request, slug): ...
""",
            "shop/management/commands/import_books.py": """
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    def handle(self, *args, **options): ...
""",
        },
        [
            "cli import_books > shop.management.commands.import_books.Command.handle [django]",
            "route ANY /old/{slug}/ > shop.views.old [django]",
            "route ANY /shop/list/ > shop.views.listing [django]",
            "route ANY /shop/mine/ > shop.views.mine [django]",
            "route GET /shop/{pk}/ > shop.views.Detail.get [django]",
            "route POST /shop/{pk}/ > shop.views.Detail.post [django]",
        ],
    ),
    "Django REST framework: a router of viewsets below a prefix": (
        {
            "urls.py": """
from django.urls import include, path
from rest_framework import routers

from books import BookViewSet, PlainViewSet

router = routers.DefaultRouter()
router.register("books", BookViewSet)
router.register(r"plain", PlainViewSet)
urlpatterns = [path("api/", include(router.urls))]
""",
            "books.py": """
from rest_framework import viewsets


class BookViewSet(viewsets.ModelViewSet):
    def list(self, request): ...

    def retrieve(self, request, pk): ...


class PlainViewSet(viewsets.ModelViewSet):
    pass
""",
        },
        [
            "route ANY /api/plain/ > books.PlainViewSet [djangorestframework]",
            "route GET /api/books/ > books.BookViewSet.list [djangorestframework]",
            "route GET /api/books/{pk}/ > books.BookViewSet.retrieve [djangorestframework]",
        ],
    ),
    "commands and jobs of Python": (
        {
            "cli.py": """
import argparse

import click
import typer

app = typer.Typer()


@click.group()
def main(): ...


@main.command("import-all")
def import_all(): ...


@click.command()
def list_books(): ...


@app.command()
def serve_now(): ...


def build(arguments): ...


parser = argparse.ArgumentParser()
parser.set_defaults(func=build)
""",
            "jobs.py": """
from celery import Celery, shared_task
from django.dispatch import receiver

app = Celery()


@app.task
def crunch(): ...


@shared_task(bind=True)
def shared(self): ...


@receiver("saved")
def saved(sender): ...


def task(function):
    return function


@task
def not_a_job(): ...
""",
        },
        [
            "cli build > cli.build [argparse]",
            "cli import-all > cli.import_all []",
            "cli list-books > cli.list_books [click]",
            "cli main > cli.main [click]",
            "cli serve-now > cli.serve_now [typer]",
            "handler saved > jobs.saved [django]",
            "job crunch > jobs.crunch [celery]",
            "job shared > jobs.shared [celery]",
        ],
    ),
    "tests": (
        {
            "tests/test_a.py": """
def test_one(): ...


def helper(): ...


class TestTwo:
    def test_three(self): ...
""",
            "src/a.spec.ts": "describe('cart', () => { it('adds', () => { add() }) })\nfunction add() {}\n",
            "shop.py": "def test_drive(): ...\n",
        },
        [
            "test TestTwo.test_three > tests.test_a.TestTwo.test_three []",
            "test adds > src.a.spec.<arrow>.<arrow> []",
            "test test_one > tests.test_a.test_one [pytest]",
        ],
    ),
    "Express: routers across files, chains and guards": (
        {
            "server.js": """
const express = require('express')
const users = require('./users')
const app = express()
app.use('/api', users)
app.get('/health', (request, response) => response.end())
app.set('port', 3)
""",
            "users.js": """
const { Router } = require('express')
const router = Router()
function guard(request, response, next) { next() }
function list(request, response) {}
function add(request, response) {}
router.get('/users', guard, list)
router.route('/users/:id').get(list).delete(add)
module.exports = router
""",
        },
        [
            "route DELETE /api/users/:id > users.add [express]",
            "route GET /api/users > users.list [express]",
            "route GET /api/users/:id > users.list [express]",
            "route GET /health > server.<arrow> [express]",
        ],
    ),
    "NestJS: controllers, versions and a global prefix": (
        {
            "src/main.ts": """
import { NestFactory } from '@nestjs/core'
async function main() {
  const app = await NestFactory.create(null)
  app.setGlobalPrefix('api')
}
""",
            "src/users.controller.ts": """
import { Controller, Get, Post, Version } from '@nestjs/common'

@Controller('users')
export class UsersController {
  @Get(':id') one() {}
  @Post() add() {}
}

@Controller({ path: 'cats', version: '2' })
export class Cats {
  @Get() all() {}
}
""",
        },
        [
            "route GET /api/users/:id > src.users.controller.UsersController.one [nestjs]",
            "route GET /api/v2/cats > src.users.controller.Cats.all [nestjs]",
            "route POST /api/users > src.users.controller.UsersController.add [nestjs]",
        ],
    ),
    "Next.js: route files and API pages": (
        {
            "app/(shop)/items/[id]/route.ts": "export async function GET() {}\nexport const POST = async () => {}\n",
            "pages/api/users/index.ts": "export default function handler() {}\n",
        },
        [
            "route ANY /api/users > pages.api.users.index.handler [nextjs]",
            "route GET /items/[id] > app.(shop).items.[id].route.GET [nextjs]",
            "route POST /items/[id] > app.(shop).items.[id].route.POST [nextjs]",
        ],
    ),
    "what only looks like a route": (
        {
            "client.py": """
import requests


class Cache:
    def get(self, key): ...


cache = Cache()
cache.get("/users")
requests.get("/users")


@cache.get("/nothing")
def decorated(): ...
""",
            "client.ts": """
import axios from 'axios'
const cache = new Map<string, string>()
cache.get('/users')
axios.get('/users', { timeout: 1 })
""",
        },
        [],
    ),
}


@pytest.mark.parametrize("name", PROJECTS)
def test_the_outside_comes_in_there_and_nowhere_else(name: str, link: Link) -> None:
    sources, expected = PROJECTS[name]
    linked = link(sources)
    found = sorted(
        f"{each.kind} {each.label} > {linked.name_of((each.path, each.definition))} [{each.framework}]"
        for each in linked.entry_points()
    )
    assert found == expected


def test_routers_that_mount_each_other_end(link: Link) -> None:
    linked = link(
        {
            "a.py": """
from fastapi import APIRouter

one = APIRouter()
two = APIRouter()
one.include_router(two, prefix="/two")
two.include_router(one, prefix="/one")


@one.get("/x")
def x(): ...
"""
        }
    )
    assert [each.method for each in linked.entry_points()] != []
