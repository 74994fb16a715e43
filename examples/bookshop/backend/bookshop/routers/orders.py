from fastapi import APIRouter, BackgroundTasks

from bookshop import notifications
from bookshop.dependencies import CurrentUser, DbSession, Gateway
from bookshop.models import Order, Payment
from bookshop.repositories import orders
from bookshop.schemas import Checkout, OrderOut, PaymentOut
from bookshop.services import payments
from bookshop.services.checkout import order_of_user, place_order

router = APIRouter(prefix="/orders", tags=["orders"])


@router.post("", response_model=OrderOut, status_code=201)
def create_order(
    checkout: Checkout, user: CurrentUser, db: DbSession, gateway: Gateway, tasks: BackgroundTasks
) -> Order:
    order = place_order(db, gateway, user, checkout)
    tasks.add_task(notifications.order_confirmed, user, order)
    return order


@router.get("", response_model=list[OrderOut])
def list_my_orders(user: CurrentUser, db: DbSession) -> list[Order]:
    return orders.list_for_user(db, user)


@router.get("/{order_id}", response_model=OrderOut)
def read_order(order_id: int, user: CurrentUser, db: DbSession) -> Order:
    return order_of_user(db, user, order_id)


@router.get("/{order_id}/payments", response_model=list[PaymentOut])
def list_order_payments(order_id: int, user: CurrentUser, db: DbSession) -> list[Payment]:
    order = order_of_user(db, user, order_id)
    return payments.list_payments(db, order.id)
