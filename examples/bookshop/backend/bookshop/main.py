"""The application: `uvicorn --factory bookshop.main:create_app`."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from bookshop import __version__
from bookshop.config import get_settings
from bookshop.db import create_tables
from bookshop.errors import install_error_handlers
from bookshop.jobs import start_jobs
from bookshop.routers import admin, auth, books, orders, users


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    create_tables()
    stop = start_jobs()
    yield
    stop.set()


def create_app() -> FastAPI:
    logging.basicConfig(level=get_settings().log_level)
    app = FastAPI(title="Bookshop", version=__version__, lifespan=lifespan)
    install_error_handlers(app)
    api = APIRouter()
    api.include_router(auth.router)
    api.include_router(users.router)
    api.include_router(books.router)
    api.include_router(orders.router)
    api.include_router(admin.router)
    app.include_router(api, prefix="/api")
    app.add_api_route("/health", health, methods=["GET"])
    return app


def health() -> dict[str, str]:
    return {"status": "ok"}
