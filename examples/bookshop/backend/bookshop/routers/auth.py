from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import OAuth2PasswordRequestForm

from bookshop.dependencies import DbSession
from bookshop.models import User
from bookshop.schemas import Registration, TokenOut, UserOut
from bookshop.services import accounts

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/register", response_model=UserOut, status_code=201)
def register(registration: Registration, db: DbSession) -> User:
    return accounts.register(db, registration)


@router.post("/token", response_model=TokenOut)
def create_token(form: Annotated[OAuth2PasswordRequestForm, Depends()], db: DbSession) -> TokenOut:
    return TokenOut(access_token=accounts.sign_in(db, form.username, form.password))
