"""Finding books and adding them."""

import logging

from sqlalchemy.orm import Session

from bookshop.audit import audited
from bookshop.errors import BookshopError, NotFound
from bookshop.models import Book, User
from bookshop.repositories import books
from bookshop.schemas import BookIn

logger = logging.getLogger(__name__)


def search(db: Session, text: str | None, limit: int = 20) -> list[Book]:
    return books.search(db, text, limit)


def get_book(db: Session, book_id: int) -> Book:
    book = books.get(db, book_id)
    if book is None:
        raise NotFound(f"No book {book_id}")
    return book


@audited("book.add")
def add_book(db: Session, actor: User, book: BookIn) -> Book:
    isbn = normaliseIsbn(book.isbn)
    logger.info("user %s adds %s", actor.id, isbn)
    return books.add(db, isbn, book.title, book.author, book.price, book.stock)


def normaliseIsbn(isbn: str) -> str:
    digits = isbn.replace("-", "").replace(" ", "")
    if len(digits) != 13 or not digits.isdigit():
        raise BookshopError(f"{isbn} is no ISBN-13")
    if sum(int(digit) * (1, 3)[place % 2] for place, digit in enumerate(digits)) % 10:
        raise BookshopError(f"{isbn} has a wrong check digit")
    return digits
