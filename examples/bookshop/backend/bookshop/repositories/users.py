"""Reads and writes of the users table."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bookshop.models import User


def get(db: Session, user_id: int) -> User | None:
    return db.get(User, user_id)


def find_by_email(db: Session, email: str) -> User | None:
    return db.scalar(select(User).where(User.email == email.lower()))


def add(db: Session, email: str, password_hash: str, full_name: str) -> User:
    user = User(email=email.lower(), password_hash=password_hash, full_name=full_name)
    db.add(user)
    db.flush()
    return user


def set_password_hash(db: Session, user_id: int, password_hash: str) -> None:
    db.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))


def update_profile(db: Session, user: User, changes: dict[str, str | None]) -> User:
    for name, value in changes.items():
        setattr(user, name, value)
    db.flush()
    return user


def deactivate(db: Session, user: User) -> None:
    """The row stays, because orders point to it; everything personal goes."""
    user.is_active = False
    user.email = f"deleted-{user.id}@invalid"
    user.password_hash = "none$0$$"
    user.full_name = "deleted"
    user.phone = None
    user.shipping_address = None
    db.flush()
