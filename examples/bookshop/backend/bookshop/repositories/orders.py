"""Reads and writes of the orders and order_items tables."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from bookshop.models import Book, Order, OrderItem, User


def get(db: Session, order_id: int) -> Order | None:
    return db.get(Order, order_id, options=[selectinload(Order.items)])


def list_for_user(db: Session, user: User) -> list[Order]:
    query = (
        select(Order)
        .where(Order.user_id == user.id)
        .options(selectinload(Order.items))
        .order_by(Order.created_at.desc(), Order.id.desc())
    )
    return list(db.scalars(query))


def list_pending_before(db: Session, moment: datetime) -> list[Order]:
    query = select(Order).where(Order.status == "pending", Order.created_at < moment)
    return list(db.scalars(query))


def create(db: Session, user: User) -> Order:
    order = Order(user_id=user.id, status="pending")
    db.add(order)
    db.flush()
    return order


def add_item(db: Session, order: Order, book: Book, quantity: int) -> OrderItem:
    item = OrderItem(order=order, book_id=book.id, quantity=quantity, unit_price=book.price)
    order.total += book.price * quantity
    db.add(item)
    return item


def set_status(db: Session, order: Order, status: str) -> None:
    order.status = status
    db.flush()
