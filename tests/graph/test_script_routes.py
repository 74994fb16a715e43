"""Routes of Express and its kin: which function answers them, under which path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_router_made_by_a_chain_of_calls_keeps_its_prefix(link: Callable[..., Any]) -> None:
    sources = {
        "main.ts": "import express from 'express';\nimport routes from './routes';\n"
        "const app = express();\napp.use(routes);",
        "routes.ts": "import { Router } from 'express';\nimport users from './users';\nimport books from './books';\n"
        "const api = Router().use(users).use(books);\nexport default Router().use('/api', api);",
        "users.ts": "import { Router } from 'express';\nconst router = Router();\n"
        "router.get('/users', (request, response) => {});\nexport default router;",
        "books.ts": "import { Router } from 'express';\n"
        "export default Router().get('/books', () => {}).post('/books', () => {});",
    }

    labels = {entry.label for entry in link(sources).entry_points()}

    assert labels == {"GET /api/users", "GET /api/books", "POST /api/books"}


def test_a_wrapped_handler_is_the_function_that_was_wrapped(link: Callable[..., Any]) -> None:
    sources = {
        "wrap.js": "const wrap = (f) => (request, response, next) => { f(request, response, next).catch(next); };\n"
        "module.exports = wrap;",
        "books.controller.js": "const wrap = require('./wrap');\nasync function remove() {}\n"
        "const list = wrap(async () => {});\nmodule.exports = { list, remove: wrap(remove) };",
        "controllers.js": "module.exports.books = require('./books.controller');",
        "routes.js": "const express = require('express');\nconst { books } = require('./controllers');\n"
        "const router = express.Router();\nrouter.get('/books', books.list);\n"
        "router.route('/books/:id').delete(books.remove);\nmodule.exports = router;",
    }
    project = link(sources)

    found = {(entry.label, project.name_of((entry.path, entry.definition))) for entry in project.entry_points()}

    assert found == {
        ("GET /books", "books.controller.<arrow>"),
        ("DELETE /books/:id", "books.controller.remove"),
    }
