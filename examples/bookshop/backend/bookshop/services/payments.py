"""Taking money for an order and giving it back."""

import logging

from sqlalchemy.orm import Session

from bookshop.audit import audited
from bookshop.errors import NotFound
from bookshop.gateway import PaymentGateway
from bookshop.models import Order, Payment, User
from bookshop.repositories import books, orders, payments

logger = logging.getLogger(__name__)


def charge_order(db: Session, gateway: PaymentGateway, order: Order, card_token: str) -> Payment:
    """Raises PaymentDeclined, which rolls the whole order back. Never called twice for one order."""
    charge = gateway.charge(card_token, order.total)
    payment = payments.add(db, order, order.total, charge.card_last4, charge.reference)
    logger.info("order %s paid, payment %s", order.id, payment.id)
    return payment


@audited("order.refund")
def refund_order(db: Session, actor: User, gateway: PaymentGateway, order_id: int) -> Order:
    order = orders.get(db, order_id)
    payment = payments.captured_for_order(db, order_id)
    if order is None or payment is None:
        raise NotFound(f"No paid order {order_id}")
    gateway.refund(payment.gateway_reference)
    payments.set_status(db, payment, "refunded")
    orders.set_status(db, order, "refunded")
    for item in order.items:
        books.put_back(db, item.book_id, item.quantity)
    logger.info("user %s refunded order %s", actor.id, order_id)
    return order


def list_payments(db: Session, order_id: int) -> list[Payment]:
    return payments.list_for_order(db, order_id)
