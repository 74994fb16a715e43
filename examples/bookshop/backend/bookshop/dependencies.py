"""What the routers ask for with Depends."""

from typing import Annotated

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy.orm import Session

from bookshop.config import Settings, get_settings
from bookshop.db import get_db
from bookshop.errors import InvalidCredentials, PermissionDenied
from bookshop.gateway import PaymentGateway
from bookshop.models import User
from bookshop.repositories import users
from bookshop.security import read_access_token

oauth2_scheme = OAuth2PasswordBearer(tokenUrl="/api/auth/token")

# Scope "function": the commit happens before the answer leaves, so that nobody is told of an order that was not kept.
DbSession = Annotated[Session, Depends(get_db, scope="function")]


def get_current_user(db: DbSession, token: Annotated[str, Depends(oauth2_scheme)]) -> User:
    user = users.get(db, read_access_token(token))
    if user is None or not user.is_active:
        raise InvalidCredentials("No active account for this token")
    return user


CurrentUser = Annotated[User, Depends(get_current_user)]


def require_admin(user: CurrentUser) -> User:
    if not user.is_admin:
        raise PermissionDenied("Only for administrators")
    return user


def get_gateway(settings: Annotated[Settings, Depends(get_settings)]) -> PaymentGateway:
    return PaymentGateway(settings.payment_api_url, settings.payment_api_key)


Gateway = Annotated[PaymentGateway, Depends(get_gateway)]
