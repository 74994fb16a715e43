"""Reads and writes of the books table."""

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bookshop.models import Book


def get(db: Session, book_id: int) -> Book | None:
    return db.get(Book, book_id)


def search(db: Session, text: str | None, limit: int) -> list[Book]:
    query = select(Book).order_by(Book.title).limit(limit)
    if text:
        query = query.where(or_(Book.title.icontains(text), Book.author.icontains(text)))
    return list(db.scalars(query))


def add(db: Session, isbn: str, title: str, author: str, price, stock: int) -> Book:
    book = Book(isbn=isbn, title=title, author=author, price=price, stock=stock)
    db.add(book)
    db.flush()
    return book


def take_from_stock(db: Session, book_id: int, quantity: int) -> bool:
    """True when there was enough. One statement, so that two buyers cannot both get the last copy."""
    taken = db.execute(
        update(Book).where(Book.id == book_id, Book.stock >= quantity).values(stock=Book.stock - quantity)
    )
    return taken.rowcount == 1


def put_back(db: Session, book_id: int, quantity: int) -> None:
    db.execute(update(Book).where(Book.id == book_id).values(stock=Book.stock + quantity))
