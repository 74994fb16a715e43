from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Security

import deps
from deps import CurrentUser, admin, current_user
from models import User

router = APIRouter(dependencies=[Depends(admin)])
#                                ^^^^^^^ calls deps.Checker.__call__ by di


@router.get("/me")
def me(user: CurrentUser):
    #  ^^^^ calls deps.current_user by di
    return user.name()
    #           ^^^^ calls models.User.name by typed


@router.get("/direct")
def direct(user=Depends(current_user)):
    #           ^^^^^^^ calls deps.current_user by di
    return user.name()
    #           ^^^^ calls models.User.name by typed


@router.get("/annotated")
def annotated(user: Annotated[User, Depends(deps.current_user)]):
    #                               ^^^^^^^ calls deps.current_user by di
    return user.name()
    #           ^^^^ calls models.User.name by typed


@router.delete("/all", dependencies=[Depends(current_user), Security(admin)])
#                                                           ^^^^^^^^ calls deps.Checker.__call__ by di
#                                    ^^^^^^^ calls deps.current_user by di
def delete_all(user: deps.CurrentUser):
    #          ^^^^ calls deps.current_user by di
    return user.name()
    #           ^^^^ calls models.User.name by typed
