from typing import Annotated

from fastapi import APIRouter, Query

from bookshop.dependencies import DbSession
from bookshop.models import Book
from bookshop.schemas import BookOut
from bookshop.services import catalogue

router = APIRouter(prefix="/books", tags=["books"])


@router.get("", response_model=list[BookOut])
def search_books(db: DbSession, q: str | None = None, limit: Annotated[int, Query(le=100)] = 20) -> list[Book]:
    return catalogue.search(db, q, limit)


@router.get("/{book_id}", response_model=BookOut)
def read_book(book_id: int, db: DbSession) -> Book:
    return catalogue.get_book(db, book_id)
