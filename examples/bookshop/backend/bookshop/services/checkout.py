"""From a basket to a paid order."""

import logging

from sqlalchemy.orm import Session

from bookshop.errors import NotFound, OutOfStock
from bookshop.gateway import PaymentGateway
from bookshop.models import Order, User
from bookshop.repositories import books, orders
from bookshop.schemas import Checkout
from bookshop.services.payments import charge_order

logger = logging.getLogger(__name__)


def place_order(db: Session, gateway: PaymentGateway, user: User, checkout: Checkout) -> Order:
    order = orders.create(db, user)
    for line in checkout.lines:
        book = books.get(db, line.book_id)
        if book is None:
            raise NotFound(f"No book {line.book_id}")
        if not books.take_from_stock(db, book.id, line.quantity):
            raise OutOfStock(f"Not enough copies of {book.title}")
        orders.add_item(db, order, book, line.quantity)
    charge_order(db, gateway, order, checkout.card_token)
    orders.set_status(db, order, "paid")
    logger.info("user %s placed order %s", user.id, order.id)
    return order


def order_of_user(db: Session, user: User, order_id: int) -> Order:
    order = orders.get(db, order_id)
    if order is None or order.user_id != user.id:
        raise NotFound(f"No order {order_id}")
    return order


def cancel_order(db: Session, order: Order) -> None:
    for item in order.items:
        books.put_back(db, item.book_id, item.quantity)
    orders.set_status(db, order, "cancelled")
