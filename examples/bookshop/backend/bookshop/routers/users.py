from fastapi import APIRouter

from bookshop.dependencies import CurrentUser, DbSession
from bookshop.models import User
from bookshop.schemas import PasswordChange, ProfileUpdate, UserOut
from bookshop.services import accounts

router = APIRouter(prefix="/users", tags=["users"])


@router.get("/me", response_model=UserOut)
def read_me(user: CurrentUser) -> User:
    return user


@router.patch("/me", response_model=UserOut)
def update_me(update: ProfileUpdate, user: CurrentUser, db: DbSession) -> User:
    return accounts.update_profile(db, user, update)


@router.put("/me/password", status_code=204, response_model=None)
def change_my_password(change: PasswordChange, user: CurrentUser, db: DbSession) -> None:
    accounts.change_password(db, user, change)


@router.delete("/me", status_code=204, response_model=None)
def close_my_account(user: CurrentUser, db: DbSession) -> None:
    accounts.close_account(db, user)
