"""Registering, signing in, and changing or closing an account."""

import logging

from sqlalchemy.orm import Session

from bookshop import security
from bookshop.errors import EmailTaken, InvalidCredentials
from bookshop.models import User
from bookshop.repositories import users
from bookshop.schemas import PasswordChange, ProfileUpdate, Registration

logger = logging.getLogger(__name__)


def register(db: Session, registration: Registration) -> User:
    if users.find_by_email(db, registration.email):
        raise EmailTaken("There is an account with this email")
    user = users.add(
        db,
        email=registration.email,
        password_hash=security.hash_password(registration.password),
        full_name=registration.full_name,
    )
    logger.info("registered user %s", user.id)
    return user


def authenticate(db: Session, email: str, password: str) -> User:
    user = users.find_by_email(db, email)
    if user is None or not user.is_active:
        raise InvalidCredentials("Wrong email or password")
    if not security.verify_password(password, user.password_hash):
        logger.warning("failed sign-in for user %s", user.id)
        raise InvalidCredentials("Wrong email or password")
    if security.needs_rehash(user.password_hash):
        users.set_password_hash(db, user.id, security.hash_password(password))
    return user


def sign_in(db: Session, email: str, password: str) -> str:
    return security.create_access_token(authenticate(db, email, password).id)


def change_password(db: Session, user: User, change: PasswordChange) -> None:
    authenticate(db, user.email, change.current_password)
    users.set_password_hash(db, user.id, security.hash_password(change.new_password))
    logger.info("user %s changed the password", user.id)


def update_profile(db: Session, user: User, update: ProfileUpdate) -> User:
    return users.update_profile(db, user, update.model_dump(exclude_unset=True))


def close_account(db: Session, user: User) -> None:
    users.deactivate(db, user)
    logger.info("closed the account of user %s", user.id)
