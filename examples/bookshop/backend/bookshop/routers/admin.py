from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select

from bookshop.dependencies import DbSession, Gateway, require_admin
from bookshop.models import AuditEntry, Book, Order, User
from bookshop.repositories import users
from bookshop.schemas import BookIn, BookOut, CustomerSales, OrderOut, UserOut
from bookshop.services import catalogue, payments, reports

router = APIRouter(prefix="/admin", tags=["admin"])

Admin = Annotated[User, Depends(require_admin)]


@router.post("/books", response_model=BookOut, status_code=201)
def add_book(book: BookIn, admin: Admin, db: DbSession) -> Book:
    return catalogue.add_book(db, admin, book)


@router.post("/orders/{order_id}/refund", response_model=OrderOut)
def refund_order(order_id: int, admin: Admin, db: DbSession, gateway: Gateway) -> Order:
    return payments.refund_order(db, admin, gateway, order_id)


@router.get("/users/{user_id}", response_model=UserOut, dependencies=[Depends(require_admin)])
def read_user(user_id: int, db: DbSession) -> User:
    user = users.get(db, user_id)
    if user is None:
        raise HTTPException(status_code=404, detail=f"No user {user_id}")
    return user


@router.get("/reports/sales", response_model=list[CustomerSales], dependencies=[Depends(require_admin)])
def sales_report(since: datetime, db: DbSession) -> list[CustomerSales]:
    return reports.sales_by_customer(db, since)


@router.get("/audit", dependencies=[Depends(require_admin)])
def read_audit_log(db: DbSession, limit: int = 100):
    entries = db.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit))
    return [{"actor": entry.actor_id, "action": entry.action, "at": entry.happened_at} for entry in entries]
