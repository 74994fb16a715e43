"""What runs by itself, beside the requests."""

import logging
import threading
from datetime import timedelta

from sqlalchemy.orm import Session

from bookshop import notifications
from bookshop.db import open_session
from bookshop.models import utc_now
from bookshop.repositories import orders, users
from bookshop.services.checkout import cancel_order

logger = logging.getLogger(__name__)

STALE_AFTER = timedelta(hours=24)
INTERVAL_SECONDS = 15 * 60


def cancel_stale_orders(db: Session) -> int:
    """How many unpaid orders were cancelled and their copies put back."""
    stale = orders.list_pending_before(db, utc_now() - STALE_AFTER)
    for order in stale:
        cancel_order(db, order)
        user = users.get(db, order.user_id)
        if user is not None and user.is_active:
            notifications.order_cancelled(user, order)
    return len(stale)


def run_once() -> None:
    with open_session() as db:
        cancelled = cancel_stale_orders(db)
        db.commit()
    logger.info("cancelled %s stale orders", cancelled)


def run_forever(stop: threading.Event) -> None:
    while not stop.wait(INTERVAL_SECONDS):
        try:
            run_once()
        except Exception:
            logger.exception("the job failed; it is tried again at the next interval")


def start_jobs() -> threading.Event:
    stop = threading.Event()
    threading.Thread(target=run_forever, args=(stop,), name="bookshop-jobs", daemon=True).start()
    return stop
