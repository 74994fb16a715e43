"""What can go wrong in the shop, and how each is told to a client."""

import logging

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

logger = logging.getLogger(__name__)


class BookshopError(Exception):
    status_code = 400


class ConfigurationError(BookshopError):
    status_code = 500


class NotFound(BookshopError):
    status_code = 404


class EmailTaken(BookshopError):
    status_code = 409


class InvalidCredentials(BookshopError):
    status_code = 401


class PermissionDenied(BookshopError):
    status_code = 403


class OutOfStock(BookshopError):
    status_code = 409


class PaymentDeclined(BookshopError):
    status_code = 402


async def bookshop_error_handler(request: Request, error: BookshopError) -> JSONResponse:
    logger.info("%s %s answered %s: %s", request.method, request.url.path, error.status_code, error)
    return JSONResponse(status_code=error.status_code, content={"detail": str(error)})


def install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(BookshopError, bookshop_error_handler)
