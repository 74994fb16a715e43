from typing import Annotated

from fastapi import Depends, Header, Security

from models import User


def connection():
    yield User()


def current_user(session=Depends(connection)) -> User:
    #                    ^^^^^^^ calls deps.connection by di
    return User()


class Checker:
    def __init__(self, role: str):
        self.role = role

    def __call__(self, user: User):
        return user.name()
        #           ^^^^ calls models.User.name by typed


admin = Checker("admin")

CurrentUser = Annotated[User, Depends(current_user)]
