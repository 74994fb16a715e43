"""Who did what: a decorator for everything an administrator can do."""

import functools
import logging
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy.orm import Session

from bookshop.models import AuditEntry, User

logger = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
Action = Callable[Concatenate[Session, User, P], R]


def audited(action: str) -> Callable[[Action[P, R]], Action[P, R]]:
    """Writes one audit entry in the same transaction, after the action has gone well."""

    def decorate(function: Action[P, R]) -> Action[P, R]:
        @functools.wraps(function)
        def wrapper(db: Session, actor: User, *args: P.args, **kwargs: P.kwargs) -> R:
            result = function(db, actor, *args, **kwargs)
            record(db, actor, action)
            return result

        return wrapper

    return decorate


def record(db: Session, actor: User, action: str) -> None:
    db.add(AuditEntry(actor_id=actor.id, action=action))
    logger.info("audit: user %s did %s", actor.id, action)
