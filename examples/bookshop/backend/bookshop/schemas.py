"""What goes over the wire. Nothing here may carry a password hash outwards."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class Outgoing(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Registration(BaseModel):
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)
    password: str = Field(min_length=10, max_length=128)
    full_name: str = Field(min_length=1, max_length=200)


class PasswordChange(BaseModel):
    current_password: str
    new_password: str = Field(min_length=10, max_length=128)


class ProfileUpdate(BaseModel):
    full_name: str | None = None
    phone: str | None = None
    shipping_address: str | None = None


class TokenOut(BaseModel):
    access_token: str
    token_type: str = "bearer"


class UserOut(Outgoing):
    id: int
    email: str
    full_name: str
    phone: str | None
    shipping_address: str | None


class BookIn(BaseModel):
    isbn: str
    title: str = Field(min_length=1, max_length=300)
    author: str
    price: Decimal = Field(gt=0)
    stock: int = Field(ge=0, default=0)


class BookOut(Outgoing):
    id: int
    isbn: str
    title: str
    author: str
    price: Decimal
    stock: int


class OrderLine(BaseModel):
    book_id: int
    quantity: int = Field(gt=0, le=50)


class Checkout(BaseModel):
    lines: list[OrderLine] = Field(min_length=1)
    card_token: str


class OrderItemOut(Outgoing):
    book_id: int
    quantity: int
    unit_price: Decimal


class OrderOut(Outgoing):
    id: int
    status: str
    total: Decimal
    created_at: datetime
    items: list[OrderItemOut]


class PaymentOut(Outgoing):
    id: int
    amount: Decimal
    card_last4: str
    status: str


class CustomerSales(BaseModel):
    email: str
    orders: int
    spent: Decimal
