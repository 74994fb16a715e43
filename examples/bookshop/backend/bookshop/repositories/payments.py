"""Reads and writes of the payments table."""

from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from bookshop.models import Order, Payment


def add(db: Session, order: Order, amount: Decimal, card_last4: str, gateway_reference: str) -> Payment:
    payment = Payment(
        order_id=order.id,
        amount=amount,
        card_last4=card_last4,
        gateway_reference=gateway_reference,
        status="captured",
    )
    db.add(payment)
    db.flush()
    return payment


def list_for_order(db: Session, order_id: int) -> list[Payment]:
    return list(db.scalars(select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)))


def captured_for_order(db: Session, order_id: int) -> Payment | None:
    return db.scalar(select(Payment).where(Payment.order_id == order_id, Payment.status == "captured"))


def set_status(db: Session, payment: Payment, status: str) -> None:
    payment.status = status
    db.flush()
